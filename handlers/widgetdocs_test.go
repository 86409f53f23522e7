package handlers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aihub/docs/widget"
)

// Every snippet of the page for webmasters signs a token that the server takes. A language whose runtime this machine
// lacks is named in the log.
func TestTheSnippetsOfThePageSignIdentities(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", nil)
	call := `("` + testIdentity + `", "` + k.ID + `", "cliente-7", "Ana Souza")`
	ran := 0
	for _, l := range []struct{ fence, file, run, more string }{
		{"php", "main.php", "php", "\necho widget_token" + call + ";"},
		{"js", "main.cjs", "node", "\nprocess.stdout.write(widgetToken" + call + ")"},
		{"go", "main.go", "go run", "\nfunc main() { print2(widgetToken" + call + ") }\nfunc print2(s string) { os.Stdout.WriteString(s) }"},
		{"python", "main.py", "python3", "\nprint(widget_token" + call + ", end='')"},
	} {
		program, args, _ := strings.Cut(l.run, " ")
		if _, err := exec.LookPath(program); err != nil {
			t.Logf("%s: not run, there is no %s here", l.fence, program)
			continue
		}
		_, rest, ok := strings.Cut(widget.Page, "```"+l.fence+"\n")
		if !ok {
			t.Errorf("the page has no snippet in %s", l.fence)
			continue
		}
		code, _, _ := strings.Cut(rest, "```")
		if l.fence == "go" {
			code = strings.Replace(code, `"time"`, "\"os\"\n\t\"time\"", 1)
		}
		file := filepath.Join(t.TempDir(), l.file)
		must(t, os.WriteFile(file, []byte(code+l.more), 0o600))
		out, err := exec.CommandContext(t.Context(), program, append(strings.Fields(args), file)...).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", l.fence, err, out)
			continue
		}
		ran++
		if v := s.visitor(map[string]any{"key": k.ID, "identity_token": string(out)}); v.User.Name != "Ana Souza" || !v.User.Identified {
			t.Errorf("%s: got %+v", l.fence, v)
		}
	}
	if ran == 0 {
		t.Error("none was run")
	}
}

func TestThePageIsServedWhereTheConsoleSays(t *testing.T) {
	s := newSite(t)
	a := s.do("", "GET", "/widget/docs", nil)
	if a.want(t, 200, ""); a.body != widget.Page || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("got %v", a.Header)
	}
}
