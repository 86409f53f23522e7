package mongodoc_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"aihub/store/internal/doc"
	"aihub/store/internal/doctest"
	"aihub/store/internal/mongodoc"
)

// TestEngine needs a server at TEST_MONGODB_URI. Where CI is set, lacking one is a failure.
func TestEngine(t *testing.T) {
	uri := os.Getenv("TEST_MONGODB_URI")
	if uri == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("TEST_MONGODB_URI is not set: the MongoDB engine must be tested in CI")
		}
		t.Skip("set TEST_MONGODB_URI to test the MongoDB engine")
	}
	admin, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Disconnect(context.Background()) }()
	n := 0
	doctest.Run(t, func(t *testing.T) doc.Engine {
		n++
		name := fmt.Sprintf("aihub_test_%d_%d", time.Now().UnixNano(), n)
		watch := &scopeWatch{t: t}
		eng, err := mongodoc.Open(t.Context(), uri, name, &event.CommandMonitor{Started: watch.started})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := admin.Database(name).Drop(context.Background()); err != nil {
				t.Error(err)
			}
			if err := eng.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return eng
	})
}

// scopeWatch fails the test when a command on a collection lacks the tenant. Reads across tenants have an empty filter
// and nothing else in this suite.
type scopeWatch struct {
	t  *testing.T
	mu sync.Mutex
}

func (w *scopeWatch) started(_ context.Context, e *event.CommandStartedEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, list := range []string{"updates", "deletes"} {
		values, err := e.Command.LookupErr(list)
		if err != nil {
			continue
		}
		items, _ := values.Array().Values()
		for _, item := range items {
			w.check(e.CommandName, item.Document().Lookup("q").Document())
		}
	}
	if e.CommandName == "find" {
		filter := e.Command.Lookup("filter").Document()
		if elements, _ := filter.Elements(); len(elements) > 0 {
			w.check(e.CommandName, filter)
		}
	}
	if e.CommandName == "insert" {
		items, _ := e.Command.Lookup("documents").Array().Values()
		for _, item := range items {
			w.check(e.CommandName, item.Document())
		}
	}
}

func (w *scopeWatch) check(command string, filter bson.Raw) {
	if _, err := filter.LookupErr("distribuidor_id"); err != nil {
		w.t.Errorf("%s without distribuidor_id: %s", command, filter)
	}
}
