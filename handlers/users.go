package handlers

import (
	"context"
	"errors"
	"net/mail"
	"strings"

	"aihub/hub"
	"aihub/store"
)

// UserBody is a person of a tenant. Nobody becomes an operator here.
type UserBody struct {
	Email string `json:"email" maxLength:"254"`
	Name  string `json:"name" minLength:"1" maxLength:"80"`
	Role  string `json:"role" enum:"usuario,supervisor,admin"`
	State string `json:"state" required:"false" enum:"active,disabled" default:"active"`
}

// NewUserBody is UserBody with a first password; without one the person sets it with the invitation.
type NewUserBody struct {
	UserBody
	Password string `json:"password" required:"false" maxLength:"256" doc:"8 to 256 bytes"`
}

type userView struct {
	Meta
	UserBody
	HasPassword bool          `json:"has_password"`
	External    bool          `json:"external" doc:"another identity provider vouches for the person"`
	Consents    []consentView `json:"consents" doc:"to which versions of the notice the person agreed"`
	InviteToken string        `json:"invite_token,omitempty" doc:"lets the person set a password; shown once, valid for 7 days"`
}

func viewUser(u store.User) userView {
	return userView{Meta: metaOf(u.ID, u.Rev, u.CreatedAt, u.ChangedAt), UserBody: UserBody{u.Email, u.Name, u.Role, showState(u.State)},
		HasPassword: u.PasswordHash != "", External: u.External != "", Consents: viewConsents(u)}
}

// ParseEmail returns an e-mail address in lower case.
func ParseEmail(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if a, err := mail.ParseAddress(text); err != nil || a.Address != text {
		return "", hub.Ef("bad_field", "email is not an e-mail address")
	}
	return text, nil
}

type userListInput struct {
	Bearer
	Page
	Role  string `query:"role" enum:"usuario,supervisor,admin,operador"`
	State string `query:"state" enum:"active,disabled"`
	Words string `query:"q" maxLength:"80" doc:"in the name"`
}

func (s *Server) listUsers(ctx context.Context, who hub.Principal, in *userListInput) (*rowsOutput[userView], error) {
	f := store.UserFilter{Role: in.Role, Words: in.Words}
	if in.State != "" {
		f.State = storeState(in.State)
	}
	list, next, err := who.Tenant.Users(ctx, f, store.Page{Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return showRows(viewAll(list, viewUser), next), nil
}

func (s *Server) getUser(ctx context.Context, who hub.Principal, id string) (userView, error) {
	u, err := who.Tenant.User(ctx, id)
	return viewUser(u), err
}

func (s *Server) createUser(ctx context.Context, who hub.Principal, id string, b NewUserBody) (userView, error) {
	u, err := NewUser(ctx, id, b.Email, b.Name, b.Role, b.Password)
	if err != nil {
		return userView{}, err
	}
	u.State = storeState(b.State)
	if err := who.Tenant.CreateUser(ctx, u); errors.Is(err, store.ErrExists) {
		return userView{}, errTaken{err, "a person with this e-mail address exists"}
	} else if err != nil {
		return userView{}, err
	}
	v, err := s.getUser(ctx, who, id)
	if err == nil && b.Password == "" {
		v.InviteToken, err = s.tokens.invite(who.Tenant.ID(), u)
	}
	return v, err
}

// NewUser checks what makes a person.
func NewUser(ctx context.Context, id, email, name, role, password string) (store.User, error) {
	u := store.User{ID: id, Name: strings.TrimSpace(name), Role: role, State: store.StateActive}
	var err error
	if u.Email, err = ParseEmail(email); err != nil {
		return u, err
	}
	if u.Name == "" {
		return u, hub.Ef("bad_field", "name is empty")
	}
	if password != "" {
		u.PasswordHash, err = hashOf(ctx, password)
	}
	return u, err
}

// hashOf is HashPassword with an error that clients may see.
func hashOf(ctx context.Context, password string) (string, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return "", hub.Ef("bad_field", "a password has 8 to 256 bytes")
	}
	return HashPassword(ctx, password)
}

// errTaken says what is taken; it still is store.ErrExists for whoever repeats a request.
type errTaken struct {
	error
	message string
}

func (e errTaken) Unwrap() []error { return []error{e.error, conflict(e.message)} }

func (s *Server) changeUser(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*UserBody) error) (userView, error) {
	u, err := who.Tenant.User(ctx, id)
	if err != nil {
		return userView{}, err
	}
	old, b := u, viewUser(u).UserBody
	if err := apply(&b); err != nil {
		return userView{}, err
	}
	if !strings.EqualFold(b.Email, u.Email) {
		return userView{}, hub.Ef("bad_field", "email can't be changed")
	}
	if b.Role != u.Role && u.Role == store.RoleOperator {
		return userView{}, hub.E("forbidden")
	}
	u.Name, u.Role, u.State, u.Rev = strings.TrimSpace(b.Name), b.Role, storeState(b.State), revision(rev, u.Rev)
	if u.Name == "" {
		return userView{}, hub.Ef("bad_field", "name is empty")
	}
	if u, err = who.Tenant.UpdateUser(ctx, u); err == nil && u.TokenEpoch != old.TokenEpoch {
		s.revoked(ctx, who.Tenant, id)
	}
	return viewUser(u), err
}

// deleteUser erases a person, who may be a visitor: what they wrote, their name and address; counts stay.
func (s *Server) deleteUser(ctx context.Context, who hub.Principal, id string, rev int64) error {
	u, err := who.Tenant.User(ctx, id)
	if errors.Is(err, store.ErrNotFound) { // a visitor's row has no revision
		u.Rev, err = rev, who.Tenant.Person(ctx, id)
	}
	if err != nil {
		return err
	}
	if rev != 0 && u.Rev != rev {
		return store.ErrConflict
	}
	if _, err := who.Tenant.ErasePerson(ctx, id, who.User); err != nil {
		return err
	}
	s.revoked(ctx, who.Tenant, id)
	return nil
}

// revokeUser ends all sessions of a person, on every device.
func (s *Server) revokeUser(ctx context.Context, who hub.Principal, in *Item) error {
	if err := who.Tenant.RevokeSessions(ctx, in.ID); err != nil {
		return err
	}
	s.revoked(ctx, who.Tenant, in.ID)
	s.audit(ctx, who, in.Bearer, "/api/v1/users", "revogar_sessoes", in.ID, nil)
	return nil
}

// revoked makes every instance look again at the tenant's live connections. What was changed holds without it; it holds
// at once with it.
func (s *Server) revoked(ctx context.Context, t *store.Tenant, user string) {
	if err := s.hub.Changed(ctx, t.ID()); err != nil {
		s.log.Warn("a revocation was not announced", "tenant", t.ID().String(), "user", user, "error", err)
	}
}

type inviteOutput struct {
	Body struct {
		InviteToken string `json:"invite_token"`
	}
}

// inviteUser makes a new invitation; an earlier one ends when either is used.
func (s *Server) inviteUser(ctx context.Context, who hub.Principal, in *Item) (*inviteOutput, error) {
	u, err := who.Tenant.User(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if u.State != store.StateActive {
		return nil, conflict("the person is disabled")
	}
	out := &inviteOutput{}
	if out.Body.InviteToken, err = s.tokens.invite(who.Tenant.ID(), u); err != nil {
		return nil, err
	}
	s.audit(ctx, who, in.Bearer, "/api/v1/users", "convidar", in.ID, nil)
	return out, nil
}

type acceptInput struct {
	Body struct {
		Token    string `json:"token" maxLength:"8192"`
		Password string `json:"password" maxLength:"256" doc:"8 to 256 bytes"`
	}
}

// acceptInvite sets the password of whoever holds an invitation, which is void from then on.
func (s *Server) acceptInvite(ctx context.Context, in *acceptInput) (*struct{}, error) {
	c, err := s.tokens.verify(in.Body.Token, inviteAudience)
	if err != nil {
		return nil, err
	}
	tenant, _, user, err := s.tokens.person(ctx, c)
	if err != nil {
		return nil, err
	}
	hash, err := hashOf(ctx, in.Body.Password)
	if err != nil {
		return nil, err
	}
	if err := tenant.SetPassword(ctx, user.ID, hash); err != nil {
		return nil, err
	}
	s.revoked(ctx, tenant, user.ID)
	return nil, nil
}

type passwordInput struct {
	Bearer
	Body struct {
		Current  string `json:"current" maxLength:"256"`
		Password string `json:"password" maxLength:"256" doc:"8 to 256 bytes"`
	}
}

// changePassword replaces the person's own password and ends all their sessions. Wrong guesses of the current one count
// as wrong logins.
func (s *Server) changePassword(ctx context.Context, who hub.Principal, in *passwordInput) error {
	u, err := who.Tenant.User(ctx, who.User)
	if err != nil {
		return err
	}
	if wait := u.LockedUntil.Sub(s.store.Now()); wait > 0 {
		return lockedOut(wait)
	}
	hash := u.PasswordHash
	if hash == "" {
		hash = nobody
	}
	ok, err := checkPassword(ctx, hash, in.Body.Current)
	if err != nil {
		return err
	}
	if !ok {
		if err := who.Tenant.LoginFailed(ctx, u.ID, lockAfter, lockFor); err != nil {
			return err
		}
		return hub.Ef("forbidden", "the current password is wrong")
	}
	if hash, err = hashOf(ctx, in.Body.Password); err != nil {
		return err
	}
	if err := who.Tenant.SetPassword(ctx, u.ID, hash); err != nil {
		return err
	}
	s.revoked(ctx, who.Tenant, u.ID)
	return nil
}
