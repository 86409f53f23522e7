package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aihub/e2e/rig"
	"aihub/e2e/upstream"
)

// The database goes away at each single step of a message, from its admission to its settlement: before the step, and
// after it with the answer lost. Whatever the step, the person's message is one message with one answer and one charge.
func TestTheDatabaseMayGoAwayAtEachStepOfAMessage(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 4})
	ctx := w.Context(time.Hour)
	const talk = "Olá [[label=%s tokens=100 every=30ms]]" // longer than a checkpoint takes to be due
	say := func(d *rig.Device, label string) (rig.Answer, error) {
		sent, err := d.Send(ctx, "", rig.NewCID(), fmt.Sprintf(talk, label))
		if err != nil {
			return rig.Answer{}, err
		}
		return d.End(ctx, sent.Conv, sent.Run)
	}
	people := w.DB.AddPeople(t, "alfa", "usuario", 300)
	device := func(person, instance int) (*rig.Device, error) {
		api := &rig.API{Base: func() string { return w.Base(instance) }, Tenant: "alfa", Email: people[person]}
		d := w.DeviceAt(people[person], api, instance)
		return d, d.Connected(ctx)
	}
	line := w.DataLines[0]
	first, err := device(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	line.Arm(0, false, 0)
	if _, err := say(first, "undisturbed"); err != nil {
		t.Fatal(err)
	}
	w.Rest(15 * time.Second)
	steps, _ := line.Disarm()
	t.Logf("a message is %d steps: %s", len(steps), strings.Join(steps, ", "))
	if !slices.ContainsFunc(steps, func(s string) bool { return strings.HasSuffix(s, " interacoes") }) || len(steps) < 8 {
		t.Fatal("the steps of a message are not seen")
	}

	type broken struct {
		n    int
		lose bool
		away time.Duration
	}
	var cases []broken
	for _, lose := range []bool{false, true} {
		for n := 1; n <= len(steps)+2; n += full(6, 1) {
			for _, away := range full([]time.Duration{500 * time.Millisecond}, []time.Duration{500 * time.Millisecond, 8 * time.Second}) {
				cases = append(cases, broken{n, lose, away})
			}
		}
	}
	var mu sync.Mutex
	devices, states, places := []*rig.Device{first}, map[string]int{}, map[string]int{}
	var lanes sync.WaitGroup
	for lane := range w.Instances { // an instance for each, with a line of its own
		lanes.Go(func() {
			line := w.DataLines[lane]
			for i := lane; i < len(cases); i += len(w.Instances) {
				c := cases[i]
				label := fmt.Sprintf("step-%d-%t-%v", c.n, c.lose, c.away)
				d, err := device(i+1, lane)
				if err != nil {
					t.Error(err)
					return
				}
				line.Arm(c.n, c.lose, c.away)
				a, err := say(d, label)
				seen, broke := line.Disarm()
				mu.Lock()
				if devices = append(devices, d); broke {
					places[seen[len(seen)-1]]++
				}
				states[strings.TrimSpace(a.State+" "+a.Code)]++
				mu.Unlock()
				switch {
				case err != nil:
					t.Errorf("%s (%v): %v", label, seen, err)
				case c.away < time.Second && (a.State != "complete" || string(a.Text) != upstream.Text(label, 100, 0)):
					t.Errorf("%s (%v): the answer is %s %s with %d bytes", label, seen, a.State, a.Code, len(a.Text))
				}
			}
		})
	}
	lanes.Wait()
	w.Rest(15 * time.Second)
	w.Check(devices...)
	t.Logf("%d messages ended %v; the line broke at %v", len(devices), states, places)
}
