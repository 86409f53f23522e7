package rig

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// clockFile is the setting of a program with a wrong clock: the file that says by how many seconds it is ahead.
const clockFile = "E2E_CLOCK_FILE"

// wrongClock returns the arguments with which the program is built on a standard library whose time.Now is off by what the
// file of clockFile says, which is read again all the time. So all of the program, with all that it is made of, has a clock
// that is wrong or is set, as on such a machine; a preloaded library can't do that to a program that is linked statically.
// As there, what measures how long something takes stays right.
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
	text := strings.Replace(string(code), read, strings.Replace(read, "\n", "\n\tsec += atomic.LoadInt64(&wrongBy)\n", 1), 1)
	text = strings.Replace(text, "\nimport (\n", "\nimport (\n\t\"sync/atomic\"\n\t\"syscall\"\n", 1)
	text += fmt.Sprintf(`
var wrongBy int64

func readWrongBy(path string) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	var text [20]byte
	n, _ := syscall.Read(fd, text[:])
	by := int64(0)
	for i := 0; i < n; i++ {
		if '0' <= text[i] && text[i] <= '9' {
			by = 10*by + int64(text[i]-'0')
		}
	}
	if text[0] == '-' {
		by = -by
	}
	atomic.StoreInt64(&wrongBy, by)
}

func init() {
	if path, ok := syscall.Getenv(%q); ok {
		readWrongBy(path)
		go func() {
			for {
				Sleep(20 * Millisecond)
				readWrongBy(path)
			}
		}()
	}
}
`, clockFile)
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

// setClock makes what is at path say by how much a clock is ahead.
func setClock(t testing.TB, path string, ahead time.Duration) {
	t.Helper()
	err := os.WriteFile(path+".new", []byte(strconv.Itoa(int(ahead.Seconds()))), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path) // so that nobody reads half of it
	}
	if err != nil {
		t.Fatal(err)
	}
}

// SetClock sets the clock of instance i, which was started with one that can be wrong, while it runs.
func (w *World) SetClock(i int, ahead time.Duration) {
	w.T.Helper()
	setClock(w.T, w.envs[i][clockFile], ahead)
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) { // until the instance tells that time
		res, err := Call(w.T.Context(), http.MethodGet, w.Instances[i].URL+"/healthz", nil, nil)
		if err != nil {
			w.T.Fatal(err)
		}
		at, err := http.ParseTime(res.Header.Get("Date"))
		if err != nil {
			w.T.Fatal(err)
		}
		if at.Sub(time.Now().Add(ahead)).Abs() < 5*time.Second {
			return
		}
		if time.Since(begun) > 30*time.Second {
			w.T.Fatalf("the clock of instance %d is %v", i, at)
		}
	}
}
