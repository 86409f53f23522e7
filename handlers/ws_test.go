package handlers

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"aihub/hub"
)

// dial opens a socket as a program or, with an origin, as a browser's page.
func (s *site) dial(origin string, protocols ...string) *websocket.Conn {
	s.t.Helper()
	h := http.Header{}
	if origin != "" {
		h.Set("Origin", origin)
	}
	ws, res, err := websocket.Dial(s.t.Context(), s.URL+"/ws", &websocket.DialOptions{HTTPHeader: h, Subprotocols: protocols})
	if err != nil {
		s.t.Fatalf("dial: %v (%v)", err, res)
	}
	ws.SetReadLimit(1 << 20)
	s.t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

// socketOf is an authenticated socket.
func (s *site) socketOf(person string) *websocket.Conn {
	s.t.Helper()
	ws := s.dial("", subprotocol)
	s.send(ws, map[string]any{"t": "auth", "id": 1, "token": s.token(person)})
	if f := s.next(ws); f["t"] != "hello" {
		s.t.Fatalf("got %v", f)
	}
	return ws
}

func (s *site) send(ws *websocket.Conn, frame any) {
	s.t.Helper()
	data, err := json.Marshal(frame)
	must(s.t, err)
	must(s.t, ws.Write(s.t.Context(), websocket.MessageText, data))
}

func (s *site) next(ws *websocket.Conn) map[string]any {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	_, data, err := ws.Read(ctx)
	must(s.t, err)
	f := map[string]any{}
	must(s.t, json.Unmarshal(data, &f))
	return f
}

// closed returns the code with which the server closes.
func (s *site) closed(ws *websocket.Conn) int {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	for {
		if _, _, err := ws.Read(ctx); err != nil {
			return int(websocket.CloseStatus(err))
		}
	}
}

func TestOnlyOurPagesMayConnect(t *testing.T) {
	s := newSite(t)
	for origin, allowed := range map[string]bool{"": true, s.URL: true, "https://evil.example": false, "null": false, s.URL + ".evil.example": false,
		"http://127.0.0.1.evil.example": false, "http://user@127.0.0.1": false} {
		ws := s.dial(origin, subprotocol)
		if !allowed {
			if code := s.closed(ws); code != hub.CloseOrigin {
				t.Errorf("origin %q: closed with %d", origin, code)
			}
			continue
		}
		s.send(ws, map[string]any{"t": "auth", "id": 1, "token": s.token("alfa usuario")})
		if f := s.next(ws); f["t"] != "hello" {
			t.Errorf("origin %q: %v", origin, f)
		}
	}
}

func TestSocketRules(t *testing.T) {
	s := newSite(t)
	if code := s.closed(s.dial("")); code != hub.CloseAbuse {
		t.Errorf("without the subprotocol: %d", code)
	}
	s.do("", "GET", "/ws?token="+s.token("alfa usuario"), nil).want(t, 422, "bad_field")
	s.do("", "GET", "/ws", nil).want(t, 426, "")

	ws := s.socketOf("alfa usuario")
	must(t, ws.Write(t.Context(), websocket.MessageBinary, []byte(`{"t":"pong"}`)))
	if code := s.closed(ws); code != int(websocket.StatusUnsupportedData) {
		t.Errorf("a binary frame: closed with %d", code)
	}
	ws = s.socketOf("alfa usuario")
	must(t, ws.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("x", hub.MaxFrame+1))))
	if code := s.closed(ws); code != hub.CloseMessageTooBig {
		t.Errorf("a big frame: closed with %d", code)
	}
	ws = s.dial("", subprotocol)
	s.send(ws, map[string]any{"t": "auth", "id": 1, "token": "nonsense"})
	if f := s.next(ws); f["code"] != "unauthenticated" {
		t.Errorf("a bad token: %v", f)
	}
	if code := s.closed(ws); code != hub.CloseUnauth {
		t.Errorf("a bad token: closed with %d", code)
	}
}

func TestOneMessageFromSocketToStore(t *testing.T) {
	s := newSite(t)
	ws := s.socketOf("alfa usuario")
	s.send(ws, map[string]any{"t": "send", "id": 2, "cid": "a", "text": "Olá"})
	ok := s.next(ws)
	if ok["t"] != "ok" {
		t.Fatalf("got %v", ok)
	}
	text, end := "", map[string]any(nil)
	for end == nil {
		f := s.next(ws)
		switch f["k"] {
		case "delta":
			text += f["text"].(string)
		case "run.end":
			end = f
		}
	}
	if end["state"] != "complete" || int(end["len"].(float64)) != len(text) || text == "" {
		t.Errorf("end %v for a text of %d bytes", end, len(text))
	}
	var list struct{ Items []hub.MessageView }
	s.do("alfa usuario", "GET", "/api/v1/conversations/"+ok["conv"].(string)+"/messages", nil).into(t, &list)
	if len(list.Items) != 2 || list.Items[0].Text != text || list.Items[0].Run.SHA != end["sha"] {
		t.Errorf("stored %+v, streamed %q", list.Items, text)
	}
}
