package store

import (
	"context"
	"errors"
	"time"

	"aihub/store/internal/doc"
)

// A Rating is what a person thinks of an answer or of a whole conversation.
type Rating struct {
	ID             string    `bson:"id" json:"id"` // made of what is rated and who rates it: one each
	ConversationID string    `bson:"conversa_id" json:"conversa_id"`
	MessageID      string    `bson:"interacao_id" json:"interacao_id"` // "": the conversation
	UserID         string    `bson:"usuario_id" json:"usuario_id"`
	Score          int64     `bson:"nota" json:"nota"` // of an answer -1 or 1, of a conversation 1 to 5
	Comment        string    `bson:"comentario" json:"comentario"`
	At             time.Time `bson:"em" json:"em"`
}

// ErrScore says that a rating's score is out of its range.
var ErrScore = errors.New("the score is out of range")

// Rate keeps a person's rating of their own conversation, or of a message in it; a second one replaces the first.
// ErrNotFound: the person has no such conversation, or it no such message.
func (t *Tenant) Rate(ctx context.Context, r Rating) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	c, err := t.conversations.Get(ctx, r.ConversationID)
	if err != nil {
		return err
	}
	if c.UserID != r.UserID || c.State == ConversationDeleted {
		return ErrNotFound
	}
	rated := r.ConversationID
	if r.MessageID != "" {
		m, err := t.interactions.Get(ctx, r.MessageID)
		if err != nil {
			return err
		}
		if m.ConversationID != r.ConversationID {
			return ErrNotFound
		}
		rated = r.MessageID
	}
	if inRange := r.Score >= 1 && r.Score <= 5 && r.MessageID == "" || (r.Score == 1 || r.Score == -1) && r.MessageID != ""; !inRange {
		return ErrScore
	}
	r.ID, r.At = rated+":"+r.UserID, t.now()
	err = t.ratings.Insert(ctx, r.ID, r)
	if errors.Is(err, ErrExists) {
		_, err = t.ratings.Update(ctx, r.ID, nil, doc.Mod{Set: map[string]any{"nota": r.Score, "comentario": r.Comment, "em": r.At}})
	}
	return err
}

// Unrate takes a person's rating back: of a message, or, without one, of a conversation. Without a rating nothing happens.
func (t *Tenant) Unrate(ctx context.Context, userID, conv, message string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	rated := conv
	if message != "" {
		rated = message
	}
	_, err := t.ratings.Delete(ctx, rated+":"+userID, nil)
	return err
}

// Ratings lists the ratings in the order of what they rate.
func (t *Tenant) Ratings(ctx context.Context, p Page) ([]Rating, string, error) {
	return page(ctx, t.ratings, doc.Query{}, p, func(r Rating) string { return r.ID })
}

// RatingsOf lists the ratings of one conversation and its messages.
func (t *Tenant) RatingsOf(ctx context.Context, conv string) ([]Rating, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.ratings.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("conversa_id", conv)}})
}
