package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"aihub/hub"
	"aihub/hub/natsbus"
	"aihub/llm"
	"aihub/llm/knowledge"
	"aihub/store"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

const testPassword = "correct horse"

// site is the whole edge over a real socket, with a real database and bus, and two tenants with the same people.
type site struct {
	*httptest.Server
	t      *testing.T
	edge   *Server
	store  *store.Store
	users  map[string]store.User // by slug and role: "alfa usuario"
	tenant map[string]*store.Tenant
}

var testDist = fstest.MapFS{
	"index.html":       {Data: []byte(`<!doctype html><html lang="{{.Lang}}" data-theme="{{.Theme}}" data-slug="{{.Slug}}"><title>{{.Title}}</title><link rel="stylesheet" href="{{.BrandCSS}}">`)},
	"console.html":     {Data: []byte(`<!doctype html><html lang="{{.Lang}}" data-slug="{{.Slug}}"><title>{{.Title}}</title><link rel="stylesheet" href="{{.BrandCSS}}">`)},
	"gallery.html":     {Data: []byte(`<!doctype html><title>{{.Title}}</title>`)},
	"widget.html":      {Data: []byte(`<!doctype html><html lang="{{.Lang}}" data-theme="{{.Theme}}"><meta name="widget" content="{{.Config}}"><title>{{.Title}}</title>`)},
	"widget.js":        {Data: []byte(`(()=>{IXCHUB_KEYS.split(",")})()`)},
	"assets/app-1.js":  {Data: []byte(strings.Repeat("console.log(1);\n", 200))},
	"assets/one.woff2": {Data: []byte{0, 1, 2, 3}},
}

func newSite(t *testing.T) *site {
	t.Helper()
	ctx := t.Context()
	log := slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil))
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "hub.db"), store.Options{Logger: log})
	must(t, err)
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	bus, err := natsbus.Embedded(ctx, t.TempDir(), log)
	must(t, err)
	t.Cleanup(func() { _ = bus.Close(context.Background()) })
	key := []byte("0123456789abcdef0123456789abcdef")
	sealer, err := llm.NewSealer(key)
	must(t, err)
	models := llm.New(llm.Options{Logger: log})
	t.Cleanup(models.Close)
	tokens, err := NewTokens(db, key, 10*time.Minute)
	must(t, err)
	tokens.Trust(sealer, loopback)
	live := hub.New(hub.Options{Store: db, Bus: bus, LLM: models, Sealer: sealer, Auth: tokens, Logger: log, Instance: "i_test",
		Library: knowledge.NewLibrary(hub.KnowledgeOf(db))})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = live.Close(ctx)
	})
	edge, err := New(Options{Hub: live, Store: db, Tokens: tokens, Sealer: sealer, LLM: models, Logger: log, Dist: testDist, Version: "test", Development: true})
	must(t, err)
	s := &site{Server: httptest.NewServer(edge.Handler()), t: t, edge: edge, store: db, users: map[string]store.User{}, tenant: map[string]*store.Tenant{}}
	t.Cleanup(s.Close)
	hash, err := HashPassword(ctx, testPassword)
	must(t, err)
	must(t, db.Global().CreatePlan(ctx, store.Plan{ID: store.NewID("p"), Name: "all", Default: true, AllowGlobalKey: true}))
	must(t, db.Global().CreateLLMConfig(ctx, store.LLMConfig{ID: store.NewID("l"), Provider: "rehearsal", DefaultModel: "ensaio", State: store.StateActive, Default: true}))
	for _, slug := range []string{"alfa", "beta", "ixc"} {
		id, err := store.ParseTenantID(slug)
		must(t, err)
		must(t, db.Directory().CreateTenant(ctx, store.Profile{ID: id, Slug: slug, Name: "Provedor " + slug, State: store.StateActive, Brand: store.Brand{Color: "#ffcc00"}}))
		s.tenant[slug] = db.Tenant(id)
		roles := []string{store.RoleParticipant, store.RoleSupervisor, store.RoleAdmin}
		if slug == "ixc" {
			roles = []string{store.RoleOperator}
		}
		for _, role := range roles {
			u := store.User{ID: store.NewID("u"), Email: role + "@" + slug + ".example", Name: role, Role: role, PasswordHash: hash, State: store.StateActive}
			must(t, s.tenant[slug].CreateUser(ctx, u))
			s.users[slug+" "+role] = u
		}
	}
	return s
}

// token is an access token of a person, like "alfa usuario".
func (s *site) token(person string) string {
	s.t.Helper()
	u, ok := s.users[person]
	if !ok {
		s.t.Fatalf("nobody is %q", person)
	}
	slug, _, _ := strings.Cut(person, " ")
	p, err := s.edge.tokens.issue(s.tenant[slug].ID(), u, true)
	must(s.t, err)
	return p.Access
}

// answer is a response whose body has been read.
type answer struct {
	*http.Response
	body string
}

func (a answer) code() string {
	var p Problem
	_ = json.Unmarshal([]byte(a.body), &p)
	return p.Code
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// do sends a request; person "" sends no token, body nil no body.
func (s *site) do(person, method, path string, body any, headers ...string) answer {
	s.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		must(s.t, err)
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, r)
	must(s.t, err)
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if person != "" {
		req.Header.Set("Authorization", "Bearer "+s.token(person))
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	must(s.t, err)
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	must(s.t, err)
	return answer{res, string(data)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want fails unless the answer has the status, and the code where one is given.
func (a answer) want(t *testing.T, status int, code string) {
	t.Helper()
	if a.StatusCode != status || (code != "" && a.code() != code) {
		t.Errorf("%s %s: got %d %s, want %d %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body, status, code)
	}
}
