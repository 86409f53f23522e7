package load

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// frames is the practical limit of a chat server on coder/websocket: a frame is encoded once and shared by all its
// receivers, written straight to the connection; what waits goes out in one write; nothing writes while a connection is
// idle. The library makes the handshake and reads.
type frames struct {
	relayer
	mu    sync.Mutex
	rooms map[string]*frameRoom
}

type frameRoom struct {
	mu      sync.RWMutex
	members map[*frameMember]struct{}
}

// frameMember is one receiver. Its connection is also the library's, which answers pings on it.
type frameMember struct {
	conn *sharedConn

	mu      sync.Mutex
	waiting [][]byte
	writing bool
	dead    bool
}

const frameQueue = 1024

// send queues a complete frame and begins to write unless somebody does.
func (m *frameMember) send(frame []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.dead:
		return
	case len(m.waiting) == frameQueue:
		m.dead, m.waiting = true, nil
		_ = m.conn.Conn.Close()
		return
	}
	m.waiting = append(m.waiting, frame)
	if !m.writing {
		m.writing = true
		go m.flush()
	}
}

// flush writes until nothing waits.
func (m *frameMember) flush() {
	for {
		m.mu.Lock()
		waiting := m.waiting
		m.waiting = nil
		if len(waiting) == 0 || m.dead {
			m.writing = false
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		if err := m.conn.writeAll(waiting); err != nil {
			m.mu.Lock()
			m.dead, m.waiting = true, nil
			m.mu.Unlock()
			_ = m.conn.Conn.Close()
		}
	}
}

// sharedConn keeps the library's frames and ours apart: each is one write.
type sharedConn struct {
	net.Conn
	mu sync.Mutex
}

func (c *sharedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *sharedConn) writeAll(frames [][]byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(frames) == 1 {
		_, err := c.Conn.Write(frames[0])
		return err
	}
	buffers := net.Buffers(frames)
	_, err := buffers.WriteTo(c.Conn)
	return err
}

// hijacker hands the library a connection whose writes are shared, and small buffers.
type hijacker struct {
	http.ResponseWriter
	conn *sharedConn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if err := rw.Flush(); err != nil {
		return nil, nil, err
	}
	h.conn.Conn = conn
	return h.conn, bufio.NewReadWriter(bufio.NewReaderSize(conn, 512), bufio.NewWriterSize(h.conn, 512)), nil
}

func (f *frames) room(name string) *frameRoom {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rooms[name] == nil {
		f.rooms[name] = &frameRoom{members: map[*frameMember]struct{}{}}
	}
	return f.rooms[name]
}

func (f *frames) serve(w http.ResponseWriter, hr *http.Request) {
	m := &frameMember{conn: &sharedConn{}}
	ws, err := websocket.Accept(&hijacker{w, m.conn}, hr, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer ws.CloseNow()
	room := f.room(hr.URL.Query().Get("room"))
	room.mu.Lock()
	room.members[m] = struct{}{}
	room.mu.Unlock()
	defer func() {
		room.mu.Lock()
		delete(room.members, m)
		room.mu.Unlock()
	}()
	for {
		_, prompt, err := ws.Read(context.Background())
		if err != nil {
			return
		}
		go f.relay(string(prompt), room.broadcast)
	}
}

func (room *frameRoom) broadcast(text []byte) {
	frame := encodeFrame(text)
	room.mu.RLock()
	defer room.mu.RUnlock()
	for m := range room.members {
		m.send(frame)
	}
}

// encodeFrame is a text frame of a server.
func encodeFrame(text []byte) []byte {
	frame := make([]byte, 0, len(text)+4)
	if n := len(text); n < 126 {
		frame = append(frame, 0x81, byte(n))
	} else {
		frame = append(frame, 0x81, 126, byte(n>>8), byte(n)) // no token is longer than 64 KiB
	}
	return append(frame, text...)
}
