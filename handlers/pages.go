package handlers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"aihub/hub"
	"aihub/store"
)

// pageData is what a built page's template is filled with.
type pageData struct {
	Lang, Theme, Title, Slug, BrandCSS, Color, Icon, Manifest, Description string
}

// portal serves a tenant's portal; the application in it reads the rest of the address.
func (s *Server) portal(w http.ResponseWriter, r *http.Request) {
	slug := mux.Vars(r)["slug"]
	_, p, err := s.tenantBySlug(r.Context(), slug)
	if errors.Is(err, store.ErrNotFound) {
		notFoundPage(w, r)
		return
	}
	if err != nil {
		sendProblem(w, err)
		return
	}
	v := viewPortal(p)
	base := "/p/" + p.Slug
	s.page(w, r, "index.html", pageData{Lang: language(r), Theme: theme(r), Title: v.PortalName, Slug: p.Slug, Color: v.Color,
		BrandCSS: base + "/brand.css?v=" + brandVersion(p.Brand.Color), Icon: iconURL(p), Manifest: base + "/manifest.webmanifest",
		Description: v.Welcome}, s.pagePolicy(r, "'none'"))
}

// gallery shows every component in every state, for developers.
func (s *Server) gallery(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, "gallery.html", pageData{Lang: language(r), Theme: theme(r), Title: "Gallery", Color: defaultColor}, s.pagePolicy(r, "'none'"))
}

func (s *Server) page(w http.ResponseWriter, r *http.Request, name string, data any, policy string) {
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, data); err != nil {
		s.log.Error("page", "name", name, "error", err)
		sendProblem(w, hub.E("internal"))
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Cookie, Accept-Language")
	_, _ = w.Write(b.Bytes())
}

// pagePolicy lets a page use nothing but what this origin serves, and be framed by the ancestors alone. 'self' does not
// cover wss: in every browser.
func (s *Server) pagePolicy(r *http.Request, ancestors string) string {
	socket := "ws://" + r.Host
	if s.public != nil {
		socket = "ws" + strings.TrimPrefix(s.public.Scheme, "http") + "://" + s.public.Host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self' " + socket +
		"; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors " + ancestors + "; require-trusted-types-for 'script'; trusted-types 'none'"
}

// theme is what the person chose before, from the cookie that the application sets.
func theme(r *http.Request) string {
	if c, err := r.Cookie("theme"); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return "system"
}

// language is the person's choice, else the first of ours that the browser asks for, else Portuguese.
func language(r *http.Request) string {
	if c, err := r.Cookie("lang"); err == nil && (c.Value == "pt-BR" || c.Value == "en") {
		return c.Value
	}
	for tag := range strings.SplitSeq(strings.ToLower(r.Header.Get("Accept-Language")), ",") {
		switch tag = strings.TrimSpace(tag); {
		case strings.HasPrefix(tag, "pt"):
			return "pt-BR"
		case strings.HasPrefix(tag, "en"):
			return "en"
		}
	}
	return "pt-BR"
}

type portalInput struct {
	Slug string `path:"slug"`
}

type portalOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         portalView
}

type portalView struct {
	Slug        string      `json:"slug"`
	Name        string      `json:"name"`
	PortalName  string      `json:"portal_name"`
	Color       string      `json:"color"`
	LogoURL     string      `json:"logo_url" doc:"empty: there is none"`
	Welcome     string      `json:"welcome"`
	Suggestions []string    `json:"suggestions"`
	PrivacyURL  string      `json:"privacy_url" doc:"empty: there is none"`
	Notice      noticeView  `json:"notice"`
	Logins      []loginView `json:"logins" doc:"other ways to log in than with a password: /auth/oidc/{slug}/start?provider={id}"`
}

type loginView struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func viewPortal(p store.Profile) portalView {
	v := portalView{Slug: p.Slug, Name: p.Name, PortalName: p.Brand.PortalName, Color: p.Brand.Color, Welcome: p.Brand.Welcome, Suggestions: p.Brand.Suggestions,
		PrivacyURL: webAddress(p.Brand.PrivacyURL), Notice: noticeOf(p)}
	if v.PortalName == "" {
		v.PortalName = p.Name
	}
	if _, ok := parseHex(v.Color); !ok {
		v.Color = defaultColor
	}
	if v.Suggestions == nil {
		v.Suggestions = []string{}
	}
	if _, _, ok := logoOf(p); ok {
		sum := sha256.Sum256([]byte(p.Brand.LogoURL))
		v.LogoURL = "/p/" + p.Slug + "/logo?v=" + hex.EncodeToString(sum[:6])
	}
	return v
}

func (s *Server) getPortal(ctx context.Context, in *portalInput) (*portalOutput, error) {
	tenant, p, err := s.tenantBySlug(ctx, in.Slug)
	if err != nil {
		return nil, err
	}
	logins, err := activeLogins(ctx, tenant)
	if err != nil {
		return nil, err
	}
	v := viewPortal(p)
	v.Logins = viewAll(logins, func(l store.LoginProvider) loginView { return loginView{l.ID, l.Name} })
	return &portalOutput{CacheControl: "no-cache", Body: v}, nil
}

// brandCSS serves the tenant's colours. The address carries their hash, so that a change is seen at once.
func (s *Server) brandCSS(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.tenantBySlug(r.Context(), mux.Vars(r)["slug"])
	if err != nil {
		sendProblem(w, err)
		return
	}
	cache := "no-cache"
	if r.URL.Query().Get("v") == brandVersion(p.Brand.Color) {
		cache = "public, max-age=31536000, immutable"
	}
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(brandCSS(p.Brand.Color)))
}

// logoOf returns a tenant's logo, which is kept as a data: URL.
func logoOf(p store.Profile) (kind string, data []byte, ok bool) {
	rest, ok := strings.CutPrefix(p.Brand.LogoURL, "data:")
	if !ok {
		return "", nil, false
	}
	kind, body, ok := strings.Cut(rest, ";base64,")
	if !ok || (kind != "image/svg+xml" && kind != "image/png") {
		return "", nil, false
	}
	data, err := base64.StdEncoding.DecodeString(body)
	return kind, data, err == nil
}

// logo serves the tenant's logo. It comes from outside, so it may do nothing, wherever it is opened.
func (s *Server) logo(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.tenantBySlug(r.Context(), mux.Vars(r)["slug"])
	if err != nil {
		sendProblem(w, err)
		return
	}
	kind, data, ok := logoOf(p)
	if !ok {
		sendProblem(w, hub.E("not_found"))
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("Cache-Control", "public, max-age=86400")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// manifest lets people put the portal on their home screen.
func (s *Server) manifest(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.tenantBySlug(r.Context(), mux.Vars(r)["slug"])
	if err != nil {
		sendProblem(w, err)
		return
	}
	v := viewPortal(p)
	m := map[string]any{"name": v.PortalName, "short_name": v.PortalName, "start_url": "/p/" + p.Slug, "scope": "/p/" + p.Slug, "display": "standalone",
		"background_color": "#ffffff", "theme_color": v.Color, "lang": "pt-BR", "icons": manifestIcons(p)}
	w.Header().Set("Content-Type", "application/manifest+json")
	w.Header().Set("Cache-Control", "no-cache")
	_ = json.NewEncoder(w).Encode(m)
}
