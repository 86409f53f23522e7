package store

import (
	"context"
	"fmt"
	"time"

	"aihub/store/internal/doc"
)

// kept are the collections that hold a tenant's rows, but for its own row and its audit chain.
var kept = []string{collUsers, collConversations, collInteractions, collPlans, collSubscriptions, collUsage, collDaily, collConfigs, collModels, collWidgetKeys,
	collVisitors, collAPIKeys, collKnowledge, collReplies, collRatings, collWhispers, collIssuers, collLogins, collExports, collRequests, collAlerts}

// rowID is all that deleting needs to know of a row.
type rowID struct {
	ID string `bson:"id" json:"id"`
}

// Purge deletes everything of a tenant whose deletion is due and gives its names free. Its own row stays as a mark that
// the id is used up, and its audit chain as the proof of what was done. ErrConflict: it is not due. It may be repeated;
// what a late writer leaves behind goes with the next call.
func (d *Directory) Purge(ctx context.Context, id TenantID) (int64, error) {
	t := d.store.Tenant(id)
	p, err := t.Profile(ctx)
	if err != nil {
		return 0, err
	}
	due := p.State == StateClosing && !t.now().Before(p.DeleteAt)
	if !due && p.State != StateDeleted {
		return 0, ErrConflict
	}
	if due { // from here on nobody finds it any more
		if _, err := change(ctx, t.profiles, id.s, p.Rev, t.now(), map[string]any{"estado": StateDeleted, "nome": "", "marca": Brand{}, "dominios": []string{},
			"privacidade": Privacy{}, "alertas": Alerts{}, "administradores": map[string]bool{}}); err != nil {
			return 0, err
		}
	}
	if err := d.releaseDomains(ctx, id, p.Domains, nil); err != nil {
		return 0, err
	}
	if _, err := d.addresses.Delete(ctx, slugAddress(p.Slug), []doc.Cond{doc.Eq("dono", id.s)}); err != nil {
		return 0, err
	}
	if _, err := d.store.eng.Delete(ctx, doc.GlobalScope(), collBusy, id.s, nil); err != nil {
		return 0, err
	}
	var n int64
	for _, name := range kept {
		c := collection[rowID](d.store, t.users.Scope, name)
		err := each(ctx, c, doc.Query{}, func(r rowID) string { return r.ID }, func(r rowID) error {
			ctx, cancel := deadline(ctx)
			defer cancel()
			ok, err := c.Delete(ctx, r.ID, nil)
			if ok {
				n++
			}
			return err
		})
		if err != nil {
			return n, fmt.Errorf("purge %s: %w", name, err)
		}
	}
	return n, nil
}

// Due lists the tenants whose deletion is due.
func (d *Directory) Due(ctx context.Context) ([]TenantID, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	list, err := d.all.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("estado", StateClosing), doc.Before("excluir_em", milli(d.store.now()).Add(time.Millisecond))}})
	var out []TenantID
	for _, p := range list {
		out = append(out, TenantID{p.ID})
	}
	return out, err
}
