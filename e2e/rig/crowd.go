package rig

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Crowd is people who talk: each in one conversation after the other, watched on a second device. What they say is
// decided by a seed.
type Crowd struct {
	w       *World
	seed    uint64
	Devices []*Device

	ctx    context.Context
	stop   atomic.Bool
	people sync.WaitGroup

	mu      sync.Mutex
	asked   int
	states  map[string]int
	lost    []string          // what was promised to a person and not kept
	answers map[string]string // to each cid
}

// Talk is how a crowd talks.
type Talk struct {
	People int
	Tokens [2]int           // of an answer, from and to
	Every  [2]time.Duration // between tokens
	Stop   float64          // the share of answers that are stopped
	GoOn   float64          // the share of answers cut short that are continued
	Copies float64          // the share of messages that are sent again, from the other device at the same time
	Faults []string         // scripts of which one in five answers takes one
}

// NewCrowd starts people of both demo tenants talking, until Quiet.
func NewCrowd(w *World, seed uint64, talk Talk) *Crowd {
	w.T.Helper()
	c := &Crowd{w: w, seed: seed, ctx: w.T.Context(), states: map[string]int{}, answers: map[string]string{}}
	for i, tenant := range []string{"alfa", "beta"} {
		n := (talk.People + 1 - i) / 2
		for j, email := range w.DB.AddPeople(w.T, tenant, "usuario", n) {
			api := &API{Base: func() string { return w.Base(rand.IntN(len(w.Edges))) }, Tenant: tenant, Email: email}
			phone, laptop := w.Device(fmt.Sprintf("%s phone %d", tenant, j), api), w.Device(fmt.Sprintf("%s laptop %d", tenant, j), api)
			for _, d := range []*Device{phone, laptop} {
				d.Forbid(map[string]string{"alfa": "beta", "beta": "alfa"}[tenant])
			}
			c.Devices = append(c.Devices, phone, laptop)
			c.people.Go(func() {
				c.talk(phone, laptop, fmt.Sprintf("%s-%d", tenant, j), rand.New(rand.NewPCG(seed, uint64(i*1000+j))), talk)
			})
		}
	}
	return c
}

// between is a number in a range.
func between[T int | time.Duration](r *rand.Rand, of [2]T) T {
	return of[0] + T(r.Int64N(int64(of[1]-of[0])+1))
}

// talk is one person.
func (c *Crowd) talk(phone, laptop *Device, name string, r *rand.Rand, talk Talk) {
	conv := ""
	for n := 0; !c.stop.Load() && c.ctx.Err() == nil; n++ {
		label := fmt.Sprintf("%s-%d", name, n)
		script := fmt.Sprintf("label=%s tokens=%d every=%s", label, between(r, talk.Tokens), between(r, talk.Every))
		if len(talk.Faults) > 0 && r.IntN(5) == 0 {
			script += " " + talk.Faults[r.IntN(len(talk.Faults))]
		}
		if r.IntN(4) == 0 {
			conv = "" // a new conversation
		}
		c.say(phone, laptop, conv, "Olá [["+script+"]]", r, talk, &conv)
	}
}

// say sends one message and waits for the end of its answer on both devices.
func (c *Crowd) say(phone, laptop *Device, conv, text string, r *rand.Rand, talk Talk, next *string) {
	ctx, cancel := context.WithTimeout(c.ctx, 2*time.Minute)
	defer cancel()
	cid := fmt.Sprintf("%016x", r.Uint64())
	stop, stopAt := r.Float64() < talk.Stop, 100+r.IntN(1000)
	var copies sync.WaitGroup
	if r.Float64() < talk.Copies {
		copies.Go(func() {
			again, err := laptop.Send(ctx, conv, cid, text)
			if err != nil {
				c.fail("a copy of %s: %v", text, err)
			} else {
				c.same(cid, again)
			}
		})
	}
	sent, err := phone.Send(ctx, conv, cid, text)
	copies.Wait()
	if err != nil {
		c.fail("%s: %v", text, err)
		return
	}
	c.same(cid, sent)
	c.mu.Lock()
	c.asked++
	c.mu.Unlock()
	*next = sent.Conv
	laptop.Follow(sent.Conv)
	if stop {
		if _, err := laptop.Shown(ctx, sent.Conv, sent.Run, stopAt); err == nil {
			var refused *RefusedError
			if _, err := laptop.Do(ctx, Cmd{"t": "stop", "run": sent.Run}); err != nil && !errors.As(err, &refused) {
				c.fail("stop of %s: %v", text, err)
			}
		}
	}
	a, ok := c.await(ctx, phone, laptop, sent)
	for ok && a.Continue && r.Float64() < talk.GoOn {
		again := Cmd{"t": "continue", "cid": fmt.Sprintf("%016x", r.Uint64()), "msg": a.Msg}
		if sent, err = phone.Do(ctx, again); err != nil {
			c.fail("to continue %s: %v", text, err)
			return
		}
		if copied, err := laptop.Do(ctx, again); err != nil || copied.Run != sent.Run || !copied.Dup {
			c.fail("a copy of a continue: %s %v", copied.Raw, err)
		}
		a, ok = c.await(ctx, phone, laptop, sent)
	}
}

// await waits for the end of an answer on both devices.
func (c *Crowd) await(ctx context.Context, phone, laptop *Device, sent Frame) (a Answer, ok bool) {
	ok = true
	for _, d := range []*Device{laptop, phone} {
		var err error
		if a, err = d.End(ctx, sent.Conv, sent.Run); err != nil {
			c.fail("%s, %s: %v", d.Name, sent.Raw, err)
			ok = false
		}
	}
	if !ok {
		return a, false
	}
	state := a.State
	if a.Code != "" {
		state += " " + a.Code
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states[state]++
	return a, true
}

// same remembers the answer to a cid: all copies must get the same.
func (c *Crowd) same(cid string, f Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer := f.Conv + " " + f.Msg + " " + f.Run
	if known, ok := c.answers[cid]; ok && known != answer {
		c.lost = append(c.lost, fmt.Sprintf("copies of one message were answered by %q and %q", known, answer))
	}
	c.answers[cid] = answer
}

func (c *Crowd) fail(format string, args ...any) {
	c.mu.Lock()
	c.lost = append(c.lost, fmt.Sprintf(format, args...))
	c.mu.Unlock()
}

// Quiet lets everybody finish, waits until all is at rest, checks everything and reports.
func (c *Crowd) Quiet() {
	c.w.T.Helper()
	c.stop.Store(true)
	c.people.Wait()
	rest := c.w.Rest(30 * time.Second)
	for _, lost := range c.lost {
		c.w.T.Error(lost)
	}
	c.w.Check(c.Devices...)
	recoveries, snapshots, resumes, codes := c.Recoveries(), 0, 0, map[int]int{}
	for _, d := range c.Devices {
		s := d.Stats()
		snapshots, resumes = snapshots+s.Snapshots, resumes+s.Resumes
		for code, n := range s.Codes {
			codes[code] += n
		}
	}
	c.w.T.Logf("seed %d: %d messages, ended %v; %d reconnects (p50 %v, p99 %v), %d resumes, %d snapshots, close codes %v; at rest after %v",
		c.seed, c.asked, c.states, len(recoveries), Quantile(recoveries, 0.5), Quantile(recoveries, 0.99), resumes, snapshots, codes, rest.Round(time.Millisecond))
}

// Recoveries is how long each loss of a connection lasted.
func (c *Crowd) Recoveries() []time.Duration {
	var all []time.Duration
	for _, d := range c.Devices {
		all = append(all, d.Stats().Recoveries...)
	}
	return all
}

// Quantile is the value below which a share q of the values lies; 0 of none.
func Quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Round(time.Millisecond)
}
