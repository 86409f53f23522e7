package handlers

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aihub/store"
)

// Every route with an id, as every role of beta, with an id of alfa: the same bytes as for an id that nobody has. The
// routes come from the OpenAPI document, so that a new one is tested by being there.
func TestForeignIDsAreUnknownOnEveryRoute(t *testing.T) {
	s := newSite(t)
	conv := s.converse("alfa usuario", "canary-of-alfa")
	var api struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					}
				}
			}
		}
	}
	s.do("", "GET", "/api/v1/openapi.json", nil).into(t, &api)
	tried := 0
	for path, methods := range api.Paths {
		if !strings.Contains(path, "{id}") {
			continue
		}
		for method := range methods {
			bodies := []any{nil}
			if method == "post" || method == "put" || method == "patch" {
				bodies = []any{map[string]any{"title": "x"}}
			}
			for _, body := range bodies {
				for _, role := range []string{store.RoleParticipant, store.RoleSupervisor, store.RoleAdmin} {
					tried++
					foreign := s.do("beta "+role, strings.ToUpper(method), strings.ReplaceAll(path, "{id}", conv), body)
					unknown := s.do("beta "+role, strings.ToUpper(method), strings.ReplaceAll(path, "{id}", store.NewID("c")), body)
					if foreign.StatusCode != 404 || foreign.body != unknown.body {
						t.Errorf("%s %s as %s of beta: %d %s, an unknown id gets %s", method, path, role, foreign.StatusCode, foreign.body, unknown.body)
					}
					nonsense := s.do("beta "+role, strings.ToUpper(method), strings.ReplaceAll(path, "{id}", "c_$ne"), body)
					if nonsense.body != unknown.body {
						t.Errorf("%s %s: an id of a wrong shape gets %s", method, path, nonsense.body)
					}
				}
			}
		}
	}
	if tried < 15 {
		t.Errorf("only %d routes with an id were tried", tried)
	}
	for _, role := range []string{store.RoleParticipant, store.RoleSupervisor, store.RoleAdmin} {
		for path := range api.Paths {
			if strings.Contains(path, "{") {
				continue
			}
			if a := s.do("beta "+role, "GET", path, nil); strings.Contains(a.body, "canary-of-alfa") || strings.Contains(a.body, conv) {
				t.Errorf("%s of beta reads alfa's data at %s", role, path)
			}
		}
	}
	var list struct{ Items []json.RawMessage }
	s.do("alfa usuario", "GET", "/api/v1/conversations", nil).into(t, &list)
	if len(list.Items) != 1 {
		t.Errorf("alfa's own list has %d items", len(list.Items))
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
