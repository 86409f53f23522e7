package handlers

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aihub/hub"
	"aihub/store"
)

// Wrong passwords in a row before a person is locked out, and for how long at first.
const (
	lockAfter = 5
	lockFor   = 30 * time.Second
)

// Sender is where a request comes from: the page's origin, the public address if it is known, and the host that it was sent to.
type Sender struct {
	origin, host string
	from         netip.Addr
}

// Resolve implements huma.Resolver.
func (f *Sender) Resolve(c huma.Context) []error {
	forwarded := ""
	c.EachHeader(func(name, value string) {
		if name == "X-Forwarded-For" {
			forwarded = value // of several the last, which the nearest balancer has added
		}
	})
	f.origin, f.host, f.from = c.Header("Origin"), c.Host(), cameFrom(c.RemoteAddr(), forwarded)
	return nil
}

type loginInput struct {
	Sender
	Body struct {
		Tenant   string `json:"tenant" maxLength:"40" doc:"the portal's slug"`
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"256"`
		Cookie   bool   `json:"cookie,omitempty" doc:"put the refresh token into an HttpOnly cookie instead of the answer"`
	}
}

type tokenOutput struct {
	SetCookie    http.Cookie `header:"Set-Cookie"`
	CacheControl string      `header:"Cache-Control"`
	Body         tokenBody
}

type tokenBody struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in" doc:"seconds"`
}

// login answers a wrong password and an unknown person with the same bytes after the same work.
func (s *Server) login(ctx context.Context, in *loginInput) (*tokenOutput, error) {
	slug, email := in.Body.Tenant, strings.ToLower(strings.TrimSpace(in.Body.Email))
	if in.Body.Cookie && !s.ownOrigin(in.origin, in.host) {
		return nil, hub.E("origin_denied")
	}
	if err := s.paces.knock(in.from); err != nil {
		return nil, err
	}
	if wait := s.logins.locked(slug, email, time.Now()); wait > 0 {
		return nil, lockedOut(wait)
	}
	tenant, profile, err := s.tenantBySlug(ctx, slug)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	var user store.User
	if err == nil {
		user, err = tenant.UserByEmail(ctx, email)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	hash := user.PasswordHash
	if err != nil || hash == "" {
		hash = nobody
	}
	if wait := user.LockedUntil.Sub(s.store.Now()); wait > 0 {
		return nil, lockedOut(wait)
	}
	ok, checkErr := checkPassword(ctx, hash, in.Body.Password)
	if checkErr != nil {
		return nil, hub.E("internal")
	}
	if err != nil || !ok || user.State != store.StateActive {
		s.logins.failed(slug, email, time.Now())
		if err == nil && !ok {
			if err := tenant.LoginFailed(ctx, user.ID, lockAfter, lockFor); err != nil {
				return nil, err
			}
		}
		return nil, hub.Ef("unauthenticated", "the e-mail address or the password is wrong")
	}
	if profile.State != store.StateActive {
		return nil, hub.E("tenant_suspended")
	}
	s.logins.succeeded(slug, email)
	if user.Failures > 0 {
		if err := tenant.LoginSucceeded(ctx, user.ID); err != nil {
			return nil, err
		}
	}
	return s.tokenAnswer(tenant.ID(), slug, user, true, in.Body.Cookie)
}

func lockedOut(wait time.Duration) error {
	e := hub.Ef("rate_limited", "too many wrong passwords; wait")
	e.RetryIn = wait.Round(time.Second) + time.Second
	return e
}

// tokenAnswer makes tokens for a person; with cookie, the refresh token travels as one.
func (s *Server) tokenAnswer(tenant store.TenantID, slug string, user store.User, refresh, cookie bool) (*tokenOutput, error) {
	pair, err := s.tokens.issue(tenant, user, refresh)
	if err != nil {
		return nil, err
	}
	out := &tokenOutput{CacheControl: "no-store", Body: tokenBody{AccessToken: pair.Access, TokenType: "Bearer", ExpiresIn: int64(pair.ExpiresIn.Seconds())}}
	switch {
	case pair.Refresh == "":
	case cookie:
		out.SetCookie = s.refreshCookie(slug, pair.Refresh, pair.RefreshEnds)
	default:
		out.Body.RefreshToken = pair.Refresh
	}
	return out, nil
}

// refreshCookie is one per portal, so that several may be open in one browser. Scripts can't read it, other sites can't
// cause it to be sent, and only the auth routes get it.
func (s *Server) refreshCookie(slug, value string, ends time.Time) http.Cookie {
	return http.Cookie{Name: cookieName(slug), Value: value, Path: "/api/v1/auth", Expires: ends, HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteStrictMode}
}

func cookieName(slug string) string { return "aihub_refresh_" + slug }

type refreshInput struct {
	Sender
	Cookie string `header:"Cookie" hidden:"true"`
	Body   struct {
		RefreshToken string `json:"refresh_token,omitempty" maxLength:"8192"`
		Tenant       string `json:"tenant,omitempty" maxLength:"40" doc:"the portal whose cookie to use"`
	}
}

// token returns the refresh token of a request: its body's, or the named portal's cookie, which only our own pages may use.
func (s *Server) refreshToken(in *refreshInput) (token string, cookie bool, err error) {
	if in.Body.RefreshToken != "" {
		return in.Body.RefreshToken, false, nil
	}
	if !s.ownOrigin(in.origin, in.host) {
		return "", true, hub.E("origin_denied")
	}
	cookies, err := http.ParseCookie(in.Cookie)
	if err != nil {
		return "", true, hub.E("unauthenticated")
	}
	for _, c := range cookies {
		if c.Name == cookieName(in.Body.Tenant) {
			return c.Value, true, nil
		}
	}
	return "", true, hub.E("unauthenticated")
}

// refresh gives a new access token, and a new refresh token once the old one is a day old: people who keep coming stay
// logged in.
func (s *Server) refresh(ctx context.Context, in *refreshInput) (*tokenOutput, error) {
	token, cookie, err := s.refreshToken(in)
	if err != nil {
		return nil, err
	}
	c, err := s.tokens.verify(token, refreshAudience)
	if err != nil {
		return nil, hub.E("unauthenticated")
	}
	tenant, profile, user, err := s.tokens.person(ctx, c)
	if err != nil {
		return nil, err
	}
	if _, revoked := user.Revoked[c.ID]; revoked {
		return nil, hub.E("unauthenticated")
	}
	return s.tokenAnswer(tenant.ID(), profile.Slug, user, s.store.Now().Sub(c.IssuedAt.Time) > 24*time.Hour, cookie)
}

type logoutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

// logout makes the refresh token void. A token that is no more is fine.
func (s *Server) logout(ctx context.Context, in *refreshInput) (*logoutOutput, error) {
	out := &logoutOutput{}
	token, cookie, err := s.refreshToken(in)
	if cookie && in.Body.Tenant != "" {
		out.SetCookie = s.refreshCookie(in.Body.Tenant, "", time.Unix(1, 0))
	}
	if err != nil {
		return out, nil
	}
	c, err := s.tokens.verify(token, refreshAudience)
	if err != nil {
		return out, nil
	}
	id, err := store.ParseTenantID(c.Tenant)
	if err != nil {
		return out, nil
	}
	err = s.store.Tenant(id).RevokeRefresh(ctx, c.User, c.ID, c.ExpiresAt.Time)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return out, err
}
