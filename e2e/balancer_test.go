package e2e

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aihub/e2e/rig"
	"aihub/e2e/upstream"
)

// startBalancer runs HAProxy with the configuration of docker-compose.yml in front of two instances.
func startBalancer(t *testing.T, w *rig.World) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	log, err := os.Create(filepath.Join(t.TempDir(), "haproxy.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(rig.Root(), "e2e", "balancer", "run"))
	cmd.Env = append(os.Environ(), "BIND="+addr, "HUB1="+strings.TrimPrefix(w.Base(0), "http://"), "HUB2="+strings.TrimPrefix(w.Base(1), "http://"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is told to end, so how it ended says nothing
		close(ended)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		<-ended
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("the balancer printed:\n%s", text)
		}
		_ = log.Close()
	})
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		res, err := rig.Call(t.Context(), http.MethodGet, "http://"+addr+"/readyz", nil, nil)
		if err == nil && res.Status == http.StatusOK {
			return "http://" + addr
		}
		select {
		case <-ended:
			t.Fatal("the balancer has ended")
		default:
		}
		if time.Since(begun) > 5*time.Minute { // the first run installs HAProxy
			t.Fatalf("the balancer does not serve: %d %v", res.Status, err)
		}
	}
}

func TestBehindTheBalancerOfTheComposeFileARestartLosesNothing(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 2, External: true, Env: map[string]string{"AIHUB_DRAIN": "10"}})
	base := startBalancer(t, w)
	ctx := w.Context(3 * time.Minute)
	ana := &rig.API{Base: func() string { return base }, Tenant: "alfa", Email: "usuario@alfa.example"}
	d := rig.NewDevice(ctx, "phone", ana, func() []string { return []string{base} })
	watcher := rig.NewDevice(ctx, "laptop", ana, func() []string { return []string{base} })
	t.Cleanup(d.Close)
	t.Cleanup(watcher.Close)
	conv := ""
	for i, label := range []string{"calm", "first-restarts", "second-restarts"} {
		sent := ask(t, ctx, d, conv, "Olá [[label="+label+" tokens=150 every=20ms]]")
		conv = sent.Conv
		watcher.Follow(conv)
		if _, err := d.Shown(ctx, conv, sent.Run, 500); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			w.Instances[i-1].Stop(t)
			w.Run(i - 1)
		}
		for _, c := range []*rig.Device{d, watcher} {
			if a := end(t, ctx, c, conv, sent.Run); a.State != "complete" || string(a.Text) != upstream.Text(label, 150, 0) {
				t.Errorf("%s: %s has %s %s with %d bytes", label, c.Name, a.State, a.Code, len(a.Text))
			}
		}
	}
	w.Rest(15 * time.Second)
	w.Check(d, watcher)
}
