package handlers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aihub/store"
)

const alertSecret = "um-segredo-bem-comprido"

// got is one request that a receiver of alerts has had.
type got struct {
	body          []byte
	id, signature string
	message       alertMessage
}

// receiver is an address that alerts are sent to; it answers with each status in turn, then with 204.
func receiver(t *testing.T, statuses ...int) (string, <-chan got) {
	t.Helper()
	requests, n := make(chan got, 100), 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		must(t, err)
		g := got{body: body, id: r.Header.Get("AIHub-Alert-Id"), signature: r.Header.Get("AIHub-Signature")}
		must(t, json.Unmarshal(body, &g.message))
		status := http.StatusNoContent
		if n < len(statuses) {
			status = statuses[n]
		}
		n++
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.WriteHeader(status)
		requests <- g
	}))
	t.Cleanup(srv.Close)
	return srv.URL, requests
}

// wantAlerts makes a tenant want its alerts at an address.
func (s *site) wantAlerts(slug, address string) {
	s.t.Helper()
	sealed, last4, err := s.edge.seal(s.tenant[slug].ID().String(), alertsRow, alertSecret)
	must(s.t, err)
	p, err := s.tenant[slug].Profile(s.t.Context())
	must(s.t, err)
	p.Alerts = store.Alerts{URL: address, Kinds: []string{"negative"}, SealedSecret: sealed, SecretLast4: last4}
	_, err = s.tenant[slug].UpdateProfile(s.t.Context(), p)
	must(s.t, err)
}

func (s *site) deliverer(allow []netip.Prefix) *Deliverer {
	public, _ := url.Parse("https://hub.example")
	return NewDeliverer(s.store, s.edge.sealer, allow, public, slog.New(slog.DiscardHandler))
}

// An alert comes signed, under its id, until its receiver says that it has it; it says where to look, and nothing that
// people wrote or are called.
func TestAlertsAreDeliveredUntilTheyAreTaken(t *testing.T) {
	s := newSite(t)
	address, requests := receiver(t, 500, 302)
	s.wantAlerts("alfa", address+"/hook?token=x")
	alfa := s.tenant["alfa"]
	a := store.Alert{ID: "al_1", ConversationID: "c_1", Channel: "widget", Kind: "negative", At: time.Now()}
	must(t, alfa.AddAlert(t.Context(), a))
	if err := alfa.AddAlert(t.Context(), a); err != store.ErrExists {
		t.Errorf("the same occasion again: %v", err)
	}
	d := s.deliverer(loopback)
	for try := int64(1); try <= 3; try++ {
		must(t, d.deliver(t.Context(), alfa))
		g := <-requests
		stamp, mac, _ := strings.Cut(strings.TrimPrefix(g.signature, "t="), ",v1=")
		want := hmac.New(sha256.New, []byte(alertSecret))
		want.Write([]byte(stamp + "." + string(g.body)))
		seconds, _ := strconv.ParseInt(stamp, 10, 64)
		if mac != hex.EncodeToString(want.Sum(nil)) || time.Since(time.Unix(seconds, 0)) > time.Minute {
			t.Errorf("the signature %q is not that of %s", g.signature, g.body)
		}
		if g.id != "al_1" || g.message.ID != "al_1" || g.message.Try != try || g.message.URL != "https://hub.example/console/alfa/s/c_1" {
			t.Errorf("try %d: %s", try, g.body)
		}
		stored, err := alfa.Alert(t.Context(), "al_1")
		must(t, err)
		if want := []int64{500, 302, 204}[try-1]; stored.Status != want {
			t.Errorf("after try %d: %+v", try, stored)
		}
		if try < 3 {
			if wait := time.Until(stored.Next); stored.State != store.AlertPending || wait < alertWaits[try-1]/2 || wait > alertWaits[try-1]*2 {
				t.Errorf("after try %d: %+v, in %v", try, stored, wait)
			}
			must(t, alfa.EndTry(t.Context(), stored, store.AlertPending, stored.Status, time.Now().Add(-time.Second))) // time passes
		} else if stored.State != store.AlertDelivered {
			t.Errorf("in the end: %+v", stored)
		}
	}
	must(t, d.deliver(t.Context(), alfa))
	if len(requests) > 0 {
		t.Errorf("it came again: %s", (<-requests).body)
	}
}

// Of several instances one tries at a time, and an alert that nobody takes is given up.
func TestAlertsAreTriedByOneAndGivenUp(t *testing.T) {
	s := newSite(t)
	alfa := s.tenant["alfa"]
	for _, id := range []string{"al_1", "al_2", "al_3"} {
		must(t, alfa.AddAlert(t.Context(), store.Alert{ID: id, Kind: "negative", At: time.Now()}))
	}
	taken := make(chan string, 100)
	done := make(chan error, 4)
	for range 4 {
		go func() {
			list, err := alfa.TakeAlerts(t.Context(), time.Minute, 10)
			for _, a := range list {
				taken <- a.ID
			}
			done <- err
		}()
	}
	for range 4 {
		must(t, <-done)
	}
	if len(taken) != 3 {
		t.Errorf("three alerts were taken %d times", len(taken))
	}
	// The guard refuses what the operator has not allowed, so that nothing inside is reached by an alert.
	address, requests := receiver(t)
	s.wantAlerts("alfa", address)
	d := s.deliverer(nil)
	a, err := alfa.Alert(t.Context(), "al_1")
	must(t, err)
	for a.State == store.AlertPending {
		must(t, alfa.EndTry(t.Context(), a, store.AlertPending, 0, time.Now().Add(-time.Second)))
		must(t, d.deliver(t.Context(), alfa))
		a, err = alfa.Alert(t.Context(), "al_1")
		must(t, err)
	}
	if a.State != store.AlertFailed || a.Tries != int64(len(alertWaits))+1 || len(requests) > 0 {
		t.Errorf("%+v, %d requests", a, len(requests))
	}
}

func TestAlertsAreRun(t *testing.T) {
	s := newSite(t)
	address, requests := receiver(t)
	s.wantAlerts("alfa", address)
	must(t, s.tenant["alfa"].AddAlert(t.Context(), store.Alert{ID: "al_1", Kind: "negative", At: time.Now()}))
	d := s.deliverer(loopback)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { d.Run(ctx); close(ended) }()
	defer func() { cancel(); <-ended }()
	d.Wake(s.tenant["alfa"].ID())
	if g := <-requests; g.id != "al_1" {
		t.Errorf("%s", g.body)
	}
}

// What is due is found although others' alerts are told of all the time.
func TestAlertsAreSweptForUnderSteadyCalls(t *testing.T) {
	s := newSite(t)
	address, requests := receiver(t)
	s.wantAlerts("alfa", address)
	must(t, s.tenant["alfa"].AddAlert(t.Context(), store.Alert{ID: "al_1", Kind: "negative", At: time.Now()}))
	d := s.deliverer(loopback)
	d.sweep = 100 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { d.Run(ctx) })
	calls := time.NewTicker(time.Millisecond)
	defer calls.Stop()
	for end := time.After(10 * time.Second); ; {
		select {
		case g := <-requests:
			if g.id != "al_1" {
				t.Errorf("%s", g.body)
			}
			return
		case <-calls.C:
			d.Wake(s.tenant["beta"].ID())
		case <-end:
			t.Fatal("alfa's alert was never looked for")
		}
	}
}

func TestAlertSettings(t *testing.T) {
	s := newSite(t)
	path := "/api/v1/alert-settings"
	for _, bad := range []doc{{"url": "https://hooks.example/a"}, {"url": "http://hooks.example/a", "secret": alertSecret}, {"url": "https://127.0.0.1/a", "secret": alertSecret},
		{"url": "https://hooks.example/a", "secret": "curto"}, {"kinds": []string{"tudo"}}} {
		s.do("alfa admin", "PATCH", path, bad).want(t, 422, "bad_field")
	}
	a := s.do("alfa admin", "PATCH", path, doc{"url": "https://hooks.example/a", "secret": alertSecret, "kinds": []string{"asked_human"}})
	a.want(t, 200, "")
	if strings.Contains(a.body, alertSecret) || !strings.Contains(a.body, `"set":true`) {
		t.Error(a.body)
	}
	s.do("alfa admin", "PATCH", path, doc{"url": "https://other.example/a"}).want(t, 422, "bad_field") // the secret does not go elsewhere
	s.do("alfa admin", "POST", path+"/test", nil).want(t, 204, "")
	if a := s.do("alfa supervisor", "GET", "/api/v1/alerts", nil); !strings.Contains(a.body, `"kind":"test"`) || !strings.Contains(a.body, `"state":"pending"`) {
		t.Error(a.body)
	}
	if a := s.do("beta supervisor", "GET", "/api/v1/alerts", nil); a.body != "{\"items\":[]}\n" {
		t.Error(a.body)
	}
	s.do("beta admin", "POST", path+"/test", nil).want(t, 422, "bad_field")
	for _, person := range []string{"alfa supervisor", "alfa usuario"} {
		s.do(person, "GET", path, nil).want(t, 403, "forbidden")
	}
}

// A person rates a conversation once it has ended, and may think again; the staff reads it.
func TestRatings(t *testing.T) {
	s := newSite(t)
	conv := s.converse("alfa usuario", "x")
	path := "/api/v1/conversations/" + conv + "/rating"
	s.do("alfa usuario", "PUT", path, doc{"score": 5}).want(t, 409, "conflict")
	must(t, s.tenant["alfa"].CloseConversation(t.Context(), conv))
	s.do("alfa usuario", "GET", path, nil).want(t, 404, "not_found")
	for _, bad := range []doc{{"score": 0}, {"score": 6}, {}, {"score": 3, "comment": strings.Repeat("x", 1001)}} {
		s.do("alfa usuario", "PUT", path, bad).want(t, 422, "bad_field")
	}
	s.do("alfa usuario", "PUT", path, doc{"score": 5}).want(t, 204, "")
	s.do("alfa usuario", "PUT", path, doc{"score": 2, "comment": " demorou "}).want(t, 204, "")
	s.do("alfa supervisor", "PUT", path, doc{"score": 5}).want(t, 403, "forbidden")
	for _, person := range []string{"alfa usuario", "alfa supervisor"} {
		if a := s.do(person, "GET", path, nil); !strings.Contains(a.body, `"score":2,"comment":"demorou"`) {
			t.Error(a.body)
		}
	}
	if a := s.do("alfa supervisor", "GET", "/api/v1/monitor/sessions/"+conv, nil); !strings.Contains(a.body, `"rating":{"score":2`) {
		t.Error(a.body)
	}
}

// Tags of two supervisors at the same moment are both there.
func TestTags(t *testing.T) {
	s := newSite(t)
	conv := s.converse("alfa usuario", "x")
	path := "/api/v1/monitor/sessions/" + conv + "/tags/"
	done := make(chan answer, 10)
	names := []string{"Cobrança", "sem sinal", "vip", "2ª via", "fibra", "mudança", "reincidente", "plantão", "retenção", "anatel"}
	for i, name := range names {
		go func() {
			done <- s.do([]string{"alfa supervisor", "alfa admin"}[i%2], "PUT", path+url.PathEscape(name), nil)
		}()
	}
	for range names {
		a := <-done
		if a.StatusCode != 200 {
			t.Error(a.StatusCode, a.body)
		}
	}
	a := s.do("alfa supervisor", "DELETE", path+"vip", nil)
	if a.want(t, 200, ""); strings.Contains(a.body, "vip") || !strings.Contains(a.body, `"cobrança"`) || strings.Count(a.body, `","`) != len(names)-2 {
		t.Error(a.body)
	}
	for _, bad := range []string{"%20", strings.Repeat("x", 31), "a%00b", "%3Cb%3E"} {
		s.do("alfa supervisor", "PUT", path+bad, nil).want(t, 422, "bad_field")
	}
	for _, more := range []string{"a", "b", "c"} {
		s.do("alfa supervisor", "PUT", path+more, nil).want(t, 200, "")
	}
	s.do("alfa supervisor", "PUT", path+"d", nil).want(t, 422, "bad_field")
	s.do("alfa usuario", "PUT", path+"x", nil).want(t, 403, "forbidden")
	s.do("beta supervisor", "PUT", path+"x", nil).want(t, 404, "not_found")
}

// Who asks who has read along gets it as a table: of their conversations and of what they did, and of nobody else.
func TestTheLedgerOfOnePerson(t *testing.T) {
	s := newSite(t)
	ana := s.users["alfa usuario"].ID
	mine, others := s.converse("alfa usuario", "x"), s.converse("alfa supervisor", "y")
	s.do("alfa supervisor", "POST", "/api/v1/monitor/sessions/"+mine+"/reveal", nil).want(t, 204, "")
	s.do("alfa admin", "POST", "/api/v1/monitor/sessions/"+others+"/reveal", nil).want(t, 204, "")
	path := "/api/v1/audit/file?person=" + ana
	a := s.do("alfa admin", "GET", path, nil)
	a.want(t, 200, "")
	if strings.Count(a.body, "\n") != 2 || !strings.Contains(a.body, ","+s.users["alfa supervisor"].ID+",supervisor,conversa.revelada,"+mine+",") {
		t.Error(a.body)
	}
	if b := s.do("beta admin", "GET", path, nil); strings.Count(b.body, "\n") != 1 {
		t.Error(b.body)
	}
	s.do("alfa supervisor", "GET", path, nil).want(t, 403, "forbidden")
	s.do("alfa admin", "GET", "/api/v1/audit/file", nil).want(t, 422, "bad_field")
}
