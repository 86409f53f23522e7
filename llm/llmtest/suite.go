package llmtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"aihub/llm"
)

// Canary is a key that upstreams of the suite echo; it must never come out of a client.
const Canary = "sk-canary-7f3a9c1e5b2d8064"

// Bounds are those of ordinary cases: none of them comes near a bound of time, however busy the machine is.
var Bounds = llm.Bounds{Connect: 10 * time.Second, FirstToken: 20 * time.Second, Idle: 20 * time.Second, Total: time.Minute, Line: 64 << 10, Answer: 64 << 10,
	Stream: 4 << 20, Retries: -1, Trips: 1 << 30}

// slowBounds are those that slow cases wait for.
func slowBounds() llm.Bounds {
	b := Bounds
	b.FirstToken, b.Idle = 1500*time.Millisecond, time.Second
	return b
}

// slack is what a busy machine may add.
const slack = 2 * time.Second

// A Result is what a stream came to.
type Result struct {
	Text, Reasoning, Finish, Model string
	Usage                          *llm.Usage
	Chunks                         int
	Err                            error
	Took                           time.Duration
}

// Code is the code of the error; "" without one.
func (r Result) Code() string {
	var e *llm.Error
	if errors.As(r.Err, &e) {
		return e.Code
	}
	if r.Err != nil {
		return "other: " + r.Err.Error()
	}
	return ""
}

// Ask streams one answer and checks what holds for every stream.
func Ask(ctx context.Context, t testing.TB, c *llm.Client, targets ...llm.Target) (r Result) {
	t.Helper()
	start := time.Now()
	var text, reasoning strings.Builder
	for chunk, err := range c.Stream(ctx, targets, llm.Request{Messages: []llm.Message{{Role: "system", Text: "Responda em português."}, {Role: "user", Text: "Oi"}, {Role: "assistant", Text: "Olá!"}, {Role: "user", Text: "Tudo bem?"}}}) {
		if r.Finish != "" || r.Err != nil {
			t.Errorf("something follows the end: %+v, %v", chunk, err)
		}
		if err != nil {
			r.Err = err
			continue
		}
		r.Chunks++
		text.WriteString(chunk.Text)
		reasoning.WriteString(chunk.Reasoning)
		if chunk.Model != "" {
			r.Model = chunk.Model
		}
		r.Finish, r.Usage = chunk.Finish, chunk.Usage
		if chunk.Text == "" && chunk.Reasoning == "" && chunk.Finish == "" {
			t.Error("an empty chunk")
		}
	}
	r.Took, r.Text, r.Reasoning = time.Since(start), text.String(), reasoning.String()
	if (r.Finish == "") == (r.Err == nil) {
		t.Errorf("finish %q and error %v", r.Finish, r.Err)
	}
	if r.Code() == "" && r.Text == "" && r.Err == nil {
		t.Error("complete without a text")
	}
	all := fmt.Sprintf("%+v %v %+v", r, r.Err, r.Err)
	if strings.Contains(all, Canary) {
		t.Errorf("the key comes out: %.300s", all)
	}
	return r
}

// Run puts a provider through all cases of its dialect.
func Run(t *testing.T, provider string, d Dialect) {
	client, slow := llm.New(llm.Options{Bounds: Bounds}), llm.New(llm.Options{Bounds: slowBounds()})
	t.Cleanup(client.Close)
	t.Cleanup(slow.Close)
	one := func(t *testing.T, client *llm.Client, c Case) time.Duration {
		up := NewUpstream(t, c.Serve)
		target := llm.Target{ID: c.Name, Tenant: "alfa", Provider: provider, BaseURL: up.URL, APIKey: Canary, Model: "m-1", Private: true}
		r := Ask(t.Context(), t, client, target)
		c.check(t, r)
		if up.Requests() > 1 {
			t.Errorf("%s: %d requests", c.Name, up.Requests())
		}
		return r.Took
	}
	cases := Cases(d)
	t.Logf("%d cases", len(cases))
	for _, c := range cases {
		if !c.Slow {
			t.Run(c.Name, func(t *testing.T) { one(t, client, c) })
		}
	}
	t.Run("silences", func(t *testing.T) { // all at once: they only wait
		var waiting sync.WaitGroup
		var mu sync.Mutex
		var n int
		var longest time.Duration
		for _, c := range cases {
			if c.Slow {
				waiting.Go(func() {
					took := one(t, slow, c)
					mu.Lock()
					n, longest = n+1, max(longest, took)
					mu.Unlock()
				})
			}
		}
		waiting.Wait()
		b := slowBounds()
		t.Logf("%d silences; the longest took %s, with %s for a first token and %s for the next", n, longest.Round(time.Millisecond), b.FirstToken, b.Idle)
	})
	t.Run("stopped", func(t *testing.T) { stopped(t, client, provider, d) })
	t.Run("left", func(t *testing.T) { left(t, client, provider, d) })
	t.Run("connections are used again", func(t *testing.T) { reused(t, client, provider, d) })
	t.Run("worn connections", func(t *testing.T) { worn(t, client, provider, d) })
	t.Run("echo", func(t *testing.T) { echo(t, client, provider, d) })
	t.Run("fallback and retry", func(t *testing.T) { fallback(t, provider, d) })
}

func (c Case) check(t *testing.T, r Result) {
	t.Helper()
	if r.Code() != c.Code {
		t.Errorf("%s: code %q, want %q; %.400s", c.Name, r.Code(), c.Code, fmt.Sprintf("%v; %+v", r.Err, r))
		return
	}
	if r.Text != c.Text && !c.AnyText {
		t.Errorf("%s: text %.200q, want %.200q", c.Name, r.Text, c.Text)
	}
	if r.Reasoning != c.Reasoning && !c.AnyText {
		t.Errorf("%s: reasoning %q, want %q", c.Name, r.Reasoning, c.Reasoning)
	}
	if c.Code == "" {
		if r.Finish != c.Finish {
			t.Errorf("%s: finish %q, want %q", c.Name, r.Finish, c.Finish)
		}
		if (r.Usage == nil) != (c.Usage == nil) || r.Usage != nil && *r.Usage != *c.Usage {
			t.Errorf("%s: usage %+v, want %+v", c.Name, r.Usage, c.Usage)
		}
	} else if e := new(llm.Error); errors.As(r.Err, &e) && e.RetryIn.Round(100*time.Millisecond) != c.RetryIn {
		t.Errorf("%s: retry in %s, want %s", c.Name, e.RetryIn, c.RetryIn)
	}
	if b := slowBounds(); c.Slow && r.Took > b.FirstToken+slack {
		t.Errorf("%s: took %s", c.Name, r.Took)
	}
}

// stopped: the end of the context ends the stream and the request at once.
func stopped(t *testing.T, client *llm.Client, provider string, d Dialect) {
	gone := make(chan struct{})
	up := NewUpstream(t, func(c *Conn) {
		c.Stream()
		c.Send(Event(d.Text("Olá")))
		c.Wait()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	start := time.Now()
	time.AfterFunc(100*time.Millisecond, cancel)
	r := Ask(ctx, t, client, llm.Target{ID: t.Name(), Provider: provider, BaseURL: up.URL, APIKey: Canary, Model: "m-1", Private: true})
	if !errors.Is(r.Err, context.Canceled) || r.Text != "Olá" || time.Since(start) > slack {
		t.Errorf("%+v", r)
	}
	select {
	case <-gone:
	case <-time.After(slack):
		t.Error("the upstream still has its connection")
	}
}

// left: a consumer that breaks off ends the request too.
func left(t *testing.T, client *llm.Client, provider string, d Dialect) {
	gone := make(chan struct{})
	up := NewUpstream(t, func(c *Conn) {
		c.Stream()
		c.Send(Event(d.Text("Olá")))
		c.Wait()
		close(gone)
	})
	target := llm.Target{ID: t.Name(), Provider: provider, BaseURL: up.URL, APIKey: Canary, Model: "m-1", Private: true}
	for range client.Stream(t.Context(), []llm.Target{target}, llm.Request{Messages: []llm.Message{{Role: "user", Text: "Oi"}}}) {
		break
	}
	select {
	case <-gone:
	case <-time.After(slack):
		t.Error("the upstream still has its connection")
	}
}

// reused: answers one after another need one connection.
func reused(t *testing.T, client *llm.Client, provider string, d Dialect) {
	up := NewUpstream(t, func(c *Conn) {
		c.Keep()
		c.Chunks()
		c.Send(Chunk(Event(d.Text("Olá"))), Chunk(Event(d.Finish(d.Stop()))+d.End()), LastChunk)
	})
	for range 20 {
		if r := Ask(t.Context(), t, client, llm.Target{ID: t.Name(), Provider: provider, BaseURL: up.URL, APIKey: Canary, Model: "m-1", Private: true}); r.Text != "Olá" || r.Err != nil {
			t.Fatalf("%+v", r)
		}
	}
	if n := up.Connections(); n != 1 {
		t.Errorf("%d connections for 20 answers", n)
	}
}

// worn: a kept connection that the upstream closes when it is used again costs no answer.
func worn(t *testing.T, client *llm.Client, provider string, d Dialect) {
	up := NewUpstream(t, func(c *Conn) {
		if c.N%2 == 0 {
			return
		}
		c.Keep()
		c.Chunks()
		c.Send(Chunk(Event(d.Text("Olá"))), Chunk(Event(d.Finish(d.Stop()))+d.End()), LastChunk)
	})
	for range 3 {
		if r := Ask(t.Context(), t, client, llm.Target{ID: t.Name(), Provider: provider, BaseURL: up.URL, APIKey: Canary, Model: "m-1", Private: true}); r.Text != "Olá" || r.Err != nil {
			t.Fatalf("%+v", r)
		}
	}
	if up.Requests() != 5 {
		t.Errorf("%d requests", up.Requests())
	}
}

// echo: a key that the upstream sends back in its answer does not come out, wherever it is cut.
func echo(t *testing.T, client *llm.Client, provider string, d Dialect) {
	for cut := range len(Canary) {
		up := NewUpstream(t, func(c *Conn) {
			if !strings.Contains(fmt.Sprint(c.Request.Header), Canary) || strings.Contains(c.Request.URL.String(), Canary) {
				t.Errorf("the key is not in a header, or in the URL %s", c.Request.URL)
			}
			c.Stream()
			c.Send(Event(d.Text("a "+Canary[:cut])), Event(d.Text(Canary[cut:]+" z")), Event(d.Reasoning(Canary)), Event(d.Finish(d.Stop())), d.End())
		})
		r := Ask(t.Context(), t, client, llm.Target{ID: t.Name(), Provider: provider, BaseURL: up.URL, APIKey: Canary, Model: "m-1", Private: true})
		if r.Text != "a ••• z" || r.Reasoning != "•••" {
			t.Fatalf("%+v", r)
		}
	}
}

// fallback: before the first token failures are repeated and then passed on to the reserve; after it never.
func fallback(t *testing.T, provider string, d Dialect) {
	bounds := Bounds
	bounds.Retries, bounds.Backoff = 2, time.Millisecond
	client := llm.New(llm.Options{Bounds: bounds})
	defer client.Close()
	target := func(serve func(*Conn)) (llm.Target, *Upstream) {
		up := NewUpstream(t, serve)
		return llm.Target{ID: up.URL, Provider: provider, BaseURL: up.URL, APIKey: Canary, Model: "m-1", Private: true}, up
	}
	good, _ := target(func(c *Conn) {
		c.Stream()
		c.Send(Event(d.Text("reserva")), Event(d.Finish(d.Stop())), d.End())
	})
	down, up := target(func(c *Conn) { c.Head("503 Service Unavailable") })
	if r := Ask(t.Context(), t, client, down, good); r.Text != "reserva" || up.Requests() != 3 {
		t.Errorf("%+v after %d requests", r, up.Requests())
	}
	refused, up := target(func(c *Conn) { c.Head("401 Unauthorized") })
	if r := Ask(t.Context(), t, client, refused, good); r.Text != "reserva" || up.Requests() != 1 {
		t.Errorf("%+v after %d requests", r, up.Requests())
	}
	shaky, up := target(func(c *Conn) {
		if c.N < 3 {
			c.Head("429 Too Many Requests", "Retry-After: 0")
			return
		}
		c.Stream()
		c.Send(Event(d.Text("Olá")), Event(d.Finish(d.Stop())), d.End())
	})
	if r := Ask(t.Context(), t, client, shaky, good); r.Text != "Olá" || up.Requests() != 3 {
		t.Errorf("%+v after %d requests", r, up.Requests())
	}
	broken, up := target(func(c *Conn) { c.Stream(); c.Send(Event(d.Text("Olá"))) })
	if r := Ask(t.Context(), t, client, broken, good); r.Text != "Olá" || r.Code() != llm.CodeTruncated || up.Requests() != 1 {
		t.Errorf("%+v after %d requests", r, up.Requests())
	}
	gone := llm.Target{ID: "gone", Provider: provider, BaseURL: "http://127.0.0.1:1", APIKey: Canary, Model: "m-1", Private: true}
	if r := Ask(t.Context(), t, client, gone, good); r.Text != "reserva" {
		t.Errorf("%+v", r)
	}
}
