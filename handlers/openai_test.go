package handlers

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"aihub/hub"
	"aihub/store"
)

// openAI is an unmodified client of OpenAI's interface.
func (s *site) openAI(person string) *openai.Client {
	c := openai.DefaultConfig(s.token(person))
	c.BaseURL = s.URL + "/v1"
	return openai.NewClientWithConfig(c)
}

// script lets a tenant's model answer as a script says (llm.ParseScript).
func (s *site) script(slug, script string) {
	s.t.Helper()
	must(s.t, s.tenant[slug].CreateLLMConfig(s.t.Context(), store.LLMConfig{ID: store.NewID("l"), Provider: "rehearsal", DefaultModel: "roteiro", Script: script,
		State: store.StateActive, Default: true}))
	must(s.t, s.tenant[slug].CreateModel(s.t.Context(), store.Model{ID: store.NewID("o"), Key: "rápido", Model: "roteiro-rapido", Name: "Rápido", State: store.StateActive}))
}

func say(texts ...string) openai.ChatCompletionRequest {
	r := openai.ChatCompletionRequest{Model: "default"}
	for i, text := range texts {
		r.Messages = append(r.Messages, openai.ChatCompletionMessage{Role: []string{"user", "assistant"}[i%2], Content: text})
	}
	return r
}

func TestOpenAIClient(t *testing.T) {
	s := newSite(t)
	s.script("alfa", "wait 1ms; pace 1ms; say Olá, mundo <b> — tudo bem? 👋🏽")
	c := s.openAI("alfa usuario")
	want := "Olá, mundo <b> — tudo bem? 👋🏽"

	whole, err := c.CreateChatCompletion(t.Context(), say("Oi"))
	must(t, err)
	if got := whole.Choices[0]; got.Message.Content != want || got.Message.Role != "assistant" || got.FinishReason != "stop" {
		t.Errorf("got %+v", got)
	}
	if whole.Object != "chat.completion" || whole.Model != "roteiro" || whole.Usage.PromptTokens == 0 || whole.Usage.CompletionTokens == 0 ||
		whole.Usage.TotalTokens != whole.Usage.PromptTokens+whole.Usage.CompletionTokens {
		t.Errorf("got %+v", whole)
	}

	r := say("Oi", "Olá!", "E agora?")
	r.Model, r.StreamOptions = "rápido", &openai.StreamOptions{IncludeUsage: true}
	stream, err := c.CreateChatCompletionStream(t.Context(), r)
	must(t, err)
	defer func() { _ = stream.Close() }()
	text, finish, chunks, usage := "", "", 0, (*openai.Usage)(nil)
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		chunks++
		if chunk.Usage != nil {
			usage = chunk.Usage
			continue
		}
		text += chunk.Choices[0].Delta.Content
		if f := chunk.Choices[0].FinishReason; f != "" {
			finish = string(f)
		}
		if chunk.Model != "roteiro-rapido" {
			t.Errorf("the model is %q", chunk.Model)
		}
	}
	if text != want || finish != "stop" || chunks < 4 {
		t.Errorf("streamed %q in %d chunks, finish %q", text, chunks, finish)
	}
	if usage == nil || usage.PromptTokens <= whole.Usage.PromptTokens {
		t.Errorf("usage %+v does not grow with the earlier messages", usage)
	}

	models, err := c.ListModels(t.Context())
	must(t, err)
	if len(models.Models) != 2 || models.Models[0].ID != "default" || models.Models[1].ID != "rápido" {
		t.Errorf("models %+v", models.Models)
	}

	// It is an ordinary conversation: stored, and readable over the REST interface.
	var list struct{ Items []conversationView }
	s.do("alfa usuario", "GET", "/api/v1/conversations", nil).into(t, &list)
	if len(list.Items) != 2 || list.Items[0].Channel != "api" {
		t.Fatalf("conversations %+v", list.Items)
	}
	var messages struct{ Items []hub.MessageView }
	s.do("alfa usuario", "GET", "/api/v1/conversations/"+list.Items[0].ID+"/messages", nil).into(t, &messages)
	if len(messages.Items) != 2 || messages.Items[0].Text != want || messages.Items[1].Text != "E agora?" {
		t.Errorf("stored %+v", messages.Items)
	}
}

func TestOpenAIErrors(t *testing.T) {
	s := newSite(t)
	s.script("alfa", "wait 1ms; pace 1ms; fail unavailable; times 1")
	s.script("beta", "wait 1ms; pace 1ms; tokens 20; cut; after 10")
	must(t, s.tenant["alfa"].CreatePlan(t.Context(), store.Plan{ID: "p_1", Default: true, Limits: []store.Limit{{Window: store.WindowDay, Messages: 1}}}))
	ask := func(person string, r openai.ChatCompletionRequest) *openai.APIError {
		t.Helper()
		_, err := s.openAI(person).CreateChatCompletion(t.Context(), r)
		var e *openai.APIError
		if !errors.As(err, &e) {
			t.Fatalf("got %v", err)
		}
		return e
	}
	unknown, tools, last, two := say("x"), say("x"), say("x", "y"), say("x")
	unknown.Model, tools.Tools, two.N = "gpt-9", []openai.Tool{{Type: "function"}}, 2
	for name, c := range map[string]struct {
		r      openai.ChatCompletionRequest
		status int
		code   string
	}{
		"unknown model": {unknown, 404, "not_found"}, "tools": {tools, 422, "bad_field"}, "answer last": {last, 422, "bad_field"}, "n": {two, 422, "bad_field"},
		"nothing": {say(), 422, "bad_field"}, "blank": {say("  "), 422, "bad_field"}, "long": {say(strings.Repeat("x", maxQuestion+1)), 413, "too_big"},
	} {
		if e := ask("alfa usuario", c.r); e.HTTPStatusCode != c.status || e.Code != c.code {
			t.Errorf("%s: got %d %v", name, e.HTTPStatusCode, e.Code)
		}
	}
	// The model recovers within the same request, then the day's only message is spent.
	if _, err := s.openAI("alfa usuario").CreateChatCompletion(t.Context(), say("x")); err != nil {
		t.Fatal(err)
	}
	if e := ask("alfa usuario", say("x")); e.HTTPStatusCode != 429 || e.Code != "quota_exceeded" || e.Type != "insufficient_quota" {
		t.Errorf("quota: %+v", e)
	}
	a := s.do("alfa usuario", "POST", "/v1/chat/completions", `{"model":"default","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"seed":7}`)
	if wait := a.Header.Get("Retry-After"); a.StatusCode != 429 || wait == "" || wait == "0" || a.Header.Get("X-Should-Retry") != "false" {
		t.Errorf("quota: %d %v", a.StatusCode, a.Header)
	}
	// A stream that was cut ends with an error, and never as if it were whole.
	if e := ask("beta usuario", say("x")); e.HTTPStatusCode != 502 || e.Code != "llm_truncated" {
		t.Errorf("cut: %+v", e)
	}
	stream, err := s.openAI("beta usuario").CreateChatCompletionStream(t.Context(), say("x"))
	must(t, err)
	defer func() { _ = stream.Close() }()
	text := ""
	for err == nil {
		var chunk openai.ChatCompletionStreamResponse
		if chunk, err = stream.Recv(); err == nil {
			text += chunk.Choices[0].Delta.Content
		}
	}
	var e *openai.APIError
	if !errors.As(err, &e) || e.Code != "llm_truncated" || !strings.HasPrefix(text, "‹000001›") {
		t.Errorf("cut stream: %v after %q", err, text)
	}
	for _, body := range []string{"", "{", "[]", `"x"`, `{"messages":"x"}`, `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, `{"messages":[{"role":"tool","content":"x"}]}`} {
		if a := s.do("alfa usuario", "POST", "/v1/chat/completions", body); a.StatusCode/100 != 4 || !strings.HasPrefix(a.body, `{"error":{"message":`) {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	if a := s.do("", "GET", "/v1/models", nil, "Authorization", "Bearer nonsense"); a.StatusCode != 401 || !strings.Contains(a.body, `"authentication_error"`) {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestOpenAIRequestIsRepeatable(t *testing.T) {
	s := newSite(t)
	s.script("alfa", "wait 1ms; pace 1ms; say só uma vez")
	body := map[string]any{"model": "default", "messages": []any{map[string]string{"role": "user", "content": "x"}}}
	first := s.do("alfa usuario", "POST", "/v1/chat/completions", body, "Idempotency-Key", "k1")
	again := s.do("alfa usuario", "POST", "/v1/chat/completions", body, "Idempotency-Key", "k1")
	first.want(t, 200, "")
	conv := first.Header.Get(conversationHeader)
	if conv == "" || again.Header.Get(conversationHeader) != conv || !strings.Contains(again.body, "só uma vez") {
		t.Errorf("%s and %s", first.body, again.body)
	}
	s.do("alfa usuario", "POST", "/v1/chat/completions", body, conversationHeader, conv).want(t, 200, "")
	s.do("beta usuario", "POST", "/v1/chat/completions", body, conversationHeader, conv).want(t, 404, "")
	uses, err := s.tenant["alfa"].QuotaOf(t.Context(), s.users["alfa usuario"].ID, store.Plan{Limits: []store.Limit{{Window: store.WindowDay, Messages: 9}}})
	must(t, err)
	if uses[0].MessagesUsed != 2 {
		t.Errorf("three requests, one of them a copy, cost %d messages", uses[0].MessagesUsed)
	}
}

func TestALostReaderEndsTheAnswer(t *testing.T) {
	s := newSite(t)
	s.script("alfa", "wait 1ms; pace 20ms; tokens 5000")
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := s.openAI("alfa usuario").CreateChatCompletionStream(ctx, say("x"))
	must(t, err)
	_, err = stream.Recv()
	must(t, err)
	cancel()
	var list struct{ Items []conversationView }
	s.do("alfa usuario", "GET", "/api/v1/conversations", nil).into(t, &list)
	for deadline := time.Now().Add(20 * time.Second); ; {
		var messages struct{ Items []hub.MessageView }
		s.do("alfa usuario", "GET", "/api/v1/conversations/"+list.Items[0].ID+"/messages", nil).into(t, &messages)
		if run := messages.Items[0].Run; run != nil && run.State == store.RunStopped {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("still %+v", messages.Items[0])
		}
		time.Sleep(10 * time.Millisecond)
	}
}
