package e2e

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"aihub/e2e/rig"
)

// foreign is what alfa has and beta must not see, and for each id one that nobody has.
type foreign struct {
	ids     map[string]string // kind → id
	unknown map[string]string
	canary  string
}

// unknownLike is an id of the same form that does not exist.
func unknownLike(id string) string {
	b := []byte(id)
	for i := len(b) - 6; i < len(b); i++ {
		if b[i] >= '0' && b[i] <= '9' {
			b[i] = '0' + (b[i]-'0'+3)%10
		} else {
			b[i] = 'a' + (b[i]-'a'+1)%6
		}
	}
	return string(b)
}

// alfasSecrets makes a conversation of alfa and returns its ids; one answer stays open.
func alfasSecrets(t *testing.T, ctx context.Context, w *rig.World) (foreign, *rig.Device) {
	t.Helper()
	f := foreign{ids: map[string]string{}, unknown: map[string]string{}, canary: "segredo-da-alfa"}
	ana := w.Person("alfa", "usuario", 0)
	d := w.Device("alfa's phone", ana)
	done := ask(t, ctx, d, "", "segredo-da-alfa [[label=segredo-da-alfa tokens=20]]")
	end(t, ctx, d, done.Conv, done.Run)
	open := ask(t, ctx, d, done.Conv, "segredo-da-alfa [[label=segredo-da-alfa-2 tokens=endless every=50ms]]")
	if _, err := d.Shown(ctx, open.Conv, open.Run, 1); err != nil {
		t.Fatal(err)
	}
	var me struct{ User struct{ ID string } }
	if err := ana.Get(ctx, "/me", &me); err != nil {
		t.Fatal(err)
	}
	f.ids = map[string]string{"conv": done.Conv, "msg": done.Msg, "run": open.Run, "user": me.User.ID}
	for kind, id := range f.ids {
		f.unknown[kind] = unknownLike(id)
	}
	return f, d
}

var betas = []string{"usuario", "supervisor", "admin"}

func TestAnotherTenantGetsNotFoundOnEveryFrame(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(2 * time.Minute)
	f, alfa := alfasSecrets(t, ctx, w)
	for _, name := range betas {
		person := w.Person("beta", name, 0)
		received := make(chan rig.Frame, 1024)
		c, err := rig.Login(ctx, person, func(f rig.Frame) { received <- f })
		if err != nil {
			t.Fatal(err)
		}
		own := w.Device("beta's phone", person)
		mine, err := own.Send(ctx, "", rig.NewCID(), "Oi [[label=beta-"+name+" tokens=2]]")
		if err != nil {
			t.Fatal(err)
		}
		end(t, ctx, own, mine.Conv, mine.Run)
		// Commands that the server does not have yet are answered alike too, so the list may be ahead of it.
		commands := map[string]func(ids map[string]string) rig.Cmd{
			"sub": func(ids map[string]string) rig.Cmd { return rig.Cmd{"t": "sub", "conv": ids["conv"]} },
			"sub since": func(ids map[string]string) rig.Cmd {
				return rig.Cmd{"t": "sub", "conv": ids["conv"], "since": map[string]any{"ep": "e1", "seq": 1}}
			},
			"unsub": func(ids map[string]string) rig.Cmd { return rig.Cmd{"t": "unsub", "conv": ids["conv"]} },
			"send": func(ids map[string]string) rig.Cmd {
				return rig.Cmd{"t": "send", "conv": ids["conv"], "cid": "x1", "text": "oi"}
			},
			"send after": func(ids map[string]string) rig.Cmd {
				return rig.Cmd{"t": "send", "conv": mine.Conv, "parent": ids["msg"], "cid": "x2", "text": "oi"}
			},
			"stop":   func(ids map[string]string) rig.Cmd { return rig.Cmd{"t": "stop", "run": ids["run"]} },
			"typing": func(ids map[string]string) rig.Cmd { return rig.Cmd{"t": "typing", "conv": ids["conv"]} },
			"continue": func(ids map[string]string) rig.Cmd {
				return rig.Cmd{"t": "continue", "cid": "x4", "msg": ids["msg"]}
			},
			"regen":   func(ids map[string]string) rig.Cmd { return rig.Cmd{"t": "regen", "cid": "x3", "msg": ids["msg"]} },
			"take":    func(ids map[string]string) rig.Cmd { return rig.Cmd{"t": "take", "conv": ids["conv"], "epoch": 0} },
			"release": func(ids map[string]string) rig.Cmd { return rig.Cmd{"t": "release", "conv": ids["conv"], "epoch": 0} },
			"whisper": func(ids map[string]string) rig.Cmd {
				return rig.Cmd{"t": "whisper", "conv": ids["conv"], "to": "staff", "text": "oi"}
			},
			"end": func(ids map[string]string) rig.Cmd { return rig.Cmd{"t": "end", "conv": ids["conv"]} },
		}
		for _, kind := range slices.Sorted(maps.Keys(commands)) {
			var answers [2]string
			for i, ids := range []map[string]string{f.ids, f.unknown} {
				soon, cancel := context.WithTimeout(ctx, 20*time.Second)
				answer, err := c.Do(soon, commands[kind](ids))
				cancel()
				if err != nil {
					t.Fatalf("%s as %s: %v", kind, name, err)
				}
				if kind != "unsub" && answer.T != "err" {
					t.Errorf("%s as beta's %s is answered by %s", kind, name, answer.Raw)
				}
				raw := strings.Replace(string(answer.Raw), `"id":`+string(answer.ID), `"id":0`, 1)
				for k := range ids { // unsub repeats the id it was given
					raw = strings.ReplaceAll(raw, ids[k], "ID")
				}
				answers[i] = raw
			}
			if answers[0] != answers[1] {
				t.Errorf("%s as beta's %s: a foreign id is answered by %s, an unknown one by %s", kind, name, answers[0], answers[1])
			}
		}
		_ = c.Send(ctx, rig.Cmd{"t": "pong", "pos": map[string]int64{f.ids["conv"]: 0}})
		if answer, err := c.Do(ctx, rig.Cmd{"t": "unsub", "conv": f.ids["conv"]}); err != nil || answer.T != "ok" {
			t.Errorf("the connection does not live: %s %v", answer.Raw, err)
		}
		c.Close()
		<-c.Done()
		close(received)
		for got := range received {
			if bytes.Contains(got.Raw, []byte(f.canary)) {
				t.Errorf("beta's %s received %s", name, got.Raw)
			}
		}
	}
	// The answer of alfa goes on: nobody stopped it.
	if err := alfa.Look(ctx, f.ids["conv"], func(v *rig.View) bool { return v.Runs[f.ids["run"]] != nil }); err != nil {
		t.Fatal(err)
	}
	if calls := w.Up.CallsOf("segredo-da-alfa-2"); len(calls) != 1 || calls[0].End != "" {
		t.Errorf("alfa's open answer: %+v", calls)
	}
	if _, err := alfa.Do(ctx, rig.Cmd{"t": "stop", "run": f.ids["run"]}); err != nil {
		t.Error(err)
	}
}

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// needed is what a list does not answer without.
var needed = map[string]string{"/search": "?q=segredo", "/audit/file": "?person=u_x", "/knowledge/passages": "?question=segredo"}

func TestAnotherTenantGetsNotFoundOnEveryRoute(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(3 * time.Minute)
	f, _ := alfasSecrets(t, ctx, w)
	var api openAPI
	res, err := rig.Call(ctx, http.MethodGet, w.Base(0)+"/api/v1/openapi.json", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Into(&api); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
		for method, op := range api.Paths[path] {
			method = strings.ToUpper(method)
			public := strings.Contains(path, "/auth/") || strings.Contains(path, "{slug}") || strings.Contains(path, "/widget/")
			if public {
				continue
			}
			body := api.example(op)
			relative := strings.TrimPrefix(path, "/api/v1")
			for _, name := range betas {
				person := w.Person("beta", name, 0)
				if !parameter.MatchString(path) {
					if method != http.MethodGet {
						continue
					}
					res, err := person.Do(ctx, method, relative+needed[relative], nil)
					if err != nil || res.Status != http.StatusOK && res.Status != http.StatusForbidden || bytes.Contains(res.Body, []byte(f.canary)) || bytes.Contains(res.Body, []byte("alfa")) {
						t.Errorf("%s %s as beta's %s: %d %s %v", method, path, name, res.Status, res.Body, err)
					}
					tried++
					continue
				}
				for _, kind := range slices.Sorted(maps.Keys(f.ids)) {
					var answers [2]string
					for i, ids := range []map[string]string{f.ids, f.unknown} {
						res, err := person.Do(ctx, method, parameter.ReplaceAllString(relative, ids[kind]), body)
						if err != nil {
							t.Fatal(err)
						}
						if res.Status < 400 || res.Status >= 500 {
							t.Errorf("%s %s as beta's %s with a foreign %s: %d %s", method, path, name, kind, res.Status, res.Body)
						}
						if bytes.Contains(res.Body, []byte(f.canary)) {
							t.Errorf("%s %s as beta's %s: the answer holds alfa's text: %s", method, path, name, res.Body)
						}
						answers[i] = fmt.Sprintf("%d %s", res.Status, strings.ReplaceAll(string(res.Body), ids[kind], "ID"))
					}
					if answers[0] != answers[1] {
						t.Errorf("%s %s as beta's %s: a foreign %s is answered by %s, an unknown one by %s", method, path, name, kind, answers[0], answers[1])
					}
					tried++
				}
			}
			// Without a token there is nothing at all.
			res, err := rig.Call(ctx, method, w.Base(0)+parameter.ReplaceAllString(path, f.ids["conv"]), nil, body)
			if err != nil || res.Status != http.StatusUnauthorized {
				t.Errorf("%s %s without a token: %d %s %v", method, path, res.Status, res.Body, err)
			}
		}
	}
	t.Logf("%d requests as beta on %d paths", tried, len(api.Paths))
	if tried < 20 {
		t.Errorf("only %d requests were tried: the description of the API is not what this test expects", tried)
	}
	// Nothing of it had an effect.
	var got struct{ ID, Title string }
	if err := w.Person("alfa", "usuario", 0).Get(ctx, "/conversations/"+f.ids["conv"], &got); err != nil || got.ID != f.ids["conv"] || !strings.Contains(got.Title, f.canary) {
		t.Errorf("alfa's conversation is now %+v %v", got, err)
	}
	if _, err := w.Device("alfa's phone again", w.Person("alfa", "usuario", 0)).Do(ctx, rig.Cmd{"t": "stop", "run": f.ids["run"]}); err != nil {
		t.Error(err)
	}
}

// openAPI is what the test needs of the API's description.
type openAPI struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	RequestBody *struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
	Enum       []any             `json:"enum"`
	MinLength  int               `json:"minLength"`
	Minimum    float64           `json:"minimum"`
}

// example is a valid body of an operation, or nil.
func (a *openAPI) example(op operation) any {
	if op.RequestBody == nil {
		return nil
	}
	for _, c := range op.RequestBody.Content {
		return a.value(c.Schema, 0)
	}
	return nil
}

func (a *openAPI) value(s schema, depth int) any {
	if s.Ref != "" {
		s = a.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	kind, _ := s.Type.(string)
	if list, ok := s.Type.([]any); ok && len(list) > 0 {
		kind, _ = list[0].(string)
	}
	switch kind {
	case "object":
		v := map[string]any{}
		for _, name := range s.Required {
			if depth < 5 {
				v[name] = a.value(s.Properties[name], depth+1)
			}
		}
		return v
	case "array":
		return []any{}
	case "string":
		return strings.Repeat("x", max(1, s.MinLength))
	case "integer", "number":
		return max(1, s.Minimum)
	case "boolean":
		return false
	}
	return nil
}

func TestEveryDocumentStandsUnderItsTenant(t *testing.T) {
	onEach(t, func(t *testing.T, w *rig.World) {
		ctx := w.Context(patience)
		var devices []*rig.Device
		for _, tenant := range []string{"alfa", "beta"} {
			d := w.Device(tenant, w.Person(tenant, "usuario", 0))
			devices = append(devices, d)
			for n := range 3 {
				sent := ask(t, ctx, d, "", fmt.Sprintf("Olá da %s [[label=%s-%d tokens=5]]", tenant, tenant, n))
				end(t, ctx, d, sent.Conv, sent.Run)
			}
		}
		devices[0].Forbid("beta")
		devices[1].Forbid("alfa")
		w.Rest(15 * time.Second)
		w.Check(devices...)
		for _, m := range w.DB.Messages(t) {
			if m.Tenant == "" || (strings.Contains(m.Text, "‹alfa") || strings.Contains(m.Text, "da alfa")) != (m.Tenant == "alfa") {
				t.Errorf("a message of %q stands under %q", m.Text, m.Tenant)
			}
		}
	})
}

// Within a tenant a conversation is its participant's and the staff's; to others it does not exist.
func TestAnotherPersonOfTheTenantGetsNotFound(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	ctx := w.Context(patience)
	phone := w.Device("phone", w.Person("alfa", "usuario", 0))
	sent := ask(t, ctx, phone, "", "Olá [[label=mine tokens=endless every=20ms]]")
	api := &rig.API{Base: func() string { return w.Base(0) }, Tenant: "alfa", Email: w.DB.AddPeople(t, "alfa", "usuario", 1)[0]}
	c, err := rig.Login(ctx, api, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []rig.Cmd{{"t": "sub", "conv": sent.Conv}, {"t": "send", "conv": sent.Conv, "cid": "x", "text": "oi"}, {"t": "stop", "run": sent.Run},
		{"t": "regen", "cid": "y", "msg": sent.Msg}, {"t": "typing", "conv": sent.Conv}, {"t": "end", "conv": sent.Conv}} {
		if f, err := c.Do(ctx, cmd); err != nil || f.Code != "not_found" {
			t.Errorf("%v was answered by %s %v", cmd, f.Raw, err)
		}
	}
	if _, err := phone.Do(ctx, rig.Cmd{"t": "stop", "run": sent.Run}); err != nil {
		t.Fatal(err)
	}
	end(t, ctx, phone, sent.Conv, sent.Run)
}
