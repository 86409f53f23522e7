package planted

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"aihub/e2e/rig"
)

// The program moves on: each bug must still have its place in it, and a test that is to find it.
func TestEachBugHasItsPlaceAndItsTest(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(rig.Root(), "e2e", "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	var tests []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(text, -1) {
			tests = append(tests, string(m[1]))
		}
	}
	for _, b := range Bugs {
		t.Run(b.Name, func(t *testing.T) {
			changed(t, b)
			name, _, _ := bytes.Cut([]byte(b.Test), []byte("/"))
			chosen := regexp.MustCompile(string(name))
			for _, test := range tests {
				if chosen.MatchString(test) {
					return
				}
			}
			t.Errorf("no test is called %s", b.Test)
		})
	}
}

// changed is the path of the bug's file, and the file with the bug.
func changed(t *testing.T, b Bug) (path string, source []byte) {
	t.Helper()
	path = filepath.Join(rig.Root(), b.File)
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte(b.Old)); n != 1 {
		t.Fatalf("what it changes stands in %s %d times", b.File, n)
	}
	return path, bytes.Replace(source, []byte(b.Old), []byte(b.New), 1)
}
