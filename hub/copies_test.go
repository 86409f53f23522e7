package hub_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"aihub/hub"
	"aihub/store"
)

// Ten copies of a command at once, over two instances: one message, one call of the model, one charge, one answer.
func TestCopiesOfACommand(t *testing.T) {
	w := newWorld(t, unlimited)
	hubs := []*hub.Hub{w.hub(), w.hub()}
	const rounds, copies = 20, 10
	clients := make([]*client, copies)
	for i := range clients {
		clients[i] = connect(t, hubs[i%2], "alfa/usuario")
	}
	for _, existing := range []bool{false, true} {
		conv := ""
		if existing {
			ok := clients[0].ask("", "existing", "n=1")
			clients[0].ended(ok.Run)
			conv = ok.Conv
		}
		for round := range rounds {
			cid, text := fmt.Sprintf("c%d-%v", round, existing), fmt.Sprintf("pergunta-%d-%v n=5", round, existing)
			answers := make([]in, copies)
			var wg sync.WaitGroup
			for i, c := range clients {
				wg.Go(func() { answers[i] = c.ask(conv, cid, text) })
			}
			wg.Wait()
			firsts := 0
			for _, a := range answers {
				if a.Conv != answers[0].Conv || a.Msg != answers[0].Msg || a.Run != answers[0].Run || a.Seq != answers[0].Seq {
					t.Errorf("copies got %s and %s", answers[0].raw, a.raw)
				}
				if !a.Dup {
					firsts++
				}
			}
			if firsts > 1 {
				t.Errorf("%d copies say that they are the first", firsts)
			}
			clients[0].ended(answers[0].Run)
			if n := len(w.upstream.asked(text)); n != 1 {
				t.Errorf("%d calls of the model", n)
			}
			messages, err := w.tenant("alfa").Messages(t.Context(), answers[0].Conv, "", 100)
			must(t, err)
			asked := 0
			for _, m := range messages {
				if m.Text == text {
					asked++
				}
			}
			if asked != 1 {
				t.Errorf("the question is stored %d times", asked)
			}
		}
	}
	uses, err := w.tenant("alfa").QuotaOf(t.Context(), "u_alfa_usuario", monthly)
	must(t, err)
	if uses[0].MessagesUsed != 2*rounds+1 {
		t.Errorf("%d messages charged, want %d", uses[0].MessagesUsed, 2*rounds+1)
	}
	if open, err := w.tenant("alfa").OpenReservations(t.Context(), later()); err != nil || len(open) != 0 {
		t.Errorf("open reservations: %v, %v", open, err)
	}
}

func TestSameCIDWithAnotherBody(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hub(), "alfa/usuario")
	ok := c.ask("", "um", "primeira n=2")
	c.ended(ok.Run)
	for _, conv := range []string{"", ok.Conv} {
		command := map[string]any{"t": "send", "cid": "um", "text": "segunda n=2"}
		if conv != "" {
			command["conv"] = conv
		}
		if f := c.do(command); f.Code != "idem_mismatch" {
			t.Errorf("another body in %q: %s", conv, f.raw)
		}
		command["text"] = "primeira n=2"
		if f := c.do(command); f.T != "ok" || !f.Dup || f.Msg != ok.Msg || f.Run != ok.Run || f.Seq != ok.Seq || f.Conv != ok.Conv {
			t.Errorf("the same body in %q: %s", conv, f.raw)
		}
	}
	if n := len(w.upstream.asked("segunda")); n != 0 {
		t.Errorf("the model was asked %d times", n)
	}
}

// The order of two devices' messages is the same for both; while one is answered the other is told so.
func TestTwoTabsAtOnce(t *testing.T) {
	w := newWorld(t, unlimited)
	one, two := connect(t, w.hub(), "alfa/usuario"), connect(t, w.hub(), "alfa/usuario")
	ok := one.ask("", "0", "n=1")
	one.ended(ok.Run)
	two.do(map[string]any{"t": "sub", "conv": ok.Conv})
	for round := range 10 {
		var wg sync.WaitGroup
		answers := make([]in, 2)
		for i, c := range []*client{one, two} {
			wg.Go(func() {
				answers[i] = c.do(map[string]any{"t": "send", "conv": ok.Conv, "cid": fmt.Sprint(round, "-", i), "text": "n=4 gap=5ms"})
			})
		}
		wg.Wait()
		for _, a := range answers {
			switch {
			case a.T == "ok":
				one.ended(a.Run)
				two.ended(a.Run)
			case a.Code != "conv_busy" || !a.Retry:
				t.Errorf("send: %s", a.raw)
			}
		}
	}
	epA, seqA := one.place(ok.Conv)
	epB, seqB := two.place(ok.Conv)
	if epA != epB || seqA != seqB {
		t.Errorf("the devices are at %s %d and %s %d", epA, seqA, epB, seqB)
	}
}

// A connection that breaks while its message is taken in does not make the answer fail: the copy on the next one finds it.
func TestASenderWhoseConnectionBreaksIsAnswered(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	const messages = 25
	for i := range messages {
		c := connect(t, h, "alfa/usuario")
		c.raw(fmt.Sprintf(`{"t":"send","id":9,"cid":"cut-%d","text":"n=2"}`, i))
		time.Sleep(time.Duration(i) * 400 * time.Microsecond) // somewhere in the admission
		c.end()
		<-c.done
	}
	again := connect(t, h, "alfa/usuario")
	for i := range messages {
		ok := again.ask("", fmt.Sprint("cut-", i), "n=2")
		eventually(t, 10*time.Second, "its answer is complete", func() bool {
			m, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
			return err == nil && m.Run.State == store.RunComplete
		})
	}
}
