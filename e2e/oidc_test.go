package e2e

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"aihub/e2e/idp"
	"aihub/e2e/rig"
)

// browser follows redirects one by one, as a test wants to see them, and keeps cookies.
func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// visit opens an address and returns where it leads.
func visit(t *testing.T, ctx context.Context, b *http.Client, address string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode < 300 || res.StatusCode > 399 {
		t.Fatalf("%s answers %d", address, res.StatusCode)
	}
	to, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	return to.String()
}

// who asks the server whose session the browser has; "": nobody's.
func who(t *testing.T, ctx context.Context, b *http.Client, base string) (email, role string) {
	t.Helper()
	call := func(method, path, token, body string, into any) bool {
		req, err := http.NewRequestWithContext(ctx, method, base+"/api/v1"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", base)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := b.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return false
		}
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
		return true
	}
	var tokens struct {
		Access string `json:"access_token"`
	}
	if !call(http.MethodPost, "/auth/refresh", "", `{"tenant":"alfa"}`, &tokens) {
		return "", ""
	}
	var me struct{ User struct{ Email, Role string } }
	if !call(http.MethodGet, "/me", tokens.Access, "", &me) {
		t.Fatal("a session that may not ask who it is")
	}
	return me.User.Email, me.User.Role
}

func loginProvider(t *testing.T, ctx context.Context, w *rig.World, p *idp.Server, more object) string {
	t.Helper()
	body := object{"name": "Conta da Alfa", "issuer": p.Issuer(), "client_id": idp.Client, "client_secret": idp.Secret, "create_users": true}
	for k, v := range more {
		body[k] = v
	}
	return admin(t, ctx, w, "/login-providers", body)
}

func startIDP(t *testing.T) *idp.Server {
	t.Helper()
	p, err := idp.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// People log in at their distributor's own provider: made at their first login, found at the next, with the role that the
// provider's groups give them.
func TestPeopleLogInAtTheirDistributorsProvider(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx, p := w.Context(patience), startIDP(t)
	base := w.Instances[0].URL
	id := loginProvider(t, ctx, w, p, object{"role_claim": "groups", "roles": []object{{"value": "suporte", "role": "supervisor"}}, "link_by_email": true,
		"domains": []string{"alfa.example"}})
	res, err := rig.Call(ctx, http.MethodGet, base+"/api/v1/portal/alfa", nil, nil)
	if err != nil || !strings.Contains(string(res.Body), `"logins":[{"id":"`+id+`","name":"Conta da Alfa"}]`) || strings.Contains(string(res.Body), idp.Client) {
		t.Errorf("the portal says %s %v", res.Body, err)
	}
	ana := idp.Claims{"sub": "42", "email": "ana@alfa.example", "email_verified": true, "name": "Ana", "groups": []string{"todos", "suporte"}}
	for _, test := range []struct {
		person          idp.Claims
		to, email, role string
	}{
		{ana, "", "ana@alfa.example", "supervisor"},
		{ana, "console", "ana@alfa.example", "supervisor"},
		{idp.Claims{"sub": "43", "email": "bia@alfa.example", "email_verified": "true"}, "", "bia@alfa.example", "usuario"},
		{idp.Claims{"sub": "44", "email": "admin@alfa.example", "email_verified": true}, "console", "admin@alfa.example", "admin"}, // has an account here
	} {
		b := browser(t)
		p.Is(test.person, nil)
		back := visit(t, ctx, b, visit(t, ctx, b, base+"/auth/oidc/alfa/start?provider="+id+"&to="+test.to))
		at := visit(t, ctx, b, back)
		if want := map[string]string{"": base + "/p/alfa", "console": base + "/console/alfa"}[test.to]; at != want {
			t.Errorf("%s ends at %s", test.email, at)
		}
		if email, role := who(t, ctx, b, base); email != test.email || role != test.role {
			t.Errorf("%v came in as %s, %s", test.person, email, role)
		}
		// The provider's answer serves once, also with everything that the browser had.
		if at := visit(t, ctx, b, back); !strings.HasSuffix(at, "?signin=denied") {
			t.Errorf("the same answer again leads to %s", at)
		}
	}
	// Another distributor has no such provider.
	if res, err := rig.Call(ctx, http.MethodGet, base+"/auth/oidc/beta/start?provider="+id, nil, nil); err != nil || res.Status != http.StatusNotFound {
		t.Errorf("beta's way in through alfa's provider: %d %v", res.Status, err)
	}
	for where, text := range map[string]string{"output": w.Instances[0].Output(), "database": w.DB.Expose(t)} {
		if strings.Contains(text, idp.Secret) {
			t.Errorf("the client's secret is in the program's %s", where)
		}
	}
}

// Whatever is wrong with the answer of a provider, or with who brings it, nobody gets a session by it.
func TestAForgedLoginGivesNoSession(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx, p := w.Context(2*time.Minute), startIDP(t)
	base := w.Instances[0].URL
	id := loginProvider(t, ctx, w, p, object{"domains": []string{"alfa.example"}})
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := idp.Claims{"sub": "42", "email": "ana@alfa.example", "email_verified": true}
	set := func(name string, value any) func(idp.Claims) *rsa.PrivateKey {
		return func(c idp.Claims) *rsa.PrivateKey {
			if value == nil {
				delete(c, name)
			} else {
				c[name] = value
			}
			return nil
		}
	}
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	for name, test := range map[string]struct {
		twist func(idp.Claims) *rsa.PrivateKey
		why   string
	}{
		"another key":            {func(idp.Claims) *rsa.PrivateKey { return stranger }, "failed"},
		"another nonce":          {set("nonce", "n"), "denied"},
		"no nonce":               {set("nonce", nil), "denied"},
		"another audience":       {set("aud", "someone"), "failed"},
		"several audiences":      {set("aud", []string{idp.Client, "someone"}), "denied"},
		"another issuer":         {set("iss", "https://idp.example"), "failed"},
		"expired":                {set("exp", in(-time.Hour)), "failed"},
		"not yet valid":          {set("nbf", in(time.Hour)), "failed"},
		"no expiry":              {set("exp", nil), "failed"},
		"no subject":             {set("sub", nil), "denied"},
		"an unverified address":  {set("email_verified", false), "denied"},
		"an address of others":   {set("email", "ana@alfa.example.net"), "denied"},
		"a look-alike":           {set("email", "ana@x.alfa.example"), "denied"},
		"no address":             {set("email", nil), "denied"},
		"an address with two at": {set("email", "ana@evil.example@alfa.example"), "denied"},
	} {
		b := browser(t)
		p.Is(good, test.twist)
		at := visit(t, ctx, b, visit(t, ctx, b, visit(t, ctx, b, base+"/auth/oidc/alfa/start?provider="+id)))
		email, _ := who(t, ctx, b, base)
		if at != base+"/p/alfa?signin="+test.why || email != "" {
			t.Errorf("%s: ends at %s, as %q", name, at, email)
		}
	}
	p.Is(good, nil)
	exchanged := p.Tokens()
	// Answers that are not the one this browser waits for. None of them reaches the provider.
	for name, change := range map[string]func(b *http.Client, back *url.URL){
		"no state":             func(_ *http.Client, back *url.URL) { replace(back, "state", "") },
		"another state":        func(_ *http.Client, back *url.URL) { replace(back, "state", "AAAAAAAAAAAAAAAAAAAAAAAAAA") },
		"two states":           func(_ *http.Client, back *url.URL) { back.RawQuery += "&state=x" },
		"no code":              func(_ *http.Client, back *url.URL) { replace(back, "code", "") },
		"another browser":      func(b *http.Client, _ *url.URL) { b.Jar = browser(t).Jar },
		"another login's":      func(b *http.Client, _ *url.URL) { visit(t, ctx, b, base+"/auth/oidc/alfa/start") },
		"a cookie of its own":  func(b *http.Client, _ *url.URL) { plant(t, b, base, "x") },
		"another distributors": func(_ *http.Client, back *url.URL) { back.Path = "/auth/oidc/beta/callback" },
	} {
		b := browser(t)
		back, err := url.Parse(visit(t, ctx, b, visit(t, ctx, b, base+"/auth/oidc/alfa/start")))
		if err != nil {
			t.Fatal(err)
		}
		change(b, back)
		at := visit(t, ctx, b, back.String())
		if email, _ := who(t, ctx, b, base); !strings.HasSuffix(at, "?signin=denied") || email != "" {
			t.Errorf("%s: ends at %s, as %q", name, at, email)
		}
	}
	if n := p.Tokens(); n != exchanged {
		t.Errorf("%d forged answers reached the provider", n-exchanged)
	}
}

func replace(u *url.URL, name, value string) {
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
}

func plant(t *testing.T, b *http.Client, base, value string) {
	t.Helper()
	u, err := url.Parse(base + "/auth/oidc/alfa/callback")
	if err != nil {
		t.Fatal(err)
	}
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "aihub_login_alfa", Value: value, Path: "/auth/oidc/alfa/"}})
}
