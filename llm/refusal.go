package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// refused makes an error of an HTTP answer that is not a success. What the upstream wrote is read for its meaning only.
func refused(status int, header http.Header, body []byte, now time.Time) *Error {
	c := complaintOf(body)
	e := c.error(status)
	e.Status = status
	if in, ok := retryAfter(header, now); ok {
		e.RetryIn = in
	}
	return e
}

// complaint is what an upstream says went wrong, in any of the known shapes.
type complaint struct {
	status  int    // of HTTP, when the message names one
	words   string // codes, types and the text, in lower case
	param   string
	retryIn time.Duration
}

// complaintOf reads an error message: an object, a string, an object in an array; OpenAI's, Azure's, vLLM's, FastAPI's,
// Google's, Anthropic's, Ollama's. It never fails: what it does not understand has no words.
func complaintOf(data []byte) (c complaint) {
	data = bytes.TrimSpace(data)
	for range 3 { // [ { "error": …
		if len(data) > 0 && data[0] == '[' {
			var list []json.RawMessage
			if json.Unmarshal(data, &list) != nil || len(list) == 0 {
				break
			}
			data = list[0]
		}
		var outer struct {
			Error  json.RawMessage `json:"error"`
			Detail json.RawMessage `json:"detail"`
		}
		if len(data) == 0 || data[0] != '{' || json.Unmarshal(data, &outer) != nil {
			break
		}
		c.read(data)
		switch {
		case !isNull(outer.Error):
			data = outer.Error
		case !isNull(outer.Detail):
			data = outer.Detail
		default:
			return c
		}
	}
	if len(data) > 0 && data[0] == '{' {
		c.read(data)
	} else {
		c.words += " " + strings.ToLower(string(data[:min(len(data), 2000)]))
	}
	return c
}

// read takes in one object.
func (c *complaint) read(data []byte) {
	var m struct {
		Code    json.RawMessage `json:"code"`
		Type    loose           `json:"type"`
		Status  json.RawMessage `json:"status"`
		Message loose           `json:"message"`
		Msg     loose           `json:"msg"`
		Param   loose           `json:"param"`
		Details []struct {
			Reason     loose `json:"reason"`
			RetryDelay loose `json:"retryDelay"`
		} `json:"details"`
	}
	_ = json.Unmarshal(data, &m) // a field of an unexpected type leaves the others readable
	for _, raw := range []json.RawMessage{m.Code, m.Status} {
		text := strings.Trim(string(raw), `"`)
		if n, err := strconv.Atoi(text); err == nil && n >= 400 && n < 600 {
			c.status = n
		}
		c.words += " " + strings.ToLower(text)
	}
	message := string(m.Message + m.Msg)
	c.words += " " + strings.ToLower(string(m.Type)+" "+message[:min(len(message), 2000)])
	if m.Param != "" {
		c.param = string(m.Param)
	}
	for _, d := range m.Details {
		c.words += " " + strings.ToLower(string(d.Reason))
		if in, err := time.ParseDuration(string(d.RetryDelay)); err == nil {
			c.retryIn = saneRetry(in)
		}
	}
}

// has reports whether the complaint contains one of the words.
func (c *complaint) has(words ...string) bool {
	for _, w := range words {
		if strings.Contains(c.words, w) {
			return true
		}
	}
	return false
}

// error classifies the complaint. status is that of HTTP; 0 in the middle of a stream.
func (c *complaint) error(status int) *Error {
	if status < 400 && c.status != 0 {
		status = c.status
	}
	said := "the provider reported an error"
	if status != 0 {
		said = fmt.Sprintf("the provider answered HTTP %d", status)
	}
	e := &Error{Status: status, RetryIn: c.retryIn}
	set := func(code string, verdict Verdict, again bool, what string) *Error {
		e.Code, e.Verdict, e.again, e.Reason = code, verdict, again, said+what
		return e
	}
	noBalance := c.has("insufficient_quota", "insufficient quota", "insufficient balance", "insufficient credit", "billing_hard_limit", "billing_not_active", "credit balance")
	switch {
	case status == 401 || status == 403:
		return set(CodeAuth, KeyRefused, false, ": it refuses the key")
	case status == 402:
		return set(CodeAuth, NoBalance, false, ": the account has no balance")
	case status == 404:
		return set(CodeConfig, ModelUnknown, false, ": it does not know the model, or the address is wrong")
	case status == 408:
		return set(CodeTimeout, TooSlow, true, "")
	case status == 413:
		return set(CodeTooLong, Misconfigured, false, ": the conversation is too long")
	case status == 429 && noBalance:
		return set(CodeRateLimited, NoBalance, false, ": the account has no balance")
	case status == 429:
		return set(CodeRateLimited, RateLimited, true, ": too many requests")
	case status >= 500:
		return set(CodeUnavailable, Unreachable, true, "")
	case c.has("context_length", "context length", "context size", "context_size", "context window", "prompt is too long", "maximum number of tokens", "too many tokens"):
		return set(CodeTooLong, Misconfigured, false, ": the conversation is longer than the model's context")
	case c.has("api_key_invalid", "invalid_api_key", "api key not valid", "incorrect api key", "unauthenticated", "authentication", "unauthorized", "permission_denied", "permission denied"):
		return set(CodeAuth, KeyRefused, false, ": it refuses the key")
	case noBalance:
		return set(CodeRateLimited, NoBalance, false, ": the account has no balance")
	case c.has("rate_limit", "rate limit", "ratelimit", "resource_exhausted", "too many requests", "too_many_requests"):
		return set(CodeRateLimited, RateLimited, true, ": too many requests")
	case c.has("content_filter", "content_policy", "content management policy", "responsibleai"):
		return set(CodeFiltered, "", false, ": it withholds the answer")
	case c.has("model_not_found", "model not found", "not_found", "does not exist", "unknown model"):
		return set(CodeConfig, ModelUnknown, false, ": it does not know the model")
	case c.has("overloaded", "unavailable", "server_error", "internal", "bad gateway"):
		return set(CodeUnavailable, Unreachable, true, "")
	case c.has("timeout", "timed out", "deadline_exceeded", "deadline exceeded"):
		return set(CodeTimeout, TooSlow, true, "")
	case status >= 400:
		i := slices.IndexFunc(optional, func(p string) bool { return c.param == p || c.param == "" && c.has(p) })
		if i >= 0 {
			e.param = optional[i]
		}
		return set(CodeConfig, Misconfigured, false, ": it does not accept the request")
	}
	return set(CodeUnavailable, Unreachable, true, "")
}

// maxRetry is the longest time to come back that is believed.
const maxRetry = time.Hour

func saneRetry(d time.Duration) time.Duration { return max(0, min(d, maxRetry)) }

// retryAfter reads when to come again, in any form that providers use. A value that makes no sense counts as none.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if ms, err := strconv.ParseFloat(strings.TrimSpace(h.Get("Retry-After-Ms")), 64); err == nil && ms >= 0 && !math.IsInf(ms, 0) {
		return seconds(ms / 1000), true
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		if !(s >= 0) || math.IsInf(s, 0) {
			return 0, false
		}
		return seconds(s), true
	}
	if at, err := http.ParseTime(v); err == nil {
		return saneRetry(at.Sub(now)), true
	}
	if at, err := time.Parse(time.RFC3339, v); err == nil {
		return saneRetry(at.Sub(now)), true
	}
	if d, err := time.ParseDuration(v); err == nil && d >= 0 { // "1m30s"
		return saneRetry(d), true
	}
	for _, name := range []string{"X-Ratelimit-Reset-Requests", "X-Ratelimit-Reset-Tokens"} {
		if h.Get(strings.Replace(name, "Reset", "Remaining", 1)) != "0" {
			continue
		}
		if d, err := time.ParseDuration(h.Get(name)); err == nil && d >= 0 {
			return saneRetry(d), true
		}
	}
	return 0, false
}

func seconds(s float64) time.Duration {
	if s > maxRetry.Seconds() {
		return maxRetry
	}
	return time.Duration(s * float64(time.Second))
}
