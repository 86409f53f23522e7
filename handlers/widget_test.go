package handlers

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"

	"aihub/hub"
	"aihub/store"
)

const (
	pageOrigin   = "https://www.loja.example"
	testIdentity = "a secret of thirty-two bytes or more"
)

// widgetKey makes a key of a tenant; change sets what a test is about.
func (s *site) widgetKey(slug string, change func(*store.WidgetKey)) store.WidgetKey {
	s.t.Helper()
	k := store.WidgetKey{ID: store.NewID("pk"), Name: "site", Origins: []string{pageOrigin}, Identity: store.IdentityOptional, State: store.StateActive}
	sealed, err := SealIdentitySecret(s.edge.sealer.Seal, s.tenant[slug].ID(), k.ID, testIdentity)
	must(s.t, err)
	k.Secrets = []string{sealed}
	if change != nil {
		change(&k)
	}
	must(s.t, s.tenant[slug].CreateWidgetKey(s.t.Context(), k))
	s.edge.keysChanged()
	return k
}

// visit asks for a session as a page of the key's origin.
func (s *site) visit(body map[string]any, headers ...string) answer {
	s.t.Helper()
	return s.do("", "POST", "/api/v1/widget/sessions", body, append([]string{"Origin", pageOrigin}, headers...)...)
}

func (s *site) visitor(body map[string]any) widgetSessionBody {
	s.t.Helper()
	a := s.visit(body)
	a.want(s.t, 200, "")
	var v widgetSessionBody
	a.into(s.t, &v)
	return v
}

// as sends a request with a token.
func (s *site) as(token, method, path string, body any) answer {
	s.t.Helper()
	return s.do("", method, path, body, "Authorization", "Bearer "+token)
}

// visitorSocket is a visitor's authenticated socket.
func (s *site) visitorSocket(key, token string) *websocket.Conn {
	s.t.Helper()
	ws, _, err := websocket.Dial(s.t.Context(), s.URL+"/ws?k="+key, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {s.URL}}, Subprotocols: []string{subprotocol}})
	must(s.t, err)
	ws.SetReadLimit(1 << 20)
	s.t.Cleanup(func() { _ = ws.CloseNow() })
	s.send(ws, map[string]any{"t": "auth", "id": 1, "token": token})
	if f := s.next(ws); f["t"] != "hello" || f["user"].(map[string]any)["role"] != store.RoleVisitor {
		s.t.Fatalf("got %v", f)
	}
	return ws
}

// ask sends a message and returns the conversation it made; the answer is still being written.
func (s *site) ask(ws *websocket.Conn, cid, text string) (conv string) {
	s.t.Helper()
	s.send(ws, map[string]any{"t": "send", "id": 2, "cid": cid, "text": text})
	f := s.next(ws)
	if f["t"] != "ok" {
		s.t.Fatalf("refused: %v", f)
	}
	return f["conv"].(string)
}

func TestOnlyTheKeysPagesMayUseIt(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", func(k *store.WidgetKey) {
		k.Origins = append(k.Origins, "http://localhost:*", "https://xn--loja-8qa.example")
	})
	for origin, allowed := range map[string]bool{
		pageOrigin: true, s.URL: true, "http://localhost:3000": true, "http://localhost": true, "https://xn--loja-8qa.example": true,
		"": false, "null": false, "https://loja.example": false, "https://www.loja.example.evil.example": false, "https://evil.example": false,
		"http://www.loja.example": false, "https://www.loja.example:8443": false, "https://www.loja.example.": false, "https://WWW.loja.example": false,
		"https://user@www.loja.example": false, "https://www.loja.example/": false, "http://localhost.evil.example": false, "http://localhost:3000@evil.example": false,
		"http://127.0.0.1:1": false, "https://localhost:3000": false, "https://lojá.example": false,
	} {
		a := s.do("", "POST", "/api/v1/widget/sessions", map[string]any{"key": k.ID}, "Origin", origin)
		if got := a.StatusCode == 200; got != allowed {
			t.Errorf("session from %q: %d %s", origin, a.StatusCode, a.body)
		}
		if !allowed && a.code() != "origin_denied" {
			t.Errorf("session from %q: %s", origin, a.body)
		}
		h := http.Header{}
		if origin != "" {
			h.Set("Origin", origin)
		}
		ws, _, err := websocket.Dial(t.Context(), s.URL+"/ws?k="+k.ID, &websocket.DialOptions{HTTPHeader: h, Subprotocols: []string{subprotocol}})
		must(t, err)
		s.send(ws, map[string]any{"t": "auth", "id": 1, "token": "nonsense"})
		want := hub.CloseUnauth
		if !allowed {
			want = hub.CloseOrigin
		}
		if code := s.closed(ws); code != want {
			t.Errorf("socket from %q: closed with %d", origin, code)
		}
	}
	s.do("", "POST", "/api/v1/widget/sessions", map[string]any{"key": k.ID}).want(t, 403, "origin_denied")
}

func TestAKeyThatIsOffLooksLikeOneThatIsNot(t *testing.T) {
	s := newSite(t)
	off := s.widgetKey("alfa", func(k *store.WidgetKey) { k.State = store.StateDisabled })
	unknown := s.visit(map[string]any{"key": store.NewID("pk")})
	unknown.want(t, 404, "not_found")
	for _, key := range []string{off.ID, "pk_1", "", "pk_$ne", "u_" + off.ID[3:]} {
		if a := s.visit(map[string]any{"key": key}); a.body != unknown.body {
			t.Errorf("%q: %s", key, a.body)
		}
		a := s.do("", "GET", "/widget.html?k="+key, nil)
		if a.want(t, 404, "not_found"); !strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%q may be framed: %s", key, a.Header.Get("Content-Security-Policy"))
		}
	}
	for _, query := range []string{"?k=", "?k=" + off.ID + "&token=x", "?token=x", "?k=a&k=b", "?K=" + off.ID} {
		s.do("", "GET", "/ws"+query, nil).want(t, 422, "bad_field")
	}
}

func TestAVisitorTalksAndComesBack(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", nil)
	v := s.visitor(map[string]any{"key": k.ID, "page": pageOrigin + "/planos?cpf=1#x"})
	if v.User.Name != "Visitante" || v.User.Identified || v.ExpiresIn > 900 || v.Visitor == "" {
		t.Errorf("got %+v", v)
	}
	conv := s.ask(s.visitorSocket(k.ID, v.AccessToken), "1", "Olá")

	again := s.visitor(map[string]any{"key": k.ID, "visitor": v.Visitor})
	if again.User.ID != v.User.ID {
		t.Errorf("came back as %s, was %s", again.User.ID, v.User.ID)
	}
	var list struct{ Items []conversationView }
	s.as(again.AccessToken, "GET", "/api/v1/conversations", nil).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].ID != conv || list.Items[0].Channel != "widget" {
		t.Errorf("the list is %+v", list.Items)
	}
	s.as(again.AccessToken, "GET", "/api/v1/conversations/"+conv+"/messages", nil).want(t, 200, "")
	s.as(again.AccessToken, "GET", "/api/v1/conversations/"+conv+"/transcript", nil).want(t, 200, "")
	s.do("alfa supervisor", "GET", "/api/v1/conversations/"+conv, nil).want(t, 200, "")
	s.as(again.AccessToken, "GET", "/api/v1/me", nil).want(t, 403, "forbidden")
	if got, err := s.tenant["alfa"].Visitor(t.Context(), v.User.ID); err != nil || got.Page != pageOrigin+"/planos" {
		t.Errorf("stored %+v, %v", got, err)
	}

	s.as(v.AccessToken, "DELETE", "/api/v1/widget/sessions", nil).want(t, 204, "")
	s.as(again.AccessToken, "GET", "/api/v1/conversations", nil).want(t, 401, "unauthenticated")
	s.visit(map[string]any{"key": k.ID, "visitor": v.Visitor}).want(t, 401, "unauthenticated")
}

// One visitor against another's conversation, by every id, token and secret there is, on every route and frame.
func TestAVisitorReachesNobodyElse(t *testing.T) {
	s := newSite(t)
	k, other, foreign := s.widgetKey("alfa", nil), s.widgetKey("alfa", nil), s.widgetKey("beta", nil)
	a := s.visitor(map[string]any{"key": k.ID})
	conv := s.ask(s.visitorSocket(k.ID, a.AccessToken), "1", "canary of A")
	usual := s.converse("alfa usuario", "canary of a user")
	for name, v := range map[string]widgetSessionBody{"same key": s.visitor(map[string]any{"key": k.ID}), "other key": s.visitor(map[string]any{"key": other.ID}),
		"other tenant": s.visitor(map[string]any{"key": foreign.ID})} {
		unknown := s.as(v.AccessToken, "GET", "/api/v1/conversations/"+store.NewID("c"), nil)
		for _, id := range []string{conv, usual, strings.ToUpper(conv), conv + ".", a.User.ID, "c_$ne"} {
			for _, route := range []string{"GET ", "DELETE ", "GET /messages", "GET /transcript"} {
				method, rest, _ := strings.Cut(route, " ")
				if got := s.as(v.AccessToken, method, "/api/v1/conversations/"+id+rest, nil); got.StatusCode != 404 || got.body != unknown.body {
					t.Errorf("%s: %s%s: %d %s", name, route, id, got.StatusCode, got.body)
				}
			}
			s.as(v.AccessToken, "PATCH", "/api/v1/conversations/"+id, map[string]any{"title": "x"}).want(t, 403, "forbidden")
		}
		if got := s.as(v.AccessToken, "GET", "/api/v1/conversations", nil); strings.Contains(got.body, conv) || strings.Contains(got.body, "canary") {
			t.Errorf("%s: the list is %s", name, got.body)
		}
		ws := s.dial("", subprotocol)
		s.send(ws, map[string]any{"t": "auth", "id": 1, "token": v.AccessToken})
		s.next(ws)
		for _, frame := range []map[string]any{{"t": "sub", "conv": conv}, {"t": "typing", "conv": conv}, {"t": "send", "conv": conv, "cid": "x", "text": "x"}, {"t": "sub", "conv": usual}} {
			frame["id"] = 2
			s.send(ws, frame)
			if f := s.next(ws); f["code"] != "not_found" {
				t.Errorf("%s: %v: got %v", name, frame, f)
			}
		}
		id, secret, _ := strings.Cut(a.Visitor, ".")
		_, own, _ := strings.Cut(v.Visitor, ".")
		for _, mixed := range []string{id + "." + own, id + ".", id, "." + secret, v.User.ID + "." + secret, a.Visitor + "x", strings.ToUpper(a.Visitor)} {
			s.visit(map[string]any{"key": k.ID, "visitor": mixed}).want(t, 401, "unauthenticated")
		}
	}
	for _, key := range []string{other.ID, foreign.ID} { // the right secret with another key
		s.visit(map[string]any{"key": key, "visitor": a.Visitor}).want(t, 401, "unauthenticated")
	}
}

func TestAVisitorsSessionEndsWithItsTimeAndItsKey(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", nil)
	v := s.visitor(map[string]any{"key": k.ID})
	must(t, s.tenant["alfa"].NoteVisit(t.Context(), v.User.ID, store.Visit{EndsAt: time.Now().Add(-time.Second)}))
	s.visit(map[string]any{"key": k.ID, "visitor": v.Visitor}).want(t, 401, "unauthenticated")
	s.as(v.AccessToken, "GET", "/api/v1/conversations", nil).want(t, 200, "") // until the token's own end
	expired, err := s.edge.tokens.sign(s.tenant["alfa"].ID(), store.User{ID: v.User.ID, Role: store.RoleVisitor}, accessAudience, time.Now().Add(-time.Hour), time.Now().Add(-time.Minute))
	must(t, err)
	s.as(expired, "GET", "/api/v1/conversations", nil).want(t, 401, "token_expired")
	// A visitor's id with a user's role, and a user's id with a visitor's role.
	for id, role := range map[string]string{v.User.ID: store.RoleParticipant, s.users["alfa usuario"].ID: store.RoleVisitor} {
		mixed, err := s.edge.tokens.sign(s.tenant["alfa"].ID(), store.User{ID: id, Role: role}, accessAudience, time.Now(), time.Now().Add(time.Minute))
		must(t, err)
		s.as(mixed, "GET", "/api/v1/conversations", nil).want(t, 401, "unauthenticated")
	}
}

// proof signs an identity; change may spoil it.
func proof(t *testing.T, key string, secret string, change func(jwt.MapClaims, *jwt.Token)) string {
	t.Helper()
	c := jwt.MapClaims{"sub": "cliente-7", "aud": key, "exp": time.Now().Add(30 * time.Minute).Unix(), "name": "Ana Souza", "email": "ana@loja.example"}
	j := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	if change != nil {
		change(c, j)
	}
	var signer any = []byte(secret)
	if j.Method == jwt.SigningMethodNone {
		signer = jwt.UnsafeAllowNoneSignatureType
	}
	signed, err := j.SignedString(signer)
	must(t, err)
	return signed
}

func TestAnIdentityNeedsAProof(t *testing.T) {
	s := newSite(t)
	old := "the secret of before, also long enough"
	k := s.widgetKey("alfa", func(k *store.WidgetKey) {
		k.Identity = store.IdentityRequired
		sealed, err := SealIdentitySecret(s.edge.sealer.Seal, s.tenant["alfa"].ID(), k.ID, old)
		must(t, err)
		k.Secrets = append(k.Secrets, sealed)
	})
	other := s.widgetKey("alfa", nil)
	s.visit(map[string]any{"key": k.ID}).want(t, 401, "unauthenticated")

	v := s.visitor(map[string]any{"key": k.ID, "identity_token": proof(t, k.ID, testIdentity, nil)})
	if v.User.Name != "Ana Souza" || !v.User.Identified || v.Visitor != "" {
		t.Errorf("got %+v", v)
	}
	if again := s.visitor(map[string]any{"key": k.ID, "identity_token": proof(t, k.ID, old, nil)}); again.User.ID != v.User.ID {
		t.Error("the secret of before makes another visitor")
	}
	if elsewhere := s.visitor(map[string]any{"key": other.ID, "identity_token": proof(t, other.ID, testIdentity, nil)}); elsewhere.User.ID == v.User.ID {
		t.Error("two keys share a visitor")
	}
	soon := s.visitor(map[string]any{"key": k.ID, "identity_token": proof(t, k.ID, testIdentity, func(c jwt.MapClaims, _ *jwt.Token) { c["exp"] = time.Now().Add(10 * time.Second).Unix() })})
	if soon.ExpiresIn > 10+int64(leeway.Seconds()) {
		t.Errorf("the session outlives its proof by %d s", soon.ExpiresIn-10)
	}

	for name, change := range map[string]func(jwt.MapClaims, *jwt.Token){
		"no exp":        func(c jwt.MapClaims, _ *jwt.Token) { delete(c, "exp") },
		"exp too far":   func(c jwt.MapClaims, _ *jwt.Token) { c["exp"] = time.Now().Add(2 * time.Hour).Unix() },
		"expired":       func(c jwt.MapClaims, _ *jwt.Token) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
		"no aud":        func(c jwt.MapClaims, _ *jwt.Token) { delete(c, "aud") },
		"other aud":     func(c jwt.MapClaims, _ *jwt.Token) { c["aud"] = other.ID },
		"no sub":        func(c jwt.MapClaims, _ *jwt.Token) { delete(c, "sub") },
		"blank sub":     func(c jwt.MapClaims, _ *jwt.Token) { c["sub"] = "  " },
		"long sub":      func(c jwt.MapClaims, _ *jwt.Token) { c["sub"] = strings.Repeat("x", 200) },
		"number as sub": func(c jwt.MapClaims, _ *jwt.Token) { c["sub"] = 7 },
		"from tomorrow": func(c jwt.MapClaims, _ *jwt.Token) { c["nbf"] = time.Now().Add(time.Hour).Unix() },
		"none":          func(_ jwt.MapClaims, j *jwt.Token) { j.Method, j.Header["alg"] = jwt.SigningMethodNone, "none" },
		"HS512":         func(_ jwt.MapClaims, j *jwt.Token) { j.Method, j.Header["alg"] = jwt.SigningMethodHS512, "HS512" },
		"key by URL":    func(_ jwt.MapClaims, j *jwt.Token) { j.Header["jku"] = "https://evil.example" },
	} {
		if a := s.visit(map[string]any{"key": k.ID, "identity_token": proof(t, k.ID, testIdentity, change)}); a.StatusCode != 401 {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	for name, token := range map[string]string{"another secret": proof(t, k.ID, "another secret of thirty-two bytes", nil), "empty secret": proof(t, k.ID, "", nil),
		"our own token": s.token("alfa usuario"), "nonsense": "x.y.z"} {
		if a := s.visit(map[string]any{"key": k.ID, "identity_token": token}); a.StatusCode != 401 {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
}

// A key that comes to require identities also stops the anonymous visitors it has.
func TestIdentityRequiredStopsAnonymousVisitors(t *testing.T) {
	s := newSite(t)
	open := s.widgetKey("alfa", nil)
	v := s.visitor(map[string]any{"key": open.ID})
	required := s.widgetKey("alfa", func(k *store.WidgetKey) { k.Identity = store.IdentityRequired })
	anonymous := store.Visitor{ID: store.NewID("v"), KeyID: required.ID}
	must(t, s.tenant["alfa"].CreateVisitor(t.Context(), anonymous))
	token, err := s.edge.tokens.sign(s.tenant["alfa"].ID(), store.User{ID: anonymous.ID, Role: store.RoleVisitor}, accessAudience, time.Now(), time.Now().Add(time.Minute))
	must(t, err)
	s.as(v.AccessToken, "GET", "/api/v1/conversations", nil).want(t, 200, "")
	s.as(token, "GET", "/api/v1/conversations", nil).want(t, 401, "unauthenticated")
	ws := s.dial("", subprotocol)
	s.send(ws, map[string]any{"t": "auth", "id": 1, "token": token})
	if f := s.next(ws); f["code"] != "unauthenticated" {
		t.Errorf("got %v", f)
	}
}

func TestConsentComesBeforeAnythingIsStored(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", func(k *store.WidgetKey) {
		k.Consent = store.Consent{Version: "v1", Text: store.Texts{"pt-BR": "Aviso", "en": "Notice"}}
		k.Fields = []store.Field{{Name: "name", Required: true}, {Name: "document"}}
	})
	for name, body := range map[string]map[string]any{
		"no consent":      {"fields": map[string]any{"name": "Ana"}},
		"another version": {"consent": "v0", "fields": map[string]any{"name": "Ana"}},
		"no name":         {"consent": "v1"},
		"a blank name":    {"consent": "v1", "fields": map[string]any{"name": "  "}},
		"a wrong CPF":     {"consent": "v1", "fields": map[string]any{"name": "Ana", "document": "123.456.789-00"}},
		"another field":   {"consent": "v1", "fields": map[string]any{"name": "Ana", "papel": "admin"}},
		"a control":       {"consent": "v1", "fields": map[string]any{"name": "Ana\u0000"}},
		"unknown member":  {"consent": "v1", "fields": map[string]any{"name": "Ana"}, "role": "admin"},
	} {
		body["key"] = k.ID
		if a := s.visit(body); a.StatusCode != 422 || a.code() != "bad_field" {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	v := s.visitor(map[string]any{"key": k.ID, "consent": "v1", "locale": "en", "fields": map[string]any{"name": " Ana  Souza ", "document": "529.982.247-25"}})
	got, err := s.tenant["alfa"].Visitor(t.Context(), v.User.ID)
	must(t, err)
	if c := got.Consents["v1"]; c.Digest != hashSecret("Notice") || time.Since(c.At) > time.Minute || got.Name != "Ana Souza" || got.Answers["document"] != "52998224725" {
		t.Errorf("stored %+v", got)
	}
	s.visit(map[string]any{"key": k.ID, "visitor": v.Visitor}).want(t, 200, "") // agreed once
}

func TestNewVisitorsAreBoundedAndOldOnesAreNot(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", func(k *store.WidgetKey) { k.PerDay = 2 })
	v := s.visitor(map[string]any{"key": k.ID})
	s.visitor(map[string]any{"key": k.ID})
	a := s.visit(map[string]any{"key": k.ID})
	if a.want(t, 429, "quota_exceeded"); a.Header.Get("Retry-After") == "" || !strings.Contains(a.body, "reset_at") {
		t.Errorf("got %s", a.body)
	}
	s.visitor(map[string]any{"key": k.ID, "visitor": v.Visitor})
}

func TestAKeysPlanIsItsVisitorsPlan(t *testing.T) {
	s := newSite(t)
	plan := store.Plan{ID: store.NewID("p"), Name: "site", AllowGlobalKey: true, Limits: []store.Limit{{Window: store.WindowDay, Messages: 1}}}
	must(t, s.tenant["alfa"].CreatePlan(t.Context(), plan))
	k := s.widgetKey("alfa", func(k *store.WidgetKey) { k.PlanID = plan.ID })
	ws := s.visitorSocket(k.ID, s.visitor(map[string]any{"key": k.ID}).AccessToken)
	s.ask(ws, "1", "Olá")
	s.send(ws, map[string]any{"t": "send", "id": 3, "cid": "2", "text": "Olá"})
	for f := s.next(ws); f["t"] != "err" || f["code"] != "quota_exceeded"; f = s.next(ws) {
		if f["t"] == "ok" {
			t.Fatalf("taken in: %v", f)
		}
	}
}

func TestTheFrameSaysWhoMayShowItAndWhatItNeeds(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", func(k *store.WidgetKey) {
		k.Origins = append(k.Origins, "http://localhost:*", "https://evil.example; script-src *", "https://UPPER.example")
		k.Greeting = store.Texts{"pt-BR": `Olá "<b>"`}
		k.Fallback = store.Fallback{WhatsApp: "+55 (49) 99999-0000", URL: "javascript:alert(1)"}
	})
	a := s.do("", "GET", "/widget.html?k="+k.ID+"&l=en-US&t=dark", nil, "Accept-Language", "pt-BR")
	a.want(t, 200, "")
	policy := a.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors "+pageOrigin+" http://localhost:*;") || strings.Contains(policy, "evil") || strings.Contains(policy, "unsafe") ||
		!strings.Contains(policy, "require-trusted-types-for 'script'") {
		t.Errorf("the policy is %s", policy)
	}
	for _, part := range []string{`lang="en"`, `data-theme="dark"`, `&#34;whatsapp&#34;:&#34;5549999990000&#34;`} {
		if !strings.Contains(a.body, part) {
			t.Errorf("the page lacks %s: %s", part, a.body)
		}
	}
	for _, part := range []string{"javascript:", `<b>`, testIdentity, "segredos", k.Secrets[0]} {
		if strings.Contains(a.body, part) {
			t.Errorf("the page has %s: %s", part, a.body)
		}
	}
}

func TestTheLoaderKnowsWhichKeysItsPageMayUse(t *testing.T) {
	s := newSite(t)
	a, b := s.widgetKey("alfa", nil), s.widgetKey("beta", nil)
	off := s.widgetKey("alfa", func(k *store.WidgetKey) { k.State = store.StateDisabled })
	far := s.widgetKey("alfa", func(k *store.WidgetKey) { k.Origins = []string{"https://far.example"} })
	for referer, want := range map[string][]string{pageOrigin + "/planos": {a.ID, b.ID}, "https://far.example/": {far.ID}, "https://evil.example/": {}} {
		got := s.do("", "GET", "/widget.js", nil, "Referer", referer)
		got.want(t, 200, "")
		for _, k := range []store.WidgetKey{a, b, off, far} {
			wanted := false
			for _, id := range want {
				wanted = wanted || id == k.ID
			}
			if strings.Contains(got.body, k.ID+":ffcc00") != wanted {
				t.Errorf("for %s: %s", referer, got.body)
			}
		}
		if kept := strings.Contains(got.Header.Get("Cache-Control"), "max-age=300"); kept != (len(want) > 0) {
			t.Errorf("for %s: kept %v", referer, kept)
		}
		if got.Header.Get("Vary") == "" || got.Header.Get("Set-Cookie") != "" || got.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("headers %v", got.Header)
		}
	}
	if got := s.do("", "GET", "/widget.js", nil); !strings.Contains(got.body, `"*"`) {
		t.Errorf("without a referer: %s", got.body)
	}
}

func TestTheDemoSiteIsStrictAndOnAnotherOrigin(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", nil)
	a := s.do("", "GET", "/demo/alfa?locale=en&onload=x", nil)
	a.want(t, 200, "")
	policy := a.Header.Get("Content-Security-Policy")
	if !strings.Contains(a.body, `data-key="`+k.ID+`"`) || !strings.Contains(a.body, `src="http://localhost:`) || !strings.Contains(a.body, `data-locale="en"`) || strings.Contains(a.body, "onload") {
		t.Errorf("got %s", a.body)
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "connect-src") || !strings.Contains(policy, "require-trusted-types-for 'script'") {
		t.Errorf("the policy is %s", policy)
	}
	s.do("", "GET", "/demo/alfa/site.css", nil).want(t, 200, "")
	s.do("", "GET", "/demo/alfa/planos", nil).want(t, 200, "")
	for _, path := range []string{"/demo/nobody", "/demo/alfa/x", "/demo/alfa/planos/x"} {
		s.do("", "GET", path, nil).want(t, 404, "")
	}
}

func TestOrigins(t *testing.T) {
	for text, want := range map[string]string{
		"https://www.Loja.example": "https://www.loja.example", "https://loja.example/": "https://loja.example", "https://loja.example:443": "https://loja.example",
		"https://loja.example:8443": "https://loja.example:8443", "https://ação.example": "https://xn--ao-siap.example", "http://localhost": "http://localhost",
		"http://localhost:*": "http://localhost:*", "http://127.0.0.1:80": "http://127.0.0.1", "http://loja.example": "", "https://loja.example:*": "", "https://*.loja.example": "",
		"https://loja.example/x": "", "https://u@loja.example": "", "loja.example": "", "javascript:alert(1)": "", "https://": "", "": "", "*": "", "null": "",
		"https://loja.example?x": "", "https://loja.example#x": "", "https://loja.example; script-src": "", "https://a b": "", "http://localhost:1:*": "",
	} {
		got, err := ParseOrigin(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestDocuments(t *testing.T) {
	for text, want := range map[string]bool{"52998224725": true, "11111111111": false, "52998224724": false, "00000000000191": true, "00000000000192": false,
		"12ABC34501DE35": true, "12ABC34501DE36": false, "12ABC34501DEAA": false, "5299822472A": false, "529": false, "": false} {
		if text != "" && validDocument(text) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

func TestHours(t *testing.T) {
	loc, err := time.LoadLocation("America/Sao_Paulo")
	must(t, err)
	hours := []store.Hours{{Days: []int64{1, 2, 3, 4, 5}, From: "08:00", To: "18:00"}, {Days: []int64{6}, From: "08:00", To: "12:00"}}
	for _, c := range []struct{ now, next string }{
		{"2026-11-24 10:00", "open"}, {"2026-11-24 07:59", "2026-11-24 08:00"}, {"2026-11-24 18:00", "2026-11-25 08:00"},
		{"2026-11-28 12:00", "2026-11-30 08:00"}, {"2026-11-29 10:00", "2026-11-30 08:00"},
	} {
		now, err := time.ParseInLocation("2006-01-02 15:04", c.now, loc)
		must(t, err)
		got := "open"
		if open, next := openAt(hours, now); !open {
			got = next.Format("2006-01-02 15:04")
		}
		if got != c.next {
			t.Errorf("at %s: %s, want %s", c.now, got, c.next)
		}
	}
	if open, next := openAt([]store.Hours{{Days: []int64{9}, From: "x", To: ""}}, time.Now()); open || !next.IsZero() {
		t.Error("nonsense opens")
	}
}

func TestTheWidgetsConfigurationIsTheSameTextInJSON(t *testing.T) {
	c := (&Server{}).configOf(widgetUse{key: store.WidgetKey{ID: "pk_1"}, profile: store.Profile{Slug: "a", Name: "A"}}, time.Now())
	data, err := json.Marshal(c)
	must(t, err)
	if want := `"fields":[]`; !strings.Contains(string(data), want) || c.Consent != nil || !c.Signed {
		t.Errorf("%s lacks %s", data, want)
	}
}

func FuzzPageAddress(f *testing.F) {
	for _, s := range []string{"https://loja.example/a?b#c", "javascript:alert(1)", "//x", "https://u:p@x/", "http://[::1]:1/%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := hub.CleanPage(s); strings.ContainsAny(got, "?#@ \n") && got != "" && !strings.Contains(got, "/") {
			t.Errorf("%q became %q", s, got)
		}
		if o, err := ParseOrigin(s); err == nil {
			if again, err := ParseOrigin(o); err != nil || again != o || strings.ContainsAny(o, " ;,'\"\n@?#") {
				t.Errorf("%q became %q, then %q", s, o, again)
			}
		}
	})
}

func TestWhatEndsAVisitorEndsTheirConnection(t *testing.T) {
	s := newSite(t)
	for name, end := range map[string]func(store.WidgetKey, widgetSessionBody){
		"the key is switched off": func(k store.WidgetKey, _ widgetSessionBody) {
			s.do("alfa admin", "PATCH", "/api/v1/widget-keys/"+k.ID, map[string]any{"state": "disabled"}).want(t, 200, "")
		},
		"the key needs identities now": func(k store.WidgetKey, _ widgetSessionBody) {
			s.do("alfa admin", "PATCH", "/api/v1/widget-keys/"+k.ID, map[string]any{"identity": "required"}).want(t, 200, "")
		},
		"the visitor leaves": func(_ store.WidgetKey, v widgetSessionBody) {
			s.as(v.AccessToken, "DELETE", "/api/v1/widget/sessions", nil).want(t, 204, "")
		},
	} {
		k := s.widgetKey("alfa", nil)
		v := s.visitor(map[string]any{"key": k.ID})
		ws := s.visitorSocket(k.ID, v.AccessToken)
		end(k, v)
		if code := s.closed(ws); code != hub.CloseExpired {
			t.Errorf("%s: closed with %d", name, code)
		}
	}
}

// A key's caps bound the messages of all its visitors together, and nobody else's.
func TestAKeysCapsBoundWhatItsVisitorsWrite(t *testing.T) {
	s := newSite(t)
	minute := func() time.Time { return time.Now().Truncate(time.Minute) }
	say := func(k store.WidgetKey, v widgetSessionBody, cid string) map[string]any {
		ws := s.visitorSocket(k.ID, v.AccessToken)
		s.send(ws, map[string]any{"t": "send", "id": 2, "cid": cid, "text": "Olá"})
		return s.next(ws)
	}
	for try := range 3 { // as often as a minute ends in between
		began := minute()
		k := s.widgetKey("alfa", func(k *store.WidgetKey) { k.PerMin = 3 })
		other := s.widgetKey("alfa", func(k *store.WidgetKey) { k.PerMin = 3 })
		a, b, c := s.visitor(map[string]any{"key": k.ID}), s.visitor(map[string]any{"key": k.ID}), s.visitor(map[string]any{"key": other.ID})
		frames := []map[string]any{say(k, a, "1"), say(k, a, "2"), say(k, b, "1"), say(k, a, "3"), say(other, c, "1"), say(k, a, "2")}
		if minute() != began && try < 2 {
			continue
		}
		for i, f := range frames {
			if i != 3 && f["t"] != "ok" {
				t.Errorf("message %d: %v", i, f)
			}
		}
		f := frames[3]
		if left, _ := f["retry_ms"].(float64); f["code"] != "quota_exceeded" || f["retry"] != true || left < 1000 || left > 60_000 ||
			f["reset_at"] != began.Add(time.Minute).UTC().Format("2006-01-02T15:04:05.000Z") {
			t.Errorf("the fourth message: %v", f)
		}
		return
	}
}
