package llm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// outcome is what a stream came to.
type outcome struct {
	text, reasoning, finish, model string
	usage                          *Usage
	target, chunks                 int
	err                            error
}

// collect reads a stream to its end.
func collect(ctx context.Context, c *Client, targets []Target, question string) (o outcome) {
	for chunk, err := range c.Stream(ctx, targets, Request{Messages: []Message{{Role: "user", Text: question}}}) {
		if err != nil {
			o.err = err
			continue
		}
		o.chunks++
		o.text += chunk.Text
		o.reasoning += chunk.Reasoning
		o.target = chunk.Target
		if chunk.Model != "" {
			o.model = chunk.Model
		}
		if chunk.Finish != "" {
			o.finish, o.usage = chunk.Finish, chunk.Usage
		}
	}
	return o
}

func code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestTheRehearsalSaysThatItIsNoModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		start := time.Now()
		o := collect(t.Context(), c, []Target{{ID: "r", Provider: Rehearsal}}, "Qual é o prazo?")
		if o.err != nil || o.finish != "stop" || !strings.Contains(o.text, "nenhum modelo de linguagem está configurado") {
			t.Fatalf("%+v", o)
		}
		for _, part := range []string{"Qual é o prazo?", "\n1. ", "| --- |", "```go\n"} {
			if !strings.Contains(o.text, part) {
				t.Errorf("no %q in the answer", part)
			}
		}
		if rate := float64(o.chunks) / time.Since(start).Seconds(); rate < 20 || rate > 30 {
			t.Errorf("%.0f tokens a second, want about 25", rate)
		}
		if again := collect(t.Context(), c, []Target{{ID: "r", Provider: Rehearsal}}, "Qual é o prazo?"); again.text != o.text {
			t.Error("the same question got another answer")
		}
		if o.usage == nil || o.usage.Out != CountTokens(o.text) {
			t.Errorf("usage %+v", o.usage)
		}
	})
}

func TestScripts(t *testing.T) {
	for _, c := range []struct {
		script, text, reasoning, finish, code string
		usage                                 *Usage
	}{
		{script: "say Bom dia!; usage 7 3", text: "Bom dia!", finish: "stop", usage: &Usage{In: 7, Out: 3}},
		{script: "tokens 3\nfinish length\nusage none", text: "‹000001› ‹000002› ‹000003› ", finish: "length"},
		{script: "say oi\nthink 2\nusage 0 0", text: "oi", reasoning: "Pensando no passo 1. Pensando no passo 2. ", finish: "stop", usage: &Usage{}},
		{script: "say oi; usage -1 5", text: "oi", finish: "stop"},
		{script: "say oi; usage 1 1e308", text: "oi", finish: "stop"},
		{script: "say oi; usage NaN 1", text: "oi", finish: "stop"},
		{script: "tokens 400; pace 0s; usage 9 2", text: strings.Repeat("‹000001› ", 0), finish: "stop"},
		{script: "tokens 5; cut; after 2", text: "‹000001› ‹000002› ", code: CodeTruncated},
		{script: "tokens 5; stall; after 1", text: "‹000001› ", code: CodeTimeout},
		{script: "stall", code: CodeTimeout},
		{script: "fail auth", code: CodeAuth},
		{script: "fail llm_rate_limited 30s", code: CodeRateLimited},
		{script: "fail unavailable; after 2; tokens 9", text: "‹000001› ‹000002› ", code: CodeUnavailable},
		{script: "fail unavailable; times 1; say oi; usage none", text: "oi", finish: "stop"},
		{script: "fail something", code: CodeConfig},
		{script: "after 3", code: CodeConfig},
		{script: "wait a while", code: CodeConfig},
		{script: "pace 1s; pace 2s", code: CodeConfig},
		{script: "cut; stall", code: CodeConfig},
	} {
		t.Run(c.script, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := collect(t.Context(), New(Options{}), []Target{{ID: "r", Provider: Rehearsal, Script: c.script}}, "Olá")
				if strings.Contains(c.script, "tokens 400") {
					c.text = o.text
				}
				if o.text != c.text || o.reasoning != c.reasoning || o.finish != c.finish || code(o.err) != c.code {
					t.Fatalf("%+v", o)
				}
				if (o.usage == nil) != (c.usage == nil) || o.usage != nil && *o.usage != *c.usage {
					t.Fatalf("usage %+v, want %+v", o.usage, c.usage)
				}
			})
		})
	}
}

func TestAStoppedAnswerEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		start := time.Now()
		o := collect(ctx, New(Options{}), []Target{{ID: "r", Provider: Rehearsal, Script: "tokens 1000"}}, "Olá")
		if !errors.Is(o.err, context.Canceled) || o.text == "" || time.Since(start) != 2*time.Second {
			t.Fatalf("%v after %s: %+v", o.err, time.Since(start), o)
		}
	})
}
