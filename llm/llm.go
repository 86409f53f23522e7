package llm

import (
	"context"
	"iter"
	"time"
)

// A Target is one model to ask: where it is, with which key, under which name.
type Target struct {
	ID       string // of the configuration
	Tenant   string // whose runs ask: connections and breakers are kept per tenant and configuration
	Name     string // of the configuration, for people
	Provider string // openai, gemini, gemini-generative-ai-go or rehearsal
	BaseURL  string // "": the provider's public endpoint
	APIKey   string
	Model    string
	Script   string // of a rehearsal, see ParseScript
	KeyFrom  string // who pays; kept with the run, not used here
	// ShowReasoning says whether people see the model's reasoning; not used here.
	ShowReasoning bool
	Temperature   *float64
	// Private is set for the operator's own configurations: they may use plain HTTP and reach private addresses.
	Private bool
}

// The providers. The second Gemini library is kept selectable; its support has ended upstream.
const (
	OpenAI    = "openai" // and everything compatible: Azure, Ollama, vLLM, llama.cpp, LiteLLM
	Gemini    = "gemini"
	GeminiOld = "gemini-generative-ai-go"
	Rehearsal = "rehearsal"
)

// Where the providers are unless a target says otherwise.
const (
	DefaultOpenAI = "https://api.openai.com/v1"
	DefaultGemini = "https://generativelanguage.googleapis.com"
)

// A Message is one turn of the conversation. Role is system, user or assistant.
type Message struct{ Role, Text string }

const (
	roleSystem    = "system"
	roleUser      = "user"
	roleAssistant = "assistant"
)

// A Request is what a model is asked.
type Request struct {
	Messages  []Message
	MaxTokens int // of the answer; 0: the model's own limit
}

// Usage is what the provider counted. Out includes Reasoning, In includes CachedIn.
type Usage struct{ In, Out, CachedIn, Reasoning int64 }

// A Chunk is a piece of an answer. The last one of a complete answer carries Finish and, when the provider sent one
// that can be true, Usage.
type Chunk struct {
	Text      string // whole code points
	Reasoning string // the model's thinking; never part of the answer
	Model     string // that answers, in the provider's words; on the first chunk
	Finish    string // stop, length, content_filter, tool_calls, refusal or other
	Usage     *Usage
	Target    int // index into the targets of the one that answers
}

// A Provider streams answers of one model. Implementations pass the suite of llmtest. They may be used by any number of
// goroutines at once.
type Provider interface {
	// Stream yields the answer in order. It ends after the first error, promptly when ctx is done, and the last chunk of
	// a complete answer, and only that, carries Finish. An end without the provider's finish reason is the error
	// llm_truncated. Errors are *Error, or the cause of ctx when that has ended.
	Stream(ctx context.Context, r Request) iter.Seq2[Chunk, error]
}

// Codes of an Error; docs/protocol.md explains them to clients.
const (
	CodeAuth        = "llm_auth"
	CodeConfig      = "llm_config"
	CodeRateLimited = "llm_rate_limited"
	CodeUnavailable = "llm_unavailable"
	CodeTimeout     = "llm_timeout"
	CodeTruncated   = "llm_truncated"
	CodeBadStream   = "llm_bad_stream"
	CodeFiltered    = "llm_filtered"
	CodeTooLong     = "llm_too_long"
	CodeEmpty       = "llm_empty"
)

// An Error says why there is no (complete) answer. All of its text is ours: what an upstream wrote may hold a key, so it
// is classified and then forgotten.
type Error struct {
	Code    string
	Reason  string        // what happened, in plain words of a fixed set
	Verdict Verdict       // what an administrator should look at; "" when there is nothing to do
	Status  int           // of HTTP; 0: none
	RetryIn time.Duration // 0: unknown

	again bool   // the same request to the same target may work in a moment
	param string // the request's parameter that the upstream refused
}

func (e *Error) Error() string { return e.Code + ": " + e.Reason }

// Verdict is the plain result of a test of a configuration.
type Verdict string

// The verdicts.
const (
	OK            Verdict = "ok"
	KeyRefused    Verdict = "key_refused"
	NoBalance     Verdict = "no_balance"
	ModelUnknown  Verdict = "model_unknown"
	Unreachable   Verdict = "unreachable"
	AddressDenied Verdict = "address_denied" // the address is none that a tenant may reach
	RateLimited   Verdict = "rate_limited"
	TooSlow       Verdict = "too_slow"
	NotCompatible Verdict = "not_compatible" // it answers, but not in the provider's language
	Misconfigured Verdict = "misconfigured"
)
