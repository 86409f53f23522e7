// Package clients tests the OpenAI-compatible endpoint of the built program with clients that nobody here wrote.
package clients

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"aihub/e2e/rig"
	"aihub/e2e/upstream"
)

func TestMain(m *testing.M) {
	code := m.Run()
	rig.Clean()
	os.Exit(code)
}

// admin makes things over the REST interface.
type admin struct {
	t   *testing.T
	api *rig.API
}

func (a admin) make(path string, body map[string]any) (made struct{ ID, Key string }) {
	a.t.Helper()
	res, err := a.api.Do(a.t.Context(), http.MethodPost, path, body)
	if err == nil && res.Status != http.StatusCreated {
		err = errors.New(string(res.Body))
	}
	if err == nil {
		err = res.Into(&made)
	}
	if err != nil {
		a.t.Fatalf("POST %s: %v", path, err)
	}
	return made
}

// keys returns an API key of a person, and one of a person whose plan allows nothing more today.
func keys(t *testing.T, w *rig.World) (good, spent string) {
	a := admin{t, w.Person("alfa", "admin", 0)}
	plan := a.make("/plans", map[string]any{"name": "Um por dia", "limits": []any{map[string]any{"window": "day", "messages": 1}}, "allow_global_key": true}).ID
	user := a.make("/users", map[string]any{"email": "programa@alfa.example", "name": "Programa", "role": "usuario"}).ID
	a.make("/subscriptions", map[string]any{"user_id": user, "plan_id": plan})
	spent = a.make("/api-keys", map[string]any{"name": "CRM", "user_id": user}).Key
	if _, err := client(w, spent).CreateChatCompletion(t.Context(), question("[[label=first tokens=3]]")); err != nil {
		t.Fatal(err)
	}
	return a.make("/api-keys", map[string]any{"name": "Site"}).Key, spent
}

func client(w *rig.World, key string) *openai.Client {
	c := openai.DefaultConfig(key)
	c.BaseURL = w.Base(0) + "/v1"
	return openai.NewClientWithConfig(c)
}

func question(text string) openai.ChatCompletionRequest {
	return openai.ChatCompletionRequest{Model: "default", Messages: []openai.ChatCompletionMessage{{Role: "user", Content: text}}}
}

func TestGoOpenAI(t *testing.T) {
	w := rig.New(t, rig.Setup{})
	good, spent := keys(t, w)
	stream, err := client(w, good).CreateChatCompletionStream(t.Context(), question("[[label=go tokens=30 every=5ms]]"))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var text strings.Builder
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(chunk.Choices[0].Delta.Content)
	}
	if text.String() != upstream.Text("go", 30, 0) {
		t.Errorf("streamed %q", text.String())
	}
	_, err = client(w, spent).CreateChatCompletion(t.Context(), question("x"))
	var refused *openai.APIError
	if !errors.As(err, &refused) || refused.HTTPStatusCode != 429 || refused.Code != "quota_exceeded" {
		t.Errorf("a spent quota: %v", err)
	}
	if calls := w.Up.Calls(); len(calls) != 2 {
		t.Errorf("the model was called %d times for 2 accepted requests", len(calls))
	}
	w.Rest(15 * time.Second)
}

func TestOpenAIsOwnClient(t *testing.T) {
	if _, err := os.Stat("node_modules/openai"); err != nil {
		install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund")
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	w := rig.New(t, rig.Setup{})
	good, spent := keys(t, w)
	run := exec.CommandContext(t.Context(), "node", "chat.mjs")
	run.Env = append(os.Environ(), "BASE_URL="+w.Base(0)+"/v1", "API_KEY="+good, "SPENT_KEY="+spent)
	run.Stderr = os.Stderr
	raw, err := run.Output()
	if err != nil {
		t.Fatalf("node chat.mjs: %v", err)
	}
	type failure struct {
		Status     int
		Code, Type string
		RetryAfter string
	}
	var got struct {
		Models []string
		Whole  struct {
			Text, Finish string
			Usage        map[string]any
		}
		Stream struct {
			Text, Finish string
			Chunks       int
			Usage        map[string]any
		}
		Quota, Key, Unknown, Cut *failure
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	t.Logf("%s", raw)
	if len(got.Models) == 0 || got.Models[0] != "default" {
		t.Errorf("models %v", got.Models)
	}
	if got.Whole.Text != upstream.Text("npm-whole", 12, 0) || got.Whole.Finish != "stop" || got.Whole.Usage["completion_tokens"] == nil {
		t.Errorf("whole %+v", got.Whole)
	}
	if got.Stream.Text != upstream.Text("npm-stream", 30, 0) || got.Stream.Finish != "stop" || got.Stream.Chunks < 4 || got.Stream.Usage == nil {
		t.Errorf("streamed %+v", got.Stream)
	}
	for name, f := range map[string]*failure{"429 quota_exceeded": got.Quota, "401 unauthenticated": got.Key, "404 not_found": got.Unknown, "0 llm_truncated": got.Cut} {
		if f == nil {
			t.Errorf("%s did not fail", name)
			continue
		}
		if want := strings.Fields(name); f.Code != want[1] || (want[0] != "0" && want[0] != strconv.Itoa(f.Status)) {
			t.Errorf("%s: %+v", name, *f)
		}
	}
	if got.Quota != nil && (got.Quota.RetryAfter == "" || got.Quota.Type != "insufficient_quota") {
		t.Errorf("quota %+v", *got.Quota)
	}
	calls := w.Up.CallsOf("npm-whole")
	if len(calls) != 1 || calls[0].Messages < 4 {
		t.Errorf("the model got %+v, not the client's four messages", calls)
	}
	w.Rest(15 * time.Second)
}
