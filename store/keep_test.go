package store_test

import (
	"slices"
	"testing"
	"time"

	"aihub/store"
)

func TestOnlyTenantsInWhichSomethingRunsAreBusy(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		d = d.apart(t)
		ctx := t.Context()
		quiet, reserves, answers := d.tenant(""), d.tenant(""), d.tenant("")
		busy := func(s *store.Store) []store.TenantID {
			t.Helper()
			list, err := s.Directory().Busy(ctx)
			must(t, err)
			return list
		}
		if list := busy(d.s); len(list) != 3 {
			t.Errorf("the first time: %v", list) // somebody may have died long ago
		}
		if list := busy(d.s); len(list) != 0 {
			t.Errorf("nothing runs: %v", list)
		}
		_, err := reserves.Reserve(ctx, "u_1", "r_1", plan(0), 1)
		must(t, err)
		must(t, answers.AddMessage(ctx, newAnswer("r_2", noon)))
		must(t, quiet.AddMessage(ctx, store.Interaction{ID: store.NewID("m")}))
		other := d.open()
		busy(other)
		for _, s := range []*store.Store{d.s, other} {
			list := busy(s)
			if len(list) != 2 || !slices.Contains(list, reserves.ID()) || !slices.Contains(list, answers.ID()) {
				t.Errorf("busy: %v", list)
			}
		}
		d.clock.set(noon.Add(20 * time.Minute))
		_, err = reserves.Reserve(ctx, "u_1", "r_3", plan(0), 1)
		must(t, err)
		d.clock.set(noon.Add(40 * time.Minute))
		if list := busy(d.s); !slices.Equal(list, []store.TenantID{reserves.ID()}) {
			t.Errorf("later: %v", list)
		}
		d.clock.set(noon.Add(2 * time.Hour))
		if list := busy(d.s); len(list) != 3 {
			t.Errorf("after an hour: %v", list)
		}
	})
}

func TestKeepingEmptiesAndDeletesWhatIsDue(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		d = d.apart(t)
		ctx, old, gone := t.Context(), d.tenant(""), d.tenant("")
		_, question, _ := talk(t, old, "u_1", "x", "texto", "resposta", noon.Add(-40*24*time.Hour))
		p, err := old.Profile(ctx)
		must(t, err)
		p.Retention = store.Retention{ContentDays: 30}
		_, err = old.UpdateProfile(ctx, p)
		must(t, err)
		stock(t, gone)
		p, err = gone.Profile(ctx)
		must(t, err)
		_, err = d.s.Directory().SetTenantState(ctx, gone.ID(), p.Rev, store.StateClosing, noon)
		must(t, err)
		must(t, store.KeepOnce(ctx, d.s))
		if m, err := old.Message(ctx, question); err != nil || m.Text != "" {
			t.Errorf("%+v %v", m, err)
		}
		if p, err := gone.Profile(ctx); err != nil || p.State != store.StateDeleted {
			t.Errorf("%+v %v", p, err)
		}
		if list, _, err := gone.Users(ctx, store.UserFilter{}, store.Page{}); err != nil || len(list) != 0 {
			t.Errorf("%+v %v", list, err)
		}
	})
}
