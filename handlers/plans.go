package handlers

import (
	"context"
	"slices"

	"aihub/hub"
	"aihub/store"
)

// PlanBody is what a plan allows.
type PlanBody struct {
	Name           string      `json:"name" minLength:"1" maxLength:"80"`
	Limits         []LimitBody `json:"limits" required:"false" maxItems:"3" doc:"at most one per window"`
	Concurrency    int64       `json:"concurrency" required:"false" minimum:"0" maximum:"1000" doc:"answers at once; 0: no limit"`
	Models         []string    `json:"models" required:"false" maxItems:"100" doc:"keys of allowed models; none: all"`
	AllowGlobalKey bool        `json:"allow_global_key" required:"false" doc:"fall back to the operator's models"`
	Default        bool        `json:"default" required:"false" doc:"for everyone without a subscription"`
}

// LimitBody bounds a window; 0 is no limit.
type LimitBody struct {
	Window   string `json:"window" enum:"minute,day,month"`
	Messages int64  `json:"messages" required:"false" minimum:"0" maximum:"1000000000"`
	Tokens   int64  `json:"tokens" required:"false" minimum:"0" maximum:"1000000000000"`
}

// windows are the names of windows in the store.
var windows = map[string]string{"minute": store.WindowMinute, "day": store.WindowDay, "month": store.WindowMonth}

func storeLimits(list []LimitBody) ([]store.Limit, error) {
	out := make([]store.Limit, 0, len(list))
	for _, l := range list {
		if slices.ContainsFunc(out, func(o store.Limit) bool { return o.Window == windows[l.Window] }) {
			return nil, hub.Ef("bad_field", "a window is limited twice")
		}
		out = append(out, store.Limit{Window: windows[l.Window], Messages: l.Messages, Tokens: l.Tokens})
	}
	return out, nil
}

func showLimits(list []store.Limit) []LimitBody {
	return viewAll(list, func(l store.Limit) LimitBody {
		for name, stored := range windows {
			if stored == l.Window {
				return LimitBody{name, l.Messages, l.Tokens}
			}
		}
		return LimitBody{l.Window, l.Messages, l.Tokens}
	})
}

type planView struct {
	Meta
	PlanBody
}

func viewPlan(p store.Plan) planView {
	return planView{metaOf(p.ID, p.Rev, p.CreatedAt, p.ChangedAt),
		PlanBody{p.Name, showLimits(p.Limits), p.Concurrency, orNone(p.Models), p.AllowGlobalKey, p.Default}}
}

// set makes the plan say what the body does.
func (b PlanBody) set(p *store.Plan) (err error) {
	p.Name, p.Concurrency, p.Models, p.AllowGlobalKey, p.Default = b.Name, b.Concurrency, orNone(b.Models), b.AllowGlobalKey, b.Default
	p.Limits, err = storeLimits(b.Limits)
	return err
}

// planRows are the plans a person manages: the operator's are everyone's.
type planRows interface {
	Plans(context.Context, store.Page) ([]store.Plan, string, error)
	Plan(context.Context, string) (store.Plan, error)
	CreatePlan(context.Context, store.Plan) error
	UpdatePlan(context.Context, store.Plan) (store.Plan, error)
	DeletePlan(ctx context.Context, id string, rev int64) error
}

func (s *Server) planRows(who hub.Principal) planRows {
	if who.Role == store.RoleOperator {
		return s.store.Global()
	}
	return who.Tenant
}

func (s *Server) listPlans(ctx context.Context, who hub.Principal, p store.Page) ([]planView, string, error) {
	list, next, err := s.planRows(who).Plans(ctx, p)
	return viewAll(list, viewPlan), next, err
}

func (s *Server) getPlan(ctx context.Context, who hub.Principal, id string) (planView, error) {
	p, err := s.planRows(who).Plan(ctx, id)
	return viewPlan(p), err
}

func (s *Server) createPlan(ctx context.Context, who hub.Principal, id string, b PlanBody) (planView, error) {
	p := store.Plan{ID: id}
	if err := b.set(&p); err != nil {
		return planView{}, err
	}
	if err := s.planRows(who).CreatePlan(ctx, p); err != nil {
		return planView{}, err
	}
	return s.getPlan(ctx, who, id)
}

func (s *Server) changePlan(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*PlanBody) error) (planView, error) {
	p, err := s.planRows(who).Plan(ctx, id)
	if err != nil {
		return planView{}, err
	}
	b := viewPlan(p).PlanBody
	if err := apply(&b); err != nil {
		return planView{}, err
	}
	if err := b.set(&p); err != nil {
		return planView{}, err
	}
	p.Rev = revision(rev, p.Rev)
	p, err = s.planRows(who).UpdatePlan(ctx, p)
	return viewPlan(p), err
}

func (s *Server) deletePlan(ctx context.Context, who hub.Principal, id string, rev int64) error {
	return s.planRows(who).DeletePlan(ctx, id, rev)
}
