package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// Values of Interaction.Role.
const (
	RoleUser      = "usuario"
	RoleAssistant = "assistente"
	RoleAgent     = "atendente"
)

// An Interaction is one message. An answer of a model carries its Run.
type Interaction struct {
	ID             string    `bson:"id" json:"id"`
	ConversationID string    `bson:"conversa_id" json:"conversa_id"`
	Role           string    `bson:"papel" json:"papel"`
	Author         string    `bson:"autor" json:"autor"`
	AuthorName     string    `bson:"autor_nome" json:"autor_nome"`
	Parent         string    `bson:"pai" json:"pai"`
	Text           string    `bson:"texto" json:"texto"`
	Locale         string    `bson:"idioma" json:"idioma"` // of the person's screen, a language tag; "": not said
	CID            string    `bson:"cid" json:"cid"`
	At             time.Time `bson:"em" json:"em"`
	LogEpoch       string    `bson:"log_ep" json:"log_ep"` // where the live log has it
	LogSeq         int64     `bson:"log_seq" json:"log_seq"`
	EmptiedAt      time.Time `bson:"esvaziada_em" json:"esvaziada_em"` // when its text was taken out; zero: it was not
	ForPerson      bool      `bson:"para_pessoa" json:"para_pessoa"`   // a person answers it, or wrote it; no run ever will
	Run            *Run      `bson:"execucao,omitempty" json:"execucao,omitzero"`
}

// AddMessage adds a message; ErrExists when the author has one with this CID in the conversation.
func (t *Tenant) AddMessage(ctx context.Context, m Interaction) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	m.At = milli(m.At)
	if m.Run != nil {
		if err := t.stir(ctx); err != nil {
			return err
		}
		run := *m.Run
		run.Pending, run.LeaseUntil, run.StartedAt = "sim", milli(run.LeaseUntil), milli(run.StartedAt)
		m.Run = &run
	}
	return t.interactions.Insert(ctx, m.ID, m)
}

// Message returns the message with this id, or ErrNotFound.
func (t *Tenant) Message(ctx context.Context, id string) (Interaction, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.interactions.Get(ctx, id)
}

// MessageByCID returns an author's message by the name the author gave it, or ErrNotFound.
func (t *Tenant) MessageByCID(ctx context.Context, conv, author, cid string) (Interaction, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.interactions.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("conversa_id", conv), doc.Eq("autor", author), doc.Eq("cid", cid), doc.After("cid", "")}})
}

// Messages returns up to limit messages of a conversation that are older than before ("": from the newest on), newest
// first.
func (t *Tenant) Messages(ctx context.Context, conv, before string, limit int) ([]Interaction, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	q := doc.Query{Where: []doc.Cond{doc.Eq("conversa_id", conv)}, Desc: true, Limit: limit}
	if before != "" {
		q.Where = append(q.Where, doc.Before("id", before))
	}
	return t.interactions.Find(ctx, q)
}

// SetMessagePlace notes where the live log has a message.
func (t *Tenant) SetMessagePlace(ctx context.Context, id, ep string, seq int64) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	_, err := t.interactions.Update(ctx, id, nil, doc.Mod{Set: map[string]any{"log_ep": ep, "log_seq": seq}})
	return err
}
