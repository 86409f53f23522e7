package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"aihub/store"
	"aihub/store/internal/testdb"
)

// eachEngineB is eachEngine for benchmarks, with the real clock and without a monitor.
func eachEngineB(b *testing.B, bench func(b *testing.B, open func(name string) *store.Store)) {
	run := func(spec func(b *testing.B, name string) string) func(b *testing.B) {
		return func(b *testing.B) {
			bench(b, func(name string) *store.Store {
				s, err := store.Open(b.Context(), spec(b, name), store.Options{Logger: slog.New(slog.DiscardHandler)})
				must(b, err)
				b.Cleanup(func() { must(b, s.Close(context.Background())) })
				return s
			})
		}
	}
	b.Run("sqlite", run(func(b *testing.B, name string) string { return "sqlite:" + filepath.Join(b.TempDir(), name+".db") }))
	b.Run("mongodb", run(func(b *testing.B, name string) string {
		uri := testdb.Mongo(b) + mongoName + "_" + name + strconv.FormatInt(tenants.Add(1), 10)
		mongoUsed.Store(uri, true)
		return uri
	}))
}

// benchTenant makes a tenant with a plan, a configuration and people.
func benchTenant(b *testing.B, s *store.Store, people int) (*store.Tenant, []string) {
	b.Helper()
	ctx := b.Context()
	id, err := store.ParseTenantID(fmt.Sprintf("b%d-%d", os.Getpid(), tenants.Add(1)))
	must(b, err)
	must(b, s.Directory().CreateTenant(ctx, store.Profile{ID: id, Slug: id.String(), State: store.StateActive}))
	t := s.Tenant(id)
	must(b, t.CreatePlan(ctx, store.Plan{ID: store.NewID("p"), Default: true, Limits: []store.Limit{{Window: store.WindowMinute, Messages: 1e9},
		{Window: store.WindowDay, Messages: 1e9}, {Window: store.WindowMonth, Tokens: 1e15}}}))
	must(b, t.CreateLLMConfig(ctx, store.LLMConfig{ID: store.NewID("l"), State: store.StateActive, Default: true}))
	var convs []string
	for i := range people {
		c := newConversation(fmt.Sprint("u_", i), "", time.Now())
		_, _, err := t.CreateConversation(ctx, c)
		must(b, err)
		convs = append(convs, c.ID)
	}
	return t, convs
}

const (
	question = "Minha internet está lenta desde ontem à noite, o que posso fazer para resolver?"
	answered = "Vamos verificar juntos. Primeiro, reinicie a ONU e aguarde dois minutos; depois, faça um teste de velocidade com um cabo. "
)

// admit does what the hub asks the store for before it accepts a message, and returns the answer's id.
func admit(ctx context.Context, t *store.Tenant, user, conv string) (run, msg string, err error) {
	cid := store.NewID("x")
	run = "r_" + cid[2:]
	if _, err = t.Conversation(ctx, conv); err != nil {
		return
	}
	if _, err = t.MessageByCID(ctx, conv, user, cid); err != store.ErrNotFound {
		return "", "", fmt.Errorf("message: %w", err)
	}
	p, err := t.PlanOf(ctx, user)
	if err != nil {
		return
	}
	if _, _, err = t.LLMConfigs(ctx); err != nil {
		return
	}
	if _, err = t.Messages(ctx, conv, "", 40); err != nil {
		return
	}
	if err = t.ClaimConversation(ctx, conv, run, 0); err != nil {
		return
	}
	if _, err = t.Reserve(ctx, user, run, p, 400); err != nil {
		return
	}
	now := time.Now()
	m := store.Interaction{ID: store.NewID("m"), ConversationID: conv, Role: store.RoleUser, Author: user, Text: question, CID: cid, At: now}
	if err = t.AddMessage(ctx, m); err != nil {
		return
	}
	a := store.Interaction{ID: store.NewID("m"), ConversationID: conv, Role: store.RoleAssistant, Author: "ia", Parent: m.ID, CID: run, At: now,
		Run: &store.Run{ID: run, UserID: user, State: store.RunAccepted, Fence: 1, LeaseUntil: now.Add(6 * time.Second), StartedAt: now}}
	return run, a.ID, t.AddMessage(ctx, a)
}

// conclude does what the hub asks for while an answer streams and when it ends.
func conclude(ctx context.Context, t *store.Tenant, user, conv, run, msg string) error {
	text := ""
	for range 3 {
		text += answered
		if err := t.Checkpoint(ctx, msg, 1, store.Progress{Text: text, LeaseUntil: time.Now().Add(6 * time.Second)}); err != nil {
			return err
		}
	}
	if err := t.FinishRun(ctx, msg, 1, store.Final{Text: text, State: store.RunComplete, Usage: store.Usage{In: 80, Out: 90}}); err != nil {
		return err
	}
	if err := t.Settle(ctx, user, run, 170, false); err != nil {
		return err
	}
	if err := t.MarkSettled(ctx, msg); err != nil {
		return err
	}
	return t.ReleaseConversation(ctx, conv, run)
}

// BenchmarkAdmission shows what a message costs at a steady 200 messages a second (AIHUB_BENCH_RATE), answers included.
func BenchmarkAdmission(b *testing.B) {
	rate := 200
	if n, err := strconv.Atoi(os.Getenv("AIHUB_BENCH_RATE")); err == nil {
		rate = n
	}
	eachEngineB(b, func(b *testing.B, open func(string) *store.Store) {
		t, convs := benchTenant(b, open("admission"), 400)
		ctx := b.Context()
		var mu sync.Mutex
		var took []time.Duration
		var wg sync.WaitGroup
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for i := 0; b.Loop(); i++ {
			<-tick.C
			due := time.Now() // not when the tick was due: the runtime's idle timers are up to a millisecond late
			wg.Go(func() {
				user, conv := fmt.Sprint("u_", i%len(convs)), convs[i%len(convs)]
				run, msg, err := admit(ctx, t, user, conv)
				d := time.Since(due)
				if err == nil {
					err = conclude(ctx, t, user, conv, run, msg)
				}
				if err != nil && err != store.ErrConflict {
					b.Error(err)
				}
				mu.Lock()
				took = append(took, d)
				mu.Unlock()
			})
		}
		wg.Wait()
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkMessage shows what each step of a message costs alone.
func BenchmarkMessage(b *testing.B) {
	eachEngineB(b, func(b *testing.B, open func(string) *store.Store) {
		t, convs := benchTenant(b, open("message"), 1)
		ctx, conv := b.Context(), convs[0]
		for range 20 {
			run, msg, err := admit(ctx, t, "u_0", conv)
			must(b, err)
			must(b, conclude(ctx, t, "u_0", conv, run, msg))
		}
		p, err := t.PlanOf(ctx, "u_0")
		must(b, err)
		last, err := t.Messages(ctx, conv, "", 2)
		must(b, err)
		answer := last[0]
		for _, step := range []struct {
			name string
			do   func() error
		}{
			{"Conversation", func() error { _, err := t.Conversation(ctx, conv); return err }},
			{"MessageByCID", func() error { _, err := t.MessageByCID(ctx, conv, "u_0", last[1].CID); return err }},
			{"RunByID", func() error { _, err := t.RunByID(ctx, answer.Run.ID); return err }},
			{"PlanOf", func() error { _, err := t.PlanOf(ctx, "u_0"); return err }},
			{"LLMConfigs", func() error { _, _, err := t.LLMConfigs(ctx); return err }},
			{"Messages40", func() error { _, err := t.Messages(ctx, conv, "", 40); return err }},
			{"Claim", func() error { return t.ClaimConversation(ctx, conv, "r_same", 0) }},
			{"ReserveAndSettle", func() error {
				run := store.NewID("r")
				user := run[len(run)-2:] // one person does not write a thousand messages a second
				if _, err := t.Reserve(ctx, user, run, p, 400); err != nil {
					return err
				}
				return t.Settle(ctx, user, run, 170, false)
			}},
			{"AddMessage", func() error {
				id := store.NewID("m")
				return t.AddMessage(ctx, store.Interaction{ID: id, ConversationID: "c_other", Role: store.RoleUser, Author: "u_0", Text: question, CID: id, At: time.Now()})
			}},
			{"SetMessagePlace", func() error { return t.SetMessagePlace(ctx, answer.ID, "e", 1) }},
		} {
			b.Run(step.name, func(b *testing.B) {
				for b.Loop() {
					if err := step.do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}
