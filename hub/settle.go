package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"aihub/llm"
	"aihub/store"
)

// finish stores the answer, settles the quota, gives the conversation free and tells everyone, in that order; then the
// next message has its turn. What can't be done now is done by the reaper of any instance.
func (r *run) finish(ctx context.Context, end outcome) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	log := r.hub.log.With("tenant", r.tenant.ID().String(), "conversation", r.conv, "run", r.id)
	if r.lags() && end.state != store.RunTakenOver && end.code != "bus_unavailable" {
		err := insist(ctx, func(ctx context.Context) error {
			err := r.flush(ctx)
			if errors.Is(err, errEnded) {
				return nil
			}
			return err
		})
		switch {
		case r.fenced:
			log.Warn("run was ended by another instance")
			return
		case r.taken:
			end = outcomeTaken
		case err != nil: // the answer is stored whole; who is connected gets it with the next snapshot
			log.Warn("the rest of an answer could not be shown", "error", err)
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), patience)
			defer cancel()
		}
	}
	text := r.answer.shown
	if end.state != store.RunTakenOver {
		text = append(text, r.answer.waiting...)
	}
	sum := sha256.Sum256(text)
	final := store.Final{Text: string(text), State: end.state, Code: end.code, Finish: end.finish, Model: r.model, Asked: r.target.Model, Provider: r.target.Provider,
		KeyFrom: r.target.KeyFrom, SHA: hex.EncodeToString(sum[:]), Len: int64(len(text)), Usage: r.cost(text),
		FirstTokenMS: r.firstToken.Milliseconds(), TotalMS: time.Since(r.started).Milliseconds(), Sources: r.cited(string(text))}
	err := insist(ctx, func(ctx context.Context) error { return r.tenant.FinishRun(ctx, r.msg, r.fence, final) })
	if errors.Is(err, store.ErrConflict) {
		log.Warn("run was ended by another instance")
		return
	}
	s := settled{hub: r.hub, user: r.user, tenant: r.tenant, conv: r.conv, question: r.question, msg: r.msg, run: r.id, final: final, plan: &r.plan}
	if err != nil {
		// People must not wait for the store: they are told, and the reaper will find in the log how the run ended.
		log.Error("answer not stored; left to the reaper", "error", err)
		s.final.State, s.final.Code, s.final.Finish = store.RunFailed, "store_unavailable", ""
		if err := r.log.appendOnce(context.WithoutCancel(ctx), s.endEvent(ctx)); err != nil {
			log.Error("end of the run not told", "error", err)
		}
		return
	}
	s.account(ctx, log, r.log)
}

// cost is what the run used: the provider's count, else an estimate that is marked so.
func (r *run) cost(text []byte) store.Usage {
	switch {
	case r.usage != nil:
		return store.Usage{In: r.usage.In, Out: r.usage.Out, CachedIn: r.usage.CachedIn, Reasoning: r.usage.Reasoning}
	case len(text) == 0:
		return store.Usage{}
	}
	return store.Usage{In: r.promptTokens, Out: llm.CountTokens(string(text)), Estimated: true}
}

// settled is a run whose answer is stored and whose end remains to be accounted for and told.
type settled struct {
	hub      *Hub
	tenant   *store.Tenant
	user     string
	conv     string
	question string
	msg, run string
	final    store.Final
	plan     *store.Plan // nil: the quota is not told
}

// account settles the quota, gives the conversation free, and tells the end. Each step is harmless when repeated; the
// run is marked as settled last, so that the reaper repeats what fails here. w stands where the run's end is not yet
// told; nil: it is told.
func (s settled) account(ctx context.Context, log *slog.Logger, w *logWriter) {
	tokens := s.final.Usage.In + s.final.Usage.Out
	refund := s.final.Len == 0 && s.final.State != store.RunComplete
	if refund {
		tokens = 0
	}
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"settle the quota", func(ctx context.Context) error { return s.tenant.Settle(ctx, s.user, s.run, tokens, refund) }},
		{"release the conversation", func(ctx context.Context) error { return s.tenant.ReleaseConversation(ctx, s.conv, s.run) }},
		{"tell the end", func(ctx context.Context) error {
			if w == nil {
				return nil
			}
			return w.appendOnce(ctx, s.endEvent(ctx))
		}},
		{"mark as settled", func(ctx context.Context) error { return s.tenant.MarkSettled(ctx, s.msg) }},
	}
	for _, step := range steps {
		if err := insist(ctx, step.do); err != nil {
			log.Error("end of a run left to the reaper", "step", step.name, "error", err)
			return
		}
	}
	s.hub.next(ctx, s.tenant, s.conv)
}

// endEvent is the run's last event, with the person's quota where the plan is known and the store answers.
func (s settled) endEvent(ctx context.Context) Event {
	usage := viewUsage(s.final.Usage)
	e := Event{K: kindRunEnd, Run: s.run, Msg: s.msg, Parent: s.question, State: s.final.State, Code: s.final.Code, Finish: s.final.Finish, Model: s.final.Model,
		Len: &s.final.Len, SHA: s.final.SHA, Usage: &usage, Sources: viewSources(s.final.Sources), At: s.hub.stampNow(),
		Continue: continuable(s.final.State, s.final.Code, s.final.Finish, s.final.Len)}
	if s.plan != nil {
		if uses, err := s.tenant.QuotaOf(ctx, s.user, *s.plan); err == nil {
			quota := ViewQuota(uses)
			e.Quota = &quota
		}
	}
	return e
}

// insist repeats what may fail for a while: until it works, is refused for good, or ctx ends.
func insist(ctx context.Context, do func(context.Context) error) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		try, cancel := context.WithTimeout(ctx, 3*time.Second)
		err := do(try)
		cancel()
		if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
