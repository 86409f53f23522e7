package llm

import (
	"encoding/json"
	"math"
	"strconv"
)

const (
	// maxTokens is more than any model reads or writes at once; a report above it is nonsense.
	maxTokens = 100_000_000
	// maxTokenBytes is the length of the longest token in any common vocabulary: a report of so few tokens that they
	// can't have made the text is nonsense too.
	maxTokenBytes = 128
)

// tokenCount reads a reported number of tokens; false when it can't be one.
func tokenCount(f float64) (int64, bool) {
	if math.IsNaN(f) || f < 0 || f > maxTokens || f != math.Trunc(f) {
		return 0, false
	}
	return int64(f), true
}

// count is a reported number of tokens as it stands in JSON: absent, good or bad.
type count struct {
	n    int64
	seen bool
	bad  bool
}

func (c *count) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	c.seen = true
	f, err := strconv.ParseFloat(string(b), 64)
	n, ok := tokenCount(f)
	if err != nil || !ok {
		c.bad = true
		return nil
	}
	c.n = n
	return nil
}

// openaiUsage is the report of an OpenAI-compatible provider.
type openaiUsage struct {
	Prompt     count `json:"prompt_tokens"`
	Completion count `json:"completion_tokens"`
	Total      count `json:"total_tokens"`
	PromptDet  struct {
		Cached count `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDet struct {
		Reasoning count `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// parse returns what a report says, and whether there was one at all. A report that can't be true is (nil, true).
func (openaiUsage) parse(raw []byte) (*Usage, bool) {
	if isNull(raw) {
		return nil, false
	}
	var w openaiUsage
	if json.Unmarshal(raw, &w) != nil {
		return nil, true
	}
	if !w.Prompt.seen && !w.Completion.seen {
		return nil, false
	}
	if !w.Completion.seen && w.Total.seen && !w.Total.bad {
		w.Completion = count{n: w.Total.n - w.Prompt.n, seen: true}
	}
	return makeUsage(w.Prompt, w.Completion, w.PromptDet.Cached, w.CompletionDet.Reasoning), true
}

// geminiUsage is the report of Gemini. Thoughts are counted beside the candidates and billed like them.
type geminiUsage struct {
	Prompt     count `json:"promptTokenCount"`
	Cached     count `json:"cachedContentTokenCount"`
	Candidates count `json:"candidatesTokenCount"`
	Thoughts   count `json:"thoughtsTokenCount"`
	Total      count `json:"totalTokenCount"`
}

func (geminiUsage) parse(raw []byte) (*Usage, bool) {
	if isNull(raw) {
		return nil, false
	}
	var w geminiUsage
	if json.Unmarshal(raw, &w) != nil {
		return nil, true
	}
	if !w.Prompt.seen && !w.Candidates.seen && !w.Total.seen {
		return nil, false
	}
	out := count{n: w.Candidates.n + w.Thoughts.n, seen: w.Candidates.seen, bad: w.Candidates.bad || w.Thoughts.bad}
	if !out.seen && w.Total.seen && !w.Total.bad {
		out = count{n: w.Total.n - w.Prompt.n, seen: true, bad: out.bad}
	}
	return makeUsage(w.Prompt, out, w.Cached, w.Thoughts), true
}

func makeUsage(in, out, cached, reasoning count) *Usage {
	if in.bad || out.bad || cached.bad || reasoning.bad || !in.seen || !out.seen || out.n < 0 || out.n > maxTokens {
		return nil
	}
	return &Usage{In: in.n, Out: out.n, CachedIn: min(cached.n, in.n), Reasoning: min(reasoning.n, out.n)}
}

// plausible is u, or nil when so few tokens can't have made so much text. An explicit zero is respected: some providers
// answer for nothing.
func (u *Usage) plausible(textBytes int) *Usage {
	if u != nil && u.Out > 0 && u.Out*maxTokenBytes < int64(textBytes) {
		return nil
	}
	return u
}

func isNull(raw []byte) bool { return len(raw) == 0 || string(raw) == "null" }
