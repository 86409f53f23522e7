package handlers

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"aihub/hub"
	"aihub/store"
)

const (
	issuer          = "aihub"
	accessAudience  = "aihub"
	refreshAudience = "aihub:refresh"
	inviteAudience  = "aihub:invite"
	refreshFor      = 30 * 24 * time.Hour
	inviteFor       = 7 * 24 * time.Hour
	apiKeyFor       = 24 * time.Hour   // a connection opened with an API key must come back with it
	leeway          = 30 * time.Second // between the clocks of instances
	maxToken        = 8 << 10          // bytes, before anything of it is parsed
)

// Tokens makes and checks this server's own tokens. It is the hub's Authenticator and safe for concurrent use.
type Tokens struct {
	store    *store.Store
	key      []byte
	access   time.Duration
	external *external // nil: only our own tokens
	parse    func(audience string) *jwt.Parser
}

var _ hub.Authenticator = (*Tokens)(nil)

// NewTokens derives the signing key from the installation's master key. access is the life of an access token.
func NewTokens(s *store.Store, master []byte, access time.Duration) (*Tokens, error) {
	key, err := hkdf.Key(sha256.New, master, nil, "aihub token signing v1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the token key: %w", err)
	}
	return &Tokens{store: s, key: key, access: access, parse: func(audience string) *jwt.Parser {
		// What is not asked for is not checked by the library: algorithm, expiry, issuer and audience are.
		return jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer(issuer),
			jwt.WithAudience(audience), jwt.WithLeeway(leeway), jwt.WithStrictDecoding(), jwt.WithTimeFunc(s.Now))
	}}, nil
}

// claims are what a token says of a person.
type claims struct {
	Tenant string `json:"tenant_id"`
	User   string `json:"usuario_id"`
	Role   string `json:"role"`
	Epoch  int64  `json:"epoca"`
	jwt.RegisteredClaims
}

// Pair is what a login returns.
type Pair struct {
	Access, Refresh string
	ExpiresIn       time.Duration
	RefreshEnds     time.Time
}

// issue makes an access token and, where refresh is asked for, a refresh token.
func (t *Tokens) issue(tenant store.TenantID, u store.User, refresh bool) (Pair, error) {
	now := t.store.Now()
	p := Pair{ExpiresIn: t.access, RefreshEnds: now.Add(refreshFor)}
	var err error
	if p.Access, err = t.sign(tenant, u, accessAudience, now, now.Add(t.access)); err != nil || !refresh {
		return p, err
	}
	p.Refresh, err = t.sign(tenant, u, refreshAudience, now, p.RefreshEnds)
	return p, err
}

// invite makes a token with which a person sets a password. It is void once they have one: a password begins a new epoch.
func (t *Tokens) invite(tenant store.TenantID, u store.User) (string, error) {
	now := t.store.Now()
	return t.sign(tenant, u, inviteAudience, now, now.Add(inviteFor))
}

func (t *Tokens) sign(tenant store.TenantID, u store.User, audience string, now, until time.Time) (string, error) {
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	c := claims{Tenant: tenant.String(), User: u.ID, Role: u.Role, Epoch: u.TokenEpoch, RegisteredClaims: jwt.RegisteredClaims{Issuer: issuer,
		Audience: jwt.ClaimStrings{audience}, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(until), ID: hex.EncodeToString(id[:])}}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(t.key)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return signed, nil
}

// verify checks a token's form and signature; the store is not asked.
func (t *Tokens) verify(token, audience string) (claims, error) {
	var c claims
	if token == "" || len(token) > maxToken {
		return c, hub.E("unauthenticated")
	}
	parsed, err := t.parse(audience).ParseWithClaims(token, &c, func(j *jwt.Token) (any, error) {
		for name := range j.Header { // no key by reference, no extension that changes the meaning
			if name != "alg" && name != "typ" {
				return nil, errors.New("unexpected header")
			}
		}
		return t.key, nil
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return c, hub.E("token_expired")
	case err != nil || !parsed.Valid:
		return c, hub.E("unauthenticated")
	}
	return c, nil
}

// person loads who a token speaks for and checks that it still may.
func (t *Tokens) person(ctx context.Context, c claims) (*store.Tenant, store.Profile, store.User, error) {
	id, err := store.ParseTenantID(c.Tenant)
	if err != nil {
		return nil, store.Profile{}, store.User{}, hub.E("unauthenticated")
	}
	tenant := t.store.Tenant(id)
	profile, err := tenant.Profile(ctx)
	if err != nil {
		return nil, profile, store.User{}, orUnknown(err)
	}
	user, err := tenant.User(ctx, c.User)
	switch {
	case err != nil:
		return nil, profile, user, orUnknown(err)
	case user.State != store.StateActive, user.TokenEpoch != c.Epoch:
		return nil, profile, user, hub.E("unauthenticated")
	case profile.State != store.StateActive:
		return nil, profile, user, hub.E("tenant_suspended")
	}
	return tenant, profile, user, nil
}

// orUnknown hides whether a tenant or a user exists; that the store is away is said.
func orUnknown(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return hub.E("unauthenticated")
	}
	return fromStore(err)
}

// Authenticate implements hub.Authenticator.
func (t *Tokens) Authenticate(ctx context.Context, token string) (hub.Principal, error) {
	if strings.HasPrefix(token, "ak_") && len(token) <= maxToken {
		return t.program(ctx, token)
	}
	if from, ok := foreign(token); ok && t.external != nil {
		return t.external.authenticate(ctx, token, from)
	}
	c, err := t.verify(token, accessAudience)
	if err != nil {
		return hub.Principal{}, err
	}
	if c.Role == store.RoleVisitor {
		return t.visitor(ctx, c)
	}
	tenant, profile, user, err := t.person(ctx, c)
	if err != nil {
		return hub.Principal{}, err
	}
	if user.Role != c.Role { // it changed since; a refresh gives a token of the new one
		return hub.Principal{}, hub.E("token_expired")
	}
	return hub.Principal{Tenant: tenant, Profile: profile, User: user.ID, Name: user.Name, Role: user.Role, Expires: here(t.store, c.ExpiresAt.Time)}, nil
}

// here is a moment of the shared time by this machine's clock, which connections are watched by.
func here(s *store.Store, at time.Time) time.Time { return time.Now().Add(at.Sub(s.Now())) }

// program returns the person an API key talks as, with no more rights than talking.
func (t *Tokens) program(ctx context.Context, key string) (hub.Principal, error) {
	tenant, k, err := t.store.Directory().TenantByAPIKey(ctx, key)
	if err != nil {
		return hub.Principal{}, orUnknown(err)
	}
	profile, err := tenant.Profile(ctx)
	if err != nil {
		return hub.Principal{}, orUnknown(err)
	}
	user, err := tenant.User(ctx, k.UserID)
	switch {
	case err != nil:
		return hub.Principal{}, orUnknown(err)
	case user.State != store.StateActive:
		return hub.Principal{}, hub.E("unauthenticated")
	case profile.State != store.StateActive:
		return hub.Principal{}, hub.E("tenant_suspended")
	}
	ends := t.store.Now().Add(apiKeyFor)
	if !k.ExpiresAt.IsZero() && k.ExpiresAt.Before(ends) {
		ends = k.ExpiresAt
	}
	return hub.Principal{Tenant: tenant, Profile: profile, User: user.ID, Name: user.Name, Role: store.RoleParticipant, Expires: here(t.store, ends)}, nil
}

// bearer authenticates a request's Authorization header and checks the role.
func (t *Tokens) bearer(ctx context.Context, header string, roles []string) (hub.Principal, error) {
	token, ok := bearerToken(header)
	if !ok {
		return hub.Principal{}, hub.E("unauthenticated")
	}
	who, err := t.Authenticate(ctx, token)
	if err != nil {
		return who, err
	}
	if !slices.Contains(roles, who.Role) {
		return hub.Principal{}, hub.Ef("forbidden", "this needs one of the roles "+strings.Join(roles, ", "))
	}
	return who, nil
}

// check refuses a header whose token is not valid and says who it speaks for; for our own tokens the store is not asked.
func (t *Tokens) check(ctx context.Context, header string) (subject, error) {
	token, ok := bearerToken(header)
	if !ok {
		return subject{}, hub.E("unauthenticated")
	}
	if _, other := foreign(token); other || strings.HasPrefix(token, "ak_") {
		who, err := t.Authenticate(ctx, token)
		if err != nil {
			return subject{}, err
		}
		return subject{who.Tenant.ID().String(), who.User}, nil
	}
	c, err := t.verify(token, accessAudience)
	return subject{c.Tenant, c.User}, err
}

func bearerToken(header string) (string, bool) {
	scheme, token, ok := strings.Cut(header, " ")
	return token, ok && strings.EqualFold(scheme, "Bearer")
}
