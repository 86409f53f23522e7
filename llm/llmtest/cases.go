package llmtest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"aihub/llm"
)

// A Case is something an upstream does, and what must come of it.
type Case struct {
	Name  string
	Serve func(*Conn)

	Code      string     // "": the answer is complete
	Text      string     // all of the text that is shown; for failures what came before
	AnyText   bool       // the text does not matter
	Finish    string     // of a complete answer
	Usage     *llm.Usage // what is reported; nil: nothing that can be true
	Reasoning string
	RetryIn   time.Duration
	Slow      bool // a bound of time must end it
}

const (
	head    = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	greeted = "Olá, você! 👋🏽 Tudo bem?"
)

// Cases generates everything the suite does to a provider.
func Cases(d Dialect) []Case {
	g := generator{d: d}
	g.complete()
	g.framings()
	g.cuts()
	g.silences()
	g.garbage()
	g.failures()
	g.usages()
	g.finishes()
	g.statuses()
	g.retryAfter()
	g.floods()
	return g.cases
}

type generator struct {
	d     Dialect
	cases []Case
}

func (g *generator) add(c Case) {
	if c.Code == "" && c.Finish == "" {
		c.Finish = "stop"
	}
	g.cases = append(g.cases, c)
}

// good is an ordinary answer.
func (g *generator) good(text string) string {
	return Event(g.d.Text(text)) + Event(g.d.Finish(g.d.Stop())) + g.d.End()
}

// body adds a case whose upstream sends this body after an ordinary head.
func (g *generator) body(name, body string, c Case) {
	c.Name, c.Serve = name, func(conn *Conn) { conn.Stream(); conn.Send(body) }
	g.add(c)
}

func (g *generator) complete() {
	stop := g.d.Stop()
	g.body("ordinary", Event(g.d.Text("Olá, "))+Event(g.d.Text("mundo"))+Event(g.d.Finish(stop))+Event(g.d.Usage(9, 4))+g.d.End(),
		Case{Text: "Olá, mundo", Usage: &llm.Usage{In: 9, Out: 4}})
	g.body("finish with text", Event(g.d.Text("Olá"))+Event(g.d.TextFinish("!", stop))+g.d.End(), Case{Text: "Olá!"})
	g.body("one message", Event(g.d.TextFinish("Olá", stop))+g.d.End(), Case{Text: "Olá"})
	g.body("no end mark", Event(g.d.Text("Olá"))+Event(g.d.Finish(stop)), Case{Text: "Olá"})
	g.body("stop in every message", Event(g.d.TextFinish("Olá", stop))+Event(g.d.TextFinish(", mundo", stop))+Event(g.d.TextFinish("!", stop))+"data: [DONE]\n\n", Case{Text: "Olá, mundo!"})
	g.body("usage in every message", Event(g.d.Text("Olá"))+Event(g.d.Usage(9, 1))+Event(g.d.Usage(9, 3))+Event(g.d.Finish(stop))+Event(g.d.Usage(9, 7))+g.d.End(),
		Case{Text: "Olá", Usage: &llm.Usage{In: 9, Out: 7}})
	g.body("usage before the text", Event(g.d.Usage(9, 2))+g.good("Olá"), Case{Text: "Olá", Usage: &llm.Usage{In: 9, Out: 2}})
	for i, nothing := range g.d.Nothings() {
		g.body(fmt.Sprintf("nothing %d", i), Event(nothing)+Event(g.d.Text("Olá"))+Event(nothing)+Event(g.d.Finish(stop))+Event(nothing)+g.d.End(), Case{Text: "Olá"})
	}
	texts := g.d.Texts(greeted)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		c := Case{Text: greeted}
		if strings.Contains(name, "thought") {
			c.Reasoning = "hm"
		}
		g.body("text as "+name, Event(texts[name])+Event(g.d.Finish(stop))+g.d.End(), c)
	}
	thoughts := g.d.Reasonings("Hmm… ")
	for _, name := range slices.Sorted(maps.Keys(thoughts)) {
		g.body("thinking as "+name, Event(thoughts[name])+Event(thoughts[name])+g.good("Olá"), Case{Text: "Olá", Reasoning: "Hmm… Hmm… "})
	}
	g.add(Case{Name: "not streamed", Text: greeted, Usage: &llm.Usage{In: 9, Out: 4}, Serve: func(c *Conn) {
		c.Head("200 OK", "Content-Type: application/json")
		c.Send(g.d.Whole(greeted))
	}})
	g.add(Case{Name: "not streamed, indented", Text: greeted, Usage: &llm.Usage{In: 9, Out: 4}, Serve: func(c *Conn) {
		c.Head("200 OK", "Content-Type: application/json; charset=utf-8")
		c.Send(indent(g.d.Whole(greeted)))
	}})
}

func (g *generator) framings() {
	plain := Event(g.d.Text("Olá, ")) + Event(g.d.Text(greeted)) + Event(g.d.Finish(g.d.Stop())) + g.d.End()
	want := Case{Text: "Olá, " + greeted}
	for name, body := range map[string]string{
		"LF":                        plain,
		"CRLF":                      strings.ReplaceAll(plain, "\n", "\r\n"),
		"CR":                        strings.ReplaceAll(plain, "\n", "\r"),
		"BOM":                       "\ufeff" + plain,
		"BOM and blank lines":       "\ufeff\n\n\r\n" + plain,
		"no space":                  strings.ReplaceAll(plain, "data: ", "data:"),
		"two spaces":                strings.ReplaceAll(plain, "data: ", "data:  "),
		"single newlines":           strings.ReplaceAll(plain, "\n\n", "\n"),
		"many newlines":             strings.ReplaceAll(plain, "\n\n", "\n\n\n\n"),
		"no last newline":           strings.TrimRight(plain, "\n"),
		"one last newline":          strings.TrimRight(plain, "\n") + "\n",
		"bare lines":                strings.ReplaceAll(plain, "data: ", ""),
		"comments":                  ": hi\n\n" + strings.ReplaceAll(plain, "data: ", ": ping\n\ndata: "),
		"comment in an event":       strings.ReplaceAll(plain, "data: ", ": ping\ndata: "),
		"comment without colon":     ":\n\n" + plain,
		"id, retry and event":       strings.ReplaceAll(plain, "data: ", "id: 7\nretry: 3000\nevent: message\ndata: "),
		"ping events":               strings.ReplaceAll(plain, "data: ", "event: ping\ndata: {}\n\ndata: "),
		"unknown fields":            strings.ReplaceAll(plain, "data: ", "x-field: 1\nnonsense\ndata: "),
		"empty data":                strings.ReplaceAll(plain, "data: ", "data:\n\ndata: "),
		"empty data with a space":   strings.ReplaceAll(plain, "data: ", "data: \n\ndata: "),
		"several lines an event":    multiline(plain),
		"text after the end mark":   plain + "data: [DONE]\n\n" + Event(g.d.Text("more")),
		"blank line of spaces":      strings.ReplaceAll(plain, "\n\n", "\n \n\n"),
		"data in capitals besides":  strings.ReplaceAll(plain, "data: ", "DATA: x\ndata: "),
		"twice the end mark":        plain + "data: [DONE]\n\ndata: [DONE]\n\n",
		"end mark without newlines": strings.TrimSuffix(plain, g.d.End()) + "data: [DONE]",
	} {
		if name == "text after the end mark" {
			body = strings.TrimSuffix(plain, g.d.End()) + "data: [DONE]\n\n" + Event(g.d.Text("more"))
		}
		g.body("framed by "+name, body, want)
	}
	send := func(name string, serve func(*Conn)) { g.add(Case{Name: name, Text: want.Text, Serve: serve}) }
	send("bytes one by one", func(c *Conn) {
		c.Stream()
		for i := range len(plain) {
			c.Send(plain[i : i+1])
		}
	})
	send("chunks of one byte", func(c *Conn) {
		c.Chunks("Connection: close")
		for i := range len(plain) {
			c.Send(Chunk(plain[i : i+1]))
		}
		c.Send(LastChunk)
	})
	send("chunks with extensions and trailers", func(c *Conn) {
		c.Chunks("Trailer: X-Sum", "Connection: close")
		c.Send(strings.Replace(Chunk(plain), "\r\n", ";name=value\r\n", 1), "0\r\nX-Sum: 1\r\n\r\n")
	})
	send("HTTP/1.0", func(c *Conn) { c.Send("HTTP/1.0 200 OK\r\n\r\n", plain) })
	send("informational answers first", func(c *Conn) {
		c.Send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", head, plain)
	})
	send("content length", func(c *Conn) { c.Head("200 OK", "Content-Length: "+strconv.Itoa(len(plain))); c.Send(plain) })
	send("status 201", func(c *Conn) { c.Head("201 Created", "Content-Type: text/event-stream"); c.Send(plain) })
	for _, kind := range []string{"", "Content-Type: text/plain", "Content-Type: application/octet-stream", "Content-Type: application/json", "Content-Type: ;;;", "Content-Type: text/event-stream;charset=UTF-8"} {
		send("as "+kind, func(c *Conn) {
			if kind == "" {
				c.Head("200 OK")
			} else {
				c.Head("200 OK", kind)
			}
			c.Send(plain)
		})
	}
	send("gzip", func(c *Conn) {
		c.Head("200 OK", "Content-Type: text/event-stream", "Content-Encoding: gzip")
		z := gzip.NewWriter(c)
		for part := range strings.SplitAfterSeq(plain, "\n\n") {
			_, _ = z.Write([]byte(part))
			_ = z.Flush()
		}
		_ = z.Close()
	})
	g.add(Case{Name: "unknown compression", Code: llm.CodeBadStream, Serve: func(c *Conn) {
		c.Head("200 OK", "Content-Type: text/event-stream", "Content-Encoding: br")
		c.Send(plain)
	}})
	g.add(Case{Name: "gzip that is none", Code: llm.CodeTruncated, Serve: func(c *Conn) { c.Head("200 OK", "Content-Encoding: gzip"); c.Send(plain) }})
	g.split()
}

// split cuts code points in every place where upstreams do.
func (g *generator) split() {
	const family = "a👨‍👩‍👧é"
	stop := Event(g.d.Finish(g.d.Stop())) + g.d.End()
	raw := Event(g.d.Text("§"))
	before, after, _ := strings.Cut(raw, "§")
	for i := 1; i < len(family); i++ {
		g.body(fmt.Sprintf("code points cut at byte %d", i), before+family[:i]+after+before+family[i:]+after+stop, Case{Text: family})
	}
	var escaped strings.Builder
	for _, unit := range utf16of(family) {
		fmt.Fprintf(&escaped, `\u%04x`, unit)
	}
	for i := 6; i < escaped.Len(); i += 6 {
		g.body(fmt.Sprintf("surrogates cut at unit %d", i/6), before+escaped.String()[:i]+after+before+escaped.String()[i:]+after+stop, Case{Text: family})
	}
	g.body("a half pair at the end", before+`a\ud83d`+after+stop, Case{Text: "a\ufffd"})
	g.body("a second half alone", before+`a\udc4bz`+after+stop, Case{Text: "a\ufffdz"})
	g.body("bytes that are no code point", before+"a\xff\xfez"+after+stop, Case{Text: "a\ufffd\ufffdz"})
	g.body("half a code point at the end", before+"a\xc3"+after+stop, Case{Text: "a\ufffd"})
	g.body("all escapes", before+`\"\\\/\b\f\n\r\t\u00e9<>&`+after+stop, Case{Text: "\"\\/\b\f\n\r\té<>&"})
	g.body("NUL in a text", before+`a\u0000b`+after+stop, Case{Text: "a\x00b"})
}

// cuts ends the answer after every byte, tidily and untidily.
func (g *generator) cuts() {
	first := Event(g.d.Text("Olá, "))
	second := Event(g.d.Text("mundo"))
	finish := Event(g.d.Finish(g.d.Stop()))
	whole := first + second + finish + g.d.End()
	// A message counts as soon as its JSON is complete, at the end of the body, or with its newline.
	textAt := func(n, slack int) string {
		switch {
		case n >= len(first)+len(second)-slack:
			return "Olá, mundo"
		case n >= len(first)-slack:
			return "Olá, "
		}
		return ""
	}
	for n := range len(whole) + 1 {
		tidy := Case{Name: fmt.Sprintf("closed after byte %d", n), Text: textAt(n, 2), Code: llm.CodeTruncated,
			Serve: func(c *Conn) { c.Stream(); c.Send(whole[:n]) }}
		if n >= len(first)+len(second)+len(finish)-2 {
			tidy.Code = ""
		}
		g.add(tidy)
		untidy := Case{Name: fmt.Sprintf("broken after byte %d", n), Text: textAt(n, 1), Code: llm.CodeTruncated,
			Serve: func(c *Conn) { c.Chunks(); c.Send(Chunk(whole[:n] + " ")[:len(Chunk(whole[:n]+" "))-3]) }}
		if n >= len(first)+len(second)+len(finish)-1 {
			untidy.Code = ""
		}
		g.add(untidy)
	}
	for _, n := range []int{0, 1, len(first) / 2, len(first), len(first) + 3, len(first) + len(second), len(first) + len(second) + 9} {
		g.add(Case{Name: fmt.Sprintf("reset after byte %d", n), Text: textAt(n, 1), Code: llm.CodeTruncated,
			Serve: func(c *Conn) { c.Chunks(); c.Send(Chunk(whole[:n] + " ")); c.Reset() }})
	}
	g.add(Case{Name: "content length not reached", Text: "Olá, ", Code: llm.CodeTruncated, Serve: func(c *Conn) { c.Head("200 OK", "Content-Length: 9000"); c.Send(first) }})
	g.body("stop in every message, cut", Event(g.d.TextFinish("Olá", g.d.Stop()))+Event(g.d.TextFinish(", mundo", g.d.Stop())), Case{Text: "Olá, mundo", Code: llm.CodeTruncated})
	g.body("only the end mark", "data: [DONE]\n\n", Case{Code: llm.CodeTruncated})
	g.body("text and end mark without finish", first+"data: [DONE]\n\n", Case{Text: "Olá, ", Code: llm.CodeTruncated})
	g.body("nothing at all", "", Case{Code: llm.CodeTruncated})
	g.body("only comments", ": ping\n\n: ping\n\n", Case{Code: llm.CodeTruncated})
	g.add(Case{Name: "closed before the head", Code: llm.CodeUnavailable, Serve: func(c *Conn) {}})
	g.add(Case{Name: "reset before the head", Code: llm.CodeUnavailable, Serve: func(c *Conn) { c.Reset() }})
	g.add(Case{Name: "half a head", Code: llm.CodeUnavailable, Serve: func(c *Conn) { c.Send(head[:20]) }})
	g.add(Case{Name: "not HTTP", Code: llm.CodeUnavailable, Serve: func(c *Conn) { c.Send("SSH-2.0-OpenSSH_9.9\r\n") }})
	g.add(Case{Name: "endless head", Code: llm.CodeUnavailable, Serve: func(c *Conn) {
		c.Send("HTTP/1.1 200 OK\r\n")
		for i := range 3000 {
			c.Send("X-Header-", strconv.Itoa(i), ": ", strings.Repeat("x", 100), "\r\n")
		}
		c.Send("\r\n")
	}})
}

// silences stop sending in every phase. The connection stays open.
func (g *generator) silences() {
	first, finish := Event(g.d.Text("Olá")), Event(g.d.Finish(g.d.Stop()))
	quiet := func(name, code, text string, sent ...string) {
		g.add(Case{Name: "silent " + name, Code: code, Text: text, Slow: true, Serve: func(c *Conn) { c.Send(sent...); c.Wait() }})
	}
	quiet("at once", llm.CodeTimeout, "")
	quiet("in the head", llm.CodeTimeout, "", head[:30])
	quiet("after the head", llm.CodeTimeout, "", head)
	quiet("after a comment", llm.CodeTimeout, "", head, ": ping\n\n")
	quiet("in the first message", llm.CodeTimeout, "", head, first[:12])
	quiet("after a message that means nothing", llm.CodeTimeout, "", head, Event(g.d.Nothings()[0]))
	quiet("after a token", llm.CodeTimeout, "Olá", head, first)
	quiet("in the second message", llm.CodeTimeout, "Olá", head, first, first[:20])
	quiet("after a comment after a token", llm.CodeTimeout, "Olá", head, first, ": ping\n\n")
	quiet("after the finish", "", "Olá", head, first, finish)
	quiet("after a finish that came with text", llm.CodeTimeout, "Olá", head, Event(g.d.TextFinish("Olá", g.d.Stop())))
	quiet("after the end mark", "", "Olá", head, first, finish, "data: [DONE]\n\n")
	quiet("in an error", llm.CodeUnavailable, "", "HTTP/1.1 500 No\r\nContent-Length: 500\r\n\r\n{\"err")
	drip := func(name, text, before, drop string) {
		g.add(Case{Name: "dripping " + name, Code: llm.CodeTimeout, Text: text, Slow: true, Serve: func(c *Conn) {
			c.Send(head, before)
			for !c.Gone() {
				c.Send(drop)
				time.Sleep(20 * time.Millisecond)
			}
		}})
	}
	drip("comments before the first token", "", "", ": ping\n\n")
	drip("a line before the first token", "", "data: ", "x")
	drip("a line after a token", "Olá", first+"data: ", "x")
	g.add(Case{Name: "slow with heartbeats", Text: strings.Repeat("a", 12), Serve: func(c *Conn) {
		c.Send(head)
		for range 12 {
			for range 10 {
				c.Send(": ping\n\n")
				time.Sleep(10 * time.Millisecond)
			}
			c.Send(Event(g.d.Text("a")))
		}
		c.Send(finish, g.d.End())
	}})
}

// garbage is what no model says.
func (g *generator) garbage() {
	first := Event(g.d.Text("Olá"))
	bad := Case{Code: llm.CodeBadStream}
	after := Case{Code: llm.CodeBadStream, Text: "Olá"}
	for name, body := range map[string]string{
		"a web page": "<!DOCTYPE html><html><body>Welcome</body></html>", "a page after blanks": "\r\n\r\n  <html>", "XML": `<?xml version="1.0"?><Error/>`,
		"text": "Internal Server Error", "text with lines": "upstream connect error\nor disconnect\n", "not JSON": "data: hello\n\n", "half JSON": `data: {"choices":[` + "\n\n",
		"single quotes": "data: {'choices':[]}\n\n", "a number": "data: 42\n\n", "a text": "data: \"hi\"\n\n", "true": "data: true\n\n", "NUL bytes": "data: {\"a\":\"\x00\"}\n\n",
		"only NULs": strings.Repeat("\x00", 100) + "\n", "binary": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", "trailing JSON": `data: {}{}` + "\n\n",
		"too deep": "data: " + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + "\n\n", "broken bare JSON": "{\"a\":\n\"b\"\n",
	} {
		g.body("garbage: "+name, body, bad)
		if strings.HasPrefix(body, "data: ") && name != "too deep" {
			g.body("garbage after a token: "+name, first+body+g.good("x"), after)
		}
	}
	g.add(Case{Name: "garbage: declared a web page", Code: llm.CodeBadStream, Serve: func(c *Conn) { c.Head("200 OK", "Content-Type: text/html; charset=utf-8"); c.Send("<html>") }})
	g.add(Case{Name: "garbage: no content", Code: llm.CodeTruncated, Serve: func(c *Conn) { c.Head("204 No Content") }})
}

func (g *generator) failures() {
	first, finish := Event(g.d.Text("Olá")), Event(g.d.Finish(g.d.Stop()))
	for _, f := range g.d.Failures() {
		in := "error as " + f.Name
		retry := time.Duration(0)
		if strings.Contains(f.Message, "34s") {
			retry = 34 * time.Second
		}
		at := func(name, body, text string) { g.body(in+name, body, Case{Code: f.Code, Text: text, RetryIn: retry}) }
		at(", first", Event(f.Message), "")
		at(", bare", f.Message, "")
		at(", indented", indent(f.Message), "")
		at(", after a token", first+Event(f.Message)+finish+g.d.End(), "Olá")
		at(", after a token and a comment", first+": ping\n\n"+Event(f.Message), "Olá")
		at(", after the finish", first+finish+Event(f.Message)+g.d.End(), "Olá")
		at(", without a newline", first+strings.TrimRight(Event(f.Message), "\n"), "Olá")
		at(", as an error event", first+"event: error\n"+Event(f.Message), "Olá")
		at(", as an error field", first+"error: "+f.Message+"\n\n", "Olá")
	}
	g.body("error event of text", first+"event: error\ndata: something broke\n\n", Case{Code: llm.CodeUnavailable, Text: "Olá"})
	g.body("error event of any object", first+"event: error\ndata: {\"reason\":\"x\"}\n\n", Case{Code: llm.CodeUnavailable, Text: "Olá"})
	g.body("error field of text", first+"error: rate limit reached\n\n", Case{Code: llm.CodeRateLimited, Text: "Olá"})
}

func (g *generator) usages() {
	report := func(name string, in, out any, want *llm.Usage) {
		g.body("usage "+name, Event(g.d.Text("Olá"))+Event(g.d.Finish(g.d.Stop()))+Event(g.d.Usage(in, out))+g.d.End(), Case{Text: "Olá", Usage: want})
	}
	report("ordinary", 9, 4, &llm.Usage{In: 9, Out: 4})
	report("zero", 0, 0, &llm.Usage{})
	report("no output", 9, 0, &llm.Usage{In: 9})
	report("as decimals", "9.0", "4.0", &llm.Usage{In: 9, Out: 4})
	report("in powers", "1e2", "4", &llm.Usage{In: 100, Out: 4})
	for name, bad := range map[string]string{"negative": "-1", "fraction": "1.5", "huge": "1e308", "beyond float": "1e999", "beyond int64": "9223372036854775808", "text": `"12"`,
		"object": "{}", "list": "[1]", "true": "true", "a billion": "1000000000"} {
		report("in "+name, bad, 4, nil)
		report("out "+name, 9, bad, nil)
	}
	report("in null", "null", 4, nil)
	long := strings.Repeat("palavra ", 400)
	g.body("usage too small for the text", Event(g.d.Text(long))+Event(g.d.Finish(g.d.Stop()))+Event(g.d.Usage(9, 2))+g.d.End(), Case{Text: long})
	g.body("usage good, then absurd", Event(g.d.Text("Olá"))+Event(g.d.Usage(9, 4))+Event(g.d.Finish(g.d.Stop()))+Event(g.d.Usage(-9, 4))+g.d.End(), Case{Text: "Olá"})
}

func (g *generator) finishes() {
	finishes, refusals := g.d.Finishes(), g.d.Refusals()
	for _, reason := range slices.Sorted(maps.Keys(finishes)) {
		want := finishes[reason]
		g.body("finish "+reason, Event(g.d.Text("Olá"))+Event(g.d.Finish(reason))+g.d.End(), Case{Text: "Olá", Finish: want})
		code := llm.CodeEmpty
		if want == "content_filter" {
			code = llm.CodeFiltered
		}
		g.body("empty with "+reason, Event(g.d.Finish(reason))+g.d.End(), Case{Code: code})
		g.body("only thoughts with "+reason, Event(g.d.Reasoning("Hmm"))+Event(g.d.Finish(reason))+g.d.End(), Case{Code: code, Reasoning: "Hmm"})
	}
	for reason, code := range refusals {
		g.body("finish "+reason, Event(g.d.Text("Olá"))+Event(g.d.Finish(reason))+g.d.End(), Case{Text: "Olá", Code: code})
	}
}

func (g *generator) statuses() {
	codes := map[int]string{400: llm.CodeConfig, 401: llm.CodeAuth, 402: llm.CodeAuth, 403: llm.CodeAuth, 404: llm.CodeConfig, 405: llm.CodeConfig, 408: llm.CodeTimeout, 409: llm.CodeConfig,
		410: llm.CodeConfig, 413: llm.CodeTooLong, 415: llm.CodeConfig, 418: llm.CodeConfig, 422: llm.CodeConfig, 429: llm.CodeRateLimited, 451: llm.CodeConfig, 500: llm.CodeUnavailable, 501: llm.CodeUnavailable,
		502: llm.CodeUnavailable, 503: llm.CodeUnavailable, 504: llm.CodeUnavailable, 520: llm.CodeUnavailable, 529: llm.CodeUnavailable, 599: llm.CodeUnavailable}
	bodies := map[string]string{"no body": "", "a page": "<html>" + Canary + "</html>", "text": "no: " + Canary, "JSON": `{"error":{"message":"` + Canary + `","type":"x","code":null}}`,
		"a string": `{"error":"` + Canary + `"}`, "broken JSON": `{"error":{"mess`, "an event": Event(`{"error":{"message":"` + Canary + `"}}`), "a long page": strings.Repeat("<p>"+Canary, 20000)}
	for _, status := range slices.Sorted(maps.Keys(codes)) {
		for _, name := range slices.Sorted(maps.Keys(bodies)) {
			g.add(Case{Name: fmt.Sprintf("HTTP %d with %s", status, name), Code: codes[status], Serve: func(c *Conn) {
				c.Head(fmt.Sprintf("%d %s", status, http.StatusText(status)))
				c.Send(bodies[name])
			}})
		}
	}
	for status := 300; status <= 308; status++ {
		g.add(Case{Name: fmt.Sprintf("redirect %d", status), Code: llm.CodeConfig, Serve: func(c *Conn) {
			if strings.HasPrefix(c.Request.URL.Path, "/elsewhere") {
				c.Stream()
				c.Send(g.good("followed"))
				return
			}
			c.Head(fmt.Sprintf("%d Moved", status), "Location: http://"+c.Request.Host+"/elsewhere?"+Canary)
		}})
	}
	for _, f := range g.d.Failures() {
		if strings.HasPrefix(f.Message, "{") && f.Code != llm.CodeUnavailable && f.Code != llm.CodeTimeout {
			retry := time.Duration(0)
			if strings.Contains(f.Message, "34s") {
				retry = 34 * time.Second
			}
			code := f.Code
			if code == llm.CodeRateLimited && !strings.Contains(f.Message, "quota") && !strings.Contains(strings.ToLower(f.Message), "rate limit") && !strings.Contains(f.Message, "Too many") {
				continue // only its number says so, and the status has another
			}
			if strings.Contains(f.Message, `"code":401`) || strings.Contains(f.Message, `"code":403`) || strings.Contains(f.Message, `"code":404`) && !strings.Contains(f.Message, "NOT_FOUND") {
				continue
			}
			if strings.Contains(f.Message, "PERMISSION") {
				code = llm.CodeAuth
			}
			g.add(Case{Name: "HTTP 400 with " + f.Name, Code: code, RetryIn: retry, Serve: func(c *Conn) { c.Head("400 Bad Request", "Content-Type: application/json"); c.Send(f.Message) }})
		}
	}
}

func (g *generator) retryAfter() {
	for name, c := range map[string]struct {
		header string
		want   time.Duration
	}{
		"seconds": {"Retry-After: 7", 7 * time.Second}, "a fraction": {"Retry-After: 1.5", 1500 * time.Millisecond}, "spaces": {"Retry-After:   9  ", 9 * time.Second},
		"a duration": {"Retry-After: 1m30s", 90 * time.Second}, "milliseconds": {"Retry-After-Ms: 2500", 2500 * time.Millisecond}, "zero": {"Retry-After: 0", 0},
		"negative": {"Retry-After: -5", 0}, "absurd": {"Retry-After: 99999999999", time.Hour}, "infinite": {"Retry-After: 1e999", 0}, "NaN": {"Retry-After: NaN", 0},
		"text": {"Retry-After: soon", 0}, "the past": {"Retry-After: Wed, 21 Oct 2015 07:28:00 GMT", 0}, "the far future": {"Retry-After: Wed, 21 Oct 2099 07:28:00 GMT", time.Hour},
		"a reset": {"X-Ratelimit-Remaining-Requests: 0\r\nX-Ratelimit-Reset-Requests: 6m0s", 6 * time.Minute}, "a reset that is not due": {"X-Ratelimit-Remaining-Requests: 5\r\nX-Ratelimit-Reset-Requests: 6m0s", 0},
	} {
		for _, status := range []string{"429 Too Many Requests", "503 Service Unavailable"} {
			code := llm.CodeRateLimited
			if status[0] == '5' {
				code = llm.CodeUnavailable
			}
			g.add(Case{Name: "retry after " + name + " with " + status[:3], Code: code, RetryIn: c.want, Serve: func(conn *Conn) { conn.Head(status, c.header); conn.Send("{}") }})
		}
	}
}

func (g *generator) floods() {
	finish := Event(g.d.Finish(g.d.Stop())) + g.d.End()
	g.body("ten thousand comments", strings.Repeat(": ping\n\n", 10000)+g.good("Olá"), Case{Text: "Olá"})
	g.body("ten thousand comments after a token", Event(g.d.Text("Olá"))+strings.Repeat(": ping\n\n", 10000)+finish, Case{Text: "Olá"})
	g.body("ten thousand blank lines", strings.Repeat("\n", 10000)+g.good("Olá"), Case{Text: "Olá"})
	g.body("a thousand messages that mean nothing", strings.Repeat(Event(g.d.Nothings()[0]), 1000)+g.good("Olá"), Case{Text: "Olá"})
	endless := func(name, code, text, before, again string) {
		g.add(Case{Name: "endless " + name, Code: code, AnyText: text != "", Serve: func(c *Conn) {
			c.Send(head, before)
			again := strings.Repeat(again, max(1, 4096/len(again)))
			for !c.Gone() {
				c.Send(again)
			}
		}})
	}
	endless("line", llm.CodeBadStream, "", "data: ", "x")
	endless("line after a token", llm.CodeBadStream, "any", Event(g.d.Text("Olá"))+"data: ", "x")
	endless("comment", llm.CodeBadStream, "", ": ", "x")
	endless("text in one message", llm.CodeBadStream, "", `data: {"choices":[{"delta":{"content":"`, "x")
	endless("message of many lines", llm.CodeBadStream, "", "data: [\n", "data: 1,\n")
	endless("comments", llm.CodeBadStream, "", "", ": ping\n\n")
	endless("nothings", llm.CodeBadStream, "", "", Event(g.d.Nothings()[0]))
	endless("nothings after a token", llm.CodeBadStream, "any", Event(g.d.Text("Olá")), Event(g.d.Nothings()[0]))
	endless("answer", llm.CodeTooLong, "any", "", Event(g.d.Text("palavra ")))
	endless("thoughts", llm.CodeTooLong, "any", "", Event(g.d.Reasoning("palavra ")))
	g.add(Case{Name: "gzip bomb", Code: llm.CodeBadStream, Serve: func(c *Conn) {
		c.Head("200 OK", "Content-Type: text/event-stream", "Content-Encoding: gzip")
		z := gzip.NewWriter(c)
		for range 1000 {
			if _, err := z.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
				return
			}
		}
	}})
}
