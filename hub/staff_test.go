package hub_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aihub/hub"
	"aihub/store"
)

// staffEntry awaits an entry of the staff log.
func (c *client) staffEntry(kind string, is func(in) bool) in {
	c.t.Helper()
	return c.await("a staff entry "+kind, func(f in) bool { return f.T == "staff" && f.K == kind && (is == nil || is(f)) })
}

// Staff whisper beside a conversation: to the AI, which is told with the next answer, and among each other. The
// participant's connection gets not one byte more or less than without them.
func TestWhispers(t *testing.T) {
	w := newWorld(t, unlimited)
	one, two := w.hub(), w.hub()
	c, boss, second := connect(t, one, "alfa/usuario"), connect(t, two, "alfa/supervisor"), connect(t, one, "alfa/segundo")
	ok := c.ask("", "um", "primeira n=2")
	c.ended(ok.Run)
	for _, s := range []*client{boss, second} {
		s.do(map[string]any{"t": "sub", "conv": ok.Conv})
	}
	boss.staffEntry("watch", func(f in) bool { return f.By.ID == "u_alfa_segundo" })
	guide := boss.do(map[string]any{"t": "whisper", "conv": ok.Conv, "to": "ai", "text": "ofereça 10% de desconto", "cid": "w1"})
	again := boss.do(map[string]any{"t": "whisper", "conv": ok.Conv, "to": "ai", "text": "ofereça 10% de desconto", "cid": "w1"})
	if guide.T != "ok" || guide.Entry == "" || again.Entry != guide.Entry {
		t.Errorf("whispers: %s, %s", guide.raw, again.raw)
	}
	note := second.do(map[string]any{"t": "whisper", "conv": ok.Conv, "to": "staff", "text": "é o cliente de ontem"})
	for _, s := range []*client{boss, second} {
		if f := s.staffEntry("whisper", nil); f.Text != "ofereça 10% de desconto" || f.By.Name != "supervisor" || f.Applied {
			t.Errorf("whisper: %s", f.raw)
		}
		if f := s.staffEntry("note", nil); f.Text != "é o cliente de ontem" || note.T != "ok" {
			t.Errorf("note: %s", f.raw)
		}
	}
	next := c.ask(ok.Conv, "dois", "segunda n=2")
	c.ended(next.Run)
	told := fmt.Sprint(w.upstream.asked("segunda")[0].messages)
	if !strings.Contains(told, "ofereça 10% de desconto") || strings.Contains(told, "cliente de ontem") {
		t.Errorf("the model was told %s", told)
	}
	boss.staffEntry("whisper", func(f in) bool { return f.Applied })
	late := connect(t, two, "alfa/admin")
	late.do(map[string]any{"t": "sub", "conv": ok.Conv})
	if f := late.staffEntry("whisper", nil); !f.Applied {
		t.Errorf("what was written before: %s", f.raw)
	}
	late.do(map[string]any{"t": "unsub", "conv": ok.Conv})
	boss.staffEntry("unwatch", func(f in) bool { return f.By.ID == "u_alfa_admin" })
	for bad, want := range map[string]map[string]any{
		"bad_field": {"t": "whisper", "conv": ok.Conv, "to": "client", "text": "x"},
		"too_big":   {"t": "whisper", "conv": ok.Conv, "to": "ai", "text": strings.Repeat("x", 4001)},
	} {
		if f := boss.do(want); f.Code != bad {
			t.Errorf("want %s: %s", bad, f.raw)
		}
	}
	for _, f := range c.all() {
		if f.T == "staff" || bytes.Contains(f.raw, []byte("desconto")) || bytes.Contains(f.raw, []byte("ontem")) {
			t.Errorf("the participant received %s", f.raw)
		}
	}
	_, seq := c.place(ok.Conv)
	if log := logOf(t, w.bus(), "alfa", ok.Conv); int64(len(log)) != seq || log[len(log)-1].Seq != seq {
		t.Errorf("the participant's log has %d events up to %d", len(log), seq)
	}
}

// A whisper that must not wait stops the answer and begins another one that is told of it.
func TestWhisperNow(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c, boss := connect(t, h, "alfa/usuario"), connect(t, h, "alfa/supervisor")
	ok := c.ask("", "um", "n=300 gap=5ms")
	c.event(ok.Conv, "delta")
	boss.do(map[string]any{"t": "sub", "conv": ok.Conv})
	f := boss.do(map[string]any{"t": "whisper", "conv": ok.Conv, "to": "ai", "text": "seja breve", "now": true})
	if f.T != "ok" {
		t.Fatalf("whisper: %s", f.raw)
	}
	if end := c.ended(ok.Run); end.State != "stopped" {
		t.Errorf("the first answer: %s", end.raw)
	}
	start := c.await("a second answer", func(f in) bool { return f.K == "run.start" && f.Run != ok.Run })
	if start.Parent != ok.Msg {
		t.Errorf("it answers %s, want %s", start.Parent, ok.Msg)
	}
	if end := c.ended(start.Run); end.State != "complete" {
		t.Errorf("the second answer: %s", end.raw)
	}
	if calls := w.upstream.asked("n=300"); len(calls) != 2 || !strings.Contains(fmt.Sprint(calls[1].messages), "seja breve") {
		t.Errorf("%d calls", len(calls))
	}
}

// entry is a session of a `live` frame.
func (f in) entry(t *testing.T) hub.LiveView {
	t.Helper()
	var v hub.LiveView
	if err := json.Unmarshal(f.Session, &v); err != nil {
		t.Fatalf("%s: %v", f.raw, err)
	}
	return v
}

// live awaits a change of the live list.
func (c *client) live(t *testing.T, conv string, is func(hub.LiveView) bool) hub.LiveView {
	t.Helper()
	return c.await("a change of "+conv, func(f in) bool {
		if f.T != "live" || f.K != "put" {
			return false
		}
		v := f.entry(t)
		return v.Conv == conv && is(v)
	}).entry(t)
}

// The live list shows every conversation with somebody in it, on whatever instance, and what happens to it.
func TestLiveList(t *testing.T) {
	w := newWorld(t, unlimited)
	one, two := w.hub(), w.hub()
	c := connect(t, one, "alfa/usuario")
	ok := c.ask("", "um", "quero cancelar n=2")
	c.ended(ok.Run)
	boss, foreign := connect(t, two, "alfa/supervisor"), connect(t, two, "beta/supervisor")
	var snap in
	for try := 0; len(snap.Sessions) == 0 && try < 30; try++ {
		time.Sleep(200 * time.Millisecond)
		boss.do(map[string]any{"t": "unwatch"})
		snap = boss.do(map[string]any{"t": "watch"})
	}
	if len(snap.Sessions) != 1 {
		t.Fatalf("the conversation is not in the list: %s", snap.raw)
	}
	if v := snap.Sessions[0]; snap.K != "snap" || v.Conv != ok.Conv || v.Participant.Name != "usuario" || v.Channel != "portal" || v.Owner.Kind != "ai" || v.State != "idle" ||
		v.LastText != "quero cancelar n=2" || v.Tokens == 0 || v.FirstTokenMS == 0 || len(v.Risk) != 1 || v.Risk[0] != "negative" || v.Watchers == nil {
		t.Errorf("snapshot: %s", snap.raw)
	}
	if f := foreign.do(map[string]any{"t": "watch"}); f.T != "live" || len(f.Sessions) != 0 {
		t.Errorf("beta sees %s", f.raw)
	}
	next := c.ask(ok.Conv, "dois", "n=400 gap=10ms")
	boss.live(t, ok.Conv, func(v hub.LiveView) bool { return v.State == "answering" && len(v.Risk) == 0 })
	boss.do(map[string]any{"t": "sub", "conv": ok.Conv})
	boss.live(t, ok.Conv, func(v hub.LiveView) bool { return len(v.Watchers) == 1 && v.Watchers[0].ID == "u_alfa_supervisor" })
	boss.live(t, ok.Conv, func(v hub.LiveView) bool { return v.State == "answering" && v.Tokens > 200 })
	c.do(map[string]any{"t": "call", "conv": ok.Conv})
	c.ended(next.Run)
	boss.live(t, ok.Conv, func(v hub.LiveView) bool {
		return v.State == "waiting" && v.Owner.Kind == "queue" && v.Risk[0] == "asked_human"
	})
	boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 1})
	boss.live(t, ok.Conv, func(v hub.LiveView) bool { return v.State == "attended" && v.Owner.Name == "supervisor" })
	boss.do(map[string]any{"t": "release", "conv": ok.Conv, "epoch": 2})
	boss.do(map[string]any{"t": "unsub", "conv": ok.Conv})
	c.end()
	<-c.done
	boss.await("the end of the entry", func(f in) bool { return f.T == "live" && f.K == "del" && f.Conv == ok.Conv })
	for _, f := range foreign.all() {
		if bytes.Contains(f.raw, []byte(ok.Conv)) || bytes.Contains(f.raw, []byte("u_alfa")) {
			t.Errorf("beta received %s", f.raw)
		}
	}
}

// Who comes back through another instance stays in the list; what the first one kept does not end it.
func TestLiveListOfWhoMoves(t *testing.T) {
	w := newWorld(t, unlimited)
	one, two := w.hub(), w.hub()
	c, boss := connect(t, one, "alfa/usuario"), connect(t, one, "alfa/supervisor")
	ok := c.ask("", "um", "n=1")
	c.ended(ok.Run)
	boss.do(map[string]any{"t": "watch"})
	moved := connect(t, two, "alfa/usuario")
	moved.do(map[string]any{"t": "sub", "conv": ok.Conv})
	time.Sleep(time.Second)
	c.end()
	<-c.done
	next := moved.ask(ok.Conv, "dois", "onde parei n=1")
	moved.ended(next.Run)
	boss.live(t, ok.Conv, func(v hub.LiveView) bool { return v.LastText == "onde parei n=1" })
	time.Sleep(time.Second)
	for _, f := range boss.all() {
		if f.K == "del" {
			t.Errorf("it left the list: %s", f.raw)
		}
	}
}

// Of two devices on two instances one goes: the session stays in the list, whichever instance told of it last.
func TestLiveListWhenOneOfTwoDevicesGoes(t *testing.T) {
	w := newWorld(t, unlimited)
	one, two := w.hub(), w.hub()
	c, boss := connect(t, one, "alfa/usuario"), connect(t, one, "alfa/supervisor")
	ok := c.ask("", "um", "n=1")
	c.ended(ok.Run)
	boss.do(map[string]any{"t": "watch"})
	other := connect(t, two, "alfa/usuario")
	other.do(map[string]any{"t": "sub", "conv": ok.Conv})
	for i := range 6 { // both instances tell of each answer, in either order
		next := other.ask(ok.Conv, fmt.Sprint(i), "n=1")
		other.ended(next.Run)
		time.Sleep(150 * time.Millisecond)
		c.end()
		<-c.done
		time.Sleep(time.Second)
		c = connect(t, one, "alfa/usuario")
		c.do(map[string]any{"t": "sub", "conv": ok.Conv})
	}
	for _, f := range boss.all() {
		if f.K == "del" {
			t.Errorf("it left the list: %s", f.raw)
		}
	}
}

// Nobody notices that somebody only watches: who watches may not tell that they type.
func TestOnlyTheOwnerIsSeenTyping(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c, boss := connect(t, h, "alfa/usuario"), connect(t, h, "alfa/supervisor")
	ok := c.ask("", "um", "n=1")
	c.ended(ok.Run)
	boss.do(map[string]any{"t": "sub", "conv": ok.Conv})
	if f := boss.do(map[string]any{"t": "typing", "conv": ok.Conv}); f.Code != "forbidden" {
		t.Errorf("typing of who watches: %s", f.raw)
	}
	if f := c.do(map[string]any{"t": "typing", "conv": ok.Conv}); f.T != "ok" {
		t.Errorf("typing of the participant: %s", f.raw)
	}
	if f := boss.await("typing", func(f in) bool { return f.T == "typing" }); f.By.Kind != "user" {
		t.Errorf("typing: %s", f.raw)
	}
	boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 0})
	boss.do(map[string]any{"t": "typing", "conv": ok.Conv})
	if f := c.await("typing", func(f in) bool { return f.T == "typing" }); f.By.Kind != "agent" || f.By.Name != "supervisor" {
		t.Errorf("typing: %s", f.raw)
	}
}

func TestLiveListIsFilteredByTheServer(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c, other, boss := connect(t, h, "alfa/usuario"), connect(t, h, "alfa/outro"), connect(t, h, "alfa/supervisor")
	mine, theirs := c.ask("", "um", "n=1"), other.ask("", "um", "n=1")
	c.ended(mine.Run)
	other.ended(theirs.Run)
	boss.do(map[string]any{"t": "watch", "filter": map[string]any{"owner": "queue"}})
	c.do(map[string]any{"t": "call", "conv": mine.Conv})
	boss.live(t, mine.Conv, func(v hub.LiveView) bool { return v.Owner.Kind == "queue" })
	c.do(map[string]any{"t": "release", "conv": mine.Conv, "epoch": 1})
	boss.await("its end in the filtered list", func(f in) bool { return f.K == "del" && f.Conv == mine.Conv })
	for _, f := range boss.all() {
		if bytes.Contains(f.raw, []byte(theirs.Conv)) {
			t.Errorf("what does not match: %s", f.raw)
		}
	}
	if f := boss.do(map[string]any{"t": "watch", "filter": map[string]any{"tenant": "beta"}}); f.Code != "bad_field" {
		t.Errorf("a filter that does not exist: %s", f.raw)
	}
}

// What a dead instance kept goes by itself, and a person who comes back elsewhere is there again.
func TestLiveListOfManySessions(t *testing.T) {
	w := newWorld(t, unlimited)
	hubs := []*hub.Hub{w.hub(), w.hub(), w.hub()}
	const sessions = 300
	tenant := w.tenant("alfa")
	var wg sync.WaitGroup
	for n := range 6 {
		wg.Go(func() {
			c := connect(t, hubs[n%3], "alfa/"+[]string{"usuario", "outro"}[n%2])
			for i := range sessions / 6 {
				id := store.NewID("c")
				_, _, err := tenant.CreateConversation(t.Context(), store.Conversation{ID: id, UserID: c.user(), Channel: "portal", Title: fmt.Sprint(n, i),
					Owner: store.Owner{Kind: store.OwnerAI}, State: store.ConversationOpen, CreatedAt: time.Now(), UpdatedAt: time.Now()})
				if err != nil {
					t.Error(err)
				}
				if f := c.do(map[string]any{"t": "sub", "conv": id}); f.T != "snap" {
					t.Errorf("sub: %s", f.raw)
				}
				time.Sleep(30 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	time.Sleep(500 * time.Millisecond)
	boss := connect(t, hubs[0], "alfa/supervisor")
	start := time.Now()
	snap := boss.do(map[string]any{"t": "watch"})
	took := time.Since(start)
	seen := map[string]bool{}
	for _, v := range snap.Sessions {
		seen[v.Conv] = true
	}
	eventually(t, 10*time.Second, "all sessions are shown", func() bool {
		for _, f := range boss.all() {
			if f.T == "live" && f.K == "put" {
				seen[f.entry(t).Conv] = true
			}
		}
		return len(seen) == sessions
	})
	t.Logf("snapshot of %d in %v, all %d after %v", len(snap.Sessions), took, len(seen), time.Since(start))
	if took > time.Second {
		t.Errorf("the snapshot took %v", took)
	}
}

func (c *client) user() string {
	for _, f := range c.all() {
		if f.T == "hello" {
			var hello struct {
				User struct {
					ID string `json:"id"`
				} `json:"user"`
			}
			_ = json.Unmarshal(f.raw, &hello)
			return hello.User.ID
		}
	}
	return ""
}

// Where the tenant wants it told, the participant hears that somebody watches, on any instance and also when they come
// later, and that it is over; elsewhere not one frame says so.
func TestThePersonIsToldThatTheyAreWatched(t *testing.T) {
	w := newWorld(t, unlimited)
	p, err := w.tenant("alfa").Profile(t.Context())
	must(t, err)
	p.Privacy.TellWatched = true
	_, err = w.tenant("alfa").UpdateProfile(t.Context(), p)
	must(t, err)
	one, two := w.hub(), w.hub()
	watched := func(c *client, conv string, on bool) {
		c.await(fmt.Sprint("watched: ", on), func(f in) bool {
			return f.T == "watched" && f.Conv == conv && bytesHave(f.raw, fmt.Sprintf(`"on":%v`, on))
		})
	}
	c, boss, second := connect(t, one, "alfa/usuario"), connect(t, two, "alfa/supervisor"), connect(t, one, "alfa/segundo")
	ok := c.ask("", "um", "n=2")
	c.ended(ok.Run)
	boss.do(map[string]any{"t": "sub", "conv": ok.Conv})
	watched(c, ok.Conv, true)
	second.do(map[string]any{"t": "sub", "conv": ok.Conv})
	later := connect(t, two, "alfa/usuario")
	later.do(map[string]any{"t": "sub", "conv": ok.Conv})
	watched(later, ok.Conv, true)
	boss.end()
	<-boss.done
	second.do(map[string]any{"t": "unsub", "conv": ok.Conv})
	watched(c, ok.Conv, false)
	watched(later, ok.Conv, false)
	told := 0
	for _, f := range c.all() {
		if f.T == "watched" {
			told++
		}
	}
	if told != 2 {
		t.Errorf("it was told %d times", told)
	}

	silent, foreign := connect(t, one, "beta/usuario"), connect(t, two, "beta/supervisor")
	other := silent.ask("", "um", "n=2")
	silent.ended(other.Run)
	foreign.do(map[string]any{"t": "sub", "conv": other.Conv})
	time.Sleep(time.Second)
	for _, f := range silent.all() {
		if f.T == "watched" {
			t.Errorf("told although nobody wants it: %s", f.raw)
		}
	}
}

// What needs a person is an alert, once for each occasion, whatever instance keeps the conversation; where nobody wants
// to be told there is none. Tags stand in the live list, and it can be narrowed to one.
func TestAlertsAndTagsOfLiveConversations(t *testing.T) {
	w := newWorld(t, unlimited)
	p, err := w.tenant("alfa").Profile(t.Context())
	must(t, err)
	p.Alerts = store.Alerts{URL: "https://hooks.example", Kinds: []string{"negative", "asked_human"}}
	_, err = w.tenant("alfa").UpdateProfile(t.Context(), p)
	must(t, err)
	must(t, w.tenant("alfa").CreateModel(t.Context(), store.Model{ID: store.NewID("o"), Key: "m", Name: "M", Model: "modelo", Provider: "openai", State: store.StateActive,
		Price: &store.Price{In: 1_000_000_000, Out: 1_000_000_000}}))
	told := make(chan store.TenantID, 100)
	w.alerted = func(id store.TenantID) { told <- id }
	one, two := w.hub(), w.hub()
	c, boss, foreign := connect(t, one, "alfa/usuario"), connect(t, two, "alfa/supervisor"), connect(t, one, "beta/usuario")
	boss.do(map[string]any{"t": "watch", "filter": map[string]any{"tag": "vip"}})
	ok := c.ask("", "um", "que absurdo n=2")
	c.ended(ok.Run)
	other := foreign.ask("", "um", "que absurdo n=2")
	foreign.ended(other.Run)
	if id := <-told; id.String() != "alfa" {
		t.Errorf("an alert of %s", id)
	}
	kinds := func(slug string) (out []string) {
		list, _, err := w.tenant(slug).Alerts(t.Context(), store.Page{Limit: 100})
		must(t, err)
		for _, a := range list {
			out = append(out, a.Kind)
		}
		slices.Sort(out)
		return out
	}
	connect(t, two, "alfa/usuario").do(map[string]any{"t": "sub", "conv": ok.Conv}) // the other instance keeps it too
	c.do(map[string]any{"t": "call", "conv": ok.Conv})
	eventually(t, 10*time.Second, "both alerts", func() bool { return fmt.Sprint(kinds("alfa")) == "[asked_human negative]" })

	who := hub.Principal{Tenant: w.tenant("alfa"), User: "u_alfa_supervisor", Role: store.RoleSupervisor}
	tags, err := two.Tag(t.Context(), who, ok.Conv, "vip", true)
	if err != nil || fmt.Sprint(tags) != "[vip]" {
		t.Errorf("tags: %v %v", tags, err)
	}
	boss.live(t, ok.Conv, func(v hub.LiveView) bool {
		return fmt.Sprint(v.Tags) == "[vip]" && v.Cost != nil && *v.Cost > 0 && *v.Cost == v.Tokens*1000
	})
	_, err = two.Tag(t.Context(), who, ok.Conv, "vip", false)
	must(t, err)
	boss.await("it leaves the list", func(f in) bool { return f.T == "live" && f.K == "del" && f.Conv == ok.Conv })
	if _, err := two.Tag(t.Context(), who, other.Conv, "vip", true); err == nil {
		t.Error("another tenant's conversation was tagged")
	}
	if got := fmt.Sprint(kinds("alfa"), kinds("beta")); got != "[asked_human negative] []" {
		t.Errorf("alerts: %s", got)
	}
}

// What is given back with a cut is told to the AI as the note says it, and nothing of what was said before.
func TestReleaseWithACut(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c, boss := connect(t, h, "alfa/usuario"), connect(t, h, "alfa/supervisor")
	ok := c.ask("", "um", "assunto secreto n=2")
	c.ended(ok.Run)
	boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 0})
	boss.do(map[string]any{"t": "send", "conv": ok.Conv, "cid": "a", "text": "combinado em particular"})
	for _, f := range []in{boss.do(map[string]any{"t": "release", "conv": ok.Conv, "epoch": 1, "cut": true}),
		boss.do(map[string]any{"t": "release", "conv": ok.Conv, "epoch": 1, "cut": true, "note": " "})} {
		if f.Code != "bad_field" {
			t.Errorf("a cut without a note: %s", f.raw)
		}
	}
	if f := boss.do(map[string]any{"t": "release", "conv": ok.Conv, "epoch": 1, "cut": true, "note": "visita marcada para terça"}); f.T != "ok" {
		t.Fatalf("release: %s", f.raw)
	}
	for _, question := range []string{"terceira n=2", "quarta n=2"} {
		next := c.ask(ok.Conv, question, question)
		c.ended(next.Run)
		told := fmt.Sprint(w.upstream.asked(question[:6])[0].messages)
		if strings.Contains(told, "secreto") || strings.Contains(told, "particular") || !strings.Contains(told, "visita marcada") || !strings.Contains(told, "terceira") {
			t.Errorf("the model was told %s", told)
		}
	}
	// It holds after further changes of the owner, until another cut.
	boss.do(map[string]any{"t": "take", "conv": ok.Conv, "epoch": 2})
	boss.do(map[string]any{"t": "release", "conv": ok.Conv, "epoch": 3})
	next := c.ask(ok.Conv, "cinco", "quinta n=2")
	c.ended(next.Run)
	if told := fmt.Sprint(w.upstream.asked("quinta")[0].messages); strings.Contains(told, "secreto") || !strings.Contains(told, "quarta") {
		t.Errorf("the model was told %s", told)
	}
}
