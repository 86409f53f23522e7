package handlers

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aihub/hub"
	"aihub/store"
)

func TestAPaceFillsUpAgain(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	p := newPace(2, 5, 3, func() time.Time { return now })
	taken := func(subject string) int64 {
		var n atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				var e *hub.Error
				switch err := p.take(subject); {
				case err == nil:
					n.Add(1)
				case !errors.As(err, &e) || e.Code != "rate_limited" || !e.Retry || e.RetryIn <= 0 || e.RetryIn > 500*time.Millisecond:
					t.Errorf("%+v", err)
				}
			})
		}
		all.Wait()
		return n.Load()
	}
	for _, step := range []struct {
		after   time.Duration
		subject string
		want    int64
	}{{0, "a", 5}, {0, "a", 0}, {0, "b", 5}, {499 * time.Millisecond, "a", 0}, {time.Millisecond, "a", 1}, {2 * time.Second, "a", 4}, {time.Hour, "a", 5}} {
		now = now.Add(step.after)
		if got := taken(step.subject); got != step.want {
			t.Errorf("%+v: %d were let in", step, got)
		}
	}
	// Its memory is bounded, and who asks all the time is not forgotten for those who ask once.
	for i := range 100 {
		_ = p.take(fmt.Sprint("x", i))
		_ = p.take("a")
	}
	if n := p.buckets.Len(); n != 3 || taken("a") != 0 {
		t.Errorf("%d subjects are kept; a: %v", n, p.take("a"))
	}
}

func TestWhereARequestComesFrom(t *testing.T) {
	for _, test := range []struct{ peer, forwarded, want string }{
		{"203.0.113.7:5000", "", "203.0.113.7"}, {"203.0.113.7:5000", "198.51.100.1", "203.0.113.7"}, // nobody outside names another
		{"10.0.0.2:5000", "198.51.100.1", "198.51.100.1"}, {"[::1]:5000", "1.2.3.4, 198.51.100.1", "198.51.100.1"},
		{"[2001:db8::1]:5000", "", "2001:db8::1"}, {"[::ffff:203.0.113.7]:5000", "", "203.0.113.7"},
		{"10.0.0.2:5000", "", ""}, {"127.0.0.1:5000", "10.1.1.1", ""}, {"10.0.0.2:5000", "nonsense", ""}, {"", "", ""},
	} {
		got := ""
		if a := cameFrom(test.peer, test.forwarded); a.IsValid() {
			got = a.String()
		}
		if got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}

// tooMany fails unless the answer says when to come again.
func (a answer) tooMany(t *testing.T) {
	t.Helper()
	a.want(t, 429, "rate_limited")
	var p Problem
	a.into(t, &p)
	if after, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || after < 1 || !p.Retry || p.RetryMS < 1 || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%v %s", a.Header, a.body)
	}
}

func TestWhoAsksTooOftenStopsNobodyElse(t *testing.T) {
	s := newSite(t)
	now := time.Now()
	s.edge.paces = &paces{}
	for _, p := range []struct {
		of    **pace
		burst int
	}{{&s.edge.paces.people, 3}, {&s.edge.paces.tenants, 5}, {&s.edge.paces.addresses, 2}, {&s.edge.paces.origins, 4}, {&s.edge.paces.doors, 3}} {
		*p.of = newPace(1, p.burst, 100, func() time.Time { return now })
	}
	me := func(person string) answer { return s.do(person, "GET", "/api/v1/me", nil) }
	for range 3 {
		me("alfa usuario").want(t, 200, "")
	}
	for range 4 { // what is refused takes nothing from the tenant
		me("alfa usuario").tooMany(t)
	}
	s.do("alfa usuario", "GET", "/v1/models", nil).want(t, 429, "") // in OpenAI's form
	s.do("", "GET", "/healthz", nil).want(t, 200, "")
	me("alfa supervisor").want(t, 200, "")
	me("alfa supervisor").want(t, 200, "")
	me("alfa admin").tooMany(t) // the tenant's five
	me("beta usuario").want(t, 200, "")

	k := s.widgetKey("beta", func(k *store.WidgetKey) { k.Origins = append(k.Origins, "https://blog.loja.example") })
	from := func(address, origin string) answer {
		return s.do("", "POST", "/api/v1/widget/sessions", map[string]any{"key": k.ID}, "Origin", origin, "X-Forwarded-For", address)
	}
	for range 2 {
		from("203.0.113.7", pageOrigin).want(t, 200, "")
	}
	from("203.0.113.7", pageOrigin).tooMany(t)
	from("2001:db8::1", pageOrigin).want(t, 200, "")
	from("2001:db8::2", pageOrigin).want(t, 200, "")
	from("2001:db8::3", pageOrigin).tooMany(t) // the same household
	from("203.0.113.8", pageOrigin).tooMany(t) // the page's four
	from("203.0.113.8", "https://blog.loja.example").want(t, 200, "")

	login := func(address, email string) answer {
		return s.do("", "POST", "/api/v1/auth/login", map[string]any{"tenant": "alfa", "email": email, "password": "no"}, "X-Forwarded-For", address)
	}
	for i := range 3 { // one password for many names
		login("203.0.113.9", fmt.Sprint(i, "@alfa.example")).want(t, 401, "unauthenticated")
	}
	login("203.0.113.9", "3@alfa.example").tooMany(t)
	login("203.0.113.10", "3@alfa.example").want(t, 401, "unauthenticated")
}
