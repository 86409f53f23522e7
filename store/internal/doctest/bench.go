package doctest

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"aihub/store/internal/doc"
)

// Paired runs two things in turn and reports the median of each and the ratio of the second to the first. Whatever else
// the machine does falls on both.
func Paired(b *testing.B, name string, one, two func(i int) error) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		took := [2][]time.Duration{}
		n := 0
		for b.Loop() {
			for j := range 2 {
				which := (n + j) % 2
				began := time.Now()
				if err := [](func(int) error){one, two}[which](n); err != nil {
					b.Fatal(err)
				}
				took[which] = append(took[which], time.Since(began))
			}
			n++
		}
		var median [2]float64
		for i, list := range took {
			slices.Sort(list)
			median[i] = float64(list[len(list)/2].Nanoseconds()) / 1000
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(median[0], "one-µs")
		b.ReportMetric(median[1], "two-µs")
		b.ReportMetric(median[1]/median[0], "ratio")
	})
}

// A Layout is how many tenants share how many notes.
type Layout struct{ Tenants, Notes int }

// conversation is the number of the one the i-th note belongs to: ten of them, of fifty notes each, are held at a time,
// however many tenants and notes there are.
func (l Layout) conversation(i int) int { return i/500*10 + i%10 }

// Note is the i-th note, of the size of a short message.
func (l Layout) Note(i int) Decoded {
	return note{Conv: fmt.Sprint("c", l.conversation(i)/l.Tenants), Text: "Vamos verificar juntos. Primeiro, reinicie a ONU e aguarde dois minutos; depois, faça um teste de velocidade com um cabo.",
		CID: fmt.Sprint("cid", i), At: time.UnixMilli(1795532400000 + int64(i)).UTC(), Counts: map[string]count{"x": {int64(i)}}, Marks: map[string]string{"a": "b"}}
}

// NoteID is the id of the i-th note.
func NoteID(i int) string { return fmt.Sprintf("m_%012d", i) }

// Scale shows that what a tenant's read or write costs does not grow with the number of tenants or notes:
// AIHUB_BENCH_NOTES (100,000 unless told) instead of 10,000, for ten tenants and for a hundredth as many tenants as notes.
// What is read and written is among the latest 10,000 notes, as people do; of all notes, rows of long ago are read and
// written as well, which adds what it costs to fetch a page of the file that nobody has touched for long. load returns an
// engine with Indexes that holds the layout.
func Scale(b *testing.B, load func(b *testing.B, l Layout) doc.Engine) {
	notes := 100_000
	if n, err := strconv.Atoi(os.Getenv("AIHUB_BENCH_NOTES")); err == nil {
		notes = n
	}
	small := Layout{10, 10_000}
	for name, large := range map[string]Layout{"ten tenants with all": {10, notes}, "a hundred notes each": {notes / 100, notes}} {
		b.Run(name, func(b *testing.B) {
			ls := [2]Layout{small, large}
			engines := [2]doc.Engine{load(b, small), load(b, large)}
			among := func(latest int, name string, do func(c doc.Coll[note], l Layout, i int) error) {
				on := func(which int) func(int) error {
					return func(i int) error {
						l := ls[which]
						i = l.Notes - 1 - i*7919%min(latest, l.Notes) // all over the place
						return do(doc.Coll[note]{Eng: engines[which], Scope: doc.TenantScope(l.Tenant(i)), Name: "notes"}, l, i)
					}
				}
				Paired(b, name, on(0), on(1))
			}
			pair := func(name string, do func(c doc.Coll[note], l Layout, i int) error) {
				among(small.Notes, name, do)
				if name != "insert" {
					among(notes, name+" of long ago", do)
				}
			}
			pair("page", func(c doc.Coll[note], l Layout, i int) error { // a conversation, the latest first
				got, err := c.Find(b.Context(), doc.Query{Where: []doc.Cond{doc.Eq("conv", l.Note(i).Conv)}, Sort: "at", Desc: true, Limit: 50})
				if err == nil && len(got) != 50 {
					err = fmt.Errorf("%d notes", len(got))
				}
				return err
			})
			pair("get", func(c doc.Coll[note], l Layout, i int) error {
				_, err := c.Get(b.Context(), NoteID(i))
				return err
			})
			pair("update", func(c doc.Coll[note], l Layout, i int) error {
				ok, err := c.Update(b.Context(), NoteID(i), nil, doc.Mod{Inc: map[string]int64{"used": 1}})
				if err == nil && !ok {
					err = doc.ErrNotFound
				}
				return err
			})
			next := map[Layout]int{}
			pair("insert", func(c doc.Coll[note], l Layout, i int) error {
				next[l]++
				v := l.Note(i)
				v.CID = fmt.Sprint("new", next[l])
				return c.Insert(b.Context(), fmt.Sprint("new", next[l]), v)
			})
		})
	}
}

// Tenant is the tenant that the i-th note belongs to.
func (l Layout) Tenant(i int) string { return fmt.Sprintf("t%d", l.conversation(i)%l.Tenants) }

// Overhead shows what an engine costs over its bare driver for the same work: bareInsert inserts the i-th note under an id of
// its own, barePage decodes a page of 50 notes of one conversation.
func Overhead(b *testing.B, eng doc.Engine, bareInsert, barePage func(i int) error) {
	c := doc.Coll[note]{Eng: eng, Scope: doc.TenantScope("a"), Name: "notes"}
	for i := range 2000 {
		n := Alone.Note(i)
		n.CID = "page" + n.CID
		if err := c.Insert(b.Context(), "page"+NoteID(i), n); err != nil {
			b.Fatal(err)
		}
	}
	next := map[string]int{} // of its own, so that the benchmark can be repeated
	Paired(b, "insert", func(int) error {
		next["bare"]++
		return bareInsert(next["bare"])
	}, func(int) error {
		next["our"]++
		return c.Insert(b.Context(), "our"+NoteID(next["our"]), Alone.Note(next["our"]))
	})
	Paired(b, "page of 50", barePage, func(i int) error {
		got, err := c.Find(b.Context(), doc.Query{Where: []doc.Cond{doc.Eq("conv", "c5")}, Sort: "at", Desc: true, Limit: 50})
		if err == nil && len(got) < 50 {
			err = fmt.Errorf("%d notes", len(got))
		}
		return err
	})
}

// Alone is one tenant.
var Alone = Layout{1, 1}

// Decoded is where barePage decodes to.
type Decoded = note
