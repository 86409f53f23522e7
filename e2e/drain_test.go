package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aihub/e2e/rig"
)

// An instance that stops sends everyone away with 4001, in whatever state their connection is: silent, authenticating while
// the database is away, answered, or only just there. Nobody is told that something went wrong inside it.
func TestAnInstanceThatStopsSendsEveryoneElsewhere(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 2, Env: map[string]string{"AIHUB_DRAIN": "2"}})
	ctx := w.Context(5 * time.Minute)
	people := w.DB.AddPeople(t, "alfa", "usuario", 12)
	for round := range full(2, 20) {
		stopping := w.Instances[0]
		watcher := w.DeviceAt(fmt.Sprintf("watcher %d", round), &rig.API{Base: func() string { return w.Base(1) }, Tenant: "alfa", Email: people[0]}, 1)
		author := &rig.API{Base: func() string { return w.Base(1) }, Tenant: "alfa", Email: people[0]}
		c, err := rig.LoginAt(ctx, author, stopping.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		sent, err := c.Do(ctx, rig.Cmd{"t": "send", "cid": rig.NewCID(), "text": fmt.Sprintf("Olá [[label=stopping-%d tokens=endless every=20ms]]", round)})
		if err != nil || sent.T != "ok" {
			t.Fatalf("%s %v", sent.Raw, err)
		}
		watcher.Follow(sent.Conv)
		if _, err := watcher.Shown(ctx, sent.Conv, sent.Run, 100); err != nil {
			t.Fatal(err)
		}

		ended := make(chan struct{})
		var mu sync.Mutex
		codes := map[int]int{}
		var knocking sync.WaitGroup
		stopping.Signal(syscall.SIGTERM)
		for lane, email := range people {
			api := &rig.API{Base: func() string { return w.Base(1) }, Tenant: "alfa", Email: email}
			token, err := api.Token(ctx)
			if err != nil {
				t.Fatal(err)
			}
			knocking.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-ended:
						return
					default:
					}
					c, err := rig.Dial(ctx, stopping.URL, nil)
					if err != nil { // it listens no more
						pause(ctx, 5*time.Millisecond)
						continue
					}
					begun := time.Now()
					if (lane+n)%3 > 0 {
						_ = c.Send(ctx, rig.Cmd{"t": "auth", "id": 1, "token": token})
					}
					code, err := c.CloseCode(ctx)
					if err != nil {
						t.Error(err)
					}
					if code == 4401 && time.Since(begun) > 4*time.Second { // nobody may be silent for five seconds
						code = 4001
					}
					mu.Lock()
					codes[code]++
					mu.Unlock()
				}
			})
		}
		w.DataLines[0].Down()
		time.Sleep(time.Second) // how long the database is away for it
		w.DataLines[0].Up()
		soon, cancel := context.WithTimeout(ctx, 30*time.Second)
		if code, err := stopping.Exit(soon); err != nil || code != 0 {
			t.Errorf("exit code %d: %v", code, err)
		}
		cancel()
		close(ended)
		knocking.Wait()
		t.Logf("connections ended with %v", codes)
		if codes[4001] < 12 || len(codes) > 1 {
			t.Errorf("connections ended with %v; only 4001 is expected", codes)
		}
		if text := stopping.Output(); strings.Contains(text, "did not stop") {
			t.Error("the instance did not stop in time")
		}
		if a, err := watcher.End(ctx, sent.Conv, sent.Run); err != nil || a.State != "interrupted" {
			t.Errorf("the answer is %s %s %v", a.State, a.Code, err)
		}
		c.Close()
		w.Run(0)
	}
	w.Rest(15 * time.Second)
}
