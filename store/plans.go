package store

import (
	"context"
	"errors"

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
	ID             string   `bson:"id" json:"id"`
	Name           string   `bson:"nome" json:"nome"`
	Limits         []Limit  `bson:"limites" json:"limites"`
	Concurrency    int64    `bson:"simultaneas" json:"simultaneas"` // answers at once; 0: no limit
	Models         []string `bson:"modelos" json:"modelos"`         // keys of allowed models; none: all
	AllowGlobalKey bool     `bson:"permite_chave_global" json:"permite_chave_global"`
	Default        bool     `bson:"padrao" json:"padrao"`
}

// subscription binds a person to a plan.
type subscription struct {
	ID     string `bson:"id" json:"id"`
	UserID string `bson:"usuario_id" json:"usuario_id"`
	PlanID string `bson:"plano_id" json:"plano_id"`
	State  string `bson:"estado" json:"estado"`
}

// CreatePlan adds a plan of the tenant.
func (t *Tenant) CreatePlan(ctx context.Context, p Plan) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.plans.Insert(ctx, p.ID, p)
}

// Subscribe puts a person on a plan. A person has one subscription; a second call changes its plan.
func (t *Tenant) Subscribe(ctx context.Context, userID, planID string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	id := "a_" + userID
	err := t.subscriptions.Insert(ctx, id, subscription{ID: id, UserID: userID, PlanID: planID, State: StateActive})
	if errors.Is(err, ErrExists) {
		_, err = t.subscriptions.Update(ctx, id, nil, doc.Mod{Set: map[string]any{"plano_id": planID, "estado": StateActive}})
	}
	return err
}

// PlanOf returns the plan of a person's active subscription, else the tenant's default plan, else the global default
// plan, else ErrNotFound.
func (t *Tenant) PlanOf(ctx context.Context, userID string) (Plan, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	sub, err := t.subscriptions.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("usuario_id", userID), doc.Eq("estado", StateActive)}})
	if err == nil {
		for _, plans := range []doc.Coll[Plan]{t.plans, t.global.plans} {
			if p, err := plans.Get(ctx, sub.PlanID); !errors.Is(err, ErrNotFound) {
				return p, err
			}
		}
	} else if !errors.Is(err, ErrNotFound) {
		return Plan{}, err
	}
	for _, plans := range []doc.Coll[Plan]{t.plans, t.global.plans} {
		if p, err := plans.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("padrao", true)}}); !errors.Is(err, ErrNotFound) {
			return p, err
		}
	}
	return Plan{}, ErrNotFound
}
