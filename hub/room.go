package hub

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Bounds of what a room keeps for replays; older positions get a snapshot.
const (
	roomFrames = 4096
	roomBytes  = 1 << 20
	// roomLinger is how long a room without members stays, so that a reconnect is served from memory.
	roomLinger = 60 * time.Second
	// roomLost is how long members wait for a room that can't read its log before they are told to come back.
	roomLost = 10 * time.Second
	// roomAwait is how long a subscriber waits for a room that is behind the position it names.
	roomAwait = time.Second
)

// errGap says that the log on the bus does not continue what a room has.
var errGap = errors.New("gap in the live log")

// errRoomClosed says that a room was closed for idleness; a new one can be made.
var errRoomClosed = errors.New("room closed")

// A room is one conversation as this instance hears it: the tail of its log and the local sessions. Only the bus
// feeds it (receive), so every member sees the same events whichever instance made them.
type room struct {
	topic Topic
	bus   Bus
	now   func() time.Time // that all instances share
	log   *slog.Logger
	ctx   context.Context // of the hub

	mu      sync.Mutex
	loading bool          // the loader runs; what the bus brings waits in pending
	missed  bool          // something may have been missed since the loader last looked at the log
	loaded  chan struct{} // closed after the first load
	failed  chan struct{} // closed when the first load failed
	pending []Entry
	behind  time.Time // since when the loader has failed; zero: it has not
	rev     uint64
	ep      string
	last    int64
	frames  []*frame // contiguous up to last
	bytes   int
	open    *openRun
	pulse   pulse
	members map[*Session]struct{}
	idle    time.Time // since when there are no members
	stop    func()
	closed  bool
}

// openRun is the answer that is being written, rebuilt from the log.
type openRun struct {
	run, msg, parent, model string
	text, reasoning         []byte
}

// grow adds a piece to the text that it belongs to. It is harmless on nil.
func (o *openRun) grow(e *Event) {
	if o == nil || o.run != e.Run || e.Off == nil {
		return
	}
	text := &o.text
	if e.K == kindReasoning {
		text = &o.reasoning
	}
	if *e.Off <= int64(len(*text)) {
		*text = append((*text)[:*e.Off], e.Text...)
	}
}

func newRoom(ctx context.Context, bus Bus, now func() time.Time, log *slog.Logger, t Topic) *room {
	return &room{topic: t, bus: bus, now: now, ctx: ctx, members: map[*Session]struct{}{}, loading: true, loaded: make(chan struct{}), failed: make(chan struct{}),
		idle: time.Now(), log: log.With("tenant", t.Tenant.String(), "conversation", t.Conv)}
}

// start subscribes and loads what the log holds. It is called once, by the room's maker.
func (r *room) start(ctx context.Context) error {
	stop, err := r.bus.Follow(ctx, r.topic, r.receive)
	if err == nil {
		r.mu.Lock()
		r.stop = stop
		r.mu.Unlock()
		err = r.load(ctx)
	}
	if err != nil {
		close(r.failed)
		return err
	}
	close(r.loaded)
	return nil
}

// receive takes one entry from the bus. It never blocks: what does not fit the known end of the log starts the loader.
func (r *room) receive(entry Entry) {
	if entry.Rev == 0 && entry.Data != nil {
		r.relay(entry.Data)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
	case entry.Rev == 0:
		r.missed = true
		if !r.loading {
			r.loading = true
			go r.catchUp()
		}
	case r.loading:
		r.pending = append(r.pending, entry) // bounded by the loader's deadline: see catchUp
	case !r.apply(entry):
		r.pending = append(r.pending, entry)
		r.loading = true
		go r.catchUp()
	}
}

// apply adds an entry to the room and hands it to the members; false when it does not continue the log. The caller
// holds mu; queues take without blocking.
func (r *room) apply(entry Entry) bool {
	f, err := parseFrame(entry.Data)
	if err != nil {
		r.log.Error("unreadable event in the log", "rev", entry.Rev, "error", err)
		r.rev = max(r.rev, entry.Rev)
		return true
	}
	switch {
	case f.Ep == r.ep && f.Seq <= r.last: // heard already
		return true
	case f.Ep == r.ep && f.first() == r.last+1:
	case f.Ep != r.ep && f.first() == 1: // a new log; a bus that lost everything counts its revisions anew, too
		r.ep, r.last, r.frames, r.bytes, r.open = f.Ep, 0, nil, 0, nil
	default:
		return false
	}
	r.add(entry.Rev, f)
	for s := range r.members {
		s.deliver(f)
	}
	return true
}

// add appends a frame to the room's tail. The caller holds mu.
func (r *room) add(rev uint64, f *frame) {
	r.rev, r.last = rev, f.Seq
	r.frames = append(r.frames, f)
	r.bytes += len(f.data)
	for len(r.frames) > roomFrames || (r.bytes > roomBytes && len(r.frames) > 1) {
		r.bytes -= len(r.frames[0].data)
		r.frames[0] = nil
		r.frames = r.frames[1:]
	}
	r.pulse.note(f, r.now())
	switch f.K {
	case kindRunStart:
		r.open = &openRun{run: f.Run, msg: f.Msg, parent: f.Parent, model: f.Model}
	case kindDelta, kindReasoning:
		r.open.grow(&f.Event)
	case kindRunEnd:
		r.open = nil
	}
}

// catchUp loads until the log could be read; members who wait too long are told to come back.
func (r *room) catchUp() {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
		err := r.load(ctx)
		cancel()
		if err == nil || r.ctx.Err() != nil {
			return
		}
		r.mu.Lock()
		if r.behind.IsZero() {
			r.behind = time.Now()
			r.log.Warn("the live log can't be read; trying again", "error", err)
		}
		var lost []*Session
		if time.Since(r.behind) > roomLost {
			for s := range r.members {
				lost = append(lost, s)
			}
			r.pending = nil // the log is read again from rev
		}
		closed := r.closed
		r.mu.Unlock()
		for _, s := range lost {
			s.drop(CloseLostPosition, "the live log can't be read")
		}
		if closed {
			return
		}
		select {
		case <-time.After(wait):
		case <-r.ctx.Done():
			return
		}
	}
}

// load reads the log from the known revision on, then what arrived meanwhile.
func (r *room) load(ctx context.Context) error {
	for {
		again, err := r.loadOnce(ctx)
		if err != nil || !again {
			return err
		}
	}
}

// loadOnce is one look at the log; again says that another one is due.
func (r *room) loadOnce(ctx context.Context) (again bool, err error) {
	r.mu.Lock()
	rev := r.rev
	r.missed = false
	r.mu.Unlock()
	entries, err := r.bus.Read(ctx, r.topic, rev)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.missed {
		return true, nil
	}
	for i, entry := range entries {
		if !r.apply(entry) && (i > 0 || !r.restart(entry)) {
			return false, errGap
		}
	}
	for _, entry := range r.pending {
		if !r.apply(entry) { // the bus skipped something: the log has it, and counts anew if it is another one
			r.rev = 0
			return false, errGap
		}
	}
	r.pending, r.loading, r.behind = nil, false, time.Time{}
	return false, nil
}

// restart begins the tail at an entry in the middle of a log whose head has expired. Members of the old tail would
// miss what is gone, so they come back and get a snapshot.
func (r *room) restart(entry Entry) bool {
	f, err := parseFrame(entry.Data)
	if err != nil {
		return true
	}
	if r.ep == f.Ep && f.first() <= r.last {
		return true
	}
	for s := range r.members {
		s.drop(CloseLostPosition, "position lost")
	}
	r.ep, r.frames, r.bytes, r.open = f.Ep, nil, 0, nil
	r.add(entry.Rev, f)
	return true
}

// relay hands an ephemeral frame to the members.
func (r *room) relay(data []byte) {
	from, frame, ok := splitEphemeral(data)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(frame) == 0 {
		r.pulse.parted = true
		return
	}
	for s := range r.members {
		if s.id != from {
			s.push(frame)
		}
	}
}

// await lets the room catch up with a position that the log has and this instance has not heard of yet: who comes from
// another instance may be ahead of this one.
func (r *room) await(ctx context.Context, at Pos) {
	ctx, cancel := context.WithTimeout(ctx, roomAwait)
	defer cancel()
	for asked := false; ; asked = true {
		r.mu.Lock()
		behind := !r.closed && (r.loading || (r.ep == at.Ep && r.last < at.Seq) || (r.ep != at.Ep && !asked))
		r.mu.Unlock()
		if !behind {
			return
		}
		if !asked {
			last, err := r.bus.Last(ctx, r.topic)
			if err != nil || last.Rev == 0 {
				return
			}
			if f, err := parseFrame(last.Data); err != nil || f.Ep != at.Ep || f.Seq < at.Seq {
				return // there is no such position
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// join makes s a member. With a position whose successors the room still has, it hands s exactly those; otherwise ok
// is false and s is not a member. answer builds the frame that goes before them.
func (r *room) join(s *Session, since Pos, answer func(from, to int64) []byte) (ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.loading || since.Ep != r.ep || since.Seq > r.last || since.Seq < 0 || since.Seq < r.last-r.kept() {
		return false
	}
	if frame := answer(since.Seq+1, r.last); frame != nil {
		s.push(frame)
	}
	for _, f := range mergeFrames(r.after(since.Seq)) {
		s.deliver(f)
	}
	r.members[s] = struct{}{}
	return true
}

// kept is how many of the last sequence numbers the room can replay.
func (r *room) kept() int64 {
	if len(r.frames) == 0 {
		return 0
	}
	return r.last - r.frames[0].first() + 1
}

// after returns the frames behind a sequence number. A frame that begins before it is sent whole: clients drop nothing
// they lack, since a delta says where it begins.
func (r *room) after(seq int64) []*frame {
	i := len(r.frames)
	for i > 0 && r.frames[i-1].Seq > seq {
		i--
	}
	return r.frames[i:]
}

// joinNow makes s a member from the next event on.
func (r *room) joinNow(s *Session) {
	r.mu.Lock()
	r.members[s] = struct{}{}
	r.mu.Unlock()
}

// leave ends a membership.
func (r *room) leave(s *Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, s)
	if len(r.members) == 0 {
		r.idle = time.Now()
	}
}

// abandoned reports whether nobody has listened for long enough.
func (r *room) abandoned(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.members) == 0 && now.Sub(r.idle) > roomLinger
}

func (r *room) close() {
	r.mu.Lock()
	stop := r.stop
	r.closed, r.stop = true, nil
	r.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// resend hands s again what follows a position, or ends the connection when that is gone.
func (r *room) resend(s *Session, seq int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq < r.last-r.kept() {
		s.drop(CloseLostPosition, "position lost")
		return
	}
	for _, f := range mergeFrames(r.after(seq)) {
		s.deliver(f)
	}
}
