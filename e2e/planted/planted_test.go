//go:build planted

package planted

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aihub/e2e/rig"
)

// It takes a minute for each bug, so it is built only with the tag planted: make planted.
func TestEveryPlantedBugIsFound(t *testing.T) {
	dir := t.TempDir()
	harness := filepath.Join(dir, "e2e.test")
	build(t, "test", "-c", "-o", harness, "./e2e")
	t.Run("none", func(t *testing.T) { // otherwise a test that always fails would find everything
		program, tests := filepath.Join(dir, "healthy"), map[string]bool{}
		build(t, "build", "-o", program, ".")
		for _, b := range Bugs {
			if tests[b.Test] {
				continue
			}
			tests[b.Test] = true
			if out, err := try(t, harness, program, b.Test); err != nil {
				t.Errorf("%s fails without a bug:\n%s", b.Test, out)
			}
		}
	})
	for _, b := range Bugs {
		t.Run(strings.ReplaceAll(b.Name, " ", "_"), func(t *testing.T) {
			path, source := changed(t, b)
			changed := filepath.Join(t.TempDir(), filepath.Base(b.File))
			if err := os.WriteFile(changed, source, 0o600); err != nil {
				t.Fatal(err)
			}
			overlay := filepath.Join(t.TempDir(), "overlay.json")
			list, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(overlay, list, 0o600); err != nil {
				t.Fatal(err)
			}
			program := filepath.Join(dir, "aihub")
			build(t, "build", "-overlay", overlay, "-o", program, ".")
			out, err := try(t, harness, program, b.Test)
			switch {
			case bytes.Contains(out, []byte("no tests to run")):
				t.Errorf("there is no test %s", b.Test)
			case err == nil:
				t.Errorf("%s does not find it:\n%s", b.Test, out)
			default:
				t.Logf("%s: %s", b.Test, reason(out))
			}
		})
	}
}

// try runs a test of the harness with a program.
func try(t *testing.T, harness, program, test string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), harness, "-test.run", test, "-test.timeout", "3m", "-test.v")
	cmd.Dir = filepath.Join(rig.Root(), "e2e")
	cmd.Env = append(os.Environ(), "AIHUB_E2E_BINARY="+program)
	return cmd.CombinedOutput()
}

func build(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = rig.Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

var complaint = regexp.MustCompile(`(?m)^\s+\w+_?\w*\.go:\d+: .*|panic: test timed out.*`)

// reason is the first thing that the harness complained of.
func reason(out []byte) string {
	for _, found := range complaint.FindAll(out, -1) {
		if line := strings.TrimSpace(string(found)); !strings.Contains(line, "repeat with -seed") {
			return line[:min(len(line), 300)]
		}
	}
	return ""
}
