package handlers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// replyTo sends a command and returns its answer, past whatever comes in between.
func (s *site) replyTo(ws *websocket.Conn, command map[string]any) map[string]any {
	s.t.Helper()
	command["id"] = "answered"
	s.send(ws, command)
	for {
		if f := s.next(ws); f["id"] == "answered" {
			return f
		}
	}
}

// What the site says of where its visitor is comes to the staff, without what may be secret in an address.
func TestStaffSeeWhereAVisitorIs(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", nil)
	ws := s.visitorSocket(k.ID, s.visitor(map[string]any{"key": k.ID}).AccessToken)
	conv := s.ask(ws, "1", "Olá")
	if f := s.replyTo(ws, map[string]any{"t": "context", "page": "https://loja.example/planos?cpf=1#x", "title": " Planos \n de fibra", "data": map[string]any{"plano": "Fibra 600", "a.$b": ""}}); f["t"] != "ok" {
		t.Fatalf("got %v", f)
	}
	many := map[string]any{}
	for i := range 21 {
		many[fmt.Sprint(i)] = "x"
	}
	for name, bad := range map[string]map[string]any{
		"many values":  {"page": "https://loja.example/", "data": many},
		"a long value": {"page": "https://loja.example/", "data": map[string]any{"a": strings.Repeat("ç", 201)}},
		"a long name":  {"page": "https://loja.example/", "data": map[string]any{strings.Repeat("ç", 41): "x"}},
		"no name":      {"page": "https://loja.example/", "data": map[string]any{"": "x"}},
		"a control":    {"page": "https://loja.example/", "data": map[string]any{"a": "x\ny"}},
		"a number":     {"page": "https://loja.example/", "data": map[string]any{"a": 1}},
		"an object":    {"page": "https://loja.example/", "data": map[string]any{"a": map[string]any{}}},
		"no page":      {"title": "x"},
		"a long page":  {"page": "https://loja.example/" + strings.Repeat("x", 2000)},
	} {
		bad["t"] = "context"
		if f := s.replyTo(ws, bad); f["code"] != "bad_field" && f["code"] != "too_big" {
			t.Errorf("%s: %v", name, f)
		}
	}
	if a := s.do("alfa supervisor", "GET", "/api/v1/monitor/sessions/"+conv, nil); !strings.Contains(a.body,
		`"context":{"page":"https://loja.example/planos","title":"Planos de fibra","data":[{"name":"a.$b","value":""},{"name":"plano","value":"Fibra 600"}]}`) {
		t.Errorf("got %s", a.body)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		a := s.do("alfa supervisor", "GET", "/api/v1/monitor/sessions", nil)
		if strings.Contains(a.body, `"page":"https://loja.example/planos"`) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the live list is %s", a.body)
		}
	}
	staff := s.dial("", subprotocol)
	s.send(staff, map[string]any{"t": "auth", "id": 1, "token": s.token("alfa supervisor")})
	s.next(staff)
	if f := s.replyTo(staff, map[string]any{"t": "context", "page": "https://loja.example/"}); f["code"] != "forbidden" {
		t.Errorf("staff: %v", f)
	}
}

func TestWhoWaitsForAPersonIsToldTheirPlace(t *testing.T) {
	s := newSite(t)
	k := s.widgetKey("alfa", nil)
	for place := 1; place <= 2; place++ {
		v := s.visitor(map[string]any{"key": k.ID})
		ws := s.visitorSocket(k.ID, v.AccessToken)
		conv := s.ask(ws, "1", "Olá")
		path := "/api/v1/conversations/" + conv
		if a := s.as(v.AccessToken, "GET", path, nil); strings.Contains(a.body, "queue_place") {
			t.Errorf("before it waits: %s", a.body)
		}
		s.replyTo(ws, map[string]any{"t": "call", "conv": conv})
		if a := s.as(v.AccessToken, "GET", path, nil); !strings.Contains(a.body, fmt.Sprintf(`"queue_place":%d`, place)) {
			t.Errorf("place %d: %s", place, a.body)
		}
		time.Sleep(2 * time.Millisecond) // times are kept in milliseconds
	}
}
