package store

import (
	"context"
	"errors"
	"time"

	"aihub/store/internal/doc"
)

// Alerts is where a tenant wants to be told of conversations that need a person.
type Alerts struct {
	URL          string   `bson:"url" json:"url"` // "": nowhere
	Kinds        []string `bson:"tipos" json:"tipos"`
	SealedSecret string   `bson:"segredo" json:"segredo"` // signs what is sent
	SecretLast4  string   `bson:"segredo_final" json:"segredo_final"`
}

// AlertsRow names the secret of Alerts among the tenant's sealed ones.
const AlertsRow = "alertas"

// Values of Alert.State.
const (
	AlertPending   = "pendente"
	AlertDelivered = "entregue"
	AlertFailed    = "falhou" // given up
)

// An Alert is one reason to look at a conversation, and how far its delivery is.
type Alert struct {
	ID             string    `bson:"id" json:"id"` // made of the occasion, so that whoever notices it too makes the same
	ConversationID string    `bson:"conversa_id" json:"conversa_id"`
	Channel        string    `bson:"canal" json:"canal"`
	Kind           string    `bson:"tipo" json:"tipo"`
	At             time.Time `bson:"em" json:"em"`
	State          string    `bson:"estado" json:"estado"`
	Tries          int64     `bson:"tentativas" json:"tentativas"`
	Next           time.Time `bson:"proxima" json:"proxima"` // not before; while a delivery goes on, the end of its lease
	Status         int64     `bson:"status" json:"status"`   // of the last answer; 0: there was none
}

// maxAlerts bounds what waits for a tenant's address. It keeps a queue short and is no promise to anybody, so it is looked at
// and not taken: callers that race may exceed it by their number.
const maxAlerts = 1000

// ErrFull says that too much waits already.
var ErrFull = errors.New("the queue is full")

// AddAlert keeps an alert until it is delivered. ErrExists: the occasion is known. ErrFull: too many wait.
func (t *Tenant) AddAlert(ctx context.Context, a Alert) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	waiting, err := t.alerts.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("estado", AlertPending)}, Limit: maxAlerts})
	if err != nil {
		return err
	}
	if len(waiting) == maxAlerts {
		return ErrFull
	}
	a.At, a.State, a.Tries, a.Next, a.Status = milli(a.At), AlertPending, 0, t.now(), 0
	return t.alerts.Insert(ctx, a.ID, a)
}

// Alert returns the alert with this id, or ErrNotFound.
func (t *Tenant) Alert(ctx context.Context, id string) (Alert, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.alerts.Get(ctx, id)
}

// Alerts lists alerts, the newest first.
func (t *Tenant) Alerts(ctx context.Context, p Page) ([]Alert, string, error) {
	return page(ctx, t.alerts, doc.Query{Desc: true}, p, func(a Alert) string { return a.ID })
}

// TakeAlerts makes the caller the one who delivers what is due, for the time of the lease: each alert is given to one
// caller. Their Tries count this one.
func (t *Tenant) TakeAlerts(ctx context.Context, lease time.Duration, limit int) ([]Alert, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	now := t.now()
	due, err := t.alerts.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("estado", AlertPending), doc.Before("proxima", now.Add(time.Millisecond))}, Sort: "proxima", Limit: limit})
	if err != nil {
		return nil, err
	}
	var mine []Alert
	for _, a := range due {
		until := now.Add(lease)
		ok, err := t.alerts.Update(ctx, a.ID, []doc.Cond{doc.Eq("estado", AlertPending), doc.Eq("tentativas", a.Tries)},
			doc.Mod{Set: map[string]any{"proxima": until}, Inc: map[string]int64{"tentativas": 1}})
		if err != nil {
			return mine, err
		}
		if ok {
			a.Next, a.Tries = until, a.Tries+1
			mine = append(mine, a)
		}
	}
	return mine, nil
}

// EndTry notes how a delivery ended: in a new state, or still pending until next. ErrConflict: the lease had ended, and
// somebody else has tried since.
func (t *Tenant) EndTry(ctx context.Context, a Alert, state string, status int64, next time.Time) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return changed(t.alerts.Update(ctx, a.ID, []doc.Cond{doc.Eq("estado", AlertPending), doc.Eq("tentativas", a.Tries)},
		doc.Mod{Set: map[string]any{"estado": state, "status": status, "proxima": milli(next)}}))
}

// DropAlerts forgets alerts from before a time.
func (t *Tenant) DropAlerts(ctx context.Context, before time.Time) error {
	old := doc.Query{Where: []doc.Cond{doc.Before("em", milli(before))}}
	return each(ctx, t.alerts, old, func(a Alert) string { return a.ID }, func(a Alert) error {
		ctx, cancel := deadline(ctx)
		defer cancel()
		_, err := t.alerts.Delete(ctx, a.ID, nil)
		return err
	})
}
