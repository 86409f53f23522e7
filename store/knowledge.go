package store

import (
	"context"
	"strconv"
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

// Articles lists the tenant's articles, the newest first; words narrow it to those whose text has the words, "" does not.
func (t *Tenant) Articles(ctx context.Context, words string, p Page) ([]Article, string, error) {
	q := doc.Query{Desc: true}
	if words != "" {
		q.Where = []doc.Cond{doc.Contains("texto", words)}
	}
	return page(ctx, t.articles, q, p, func(a Article) string { return a.ID })
}

// Article returns the article with this id, or ErrNotFound.
func (t *Tenant) Article(ctx context.Context, id string) (Article, error) {
	return get(ctx, t.articles, id)
}

// CreateArticle adds an article; its id is made here unless it has one. ErrExists.
func (t *Tenant) CreateArticle(ctx context.Context, a Article) (Article, error) {
	now := t.now()
	if a.ID == "" {
		a.ID = NewID("b")
	}
	if a.State == "" {
		a.State = StateActive
	}
	a.Rev, a.CreatedAt, a.ChangedAt = 1, now, now
	if err := add(ctx, t.articles, a.ID, a); err != nil {
		return Article{}, err
	}
	return a, t.knowledgeChanged(ctx)
}

// UpdateArticle changes an article whose revision is still a.Rev. ErrNotFound, ErrConflict.
func (t *Tenant) UpdateArticle(ctx context.Context, a Article) (Article, error) {
	next, err := change(ctx, t.articles, a.ID, a.Rev, t.now(), map[string]any{"titulo": a.Title, "texto": a.Text, "etiquetas": a.Tags, "estado": a.State})
	if err != nil {
		return Article{}, err
	}
	return next, t.knowledgeChanged(ctx)
}

// DeleteArticle removes an article. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteArticle(ctx context.Context, id string, rev int64) error {
	if err := remove(ctx, t.articles, id, rev); err != nil {
		return err
	}
	return t.knowledgeChanged(ctx)
}

// KnowledgeVersion returns a text that changes whenever the tenant's articles do.
func (t *Tenant) KnowledgeVersion(ctx context.Context) (string, error) {
	p, err := get(ctx, t.profiles, t.id.s)
	return strconv.FormatInt(p.KnowledgeRev, 10), err
}

func (t *Tenant) knowledgeChanged(ctx context.Context) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	_, err := t.profiles.Update(ctx, t.id.s, nil, doc.Mod{Inc: map[string]int64{"conhecimento_rev": 1}})
	return err
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

// CreateCannedReply adds a reply; without an id it gets one. ErrExists when the short name or the id is taken.
func (t *Tenant) CreateCannedReply(ctx context.Context, r CannedReply) (CannedReply, error) {
	now := t.now()
	if r.ID == "" {
		r.ID = NewID("s")
	}
	r.Rev, r.CreatedAt, r.ChangedAt = 1, now, now
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
