package rig

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clockSkew is the setting of a program with a wrong clock: by how many seconds it is ahead.
const clockSkew = "E2E_CLOCK_SKEW"

// wrongClock returns the arguments with which the program is built on a standard library whose time.Now is off by what
// clockSkew says. So all of the program, with all that it is made of, has a clock that is wrong, as on a machine with a
// wrong clock; a preloaded library can't do that to a program that is linked statically.
func wrongClock(t testing.TB, dir string) []string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	code, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	const read = "\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {"
	if strings.Count(string(code), read) != 1 || strings.Count(string(code), "\nimport (\n") != 1 {
		t.Fatal("time.Now of this Go version is written otherwise; wrongClock must follow it")
	}
	text := strings.Replace(string(code), read, strings.Replace(read, "\n", "\n\tsec += wrongBy\n", 1), 1)
	text = strings.Replace(text, "\nimport (\n", "\nimport (\n\t\"syscall\"\n", 1)
	text += fmt.Sprintf(`
var wrongBy = func() (by int64) {
	s, _ := syscall.Getenv(%q)
	minus := s != "" && s[0] == '-'
	for i := 0; i < len(s); i++ {
		if '0' <= s[i] && s[i] <= '9' {
			by = 10*by + int64(s[i]-'0')
		}
	}
	if minus {
		by = -by
	}
	return by
}()
`, clockSkew)
	replaced, overlay := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{source: replaced}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{replaced: []byte(text), overlay: list} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"-overlay", overlay}
}
