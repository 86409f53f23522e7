package store

import (
	"context"
	"errors"
	"time"

	"aihub/store/internal/doc"
)

// A Subscription puts a person on a plan. A person has at most one, since its id is made of theirs.
type Subscription struct {
	ID        string    `bson:"id" json:"id"`
	UserID    string    `bson:"usuario_id" json:"usuario_id"`
	PlanID    string    `bson:"plano_id" json:"plano_id"`
	StartsAt  time.Time `bson:"inicio" json:"inicio"` // zero: at once
	EndsAt    time.Time `bson:"fim" json:"fim"`       // zero: never
	State     string    `bson:"estado" json:"estado"`
	Rev       int64     `bson:"rev" json:"rev"`
	CreatedAt time.Time `bson:"criado_em" json:"criado_em"`
	ChangedAt time.Time `bson:"alterado_em" json:"alterado_em"`
}

func subscriptionID(userID string) string { return "a_" + userID }

// active reports whether the subscription counts at this time.
func (s Subscription) active(now time.Time) bool {
	return s.State == StateActive && !now.Before(s.StartsAt) && (s.EndsAt.IsZero() || now.Before(s.EndsAt))
}

// Subscriptions lists the tenant's subscriptions.
func (t *Tenant) Subscriptions(ctx context.Context, p Page) ([]Subscription, string, error) {
	return page(ctx, t.subscriptions, doc.Query{}, p, func(s Subscription) string { return s.ID })
}

// Subscription returns the subscription with this id, or ErrNotFound.
func (t *Tenant) Subscription(ctx context.Context, id string) (Subscription, error) {
	return get(ctx, t.subscriptions, id)
}

// SubscriptionOf returns a person's subscription, or ErrNotFound.
func (t *Tenant) SubscriptionOf(ctx context.Context, userID string) (Subscription, error) {
	return get(ctx, t.subscriptions, subscriptionID(userID))
}

// CreateSubscription puts a person on a plan. ErrNotFound: the tenant has no such person, or neither it nor the global
// rows have the plan; ErrExists: the person has a subscription, which can be changed.
func (t *Tenant) CreateSubscription(ctx context.Context, s Subscription) (Subscription, error) {
	if _, err := t.User(ctx, s.UserID); err != nil {
		return Subscription{}, err
	}
	if _, err := t.Plan(ctx, s.PlanID); err != nil {
		return Subscription{}, err
	}
	now := t.now()
	s.ID, s.State, s.Rev, s.CreatedAt, s.ChangedAt = subscriptionID(s.UserID), StateActive, 1, now, now
	s.StartsAt, s.EndsAt = milli(s.StartsAt), milli(s.EndsAt)
	return s, add(ctx, t.subscriptions, s.ID, s)
}

// UpdateSubscription changes plan, times and state; the person stays. ErrNotFound, ErrConflict.
func (t *Tenant) UpdateSubscription(ctx context.Context, s Subscription) (Subscription, error) {
	if _, err := t.Plan(ctx, s.PlanID); err != nil {
		return Subscription{}, err
	}
	return change(ctx, t.subscriptions, s.ID, s.Rev, t.now(), map[string]any{"plano_id": s.PlanID, "inicio": milli(s.StartsAt), "fim": milli(s.EndsAt),
		"estado": s.State})
}

// DeleteSubscription puts a person back on the default plan. ErrNotFound, ErrConflict.
func (t *Tenant) DeleteSubscription(ctx context.Context, id string, rev int64) error {
	return remove(ctx, t.subscriptions, id, rev)
}

// Subscribe puts a person on a plan at once and without end, whatever they had before.
func (t *Tenant) Subscribe(ctx context.Context, userID, planID string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	id, now := subscriptionID(userID), t.now()
	err := t.subscriptions.Insert(ctx, id, Subscription{ID: id, UserID: userID, PlanID: planID, State: StateActive, Rev: 1, CreatedAt: now, ChangedAt: now})
	if errors.Is(err, ErrExists) {
		_, err = t.subscriptions.Update(ctx, id, nil, doc.Mod{Set: map[string]any{"plano_id": planID, "estado": StateActive, "inicio": time.Time{},
			"fim": time.Time{}, "alterado_em": now}, Inc: map[string]int64{"rev": 1}})
	}
	return err
}
