package store

import (
	"context"
	"slices"
	"strings"

	"aihub/store/internal/doc"
)

// MaxTags is how many tags a conversation may have.
const MaxTags = 12

// TagList is the conversation's tags, sorted.
func (c Conversation) TagList() []string {
	if c.Tags == "" {
		return []string{}
	}
	return strings.Split(c.Tags, "\n")
}

// SetTag gives a conversation a tag, or takes it away, and returns those it has then. Others' tags of the same moment
// stay. ErrNotFound; ErrFull: it has MaxTags.
func (t *Tenant) SetTag(ctx context.Context, conv, tag string, on bool) ([]string, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	for {
		c, err := t.conversations.Get(ctx, conv)
		if err != nil {
			return nil, err
		}
		tags := slices.DeleteFunc(c.TagList(), func(have string) bool { return have == tag })
		if on {
			tags = append(tags, tag)
			slices.Sort(tags)
		}
		if len(tags) > MaxTags {
			return nil, ErrFull
		}
		next := strings.Join(tags, "\n")
		if next == c.Tags {
			return tags, nil
		}
		ok, err := t.conversations.Update(ctx, conv, []doc.Cond{doc.Eq("etiquetas", c.Tags)}, doc.Mod{Set: map[string]any{"etiquetas": next}})
		if err == nil && !ok && c.Tags == "" { // made before there were tags
			ok, err = t.conversations.Update(ctx, conv, []doc.Cond{doc.Absent("etiquetas")}, doc.Mod{Set: map[string]any{"etiquetas": next}})
		}
		if err != nil || ok {
			return tags, err
		}
	}
}
