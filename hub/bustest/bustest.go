// Package bustest checks that a bus keeps the contract of hub.Bus.
package bustest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aihub/hub"
	"aihub/store"
)

// Run runs the suite. open returns two connections to one bus: what one instance does, the other sees.
func Run(t *testing.T, open func(t *testing.T) (a, b hub.Bus)) {
	tenant := func(s string) store.TenantID {
		id, err := store.ParseTenantID(s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	alfa, beta := tenant("alfa"), tenant("beta")
	for name, test := range map[string]func(t *testing.T, a, b hub.Bus, topic hub.Topic){
		"an empty log":                     emptyLog,
		"append needs the last revision":   appendNeedsLast,
		"of racing appends one wins":       racingAppends,
		"followers see what was accepted":  followersSeeAccepted,
		"read from the middle":             readFromMiddle,
		"announcements leave no trace":     announcements,
		"questions find whoever serves":    questions,
		"what is kept is told":             kept,
		"the clock goes":                   clock,
		"a cancelled context ends waiting": cancelled,
	} {
		t.Run(name, func(t *testing.T) {
			a, b := open(t)
			test(t, a, b, hub.Topic{Tenant: alfa, Conv: store.NewID("c")})
		})
	}
	t.Run("tenants do not meet", func(t *testing.T) {
		a, b := open(t)
		conv := store.NewID("c")
		var foreign atomic.Int64
		stop, err := b.Follow(t.Context(), hub.Topic{Tenant: beta, Conv: conv}, func(hub.Entry) { foreign.Add(1) })
		must(t, err)
		defer stop()
		appendTo(t, a, hub.Topic{Tenant: alfa, Conv: conv}, 0, "secret")
		must(t, a.Announce(hub.Topic{Tenant: alfa, Conv: conv}, []byte("secret")))
		if last, err := b.Last(t.Context(), hub.Topic{Tenant: beta, Conv: conv}); err != nil || last.Rev != 0 {
			t.Errorf("beta reads %v, %v from alfa's log", last, err)
		}
		var done atomic.Bool
		stop2, err := b.Follow(t.Context(), hub.Topic{Tenant: alfa, Conv: conv}, func(e hub.Entry) {
			if e.Rev == 0 && string(e.Data) == "last" {
				done.Store(true)
			}
		})
		must(t, err)
		defer stop2()
		announceUntil(t, a, hub.Topic{Tenant: alfa, Conv: conv}, "last", done.Load)
		if n := foreign.Load(); n != 0 {
			t.Errorf("beta received %d of alfa's messages", n)
		}
	})
}

func emptyLog(t *testing.T, a, _ hub.Bus, topic hub.Topic) {
	last, err := a.Last(t.Context(), topic)
	must(t, err)
	entries, err := a.Read(t.Context(), topic, 0)
	must(t, err)
	if last.Rev != 0 || last.Data != nil || len(entries) != 0 {
		t.Errorf("last %v, entries %v of an empty log", last, entries)
	}
}

func appendNeedsLast(t *testing.T, a, b hub.Bus, topic hub.Topic) {
	first := appendTo(t, a, topic, 0, "one")
	for _, stale := range []uint64{0, first + 1} {
		if _, err := b.Append(t.Context(), topic, stale, []byte("stale")); !errors.Is(err, hub.ErrStale) {
			t.Errorf("append after %d: %v, want ErrStale", stale, err)
		}
	}
	second := appendTo(t, b, topic, first, "two")
	last, err := a.Last(t.Context(), topic)
	must(t, err)
	if second <= first || last.Rev != second || string(last.Data) != "two" {
		t.Errorf("revisions %d, %d; last %d %q", first, second, last.Rev, last.Data)
	}
}

func racingAppends(t *testing.T, a, b hub.Bus, topic hub.Topic) {
	const racers, rounds = 8, 20
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range racers {
		bus := []hub.Bus{a, b}[i%2]
		wg.Go(func() {
			for range rounds {
				last, err := bus.Last(t.Context(), topic)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = bus.Append(t.Context(), topic, last.Rev, []byte("x"))
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, hub.ErrStale):
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	entries, err := a.Read(t.Context(), topic, 0)
	must(t, err)
	if int64(len(entries)) != won.Load() {
		t.Errorf("%d appends were accepted, the log has %d entries", won.Load(), len(entries))
	}
}

func followersSeeAccepted(t *testing.T, a, b hub.Bus, topic hub.Topic) {
	type log struct {
		mu   sync.Mutex
		got  []string
		done chan struct{}
	}
	logs := [2]*log{{done: make(chan struct{})}, {done: make(chan struct{})}}
	for i, bus := range []hub.Bus{a, b} {
		l := logs[i]
		stop, err := bus.Follow(t.Context(), topic, func(e hub.Entry) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.got = append(l.got, fmt.Sprint(e.Rev, string(e.Data)))
			if string(e.Data) == "end" {
				close(l.done)
			}
		})
		must(t, err)
		defer stop()
	}
	var want []string
	var rev uint64
	for i := range 50 {
		if _, err := b.Append(t.Context(), topic, rev+1000, []byte("refused")); !errors.Is(err, hub.ErrStale) {
			t.Errorf("got %v, want ErrStale", err)
		}
		data := fmt.Sprintf("event %d", i)
		if i == 49 {
			data = "end"
		}
		rev = appendTo(t, a, topic, rev, data)
		want = append(want, fmt.Sprint(rev, data))
	}
	for i, l := range logs {
		wait(t, l.done)
		l.mu.Lock()
		if !slices.Equal(l.got, want) {
			t.Errorf("follower %d received %v, want %v", i, l.got, want)
		}
		l.mu.Unlock()
	}
}

func readFromMiddle(t *testing.T, a, b hub.Bus, topic hub.Topic) {
	other := hub.Topic{Tenant: topic.Tenant, Conv: store.NewID("c")}
	var revs []uint64
	var rev, otherRev uint64
	for i := range 30 {
		rev = appendTo(t, a, topic, rev, fmt.Sprint(i))
		otherRev = appendTo(t, a, other, otherRev, "other")
		revs = append(revs, rev)
	}
	for _, from := range []int{0, 1, 15, 29} {
		entries, err := b.Read(t.Context(), topic, revs[from])
		must(t, err)
		if len(entries) != 29-from {
			t.Fatalf("%d entries after number %d, want %d", len(entries), from, 29-from)
		}
		for i, e := range entries {
			if e.Rev != revs[from+1+i] || string(e.Data) != fmt.Sprint(from+1+i) {
				t.Errorf("entry %d after %d is %d %q", i, from, e.Rev, e.Data)
			}
		}
	}
}

// announceUntil repeats an announcement until it was heard: in a cluster the announcer's node learns of a follower at
// another node a moment later.
func announceUntil(t *testing.T, b hub.Bus, topic hub.Topic, what string, heard func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !heard(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("announcement not received")
		}
		must(t, b.Announce(topic, []byte(what)))
	}
}

func announcements(t *testing.T, a, b hub.Bus, topic hub.Topic) {
	got := make(chan hub.Entry, 10)
	stop, err := b.Follow(t.Context(), topic, func(e hub.Entry) { got <- e })
	must(t, err)
	announceUntil(t, a, topic, "typing", func() bool { return len(got) > 0 })
	if e := <-got; e.Rev != 0 || string(e.Data) != "typing" {
		t.Errorf("received %d %q", e.Rev, e.Data)
	}
	stop()
	if last, err := a.Last(t.Context(), topic); err != nil || last.Rev != 0 {
		t.Errorf("the log has %v, %v after an announcement", last, err)
	}
}

func questions(t *testing.T, a, b hub.Bus, topic hub.Topic) {
	name := store.NewID("r")
	if _, err := b.Ask(t.Context(), topic.Tenant, name, nil); !errors.Is(err, hub.ErrNobody) {
		t.Errorf("asking nobody: %v, want ErrNobody", err)
	}
	stop, err := a.Serve(topic.Tenant, name, func(q []byte) []byte { return append([]byte("re: "), q...) })
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var answer []byte
	for answer == nil { // the subscription reaches the other connection a moment later
		if answer, err = b.Ask(ctx, topic.Tenant, name, []byte("stop")); err != nil && !errors.Is(err, hub.ErrNobody) {
			t.Fatal(err)
		}
	}
	if string(answer) != "re: stop" {
		t.Errorf("answer %q", answer)
	}
	stop()
}

func kept(t *testing.T, a, b hub.Bus, topic hub.Topic) {
	type change struct{ key, value string }
	told, listed := make(chan change, 100), make(chan struct{}, 100)
	receive := func(key string, value []byte) {
		if key == "" {
			listed <- struct{}{}
			return
		}
		c := change{key, string(value)}
		if value == nil {
			c.value = "gone"
		}
		told <- c
	}
	expect := func(want ...change) {
		t.Helper()
		for _, w := range want {
			select {
			case got := <-told:
				if got != w {
					t.Errorf("told %v, want %v", got, w)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("not told: %v", w)
			}
		}
	}
	other, err := store.ParseTenantID("beta")
	must(t, err)
	keep := func(bus hub.Bus, tenant store.TenantID, key, value string) uint64 {
		t.Helper()
		rev, err := bus.Keep(t.Context(), tenant, key, 0, []byte(value))
		must(t, err)
		return rev
	}
	foreign := keep(a, other, "c_1", "secret")
	old := keep(a, topic.Tenant, "c_1", "one")
	second := keep(a, topic.Tenant, "c_2", "two")
	first := keep(b, topic.Tenant, "c_1", "three")
	must(t, a.Forget(t.Context(), topic.Tenant, "c_1", old)) // somebody else keeps it by now
	if _, err := a.Keep(t.Context(), topic.Tenant, "c_1", old, []byte("late")); !errors.Is(err, hub.ErrStale) {
		t.Errorf("keep after an old revision: %v, want ErrStale", err)
	}
	stop, err := b.Watch(t.Context(), topic.Tenant, receive)
	must(t, err)
	expect(change{"c_2", "two"}, change{"c_1", "three"})
	wait(t, listed)
	third := keep(a, topic.Tenant, "c_3", "four")
	must(t, a.Forget(t.Context(), topic.Tenant, "c_2", second))
	must(t, a.Forget(t.Context(), other, "c_1", foreign))
	fourth := keep(a, topic.Tenant, "c_4", "five")
	expect(change{"c_3", "four"}, change{"c_2", "gone"}, change{"c_4", "five"})
	stop()
	if len(listed) > 0 {
		t.Error("the end of the list is told more than once")
	}
	for key, rev := range map[string]uint64{"c_1": first, "c_2": second, "c_3": third, "c_4": fourth} {
		must(t, b.Forget(t.Context(), topic.Tenant, key, rev))
	}
}

func clock(t *testing.T, a, b hub.Bus, _ hub.Topic) {
	first, err := a.Now(t.Context())
	must(t, err)
	second, err := b.Now(t.Context())
	must(t, err)
	if d := second.Sub(first); d < 0 || d > time.Minute {
		t.Errorf("the clock went from %v to %v", first, second)
	}
}

func cancelled(t *testing.T, a, _ hub.Bus, topic hub.Topic) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Append(ctx, topic, 0, []byte("x")); err == nil {
		t.Error("append with a cancelled context worked")
	}
	if _, err := a.Last(ctx, topic); err == nil {
		t.Error("last with a cancelled context worked")
	}
}

func appendTo(t *testing.T, b hub.Bus, topic hub.Topic, after uint64, data string) uint64 {
	t.Helper()
	rev, err := b.Append(t.Context(), topic, after, []byte(data))
	must(t, err)
	return rev
}

func wait(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("not received within 10 s")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
