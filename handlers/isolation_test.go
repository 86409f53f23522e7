package handlers

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aihub/store"
)

// rowsOf are bodies that make one row of each kind of managed thing, as an administrator of alfa does. A kind that is not
// here fails the test.
func (s *site) rowsOf() map[string]map[string]any {
	plan := s.do("alfa admin", "POST", "/api/v1/plans", map[string]any{"name": "canary-of-alfa"}).id(s.t)
	user := s.users["alfa usuario"].ID
	return map[string]map[string]any{
		"users":           {"email": "canary-of-alfa@alfa.example", "name": "canary-of-alfa", "role": "usuario"},
		"plans":           {"name": "canary-of-alfa", "limits": []any{map[string]any{"window": "day", "messages": 5}}},
		"subscriptions":   {"user_id": user, "plan_id": plan},
		"models":          {"key": "canary-of-alfa", "provider": "rehearsal", "model": "canary-of-alfa", "name": "canary-of-alfa"},
		"llm-configs":     {"name": "canary-of-alfa", "provider": "rehearsal", "default_model": "x", "instructions": "canary-of-alfa"},
		"widget-keys":     {"name": "canary-of-alfa", "origins": []string{"https://canary-of-alfa.example"}},
		"api-keys":        {"name": "canary-of-alfa"},
		"issuers":         {"name": "canary-of-alfa", "issuer": "https://canary-of-alfa.example", "audience": "aihub", "secret": strings.Repeat("s", 32)},
		"login-providers": {"name": "canary-of-alfa", "issuer": "https://canary-of-alfa.example", "client_id": "aihub", "client_secret": "canary-of-alfa"},
		"canned-replies":  {"shortcut": "canary-of-alfa", "text": "canary-of-alfa"},
		"exports":         {"user_id": user},
		"knowledge":       {"title": "canary-of-alfa", "text": "canary-of-alfa"},
		"tenants":         nil, // no administrator makes them
		"conversations":   nil, // made by talking
		"messages":        nil,
	}
}

// id is that of a row which was made.
func (a answer) id(t *testing.T) string {
	t.Helper()
	a.want(t, 201, "")
	var made struct{ ID string }
	a.into(t, &made)
	if made.ID == "" || a.Header.Get("ETag") == "" || !strings.HasSuffix(a.Header.Get("Location"), "/"+made.ID) {
		t.Fatalf("made %s with %v", a.body, a.Header)
	}
	return made.ID
}

// apiPaths are the paths of the OpenAPI document with their methods.
func (s *site) apiPaths() map[string]map[string]json.RawMessage {
	s.t.Helper()
	var api struct {
		Paths map[string]map[string]json.RawMessage
	}
	s.do("", "GET", "/api/v1/openapi.json", nil).into(s.t, &api)
	return api.Paths
}

// Every route with an id, as every role of beta and as the operator, with an id of alfa: the same bytes as for an id that
// nobody has. The routes come from the OpenAPI document, so that a new one is tested by being there.
func TestForeignIDsAreUnknownOnEveryRoute(t *testing.T) {
	s := newSite(t)
	conv := s.converse("alfa usuario", "canary-of-alfa")
	foreign := map[string]string{"conversations": conv, "messages": s.firstMessage("alfa usuario", conv), "monitor": conv, "tenants": "alfa"}
	for kind, body := range s.rowsOf() {
		if body != nil {
			foreign[kind] = s.do("alfa admin", "POST", "/api/v1/"+kind, body).id(t)
		}
	}
	tried := 0
	for path, methods := range s.apiPaths() {
		if !strings.Contains(path, "{id}") {
			continue
		}
		id := foreign[tag(path)]
		if id == "" {
			t.Errorf("%s: rowsOf makes no row of this kind", path)
			continue
		}
		unknown := id[:len(id)-3] + "000"
		for method := range methods {
			var body any
			if strings.HasSuffix(path, "/email") {
				body = map[string]any{"email": "ana@example.com"}
			}
			if method == "patch" {
				body = map[string]any{"title": "x"}
				if tag(path) != "conversations" {
					body = map[string]any{}
				}
			}
			if tag(path) == "messages" {
				body = map[string]any{"vote": "down"}
			}
			if method == "put" && strings.HasSuffix(path, "/rating") {
				body = map[string]any{"score": 3}
			}
			for _, person := range []string{"beta usuario", "beta supervisor", "beta admin", "ixc operador"} {
				if person == "ixc operador" && tag(path) == "tenants" {
					continue
				}
				tried++
				try := func(id string) answer {
					return s.do(person, strings.ToUpper(method), strings.ReplaceAll(path, "{id}", id), body)
				}
				got, want, nonsense := try(id), try(unknown), try("c_$ne")
				if (got.StatusCode != 404 && got.StatusCode != 403) || got.body != want.body || nonsense.body != want.body {
					t.Errorf("%s %s as %s: %d %s, an unknown id gets %s, a malformed one %s", method, path, person, got.StatusCode, got.body, want.body, nonsense.body)
				}
				if got.StatusCode == 403 && person == "beta admin" && tag(path) != "tenants" {
					t.Errorf("%s %s: an admin may not, so that nothing was tried", method, path)
				}
			}
		}
	}
	if tried < 140 {
		t.Errorf("only %d routes with an id were tried", tried)
	}
	for kind, id := range foreign { // what beta tried has changed nothing
		if kind != "tenants" && kind != "conversations" && kind != "messages" && kind != "monitor" {
			s.do("alfa admin", "GET", "/api/v1/"+kind+"/"+id, nil).want(t, 200, "")
		}
	}
}

// needed is what a list does not answer without.
var needed = map[string]string{"/api/v1/search": "?q=canary", "/api/v1/audit/file": "?person=u_x", "/api/v1/knowledge/passages": "?question=canary-of-alfa"}

// Nothing that a person of beta, or the operator, can list has anything of alfa in it.
func TestListsShowNothingOfOthers(t *testing.T) {
	s := newSite(t)
	s.converse("alfa usuario", "canary-of-alfa")
	for kind, body := range s.rowsOf() {
		if body != nil {
			s.do("alfa admin", "POST", "/api/v1/"+kind, body).id(t)
		}
	}
	lists := 0
	for path, methods := range s.apiPaths() {
		if _, ok := methods["get"]; !ok || strings.Contains(path, "{") || path == "/api/v1/tenants" {
			continue
		}
		for _, person := range []string{"beta usuario", "beta supervisor", "beta admin", "ixc operador"} {
			a := s.do(person, "GET", path+needed[path], nil)
			if a.StatusCode == 200 {
				lists++
			} else if a.StatusCode != 403 {
				t.Errorf("%s as %s: nothing was read: %d %s", path, person, a.StatusCode, a.body)
			}
			if strings.Contains(a.body, "canary-of-alfa") || strings.Contains(a.body, "alfa.example") {
				t.Errorf("%s reads alfa's data at %s: %s", person, path, a.body)
			}
		}
	}
	if lists < 25 {
		t.Errorf("only %d lists were read", lists)
	}
}

// converse stores a conversation of a person with one message.
func (s *site) converse(person, text string) string {
	s.t.Helper()
	slug, _, _ := strings.Cut(person, " ")
	u, now := s.users[person], time.Now()
	c := store.Conversation{ID: store.NewID("c"), UserID: u.ID, Channel: "portal", Title: text, Owner: store.Owner{Kind: store.OwnerAI},
		State: store.ConversationOpen, CreatedAt: now, UpdatedAt: now, CID: store.NewID("x")}
	_, _, err := s.tenant[slug].CreateConversation(s.t.Context(), c)
	must(s.t, err)
	must(s.t, s.tenant[slug].AddMessage(s.t.Context(), store.Interaction{ID: store.NewID("m"), ConversationID: c.ID, Role: store.RoleUser, Author: u.ID, Text: text, CID: "1", At: now}))
	return c.ID
}

// firstMessage is the id of a conversation's first message.
func (s *site) firstMessage(person, conv string) string {
	s.t.Helper()
	var list struct{ Items []struct{ ID string } }
	s.do(person, "GET", "/api/v1/conversations/"+conv+"/messages", nil).into(s.t, &list)
	return list.Items[len(list.Items)-1].ID
}

func TestConversations(t *testing.T) {
	s := newSite(t)
	conv := s.converse("alfa usuario", "Olá <mundo>")
	path := "/api/v1/conversations/" + conv
	s.do("alfa usuario", "PATCH", path, map[string]any{"title": "  Segunda   via "}).want(t, 200, "")
	if a := s.do("alfa usuario", "GET", path, nil); !strings.Contains(a.body, `"title":"Segunda via"`) {
		t.Error(a.body)
	}
	s.do("alfa usuario", "PATCH", path, map[string]any{"title": "x", "distribuidor_id": "beta"}).want(t, 422, "bad_field")
	s.do("alfa usuario", "PATCH", path, `{"title":"x","title":"y"}`).want(t, 400, "bad_json")
	s.do("alfa usuario", "PATCH", path, `{"Title":"x"}`).want(t, 422, "bad_field")
	s.do("alfa usuario", "PATCH", path, map[string]any{"title": "   "}).want(t, 422, "bad_field")
	if a := s.do("alfa usuario", "GET", path+"/messages", nil); !strings.Contains(a.body, `Olá \u003cmundo\u003e`) {
		t.Error(a.body)
	}
	if a := s.do("alfa usuario", "GET", path+"/transcript", nil); !strings.Contains(a.body, "Olá <mundo>") || !strings.Contains(a.Header.Get("Content-Disposition"), "attachment") {
		t.Error(a.body)
	}
	s.do("alfa supervisor", "GET", path, nil).want(t, 200, "")
	s.do("alfa supervisor", "PATCH", path, map[string]any{"title": "x"}).want(t, 403, "forbidden")
	s.do("alfa supervisor", "DELETE", path, nil).want(t, 403, "forbidden")
	s.do("alfa usuario", "DELETE", path, nil).want(t, 204, "")
	s.do("alfa usuario", "GET", path, nil).want(t, 404, "not_found")
	s.do("alfa usuario", "GET", "/api/v1/conversations?limit=0", nil).want(t, 422, "bad_field")
	s.do("alfa usuario", "GET", "/api/v1/conversations?colour=red", nil).want(t, 422, "bad_field")
}

func TestListsPageThroughEverythingOnce(t *testing.T) {
	s := newSite(t)
	made := map[string]bool{}
	for range 25 {
		made[s.converse("alfa usuario", "x")] = true
	}
	seen, cursor := map[string]bool{}, ""
	for range 10 {
		var list struct {
			Items      []conversationView
			NextCursor string `json:"next_cursor"`
		}
		s.do("alfa usuario", "GET", "/api/v1/conversations?limit=10&cursor="+cursor, nil).into(t, &list)
		for _, c := range list.Items {
			if seen[c.ID] || !made[c.ID] {
				t.Errorf("%s came twice, or is nobody's", c.ID)
			}
			seen[c.ID] = true
		}
		if cursor = list.NextCursor; cursor == "" {
			break
		}
	}
	if len(seen) != len(made) {
		t.Errorf("paging showed %d of %d", len(seen), len(made))
	}
}
