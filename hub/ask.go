package hub

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"

	"aihub/llm"
	"aihub/store"
)

// A Question is a message of a client that speaks no live protocol. It passes the same admission as a `send` and is
// answered by the same kind of run: stored, logged, charged and visible to supervisors.
type Question struct {
	Conv string // continues this conversation; "": begins one
	CID  string // the same one gets the same answer, as in the protocol
	Text string
	// Earlier is what the model is told before the question, instead of the stored history; the tenant's instructions
	// come first all the same.
	Earlier     []llm.Message
	Model       string // key in the catalogue; "": the tenant's default
	MaxTokens   int    // of the answer; 0: the model's own limit
	Temperature *float64
}

// An Answer is the run that answers a question. One goroutine reads it; Close must follow.
type Answer struct {
	Conv, Run string

	hub     *Hub
	who     Principal
	session *Session      // receives the run's events; it has no connection
	wake    chan struct{} // one slot: the session's queue has something to take
	shown   int64         // bytes of the text that Parts has yielded
	text    string        // of a run that had ended before, with end
	end     *RunView      // set once the run has ended
}

// A Part is a piece of an answer. The last one, and only that, has End.
type Part struct {
	Text  string
	Model string // that answers; where it is known
	End   *RunView
}

// Ask takes a question in and returns its answer to be. Errors are *Error; then nothing was charged.
func (h *Hub) Ask(ctx context.Context, who Principal, q Question) (*Answer, error) {
	c := command{T: "send", Conv: q.Conv, CID: q.CID, Text: &q.Text, Model: q.Model, question: &q}
	if err := checkSend(c); err != nil {
		return nil, err
	}
	done, err := h.accept(ctx, who, c)
	if err != nil {
		return nil, asError(err)
	}
	if done.run == "" {
		return nil, E("conv_human")
	}
	a := &Answer{Conv: done.conv.ID, Run: done.run, hub: h, who: who, session: newSession(h, unconnected{}), wake: make(chan struct{}, 1)}
	a.session.who, a.session.known = who, true
	a.session.out = newQueue(func() {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	})
	if done.start == nil {
		if err := a.recall(ctx); err != nil || a.end != nil {
			return a, err
		}
	}
	err = h.tail(ctx, a.session, done.conv, &Pos{Ep: done.place.Ep, Seq: done.place.Seq - 1})
	if done.start != nil {
		if err != nil {
			done.start.halt(halt{state: store.RunStopped}) // nobody would read it
		}
		h.runs.start(done.start)
	}
	if err != nil {
		a.Close()
		return nil, asError(err)
	}
	return a, nil
}

// recall takes the answer from the store if its run has ended.
func (a *Answer) recall(ctx context.Context) error {
	m, err := a.who.Tenant.RunByID(ctx, a.Run)
	if err != nil {
		return asError(storeError(err))
	}
	if terminal(m.Run.State) {
		a.text, a.end = m.Text, ViewMessage(m).Run
	}
	return nil
}

// Parts yields the answer as it is written. It ends after the part with End, or after an error: the context's, or an
// *Error when the answer can't be followed any more.
func (a *Answer) Parts(ctx context.Context) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		if a.end != nil {
			if a.text == "" || yield(Part{Text: a.text, Model: a.end.Model}, nil) {
				yield(Part{Model: a.end.Model, End: a.end}, nil)
			}
			return
		}
		var items []item
		for {
			var open bool
			if items, open = a.session.out.take(items); !open {
				yield(Part{}, E("slow_consumer"))
				return
			}
			if len(items) == 0 {
				select {
				case <-a.wake:
				case <-ctx.Done():
					yield(Part{}, ctx.Err())
					return
				case <-a.hub.ctx.Done():
					yield(Part{}, E("draining"))
					return
				}
			}
			for i := range items {
				for p, err := range a.read(&items[i]) {
					if !yield(p, err) || err != nil || p.End != nil {
						return
					}
				}
			}
		}
	}
}

// read yields what a frame adds to the answer.
func (a *Answer) read(it *item) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		if it.f == nil {
			a.readSnapshot(it.data, yield)
			return
		}
		e := it.event()
		if e.Run != a.Run {
			return
		}
		switch e.K {
		case kindRunStart:
			yield(Part{Model: e.Model}, nil)
		case kindDelta:
			p, err := a.add(*e.Off, e.Text)
			if err != nil || p.Text != "" {
				yield(p, err)
			}
		case kindRunEnd:
			a.end = &RunView{ID: e.Run, State: e.State, Code: e.Code, Finish: e.Finish, Model: e.Model, Len: *e.Len, SHA: e.SHA, Usage: *e.Usage}
			yield(Part{Model: e.Model, End: a.end}, nil)
		}
	}
}

// readSnapshot yields what a snapshot shows of the answer; it comes instead of events whose place in the log is gone.
func (a *Answer) readSnapshot(data []byte, yield func(Part, error) bool) {
	var snap snapFrame
	if err := json.Unmarshal(data, &snap); err != nil || snap.T != "snap" {
		return
	}
	text, model := "", ""
	if snap.Open != nil && snap.Open.Run == a.Run {
		text, model = snap.Open.Text, snap.Open.Model
	}
	for _, m := range snap.Messages {
		if m.Run != nil && m.Run.ID == a.Run && terminal(m.Run.State) {
			text, model, a.end = m.Text, m.Run.Model, m.Run
			if m.Cut {
				ctx, cancel := context.WithTimeout(a.hub.ctx, writeTimeout)
				defer cancel()
				if err := a.recall(ctx); err != nil {
					yield(Part{}, err)
					return
				}
				text = a.text
			}
		}
	}
	p, err := a.add(0, text)
	if err != nil || p.Text != "" {
		if p.Model = model; !yield(p, err) {
			return
		}
	}
	if a.end != nil {
		yield(Part{Model: model, End: a.end}, nil)
	}
}

// add is a delta without the bytes that were there before: a lost log begins anew with the whole text.
func (a *Answer) add(off int64, text string) (Part, error) {
	known := a.shown - off
	switch {
	case known < 0:
		return Part{}, E("bus_unavailable")
	case known >= int64(len(text)):
		return Part{}, nil
	}
	a.shown = off + int64(len(text))
	return Part{Text: text[known:]}, nil
}

// Close stops following the answer. A run that is still going is stopped: who asks this way can't come back for it.
func (a *Answer) Close() {
	if a.end == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(a.hub.ctx), patience)
		defer cancel()
		err := a.hub.stop(ctx, a.who, a.Run)
		var e *Error
		if err != nil && !(errors.As(err, &e) && e.Code == "instance_lost") {
			a.hub.log.Warn("answer without a reader not stopped", "tenant", a.who.Tenant.ID().String(), "run", a.Run, "error", err)
		}
	}
	a.session.end()
}

// request is what the model is told.
func (q *Question) request(instructions string) llm.Request {
	r := llm.Request{MaxTokens: q.MaxTokens}
	if instructions != "" {
		r.Messages = append(r.Messages, llm.Message{Role: "system", Text: instructions})
	}
	r.Messages = append(append(r.Messages, q.Earlier...), llm.Message{Role: "user", Text: q.Text})
	return r
}

// tune applies what the asker wants of the models.
func (q *Question) tune(targets []llm.Target) {
	if q.Temperature == nil {
		return
	}
	for i := range targets {
		targets[i].Temperature = q.Temperature
	}
}

// unconnected is the connection of a session that is read in this process.
type unconnected struct{}

func (unconnected) Read() ([]byte, error)                     { return nil, io.EOF }
func (unconnected) Write([]byte) error                        { return nil }
func (unconnected) Close(code int, reason string) (err error) { return nil }
