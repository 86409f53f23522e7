package upstream

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T) *Server {
	t.Helper()
	s, err := Listen("127.0.0.1:0", Default())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// ask posts a message and returns the answer's text, whether a finish reason and [DONE] came, and how reading ended.
func ask(ctx context.Context, t *testing.T, s *Server, message string) (text, finish string, done bool, err error) {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"model": "m", "stream": true, "stream_options": map[string]any{"include_usage": true},
		"messages": []any{map[string]any{"role": "user", "content": message}}})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/chat/completions", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", false, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			done = true
			continue
		}
		var chunk struct {
			Choices []struct {
				Delta  struct{ Content string }
				Finish string `json:"finish_reason"`
			}
		}
		if json.Unmarshal([]byte(data), &chunk) != nil {
			continue
		}
		for _, c := range chunk.Choices {
			text += c.Delta.Content
			finish += c.Finish
		}
	}
	return text, finish, done, lines.Err()
}

func TestAnswersWithTheTextItPromises(t *testing.T) {
	s := start(t)
	text, finish, done, err := ask(t.Context(), t, s, "Olá [[label=r1 tokens=30 every=0s]]")
	if err != nil || text != Text("r1", 30, 0) || finish != "stop" || !done {
		t.Fatalf("text %q, finish %q, done %v, error %v", text, finish, done, err)
	}
	calls := s.CallsOf("r1")
	if len(calls) != 1 || calls[0].Sent != 30 || calls[0].End != "complete" || !strings.HasPrefix(calls[0].Asked, "Olá") {
		t.Fatalf("journal: %+v", calls)
	}
}

func TestFaultsShow(t *testing.T) {
	s := start(t)
	for fault, want := range map[string]struct {
		done, broken bool
	}{
		FaultCut: {}, FaultDone: {done: true}, FaultReset: {broken: true}, FaultHalf: {broken: true}, FaultError: {},
	} {
		text, finish, done, err := ask(t.Context(), t, s, "[[label="+fault+" tokens=9 every=0s at=4 fault="+fault+"]]")
		if text != Text(fault, 4, 0) || finish != "" || done != want.done || (err != nil) != want.broken {
			t.Errorf("%s: text %q, finish %q, done %v, error %v", fault, text, finish, done, err)
		}
		if calls := s.CallsOf(fault); len(calls) != 1 || calls[0].End != fault {
			t.Errorf("%s: journal %+v", fault, calls)
		}
	}
}

func TestSeesTheOtherSideHangUp(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, err := s.Await(t.Context(), func(calls []Call) bool { return len(calls) == 1 })
		if err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
		cancel()
	}()
	_, _, _, _ = ask(ctx, t, s, "[[tokens=endless every=1ms]]")
	ended, stop := context.WithTimeout(t.Context(), 5*time.Second)
	defer stop()
	calls, err := s.Await(ended, func(calls []Call) bool { return calls[0].End != "" })
	if err != nil || calls[0].End != "hung-up" {
		t.Fatalf("journal %+v, error %v", calls, err)
	}
}

func TestRefusesAsOftenAsTold(t *testing.T) {
	s := start(t)
	var got []int
	for range 3 {
		res, err := http.Post(s.URL()+"/chat/completions", "application/json",
			strings.NewReader(`{"messages":[{"role":"user","content":"[[label=x status=429 retry-after=1 times=2 every=0s]]"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		got = append(got, res.StatusCode)
	}
	if got[0] != 429 || got[1] != 429 || got[2] != 200 {
		t.Fatalf("statuses %v", got)
	}
}

func TestStampsAreFoundWhereverTheyAre(t *testing.T) {
	now := time.Now().UnixNano() / stampStep * stampStep
	early, late := now-5*time.Hour.Nanoseconds(), now-time.Second.Nanoseconds()
	b := AppendArrival([]byte("a~b "), early)
	b = AppendStamp(append(b, "x~"...), late)
	var got []int64
	ScanStamps(append(b, "~~ end"...), func(ns int64, arrival bool) { got = append(got, ns) })
	if len(got) != 2 || got[0] != early || got[1] != late {
		t.Fatalf("stamps %v, want %v and %v", got, early, late)
	}
}
