package hub

import (
	"context"
	"errors"
	"time"

	"aihub/llm"
	"aihub/store"
)

// plan is what a person may use for an answer: their limits, and the models to ask.
type plan struct {
	limits  store.Plan
	targets []llm.Target
	config  store.LLMConfig // of the first target
	key     store.WidgetKey // of a visitor; zero: the person has an account
}

func (h *Hub) plan(ctx context.Context, t *store.Tenant, user, model string) (plan, error) {
	limits, err := t.PlanOf(ctx, user)
	if err != nil {
		return plan{}, quotaUnavailable(err)
	}
	key, err := keyOf(ctx, t, user)
	if err != nil {
		return plan{}, quotaUnavailable(err)
	}
	targets, config, err := h.targets(ctx, t, limits, model)
	return plan{limits, targets, config, key}, err
}

// keyOf is the widget key that a visitor came in by, whose caps bound what they write. One that is gone bounds nothing: by it
// nobody comes in any more.
func keyOf(ctx context.Context, t *store.Tenant, user string) (store.WidgetKey, error) {
	if !store.ValidID("v", user) {
		return store.WidgetKey{}, nil
	}
	v, err := t.Visitor(ctx, user)
	if err != nil {
		return store.WidgetKey{}, err
	}
	key, err := t.WidgetKey(ctx, v.KeyID)
	if errors.Is(err, store.ErrNotFound) {
		return store.WidgetKey{}, nil
	}
	return key, err
}

// newRun is a run that is not announced yet.
func (h *Hub) newRun(t *store.Tenant, user string, conv store.Conversation, id string, w *logWriter, p plan) *run {
	return &run{hub: h, tenant: t, user: user, conv: conv.ID, id: id, log: w, fence: 1, epoch: conv.Owner.Epoch, from: conv.Owner.From, plan: p.limits, targets: p.targets,
		config: p.config, key: p.key, started: time.Now(), startedAt: h.now(), model: p.targets[0].Model, target: p.targets[0], halted: make(chan halt, 1), asides: newAsides(),
		answer: strand{kind: kindDelta}, thoughts: strand{kind: kindReasoning}}
}

// prepare makes the request, from asked or from the branch that the thread stands in, and reserves the quota for it.
// store.ErrExists: this very run has been settled. A full quota is quota_exceeded.
func (r *run) prepare(ctx context.Context, th thread, asked *Question) error {
	var err error
	if asked != nil {
		r.request = asked.request(r.config.Instructions)
		asked.tune(r.targets)
	} else if r.request, r.whispers, err = r.hub.prompt(ctx, r, th); err != nil {
		return err
	}
	if err := r.enrich(ctx, th, asked != nil); err != nil {
		return err
	}
	r.promptTokens = promptTokens(r.request)
	r.reservation, err = r.tenant.ReserveUnder(ctx, r.user, r.id, r.plan, r.config, r.key, r.promptTokens+sliceTokens)
	if errors.Is(err, store.ErrExists) {
		return err
	}
	if err != nil {
		return quotaUnavailable(err)
	}
	return nil
}

// answerToBe is the answer as it is stored at first. Its id is younger than its question's.
func (r *run) answerToBe() store.Interaction {
	r.msg = r.hub.newID("m")
	return store.Interaction{ID: r.msg, ConversationID: r.conv, Role: store.RoleAssistant, Author: "ia", Parent: r.question, CID: r.id, At: r.hub.now(),
		LogEpoch: r.log.ep, LogSeq: r.log.seq + 1,
		Run: &store.Run{ID: r.id, UserID: r.user, State: store.RunAccepted, Fence: r.fence, LeaseUntil: r.hub.now().Add(leaseFor), Instance: r.hub.instance,
			Model: r.targets[0].Model, Asked: r.targets[0].Model, Provider: r.targets[0].Provider, KeyFrom: r.targets[0].KeyFrom, StartedAt: r.startedAt}}
}

// begin appends the start of the run. A person who took the conversation over meanwhile is found by the stream's first
// flush, or by this one: then the run ends before it has shown anything.
func (r *run) begin(ctx context.Context) error {
	err := r.flush(ctx)
	if errors.Is(err, errEnded) {
		r.halt(halt{state: store.RunTakenOver})
		return nil
	}
	if err == nil {
		r.applied(ctx)
	}
	return err
}

// applied tells the staff which of their whispers this run was told first.
func (r *run) applied(ctx context.Context) {
	for _, w := range r.whispers {
		err := r.tenant.WhisperUsed(ctx, w.ID, r.id)
		if err == nil {
			w.Run = r.id
			err = r.hub.tellStaff(ctx, r.tenant.ID(), r.conv, staffEntry(w))
		}
		if err != nil {
			r.hub.log.Warn("use of a whisper not told", "tenant", r.tenant.ID().String(), "run", r.id, "error", err)
		}
	}
}

// abandon ends a run that could not be announced: nothing was shown, nothing is charged.
func (r *run) abandon(cause error) {
	r.hub.log.Warn("run not announced", "tenant", r.tenant.ID().String(), "conversation", r.conv, "run", r.id, "error", cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.hub.ctx), 5*time.Second)
	defer cancel()
	r.finish(ctx, outcome{state: store.RunFailed, code: "bus_unavailable"})
}

// quotaUnavailable refuses when the quota can't be checked: nothing is spent that is not counted.
func quotaUnavailable(err error) error {
	if err := storeError(err); asError(err).Code == "quota_exceeded" {
		return err
	}
	e := E("quota_unavailable")
	e.RetryIn = time.Second
	return e
}

// promptTokens estimates what a request costs before the provider says it.
func promptTokens(r llm.Request) int64 {
	var n int64
	for _, m := range r.Messages {
		n += llm.CountTokens(m.Text) + 4 // the frame that the chat format puts round a message
	}
	return n
}
