package hub

import (
	"context"
	"errors"
	"time"

	"aihub/store"
)

// A conversation has a queue of one: while an answer is being written, one further message is accepted, stored and
// shown, and waits for its turn. It reserves its quota when its turn comes.

// stateQueued is the state of a message that waits for its turn.
const stateQueued = "queued"

// enqueue takes in a message that waits for the run before it.
func (h *Hub) enqueue(ctx context.Context, who Principal, c command, a accepted, w *logWriter) (accepted, error) {
	t := who.Tenant
	conv, err := t.Conversation(ctx, a.conv.ID)
	if err != nil {
		return a, storeError(err)
	}
	before, err := t.RunByID(ctx, conv.Active.Run)
	if errors.Is(err, store.ErrNotFound) {
		return a, errAgain
	}
	if err != nil {
		return a, storeError(err)
	}
	parent := before.ID // it goes on from the answer that is being written
	if c.Parent != nil {
		if parent, err = parentOf(ctx, t, conv.ID, c.Parent, nil); err != nil {
			return a, err
		}
	}
	id := runID(conv.ID, who.User, c.CID)
	err = t.Enqueue(ctx, conv.ID, conv.Active.Run, store.Waiting{Run: id, Author: who.User, CID: c.CID, Model: c.Model, Since: h.now()})
	if errors.Is(err, store.ErrConflict) {
		if conv, err = t.Conversation(ctx, conv.ID); err == nil && conv.Waiting.Run != "" {
			return a, busy() // another message waits
		}
		return a, errAgain
	}
	if err != nil {
		return a, storeError(err)
	}
	msg := h.newMessage(who, c, conv.ID, parent, store.RoleUser, w)
	first, err := h.persist(ctx, t, &msg)
	if err != nil {
		return a, err
	}
	if msg.Text != *c.Text {
		return a, E("idem_mismatch")
	}
	a.queued = true
	if !first {
		return a, h.duplicate(ctx, who, &a, msg, id)
	}
	a.msg, a.run = msg.ID, id
	if a.place, err = h.appendMessage(ctx, t, w, msg, byOf(who, false), id); err != nil {
		return a, busError(err)
	}
	h.next(ctx, t, conv.ID) // should the run before it have ended meanwhile
	return a, nil
}

// next gives the waiting message its turn, if the conversation is free. Any instance may try at any time.
func (h *Hub) next(ctx context.Context, t *store.Tenant, id string) {
	if err := h.takeTurn(ctx, t, id); err != nil {
		h.log.Warn("a waiting message is left to the reaper", "tenant", t.ID().String(), "conversation", id, "error", err)
	}
}

func (h *Hub) takeTurn(ctx context.Context, t *store.Tenant, id string) error {
	conv, err := t.Conversation(ctx, id)
	if err != nil || conv.Waiting.Run == "" || (conv.Active.Run != "" && conv.Active.Run != conv.Waiting.Run) {
		return err
	}
	turn := conv.Waiting
	if conv.State != store.ConversationOpen || conv.Owner.Kind != store.OwnerAI {
		return h.skip(ctx, t, conv, "conv_human")
	}
	if _, err := t.RunByID(ctx, turn.Run); err == nil { // it has its turn already
		_, err := t.Dequeue(ctx, id, turn.Run)
		return err
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	question, err := t.MessageByCID(ctx, id, turn.Author, turn.CID)
	if errors.Is(err, store.ErrNotFound) {
		if h.now().Sub(turn.Since) > orphanAfter { // its instance died before it was stored, so nobody was told of it
			_, err := t.Dequeue(ctx, id, turn.Run)
			return err
		}
		return nil
	}
	if err != nil {
		return err
	}
	w, err := h.writeTo(ctx, t, conv)
	if err != nil {
		return err
	}
	if !h.runs.reserve() {
		return nil // this instance is stopping; another one's reaper comes
	}
	started := false
	defer func() {
		if !started {
			h.runs.unreserve()
		}
	}()
	switch err := t.ClaimConversation(ctx, id, turn.Run, conv.Owner.Epoch); {
	case errors.Is(err, store.ErrConflict):
		return nil
	case err != nil:
		return err
	}
	admitting, cancel := context.WithTimeout(ctx, admitWithin)
	defer cancel()
	refusal := error(nil)
	p, err := h.plan(ctx, t, turn.Author, turn.Model)
	if err != nil {
		refusal = err
		p = plan{targets: noTargets}
	}
	r := h.newRun(t, turn.Author, conv, turn.Run, w, p)
	r.question = question.ID
	if refusal == nil {
		refusal = r.prepare(admitting, thread{question: question}, nil)
	}
	if errors.Is(refusal, store.ErrExists) || (refusal != nil && asError(refusal).Retry && h.now().Sub(turn.Since) < 5*time.Minute) {
		return refusal // the reaper tries again
	}
	switch err := t.AddMessage(admitting, r.answerToBe()); {
	case errors.Is(err, store.ErrExists):
		_, err := t.Dequeue(ctx, id, turn.Run)
		return err
	case err != nil:
		return err
	}
	if _, err := t.Dequeue(ctx, id, turn.Run); err != nil {
		h.log.Warn("turn not noted", "tenant", t.ID().String(), "conversation", id, "error", err)
	}
	if err := r.begin(ctx); err != nil {
		r.abandon(err)
		return nil
	}
	if refusal != nil {
		r.finish(ctx, outcome{state: store.RunFailed, code: asError(refusal).Code})
		return nil
	}
	started = true
	h.runs.start(r)
	return nil
}

// skip takes the waiting message out of the queue and tells that its run will not come. The message itself stays.
func (h *Hub) skip(ctx context.Context, t *store.Tenant, conv store.Conversation, code string) error {
	waited, err := t.Dequeue(ctx, conv.ID, conv.Waiting.Run)
	if err != nil || !waited {
		return err
	}
	w, err := openLog(ctx, h.bus, Topic{t.ID(), conv.ID})
	if err != nil {
		return err
	}
	_, err = w.appendAlways(ctx, Event{K: kindRunEnd, Run: conv.Waiting.Run, State: store.RunStopped, Code: code, At: h.stampNow()})
	return err
}
