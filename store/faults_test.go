package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aihub/store"
	"aihub/store/internal/testdb"
)

// throughProxy is MongoDB behind a network that can fail.
func throughProxy(t *testing.T, options string) (*database, *testdb.Proxy) {
	t.Helper()
	uri := testdb.Mongo(t) + mongoName
	mongoUsed.Store(uri, true)
	p, through := testdb.NewProxy(t, uri)
	d := &database{t: t, spec: through + options, clock: &clock{t: noon}}
	d.s = d.open()
	return d, p
}

// The server did what it was asked for, and its answer was lost: the same again must not happen twice, and must not be
// taken for somebody else's.
func TestALostAnswerIsNoSecondWrite(t *testing.T) {
	d, p := throughProxy(t, "")
	ctx, a := t.Context(), d.tenant("")
	lose := func(command string, do func() error) {
		t.Helper()
		before := p.Lost()
		p.LoseAnswer(command)
		if err := do(); err != nil {
			t.Errorf("%s: %v", command, err)
		}
		if p.Lost() != before+1 {
			t.Fatalf("%s: no answer was lost", command)
		}
	}
	m := store.Interaction{ID: store.NewID("m"), ConversationID: "c_1", Author: "u_1", CID: "cid", Text: "Olá", At: noon}
	lose("insert", func() error { return a.AddMessage(ctx, m) })
	is(t, a.AddMessage(ctx, store.Interaction{ID: store.NewID("m"), ConversationID: "c_1", Author: "u_1", CID: "cid"}), store.ErrExists, "another message of the same cid")
	other := m
	other.Text = "outro"
	is(t, a.AddMessage(ctx, other), store.ErrExists, "another message of the same id")
	p.LoseAnswer("insert")
	is(t, a.AddMessage(ctx, other), store.ErrExists, "another message of the same id, its answer lost")
	if list, err := a.Messages(ctx, "c_1", "", 10); err != nil || len(list) != 1 || list[0].Text != "Olá" {
		t.Errorf("%+v %v", list, err)
	}

	pl := plan(0, store.Limit{Window: store.WindowDay, Messages: 5, Tokens: 1000})
	var r store.Reservation
	_, err := a.Reserve(ctx, "u_1", "r_0", pl, 100)
	must(t, err)
	lose("update", func() (err error) { r, err = a.Reserve(ctx, "u_1", "r_1", pl, 100); return err })
	lose("update", func() error { return a.Extend(ctx, "u_1", &r, 50, pl) })
	if l := ledger(t, a, "u_1"); l.Open != 2 || l.Messages["dia:2026-11-24"] != 2 || l.Tokens["dia:2026-11-24"] != 250 || r.Tokens != 150 {
		t.Errorf("%+v %+v", l, r)
	}
	lose("update", func() error { return a.Settle(ctx, "u_1", "r_1", 40, false) })
	if l := ledger(t, a, "u_1"); l.Open != 1 || l.Messages["dia:2026-11-24"] != 2 || l.Tokens["dia:2026-11-24"] != 140 {
		t.Errorf("%+v", l)
	}
	answer := newAnswer("r_1", noon)
	must(t, a.AddMessage(ctx, answer))
	final := store.Final{State: store.RunComplete, Text: "Oi", SHA: "x"}
	p.LoseAnswer("update")
	if err := a.FinishRun(ctx, answer.ID, 1, final); err != nil && !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	must(t, a.FinishRun(ctx, answer.ID, 1, final))
}

// While the server can't be reached, everything fails as unavailable and in time; when it is back, so is the store.
func TestAnUnreachableServerIsUnavailableAndComesBack(t *testing.T) {
	d, p := throughProxy(t, "?serverSelectionTimeoutMS=300")
	ctx, a := t.Context(), d.tenant("")
	p.SetDown(true)
	began := time.Now()
	_, read := a.Messages(ctx, "c_1", "", 10)
	write := a.AddMessage(ctx, store.Interaction{ID: store.NewID("m")})
	_, reserve := a.Reserve(ctx, "u_1", "r_1", plan(0), 1)
	for what, err := range map[string]error{"read": read, "write": write, "reserve": reserve} {
		is(t, err, store.ErrUnavailable, what)
	}
	if ready := d.s.Ready(ctx); ready == nil {
		t.Error("ready without a server")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("four failures took %v", took)
	}
	p.SetDown(false)
	var err error
	for i := 0; i < 100; i++ {
		if _, err = a.Reserve(ctx, "u_1", "r_2", plan(0), 1); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond) // the driver looks for the server twice a second
	}
	must(t, err)
	if l := ledger(t, a, "u_1"); l.Open != 1 {
		t.Errorf("what failed was reserved: %+v", l)
	}
}

func TestTheMongoAddressNeverShowsItsPassword(t *testing.T) {
	for _, spec := range []string{"mongodb://aihub:geheim@127.0.0.1:1/?serverSelectionTimeoutMS=50&connectTimeoutMS=50", "mongodb://aihub:geheim@127.0.0.1:x/"} {
		_, err := store.Open(t.Context(), spec, store.Options{})
		if s := fmt.Sprint(err); err == nil || strings.Contains(s, "geheim") {
			t.Errorf("%q", s)
		}
	}
}
