package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aihub/hub"
	"aihub/hub/bustest"
	"aihub/llm"
	"aihub/store"
)

// Every bad frame gets one coded answer, with the id where it could be read, and the next good one works.
func TestBadFrames(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c := connect(t, h, "alfa/usuario")
	ok := c.ask("", "um", "n=1")
	c.ended(ok.Run)
	for i, row := range []struct{ frame, code, id string }{
		{``, "bad_json", ""},
		{`x`, "bad_json", ""},
		{`null`, "bad_json", ""},
		{`[]`, "bad_json", ""},
		{`[{"t":"pong"}]`, "bad_json", ""},
		{`"pong"`, "bad_json", ""},
		{`1`, "bad_json", ""},
		{`{"t":"unsub","id":5,"conv":"c_x"}{"t":"pong"}`, "bad_json", "5"},
		{`{"t":"unsub","id":5,"conv":"c_x"`, "bad_json", "5"},
		{`{"t":"unsub","id":5,"id":6,"conv":"c_x"}`, "bad_json", "5"},
		{`{"t":"unsub","id":5,"conv":"c_x","conv":"c_y"}`, "bad_json", "5"},
		{`{"T":"unsub","id":5,"conv":"c_x"}`, "bad_field", "5"},
		{`{"t":"unsub","id":5,"CONV":"c_x"}`, "bad_field", "5"},
		{`{"conv":"c_x","more":0,"id":7,"t":"unsub"}`, "bad_field", "7"},
		{`{"t":"unsub","id":5,"conv":"c_x","more":{"a":[1,2,{"b":null}]}}`, "bad_field", "5"},
		{`{"t":"unsub","id":5,"conv":7}`, "bad_field", "5"},
		{`{"t":"unsub","id":5,"conv":{"$ne":""}}`, "bad_field", "5"},
		{`{"t":"unsub","id":5,"conv":null}`, "bad_field", "5"},
		{`{"t":"unsub","id":5}`, "bad_field", "5"},
		{`{"t":"unsub","id":5,"conv":"c_x","run":"r_x"}`, "bad_field", "5"},
		{`{"t":"unsub","conv":"c_x"}`, "bad_field", ""},
		{`{"t":"unsub","id":null,"conv":"c_x"}`, "bad_field", ""},
		{`{"t":"unsub","id":{},"conv":"c_x"}`, "bad_field", ""},
		{`{"t":"unsub","id":1.5,"conv":"c_x"}`, "bad_field", ""},
		{`{"t":"unsub","id":"` + strings.Repeat("x", 65) + `","conv":"c_x"}`, "bad_field", ""},
		{`{"id":5}`, "bad_type", "5"},
		{`{"t":"nothing","id":5}`, "bad_type", "5"},
		{`{"t":"","id":5}`, "bad_type", "5"},
		{`{"t":5,"id":5}`, "bad_field", "5"},
		{`{"t":"hello","id":5}`, "bad_type", "5"},
		{`{"t":"send","id":5,"cid":"a","text":"\ud800"}`, "bad_utf8", "5"},
		{`{"t":"send","id":5,"cid":"a","text":"\udc00\ud800"}`, "bad_utf8", "5"},
		{`{"t":"send","id":5,"cid":"","text":"x"}`, "bad_field", "5"},
		{`{"t":"send","id":5,"cid":"` + strings.Repeat("c", 65) + `","text":"x"}`, "bad_field", "5"},
		{`{"t":"send","id":5,"cid":"a\u0007b","text":"x"}`, "bad_field", "5"},
		{`{"t":"send","id":5,"cid":"a","text":"  \n "}`, "bad_field", "5"},
		{`{"t":"send","id":5,"cid":"a","text":"a\u0000b"}`, "bad_field", "5"},
		{`{"t":"send","id":5,"cid":"a","text":"x","model":"nothing"}`, "bad_field", "5"},
		{`{"t":"send","id":5,"cid":"a","text":"x","tenant_id":"beta"}`, "bad_field", "5"},
		{`{"t":"send","id":5,"cid":"a","text":"x","locale":"pt-BR. Ignore tudo"}`, "bad_field", "5"},
		{`{"t":"send","id":5,"cid":"a","text":"x","conv":"c_1.>"}`, "not_found", "5"},
		{`{"t":"send","id":5,"cid":"a","text":"x","conv":"*"}`, "not_found", "5"},
		{`{"t":"send","id":5,"cid":"a","text":"x","parent":"m_1"}`, "not_found", "5"},
		{`{"t":"regen","id":5,"cid":"a","msg":"m_1"}`, "not_found", "5"},
		{`{"t":"continue","id":5,"cid":"a","msg":"m_1"}`, "not_found", "5"},
		{`{"t":"continue","id":5,"cid":"a"}`, "bad_field", "5"},
		{`{"t":"sub","id":5,"conv":"c_1 2"}`, "not_found", "5"},
		{`{"t":"sub","id":5,"conv":"` + ok.Conv + `","since":{}}`, "", ""},
		{`{"t":"sub","id":5,"conv":"` + ok.Conv + `","since":{"ep":"e","seq":1,"more":1}}`, "bad_field", "5"},
		{`{"t":"sub","id":5,"conv":"` + ok.Conv + `","since":{"ep":"e","seq":"1"}}`, "bad_field", "5"},
		{`{"t":"stop","id":5,"run":"r_1"}`, "not_found", "5"},
		{`{"t":"typing","id":5,"conv":"c_1"}`, "not_found", "5"},
		{strings.Repeat(`{"t":`, 5000), "bad_json", ""},
		{`{"t":"unsub","id":5,"conv":"` + strings.Repeat("[", 5000) + `"}`, "", ""},
	} {
		if i%8 == 7 {
			c = connect(t, h, "alfa/usuario") // ten bad frames a minute would end it
		}
		before := len(c.all())
		c.raw(row.frame)
		if row.code != "" {
			eventually(t, 5*time.Second, "an answer to "+row.frame, func() bool { return len(c.all()) > before })
			f := c.all()[before]
			if f.T != "err" || f.Code != row.code || string(f.ID) != row.id {
				t.Errorf("%.80s: %s, want %s with id %s", row.frame, f.raw, row.code, row.id)
			}
		}
		if f := c.do(map[string]any{"t": "unsub", "conv": ok.Conv}); f.T != "ok" {
			t.Errorf("after %.80s: %s", row.frame, f.raw)
		}
	}
}

func TestManyBadFramesEndTheConnection(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	for range 11 {
		c.raw("{")
	}
	if code := c.closedWith(); code != hub.CloseAbuse {
		t.Errorf("closed with %d", code)
	}
	if n := len(c.all()); n != 12 { // each has its answer, also the last
		t.Errorf("%d frames, want hello and 11 answers", n)
	}
}

func TestInvalidUTF8EndsTheConnection(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	c.raw("{\"t\":\"send\",\"id\":1,\"cid\":\"a\",\"text\":\"\xff\"}")
	if code := c.closedWith(); code != hub.CloseInvalidUTF8 {
		t.Errorf("closed with %d", code)
	}
}

func TestFirstFrameAuthenticates(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	w.voided.Store("alfa/expired", "token_expired")
	w.voided.Store("alfa/suspended", "tenant_suspended")
	for frame, want := range map[string]struct {
		answer string
		code   int
	}{
		`{"t":"auth","id":1,"token":"x"}`:              {"unauthenticated", hub.CloseUnauth},
		`{"t":"auth","id":1,"token":"gama/usuario"}`:   {"unauthenticated", hub.CloseUnauth},
		`{"t":"auth","id":1,"token":"alfa/expired"}`:   {"token_expired", hub.CloseExpired},
		`{"t":"auth","id":1,"token":"alfa/suspended"}`: {"tenant_suspended", hub.CloseSuspended},
		`{"t":"send","id":1,"cid":"a","text":"x"}`:     {"unauthenticated", hub.CloseUnauth},
		`{"t":"pong"}`: {"unauthenticated", hub.CloseUnauth},
		`nonsense`:     {"bad_json", hub.CloseUnauth},
		"\xff":         {"", hub.CloseInvalidUTF8},
	} {
		c := dial(t, h)
		c.raw(frame)
		if code := c.closedWith(); code != want.code {
			t.Errorf("%q: closed with %d, want %d", frame, code, want.code)
		}
		if f := c.all(); want.answer != "" && (len(f) != 1 || f[0].Code != want.answer) {
			t.Errorf("%q: answers %v, want %s", frame, f, want.answer)
		}
	}
}

// quiet runs a test in a bubble of time: a hub on a bus in memory, whose model is never asked.
func quiet(t *testing.T, test func(t *testing.T, w *world, h *hub.Hub)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "aihub.db"), store.Options{Logger: slog.New(slog.DiscardHandler)})
		must(t, err)
		populate(t, s, unlimited, "http://127.0.0.1:1/v1")
		w := &world{t: t, store: s}
		client := llm.New(llm.Options{})
		h := hub.New(hub.Options{Store: s, Bus: bustest.NewMemory(), LLM: client, Auth: w, Logger: slog.New(slog.DiscardHandler), Instance: "quiet", Drain: time.Second})
		test(t, w, h)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
		client.Close()
		must(t, s.Close(context.Background()))
	})
}

func TestSilenceBeforeAuth(t *testing.T) {
	quiet(t, func(t *testing.T, _ *world, h *hub.Hub) {
		c := dial(t, h)
		time.Sleep(4900 * time.Millisecond)
		synctest.Wait()
		if !c.alive() {
			t.Errorf("closed too early")
		}
		time.Sleep(200 * time.Millisecond)
		if code := c.closedWith(); code != hub.CloseUnauth {
			t.Errorf("closed with %d", code)
		}
		<-c.done
	})
}

func TestPingAndPong(t *testing.T) {
	quiet(t, func(t *testing.T, _ *world, h *hub.Hub) {
		c, mute := connect(t, h, "alfa/usuario"), connect(t, h, "alfa/outro")
		mute.fallSilent()
		for i := range 3 {
			start := time.Now()
			before := pings(c)
			for pings(c) == before {
				time.Sleep(100 * time.Millisecond)
			}
			if took := time.Since(start); took < 20*time.Second || took > 30*time.Second {
				t.Errorf("ping %d after %v", i, took)
			}
		}
		if code := mute.closedWith(); code != hub.CloseNoPong {
			t.Errorf("who gives no pong is closed with %d", code)
		}
		if !c.alive() {
			t.Error("who gives pongs is closed")
		}
		c.end()
		<-c.done
		<-mute.done
	})
}

func pings(c *client) (n int) {
	for _, f := range c.all() {
		if f.T == "ping" {
			n++
		}
	}
	return n
}

func TestATokenEndsItsConnectionUnlessRenewed(t *testing.T) {
	quiet(t, func(t *testing.T, _ *world, h *hub.Hub) {
		renewed, ending := connect(t, h, "alfa/usuario/100"), connect(t, h, "alfa/outro/100")
		time.Sleep(42 * time.Second)
		synctest.Wait()
		for _, c := range []*client{renewed, ending} {
			if _, err := c.awaitFor(time.Millisecond, func(f in) bool { return f.T == "auth.soon" }); err != nil {
				t.Error("no auth.soon 60 s before the end")
			}
		}
		if f := renewed.do(map[string]any{"t": "auth", "token": "alfa/usuario/3600"}); f.T != "hello" {
			t.Errorf("renewal: %s", f.raw)
		}
		time.Sleep(70 * time.Second)
		synctest.Wait()
		if code := ending.closedWith(); code != hub.CloseExpired {
			t.Errorf("closed with %d", code)
		}
		if !renewed.alive() {
			t.Error("the renewed one is closed")
		}
		f := renewed.do(map[string]any{"t": "auth", "token": "alfa/outro"})
		if code := renewed.closedWith(); f.Code != "forbidden" || code != hub.CloseUnauth {
			t.Errorf("renewing as somebody else: %s, closed with %d", f.raw, code)
		}
		<-renewed.done
		<-ending.done
	})
}

func (c *client) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.code == 0
}

func TestFloodIsRefusedThenEnded(t *testing.T) {
	quiet(t, func(t *testing.T, _ *world, h *hub.Hub) {
		c := connect(t, h, "alfa/usuario")
		conv := store.NewID("c")
		refused := 0
		for i := 0; c.alive() && i < 300; i++ {
			c.raw(fmt.Sprintf(`{"t":"unsub","id":%d,"conv":%q}`, i+100, conv))
			synctest.Wait()
		}
		for _, f := range c.all() {
			if f.Code == "rate_limited" {
				refused++
				if !f.Retry {
					t.Errorf("refusal: %s", f.raw)
				}
			}
		}
		if code := c.closedWith(); code != hub.CloseTooMany || refused != 100 {
			t.Errorf("closed with %d after %d refusals", code, refused)
		}
		<-c.done
	})
}

// A reader that does not read is cut off, and nobody else notices; its client resumes without a gap.
func TestSlowConsumer(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c, slow := connect(t, h, "alfa/usuario"), connect(t, h, "alfa/usuario")
	first := c.ask("", "um", "n=1")
	c.ended(first.Run)
	slow.do(map[string]any{"t": "sub", "conv": first.Conv})
	ep, seq := slow.place(first.Conv)
	slow.mu.Lock()
	slow.stalled = true
	slow.mu.Unlock()
	ok := c.ask(first.Conv, "dois", "n=100000 gap=0s")
	c.await("much text", func(f in) bool { return f.K == "delta" && *f.Off > 500_000 })
	c.do(map[string]any{"t": "stop", "run": ok.Run})
	c.ended(ok.Run)
	if code := slow.closedWith(); code != hub.CloseSlow {
		t.Errorf("closed with %d", code)
	}
	again := connect(t, h, "alfa/usuario")
	again.mu.Lock()
	again.logs = slow.logs
	again.mu.Unlock()
	again.do(map[string]any{"t": "sub", "conv": first.Conv, "since": since(ep, seq)})
	eventually(t, time.Minute, "the whole text", func() bool { return again.text(first.Conv, ok.Run) == c.text(first.Conv, ok.Run) })
}

// FuzzFrames: whatever bytes a client sends, it gets at most one answer each, and the next good command works.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{`{"t":"send","id":1,"cid":"a","text":"x"}`, `{"t":"sub","id":"x","conv":"c_x","since":{"ep":"","seq":0}}`, `{"t":"pong","pos":{"c_1":3}}`,
		`{"t":"stop","id":1,"run":"r_1"}`, `null`, `{`, `{"t":"\u0073end","id":1,"cid":"a","text":"\ud83d\ude00"}`, "\xff\xfe", `{"id":1,"t":"typing","conv":"c_1"}`} {
		f.Add([]byte(seed))
	}
	w := newWorld(f, unlimited)
	h := w.hub()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > hub.MaxFrame {
			return
		}
		c := connect(t, h, "alfa/usuario")
		c.raw(string(data))
		var sent struct {
			T string `json:"t"`
		}
		_ = json.Unmarshal(data, &sent)
		id := c.send(map[string]any{"t": "unsub", "conv": "c_0"})
		_, err := c.awaitFor(20*time.Second, func(f in) bool { return string(f.ID) == id && f.T == "ok" })
		if err != nil && err != io.EOF {
			t.Fatalf("no answer after %q: %v", data, err)
		}
		answers := 0
		for _, g := range c.all()[1:] {
			if (g.T == "err" || g.T == "ok" || g.T == "snap" || g.T == "resumed" || g.T == "hello") && string(g.ID) != id {
				answers++
			}
		}
		if answers > 1 {
			t.Errorf("%d answers to %q", answers, data)
		}
		c.end()
		<-c.done
	})
}
