package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A Device is a client as the portal is one: it follows conversations, and when its connection ends it connects again,
// to whatever instance, and resumes. Commands are repeated until they are answered; a message keeps its cid. Its methods
// are safe for concurrent use.
type Device struct {
	Name string

	api    *API
	bases  func() []string // where it may connect; one is picked at random
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}

	mu         sync.Mutex
	conn       *Conn // nil while there is none
	views      map[string]*View
	wake       chan struct{} // closed and renewed at each change
	breaches   []string
	codes      map[int]int // close codes seen
	internal   []string    // why connections were closed with 1011
	recoveries []time.Duration
	snapshots  int
	resumes    int
	canary     string // what no byte for this client may contain
	stopped    string // why it does not connect any more
	mayStop    bool   // a close code from 4400 on is expected
}

// NewDevice starts a client of a person.
func NewDevice(ctx context.Context, name string, api *API, bases func() []string) *Device {
	ctx, cancel := context.WithCancel(ctx)
	d := &Device{Name: name, api: api, bases: bases, ctx: ctx, cancel: cancel, done: make(chan struct{}),
		views: map[string]*View{}, wake: make(chan struct{}), codes: map[int]int{}}
	go d.run()
	return d
}

// Close ends the client and waits for it.
func (d *Device) Close() {
	d.cancel()
	<-d.done
}

// Forbid makes every frame that contains the canary a breach: it is something that only another tenant may see.
func (d *Device) Forbid(canary string) {
	d.mu.Lock()
	d.canary = canary
	d.mu.Unlock()
}

// MayStop says that the server is expected to end the client for good, with a close code from 4400 on.
func (d *Device) MayStop() {
	d.mu.Lock()
	d.mayStop = true
	d.mu.Unlock()
}

// Cut ends the connection as a lost network does; the client then connects again.
func (d *Device) Cut() {
	d.mu.Lock()
	c := d.conn
	d.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

// Stats is what a client has been through.
type Stats struct {
	Codes              map[int]int
	Internal           []string // why connections were closed with 1011
	Snapshots, Resumes int
	Recoveries         []time.Duration // from each loss of a connection to the next hello
}

// Stats returns what the client has been through.
func (d *Device) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Stats{Codes: map[int]int{}, Internal: slices.Clone(d.internal), Snapshots: d.snapshots, Resumes: d.resumes, Recoveries: append([]time.Duration(nil), d.recoveries...)}
	for k, v := range d.codes {
		s.Codes[k] = v
	}
	return s
}

// Breaches are the promises of the protocol that were broken for this client.
func (d *Device) Breaches() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := append([]string(nil), d.breaches...)
	if d.conn != nil {
		out = append(out, d.conn.Breaches()...)
	}
	for _, v := range d.views {
		out = append(out, v.Breaches...)
	}
	for i := range out {
		out[i] = d.Name + ": " + out[i]
	}
	return out
}

func (d *Device) run() {
	defer close(d.done)
	var lost time.Time // since when there is no connection; zero: from the start
	for failed := 0; d.ctx.Err() == nil; {
		c, err := d.connect()
		if err != nil {
			failed++
			// Full jitter, as the protocol's clients do it.
			d.sleep(time.Duration(rand.Int64N(int64(min(50*time.Millisecond<<min(failed, 6), time.Second)))))
			continue
		}
		failed = 0
		d.mu.Lock()
		if !lost.IsZero() {
			d.recoveries = append(d.recoveries, time.Since(lost))
		}
		d.mu.Unlock()
		select {
		case <-c.Done():
		case <-d.ctx.Done():
			c.Close()
			<-c.Done()
		}
		lost = time.Now()
		d.disconnected(c)
		if d.stopped != "" {
			return
		}
	}
}

func (d *Device) sleep(t time.Duration) {
	select {
	case <-time.After(t):
	case <-d.ctx.Done():
	}
}

// connect makes one connection and subscribes to every conversation again.
func (d *Device) connect() (*Conn, error) {
	ctx, cancel := context.WithTimeout(d.ctx, 10*time.Second)
	defer cancel()
	token, err := d.api.Token(ctx)
	if err != nil {
		return nil, err
	}
	bases := d.bases()
	if len(bases) == 0 {
		return nil, errors.New("there is nowhere to connect")
	}
	c, err := Dial(ctx, bases[rand.IntN(len(bases))], d.frame)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.pos = d.positions
	c.mu.Unlock()
	f, err := c.Do(ctx, Cmd{"t": "auth", "token": token})
	if err != nil || f.T != "hello" {
		c.Close()
		<-c.Done()
		d.disconnected(c)
		return nil, fmt.Errorf("not authenticated: %w", err)
	}
	d.mu.Lock()
	d.conn = c
	var subs []Cmd
	for _, v := range d.views {
		if v.left {
			continue
		}
		v.asked = true
		subs = append(subs, v.sub())
	}
	d.changed()
	d.mu.Unlock()
	for _, cmd := range subs {
		go d.subscribe(c, cmd)
	}
	return c, nil
}

// sub is the command with which a view goes on.
func (v *View) sub() Cmd {
	cmd := Cmd{"t": "sub", "conv": v.Conv}
	if v.loaded {
		cmd["since"] = map[string]any{"ep": v.Ep, "seq": v.Seq}
	}
	return cmd
}

// subscribe sends a sub until it is answered well or the connection ends; the answer itself is applied by frame.
func (d *Device) subscribe(c *Conn, cmd Cmd) {
	for d.ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(d.ctx, 60*time.Second)
		f, err := c.Do(ctx, cmd)
		cancel()
		switch {
		case err != nil && !errors.Is(err, ErrClosed) && d.ctx.Err() == nil:
			d.note("sub of %v: %v", cmd["conv"], err)
			c.Close()
			return
		case err != nil:
			return
		case f.T != "err":
			return
		case !f.Retry:
			d.note("sub was refused: %s", f.Raw)
			return
		}
		d.sleep(time.Duration(max(f.RetryMS, 100)) * time.Millisecond)
	}
}

func (d *Device) note(format string, args ...any) {
	d.mu.Lock()
	d.breaches = append(d.breaches, fmt.Sprintf(format, args...))
	d.mu.Unlock()
}

func (d *Device) changed() {
	close(d.wake)
	d.wake = make(chan struct{})
}

func (d *Device) positions() map[string]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	pos := map[string]int64{}
	for conv, v := range d.views {
		if !v.left {
			pos[conv] = v.Seq
		}
	}
	return pos
}

// disconnected takes over what the ended connection leaves.
func (d *Device) disconnected(c *Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == c {
		d.conn = nil
	}
	d.breaches = append(d.breaches, c.breaches...)
	d.codes[c.code]++
	if c.code == 1011 {
		d.internal = append(d.internal, c.err.Error())
	}
	if c.code >= 4400 && d.ctx.Err() == nil {
		d.stopped = fmt.Sprintf("closed with %d", c.code)
		if !d.mayStop {
			d.breaches = append(d.breaches, d.stopped)
		}
	}
	for _, v := range d.views {
		v.asked = false
	}
	d.changed()
}

// frame takes in what the server sent; it runs on the connection's reader.
func (d *Device) frame(f Frame) {
	if f.T == "auth.soon" {
		go d.renew()
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.canary != "" && bytes.Contains(f.Raw, []byte(d.canary)) {
		d.breaches = append(d.breaches, fmt.Sprintf("%q was received: %s", d.canary, f.Raw))
	}
	if f.Conv == "" {
		return
	}
	v := d.views[f.Conv]
	if v == nil {
		if f.T != "ev" && (f.T != "ok" || f.Run == "") {
			return
		}
		v = NewView(f.Conv) // the sender follows the conversation from the message on
		d.views[f.Conv] = v
	}
	switch f.T {
	case "snap":
		d.snapshots++
	case "resumed":
		d.resumes++
	case "ev":
	default:
		return
	}
	if v.left {
		return
	}
	verdict := v.Apply(f)
	d.changed()
	if (verdict == Gap || verdict == Lost) && !v.asked && d.conn != nil {
		v.asked = true
		cmd := v.sub()
		if verdict == Lost {
			delete(cmd, "since")
		}
		go d.subscribe(d.conn, cmd)
	}
}

// renew gives the connection a new token before its own ends.
func (d *Device) renew() {
	d.mu.Lock()
	c := d.conn
	d.mu.Unlock()
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(d.ctx, 30*time.Second)
	defer cancel()
	token, err := d.api.Token(ctx)
	if err == nil {
		_, err = c.Do(ctx, Cmd{"t": "auth", "token": token})
	}
	if err != nil && !errors.Is(err, ErrClosed) && d.ctx.Err() == nil {
		c.Close() // the next connection begins with a token of its own
	}
}

// connected waits for a connection.
func (d *Device) connected(ctx context.Context) (*Conn, error) {
	for {
		d.mu.Lock()
		c, wake, stopped := d.conn, d.wake, d.stopped
		d.mu.Unlock()
		switch {
		case c != nil:
			return c, nil
		case stopped != "":
			return nil, errors.New(d.Name + ": " + stopped)
		}
		select {
		case <-wake:
		case <-d.done:
			return nil, errors.New(d.Name + " has ended")
		case <-ctx.Done():
			return nil, fmt.Errorf("%s has no connection: %w", d.Name, ctx.Err())
		}
	}
}

// A RefusedError is the answer err to a command.
type RefusedError struct{ Frame }

func (e *RefusedError) Error() string { return "refused: " + string(e.Raw) }

// Do sends a command until it is answered: on another connection when one ends, later when the answer says retry.
func (d *Device) Do(ctx context.Context, cmd Cmd) (Frame, error) {
	for {
		c, err := d.connected(ctx)
		if err != nil {
			return Frame{}, err
		}
		f, err := c.Do(ctx, cmd)
		switch {
		case errors.Is(err, ErrClosed):
			<-c.Done()
			d.forget(c)
			continue
		case err != nil:
			return Frame{}, fmt.Errorf("%s: %v: %w", d.Name, cmd["t"], err)
		case f.T == "err" && f.Retry:
			select {
			case <-time.After(time.Duration(max(f.RetryMS, 50)) * time.Millisecond):
			case <-ctx.Done():
				return f, &RefusedError{f}
			}
			continue
		case f.T == "err":
			return f, &RefusedError{f}
		}
		return f, nil
	}
}

// forget forgets an ended connection at once, so that a command does not try it again.
func (d *Device) forget(c *Conn) {
	d.mu.Lock()
	if d.conn == c {
		d.conn = nil
	}
	d.mu.Unlock()
}

// Send says something and returns the answer to the command. conv may be empty.
func (d *Device) Send(ctx context.Context, conv, cid, text string) (Frame, error) {
	cmd := Cmd{"t": "send", "cid": cid, "text": text}
	if conv != "" {
		cmd["conv"] = conv
	}
	return d.Do(ctx, cmd)
}

// Follow makes the client follow a conversation from now on, if it does not already.
func (d *Device) Follow(conv string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := d.views[conv]
	if v == nil {
		v = NewView(conv)
		d.views[conv] = v
	}
	if !v.asked && d.conn != nil {
		v.asked = true
		go d.subscribe(d.conn, v.sub())
	}
}

// Leave makes the client follow a conversation no more; what it has seen stays.
func (d *Device) Leave(ctx context.Context, conv string) error {
	d.mu.Lock()
	if v := d.views[conv]; v != nil {
		v.left = true
	}
	d.mu.Unlock()
	_, err := d.Do(ctx, Cmd{"t": "unsub", "conv": conv})
	return err
}

// Look calls look with the view of a conversation (nil: there is none) until it returns true.
func (d *Device) Look(ctx context.Context, conv string, look func(*View) bool) error {
	for {
		d.mu.Lock()
		ok, wake := look(d.views[conv]), d.wake
		d.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return fmt.Errorf("%s does not see it: %w", d.Name, ctx.Err())
		}
	}
}

// End waits for the end of a run and returns a copy of the answer.
func (d *Device) End(ctx context.Context, conv, run string) (Answer, error) {
	var a Answer
	err := d.Look(ctx, conv, func(v *View) bool {
		if v == nil || v.Runs[run] == nil || v.Runs[run].Ended == 0 {
			return false
		}
		a = *v.Runs[run]
		return true
	})
	if err != nil {
		err = fmt.Errorf("end of %s in %s: %w", run, conv, err)
	}
	return a, err
}

// Shown waits until at least n bytes of a run are on the screen.
func (d *Device) Shown(ctx context.Context, conv, run string, n int) (Answer, error) {
	var a Answer
	err := d.Look(ctx, conv, func(v *View) bool {
		if v == nil || v.Runs[run] == nil || (len(v.Runs[run].Text) < n && v.Runs[run].Ended == 0) {
			return false
		}
		a = *v.Runs[run]
		return true
	})
	return a, err
}

// Views calls each with every view.
func (d *Device) Views(each func(*View)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range d.views {
		each(v)
	}
}

// NewCID names a message.
func NewCID() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

// Connected waits until the client has a connection.
func (d *Device) Connected(ctx context.Context) error {
	_, err := d.connected(ctx)
	return err
}
