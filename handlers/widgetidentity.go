package handlers

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"aihub/hub"
	"aihub/store"
)

const (
	// identityFor is the longest life of a proof of identity.
	identityFor = time.Hour
	// maxIdentity bounds what a distributor's server calls a person by, in bytes.
	maxIdentity = 128
	// identitySecret is the shortest secret that signs identities, in bytes: HS256 is as strong as its key.
	identitySecret = 32
)

// An identity is what a distributor's server says of a visitor, in a JWT that it signs with a secret of the key.
type identity struct {
	Name     string `json:"name"`
	Email    string `json:"email"`
	Phone    string `json:"phone"`
	Document string `json:"document"`
	Contract string `json:"contract"`
	jwt.RegisteredClaims
}

// answers are the identity's parts as a visitor would have given them.
func (i identity) answers() map[string]string {
	out := map[string]string{}
	for name, value := range map[string]string{"name": i.Name, "email": i.Email, "phone": i.Phone, "document": i.Document, "contract": i.Contract} {
		if v, err := cleanAnswer(name, value); err == nil && v != "" { // a clumsy attribute must not lock a person out
			out[name] = v
		}
	}
	return out
}

// prove checks a proof of identity against the key's secrets: the current one and, while they are being exchanged, the
// one before.
func (s *Server) prove(_ context.Context, u widgetUse, token string) (identity, error) {
	refused := hub.Ef("unauthenticated", "the identity token is not valid for this key")
	if len(token) > maxToken {
		return identity{}, refused
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithAudience(u.key.ID),
		jwt.WithLeeway(leeway), jwt.WithStrictDecoding(), jwt.WithTimeFunc(s.store.Now))
	for _, sealed := range u.key.Secrets {
		secret, err := s.sealer.Open(u.tenant.ID().String(), u.key.ID, sealed)
		if err != nil {
			s.log.Error("a widget key's secret can't be opened", "tenant", u.tenant.ID().String(), "key", u.key.ID, "error", err)
			continue
		}
		var i identity
		_, err = parser.ParseWithClaims(token, &i, func(j *jwt.Token) (any, error) {
			for name := range j.Header {
				if name != "alg" && name != "typ" {
					return nil, errors.New("unexpected header")
				}
			}
			return []byte(secret), nil
		})
		switch {
		case errors.Is(err, jwt.ErrTokenSignatureInvalid):
			continue // it may be signed with the other secret
		case errors.Is(err, jwt.ErrTokenExpired):
			return i, hub.Ef("token_expired", "the identity token has expired; sign a new one")
		case err != nil:
			return i, refused
		}
		i.Subject = strings.TrimSpace(i.Subject)
		switch {
		case i.Subject == "" || len(i.Subject) > maxIdentity:
			return i, hub.Ef("unauthenticated", "the identity token's sub must be 1 to 128 bytes")
		case i.ExpiresAt.Sub(s.store.Now()) > identityFor+leeway:
			return i, hub.Ef("unauthenticated", "the identity token's exp must be at most an hour away")
		}
		return i, nil
	}
	return identity{}, refused
}

// SealIdentitySecret prepares a secret of a widget key for the store. A secret of less than 32 bytes is refused.
func SealIdentitySecret(seal func(tenant, row, plain string) (string, error), tenant store.TenantID, key, secret string) (string, error) {
	if len(secret) < identitySecret {
		return "", hub.Ef("bad_field", "a secret that signs identities has at least 32 bytes")
	}
	return seal(tenant.String(), key, secret)
}
