package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	"aihub/llm"
	"aihub/store"
)

// halt asks a run to end, and how.
type halt struct{ state, code string }

// A run is one answer of a model, from the appended question to the settled quota. One goroutine owns it; halt may be
// called from any.
type run struct {
	hub          *Hub
	who          Principal
	tenant       *store.Tenant
	conv, msg    string
	id           string
	log          *logWriter
	fence        int64
	plan         store.Plan
	reservation  store.Reservation
	targets      []llm.Target
	request      llm.Request
	promptTokens int64
	started      time.Time
	halted       chan halt // one slot: the first request counts
	done         chan struct{}

	// The run goroutine's own.
	text       []byte // appended, so shown
	waiting    []byte // arrived, not yet appended
	model      string
	target     llm.Target
	firstToken time.Duration
	flushed    time.Time // of the last append; zero: none yet
	stuckSince time.Time // since when the bus has refused; zero: it has not
	usage      *llm.Usage
	fenced     bool // somebody else has ended the run
}

// halt asks the run to end. It never blocks; only the first request counts.
func (r *run) halt(why halt) {
	select {
	case r.halted <- why:
	default:
	}
}

// announce appends the question and the start of the run.
func (r *run) announce(ctx context.Context, question store.Interaction, a *accepted) error {
	place, err := r.hub.appendMessage(ctx, r.who, r.log, question, false)
	if err != nil {
		return err
	}
	a.place = place
	_, err = r.log.appendAlways(ctx, r.startEvent())
	return err
}

func (r *run) startEvent() Event {
	return Event{K: kindRunStart, Run: r.id, Msg: r.msg, Model: r.model, At: stamp(r.started)}
}

// abandon ends a run that could not be announced: nothing was shown, nothing is charged.
func (r *run) abandon(cause error) {
	r.hub.log.Warn("run not announced", "tenant", r.tenant.ID().String(), "conversation", r.conv, "run", r.id, "error", cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.hub.ctx), 5*time.Second)
	defer cancel()
	r.finish(ctx, outcome{state: store.RunFailed, code: "bus_unavailable"})
}

// outcome is how a run ends.
type outcome struct{ state, code, finish string }

// serve streams the answer and ends the run. The context ends only when the hub must stop at once.
func (r *run) serve(ctx context.Context) {
	defer close(r.done)
	unserve, err := r.hub.bus.Serve(r.tenant.ID(), r.id, func([]byte) []byte {
		r.halt(halt{state: store.RunStopped})
		return []byte("ok")
	})
	if err != nil {
		r.hub.log.Warn("run can't be stopped from other instances", "run", r.id, "error", err)
	} else {
		defer unserve()
	}
	end := r.stream(ctx)
	if r.fenced {
		r.hub.log.Warn("run was ended by another instance", "tenant", r.tenant.ID().String(), "conversation", r.conv, "run", r.id)
		return
	}
	r.finish(context.WithoutCancel(ctx), end)
}

// stream relays the provider's chunks to the log until the answer ends, one way or another.
func (r *run) stream(ctx context.Context) outcome {
	pumpCtx, cancel := context.WithCancel(ctx)
	chunks := make(chan chunk, 64) // full: the pump waits, and with it the provider
	var pump sync.WaitGroup
	pump.Go(func() { r.pump(pumpCtx, chunks) })
	defer pump.Wait()
	defer cancel()

	checkpoint := time.NewTicker(checkpointEvery)
	defer checkpoint.Stop()
	flush := time.NewTimer(time.Hour)
	flush.Stop()
	defer flush.Stop()
	var end outcome
	for ended := false; !ended; {
		select {
		case c, more := <-chunks:
			end, ended = r.take(c, more)
		case <-flush.C:
		case <-checkpoint.C:
			if !r.checkpoint(ctx) {
				return outcome{}
			}
		case why := <-r.halted:
			end, ended = outcome{state: why.state, code: why.code}, true
		case <-ctx.Done():
			end, ended = outcome{state: store.RunInterrupted, code: "draining"}, true
		}
		if over := r.extend(ctx); over != nil && !ended {
			end, ended = *over, true
		}
		if len(r.waiting) == 0 {
			continue
		}
		if due := time.Until(r.flushed.Add(flushEvery)); due > 0 && !ended {
			flush.Reset(due)
			continue
		}
		if err := r.flush(context.WithoutCancel(ctx)); err != nil {
			if r.fenced {
				return outcome{}
			}
			if !r.stillPatient() {
				end, ended = outcome{state: store.RunFailed, code: "bus_unavailable"}, true
			}
			flush.Reset(200 * time.Millisecond)
		}
	}
	cancel() // the provider stops before anything else takes time
	for len(r.waiting) > 0 && !r.fenced && r.stillPatient() {
		if err := r.flush(context.WithoutCancel(ctx)); err != nil {
			time.Sleep(100 * time.Millisecond) // bounded by stillPatient
		}
	}
	return end
}

// stillPatient reports whether the bus may still come back for this run.
func (r *run) stillPatient() bool {
	if r.stuckSince.IsZero() {
		r.stuckSince = time.Now()
	}
	return time.Since(r.stuckSince) < patience
}

// chunk is what the pump hands over: a piece of the answer or the error that ended it.
type chunk struct {
	llm.Chunk
	err error
}

// pump reads the provider until it ends or the run does.
func (r *run) pump(ctx context.Context, out chan<- chunk) {
	defer close(out)
	for c, err := range r.hub.llm.Stream(ctx, r.targets, r.request) {
		select {
		case out <- chunk{c, err}:
		case <-ctx.Done():
			return
		}
	}
}

// take adds a chunk to what waits and says whether the answer has ended.
func (r *run) take(c chunk, more bool) (outcome, bool) {
	if !more { // the provider broke its contract: it ended without a finish and without an error
		return outcome{state: store.RunFailed, code: "llm_truncated"}, true
	}
	if c.err != nil {
		var e *llm.Error
		if errors.As(c.err, &e) {
			r.hub.log.Warn("model failed", "tenant", r.tenant.ID().String(), "conversation", r.conv, "run", r.id, "model", r.model, "code", e.Code, "error", e)
			return outcome{state: store.RunFailed, code: e.Code}, true
		}
		r.hub.log.Error("model failed", "tenant", r.tenant.ID().String(), "conversation", r.conv, "run", r.id, "error", c.err)
		return outcome{state: store.RunFailed, code: "internal"}, true
	}
	if c.Target < len(r.targets) {
		r.target = r.targets[c.Target]
	}
	if c.Model != "" {
		r.model = c.Model
	}
	if c.Usage != nil {
		r.usage = c.Usage
	}
	if c.Text != "" {
		if r.firstToken == 0 {
			r.firstToken = time.Since(r.started)
		}
		r.waiting = append(r.waiting, c.Text...)
	}
	if c.Finish == "" {
		return outcome{}, false
	}
	if len(r.text)+len(r.waiting) == 0 {
		code := "llm_empty"
		if c.Finish == "content_filter" {
			code = "llm_filtered"
		}
		return outcome{state: store.RunFailed, code: code, finish: c.Finish}, true
	}
	return outcome{state: store.RunComplete, finish: c.Finish}, true
}

// flush appends what waits as deltas. ErrStale is resolved here: what came in between either ends this run (fenced) or
// does not concern it.
func (r *run) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for len(r.waiting) > 0 {
		n := cutRunes(r.waiting, maxMerged)
		off := int64(len(r.text))
		_, err := r.log.append(ctx, Event{K: kindDelta, Run: r.id, Off: &off, Text: string(r.waiting[:n])})
		if errors.Is(err, ErrStale) {
			if err := r.resolve(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		r.text = append(r.text, r.waiting[:n]...)
		r.waiting = r.waiting[n:]
		r.flushed, r.stuckSince = time.Now(), time.Time{}
	}
	r.waiting = nil
	return nil
}

// resolve reads what others appended. When the log was lost it begins a new one that holds the whole answer so far.
func (r *run) resolve(ctx context.Context) error {
	events, lost, err := r.log.catchUp(ctx)
	if err != nil {
		return err
	}
	for _, f := range events {
		if f.K == kindRunEnd && f.Run == r.id {
			r.fenced = true
			return ErrStale
		}
	}
	if !lost {
		return nil
	}
	if _, err := r.log.append(ctx, r.startEvent()); err != nil {
		return err
	}
	for at := 0; at < len(r.text); {
		n := cutRunes(r.text[at:], maxMerged)
		off := int64(at)
		if _, err := r.log.append(ctx, Event{K: kindDelta, Run: r.id, Off: &off, Text: string(r.text[at : at+n])}); err != nil {
			return err
		}
		at += n
	}
	return nil
}

// cutRunes is the length of the longest prefix of b of at most limit bytes that ends between code points.
func cutRunes(b []byte, limit int) int {
	if len(b) <= limit {
		return len(b)
	}
	for limit > 0 && !utf8.RuneStart(b[limit]) {
		limit--
	}
	return limit
}

// checkpoint stores the text so far and renews the lease; false when the run is no longer ours.
func (r *run) checkpoint(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err := r.tenant.Checkpoint(ctx, r.msg, r.fence, store.Progress{Text: string(r.text), Model: r.model, Provider: r.target.Provider,
		KeyFrom: r.target.KeyFrom, LeaseUntil: time.Now().Add(leaseFor), FirstTokenMS: r.firstToken.Milliseconds()})
	if errors.Is(err, store.ErrConflict) {
		r.fenced = true
		return false
	}
	if err != nil {
		r.hub.log.Warn("checkpoint failed", "tenant", r.tenant.ID().String(), "run", r.id, "error", err)
	}
	return true
}

// extend reserves a further slice when the answer nears the end of what is reserved; a refusal ends the run with what
// it has.
func (r *run) extend(ctx context.Context) *outcome {
	used := r.promptTokens + int64(len(r.text)+len(r.waiting))/bytesPerToken
	if used+sliceTokens/4 < r.reservation.Tokens {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := r.tenant.Extend(ctx, r.who.User, &r.reservation, sliceTokens, r.plan)
	var quota *store.QuotaError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &quota):
		return &outcome{state: store.RunStopped, code: "quota_exceeded"}
	case used < r.reservation.Tokens:
		return nil // the store is away, but there is still something reserved
	}
	return &outcome{state: store.RunStopped, code: "quota_unavailable"}
}

// finish stores the answer, settles the quota, gives the conversation free and tells everyone, in that order.
func (r *run) finish(ctx context.Context, end outcome) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	log := r.hub.log.With("tenant", r.tenant.ID().String(), "conversation", r.conv, "run", r.id)
	sum := sha256.Sum256(r.text)
	final := store.Final{Text: string(r.text), State: end.state, Code: end.code, Finish: end.finish, Model: r.model, Provider: r.target.Provider,
		KeyFrom: r.target.KeyFrom, SHA: hex.EncodeToString(sum[:]), Len: int64(len(r.text)), Usage: r.cost(),
		FirstTokenMS: r.firstToken.Milliseconds(), TotalMS: time.Since(r.started).Milliseconds()}
	err := insist(ctx, func(ctx context.Context) error { return r.tenant.FinishRun(ctx, r.msg, r.fence, final) })
	if errors.Is(err, store.ErrConflict) {
		log.Warn("run was ended by another instance")
		return
	}
	if err != nil {
		log.Error("answer not stored; left to the reaper", "error", err)
		return
	}
	s := settled{who: r.who.User, tenant: r.tenant, conv: r.conv, msg: r.msg, run: r.id, final: final, plan: &r.plan}
	s.account(ctx, log)
	err = insist(ctx, func(ctx context.Context) error { _, err := r.log.appendAlways(ctx, s.endEvent(ctx)); return err })
	if err != nil {
		log.Error("end of the run not told", "error", err)
	}
}

// cost is what the run used: the provider's count, else an estimate that is marked so.
func (r *run) cost() store.Usage {
	switch {
	case r.usage != nil:
		return store.Usage{In: r.usage.In, Out: r.usage.Out}
	case len(r.text) == 0:
		return store.Usage{}
	}
	return store.Usage{In: r.promptTokens, Out: llm.CountTokens(string(r.text)), Estimated: true}
}

// settled is a run whose answer is stored and whose end remains to be accounted for and told.
type settled struct {
	tenant              *store.Tenant
	who, conv, msg, run string
	final               store.Final
	plan                *store.Plan // nil: the quota is not told
}

// account settles the quota and gives the conversation free. Each step is harmless when repeated; what fails here is
// repeated by the reaper.
func (s settled) account(ctx context.Context, log *slog.Logger) {
	tokens := s.final.Usage.In + s.final.Usage.Out
	refund := s.final.Len == 0 && s.final.State != store.RunComplete
	if refund {
		tokens = 0
	}
	err := insist(ctx, func(ctx context.Context) error {
		if err := s.tenant.Settle(ctx, s.who, s.run, tokens, refund); err != nil {
			return err
		}
		return s.tenant.MarkSettled(ctx, s.msg)
	})
	if err != nil {
		log.Error("quota not settled; left to the reaper", "error", err)
	}
	if err := insist(ctx, func(ctx context.Context) error { return s.tenant.ReleaseConversation(ctx, s.conv, s.run) }); err != nil {
		log.Error("conversation not released; its claim will expire", "error", err)
	}
}

// endEvent is the run's last event, with the person's quota where the plan is known and the store answers.
func (s settled) endEvent(ctx context.Context) Event {
	u := s.final.Usage
	e := Event{K: kindRunEnd, Run: s.run, Msg: s.msg, State: s.final.State, Code: s.final.Code, Finish: s.final.Finish, Model: s.final.Model,
		Len: &s.final.Len, SHA: s.final.SHA, Usage: &UsageView{In: u.In, Out: u.Out, Estimated: u.Estimated}, At: nowStamp()}
	if s.plan != nil {
		if uses, err := s.tenant.QuotaOf(ctx, s.who, *s.plan); err == nil {
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
