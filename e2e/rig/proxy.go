package rig

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A Proxy passes TCP connections on to a target that may change. It can cut them, hold their bytes back and refuse new
// ones: a network that fails.
type Proxy struct {
	listen  net.Listener
	forward func(server io.Writer, client io.Reader) // passes what clients send; nil: as it comes

	mu      sync.Mutex
	target  string
	pairs   map[*pair]struct{}
	down    bool
	stalled chan struct{} // closed when bytes flow again; nil: they flow
	after   int64         // cut a connection after so many bytes to the client; 0: never
}

type pair struct{ client, server net.Conn }

func (p *pair) close() {
	_ = p.client.Close()
	_ = p.server.Close()
}

// NewProxy listens on loopback and ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p := listen(t, target)
	go p.accept()
	return p
}

// listen makes a proxy whose accept is still to be called.
func listen(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listen: l, target: target, pairs: map[*pair]struct{}{}}
	t.Cleanup(func() {
		_ = l.Close()
		p.Resume()
		p.Cut()
	})
	return p
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listen.Addr().String() }

// Target changes where new connections go.
func (p *Proxy) Target(addr string) {
	p.mu.Lock()
	p.target = addr
	p.mu.Unlock()
}

// Cut resets every connection and returns how many there were.
func (p *Proxy) Cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.pairs)
	for c := range p.pairs {
		if tcp, ok := c.client.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.close()
	}
	return n
}

// Down cuts everything and refuses new connections until Up.
func (p *Proxy) Down() {
	p.mu.Lock()
	p.down = true
	p.mu.Unlock()
	p.Cut()
}

// Up accepts connections again.
func (p *Proxy) Up() {
	p.mu.Lock()
	p.down = false
	p.mu.Unlock()
}

// Stall holds all bytes back, in both directions, until Resume: a black hole, not an end.
func (p *Proxy) Stall() {
	p.mu.Lock()
	if p.stalled == nil {
		p.stalled = make(chan struct{})
	}
	p.mu.Unlock()
}

// Resume lets bytes flow again.
func (p *Proxy) Resume() {
	p.mu.Lock()
	if p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
	p.mu.Unlock()
}

// CutAfter cuts each new connection after n bytes to the client; 0 stops doing so.
func (p *Proxy) CutAfter(n int64) {
	p.mu.Lock()
	p.after = n
	p.mu.Unlock()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listen.Accept()
		if err != nil {
			return
		}
		go p.pass(client)
	}
}

func (p *Proxy) pass(client net.Conn) {
	p.mu.Lock()
	target, down, after := p.target, p.down, p.after
	p.mu.Unlock()
	if down {
		_ = client.Close()
		return
	}
	server, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		_ = client.Close()
		return
	}
	c := &pair{client, server}
	p.mu.Lock()
	if p.down {
		p.mu.Unlock()
		c.close()
		return
	}
	p.pairs[c] = struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() {
		if p.forward != nil {
			p.forward(server, client)
		} else {
			p.copy(server, client, 0)
		}
		c.close()
	})
	both.Go(func() { p.copy(client, server, after); c.close() })
	both.Wait()
	p.mu.Lock()
	delete(p.pairs, c)
	p.mu.Unlock()
}

// copy passes bytes in one direction, at most limit of them unless that is 0.
func (p *Proxy) copy(to io.Writer, from io.Reader, limit int64) {
	buf := make([]byte, 16<<10)
	for passed := int64(0); ; {
		n, err := from.Read(buf)
		p.mu.Lock()
		stalled := p.stalled
		p.mu.Unlock()
		if stalled != nil {
			<-stalled
		}
		if limit > 0 && passed+int64(n) >= limit {
			_, _ = to.Write(buf[:limit-passed])
			return
		}
		passed += int64(n)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
