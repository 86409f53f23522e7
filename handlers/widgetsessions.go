package handlers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"aihub/hub"
	"aihub/store"
)

// visitorName is what a visitor is called who has not said.
const visitorName = "Visitante"

// widgetSessionInput begins or renews a visitor's session.
type widgetSessionInput struct {
	Sender
	Body struct {
		Key           string            `json:"key" maxLength:"64" doc:"the public key of the site's snippet"`
		IdentityToken string            `json:"identity_token,omitempty" maxLength:"8192" doc:"a JWT of the distributor's server"`
		Visitor       string            `json:"visitor,omitempty" maxLength:"128" doc:"what an earlier answer gave, to go on as the same visitor"`
		Consent       string            `json:"consent,omitempty" maxLength:"40" doc:"the version of the notice that was agreed to"`
		Locale        string            `json:"locale,omitempty" enum:"pt-BR,en" doc:"in which the notice was shown"`
		Fields        map[string]string `json:"fields,omitempty" doc:"answers to the key's fields"`
		Page          string            `json:"page,omitempty" maxLength:"2000" doc:"where the widget is open; query and fragment are dropped"`
	}
}

type widgetSessionOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         widgetSessionBody
}

type widgetSessionBody struct {
	AccessToken string      `json:"access_token"`
	TokenType   string      `json:"token_type"`
	ExpiresIn   int64       `json:"expires_in" doc:"seconds"`
	Visitor     string      `json:"visitor,omitempty" doc:"renews the session of an anonymous visitor; keep it secret"`
	User        visitorView `json:"user"`
}

type visitorView struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Identified bool   `json:"identified"`
	Email      string `json:"email,omitempty" doc:"what is known of it"`
}

// openWidgetSession makes a short-lived token for a visitor: one that the distributor's server names, one that was here
// before, or a new one.
func (s *Server) openWidgetSession(ctx context.Context, in *widgetSessionInput) (*widgetSessionOutput, error) {
	if err := s.paces.arrive(in.from); err != nil {
		return nil, err
	}
	u, err := s.useKey(ctx, in.Body.Key)
	if err != nil {
		return nil, err
	}
	if !s.widgetOrigin(u.key, in.origin, in.host) {
		return nil, hub.E("origin_denied")
	}
	if err := s.paces.visit(u.key.ID, in.origin); err != nil {
		return nil, err
	}
	visit, err := visitOf(s.store.Now(), u.key, in)
	if err != nil {
		return nil, err
	}
	life := s.tokens.access
	var visitor store.Visitor
	var secret string
	switch {
	case in.Body.IdentityToken != "":
		who, err := s.prove(ctx, u, in.Body.IdentityToken)
		if err != nil {
			return nil, err
		}
		life = min(life, who.ExpiresAt.Sub(s.store.Now())+leeway)
		visitor, err = s.identified(ctx, u, who, visit)
		if err != nil {
			return nil, err
		}
	case u.key.Identity == store.IdentityRequired:
		return nil, hub.Ef("unauthenticated", "this key needs an identity token of the distributor's server")
	case in.Body.Visitor != "":
		if visitor, err = s.returning(ctx, u, in.Body.Visitor); err == nil {
			err = agreed(u.key, visitor, visit)
		}
		secret = in.Body.Visitor
	default:
		visitor, secret, err = s.anonymous(ctx, u, visit)
	}
	if err != nil {
		return nil, err
	}
	if err := s.welcome(ctx, u, visitor, visit); err != nil {
		return nil, err
	}
	if visit.Name != "" {
		visitor.Name = visit.Name
	}
	now := s.store.Now()
	token, err := s.tokens.sign(u.tenant.ID(), store.User{ID: visitor.ID, Role: store.RoleVisitor, TokenEpoch: visitor.TokenEpoch}, accessAudience, now, now.Add(life))
	if err != nil {
		return nil, err
	}
	return &widgetSessionOutput{CacheControl: "no-store", Body: widgetSessionBody{AccessToken: token, TokenType: "Bearer", ExpiresIn: int64(life.Seconds()),
		Visitor: secret, User: visitorView{visitor.ID, nameOf(visitor), visitor.Identity != "", or(visit.Answers["email"], visitor.Answers["email"])}}}, nil
}

// visitOf checks what the device tells.
func visitOf(now time.Time, k store.WidgetKey, in *widgetSessionInput) (store.Visit, error) {
	v := store.Visit{Answers: map[string]string{}, Page: hub.CleanPage(in.Body.Page), EndsAt: now.Add(k.Keep())}
	for name, value := range in.Body.Fields {
		if !asks(k, name) {
			return v, hub.Ef("bad_field", "the key does not ask for one of the fields")
		}
		answer, err := cleanAnswer(name, value)
		if err != nil {
			return v, err
		}
		if answer != "" {
			v.Answers[name] = answer
		}
	}
	v.Name = v.Answers["name"]
	if in.Body.Consent != "" {
		if in.Body.Consent != k.Consent.Version {
			return v, hub.Ef("bad_field", "consent is not the version of the current notice")
		}
		locale := in.Body.Locale
		if locale == "" {
			locale = "pt-BR"
		}
		sum := sha256.Sum256([]byte(inLanguage(k.Consent.Text, locale)))
		v.Consent, v.Digest = k.Consent.Version, hex.EncodeToString(sum[:])
	}
	return v, nil
}

func asks(k store.WidgetKey, name string) bool {
	for _, f := range k.Fields {
		if f.Name == name {
			return true
		}
	}
	return false
}

// agreed refuses a visitor who has not agreed to the current notice, or has not answered what the key requires.
func agreed(k store.WidgetKey, known store.Visitor, v store.Visit) error {
	if _, ok := known.Consents[k.Consent.Version]; k.Consent.Version != "" && !ok && v.Consent == "" {
		return hub.Ef("bad_field", "consent to the current notice is missing")
	}
	for _, f := range k.Fields {
		if f.Required && v.Answers[f.Name] == "" && known.Answers[f.Name] == "" {
			return hub.Ef("bad_field", "the field "+f.Name+" is missing")
		}
	}
	return nil
}

// identified returns the visitor whom the distributor's server names, made if there is none. An anonymous visitor of the
// same device stays another person: whoever signs in there next must not find what was said before.
func (s *Server) identified(ctx context.Context, u widgetUse, who identity, visit store.Visit) (store.Visitor, error) {
	for name, answer := range who.answers() {
		visit.Answers[name] = answer
	}
	visitor, err := u.tenant.VisitorByIdentity(ctx, u.key.ID, who.Subject)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return visitor, err
	}
	if err := agreed(u.key, visitor, visit); err != nil {
		return visitor, err
	}
	if err == nil {
		visitor.Name = or(visit.Answers["name"], visitor.Name)
		return visitor, nil
	}
	visitor = store.Visitor{ID: s.store.NewID("v"), KeyID: u.key.ID, Identity: who.Subject, Name: visit.Answers["name"], EndsAt: visit.EndsAt}
	err = u.tenant.CreateVisitor(ctx, visitor)
	if errors.Is(err, store.ErrExists) { // another device of the same person was first
		return u.tenant.VisitorByIdentity(ctx, u.key.ID, who.Subject)
	}
	return visitor, err
}

// returning returns the visitor who holds the secret. One that has ended, or was never given, needs a new visitor.
func (s *Server) returning(ctx context.Context, u widgetUse, held string) (store.Visitor, error) {
	refused := hub.Ef("unauthenticated", "the visitor's secret is not valid any more; begin without it")
	id, secret, ok := strings.Cut(held, ".")
	if !ok || !store.ValidID("v", id) {
		return store.Visitor{}, refused
	}
	visitor, err := u.tenant.Visitor(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return visitor, refused
	}
	if err != nil {
		return visitor, err
	}
	if visitor.KeyID != u.key.ID || visitor.SecretHash == "" || subtle.ConstantTimeCompare([]byte(visitor.SecretHash), []byte(hashSecret(secret))) != 1 ||
		s.store.Now().After(visitor.EndsAt) {
		return visitor, refused
	}
	return visitor, nil
}

// anonymous makes a visitor and the secret by which they come back. It counts against the key's limits.
func (s *Server) anonymous(ctx context.Context, u widgetUse, visit store.Visit) (store.Visitor, string, error) {
	if err := agreed(u.key, store.Visitor{}, visit); err != nil {
		return store.Visitor{}, "", err
	}
	if err := u.tenant.TakeVisitor(ctx, u.key); err != nil {
		return store.Visitor{}, "", visitorsError(err)
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	secret := base64.RawURLEncoding.EncodeToString(random[:])
	visitor := store.Visitor{ID: s.store.NewID("v"), KeyID: u.key.ID, Name: visit.Name, SecretHash: hashSecret(secret), EndsAt: visit.EndsAt}
	return visitor, visitor.ID + "." + secret, u.tenant.CreateVisitor(ctx, visitor)
}

// hashSecret needs no salt and no work factor: the secret has 256 random bits.
func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// visitorsError says when a key takes new visitors again.
func visitorsError(err error) error {
	var full *store.QuotaError
	if !errors.As(err, &full) {
		return err
	}
	e := hub.Ef("quota_exceeded", "the key's limit of new visitors is reached")
	e.Retry, e.RetryIn, e.ResetAt, e.ResetIn = true, max(time.Second, full.ResetIn), full.ResetAt, full.ResetIn
	return e
}

// welcome notes the visit and puts the visitor on the key's plan.
func (s *Server) welcome(ctx context.Context, u widgetUse, visitor store.Visitor, visit store.Visit) error {
	if err := u.tenant.NoteVisit(ctx, visitor.ID, visit); err != nil {
		return err
	}
	if u.key.PlanID == "" {
		return nil
	}
	plan, err := u.tenant.PlanOf(ctx, visitor.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if plan.ID == u.key.PlanID {
		return nil
	}
	return u.tenant.Subscribe(ctx, visitor.ID, u.key.PlanID)
}

// endWidgetSession makes an anonymous visitor's tokens and secret void. An identified one has other devices, whose
// sessions go on; this one's token ends by itself.
func (s *Server) endWidgetSession(ctx context.Context, who hub.Principal, _ *meInput) error {
	visitor, err := who.Tenant.Visitor(ctx, who.User)
	if err != nil || visitor.Identity != "" {
		return err
	}
	err = who.Tenant.EndVisitor(ctx, who.User)
	s.revoked(ctx, who.Tenant, who.User)
	return err
}

// visitor loads the visitor a token speaks for and checks that they still may.
func (t *Tokens) visitor(ctx context.Context, c claims) (hub.Principal, error) {
	id, err := store.ParseTenantID(c.Tenant)
	if err != nil {
		return hub.Principal{}, hub.E("unauthenticated")
	}
	tenant := t.store.Tenant(id)
	profile, err := tenant.Profile(ctx)
	if err != nil {
		return hub.Principal{}, orUnknown(err)
	}
	v, err := tenant.Visitor(ctx, c.User)
	if err != nil {
		return hub.Principal{}, orUnknown(err)
	}
	key, err := tenant.WidgetKey(ctx, v.KeyID)
	switch {
	case err != nil:
		return hub.Principal{}, orUnknown(err)
	case v.TokenEpoch != c.Epoch, key.State != store.StateActive, key.Identity == store.IdentityRequired && v.Identity == "":
		return hub.Principal{}, hub.E("unauthenticated")
	case profile.State != store.StateActive:
		return hub.Principal{}, hub.E("tenant_suspended")
	}
	return hub.Principal{Tenant: tenant, Profile: profile, User: v.ID, Name: nameOf(v), Role: store.RoleVisitor, Expires: here(t.store, c.ExpiresAt.Time)}, nil
}

func nameOf(v store.Visitor) string { return or(v.Name, visitorName) }

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// cleanAnswer checks a visitor's answer to one of the fields there are. Numbers lose their punctuation.
func cleanAnswer(name, value string) (string, error) {
	value = strings.Join(strings.Fields(value), " ")
	bad := hub.Ef("bad_field", "the field "+name+" has a wrong value")
	if len(value) > 200 || strings.ContainsFunc(value, unicode.IsControl) {
		return "", bad
	}
	if value == "" {
		return "", nil
	}
	switch name {
	case "email":
		if a, err := mail.ParseAddress(value); err != nil || a.Address != value {
			return "", bad
		}
	case "phone":
		if value = only(value, "0123456789"); len(value) < 8 || len(value) > 15 {
			return "", bad
		}
	case "document":
		if value = only(strings.ToUpper(value), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"); !validDocument(value) {
			return "", bad
		}
	}
	return value, nil
}

// only keeps what is in the alphabet.
func only(s, alphabet string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(alphabet, r) {
			return r
		}
		return -1
	}, s)
}

// validDocument checks a CPF (11 digits) or a CNPJ (14 characters, of which since 2026 the first 12 may be letters)
// against its two check digits.
func validDocument(s string) bool {
	if len(s) != 11 && len(s) != 14 || strings.Count(s, s[:1]) == len(s) {
		return false
	}
	for i, c := range s {
		if (len(s) == 11 || i >= 12) && c > '9' {
			return false
		}
	}
	for n := len(s) - 2; n < len(s); n++ {
		sum, weight := 0, 2
		for i := n - 1; i >= 0; i-- {
			sum += int(s[i]-'0') * weight // a letter counts as its distance from '0' in ASCII
			if weight++; len(s) == 14 && weight > 9 {
				weight = 2
			}
		}
		if check := sum * 10 % 11 % 10; check != int(s[n]-'0') {
			return false
		}
	}
	return true
}

// inLanguage returns a text in the language, else in Portuguese.
func inLanguage(t store.Texts, language string) string { return or(t[language], t["pt-BR"]) }
