package main

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fileName = regexp.MustCompile("`([\\w./-]+\\.(?:go|ts|tsx|sh|yml|md))`")
	docLink  = regexp.MustCompile(`\]\(([\w./-]+)\)`)
)

// A file that ARCHITECTURE.md names exists; a name without a folder stands in that of the name before it. So do the pages
// that any document links to.
func TestDocumentsNameWhatExists(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for line := range strings.Lines(string(text)) {
		dir := ""
		for _, m := range fileName.FindAllStringSubmatch(line, -1) {
			name := m[1]
			if strings.Contains(name, "/") {
				dir = path.Dir(name)
			} else if dir != "" {
				name = path.Join(dir, name)
			}
			names++
			if _, err := os.Stat(name); err != nil {
				t.Errorf("ARCHITECTURE.md names %s, which is not there", name)
			}
		}
	}
	if names < 15 {
		t.Errorf("only %d names were found", names)
	}
	err = filepath.WalkDir(".", func(file string, d os.DirEntry, err error) error {
		if err != nil || (d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "data")) {
			if d != nil && d.IsDir() && err == nil {
				return filepath.SkipDir
			}
			return err
		}
		if filepath.Ext(file) != ".md" {
			return nil
		}
		page, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, m := range docLink.FindAllStringSubmatch(string(page), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", file, m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
