package store

import (
	"encoding/binary"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// A clock is the time that all instances share, as far as this one knows it. What it was told last goes on by this
// machine's monotonic clock, so that setting the machine's clock meanwhile changes nothing.
type clock struct {
	local func() time.Time
	told  atomic.Pointer[reading] // nil: nothing yet, and the machine's own clock serves
	last  atomic.Int64            // the time in the newest id
}

// A reading is the shared time at a moment of the machine's clock.
type reading struct{ local, shared time.Time }

func (c *clock) now() time.Time {
	r, now := c.told.Load(), c.local()
	if r == nil {
		return now
	}
	return r.shared.Add(now.Sub(r.local))
}

// SetTime tells the store the time that all instances share. Periods, leases, tokens, ids and the age of reservations go by
// it, so that an instance with a wrong clock neither begins a period early nor gives back what another one has just reserved.
func (s *Store) SetTime(shared time.Time) {
	s.clock.told.Store(&reading{local: s.clock.local(), shared: shared.Round(0)})
}

// Now is the time that all instances share, as far as this one knows it. What is stored, or judged by what another
// instance stored or signed, goes by it; what begins and ends in this process goes by time.Now.
func (s *Store) Now() time.Time { return s.now() }

func (s *Store) now() time.Time { return s.clock.now() }

// NewID returns a fresh id as the function NewID does, by the shared time: ids of instances whose clocks differ sort by one
// time. Those of one instance sort in the order in which they were made, also while the time is corrected.
func (s *Store) NewID(prefix string) string {
	u := uuid.Must(uuid.NewV7()) // fails only when the system has no randomness
	now := s.now()               // of which a UUIDv7 holds milliseconds, and 12 bits more for the order within one
	at := now.UnixMilli()<<12 | int64(now.Nanosecond()%1e6)>>8
	for {
		last := s.clock.last.Load()
		if at = max(at, last+1); s.clock.last.CompareAndSwap(last, at) {
			break
		}
	}
	binary.BigEndian.PutUint64(u[:8], uint64(at)>>12<<16|7<<12|uint64(at)&0xfff)
	return prefix + "_" + strings.ToLower(idEncoding.EncodeToString(u[:]))
}
