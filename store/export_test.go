package store

import (
	"context"
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
