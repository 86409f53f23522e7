package hub

import (
	"context"
	"time"
)

// How connections end, and what is due on them while they live: pings, the end of the token, its next check.

// close ends the connection now; what is queued is dropped. It may block as long as the connection's Close does.
func (s *Session) close(code int, reason string) {
	s.verdict.CompareAndSwap(nil, &verdict{code, reason})
	s.closeOnce.Do(func() {
		v := s.verdict.Load()
		s.hub.metrics.closed(v.code)
		_ = s.conn.Close(v.code, v.reason)
		s.out.close()
		close(s.closed)
	})
}

// drop ends the connection soon, without blocking; nothing more is queued.
func (s *Session) drop(code int, reason string) {
	if s.verdict.CompareAndSwap(nil, &verdict{code, reason}) {
		s.out.close()
		go s.close(code, reason) // ends when the connection's Close does
	}
}

// farewell ends the connection when what is queued has been sent.
func (s *Session) farewell(code int, reason string) {
	s.verdict.CompareAndSwap(nil, &verdict{code, reason})
	s.out.close()
}

// end leaves everything the session was part of.
func (s *Session) end() {
	defer s.hub.sessions.remove(s)
	s.mu.Lock()
	rooms, staff, live, witnessing := s.rooms, s.staff, s.live, s.witnessing
	s.rooms, s.staff, s.live, s.witnessing = map[string]*room{}, nil, nil, nil
	s.mu.Unlock()
	for _, r := range rooms {
		r.leave(s)
	}
	if len(staff) > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.hub.ctx), 2*time.Second)
		for conv, r := range staff {
			s.hub.unwatched(ctx, s, conv, r)
		}
		cancel()
	}
	if live != nil {
		live.leave(s)
	}
	if witnessing != nil {
		witnessing.endWitness(s)
	}
	s.hub.leave(s)
	s.close(1000, "")
}

// tick does what is due at now: ping, the missing pong, the end of the token, its next check.
func (s *Session) tick(now time.Time) {
	s.mu.Lock()
	if !s.known {
		late := now.After(s.checkAt) && !s.busy.Load()
		s.mu.Unlock()
		if late {
			s.drop(CloseUnauth, "not authenticated in time")
		}
		return
	}
	expires := s.who.Expires
	soon := !s.warned && now.After(expires.Add(-authSoon))
	if soon {
		s.warned = true
	}
	// While a command is carried out nothing is read, so the pong may be waiting behind it.
	silent := !s.pinged.IsZero() && now.Sub(s.pinged) > pongTimeout && !s.busy.Load()
	ping := s.pinged.IsZero() && now.After(s.nextPing)
	if ping {
		s.pinged, s.nextPing = now, now.Add(pingEvery)
		s.atPing = make(map[string]int64, len(s.rooms))
		for conv := range s.rooms {
			s.atPing[conv] = s.sent[conv]
		}
	}
	check := now.After(s.checkAt)
	if check {
		s.checkAt = now.Add(checkEvery)
	}
	s.mu.Unlock()
	since := s.writing.Load()
	switch {
	case since != 0 && now.UnixNano()-since > int64(writeTimeout):
		go s.close(CloseSlow, "slow consumer") // also one that was to end when all was sent; ends when the connection's Close does
		return
	case now.After(expires):
		s.drop(CloseExpired, "token expired")
		return
	case silent:
		s.drop(CloseNoPong, "no pong")
		return
	}
	if soon {
		s.push(encode(plainFrame{T: "auth.soon", InMS: max(0, expires.Sub(now)).Milliseconds()}))
	}
	if ping {
		s.push(encode(plainFrame{T: "ping"}))
	}
	if check {
		s.hub.checks.session(s)
	}
}

// ponged notes the answer to a ping and re-sends what the client's positions show missing of what was sent before it.
func (s *Session) ponged(pos map[string]int64) {
	s.mu.Lock()
	s.pinged = time.Time{}
	missing := map[*room]int64{}
	for conv, seq := range pos {
		if r, ok := s.rooms[conv]; ok && seq < s.atPing[conv] {
			missing[r] = seq
		}
	}
	s.mu.Unlock()
	for r, seq := range missing {
		r.resend(s, seq)
	}
}
