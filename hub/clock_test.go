package hub_test

import (
	"context"
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
