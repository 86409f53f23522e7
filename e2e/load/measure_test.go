package load

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aihub/e2e/rig"
	"aihub/e2e/upstream"
)

var (
	scenarioNames = flag.String("measure", "", "scenarios, separated by commas, or all; empty: only a try with a few connections")
	targetNames   = flag.String("targets", "", "targets, separated by commas; empty: all that a scenario has")
	profiles      = flag.String("profile", "", "a folder for CPU profiles of the program under the loads of streams")
	reps          = flag.Int("reps", 1, "repetitions; each measures every target once, in another order")
)

func TestMain(m *testing.M) {
	if name := os.Getenv("LOAD_SERVE"); name != "" {
		serve(name)
	}
	flag.Parse()
	code := m.Run()
	rig.Clean()
	os.Exit(code)
}

// figures are what one measurement found, by name.
type figures map[string]float64

// A scenario is one kind of load. small makes it a try.
type scenario struct {
	name    string
	tried   bool // also without -measure
	targets []string
	run     func(t testing.TB, to target, small bool) figures
	show    []string
}

var scenarios = []scenario{
	{"idle", false, []string{"aihub", "raw", "frame", "centrifuge"}, idle, []string{"bytes_per_connection", "idle_us_per_connection_s"}},
	{"watch", false, []string{"aihub", "raw", "frame", "centrifuge"}, watch, []string{"cpu_s_per_1m_delivered", "token_p50_ms", "token_p99_ms", "missing"}},
	{"streams", true, []string{"aihub", "raw", "frame", "centrifuge", "passthrough", "direct"}, streams200, []string{"cpu_s_per_1m_delivered", "added_first_p50_ms", "added_first_p99_ms", "token_p99_ms", "missing"}},
	{"many", false, []string{"aihub", "raw", "frame", "passthrough"}, streams1000, []string{"cpu_s_per_1m_delivered", "added_first_p50_ms", "added_first_p99_ms", "missing"}},
	{"burst", false, []string{"aihub", "raw", "frame", "centrifuge"}, burst, []string{"delivered_per_s", "cpu_s_per_1m_delivered", "missing", "closed_early"}},
	{"overload", false, []string{"aihub", "raw", "frame", "passthrough"}, overload, []string{"delivered_per_s", "cpu_s_per_1m_delivered", "missing", "closed_early"}},
	{"stalled", true, []string{"aihub", "raw", "frame", "centrifuge"}, stalled, []string{"token_p50_ms", "token_p99_ms", "missing"}},
	{"admission", true, []string{"aihub"}, admission, []string{"ok_p50_ms", "ok_p99_ms", "within_2ms_percent", "sent_per_s"}},
}

func TestMeasure(t *testing.T) {
	small := *scenarioNames == ""
	found := map[string][]figures{} // scenario and target → one for each repetition
	for rep := range *reps {
		for _, s := range scenarios {
			chosen := *scenarioNames == "all" || slices.Contains(strings.Split(*scenarioNames, ","), s.name)
			if !chosen && !(small && s.tried) {
				continue
			}
			for i := range s.targets {
				name := s.targets[(i+rep)%len(s.targets)]
				if *targetNames != "" && !slices.Contains(strings.Split(*targetNames, ","), name) {
					continue
				}
				t.Run(s.name+"/"+name, func(t *testing.T) {
					f := s.run(t, targets[name](t), small)
					line, err := json.Marshal(struct {
						Scenario string  `json:"scenario"`
						Target   string  `json:"target"`
						Rep      int     `json:"rep"`
						Figures  figures `json:"figures"`
					}{s.name, name, rep, f})
					if err != nil {
						t.Fatal(err)
					}
					fmt.Println(string(line))
					found[s.name+"/"+name] = append(found[s.name+"/"+name], f)
				})
			}
		}
	}
	if !small {
		report(found)
	}
}

// report prints the median of each figure, and the median of its ratio to each reference within one repetition.
func report(found map[string][]figures) {
	for _, s := range scenarios {
		ours := found[s.name+"/aihub"]
		for _, name := range s.targets {
			theirs := found[s.name+"/"+name]
			if len(theirs) == 0 {
				continue
			}
			fmt.Printf("%-10s %-12s", s.name, name)
			for _, figure := range s.show {
				var values, ratios []float64
				for i, f := range theirs {
					values = append(values, f[figure])
					if name != "aihub" && i < len(ours) && f[figure] != 0 {
						ratios = append(ratios, ours[i][figure]/f[figure])
					}
				}
				fmt.Printf("  %s %.4g", figure, median(values))
				if len(ratios) > 0 {
					fmt.Printf(" (aihub ×%.2f)", median(ratios))
				}
			}
			fmt.Println()
		}
	}
}

func median(v []float64) float64 { return quantile(slices.Clone(v), 0.5) }

// quantile sorts v.
func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[min(len(v)-1, int(q*float64(len(v))))]
}

func pick(small bool, a, b int) int {
	if small {
		return a
	}
	return b
}

// openAll opens rooms with so many members each; member m of room r is at r*members+m.
func openAll(t testing.TB, to target, rooms, members int) []session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	all := make([]session, rooms*members)
	var failed atomic.Pointer[error]
	for _, first := range []bool{true, false} { // the first member of each room makes it
		var next atomic.Int64
		var opening sync.WaitGroup
		for range 16 {
			opening.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(all) && failed.Load() == nil; i = int(next.Add(1)) - 1 {
					if (i%members == 0) != first {
						continue
					}
					s, err := to.open(ctx, fmt.Sprintf("room-%d", i/members), i%members)
					if err != nil {
						failed.CompareAndSwap(nil, &err)
						return
					}
					all[i] = s
				}
			})
		}
		opening.Wait()
	}
	if err := failed.Load(); err != nil {
		t.Fatalf("open: %v", *err)
	}
	t.Cleanup(func() {
		for _, s := range all {
			s.close()
		}
	})
	return all
}

func idle(t testing.TB, to target, small bool) figures {
	n := pick(small, 20, 2000)
	openAll(t, to, 2, 1) // what is paid once is paid
	ctx := t.Context()
	before, err := to.memory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range openAll(t, to, n/40+1, 40) {
		go func() {
			for {
				if _, err := s.receive(); err != nil {
					return
				}
			}
		}()
	}
	n = (n/40 + 1) * 40
	time.Sleep(time.Duration(pick(small, 1, 10)) * time.Second)
	after, err := to.memory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m := begin(to.process())
	time.Sleep(time.Duration(pick(small, 1, 30)) * time.Second) // longer than between two pings
	elapsed, server, others := m.end()
	return figures{"connections": float64(n), "bytes_per_connection": float64(after-before) / float64(n),
		"idle_us_per_connection_s": server.Seconds() * 1e6 / elapsed.Seconds() / float64(n), "other_cores": others}
}

// A receiver counts what one session gets.
type receiver struct {
	token, first []float64 // ms
	got          int
	arrived      int64 // of the request at the model, until its first token; 0: none
	sent         *atomic.Int64
	want         int
	reached      func() // called when want tokens have come
	closedEarly  bool
	broken       string // the end of an answer that is not complete
	stopped      *atomic.Bool
}

func (r *receiver) run(s session) {
	for {
		p, err := s.receive()
		if err != nil {
			r.closedEarly = !r.stopped.Load()
			return
		}
		if bytes.Contains(p, []byte(`"k":"run.end"`)) {
			if !bytes.Contains(p, []byte(`"state":"complete"`)) {
				r.broken = string(p)
			}
			continue
		}
		if bytes.IndexByte(p, '~') < 0 {
			continue
		}
		now := time.Now().UnixNano()
		upstream.ScanStamps(p, func(ns int64, arrival bool) {
			if arrival {
				r.arrived = ns
				return
			}
			if r.arrived != 0 {
				if sent := r.sent.Load(); sent != 0 {
					r.first = append(r.first, float64(r.arrived-sent+now-ns)/1e6)
				}
				r.arrived = 0
			}
			r.token = append(r.token, float64(now-ns)/1e6)
			if r.got++; r.got == r.want {
				r.reached()
			}
		})
	}
}

// profile writes where the program spends the processor's time for a while, if that is wanted. The profile begins a second
// late, with the streams.
func profile(t testing.TB, to target, length time.Duration) (wait func()) {
	a, ok := to.(*aihub)
	if *profiles == "" || !ok {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(time.Second)
		address := fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", a.world.Instances[0].Ops, max(1, int(length.Seconds())-1))
		res, err := rig.Call(context.Background(), http.MethodGet, address, nil, nil)
		if err == nil {
			err = os.WriteFile(filepath.Join(*profiles, strings.ReplaceAll(t.Name(), "/", "_")+".pprof"), res.Body, 0o600)
		}
		if err != nil {
			t.Errorf("profile: %v", err)
		}
	}()
	return func() { <-done }
}

// stream lets rooms with so many members each get one answer, and measures it. Of the members, the last dead ones of
// each room do not read.
func stream(t testing.TB, to target, rooms, members, dead, tokens int, every, spread time.Duration) figures {
	sessions := openAll(t, to, rooms, members)
	sent := make([]atomic.Int64, rooms)
	var stopped atomic.Bool
	var complete, ended sync.WaitGroup
	var receivers []*receiver
	for i, s := range sessions {
		if i%members >= members-dead {
			continue
		}
		r := &receiver{sent: &sent[i/members], want: tokens, reached: complete.Done, stopped: &stopped}
		complete.Add(1)
		receivers = append(receivers, r)
		ended.Go(func() { r.run(s) })
	}
	time.Sleep(500 * time.Millisecond)
	profiled := profile(t, to, time.Duration(tokens)*every)
	m := begin(to.process())
	prompt := fmt.Sprintf("Olá [[stamp tokens=%d every=%s first=20ms]]", tokens, every)
	for room := range rooms {
		go func() {
			time.Sleep(time.Duration(rand.Int64N(int64(spread) + 1)))
			sent[room].Store(time.Now().UnixNano())
			if err := sessions[room*members].ask(prompt); err != nil {
				t.Errorf("ask: %v", err)
			}
		}()
	}
	all := make(chan struct{})
	go func() { complete.Wait(); close(all) }()
	limit := time.NewTimer(spread + time.Duration(tokens)*every + patience)
	defer limit.Stop()
	select {
	case <-all:
	case <-limit.C:
	}
	elapsed, server, others := m.end()
	stopped.Store(true)
	profiled()
	for _, s := range sessions {
		s.close()
	}
	f := figures{"elapsed_s": elapsed.Seconds(), "other_cores": others}
	ended.Wait()
	var token, first []float64
	for _, r := range receivers {
		token, first = append(token, r.token...), append(first, r.first...)
		f["missing"] += float64(tokens - r.got)
		if r.closedEarly {
			f["closed_early"]++
		}
		if r.broken != "" {
			if f["broken"]++; f["broken"] == 1 {
				t.Logf("an answer broke off: %s", r.broken)
			}
		}
	}
	f["delivered"] = float64(len(token))
	f["cpu_s_per_1m_delivered"] = server.Seconds() * 1e6 / max(1, float64(len(token)))
	f["delivered_per_s"] = float64(len(token)) / elapsed.Seconds()
	f["server_cores"] = server.Seconds() / elapsed.Seconds()
	f["token_p50_ms"], f["token_p99_ms"] = quantile(token, 0.5), quantile(token, 0.99)
	f["added_first_p50_ms"], f["added_first_p99_ms"] = quantile(first, 0.5), quantile(first, 0.99)
	return f
}

func watch(t testing.TB, to target, small bool) figures {
	return stream(t, to, 1, pick(small, 10, 1000), 0, pick(small, 50, 500), 20*time.Millisecond, 0)
}

func streams200(t testing.TB, to target, small bool) figures {
	members := 2
	if _, ok := to.(*sse); ok {
		members = 1 // whoever asks the model is the only one to get the answer
	}
	return stream(t, to, pick(small, 4, 200), members, 0, pick(small, 50, 400), 20*time.Millisecond, time.Second)
}

func streams1000(t testing.TB, to target, small bool) figures {
	return stream(t, to, pick(small, 4, 1000), 1, 0, pick(small, 50, 400), 20*time.Millisecond, 2*time.Second)
}

// burst is a room whose answer comes as fast as the model server can write it.
func burst(t testing.TB, to target, small bool) figures {
	return stream(t, to, 1, pick(small, 10, 1000), 0, pick(small, 50, 2000), 0, 0)
}

// overload offers more tokens than the machine can carry: 125,000 a second.
func overload(t testing.TB, to target, small bool) figures {
	return stream(t, to, pick(small, 4, 200), 1, 0, pick(small, 50, 3000), 1600*time.Microsecond, 0)
}

func stalled(t testing.TB, to target, small bool) figures {
	return stream(t, to, pick(small, 1, 20), 50, 5, pick(small, 50, 400), 20*time.Millisecond, time.Second)
}

// admission sends 200 messages a second and measures the time to the answer of the command: authenticated, reserved,
// stored and in the log.
func admission(t testing.TB, to target, small bool) figures {
	const rate = 200
	sessions := openAll(t, to, pick(small, 10, 100), 1)
	seconds := pick(small, 1, 15)
	taken := make([][]float64, len(sessions))
	var asking sync.WaitGroup
	hub := to.(*aihub)
	allBefore, quickBefore, err := hub.admissions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	profiled := profile(t, to, time.Duration(seconds)*time.Second)
	begun := time.Now()
	for i, s := range sessions {
		asking.Go(func() {
			own := time.Duration(len(sessions)) * time.Second / rate
			if small {
				own *= 4
			}
			next := begun.Add(time.Duration(rand.Int64N(int64(own))))
			for time.Since(begun) < time.Duration(seconds)*time.Second {
				time.Sleep(time.Until(next))
				next = next.Add(own)
				at := time.Now()
				if err := s.ask("Olá [[tokens=1 every=0s]]"); err != nil {
					t.Errorf("ask: %v", err)
					return
				}
				for ended := false; !ended; { // the answer, then the end of the run, so that the conversation is free again
					p, err := s.receive()
					if err != nil {
						t.Errorf("receive: %v", err)
						return
					}
					switch head := p[:min(len(p), 40)]; {
					case bytes.Contains(head, []byte(`"t":"ok"`)):
						taken[i] = append(taken[i], float64(time.Since(at))/1e6)
					case bytes.Contains(head, []byte(`"t":"err"`)):
						t.Errorf("refused: %s", p)
						return
					case bytes.Contains(p, []byte(`"run.end"`)):
						ended = true
					}
				}
			}
		})
	}
	asking.Wait()
	elapsed := time.Since(begun)
	profiled()
	all := slices.Concat(taken...)
	n := float64(len(all))
	allAfter, quickAfter, err := hub.admissions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	within := 100 * (quickAfter - quickBefore) / max(1, allAfter-allBefore)
	return figures{"sent_per_s": n / elapsed.Seconds(), "within_2ms_percent": within, "ok_p50_ms": quantile(all, 0.5), "ok_p99_ms": quantile(all, 0.99)}
}
