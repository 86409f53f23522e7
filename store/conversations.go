package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"aihub/store/internal/doc"
)

// Values of Conversation.State and Owner.Kind.
const (
	ConversationOpen    = "aberta"
	ConversationClosed  = "encerrada"
	ConversationDeleted = "excluida"

	OwnerAI    = "ai"
	OwnerHuman = "human"
	OwnerQueue = "queue"
)

// An Owner says who answers in a conversation. Epoch grows with every change of owner.
type Owner struct {
	Kind  string    `bson:"tipo" json:"tipo"`
	ID    string    `bson:"id" json:"id"`
	Name  string    `bson:"nome" json:"nome"`
	Epoch int64     `bson:"epoca" json:"epoca"`
	Since time.Time `bson:"desde" json:"desde"`
	// From is the message up to which the AI is told nothing any more; "": it is told everything. It stays until another
	// one is named.
	From string `bson:"contexto" json:"contexto"`
}

// A Claim names the run that answers in a conversation now; the zero Claim names none.
type Claim struct {
	Run   string    `bson:"execucao_id" json:"execucao_id"`
	Since time.Time `bson:"desde" json:"desde"`
}

// A Conversation is one person's talk with the tenant's models and people.
type Conversation struct {
	ID        string    `bson:"id" json:"id"`
	UserID    string    `bson:"usuario_id" json:"usuario_id"`
	Channel   string    `bson:"canal" json:"canal"` // portal, widget, api
	Title     string    `bson:"titulo" json:"titulo"`
	Owner     Owner     `bson:"dono" json:"dono"`
	State     string    `bson:"estado" json:"estado"`
	Active    Claim     `bson:"ativa" json:"ativa"`
	Waiting   Waiting   `bson:"fila" json:"fila"` // the one message that may wait for its turn
	CreatedAt time.Time `bson:"criada_em" json:"criada_em"`
	UpdatedAt time.Time `bson:"atualizada_em" json:"atualizada_em"`
	CID       string    `bson:"cid" json:"cid"`             // of the message that made it; unique for the person
	Tags      string    `bson:"etiquetas" json:"etiquetas"` // of the staff, one a line
}

// CreateConversation adds a conversation. When the person has one made by the same CID, that one is returned with false.
func (t *Tenant) CreateConversation(ctx context.Context, c Conversation) (Conversation, bool, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	err := t.conversations.Insert(ctx, c.ID, c)
	if errors.Is(err, ErrExists) && c.CID != "" {
		c, err = t.conversations.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("usuario_id", c.UserID), doc.Eq("cid", c.CID), doc.After("cid", "")}})
		return c, false, err
	}
	return c, err == nil, err
}

// Conversation returns the conversation with this id, or ErrNotFound.
func (t *Tenant) Conversation(ctx context.Context, id string) (Conversation, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.conversations.Get(ctx, id)
}

// Conversations lists a person's conversations, the latest activity first, without deleted ones. next continues the
// list; it is "" at the end. A cursor it did not give is ErrNotFound.
func (t *Tenant) Conversations(ctx context.Context, userID, cursor string, limit int) (list []Conversation, next string, err error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	q := doc.Query{Where: []doc.Cond{doc.Eq("usuario_id", userID), doc.Ne("estado", ConversationDeleted)}, Sort: "atualizada_em", Desc: true, Limit: limit + 1}
	if cursor != "" {
		ms, id, ok := strings.Cut(cursor, ".")
		n, err := strconv.ParseInt(ms, 10, 64)
		if err != nil || !ok || !ValidID("c", id) {
			return nil, "", ErrNotFound
		}
		q.Past = &doc.Place{Value: time.UnixMilli(n).UTC(), ID: id}
	}
	if list, err = t.conversations.Find(ctx, q); err != nil || len(list) <= limit {
		return list, "", err
	}
	last := list[limit-1]
	return list[:limit], strconv.FormatInt(last.UpdatedAt.UnixMilli(), 10) + "." + last.ID, nil
}

// RenameConversation changes the title; ErrNotFound.
func (t *Tenant) RenameConversation(ctx context.Context, id, title string) error {
	return t.setConversation(ctx, id, map[string]any{"titulo": title})
}

// RetitleConversation changes a title that is still old; ErrConflict when somebody has changed it.
func (t *Tenant) RetitleConversation(ctx context.Context, id, old, title string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return changed(t.conversations.Update(ctx, id, []doc.Cond{doc.Ne("estado", ConversationDeleted), doc.Eq("titulo", old)}, doc.Mod{Set: map[string]any{"titulo": title}}))
}

// DeleteConversation hides a conversation from everyone; ErrNotFound.
func (t *Tenant) DeleteConversation(ctx context.Context, id string) error {
	return t.setConversation(ctx, id, map[string]any{"estado": ConversationDeleted})
}

func (t *Tenant) setConversation(ctx context.Context, id string, set map[string]any) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	ok, err := t.conversations.Update(ctx, id, []doc.Cond{doc.Ne("estado", ConversationDeleted)}, doc.Mod{Set: set})
	if err == nil && !ok {
		return ErrNotFound
	}
	return err
}

// ClaimConversation makes run the one that answers, in one step: the conversation is open, the AI owns it in this epoch,
// and no other run answers. ErrConflict otherwise. A run may claim twice.
func (t *Tenant) ClaimConversation(ctx context.Context, id, run string, ownerEpoch int64) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	now := t.store.now().UTC().Truncate(time.Millisecond)
	m := doc.Mod{Set: map[string]any{"ativa": Claim{run, now}, "atualizada_em": now}}
	for _, holder := range []string{"", run} {
		ok, err := t.conversations.Update(ctx, id, []doc.Cond{doc.Eq("estado", ConversationOpen), doc.Eq("dono.tipo", OwnerAI),
			doc.Eq("dono.epoca", ownerEpoch), doc.Eq("ativa.execucao_id", holder)}, m)
		if err != nil || ok {
			return err
		}
	}
	return ErrConflict
}

// ReleaseConversation ends run's claim; another run's stays.
func (t *Tenant) ReleaseConversation(ctx context.Context, id, run string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	_, err := t.conversations.Update(ctx, id, []doc.Cond{doc.Eq("ativa.execucao_id", run)}, doc.Mod{Set: map[string]any{"ativa": Claim{}}})
	return err
}
