package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// A LoginProvider is an OpenID Connect provider at which a tenant's people may log in instead of with a password.
type LoginProvider struct {
	ID           string     `bson:"id" json:"id"`
	Name         string     `bson:"nome" json:"nome"`       // as the button says it
	Issuer       string     `bson:"emissor" json:"emissor"` // iss, exactly; its discovery document stands below it
	ClientID     string     `bson:"cliente" json:"cliente"`
	SealedSecret string     `bson:"segredo_cifrado" json:"segredo_cifrado"`
	SecretLast4  string     `bson:"segredo_final" json:"segredo_final"`
	Domains      []string   `bson:"dominios" json:"dominios"`                   // of verified addresses that may come in; none: whoever the provider vouches for
	Create       bool       `bson:"cria_usuarios" json:"cria_usuarios"`         // people are made at their first login
	LinkByEmail  bool       `bson:"vincula_por_email" json:"vincula_por_email"` // a verified address is an existing person's
	Role         string     `bson:"papel" json:"papel"`                         // of people that are made
	RoleClaim    string     `bson:"campo_papel" json:"campo_papel"`             // a claim that says more about it; "": none
	Roles        []RoleRule `bson:"papeis" json:"papeis"`                       // what its values say; the first that fits
	State        string     `bson:"estado" json:"estado"`
	Rev          int64      `bson:"rev" json:"rev"`
	CreatedAt    time.Time  `bson:"criado_em" json:"criado_em"`
	ChangedAt    time.Time  `bson:"alterado_em" json:"alterado_em"`
}

// A RoleRule gives a role to people of whom a claim says so.
type RoleRule struct {
	Value string `bson:"valor" json:"valor"`
	Role  string `bson:"papel" json:"papel"`
}

func loginProviderID(p LoginProvider) string { return p.ID }

// LoginProviders lists the tenant's login providers.
func (t *Tenant) LoginProviders(ctx context.Context, p Page) ([]LoginProvider, string, error) {
	return page(ctx, t.logins, doc.Query{}, p, loginProviderID)
}

// LoginProvider returns the login provider with this id, or ErrNotFound.
func (t *Tenant) LoginProvider(ctx context.Context, id string) (LoginProvider, error) {
	return get(ctx, t.logins, id)
}

// CreateLoginProvider adds a login provider; ErrExists.
func (t *Tenant) CreateLoginProvider(ctx context.Context, p LoginProvider) error {
	p.Rev, p.CreatedAt = 1, t.now()
	p.ChangedAt = p.CreatedAt
	return add(ctx, t.logins, p.ID, p)
}

// UpdateLoginProvider changes a login provider whose revision is still p.Rev. ErrNotFound, ErrConflict.
func (t *Tenant) UpdateLoginProvider(ctx context.Context, p LoginProvider) (LoginProvider, error) {
	return change(ctx, t.logins, p.ID, p.Rev, t.now(), map[string]any{"nome": p.Name, "emissor": p.Issuer, "cliente": p.ClientID,
		"segredo_cifrado": p.SealedSecret, "segredo_final": p.SecretLast4, "dominios": p.Domains, "cria_usuarios": p.Create, "vincula_por_email": p.LinkByEmail,
		"papel": p.Role, "campo_papel": p.RoleClaim, "papeis": p.Roles, "estado": p.State})
}

// DeleteLoginProvider removes a login provider; who came in through it stays. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteLoginProvider(ctx context.Context, id string, rev int64) error {
	return remove(ctx, t.logins, id, rev)
}
