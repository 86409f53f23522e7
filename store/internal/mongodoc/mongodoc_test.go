package mongodoc_test

import (
	"context"
	"fmt"
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
		eng, err := mongodoc.Open(t.Context(), uri, name, mongodoc.Options{Commands: testdb.ScopeWatch(t, "notes")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := testdb.Drop(uri, name); err != nil {
				t.Error(err)
			}
			if err := eng.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return eng
	})
}
