package store

import (
	"context"
	"strings"
	"time"

	"aihub/store/internal/doc"
)

// Roles, as tokens and the database name them.
const (
	RoleParticipant = "usuario"
	RoleVisitor     = "visitante"
	RoleSupervisor  = "supervisor"
	RoleAdmin       = "admin"
	RoleOperator    = "operador"
)

// A User is a person who can log in.
type User struct {
	ID           string               `bson:"id" json:"id"`
	Email        string               `bson:"email" json:"email"` // lower case
	Name         string               `bson:"nome" json:"nome"`
	Role         string               `bson:"papel" json:"papel"`
	PasswordHash string               `bson:"senha_hash" json:"senha_hash"`
	State        string               `bson:"estado" json:"estado"`
	TokenEpoch   int64                `bson:"epoca_token" json:"epoca_token"` // tokens of an earlier epoch are void
	Failures     int64                `bson:"falhas" json:"falhas"`           // wrong passwords in a row
	LockedUntil  time.Time            `bson:"bloqueado_ate" json:"bloqueado_ate"`
	Revoked      map[string]time.Time `bson:"revogados" json:"revogados"` // refresh tokens by jti, with their end
}

// CreateUser adds a person; ErrExists when the tenant has one with that e-mail address.
func (t *Tenant) CreateUser(ctx context.Context, u User) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	u.Email = strings.ToLower(u.Email)
	if u.Revoked == nil {
		u.Revoked = map[string]time.Time{}
	}
	return t.users.Insert(ctx, u.ID, u)
}

// User returns the person with this id, or ErrNotFound.
func (t *Tenant) User(ctx context.Context, id string) (User, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.users.Get(ctx, id)
}

// UserByEmail returns the person with this address in any case, or ErrNotFound.
func (t *Tenant) UserByEmail(ctx context.Context, email string) (User, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.users.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("email", strings.ToLower(email))}})
}

// LoginFailed counts a wrong password; the lockAfter-th in a row and each further one locks the person out, twice as
// long each time, at most 64 times lockFor.
func (t *Tenant) LoginFailed(ctx context.Context, userID string, lockAfter int64, lockFor time.Duration) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	if _, err := t.users.Update(ctx, userID, nil, doc.Mod{Inc: map[string]int64{"falhas": 1}}); err != nil {
		return err
	}
	u, err := t.users.Get(ctx, userID)
	if err != nil || u.Failures < lockAfter {
		return err
	}
	until := t.store.now().Add(lockFor << min(u.Failures-lockAfter, 6)).UTC().Truncate(time.Millisecond)
	_, err = t.users.Update(ctx, userID, []doc.Cond{doc.Before("bloqueado_ate", until)}, doc.Mod{Set: map[string]any{"bloqueado_ate": until}})
	return err
}

// LoginSucceeded forgets the wrong passwords.
func (t *Tenant) LoginSucceeded(ctx context.Context, userID string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	_, err := t.users.Update(ctx, userID, nil, doc.Mod{Set: map[string]any{"falhas": int64(0), "bloqueado_ate": time.Time{}}})
	return err
}

// RevokeRefresh makes one refresh token void until it would have ended anyway, and forgets those that have ended.
func (t *Tenant) RevokeRefresh(ctx context.Context, userID, jti string, exp time.Time) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	u, err := t.users.Get(ctx, userID)
	if err != nil {
		return err
	}
	m := doc.Mod{Set: map[string]any{"revogados." + jti: exp.UTC().Truncate(time.Millisecond)}}
	for old, end := range u.Revoked {
		if end.Before(t.store.now()) && old != jti {
			m.Unset = append(m.Unset, "revogados."+old)
		}
	}
	_, err = t.users.Update(ctx, userID, nil, m)
	return err
}
