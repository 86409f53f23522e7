package hub_test

import (
	"fmt"
	"strings"
	"testing"
)

// An answer that was cut short is continued by a run of its own: told what was said, once for all copies of the command,
// charged once, and one turn with the first for every later answer.
func TestACutAnswerIsContinued(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c := connect(t, h, "alfa/usuario")
	before := c.ask("", "zero", "antes n=2")
	c.ended(before.Run)
	ok := c.ask(before.Conv, "um", "pergunta n=5 cut")
	cut := c.ended(ok.Run)
	if cut.State != "failed" || cut.Code != "llm_truncated" || !cut.Continue {
		t.Fatalf("the end of a cut answer: %s", cut.raw)
	}
	said := c.text(ok.Conv, ok.Run)
	on := c.do(map[string]any{"t": "continue", "cid": "c1", "msg": cut.Msg})
	if on.T != "ok" || on.Msg != cut.Msg || on.Run == ok.Run || on.Conv != ok.Conv {
		t.Fatalf("continue: %s", on.raw)
	}
	rest := c.ended(on.Run)
	if rest.State != "complete" || rest.Parent != cut.Msg || rest.Msg == cut.Msg || rest.Continue {
		t.Errorf("the end of the continuation: %s", rest.raw)
	}
	if start := c.await("start", func(f in) bool { return f.K == "run.start" && f.Run == on.Run }); start.Parent != cut.Msg || start.Seq != on.Seq {
		t.Errorf("start: %s, ok: %s", start.raw, on.raw)
	}
	calls := w.upstream.asked("Continue exatamente")
	if len(calls) != 1 {
		t.Fatalf("%d calls", len(calls))
	}
	told := calls[0].messages
	if len(told) != 6 || told[3].Content != "pergunta n=5 cut" || told[4].Role != "assistant" || told[4].Content != said || told[5].Role != "user" {
		t.Errorf("the model was told %v", told)
	}
	if f := c.do(map[string]any{"t": "continue", "cid": "c1", "msg": cut.Msg}); !f.Dup || f.Run != on.Run || f.Seq != on.Seq {
		t.Errorf("a copy: %s", f.raw)
	}
	for msg, code := range map[string]string{before.Msg: "idem_mismatch", rest.Msg: "idem_mismatch"} {
		if f := c.do(map[string]any{"t": "continue", "cid": "c1", "msg": msg}); f.Code != code {
			t.Errorf("the same cid for another answer: %s", f.raw)
		}
	}
	for i, msg := range []string{before.Msg, rest.Msg} { // a question, and an answer that is complete
		if f := c.do(map[string]any{"t": "continue", "cid": fmt.Sprint("x", i), "msg": msg}); f.Code != "bad_field" {
			t.Errorf("nothing to continue: %s", f.raw)
		}
	}
	for who, code := range map[string]string{"alfa/outro": "not_found", "beta/usuario": "not_found", "alfa/supervisor": "forbidden"} {
		if f := connect(t, h, who).do(map[string]any{"t": "continue", "cid": "c1", "msg": cut.Msg}); f.Code != code {
			t.Errorf("%s: %s", who, f.raw)
		}
	}
	// Later answers are told of one answer, whole.
	next := c.ask(ok.Conv, "dois", "depois n=2")
	c.ended(next.Run)
	if told := w.upstream.asked("depois")[0].messages; len(told) != 6 || told[4].Content != said+c.text(ok.Conv, on.Run) {
		t.Errorf("the next answer was told %v", told)
	}
	// A regen of the continuation answers the question from the beginning, beside the first answer.
	again := c.do(map[string]any{"t": "regen", "cid": "r1", "msg": rest.Msg})
	if end := c.ended(again.Run); again.Msg != ok.Msg || end.Parent != ok.Msg {
		t.Errorf("regen: %s, %s", again.raw, end.raw)
	}
	if calls := w.upstream.asked("pergunta"); len(calls) != 2 || len(calls[1].messages) != 4 {
		t.Errorf("a regen was told %v", calls[len(calls)-1].messages)
	}
	if use := w.settled("alfa", "usuario"); use.MessagesUsed != 5 {
		t.Errorf("used: %+v", use)
	}
	// A snapshot offers it, too.
	fresh := connect(t, h, "alfa/usuario")
	snap := fresh.do(map[string]any{"t": "sub", "conv": ok.Conv})
	for _, m := range snap.Messages {
		if m.Run != nil && m.Run.Continue != (m.Run.State == "failed") {
			t.Errorf("in a snapshot: %+v %+v", m, m.Run)
		}
	}
}

// What a person stopped can be continued, again and again; while an answer is being written nothing is.
func TestAStoppedAnswerIsContinued(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "pergunta n=100000 gap=3ms")
	c.await("text", func(f in) bool { return f.K == "delta" })
	start := c.event(ok.Conv, "run.start")
	if f := c.do(map[string]any{"t": "continue", "cid": "early", "msg": start.Msg}); f.Code != "conv_busy" {
		t.Errorf("while it is being written: %s", f.raw)
	}
	c.do(map[string]any{"t": "stop", "run": ok.Run})
	end := c.ended(ok.Run)
	if end.State != "stopped" || !end.Continue {
		t.Fatalf("end: %s", end.raw)
	}
	if f := c.do(map[string]any{"t": "continue", "cid": "early", "msg": start.Msg}); f.T != "ok" || f.Dup {
		t.Errorf("once it has ended: %s", f.raw)
	} else if rest := c.ended(f.Run); rest.State != "complete" {
		t.Errorf("its end: %s", rest.raw)
	}
	calls := w.upstream.asked("Continue exatamente")
	if told := calls[0].messages; !strings.HasPrefix(told[2].Content, c.text(ok.Conv, ok.Run)) {
		t.Errorf("told of %d bytes", len(told[2].Content))
	}
}
