package llm

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// joiner decodes JSON strings that are pieces of one text. Upstreams cut between the bytes of a code point, and between
// the halves of a surrogate pair; what is incomplete waits for the next piece.
type joiner struct {
	high  rune   // the first half of a pair; 0: none
	bytes []byte // the beginning of a code point
}

// add decodes one literal; false when it is none.
func (j *joiner) add(literal []byte) (string, bool) {
	if len(literal) < 2 || literal[0] != '"' || literal[len(literal)-1] != '"' {
		return "", false
	}
	body := literal[1 : len(literal)-1]
	if j.high == 0 && len(j.bytes) == 0 && plain(body) {
		return string(body), true
	}
	out := make([]byte, 0, len(body)+8)
	for len(body) > 0 {
		if body[0] != '\\' {
			if j.high != 0 {
				out, j.high = utf8.AppendRune(out, utf8.RuneError), 0
			}
			j.bytes, body = append(j.bytes, body[0]), body[1:]
			out = j.complete(out, false)
			continue
		}
		out = j.complete(out, true)
		r, size := unescape(body)
		if size == 0 {
			return "", false
		}
		body = body[size:]
		switch {
		case j.high != 0:
			if pair := utf16.DecodeRune(j.high, r); pair != utf8.RuneError {
				out, j.high = utf8.AppendRune(out, pair), 0
				continue
			}
			out, j.high = utf8.AppendRune(out, utf8.RuneError), 0
			fallthrough
		default:
			if r >= 0xd800 && r < 0xdc00 {
				j.high = r
				continue
			}
			out = utf8.AppendRune(out, r) // a lone second half becomes U+FFFD
		}
	}
	return string(out), true
}

// complete appends the code points that are whole, and at the end what will never be.
func (j *joiner) complete(out []byte, end bool) []byte {
	for len(j.bytes) > 0 && (end || utf8.FullRune(j.bytes)) {
		r, size := utf8.DecodeRune(j.bytes)
		out = utf8.AppendRune(out, r)
		j.bytes = j.bytes[size:]
	}
	if len(j.bytes) == 0 {
		j.bytes = j.bytes[:0]
	}
	return out
}

// rest is what never became whole.
func (j *joiner) rest() string {
	out := j.complete(nil, true)
	if j.high != 0 {
		out, j.high = utf8.AppendRune(out, utf8.RuneError), 0
	}
	return string(out)
}

// plain reports whether a literal's body is its own text.
func plain(body []byte) bool {
	for _, b := range body {
		if b == '\\' {
			return false
		}
	}
	return utf8.Valid(body)
}

// unescape decodes the escape at the beginning of body; size 0 when it is not one.
func unescape(body []byte) (r rune, size int) {
	if len(body) < 2 {
		return 0, 0
	}
	switch body[1] {
	case '"', '\\', '/':
		return rune(body[1]), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		if len(body) < 6 {
			return 0, 0
		}
		n, err := strconv.ParseUint(string(body[2:6]), 16, 16)
		if err != nil {
			return 0, 0
		}
		return rune(n), 6
	}
	return 0, 0
}

// loose is a string that upstreams also send as something else, which then counts as absent.
type loose string

func (l *loose) UnmarshalJSON(b []byte) error {
	var j joiner
	if s, ok := j.add(b); ok {
		*l = loose(s + j.rest())
	}
	return nil
}
