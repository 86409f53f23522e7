package store_test

import (
	"fmt"
	"math"
	"testing"

	"aihub/store"
)

func TestPriceOfTokens(t *testing.T) {
	cached, reasoning := int64(500_000), int64(20_000_000)
	for _, row := range []struct {
		price store.Price
		usage store.Usage
		want  int64
	}{
		{store.Price{In: 2_000_000, Out: 8_000_000}, store.Usage{In: 3, Out: 10}, 86},
		{store.Price{In: 2_000_000, Out: 8_000_000}, store.Usage{In: 3, Out: 10, CachedIn: 2, Reasoning: 4}, 86}, // no price of their own
		{store.Price{In: 2_000_000, Out: 8_000_000, CachedIn: &cached, Reasoning: &reasoning}, store.Usage{In: 4, Out: 10, CachedIn: 2, Reasoning: 5}, 145},
		{store.Price{In: 1}, store.Usage{In: 1}, 1}, // rounded up
		{store.Price{}, store.Usage{In: 5, Out: 5}, 0},
		{store.Price{In: 2_000_000}, store.Usage{In: 1, CachedIn: 9, Out: -3}, 2}, // what can't be true counts as what can
		{store.Price{In: math.MaxInt64}, store.Usage{In: store.MaxTokens}, math.MaxInt64},
	} {
		if got := row.price.Of(row.usage); got != row.want {
			t.Errorf("%+v of %+v is %d, want %d", row.price, row.usage, got, row.want)
		}
	}
}

// A tenant's prices and costs are in its currency. A price of everyone's in another one is unknown there: nothing is
// converted.
func TestCostsAreInTheTenantsCurrency(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, reais := t.Context(), d.tenant("")
		id, err := store.ParseTenantID(reais.ID().String() + "-eur")
		must(t, err)
		must(t, d.s.Directory().CreateTenant(ctx, store.Profile{ID: id, Slug: id.String(), Name: "Loja", Currency: "EUR", State: store.StateActive}))
		euros := d.s.Tenant(id)
		name := store.NewID("o")
		must(t, d.s.Global().CreateModel(ctx, store.Model{ID: name, Key: name, Provider: "openai", Model: name, Price: &store.Price{In: 1_000_000}}))
		price := func(a *store.Tenant) *store.Price {
			models, err := a.Models(ctx)
			must(t, err)
			return store.PriceOf(models, "openai", name)
		}
		if a, b := price(reais), price(euros); a == nil || a.Currency.Code() != "BRL" || b != nil {
			t.Errorf("everyone's price: %+v and %+v", a, b)
		}
		own := store.Model{ID: store.NewID("o"), Key: name, Provider: "openai", Model: name, Price: &store.Price{Currency: "USD", In: 2_000_000}}
		must(t, euros.CreateModel(ctx, own))
		if p := price(euros); p == nil || p.Currency != "EUR" || p.In != 2_000_000 {
			t.Errorf("its own price: %+v", p)
		}
		own, err = euros.Model(ctx, own.ID)
		must(t, err)
		own.Price = &store.Price{Currency: "USD", In: 3_000_000}
		if own, err = euros.UpdateModel(ctx, own); err != nil || own.Price.Currency != "EUR" || own.Price.In != 3_000_000 {
			t.Errorf("its changed price: %+v, %v", own.Price, err)
		}
		m := newAnswer("r_eur", noon)
		must(t, euros.AddMessage(ctx, m))
		must(t, euros.FinishRun(ctx, m.ID, 1, store.Final{State: store.RunComplete, Model: name, Provider: "openai", Usage: store.Usage{In: 2}}))
		must(t, euros.MarkSettled(ctx, m.ID))
		if got, err := euros.RunByID(ctx, m.Run.ID); err != nil || *got.Run.Cost != 6 || got.Run.Price.Currency != "EUR" {
			t.Errorf("%+v by %+v, %v", got.Run, got.Run.Price, err)
		}
		p, err := euros.Profile(ctx)
		must(t, err)
		p.Currency = "USD"
		if p, err = euros.UpdateProfile(ctx, p); err != nil || p.Currency != "EUR" {
			t.Errorf("a changed profile has %s, %v", p.Currency, err)
		}
	})
}

// What a run cost is by the price of its time; where there is none the cost is unknown, which is not 0.
func TestCostsKeepThePriceOfTheirTime(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		n := 0
		run := func(model, asked string, u store.Usage) store.Run {
			n++
			m := newAnswer(fmt.Sprint("r_", n), noon)
			must(t, a.AddMessage(ctx, m))
			must(t, a.FinishRun(ctx, m.ID, 1, store.Final{State: store.RunComplete, Model: model, Asked: asked, Provider: "openai", Usage: u}))
			must(t, a.MarkSettled(ctx, m.ID))
			got, err := a.RunByID(ctx, m.Run.ID)
			must(t, err)
			return *got.Run
		}
		if r := run("gpt-2026-11-01", "gpt", store.Usage{In: 5, Out: 5}); r.Cost != nil || r.Price != nil {
			t.Errorf("without a price: %v by %+v", r.Cost, r.Price)
		}
		if r := run("gpt-2026-11-01", "gpt", store.Usage{}); r.Cost == nil || *r.Cost != 0 {
			t.Errorf("nothing used: %v", r.Cost)
		}
		model := store.Model{ID: store.NewID("o"), Key: "m", Provider: "openai", Model: "gpt", Price: &store.Price{In: 1_000_000, Out: 1_000_000}}
		must(t, a.CreateModel(ctx, model))
		first := run("gpt-2026-11-01", "gpt", store.Usage{In: 5, Out: 5, Reasoning: 2, CachedIn: 1})
		if first.Cost == nil || *first.Cost != 10 || first.Usage.Reasoning != 2 || first.Usage.CachedIn != 1 {
			t.Errorf("under the name it was asked for: %v, %+v", first.Cost, first.Usage)
		}
		model, err := a.Model(ctx, model.ID)
		must(t, err)
		since := model.Price.ValidFrom
		d.clock.set(d.clock.now().Add(3_600_000_000_000))
		model.Name = "Outro nome"
		if model, err = a.UpdateModel(ctx, model); err != nil || !model.Price.ValidFrom.Equal(since) {
			t.Errorf("the price counts from %v, want %v: %v", model.Price.ValidFrom, since, err)
		}
		model.Price = &store.Price{In: 3_000_000, Out: 3_000_000}
		if model, err = a.UpdateModel(ctx, model); err != nil || !model.Price.ValidFrom.After(since) {
			t.Errorf("a new price counts from %v: %v", model.Price.ValidFrom, err)
		}
		if r := run("gpt-2026-11-01", "gpt", store.Usage{In: 5, Out: 5}); *r.Cost != 30 || !r.Price.ValidFrom.Equal(model.Price.ValidFrom) {
			t.Errorf("later: %v by %+v", *r.Cost, r.Price)
		}
		if again, err := a.RunByID(ctx, first.ID); err != nil || *again.Run.Cost != 10 || again.Run.Price.In != 1_000_000 {
			t.Errorf("earlier: %+v, %v", again.Run, err)
		}
		model.Price = nil
		if model, err = a.UpdateModel(ctx, model); err != nil || model.Price != nil {
			t.Errorf("no price: %+v, %v", model.Price, err)
		}
		if r := run("gpt", "gpt", store.Usage{In: 5}); r.Cost != nil {
			t.Errorf("the price is gone, the cost is %d", *r.Cost)
		}
		days, err := a.Daily(ctx, "2026-11-24", "2026-11-24")
		must(t, err)
		var cost, unpriced int64
		for _, u := range days {
			cost, unpriced = cost+u.Cost, unpriced+u.Unpriced
		}
		if cost != 40 || unpriced != 2 {
			t.Errorf("the day has %d, %d runs without a price", cost, unpriced)
		}
	})
}
