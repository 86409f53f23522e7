package store_test

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store"
)

func plan(concurrency int64, limits ...store.Limit) store.Plan {
	return store.Plan{ID: "p_1", Limits: limits, Concurrency: concurrency}
}

func ledger(t *testing.T, a *store.Tenant, payer string) store.Ledger {
	t.Helper()
	l, err := store.LedgerOf(t.Context(), a, payer)
	must(t, err)
	return l
}

// Exactly min(N, L) of N tries at a limit L are let in, whatever window holds the limit, on two instances at once.
func TestContendedQuotaIsExact(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		other := d.open()
		for _, test := range []struct {
			name  string
			plan  store.Plan
			tries int
			want  int64
		}{
			{"one of many", plan(0, store.Limit{Window: store.WindowDay, Messages: 1}), 64, 1},
			{"seven of many", plan(0, store.Limit{Window: store.WindowMonth, Messages: 7}), 64, 7},
			{"all", plan(0, store.Limit{Window: store.WindowMinute, Messages: 64}), 48, 48},
			{"by tokens", plan(0, store.Limit{Window: store.WindowDay, Tokens: 1000}), 48, 10},
			{"the narrowest window", plan(0, store.Limit{Window: store.WindowMinute, Messages: 30}, store.Limit{Window: store.WindowDay, Messages: 9}, store.Limit{Window: store.WindowMonth, Tokens: 2000}), 48, 9},
			{"at once", plan(5, store.Limit{Window: store.WindowDay, Messages: 30}), 48, 5},
		} {
			t.Run(test.name, func(t *testing.T) {
				a := d.tenant("")
				var in, refused atomic.Int64
				next := make(chan int, test.tries)
				for i := range test.tries {
					next <- i
				}
				close(next)
				race(16, func(writer int) {
					who := []*store.Tenant{a, d.on(other, a)}[writer%2]
					for i := range next {
						_, err := who.Reserve(t.Context(), "u_1", fmt.Sprint("r_", i), test.plan, 100)
						var q *store.QuotaError
						switch {
						case err == nil:
							in.Add(1)
						case errors.As(err, &q):
							refused.Add(1)
						default:
							t.Error(err)
						}
					}
				})
				l := ledger(t, a, "u_1")
				day := "dia:2026-11-24"
				if in.Load() != test.want || refused.Load() != int64(test.tries)-test.want || l.Open != test.want || l.Reserved != int(test.want) ||
					l.Messages[day] != test.want || l.Tokens[day] != 100*test.want || l.Documents != 1 {
					t.Errorf("%d let in, %d refused, want %d in; ledger %+v", in.Load(), refused.Load(), test.want, l)
				}
			})
		}
	})
}

func TestCopiesOfARunReserveOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		other := d.on(d.open(), a)
		p := plan(1, store.Limit{Window: store.WindowDay, Messages: 5, Tokens: 1000})
		race(16, func(i int) {
			if r, err := []*store.Tenant{a, other}[i%2].Reserve(t.Context(), "u_1", "r_1", p, 100); err != nil || r.Tokens != 100 || len(r.Periods) != 2 {
				t.Error(r, err)
			}
		})
		if l := ledger(t, a, "u_1"); l.Open != 1 || l.Messages["dia:2026-11-24"] != 1 || l.Tokens["dia:2026-11-24"] != 100 {
			t.Errorf("%+v", l)
		}
		race(16, func(i int) {
			if err := []*store.Tenant{a, other}[i%2].Settle(t.Context(), "u_1", "r_1", 40, false); err != nil {
				t.Error(err)
			}
		})
		if l := ledger(t, a, "u_1"); l.Open != 0 || l.Reserved != 0 || l.Settled != 1 || l.Messages["dia:2026-11-24"] != 1 || l.Tokens["dia:2026-11-24"] != 40 {
			t.Errorf("settled by 16 at once: %+v", l)
		}
		_, err := a.Reserve(t.Context(), "u_1", "r_1", p, 100)
		is(t, err, store.ErrExists, "a late copy of a settled run")
	})
}

func TestAReservationGrowsInSlicesUntilAWindowIsFull(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		p := plan(0, store.Limit{Window: store.WindowMinute, Messages: 10}, store.Limit{Window: store.WindowDay, Tokens: 500})
		r, err := a.Reserve(t.Context(), "u_1", "r_1", p, 100)
		must(t, err)
		for range 4 {
			must(t, a.Extend(t.Context(), "u_1", &r, 100, p))
		}
		var q *store.QuotaError
		if err := a.Extend(t.Context(), "u_1", &r, 1, p); !errors.As(err, &q) || q.Window != "day" || q.Limit != 500 || q.Used != 500 || r.Tokens != 500 {
			t.Errorf("%v, %+v", err, r)
		}
		stale := r
		stale.Tokens = 300
		is(t, a.Extend(t.Context(), "u_1", &stale, 1, plan(0)), store.ErrConflict, "extension of what has grown since")
		must(t, a.Settle(t.Context(), "u_1", "r_1", 450, false))
		is(t, a.Extend(t.Context(), "u_1", &r, 1, p), store.ErrConflict, "extension after the end")
		if l := ledger(t, a, "u_1"); l.Tokens["dia:2026-11-24"] != 450 || l.Tokens["mes:2026-11"] != 450 || l.Tokens["minuto:2026-11-24T12-00"] != 450 {
			t.Errorf("%+v", l)
		}
		// A run that used more than it had reserved is charged all of it.
		r, err = a.Reserve(t.Context(), "u_1", "r_2", p, 10)
		must(t, err)
		must(t, a.Settle(t.Context(), "u_1", r.Run, 200, false))
		if l := ledger(t, a, "u_1"); l.Tokens["dia:2026-11-24"] != 650 {
			t.Errorf("%+v", l)
		}
	})
}

func TestNothingProducedGivesTheMessageBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		p := plan(1, store.Limit{Window: store.WindowMonth, Messages: 1, Tokens: 100})
		for i := range 4 {
			run := fmt.Sprint("r_", i)
			_, err := a.Reserve(t.Context(), "u_1", run, p, 100)
			must(t, err)
			must(t, a.Settle(t.Context(), "u_1", run, 0, true))
			must(t, a.Settle(t.Context(), "u_1", run, 0, true))
		}
		if l := ledger(t, a, "u_1"); l.Open != 0 || l.Messages["mes:2026-11"] != 0 || l.Tokens["mes:2026-11"] != 0 {
			t.Errorf("%+v", l)
		}
		must(t, a.Settle(t.Context(), "u_nobody", "r_1", 5, false))
	})
}

func TestARefusalSaysWhatIsFullAndUntilWhen(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("Asia/Kathmandu")
		p := plan(2, store.Limit{Window: store.WindowDay, Messages: 2, Tokens: 250}, store.Limit{Window: store.WindowMonth, Messages: 9})
		for _, test := range []struct {
			run, window            string
			tokens, limit, used    int64
			settle                 string
			refusedUntil, describe string
		}{
			{run: "r_1", tokens: 200},
			{run: "r_2", tokens: 100, window: "day", limit: 250, used: 200, refusedUntil: "2026-11-24T18:15:00Z"},
			{run: "r_3", tokens: 300, window: "day", limit: 250, used: 200, refusedUntil: "2026-11-24T18:15:00Z"},
			{run: "r_4", tokens: 50},
			{run: "r_5", tokens: 0, window: "day", limit: 2, used: 2, refusedUntil: "2026-11-24T18:15:00Z"},
		} {
			_, err := a.Reserve(t.Context(), "u_1", test.run, p, test.tokens)
			var q *store.QuotaError
			switch {
			case test.window == "":
				must(t, err)
			case !errors.As(err, &q), q.Window != test.window, q.Limit != test.limit, q.Used != test.used, q.ResetAt.UTC().Format(time.RFC3339) != test.refusedUntil:
				t.Errorf("%s: %v %+v", test.run, err, q)
			}
		}
		must(t, a.Subscribe(t.Context(), "u_1", "p_1"))
		uses, err := a.QuotaOf(t.Context(), "u_1", p)
		must(t, err)
		if len(uses) != 2 || uses[0].Window != "day" || uses[0].MessagesUsed != 2 || uses[0].TokensUsed != 250 || uses[0].TokensLimit != 250 || uses[1].MessagesLimit != 9 {
			t.Errorf("%+v", uses)
		}
		if uses, err = a.QuotaOf(t.Context(), "u_new", p); err != nil || len(uses) != 2 || uses[0].MessagesUsed != 0 {
			t.Errorf("a new person: %+v, %v", uses, err)
		}
	})
}

// 64 racers cross a tenant's midnight, in three zones, one of them on a day that has no midnight. Each run is counted in
// the period it was admitted in, also when it ends later.
func TestARunCountsInThePeriodItWasAdmittedIn(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		for _, test := range []struct{ zone, before, after, lastDay, firstDay string }{
			{"America/Sao_Paulo", "2018-11-04T02:59:59.900Z", "2018-11-04T03:00:00.100Z", "dia:2018-11-03", "dia:2018-11-04"},
			{"America/Manaus", "2026-12-01T03:59:59.900Z", "2026-12-01T04:00:00.100Z", "dia:2026-11-30", "dia:2026-12-01"},
			{"Asia/Kathmandu", "2026-11-24T18:14:59.900Z", "2026-11-24T18:15:00.100Z", "dia:2026-11-24", "dia:2026-11-25"},
		} {
			a := d.tenant(test.zone)
			before, err := time.Parse(time.RFC3339Nano, test.before)
			must(t, err)
			after, err := time.Parse(time.RFC3339Nano, test.after)
			must(t, err)
			d.clock.set(before)
			p := plan(0, store.Limit{Window: store.WindowDay, Messages: 20})
			var in atomic.Int64
			race(64, func(i int) {
				if i == 32 {
					d.clock.set(after)
				}
				r, err := a.Reserve(t.Context(), "u_1", fmt.Sprint("r_", i), p, 10)
				var q *store.QuotaError
				if errors.As(err, &q) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				in.Add(1)
				d.clock.set(after)
				if err := a.Settle(t.Context(), "u_1", r.Run, 5, false); err != nil {
					t.Error(err)
				}
			})
			l := ledger(t, a, "u_1")
			last, first := l.Messages[test.lastDay], l.Messages[test.firstDay]
			if last > 20 || first > 20 || last+first != in.Load() || l.Tokens[test.lastDay] != 5*last || l.Tokens[test.firstDay] != 5*first || l.Open != 0 {
				t.Errorf("%s: %d in; %+v", test.zone, in.Load(), l)
			}
		}
	})
}

func TestAChangedPlanCountsAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		day := func(n int64) store.Plan { return plan(0, store.Limit{Window: store.WindowDay, Messages: n}) }
		reserve := func(run string, p store.Plan) error {
			_, err := a.Reserve(t.Context(), "u_1", run, p, 1)
			return err
		}
		var q *store.QuotaError
		must(t, reserve("r_1", day(0))) // no limit
		must(t, reserve("r_2", day(2)))
		if err := reserve("r_3", day(1)); !errors.As(err, &q) || q.Used != 2 || q.Limit != 1 {
			t.Errorf("less than used: %v", err)
		}
		must(t, reserve("r_4", day(3)))
		must(t, a.Settle(t.Context(), "u_1", "r_1", 1, true))
		if err := reserve("r_5", day(2)); !errors.As(err, &q) {
			t.Errorf("full: %v", err)
		}
	})
}

func TestWrongNumbersNeverBreakTheLedger(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		p := plan(0, store.Limit{Window: store.WindowDay, Messages: 9})
		for i, tokens := range []int64{-5, math.MinInt64, math.MaxInt64, math.MaxInt64} {
			run := fmt.Sprint("r_", i)
			r, err := a.Reserve(t.Context(), "u_1", run, p, tokens)
			must(t, err)
			must(t, a.Extend(t.Context(), "u_1", &r, tokens, p))
			must(t, a.Settle(t.Context(), "u_1", run, tokens, false))
		}
		l := ledger(t, a, "u_1")
		if n := l.Tokens["dia:2026-11-24"]; l.Documents != 1 || n < 0 || n != 2*store.MaxTokens || l.Messages["dia:2026-11-24"] != 4 {
			t.Errorf("%+v", l)
		}
	})
}

func TestReservationsWithoutARunAreFound(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a, b := d.tenant(""), d.tenant("")
		for _, run := range []string{"r_1", "r_2"} {
			_, err := a.Reserve(t.Context(), "u_1", run, plan(0), 1)
			must(t, err)
		}
		_, err := b.Reserve(t.Context(), "u_1", "r_3", plan(0), 1)
		must(t, err)
		must(t, a.Settle(t.Context(), "u_1", "r_2", 1, false))
		open, err := a.OpenReservations(t.Context(), noon.Add(time.Second))
		must(t, err)
		if len(open) != 1 || open[0].Run != "r_1" || open[0].UserID != "u_1" || !open[0].Since.Equal(noon) {
			t.Errorf("%+v", open)
		}
		if open, err = a.OpenReservations(t.Context(), noon); err != nil || len(open) != 0 {
			t.Errorf("younger than asked for: %+v, %v", open, err)
		}
	})
}

// The usage document stays small: what can't matter any more leaves with the next settlement.
func TestOldPeriodsAndSettledRunsAreForgotten(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		p := plan(0, store.Limit{Window: store.WindowMinute, Messages: 100})
		for i := range 200 {
			d.clock.set(noon.Add(time.Duration(i) * 12 * time.Hour))
			run := fmt.Sprint("r_", i)
			_, err := a.Reserve(t.Context(), "u_1", run, p, 1)
			must(t, err)
			must(t, a.Settle(t.Context(), "u_1", run, 1, false))
		}
		l := ledger(t, a, "u_1")
		if l.Settled > 2 || len(l.Messages) > 2+41+5 || l.Messages["mes:2027-01"] != 62 {
			t.Errorf("%d settled, %d periods, %+v", l.Settled, len(l.Messages), l)
		}
	})
}

// What a burst has left behind is forgotten in parts: no settlement may become too large for a statement.
func TestABurstIsForgottenInParts(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		settle := func(run string) {
			t.Helper()
			_, err := a.Reserve(t.Context(), "u_1", run, plan(0), 1)
			must(t, err)
			must(t, a.Settle(t.Context(), "u_1", run, 1, false))
		}
		settle("r_first")
		burst := map[string]time.Time{}
		for i := range 3000 {
			burst[fmt.Sprint("r_", i)] = noon
		}
		must(t, store.SetSettled(t.Context(), a, "u_1", burst))
		d.clock.set(noon.Add(2 * time.Minute))
		before := 3000
		for i := range 5 {
			settle(fmt.Sprint("r_later_", i))
			if l := ledger(t, a, "u_1"); l.Settled >= before || l.Open != 0 {
				t.Fatalf("%d settled runs are remembered after %d", l.Settled, before)
			} else {
				before = l.Settled
			}
		}
	})
}

// A reservation whose instance died before it stored the run is given back, and the run may reserve again; unless a further
// copy of its command goes on with it.
func TestAnOrphanIsGivenBackUnlessACopyGoesOnWithIt(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		p := plan(0, store.Limit{Window: store.WindowDay, Messages: 1})
		for _, tt := range []struct {
			user, run string
			conf      store.LLMConfig
		}{
			{"u_plan", "r_1", store.LLMConfig{ID: "l_1"}},
			{"u_both", "r_2", store.LLMConfig{ID: "l_2", Limits: []store.Limit{{Window: store.WindowDay, Messages: 1}}}},
		} {
			user, run := tt.user, tt.run
			reserve := func() error {
				_, err := a.ReserveUnder(t.Context(), user, run, p, tt.conf, store.WidgetKey{}, 10)
				return err
			}
			d.clock.set(noon)
			must(t, reserve())
			d.clock.set(noon.Add(9 * time.Second))
			must(t, reserve()) // a copy
			must(t, a.GiveBack(t.Context(), user, run, noon.Add(time.Second)))
			if l := ledger(t, a, user); l.Open != 1 || l.Messages["dia:2026-11-24"] != 1 {
				t.Errorf("%s: given back under its copy: %+v", user, l)
			}
			must(t, a.GiveBack(t.Context(), user, run, noon.Add(10*time.Second)))
			if l := ledger(t, a, user); l.Open != 0 || l.Messages["dia:2026-11-24"] != 0 || l.Settled != 0 {
				t.Errorf("%s: %+v", user, l)
			}
			if l := ledger(t, a, store.ConfigPayer(tt.conf.ID)); l.Open != 0 || l.Messages["dia:2026-11-24"] != 0 {
				t.Errorf("%s: the configuration's part: %+v", user, l)
			}
			must(t, reserve()) // the client's next try
			must(t, a.Settle(t.Context(), user, run, 5, false))
		}
	})
}

// What is more than the whole limit is refused in a period in which nothing was used yet, too.
func TestMoreThanTheWholeLimitIsRefusedAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		var q *store.QuotaError
		if _, err := a.Reserve(t.Context(), "u_1", "r_1", plan(0, store.Limit{Window: store.WindowMonth, Tokens: 57}), 58); !errors.As(err, &q) || q.Limit != 57 || q.Used != 0 {
			t.Errorf("58 tokens at a limit of 57: %v", err)
		}
	})
}
