package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"aihub/hub"
	"aihub/store"
)

type tagInput struct {
	ConversationInput
	Tag string `path:"tag" maxLength:"120"`
}

type tagsOutput struct {
	Body struct {
		Tags []string `json:"tags" doc:"those the conversation has now, sorted"`
	}
}

// maxTag is how long a tag may be, in characters.
const maxTag = 30

// setTag gives a conversation a tag, or takes it away.
func (s *Server) setTag(on bool) func(context.Context, hub.Principal, *tagInput) (*tagsOutput, error) {
	return func(ctx context.Context, who hub.Principal, in *tagInput) (*tagsOutput, error) {
		if _, err := hub.Readable(ctx, who, in.ID); err != nil {
			return nil, err
		}
		tag := strings.ToLower(strings.Join(strings.Fields(in.Tag), " "))
		odd := func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune(" -_.#", r)
		}
		if n := len([]rune(tag)); n == 0 || n > maxTag || strings.ContainsFunc(tag, odd) {
			return nil, hub.Ef("bad_field", fmt.Sprintf("a tag has 1 to %d letters, digits, spaces or -_.#", maxTag))
		}
		out := &tagsOutput{}
		var err error
		out.Body.Tags, err = s.hub.Tag(ctx, who, in.ID, tag, on)
		if errors.Is(err, store.ErrFull) {
			err = hub.Ef("bad_field", fmt.Sprintf("a conversation has at most %d tags", store.MaxTags))
		}
		return out, err
	}
}
