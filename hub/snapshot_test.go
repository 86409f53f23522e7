package hub_test

import (
	"fmt"
	"strings"
	"testing"
)

// No frame is larger than 64 KiB (the client of these tests complains), however long the texts are, and nothing is
// missing: what does not fit a snapshot follows it as events, or is marked as cut.
func TestSnapshotsOfLongTexts(t *testing.T) {
	w := newWorld(t, unlimited)
	h := w.hub()
	c := connect(t, h, "alfa/usuario")
	ok := c.ask("", "0", "n=3000")
	long := c.ended(ok.Run)
	for i := range 12 {
		f := c.ask(ok.Conv, fmt.Sprint(i+1), "n=1 "+strings.Repeat("<\u2028&\"", 1200))
		c.ended(f.Run)
	}
	live := c.ask(ok.Conv, "live", "n=6000 hold")
	c.await("much text", func(f in) bool { return f.K == "delta" && f.Run == live.Run && *f.Off > 60_000 })
	late := connect(t, h, "alfa/usuario")
	snap := late.do(map[string]any{"t": "sub", "conv": ok.Conv})
	if !snap.More || snap.Open == nil || snap.Open.Run != live.Run || snap.Open.Off == 0 || len(snap.Messages) < 3 {
		t.Errorf("snapshot with %d messages, more %v, open %v", len(snap.Messages), snap.More, snap.Open)
	}
	eventually(t, 10e9, "the text so far", func() bool { return len(late.text(ok.Conv, live.Run)) > 60_000 })
	w.upstream.release()
	end := late.ended(live.Run)
	if got := late.text(ok.Conv, live.Run); sum(got) != end.SHA || got != w.upstream.asked("n=6000")[0].sent() {
		t.Errorf("%d bytes, want %d", len(got), end.Len)
	}
	other := c.ask("", "short", "n=3000")
	end = c.ended(other.Run)
	snap = connect(t, h, "alfa/usuario").do(map[string]any{"t": "sub", "conv": other.Conv})
	if m := snap.Messages[1]; !m.Cut || m.Run.SHA != end.SHA || m.Run.Len != end.Len || !strings.HasPrefix(c.text(other.Conv, other.Run), m.Text) || m.Text == "" {
		t.Errorf("the long answer: %d bytes, cut %v, of %d", len(m.Text), m.Cut, m.Run.Len)
	}
	if long.Len < 64<<10 {
		t.Errorf("the test's answer has only %d bytes", long.Len)
	}
}
