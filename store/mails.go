package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"aihub/store/internal/doc"
)

// How many mails a day's calendar holds: what a visitor writes reaches an address that nobody has checked, so that nobody
// may send many, nobody is sent many, and no distributor's visitors together can make the installation one that spams.
const (
	MailsOfPerson  = 5
	MailsToAddress = 3
	MailsOfTenant  = 300
)

// mailsID is the tenant's one document of mails: a single conditional update checks and takes all three counters.
const mailsID = "correio"

// TakeMail counts a mail of a person to an address, in one step that can't exceed the day's limits. One that is reached is
// a *QuotaError.
func (t *Tenant) TakeMail(ctx context.Context, userID, address string) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	loc, err := t.location(ctx)
	if err != nil {
		return err
	}
	now := t.now()
	today := period(WindowDay, now, loc)
	counts := []struct {
		key  string
		most int64
	}{{today, MailsOfTenant}, {today + ":" + hashed("person", userID), MailsOfPerson}, {today + ":" + hashed("address", strings.ToLower(address)), MailsToAddress}}
	for range 5 {
		u, err := t.usage.Get(ctx, mailsID)
		if errors.Is(err, ErrNotFound) {
			u = usage{ID: mailsID, Counters: map[string]counter{}, Reserved: map[string]reserved{}, Settled: map[string]time.Time{}}
			if err = t.usage.Insert(ctx, mailsID, u); errors.Is(err, ErrExists) {
				continue
			}
		}
		if err != nil {
			return err
		}
		var conds []doc.Cond
		m := doc.Mod{Inc: map[string]int64{}}
		for _, c := range counts {
			if used := u.Counters[c.key].Messages; used >= c.most {
				end := periodEnd(WindowDay, now, loc)
				return &QuotaError{Window: windowNames[WindowDay], Limit: c.most, Used: used, ResetAt: end, ResetIn: end.Sub(now)}
			}
			conds = append(conds, fits(c.key, Limit{Messages: c.most}, 1, 0)...)
			m.Inc["periodos."+c.key+".mensagens"] = 1
		}
		for key := range u.Counters { // other days matter no more
			if !strings.HasPrefix(key, today) && len(m.Unset) < pruneMost {
				m.Unset = append(m.Unset, "periodos."+key)
			}
		}
		if ok, err := t.usage.Update(ctx, mailsID, conds, m); err != nil || ok {
			return err
		}
	}
	return fmt.Errorf("take mail: %w: too much contention", ErrUnavailable)
}

// hashed names somebody in a counter without saying who it is.
func hashed(kind, name string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	return hex.EncodeToString(sum[:12])
}
