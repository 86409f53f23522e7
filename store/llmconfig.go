package store

import (
	"context"

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
	State        string   `bson:"estado" json:"estado"`
	Default      bool     `bson:"padrao" json:"padrao"`
	Script       string   `bson:"roteiro" json:"roteiro"` // of a rehearsal
}

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

// CreateLLMConfig adds a configuration of the tenant.
func (t *Tenant) CreateLLMConfig(ctx context.Context, c LLMConfig) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.configs.Insert(ctx, c.ID, c)
}

// A Model is one entry of the catalogue that people choose from.
type Model struct {
	ID       string `bson:"id" json:"id"`
	Key      string `bson:"chave" json:"chave"` // what plans and clients name it by
	Provider string `bson:"provedor" json:"provedor"`
	Model    string `bson:"modelo" json:"modelo"` // the provider's name of it
	Name     string `bson:"nome" json:"nome"`
	Context  int64  `bson:"contexto" json:"contexto"`           // tokens
	PriceIn  int64  `bson:"preco_entrada" json:"preco_entrada"` // micro-units of currency per million tokens
	PriceOut int64  `bson:"preco_saida" json:"preco_saida"`
	State    string `bson:"estado" json:"estado"`
}

// Models returns the catalogue as the tenant sees it: its own entries win over global ones of the same key.
func (t *Tenant) Models(ctx context.Context) ([]Model, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	own, err := t.models.Find(ctx, doc.Query{Sort: "chave"})
	if err != nil {
		return nil, err
	}
	global, err := t.global.models.Find(ctx, doc.Query{Sort: "chave"})
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, m := range own {
		known[m.Key] = true
	}
	for _, m := range global {
		if !known[m.Key] {
			own = append(own, m)
		}
	}
	return own, nil
}

// CreateModel adds an entry to the tenant's catalogue.
func (t *Tenant) CreateModel(ctx context.Context, m Model) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.models.Insert(ctx, m.ID, m)
}
