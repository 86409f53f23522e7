package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// A Frame is what the server sends: any of the protocol's frames. Raw holds its bytes.
type Frame struct {
	T    string          `json:"t"`
	ID   json.RawMessage `json:"id"`
	Conv string          `json:"conv"`

	// Events.
	Ep       string `json:"ep"`
	From     int64  `json:"from"`
	Seq      int64  `json:"seq"`
	K        string `json:"k"`
	Msg      string `json:"msg"`
	CID      string `json:"cid"`
	Role     string `json:"role"`
	Run      string `json:"run"`
	Off      *int64 `json:"off"`
	Text     string `json:"text"`
	State    string `json:"state"`
	Finish   string `json:"finish"`
	Continue bool   `json:"continue"`
	Len      int64  `json:"len"`
	SHA      string `json:"sha"`
	Usage    Usage  `json:"usage"`

	// Answers.
	Dup       bool            `json:"dup"`
	Code      string          `json:"code"`
	Message   string          `json:"message"`
	Retry     bool            `json:"retry"`
	RetryMS   int64           `json:"retry_ms"`
	ResetAt   string          `json:"reset_at"`
	Recovered *bool           `json:"recovered"`
	Messages  []Message       `json:"messages"`
	Open      *OpenRun        `json:"open"`
	Owner     *Owner          `json:"owner"`   // also of the event owner
	Session   json.RawMessage `json:"session"` // its id in hello, an entry in live
	User      NamedThing      `json:"user"`
	Tenant    NamedThing      `json:"tenant"`
	Feat      []string        `json:"feat"`
	InMS      int64           `json:"in_ms"`

	Raw []byte    `json:"-"`
	At  time.Time `json:"-"`
}

// Usage is what a run cost.
type Usage struct {
	In        int64 `json:"in"`
	Out       int64 `json:"out"`
	Estimated bool  `json:"estimated"`
}

// A Message is one as snapshots and REST show it.
type Message struct {
	ID   string `json:"id"`
	Role string `json:"role"`
	Text string `json:"text"`
	CID  string `json:"cid"`
	Cut  bool   `json:"cut"` // only the beginning of the text is here
	Run  *Run   `json:"run"`
}

// A Run is the state of an answer.
type Run struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Code     string `json:"code"`
	Finish   string `json:"finish"`
	Continue bool   `json:"continue"`
	Len      int64  `json:"len"`
	SHA      string `json:"sha"`
	Usage    Usage  `json:"usage"`
}

// Terminal reports whether a run's state is final.
func Terminal(state string) bool { return state != "" && state != "accepted" && state != "streaming" }

// An OpenRun is the answer that is being written, as a snapshot shows it.
type OpenRun struct {
	Run  string `json:"run"`
	Msg  string `json:"msg"`
	Text string `json:"text"`
	Off  int64  `json:"off"`
}

// An Owner is who answers in a conversation: ai, human or queue.
type Owner struct {
	Kind  string `json:"kind"`
	ID    string `json:"id"`
	Name  string `json:"name"`
	Epoch int64  `json:"epoch"`
}

// A NamedThing is a person or a tenant.
type NamedThing struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
	Role string `json:"role"`
}

// Cmd is a command; the connection gives it its id.
type Cmd map[string]any

// A Conn is one WebSocket connection. Commands may come from any goroutine.
type Conn struct {
	ws   *websocket.Conn
	push func(Frame) // every frame, in order, before its answer is handed out; runs on the reader

	mu       sync.Mutex
	next     int
	waiting  map[string]chan Frame
	answered map[string]bool
	breaches []string
	quiet    bool                    // pings are not answered
	pos      func() map[string]int64 // what pongs carry
	done     chan struct{}
	code     int // close code; valid after done
	err      error
}

// ErrClosed is the end of a connection under a command.
var ErrClosed = errors.New("the connection has ended")

// Dial connects to an instance; the caller authenticates. push may be nil.
func Dial(ctx context.Context, base string, push func(Frame)) (*Conn, error) {
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(base, "http")+"/ws", &websocket.DialOptions{Subprotocols: []string{"aihub.v1"}})
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	ws.SetReadLimit(64 << 10) // docs/protocol.md: at most 64 KiB out
	c := &Conn{ws: ws, push: push, waiting: map[string]chan Frame{}, answered: map[string]bool{}, done: make(chan struct{})}
	if ws.Subprotocol() != "aihub.v1" {
		c.breach("the subprotocol is %q", ws.Subprotocol())
	}
	go c.read()
	return c, nil
}

// Login connects a person where they usually are, and authenticates.
func Login(ctx context.Context, a *API, push func(Frame)) (*Conn, error) {
	return LoginAt(ctx, a, a.Base(), push)
}

// LoginAt connects a person to an instance and authenticates.
func LoginAt(ctx context.Context, a *API, base string, push func(Frame)) (*Conn, error) {
	token, err := a.Token(ctx)
	if err != nil {
		return nil, err
	}
	c, err := Dial(ctx, base, push)
	if err != nil {
		return nil, err
	}
	f, err := c.Do(ctx, Cmd{"t": "auth", "token": token})
	if err == nil && f.T != "hello" {
		err = fmt.Errorf("auth was answered by %s", f.Raw)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) breach(format string, args ...any) {
	c.mu.Lock()
	c.breaches = append(c.breaches, fmt.Sprintf(format, args...))
	c.mu.Unlock()
}

// Breaches are the promises of the protocol that the server broke on this connection.
func (c *Conn) Breaches() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.breaches...)
}

func (c *Conn) read() {
	defer close(c.done)
	for {
		kind, raw, err := c.ws.Read(context.Background())
		if err != nil {
			c.code, c.err = int(websocket.CloseStatus(err)), err
			return
		}
		var f Frame
		if kind != websocket.MessageText || json.Unmarshal(raw, &f) != nil || f.T == "" {
			c.breach("a frame that is not of the protocol: %q", raw)
			continue
		}
		f.Raw, f.At = raw, time.Now()
		if f.T == "ping" {
			c.pong()
		}
		if c.push != nil {
			c.push(f)
		}
		if len(f.ID) > 0 && f.T != "staff" { // whose id names an entry
			c.answer(f)
		}
	}
}

func (c *Conn) pong() {
	c.mu.Lock()
	quiet, pos := c.quiet, c.pos
	c.mu.Unlock()
	if quiet {
		return
	}
	cmd := Cmd{"t": "pong"}
	if pos != nil {
		cmd["pos"] = pos()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = c.Send(ctx, cmd) // a dead connection is seen by the reader
}

func (c *Conn) answer(f Frame) {
	id := string(f.ID)
	c.mu.Lock()
	waiting, known := c.waiting[id]
	delete(c.waiting, id)
	again := c.answered[id]
	c.answered[id] = true
	c.mu.Unlock()
	switch {
	case again:
		c.breach("command %s was answered twice; again: %s", id, f.Raw)
	case known:
		waiting <- f
	case id != "null":
		c.breach("an answer to no command: %s", f.Raw)
	}
}

// Send writes a frame without waiting for an answer.
func (c *Conn) Send(ctx context.Context, cmd Cmd) error {
	raw, err := json.Marshal(cmd)
	if err != nil {
		return err
	}
	return c.Write(ctx, raw)
}

// Write writes any bytes as a text frame.
func (c *Conn) Write(ctx context.Context, raw []byte) error {
	return c.ws.Write(ctx, websocket.MessageText, raw)
}

// Expect prepares for the answer to a command with this id (as it stands in JSON).
func (c *Conn) Expect(id string) <-chan Frame {
	answer := make(chan Frame, 1)
	c.mu.Lock()
	c.waiting[id] = answer
	c.mu.Unlock()
	return answer
}

// Do sends a command and waits for its answer. ErrClosed: the connection ended, and the command may have been taken.
func (c *Conn) Do(ctx context.Context, cmd Cmd) (Frame, error) {
	c.mu.Lock()
	c.next++
	id := c.next
	c.mu.Unlock()
	answer := c.Expect(strconv.Itoa(id))
	full := Cmd{"id": id}
	for k, v := range cmd {
		full[k] = v
	}
	if err := c.Send(ctx, full); err != nil {
		if ctx.Err() != nil {
			return Frame{}, err
		}
		return Frame{}, ErrClosed
	}
	return c.Await(ctx, answer)
}

// Await waits for an answer that Expect prepared for.
func (c *Conn) Await(ctx context.Context, answer <-chan Frame) (Frame, error) {
	select {
	case f := <-answer:
		return f, nil
	case <-ctx.Done():
		return Frame{}, fmt.Errorf("no answer: %w", ctx.Err())
	case <-c.done:
		select {
		case f := <-answer:
			return f, nil
		default:
			return Frame{}, ErrClosed
		}
	}
}

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// CloseCode waits for the connection's end and returns its close code; -1: it ended without one.
func (c *Conn) CloseCode(ctx context.Context) (int, error) {
	select {
	case <-c.done:
		return c.code, nil
	case <-ctx.Done():
		return 0, fmt.Errorf("the connection lives on: %w", ctx.Err())
	}
}

// Quiet makes the connection leave pings unanswered.
func (c *Conn) Quiet() {
	c.mu.Lock()
	c.quiet = true
	c.mu.Unlock()
}

// Close ends the connection without ceremony, as a lost network does.
func (c *Conn) Close() { _ = c.ws.CloseNow() }
