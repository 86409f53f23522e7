package hub

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// logWriter appends events to one conversation's log. It knows the end of the log as of its last look; it is used by
// one goroutine at a time.
type logWriter struct {
	bus   Bus
	topic Topic
	rev   uint64
	ep    string
	seq   int64

	// What the writer has passed on its way to the end, whoever asked it to go there.
	taken int64      // the highest epoch of a person who took the conversation over; 0: none
	owner *OwnerView // the last one that the log told of; nil: none
	lost  bool       // the log was another one before
}

// openLog looks up the end of a conversation's log. An empty log (new, or expired) starts a new ep at seq 1.
func openLog(ctx context.Context, bus Bus, t Topic) (*logWriter, error) {
	w := &logWriter{bus: bus, topic: t}
	last, err := bus.Last(ctx, t)
	if err != nil {
		return nil, err
	}
	return w, w.moveTo(last)
}

// moveTo makes last the end of the log as the writer knows it.
func (w *logWriter) moveTo(last Entry) error {
	if last.Rev == 0 {
		w.rev, w.seq, w.ep = 0, 0, newEp()
		return nil
	}
	f, err := parseFrame(last.Data)
	if err != nil {
		return err
	}
	w.rev, w.ep, w.seq = last.Rev, f.Ep, f.Seq
	return nil
}

// append adds e as the next event and returns it with its place filled in. ErrStale: something else came first; call
// catchUp, decide again, retry. When the answer of the bus is lost, the log itself is asked whether e is in it.
func (w *logWriter) append(ctx context.Context, e Event) (Event, error) {
	e.T, e.Conv, e.Ep, e.Seq = frameEvent, w.topic.Conv, w.ep, w.seq+1
	if conv, staff := strings.CutSuffix(e.Conv, staffSuffix); staff {
		e.T, e.Conv = frameStaff, conv
	}
	if e.grows() {
		e.From = e.Seq
	}
	data := encodeEvent(e)
	rev, err := w.bus.Append(ctx, w.topic, w.rev, data)
	if err != nil {
		last, lastErr := w.bus.Last(ctx, w.topic)
		if lastErr != nil || last.Rev == 0 || !bytes.Equal(last.Data, data) {
			return e, err
		}
		rev = last.Rev
	}
	w.rev, w.seq = rev, e.Seq
	return e, nil
}

// catchUp returns what was appended by others since the writer's last look and moves to the end. lost says that the
// log the writer knew is gone, and that the next append starts a new one.
func (w *logWriter) catchUp(ctx context.Context) (events []*frame, lost bool, err error) {
	last, err := w.bus.Last(ctx, w.topic)
	if err != nil {
		return nil, false, err
	}
	ep := w.ep
	if last.Rev == 0 {
		w.lost = true
		return nil, true, w.moveTo(last)
	}
	entries, err := w.bus.Read(ctx, w.topic, w.rev)
	if err != nil {
		return nil, false, err
	}
	for _, entry := range entries {
		f, err := parseFrame(entry.Data)
		if err != nil {
			return nil, false, err
		}
		if takenBy(f) {
			w.taken = max(w.taken, f.Owner.Epoch)
		}
		if f.K == kindOwner && f.Owner != nil {
			w.owner = f.Owner
		}
		events = append(events, f)
		last = entry
	}
	if err := w.moveTo(last); err != nil {
		return nil, false, err
	}
	w.lost = w.lost || w.ep != ep
	return events, w.ep != ep, nil
}

// appendAlways appends e whatever came in between, for events that no other event can make wrong.
func (w *logWriter) appendAlways(ctx context.Context, e Event) (Event, error) {
	for {
		done, err := w.append(ctx, e)
		if !errors.Is(err, ErrStale) {
			return done, err
		}
		if _, _, err := w.catchUp(ctx); err != nil {
			return e, err
		}
	}
}

// appendOnce appends the end of a run unless the log has it: whoever ends a run, on whatever instance, tells it once.
func (w *logWriter) appendOnce(ctx context.Context, e Event) error {
	for {
		_, err := w.append(ctx, e)
		if !errors.Is(err, ErrStale) {
			return err
		}
		events, _, err := w.catchUp(ctx)
		if err != nil {
			return err
		}
		for _, f := range events {
			if f.K == e.K && f.Run == e.Run {
				return nil
			}
		}
	}
}

// newEp names a new log.
func newEp() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return "e" + hex.EncodeToString(b[:])
}

// busError is what a person is told when the bus fails.
func busError(err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("bus: %w", err)
	}
	e := E("bus_unavailable")
	e.RetryIn = time.Second
	return e
}
