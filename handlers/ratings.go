package handlers

import (
	"context"
	"errors"
	"strings"

	"aihub/hub"
	"aihub/store"
)

type ratingView struct {
	Score   int64  `json:"score" minimum:"1" maximum:"5"`
	Comment string `json:"comment" required:"false"`
	At      string `json:"at" required:"false" readOnly:"true"`
}

// ratingOf is what a conversation's person thinks of it as a whole; nil: they have not said.
func ratingOf(ctx context.Context, t *store.Tenant, c store.Conversation) (*ratingView, error) {
	list, err := t.RatingsOf(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		if r.MessageID == "" && r.UserID == c.UserID {
			return &ratingView{r.Score, r.Comment, stamp(r.At)}, nil
		}
	}
	return nil, nil
}

type rateInput struct {
	ConversationInput
	Body struct {
		Score   int64  `json:"score" minimum:"1" maximum:"5"`
		Comment string `json:"comment" required:"false" maxLength:"1000"`
	}
}

// rate keeps what a person thinks of a conversation that has ended; saying it again replaces it.
func (s *Server) rate(ctx context.Context, who hub.Principal, in *rateInput) error {
	c, err := ownConversation(ctx, who, in.ID)
	if err != nil {
		return err
	}
	if c.State != store.ConversationClosed {
		return hub.Ef("conflict", "the conversation has not ended")
	}
	err = who.Tenant.Rate(ctx, store.Rating{ConversationID: c.ID, UserID: who.User, Score: in.Body.Score, Comment: strings.TrimSpace(in.Body.Comment)})
	if errors.Is(err, store.ErrScore) {
		err = hub.Ef("bad_field", "score is 1 to 5")
	}
	return err
}

// getRating is what the person thinks of their conversation, for who rates it and for the staff.
func (s *Server) getRating(ctx context.Context, who hub.Principal, in *ConversationInput) (*struct{ Body ratingView }, error) {
	c, err := hub.Readable(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	r, err := ratingOf(ctx, who.Tenant, c)
	if err == nil && r == nil {
		err = hub.E("not_found")
	}
	if err != nil {
		return nil, err
	}
	return &struct{ Body ratingView }{*r}, nil
}
