package handlers

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/mux"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"aihub/hub"
	"aihub/llm"
	"aihub/store"
)

// People may log in at their distributor's own OpenID Connect provider: authorization code with PKCE, state and nonce. What
// is between the two halves of a login lies sealed in a cookie of the browser that began it, and serves once. In the end
// the person has the same session as after a login with a password.

const (
	oidcTime      = 10 * time.Second // for everything that a login asks of the provider
	oidcFor       = 10 * time.Minute // from the button to the way back
	oidcKnown     = time.Hour        // then a provider's discovery document is read again
	oidcBytes     = 256 << 10        // of any of its answers
	oidcProviders = 1000
)

// signedBy are the algorithms of ID tokens. One that needs the client's secret is not among them.
var signedBy = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// discoveries remembers what providers say of themselves. It is safe for concurrent use.
type discoveries struct {
	client *http.Client
	loads  singleflight.Group
	known  *lru.Cache[string, discovery]
}

// discovery is what a provider said, and when.
type discovery struct {
	provider *oidc.Provider
	at       time.Time
}

func newDiscoveries(client *http.Client) *discoveries {
	client.Transport = shortAnswers{client.Transport}
	known, err := lru.New[string, discovery](oidcProviders)
	if err != nil {
		panic("handlers: " + err.Error()) // only for a size that is not positive
	}
	return &discoveries{client: client, known: known}
}

// shortAnswers ends answers that are longer than any of a provider's: the library reads them whole.
type shortAnswers struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s shortAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, oidcBytes), res.Body}
	}
	return res, err
}

// of returns what is known of an issuer.
func (d *discoveries) of(ctx context.Context, issuer string) (*oidc.Provider, error) {
	if known, ok := d.known.Get(issuer); ok && time.Since(known.at) < oidcKnown {
		return known.provider, nil
	}
	v, err, _ := d.loads.Do(issuer, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), oidcTime) // others wait for it too
		defer cancel()
		p, err := oidc.NewProvider(oidc.ClientContext(ctx, d.client), issuer)
		if err == nil {
			d.known.Add(issuer, discovery{p, time.Now()})
		}
		return p, err
	})
	p, _ := v.(*oidc.Provider)
	return p, err
}

// pendingLogin is what the browser keeps between the two halves of a login.
type pendingLogin struct {
	Provider string    `json:"p"`
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Console  bool      `json:"c"`
	Ends     time.Time `json:"e"`
}

// pendingRow is what the cookie is sealed for; no row has this id.
const pendingRow = "login"

func oidcCookie(slug string) string { return "aihub_login_" + slug }

func oidcPath(slug string) string { return "/auth/oidc/" + slug + "/" }

// pendingCookie travels with the provider's redirect, which comes from another site, and to nothing but the login routes.
func (s *Server) pendingCookie(slug, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{Name: oidcCookie(slug), Value: value, Path: oidcPath(slug), MaxAge: int(age.Seconds()), HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode}
}

// startLogin sends the browser to the distributor's provider.
func (s *Server) startLogin(w http.ResponseWriter, r *http.Request) {
	slug, console := mux.Vars(r)["slug"], r.URL.Query().Get("to") == "console"
	to, pending, err := s.beginLogin(r, slug, console)
	if err != nil {
		s.loginFailed(w, r, slug, console, err)
		return
	}
	http.SetCookie(w, s.pendingCookie(slug, pending, oidcFor))
	s.sendTo(w, r, to)
}

func (s *Server) beginLogin(r *http.Request, slug string, console bool) (to, cookie string, err error) {
	tenant, _, err := s.tenantBySlug(r.Context(), slug)
	if err != nil {
		return "", "", err
	}
	p, err := loginProvider(r.Context(), tenant, r.URL.Query().Get("provider"))
	if err != nil {
		return "", "", err
	}
	config, _, err := s.client(r, slug, tenant, p)
	if err != nil {
		return "", "", err
	}
	pending := pendingLogin{Provider: p.ID, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Console: console, Ends: s.store.Now().Add(oidcFor)}
	data, err := json.Marshal(pending)
	if err != nil {
		return "", "", err
	}
	if cookie, err = s.sealer.Seal(tenant.ID().String(), pendingRow, string(data)); err != nil {
		return "", "", err
	}
	return config.AuthCodeURL(pending.State, oidc.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)), url.QueryEscape(cookie), nil
}

// loginProvider returns an active provider of a tenant; without an id the first one.
func loginProvider(ctx context.Context, tenant *store.Tenant, id string) (store.LoginProvider, error) {
	if id == "" {
		list, err := activeLogins(ctx, tenant)
		if err == nil && len(list) == 0 {
			err = store.ErrNotFound
		}
		if err != nil {
			return store.LoginProvider{}, err
		}
		return list[0], nil
	}
	p, err := tenant.LoginProvider(ctx, id)
	if err == nil && p.State != store.StateActive {
		err = store.ErrNotFound
	}
	return p, err
}

// activeLogins are the providers whose buttons are shown.
func activeLogins(ctx context.Context, tenant *store.Tenant) ([]store.LoginProvider, error) {
	list, _, err := tenant.LoginProviders(ctx, store.Page{Limit: 100})
	return slices.DeleteFunc(list, func(p store.LoginProvider) bool { return p.State != store.StateActive }), err
}

// client returns this installation as a client of the provider. Where its discovery document leads must be as public as the
// issuer itself.
func (s *Server) client(r *http.Request, slug string, tenant *store.Tenant, p store.LoginProvider) (*oauth2.Config, *oidc.Provider, error) {
	known, err := s.discoveries.of(r.Context(), p.Issuer)
	if err != nil {
		return nil, nil, errProvider{err}
	}
	secret := ""
	if p.SealedSecret != "" {
		if secret, err = s.sealer.Open(tenant.ID().String(), p.ID, p.SealedSecret); err != nil {
			return nil, nil, err
		}
	}
	endpoint := known.Endpoint()
	for _, address := range []string{endpoint.AuthURL, endpoint.TokenURL} {
		plain, _, _ := strings.Cut(address, "?")
		if err := llm.CheckURL(plain, false, s.networks); err != nil {
			return nil, nil, errProvider{err}
		}
	}
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: secret, Endpoint: endpoint, RedirectURL: s.here(r) + oidcPath(slug) + "callback",
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}, known, nil
}

// here is this installation's address, as browsers reach it.
func (s *Server) here(r *http.Request) string {
	if s.public != nil {
		return s.public.Scheme + "://" + s.public.Host
	}
	return "http://" + r.Host
}

// endLogin takes the provider's answer, which the browser brings, and gives the person a session.
func (s *Server) endLogin(w http.ResponseWriter, r *http.Request) {
	slug := mux.Vars(r)["slug"]
	http.SetCookie(w, s.pendingCookie(slug, "", -time.Second)) // whatever comes of it, it serves once
	tenant, profile, err := s.tenantBySlug(r.Context(), slug)
	if err != nil {
		s.loginFailed(w, r, slug, false, err)
		return
	}
	pending, err := s.pending(r, slug, tenant)
	if err != nil {
		s.loginFailed(w, r, slug, pending.Console, err)
		return
	}
	user, err := s.arrive(r, slug, tenant, pending)
	if err == nil && profile.State != store.StateActive {
		err = hub.E("tenant_suspended")
	}
	var pair Pair
	if err == nil {
		pair, err = s.tokens.issue(tenant.ID(), user, true)
	}
	if err != nil {
		s.loginFailed(w, r, slug, pending.Console, err)
		return
	}
	cookie := s.refreshCookie(slug, pair.Refresh, pair.RefreshEnds)
	http.SetCookie(w, &cookie)
	s.sendTo(w, r, portalOf(slug, pending.Console))
}

// pending returns what the browser has kept of the login that the provider answers, if it is its own and the first answer.
func (s *Server) pending(r *http.Request, slug string, tenant *store.Tenant) (pendingLogin, error) {
	var p pendingLogin
	c, err := r.Cookie(oidcCookie(slug))
	if err != nil {
		return p, hub.E("unauthenticated")
	}
	sealed, err := url.QueryUnescape(c.Value)
	if err != nil {
		return p, hub.E("unauthenticated")
	}
	data, err := s.sealer.Open(tenant.ID().String(), pendingRow, sealed)
	if err != nil || json.Unmarshal([]byte(data), &p) != nil {
		return p, hub.E("unauthenticated")
	}
	given := r.URL.Query()["state"]
	if len(given) != 1 || subtle.ConstantTimeCompare([]byte(given[0]), []byte(p.State)) != 1 || s.store.Now().After(p.Ends) {
		return p, hub.E("unauthenticated")
	}
	me := rand.Text()
	first, err := tenant.Remember(r.Context(), "login-"+p.State, "", me)
	if err == nil && first != me {
		err = hub.E("unauthenticated")
	}
	return p, err
}

// arrive exchanges the code for an ID token and returns the person that it speaks of.
func (s *Server) arrive(r *http.Request, slug string, tenant *store.Tenant, pending pendingLogin) (store.User, error) {
	code := r.URL.Query().Get("code")
	if code == "" { // the person has changed their mind, or the provider does not let them in
		return store.User{}, hub.E("unauthenticated")
	}
	p, err := loginProvider(r.Context(), tenant, pending.Provider)
	if err != nil {
		return store.User{}, err
	}
	config, known, err := s.client(r, slug, tenant, p)
	if err != nil {
		return store.User{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(r.Context(), s.discoveries.client), oidcTime)
	defer cancel()
	tokens, err := config.Exchange(ctx, code, oauth2.VerifierOption(pending.Verifier))
	if err != nil {
		return store.User{}, errProvider{err}
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" || len(raw) > maxToken {
		return store.User{}, errProvider{errors.New("no ID token")}
	}
	token, err := known.Verifier(&oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: signedBy, Now: s.store.Now}).Verify(ctx, raw)
	if err != nil {
		return store.User{}, errProvider{err}
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(pending.Nonce)) != 1 {
		return store.User{}, hub.E("unauthenticated")
	}
	c := jwt.MapClaims{}
	if err := token.Claims(&c); err != nil {
		return store.User{}, errProvider{err}
	}
	if azp, ok := c["azp"].(string); len(token.Audience) > 1 && (!ok || azp != p.ClientID) {
		return store.User{}, hub.E("unauthenticated")
	}
	return vouchedFor(ctx, tenant, p, c)
}

// vouchedFor returns the person of an ID token, made or linked as the provider's row says.
func vouchedFor(ctx context.Context, tenant *store.Tenant, p store.LoginProvider, c jwt.MapClaims) (store.User, error) {
	verified := c["email_verified"] == true || c["email_verified"] == "true" // some providers say it as a text
	c["email_verified"] = verified
	if len(p.Domains) > 0 {
		email, _ := c[emailClaim].(string)
		_, domain, _ := strings.Cut(email, "@")
		if !verified || !slices.Contains(p.Domains, strings.ToLower(domain)) {
			return store.User{}, hub.E("forbidden")
		}
	}
	user, err := personOf(ctx, tenant, store.Issuer{Issuer: p.Issuer, UserClaim: "sub", Create: p.Create, LinkByEmail: p.LinkByEmail}, c, roleFor(p, c))
	if err == nil && user.State != store.StateActive {
		err = hub.E("forbidden")
	}
	return user, err
}

// roleFor is the role of a person who is made now.
func roleFor(p store.LoginProvider, c jwt.MapClaims) string {
	var said []any
	switch v := c[p.RoleClaim].(type) {
	case string:
		said = []any{v}
	case []any:
		said = v
	}
	for _, rule := range p.Roles {
		if p.RoleClaim != "" && slices.Contains(said, any(rule.Value)) {
			return rule.Role
		}
	}
	return or(p.Role, store.RoleParticipant)
}

// errProvider is a failure of the provider's, or of how it is configured.
type errProvider struct{ cause error }

func (e errProvider) Unwrap() error { return e.cause }

// Error is short, and says nothing of what the provider wrote but its error code: its pages may quote secrets.
func (e errProvider) Error() string {
	var refused *oauth2.RetrieveError
	if errors.As(e.cause, &refused) {
		return fmt.Sprintf("the provider's token address answers %d %.40q", refused.Response.StatusCode, refused.ErrorCode)
	}
	text, _, _ := strings.Cut(e.cause.Error(), "\n")
	return fmt.Sprintf("%.200s", text)
}

// loginFailed sends the browser back to the form, which says what happened: denied, failed, or suspended. The cause of a
// failure is for the log.
func (s *Server) loginFailed(w http.ResponseWriter, r *http.Request, slug string, console bool, err error) {
	if errors.Is(err, store.ErrNotFound) {
		notFoundPage(w, r)
		return
	}
	why := "failed"
	var known *hub.Error
	if errors.As(err, &known) {
		switch known.Code {
		case "unauthenticated", "forbidden":
			why = "denied"
		case "tenant_suspended":
			why = "suspended"
		}
	}
	if why == "failed" {
		s.log.Warn("a login at a provider failed", "tenant", slug, "error", err)
	}
	s.sendTo(w, r, portalOf(slug, console)+"?signin="+why)
}

func (s *Server) sendTo(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func portalOf(slug string, console bool) string {
	if console {
		return "/console/" + slug
	}
	return "/p/" + slug
}
