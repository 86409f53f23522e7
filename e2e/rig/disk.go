package rig

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// mount puts a file system of the given size over a directory, until the test ends. That needs root, as the database
// server does; `unshare --user --map-root-user --mount go test ./e2e` is enough of it. A file system is the honest way: a
// limit on the size of files gives another error, and quotas of users need more than root.
func mount(t testing.TB, dir, size string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// A Ballast is a file that takes up what a file system has left.
type Ballast struct{ f *os.File }

// Fill writes to a new file in dir until nothing more fits.
func Fill(t testing.TB, dir string) *Ballast {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	b := &Ballast{f}
	t.Cleanup(func() { _ = f.Close() })
	b.Again(t)
	return b
}

// Again takes up what has become free meanwhile.
func (b *Ballast) Again(t testing.TB) {
	t.Helper()
	for block := make([]byte, 64<<10); len(block) > 0; {
		switch _, err := b.f.Write(block); {
		case errors.Is(err, syscall.ENOSPC):
			block = block[:len(block)/2]
		case err != nil:
			t.Fatal(err)
		}
	}
}

// Remove gives the room back.
func (b *Ballast) Remove(t testing.TB) {
	t.Helper()
	if err := errors.Join(b.f.Truncate(0), os.Remove(b.f.Name())); err != nil {
		t.Fatal(err)
	}
}
