package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	lru "github.com/hashicorp/golang-lru/v2"

	"aihub/llm"
	"aihub/llm/knowledge"
	"aihub/store"
)

// An Authenticator turns a token into the person it speaks for. Errors are *Error.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (Principal, error)
}

// Options are the parts a hub is made of; all are required unless they say otherwise.
type Options struct {
	Store    *store.Store
	Bus      Bus
	LLM      *llm.Client
	Sealer   *llm.Sealer
	Auth     Authenticator
	Logger   *slog.Logger
	Instance string        // names this instance in leases
	Drain    time.Duration // how long live answers may finish at Close
	Metrics  *Metrics      // nil: nothing is counted
	Tracer   trace.Tracer  // nil: runs leave no spans
	// Alerted is called when an alert of a tenant waits to be delivered, which may also have happened unheard; it must not
	// block. nil: no alerts are raised.
	Alerted func(store.TenantID)
	// Library answers from the tenants' articles; nil: answers come without.
	Library *knowledge.Library
}

// A Hub serves live connections and runs answers. Its methods are safe for concurrent use.
type Hub struct {
	store    *store.Store
	bus      Bus
	llm      *llm.Client
	sealer   *llm.Sealer
	auth     Authenticator
	log      *slog.Logger
	instance string
	drain    time.Duration
	metrics  *Metrics
	tracer   trace.Tracer
	library  *knowledge.Library
	known    *lru.Cache[string, facts] // by tenant

	ctx        context.Context // ends when everything must stop
	cancel     context.CancelFunc
	sessions   sessions
	rooms      rooms
	runs       runs
	circles    circles
	checks     checks
	registry   registry
	boards     boards
	alerted    func(store.TenantID)
	alertSlots chan struct{}  // a slot for each conversation whose alerts are being stored
	workers    sync.WaitGroup // sweeper, reaper, checker, keeper, and who stores alerts
}

// New starts a hub; Close stops it. It reads the shared clock first: what the first command of all stores goes by it.
func New(o Options) *Hub {
	ctx, cancel := context.WithCancel(context.Background())
	h := &Hub{store: o.Store, bus: o.Bus, llm: o.LLM, sealer: o.Sealer, auth: o.Auth, log: o.Logger, instance: o.Instance,
		drain: o.Drain, metrics: o.Metrics, tracer: tracerOr(o.Tracer), library: o.Library, known: newFacts(),
		alerted: o.Alerted, alertSlots: make(chan struct{}, alertsAtOnce), ctx: ctx, cancel: cancel}
	h.sessions.all = map[*Session]struct{}{}
	h.rooms.all = map[Topic]*room{}
	h.runs.all, h.runs.empty = map[string]*run{}, make(chan struct{})
	h.circles.all = map[store.TenantID]*circle{}
	h.checks = checks{sessions: map[*Session]struct{}{}, circles: map[*circle]struct{}{}, wake: make(chan struct{}, 1)}
	h.registry.all, h.registry.watchers = map[Topic]*tracked{}, map[watchKey]kept{}
	h.boards.all = map[store.TenantID]*board{}
	reading, read := context.WithTimeout(ctx, clockWithin)
	if _, err := h.setClock(reading); err != nil { // the reaper goes on trying
		h.log.Warn("the shared clock is not read yet", "error", err)
	}
	read()
	h.workers.Go(h.check)
	h.workers.Go(h.keep)
	h.workers.Go(h.sweep)
	h.workers.Go(h.reap)
	return h
}

// Instance is this instance's name among those that share an installation.
func (h *Hub) Instance() string { return h.instance }

// Accept speaks the protocol on c, in goroutines of its own, until the connection ends or the hub is closed.
func (h *Hub) Accept(c Conn) *Session {
	s := newSession(h, c)
	serve := s.next
	if !h.sessions.add(s) {
		serve = func() {
			s.close(CloseDrain, "draining")
			s.finish()
		}
	}
	go serve() // ends when the connection does; Wait waits for that
	return s
}

// Refuse closes a connection that can't be served because of err. Where trying again makes sense, its client does.
func (h *Hub) Refuse(c Conn, err error) {
	e := h.refusal(err)
	_ = c.Close(closeCodeOf(e), e.Code)
}

// refusal is what a connection is told of an error. What it failed for while the hub is stopping, like the database, may
// be there elsewhere.
func (h *Hub) refusal(err error) *Error {
	e := asError(err)
	if h.runs.isClosed() && (e.Retry || e.Code == "internal") {
		return E("draining")
	}
	return e
}

// Ready says why this instance can't serve now, or nil.
func (h *Hub) Ready(ctx context.Context) error {
	if h.runs.isClosed() {
		return errors.New("draining")
	}
	if err := h.store.Ready(ctx); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := h.bus.Ready(ctx); err != nil {
		return fmt.Errorf("bus: %w", err)
	}
	return nil
}

// Close stops the hub in order: no new runs; the live ones may finish for the drain time, the rest end as interrupted
// with what was shown; then the connections are closed with 4001, not all at the same moment, so that clients go
// elsewhere; then the rooms. Unfinished work of which the context's end cuts off the rest is done by other instances. Who
// connects meanwhile is sent away, too, and a further Close waits until they are.
func (h *Hub) Close(ctx context.Context) error {
	if h.ctx.Err() == nil {
		h.finishRuns(ctx)
	}
	h.sessions.closeAll(ctx)
	h.cancel()
	h.sessions.wait(ctx)
	h.workers.Wait()
	h.rooms.closeAll()
	return ctx.Err()
}

// finishRuns lets no new run begin and waits for the live ones, which after the drain time are told to end.
func (h *Hub) finishRuns(ctx context.Context) {
	h.runs.close()
	for _, s := range h.sessions.list() {
		if s.admitted() {
			s.push(encode(plainFrame{T: "drain", InMS: h.drain.Milliseconds()}))
		}
	}
	drained, cancel := context.WithTimeout(ctx, h.drain)
	defer cancel()
	if !h.runs.wait(drained) {
		h.runs.each(func(r *run) { r.halt(halt{state: store.RunInterrupted, code: "draining"}) })
		h.runs.wait(ctx)
	}
}

// now is the time by the bus's clock, which all instances share: what one stores and another judges must not depend on how
// wrong an instance's own clock is.
func (h *Hub) now() time.Time { return h.store.Now() }

// newID is an id that sorts by the bus's clock.
func (h *Hub) newID(prefix string) string { return h.store.NewID(prefix) }

// setClock compares the time as this instance knows it with the bus's, and returns by how much it was off. Small differences
// are left alone.
func (h *Hub) setClock(ctx context.Context) (off time.Duration, err error) {
	before := time.Now()
	now, err := h.bus.Now(ctx)
	if err != nil {
		return 0, err
	}
	now = now.Add(time.Since(before) / 2)
	if off = now.Sub(h.now()); off.Abs() > skewTolerated {
		h.store.SetTime(now)
	}
	return off, nil
}

// sweep does what is due once a second, for all connections and rooms: one ticker instead of timers per connection.
func (h *Hub) sweep() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case now := <-tick.C:
			for _, s := range h.sessions.list() {
				s.tick(now)
			}
			h.metrics.followed(h.rooms.sweep(now))
			h.sweepCircles(h.ctx)
		}
	}
}

// Renamed tells everyone who follows a conversation of its new title.
func (h *Hub) Renamed(ctx context.Context, t *store.Tenant, conv, title string) error {
	w, err := openLog(ctx, h.bus, Topic{t.ID(), conv})
	if err != nil {
		return busError(err)
	}
	if _, err := w.appendAlways(ctx, Event{K: kindConv, Title: title, At: h.stampNow()}); err != nil {
		return busError(err)
	}
	return nil
}

// sessions are the live connections of this instance, from their first moment to their last.
type sessions struct {
	mu     sync.Mutex
	all    map[*Session]struct{}
	closed bool
}

// add takes a connection in; it reports false when the hub is stopping.
func (ss *sessions) add(s *Session) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.all[s] = struct{}{}
	return !ss.closed
}

func (ss *sessions) remove(s *Session) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.all, s)
}

// list is every session there is now.
func (ss *sessions) list() []*Session {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return slices.Collect(maps.Keys(ss.all))
}

// closeAll closes the connections, also those that have not authenticated yet, spread over a moment so that their clients
// do not all arrive elsewhere at once, and waits until they are closed.
func (ss *sessions) closeAll(ctx context.Context) {
	ss.mu.Lock()
	ss.closed = true
	ss.mu.Unlock()
	var closing sync.WaitGroup
	for _, s := range ss.list() {
		closing.Go(func() {
			select {
			case <-time.After(rand.N(drainJitter)):
			case <-ctx.Done():
			case <-s.closed:
			}
			s.close(CloseDrain, "draining")
		})
	}
	closing.Wait()
}

// wait waits until all connections have left everything they were part of, or the context ends.
func (ss *sessions) wait(ctx context.Context) {
	for _, s := range ss.list() {
		select {
		case <-s.ended:
		case <-ctx.Done():
			return
		}
	}
}

// rooms are the conversations this instance follows.
type rooms struct {
	mu  sync.Mutex
	all map[Topic]*room
}

// room returns the conversation's room, loaded. The first caller makes it; others wait for it.
func (h *Hub) room(ctx context.Context, t Topic) (*room, error) {
	h.rooms.mu.Lock()
	r, ok := h.rooms.all[t]
	if !ok {
		r = newRoom(h.ctx, h.bus, h.now, h.log, t)
		h.rooms.all[t] = r
	}
	h.rooms.mu.Unlock()
	if !ok {
		if err := r.start(ctx); err != nil {
			h.rooms.drop(t, r)
			r.close()
			return nil, busError(err)
		}
		return r, nil
	}
	select {
	case <-r.loaded:
		return r, nil
	case <-r.failed:
		return nil, busError(errGap)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (rs *rooms) drop(t Topic, r *room) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.all[t] == r {
		delete(rs.all, t)
	}
}

// sweep closes rooms that nobody has listened to for a while and returns how many are left.
func (rs *rooms) sweep(now time.Time) int {
	var gone []*room
	rs.mu.Lock()
	for t, r := range rs.all {
		if r.abandoned(now) {
			delete(rs.all, t)
			gone = append(gone, r)
		}
	}
	left := len(rs.all)
	rs.mu.Unlock()
	for _, r := range gone {
		r.close()
	}
	return left
}

func (rs *rooms) closeAll() {
	rs.mu.Lock()
	all := rs.all
	rs.all = map[Topic]*room{}
	rs.mu.Unlock()
	for _, r := range all {
		r.close()
	}
}
