package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"aihub/e2e/rig"
	"aihub/e2e/upstream"
)

// Without -soak each of these tests runs for seconds; with it they run until their figures are full, and the storm for
// the given time.
var (
	soak  = flag.Duration("soak", 0, "how long the storm lasts; sets the other long tests to their full figures too")
	seed  = flag.Uint64("seed", 0, "repeats a run; 0 takes a new one")
	fault = flag.String("fault", "", "part of the names of the storm's faults; empty: all")
)

// full is the short or the full figure.
func full[T any](short, long T) T {
	if *soak > 0 {
		return long
	}
	return short
}

func newSeed(t *testing.T) uint64 {
	s := *seed
	if s == 0 {
		s = rand.Uint64() >> 16
	}
	t.Logf("repeat with -seed %d", s)
	return s
}

func TestCutsDuringStreamsLoseNothing(t *testing.T) {
	s := newSeed(t)
	w := rig.New(t, rig.Setup{Instances: 3})
	crowd := rig.NewCrowd(w, s, rig.Talk{People: 8, Tokens: [2]int{50, 300}, Every: [2]time.Duration{2 * time.Millisecond, 10 * time.Millisecond}})
	stop, want := w.Cutter(s, 60*time.Millisecond), full(200, 10_000)
	begun, cuts := time.Now(), 0
	for cuts < want && time.Since(begun) < 2*time.Hour && !t.Failed() {
		time.Sleep(2 * time.Second)
		cuts += stop()
		stop = w.Cutter(s+uint64(cuts), 60*time.Millisecond)
	}
	cuts += stop()
	crowd.Quiet()
	t.Logf("%d connections cut in %v", cuts, time.Since(begun).Round(time.Second))
}

func TestAKilledInstancesAnswersEndSoonWithWhatWasShown(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 3})
	ctx := w.Context(3 * time.Hour)
	const live = 20
	people := w.DB.AddPeople(t, "alfa", "usuario", live)
	var authors, watchers []*rig.Device
	for i, email := range people {
		api := &rig.API{Base: func() string { return w.Base(1) }, Tenant: "alfa", Email: email}
		// The authors use the instance that will die; it answers them. The watchers are elsewhere.
		authors = append(authors, w.DeviceAt(fmt.Sprintf("author %d", i), api, 0))
		watchers = append(watchers, w.DeviceAt(fmt.Sprintf("watcher %d", i), api, 1+i%2))
	}
	var ends []time.Duration
	var settled time.Duration
	for kill := range full(2, 50) {
		sent := make([]rig.Frame, live)
		var asking sync.WaitGroup
		for i := range live {
			asking.Go(func() {
				f, err := authors[i].Send(ctx, "", rig.NewCID(), fmt.Sprintf("Olá [[label=kill-%d-%d tokens=endless every=20ms]]", kill, i))
				if err != nil {
					t.Error(err)
					return
				}
				sent[i] = f
				watchers[i].Follow(f.Conv)
				if _, err := watchers[i].Shown(ctx, f.Conv, f.Run, 200); err != nil {
					t.Error(err)
				}
			})
		}
		asking.Wait()
		if t.Failed() {
			return
		}
		begun := time.Now()
		w.Instances[0].Kill()
		for i := range live {
			a, err := watchers[i].End(ctx, sent[i].Conv, sent[i].Run)
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, time.Since(begun))
			if a.State != "interrupted" || a.Code != "instance_lost" {
				t.Errorf("an answer of the killed instance is %s %s", a.State, a.Code)
			}
		}
		settled = max(settled, time.Since(begun)+w.Rest(15*time.Second))
		w.Run(0)
		for i := range live { // the person can go on
			next, err := authors[i].Send(ctx, sent[i].Conv, rig.NewCID(), fmt.Sprintf("Continue [[label=on-%d-%d tokens=2]]", kill, i))
			if err != nil {
				t.Fatal(err)
			}
			end(t, ctx, authors[i], next.Conv, next.Run)
		}
	}
	if worst := rig.Quantile(ends, 1); worst > 10*time.Second || settled > 15*time.Second {
		t.Errorf("the last answer ended after %v, all was settled after %v", worst, settled)
	}
	w.Rest(15 * time.Second)
	w.Check(append(authors, watchers...)...)
	t.Logf("%d answers of killed instances ended after p50 %v, at most %v; all settled after at most %v", len(ends), rig.Quantile(ends, 0.5), rig.Quantile(ends, 1), settled.Round(time.Millisecond))
}

func TestARollingRestartLosesNoMessage(t *testing.T) {
	s := newSeed(t)
	w := rig.New(t, rig.Setup{Instances: 3, Env: map[string]string{"AIHUB_DRAIN": "3"}})
	crowd := rig.NewCrowd(w, s, rig.Talk{People: 8, Tokens: [2]int{20, 100}, Every: [2]time.Duration{2 * time.Millisecond, 10 * time.Millisecond}, Stop: 0.05})
	for n := range full(3, 20) {
		time.Sleep(time.Second)
		w.Instances[n%3].Stop(t)
		w.Run(n % 3)
	}
	crowd.Quiet()
	if p99 := rig.Quantile(crowd.Recoveries(), 0.99); p99 > 2*time.Second {
		t.Errorf("the p99 of the time to a new connection is %v", p99)
	}
	for _, d := range crowd.Devices { // an instance that stops sends its clients away; nothing goes wrong inside it
		for _, why := range d.Stats().Internal {
			t.Errorf("%s: %s", d.Name, why)
		}
	}
}

func TestCopiesOfAMessageAreOneMessage(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 3})
	ctx := w.Context(2 * time.Hour)
	const people, copies = 8, 10
	messages := full(24, 2000) / people
	emails := w.DB.AddPeople(t, "alfa", "usuario", people)
	var all []*rig.Device
	var talking sync.WaitGroup
	for p, email := range emails {
		api := &rig.API{Base: func() string { return w.Base(p % 3) }, Tenant: "alfa", Email: email}
		var devices []*rig.Device
		for i := range copies {
			devices = append(devices, w.DeviceAt(fmt.Sprintf("person %d, device %d", p, i), api, i%3))
		}
		all = append(all, devices...)
		talking.Go(func() {
			for n := range messages {
				cid, text := rig.NewCID(), fmt.Sprintf("Olá [[label=copy-%d-%d tokens=3 every=1ms]]", p, n)
				answers := make([]rig.Frame, copies)
				var sending sync.WaitGroup
				for i, d := range devices {
					sending.Go(func() {
						f, err := d.Send(ctx, "", cid, text)
						if err != nil {
							t.Error(err)
						}
						answers[i] = f
					})
				}
				sending.Wait()
				firsts := 0
				for _, f := range answers {
					if f.Conv != answers[0].Conv || f.Msg != answers[0].Msg || f.Run != answers[0].Run || f.Seq != answers[0].Seq {
						t.Errorf("copies were answered by %s and %s", answers[0].Raw, f.Raw)
					}
					if !f.Dup {
						firsts++
					}
				}
				if firsts > 1 {
					t.Errorf("%d of the copies were not called duplicates", firsts)
				}
				end(t, ctx, devices[0], answers[0].Conv, answers[0].Run)
				// The same name for another text is refused.
				var refused *rig.RefusedError
				if _, err := devices[1].Send(ctx, answers[0].Conv, cid, "outro texto"); !errors.As(err, &refused) || refused.Code != "idem_mismatch" {
					t.Errorf("another text under the same cid: %v", err)
				}
			}
		})
	}
	talking.Wait()
	w.Rest(15 * time.Second)
	w.Check(all...)
	if got, want := len(w.Up.Calls()), people*messages; got != want {
		t.Errorf("the model was asked %d times for %d messages", got, want)
	}
	t.Logf("%d messages × %d copies over 3 instances", people*messages, copies)
}

// faultyScripts are answers that fail in ways which every one of a storm's checks must still hold for.
var faultyScripts = []string{"fault=cut at=20", "fault=reset at=10", "fault=error at=15", "status=503", "usage=none", "finish=length", "first=300ms"}

func TestAStormLosesNothing(t *testing.T) {
	s := newSeed(t)
	w := rig.New(t, rig.Setup{Instances: 3, Env: map[string]string{"AIHUB_DRAIN": "2"}})
	base := measure(t, w)
	crowd := rig.NewCrowd(w, s, rig.Talk{People: 6, Tokens: [2]int{20, 200}, Every: [2]time.Duration{2 * time.Millisecond, 20 * time.Millisecond},
		Stop: 0.1, GoOn: 0.5, Copies: 0.2, Faults: faultyScripts})
	w.Storm(s, max(*soak, 25*time.Second), *fault)
	crowd.Quiet()
	for _, d := range crowd.Devices {
		d.Close()
	}
	// What the storm took is given back. Pools of idle connections stay, some of each kind; what grows with use does not.
	base.goroutines, base.files = base.goroutines+40*len(w.Instances), base.files+20*len(w.Instances)
	deadline := time.Now().Add(100 * time.Second) // rooms stay for a minute after their last member
	for {
		now := measure(t, w)
		if now.goroutines <= base.goroutines && now.files <= base.files {
			t.Logf("at rest there are %d goroutines and %d open files", now.goroutines, now.files)
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("at rest there are %d goroutines and %d open files, more than %d and %d; the most frequent stacks:\n%s",
				now.goroutines, now.files, base.goroutines, base.files, now.stacks)
			return
		}
		time.Sleep(time.Second)
	}
}

// held is what the instances hold together.
type held struct {
	goroutines, files int
	stacks            string // the most frequent of each instance
}

func measure(t *testing.T, w *rig.World) held {
	t.Helper()
	var h held
	for _, in := range w.Instances {
		res, err := rig.Call(t.Context(), http.MethodGet, in.Ops+"/debug/pprof/goroutine?debug=1", nil, nil)
		if err != nil || res.Status != http.StatusOK {
			t.Fatalf("goroutines of %s: %d %v", in.Name, res.Status, err)
		}
		var n int
		if _, err := fmt.Sscanf(string(res.Body), "goroutine profile: total %d", &n); err != nil {
			t.Fatalf("goroutines of %s: %v in %s", in.Name, err, strings.SplitN(string(res.Body), "\n", 2)[0])
		}
		h.goroutines += n
		for i, stack := range strings.Split(string(res.Body), "\n\n") {
			if i < 4 {
				h.stacks += in.Name + ": " + stack + "\n"
			}
		}
		if runtime.GOOS == "linux" {
			files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", in.PID()))
			if err != nil {
				t.Fatal(err)
			}
			h.files += len(files)
		}
	}
	return h
}

func TestAnEmptiedBusCostsNoAnswer(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 2})
	ctx := w.Context(2 * time.Minute)
	ana := w.Person("alfa", "usuario", 0)
	phone, laptop := w.DeviceAt("phone", ana, 0), w.DeviceAt("laptop", ana, 1)
	sent := ask(t, ctx, phone, "", "Olá [[label=emptied tokens=300 every=20ms]]")
	laptop.Follow(sent.Conv)
	if _, err := laptop.Shown(ctx, sent.Conv, sent.Run, 500); err != nil {
		t.Fatal(err)
	}
	w.NATS.Stop()
	w.NATS.Forget(t)
	w.NATS.Start(t)
	for _, d := range []*rig.Device{phone, laptop} {
		if a := end(t, ctx, d, sent.Conv, sent.Run); a.State != "complete" || string(a.Text) != upstream.Text("emptied", 300, 0) {
			t.Errorf("%s has %s %s with %d bytes", d.Name, a.State, a.Code, len(a.Text))
		}
	}
	w.Rest(15 * time.Second)
	w.Check(phone, laptop)
}

func TestAPausedInstanceThatWakesUpShowsNothingMore(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 2})
	ctx := w.Context(2 * time.Minute)
	ana := &rig.API{Base: func() string { return w.Base(1) }, Tenant: "alfa", Email: "usuario@alfa.example"}
	author, watcher := w.DeviceAt("author", ana, 0), w.DeviceAt("watcher", ana, 1)
	sent := ask(t, ctx, author, "", "Olá [[label=paused tokens=endless every=20ms]]")
	watcher.Follow(sent.Conv)
	if _, err := watcher.Shown(ctx, sent.Conv, sent.Run, 300); err != nil {
		t.Fatal(err)
	}
	resume := w.Pause(0)
	if a := end(t, ctx, watcher, sent.Conv, sent.Run); a.State != "interrupted" || a.Code != "instance_lost" {
		t.Errorf("the answer is %s %s", a.State, a.Code)
	}
	resume()
	if a := end(t, ctx, author, sent.Conv, sent.Run); a.State != "interrupted" {
		t.Errorf("for its author the answer is %s %s", a.State, a.Code)
	}
	soon, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if call, err := w.Up.Ended(soon, "paused"); err != nil || call.End != "hung-up" {
		t.Errorf("the model is still asked: %+v %v", call, err)
	}
	w.Rest(15 * time.Second)
	w.Check(author, watcher)
}
