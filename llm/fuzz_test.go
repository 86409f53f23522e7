package llm

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var fuzzSeeds = []string{
	hello, strings.ReplaceAll(hello, "\n", "\r\n"), "\ufeff: c\n\nevent: error\ndata: {\"error\":\"x\"}\n\n", "{\"choices\":[\n{}]}", "error: boom\n", "data: {\"a\":\ndata: 1}\n\n", "data: [DONE]", "<html>",
	`data: {"candidates":[{"content":{"parts":[{"text":"a\ud83d"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1e999}}` + "\n\n",
	`data: [{"error":{"code":429,"details":[{"retryDelay":"34s"}]}}]` + "\n\n", "data: {\"choices\":[{\"index\":3,\"message\":{\"content\":[{\"type\":\"thinking\",\"thinking\":\"x\"}]}}]}\n\n",
}

// piecemeal hands out a few bytes at a time.
type piecemeal struct {
	text string
	size int
}

func (p *piecemeal) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

func (p *piecemeal) Close() error { return nil }

// A stream means the same however it is cut into reads, and whatever it is, a library sees whole messages,
// one for each piece of valid text.
func FuzzStream(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream string, size uint8) {
		for _, kind := range []struct {
			dialect func() dialect
			framing framing
		}{{func() dialect { return &openaiDialect{} }, openaiFraming}, {func() dialect { return &geminiDialect{} }, geminiFraming}, {func() dialect { return &geminiDialect{} }, oldGeminiFraming}} {
			read := func(size int) (stream, text string, x *exchange) {
				w := &wire{bounds: Bounds{Line: 4096, Stream: 1 << 16, FirstToken: time.Minute, Idle: time.Minute}}
				x = w.newExchange(t.Context(), kind.dialect(), kind.framing)
				defer x.end()
				x.watch.start()
				x.body = &body{x: x, src: &piecemeal{stream, size}}
				x.body.docs = newDocuments(newLineReader(x.body.src, w.bounds.Line, w.bounds.Stream, x.watch.wait, x.watch.got))
				out, err := io.ReadAll(x.body)
				if err != nil {
					t.Fatal(err)
				}
				events := bytes.Count(out, []byte("{}"))
				if events != len(x.body.pieces) {
					t.Fatalf("%d events of %d pieces", events, len(x.body.pieces))
				}
				for range events {
					p := x.body.take()
					text += p.text + p.reasoning
				}
				return string(out), text, x
			}
			whole, text, x := read(len(stream) + 1)
			pieces, again, y := read(int(size) + 1)
			if whole != pieces || text != again || x.finish != y.finish || (x.err == nil) != (y.err == nil) || x.err != nil && *x.err != *y.err {
				t.Fatalf("%q and %q, %q and %q, %v and %v", whole, pieces, text, again, x.err, y.err)
			}
			if x.err == nil && (x.finish == "" || x.bytes == 0) {
				t.Fatalf("complete without finish or text: %q", whole)
			}
			if !utf8.ValidString(text) {
				t.Fatalf("not UTF-8: %q", text)
			}
			for line := range strings.SplitSeq(whole, "\n") {
				if data, ok := strings.CutPrefix(line, "data: "); ok && data != "[DONE]" && !json.Valid([]byte(data)) {
					t.Fatalf("not JSON: %q", data)
				}
			}
			if kind.framing == oldGeminiFraming && !json.Valid([]byte(whole)) {
				t.Fatalf("not a list: %q", whole)
			}
		}
	})
}

// A text is the same however its literal is cut.
func FuzzJoiner(f *testing.F) {
	f.Add("a👨‍👩‍👧é\x00\"\\", 3)
	f.Add("\xff\xfe", 1)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		literal, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var want string
		if err := json.Unmarshal(literal, &want); err != nil {
			t.Fatal(err)
		}
		var j joiner
		got, ok := j.add(literal)
		if got += j.rest(); !ok || got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		if !utf8.ValidString(text) || bytes.ContainsRune(literal, '\\') {
			return
		}
		cut = 1 + max(0, min(cut, len(literal)-2))
		first, _ := j.add(append(bytes.Clone(literal[:cut]), '"'))
		second, _ := j.add(append([]byte{'"'}, literal[cut:]...))
		if got := first + second + j.rest(); got != want {
			t.Fatalf("cut at %d: %q, want %q", cut, got, want)
		}
	})
}

func FuzzComplaint(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s, "7", 429)
	}
	f.Add(`[[[{"error":{"error":{"detail":[1]}}}]]]`, "Wed, 21 Oct 2099 07:28:00 GMT", 400)
	f.Fuzz(func(t *testing.T, body, retry string, status int) {
		e := refused(status, http.Header{"Retry-After": {retry}}, []byte(body), time.Now())
		if _, known := failures[e.Code]; !known || e.RetryIn < 0 || e.RetryIn > maxRetry || e.Reason == "" {
			t.Fatalf("%+v", e)
		}
	})
}

func FuzzScript(f *testing.F) {
	f.Add("wait 1s; pace 2ms\ntokens 3; fail auth 3s; after 2; times 1; usage 1 2; finish length")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScript(text)
		if err == nil && (s.wait < 0 || s.pace < 0 || s.tokens < -1 || s.tokens > maxScriptCount || s.after < 0) {
			t.Fatalf("%+v", s)
		}
	})
}
