package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// Values of Whisper.To.
const (
	WhisperAI    = "ia"     // guides the model's next answers
	WhisperStaff = "equipe" // a note among colleagues
)

// A Whisper is what staff write beside a conversation. Its participant never learns of it.
type Whisper struct {
	ID             string    `bson:"id" json:"id"`
	ConversationID string    `bson:"conversa_id" json:"conversa_id"`
	Author         string    `bson:"autor" json:"autor"`
	AuthorName     string    `bson:"autor_nome" json:"autor_nome"`
	To             string    `bson:"para" json:"para"`
	Text           string    `bson:"texto" json:"texto"`
	CID            string    `bson:"cid" json:"cid"` // unique for the author in the conversation
	At             time.Time `bson:"em" json:"em"`
	Run            string    `bson:"execucao_id" json:"execucao_id"` // the first run that was told; "": none yet
}

// AddWhisper adds a whisper; ErrExists when the author has one with this CID in the conversation.
func (t *Tenant) AddWhisper(ctx context.Context, w Whisper) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	w.At = milli(w.At)
	return t.whispers.Insert(ctx, w.ID, w)
}

// Whispers returns the newest whispers of a conversation, newest first; to narrows them to one kind ("": all).
func (t *Tenant) Whispers(ctx context.Context, conv, to string, limit int) ([]Whisper, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	q := doc.Query{Where: []doc.Cond{doc.Eq("conversa_id", conv)}, Desc: true, Limit: limit}
	if to != "" {
		q.Where = append(q.Where, doc.Eq("para", to))
	}
	return t.whispers.Find(ctx, q)
}

// WhisperUsed notes the first run that was told a whisper.
func (t *Tenant) WhisperUsed(ctx context.Context, id, run string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	_, err := t.whispers.Update(ctx, id, []doc.Cond{doc.Eq("execucao_id", "")}, doc.Mod{Set: map[string]any{"execucao_id": run}})
	return err
}

// emptyWhispers takes the text out of a conversation's whispers; remove takes them away altogether.
func (t *Tenant) emptyWhispers(ctx context.Context, conv string, remove bool) error {
	return each(ctx, t.whispers, doc.Query{Where: []doc.Cond{doc.Eq("conversa_id", conv)}}, func(w Whisper) string { return w.ID }, func(w Whisper) error {
		if remove {
			_, err := t.whispers.Delete(ctx, w.ID, nil)
			return err
		}
		_, err := t.whispers.Update(ctx, w.ID, nil, doc.Mod{Set: map[string]any{"texto": "", "autor_nome": ""}})
		return err
	})
}
