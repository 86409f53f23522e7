package hub

import (
	"context"
	"errors"
	"sync"
	"time"

	"aihub/llm"
	"aihub/store"
)

// halt asks a run to end, and how.
type halt struct{ state, code string }

// A run is one answer of a model, from the start in the log to the settled quota. One goroutine owns it; halt may be
// called from any.
type run struct {
	hub          *Hub
	tenant       *store.Tenant
	user         string // who pays
	conv         string
	question     string // the message it answers, or the answer it continues
	msg          string // the answer
	id           string
	log          *logWriter
	fence        int64
	epoch        int64  // of the conversation's owner when the run began
	from         string // the message up to which the model is told nothing; "": everything
	plan         store.Plan
	reservation  store.Reservation
	targets      []llm.Target
	config       store.LLMConfig // of the first target
	key          store.WidgetKey // of a visitor
	request      llm.Request
	passages     []store.Source  // of the tenant's knowledge, as they are in the request
	opening      string          // the message that began the conversation, when this run answers it
	whispers     []store.Whisper // that the request is the first to hold
	promptTokens int64
	started      time.Time
	startedAt    time.Time // the same, by the time that all instances share
	halted       chan halt // one slot: the first request counts

	// The run goroutine's own.
	begun      bool // run.start is in the present log
	answer     strand
	thoughts   strand    // the model's reasoning, where the configuration shows it
	tokens     llm.Tally // of the answer
	model      string
	target     llm.Target
	firstToken time.Duration
	stuckSince time.Time // since when the bus has refused; zero: it has not
	usage      *llm.Usage
	fenced     bool // somebody else has ended the run
	taken      bool // a person has taken the conversation over: nothing more may be shown
	unmask     *unmask
	asides     asides
}

// halt asks the run to end. It never blocks; only the first request counts.
func (r *run) halt(why halt) {
	select {
	case r.halted <- why:
	default:
	}
}

// outcome is how a run ends.
type outcome struct{ state, code, finish string }

var outcomeTaken = outcome{state: store.RunTakenOver}

// serve streams the answer and ends the run. The context ends only when the hub must stop at once.
func (r *run) serve(ctx context.Context) {
	defer r.asides.wait()
	unserve, err := r.hub.bus.Serve(r.tenant.ID(), r.id, func(question []byte) []byte {
		r.halt(haltOf(string(question)))
		return []byte("ok")
	})
	if err != nil {
		r.hub.log.Warn("run can't be stopped from other instances", "run", r.id, "error", err)
	} else {
		defer unserve()
	}
	r.hub.metrics.runStarted(r)
	served := time.Now()
	end := r.stream(ctx)
	if r.fenced {
		r.hub.log.Warn("run was ended by another instance", "tenant", r.tenant.ID().String(), "conversation", r.conv, "run", r.id)
		r.hub.metrics.runEnded(r, outcome{state: store.RunInterrupted, code: "instance_lost"})
		return
	}
	r.finish(context.WithoutCancel(ctx), end)
	r.hub.metrics.runEnded(r, end)
	r.trace(end, served)
	if end.state == store.RunComplete {
		r.hub.workers.Go(func() { r.retitle(r.hub.ctx) })
	}
}

// What another instance may ask of a run.
const (
	haltStop  = "stop"
	haltTaken = "taken"
)

func haltOf(how string) halt {
	if how == haltTaken {
		return halt{state: store.RunTakenOver}
	}
	return halt{state: store.RunStopped}
}

// stream relays the provider's chunks to the log until the answer ends, one way or another. The first piece is appended at once.
// After each append the run lets chunks gather for a while instead of waking for every one of them.
func (r *run) stream(ctx context.Context) outcome {
	pumpCtx, cancel := context.WithCancel(ctx)
	chunks := make(chan chunk, chunksGathered) // full: the pump waits, and with it the provider
	var pump sync.WaitGroup
	pump.Go(func() { r.pump(pumpCtx, chunks) })
	defer pump.Wait()
	defer cancel()

	checkpoint := time.NewTicker(checkpointEvery)
	defer checkpoint.Stop()
	again := time.NewTimer(time.Hour)
	again.Stop()
	defer again.Stop()
	gathering := false // until again fires
	wait := func(d time.Duration) {
		again.Reset(d)
		gathering = true
	}
	var end outcome
	for ended := false; !ended; {
		from := chunks
		if gathering || !r.mayGoOn() { // nothing is spent that is not reserved
			from = nil
		}
		select {
		case c, more := <-from:
			end, ended = r.take(c, more)
		case <-again.C:
			gathering = false
			end, ended = r.takeGathered(chunks)
		case <-checkpoint.C:
			r.save(ctx)
		case err := <-r.asides.saved:
			if r.saved(err) {
				return outcome{}
			}
		case e := <-r.asides.extended:
			end, ended = r.extended(e)
		case why := <-r.halted:
			r.takeGathered(chunks)
			end, ended = outcome{state: why.state, code: why.code}, true
		case <-ctx.Done():
			r.takeGathered(chunks)
			end, ended = outcome{state: store.RunInterrupted, code: "draining"}, true
		}
		r.extend(ctx)
		if !r.mayGoOn() && !r.asides.extending && !gathering {
			wait(extendAgain) // to ask again
		}
		if !r.lags() || gathering && !ended {
			continue
		}
		err := r.flush(context.WithoutCancel(ctx))
		switch {
		case err == nil:
			wait(r.hub.runs.flushEvery())
		case r.fenced:
			return outcome{}
		case r.taken:
			end, ended = outcomeTaken, true
		case !r.stillPatient():
			end, ended = outcome{state: store.RunFailed, code: "bus_unavailable"}, true
		default:
			wait(200 * time.Millisecond)
		}
	}
	cancel() // the provider stops before anything else takes time
	return end
}

// takeGathered takes the chunks that have come meanwhile.
func (r *run) takeGathered(chunks <-chan chunk) (end outcome, ended bool) {
	for !ended && r.mayGoOn() {
		select {
		case c, more := <-chunks:
			end, ended = r.take(c, more)
		default:
			return end, false
		}
	}
	return end, ended
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
	c.Text, c.Reasoning = r.unmask.add(c.Text, c.Reasoning, c.Finish != "")
	if r.target.ShowReasoning {
		r.thoughts.addWithin(reasoningBytes, c.Reasoning)
	}
	if c.Text != "" {
		if r.firstToken == 0 {
			r.firstToken = time.Since(r.started)
			r.hub.metrics.firstToken(r)
		}
		r.answer.waiting = append(r.answer.waiting, c.Text...)
		r.tokens.Add(c.Text)
	}
	if c.Finish == "" {
		return outcome{}, false
	}
	if r.answer.size() == 0 {
		code := "llm_empty"
		if c.Finish == "content_filter" {
			code = "llm_filtered"
		}
		return outcome{state: store.RunFailed, code: code, finish: c.Finish}, true
	}
	return outcome{state: store.RunComplete, finish: c.Finish}, true
}

// lags reports whether something waits to be shown.
func (r *run) lags() bool { return len(r.answer.waiting)+len(r.thoughts.waiting) > 0 }

// flush appends what the present log lacks: the start, the strands so far where the log is a new one, then what waits.
// errEnded: the run must end, as fenced or taken say.
func (r *run) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		err := r.mayShow(ctx)
		if err != nil {
			return err
		}
		switch {
		case !r.begun:
			if _, err = r.log.append(ctx, r.startEvent()); err == nil {
				r.begun = true
			}
		case len(r.thoughts.piece()) > 0:
			err = r.extendLog(ctx, &r.thoughts)
		case len(r.answer.piece()) > 0:
			err = r.extendLog(ctx, &r.answer)
		default:
			return nil
		}
		if errors.Is(err, ErrStale) {
			err = r.resolve(ctx)
		} else if err == nil {
			r.stuckSince = time.Time{}
		}
		if err != nil {
			return err
		}
	}
}

func (r *run) startEvent() Event {
	return Event{K: kindRunStart, Run: r.id, Msg: r.msg, Parent: r.question, Model: r.model, At: stamp(r.startedAt)}
}

// extendLog appends the next piece of a strand at the end of what the log has of it.
func (r *run) extendLog(ctx context.Context, s *strand) error {
	piece, off := s.piece(), int64(s.logged)
	_, err := r.log.append(ctx, Event{K: s.kind, Run: r.id, Off: &off, Text: string(piece)})
	if err == nil {
		s.advance(len(piece))
	}
	return err
}

// errEnded says that the log tells a run to end.
var errEnded = errors.New("the run must end")

// resolve reads what others appended since the last look. Another end of this run ends it here.
func (r *run) resolve(ctx context.Context) error {
	events, _, err := r.log.catchUp(ctx)
	if err != nil {
		return err
	}
	for _, f := range events {
		if f.K == kindRunEnd && f.Run == r.id {
			r.fenced = true
			return errEnded
		}
	}
	return nil
}

// mayShow looks at what the log has told before anything is appended: a person who took the conversation over ends the
// run at this very place. When the log was lost, the store is asked for the owner instead, and a new log begins with the
// whole answer so far.
func (r *run) mayShow(ctx context.Context) error {
	if r.log.lost {
		conv, err := r.tenant.Conversation(ctx, r.conv)
		if err != nil {
			return err
		}
		if conv.Owner.Kind == store.OwnerHuman {
			r.log.taken = max(r.log.taken, conv.Owner.Epoch)
		}
		r.log.lost, r.begun, r.answer.logged, r.thoughts.logged = false, false, 0, 0
	}
	if r.log.taken > r.epoch {
		r.taken = true
		return errEnded
	}
	return nil
}

// takenBy reports whether an event gives the conversation to a person.
func takenBy(f *frame) bool {
	return f.K == kindOwner && f.Owner != nil && f.Owner.Kind == store.OwnerHuman
}
