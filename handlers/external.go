package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"aihub/hub"
	"aihub/llm"
	"aihub/store"
)

// Claims that tokens of other identity providers carry unless their issuer's row says otherwise.
const (
	tenantClaim = "tenant_id"
	userClaim   = "usuario_id"
	nameClaim   = "name"
	emailClaim  = "email"
)

const (
	maxExternalID = 200
	externalFor   = 24 * time.Hour // the longest that a connection lives on one token
)

// external checks tokens of other identity providers. What is trusted is in the store alone: which issuers, their
// algorithms and their keys. Nothing that a token says of its own keys is followed.
type external struct {
	store  *store.Store
	sealer *llm.Sealer
	keys   *keyCache
}

// Trust lets tokens of the issuers in the store in. networks are private addresses where their keys may be.
func (t *Tokens) Trust(sealer *llm.Sealer, networks []netip.Prefix) {
	t.external = &external{store: t.store, sealer: sealer, keys: newKeyCache(llm.GuardedClient(networks, keySetTime))}
}

// stated is what a token says of its origin. It is believed only as far as it chooses whose key must have signed it.
type stated struct {
	Issuer   string           `json:"iss"`
	Audience jwt.ClaimStrings `json:"aud"`
}

// foreign returns what a token says of its origin, if that is not this server.
func foreign(token string) (stated, bool) {
	var s stated
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return s, false
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &s) != nil {
		return s, false
	}
	return s, s.Issuer != "" && s.Issuer != issuer && len(s.Audience) > 0 && len(s.Audience) <= 10
}

// authenticate returns whom a foreign token speaks for.
func (x *external) authenticate(ctx context.Context, token string, from stated) (hub.Principal, error) {
	tenant, trusted, err := x.store.Directory().FindIssuer(ctx, from.Issuer, from.Audience)
	if err != nil {
		return hub.Principal{}, orUnknown(err)
	}
	c, err := x.verify(ctx, token, tenant, trusted)
	if err != nil {
		return hub.Principal{}, err
	}
	if tenant, err = tenantOf(x.store, tenant, trusted, c); err != nil {
		return hub.Principal{}, err
	}
	profile, err := tenant.Profile(ctx)
	if err != nil {
		return hub.Principal{}, orUnknown(err)
	}
	if profile.State != store.StateActive {
		return hub.Principal{}, hub.E("tenant_suspended")
	}
	user, err := personOf(ctx, tenant, trusted, c, store.RoleParticipant)
	if err != nil {
		return hub.Principal{}, err
	}
	issued, _ := c.GetIssuedAt()
	if user.State != store.StateActive || !user.VoidBefore.IsZero() && (issued == nil || issued.Before(user.VoidBefore)) {
		return hub.Principal{}, hub.E("unauthenticated")
	}
	expires, _ := c.GetExpirationTime() // there is one: verify requires it
	ends := x.store.Now().Add(externalFor)
	if expires.Before(ends) {
		ends = expires.Time
	}
	return hub.Principal{Tenant: tenant, Profile: profile, User: user.ID, Name: user.Name, Role: user.Role, Expires: here(x.store, ends)}, nil
}

// verify checks a token against what is known of its issuer.
func (x *external) verify(ctx context.Context, token string, tenant *store.Tenant, trusted store.Issuer) (jwt.MapClaims, error) {
	c := jwt.MapClaims{}
	parser := jwt.NewParser(jwt.WithValidMethods(trusted.Algorithms), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer(trusted.Issuer),
		jwt.WithAudience(trusted.Audience), jwt.WithLeeway(leeway), jwt.WithStrictDecoding(), jwt.WithJSONNumber(), jwt.WithTimeFunc(x.store.Now))
	parsed, err := parser.ParseWithClaims(token, c, func(j *jwt.Token) (any, error) {
		kid := ""
		for name, value := range j.Header {
			text, isText := value.(string)
			switch {
			case !isText:
				return nil, errors.New("unexpected header")
			case name == "kid" && len(text) <= 256:
				kid = text
			case name == "typ" && (strings.EqualFold(text, "JWT") || strings.EqualFold(text, "at+jwt")), name == "alg", name == "x5t", name == "x5t#S256":
			default: // keys by value or by reference, extensions that change the meaning
				return nil, errors.New("unexpected header")
			}
		}
		if trusted.KeysURL != "" {
			return x.keys.key(ctx, trusted.ID, trusted.KeysURL, kid, j.Method.Alg())
		}
		scope := ""
		if tenant != nil {
			scope = tenant.ID().String()
		}
		secret, err := x.sealer.Open(scope, trusted.ID, trusted.SealedSecret)
		return []byte(secret), err
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return nil, hub.E("token_expired")
	case err != nil || !parsed.Valid:
		return nil, hub.E("unauthenticated")
	}
	return c, nil
}

// tenantOf returns the tenant a token is for: its issuer's, or, where the issuer is everyone's, the one that it names. A
// tenant's issuer may name its own tenant only.
func tenantOf(db *store.Store, bound *store.Tenant, trusted store.Issuer, c jwt.MapClaims) (*store.Tenant, error) {
	named, there, ok := textClaim(c, or(trusted.TenantClaim, tenantClaim))
	switch {
	case !ok, !there && bound == nil, there && bound != nil && named != bound.ID().String():
		return nil, hub.E("unauthenticated")
	case bound != nil:
		return bound, nil
	}
	id, err := store.ParseTenantID(named)
	if err != nil {
		return nil, hub.E("unauthenticated")
	}
	return db.Tenant(id), nil
}

// textClaim returns a claim that is a text or a whole number; ok is false for one of another kind, or that is empty.
func textClaim(c jwt.MapClaims, name string) (text string, there, ok bool) {
	switch v := c[name].(type) {
	case nil:
		return "", false, true
	case string:
		return v, true, v != "" && len(v) <= maxExternalID && v == strings.TrimSpace(v) && !strings.ContainsRune(v, 0)
	case json.Number:
		return v.String(), true, wholeNumber.MatchString(v.String())
	}
	return "", true, false
}

var wholeNumber = regexp.MustCompile(`^[0-9]{1,20}$`)

// personOf returns the person a token speaks for, who is made with the role if the issuer may make people.
func personOf(ctx context.Context, tenant *store.Tenant, trusted store.Issuer, c jwt.MapClaims, role string) (store.User, error) {
	id, there, ok := textClaim(c, or(trusted.UserClaim, userClaim))
	if !there || !ok {
		return store.User{}, hub.E("unauthenticated")
	}
	name := trusted.Issuer + "|" + id
	user, err := tenant.UserByExternal(ctx, name)
	if !errors.Is(err, store.ErrNotFound) {
		return user, orNil(err)
	}
	email, _, _ := textClaim(c, or(trusted.EmailClaim, emailClaim))
	email, emailErr := ParseEmail(email)
	if verified, _ := c["email_verified"].(bool); trusted.LinkByEmail && verified && emailErr == nil {
		if user, err := link(ctx, tenant, email, name); !errors.Is(err, store.ErrNotFound) {
			return user, orNil(err)
		}
	}
	if !trusted.Create {
		return store.User{}, hub.E("unauthenticated")
	}
	user = store.User{ID: store.NewID("u"), Email: email, Name: shownName(c, trusted, id), Role: role, State: store.StateActive, External: name}
	if emailErr != nil {
		user.Email = unknownEmail(name)
	}
	err = tenant.CreateUser(ctx, user)
	if errors.Is(err, store.ErrExists) { // made just now by another request, or the address is somebody's, whom the token is not
		if made, err := tenant.UserByExternal(ctx, name); !errors.Is(err, store.ErrNotFound) {
			return made, orNil(err)
		}
		user.Email = unknownEmail(name)
		err = tenant.CreateUser(ctx, user)
	}
	if err != nil {
		return store.User{}, fromStore(err)
	}
	return tenant.User(ctx, user.ID)
}

// orNil is fromStore for what may be no error.
func orNil(err error) error {
	if err == nil {
		return nil
	}
	return fromStore(err)
}

// link gives the person with this address the external identity, unless they have another one.
func link(ctx context.Context, tenant *store.Tenant, email, external string) (store.User, error) {
	user, err := tenant.UserByEmail(ctx, email)
	if err != nil {
		return user, err
	}
	if err := tenant.LinkExternal(ctx, user.ID, external); err != nil {
		return user, err
	}
	user.External = external
	return user, nil
}

func shownName(c jwt.MapClaims, trusted store.Issuer, id string) string {
	name, there, ok := textClaim(c, or(trusted.NameClaim, nameClaim))
	if !there || !ok {
		name = id
	}
	if runes := []rune(name); len(runes) > 80 {
		name = string(runes[:80])
	}
	return name
}

// unknownEmail stands for the address of a person whose provider does not tell it. Nothing is ever sent there.
func unknownEmail(external string) string {
	sum := sha256.Sum256([]byte(external))
	return fmt.Sprintf("%s@externo.invalid", hex.EncodeToString(sum[:10]))
}
