package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aihub/e2e/rig"
	"aihub/e2e/upstream"
)

// The supervisors' list over three instances: how soon a watcher has it, how soon a change is seen by a watcher of another
// instance, and what watchers cost the people who are watched.
//
//	go test ./e2e/load -v -timeout 1h -run LiveList -measure live -reps 3
//
// Without -measure it only tries itself out, with a few conversations.
func TestLiveList(t *testing.T) {
	small := *scenarioNames != "live" && *scenarioNames != "all"
	w := rig.New(t, rig.Setup{Instances: 3, Plain: true})
	ctx := w.Context(40 * time.Minute)
	people := w.DB.AddPeople(t, "alfa", "usuario", 50)
	staff := w.DB.AddPeople(t, "alfa", "supervisor", 6)
	at := func(email string) *rig.API {
		return &rig.API{Base: func() string { return w.Instances[0].URL }, Tenant: "alfa", Email: email}
	}
	var apis []*rig.API
	for _, email := range people {
		apis = append(apis, at(email))
	}
	n := pick(small, 30, 1000)
	talks := make([]*talk, n)
	var next atomic.Int64
	var opening sync.WaitGroup
	for range 8 {
		opening.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				c, err := connect(ctx, w.Instances[i%3].URL, apis[i%len(apis)], i)
				if err != nil {
					t.Errorf("conversation %d: %v", i, err)
					return
				}
				talks[i] = c
			}
		})
	}
	opening.Wait()
	if t.Failed() {
		return
	}
	defer func() {
		for _, c := range talks {
			c.close()
		}
	}()
	var watchers []*watcher
	var cold, warm []float64
	for round := range pick(small, 2, 8) {
		for i := range 3 {
			s := &watcher{seen: map[string]time.Time{}, all: map[string]bool{}}
			took, err := s.watch(ctx, w.Instances[i].URL, at(staff[(round*3+i)%len(staff)]))
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				cold = append(cold, took)
				watchers = append(watchers, s) // stays
				continue
			}
			warm = append(warm, took)
			s.conn.Close()
		}
	}
	for _, s := range watchers {
		begun := time.Now()
		for s.count() < n && time.Since(begun) < 20*time.Second {
			time.Sleep(10 * time.Millisecond)
		}
		if s.count() < n {
			t.Errorf("a watcher has %d of %d conversations", s.count(), n)
		}
	}
	changes := changesSeen(t, talks, watchers, pick(small, 20, 400))
	f := figures{"sessions": float64(n), "snap_cold_ms": quantile(cold, 1), "snap_p50_ms": quantile(warm, 0.5), "snap_max_ms": quantile(warm, 1),
		"change_p50_ms": quantile(changes, 0.5), "change_p99_ms": quantile(changes, 0.99)}
	for _, s := range watchers {
		s.conn.Close()
	}
	streaming := talks[:pick(small, 6, 30)] // more would fill the machine, and then everything costs
	var ratios, tails, elapsed []float64
	for rep := range *reps {
		var alone, watched figures
		for i := range 2 { // in turns, each order as often
			if (i+rep)%2 == 0 {
				alone = talkAll(t, streaming, rep*2+i, nil)
			} else {
				watched = talkAll(t, streaming, rep*2+i, func() func() { return oversee(t, ctx, w, at, staff, streaming) })
			}
		}
		ratios = append(ratios, watched["token_p50_ms"]/alone["token_p50_ms"])
		tails = append(tails, watched["token_p99_ms"]/alone["token_p99_ms"])
		elapsed = append(elapsed, watched["elapsed_s"]/alone["elapsed_s"])
		show(t, "streams alone", alone)
		show(t, "streams watched", watched)
	}
	f["token_p50_watched_to_alone"], f["token_p99_watched_to_alone"], f["elapsed_watched_to_alone"] = median(ratios), median(tails), median(elapsed)
	show(t, "live", f)
	if !small && (f["snap_max_ms"] > 200 || f["change_p99_ms"] > 500) {
		t.Errorf("the list is late: %v", f)
	}
}

func show(t *testing.T, name string, f figures) {
	line, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(name, string(line))
}

// A talk is a conversation with its person connected.
type talk struct {
	*socket
	conv   string
	n      int
	events chan []byte // what came; the reader drops when nobody takes it
}

// connect connects a person and makes a conversation.
func connect(ctx context.Context, base string, api *rig.API, i int) (*talk, error) {
	token, err := api.Token(ctx)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, base+"/ws", "aihub.v1")
	if err != nil {
		return nil, err
	}
	s := &aihubSession{socket: c, room: &aihubRoom{n: i}}
	if err := s.do(`{"t":"auth","id":1,"token":"`+token+`"}`, `"hello"`); err != nil {
		return nil, err
	}
	if err := s.begin(fmt.Sprintf("live-%d", i)); err != nil {
		return nil, err
	}
	k := &talk{socket: c, conv: s.room.conv, events: make(chan []byte, 4096)}
	go func() {
		defer close(k.events)
		for {
			p, err := s.receive()
			if err != nil {
				return
			}
			select {
			case k.events <- bytes.Clone(p):
			default:
			}
		}
	}()
	return k, nil
}

func (k *talk) say(text string) error {
	k.n++
	return k.write(fmt.Appendf(nil, `{"t":"send","id":%d,"cid":"say-%d","conv":%q,"text":%q}`, 100+k.n, k.n, k.conv, text))
}

// A watcher is a supervisor with the live list.
type watcher struct {
	conn *rig.Conn
	mu   sync.Mutex
	all  map[string]bool
	seen map[string]time.Time // texts, when they first stood in the list
}

// watch opens the list and returns the milliseconds to its snapshot.
func (s *watcher) watch(ctx context.Context, base string, api *rig.API) (float64, error) {
	var err error
	s.conn, err = rig.LoginAt(ctx, api, base, s.frame)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	f, err := s.conn.Do(ctx, rig.Cmd{"t": "watch"})
	if err == nil && f.T != "live" {
		err = fmt.Errorf("watch was answered by %s", f.Raw)
	}
	return float64(time.Since(begun)) / 1e6, err
}

func (s *watcher) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

func (s *watcher) frame(f rig.Frame) {
	if f.T != "live" {
		return
	}
	type entry struct {
		Conv string
		Text string `json:"last_text"`
	}
	var l struct {
		Sessions []entry
		Session  *entry
	}
	if json.Unmarshal(f.Raw, &l) != nil {
		return
	}
	if l.Session != nil {
		l.Sessions = append(l.Sessions, *l.Session)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range l.Sessions {
		s.all[e.Conv] = true
		if _, known := s.seen[e.Text]; !known {
			s.seen[e.Text] = f.At
		}
	}
}

// changesSeen lets people speak, 20 a second, and returns the milliseconds until every watcher has seen each.
func changesSeen(t *testing.T, talks []*talk, watchers []*watcher, n int) []float64 {
	sent := map[string]time.Time{} // when the person's own client was shown it
	var mu sync.Mutex
	var hearing sync.WaitGroup
	for i := range n {
		text, k := fmt.Sprintf("mudança %d [[tokens=1 every=0s]]", i), talks[i*7%len(talks)]
		for len(k.events) > 0 {
			<-k.events
		}
		if err := k.say(text); err != nil {
			t.Fatal(err)
		}
		hearing.Go(func() {
			limit := time.After(patience)
			for {
				select {
				case p := <-k.events:
					if bytes.Contains(p, []byte(`"k":"msg"`)) && bytes.Contains(p, []byte(text)) {
						mu.Lock()
						sent[text] = time.Now()
						mu.Unlock()
						return
					}
				case <-limit:
					t.Errorf("%q was not shown to who said it", text)
					return
				}
			}
		})
		time.Sleep(50 * time.Millisecond)
	}
	hearing.Wait()
	time.Sleep(2 * time.Second)
	var out []float64
	for text, at := range sent {
		for _, s := range watchers {
			s.mu.Lock()
			seen, ok := s.seen[text]
			s.mu.Unlock()
			if !ok {
				t.Errorf("%q was never seen", text)
				continue
			}
			out = append(out, float64(seen.Sub(at))/1e6)
		}
	}
	return out
}

// talkAll lets every person get an answer at once and measures their tokens.
func talkAll(t *testing.T, talks []*talk, round int, with func() func()) figures {
	if with != nil {
		defer with()()
		time.Sleep(time.Second)
	}
	const tokens = 150
	var mu sync.Mutex
	var all []float64
	var talking sync.WaitGroup
	begun := time.Now()
	for i, k := range talks {
		for len(k.events) > 0 {
			<-k.events
		}
		talking.Go(func() {
			time.Sleep(time.Duration(i) * 5 * time.Millisecond)
			if err := k.say(fmt.Sprintf("Olá %d [[stamp tokens=%d every=20ms first=20ms]]", round, tokens)); err != nil {
				t.Error(err)
				return
			}
			var mine []float64
			limit := time.After(patience)
			for {
				select {
				case p, ok := <-k.events:
					if !ok {
						t.Error("a person's connection ended")
						return
					}
					now := time.Now().UnixNano()
					upstream.ScanStamps(p, func(ns int64, arrival bool) {
						if !arrival {
							mine = append(mine, float64(now-ns)/1e6)
						}
					})
					if bytes.Contains(p, []byte(`"k":"run.end"`)) {
						mu.Lock()
						all = append(all, mine...)
						mu.Unlock()
						return
					}
				case <-limit:
					t.Error("an answer does not end")
					return
				}
			}
		})
	}
	talking.Wait()
	return figures{"elapsed_s": time.Since(begun).Seconds(), "tokens": float64(len(all)), "token_p50_ms": quantile(all, 0.5), "token_p99_ms": quantile(all, 0.99)}
}

// oversee lets supervisors watch the list on every instance and follow every third conversation, each on another
// instance than its person; the returned function ends it.
func oversee(t *testing.T, ctx context.Context, w *rig.World, at func(string) *rig.API, staff []string, talks []*talk) func() {
	var conns []*rig.Conn
	for i := range 3 {
		s := &watcher{seen: map[string]time.Time{}, all: map[string]bool{}}
		if _, err := s.watch(ctx, w.Instances[i].URL, at(staff[i])); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, s.conn)
	}
	for i, k := range talks {
		if i%3 != 0 {
			continue
		}
		if f, err := conns[(i/3+1)%3].Do(ctx, rig.Cmd{"t": "sub", "conv": k.conv}); err != nil || f.T != "snap" {
			t.Fatalf("sub: %s %v", f.Raw, err)
		}
		time.Sleep(20 * time.Millisecond) // a connection may send 20 commands a second
	}
	return func() {
		for _, c := range conns {
			c.Close()
		}
	}
}
