package store_test

import (
	"encoding/base32"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"aihub/store"
)

// The shared time goes on from what was told last, and ids keep their order also when it is corrected backwards.
func TestIDsSortByTheSharedTimeAndKeepTheirOrder(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		shared := noon.Add(10 * time.Minute)
		d.s.SetTime(shared)
		d.clock.set(noon.Add(time.Second))
		if now := d.s.Now(); !now.Equal(shared.Add(time.Second)) {
			t.Errorf("a second later the shared time is %v", now)
		}
		other := d.open() // an instance whose clock is right
		d.clock.set(shared)
		earlier := other.NewID("m")
		d.clock.set(noon.Add(2 * time.Second))
		id := d.s.NewID("m")
		if id <= earlier {
			t.Errorf("%s was made after %s", id, earlier)
		}
		for range 100 {
			d.s.SetTime(noon)
			next := d.s.NewID("m")
			if !store.ValidID("m", next) || next <= id {
				t.Fatalf("%s was made after %s", next, id)
			}
			id = next
		}
	})
}

func TestAnIDIsAUUIDOfItsTime(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		raw, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.TrimPrefix(d.s.NewID("m"), "m_")))
		must(t, err)
		u := uuid.UUID(raw)
		if sec, nsec := u.Time().UnixTime(); u.Version() != 7 || u.Variant() != uuid.RFC4122 || !time.Unix(sec, nsec).Equal(noon) {
			t.Errorf("version %d of %v at %v", u.Version(), u.Variant(), time.Unix(sec, nsec))
		}
	})
}
