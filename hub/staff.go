package hub

import (
	"context"
	"errors"
	"strings"
	"time"

	"aihub/store"
)

// A conversation has a second log, for the staff alone: whispers, notes and who watches. It is a topic of its own with
// its own numbers, so the participant can't even see that it exists.

// Kinds of entries in the staff log.
const (
	staffWhisper = "whisper" // to the AI
	staffNote    = "note"    // among colleagues
	staffWatch   = "watch"
	staffUnwatch = "unwatch"
)

// staffSuffix makes the name of a conversation's staff log; no conversation's id has it.
const staffSuffix = "-staff"

func staffTopic(t store.TenantID, conv string) Topic { return Topic{t, conv + staffSuffix} }

const (
	maxWhisper   = 4000 // bytes
	maxNote      = 2000 // bytes
	shownEntries = 50   // of the staff log, when somebody joins
	// watchedAgain is how long one person may come back to a conversation without a new entry in the audit ledger.
	watchedAgain = 10 * time.Minute
)

// whisper stores what staff write beside a conversation and shows it to the others who watch.
func (h *Hub) whisper(ctx context.Context, who Principal, c command) (string, error) {
	if !who.staff() {
		return "", E("forbidden")
	}
	to, ok := map[string]string{"ai": store.WhisperAI, "staff": store.WhisperStaff}[c.To]
	switch {
	case !ok:
		return "", Ef("bad_field", `to must be "ai" or "staff"`)
	case len(*c.Text) > maxWhisper:
		return "", E("too_big")
	}
	conv, err := readable(ctx, who, c.Conv)
	if err != nil {
		return "", err
	}
	if conv.State != store.ConversationOpen {
		return "", E("conversation_closed")
	}
	id, err := h.addWhisper(ctx, who, conv.ID, *c.Text, to, c.CID)
	if err != nil {
		return "", err
	}
	h.audit(ctx, who, "sussurro."+to, conv.ID)
	if to == store.WhisperAI && c.Now {
		return id, h.answerAnew(ctx, who.Tenant, conv, id)
	}
	return id, nil
}

func (h *Hub) addWhisper(ctx context.Context, who Principal, conv, text, to, cid string) (string, error) {
	w := store.Whisper{ID: h.newID("w"), ConversationID: conv, Author: who.User, AuthorName: who.Name, To: to, Text: text, CID: cid, At: h.now()}
	if cid != "" {
		w.ID = derivedID("w", conv, who.User, cid)
	}
	switch err := who.Tenant.AddWhisper(ctx, w); {
	case errors.Is(err, store.ErrExists):
		return w.ID, nil
	case err != nil:
		return "", storeError(err)
	}
	return w.ID, h.tellStaff(ctx, who.Tenant.ID(), conv, staffEntry(w))
}

// staffEntry shows a whisper.
func staffEntry(w store.Whisper) Event {
	kind := staffNote
	if w.To == store.WhisperAI {
		kind = staffWhisper
	}
	return Event{K: kind, Entry: w.ID, By: &By{Kind: "agent", ID: w.Author, Name: w.AuthorName}, Text: w.Text, Applied: w.Run != "", At: stamp(w.At)}
}

// note is a whisper that comes with another command; the command does not fail with it.
func (h *Hub) note(ctx context.Context, who Principal, conv, text, to string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	if _, err := h.addWhisper(ctx, who, conv, text, to, ""); err != nil {
		h.log.Warn("note not kept", "tenant", who.Tenant.ID().String(), "conversation", conv, "error", err)
	}
}

// tellStaff appends to the staff log.
func (h *Hub) tellStaff(ctx context.Context, t store.TenantID, conv string, e Event) error {
	w, err := openLog(ctx, h.bus, staffTopic(t, conv))
	if err == nil {
		_, err = w.appendAlways(ctx, e)
	}
	if err != nil {
		return busError(err)
	}
	return nil
}

// oversee makes a session of the staff hear the staff log of a conversation it follows, and notes in the ledger that
// somebody watches. It is called before the conversation is shown: who can't be noted sees nothing.
func (h *Hub) oversee(ctx context.Context, s *Session, conv store.Conversation) error {
	who := s.principal()
	if !who.staff() || conv.UserID == who.User {
		return nil
	}
	if s.circle.watchesAnew(who.User, conv.ID) {
		if err := h.mustAudit(ctx, who, "conversa.observada", conv.ID); err != nil {
			s.circle.forgetWatch(who.User, conv.ID)
			return err
		}
	}
	s.mu.Lock()
	_, already := s.staff[conv.ID]
	s.mu.Unlock()
	if already {
		return nil
	}
	r, err := h.room(ctx, staffTopic(who.Tenant.ID(), conv.ID))
	if err != nil {
		return err
	}
	r.joinNow(s)
	s.mu.Lock()
	if s.staff == nil {
		s.staff = map[string]*room{}
	}
	s.staff[conv.ID] = r
	s.mu.Unlock()
	by := byOf(who, true)
	h.watching(ctx, watchKey{who.Tenant.ID(), conv.ID, s.id}, by)
	err = h.tellStaff(ctx, who.Tenant.ID(), conv.ID, Event{K: staffWatch, Entry: "v_" + s.id, By: &by, At: h.stampNow()})
	if err != nil {
		h.log.Warn("colleagues not told who watches", "tenant", who.Tenant.ID().String(), "conversation", conv.ID, "error", err)
	}
	return nil
}

// showEntries sends a session what the staff wrote so far. What is told meanwhile comes twice, under the same id.
func (h *Hub) showEntries(ctx context.Context, s *Session, conv string) {
	who := s.principal()
	s.mu.Lock()
	_, overseeing := s.staff[conv]
	s.mu.Unlock()
	if !overseeing {
		return
	}
	whispers, err := who.Tenant.Whispers(ctx, conv, "", shownEntries)
	if err != nil {
		h.log.Warn("whispers not shown", "tenant", who.Tenant.ID().String(), "conversation", conv, "error", err)
	}
	for i := len(whispers) - 1; i >= 0; i-- {
		e := staffEntry(whispers[i])
		e.T, e.Conv = frameStaff, conv
		s.push(encode(e))
	}
}

// lookAway ends what oversee began.
func (h *Hub) lookAway(s *Session, conv string) {
	s.mu.Lock()
	r := s.staff[conv]
	delete(s.staff, conv)
	s.mu.Unlock()
	if r != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), 2*time.Second)
		defer cancel()
		h.unwatched(ctx, s, conv, r)
	}
}

// unwatched leaves a staff log and tells the colleagues.
func (h *Hub) unwatched(ctx context.Context, s *Session, conv string, r *room) {
	r.leave(s)
	who := s.principal()
	by := byOf(who, true)
	h.watchedNoMore(ctx, watchKey{who.Tenant.ID(), conv, s.id})
	if err := h.tellStaff(ctx, who.Tenant.ID(), conv, Event{K: staffUnwatch, Entry: "u_" + s.id, By: &by, At: h.stampNow()}); err != nil && h.ctx.Err() == nil {
		h.log.Warn("colleagues not told who left", "tenant", who.Tenant.ID().String(), "conversation", conv, "error", err)
	}
}
