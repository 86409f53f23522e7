package store

import (
	"context"
	"math"
	"math/big"
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
	Context   int64     `bson:"contexto" json:"contexto"`              // tokens
	Price     *Price    `bson:"preco,omitempty" json:"preco,omitzero"` // nil: unknown
	State     string    `bson:"estado" json:"estado"`
	Rev       int64     `bson:"rev" json:"rev"`
	CreatedAt time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt time.Time `bson:"alterado_em" json:"alterado_em"`
}

func modelID(m Model) string { return m.ID }

// A Currency is an ISO 4217 code, in which a tenant's prices and costs are. It is set when the tenant is made and stays:
// nothing is ever converted, so that sums of costs would else be of nothing.
type Currency string

// Code is the code; "" is BRL, in which everything was before there was a choice.
func (c Currency) Code() string {
	if c == "" {
		return "BRL"
	}
	return string(c)
}

// A Price is in micro-units of currency per million tokens.
type Price struct {
	Currency  Currency  `bson:"moeda" json:"moeda"` // of a tenant's own price: the tenant's
	In        int64     `bson:"entrada" json:"entrada"`
	Out       int64     `bson:"saida" json:"saida"`
	CachedIn  *int64    `bson:"entrada_em_cache,omitempty" json:"entrada_em_cache,omitzero"` // nil: as In
	Reasoning *int64    `bson:"raciocinio,omitempty" json:"raciocinio,omitzero"`             // nil: as Out
	ValidFrom time.Time `bson:"vigente_desde" json:"vigente_desde"`                          // when it was set
}

// Same reports whether both ask the same, whenever they were set.
func (p *Price) Same(o *Price) bool {
	if p == nil || o == nil {
		return p == o
	}
	return p.Currency.Code() == o.Currency.Code() && p.In == o.In && p.Out == o.Out && p.cachedIn() == o.cachedIn() && p.reasoning() == o.reasoning()
}

func (p *Price) cachedIn() int64 { return orElse(p.CachedIn, p.In) }

func (p *Price) reasoning() int64 { return orElse(p.Reasoning, p.Out) }

func orElse(p *int64, other int64) int64 {
	if p == nil {
		return other
	}
	return *p
}

// Of is what tokens cost, in micro-units of currency, rounded up.
func (p *Price) Of(u Usage) int64 {
	in, out := plausible(u.In), plausible(u.Out)
	cached, reasoning := min(plausible(u.CachedIn), in), min(plausible(u.Reasoning), out)
	sum := big.NewInt(999_999)
	for _, part := range [][2]int64{{in - cached, p.In}, {cached, p.cachedIn()}, {out - reasoning, p.Out}, {reasoning, p.reasoning()}} {
		sum.Add(sum, new(big.Int).Mul(big.NewInt(part[0]), big.NewInt(part[1])))
	}
	sum.Div(sum, big.NewInt(1_000_000))
	if !sum.IsInt64() {
		return math.MaxInt64
	}
	return sum.Int64()
}

// Models returns the catalogue as the tenant sees it: its own entries win over global ones of the same key. Prices in
// another currency than the tenant's are unknown to it.
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
	seen, err := t.seen(ctx)
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
	for i, m := range own {
		if m.Price != nil && m.Price.Currency.Code() != seen.currency.Code() {
			own[i].Price = nil
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

// CreateModel adds an entry to the tenant's catalogue, its price in the tenant's currency; ErrExists when it has one with
// that id or key.
func (t *Tenant) CreateModel(ctx context.Context, m Model) error {
	if err := t.denominate(ctx, &m); err != nil {
		return err
	}
	return createModel(ctx, t.models, m, t.now())
}

// denominate says that the price is in the tenant's currency.
func (t *Tenant) denominate(ctx context.Context, m *Model) error {
	if m.Price == nil {
		return nil
	}
	seen, err := t.seen(ctx)
	price := *m.Price
	price.Currency = seen.currency
	m.Price = &price
	return err
}

// UpdateModel changes an entry whose revision is still m.Rev, its price in the tenant's currency. ErrNotFound, ErrConflict,
// ErrExists.
func (t *Tenant) UpdateModel(ctx context.Context, m Model) (Model, error) {
	if err := t.denominate(ctx, &m); err != nil {
		return Model{}, err
	}
	return updateModel(ctx, t.models, m, t.now())
}

// DeleteModel removes an entry. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteModel(ctx context.Context, id string, rev int64) error {
	return remove(ctx, t.models, id, rev)
}

func createModel(ctx context.Context, c doc.Coll[Model], m Model, now time.Time) error {
	m.Rev, m.CreatedAt, m.ChangedAt = 1, now, now
	m.Price = m.Price.since(now)
	return add(ctx, c, m.ID, m)
}

// since is the price as one that is set now.
func (p *Price) since(now time.Time) *Price {
	if p == nil {
		return nil
	}
	set := *p
	set.ValidFrom = milli(now)
	return &set
}

func updateModel(ctx context.Context, c doc.Coll[Model], m Model, now time.Time) (Model, error) {
	old, err := get(ctx, c, m.ID)
	if err != nil {
		return Model{}, err
	}
	if m.Price.Same(old.Price) {
		m.Price = old.Price
	} else {
		m.Price = m.Price.since(now)
	}
	return change(ctx, c, m.ID, m.Rev, now, map[string]any{"chave": m.Key, "provedor": m.Provider, "modelo": m.Model, "nome": m.Name, "contexto": m.Context,
		"preco": m.Price, "estado": m.State})
}
