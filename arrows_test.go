package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// ours lists which of our packages a package may import; "x/..." means x and what is below it. A package that is not
// here fails the test, so that a new one gets its arrows on purpose.
var ours = map[string][]string{
	"aihub":             {"aihub/frontend", "aihub/handlers", "aihub/hub", "aihub/hub/natsbus", "aihub/llm/...", "aihub/store"},
	"aihub/frontend":    {},
	"aihub/docs/widget": {},
	"aihub/handlers":    {"aihub/docs/widget", "aihub/hub", "aihub/llm/...", "aihub/store"},
	"aihub/hub":         {"aihub/llm/...", "aihub/store"},
	"aihub/hub/...":     {"aihub/hub/...", "aihub/store"},
	"aihub/llm/...":     {"aihub/llm/..."},
	"aihub/store":       {"aihub/store/internal/..."},
	"aihub/store/...": {
		"aihub/store/...",
	},
	"aihub/e2e/...": {"aihub/e2e/..."},
}

// only lists who may import, tests aside, what is foreign to everyone else.
var only = map[string][]string{
	"github.com/coder/websocket":          {"aihub/handlers", "aihub/e2e/..."},
	"github.com/gorilla/mux":              {"aihub/handlers"},
	"github.com/danielgtaylor/huma/v2":    {"aihub/handlers"},
	"net/http":                            {"aihub", "aihub/handlers", "aihub/llm/...", "aihub/e2e/..."},
	"github.com/sashabaranov/go-openai":   {"aihub/llm/..."},
	"google.golang.org/genai":             {"aihub/llm/..."},
	"github.com/google/generative-ai-go":  {"aihub/llm/..."},
	"go.mongodb.org/mongo-driver/v2":      {"aihub/store/internal/...", "aihub/e2e/..."},
	"modernc.org/sqlite":                  {"aihub/store/internal/...", "aihub/e2e/..."},
	"github.com/nats-io":                  {"aihub/hub/natsbus", "aihub/e2e/..."},
	"github.com/golang-jwt/jwt":           {"aihub/handlers", "aihub/e2e/..."},
	"aihub/store/internal/sqlitedoc":      {"aihub/store/..."},
	"aihub/store/internal/mongodoc":       {"aihub/store/..."},
	"github.com/prometheus/client_golang": {"aihub", "aihub/handlers", "aihub/hub", "aihub/llm/...", "aihub/store/..."},
	"github.com/tiktoken-go/tokenizer":    {"aihub/llm/..."},
	"github.com/wneessen/go-mail":         {"aihub/handlers"},
}

func TestImportsFollowTheArrows(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(p.ImportPath, "node_modules") { // front-end tools bring Go files of their own
			continue
		}
		seen++
		allowed, ok := rule(p.ImportPath)
		if !ok {
			t.Errorf("%s has no rule: add its arrows to this test", p.ImportPath)
		}
		for _, imported := range p.Imports {
			if imported == "aihub" || strings.HasPrefix(imported, "aihub/") {
				if !matchesAny(allowed, imported) {
					t.Errorf("%s may not import %s", p.ImportPath, imported)
				}
			}
			for foreign, who := range only {
				if (imported == foreign || strings.HasPrefix(imported, foreign+"/")) && !matchesAny(who, p.ImportPath) {
					t.Errorf("%s may not import %s; only %s may", p.ImportPath, imported, strings.Join(who, ", "))
				}
			}
		}
	}
	if seen < 6 {
		t.Errorf("go list names %d packages; is this the module's root?", seen)
	}
}

// rule is the most precise one for a package.
func rule(pkg string) ([]string, bool) {
	if allowed, ok := ours[pkg]; ok {
		return allowed, true
	}
	for dir := pkg; ; {
		if allowed, ok := ours[dir+"/..."]; ok {
			return allowed, true
		}
		i := strings.LastIndex(dir, "/")
		if i < 0 {
			return nil, false
		}
		dir = dir[:i]
	}
}

func matchesAny(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if base, below := strings.CutSuffix(p, "/..."); p == pkg || (below && (pkg == base || strings.HasPrefix(pkg, base+"/"))) {
			return true
		}
	}
	return false
}
