package upstream

import (
	"bytes"
	"time"
)

// Stamps put a time into a text, so that any protocol that carries the text unchanged, also when it joins tokens, can be
// measured from outside: ~k3j2l1 is when a token was sent, ~!k3j2l1 when the request had arrived at the model server (in
// the first token only). The time is counted in steps of 10 µs, in base 36; six digits are six hours, and about as long as
// a word: a longer stamp would make every token cost what several do.

const (
	stampStep   = 10_000 // ns
	stampDigits = 6
	stampCycle  = 36 * 36 * 36 * 36 * 36 * 36
)

// AppendStamp appends the time a token was sent.
func AppendStamp(b []byte, ns int64) []byte { return appendDigits(append(b, '~'), ns) }

// AppendArrival appends the time the request arrived.
func AppendArrival(b []byte, ns int64) []byte { return appendDigits(append(b, '~', '!'), ns) }

func appendDigits(b []byte, ns int64) []byte {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	var d [stampDigits]byte
	n := ns / stampStep % stampCycle
	for i := len(d) - 1; i >= 0; i-- {
		d[i] = digits[n%36]
		n /= 36
	}
	return append(b, d[:]...)
}

// ScanStamps calls found for every stamp in b, with its time in nanoseconds. A stamp is of the last six hours.
func ScanStamps(b []byte, found func(ns int64, arrival bool)) {
	now := time.Now().UnixNano() / stampStep
	for {
		i := bytes.IndexByte(b, '~')
		if i < 0 {
			return
		}
		b = b[i+1:]
		arrival := len(b) > 0 && b[0] == '!'
		if arrival {
			b = b[1:]
		}
		n, ok := parseDigits(b)
		if !ok {
			continue
		}
		b = b[stampDigits:]
		ago := (now%stampCycle - n + stampCycle) % stampCycle
		found((now-ago)*stampStep, arrival)
	}
}

// parseDigits reads the beginning of b; strconv would need a string for each stamp.
func parseDigits(b []byte) (int64, bool) {
	if len(b) < stampDigits {
		return 0, false
	}
	var n int64
	for _, c := range b[:stampDigits] {
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
