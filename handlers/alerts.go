package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"

	"aihub/hub"
	"aihub/llm"
	"aihub/store"
)

// alertsRow names the secret that signs alerts among a tenant's sealed ones.
const alertsRow = store.AlertsRow

// AlertsBody says where a tenant wants to be told of conversations that need a person.
type AlertsBody struct {
	URL   string   `json:"url" required:"false" maxLength:"500" doc:"a public https address; empty: nowhere"`
	Kinds []string `json:"kinds" required:"false" maxItems:"10" doc:"asked_human, no_answer, negative, regenerations, quota; default all"`
}

// AlertsInput is AlertsBody with the secret.
type AlertsInput struct {
	AlertsBody
	Secret *string `json:"secret" required:"false" maxLength:"200" doc:"signs what is sent, at least 16 bytes"`
}

type alertsView struct {
	Meta
	AlertsBody
	Secret secretView `json:"secret"`
}

func viewAlerts(p store.Profile) alertsView {
	return alertsView{tenantMeta(p), AlertsBody{p.Alerts.URL, orNone(p.Alerts.Kinds)}, secretView{p.Alerts.SealedSecret != "", p.Alerts.SecretLast4}}
}

func (s *Server) getAlerts(ctx context.Context, who hub.Principal) (alertsView, error) {
	p, err := who.Tenant.Profile(ctx)
	return viewAlerts(p), err
}

func (s *Server) changeAlerts(ctx context.Context, who hub.Principal, rev int64, apply func(*AlertsInput) error) (alertsView, error) {
	p, err := changeProfile(ctx, who.Tenant, rev, func(p *store.Profile) (err error) {
		old := p.Alerts
		b := AlertsInput{AlertsBody: viewAlerts(*p).AlertsBody}
		if err := apply(&b); err != nil {
			return err
		}
		if len(b.Kinds) == 0 {
			b.Kinds = hub.AlertKinds
		}
		for _, k := range b.Kinds {
			if !slices.Contains(hub.AlertKinds, k) {
				return hub.Ef("bad_field", "kinds may be "+strings.Join(hub.AlertKinds, ", "))
			}
		}
		p.Alerts.URL, p.Alerts.Kinds = b.URL, b.Kinds
		if b.URL != old.URL { // the secret is for the receiver who was given it
			p.Alerts.SealedSecret, p.Alerts.SecretLast4 = "", ""
		}
		if b.Secret != nil {
			if n := len(*b.Secret); n > 0 && n < 16 {
				return hub.Ef("bad_field", "a secret has at least 16 bytes")
			}
			if p.Alerts.SealedSecret, p.Alerts.SecretLast4, err = s.seal(who.Tenant.ID().String(), alertsRow, *b.Secret); err != nil {
				return err
			}
		}
		if b.URL == "" {
			return nil
		}
		plain, _, _ := strings.Cut(b.URL, "?")
		if err := llm.CheckURL(plain, false, s.networks); err != nil {
			return hub.Ef("bad_field", "url must be a public https address")
		}
		if p.Alerts.SealedSecret == "" {
			return hub.Ef("bad_field", "a secret is needed with a new url")
		}
		return nil
	})
	return viewAlerts(p), err
}

type alertView struct {
	ID           string `json:"id"`
	Kind         string `json:"kind"`
	Conversation string `json:"conversation"`
	At           string `json:"at"`
	State        string `json:"state" enum:"pending,delivered,failed"`
	Tries        int64  `json:"tries"`
	Status       int64  `json:"status" doc:"of the receiver's last answer; 0: there was none"`
	Next         string `json:"next,omitempty" doc:"when it is tried again"`
}

func viewAlert(a store.Alert) alertView {
	v := alertView{ID: a.ID, Kind: a.Kind, Conversation: a.ConversationID, At: stamp(a.At), Tries: a.Tries, Status: a.Status,
		State: map[string]string{store.AlertPending: "pending", store.AlertDelivered: "delivered", store.AlertFailed: "failed"}[a.State]}
	if a.State == store.AlertPending {
		v.Next = optionalStamp(a.Next)
	}
	return v
}

func (s *Server) listAlerts(ctx context.Context, who hub.Principal, p store.Page) ([]alertView, string, error) {
	list, next, err := who.Tenant.Alerts(ctx, p)
	return viewAll(list, viewAlert), next, err
}

// testAlerts sends an alert that is about nothing, as every other is sent.
func (s *Server) testAlerts(ctx context.Context, who hub.Principal, in *meInput) error {
	p, err := who.Tenant.Profile(ctx)
	if err != nil {
		return err
	}
	if p.Alerts.URL == "" {
		return hub.Ef("bad_field", "there is no url")
	}
	err = who.Tenant.AddAlert(ctx, store.Alert{ID: s.store.NewID("al"), Kind: "test", At: s.store.Now()})
	if errors.Is(err, store.ErrFull) {
		return hub.E("rate_limited")
	}
	if err != nil {
		return err
	}
	s.audit(ctx, who, in.Bearer, "/api/v1/alert-settings", "testar", "", nil)
	if s.alerted != nil {
		s.alerted(who.Tenant.ID())
	}
	return nil
}
