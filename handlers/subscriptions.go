package handlers

import (
	"context"
	"errors"
	"time"

	"aihub/hub"
	"aihub/store"
)

// SubscriptionBody puts a person on a plan, from a time on and until one.
type SubscriptionBody struct {
	UserID   string     `json:"user_id" maxLength:"80"`
	PlanID   string     `json:"plan_id" maxLength:"80"`
	StartsAt *time.Time `json:"starts_at" required:"false" nullable:"true" doc:"null: at once"`
	EndsAt   *time.Time `json:"ends_at" required:"false" nullable:"true" doc:"null: never"`
}

type subscriptionView struct {
	Meta
	SubscriptionBody
}

func viewSubscription(s store.Subscription) subscriptionView {
	return subscriptionView{metaOf(s.ID, s.Rev, s.CreatedAt, s.ChangedAt), SubscriptionBody{s.UserID, s.PlanID, optionalTime(s.StartsAt), optionalTime(s.EndsAt)}}
}

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

func (b SubscriptionBody) set(s *store.Subscription) error {
	s.PlanID, s.StartsAt, s.EndsAt = b.PlanID, timeOf(b.StartsAt), timeOf(b.EndsAt)
	if !s.EndsAt.IsZero() && !s.EndsAt.After(s.StartsAt) {
		return hub.Ef("bad_field", "ends_at must be after starts_at")
	}
	return nil
}

func (s *Server) listSubscriptions(ctx context.Context, who hub.Principal, p store.Page) ([]subscriptionView, string, error) {
	list, next, err := who.Tenant.Subscriptions(ctx, p)
	return viewAll(list, viewSubscription), next, err
}

func (s *Server) getSubscription(ctx context.Context, who hub.Principal, id string) (subscriptionView, error) {
	sub, err := who.Tenant.Subscription(ctx, id)
	return viewSubscription(sub), err
}

// createSubscription is repeatable by itself: a person has one subscription, and the same one again is the same.
func (s *Server) createSubscription(ctx context.Context, who hub.Principal, _ string, b SubscriptionBody) (subscriptionView, error) {
	want := store.Subscription{UserID: b.UserID}
	if err := b.set(&want); err != nil {
		return subscriptionView{}, err
	}
	made, err := who.Tenant.CreateSubscription(ctx, want)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return subscriptionView{}, hub.Ef("bad_field", "there is no such person or no such plan")
	case errors.Is(err, store.ErrExists):
		have, err := who.Tenant.SubscriptionOf(ctx, b.UserID)
		if err == nil && (have.PlanID != want.PlanID || !have.StartsAt.Equal(want.StartsAt) || !have.EndsAt.Equal(want.EndsAt)) {
			err = conflict("the person has a subscription; change that one")
		}
		return viewSubscription(have), err
	}
	return viewSubscription(made), err
}

func (s *Server) changeSubscription(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*SubscriptionBody) error) (subscriptionView, error) {
	sub, err := who.Tenant.Subscription(ctx, id)
	if err != nil {
		return subscriptionView{}, err
	}
	b := viewSubscription(sub).SubscriptionBody
	if err := apply(&b); err != nil {
		return subscriptionView{}, err
	}
	if b.UserID != sub.UserID {
		return subscriptionView{}, hub.Ef("bad_field", "user_id can't be changed")
	}
	if err := b.set(&sub); err != nil {
		return subscriptionView{}, err
	}
	if _, err := who.Tenant.Plan(ctx, sub.PlanID); errors.Is(err, store.ErrNotFound) {
		return subscriptionView{}, hub.Ef("bad_field", "there is no such plan")
	}
	sub.Rev = revision(rev, sub.Rev)
	sub, err = who.Tenant.UpdateSubscription(ctx, sub)
	return viewSubscription(sub), err
}

func (s *Server) deleteSubscription(ctx context.Context, who hub.Principal, id string, rev int64) error {
	return who.Tenant.DeleteSubscription(ctx, id, rev)
}
