package llm

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"math"
	"net/url"
	"strings"

	fastjson "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	openai "github.com/sashabaranov/go-openai"
)

// openaiProvider speaks to everything that is compatible with OpenAI's chat completions, through go-openai.
type openaiProvider struct {
	target Target
	wire   *wire
	traits *traits
}

func (p *openaiProvider) Stream(ctx context.Context, r Request) iter.Seq2[Chunk, error] {
	return persist(p.traits, func(yield func(Chunk, error) bool) error { return p.once(ctx, r, yield) })
}

// once asks once. A consumer that has had enough gets nil.
func (p *openaiProvider) once(ctx context.Context, r Request, yield func(Chunk, error) bool) error {
	x := p.wire.newExchange(ctx, &openaiDialect{}, openaiFraming)
	defer x.end()
	stream, err := openai.NewClientWithConfig(p.config(x)).CreateChatCompletionStream(x.ctx, p.request(r))
	if err != nil {
		return x.failure(ctx, err)
	}
	defer stream.Close()
	for {
		if _, err := stream.RecvRaw(); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if err := x.failure(ctx, err); err != nil {
				return err
			}
			yield(x.last(), nil)
			return nil
		}
		if !yield(x.chunk(), nil) {
			return nil
		}
	}
}

// failure is how the exchange failed, or nil. err is what the library says of it, whose text is never used.
func (x *exchange) failure(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case x.err != nil:
		return x.err
	case err != nil && x.body == nil:
		return &Error{Code: CodeConfig, Reason: "the provider's library refuses the request", Verdict: Misconfigured}
	case err != nil:
		return badStream(errNotJSON)
	case x.finish == "":
		return truncated()
	}
	return nil
}

func (p *openaiProvider) config(x *exchange) openai.ClientConfig {
	base, version := p.target.address(), ""
	if u, err := url.Parse(base); err == nil && u.RawQuery != "" {
		version = u.Query().Get("api-version")
		u.RawQuery = ""
		base = u.String()
	}
	var c openai.ClientConfig
	if p.target.azure() {
		c = openai.DefaultAzureConfig(p.target.APIKey, base)
		c.APIVersion = azureAPI
		if version != "" {
			c.APIVersion = version
		}
		c.AzureModelMapperFunc = func(model string) string { return url.PathEscape(model) }
	} else {
		c = openai.DefaultConfig(p.target.APIKey)
		c.BaseURL = base
	}
	c.HTTPClient = x
	return c
}

// azureAPI is the first stable version of Azure's interface that knows stream_options.
const azureAPI = "2024-10-21"

// azure reports whether the address is one of Azure's, whose deployments have paths of their own. Its newer /openai/v1
// is like everyone else's.
func (t Target) azure() bool {
	u, err := url.Parse(t.BaseURL)
	if t.Provider != OpenAI || err != nil || strings.Contains(u.Path, "/openai/v1") {
		return false
	}
	for _, domain := range []string{".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com"} {
		if strings.HasSuffix(strings.ToLower(u.Hostname()), domain) {
			return true
		}
	}
	return u.Query().Has("api-version")
}

func (p *openaiProvider) request(r Request) openai.ChatCompletionRequest {
	req := openai.ChatCompletionRequest{Model: p.target.Model, Stream: true}
	for _, m := range r.Messages {
		req.Messages = append(req.Messages, openai.ChatCompletionMessage{Role: m.Role, Content: m.Text})
	}
	if !p.traits.noStreamOptions.Load() {
		req.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	}
	thinks := thinking(p.target.Model) // the library refuses what these models do not take
	if t := p.target.Temperature; t != nil && !thinks && !p.traits.noTemperature.Load() {
		if req.Temperature = float32(*t); req.Temperature == 0 {
			req.Temperature = math.SmallestNonzeroFloat32 // a plain zero is not sent
		}
	}
	switch {
	case r.MaxTokens <= 0:
	case thinks, p.traits.completionTokens.Load() && !p.traits.plainTokens.Load():
		req.MaxCompletionTokens = r.MaxTokens
	default:
		//lint:ignore SA1019 the old name is the one that every compatible server knows
		req.MaxTokens = r.MaxTokens
	}
	return req
}

// thinking are the models of OpenAI that fix the temperature and count hidden tokens.
func thinking(model string) bool {
	for _, prefix := range []string{"o1", "o3", "o4", "gpt-5", "gpt-6"} {
		if strings.HasPrefix(model, prefix) {
			return true
		}
	}
	return false
}

// openaiFraming is what go-openai reads.
var openaiFraming = framing{event: emptyEvent, closing: "data: [DONE]\n\n"}

// openaiDialect reads the chunks of OpenAI and of all that resemble them.
type openaiDialect struct {
	text, reasoning joiner
	choice          *int // the one that is ours; we ask for one only
	tools           bool
	refused         bool
}

// lenient reads what upstreams send as encoding/json would, which takes twice as long: code points that are cut, and names
// that come twice.
var lenient = fastjson.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

type openaiMessage struct {
	Model   loose          `json:"model"`
	Object  loose          `json:"object"`
	Error   jsontext.Value `json:"error"`
	Detail  jsontext.Value `json:"detail"`
	Choices []openaiChoice `json:"choices"`
	Usage   jsontext.Value `json:"usage"`
	Message jsontext.Value `json:"message"`
}

type openaiChoice struct {
	Index   int            `json:"index"`
	Delta   openaiDelta    `json:"delta"`
	Message *openaiDelta   `json:"message"` // of an answer that was not streamed
	Text    jsontext.Value `json:"text"`
	Finish  loose          `json:"finish_reason"`
	Error   jsontext.Value `json:"error"`
}

type openaiDelta struct {
	Content   jsontext.Value `json:"content"`
	Thought   jsontext.Value `json:"reasoning_content"`
	Reasoning jsontext.Value `json:"reasoning"` // the same, renamed
	Refusal   jsontext.Value `json:"refusal"`
	Tools     jsontext.Value `json:"tool_calls"`
}

func (d *openaiDialect) decode(doc []byte) (p piece, failure *Error) {
	var m openaiMessage
	if doc[0] != '{' && string(doc) != "null" && doc[0] != '[' {
		return p, badStream(errNotJSON)
	}
	if doc[0] == '[' || fastjson.Unmarshal(doc, &m, lenient) != nil {
		c := complaintOf(doc)
		if strings.TrimSpace(c.words) != "" && !strings.Contains(string(doc), `"choices"`) {
			return p, c.error(0)
		}
		return p, badStream(errNotJSON)
	}
	if !isNull(m.Error) || m.Object == "error" || m.Choices == nil && (!isNull(m.Detail) || !isNull(m.Message) && m.Object == "") {
		c := complaintOf(doc)
		return p, c.error(0)
	}
	p.model = string(m.Model)
	p.usage, p.usageSeen = openaiUsage{}.parse(m.Usage)
	for _, c := range m.Choices {
		if d.choice == nil {
			d.choice = &c.Index
		}
		if c.Index != *d.choice {
			if len(m.Choices) > 1 {
				continue
			}
			if !c.silent() { // a part of our answer under a wrong number, or of another answer: nobody can tell
				return p, badStream(errMixed)
			}
		}
		if !isNull(c.Error) {
			c := complaintOf(c.Error)
			return p, c.error(0)
		}
		if failure := d.take(&p, c); failure != nil {
			return p, failure
		}
	}
	return p, nil
}

func (d *openaiDialect) take(p *piece, c openaiChoice) *Error {
	delta := c.Delta
	if c.Message != nil {
		delta = *c.Message
	}
	ok := d.content(p, delta.Content) && d.add(&d.text, &p.text, c.Text)
	thought := delta.Thought
	if isNull(thought) {
		thought = delta.Reasoning
	}
	if !isNull(thought) && thought[0] == '"' { // some put structures here that are not for reading
		ok = ok && d.add(&d.reasoning, &p.reasoning, thought)
	}
	if !isNull(delta.Refusal) && string(delta.Refusal) != `""` {
		d.refused = true
		ok = ok && d.add(&d.text, &p.text, delta.Refusal)
	}
	if !ok {
		return badStream(errNotJSON)
	}
	if !isNull(delta.Tools) && string(delta.Tools) != "[]" {
		d.tools, p.reasoned = true, true
	}
	if p.finish = strings.ToLower(string(c.Finish)); p.finish == "stop" {
		switch {
		case d.refused:
			p.finish = "refusal"
		case d.tools:
			p.finish = "tool_calls" // some say "stop" after calls
		}
	}
	return nil
}

// silent reports whether the choice has no text.
func (c openaiChoice) silent() bool {
	empty := func(raw []byte) bool { return isNull(raw) || string(raw) == `""` }
	return empty(c.Delta.Content) && empty(c.Text) && empty(c.Delta.Refusal) && c.Message == nil
}

// content adds a text, or the list of parts that some send in its place.
func (d *openaiDialect) content(p *piece, raw []byte) bool {
	if isNull(raw) || raw[0] != '[' {
		return d.add(&d.text, &p.text, raw)
	}
	var parts []struct {
		Type     string          `json:"type"`
		Text     json.RawMessage `json:"text"`
		Thinking json.RawMessage `json:"thinking"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return false
	}
	for _, part := range parts {
		if part.Type != "thinking" {
			if !d.add(&d.text, &p.text, part.Text) {
				return false
			}
			continue
		}
		var thoughts []struct {
			Text json.RawMessage `json:"text"`
		}
		if json.Unmarshal(part.Thinking, &thoughts) != nil {
			thoughts = append(thoughts[:0], struct {
				Text json.RawMessage `json:"text"`
			}{part.Thinking})
		}
		for _, t := range thoughts {
			if !d.add(&d.reasoning, &p.reasoning, t.Text) {
				return false
			}
		}
	}
	return true
}

func (d *openaiDialect) add(j *joiner, text *string, raw []byte) bool {
	if isNull(raw) {
		return true
	}
	s, ok := j.add(raw)
	*text += s
	return ok
}

func (d *openaiDialect) rest() string { return d.text.rest() }
