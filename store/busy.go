package store

import (
	"context"
	"errors"
	"time"

	"aihub/store/internal/doc"
)

// A tenant in which runs begin has a row of its own among the global ones, so that whoever ends what dead instances left
// behind need not look at every tenant every few seconds.
type busy struct {
	ID    string    `bson:"id" json:"id"` // the tenant's
	Until time.Time `bson:"ate" json:"ate"`
}

const (
	// busyFor is how long a tenant counts as busy after a run has begun: longer than any run lasts, and than clocks differ.
	busyFor = 30 * time.Minute
	// busyNote is how often one instance notes the same tenant.
	busyNote = 5 * time.Minute
	// busyAll is how often all tenants are looked at nevertheless; the first time at once, since nothing may have run for long.
	busyAll = time.Hour
)

// stir notes that something begins in the tenant which may be left unfinished. It costs nothing but every few minutes.
func (t *Tenant) stir(ctx context.Context) error {
	s, now := t.store, t.now()
	s.mu.Lock()
	last := s.stirred[t.id.s]
	s.mu.Unlock()
	if now.Sub(last) < busyNote {
		return nil
	}
	c := collection[busy](s, doc.GlobalScope(), collBusy)
	until := now.Add(busyFor)
	ok, err := c.Update(ctx, t.id.s, nil, doc.Mod{Set: map[string]any{"ate": until}})
	if err == nil && !ok {
		if err = c.Insert(ctx, t.id.s, busy{t.id.s, until}); errors.Is(err, ErrExists) {
			err = nil // another instance noted it just now
		}
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.stirred[t.id.s] = now
	s.mu.Unlock()
	return nil
}

// Busy lists the tenants in which runs, reservations or waiting messages may be unfinished.
func (d *Directory) Busy(ctx context.Context) ([]TenantID, error) {
	s, now := d.store, milli(d.store.now())
	s.mu.Lock()
	all := s.looked.IsZero() || now.Sub(s.looked) >= busyAll
	s.mu.Unlock()
	var out []TenantID
	if all {
		tenants, err := d.Tenants(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range tenants {
			out = append(out, p.ID)
		}
		s.mu.Lock()
		s.looked = now
		s.mu.Unlock()
		return out, nil
	}
	ctx, cancel := deadline(ctx)
	defer cancel()
	list, err := collection[busy](s, doc.GlobalScope(), collBusy).Find(ctx, doc.Query{Where: []doc.Cond{doc.After("ate", now)}, Sort: "ate"})
	for _, b := range list {
		out = append(out, TenantID{b.ID})
	}
	return out, err
}
