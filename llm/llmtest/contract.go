package llmtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"aihub/llm"
)

// A Play is what a provider shall do, said without any wire.
type Play struct {
	Text     []string
	Thoughts int
	Finish   string
	Usage    *llm.Usage // nil: none is reported
	Fault    string     // "", "cut", "stall" or a code; strikes after Text
}

// RunContract checks what holds for every provider. target makes one that plays a play.
func RunContract(t *testing.T, target func(t *testing.T, p Play) llm.Target) {
	patient, slow := llm.New(llm.Options{Bounds: Bounds}), llm.New(llm.Options{Bounds: slowBounds()})
	t.Cleanup(patient.Close)
	t.Cleanup(slow.Close)
	text := []string{"‹000001› ", "‹000002› ", "‹000003› "}
	all := strings.Join(text, "")
	for name, c := range map[string]struct {
		play       Play
		code, text string
	}{
		"complete":                 {Play{Text: text, Finish: "stop", Usage: &llm.Usage{In: 9, Out: 4}}, "", all},
		"without a report":         {Play{Text: text, Finish: "length"}, "", all},
		"answered for nothing":     {Play{Text: text, Finish: "stop", Usage: &llm.Usage{}}, "", all},
		"with thoughts":            {Play{Text: text, Thoughts: 3, Finish: "stop"}, "", all},
		"empty":                    {Play{Finish: "stop"}, llm.CodeEmpty, ""},
		"withheld":                 {Play{Finish: "content_filter"}, llm.CodeFiltered, ""},
		"cut at once":              {Play{Fault: "cut"}, llm.CodeTruncated, ""},
		"cut":                      {Play{Text: text, Fault: "cut"}, llm.CodeTruncated, all},
		"silent at once":           {Play{Fault: "stall"}, llm.CodeTimeout, ""},
		"silent":                   {Play{Text: text, Fault: "stall"}, llm.CodeTimeout, all},
		"refused key":              {Play{Fault: llm.CodeAuth}, llm.CodeAuth, ""},
		"limited":                  {Play{Fault: llm.CodeRateLimited}, llm.CodeRateLimited, ""},
		"unavailable":              {Play{Fault: llm.CodeUnavailable}, llm.CodeUnavailable, ""},
		"unavailable after a text": {Play{Text: text, Fault: llm.CodeUnavailable}, llm.CodeUnavailable, all},
	} {
		t.Run(name, func(t *testing.T) {
			client := patient
			if c.play.Fault == "stall" {
				client = slow
			}
			r := Ask(t.Context(), t, client, target(t, c.play))
			if r.Code() != c.code || r.Text != c.text || (r.Reasoning != "") != (c.play.Thoughts > 0) {
				t.Errorf("%+v, want %q and code %q", r, c.text, c.code)
			}
			if c.code == "" && (r.Finish != c.play.Finish || (r.Usage == nil) != (c.play.Usage == nil) || r.Usage != nil && *r.Usage != *c.play.Usage) {
				t.Errorf("finish %q, usage %+v", r.Finish, r.Usage)
			}
			if b := slowBounds(); c.play.Fault == "stall" && r.Took > b.FirstToken+slack {
				t.Errorf("took %s", r.Took)
			}
		})
	}
	t.Run("stopped", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if r := Ask(ctx, t, patient, target(t, Play{Text: text, Fault: "stall"})); !errors.Is(r.Err, context.Canceled) {
			t.Errorf("%+v", r)
		}
	})
}

// Serve is a play on the wire of a dialect.
func Serve(d Dialect, p Play) func(*Conn) {
	codes := map[string]string{llm.CodeAuth: "401 Unauthorized", llm.CodeRateLimited: "429 Too Many Requests", llm.CodeUnavailable: "503 Service Unavailable"}
	return func(c *Conn) {
		if status, coded := codes[p.Fault]; coded && len(p.Text) == 0 {
			c.Head(status)
			return
		}
		c.Stream()
		for range p.Thoughts {
			c.Send(Event(d.Reasoning("Hmm. ")))
		}
		for _, text := range p.Text {
			c.Send(Event(d.Text(text)))
		}
		switch p.Fault {
		case "":
			if p.Usage != nil {
				c.Send(Event(d.Usage(p.Usage.In, p.Usage.Out)))
			}
			finish := p.Finish
			for wire, ours := range d.Finishes() {
				if ours == p.Finish {
					finish = wire
				}
			}
			c.Send(Event(d.Finish(finish)), d.End())
		case "cut":
		case "stall":
			c.Wait()
		default:
			for _, f := range d.Failures() {
				if f.Code == p.Fault {
					c.Send(Event(f.Message))
					return
				}
			}
		}
	}
}
