package sqlitedoc

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"aihub/store/internal/doc"
)

// What a query costs must not grow with what it does not look for: each finds its rows by the index made for it.
func TestQueriesUseTheirIndexes(t *testing.T) {
	ctx := t.Context()
	opened, err := Open(ctx, filepath.Join(t.TempDir(), "plan.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e := opened.(*engine)
	defer func() { _ = e.Close(ctx) }()
	indexes := []doc.Index{
		{Coll: "m", Fields: []string{"id"}},
		{Coll: "m", Fields: []string{"conv", "id"}},
		{Coll: "m", Fields: []string{"run.id"}, Where: "run.id"},
		{Coll: "m", Fields: []string{"pending"}, Where: "pending"},
		{Coll: "m", Fields: []string{"conv", "author", "cid"}, Unique: true, Where: "cid"},
		{Coll: "c", Fields: []string{"user", "at"}},
		{Coll: "c", Fields: []string{"at"}},
	}
	if err := e.Migrate(ctx, indexes); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		coll, uses string
		q          doc.Query
		sorts      bool
	}{
		{"m", "sqlite_autoindex_docs_1 (tenant=? AND coll=? AND id=?)", doc.Query{Where: []doc.Cond{doc.Eq("id", "x")}, Limit: 1}, false},
		{"m", "sqlite_autoindex_docs_1 (tenant=? AND coll=? AND id>?)", doc.Query{Past: &doc.Place{ID: "x"}, Limit: 50}, false},
		{"m", "ix_m_conv_id (tenant=? AND <expr>=?)", doc.Query{Where: []doc.Cond{doc.Eq("conv", "x")}, Desc: true, Limit: 40}, false},
		{"m", "ix_m_conv_id (tenant=? AND <expr>=? AND id<?)", doc.Query{Where: []doc.Cond{doc.Eq("conv", "x"), doc.Before("id", "y")}, Desc: true, Limit: 40}, false},
		{"m", "ix_m_conv_id (tenant=? AND <expr>=?)", doc.Query{Where: []doc.Cond{doc.In("conv", []string{"x", "y"}), doc.Contains("text", "z")}, Desc: true, Limit: 40}, true},
		{"m", "ixp_m_run_id (tenant=? AND <expr>=?)", doc.Query{Where: []doc.Cond{doc.Eq("run.id", "x"), doc.After("run.id", "")}, Limit: 1}, true},
		{"m", "ixp_m_pending (tenant=? AND <expr>=?)", doc.Query{Where: []doc.Cond{doc.Eq("pending", "x"), doc.After("pending", ""), doc.Before("at", 5)}, Limit: 50}, true},
		{"m", "uxp_m_conv_author_cid (tenant=? AND <expr>=? AND <expr>=? AND <expr>=?)",
			doc.Query{Where: []doc.Cond{doc.Eq("conv", "x"), doc.Eq("author", "x"), doc.Eq("cid", "x"), doc.After("cid", "")}, Limit: 1}, false},
		{"c", "ix_c_user_at (tenant=? AND <expr>=?", doc.Query{Where: []doc.Cond{doc.Eq("user", "x"), doc.Ne("state", "y")}, Sort: "at", Desc: true, Limit: 50}, true},
		{"c", "ix_c_user_at (tenant=? AND <expr>=?", doc.Query{Where: []doc.Cond{doc.Eq("user", "x")}, Sort: "at", Desc: true, Limit: 50, Past: &doc.Place{Value: 5, ID: "x"}}, true},
		{"c", "ix_c_at (tenant=? AND <expr><?)", doc.Query{Where: []doc.Cond{doc.Before("at", 5)}, Sort: "at", Limit: 50}, true},
	} {
		stmt, args, err := e.selection(doc.TenantScope("a"), test.coll, test.q)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := e.read.db.QueryContext(ctx, "EXPLAIN QUERY PLAN "+stmt, args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		_ = rows.Close()
		all := strings.Join(plan, "; ")
		if !strings.Contains(all, "SEARCH docs USING INDEX "+test.uses) || strings.Contains(all, "TEMP B-TREE FOR ORDER BY") && !test.sorts {
			t.Errorf("%s:\nplan %s\nwant %s", fmt.Sprintf("%+v", test.q), all, test.uses)
		}
	}
}
