package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"aihub/e2e/rig"
	"aihub/e2e/upstream"
)

const patience = 60 * time.Second // of everything that a test waits for; only a failure reaches it

// installations are the two shapes in which every test of the message's way runs.
var installations = map[string]rig.Setup{
	"embedded":                          {},
	"two instances on MongoDB and NATS": {Instances: 2, External: true},
}

func onEach(t *testing.T, test func(*testing.T, *rig.World)) {
	for name, setup := range installations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, rig.New(t, setup))
		})
	}
}

// other is an instance that is not 0, if there is one.
func other(w *rig.World) int { return len(w.Instances) - 1 }

func ask(t *testing.T, ctx context.Context, d *rig.Device, conv, text string) rig.Frame {
	t.Helper()
	f, err := d.Send(ctx, conv, rig.NewCID(), text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func end(t *testing.T, ctx context.Context, d *rig.Device, conv, run string) rig.Answer {
	t.Helper()
	a, err := d.End(ctx, conv, run)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAMessageIsAnsweredTokenByTokenAndStored(t *testing.T) {
	onEach(t, func(t *testing.T, w *rig.World) {
		ctx := w.Context(patience)
		ana := w.Person("alfa", "usuario", 0)
		phone, laptop := w.DeviceAt("phone", ana, 0), w.DeviceAt("laptop", ana, other(w))
		sent := ask(t, ctx, phone, "", "Olá [[label=first tokens=60 every=10ms]]")
		laptop.Follow(sent.Conv)
		if _, err := laptop.Shown(ctx, sent.Conv, sent.Run, 1); err != nil {
			t.Fatal(err)
		}
		for _, d := range []*rig.Device{phone, laptop} {
			a := end(t, ctx, d, sent.Conv, sent.Run)
			if a.State != "complete" || a.Finish != "stop" || string(a.Text) != upstream.Text("first", 60, 0) {
				t.Errorf("%s has %s %s with %q", d.Name, a.State, a.Code, a.Text)
			}
		}
		w.Rest(15 * time.Second)
		w.Check(phone, laptop)
		var stored *rig.StoredMessage
		for _, m := range w.DB.Messages(t) {
			if m.Run != nil && m.Run.ID == sent.Run {
				stored = &m
			}
		}
		if stored == nil || stored.Tenant != "alfa" || stored.Text != upstream.Text("first", 60, 0) {
			t.Errorf("stored: %+v", stored)
		}
		// A second turn knows the first.
		next := ask(t, ctx, phone, sent.Conv, "E depois? [[label=second tokens=5]]")
		end(t, ctx, phone, next.Conv, next.Run)
		if calls := w.Up.CallsOf("second"); len(calls) != 1 || calls[0].Messages < 3 || calls[0].Key != "Bearer "+rig.UpstreamKey {
			t.Errorf("the model was asked %+v", calls)
		}
	})
}

func TestAReloadInMidAnswerGoesOnAtTheSameToken(t *testing.T) {
	onEach(t, func(t *testing.T, w *rig.World) {
		ctx := w.Context(patience)
		ana := w.Person("alfa", "usuario", 0)
		d := w.Device("phone", ana)
		sent := ask(t, ctx, d, "", "Olá [[label=cuts tokens=150 every=10ms]]")
		for n := 100; n <= 1500; n += 200 {
			if _, err := d.Shown(ctx, sent.Conv, sent.Run, n); err != nil {
				t.Fatal(err)
			}
			d.Cut()
		}
		// A page that is loaded anew knows nothing.
		reloaded := w.DeviceAt("reloaded", ana, other(w))
		reloaded.Follow(sent.Conv)
		for _, d := range []*rig.Device{d, reloaded} {
			if a := end(t, ctx, d, sent.Conv, sent.Run); a.State != "complete" || string(a.Text) != upstream.Text("cuts", 150, 0) {
				t.Errorf("%s has %s %s with %d bytes", d.Name, a.State, a.Code, len(a.Text))
			}
		}
		w.Rest(15 * time.Second)
		w.Check(d, reloaded)
		if s := d.Stats(); s.Resumes == 0 || s.Snapshots != 0 {
			t.Errorf("cuts within the log's life were answered by %d resumes and %d snapshots", s.Resumes, s.Snapshots)
		}
	})
}

func TestStopReachesTheModelWithinASecond(t *testing.T) {
	onEach(t, func(t *testing.T, w *rig.World) {
		ctx := w.Context(patience)
		ana := w.Person("alfa", "usuario", 0)
		phone, laptop := w.DeviceAt("phone", ana, 0), w.DeviceAt("laptop", ana, other(w))
		sent := ask(t, ctx, phone, "", "Conte sem parar [[label=stop tokens=endless every=10ms]]")
		laptop.Follow(sent.Conv)
		if _, err := laptop.Shown(ctx, sent.Conv, sent.Run, 200); err != nil {
			t.Fatal(err)
		}
		asked := time.Now()
		if _, err := laptop.Do(ctx, rig.Cmd{"t": "stop", "run": sent.Run}); err != nil {
			t.Fatal(err)
		}
		call, err := w.Up.Ended(ctx, "stop")
		if err != nil {
			t.Fatal(err)
		}
		if took := call.EndedAt.Sub(asked); call.End != "hung-up" || took > time.Second {
			t.Errorf("the model's call ended as %q after %v", call.End, took)
		}
		for _, d := range []*rig.Device{phone, laptop} {
			if a := end(t, ctx, d, sent.Conv, sent.Run); a.State != "stopped" || len(a.Text) < 200 {
				t.Errorf("%s has %s %s with %d bytes", d.Name, a.State, a.Code, len(a.Text))
			}
		}
		// Stopping what has ended is fine, and the conversation goes on.
		if _, err := phone.Do(ctx, rig.Cmd{"t": "stop", "run": sent.Run}); err != nil {
			t.Error(err)
		}
		next := ask(t, ctx, phone, sent.Conv, "Obrigado [[label=after tokens=3]]")
		if a := end(t, ctx, phone, next.Conv, next.Run); a.State != "complete" {
			t.Errorf("the next answer is %s %s", a.State, a.Code)
		}
		w.Rest(15 * time.Second)
		w.Check(phone, laptop)
	})
}

func TestClosingEverySocketDoesNotStopAnAnswer(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	d := rig.NewDevice(ctx, "phone", w.Person("alfa", "usuario", 0), w.Bases)
	sent := ask(t, ctx, d, "", "Olá [[label=alone tokens=50 every=10ms]]")
	d.Close()
	if call, err := w.Up.Ended(ctx, "alone"); err != nil || call.End != "complete" {
		t.Fatalf("the model's call: %+v %v", call, err)
	}
	w.Rest(15 * time.Second)
	back := w.Device("laptop", w.Person("alfa", "usuario", 0))
	back.Follow(sent.Conv)
	if a := end(t, ctx, back, sent.Conv, sent.Run); a.State != "complete" {
		t.Errorf("the answer is %s %s", a.State, a.Code)
	}
	w.Check(back)
}

func TestAFaultOfTheModelHasACodeAndKeepsWhatWasShown(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(5 * time.Minute)
	d := w.Device("phone", w.Person("alfa", "usuario", 0))
	first := ask(t, ctx, d, "", "Olá [[label=good tokens=3]]")
	end(t, ctx, d, first.Conv, first.Run)
	for i, c := range []struct{ script, state, code string }{
		{"fault=cut at=9", "failed", "llm_truncated"},
		{"fault=cut at=0", "failed", "llm_truncated"},
		{"fault=done at=9", "failed", "llm_truncated"},
		{"fault=reset at=9", "failed", "llm_truncated"},
		{"fault=half at=9", "failed", "llm_truncated"},
		{"finish=none", "failed", "llm_truncated"},
		{"fault=error at=9", "failed", "llm_unavailable"},
		{"fault=garbage at=9", "failed", "llm_bad_stream"},
		{"fault=html", "failed", "llm_bad_stream"},
		{"fault=empty", "failed", "llm_empty"},
		{"fault=line", "failed", "llm_bad_stream"},
		{"status=401", "failed", "llm_auth"},
		{"status=404", "failed", "llm_config"},
		{"status=429 retry-after=0", "failed", "llm_rate_limited"},
		{"status=503", "failed", "llm_unavailable"},
		{"status=429 retry-after=0 times=1", "complete", ""},
		{"finish=length", "complete", ""},
		{"usage=none", "complete", ""},
		{"usage=absurd", "complete", ""},
		{"usage=minus", "complete", ""},
		{"usage=string", "complete", ""},
		{"usage=zero", "complete", ""},
	} {
		label := fmt.Sprintf("fault%d", i)
		sent := ask(t, ctx, d, first.Conv, fmt.Sprintf("Olá [[label=%s tokens=20 every=1ms %s]]", label, c.script))
		a := end(t, ctx, d, sent.Conv, sent.Run)
		if a.State != c.state || a.Code != c.code {
			t.Errorf("%s: the run is %s %q, not %s %q", c.script, a.State, a.Code, c.state, c.code)
		}
		if strings.Contains(c.script, "at=9") && string(a.Text) != upstream.Text(label, 9, 0) {
			t.Errorf("%s: kept is %q", c.script, a.Text)
		}
		estimated := strings.HasPrefix(c.script, "usage=") && c.script != "usage=zero"
		if c.state == "complete" && a.Usage.Estimated != estimated || a.Usage.Out < 0 || a.Usage.Out > 10_000 {
			t.Errorf("%s: the usage is %+v", c.script, a.Usage)
		}
		// Between the faults the model works, so that no breaker hides the next one.
		good := ask(t, ctx, d, first.Conv, fmt.Sprintf("E agora? [[label=good%d tokens=3]]", i))
		if a := end(t, ctx, d, good.Conv, good.Run); a.State != "complete" {
			t.Errorf("after %s: the next answer is %s %s", c.script, a.State, a.Code)
		}
	}
	w.Rest(15 * time.Second)
	w.Check(d)
}

func TestTheProgramsOwnRehearsalCanBeWatchedStoppedAndReloaded(t *testing.T) {
	w := rig.New(t, rig.Setup{NoModel: true})
	ctx := w.Context(patience)
	ana := w.Person("alfa", "usuario", 0)
	d := w.Device("phone", ana)
	sent := ask(t, ctx, d, "", "Olá")
	shown, err := d.Shown(ctx, sent.Conv, sent.Run, 40)
	if err != nil || shown.Ended > 0 {
		t.Fatalf("the answer is too fast to be watched: %+v %v", shown, err)
	}
	d.Cut()
	if _, err := d.Shown(ctx, sent.Conv, sent.Run, len(shown.Text)+40); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Do(ctx, rig.Cmd{"t": "stop", "run": sent.Run}); err != nil {
		t.Fatal(err)
	}
	if a := end(t, ctx, d, sent.Conv, sent.Run); a.State != "stopped" {
		t.Errorf("the run is %s %s", a.State, a.Code)
	}
	w.Rest(15 * time.Second)
	w.Check(d)
}

// What an interrupted answer lacks is told by a further one, which begins at the very byte where the first one ended.
func TestAnInterruptedAnswerIsContinuedToItsEnd(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 2})
	ctx := w.Context(2 * time.Minute)
	ana := w.Person("alfa", "usuario", 1)
	author, watcher := w.DeviceAt("author", ana, 0), w.DeviceAt("watcher", ana, 1)
	sent := ask(t, ctx, author, "", "Olá [[label=rest tokens=400 every=20ms]]")
	watcher.Follow(sent.Conv)
	if _, err := watcher.Shown(ctx, sent.Conv, sent.Run, 1000); err != nil {
		t.Fatal(err)
	}
	w.Instances[0].Kill()
	cut := end(t, ctx, watcher, sent.Conv, sent.Run)
	if cut.Code != "instance_lost" || !cut.Continue {
		t.Fatalf("the answer of the killed instance is %s %s, offered to continue: %v", cut.State, cut.Code, cut.Continue)
	}
	w.Run(0)
	text := string(cut.Text)
	for n := 0; cut.Continue; n++ { // the first continuation is stopped in turn
		again := rig.Cmd{"t": "continue", "cid": rig.NewCID(), "msg": cut.Msg}
		sent, err := watcher.Do(ctx, again)
		if err != nil {
			t.Fatal(err)
		}
		if copied, err := author.Do(ctx, again); err != nil || copied.Run != sent.Run {
			t.Errorf("a copy on the other instance: %s %v", copied.Raw, err)
		}
		if n == 0 {
			if _, err := watcher.Shown(ctx, sent.Conv, sent.Run, 500); err != nil {
				t.Fatal(err)
			}
			if _, err := author.Do(ctx, rig.Cmd{"t": "stop", "run": sent.Run}); err != nil {
				t.Fatal(err)
			}
		}
		cut = end(t, ctx, watcher, sent.Conv, sent.Run)
		text += string(cut.Text)
	}
	if cut.State != "complete" || text != upstream.Text("rest", 400, 0) {
		t.Errorf("the last part is %s %s, all together are %d bytes", cut.State, cut.Code, len(text))
	}
	w.Rest(15 * time.Second)
	w.Check(author, watcher)
}

// A model may be faster than any screen, and somebody may come in the middle of a text that no single frame can hold.
func TestAFastAnswerAndALongOneAreWhole(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	ana := w.Person("alfa", "usuario", 0)
	phone, late := w.Device("phone", ana), w.Device("late", ana)
	fast := ask(t, ctx, phone, "", "Olá [[label=fast tokens=5000 every=0s]]")
	if a := end(t, ctx, phone, fast.Conv, fast.Run); a.State != "complete" || string(a.Text) != upstream.Text("fast", 5000, 0) {
		t.Errorf("the fast answer is %s %s with %d bytes", a.State, a.Code, len(a.Text))
	}
	long := ask(t, ctx, phone, fast.Conv, "E mais? [[label=long tokens=600 size=100 every=3ms]]")
	if _, err := phone.Shown(ctx, long.Conv, long.Run, 30_000); err != nil {
		t.Fatal(err)
	}
	late.Follow(long.Conv)
	for _, d := range []*rig.Device{phone, late} {
		if a := end(t, ctx, d, long.Conv, long.Run); a.State != "complete" || string(a.Text) != upstream.Text("long", 600, 100) {
			t.Errorf("for %s the long answer is %s %s with %d bytes", d.Name, a.State, a.Code, len(a.Text))
		}
	}
	for _, d := range []*rig.Device{phone, late} {
		d.Views(func(v *rig.View) {
			if v.Gaps > 0 {
				t.Errorf("%s had to ask %d times for what followed", d.Name, v.Gaps)
			}
		})
	}
	w.Rest(15 * time.Second)
	w.Check(phone, late)
}
