package store_test

import (
	"testing"
	"time"

	"aihub/store"
)

func TestPeriodsOfTheTenantsClock(t *testing.T) {
	for _, test := range []struct {
		zone, now, window, period, end string
	}{
		{"", "2026-11-24T02:59:59.999Z", store.WindowDay, "dia:2026-11-23", "2026-11-24T03:00:00Z"},
		{"", "2026-11-24T03:00:00Z", store.WindowDay, "dia:2026-11-24", "2026-11-25T03:00:00Z"},
		{"America/Sao_Paulo", "2026-12-01T02:59:00Z", store.WindowMonth, "mes:2026-11", "2026-12-01T03:00:00Z"},
		{"America/Sao_Paulo", "2026-12-31T12:00:00Z", store.WindowMonth, "mes:2026-12", "2027-01-01T03:00:00Z"},
		{"America/Manaus", "2026-12-01T03:30:00Z", store.WindowMonth, "mes:2026-11", "2026-12-01T04:00:00Z"},
		{"Asia/Kathmandu", "2026-11-24T18:14:30Z", store.WindowMinute, "minuto:2026-11-24T23-59", "2026-11-24T18:15:00Z"},
		{"Asia/Kathmandu", "2026-11-24T18:15:00Z", store.WindowDay, "dia:2026-11-25", "2026-11-25T18:15:00Z"},
		// The summer time of 2018 began in São Paulo at a midnight that did not exist, and ended at one that came twice.
		{"America/Sao_Paulo", "2018-11-04T02:59:59Z", store.WindowDay, "dia:2018-11-03", "2018-11-04T03:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04T03:00:00Z", store.WindowDay, "dia:2018-11-04", "2018-11-05T02:00:00Z"},
		{"America/Sao_Paulo", "2018-02-17T23:30:00Z", store.WindowDay, "dia:2018-02-17", "2018-02-18T03:00:00Z"},
		{"America/Sao_Paulo", "2018-02-18T02:30:00Z", store.WindowDay, "dia:2018-02-17", "2018-02-18T03:00:00Z"},
		// A whole day that did not exist.
		{"Pacific/Apia", "2011-12-30T09:59:59Z", store.WindowDay, "dia:2011-12-29", "2011-12-30T10:00:00Z"},
		{"no/such zone", "2026-11-24T03:00:00Z", store.WindowDay, "dia:2026-11-24", "2026-11-25T03:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, test.now)
		must(t, err)
		loc := store.Zone(test.zone)
		if got := store.Period(test.window, now, loc); got != test.period {
			t.Errorf("%s at %s in %q is in %s, want %s", test.window, test.now, test.zone, got, test.period)
		}
		if got := store.PeriodEnd(test.window, now, loc).UTC().Format(time.RFC3339); got != test.end {
			t.Errorf("%s at %s in %q ends %s, want %s", test.window, test.now, test.zone, got, test.end)
		}
	}
}

// A period ends exactly where the next one begins, in every zone and at every change of the clock.
func TestPeriodsLeaveNoGap(t *testing.T) {
	for _, zone := range []string{"America/Sao_Paulo", "Europe/Lisbon", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "Asia/Tehran", "UTC"} {
		loc := store.Zone(zone)
		for _, window := range []string{store.WindowMinute, store.WindowDay, store.WindowMonth} {
			now := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
			step := map[string]time.Duration{store.WindowMinute: 9*24*time.Hour + 17*time.Minute, store.WindowDay: 0, store.WindowMonth: 0}[window]
			for now.Year() < 2024 {
				end := store.PeriodEnd(window, now, loc)
				if !end.After(now) {
					t.Fatalf("%s in %s: the period of %s ends at %s", window, zone, now, end)
				}
				here, last, next := store.Period(window, now, loc), store.Period(window, end.Add(-time.Millisecond), loc), store.Period(window, end, loc)
				if here != last || here >= next {
					t.Fatalf("%s in %s: %s is in %s; before its end it is %s, after it %s", window, zone, now, here, last, next)
				}
				now = end.Add(step)
			}
		}
	}
}
