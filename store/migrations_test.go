package store_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store"
	"aihub/store/internal/doc"
)

func TestEachMigrationRunsOnceHoweverManyInstancesStart(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		d = d.apart(t)
		var first, second atomic.Int64
		list := store.WithMigrations(
			func(context.Context) error { first.Add(1); time.Sleep(20 * time.Millisecond); return nil },
			func(context.Context) error {
				if first.Load() == 0 {
					t.Error("out of order")
				}
				second.Add(1)
				return nil
			})
		stores := []*store.Store{d.s, d.open(), d.open(), d.open()}
		race(len(stores), func(i int) {
			if err := store.Migrate(t.Context(), stores[i], list); err != nil {
				t.Error(err)
			}
		})
		must(t, store.Migrate(t.Context(), d.s, list))
		if first.Load() != 1 || second.Load() != 1 {
			t.Errorf("run %d and %d times", first.Load(), second.Load())
		}
		if _, err := store.Open(t.Context(), d.spec, store.Options{}); err == nil || !strings.Contains(err.Error(), "newer program") {
			t.Errorf("an older program: %v", err)
		}
	})
}

func TestAFailedMigrationIsTriedAgain(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		d = d.apart(t)
		failure := errors.New("no room")
		is(t, store.Migrate(t.Context(), d.s, store.WithMigrations(func(context.Context) error { return failure })), failure, "the first try")
		must(t, store.ForgetMigrationLease(t.Context(), d.s))
		var ran bool
		must(t, store.Migrate(t.Context(), d.s, store.WithMigrations(func(context.Context) error { ran = true; return nil })))
		if !ran {
			t.Error("it was not tried again")
		}
	})
}

func TestADatabaseOfAnOlderProgramIsBroughtUpToDate(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		d = d.apart(t)
		ctx, a := t.Context(), d.tenant("")
		admin := newUser("adm@x.example", store.RoleAdmin)
		must(t, a.CreateUser(ctx, admin))
		users := doc.Coll[struct{}]{Eng: d.s.Engine(), Scope: store.Scope(a), Name: "usuarios"}
		if ok, err := users.Update(ctx, admin.ID, nil, doc.Mod{Unset: []string{"consentimentos"}}); err != nil || !ok {
			t.Fatal(ok, err)
		}
		p := doc.Coll[struct{}]{Eng: d.s.Engine(), Scope: store.Scope(a), Name: "distribuidores"}
		_, err := p.Update(ctx, a.ID().String(), nil, doc.Mod{Unset: []string{"rev", "administradores", "administradores_rev"}})
		must(t, err)
		for id, price := range map[string]int64{"o_caro": 7, "o_sem": 0} {
			must(t, a.CreateModel(ctx, store.Model{ID: id, Key: id}))
			models := doc.Coll[struct{}]{Eng: d.s.Engine(), Scope: store.Scope(a), Name: "llm_modelos"}
			_, err := models.Update(ctx, id, nil, doc.Mod{Set: map[string]any{"preco_entrada": price, "preco_saida": price}, Unset: []string{"preco"}})
			must(t, err)
		}
		for coll, id := range map[string]string{"enderecos": "slug:" + a.ID().String(), "esquema": "versao"} {
			if ok, err := d.s.Engine().Delete(ctx, doc.GlobalScope(), coll, id, nil); err != nil || !ok {
				t.Fatal(coll, ok, err)
			}
		}
		s := d.open()
		if _, _, err := s.Directory().TenantBySlug(ctx, a.ID().String()); err != nil {
			t.Error(err)
		}
		if m, err := d.on(s, a).Model(ctx, "o_caro"); err != nil || m.Price == nil || m.Price.In != 7 || m.Price.Out != 7 || m.Price.ValidFrom.IsZero() {
			t.Errorf("%+v %v", m.Price, err)
		}
		if m, err := d.on(s, a).Model(ctx, "o_sem"); err != nil || m.Price != nil {
			t.Errorf("%+v %v", m.Price, err)
		}
		profile, err := d.on(s, a).Profile(ctx)
		must(t, err)
		if profile.AdminCount != 1 || profile.Rev != 1 {
			t.Errorf("%+v", profile)
		}
		must(t, d.on(s, a).Consent(ctx, admin.ID, "1", "resumo"))
		if u, err := d.on(s, a).User(ctx, admin.ID); err != nil || u.Consents["1"].Digest != "resumo" {
			t.Errorf("%+v %v", u, err)
		}
	})
}
