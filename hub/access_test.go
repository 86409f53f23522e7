package hub_test

import (
	"testing"
	"testing/synctest"
	"time"

	"aihub/hub"
	"aihub/store"
)

// What is taken from a person or a tenant ends live connections on every instance within two seconds.
func TestRightsThatEndLive(t *testing.T) {
	w := newWorld(t, unlimited)
	one, two := w.hub(), w.hub()
	for name, change := range map[string]struct {
		do   func(token string)
		want int
	}{
		"tokens revoked":   {func(token string) { w.voided.Store(token, "unauthenticated") }, hub.CloseExpired},
		"tenant suspended": {func(token string) { w.voided.Store(token, "tenant_suspended") }, hub.CloseSuspended},
		"role changed":     {func(string) { w.roles.Store("u_alfa_segundo", store.RoleParticipant) }, hub.CloseExpired},
	} {
		token := "alfa/segundo/3600"
		a, b, other, foreign := connect(t, one, token), connect(t, two, token), connect(t, two, "alfa/usuario"), connect(t, two, "beta/segundo")
		change.do(token)
		must(t, one.Changed(t.Context(), tenantID(t, "alfa")))
		start := time.Now()
		for _, c := range []*client{a, b} {
			if code := c.closedWith(); code != change.want {
				t.Errorf("%s: closed with %d, want %d", name, code, change.want)
			}
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
		for _, c := range []*client{other, foreign} {
			if f := c.do(map[string]any{"t": "unsub", "conv": "c_x"}); f.T != "ok" {
				t.Errorf("%s: somebody else's connection: %s", name, f.raw)
			}
		}
		w.voided.Delete(token)
		w.roles.Delete("u_alfa_segundo")
	}
}

// A change that nobody announced, or whose announcement was lost, takes effect with the next regular check.
func TestRightsAreCheckedRegularly(t *testing.T) {
	quiet(t, func(t *testing.T, w *world, h *hub.Hub) {
		c := connect(t, h, "alfa/usuario")
		w.voided.Store("alfa/usuario", "unauthenticated")
		time.Sleep(70 * time.Second)
		synctest.Wait()
		if code := c.closedWith(); code != hub.CloseExpired {
			t.Errorf("closed with %d", code)
		}
		<-c.done
	})
}

func TestTooManyConnectionsOfOnePerson(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	for range 64 {
		connect(t, h, "alfa/usuario")
	}
	c := dial(t, h)
	if f := c.do(map[string]any{"t": "auth", "token": "alfa/usuario"}); f.Code != "rate_limited" || c.closedWith() != hub.CloseTooMany {
		t.Errorf("one more: %s", f.raw)
	}
	connect(t, h, "alfa/outro")
}

// Who connects to an instance that stops is sent elsewhere, whatever happens first: what fails now, fails because it stops.
// Close waits also for who has not authenticated yet.
func TestWhoConnectsDuringTheStopIsSentElsewhere(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c := connect(t, h, "alfa/usuario")
	c.ask("", "um", "n=60 gap=8ms")
	closed := make(chan error, 1)
	go func() { closed <- h.Close(t.Context()) }()
	c.await("drain", func(f in) bool { return f.T == "drain" })
	w.voided.Store("alfa/outro", "store_unavailable")
	failing := dial(t, h)
	if f := failing.do(map[string]any{"t": "auth", "token": "alfa/outro"}); f.Code != "draining" || failing.closedWith() != hub.CloseDrain {
		t.Errorf("while answers finish: %s", f.raw)
	}
	silent := dial(t, h)
	<-silent.read
	must(t, <-closed)
	silent.mu.Lock()
	code := silent.code
	silent.mu.Unlock()
	if code != hub.CloseDrain {
		t.Errorf("after Close, who did not authenticate is closed with %d", code)
	}
	late := dial(t, h)
	if code := late.closedWith(); code != hub.CloseDrain {
		t.Errorf("in its last moments an instance closes with %d", code)
	}
	must(t, h.Close(t.Context()))
}

// A stopping instance lets live answers finish, refuses new ones, and sends its clients away.
func TestDrain(t *testing.T) {
	w := newWorld(t, unlimited)
	h, other := w.hub(), w.hub()
	c := connect(t, h, "alfa/usuario")
	ok := c.ask("", "um", "n=40 gap=8ms")
	closed := make(chan error, 1)
	go func() { closed <- h.Close(t.Context()) }()
	c.await("drain", func(f in) bool { return f.T == "drain" })
	if f := c.do(map[string]any{"t": "send", "cid": "dois", "text": "n=1"}); f.Code != "draining" || !f.Retry {
		t.Errorf("a new message: %s", f.raw)
	}
	if end := c.ended(ok.Run); end.State != "complete" {
		t.Errorf("the live answer: %s", end.raw)
	}
	if code := c.closedWith(); code != hub.CloseDrain {
		t.Errorf("closed with %d", code)
	}
	must(t, <-closed)
	again := connect(t, other, "alfa/usuario")
	f := again.ask("", "dois", "n=1")
	again.ended(f.Run)
}
