package handlers

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"aihub/store"
)

// provider is an identity provider over a real socket.
type provider struct {
	*httptest.Server
	fetches atomic.Int64
	mu      sync.Mutex
	keys    []jose.JSONWebKey
	down    bool
}

// provider starts one, which this site may reach.
func (s *site) provider(keys ...jose.JSONWebKey) *provider {
	s.edge.networks = loopback
	p := &provider{keys: keys}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: p.keys})
	}))
	s.t.Cleanup(p.Close)
	return p
}

func (p *provider) set(down bool, keys ...jose.JSONWebKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.keys = down, keys
}

var (
	rsaKey     = must2(rsa.GenerateKey(rand.Reader, 2048))
	otherRSA   = must2(rsa.GenerateKey(rand.Reader, 2048))
	ecKey      = must2(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, edKey   = must3(ed25519.GenerateKey(rand.Reader))
	shared     = []byte(strings.Repeat("shared-secret-", 3))
	publicKeys = []jose.JSONWebKey{{Key: &rsaKey.PublicKey, KeyID: "rsa", Algorithm: "RS256", Use: "sig"}, {Key: &ecKey.PublicKey, KeyID: "ec", Use: "sig"},
		{Key: edKey.Public(), KeyID: "ed"}, {Key: &otherRSA.PublicKey, KeyID: "enc", Use: "enc"}}
)

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func must3[T, U any](v T, u U, err error) (T, U) {
	if err != nil {
		panic(err)
	}
	return v, u
}

// claim is what a good foreign token says.
func claim(changes ...any) jwt.MapClaims {
	now := time.Now()
	c := jwt.MapClaims{"iss": "https://id.alfa.example", "aud": "aihub", "tenant_id": "alfa", "usuario_id": "42", "name": "Joana", "email": "joana@alfa.example",
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	for i := 0; i < len(changes); i += 2 {
		if c[changes[i].(string)] = changes[i+1]; changes[i+1] == nil {
			delete(c, changes[i].(string))
		}
	}
	return c
}

func signed(t *testing.T, m jwt.SigningMethod, key any, c jwt.MapClaims, header ...any) string {
	t.Helper()
	j := jwt.NewWithClaims(m, c)
	for i := 0; i < len(header); i += 2 {
		j.Header[header[i].(string)] = header[i+1]
	}
	out, err := j.SignedString(key)
	must(t, err)
	return out
}

// trust makes alfa trust a provider.
func (s *site) trust(person string, body doc) string {
	s.t.Helper()
	all := doc{"name": "ID", "issuer": "https://id.alfa.example", "audience": "aihub", "create_users": true}
	maps.Copy(all, body)
	return s.do(person, "POST", "/api/v1/issuers", all).id(s.t)
}

func (s *site) meWith(token string) answer {
	return s.do("", "GET", "/api/v1/me", nil, "Authorization", "Bearer "+token)
}

func TestPeopleOfAnotherProvider(t *testing.T) {
	s := newSite(t)
	p := s.provider(publicKeys...)
	id := s.trust("alfa admin", doc{"keys_url": p.URL, "algorithms": []string{"RS256", "ES256", "EdDSA"}})
	var ids []string
	for _, token := range []string{
		signed(t, jwt.SigningMethodRS256, rsaKey, claim(), "kid", "rsa"),
		signed(t, jwt.SigningMethodES256, ecKey, claim(), "kid", "ec"),
		signed(t, jwt.SigningMethodEdDSA, edKey, claim("tenant_id", nil, "usuario_id", 42), "kid", "ed"),
		signed(t, jwt.SigningMethodRS256, rsaKey, claim("aud", []string{"other", "aihub"})),
	} {
		a := s.meWith(token)
		a.want(t, 200, "")
		var me struct{ User meUser }
		a.into(t, &me)
		if me.User.Name != "Joana" || me.User.Email != "joana@alfa.example" || me.User.Role != "usuario" {
			t.Errorf("made %+v", me.User)
		}
		ids = append(ids, me.User.ID)
	}
	if ids[0] != ids[1] || ids[0] != ids[2] || ids[0] != ids[3] {
		t.Errorf("one person became %v", ids)
	}
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
	ws := s.dial("", subprotocol)
	s.send(ws, doc{"t": "auth", "id": 1, "token": signed(t, jwt.SigningMethodRS256, rsaKey, claim(), "kid", "rsa")})
	if f := s.next(ws); f["t"] != "hello" {
		t.Errorf("the live connection got %v", f)
	}
	// An address alone is no proof: somebody else's stays theirs, unless the administrator says otherwise.
	intruder := func() string {
		return signed(t, jwt.SigningMethodRS256, rsaKey, claim("usuario_id", "66", "email", "admin@alfa.example", "email_verified", true), "kid", "rsa")
	}
	if a := s.meWith(intruder()); a.StatusCode != 200 || strings.Contains(a.body, "admin@alfa.example") {
		t.Error(a.body)
	}
	s.do("alfa admin", "PATCH", "/api/v1/issuers/"+id, doc{"link_by_email": true}).want(t, 200, "")
	linked := func(verified bool) answer {
		return s.meWith(signed(t, jwt.SigningMethodRS256, rsaKey, claim("usuario_id", "67", "email", "supervisor@alfa.example", "email_verified", verified), "kid", "rsa"))
	}
	if a := linked(true); !strings.Contains(a.body, `"role":"supervisor"`) {
		t.Error(a.body)
	}
	s.do("alfa admin", "PATCH", "/api/v1/users/"+ids[0], doc{"state": "disabled"}).want(t, 200, "")
	s.meWith(signed(t, jwt.SigningMethodRS256, rsaKey, claim(), "kid", "rsa")).want(t, 401, "unauthenticated")
	s.do("alfa admin", "PATCH", "/api/v1/issuers/"+id, doc{"create_users": false, "link_by_email": false}).want(t, 200, "")
	s.meWith(signed(t, jwt.SigningMethodRS256, rsaKey, claim("usuario_id", "new"), "kid", "rsa")).want(t, 401, "unauthenticated")
	if a := linked(false); a.StatusCode != 200 {
		t.Errorf("a person who is known is refused: %s", a.body)
	}
	s.do("alfa admin", "DELETE", "/api/v1/issuers/"+id, nil).want(t, 204, "")
	linked(true).want(t, 401, "unauthenticated")
}

func TestTheOperatorsProviderNamesTheTenant(t *testing.T) {
	s := newSite(t)
	s.trust("ixc operador", doc{"issuer": "https://id.ixc.example", "secret": string(shared), "claims": doc{"tenant": "distribuidor", "user": "sub"}})
	token := func(tenant any) string {
		return signed(t, jwt.SigningMethodHS256, shared, claim("iss", "https://id.ixc.example", "tenant_id", nil, "distribuidor", tenant, "sub", "7"))
	}
	for _, slug := range []string{"alfa", "beta"} {
		if a := s.meWith(token(slug)); !strings.Contains(a.body, `"slug":"`+slug+`"`) {
			t.Error(a.body)
		}
	}
	for _, bad := range []any{nil, "", "nobody", "ALFA", "*", []string{"alfa"}, doc{"$ne": ""}, 1.5, true} {
		s.meWith(token(bad)).want(t, 401, "unauthenticated")
	}
	s.do("ixc operador", "POST", "/api/v1/tenants/beta/suspend", nil).want(t, 200, "")
	s.meWith(token("beta")).want(t, 403, "tenant_suspended")
	// The pair of issuer and audience is one tenant's.
	body := doc{"name": "x", "issuer": "https://id.alfa.example", "audience": "aihub", "secret": string(shared)}
	s.do("alfa admin", "POST", "/api/v1/issuers", body).id(t)
	s.do("ixc operador", "POST", "/api/v1/tenants/beta/resume", nil).want(t, 200, "")
	s.do("beta admin", "POST", "/api/v1/issuers", body).want(t, 409, "conflict")
	for _, bad := range []doc{{"issuer": "aihub"}, {"algorithms": []string{"none"}}, {"algorithms": []string{"RS256"}}, {"secret": "short"}, {"secret": ""}, {"keys_url": "https://id.example/keys"},
		{"secret": "", "keys_url": "https://id.example/keys", "algorithms": []string{"HS256"}}, {"secret": "", "keys_url": "http://10.0.0.1/keys"}, {"secret": "", "keys_url": "file:///etc/passwd"}} {
		all := doc{"name": "x", "issuer": "https://x.example", "audience": "aihub", "secret": string(shared)}
		maps.Copy(all, bad)
		s.do("alfa admin", "POST", "/api/v1/issuers", all).want(t, 422, "bad_field")
	}
}

func TestKeysRotateAndSurviveAnOutage(t *testing.T) {
	s := newSite(t)
	clock := time.Now()
	cache := s.edge.tokens.external.keys
	cache.now = func() time.Time { return clock }
	p := s.provider(publicKeys[0])
	s.trust("alfa admin", doc{"keys_url": p.URL})
	old := func() answer { return s.meWith(signed(t, jwt.SigningMethodRS256, rsaKey, claim(), "kid", "rsa")) }
	next := func(kid string) answer {
		return s.meWith(signed(t, jwt.SigningMethodRS256, otherRSA, claim(), "kid", kid))
	}
	old().want(t, 200, "")
	for i := range 50 { // unknown ids cause no storm
		next(fmt.Sprint("k", i)).want(t, 401, "unauthenticated")
	}
	if n := p.fetches.Load(); n != 1 {
		t.Errorf("%d fetches", n)
	}
	p.set(false, publicKeys[0], jose.JSONWebKey{Key: &otherRSA.PublicKey, KeyID: "new", Algorithm: "RS256"})
	clock = clock.Add(keySetBetween + time.Second)
	next("new").want(t, 200, "")
	p.set(true)
	clock = clock.Add(2 * keySetFresh)
	old().want(t, 200, "")
	next("new").want(t, 200, "")
	if n := p.fetches.Load(); n != 3 {
		t.Errorf("%d fetches", n)
	}
	p.set(false, jose.JSONWebKey{Key: &otherRSA.PublicKey, KeyID: "new", Algorithm: "RS256"})
	clock = clock.Add(keySetBetween + time.Second)
	old().want(t, 401, "unauthenticated") // it was withdrawn
	next("new").want(t, 200, "")
}

// forgeries are classes of tokens that must be refused. Each makes a token with the help of seeded chance; they attack
// our own tokens, a provider with public keys, and one with a shared secret.
func forgeries(t *testing.T, own []byte, user store.User) map[string]func(r *mathrand.Rand) string {
	now := time.Now
	pemOf := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must2(x509.MarshalPKIXPublicKey(&rsaKey.PublicKey))})
	derOf := must2(x509.MarshalPKIXPublicKey(&rsaKey.PublicKey))
	b64 := base64.RawURLEncoding.EncodeToString
	good := func(changes ...any) jwt.MapClaims {
		c := jwt.MapClaims{"tenant_id": "alfa", "usuario_id": user.ID, "role": "usuario", "epoca": 0, "iss": issuer, "aud": accessAudience,
			"iat": now().Unix(), "exp": now().Add(time.Minute).Unix(), "jti": "1"}
		for i := 0; i < len(changes); i += 2 {
			if c[changes[i].(string)] = changes[i+1]; changes[i+1] == nil {
				delete(c, changes[i].(string))
			}
		}
		return c
	}
	// any makes the same forgery of one of the three kinds of token.
	anyOf := func(r *mathrand.Rand, changes, header []any) string {
		switch r.IntN(3) {
		case 0:
			return signed(t, jwt.SigningMethodHS256, own, good(changes...), header...)
		case 1:
			return signed(t, jwt.SigningMethodRS256, rsaKey, claim(changes...), append([]any{"kid", "rsa"}, header...)...)
		}
		return signed(t, jwt.SigningMethodHS256, shared, claim(append([]any{"iss", "https://secret.alfa.example"}, changes...)...), header...)
	}
	pick := func(r *mathrand.Rand, of ...any) any { return of[r.IntN(len(of))] }
	changed := func(name string, of ...any) func(*mathrand.Rand) string {
		return func(r *mathrand.Rand) string { return anyOf(r, []any{name, pick(r, of...)}, nil) }
	}
	headed := func(name string, of ...any) func(*mathrand.Rand) string {
		return func(r *mathrand.Rand) string { return anyOf(r, nil, []any{name, pick(r, of...)}) }
	}
	parts := func(r *mathrand.Rand) []string { return strings.Split(anyOf(r, nil, nil), ".") }
	noise := func(r *mathrand.Rand, n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		return b
	}
	hours := func(r *mathrand.Rand, sign int) int64 {
		return now().Add(time.Duration(sign*(1+r.IntN(1000))) * time.Hour).Unix()
	}
	return map[string]func(*mathrand.Rand) string{
		"alg none": func(r *mathrand.Rand) string {
			return signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, pick(r, good(), claim()).(jwt.MapClaims))
		},
		"alg none, spelt": headed("alg", "None", "nOnE", "NONE", "", "none ", "hs256", "HS256 ", "RS256\x00"),
		"alg not a text":  headed("alg", 1, true, []string{"HS256"}, doc{"a": 1}),
		"alg absent":      headed("alg", nil),
		"alg of another width": func(r *mathrand.Rand) string {
			m := pick(r, jwt.SigningMethodHS384, jwt.SigningMethodHS512).(jwt.SigningMethod)
			return pick(r, signed(t, m, own, good()), signed(t, m, shared, claim("iss", "https://secret.alfa.example"))).(string)
		},
		"alg not pinned": func(r *mathrand.Rand) string {
			m := pick(r, jwt.SigningMethodRS384, jwt.SigningMethodRS512, jwt.SigningMethodPS256, jwt.SigningMethodPS512).(jwt.SigningMethod)
			return signed(t, m, rsaKey, claim(), "kid", "rsa")
		},
		"public key as secret": func(r *mathrand.Rand) string {
			key := pick(r, pemOf, derOf, []byte(strings.TrimSpace(string(pemOf))), rsaKey.N.Bytes(), []byte(b64(rsaKey.N.Bytes()))).([]byte)
			return signed(t, pick(r, jwt.SigningMethodHS256, jwt.SigningMethodHS512).(jwt.SigningMethod), key, claim(), "kid", pick(r, "rsa", "ec", "ed"))
		},
		"key of another kind": func(r *mathrand.Rand) string {
			return pick(r, signed(t, jwt.SigningMethodES256, ecKey, claim(), "kid", "rsa"), signed(t, jwt.SigningMethodEdDSA, edKey, claim(), "kid", "rsa")).(string)
		},
		"key for encryption": func(*mathrand.Rand) string {
			return signed(t, jwt.SigningMethodRS256, otherRSA, claim(), "kid", "enc")
		},
		"somebody's key": func(r *mathrand.Rand) string {
			return pick(r, signed(t, jwt.SigningMethodHS256, noise(r, 32), good()), signed(t, jwt.SigningMethodRS256, otherRSA, claim(), "kid", "rsa"),
				signed(t, jwt.SigningMethodHS256, noise(r, 40), claim("iss", "https://secret.alfa.example"))).(string)
		},
		"the other's key": func(r *mathrand.Rand) string {
			return pick(r, signed(t, jwt.SigningMethodHS256, shared, good()), signed(t, jwt.SigningMethodHS256, own, claim("iss", "https://secret.alfa.example")),
				signed(t, jwt.SigningMethodRS256, rsaKey, good(), "kid", "rsa")).(string)
		},
		"no key": func(r *mathrand.Rand) string {
			return signed(t, jwt.SigningMethodHS256, []byte{}, pick(r, good(), claim()).(jwt.MapClaims))
		},
		"kid unknown": func(r *mathrand.Rand) string {
			return signed(t, jwt.SigningMethodRS256, rsaKey, claim(), "kid", pick(r, "", "../../dev/null", "' OR 1=1 --", "https://evil.example/k", "RSA", "rsa ", strings.Repeat("k", 10_000), "ec\x00").(string)+"x")
		},
		"kid not a text": func(r *mathrand.Rand) string {
			return signed(t, jwt.SigningMethodRS256, rsaKey, claim(), "kid", pick(r, 1, nil, []string{"rsa"}, doc{"$ne": ""}))
		},
		"kid in our own": func(r *mathrand.Rand) string {
			return signed(t, jwt.SigningMethodHS256, own, good(), "kid", pick(r, "1", "../../dev/null", "rsa"))
		},
		"jku":       headed("jku", "https://evil.example/jwks", "http://127.0.0.1/jwks", "file:///etc/passwd"),
		"x5u":       headed("x5u", "https://evil.example/cert"),
		"jwk":       headed("jwk", doc{"kty": "oct", "k": "AAAA"}, doc{"kty": "RSA", "n": b64(otherRSA.N.Bytes()), "e": "AQAB"}),
		"x5c":       headed("x5c", []string{"MIIB"}),
		"crit":      headed("crit", []string{"x"}, []string{}, "b64"),
		"b64 false": headed("b64", false),
		"zip":       headed("zip", "DEF"),
		"typ of another": func(r *mathrand.Rand) string {
			return signed(t, jwt.SigningMethodRS256, rsaKey, claim(), "kid", "rsa", "typ", pick(r, "JWE", "logout+jwt", "", 1))
		},
		"nested": func(r *mathrand.Rand) string {
			inner := anyOf(r, nil, nil)
			return b64([]byte(`{"alg":"HS256","cty":"JWT"}`)) + "." + b64([]byte(inner)) + "." + b64(noise(r, 32))
		},
		"no signature": func(r *mathrand.Rand) string { p := parts(r); return p[0] + "." + p[1] + "." },
		"two parts":    func(r *mathrand.Rand) string { p := parts(r); return p[0] + "." + p[1] },
		"four parts":   func(r *mathrand.Rand) string { return anyOf(r, nil, nil) + "." + b64(noise(r, 8)) },
		"padding":      func(r *mathrand.Rand) string { return anyOf(r, nil, nil) + strings.Repeat("=", 1+r.IntN(2)) },
		"signature of zero": func(r *mathrand.Rand) string {
			p := parts(r)
			return p[0] + "." + p[1] + "." + b64(make([]byte, 32+32*r.IntN(8)))
		},
		"signature cut": func(r *mathrand.Rand) string { s := anyOf(r, nil, nil); return s[:len(s)-2-r.IntN(20)] },
		"one bit": func(r *mathrand.Rand) string {
			s := []byte(anyOf(r, nil, nil))
			dot := strings.LastIndexByte(string(s), '.')
			s[r.IntN(dot-1)] ^= 1 << r.IntN(5)
			return string(s)
		},
		"parts of two": func(r *mathrand.Rand) string {
			a, b := strings.Split(signed(t, jwt.SigningMethodHS256, own, good()), "."), strings.Split(signed(t, jwt.SigningMethodHS256, own, good("role", "admin", "jti", fmt.Sprint(r.Int()))), ".")
			return a[0] + "." + b[1] + "." + a[2]
		},
		"noise": func(r *mathrand.Rand) string {
			return b64(noise(r, 20)) + "." + b64(noise(r, 60)) + "." + b64(noise(r, 32))
		},
		"10 KB":          func(r *mathrand.Rand) string { return anyOf(r, []any{"x", strings.Repeat("x", 10_000)}, nil) },
		"exp absent":     changed("exp", nil),
		"exp past":       func(r *mathrand.Rand) string { return anyOf(r, []any{"exp", hours(r, -1)}, nil) },
		"exp odd":        changed("exp", "tomorrow", "", 0, -1, true, []int{1}, doc{"a": 1}),
		"nbf future":     func(r *mathrand.Rand) string { return anyOf(r, []any{"nbf", hours(r, 1)}, nil) },
		"iat future":     func(r *mathrand.Rand) string { return anyOf(r, []any{"iat", hours(r, 1)}, nil) },
		"iss of another": changed("iss", nil, "", "https://evil.example", "https://id.alfa.example/", "HTTPS://ID.ALFA.EXAMPLE", "aihub ", []string{"aihub"}, 7),
		"aud of another": changed("aud", nil, "", refreshAudience, inviteAudience, "AIHUB", []string{}, []string{"other"}, doc{"a": 1}, 7),
		"tenant odd":     changed("tenant_id", "", "beta", "*", ">", "a.b", "ALFA", " alfa", []string{"alfa"}, doc{"$ne": ""}, true, 1.5),
		"user odd": func(r *mathrand.Rand) string {
			return pick(r, signed(t, jwt.SigningMethodHS256, own, good("usuario_id", pick(r, nil, "", "u_$ne", store.NewID("u"), doc{"$ne": ""}, []string{user.ID}, 7))),
				signed(t, jwt.SigningMethodRS256, rsaKey, claim("usuario_id", pick(r, nil, "", " ", " 42", "4\x002", doc{"$ne": ""}, []string{"42"}, true, strings.Repeat("9", 300))), "kid", "rsa")).(string)
		},
		"role raised": func(r *mathrand.Rand) string {
			return signed(t, jwt.SigningMethodHS256, own, good("role", pick(r, nil, "admin", "operador", "supervisor", "", 1)))
		},
		"epoch of another": func(r *mathrand.Rand) string {
			return signed(t, jwt.SigningMethodHS256, own, good("epoca", pick(r, -1, 1, 7, "0", 1e300)))
		},
		"another installation": func(r *mathrand.Rand) string {
			other := must2(NewTokens(nil, noise(r, 32), time.Minute))
			return must2(other.sign(must2(store.ParseTenantID("alfa")), user, accessAudience, now(), now().Add(time.Minute)))
		},
		"invitation": func(r *mathrand.Rand) string {
			return signed(t, jwt.SigningMethodHS256, own, good("aud", pick(r, inviteAudience, refreshAudience, []string{inviteAudience})))
		},
	}
}

func TestThousandsOfForgedTokensAreRefused(t *testing.T) {
	s := newSite(t)
	p := s.provider(publicKeys...)
	s.trust("alfa admin", doc{"keys_url": p.URL})
	s.trust("alfa admin", doc{"issuer": "https://secret.alfa.example", "secret": string(shared)})
	user := s.users["alfa usuario"]
	// The pattern itself is good, or refusing its changes would prove nothing.
	s.meWith(signed(t, jwt.SigningMethodRS256, rsaKey, claim(), "kid", "rsa")).want(t, 200, "")
	s.meWith(signed(t, jwt.SigningMethodHS256, shared, claim("iss", "https://secret.alfa.example"))).want(t, 200, "")

	classes := forgeries(t, s.edge.tokens.key, user)
	r := mathrand.New(mathrand.NewPCG(1, 2))
	tried := 0
	nonsense := s.meWith("nonsense")
	nonsense.want(t, 401, "unauthenticated")
	for name, forge := range classes {
		for range 60 {
			token := forge(r)
			tried++
			_, err := s.edge.tokens.check(t.Context(), "Bearer "+token)
			if err == nil {
				_, err = s.edge.tokens.Authenticate(t.Context(), token)
			}
			if err == nil {
				t.Errorf("%s: accepted %s", name, token)
			}
		}
		a := s.meWith(forge(r)) // and once over the wire
		if a.StatusCode != 401 {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
		if a.body != nonsense.body && a.code() != "token_expired" { // which only who has signed a token well is told
			t.Errorf("%s: told apart: %s, not %s", name, a.body, nonsense.body)
		}
	}
	if len(classes) < 40 || tried < 2000 {
		t.Errorf("%d tokens in %d classes", tried, len(classes))
	}
	t.Logf("%d tokens in %d classes, none accepted", tried, len(classes))
}

// What is revoked is revoked for tokens that others have made too: here, on a live connection, and for those yet to be shown.
func TestRevokedSessionsEndTokensOfOtherProvidersToo(t *testing.T) {
	s := newSite(t)
	p := s.provider(publicKeys...)
	s.trust("alfa admin", doc{"keys_url": p.URL})
	token := func(issued any) string {
		return signed(t, jwt.SigningMethodRS256, rsaKey, claim("iat", issued), "kid", "rsa")
	}
	now := time.Now()
	before, undated := token(now.Unix()), token(nil)
	a := s.meWith(before)
	a.want(t, 200, "")
	s.meWith(undated).want(t, 200, "")
	var me struct{ User meUser }
	a.into(t, &me)
	ws := s.dial("", subprotocol)
	s.send(ws, doc{"t": "auth", "id": 1, "token": before})
	if f := s.next(ws); f["t"] != "hello" {
		t.Fatalf("got %v", f)
	}
	begun := time.Now()
	s.do("alfa admin", "POST", "/api/v1/users/"+me.User.ID+"/revoke", nil).want(t, 204, "")
	if code, took := s.closed(ws), time.Since(begun); code != 4403 && code != 4401 || took > 2*time.Second {
		t.Errorf("the live connection was closed with %d after %v", code, took)
	}
	for _, old := range []string{before, undated, token(now.Add(-time.Minute).Unix())} {
		s.meWith(old).want(t, 401, "unauthenticated")
	}
	s.meWith(token(time.Now().Add(2*time.Second).Unix())).want(t, 200, "") // a new login
}
