package hub

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// runs are the answers this instance is writing, and the admissions that may become one.
type runs struct {
	mu     sync.Mutex
	all    map[string]*run
	coming int // admitted, not yet started
	closed bool
	empty  chan struct{} // closed when the last one ends after close
	live   atomic.Int64  // len(all), for whoever must not wait for mu
}

// flushEvery is how long deltas are gathered before the next append; the first goes at once. All that follows a delta costs the
// same whatever its length, so an instance that writes many answers gathers longer.
func (rs *runs) flushEvery() time.Duration {
	return min(flushLeast+time.Duration(rs.live.Load())*flushPerRun, flushMost)
}

// reserve counts an admission; false when the hub is stopping. start or unreserve must follow.
func (rs *runs) reserve() bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.closed {
		return false
	}
	rs.coming++
	return true
}

func (rs *runs) unreserve() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.coming--
	rs.settle()
}

// start runs an admitted answer in a goroutine of its own.
func (rs *runs) start(r *run) {
	rs.mu.Lock()
	rs.coming--
	rs.all[r.id] = r
	rs.live.Store(int64(len(rs.all)))
	rs.mu.Unlock()
	go func() {
		c := r.hub.hold(r.tenant)
		defer r.hub.letGo(c)
		r.hub.follow(r.hub.ctx, c)
		defer rs.ended(r)
		r.serve(r.hub.ctx)
	}()
}

// ended forgets a run. One that panicked is left to the reaper, as if its instance were gone.
func (rs *runs) ended(r *run) {
	if p := recover(); p != nil {
		r.hub.log.Error("panic", "tenant", r.tenant.ID().String(), "run", r.id, "panic", p, "stack", string(debug.Stack()))
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.all, r.id)
	rs.live.Store(int64(len(rs.all)))
	rs.settle()
}

// settle tells wait when nothing is left. The caller holds mu.
func (rs *runs) settle() {
	if rs.closed && rs.coming == 0 && len(rs.all) == 0 {
		select {
		case <-rs.empty:
		default:
			close(rs.empty)
		}
	}
}

func (rs *runs) get(id string) *run {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.all[id]
}

func (rs *runs) each(f func(*run)) {
	rs.mu.Lock()
	all := make([]*run, 0, len(rs.all))
	for _, r := range rs.all {
		all = append(all, r)
	}
	rs.mu.Unlock()
	for _, r := range all {
		f(r)
	}
}

func (rs *runs) isClosed() bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.closed
}

// close refuses new answers.
func (rs *runs) close() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.closed = true
	rs.settle()
}

// wait reports whether all answers ended before the context did.
func (rs *runs) wait(ctx context.Context) bool {
	select {
	case <-rs.empty:
		return true
	case <-ctx.Done():
		return false
	}
}
