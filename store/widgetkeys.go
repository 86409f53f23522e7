package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// Values of WidgetKey.Identity.
const (
	IdentityOptional = "opcional"
	IdentityRequired = "obrigatoria"
)

// A WidgetKey lets a distributor's sites show the widget. Its id is public: it stands in the sites' pages. What it allows
// is bounded by its origins, by its caps on new visitors and on what its visitors write, and by the plan that each of them is
// on.
type WidgetKey struct {
	ID       string   `bson:"id" json:"id"` // pk_…
	Name     string   `bson:"nome" json:"nome"`
	Origins  []string `bson:"origens" json:"origens"` // exact: "https://loja.example"
	PlanID   string   `bson:"plano_id" json:"plano_id"`
	PerMin   int64    `bson:"visitantes_minuto" json:"visitantes_minuto"` // new visitors, and messages of all its visitors; 0: no cap
	PerDay   int64    `bson:"visitantes_dia" json:"visitantes_dia"`       // the same
	Identity string   `bson:"identidade" json:"identidade"`               // opcional, obrigatoria
	Secrets  []string `bson:"segredos_cifrados" json:"segredos_cifrados"` // that sign identities, the current one first; at most two
	Days     int64    `bson:"dias_de_conversa" json:"dias_de_conversa"`   // a visitor who stays away longer begins anew; 0: 30
	Unsigned bool     `bson:"sem_assinatura" json:"sem_assinatura"`       // no "powered by" line
	Greeting Texts    `bson:"saudacao" json:"saudacao"`                   // by language
	Fields   []Field  `bson:"campos" json:"campos"`                       // asked before the first message
	Purpose  Texts    `bson:"finalidade" json:"finalidade"`               // what the fields are asked for
	Hours    []Hours  `bson:"horario" json:"horario"`                     // of the people who answer; none: not told
	Fallback Fallback `bson:"contato" json:"contato"`                     // when no answer can be given
	Consent  Consent  `bson:"consentimento" json:"consentimento"`         // asked before anything is stored
	State    string   `bson:"estado" json:"estado"`

	Rev       int64     `bson:"rev" json:"rev"`
	CreatedAt time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt time.Time `bson:"alterado_em" json:"alterado_em"`
}

// Texts are the same text in several languages, by tag: "pt-BR", "en".
type Texts map[string]string

// A Field is one thing a visitor is asked.
type Field struct {
	Name     string `bson:"nome" json:"nome"` // name, email, phone, document, contract
	Required bool   `bson:"obrigatorio" json:"obrigatorio"`
}

// Hours are times at which people answer, by the tenant's clock.
type Hours struct {
	Days []int64 `bson:"dias" json:"dias"` // 0 is Sunday
	From string  `bson:"das" json:"das"`   // "08:00"
	To   string  `bson:"ate" json:"ate"`   // "18:00"
}

// A Fallback is how to reach the distributor otherwise; each may be empty.
type Fallback struct {
	WhatsApp string `bson:"whatsapp" json:"whatsapp"` // digits, with the country's code
	Phone    string `bson:"telefone" json:"telefone"`
	URL      string `bson:"url" json:"url"`
}

// A Consent is what a visitor must agree to; without a version there is nothing to ask.
type Consent struct {
	Version string `bson:"versao" json:"versao"` // [a-zA-Z0-9_-]{1,40}
	Text    Texts  `bson:"texto" json:"texto"`
	URL     string `bson:"url" json:"url"`
}

// conversationDays is how long a visitor's conversation continues where the key does not say.
const conversationDays = 30

// Keep is how long a visitor may stay away and still find the conversation.
func (k WidgetKey) Keep() time.Duration {
	days := k.Days
	if days <= 0 {
		days = conversationDays
	}
	return time.Duration(days) * 24 * time.Hour
}

// limits are the key's caps. They bound the new visitors and the messages of its visitors, each counted by itself.
func (k WidgetKey) limits() (limits []Limit) {
	for _, l := range []Limit{{Window: WindowMinute, Messages: k.PerMin}, {Window: WindowDay, Messages: k.PerDay}} {
		if l.Messages > 0 {
			limits = append(limits, l)
		}
	}
	return limits
}

// CreateWidgetKey adds a key; ErrExists.
func (t *Tenant) CreateWidgetKey(ctx context.Context, k WidgetKey) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	now := milli(t.store.now())
	k.Rev, k.CreatedAt, k.ChangedAt = 1, now, now
	return t.widgetKeys.Insert(ctx, k.ID, k)
}

// WidgetKey returns the key with this id, in whatever state, or ErrNotFound.
func (t *Tenant) WidgetKey(ctx context.Context, id string) (WidgetKey, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.widgetKeys.Get(ctx, id)
}

// WidgetKeys lists the tenant's widget keys.
func (t *Tenant) WidgetKeys(ctx context.Context, p Page) ([]WidgetKey, string, error) {
	return page(ctx, t.widgetKeys, doc.Query{}, p, func(k WidgetKey) string { return k.ID })
}

// UpdateWidgetKey changes a key whose revision is still k.Rev. ErrNotFound, ErrConflict.
func (t *Tenant) UpdateWidgetKey(ctx context.Context, k WidgetKey) (WidgetKey, error) {
	return change(ctx, t.widgetKeys, k.ID, k.Rev, t.now(), map[string]any{"nome": k.Name, "origens": k.Origins, "plano_id": k.PlanID,
		"visitantes_minuto": k.PerMin, "visitantes_dia": k.PerDay, "identidade": k.Identity, "segredos_cifrados": k.Secrets, "dias_de_conversa": k.Days,
		"sem_assinatura": k.Unsigned, "saudacao": k.Greeting, "campos": k.Fields, "finalidade": k.Purpose, "horario": k.Hours, "contato": k.Fallback,
		"consentimento": k.Consent, "estado": k.State})
}

// DeleteWidgetKey removes a key: pages that carry it show nothing. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteWidgetKey(ctx context.Context, id string, rev int64) error {
	return remove(ctx, t.widgetKeys, id, rev)
}

// A KeyPlace says whose a widget key is and where it may be used: all that is known of one before its tenant is.
type KeyPlace struct {
	ID      string
	Tenant  TenantID
	Origins []string
	Active  bool
}

// keyPlace is a KeyPlace as it is stored.
type keyPlace struct {
	ID      string   `bson:"id" json:"id"`
	Tenant  string   `bson:"distribuidor_id" json:"distribuidor_id"`
	Origins []string `bson:"origens" json:"origens"`
	State   string   `bson:"estado" json:"estado"`
}

// WidgetKeys lists the widget keys of all tenants.
func (d *Directory) WidgetKeys(ctx context.Context) ([]KeyPlace, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	list, err := d.keys.Find(ctx, doc.Query{})
	out := make([]KeyPlace, 0, len(list))
	for _, k := range list {
		out = append(out, KeyPlace{ID: k.ID, Tenant: TenantID{k.Tenant}, Origins: k.Origins, Active: k.State == StateActive})
	}
	return out, err
}
