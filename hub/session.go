package hub

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/time/rate"

	"aihub/store"
)

// A Conn is one live connection as the hub sees it; handlers adapts a WebSocket, tests use a pipe. One goroutine at a
// time reads and one writes; Close may come from any.
type Conn interface {
	// Read returns the next frame. It ends with the connection. A frame that is too big or not text ends the connection.
	Read() ([]byte, error)
	// Write sends one frame. It ends with the connection; who waits too long is ended by the sweeper.
	Write(frame []byte) error
	// Close ends the connection with a code of the protocol, and Read and Write with it. It must not block for long on a
	// silent peer.
	Close(code int, reason string) error
}

// A Principal is who is on the other end. Its Tenant is the only door to data; only authentication makes one.
type Principal struct {
	Tenant  *store.Tenant
	Profile store.Profile
	User    string
	Name    string
	Role    string
	Expires time.Time // when the token ends; the socket ends with it unless it is renewed
}

// staff reports whether the role may follow other people's conversations of its tenant.
func (p Principal) staff() bool { return p.Role == store.RoleSupervisor || p.Role == store.RoleAdmin }

// A Session is one authenticated connection.
type Session struct {
	hub  *Hub
	conn Conn
	id   string
	out  *queue

	limiter *rate.Limiter
	refused int         // frames in a row over the limit; the reader's
	faults  []time.Time // of bad frames in the last minute; the reader's

	user string // of who, who never becomes somebody else

	mu         sync.Mutex
	who        Principal
	token      string // of who; it is checked again while the connection lives
	known      bool   // authenticated
	warned     bool   // auth.soon was sent for the current token
	rooms      map[string]*room
	staff      map[string]*room // the staff logs of conversations
	live       *board           // of the tenant, while the session watches it
	witnessing *board           // of the tenant, while the person is told who watches (watched.go)
	sent       map[string]int64 // last seq queued, per conversation
	pinged     time.Time        // when the last ping was queued; zero: it was answered
	atPing     map[string]int64 // sent, as of the last ping
	nextPing   time.Time
	checkAt    time.Time // when the token is checked again; before the first one, when it must have come
	circle     *circle   // of the tenant; nil: not authenticated

	at        atomic.Pointer[at]      // where a visitor is; nil: not told
	busy      atomic.Bool             // a command is being carried out
	writing   atomic.Int64            // since when a frame is being sent, in nanoseconds; 0: none is
	verdict   atomic.Pointer[verdict] // how the connection ends; the first one counts
	closeOnce sync.Once
	closed    chan struct{}
	ended     chan struct{} // closed when it has left everything
}

// verdict is how a connection ends.
type verdict struct {
	code   int
	reason string
}

func newSession(h *Hub, c Conn) *Session {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	s := &Session{hub: h, conn: c, id: "s_" + hex.EncodeToString(b[:]), limiter: rate.NewLimiter(commandRate, commandBurst),
		rooms: map[string]*room{}, sent: map[string]int64{}, checkAt: time.Now().Add(authTimeout), closed: make(chan struct{}), ended: make(chan struct{})}
	s.out = newQueue(func() { go s.write() }) // ends when nothing is left to send, or with the connection
	return s
}

// principal returns who is on the other end now; a renewed token may change the role.
func (s *Session) principal() Principal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.who
}

// next waits for a frame, acts on it and lets another goroutine wait for the one after: a connection waits nearly all the
// time, and a stack that a command has deepened would be a sixth of its memory.
func (s *Session) next() {
	if s.step() {
		go s.next() // ends when the connection does
		return
	}
	s.finish()
}

// step acts on the next frame and reports whether the connection goes on.
func (s *Session) step() bool {
	defer s.contain()
	data, err := s.conn.Read()
	return err == nil && s.act(data)
}

// finish lets what was said before the end be sent, and leaves everything.
func (s *Session) finish() {
	defer close(s.ended)
	defer s.contain()
	if s.verdict.Load() != nil {
		select {
		case <-s.closed:
		case <-time.After(writeTimeout):
		}
	}
	s.end()
}

// contain is deferred: a panic ends this connection alone.
func (s *Session) contain() {
	if p := recover(); p != nil {
		s.hub.log.Error("panic", "session", s.id, "panic", p, "stack", string(debug.Stack()))
		s.close(CloseInternal, "internal error")
	}
}

// Wait returns when the connection has ended and left everything it was part of.
func (s *Session) Wait() { <-s.ended }

// admit takes the first frame, which authenticates, and reports whether it did.
func (s *Session) admit(c command, bad *Error) bool {
	ctx, cancel := context.WithTimeout(s.hub.ctx, authTimeout)
	defer cancel()
	refusal := bad
	switch {
	case bad != nil:
	case c.T != "auth":
		refusal = E("unauthenticated")
	default:
		refusal = s.authenticate(ctx, c)
	}
	if refusal == nil {
		return true
	}
	refusal = s.hub.refusal(refusal)
	s.push(encodeError(c.ID, refusal, ""))
	s.farewell(closeCodeOf(refusal), refusal.Code)
	return false
}

// closeCodeOf is the close code of a failed authentication.
func closeCodeOf(e *Error) int {
	switch e.Code {
	case "token_expired":
		return CloseExpired
	case "tenant_suspended":
		return CloseSuspended
	case "rate_limited":
		return CloseTooMany
	case "draining":
		return CloseDrain
	case "internal":
		return CloseInternal
	}
	if e.Retry {
		return CloseInternal
	}
	return CloseUnauth
}

// authenticate answers an auth frame, the first or a renewal.
func (s *Session) authenticate(ctx context.Context, c command) *Error {
	who, err := s.hub.auth.Authenticate(ctx, c.Token)
	if err != nil {
		return asError(err)
	}
	s.mu.Lock()
	first := !s.known
	if !first && (s.who.User != who.User || s.who.Tenant.ID() != who.Tenant.ID()) {
		s.mu.Unlock()
		return Ef("forbidden", "a live connection can only be renewed by the same person")
	}
	changed := !first && s.who.Role != who.Role
	if first {
		s.user = who.User
	}
	s.who, s.token, s.known, s.warned = who, c.Token, true, false
	now := time.Now()
	s.checkAt = now.Add(checkEvery)
	if s.nextPing.IsZero() {
		s.nextPing = now.Add(pingEvery)
	}
	s.mu.Unlock()
	if first {
		if err := s.hub.enter(ctx, s); err != nil {
			return asError(err)
		}
	}
	if changed && !who.staff() {
		s.dropForeign(ctx)
	}
	f := helloFrame{T: "hello", ID: c.ID, V: Version, Session: s.id, User: helloUser{who.User, who.Name, who.Role},
		Tenant: helloTenant{who.Tenant.ID().String(), who.Profile.Slug, who.Profile.Name},
		PingMS: pingEvery.Milliseconds(), MaxBytes: MaxFrame, Now: s.hub.stampNow(), Feat: features(who)}
	if quota, err := s.hub.quotaOf(ctx, who); err == nil { // hello goes without it when the store is slow
		f.Quota = quota
	}
	s.push(encode(f))
	return nil
}

// features names what the server can do for a person beyond the first version of the protocol.
func features(who Principal) []string {
	f := []string{"stop", "typing", "resume", "regen", "continue", "edit", "queue", "call", "end", "feedback", "search", "rate"}
	if who.Role == store.RoleVisitor {
		f = append(f, "context")
	}
	if who.staff() {
		f = append(f, "watch", "take", "whisper")
	}
	return f
}

// dropForeign leaves the conversations that the person may not follow any more.
func (s *Session) dropForeign(ctx context.Context) {
	who := s.principal()
	s.mu.Lock()
	var convs []string
	for conv := range s.rooms {
		convs = append(convs, conv)
	}
	s.mu.Unlock()
	for _, conv := range convs {
		if _, err := readable(ctx, who, conv); err != nil {
			s.hub.unsubscribe(s, conv)
		}
	}
	s.hub.unwatch(s)
}

// act carries out what a frame says and reports whether the connection goes on.
func (s *Session) act(data []byte) bool {
	s.busy.Store(true)
	defer s.busy.Store(false)
	if !utf8.Valid(data) {
		s.close(CloseInvalidUTF8, "invalid UTF-8")
		return false
	}
	c, bad := decodeCommand(data)
	if !s.admitted() {
		return s.admit(c, bad)
	}
	if c.T != "pong" && !s.allowed() {
		if s.refused++; s.refused > refusedMax {
			s.farewell(CloseTooMany, "too many frames")
			return false
		}
		e := E("rate_limited")
		e.RetryIn = time.Second
		s.push(encodeError(c.ID, e, ""))
		return true
	}
	s.refused = 0
	if bad != nil {
		s.hub.metrics.command("bad", bad.Code)
		s.push(encodeError(c.ID, bad, ""))
		if s.fault(time.Now()) {
			s.farewell(CloseAbuse, "too many bad frames")
			return false
		}
		return true
	}
	s.hub.dispatch(s.hub.ctx, s, c)
	return s.verdict.Load() == nil
}

// admitted reports whether the connection has authenticated.
func (s *Session) admitted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known
}

// allowed takes one command from the allowance of the connection, the person and the tenant on this instance.
func (s *Session) allowed() bool { return s.limiter.Allow() && s.circle.allow(s.principal().User) }

// fault counts a bad frame and reports whether there were too many in a minute.
func (s *Session) fault(now time.Time) bool {
	recent := s.faults[:0]
	for _, t := range s.faults {
		if now.Sub(t) < time.Minute {
			recent = append(recent, t)
		}
	}
	s.faults = append(recent, now)
	return len(s.faults) > faultsMax
}

// write sends what is queued until nothing is left. The queue starts it: who has nothing to say needs no goroutine to wait.
func (s *Session) write() {
	var items []item
	for {
		var open bool
		items, open = s.out.take(items)
		if len(items) == 0 {
			if v := s.verdict.Load(); !open && v != nil {
				s.close(v.code, v.reason)
			}
			return
		}
		for i := range items {
			if err := s.writeOne(items[i].bytes()); err != nil {
				s.close(1000, "") // what can't be written to is not read from either
				return
			}
		}
	}
}

// writeOne sends a frame. A deadline of its own would cost more than the rest of it, so the sweeper watches over them all.
func (s *Session) writeOne(data []byte) error {
	s.writing.Store(time.Now().UnixNano())
	defer s.writing.Store(0)
	return s.conn.Write(data)
}

// push queues a frame; a full queue ends the connection. It never blocks.
func (s *Session) push(data []byte) {
	if !s.out.push(data) {
		s.drop(CloseSlow, "slow consumer")
	}
}

// deliver queues an event of a room.
func (s *Session) deliver(f *frame) {
	if f.T == frameEvent {
		s.setSent(f.Conv, f.Seq)
	}
	if !s.out.pushFrame(f) {
		s.drop(CloseSlow, "slow consumer")
	}
}

func (s *Session) setSent(conv string, seq int64) {
	s.mu.Lock()
	s.sent[conv] = seq
	s.mu.Unlock()
}

// reply answers a command.
func (s *Session) reply(id jsontext.Value, frame any, err error) {
	if err != nil {
		e, ref := asError(err), ""
		if e.Code == "internal" {
			ref = newRef()
			who := s.principal()
			s.hub.log.Error("command failed", "ref", ref, "tenant", who.Tenant.ID().String(), "session", s.id, "error", err)
		}
		s.push(encodeError(id, e, ref))
		return
	}
	s.push(encode(frame))
}

// newRef names a failure in the log for the person who reports it.
func newRef() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}
