package rig

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Fault breaks something for a while and mends it.
type Fault struct {
	Name string
	Do   func(w *World, r *rand.Rand)
}

func during(r *rand.Rand, from, to time.Duration) time.Duration {
	return between(r, [2]time.Duration{from, to})
}

// Faults are all that a world of several instances must bear.
var Faults = []Fault{
	{"cut", func(w *World, r *rand.Rand) { w.Edges[r.IntN(len(w.Edges))].Cut() }},
	{"cut within frames", func(w *World, r *rand.Rand) {
		p := w.Edges[r.IntN(len(w.Edges))]
		p.CutAfter(500 + r.Int64N(4000))
		p.Cut()
		time.Sleep(during(r, time.Second, 2*time.Second))
		p.CutAfter(0)
	}},
	{"edge stalled", func(w *World, r *rand.Rand) {
		p := w.Edges[r.IntN(len(w.Edges))]
		p.Stall()
		time.Sleep(during(r, 200*time.Millisecond, 3*time.Second))
		p.Resume()
	}},
	{"kill", func(w *World, r *rand.Rand) {
		i := r.IntN(len(w.Instances))
		w.Instances[i].Kill()
		time.Sleep(during(r, 0, 2*time.Second))
		w.Run(i)
	}},
	{"restart", func(w *World, r *rand.Rand) {
		i := r.IntN(len(w.Instances))
		w.Instances[i].Stop(w.T)
		w.Run(i)
	}},
	{"pause", func(w *World, r *rand.Rand) {
		resume := w.Pause(r.IntN(len(w.Instances)))
		time.Sleep(during(r, time.Second, 12*time.Second)) // longer than a run's lease, at times
		resume()
	}},
	{"bus cut off one instance", func(w *World, r *rand.Rand) {
		p := w.BusLines[r.IntN(len(w.BusLines))]
		p.Down()
		time.Sleep(during(r, 200*time.Millisecond, 3*time.Second))
		p.Up()
	}},
	{"bus stalled for one instance", func(w *World, r *rand.Rand) {
		p := w.BusLines[r.IntN(len(w.BusLines))]
		p.Stall()
		time.Sleep(during(r, 200*time.Millisecond, 3*time.Second))
		p.Resume()
	}},
	{"bus restarted", func(w *World, r *rand.Rand) {
		w.NATS.Stop()
		time.Sleep(during(r, 0, time.Second))
		w.NATS.Start(w.T)
	}},
	{"database cut off one instance", func(w *World, r *rand.Rand) {
		p := w.DataLines[r.IntN(len(w.DataLines))]
		p.Down()
		time.Sleep(during(r, 200*time.Millisecond, 3*time.Second))
		p.Up()
	}},
	{"database answers lost", func(w *World, r *rand.Rand) { w.DataLines[r.IntN(len(w.DataLines))].Cut() }},
	{"database stalled for one instance", func(w *World, r *rand.Rand) {
		p := w.DataLines[r.IntN(len(w.DataLines))]
		p.Stall()
		time.Sleep(during(r, 200*time.Millisecond, 3*time.Second))
		p.Resume()
	}},
}

// Storm breaks one thing after the other for a time, in an order that the seed decides, and mends everything in the end.
// only, when given, is a part of the faults' names.
func (w *World) Storm(seed uint64, length time.Duration, only string) {
	w.T.Helper()
	var faults []Fault
	for _, f := range Faults {
		if strings.Contains(f.Name, only) {
			faults = append(faults, f)
		}
	}
	r := rand.New(rand.NewPCG(seed, 0xfa017))
	done := map[string]int{}
	for begun := time.Now(); time.Since(begun) < length && !w.T.Failed(); {
		f := faults[r.IntN(len(faults))]
		w.T.Logf("%7v %s", time.Since(begun).Round(time.Millisecond), f.Name)
		f.Do(w, r)
		done[f.Name]++
		time.Sleep(during(r, 0, time.Second))
	}
	var names []string
	for name, n := range done {
		names = append(names, fmt.Sprintf("%d × %s", n, name))
	}
	slices.Sort(names)
	w.T.Logf("seed %d: %s", seed, strings.Join(names, ", "))
}

// Cutter cuts every connection of every edge at random moments until stop is called, and counts the cuts.
func (w *World) Cutter(seed uint64, pause time.Duration) (stop func() int) {
	end, cuts := make(chan struct{}), 0
	var running sync.WaitGroup
	running.Go(func() {
		r := rand.New(rand.NewPCG(seed, 0xc0770))
		for {
			select {
			case <-end:
				return
			case <-time.After(time.Duration(r.Int64N(int64(2 * pause)))):
				cuts += w.Edges[r.IntN(len(w.Edges))].Cut()
			}
		}
	})
	return func() int {
		close(end)
		running.Wait()
		return cuts
	}
}
