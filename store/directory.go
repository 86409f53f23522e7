package store

import (
	"context"

	"aihub/store/internal/doc"
)

// A Profile is what is known of a tenant.
type Profile struct {
	ID       TenantID
	Slug     string
	Name     string
	Brand    Brand
	TimeZone string // IANA name; "": America/Sao_Paulo
	State    string // ativo, suspenso
}

// A Brand is how a tenant's portal looks.
type Brand struct {
	PortalName  string   `bson:"nome_portal" json:"nome_portal"`
	Color       string   `bson:"cor" json:"cor"` // #rrggbb
	LogoURL     string   `bson:"logo" json:"logo"`
	Welcome     string   `bson:"boas_vindas" json:"boas_vindas"`
	Suggestions []string `bson:"sugestoes" json:"sugestoes"`
}

// profile is a Profile as it is stored.
type profile struct {
	ID       string `bson:"id" json:"id"`
	Slug     string `bson:"slug" json:"slug"`
	Name     string `bson:"nome" json:"nome"`
	Brand    Brand  `bson:"marca" json:"marca"`
	TimeZone string `bson:"fuso" json:"fuso"`
	State    string `bson:"estado" json:"estado"`
}

func (p profile) public() Profile {
	return Profile{ID: TenantID{p.ID}, Slug: p.Slug, Name: p.Name, Brand: p.Brand, TimeZone: p.TimeZone, State: p.State}
}

// A Directory finds tenants. It is the only reader across tenants, and reads nothing but their profiles and whose the
// widget keys are.
type Directory struct {
	store *Store
	all   doc.Coll[profile]
	keys  doc.Coll[keyPlace]
}

// Directory returns the tenants' directory.
func (s *Store) Directory() *Directory {
	sc := doc.EverywhereScope()
	return &Directory{s, collection[profile](s, sc, collTenants), collection[keyPlace](s, sc, collWidgetKeys)}
}

// Empty reports whether there is no tenant at all.
func (d *Directory) Empty(ctx context.Context) (bool, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	list, err := d.all.Find(ctx, doc.Query{Limit: 1})
	return len(list) == 0, err
}

// CreateTenant adds a tenant; ErrExists when its id is taken.
func (d *Directory) CreateTenant(ctx context.Context, p Profile) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return d.store.Tenant(p.ID).profiles.Insert(ctx, p.ID.s,
		profile{ID: p.ID.s, Slug: p.Slug, Name: p.Name, Brand: p.Brand, TimeZone: p.TimeZone, State: p.State})
}

// TenantBySlug returns the tenant whose portal has this name, or ErrNotFound.
func (d *Directory) TenantBySlug(ctx context.Context, slug string) (*Tenant, Profile, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	p, err := d.all.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("slug", slug)}})
	if err != nil {
		return nil, Profile{}, err
	}
	return d.store.Tenant(TenantID{p.ID}), p.public(), nil
}

// Tenants lists all tenants.
func (d *Directory) Tenants(ctx context.Context) ([]Profile, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	list, err := d.all.Find(ctx, doc.Query{})
	out := make([]Profile, 0, len(list))
	for _, p := range list {
		out = append(out, p.public())
	}
	return out, err
}

// Profile returns what is known of the tenant itself.
func (t *Tenant) Profile(ctx context.Context) (Profile, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	p, err := t.profiles.Get(ctx, t.id.s)
	return p.public(), err
}
