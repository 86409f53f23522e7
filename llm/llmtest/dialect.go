package llmtest

import (
	"encoding/json"
	"fmt"
	"strings"

	"aihub/llm"
)

// A Dialect writes the messages of one kind of upstream.
type Dialect interface {
	Text(s string) string
	Reasoning(s string) string
	Finish(reason string) string // without text
	TextFinish(s, reason string) string
	Usage(in, out any) string // numbers as they shall stand in the message
	Stop() string             // the ordinary finish reason
	End() string              // what ends a stream; "" when that is the end of the body

	Nothings() []string                    // messages that mean nothing
	Texts(s string) map[string]string      // unusual ways to send a text
	Reasonings(s string) map[string]string // all ways to send a thought
	Finishes() map[string]string           // a reason and what it is to us
	Refusals() map[string]string           // finish reasons that are failures, and their codes
	Failures() []Failure                   // shapes of errors
	Whole(text string) string              // an answer in one JSON document, not streamed
}

// A Failure is an error as an upstream reports it in a stream.
type Failure struct{ Name, Message, Code string }

// Event frames a message.
func Event(message string) string { return "data: " + message + "\n\n" }

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// OpenAI is the dialect of chat completions.
type OpenAI struct{}

func (OpenAI) delta(delta, finish string) string {
	return fmt.Sprintf(`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m-1","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}`, delta, finish)
}

func (d OpenAI) Text(s string) string { return d.delta(`{"content":`+quote(s)+`}`, "null") }
func (d OpenAI) Reasoning(s string) string {
	return d.delta(`{"reasoning_content":`+quote(s)+`}`, "null")
}
func (d OpenAI) Finish(reason string) string {
	return d.delta(`{}`, quote(reason))
}
func (d OpenAI) TextFinish(s, reason string) string {
	return d.delta(`{"content":`+quote(s)+`}`, quote(reason))
}
func (OpenAI) Usage(in, out any) string {
	return fmt.Sprintf(`{"id":"c1","choices":[],"usage":{"prompt_tokens":%v,"completion_tokens":%v}}`, in, out)
}
func (OpenAI) Stop() string { return "stop" }
func (OpenAI) End() string  { return "data: [DONE]\n\n" }

func (d OpenAI) Nothings() []string {
	return []string{
		d.delta(`{"role":"assistant"}`, "null"), d.delta(`{"role":"assistant","content":""}`, "null"), d.delta(`{"role":"assistant","content":null}`, "null"),
		d.delta(`{"content":null,"reasoning_content":null,"reasoning":null}`, `null`), d.delta(`{"tool_calls":[]}`, `""`),
		`{"choices":[]}`, `{"choices":null}`, `{"id":"x","choices":[],"usage":null}`, `{"choices":[],"error":null}`, `{"error":null,"choices":[]}`,
		`{"id":7,"model":9,"created":1.5,"choices":[{"index":0,"delta":{"content":""},"finish_reason":false}]}`, `{}`, `null`,
		`{"choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}]}`, `{"choices":[],"usage":{}}`,
		`{"object":"","choices":[{"index":0,"delta":{},"finish_reason":null,"content_filter_offsets":{}}],"unknown":{"deep":[[[1]]]}}`,
	}
}

func (d OpenAI) Texts(s string) map[string]string {
	return map[string]string{
		"list of parts":       d.delta(`{"content":[{"type":"text","text":`+quote(s)+`}]}`, "null"),
		"list with a thought": d.delta(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":`+quote(s)+`}]}`, "null"),
		"role every time":     d.delta(`{"role":"assistant","content":`+quote(s)+`}`, "null"),
		"empty finish":        d.delta(`{"content":`+quote(s)+`}`, `""`),
		"index one":           `{"choices":[{"index":1,"delta":{"content":` + quote(s) + `}}]}`,
		"no index":            `{"choices":[{"delta":{"content":` + quote(s) + `}}]}`,
		"two choices":         `{"choices":[{"index":0,"delta":{"content":` + quote(s) + `}},{"index":1,"delta":{"content":"another answer"}}]}`,
		"text field":          `{"choices":[{"index":0,"text":` + quote(s) + `}]}`,
		"odd types":           `{"id":1,"created":"now","model":null,"choices":[{"index":0,"delta":{"content":` + quote(s) + `,"role":5}}]}`,
		"logprobs":            `{"choices":[{"index":0,"logprobs":{"content":[{"token":"x","logprob":-0.1}]},"delta":{"content":` + quote(s) + `}}]}`,
	}
}

func (d OpenAI) Reasonings(s string) map[string]string {
	return map[string]string{"reasoning_content": d.Reasoning(s), "reasoning": d.delta(`{"reasoning":`+quote(s)+`}`, "null"),
		"both":          d.delta(`{"reasoning":`+quote(s)+`,"reasoning_content":`+quote(s)+`}`, "null"),
		"thinking part": d.delta(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":`+quote(s)+`}]}]}`, "null")}
}

func (OpenAI) Finishes() map[string]string {
	return map[string]string{"stop": "stop", "length": "length", "content_filter": "content_filter", "tool_calls": "tool_calls", "function_call": "tool_calls",
		"end_turn": "stop", "eos": "stop", "max_tokens": "length", "STOP": "stop", "something_new": "other"}
}

func (OpenAI) Refusals() map[string]string {
	return map[string]string{"error": llm.CodeUnavailable, "abort": llm.CodeTruncated}
}

func (OpenAI) Failures() []Failure {
	return []Failure{
		{"object", `{"error":{"message":"boom","type":"server_error","code":null}}`, llm.CodeUnavailable},
		{"object with space", `{ "error" : {"message":"boom"}}`, llm.CodeUnavailable},
		{"not first", `{"id":"x","object":"chat.completion.chunk","choices":[],"error":{"code":502,"message":"Provider returned error"}}`, llm.CodeUnavailable},
		{"finish error", `{"id":"x","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"code":"server_error","message":"gone"}}`, llm.CodeUnavailable},
		{"in the choice", `{"choices":[{"index":0,"delta":{},"error":{"code":429,"message":"slow down"},"finish_reason":"error"}]}`, llm.CodeRateLimited},
		{"string", `{"error":"llama runner process has terminated"}`, llm.CodeUnavailable},
		{"vLLM", `{"object":"error","message":"Internal server error","type":"InternalServerError","param":null,"code":500}`, llm.CodeUnavailable},
		{"vLLM bad request", `{"object":"error","message":"bad things","type":"BadRequestError","code":400}`, llm.CodeConfig},
		{"nested vLLM", `{"error":{"message":"EngineCore died","type":"InternalServerError","param":null,"code":500}}`, llm.CodeUnavailable},
		{"FastAPI", `{"detail":"Internal Server Error"}`, llm.CodeUnavailable},
		{"FastAPI list", `{"detail":[{"loc":["body"],"msg":"rate limit exceeded","type":"value_error"}]}`, llm.CodeRateLimited},
		{"message", `{"message":"Too many requests"}`, llm.CodeRateLimited},
		{"Anthropic", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, llm.CodeUnavailable},
		{"numeric code", `{"error":{"code":401,"message":"nope"}}`, llm.CodeAuth},
		{"code as text", `{"error":{"code":"429","message":"nope"}}`, llm.CodeRateLimited},
		{"invalid key", `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}`, llm.CodeAuth},
		{"no balance", `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}`, llm.CodeRateLimited},
		{"context", `{"error":{"message":"This model's maximum context length is 8192 tokens","code":"context_length_exceeded"}}`, llm.CodeTooLong},
		{"context llama.cpp", `{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}`, llm.CodeTooLong},
		{"no model", `{"error":{"message":"The model x does not exist","code":"model_not_found"}}`, llm.CodeConfig},
		{"filter", `{"error":{"message":"The response was filtered","code":"content_filter"}}`, llm.CodeFiltered},
		{"timeout", `{"error":{"message":"Request timed out","type":"timeout"}}`, llm.CodeTimeout},
		{"list", `[{"error":{"code":503,"message":"unavailable"}}]`, llm.CodeUnavailable},
		{"true", `{"error":true}`, llm.CodeUnavailable},
		{"empty object", `{"error":{}}`, llm.CodeUnavailable},
		{"number", `{"error":500}`, llm.CodeUnavailable},
	}
}

func (OpenAI) Whole(text string) string {
	return `{"id":"c1","object":"chat.completion","created":1,"model":"m-1","choices":[{"index":0,"message":{"role":"assistant","content":` + quote(text) +
		`},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}`
}

// Gemini is the dialect of generateContent.
type Gemini struct{}

func (Gemini) candidate(parts, finish string) string {
	return `{"candidates":[{"content":{"parts":[` + parts + `],"role":"model"},"index":0` + finish + `}],"modelVersion":"m-1"}`
}

func (d Gemini) Text(s string) string { return d.candidate(`{"text":`+quote(s)+`}`, "") }
func (d Gemini) Reasoning(s string) string {
	return d.candidate(`{"text":`+quote(s)+`,"thought":true}`, "")
}
func (d Gemini) Finish(reason string) string {
	return d.candidate(`{"text":""}`, `,"finishReason":`+quote(reason))
}
func (d Gemini) TextFinish(s, reason string) string {
	return d.candidate(`{"text":`+quote(s)+`}`, `,"finishReason":`+quote(reason))
}
func (Gemini) Usage(in, out any) string {
	return fmt.Sprintf(`{"usageMetadata":{"promptTokenCount":%v,"candidatesTokenCount":%v}}`, in, out)
}
func (Gemini) Stop() string { return "STOP" }
func (Gemini) End() string  { return "" }

func (d Gemini) Nothings() []string {
	return []string{`{}`, `null`, `{"candidates":[]}`, `{"candidates":null}`, `{"candidates":[{}]}`, `{"candidates":[{"content":null}]}`, `{"candidates":[{"content":{}}]}`,
		`{"candidates":[{"content":{"parts":[]}}]}`, `{"candidates":[{"content":{"parts":null,"role":"model"}}]}`, d.candidate(`{"text":""}`, ""), d.candidate(`{"text":null}`, ""),
		d.candidate(`{"thoughtSignature":"AAAA"}`, ""), d.candidate(`{"newKind":{"a":1}}`, ""), `{"promptFeedback":{}}`, `{"promptFeedback":{"safetyRatings":[]}}`,
		`{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"FINISH_REASON_UNSPECIFIED"}]}`, `{"usageMetadata":{}}`, `{"responseId":"x","createTime":"y","error":null}`}
}

func (d Gemini) Texts(s string) map[string]string {
	half := strings.Index(s, " ")
	return map[string]string{
		"two parts":         d.candidate(`{"text":`+quote(s[:half])+`},{"text":`+quote(s[half:])+`}`, ""),
		"part with a sign":  d.candidate(`{"text":`+quote(s)+`,"thoughtSignature":"AAAA"}`, ""),
		"with unknown part": d.candidate(`{"brandNew":{}},{"text":`+quote(s)+`}`, ""),
		"with a thought":    d.candidate(`{"text":"hm","thought":true},{"text":`+quote(s)+`}`, ""),
		"in a list":         "[" + d.Text(s) + "]",
		"no role":           `{"candidates":[{"content":{"parts":[{"text":` + quote(s) + `}]}}]}`,
		"ratings":           `{"candidates":[{"content":{"parts":[{"text":` + quote(s) + `}]},"safetyRatings":[{"category":"X","probability":"LOW"}],"citationMetadata":{}}]}`,
		"two candidates":    `{"candidates":[{"content":{"parts":[{"text":` + quote(s) + `}]}},{"content":{"parts":[{"text":"another answer"}]},"index":1}]}`,
	}
}

func (d Gemini) Reasonings(s string) map[string]string {
	return map[string]string{"thought": d.Reasoning(s)}
}

func (Gemini) Finishes() map[string]string {
	return map[string]string{"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter", "RECITATION": "content_filter", "PROHIBITED_CONTENT": "content_filter",
		"BLOCKLIST": "content_filter", "SPII": "content_filter", "OTHER": "other", "MALFORMED_FUNCTION_CALL": "other", "BRAND_NEW": "other"}
}

func (Gemini) Refusals() map[string]string { return map[string]string{} }

func (Gemini) Failures() []Failure {
	return []Failure{
		{"internal", `{"error":{"code":500,"message":"An internal error has occurred","status":"INTERNAL"}}`, llm.CodeUnavailable},
		{"overloaded", `{"error":{"code":503,"message":"The model is overloaded","status":"UNAVAILABLE"}}`, llm.CodeUnavailable},
		{"list", `[{"error":{"code":503,"message":"The model is overloaded","status":"UNAVAILABLE"}}]`, llm.CodeUnavailable},
		{"quota", `{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}`, llm.CodeRateLimited},
		{"key", `{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`, llm.CodeAuth},
		{"permission", `{"error":{"code":403,"message":"denied","status":"PERMISSION_DENIED"}}`, llm.CodeAuth},
		{"model", `{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}`, llm.CodeConfig},
		{"argument", `{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}`, llm.CodeConfig},
		{"too long", `{"error":{"code":400,"message":"The input token count exceeds the maximum number of tokens allowed","status":"INVALID_ARGUMENT"}}`, llm.CodeTooLong},
		{"deadline", `{"error":{"code":0,"message":"late","status":"DEADLINE_EXCEEDED"}}`, llm.CodeTimeout},
		{"not first", `{"candidates":[],"error":{"code":500}}`, llm.CodeUnavailable},
		{"string", `{"error":"gone"}`, llm.CodeUnavailable},
		{"empty object", `{"error":{}}`, llm.CodeUnavailable},
	}
}

func (Gemini) Whole(text string) string {
	return `[{"candidates":[{"content":{"parts":[{"text":` + quote(text) + `}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":4}}]`
}
