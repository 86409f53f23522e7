package store

import (
	"context"

	"aihub/store/internal/doc"
)

// Global is the rows that belong to no tenant: default plans, models and LLM configurations. Tenants read them through
// their own handle, where their own rows win.
type Global struct {
	plans   doc.Coll[Plan]
	configs doc.Coll[LLMConfig]
	models  doc.Coll[Model]
}

// Global returns the rows that belong to no tenant.
func (s *Store) Global() *Global {
	sc := doc.GlobalScope()
	return &Global{
		plans:   collection[Plan](s, sc, collPlans),
		configs: collection[LLMConfig](s, sc, collConfigs),
		models:  collection[Model](s, sc, collModels),
	}
}

// CreatePlan adds a plan for every tenant.
func (g *Global) CreatePlan(ctx context.Context, p Plan) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return g.plans.Insert(ctx, p.ID, p)
}

// CreateLLMConfig adds a configuration for every tenant.
func (g *Global) CreateLLMConfig(ctx context.Context, c LLMConfig) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return g.configs.Insert(ctx, c.ID, c)
}

// CreateModel adds a model for every tenant.
func (g *Global) CreateModel(ctx context.Context, m Model) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return g.models.Insert(ctx, m.ID, m)
}
