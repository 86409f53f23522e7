package handlers

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPortalPage(t *testing.T) {
	s := newSite(t)
	a := s.do("", "GET", "/p/alfa", nil, "Accept-Language", "en-GB,en;q=0.9", "Cookie", "theme=dark")
	a.want(t, 200, "")
	for _, part := range []string{`lang="en"`, `data-theme="dark"`, `data-slug="alfa"`, "<title>Provedor alfa</title>", "/p/alfa/brand.css?v="} {
		if !strings.Contains(a.body, part) {
			t.Errorf("the page lacks %s: %s", part, a.body)
		}
	}
	policy := a.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy lacks %s: %s", part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("unsafe policy: %s", policy)
	}
	for _, h := range []string{"X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"} {
		if a.Header.Get(h) == "" {
			t.Errorf("no %s", h)
		}
	}
	for _, path := range []string{"/p/nowhere", "/p/ALFA", "/p/alfa/x", "/nothing", "/assets/none.js", "/assets/../index.html"} {
		s.do("", "GET", path, nil).want(t, 404, "")
	}
	s.do("", "GET", "/p/alfa/c/c_1", nil).want(t, 200, "")
}

func TestAssetsAreCompressedAndKept(t *testing.T) {
	s := newSite(t)
	a := s.do("", "GET", "/assets/app-1.js", nil, "Accept-Encoding", "gzip")
	a.want(t, 200, "")
	if a.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("headers %v", a.Header)
	}
	s.do("", "GET", "/assets/app-1.js", nil, "If-None-Match", a.Header.Get("ETag"), "Accept-Encoding", "gzip").want(t, 304, "")
	if a := s.do("", "GET", "/assets/app-1.js", nil, "Accept-Encoding", "identity"); !strings.HasPrefix(a.body, "console.log") || !strings.Contains(a.Header.Get("Content-Type"), "javascript") {
		t.Errorf("%v %.40s", a.Header, a.body)
	}
}

func TestBrandCSSIsKeptUnderItsOwnVersionOnly(t *testing.T) {
	s := newSite(t)
	a := s.do("", "GET", "/p/alfa/brand.css?v="+brandVersion("#ffcc00"), nil)
	if !strings.Contains(a.body, "--brand:#ffcc00") || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%v %s", a.Header, a.body)
	}
	if a := s.do("", "GET", "/p/alfa/brand.css?v=old", nil); strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
		t.Error("another version is kept for ever")
	}
}

func TestHealth(t *testing.T) {
	s := newSite(t)
	s.do("", "GET", "/healthz", nil).want(t, 200, "")
	s.do("", "GET", "/readyz", nil).want(t, 200, "")
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		s.do("", "GET", path, nil).want(t, 404, "") // on the operations address alone
	}
	s.do("", "DELETE", "/healthz", nil).want(t, 405, "")
	s.do("", "GET", "/api/v1/docs", nil).want(t, 200, "")
	s.do("", "GET", "/api/v1/openapi.json", nil).want(t, 200, "")
}

func TestAPortalHasItsOwnDomain(t *testing.T) {
	s := newSite(t)
	p, err := s.tenant["alfa"].Profile(t.Context())
	must(t, err)
	p.Domains = []string{"chat.alfa.example"}
	_, err = s.tenant["alfa"].UpdateProfile(t.Context(), p)
	must(t, err)
	ask := func(host string) string {
		req := httptest.NewRequest("GET", "/", nil)
		req.Host = host
		w := httptest.NewRecorder()
		s.edge.Handler().ServeHTTP(w, req)
		return w.Header().Get("Location")
	}
	for host, want := range map[string]string{"chat.alfa.example": "/p/alfa", "CHAT.alfa.example:8443": "/p/alfa", "chat.beta.example": "", "x.chat.alfa.example": ""} {
		if got := ask(host); got != want {
			t.Errorf("%s leads to %q, want %q", host, got, want)
		}
	}
}
