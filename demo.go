package main

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"aihub/handlers"
	"aihub/llm"
	"aihub/store"
)

// login is a demo user to print.
type login struct{ slug, email, role string }

// prepare fills an empty store: in every environment with the global plan and model configuration, in development also
// with a demo, whose logins it returns. Several instances may do so at once: ids are fixed, and what exists stays.
func prepare(ctx context.Context, db *store.Store, sealer *llm.Sealer, c config) ([]login, error) {
	empty, err := db.Directory().Empty(ctx)
	if err != nil || !empty {
		return nil, err
	}
	if err := globals(ctx, db.Global(), sealer, c); err != nil {
		return nil, err
	}
	if c.production {
		return nil, nil
	}
	hash, err := handlers.HashPassword(ctx, c.demoPassword)
	if err != nil {
		return nil, err
	}
	var logins []login
	own := !c.openAI.configured() && !c.gemini.configured() // without a real model, each tenant rehearses with its own
	for _, d := range demos {
		made, err := d.fill(ctx, db, sealer, hash, own)
		if err != nil {
			return nil, fmt.Errorf("demo %s: %w", d.profile.Slug, err)
		}
		logins = append(logins, made...)
	}
	for _, d := range demos { // last: only now is the store no longer empty, so that a start that was cut off is repeated
		d.profile.ID, d.profile.State = d.id(), store.StateActive
		if err := once(db.Directory().CreateTenant(ctx, d.profile)); err != nil {
			return nil, fmt.Errorf("demo %s: %w", d.profile.Slug, err)
		}
	}
	return logins, nil
}

// fixedID is an id that every instance gives the same row.
func fixedID(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + "_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// globals are the rows for every tenant: a default plan and the model configurations that the environment names.
func globals(ctx context.Context, g *store.Global, sealer *llm.Sealer, c config) error {
	err := once(g.CreatePlan(ctx, store.Plan{ID: fixedID("p", "global"), Name: "Padrão", Default: true, AllowGlobalKey: true, Concurrency: 2,
		Limits: []store.Limit{{Window: store.WindowMinute, Messages: 10}, {Window: store.WindowMonth, Messages: 1000, Tokens: 1_000_000}}}))
	if err != nil {
		return err
	}
	var configs []store.LLMConfig
	if c.openAI.configured() {
		configs = append(configs, store.LLMConfig{ID: fixedID("l", "openai"), Name: "OpenAI", Provider: "openai", BaseURL: c.openAI.baseURL, DefaultModel: c.openAI.model})
	}
	if c.gemini.configured() {
		configs = append(configs, store.LLMConfig{ID: fixedID("l", "gemini"), Name: "Gemini", Provider: "gemini", DefaultModel: c.gemini.model})
	}
	if len(configs) == 0 {
		configs = append(configs, store.LLMConfig{ID: fixedID("l", "ensaio"), Name: "Ensaio", Provider: "rehearsal", DefaultModel: "ensaio"})
	}
	for i := range configs {
		l := &configs[i]
		l.State, l.Default = store.StateActive, i == 0
		if key := map[string]string{"openai": c.openAI.key, "gemini": c.gemini.key}[l.Provider]; key != "" {
			if l.SealedKey, err = sealer.Seal("", l.ID, key); err != nil {
				return err
			}
			l.KeyLast4 = key[max(0, len(key)-4):]
		}
	}
	if len(configs) == 2 {
		configs[0].Fallbacks = []string{configs[1].ID}
	}
	for _, l := range configs {
		if err := once(g.CreateLLMConfig(ctx, l)); err != nil {
			return err
		}
		m := store.Model{ID: fixedID("o", l.ID), Key: l.DefaultModel, Provider: l.Provider, Model: l.DefaultModel, Name: l.DefaultModel, Context: 128_000, State: store.StateActive}
		if err := once(g.CreateModel(ctx, m)); err != nil {
			return err
		}
	}
	return nil
}

// once lets a row that another instance has just made be.
func once(err error) error {
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	return err
}

// demo is one tenant to try things with.
type demo struct {
	profile store.Profile
	plan    store.Plan
	model   store.Model
	people  []store.User
	widget  store.WidgetKey
}

var demos = []demo{
	{
		profile: store.Profile{Slug: "alfa", Name: "Alfa Fibra", TimeZone: "America/Sao_Paulo", Brand: store.Brand{PortalName: "Alfa Fibra", Color: "#0f766e",
			LogoURL: logo("#0f766e", "M8 24 16 8l8 16M11 19h10"), Welcome: "Como podemos ajudar com a sua internet?",
			Suggestions: []string{"Minha internet está lenta", "Quero a segunda via do boleto", "Como troco a senha do Wi-Fi?", "Quais planos vocês têm?"}}},
		plan: store.Plan{ID: fixedID("p", "fibra"), Name: "Fibra", Concurrency: 2, Limits: []store.Limit{{Window: store.WindowMinute, Messages: 20},
			{Window: store.WindowMonth, Messages: 500, Tokens: 500_000}}},
		model:  store.Model{ID: fixedID("o", "fibra"), Key: "ensaio-fibra", Model: "ensaio-fibra", Name: "Ensaio Fibra"},
		people: people("alfa", "Ana Souza", "Paula Ramos", "Carlos Nogueira"),
		widget: store.WidgetKey{Greeting: store.Texts{"pt-BR": "Olá! Sou o assistente de IA da Alfa Fibra. Como posso ajudar?", "en": "Hello! I am Alfa Fibra's AI assistant. How can I help?"},
			Hours:    []store.Hours{{Days: []int64{1, 2, 3, 4, 5}, From: "08:00", To: "20:00"}, {Days: []int64{6}, From: "08:00", To: "12:00"}},
			Fallback: store.Fallback{WhatsApp: "5549999990000", Phone: "0800 999 0000"}},
	},
	{
		profile: store.Profile{Slug: "beta", Name: "Beta Telecom", TimeZone: "America/Manaus", Brand: store.Brand{PortalName: "Beta Telecom", Color: "#7c3aed",
			LogoURL: logo("#7c3aed", "M11 8v16h6a4 4 0 0 0 0-8h-6m0-8h5a4 4 0 0 1 0 8"), Welcome: "Olá! Em que a Beta pode ajudar hoje?", PrivacyURL: "https://beta.example/privacidade",
			Suggestions: []string{"Sem sinal na minha rua", "Quero mudar de plano", "Agendar visita técnica"}}},
		plan: store.Plan{ID: fixedID("p", "radio"), Name: "Rádio", Concurrency: 1, Limits: []store.Limit{{Window: store.WindowMinute, Messages: 10},
			{Window: store.WindowDay, Messages: 50}, {Window: store.WindowMonth, Messages: 300, Tokens: 200_000}}},
		model:  store.Model{ID: fixedID("o", "radio"), Key: "ensaio-radio", Model: "ensaio-radio", Name: "Ensaio Rádio"},
		people: people("beta", "Bruno Lima", "Rita Alves", "Diego Prado"),
		widget: store.WidgetKey{Greeting: store.Texts{"pt-BR": "Oi! Aqui é a assistente virtual da Beta Telecom.", "en": "Hi! This is Beta Telecom's virtual assistant."},
			Fields:  []store.Field{{Name: "name", Required: true}, {Name: "email"}, {Name: "document"}},
			Purpose: store.Texts{"pt-BR": "Usamos estes dados só para achar o seu contrato.", "en": "We use these only to find your contract."},
			Consent: store.Consent{Version: "2026-11", URL: "https://beta.example/privacidade", Text: store.Texts{
				"pt-BR": "A Beta Telecom guarda esta conversa por 30 dias para atender você. Quem responde primeiro é uma inteligência artificial.",
				"en":    "Beta Telecom keeps this conversation for 30 days to help you. An artificial intelligence answers first."}},
			Fallback: store.Fallback{WhatsApp: "5592999990000"}},
	},
	{
		profile: store.Profile{Slug: "ixc", Name: "IXCsoft", TimeZone: "America/Sao_Paulo", Brand: store.Brand{PortalName: "IXC AI Hub", Color: "#1d4ed8"}},
		people:  []store.User{{ID: fixedID("u", "operador"), Email: "operador@aihub.example", Name: "Operador", Role: store.RoleOperator}},
	},
}

func people(slug, participant, supervisor, admin string) []store.User {
	return []store.User{
		{ID: fixedID("u", slug+" usuario"), Email: "usuario@" + slug + ".example", Name: participant, Role: store.RoleParticipant},
		{ID: fixedID("u", slug+" supervisor"), Email: "supervisor@" + slug + ".example", Name: supervisor, Role: store.RoleSupervisor},
		{ID: fixedID("u", slug+" admin"), Email: "admin@" + slug + ".example", Name: admin, Role: store.RoleAdmin},
	}
}

// logo draws a letter on the tenant's colour.
func logo(color, path string) string {
	svg := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="` + color +
		`"/><path d="` + path + `" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg))
}

// id is the tenant's, which is its slug.
func (d demo) id() store.TenantID {
	id, err := store.ParseTenantID(d.profile.Slug)
	if err != nil {
		panic("demo: " + d.profile.Slug + " is not a tenant id") // can't happen: they are constants
	}
	return id
}

// fill makes everything of the demo tenant but the tenant itself.
func (d demo) fill(ctx context.Context, db *store.Store, sealer *llm.Sealer, passwordHash string, ownModel bool) ([]login, error) {
	t := db.Tenant(d.id())
	if d.plan.ID != "" {
		d.plan.Default = true
		d.plan.AllowGlobalKey = true
		if err := once(t.CreatePlan(ctx, d.plan)); err != nil {
			return nil, err
		}
	}
	if ownModel && d.model.ID != "" {
		d.model.Provider, d.model.Context, d.model.State = "rehearsal", 32_000, store.StateActive
		if err := once(t.CreateModel(ctx, d.model)); err != nil {
			return nil, err
		}
		err := once(t.CreateLLMConfig(ctx, store.LLMConfig{ID: fixedID("l", "ensaio"), Name: "Ensaio", Provider: "rehearsal", DefaultModel: d.model.Model, State: store.StateActive,
			Default: true, Instructions: "Você atende os clientes da " + d.profile.Name + ". Responda em português, com clareza e brevidade."}))
		if err != nil {
			return nil, err
		}
	}
	if d.plan.ID != "" { // not the operator's
		if err := d.fillWidget(ctx, t, sealer); err != nil {
			return nil, err
		}
	}
	var logins []login
	for _, u := range d.people {
		u.PasswordHash, u.State = passwordHash, store.StateActive
		if err := once(t.CreateUser(ctx, u)); err != nil {
			return nil, err
		}
		logins = append(logins, login{d.profile.Slug, u.Email, u.Role})
	}
	return logins, nil
}

// fillWidget makes the tenant's widget key, for pages of this machine. The secret that signs identities is no secret, as
// the demo's passwords are none.
func (d demo) fillWidget(ctx context.Context, t *store.Tenant, sealer *llm.Sealer) error {
	k := d.widget
	k.ID, k.Name, k.State, k.Identity = fixedID("pk", d.profile.Slug), "Site", store.StateActive, store.IdentityOptional
	k.Origins, k.PerMin, k.PerDay = []string{"http://127.0.0.1:*", "http://localhost:*"}, 60, 5000
	sealed, err := handlers.SealIdentitySecret(sealer.Seal, t.ID(), k.ID, "demo-identidade-"+d.profile.Slug+"-0123456789abcdef")
	if err != nil {
		return err
	}
	k.Secrets = []string{sealed}
	return once(t.CreateWidgetKey(ctx, k))
}
