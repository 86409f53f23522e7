package store

import (
	"context"
	"net/url"
	"time"

	"aihub/store/internal/doc"
)

// An LLMConfig is one way to reach models. Its key is sealed; nothing here can open it.
type LLMConfig struct {
	ID           string   `bson:"id" json:"id"`
	Name         string   `bson:"nome" json:"nome"`
	Provider     string   `bson:"provedor" json:"provedor"` // openai, gemini, rehearsal
	BaseURL      string   `bson:"base_url" json:"base_url"`
	SealedKey    string   `bson:"chave_cifrada" json:"chave_cifrada"`
	KeyLast4     string   `bson:"chave_final" json:"chave_final"`
	DefaultModel string   `bson:"modelo_padrao" json:"modelo_padrao"`
	Instructions string   `bson:"instrucoes" json:"instrucoes"`
	Fallbacks    []string `bson:"cadeia_de_reserva" json:"cadeia_de_reserva"`
	Temperature  *float64 `bson:"temperatura,omitempty" json:"temperatura,omitzero"`
	Limits       []Limit  `bson:"limites" json:"limites"` // of all the tenant's people together
	State        string   `bson:"estado" json:"estado"`
	Default      bool     `bson:"padrao" json:"padrao"`
	Titles       bool     `bson:"titulos" json:"titulos"` // new conversations get a title by a further small call
	// ShowReasoning lets people see how the model thinks while it answers.
	ShowReasoning bool      `bson:"mostra_raciocinio" json:"mostra_raciocinio"`
	Script        string    `bson:"roteiro" json:"roteiro"` // of a rehearsal
	Rev           int64     `bson:"rev" json:"rev"`
	CreatedAt     time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt     time.Time `bson:"alterado_em" json:"alterado_em"`
}

func configID(c LLMConfig) string { return c.ID }

// LLMConfigs returns the tenant's own configurations and the global ones.
func (t *Tenant) LLMConfigs(ctx context.Context) (own, global []LLMConfig, err error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	if own, err = t.configs.Find(ctx, doc.Query{}); err != nil {
		return nil, nil, err
	}
	global, err = t.global.configs.Find(ctx, doc.Query{})
	return own, global, err
}

// OwnLLMConfigs lists the tenant's own configurations.
func (t *Tenant) OwnLLMConfigs(ctx context.Context, p Page) ([]LLMConfig, string, error) {
	return page(ctx, t.configs, doc.Query{}, p, configID)
}

// LLMConfig returns the tenant's own configuration with this id, or ErrNotFound.
func (t *Tenant) LLMConfig(ctx context.Context, id string) (LLMConfig, error) {
	return get(ctx, t.configs, id)
}

// CreateLLMConfig adds a configuration of the tenant.
func (t *Tenant) CreateLLMConfig(ctx context.Context, c LLMConfig) error {
	return createConfig(ctx, t.configs, c, t.now())
}

// UpdateLLMConfig changes a configuration whose revision is still c.Rev. When the provider or the address's host changes
// while the key stays, the key is forgotten: a key goes only where it was meant to go. ErrNotFound, ErrConflict.
func (t *Tenant) UpdateLLMConfig(ctx context.Context, c LLMConfig) (LLMConfig, error) {
	return updateConfig(ctx, t.configs, c, t.now())
}

// DeleteLLMConfig removes a configuration. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteLLMConfig(ctx context.Context, id string, rev int64) error {
	return remove(ctx, t.configs, id, rev)
}

func createConfig(ctx context.Context, c doc.Coll[LLMConfig], v LLMConfig, now time.Time) error {
	v.Rev, v.CreatedAt, v.ChangedAt = 1, now, now
	if err := add(ctx, c, v.ID, v); err != nil || !v.Default {
		return err
	}
	return onlyDefault(ctx, c, v.ID, configID)
}

func updateConfig(ctx context.Context, c doc.Coll[LLMConfig], v LLMConfig, now time.Time) (LLMConfig, error) {
	old, err := get(ctx, c, v.ID)
	if err != nil {
		return LLMConfig{}, err
	}
	if old.Rev != v.Rev {
		return LLMConfig{}, ErrConflict
	}
	if v.SealedKey == old.SealedKey && (v.Provider != old.Provider || origin(v.BaseURL) != origin(old.BaseURL)) {
		v.SealedKey, v.KeyLast4 = "", ""
	}
	set := map[string]any{"nome": v.Name, "provedor": v.Provider, "base_url": v.BaseURL, "chave_cifrada": v.SealedKey, "chave_final": v.KeyLast4,
		"modelo_padrao": v.DefaultModel, "instrucoes": v.Instructions, "cadeia_de_reserva": v.Fallbacks, "limites": v.Limits, "estado": v.State,
		"padrao": v.Default, "roteiro": v.Script, "titulos": v.Titles, "mostra_raciocinio": v.ShowReasoning, "temperatura": v.Temperature}
	next, err := change(ctx, c, v.ID, v.Rev, now, set)
	if err != nil || !v.Default {
		return next, err
	}
	return next, onlyDefault(ctx, c, v.ID, configID)
}

// origin is the part of an address that a key is bound to.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Scheme + "://" + u.Host
}
