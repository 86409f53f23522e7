package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// Global is the rows that belong to no tenant: default plans, models and LLM configurations. Tenants read them through
// their own handle, where their own rows win.
type Global struct {
	store   *Store
	plans   doc.Coll[Plan]
	configs doc.Coll[LLMConfig]
	models  doc.Coll[Model]
	issuers doc.Coll[Issuer]
}

// Global returns the rows that belong to no tenant.
func (s *Store) Global() *Global {
	sc := doc.GlobalScope()
	return &Global{store: s,
		plans:   collection[Plan](s, sc, collPlans),
		configs: collection[LLMConfig](s, sc, collConfigs),
		models:  collection[Model](s, sc, collModels),
		issuers: collection[Issuer](s, sc, collIssuers),
	}
}

func (g *Global) now() time.Time { return milli(g.store.now()) }

// Plans lists the plans for every tenant.
func (g *Global) Plans(ctx context.Context, p Page) ([]Plan, string, error) {
	return page(ctx, g.plans, doc.Query{}, p, planID)
}

// Plan returns the global plan with this id, or ErrNotFound.
func (g *Global) Plan(ctx context.Context, id string) (Plan, error) { return get(ctx, g.plans, id) }

// CreatePlan adds a plan for every tenant.
func (g *Global) CreatePlan(ctx context.Context, p Plan) error {
	return createPlan(ctx, g.plans, p, g.now())
}

// UpdatePlan changes a plan for every tenant. ErrNotFound, ErrConflict.
func (g *Global) UpdatePlan(ctx context.Context, p Plan) (Plan, error) {
	return updatePlan(ctx, g.plans, p, g.now())
}

// DeletePlan removes a plan; who is subscribed to it is on their tenant's default plan then. ErrNotFound, ErrConflict.
func (g *Global) DeletePlan(ctx context.Context, id string, rev int64) error {
	return remove(ctx, g.plans, id, rev)
}

// LLMConfigs lists the configurations for every tenant.
func (g *Global) LLMConfigs(ctx context.Context, p Page) ([]LLMConfig, string, error) {
	return page(ctx, g.configs, doc.Query{}, p, configID)
}

// LLMConfig returns the global configuration with this id, or ErrNotFound.
func (g *Global) LLMConfig(ctx context.Context, id string) (LLMConfig, error) {
	return get(ctx, g.configs, id)
}

// CreateLLMConfig adds a configuration for every tenant.
func (g *Global) CreateLLMConfig(ctx context.Context, c LLMConfig) error {
	return createConfig(ctx, g.configs, c, g.now())
}

// UpdateLLMConfig changes a configuration for every tenant, as the tenant's method of this name does.
func (g *Global) UpdateLLMConfig(ctx context.Context, c LLMConfig) (LLMConfig, error) {
	return updateConfig(ctx, g.configs, c, g.now())
}

// DeleteLLMConfig removes a configuration. ErrNotFound, ErrConflict.
func (g *Global) DeleteLLMConfig(ctx context.Context, id string, rev int64) error {
	return remove(ctx, g.configs, id, rev)
}

// Models lists the catalogue for every tenant.
func (g *Global) Models(ctx context.Context, p Page) ([]Model, string, error) {
	return page(ctx, g.models, doc.Query{}, p, modelID)
}

// Model returns the global entry with this id, or ErrNotFound.
func (g *Global) Model(ctx context.Context, id string) (Model, error) { return get(ctx, g.models, id) }

// CreateModel adds a model for every tenant.
func (g *Global) CreateModel(ctx context.Context, m Model) error {
	return createModel(ctx, g.models, m, g.now())
}

// UpdateModel changes a model for every tenant. ErrNotFound, ErrConflict, ErrExists.
func (g *Global) UpdateModel(ctx context.Context, m Model) (Model, error) {
	return updateModel(ctx, g.models, m, g.now())
}

// DeleteModel removes a model. ErrNotFound, ErrConflict.
func (g *Global) DeleteModel(ctx context.Context, id string, rev int64) error {
	return remove(ctx, g.models, id, rev)
}
