package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"aihub/e2e/idp"
	"aihub/e2e/rig"
	"aihub/e2e/upstream"
)

// wrong is how far a clock may be off.
const wrong = 10 * time.Minute

// Three instances whose clocks are twenty minutes apart are one system: tokens of one are good at the others, nobody ends
// an answer of another as lost or gives back what it has just reserved, from the very first message on, and the answer
// of an instance that is lost ends as soon as with right clocks.
func TestInstancesWithWrongClocksAreOneSystem(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 3, Skew: []time.Duration{-wrong, wrong, 0},
		Limits: []rig.PlanLimit{{Window: "mes", Messages: 1000, Tokens: 1_000_000}}})
	ctx := w.Context(10 * time.Minute)
	var devices []*rig.Device
	for i, email := range w.DB.AddPeople(t, "alfa", "usuario", 3) {
		// Logged in at another instance: the token was made by another clock.
		api := &rig.API{Base: func() string { return w.Base((i + 1) % 3) }, Tenant: "alfa", Email: email}
		devices = append(devices, w.DeviceAt(fmt.Sprintf("phone %d", i), api, i))
	}
	for round := range full(1, 20) {
		var sent []rig.Frame
		for i, d := range devices { // longer than a lease
			sent = append(sent, ask(t, ctx, d, "", fmt.Sprintf("Olá [[label=clock-%d-%d tokens=400 every=20ms]]", round, i)))
		}
		for i, d := range devices {
			a := end(t, ctx, d, sent[i].Conv, sent[i].Run)
			if a.State != "complete" || string(a.Text) != upstream.Text(fmt.Sprintf("clock-%d-%d", round, i), 400, 0) {
				t.Errorf("at instance %d the answer is %s %s with %d bytes", i, a.State, a.Code, len(a.Text))
			}
		}
	}
	for i := range 2 { // the one that is behind and the one that is ahead
		api := &rig.API{Base: func() string { return w.Base(2) }, Tenant: "alfa", Email: "usuario@alfa.example"}
		author, watcher := w.DeviceAt(fmt.Sprintf("author %d", i), api, i), w.DeviceAt(fmt.Sprintf("watcher %d", i), api, 2)
		sent := ask(t, ctx, author, "", fmt.Sprintf("Olá [[label=clock-lost-%d tokens=endless every=20ms]]", i))
		watcher.Follow(sent.Conv)
		if _, err := watcher.Shown(ctx, sent.Conv, sent.Run, 200); err != nil {
			t.Fatal(err)
		}
		w.Instances[i].Kill()
		soon, cancel := context.WithTimeout(ctx, 15*time.Second)
		if a, err := watcher.End(soon, sent.Conv, sent.Run); err != nil || a.State != "interrupted" || a.Code != "instance_lost" {
			t.Errorf("the answer of the lost instance %d is %s %s: %v", i, a.State, a.Code, err)
		}
		cancel()
		w.Run(i)
		devices = append(devices, author, watcher)
	}
	w.Rest(15 * time.Second)
	w.Check(devices...)
}

// What instances with wrong clocks tell of times is right, and what one of them decides by time holds at the others.
func TestTimesAreTheSameAtInstancesWithWrongClocks(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 3, Skew: []time.Duration{-wrong, wrong, 0}})
	ctx := w.Context(10 * time.Minute)
	people := w.DB.AddPeople(t, "alfa", "usuario", 2)
	at := func(email string, i int) *rig.API {
		return &rig.API{Base: func() string { return w.Base(i) }, Tenant: "alfa", Email: email}
	}
	isNow := func(what string, told string) {
		t.Helper()
		if when, err := time.Parse(time.RFC3339, told); err != nil || time.Since(when).Abs() > time.Minute {
			t.Errorf("%s is %q", what, told)
		}
	}

	// The instance that is ahead takes the first message, that is the oldest everywhere.
	var made []string
	for n, i := range []int{1, 0, 2} {
		d := w.DeviceAt(fmt.Sprintf("phone %d", i), at(people[0], 2), i)
		sent := ask(t, ctx, d, "", fmt.Sprintf("Olá [[label=times-%d tokens=3]]", n))
		end(t, ctx, d, sent.Conv, sent.Run)
		made = append([]string{sent.Conv}, made...)
	}
	for i := range w.Instances {
		var list struct {
			Items []struct {
				ID        string
				CreatedAt string `json:"created_at"`
				UpdatedAt string `json:"updated_at"`
			}
		}
		if err := at(people[0], i).Get(ctx, "/conversations", &list); err != nil {
			t.Fatal(err)
		}
		var listed []string
		for _, c := range list.Items {
			listed = append(listed, c.ID)
			isNow("when a conversation began", c.CreatedAt)
			isNow("when a conversation was used", c.UpdatedAt)
			var messages struct{ Items []struct{ At string } }
			if err := at(people[0], i).Get(ctx, "/conversations/"+c.ID+"/messages", &messages); err != nil || len(messages.Items) != 2 {
				t.Fatal(messages, err)
			}
			isNow("when a message was sent", messages.Items[0].At)
			isNow("when it was answered", messages.Items[1].At)
		}
		if !slices.Equal(listed, made) {
			t.Errorf("instance %d lists %v, the latest are %v", i, listed, made)
		}
	}

	// A visitor's session that one instance made is good at all.
	const site = "https://www.alfa.example"
	key := admin(t, ctx, w, "/widget-keys", object{"name": "Site", "origins": []string{site}})
	for i := range w.Instances {
		var session struct {
			Token string `json:"access_token"`
		}
		for { // an instance hears of a new key within seconds
			res, err := rig.Call(ctx, http.MethodPost, w.Base(i)+"/api/v1/widget/sessions", map[string]string{"Origin": site}, object{"key": key})
			if err == nil && res.Status == http.StatusOK {
				if err := res.Into(&session); err != nil {
					t.Fatal(err)
				}
				break
			}
			if err != nil || res.Code() != "not_found" {
				t.Fatalf("instance %d makes no session of a visitor: %d %s %v", i, res.Status, res.Body, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		for j := range w.Instances {
			c, err := rig.Dial(ctx, w.Base(j), nil)
			if err != nil {
				t.Fatal(err)
			}
			f, err := c.Do(ctx, rig.Cmd{"t": "auth", "token": session.Token})
			if err != nil || f.T != "hello" {
				t.Errorf("a visitor's session of instance %d is at %d answered by %s %v", i, j, f.Raw, err)
			}
			var hello struct{ Now string }
			if err := json.Unmarshal(f.Raw, &hello); err != nil {
				t.Error(err)
			}
			isNow("the time in hello", hello.Now)
			c.Close()
		}
	}

	// Who guessed too often at the instance that is behind, may not guess at the one that is ahead.
	guess := func(i int) rig.Response {
		res, err := rig.Call(ctx, http.MethodPost, w.Base(i)+"/api/v1/auth/login", nil, object{"tenant": "alfa", "email": people[1], "password": "errada-123"})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	for range 5 {
		guess(0)
	}
	if res := guess(1); res.Status != http.StatusTooManyRequests {
		t.Errorf("after five wrong guesses elsewhere a sixth is answered by %d %s", res.Status, res.Body)
	}

	// A login at a distributor's provider may begin at the one and end at the other.
	p := startIDP(t)
	id := loginProvider(t, ctx, w, p, object{"create_users": true, "domains": []string{"alfa.example"}})
	b := browser(t)
	p.Is(idp.Claims{"sub": "42", "email": "ana@alfa.example", "email_verified": true}, nil)
	back := visit(t, ctx, b, visit(t, ctx, b, w.Base(0)+"/auth/oidc/alfa/start?provider="+id))
	w.Edges[0].Target(strings.TrimPrefix(w.Instances[1].URL, "http://"))
	b.CloseIdleConnections()
	if ended := visit(t, ctx, b, back); !strings.HasSuffix(ended, "/p/alfa") {
		t.Errorf("the login ends at %s", ended)
	}
}

// The clock of an instance is set, far back and far ahead, while it answers: nobody takes its answer for lost, its tokens
// stay good, and what comes after stands after.
func TestAClockThatIsSetEndsNoAnswerAndNoSession(t *testing.T) {
	w := rig.New(t, rig.Setup{Instances: 2, Skew: []time.Duration{0, 0}, Env: map[string]string{"AIHUB_ACCESS_TTL": "300"}})
	ctx := w.Context(10 * time.Minute)
	api := w.Person("alfa", "usuario", 1)
	here, there := w.DeviceAt("phone", api, 0), w.DeviceAt("laptop", api, 1)
	var conv, last string
	for i, ahead := range []time.Duration{-wrong, wrong, 0} {
		sent := ask(t, ctx, here, conv, fmt.Sprintf("Olá [[label=set-%d tokens=500 every=20ms]]", i)) // longer than a lease
		conv = sent.Conv
		there.Follow(conv)
		if _, err := there.Shown(ctx, conv, sent.Run, 100); err != nil {
			t.Fatal(err)
		}
		w.SetClock(0, ahead)
		for _, d := range []*rig.Device{here, there} {
			if a := end(t, ctx, d, conv, sent.Run); a.State != "complete" || string(a.Text) != upstream.Text(fmt.Sprintf("set-%d", i), 500, 0) {
				t.Errorf("with a clock that is set by %v the answer is %s %s with %d bytes", ahead, a.State, a.Code, len(a.Text))
			}
		}
		if sent.Msg <= last {
			t.Errorf("%s was made after %s", sent.Msg, last)
		}
		last = sent.Msg
	}
	for _, d := range []*rig.Device{here, there} {
		if codes := d.Stats().Codes; len(codes) > 0 {
			t.Errorf("connections ended with %v", codes)
		}
	}
	w.Rest(15 * time.Second)
	w.Check(here, there)
}
