package hub

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"aihub/store"
)

// The live registry: for every conversation with somebody in it, the instance that serves its participant keeps an entry
// on the bus. An entry that is not renewed ends by itself, so a dead instance leaves nothing behind for long.

const (
	// keepEvery is how often an entry is renewed.
	keepEvery = KeepFor / 3
	// liveTick is how often changes of the registry are told, to the bus and to who watches.
	liveTick = 100 * time.Millisecond
	// forgetAfter is how long an entry that is not worth keeping stays, so that another instance can keep it.
	forgetAfter = 5 * liveTick
	// progressEvery is how often a growing answer alone changes an entry.
	progressEvery = 2 * time.Second
	// answerDue is how long a question may wait before that is a reason to look.
	answerDue = 20 * time.Second
	// regensMany is how many answers to one question are a reason to look.
	regensMany = 4
)

// LiveView is a conversation as the staff's list shows it.
type LiveView struct {
	Conv         string    `json:"conv"`
	Channel      string    `json:"channel"`
	Participant  By        `json:"participant"`
	Owner        OwnerView `json:"owner"`
	State        string    `json:"state"` // answering, waiting (for a person), attended (by one), idle or away (nobody is connected)
	Since        string    `json:"since"`
	LastAt       string    `json:"last_at"`
	LastText     string    `json:"last_text"`
	Tokens       int64     `json:"tokens"`
	Cost         *int64    `json:"cost"` // of ended answers whose model has a price, in micro-units of currency; null: none has
	FirstTokenMS int64     `json:"first_token_ms"`
	Page         string    `json:"page"`
	Risk         []string  `json:"risk"`
	Tags         []string  `json:"tags"`
	Watchers     []By      `json:"watchers"`

	question string                // the last one
	spent    map[spender]UsageView // by model
}

// pulse is what a room knows of its conversation for the registry. The room's mu guards it.
type pulse struct {
	owner     *OwnerView // nil: the log does not say
	since     string     // of the owner
	closed    bool
	lastAt    string
	lastText  string
	tokens    int64                 // of ended runs
	spent     map[spender]UsageView // the same, by model
	model     string                // that the run which began last asks
	started   time.Time
	firstMS   int64
	asked     time.Time      // of a question without a first token; zero: none
	regens    map[string]int // answers to a question
	last      string         // the last question
	unhappy   bool
	quotaNear bool
	changed   bool // since the last entry; growing text does not count
	grown     bool
	parted    bool // another instance is about to forget the entry
}

// spender names a run's model: as it was asked for, and as its provider calls it.
type spender struct{ asked, answered string }

// note takes in what an event says, at the time that all instances share.
func (p *pulse) note(f *frame, now time.Time) {
	if f.K == kindDelta {
		if p.firstMS == 0 && !p.started.IsZero() {
			p.firstMS = max(1, now.Sub(p.started).Milliseconds())
			p.changed = true
		}
		p.grown, p.asked = true, time.Time{}
		return
	}
	if f.K == kindReasoning { // the question still waits for its answer
		return
	}
	p.changed = true
	switch f.K {
	case kindMsg:
		p.lastAt, p.lastText = f.At, shorten(f.Text, 120)
		if f.Role == "user" {
			p.last, p.asked, p.unhappy = f.Msg, eventTime(f.At, now), unhappy(f.Text)
		} else {
			p.asked = time.Time{}
		}
	case kindRunStart:
		p.started, p.firstMS, p.model = eventTime(f.At, now), 0, f.Model
		if p.regens == nil {
			p.regens = map[string]int{}
		}
		p.regens[f.Parent]++
	case kindRunEnd:
		p.lastAt, p.started, p.asked = f.At, time.Time{}, time.Time{}
		if f.Usage != nil {
			p.tokens += f.Usage.In + f.Usage.Out
			if p.spent == nil {
				p.spent = map[spender]UsageView{}
			}
			by := spender{p.model, f.Model}
			u := p.spent[by]
			p.spent[by] = UsageView{In: u.In + f.Usage.In, Out: u.Out + f.Usage.Out, CachedIn: u.CachedIn + f.Usage.CachedIn,
				Reasoning: u.Reasoning + f.Usage.Reasoning}
		}
		if f.Quota != nil {
			p.quotaNear = nearEnd(*f.Quota)
		}
	case kindOwner:
		p.owner, p.since = f.Owner, f.At
	case kindConv:
		p.closed = p.closed || f.State == "closed"
	}
}

// eventTime reads the time of an event; what can't be read is now.
func eventTime(at string, now time.Time) time.Time {
	t, err := time.Parse("2006-01-02T15:04:05.000Z07:00", at)
	if err != nil {
		return now
	}
	return t
}

// nearEnd reports whether less than a tenth of a window is left.
func nearEnd(windows []QuotaView) bool {
	for _, w := range windows {
		if (w.MessagesLimit > 0 && w.MessagesUsed*10 >= w.MessagesLimit*9) || (w.TokensLimit > 0 && w.TokensUsed*10 >= w.TokensLimit*9) {
			return true
		}
	}
	return false
}

// unhappyWords are signs, not proofs, that somebody is not served well.
var unhappyWords = []string{"absurdo", "péssim", "horrível", "ridícul", "vergonha", "inaceitável", "descaso", "cancelar", "procon", "anatel", "reclame aqui",
	"processar", "não funciona nada", "palhaçada"}

func unhappy(text string) bool {
	text = strings.ToLower(text)
	for _, w := range unhappyWords {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// tracked is a conversation that this instance keeps an entry of.
type tracked struct {
	tenant store.TenantID
	conv   store.Conversation // as it was found; the room knows what has changed
	name   string             // of the participant
	room   *room
	at     at // where the participant is
	kept   []byte
	keptAt time.Time
	rev    uint64          // of kept
	stale  atomic.Bool     // its tags have changed
	raised map[string]bool // occasions of alerts
	going  time.Time       // since when it is not worth keeping; zero: it is
}

// registry keeps the entries of what this instance serves.
type registry struct {
	mu       sync.Mutex
	all      map[Topic]*tracked
	watchers map[watchKey]kept
	renewed  time.Time // the watchers
}

// kept is who watches, and the revision at which the bus has it.
type kept struct {
	by  By
	rev uint64
}

// watchKey is a session that watches a conversation.
type watchKey struct {
	tenant  store.TenantID
	conv    string
	session string
}

func (k watchKey) name() string { return k.conv + "." + k.session }

// track keeps an entry of a conversation whose participant has come.
func (h *Hub) track(who Principal, conv store.Conversation, r *room) {
	if conv.UserID != who.User || conv.State != store.ConversationOpen {
		return
	}
	h.registry.mu.Lock()
	defer h.registry.mu.Unlock()
	if e := h.registry.all[r.topic]; e == nil || e.room != r {
		h.registry.all[r.topic] = &tracked{tenant: who.Tenant.ID(), conv: conv, name: who.Name, room: r}
	}
}

// keep tells the bus what has changed, until the hub closes; then it forgets what it kept.
func (h *Hub) keep() {
	tick := time.NewTicker(liveTick)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			h.forgetAll()
			return
		case now := <-tick.C:
			h.keepOnce(now)
			h.boards.flush(now)
		}
	}
}

func (h *Hub) keepOnce(now time.Time) {
	h.registry.mu.Lock()
	all := make([]*tracked, 0, len(h.registry.all))
	for _, e := range h.registry.all {
		all = append(all, e)
	}
	var watchers map[watchKey]kept
	if now.Sub(h.registry.renewed) > keepEvery {
		h.registry.renewed = now
		watchers = maps.Clone(h.registry.watchers)
	}
	h.registry.mu.Unlock()
	ctx, cancel := context.WithTimeout(h.ctx, 5*time.Second)
	defer cancel()
	for k, w := range watchers {
		h.keepWatcher(ctx, k, w.by)
	}
	slots := make(chan struct{}, keepAtOnce)
	var keeping sync.WaitGroup
	defer keeping.Wait()
	for _, e := range all {
		slots <- struct{}{} // the context bounds how long each is taken
		keeping.Go(func() {
			defer func() { <-slots }()
			h.keepOne(ctx, e, now)
		})
	}
}

// keepAtOnce is how many entries are told at a time: the bus takes more than one at once, and a burst of changes shall be
// seen soon.
const keepAtOnce = 8

// keepOne tells the bus of one entry what has changed. An entry is looked after by one goroutine at a time.
func (h *Hub) keepOne(ctx context.Context, e *tracked, now time.Time) {
	if e.stale.Swap(false) {
		h.reread(ctx, e)
	}
	view, here, worth, due := e.look(now)
	h.raise(e, view)
	if !worth {
		h.letGoOf(ctx, e, now)
		return
	}
	e.going = time.Time{}
	if !due {
		return
	}
	view.Cost = h.costOf(ctx, e.tenant, view.spent)
	value := encode(view)
	if now.Sub(e.keptAt) < keepEvery && string(value) == string(e.kept) {
		return
	}
	after := e.rev
	if here {
		after = 0
	}
	rev, err := h.bus.Keep(ctx, e.tenant, e.conv.ID, after, value)
	switch {
	case errors.Is(err, ErrStale): // the participant is elsewhere, and so is the entry
		h.untrack(e)
	case err != nil:
		e.room.retouch() // with the next tick
	default:
		e.kept, e.keptAt, e.rev = value, now, rev
	}
}

// costOf is what the answers of a conversation cost, by the models that have a price; nil: none of them has, or nobody can
// say now.
func (h *Hub) costOf(ctx context.Context, t store.TenantID, spent map[spender]UsageView) *int64 {
	if len(spent) == 0 {
		return nil
	}
	f, err := h.facts(ctx, h.store.Tenant(t))
	if err != nil {
		return nil
	}
	var cost *int64
	for m, u := range spent {
		if price := store.PriceOf(f.models, "", m.answered, m.asked); price != nil {
			sum := price.Of(store.Usage{In: u.In, Out: u.Out, CachedIn: u.CachedIn, Reasoning: u.Reasoning})
			if cost != nil {
				sum += *cost
			}
			cost = &sum
		}
	}
	return cost
}

// reread looks up what the staff has noted of a conversation.
func (h *Hub) reread(ctx context.Context, e *tracked) {
	conv, err := h.store.Tenant(e.tenant).Conversation(ctx, e.conv.ID)
	if err != nil {
		e.stale.Store(true) // with the next tick
		return
	}
	e.conv.Tags = conv.Tags
	e.room.retouch()
}

// look makes the entry of a conversation, and says whether its participant is here. It is not worth an entry when nobody
// is there and nothing goes on; it is due when it has changed or must be renewed.
func (e *tracked) look(now time.Time) (view LiveView, here, worth, due bool) {
	r := e.room
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &r.pulse
	for s := range r.members {
		if !s.is(e.conv.UserID) {
			continue
		}
		here = true
		if where := s.at.Load(); where != nil && where.told > e.at.told {
			e.at = *where
		}
	}
	owner := ViewOwner(e.conv.Owner)
	view = LiveView{Conv: e.conv.ID, Channel: e.conv.Channel, Participant: By{Kind: "user", ID: e.conv.UserID, Name: e.name}, Since: stamp(e.conv.CreatedAt),
		LastAt: stamp(e.conv.UpdatedAt), Risk: []string{}, Tags: e.conv.TagList(), Watchers: []By{}, Tokens: p.tokens, FirstTokenMS: p.firstMS, Page: e.at.page}
	if p.owner != nil && p.owner.Epoch >= owner.Epoch {
		owner, view.Since = *p.owner, p.since
	}
	view.Owner = owner
	view.question, view.spent = p.last, maps.Clone(p.spent)
	if p.lastAt != "" {
		view.LastAt, view.LastText = p.lastAt, p.lastText
	}
	if r.open != nil {
		view.Tokens += int64(len(r.open.text)) / bytesPerToken
	}
	switch {
	case r.open != nil:
		view.State = "answering"
	case owner.Kind == store.OwnerQueue:
		view.State = "waiting"
	case owner.Kind == store.OwnerHuman:
		view.State = "attended"
	case here:
		view.State = "idle"
	default:
		view.State = "away"
	}
	late := !p.asked.IsZero() && r.now().Sub(p.asked) > answerDue
	for _, risk := range []struct {
		name  string
		holds bool
	}{{"asked_human", owner.Kind == store.OwnerQueue}, {"no_answer", late}, {"negative", p.unhappy}, {"regenerations", p.regens[p.last] >= regensMany}, {"quota", p.quotaNear}} {
		if risk.holds {
			view.Risk = append(view.Risk, risk.name)
		}
	}
	worth = !r.closed && !p.closed && (here || r.open != nil || (owner.Kind != store.OwnerAI && len(r.members) > 0) || owner.Kind == store.OwnerQueue)
	if p.parted {
		e.kept = nil // as if it had never been told
	}
	due = p.changed || p.parted || late || now.Sub(e.keptAt) > keepEvery || (p.grown && now.Sub(e.keptAt) > progressEvery)
	if due {
		p.changed, p.grown, p.parted = false, false, false
	}
	return view, here, worth, due
}

// is reports whether the session is the person's.
func (s *Session) is(user string) bool { return s.user == user }

// retouch makes the room's entry due again.
func (r *room) retouch() {
	r.mu.Lock()
	r.pulse.changed = true
	r.mu.Unlock()
}

// letGoOf forgets an entry after it has told other instances: the participant may be there too, and their entry is this one.
func (h *Hub) letGoOf(ctx context.Context, e *tracked, now time.Time) {
	switch {
	case e.going.IsZero():
		if err := h.bus.Announce(e.room.topic, joinEphemeral(h.instance, nil)); err == nil {
			e.going = now
		}
	case now.Sub(e.going) >= forgetAfter:
		h.forget(ctx, e)
	}
}

func (h *Hub) forget(ctx context.Context, e *tracked) {
	if e.rev != 0 { // another instance may keep it by now; then it stays
		if err := h.bus.Forget(ctx, e.tenant, e.conv.ID, e.rev); err != nil {
			return // with the next tick, or by itself
		}
	}
	h.untrack(e)
}

func (h *Hub) untrack(e *tracked) {
	h.registry.mu.Lock()
	if h.registry.all[e.room.topic] == e {
		delete(h.registry.all, e.room.topic)
	}
	h.registry.mu.Unlock()
}

func (h *Hub) forgetAll() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.ctx), time.Second)
	defer cancel()
	h.registry.mu.Lock()
	all, watchers := h.registry.all, h.registry.watchers
	h.registry.all, h.registry.watchers = map[Topic]*tracked{}, map[watchKey]kept{}
	h.registry.mu.Unlock()
	for _, e := range all {
		_ = h.bus.Forget(ctx, e.tenant, e.conv.ID, e.rev) // what can't be forgotten ends by itself
	}
	for k, w := range watchers {
		_ = h.bus.Forget(ctx, k.tenant, k.name(), w.rev)
	}
}

// watching notes that a session of the staff watches a conversation.
func (h *Hub) watching(ctx context.Context, k watchKey, by By) {
	h.registry.mu.Lock()
	h.registry.watchers[k] = kept{by: by}
	h.registry.mu.Unlock()
	h.keepWatcher(ctx, k, by)
}

func (h *Hub) keepWatcher(ctx context.Context, k watchKey, by By) {
	value, _ := json.Marshal(by) // strings only
	rev, err := h.bus.Keep(ctx, k.tenant, k.name(), 0, value)
	if err != nil {
		if h.ctx.Err() == nil {
			h.log.Warn("who watches is not kept", "tenant", k.tenant.String(), "conversation", k.conv, "error", err)
		}
		return
	}
	h.registry.mu.Lock()
	_, still := h.registry.watchers[k]
	if still {
		h.registry.watchers[k] = kept{by, rev}
	}
	h.registry.mu.Unlock()
	if !still { // it ended meanwhile
		_ = h.bus.Forget(ctx, k.tenant, k.name(), rev) // else it ends by itself
	}
}

func (h *Hub) watchedNoMore(ctx context.Context, k watchKey) {
	h.registry.mu.Lock()
	w := h.registry.watchers[k]
	delete(h.registry.watchers, k)
	h.registry.mu.Unlock()
	_ = h.bus.Forget(ctx, k.tenant, k.name(), w.rev) // else it ends by itself
}
