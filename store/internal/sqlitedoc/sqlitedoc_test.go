package sqlitedoc_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"aihub/store/internal/doc"
	"aihub/store/internal/doctest"
	"aihub/store/internal/sqlitedoc"
)

func TestEngine(t *testing.T) {
	doctest.Run(t, func(t *testing.T) doc.Engine {
		eng, err := sqlitedoc.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := eng.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
		return eng
	})
}

func TestAnyNameOfAFolderKeepsTheFileInIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a#b?c%20d é")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "test.db")
	eng, err := sqlitedoc.Open(t.Context(), file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	copied := filepath.Join(dir, "copy.db")
	if err := sqlitedoc.Backup(t.Context(), file, copied); err != nil {
		t.Error(err)
	}
	if err := eng.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := sqlitedoc.Restore(t.Context(), copied, filepath.Join(dir, "restored.db")); err != nil {
		t.Error(err)
	}
}
