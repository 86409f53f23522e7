package llm

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// What an administrator is told of a configuration: nothing before it was asked, its failures in plain words without the
// upstream's, the pause, and that it works again; each tenant's apart.
func TestHealth(t *testing.T) {
	var down atomic.Bool
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			http.Error(w, `{"error":{"message":"sk-planted is no key"}}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"oi\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"))
	}))
	t.Cleanup(upstream.Close)
	c := New(Options{Bounds: Bounds{Trips: 2}})
	t.Cleanup(c.Close)
	target := Target{ID: "l_1", Tenant: "alfa", Provider: OpenAI, BaseURL: upstream.URL, APIKey: "sk-planted", Model: "m", Private: true}
	ask := func() {
		for range c.Stream(t.Context(), []Target{target}, Request{Messages: []Message{{Role: "user", Text: "oi"}}}) {
		}
	}
	is := func(when, tenant, state string) Health {
		t.Helper()
		h := c.Health(tenant, "l_1")
		if h.State != state {
			t.Errorf("%s: %+v, want %s", when, h, state)
		}
		return h
	}
	is("before", "alfa", HealthUnasked)
	ask()
	is("answered", "alfa", HealthOK)
	down.Store(true)
	ask()
	if h := is("refused once", "alfa", HealthFailing); h.Verdict != KeyRefused || h.Code != CodeAuth || strings.Contains(h.Reason, "planted") {
		t.Errorf("%+v", h)
	}
	ask()
	if h := is("refused again", "alfa", HealthPaused); h.RetryAt.IsZero() {
		t.Errorf("%+v", h)
	}
	is("of another tenant", "beta", HealthUnasked)
	is("the worst of all", "", HealthPaused)
	down.Store(false)
	target.APIKey = "sk-corrected"
	ask()
	is("corrected", "alfa", HealthOK)
}
