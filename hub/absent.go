package hub

import (
	"context"
	"errors"
	"time"

	"aihub/store"
)

// absentAfter is how long a person who answers may be gone before the conversation returns to the queue.
const absentAfter = 60 * time.Second

// presenceOf names a person of the staff on the bus; whoever serves the name has a connection of theirs.
func presenceOf(user string) string { return derivedID("staff", user) }

// absences are the owners that this instance has not found, and since when.
type absences map[absence]time.Time

type absence struct {
	tenant store.TenantID
	conv   string
	epoch  int64
}

// returnAbandoned looks after the tenants that somebody is connected to here.
func (h *Hub) returnAbandoned(ctx context.Context, known absences) error {
	for _, t := range h.served() {
		if err := h.returnAbandonedOf(ctx, t, known); err != nil {
			return err
		}
	}
	return nil
}

// returnAbandonedOf gives conversations whose person has been gone for too long back to the queue: another person shall
// take them, not silently the AI.
func (h *Hub) returnAbandonedOf(ctx context.Context, t *store.Tenant, known absences) error {
	owned, err := t.OwnedByPeople(ctx, 200)
	if err != nil {
		return err
	}
	for _, conv := range owned {
		a := absence{t.ID(), conv.ID, conv.Owner.Epoch}
		ask, cancel := context.WithTimeout(ctx, time.Second)
		_, err := h.bus.Ask(ask, t.ID(), presenceOf(conv.Owner.ID), nil)
		cancel()
		if !errors.Is(err, ErrNobody) {
			delete(known, a)
			continue
		}
		since, ok := known[a]
		if !ok {
			known[a] = time.Now()
			continue
		}
		if time.Since(since) < absentAfter {
			continue
		}
		delete(known, a)
		w, err := openLog(ctx, h.bus, Topic{t.ID(), conv.ID})
		if err != nil {
			return err
		}
		next, err := t.ChangeOwner(ctx, conv.ID, conv.Owner, store.Owner{Kind: store.OwnerQueue})
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		h.log.Info("a person who answered is gone; the conversation waits for another", "tenant", t.ID().String(), "conversation", conv.ID, "user", conv.Owner.ID)
		if err := h.tellOwner(ctx, w, next, false); err != nil {
			return err
		}
	}
	return nil
}
