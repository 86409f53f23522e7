package handlers

import (
	"context"
	"errors"
	"time"

	"aihub/hub"
	"aihub/store"
)

// APIKeyBody is a key with which a program talks as a person, at that person's quota. Whoever the person is, a key may do
// no more than that: one that leaks must not manage a distributor.
type APIKeyBody struct {
	Name      string     `json:"name" minLength:"1" maxLength:"80"`
	UserID    string     `json:"user_id" required:"false" maxLength:"80" doc:"whose quota pays; empty: yours"`
	ExpiresAt *time.Time `json:"expires_at" required:"false" nullable:"true" doc:"null: never"`
	State     string     `json:"state" required:"false" enum:"active,disabled" default:"active"`
}

type apiKeyView struct {
	Meta
	APIKeyBody
	Last4      string `json:"last4"`
	LastUsedAt string `json:"last_used_at,omitempty"`
	Key        string `json:"key,omitempty" doc:"the key itself; only in the answer that made it"`
}

func viewAPIKey(k store.APIKey) apiKeyView {
	return apiKeyView{metaOf(k.ID, k.Rev, k.CreatedAt, k.ChangedAt), APIKeyBody{k.Name, k.UserID, optionalTime(k.ExpiresAt), showState(k.State)}, k.Last4,
		optionalStamp(k.LastUsedAt), ""}
}

func (s *Server) listAPIKeys(ctx context.Context, who hub.Principal, p store.Page) ([]apiKeyView, string, error) {
	list, next, err := who.Tenant.APIKeys(ctx, p)
	return viewAll(list, viewAPIKey), next, err
}

func (s *Server) getAPIKey(ctx context.Context, who hub.Principal, id string) (apiKeyView, error) {
	k, err := who.Tenant.APIKey(ctx, id)
	return viewAPIKey(k), err
}

func (s *Server) createAPIKey(ctx context.Context, who hub.Principal, id string, b APIKeyBody) (apiKeyView, error) {
	if b.UserID == "" {
		b.UserID = who.User
	}
	if _, err := who.Tenant.User(ctx, b.UserID); errors.Is(err, store.ErrNotFound) {
		return apiKeyView{}, hub.Ef("bad_field", "there is no such person")
	} else if err != nil {
		return apiKeyView{}, err
	}
	k, key, err := who.Tenant.CreateAPIKey(ctx, store.APIKey{ID: id, Name: b.Name, UserID: b.UserID, ExpiresAt: timeOf(b.ExpiresAt)})
	if err != nil {
		return apiKeyView{}, err
	}
	v := viewAPIKey(k)
	v.Key = key
	return v, nil
}

func (s *Server) changeAPIKey(ctx context.Context, who hub.Principal, id string, rev int64, apply func(*APIKeyBody) error) (apiKeyView, error) {
	k, err := who.Tenant.APIKey(ctx, id)
	if err != nil {
		return apiKeyView{}, err
	}
	b := viewAPIKey(k).APIKeyBody
	if err := apply(&b); err != nil {
		return apiKeyView{}, err
	}
	if b.UserID != k.UserID {
		return apiKeyView{}, hub.Ef("bad_field", "user_id can't be changed")
	}
	k.Name, k.ExpiresAt, k.State, k.Rev = b.Name, timeOf(b.ExpiresAt), storeState(b.State), revision(rev, k.Rev)
	k, err = who.Tenant.UpdateAPIKey(ctx, k)
	return viewAPIKey(k), err
}

func (s *Server) deleteAPIKey(ctx context.Context, who hub.Principal, id string, rev int64) error {
	return who.Tenant.DeleteAPIKey(ctx, id, rev)
}
