// Package testdb finds the servers that the store's tests run on, and watches what is asked of them.
package testdb

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

// Mongo returns the address of the MongoDB server to test on: TEST_MONGODB_URI, MONGODB_URI, or the server that
// e2e/mongodb/server has started. Without one the test is skipped; where CI is set, that is a failure.
func Mongo(tb testing.TB) string {
	tb.Helper()
	if uri := findMongo(); uri != "" {
		return uri
	}
	if os.Getenv("CI") != "" {
		tb.Fatal("no MongoDB server: the engine must be tested in CI; start one with e2e/mongodb/server up")
	}
	tb.Skip("no MongoDB server; start one with e2e/mongodb/server up")
	return ""
}

var findMongo = sync.OnceValue(func() string {
	for _, name := range []string{"TEST_MONGODB_URI", "MONGODB_URI"} {
		if uri := os.Getenv(name); uri != "" {
			return uri
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		script := filepath.Join(dir, "e2e", "mongodb", "server")
		if _, err := os.Stat(script); err == nil {
			out, err := exec.Command(script, "uri").Output()
			if err != nil {
				return ""
			}
			return strings.TrimSpace(string(out))
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
})

// Drop deletes the database that an address names.
func Drop(uri string) error {
	address, err := connstring.ParseAndValidate(uri)
	if err != nil {
		return err
	}
	c, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return err
	}
	defer func() { _ = c.Disconnect(context.Background()) }()
	return c.Database(address.Database).Drop(context.Background())
}

// ScopeWatch fails the test for every command whose filter, or whose document, does not begin with distribuidor_id. Only
// the named collections may be read across tenants.
func ScopeWatch(tb testing.TB, readAcross ...string) *event.CommandMonitor {
	across := map[string]bool{}
	for _, name := range readAcross {
		across[name] = true
	}
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		coll, _ := e.Command.Index(0).Value().StringValueOK()
		switch e.CommandName {
		case "find":
			filter := e.Command.Lookup("filter").Document()
			if first(filter) != "distribuidor_id" && !across[coll] {
				tb.Errorf("find in %s begins with %q, not with distribuidor_id: %s", coll, first(filter), filter)
			}
		case "update", "delete":
			for _, item := range list(e.Command, e.CommandName+"s") {
				if q := item.Document().Lookup("q").Document(); first(q) != "distribuidor_id" {
					tb.Errorf("%s in %s begins with %q, not with distribuidor_id: %s", e.CommandName, coll, first(q), q)
				}
				if many, ok := item.Document().Lookup("multi").BooleanOK(); ok && many {
					tb.Errorf("%s of many documents in %s", e.CommandName, coll)
				}
			}
		case "insert":
			for _, item := range list(e.Command, "documents") {
				if _, err := item.Document().LookupErr("distribuidor_id"); err != nil {
					tb.Errorf("insert into %s without distribuidor_id", coll)
				}
			}
		case "aggregate", "count", "distinct", "findAndModify", "mapReduce", "bulkWrite":
			tb.Errorf("%s in %s: the contract does not need it, and nothing here checks its tenant", e.CommandName, coll)
		}
	}}
}

func first(d bson.Raw) string {
	if e, err := d.IndexErr(0); err == nil {
		return e.Key()
	}
	return ""
}

func list(command bson.Raw, name string) []bson.RawValue {
	values, _ := command.Lookup(name).Array().Values()
	return values
}
