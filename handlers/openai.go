package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"aihub/hub"
	"aihub/store"
)

// The OpenAI-compatible endpoint: what programs written for OpenAI's chat interface need, through the same admission,
// quota and runs as everybody else. Unlike our own interface it ignores fields it does not know, as those programs send
// many; what would change the answer's form is refused.

const (
	// maxQuestion bounds the last message: it becomes an event of the live log.
	maxQuestion = hub.MaxFrame
	// defaultModel is the name under which a client asks for whatever the distributor has set.
	defaultModel = "default"
	// chatWriteTime is how long one write to a client may take.
	chatWriteTime = 30 * time.Second
	// conversationHeader names the conversation a completion belongs to, in requests and answers.
	conversationHeader = "AIHub-Conversation"
)

// chatCompletions answers POST /v1/chat/completions.
func (s *Server) chatCompletions(w http.ResponseWriter, r *http.Request) {
	who, err := s.caller(r)
	if err != nil {
		sendOpenAIError(w, err)
		return
	}
	var in chatRequest
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		sendOpenAIError(w, bodyError(err))
		return
	}
	q, err := in.question()
	if err == nil && q.Model != "" {
		err = s.checkModel(r.Context(), who, q.Model)
	}
	if err != nil {
		sendOpenAIError(w, err)
		return
	}
	q.Conv, q.CID = r.Header.Get(conversationHeader), r.Header.Get("Idempotency-Key")
	if q.CID == "" {
		q.CID = store.NewID("x")
	}
	a, err := s.hub.Ask(r.Context(), who, q)
	if err != nil {
		sendOpenAIError(w, err)
		return
	}
	defer a.Close()
	w.Header().Set(conversationHeader, a.Conv)
	out := &completion{ID: "chatcmpl-" + a.Run, Created: s.store.Now().Unix(), Model: in.Model}
	if in.Stream {
		s.streamCompletion(r.Context(), w, a, out, in.StreamOptions.IncludeUsage)
		return
	}
	s.wholeCompletion(r.Context(), w, a, out)
}

// caller is who asks, unless they ask too often.
func (s *Server) caller(r *http.Request) (hub.Principal, error) {
	who, err := s.tokens.bearer(r.Context(), r.Header.Get("Authorization"), everyone)
	if err == nil {
		err = s.paces.ask(subject{who.Tenant.ID().String(), who.User})
	}
	return who, err
}

// bodyError says what is wrong with a body; it never quotes it.
func bodyError(err error) error {
	var tooBig *http.MaxBytesError
	var wrongType *json.UnmarshalTypeError
	var content contentError
	switch {
	case errors.As(err, &tooBig):
		return hub.Ef("too_big", "the body is too big")
	case errors.As(err, &wrongType):
		return hub.Ef("bad_field", "wrong type at "+wrongType.Field)
	case errors.As(err, &content):
		return hub.Ef("bad_field", string(content))
	}
	return hub.Ef("bad_json", "the body is not a JSON object")
}

func (s *Server) wholeCompletion(ctx context.Context, w http.ResponseWriter, a *hub.Answer, out *completion) {
	var text strings.Builder
	for p, err := range a.Parts(ctx) {
		finish := ""
		if err == nil && p.End != nil {
			finish, err = finishOf(p.End)
		}
		if err != nil {
			sendOpenAIError(w, err)
			return
		}
		text.WriteString(p.Text)
		if p.Model != "" {
			out.Model = p.Model
		}
		if p.End == nil {
			continue
		}
		answer := text.String()
		out.Object, out.Usage = "chat.completion", usageOf(p.End)
		out.Choices = []chatChoice{{Message: &chatText{"assistant", &answer}, Finish: &finish}}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	}
}

// streamCompletion sends the answer as it is written. Its status is decided with the first token: what fails before it
// is answered like any refused request.
func (s *Server) streamCompletion(ctx context.Context, w http.ResponseWriter, a *hub.Answer, out *completion, withUsage bool) {
	stream := &eventStream{w: w, control: http.NewResponseController(w)}
	defer func() { _ = stream.control.SetWriteDeadline(time.Time{}) }() // the connection may serve further requests
	out.Object = "chat.completion.chunk"
	send := func(d chatText, finish *string) error {
		out.Choices = []chatChoice{{Delta: &d, Finish: finish}}
		return stream.send(out)
	}
	begin := func() error {
		if stream.begun {
			return nil
		}
		empty := ""
		return send(chatText{Role: "assistant", Content: &empty}, nil)
	}
	for p, err := range a.Parts(ctx) {
		finish := ""
		if err == nil && p.End != nil {
			finish, err = finishOf(p.End)
		}
		if p.Model != "" {
			out.Model = p.Model
		}
		if err != nil {
			stream.fail(err)
			return
		}
		if p.Text != "" || p.End != nil {
			err = begin()
		}
		if err == nil && p.Text != "" {
			err = send(chatText{Content: &p.Text}, nil)
		}
		if err == nil && p.End != nil {
			if err = send(chatText{}, &finish); err == nil && withUsage {
				out.Choices, out.Usage = []chatChoice{}, usageOf(p.End)
				err = stream.send(out)
			}
			stream.done()
		}
		if err != nil {
			return // the client is gone; Close stops the run
		}
	}
}

// eventStream writes server-sent events.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (e *eventStream) send(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return e.write(data)
}

func (e *eventStream) write(data []byte) error {
	if !e.begun {
		e.begun = true
		h := e.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no") // a proxy that gathers would undo the streaming
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(chatWriteTime))
	if _, err := fmt.Fprintf(e.w, "data: %s\n\n", data); err != nil {
		return err
	}
	return e.control.Flush()
}

func (e *eventStream) done() { _ = e.write([]byte("[DONE]")) }

// fail tells an error: with a status while nothing has been sent, else as the last event.
func (e *eventStream) fail(err error) {
	if !e.begun {
		sendOpenAIError(e.w, err)
		return
	}
	_ = e.send(openAIErrorOf(problemOf(err)))
}

type openAIModel struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

// openAIModels answers GET /v1/models.
func (s *Server) openAIModels(w http.ResponseWriter, r *http.Request) {
	list, err := s.chatModels(r)
	if err != nil {
		sendOpenAIError(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": list})
}

// openAIModel answers GET /v1/models/{key}.
func (s *Server) openAIModel(w http.ResponseWriter, r *http.Request) {
	list, err := s.chatModels(r)
	if err != nil {
		sendOpenAIError(w, err)
		return
	}
	for _, m := range list {
		if m.ID == mux.Vars(r)["key"] {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(m)
			return
		}
	}
	sendOpenAIError(w, unknownModel())
}

// chatModels are the models the caller may name.
func (s *Server) chatModels(r *http.Request) ([]openAIModel, error) {
	who, err := s.caller(r)
	if err != nil {
		return nil, err
	}
	list := []openAIModel{{ID: defaultModel, Object: "model", OwnedBy: who.Tenant.ID().String()}}
	plan, err := planOf(r.Context(), who)
	if err != nil {
		return nil, err
	}
	models, err := modelsOf(r.Context(), who, plan)
	for _, m := range models {
		list = append(list, openAIModel{ID: m.Key, Object: "model", OwnedBy: who.Tenant.ID().String()})
	}
	return list, err
}

func (s *Server) checkModel(ctx context.Context, who hub.Principal, key string) error {
	plan, err := planOf(ctx, who)
	if err != nil {
		return err
	}
	models, err := modelsOf(ctx, who, plan)
	if err != nil {
		return err
	}
	for _, m := range models {
		if m.Key == key {
			return nil
		}
	}
	return unknownModel()
}

func unknownModel() error {
	return hub.Ef("not_found", "there is no such model, or the plan does not include it")
}
