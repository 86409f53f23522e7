package hub_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"aihub/hub"
)

// in is any frame of the server.
type in struct {
	T         string            `json:"t"`
	ID        json.RawMessage   `json:"id"`
	Code      string            `json:"code"`
	Message   string            `json:"message"`
	Retry     bool              `json:"retry"`
	ResetAt   string            `json:"reset_at"`
	Conv      string            `json:"conv"`
	Ep        string            `json:"ep"`
	Seq       int64             `json:"seq"`
	From      int64             `json:"from"`
	To        int64             `json:"to"`
	K         string            `json:"k"`
	Msg       string            `json:"msg"`
	CID       string            `json:"cid"`
	Role      string            `json:"role"`
	Parent    string            `json:"parent"`
	By        hub.By            `json:"by"`
	Run       string            `json:"run"`
	Off       *int64            `json:"off"`
	Text      string            `json:"text"`
	State     string            `json:"state"`
	Finish    string            `json:"finish"`
	Continue  bool              `json:"continue"`
	Len       int64             `json:"len"`
	SHA       string            `json:"sha"`
	Usage     hub.UsageView     `json:"usage"`
	Dup       bool              `json:"dup"`
	Title     string            `json:"title"`
	Recovered *bool             `json:"recovered"`
	Messages  []hub.MessageView `json:"messages"`
	Open      *openView         `json:"open"`
	Owner     *hub.OwnerView    `json:"owner"`
	More      bool              `json:"more"`
	Quota     []hub.QuotaView   `json:"quota"`
	Feat      []string          `json:"feat"`
	Sources   []hub.SourceView  `json:"sources"`
	Applied   bool              `json:"applied"`
	Entry     string            `json:"entry"`
	Sessions  []hub.LiveView    `json:"sessions"`
	Session   json.RawMessage   `json:"session"`
	raw       []byte
	_         struct{}
}

type openView struct {
	Run  string `json:"run"`
	Msg  string `json:"msg"`
	Text string `json:"text"`
	Off  int64  `json:"off"`

	Reasoning string `json:"reasoning"`
}

// A client is the other end of a connection: it speaks the protocol, notes every frame and follows conversations by
// the client's rule of docs/protocol.md.
type client struct {
	t    testing.TB
	hub  *hub.Hub
	to   chan []byte
	end  func()        // the client goes
	gone chan struct{} // by end
	done chan struct{} // the session has ended
	once sync.Once
	read chan struct{} // the hub has begun to read

	mu      sync.Mutex
	frames  []in
	changed chan struct{} // closed and replaced at every frame
	stalled bool
	mute    bool // does not answer pings
	code    int  // of Close
	next    int
	logs    map[string]*follow
	faults  []string // breaches of the protocol
	closed  chan struct{}
}

// follow is a conversation as a client has it.
type follow struct {
	ep       string
	last     int64
	texts    map[string]string // of runs, as shown
	thoughts map[string]string // of runs: the model's reasoning, as shown
	opened   map[string]bool
	ends     map[string]in
	seqs     []int64
	human    bool // a person owns the conversation
}

// dial connects without authenticating.
func dial(t testing.TB, h *hub.Hub) *client {
	c := &client{t: t, hub: h, to: make(chan []byte), gone: make(chan struct{}), done: make(chan struct{}), read: make(chan struct{}), changed: make(chan struct{}), logs: map[string]*follow{}, closed: make(chan struct{})}
	c.end = sync.OnceFunc(func() { close(c.gone) })
	session := h.Accept(c)
	go func() {
		defer close(c.done)
		session.Wait()
	}()
	t.Cleanup(func() {
		c.end()
		select {
		case <-c.done:
		case <-time.After(10 * time.Second):
			t.Error("the session did not end")
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, fault := range c.faults {
			t.Error(fault)
		}
	})
	return c
}

// connect dials and authenticates.
func connect(t testing.TB, h *hub.Hub, token string) *client {
	t.Helper()
	c := dial(t, h)
	if f := c.do(map[string]any{"t": "auth", "token": token}); f.T != "hello" {
		t.Fatalf("auth as %s: %s", token, f.raw)
	}
	return c
}

// Read implements hub.Conn.
func (c *client) Read() ([]byte, error) {
	c.once.Do(func() { close(c.read) })
	select {
	case data := <-c.to:
		return data, nil
	case <-c.closed:
		return nil, io.EOF
	case <-c.gone:
		return nil, io.EOF
	}
}

// Write implements hub.Conn. A stalled client takes nothing until it is closed.
func (c *client) Write(data []byte) error {
	c.mu.Lock()
	stalled := c.stalled
	c.mu.Unlock()
	if stalled {
		<-c.closed
		return io.ErrClosedPipe
	}
	f := in{raw: append([]byte(nil), data...)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.code != 0 {
		return io.ErrClosedPipe
	}
	if err := json.Unmarshal(data, &f); err != nil {
		c.faults = append(c.faults, fmt.Sprintf("unreadable frame %q: %v", data, err))
	}
	if len(data) > 64<<10 {
		c.faults = append(c.faults, fmt.Sprintf("a frame of %d bytes", len(data)))
	}
	if f.T == "ping" && !c.mute {
		go func() {
			select {
			case c.to <- []byte(`{"t":"pong"}`):
			case <-c.closed:
			case <-c.done:
			}
		}()
	}
	c.take(f)
	c.frames = append(c.frames, f)
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

// Close implements hub.Conn.
func (c *client) Close(code int, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(reason) > 123 {
		c.faults = append(c.faults, "a close reason that is too long: "+reason)
	}
	if c.code == 0 {
		c.code = code
		close(c.closed)
		close(c.changed)
		c.changed = make(chan struct{})
	}
	return nil
}

// take follows the client's rule.
func (c *client) take(f in) {
	switch f.T {
	case "snap":
		l := &follow{ep: f.Ep, last: f.Seq, texts: map[string]string{}, thoughts: map[string]string{}, opened: map[string]bool{}, ends: map[string]in{}}
		for _, m := range f.Messages {
			if m.Run != nil && m.Run.State != "accepted" && m.Run.State != "streaming" {
				l.texts[m.Run.ID] = m.Text
			}
		}
		if f.Open != nil {
			l.texts[f.Open.Run], l.thoughts[f.Open.Run], l.opened[f.Open.Run] = f.Open.Text, f.Open.Reasoning, true
			if int64(len(f.Open.Text)) != f.Open.Off {
				c.fault(f, "the open text is not as long as off says")
			}
		}
		c.logs[f.Conv] = l
	case "ev":
		l := c.logs[f.Conv]
		if l == nil {
			l = &follow{ep: f.Ep, last: first(f) - 1, texts: map[string]string{}, thoughts: map[string]string{}, opened: map[string]bool{}, ends: map[string]in{}}
			c.logs[f.Conv] = l
		}
		switch {
		case f.Ep != l.ep:
			if l.ep != "" || first(f) != 1 {
				c.fault(f, "an event of another log: a snapshot is needed")
				return
			}
			l.ep = f.Ep
		case f.Seq <= l.last:
			return
		case first(f) > l.last+1:
			c.fault(f, fmt.Sprintf("a gap after %d", l.last))
			return
		}
		l.last = f.Seq
		l.seqs = append(l.seqs, f.Seq)
		switch f.K {
		case "owner":
			l.human = f.Owner.Kind == "human"
		case "run.start":
			l.texts[f.Run], l.thoughts[f.Run], l.opened[f.Run] = "", "", true
		case "delta", "reasoning":
			if l.human {
				c.fault(f, "the AI speaks while a person owns the conversation")
			}
			texts := l.texts
			if f.K == "reasoning" {
				texts = l.thoughts
			}
			text := texts[f.Run]
			if f.Off == nil || *f.Off > int64(len(text)) {
				c.fault(f, fmt.Sprintf("a %s that does not continue %d bytes", f.K, len(text)))
				return
			}
			texts[f.Run] = text[:*f.Off] + f.Text
		case "run.end":
			if _, twice := l.ends[f.Run]; twice {
				c.fault(f, "a second end of the run")
			}
			l.ends[f.Run] = f
			if l.opened[f.Run] && (int64(len(l.texts[f.Run])) != f.Len || sum(l.texts[f.Run]) != f.SHA) {
				c.fault(f, fmt.Sprintf("the text of %d bytes is not the one the end speaks of", len(l.texts[f.Run])))
			}
		}
	}
}

func first(f in) int64 {
	if f.From > 0 {
		return f.From
	}
	return f.Seq
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func bytesHave(data []byte, part string) bool { return strings.Contains(string(data), part) }

func (c *client) fault(f in, what string) {
	c.faults = append(c.faults, fmt.Sprintf("%s: %.300s", what, f.raw))
}

// raw sends bytes as they are.
func (c *client) raw(data string) {
	c.t.Helper()
	select {
	case c.to <- []byte(data):
	case <-c.closed:
	case <-time.After(20 * time.Second):
		c.t.Fatalf("the hub does not read; %s", data)
	}
}

// send sends a command with the next id and returns the id.
func (c *client) send(command map[string]any) string {
	c.t.Helper()
	c.mu.Lock()
	c.next++
	id := fmt.Sprint(1000 + c.next)
	c.mu.Unlock()
	full := map[string]any{"id": json.RawMessage(id)}
	for k, v := range command {
		full[k] = v
	}
	data, err := json.Marshal(full)
	must(c.t, err)
	c.raw(string(data))
	return id
}

// do sends a command and returns its answer.
func (c *client) do(command map[string]any) in {
	c.t.Helper()
	id := c.send(command)
	return c.await("the answer to "+fmt.Sprint(command["t"]), func(f in) bool { return string(f.ID) == id })
}

var errTimeout = errors.New("timeout")

// await returns the first frame so far or to come for which is holds.
func (c *client) await(what string, is func(in) bool) in {
	c.t.Helper()
	f, err := c.awaitFor(20*time.Second, is)
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		tail := ""
		for _, f := range c.frames[max(0, len(c.frames)-6):] {
			tail += fmt.Sprintf("\n  %.200s", f.raw)
		}
		c.t.Fatalf("%s: %v (closed with %d); the last frames:%s", what, err, c.code, tail)
	}
	return f
}

func (c *client) awaitFor(d time.Duration, is func(in) bool) (in, error) {
	late := time.After(d)
	for i := 0; ; {
		c.mu.Lock()
		for ; i < len(c.frames); i++ {
			if is(c.frames[i]) {
				f := c.frames[i]
				c.mu.Unlock()
				return f, nil
			}
		}
		changed, code := c.changed, c.code
		c.mu.Unlock()
		if code != 0 {
			return in{}, io.EOF
		}
		select {
		case <-changed:
		case <-late:
			return in{}, errTimeout
		}
	}
}

// event awaits an event of a kind in a conversation.
func (c *client) event(conv, kind string) in {
	c.t.Helper()
	return c.await(kind+" in "+conv, func(f in) bool { return f.T == "ev" && f.Conv == conv && f.K == kind })
}

// ended awaits the end of a run.
func (c *client) ended(run string) in {
	c.t.Helper()
	return c.await("the end of "+run, func(f in) bool { return f.T == "ev" && f.K == "run.end" && f.Run == run })
}

// ask sends a message in a new or an existing conversation and returns the ok.
func (c *client) ask(conv, cid, text string) in {
	c.t.Helper()
	command := map[string]any{"t": "send", "cid": cid, "text": text}
	if conv != "" {
		command["conv"] = conv
	}
	f := c.do(command)
	if f.T != "ok" {
		c.t.Fatalf("send: %s", f.raw)
	}
	return f
}

// text is what the client has of a run.
func (c *client) text(conv, run string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.logs[conv]; l != nil {
		return l.texts[run]
	}
	return ""
}

// thoughts is what the client has of the reasoning of a run.
func (c *client) thoughts(conv, run string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.logs[conv]; l != nil {
		return l.thoughts[run]
	}
	return ""
}

// place is how far the client is in a conversation's log.
func (c *client) place(conv string) (ep string, seq int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.logs[conv]; l != nil {
		return l.ep, l.last
	}
	return "", 0
}

// fallSilent makes the client leave pings unanswered from now on.
func (c *client) fallSilent() {
	c.mu.Lock()
	c.mute = true
	c.mu.Unlock()
}

// closedWith awaits the end of the connection and returns its code.
func (c *client) closedWith() int {
	c.t.Helper()
	select {
	case <-c.closed:
	case <-time.After(20 * time.Second):
		c.t.Fatal("the connection is still open")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.code
}

// all returns the frames so far.
func (c *client) all() []in {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]in(nil), c.frames...)
}
