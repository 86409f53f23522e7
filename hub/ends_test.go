package hub_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aihub/hub"
	"aihub/llm"
	"aihub/store"
)

var monthly = store.Plan{Limits: []store.Limit{{Window: store.WindowMonth}}}

func later() time.Time { return time.Now().Add(time.Hour) }

// settled waits until nothing is reserved any more and returns what is used of the month.
func (w *world) settled(slug, person string) store.QuotaUse {
	w.t.Helper()
	eventually(w.t, 15*time.Second, "all reservations are settled", func() bool {
		open, err := w.tenant(slug).OpenReservations(context.Background(), later())
		return err == nil && len(open) == 0
	})
	uses, err := w.tenant(slug).QuotaOf(context.Background(), "u_"+slug+"_"+person, monthly)
	must(w.t, err)
	return uses[0]
}

func TestCutUpstreamIsNeverComplete(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "n=5 cut")
	end := c.ended(ok.Run)
	if end.State != "failed" || end.Code != "llm_truncated" || end.Finish != "" || end.Len == 0 || !end.Usage.Estimated {
		t.Errorf("end: %s", end.raw)
	}
	stored, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
	must(t, err)
	if stored.Run.State != "failed" || stored.Run.Code != "llm_truncated" || sum(stored.Text) != end.SHA {
		t.Errorf("stored: %+v", stored.Run)
	}
}

func TestNothingProducedNothingCharged(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	for cid, want := range map[string]string{"down": "llm_unavailable", "empty": "llm_empty"} {
		ok := c.ask("", cid, cid)
		if end := c.ended(ok.Run); end.State != "failed" || end.Code != want || end.Len != 0 {
			t.Errorf("%s: %s", cid, end.raw)
		}
	}
	if use := w.settled("alfa", "usuario"); use.MessagesUsed != 0 || use.TokensUsed != 0 {
		t.Errorf("charged: %+v", use)
	}
}

func TestQuotaExceeded(t *testing.T) {
	w := newWorld(t, store.Plan{ID: "p_1", Name: "Um", Default: true, AllowGlobalKey: true, Limits: []store.Limit{{Window: store.WindowDay, Messages: 1}}})
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "n=2")
	if end := c.ended(ok.Run); len(end.Quota) != 1 || end.Quota[0].MessagesUsed != 1 || end.Quota[0].MessagesLimit != 1 {
		t.Errorf("the quota in the end: %s", end.raw)
	}
	for _, conv := range []string{"", ok.Conv} {
		command := map[string]any{"t": "send", "cid": "dois" + conv, "text": "n=2"}
		if conv != "" {
			command["conv"] = conv
		}
		f := c.do(command)
		if f.Code != "quota_exceeded" || f.Retry || f.ResetAt == "" {
			t.Errorf("second message: %s", f.raw)
		}
	}
	if n := len(w.upstream.asked("n=2")); n != 1 {
		t.Errorf("%d calls of the model", n)
	}
	list, _, err := w.tenant("alfa").Conversations(t.Context(), "u_alfa_usuario", "", 10)
	must(t, err)
	if len(list) != 1 {
		t.Errorf("a refused message left %d conversations, want the first alone", len(list))
	}
	if use := w.settled("alfa", "usuario"); use.MessagesUsed != 1 {
		t.Errorf("used: %+v", use)
	}
	if f := c.do(map[string]any{"t": "send", "conv": ok.Conv, "cid": "um", "text": "n=2"}); f.T == "ok" && !f.Dup {
		t.Errorf("a copy of the first: %s", f.raw)
	}
}

// An answer whose further slice is refused ends with what it has, and never above the limit.
func TestExtensionRefused(t *testing.T) {
	const limit = 600
	w := newWorld(t, store.Plan{ID: "p_1", Name: "Pouco", Default: true, AllowGlobalKey: true, Limits: []store.Limit{{Window: store.WindowDay, Tokens: limit}}})
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "n=5000 gap=1ms")
	end := c.ended(ok.Run)
	if end.State != "stopped" || end.Code != "quota_exceeded" || end.Len == 0 {
		t.Errorf("end: %s", end.raw)
	}
	if got := c.text(ok.Conv, ok.Run); !strings.HasPrefix(w.upstream.asked("n=5000")[0].sent(), got) {
		t.Error("the text is not a prefix of what the model sent")
	}
	use := w.settled("alfa", "usuario")
	if use.MessagesUsed != 1 || use.TokensUsed != end.Usage.In+end.Usage.Out {
		t.Errorf("used %+v, the end says %+v", use, end.Usage)
	}
}

// A hub that dies leaves a run; another one ends it with exactly what was shown, and settles its quota.
func TestRunOfADeadInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unlimited)
	dying, die := w.mortal()
	h := w.hub()
	c, witness := connect(t, dying, "alfa/usuario"), connect(t, h, "alfa/usuario")
	ok := c.ask("", "um", "n=100000 gap=3ms")
	witness.do(map[string]any{"t": "sub", "conv": ok.Conv})
	witness.await("two seconds of text", func(f in) bool { return f.K == "delta" && *f.Off > 15_000 })
	die()
	died := time.Now()
	end := witness.ended(ok.Run)
	if took := time.Since(died); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if end.State != "interrupted" || end.Code != "instance_lost" || end.Len == 0 || !end.Continue {
		t.Errorf("end: %s", end.raw)
	}
	use := w.settled("alfa", "usuario")
	if took := time.Since(died); took > 15*time.Second || use.MessagesUsed != 1 || use.TokensUsed != end.Usage.In+end.Usage.Out {
		t.Errorf("after %v used %+v, the end says %+v", took, use, end.Usage)
	}
	stored, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
	must(t, err)
	if shown := witness.text(ok.Conv, ok.Run); stored.Text != shown || stored.Run.State != "interrupted" {
		t.Errorf("%d bytes stored as %s, %d shown", len(stored.Text), stored.Run.State, len(shown))
	}
	again := witness.ask(ok.Conv, "dois", "n=3")
	if end := witness.ended(again.Run); end.State != "complete" {
		t.Errorf("the next answer: %s", end.raw)
	}
}

// An instance that loses the store alone can't renew its lease: another one ends the run, and nothing follows that end.
func TestRunOfAnInstanceWithoutAStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unlimited)
	lost, cut := w.partitioned(true, false)
	c, witness := connect(t, lost, "alfa/usuario"), connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "n=100000 gap=5ms")
	witness.do(map[string]any{"t": "sub", "conv": ok.Conv})
	witness.await("some text", func(f in) bool { return f.K == "delta" && *f.Off > 2000 })
	cut()
	end := witness.ended(ok.Run)
	if end.Len == 0 || (end.State != "interrupted" && end.Code != "quota_unavailable" && end.Code != "store_unavailable") {
		t.Errorf("end: %s", end.raw)
	}
	w.settled("alfa", "usuario")
	time.Sleep(500 * time.Millisecond)
	stored, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
	must(t, err)
	if stored.Text != witness.text(ok.Conv, ok.Run) || sum(stored.Text) != end.SHA {
		t.Errorf("%d bytes stored as %s, %d shown", len(stored.Text), stored.Run.State, len(witness.text(ok.Conv, ok.Run)))
	}
	log := logOf(t, w.bus(), "alfa", ok.Conv)
	if last := log[len(log)-1]; last.K != "run.end" {
		t.Errorf("after the end: %s", last.raw)
	}
}

// An instance that loses the bus alone stores what it has when its patience ends, and another one tells it.
func TestRunOfAnInstanceWithoutABus(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unlimited)
	lost, cut := w.partitioned(false, true)
	c, witness := connect(t, lost, "alfa/usuario"), connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "n=100000 gap=5ms")
	witness.do(map[string]any{"t": "sub", "conv": ok.Conv})
	witness.await("some text", func(f in) bool { return f.K == "delta" && *f.Off > 2000 })
	cut()
	var end in
	eventually(t, 90*time.Second, "the end is told", func() bool {
		f, err := witness.awaitFor(time.Second, func(f in) bool { return f.K == "run.end" })
		end = f
		return err == nil
	})
	if end.State != "failed" || end.Code != "bus_unavailable" {
		t.Errorf("end: %s", end.raw)
	}
	w.settled("alfa", "usuario")
	stored, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
	must(t, err)
	if shown := witness.text(ok.Conv, ok.Run); !strings.HasPrefix(stored.Text, shown) || sum(stored.Text) != end.SHA {
		t.Errorf("%d bytes stored, %d shown", len(stored.Text), len(shown))
	}
	witness.forgive() // the text that only the store has is not what was shown
	snap := connect(t, witness.hub, "alfa/usuario").do(map[string]any{"t": "sub", "conv": ok.Conv})
	if snap.Open != nil || snap.Messages[1].Run.SHA != end.SHA {
		t.Errorf("snapshot: %.300s", snap.raw)
	}
}

// A suspended distributor's answers end at once, on whatever instance.
func TestSuspensionEndsAnswers(t *testing.T) {
	w := newWorld(t, unlimited)
	one, two := w.hub(), w.hub()
	c, beta := connect(t, one, "alfa/usuario"), connect(t, one, "beta/usuario")
	ok, other := c.ask("", "um", "n=100000 gap=5ms"), beta.ask("", "um", "n=60 gap=10ms")
	c.event(ok.Conv, "delta")
	p, err := w.tenant("alfa").Profile(t.Context())
	must(t, err)
	_, err = w.store.Directory().SetTenantState(t.Context(), tenantID(t, "alfa"), p.Rev, store.StateSuspended, time.Time{})
	must(t, err)
	must(t, two.Changed(t.Context(), tenantID(t, "alfa")))
	if end := c.ended(ok.Run); end.State != "interrupted" || end.Code != "tenant_suspended" || end.Len == 0 {
		t.Errorf("end: %s", end.raw)
	}
	if end := beta.ended(other.Run); end.State != "complete" {
		t.Errorf("another distributor's: %s", end.raw)
	}
	eventually(t, time.Second, "the model is told to stop", w.upstream.asked("n=100000")[0].wasCut)
}

// mortal starts a hub that can be taken from the world: what it does from then on reaches nobody.
func (w *world) mortal() (*hub.Hub, func()) { return w.partitioned(true, true) }

// partitioned starts a hub with connections of its own to the store and the bus, and a function that takes one or both
// from it.
func (w *world) partitioned(fromStore, fromBus bool) (*hub.Hub, func()) {
	w.t.Helper()
	s, err := store.Open(context.Background(), "sqlite:"+filepath.Join(w.dir, "aihub.db"), store.Options{Logger: slog.New(slog.DiscardHandler)})
	must(w.t, err)
	b := w.bus()
	h := hub.New(hub.Options{Store: s, Bus: b, LLM: llm.New(llm.Options{}), Sealer: w.sealer, Auth: &world{store: s}, Logger: logger(w.t), Instance: "mortal", Drain: time.Millisecond})
	dead := fromStore && fromBus
	w.t.Cleanup(func() {
		if !dead {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_ = h.Close(ctx)
			_ = s.Close(context.Background())
		}
	})
	return h, func() {
		if fromBus {
			_ = b.Close(context.Background())
		}
		if fromStore {
			_ = s.Close(context.Background())
		}
		if dead {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			go func() { _ = h.Close(ctx) }()
		}
	}
}

// A store that is slow to take checkpoints makes leases end. The instance that writes the answer does not end it itself.
func TestAnInstanceDoesNotReapWhatItWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "n=450 gap=10ms")
	answer, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
	must(t, err)
	for begun := time.Now(); time.Since(begun) < 4200*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		past := store.Progress{Model: "modelo", LeaseUntil: begun.Add(-time.Minute)}
		if err := w.tenant("alfa").Checkpoint(t.Context(), answer.ID, answer.Run.Fence, past); err != nil {
			break // it has ended
		}
	}
	if end := c.ended(ok.Run); end.State != "complete" {
		t.Errorf("end: %s", end.raw)
	}
}
