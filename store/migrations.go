package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aihub/store/internal/doc"
)

// A migration brings the documents of an older program up to date. It may be interrupted and repeated.
type migration struct {
	what string
	run  func(ctx context.Context, s *Store) error
}

// migrations in their order; a database notes how many it has had. New ones are added at the end.
var migrations = []migration{
	{"slugs stand in enderecos", claimSlugs},
	{"administrators stand in the tenant's row", countAdmins},
	{"also those who were made before their tenant", countAdmins},
	{"prices stand in preco, and none is no price of 0", gatherPrices},
	{"people can agree to the notice", makeConsents},
}

// version is what a database notes of itself, in one global row.
type version struct {
	ID       string    `bson:"id" json:"id"`
	Done     int64     `bson:"feitas" json:"feitas"`
	Instance string    `bson:"instancia" json:"instancia"`
	Until    time.Time `bson:"ate" json:"ate"`
}

const versionID = "versao"

// migrateFor is how long an instance may migrate before another one tries. It is measured by who waits: no time is shared yet.
const migrateFor = time.Minute

// migrate runs what the database has not had yet. Of several instances that start at once one runs each migration while
// the others wait. A database that has had more than this program knows is refused.
func (s *Store) migrate(ctx context.Context, list []migration) error {
	c := collection[version](s, doc.GlobalScope(), collSchema)
	me := NewID("i")
	var seen version // whom this instance waits for, and since when
	var since time.Time
	for {
		v, err := c.Get(ctx, versionID)
		if errors.Is(err, ErrNotFound) {
			if err := c.Insert(ctx, versionID, version{ID: versionID}); err != nil && !errors.Is(err, ErrExists) {
				return err
			}
			continue
		}
		switch {
		case err != nil:
			return err
		case v.Done > int64(len(list)):
			return fmt.Errorf("the database was written by a newer program: it has had %d migrations, this one knows %d", v.Done, len(list))
		case v.Done == int64(len(list)):
			return nil
		}
		if v.Done != seen.Done || v.Instance != seen.Instance {
			seen, since = v, time.Now()
		}
		mine := false
		if v.Until.IsZero() || time.Since(since) > migrateFor {
			if mine, err = c.Update(ctx, versionID, []doc.Cond{doc.Eq("feitas", v.Done), doc.Eq("instancia", v.Instance)},
				doc.Mod{Set: map[string]any{"instancia": me, "ate": milli(time.Now().Add(migrateFor))}}); err != nil {
				return err
			}
		}
		if !mine {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		m := list[v.Done]
		if err := m.run(ctx, s); err != nil {
			return fmt.Errorf("migration %d (%s): %w", v.Done+1, m.what, err)
		}
		if _, err := c.Update(ctx, versionID, []doc.Cond{doc.Eq("feitas", v.Done), doc.Eq("instancia", me)},
			doc.Mod{Set: map[string]any{"feitas": v.Done + 1, "ate": time.Time{}}}); err != nil {
			return err
		}
		s.log.Info("database migrated", "migration", v.Done+1, "what", m.what)
	}
}

// claimSlugs gives the tenants of a program that looked slugs up by an index their rows in enderecos.
func claimSlugs(ctx context.Context, s *Store) error {
	d := s.Directory()
	list, err := d.all.Find(ctx, doc.Query{})
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := d.claim(ctx, slugAddress(p.Slug), TenantID{p.ID}); err != nil {
			return fmt.Errorf("slug of %s: %w", p.ID, err)
		}
	}
	return nil
}

// countAdmins notes the administrators that were made before they were noted.
func countAdmins(ctx context.Context, s *Store) error {
	list, err := s.Directory().all.Find(ctx, doc.Query{})
	if err != nil {
		return err
	}
	for _, p := range list {
		t := s.Tenant(TenantID{p.ID})
		for _, field := range []string{"rev", "administradores_rev"} { // rows from before revisions have none
			if _, err := t.profiles.Update(ctx, p.ID, []doc.Cond{doc.Absent(field)}, doc.Mod{Set: map[string]any{field: int64(1)}}); err != nil {
				return err
			}
		}
		if err := t.countAdmins(ctx); err != nil {
			return err
		}
	}
	return nil
}

// makeConsents gives people who were made before a place for what they agree to.
func makeConsents(ctx context.Context, s *Store) error {
	all, err := s.Directory().all.Find(ctx, doc.Query{})
	if err != nil {
		return err
	}
	for _, p := range all {
		users := s.Tenant(TenantID{p.ID}).users
		without := []doc.Cond{doc.Absent("consentimentos")}
		err := each(ctx, users, doc.Query{Where: without}, func(u User) string { return u.ID }, func(u User) error {
			_, err := users.Update(ctx, u.ID, without, doc.Mod{Set: map[string]any{"consentimentos": map[string]Consented{}}})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// oldPrice is a model of a program that knew no unknown price: it had 0.
type oldPrice struct {
	ID        string    `bson:"id" json:"id"`
	In        int64     `bson:"preco_entrada" json:"preco_entrada"`
	Out       int64     `bson:"preco_saida" json:"preco_saida"`
	ChangedAt time.Time `bson:"alterado_em" json:"alterado_em"`
}

func gatherPrices(ctx context.Context, s *Store) error {
	list, err := s.Directory().all.Find(ctx, doc.Query{})
	if err != nil {
		return err
	}
	scopes := []doc.Scope{doc.GlobalScope()}
	for _, p := range list {
		scopes = append(scopes, doc.TenantScope(p.ID))
	}
	for _, scope := range scopes {
		c := collection[oldPrice](s, scope, collModels)
		models, err := c.Find(ctx, doc.Query{})
		if err != nil {
			return err
		}
		for _, m := range models {
			mod := doc.Mod{Unset: []string{"preco_entrada", "preco_saida"}}
			if m.In != 0 || m.Out != 0 {
				mod.Set = map[string]any{"preco": Price{In: m.In, Out: m.Out, ValidFrom: m.ChangedAt}}
			}
			if _, err := c.Update(ctx, m.ID, []doc.Cond{doc.Absent("preco")}, mod); err != nil {
				return err
			}
		}
	}
	return nil
}
