package hub_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"aihub/hub"
	"aihub/store"
)

// While an answer is being written one message may wait: it is shown at once and answered in its turn, also when it was
// sent to another instance.
func TestAMessageWaitsForItsTurn(t *testing.T) {
	w := newWorld(t, unlimited)
	one, two := connect(t, w.hub(), "alfa/usuario"), connect(t, w.hub(), "alfa/usuario")
	first := one.ask("", "um", "primeira n=80 gap=5ms")
	two.do(map[string]any{"t": "sub", "conv": first.Conv})
	second := two.ask(first.Conv, "dois", "segunda n=3")
	if !bytesHave(second.raw, `"queued":true`) || second.Run == "" || second.Msg == "" {
		t.Errorf("ok of the waiting message: %s", second.raw)
	}
	shown := one.await("the waiting message", func(f in) bool { return f.K == "msg" && f.Msg == second.Msg })
	if shown.State != "queued" || shown.Run != second.Run || shown.Seq != second.Seq {
		t.Errorf("msg: %s", shown.raw)
	}
	if again := one.ask(first.Conv, "dois", "segunda n=3"); !again.Dup || again.Run != second.Run || again.Seq != second.Seq || again.Msg != second.Msg {
		t.Errorf("a copy: %s, first %s", again.raw, second.raw)
	}
	if f := one.do(map[string]any{"t": "send", "conv": first.Conv, "cid": "três", "text": "terceira"}); f.Code != "conv_busy" || !f.Retry {
		t.Errorf("a second waiting message: %s", f.raw)
	}
	if snap := connect(t, one.hub, "alfa/usuario").do(map[string]any{"t": "sub", "conv": first.Conv}); !bytesHave(snap.raw, `"waiting":{"run":"`+second.Run) {
		t.Errorf("the snapshot does not show what waits: %s", snap.raw)
	}
	endOfFirst, endOfSecond := one.ended(first.Run), one.ended(second.Run)
	start := one.await("its start", func(f in) bool { return f.K == "run.start" && f.Run == second.Run })
	if endOfFirst.State != "complete" || endOfSecond.State != "complete" || start.Seq < endOfFirst.Seq {
		t.Errorf("ends %s, %s; start %s", endOfFirst.raw, endOfSecond.raw, start.raw)
	}
	call := w.upstream.asked("segunda")
	if len(call) != 1 || len(call[0].messages) != 4 || call[0].messages[2].Content != one.text(first.Conv, first.Run) {
		t.Errorf("the model was asked %d times, told %v", len(call), call[0].messages)
	}
	if use := w.settled("alfa", "usuario"); use.MessagesUsed != 2 {
		t.Errorf("used: %+v", use)
	}
}

func TestAWaitingMessageCanBeWithdrawn(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	first := c.ask("", "um", "primeira n=2000 gap=5ms")
	second := c.ask(first.Conv, "dois", "segunda n=3")
	if f := c.do(map[string]any{"t": "stop", "run": second.Run}); f.T != "ok" {
		t.Fatalf("stop: %s", f.raw)
	}
	if end := c.ended(second.Run); end.State != "stopped" || end.Msg != "" {
		t.Errorf("end: %s", end.raw)
	}
	third := c.ask(first.Conv, "três", "terceira n=3")
	c.do(map[string]any{"t": "stop", "run": first.Run})
	if end := c.ended(third.Run); end.State != "complete" {
		t.Errorf("the next one: %s", end.raw)
	}
	if n := len(w.upstream.asked("segunda")); n != 0 {
		t.Errorf("the model was asked %d times", n)
	}
}

func TestAWaitingMessageWithoutQuotaIsTold(t *testing.T) {
	w := newWorld(t, store.Plan{ID: "p_1", Name: "Um", Default: true, AllowGlobalKey: true, Limits: []store.Limit{{Window: store.WindowDay, Messages: 1}}})
	c := connect(t, w.hub(), "alfa/usuario")
	first := c.ask("", "um", "primeira n=50 gap=5ms")
	second := c.ask(first.Conv, "dois", "segunda n=3")
	if end := c.ended(second.Run); end.State != "failed" || end.Code != "quota_exceeded" {
		t.Errorf("end: %s", end.raw)
	}
	if use := w.settled("alfa", "usuario"); use.MessagesUsed != 1 {
		t.Errorf("used: %+v", use)
	}
	if f := c.do(map[string]any{"t": "send", "conv": first.Conv, "cid": "três", "text": "n=1"}); f.Code != "quota_exceeded" {
		t.Errorf("the conversation is not free: %s", f.raw)
	}
}

// The instance that should begin the waiting message dies: another one does.
func TestAWaitingMessageOfADeadInstance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unlimited)
	dying, die := w.mortal()
	c, witness := connect(t, dying, "alfa/usuario"), connect(t, w.hub(), "alfa/usuario")
	first := c.ask("", "um", "primeira n=100000 gap=5ms")
	witness.do(map[string]any{"t": "sub", "conv": first.Conv})
	second := c.ask(first.Conv, "dois", "segunda n=3")
	die()
	if end := witness.ended(first.Run); end.Code != "instance_lost" {
		t.Errorf("end of the first: %s", end.raw)
	}
	if end := witness.ended(second.Run); end.State != "complete" {
		t.Errorf("end of the waiting one: %s", end.raw)
	}
}

func TestRegenIsASibling(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c := connect(t, h, "alfa/usuario")
	before := c.ask("", "zero", "antes n=2")
	c.ended(before.Run)
	ok := c.ask(before.Conv, "um", "pergunta n=4")
	end := c.ended(ok.Run)
	after := c.ask(ok.Conv, "dois", "depois n=2")
	c.ended(after.Run)
	var answers []in
	for i, msg := range []string{end.Msg, ok.Msg} {
		again := c.do(map[string]any{"t": "regen", "cid": fmt.Sprint("r", i), "msg": msg})
		if again.T != "ok" || again.Msg != ok.Msg || again.Run == ok.Run || again.Conv != ok.Conv {
			t.Fatalf("regen: %s", again.raw)
		}
		second := c.ended(again.Run)
		if second.State != "complete" || second.Msg == end.Msg || second.Parent != ok.Msg {
			t.Errorf("end: %s", second.raw)
		}
		if start := c.await("start", func(f in) bool { return f.K == "run.start" && f.Run == again.Run }); start.Parent != ok.Msg || start.Seq != again.Seq {
			t.Errorf("start: %s, ok: %s", start.raw, again.raw)
		}
		copies := c.do(map[string]any{"t": "regen", "cid": fmt.Sprint("r", i), "msg": msg})
		if !copies.Dup || copies.Run != again.Run || copies.Seq != again.Seq {
			t.Errorf("a copy: %s", copies.raw)
		}
		if f := c.do(map[string]any{"t": "regen", "cid": fmt.Sprint("r", i), "msg": after.Msg}); f.Code != "idem_mismatch" {
			t.Errorf("the same cid for another question: %s", f.raw)
		}
		answers = append(answers, second)
	}
	if calls := w.upstream.asked("pergunta"); len(calls) != 3 || len(calls[2].messages) != 4 {
		t.Errorf("%d calls; the last was told %v", len(calls), calls[len(calls)-1].messages)
	}
	// Going on from a chosen sibling.
	on := c.do(map[string]any{"t": "send", "conv": ok.Conv, "cid": "on", "text": "segue n=2", "parent": answers[0].Msg})
	c.ended(on.Run)
	call := w.upstream.asked("segue")[0]
	if len(call.messages) != 6 || sum(call.messages[4].Content) != answers[0].SHA {
		t.Errorf("the model was told %v", call.messages)
	}
	if use := w.settled("alfa", "usuario"); use.MessagesUsed != 6 {
		t.Errorf("used: %+v", use)
	}
	stranger := connect(t, h, "alfa/outro")
	if f := stranger.do(map[string]any{"t": "regen", "cid": "x", "msg": ok.Msg}); f.Code != "not_found" {
		t.Errorf("a stranger's regen: %s", f.raw)
	}
	boss := connect(t, h, "alfa/supervisor")
	if f := boss.do(map[string]any{"t": "regen", "cid": "x", "msg": ok.Msg}); f.Code != "forbidden" {
		t.Errorf("a supervisor's regen: %s", f.raw)
	}
}

func TestAnEditIsABranch(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	one := c.ask("", "um", "primeira n=2")
	c.ended(one.Run)
	two := c.ask(one.Conv, "dois", "segunda n=2")
	c.ended(two.Run)
	for _, edit := range []struct {
		cid, text, parent string
		told              int
	}{{"e1", "segunda-editada n=2", c.event(one.Conv, "run.end").Msg, 4}, {"e2", "primeira-editada n=2", "", 2}} {
		f := c.do(map[string]any{"t": "send", "conv": one.Conv, "cid": edit.cid, "text": edit.text, "parent": edit.parent})
		if f.T != "ok" {
			t.Fatalf("edit: %s", f.raw)
		}
		c.ended(f.Run)
		if shown := c.await("the edit", func(g in) bool { return g.K == "msg" && g.Msg == f.Msg }); shown.Parent != edit.parent {
			t.Errorf("msg: %s", shown.raw)
		}
		if told := w.upstream.asked(edit.text)[0].messages; len(told) != edit.told {
			t.Errorf("the model was told %v", told)
		}
	}
	if f := c.do(map[string]any{"t": "send", "conv": one.Conv, "cid": "e3", "text": "n=1", "parent": store.NewID("m")}); f.Code != "not_found" {
		t.Errorf("an unknown parent: %s", f.raw)
	}
	other := c.ask("", "outra", "n=1")
	c.ended(other.Run)
	if f := c.do(map[string]any{"t": "send", "conv": one.Conv, "cid": "e4", "text": "n=1", "parent": other.Msg}); f.Code != "not_found" {
		t.Errorf("a parent of another conversation: %s", f.raw)
	}
}

// Many devices send, stop and ask anew at once: every accepted run ends once, and nothing stays reserved or waiting.
func TestTurnsUnderContention(t *testing.T) {
	w := newWorld(t, unlimited)
	hubs := []*hub.Hub{w.hub(), w.hub()}
	c := connect(t, hubs[0], "alfa/usuario")
	ok := c.ask("", "um", "n=1")
	c.ended(ok.Run)
	var mu sync.Mutex
	runs := map[string]bool{}
	var wg sync.WaitGroup
	for n := range 6 {
		wg.Go(func() {
			d := connect(t, hubs[n%2], "alfa/usuario")
			d.do(map[string]any{"t": "sub", "conv": ok.Conv}) // it may send while an answer is under way
			for i := range 15 {
				f := d.do(map[string]any{"t": "send", "conv": ok.Conv, "cid": fmt.Sprint(n, "-", i), "text": fmt.Sprintf("q-%d-%d- n=5 gap=2ms", n, i)})
				switch {
				case f.T == "ok":
					mu.Lock()
					runs[f.Run] = true
					mu.Unlock()
					if i%4 == 3 {
						d.do(map[string]any{"t": "stop", "run": f.Run})
					}
				case f.Code != "conv_busy":
					t.Errorf("send: %s", f.raw)
				}
				time.Sleep(time.Duration(n+5) * time.Millisecond)
			}
		})
	}
	wg.Wait()
	ends := 0
	for run := range runs {
		c.ended(run)
		ends++
	}
	t.Logf("%d runs", ends)
	w.settled("alfa", "usuario")
	eventually(t, 5*time.Second, "the conversation is free", func() bool {
		conv, err := w.tenant("alfa").Conversation(t.Context(), ok.Conv)
		return err == nil && conv.Active.Run == "" && conv.Waiting.Run == ""
	})
	for n := range 6 {
		for i := range 15 {
			if calls := w.upstream.asked(fmt.Sprintf("q-%d-%d-", n, i)); len(calls) > 1 {
				t.Errorf("%d calls for one message", len(calls))
			}
		}
	}
}
