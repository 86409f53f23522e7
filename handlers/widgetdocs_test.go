package handlers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aihub/docs/widget"
)

// everySnippet makes a runtime that is not there a failure; e2e/snippets/run sets it after it has installed them.
const everySnippet = "AIHUB_EVERY_SNIPPET"

// Every snippet of the page for webmasters signs a token that the server takes. A language whose runtime this machine
// lacks is a test that is skipped by name, or fails where all are required.
func TestTheSnippetsOfThePageSignIdentities(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", nil)
	call := `("` + testIdentity + `", "` + k.ID + `", "cliente-7", "Ana Souza")`
	for _, l := range []struct{ fence, file, run, more string }{
		{"php", "main.php", "php", "\necho widget_token" + call + ";"},
		{"js", "main.cjs", "node", "\nprocess.stdout.write(widgetToken" + call + ")"},
		{"go", "main.go", "go run", "\nfunc main() { print2(widgetToken" + call + ") }\nfunc print2(s string) { os.Stdout.WriteString(s) }"},
		{"python", "main.py", "python3", "\nprint(widget_token" + call + ", end='')"},
	} {
		t.Run(l.fence, func(t *testing.T) {
			program, args, _ := strings.Cut(l.run, " ")
			_, rest, ok := strings.Cut(widget.Page, "```"+l.fence+"\n")
			if !ok {
				t.Fatal("the page has no such snippet")
			}
			if _, err := exec.LookPath(program); err != nil {
				if os.Getenv(everySnippet) != "" {
					t.Fatalf("NOT RUN: there is no %s here", program)
				}
				t.Skipf("NOT RUN: there is no %s here; e2e/snippets/run installs it", program)
			}
			code, _, _ := strings.Cut(rest, "```")
			if l.fence == "go" {
				code = strings.Replace(code, `"time"`, "\"os\"\n\t\"time\"", 1)
			}
			file := filepath.Join(t.TempDir(), l.file)
			must(t, os.WriteFile(file, []byte(code+l.more), 0o600))
			out, err := exec.CommandContext(t.Context(), program, append(strings.Fields(args), file)...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if v := s.visitor(map[string]any{"key": k.ID, "identity_token": string(out)}); v.User.Name != "Ana Souza" || !v.User.Identified {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestThePageIsServedWhereTheConsoleSays(t *testing.T) {
	s := newSite(t)
	a := s.do("", "GET", "/widget/docs", nil)
	if a.want(t, 200, ""); a.body != widget.Page || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("got %v", a.Header)
	}
}
