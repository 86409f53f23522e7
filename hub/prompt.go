package hub

import (
	"context"
	"slices"

	"aihub/llm"
	"aihub/store"
)

// targets lists the models to ask, in order: the tenant's own configuration, its reserve chain, then the global one if
// the plan allows it or the tenant has none. The instructions are those of the first.
func (h *Hub) targets(ctx context.Context, t *store.Tenant, plan store.Plan, model string) ([]llm.Target, string, error) {
	own, global, err := t.LLMConfigs(ctx)
	if err != nil {
		return nil, "", storeError(err)
	}
	chosen := ""
	if model != "" {
		if chosen, err = allowedModel(ctx, t, plan, model); err != nil {
			return nil, "", err
		}
	}
	chain := reserveChain(own)
	keyFrom := slices.Repeat([]string{"distribuidor"}, len(chain))
	if plan.AllowGlobalKey || len(chain) == 0 {
		for _, c := range reserveChain(global) {
			chain, keyFrom = append(chain, c), append(keyFrom, "global")
		}
	}
	var out []llm.Target
	for i, c := range chain {
		key := ""
		if c.SealedKey != "" {
			scope := t.ID().String()
			if keyFrom[i] == "global" {
				scope = ""
			}
			if key, err = h.sealer.Open(scope, c.ID, c.SealedKey); err != nil {
				h.log.Error("a model's key can't be opened", "tenant", t.ID().String(), "config", c.ID, "error", err)
				continue
			}
		}
		target := llm.Target{ID: c.ID, Tenant: t.ID().String(), Name: c.Name, Provider: c.Provider, BaseURL: c.BaseURL, APIKey: key, Model: c.DefaultModel,
			Script: c.Script, KeyFrom: keyFrom[i], Temperature: c.Temperature, Private: keyFrom[i] == "global"}
		if chosen != "" && i == 0 {
			target.Model = chosen
		}
		if c.Provider == "rehearsal" {
			target.KeyFrom = "ensaio"
		}
		out = append(out, target)
	}
	if len(out) == 0 {
		return nil, "", E("llm_config")
	}
	return out, chain[0].Instructions, nil
}

// reserveChain is the default configuration followed by its fallbacks.
func reserveChain(configs []store.LLMConfig) []store.LLMConfig {
	active := slices.DeleteFunc(slices.Clone(configs), func(c store.LLMConfig) bool { return c.State != store.StateActive })
	if len(active) == 0 {
		return nil
	}
	first := active[0]
	for _, c := range active {
		if c.Default {
			first = c
			break
		}
	}
	chain := []store.LLMConfig{first}
	for _, id := range first.Fallbacks {
		for _, c := range active {
			if c.ID == id && c.ID != first.ID {
				chain = append(chain, c)
			}
		}
	}
	return chain
}

// allowedModel checks a person's choice against the catalogue and the plan and returns the provider's name of it.
func allowedModel(ctx context.Context, t *store.Tenant, plan store.Plan, key string) (string, error) {
	if len(plan.Models) > 0 && !slices.Contains(plan.Models, key) {
		return "", Ef("bad_field", "the plan does not include this model")
	}
	models, err := t.Models(ctx)
	if err != nil {
		return "", storeError(err)
	}
	for _, m := range models {
		if m.Key == key && m.State == store.StateActive {
			return m.Model, nil
		}
	}
	return "", Ef("bad_field", "unknown model")
}

// prompt gathers what the model is told: instructions, as much of the history as fits (newest first, a question never
// without its answer), and the question.
func (h *Hub) prompt(ctx context.Context, t *store.Tenant, conv, instructions, question string) (llm.Request, error) {
	history, err := t.Messages(ctx, conv, "", 40)
	if err != nil {
		return llm.Request{}, storeError(err)
	}
	var turns []llm.Message // newest first
	budget := int64(historyTokens)
	for i := 0; i+1 < len(history); i++ {
		answer, asked := history[i], history[i+1]
		if answer.Role == store.RoleUser || asked.Role != store.RoleUser || answer.Text == "" {
			continue
		}
		budget -= llm.CountTokens(answer.Text) + llm.CountTokens(asked.Text)
		if budget < 0 {
			break
		}
		turns = append(turns, llm.Message{Role: "assistant", Text: answer.Text}, llm.Message{Role: "user", Text: asked.Text})
		i++
	}
	var r llm.Request
	if instructions != "" {
		r.Messages = append(r.Messages, llm.Message{Role: "system", Text: instructions})
	}
	slices.Reverse(turns)
	r.Messages = append(append(r.Messages, turns...), llm.Message{Role: "user", Text: question})
	return r, nil
}
