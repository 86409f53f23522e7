package hub

import (
	"context"
	"errors"

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
	parent, err := h.parentOf(ctx, who.Tenant, a.conv.ID, c.Parent)
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
	return a, nil
}
