package llm

import (
	"errors"
	"iter"
	"slices"
	"sync/atomic"
)

// traits is what was learnt of an upstream: which optional parameters it refuses.
type traits struct {
	noStreamOptions, noTemperature, completionTokens, plainTokens, noThoughts atomic.Bool
}

// optional are the parameters of a request that may be left out or renamed when an upstream refuses them, as its
// complaints name them.
var optional = []string{"stream_options", "max_completion_tokens", "max_tokens", "temperature", "thinking"}

// learn remembers a refusal.
func (t *traits) learn(param string) {
	switch param {
	case "stream_options":
		t.noStreamOptions.Store(true)
	case "temperature":
		t.noTemperature.Store(true)
	case "max_tokens":
		t.completionTokens.Store(true)
	case "max_completion_tokens":
		t.plainTokens.Store(true)
	case "thinking":
		t.noThoughts.Store(true)
	}
}

// persist asks again without a parameter that the upstream refuses, once for each, as long as nothing was yielded.
func persist(t *traits, once func(yield func(Chunk, error) bool) error) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		begun := false
		var refused []string
		for {
			err := once(func(c Chunk, err error) bool {
				begun = true
				return yield(c, err)
			})
			var e *Error
			if errors.As(err, &e) && e.param != "" && !begun && !slices.Contains(refused, e.param) {
				refused = append(refused, e.param)
				t.learn(e.param)
				continue
			}
			if err != nil {
				yield(Chunk{}, err)
			}
			return
		}
	}
}
