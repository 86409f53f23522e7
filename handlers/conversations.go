package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"aihub/hub"
	"aihub/store"
)

type conversationView struct {
	ID        string        `json:"id"`
	Title     string        `json:"title"`
	State     string        `json:"state" enum:"open,closed"`
	Channel   string        `json:"channel"`
	Owner     hub.OwnerView `json:"owner"`
	CreatedAt string        `json:"created_at"`
	UpdatedAt string        `json:"updated_at"`
	Place     int64         `json:"queue_place,omitempty" doc:"of one that waits for a person, where one is asked for: 1 is next; 100: or later"`
}

func viewConversation(c store.Conversation) conversationView {
	v := conversationView{ID: c.ID, Title: c.Title, State: "open", Channel: c.Channel, Owner: hub.ViewOwner(c.Owner), CreatedAt: stamp(c.CreatedAt), UpdatedAt: stamp(c.UpdatedAt)}
	if c.State == store.ConversationClosed {
		v.State = "closed"
	}
	return v
}

// stamp formats a time as the wire does: UTC with milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// Page is part of every list's input.
type Page struct {
	Cursor string `query:"cursor" maxLength:"200" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

type listInput struct {
	Bearer
	Page
}

type conversationList struct {
	Body struct {
		Items      []conversationView `json:"items"`
		NextCursor string             `json:"next_cursor,omitempty"`
	}
}

func (s *Server) listConversations(ctx context.Context, who hub.Principal, in *listInput) (*conversationList, error) {
	list, next, err := who.Tenant.Conversations(ctx, who.User, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &conversationList{}
	out.Body.Items, out.Body.NextCursor = make([]conversationView, 0, len(list)), next
	for _, c := range list {
		out.Body.Items = append(out.Body.Items, viewConversation(c))
	}
	return out, nil
}

type ConversationInput struct {
	Bearer
	ID string `path:"id"`
}

type conversationOutput struct{ Body conversationView }

func (s *Server) getConversation(ctx context.Context, who hub.Principal, in *ConversationInput) (*conversationOutput, error) {
	c, err := hub.Readable(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	v := viewConversation(c)
	if c.Owner.Kind == store.OwnerQueue && c.State == store.ConversationOpen {
		v.Place, err = who.Tenant.QueuePlace(ctx, c.Owner.Since)
	}
	return &conversationOutput{v}, err
}

// ownConversation returns a conversation that the person takes part in; staff may read others' but not change them.
func ownConversation(ctx context.Context, who hub.Principal, id string) (store.Conversation, error) {
	c, err := hub.Readable(ctx, who, id)
	if err == nil && c.UserID != who.User {
		err = hub.E("forbidden")
	}
	return c, err
}

type renameInput struct {
	ConversationInput
	Body struct {
		Title string `json:"title" minLength:"1" maxLength:"200"`
	}
}

func (s *Server) renameConversation(ctx context.Context, who hub.Principal, in *renameInput) (*conversationOutput, error) {
	c, err := ownConversation(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	c.Title = strings.Join(strings.Fields(in.Body.Title), " ")
	if c.Title == "" {
		return nil, hub.Ef("bad_field", "title is empty")
	}
	if err := who.Tenant.RenameConversation(ctx, c.ID, c.Title); err != nil {
		return nil, err
	}
	if err := s.hub.Renamed(ctx, who.Tenant, c.ID, c.Title); err != nil { // stored all the same; others see it when they come back
		s.log.Warn("new title not told", "tenant", who.Tenant.ID().String(), "conversation", c.ID, "error", err)
	}
	return &conversationOutput{viewConversation(c)}, nil
}

func (s *Server) deleteConversation(ctx context.Context, who hub.Principal, in *ConversationInput) error {
	c, err := ownConversation(ctx, who, in.ID)
	if err != nil {
		return err
	}
	return who.Tenant.DeleteConversation(ctx, c.ID)
}

type messagesInput struct {
	ConversationInput
	Page
}

type messageList struct {
	Body struct {
		Items      []hub.MessageView `json:"items"`
		NextCursor string            `json:"next_cursor,omitempty"`
	}
}

func (s *Server) listMessages(ctx context.Context, who hub.Principal, in *messagesInput) (*messageList, error) {
	c, err := hub.Readable(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Cursor != "" && !store.ValidID("m", in.Cursor) {
		return nil, hub.E("not_found")
	}
	list, err := who.Tenant.Messages(ctx, c.ID, in.Cursor, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &messageList{}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Body.NextCursor = list[in.Limit-1].ID
	}
	out.Body.Items, err = hub.ViewMessages(ctx, who.Tenant, c.ID, list)
	return out, err
}

type transcriptInput struct {
	ConversationInput
	Format string `query:"format" enum:"md,json" default:"md"`
}

type fileOutput struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}

// transcriptMax bounds a transcript; a longer conversation keeps its latest messages.
const transcriptMax = 5000

func (s *Server) transcript(ctx context.Context, who hub.Principal, in *transcriptInput) (*fileOutput, error) {
	c, err := hub.Readable(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	newest, err := who.Tenant.Messages(ctx, c.ID, "", transcriptMax)
	if err != nil {
		return nil, err
	}
	slices.Reverse(newest)
	messages, err := hub.ViewMessages(ctx, who.Tenant, c.ID, newest)
	if err != nil {
		return nil, err
	}
	out := &fileOutput{ContentDisposition: fmt.Sprintf(`attachment; filename="conversa-%s.%s"`, c.CreatedAt.UTC().Format("2006-01-02"), in.Format)}
	if in.Format == "json" {
		out.ContentType = "application/json"
		out.Body, err = json.MarshalIndent(map[string]any{"conversation": viewConversation(c), "messages": messages}, "", "  ")
		return out, err
	}
	out.ContentType = "text/markdown; charset=utf-8"
	out.Body = []byte(markdown(c, messages))
	return out, nil
}

// markdown writes a conversation for people to read; it is in Portuguese, as the product is.
func markdown(c store.Conversation, messages []hub.MessageView) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", c.Title)
	for _, m := range messages {
		name := m.By.Name
		if m.By.Kind == "ai" {
			name = "Assistente (IA)"
			if m.Run != nil && m.Run.Model != "" {
				name += " · " + m.Run.Model
			}
		}
		fmt.Fprintf(&b, "\n**%s** · %s\n\n%s\n", name, m.At, m.Text)
		if m.Run != nil && m.Run.State != store.RunComplete {
			fmt.Fprintf(&b, "\n_(resposta incompleta: %s)_\n", m.Run.State)
		}
	}
	return b.String()
}
