package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"aihub/store"
	"aihub/store/internal/doc"
)

// Every collection but the one that a database keeps of itself is copied, in both directions.
func TestAStoreIsCopiedToTheOtherEngineAndBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx := t.Context()
		d = d.apart(t)
		a, b := d.tenant(""), d.tenant("Europe/Lisbon")
		n := stock(t, a)
		stock(t, b)
		must(t, a.FinishRun(ctx, n.Answer, 1, store.Final{State: store.RunComplete}))
		must(t, a.MarkSettled(ctx, n.Answer))
		must(t, d.s.Global().CreatePlan(ctx, store.Plan{ID: store.NewID("p"), Name: canary}))
		for i := range 1200 { // more than a batch
			must(t, a.AddMessage(ctx, store.Interaction{ID: store.NewID("m"), ConversationID: n.Conv, Author: "u", CID: fmt.Sprint(i), Text: canary, At: noon}))
		}
		must(t, doc.Coll[odd]{Eng: d.s.Engine(), Scope: store.Scope(a), Name: "interacoes"}.Insert(ctx, "m_odd", odd{Conv: n.Conv}))

		middle := openDatabase(t, "sqlite:"+filepath.Join(t.TempDir(), "middle.db"))
		sum, err := d.s.CopyTo(ctx, middle.s)
		must(t, err)
		if sum.Skipped != 1 || sum.Rows < 1240 || sum.Present != 0 {
			t.Errorf("%+v", sum)
		}
		again, err := d.s.CopyTo(ctx, middle.s)
		must(t, err)
		if again.Rows != 0 || again.Present != sum.Rows {
			t.Errorf("again: %+v", again)
		}
		back := d.apart(t)
		if _, err = middle.s.CopyTo(ctx, back.s); err != nil {
			t.Fatal(err)
		}
		if ok, err := d.s.Engine().Delete(ctx, store.Scope(a), "interacoes", "m_odd", nil); err != nil || !ok {
			t.Fatal(ok, err)
		}
		for _, tenant := range []*store.Tenant{a, b} {
			rows := func(s *store.Store) []string { // a counter that never moved may come back as 0
				return strings.Split(strings.ReplaceAll(everything(t, s, tenant), `,"tokens":0`, ""), "\n")
			}
			was, is := rows(d.s), rows(back.s)
			for i := range max(len(was), len(is)) {
				if i >= len(was) || i >= len(is) || was[i] != is[i] {
					t.Errorf("of %s %d rows came back as %d; the first that differs:\n%s\n%s", tenant.ID(), len(was), len(is), was[min(i, len(was)-1)], is[min(i, len(is)-1)])
					break
				}
			}
		}
		if _, _, err := back.s.Directory().TenantBySlug(ctx, a.ID().String()); err != nil {
			t.Error(err)
		}
		if plans, _, err := back.s.Global().Plans(ctx, store.Page{}); err != nil || len(plans) != 1 {
			t.Errorf("%+v %v", plans, err)
		}
		if _, err := d.on(back.s, a).VerifyAudit(ctx); err != nil {
			t.Error(err)
		}
	})
	var missing []string
	for _, coll := range store.Collections() {
		if !slices.Contains(store.CopiedCollections(), coll) {
			missing = append(missing, coll)
		}
	}
	if len(missing) != 0 {
		t.Errorf("not copied: %v", missing)
	}
}

func TestABackupTakenInUseIsWholeAndRestores(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	d := openDatabase(t, "sqlite:"+filepath.Join(dir, "live.db"))
	a := d.tenant("")
	stock(t, a)
	stop := make(chan struct{})
	var stored atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := a.AddMessage(ctx, store.Interaction{ID: store.NewID("m"), ConversationID: "c_x", Author: "u", CID: fmt.Sprint(i), At: noon}); err != nil {
				t.Error(err)
				return
			}
			stored.Add(1)
		}
	}()
	for stored.Load() < 100 {
	}
	before := stored.Load()
	file := filepath.Join(dir, "backup.db")
	must(t, store.Backup(ctx, d.spec, file))
	after := stored.Load()
	close(stop)
	<-done
	is(t, store.Backup(ctx, d.spec, file), fs.ErrExist, "a second backup to the same file")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}

	spec := "sqlite:" + filepath.Join(dir, "restored.db")
	must(t, store.Restore(ctx, file, spec))
	is(t, store.Restore(ctx, file, spec), fs.ErrExist, "a restore over a database")
	r := openDatabase(t, spec)
	b := d.on(r.s, a)
	var got int64
	for last := ""; ; {
		list, err := b.Messages(ctx, "c_x", last, 500)
		must(t, err)
		if got += int64(len(list)); len(list) < 500 {
			break
		}
		last = list[len(list)-1].ID
	}
	if got < before || got > after+1 {
		t.Errorf("%d messages in the backup, %d stored when it began, %d when it ended", got, before, after)
	}
	if _, err := b.VerifyAudit(ctx); err != nil {
		t.Error(err)
	}
	must(t, r.s.Ready(ctx))
}

func TestOnlyASoundBackupOfOursIsRestored(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	d := openDatabase(t, "sqlite:"+filepath.Join(dir, "live.db"))
	stock(t, d.tenant(""))
	good := filepath.Join(dir, "good.db")
	must(t, store.Backup(ctx, d.spec, good))
	whole, err := os.ReadFile(good)
	must(t, err)
	damaged := slices.Clone(whole)
	for i := 4096; i < len(damaged); i += 512 {
		damaged[i] ^= 0xff
	}
	for name, content := range map[string][]byte{"empty": {}, "text": []byte("no database at all"), "cut": whole[:len(whole)/2], "damaged": damaged} {
		file := filepath.Join(dir, name)
		must(t, os.WriteFile(file, content, 0o600))
		if err := store.Restore(ctx, file, "sqlite:"+filepath.Join(dir, name+".restored")); !errors.Is(err, store.ErrNotOurs) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, name+".restored")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s left a database behind", name)
		}
	}
	is(t, store.Restore(ctx, filepath.Join(dir, "nothing"), "sqlite:"+filepath.Join(dir, "x")), fs.ErrNotExist, "no file")
	is(t, store.Backup(ctx, "sqlite:"+filepath.Join(dir, "nothing"), filepath.Join(dir, "y")), fs.ErrNotExist, "no database")
	is(t, store.Backup(ctx, "mongodb://127.0.0.1", filepath.Join(dir, "y")), store.ErrNotEmbedded, "MongoDB")
	is(t, store.Restore(context.Background(), good, "mongodb://127.0.0.1"), store.ErrNotEmbedded, "MongoDB")
}
