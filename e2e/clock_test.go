package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"aihub/e2e/rig"
	"aihub/e2e/upstream"
)

// Three instances whose clocks are three minutes apart are one system: tokens of one are good at the others, nobody ends
// an answer of another as lost or gives back what it has just reserved, from the very first message on, and the answer
// of an instance that is lost ends as soon as with right clocks.
func TestInstancesWithWrongClocksAreOneSystem(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 3, Skew: []time.Duration{-90 * time.Second, 90 * time.Second, 0},
		Limits: []rig.PlanLimit{{Window: "mes", Messages: 1000, Tokens: 1_000_000}}})
	ctx := w.Context(10 * time.Minute)
	var devices []*rig.Device
	for i, email := range w.DB.AddPeople(t, "alfa", "usuario", 3) {
		// Logged in at another instance: the token was made by another clock.
		api := &rig.API{Base: func() string { return w.Base((i + 1) % 3) }, Tenant: "alfa", Email: email}
		devices = append(devices, w.DeviceAt(fmt.Sprintf("phone %d", i), api, i))
	}
	for round := range full(1, 20) {
		var sent []rig.Frame
		for i, d := range devices { // longer than a lease
			sent = append(sent, ask(t, ctx, d, "", fmt.Sprintf("Olá [[label=clock-%d-%d tokens=400 every=20ms]]", round, i)))
		}
		for i, d := range devices {
			a := end(t, ctx, d, sent[i].Conv, sent[i].Run)
			if a.State != "complete" || string(a.Text) != upstream.Text(fmt.Sprintf("clock-%d-%d", round, i), 400, 0) {
				t.Errorf("at instance %d the answer is %s %s with %d bytes", i, a.State, a.Code, len(a.Text))
			}
		}
	}
	for i := range 2 { // the one that is behind and the one that is ahead
		api := &rig.API{Base: func() string { return w.Base(2) }, Tenant: "alfa", Email: "usuario@alfa.example"}
		author, watcher := w.DeviceAt(fmt.Sprintf("author %d", i), api, i), w.DeviceAt(fmt.Sprintf("watcher %d", i), api, 2)
		sent := ask(t, ctx, author, "", fmt.Sprintf("Olá [[label=clock-lost-%d tokens=endless every=20ms]]", i))
		watcher.Follow(sent.Conv)
		if _, err := watcher.Shown(ctx, sent.Conv, sent.Run, 200); err != nil {
			t.Fatal(err)
		}
		w.Instances[i].Kill()
		soon, cancel := context.WithTimeout(ctx, 15*time.Second)
		if a, err := watcher.End(soon, sent.Conv, sent.Run); err != nil || a.State != "interrupted" || a.Code != "instance_lost" {
			t.Errorf("the answer of the lost instance %d is %s %s: %v", i, a.State, a.Code, err)
		}
		cancel()
		w.Run(i)
		devices = append(devices, author, watcher)
	}
	w.Rest(15 * time.Second)
	w.Check(devices...)
}
