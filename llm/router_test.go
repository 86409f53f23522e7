package llm

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func script(id, s string) Target {
	return Target{ID: id, Tenant: "alfa", Provider: Rehearsal, Model: id, Script: s}
}

func TestTheReserveAnswersOnlyBeforeTheFirstToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		o := collect(t.Context(), c, []Target{script("first", "fail unavailable"), script("second", "say Aqui estou.")}, "Olá")
		if o.err != nil || o.text != "Aqui estou." || o.target != 1 || o.model != "second" {
			t.Fatalf("%+v", o)
		}
		o = collect(t.Context(), c, []Target{script("third", "fail unavailable; after 1; tokens 5"), script("second", "say Aqui estou.")}, "Olá")
		if code(o.err) != CodeUnavailable || o.text != "‹000001› " || o.target != 0 {
			t.Fatalf("mixed or hidden: %+v", o)
		}
		o = collect(t.Context(), c, []Target{script("fourth", "fail unavailable; after 1; think 3; tokens 5"), script("second", "say Aqui estou.")}, "Olá")
		if code(o.err) != CodeUnavailable || o.text == "Aqui estou." {
			t.Fatalf("reasoning was shown, yet the reserve answered: %+v", o)
		}
	})
}

func TestAFailureIsRepeatedWithGrowingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		o := collect(t.Context(), New(Options{}), []Target{script("a", "fail unavailable; times 2; say oi; wait 0s")}, "Olá")
		if o.err != nil || o.text != "oi" {
			t.Fatalf("%+v", o)
		}
		if took := time.Since(start); took < 900*time.Millisecond || took > 2*time.Second {
			t.Errorf("two waits took %s", took)
		}
		start = time.Now()
		o = collect(t.Context(), New(Options{}), []Target{script("a", "fail rate_limited 3s; times 1; say oi; wait 0s")}, "Olá")
		if took := time.Since(start); o.err != nil || took < 3*time.Second || took > 4*time.Second {
			t.Errorf("told to wait 3 s: %v after %s", o.err, took)
		}
		start = time.Now()
		o = collect(t.Context(), New(Options{}), []Target{script("a", "fail rate_limited 1m; times 1; say oi; wait 0s")}, "Olá")
		e, _ := o.err.(*Error)
		if took := time.Since(start); e == nil || e.Code != CodeRateLimited || e.RetryIn != time.Minute || took > time.Second {
			t.Errorf("told to wait a minute: %v after %s", o.err, took)
		}
		start = time.Now()
		o = collect(t.Context(), New(Options{}), []Target{script("a", "fail auth; wait 0s")}, "Olá")
		if took := time.Since(start); code(o.err) != CodeAuth || took > 100*time.Millisecond {
			t.Errorf("a refused key was tried again: %v after %s", o.err, took)
		}
	})
}

func TestABreakerKeepsRequestsAwayAndLetsOneTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Bounds: Bounds{Retries: -1}})
		bad, good := script("a", "fail unavailable; times 6; say oi; wait 0s; pace 0s"), script("b", "say reserva; wait 0s; pace 0s")
		for range 5 {
			if o := collect(t.Context(), c, []Target{bad}, "Olá"); code(o.err) != CodeUnavailable {
				t.Fatalf("%+v", o)
			}
		}
		o := collect(t.Context(), c, []Target{bad}, "Olá")
		if e, _ := o.err.(*Error); e == nil || e.Code != CodeUnavailable || e.RetryIn <= 0 || !strings.Contains(e.Reason, "not asked") {
			t.Fatalf("%+v", o)
		}
		if o := collect(t.Context(), c, []Target{bad, good}, "Olá"); o.text != "reserva" {
			t.Fatalf("%+v", o)
		}
		if o := collect(t.Context(), c, []Target{{ID: "a", Tenant: "beta", Provider: Rehearsal, Script: "say oi"}}, "Olá"); o.text != "oi" {
			t.Fatalf("another tenant's breaker: %+v", o)
		}
		time.Sleep(10 * time.Second)
		if o := collect(t.Context(), c, []Target{bad}, "Olá"); code(o.err) != CodeUnavailable { // the sixth failure
			t.Fatalf("%+v", o)
		}
		time.Sleep(10 * time.Second)
		if o := collect(t.Context(), c, []Target{bad}, "Olá"); o.err == nil || !strings.Contains(o.err.Error(), "not asked") {
			t.Fatalf("asked too early, the time doubles: %+v", o)
		}
		time.Sleep(10 * time.Second)
		if o := collect(t.Context(), c, []Target{bad}, "Olá"); o.text != "oi" {
			t.Fatalf("%+v", o)
		}
	})
}

func TestAnAnswerHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Bounds: Bounds{Answer: 100, Total: 30 * time.Second}})
		if o := collect(t.Context(), c, []Target{script("a", "tokens 1000")}, "Olá"); code(o.err) != CodeTooLong || len(o.text) > 100 || o.text == "" {
			t.Fatalf("%+v", o)
		}
		start := time.Now()
		if o := collect(t.Context(), c, []Target{script("b", "tokens 10; pace 10s")}, "Olá"); code(o.err) != CodeTooLong || time.Since(start) != 30*time.Second {
			t.Fatalf("%+v after %s", o, time.Since(start))
		}
		start = time.Now()
		slow := []Target{script("c", "wait 25s; cut"), script("d", "wait 25s; cut")}
		if o := collect(t.Context(), c, slow, "Olá"); code(o.err) != CodeTimeout || time.Since(start) != 30*time.Second {
			t.Fatalf("%+v after %s", o, time.Since(start))
		}
	})
}

func TestAKeyThatIsEchoedIsNotShown(t *testing.T) {
	const key = "sk-live-0123456789abcdef"
	for cut := range len(key) + 1 {
		r := newRedactor(key)
		text := "antes " + key + " depois"
		got := r.clean(text[:6+cut]) + r.clean(text[6+cut:]) + r.rest()
		if got != "antes ••• depois" {
			t.Fatalf("cut at %d: %q", cut, got)
		}
	}
	r := newRedactor(key)
	got := ""
	for _, b := range []byte("sk-sk-live-" + key + key + "sk-l") {
		got += r.clean(string(b))
	}
	if got += r.rest(); got != "sk-sk-live-••••••sk-l" {
		t.Fatalf("byte by byte: %q", got)
	}
}
