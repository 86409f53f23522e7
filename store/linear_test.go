package store_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"aihub/store"
)

// histories is how many histories are checked of each engine and scope.
var histories = flag.Int("histories", 6, "concurrent histories to check for linearizability, of each engine and scope")

// The quota of one payer as one step after the other would change it: what a history of concurrent calls must be
// explained by. Runs are numbers.
type quotaState struct {
	messages, tokens, count int64
	open                    [linearRuns]int64 // tokens reserved; -1: none
	settled                 [linearRuns]bool
}

const linearRuns = 8

type quotaCall struct {
	op             string // reserve, extend, settle, read
	run            int
	tokens, before int64 // before: what an extension takes to be reserved
	refund         bool
}

type quotaAnswer struct {
	verdict          string // ok, full, exists, conflict, busy
	window           string // of full
	used             int64  // of full
	messages, tokens int64  // of read; tokens also of a reservation
}

// quotaModel is the quota with the limits of one window and a number of runs at once. Without a limit of tokens, none are
// read.
func quotaModel(limit store.Limit, atOnce int64) porcupine.Model {
	window := map[string]string{store.WindowDay: "day", store.WindowMonth: "month"}[limit.Window]
	full := func(s quotaState, messages, tokens int64) (quotaAnswer, bool) {
		switch {
		case messages > 0 && s.messages+messages > limit.Messages:
			return quotaAnswer{verdict: "full", window: window, used: s.messages}, true
		case limit.Tokens > 0 && s.tokens+tokens > limit.Tokens:
			return quotaAnswer{verdict: "full", window: window, used: s.tokens}, true
		case messages > 0 && atOnce > 0 && s.count >= atOnce:
			return quotaAnswer{verdict: "full", window: "concurrency", used: s.count}, true
		}
		return quotaAnswer{}, false
	}
	return porcupine.Model{
		Init: func() any {
			s := quotaState{}
			for i := range s.open {
				s.open[i] = -1
			}
			return s
		},
		Step: func(state, input, output any) (bool, any) {
			s, in, out := state.(quotaState), input.(quotaCall), output.(quotaAnswer)
			if out.verdict == "busy" { // asked to come again, and nothing was done
				return true, s
			}
			want := quotaAnswer{verdict: "ok"}
			open := s.open[in.run]
			switch in.op {
			case "read":
				if want.messages = s.messages; limit.Tokens > 0 {
					want.tokens = s.tokens
				}
			case "reserve":
				refused, isFull := full(s, 1, in.tokens)
				switch {
				case open >= 0:
					want.tokens = open
				case s.settled[in.run]:
					want.verdict = "exists"
				case isFull:
					want = refused
				default:
					s.messages, s.tokens, s.count, s.open[in.run] = s.messages+1, s.tokens+in.tokens, s.count+1, in.tokens
					want.tokens = in.tokens
				}
			case "extend":
				refused, isFull := full(s, 0, in.tokens)
				switch {
				case open < 0 || open != in.before:
					want.verdict = "conflict"
				case isFull:
					want = refused
				default:
					s.tokens, s.open[in.run] = s.tokens+in.tokens, open+in.tokens
				}
			case "settle":
				if open >= 0 {
					s.tokens, s.count, s.open[in.run], s.settled[in.run] = s.tokens+in.tokens-open, s.count-1, -1, true
					if in.refund {
						s.messages--
					}
				}
			}
			return out == want, s
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
	}
}

// quotaScope is whose quota a history is of: a person's plan, under which several clients have copies of the same runs, or
// what many people share: an LLM configuration, or a widget key.
type quotaScope struct {
	limit   store.Limit
	atOnce  int64
	reserve func(client int, run string, tokens int64) (store.Reservation, error)
	extend  func(client int, r *store.Reservation, tokens int64) error
	settle  func(client int, run string, tokens int64, refund bool) error
	read    func(client int) ([]store.QuotaUse, error)
	copies  bool // several clients speak of the same runs
}

const linearClients = 5

// record lets clients do random things at once and returns what they did.
func record(t *testing.T, seed uint64, s quotaScope) []porcupine.Operation {
	t.Helper()
	var mu sync.Mutex
	var history []porcupine.Operation
	begun := time.Now()
	race(linearClients, func(client int) {
		r := rand.New(rand.NewPCG(seed, uint64(client)))
		held := map[int]*store.Reservation{}
		for range 8 {
			in := quotaCall{op: []string{"reserve", "reserve", "extend", "settle", "read"}[r.IntN(5)], run: r.IntN(linearRuns), tokens: 1 + r.Int64N(60), refund: r.IntN(4) == 0}
			if !s.copies {
				in.run = client + linearClients*(in.run%((linearRuns+linearClients-1-client)/linearClients))
			}
			name := fmt.Sprint("r_", in.run)
			have := held[in.run]
			if in.op == "extend" && have == nil {
				in.op = "reserve"
			}
			if in.op == "extend" {
				in.before = have.Tokens
			}
			var out quotaAnswer
			var err error
			called := time.Since(begun)
			switch in.op {
			case "reserve":
				var got store.Reservation
				if got, err = s.reserve(client, name, in.tokens); err == nil {
					held[in.run], out.tokens = &got, got.Tokens
				}
			case "extend":
				err = s.extend(client, have, in.tokens)
			case "settle":
				err = s.settle(client, name, in.tokens, in.refund)
			case "read":
				var uses []store.QuotaUse
				if uses, err = s.read(client); err == nil {
					if out.messages = uses[0].MessagesUsed; s.limit.Tokens > 0 {
						out.tokens = uses[0].TokensUsed
					}
				}
			}
			returned := time.Since(begun)
			var q *store.QuotaError
			switch {
			case err == nil:
				out.verdict = "ok"
			case errors.As(err, &q):
				out = quotaAnswer{verdict: "full", window: q.Window, used: q.Used}
			case errors.Is(err, store.ErrExists):
				out.verdict = "exists"
			case errors.Is(err, store.ErrConflict):
				out.verdict = "conflict"
			case errors.Is(err, store.ErrUnavailable) && t.Context().Err() == nil && returned-called < 4*time.Second: // not at a deadline
				out.verdict = "busy"
			default:
				t.Errorf("%+v: %v", in, err)
			}
			mu.Lock()
			history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: called.Nanoseconds(), Output: out, Return: returned.Nanoseconds()})
			mu.Unlock()
		}
	})
	return history
}

// planScope is a person's quota, used through two instances.
func planScope(t *testing.T, a, b *store.Tenant, r *rand.Rand) quotaScope {
	s := quotaScope{limit: store.Limit{Window: store.WindowMonth, Messages: 1 + r.Int64N(5), Tokens: 40 + r.Int64N(200)}, atOnce: r.Int64N(3), copies: true}
	p := plan(s.atOnce, s.limit)
	at := func(client int) *store.Tenant { return []*store.Tenant{a, b}[client%2] }
	s.reserve = func(client int, run string, tokens int64) (store.Reservation, error) {
		return at(client).Reserve(t.Context(), "u_1", run, p, tokens)
	}
	s.extend = func(client int, r *store.Reservation, tokens int64) error {
		return at(client).Extend(t.Context(), "u_1", r, tokens, p)
	}
	s.settle = func(client int, run string, tokens int64, refund bool) error {
		return at(client).Settle(t.Context(), "u_1", run, tokens, refund)
	}
	s.read = func(client int) ([]store.QuotaUse, error) { return at(client).QuotaOf(t.Context(), "u_1", p) }
	return s
}

// sharedScope is the quota of an LLM configuration, or the messages of a widget key, used by as many people as there are
// clients through two instances.
func sharedScope(t *testing.T, a, b *store.Tenant, limit store.Limit, c store.LLMConfig, k store.WidgetKey, payer string) quotaScope {
	p := plan(0)
	at := func(client int) *store.Tenant { return []*store.Tenant{a, b}[client%2] }
	who := func(client int) string { return fmt.Sprint("u_", client) }
	return quotaScope{limit: limit,
		reserve: func(client int, run string, tokens int64) (store.Reservation, error) {
			return at(client).ReserveUnder(t.Context(), who(client), run, p, c, k, tokens)
		},
		extend: func(client int, r *store.Reservation, tokens int64) error {
			return at(client).Extend(t.Context(), who(client), r, tokens, p)
		},
		settle: func(client int, run string, tokens int64, refund bool) error {
			return at(client).Settle(t.Context(), who(client), run, tokens, refund)
		},
		read: func(client int) ([]store.QuotaUse, error) {
			return at(client).QuotaOf(t.Context(), payer, plan(0, limit))
		}}
}

func configScope(t *testing.T, a, b *store.Tenant, r *rand.Rand) quotaScope {
	limit := store.Limit{Window: store.WindowMonth, Messages: 1 + r.Int64N(5), Tokens: 40 + r.Int64N(200)}
	c := config(limit)
	return sharedScope(t, a, b, limit, c, store.WidgetKey{}, store.ConfigPayer(c.ID))
}

// keyScope is under a configuration too, whose room is never the smaller one.
func keyScope(t *testing.T, a, b *store.Tenant, r *rand.Rand) quotaScope {
	limit := store.Limit{Window: store.WindowDay, Messages: 1 + r.Int64N(5)}
	k := newKey(0, limit.Messages)
	return sharedScope(t, a, b, limit, config(store.Limit{Window: store.WindowDay, Messages: 1000}), k, store.KeyPayer(k.ID))
}

// Whatever many clients do with one quota at the same time through two instances has the outcome of some order in which
// they do it one after the other.
func TestQuotaIsLinearizable(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		other := d.open()
		for name, scope := range map[string]func(*testing.T, *store.Tenant, *store.Tenant, *rand.Rand) quotaScope{"plan": planScope, "configuration": configScope, "key": keyScope} {
			t.Run(name, func(t *testing.T) {
				seed, calls, busy := rand.Uint64(), 0, 0
				for i := range *histories {
					a := d.tenant("")
					s := scope(t, a, d.on(other, a), rand.New(rand.NewPCG(seed, uint64(i))))
					history := record(t, seed+uint64(i), s)
					for _, o := range history {
						calls++
						if o.Output.(quotaAnswer).verdict == "busy" {
							busy++
						}
					}
					if got := porcupine.CheckOperationsTimeout(quotaModel(s.limit, s.atOnce), history, time.Minute); got != porcupine.Ok {
						t.Fatalf("history %d at %+v, %d at once, of %d calls: %s\n%s", i, s.limit, s.atOnce, len(history), got, tell(history))
					}
				}
				t.Logf("%d histories of %d calls, %d of which were asked to come again", *histories, calls, busy)
				if busy > calls/5 {
					t.Error("too few calls had an outcome for the check to mean something")
				}
			})
		}
	})
}

// The check finds a quota that is read and then written, as every naive one is.
func TestTheCheckFindsAQuotaThatIsReadThenWritten(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		limit := store.Limit{Window: store.WindowMonth, Messages: 2, Tokens: 1000}
		var read sync.WaitGroup // all have read before the first one writes
		read.Add(linearClients)
		var mu sync.Mutex
		var history []porcupine.Operation
		begun := time.Now()
		race(linearClients, func(client int) {
			called := time.Since(begun)
			uses, err := a.QuotaOf(t.Context(), "u_1", plan(0, limit))
			read.Done()
			read.Wait()
			var got store.Reservation
			if err == nil && uses[0].MessagesUsed < limit.Messages {
				got, err = a.Reserve(t.Context(), "u_1", fmt.Sprint("r_", client), plan(0), 10)
			}
			if err != nil || got.Tokens != 10 {
				t.Errorf("%+v %v", got, err)
			}
			mu.Lock()
			defer mu.Unlock()
			history = append(history, porcupine.Operation{ClientId: client, Input: quotaCall{op: "reserve", run: client, tokens: 10}, Call: called.Nanoseconds(),
				Output: quotaAnswer{verdict: "ok", tokens: got.Tokens}, Return: time.Since(begun).Nanoseconds()})
		})
		if got := porcupine.CheckOperationsTimeout(quotaModel(limit, 0), history, time.Minute); got != porcupine.Illegal {
			t.Errorf("%d were let in at a limit of %d, and the check says %s", len(history), limit.Messages, got)
		}
	})
}

func tell(history []porcupine.Operation) (text string) {
	for _, o := range history {
		text += fmt.Sprintf("%d %9d %9d %+v → %+v\n", o.ClientId, o.Call, o.Return, o.Input, o.Output)
	}
	return text
}
