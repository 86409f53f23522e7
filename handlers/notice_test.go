package handlers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"aihub/store"
)

// portalOf is a portal as its people see it.
func (s *site) portalOf(slug string) (p portalView) {
	s.t.Helper()
	s.do("", "GET", "/api/v1/portal/"+slug, nil).into(s.t, &p)
	return p
}

func TestWhoAgreesToTheNoticeIsAskedOnce(t *testing.T) {
	s := newSite(t)
	s.do("alfa admin", "PATCH", "/api/v1/retention", map[string]any{"content_days": 90}).want(t, 200, "")
	first := s.portalOf("alfa").Notice
	if !strings.Contains(first.Text["pt-BR"], "Provedor alfa") || !strings.Contains(first.Text["pt-BR"], "por 90 dias") || !strings.Contains(first.Text["en"], "for 90 days") || first.Version == "" {
		t.Errorf("%+v", first)
	}
	agree := func(version string) answer {
		return s.do("alfa usuario", "PUT", "/api/v1/me/consent", map[string]any{"version": version, "locale": "en"})
	}
	consents := func() (me struct{ Consents []consentView }) {
		s.do("alfa usuario", "GET", "/api/v1/me", nil).into(t, &me)
		return me
	}
	if got := consents().Consents; got == nil || len(got) != 0 {
		t.Errorf("before: %+v", got)
	}
	agree("another").want(t, 409, "conflict")
	agree(first.Version).want(t, 204, "")
	once := consents().Consents
	if at, err := time.Parse(time.RFC3339, once[0].At); len(once) != 1 || once[0].Version != first.Version || err != nil || time.Since(at) > time.Minute {
		t.Errorf("%+v %v", once, err)
	}
	agree(first.Version).want(t, 204, "")
	if again := consents().Consents; len(again) != 1 || again[0] != once[0] {
		t.Errorf("agreeing again changed %+v to %+v", once, again)
	}
	u, err := s.tenant["alfa"].User(t.Context(), s.users["alfa usuario"].ID)
	must(t, err)
	if u.Consents[first.Version].Digest != digest(first.Text["en"]) {
		t.Error("the digest is not that of the text which was shown")
	}

	// What another text says has not been agreed to.
	s.do("alfa admin", "PATCH", "/api/v1/privacy", map[string]any{"notice": "Leia antes."}).want(t, 200, "")
	second := s.portalOf("alfa").Notice
	if second.Version == first.Version || second.Text["pt-BR"] != "Leia antes." {
		t.Errorf("%+v", second)
	}
	agree(first.Version).want(t, 409, "conflict")
	s.do("alfa admin", "PATCH", "/api/v1/privacy", map[string]any{"notice_version": "2026-12"}).want(t, 200, "")
	agree("2026-12").want(t, 204, "")
	if got := consents().Consents; len(got) != 2 || got[1].Version != "2026-12" {
		t.Errorf("%+v", got)
	}
	if a := s.do("alfa admin", "GET", "/api/v1/users/"+u.ID, nil); !strings.Contains(a.body, `"version":"2026-12"`) {
		t.Error(a.body)
	}
	if a := s.do("alfa admin", "GET", "/api/v1/users/"+s.users["alfa supervisor"].ID, nil); !strings.Contains(a.body, `"consents":[]`) {
		t.Error(a.body)
	}
}

func TestThePrivacyPolicyIsAWebAddress(t *testing.T) {
	s := newSite(t)
	for _, bad := range []string{"javascript:alert(1)", "alfa.example/privacidade", "//alfa.example"} {
		s.do("alfa admin", "PATCH", "/api/v1/branding", map[string]any{"privacy_url": bad}).want(t, 422, "bad_field")
	}
	s.do("alfa admin", "PATCH", "/api/v1/branding", map[string]any{"privacy_url": "https://alfa.example/privacidade"}).want(t, 200, "")
	if got := s.portalOf("alfa").PrivacyURL; got != "https://alfa.example/privacidade" {
		t.Error(got)
	}
	s.do("alfa admin", "PATCH", "/api/v1/branding", map[string]any{"privacy_url": ""}).want(t, 200, "")
	if got := s.portalOf("alfa").PrivacyURL; got != "" {
		t.Error(got)
	}
}

func TestAPortalHasASignWithAndWithoutALogo(t *testing.T) {
	s := newSite(t)
	icons := func() (m struct{ Icons []manifestIcon }) {
		t.Helper()
		s.do("", "GET", "/p/alfa/manifest.webmanifest", nil).into(t, &m)
		return m
	}
	s.do("alfa admin", "PATCH", "/api/v1/branding", map[string]any{"portal_name": "<é> Fibra", "color": "#ffee00"}).want(t, 200, "")
	got := icons().Icons
	if len(got) != 1 || got[0].Purpose != "any maskable" || !strings.HasPrefix(got[0].Source, "/p/alfa/icon.svg?v=") {
		t.Fatalf("without a logo: %+v", got)
	}
	a := s.do("", "GET", got[0].Source, nil)
	a.want(t, 200, "")
	if err := xml.Unmarshal([]byte(a.body), new(struct{})); err != nil || !strings.Contains(a.body, ">É<") || !strings.Contains(a.body, `fill="#ffee00"`) ||
		!strings.Contains(a.body, `fill="#000000"`) || a.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("%v %s", err, a.body)
	}
	s.do("", "GET", "/p/nobody/icon.svg", nil).want(t, 404, "not_found")

	var picture bytes.Buffer
	must(t, png.Encode(&picture, image.NewGray(image.Rect(0, 0, 96, 48))))
	logo := "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture.Bytes())
	body, err := json.Marshal(map[string]any{"logo": logo})
	must(t, err)
	s.do("alfa admin", "PATCH", "/api/v1/branding", string(body)).want(t, 200, "")
	got = icons().Icons
	if len(got) != 2 || got[0].Sizes != "96x48" || got[0].Type != "image/png" || got[1].Purpose != "maskable" {
		t.Errorf("with a logo: %+v", got)
	}
	if url := iconURL(store.Profile{Slug: "alfa", Brand: store.Brand{LogoURL: logo}}); !strings.HasPrefix(url, "/p/alfa/logo?v=") {
		t.Error(url)
	}
}
