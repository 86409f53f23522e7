package hub

import (
	"context"
	"errors"
	"time"

	"aihub/store"
)

// A further answer is a run without a message of its own: `regen` answers a question anew, beside the answers it has;
// `continue` goes on from an answer that was cut short. Nothing of an earlier answer changes: each one has its own text,
// length, hash and charge, and a continuation follows the one it continues as its child.

// thread is what a run answers: a person's question and, for a continuation, what was said to it already.
type thread struct {
	question store.Interaction
	recent   []store.Interaction // the conversation's newest messages, if they were read already
	said     string              // by the answers that are continued, all in a row; "": the question is answered from the beginning
}

// threadOf climbs from a message to the question it is, answers, or continues the answer to.
func threadOf(ctx context.Context, t *store.Tenant, m store.Interaction) (thread, error) {
	var th thread
	var err error
	for n := 0; m.Role == store.RoleAssistant; n++ {
		if n == historyMessages {
			return th, Ef("bad_field", "the answer has been continued too often")
		}
		th.said = m.Text + th.said
		if m, err = t.Message(ctx, m.Parent); err != nil {
			return th, storeError(err)
		}
	}
	th.question = m
	if m.Role != store.RoleUser {
		return th, Ef("bad_field", "only a person's question can be answered")
	}
	return th, nil
}

// continuable reports whether a run that ended with some text can be continued: something other than the model's own
// judgement ended it. The answers of a person who took over, and what a filter or the bound of an answer ended, can't.
func continuable(state, code, finish string, length int64) bool {
	switch {
	case length == 0:
		return false
	case state == store.RunInterrupted, state == store.RunStopped:
		return true
	case state == store.RunFailed:
		return code != "llm_filtered" && code != "llm_too_long"
	}
	return state == store.RunComplete && finish == "length"
}

// further takes in a `regen` or a `continue`. For regen, msg names the question or one of its answers; for continue, the
// answer to go on from.
func (h *Hub) further(ctx context.Context, who Principal, c command) (accepted, error) {
	t := who.Tenant
	var a accepted
	m, err := t.Message(ctx, c.Msg)
	if err != nil {
		return a, storeError(err)
	}
	if a.conv, err = readable(ctx, who, m.ConversationID); err != nil {
		return a, err
	}
	if a.conv.UserID != who.User {
		return a, E("forbidden")
	}
	th, err := threadOf(ctx, t, m)
	if err != nil {
		return a, err
	}
	a.msg, a.run = th.question.ID, furtherID(a.conv.ID, who.User, c.CID, c.T)
	if c.T == "continue" {
		a.msg = m.ID
	} else {
		th.said = ""
	}
	if done, err := a.furthered(ctx, t); done || err != nil {
		return a, err
	}
	if c.T == "continue" {
		switch r := m.Run; {
		case r != nil && !terminal(r.State):
			return a, busy()
		case r == nil || !continuable(r.State, r.Code, r.Finish, r.Len):
			return a, Ef("bad_field", "only an answer that was cut short can be continued")
		}
	}
	a.start, err = h.answer(ctx, t, who.User, a.conv, th, a.msg, a.run, c.Model)
	if errors.Is(err, store.ErrExists) { // another copy was faster
		_, err := a.furthered(ctx, t)
		return a, err
	}
	if err == nil {
		a.place = Pos{a.start.log.ep, a.start.log.seq}
	}
	return a, err
}

// furthered answers a regen or continue that was accepted before.
func (a *accepted) furthered(ctx context.Context, t *store.Tenant) (bool, error) {
	answer, err := t.RunByID(ctx, a.run)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, storeError(err)
	case answer.Parent != a.msg:
		return false, E("idem_mismatch")
	}
	a.dup, a.place = true, Pos{answer.LogEpoch, answer.LogSeq}
	return true, nil
}

// answer prepares a further run, whose answer follows the message parent, as far as its start in the log; the caller
// starts it. store.ErrExists: there is such a run.
func (h *Hub) answer(ctx context.Context, t *store.Tenant, user string, conv store.Conversation, th thread, parent, id, model string) (started *run, err error) {
	switch {
	case conv.State != store.ConversationOpen:
		return nil, E("conversation_closed")
	case conv.Owner.Kind != store.OwnerAI:
		return nil, heldBy(conv.Owner)
	}
	ctx, cancel := context.WithTimeout(ctx, admitWithin)
	defer cancel()
	w, err := h.writeTo(ctx, t, conv)
	if err != nil {
		return nil, err
	}
	if !h.runs.reserve() {
		return nil, E("draining")
	}
	defer func() {
		if started == nil {
			h.runs.unreserve()
		}
	}()
	p, err := h.plan(ctx, t, user, model)
	if err != nil {
		return nil, err
	}
	if err := h.claim(ctx, t, conv, id); err != nil {
		if errors.Is(err, errAgain) {
			err = E("conflict")
		}
		return nil, err
	}
	r := h.newRun(t, user, conv, id, w, p)
	r.question = parent
	if err := r.prepare(ctx, th, nil); err != nil {
		if asError(err).Code == "quota_exceeded" {
			h.giveUp(t, conv.ID, id)
		}
		return nil, err
	}
	switch err := t.AddMessage(ctx, r.answerToBe()); {
	case errors.Is(err, store.ErrExists):
		return nil, err
	case err != nil:
		return nil, storeError(err)
	}
	if err := r.begin(ctx); err != nil {
		r.abandon(err)
		return nil, busError(err)
	}
	return r, nil
}

// answerAnew stops the answer that is being written and asks for another one, which is told what the staff whispered. It
// is charged to who asked the question, as any further answer is.
func (h *Hub) answerAnew(ctx context.Context, t *store.Tenant, conv store.Conversation, whisper string) error {
	if conv.Active.Run == "" {
		return nil // the next answer will be told
	}
	m, err := t.RunByID(ctx, conv.Active.Run)
	if err != nil {
		return storeError(err)
	}
	before, err := t.Message(ctx, m.Parent)
	if err != nil {
		return storeError(err)
	}
	th, err := threadOf(ctx, t, before)
	if err != nil {
		return err
	}
	if err := h.haltRun(ctx, t, m, haltStop); err != nil {
		return err
	}
	for {
		r, err := h.answer(ctx, t, conv.UserID, conv, th, before.ID, derivedID("r", conv.ID, whisper), "")
		if err == nil {
			h.runs.start(r)
			return nil
		}
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		if asError(err).Code != "conv_busy" {
			return err
		}
		select { // the stopped answer is being settled
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}
