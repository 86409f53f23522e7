package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"

	"aihub/store/internal/doc"
)

// An APIKey lets a program act for a tenant. Only a hash of it is kept.
type APIKey struct {
	ID         string    `bson:"id" json:"id"`
	Name       string    `bson:"nome" json:"nome"`
	UserID     string    `bson:"usuario_id" json:"usuario_id"` // whose quota pays
	Hash       string    `bson:"hash" json:"hash"`
	Last4      string    `bson:"final" json:"final"`
	State      string    `bson:"estado" json:"estado"`
	ExpiresAt  time.Time `bson:"expira_em" json:"expira_em"` // zero: never
	LastUsedAt time.Time `bson:"usada_em" json:"usada_em"`   // to the minute
	Rev        int64     `bson:"rev" json:"rev"`
	CreatedAt  time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt  time.Time `bson:"alterado_em" json:"alterado_em"`
}

// APIKeys lists the tenant's keys.
func (t *Tenant) APIKeys(ctx context.Context, p Page) ([]APIKey, string, error) {
	return page(ctx, t.apiKeys, doc.Query{}, p, func(k APIKey) string { return k.ID })
}

// APIKey returns the key with this id, or ErrNotFound.
func (t *Tenant) APIKey(ctx context.Context, id string) (APIKey, error) {
	return get(ctx, t.apiKeys, id)
}

// CreateAPIKey makes a key and returns it: it can't be seen again. Without an id it gets one; ErrExists.
func (t *Tenant) CreateAPIKey(ctx context.Context, k APIKey) (APIKey, string, error) {
	now := t.now()
	if k.ID == "" {
		k.ID = NewID("k")
	}
	k.State, k.Rev, k.CreatedAt, k.ChangedAt = StateActive, 1, now, now
	k.ExpiresAt = milli(k.ExpiresAt)
	secret := rand.Text() + rand.Text()
	token := "ak_" + t.id.s + "_" + strings.TrimPrefix(k.ID, "k_") + "_" + secret
	k.Hash, k.Last4 = hashKey(token), token[len(token)-4:]
	return k, token, add(ctx, t.apiKeys, k.ID, k)
}

// UpdateAPIKey changes name, person, state and end of a key whose revision is still k.Rev. ErrNotFound, ErrConflict.
func (t *Tenant) UpdateAPIKey(ctx context.Context, k APIKey) (APIKey, error) {
	return change(ctx, t.apiKeys, k.ID, k.Rev, t.now(), map[string]any{"nome": k.Name, "usuario_id": k.UserID, "estado": k.State, "expira_em": milli(k.ExpiresAt)})
}

// DeleteAPIKey removes a key. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteAPIKey(ctx context.Context, id string, rev int64) error {
	return remove(ctx, t.apiKeys, id, rev)
}

// TenantByAPIKey returns the tenant that a key acts for, and the key, or ErrNotFound: it is none, has ended, or is
// switched off.
func (d *Directory) TenantByAPIKey(ctx context.Context, token string) (*Tenant, APIKey, error) {
	t, rest, ok := d.store.tenantOfKey("ak", token)
	id, _, cut := strings.Cut(rest, "_")
	if !ok || !cut || !ValidID("k", "k_"+id) {
		return nil, APIKey{}, ErrNotFound
	}
	k, err := t.APIKey(ctx, "k_"+id)
	if err != nil {
		return nil, APIKey{}, err
	}
	now := t.now()
	if subtle.ConstantTimeCompare([]byte(k.Hash), []byte(hashKey(token))) != 1 || k.State != StateActive || !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt) {
		return nil, APIKey{}, ErrNotFound
	}
	if now.Sub(k.LastUsedAt) >= time.Minute { // for the list that people look at; nothing depends on it
		_, _ = t.apiKeys.Update(ctx, k.ID, nil, doc.Mod{Set: map[string]any{"usada_em": now}})
	}
	return t, k, nil
}

// hashKey needs no salt and no work factor: the key is random.
func hashKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// tenantOfKey takes a key of the shape PREFIX_TENANT_REST apart. Tenant ids have no "_".
func (s *Store) tenantOfKey(prefix, key string) (*Tenant, string, bool) {
	if len(key) > 200 {
		return nil, "", false
	}
	rest, ok := strings.CutPrefix(key, prefix+"_")
	tenant, rest, cut := strings.Cut(rest, "_")
	id, err := ParseTenantID(tenant)
	if !ok || !cut || err != nil {
		return nil, "", false
	}
	return s.Tenant(id), rest, true
}
