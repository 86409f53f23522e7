package hub

import (
	"context"
	"errors"
	"slices"
	"time"

	"aihub/store"
)

// A risk of a live conversation, or its wait for a person, is an alert where the tenant wants to be told. The instance that
// keeps the conversation's entry raises it; an alert is named after its occasion, so that the next instance that keeps the
// entry raises no second one. Delivery is somebody else's work (Options.Alerted).

// AlertKinds are the reasons for alerts.
var AlertKinds = []string{"asked_human", "no_answer", "negative", "regenerations", "quota"}

// raise raises the alerts of what has become risky since the last look. Only the keeper calls it.
func (h *Hub) raise(e *tracked, v LiveView) {
	if v.Owner.Kind == store.OwnerHuman { // somebody looks after it
		return
	}
	var fresh []string
	for _, risk := range v.Risk {
		if name := risk + " " + e.occasion(risk, v); !e.raised[name] {
			if e.raised == nil {
				e.raised = map[string]bool{}
			}
			e.raised[name] = true
			fresh = append(fresh, risk)
		}
	}
	if len(fresh) == 0 || h.alerted == nil {
		return
	}
	t := h.store.Tenant(e.tenant)
	var alerts []store.Alert
	for _, risk := range fresh {
		alerts = append(alerts, store.Alert{ID: derivedID("al", e.conv.ID, risk, e.occasion(risk, v)), ConversationID: e.conv.ID, Channel: e.conv.Channel,
			Kind: risk, At: h.now()})
	}
	select {
	case h.alertSlots <- struct{}{}:
	default: // the store is slow; the console shows the risk all the same
		h.log.Warn("alerts left out", "tenant", e.tenant.String(), "conversation", e.conv.ID, "kinds", fresh)
		return
	}
	h.workers.Go(func() {
		defer func() { <-h.alertSlots }()
		ctx, cancel := context.WithTimeout(h.ctx, 10*time.Second)
		defer cancel()
		if err := h.keepAlerts(ctx, t, alerts); err != nil {
			h.log.Warn("alerts left out", "tenant", e.tenant.String(), "conversation", e.conv.ID, "kinds", fresh, "error", err)
		}
	})
}

// alertsAtOnce bounds how many conversations' alerts are being stored.
const alertsAtOnce = 16

func (h *Hub) keepAlerts(ctx context.Context, t *store.Tenant, alerts []store.Alert) error {
	f, err := h.facts(ctx, t)
	if err != nil || f.alerts.URL == "" {
		return err
	}
	added := false
	for _, a := range alerts {
		if !slices.Contains(f.alerts.Kinds, a.Kind) {
			continue
		}
		switch err := t.AddAlert(ctx, a); {
		case err == nil:
			added = true
		case !errors.Is(err, store.ErrExists):
			return err
		}
	}
	if added {
		h.alerted(t.ID())
	}
	return nil
}

// occasion names what a risk is about: an alert is raised once for each.
func (e *tracked) occasion(risk string, v LiveView) string {
	switch risk {
	case "asked_human":
		return v.Since // of the wait
	case "quota":
		return v.LastAt[:10] // the day
	}
	return v.question
}
