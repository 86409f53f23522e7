package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aihub/e2e/rig"
	"aihub/e2e/upstream"
)

// A target is a server to measure. It runs in a process of its own and lives until the end of the test.
type target interface {
	// process is the server's process; 0: there is none.
	process() int
	// open connects member m of a room. Member 0 asks, the others watch; it comes first.
	open(ctx context.Context, room string, m int) (session, error)
	// memory is how many bytes the server needs, without what it would give back.
	memory(ctx context.Context) (int64, error)
}

// A session is one client. One goroutine receives, another may ask.
type session interface {
	// ask makes the model answer to the whole room.
	ask(prompt string) error
	// receive returns what came next; stamps are looked for in it. It is valid until the next call.
	receive() ([]byte, error)
	close()
}

// targets are all servers, by name.
var targets = map[string]func(testing.TB) target{
	"aihub":       newAIHub,
	"raw":         func(t testing.TB) target { return newRaw(t, "raw") },
	"frame":       func(t testing.TB) target { return newRaw(t, "frame") },
	"centrifuge":  newCentrifuge,
	"passthrough": func(t testing.TB) target { return newSSE(t, true) },
	"direct":      func(t testing.TB) target { return newSSE(t, false) },
}

// model starts the scripted model server inside this process.
func model(t testing.TB) *upstream.Server {
	t.Helper()
	up, err := upstream.Listen("127.0.0.1:0", upstream.Default())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = up.Close() })
	return up
}

// peer starts a reference; it prints its address.
func peer(t testing.TB, cmd *exec.Cmd, up *upstream.Server) (pid int, addr string) {
	t.Helper()
	cmd.Env = append(os.Environ(), append(cmd.Env, "LOAD_UPSTREAM="+up.URL())...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait() // it was killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the reference does not start: %v", err)
	}
	return cmd.Process.Pid, strings.TrimSpace(line)
}

// collections is how many there are before memory is measured: a goroutine's stack shrinks by half with each.
const collections = 4

// freed is the memory of a reference after it has given back what it does not use.
func freed(ctx context.Context, addr string, pid int) (int64, error) {
	for range collections {
		if err := get(ctx, "http://"+addr+"/debug/free"); err != nil {
			return 0, err
		}
	}
	return memory(pid), nil
}

func get(ctx context.Context, address string) error {
	_, err := rig.Call(ctx, http.MethodGet, address, nil, nil)
	return err
}

// aihub is the program with everything on: authentication, quota, log, store.
type aihub struct {
	world  *rig.World
	people []*rig.API // participants, who may have 64 connections each
	staff  []*rig.API // who may watch any conversation

	watching atomic.Int64 // connections of the staff so far

	mu    sync.Mutex
	rooms map[string]*aihubRoom
}

// aihubRoom is a conversation; it comes into being with a first message.
type aihubRoom struct {
	n    int // in order of opening
	conv string
}

const perPerson = 48 // connections; the program allows 64

func newAIHub(t testing.TB) target {
	w := rig.New(t, rig.Setup{Plain: true})
	a := &aihub{world: w, rooms: map[string]*aihubRoom{}}
	person := func(email string) *rig.API {
		return &rig.API{Base: func() string { return w.Base(0) }, Tenant: "alfa", Email: email}
	}
	for _, email := range w.DB.AddPeople(t, "alfa", "usuario", 50) {
		a.people = append(a.people, person(email))
	}
	for _, email := range w.DB.AddPeople(t, "alfa", "supervisor", 50) {
		a.staff = append(a.staff, person(email))
	}
	return a
}

func (a *aihub) process() int { return a.world.Instances[0].PID() }

// memory asks the program itself: it has no way to make it give back what it does not use.
func (a *aihub) memory(ctx context.Context) (int64, error) {
	for range collections {
		if err := get(ctx, a.world.Instances[0].Ops+"/debug/pprof/heap?gc=1"); err != nil {
			return 0, err
		}
	}
	m, err := a.metrics(ctx)
	if err != nil {
		return 0, err
	}
	bytes := memory(a.process()) // with what the runtime keeps for later
	return bytes - int64(m["go_memstats_heap_sys_bytes"]-m["go_memstats_heap_released_bytes"]-m["go_memstats_heap_inuse_bytes"]), nil
}

// metrics are the program's metrics by name and labels.
func (a *aihub) metrics(ctx context.Context) (map[string]float64, error) {
	res, err := rig.Call(ctx, http.MethodGet, a.world.Instances[0].Ops+"/metrics", nil, nil)
	if err != nil {
		return nil, err
	}
	m := map[string]float64{}
	for line := range strings.Lines(string(res.Body)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name != "#" {
			if m[name], err = strconv.ParseFloat(value, 64); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

// admissions counts, as the program itself does, the messages admitted so far and those within 2 ms.
func (a *aihub) admissions(ctx context.Context) (all, quick float64, err error) {
	m, err := a.metrics(ctx)
	return m["aihub_hub_admission_seconds_count"], m[`aihub_hub_admission_seconds_bucket{le="0.002"}`], err
}

func (a *aihub) open(ctx context.Context, name string, m int) (session, error) {
	a.mu.Lock()
	r := a.rooms[name]
	if r == nil {
		r = &aihubRoom{n: len(a.rooms)}
		a.rooms[name] = r
	}
	a.mu.Unlock()
	person := a.people[r.n%len(a.people)]
	if m >= 10 {
		person = a.staff[int(a.watching.Add(1)-1)/perPerson%len(a.staff)]
	}
	token, err := person.Token(ctx)
	if err != nil {
		return nil, err
	}
	// Straight to the instance: a proxy in between would share the machine and the memory.
	c, err := dial(ctx, a.world.Instances[0].URL+"/ws", "aihub.v1")
	if err != nil {
		return nil, err
	}
	s := &aihubSession{socket: c, room: r}
	if err := s.do(`{"t":"auth","id":1,"token":"`+token+`"}`, `"hello"`); err != nil {
		return nil, err
	}
	if m == 0 {
		return s, s.begin(name)
	}
	return s, s.do(`{"t":"sub","id":1,"conv":"`+r.conv+`"}`, `"snap"`)
}

type aihubSession struct {
	*socket
	room *aihubRoom
	n    int
}

// do sends a command and reads until its answer.
func (s *aihubSession) do(command, answer string) error {
	if err := s.write([]byte(command)); err != nil {
		return err
	}
	for {
		p, err := s.read()
		switch {
		case err != nil:
			return err
		case bytes.Contains(p, []byte(`"t":"err"`)):
			return fmt.Errorf("refused: %s", p)
		case bytes.Contains(p[:min(len(p), 40)], []byte(answer)):
			return nil
		}
	}
}

// begin makes the room's conversation by a message with a short answer.
func (s *aihubSession) begin(name string) error {
	if err := s.write([]byte(`{"t":"send","id":2,"cid":"begin-` + name + `","text":"Olá [[tokens=1 every=0s]]"}`)); err != nil {
		return err
	}
	for {
		p, err := s.read()
		if err != nil {
			return err
		}
		var f struct{ T, K, Conv, Code string }
		if err := json.Unmarshal(p, &f); err != nil {
			return err
		}
		switch {
		case f.T == "err":
			return fmt.Errorf("refused: %s", p)
		case f.T == "ok":
			s.room.conv = f.Conv
		case f.K == "run.end":
			return nil
		}
	}
}

func (s *aihubSession) ask(prompt string) error {
	s.n++
	return s.write(fmt.Appendf(nil, `{"t":"send","id":%d,"cid":"%d-%d","conv":%q,"text":%q}`, s.n+10, s.room.n, s.n, s.room.conv, prompt))
}

func (s *aihubSession) receive() ([]byte, error) {
	for {
		p, err := s.read()
		if err != nil || !bytes.HasPrefix(p, []byte(`{"t":"ping"`)) {
			return p, err
		}
		if err := s.write([]byte(`{"t":"pong"}`)); err != nil {
			return nil, err
		}
	}
}

// rawTarget is the reference raw (serve.go) or frame (frame.go), which speak alike.
type rawTarget struct {
	pid  int
	addr string
}

func newRaw(t testing.TB, name string) target {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"LOAD_SERVE=" + name}
	pid, addr := peer(t, cmd, model(t))
	return &rawTarget{pid, addr}
}

func (r *rawTarget) process() int                              { return r.pid }
func (r *rawTarget) memory(ctx context.Context) (int64, error) { return freed(ctx, r.addr, r.pid) }
func (r *rawTarget) open(ctx context.Context, room string, _ int) (session, error) {
	c, err := dial(ctx, "http://"+r.addr+"/ws?room="+room, "")
	return rawSession{c}, err
}

type rawSession struct{ *socket }

func (s rawSession) ask(prompt string) error  { return s.write([]byte(prompt)) }
func (s rawSession) receive() ([]byte, error) { return s.read() }

// centrifuge is the reference in the folder of that name.
type centrifuge struct {
	pid  int
	addr string
}

func newCentrifuge(t testing.TB) target {
	path := filepath.Join(t.TempDir(), "centrifuge")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Dir = filepath.Join(rig.Root(), "e2e", "load", "centrifuge")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the reference: %v\n%s", err, out)
	}
	pid, addr := peer(t, exec.Command(path), model(t))
	return &centrifuge{pid, addr}
}

func (c *centrifuge) process() int                              { return c.pid }
func (c *centrifuge) memory(ctx context.Context) (int64, error) { return freed(ctx, c.addr, c.pid) }
func (c *centrifuge) open(ctx context.Context, room string, _ int) (session, error) {
	conn, err := dial(ctx, "http://"+c.addr+"/ws", "")
	if err != nil {
		return nil, err
	}
	s := &centrifugeSession{socket: conn, room: room, n: 2}
	for _, command := range []string{`{"id":1,"connect":{}}`, `{"id":2,"subscribe":{"channel":"` + room + `"}}`} {
		if err := s.write([]byte(command)); err != nil {
			return nil, err
		}
		p, err := s.receive()
		if err != nil || bytes.Contains(p, []byte(`"error"`)) {
			return nil, fmt.Errorf("refused: %s %w", p, err)
		}
	}
	return s, nil
}

type centrifugeSession struct {
	*socket
	room string
	n    int
}

func (s *centrifugeSession) ask(prompt string) error {
	s.n++
	return s.write(fmt.Appendf(nil, `{"id":%d,"rpc":{"method":"ask","data":{"room":%q,"prompt":%q}}}`, s.n, s.room, prompt))
}

func (s *centrifugeSession) receive() ([]byte, error) {
	for {
		p, err := s.read()
		if err != nil || string(p) != "{}" { // its ping
			return p, err
		}
		if err := s.write([]byte("{}")); err != nil {
			return nil, err
		}
	}
}

// sse is a client of the model itself, straight or through a proxy that does nothing else.
type sse struct {
	pid  int
	base string
	http *http.Client
}

func newSSE(t testing.TB, proxy bool) target {
	up := model(t)
	s := &sse{base: up.URL(), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10_000, DisableCompression: true}}}
	if proxy {
		cmd := exec.Command(os.Args[0])
		cmd.Env = []string{"LOAD_SERVE=passthrough"}
		pid, addr := peer(t, cmd, up)
		s.pid, s.base = pid, "http://"+addr+"/v1"
	}
	return s
}

func (s *sse) process() int                          { return s.pid }
func (s *sse) memory(context.Context) (int64, error) { return 0, nil } // it has no connections that wait
func (s *sse) open(context.Context, string, int) (session, error) {
	return &sseSession{of: s, answers: make(chan io.ReadCloser, 1), closed: make(chan struct{})}, nil
}

type sseSession struct {
	of      *sse
	answers chan io.ReadCloser
	body    io.ReadCloser
	lines   *bufio.Reader
	closed  chan struct{}
	once    sync.Once
}

func (s *sseSession) ask(prompt string) error {
	body, _ := json.Marshal(map[string]any{"model": "m", "stream": true, "messages": []any{map[string]any{"role": "user", "content": prompt}}})
	res, err := s.of.http.Post(s.of.base+"/chat/completions", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	s.answers <- res.Body
	return nil
}

func (s *sseSession) receive() ([]byte, error) {
	for {
		if s.lines == nil {
			select {
			case s.body = <-s.answers:
				s.lines = bufio.NewReaderSize(s.body, 4096)
			case <-s.closed:
				return nil, io.EOF
			}
		}
		line, err := s.lines.ReadSlice('\n')
		if err == nil {
			return line, nil
		}
		_ = s.body.Close()
		s.lines = nil
		if err != io.EOF {
			return nil, err
		}
	}
}

func (s *sseSession) close() { s.once.Do(func() { close(s.closed) }) }

// patience is for what must come soon on a busy machine.
const patience = 60 * time.Second
