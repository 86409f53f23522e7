package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"

	"aihub/hub"
	"aihub/llm"
	"aihub/store"
)

// IssuerBody is another identity provider whose tokens are trusted, for one distributor's people; the operator's are for
// everyone's, and name the distributor themselves.
type IssuerBody struct {
	Name        string     `json:"name" minLength:"1" maxLength:"80"`
	Issuer      string     `json:"issuer" minLength:"1" maxLength:"300" doc:"iss, exactly"`
	Audience    string     `json:"audience" minLength:"1" maxLength:"300" doc:"aud of its tokens for us"`
	Algorithms  []string   `json:"algorithms" required:"false" maxItems:"10" doc:"default RS256 with keys_url, HS256 with a secret"`
	KeysURL     string     `json:"keys_url" required:"false" maxLength:"500" doc:"of its JSON Web Key Set; empty: a shared secret"`
	Claims      ClaimsBody `json:"claims" required:"false" doc:"names of claims"`
	Create      bool       `json:"create_users" required:"false" doc:"people it vouches for are made at their first token"`
	LinkByEmail bool       `json:"link_by_email" required:"false" doc:"a verified address is that of the person who has it here"`
	State       string     `json:"state" required:"false" enum:"active,disabled" default:"active"`
}

// ClaimsBody names claims; empty ones have their usual names.
type ClaimsBody struct {
	Tenant string `json:"tenant" required:"false" maxLength:"100" doc:"default tenant_id"`
	User   string `json:"user" required:"false" maxLength:"100" doc:"default usuario_id"`
	Name   string `json:"name" required:"false" maxLength:"100" doc:"default name"`
	Email  string `json:"email" required:"false" maxLength:"100" doc:"default email"`
}

// IssuerInput is IssuerBody with the secret.
type IssuerInput struct {
	IssuerBody
	Secret *string `json:"secret" required:"false" maxLength:"500" doc:"shared with the provider, at least 32 bytes; empty: none"`
}

type issuerView struct {
	Meta
	IssuerBody
	Secret secretView `json:"secret"`
}

func viewIssuer(i store.Issuer) issuerView {
	return issuerView{metaOf(i.ID, i.Rev, i.CreatedAt, i.ChangedAt), IssuerBody{i.Name, i.Issuer, i.Audience, orNone(i.Algorithms), i.KeysURL,
		ClaimsBody{i.TenantClaim, i.UserClaim, i.NameClaim, i.EmailClaim}, i.Create, i.LinkByEmail, showState(i.State)}, secretView{i.SealedSecret != "", i.SecretLast4}}
}

// Algorithms that tokens of other providers may be signed with. A public key never verifies those of a secret.
var (
	keyAlgorithms    = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	secretAlgorithms = []string{"HS256", "HS384", "HS512"}
)

// set makes the issuer say what the body does.
func (s *Server) setIssuer(b IssuerInput, scope string, i *store.Issuer) (err error) {
	if b.Issuer == issuer {
		return hub.Ef("bad_field", "issuer is this server's own name")
	}
	known, usual := secretAlgorithms, "HS256"
	if b.KeysURL != "" {
		known, usual = keyAlgorithms, "RS256"
		plain, _, _ := strings.Cut(b.KeysURL, "?")
		if err := llm.CheckURL(plain, false, s.networks); err != nil {
			return hub.Ef("bad_field", "keys_url must be a public https address")
		}
	}
	if len(b.Algorithms) == 0 {
		b.Algorithms = []string{usual}
	}
	for _, a := range b.Algorithms {
		if !slices.Contains(known, a) {
			return hub.Ef("bad_field", "algorithms may be "+strings.Join(known, ", "))
		}
	}
	i.Name, i.Issuer, i.Audience, i.Algorithms, i.KeysURL = b.Name, b.Issuer, b.Audience, b.Algorithms, b.KeysURL
	i.TenantClaim, i.UserClaim, i.NameClaim, i.EmailClaim = b.Claims.Tenant, b.Claims.User, b.Claims.Name, b.Claims.Email
	i.Create, i.LinkByEmail, i.State = b.Create, b.LinkByEmail, storeState(b.State)
	if b.Secret != nil {
		if n := len(*b.Secret); n > 0 && n < 32 {
			return hub.Ef("bad_field", "a secret has at least 32 bytes")
		}
		if i.SealedSecret, i.SecretLast4, err = s.seal(scope, i.ID, *b.Secret); err != nil {
			return err
		}
	}
	if (i.KeysURL == "") == (i.SealedSecret == "") {
		return hub.Ef("bad_field", "an issuer has either keys_url or secret")
	}
	return nil
}

// issuerRows are the issuers a person manages: the operator's are everyone's.
type issuerRows interface {
	Issuers(context.Context, store.Page) ([]store.Issuer, string, error)
	Issuer(context.Context, string) (store.Issuer, error)
	CreateIssuer(context.Context, store.Issuer) error
	UpdateIssuer(context.Context, store.Issuer) (store.Issuer, error)
	DeleteIssuer(ctx context.Context, id string, rev int64) error
}

// issuerRows returns them, and what their secrets are sealed for.
func (s *Server) issuerRows(who hub.Principal) (issuerRows, string) {
	if who.Role == store.RoleOperator {
		return s.store.Global(), ""
	}
	return who.Tenant, who.Tenant.ID().String()
}

func (s *Server) listIssuers(ctx context.Context, who hub.Principal, p store.Page) ([]issuerView, string, error) {
	rows, _ := s.issuerRows(who)
	list, next, err := rows.Issuers(ctx, p)
	return viewAll(list, viewIssuer), next, err
}

func (s *Server) getIssuer(ctx context.Context, who hub.Principal, id string) (issuerView, error) {
	rows, _ := s.issuerRows(who)
	i, err := rows.Issuer(ctx, id)
	return viewIssuer(i), err
}

func (s *Server) createIssuer(ctx context.Context, who hub.Principal, id string, b IssuerInput) (issuerView, error) {
	rows, scope := s.issuerRows(who)
	i := store.Issuer{ID: id}
	if err := s.setIssuer(b, scope, &i); err != nil {
		return issuerView{}, err
	}
	err := rows.CreateIssuer(ctx, i)
	if errors.Is(err, store.ErrExists) {
		return issuerView{}, errTaken{err, "this pair of issuer and audience is taken"}
	}
	if err != nil {
		return issuerView{}, err
	}
	return s.getIssuer(ctx, who, id)
}

func (s *Server) changeIssuer(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*IssuerInput) error) (issuerView, error) {
	rows, scope := s.issuerRows(who)
	i, err := rows.Issuer(ctx, id)
	if err != nil {
		return issuerView{}, err
	}
	old, b := i, IssuerInput{IssuerBody: viewIssuer(i).IssuerBody}
	if err := apply(&b); err != nil {
		return issuerView{}, err
	}
	if b.Issuer != old.Issuer || b.Audience != old.Audience {
		return issuerView{}, hub.Ef("bad_field", "issuer and audience can't be changed")
	}
	if err := s.setIssuer(b, scope, &i); err != nil {
		return issuerView{}, err
	}
	i.Rev = revision(rev, i.Rev)
	if i, err = rows.UpdateIssuer(ctx, i); err == nil {
		s.revoked(ctx, who.Tenant, "")
	}
	return viewIssuer(i), err
}

func (s *Server) deleteIssuer(ctx context.Context, who hub.Principal, id string, rev int64) error {
	rows, _ := s.issuerRows(who)
	err := rows.DeleteIssuer(ctx, id, rev)
	if err == nil {
		s.revoked(ctx, who.Tenant, "")
	}
	return err
}
