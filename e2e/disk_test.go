package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"aihub/e2e/rig"
)

// The disk of the embedded engines is full for a while, in the middle of answers: what was admitted is kept and ends, what
// is new is refused for now, and nothing is called complete that is not stored. With room again, everything goes on.
func TestAFullDiskRefusesWhatIsNewAndLosesNothing(t *testing.T) {
	w := rig.New(t, rig.Setup{Disk: "64m"})
	ctx := w.Context(5 * time.Minute)
	d := w.Device("phone", w.Person("alfa", "usuario", 0))
	ready := func() int {
		res, err := rig.Call(ctx, http.MethodGet, w.Instances[0].URL+"/readyz", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return res.Status
	}
	becomes := func(status int) {
		t.Helper()
		for begun := time.Now(); ready() != status; time.Sleep(100 * time.Millisecond) {
			if time.Since(begun) > 30*time.Second {
				t.Fatalf("/readyz is %d, not %d", ready(), status)
			}
		}
	}
	before := ask(t, ctx, d, "", "Olá [[label=before tokens=20]]")
	end(t, ctx, d, before.Conv, before.Run)
	live := ask(t, ctx, d, "", "Conte [[label=live tokens=1200 size=100 every=10ms]]")
	if _, err := d.Shown(ctx, live.Conv, live.Run, 100); err != nil {
		t.Fatal(err)
	}

	ballast := rig.Fill(t, w.Data())
	c, err := rig.Login(ctx, w.Person("alfa", "admin", 0), nil) // on a connection of its own: each answer counts
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]int{}
	for i, begun := 0, time.Now(); time.Since(begun) < full(6*time.Second, 20*time.Second); i++ {
		ballast.Again(t)
		f, err := c.Do(ctx, rig.Cmd{"t": "send", "cid": rig.NewCID(), "text": fmt.Sprintf("Olá [[label=full-%d tokens=3]]", i)})
		switch {
		case err != nil:
			t.Fatal(err)
		case f.T == "err" && !f.Retry:
			t.Fatalf("on a full disk a message is refused for good: %s", f.Raw)
		case f.T == "err":
			refused[f.Code]++
		}
		time.Sleep(200 * time.Millisecond) // a pace below the limit of commands; the disk is full for as long as the loop lasts
	}
	becomes(http.StatusServiceUnavailable)
	if refused["quota_unavailable"]+refused["store_unavailable"] == 0 || len(refused) > 2 {
		t.Errorf("on a full disk messages are refused with %v", refused)
	}

	ballast.Remove(t)
	becomes(http.StatusOK)
	a := end(t, ctx, d, live.Conv, live.Run)
	after := ask(t, ctx, d, live.Conv, "E agora? [[label=after tokens=5]]")
	if a := end(t, ctx, d, after.Conv, after.Run); a.State != "complete" {
		t.Errorf("with room again an answer is %s %s", a.State, a.Code)
	}
	w.Rest(30 * time.Second)
	w.Check(d)
	t.Logf("refused: %v; the answer that was being written is %s %s with %d bytes", refused, a.State, a.Code, len(a.Text))
}
