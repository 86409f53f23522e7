package store

import (
	"context"
	"time"

	"aihub/store/internal/doc"
)

// Swept is what a pass of Retain did.
type Swept struct{ Emptied, Removed, Days int64 }

// retainBatch bounds a pass; what is left comes with the next one.
const retainBatch = 500

// Retain does what the tenant's retention asks for: it empties texts and titles that are too old, removes messages and
// conversations that are older still, and daily counters. Counts stay. It does a bounded part at a time and may be called
// by several instances; it returns zero when nothing is left to do.
func (t *Tenant) Retain(ctx context.Context) (Swept, error) {
	var done Swept
	p, err := get(ctx, t.profiles, t.id.s)
	if err != nil {
		return done, err
	}
	if days := p.Retention.ContentDays; days > 0 {
		if done.Emptied, err = t.emptyContent(ctx, p, t.daysAgo(days)); err != nil {
			return done, err
		}
	}
	if days := p.Retention.MetadataDays; days > 0 {
		if done.Removed, err = t.removeTalks(ctx, t.daysAgo(days)); err != nil {
			return done, err
		}
	}
	if days := p.Retention.UsageDays; days > 0 {
		if done.Days, err = t.removeDays(ctx, t.daysAgo(days)); err != nil {
			return done, err
		}
	}
	return done, t.forgetRequests(ctx)
}

// forgetRequests removes what is remembered of requests that can't be repeated any more.
func (t *Tenant) forgetRequests(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	list, err := t.requests.Find(ctx, doc.Query{Where: []doc.Cond{doc.Before("em", t.now().Add(-requestFor))}, Sort: "em", Limit: retainBatch})
	if err != nil {
		return err
	}
	for _, r := range list {
		if _, err := t.requests.Delete(ctx, r.ID, []doc.Cond{doc.Eq("em", r.At)}); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tenant) daysAgo(n int64) time.Time {
	return t.now().Add(-time.Duration(min(n, 36500)) * 24 * time.Hour)
}

// emptyContent empties the texts of messages that were written before a time, and the titles of conversations without
// activity since. The tenant's row notes how far it came: what was emptied is not read again. A message whose answer is
// still running is left for later, and so is what follows.
func (t *Tenant) emptyContent(ctx context.Context, p profile, before time.Time) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	q := doc.Query{Where: []doc.Cond{doc.Before("id", idAt("m", before))}, Limit: retainBatch}
	if p.Swept != "" {
		q.Past = &doc.Place{ID: p.Swept}
	}
	list, err := t.interactions.Find(ctx, q)
	if err != nil {
		return 0, err
	}
	var n int64
	last := p.Swept
	for _, m := range list {
		if m.Run != nil && m.Run.Pending != "" {
			break
		}
		if _, err := t.interactions.Update(ctx, m.ID, nil, doc.Mod{Set: map[string]any{"texto": "", "esvaziada_em": t.now()}}); err != nil {
			return n, err
		}
		n, last = n+1, m.ID
	}
	q = doc.Query{Where: []doc.Cond{doc.Before("atualizada_em", before)}, Sort: "atualizada_em", Limit: retainBatch,
		Past: &doc.Place{Value: p.SweptTitleAt, ID: p.SweptTitle}}
	titles, err := t.conversations.Find(ctx, q)
	if err != nil {
		return n, err
	}
	set := map[string]any{"esvaziado_ate": last}
	for _, c := range titles {
		if _, err := t.conversations.Update(ctx, c.ID, []doc.Cond{doc.Before("atualizada_em", before)}, doc.Mod{Set: map[string]any{"titulo": ""}}); err != nil {
			return n, err
		}
		if err := t.emptyWhispers(ctx, c.ID, false); err != nil {
			return n, err
		}
		set["titulo_esvaziado"], set["titulo_esvaziado_em"] = c.ID, c.UpdatedAt
		n++
	}
	if n == 0 {
		return 0, nil
	}
	_, err = t.profiles.Update(ctx, t.id.s, []doc.Cond{doc.Eq("esvaziado_ate", p.Swept)}, doc.Mod{Set: set})
	return n, err
}

// removeTalks removes conversations without activity since a time, with their messages and ratings.
func (t *Tenant) removeTalks(ctx context.Context, before time.Time) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	list, err := t.conversations.Find(ctx, doc.Query{Where: []doc.Cond{doc.Before("atualizada_em", before)}, Sort: "atualizada_em", Limit: retainBatch / 10})
	if err != nil {
		return 0, err
	}
	var n int64
	for _, c := range list {
		for {
			messages, err := t.interactions.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("conversa_id", c.ID)}, Limit: retainBatch})
			if err != nil {
				return n, err
			}
			for _, m := range messages {
				if _, err := t.interactions.Delete(ctx, m.ID, nil); err != nil {
					return n, err
				}
				n++
			}
			if len(messages) < retainBatch {
				break
			}
		}
		ratings, err := t.ratings.Find(ctx, doc.Query{Where: []doc.Cond{doc.Eq("conversa_id", c.ID)}})
		if err != nil {
			return n, err
		}
		for _, r := range ratings {
			if _, err := t.ratings.Delete(ctx, r.ID, nil); err != nil {
				return n, err
			}
		}
		if err := t.emptyWhispers(ctx, c.ID, true); err != nil {
			return n, err
		}
		if _, err := t.conversations.Delete(ctx, c.ID, []doc.Cond{doc.Before("atualizada_em", before)}); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (t *Tenant) removeDays(ctx context.Context, before time.Time) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	loc, err := t.location(ctx)
	if err != nil {
		return 0, err
	}
	list, err := t.daily.Find(ctx, doc.Query{Where: []doc.Cond{doc.Before("dia", before.In(loc).Format(layouts[WindowDay]))}, Sort: "dia", Limit: retainBatch})
	if err != nil {
		return 0, err
	}
	for i, u := range list {
		if _, err := t.daily.Delete(ctx, u.ID, nil); err != nil {
			return int64(i), err
		}
	}
	return int64(len(list)), nil
}
