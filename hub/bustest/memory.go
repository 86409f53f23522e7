package bustest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"aihub/hub"
	"aihub/store"
)

// errCut is what every method of a Memory answers while it is cut off.
var errCut = errors.New("the bus is cut off")

// Memory is a bus within one process, for tests that need its clock or its faults: it can lose its log, and be cut off.
// It passes Run.
type Memory struct {
	mu        sync.Mutex
	cut       bool
	rev       uint64
	logs      map[hub.Topic][]hub.Entry
	followers map[*follower]struct{}
	servers   map[askName]func([]byte) []byte
	kept      map[keptName]keptValue
	watchers  map[*watcher]struct{}
}

type (
	askName struct {
		tenant store.TenantID
		name   string
	}
	keptName struct {
		tenant store.TenantID
		key    string
	}
	keptValue struct {
		rev   uint64
		value []byte
	}
	follower struct {
		topic   hub.Topic
		receive func(hub.Entry)
	}
	watcher struct {
		tenant  store.TenantID
		receive func(string, []byte)
	}
)

var _ hub.Bus = (*Memory)(nil)

// NewMemory returns an empty bus.
func NewMemory() *Memory {
	return &Memory{logs: map[hub.Topic][]hub.Entry{}, followers: map[*follower]struct{}{}, servers: map[askName]func([]byte) []byte{},
		kept: map[keptName]keptValue{}, watchers: map[*watcher]struct{}{}}
}

// Cut makes every method fail, or work again.
func (m *Memory) Cut(cut bool) {
	m.mu.Lock()
	m.cut = cut
	m.mu.Unlock()
}

// LoseLogs forgets all logs, as a bus that starts again with an empty disk; revisions begin anew.
func (m *Memory) LoseLogs() {
	m.mu.Lock()
	clear(m.logs)
	m.rev = 0
	m.mu.Unlock()
}

func (m *Memory) usable(ctx context.Context) error {
	if m.cut {
		return errCut
	}
	return ctx.Err()
}

// Append implements hub.Bus. Followers are called in the order of the entries, under the lock.
func (m *Memory) Append(ctx context.Context, t hub.Topic, after uint64, data []byte) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return 0, err
	}
	log := m.logs[t]
	var last uint64
	if len(log) > 0 {
		last = log[len(log)-1].Rev
	}
	if last != after {
		return 0, hub.ErrStale
	}
	m.rev++
	entry := hub.Entry{Rev: m.rev, Data: data}
	m.logs[t] = append(log, entry)
	m.tell(t, entry)
	return m.rev, nil
}

func (m *Memory) tell(t hub.Topic, entry hub.Entry) {
	for f := range m.followers {
		if f.topic == t {
			f.receive(entry)
		}
	}
}

// Last implements hub.Bus.
func (m *Memory) Last(ctx context.Context, t hub.Topic) (hub.Entry, error) {
	entries, err := m.Read(ctx, t, 0)
	if err != nil || len(entries) == 0 {
		return hub.Entry{}, err
	}
	return entries[len(entries)-1], nil
}

// Read implements hub.Bus.
func (m *Memory) Read(ctx context.Context, t hub.Topic, after uint64) ([]hub.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	log := m.logs[t]
	for len(log) > 0 && log[0].Rev <= after {
		log = log[1:]
	}
	return slices.Clone(log), nil
}

// Follow implements hub.Bus.
func (m *Memory) Follow(ctx context.Context, t hub.Topic, receive func(hub.Entry)) (func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	f := &follower{t, receive}
	m.followers[f] = struct{}{}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.followers, f)
	}, nil
}

// Announce implements hub.Bus.
func (m *Memory) Announce(t hub.Topic, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cut {
		return errCut
	}
	m.tell(t, hub.Entry{Data: data})
	return nil
}

// Serve implements hub.Bus.
func (m *Memory) Serve(tenant store.TenantID, name string, answer func([]byte) []byte) (func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cut {
		return nil, errCut
	}
	n := askName{tenant, name}
	m.servers[n] = answer
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.servers, n)
	}, nil
}

// Ask implements hub.Bus.
func (m *Memory) Ask(ctx context.Context, tenant store.TenantID, name string, question []byte) ([]byte, error) {
	m.mu.Lock()
	answer := m.servers[askName{tenant, name}]
	err := m.usable(ctx)
	m.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case answer == nil:
		return nil, hub.ErrNobody
	}
	return answer(question), nil
}

// Keep implements hub.Bus; a value never runs out by itself.
func (m *Memory) Keep(ctx context.Context, tenant store.TenantID, key string, after uint64, value []byte) (uint64, error) {
	return m.change(ctx, tenant, key, value, after)
}

// Forget implements hub.Bus.
func (m *Memory) Forget(ctx context.Context, tenant store.TenantID, key string, rev uint64) error {
	_, err := m.change(ctx, tenant, key, nil, rev)
	return err
}

func (m *Memory) change(ctx context.Context, tenant store.TenantID, key string, value []byte, at uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return 0, err
	}
	n := keptName{tenant, key}
	switch {
	case value == nil && m.kept[n].rev != at:
		return 0, nil
	case at > 0 && m.kept[n].rev != at:
		return 0, hub.ErrStale
	}
	m.rev++
	if value == nil {
		delete(m.kept, n)
	} else {
		m.kept[n] = keptValue{m.rev, value}
	}
	for w := range m.watchers {
		if w.tenant == tenant {
			w.receive(key, value)
		}
	}
	return m.rev, nil
}

// Watch implements hub.Bus.
func (m *Memory) Watch(ctx context.Context, tenant store.TenantID, receive func(string, []byte)) (func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	var names []keptName
	for n := range m.kept {
		if n.tenant == tenant {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, func(a, b keptName) int { return int(m.kept[a].rev) - int(m.kept[b].rev) })
	for _, n := range names {
		receive(n.key, m.kept[n].value)
	}
	receive("", nil)
	w := &watcher{tenant, receive}
	m.watchers[w] = struct{}{}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, w)
	}, nil
}

// Now implements hub.Bus.
func (m *Memory) Now(ctx context.Context) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now(), m.usable(ctx)
}

// Ready implements hub.Bus.
func (m *Memory) Ready(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.usable(ctx)
}
