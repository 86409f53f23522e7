package handlers

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"aihub/hub"
	"aihub/store"
)

// What a tenant sets for itself: its looks, how long it keeps what people wrote, and what it tells them.

// BrandingBody is how the portal looks.
type BrandingBody struct {
	PortalName  string   `json:"portal_name" required:"false" maxLength:"60" doc:"empty: the distributor's name"`
	Color       string   `json:"color" required:"false" pattern:"^(#[0-9a-fA-F]{6})?$" doc:"everything that must be readable is computed from it"`
	Logo        string   `json:"logo" required:"false" maxLength:"200000" doc:"a data: URL of a PNG or SVG image"`
	Welcome     string   `json:"welcome" required:"false" maxLength:"200"`
	Suggestions []string `json:"suggestions" required:"false" maxItems:"6" doc:"first messages to choose from"`
	PrivacyURL  string   `json:"privacy_url" required:"false" maxLength:"500" doc:"the privacy policy, shown beside the notice"`
}

// RetentionBody says after how many days what was written is emptied or removed; 0 keeps it.
type RetentionBody struct {
	ContentDays  int64 `json:"content_days" required:"false" minimum:"0" maximum:"36500" doc:"texts and titles are emptied"`
	MetadataDays int64 `json:"metadata_days" required:"false" minimum:"0" maximum:"36500" doc:"messages and conversations are removed"`
	UsageDays    int64 `json:"usage_days" required:"false" minimum:"0" maximum:"36500" doc:"daily counters are removed"`
}

// PrivacyBody is what a tenant decides about its people's data.
type PrivacyBody struct {
	MaskPersonal bool   `json:"mask_personal" required:"false" doc:"CPF, CNPJ, e-mail and phone stay from models and supervisors"`
	TellWatched  bool   `json:"tell_watched" required:"false" doc:"people see that a supervisor watches"`
	Notice       string `json:"notice" required:"false" maxLength:"5000"`
	NoticeVer    string `json:"notice_version" required:"false" pattern:"^[a-zA-Z0-9_-]{0,40}$"`
}

type brandingView struct {
	Meta
	BrandingBody
}

type retentionView struct {
	Meta
	RetentionBody
}

type privacyView struct {
	Meta
	PrivacyBody
}

func tenantMeta(p store.Profile) Meta {
	return metaOf(p.ID.String(), p.Rev, p.CreatedAt, p.ChangedAt)
}

func viewBranding(p store.Profile) brandingView {
	b := p.Brand
	return brandingView{tenantMeta(p), BrandingBody{b.PortalName, b.Color, b.LogoURL, b.Welcome, orNone(b.Suggestions), b.PrivacyURL}}
}

func viewRetention(p store.Profile) retentionView {
	return retentionView{tenantMeta(p), RetentionBody(p.Retention)}
}

func viewPrivacy(p store.Profile) privacyView {
	return privacyView{tenantMeta(p), PrivacyBody(p.Privacy)}
}

// changeProfile reads the tenant's profile, lets set change it, and writes it under rev.
func changeProfile(ctx context.Context, t *store.Tenant, rev int64, set func(*store.Profile) error) (store.Profile, error) {
	p, err := t.Profile(ctx)
	if err != nil {
		return p, err
	}
	if err := set(&p); err != nil {
		return p, err
	}
	p.Rev = revision(rev, p.Rev)
	return t.UpdateProfile(ctx, p)
}

func (s *Server) getBranding(ctx context.Context, who hub.Principal) (brandingView, error) {
	p, err := who.Tenant.Profile(ctx)
	return viewBranding(p), err
}

func (s *Server) changeBranding(ctx context.Context, who hub.Principal, rev int64, apply func(*BrandingBody) error) (brandingView, error) {
	p, err := changeProfile(ctx, who.Tenant, rev, func(p *store.Profile) error {
		b := viewBranding(*p).BrandingBody
		if err := apply(&b); err != nil {
			return err
		}
		for _, text := range b.Suggestions {
			if strings.TrimSpace(text) == "" || len(text) > 200 {
				return hub.Ef("bad_field", "a suggestion has 1 to 200 bytes")
			}
		}
		if b.PrivacyURL != "" && webAddress(b.PrivacyURL) == "" {
			return hub.Ef("bad_field", "privacy_url is not a web address")
		}
		p.Brand = store.Brand{PortalName: strings.TrimSpace(b.PortalName), Color: strings.ToLower(b.Color), LogoURL: b.Logo, Welcome: b.Welcome, Suggestions: b.Suggestions,
			PrivacyURL: b.PrivacyURL}
		return checkLogo(*p)
	})
	return viewBranding(p), err
}

// checkLogo refuses what no browser would show.
func checkLogo(p store.Profile) error {
	if p.Brand.LogoURL == "" {
		return nil
	}
	refused := hub.Ef("bad_field", "logo must be a data: URL in base64 of a PNG or SVG image")
	kind, data, ok := logoOf(p)
	switch {
	case !ok:
		return refused
	case kind == "image/png":
		if !bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) {
			return refused
		}
		return nil
	}
	root := ""
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root == "svg" {
			return nil
		}
		if err != nil {
			return refused
		}
		if start, ok := token.(xml.StartElement); ok && root == "" {
			root = start.Name.Local
		}
	}
}

func (s *Server) getRetention(ctx context.Context, who hub.Principal) (retentionView, error) {
	p, err := who.Tenant.Profile(ctx)
	return viewRetention(p), err
}

func (s *Server) changeRetention(ctx context.Context, who hub.Principal, rev int64, apply func(*RetentionBody) error) (retentionView, error) {
	p, err := changeProfile(ctx, who.Tenant, rev, func(p *store.Profile) error {
		b := RetentionBody(p.Retention)
		if err := apply(&b); err != nil {
			return err
		}
		if b.MetadataDays > 0 && b.ContentDays > b.MetadataDays {
			return hub.Ef("bad_field", "content can't be kept longer than the messages it belongs to")
		}
		p.Retention = store.Retention(b)
		return nil
	})
	return viewRetention(p), err
}

func (s *Server) getPrivacy(ctx context.Context, who hub.Principal) (privacyView, error) {
	p, err := who.Tenant.Profile(ctx)
	return viewPrivacy(p), err
}

func (s *Server) changePrivacy(ctx context.Context, who hub.Principal, rev int64, apply func(*PrivacyBody) error) (privacyView, error) {
	p, err := changeProfile(ctx, who.Tenant, rev, func(p *store.Profile) error {
		b := PrivacyBody(p.Privacy)
		if err := apply(&b); err != nil {
			return err
		}
		p.Privacy = store.Privacy(b)
		return nil
	})
	return viewPrivacy(p), err
}
