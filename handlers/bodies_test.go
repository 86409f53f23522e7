package handlers

import "testing"

// The bodies that other people's programs rely on, to the letter: each makes a row, and answers 201 with its id.
func TestTheBodiesOfCreatingRoutes(t *testing.T) {
	s := newSite(t)
	user := s.do("alfa admin", "POST", "/api/v1/users", `{"email":"nova@alfa.example","name":"Nova","role":"supervisor","password":"uma senha boa"}`).id(t)
	s.do("alfa admin", "POST", "/api/v1/users", `{"email":"sem@alfa.example","name":"Sem senha","role":"usuario"}`).id(t)
	plan := s.do("alfa admin", "POST", "/api/v1/plans", `{"name":"Ouro","limits":[{"window":"minute","messages":5,"tokens":1000},{"window":"day","messages":50,"tokens":10000},
		{"window":"month","messages":500,"tokens":100000}],"concurrency":2,"models":[],"allow_global_key":true}`).id(t)
	s.do("alfa admin", "POST", "/api/v1/subscriptions", `{"user_id":"`+user+`","plan_id":"`+plan+`","starts_at":"2026-01-01T00:00:00Z","ends_at":"2036-01-01T00:00:00Z"}`).id(t)
	s.do("alfa admin", "POST", "/api/v1/subscriptions", `{"user_id":"`+s.users["alfa usuario"].ID+`","plan_id":"`+plan+`"}`).id(t)
	reserve := s.do("alfa admin", "POST", "/api/v1/llm-configs", `{"name":"Reserva","provider":"rehearsal","default_model":"ensaio","fallbacks":[],"instructions":"","temperature":0,"limits":[]}`).id(t)
	s.do("alfa admin", "POST", "/api/v1/llm-configs", `{"name":"Principal","provider":"openai","base_url":"https://api.example.com/v1","api_key":"sk-0123456789abcdef","default_model":"m",
		"fallbacks":["`+reserve+`"],"instructions":"Seja breve.","temperature":0.3,"limits":[{"window":"month","messages":1000,"tokens":1000000}]}`).id(t)
	s.do("alfa admin", "POST", "/api/v1/models", `{"key":"rapido","provider":"openai","model":"m","name":"Rápido","context":128000,"price":{"input":150000,"output":600000},"state":"active"}`).id(t)
	s.do("alfa admin", "POST", "/api/v1/widget-keys", `{"name":"Site","origins":["https://www.alfa.example"],"plan_id":"`+plan+`","caps":{"per_minute":10,"per_day":1000},"identity":"optional"}`).id(t)
	s.do("alfa admin", "POST", "/api/v1/widget-keys", `{"name":"Loja","origins":["https://loja.alfa.example"],"caps":{"per_minute":10,"per_day":1000},"identity":"required"}`).id(t)
	s.do("ixc operador", "POST", "/api/v1/tenants", `{"slug":"gama","name":"Gama","timezone":"America/Manaus","admin":{"email":"dona@gama.example","name":"Dona","password":"uma senha boa"}}`).id(t)
	s.do("", "POST", "/api/v1/auth/login", `{"tenant":"gama","email":"dona@gama.example","password":"uma senha boa"}`).want(t, 200, "")
	s.do("", "POST", "/api/v1/auth/login", `{"tenant":"alfa","email":"nova@alfa.example","password":"uma senha boa"}`).want(t, 200, "")
	// Whoever made the tenant has no way to act as its people.
	for _, path := range []string{"/api/v1/users", "/api/v1/usage", "/api/v1/monitor/sessions", "/api/v1/exports"} {
		s.do("ixc operador", "GET", path, nil).want(t, 403, "forbidden")
	}
}
