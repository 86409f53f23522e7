package llm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
)

// A Script is how a rehearsal answers. It is written as directives, one a line or separated by ";", each at most once:
//
//	wait DURATION           before the first token (default 400ms)
//	pace DURATION           between tokens (default 40ms, so 25 tokens a second)
//	say TEXT                answers with TEXT (up to the end of the directive)
//	tokens N                answers with N numbered tokens, "‹000042› "; none at all for 0
//	think N                 N pieces of reasoning before the answer
//	fail CODE [DURATION]    fails with a code of the protocol, with or without "llm_"; the duration is when to come again
//	after N                 the number of tokens before fail, cut or stall (default 0)
//	cut                     the answer ends without a finish reason
//	stall                   nothing more comes
//	times N                 fail, cut or stall strike only the first N requests to this configuration
//	usage IN OUT            what the model claims to have used, true or not; "usage none" claims nothing
//	finish REASON           instead of "stop"
type Script struct {
	wait, pace time.Duration
	say        string
	tokens     int
	think      int
	fault      string // "", "cut", "stall" or a code
	retryIn    time.Duration
	after      int
	times      int64 // 0: always
	usage      *[2]float64
	noUsage    bool
	finish     string
}

// ParseScript reads a script. Errors name the directive.
func ParseScript(text string) (Script, error) {
	s := Script{wait: 400 * time.Millisecond, pace: 40 * time.Millisecond, tokens: -1, finish: "stop"}
	seen := map[string]bool{}
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == ';' }) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" {
			continue
		}
		if seen[word] {
			return Script{}, fmt.Errorf("directive %q is there twice", word)
		}
		seen[word] = true
		if err := s.set(word, strings.TrimSpace(rest)); err != nil {
			return Script{}, fmt.Errorf("directive %q: %w", word, err)
		}
	}
	if s.after > 0 && s.fault == "" {
		return Script{}, errors.New(`directive "after" needs fail, cut or stall`)
	}
	return s, nil
}

// What a script may ask for at most.
const (
	maxScriptCount    = 1_000_000
	maxScriptDuration = 10 * time.Minute
)

func (s *Script) set(word, rest string) (err error) {
	switch word {
	case "wait":
		s.wait, err = scriptDuration(rest)
	case "pace":
		s.pace, err = scriptDuration(rest)
	case "say":
		s.say = rest
	case "tokens":
		s.tokens, err = scriptCount(rest)
	case "think":
		s.think, err = scriptCount(rest)
	case "after":
		s.after, err = scriptCount(rest)
	case "times":
		var n int
		n, err = scriptCount(rest)
		s.times = int64(n)
	case "finish":
		s.finish = rest
	case "cut", "stall", "fail":
		if s.fault != "" {
			return errors.New("there is a fault already")
		}
		return s.setFault(word, rest)
	case "usage":
		if rest == "none" {
			s.noUsage = true
			return nil
		}
		var u [2]float64
		if _, err = fmt.Sscan(rest, &u[0], &u[1]); err != nil {
			return errors.New("two numbers or none expected")
		}
		s.usage = &u
	default:
		return errors.New("not known")
	}
	return err
}

func (s *Script) setFault(word, rest string) (err error) {
	if word != "fail" {
		s.fault = word
		return nil
	}
	code, in, timed := strings.Cut(rest, " ")
	if !strings.HasPrefix(code, "llm_") {
		code = "llm_" + code
	}
	if _, known := failures[code]; !known {
		return errors.New("not a code of a model")
	}
	s.fault = code
	if timed {
		s.retryIn, err = scriptDuration(strings.TrimSpace(in))
	}
	return err
}

func scriptCount(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > maxScriptCount {
		return 0, fmt.Errorf("a number from 0 to %d expected", maxScriptCount)
	}
	return n, nil
}

func scriptDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxScriptDuration {
		return 0, fmt.Errorf("a duration from 0s to %s expected, such as 250ms", maxScriptDuration)
	}
	return d, nil
}

// failures are the codes a script may name, and whether trying again at once makes sense.
var failures = map[string]bool{
	CodeAuth: false, CodeConfig: false, CodeRateLimited: true, CodeUnavailable: true, CodeTimeout: false, CodeTruncated: true,
	CodeBadStream: true, CodeFiltered: false, CodeTooLong: false, CodeEmpty: true,
}

// rehearsal answers without a model: the same question always gets the same answer, at the pace of a real model. It says
// of itself that it is none.
type rehearsal struct {
	target Target
	bounds Bounds
	asked  *atomic.Int64 // requests to this configuration so far
}

func (p *rehearsal) Stream(ctx context.Context, r Request) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		s, err := ParseScript(p.target.Script)
		if err != nil {
			yield(Chunk{}, &Error{Code: CodeConfig, Reason: "the script of the rehearsal can't be read", Verdict: Misconfigured})
			return
		}
		if n := p.asked.Add(1); s.times > 0 && n > s.times {
			s.fault = ""
		}
		if err := p.play(ctx, s, r, yield); err != nil {
			yield(Chunk{}, err)
		}
	}
}

// play yields the answer; the error that ends it is the caller's to yield. A consumer that has had enough gets nil.
func (p *rehearsal) play(ctx context.Context, s Script, r Request, yield func(Chunk, error) bool) error {
	tokens := words(s.answer(r))
	model := p.target.Model
	if model == "" {
		model = "ensaio"
	}
	if err := pause(ctx, s.wait, p.bounds.FirstToken); err != nil {
		return err
	}
	var out, thought strings.Builder
	bound := p.bounds.FirstToken
	for i := range s.think + len(tokens) + 1 {
		if i-s.think == s.after && s.fault != "" {
			return p.strike(ctx, s, bound)
		}
		if i == s.think+len(tokens) {
			break
		}
		c := Chunk{Model: model}
		if i < s.think {
			c.Reasoning = fmt.Sprintf("Pensando no passo %d. ", i+1)
			thought.WriteString(c.Reasoning)
		} else {
			c.Text = tokens[i-s.think]
			out.WriteString(c.Text)
		}
		if !yield(c, nil) {
			return nil
		}
		bound = p.bounds.Idle
		if err := pause(ctx, s.pace, bound); err != nil {
			return err
		}
	}
	if out.Len() == 0 {
		return emptyAnswer(s.finish)
	}
	yield(Chunk{Model: model, Finish: finishReason(s.finish), Usage: s.claim(r, out.String(), thought.String())}, nil)
	return nil
}

// strike is the script's fault.
func (p *rehearsal) strike(ctx context.Context, s Script, bound time.Duration) error {
	switch s.fault {
	case "cut":
		return truncated()
	case "stall":
		return pause(ctx, bound+1, bound)
	}
	e := &Error{Code: s.fault, Reason: "the script of the rehearsal says so", RetryIn: s.retryIn, again: failures[s.fault]}
	if e.Code == CodeRateLimited {
		e.Status, e.Verdict = 429, RateLimited
	}
	return e
}

// claim is what the rehearsal reports as used. The checks are those of a real provider's report.
func (s Script) claim(r Request, text, thought string) *Usage {
	if s.noUsage {
		return nil
	}
	if s.usage != nil {
		in, okIn := tokenCount(s.usage[0])
		out, okOut := tokenCount(s.usage[1])
		if !okIn || !okOut {
			return nil
		}
		return (&Usage{In: in, Out: out}).plausible(len(text))
	}
	u := &Usage{Out: CountTokens(text), Reasoning: CountTokens(thought)}
	u.Out += u.Reasoning
	for _, m := range r.Messages {
		u.In += CountTokens(m.Text) + 4
	}
	return u
}

// pause waits, but no longer than a real provider might be silent.
func pause(ctx context.Context, d, bound time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	late := d > bound
	timer := time.NewTimer(min(d, bound))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		if late {
			return &Error{Code: CodeTimeout, Reason: "the model was silent for too long", Verdict: TooSlow}
		}
		return nil
	}
}

// answer is the whole text of the answer.
func (s Script) answer(r Request) string {
	switch {
	case s.say != "":
		return s.say
	case s.tokens >= 0:
		var b strings.Builder
		for i := range s.tokens {
			fmt.Fprintf(&b, "‹%06d› ", i+1)
		}
		return b.String()
	}
	question := ""
	if n := len(r.Messages); n > 0 {
		question = excerpt(r.Messages[n-1].Text, 200)
	}
	return fmt.Sprintf(sample, question, len([]rune(question)))
}

// excerpt is the beginning of a text on one line.
func excerpt(text string, limit int) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > limit {
		return string(line[:limit]) + "…"
	}
	return string(line)
}

// sample shows every kind of content that the interface knows.
const sample = `Esta é uma resposta de **ensaio**: nenhum modelo de linguagem está configurado nesta instalação, por isso ninguém pensou sobre a sua mensagem.

> %s

Você pode usar esta conversa para conhecer o portal:

1. Pare a resposta no meio com o botão **Parar**.
2. Recarregue a página enquanto ela ainda está sendo escrita: nada se perde.
3. Abra a mesma conversa em outro aparelho e veja as palavras chegarem nos dois.

| O que testar | Como | O que esperar |
| --- | --- | --- |
| Lista | itens numerados acima | numeração correta |
| Tabela | esta aqui | rolagem própria em telas estreitas |
| Código | o bloco abaixo | botão de copiar |

` + "```go" + `
package main

import "fmt"

func main() {
	fmt.Println("Olá! A sua mensagem tem %d caracteres.")
}
` + "```" + `

Para receber respostas de verdade, um administrador cadastra um modelo pela interface REST (/api/v1/docs, em *llm-configs*): qualquer serviço compatível com a API da OpenAI ou o Gemini.`

// words cuts a text into pieces of the size of tokens: a word with the space after it.
func words(text string) []string {
	var out []string
	start, inSpace := 0, false
	for i, r := range text {
		space := unicode.IsSpace(r)
		if !space && inSpace && i > start {
			out = append(out, text[start:i])
			start = i
		}
		inSpace = space
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}
