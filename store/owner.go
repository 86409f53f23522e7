package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// ChangeOwner makes next the owner, in one step: the conversation is open and its owner is still now, of that epoch.
// ErrConflict otherwise. It returns the new owner, whose epoch is the next one.
func (t *Tenant) ChangeOwner(ctx context.Context, conv string, now, next Owner) (Owner, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	next.Epoch = now.Epoch + 1
	at := milli(t.store.now())
	next.Since = at
	if next.From == "" {
		next.From = now.From
	}
	return next, changed(t.conversations.Update(ctx, conv, []doc.Cond{doc.Eq("estado", ConversationOpen), doc.Eq("dono.tipo", now.Kind), doc.Eq("dono.id", now.ID),
		doc.Eq("dono.epoca", now.Epoch)}, doc.Mod{Set: map[string]any{"dono": next, "atualizada_em": at}}))
}

// TouchConversation notes activity of the owner of this epoch; ErrConflict when the conversation is not open or its
// owner has changed.
func (t *Tenant) TouchConversation(ctx context.Context, conv string, ownerEpoch int64) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return changed(t.conversations.Update(ctx, conv, []doc.Cond{doc.Eq("estado", ConversationOpen), doc.Eq("dono.epoca", ownerEpoch)},
		doc.Mod{Set: map[string]any{"atualizada_em": milli(t.store.now())}}))
}

// CloseConversation ends an open conversation: nobody can write in it any more. ErrConflict when it is not open.
func (t *Tenant) CloseConversation(ctx context.Context, conv string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return changed(t.conversations.Update(ctx, conv, []doc.Cond{doc.Eq("estado", ConversationOpen)},
		doc.Mod{Set: map[string]any{"estado": ConversationClosed, "fila": Waiting{}, "atualizada_em": milli(t.store.now())}}))
}

// OwnedByPeople returns conversations that a person owns.
func (t *Tenant) OwnedByPeople(ctx context.Context, limit int) ([]Conversation, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.conversations.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("dono.tipo", OwnerHuman), doc.Eq("estado", ConversationOpen)}, Limit: limit})
}

// queueDay is how long one who waits for a person counts for those who came later: by then they have left, or are called.
const queueDay = 24 * time.Hour

// queueMost is the last place that is counted.
const queueMost = 100

// QueuePlace is a waiting conversation's place among those that wait for a person, 1 being next: as many began to wait
// before it within a day, at most 100.
func (t *Tenant) QueuePlace(ctx context.Context, since time.Time) (int64, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	before, err := t.conversations.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("dono.tipo", OwnerQueue), doc.Eq("estado", ConversationOpen),
		doc.Before("dono.desde", since), doc.After("dono.desde", t.now().Add(-queueDay))}, Limit: queueMost - 1})
	return int64(len(before)) + 1, err
}
