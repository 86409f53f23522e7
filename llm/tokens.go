package llm

import (
	"hash/maphash"
	"sync"
	"unicode/utf8"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/tiktoken-go/tokenizer"
)

// vocabulary is o200k, embedded in the library: no download, about 6 MB of heap from the first use on.
var vocabulary = sync.OnceValue(func() tokenizer.Codec {
	codec, err := tokenizer.Get(tokenizer.O200kBase)
	if err != nil {
		return nil
	}
	return codec
})

// counts are the tokens of texts counted lately, by a hash of the text: what was said in a conversation is counted again with
// each further question. It holds at most 8,192 numbers, under 1 MB.
var counts = sync.OnceValues(func() (*lru.Cache[uint64, int64], maphash.Seed) {
	cache, err := lru.New[uint64, int64](8 << 10)
	if err != nil {
		panic(err) // only a size that is not positive is an error
	}
	return cache, maphash.MakeSeed()
})

// CountTokens estimates what a text costs where the provider does not say. It is exact for OpenAI's present models and
// near enough for budgets with others. It is safe for concurrent use.
func CountTokens(text string) int64 {
	if text == "" {
		return 0
	}
	cache, seed := counts()
	key := maphash.String(seed, text)
	n, ok := cache.Get(key)
	if !ok {
		n = countOf(text)
		cache.Add(key, n)
	}
	return n
}

func countOf(text string) int64 {
	if codec := vocabulary(); codec != nil {
		if n, err := codec.Count(text); err == nil {
			return int64(n)
		}
	}
	return int64(utf8.RuneCountInString(text)+3) / 4
}

// tallyBytes is how much of a growing text is counted at once.
const tallyBytes = 1 << 10

// A Tally estimates the tokens of a text that grows by small pieces. Counting takes as long for one word as for fifty, so
// it is put off until the answer could change a decision. The zero value is empty. It is not safe for concurrent use.
type Tally struct {
	counted int64
	rest    []byte // not counted yet
}

// Add appends a piece.
func (t *Tally) Add(piece string) {
	t.rest = append(t.rest, piece...)
	if len(t.rest) >= tallyBytes {
		t.Count()
	}
}

// Count is the estimate for all that was added.
func (t *Tally) Count() int64 {
	if len(t.rest) > 0 {
		t.counted, t.rest = t.counted+countOf(string(t.rest)), t.rest[:0]
	}
	return t.counted
}

// Guess is a cheap estimate, for what need not be decided exactly.
func (t *Tally) Guess() int64 { return t.counted + int64(len(t.rest))/3 }

// Reaches reports whether the estimate is n or more.
func (t *Tally) Reaches(n int64) bool {
	if t.counted+int64(len(t.rest)) < n { // a token has at least one byte
		return false
	}
	return t.Count() >= n
}
