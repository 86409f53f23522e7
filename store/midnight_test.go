package store_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store"
)

// Racers on both sides of a local midnight: each counts in the day in which it was admitted, each day lets in exactly its
// limit, and what ends after midnight is charged to the day in which it began. Three tenants have their own midnights.
func TestRacersAtLocalMidnight(t *testing.T) {
	const racers, limit = 64, 20
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		must(t, err)
		return v
	}
	eachEngine(t, func(t *testing.T, d *database) {
		for _, test := range []struct {
			zone, midnight, before, after string
		}{
			{"America/Sao_Paulo", "2018-11-04T03:00:00Z", "dia:2018-11-03", "dia:2018-11-04"}, // a midnight that did not exist
			{"America/Sao_Paulo", "2018-02-18T03:00:00Z", "dia:2018-02-17", "dia:2018-02-18"}, // one hour of the day before came twice
			{"America/Sao_Paulo", "2026-12-01T03:00:00Z", "dia:2026-11-30", "dia:2026-12-01"}, // a month ends too
			{"Asia/Kathmandu", "2026-11-24T18:15:00Z", "dia:2026-11-24", "dia:2026-11-25"},
			{"Pacific/Apia", "2011-12-30T10:00:00Z", "dia:2011-12-29", "dia:2011-12-31"}, // a whole day did not exist
		} {
			t.Run(test.zone+" "+test.midnight, func(t *testing.T) {
				a := d.tenant(test.zone)
				b := d.on(d.open(), a)
				p := plan(0, store.Limit{Window: store.WindowDay, Messages: limit, Tokens: limit * 10})
				midnight := at(test.midnight)
				d.clock.set(midnight.Add(-time.Millisecond))
				var in, full, crossed atomic.Int64
				race(racers, func(i int) {
					if crossed.Add(1) == racers/2 { // the others find a new day
						d.clock.set(midnight)
					}
					who, run := []*store.Tenant{a, b}[i%2], fmt.Sprint("r_", i)
					_, err := who.Reserve(t.Context(), "u_1", run, p, 10)
					var q *store.QuotaError
					switch {
					case err == nil:
						in.Add(1)
						if i%4 == 0 {
							err = who.Settle(t.Context(), "u_1", run, 10, false)
						}
					case errors.As(err, &q) && q.Window == "day" && q.ResetAt.After(midnight.Add(-time.Millisecond)):
						full.Add(1)
						err = nil
					}
					if err != nil {
						t.Error(err)
					}
				})
				// Now both days have had more tries than their limit.
				d.clock.set(midnight.Add(-time.Millisecond))
				for _, now := range []time.Time{midnight.Add(-time.Millisecond), midnight} {
					d.clock.set(now)
					for i := range limit + 1 {
						_, err := a.Reserve(t.Context(), "u_1", fmt.Sprint("r_more_", now.UnixMilli(), "_", i), p, 10)
						var q *store.QuotaError
						if err != nil && !errors.As(err, &q) {
							t.Error(err)
						}
					}
				}
				l := ledger(t, a, "u_1")
				if l.Messages[test.before] != limit || l.Messages[test.after] != limit || l.Tokens[test.before] != limit*10 || l.Tokens[test.after] != limit*10 {
					t.Errorf("%d let in and %d refused in the race; the days have %v messages and %v tokens", in.Load(), full.Load(), l.Messages, l.Tokens)
				}
				open, err := a.OpenReservations(t.Context(), midnight.Add(time.Hour))
				must(t, err)
				d.clock.set(midnight.Add(time.Minute))
				for _, o := range open {
					must(t, b.Settle(t.Context(), "u_1", o.Run, 7, false))
				}
				settled := ledger(t, a, "u_1")
				if settled.Open != 0 || settled.Messages[test.before] != limit || settled.Messages[test.after] != limit || settled.Tokens[test.before] > limit*10 ||
					settled.Tokens[test.before]+settled.Tokens[test.after] != int64(2*limit*10-3*len(open)) {
					t.Errorf("after the last settlement: %+v", settled)
				}
			})
		}
	})
}
