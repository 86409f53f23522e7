package hub_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"aihub/hub"
)

// ahead is the bus as an instance sees it whose own clock is 90 s behind.
type ahead struct{ hub.Bus }

func (a ahead) Now(ctx context.Context) (time.Time, error) {
	now, err := a.Bus.Now(ctx)
	return now.Add(90 * time.Second), err
}

// The very first answer of an instance has its lease by the shared clock: by its own, others would take it for lost.
func TestTheFirstLeaseGoesByTheSharedClock(t *testing.T) {
	w := newWorld(t, unlimited)
	c := connect(t, w.hubOn(ahead{w.bus()}), "alfa/usuario")
	begun := time.Now()
	ok := c.ask("", "um", "n=40 gap=8ms")
	m, err := w.tenant("alfa").RunByID(t.Context(), ok.Run)
	must(t, err)
	if m.Run.LeaseUntil.Before(begun.Add(90 * time.Second)) {
		t.Errorf("the lease ends %v after the beginning", m.Run.LeaseUntil.Sub(begun))
	}
	c.ended(ok.Run)
}

// jumping is a bus whose clock jumps, as when another node comes to lead the log.
type jumping struct {
	hub.Bus
	by *atomic.Int64 // nanoseconds
}

func (j jumping) Now(ctx context.Context) (time.Time, error) {
	now, err := j.Bus.Now(ctx)
	return now.Add(time.Duration(j.by.Load())), err
}

// The shared clock jumps ahead while an instance answers: what it leased by the old time is not taken for lost.
func TestAJumpOfTheSharedClockEndsNoLiveAnswer(t *testing.T) {
	w := newWorld(t, unlimited)
	var by atomic.Int64
	c := connect(t, w.hubOn(jumping{w.bus(), &by}), "alfa/usuario")
	w.hubOver(w.open(), jumping{w.bus(), &by}) // another one, that would end it
	first := c.ask("", "um", "n=600 gap=10ms")
	c.await("a piece", func(f in) bool { return f.T == "ev" && f.K == "delta" })
	by.Store(int64(10 * time.Minute))
	if f := c.ended(first.Run); f.State != "complete" {
		t.Errorf("the answer is %s %s", f.State, f.Code)
	}
	second := c.ask(first.Conv, "dois", "n=3")
	c.ended(second.Run)
	if first.Msg >= second.Msg {
		t.Error("ids are out of order")
	}
}
