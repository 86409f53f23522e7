package llm

import (
	"errors"
	"iter"
	"sync/atomic"
)

// traits is what was learnt of an upstream: which optional parameters it refuses.
type traits struct {
	noStreamOptions, noTemperature, completionTokens, plainTokens, noThoughts atomic.Bool
}

// optional are the parameters of a request that may be left out or renamed when an upstream refuses them, as its
// complaints name them.
var optional = []string{"stream_options", "max_completion_tokens", "max_tokens", "temperature", "thinking"}

// learn remembers a refusal and reports whether a request without the parameter is worth trying.
func (t *traits) learn(param string) bool {
	switch param {
	case "stream_options":
		return !t.noStreamOptions.Swap(true)
	case "temperature":
		return !t.noTemperature.Swap(true)
	case "max_tokens":
		return !t.completionTokens.Swap(true)
	case "max_completion_tokens":
		return !t.plainTokens.Swap(true)
	case "thinking":
		return !t.noThoughts.Swap(true)
	}
	return false
}

// persist asks again without a parameter that the upstream refuses, as long as nothing was yielded.
func persist(t *traits, once func(yield func(Chunk, error) bool) error) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		begun := false
		for {
			err := once(func(c Chunk, err error) bool {
				begun = true
				return yield(c, err)
			})
			var e *Error
			if errors.As(err, &e) && e.param != "" && !begun && t.learn(e.param) {
				continue
			}
			if err != nil {
				yield(Chunk{}, err)
			}
			return
		}
	}
}
