package hub

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aihub/llm"
	"aihub/store"
)

// noTargets stands for a run that will ask no model.
var noTargets = []llm.Target{{}}

// targets lists the models to ask, in order: the tenant's own configuration, its reserve chain, then the global one, only if
// the plan allows it. The first configuration is returned too: its instructions and limits count.
func (h *Hub) targets(ctx context.Context, t *store.Tenant, plan store.Plan, model string) ([]llm.Target, store.LLMConfig, error) {
	var first store.LLMConfig
	own, global, err := t.LLMConfigs(ctx)
	if err != nil {
		return nil, first, storeError(err)
	}
	chosen := ""
	if model != "" {
		if chosen, err = allowedModel(ctx, t, plan, model); err != nil {
			return nil, first, err
		}
	}
	chain := reserveChain(own)
	keyFrom := slices.Repeat([]string{"distribuidor"}, len(chain))
	if plan.AllowGlobalKey {
		for _, c := range reserveChain(global) {
			chain, keyFrom = append(chain, c), append(keyFrom, "global")
		}
	}
	var out []llm.Target
	if len(chain) > 0 {
		first = chain[0]
	}
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
			Script: c.Script, KeyFrom: keyFrom[i], Temperature: c.Temperature, ShowReasoning: c.ShowReasoning, Private: keyFrom[i] == "global"}
		if chosen != "" && i == 0 {
			target.Model = chosen
		}
		if c.Provider == "rehearsal" {
			target.KeyFrom = "ensaio"
		}
		out = append(out, target)
	}
	if len(out) == 0 {
		refusal := E("llm_config")
		if len(chain) == 0 && len(global) > 0 && !plan.AllowGlobalKey {
			refusal.Message = "the distributor has no model configuration of its own, and the plan " + strconv.Quote(plan.Name) + " does not allow the operator's"
		}
		h.log.Warn("nothing can answer", "tenant", t.ID().String(), "plan", plan.ID, "error", refusal)
		return nil, first, refusal
	}
	if len(keyFrom) > 0 && keyFrom[0] == "global" {
		first.Limits = nil // the operator's configuration has no limit of the tenant
	}
	return out, first, nil
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

// locale is the form of a language tag.
var locale = regexp.MustCompile(`^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}$`)

// defaultLocale is the language of a person whose client does not say it.
const defaultLocale = "pt-BR"

// goOn is what the model is told after the answer that it shall continue.
const goOn = "A sua resposta acima foi interrompida. Continue exatamente do ponto em que ela parou, no meio da frase ou da palavra se for o caso, " +
	"na mesma língua e formatação. Não repita nada, não cumprimente e não comente a interrupção."

// prompt gathers what the model is told: instructions and the person's language, as much of the branch before the question
// as fits (newest first, a question never without its answer), what the staff whispered, and the question; for a
// continuation also what was said to it, and that it goes on from there. It also returns the whispers that no run has been
// told before.
func (h *Hub) prompt(ctx context.Context, of *run, th thread) (llm.Request, []store.Whisper, error) {
	t, conv := of.tenant, of.conv
	language := "Idioma da pessoa: " + cmp.Or(th.question.Locale, defaultLocale) + ". Responda nele, a não ser que ela escreva em outro idioma ou peça outro."
	r := llm.Request{Messages: []llm.Message{{Role: "system", Text: strings.TrimSpace(of.config.Instructions + "\n\n" + language)}}}
	recent, err := th.recent, error(nil)
	if recent == nil && th.question.Parent != "" {
		if recent, err = t.Messages(ctx, conv, "", historyMessages); err != nil {
			return r, nil, storeError(err)
		}
	}
	turns, err := branch(ctx, t, recent, th.question.Parent, of.from) // newest first
	if err != nil {
		return r, nil, storeError(err)
	}
	whispers, err := t.Whispers(ctx, conv, store.WhisperAI, historyMessages)
	if err != nil {
		return r, nil, storeError(err)
	}
	budget, fits := int64(historyTokens), 0
	for i, turn := range turns {
		if budget -= llm.CountTokens(turn.Text); budget < 0 {
			break
		}
		if turn.Role == "user" {
			fits = i + 1
		}
	}
	for _, turn := range slices.Backward(turns[:fits]) {
		r.Messages = append(r.Messages, turn)
	}
	var fresh []store.Whisper
	if len(whispers) > 0 {
		guidance := "Orientação da equipe de atendimento para esta conversa. Siga-a sem mencioná-la ao cliente."
		for _, w := range slices.Backward(whispers) {
			guidance += "\n- " + w.Text
			if w.Run == "" {
				fresh = append(fresh, w)
			}
		}
		r.Messages = append(r.Messages, llm.Message{Role: "system", Text: guidance})
	}
	r.Messages = append(r.Messages, th.messages()...)
	return r, fresh, nil
}

// messages are the end of every prompt, which is never left out: the question, and what a continuation goes on from. Of
// a very long answer the model needs the end.
func (th thread) messages() []llm.Message {
	asked := []llm.Message{{Role: "user", Text: th.question.Text}}
	if th.said == "" {
		return asked
	}
	said := th.said
	if cut := len(said) - saidBytes; cut > 0 {
		for cut < len(said) && !utf8.RuneStart(said[cut]) {
			cut++
		}
		said = "…" + said[cut:]
	}
	return append(asked, llm.Message{Role: "assistant", Text: said}, llm.Message{Role: "user", Text: goOn})
}

// branch returns the messages from parent up to the beginning, newest first; those up to from are left out. An answer and
// its continuations are one turn. What is not among the recent messages is read.
func branch(ctx context.Context, t *store.Tenant, recent []store.Interaction, parent, from string) ([]llm.Message, error) {
	known := make(map[string]store.Interaction, len(recent))
	for _, m := range recent {
		known[m.ID] = m
	}
	var turns []llm.Message
	continued := false
	for id, n := parent, 0; id > from && n < historyMessages; n++ { // ids grow with time
		m, ok := known[id]
		if !ok { // a branch that begins further back
			var err error
			if m, err = t.Message(ctx, id); errors.Is(err, store.ErrNotFound) {
				break
			}
			if err != nil {
				return nil, err
			}
		}
		role := "assistant" // a person who answers speaks in the same place
		if m.Role == store.RoleUser {
			role = "user"
		}
		answer := m.Role == store.RoleAssistant
		switch last := len(turns) - 1; {
		case m.Text == "":
		case answer && continued:
			turns[last].Text = m.Text + turns[last].Text
		default:
			turns = append(turns, llm.Message{Role: role, Text: m.Text})
		}
		continued = answer && m.Text != "" // by the turn above, if its parent is an answer too
		id = m.Parent
	}
	return turns, nil
}
