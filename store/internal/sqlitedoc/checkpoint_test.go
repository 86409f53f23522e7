package sqlitedoc

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aihub/store/internal/doc"
)

// The log is copied into the file beside the writers and begins anew, so that it does not grow with what is written.
func TestTheLogIsCopiedBesideTheWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.db")
	opened, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e := opened.(*engine)
	defer func() { _ = e.Close(t.Context()) }()
	type note struct {
		Text string `json:"text"`
	}
	coll := doc.Coll[note]{Eng: e, Scope: doc.TenantScope("a"), Name: "notes"}
	text := strings.Repeat("á", 4<<10) // three pages
	size := func(name string) int64 {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	var largest int64
	const n = 8000
	for i := range n {
		if err := coll.Insert(t.Context(), fmt.Sprint(i), note{text}); err != nil {
			t.Fatal(err)
		}
		largest = max(largest, size(path+"-wal"))
	}
	for end := time.Now().Add(10 * time.Second); size(path) < n*int64(len(text))/2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the file has %d bytes", size(path))
		}
	}
	if limit := int64(longLog*4<<10) + 32<<20; largest > limit {
		t.Errorf("the log grew to %d bytes", largest)
	}
	if got, err := coll.Get(t.Context(), fmt.Sprint(n-1)); err != nil || got.Text != text {
		t.Errorf("the last document: %v", err)
	}
}
