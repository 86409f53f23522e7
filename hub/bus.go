package hub

import (
	"context"
	"errors"
	"time"

	"aihub/store"
)

// Errors of a Bus.
var (
	// ErrStale says that the log has moved on: something else was appended since the revision the caller knew.
	ErrStale = errors.New("log has moved on")
	// ErrNobody says that no instance serves the asked name.
	ErrNobody = errors.New("nobody answers")
)

// KeepFor is how long a kept value outlives the instance that keeps it.
const KeepFor = 40 * time.Second

// A Topic names one conversation's log. Both parts are checked shapes ([a-z0-9_-]), so they are safe in subjects.
type Topic struct {
	Tenant store.TenantID
	Conv   string
}

// An Entry is one element of a log. Rev grows within a log; it is the bus's own number, not the protocol's seq.
type Entry struct {
	Rev  uint64
	Data []byte
}

// A Bus joins the instances. It keeps one short-lived log per conversation (minutes; the store is the truth), carries
// ephemeral messages, and lets instances ask each other. Every method is safe for concurrent use and ends when its
// context does. Implementations pass bustest.
type Bus interface {
	// Append adds data to the topic's log if the log's last revision is after (0: the log is empty), else ErrStale.
	// Any other error leaves open whether the entry was added; Last tells.
	Append(ctx context.Context, t Topic, after uint64, data []byte) (rev uint64, err error)
	// Last returns the newest entry, the zero Entry when the log is empty or has expired.
	Last(ctx context.Context, t Topic) (Entry, error)
	// Read returns the entries after a revision that exist now, in order.
	Read(ctx context.Context, t Topic, after uint64) ([]Entry, error)
	// Follow calls receive for every entry accepted from now on, in order, and for every announcement (Rev 0). It
	// returns once it is active on this connection: what is appended later is received, or the log shows a gap. An
	// entry refused by Append is never received. The zero Entry says that something may have been missed, which only
	// the log can tell. receive must not block.
	Follow(ctx context.Context, t Topic, receive func(Entry)) (stop func(), err error)
	// Announce sends an ephemeral message to the topic's followers on all instances, at most once.
	Announce(t Topic, data []byte) error
	// Serve answers questions asked of a name, which at most one instance serves.
	Serve(tenant store.TenantID, name string, answer func(question []byte) []byte) (stop func(), err error)
	// Ask asks whoever serves name; ErrNobody when no one does.
	Ask(ctx context.Context, tenant store.TenantID, name string, question []byte) ([]byte, error)
	// Keep notes a value under a key of the tenant until it is forgotten, or for KeepFor unless it is kept again. With a
	// revision in after it does so only if nobody has kept or forgotten the key since, else ErrStale; 0: in any case.
	Keep(ctx context.Context, tenant store.TenantID, key string, after uint64, value []byte) (rev uint64, err error)
	// Forget ends what Keep began at this revision; what somebody kept since then stays.
	Forget(ctx context.Context, tenant store.TenantID, key string, rev uint64) error
	// Watch calls receive for everything the tenant keeps, in order of its change, then once with the key "", then for
	// every change; a nil value says that a key is no longer kept. Whether a value that ran out is told is left open.
	// receive must not block.
	Watch(ctx context.Context, tenant store.TenantID, receive func(key string, value []byte)) (stop func(), err error)
	// Now is the bus's clock: one for all instances, however wrong their own clocks are.
	Now(ctx context.Context) (time.Time, error)
	// Ready says why the bus can't be used now, or nil.
	Ready(ctx context.Context) error
}
