package handlers

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"aihub/hub"
	"aihub/store"
)

func TestConsolePages(t *testing.T) {
	s := newSite(t)
	for path, want := range map[string]string{
		"/console":                `data-slug=""`,
		"/console/alfa":           `data-slug="alfa"`,
		"/console/alfa/s/c_1":     `<title>Console · Provedor alfa</title>`,
		"/console/alfa/ledger?x=": `/p/alfa/brand.css?v=`,
	} {
		a := s.do("", "GET", path, nil)
		a.want(t, 200, "")
		if !strings.Contains(a.body, want) || !strings.Contains(a.Header.Get("Content-Security-Policy"), "trusted-types 'none'") {
			t.Errorf("%s: %s without %s", path, a.body, want)
		}
	}
	s.do("", "GET", "/console/nobody", nil).want(t, 404, "")
	if a := s.do("", "GET", "/console.css", nil); a.StatusCode != 200 || !strings.Contains(a.body, "--brand") {
		t.Error(a.body)
	}
}

func TestStaffSeeWhoTakesPart(t *testing.T) {
	s := newSite(t)
	conv, other := s.converse("alfa usuario", "uma"), s.converse("alfa usuario", "outra")
	path := "/api/v1/monitor/sessions/" + conv
	var seen struct {
		Participant participantView
		Plan        string
		Previous    []previousSession
	}
	a := s.do("alfa supervisor", "GET", path, nil)
	a.want(t, 200, "")
	a.into(t, &seen)
	if u := s.users["alfa usuario"]; seen.Participant != (participantView{u.ID, u.Name, u.Email, u.Role}) || seen.Plan != "all" {
		t.Errorf("%+v", seen)
	}
	if len(seen.Previous) != 1 || seen.Previous[0].ID != other {
		t.Errorf("previous: %+v", seen.Previous)
	}
	s.do("alfa usuario", "GET", path, nil).want(t, 403, "forbidden")
	s.do("alfa usuario", "POST", path+"/reveal", nil).want(t, 403, "forbidden")
	s.do("", "GET", path, nil).want(t, 401, "unauthenticated")
}

// Looking at personal data leaves a trace before anything is shown.
func TestRevealingIsAudited(t *testing.T) {
	s := newSite(t)
	conv := s.converse("alfa usuario", "x")
	s.do("alfa supervisor", "POST", "/api/v1/monitor/sessions/"+conv+"/reveal", nil).want(t, 204, "")
	list, _, err := s.tenant["alfa"].AuditLog(t.Context(), store.AuditFilter{Target: conv}, store.Page{})
	must(t, err)
	if !slices.ContainsFunc(list, func(e store.AuditEntry) bool {
		return e.Action == "conversa.revelada" && e.Actor == s.users["alfa supervisor"].ID && e.ActorRole == store.RoleSupervisor
	}) {
		t.Errorf("%+v", list)
	}
}

// The live list over REST is the one that the live connection shows. Asking for it again and again takes nothing from who
// watches: a list that ends with its last reader is never the one that somebody joins.
func TestLiveListIsAskedWhileOthersWatch(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	who := hub.Principal{Tenant: s.tenant["alfa"], User: s.users["alfa supervisor"].ID, Role: store.RoleSupervisor}
	for range 2 {
		asking.Go(func() {
			for ctx.Err() == nil {
				_, _ = s.edge.hub.Sessions(ctx, who)
			}
		})
	}
	ana, paula := s.socketOf("alfa usuario"), s.socketOf("alfa supervisor")
	for round := range 8 {
		s.send(paula, map[string]any{"t": "watch", "id": "w"})
		conv := s.converse("alfa usuario", "x")
		s.send(ana, map[string]any{"t": "sub", "id": "s", "conv": conv})
		for heard := false; !heard; { // next fails the test when nothing comes
			f := s.next(paula)
			entries, _ := f["sessions"].([]any) // of the list, where the watch begins after the conversation is in it
			heard = f["t"] == "live" && slices.ContainsFunc(append(entries, f["session"]), func(e any) bool {
				entry, _ := e.(map[string]any)
				return entry["conv"] == conv
			})
		}
		s.send(paula, map[string]any{"t": "unwatch", "id": "u"})
		var list struct{ Items []hub.LiveView }
		s.do("alfa supervisor", "GET", "/api/v1/monitor/sessions", nil).into(t, &list)
		if len(list.Items) != round+1 || !slices.ContainsFunc(list.Items, func(v hub.LiveView) bool { return v.Conv == conv }) {
			t.Fatalf("round %d: %+v", round, list.Items)
		}
	}
	s.do("alfa usuario", "GET", "/api/v1/monitor/sessions", nil).want(t, 403, "forbidden")
	if a := s.do("beta supervisor", "GET", "/api/v1/monitor/sessions", nil); a.body != "{\"items\":[]}\n" {
		t.Error(a.body)
	}
}
