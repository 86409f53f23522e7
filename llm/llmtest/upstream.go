package llmtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// An Upstream answers every connection with what its script writes, byte by byte.
type Upstream struct {
	URL string

	listener net.Listener
	serve    func(*Conn)
	conns    sync.WaitGroup

	mu       sync.Mutex
	open     map[net.Conn]struct{}
	requests int
	accepted int
}

// NewUpstream starts an upstream on loopback that ends with the test.
func NewUpstream(t testing.TB, serve func(*Conn)) *Upstream {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &Upstream{URL: "http://" + l.Addr().String(), listener: l, serve: serve, open: map[net.Conn]struct{}{}}
	u.conns.Go(u.accept)
	t.Cleanup(u.Close)
	return u
}

// Close ends all connections and waits for their scripts.
func (u *Upstream) Close() {
	u.listener.Close()
	u.mu.Lock()
	for c := range u.open {
		c.Close()
	}
	u.mu.Unlock()
	u.conns.Wait()
}

// Requests is how many requests there were.
func (u *Upstream) Requests() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.requests
}

// Connections is how many connections there were.
func (u *Upstream) Connections() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.accepted
}

func (u *Upstream) accept() {
	for {
		c, err := u.listener.Accept()
		if err != nil {
			return
		}
		u.mu.Lock()
		u.open[c] = struct{}{}
		u.accepted++
		u.mu.Unlock()
		u.conns.Go(func() { u.talk(c) })
	}
}

func (u *Upstream) talk(conn net.Conn) {
	defer func() {
		conn.Close()
		u.mu.Lock()
		delete(u.open, conn)
		u.mu.Unlock()
	}()
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		u.mu.Lock()
		u.requests++
		n := u.requests
		u.mu.Unlock()
		c := &Conn{Request: r, Body: string(body), N: n, conn: conn}
		u.serve(c)
		if !c.keep {
			return
		}
	}
}

// A Conn is one request and the connection that its answer is written to.
type Conn struct {
	Request *http.Request
	Body    string
	N       int // of the request, from 1

	conn net.Conn
	keep bool
}

// Send writes the parts as they are.
func (c *Conn) Send(parts ...string) {
	_, _ = io.WriteString(c.conn, strings.Join(parts, "")) // the peer may be gone, which is its right
}

// Head writes the beginning of an answer whose body ends with the connection.
func (c *Conn) Head(status string, headers ...string) {
	c.Send("HTTP/1.1 ", status, "\r\n", "Connection: close\r\n", lines(headers), "\r\n")
}

// Stream begins an event stream that ends with the connection.
func (c *Conn) Stream() { c.Head("200 OK", "Content-Type: text/event-stream") }

// Chunks begins an event stream in chunks; see Chunk.
func (c *Conn) Chunks(headers ...string) {
	c.Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n", lines(headers), "\r\n")
}

// Keep leaves the connection open for a further request.
func (c *Conn) Keep() { c.keep = true }

// Reset ends the connection with a TCP reset, after what was sent has had time to arrive.
func (c *Conn) Reset() {
	time.Sleep(50 * time.Millisecond)
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.conn.Close()
}

// Wait returns when the peer has closed the connection.
func (c *Conn) Wait() { _, _ = io.Copy(io.Discard, c.conn) }

// Gone reports whether the peer has closed the connection.
func (c *Conn) Gone() bool {
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.conn.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// Write makes a Conn an io.Writer.
func (c *Conn) Write(p []byte) (int, error) { return c.conn.Write(p) }

// Chunk is one chunk of HTTP's chunked encoding.
func Chunk(data string) string {
	return fmt.Sprintf("%x\r\n%s\r\n", len(data), data)
}

// LastChunk ends a chunked body.
const LastChunk = "0\r\n\r\n"

func lines(headers []string) string {
	if len(headers) == 0 {
		return ""
	}
	return strings.Join(headers, "\r\n") + "\r\n"
}
