package store

import (
	"context"
	"errors"
	"time"

	"aihub/store/internal/doc"
)

// A Profile is what is known of a tenant.
type Profile struct {
	ID         TenantID
	Slug       string
	Name       string
	Domains    []string // host names at which the portal is this tenant's
	Brand      Brand
	TimeZone   string // IANA name; "": America/Sao_Paulo
	Currency   Currency
	State      string // ativo, suspenso, encerrando, excluido
	DeleteAt   time.Time
	Retention  Retention
	Privacy    Privacy
	Alerts     Alerts
	Rev        int64
	CreatedAt  time.Time
	ChangedAt  time.Time
	AdminCount int
}

// Further values of Profile.State: to be deleted at DeleteAt; deleted, its name kept so that it never comes back.
const (
	StateClosing = "encerrando"
	StateDeleted = "excluido"
)

// A Brand is how a tenant's portal looks.
type Brand struct {
	PortalName  string   `bson:"nome_portal" json:"nome_portal"`
	Color       string   `bson:"cor" json:"cor"` // #rrggbb
	LogoURL     string   `bson:"logo" json:"logo"`
	Welcome     string   `bson:"boas_vindas" json:"boas_vindas"`
	Suggestions []string `bson:"sugestoes" json:"sugestoes"`
	PrivacyURL  string   `bson:"privacidade_url" json:"privacidade_url"` // where the privacy policy is; "": nowhere
}

// Retention says after how many days what is kept of a tenant's talks is emptied or removed; 0 keeps it.
type Retention struct {
	ContentDays  int64 `bson:"conteudo_dias" json:"conteudo_dias"`   // texts and titles are emptied
	MetadataDays int64 `bson:"metadados_dias" json:"metadados_dias"` // messages and conversations are removed
	UsageDays    int64 `bson:"uso_dias" json:"uso_dias"`             // daily counters are removed
}

// Privacy is what a tenant decides about its people's data.
type Privacy struct {
	MaskPersonal bool   `bson:"mascarar" json:"mascarar"` // before models and supervisors
	TellWatched  bool   `bson:"avisar_observado" json:"avisar_observado"`
	Notice       string `bson:"aviso" json:"aviso"`
	NoticeVer    string `bson:"aviso_versao" json:"aviso_versao"`
}

// profile is a Profile as it is stored.
type profile struct {
	ID        string          `bson:"id" json:"id"`
	Slug      string          `bson:"slug" json:"slug"`
	Name      string          `bson:"nome" json:"nome"`
	Domains   []string        `bson:"dominios" json:"dominios"`
	Brand     Brand           `bson:"marca" json:"marca"`
	TimeZone  string          `bson:"fuso" json:"fuso"`
	Currency  Currency        `bson:"moeda" json:"moeda"`
	State     string          `bson:"estado" json:"estado"`
	DeleteAt  time.Time       `bson:"excluir_em" json:"excluir_em"`
	Retention Retention       `bson:"retencao" json:"retencao"`
	Privacy   Privacy         `bson:"privacidade" json:"privacidade"`
	Alerts    Alerts          `bson:"alertas" json:"alertas"`
	Admins    map[string]bool `bson:"administradores" json:"administradores"`
	AdminsRev int64           `bson:"administradores_rev" json:"administradores_rev"`
	// How far retention has emptied: the last message, and the last conversation in the order of their activity.
	Swept        string    `bson:"esvaziado_ate" json:"esvaziado_ate"`
	SweptTitle   string    `bson:"titulo_esvaziado" json:"titulo_esvaziado"`
	SweptTitleAt time.Time `bson:"titulo_esvaziado_em" json:"titulo_esvaziado_em"`
	// KnowledgeRev grows with every change of an article.
	KnowledgeRev int64 `bson:"conhecimento_rev" json:"conhecimento_rev"`

	Rev       int64     `bson:"rev" json:"rev"`
	CreatedAt time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt time.Time `bson:"alterado_em" json:"alterado_em"`
}

func (p profile) public() Profile {
	return Profile{ID: TenantID{p.ID}, Slug: p.Slug, Name: p.Name, Domains: p.Domains, Brand: p.Brand, TimeZone: p.TimeZone, Currency: p.Currency, State: p.State,
		DeleteAt: p.DeleteAt, Retention: p.Retention, Privacy: p.Privacy, Alerts: p.Alerts, Rev: p.Rev, CreatedAt: p.CreatedAt, ChangedAt: p.ChangedAt, AdminCount: len(p.Admins)}
}

// address is what makes a slug or a host name one tenant's: a global row whose id is the name. Every look-up across
// tenants goes through such a row, so that it costs the same however many tenants there are.
type address struct {
	ID     string `bson:"id" json:"id"`
	Tenant string `bson:"dono" json:"dono"`
}

func slugAddress(slug string) string   { return "slug:" + slug }
func domainAddress(host string) string { return "dominio:" + host }

// A Directory finds tenants. It is the only reader across tenants, and reads nothing but their profiles and whose the
// widget keys are.
type Directory struct {
	store     *Store
	all       doc.Coll[profile]
	keys      doc.Coll[keyPlace]
	addresses doc.Coll[address]
}

// Directory returns the tenants' directory.
func (s *Store) Directory() *Directory {
	sc := doc.EverywhereScope()
	return &Directory{s, collection[profile](s, sc, collTenants), collection[keyPlace](s, sc, collWidgetKeys),
		collection[address](s, doc.GlobalScope(), collAddresses)}
}

// Empty reports whether there is no tenant at all.
func (d *Directory) Empty(ctx context.Context) (bool, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	list, err := d.all.Find(ctx, doc.Query{Limit: 1})
	return len(list) == 0, err
}

// CreateTenant adds a tenant; ErrExists when its id or its slug is taken.
func (d *Directory) CreateTenant(ctx context.Context, p Profile) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	if err := d.claim(ctx, slugAddress(p.Slug), p.ID); err != nil {
		return err
	}
	t, now := d.store.Tenant(p.ID), milli(d.store.now())
	err := t.profiles.Insert(ctx, p.ID.s, profile{ID: p.ID.s, Slug: p.Slug, Name: p.Name, Brand: p.Brand, TimeZone: p.TimeZone, Currency: p.Currency, State: p.State,
		Retention: p.Retention, Privacy: p.Privacy, Rev: 1, CreatedAt: now, ChangedAt: now})
	if err == nil {
		t.see(seenProfile{zone(p.TimeZone), p.Currency, time.Now()})
		return t.countAdmins(ctx) // people may be made before their tenant is
	}
	if !errors.Is(err, ErrExists) {
		return err
	}
	if old, readErr := t.Profile(ctx); readErr == nil && old.Slug != p.Slug { // the name is not needed after all
		_, readErr = d.addresses.Delete(ctx, slugAddress(p.Slug), []doc.Cond{doc.Eq("dono", p.ID.s)})
		return errors.Join(err, readErr)
	}
	return err
}

// claim makes a name the tenant's; ErrExists when it is another's.
func (d *Directory) claim(ctx context.Context, name string, id TenantID) error {
	err := d.addresses.Insert(ctx, name, address{name, id.s})
	if !errors.Is(err, ErrExists) {
		return err
	}
	a, err := d.addresses.Get(ctx, name)
	if err == nil && a.Tenant != id.s {
		return ErrExists
	}
	return err
}

// TenantBySlug returns the tenant whose portal has this name, or ErrNotFound.
func (d *Directory) TenantBySlug(ctx context.Context, slug string) (*Tenant, Profile, error) {
	t, p, err := d.tenantAt(ctx, slugAddress(slug))
	if err == nil && p.Slug != slug {
		return nil, Profile{}, ErrNotFound
	}
	return t, p, err
}

// TenantByDomain returns the tenant whose portal is at this host name, or ErrNotFound.
func (d *Directory) TenantByDomain(ctx context.Context, host string) (*Tenant, Profile, error) {
	return d.tenantAt(ctx, domainAddress(host))
}

func (d *Directory) tenantAt(ctx context.Context, name string) (*Tenant, Profile, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	a, err := d.addresses.Get(ctx, name)
	if err != nil {
		return nil, Profile{}, err
	}
	t := d.store.Tenant(TenantID{a.Tenant})
	p, err := t.Profile(ctx)
	if err == nil && p.State == StateDeleted {
		err = ErrNotFound
	}
	if err != nil {
		return nil, Profile{}, err
	}
	return t, p, nil
}

// Tenants lists all tenants that are not deleted.
func (d *Directory) Tenants(ctx context.Context) ([]Profile, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	list, err := d.all.Find(ctx, doc.Query{Where: []doc.Cond{doc.Ne("estado", StateDeleted)}})
	return publicProfiles(list), err
}

// TenantsPage lists tenants, deleted ones too, a part at a time.
func (d *Directory) TenantsPage(ctx context.Context, p Page) ([]Profile, string, error) {
	list, next, err := page(ctx, d.all, doc.Query{}, p, func(p profile) string { return p.ID })
	return publicProfiles(list), next, err
}

func publicProfiles(list []profile) []Profile {
	out := make([]Profile, 0, len(list))
	for _, p := range list {
		out = append(out, p.public())
	}
	return out
}

// SetTenantState suspends a tenant or lets it go on, or begins its deletion, which Purge does at deleteAt or later.
// ErrNotFound, ErrConflict.
func (d *Directory) SetTenantState(ctx context.Context, id TenantID, rev int64, state string, deleteAt time.Time) (Profile, error) {
	p, err := change(ctx, d.store.Tenant(id).profiles, id.s, rev, d.store.now(), map[string]any{"estado": state, "excluir_em": milli(deleteAt)})
	return p.public(), err
}

// Profile returns what is known of the tenant itself.
func (t *Tenant) Profile(ctx context.Context) (Profile, error) {
	p, err := get(ctx, t.profiles, t.id.s)
	return p.public(), err
}

// Alerted lists the tenants that want to be told of alerts.
func (d *Directory) Alerted(ctx context.Context) ([]Profile, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	list, err := d.all.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("estado", StateActive), doc.After("alertas.url", "")}})
	return publicProfiles(list), err
}

// UpdateProfile changes what a tenant says of itself: name, brand, zone, retention, privacy, alerts and domains; id, slug,
// currency and state stay. A changed zone counts from the next message on, on another instance a second later. ErrNotFound,
// ErrConflict; ErrExists: a domain is another tenant's.
func (t *Tenant) UpdateProfile(ctx context.Context, p Profile) (Profile, error) {
	d := t.store.Directory()
	old, err := t.Profile(ctx)
	if err != nil {
		return Profile{}, err
	}
	for _, host := range p.Domains {
		if err := d.claim(ctx, domainAddress(host), t.id); err != nil {
			return Profile{}, err
		}
	}
	next, err := change(ctx, t.profiles, t.id.s, p.Rev, t.now(), map[string]any{"nome": p.Name, "marca": p.Brand, "fuso": p.TimeZone, "retencao": p.Retention,
		"privacidade": p.Privacy, "alertas": p.Alerts, "dominios": p.Domains})
	if err != nil {
		return Profile{}, err
	}
	t.see(seenProfile{zone(next.TimeZone), next.Currency, time.Now()})
	return next.public(), d.releaseDomains(ctx, t.id, old.Domains, p.Domains)
}

// releaseDomains gives the names free that a tenant had and has no more.
func (d *Directory) releaseDomains(ctx context.Context, id TenantID, had, has []string) error {
	kept := map[string]bool{}
	for _, host := range has {
		kept[host] = true
	}
	for _, host := range had {
		if kept[host] {
			continue
		}
		if _, err := d.addresses.Delete(ctx, domainAddress(host), []doc.Cond{doc.Eq("dono", id.s)}); err != nil {
			return err
		}
	}
	return nil
}
