package llm

import "strings"

// redactor removes a key from a text that arrives in pieces: an upstream may echo what it was sent. What could be the
// beginning of the key is held back until it is clear that it is not.
type redactor struct {
	key  string
	held string
}

// minKey is the length below which a "key" is too common a text to be looked for.
const minKey = 8

const redacted = "•••"

func newRedactor(key string) *redactor {
	if len(key) < minKey {
		key = ""
	}
	return &redactor{key: key}
}

// clean returns what of the text so far may be shown.
func (r *redactor) clean(text string) string {
	if r.key == "" || text == "" {
		return text
	}
	text = strings.ReplaceAll(r.held+text, r.key, redacted)
	r.held = text[len(text)-r.partial(text):]
	return text[:len(text)-len(r.held)]
}

// partial is the length of the longest end of text that begins the key.
func (r *redactor) partial(text string) int {
	for n := min(len(r.key)-1, len(text)); n > 0; n-- {
		if strings.HasSuffix(text, r.key[:n]) {
			return n
		}
	}
	return 0
}

// rest returns what is held back; nothing follows it.
func (r *redactor) rest() string {
	held := r.held
	r.held = ""
	if len(held) >= minKey {
		return redacted // most of a key is not for anyone's eyes either
	}
	return held
}
