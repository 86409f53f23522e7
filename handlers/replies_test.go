package handlers

import (
	"strings"
	"testing"
)

func TestCannedReplies(t *testing.T) {
	s := newSite(t)
	path := "/api/v1/canned-replies"
	id := s.do("alfa supervisor", "POST", path, map[string]any{"shortcut": "boleto", "text": "{saudacao}, {nome}!"}).id(t)
	s.do("alfa supervisor", "POST", path, map[string]any{"shortcut": "boleto", "text": "x"}).want(t, 409, "conflict")
	s.do("alfa supervisor", "POST", path, map[string]any{"shortcut": "com espaço", "text": "x"}).want(t, 422, "bad_field")
	if a := s.do("alfa admin", "GET", path, nil); !strings.Contains(a.body, `"text":"{saudacao}, {nome}!"`) {
		t.Error(a.body)
	}
	s.do("alfa admin", "PATCH", path+"/"+id, map[string]any{"text": "Segue o boleto."}).want(t, 200, "")
	s.do("alfa admin", "PATCH", path+"/"+id, map[string]any{"text": "x"}, "If-Match", `"1"`).want(t, 412, "conflict")
	s.do("alfa usuario", "GET", path, nil).want(t, 403, "forbidden")
	if a := s.do("beta supervisor", "GET", path, nil); strings.Contains(a.body, "boleto") {
		t.Error(a.body)
	}
	s.do("alfa supervisor", "DELETE", path+"/"+id, nil).want(t, 204, "")
	s.do("alfa supervisor", "GET", path+"/"+id, nil).want(t, 404, "not_found")
}
