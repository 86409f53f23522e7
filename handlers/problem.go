package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	jsonv2 "github.com/go-json-experiment/json"

	"aihub/hub"
	"aihub/store"
)

// A Problem is an error as clients see it (RFC 9457), with the same code the live connection uses. It never quotes a
// request's values: one of them may be a password.
type Problem struct {
	Type    string   `json:"type" doc:"always about:blank; code is what to decide on"`
	Title   string   `json:"title"`
	Status  int      `json:"status"`
	Detail  string   `json:"detail"`
	Code    string   `json:"code" doc:"a stable code, see the protocol"`
	Retry   bool     `json:"retry" doc:"whether trying again makes sense"`
	RetryMS int64    `json:"retry_ms,omitempty"`
	ResetAt string   `json:"reset_at,omitempty"`
	Ref     string   `json:"ref,omitempty" doc:"names the failure in the server's log"`
	Errors  []Detail `json:"errors,omitempty"`

	resetIn time.Duration // until ResetAt
}

// A Detail says what is wrong with one field.
type Detail struct {
	Location string `json:"location,omitempty"`
	Message  string `json:"message"`
}

func (p *Problem) Error() string             { return p.Code + ": " + p.Detail }
func (p *Problem) GetStatus() int            { return p.Status }
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	switch {
	case p.RetryMS > 0:
		h.Set("Retry-After", strconv.FormatInt((p.RetryMS+999)/1000, 10))
	case p.resetIn > 0:
		h.Set("Retry-After", strconv.FormatInt(int64(p.resetIn/time.Second)+1, 10))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	return h
}

// statuses are the HTTP status codes of the protocol's codes.
var statuses = map[string]int{
	"bad_json": 400, "bad_utf8": 400, "bad_type": 415, "bad_field": 422, "too_big": 413, "rate_limited": 429,
	"unauthenticated": 401, "token_expired": 401, "forbidden": 403, "origin_denied": 403, "tenant_suspended": 403, "not_found": 404,
	"conflict": 409, "conversation_closed": 409, "idem_mismatch": 409, "conv_busy": 409, "conv_human": 409, "quota_exceeded": 429,
	"quota_unavailable": 503, "llm_rate_limited": 429, "llm_auth": 502, "llm_config": 502, "llm_unavailable": 502, "llm_timeout": 504,
	"llm_truncated": 502, "llm_bad_stream": 502, "llm_filtered": 422, "llm_too_long": 502, "llm_empty": 502,
	"store_unavailable": 503, "bus_unavailable": 503, "draining": 503, "instance_lost": 503, "internal": 500,
}

func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var e *hub.Error
	if !errors.As(err, &e) {
		e = fromStore(err)
	}
	status := statuses[e.Code]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	p = &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: e.Message, Code: e.Code, Retry: e.Retry, RetryMS: e.RetryIn.Milliseconds()}
	if !e.ResetAt.IsZero() {
		p.ResetAt, p.resetIn = e.ResetAt.UTC().Format(time.RFC3339), e.ResetIn
	}
	return p
}

// fromStore is what a person is told of an error of the store.
func fromStore(err error) *hub.Error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return hub.E("not_found")
	case errors.Is(err, store.ErrLastAdmin):
		return conflict("the distributor's last administrator can't be removed")
	case errors.Is(err, store.ErrInUse):
		return conflict("somebody is still subscribed to it")
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrExists):
		return hub.E("conflict")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		e := hub.E("store_unavailable")
		e.RetryIn = time.Second
		return e
	}
	return hub.E("internal")
}

// conflict refuses what trying again would not change.
func conflict(message string) *hub.Error {
	e := hub.Ef("conflict", message)
	e.Retry = false
	return e
}

// asProblem is problemOf for handlers, where no error stays none.
func asProblem(err error) error {
	if err == nil {
		return nil
	}
	return problemOf(err)
}

// codeOf is the code of a refusal that huma itself makes.
func codeOf(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "bad_json"
	case http.StatusNotFound:
		return "not_found"
	case http.StatusRequestEntityTooLarge:
		return "too_big"
	case http.StatusUnsupportedMediaType:
		return "bad_type"
	case http.StatusUnprocessableEntity, http.StatusNotAcceptable:
		return "bad_field"
	}
	return "internal"
}

func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: msg, Code: codeOf(status)}
		if status >= 500 {
			p.Detail = problemOf(hub.E(p.Code)).Detail
		}
		for _, err := range errs {
			var d huma.ErrorDetailer
			if errors.As(err, &d) {
				p.Errors = append(p.Errors, Detail{d.ErrorDetail().Location, d.ErrorDetail().Message})
			}
		}
		return p
	}
}

// strictJSON refuses duplicate names, names in another case and invalid Unicode.
var strictJSON = huma.Format{
	Marshal:   func(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) },
	Unmarshal: func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) },
}

func writeProblem(c huma.Context, p *Problem) {
	for name, values := range p.GetHeaders() {
		c.SetHeader(name, values[0])
	}
	c.SetHeader("Content-Type", "application/problem+json")
	c.SetStatus(p.Status)
	_ = json.NewEncoder(c.BodyWriter()).Encode(p)
}

// sendProblem answers a request outside the REST interface.
func sendProblem(w http.ResponseWriter, err error) {
	p := problemOf(err)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func notFound(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/") || r.Method != http.MethodGet {
		sendProblem(w, hub.E("not_found"))
		return
	}
	notFoundPage(w, r)
}

func methodNotAllowed(w http.ResponseWriter, _ *http.Request) {
	p := problemOf(hub.Ef("bad_type", "this address does not answer that method"))
	p.Status, p.Title = http.StatusMethodNotAllowed, http.StatusText(http.StatusMethodNotAllowed)
	sendProblem(w, p)
}
