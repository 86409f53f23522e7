package hub_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"aihub/hub"
	"aihub/hub/bustest"
)

// thinking is a world whose configuration shows how the model thinks.
func thinking(t *testing.T) *world {
	w := newWorld(t, unlimited)
	c, err := w.store.Global().LLMConfig(t.Context(), "l_global")
	must(t, err)
	c.ShowReasoning = true
	_, err = w.store.Global().UpdateLLMConfig(t.Context(), c)
	must(t, err)
	return w
}

func TestReasoningStaysHereUnlessItIsToBeShown(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "think=20 n=20")
	if end := c.ended(ok.Run); end.State != "complete" || sum(c.text(ok.Conv, ok.Run)) != end.SHA {
		t.Errorf("end: %s", end.raw)
	}
	for _, f := range c.all() {
		if bytesHave(f.raw, "pensei") {
			t.Errorf("the person received %s", f.raw)
		}
	}
}

// Reasoning travels apart: it is exact by its own offsets and no part of the answer, its length, its hash or its price;
// and it is not kept.
func TestReasoningTravelsApart(t *testing.T) {
	w := thinking(t)
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "think=20 n=20")
	end, call := c.ended(ok.Run), w.upstream.asked("think=20")[0]
	if got := c.thoughts(ok.Conv, ok.Run); got != call.thought() {
		t.Errorf("reasoning of %d bytes, want %d", len(got), len(call.thought()))
	}
	if got := c.text(ok.Conv, ok.Run); got != call.sent() || end.Len != int64(len(got)) || end.SHA != sum(got) {
		t.Errorf("text of %d bytes, want %d; end %s", len(got), len(call.sent()), end.raw)
	}
	plain := c.ask("", "dois", "n=20 n=20")
	if other := c.ended(plain.Run); !end.Usage.Estimated || end.Usage.Out > other.Usage.Out+20 {
		t.Errorf("billed %+v, without reasoning %+v", end.Usage, other.Usage)
	}
	stored, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
	must(t, err)
	if snap := connect(t, w.hub(), "alfa/usuario").do(map[string]any{"t": "sub", "conv": ok.Conv}); bytesHave(snap.raw, "pensei") || stored.Text != call.sent() {
		t.Errorf("kept: %s", snap.raw)
	}
}

func TestReasoningResumesAtEveryPosition(t *testing.T) {
	w := thinking(t)
	hubs := []*hub.Hub{w.hub(), w.hub()}
	c := connect(t, hubs[0], "alfa/usuario")
	ok := c.ask("", "um", "think=30 n=30 gap=8ms")
	c.ended(ok.Run)
	call, log := w.upstream.asked("think=30")[0], logOf(t, w.bus(), "alfa", ok.Conv)
	last := log[len(log)-1]
	for i, h := range hubs {
		again := connect(t, h, "alfa/usuario")
		for seq := range last.Seq {
			again.knows(log, seq)
			if f := again.do(map[string]any{"t": "sub", "conv": ok.Conv, "since": since(last.Ep, seq)}); f.T != "resumed" {
				t.Fatalf("instance %d, from %d: %s", i, seq, f.raw)
			}
			eventually(t, 5*time.Second, "the rest", func() bool { _, at := again.place(ok.Conv); return at == last.Seq })
			if got := again.thoughts(ok.Conv, ok.Run); got != call.thought() || sum(again.text(ok.Conv, ok.Run)) != last.SHA {
				t.Fatalf("instance %d, from %d: %d bytes of reasoning, want %d", i, seq, len(got), len(call.thought()))
			}
			again.do(map[string]any{"t": "unsub", "conv": ok.Conv})
		}
	}
}

// Who is cut off at random moments, or reloads the page in mid-answer, ends with all of the reasoning and all of the text.
func TestReasoningThroughCutsAndReloads(t *testing.T) {
	w := thinking(t)
	hubs := []*hub.Hub{w.hub(), w.hub()}
	ok := connect(t, hubs[0], "alfa/usuario").ask("", "um", "think=120 n=300 gap=3ms")
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 2))
			logs := map[string]*follow{}
			for {
				c := connect(t, hubs[random.IntN(2)], "alfa/usuario")
				if n%2 == 1 { // a reload forgets
					logs = map[string]*follow{}
				}
				c.mu.Lock()
				c.logs = logs
				c.mu.Unlock()
				command := map[string]any{"t": "sub", "conv": ok.Conv}
				if ep, seq := c.place(ok.Conv); ep != "" {
					command["since"] = since(ep, seq)
				}
				c.do(command)
				_, err := c.awaitFor(time.Duration(random.IntN(90))*time.Millisecond, func(f in) bool { return f.K == "run.end" })
				if err == nil {
					call := w.upstream.asked("think=120")[0]
					if c.thoughts(ok.Conv, ok.Run) != call.thought() || c.text(ok.Conv, ok.Run) != call.sent() {
						t.Errorf("%d bytes of reasoning, want %d", len(c.thoughts(ok.Conv, ok.Run)), len(call.thought()))
					}
				}
				c.end()
				<-c.done
				if _, over := c.logs[ok.Conv].ends[ok.Run]; err == nil || over {
					return
				}
				if m, storeErr := w.tenant("alfa").RunByID(t.Context(), ok.Run); storeErr == nil && m.Run.State == "complete" {
					return // it ended between two connections: a snapshot has the stored answer alone
				}
			}
		})
	}
	wg.Wait()
}

// Nothing of the model's thinking follows the event by which a person takes over (the client of these tests complains).
func TestTakeoverEndsReasoning(t *testing.T) {
	w := thinking(t)
	c, boss := connect(t, w.hub(), "alfa/usuario"), connect(t, w.hub(), "alfa/supervisor")
	ok := c.ask("", "um", "think=100000 gap=3ms")
	boss.do(map[string]any{"t": "sub", "conv": ok.Conv})
	boss.await("some reasoning", func(f in) bool { return f.K == "reasoning" && *f.Off > 1000 })
	boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 0})
	end := c.ended(ok.Run)
	if end.State != "taken_over" || end.Len != 0 {
		t.Errorf("end: %s", end.raw)
	}
	if thought := w.upstream.asked("think=")[0].thought(); !strings.HasPrefix(thought, c.thoughts(ok.Conv, ok.Run)) {
		t.Error("the reasoning that was shown is not a beginning of the model's")
	}
}

func TestReasoningIsBounded(t *testing.T) {
	w := thinking(t)
	h := w.hub()
	c := connect(t, h, "alfa/usuario")
	ok := c.ask("", "um", "think=2000 n=400 hold")
	c.await("the answer", func(f in) bool { return f.K == "delta" })
	late := connect(t, h, "alfa/usuario")
	if snap := late.do(map[string]any{"t": "sub", "conv": ok.Conv}); snap.Open == nil || len(snap.Open.Reasoning)+len(snap.Open.Text) > 8<<10 || snap.Open.Reasoning == "" {
		t.Errorf("snapshot: %s", snap.raw)
	}
	w.upstream.release()
	for _, who := range []*client{c, late} {
		end, got, call := who.ended(ok.Run), who.thoughts(ok.Conv, ok.Run), w.upstream.asked("think=2000")[0]
		if len(got) > 16<<10 || len(got) < 16<<10-4 || !strings.HasPrefix(call.thought(), got) || who.text(ok.Conv, ok.Run) != call.sent() || end.State != "complete" {
			t.Errorf("%d bytes of reasoning of %d", len(got), len(call.thought()))
		}
	}
}

// A bus that loses its log gets the reasoning anew as well.
func TestLostLogHasTheReasoningAgain(t *testing.T) {
	w := thinking(t)
	bus := bustest.NewMemory()
	c := connect(t, w.hubOn(bus), "alfa/usuario")
	ok := c.ask("", "um", "think=60 n=200 gap=3ms")
	for _, kind := range []string{"reasoning", "delta"} {
		c.await("more", func(f in) bool { return f.K == kind && *f.Off > 500 })
		ep, _ := c.place(ok.Conv)
		bus.LoseLogs()
		c.await("the new log", func(f in) bool { return f.T == "ev" && f.Ep != ep && !seenBefore(c, ep, f) })
		c.forgive()
		if f := c.do(map[string]any{"t": "sub", "conv": ok.Conv}); f.T != "snap" || f.Ep == ep {
			t.Fatalf("sub: %s", f.raw)
		}
	}
	end, call := c.ended(ok.Run), w.upstream.asked("think=60")[0]
	c.forgive()
	if c.thoughts(ok.Conv, ok.Run) != call.thought() || sum(c.text(ok.Conv, ok.Run)) != end.SHA || end.State != "complete" {
		t.Error(fmt.Sprint(len(c.thoughts(ok.Conv, ok.Run)), " bytes of reasoning, want ", len(call.thought())))
	}
}
