package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startLimit is far above the two seconds that a start may take: the tests share their machine. What must be fast is
// measured in a test of its own.
const startLimit = 60 * time.Second

// An Instance is one running program.
type Instance struct {
	Name  string
	URL   string        // of the portal and the API
	Ops   string        // of the operations address
	Took  time.Duration // from the start of the process to its address
	Begun time.Time

	cmd  *exec.Cmd
	out  *output
	done chan struct{} // closed when the process has ended
	err  error         // of Wait; valid after done
}

// Start runs the program at path with exactly the environment env, besides what every process needs, and waits until it
// serves. It is stopped at the end of the test, which fails when it stops badly, panics or reports a race.
func Start(t testing.TB, path, name string, env map[string]string) *Instance {
	t.Helper()
	i := Launch(t, path, name, env)
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	if err := i.Ready(ctx); err != nil {
		t.Fatalf("%s does not start: %v\n%s", name, err, i.Output())
	}
	return i
}

// Launch starts the program without waiting for it.
func Launch(t testing.TB, path, name string, env map[string]string) *Instance {
	t.Helper()
	i := &Instance{Name: name, out: newOutput(), done: make(chan struct{}), Begun: time.Now()}
	all := map[string]string{"PATH": os.Getenv("PATH"), "HOME": t.TempDir(), "AIHUB_ADDR": "127.0.0.1:0", "AIHUB_OPS_ADDR": "127.0.0.1:0"}
	maps.Copy(all, env)
	i.cmd = exec.Command(path)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		i.cmd.Env = append(i.cmd.Env, k+"="+all[k])
	}
	i.cmd.Dir = t.TempDir() // nothing may depend on where it is started
	i.cmd.Stdout, i.cmd.Stderr = i.out, i.out
	if err := i.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		i.err = i.cmd.Wait()
		close(i.done)
	}()
	t.Cleanup(func() { i.finish(t) })
	return i
}

// The program prints one line for people and, before it, one for operators.
var (
	opsAddress  = regexp.MustCompile(`operations: (http://127\.0\.0\.1:\d+)`)
	mainAddress = regexp.MustCompile(`(?m)^(?:.* )?(http://127\.0\.0\.1:\d+)$`)
)

// Ready waits until the instance serves and all that it needs is there.
func (i *Instance) Ready(ctx context.Context) error {
	err := i.out.await(ctx, i.done, func(text string) bool {
		m := mainAddress.FindStringSubmatch(text)
		if m != nil {
			i.URL = m[1]
		}
		return m != nil
	})
	if err != nil {
		return fmt.Errorf("no address was printed: %w", err)
	}
	i.Took = time.Since(i.Begun)
	if m := opsAddress.FindStringSubmatch(i.Output()); m != nil {
		i.Ops = m[1]
	}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, i.URL+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New("/readyz answers " + res.Status)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-i.done:
			return fmt.Errorf("it ended: %w", err)
		case <-ctx.Done():
			return err
		}
	}
}

// Output is all that the program has printed, logs included.
func (i *Instance) Output() string { return i.out.String() }

// PID is the process's id.
func (i *Instance) PID() int { return i.cmd.Process.Pid }

// Signal sends a signal.
func (i *Instance) Signal(s syscall.Signal) { _ = i.cmd.Process.Signal(s) }

// Kill ends the process at once, as a crash would, and waits for its end.
func (i *Instance) Kill() {
	i.Signal(syscall.SIGKILL)
	<-i.done
}

// Ended reports whether the process has ended.
func (i *Instance) Ended() bool {
	select {
	case <-i.done:
		return true
	default:
		return false
	}
}

// Exit waits for the process's end and returns its exit code; -1: a signal ended it.
func (i *Instance) Exit(ctx context.Context) (int, error) {
	select {
	case <-i.done:
		return i.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s has not ended: %w", i.Name, ctx.Err())
	}
}

// Stop asks the process to end, as an orchestrator would, and returns how long that took.
func (i *Instance) Stop(t testing.TB) time.Duration {
	t.Helper()
	begun := time.Now()
	i.Signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	code, err := i.Exit(ctx)
	if err != nil {
		i.Signal(syscall.SIGQUIT) // its goroutines say where it hangs
		time.Sleep(time.Second)
		i.Kill()
		t.Errorf("%s does not stop:\n%s", i.Name, tail(i.Output(), 200))
	} else if code != 0 {
		t.Errorf("%s stopped with exit code %d:\n%s", i.Name, code, tail(i.Output(), 60))
	}
	return time.Since(begun)
}

// finish is the end of the test for an instance.
func (i *Instance) finish(t testing.TB) {
	if !i.Ended() {
		i.Signal(syscall.SIGCONT)
		i.Stop(t)
	}
	text := i.Output()
	for _, bad := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
		if at := strings.Index(text, bad); at >= 0 {
			t.Errorf("%s printed %q:\n%s", i.Name, bad, head(text[at:], 80))
		}
	}
	if t.Failed() {
		t.Logf("the last of what %s printed:\n%s", i.Name, tail(text, 60))
	}
}

// output keeps what a process prints.
type output struct {
	mu   sync.Mutex
	b    []byte
	wake chan struct{}
}

func newOutput() *output { return &output{wake: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b = append(o.b, p...)
	close(o.wake)
	o.wake = make(chan struct{})
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b)
}

// await waits until the text is as found says; it fails when the process ends before.
func (o *output) await(ctx context.Context, done <-chan struct{}, found func(string) bool) error {
	for {
		o.mu.Lock()
		wake := o.wake
		o.mu.Unlock()
		if found(o.String()) {
			return nil
		}
		select {
		case <-wake:
		case <-done:
			if found(o.String()) {
				return nil
			}
			return errors.New("the process has ended")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func head(text string, lines int) string {
	var b strings.Builder
	s := bufio.NewScanner(strings.NewReader(text))
	for n := 0; n < lines && s.Scan(); n++ {
		b.WriteString(s.Text() + "\n")
	}
	return b.String()
}
