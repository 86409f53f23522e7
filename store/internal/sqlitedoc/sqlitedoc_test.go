package sqlitedoc_test

import (
	"log/slog"
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
