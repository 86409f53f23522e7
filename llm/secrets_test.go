package llm

import (
	"errors"
	"strings"
	"testing"
)

var master = []byte("0123456789abcdef0123456789abcdef")

func TestASealedKeyOpensOnlyForItsOwner(t *testing.T) {
	s, err := NewSealer(master)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Seal("alfa", "cfg-1", "sk-secret-value")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, "secret") {
		t.Fatalf("readable: %s", sealed)
	}
	if plain, err := s.Open("alfa", "cfg-1", sealed); err != nil || plain != "sk-secret-value" {
		t.Fatalf("Open = %q, %v", plain, err)
	}
	for _, owner := range [][2]string{{"beta", "cfg-1"}, {"alfa", "cfg-2"}, {"", "cfg-1"}, {"alfac", "fg-1"}, {"alfa\x05cfg-1", ""}} {
		if _, err := s.Open(owner[0], owner[1], sealed); !errors.Is(err, ErrSealedForeign) {
			t.Errorf("Open for %q = %v, want ErrSealedForeign", owner, err)
		}
	}
}

func TestASealedKeyThatWasChangedDoesNotOpen(t *testing.T) {
	s, _ := NewSealer(master)
	sealed, _ := s.Seal("alfa", "cfg-1", "sk-secret-value")
	for i := range sealed {
		b := []byte(sealed)
		b[i] ^= 1
		if plain, err := s.Open("alfa", "cfg-1", string(b)); err == nil {
			t.Fatalf("byte %d changed, still opens as %q", i, plain)
		}
	}
	for i := range sealed {
		if _, err := s.Open("alfa", "cfg-1", sealed[:i]); err == nil {
			t.Fatalf("the first %d bytes open", i)
		}
	}
}

func TestKeysSealedUnderThePreviousMasterStillOpen(t *testing.T) {
	old, _ := NewSealer(master)
	sealed, _ := old.Seal("", "global", "sk-secret-value")
	next := []byte("another master key of thirty-two")
	both, err := NewSealer(next, master)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := both.Open("", "global", sealed); err != nil || plain != "sk-secret-value" {
		t.Fatalf("Open = %q, %v", plain, err)
	}
	if !both.Stale(sealed) || old.Stale(sealed) {
		t.Error("exactly what another master key sealed is stale")
	}
	alone, _ := NewSealer(next)
	if _, err := alone.Open("", "global", sealed); !errors.Is(err, ErrSealedUnknown) {
		t.Errorf("Open without the old master = %v, want ErrSealedUnknown", err)
	}
	if _, err := NewSealer([]byte("short")); err == nil {
		t.Error("a short master key is accepted")
	}
}

func FuzzOpen(f *testing.F) {
	s, _ := NewSealer(master)
	sealed, _ := s.Seal("alfa", "cfg-1", "sk-secret-value")
	f.Add(sealed)
	f.Add("s1..")
	f.Add("s1.00000000.AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if plain, err := s.Open("alfa", "cfg-1", text); err == nil && text != sealed {
			t.Fatalf("%q opens as %q", text, plain)
		}
	})
}
