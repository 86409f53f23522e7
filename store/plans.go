package store

import (
	"context"
	"errors"
	"time"

	"aihub/store/internal/doc"
)

// A Limit bounds what a window may hold; 0 means no limit.
type Limit struct {
	Window   string `bson:"janela" json:"janela"` // minuto, dia, mes
	Messages int64  `bson:"mensagens" json:"mensagens"`
	Tokens   int64  `bson:"tokens" json:"tokens"`
}

// A Plan is what a person may use.
type Plan struct {
	ID             string    `bson:"id" json:"id"`
	Name           string    `bson:"nome" json:"nome"`
	Limits         []Limit   `bson:"limites" json:"limites"`
	Concurrency    int64     `bson:"simultaneas" json:"simultaneas"` // answers at once; 0: no limit
	Models         []string  `bson:"modelos" json:"modelos"`         // keys of allowed models; none: all
	AllowGlobalKey bool      `bson:"permite_chave_global" json:"permite_chave_global"`
	Default        bool      `bson:"padrao" json:"padrao"`
	Rev            int64     `bson:"rev" json:"rev"`
	CreatedAt      time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt      time.Time `bson:"alterado_em" json:"alterado_em"`
}

func planID(p Plan) string { return p.ID }

// Plans lists the tenant's own plans.
func (t *Tenant) Plans(ctx context.Context, p Page) ([]Plan, string, error) {
	return page(ctx, t.plans, doc.Query{}, p, planID)
}

// Plan returns the tenant's plan with this id, else the global one, else ErrNotFound.
func (t *Tenant) Plan(ctx context.Context, id string) (Plan, error) {
	p, err := get(ctx, t.plans, id)
	if errors.Is(err, ErrNotFound) {
		return get(ctx, t.global.plans, id)
	}
	return p, err
}

// CreatePlan adds a plan of the tenant.
func (t *Tenant) CreatePlan(ctx context.Context, p Plan) error {
	return createPlan(ctx, t.plans, p, t.now())
}

// UpdatePlan changes a plan whose revision is still p.Rev. It counts for the very next message; what is used already
// stays used. ErrNotFound, ErrConflict.
func (t *Tenant) UpdatePlan(ctx context.Context, p Plan) (Plan, error) {
	return updatePlan(ctx, t.plans, p, t.now())
}

// DeletePlan removes a plan; ErrInUse while somebody is subscribed to it, ErrNotFound, ErrConflict.
func (t *Tenant) DeletePlan(ctx context.Context, id string, rev int64) error {
	used, err := t.subscribed(ctx, id)
	if err != nil {
		return err
	}
	if used {
		return ErrInUse
	}
	return remove(ctx, t.plans, id, rev)
}

func (t *Tenant) subscribed(ctx context.Context, plan string) (bool, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	_, err := t.subscriptions.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("plano_id", plan)}})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func createPlan(ctx context.Context, c doc.Coll[Plan], p Plan, now time.Time) error {
	p.Rev, p.CreatedAt, p.ChangedAt = 1, now, now
	if err := add(ctx, c, p.ID, p); err != nil || !p.Default {
		return err
	}
	return onlyDefault(ctx, c, p.ID, planID)
}

func updatePlan(ctx context.Context, c doc.Coll[Plan], p Plan, now time.Time) (Plan, error) {
	next, err := change(ctx, c, p.ID, p.Rev, now, map[string]any{"nome": p.Name, "limites": p.Limits, "simultaneas": p.Concurrency, "modelos": p.Models,
		"permite_chave_global": p.AllowGlobalKey, "padrao": p.Default})
	if err != nil || !p.Default {
		return next, err
	}
	return next, onlyDefault(ctx, c, p.ID, planID)
}

// onlyDefault takes the default from all rows but one. Until it is done the first one counts, so that there always is
// exactly one that does.
func onlyDefault[T any](ctx context.Context, c doc.Coll[T], id string, idOf func(T) string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	list, err := c.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("padrao", true)}})
	if err != nil {
		return err
	}
	for _, v := range list {
		if idOf(v) == id {
			continue
		}
		if _, err := c.Update(ctx, idOf(v), nil, doc.Mod{Set: map[string]any{"padrao": false}, Inc: map[string]int64{"rev": 1}}); err != nil {
			return err
		}
	}
	return nil
}

// PlanOf returns the plan of a person's subscription if it is active now, else the tenant's default plan, else the global
// default plan, else ErrNotFound.
func (t *Tenant) PlanOf(ctx context.Context, userID string) (Plan, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	sub, err := t.subscriptions.Get(ctx, subscriptionID(userID))
	if err == nil && sub.active(t.store.now()) {
		for _, plans := range []doc.Coll[Plan]{t.plans, t.global.plans} {
			if p, err := plans.Get(ctx, sub.PlanID); !errors.Is(err, ErrNotFound) {
				return p, err
			}
		}
	} else if err != nil && !errors.Is(err, ErrNotFound) {
		return Plan{}, err
	}
	for _, plans := range []doc.Coll[Plan]{t.plans, t.global.plans} {
		if p, err := plans.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("padrao", true)}}); !errors.Is(err, ErrNotFound) {
			return p, err
		}
	}
	return Plan{}, ErrNotFound
}
