package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// A Waiting names the message that is answered when the running answer has ended; the zero Waiting names none.
type Waiting struct {
	Run    string    `bson:"execucao_id" json:"execucao_id"` // that will answer it
	Author string    `bson:"autor" json:"autor"`
	CID    string    `bson:"cid" json:"cid"`
	Model  string    `bson:"modelo" json:"modelo"` // chosen for it; "": the default
	Since  time.Time `bson:"desde" json:"desde"`
}

// Enqueue makes w the message that waits, in one step: the conversation is open and AI-owned, behind still answers, and
// no other message waits. ErrConflict otherwise. The same run may enqueue twice.
func (t *Tenant) Enqueue(ctx context.Context, conv, behind string, w Waiting) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	w.Since = milli(w.Since)
	for _, holder := range []string{"", w.Run} {
		ok, err := t.conversations.Update(ctx, conv, []doc.Cond{doc.Eq("estado", ConversationOpen), doc.Eq("dono.tipo", OwnerAI),
			doc.Eq("ativa.execucao_id", behind), doc.Eq("fila.execucao_id", holder)}, doc.Mod{Set: map[string]any{"fila": w}})
		if err != nil || ok {
			return err
		}
	}
	return ErrConflict
}

// Dequeue ends the waiting of run's message and reports whether it waited.
func (t *Tenant) Dequeue(ctx context.Context, conv, run string) (bool, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.conversations.Update(ctx, conv, []doc.Cond{doc.Eq("fila.execucao_id", run)}, doc.Mod{Set: map[string]any{"fila": Waiting{}}})
}

// ConversationWaitingFor returns the conversation in which run's message waits, or ErrNotFound.
func (t *Tenant) ConversationWaitingFor(ctx context.Context, run string) (Conversation, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.conversations.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("fila.execucao_id", run)}})
}

// WaitingConversations returns conversations in which a message waits.
func (t *Tenant) WaitingConversations(ctx context.Context, limit int) ([]Conversation, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.conversations.Find(ctx, doc.Query{Where: []doc.Cond{doc.After("fila.execucao_id", "")}, Limit: limit})
}
