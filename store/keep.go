package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const (
	// keepEvery is how often retention and due deletions are looked after.
	keepEvery = 10 * time.Minute
	// keepPasses bounds what is done for one tenant before the next one's turn.
	keepPasses = 20
)

// Keep does what tenants' retention asks for and deletes tenants that are due, until ctx ends. Every instance may do it:
// each step is harmless when repeated.
func (s *Store) Keep(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(keepEvery/2 + rand.N(keepEvery)): // so that instances take turns
		}
		if err := s.keep(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("retention or deletion was interrupted; it goes on later", "error", err)
		}
	}
}

// keep goes through all tenants once.
func (s *Store) keep(ctx context.Context) error {
	d := s.Directory()
	var failed []error
	for cursor := ""; ; {
		list, next, err := d.TenantsPage(ctx, Page{Cursor: cursor, Limit: 200})
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, p := range list {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := s.keepTenant(ctx, d, p); err != nil {
				failed = append(failed, err)
				s.log.Warn("a tenant's retention or deletion failed", "tenant", p.ID.String(), "error", err)
			}
		}
		if next == "" {
			return errors.Join(failed...)
		}
		cursor = next
	}
}

func (s *Store) keepTenant(ctx context.Context, d *Directory, p Profile) error {
	switch {
	case p.State == StateDeleted, p.State == StateClosing && !milli(s.now()).Before(p.DeleteAt):
		n, err := d.Purge(ctx, p.ID)
		if n > 0 {
			s.log.Info("deleted what was left of a tenant", "tenant", p.ID.String(), "rows", n)
		}
		return err
	}
	for range keepPasses {
		done, err := s.Tenant(p.ID).Retain(ctx)
		if err != nil || done == (Swept{}) {
			return err
		}
		s.log.Info("retention", "tenant", p.ID.String(), "emptied", done.Emptied, "removed", done.Removed, "days", done.Days)
	}
	return nil
}
