package handlers

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"aihub/hub"
	"aihub/llm"
	"aihub/store"
)

// LoginProviderBody is an OpenID Connect provider at which the distributor's people may log in (oidc.go).
type LoginProviderBody struct {
	Name        string         `json:"name" minLength:"1" maxLength:"40" doc:"as the button says it"`
	Issuer      string         `json:"issuer" minLength:"1" maxLength:"300" doc:"its address, exactly as its tokens say it"`
	ClientID    string         `json:"client_id" minLength:"1" maxLength:"300"`
	Domains     []string       `json:"domains" required:"false" maxItems:"50" doc:"of verified addresses that may come in; none: whoever the provider vouches for"`
	Create      bool           `json:"create_users" required:"false" doc:"people it vouches for are made at their first login"`
	LinkByEmail bool           `json:"link_by_email" required:"false" doc:"a verified address is that of the person who has it here"`
	Role        string         `json:"role" required:"false" enum:"usuario,supervisor,admin" default:"usuario" doc:"of people that are made"`
	RoleClaim   string         `json:"role_claim" required:"false" maxLength:"100" doc:"a claim, of one text or several, that says more about it"`
	Roles       []RoleRuleBody `json:"roles" required:"false" maxItems:"20" doc:"what its values say; the first that fits counts"`
	State       string         `json:"state" required:"false" enum:"active,disabled" default:"active"`
}

// RoleRuleBody gives a role to people of whom the claim says so.
type RoleRuleBody struct {
	Value string `json:"value" minLength:"1" maxLength:"200"`
	Role  string `json:"role" enum:"usuario,supervisor,admin"`
}

// LoginProviderInput is LoginProviderBody with the client's secret.
type LoginProviderInput struct {
	LoginProviderBody
	Secret *string `json:"client_secret" required:"false" maxLength:"500" doc:"empty: none, the client is a public one"`
}

type loginProviderView struct {
	Meta
	LoginProviderBody
	Secret secretView `json:"client_secret"`
}

func viewLoginProvider(p store.LoginProvider) loginProviderView {
	rules := viewAll(p.Roles, func(r store.RoleRule) RoleRuleBody { return RoleRuleBody(r) })
	return loginProviderView{metaOf(p.ID, p.Rev, p.CreatedAt, p.ChangedAt), LoginProviderBody{p.Name, p.Issuer, p.ClientID, orNone(p.Domains), p.Create, p.LinkByEmail,
		p.Role, p.RoleClaim, rules, showState(p.State)}, secretView{p.SealedSecret != "", p.SecretLast4}}
}

var domainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)

// setLoginProvider makes the provider say what the body does. The secret of another issuer or client is nobody's: it goes.
func (s *Server) setLoginProvider(b LoginProviderInput, scope string, p *store.LoginProvider) (err error) {
	if err := llm.CheckURL(b.Issuer, false, s.networks); err != nil {
		return hub.Ef("bad_field", "issuer must be a public https address")
	}
	domains := make([]string, 0, len(b.Domains))
	for _, d := range b.Domains {
		d = strings.ToLower(strings.TrimPrefix(d, "@"))
		if !domainName.MatchString(d) {
			return hub.Ef("bad_field", "domains are like provedor.example")
		}
		domains = append(domains, d)
	}
	slices.Sort(domains)
	if b.Issuer != p.Issuer || b.ClientID != p.ClientID {
		p.SealedSecret, p.SecretLast4 = "", ""
	}
	p.Name, p.Issuer, p.ClientID, p.Domains, p.Create, p.LinkByEmail = b.Name, b.Issuer, b.ClientID, slices.Compact(domains), b.Create, b.LinkByEmail
	p.Role, p.RoleClaim, p.State = or(b.Role, store.RoleParticipant), b.RoleClaim, storeState(b.State)
	p.Roles = viewAll(b.Roles, func(r RoleRuleBody) store.RoleRule { return store.RoleRule(r) })
	if b.Secret != nil {
		p.SealedSecret, p.SecretLast4, err = s.seal(scope, p.ID, *b.Secret)
	}
	return err
}

func (s *Server) listLoginProviders(ctx context.Context, who hub.Principal, p store.Page) ([]loginProviderView, string, error) {
	list, next, err := who.Tenant.LoginProviders(ctx, p)
	return viewAll(list, viewLoginProvider), next, err
}

func (s *Server) getLoginProvider(ctx context.Context, who hub.Principal, id string) (loginProviderView, error) {
	p, err := who.Tenant.LoginProvider(ctx, id)
	return viewLoginProvider(p), err
}

func (s *Server) createLoginProvider(ctx context.Context, who hub.Principal, id string, b LoginProviderInput) (loginProviderView, error) {
	p := store.LoginProvider{ID: id}
	if err := s.setLoginProvider(b, who.Tenant.ID().String(), &p); err != nil {
		return loginProviderView{}, err
	}
	if err := who.Tenant.CreateLoginProvider(ctx, p); err != nil {
		return loginProviderView{}, err
	}
	return s.getLoginProvider(ctx, who, id)
}

func (s *Server) changeLoginProvider(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*LoginProviderInput) error) (loginProviderView, error) {
	p, err := who.Tenant.LoginProvider(ctx, id)
	if err != nil {
		return loginProviderView{}, err
	}
	b := LoginProviderInput{LoginProviderBody: viewLoginProvider(p).LoginProviderBody}
	if err := apply(&b); err != nil {
		return loginProviderView{}, err
	}
	if err := s.setLoginProvider(b, who.Tenant.ID().String(), &p); err != nil {
		return loginProviderView{}, err
	}
	p.Rev = revision(rev, p.Rev)
	p, err = who.Tenant.UpdateLoginProvider(ctx, p)
	return viewLoginProvider(p), err
}

func (s *Server) deleteLoginProvider(ctx context.Context, who hub.Principal, id string, rev int64) error {
	return who.Tenant.DeleteLoginProvider(ctx, id, rev)
}
