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
	path map[bool]string
}

// Binary builds the program, once for a test run, and returns its path. With race it reports data races, and a test in
// which it did so fails. AIHUB_E2E_BINARY names a program to test instead.
func Binary(t testing.TB, race bool) string {
	t.Helper()
	if path := os.Getenv("AIHUB_E2E_BINARY"); path != "" {
		return path
	}
	builds.Lock()
	defer builds.Unlock()
	if path, ok := builds.path[race]; ok {
		return path
	}
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "aihub-e2e-")
		if err != nil {
			t.Fatal(err)
		}
		builds.dir, builds.path = dir, map[bool]string{}
	}
	args, path := []string{"build"}, filepath.Join(builds.dir, "aihub")
	if race {
		args, path = append(args, "-race"), path+"-race"
	}
	cmd := exec.Command("go", append(args, "-o", path, ".")...)
	cmd.Dir = Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the program does not build: %v\n%s", err, strings.TrimSpace(string(out)))
	}
	builds.path[race] = path
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
