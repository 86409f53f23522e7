package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/text/currency"

	"aihub/hub"
	"aihub/store"
)

// deletionGrace is how long a tenant's deletion can still be taken back.
const deletionGrace = 30 * 24 * time.Hour

// TenantBody is a distributor as the operator keeps it.
type TenantBody struct {
	Slug     string   `json:"slug" pattern:"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$" doc:"names its portal; it can't be changed"`
	Name     string   `json:"name" minLength:"1" maxLength:"80"`
	Timezone string   `json:"timezone" required:"false" maxLength:"60" doc:"IANA name; default America/Sao_Paulo"`
	Currency string   `json:"currency" required:"false" pattern:"^([A-Z]{3})?$" doc:"ISO 4217 code of its prices and costs; default BRL; it can't be changed, for nothing is converted"`
	Domains  []string `json:"domains" required:"false" maxItems:"20" doc:"host names at which the portal is this distributor's"`
}

// NewTenantBody is TenantBody with the first administrator.
type NewTenantBody struct {
	TenantBody
	Admin struct {
		Email    string `json:"email" maxLength:"254"`
		Name     string `json:"name" minLength:"1" maxLength:"80"`
		Password string `json:"password" maxLength:"256" doc:"8 to 256 bytes"`
	} `json:"admin"`
}

type tenantView struct {
	Meta
	TenantBody
	State    string `json:"state" enum:"active,suspended,closing,deleted"`
	DeleteAt string `json:"delete_at,omitempty" doc:"when a closing distributor's data goes"`
	Admins   int    `json:"admins"`
}

func viewTenant(p store.Profile) tenantView {
	return tenantView{tenantMeta(p), TenantBody{p.Slug, p.Name, p.TimeZone, p.Currency.Code(), orNone(p.Domains)}, showState(p.State), optionalStamp(p.DeleteAt), p.AdminCount}
}

// check refuses zones and host names that can't be right.
func (b *TenantBody) check() error {
	if b.Name = strings.TrimSpace(b.Name); b.Name == "" {
		return hub.Ef("bad_field", "name is empty")
	}
	if b.Timezone == "" {
		b.Timezone = "America/Sao_Paulo"
	}
	_, err := time.LoadLocation(b.Timezone)
	if err != nil || b.Timezone == "Local" {
		return hub.Ef("bad_field", "timezone is not the IANA name of one")
	}
	if b.Currency, err = currencyCode(b.Currency); err != nil {
		return err
	}
	for i, host := range b.Domains {
		ascii, err := idna.Lookup.ToASCII(strings.ToLower(host))
		if err != nil || !strings.Contains(ascii, ".") || strings.ContainsAny(ascii, ":/") {
			return hub.Ef("bad_field", "domains must be host names")
		}
		b.Domains[i] = ascii
	}
	slices.Sort(b.Domains)
	b.Domains = slices.Compact(b.Domains)
	return nil
}

// currencyCode checks a code of ISO 4217; "" is the default.
func currencyCode(code string) (string, error) {
	code = store.Currency(code).Code()
	if _, err := currency.ParseISO(code); err != nil {
		return "", hub.Ef("bad_field", "currency is not a code of ISO 4217")
	}
	return code, nil
}

// tenantNamed returns the tenant that an operator's route names, or ErrNotFound.
func (s *Server) tenantNamed(ctx context.Context, id string) (*store.Tenant, store.Profile, error) {
	parsed, err := store.ParseTenantID(id)
	if err != nil {
		return nil, store.Profile{}, store.ErrNotFound
	}
	t := s.store.Tenant(parsed)
	p, err := t.Profile(ctx)
	return t, p, err
}

func (s *Server) listTenants(ctx context.Context, _ hub.Principal, p store.Page) ([]tenantView, string, error) {
	list, next, err := s.store.Directory().TenantsPage(ctx, p)
	return viewAll(list, viewTenant), next, err
}

func (s *Server) getTenant(ctx context.Context, _ hub.Principal, id string) (tenantView, error) {
	_, p, err := s.tenantNamed(ctx, id)
	return viewTenant(p), err
}

// createTenant adds a tenant with its first administrator. It may be repeated until both are there.
func (s *Server) createTenant(ctx context.Context, _ hub.Principal, adminID string, b NewTenantBody) (tenantView, error) {
	p, admin, err := NewTenant(ctx, b, adminID)
	if err != nil {
		return tenantView{}, err
	}
	t, err := AddTenant(ctx, s.store, p, admin)
	if errors.Is(err, store.ErrExists) {
		err = conflict("the slug is taken")
	}
	if err != nil {
		return tenantView{}, err
	}
	p, err = t.Profile(ctx)
	return viewTenant(p), err
}

// NewTenant checks what makes a tenant and its first administrator, who gets the given id.
func NewTenant(ctx context.Context, b NewTenantBody, adminID string) (store.Profile, store.User, error) {
	if err := b.check(); err != nil {
		return store.Profile{}, store.User{}, err
	}
	id, err := store.ParseTenantID(b.Slug)
	if err != nil {
		return store.Profile{}, store.User{}, hub.Ef("bad_field", "slug has 1 to 40 of a-z, 0-9 and -")
	}
	if b.Admin.Password == "" {
		return store.Profile{}, store.User{}, hub.Ef("bad_field", "a password has 8 to 256 bytes")
	}
	admin, err := NewUser(ctx, adminID, b.Admin.Email, b.Admin.Name, store.RoleAdmin, b.Admin.Password)
	return store.Profile{ID: id, Slug: b.Slug, Name: b.Name, TimeZone: b.Timezone, Currency: store.Currency(b.Currency), Domains: b.Domains, State: store.StateActive}, admin, err
}

// AddTenant stores a tenant and its first administrator; store.ErrExists when the name is taken by a tenant that has an
// administrator already.
func AddTenant(ctx context.Context, db *store.Store, p store.Profile, admin store.User) (*store.Tenant, error) {
	t := db.Tenant(p.ID)
	made := db.Directory().CreateTenant(ctx, p)
	if made != nil && !errors.Is(made, store.ErrExists) {
		return nil, made
	}
	if made != nil { // it is there: ours from an attempt that was cut off, or somebody's
		have, err := t.Profile(ctx)
		if err != nil {
			return nil, made
		}
		if _, err := t.User(ctx, admin.ID); have.AdminCount > 0 && err != nil {
			return nil, made
		}
	}
	if err := t.CreateUser(ctx, admin); err != nil && !errors.Is(err, store.ErrExists) {
		return nil, err
	}
	if len(p.Domains) == 0 {
		return t, nil
	}
	_, err := changeProfile(ctx, t, 0, func(have *store.Profile) error {
		have.Domains = p.Domains
		return nil
	})
	return t, err
}

func (s *Server) changeTenant(ctx context.Context, _ hub.Principal, id string, rev int64, apply func(*TenantBody) error) (tenantView, error) {
	t, p, err := s.tenantNamed(ctx, id)
	if err != nil {
		return tenantView{}, err
	}
	p, err = changeProfile(ctx, t, rev, func(have *store.Profile) error {
		b := viewTenant(*have).TenantBody
		if err := apply(&b); err != nil {
			return err
		}
		if b.Slug != p.Slug {
			return hub.Ef("bad_field", "slug can't be changed")
		}
		if b.Currency == "" {
			b.Currency = have.Currency.Code()
		}
		if err := b.check(); err != nil {
			return err
		}
		if b.Currency != have.Currency.Code() {
			return hub.Ef("bad_field", "currency can't be changed")
		}
		have.Name, have.TimeZone, have.Domains = b.Name, b.Timezone, b.Domains
		return nil
	})
	return viewTenant(p), err
}

// setTenantState returns the route that brings a tenant into a state.
func (s *Server) setTenantState(state, verb string) func(context.Context, hub.Principal, *Item) (*rowOutput[tenantView], error) {
	return func(ctx context.Context, who hub.Principal, in *Item) (*rowOutput[tenantView], error) {
		p, err := s.bringTenant(ctx, who, in.ID, 0, state)
		if err != nil {
			return nil, err
		}
		s.audit(ctx, who, in.Bearer, "/api/v1/tenants", verb, in.ID, nil)
		return showRow(viewTenant(p)), nil
	}
}

// deleteTenant begins a tenant's deletion: nobody can use it any more, and after the grace its data goes. Resuming takes
// it back.
func (s *Server) deleteTenant(ctx context.Context, who hub.Principal, id string, rev int64) error {
	_, err := s.bringTenant(ctx, who, id, rev, store.StateClosing)
	return err
}

func (s *Server) bringTenant(ctx context.Context, who hub.Principal, id string, rev int64, state string) (store.Profile, error) {
	t, p, err := s.tenantNamed(ctx, id)
	switch {
	case err != nil:
		return p, err
	case t.ID() == who.Tenant.ID():
		return p, hub.Ef("forbidden", "the operator's own tenant stays")
	case p.State == store.StateDeleted:
		return p, conflict("the distributor is deleted")
	case p.State == state:
		return p, nil
	}
	var deleteAt time.Time
	if state == store.StateClosing {
		deleteAt = s.store.Now().Add(deletionGrace)
	}
	p, err = s.store.Directory().SetTenantState(ctx, t.ID(), revision(rev, p.Rev), state, deleteAt)
	if err == nil {
		s.revoked(ctx, t, "")
	}
	return p, err
}
