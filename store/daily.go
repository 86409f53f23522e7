package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"aihub/store/internal/doc"
)

// A DailyUse is what was used in a day of the tenant's calendar, by model, channel and who paid the provider.
type DailyUse struct {
	ID        string `bson:"id" json:"id"`
	Day       string `bson:"dia" json:"dia"` // 2026-11-24
	Model     string `bson:"modelo" json:"modelo"`
	Channel   string `bson:"canal" json:"canal"`
	KeyFrom   string `bson:"chave_de" json:"chave_de"`
	Runs      int64  `bson:"execucoes" json:"execucoes"`
	Failed    int64  `bson:"falhas" json:"falhas"` // of them: failed or interrupted
	In        int64  `bson:"entrada" json:"entrada"`
	Out       int64  `bson:"saida" json:"saida"`
	Estimated int64  `bson:"estimadas" json:"estimadas"` // runs whose tokens the provider did not tell
	Cost      int64  `bson:"custo" json:"custo"`         // micro-units of currency, of the runs whose cost is known
	Unpriced  int64  `bson:"sem_preco" json:"sem_preco"` // runs whose model had no price
	FirstMS   int64  `bson:"ms_primeiro_token" json:"ms_primeiro_token"`
	TotalMS   int64  `bson:"ms_total" json:"ms_total"`
	// Counted are the runs that were counted and are not yet known to be: they make counting repeatable.
	Counted map[string]time.Time `bson:"contadas" json:"contadas"`
}

// Daily lists the counters of the days from..to, both included, by day.
func (t *Tenant) Daily(ctx context.Context, from, to string) ([]DailyUse, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.daily.Find(ctx, doc.Query{Where: []doc.Cond{doc.After("dia", dayBefore(from)), doc.Before("dia", to+"~")}, Sort: "dia"})
}

// dayBefore is a text that sorts just before the day and after all earlier ones.
func dayBefore(day string) string {
	if day == "" {
		return ""
	}
	return day[:len(day)-1] + string(day[len(day)-1]-1) + "~"
}

// count adds a settled run to its day's counters, once however often it is called until the run is marked as settled.
func (t *Tenant) count(ctx context.Context, m Interaction) (id string, err error) {
	channel := ""
	switch c, err := t.conversations.Get(ctx, m.ConversationID); {
	case err == nil:
		channel = c.Channel
	case !errors.Is(err, ErrNotFound):
		return "", err
	}
	loc, err := t.location(ctx)
	if err != nil {
		return "", err
	}
	r := m.Run
	use := DailyUse{Day: r.StartedAt.In(loc).Format(layouts[WindowDay]), Model: r.Model, Channel: channel, KeyFrom: r.KeyFrom, Counted: map[string]time.Time{}}
	use.ID = dailyID(use)
	by := map[string]int64{"execucoes": 1, "entrada": plausible(r.Usage.In), "saida": plausible(r.Usage.Out),
		"ms_primeiro_token": r.FirstTokenMS, "ms_total": r.TotalMS}
	if r.State == RunFailed || r.State == RunInterrupted {
		by["falhas"] = 1
	}
	if r.Cost != nil {
		by["custo"] = *r.Cost
	} else {
		by["sem_preco"] = 1
	}
	if r.Usage.Estimated {
		by["estimadas"] = 1
	}
	mark := "contadas." + r.ID
	for range 5 {
		m := doc.Mod{Set: map[string]any{mark: t.now()}, Inc: by, Unset: t.store.takeCounted(t.id, use.ID)}
		ok, err := t.daily.Update(ctx, use.ID, []doc.Cond{doc.Absent(mark)}, m)
		if err != nil || ok {
			return use.ID, err
		}
		switch have, err := t.daily.Get(ctx, use.ID); {
		case errors.Is(err, ErrNotFound):
			if err := t.daily.Insert(ctx, use.ID, use); err != nil && !errors.Is(err, ErrExists) {
				return "", err
			}
		case err != nil:
			return "", err
		case !have.Counted[r.ID].IsZero():
			return use.ID, nil
		}
	}
	return "", fmt.Errorf("count: %w: too much contention", ErrUnavailable)
}

// takeCounted are the marks in a day's row that are not needed any more: their runs are known to be counted. They leave
// with the next change of the row. Marks that a stopped instance leaves behind are harmless.
func (s *Store) takeCounted(id TenantID, day string) (marks []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := id.s + "/" + day
	runs := s.counted[key]
	n := min(len(runs), pruneMost)
	for _, run := range runs[:n] {
		marks = append(marks, "contadas."+run)
	}
	if s.counted[key] = runs[n:]; n == len(runs) {
		delete(s.counted, key)
	}
	return marks
}

func (s *Store) noteCounted(id TenantID, day, run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := id.s + "/" + day
	s.counted[key] = append(s.counted[key], run)
}

// dailyID is made of the row's key. Models are named by providers, so that anything may be in them.
func dailyID(u DailyUse) string {
	return strings.Join([]string{u.Day, hexOf(u.Model), u.Channel, u.KeyFrom}, ":")
}

func hexOf(s string) string { return fmt.Sprintf("%x", s) }

// A PersonUse is what one person has used.
type PersonUse struct {
	UserID string
	Days   map[string]Counted // by day
}

// Counted is messages and tokens.
type Counted struct{ Messages, Tokens int64 }

// UsageByPerson lists what people used on the days that are still counted apart, open reservations included.
func (t *Tenant) UsageByPerson(ctx context.Context, p Page) ([]PersonUse, string, error) {
	list, next, err := page(ctx, t.usage, doc.Query{Where: []doc.Cond{doc.Ne("usuario_id", "")}}, p, func(u usage) string { return u.ID })
	var out []PersonUse
	for _, u := range list {
		use := PersonUse{UserID: u.UserID, Days: map[string]Counted{}}
		for key, c := range u.Counters {
			if day, ok := strings.CutPrefix(key, WindowDay+":"); ok {
				use.Days[day] = Counted(c)
			}
		}
		out = append(out, use)
	}
	return out, next, err
}
