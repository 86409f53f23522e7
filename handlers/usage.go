package handlers

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"aihub/hub"
	"aihub/store"
)

type usageInput struct {
	Bearer
	From string `query:"from" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"first day, by the distributor's clock; default 30 days ago"`
	To   string `query:"to" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" doc:"last day; default today"`
	By   string `query:"by" enum:"day,model,channel,key" default:"day"`
}

// usageRow is what was used; key names the day, the model, the channel, or who paid the provider.
type usageRow struct {
	Key       string   `json:"key"`
	Runs      int64    `json:"runs"`
	Failed    int64    `json:"failed"`
	TokensIn  int64    `json:"tokens_in"`
	TokensOut int64    `json:"tokens_out"`
	Estimated int64    `json:"estimated" doc:"runs whose tokens the provider did not tell"`
	Cost      *float64 `json:"cost" nullable:"true" doc:"in the distributor's currency, of the runs whose model had a price; null: none had"`
	Unpriced  int64    `json:"unpriced" doc:"runs whose model had no price: cost is without them"`

	cost int64
}

func (r *usageRow) add(d store.DailyUse) {
	r.Runs += d.Runs
	r.Failed += d.Failed
	r.TokensIn += d.In
	r.TokensOut += d.Out
	r.Estimated += d.Estimated
	r.Unpriced += d.Unpriced
	if r.cost += d.Cost; r.Runs > r.Unpriced {
		r.Cost = each(units, &r.cost)
	}
}

type usageOutput struct {
	Body struct {
		From     string     `json:"from"`
		To       string     `json:"to"`
		Currency string     `json:"currency" doc:"of all costs: the distributor's, an ISO 4217 code"`
		Items    []usageRow `json:"items"`
		Total    usageRow   `json:"total"`
	}
}

// maxUsageDays bounds what one request reads.
const maxUsageDays = 400

// getUsage sums the daily counters.
func (s *Server) getUsage(ctx context.Context, who hub.Principal, in *usageInput) (*usageOutput, error) {
	out := &usageOutput{}
	from, to, err := days(s.store.Now(), who, in.From, in.To)
	if err != nil {
		return nil, err
	}
	list, err := who.Tenant.Daily(ctx, from, to)
	if err != nil {
		return nil, err
	}
	sums := map[string]*usageRow{}
	for _, d := range list {
		key := map[string]string{"day": d.Day, "model": d.Model, "channel": d.Channel, "key": d.KeyFrom}[in.By]
		if sums[key] == nil {
			sums[key] = &usageRow{Key: key}
		}
		sums[key].add(d)
		out.Body.Total.add(d)
	}
	out.Body.From, out.Body.To, out.Body.Currency, out.Body.Items = from, to, who.Profile.Currency.Code(), []usageRow{}
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		out.Body.Items = append(out.Body.Items, *sums[key])
	}
	return out, nil
}

// days checks a range of days; by default it is the last 30.
func days(now time.Time, who hub.Principal, from, to string) (string, string, error) {
	today := now.In(zoneOf(who.Profile))
	if to == "" {
		to = today.Format(time.DateOnly)
	}
	last, err := time.Parse(time.DateOnly, to)
	if err != nil {
		return "", "", hub.Ef("bad_field", "to is not a day")
	}
	if from == "" {
		from = last.AddDate(0, 0, -29).Format(time.DateOnly)
	}
	first, err := time.Parse(time.DateOnly, from)
	if err != nil || first.After(last) || last.Sub(first) > maxUsageDays*24*time.Hour {
		return "", "", hub.Ef("bad_field", "from must be a day, at most 400 days before to")
	}
	return from, to, nil
}

type personUseRow struct {
	UserID   string `json:"user_id"`
	Messages int64  `json:"messages"`
	Tokens   int64  `json:"tokens"`
}

type peopleUseInput struct {
	Bearer
	Page
	From string `query:"from" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"`
	To   string `query:"to" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"`
}

// getPeopleUse sums what each person used on the days that are still counted apart, running answers included.
func (s *Server) getPeopleUse(ctx context.Context, who hub.Principal, in *peopleUseInput) (*rowsOutput[personUseRow], error) {
	from, to, err := days(s.store.Now(), who, in.From, in.To)
	if err != nil {
		return nil, err
	}
	list, next, err := who.Tenant.UsageByPerson(ctx, store.Page{Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return showRows(viewAll(list, func(p store.PersonUse) personUseRow {
		r := personUseRow{UserID: p.UserID}
		for day, c := range p.Days {
			if day >= from && day <= to {
				r.Messages, r.Tokens = r.Messages+c.Messages, r.Tokens+c.Tokens
			}
		}
		return r
	}), next), nil
}

type auditInput struct {
	Bearer
	Page
	Actor  string `query:"actor" maxLength:"80"`
	Action string `query:"action" maxLength:"80"`
	Target string `query:"target" maxLength:"80"`
}

type auditRow struct {
	N      int64             `json:"n"`
	At     string            `json:"at"`
	Actor  string            `json:"actor"`
	Role   string            `json:"role"`
	Action string            `json:"action"`
	Target string            `json:"target"`
	Detail map[string]string `json:"detail"`
	IP     string            `json:"ip"`
	Hash   string            `json:"hash"`
}

func (s *Server) getAudit(ctx context.Context, who hub.Principal, in *auditInput) (*rowsOutput[auditRow], error) {
	list, next, err := who.Tenant.AuditLog(ctx, store.AuditFilter{Actor: in.Actor, Action: in.Action, Target: in.Target}, store.Page{Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return showRows(viewAll(list, func(e store.AuditEntry) auditRow {
		return auditRow{e.N, stamp(e.At), e.Actor, e.ActorRole, e.Action, e.Target, texts(e.Detail), e.IP, e.Hash}
	}), next), nil
}

type auditCheckOutput struct {
	Body struct {
		Intact  bool   `json:"intact"`
		Entries int64  `json:"entries" doc:"up to the first one that is not what was written"`
		Head    string `json:"head" doc:"hash of the last entry; keep it elsewhere to prove later that nothing before it was changed"`
		Problem string `json:"problem,omitempty"`
	}
}

// checkAudit reads the whole chain.
func (s *Server) checkAudit(ctx context.Context, who hub.Principal, _ *meInput) (*auditCheckOutput, error) {
	out := &auditCheckOutput{}
	head, err := who.Tenant.VerifyAudit(ctx)
	out.Body.Intact, out.Body.Entries, out.Body.Head = err == nil, head.N, head.Hash
	if errors.Is(err, store.ErrTampered) {
		out.Body.Problem, err = strings.TrimSpace(err.Error()), nil
	}
	return out, err
}
