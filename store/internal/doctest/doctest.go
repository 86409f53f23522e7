// Package doctest checks that an engine keeps the contract of package doc.
package doctest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store/internal/doc"
)

type note struct {
	ID     string            `bson:"id" json:"id"`
	Conv   string            `bson:"conv" json:"conv"`
	Text   string            `bson:"text" json:"text"`
	CID    string            `bson:"cid" json:"cid"`
	Used   int64             `bson:"used" json:"used"`
	At     time.Time         `bson:"at" json:"at"`
	Counts map[string]count  `bson:"counts" json:"counts"`
	Marks  map[string]string `bson:"marks" json:"marks"`
}

type count struct {
	N int64 `bson:"n" json:"n"`
}

// Indexes are what the suite's collection needs.
var Indexes = []doc.Index{
	{Coll: "notes", Fields: []string{"conv", "at"}},
	{Coll: "notes", Fields: []string{"conv", "cid"}, Unique: true, Where: "cid"},
}

type colls struct {
	eng               doc.Engine
	a, b, global, all doc.Coll[note]
}

// Run runs the suite. open returns an empty engine for each test.
func Run(t *testing.T, open func(t *testing.T) doc.Engine) {
	for name, test := range map[string]func(t *testing.T, c colls){
		"insert and get":                          insertAndGet,
		"tenants do not meet":                     tenantsDoNotMeet,
		"no tenant, no operation":                 noTenant,
		"everywhere only reads":                   everywhereOnlyReads,
		"global rows belong to no tenant":         globalRows,
		"a unique index arbitrates":               uniqueIndex,
		"pages backwards by id":                   pages,
		"sorts by a field, then by id":            sorts,
		"pages go on where the last one ended":    pagesGoOn,
		"finds words in any case and accent":      words,
		"one of several values":                   oneOf,
		"a foreign shape is skipped":              foreignShape,
		"a page is filled up past foreign shapes": filledPage,
		"a path is made of plain names":           plainPaths,
		"an absent map can be set below":          absentMap,
		"conditions decide":                       conditions,
		"missing counts as zero":                  missingIsZero,
		"dotted paths make and remove":            dottedPaths,
		"a limit holds under contention":          contention,
		"times compare":                           times,
		"any text survives":                       anyText,
		"a value is never an operator":            noOperators,
		"delete needs its conditions":             deletes,
		"a cancelled context ends the operation":  cancelled,
	} {
		t.Run(name, func(t *testing.T) {
			eng := open(t)
			must(t, eng.Migrate(t.Context(), Indexes))
			coll := func(s doc.Scope) doc.Coll[note] { return doc.Coll[note]{Eng: eng, Scope: s, Name: "notes"} }
			test(t, colls{eng, coll(doc.TenantScope("dist-a")), coll(doc.TenantScope("dist-b")), coll(doc.GlobalScope()), coll(doc.EverywhereScope())})
		})
	}
	t.Run("a missing index is not ready", func(t *testing.T) {
		eng := open(t)
		if eng.Ready(t.Context(), Indexes) == nil {
			t.Error("ready without indexes")
		}
		var wg sync.WaitGroup
		for range 4 { // several instances start at once
			wg.Go(func() {
				if err := eng.Migrate(t.Context(), Indexes); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		must(t, eng.Ready(t.Context(), Indexes))
	})
}

func insertAndGet(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{Text: "hi"}))
	got, err := c.a.Get(t.Context(), "1")
	must(t, err)
	if got.Text != "hi" || got.ID != "1" {
		t.Errorf("got %+v", got)
	}
	if err := c.a.Insert(t.Context(), "1", note{}); !errors.Is(err, doc.ErrExists) {
		t.Errorf("second insert: %v, want ErrExists", err)
	}
	if _, err := c.a.Get(t.Context(), "2"); !errors.Is(err, doc.ErrNotFound) {
		t.Errorf("missing: %v, want ErrNotFound", err)
	}
}

func tenantsDoNotMeet(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{Text: "a", Conv: "x", CID: "1"}))
	must(t, c.b.Insert(t.Context(), "1", note{Text: "b", Conv: "x", CID: "1"}))
	must(t, c.a.Insert(t.Context(), "2", note{Text: "a"}))
	ok, err := c.b.Update(t.Context(), "1", nil, doc.Mod{Set: map[string]any{"text": "changed"}})
	must(t, err)
	foreign, err := c.b.Update(t.Context(), "2", nil, doc.Mod{Set: map[string]any{"text": "changed"}})
	must(t, err)
	deleted, err := c.eng.Delete(t.Context(), c.b.Scope, "notes", "2", nil)
	must(t, err)
	got, err := c.a.Find(t.Context(), doc.Query{})
	must(t, err)
	if !ok || foreign || deleted || len(got) != 2 || got[0].Text != "a" || got[1].Text != "a" {
		t.Errorf("own update %v, foreign update %v, foreign delete %v, a has %+v", ok, foreign, deleted, got)
	}
}

func noTenant(t *testing.T, c colls) {
	for _, scope := range []doc.Scope{{}, doc.TenantScope("")} {
		zero := doc.Coll[note]{Eng: c.eng, Scope: scope, Name: "notes"}
		_, find := zero.Find(t.Context(), doc.Query{})
		_, update := zero.Update(t.Context(), "1", nil, doc.Mod{Inc: map[string]int64{"used": 1}})
		_, remove := c.eng.Delete(t.Context(), scope, "notes", "1", nil)
		for what, err := range map[string]error{"insert": zero.Insert(t.Context(), "1", note{}), "find": find, "update": update, "delete": remove} {
			if !errors.Is(err, doc.ErrNoScope) {
				t.Errorf("%s: %v, want ErrNoScope", what, err)
			}
		}
	}
}

func everywhereOnlyReads(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{Text: "a"}))
	must(t, c.b.Insert(t.Context(), "2", note{Text: "b"}))
	got, err := c.all.Find(t.Context(), doc.Query{})
	must(t, err)
	_, update := c.all.Update(t.Context(), "1", nil, doc.Mod{Inc: map[string]int64{"used": 1}})
	_, remove := c.eng.Delete(t.Context(), c.all.Scope, "notes", "1", nil)
	if insert := c.all.Insert(t.Context(), "3", note{}); len(got) != 2 || !errors.Is(insert, doc.ErrNoScope) ||
		!errors.Is(update, doc.ErrNoScope) || !errors.Is(remove, doc.ErrNoScope) {
		t.Errorf("found %d; insert %v, update %v, delete %v", len(got), insert, update, remove)
	}
}

func globalRows(t *testing.T, c colls) {
	must(t, c.global.Insert(t.Context(), "1", note{Text: "global"}))
	must(t, c.a.Insert(t.Context(), "1", note{Text: "own"}))
	for _, test := range []struct {
		coll doc.Coll[note]
		want string
	}{{c.global, "global"}, {c.a, "own"}} {
		got, err := test.coll.Get(t.Context(), "1")
		must(t, err)
		if got.Text != test.want {
			t.Errorf("got %q, want %q", got.Text, test.want)
		}
	}
	if got, err := c.b.Find(t.Context(), doc.Query{}); err != nil || len(got) != 0 {
		t.Errorf("b sees %+v, %v", got, err)
	}
}

func uniqueIndex(t *testing.T, c colls) {
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			switch err := c.a.Insert(t.Context(), fmt.Sprint(i), note{Conv: "x", CID: "same"}); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, doc.ErrExists):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d inserts of one key succeeded", won.Load())
	}
	for i := range 3 { // the index leaves empty values alone
		must(t, c.a.Insert(t.Context(), fmt.Sprint("empty", i), note{Conv: "x"}))
	}
	must(t, c.a.Insert(t.Context(), "other", note{Conv: "y", CID: "same"}))
}

func pages(t *testing.T, c colls) {
	for i := range 9 {
		must(t, c.a.Insert(t.Context(), fmt.Sprint(i), note{Conv: fmt.Sprint(i % 2)}))
	}
	got, err := c.a.Find(t.Context(), doc.Query{Where: []doc.Cond{doc.Eq("conv", "0"), doc.Before("id", "8")}, Desc: true, Limit: 2})
	must(t, err)
	if ids(got) != "6 4 " {
		t.Errorf("got %s", ids(got))
	}
}

func sorts(t *testing.T, c colls) {
	base := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for i, at := range []int{3, 1, 2, 2} {
		must(t, c.a.Insert(t.Context(), fmt.Sprint(i), note{At: base.Add(time.Duration(at) * time.Second)}))
	}
	up, err := c.a.Find(t.Context(), doc.Query{Sort: "at"})
	must(t, err)
	down, err := c.a.Find(t.Context(), doc.Query{Sort: "at", Desc: true})
	must(t, err)
	if ids(up) != "1 2 3 0 " || ids(down) != "0 3 2 1 " {
		t.Errorf("up %s, down %s", ids(up), ids(down))
	}
}

func pagesGoOn(t *testing.T, c colls) {
	base := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for i := range 23 { // many of the very same time
		must(t, c.a.Insert(t.Context(), fmt.Sprintf("%02d", i), note{Conv: "x", At: base.Add(time.Duration(i/7) * time.Millisecond)}))
		must(t, c.b.Insert(t.Context(), fmt.Sprintf("%02d", i), note{Conv: "x", At: base}))
	}
	for _, q := range []doc.Query{{Sort: "at"}, {Sort: "at", Desc: true}, {}, {Desc: true}, {Sort: "at", Where: []doc.Cond{doc.Eq("conv", "x")}}} {
		all, err := c.a.Find(t.Context(), q)
		must(t, err)
		var paged []note
		q.Limit = 5
		for {
			page, err := c.a.Find(t.Context(), q)
			must(t, err)
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
			last := page[len(page)-1]
			q.Past = &doc.Place{Value: last.At, ID: last.ID}
		}
		if len(all) != 23 || ids(paged) != ids(all) {
			t.Errorf("%+v: pages %s, all %s", q, ids(paged), ids(all))
		}
	}
}

func words(t *testing.T, c colls) {
	for id, text := range map[string]string{"1": "Olá, não abre a MAÇÃ", "2": "cafe\u0301 com pão", "3": "a.c*(b)", "4": "nada"} {
		must(t, c.a.Insert(t.Context(), id, note{Text: text}))
	}
	must(t, c.b.Insert(t.Context(), "5", note{Text: "maçã de outra loja"}))
	for words, want := range map[string]string{"maca": "1 ", "MAÇÃ": "1 ", "NAO ABRE": "1 ", "café": "2 ", "pao": "2 ", ".c*(": "3 ", "a.c": "3 ", "axc": "", "$where": "",
		"a": "1 2 3 4 "} {
		got, err := c.a.Find(t.Context(), doc.Query{Where: []doc.Cond{doc.Contains("text", words)}})
		must(t, err)
		if ids(got) != want {
			t.Errorf("%q found %q, want %q", words, ids(got), want)
		}
	}
}

func oneOf(t *testing.T, c colls) {
	for i := range 5 {
		must(t, c.a.Insert(t.Context(), fmt.Sprint(i), note{Conv: fmt.Sprint("c", i)}))
	}
	for _, test := range []struct {
		values []string
		want   string
	}{{[]string{"c1", "c3", "c9"}, "1 3 "}, {[]string{}, ""}, {[]string{`c1"]`, "$ne"}, ""}} {
		got, err := c.a.Find(t.Context(), doc.Query{Where: []doc.Cond{doc.In("conv", test.values)}})
		must(t, err)
		if ids(got) != test.want {
			t.Errorf("%v found %q, want %q", test.values, ids(got), test.want)
		}
	}
}

// stranger is what an older or a careless program may have stored in the notes.
type stranger struct {
	Conv string `bson:"conv" json:"conv"`
	Used string `bson:"used" json:"used"`
}

func foreignShape(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{Conv: "x"}))
	must(t, doc.Coll[stranger]{Eng: c.eng, Scope: c.a.Scope, Name: "notes"}.Insert(t.Context(), "2", stranger{"x", "many"}))
	var skipped []string
	c.a.Skipped = func(coll, id string, err error) {
		skipped = append(skipped, fmt.Sprint(coll, "/", id, " ", err != nil))
	}
	got, err := c.a.Find(t.Context(), doc.Query{})
	must(t, err)
	if ids(got) != "1 " || len(skipped) != 1 || skipped[0] != "notes/2 true" {
		t.Errorf("found %s, skipped %v", ids(got), skipped)
	}
	if _, err := c.a.Get(t.Context(), "2"); !errors.Is(err, doc.ErrNotFound) {
		t.Errorf("get: %v, want ErrNotFound", err)
	}
}

func filledPage(t *testing.T, c colls) {
	strangers := doc.Coll[stranger]{Eng: c.eng, Scope: c.a.Scope, Name: "notes"}
	for i := range 20 {
		if i%3 == 0 {
			must(t, c.a.Insert(t.Context(), fmt.Sprintf("%02d", i), note{}))
			continue
		}
		must(t, strangers.Insert(t.Context(), fmt.Sprintf("%02d", i), stranger{Used: "x"}))
	}
	got, err := c.a.Find(t.Context(), doc.Query{Limit: 5})
	must(t, err)
	if ids(got) != "00 03 06 09 12 " {
		t.Errorf("got %s", ids(got))
	}
	if got, err = c.a.Find(t.Context(), doc.Query{Limit: 50}); err != nil || len(got) != 7 {
		t.Errorf("got %s, %v", ids(got), err)
	}
}

func plainPaths(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{}))
	for _, path := range []string{"", ".", "a.", ".a", "a..b", "$where", "a.$b", `a"b`, "a'b", "a b", "marks.\x00", "maçã"} {
		_, set := c.a.Update(t.Context(), "1", nil, doc.Mod{Set: map[string]any{path: "x"}})
		_, inc := c.a.Update(t.Context(), "1", nil, doc.Mod{Inc: map[string]int64{path: 1}})
		_, unset := c.a.Update(t.Context(), "1", nil, doc.Mod{Unset: []string{path}})
		_, cond := c.a.Update(t.Context(), "1", []doc.Cond{doc.Absent(path)}, doc.Mod{Set: map[string]any{"text": "x"}})
		_, remove := c.a.Delete(t.Context(), "1", []doc.Cond{doc.Absent(path)})
		_, find := c.a.Find(t.Context(), doc.Query{Where: []doc.Cond{doc.Eq(path, "x")}})
		for what, err := range map[string]error{"set": set, "inc": inc, "unset": unset, "condition": cond, "delete": remove, "find": find} {
			if err == nil {
				t.Errorf("%s accepted the path %q", what, path)
			}
		}
	}
}

func absentMap(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{}))
	_, err := c.a.Update(t.Context(), "1", nil, doc.Mod{Set: map[string]any{"counts": map[string]count(nil)}})
	must(t, err)
	ok, err := c.a.Update(t.Context(), "1", nil, doc.Mod{Set: map[string]any{"counts.k": count{1}, "marks.m": "x"}})
	must(t, err)
	if got, err := c.a.Get(t.Context(), "1"); err != nil || !ok || got.Counts["k"].N != 1 || got.Marks["m"] != "x" {
		t.Errorf("%v %+v %v", ok, got, err)
	}
}

func conditions(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{Text: "x", Used: 5, Counts: map[string]count{"k": {1}}}))
	for _, test := range []struct {
		cond doc.Cond
		want bool
	}{
		{doc.Eq("text", "x"), true}, {doc.Eq("text", "y"), false}, {doc.Eq("used", int64(5)), true},
		{doc.Ne("text", "y"), true}, {doc.Ne("text", "x"), false}, {doc.Ne("nowhere", "x"), true},
		{doc.Before("used", int64(6)), true}, {doc.Before("used", int64(5)), false},
		{doc.After("used", int64(4)), true}, {doc.After("used", int64(5)), false},
		{doc.NotAbove("used", 5), true}, {doc.NotAbove("used", 4), false}, {doc.NotAbove("nowhere.n", 0), true}, {doc.NotAbove("nowhere.n", -1), false},
		{doc.Absent("nowhere"), true}, {doc.Absent("text"), false}, {doc.Absent("counts.k"), false}, {doc.Absent("counts.l"), true},
		{doc.Eq("counts.k.n", int64(1)), true}, {doc.Eq("counts.l.n", int64(1)), false},
	} {
		ok, err := c.a.Update(t.Context(), "1", []doc.Cond{test.cond}, doc.Mod{Set: map[string]any{"marks.seen": "1"}})
		must(t, err)
		if ok != test.want {
			t.Errorf("%+v: %v, want %v", test.cond, ok, test.want)
		}
	}
}

func missingIsZero(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{}))
	for i := range 5 {
		ok, err := c.a.Update(t.Context(), "1", []doc.Cond{doc.NotAbove("counts.new.n", 2)}, doc.Mod{Inc: map[string]int64{"counts.new.n": 1}})
		must(t, err)
		if ok != (i < 3) {
			t.Errorf("step %d: %v", i, ok)
		}
	}
}

func dottedPaths(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{Counts: map[string]count{"old": {7}}, Marks: map[string]string{"m": "1"}}))
	ok, err := c.a.Update(t.Context(), "1", nil, doc.Mod{Set: map[string]any{"marks.dia:2026-11-24": "x", "counts.set": count{3}},
		Inc: map[string]int64{"counts.old.n": 2, "counts.mes:2026-11.n": 1}, Unset: []string{"marks.m", "marks.never"}})
	must(t, err)
	got, err := c.a.Get(t.Context(), "1")
	must(t, err)
	if !ok || len(got.Marks) != 1 || got.Marks["dia:2026-11-24"] != "x" || got.Counts["old"].N != 9 || got.Counts["set"].N != 3 || got.Counts["mes:2026-11"].N != 1 {
		t.Errorf("%v %+v", ok, got)
	}
}

func contention(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{}))
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			ok, err := c.a.Update(t.Context(), "1", []doc.Cond{doc.NotAbove("used", 40-1), doc.Absent(fmt.Sprint("marks.r", i))},
				doc.Mod{Inc: map[string]int64{"used": 1}, Set: map[string]any{fmt.Sprint("marks.r", i): "x"}})
			if err != nil {
				t.Error(err)
			}
			if ok {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	got, err := c.a.Get(t.Context(), "1")
	must(t, err)
	if won.Load() != 40 || got.Used != 40 || len(got.Marks) != 40 {
		t.Errorf("%d won, %d counted, %d marked; want 40", won.Load(), got.Used, len(got.Marks))
	}
}

func times(t *testing.T, c colls) {
	at := time.Date(2026, 11, 24, 23, 59, 59, int(999*time.Millisecond), time.FixedZone("-03", -3*3600))
	must(t, c.a.Insert(t.Context(), "1", note{At: at}))
	must(t, c.a.Insert(t.Context(), "zero", note{}))
	got, err := c.a.Find(t.Context(), doc.Query{Where: []doc.Cond{doc.Before("at", at.Add(time.Millisecond)), doc.After("at", at.Add(-time.Millisecond))}})
	must(t, err)
	if len(got) != 1 || !got[0].At.Equal(at) {
		t.Errorf("got %+v", got)
	}
	zero, err := c.a.Get(t.Context(), "zero")
	must(t, err)
	if !zero.At.IsZero() {
		t.Errorf("the zero time came back as %v", zero.At)
	}
}

func anyText(t *testing.T, c colls) {
	for i, s := range []string{"", "maçã 🍎 \u2028", `"'\$.{}[]`, "a\x00b", "\n\t\r", "$where", "'; DROP TABLE docs; --"} {
		id := fmt.Sprint(i)
		must(t, c.a.Insert(t.Context(), id, note{Text: s}))
		got, err := c.a.Get(t.Context(), id)
		must(t, err)
		if got.Text != s {
			t.Errorf("%q came back as %q", s, got.Text)
		}
		_, err = c.a.Update(t.Context(), id, nil, doc.Mod{Set: map[string]any{"text": s + s}})
		must(t, err)
		if got, err = c.a.Get(t.Context(), id); err != nil || got.Text != s+s {
			t.Errorf("%q was updated to %q, %v", s, got.Text, err)
		}
	}
}

func noOperators(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{Text: "x"}))
	for _, v := range []any{`{"$ne":""}`, "$ne", map[string]any{"$ne": ""}, map[string]any{"$gt": ""}} {
		got, err := c.a.Find(t.Context(), doc.Query{Where: []doc.Cond{doc.Eq("text", v)}})
		if err == nil && len(got) != 0 {
			t.Errorf("%v found %+v", v, got)
		}
	}
}

func deletes(t *testing.T, c colls) {
	must(t, c.a.Insert(t.Context(), "1", note{Text: "x"}))
	for i, cond := range []doc.Cond{doc.Eq("text", "y"), doc.Eq("text", "x"), doc.Eq("text", "x")} {
		ok, err := c.eng.Delete(t.Context(), c.a.Scope, "notes", "1", []doc.Cond{cond})
		must(t, err)
		if ok != (i == 1) {
			t.Errorf("delete %d: %v", i, ok)
		}
	}
}

func cancelled(t *testing.T, c colls) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, find := c.a.Find(ctx, doc.Query{})
	if insert := c.a.Insert(ctx, "1", note{}); !errors.Is(find, context.Canceled) || !errors.Is(insert, context.Canceled) {
		t.Errorf("find %v, insert %v", find, insert)
	}
}

func ids(notes []note) (out string) {
	for _, n := range notes {
		out += n.ID + " "
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
