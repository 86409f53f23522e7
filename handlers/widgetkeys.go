package handlers

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"regexp"
	"slices"

	"aihub/hub"
	"aihub/store"
)

// WidgetKeyBody is a public key of the widget: where it may be used, how much, and what the widget says there.
type WidgetKeyBody struct {
	Name      string             `json:"name" minLength:"1" maxLength:"80"`
	Origins   []string           `json:"origins" minItems:"1" maxItems:"50" doc:"like https://www.provedor.example; exact"`
	PlanID    string             `json:"plan_id" required:"false" maxLength:"80" doc:"of its visitors; empty: the default plan"`
	Caps      WidgetCapsBody     `json:"caps" required:"false" doc:"on new visitors, and on the messages of all its visitors together; 0: none"`
	Identity  string             `json:"identity" required:"false" enum:"optional,required" default:"optional"`
	Days      int64              `json:"days" required:"false" minimum:"0" maximum:"365" doc:"a visitor who stays away longer begins anew; 0: 30"`
	PoweredBy bool               `json:"powered_by" required:"false" default:"true"`
	Greeting  map[string]string  `json:"greeting" required:"false" doc:"by language"`
	Fields    []WidgetFieldBody  `json:"fields" required:"false" maxItems:"5" doc:"asked before the first message"`
	Purpose   map[string]string  `json:"purpose" required:"false" doc:"what the fields are asked for, by language"`
	Hours     []WidgetHoursBody  `json:"hours" required:"false" maxItems:"14" doc:"of the people who answer, by the distributor's clock"`
	Fallback  WidgetFallbackBody `json:"fallback" required:"false" doc:"when no answer can be given"`
	Consent   WidgetConsentBody  `json:"consent" required:"false" doc:"asked before anything is stored; no version: nothing is asked"`
	State     string             `json:"state" required:"false" enum:"active,disabled" default:"active"`
}

// WidgetCapsBody bounds the new visitors of a key, and the messages of all its visitors; 0 is no limit.
type WidgetCapsBody struct {
	PerMinute int64 `json:"per_minute" required:"false" minimum:"0" maximum:"1000000"`
	PerDay    int64 `json:"per_day" required:"false" minimum:"0" maximum:"100000000"`
}

type WidgetFieldBody struct {
	Name     string `json:"name" enum:"name,email,phone,document,contract"`
	Required bool   `json:"required" required:"false"`
}

type WidgetHoursBody struct {
	Days []int64 `json:"days" minItems:"1" maxItems:"7" doc:"0 is Sunday"`
	From string  `json:"from" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$"`
	To   string  `json:"to" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$"`
}

type WidgetFallbackBody struct {
	WhatsApp string `json:"whatsapp" required:"false" pattern:"^[0-9]{0,20}$" doc:"digits, with the country's code"`
	Phone    string `json:"phone" required:"false" maxLength:"40"`
	URL      string `json:"url" required:"false" maxLength:"500"`
}

type WidgetConsentBody struct {
	Version string            `json:"version" required:"false" pattern:"^[a-zA-Z0-9_-]{0,40}$"`
	Text    map[string]string `json:"text" required:"false" doc:"by language"`
	URL     string            `json:"url" required:"false" maxLength:"500"`
}

type widgetKeyView struct {
	Meta
	WidgetKeyBody
	IdentitySecrets int    `json:"identity_secrets" doc:"how many sign identities now: none, one, or two while they change"`
	Secret          string `json:"identity_secret,omitempty" doc:"a new secret; shown once"`
}

func viewWidgetKey(k store.WidgetKey) widgetKeyView {
	b := WidgetKeyBody{Name: k.Name, Origins: orNone(k.Origins), PlanID: k.PlanID, Caps: WidgetCapsBody{k.PerMin, k.PerDay}, Identity: "optional", Days: k.Days,
		PoweredBy: !k.Unsigned, Greeting: texts(k.Greeting), Purpose: texts(k.Purpose), Fallback: WidgetFallbackBody(k.Fallback), State: showState(k.State),
		Consent: WidgetConsentBody{k.Consent.Version, texts(k.Consent.Text), k.Consent.URL},
		Fields:  viewAll(k.Fields, func(f store.Field) WidgetFieldBody { return WidgetFieldBody(f) }),
		Hours:   viewAll(k.Hours, func(h store.Hours) WidgetHoursBody { return WidgetHoursBody(h) })}
	if k.Identity == store.IdentityRequired {
		b.Identity = "required"
	}
	return widgetKeyView{metaOf(k.ID, k.Rev, k.CreatedAt, k.ChangedAt), b, len(k.Secrets), ""}
}

func texts(t store.Texts) map[string]string {
	if t == nil {
		return map[string]string{}
	}
	return t
}

var languageTag = regexp.MustCompile(`^[a-z]{2}(-[A-Z]{2})?$`)

// set makes the key say what the body does.
func (b WidgetKeyBody) set(k *store.WidgetKey) error {
	origins := map[string]bool{}
	for _, text := range b.Origins {
		origin, err := ParseOrigin(text)
		if err != nil {
			return err
		}
		origins[origin] = true
	}
	for _, t := range []map[string]string{b.Greeting, b.Purpose, b.Consent.Text} {
		for language, text := range t {
			if !languageTag.MatchString(language) || len(text) > 2000 {
				return hub.Ef("bad_field", "texts are by language, like pt-BR, and have at most 2000 bytes")
			}
		}
	}
	for _, address := range []string{b.Fallback.URL, b.Consent.URL} {
		if address != "" && webAddress(address) == "" {
			return hub.Ef("bad_field", "url must begin with https://")
		}
	}
	k.Name, k.Origins, k.PlanID, k.PerMin, k.PerDay, k.Days = b.Name, slices.Sorted(maps.Keys(origins)), b.PlanID, b.Caps.PerMinute, b.Caps.PerDay, b.Days
	k.Unsigned, k.Greeting, k.Purpose, k.Fallback, k.State = !b.PoweredBy, b.Greeting, b.Purpose, store.Fallback(b.Fallback), storeState(b.State)
	k.Consent = store.Consent{Version: b.Consent.Version, Text: b.Consent.Text, URL: b.Consent.URL}
	k.Fields = viewAll(b.Fields, func(f WidgetFieldBody) store.Field { return store.Field(f) })
	k.Hours = viewAll(b.Hours, func(h WidgetHoursBody) store.Hours { return store.Hours(h) })
	k.Identity = store.IdentityOptional
	if b.Identity == "required" {
		k.Identity = store.IdentityRequired
	}
	return nil
}

func (s *Server) listWidgetKeys(ctx context.Context, who hub.Principal, p store.Page) ([]widgetKeyView, string, error) {
	list, next, err := who.Tenant.WidgetKeys(ctx, p)
	return viewAll(list, viewWidgetKey), next, err
}

func (s *Server) getWidgetKey(ctx context.Context, who hub.Principal, id string) (widgetKeyView, error) {
	k, err := who.Tenant.WidgetKey(ctx, id)
	return viewWidgetKey(k), err
}

func checkPlan(ctx context.Context, who hub.Principal, plan string) error {
	if plan == "" {
		return nil
	}
	_, err := who.Tenant.Plan(ctx, plan)
	if errors.Is(err, store.ErrNotFound) {
		return hub.Ef("bad_field", "there is no such plan")
	}
	return err
}

func (s *Server) createWidgetKey(ctx context.Context, who hub.Principal, id string, b WidgetKeyBody) (widgetKeyView, error) {
	k := store.WidgetKey{ID: id}
	if err := b.set(&k); err != nil {
		return widgetKeyView{}, err
	}
	if err := checkPlan(ctx, who, k.PlanID); err != nil {
		return widgetKeyView{}, err
	}
	if err := who.Tenant.CreateWidgetKey(ctx, k); err != nil {
		return widgetKeyView{}, err
	}
	s.keysChanged()
	return s.getWidgetKey(ctx, who, id)
}

func (s *Server) changeWidgetKey(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*WidgetKeyBody) error) (widgetKeyView, error) {
	k, err := who.Tenant.WidgetKey(ctx, id)
	if err != nil {
		return widgetKeyView{}, err
	}
	b := viewWidgetKey(k).WidgetKeyBody
	if err := apply(&b); err != nil {
		return widgetKeyView{}, err
	}
	if err := b.set(&k); err != nil {
		return widgetKeyView{}, err
	}
	if err := checkPlan(ctx, who, k.PlanID); err != nil {
		return widgetKeyView{}, err
	}
	k.Rev = revision(rev, k.Rev)
	k, err = who.Tenant.UpdateWidgetKey(ctx, k)
	s.keysChanged()
	s.revoked(ctx, who.Tenant, "") // its visitors', if it was switched off or now needs identities
	return viewWidgetKey(k), err
}

func (s *Server) deleteWidgetKey(ctx context.Context, who hub.Principal, id string, rev int64) error {
	err := who.Tenant.DeleteWidgetKey(ctx, id, rev)
	s.keysChanged()
	s.revoked(ctx, who.Tenant, "")
	return err
}

// renewWidgetSecret makes the secret that signs visitors' identities. The one before stays valid until the next is made,
// so that the distributor's site can change over.
func (s *Server) renewWidgetSecret(ctx context.Context, who hub.Principal, in *Item) (*rowOutput[widgetKeyView], error) {
	k, err := who.Tenant.WidgetKey(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	secret := rand.Text() + rand.Text()
	sealed, err := SealIdentitySecret(s.sealer.Seal, who.Tenant.ID(), k.ID, secret)
	if err != nil {
		return nil, err
	}
	k.Secrets = append([]string{sealed}, k.Secrets[:min(1, len(k.Secrets))]...)
	if k, err = who.Tenant.UpdateWidgetKey(ctx, k); err != nil {
		return nil, err
	}
	s.audit(ctx, who, in.Bearer, "/api/v1/widget-keys", "novo_segredo", k.ID, nil)
	v := viewWidgetKey(k)
	v.Secret = secret
	return showRow(v), nil
}
