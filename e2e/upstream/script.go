package upstream

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Faults that a script can name. All but the first four answer normally for At tokens and then fail.
const (
	FaultHTML    = "html"    // 200 with a web page, as a captive proxy sends
	FaultJSON    = "json"    // 200 with one complete JSON answer although a stream was asked for
	FaultEmpty   = "empty"   // a correct stream with no text at all
	FaultLine    = "line"    // a line without end: 64 MiB of it, then the connection is closed
	FaultCut     = "cut"     // the body ends properly, without a finish reason and without [DONE]
	FaultDone    = "done"    // as cut, but with [DONE]
	FaultReset   = "reset"   // the connection is reset (RST)
	FaultHalf    = "half"    // the connection ends in the middle of a data line
	FaultError   = "error"   // an error object in the stream, then a proper end
	FaultGarbage = "garbage" // a data line that is not JSON, then the rest of the answer
	FaultStall   = "stall"   // nothing more, until the other side hangs up
)

// Usage forms besides the default, which counts the tokens that were sent.
const (
	UsageAbsent = "none"
	UsageZero   = "zero"
	UsageAbsurd = "absurd" // 2^62 tokens
	UsageMinus  = "minus"  // negative numbers
	UsageString = "string" // numbers as strings
)

// Endless as the number of tokens makes an answer that only the other side ends.
const Endless = math.MaxInt32

// A Script says how one call is answered. The zero value answers nothing; start from [Default].
type Script struct {
	Label  string        // names the answer in its tokens; empty: c and the number of the call
	Tokens int           // how many
	Size   int           // filler bytes added to each token
	Header time.Duration // before the response header
	First  time.Duration // between header and first token
	Every  time.Duration // between tokens; 0: as fast as possible
	Stamp  bool          // each token carries the time it was sent, for measuring (see [AppendStamp])

	Status     int    // other than 200: no stream, but this status
	RetryAfter string // header of a refusal
	Times      int    // the status is for the first so many calls of the label only; 0: for all
	Fault      string
	At         int // tokens before the fault
	Finish     string
	Usage      string

	// What a call is answered that asks for the rest of an answer; see [Script.Resume].
	From int // tokens that were said before
	Cut  int // bytes of the next one that were said before
}

// Default is a short answer at a comfortable pace.
func Default() Script { return Script{Tokens: 40, Every: 5 * time.Millisecond, Finish: "stop"} }

// With changes a script by the words of a message: those between the last [[ and the ]] after it.
func (s Script) With(message string) (Script, error) {
	i := strings.LastIndex(message, "[[")
	if i < 0 {
		return s, nil
	}
	words, _, ok := strings.Cut(message[i+2:], "]]")
	if !ok {
		return s, nil
	}
	return s.Set(words)
}

// Resume makes the script that of the rest of an answer of which said has been said: no fault strikes it. A long answer
// may be quoted from somewhere in the middle, after "…".
func (s Script) Resume(said string) (Script, error) {
	s.Fault, s.Status, s.Finish = "", 0, "stop"
	if quoted, ok := strings.CutPrefix(said, "…"); ok {
		mark := "‹" + s.Label + ":"
		at := strings.Index(quoted, mark)
		if at < 0 {
			return s, fmt.Errorf("what was said names no token of %s", s.Label)
		}
		said = quoted[at:]
		if _, err := fmt.Sscanf(said[len(mark):], "%06d", &s.From); err != nil {
			return s, fmt.Errorf("what was said of %s: %w", s.Label, err)
		}
	}
	for ; s.From < s.Tokens && said != ""; s.From++ {
		t := Token(s.Label, s.From, s.Size)
		if len(said) < len(t) && strings.HasPrefix(t, said) {
			s.Cut, said = len(said), ""
			break
		}
		rest, ok := strings.CutPrefix(said, t)
		if !ok {
			break
		}
		said = rest
	}
	if said != "" {
		return s, fmt.Errorf("what was said is not how %s begins", s.Label)
	}
	return s, nil
}

// Set changes a script by words of the form name=value, separated by spaces.
func (s Script) Set(words string) (Script, error) {
	for word := range strings.FieldsSeq(words) {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "label":
			s.Label = value
		case "tokens":
			if value == "endless" {
				s.Tokens = Endless
			} else {
				s.Tokens, err = strconv.Atoi(value)
			}
		case "size":
			s.Size, err = strconv.Atoi(value)
		case "header":
			s.Header, err = time.ParseDuration(value)
		case "first":
			s.First, err = time.ParseDuration(value)
		case "every":
			s.Every, err = time.ParseDuration(value)
		case "stamp":
			s.Stamp = true
		case "status":
			s.Status, err = strconv.Atoi(value)
		case "retry-after":
			s.RetryAfter = value
		case "times":
			s.Times, err = strconv.Atoi(value)
		case "fault":
			s.Fault = value
		case "at":
			s.At, err = strconv.Atoi(value)
		case "finish":
			s.Finish = value
		case "usage":
			s.Usage = value
		default:
			err = fmt.Errorf("unknown word")
		}
		if err != nil {
			return s, fmt.Errorf("script %q: %w", word, err)
		}
	}
	return s, nil
}

// fillers follow the numbers, in turn: accents, an emoji of several code points, a combining mark, white space, markup
// and what JSON must escape. Cutting any of them in two shows.
var fillers = []string{" ação", " não", " 🙂", " coração ", "👩‍🚀", "\n", " e\u0301", " \"x\"", "\\", " <b>", "\t", " 日本"}

// Token is the i-th token (from 0) of an answer.
func Token(label string, i, size int) string {
	t := fmt.Sprintf("‹%s:%06d›%s", label, i, fillers[i%len(fillers)])
	if size > 0 {
		t += strings.Repeat("x", size)
	}
	return t
}

// Text is the text of the first n tokens of an answer.
func Text(label string, n, size int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(Token(label, i, size))
	}
	return b.String()
}
