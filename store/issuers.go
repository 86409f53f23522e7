package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"aihub/store/internal/doc"
)

// An Issuer is somebody else's identity provider whose tokens are trusted: a tenant's own, for its people alone, or a
// global one, whose tokens name the tenant themselves.
type Issuer struct {
	ID           string    `bson:"id" json:"id"`
	Name         string    `bson:"nome" json:"nome"`
	Issuer       string    `bson:"emissor" json:"emissor"`     // iss, exactly
	Audience     string    `bson:"audiencia" json:"audiencia"` // aud that its tokens for us carry
	Algorithms   []string  `bson:"algoritmos" json:"algoritmos"`
	KeysURL      string    `bson:"url_chaves" json:"url_chaves"` // of a JSON Web Key Set
	SealedSecret string    `bson:"segredo_cifrado" json:"segredo_cifrado"`
	SecretLast4  string    `bson:"segredo_final" json:"segredo_final"`
	TenantClaim  string    `bson:"campo_distribuidor" json:"campo_distribuidor"`
	UserClaim    string    `bson:"campo_usuario" json:"campo_usuario"`
	NameClaim    string    `bson:"campo_nome" json:"campo_nome"`
	EmailClaim   string    `bson:"campo_email" json:"campo_email"`
	Create       bool      `bson:"cria_usuarios" json:"cria_usuarios"`         // people it vouches for are made at their first token
	LinkByEmail  bool      `bson:"vincula_por_email" json:"vincula_por_email"` // a verified address is an existing person's
	State        string    `bson:"estado" json:"estado"`
	Rev          int64     `bson:"rev" json:"rev"`
	CreatedAt    time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt    time.Time `bson:"alterado_em" json:"alterado_em"`
}

func issuerID(i Issuer) string { return i.ID }

// issuerAddress makes a pair of issuer and audience one tenant's, since several tenants may use one provider.
func issuerAddress(issuer, audience string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + audience))
	return "emissor:" + hex.EncodeToString(sum[:16])
}

// Issuers lists the tenant's own issuers.
func (t *Tenant) Issuers(ctx context.Context, p Page) ([]Issuer, string, error) {
	return page(ctx, t.issuers, doc.Query{}, p, issuerID)
}

// Issuer returns the tenant's own issuer with this id, or ErrNotFound.
func (t *Tenant) Issuer(ctx context.Context, id string) (Issuer, error) {
	return get(ctx, t.issuers, id)
}

// CreateIssuer adds an issuer of the tenant; ErrExists when its id is taken or another tenant has the pair of issuer and
// audience.
func (t *Tenant) CreateIssuer(ctx context.Context, i Issuer) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	if err := t.store.Directory().claim(ctx, issuerAddress(i.Issuer, i.Audience), t.id); err != nil {
		return err
	}
	return createIssuer(ctx, t.issuers, i, t.now())
}

// UpdateIssuer changes an issuer whose revision is still i.Rev; iss and aud stay. ErrNotFound, ErrConflict.
func (t *Tenant) UpdateIssuer(ctx context.Context, i Issuer) (Issuer, error) {
	return updateIssuer(ctx, t.issuers, i, t.now())
}

// DeleteIssuer removes an issuer: its tokens are refused from now on. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteIssuer(ctx context.Context, id string, rev int64) error {
	i, err := t.Issuer(ctx, id)
	if err != nil {
		return err
	}
	if err := remove(ctx, t.issuers, id, rev); err != nil {
		return err
	}
	ctx, cancel := deadline(ctx)
	defer cancel()
	_, err = t.store.Directory().addresses.Delete(ctx, issuerAddress(i.Issuer, i.Audience), []doc.Cond{doc.Eq("dono", t.id.s)})
	return err
}

// Issuers lists the global issuers.
func (g *Global) Issuers(ctx context.Context, p Page) ([]Issuer, string, error) {
	return page(ctx, g.issuers, doc.Query{}, p, issuerID)
}

// Issuer returns the global issuer with this id, or ErrNotFound.
func (g *Global) Issuer(ctx context.Context, id string) (Issuer, error) {
	return get(ctx, g.issuers, id)
}

// CreateIssuer adds a global issuer; ErrExists.
func (g *Global) CreateIssuer(ctx context.Context, i Issuer) error {
	return createIssuer(ctx, g.issuers, i, g.now())
}

// UpdateIssuer changes a global issuer whose revision is still i.Rev. ErrNotFound, ErrConflict.
func (g *Global) UpdateIssuer(ctx context.Context, i Issuer) (Issuer, error) {
	return updateIssuer(ctx, g.issuers, i, g.now())
}

// DeleteIssuer removes a global issuer. ErrNotFound, ErrConflict.
func (g *Global) DeleteIssuer(ctx context.Context, id string, rev int64) error {
	return remove(ctx, g.issuers, id, rev)
}

func createIssuer(ctx context.Context, c doc.Coll[Issuer], i Issuer, now time.Time) error {
	i.Rev, i.CreatedAt, i.ChangedAt = 1, now, now
	return add(ctx, c, i.ID, i)
}

func updateIssuer(ctx context.Context, c doc.Coll[Issuer], i Issuer, now time.Time) (Issuer, error) {
	return change(ctx, c, i.ID, i.Rev, now, map[string]any{"nome": i.Name, "algoritmos": i.Algorithms, "url_chaves": i.KeysURL,
		"segredo_cifrado": i.SealedSecret, "segredo_final": i.SecretLast4, "campo_distribuidor": i.TenantClaim, "campo_usuario": i.UserClaim,
		"campo_nome": i.NameClaim, "campo_email": i.EmailClaim, "cria_usuarios": i.Create, "vincula_por_email": i.LinkByEmail, "estado": i.State})
}

// FindIssuer returns who may have made a token with this iss and these aud: a tenant's issuer with its tenant, or a
// global one with nil. ErrNotFound: nobody who is trusted.
func (d *Directory) FindIssuer(ctx context.Context, issuer string, audiences []string) (*Tenant, Issuer, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	for _, audience := range audiences {
		a, err := d.addresses.Get(ctx, issuerAddress(issuer, audience))
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, Issuer{}, err
		}
		t := d.store.Tenant(TenantID{a.Tenant})
		i, err := t.issuers.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("emissor", issuer), doc.Eq("audiencia", audience), doc.Eq("estado", StateActive)}})
		if !errors.Is(err, ErrNotFound) {
			return t, i, err
		}
	}
	list, err := d.store.Global().issuers.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("emissor", issuer), doc.Eq("estado", StateActive)}})
	if err != nil {
		return nil, Issuer{}, err
	}
	for _, i := range list {
		if slices.Contains(audiences, i.Audience) {
			return nil, i, nil
		}
	}
	return nil, Issuer{}, ErrNotFound
}

// LinkExternal gives a person an external identity. ErrConflict: they have another one; ErrExists: somebody else has it.
func (t *Tenant) LinkExternal(ctx context.Context, userID, external string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return changed(t.users.Update(ctx, userID, []doc.Cond{doc.Eq("externo", "")}, doc.Mod{Set: map[string]any{"externo": external, "alterado_em": t.now()},
		Inc: map[string]int64{"rev": 1}}))
}
