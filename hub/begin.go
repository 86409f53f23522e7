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
}

func (h *Hub) plan(ctx context.Context, t *store.Tenant, user, model string) (plan, error) {
	limits, err := t.PlanOf(ctx, user)
	if err != nil {
		return plan{}, quotaUnavailable(err)
	}
	targets, config, err := h.targets(ctx, t, limits, model)
	return plan{limits, targets, config}, err
}

// newRun is a run that is not announced yet.
func (h *Hub) newRun(t *store.Tenant, user string, conv store.Conversation, id string, w *logWriter, p plan) *run {
	return &run{hub: h, tenant: t, user: user, conv: conv.ID, id: id, log: w, fence: 1, epoch: conv.Owner.Epoch, plan: p.limits, targets: p.targets,
		config: p.config, started: time.Now(), model: p.targets[0].Model, target: p.targets[0], halted: make(chan halt, 1), asides: newAsides()}
}

// prepare makes the request, from asked or from the branch that ends with parent, and reserves the quota for it.
// store.ErrExists: this very run has been settled. A full quota is quota_exceeded.
func (r *run) prepare(ctx context.Context, parent, question string, asked *Question) error {
	var err error
	if asked != nil {
		r.request = asked.request(r.config.Instructions)
		asked.tune(r.targets)
	} else if r.request, r.whispers, err = r.hub.prompt(ctx, r.tenant, r.conv, r.config.Instructions, parent, question); err != nil {
		return err
	}
	if err := r.enrich(ctx, question, asked != nil); err != nil {
		return err
	}
	r.promptTokens = promptTokens(r.request)
	r.reservation, err = r.tenant.ReserveUnder(ctx, r.user, r.id, r.plan, r.config, r.promptTokens+sliceTokens)
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
	return store.Interaction{ID: r.msg, ConversationID: r.conv, Role: store.RoleAssistant, Author: "ia", Parent: r.question, CID: r.id, At: time.Now(),
		LogEpoch: r.log.ep, LogSeq: r.log.seq + 1,
		Run: &store.Run{ID: r.id, UserID: r.user, State: store.RunAccepted, Fence: r.fence, LeaseUntil: r.hub.now().Add(leaseFor), Instance: r.hub.instance,
			Model: r.targets[0].Model, Provider: r.targets[0].Provider, KeyFrom: r.targets[0].KeyFrom, StartedAt: r.started}}
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

// regen takes in the wish for a further answer to a question: a sibling of the answers it has. msg names the question
// or one of its answers.
func (h *Hub) regen(ctx context.Context, who Principal, c command) (accepted, error) {
	t := who.Tenant
	var a accepted
	question, err := h.questionOf(ctx, who, c.Msg)
	if err != nil {
		return a, err
	}
	if a.conv, err = readable(ctx, who, question.ConversationID); err != nil {
		return a, err
	}
	if a.conv.UserID != who.User {
		return a, E("forbidden")
	}
	id := regenID(a.conv.ID, who.User, c.CID)
	a.msg, a.run = question.ID, id
	if done, err := a.regenerated(ctx, t, id); done || err != nil {
		return a, err
	}
	a.start, err = h.answer(ctx, t, who.User, a.conv, question, id, c.Model)
	if errors.Is(err, store.ErrExists) { // another copy was faster
		_, err := a.regenerated(ctx, t, id)
		return a, err
	}
	if err == nil {
		a.place = Pos{a.start.log.ep, a.start.log.seq}
	}
	return a, err
}

// answer prepares a further run for a stored question, as far as its start in the log; the caller starts it.
// store.ErrExists: there is such a run.
func (h *Hub) answer(ctx context.Context, t *store.Tenant, user string, conv store.Conversation, question store.Interaction, id, model string) (started *run, err error) {
	switch {
	case conv.State != store.ConversationOpen:
		return nil, E("conversation_closed")
	case conv.Owner.Kind != store.OwnerAI:
		return nil, heldBy(conv.Owner)
	}
	ctx, cancel := context.WithTimeout(ctx, admitWithin)
	defer cancel()
	w, err := openLog(ctx, h.bus, Topic{t.ID(), conv.ID})
	if err != nil {
		return nil, busError(err)
	}
	if !h.runs.reserve() {
		return nil, E("draining")
	}
	defer func() {
		if started == nil {
			h.runs.unreserve()
		}
	}()
	p, err := h.plan(ctx, t, user, model)
	if err != nil {
		return nil, err
	}
	if err := h.claim(ctx, t, conv, id); err != nil {
		if errors.Is(err, errAgain) {
			err = E("conflict")
		}
		return nil, err
	}
	r := h.newRun(t, user, conv, id, w, p)
	r.question = question.ID
	if err := r.prepare(ctx, question.Parent, question.Text, nil); err != nil {
		if asError(err).Code == "quota_exceeded" {
			h.giveUp(t, conv.ID, id)
		}
		return nil, err
	}
	switch err := t.AddMessage(ctx, r.answerToBe()); {
	case errors.Is(err, store.ErrExists):
		return nil, err
	case err != nil:
		return nil, storeError(err)
	}
	if err := r.begin(ctx); err != nil {
		r.abandon(err)
		return nil, busError(err)
	}
	return r, nil
}

// answerAnew stops the answer that is being written and asks for another one, which is told what the staff whispered. It
// is charged to who asked the question, as any further answer is.
func (h *Hub) answerAnew(ctx context.Context, t *store.Tenant, conv store.Conversation, whisper string) error {
	if conv.Active.Run == "" {
		return nil // the next answer will be told
	}
	m, err := t.RunByID(ctx, conv.Active.Run)
	if err != nil {
		return storeError(err)
	}
	question, err := t.Message(ctx, m.Parent)
	if err != nil {
		return storeError(err)
	}
	if err := h.haltRun(ctx, t, m, haltStop); err != nil {
		return err
	}
	for {
		r, err := h.answer(ctx, t, conv.UserID, conv, question, derivedID("r", conv.ID, whisper), "")
		if err == nil {
			h.runs.start(r)
			return nil
		}
		if errors.Is(err, store.ErrExists) {
			return nil
		}
		if asError(err).Code != "conv_busy" {
			return err
		}
		select { // the stopped answer is being settled
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// regenerated answers a regen that was accepted before.
func (a *accepted) regenerated(ctx context.Context, t *store.Tenant, run string) (bool, error) {
	answer, err := t.RunByID(ctx, run)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	case err != nil:
		return false, storeError(err)
	case answer.Parent != a.msg:
		return false, E("idem_mismatch")
	}
	a.dup, a.place = true, Pos{answer.LogEpoch, answer.LogSeq}
	return true, nil
}

// questionOf returns the person's message that msg is, or answers. A message that the person may not read is not_found.
func (h *Hub) questionOf(ctx context.Context, who Principal, msg string) (store.Interaction, error) {
	m, err := who.Tenant.Message(ctx, msg)
	if err == nil && m.Role == store.RoleAssistant {
		m, err = who.Tenant.Message(ctx, m.Parent)
	}
	if err != nil {
		return m, storeError(err)
	}
	if _, err := readable(ctx, who, m.ConversationID); err != nil {
		return m, err
	}
	if m.Role != store.RoleUser {
		return m, Ef("bad_field", "only a person's question can be answered anew")
	}
	return m, nil
}
