package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones also where the system has none
)

// Windows of a limit, as they are stored.
const (
	WindowMinute = "minuto"
	WindowDay    = "dia"
	WindowMonth  = "mes"
)

// zone returns a tenant's time zone.
func zone(name string) *time.Location {
	for _, name := range []string{name, "America/Sao_Paulo"} {
		if name == "" {
			continue
		}
		if loc, ok := zones.Load(name); ok {
			return loc.(*time.Location)
		}
		if loc, err := time.LoadLocation(name); err == nil {
			zones.Store(name, loc)
			return loc
		}
	}
	return time.UTC // can't happen: the zones are compiled in
}

// zones are those in use, by name: reading one takes longer than all else that a reservation does outside the database.
var zones sync.Map

// seenFor is how long a tenant's zone is remembered: each message asks for it several times. Another instance's change of it
// counts here as much later.
const seenFor = time.Second

// A seenProfile is what counting needs of a tenant's profile, as it was a moment ago.
type seenProfile struct {
	loc      *time.Location
	currency Currency
	at       time.Time
}

// location is the zone by which the tenant's periods begin and end.
func (t *Tenant) location(ctx context.Context) (*time.Location, error) {
	seen, err := t.seen(ctx)
	return seen.loc, err
}

// seen reads the tenant's profile, unless that was done a moment ago.
func (t *Tenant) seen(ctx context.Context) (seenProfile, error) {
	s := t.store
	s.mu.Lock()
	seen := s.seen[t.id.s]
	s.mu.Unlock()
	if seen.loc != nil && time.Since(seen.at) < seenFor {
		return seen, nil
	}
	read := time.Now()
	p, err := t.profiles.Get(ctx, t.id.s)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return seenProfile{}, err
	}
	seen = seenProfile{zone(p.TimeZone), p.Currency, read}
	t.see(seen)
	return seen, nil
}

// see notes what was seen, unless a later reading or change is noted.
func (t *Tenant) see(seen seenProfile) {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.store.seen[t.id.s].at.Before(seen.at) {
		t.store.seen[t.id.s] = seen
	}
}

// layouts are the local times that name a period; they hold no dot, since they are parts of field paths.
var layouts = map[string]string{WindowMinute: "2006-01-02T15-04", WindowDay: "2006-01-02", WindowMonth: "2006-01"}

// period names the window's period that now falls into, by the tenant's clock: "mes:2026-11". A counter belongs to one
// period for good, so that nothing is ever reset.
func period(window string, now time.Time, loc *time.Location) string {
	return window + ":" + now.In(loc).Format(layouts[window])
}

// periodEnd is the instant at which the next period begins.
func periodEnd(window string, now time.Time, loc *time.Location) time.Time {
	local := now.In(loc)
	y, m, d := local.Date()
	switch window {
	case WindowMinute:
		return local.Truncate(time.Minute).Add(time.Minute)
	case WindowDay:
		return startOfDay(y, m, d+1, loc)
	}
	return startOfDay(y, m+1, 1, loc)
}

// startOfDay is the first instant of a local day. Where midnight does not exist (a summer time that begins at midnight,
// as in Brazil until 2018), time.Date answers with an instant of the day before; the day then begins at its first
// existing moment.
func startOfDay(y int, m time.Month, d int, loc *time.Location) time.Time {
	want := time.Date(y, m, d, 12, 0, 0, 0, loc)
	t := time.Date(y, m, d, 0, 0, 0, 0, loc)
	for t.In(loc).Day() != want.Day() {
		t = t.Add(15 * time.Minute)
	}
	return t
}

// expired reports whether a period's counters can't matter any more.
func expired(key string, now time.Time, loc *time.Location) bool {
	window, _, _ := strings.Cut(key, ":")
	keep := map[string]time.Duration{WindowMinute: time.Hour, WindowDay: 40 * 24 * time.Hour, WindowMonth: 400 * 24 * time.Hour}[window]
	return keep > 0 && key < period(window, now.Add(-keep), loc)
}
