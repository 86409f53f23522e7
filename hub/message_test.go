package hub_test

import (
	"testing"
	"time"

	"aihub/store"
)

// The whole life of a message: what the model sent is what was shown is what is stored, byte for byte.
func TestWholeLifeOfAMessage(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c := connect(t, h, "alfa/usuario")
	ok := c.ask("", "um", "Olá n=50 usage")
	if ok.Title == "" || ok.Conv == "" || ok.Run == "" || ok.Msg == "" || ok.Seq != 1 || ok.Dup {
		t.Errorf("ok: %s", ok.raw)
	}
	end := c.ended(ok.Run)
	if end.State != "complete" || end.Finish != "stop" || end.Usage.In != 7 || end.Usage.Out != 50 || end.Usage.Estimated {
		t.Errorf("end: %s", end.raw)
	}
	calls := w.upstream.asked("Olá")
	if len(calls) != 1 {
		t.Fatalf("%d calls of the model", len(calls))
	}
	if got := c.text(ok.Conv, ok.Run); got != calls[0].sent() || end.SHA != sum(got) {
		t.Errorf("shown %q, sent %q", got, calls[0].sent())
	}
	question := c.event(ok.Conv, "msg")
	if question.Msg != ok.Msg || question.CID != "um" || question.Text != "Olá n=50 usage" || question.By.ID != "u_alfa_usuario" {
		t.Errorf("msg: %s", question.raw)
	}
	stored, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
	must(t, err)
	if stored.Text != calls[0].sent() || stored.Run.SHA != end.SHA || stored.Run.State != store.RunComplete || stored.Parent != ok.Msg {
		t.Errorf("stored: %+v %+v", stored, stored.Run)
	}
	conv, err := w.tenant("alfa").Conversation(t.Context(), ok.Conv)
	must(t, err)
	if conv.Active.Run != "" {
		t.Errorf("the conversation is still claimed by %q", conv.Active.Run)
	}
	second := c.ask(ok.Conv, "dois", "E agora? n=3")
	c.ended(second.Run)
	calls = w.upstream.asked("E agora?")
	if m := calls[0].messages; len(m) != 4 || m[1].Content != "Olá n=50 usage" || m[2].Role != "assistant" || m[2].Content != stored.Text {
		t.Errorf("the model was told %v", m)
	}
}

// Any instance serves any connection: one asks on the first, another device follows and stops on the second.
func TestTwoInstances(t *testing.T) {
	w := newWorld(t, unlimited)
	one, two := w.hub(), w.hub()
	c, phone := connect(t, one, "alfa/usuario"), connect(t, two, "alfa/usuario")
	ok := c.ask("", "um", "Conte n=10000 gap=2ms")
	snap := phone.do(map[string]any{"t": "sub", "conv": ok.Conv})
	if snap.T != "snap" {
		t.Fatalf("sub: %s", snap.raw)
	}
	phone.await("some text", func(f in) bool { return f.K == "delta" })
	stopped := time.Now()
	if f := phone.do(map[string]any{"t": "stop", "run": ok.Run}); f.T != "ok" {
		t.Fatalf("stop: %s", f.raw)
	}
	a, b := c.ended(ok.Run), phone.ended(ok.Run)
	if took := time.Since(stopped); took > 2*time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if a.State != "stopped" || a.SHA != b.SHA || a.Seq != b.Seq || !a.Usage.Estimated || a.Len == 0 {
		t.Errorf("ends: %s, %s", a.raw, b.raw)
	}
	calls := w.upstream.asked("Conte")
	eventually(t, time.Second, "the model is told to stop", calls[0].wasCut)
	if phone.text(ok.Conv, ok.Run) != c.text(ok.Conv, ok.Run) {
		t.Error("the two devices have different texts")
	}
	if f := c.do(map[string]any{"t": "stop", "run": ok.Run}); f.T != "ok" {
		t.Errorf("stopping twice: %s", f.raw)
	}
}
