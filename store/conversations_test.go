package store_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"aihub/store"
)

func newConversation(user, cid string, at time.Time) store.Conversation {
	return store.Conversation{ID: store.NewID("c"), UserID: user, Channel: "portal", Title: "Olá", Owner: store.Owner{Kind: store.OwnerAI},
		State: store.ConversationOpen, CreatedAt: at, UpdatedAt: at, CID: cid}
}

func TestCopiesOfAFirstMessageMakeOneConversation(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		other := d.on(d.open(), a)
		var made atomic.Int64
		ids := make([]string, 16)
		race(len(ids), func(i int) {
			c, created, err := []*store.Tenant{a, other}[i%2].CreateConversation(t.Context(), newConversation("u_1", "same", noon))
			if err != nil {
				t.Error(err)
			}
			if created {
				made.Add(1)
			}
			ids[i] = c.ID
		})
		if slices.Sort(ids); made.Load() != 1 || ids[0] != ids[len(ids)-1] || ids[0] == "" {
			t.Errorf("%d made: %v", made.Load(), ids)
		}
		if _, created, err := a.CreateConversation(t.Context(), newConversation("u_2", "same", noon)); err != nil || !created {
			t.Errorf("another person's: %v, %v", created, err)
		}
		for range 2 {
			if _, created, err := a.CreateConversation(t.Context(), newConversation("u_1", "", noon)); err != nil || !created {
				t.Errorf("without a name: %v, %v", created, err)
			}
		}
	})
}

func TestConversationsArePagedByActivity(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		var want []string
		for i := range 130 { // 100 of the very same millisecond
			c := newConversation("u_1", "", noon.Add(time.Duration(max(0, i-100))*time.Second))
			c.ID = fmt.Sprintf("c_%026d", i)
			_, _, err := a.CreateConversation(t.Context(), c)
			must(t, err)
			if i != 120 {
				want = append(want, c.ID)
			}
		}
		_, _, err := a.CreateConversation(t.Context(), newConversation("u_2", "", noon))
		must(t, err)
		must(t, a.DeleteConversation(t.Context(), fmt.Sprintf("c_%026d", 120)))
		slices.Reverse(want)
		var got []string
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			list, next, err := a.Conversations(t.Context(), "u_1", cursor, 20)
			must(t, err)
			for _, c := range list {
				got = append(got, c.ID)
			}
			cursor = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %d conversations, want %d:\n%v\n%v", len(got), len(want), got, want)
		}
		for _, cursor := range []string{"x", "1.", "1.c_1", ".c_00000000000000000000000001", "1.c_0000000000000000000000000$"} {
			_, _, err := a.Conversations(t.Context(), "u_1", cursor, 20)
			is(t, err, store.ErrNotFound, "cursor "+cursor)
		}
	})
}

func TestADeletedConversationStaysDeleted(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		c, _, err := a.CreateConversation(t.Context(), newConversation("u_1", "", noon))
		must(t, err)
		must(t, a.RenameConversation(t.Context(), c.ID, "Fatura"))
		must(t, a.DeleteConversation(t.Context(), c.ID))
		is(t, a.RenameConversation(t.Context(), c.ID, "x"), store.ErrNotFound, "rename")
		is(t, a.DeleteConversation(t.Context(), c.ID), store.ErrNotFound, "delete")
		is(t, a.ClaimConversation(t.Context(), c.ID, "r_1", 0), store.ErrConflict, "claim")
	})
}

func TestOneRunAnswersAtATime(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		other := d.on(d.open(), a)
		c, _, err := a.CreateConversation(t.Context(), newConversation("u_1", "", noon))
		must(t, err)
		for round := range 5 {
			var won atomic.Int64
			var winner atomic.Pointer[string]
			race(12, func(i int) {
				run := fmt.Sprintf("r_%d_%d", round, i)
				switch err := []*store.Tenant{a, other}[i%2].ClaimConversation(t.Context(), c.ID, run, 0); err {
				case nil:
					won.Add(1)
					winner.Store(&run)
				case store.ErrConflict:
				default:
					t.Error(err)
				}
			})
			if won.Load() != 1 {
				t.Fatalf("round %d: %d runs claimed the conversation", round, won.Load())
			}
			must(t, a.ClaimConversation(t.Context(), c.ID, *winner.Load(), 0)) // again, by the same run
			must(t, a.ReleaseConversation(t.Context(), c.ID, "r_somebody_else"))
			is(t, a.ClaimConversation(t.Context(), c.ID, "r_late", 0), store.ErrConflict, "claim after a foreign release")
			is(t, a.ClaimConversation(t.Context(), c.ID, *winner.Load(), 1), store.ErrConflict, "claim in another epoch")
			must(t, a.ReleaseConversation(t.Context(), c.ID, *winner.Load()))
		}
	})
}

func TestMessagesArePagedBackwards(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a, b := d.tenant(""), d.tenant("")
		var want []string
		for i := range 25 {
			m := store.Interaction{ID: store.NewID("m"), ConversationID: "c_1", Role: store.RoleUser, Author: "u_1", Text: fmt.Sprint(i), CID: fmt.Sprint("cid", i), At: noon}
			must(t, a.AddMessage(t.Context(), m))
			want = append(want, m.ID)
			m.ID, m.Text = store.NewID("m"), "beta"
			must(t, b.AddMessage(t.Context(), m))
		}
		slices.Reverse(want)
		var got []string
		for before := ""; ; {
			page, err := a.Messages(t.Context(), "c_1", before, 10)
			must(t, err)
			for _, m := range page {
				got = append(got, m.ID)
			}
			if len(page) < 10 {
				break
			}
			before = page[len(page)-1].ID
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
		is(t, a.AddMessage(t.Context(), store.Interaction{ID: store.NewID("m"), ConversationID: "c_1", Author: "u_1", CID: "cid3"}), store.ErrExists, "same cid")
		m, err := a.MessageByCID(t.Context(), "c_1", "u_1", "cid3")
		must(t, err)
		must(t, a.SetMessagePlace(t.Context(), m.ID, "ep", 7))
		if m, err = a.Message(t.Context(), m.ID); err != nil || m.LogEpoch != "ep" || m.LogSeq != 7 || m.Text != "3" {
			t.Errorf("%+v, %v", m, err)
		}
		for _, cid := range []string{"", "nothing", `{"$gt":""}`} {
			_, err := a.MessageByCID(t.Context(), "c_1", "u_1", cid)
			is(t, err, store.ErrNotFound, "cid "+cid)
		}
	})
}
