package handlers

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"aihub/hub"
	"aihub/store"
)

type doc = map[string]any

func TestARowsLife(t *testing.T) {
	s := newSite(t)
	made := s.do("alfa admin", "POST", "/api/v1/plans", doc{"name": "Fibra", "limits": []doc{{"window": "day", "messages": 5}}, "concurrency": 2, "models": []string{},
		"allow_global_key": true})
	path := "/api/v1/plans/" + made.id(t)
	first := made.Header.Get("ETag")
	var plan planView
	s.do("alfa admin", "GET", path, nil).into(t, &plan)
	if plan.Name != "Fibra" || plan.Limits[0].Window != "day" || plan.Limits[0].Messages != 5 || !plan.AllowGlobalKey || plan.CreatedAt == "" {
		t.Errorf("got %+v", plan)
	}
	changed := s.do("alfa admin", "PATCH", path, doc{"name": "Fibra 2"}, "If-Match", first)
	changed.want(t, 200, "")
	changed.into(t, &plan)
	if plan.Name != "Fibra 2" || plan.Concurrency != 2 || len(plan.Limits) != 1 {
		t.Errorf("a partial body changed what was not in it: %s", changed.body)
	}
	s.do("alfa admin", "PATCH", path, doc{"name": "x"}, "If-Match", first).want(t, 412, "conflict")
	s.do("alfa admin", "PATCH", path, doc{"name": "x"}, "If-Match", "nonsense").want(t, 422, "bad_field")
	s.do("alfa admin", "DELETE", path, nil, "If-Match", first).want(t, 412, "conflict")
	s.do("alfa admin", "PATCH", path, doc{"colour": "red"}).want(t, 422, "bad_field")
	s.do("alfa admin", "PATCH", path, doc{"Name": "x"}).want(t, 422, "bad_field")
	s.do("alfa admin", "PATCH", path, doc{"limits": []doc{{"window": "day"}, {"window": "day"}}}).want(t, 422, "bad_field")
	s.do("alfa admin", "PATCH", path, doc{"limits": []doc{{"window": "year"}}}).want(t, 422, "bad_field")
	s.do("alfa admin", "PATCH", path, doc{"name": nil}).want(t, 422, "bad_field")
	s.do("alfa admin", "PATCH", path, `null`).want(t, 422, "bad_field")
	s.do("alfa admin", "PATCH", path, doc{"distribuidor_id": "beta"}).want(t, 422, "bad_field")
	s.do("alfa usuario", "PATCH", path, doc{"name": "x"}).want(t, 403, "forbidden")
	s.do("alfa admin", "DELETE", path, nil, "If-Match", changed.Header.Get("ETag")).want(t, 204, "")
	s.do("alfa admin", "GET", path, nil).want(t, 404, "not_found")

	var log struct{ Items []auditRow }
	s.do("alfa admin", "GET", "/api/v1/audit", nil).into(t, &log)
	if len(log.Items) != 3 || log.Items[0].Action != "plano.excluir" || log.Items[1].Detail["campos"] != "name" || log.Items[2].Target != plan.ID || log.Items[0].IP != "127.0.0.1" {
		t.Errorf("audited %+v", log.Items)
	}
	if a := s.do("alfa admin", "GET", "/api/v1/audit/check", nil); !strings.Contains(a.body, `"intact":true,"entries":3`) {
		t.Error(a.body)
	}
}

func TestACreatingRequestMayBeRepeated(t *testing.T) {
	s := newSite(t)
	for kind, body := range s.rowsOf() {
		if body == nil {
			continue
		}
		path := "/api/v1/" + kind
		first := s.do("alfa admin", "POST", path, body, "Idempotency-Key", "k").id(t)
		if again := s.do("alfa admin", "POST", path, body, "Idempotency-Key", "k").id(t); again != first {
			t.Errorf("%s: a repetition made %s after %s", kind, again, first)
		}
		other := doc{}
		for k, v := range body {
			other[k] = v
		}
		switch kind {
		case "subscriptions", "exports":
			other["user_id"] = store.NewID("u")
		case "canned-replies", "knowledge":
			other["text"] = "other"
		default:
			other["name"] = "other"
		}
		s.do("alfa admin", "POST", path, other, "Idempotency-Key", "k").want(t, 409, "idem_mismatch")
	}
	body := doc{"name": "x"}
	if s.do("alfa admin", "POST", "/api/v1/plans", body, "Idempotency-Key", "j").id(t) == s.do("beta admin", "POST", "/api/v1/plans", body, "Idempotency-Key", "j").id(t) {
		t.Error("two tenants share a key")
	}
}

func TestManagedListsPage(t *testing.T) {
	s := newSite(t)
	made := map[string]bool{}
	for i := range 7 {
		made[s.do("alfa admin", "POST", "/api/v1/plans", doc{"name": fmt.Sprint("p", i)}).id(t)] = true
	}
	for cursor, pages := "", 0; ; pages++ {
		var list struct {
			Items      []planView
			NextCursor string `json:"next_cursor"`
		}
		s.do("alfa admin", "GET", "/api/v1/plans?limit=3&cursor="+cursor, nil).into(t, &list)
		for _, p := range list.Items {
			if !made[p.ID] {
				t.Errorf("%s came twice, or is nobody's", p.ID)
			}
			delete(made, p.ID)
		}
		if cursor = list.NextCursor; cursor == "" || pages > 5 {
			break
		}
	}
	if len(made) != 0 {
		t.Errorf("%d were not listed", len(made))
	}
	s.do("alfa admin", "GET", "/api/v1/plans?cursor=$ne", nil).want(t, 404, "not_found")
	s.do("alfa admin", "GET", "/api/v1/plans?limit=1000", nil).want(t, 422, "bad_field")
}

func TestPeople(t *testing.T) {
	s := newSite(t)
	made := s.do("alfa admin", "POST", "/api/v1/users", doc{"email": " Nova@Alfa.example ", "name": "Nova", "role": "supervisor", "password": "uma senha boa"})
	path := "/api/v1/users/" + made.id(t)
	login := creds{"tenant": "alfa", "email": "nova@alfa.example", "password": "uma senha boa"}
	a := s.do("", "POST", "/api/v1/auth/login", login)
	a.want(t, 200, "")
	var pair tokenBody
	a.into(t, &pair)
	me := func() answer { return s.do("", "GET", "/api/v1/me", nil, "Authorization", "Bearer "+pair.AccessToken) }
	me().want(t, 200, "")
	s.do("alfa admin", "POST", path+"/revoke", nil).want(t, 204, "")
	me().want(t, 401, "unauthenticated")
	s.do("", "POST", "/api/v1/auth/refresh", creds{"refresh_token": pair.RefreshToken}).want(t, 401, "unauthenticated")

	s.do("", "POST", "/api/v1/auth/login", login).into(t, &pair)
	s.do("", "POST", "/api/v1/me/password", doc{"current": "falsa senha", "password": "outra senha boa"}, "Authorization", "Bearer "+pair.AccessToken).want(t, 403, "forbidden")
	s.do("", "POST", "/api/v1/me/password", doc{"current": "uma senha boa", "password": "curta"}, "Authorization", "Bearer "+pair.AccessToken).want(t, 422, "bad_field")
	s.do("", "POST", "/api/v1/me/password", doc{"current": "uma senha boa", "password": "outra senha boa"}, "Authorization", "Bearer "+pair.AccessToken).want(t, 204, "")
	me().want(t, 401, "unauthenticated")
	login["password"] = "outra senha boa"
	s.do("", "POST", "/api/v1/auth/login", login).into(t, &pair)
	me().want(t, 200, "")
	s.do("alfa admin", "PATCH", path, doc{"state": "disabled"}).want(t, 200, "")
	me().want(t, 401, "unauthenticated")
	s.do("", "POST", "/api/v1/auth/login", login).want(t, 401, "unauthenticated")
	s.do("alfa admin", "DELETE", path, nil).want(t, 204, "")
	if a := s.do("alfa admin", "GET", path, nil); strings.Contains(a.body, "nova@") || strings.Contains(a.body, "Nova") {
		t.Errorf("an erased person is still there: %s", a.body)
	}

	s.do("alfa admin", "POST", "/api/v1/users", doc{"email": "usuario@alfa.example", "name": "x", "role": "usuario"}).want(t, 409, "conflict")
	s.do("alfa admin", "POST", "/api/v1/users", doc{"email": "x", "name": "x", "role": "usuario"}).want(t, 422, "bad_field")
	s.do("alfa admin", "POST", "/api/v1/users", doc{"email": "x@alfa.example", "name": "x", "role": "operador"}).want(t, 422, "bad_field")
	s.do("alfa admin", "POST", "/api/v1/users", doc{"email": "x@alfa.example", "name": "x", "role": "usuario", "senha_hash": "x"}).want(t, 422, "bad_field")
}

func TestRevocationEndsLiveConnections(t *testing.T) {
	s := newSite(t)
	path := "/api/v1/users/" + s.users["alfa usuario"].ID
	for name, c := range map[string]struct {
		do   func() answer
		code int
	}{
		"revoked":   {func() answer { return s.do("alfa admin", "POST", path+"/revoke", nil) }, hub.CloseExpired},
		"suspended": {func() answer { return s.do("ixc operador", "POST", "/api/v1/tenants/alfa/suspend", nil) }, hub.CloseSuspended},
	} {
		if name == "suspended" {
			u, err := s.tenant["alfa"].User(t.Context(), s.users["alfa usuario"].ID)
			must(t, err)
			s.users["alfa usuario"] = u
		}
		ws := s.socketOf("alfa usuario")
		other := s.socketOf("beta usuario")
		started := time.Now()
		if a := c.do(); a.StatusCode/100 != 2 {
			t.Fatalf("%s: %d %s", name, a.StatusCode, a.body)
		}
		if code := s.closed(ws); code != c.code || time.Since(started) > 2*time.Second {
			t.Errorf("%s: closed with %d after %v", name, code, time.Since(started))
		}
		s.send(other, map[string]any{"t": "send", "id": 9, "cid": name, "text": "x"})
		if f := s.next(other); f["t"] != "ok" {
			t.Errorf("%s: another tenant's connection got %v", name, f)
		}
		if name == "suspended" {
			s.do("ixc operador", "POST", "/api/v1/tenants/alfa/resume", nil).want(t, 200, "")
		}
	}
}

func TestAnInvitationSetsOnePassword(t *testing.T) {
	s := newSite(t)
	var made struct {
		ID          string
		InviteToken string `json:"invite_token"`
	}
	s.do("alfa admin", "POST", "/api/v1/users", doc{"email": "convidada@alfa.example", "name": "Convidada", "role": "usuario"}).into(t, &made)
	s.do("", "POST", "/api/v1/auth/login", creds{"tenant": "alfa", "email": "convidada@alfa.example", "password": ""}).want(t, 401, "unauthenticated")
	s.do("", "GET", "/api/v1/me", nil, "Authorization", "Bearer "+made.InviteToken).want(t, 401, "unauthenticated")
	accept := doc{"token": made.InviteToken, "password": "minha senha"}
	s.do("", "POST", "/api/v1/auth/invite", accept).want(t, 204, "")
	s.do("", "POST", "/api/v1/auth/invite", accept).want(t, 401, "unauthenticated")
	s.do("", "POST", "/api/v1/auth/login", creds{"tenant": "alfa", "email": "convidada@alfa.example", "password": "minha senha"}).want(t, 200, "")
	if a := s.do("alfa admin", "GET", "/api/v1/users/"+made.ID, nil); strings.Contains(a.body, "invite_token") || strings.Contains(a.body, "argon2") {
		t.Error(a.body)
	}
}

func TestTheLastAdministratorStays(t *testing.T) {
	s := newSite(t)
	path := "/api/v1/users/" + s.users["alfa admin"].ID
	s.do("alfa admin", "PATCH", path, doc{"role": "usuario"}).want(t, 409, "conflict")
	s.do("alfa admin", "PATCH", path, doc{"state": "disabled"}).want(t, 409, "conflict")
	s.do("alfa admin", "DELETE", path, nil).want(t, 409, "conflict")
	s.do("alfa admin", "POST", "/api/v1/users", doc{"email": "a2@alfa.example", "name": "Outra", "role": "admin", "password": "uma senha boa"}).id(t)
	s.do("alfa admin", "PATCH", path, doc{"role": "usuario"}).want(t, 200, "")
	s.do("alfa admin", "GET", path, nil).want(t, 401, "unauthenticated")
}

// forms of a secret that a careless program could let out.
func forms(secret string) []string {
	return []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)), url.QueryEscape(secret)}
}

func TestAKeyIsWrittenAndNeverRead(t *testing.T) {
	s := newSite(t)
	const key = "sk-planted-0123456789/abcdef"
	seen := ""
	note := func(a answer) answer { seen += a.body; return a }
	made := note(s.do("alfa admin", "POST", "/api/v1/llm-configs", doc{"name": "OpenAI", "provider": "openai", "base_url": "https://api.openai.com/v1", "api_key": key,
		"default_model": "gpt-4o-mini", "fallbacks": []string{}, "instructions": "", "temperature": 0.5, "limits": []doc{{"window": "month", "tokens": 1000}}}))
	id := made.id(t)
	path := "/api/v1/llm-configs/" + id
	keyOf := func(a answer) secretView {
		t.Helper()
		a.want(t, a.StatusCode, "")
		var v llmConfigView
		note(a).into(t, &v)
		return v.APIKey
	}
	if k := keyOf(made); !k.Set || k.Last4 != "cdef" {
		t.Errorf("shown as %+v", k)
	}
	c, err := s.tenant["alfa"].LLMConfig(t.Context(), id)
	must(t, err)
	if opened, err := s.edge.sealer.Open("alfa", id, c.SealedKey); err != nil || opened != key {
		t.Errorf("sealed as %q, %v", opened, err)
	}
	if _, err := s.edge.sealer.Open("beta", id, c.SealedKey); err == nil {
		t.Error("another tenant can open the key")
	}
	if k := keyOf(s.do("alfa admin", "PATCH", path, doc{"name": "x", "base_url": "https://api.openai.com/v2"})); !k.Set {
		t.Error("a change on the same host cleared the key")
	}
	if k := keyOf(s.do("alfa admin", "PATCH", path, doc{"base_url": "https://evil.example/v1"})); k.Set || k.Last4 != "" {
		t.Error("the key followed to another host")
	}
	if k := keyOf(s.do("alfa admin", "PATCH", path, doc{"api_key": key})); !k.Set {
		t.Error("a new key was not kept")
	}
	if k := keyOf(s.do("alfa admin", "PATCH", path, doc{"api_key": ""})); k.Set {
		t.Error("an empty key did not remove it")
	}
	for _, bad := range []doc{{"api_key": 7}, {"api_key": key, "provider": "x"}, {"api_key": key, "nonsense": key}, {"base_url": "http://10.0.0.1/" + key}, {"base_url": "file:///etc/passwd"},
		{"base_url": "https://user:" + key + "@api.example"}, {"base_url": "https://169.254.169.254/"}, {"fallbacks": []string{id}}, {"fallbacks": []string{store.NewID("l")}}, {"temperature": 3}} {
		note(s.do("alfa admin", "PATCH", path, bad)).want(t, 422, "bad_field")
	}
	note(s.do("alfa admin", "GET", "/api/v1/llm-configs", nil))
	note(s.do("alfa admin", "GET", "/api/v1/audit", nil))
	for _, form := range forms(key) {
		if strings.Contains(seen, form) {
			t.Errorf("an answer holds the key as %q", form)
		}
	}
}

func TestAConfigurationIsTested(t *testing.T) {
	s := newSite(t)
	const key = "sk-planted-0123456789"
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			http.Error(w, `{"error":{"message":"wrong key `+r.Header.Get("Authorization")+`"}}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, `data: {"model":"m1","choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
	}))
	defer upstream.Close()
	id := s.do("ixc operador", "POST", "/api/v1/llm-configs", doc{"name": "x", "provider": "openai", "base_url": upstream.URL + "/v1", "api_key": key, "default_model": "m"}).id(t)
	if a := s.do("ixc operador", "POST", "/api/v1/llm-configs/"+id+"/test", nil); !strings.Contains(a.body, `{"ok":true,"verdict":"ok"`) || !strings.Contains(a.body, `"model":"m1"`) {
		t.Error(a.body)
	}
	s.do("ixc operador", "PATCH", "/api/v1/llm-configs/"+id, doc{"api_key": "sk-wrong-0123456789"}).want(t, 200, "")
	if a := s.do("ixc operador", "POST", "/api/v1/llm-configs/"+id+"/test", nil); !strings.Contains(a.body, `"verdict":"key_refused"`) || strings.Contains(a.body, "sk-wrong") {
		t.Error(a.body)
	}
	s.do("alfa admin", "POST", "/api/v1/llm-configs/"+id+"/test", nil).want(t, 404, "not_found")
	// A distributor's configuration reaches no private address, whatever its name resolves to.
	s.do("alfa admin", "POST", "/api/v1/llm-configs", doc{"name": "x", "provider": "openai", "base_url": upstream.URL, "default_model": "m"}).want(t, 422, "bad_field")
	id = s.do("alfa admin", "POST", "/api/v1/llm-configs", doc{"name": "x", "provider": "openai", "base_url": "https://localhost:1/v1", "api_key": key, "default_model": "m"}).id(t)
	if a := s.do("alfa admin", "POST", "/api/v1/llm-configs/"+id+"/test", nil); !strings.Contains(a.body, `"verdict":"address_denied"`) {
		t.Error(a.body)
	}
}

// A model without a price says so, and what runs cost is then unknown, not 0. A price may tell cached input and reasoning
// apart; null takes it away.
func TestPricesMayBeUnknown(t *testing.T) {
	s := newSite(t)
	id := s.do("alfa admin", "POST", "/api/v1/models", doc{"key": "m", "provider": "openai", "model": "gpt", "name": "M"}).id(t)
	at := "/api/v1/models/" + id
	if a := s.do("alfa admin", "GET", at, nil); !strings.Contains(a.body, `"price":null`) || strings.Contains(a.body, "price_since") {
		t.Error(a.body)
	}
	s.do("alfa admin", "PATCH", at, doc{"price": doc{"input": 1}}).want(t, 422, "bad_field")
	a := s.do("alfa admin", "PATCH", at, doc{"price": doc{"input": 1.5, "output": 0, "cached_input": 0.000001}})
	if !strings.Contains(a.body, `"input":1.5`) || !strings.Contains(a.body, `"output":0`) || !strings.Contains(a.body, `"cached_input":0.000001`) ||
		!strings.Contains(a.body, `"reasoning":null`) || !strings.Contains(a.body, "price_since") {
		t.Error(a.body)
	}
	if a := s.do("alfa admin", "PATCH", at, doc{"price": nil}); !strings.Contains(a.body, `"price":null`) {
		t.Error(a.body)
	}
	if a := s.do("alfa admin", "GET", "/api/v1/usage", nil); !strings.Contains(a.body, `"cost":null`) || !strings.Contains(a.body, `"unpriced":0`) {
		t.Error(a.body)
	}
	config := s.do("alfa admin", "POST", "/api/v1/llm-configs", doc{"name": "x", "provider": "rehearsal", "default_model": "m"}).id(t)
	if a := s.do("alfa admin", "GET", "/api/v1/llm-configs/"+config, nil); !strings.Contains(a.body, `"health":{"state":"unasked","instance":"`) {
		t.Error(a.body)
	}
}

// A distributor's prices and costs are in its own currency, which never changes; nothing is converted.
func TestPricesAreInTheDistributorsCurrency(t *testing.T) {
	s := newSite(t)
	admin := doc{"email": "dona@gama.example", "name": "Dona", "password": "uma senha boa"}
	for _, code := range []string{"eur", "XQZ", "EURO"} {
		s.do("ixc operador", "POST", "/api/v1/tenants", doc{"slug": "gama", "name": "Gama", "currency": code, "admin": admin}).want(t, 422, "bad_field")
	}
	if a := s.do("ixc operador", "POST", "/api/v1/tenants", doc{"slug": "gama", "name": "Gama", "currency": "EUR", "admin": admin}); !strings.Contains(a.body, `"currency":"EUR"`) {
		t.Error(a.body)
	}
	s.do("ixc operador", "PATCH", "/api/v1/tenants/gama", doc{"currency": "USD"}).want(t, 422, "bad_field")
	s.do("ixc operador", "PATCH", "/api/v1/tenants/gama", doc{"name": "Gama 2", "currency": "EUR"}).want(t, 200, "")
	model := doc{"key": "m", "provider": "openai", "model": "gpt", "name": "M", "price": doc{"input": 1, "output": 2, "currency": "USD"}}
	s.do("alfa admin", "POST", "/api/v1/models", model).want(t, 422, "bad_field")
	if a := s.do("ixc operador", "POST", "/api/v1/models", model); !strings.Contains(a.body, `"currency":"USD"`) {
		t.Error(a.body)
	}
	model["price"] = doc{"input": 1, "output": 2}
	made := s.do("alfa admin", "POST", "/api/v1/models", model)
	if !strings.Contains(made.body, `"currency":"BRL"`) {
		t.Error(made.body)
	}
	s.do("alfa admin", "PATCH", "/api/v1/models/"+made.id(t), doc{"price": doc{"input": 1, "output": 2, "currency": "EUR"}}).want(t, 422, "bad_field")
	for _, path := range []string{"/api/v1/usage", "/api/v1/me"} {
		if a := s.do("alfa admin", "GET", path, nil); !strings.Contains(a.body, `"currency":"BRL"`) {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

func TestTheOperatorKeepsWhatEveryoneSees(t *testing.T) {
	s := newSite(t)
	plan := s.do("ixc operador", "POST", "/api/v1/plans", doc{"name": "Global", "limits": []doc{{"window": "month", "messages": 10}}}).id(t)
	s.do("ixc operador", "POST", "/api/v1/models", doc{"key": "geral", "provider": "rehearsal", "model": "x", "name": "Geral", "context": 8000, "price": doc{"input": 0.15, "output": 0.6}, "state": "active"}).id(t)
	s.do("alfa admin", "POST", "/api/v1/subscriptions", doc{"user_id": s.users["alfa usuario"].ID, "plan_id": plan}).id(t)
	if me := s.do("alfa usuario", "GET", "/api/v1/me", nil); !strings.Contains(me.body, `"plan":{"id":"`+plan) || !strings.Contains(me.body, `"key":"geral"`) {
		t.Error(me.body)
	}
	s.do("alfa admin", "GET", "/api/v1/plans/"+plan, nil).want(t, 200, "")
	s.do("alfa admin", "PATCH", "/api/v1/plans/"+plan, doc{"name": "mine"}).want(t, 404, "not_found")
	s.do("ixc operador", "GET", "/api/v1/users", nil).want(t, 403, "forbidden")
	// A foreign person or plan in a body is like one that nobody has.
	for _, body := range []doc{{"user_id": s.users["alfa usuario"].ID, "plan_id": plan}, {"user_id": store.NewID("u"), "plan_id": plan}} {
		s.do("beta admin", "POST", "/api/v1/subscriptions", body).want(t, 422, "bad_field")
	}
}

func TestTenants(t *testing.T) {
	s := newSite(t)
	body := doc{"slug": "gama", "name": "Gama Net", "timezone": "America/Manaus", "admin": doc{"email": "chefe@gama.example", "name": "Chefe", "password": "senha do chefe"}}
	made := s.do("ixc operador", "POST", "/api/v1/tenants", body, "Idempotency-Key", "g")
	if made.id(t) != "gama" {
		t.Errorf("the tenant's id is not its slug: %s", made.body)
	}
	s.do("ixc operador", "POST", "/api/v1/tenants", body, "Idempotency-Key", "g").id(t)
	s.do("ixc operador", "POST", "/api/v1/tenants", body).want(t, 409, "conflict")
	s.do("ixc operador", "POST", "/api/v1/tenants", doc{"slug": "Gama!", "name": "x", "admin": body["admin"]}).want(t, 422, "bad_field")
	s.do("ixc operador", "POST", "/api/v1/tenants", doc{"slug": "delta", "name": "x", "timezone": "Mars/Olympus", "admin": body["admin"]}).want(t, 422, "bad_field")
	s.do("alfa admin", "POST", "/api/v1/tenants", body).want(t, 403, "forbidden")
	login := creds{"tenant": "gama", "email": "chefe@gama.example", "password": "senha do chefe"}
	var pair tokenBody
	s.do("", "POST", "/api/v1/auth/login", login).into(t, &pair)
	me := func() answer { return s.do("", "GET", "/api/v1/me", nil, "Authorization", "Bearer "+pair.AccessToken) }
	me().want(t, 200, "")
	s.do("", "GET", "/api/v1/portal/gama", nil).want(t, 200, "")

	s.do("ixc operador", "POST", "/api/v1/tenants/gama/suspend", nil).want(t, 200, "")
	me().want(t, 403, "tenant_suspended")
	s.do("", "POST", "/api/v1/auth/login", login).want(t, 403, "tenant_suspended")
	s.do("ixc operador", "POST", "/api/v1/tenants/gama/resume", nil).want(t, 200, "")
	me().want(t, 200, "")
	s.do("ixc operador", "PATCH", "/api/v1/tenants/gama", doc{"name": "Gama Telecom", "domains": []string{"chat.gama.example"}}).want(t, 200, "")
	s.do("ixc operador", "PATCH", "/api/v1/tenants/gama", doc{"slug": "gama2"}).want(t, 422, "bad_field")
	s.do("ixc operador", "PATCH", "/api/v1/tenants/alfa", doc{"domains": []string{"chat.gama.example"}}).want(t, 409, "conflict")
	s.do("ixc operador", "DELETE", "/api/v1/tenants/gama", nil).want(t, 204, "")
	if a := s.do("ixc operador", "GET", "/api/v1/tenants/gama", nil); !strings.Contains(a.body, `"state":"closing"`) || !strings.Contains(a.body, `"delete_at":"2`) {
		t.Error(a.body)
	}
	me().want(t, 403, "tenant_suspended")
	s.do("ixc operador", "POST", "/api/v1/tenants/gama/resume", nil).want(t, 200, "")
	me().want(t, 200, "")
	s.do("ixc operador", "DELETE", "/api/v1/tenants/ixc", nil).want(t, 403, "forbidden")
	s.do("ixc operador", "POST", "/api/v1/tenants/nobody/suspend", nil).want(t, 404, "not_found")
}

func TestAProgramTalksWithAKey(t *testing.T) {
	s := newSite(t)
	s.script("alfa", "wait 1ms; pace 1ms; say pronto")
	var made struct{ ID, Key string }
	s.do("alfa admin", "POST", "/api/v1/api-keys", doc{"name": "CRM", "user_id": s.users["alfa usuario"].ID}).into(t, &made)
	as := func(method, path string, body any) answer {
		return s.do("", method, path, body, "Authorization", "Bearer "+made.Key)
	}
	ask := doc{"model": "default", "messages": []doc{{"role": "user", "content": "x"}}}
	if a := as("POST", "/v1/chat/completions", ask); a.StatusCode != 200 || !strings.Contains(a.body, "pronto") {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if a := as("GET", "/api/v1/me", nil); !strings.Contains(a.body, s.users["alfa usuario"].ID) {
		t.Error(a.body)
	}
	var admins struct{ ID, Key string }
	s.do("alfa admin", "POST", "/api/v1/api-keys", doc{"name": "of the admin"}).into(t, &admins)
	s.do("", "GET", "/api/v1/users", nil, "Authorization", "Bearer "+admins.Key).want(t, 403, "forbidden")
	for _, key := range []string{made.Key + "x", made.Key[:len(made.Key)-1], strings.Replace(made.Key, "ak_alfa_", "ak_beta_", 1), "ak_", "ak_alfa_x_y", "ak_*_" + made.Key} {
		s.do("", "GET", "/api/v1/me", nil, "Authorization", "Bearer "+key).want(t, 401, "unauthenticated")
	}
	if a := s.do("alfa admin", "GET", "/api/v1/api-keys", nil); strings.Contains(a.body, made.Key) || !strings.Contains(a.body, `"last_used_at":"2`) {
		t.Error(a.body)
	}
	s.do("alfa admin", "PATCH", "/api/v1/api-keys/"+made.ID, doc{"state": "disabled"}).want(t, 200, "")
	if a := as("POST", "/v1/chat/completions", ask); a.StatusCode != 401 || !strings.Contains(a.body, "authentication_error") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestSettings(t *testing.T) {
	s := newSite(t)
	png := "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\nrest"))
	a := s.do("alfa admin", "PATCH", "/api/v1/branding", doc{"portal_name": "Alfa Fibra", "color": "#0F766E", "logo": png, "suggestions": []string{"Oi"}})
	a.want(t, 200, "")
	if p := s.do("", "GET", "/api/v1/portal/alfa", nil); !strings.Contains(p.body, `"color":"#0f766e"`) || !strings.Contains(p.body, `"logo_url":"/p/alfa/logo`) {
		t.Error(p.body)
	}
	s.do("alfa admin", "PATCH", "/api/v1/branding", doc{"welcome": "x"}, "If-Match", `"1"`).want(t, 412, "conflict")
	svg := func(text string) string {
		return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(text))
	}
	for _, bad := range []doc{{"color": "red"}, {"color": "#0f766e;}"}, {"logo": "https://evil.example/x.png"}, {"logo": svg("<html></html>")}, {"logo": svg("<svg>")}, {"logo": "data:image/png;base64,AAAA"},
		{"logo": "data:text/html;base64,AAAA"}, {"suggestions": []string{" "}}} {
		s.do("alfa admin", "PATCH", "/api/v1/branding", bad).want(t, 422, "bad_field")
	}
	s.do("alfa admin", "PATCH", "/api/v1/branding", doc{"logo": svg(`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`)}).want(t, 200, "")
	s.do("alfa admin", "PATCH", "/api/v1/retention", doc{"content_days": 30, "metadata_days": 10}).want(t, 422, "bad_field")
	if a := s.do("alfa admin", "PATCH", "/api/v1/retention", doc{"content_days": 30, "metadata_days": 365}); !strings.Contains(a.body, `"content_days":30,"metadata_days":365`) {
		t.Error(a.body)
	}
	if a := s.do("alfa admin", "PATCH", "/api/v1/privacy", doc{"mask_personal": true}); !strings.Contains(a.body, `"mask_personal":true`) {
		t.Error(a.body)
	}
	if a := s.do("alfa admin", "GET", "/api/v1/branding", nil); !strings.Contains(a.body, `"portal_name":"Alfa Fibra"`) {
		t.Errorf("other settings undid the branding: %s", a.body)
	}
}

func TestWidgetKeysAreManaged(t *testing.T) {
	s := newSite(t)
	made := s.do("alfa admin", "POST", "/api/v1/widget-keys", doc{"name": "Site", "origins": []string{"https://WWW.Provedor.example:443", "http://localhost:*"},
		"caps": doc{"per_minute": 5, "per_day": 100}, "identity": "required", "greeting": doc{"pt-BR": "Olá"}})
	id := made.id(t)
	if !strings.HasPrefix(id, "pk_") || !strings.Contains(made.body, `"origins":["http://localhost:*","https://www.provedor.example"]`) {
		t.Error(made.body)
	}
	var first, second struct {
		Secret  string `json:"identity_secret"`
		Secrets int    `json:"identity_secrets"`
	}
	s.do("alfa admin", "POST", "/api/v1/widget-keys/"+id+"/secret", nil).into(t, &first)
	s.do("alfa admin", "POST", "/api/v1/widget-keys/"+id+"/secret", nil).into(t, &second)
	if first.Secret == second.Secret || len(first.Secret) < 32 || first.Secrets != 1 || second.Secrets != 2 {
		t.Errorf("secrets %+v and %+v", first, second)
	}
	s.do("alfa admin", "PATCH", "/api/v1/widget-keys/"+id, doc{"state": "disabled"}).want(t, 200, "")
	if a := s.do("alfa admin", "GET", "/api/v1/widget-keys/"+id, nil); strings.Contains(a.body, first.Secret) || !strings.Contains(a.body, `"caps":{"per_minute":5,"per_day":100}`) {
		t.Error(a.body)
	}
	for _, bad := range []doc{{"origins": []string{"*"}}, {"origins": []string{}}, {"origins": []string{"http://provedor.example"}}, {"plan_id": "p_none"}, {"identity": "x"}, {"fallback": doc{"url": "javascript:alert(1)"}},
		{"greeting": doc{"<b>": "x"}}} {
		s.do("alfa admin", "PATCH", "/api/v1/widget-keys/"+id, bad).want(t, 422, "bad_field")
	}
}

func TestUsageIsWhatTheLedgerSays(t *testing.T) {
	s := newSite(t)
	s.script("alfa", "wait 1ms; pace 1ms; say um dois três; usage 10 5")
	ask := doc{"model": "default", "messages": []doc{{"role": "user", "content": "x"}}}
	for range 3 {
		s.do("alfa usuario", "POST", "/v1/chat/completions", ask).want(t, 200, "")
	}
	var use struct {
		Items []usageRow
		Total usageRow
	}
	for deadline := time.Now().Add(20 * time.Second); use.Total.Runs < 3 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		s.do("alfa admin", "GET", "/api/v1/usage", nil).into(t, &use) // the instance that settles a run is the one that counts it, soon
	}
	for _, by := range []string{"day", "model", "channel", "key"} {
		s.do("alfa admin", "GET", "/api/v1/usage?by="+by, nil).into(t, &use)
		if len(use.Items) != 1 || use.Total.Runs != 3 || use.Total.TokensIn != 30 || use.Total.TokensOut != 15 || use.Items[0].Runs != 3 || use.Items[0].Key == "" {
			t.Errorf("by %s: %+v", by, use)
		}
	}
	var people struct{ Items []personUseRow }
	s.do("alfa admin", "GET", "/api/v1/usage/people", nil).into(t, &people)
	if len(people.Items) != 1 || people.Items[0] != (personUseRow{s.users["alfa usuario"].ID, 3, 45}) {
		t.Errorf("people %+v", people)
	}
	s.do("alfa admin", "GET", "/api/v1/usage?from=2026-02-31", nil).want(t, 422, "bad_field")
	s.do("alfa admin", "GET", "/api/v1/usage?from=2020-01-01&to=2026-01-01", nil).want(t, 422, "bad_field")
	s.do("alfa supervisor", "GET", "/api/v1/usage", nil).want(t, 403, "forbidden")
}

func TestAnExportHoldsOnePersonsData(t *testing.T) {
	s := newSite(t)
	s.converse("alfa usuario", "isto é meu")
	s.converse("alfa supervisor", "isto não é")
	id := s.do("alfa admin", "POST", "/api/v1/exports", doc{"user_id": s.users["alfa usuario"].ID}).id(t)
	file := s.do("alfa admin", "GET", "/api/v1/exports/"+id+"/file", nil)
	lines := strings.Split(strings.TrimSpace(file.body), "\n")
	if file.StatusCode != http.StatusOK || !strings.Contains(file.body, "isto é meu") || strings.Contains(file.body, "isto não é") || strings.Contains(file.body, "argon2") ||
		!strings.Contains(lines[len(lines)-1], `"recibo"`) {
		t.Errorf("%d %s", file.StatusCode, file.body)
	}
	s.do("alfa supervisor", "GET", "/api/v1/exports/"+id+"/file", nil).want(t, 403, "forbidden")
	s.do("alfa admin", "POST", "/api/v1/exports", doc{"user_id": s.users["beta usuario"].ID}).want(t, 422, "bad_field")
	s.do("alfa admin", "DELETE", "/api/v1/exports/"+id, nil).want(t, 204, "")
	s.do("alfa admin", "GET", "/api/v1/exports/"+id+"/file", nil).want(t, 404, "not_found")
}
