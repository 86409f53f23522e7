package upstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A Call is one request in the journal.
type Call struct {
	N        int       `json:"n"` // from 1, in order of arrival
	At       time.Time `json:"at"`
	Model    string    `json:"model"`
	Label    string    `json:"label"`
	Asked    string    `json:"asked"` // the last message of the user
	Messages int       `json:"messages"`
	Key      string    `json:"key"`  // what the request authenticated with
	From     int       `json:"from"` // tokens that an earlier call had sent; the label then ends in + and this number
	Sent     int       `json:"sent"` // tokens, with those of From
	// End is how it ended: "" while it runs, complete, hung-up (by the other side), status 429, or the name of a fault.
	End     string    `json:"end"`
	EndedAt time.Time `json:"ended_at"`
}

// A Server is a scripted model server. All methods are safe for concurrent use.
type Server struct {
	http   *http.Server
	listen net.Listener

	mu     sync.Mutex
	script Script
	models map[string]Script
	calls  []*Call
	refuse map[string]int // calls that a label's Times has refused
	wake   chan struct{}  // closed and renewed at each change of the journal
}

// Listen starts a server; addr 127.0.0.1:0 takes any free port.
func Listen(addr string, script Script) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("start the scripted upstream: %w", err)
	}
	s := &Server{listen: l, script: script, models: map[string]Script{}, refuse: map[string]int{}, wake: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.complete)
	mux.HandleFunc("GET /v1/models", s.list)
	mux.HandleFunc("GET /journal", s.journal)
	mux.HandleFunc("DELETE /journal", func(http.ResponseWriter, *http.Request) { s.Forget() })
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(l) }() // ends with Close
	return s, nil
}

// URL is the base URL that clients are configured with.
func (s *Server) URL() string { return "http://" + s.listen.Addr().String() + "/v1" }

// Close ends the server and every connection.
func (s *Server) Close() error { return s.http.Close() }

// Model registers the script of a model's name.
func (s *Server) Model(name string, script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.models[name] = script
}

// Calls is the journal so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, c := range s.calls {
		calls[i] = *c
	}
	return calls
}

// CallsOf is the part of the journal that one label has.
func (s *Server) CallsOf(label string) []Call {
	var of []Call
	for _, c := range s.Calls() {
		if c.Label == label {
			of = append(of, c)
		}
	}
	return of
}

// Await waits until the journal is as done says, and returns it.
func (s *Server) Await(ctx context.Context, done func([]Call) bool) ([]Call, error) {
	for {
		s.mu.Lock()
		wake := s.wake
		s.mu.Unlock()
		if calls := s.Calls(); done(calls) {
			return calls, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return s.Calls(), fmt.Errorf("the upstream's journal did not come to what was awaited: %w", ctx.Err())
		}
	}
}

// Ended waits until the last call of a label has ended.
func (s *Server) Ended(ctx context.Context, label string) (Call, error) {
	var last Call
	_, err := s.Await(ctx, func(calls []Call) bool {
		for _, c := range calls {
			if c.Label == label {
				last = c
			}
		}
		return last.End != ""
	})
	return last, err
}

// Forget empties the journal.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
	s.changed()
}

// changed wakes who awaits; the lock is held.
func (s *Server) changed() {
	close(s.wake)
	s.wake = make(chan struct{})
}

type request struct {
	Model         string `json:"model"`
	Stream        bool   `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
}

// goOn is in the last message of a request for the rest of an answer.
const goOn = "Continue exatamente do ponto em que ela parou"

// asked is the last question of the user, and what was said to it when the rest is asked for.
func (r *request) asked() (question, said string) {
	rest := false
	for i := len(r.Messages) - 1; i >= 0; i-- {
		text := textOf(r.Messages[i].Content)
		switch role := r.Messages[i].Role; {
		case role == "assistant" && rest:
			said = text + said
		case role == "user" && i == len(r.Messages)-1 && strings.Contains(text, goOn):
			rest = true
		case role == "user":
			return text, said
		}
	}
	return "", ""
}

func textOf(content json.RawMessage) string {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text
	}
	var parts []struct{ Text string }
	if json.Unmarshal(content, &parts) == nil && len(parts) > 0 {
		return parts[len(parts)-1].Text
	}
	return ""
}

// begin enters a call into the journal and finds its script.
func (s *Server) begin(r *request, key string) (*Call, Script, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	script, ok := s.models[r.Model]
	if !ok {
		script = s.script
	}
	asked, said := r.asked()
	script, err := script.With(asked)
	c := &Call{N: len(s.calls) + 1, At: time.Now(), Model: r.Model, Asked: asked, Messages: len(r.Messages), Key: key}
	if script.Label == "" {
		script.Label = "c" + strconv.Itoa(c.N)
	}
	c.Label = script.Label
	if said != "" && err == nil {
		script, err = script.Resume(said)
		c.From = script.From
		c.Label += "+" + strconv.Itoa(c.From)
	}
	if script.Status != 0 && script.Times > 0 {
		if s.refuse[c.Label]++; s.refuse[c.Label] > script.Times {
			script.Status = 0
		}
	}
	s.calls = append(s.calls, c)
	s.changed()
	return c, script, err
}

func (s *Server) end(c *Call, sent int, how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Sent, c.End, c.EndedAt = sent, how, time.Now()
	s.changed()
}

func (s *Server) complete(w http.ResponseWriter, hr *http.Request) {
	var r request
	body, err := io.ReadAll(io.LimitReader(hr.Body, 8<<20))
	if err == nil {
		err = json.Unmarshal(body, &r)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the request can't be read: "+err.Error())
		return
	}
	c, script, err := s.begin(&r, hr.Header.Get("Authorization"))
	if err != nil {
		s.end(c, 0, "status 400")
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	ctx := hr.Context() // ends when the other side hangs up
	if !pause(ctx, script.Header) {
		s.end(c, 0, "hung-up")
		return
	}
	if script.Status != 0 && script.Status != http.StatusOK {
		if script.RetryAfter != "" {
			w.Header().Set("Retry-After", script.RetryAfter)
		}
		s.end(c, 0, "status "+strconv.Itoa(script.Status))
		// Real servers quote what they were sent, keys too: none of it may reach a person.
		refuse(w, script.Status, "scripted refusal of "+hr.Header.Get("Authorization"))
		return
	}
	switch script.Fault {
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><title>Entrar na rede</title><p>Aceite os termos.")
		s.end(c, 0, script.Fault)
		return
	case FaultJSON:
		whole(w, c, script, r.Model)
		s.end(c, 0, script.Fault)
		return
	}
	if !r.Stream {
		pause(ctx, script.First+time.Duration(script.Tokens)*script.Every)
		whole(w, c, script, r.Model)
		s.end(c, script.Tokens, "complete")
		return
	}
	out := &stream{w: w, ctx: ctx, c: c, script: script, model: r.Model, usage: r.StreamOptions.IncludeUsage, sent: script.From}
	how := out.run()
	s.end(c, out.sent, how)
	if how == FaultReset || how == FaultHalf {
		out.drop(how == FaultReset)
	}
}

// pause waits; false when the other side hung up meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": message, "type": "scripted", "code": strconv.Itoa(status)}})
}

// whole answers without streaming.
func whole(w http.ResponseWriter, c *Call, script Script, model string) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"id": "chatcmpl-" + strconv.Itoa(c.N), "object": "chat.completion", "created": c.At.Unix(), "model": model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": script.Finish,
			"message": map[string]any{"role": "assistant", "content": Text(script.Label, script.Tokens, script.Size)}}},
		"usage": map[string]any{"prompt_tokens": 10, "completion_tokens": script.Tokens, "total_tokens": 10 + script.Tokens},
	})
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"scripted","object":"model"}]}`)
}

func (s *Server) journal(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.Calls())
}

// A stream is one streamed answer.
type stream struct {
	w      http.ResponseWriter
	ctx    context.Context
	c      *Call
	script Script
	model  string
	usage  bool
	sent   int
	head   []byte
	buf    bytes.Buffer
}

// run sends the answer and says how it ended.
func (o *stream) run() string {
	if !pause(o.ctx, o.script.First) {
		return "hung-up"
	}
	h := o.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	model, _ := json.Marshal(o.model)
	o.head = fmt.Appendf(nil, `{"id":"chatcmpl-%d","object":"chat.completion.chunk","created":%d,"model":%s,"choices":[{"index":0,"delta":`,
		o.c.N, o.c.At.Unix(), model)
	if o.script.Fault == FaultLine {
		return o.endlessLine()
	}
	if !o.delta(`{"role":"assistant","content":""}`, "null") {
		return "hung-up"
	}
	n := o.script.Tokens
	if o.script.Fault == FaultEmpty {
		n = 0
	} else if o.script.Fault != "" && o.script.Fault != FaultGarbage {
		n = min(n, o.script.At)
	}
	next := time.Now()
	for o.sent < n {
		if o.script.Fault == FaultGarbage && o.sent == o.script.At && !o.data("{não é JSON") {
			return "hung-up"
		}
		if !o.token() {
			return "hung-up"
		}
		o.sent++
		if o.script.Every > 0 {
			next = next.Add(o.script.Every)
			if !pause(o.ctx, time.Until(next)) {
				return "hung-up"
			}
		}
	}
	switch o.script.Fault {
	case FaultCut, FaultReset:
		return o.script.Fault
	case FaultDone:
		o.data("[DONE]")
		return o.script.Fault
	case FaultHalf:
		_, _ = o.w.Write(append([]byte("data: "), o.head...))
		_ = http.NewResponseController(o.w).Flush()
		return o.script.Fault
	case FaultError:
		o.data(`{"error":{"message":"scripted failure of ` + "Bearer " + `upstream","type":"server_error","code":500}}`)
		return o.script.Fault
	case FaultStall:
		<-o.ctx.Done()
		return "hung-up"
	}
	if o.script.Finish != "none" {
		finish, _ := json.Marshal(o.script.Finish)
		if !o.delta(`{}`, string(finish)) {
			return "hung-up"
		}
	}
	if o.usage && o.script.Usage != UsageAbsent && !o.data(o.usageChunk()) {
		return "hung-up"
	}
	if !o.data("[DONE]") {
		return "hung-up"
	}
	return "complete"
}

func (o *stream) token() bool {
	text := Token(o.script.Label, o.sent, o.script.Size)
	if o.sent == o.script.From {
		text = text[o.script.Cut:]
	}
	if o.script.Stamp {
		var b []byte
		if o.sent == 0 {
			b = AppendArrival(b, o.c.At.UnixNano())
		}
		b = AppendStamp(b, time.Now().UnixNano())
		if o.script.Size == 0 { // the stamp is a word by itself
			text = " "
		}
		text = string(b) + text
	}
	content, _ := json.Marshal(text)
	return o.delta(`{"content":`+string(content)+`}`, "null")
}

func (o *stream) delta(delta, finish string) bool {
	return o.data(string(o.head) + delta + `,"logprobs":null,"finish_reason":` + finish + `}]}`)
}

// data sends one event at once.
func (o *stream) data(line string) bool {
	o.buf.Reset()
	o.buf.WriteString("data: ")
	o.buf.WriteString(line)
	o.buf.WriteString("\n\n")
	if _, err := o.w.Write(o.buf.Bytes()); err != nil {
		return false
	}
	return http.NewResponseController(o.w).Flush() == nil && o.ctx.Err() == nil
}

func (o *stream) usageChunk() string {
	in, out := "10", strconv.Itoa(o.sent-o.script.From)
	switch o.script.Usage {
	case UsageZero:
		in, out = "0", "0"
	case UsageAbsurd:
		in, out = "10", "4611686018427387904"
	case UsageMinus:
		in, out = "-10", "-40"
	case UsageString:
		in, out = `"10"`, `"40"`
	}
	model, _ := json.Marshal(o.model)
	return fmt.Sprintf(`{"id":"chatcmpl-%d","object":"chat.completion.chunk","created":%d,"model":%s,"choices":[],"usage":{"prompt_tokens":%s,"completion_tokens":%s,"total_tokens":%s}}`,
		o.c.N, o.c.At.Unix(), model, in, out, out)
}

// endlessLine sends one line until it is refused.
func (o *stream) endlessLine() string {
	_, _ = io.WriteString(o.w, "data: ")
	block := bytes.Repeat([]byte("x"), 64<<10)
	for range 1024 {
		if _, err := o.w.Write(block); err != nil || o.ctx.Err() != nil {
			return "hung-up"
		}
	}
	return FaultLine
}

// drop ends the connection under the answer, politely or with a reset.
func (o *stream) drop(reset bool) {
	conn, _, err := http.NewResponseController(o.w).Hijack()
	if err != nil {
		panic(errors.Join(http.ErrAbortHandler, err)) // an HTTP/2 stream can't be taken over; aborting it is the same
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
