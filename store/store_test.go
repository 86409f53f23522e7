package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store"
	"aihub/store/internal/testdb"
)

// mongoName is the database of this run on the MongoDB server. All tests share it: tenants keep them apart.
var mongoName = fmt.Sprintf("aihub_test_%d_%d", time.Now().UnixNano(), os.Getpid())

func TestMain(m *testing.M) {
	if path := os.Getenv(crashChild); path != "" {
		writeUntilKilled(path)
		return
	}
	code := m.Run()
	mongoUsed.Range(func(spec, _ any) bool {
		if err := testdb.Drop(spec.(string)); err != nil {
			fmt.Fprintln(os.Stderr, "drop a test database:", err)
			code = 1
		}
		return true
	})
	os.Exit(code)
}

// mongoUsed are the addresses of the databases that this run has used.
var mongoUsed sync.Map

// A database is one engine, empty but for other tests' tenants.
type database struct {
	t     *testing.T
	spec  string
	clock *clock
	s     *store.Store
}

// clock is the time a store believes in.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	c.t = t
	c.mu.Unlock()
}

var noon = time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC) // 12:00 in São Paulo

// eachEngine runs a test on SQLite and on MongoDB.
func eachEngine(t *testing.T, test func(t *testing.T, d *database)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, openDatabase(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db")))
	})
	t.Run("mongodb", func(t *testing.T) {
		test(t, openDatabase(t, testdb.Mongo(t)+mongoName))
	})
}

func openDatabase(t *testing.T, spec string) *database {
	if strings.HasPrefix(spec, "mongodb") {
		mongoUsed.Store(spec, true)
	}
	d := &database{t: t, spec: spec, clock: &clock{t: noon}}
	d.s = d.open()
	return d
}

// open opens the database once more, as another instance would.
func (d *database) open() *store.Store {
	d.t.Helper()
	o := store.Options{Now: d.clock.now, Logger: slog.New(slog.DiscardHandler)}
	s, err := store.Open(d.t.Context(), d.spec, o.WithCommands(testdb.ScopeWatch(d.t, "distribuidores", "chaves_widget")))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			d.t.Error(err)
		}
	})
	return s
}

var tenants atomic.Int64

// tenant makes a tenant that no other test has.
func (d *database) tenant(zone string) *store.Tenant {
	d.t.Helper()
	id, err := store.ParseTenantID(fmt.Sprintf("t%d-%d", os.Getpid(), tenants.Add(1)))
	must(d.t, err)
	must(d.t, d.s.Directory().CreateTenant(d.t.Context(), store.Profile{ID: id, Slug: id.String(), Name: "Loja", TimeZone: zone, State: store.StateActive}))
	return d.s.Tenant(id)
}

// apart is an empty database of the same engine that no other test uses.
func (d *database) apart(t *testing.T) *database {
	t.Helper()
	if strings.HasPrefix(d.spec, "mongodb") {
		return openDatabase(t, fmt.Sprint(d.spec, "_", tenants.Add(1)))
	}
	return openDatabase(t, "sqlite:"+filepath.Join(t.TempDir(), "apart.db"))
}

// on is the same tenant through another instance.
func (d *database) on(s *store.Store, t *store.Tenant) *store.Tenant { return s.Tenant(t.ID()) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t testing.TB, err, want error, what string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// race runs f n times at once.
func race(n int, f func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}
