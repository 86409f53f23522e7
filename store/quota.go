package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aihub/store/internal/doc"
)

// tombstoneFor is how long a settled run is remembered in its payer's document: longer than any copy of its command can
// still be under way, so that none reserves again.
const tombstoneFor = time.Minute

// MaxTokens is the most that one step takes or one run is charged: a number beyond it is somebody's mistake, and must not
// make the counters overflow.
const MaxTokens = 1 << 40

func plausible(tokens int64) int64 { return min(max(tokens, 0), MaxTokens) }

// A QuotaError says which window is full, and when it begins anew.
type QuotaError struct {
	Window      string // minute, day, month or concurrency
	Limit, Used int64
	ResetAt     time.Time
	ResetIn     time.Duration // until ResetAt, by the clock that decided
	// Whose limit it is: an LLM configuration's, a widget key's, or else the person's plan's.
	Config, Key string
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("%s quota reached: %d of %d", e.Window, e.Used, e.Limit)
}

// A Reservation is what a run may spend. The periods it counts in are fixed at admission.
type Reservation struct {
	Run     string
	Tokens  int64
	Periods []string
	// Of a run that also counts under the limits of an LLM configuration of the tenant.
	Config        string
	configLimits  []Limit
	configPeriods []string
	Key           string // the widget key under whose caps the run's message counts too
}

// An OpenReservation is one that is not settled. UserID is what Settle takes.
type OpenReservation struct {
	UserID, Run string
	Since       time.Time
}

// A QuotaUse is what is used of one window. A limit of 0 means there is none.
type QuotaUse struct {
	Window                                               string // minute, day, month
	MessagesUsed, MessagesLimit, TokensUsed, TokensLimit int64
	ResetAt                                              time.Time
}

// Three scopes can limit a run: the person's plan; the LLM configuration's own limits, which all of the tenant's people
// share; and the caps of the widget key that a visitor came in by, which its visitors share and which bound messages alone.
// Each scope is one document and one conditional update. The order makes every crash in between harmless:
//
//	reserve   person, which notes the others; then configuration; then key. Refused there: what was taken is given back.
//	extend    person, then configuration. Refused there: the person's slice is given back.
//	settle    configuration and key, then person, whose open reservation is what the reaper looks for.

// usage is everything a payer's quota is decided on, in one document, so that one conditional update checks and takes
// all windows at once. Periods, open reservations and settled runs are keyed maps in it.
type usage struct {
	ID       string               `bson:"id" json:"id"`
	UserID   string               `bson:"usuario_id" json:"usuario_id"`
	Open     int64                `bson:"abertas" json:"abertas"`
	Counters map[string]counter   `bson:"periodos" json:"periodos"`
	Reserved map[string]reserved  `bson:"reservas" json:"reservas"`
	Settled  map[string]time.Time `bson:"liquidadas" json:"liquidadas"`
}

type counter struct {
	Messages int64 `bson:"mensagens" json:"mensagens"`
	Tokens   int64 `bson:"tokens" json:"tokens"`
}

type reserved struct {
	Tokens  int64     `bson:"tokens" json:"tokens"`
	Since   time.Time `bson:"desde" json:"desde"`
	Periods []string  `bson:"periodos" json:"periodos"`
	Config  string    `bson:"configuracao" json:"configuracao"` // where the run is reserved too
	Key     string    `bson:"chave" json:"chave"`               // the same
	By      string    `bson:"por" json:"por"`                   // the call that made it, or goes on with it
}

// A payer is who a usage document counts for: a person's id, or what many people share as configPayer and keyPayer name it.
func usageID(payer string) string {
	if shared(payer) {
		return payer
	}
	return "usuario:" + payer
}

const (
	configPrefix = "configuracao:"
	keyPrefix    = "chave:"
)

func configPayer(configID string) string { return configPrefix + configID }
func keyPayer(keyID string) string       { return keyPrefix + keyID }

func shared(payer string) bool {
	return strings.HasPrefix(payer, configPrefix) || strings.HasPrefix(payer, keyPrefix)
}

// sharedPayers are the payers beside the person with whom a run is reserved, what is taken last first.
func sharedPayers(config, key string) (payers []string) {
	if key != "" {
		payers = append(payers, keyPayer(key))
	}
	if config != "" {
		payers = append(payers, configPayer(config))
	}
	return payers
}

// windowNames are the windows as the outside names them.
var windowNames = map[string]string{WindowMinute: "minute", WindowDay: "day", WindowMonth: "month"}

// Reserve takes one message and tokens from every window of the plan, in one step that can't exceed a limit, and notes
// it under the run. For a run whose reservation is open it is a no-op; for one settled within the last minutes it is
// ErrExists. A full window is a *QuotaError.
func (t *Tenant) Reserve(ctx context.Context, userID, run string, p Plan, tokens int64) (Reservation, error) {
	return t.ReserveUnder(ctx, userID, run, p, LLMConfig{}, WidgetKey{}, tokens)
}

// ReserveUnder is Reserve under the limits of an LLM configuration of the tenant and under the caps of a widget key too, if
// they have any.
func (t *Tenant) ReserveUnder(ctx context.Context, userID, run string, p Plan, c LLMConfig, k WidgetKey, tokens int64) (Reservation, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	loc, err := t.location(ctx)
	if err != nil {
		return Reservation{}, err
	}
	if err := t.stir(ctx); err != nil { // before anything is taken that may have to be given back
		return Reservation{}, err
	}
	want := reserved{Tokens: plausible(tokens), Since: t.now(), By: rand.Text()}
	if len(c.Limits) > 0 {
		want.Config = c.ID
	}
	if len(k.limits()) > 0 {
		want.Key = k.ID
	}
	r, made, err := t.reserve(ctx, userID, run, p, want, loc)
	if err != nil || r.Config == "" && r.Key == "" {
		return r, err
	}
	r.configLimits = c.Limits
	if !made {
		return t.join(ctx, userID, r)
	}
	err = t.reserveShared(ctx, &r, k, want, loc)
	if err == nil {
		return r, nil
	}
	// The run is not remembered as settled: its next try may find room. Where it is unknown whether a shared part was taken, a
	// copy of the command may have found all parts and go on with them: then they are not this call's any more.
	back, cancelBack := deadline(context.WithoutCancel(ctx))
	defer cancelBack()
	return r, errors.Join(err, t.settle(back, userID, run, settlement{refund: true, by: want.By}))
}

// reserveShared takes what a run needs of the payers that it shares, after the person's.
func (t *Tenant) reserveShared(ctx context.Context, r *Reservation, k WidgetKey, want reserved, loc *time.Location) error {
	var full *QuotaError
	if r.Config != "" {
		there, _, err := t.reserve(ctx, configPayer(r.Config), r.Run, Plan{Limits: r.configLimits}, reserved{Tokens: r.Tokens, Since: want.Since, By: want.By}, loc)
		if errors.As(err, &full) {
			full.Config = r.Config
		}
		if err != nil {
			return err
		}
		r.configPeriods = there.Periods
	}
	if r.Key != "" {
		_, _, err := t.reserve(ctx, keyPayer(r.Key), r.Run, Plan{Limits: k.limits()}, reserved{Since: want.Since, By: want.By}, loc)
		if errors.As(err, &full) {
			full.Key = r.Key
		}
		return err
	}
	return nil
}

// join waits for what becomes of a reservation that another copy of the command is making: only the copy that made the
// person's part takes the shared ones or gives all back. Should that copy have died, so that neither happens, the reaper gives
// the person's part back and this one was unavailable. What is taken last is looked at first: where it is, all are, and
// until then nothing is touched.
func (t *Tenant) join(ctx context.Context, userID string, r Reservation) (Reservation, error) {
	payers := append(sharedPayers(r.Config, r.Key), userID)
	for {
		held, coming := true, false
		for i, payer := range payers {
			there, ok, err := t.touch(ctx, payer, r.Run)
			if err != nil {
				return r, err
			}
			if !ok {
				held, coming = false, i == 0
				break
			}
			if payer == configPayer(r.Config) {
				r.configPeriods = there.Periods
			}
		}
		if held {
			return r, nil
		}
		if coming {
			u, err := t.usage.Get(ctx, usageID(userID))
			if err != nil {
				return r, err
			}
			_, coming = u.Reserved[r.Run]
		}
		if !coming {
			return r, fmt.Errorf("reserve: %w: the other copy of the command was refused", ErrUnavailable)
		}
		select {
		case <-ctx.Done():
			return r, fmt.Errorf("reserve: %w: %w", ErrUnavailable, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// touch makes the reservation of a run this call's, and as young as now, so that it is not given back while a further copy
// of its command goes on with it. ok is false when there is none.
func (t *Tenant) touch(ctx context.Context, payer, run string) (open reserved, ok bool, err error) {
	for range 5 {
		u, err := t.usage.Get(ctx, usageID(payer))
		if errors.Is(err, ErrNotFound) {
			return open, false, nil
		}
		if err != nil {
			return open, false, err
		}
		if open, ok = u.Reserved[run]; !ok {
			return open, false, nil
		}
		touched, err := t.usage.Update(ctx, usageID(payer), []doc.Cond{doc.Eq("reservas."+run+".tokens", open.Tokens)},
			doc.Mod{Set: map[string]any{"reservas." + run + ".desde": t.now(), "reservas." + run + ".por": rand.Text()}})
		if touched || err != nil {
			return open, touched, err
		}
	} // it was extended meanwhile: look again
	return open, false, fmt.Errorf("reserve: %w: too much contention", ErrUnavailable)
}

// reserve takes a reservation in one payer's document, or returns the one that is open there and whether this call made it.
func (t *Tenant) reserve(ctx context.Context, payer, run string, p Plan, want reserved, loc *time.Location) (r Reservation, made bool, err error) {
	conds := []doc.Cond{doc.Absent("reservas." + run), doc.Absent("liquidadas." + run)}
	m := doc.Mod{Set: map[string]any{}, Inc: map[string]int64{"abertas": 1}}
	if p.Concurrency > 0 {
		conds = append(conds, doc.NotAbove("abertas", p.Concurrency-1))
	}
	for _, l := range p.Limits {
		key := period(l.Window, want.Since, loc)
		conds = append(conds, fits(key, l, 1, want.Tokens)...)
		if !slices.Contains(want.Periods, key) {
			want.Periods = append(want.Periods, key)
		}
	}
	for _, window := range []string{WindowDay, WindowMonth} { // counted also where the plan has no limit, for reports
		if key := period(window, want.Since, loc); !slices.Contains(want.Periods, key) {
			want.Periods = append(want.Periods, key)
		}
	}
	for _, key := range want.Periods {
		m.Inc["periodos."+key+".mensagens"] = 1
		m.Inc["periodos."+key+".tokens"] = want.Tokens
	}
	m.Set["reservas."+run] = want
	var failure error
	for range 5 {
		ok, err := t.usage.Update(ctx, usageID(payer), conds, m)
		if ok {
			return want.of(run), true, nil
		}
		if failure = err; err != nil && !errors.Is(err, ErrUnavailable) {
			return r, false, err
		}
		u, err := t.usage.Get(ctx, usageID(payer)) // also after a lost answer: the reservation may be there
		if errors.Is(err, ErrNotFound) {
			err = t.usage.Insert(ctx, usageID(payer), newUsage(payer))
			if err != nil && !errors.Is(err, ErrExists) {
				return r, false, err
			}
			continue
		}
		if err != nil {
			return r, false, err
		}
		if open, ok := u.Reserved[run]; ok {
			made := open.By == want.By
			if !made && open.Config == "" && open.Key == "" { // where others count too, join does it when all parts are there
				if open, ok, err = t.touch(ctx, payer, run); err != nil {
					return r, false, err
				}
			}
			if ok {
				return open.of(run), made, nil
			}
			continue // given back just now
		}
		if _, ok := u.Settled[run]; ok {
			return r, false, ErrExists
		}
		if q := u.full(p, 1, want.Tokens, want.Since, loc); q != nil {
			return r, false, q
		}
	} // it was full, and is not any more: try again
	if failure != nil {
		return r, false, failure
	}
	return r, false, fmt.Errorf("reserve: %w: too much contention", ErrUnavailable)
}

func (r reserved) of(run string) Reservation {
	return Reservation{Run: run, Tokens: r.Tokens, Periods: r.Periods, Config: r.Config, Key: r.Key}
}

// payer is who the document counts for.
func (u usage) payer() string {
	if shared(u.ID) {
		return u.ID
	}
	return u.UserID
}

func newUsage(payer string) usage {
	u := usage{ID: usageID(payer), UserID: payer, Counters: map[string]counter{}, Reserved: map[string]reserved{}, Settled: map[string]time.Time{}}
	if u.ID == payer {
		u.UserID = "" // of no person
	}
	return u
}

// fits are the conditions under which a period still has room.
func fits(key string, l Limit, messages, tokens int64) []doc.Cond {
	var conds []doc.Cond
	if l.Messages > 0 && messages > 0 {
		conds = append(conds, doc.NotAbove("periodos."+key+".mensagens", l.Messages-messages))
	}
	if l.Tokens > 0 {
		conds = append(conds, doc.NotAbove("periodos."+key+".tokens", l.Tokens-tokens))
	}
	return conds
}

// full names the window that has no room, or nil.
func (u usage) full(p Plan, messages, tokens int64, now time.Time, loc *time.Location) *QuotaError {
	for _, l := range p.Limits {
		c := u.Counters[period(l.Window, now, loc)]
		q := &QuotaError{Window: windowNames[l.Window], ResetAt: periodEnd(l.Window, now, loc)}
		q.ResetIn = q.ResetAt.Sub(now)
		switch {
		case l.Messages > 0 && c.Messages+messages > l.Messages:
			q.Limit, q.Used = l.Messages, c.Messages
			return q
		case l.Tokens > 0 && c.Tokens+tokens > l.Tokens:
			q.Limit, q.Used = l.Tokens, c.Tokens
			return q
		}
	}
	if messages > 0 && p.Concurrency > 0 && u.Open >= p.Concurrency {
		return &QuotaError{Window: "concurrency", Limit: p.Concurrency, Used: u.Open}
	}
	return nil
}

// Extend takes further tokens in the periods of the reservation and adds them to r. A full window is a *QuotaError;
// a reservation that is not open is ErrConflict.
func (t *Tenant) Extend(ctx context.Context, userID string, r *Reservation, tokens int64, p Plan) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	tokens = plausible(tokens)
	if err := t.extend(ctx, userID, *r, tokens, p.Limits); err != nil {
		return err
	}
	if r.Config != "" {
		there := *r
		there.Periods = r.configPeriods
		if err := t.extend(ctx, configPayer(r.Config), there, tokens, r.configLimits); err != nil {
			var q *QuotaError
			if errors.As(err, &q) {
				q.Config = r.Config
			}
			back := *r
			back.Tokens += tokens
			return errors.Join(err, t.extend(context.WithoutCancel(ctx), userID, back, -tokens, nil))
		}
	}
	r.Tokens += tokens
	return nil
}

// extend changes what a reservation holds in one payer's document; r.Tokens and r.Periods are what it holds there now.
func (t *Tenant) extend(ctx context.Context, payer string, r Reservation, tokens int64, limits []Limit) error {
	conds := []doc.Cond{doc.Eq("reservas."+r.Run+".tokens", r.Tokens)}
	m := doc.Mod{Inc: map[string]int64{"reservas." + r.Run + ".tokens": tokens}}
	for _, key := range r.Periods {
		m.Inc["periodos."+key+".tokens"] = tokens
		for _, l := range limits {
			if l.Tokens > 0 && inWindow(key, l.Window) {
				conds = append(conds, fits(key, l, 0, tokens)...)
			}
		}
	}
	ok, err := t.usage.Update(ctx, usageID(payer), conds, m)
	if ok || err != nil && !errors.Is(err, ErrUnavailable) {
		return err
	}
	u, readErr := t.usage.Get(ctx, usageID(payer))
	if readErr != nil {
		return readErr
	}
	open, isOpen := u.Reserved[r.Run]
	switch {
	case err != nil && isOpen && open.Tokens == r.Tokens+tokens:
		return nil // the answer was lost, the change was not
	case err != nil:
		return err
	case !isOpen || open.Tokens != r.Tokens:
		return ErrConflict
	}
	for _, l := range limits {
		for _, key := range r.Periods {
			if c := u.Counters[key]; inWindow(key, l.Window) && l.Tokens > 0 && c.Tokens+tokens > l.Tokens {
				return &QuotaError{Window: windowNames[l.Window], Limit: l.Tokens, Used: c.Tokens}
			}
		}
	}
	return fmt.Errorf("extend: %w: too much contention", ErrUnavailable)
}

func inWindow(key, window string) bool {
	return len(key) > len(window) && key[:len(window)+1] == window+":"
}

// Settle replaces what a run reserved by what it used, and gives its message back if refundMessage. It does so once: a
// run without an open reservation is left alone.
func (t *Tenant) Settle(ctx context.Context, userID, run string, tokens int64, refundMessage bool) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.settle(ctx, userID, run, settlement{tokens: plausible(tokens), refund: refundMessage, remember: true})
}

// GiveBack undoes a reservation as if it had never been, where no copy of the run's command has come since olderThan: the
// run may reserve again.
func (t *Tenant) GiveBack(ctx context.Context, userID, run string, olderThan time.Time) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return t.settle(ctx, userID, run, settlement{refund: true, olderThan: olderThan})
}

// settlement is how a reservation ends.
type settlement struct {
	tokens    int64
	refund    bool      // of the message
	remember  bool      // that the run is settled
	olderThan time.Time // younger reservations stay; zero: there is no such bound
	by        string    // those of another call stay; "": whoever's
}

// settle ends a run's reservation in a payer's document, and first in the shared ones that it notes.
func (t *Tenant) settle(ctx context.Context, payer, run string, s settlement) error {
	loc, err := t.location(ctx)
	if err != nil {
		return err
	}
	for range 20 {
		u, err := t.usage.Get(ctx, usageID(payer))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		open, ok := u.Reserved[run]
		if !ok || !s.olderThan.IsZero() && !open.Since.Before(s.olderThan) || s.by != "" && open.By != s.by {
			return nil
		}
		for _, payer := range sharedPayers(open.Config, open.Key) {
			if err := t.settle(ctx, payer, run, s.inShared()); err != nil {
				return err
			}
		}
		now := t.now()
		m := doc.Mod{Set: map[string]any{}, Inc: map[string]int64{"abertas": -1}, Unset: []string{"reservas." + run}}
		if s.remember {
			m.Set["liquidadas."+run] = now
		}
		for _, key := range open.Periods {
			if s.tokens != open.Tokens {
				m.Inc["periodos."+key+".tokens"] = s.tokens - open.Tokens
			}
			if s.refund {
				m.Inc["periodos."+key+".mensagens"] = -1
			}
		}
		u.prune(&m, open.Periods, now, loc)
		conds := []doc.Cond{doc.Eq("reservas."+run+".tokens", open.Tokens)}
		if !s.olderThan.IsZero() {
			conds = append(conds, doc.Before("reservas."+run+".desde", milli(s.olderThan)))
		}
		if s.by != "" {
			conds = append(conds, doc.Eq("reservas."+run+".por", s.by))
		}
		ok, err = t.usage.Update(ctx, usageID(payer), conds, m)
		if ok || err != nil && !errors.Is(err, ErrUnavailable) {
			return err
		}
	} // somebody extended it meanwhile, or the answer was lost: look again
	return fmt.Errorf("settle: %w: too much contention", ErrUnavailable)
}

// inShared is the same end in a document that many people share and that must stay small: the person's remembers the run for
// all.
func (s settlement) inShared() settlement {
	s.remember = false
	return s
}

// pruneMost is how much one settlement forgets: more than it adds, and little enough for one statement.
const pruneMost = 16

// prune forgets tombstones and periods that can't matter any more.
func (u usage) prune(m *doc.Mod, inUse []string, now time.Time, loc *time.Location) {
	most := len(m.Unset) + pruneMost
	for run, at := range u.Settled {
		if now.Sub(at) > tombstoneFor && len(m.Unset) < most {
			m.Unset = append(m.Unset, "liquidadas."+run)
		}
	}
	for _, r := range u.Reserved {
		inUse = append(inUse, r.Periods...)
	}
	for key := range u.Counters {
		if len(m.Unset) < most && expired(key, now, loc) && !slices.Contains(inUse, key) {
			m.Unset = append(m.Unset, "periodos."+key)
		}
	}
}

// QuotaOf returns what is used of each window of the plan now, reservations included.
func (t *Tenant) QuotaOf(ctx context.Context, userID string, p Plan) ([]QuotaUse, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	loc, err := t.location(ctx)
	if err != nil {
		return nil, err
	}
	u, err := t.usage.Get(ctx, usageID(userID))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	now := t.store.now()
	var out []QuotaUse
	for _, l := range p.Limits {
		c := u.Counters[period(l.Window, now, loc)]
		out = append(out, QuotaUse{Window: windowNames[l.Window], MessagesUsed: c.Messages, MessagesLimit: l.Messages, TokensUsed: c.Tokens,
			TokensLimit: l.Tokens, ResetAt: periodEnd(l.Window, now, loc)})
	}
	return out, nil
}

// ConfigQuotaOf returns what is used of each window of an LLM configuration's own limits now, by all the tenant's people.
func (t *Tenant) ConfigQuotaOf(ctx context.Context, c LLMConfig) ([]QuotaUse, error) {
	return t.QuotaOf(ctx, configPayer(c.ID), Plan{Limits: c.Limits})
}

// OpenReservations lists the tenant's reservations made before olderThan.
func (t *Tenant) OpenReservations(ctx context.Context, olderThan time.Time) ([]OpenReservation, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	list, err := t.usage.Find(ctx, doc.Query{Where: []doc.Cond{doc.After("abertas", 0)}, Sort: "abertas"})
	if err != nil {
		return nil, err
	}
	var out []OpenReservation
	for _, u := range list {
		for run, r := range u.Reserved {
			if r.Since.Before(olderThan) {
				out = append(out, OpenReservation{UserID: u.payer(), Run: run, Since: r.Since})
			}
		}
	}
	return out, nil
}
