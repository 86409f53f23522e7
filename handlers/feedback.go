package handlers

import (
	"context"
	"strings"

	"aihub/hub"
	"aihub/store"
)

type feedbackInput struct {
	Bearer
	ID   string `path:"id"`
	Body struct {
		Vote   string `json:"vote" enum:"up,down,none" doc:"none takes an earlier vote back"`
		Reason string `json:"reason,omitempty" maxLength:"500"`
	}
}

// giveFeedback keeps what a person thinks of an answer in their own conversation; the last vote counts.
func (s *Server) giveFeedback(ctx context.Context, who hub.Principal, in *feedbackInput) error {
	m, err := who.Tenant.Message(ctx, in.ID)
	if err != nil {
		return err
	}
	c, err := ownConversation(ctx, who, m.ConversationID)
	if err != nil {
		return err
	}
	if m.Role != store.RoleAssistant {
		return hub.Ef("bad_field", "only answers of the AI take feedback")
	}
	if in.Body.Vote == "none" {
		return who.Tenant.Unrate(ctx, who.User, c.ID, m.ID)
	}
	r := store.Rating{ConversationID: c.ID, MessageID: m.ID, UserID: who.User, Score: 1, Comment: strings.TrimSpace(in.Body.Reason)}
	if in.Body.Vote == "down" {
		r.Score = -1
	}
	return who.Tenant.Rate(ctx, r)
}
