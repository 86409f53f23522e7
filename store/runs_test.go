package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store"
)

func newAnswer(run string, lease time.Time) store.Interaction {
	return store.Interaction{ID: store.NewID("m"), ConversationID: "c_1", Role: store.RoleAssistant, Author: "ia", CID: run, At: noon,
		Run: &store.Run{ID: run, UserID: "u_1", State: store.RunAccepted, Fence: 1, LeaseUntil: lease, Instance: "i1", StartedAt: noon}}
}

func TestTheOwnerOfARunIsFencedOffWhenItIsTakenOver(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		m := newAnswer("r_1", noon.Add(6*time.Second))
		must(t, a.AddMessage(t.Context(), m))
		must(t, a.Checkpoint(t.Context(), m.ID, 1, store.Progress{Text: "Olá", Model: "m", LeaseUntil: noon.Add(7 * time.Second)}))
		_, err := a.TakeOverRun(t.Context(), m.ID, 1, noon.Add(7*time.Second), noon.Add(13*time.Second), "i2")
		is(t, err, store.ErrConflict, "take over while the lease lasts")
		var won atomic.Int64
		race(8, func(int) {
			switch fence, err := a.TakeOverRun(t.Context(), m.ID, 1, noon.Add(8*time.Second), noon.Add(14*time.Second), "i2"); {
			case err == nil && fence == 2:
				won.Add(1)
			case err != store.ErrConflict:
				t.Error(fence, err)
			}
		})
		if won.Load() != 1 {
			t.Fatalf("%d instances took the run over", won.Load())
		}
		is(t, a.Checkpoint(t.Context(), m.ID, 1, store.Progress{Text: "Olá, late", LeaseUntil: noon.Add(time.Hour)}), store.ErrConflict, "late checkpoint")
		is(t, a.FinishRun(t.Context(), m.ID, 1, store.Final{Text: "Olá, late", State: store.RunComplete}), store.ErrConflict, "late end")
		must(t, a.FinishRun(t.Context(), m.ID, 2, store.Final{Text: "Olá", State: store.RunInterrupted, Code: "instance_lost", Len: 4}))
		got, err := a.RunByID(t.Context(), "r_1")
		must(t, err)
		if got.Text != "Olá" || got.Run.State != store.RunInterrupted || got.Run.Fence != 2 || got.Run.Instance != "i2" || got.Run.Pending != "sim" {
			t.Errorf("%+v %+v", got, got.Run)
		}
	})
}

// The answer to an update may be lost after the server has done it.
func TestARunIsFinishedOnceAndTheSameEndMayBeRepeated(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		m := newAnswer("r_1", noon.Add(time.Second))
		must(t, a.AddMessage(t.Context(), m))
		final := store.Final{Text: "Olá", State: store.RunComplete, Finish: "stop", SHA: "aa", Len: 4, Usage: store.Usage{In: 3, Out: 1}}
		must(t, a.FinishRun(t.Context(), m.ID, 1, final))
		must(t, a.FinishRun(t.Context(), m.ID, 1, final))
		other := final
		other.State = store.RunStopped
		is(t, a.FinishRun(t.Context(), m.ID, 1, other), store.ErrConflict, "another end")
		other = final
		other.Text = "Olá!"
		is(t, a.FinishRun(t.Context(), m.ID, 1, other), store.ErrConflict, "another text")
		is(t, a.FinishRun(t.Context(), m.ID, 2, final), store.ErrConflict, "another fence")
		is(t, a.Checkpoint(t.Context(), m.ID, 1, store.Progress{Text: "x"}), store.ErrConflict, "checkpoint after the end")
		is(t, a.FinishRun(t.Context(), "m_none", 1, final), store.ErrConflict, "no such run")
	})
}

func TestStaleRunsAreFoundUntilTheyAreSettled(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a, b := d.tenant(""), d.tenant("")
		live, dead, ended := newAnswer("r_live", noon.Add(time.Minute)), newAnswer("r_dead", noon.Add(-time.Second)), newAnswer("r_ended", noon.Add(time.Second))
		for _, m := range []store.Interaction{live, dead, ended} {
			must(t, a.AddMessage(t.Context(), m))
		}
		must(t, b.AddMessage(t.Context(), newAnswer("r_beta", noon.Add(-time.Hour))))
		must(t, a.FinishRun(t.Context(), ended.ID, 1, store.Final{State: store.RunComplete}))
		find := func(now time.Time) (out string) {
			t.Helper()
			list, err := a.StaleRuns(t.Context(), now, 10)
			must(t, err)
			for _, m := range list {
				out += m.Run.ID + " "
			}
			return out
		}
		if got := find(noon); got != "r_dead " {
			t.Errorf("now: %s", got)
		}
		if got := find(noon.Add(20 * time.Second)); got != "r_dead r_ended " {
			t.Errorf("after the grace time: %s", got)
		}
		must(t, a.MarkSettled(t.Context(), ended.ID))
		must(t, a.MarkSettled(t.Context(), dead.ID))
		if got := find(noon.Add(20 * time.Second)); got != "" {
			t.Errorf("settled: %s", got)
		}
		got, err := a.RunByID(t.Context(), "r_ended")
		must(t, err)
		if !got.Run.Settled {
			t.Errorf("%+v", got.Run)
		}
	})
}

// The first checkpoint of an answer, which makes it streaming, may be under way when the answer is over.
func TestAnAnswersEndMeetsItsFirstCheckpoint(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		ctx, a := t.Context(), d.tenant("")
		for i := range 100 {
			m := newAnswer(fmt.Sprint("r_", i), noon)
			must(t, a.AddMessage(ctx, m))
			var checkpoint sync.WaitGroup
			checkpoint.Go(func() {
				err := a.Checkpoint(ctx, m.ID, 1, store.Progress{Text: "meio", LeaseUntil: noon.Add(time.Minute)})
				if err != nil && !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
			})
			err := a.FinishRun(ctx, m.ID, 1, store.Final{State: store.RunComplete, Text: "meio e fim"})
			checkpoint.Wait()
			if err != nil {
				t.Fatalf("end %d: %v", i, err)
			}
			if got, err := a.Message(ctx, m.ID); err != nil || got.Text != "meio e fim" || got.Run.State != store.RunComplete {
				t.Fatalf("%+v, %v", got, err)
			}
		}
	})
}
