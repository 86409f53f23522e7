package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Errors of reading a stream that are ours.
var (
	errLine   = errors.New("line too long")
	errStream = errors.New("stream too long")
)

// lineReader cuts a body into lines that end with LF, CR or CRLF, within bounds.
type lineReader struct {
	src        io.Reader
	buf        []byte
	start, end int    // of what is unread in buf
	maxLine    int    // bytes
	left       int64  // bytes that the body may still have
	skipLF     bool   // the last line ended with CR; an LF belongs to it
	err        error  // of src
	wait       func() // before a read that may block
	got        func() // after a line is there
}

func newLineReader(src io.Reader, maxLine int, maxStream int64, wait, got func()) *lineReader {
	return &lineReader{src: src, buf: make([]byte, 0, 4096), maxLine: maxLine, left: maxStream, wait: wait, got: got}
}

// next returns the next line without its end, and whether it had one. The line is valid until the next call. The error
// is the body's; io.EOF means that nothing is left.
func (l *lineReader) next() (line []byte, ended bool, err error) {
	scanned, waiting := 0, false
	for {
		if l.skipLF && l.start < l.end {
			l.skipLF = false
			if l.buf[l.start] == '\n' {
				l.start++
			}
		}
		unread := l.buf[l.start:l.end]
		if i := bytes.IndexAny(unread[scanned:], "\r\n"); i >= 0 {
			i += scanned
			l.skipLF = unread[i] == '\r'
			l.start += i + 1
			if waiting {
				l.got()
			}
			if i > l.maxLine {
				return nil, false, errLine
			}
			return unread[:i], true, nil
		}
		scanned = len(unread)
		switch {
		case scanned > l.maxLine:
			return nil, false, errLine
		case l.err == io.EOF && scanned > 0:
			l.start = l.end
			return unread, false, nil
		case l.err != nil:
			return nil, false, l.err
		}
		if !waiting {
			waiting = true
			l.wait()
		}
		l.fill()
	}
}

// fill reads once, making room when there is none.
func (l *lineReader) fill() {
	if l.start > 0 {
		l.end = copy(l.buf[:cap(l.buf)], l.buf[l.start:l.end])
		l.start = 0
	}
	if l.end == cap(l.buf) {
		grown := make([]byte, min(2*cap(l.buf), l.maxLine+4096))
		copy(grown, l.buf[:l.end])
		l.buf = grown
	}
	l.buf = l.buf[:cap(l.buf)]
	n, err := l.src.Read(l.buf[l.end:])
	l.end += n
	if l.left -= int64(n); l.left < 0 && err == nil {
		err = errStream
	}
	l.err = err
}

// document is one message of a stream.
type document struct {
	data   []byte // JSON
	failed bool   // it came as an error, whatever it says
	done   bool   // "[DONE]"; nothing follows
}

// Errors of documents.
var (
	errHTML    = errors.New("a web page")
	errNotJSON = errors.New("not JSON")
	errMixed   = errors.New("texts of several answers")
	errPartial = errors.New("an unfinished message at the end")
)

// documents reads the JSON messages of an event stream, and of what upstreams send in the place of one: messages framed
// by single newlines or over several lines, bare JSON, "error:" fields.
type documents struct {
	lines   *lineReader
	first   bool   // no line was read yet
	pending []byte // lines of a message that is not complete
	bare    bool   // pending has no field names
	event   string
	tries   int  // to read pending before its end is certain
	noise   bool // there were lines of no event stream
}

// eagerTries bounds the attempts to read an unfinished message, which would else be quadratic.
const eagerTries = 32

func newDocuments(lines *lineReader) *documents { return &documents{lines: lines, first: true} }

// next returns the next message, valid until the next call. io.EOF is a clean end between messages.
func (d *documents) next() (document, error) {
	if d.tries < 0 { // the last call returned pending
		d.reset()
	}
	for {
		line, ended, err := d.lines.next()
		if err == io.EOF {
			return d.last()
		}
		if err != nil {
			return document{}, err
		}
		if d.first {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
			if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 {
				d.first = false
				if trimmed[0] == '<' {
					return document{}, errHTML
				}
			}
		}
		doc, complete, err := d.take(line, ended)
		if err != nil || complete {
			return doc, err
		}
	}
}

// take adds a line to what is pending and returns the message if that completes one.
func (d *documents) take(line []byte, ended bool) (document, bool, error) {
	if d.bare {
		return d.add(line)
	}
	if len(line) == 0 {
		if !ended {
			return document{}, false, nil
		}
		if len(d.pending) > 0 {
			return document{}, false, errNotJSON // every message that can be read was returned before its end
		}
		d.reset()
		return document{}, false, nil
	}
	if trimmed := bytes.TrimSpace(line); len(d.pending) == 0 && len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		d.bare = true
		return d.add(trimmed)
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		return d.add(value)
	case "event":
		d.event = string(value)
	case "error":
		d.event = "error"
		return d.add(value)
	case "", "id", "retry": // "" is a comment
	default:
		d.noise = d.noise || ended || !strings.HasPrefix("data", string(name))
	}
	return document{}, false, nil
}

func (d *documents) add(value []byte) (document, bool, error) {
	if len(d.pending) > 0 {
		d.pending = append(d.pending, '\n')
	}
	if len(d.pending)+len(value) > d.lines.maxLine {
		return document{}, false, errLine
	}
	d.pending = append(d.pending, value...)
	trimmed := bytes.TrimSpace(value)
	if len(trimmed) == 0 {
		if len(bytes.TrimSpace(d.pending)) == 0 {
			d.pending = d.pending[:0]
		}
		return document{}, false, nil
	}
	if d.tries >= eagerTries {
		return document{}, false, nil
	}
	switch trimmed[len(trimmed)-1] {
	case '}', ']', '"', 'l', 'e': // an end of JSON, "null", "true" and "false" included
		d.tries++
	default:
		if len(d.pending) > len(value) { // a lone number is complete at once
			return document{}, false, nil
		}
		d.tries++
	}
	doc, ok := d.message()
	return doc, ok, nil
}

// message is what is pending, if that is a message.
func (d *documents) message() (document, bool) {
	data := bytes.TrimSpace(d.pending)
	if string(data) == "[DONE]" {
		d.tries = -1
		return document{done: true}, true
	}
	if !json.Valid(data) && !(d.event == "error" && !d.bare) {
		return document{}, false
	}
	d.tries = -1
	return document{data: data, failed: d.event == "error"}, true
}

// last is what is left at the end of the body.
func (d *documents) last() (document, error) {
	if len(bytes.TrimSpace(d.pending)) == 0 {
		return document{}, io.EOF
	}
	doc, ok := d.message()
	if !ok {
		bare := d.bare
		d.reset()
		if bare {
			return document{}, errNotJSON
		}
		return document{}, errPartial
	}
	return doc, nil
}

func (d *documents) reset() {
	d.pending, d.bare, d.event, d.tries = d.pending[:0], false, "", 0
}
