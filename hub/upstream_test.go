package hub_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// An upstream is an OpenAI-compatible model server on a real socket. What it does stands in the last question, as
// words: n=20 tokens, gap=5ms between them, cut (no finish), usage, empty, echo=TEXT (one more token), hold (waits for release before the rest),
// think=20 pieces of reasoning first, and one more before every fourth token.
type upstream struct {
	server *httptest.Server
	mu     sync.Mutex
	calls  []*call
	gate   chan struct{}
}

// A call is one answer the model server was asked for.
type call struct {
	messages []chatMessage
	mu       sync.Mutex
	text     strings.Builder
	thoughts strings.Builder
	hungUp   bool
	ended    bool
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func newUpstream(t testing.TB) *upstream {
	u := &upstream{gate: make(chan struct{})}
	u.server = httptest.NewServer(http.HandlerFunc(u.serve))
	t.Cleanup(func() {
		u.server.CloseClientConnections()
		u.server.Close()
	})
	return u
}

func (u *upstream) url() string { return u.server.URL + "/v1" }

// release lets answers go on that hold.
func (u *upstream) release() { close(u.gate) }

// asked returns the calls whose question contains part.
func (u *upstream) asked(part string) []*call {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []*call
	for _, c := range u.calls {
		if strings.Contains(c.messages[len(c.messages)-1].Content, part) {
			out = append(out, c)
		}
	}
	return out
}

func (c *call) sent() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

func (c *call) thought() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.thoughts.String()
}

func (c *call) wasCut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hungUp
}

func (u *upstream) serve(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Messages []chatMessage `json:"messages"`
	}
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &request); err != nil || len(request.Messages) == 0 {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	c := &call{messages: request.Messages}
	u.mu.Lock()
	u.calls = append(u.calls, c)
	number, gate := len(u.calls), u.gate
	u.mu.Unlock()
	echo := ""
	n, think, gap, cut, usage, hold, down := 10, 0, time.Duration(0), false, false, false, false
	for _, word := range strings.Fields(request.Messages[len(request.Messages)-1].Content) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "n":
			_, _ = fmt.Sscan(value, &n)
		case "think":
			_, _ = fmt.Sscan(value, &think)
		case "gap":
			gap, _ = time.ParseDuration(value)
		case "cut":
			cut = true
		case "usage":
			usage = true
		case "hold":
			hold = true
		case "echo":
			echo = value
		case "empty":
			n = 0
		case "down":
			down = true
		}
	}
	if down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	wonder := func(i int) {
		thought := fmt.Sprintf("«pensei %d:%05d»ção ", number, i)
		c.mu.Lock()
		c.thoughts.WriteString(thought)
		c.mu.Unlock()
		data, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"index": 0, "delta": map[string]any{"reasoning_content": thought}}}})
		_, _ = fmt.Fprintf(w, "data: %s\n\n", data)
		_ = out.Flush()
		time.Sleep(gap)
	}
	for i := 0; i < think && r.Context().Err() == nil; i++ {
		wonder(i)
	}
	for i := range n {
		if think > 0 && i%4 == 3 {
			wonder(think + i)
		}
		token := fmt.Sprintf("‹r%d:%06d›ção😀 ", number, i)
		if echo != "" && i == n-1 {
			token = echo
		}
		c.mu.Lock()
		c.text.WriteString(token)
		c.mu.Unlock()
		data, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"index": 0, "delta": map[string]any{"content": token}}}})
		_, err := fmt.Fprintf(w, "data: %s\n\n", data)
		if err == nil {
			err = out.Flush()
		}
		if err == nil && hold && i == n/2 {
			select {
			case <-gate:
			case <-r.Context().Done():
				err = r.Context().Err()
			}
		}
		if err == nil && gap > 0 {
			select {
			case <-time.After(gap):
			case <-r.Context().Done():
				err = r.Context().Err()
			}
		}
		if err != nil {
			c.mu.Lock()
			c.hungUp = true
			c.mu.Unlock()
			return
		}
	}
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	if cut {
		return
	}
	_, _ = fmt.Fprint(w, `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\n")
	if usage {
		_, _ = fmt.Fprintf(w, `data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":%d}}`+"\n\n", n)
	}
	_, _ = fmt.Fprint(w, "data: [DONE]\n\n")
}
