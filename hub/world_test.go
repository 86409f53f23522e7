package hub_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.opentelemetry.io/otel/trace"

	"aihub/hub"
	"aihub/hub/natsbus"
	"aihub/llm"
	"aihub/llm/knowledge"
	"aihub/store"
)

// A world is what hubs share: a real store, a real bus server and a real model server, with two tenants.
type world struct {
	t        testing.TB
	store    *store.Store
	nats     *server.Server
	upstream *upstream
	sealer   *llm.Sealer
	voided   sync.Map // tokens that no longer serve, with the code of the refusal
	roles    sync.Map // of people whose role is not the one they were made with
	hubs     atomic.Int64
	dir      string
	tracer   trace.Tracer         // of the hubs that are started from now on
	alerted  func(store.TenantID) // the same
}

// people of every tenant, by the name before the @, with their roles.
var people = map[string]string{"usuario": store.RoleParticipant, "outro": store.RoleParticipant, "supervisor": store.RoleSupervisor,
	"segundo": store.RoleSupervisor, "admin": store.RoleAdmin}

var unlimited = store.Plan{ID: "p_livre", Name: "Livre", Default: true, AllowGlobalKey: true}

func newWorld(t testing.TB, plan store.Plan) *world {
	t.Helper()
	w := &world{t: t, upstream: newUpstream(t), dir: t.TempDir()}
	var err error
	w.store = w.open()
	if w.sealer, err = llm.NewSealer(make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	w.nats, err = server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	w.nats.Start()
	t.Cleanup(func() { w.nats.Shutdown(); w.nats.WaitForShutdown() })
	if !w.nats.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server is not ready")
	}
	populate(t, w.store, plan, w.upstream.url())
	return w
}

// populate makes two tenants with the same people, a plan and a model for all.
func populate(t testing.TB, s *store.Store, plan store.Plan, upstream string) {
	t.Helper()
	ctx := context.Background()
	for _, slug := range []string{"alfa", "beta"} {
		must(t, s.Directory().CreateTenant(ctx, store.Profile{ID: tenantID(t, slug), Slug: slug, Name: strings.ToUpper(slug), State: store.StateActive}))
		tenant := s.Tenant(tenantID(t, slug))
		for name, role := range people {
			must(t, tenant.CreateUser(ctx, store.User{ID: "u_" + slug + "_" + name, Email: name + "@" + slug + ".example", Name: name, Role: role, State: store.StateActive}))
		}
	}
	must(t, s.Global().CreatePlan(ctx, plan))
	must(t, s.Global().CreateLLMConfig(ctx, store.LLMConfig{ID: "l_global", Name: "Teste", Provider: "openai", BaseURL: upstream, DefaultModel: "modelo",
		State: store.StateActive, Default: true}))
}

func tenantID(t testing.TB, s string) store.TenantID {
	t.Helper()
	id, err := store.ParseTenantID(s)
	must(t, err)
	return id
}

func (w *world) tenant(slug string) *store.Tenant { return w.store.Tenant(tenantID(w.t, slug)) }

// bus is a connection of its own to the world's bus server.
func (w *world) bus() *natsbus.Bus {
	w.t.Helper()
	b, err := natsbus.Connect(context.Background(), w.nats.ClientURL(), 1, slog.New(slog.DiscardHandler))
	must(w.t, err)
	w.t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}

// hub starts an instance. It is closed at the end of the test.
func (w *world) hub() *hub.Hub { return w.hubOn(w.bus()) }

func (w *world) hubOn(b hub.Bus) *hub.Hub { return w.hubOver(w.store, b) }

// open opens the store once more, as a program of its own does.
func (w *world) open() *store.Store {
	w.t.Helper()
	s, err := store.Open(context.Background(), "sqlite:"+filepath.Join(w.dir, "aihub.db"), store.Options{Logger: slog.New(slog.DiscardHandler)})
	must(w.t, err)
	w.t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func (w *world) hubOver(s *store.Store, b hub.Bus) *hub.Hub {
	client := llm.New(llm.Options{})
	n := w.hubs.Add(1)
	h := hub.New(hub.Options{Store: s, Bus: b, LLM: client, Sealer: w.sealer, Auth: w, Logger: logger(w.t), Instance: fmt.Sprintf("i%d", n), Drain: time.Second,
		Library: knowledge.NewLibrary(hub.KnowledgeOf(s)), Tracer: w.tracer, Alerted: w.alerted})
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			w.t.Errorf("closing a hub: %v", err)
		}
		client.Close()
	})
	return h
}

// logger shows what hubs log when a test fails or runs verbosely.
func logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(&testWriter{t: t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

type testWriter struct {
	mu sync.Mutex
	t  testing.TB
}

func (w *testWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if testing.Verbose() {
		fmt.Print("        hub: ", string(p))
	}
	return len(p), nil
}

// Authenticate implements hub.Authenticator. A token is TENANT/PERSON or TENANT/PERSON/SECONDS; PERSON+N is another one of
// the same role.
func (w *world) Authenticate(_ context.Context, token string) (hub.Principal, error) {
	if code, ok := w.voided.Load(token); ok {
		return hub.Principal{}, hub.E(code.(string))
	}
	parts := strings.Split(token, "/")
	kind := ""
	if len(parts) > 1 {
		kind, _, _ = strings.Cut(parts[1], "+")
	}
	if people[kind] == "" || (parts[0] != "alfa" && parts[0] != "beta") {
		return hub.Principal{}, hub.E("unauthenticated")
	}
	id, err := store.ParseTenantID(parts[0])
	if err != nil {
		return hub.Principal{}, hub.E("unauthenticated")
	}
	p := hub.Principal{Tenant: w.store.Tenant(id), Profile: store.Profile{ID: id, Slug: parts[0], Name: strings.ToUpper(parts[0])},
		User: "u_" + parts[0] + "_" + parts[1], Name: parts[1], Role: people[kind], Expires: time.Now().Add(time.Hour)}
	if role, ok := w.roles.Load(p.User); ok {
		p.Role = role.(string)
	}
	if len(parts) == 3 {
		seconds, err := strconv.Atoi(parts[2])
		if err != nil {
			return hub.Principal{}, hub.E("unauthenticated")
		}
		p.Expires = time.Now().Add(time.Duration(seconds) * time.Second)
	}
	return p, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until a condition of the store or of another goroutine holds.
func eventually(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
