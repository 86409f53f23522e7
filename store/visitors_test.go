package store_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store"
)

func newKey(perMin, perDay int64) store.WidgetKey {
	return store.WidgetKey{ID: store.NewID("pk"), Name: "site", Origins: []string{"https://loja.example"}, PerMin: perMin, PerDay: perDay,
		Identity: store.IdentityOptional, State: store.StateActive}
}

func TestAWidgetKeyIsFoundInTheDirectoryAndReadByItsTenantAlone(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a, b := d.tenant(""), d.tenant("")
		k := newKey(0, 0)
		k.Greeting = store.Texts{"pt-BR": "Olá"}
		must(t, a.CreateWidgetKey(t.Context(), k))
		got, err := a.WidgetKey(t.Context(), k.ID)
		must(t, err)
		if got.Greeting["pt-BR"] != "Olá" || got.Rev != 1 || got.Keep() != 30*24*time.Hour {
			t.Errorf("got %+v", got)
		}
		_, err = b.WidgetKey(t.Context(), k.ID)
		is(t, err, store.ErrNotFound, "the other tenant's key")
		places, err := d.s.Directory().WidgetKeys(t.Context())
		must(t, err)
		i := slices.IndexFunc(places, func(p store.KeyPlace) bool { return p.ID == k.ID })
		if i < 0 || places[i].Tenant != a.ID() || !places[i].Active || !slices.Equal(places[i].Origins, k.Origins) {
			t.Errorf("the directory says %+v", places)
		}
	})
}

func TestAnIdentityIsOneVisitorOfItsKey(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a, b := d.tenant(""), d.tenant("")
		v := store.Visitor{ID: store.NewID("v"), KeyID: "pk_1", Identity: "cliente-7", Name: "Ana"}
		must(t, a.CreateVisitor(t.Context(), v))
		is(t, a.CreateVisitor(t.Context(), store.Visitor{ID: store.NewID("v"), KeyID: "pk_1", Identity: "cliente-7"}), store.ErrExists, "the same identity")
		must(t, a.CreateVisitor(t.Context(), store.Visitor{ID: store.NewID("v"), KeyID: "pk_2", Identity: "cliente-7"}))
		for range 2 {
			must(t, a.CreateVisitor(t.Context(), store.Visitor{ID: store.NewID("v"), KeyID: "pk_1"})) // anonymous ones are many
		}
		got, err := a.VisitorByIdentity(t.Context(), "pk_1", "cliente-7")
		must(t, err)
		if got.ID != v.ID {
			t.Errorf("got %+v", got)
		}
		_, err = b.Visitor(t.Context(), v.ID)
		is(t, err, store.ErrNotFound, "the other tenant's visitor")
		_, err = b.VisitorByIdentity(t.Context(), "pk_1", "cliente-7")
		is(t, err, store.ErrNotFound, "the other tenant's visitor")
	})
}

func TestWhatAVisitTellsIsKept(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		v := store.Visitor{ID: store.NewID("v"), KeyID: "pk_1", SecretHash: "h"}
		must(t, a.CreateVisitor(t.Context(), v))
		must(t, a.NoteVisit(t.Context(), v.ID, store.Visit{Name: "Ana", Answers: map[string]string{"email": "ana@loja.example"}, Consent: "v1", Digest: "d", Page: "https://loja.example/planos", EndsAt: noon.Add(time.Hour)}))
		must(t, a.NoteVisit(t.Context(), v.ID, store.Visit{Consent: "v2", Digest: "e", EndsAt: noon.Add(2 * time.Hour)}))
		got, err := a.Visitor(t.Context(), v.ID)
		must(t, err)
		if got.Name != "Ana" || got.Answers["email"] != "ana@loja.example" || got.Page != "https://loja.example/planos" || !got.EndsAt.Equal(noon.Add(2*time.Hour)) {
			t.Errorf("got %+v", got)
		}
		if c := got.Consents["v1"]; len(got.Consents) != 2 || c.Digest != "d" || !c.At.Equal(noon) {
			t.Errorf("consents %+v", got.Consents)
		}
		must(t, a.EndVisitor(t.Context(), v.ID))
		if got, err = a.Visitor(t.Context(), v.ID); err != nil || got.SecretHash != "" || got.TokenEpoch != 1 {
			t.Errorf("after the end: %+v, %v", got, err)
		}
		if err := a.NoteVisit(t.Context(), v.ID, store.Visit{Consent: `v".$x`}); err == nil {
			t.Error("a version that is no plain name was taken into a path")
		}
	})
}

func TestWhereAVisitorIsReplacesWhereTheyWere(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		v := store.Visitor{ID: store.NewID("v"), KeyID: "pk_1"}
		must(t, a.CreateVisitor(t.Context(), v))
		must(t, a.NoteContext(t.Context(), v.ID, store.VisitorContext{Page: "https://loja.example/a", Title: "A", Given: []store.Given{{Name: "pla.no$", Value: "Fibra"}}}))
		got, err := a.Visitor(t.Context(), v.ID)
		must(t, err)
		if got.Page != "https://loja.example/a" || got.Title != "A" || len(got.Given) != 1 || got.Given[0] != (store.Given{Name: "pla.no$", Value: "Fibra"}) {
			t.Errorf("got %+v", got)
		}
		must(t, a.NoteContext(t.Context(), v.ID, store.VisitorContext{Page: "https://loja.example/b"}))
		if got, err = a.Visitor(t.Context(), v.ID); err != nil || got.Page != "https://loja.example/b" || got.Title != "" || len(got.Given) != 0 {
			t.Errorf("then %+v, %v", got, err)
		}
	})
}

func TestThePlaceInTheQueueCountsWhoCameBefore(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		wait := func(since time.Time, kind string) {
			c := newConversation("v_1", store.NewID("x"), noon)
			c.Owner = store.Owner{Kind: kind, Since: since}
			_, _, err := a.CreateConversation(t.Context(), c)
			must(t, err)
		}
		for _, since := range []time.Time{noon.Add(-25 * time.Hour), noon.Add(-time.Hour), noon.Add(-time.Minute), noon, noon.Add(time.Second)} {
			wait(since, store.OwnerQueue)
		}
		wait(noon.Add(-time.Minute), store.OwnerHuman)
		for since, want := range map[time.Time]int64{noon: 3, noon.Add(-time.Hour): 1, noon.Add(time.Hour): 5} {
			if n, err := a.QueuePlace(t.Context(), since); err != nil || n != want {
				t.Errorf("since %s: place %d, %v; want %d", since, n, err, want)
			}
		}
	})
}

// Many devices at once, and exactly as many new visitors as the key allows.
func TestNewVisitorsAreLimitedExactly(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a, k := d.tenant(""), newKey(7, 10)
		try := func(n int) int64 {
			var taken atomic.Int64
			race(n, func(int) {
				var full *store.QuotaError
				switch err := a.TakeVisitor(t.Context(), k); {
				case err == nil:
					taken.Add(1)
				case !errors.As(err, &full) && !errors.Is(err, store.ErrUnavailable):
					t.Error(err)
				}
			})
			return taken.Load()
		}
		if n := try(20); n != 7 {
			t.Errorf("%d in a minute of 7", n)
		}
		d.clock.set(noon.Add(time.Minute))
		if n := try(20); n != 3 {
			t.Errorf("%d more in a day of 10", n)
		}
		var full *store.QuotaError
		if err := a.TakeVisitor(t.Context(), k); !errors.As(err, &full) || full.Window != "day" {
			t.Errorf("got %v", err)
		}
		d.clock.set(noon.Add(24 * time.Hour))
		if n := try(1); n != 1 {
			t.Error("the next day is not a new one")
		}
	})
}
