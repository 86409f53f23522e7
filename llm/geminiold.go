package llm

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync"

	generative "github.com/google/generative-ai-go/genai"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
)

// oldGeminiProvider speaks to Gemini through github.com/google/generative-ai-go, whose support has ended. The library
// swallows errors in a stream, takes a cut for the end, mixes thoughts into the text and puts the key into the URL; all
// of that is settled in the exchange beneath it.
type oldGeminiProvider struct {
	target Target
	wire   *wire
	traits *traits
}

// oldGemini is the one client of the process: each would leak four goroutines. It has no key of its own.
var oldGemini = sync.OnceValues(func() (*generative.Client, error) {
	return generative.NewClient(context.Background(), option.WithAPIKey("unused"), option.WithHTTPClient(&http.Client{Transport: oldGeminiTransport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}))
})

// exchangeKey carries the exchange of a call through the library, which takes neither key nor address per call.
type exchangeKey struct{}

type oldGeminiCall struct {
	x      *exchange
	target Target
}

// oldGeminiTransport sends a request of the library to the address of its call, with the key in a header.
type oldGeminiTransport struct{}

func (oldGeminiTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	call, ok := r.Context().Value(exchangeKey{}).(oldGeminiCall)
	if !ok {
		return nil, errors.New("request without a call")
	}
	base, err := url.Parse(call.target.address())
	if err != nil {
		return nil, call.x.fail(denied("it is not a URL"))
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = base.Scheme, base.Host, base.Host
	r.URL.Path, r.URL.RawPath = strings.TrimSuffix(base.Path, "/")+r.URL.Path, ""
	r.URL.RawQuery = "alt=sse"
	r.Header.Set("X-Goog-Api-Key", call.target.APIKey)
	return call.x.RoundTrip(r)
}

func (p *oldGeminiProvider) Stream(ctx context.Context, r Request) iter.Seq2[Chunk, error] {
	return persist(p.traits, func(yield func(Chunk, error) bool) error { return p.once(ctx, r, yield) })
}

// once asks once. A consumer that has had enough gets nil.
func (p *oldGeminiProvider) once(ctx context.Context, r Request, yield func(Chunk, error) bool) error {
	x := p.wire.newExchange(ctx, &geminiDialect{}, oldGeminiFraming)
	defer x.end()
	client, err := oldGemini()
	if err != nil {
		return x.failure(ctx, err)
	}
	model := client.GenerativeModel(p.target.Model)
	if t := p.target.Temperature; t != nil {
		model.SetTemperature(float32(*t))
	}
	if r.MaxTokens > 0 {
		model.SetMaxOutputTokens(int32(min(r.MaxTokens, maxTokens)))
	}
	chat := model.StartChat()
	var question []generative.Part
	for i, m := range r.Messages {
		switch {
		case m.Role == roleSystem:
			if model.SystemInstruction == nil {
				model.SystemInstruction = &generative.Content{}
			}
			model.SystemInstruction.Parts = append(model.SystemInstruction.Parts, generative.Text(m.Text))
		case i == len(r.Messages)-1:
			question = []generative.Part{generative.Text(m.Text)}
		case m.Role == roleAssistant:
			chat.History = append(chat.History, &generative.Content{Role: "model", Parts: []generative.Part{generative.Text(m.Text)}})
		default:
			chat.History = append(chat.History, &generative.Content{Role: "user", Parts: []generative.Part{generative.Text(m.Text)}})
		}
	}
	stream := chat.SendMessageStream(context.WithValue(x.ctx, exchangeKey{}, oldGeminiCall{x, p.target}), question...)
	for {
		if _, err := stream.Next(); err != nil {
			if errors.Is(err, iterator.Done) {
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

// oldGeminiFraming is what generative-ai-go reads: a JSON list.
var oldGeminiFraming = framing{opening: "[", event: "{}", between: ",", closing: "]"}
