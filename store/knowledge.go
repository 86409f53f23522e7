package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// An Article is a piece of what the tenant knows.
type Article struct {
	ID        string    `bson:"id" json:"id"`
	Title     string    `bson:"titulo" json:"titulo"`
	Text      string    `bson:"texto" json:"texto"`
	Tags      []string  `bson:"etiquetas" json:"etiquetas"`
	State     string    `bson:"estado" json:"estado"`
	Rev       int64     `bson:"rev" json:"rev"`
	CreatedAt time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt time.Time `bson:"alterado_em" json:"alterado_em"`
}

// Articles lists the tenant's articles; words narrow it to those whose text has the words, "" does not.
func (t *Tenant) Articles(ctx context.Context, words string, p Page) ([]Article, string, error) {
	var q doc.Query
	if words != "" {
		q.Where = []doc.Cond{doc.Contains("texto", words)}
	}
	return page(ctx, t.articles, q, p, func(a Article) string { return a.ID })
}

// Article returns the article with this id, or ErrNotFound.
func (t *Tenant) Article(ctx context.Context, id string) (Article, error) {
	return get(ctx, t.articles, id)
}

// CreateArticle adds an article; its id is made here.
func (t *Tenant) CreateArticle(ctx context.Context, a Article) (Article, error) {
	now := t.now()
	a.ID, a.State, a.Rev, a.CreatedAt, a.ChangedAt = NewID("b"), StateActive, 1, now, now
	return a, add(ctx, t.articles, a.ID, a)
}

// UpdateArticle changes an article whose revision is still a.Rev. ErrNotFound, ErrConflict.
func (t *Tenant) UpdateArticle(ctx context.Context, a Article) (Article, error) {
	return change(ctx, t.articles, a.ID, a.Rev, t.now(), map[string]any{"titulo": a.Title, "texto": a.Text, "etiquetas": a.Tags, "estado": a.State})
}

// DeleteArticle removes an article. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteArticle(ctx context.Context, id string, rev int64) error {
	return remove(ctx, t.articles, id, rev)
}

// A CannedReply is a text that supervisors insert by a short name. Its variables are the client's business.
type CannedReply struct {
	ID        string    `bson:"id" json:"id"`
	Shortcut  string    `bson:"atalho" json:"atalho"` // unique
	Title     string    `bson:"titulo" json:"titulo"`
	Text      string    `bson:"texto" json:"texto"`
	Rev       int64     `bson:"rev" json:"rev"`
	CreatedAt time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt time.Time `bson:"alterado_em" json:"alterado_em"`
}

// CannedReplies lists the tenant's canned replies.
func (t *Tenant) CannedReplies(ctx context.Context, p Page) ([]CannedReply, string, error) {
	return page(ctx, t.replies, doc.Query{}, p, func(r CannedReply) string { return r.ID })
}

// CannedReply returns the reply with this id, or ErrNotFound.
func (t *Tenant) CannedReply(ctx context.Context, id string) (CannedReply, error) {
	return get(ctx, t.replies, id)
}

// CreateCannedReply adds a reply, its id is made here; ErrExists when the short name is taken.
func (t *Tenant) CreateCannedReply(ctx context.Context, r CannedReply) (CannedReply, error) {
	now := t.now()
	r.ID, r.Rev, r.CreatedAt, r.ChangedAt = NewID("s"), 1, now, now
	return r, add(ctx, t.replies, r.ID, r)
}

// UpdateCannedReply changes a reply whose revision is still r.Rev. ErrNotFound, ErrConflict, ErrExists.
func (t *Tenant) UpdateCannedReply(ctx context.Context, r CannedReply) (CannedReply, error) {
	return change(ctx, t.replies, r.ID, r.Rev, t.now(), map[string]any{"atalho": r.Shortcut, "titulo": r.Title, "texto": r.Text})
}

// DeleteCannedReply removes a reply. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteCannedReply(ctx context.Context, id string, rev int64) error {
	return remove(ctx, t.replies, id, rev)
}
