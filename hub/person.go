package hub

import (
	"context"
	"errors"
	"slices"

	"aihub/store"
)

// acceptForPerson takes in a message that a person answers, or one of the person who answers: it costs no quota and
// starts no run.
func (h *Hub) acceptForPerson(ctx context.Context, who Principal, c command, a accepted, w *logWriter) (accepted, error) {
	role := store.RoleUser
	switch {
	case a.conv.UserID == who.User:
	case a.conv.Owner.Kind == store.OwnerHuman && a.conv.Owner.ID == who.User:
		role = store.RoleAgent
	case a.conv.Owner.Kind == store.OwnerHuman:
		return a, heldBy(a.conv.Owner)
	default:
		return a, E("forbidden")
	}
	newest, err := who.Tenant.Messages(ctx, a.conv.ID, "", 1)
	if err != nil {
		return a, storeError(err)
	}
	parent, err := parentOf(ctx, who.Tenant, a.conv.ID, c.Parent, newest)
	if err != nil {
		return a, err
	}
	switch err := who.Tenant.TouchConversation(ctx, a.conv.ID, a.conv.Owner.Epoch); {
	case errors.Is(err, store.ErrConflict):
		return a, errAgain
	case err != nil:
		return a, storeError(err)
	}
	msg := h.newMessage(who, c, a.conv.ID, parent, role, w)
	msg.ForPerson = true
	first, err := h.persist(ctx, who.Tenant, &msg)
	if err != nil {
		return a, err
	}
	if !first {
		return a, h.duplicate(ctx, who, &a, msg, "")
	}
	a.msg = msg.ID
	a.place, err = h.appendMessage(ctx, who.Tenant, w, msg, byOf(who, role == store.RoleAgent), "")
	if err != nil {
		return a, busError(err)
	}
	if back := w.owner; role == store.RoleUser && back != nil && back.Kind == store.OwnerAI && back.Epoch > a.conv.Owner.Epoch {
		return h.answerReturned(ctx, who, c, a, msg)
	}
	return a, nil
}

// answerReturned lets the AI answer a message that was meant for a person and stands behind the event that gave the
// conversation back: who owns it at a message's place in the log answers it, so that no message is left to nobody.
func (h *Hub) answerReturned(ctx context.Context, who Principal, c command, a accepted, question store.Interaction) (accepted, error) {
	conv, err := readable(ctx, who, a.conv.ID)
	if err != nil {
		return a, err
	}
	id := runID(conv.ID, who.User, c.CID)
	r, err := h.answer(ctx, who.Tenant, who.User, conv, thread{question: question}, question.ID, id, c.Model)
	switch {
	case err == nil:
		a.run, a.start = id, r
	case errors.Is(err, store.ErrExists): // a copy of the command was faster
		a.run, a.dup = id, true
	case slices.Contains([]string{"conv_human", "conv_busy", "conflict", "conversation_closed"}, asError(err).Code):
		// Whoever has the conversation by now has this message too.
	default:
		return a, err
	}
	return a, nil
}
