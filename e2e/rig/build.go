package rig

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Root is the folder of the module.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

var builds struct {
	sync.Mutex
	dir  string
	path map[string]string // by name
}

// Binary builds the program, once for a test run, and returns its path. With race it reports data races, and a test in
// which it did so fails. AIHUB_E2E_BINARY names a program to test instead.
func Binary(t testing.TB, race bool) string {
	t.Helper()
	if path := os.Getenv("AIHUB_E2E_BINARY"); path != "" {
		return path
	}
	if race {
		return build(t, "aihub-race", func(string) []string { return []string{"-race"} })
	}
	return build(t, "aihub", func(string) []string { return nil })
}

// build builds the program under a name of its own, with arguments that may need files in dir.
func build(t testing.TB, name string, args func(dir string) []string) string {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	if path, ok := builds.path[name]; ok {
		return path
	}
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "aihub-e2e-")
		if err != nil {
			t.Fatal(err)
		}
		builds.dir, builds.path = dir, map[string]string{}
	}
	path := filepath.Join(builds.dir, name)
	cmd := exec.Command("go", append(append([]string{"build"}, args(builds.dir)...), "-o", path, ".")...)
	cmd.Dir = Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the program does not build: %v\n%s", err, strings.TrimSpace(string(out)))
	}
	builds.path[name] = path
	return path
}

// Clean removes what Binary built. A TestMain calls it at the end.
func Clean() {
	builds.Lock()
	defer builds.Unlock()
	if builds.dir != "" {
		_ = os.RemoveAll(builds.dir)
	}
}
