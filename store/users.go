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
	External     string               `bson:"externo" json:"externo"`             // issuer and subject at another identity provider
	TokenEpoch   int64                `bson:"epoca_token" json:"epoca_token"`     // tokens of an earlier epoch are void
	VoidBefore   time.Time            `bson:"sessoes_desde" json:"sessoes_desde"` // tokens of other issuers that are older are void too
	Failures     int64                `bson:"falhas" json:"falhas"`               // wrong passwords in a row
	LockedUntil  time.Time            `bson:"bloqueado_ate" json:"bloqueado_ate"`
	Revoked      map[string]time.Time `bson:"revogados" json:"revogados"`           // refresh tokens by jti, with their end
	Consents     map[string]Consented `bson:"consentimentos" json:"consentimentos"` // to the notice, by version
	Rev          int64                `bson:"rev" json:"rev"`
	CreatedAt    time.Time            `bson:"criado_em" json:"criado_em"`
	ChangedAt    time.Time            `bson:"alterado_em" json:"alterado_em"`
}

// CreateUser adds a person; ErrExists when the tenant has one with that e-mail address or external identity.
func (t *Tenant) CreateUser(ctx context.Context, u User) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	now := t.now()
	u.Email, u.Rev, u.CreatedAt, u.ChangedAt = strings.ToLower(u.Email), 1, now, now
	if u.Revoked == nil {
		u.Revoked = map[string]time.Time{}
	}
	if u.Consents == nil {
		u.Consents = map[string]Consented{}
	}
	if err := t.users.Insert(ctx, u.ID, u); err != nil {
		return err
	}
	return t.countAdmin(ctx, u)
}

// A UserFilter narrows a list of people; empty fields do not.
type UserFilter struct {
	Role, State string
	Words       string // in the name
}

// Users lists the tenant's people.
func (t *Tenant) Users(ctx context.Context, f UserFilter, p Page) ([]User, string, error) {
	var q doc.Query
	if f.Role != "" {
		q.Where = append(q.Where, doc.Eq("papel", f.Role))
	}
	if f.State != "" {
		q.Where = append(q.Where, doc.Eq("estado", f.State))
	}
	if f.Words != "" {
		q.Where = append(q.Where, doc.Contains("nome", f.Words))
	}
	return page(ctx, t.users, q, p, func(u User) string { return u.ID })
}

// UserByExternal returns the person with this external identity, or ErrNotFound.
func (t *Tenant) UserByExternal(ctx context.Context, external string) (User, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.users.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("externo", external), doc.After("externo", "")}})
}

// UpdateUser changes name, role and state of a person whose revision is still u.Rev. With another role or state all
// tokens of the person become void. ErrLastAdmin: nobody would be left to manage the tenant. ErrNotFound, ErrConflict.
func (t *Tenant) UpdateUser(ctx context.Context, u User) (User, error) {
	old, err := t.User(ctx, u.ID)
	if err != nil {
		return User{}, err
	}
	if old.Rev != u.Rev {
		return User{}, ErrConflict
	}
	set := map[string]any{"nome": u.Name, "papel": u.Role, "estado": u.State}
	if u.Role != old.Role || u.State != old.State {
		set["epoca_token"] = old.TokenEpoch + 1
	}
	if old.admin() && !u.admin() {
		if err := t.uncountAdmin(ctx, u.ID); err != nil {
			return User{}, err
		}
	}
	next, err := change(ctx, t.users, u.ID, u.Rev, t.now(), set)
	if err != nil { // the count may now say too few admins, which refuses too much but never too little
		if now, readErr := t.User(ctx, u.ID); readErr == nil {
			_ = t.countAdmin(ctx, now)
		}
		return User{}, err
	}
	return next, t.countAdmin(ctx, next)
}

// SetPassword replaces a person's password, makes all their tokens void and forgets wrong passwords; ErrNotFound.
func (t *Tenant) SetPassword(ctx context.Context, userID, hash string) error {
	return t.changeUser(ctx, userID, doc.Mod{Set: map[string]any{"senha_hash": hash, "falhas": int64(0), "bloqueado_ate": time.Time{}, "alterado_em": t.now(), "sessoes_desde": t.now()},
		Inc: map[string]int64{"epoca_token": 1, "rev": 1}})
}

// RevokeSessions makes all tokens of a person void, those of other issuers included; ErrNotFound.
func (t *Tenant) RevokeSessions(ctx context.Context, userID string) error {
	return t.changeUser(ctx, userID, doc.Mod{Set: map[string]any{"sessoes_desde": t.now()}, Inc: map[string]int64{"epoca_token": 1}})
}

func (t *Tenant) changeUser(ctx context.Context, userID string, m doc.Mod) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	ok, err := t.users.Update(ctx, userID, nil, m)
	if err == nil && !ok {
		return ErrNotFound
	}
	return err
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

// Consent notes that a person agreed to a version of the notice, whose text has this digest; the first time stays.
func (t *Tenant) Consent(ctx context.Context, userID, version, digest string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	field := "consentimentos." + version
	ok, err := t.users.Update(ctx, userID, []doc.Cond{doc.Absent(field)}, doc.Mod{Set: map[string]any{field: Consented{At: t.now(), Digest: digest}}})
	if err == nil && !ok {
		_, err = t.users.Get(ctx, userID)
	}
	return err
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
		if end.Before(t.store.now()) && old != jti && len(m.Unset) < pruneMost {
			m.Unset = append(m.Unset, "revogados."+old)
		}
	}
	_, err = t.users.Update(ctx, userID, nil, m)
	return err
}
