package handlers

import (
	"context"
	"slices"
	"strings"

	"aihub/hub"
	"aihub/llm"
	"aihub/store"
)

// LLMConfigBody is a way to reach models. Its key is written and never read back.
type LLMConfigBody struct {
	Name         string      `json:"name" minLength:"1" maxLength:"80"`
	Provider     string      `json:"provider" enum:"openai,gemini,gemini-generative-ai-go,rehearsal"`
	BaseURL      string      `json:"base_url" required:"false" maxLength:"500" doc:"empty: the provider's own address; a change of its host clears the key"`
	DefaultModel string      `json:"default_model" minLength:"1" maxLength:"128" doc:"the provider's name of it"`
	Fallbacks    []string    `json:"fallbacks" required:"false" maxItems:"10" doc:"ids of configurations to ask when this one fails, in order"`
	Instructions string      `json:"instructions" required:"false" maxLength:"20000"`
	Temperature  *float64    `json:"temperature" required:"false" nullable:"true" minimum:"0" maximum:"2"`
	Limits       []LimitBody `json:"limits" required:"false" maxItems:"3" doc:"of all people together"`
	Titles       bool        `json:"titles" required:"false" doc:"new conversations get a title by a further small call, which counts against nobody"`
	Reasoning    bool        `json:"show_reasoning" required:"false" doc:"people see how the model thinks while it answers; it is not stored"`
	Default      bool        `json:"default" required:"false"`
	State        string      `json:"state" required:"false" enum:"active,disabled" default:"active"`
}

// LLMConfigInput is LLMConfigBody with the key.
type LLMConfigInput struct {
	LLMConfigBody
	APIKey *string `json:"api_key" required:"false" maxLength:"500" doc:"empty: none"`
}

type llmConfigView struct {
	Meta
	LLMConfigBody
	APIKey secretView `json:"api_key"`
	Health healthView `json:"health"`
}

// healthView is how a configuration does.
type healthView struct {
	State    string `json:"state" enum:"unasked,ok,failing,paused" doc:"paused: it failed repeatedly, and its reserve is asked instead until retry_at"`
	Code     string `json:"code,omitempty"`
	Verdict  string `json:"verdict,omitempty"`
	Reason   string `json:"reason,omitempty"`
	RetryAt  string `json:"retry_at,omitempty"`
	Instance string `json:"instance" doc:"that this was seen on; every instance asks and pauses by itself"`
}

func (s *Server) viewLLMConfig(scope string, c store.LLMConfig) llmConfigView {
	v, h := viewLLMConfig(c), s.llm.Health(scope, c.ID)
	v.Health = healthView{h.State, h.Code, string(h.Verdict), h.Reason, optionalStamp(h.RetryAt), s.hub.Instance()}
	return v
}

// secretView shows that there is a secret, and how it ends.
type secretView struct {
	Set   bool   `json:"set"`
	Last4 string `json:"last4"`
}

func viewLLMConfig(c store.LLMConfig) llmConfigView {
	return llmConfigView{metaOf(c.ID, c.Rev, c.CreatedAt, c.ChangedAt), LLMConfigBody{c.Name, c.Provider, c.BaseURL, c.DefaultModel, orNone(c.Fallbacks),
		c.Instructions, c.Temperature, showLimits(c.Limits), c.Titles, c.ShowReasoning, c.Default, showState(c.State)}, secretView{c.SealedKey != "", c.KeyLast4}, healthView{}}
}

// configRows are the configurations a person manages: the operator's are everyone's. scope is what their keys are sealed
// for.
type configRows struct {
	list   func(context.Context, store.Page) ([]store.LLMConfig, string, error)
	get    func(context.Context, string) (store.LLMConfig, error)
	create func(context.Context, store.LLMConfig) error
	update func(context.Context, store.LLMConfig) (store.LLMConfig, error)
	delete func(ctx context.Context, id string, rev int64) error
	scope  string
}

func (s *Server) configRows(who hub.Principal) configRows {
	if who.Role == store.RoleOperator {
		g := s.store.Global()
		return configRows{g.LLMConfigs, g.LLMConfig, g.CreateLLMConfig, g.UpdateLLMConfig, g.DeleteLLMConfig, ""}
	}
	t := who.Tenant
	return configRows{t.OwnLLMConfigs, t.LLMConfig, t.CreateLLMConfig, t.UpdateLLMConfig, t.DeleteLLMConfig, t.ID().String()}
}

// set makes the configuration say what the body does. A key that was sent is sealed for this row; one that was not stays,
// unless the address it belongs to changes.
func (s *Server) setLLMConfig(ctx context.Context, rows configRows, b LLMConfigInput, c *store.LLMConfig) (err error) {
	if b.BaseURL != "" {
		if err := llm.CheckURL(b.BaseURL, rows.scope == "", s.networks); err != nil {
			return hub.Ef("bad_field", "base_url: "+err.Reason)
		}
	}
	for _, id := range b.Fallbacks {
		if _, err := rows.get(ctx, id); err != nil || id == c.ID {
			return hub.Ef("bad_field", "fallbacks must be ids of other configurations")
		}
	}
	c.Name, c.Provider, c.BaseURL, c.DefaultModel, c.Fallbacks = b.Name, b.Provider, b.BaseURL, b.DefaultModel, orNone(b.Fallbacks)
	c.Instructions, c.Temperature, c.Titles, c.ShowReasoning, c.Default, c.State = b.Instructions, b.Temperature, b.Titles, b.Reasoning, b.Default, storeState(b.State)
	if c.Limits, err = storeLimits(b.Limits); err != nil || b.APIKey == nil {
		return err
	}
	c.SealedKey, c.KeyLast4, err = s.seal(rows.scope, c.ID, strings.TrimSpace(*b.APIKey))
	return err
}

// seal returns a secret as it is stored, and how it ends; both are empty for no secret.
func (s *Server) seal(scope, row, plain string) (sealed, last4 string, err error) {
	if plain == "" {
		return "", "", nil
	}
	sealed, err = s.sealer.Seal(scope, row, plain)
	if len(plain) >= 12 { // of a shorter one it would say too much
		last4 = plain[len(plain)-4:]
	}
	return sealed, last4, err
}

func (s *Server) listLLMConfigs(ctx context.Context, who hub.Principal, p store.Page) ([]llmConfigView, string, error) {
	rows := s.configRows(who)
	list, next, err := rows.list(ctx, p)
	return viewAll(list, func(c store.LLMConfig) llmConfigView { return s.viewLLMConfig(rows.scope, c) }), next, err
}

func (s *Server) getLLMConfig(ctx context.Context, who hub.Principal, id string) (llmConfigView, error) {
	rows := s.configRows(who)
	c, err := rows.get(ctx, id)
	return s.viewLLMConfig(rows.scope, c), err
}

func (s *Server) createLLMConfig(ctx context.Context, who hub.Principal, id string, b LLMConfigInput) (llmConfigView, error) {
	rows, c := s.configRows(who), store.LLMConfig{ID: id}
	if err := s.setLLMConfig(ctx, rows, b, &c); err != nil {
		return llmConfigView{}, err
	}
	if err := rows.create(ctx, c); err != nil {
		return llmConfigView{}, err
	}
	return s.getLLMConfig(ctx, who, id)
}

func (s *Server) changeLLMConfig(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*LLMConfigInput) error) (llmConfigView, error) {
	rows := s.configRows(who)
	c, err := rows.get(ctx, id)
	if err != nil {
		return llmConfigView{}, err
	}
	b := LLMConfigInput{LLMConfigBody: viewLLMConfig(c).LLMConfigBody}
	if err := apply(&b); err != nil {
		return llmConfigView{}, err
	}
	if err := s.setLLMConfig(ctx, rows, b, &c); err != nil {
		return llmConfigView{}, err
	}
	c.Rev = revision(rev, c.Rev)
	c, err = rows.update(ctx, c)
	return s.viewLLMConfig(rows.scope, c), err
}

// deleteLLMConfig refuses to remove what another configuration falls back to.
func (s *Server) deleteLLMConfig(ctx context.Context, who hub.Principal, id string, rev int64) error {
	rows := s.configRows(who)
	list, _, err := rows.list(ctx, store.Page{Limit: 200})
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.ID != id && slices.Contains(c.Fallbacks, id) {
			return conflict("another configuration falls back to this one")
		}
	}
	return rows.delete(ctx, id, rev)
}

type llmTestOutput struct {
	Body struct {
		OK        bool   `json:"ok"`
		Verdict   string `json:"verdict" enum:"ok,key_refused,no_balance,model_unknown,unreachable,address_denied,rate_limited,too_slow,not_compatible,misconfigured"`
		Reason    string `json:"reason,omitempty"`
		LatencyMS int64  `json:"latency_ms" doc:"to the first token, or to the failure"`
		Model     string `json:"model,omitempty" doc:"that answered"`
	}
}

// testLLMConfig asks the model something small, at the expense of its owner.
func (s *Server) testLLMConfig(ctx context.Context, who hub.Principal, in *Item) (*llmTestOutput, error) {
	rows := s.configRows(who)
	c, err := rows.get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	t := llm.Target{ID: c.ID, Tenant: rows.scope, Name: c.Name, Provider: c.Provider, BaseURL: c.BaseURL, Model: c.DefaultModel, Script: c.Script,
		Temperature: c.Temperature, Private: rows.scope == ""}
	if c.SealedKey != "" {
		if t.APIKey, err = s.sealer.Open(rows.scope, c.ID, c.SealedKey); err != nil {
			return nil, hub.Ef("llm_config", "the stored key can't be opened; set it again")
		}
	}
	r := s.llm.Test(ctx, t)
	out := &llmTestOutput{}
	out.Body.OK, out.Body.Verdict, out.Body.Reason = r.Verdict == llm.OK, string(r.Verdict), r.Reason
	out.Body.LatencyMS, out.Body.Model = r.Latency.Milliseconds(), r.Model
	return out, nil
}
