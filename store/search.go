package store

import (
	"context"
	"sort"
	"strings"

	"aihub/store/internal/doc"
)

// A Hit is a conversation that a search found, with the newest message that has the words, or none if only the title has.
type Hit struct {
	Conversation Conversation
	Message      *Interaction
	Excerpt      string // of the message, around the words
}

// searched is in how many of a person's latest conversations texts are looked for.
const searched = 500

// Search finds words in the titles and texts of a person's own conversations, whatever their case and accents; the latest
// activity comes first.
func (t *Tenant) Search(ctx context.Context, userID, words string, limit int) ([]Hit, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	own, err := t.conversations.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("usuario_id", userID), doc.Ne("estado", ConversationDeleted)},
		Sort: "atualizada_em", Desc: true, Limit: searched})
	if err != nil || len(own) == 0 || words == "" {
		return nil, err
	}
	ids := make([]string, 0, len(own))
	for _, c := range own {
		ids = append(ids, c.ID)
	}
	found, err := t.interactions.Find(ctx, doc.Query{Where: []doc.Cond{doc.In("conversa_id", ids), doc.Contains("texto", words)}, Desc: true, Limit: 10 * limit})
	if err != nil {
		return nil, err
	}
	newest := map[string]*Interaction{}
	for i, m := range found {
		if newest[m.ConversationID] == nil {
			newest[m.ConversationID] = &found[i]
		}
	}
	var hits []Hit
	for _, c := range own {
		if len(hits) == limit {
			break
		}
		if m := newest[c.ID]; m != nil || doc.Within(c.Title, words) {
			h := Hit{Conversation: c, Message: m}
			if m != nil {
				h.Excerpt = excerpt(m.Text, words)
			}
			hits = append(hits, h)
		}
	}
	return hits, nil
}

// How much an excerpt shows, and how much of it before the words, in characters.
const (
	excerptLen    = 160
	excerptBefore = 30
)

// excerpt is the part of a text that has the words first, on one line.
func excerpt(text, words string) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	var folded strings.Builder
	starts := make([]int, len(line)) // of each character in the folded text
	for i, r := range line {
		starts[i] = folded.Len()
		folded.WriteString(doc.Fold(string(r)))
	}
	at := strings.Index(folded.String(), doc.Fold(words))
	from := max(0, sort.SearchInts(starts, at+1)-1-excerptBefore)
	to := min(len(line), from+excerptLen)
	out := string(line[from:to])
	if from > 0 {
		out = "…" + out
	}
	if to < len(line) {
		out += "…"
	}
	return out
}
