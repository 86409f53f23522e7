package llm

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
)

// wire holds the connections of one configuration.
type wire struct {
	transport *http.Transport
	bounds    Bounds
}

func newWire(t Target, b Bounds, allow []netip.Prefix) *wire {
	g := guard{private: t.Private, plain: strings.HasPrefix(strings.ToLower(t.address()), "http:"), allow: allow}
	dialer := &net.Dialer{Timeout: b.Connect, ControlContext: g.control}
	return &wire{bounds: b, transport: &http.Transport{
		Proxy:                  nil, // the environment's proxy would see the keys and defeat the guard
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    b.Connect,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: b.Idle, PingTimeout: b.Connect}, // finds dead connections
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    64,
		MaxConnsPerHost:        b.Conns,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // tokens come one by one; there is nothing to compress
	}}
}

func (w *wire) close() { w.transport.CloseIdleConnections() }

// piece is what one message of a stream says.
type piece struct {
	text, reasoning string
	model           string
	finish          string
	usage           *Usage
	usageSeen       bool // there was a report, even one that can't be true
	reasoned        bool // the model thinks, though it does not say what
}

// dialect is how a kind of provider speaks. It belongs to one answer.
type dialect interface {
	// decode reads one message.
	decode(doc []byte) (piece, *Error)
	// rest returns text that waited for its other half in vain.
	rest() string
}

// framing is how a library expects a stream. Its events are empty: a library hands them on one by one, and the piece of
// each, decoded once, is taken from the body.
type framing struct{ opening, event, between, closing string }

const emptyEvent = "data: {}\n\n"

// An exchange is one request and its answer. It is the HTTP transport beneath a provider's library, and shows it a tidy
// stream whatever the upstream does: the library sees only that there is text, well framed, and a clean end. What the text
// is and how the answer really ended is kept here: it would cost a second decoding, and libraries lose ends.
type exchange struct {
	wire    *wire
	dialect dialect
	framing framing

	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  watch
	body   *body

	err     *Error // how it failed; nil while it has not
	finish  string
	usage   *Usage
	model   string
	bytes   int
	proven  bool // the finish reason came without text and nothing followed it
	doubted bool // text followed a finish reason
}

// newExchange begins an exchange; end must be called.
func (w *wire) newExchange(ctx context.Context, d dialect, f framing) *exchange {
	x := &exchange{wire: w, dialect: d, framing: f}
	x.ctx, x.cancel = context.WithCancelCause(ctx)
	x.watch = watch{cancel: x.cancel, bounds: w.bounds}
	return x
}

// end releases what the exchange holds.
func (x *exchange) end() {
	x.watch.stop()
	x.cancel(nil)
	if x.body != nil {
		x.body.src.Close()
	}
}

// client returns an http.Client over this exchange.
func (x *exchange) client() *http.Client {
	return &http.Client{Transport: x, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// RoundTrip sends the request. Everything but a success is turned into x.err here, and told to the library as an error
// without content.
func (x *exchange) RoundTrip(r *http.Request) (*http.Response, error) {
	x.watch.start()
	r = r.WithContext(x.ctx)
	r.Header = r.Header.Clone()
	r.Header.Set("Accept-Encoding", "identity")
	r.Header.Set("User-Agent", "aihub")
	// Present but empty, it is not sent; it tells net/http to repeat the request when a kept connection turns out to be
	// closed, before there is any answer.
	r.Header["Idempotency-Key"] = []string{}
	resp, err := x.wire.transport.RoundTrip(r)
	if err != nil {
		return nil, x.fail(x.unreached(err))
	}
	if err := x.admit(resp); err != nil {
		resp.Body.Close()
		return nil, x.fail(err)
	}
	x.body = &body{x: x, src: resp.Body}
	var src io.Reader = resp.Body
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") {
		src = &gunzip{src: resp.Body}
	}
	x.body.docs = newDocuments(newLineReader(src, x.wire.bounds.Line, x.wire.bounds.Stream, x.watch.wait, x.watch.got))
	resp.Body, resp.ContentLength = x.body, -1
	resp.Header = http.Header{"Content-Type": {"text/event-stream"}}
	return resp, nil
}

// Do is RoundTrip under the name that some libraries want.
func (x *exchange) Do(r *http.Request) (*http.Response, error) { return x.RoundTrip(r) }

func (x *exchange) fail(e *Error) error {
	if x.err == nil {
		x.err = e
	}
	return e
}

// admit refuses answers that can't be a stream.
func (x *exchange) admit(resp *http.Response) *Error {
	switch s := resp.StatusCode; {
	case s >= 300 && s < 400:
		return &Error{Code: CodeConfig, Reason: "the provider redirects to another address, which is never followed", Verdict: Misconfigured, Status: s}
	case s < 200 || s >= 300:
		x.watch.hurry()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return refused(s, resp.Header, text, time.Now())
	}
	switch enc := strings.ToLower(resp.Header.Get("Content-Encoding")); enc {
	case "", "identity", "gzip":
	default:
		return &Error{Code: CodeBadStream, Reason: "the provider sent a compressed stream", Verdict: NotCompatible}
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil && kind == "text/html" {
		return badStream(errHTML)
	}
	return nil
}

// unreached is why there is no answer at all.
func (x *exchange) unreached(err error) *Error {
	var e *Error
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var netErr net.Error
	down := func(reason string) *Error {
		return &Error{Code: CodeUnavailable, Reason: reason, Verdict: Unreachable, again: true}
	}
	switch {
	case errors.As(context.Cause(x.ctx), &e), errors.As(err, &e):
		return e
	case errors.As(err, &cert):
		e = down("the provider's certificate is not valid")
		e.again = false
	case errors.As(err, &dns):
		e = down("the provider's name can't be resolved")
		e.again = dns.IsTemporary || dns.IsTimeout
	case errors.As(err, &netErr) && netErr.Timeout():
		return &Error{Code: CodeTimeout, Reason: "no connection in time", Verdict: Unreachable}
	default:
		e = down("no connection to the provider")
	}
	return e
}

// note takes in what a message says and reports whether there is text for the library.
func (x *exchange) note(p piece) bool {
	some := p.text != "" || p.reasoning != ""
	if some || p.reasoned {
		x.watch.token()
	}
	if p.text != "" && x.finish != "" {
		x.doubted = true // some say "stop" in every message
	}
	if p.finish != "" {
		x.finish, x.proven = p.finish, !some && !x.doubted
	} else if some {
		x.proven = false
	}
	if p.usageSeen {
		x.usage = p.usage // the last report counts; they are not parts of a sum
	}
	if x.model == "" {
		x.model = p.model
	}
	x.bytes += len(p.text)
	return some
}

// finished judges the end of the stream. marked: the upstream said that this is the end. err is what reading ended with.
func (x *exchange) finished(marked bool, err error) *Error {
	var e *Error
	switch cause := context.Cause(x.ctx); {
	case x.err != nil:
		return x.err
	case x.finish != "" && (marked || x.proven || err == io.EOF && !x.doubted):
		return x.verdict()
	case errors.As(cause, &e): // of the watch
		return e
	case cause != nil:
		return nil // the caller's end; nobody asks for a reason
	}
	switch {
	case errors.Is(err, errLine), errors.Is(err, errStream), errors.Is(err, errHTML), errors.Is(err, errNotJSON):
		return badStream(err)
	case x.body.messages == 0 && err == io.EOF && x.body.docs.noise:
		return badStream(errNotJSON)
	}
	return truncated()
}

// verdict is the error of a finished answer that is none.
func (x *exchange) verdict() *Error {
	switch {
	case x.finish == "error":
		return &Error{Code: CodeUnavailable, Reason: "the provider gave up", Verdict: Unreachable, again: true}
	case x.finish == "abort" || x.finish == "cancelled":
		return truncated()
	case x.bytes == 0:
		return emptyAnswer(x.finish)
	}
	return nil
}

// chunk is what the event says that the library has just handed on.
func (x *exchange) chunk() Chunk {
	p := x.body.take()
	return Chunk{Text: p.text, Reasoning: p.reasoning, Model: x.model}
}

// last is the chunk that completes the answer.
func (x *exchange) last() Chunk {
	return Chunk{Model: x.model, Finish: finishReason(x.finish), Usage: x.usage.plausible(x.bytes)}
}

func badStream(why error) *Error {
	return &Error{Code: CodeBadStream, Reason: "the provider's answer can't be read: " + why.Error(), Verdict: NotCompatible, again: true}
}

// body is the tidy stream that a library reads.
type body struct {
	x        *exchange
	src      io.ReadCloser
	docs     *documents
	out      []byte  // framed, not yet read
	pieces   []piece // of events, not yet taken
	at       int
	messages int
	framed   int
	ended    bool
}

func (b *body) Close() error {
	b.src.Close()
	return nil
}

func (b *body) Read(p []byte) (int, error) {
	for b.at == len(b.out) {
		if b.ended {
			return 0, io.EOF
		}
		b.out, b.at = b.out[:0], 0
		b.advance()
	}
	n := copy(p, b.out[b.at:])
	b.at += n
	return n, nil
}

// advance reads one message of the upstream.
func (b *body) advance() {
	doc, err := b.docs.next()
	if err != nil || doc.done {
		b.finish(doc.done, err)
		return
	}
	b.messages++
	p, failure := b.x.dialect.decode(doc.data)
	if doc.failed && (failure == nil || failure.Code == CodeBadStream) {
		c := complaintOf(doc.data)
		failure = c.error(0)
	}
	if failure != nil {
		b.fail(failure)
		return
	}
	if b.x.note(p) {
		b.frame(p)
	}
}

func (b *body) frame(p piece) {
	f := b.x.framing
	before := f.between
	if b.framed == 0 {
		before = f.opening
	}
	b.out = append(append(b.out, before...), f.event...)
	b.framed++
	b.pieces = append(b.pieces, p)
}

// take returns the piece of the event that the library has just handed on.
func (b *body) take() piece {
	if len(b.pieces) == 0 {
		return piece{}
	}
	p := b.pieces[0]
	b.pieces = b.pieces[:copy(b.pieces, b.pieces[1:])]
	return p
}

func (b *body) fail(e *Error) {
	b.x.fail(e)
	b.close()
}

func (b *body) finish(marked bool, err error) {
	if text := b.x.dialect.rest(); text != "" {
		b.x.bytes += len(text)
		b.frame(piece{text: text})
	}
	if e := b.x.finished(marked, err); e != nil {
		b.x.fail(e)
	}
	if marked && err == nil {
		b.drain()
	}
	b.close()
}

func (b *body) close() {
	b.ended = true
	if b.framed == 0 {
		b.out = append(b.out, b.x.framing.opening...)
	}
	b.out = append(b.out, b.x.framing.closing...)
	b.x.watch.stop()
}

// drain reads the end of the body after the upstream said that it is over: a connection that is read to its end is used
// again.
func (b *body) drain() {
	b.x.watch.drain()
	_, _ = io.CopyN(io.Discard, b.src, 4<<10)
}

// watch ends an exchange whose upstream is silent. The time before the first token is one span; after it, every line has
// its own. Time that the consumer takes does not count.
type watch struct {
	cancel context.CancelCauseFunc
	bounds Bounds
	timer  *time.Timer
	begun  atomic.Bool // a token has come
}

// drainTime is how long the end of a body is waited for that is known to say nothing.
const drainTime = 100 * time.Millisecond

func (w *watch) start() {
	w.timer = time.AfterFunc(w.bounds.FirstToken, func() {
		reason := "no token in time"
		if w.begun.Load() {
			reason = "the model was silent for too long"
		}
		w.cancel(&Error{Code: CodeTimeout, Reason: reason, Verdict: TooSlow})
	})
}

// wait begins the wait for a line, got ends it.
func (w *watch) wait() {
	if w.begun.Load() {
		w.timer.Reset(w.bounds.Idle)
	}
}

func (w *watch) got() {
	if w.begun.Load() {
		w.timer.Stop()
	}
}

func (w *watch) token() {
	if !w.begun.Load() {
		w.begun.Store(true)
		w.timer.Stop()
	}
}

// hurry is for text that is of little use.
func (w *watch) hurry() { w.timer.Reset(min(w.bounds.Idle, 2*time.Second)) }

func (w *watch) drain() { w.timer.Reset(drainTime) }

func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// gunzip unpacks a body that came packed although nobody asked for it. Bounds apply to what comes out.
type gunzip struct {
	src io.Reader
	z   *gzip.Reader
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.z == nil {
		z, err := gzip.NewReader(g.src)
		if err != nil {
			return 0, err
		}
		g.z = z
	}
	return g.z.Read(p)
}
