package handlers

import (
	"context"

	"aihub/hub"
	"aihub/store"
)

// ReplyBody is an answer that the staff has prepared.
type ReplyBody struct {
	Shortcut string `json:"shortcut" minLength:"1" maxLength:"40" pattern:"^[^\\s/]+$" doc:"what people type behind a slash; unique"`
	Title    string `json:"title" required:"false" maxLength:"120"`
	Text     string `json:"text" minLength:"1" maxLength:"4000" doc:"may name {nome}, {atendente}, {empresa} and {saudacao}, which the console fills in"`
}

type replyView struct {
	Meta
	ReplyBody
}

func viewReply(r store.CannedReply) replyView {
	return replyView{metaOf(r.ID, r.Rev, r.CreatedAt, r.ChangedAt), ReplyBody{r.Shortcut, r.Title, r.Text}}
}

func (s *Server) listReplies(ctx context.Context, who hub.Principal, p store.Page) ([]replyView, string, error) {
	list, next, err := who.Tenant.CannedReplies(ctx, p)
	return viewAll(list, viewReply), next, err
}

func (s *Server) getReply(ctx context.Context, who hub.Principal, id string) (replyView, error) {
	r, err := who.Tenant.CannedReply(ctx, id)
	return viewReply(r), err
}

func (s *Server) createReply(ctx context.Context, who hub.Principal, id string, b ReplyBody) (replyView, error) {
	r, err := who.Tenant.CreateCannedReply(ctx, store.CannedReply{ID: id, Shortcut: b.Shortcut, Title: b.Title, Text: b.Text})
	return viewReply(r), err
}

func (s *Server) changeReply(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*ReplyBody) error) (replyView, error) {
	r, err := who.Tenant.CannedReply(ctx, id)
	if err != nil {
		return replyView{}, err
	}
	b := viewReply(r).ReplyBody
	if err := apply(&b); err != nil {
		return replyView{}, err
	}
	r.Shortcut, r.Title, r.Text, r.Rev = b.Shortcut, b.Title, b.Text, revision(rev, r.Rev)
	r, err = who.Tenant.UpdateCannedReply(ctx, r)
	return viewReply(r), err
}

func (s *Server) deleteReply(ctx context.Context, who hub.Principal, id string, rev int64) error {
	return who.Tenant.DeleteCannedReply(ctx, id, rev)
}
