package handlers

import (
	"strings"
	"testing"
	"time"

	"aihub/store"
)

// answered stores a conversation of a person whose first message has an answer, and returns its id and the answer's.
func (s *site) answered(person, question, text string) (conv, message string) {
	s.t.Helper()
	conv, message = s.converse(person, question), store.NewID("m")
	slug, _, _ := strings.Cut(person, " ")
	run := &store.Run{ID: store.NewID("r"), State: store.RunComplete, Len: int64(len(text))}
	must(s.t, s.tenant[slug].AddMessage(s.t.Context(), store.Interaction{ID: message, ConversationID: conv, Role: store.RoleAssistant, Text: text, At: time.Now(), Run: run}))
	return conv, message
}

func TestAVoteIsKeptChangedAndTakenBack(t *testing.T) {
	s := newSite(t)
	conv, answer := s.answered("alfa usuario", "Olá", "Bom dia")
	path := "/api/v1/messages/" + answer + "/feedback"
	messages := func(person string) string {
		return s.do(person, "GET", "/api/v1/conversations/"+conv+"/messages", nil).body
	}
	if strings.Contains(messages("alfa usuario"), "feedback") {
		t.Error("there is feedback before anybody gave it")
	}
	s.do("alfa usuario", "PUT", path, map[string]any{"vote": "down", "reason": " Desatualizada "}).want(t, 204, "")
	for _, person := range []string{"alfa usuario", "alfa supervisor"} {
		if got := messages(person); !strings.Contains(got, `"feedback":{"vote":"down","reason":"Desatualizada"}`) {
			t.Errorf("%s sees %s", person, got)
		}
	}
	s.do("alfa usuario", "PUT", path, map[string]any{"vote": "up"}).want(t, 204, "")
	if got := messages("alfa usuario"); !strings.Contains(got, `"feedback":{"vote":"up"}`) {
		t.Error(got)
	}
	if got := s.do("alfa usuario", "GET", "/api/v1/conversations/"+conv+"/transcript?format=json", nil).body; !strings.Contains(got, `"vote": "up"`) {
		t.Error(got)
	}
	for range 2 {
		s.do("alfa usuario", "PUT", path, map[string]any{"vote": "none"}).want(t, 204, "")
	}
	if got := messages("alfa usuario"); strings.Contains(got, "feedback") {
		t.Error(got)
	}

	s.do("alfa usuario", "PUT", path, map[string]any{"vote": "maybe"}).want(t, 422, "bad_field")
	s.do("alfa usuario", "PUT", path, map[string]any{"vote": "up", "reason": strings.Repeat("x", 501)}).want(t, 422, "bad_field")
	s.do("alfa usuario", "PUT", "/api/v1/messages/"+s.firstMessage("alfa usuario", conv)+"/feedback", map[string]any{"vote": "up"}).want(t, 422, "bad_field")
	s.do("alfa supervisor", "PUT", path, map[string]any{"vote": "up"}).want(t, 403, "forbidden")
	s.do("beta usuario", "PUT", path, map[string]any{"vote": "up"}).want(t, 404, "not_found")
	s.do("alfa usuario", "DELETE", "/api/v1/conversations/"+conv, nil).want(t, 204, "")
	s.do("alfa usuario", "PUT", path, map[string]any{"vote": "up"}).want(t, 404, "not_found")
}

func TestSearchFindsOnesOwnConversations(t *testing.T) {
	s := newSite(t)
	conv, answer := s.answered("alfa usuario", "Sem conexão", "Reinicie a ONU e espere a luz ficar verde.")
	s.answered("alfa supervisor", "ONU de outra pessoa", "ONU")
	find := func(person, query string) (list struct{ Items []hitView }) {
		t.Helper()
		a := s.do(person, "GET", "/api/v1/search?"+query, nil)
		a.want(t, 200, "")
		a.into(t, &list)
		return list
	}
	if got := find("alfa usuario", "q=onu").Items; len(got) != 1 || got[0] != (hitView{conv, answer, "Sem conexão", "Reinicie a ONU e espere a luz ficar verde."}) {
		t.Errorf("%+v", got)
	}
	if got := find("alfa usuario", "q=CONEXAO&limit=1").Items; len(got) != 1 || got[0].ConversationID != conv {
		t.Errorf("%+v", got)
	}
	for _, query := range []string{"q=outra", "q=%20", "q=.*"} {
		if got := find("alfa usuario", query).Items; got == nil || len(got) != 0 {
			t.Errorf("%s: %+v", query, got)
		}
	}
	if got := find("beta usuario", "q=onu").Items; len(got) != 0 {
		t.Errorf("%+v", got)
	}
	for _, query := range []string{"", "?q=", "?q=x&limit=51", "?q=" + strings.Repeat("x", 201)} {
		s.do("alfa usuario", "GET", "/api/v1/search"+query, nil).want(t, 422, "bad_field")
	}
}
