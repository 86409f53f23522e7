package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// A Model is one entry of the catalogue that people choose from.
type Model struct {
	ID        string    `bson:"id" json:"id"`
	Key       string    `bson:"chave" json:"chave"` // what plans and clients name it by
	Provider  string    `bson:"provedor" json:"provedor"`
	Model     string    `bson:"modelo" json:"modelo"` // the provider's name of it
	Name      string    `bson:"nome" json:"nome"`
	Context   int64     `bson:"contexto" json:"contexto"`           // tokens
	PriceIn   int64     `bson:"preco_entrada" json:"preco_entrada"` // micro-units of currency per million tokens
	PriceOut  int64     `bson:"preco_saida" json:"preco_saida"`
	State     string    `bson:"estado" json:"estado"`
	Rev       int64     `bson:"rev" json:"rev"`
	CreatedAt time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt time.Time `bson:"alterado_em" json:"alterado_em"`
}

func modelID(m Model) string { return m.ID }

// Models returns the catalogue as the tenant sees it: its own entries win over global ones of the same key.
func (t *Tenant) Models(ctx context.Context) ([]Model, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	own, err := t.models.Find(ctx, doc.Query{Sort: "chave"})
	if err != nil {
		return nil, err
	}
	global, err := t.global.models.Find(ctx, doc.Query{Sort: "chave"})
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, m := range own {
		known[m.Key] = true
	}
	for _, m := range global {
		if !known[m.Key] {
			own = append(own, m)
		}
	}
	return own, nil
}

// OwnModels lists the tenant's own entries.
func (t *Tenant) OwnModels(ctx context.Context, p Page) ([]Model, string, error) {
	return page(ctx, t.models, doc.Query{}, p, modelID)
}

// Model returns the tenant's own entry with this id, or ErrNotFound.
func (t *Tenant) Model(ctx context.Context, id string) (Model, error) {
	return get(ctx, t.models, id)
}

// CreateModel adds an entry to the tenant's catalogue; ErrExists when it has one with that id or key.
func (t *Tenant) CreateModel(ctx context.Context, m Model) error {
	return createModel(ctx, t.models, m, t.now())
}

// UpdateModel changes an entry whose revision is still m.Rev. ErrNotFound, ErrConflict, ErrExists.
func (t *Tenant) UpdateModel(ctx context.Context, m Model) (Model, error) {
	return updateModel(ctx, t.models, m, t.now())
}

// DeleteModel removes an entry. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteModel(ctx context.Context, id string, rev int64) error {
	return remove(ctx, t.models, id, rev)
}

func createModel(ctx context.Context, c doc.Coll[Model], m Model, now time.Time) error {
	m.Rev, m.CreatedAt, m.ChangedAt = 1, now, now
	return add(ctx, c, m.ID, m)
}

func updateModel(ctx context.Context, c doc.Coll[Model], m Model, now time.Time) (Model, error) {
	return change(ctx, c, m.ID, m.Rev, now, map[string]any{"chave": m.Key, "provedor": m.Provider, "modelo": m.Model, "nome": m.Name, "contexto": m.Context,
		"preco_entrada": m.PriceIn, "preco_saida": m.PriceOut, "estado": m.State})
}
