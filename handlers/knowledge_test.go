package handlers

import (
	"strings"
	"testing"
)

func TestKnowledgeIsWrittenAndUploaded(t *testing.T) {
	s := newSite(t)
	a := s.do("alfa admin", "POST", "/api/v1/knowledge", map[string]any{"title": "Boleto", "text": "A segunda via está no aplicativo."})
	a.want(t, 201, "")
	var made articleView
	a.into(t, &made)
	path := "/api/v1/knowledge/" + made.ID
	s.do("alfa admin", "PATCH", path, map[string]any{"state": "disabled"}, "If-Match", a.Header.Get("ETag")).want(t, 200, "")
	s.do("alfa admin", "PATCH", path, map[string]any{"title": "x"}, "If-Match", a.Header.Get("ETag")).want(t, 412, "conflict")
	s.do("alfa usuario", "GET", path, nil).want(t, 403, "forbidden")

	file := func(name, data string) answer {
		return s.do("alfa admin", "POST", "/api/v1/knowledge/files?name="+name, data, "Content-Type", "application/octet-stream")
	}
	up := file("guia.md", "# Guia do Wi-Fi\n\nTroque a senha.")
	up.want(t, 201, "")
	if !strings.Contains(up.body, `"title":"Guia do Wi-Fi"`) || !strings.Contains(up.body, "Troque a senha.") {
		t.Error(up.body)
	}
	file("virus.exe", "MZ").want(t, 422, "bad_field")
	file("vazio.txt", " ").want(t, 422, "bad_field")
	file("grande.txt", strings.Repeat("a", 2<<20)).want(t, 413, "too_big")
	file("enorme.txt", strings.Repeat("a", 11<<20)).want(t, 413, "too_big")
	s.do("alfa admin", "DELETE", path, nil).want(t, 204, "")
	if list := s.do("alfa admin", "GET", "/api/v1/knowledge?words=senha", nil); !strings.Contains(list.body, "Guia do Wi-Fi") || strings.Contains(list.body, "Boleto") {
		t.Error(list.body)
	}
}

func TestPassagesAreThoseOfTheOwnArticles(t *testing.T) {
	s := newSite(t)
	path := "/api/v1/knowledge/passages?question=como+troco+a+senha"
	for _, who := range []string{"alfa", "beta"} {
		s.do(who+" admin", "POST", "/api/v1/knowledge", map[string]any{"title": "Senha de " + who, "text": "A senha se troca no aplicativo de " + who + "."}).want(t, 201, "")
	}
	a := s.do("alfa admin", "GET", path, nil)
	a.want(t, 200, "")
	if !strings.Contains(a.body, "aplicativo de alfa") || strings.Contains(a.body, "beta") {
		t.Error(a.body)
	}
	s.do("alfa admin", "GET", "/api/v1/knowledge/passages?question=feriado", nil).want(t, 200, "")
	s.do("alfa admin", "GET", "/api/v1/knowledge/passages", nil).want(t, 422, "bad_field")
	s.do("alfa supervisor", "GET", path, nil).want(t, 403, "forbidden")
}

func TestAListOfArticlesIsWithoutTheirTexts(t *testing.T) {
	s := newSite(t)
	s.do("alfa admin", "POST", "/api/v1/knowledge", map[string]any{"title": "Boleto", "text": "Segunda via."}).want(t, 201, "")
	if a := s.do("alfa admin", "GET", "/api/v1/knowledge", nil); !strings.Contains(a.body, `"size":12`) || strings.Contains(a.body, "Segunda") {
		t.Error(a.body)
	}
}
