package llm

import (
	"context"
	"encoding/json"
	"iter"
	"strings"

	"google.golang.org/genai"
)

// geminiProvider speaks to Gemini through google.golang.org/genai.
type geminiProvider struct {
	target Target
	wire   *wire
	traits *traits
}

func (p *geminiProvider) Stream(ctx context.Context, r Request) iter.Seq2[Chunk, error] {
	return persist(p.traits, func(yield func(Chunk, error) bool) error { return p.once(ctx, r, yield) })
}

// once asks once. A consumer that has had enough gets nil.
func (p *geminiProvider) once(ctx context.Context, r Request, yield func(Chunk, error) bool) error {
	x := p.wire.newExchange(ctx, &geminiDialect{}, geminiFraming)
	defer x.end()
	client, err := genai.NewClient(x.ctx, p.config(x))
	if err != nil {
		return x.failure(ctx, err)
	}
	contents, config := p.request(r)
	for _, err := range client.Models.GenerateContentStream(x.ctx, p.target.Model, contents, config) {
		if err != nil {
			return x.failure(ctx, err)
		}
		if !yield(x.chunk(), nil) {
			return nil
		}
	}
	if err := x.failure(ctx, nil); err != nil {
		return err
	}
	yield(x.last(), nil)
	return nil
}

// config sets every field: the library reads the environment for those that are empty.
func (p *geminiProvider) config(x *exchange) *genai.ClientConfig {
	return &genai.ClientConfig{
		APIKey: p.target.APIKey, Backend: genai.BackendGeminiAPI, Project: "", Location: "", Credentials: nil,
		HTTPClient:  x.client(),
		HTTPOptions: genai.HTTPOptions{BaseURL: strings.TrimSuffix(p.target.address(), "/") + "/", APIVersion: "v1beta"},
	}
}

func (p *geminiProvider) request(r Request) ([]*genai.Content, *genai.GenerateContentConfig) {
	var contents []*genai.Content
	config := &genai.GenerateContentConfig{MaxOutputTokens: int32(min(r.MaxTokens, maxTokens))}
	var instructions []*genai.Part
	for _, m := range r.Messages {
		switch m.Role {
		case roleSystem:
			instructions = append(instructions, genai.NewPartFromText(m.Text))
		case roleAssistant:
			contents = append(contents, genai.NewContentFromText(m.Text, genai.RoleModel))
		default:
			contents = append(contents, genai.NewContentFromText(m.Text, genai.RoleUser))
		}
	}
	if len(instructions) > 0 {
		config.SystemInstruction = genai.NewContentFromParts(instructions, genai.RoleUser)
	}
	if t := p.target.Temperature; t != nil {
		f := float32(*t)
		config.Temperature = &f
	}
	if !p.traits.noThoughts.Load() && thinksAloud(p.target.Model) {
		config.ThinkingConfig = &genai.ThinkingConfig{IncludeThoughts: true}
	}
	return contents, config
}

// thinksAloud are the models that can show their thoughts. A wrong guess costs one refused request.
func thinksAloud(model string) bool {
	return strings.HasPrefix(model, "gemini-") && !strings.HasPrefix(model, "gemini-1") && !strings.HasPrefix(model, "gemini-2.0")
}

// geminiFraming is what genai reads.
var geminiFraming = framing{event: emptyEvent}

// geminiDialect reads the messages of generateContent.
type geminiDialect struct {
	text, reasoning joiner
}

type geminiReply struct {
	Error      json.RawMessage `json:"error"`
	Candidates []struct {
		Content struct {
			Parts []struct {
				Text    json.RawMessage `json:"text"`
				Thought bool            `json:"thought"`
				Call    json.RawMessage `json:"functionCall"`
			} `json:"parts"`
		} `json:"content"`
		Finish loose `json:"finishReason"`
	} `json:"candidates"`
	Feedback struct {
		Block loose `json:"blockReason"`
	} `json:"promptFeedback"`
	Usage json.RawMessage `json:"usageMetadata"`
	Model loose           `json:"modelVersion"`
}

func (d *geminiDialect) decode(doc []byte) (p piece, failure *Error) {
	if doc[0] == '[' { // the whole answer as a list, from an upstream that does not know event streams
		var list []json.RawMessage
		if json.Unmarshal(doc, &list) != nil {
			return p, badStream(errNotJSON)
		}
		for _, one := range list {
			next, failure := d.decode(one)
			if failure != nil {
				return p, failure
			}
			p.add(next)
		}
		return p, nil
	}
	if string(doc) == "null" {
		return p, nil
	}
	var m geminiReply
	if doc[0] != '{' || json.Unmarshal(doc, &m) != nil {
		return p, badStream(errNotJSON)
	}
	if !isNull(m.Error) {
		c := complaintOf(doc)
		return p, c.error(0)
	}
	p.model = string(m.Model)
	p.usage, p.usageSeen = geminiUsage{}.parse(m.Usage)
	if block := strings.ToLower(string(m.Feedback.Block)); block != "" && block != "block_reason_unspecified" {
		p.finish = "prompt_blocked"
	}
	if len(m.Candidates) == 0 {
		return p, nil
	}
	c := m.Candidates[0] // we ask for one only
	for _, part := range c.Content.Parts {
		text, j := &p.text, &d.text
		if part.Thought {
			text, j = &p.reasoning, &d.reasoning
		}
		if !isNull(part.Call) {
			p.reasoned = true
		}
		if isNull(part.Text) {
			continue
		}
		s, ok := j.add(part.Text)
		if !ok {
			return p, badStream(errNotJSON)
		}
		*text += s
	}
	if finish := strings.ToLower(string(c.Finish)); finish != "" && finish != "finish_reason_unspecified" {
		p.finish = finish
	}
	return p, nil
}

// add appends what a later message says.
func (p *piece) add(next piece) {
	p.text += next.text
	p.reasoning += next.reasoning
	if next.model != "" {
		p.model = next.model
	}
	if next.finish != "" {
		p.finish = next.finish
	}
	if next.usageSeen {
		p.usage, p.usageSeen = next.usage, true
	}
	p.reasoned = p.reasoned || next.reasoned
}

func (d *geminiDialect) rest() string { return d.text.rest() }
