package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"aihub/e2e/rig"
)

var metricName = regexp.MustCompile(`\b(?:aihub|go|process)_[a-z_]+`)

// Every metric and label that the board in docs/operations asks for is there.
func TestTheBoardShowsWhatIsMeasured(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(rig.Root(), "docs", "operations", "grafana.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(raw, &board); err != nil {
		t.Fatal(err)
	}
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	d := w.Device("phone", w.Person("alfa", "usuario", 0))
	sent := ask(t, ctx, d, "", "Olá [[label=board tokens=3]]")
	end(t, ctx, d, sent.Conv, sent.Run)
	c, err := rig.Login(ctx, w.Person("alfa", "usuario", 0), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		_ = c.Write(ctx, []byte("{")) // until the server closes the connection
	}
	if _, err := c.CloseCode(ctx); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				shown++
				res, err := rig.Call(ctx, http.MethodGet, w.Instances[0].Ops+"/metrics", nil, nil)
				if err != nil || !strings.Contains(string(res.Body), "\n"+name) {
					t.Errorf("%s: there is no metric %s: %v", p.Title, name, err)
				}
			}
		}
	}
	if shown < 10 {
		t.Errorf("the board shows %d metrics only", shown)
	}
}

// Metrics and profiles are for operators: the public address has neither. Both say whether the instance is ready.
func TestOperationsHaveAnAddressOfTheirOwn(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	in := w.Instances[0]
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap"} {
		if res, err := rig.Call(ctx, http.MethodGet, in.URL+path, nil, nil); err != nil || res.Status != http.StatusNotFound {
			t.Errorf("%s on the public address: %d %v", path, res.Status, err)
		}
		if res, err := rig.Call(ctx, http.MethodGet, in.Ops+path, nil, nil); err != nil || res.Status != http.StatusOK {
			t.Errorf("%s on the operations address: %d %v", path, res.Status, err)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		for _, base := range []string{in.URL, in.Ops} {
			if res, err := rig.Call(ctx, http.MethodGet, base+path, nil, nil); err != nil || res.Status != http.StatusOK {
				t.Errorf("%s%s: %d %v", base, path, res.Status, err)
			}
		}
	}
}

// An instance that can't reach what it needs says so and stays alive; it is ready again when that is back.
func TestReadyMeansThatDatabaseAndBusAnswer(t *testing.T) {
	w := rig.New(t, rig.Setup{External: true})
	ctx := w.Context(2 * time.Minute)
	ready := func() int {
		res, err := rig.Call(ctx, http.MethodGet, w.Instances[0].URL+"/readyz", nil, nil)
		if err != nil {
			return 0
		}
		return res.Status
	}
	becomes := func(what string, status int) {
		t.Helper()
		for begun := time.Now(); ready() != status; time.Sleep(100 * time.Millisecond) {
			if time.Since(begun) > 30*time.Second {
				t.Fatalf("%s: /readyz is %d, not %d", what, ready(), status)
			}
		}
	}
	for name, line := range map[string]*rig.Proxy{"database": w.DataLines[0].Proxy, "bus": w.BusLines[0]} {
		line.Down()
		becomes(name+" away", http.StatusServiceUnavailable)
		if res, err := rig.Call(ctx, http.MethodGet, w.Instances[0].URL+"/healthz", nil, nil); err != nil || res.Status != http.StatusOK {
			t.Errorf("%s away: /healthz is %d %v", name, res.Status, err)
		}
		line.Up()
		becomes(name+" back", http.StatusOK)
	}
}
