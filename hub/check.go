package hub

import (
	"context"
	"sync"
	"time"

	"aihub/store"
)

// announceCheck tells all instances that something about a tenant or its people has changed.
const announceCheck = "check"

// Changed makes every instance check the tenant's live connections and runs again, at once. Call it after a person was
// disabled, had their tokens revoked or got another role, and after the tenant was suspended. Without it the change
// takes effect when the next regular check of a connection does, within a minute.
func (h *Hub) Changed(_ context.Context, tenant store.TenantID) error {
	if err := h.bus.Announce(tenantTopic(tenant), []byte(announceCheck)); err != nil {
		return busError(err)
	}
	return nil
}

// checks are the sessions and circles whose rights must be looked at again. What is due is bounded by what is live.
type checks struct {
	mu       sync.Mutex
	sessions map[*Session]struct{}
	circles  map[*circle]struct{}
	wake     chan struct{} // one slot
}

func (c *checks) session(s *Session) {
	c.mu.Lock()
	c.sessions[s] = struct{}{}
	c.mu.Unlock()
	c.signal()
}

func (c *checks) circle(of *circle) {
	c.mu.Lock()
	c.circles[of] = struct{}{}
	c.mu.Unlock()
	c.signal()
}

func (c *checks) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *checks) take() (map[*Session]struct{}, map[*circle]struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, all := c.sessions, c.circles
	c.sessions, c.circles = map[*Session]struct{}{}, map[*circle]struct{}{}
	return s, all
}

// check looks at what is due until the hub closes.
func (h *Hub) check() {
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-h.checks.wake:
		}
		sessions, circles := h.checks.take()
		for c := range circles {
			h.checkRuns(c)
			for _, s := range c.sessions() {
				sessions[s] = struct{}{}
			}
		}
		for s := range sessions {
			h.checkSession(s)
		}
	}
}

// checkSession authenticates a live connection again with the token it has. What the person may not do any more ends
// with the connection; when that can't be found out now, it is tried again.
func (h *Hub) checkSession(s *Session) {
	s.mu.Lock()
	token, before := s.token, s.who
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(h.ctx, 5*time.Second)
	defer cancel()
	who, err := h.auth.Authenticate(ctx, token)
	if err != nil {
		switch e := asError(err); e.Code {
		case "tenant_suspended":
			s.drop(CloseSuspended, e.Code)
		case "unauthenticated", "token_expired", "forbidden":
			s.drop(CloseExpired, "token revoked")
		default:
			s.mu.Lock()
			s.checkAt = time.Now().Add(time.Second)
			s.mu.Unlock()
		}
		return
	}
	if who.Role != before.Role {
		s.drop(CloseExpired, "role changed")
	}
}

// checkRuns ends the answers of a suspended tenant: nothing more is spent in its name.
func (h *Hub) checkRuns(c *circle) {
	ctx, cancel := context.WithTimeout(h.ctx, 5*time.Second)
	defer cancel()
	p, err := c.tenant.Profile(ctx)
	if err != nil || p.State == store.StateActive {
		return
	}
	h.runs.each(func(r *run) {
		if r.tenant.ID() == c.tenant.ID() {
			r.halt(halt{state: store.RunInterrupted, code: "tenant_suspended"})
		}
	})
}
