package load

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"aihub/e2e/rig"
)

// What it costs a member of a conversation to be on another instance than the run: the same tokens, as members on both
// instances get them, beside the reference, a bare leg over the bus at the same time. legs_p50 and legs_p99 are by how many
// legs they are later; later_p50 and later_p99 by how much, token by token.
//
//	go test ./e2e/load -v -timeout 1h -run Elsewhere -measure elsewhere -reps 3
//
// Without -measure it only tries itself out, with a few conversations.
func TestMembersElsewhere(t *testing.T) {
	small := *scenarioNames != "elsewhere" && *scenarioNames != "all"
	w := rig.New(t, rig.Setup{Instances: 2, Plain: true})
	ctx := w.Context(40 * time.Minute)
	var people []*rig.API
	for _, email := range w.DB.AddPeople(t, "alfa", "usuario", 50) {
		people = append(people, &rig.API{Base: func() string { return w.Instances[0].URL }, Tenant: "alfa", Email: email})
	}
	bus := newLeg(t, w.NATS.URL())
	found := map[string][]float64{}
	for rep := range *reps {
		f := elsewhere(t, ctx, w, people, bus, rep, pick(small, 4, 100), pick(small, 50, 400))
		for name, value := range f {
			found[name] = append(found[name], value)
		}
		show(t, "elsewhere", f)
	}
	medians := figures{}
	for name, values := range found {
		medians[name] = median(values)
	}
	show(t, "elsewhere, medians", medians)
}

// elsewhere lets rooms get one answer each. Who asks and a member beside them are on the instance that answers, another
// member is on the other.
func elsewhere(t *testing.T, ctx context.Context, w *rig.World, people []*rig.API, bus *leg, rep, rooms, tokens int) figures {
	var sessions []*aihubSession
	defer func() {
		for _, s := range sessions {
			s.close()
		}
	}()
	var authors []*aihubSession
	var here, there []*receiver
	var complete, ended sync.WaitGroup
	var stopped atomic.Bool
	sent := make([]atomic.Int64, rooms)
	for i := range rooms {
		room := &aihubRoom{n: rep*rooms + i}
		enter := func(instance int) *aihubSession {
			token, err := people[i%len(people)].Token(ctx)
			if err != nil {
				t.Fatal(err)
			}
			c, err := dial(ctx, w.Instances[instance].URL+"/ws", "aihub.v1")
			if err != nil {
				t.Fatal(err)
			}
			s := &aihubSession{socket: c, room: room}
			sessions = append(sessions, s)
			if err := s.do(`{"t":"auth","id":1,"token":"`+token+`"}`, `"hello"`); err != nil {
				t.Fatal(err)
			}
			return s
		}
		author := enter(0)
		if err := author.begin(fmt.Sprintf("elsewhere-%d-%d", rep, i)); err != nil {
			t.Fatal(err)
		}
		authors = append(authors, author)
		follow := func(s *aihubSession) *receiver {
			r := &receiver{sent: &sent[i], want: tokens, reached: complete.Done, stopped: &stopped}
			complete.Add(1)
			ended.Go(func() { r.run(s) })
			return r
		}
		for instance, list := range []*[]*receiver{&here, &there} {
			s := enter(instance)
			if err := s.do(`{"t":"sub","id":1,"conv":"`+room.conv+`"}`, `"snap"`); err != nil {
				t.Fatal(err)
			}
			*list = append(*list, follow(s))
		}
		follow(author)
	}
	m := begin(w.Instances[1].PID())
	bus.start()
	for i, author := range authors {
		time.Sleep(time.Second / time.Duration(rooms))
		sent[i].Store(time.Now().UnixNano())
		if err := author.ask(fmt.Sprintf("Olá [[stamp tokens=%d every=20ms first=20ms]]", tokens)); err != nil {
			t.Fatal(err)
		}
	}
	all := make(chan struct{})
	go func() { complete.Wait(); close(all) }()
	select {
	case <-all:
	case <-time.After(time.Second + time.Duration(tokens)*20*time.Millisecond + patience):
		t.Error("an answer does not come to its end")
	}
	legs := bus.stop()
	_, server, others := m.end()
	stopped.Store(true)
	for _, s := range sessions {
		s.close()
	}
	ended.Wait()

	var local, remote, later []float64
	for i := range here {
		local, remote = append(local, here[i].token...), append(remote, there[i].token...)
		for n := range min(len(here[i].token), len(there[i].token)) { // the same token
			later = append(later, there[i].token[n]-here[i].token[n])
		}
	}
	f := figures{"missing": float64(2*rooms*tokens - len(local) - len(remote)), "other_cores": others,
		"elsewhere_cpu_s_per_1m_delivered": server.Seconds() * 1e6 / max(1, float64(len(remote)))}
	for name, values := range map[string][]float64{"here": local, "there": remote, "later": later, "leg": legs} {
		f[name+"_p50_ms"], f[name+"_p99_ms"] = quantile(values, 0.5), quantile(values, 0.99)
	}
	f["legs_p50"] = (f["there_p50_ms"] - f["here_p50_ms"]) / f["leg_p50_ms"]
	f["legs_p99"] = (f["there_p99_ms"] - f["here_p99_ms"]) / f["leg_p99_ms"]
	return f
}

// A leg is the bus with nothing around it: a message goes from one connection to another, 50 times a second, as large as a
// piece of an answer.
type leg struct {
	from, to *nats.Conn
	quit     chan struct{}
	sending  sync.WaitGroup

	mu   sync.Mutex
	took []float64 // ms
}

func newLeg(t *testing.T, url string) *leg {
	l := &leg{}
	for _, c := range []**nats.Conn{&l.from, &l.to} {
		conn, err := nats.Connect(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		*c = conn
	}
	_, err := l.to.Subscribe("load.leg", func(m *nats.Msg) {
		took := float64(time.Now().UnixNano()-int64(binary.BigEndian.Uint64(m.Data))) / 1e6
		l.mu.Lock()
		l.took = append(l.took, took)
		l.mu.Unlock()
	})
	if err == nil {
		err = l.to.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *leg) start() {
	l.quit = make(chan struct{})
	l.sending.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		message := make([]byte, 250)
		for {
			select {
			case <-l.quit:
				return
			case <-tick.C:
			}
			binary.BigEndian.PutUint64(message, uint64(time.Now().UnixNano()))
			_ = l.from.Publish("load.leg", message) // what is lost is not measured
		}
	})
}

// stop returns how long the messages took.
func (l *leg) stop() []float64 {
	close(l.quit)
	l.sending.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	took := l.took
	l.took = nil
	return took
}
