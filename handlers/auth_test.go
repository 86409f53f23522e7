package handlers

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"aihub/store"
)

type creds map[string]any

func TestLoginRefreshLogout(t *testing.T) {
	s := newSite(t)
	a := s.do("", "POST", "/api/v1/auth/login", creds{"tenant": "alfa", "email": " Usuario@Alfa.example ", "password": testPassword})
	a.want(t, 200, "")
	var pair tokenBody
	a.into(t, &pair)
	if pair.AccessToken == "" || pair.RefreshToken == "" || pair.ExpiresIn != 600 || pair.TokenType != "Bearer" {
		t.Errorf("got %+v", pair)
	}
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
	me := s.do("", "GET", "/api/v1/me", nil, "Authorization", "Bearer "+pair.AccessToken)
	me.want(t, 200, "")
	if !strings.Contains(me.body, `"role":"usuario"`) || !strings.Contains(me.body, `"slug":"alfa"`) {
		t.Errorf("me: %s", me.body)
	}
	s.do("", "GET", "/api/v1/me", nil, "Authorization", "Bearer "+pair.RefreshToken).want(t, 401, "unauthenticated")

	refresh := creds{"refresh_token": pair.RefreshToken}
	s.do("", "POST", "/api/v1/auth/refresh", refresh).want(t, 200, "")
	s.do("", "POST", "/api/v1/auth/logout", refresh).want(t, 204, "")
	s.do("", "POST", "/api/v1/auth/logout", refresh).want(t, 204, "")
	s.do("", "POST", "/api/v1/auth/refresh", refresh).want(t, 401, "unauthenticated")
}

func TestRefreshTokenInACookie(t *testing.T) {
	s := newSite(t)
	login := creds{"tenant": "alfa", "email": "usuario@alfa.example", "password": testPassword, "cookie": true}
	s.do("", "POST", "/api/v1/auth/login", login, "Origin", "https://evil.example").want(t, 403, "origin_denied")
	a := s.do("", "POST", "/api/v1/auth/login", login, "Origin", s.URL)
	a.want(t, 200, "")
	if len(a.Cookies()) != 1 || strings.Contains(a.body, "refresh_token") {
		t.Fatalf("cookies %v, body %s", a.Cookies(), a.body)
	}
	c := a.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/api/v1/auth" {
		t.Errorf("cookie %v", c)
	}
	cookie := c.Name + "=" + c.Value
	s.do("", "POST", "/api/v1/auth/refresh", creds{"tenant": "alfa"}, "Cookie", cookie, "Origin", s.URL).want(t, 200, "")
	s.do("", "POST", "/api/v1/auth/refresh", creds{"tenant": "alfa"}, "Cookie", cookie, "Origin", "https://evil.example").want(t, 403, "origin_denied")
	s.do("", "POST", "/api/v1/auth/refresh", creds{"tenant": "beta"}, "Cookie", cookie, "Origin", s.URL).want(t, 401, "unauthenticated")
	out := s.do("", "POST", "/api/v1/auth/logout", creds{"tenant": "alfa"}, "Cookie", cookie, "Origin", s.URL)
	out.want(t, 204, "")
	if len(out.Cookies()) != 1 || out.Cookies()[0].Value != "" {
		t.Errorf("logout sets %v", out.Cookies())
	}
	s.do("", "POST", "/api/v1/auth/refresh", creds{"tenant": "alfa"}, "Cookie", cookie, "Origin", s.URL).want(t, 401, "unauthenticated")
}

func TestLoginTellsNotWhetherAnAccountExists(t *testing.T) {
	s := newSite(t)
	var bodies []string
	for _, c := range []creds{
		{"tenant": "alfa", "email": "usuario@alfa.example", "password": "wrong password"},
		{"tenant": "alfa", "email": "nobody@alfa.example", "password": "wrong password"},
		{"tenant": "nowhere", "email": "usuario@alfa.example", "password": testPassword},
		{"tenant": "beta", "email": "usuario@alfa.example", "password": testPassword},
		{"tenant": "../alfa", "email": "usuario@alfa.example", "password": testPassword},
	} {
		a := s.do("", "POST", "/api/v1/auth/login", c)
		a.want(t, 401, "unauthenticated")
		bodies = append(bodies, a.body)
	}
	for _, b := range bodies {
		if b != bodies[0] {
			t.Errorf("answers differ: %s and %s", b, bodies[0])
		}
	}
}

func TestRepeatedFailuresLockKnownAndUnknownNamesAlike(t *testing.T) {
	s := newSite(t)
	for _, email := range []string{"usuario@alfa.example", "nobody@alfa.example"} {
		for range lockAfter {
			s.do("", "POST", "/api/v1/auth/login", creds{"tenant": "alfa", "email": email, "password": "wrong password"}).want(t, 401, "unauthenticated")
		}
		a := s.do("", "POST", "/api/v1/auth/login", creds{"tenant": "alfa", "email": email, "password": testPassword})
		a.want(t, 429, "rate_limited")
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	u, err := s.tenant["alfa"].User(t.Context(), s.users["alfa usuario"].ID)
	must(t, err)
	if time.Until(u.LockedUntil) <= 0 {
		t.Error("the lock is not in the store, so other instances don't know it")
	}
	s.do("", "POST", "/api/v1/auth/login", creds{"tenant": "alfa", "email": "admin@alfa.example", "password": testPassword}).want(t, 200, "")
}

func TestAPasswordNeverComesBack(t *testing.T) {
	s := newSite(t)
	for _, body := range []any{
		creds{"tenant": "alfa", "email": "x", "password": strings.Repeat("s3cret", 50)},
		creds{"tenant": "alfa", "email": 7, "password": "s3cret"},
		creds{"tenant": "alfa", "email": "x", "password": "s3cret", "s3cret": 1},
		`{"tenant":"alfa","password":"s3cret"`,
	} {
		if a := s.do("", "POST", "/api/v1/auth/login", body); a.StatusCode < 400 || strings.Contains(a.body, "s3crets3cret") || strings.Contains(a.body, `"s3cret"`) {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	}
}

func TestForgedTokensAreRefused(t *testing.T) {
	s := newSite(t)
	u, key := s.users["alfa usuario"], s.edge.tokens.key
	now := time.Now()
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"tenant_id": "alfa", "usuario_id": u.ID, "role": "usuario", "epoca": 0, "iss": issuer, "aud": accessAudience,
			"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": "1"}
	}
	sign := func(m jwt.SigningMethod, key any, c jwt.MapClaims, header map[string]any) string {
		j := jwt.NewWithClaims(m, c)
		for k, v := range header {
			j.Header[k] = v
		}
		out, err := j.SignedString(key)
		must(t, err)
		return out
	}
	with := func(name string, v any) jwt.MapClaims {
		c := good()
		if c[name] = v; v == nil {
			delete(c, name)
		}
		return c
	}
	hs := jwt.SigningMethodHS256
	right := sign(hs, key, good(), nil)
	s.do("", "GET", "/api/v1/me", nil, "Authorization", "Bearer "+right).want(t, 200, "")
	parts := strings.Split(right, ".")
	forged := map[string]string{
		"none":           sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good(), nil),
		"none spelt":     sign(hs, key, good(), map[string]any{"alg": "nOnE"}),
		"HS384":          sign(jwt.SigningMethodHS384, key, good(), nil),
		"HS512":          sign(jwt.SigningMethodHS512, key, good(), nil),
		"wrong key":      sign(hs, []byte("0123456789abcdef0123456789abcdef"), good(), nil),
		"no key":         sign(hs, []byte{}, good(), nil),
		"kid":            sign(hs, key, good(), map[string]any{"kid": "../../dev/null"}),
		"jku":            sign(hs, key, good(), map[string]any{"jku": "https://evil.example/jwks"}),
		"jwk":            sign(hs, key, good(), map[string]any{"jwk": map[string]string{"kty": "oct"}}),
		"crit":           sign(hs, key, good(), map[string]any{"crit": []string{"x"}}),
		"no signature":   parts[0] + "." + parts[1] + ".",
		"two parts":      parts[0] + "." + parts[1],
		"four parts":     right + ".x",
		"empty":          "",
		"not base64":     "a.b.c",
		"10 KB":          right + strings.Repeat("A", 10<<10),
		"padding":        right + "=",
		"no exp":         sign(hs, key, with("exp", nil), nil),
		"exp past":       sign(hs, key, with("exp", now.Add(-time.Hour).Unix()), nil),
		"exp text":       sign(hs, key, with("exp", "tomorrow"), nil),
		"iat future":     sign(hs, key, with("iat", now.Add(time.Hour).Unix()), nil),
		"nbf future":     sign(hs, key, with("nbf", now.Add(time.Hour).Unix()), nil),
		"no iss":         sign(hs, key, with("iss", nil), nil),
		"other iss":      sign(hs, key, with("iss", "https://evil.example"), nil),
		"no aud":         sign(hs, key, with("aud", nil), nil),
		"refresh aud":    sign(hs, key, with("aud", refreshAudience), nil),
		"no tenant":      sign(hs, key, with("tenant_id", nil), nil),
		"empty tenant":   sign(hs, key, with("tenant_id", ""), nil),
		"tenant list":    sign(hs, key, with("tenant_id", []string{"alfa"}), nil),
		"other tenant":   sign(hs, key, with("tenant_id", "beta"), nil),
		"wild tenant":    sign(hs, key, with("tenant_id", "*"), nil),
		"no user":        sign(hs, key, with("usuario_id", nil), nil),
		"unknown user":   sign(hs, key, with("usuario_id", store.NewID("u")), nil),
		"operator user":  sign(hs, key, with("usuario_id", map[string]string{"$ne": ""}), nil),
		"role raised":    sign(hs, key, with("role", "admin"), nil),
		"no role":        sign(hs, key, with("role", nil), nil),
		"old epoch":      sign(hs, key, with("epoca", -1), nil),
		"future epoch":   sign(hs, key, with("epoca", 7), nil),
		"doubled claims": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + parts[1] + parts[1] + "." + parts[2],
	}
	for name, token := range forged {
		if a := s.do("", "GET", "/api/v1/me", nil, "Authorization", "Bearer "+token); a.StatusCode != 401 {
			t.Errorf("%s: accepted: %d %s", name, a.StatusCode, a.body)
		}
	}
	for i := range right { // any one character changed
		b := []byte(right)
		b[i] ^= 1
		if _, err := s.edge.tokens.check(t.Context(), "Bearer "+string(b)); err == nil {
			t.Errorf("accepted with character %d changed", i)
		}
	}
	for _, header := range []string{"", "Bearer", right, "Basic " + right, "Bearer  " + right} {
		if a := s.do("", "GET", "/api/v1/me", nil, "Authorization", header); a.StatusCode != 401 {
			t.Errorf("Authorization %.20q: %d", header, a.StatusCode)
		}
	}
}
