package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"aihub/e2e/rig"
)

// A contest is many tries at one limit over the sockets of all instances. A try is one message with a cid of its own; a
// racer whose connection is lost sends the same try again elsewhere, as any client does.
type contest struct {
	w      *rig.World
	name   string     // in the labels of the tries
	people []*rig.API // a racer each, on instance i modulo the number of instances

	mu       sync.Mutex
	admitted map[string]string // run → cid
	refused  int
}

// run makes the tries from first to last and returns when each has its verdict.
func (c *contest) run(ctx context.Context, first, last int) {
	next := make(chan int, last-first)
	for i := first; i < last; i++ {
		next <- i
	}
	close(next)
	start := make(chan struct{})
	var ready, racing sync.WaitGroup
	for i, who := range c.people {
		ready.Add(1)
		racing.Go(func() {
			r := racer{contest: c, who: who, at: i}
			defer r.leave()
			err := r.arrive(ctx)
			ready.Done()
			<-start
			for try := range next {
				if err == nil {
					err = r.try(ctx, try)
				}
			}
			if err != nil {
				c.w.T.Error(err)
			}
		})
	}
	ready.Wait() // all are connected before the first one tries
	close(start)
	racing.Wait()
}

// A racer is one connection, which moves to another instance when its own is gone.
type racer struct {
	*contest
	who  *rig.API
	at   int
	conn *rig.Conn
}

func (r *racer) arrive(ctx context.Context) error {
	for {
		conn, err := rig.LoginAt(ctx, r.who, r.w.Base(r.at%len(r.w.Instances)), nil)
		if err == nil {
			r.conn = conn
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("a racer can't connect: %w", err)
		}
		r.at++
		pause(ctx, 50*time.Millisecond)
	}
}

func (r *racer) leave() {
	if r.conn != nil {
		r.conn.Close()
	}
}

// try sends one message until there is a verdict. That the server is busy, or the sender too fast, is none.
func (r *racer) try(ctx context.Context, n int) error {
	cid := fmt.Sprintf("%s-%d", r.name, n)
	for {
		f, err := r.conn.Do(ctx, rig.Cmd{"t": "send", "cid": cid, "text": fmt.Sprintf("Olá [[label=%s tokens=3 every=1ms]]", cid)})
		switch {
		case errors.Is(err, rig.ErrClosed):
			r.leave()
			if err := r.arrive(ctx); err != nil {
				return err
			}
		case err != nil:
			return err
		case f.T == "ok":
			r.mu.Lock()
			r.admitted[f.Run] = cid
			r.mu.Unlock()
			return nil
		case f.Code == "quota_exceeded" && f.ResetAt != "":
			r.mu.Lock()
			r.refused++
			r.mu.Unlock()
			return nil
		case f.Retry:
			pause(ctx, time.Duration(max(f.RetryMS, 50))*time.Millisecond)
		default:
			return fmt.Errorf("a try was answered by %s", f.Raw)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// admin asks a REST route as alfa's administrator and returns the id of what it made.
func admin(t *testing.T, ctx context.Context, w *rig.World, path string, body any) string {
	t.Helper()
	res, err := w.Person("alfa", "admin", 0).Do(ctx, http.MethodPost, path, body)
	if err != nil || res.Status != http.StatusCreated {
		t.Fatalf("POST %s: %d %s %v", path, res.Status, res.Body, err)
	}
	var made struct{ ID string }
	if err := res.Into(&made); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

type object = map[string]any

// newContest makes who races for a limit of this month: one person's plan, or an LLM configuration that many people share.
// payer is whose counters the limit is decided on.
func newContest(t *testing.T, ctx context.Context, w *rig.World, name, scope string, limit int, emails []string) (c *contest, payer string) {
	t.Helper()
	const racers = 30
	c = &contest{w: w, name: name, admitted: map[string]string{}}
	limits := []object{{"window": "day", "messages": limit}, {"window": "month", "messages": limit}}
	if scope == "configuration" {
		payer = "configuracao:" + admin(t, ctx, w, "/llm-configs", object{"name": name, "provider": "openai", "base_url": w.Up.URL(),
			"api_key": rig.UpstreamKey, "default_model": "scripted", "default": true, "limits": limits})
		for _, email := range emails[len(emails)-racers:] {
			c.people = append(c.people, &rig.API{Base: func() string { return w.Base(0) }, Tenant: "alfa", Email: email})
		}
		return c, payer
	}
	one := &rig.API{Base: func() string { return w.Base(0) }, Tenant: "alfa", Email: emails[0]}
	var me struct{ User struct{ ID string } }
	if err := one.Get(ctx, "/me", &me); err != nil {
		t.Fatal(err)
	}
	planID := admin(t, ctx, w, "/plans", object{"name": name, "limits": limits, "allow_global_key": true})
	admin(t, ctx, w, "/subscriptions", object{"user_id": me.User.ID, "plan_id": planID})
	return &contest{w: w, name: name, admitted: map[string]string{}, people: slices.Repeat([]*rig.API{one}, racers)}, "usuario:" + me.User.ID
}

// charged is what a payer's counters of this month say.
func charged(t *testing.T, w *rig.World, payer string) int {
	t.Helper()
	messages := 0
	for _, u := range w.DB.Usage(t) {
		if u.ID != payer {
			continue
		}
		for period, counter := range u.Counters {
			if period[:4] == "mes:" {
				messages += int(counter.Messages)
			}
		}
	}
	return messages
}

// scopes that limit a run; see newContest. The plan's come first: a configuration of the tenant counts for everyone.
var scopes = []string{"plan", "configuration"}

func TestExactlyAsManyAsTheLimitAllowsAreAdmitted(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 3, Plain: *soak > 0}) // the full figures are also a measurement
	ctx := w.Context(3 * time.Hour)
	tries := full(200, 10_000)
	emails := w.DB.AddPeople(t, "alfa", "usuario", 33)
	asked := 0
	for _, scope := range scopes {
		for i, limit := range full([]int{1, 7, 150}, []int{1, 7, 500}) {
			c, payer := newContest(t, ctx, w, fmt.Sprintf("%s-%d", scope, limit), scope, limit, emails[i:])
			begun := time.Now()
			c.run(ctx, 0, tries)
			took := time.Since(begun)
			w.Rest(15 * time.Second)
			asked += limit
			calls, counted := len(w.Up.Calls()), charged(t, w, payer)
			if len(c.admitted) != limit || c.refused != tries-limit || counted != limit || calls != asked {
				t.Errorf("of %d tries at a %s's limit of %d, %d were admitted and %d refused; %d are charged; the model was asked %d times, not %d",
					tries, scope, limit, len(c.admitted), c.refused, counted, calls, asked)
			}
			t.Logf("%d tries at a %s's limit of %d over 3 instances: %d admitted, %d refused, %d charged, in %v (%.0f a second)",
				tries, scope, limit, len(c.admitted), c.refused, counted, took.Round(time.Millisecond), float64(tries)/took.Seconds())
		}
	}
	w.Check()
}

// Instances are killed while the tries go on. An answer whose instance died before it said anything gives its message
// back; afterwards there is room for exactly as many as were given back.
func TestKilledInstancesNeitherLoseNorLeakQuota(t *testing.T) {
	s := newSeed(t)
	w := rig.New(t, rig.Setup{Instances: 3, Plain: *soak > 0}) // the full figures are also a measurement
	ctx := w.Context(3 * time.Hour)
	tries := full(120, 10_000)
	emails := w.DB.AddPeople(t, "alfa", "usuario", 33)
	for _, scope := range scopes {
		for i, limit := range full([]int{60}, []int{1, 7, 500}) {
			c, payer := newContest(t, ctx, w, fmt.Sprintf("%s-%d", scope, limit), scope, limit, emails[i:])
			stop := killer(w, s+uint64(i))
			c.run(ctx, 0, tries)
			kills := stop()
			took := w.Rest(15 * time.Second)
			c.areStored(t)
			used, before := charged(t, w, payer), len(c.admitted)
			if used > limit {
				t.Errorf("%d messages are charged at a %s's limit of %d", used, scope, limit)
			}
			c.run(ctx, tries, tries+limit-used+5)
			w.Rest(15 * time.Second)
			if more, counted := len(c.admitted)-before, charged(t, w, payer); more != limit-used || counted != limit {
				t.Errorf("after %d of %d were charged, %d more were admitted; %d are charged", used, limit, more, counted)
			}
			t.Logf("%d tries at a %s's limit of %d, %d kills: %d admitted, of which %d gave their message back; all settled %v after the last try",
				tries, scope, limit, kills, before, before-used, took.Round(time.Millisecond))
		}
	}
	w.Check()
}

// areStored: what a racer was told is admitted is there, and final.
func (c *contest) areStored(t *testing.T) {
	t.Helper()
	stored := map[string]string{}
	for _, m := range c.w.DB.Messages(t) {
		if m.Run != nil {
			stored[m.Run.ID] = m.Run.State
		}
	}
	for run, cid := range c.admitted {
		if !rig.Terminal(stored[run]) {
			t.Errorf("try %s was admitted, and its run is %q", cid, stored[run])
		}
	}
}

// killer kills one instance after the other and starts it again, until stop, which returns how many it killed.
func killer(w *rig.World, seed uint64) (stop func() int) {
	end, kills := make(chan struct{}), 0
	var running sync.WaitGroup
	running.Go(func() {
		r := rand.New(rand.NewPCG(seed, 1))
		for {
			select {
			case <-end:
				return
			case <-time.After(time.Duration(500+r.IntN(full(2000, 8000))) * time.Millisecond):
			}
			i := r.IntN(len(w.Instances))
			w.Instances[i].Kill()
			kills++
			w.Run(i)
		}
	})
	return func() int {
		close(end)
		running.Wait()
		return kills
	}
}
