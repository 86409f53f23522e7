package hub

import (
	"errors"
	"time"

	"aihub/store"
)

// An Error is a refusal as the person on the other end sees it: a stable code of the protocol, a sentence, and
// whether and when trying again makes sense. It never carries text of an upstream.
type Error struct {
	Code    string
	Message string
	Retry   bool
	RetryIn time.Duration
	ResetAt time.Time
	ResetIn time.Duration // until ResetAt
	Owner   *OwnerView    // of a conversation that the refusal is about
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// E returns the error of a code with its standard message.
func E(code string) *Error {
	m, ok := messages[code]
	if !ok {
		code, m = "internal", messages["internal"]
	}
	return &Error{Code: code, Message: m.text, Retry: m.retry}
}

// Ef returns the error of a code with a more precise message.
func Ef(code, message string) *Error {
	e := E(code)
	e.Message = message
	return e
}

// asError turns any error into one that may be shown; what it does not know becomes `internal`.
func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return E("internal")
}

// heldBy tells who answers in a conversation.
func heldBy(o store.Owner) *Error {
	e := E("conv_human")
	owner := ViewOwner(o)
	e.Owner = &owner
	return e
}

// messages holds every code of the protocol. The sentences are for developers; people see their client's own words.
var messages = map[string]struct {
	text  string
	retry bool
}{
	"bad_json":            {"the frame is not one JSON object with unique names", false},
	"bad_utf8":            {"the text is not valid Unicode", false},
	"bad_type":            {"unknown or missing frame type", false},
	"bad_field":           {"a field is unknown, missing or has a wrong value", false},
	"too_big":             {"the text is too long", false},
	"rate_limited":        {"too many frames; slow down", true},
	"unauthenticated":     {"the token is missing or not valid", false},
	"token_expired":       {"the token has expired; renew it", false},
	"forbidden":           {"your role may not do this", false},
	"origin_denied":       {"this origin is not allowed", false},
	"not_found":           {"there is no such thing", false},
	"conflict":            {"the state has changed; read it again", true},
	"tenant_suspended":    {"the distributor is suspended", false},
	"conversation_closed": {"the conversation is closed", false},
	"quota_exceeded":      {"the plan's limit is reached", false},
	"quota_unavailable":   {"the quota cannot be checked now", true},
	"idem_mismatch":       {"this cid was used with another body", false},
	"conv_busy":           {"an answer is still being written", true},
	"conv_human":          {"a person has taken the conversation over", false},
	"slow_consumer":       {"the connection did not keep up", true},
	"llm_auth":            {"the model's provider refused the key", false},
	"llm_config":          {"no usable model is configured", false},
	"llm_rate_limited":    {"the model's provider limits requests", true},
	"llm_unavailable":     {"the model's provider is not available", true},
	"llm_timeout":         {"the model did not answer in time", true},
	"llm_truncated":       {"the answer was cut off", true},
	"llm_bad_stream":      {"the model's provider sent something unreadable", true},
	"llm_filtered":        {"the model's provider withheld the answer", false},
	"llm_too_long":        {"the answer grew too long", false},
	"llm_empty":           {"the model gave an empty answer", true},
	"store_unavailable":   {"the database cannot be reached now", true},
	"bus_unavailable":     {"the live log cannot be reached now", true},
	"draining":            {"this instance is stopping; connect again", true},
	"instance_lost":       {"the instance that answered was lost", true},
	"internal":            {"something went wrong here", true},
}

// Close codes of the protocol. Below 4400 a client reconnects and resumes; from 4400 on it stops.
const (
	CloseDrain         = 4001
	CloseSlow          = 4008
	CloseLostPosition  = 4010
	CloseNoPong        = 4012
	CloseTooMany       = 4029
	CloseAbuse         = 4400
	CloseUnauth        = 4401
	CloseExpired       = 4403
	CloseOrigin        = 4404
	CloseSuspended     = 4423
	CloseInternal      = 1011
	CloseInvalidUTF8   = 1007
	CloseMessageTooBig = 1009
)
