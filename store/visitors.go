package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aihub/store/internal/doc"
)

// A Visitor is a person who talks through a widget and has no account. A visitor belongs to one widget key.
type Visitor struct {
	ID         string               `bson:"id" json:"id"`
	KeyID      string               `bson:"chave_id" json:"chave_id"`
	Identity   string               `bson:"identidade" json:"identidade"` // who the distributor's server says it is; "": anonymous
	Name       string               `bson:"nome" json:"nome"`
	Answers    map[string]string    `bson:"campos" json:"campos"`                 // to the key's fields, by name
	Consents   map[string]Consented `bson:"consentimentos" json:"consentimentos"` // by version
	SecretHash string               `bson:"segredo_hash" json:"segredo_hash"`     // of the secret that renews an anonymous session; "": none does
	TokenEpoch int64                `bson:"epoca_token" json:"epoca_token"`       // tokens of an earlier epoch are void
	Page       string               `bson:"pagina" json:"pagina"`                 // where the widget was open last, without query
	Title      string               `bson:"titulo" json:"titulo"`                 // of that page
	Given      []Given              `bson:"dados" json:"dados"`                   // what the site tells staff beside it
	CreatedAt  time.Time            `bson:"criado_em" json:"criado_em"`
	SeenAt     time.Time            `bson:"visto_em" json:"visto_em"`
	EndsAt     time.Time            `bson:"expira_em" json:"expira_em"` // the secret's end
}

// Consented is the record of a consent: when, and what was shown.
type Consented struct {
	At     time.Time `bson:"em" json:"em"`
	Digest string    `bson:"resumo" json:"resumo"` // SHA-256 of the text as it was shown
}

// A Visit is what a visitor's device tells when it begins or renews a session. Empty parts change nothing.
type Visit struct {
	Name    string
	Answers map[string]string
	Consent string // version
	Digest  string
	Page    string
	EndsAt  time.Time
}

// Given is one thing that a site says of its visitor. Nothing proves it: any script of the page may have said it.
type Given struct {
	Name  string `bson:"nome" json:"nome"`
	Value string `bson:"valor" json:"valor"`
}

// A VisitorContext is where a visitor is, as the site says.
type VisitorContext struct {
	Page, Title string
	Given       []Given
}

// CreateVisitor adds a visitor; ErrExists when the key has one with that identity.
func (t *Tenant) CreateVisitor(ctx context.Context, v Visitor) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	now := milli(t.store.now())
	v.CreatedAt, v.SeenAt, v.EndsAt = now, now, milli(v.EndsAt)
	if v.Answers == nil {
		v.Answers = map[string]string{}
	}
	if v.Consents == nil {
		v.Consents = map[string]Consented{}
	}
	return t.visitors.Insert(ctx, v.ID, v)
}

// Visitor returns the visitor with this id, or ErrNotFound.
func (t *Tenant) Visitor(ctx context.Context, id string) (Visitor, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.visitors.Get(ctx, id)
}

// VisitorByIdentity returns the visitor that the distributor's server names so, or ErrNotFound.
func (t *Tenant) VisitorByIdentity(ctx context.Context, key, identity string) (Visitor, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.visitors.First(ctx, doc.Query{Where: []doc.Cond{doc.Eq("chave_id", key), doc.Eq("identidade", identity), doc.After("identidade", "")}})
}

// NoteVisit stores what a visitor's device tells.
func (t *Tenant) NoteVisit(ctx context.Context, id string, v Visit) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	now := milli(t.store.now())
	set := map[string]any{"visto_em": now, "expira_em": milli(v.EndsAt)}
	if v.Name != "" {
		set["nome"] = v.Name
	}
	for name, answer := range v.Answers {
		set["campos."+name] = answer
	}
	if v.Page != "" {
		set["pagina"] = v.Page
	}
	if v.Consent != "" {
		set["consentimentos."+v.Consent] = Consented{At: now, Digest: v.Digest}
	}
	_, err := t.visitors.Update(ctx, id, nil, doc.Mod{Set: set})
	return err
}

// NoteContext stores where a visitor is, in the place of where they were.
func (t *Tenant) NoteContext(ctx context.Context, id string, c VisitorContext) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	_, err := t.visitors.Update(ctx, id, nil, doc.Mod{Set: map[string]any{"pagina": c.Page, "titulo": c.Title, "dados": c.Given, "visto_em": t.now()}})
	return err
}

// EndVisitor makes every token and secret of a visitor void, whose conversations stay.
func (t *Tenant) EndVisitor(ctx context.Context, id string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	_, err := t.visitors.Update(ctx, id, nil, doc.Mod{Set: map[string]any{"segredo_hash": ""}, Inc: map[string]int64{"epoca_token": 1}})
	return err
}

// emptyVisitor makes a visitor's row say nothing of them and every token and secret of it void. ErrNotFound.
func (t *Tenant) emptyVisitor(ctx context.Context, id string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	ok, err := t.visitors.Update(ctx, id, nil, doc.Mod{Set: map[string]any{"identidade": "", "nome": "", "campos": map[string]string{}, "pagina": "", "titulo": "",
		"dados": []Given{}, "segredo_hash": ""}, Inc: map[string]int64{"epoca_token": 1}})
	if err == nil && !ok {
		err = ErrNotFound
	}
	return err
}

// TakeVisitor counts a new visitor of a key, in one step that can't exceed the key's caps; what its visitors write counts
// elsewhere, see ReserveUnder. A full window is a *QuotaError.
func (t *Tenant) TakeVisitor(ctx context.Context, k WidgetKey) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	loc, err := t.location(ctx)
	if err != nil {
		return err
	}
	limits := Plan{Limits: k.limits()}
	now, id := milli(t.store.now()), "visitantes:"+k.ID
	for range 5 {
		u, err := t.usage.Get(ctx, id)
		if errors.Is(err, ErrNotFound) {
			u = usage{ID: id, Counters: map[string]counter{}, Reserved: map[string]reserved{}, Settled: map[string]time.Time{}}
			if err = t.usage.Insert(ctx, id, u); errors.Is(err, ErrExists) {
				continue
			}
		}
		if err != nil {
			return err
		}
		var conds []doc.Cond
		m := doc.Mod{Inc: map[string]int64{}}
		for _, l := range limits.Limits {
			conds = append(conds, fits(period(l.Window, now, loc), l, 1, 0)...)
		}
		for _, window := range []string{WindowMinute, WindowDay} { // counted also where there is no cap yet
			m.Inc["periodos."+period(window, now, loc)+".mensagens"] = 1
		}
		u.prune(&m, nil, now, loc)
		if ok, err := t.usage.Update(ctx, id, conds, m); err != nil || ok {
			return err
		}
		if u, err = t.usage.Get(ctx, id); err != nil {
			return err
		}
		if q := u.full(limits, 1, 0, now, loc); q != nil {
			return q
		}
	}
	return fmt.Errorf("take visitor: %w: too much contention", ErrUnavailable)
}
