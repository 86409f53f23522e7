package e2e

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aihub/e2e/rig"
)

// repeater is a model server that says the key it was given back, in every way a server can. A message names the way.
func repeater(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	body, _ := io.ReadAll(r.Body) // what could not be read names no way
	w.Header().Set("X-Echo", key)
	stream := func(lines ...string) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, l := range lines {
			fmt.Fprintf(w, "data: %s\n\n", l)
		}
	}
	text := func(s string) string { return fmt.Sprintf(`{"choices":[{"index":0,"delta":{"content":%q}}]}`, s) }
	switch {
	case bytes.Contains(body, []byte("way=refusal")):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":{"message":"Incorrect API key provided: %s","code":"invalid_api_key"}}`, key)
	case bytes.Contains(body, []byte("way=redirect")):
		http.Redirect(w, r, "/elsewhere?key="+key, http.StatusTemporaryRedirect)
	case bytes.Contains(body, []byte("way=page")):
		fmt.Fprintf(w, "<html>Authorization: Bearer %s</html>", key)
	case bytes.Contains(body, []byte("way=broken")):
		stream(text("Olá"), `{"error":{"message":"upstream said: `+key+`"}}`)
	case bytes.Contains(body, []byte("way=garbage")):
		stream(text("Olá"), "not JSON "+key)
	case bytes.Contains(body, []byte("way=model")):
		stream(`{"model":"m-`+key+`","choices":[{"index":0,"delta":{"content":"Olá"},"finish_reason":"stop"}]}`, "[DONE]")
	default: // in the answer, in two pieces
		stream(text("A chave é "+key[:9]), text(key[9:]+" e nada mais"), `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, "[DONE]")
	}
}

func TestAKeyThatTheModelRepeatsIsSeenNowhere(t *testing.T) {
	model := httptest.NewServer(http.HandlerFunc(repeater))
	defer model.Close()
	data := t.TempDir()
	w := rig.New(t, rig.Setup{NoModel: true, Env: map[string]string{"AIHUB_DATA": data,
		"OPENAI_API_KEY": rig.UpstreamKey, "OPENAI_BASE_URL": model.URL + "/v1", "OPENAI_MODEL": "m"}})
	ctx := w.Context(2 * time.Minute)
	d, admin := w.Device("phone", w.Person("alfa", "usuario", 0)), w.Person("alfa", "admin", 0)
	d.Forbid(rig.UpstreamKey)
	operator := &rig.API{Base: func() string { return w.Base(0) }, Tenant: "ixc", Email: "operador@aihub.example"}
	conv := ""
	for _, way := range []string{"refusal", "redirect", "page", "broken", "garbage", "model"} {
		for way, state := range map[string]string{way: "failed", "answer": "complete"} { // between the failures the model works: no breaker hides the next
			if way == "model" {
				state = "complete"
			}
			sent := ask(t, ctx, d, "", "Olá, way="+way) // a conversation of its own, whose prompt names no other way
			if conv = sent.Conv; sent.Run == "" {
				t.Fatalf("%s: %s", way, sent.Raw)
			}
			if a := end(t, ctx, d, sent.Conv, sent.Run); a.State != state {
				t.Errorf("%s: the run is %s %s, not %s", way, a.State, a.Code, state)
			}
		}
	}
	w.Rest(15 * time.Second)
	w.Check(d)
	said := map[string]string{"output": w.Instances[0].Output(), "database": w.DB.Expose(t)}
	for path, who := range map[string]*rig.API{"/conversations/" + conv + "/messages": w.Person("alfa", "usuario", 0), "/llm-configs": operator, "/usage": admin,
		"/audit": admin, "/conversations/" + conv + "/transcript?format=json": w.Person("alfa", "usuario", 0)} {
		res, err := who.Do(ctx, http.MethodGet, path, nil)
		if err != nil || res.Status != http.StatusOK {
			t.Errorf("%s: %d %v", path, res.Status, err)
			continue
		}
		said[path] = string(res.Body)
	}
	for where, text := range said {
		if text == "" || strings.Contains(text, rig.UpstreamKey) {
			t.Errorf("%s is empty or has the key", where)
		}
	}
	err := filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error { // database, its log, the bus
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(rig.UpstreamKey)) {
			t.Errorf("%s has the key", strings.TrimPrefix(path, data))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
