package hub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aihub/hub"
	"aihub/store"
)

func (c *client) owner(conv, kind string) in {
	c.t.Helper()
	return c.await("an owner of kind "+kind, func(f in) bool { return f.T == "ev" && f.K == "owner" && f.Conv == conv && f.Owner.Kind == kind })
}

// A person takes over in mid-answer, on another instance: the answer stops at the event that says so, the partial stays,
// the quota is settled, and from then on the person answers, until the conversation is given back.
func TestTakeover(t *testing.T) {
	w := newWorld(t, unlimited)
	one, two := w.hub(), w.hub()
	c, boss, second := connect(t, one, "alfa/usuario"), connect(t, two, "alfa/supervisor"), connect(t, one, "alfa/segundo")
	ok := c.ask("", "um", "primeira n=100000 gap=3ms")
	for _, s := range []*client{boss, second} {
		if f := s.do(map[string]any{"t": "sub", "conv": ok.Conv}); f.T != "snap" || f.Owner.Kind != "ai" {
			t.Fatalf("sub: %s", f.raw)
		}
	}
	boss.await("some text", func(f in) bool { return f.K == "delta" && *f.Off > 2000 })
	for _, stale := range []int{1, -1, 7} {
		if f := boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": stale}); f.Code != "conflict" || f.Owner == nil || f.Owner.Epoch != 0 {
			t.Errorf("take with a stale epoch: %s", f.raw)
		}
	}
	start := time.Now()
	taken := boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 0, "note": "cliente irritado"})
	if taken.T != "ok" || taken.Owner.Kind != "human" || taken.Owner.ID != "u_alfa_supervisor" || taken.Owner.Epoch != 1 {
		t.Fatalf("take: %s", taken.raw)
	}
	end := c.ended(ok.Run)
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v", took)
	}
	event := c.owner(ok.Conv, "human")
	if end.State != "taken_over" || end.Len == 0 || event.Owner.Name != "supervisor" || event.Seq > end.Seq {
		t.Errorf("end %s, owner %s", end.raw, event.raw)
	}
	eventually(t, time.Second, "the model is told to stop", w.upstream.asked("primeira")[0].wasCut)
	if again := boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 0}); again.T != "ok" || again.Owner.Epoch != 1 {
		t.Errorf("a copy of take: %s", again.raw)
	}
	if f := second.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 1}); f.Code != "conv_human" || f.Owner == nil || f.Owner.Name != "supervisor" {
		t.Errorf("a second supervisor: %s", f.raw)
	}
	if f := second.do(map[string]any{"t": "send", "conv": ok.Conv, "cid": "x", "text": "eu também"}); f.Code != "conv_human" {
		t.Errorf("the second supervisor speaks: %s", f.raw)
	}
	if f := c.do(map[string]any{"t": "regen", "cid": "x", "msg": ok.Msg}); f.Code != "conv_human" {
		t.Errorf("regen: %s", f.raw)
	}
	question := c.ask(ok.Conv, "dois", "alguém aí?")
	if question.Run != "" {
		t.Errorf("a run was started: %s", question.raw)
	}
	answer := boss.ask(ok.Conv, "três", "sou eu, Ana")
	got := c.await("the person's answer", func(f in) bool { return f.K == "msg" && f.Msg == answer.Msg })
	if got.Role != "agent" || got.By.Kind != "agent" || got.By.ID != "u_alfa_supervisor" {
		t.Errorf("msg: %s", got.raw)
	}
	if f := second.do(map[string]any{"t": "release", "conv": ok.Conv, "epoch": 1}); f.Code != "conv_human" {
		t.Errorf("release by another: %s", f.raw)
	}
	back := boss.do(map[string]any{"t": "release", "conv": ok.Conv, "epoch": 1, "note": "combinamos visita amanhã"})
	if back.T != "ok" || back.Owner.Kind != "ai" || back.Owner.Epoch != 2 {
		t.Fatalf("release: %s", back.raw)
	}
	c.owner(ok.Conv, "ai")
	if f := boss.do(map[string]any{"t": "send", "conv": ok.Conv, "cid": "y", "text": "ainda eu"}); f.Code != "forbidden" {
		t.Errorf("speaking after the release: %s", f.raw)
	}
	next := c.ask(ok.Conv, "quatro", "segunda n=3")
	if end := c.ended(next.Run); end.State != "complete" {
		t.Errorf("end: %s", end.raw)
	}
	told := fmt.Sprint(w.upstream.asked("segunda")[0].messages)
	for _, part := range []string{"combinamos visita amanhã", "sou eu, Ana", "alguém aí?"} {
		if !strings.Contains(told, part) {
			t.Errorf("the model was not told %q: %s", part, told)
		}
	}
	if strings.Contains(told, "cliente irritado") {
		t.Errorf("the model was told a note among colleagues")
	}
	if use := w.settled("alfa", "usuario"); use.MessagesUsed != 2 {
		t.Errorf("used: %+v", use)
	}
	stored, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
	must(t, err)
	if stored.Run.State != store.RunTakenOver || stored.Text != c.text(ok.Conv, ok.Run) || sum(stored.Text) != end.SHA {
		t.Errorf("stored as %s, %d bytes", stored.Run.State, len(stored.Text))
	}
	for _, f := range c.all() {
		if f.T == "staff" || bytesHave(f.raw, "cliente irritado") || bytesHave(f.raw, "combinamos visita") {
			t.Errorf("the participant received %s", f.raw)
		}
	}
	log, _, err := w.tenant("alfa").AuditLog(t.Context(), store.AuditFilter{}, store.Page{Limit: 50})
	must(t, err)
	done := map[string]int{}
	for _, e := range log {
		done[e.Action]++
	}
	if done["conversa.observada"] != 2 || done["conversa.assumida"] != 1 || done["conversa.devolvida"] != 1 {
		t.Errorf("the ledger has %v", done)
	}
	for _, f := range []in{c.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 2}), c.do(map[string]any{"t": "whisper", "conv": ok.Conv, "to": "ai", "text": "x"}),
		c.do(map[string]any{"t": "watch"})} {
		if f.Code != "forbidden" {
			t.Errorf("a participant's: %s", f.raw)
		}
	}
}

// Supervisors, stops, questions and finishing answers race, on two instances. Whatever wins: one owner at a time, not one
// byte of the AI while a person owns the conversation (every client checks it), the same log for all, quotas settled.
func TestTakeoverRaces(t *testing.T) {
	w := newWorld(t, unlimited)
	hubs := []*hub.Hub{w.hub(), w.hub()}
	c := connect(t, hubs[0], "alfa/usuario")
	bosses := []*client{connect(t, hubs[0], "alfa/supervisor"), connect(t, hubs[1], "alfa/segundo")}
	rounds := 60
	if testing.Short() {
		rounds = 10
	}
	taken, both := 0, 0
	for round := range rounds {
		random := rand.New(rand.NewPCG(uint64(round), 7))
		pause := func() { time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond) }
		ok := c.ask("", fmt.Sprint("r", round), fmt.Sprintf("n=%d gap=3ms", 3+random.IntN(150)))
		for _, b := range bosses {
			b.do(map[string]any{"t": "sub", "conv": ok.Conv})
		}
		time.Sleep(100 * time.Millisecond) // a person may send 20 commands a second
		acts := []func(){
			func() {
				if f := c.do(map[string]any{"t": "stop", "run": ok.Run}); f.T != "ok" {
					t.Errorf("stop: %s", f.raw)
				}
			},
			func() {
				f := c.do(map[string]any{"t": "send", "conv": ok.Conv, "cid": "mais", "text": "n=3 gap=1ms"})
				if f.T != "ok" && f.Code != "conv_busy" {
					t.Errorf("send: %s", f.raw)
				}
			},
		}
		var mu sync.Mutex
		winners := 0
		for _, b := range bosses {
			acts = append(acts, func() {
				f := b.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 0})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case f.T == "ok":
					winners++
				case f.Code != "conv_human" && f.Code != "conflict":
					t.Errorf("take: %s", f.raw)
				case f.Owner == nil || f.Owner.Kind != "human":
					t.Errorf("the refusal does not say who: %s", f.raw)
				}
			})
		}
		var wg sync.WaitGroup
		for _, act := range acts[random.IntN(2):] {
			pause()
			wg.Go(act)
		}
		wg.Wait()
		if winners != 1 {
			t.Errorf("round %d: %d supervisors took the conversation", round, winners)
		}
		if end := c.ended(ok.Run); end.State == "taken_over" {
			taken++
		} else {
			both++
		}
		conv, err := w.tenant("alfa").Conversation(t.Context(), ok.Conv)
		must(t, err)
		if conv.Owner.Kind != store.OwnerHuman || conv.Owner.Epoch != 1 {
			t.Errorf("round %d: owner %+v", round, conv.Owner)
		}
	}
	t.Logf("%d answers taken over, %d ended before", taken, both)
	w.settled("alfa", "usuario")
	for _, b := range bosses {
		b.mu.Lock()
		for conv, l := range b.logs {
			c.mu.Lock()
			if mine := c.logs[conv]; mine != nil && mine.last == l.last {
				for run, text := range mine.texts {
					if l.texts[run] != text {
						t.Errorf("the participant and the supervisor have different texts of %s", run)
					}
				}
			}
			c.mu.Unlock()
		}
		b.mu.Unlock()
	}
	eventually(t, 10*time.Second, "no conversation is claimed or waits", func() bool {
		for conv := range c.logs {
			head, err := w.tenant("alfa").Conversation(t.Context(), conv)
			if err != nil || head.Active.Run != "" || head.Waiting.Run != "" {
				return false
			}
		}
		return true
	})
}

// The instance that answers is dead when a person takes over: the answer ends there all the same.
func TestTakeoverFromADeadInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unlimited)
	dying, die := w.mortal()
	h := w.hub()
	c, boss := connect(t, dying, "alfa/usuario"), connect(t, h, "alfa/supervisor")
	ok := c.ask("", "um", "n=100000 gap=5ms")
	boss.do(map[string]any{"t": "sub", "conv": ok.Conv})
	boss.await("some text", func(f in) bool { return f.K == "delta" && *f.Off > 1000 })
	die()
	if f := boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 0}); f.T != "ok" {
		t.Fatalf("take: %s", f.raw)
	}
	if end := boss.ended(ok.Run); end.State != "taken_over" || end.Code != "" || end.Len == 0 {
		t.Errorf("end: %s", end.raw)
	}
	w.settled("alfa", "usuario")
}

func TestTheParticipantCallsAPerson(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c, boss := connect(t, h, "alfa/usuario"), connect(t, h, "alfa/supervisor")
	ok := c.ask("", "um", "n=2")
	c.ended(ok.Run)
	called := c.do(map[string]any{"t": "call", "conv": ok.Conv})
	if called.T != "ok" || called.Owner.Kind != "queue" || called.Owner.Epoch != 1 {
		t.Fatalf("call: %s", called.raw)
	}
	c.owner(ok.Conv, "queue")
	if f := c.do(map[string]any{"t": "call", "conv": ok.Conv}); f.T != "ok" || f.Owner.Epoch != 1 {
		t.Errorf("calling twice: %s", f.raw)
	}
	if f := c.ask(ok.Conv, "dois", "estou esperando"); f.Run != "" {
		t.Errorf("the AI answers: %s", f.raw)
	}
	if f := boss.do(map[string]any{"t": "call", "conv": ok.Conv}); f.Code != "forbidden" {
		t.Errorf("a supervisor's call: %s", f.raw)
	}
	if f := c.do(map[string]any{"t": "release", "conv": ok.Conv, "epoch": 1}); f.T != "ok" || f.Owner.Kind != "ai" {
		t.Errorf("thinking better of it: %s", f.raw)
	}
	c.do(map[string]any{"t": "call", "conv": ok.Conv})
	if f := boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 3}); f.T != "ok" || f.Owner.Epoch != 4 {
		t.Errorf("take from the queue: %s", f.raw)
	}
	if f := c.do(map[string]any{"t": "release", "conv": ok.Conv, "epoch": 4}); f.Code != "conv_human" {
		t.Errorf("the participant's release: %s", f.raw)
	}
	if f := boss.do(map[string]any{"t": "end", "conv": ok.Conv, "note": "resolvido"}); f.T != "ok" {
		t.Errorf("end: %s", f.raw)
	}
	closed := c.event(ok.Conv, "conv")
	if closed.State != "closed" || closed.By.ID != "u_alfa_supervisor" {
		t.Errorf("conv: %s", closed.raw)
	}
	for cid, want := range map[string]string{"três": "conversation_closed", "dois": ""} {
		f := c.do(map[string]any{"t": "send", "conv": ok.Conv, "cid": cid, "text": "estou esperando"})
		if f.Code != want || (want == "" && !f.Dup) {
			t.Errorf("send %s after the end: %s", cid, f.raw)
		}
	}
	if snap := connect(t, h, "alfa/usuario").do(map[string]any{"t": "sub", "conv": ok.Conv}); snap.State != "closed" {
		t.Errorf("snapshot: %s", snap.raw)
	}
}

func TestTheEndStopsTheAnswer(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "n=100000 gap=5ms")
	c.event(ok.Conv, "delta")
	if f := c.do(map[string]any{"t": "end", "conv": ok.Conv}); f.T != "ok" {
		t.Errorf("end: %s", f.raw)
	}
	if end := c.ended(ok.Run); end.State != "stopped" {
		t.Errorf("end of the run: %s", end.raw)
	}
	w.settled("alfa", "usuario")
}

// A person who owns a conversation and vanishes: it returns to the queue, not to the AI.
func TestAVanishedOwnerReturnsToTheQueue(t *testing.T) {
	quiet(t, func(t *testing.T, w *world, h *hub.Hub) {
		tenant := w.tenant("alfa")
		id := store.NewID("c")
		_, _, err := tenant.CreateConversation(context.Background(), store.Conversation{ID: id, UserID: "u_alfa_usuario", Channel: "portal", Owner: store.Owner{Kind: store.OwnerAI},
			State: store.ConversationOpen, CreatedAt: time.Now(), UpdatedAt: time.Now()})
		must(t, err)
		c, boss := connect(t, h, "alfa/usuario"), connect(t, h, "alfa/supervisor")
		c.do(map[string]any{"t": "sub", "conv": id})
		boss.do(map[string]any{"t": "sub", "conv": id})
		if f := boss.do(map[string]any{"t": "take", "conv": id, "epoch": 0}); f.T != "ok" {
			t.Fatalf("take: %s", f.raw)
		}
		time.Sleep(3 * time.Minute)
		boss.end()
		<-boss.done
		time.Sleep(50 * time.Second)
		synctest.Wait()
		if _, err := c.awaitFor(time.Millisecond, func(f in) bool { return f.K == "owner" && f.Owner.Kind == "queue" }); !errors.Is(err, errTimeout) {
			t.Errorf("it returned to the queue too early: %v", err)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if f := c.owner(id, "queue"); f.Owner.Epoch != 2 {
			t.Errorf("owner: %s", f.raw)
		}
		c.end()
		<-c.done
	})
}

// Who changed the owner may die before the event is told, or just be slower than the next message: what follows from the
// change stands behind its event all the same.
func TestAnAnswerStandsBehindTheEventThatAllowsIt(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c, boss := connect(t, h, "alfa/usuario"), connect(t, h, "alfa/supervisor")
	ok := c.ask("", "um", "n=2")
	c.ended(ok.Run)
	if f := boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 0}); f.T != "ok" {
		t.Fatalf("take: %s", f.raw)
	}
	conv, err := w.tenant("alfa").Conversation(t.Context(), ok.Conv)
	must(t, err)
	_, err = w.tenant("alfa").ChangeOwner(t.Context(), ok.Conv, conv.Owner, store.Owner{Kind: store.OwnerAI})
	must(t, err)
	next := c.ask(ok.Conv, "dois", "n=2")
	if next.Run == "" {
		t.Fatalf("send: %s", next.raw)
	}
	c.ended(next.Run)
	told := false
	for _, f := range logOf(t, w.bus(), "alfa", ok.Conv) {
		told = told || f.K == "owner" && f.Owner.Epoch == 2
		if f.K == "run.start" && f.Run == next.Run && !told {
			t.Error("the answer stands before the event that gave the conversation back")
		}
	}
	if !told {
		t.Error("nobody told that the conversation was given back")
	}
}
