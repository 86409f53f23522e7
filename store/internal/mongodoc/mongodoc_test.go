package mongodoc_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"aihub/store/internal/doc"
	"aihub/store/internal/doctest"
	"aihub/store/internal/mongodoc"
	"aihub/store/internal/testdb"
)

func TestEngine(t *testing.T) {
	uri := testdb.Mongo(t)
	n := 0
	doctest.Run(t, func(t *testing.T) doc.Engine {
		n++
		name := fmt.Sprintf("aihub_test_%d_%d", time.Now().UnixNano(), n)
		eng, err := mongodoc.Open(t.Context(), uri+name, mongodoc.Options{Commands: testdb.ScopeWatch(t, "notes")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := testdb.Drop(uri + name); err != nil {
				t.Error(err)
			}
			if err := eng.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return eng
	})
}

func TestAnAddressThatIsNoneIsRefusedWithoutBeingQuoted(t *testing.T) {
	for _, uri := range []string{"", "mongodb://", "http://u:geheim@127.0.0.1/", "mongodb://u:ge%zzheim@127.0.0.1/", "mongodb://u:geheim@127.0.0.1:port/"} {
		_, err := mongodoc.Open(t.Context(), uri, mongodoc.Options{})
		if err == nil || strings.Contains(err.Error(), "heim") {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

func TestTheAddressNamesTheDatabase(t *testing.T) {
	for uri, want := range map[string]string{"mongodb://127.0.0.1:1": "aihub", "mongodb://127.0.0.1:1/": "aihub", "mongodb://127.0.0.1:1/other": "other",
		"mongodb://127.0.0.1:1,127.0.0.1:2/other?replicaSet=x": "other", "mongodb://u:p%40ss@127.0.0.1:1/other": "other"} {
		if got, err := mongodoc.DatabaseOf(uri); err != nil || got != want {
			t.Errorf("%s names %q, %v; want %q", uri, got, err, want)
		}
	}
}
