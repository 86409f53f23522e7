package hub

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"aihub/store"
)

// A board is a tenant's live registry as this instance knows it, the sessions of the staff that watch it, and the
// participants who are told that they are watched (watched.go). It exists while there are any.
type board struct {
	tenant store.TenantID
	hub    *Hub

	mu        sync.Mutex
	entries   map[string]*boardEntry        // by conversation
	watchers  map[string]map[string]watcher // by conversation and session
	members   map[*Session]*boardMember
	witnesses map[*Session]map[string]bool // by conversation: whether they know that it is watched
	ready     chan struct{}                // closed when what is kept has been read
	told      bool
	stop      func()
	gone      bool
}

type boardEntry struct {
	view  LiveView
	heard time.Time
}

type watcher struct {
	by    By
	heard time.Time
}

// boardMember is what one watching session has been told. Its changes wait here, each conversation once, until its
// connection's queue has room: however much happens, a slow reader sees the latest.
type boardMember struct {
	filter liveFilter
	shown  map[string]bool
	dirty  map[string]struct{}
}

// liveFilter narrows what a session watches; an empty field means all.
type liveFilter struct {
	Channel string `json:"channel"`
	Owner   string `json:"owner"` // ai, human or queue
	Text    string `json:"text"`  // part of the participant's name
	Tag     string `json:"tag"`
}

func (f liveFilter) matches(v LiveView) bool {
	return (f.Channel == "" || f.Channel == v.Channel) && (f.Owner == "" || f.Owner == v.Owner.Kind) &&
		(f.Tag == "" || slices.Contains(v.Tags, f.Tag)) &&
		(f.Text == "" || strings.Contains(strings.ToLower(v.Participant.Name), strings.ToLower(f.Text)))
}

// boards are the tenants that somebody watches here.
type boards struct {
	mu  sync.Mutex
	all map[store.TenantID]*board
}

type liveFrame struct {
	T        string         `json:"t"`
	ID       jsontext.Value `json:"id,omitempty"`
	K        string         `json:"k"`
	Sessions []LiveView     `json:"sessions,omitempty"`
	Session  *LiveView      `json:"session,omitempty"`
	Conv     string         `json:"conv,omitempty"`
}

const (
	// boardWait is how long a watcher waits for the registry to be read.
	boardWait = 3 * time.Second
	// boardRoom is how many frames a member's queue may hold before its changes wait.
	boardRoom = queueFrames / 2
)

// watch makes a session of the staff see the live registry of its tenant: what there is, then the changes.
func (h *Hub) watch(ctx context.Context, s *Session, c command) error {
	who := s.principal()
	if !who.staff() {
		return E("forbidden")
	}
	var filter liveFilter
	if c.Filter != nil {
		filter = *c.Filter
	}
	for {
		b, err := h.readBoard(ctx, who.Tenant.ID())
		if err != nil {
			return busError(err)
		}
		s.mu.Lock()
		s.live = b
		s.mu.Unlock()
		if b.join(s, c.ID, filter) {
			return nil
		} // its last member left just now
	}
}

// Sessions returns the live registry of who's tenant as it is now, in the order of the conversations. Errors are *Error.
func (h *Hub) Sessions(ctx context.Context, who Principal) ([]LiveView, error) {
	if !who.staff() {
		return nil, E("forbidden")
	}
	b, err := h.readBoard(ctx, who.Tenant.ID())
	if err != nil {
		return nil, busError(err)
	}
	defer b.leave(nil)
	return b.views(), nil
}

// readBoard returns the tenant's board when what is kept has been read into it.
func (h *Hub) readBoard(ctx context.Context, t store.TenantID) (*board, error) {
	b, err := h.board(ctx, t)
	if err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, boardWait)
	defer cancel()
	select {
	case <-b.ready:
		return b, nil
	case <-wait.Done():
		b.leave(nil)
		return nil, wait.Err()
	}
}

// unwatch ends a watch.
func (h *Hub) unwatch(s *Session) {
	s.mu.Lock()
	b := s.live
	s.live = nil
	s.mu.Unlock()
	if b != nil {
		b.leave(s)
	}
}

// board returns the tenant's board, which the first caller makes.
func (h *Hub) board(ctx context.Context, t store.TenantID) (*board, error) {
	h.boards.mu.Lock()
	b, ok := h.boards.all[t]
	if !ok {
		b = &board{tenant: t, hub: h, entries: map[string]*boardEntry{}, watchers: map[string]map[string]watcher{}, members: map[*Session]*boardMember{},
			witnesses: map[*Session]map[string]bool{}, ready: make(chan struct{})}
		h.boards.all[t] = b
	}
	h.boards.mu.Unlock()
	if ok {
		return b, nil
	}
	stop, err := h.bus.Watch(ctx, t, b.receive)
	b.mu.Lock()
	b.stop = stop
	gone := b.gone
	b.mu.Unlock()
	if err != nil {
		h.boards.drop(b)
		return nil, err
	}
	if gone {
		stop()
	}
	return b, nil
}

func (bs *boards) drop(b *board) {
	bs.mu.Lock()
	if bs.all[b.tenant] == b {
		delete(bs.all, b.tenant)
	}
	bs.mu.Unlock()
}

// receive takes a change of the registry. It never blocks.
func (b *board) receive(key string, value []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	conv, session, watches := strings.Cut(key, ".")
	switch {
	case key == "":
		if !b.told {
			b.told = true
			close(b.ready)
		}
		return
	case watches && value == nil:
		delete(b.watchers[conv], session)
		if len(b.watchers[conv]) == 0 {
			delete(b.watchers, conv)
		}
	case watches:
		var by By
		if json.Unmarshal(value, &by) != nil {
			return
		}
		if b.watchers[conv] == nil {
			b.watchers[conv] = map[string]watcher{}
		}
		known := b.watchers[conv][session].by == by
		b.watchers[conv][session] = watcher{by, time.Now()}
		if known { // it was only renewed
			return
		}
	case value == nil:
		delete(b.entries, conv)
	default:
		e := &boardEntry{heard: time.Now()}
		if json.Unmarshal(value, &e.view) != nil {
			return
		}
		if old := b.entries[conv]; old != nil && sameView(old.view, e.view) {
			old.heard = e.heard // it was only renewed
			return
		}
		b.entries[conv] = e
	}
	b.touch(conv)
}

func sameView(a, b LiveView) bool {
	return slices.Equal(a.Risk, b.Risk) && string(encode(a)) == string(encode(b))
}

// touch makes a conversation's change due for everyone. The caller holds mu.
func (b *board) touch(conv string) {
	for _, m := range b.members {
		m.dirty[conv] = struct{}{}
	}
	for s, told := range b.witnesses {
		if _, mine := told[conv]; mine {
			b.tellWitness(s, conv)
		}
	}
}

// view is an entry with who watches it. The caller holds mu.
func (b *board) view(conv string) (LiveView, bool) {
	e, ok := b.entries[conv]
	if !ok {
		return LiveView{}, false
	}
	v := e.view
	v.Watchers = []By{}
	for _, w := range b.watchers[conv] {
		if !slices.Contains(v.Watchers, w.by) {
			v.Watchers = append(v.Watchers, w.by)
		}
	}
	slices.SortFunc(v.Watchers, func(x, y By) int { return strings.Compare(x.ID, y.ID) })
	return v, true
}

func (b *board) views() []LiveView {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]LiveView, 0, len(b.entries))
	for _, conv := range slices.Sorted(maps.Keys(b.entries)) {
		v, _ := b.view(conv)
		out = append(out, v)
	}
	return out
}

// join makes s a member, with a snapshot of as much as fits a frame; the rest follows as changes. It is false when the
// board has ended meanwhile.
func (b *board) join(s *Session, id jsontext.Value, filter liveFilter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		return false
	}
	m := &boardMember{filter: filter, shown: map[string]bool{}, dirty: map[string]struct{}{}}
	f := liveFrame{T: "live", ID: id, K: "snap"}
	size := 0
	for conv := range b.entries {
		v, _ := b.view(conv)
		if !filter.matches(v) {
			continue
		}
		if size += len(encode(v)) + 1; size > snapBytes {
			m.dirty[conv] = struct{}{}
			continue
		}
		m.shown[conv] = true
		f.Sessions = append(f.Sessions, v)
	}
	b.members[s] = m
	s.push(encodeSnap(f))
	return true
}

// encodeSnap shows an empty list as one.
func encodeSnap(f liveFrame) []byte {
	if f.Sessions == nil {
		f.Sessions = []LiveView{}
	}
	type snap struct {
		T        string         `json:"t"`
		ID       jsontext.Value `json:"id,omitempty"`
		K        string         `json:"k"`
		Sessions []LiveView     `json:"sessions"`
	}
	return encode(snap{f.T, f.ID, f.K, f.Sessions})
}

// leave ends a membership, and the board with its last member; nil was none.
func (b *board) leave(s *Session) {
	b.mu.Lock()
	delete(b.members, s)
	b.endIfLast()
}

// endWitness ends what witness began, and the board with its last member.
func (b *board) endWitness(s *Session) {
	b.mu.Lock()
	delete(b.witnesses, s)
	b.endIfLast()
}

// endIfLast ends the board when nobody is left. The caller holds mu, which it gives up.
func (b *board) endIfLast() {
	last := len(b.members) == 0 && len(b.witnesses) == 0
	stop := b.stop
	if last {
		b.gone = true
	}
	b.mu.Unlock()
	if last {
		b.hub.boards.drop(b)
		if stop != nil {
			stop()
		}
	}
}

// flush tells the members what has changed since, and drops what its instance has not renewed.
func (bs *boards) flush(now time.Time) {
	bs.mu.Lock()
	all := make([]*board, 0, len(bs.all))
	for _, b := range bs.all {
		all = append(all, b)
	}
	bs.mu.Unlock()
	for _, b := range all {
		b.flush(now)
	}
}

func (b *board) flush(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for conv, e := range b.entries {
		if now.Sub(e.heard) > KeepFor {
			delete(b.entries, conv)
			b.touch(conv)
		}
	}
	for conv, of := range b.watchers {
		for session, w := range of {
			if now.Sub(w.heard) > KeepFor {
				delete(of, session)
			}
		}
		if len(of) == 0 {
			delete(b.watchers, conv)
			b.touch(conv)
		}
	}
	encoded := map[string][]byte{}
	for s, m := range b.members {
		room := boardRoom - s.out.len()
		for conv := range m.dirty {
			if room <= 0 {
				break
			}
			delete(m.dirty, conv)
			v, there := b.view(conv)
			if there && m.filter.matches(v) {
				data, ok := encoded[conv]
				if !ok {
					data = encode(liveFrame{T: "live", K: "put", Session: &v})
					encoded[conv] = data
				}
				m.shown[conv] = true
				s.push(data)
			} else if m.shown[conv] {
				delete(m.shown, conv)
				s.push(encode(liveFrame{T: "live", K: "del", Conv: conv}))
			} else {
				continue
			}
			room--
		}
	}
}
