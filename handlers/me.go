package handlers

import (
	"context"
	"errors"
	"slices"

	"aihub/hub"
	"aihub/store"
)

type meInput struct{ Bearer }

type meOutput struct{ Body meBody }

type meBody struct {
	User     meUser          `json:"user"`
	Tenant   meTenant        `json:"tenant"`
	Plan     mePlan          `json:"plan"`
	Quota    []hub.QuotaView `json:"quota"`
	Models   []meModel       `json:"models" doc:"what the person may choose from; empty: there is no choice"`
	Consents []consentView   `json:"consents" doc:"to which versions of the notice the person agreed"`
}

type meUser struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
	Role  string `json:"role"`
}

type meTenant struct {
	ID       string `json:"id"`
	Slug     string `json:"slug"`
	Name     string `json:"name"`
	Currency string `json:"currency" doc:"ISO 4217 code of its prices and costs"`
}

type mePlan struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type meModel struct {
	Key   string `json:"key"`
	Name  string `json:"name"`
	Model string `json:"model" doc:"the provider's name of it, which answers carry"`
}

func (s *Server) getMe(ctx context.Context, who hub.Principal, _ *meInput) (*meOutput, error) {
	user, err := who.Tenant.User(ctx, who.User)
	if err != nil {
		return nil, err
	}
	body := meBody{User: meUser{user.ID, user.Name, user.Email, user.Role}, Tenant: meTenant{who.Tenant.ID().String(), who.Profile.Slug, who.Profile.Name, who.Profile.Currency.Code()},
		Quota: []hub.QuotaView{}, Models: []meModel{}, Consents: viewConsents(user)}
	plan, err := planOf(ctx, who)
	if err != nil || plan.ID == "" {
		return &meOutput{body}, err
	}
	body.Plan = mePlan{plan.ID, plan.Name}
	uses, err := who.Tenant.QuotaOf(ctx, who.User, plan)
	if err != nil {
		return nil, err
	}
	body.Quota = hub.ViewQuota(uses)
	models, err := modelsOf(ctx, who, plan)
	for _, m := range models {
		body.Models = append(body.Models, meModel{m.Key, m.Name, m.Model})
	}
	return &meOutput{body}, err
}

// planOf is the person's plan; the zero Plan when there is none.
func planOf(ctx context.Context, who hub.Principal) (store.Plan, error) {
	plan, err := who.Tenant.PlanOf(ctx, who.User)
	if errors.Is(err, store.ErrNotFound) {
		return store.Plan{}, nil
	}
	return plan, err
}

// modelsOf is what the person may choose from.
func modelsOf(ctx context.Context, who hub.Principal, plan store.Plan) ([]store.Model, error) {
	all, err := who.Tenant.Models(ctx)
	return slices.DeleteFunc(all, func(m store.Model) bool {
		return m.State != store.StateActive || (len(plan.Models) > 0 && !slices.Contains(plan.Models, m.Key))
	}), err
}
