package hub_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"aihub/hub"
	"aihub/hub/bustest"
)

// logOf reads a conversation's log from the bus.
func logOf(t *testing.T, b hub.Bus, tenant, conv string) []in {
	t.Helper()
	entries, err := b.Read(t.Context(), hub.Topic{Tenant: tenantID(t, tenant), Conv: conv}, 0)
	must(t, err)
	var out []in
	for _, entry := range entries {
		f := in{raw: entry.Data}
		must(t, json.Unmarshal(entry.Data, &f))
		out = append(out, f)
	}
	return out
}

// knows gives a client what one that is at a place of the log has.
func (c *client) knows(log []in, seq int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.logs, log[0].Conv)
	for _, f := range log {
		if f.Seq <= seq {
			c.take(f)
		}
	}
	if seq == 0 {
		c.logs[log[0].Conv] = &follow{ep: log[0].Ep, texts: map[string]string{}, thoughts: map[string]string{}, opened: map[string]bool{}, ends: map[string]in{}}
	}
}

func since(ep string, seq int64) map[string]any { return map[string]any{"ep": ep, "seq": seq} }

func TestResumeAtEveryPosition(t *testing.T) {
	w := newWorld(t, unlimited)
	hubs := []*hub.Hub{w.hub(), w.hub()}
	c := connect(t, hubs[0], "alfa/usuario")
	ok := c.ask("", "um", "n=60 gap=8ms")
	c.ended(ok.Run)
	log := logOf(t, w.bus(), "alfa", ok.Conv)
	last := log[len(log)-1]
	for i, h := range hubs { // the second one has to read the log from the bus
		again := connect(t, h, "alfa/usuario")
		for seq := range last.Seq + 1 {
			again.knows(log, seq)
			f := again.do(map[string]any{"t": "sub", "conv": ok.Conv, "since": since(last.Ep, seq)})
			if f.T != "resumed" || f.From != seq+1 || f.To != last.Seq || f.Recovered == nil || !*f.Recovered {
				t.Fatalf("instance %d, from %d: %s", i, seq, f.raw)
			}
			eventually(t, 5*time.Second, "the rest", func() bool { _, at := again.place(ok.Conv); return at == last.Seq })
			if got := again.text(ok.Conv, ok.Run); sum(got) != last.SHA && seq < last.Seq {
				t.Fatalf("instance %d, from %d: %d bytes, want %d", i, seq, len(got), last.Len)
			}
			if f := again.do(map[string]any{"t": "unsub", "conv": ok.Conv}); f.T != "ok" {
				t.Fatalf("unsub: %s", f.raw)
			}
		}
	}
}

func TestPositionsThatCannotBeResumed(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c := connect(t, h, "alfa/usuario")
	ok := c.ask("", "um", "n=3")
	end := c.ended(ok.Run)
	other := c.ask("", "dois", "n=3")
	c.ended(other.Run)
	otherEp, _ := c.place(other.Conv)
	for name, at := range map[string]map[string]any{
		"future":                  since(end.Ep, end.Seq+1),
		"far future":              since(end.Ep, 1<<62),
		"negative":                since(end.Ep, -1),
		"another log":             since("e000000000000", 1),
		"of another conversation": since(otherEp, 1),
		"no log":                  since("", 0),
	} {
		f := connect(t, h, "alfa/usuario").do(map[string]any{"t": "sub", "conv": ok.Conv, "since": at})
		if f.T != "snap" || f.Recovered == nil || *f.Recovered || f.Seq != end.Seq || f.Ep != end.Ep || len(f.Messages) != 2 || f.Open != nil {
			t.Errorf("%s: %s", name, f.raw)
		}
	}
	f := connect(t, h, "alfa/usuario").do(map[string]any{"t": "sub", "conv": ok.Conv})
	if f.T != "snap" || f.Recovered != nil || f.Messages[1].Run.SHA != end.SHA || sum(f.Messages[1].Text) != end.SHA {
		t.Errorf("snapshot: %s", f.raw)
	}
}

// A client that is cut off at random moments and goes on elsewhere ends with every token, once and in order.
func TestForcedCuts(t *testing.T) {
	w := newWorld(t, unlimited)
	hubs := []*hub.Hub{w.hub(), w.hub(), w.hub()}
	ok := connect(t, hubs[0], "alfa/usuario").ask("", "um", "n=600 gap=4ms")
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 1))
			logs := map[string]*follow{}
			for cuts := 0; ; cuts++ {
				c := connect(t, hubs[random.IntN(3)], "alfa/usuario")
				c.mu.Lock()
				c.logs = logs // the page lives on, the connection does not
				c.mu.Unlock()
				command := map[string]any{"t": "sub", "conv": ok.Conv}
				if ep, seq := c.place(ok.Conv); ep != "" {
					command["since"] = since(ep, seq)
				}
				if f := c.do(command); f.T != "resumed" && (f.T != "snap" || cuts > 0) {
					t.Errorf("sub: %s", f.raw)
				}
				_, _ = c.awaitFor(time.Duration(random.IntN(60))*time.Millisecond, func(f in) bool { return f.K == "run.end" })
				c.end()
				<-c.done
				c.mu.Lock()
				end, ended := logs[ok.Conv].ends[ok.Run] // also what came between the two
				c.mu.Unlock()
				if !ended {
					continue
				}
				if got := c.text(ok.Conv, ok.Run); sum(got) != end.SHA || got != w.upstream.asked("n=600")[0].sent() {
					t.Errorf("after %d cuts: %d bytes, want %d", cuts, len(got), end.Len)
				}
				t.Logf("%d cuts", cuts)
				return
			}
		})
	}
	wg.Wait()
}

// A snapshot is of one moment, whatever moves meanwhile.
func TestSnapshotsWhileMuchMoves(t *testing.T) {
	w := newWorld(t, unlimited)
	hubs := []*hub.Hub{w.hub(), w.hub()}
	c := connect(t, hubs[0], "alfa/usuario")
	ok := c.ask("", "0", "n=1")
	c.ended(ok.Run)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 25 {
			run := c.ask(ok.Conv, fmt.Sprint("q", i), "n=12 gap=2ms").Run
			c.ended(run)
		}
	}()
	for i := 0; ; i++ {
		watcher := connect(t, hubs[i%2], "alfa/supervisor")
		snap := watcher.do(map[string]any{"t": "sub", "conv": ok.Conv})
		if snap.T != "snap" {
			t.Fatalf("sub: %s", snap.raw)
		}
		seen := map[string]bool{}
		for _, m := range snap.Messages {
			if seen[m.ID] {
				t.Errorf("message %s twice", m.ID)
			}
			seen[m.ID] = true
			if m.Run != nil && m.Run.State == "complete" && sum(m.Text) != m.Run.SHA {
				t.Errorf("a complete answer of %d bytes, want %d", len(m.Text), m.Run.Len)
			}
		}
		if i%3 == 0 { // some stay to the end of an answer; the client checks its text
			watcher.await("an end after the snapshot", func(f in) bool { return f.K == "run.end" })
		}
		watcher.end()
		<-watcher.done
		select {
		case <-done:
			t.Logf("%d snapshots", i+1)
			return
		default:
		}
	}
}

// A bus that loses its log gets a new one with the whole answer so far, and nobody misses a token.
func TestLostLogBeginsAnew(t *testing.T) {
	for _, lost := range []int{1, 2, 5} {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			w := newWorld(t, unlimited)
			bus := bustest.NewMemory()
			h := w.hubOn(bus)
			c := connect(t, h, "alfa/usuario")
			ok := c.ask("", "um", "n=400 gap=3ms")
			var ep string
			for range lost {
				c.await("more text", func(f in) bool { return f.K == "delta" && f.Ep != ep && *f.Off > 2000 })
				ep, _ = c.place(ok.Conv)
				bus.LoseLogs()
				// As the rule says: another ep, so a snapshot.
				next := c.await("the new log", func(f in) bool { return f.T == "ev" && f.Ep != ep && f.Seq > 0 && !seenBefore(c, ep, f) })
				c.forgive()
				if f := c.do(map[string]any{"t": "sub", "conv": ok.Conv}); f.T != "snap" || f.Ep == ep {
					t.Fatalf("sub after %s: %s", next.raw, f.raw)
				}
			}
			end := c.ended(ok.Run)
			c.forgive()
			if end.State != "complete" || sum(c.text(ok.Conv, ok.Run)) != end.SHA || end.SHA != sum(w.upstream.asked("n=400")[0].sent()) {
				t.Errorf("end %s with %d bytes", end.raw, len(c.text(ok.Conv, ok.Run)))
			}
		})
	}
}

// seenBefore reports whether f's log is one that c followed before ep.
func seenBefore(c *client, ep string, f in) bool {
	var eps []string
	for _, g := range c.frames {
		if g.T == "ev" && (len(eps) == 0 || eps[len(eps)-1] != g.Ep) {
			eps = append(eps, g.Ep)
		}
	}
	for i, e := range eps {
		if e == ep {
			for _, later := range eps[i+1:] {
				if later == f.Ep {
					return false
				}
			}
		}
	}
	return true
}

// forgive forgets the complaints that a lost log must cause.
func (c *client) forgive() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}
