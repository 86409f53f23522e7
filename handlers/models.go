package handlers

import (
	"context"

	"aihub/hub"
	"aihub/store"
)

// ModelBody is an entry of the catalogue that people choose from.
type ModelBody struct {
	Key      string     `json:"key" minLength:"1" maxLength:"80" pattern:"^[a-zA-Z0-9][a-zA-Z0-9._:/-]*$" doc:"what plans and clients name it by"`
	Provider string     `json:"provider" enum:"openai,gemini,gemini-generative-ai-go,rehearsal"`
	Model    string     `json:"model" minLength:"1" maxLength:"128" doc:"the provider's name of it"`
	Name     string     `json:"name" minLength:"1" maxLength:"80"`
	Context  int64      `json:"context" required:"false" minimum:"0" maximum:"100000000" doc:"tokens"`
	Price    *PriceBody `json:"price" required:"false" doc:"null: unknown, and so is what runs cost"`
	State    string     `json:"state" required:"false" enum:"active,disabled" default:"active"`
}

// PriceBody is in units of currency per million tokens. Prices in another currency than a distributor's do not count there.
type PriceBody struct {
	_           struct{} `nullable:"true"`
	Currency    string   `json:"currency" required:"false" pattern:"^([A-Z]{3})?$" doc:"ISO 4217 code; a distributor's prices are in its own currency, the operator's in BRL by default"`
	Input       float64  `json:"input" minimum:"0" maximum:"1000000"`
	Output      float64  `json:"output" minimum:"0" maximum:"1000000"`
	CachedInput *float64 `json:"cached_input" required:"false" nullable:"true" minimum:"0" maximum:"1000000" doc:"null: as input"`
	Reasoning   *float64 `json:"reasoning" required:"false" nullable:"true" minimum:"0" maximum:"1000000" doc:"null: as output"`
}

type modelView struct {
	Meta
	ModelBody
	PriceSince string `json:"price_since,omitempty" doc:"when the price was set; what ran before keeps the price of its time"`
}

// microUnits is how the store counts money.
const microUnits = 1e6

func viewModel(m store.Model) modelView {
	return modelView{metaOf(m.ID, m.Rev, m.CreatedAt, m.ChangedAt), ModelBody{m.Key, m.Provider, m.Model, m.Name, m.Context,
		showPrice(m.Price), showState(m.State)}, priceSince(m.Price)}
}

func (b ModelBody) set(m *store.Model) {
	m.Key, m.Provider, m.Model, m.Name, m.Context, m.State = b.Key, b.Provider, b.Model, b.Name, b.Context, storeState(b.State)
	m.Price = nil
	if p := b.Price; p != nil {
		m.Price = &store.Price{Currency: store.Currency(p.Currency), In: micro(p.Input), Out: micro(p.Output), CachedIn: each(micro, p.CachedInput), Reasoning: each(micro, p.Reasoning)}
	}
}

// checkPrice refuses a price in a currency that is none, or that is not the distributor's own.
func checkPrice(who hub.Principal, p *PriceBody) (err error) {
	if p == nil {
		return nil
	}
	own := who.Profile.Currency.Code()
	if p.Currency == "" && who.Role != store.RoleOperator {
		p.Currency = own
	}
	if p.Currency, err = currencyCode(p.Currency); err == nil && who.Role != store.RoleOperator && p.Currency != own {
		err = hub.Ef("bad_field", "a price is in the distributor's currency, "+own)
	}
	return err
}

func showPrice(p *store.Price) *PriceBody {
	if p == nil {
		return nil
	}
	return &PriceBody{Currency: p.Currency.Code(), Input: units(p.In), Output: units(p.Out), CachedInput: each(units, p.CachedIn), Reasoning: each(units, p.Reasoning)}
}

func priceSince(p *store.Price) string {
	if p == nil {
		return ""
	}
	return stamp(p.ValidFrom)
}

func micro(units float64) int64 { return int64(units*microUnits + 0.5) }

func units(micro int64) float64 { return float64(micro) / microUnits }

// each applies f to what may be missing.
func each[A, B any](f func(A) B, a *A) *B {
	if a == nil {
		return nil
	}
	b := f(*a)
	return &b
}

// showState and storeState translate the states of managed rows.
func showState(stored string) string {
	switch stored {
	case store.StateActive:
		return "active"
	case store.StateSuspended:
		return "suspended"
	case store.StateClosing:
		return "closing"
	case store.StateDeleted:
		return "deleted"
	}
	return "disabled"
}

func storeState(shown string) string {
	if shown == "disabled" {
		return store.StateDisabled
	}
	return store.StateActive
}

// modelRows are the models a person manages: the operator's are everyone's.
type modelRows interface {
	Model(context.Context, string) (store.Model, error)
	CreateModel(context.Context, store.Model) error
	UpdateModel(context.Context, store.Model) (store.Model, error)
	DeleteModel(ctx context.Context, id string, rev int64) error
}

func (s *Server) modelRows(who hub.Principal) modelRows {
	if who.Role == store.RoleOperator {
		return s.store.Global()
	}
	return who.Tenant
}

func (s *Server) listModels(ctx context.Context, who hub.Principal, p store.Page) ([]modelView, string, error) {
	read := who.Tenant.OwnModels
	if who.Role == store.RoleOperator {
		read = s.store.Global().Models
	}
	list, next, err := read(ctx, p)
	return viewAll(list, viewModel), next, err
}

func (s *Server) getModel(ctx context.Context, who hub.Principal, id string) (modelView, error) {
	m, err := s.modelRows(who).Model(ctx, id)
	return viewModel(m), err
}

func (s *Server) createModel(ctx context.Context, who hub.Principal, id string, b ModelBody) (modelView, error) {
	if err := checkPrice(who, b.Price); err != nil {
		return modelView{}, err
	}
	m := store.Model{ID: id}
	b.set(&m)
	if err := s.modelRows(who).CreateModel(ctx, m); err != nil {
		return modelView{}, err
	}
	return s.getModel(ctx, who, id)
}

func (s *Server) changeModel(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*ModelBody) error) (modelView, error) {
	m, err := s.modelRows(who).Model(ctx, id)
	if err != nil {
		return modelView{}, err
	}
	b := viewModel(m).ModelBody
	if err := apply(&b); err != nil {
		return modelView{}, err
	}
	if err := checkPrice(who, b.Price); err != nil {
		return modelView{}, err
	}
	b.set(&m)
	m.Rev = revision(rev, m.Rev)
	m, err = s.modelRows(who).UpdateModel(ctx, m)
	return viewModel(m), err
}

func (s *Server) deleteModel(ctx context.Context, who hub.Principal, id string, rev int64) error {
	return s.modelRows(who).DeleteModel(ctx, id, rev)
}
