package handlers

import (
	"context"
	"errors"

	"aihub/hub"
	"aihub/llm/knowledge"
	"aihub/store"
)

// ArticleBody is one text of what the distributor knows. Answers draw on active ones within seconds.
type ArticleBody struct {
	Title string   `json:"title" minLength:"1" maxLength:"200"`
	Text  string   `json:"text" minLength:"1" maxLength:"1000000" doc:"markdown; headings part it into passages"`
	Tags  []string `json:"tags" required:"false" maxItems:"20"`
	State string   `json:"state" required:"false" enum:"active,disabled" default:"active"`
}

type articleView struct {
	Meta
	ArticleBody
}

func viewArticle(a store.Article) articleView {
	return articleView{metaOf(a.ID, a.Rev, a.CreatedAt, a.ChangedAt), ArticleBody{a.Title, a.Text, orNone(a.Tags), showState(a.State)}}
}

func (b ArticleBody) set(a *store.Article) {
	a.Title, a.Text, a.Tags, a.State = b.Title, b.Text, orNone(b.Tags), storeState(b.State)
}

// articleRow is an article in a list: without its text, which may be long.
type articleRow struct {
	Meta
	Title string   `json:"title"`
	Tags  []string `json:"tags"`
	State string   `json:"state" enum:"active,disabled"`
	Size  int64    `json:"size" doc:"of its text, in bytes"`
}

func viewArticleRow(a store.Article) articleRow {
	return articleRow{metaOf(a.ID, a.Rev, a.CreatedAt, a.ChangedAt), a.Title, orNone(a.Tags), showState(a.State), int64(len(a.Text))}
}

type articlesInput struct {
	Bearer
	Page
	Words string `query:"words" maxLength:"100" doc:"only articles whose text has them"`
}

func (s *Server) listArticles(ctx context.Context, who hub.Principal, in *articlesInput) (*rowsOutput[articleRow], error) {
	list, next, err := who.Tenant.Articles(ctx, in.Words, store.Page{Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return showRows(viewAll(list, viewArticleRow), next), nil
}

type passagesInput struct {
	Bearer
	Question string `query:"question" required:"true" minLength:"1" maxLength:"1000"`
}

type passageView struct {
	Article string `json:"article" doc:"its id"`
	Title   string `json:"title" doc:"of the article, with the headings above the passage"`
	Text    string `json:"text"`
}

type passagesOutput struct {
	Body struct {
		Items []passageView `json:"items"`
	}
}

// findPassages shows what an answer to the question would be given. A change of the articles counts within seconds.
func (s *Server) findPassages(ctx context.Context, who hub.Principal, in *passagesInput) (*passagesOutput, error) {
	found, err := s.hub.Passages(ctx, who.Tenant, in.Question)
	if err != nil {
		return nil, err
	}
	out := &passagesOutput{}
	out.Body.Items = viewAll(found, func(p knowledge.Passage) passageView { return passageView{p.Article, p.Title, p.Text} })
	return out, nil
}

func (s *Server) getArticle(ctx context.Context, who hub.Principal, id string) (articleView, error) {
	a, err := who.Tenant.Article(ctx, id)
	return viewArticle(a), err
}

func (s *Server) createArticle(ctx context.Context, who hub.Principal, id string, b ArticleBody) (articleView, error) {
	a := store.Article{ID: id}
	b.set(&a)
	a, err := who.Tenant.CreateArticle(ctx, a)
	return viewArticle(a), err
}

func (s *Server) changeArticle(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*ArticleBody) error) (articleView, error) {
	a, err := who.Tenant.Article(ctx, id)
	if err != nil {
		return articleView{}, err
	}
	b := viewArticle(a).ArticleBody
	if err := apply(&b); err != nil {
		return articleView{}, err
	}
	b.set(&a)
	a.Rev = revision(rev, a.Rev)
	a, err = who.Tenant.UpdateArticle(ctx, a)
	return viewArticle(a), err
}

func (s *Server) deleteArticle(ctx context.Context, who hub.Principal, id string, rev int64) error {
	return who.Tenant.DeleteArticle(ctx, id, rev)
}

type uploadInput struct {
	Bearer
	Name    string `query:"name" required:"true" minLength:"1" maxLength:"200" doc:"the file's name; its ending says what it is: .md .txt .csv .pdf"`
	RawBody []byte `contentType:"application/octet-stream"`
}

// uploadArticle makes an article of a file.
func (s *Server) uploadArticle(ctx context.Context, who hub.Principal, in *uploadInput) (*rowOutput[articleView], error) {
	got, err := knowledge.Extract(ctx, in.Name, in.RawBody, s.readPDF)
	switch {
	case errors.Is(err, knowledge.ErrKind), errors.Is(err, knowledge.ErrNoText), errors.Is(err, knowledge.ErrBroken):
		return nil, hub.Ef("bad_field", err.Error())
	case errors.Is(err, knowledge.ErrTooBig):
		return nil, hub.Ef("too_big", err.Error())
	case err != nil:
		return nil, err
	}
	if got.Title == "" {
		got.Title = "Sem título"
	}
	a, err := who.Tenant.CreateArticle(ctx, store.Article{Title: got.Title, Text: got.Text, Tags: []string{}})
	if err != nil {
		return nil, err
	}
	s.audit(ctx, who, in.Bearer, "/api/v1/knowledge", "criar", a.ID, nil)
	return showRow(viewArticle(a)), nil
}
