package store

import (
	"context"
	"errors"
	"fmt"

	"aihub/store/internal/doc"
)

// ErrLastAdmin refuses to take a tenant's last administrator away.
var ErrLastAdmin = errors.New("the tenant's last administrator")

// Which people are active administrators also stands in the tenant's own row, so that "not the last one" is a condition
// on one document: of two administrators who remove each other at once, one is refused. A person is counted after they
// have become one and before they stop being one, so that a crash in between counts too few, never too many.

func (u User) admin() bool { return u.Role == RoleAdmin && u.State == StateActive }

// countAdmin notes an active administrator.
func (t *Tenant) countAdmin(ctx context.Context, u User) error {
	if !u.admin() {
		return nil
	}
	ctx, cancel := deadline(ctx)
	defer cancel()
	_, err := t.profiles.Update(ctx, t.id.s, nil, doc.Mod{Set: map[string]any{"administradores." + u.ID: true}, Inc: map[string]int64{"administradores_rev": 1}})
	if err != nil {
		return err
	}
	// Who was taken from the role at the same time must not stay noted.
	now, err := t.users.Get(ctx, u.ID)
	if err == nil && !now.admin() || errors.Is(err, ErrNotFound) {
		_, err = t.profiles.Update(ctx, t.id.s, nil, doc.Mod{Unset: []string{"administradores." + u.ID}, Inc: map[string]int64{"administradores_rev": 1}})
	}
	return err
}

// countAdmins notes all active administrators.
func (t *Tenant) countAdmins(ctx context.Context) error {
	admins := doc.Query{Where: []doc.Cond{doc.Eq("papel", RoleAdmin)}}
	return each(ctx, t.users, admins, func(u User) string { return u.ID }, func(u User) error { return t.countAdmin(ctx, u) })
}

// uncountAdmin takes a note back if another administrator is noted, or returns ErrLastAdmin.
func (t *Tenant) uncountAdmin(ctx context.Context, userID string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	for range 20 {
		p, err := t.profiles.Get(ctx, t.id.s)
		if err != nil {
			return err
		}
		others := len(p.Admins)
		if p.Admins[userID] {
			others--
		}
		if others == 0 {
			return ErrLastAdmin
		}
		ok, err := t.profiles.Update(ctx, t.id.s, []doc.Cond{doc.Eq("administradores_rev", p.AdminsRev)},
			doc.Mod{Unset: []string{"administradores." + userID}, Inc: map[string]int64{"administradores_rev": 1}})
		if err != nil || ok {
			return err
		}
	}
	return fmt.Errorf("count administrators: %w: too much contention", ErrUnavailable)
}
