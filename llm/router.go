package llm

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options are the settings of a client; all are optional.
type Options struct {
	Logger *slog.Logger // nil: nothing is logged
	Bounds Bounds
	// Allow lists addresses that configurations of tenants may reach although they are private, plain HTTP included: the
	// operator's own model servers.
	Allow []netip.Prefix
}

// A Client asks models. Its methods are safe for concurrent use.
type Client struct {
	log    *slog.Logger
	bounds Bounds
	allow  []netip.Prefix

	mu      sync.Mutex
	configs map[configKey]*config
	closed  bool
}

// configKey names what connections and breakers are kept for. A changed key or address is another configuration, so that a
// correction takes effect at once.
type configKey struct {
	tenant, id, provider, baseURL string
	private                       bool
	key                           [sha256.Size]byte
}

// config is what a client remembers of a configuration.
type config struct {
	breaker breaker
	traits  traits
	wire    *wire // nil for a rehearsal
	asked   atomic.Int64
	used    time.Time // guarded by Client.mu
}

// maxConfigs bounds what a client remembers; the least recently used is forgotten.
const maxConfigs = 1024

// New returns a client; Close releases its connections.
func New(o Options) *Client {
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Client{log: log, bounds: o.Bounds.withDefaults(), allow: o.Allow, configs: map[configKey]*config{}}
}

// Close drops idle connections. Streams that are open end by their contexts.
func (c *Client) Close() {
	c.mu.Lock()
	all := c.configs
	c.configs, c.closed = map[configKey]*config{}, true
	c.mu.Unlock()
	for _, cfg := range all {
		cfg.close()
	}
}

// Stream asks the targets in order until one of them answers. Before the first token a failed request is repeated with
// growing waits where that makes sense, then the next target is asked; after it, the answer stands or falls with its
// target, so texts of two models are never mixed. The last chunk, and only it, carries Finish. The sequence ends after
// the first error, which is an *Error or the cause of ctx.
func (c *Client) Stream(ctx context.Context, targets []Target, r Request) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		ctx, cancel := context.WithTimeoutCause(ctx, c.bounds.Total, errTotal)
		defer cancel()
		var failure *Error
		for i, t := range targets {
			a := &answer{client: c, index: i, target: t, yield: yield}
			err := a.ask(ctx, r)
			switch {
			case err == nil, a.left:
				return
			case a.begun, ctx.Err() != nil:
				yield(Chunk{Target: i}, a.final(ctx, err))
				return
			}
			failure = better(failure, err)
			c.log.Warn("model not available", "tenant", t.Tenant, "config", t.ID, "model", t.Model, "code", err.Code, "cause", err.Reason, "reserves", len(targets)-i-1)
		}
		if failure == nil {
			failure = &Error{Code: CodeConfig, Reason: "no model is configured", Verdict: Misconfigured}
		}
		yield(Chunk{}, failure)
	}
}

// errTotal is the cause of a context that used up the whole time of an answer.
var errTotal = errors.New("the time of the answer is over")

// better is the failure that says most to the person who asked: one that may pass, else the first.
func better(old, new *Error) *Error {
	if old == nil || (old.RetryIn == 0 && new.RetryIn > 0) {
		return new
	}
	return old
}

// answer is one target's attempt at an answer.
type answer struct {
	client *Client
	index  int
	target Target
	yield  func(Chunk, error) bool
	begun  bool // a token was yielded
	left   bool // the consumer has had enough
	bytes  int
}

// ask requests the answer, again where that makes sense, and yields it. Its error is the caller's to yield; it may be
// the consequence of an ended ctx.
func (a *answer) ask(ctx context.Context, r Request) *Error {
	b := a.client.bounds
	if err := a.target.check(a.client.allow); err != nil {
		return err
	}
	cfg, err := a.client.config(a.target)
	if err != nil {
		return err
	}
	provider := a.client.provider(a.target, cfg)
	for attempt := 0; ; attempt++ {
		if err := cfg.breaker.allow(time.Now()); err != nil {
			return err
		}
		err := a.relay(ctx, provider, r)
		neutral := a.left || ctx.Err() != nil && !errors.Is(context.Cause(ctx), errTotal)
		cfg.breaker.report(err, neutral, time.Now(), b)
		if err == nil || a.begun || a.left || ctx.Err() != nil || !err.again || attempt >= b.Retries {
			return err
		}
		wait := b.Backoff << min(attempt, 10)
		wait += rand.N(wait/2 + 1) // so that those who failed together do not come back together
		if wait = max(wait, err.RetryIn); wait > b.Wait {
			return err
		}
		if pause(ctx, wait, wait) != nil {
			return err
		}
	}
}

// relay yields one provider's stream, bounded and without the key.
func (a *answer) relay(ctx context.Context, p Provider, r Request) *Error {
	text, reasoning := newRedactor(a.target.APIKey), newRedactor(a.target.APIKey)
	for chunk, err := range p.Stream(ctx, r) {
		if err != nil {
			// What is held back is the answer's: nothing came that would complete the key.
			if rest := (Chunk{Text: text.rest(), Reasoning: reasoning.rest()}); rest.Text+rest.Reasoning != "" && !a.pass(rest) {
				return nil
			}
			return asError(err)
		}
		if a.bytes += len(chunk.Text) + len(chunk.Reasoning); a.bytes > a.client.bounds.Answer {
			return &Error{Code: CodeTooLong, Reason: "the answer is longer than allowed"}
		}
		chunk.Text, chunk.Reasoning = text.clean(chunk.Text), reasoning.clean(chunk.Reasoning)
		chunk.Model = modelName(chunk.Model, a.target)
		if chunk.Finish != "" {
			chunk.Text, chunk.Reasoning = chunk.Text+text.rest(), chunk.Reasoning+reasoning.rest()
		}
		if chunk.Text == "" && chunk.Reasoning == "" && chunk.Finish == "" {
			continue
		}
		if !a.pass(chunk) || chunk.Finish != "" {
			return nil
		}
	}
	return truncated() // the provider broke its contract
}

func (a *answer) pass(c Chunk) bool {
	a.begun, c.Target = true, a.index
	a.left = !a.yield(c, nil)
	return !a.left
}

// final is what the caller hears when there will be no other attempt.
func (a *answer) final(ctx context.Context, err *Error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return err
	case !errors.Is(cause, errTotal):
		return cause
	case a.begun:
		return &Error{Code: CodeTooLong, Reason: "the answer took longer than allowed"}
	}
	return &Error{Code: CodeTimeout, Reason: "no model answered in time", Verdict: TooSlow}
}

// asError makes an *Error of what a provider ended with. The text of other errors is not ours and may hold anything.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeUnavailable, Reason: "the connection failed", Verdict: Unreachable, again: true}
}

// provider returns what speaks to the target. The target has been checked.
func (c *Client) provider(t Target, cfg *config) Provider {
	switch t.Provider {
	case OpenAI:
		return &openaiProvider{target: t, wire: cfg.wire, traits: &cfg.traits}
	case Gemini:
		return &geminiProvider{target: t, wire: cfg.wire, traits: &cfg.traits}
	case GeminiOld:
		return &oldGeminiProvider{target: t, wire: cfg.wire, traits: &cfg.traits}
	default:
		return &rehearsal{target: t, bounds: c.bounds, asked: &cfg.asked}
	}
}

func (t Target) key() configKey {
	return configKey{tenant: t.Tenant, id: t.ID, provider: t.Provider, baseURL: t.BaseURL, private: t.Private, key: sha256.Sum256([]byte(t.APIKey))}
}

// config returns what is remembered of the target's configuration, from now on.
func (c *Client) config(t Target) (*config, *Error) {
	key := t.key()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, &Error{Code: CodeUnavailable, Reason: "this instance is stopping"}
	}
	cfg, ok := c.configs[key]
	if !ok {
		c.forget()
		cfg = &config{}
		if t.Provider != Rehearsal {
			cfg.wire = newWire(t, c.bounds, c.allow)
		}
		c.configs[key] = cfg
	}
	cfg.used = time.Now()
	return cfg, nil
}

// forget makes room for one more configuration. c.mu is held; closing idle connections does not wait.
func (c *Client) forget() {
	if len(c.configs) < maxConfigs {
		return
	}
	var oldest configKey
	var when time.Time
	for key, cfg := range c.configs {
		if when.IsZero() || cfg.used.Before(when) {
			oldest, when = key, cfg.used
		}
	}
	c.configs[oldest].close()
	delete(c.configs, oldest)
}

func (cfg *config) close() {
	if cfg.wire != nil {
		cfg.wire.close()
	}
}

// maxModelLength is in bytes.
const maxModelLength = 128

// modelName is the upstream's name of the model, where it looks like one.
func modelName(name string, t Target) string {
	if name == "" || len(name) > maxModelLength || (t.APIKey != "" && strings.Contains(name, t.APIKey)) {
		return t.Model
	}
	for _, r := range name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+ ", r) {
			return t.Model
		}
	}
	return name
}

// finishReason is one of the reasons of Chunk.Finish.
func finishReason(reason string) string {
	switch strings.ToLower(reason) {
	case "stop", "end_turn", "eos", "stop_sequence":
		return "stop"
	case "length", "max_tokens", "max_output_tokens":
		return "length"
	case "content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii", "image_safety", "language", "prompt_blocked":
		return "content_filter"
	case "tool_calls", "function_call":
		return "tool_calls"
	case "refusal":
		return "refusal"
	}
	return "other"
}

func truncated() *Error {
	return &Error{Code: CodeTruncated, Reason: "the answer ended without a finish reason", Verdict: NotCompatible, again: true}
}

// emptyAnswer is the error of a complete answer without text.
func emptyAnswer(finish string) *Error {
	if finishReason(finish) == "content_filter" {
		return &Error{Code: CodeFiltered, Reason: "the provider withheld the answer"}
	}
	return &Error{Code: CodeEmpty, Reason: "the model gave an empty answer", again: true}
}
