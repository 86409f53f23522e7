package store_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

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
				_, err := who.ReserveUnder(t.Context(), fmt.Sprint("u_", i%4), fmt.Sprint("r_", i, "_", j), p, c, 10)
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
		r, err := a.ReserveUnder(t.Context(), "u_1", "r_1", p, c, 100)
		must(t, err)
		again, err := a.ReserveUnder(t.Context(), "u_1", "r_1", p, c, 100)
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

// A crash after any single step of either scope leaves something that the reaper finds, and settling that leaves nothing.
func TestACrashBetweenTheScopesLeavesNothingReserved(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		c, p := config(store.Limit{Window: store.WindowDay, Messages: 9}), plan(1)
		for step := range 3 {
			a := d.tenant("")
			switch step {
			case 0: // the person's document says both, the configuration's nothing yet
				must(t, store.ReserveFirstScope(t.Context(), a, "u_1", "r_1", p, c, 10))
			case 1: // both
				_, err := a.ReserveUnder(t.Context(), "u_1", "r_1", p, c, 10)
				must(t, err)
			case 2: // settled in the configuration's, open in the person's
				_, err := a.ReserveUnder(t.Context(), "u_1", "r_1", p, c, 10)
				must(t, err)
				must(t, a.Settle(t.Context(), store.ConfigPayer(c.ID), "r_1", 0, true))
			}
			open, err := a.OpenReservations(t.Context(), noon.Add(1))
			must(t, err)
			if len(open) == 0 {
				t.Errorf("step %d: the reaper finds nothing", step)
			}
			for _, o := range open {
				must(t, a.Settle(t.Context(), o.UserID, o.Run, 0, true))
			}
			mine, theirs := ledger(t, a, "u_1"), ledger(t, a, store.ConfigPayer(c.ID))
			if mine.Open != 0 || theirs.Open != 0 || mine.Messages["dia:2026-11-24"] != 0 || theirs.Messages["dia:2026-11-24"] != 0 || mine.Tokens["mes:2026-11"] != 0 || theirs.Tokens["mes:2026-11"] != 0 {
				t.Errorf("step %d: %+v %+v", step, mine, theirs)
			}
		}
	})
}

// Copies of one command race at the edge of the configuration's limit: they are all let in, or none, and nothing stays
// reserved in one scope alone.
func TestCopiesAreLetInTogetherOrNotAtAll(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		other := d.on(d.open(), a)
		c, p := config(store.Limit{Window: store.WindowDay, Messages: 3}), plan(0)
		var in [6]atomic.Int64
		race(18, func(i int) {
			run := i % 6
			_, err := []*store.Tenant{a, other}[i/6%2].ReserveUnder(t.Context(), fmt.Sprint("u_", run), fmt.Sprint("r_", run), p, c, 10)
			var q *store.QuotaError
			switch {
			case err == nil:
				in[run].Add(1)
			case errors.As(err, &q), errors.Is(err, store.ErrUnavailable):
			default:
				t.Error(err)
			}
		})
		l := ledger(t, a, store.ConfigPayer(c.ID))
		if l.Open != 3 || l.Messages["dia:2026-11-24"] != 3 {
			t.Errorf("%+v", l)
		}
		for run := range in {
			mine := ledger(t, a, fmt.Sprint("u_", run))
			if got := in[run].Load(); got > 0 != (mine.Open == 1) {
				t.Errorf("run %d: %d copies let in, %+v", run, got, mine)
			}
		}
	})
}
