package sqlitedoc

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"

	"aihub/store/internal/doc"
	"aihub/store/internal/doctest"
)

func openBench(b *testing.B) *engine {
	b.Helper()
	opened, err := Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = opened.Close(b.Context()) })
	if err := opened.Migrate(b.Context(), doctest.Indexes); err != nil {
		b.Fatal(err)
	}
	return opened.(*engine)
}

func BenchmarkScale(b *testing.B) {
	doctest.Scale(b, func(b *testing.B, l doctest.Layout) doc.Engine {
		e := openBench(b)
		tx, err := e.write.db.BeginTx(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		st, err := tx.Prepare(`INSERT INTO docs (tenant, coll, id, body) VALUES (?, 'notes', ?, json_set(?, '$.id', ?, '$.distribuidor_id', ?))`)
		if err != nil {
			b.Fatal(err)
		}
		for i := range l.Notes {
			body, err := json.Marshal(l.Note(i), marshal)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := st.Exec(l.Tenant(i), doctest.NoteID(i), string(body), doctest.NoteID(i), l.Tenant(i)); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
		return e
	})
}

// BenchmarkOverhead compares with prepared statements of the same driver, by which a program would do only this.
func BenchmarkOverhead(b *testing.B) {
	e := openBench(b)
	insert, err := e.write.db.Prepare(`INSERT INTO docs (tenant, coll, id, body) VALUES (?, ?, ?, ?)`)
	if err != nil {
		b.Fatal(err)
	}
	page, err := e.read.db.Prepare(`SELECT body FROM docs WHERE tenant = ? AND coll = 'notes' AND json_extract(body, '$."conv"') = ? ORDER BY json_extract(body, '$."at"') DESC, id DESC LIMIT 50`)
	if err != nil {
		b.Fatal(err)
	}
	doctest.Overhead(b, e, func(i int) error {
		body, err := json.Marshal(doctest.Alone.Note(i), marshal)
		if err != nil {
			return err
		}
		_, err = insert.ExecContext(b.Context(), "bare", "notes", fmt.Sprint("bare", doctest.NoteID(i)), string(body))
		return err
	}, func(int) error {
		rows, err := page.QueryContext(b.Context(), "a", "c5")
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		var out []doctest.Decoded
		for rows.Next() {
			var body []byte
			if err := rows.Scan(&body); err != nil {
				return err
			}
			var v doctest.Decoded
			if err := json.Unmarshal(body, &v, unmarshal); err != nil {
				return err
			}
			out = append(out, v)
		}
		if len(out) == 0 {
			return errors.New("no rows")
		}
		return rows.Err()
	})
}
