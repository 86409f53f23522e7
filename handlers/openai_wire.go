package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"

	"aihub/hub"
	"aihub/llm"
	"aihub/store"
)

// Requests, answers and errors in OpenAI's shape.

type chatRequest struct {
	Model         string        `json:"model"`
	Messages      []chatMessage `json:"messages"`
	Stream        bool          `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	MaxTokens           int             `json:"max_tokens"`
	MaxCompletionTokens int             `json:"max_completion_tokens"`
	Temperature         *float64        `json:"temperature"`
	N                   *int            `json:"n"`
	Tools               json.RawMessage `json:"tools"`
	Functions           json.RawMessage `json:"functions"`
	Audio               json.RawMessage `json:"audio"`
	Logprobs            bool            `json:"logprobs"`
	ResponseFormat      struct {
		Type string `json:"type"`
	} `json:"response_format"`
}

type chatMessage struct {
	Role    string      `json:"role"`
	Content chatContent `json:"content"`
}

// chatContent is a message's text: a string, or a list of text parts.
type chatContent string

func (c *chatContent) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*c = chatContent(text)
		return nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(data, &parts); err != nil {
		return contentError("content must be a string or a list of parts")
	}
	for _, p := range parts {
		if p.Type != "text" {
			return contentError("content parts other than text are not supported")
		}
		text += p.Text
	}
	*c = chatContent(text)
	return nil
}

type contentError string

func (e contentError) Error() string { return string(e) }

// question translates a request. Errors are *hub.Error.
func (r *chatRequest) question() (hub.Question, error) {
	set := func(v json.RawMessage) bool { return len(v) > 0 && string(v) != "null" && string(v) != "[]" }
	switch {
	case len(r.Messages) == 0:
		return hub.Question{}, hub.Ef("bad_field", "messages is empty")
	case r.N != nil && *r.N != 1:
		return hub.Question{}, hub.Ef("bad_field", "n must be 1")
	case set(r.Tools), set(r.Functions), set(r.Audio), r.Logprobs:
		return hub.Question{}, hub.Ef("bad_field", "tools, functions, audio and logprobs are not supported")
	case r.ResponseFormat.Type != "" && r.ResponseFormat.Type != "text":
		return hub.Question{}, hub.Ef("bad_field", "response_format must be text")
	case r.Temperature != nil && !(*r.Temperature >= 0 && *r.Temperature <= 2):
		return hub.Question{}, hub.Ef("bad_field", "temperature must be from 0 to 2")
	case r.MaxTokens < 0 || r.MaxCompletionTokens < 0:
		return hub.Question{}, hub.Ef("bad_field", "max_tokens must not be negative")
	}
	q := hub.Question{Model: r.Model, MaxTokens: max(r.MaxTokens, r.MaxCompletionTokens), Temperature: r.Temperature}
	if q.Model == defaultModel {
		q.Model = ""
	}
	for i, m := range r.Messages {
		role, text := m.Role, string(m.Content)
		if role == "developer" {
			role = "system"
		}
		switch last := i == len(r.Messages)-1; {
		case role != "system" && role != "user" && role != "assistant":
			return q, hub.Ef("bad_field", "a message's role must be system, developer, user or assistant")
		case last && role != "user":
			return q, hub.Ef("bad_field", "the last message must be the user's")
		case last && len(text) > maxQuestion:
			return q, hub.Ef("too_big", fmt.Sprintf("the last message has more than %d bytes", maxQuestion))
		case last:
			q.Text = text
		default:
			q.Earlier = append(q.Earlier, llm.Message{Role: role, Text: text})
		}
	}
	return q, nil
}

// completion is what chunks and whole answers have in common.
type completion struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"`
	Created int64        `json:"created"`
	Model   string       `json:"model"`
	Choices []chatChoice `json:"choices"`
	Usage   *chatUsage   `json:"usage,omitempty"`
}

type chatChoice struct {
	Index   int       `json:"index"`
	Message *chatText `json:"message,omitempty"`
	Delta   *chatText `json:"delta,omitempty"`
	Finish  *string   `json:"finish_reason"`
}

type chatText struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
}

type chatUsage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Total      int64 `json:"total_tokens"`
}

func usageOf(end *hub.RunView) *chatUsage {
	return &chatUsage{end.Usage.In, end.Usage.Out, end.Usage.In + end.Usage.Out}
}

// finishOf is OpenAI's finish reason of a run, or the error that it ended with.
func finishOf(end *hub.RunView) (string, error) {
	switch end.State {
	case store.RunComplete:
		switch end.Finish {
		case "length", "content_filter":
			return end.Finish, nil
		}
		return "stop", nil
	case store.RunStopped:
		if end.Code == "quota_exceeded" && end.Len > 0 {
			return "length", nil // the plan ended before the answer did
		}
		if end.Code == "" {
			return "stop", nil
		}
	}
	if end.Code == "" {
		return "", hub.E("conv_human") // a person took the conversation over
	}
	return "", hub.E(end.Code)
}

// openAIError is an error in OpenAI's shape, with a code of the protocol.
type openAIError struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    string  `json:"code"`
	} `json:"error"`
}

func openAIErrorOf(p *Problem) openAIError {
	var out openAIError
	out.Error.Message, out.Error.Code = p.Detail, p.Code
	switch {
	case p.Code == "quota_exceeded":
		out.Error.Type = "insufficient_quota"
	case p.Status == http.StatusTooManyRequests:
		out.Error.Type = "rate_limit_error"
	case p.Status >= 500:
		out.Error.Type = "server_error"
	case p.Status == http.StatusUnauthorized:
		out.Error.Type = "authentication_error"
	case p.Status == http.StatusForbidden:
		out.Error.Type = "permission_error"
	default:
		out.Error.Type = "invalid_request_error"
	}
	return out
}

// sendOpenAIError answers a refused request. OpenAI's own libraries obey X-Should-Retry.
func sendOpenAIError(w http.ResponseWriter, err error) {
	p := problemOf(err)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("X-Should-Retry", fmt.Sprint(p.Retry))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(openAIErrorOf(p))
}
