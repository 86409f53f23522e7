package hub

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"aihub/store"
)

// dispatch carries out one command on the reader's goroutine: the commands of a connection never overtake each other.
func (h *Hub) dispatch(ctx context.Context, s *Session, c command) {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	switch c.T {
	case "auth":
		if e := s.authenticate(ctx, c); e != nil {
			e = h.refusal(e)
			s.push(encodeError(c.ID, e, ""))
			s.farewell(closeCodeOf(e), e.Code)
		}
	case "pong":
		s.ponged(c.Pos)
	case "sub":
		if err := h.subscribe(ctx, s, c); err != nil {
			s.reply(c.ID, nil, err)
		}
	case "unsub":
		h.unsubscribe(s, c.Conv)
		s.reply(c.ID, okFrame{T: "ok", ID: c.ID, Conv: c.Conv}, nil)
	case "send", "regen", "continue":
		h.send(ctx, s, c)
	case "stop":
		s.reply(c.ID, okFrame{T: "ok", ID: c.ID, Run: c.Run}, h.stop(ctx, s.principal(), c.Run))
	case "take", "release", "call", "end":
		if len(c.Note) > maxNote {
			s.reply(c.ID, nil, E("too_big"))
			return
		}
		h.dispatchOwner(ctx, s, c)
	case "whisper":
		entry, err := h.whisper(ctx, s.principal(), c)
		s.reply(c.ID, okFrame{T: "ok", ID: c.ID, Conv: c.Conv, Entry: entry}, err)
	case "watch":
		if err := h.watch(ctx, s, c); err != nil {
			s.reply(c.ID, nil, err)
		}
	case "unwatch":
		h.unwatch(s)
		s.reply(c.ID, okFrame{T: "ok", ID: c.ID}, nil)
	case "context":
		s.reply(c.ID, okFrame{T: "ok", ID: c.ID}, h.placeVisitor(ctx, s, c))
	case "typing":
		s.reply(c.ID, okFrame{T: "ok", ID: c.ID, Conv: c.Conv}, h.typing(ctx, s, c.Conv))
	}
}

// readable returns a conversation that the person may read: their own, or, for staff, any of the tenant. A foreign id
// is answered exactly as an unknown one.
func readable(ctx context.Context, who Principal, conv string) (store.Conversation, error) {
	if !store.ValidID("c", conv) {
		return store.Conversation{}, E("not_found")
	}
	c, err := who.Tenant.Conversation(ctx, conv)
	if err != nil {
		return c, storeError(err)
	}
	if (c.UserID != who.User && !who.staff()) || c.State == store.ConversationDeleted {
		return store.Conversation{}, E("not_found")
	}
	return c, nil
}

// storeError is what a person is told of an error of the store.
func storeError(err error) error {
	var quota *store.QuotaError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return E("not_found")
	case errors.Is(err, store.ErrConflict):
		return E("conflict")
	case errors.As(err, &quota):
		return quotaError(quota)
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		e := E("store_unavailable")
		e.RetryIn = time.Second
		return e
	}
	return err
}

// quotaError tells which limit was reached and when it begins anew.
func quotaError(q *store.QuotaError) *Error {
	e := E("quota_exceeded")
	e.ResetAt, e.ResetIn = q.ResetAt, q.ResetIn
	if q.Key != "" {
		e.Message = "the site's limit of messages is reached"
		if e.Retry = q.Window == "minute"; e.Retry {
			e.RetryIn = max(time.Second, q.ResetIn)
		}
	}
	if q.Window == "concurrency" {
		e = Ef("quota_exceeded", "too many answers at once")
		e.Retry, e.RetryIn = true, 2*time.Second
	}
	return e
}

// subscribe makes the session follow a conversation, from a position or with a snapshot.
func (h *Hub) subscribe(ctx context.Context, s *Session, c command) error {
	who := s.principal()
	conv, err := readable(ctx, who, c.Conv)
	if err != nil {
		return err
	}
	if err := h.oversee(ctx, s, conv); err != nil {
		return err
	}
	for range 3 { // a room may be closed for idleness between being found and being joined
		r, err := h.room(ctx, Topic{who.Tenant.ID(), conv.ID})
		if err != nil {
			return err
		}
		if c.Since != nil {
			r.await(ctx, *c.Since)
		}
		if c.Since != nil && r.join(s, *c.Since, func(from, to int64) []byte {
			return encode(resumedFrame{T: "resumed", ID: c.ID, Conv: conv.ID, Ep: c.Since.Ep, From: from, To: to, Recovered: true})
		}) {
			h.follows(ctx, s, conv, r)
			return nil
		}
		err = r.joinSnapshot(ctx, s, func(ctx context.Context) (snapFrame, error) { return snapshot(ctx, who.Tenant, c, conv.ID) })
		if errors.Is(err, errRoomClosed) {
			continue
		}
		if err == nil {
			h.follows(ctx, s, conv, r)
		}
		return err
	}
	return E("bus_unavailable")
}

// follows notes that a session follows a conversation: as its participant, or as one of the staff.
func (h *Hub) follows(ctx context.Context, s *Session, conv store.Conversation, r *room) {
	s.follow(conv.ID, r)
	h.track(s.principal(), conv, r)
	h.tellWatched(ctx, s, conv)
	h.showEntries(ctx, s, conv.ID)
}

// follow notes that the session is a member of the conversation's room.
func (s *Session) follow(conv string, r *room) {
	s.mu.Lock()
	old := s.rooms[conv]
	s.rooms[conv] = r
	s.mu.Unlock()
	if old != nil && old != r {
		old.leave(s)
	}
	select {
	case <-s.closed: // it ended meanwhile, and end has already left the rooms it knew
		r.leave(s)
	default:
	}
}

func (h *Hub) unsubscribe(s *Session, conv string) {
	s.mu.Lock()
	r := s.rooms[conv]
	delete(s.rooms, conv)
	delete(s.sent, conv)
	s.mu.Unlock()
	if r != nil {
		r.leave(s)
	}
	h.lookAway(s, conv)
	h.unheeded(s, conv)
}

// dispatchOwner carries out a command that changes who answers.
func (h *Hub) dispatchOwner(ctx context.Context, s *Session, c command) {
	if c.T == "end" {
		s.reply(c.ID, okFrame{T: "ok", ID: c.ID, Conv: c.Conv}, h.closeConversation(ctx, s.principal(), c))
		return
	}
	change := map[string]func(context.Context, Principal, command) (OwnerView, error){"take": h.take, "release": h.release, "call": h.call}[c.T]
	owner, err := change(ctx, s.principal(), c)
	s.reply(c.ID, okFrame{T: "ok", ID: c.ID, Conv: c.Conv, Owner: &owner}, err)
}

// typing tells the other members that the person is writing. Staff may do so only where they answer: who only watches
// must not be noticed.
func (h *Hub) typing(ctx context.Context, s *Session, conv string) error {
	who := s.principal()
	s.mu.Lock()
	_, following := s.rooms[conv]
	s.mu.Unlock()
	agent := false
	if !following || who.staff() { // a participant who follows has been checked already
		c, err := readable(ctx, who, conv)
		if err != nil {
			return err
		}
		if agent = c.UserID != who.User; agent && (c.Owner.Kind != store.OwnerHuman || c.Owner.ID != who.User) {
			return E("forbidden")
		}
	}
	frame := encode(typingFrame{T: "typing", Conv: conv, By: byOf(who, agent)})
	if err := h.bus.Announce(Topic{who.Tenant.ID(), conv}, joinEphemeral(s.id, frame)); err != nil {
		return busError(err)
	}
	return nil
}

// byOf names the person as the author of something.
func byOf(who Principal, agent bool) By {
	if agent {
		return By{Kind: "agent", ID: who.User, Name: who.Name}
	}
	return By{Kind: "user", ID: who.User, Name: who.Name}
}

// send answers a message or the wish for a further answer: refused, a duplicate of an earlier one, or accepted. The
// session follows the conversation it speaks in, from the message on.
func (h *Hub) send(ctx context.Context, s *Session, c command) {
	who := s.principal()
	began, err := time.Now(), checkSend(c)
	// A message that has begun to be taken in is taken in whole, even when its sender is gone: the copy that comes with the
	// next connection finds an answer, not one that failed because the first connection did.
	taking, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandWithin)
	defer cancel()
	var done accepted
	switch {
	case err != nil:
	case c.T == "regen", c.T == "continue":
		done, err = h.further(taking, who, c)
	default:
		done, err = h.accept(taking, who, c)
	}
	if err != nil {
		s.reply(c.ID, nil, err)
		return
	}
	h.metrics.admitted(time.Since(began))
	s.reply(c.ID, okFrame{T: "ok", ID: c.ID, Conv: done.conv.ID, Msg: done.msg, Run: done.run, Seq: done.place.Seq, Dup: &done.dup,
		Queue: done.queued, Title: done.title}, nil)
	if done.start != nil {
		h.runs.start(done.start)
	}
	s.mu.Lock()
	_, following := s.rooms[done.conv.ID]
	s.mu.Unlock()
	if !following {
		since := &Pos{Ep: done.place.Ep, Seq: done.place.Seq - 1}
		if err := h.tail(ctx, s, done.conv, since); err != nil {
			h.log.Warn("sender could not follow", "tenant", who.Tenant.ID().String(), "conversation", done.conv.ID, "error", err)
		}
	}
}

// tail makes the session follow a conversation from a position, without an answer frame; when the position is gone it
// gets a snapshot without an id.
func (h *Hub) tail(ctx context.Context, s *Session, conv store.Conversation, since *Pos) error {
	who := s.principal()
	r, err := h.room(ctx, Topic{who.Tenant.ID(), conv.ID})
	if err != nil {
		return err
	}
	r.await(ctx, *since)
	if !r.join(s, *since, func(int64, int64) []byte { return nil }) {
		err := r.joinSnapshot(ctx, s, func(ctx context.Context) (snapFrame, error) {
			return snapshot(ctx, who.Tenant, command{}, conv.ID)
		})
		if err != nil {
			return err
		}
	}
	h.follows(ctx, s, conv, r)
	return nil
}

// checkSend refuses what no state could accept.
func checkSend(c command) error {
	switch {
	case c.CID == "" || len(c.CID) > maxCID || strings.ContainsFunc(c.CID, func(r rune) bool { return !unicode.IsPrint(r) }):
		return Ef("bad_field", "cid must be 1 to 64 printable bytes")
	case c.T == "send":
	case !store.ValidID("m", c.Msg):
		return E("not_found")
	default:
		return nil
	}
	switch {
	case strings.TrimSpace(*c.Text) == "":
		return Ef("bad_field", "text is empty")
	case strings.ContainsRune(*c.Text, 0):
		return Ef("bad_field", "text contains NUL")
	case c.Locale != "" && !locale.MatchString(c.Locale):
		return Ef("bad_field", "locale is not a language tag")
	case c.Conv != "" && !store.ValidID("c", c.Conv):
		return E("not_found")
	case c.Parent != nil && *c.Parent != "" && !store.ValidID("m", *c.Parent):
		return E("not_found")
	}
	return nil
}

// stop ends a run on whatever instance it is, or takes a waiting message out of the queue. Stopping a run that has
// ended is fine.
func (h *Hub) stop(ctx context.Context, who Principal, id string) error {
	if !store.ValidID("r", id) {
		return E("not_found")
	}
	t := who.Tenant
	m, err := t.RunByID(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		conv, err := t.ConversationWaitingFor(ctx, id)
		if err != nil {
			return storeError(err)
		}
		if _, err := readable(ctx, who, conv.ID); err != nil {
			return err
		}
		if err := h.skip(ctx, t, conv, ""); err != nil {
			return storeError(err)
		}
		if m, err = t.RunByID(ctx, id); err != nil { // it did not have its turn meanwhile
			return nil
		}
	} else if err != nil {
		return storeError(err)
	}
	if _, err := readable(ctx, who, m.ConversationID); err != nil {
		return err
	}
	return h.haltRun(ctx, t, m, haltStop)
}

// haltRun asks the instance that answers to end a run. A run that is not heard of is about to begin, about to end, or
// lost; then the reaper ends it.
func (h *Hub) haltRun(ctx context.Context, t *store.Tenant, m store.Interaction, how string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for {
		if terminal(m.Run.State) {
			return nil
		}
		if r := h.runs.get(m.Run.ID); r != nil {
			r.halt(haltOf(how))
			return nil
		}
		_, err := h.bus.Ask(ctx, t.ID(), m.Run.ID, []byte(how))
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrNobody) {
			return busError(err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return E("instance_lost")
		}
		if m, err = t.RunByID(ctx, m.Run.ID); err != nil {
			return storeError(err)
		}
	}
}

// terminal reports whether a run's state is final.
func terminal(state string) bool {
	return state != store.RunAccepted && state != store.RunStreaming
}

// quotaOf reads what the person has used of their plan.
func (h *Hub) quotaOf(ctx context.Context, who Principal) ([]QuotaView, error) {
	plan, err := who.Tenant.PlanOf(ctx, who.User)
	if err != nil {
		return nil, err
	}
	uses, err := who.Tenant.QuotaOf(ctx, who.User, plan)
	if err != nil {
		return nil, err
	}
	return ViewQuota(uses), nil
}
