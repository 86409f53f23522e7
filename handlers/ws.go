package handlers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"aihub/hub"
)

const (
	subprotocol = "aihub.v1"
	// messageTime is how long one message may take to arrive once it has begun: a client that dribbles bytes or empty
	// fragments is cut off.
	messageTime = 10 * time.Second
	// closeTime is how long a peer may take to answer a close frame.
	closeTime = time.Second
)

// socket upgrades a connection and hands it to the hub. The server's goroutine ends: its deep stack and the request would be a
// third of what a connection needs.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	key, ok := socketKey(r.URL.RawQuery)
	if !ok { // no token ever travels in an address
		sendProblem(w, hub.Ef("bad_field", "the address takes no parameter but a widget's public key, k; the first frame authenticates"))
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, InsecureSkipVerify: true, // checked below, so that it can be told
		CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // the library has answered
	}
	ws.SetReadLimit(hub.MaxFrame)
	c := &conn{ws: ws}
	allowed := s.allowedOrigin(r)
	if key != "" {
		if allowed, err = s.widgetSocket(r, key); err != nil { // nobody can say now
			s.hub.Refuse(c, err)
			return
		}
	}
	switch {
	case !allowed:
		_ = c.Close(hub.CloseOrigin, "origin or key not allowed")
	case ws.Subprotocol() != subprotocol:
		_ = c.Close(hub.CloseAbuse, "the subprotocol is "+subprotocol)
	default:
		s.hub.Accept(c)
	}
}

// allowedOrigin lets programs in, which send no Origin, and our own pages.
func (s *Server) allowedOrigin(r *http.Request) bool {
	if len(r.Header["Origin"]) == 0 {
		return true
	}
	return s.ownOrigin(r.Header.Get("Origin"), r.Host)
}

// ownOrigin reports whether a page of this origin is ours: it is at the public address, or at the very host that the
// request was sent to, which may be a distributor's own domain.
func (s *Server) ownOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" {
		return false
	}
	if s.public == nil {
		return strings.EqualFold(u.Host, host)
	}
	return strings.EqualFold(u.Scheme, s.public.Scheme) && (strings.EqualFold(u.Host, s.public.Host) || strings.EqualFold(u.Host, host))
}

// conn is a WebSocket as the hub sees it.
type conn struct{ ws *websocket.Conn }

var _ hub.Conn = (*conn)(nil)

// Read implements hub.Conn. Waiting for a message may take for ever; a message that has begun may not. A context that can
// end would make the library watch over each wait.
func (c *conn) Read() ([]byte, error) {
	kind, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		_ = c.Close(int(websocket.StatusUnsupportedData), "frames are text")
		return nil, errors.New("binary frame")
	}
	slow := time.AfterFunc(messageTime, func() { _ = c.Close(int(websocket.StatusPolicyViolation), "message too slow") })
	defer slow.Stop()
	return io.ReadAll(r) // bounded by the read limit, which closes with 1009
}

// Write implements hub.Conn. As for Read, there is no context that can end.
func (c *conn) Write(frame []byte) error {
	return c.ws.Write(context.Background(), websocket.MessageText, frame)
}

// Close implements hub.Conn: a peer that does not answer the close frame is cut off.
func (c *conn) Close(code int, reason string) error {
	cut := time.AfterFunc(closeTime, func() { _ = c.ws.CloseNow() })
	defer cut.Stop()
	return c.ws.Close(websocket.StatusCode(code), reason)
}
