package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"aihub/store"
	"aihub/store/internal/doc"
)

func TestTheAuditChainIsOneHoweverManyWriteAtOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		other := d.on(d.open(), a)
		race(8, func(i int) {
			for j := range 5 {
				e := store.AuditEntry{Actor: fmt.Sprint("u_", i), Action: "conversa.vista", Target: fmt.Sprint(j), Detail: map[string]string{"motivo": "maçã\x00"}}
				if _, err := []*store.Tenant{a, other}[i%2].Audit(t.Context(), e); err != nil {
					t.Error(err)
				}
			}
		})
		head, err := a.VerifyAudit(t.Context())
		must(t, err)
		if head.N != 40 || len(head.Hash) != 64 {
			t.Errorf("head %+v", head)
		}
		mine, _, err := a.AuditLog(t.Context(), store.AuditFilter{Actor: "u_3"}, store.Page{})
		must(t, err)
		if len(mine) != 5 || mine[0].N < mine[4].N {
			t.Errorf("%d entries of one actor, the latest first: %+v", len(mine), mine)
		}
		first, next, err := a.AuditLog(t.Context(), store.AuditFilter{}, store.Page{Limit: 30})
		must(t, err)
		rest, end, err := a.AuditLog(t.Context(), store.AuditFilter{}, store.Page{Limit: 30, Cursor: next})
		must(t, err)
		if len(first) != 30 || len(rest) != 10 || end != "" || first[0].N != 40 || rest[9].N != 1 {
			t.Errorf("pages of %d and %d", len(first), len(rest))
		}
	})
}

func TestTamperingWithTheAuditChainShows(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		for what, tamper := range map[string]func(ctx context.Context, c doc.Coll[store.AuditEntry]) error{
			"a changed field": func(ctx context.Context, c doc.Coll[store.AuditEntry]) error {
				_, err := c.Update(ctx, "000000000003", nil, doc.Mod{Set: map[string]any{"ator": "u_other"}})
				return err
			},
			"a field moved into the next": func(ctx context.Context, c doc.Coll[store.AuditEntry]) error {
				_, err := c.Update(ctx, "000000000003", nil, doc.Mod{Set: map[string]any{"ator": "u_", "ator_papel": "3admin"}})
				return err
			},
			"a removed entry": func(ctx context.Context, c doc.Coll[store.AuditEntry]) error {
				_, err := c.Delete(ctx, "000000000003", nil)
				return err
			},
			"another order": func(ctx context.Context, c doc.Coll[store.AuditEntry]) error {
				_, err := c.Update(ctx, "000000000003", nil, doc.Mod{Set: map[string]any{"n": int64(4)}})
				return err
			},
			"a chain computed anew": func(ctx context.Context, c doc.Coll[store.AuditEntry]) error {
				prev := ""
				list, err := c.Find(ctx, doc.Query{})
				for _, e := range list {
					e.Prev = prev
					if e.N == 3 {
						e.Actor = "u_other"
					}
					prev = store.AuditSum(e)
					if _, err := c.Update(ctx, e.ID, nil, doc.Mod{Set: map[string]any{"ator": e.Actor, "anterior": e.Prev, "hash": prev}}); err != nil {
						return err
					}
				}
				return err
			},
			"a cut end": func(ctx context.Context, c doc.Coll[store.AuditEntry]) error {
				for _, id := range []string{"000000000004", "000000000005"} {
					if _, err := c.Delete(ctx, id, nil); err != nil {
						return err
					}
				}
				return nil
			},
		} {
			a := d.tenant("")
			for i := range 5 {
				_, err := a.Audit(t.Context(), store.AuditEntry{Actor: fmt.Sprint("u_", i+1), ActorRole: "admin"})
				must(t, err)
			}
			head, err := a.VerifyAudit(t.Context())
			must(t, err)
			must(t, tamper(t.Context(), doc.Coll[store.AuditEntry]{Eng: d.s.Engine(), Scope: store.Scope(a), Name: "auditoria"}))
			if _, err = a.VerifyAudit(t.Context(), head); !errors.Is(err, store.ErrTampered) {
				t.Errorf("%s: %v", what, err)
			}
			if _, err = a.VerifyAudit(t.Context()); !errors.Is(err, store.ErrTampered) && what != "a cut end" && what != "a chain computed anew" {
				t.Errorf("%s, without a known head: %v", what, err)
			}
		}
	})
}

func TestSecretsAreResealedWhereverTheyAre(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		d = d.apart(t) // the whole installation is resealed
		ctx, a := t.Context(), d.tenant("")
		c := store.LLMConfig{ID: store.NewID("l"), SealedKey: "old:1"}
		must(t, a.CreateLLMConfig(ctx, c))
		must(t, a.CreateLLMConfig(ctx, store.LLMConfig{ID: store.NewID("l")}))
		g := store.LLMConfig{ID: store.NewID("l"), SealedKey: "old:2"}
		must(t, d.s.Global().CreateLLMConfig(ctx, g))
		w := store.WidgetKey{ID: store.NewID("pk"), Secrets: []string{"old:3", "old:4"}}
		must(t, a.CreateWidgetKey(ctx, w))
		l := store.LoginProvider{ID: store.NewID("g"), SealedSecret: "old:5"}
		must(t, a.CreateLoginProvider(ctx, l))
		reseal := func(scope, _, sealed string) (string, error) {
			rest, ok := strings.CutPrefix(sealed, "old:")
			if want := map[bool]string{true: "", false: a.ID().String()}[rest == "2"]; !ok || scope != want {
				t.Errorf("%q of %q", sealed, scope)
			}
			return "new:" + rest, nil
		}
		n, err := d.s.Reseal(ctx, reseal)
		must(t, err)
		got, err := a.LLMConfig(ctx, c.ID)
		must(t, err)
		global, err := d.s.Global().LLMConfig(ctx, g.ID)
		must(t, err)
		key, err := a.WidgetKey(ctx, w.ID)
		must(t, err)
		login, err := a.LoginProvider(ctx, l.ID)
		must(t, err)
		if n != 5 || login.SealedSecret != "new:5" || got.SealedKey != "new:1" || global.SealedKey != "new:2" || fmt.Sprint(key.Secrets) != "[new:3 new:4]" {
			t.Errorf("%d: %q %q %v", n, got.SealedKey, global.SealedKey, key.Secrets)
		}
		failure := errors.New("no such key")
		_, err = d.s.Reseal(ctx, func(string, string, string) (string, error) { return "", failure })
		is(t, err, failure, "a key that can't be opened")
	})
}
