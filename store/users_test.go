package store_test

import (
	"testing"
	"time"

	"aihub/store"
)

func newUser(email, role string) store.User {
	return store.User{ID: store.NewID("u"), Email: email, Name: "Ana", Role: role, State: store.StateActive}
}

func TestAnAddressIsUniqueInItsTenantInAnyCase(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a, b := d.tenant(""), d.tenant("")
		u := newUser("Ana@Loja.example", store.RoleParticipant)
		must(t, a.CreateUser(t.Context(), u))
		is(t, a.CreateUser(t.Context(), newUser("ana@loja.EXAMPLE", store.RoleAdmin)), store.ErrExists, "same address")
		must(t, b.CreateUser(t.Context(), newUser("ana@loja.example", store.RoleParticipant)))
		got, err := a.UserByEmail(t.Context(), "ANA@loja.example")
		must(t, err)
		if got.ID != u.ID || got.Email != "ana@loja.example" {
			t.Errorf("got %+v", got)
		}
		_, err = b.User(t.Context(), u.ID)
		is(t, err, store.ErrNotFound, "the other tenant's user")
	})
}

func TestWrongPasswordsLockForTwiceAsLongEachTime(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		u := newUser("ana@loja.example", store.RoleParticipant)
		must(t, a.CreateUser(t.Context(), u))
		lockedFor := func() time.Duration {
			t.Helper()
			got, err := a.User(t.Context(), u.ID)
			must(t, err)
			return max(0, got.LockedUntil.Sub(noon))
		}
		for i, want := range []time.Duration{0, 0, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, 64 * time.Minute, 64 * time.Minute} {
			must(t, a.LoginFailed(t.Context(), u.ID, 3, time.Minute))
			if got := lockedFor(); got != want {
				t.Errorf("after %d wrong passwords: locked for %v, want %v", i+1, got, want)
			}
		}
		must(t, a.LoginSucceeded(t.Context(), u.ID))
		if got := lockedFor(); got != 0 {
			t.Errorf("after the right one: locked for %v", got)
		}
		race(12, func(int) {
			if err := a.LoginFailed(t.Context(), u.ID, 10, time.Minute); err != nil {
				t.Error(err)
			}
		})
		if got := lockedFor(); got != 4*time.Minute {
			t.Errorf("after 12 at once with 10 allowed: locked for %v, want 4 min", got)
		}
	})
}

func TestRevokedRefreshTokensAreForgottenWhenTheyHaveEnded(t *testing.T) {
	eachEngine(t, func(t *testing.T, d *database) {
		a := d.tenant("")
		u := newUser("ana@loja.example", store.RoleParticipant)
		must(t, a.CreateUser(t.Context(), u))
		must(t, a.RevokeRefresh(t.Context(), u.ID, "one", noon.Add(time.Hour)))
		must(t, a.RevokeRefresh(t.Context(), u.ID, "two", noon.Add(3*time.Hour)))
		d.clock.set(noon.Add(2 * time.Hour))
		must(t, a.RevokeRefresh(t.Context(), u.ID, "three", noon.Add(3*time.Hour)))
		got, err := a.User(t.Context(), u.ID)
		must(t, err)
		if len(got.Revoked) != 2 || !got.Revoked["two"].Equal(noon.Add(3*time.Hour)) {
			t.Errorf("revoked: %v", got.Revoked)
		}
		if err := a.RevokeRefresh(t.Context(), u.ID, `x".$y`, noon); err == nil {
			t.Error("a token id that is no plain name was taken into a path")
		}
	})
}
