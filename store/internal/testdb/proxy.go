package testdb

import (
	"bytes"
	"net"
	"strings"
	"sync"
	"testing"
)

// A Proxy stands between a client and a server on loopback and does what networks do.
type Proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	down  bool
	lose  string // the next answer to a request that has this in it gets lost
	lost  int
	conns map[net.Conn]bool
}

// NewProxy starts a proxy before the server of a MongoDB address and returns it with the address through it.
func NewProxy(tb testing.TB, uri string) (*Proxy, string) {
	tb.Helper()
	host, path, _ := strings.Cut(strings.TrimPrefix(uri, "mongodb://"), "/")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{listener: l, server: host, conns: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(c) })
		}
	})
	tb.Cleanup(func() {
		_ = l.Close()
		p.SetDown(true)
		serving.Wait()
	})
	return p, "mongodb://" + l.Addr().String() + "/" + path
}

// SetDown closes all connections and refuses new ones, until it is called with false.
func (p *Proxy) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	if down {
		for c := range p.conns {
			_ = c.Close()
		}
	}
}

// LoseAnswer lets the next request that has command in it reach the server, then cuts the connection in place of the
// answer.
func (p *Proxy) LoseAnswer(command string) {
	p.mu.Lock()
	p.lose = command
	p.mu.Unlock()
}

// Lost is how many answers were lost.
func (p *Proxy) Lost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

func (p *Proxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.down {
		p.conns[c] = true
	}
	return !p.down
}

func (p *Proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !p.track(client) || !p.track(server) {
		return
	}
	var cut sync.Once
	doomed := make(chan struct{})
	done := make(chan struct{}, 2)
	go func() {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 64<<10)
		for {
			n, err := client.Read(buf)
			if n > 0 {
				p.mu.Lock()
				if p.lose != "" && bytes.Contains(buf[:n], []byte(p.lose)) {
					p.lose = ""
					p.lost++
					cut.Do(func() { close(doomed) })
				}
				p.mu.Unlock()
				if _, err := server.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			select {
			case <-doomed:
				return
			default:
			}
			if n > 0 {
				if _, err := client.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	<-done
	_ = client.Close()
	_ = server.Close()
	<-done
	p.mu.Lock()
	delete(p.conns, client)
	delete(p.conns, server)
	p.mu.Unlock()
}
