package hub

import (
	"context"
	"errors"
	"strings"
	"time"

	"aihub/store"
)

// Who answers in a conversation is decided by one conditional update of the store, which no two can win, and becomes
// visible by one event in the log. Every event of a run is appended behind what the run has read; so a run that finds a
// person's name in the log stops there, wherever it runs, and not one byte of it comes after.

// take makes a person of the staff the one who answers. An answer that is being written stops at the event that tells so
// and keeps what was shown.
func (h *Hub) take(ctx context.Context, who Principal, c command) (OwnerView, error) {
	if !who.staff() {
		return OwnerView{}, E("forbidden")
	}
	conv, next, err := h.changeOwner(ctx, who, c.Conv, func(conv store.Conversation) (store.Owner, error) {
		switch now := conv.Owner; {
		case now.Kind == store.OwnerHuman && now.ID == who.User:
			return now, nil // a copy of the command
		case now.Kind == store.OwnerHuman:
			return now, heldBy(now)
		case now.Epoch != *c.Epoch:
			return now, staleOwner(now)
		}
		return store.Owner{Kind: store.OwnerHuman, ID: who.User, Name: who.Name}, nil
	})
	if err != nil {
		return OwnerView{}, err
	}
	if conv.Waiting.Run != "" {
		if err := h.skip(ctx, who.Tenant, conv, "conv_human"); err != nil {
			h.log.Warn("a waiting message is left to the reaper", "tenant", who.Tenant.ID().String(), "conversation", conv.ID, "error", err)
		}
	}
	if next != conv.Owner { // else a copy, which has been noted
		h.note(ctx, who, conv.ID, c.Note, store.WhisperStaff)
		h.audit(ctx, who, "conversa.assumida", conv.ID)
	}
	return ViewOwner(next), nil
}

// release gives a conversation back to the AI: by who owns it, by an admin, or by the participant who waits for a person.
// The note tells the AI what happened meanwhile; with a cut it is told nothing else of what was said until now.
func (h *Hub) release(ctx context.Context, who Principal, c command) (OwnerView, error) {
	back := store.Owner{Kind: store.OwnerAI}
	if c.Cut {
		if !who.staff() || strings.TrimSpace(c.Note) == "" {
			return OwnerView{}, Ef("bad_field", "a cut needs a note of the staff")
		}
		if _, err := readable(ctx, who, c.Conv); err != nil {
			return OwnerView{}, err
		}
		newest, err := who.Tenant.Messages(ctx, c.Conv, "", 1)
		if err != nil {
			return OwnerView{}, storeError(err)
		}
		if len(newest) > 0 {
			back.From = newest[0].ID
		}
	}
	conv, next, err := h.changeOwner(ctx, who, c.Conv, func(conv store.Conversation) (store.Owner, error) {
		now := conv.Owner
		mine := now.Kind == store.OwnerHuman && (now.ID == who.User || who.Role == store.RoleAdmin)
		waits := now.Kind == store.OwnerQueue && (conv.UserID == who.User || who.staff())
		switch {
		case now.Kind == store.OwnerAI && now.Epoch == *c.Epoch+1:
			return now, nil // a copy of the command
		case now.Kind == store.OwnerHuman && !mine:
			return now, heldBy(now)
		case now.Epoch != *c.Epoch || !(mine || waits):
			return now, staleOwner(now)
		}
		return back, nil
	})
	if err != nil {
		return OwnerView{}, err
	}
	if who.staff() && next != conv.Owner {
		h.note(ctx, who, conv.ID, c.Note, store.WhisperAI)
		h.audit(ctx, who, "conversa.devolvida", conv.ID)
	}
	return ViewOwner(next), nil
}

// call puts the conversation into the queue of those who wait for a person; the AI answers no more until it is released.
func (h *Hub) call(ctx context.Context, who Principal, c command) (OwnerView, error) {
	_, next, err := h.changeOwner(ctx, who, c.Conv, func(conv store.Conversation) (store.Owner, error) {
		switch {
		case conv.UserID != who.User:
			return conv.Owner, E("forbidden")
		case conv.Owner.Kind != store.OwnerAI:
			return conv.Owner, nil
		}
		return store.Owner{Kind: store.OwnerQueue}, nil
	})
	return ViewOwner(next), err
}

func staleOwner(o store.Owner) *Error {
	e := E("conflict")
	owner := ViewOwner(o)
	e.Owner = &owner
	return e
}

// changeOwner asks decide who shall own the conversation, in view of who does, until the store agrees that nothing has
// changed meanwhile, and tells it. When decide returns the present owner, that is told again unless the log has it.
func (h *Hub) changeOwner(ctx context.Context, who Principal, id string, decide func(store.Conversation) (store.Owner, error)) (store.Conversation, store.Owner, error) {
	for {
		conv, err := readable(ctx, who, id)
		if err != nil {
			return conv, store.Owner{}, err
		}
		if conv.State != store.ConversationOpen {
			return conv, store.Owner{}, E("conversation_closed")
		}
		next, err := decide(conv)
		if err != nil {
			return conv, store.Owner{}, err
		}
		// The log is looked up before the change, so that whoever changes it next stands behind this one.
		w, err := openLog(ctx, h.bus, Topic{who.Tenant.ID(), conv.ID})
		if err != nil {
			return conv, store.Owner{}, busError(err)
		}
		if next == conv.Owner {
			return conv, next, h.tellOwner(ctx, w, next, true)
		}
		next, err = who.Tenant.ChangeOwner(ctx, conv.ID, conv.Owner, next)
		if errors.Is(err, store.ErrConflict) {
			continue // bounded by the context, and by how often the owner changes
		}
		if err != nil {
			return conv, store.Owner{}, storeError(err)
		}
		return conv, next, h.tellOwner(ctx, w, next, false)
	}
}

// tellOwner appends who the owner is, unless the log knows of a later one, then stops the run that the event ends.
func (h *Hub) tellOwner(ctx context.Context, w *logWriter, o store.Owner, again bool) error {
	view := ViewOwner(o)
	e := Event{K: kindOwner, Owner: &view, At: stamp(o.Since)}
	if again { // somebody else may have told it
		entries, err := h.bus.Read(ctx, w.topic, 0)
		if err != nil {
			return busError(err)
		}
		for _, entry := range entries {
			if f, err := parseFrame(entry.Data); err == nil && knowsOwner(f, o) {
				return nil
			}
		}
	}
	for {
		_, err := w.append(ctx, e)
		if err == nil {
			break
		}
		if !errors.Is(err, ErrStale) {
			return busError(err)
		}
		events, _, err := w.catchUp(ctx)
		if err != nil {
			return busError(err)
		}
		for _, f := range events {
			if knowsOwner(f, o) {
				return nil
			}
		}
	}
	if o.Kind == store.OwnerHuman {
		h.stopForOwner(ctx, w.topic)
	}
	return nil
}

// ownerFresh is how long after a change of the owner its event is looked for before anything else is appended.
const ownerFresh = 10 * time.Minute

// writeTo returns the end of a conversation's log, which knows of the owner that conv has: who changed it may still be
// about to tell, or have died before. So nothing that follows from a change stands before its event.
func (h *Hub) writeTo(ctx context.Context, t *store.Tenant, conv store.Conversation) (*logWriter, error) {
	w, err := openLog(ctx, h.bus, Topic{t.ID(), conv.ID})
	if err == nil && conv.Owner.Epoch > 0 && h.now().Sub(conv.Owner.Since) < ownerFresh {
		err = h.tellOwner(ctx, w, conv.Owner, true)
	}
	if err != nil {
		return nil, busError(err)
	}
	return w, nil
}

// knowsOwner reports whether an event tells of this owner or a later one.
func knowsOwner(f *frame, o store.Owner) bool {
	return f.K == kindOwner && f.Owner != nil && f.Owner.Epoch >= o.Epoch
}

// stopForOwner makes the run that a person took over stop now: it can show nothing more, but would go on asking its model
// until it has something to show.
func (h *Hub) stopForOwner(ctx context.Context, topic Topic) {
	t := h.store.Tenant(topic.Tenant)
	conv, err := t.Conversation(ctx, topic.Conv)
	if err != nil || conv.Active.Run == "" {
		return
	}
	m, err := t.RunByID(ctx, conv.Active.Run)
	if err != nil || terminal(m.Run.State) {
		return
	}
	if r := h.runs.get(m.Run.ID); r != nil {
		r.halt(haltOf(haltTaken))
		return
	}
	if _, err := h.bus.Ask(ctx, topic.Tenant, m.Run.ID, []byte(haltTaken)); err != nil && !errors.Is(err, ErrNobody) {
		h.log.Warn("a run was not told that a person took over; it will find out", "tenant", topic.Tenant.String(), "run", m.Run.ID, "error", err)
	}
}

// closeConversation ends a conversation: nobody writes in it any more. The answer that is being written stops.
func (h *Hub) closeConversation(ctx context.Context, who Principal, c command) error {
	conv, err := readable(ctx, who, c.Conv)
	if err != nil {
		return err
	}
	if conv.UserID != who.User && conv.Owner.Kind == store.OwnerHuman && conv.Owner.ID != who.User && who.Role != store.RoleAdmin {
		return heldBy(conv.Owner)
	}
	if conv.State == store.ConversationClosed {
		return nil
	}
	if conv.UserID != who.User {
		h.note(ctx, who, conv.ID, c.Note, store.WhisperStaff)
		h.audit(ctx, who, "conversa.encerrada", conv.ID)
	}
	w, err := openLog(ctx, h.bus, Topic{who.Tenant.ID(), conv.ID})
	if err != nil {
		return busError(err)
	}
	if err := who.Tenant.CloseConversation(ctx, conv.ID); err != nil {
		if errors.Is(err, store.ErrConflict) {
			return nil // somebody else closed it
		}
		return storeError(err)
	}
	by := byOf(who, conv.UserID != who.User)
	if _, err := w.appendAlways(ctx, Event{K: kindConv, State: stateName(store.ConversationClosed), By: &by, At: h.stampNow()}); err != nil {
		return busError(err)
	}
	if conv.Active.Run == "" {
		return nil
	}
	m, err := who.Tenant.RunByID(ctx, conv.Active.Run)
	if err != nil || terminal(m.Run.State) {
		return nil
	}
	if err := h.haltRun(ctx, who.Tenant, m, haltStop); asError(err).Code != "instance_lost" {
		return err
	}
	return nil
}

// audit notes what somebody of the staff did. What was done stays done when the ledger can't be written; then the log
// has it.
func (h *Hub) audit(ctx context.Context, who Principal, action, conv string) {
	if err := h.mustAudit(ctx, who, action, conv); err != nil {
		h.log.Error("audit entry not written", "tenant", who.Tenant.ID().String(), "user", who.User, "action", action, "conversation", conv, "error", err)
	}
}

func (h *Hub) mustAudit(ctx context.Context, who Principal, action, conv string) error {
	_, err := who.Tenant.Audit(ctx, store.AuditEntry{Actor: who.User, ActorRole: who.Role, Action: action, Target: conv})
	return storeError(err)
}
