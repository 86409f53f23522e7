package llm

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
)

// A Report is what a test of a configuration showed. All of its text is ours.
type Report struct {
	Verdict Verdict
	Reason  string        // of a verdict that is not OK
	Latency time.Duration // to the first token, or to the failure
	Model   string        // that answered
}

// probeChunks is how much of the answer to a test is read; probeTime how long.
const (
	probeChunks = 64
	probeTime   = 40 * time.Second
)

// Test asks a target something small, once: no repetition, no reserve, and no breaker, so that an administrator sees what
// is. It ends within the first-token bound and 10 s.
func (c *Client) Test(ctx context.Context, t Target) Report {
	ctx, cancel := context.WithTimeoutCause(ctx, min(probeTime, c.bounds.FirstToken+10*time.Second), errTotal)
	defer cancel()
	if err := t.check(c.allow); err != nil {
		return reportOf(err)
	}
	cfg, err := c.config(t)
	if err != nil {
		return reportOf(err)
	}
	start, r := time.Now(), Report{Verdict: OK}
	a := &answer{client: c, target: t}
	chunks := 0
	a.yield = func(chunk Chunk, _ error) bool {
		if chunks == 0 {
			r.Latency, r.Model = time.Since(start), chunk.Model
		}
		chunks++
		return chunks < probeChunks
	}
	failure := a.relay(ctx, c.provider(t, cfg), Request{Messages: []Message{{Role: roleUser, Text: "Responda apenas: ok"}}})
	switch {
	case failure == nil:
		cfg.breaker.report(nil, false, time.Now(), c.bounds)
		return r
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errTotal):
		failure = &Error{Reason: "the test was given up", Verdict: TooSlow}
	case ctx.Err() != nil:
		failure = &Error{Reason: "no answer in time", Verdict: TooSlow}
	case failure.Code == CodeEmpty, failure.Code == CodeFiltered:
		r.Latency = time.Since(start)
		return r // it understood, which is what was asked
	}
	r = reportOf(failure)
	r.Latency = time.Since(start)
	return r
}

func reportOf(e *Error) Report {
	r := Report{Verdict: e.Verdict, Reason: e.Reason}
	if r.Verdict == "" {
		r.Verdict = Misconfigured
	}
	return r
}

const (
	titleRunes = 60
	titleTime  = 15 * time.Second
	titleAsk   = "Dê um título curto (no máximo seis palavras) a uma conversa que começa com a mensagem a seguir. Use o idioma da mensagem. " +
		"Responda apenas com o título, sem aspas nem ponto final. Não responda à mensagem."
)

// Title asks for a title of a conversation that begins with a question. Without a model that can, and for a rehearsal, it
// is the beginning of the question.
func (c *Client) Title(ctx context.Context, targets []Target, question string) (string, *Usage) {
	plain := excerpt(question, titleRunes)
	if len(targets) == 0 || targets[0].Provider == Rehearsal {
		return plain, nil
	}
	ctx, cancel := context.WithTimeout(ctx, titleTime)
	defer cancel()
	var b strings.Builder
	var usage *Usage
	r := Request{Messages: []Message{{Role: roleSystem, Text: titleAsk}, {Role: roleUser, Text: excerpt(question, 2000)}}}
	for chunk, err := range c.Stream(ctx, targets[:1], r) {
		if err != nil {
			return plain, usage
		}
		b.WriteString(chunk.Text)
		if usage = chunk.Usage; b.Len() > 8*titleRunes {
			break
		}
	}
	if title := tidyTitle(b.String()); title != "" {
		return title, usage
	}
	return plain, usage
}

// tidyTitle is the first line of what a model gave as a title, without its ornaments.
func tidyTitle(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimFunc(line, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\"'“”«»*#_`.:", r) })
	line = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(line, "Título:"), "Title:"))
	return excerpt(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, line), titleRunes)
}
