package store_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store"
)

func config(limits ...store.Limit) store.LLMConfig {
	return store.LLMConfig{ID: store.NewID("l"), Limits: limits}
}

// Many people with room in their own plans race for the little that is left of the tenant's own configuration.
func TestTwoScopesAreExactTogether(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		other := d.on(d.open(), a)
		c, p := config(store.Limit{Window: store.WindowMonth, Messages: 11}), plan(0, store.Limit{Window: store.WindowDay, Messages: 4})
		var in, byPlan, byConfig atomic.Int64
		race(16, func(i int) {
			for j := range 3 {
				who := []*store.Tenant{a, other}[(i+j)%2]
				_, err := who.ReserveUnder(t.Context(), fmt.Sprint("u_", i%4), fmt.Sprint("r_", i, "_", j), p, c, store.WidgetKey{}, 10)
				var q *store.QuotaError
				switch {
				case err == nil:
					in.Add(1)
				case errors.As(err, &q) && q.Config == c.ID && q.Window == "month" && q.Limit == 11:
					byConfig.Add(1)
				case errors.As(err, &q) && q.Config == "" && q.Window == "day":
					byPlan.Add(1)
				default:
					t.Error(err)
				}
			}
		})
		var open, messages int64
		for i := range 4 {
			l := ledger(t, a, fmt.Sprint("u_", i))
			open, messages = open+l.Open, messages+l.Messages["mes:2026-11"]
			if l.Messages["dia:2026-11-24"] > 4 {
				t.Errorf("u_%d: %+v", i, l)
			}
		}
		l := ledger(t, a, store.ConfigPayer(c.ID))
		if in.Load() != 11 || in.Load()+byPlan.Load()+byConfig.Load() != 48 || open != 11 || messages != 11 || l.Open != 11 || l.Messages["mes:2026-11"] != 11 || l.Tokens["mes:2026-11"] != 110 {
			t.Errorf("%d in, %d refused by plans, %d by the configuration; %d open, %d messages; %+v", in.Load(), byPlan.Load(), byConfig.Load(), open, messages, l)
		}
	})
}

func TestBothScopesGrowAndSettleTogether(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		c, p := config(store.Limit{Window: store.WindowMinute, Tokens: 300}), plan(1, store.Limit{Window: store.WindowDay, Messages: 2, Tokens: 1000})
		r, err := a.ReserveUnder(t.Context(), "u_1", "r_1", p, c, store.WidgetKey{}, 100)
		must(t, err)
		again, err := a.ReserveUnder(t.Context(), "u_1", "r_1", p, c, store.WidgetKey{}, 100)
		must(t, err)
		if again.Config != c.ID {
			t.Errorf("%+v", again)
		}
		must(t, a.Extend(t.Context(), "u_1", &r, 150, p))
		var q *store.QuotaError
		if err := a.Extend(t.Context(), "u_1", &r, 100, p); !errors.As(err, &q) || q.Config != c.ID || q.Used != 250 {
			t.Errorf("%v", err)
		}
		must(t, a.Extend(t.Context(), "u_1", &r, 50, p)) // what was given back can be taken
		mine, theirs := ledger(t, a, "u_1"), ledger(t, a, store.ConfigPayer(c.ID))
		if r.Tokens != 300 || mine.Tokens["dia:2026-11-24"] != 300 || theirs.Tokens["minuto:2026-11-24T12-00"] != 300 || theirs.Tokens["dia:2026-11-24"] != 300 {
			t.Errorf("%+v %+v %+v", r, mine, theirs)
		}
		race(6, func(int) {
			if err := a.Settle(t.Context(), "u_1", "r_1", 120, false); err != nil {
				t.Error(err)
			}
		})
		mine, theirs = ledger(t, a, "u_1"), ledger(t, a, store.ConfigPayer(c.ID))
		if mine.Open != 0 || theirs.Open != 0 || mine.Tokens["dia:2026-11-24"] != 120 || theirs.Tokens["minuto:2026-11-24T12-00"] != 120 || theirs.Messages["mes:2026-11"] != 1 {
			t.Errorf("settled: %+v %+v", mine, theirs)
		}
		uses, err := a.ConfigQuotaOf(t.Context(), c)
		must(t, err)
		if len(uses) != 1 || uses[0].Window != "minute" || uses[0].TokensUsed != 120 {
			t.Errorf("%+v", uses)
		}
	})
}

// A crash after any single step of any scope leaves something that the reaper finds, and settling that leaves nothing.
func TestACrashBetweenTheScopesLeavesNothingReserved(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		c, k, p := config(store.Limit{Window: store.WindowDay, Messages: 9}), newKey(9, 9), plan(1)
		for step := range 4 {
			a := d.tenant("")
			payers := []string{"u_1", store.ConfigPayer(c.ID), store.KeyPayer(k.ID)}
			if step == 0 { // the person's document says all, the others' nothing yet
				must(t, store.ReserveFirstScope(t.Context(), a, "u_1", "r_1", p, c, k, 10))
			} else {
				_, err := a.ReserveUnder(t.Context(), "u_1", "r_1", p, c, k, 10)
				must(t, err)
			}
			if step > 1 { // settled in one of the others', open in the person's
				must(t, a.Settle(t.Context(), payers[step-1], "r_1", 0, true))
			}
			open, err := a.OpenReservations(t.Context(), noon.Add(1))
			must(t, err)
			if want := []int{1, 3, 2, 2}[step]; len(open) != want {
				t.Errorf("step %d: the reaper finds %v", step, open)
			}
			for _, o := range open {
				must(t, a.GiveBack(t.Context(), o.UserID, o.Run, noon.Add(time.Second)))
			}
			for _, payer := range payers {
				if l := ledger(t, a, payer); l.Open != 0 || l.Reserved != 0 || l.Messages["dia:2026-11-24"] != 0 || l.Tokens["mes:2026-11"] != 0 {
					t.Errorf("step %d, %s: %+v", step, payer, l)
				}
			}
		}
	})
}

// Copies of one command race at the edge of a limit that many people share: they are all let in, or none, and nothing stays
// reserved in one scope alone.
func TestCopiesAreLetInTogetherOrNotAtAll(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		other := d.open()
		for name, at := range map[string][2]int64{"configuration": {3, 100}, "key": {100, 3}} {
			t.Run(name, func(t *testing.T) {
				a := d.tenant("")
				b := d.on(other, a)
				c, k, p := config(store.Limit{Window: store.WindowDay, Messages: at[0]}), newKey(0, at[1]), plan(0)
				var in [6]atomic.Int64
				race(18, func(i int) {
					run := i % 6
					_, err := []*store.Tenant{a, b}[i/6%2].ReserveUnder(t.Context(), fmt.Sprint("u_", run), fmt.Sprint("r_", run), p, c, k, 10)
					var q *store.QuotaError
					switch {
					case err == nil:
						in[run].Add(1)
					case errors.As(err, &q), errors.Is(err, store.ErrUnavailable):
					default:
						t.Error(err)
					}
				})
				for _, payer := range []string{store.ConfigPayer(c.ID), store.KeyPayer(k.ID)} {
					if l := ledger(t, a, payer); l.Open != 3 || l.Messages["dia:2026-11-24"] != 3 {
						t.Errorf("%s: %+v", payer, l)
					}
				}
				for run := range in {
					mine := ledger(t, a, fmt.Sprint("u_", run))
					if got := in[run].Load(); got > 0 != (mine.Open == 1) {
						t.Errorf("run %d: %d copies let in, %+v", run, got, mine)
					}
				}
			})
		}
	})
}

// A widget key's caps bound the messages of its visitors together, on both instances, and nobody else's.
func TestMessagesOfAKeyAreLimitedExactly(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		other := d.on(d.open(), a)
		k, c, p := newKey(7, 12), config(store.Limit{Window: store.WindowDay, Messages: 100}), plan(0)
		write := func(who *store.Tenant, k store.WidgetKey, run string) error {
			_, err := who.ReserveUnder(t.Context(), "v_"+run, run, p, c, k, 10)
			return err
		}
		// try lets 16 people write and returns how many were let in; the others found the window full.
		try := func(round, window string, limit int64) int64 {
			var in atomic.Int64
			race(16, func(i int) {
				var q *store.QuotaError
				switch err := write([]*store.Tenant{a, other}[i%2], k, fmt.Sprint("r_", round, i)); {
				case err == nil:
					in.Add(1)
				case !errors.As(err, &q) || q.Key != k.ID || q.Config != "" || q.Window != window || q.Limit != limit || q.Used != limit || q.ResetAt.IsZero():
					t.Error(err)
				}
			})
			return in.Load()
		}
		if n := try("a", "minute", 7); n != 7 {
			t.Errorf("%d in a minute of 7", n)
		}
		must(t, write(a, newKey(1, 1), "r_else")) // another key's visitor
		must(t, a.TakeVisitor(t.Context(), k))    // a new visitor counts by itself
		open, err := a.OpenReservations(t.Context(), noon.Add(1))
		must(t, err)
		var held []string
		for _, o := range open {
			if o.UserID == store.KeyPayer(k.ID) {
				held = append(held, o.Run)
			}
		}
		if len(held) != 7 {
			t.Fatalf("held: %v", held)
		}
		must(t, write(other, k, held[0])) // a copy of a command that is in
		for range 2 {                     // settling is done once
			must(t, a.Settle(t.Context(), "v_"+held[0], held[0], 3, true))
			must(t, a.Settle(t.Context(), "v_"+held[1], held[1], 3, false))
		}
		must(t, a.GiveBack(t.Context(), "v_"+held[2], held[2], noon.Add(time.Second)))
		if err := write(a, k, held[1]); !errors.Is(err, store.ErrExists) {
			t.Errorf("a settled run: %v", err)
		}
		if n := try("b", "minute", 7); n != 2 {
			t.Errorf("%d in the place of the two that were given back", n)
		}
		d.clock.set(noon.Add(time.Minute))
		if n := try("c", "day", 12); n != 5 {
			t.Errorf("%d more in a day of 12", n)
		}
		l, all := ledger(t, a, store.KeyPayer(k.ID)), ledger(t, a, store.ConfigPayer(c.ID))
		if l.Messages["dia:2026-11-24"] != 12 || l.Open != 11 || l.Reserved != 11 || l.Settled != 0 || all.Messages["dia:2026-11-24"] != 13 || all.Open != 12 {
			t.Errorf("%+v %+v", l, all)
		}
	})
}
