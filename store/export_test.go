package store

import (
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"

	"aihub/store/internal/doc"
)

// WithCommands lets a test see every command to MongoDB.
func (o Options) WithCommands(m *event.CommandMonitor) Options {
	o.mongo.Commands = m
	return o
}

// Engine lets a test write what domain code would not.
func (s *Store) Engine() doc.Engine { return s.eng }

// Scope of a tenant's documents.
func Scope(t *Tenant) doc.Scope { return t.users.Scope }

// Parts of quotas that tests look at.
func Period(window string, now time.Time, loc *time.Location) string { return period(window, now, loc) }

// PeriodEnd is periodEnd.
func PeriodEnd(window string, now time.Time, loc *time.Location) time.Time {
	return periodEnd(window, now, loc)
}

// Zone is zone.
func Zone(name string) *time.Location { return zone(name) }

// A Ledger is what a payer's usage document says.
type Ledger struct {
	Open      int64
	Reserved  int
	Settled   int
	Messages  map[string]int64
	Tokens    map[string]int64
	Documents int
}

// LedgerOf reads a payer's usage.
func LedgerOf(ctx context.Context, t *Tenant, payer string) (Ledger, error) {
	list, err := t.usage.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("id", usageID(payer))}})
	l := Ledger{Messages: map[string]int64{}, Tokens: map[string]int64{}, Documents: len(list)}
	for _, u := range list {
		l.Open, l.Reserved, l.Settled = u.Open, len(u.Reserved), len(u.Settled)
		for key, c := range u.Counters {
			l.Messages[key], l.Tokens[key] = c.Messages, c.Tokens
		}
	}
	return l, err
}

// Collections are the names of all collections.
func Collections() []string {
	seen := map[string]bool{}
	var out []string
	for _, x := range indexes {
		if !seen[x.Coll] {
			seen[x.Coll] = true
			out = append(out, x.Coll)
		}
	}
	return out
}

// AuditSum is the hash an entry should have.
func AuditSum(e AuditEntry) string { return e.sum() }

// CountOnly does what MarkSettled does until it notes that it has.
func CountOnly(ctx context.Context, t *Tenant, msg string) error {
	m, err := t.interactions.Get(ctx, msg)
	if err != nil {
		return err
	}
	if _, err := t.interactions.Update(ctx, msg, nil, doc.Mod{Set: map[string]any{"execucao.contagem_ate": t.now().Add(countFor)}}); err != nil {
		return err
	}
	_, err = t.count(ctx, m)
	return err
}

// ConfigPayer is configPayer.
func ConfigPayer(id string) string { return configPayer(id) }

// KeyPayer is keyPayer.
func KeyPayer(id string) string { return keyPayer(id) }

// ReserveFirstScope does what ReserveUnder does until it comes to what the person shares with others.
func ReserveFirstScope(ctx context.Context, t *Tenant, user, run string, p Plan, c LLMConfig, k WidgetKey, tokens int64) error {
	loc, err := t.location(ctx)
	if err != nil {
		return err
	}
	_, _, err = t.reserve(ctx, user, run, p, reserved{Tokens: tokens, Since: t.now(), Config: c.ID, Key: k.ID}, loc)
	return err
}

// IDAt is idAt.
func IDAt(prefix string, t time.Time) string { return idAt(prefix, t) }

// Migrate runs the list after the store's own migrations.
func Migrate(ctx context.Context, s *Store, list []migration) error { return s.migrate(ctx, list) }

// WithMigrations are the store's own migrations and further ones.
func WithMigrations(more ...func(ctx context.Context) error) []migration {
	list := slices.Clone(migrations)
	for _, run := range more {
		list = append(list, migration{"test", func(ctx context.Context, _ *Store) error { return run(ctx) }})
	}
	return list
}

// ForgetMigrationLease lets a failed migration be tried again at once.
func ForgetMigrationLease(ctx context.Context, s *Store) error {
	_, err := s.eng.Update(ctx, doc.GlobalScope(), collSchema, versionID, nil, doc.Mod{Set: map[string]any{"ate": time.Time{}}})
	return err
}

// CopiedCollections are the collections that CopyTo copies.
func CopiedCollections() (names []string) {
	for name := range copiers {
		names = append(names, name)
	}
	return names
}

// KeepOnce is one pass of Keep.
func KeepOnce(ctx context.Context, s *Store) error { return s.keep(ctx) }

// SetSettled makes a payer's document remember these runs.
func SetSettled(ctx context.Context, t *Tenant, payer string, runs map[string]time.Time) error {
	return changed(t.usage.Update(ctx, usageID(payer), nil, doc.Mod{Set: map[string]any{"liquidadas": runs}}))
}
