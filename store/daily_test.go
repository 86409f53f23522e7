package store_test

import (
	"fmt"
	"testing"
	"time"

	"aihub/store"
)

// The daily counters equal the sum over the runs, however often and from wherever each run is marked as settled.
func TestEachRunIsCountedOnceInItsDay(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		other := d.on(d.open(), a)
		must(t, a.CreateModel(ctx, store.Model{ID: store.NewID("o"), Key: "m", Provider: "openai", Model: "gpt.x $1", Price: &store.Price{In: 2_000_000, Out: 8_000_000}}))
		conv := newConversation("u_1", "", noon)
		_, _, err := a.CreateConversation(ctx, conv)
		must(t, err)
		type sum struct{ runs, failed, in, out, cost, estimated int64 }
		want := map[string]sum{}
		var answers []string
		for i := range 24 {
			m := newAnswer(fmt.Sprint("r_", i), noon)
			m.ConversationID = conv.ID
			m.Run.StartedAt = noon.Add(time.Duration(i/8) * 24 * time.Hour)
			must(t, a.AddMessage(ctx, m))
			f := store.Final{State: store.RunComplete, Model: "gpt.x $1", Provider: "openai", KeyFrom: "distribuidor", Usage: store.Usage{In: int64(i), Out: 10}}
			w := want[m.Run.StartedAt.Format("2006-01-02")]
			if i%5 == 0 {
				f.State, f.Usage.Estimated = store.RunFailed, true
				w.failed, w.estimated = w.failed+1, w.estimated+1
			}
			must(t, a.FinishRun(ctx, m.ID, 1, f))
			w.runs, w.in, w.out, w.cost = w.runs+1, w.in+int64(i), w.out+10, w.cost+int64(i)*2+80
			want[m.Run.StartedAt.Format("2006-01-02")] = w
			answers = append(answers, m.ID)
		}
		for range 3 {
			race(6, func(i int) {
				for _, id := range answers {
					if err := []*store.Tenant{a, other}[i%2].MarkSettled(ctx, id); err != nil {
						t.Error(err)
					}
				}
			})
			d.clock.set(d.clock.now().Add(time.Minute)) // whoever was interrupted is not waited for any longer
		}
		days, err := a.Daily(ctx, "2026-11-24", "2026-11-26")
		must(t, err)
		for _, u := range days {
			got := sum{u.Runs, u.Failed, u.In, u.Out, u.Cost, u.Estimated}
			if got != want[u.Day] || u.Channel != "portal" || u.Model != "gpt.x $1" || u.KeyFrom != "distribuidor" {
				t.Errorf("%+v, want %+v", u, want[u.Day])
			}
		}
		if len(days) != 3 || days[0].Day != "2026-11-24" {
			t.Errorf("%d days", len(days))
		}
		if some, err := a.Daily(ctx, "2026-11-25", "2026-11-25"); err != nil || len(some) != 1 {
			t.Errorf("one day: %+v, %v", some, err)
		}
		m, err := a.RunByID(ctx, "r_3")
		must(t, err)
		if m.Run.Cost == nil || *m.Run.Cost != 86 || m.Run.Price == nil || m.Run.Price.Out != 8_000_000 || !m.Run.Settled || m.Run.Pending != "" {
			t.Errorf("%+v", m.Run)
		}
	})
}

// An instance that died between counting a run and noting it leaves the run to another one, which does not count it again.
func TestARunCountedByADeadInstanceIsNotCountedAgain(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		m := newAnswer("r_1", noon)
		must(t, a.AddMessage(ctx, m))
		must(t, a.FinishRun(ctx, m.ID, 1, store.Final{State: store.RunComplete, Usage: store.Usage{In: 7}}))
		must(t, store.CountOnly(ctx, a, m.ID))
		must(t, a.MarkSettled(ctx, m.ID)) // the dead one's time is not over yet
		if got, err := a.RunByID(ctx, "r_1"); err != nil || got.Run.Settled {
			t.Errorf("%+v %v", got.Run, err)
		}
		d.clock.set(noon.Add(time.Minute))
		must(t, a.MarkSettled(ctx, m.ID))
		got, err := a.RunByID(ctx, "r_1")
		must(t, err)
		days, err := a.Daily(ctx, "2026-11-24", "2026-11-24")
		must(t, err)
		if !got.Run.Settled || len(days) != 1 || days[0].Runs != 1 || days[0].In != 7 {
			t.Errorf("%+v, %+v", got.Run, days)
		}
	})
}

func TestUsageIsListedByPerson(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		for i := range 5 {
			user := fmt.Sprint("u_", i)
			for j := range i + 1 {
				run := fmt.Sprint("r_", i, "_", j)
				_, err := a.ReserveUnder(ctx, user, run, plan(0), store.LLMConfig{ID: "l_1", Limits: []store.Limit{{Window: store.WindowDay, Messages: 100}}}, store.WidgetKey{}, 10)
				must(t, err)
				must(t, a.Settle(ctx, user, run, 3, false))
			}
		}
		var all []store.PersonUse
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			list, next, err := a.UsageByPerson(ctx, store.Page{Cursor: cursor, Limit: 2})
			must(t, err)
			all, cursor = append(all, list...), next
		}
		if len(all) != 5 {
			t.Fatalf("%+v", all)
		}
		for i, u := range all {
			if c := u.Days["2026-11-24"]; u.UserID != fmt.Sprint("u_", i) || c.Messages != int64(i+1) || c.Tokens != 3*int64(i+1) {
				t.Errorf("%+v", u)
			}
		}
	})
}
