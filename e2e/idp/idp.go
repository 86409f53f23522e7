// Package idp is an OpenID Connect provider for the tests: discovery, authorization code with PKCE, RS256. It lets everyone
// in as the person it is told of, and can be told to say what it should not.
package idp

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The client that the provider knows.
const (
	Client = "aihub"
	Secret = "client-secret-canary-c41d"
)

// Claims of a token.
type Claims = jwt.MapClaims

// A Server is one provider. All methods are safe for concurrent use.
type Server struct {
	http *http.Server
	url  string
	key  *rsa.PrivateKey

	mu     sync.Mutex
	person Claims
	twist  func(token Claims) (key *rsa.PrivateKey) // nil: tokens are as they should be
	codes  map[string]url.Values                    // what a code was asked for with; each serves once
	tokens int
}

// Listen starts a provider on a free port of loopback.
func Listen() (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the identity provider: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the identity provider's key: %w", err)
	}
	s := &Server{url: "http://" + l.Addr().String(), key: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET /keys", s.keys)
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.token)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(l) }() // ends with Close
	return s, nil
}

// Close stops the provider.
func (s *Server) Close() error { return s.http.Close() }

// Issuer is the provider's address, which is its name in tokens.
func (s *Server) Issuer() string { return s.url }

// Is says who comes in from now on, and what is wrong with their tokens; nil: nothing. twist changes the claims and may
// return another key to sign with.
func (s *Server) Is(person Claims, twist func(Claims) *rsa.PrivateKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.person, s.twist = person, twist
}

// Tokens is how many codes were exchanged.
func (s *Server) Tokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

func (s *Server) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"issuer": s.url, "authorization_endpoint": s.url + "/authorize", "token_endpoint": s.url + "/token",
		"jwks_uri": s.url + "/keys", "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256", "HS256"}})
}

func (s *Server) keys(w http.ResponseWriter, _ *http.Request) {
	encode := base64.RawURLEncoding.EncodeToString
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one",
		"n": encode(s.key.N.Bytes()), "e": encode(big.NewInt(int64(s.key.E)).Bytes())}}})
}

// authorize would ask for a password; this one is content with everybody.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != Client || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	s.mu.Lock()
	s.codes[code] = q
	s.mu.Unlock()
	to, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		http.Error(w, "bad redirect_uri", http.StatusBadRequest)
		return
	}
	to.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	http.Redirect(w, r, to.String(), http.StatusFound)
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != Client || secret != Secret {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "the secret is " + secret})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, ok := s.codes[r.PostFormValue("code")]
	delete(s.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	if !ok || subtle.ConstantTimeCompare([]byte(challenge), []byte(asked.Get("code_challenge"))) != 1 || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	s.tokens++
	now := time.Now()
	c := Claims{"iss": s.url, "aud": Client, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": asked.Get("nonce")}
	maps.Copy(c, s.person)
	key := s.key
	if s.twist != nil {
		if other := s.twist(c); other != nil {
			key = other
		}
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["kid"] = "one"
	signed, err := token.SignedString(key)
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 60, "id_token": signed})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone is no matter
}
