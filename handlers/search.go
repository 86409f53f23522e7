package handlers

import (
	"context"
	"strings"

	"aihub/hub"
)

type searchInput struct {
	Bearer
	Words string `query:"q" required:"true" minLength:"1" maxLength:"200" doc:"found whatever their case and accents"`
	Limit int    `query:"limit" minimum:"1" maximum:"50" default:"20"`
}

// hitView is a conversation with the words in its title or in a message.
type hitView struct {
	ConversationID string `json:"conversation_id"`
	MessageID      string `json:"message_id,omitempty" doc:"the newest message with the words; none when only the title has them"`
	Title          string `json:"title"`
	Excerpt        string `json:"excerpt,omitempty" doc:"of the message, around the words"`
}

type searchOutput struct {
	Body struct {
		Items []hitView `json:"items"`
	}
}

// search looks through the person's own conversations, the latest activity first.
func (s *Server) search(ctx context.Context, who hub.Principal, in *searchInput) (*searchOutput, error) {
	out := &searchOutput{}
	out.Body.Items = []hitView{}
	words := strings.TrimSpace(in.Words)
	if words == "" {
		return out, nil
	}
	hits, err := who.Tenant.Search(ctx, who.User, words, in.Limit)
	for _, h := range hits {
		v := hitView{ConversationID: h.Conversation.ID, Title: h.Conversation.Title, Excerpt: h.Excerpt}
		if h.Message != nil {
			v.MessageID = h.Message.ID
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, err
}
