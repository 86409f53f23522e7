package load

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// A socket is a WebSocket client that costs as little as possible, because it shares the machine with what it measures:
// text frames only, no compression, masked with zeros. One goroutine reads; any may write.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
	long []byte // for frames that do not fit the buffer

	mu  sync.Mutex
	out []byte
}

func dial(ctx context.Context, address, protocol string) (*socket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	req := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{
		"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {base64.StdEncoding.EncodeToString(make([]byte, 16))}}}
	if protocol != "" {
		req.Header.Set("Sec-WebSocket-Protocol", protocol)
	}
	in := bufio.NewReaderSize(conn, 4096)
	err = req.Write(conn)
	if err == nil {
		var res *http.Response
		if res, err = http.ReadResponse(in, req); err == nil && res.StatusCode != http.StatusSwitchingProtocols {
			err = fmt.Errorf("handshake: %s", res.Status)
		}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return &socket{conn: conn, in: in}, nil
}

// read returns the next text, valid until the next call.
func (s *socket) read() ([]byte, error) {
	for {
		op, payload, err := s.frame()
		if err != nil {
			return nil, err
		}
		switch op {
		case 0, 1, 2:
			return payload, nil
		case 8:
			if len(payload) >= 2 {
				return nil, fmt.Errorf("closed with %d %s", binary.BigEndian.Uint16(payload), payload[2:])
			}
			return nil, io.EOF
		case 9:
			if err := s.send(10, payload); err != nil {
				return nil, err
			}
		}
	}
}

func (s *socket) frame() (op byte, payload []byte, err error) {
	h, err := s.in.Peek(2)
	if err != nil {
		return 0, nil, err
	}
	op = h[0] & 15
	n, head := int(h[1]&127), 2
	switch n {
	case 126:
		if h, err = s.in.Peek(4); err != nil {
			return 0, nil, err
		}
		n, head = int(binary.BigEndian.Uint16(h[2:])), 4
	case 127:
		if h, err = s.in.Peek(10); err != nil {
			return 0, nil, err
		}
		n, head = int(binary.BigEndian.Uint64(h[2:])), 10
	}
	if head+n <= s.in.Size() {
		if payload, err = s.in.Peek(head + n); err != nil {
			return 0, nil, err
		}
		_, err = s.in.Discard(head + n)
		return op, payload[head:], err
	}
	if _, err := s.in.Discard(head); err != nil {
		return 0, nil, err
	}
	if cap(s.long) < n {
		s.long = make([]byte, n)
	}
	_, err = io.ReadFull(s.in, s.long[:n])
	return op, s.long[:n], err
}

func (s *socket) write(text []byte) error { return s.send(1, text) }

func (s *socket) send(op byte, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := append(s.out[:0], 0x80|op)
	if n := len(payload); n < 126 {
		b = append(b, 0x80|byte(n))
	} else {
		b = append(b, 0x80|126, byte(n>>8), byte(n)) // no command is longer than 64 KiB
	}
	b = append(append(b, 0, 0, 0, 0), payload...)
	s.out = b
	_, err := s.conn.Write(b)
	return err
}

func (s *socket) close() { _ = s.conn.Close() }
