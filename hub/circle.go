package hub

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"aihub/store"
)

// A circle is one tenant as this instance serves it: its sessions and runs, and what they may do together. It exists
// while there is a session or a run, and listens to what other instances announce of the tenant.
type circle struct {
	tenant  *store.Tenant
	limiter *rate.Limiter

	mu     sync.Mutex
	held   int // sessions and runs
	people map[string]*person
	stop   func() // of following; nil: not yet
	gone   bool
}

// person is one person's connections to this instance.
type person struct {
	sessions map[*Session]struct{}
	limiter  *rate.Limiter
	watched  map[string]time.Time // conversations, by when that was written in the ledger
	absent   func()               // ends the presence of a person of the staff
}

// circles are the tenants this instance serves.
type circles struct {
	mu  sync.Mutex
	all map[store.TenantID]*circle
}

// tenantTopic carries what instances tell each other of a tenant. No conversation has this name.
func tenantTopic(t store.TenantID) Topic { return Topic{t, "tenant"} }

// hold returns the tenant's circle; letGo must follow.
func (h *Hub) hold(t *store.Tenant) *circle {
	h.circles.mu.Lock()
	c, ok := h.circles.all[t.ID()]
	if !ok {
		c = &circle{tenant: t, limiter: rate.NewLimiter(tenantRate, tenantBurst), people: map[string]*person{}}
		h.circles.all[t.ID()] = c
	}
	c.mu.Lock()
	c.held++
	c.mu.Unlock()
	h.circles.mu.Unlock()
	return c
}

// letGo ends what hold began.
func (h *Hub) letGo(c *circle) {
	h.circles.mu.Lock()
	c.mu.Lock()
	c.held--
	last := c.held == 0
	stop := c.stop
	if last {
		delete(h.circles.all, c.tenant.ID())
		c.gone, c.stop = true, nil
	}
	c.mu.Unlock()
	h.circles.mu.Unlock()
	if last && stop != nil {
		stop()
	}
}

// served are the tenants this instance serves now.
func (h *Hub) served() []*store.Tenant {
	h.circles.mu.Lock()
	defer h.circles.mu.Unlock()
	all := make([]*store.Tenant, 0, len(h.circles.all))
	for _, c := range h.circles.all {
		all = append(all, c.tenant)
	}
	return all
}

// follow listens to the tenant's announcements, once. What fails is tried again by the sweeper.
func (h *Hub) follow(ctx context.Context, c *circle) {
	c.mu.Lock()
	following := c.stop != nil || c.gone
	c.mu.Unlock()
	if following {
		return
	}
	stop, err := h.bus.Follow(ctx, tenantTopic(c.tenant.ID()), func(e Entry) {
		if conv, tags := strings.CutPrefix(string(e.Data), announceTags); tags {
			h.registry.reread(Topic{c.tenant.ID(), conv})
		} else if string(e.Data) == announceCheck {
			h.checks.circle(c)
		}
	})
	if err != nil {
		h.log.Warn("announcements of a tenant are not heard yet", "tenant", c.tenant.ID().String(), "error", err)
		return
	}
	c.mu.Lock()
	spare := c.stop != nil || c.gone
	if !spare {
		c.stop = stop
	}
	c.mu.Unlock()
	if spare {
		stop()
	}
}

// enter makes an authenticated session part of its tenant's circle.
func (h *Hub) enter(ctx context.Context, s *Session) error {
	who := s.principal()
	c := h.hold(who.Tenant)
	c.mu.Lock()
	p, ok := c.people[who.User]
	if !ok {
		p = &person{sessions: map[*Session]struct{}{}, limiter: rate.NewLimiter(personRate, personBurst)}
		c.people[who.User] = p
	}
	full := len(p.sessions) >= personSessions
	if !full {
		p.sessions[s] = struct{}{}
	}
	c.mu.Unlock()
	if full {
		h.letGo(c)
		return Ef("rate_limited", "too many connections of one person")
	}
	s.mu.Lock()
	s.circle = c
	s.mu.Unlock()
	h.metrics.connected(1)
	h.follow(ctx, c)
	if !ok && who.staff() {
		h.present(c, p, who)
	}
	return nil
}

// present lets other instances find a person of the staff, who may own conversations.
func (h *Hub) present(c *circle, p *person, who Principal) {
	stop, err := h.bus.Serve(who.Tenant.ID(), presenceOf(who.User), func([]byte) []byte { return []byte("here") })
	if err != nil {
		h.log.Warn("presence not told", "tenant", who.Tenant.ID().String(), "user", who.User, "error", err)
		return
	}
	c.mu.Lock()
	gone := c.people[who.User] != p
	if !gone {
		p.absent = stop
	}
	c.mu.Unlock()
	if gone {
		stop()
	}
}

// watchesAnew reports whether a person looks at a conversation for the first time in a while.
func (c *circle) watchesAnew(user, conv string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.people[user]
	if p == nil {
		return true
	}
	if time.Since(p.watched[conv]) < watchedAgain {
		return false
	}
	if p.watched == nil || len(p.watched) > 1000 {
		p.watched = map[string]time.Time{}
	}
	p.watched[conv] = time.Now()
	return true
}

func (c *circle) forgetWatch(user, conv string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.people[user]; p != nil {
		delete(p.watched, conv)
	}
}

// leave ends what enter began.
func (h *Hub) leave(s *Session) {
	s.mu.Lock()
	c, user := s.circle, s.who.User
	s.mu.Unlock()
	if c == nil {
		return
	}
	absent := func() {}
	c.mu.Lock()
	if p := c.people[user]; p != nil {
		delete(p.sessions, s)
		if len(p.sessions) == 0 {
			delete(c.people, user)
			if p.absent != nil {
				absent = p.absent
			}
		}
	}
	c.mu.Unlock()
	absent()
	h.metrics.connected(-1)
	h.letGo(c)
}

// sessions returns the circle's sessions of now.
func (c *circle) sessions() []*Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*Session
	for _, p := range c.people {
		for s := range p.sessions {
			all = append(all, s)
		}
	}
	return all
}

// allow takes one command from the allowance of a person and of the tenant on this instance.
func (c *circle) allow(user string) bool {
	c.mu.Lock()
	p := c.people[user]
	c.mu.Unlock()
	return p == nil || (p.limiter.Allow() && c.limiter.Allow())
}

// sweep listens where it could not before.
func (h *Hub) sweepCircles(ctx context.Context) {
	h.circles.mu.Lock()
	var deaf []*circle
	for _, c := range h.circles.all {
		c.mu.Lock()
		if c.stop == nil {
			deaf = append(deaf, c)
		}
		c.mu.Unlock()
	}
	h.circles.mu.Unlock()
	for _, c := range deaf {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		h.follow(ctx, c)
		cancel()
	}
}
