package sqlitedoc

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"aihub/store/internal/doc"
)

type page struct {
	Text string `bson:"text" json:"text"`
}

// A full disk refuses writes and nothing else, and what made room is enough to go on.
func TestAFullDiskRefusesWritesUntilThereIsRoom(t *testing.T) {
	ctx := t.Context()
	opened, err := Open(ctx, filepath.Join(t.TempDir(), "full.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e := opened.(*engine)
	defer func() { _ = e.Close(ctx) }()
	pages := func(n int) {
		t.Helper()
		if _, err := e.write.db.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	pages(40)
	c := doc.Coll[page]{Eng: e, Scope: doc.TenantScope("a"), Name: "pages"}
	text := strings.Repeat("x", 3000)
	n := 0
	for ; ; n++ {
		if err = c.Insert(ctx, fmt.Sprint(n), page{text}); err != nil {
			break
		}
	}
	if !errors.Is(err, doc.ErrUnavailable) || n < 10 {
		t.Fatalf("after %d rows: %v", n, err)
	}
	if _, err := c.Update(ctx, "0", nil, doc.Mod{Set: map[string]any{"text": text + text + text}}); !errors.Is(err, doc.ErrUnavailable) {
		t.Errorf("update: %v", err)
	}
	if err := e.Ready(ctx, nil); !errors.Is(err, doc.ErrUnavailable) {
		t.Errorf("ready: %v", err)
	}
	if list, err := c.Find(ctx, doc.Query{}); err != nil || len(list) != n || list[0].Text != text {
		t.Errorf("%d rows, %v", len(list), err)
	}
	pages(1000)
	if err := e.Ready(ctx, nil); err != nil {
		t.Error(err)
	}
	if err := c.Insert(ctx, "more", page{text}); err != nil {
		t.Error(err)
	}
}

// What is acknowledged must survive the process, and a crash of the machine must not damage the file.
func TestEveryConnectionWritesAheadAndSyncs(t *testing.T) {
	ctx := t.Context()
	opened, err := Open(ctx, filepath.Join(t.TempDir(), "journal.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e := opened.(*engine)
	defer func() { _ = e.Close(ctx) }()
	for _, db := range []*conns{e.write, e.read} {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "1", "busy_timeout": "5000"} {
			var got string
			if err := db.db.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %s, %v; want %s", pragma, got, err, want)
			}
		}
	}
}
