package upstream

import (
	"bytes"
	"strconv"
)

// Stamps put a time into a text, so that any protocol that carries the text unchanged, also when it joins tokens, can be
// measured from outside: ~k3j2l1m0zq1a~ is when a token was sent (nanoseconds, base 36), ~!k3j2l1m0zq1a~ when the
// request had arrived at the model server (in the first token only).

// AppendStamp appends the time a token was sent.
func AppendStamp(b []byte, ns int64) []byte {
	b = append(b, '~')
	b = strconv.AppendInt(b, ns, 36)
	return append(b, '~')
}

// AppendArrival appends the time the request arrived.
func AppendArrival(b []byte, ns int64) []byte {
	b = append(b, '~', '!')
	b = strconv.AppendInt(b, ns, 36)
	return append(b, '~')
}

// ScanStamps calls found for every stamp in b.
func ScanStamps(b []byte, found func(ns int64, arrival bool)) {
	for {
		i := bytes.IndexByte(b, '~')
		if i < 0 {
			return
		}
		b = b[i+1:]
		j := bytes.IndexByte(b, '~')
		if j < 0 {
			return
		}
		digits, arrival := b[:j], false
		if j > 0 && digits[0] == '!' {
			digits, arrival = digits[1:], true
		}
		ns, ok := parse36(digits)
		if !ok { // the closing ~ may open the next one
			continue
		}
		found(ns, arrival)
		b = b[j+1:]
	}
}

// parse36 reads a time of this century; strconv would need a string for each.
func parse36(digits []byte) (int64, bool) {
	if len(digits) < 11 || len(digits) > 13 {
		return 0, false
	}
	var n int64
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			n = n*36 + int64(c-'0')
		case c >= 'a' && c <= 'z':
			n = n*36 + int64(c-'a') + 10
		default:
			return 0, false
		}
	}
	return n, true
}
