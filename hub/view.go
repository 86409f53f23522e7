package hub

import (
	"context"

	"aihub/store"
)

// By says who wrote or did something.
type By struct {
	Kind string `json:"kind"` // user, ai or agent
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// OwnerView says who answers in a conversation.
type OwnerView struct {
	Kind  string `json:"kind"` // ai, human or queue
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
	Epoch int64  `json:"epoch"`
}

// UsageView is what a run cost in tokens.
type UsageView struct {
	In        int64 `json:"in"`
	Out       int64 `json:"out"`
	CachedIn  int64 `json:"cached_in,omitempty"` // part of In
	Reasoning int64 `json:"reasoning,omitempty"` // part of Out
	Estimated bool  `json:"estimated"`
}

// QuotaView is one window of a person's plan. A limit of 0 means there is none.
type QuotaView struct {
	Window        string `json:"window"` // minute, day or month
	MessagesUsed  int64  `json:"messages_used"`
	MessagesLimit int64  `json:"messages_limit"`
	TokensUsed    int64  `json:"tokens_used"`
	TokensLimit   int64  `json:"tokens_limit"`
	ResetAt       string `json:"reset_at"`
}

// RunView is the state of an answer.
type RunView struct {
	ID       string    `json:"id"`
	State    string    `json:"state"`
	Code     string    `json:"code,omitempty"`
	Finish   string    `json:"finish,omitempty"`
	Model    string    `json:"model,omitempty"`
	Len      int64     `json:"len"`
	SHA      string    `json:"sha,omitempty"`
	Usage    UsageView `json:"usage"`
	Continue bool      `json:"continue,omitempty"` // it was cut short and can be continued
}

// SourceView is an article that an answer refers to as [n].
type SourceView struct {
	N     int64  `json:"n"`
	ID    string `json:"id"`
	Title string `json:"title"`
}

func viewSources(sources []store.Source) []SourceView {
	var out []SourceView
	for _, s := range sources {
		out = append(out, SourceView(s))
	}
	return out
}

// MessageView is one message as snapshots and the REST interface show it.
type MessageView struct {
	ID      string       `json:"id"`
	Role    string       `json:"role"` // user, assistant or agent
	Text    string       `json:"text"`
	Cut     bool         `json:"cut,omitempty"` // only the beginning of the text is here
	Parent  string       `json:"parent,omitempty"`
	CID     string       `json:"cid,omitempty"`
	By      By           `json:"by"`
	At      string       `json:"at"`
	Run     *RunView     `json:"run,omitempty"`
	Sources []SourceView `json:"sources,omitempty"` // of an answer: the articles it refers to
	// Feedback is the participant's on an answer.
	Feedback *FeedbackView `json:"feedback,omitempty"`
}

// FeedbackView says whether an answer helped.
type FeedbackView struct {
	Vote   string `json:"vote"` // up or down
	Reason string `json:"reason,omitempty"`
}

// ViewMessages shows messages of one conversation with what its participant thinks of the answers. The error is the
// store's.
func ViewMessages(ctx context.Context, t *store.Tenant, conv string, list []store.Interaction) ([]MessageView, error) {
	ratings, err := t.RatingsOf(ctx, conv)
	if err != nil {
		return nil, err
	}
	rated := make(map[string]*FeedbackView, len(ratings))
	for _, r := range ratings {
		rated[r.MessageID] = &FeedbackView{"up", r.Comment}
		if r.Score < 0 {
			rated[r.MessageID].Vote = "down"
		}
	}
	out := make([]MessageView, 0, len(list))
	for _, m := range list {
		v := ViewMessage(m)
		v.Feedback = rated[m.ID]
		out = append(out, v)
	}
	return out, nil
}

func viewUsage(u store.Usage) UsageView {
	return UsageView{In: u.In, Out: u.Out, CachedIn: u.CachedIn, Reasoning: u.Reasoning, Estimated: u.Estimated}
}

// ViewMessage shows a stored message.
func ViewMessage(m store.Interaction) MessageView {
	v := MessageView{ID: m.ID, Role: roleName(m.Role), Text: m.Text, Parent: m.Parent, At: stamp(m.At),
		By: By{Kind: "user", ID: m.Author, Name: m.AuthorName}}
	switch m.Role {
	case store.RoleAssistant:
		v.By = By{Kind: "ai"}
	case store.RoleAgent:
		v.By.Kind, v.CID = "agent", m.CID
	default:
		v.CID = m.CID
	}
	if r := m.Run; r != nil {
		v.Sources = viewSources(r.Sources)
		v.Run = &RunView{ID: r.ID, State: r.State, Code: r.Code, Finish: r.Finish, Model: r.Model, Len: r.Len, SHA: r.SHA,
			Usage:    viewUsage(r.Usage),
			Continue: continuable(r.State, r.Code, r.Finish, r.Len)}
	}
	return v
}

// ViewQuota shows what is used of a plan.
func ViewQuota(uses []store.QuotaUse) []QuotaView {
	out := make([]QuotaView, 0, len(uses))
	for _, u := range uses {
		out = append(out, QuotaView{Window: u.Window, MessagesUsed: u.MessagesUsed, MessagesLimit: u.MessagesLimit,
			TokensUsed: u.TokensUsed, TokensLimit: u.TokensLimit, ResetAt: stamp(u.ResetAt)})
	}
	return out
}

// stateName is the state of a conversation on the wire.
func stateName(stored string) string {
	if stored == store.ConversationClosed {
		return "closed"
	}
	return "open"
}

// ViewOwner shows who answers in a conversation.
func ViewOwner(o store.Owner) OwnerView {
	return OwnerView{Kind: o.Kind, ID: o.ID, Name: o.Name, Epoch: o.Epoch}
}
