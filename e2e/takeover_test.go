package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"aihub/e2e/rig"
)

// A heat is so many rounds at once, each of another person with two supervisors of their own; in every killEvery-th
// heat one of the two instances is killed in the middle of the answers.
const (
	heat      = 10
	killEvery = 4
)

// Two supervisors take a conversation over in the middle of an answer, while its person stops it, asks on, or it ends by
// itself, and while an instance is killed. Exactly one of them gets it; not one byte of the AI follows (every client
// looks for it); all see the same log; every answer is charged exactly.
func TestTakeoversInMidAnswer(t *testing.T) {
	s := newSeed(t)
	w := rig.New(t, rig.Setup{Instances: 2})
	rounds := full(4*heat, 1000)
	var lanes []*lane
	bosses := []*rig.API{w.Person("alfa", "supervisor", 0), {Base: func() string { return w.Base(1) }, Tenant: "alfa", Email: w.DB.AddPeople(t, "alfa", "supervisor", 1)[0]}}
	for i, email := range w.DB.AddPeople(t, "alfa", "usuario", heat) {
		api := &rig.API{Base: func() string { return w.Base(i % 2) }, Tenant: "alfa", Email: email}
		lanes = append(lanes, &lane{name: fmt.Sprintf("lane %d", i), person: w.Device(fmt.Sprintf("person %d", i), api),
			bosses: [2]*rig.Device{w.Device(fmt.Sprintf("first %d", i), bosses[0]), w.Device(fmt.Sprintf("second %d", i), bosses[1])}})
	}
	counts := tally{}
	begun := time.Now()
	for n := 0; n < rounds/heat && !t.Failed(); n++ {
		kill := n%killEvery == killEvery-1
		runHeat(t, w, s, n, kill, lanes, counts)
	}
	settled := w.Rest(30 * time.Second)
	var all []*rig.Device
	for _, l := range lanes {
		all = append(all, l.person, l.bosses[0], l.bosses[1])
	}
	w.Check(all...)
	t.Logf("seed %d: %d rounds in %v, settled after %v more", s, rounds, time.Since(begun).Round(time.Second), settled.Round(time.Millisecond))
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%5d %s", counts[what], what)
	}
	for what, share := range map[string]float64{cutShort: 0.5, cutShortInKill: 0.5 / killEvery, "second supervisor refused": 1, "stop in the race": 0.1, "further message in the race": 0.1} {
		if counts[what] < int(share*float64(rounds)) {
			t.Errorf("only %d of %d rounds: %s", counts[what], rounds, what)
		}
	}
}

const (
	cutShort       = "taken over in mid-answer"
	cutShortInKill = "taken over in mid-answer while an instance was killed"
)

// tally counts what the rounds were like; only between heats.
type tally map[string]int

// lane is one person and the two supervisors who race for their conversations.
type lane struct {
	name   string
	person *rig.Device
	bosses [2]*rig.Device
}

// A play is what happens in one round, decided by the seed.
type play struct {
	label       string
	script      string
	takes       [2]time.Duration // after the answer has begun
	stop, more  time.Duration    // negative: not at all
	release     bool             // in the end; else the conversation is closed
	askInReturn time.Duration    // when the person speaks while the conversation is given back
}

func newPlay(seed uint64, heat, lane int) play {
	r := rand.New(rand.NewPCG(seed, uint64(heat)<<16|uint64(lane)))
	tokens := 60 + r.IntN(240)
	every := time.Duration(5+r.IntN(10)) * time.Millisecond
	p := play{label: fmt.Sprintf("take-%d-%d", heat, lane), stop: -1, more: -1, release: r.IntN(2) == 0, askInReturn: time.Duration(r.IntN(30)) * time.Millisecond}
	p.script = fmt.Sprintf("label=%s tokens=%d every=%s", p.label, tokens, every)
	length := time.Duration(tokens) * every
	first := time.Duration(r.Float64() * 0.4 * float64(length)) // a busy machine is late
	if r.IntN(8) == 0 {                                         // about when the answer ends by itself
		first = length - time.Duration(r.IntN(40))*time.Millisecond
	}
	near := func() time.Duration { return max(0, first+time.Duration(r.IntN(60)-30)*time.Millisecond) }
	p.takes = [2]time.Duration{first, near()}
	if r.IntN(2) == 0 {
		p.takes[0], p.takes[1] = p.takes[1], p.takes[0]
	}
	if r.IntN(5) == 0 {
		p.stop = near()
	}
	if r.IntN(5) == 0 {
		p.more = near()
	}
	return p
}

// runHeat plays one round in each lane. All answers have begun before the races start, and an instance is killed among
// them.
func runHeat(t *testing.T, w *rig.World, seed uint64, n int, kill bool, lanes []*lane, counts tally) {
	t.Helper()
	var mu sync.Mutex
	count := func(what string) {
		mu.Lock()
		counts[what]++
		mu.Unlock()
	}
	var begun, ended sync.WaitGroup
	begun.Add(len(lanes))
	for i, l := range lanes {
		ended.Go(func() {
			p := newPlay(seed, n, i)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := l.round(ctx, p, kill, &begun, count); err != nil {
				t.Errorf("heat %d, %s, %+v: %v", n, l.name, p, err)
			}
		})
	}
	begun.Wait()
	if kill {
		r := rand.New(rand.NewPCG(seed, uint64(n)<<16|0xffff))
		time.Sleep(time.Duration(r.IntN(600)) * time.Millisecond)
		i := r.IntN(2)
		w.Instances[i].Kill()
		w.Run(i)
	}
	ended.Wait()
}

// round plays one round. What must hold is an error when it does not.
func (l *lane) round(ctx context.Context, p play, kill bool, begun *sync.WaitGroup, count func(string)) error {
	arrive := sync.OnceFunc(begun.Done)
	defer arrive()
	devices := []*rig.Device{l.person, l.bosses[0], l.bosses[1]}
	first, err := l.person.Send(ctx, "", rig.NewCID(), "Olá [[label="+p.label+"-hello tokens=1]]")
	if err != nil {
		return err
	}
	conv := first.Conv
	for _, b := range l.bosses {
		b.Follow(conv)
	}
	for _, d := range devices {
		if _, err := d.End(ctx, conv, first.Run); err != nil {
			return err
		}
	}
	asked, err := l.person.Send(ctx, conv, rig.NewCID(), "E agora? [["+p.script+"]]")
	if err != nil {
		return err
	}
	if _, err := l.person.Shown(ctx, conv, asked.Run, 1); err != nil {
		return err
	}
	arrive()
	begun.Wait()
	winner, err := l.race(ctx, p, conv, asked.Run, count)
	if err != nil {
		return err
	}
	var end rig.Answer
	for _, d := range devices {
		if end, err = d.End(ctx, conv, asked.Run); err != nil {
			return err
		}
	}
	count("ended as " + end.State)
	if kill {
		count("in which an instance was killed")
	}
	if end.State == "taken_over" && len(end.Text) > 0 {
		count(cutShort)
		if kill {
			count(cutShortInKill)
		}
	}
	if err := l.answer(ctx, p, conv, winner, count); err != nil {
		return err
	}
	return sameEnd(ctx, conv, devices)
}

// race lets everything happen at its time and returns who got the conversation.
func (l *lane) race(ctx context.Context, p play, conv, run string, count func(string)) (int, error) {
	errs := make(chan error, 4)
	takes := make(chan int, 2)
	var acts sync.WaitGroup
	at := func(when time.Duration, act func() error) {
		if when < 0 {
			return
		}
		acts.Go(func() {
			time.Sleep(when)
			if err := act(); err != nil {
				errs <- err
			}
		})
	}
	for i, b := range l.bosses {
		at(p.takes[i], func() error {
			f, err := b.Do(ctx, rig.Cmd{"t": "take", "conv": conv, "epoch": 0})
			var refused *rig.RefusedError
			switch {
			case err == nil:
				takes <- i
				return nil
			case errors.As(err, &refused) && (f.Code == "conv_human" || f.Code == "conflict") && f.Owner != nil && f.Owner.Kind == "human":
				count("second supervisor refused")
				return nil
			}
			return fmt.Errorf("take: %w", err)
		})
	}
	at(p.stop, func() error {
		count("stop in the race")
		_, err := l.person.Do(ctx, rig.Cmd{"t": "stop", "run": run})
		return err
	})
	at(p.more, func() error {
		count("further message in the race")
		_, err := l.person.Send(ctx, conv, rig.NewCID(), "E mais: [[label="+p.label+"-more tokens=20 every=5ms]]")
		return err
	})
	acts.Wait()
	select {
	case err := <-errs:
		return 0, err
	default:
	}
	if len(takes) != 1 {
		return 0, fmt.Errorf("%d supervisors got the conversation", len(takes))
	}
	return <-takes, nil
}

// answer lets the winner speak, which the loser may not, and then gives the conversation back, while its person speaks,
// or ends it.
func (l *lane) answer(ctx context.Context, p play, conv string, winner int, count func(string)) error {
	if _, err := l.bosses[winner].Send(ctx, conv, rig.NewCID(), "Aqui é uma pessoa."); err != nil {
		return err
	}
	var refused *rig.RefusedError
	if f, err := l.bosses[1-winner].Send(ctx, conv, rig.NewCID(), "E aqui outra."); !errors.As(err, &refused) || f.Code != "conv_human" {
		return fmt.Errorf("the other supervisor's message: %s %w", f.Raw, err)
	}
	if !p.release {
		_, err := l.bosses[winner].Do(ctx, rig.Cmd{"t": "end", "conv": conv})
		return err
	}
	var said rig.Frame
	var saying sync.WaitGroup
	var sayErr error
	saying.Go(func() {
		time.Sleep(p.askInReturn)
		said, sayErr = l.person.Send(ctx, conv, rig.NewCID(), "Obrigado [[label="+p.label+"-back tokens=3]]")
	})
	time.Sleep(15 * time.Millisecond)
	f, err := l.bosses[winner].Do(ctx, rig.Cmd{"t": "release", "conv": conv, "epoch": 1})
	saying.Wait()
	switch {
	case err != nil:
		return fmt.Errorf("release: %w", err)
	case sayErr != nil:
		return sayErr
	case f.Owner == nil || f.Owner.Kind != "ai" || f.Owner.Epoch != 2:
		return fmt.Errorf("release was answered by %s", f.Raw)
	}
	// Who owns the conversation at a message's place in the log answers it.
	owned := int64(0)
	err = l.person.Look(ctx, conv, func(v *rig.View) bool {
		owned = v.OwnerAt(2)
		return owned > 0
	})
	if err != nil {
		return err
	}
	if said.Run == "" {
		count("said before the conversation was given back")
		if said.Seq > owned && owned > 0 {
			return fmt.Errorf("nobody answers the message at %d, behind the AI's coming back at %d", said.Seq, owned)
		}
		return nil
	}
	count("said after the conversation was given back")
	a, err := l.person.End(ctx, conv, said.Run)
	if err == nil && a.State != "complete" && a.Code != "instance_lost" {
		err = fmt.Errorf("the AI's answer after the release ended as %s %s", a.State, a.Code)
	}
	return err
}

// sameEnd waits until all clients stand at the same place and then compares all that they know.
func sameEnd(ctx context.Context, conv string, devices []*rig.Device) error {
	for {
		var marks []string
		for _, d := range devices {
			d.Views(func(v *rig.View) {
				if v.Conv == conv {
					marks = append(marks, v.Mark())
				}
			})
		}
		if len(marks) == len(devices) && len(slices.Compact(slices.Clone(marks))) == 1 {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the clients do not come to the same: %q", marks)
		}
	}
	for _, d := range devices {
		if err := d.Leave(ctx, conv); err != nil {
			return err
		}
	}
	return nil
}
