package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"aihub/store/internal/doc"
	"aihub/store/internal/mongodoc"
	"aihub/store/internal/sqlitedoc"
)

// Errors that callers decide on.
var (
	ErrNotFound = doc.ErrNotFound
	ErrExists   = doc.ErrExists
	// ErrConflict says that the state has changed: a stale epoch, fence or claim.
	ErrConflict = errors.New("state has changed")
	// ErrInUse says that something can't go because something else needs it.
	ErrInUse = errors.New("in use")
	// ErrUnavailable wraps what only trying again can mend: network, disk, time.
	ErrUnavailable = doc.ErrUnavailable
)

// Values of state fields as they are stored.
const (
	StateActive    = "ativo"
	StateSuspended = "suspenso"
	StateDisabled  = "desativado"
)

// Options of a store. The zero value serves.
type Options struct {
	Now    func() time.Time // the clock of quota periods; nil: time.Now
	Logger *slog.Logger     // nil: slog.Default()

	mongo mongodoc.Options // set by tests
}

// A Store is an open database.
type Store struct {
	eng   *metered
	clock clock
	log   *slog.Logger

	tenants *lru.Cache[TenantID, *Tenant]

	mu     sync.Mutex
	poison map[string]bool // documents that were left out and logged
	// counted are runs whose marks in a day's row can go, by tenant and row.
	counted map[string][]string
	stirred map[string]time.Time   // when this instance noted a tenant as busy
	seen    map[string]seenProfile // of tenants
	looked  time.Time              // when it looked at all tenants last
	indexed time.Time              // when all indexes were seen last
}

// Open opens the database that spec names, "sqlite:PATH" or a MongoDB URI (whose path names the database, else
// "aihub"), and brings its indexes and documents up to date.
func Open(ctx context.Context, spec string, o Options) (*Store, error) {
	s := &Store{clock: clock{local: o.Now}, log: o.Logger, poison: map[string]bool{}, counted: map[string][]string{}, stirred: map[string]time.Time{},
		seen: map[string]seenProfile{}}
	var err error
	if s.tenants, err = lru.New[TenantID, *Tenant](tenantsKept); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if s.clock.local == nil {
		s.clock.local = time.Now
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	var eng doc.Engine
	if path, ok := strings.CutPrefix(spec, "sqlite:"); ok {
		eng, err = sqlitedoc.Open(ctx, path, s.log)
	} else {
		eng, err = mongodoc.Open(ctx, spec, o.mongo)
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s.eng = newMetered(eng)
	if err = s.eng.Migrate(ctx, indexes); err == nil {
		err = s.migrate(ctx, migrations)
	}
	if err != nil {
		_ = s.eng.Close(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// indexesFor is how long the indexes are taken to be there once they were seen: balancers ask every second.
const indexesFor = 30 * time.Second

// Ready says what keeps the store from serving: no connection, or a missing index.
func (s *Store) Ready(ctx context.Context) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	s.mu.Lock()
	seen := time.Since(s.indexed) < indexesFor
	s.mu.Unlock()
	if seen {
		return s.eng.Ready(ctx, nil)
	}
	if err := s.eng.Ready(ctx, indexes); err != nil {
		return err
	}
	s.mu.Lock()
	s.indexed = time.Now()
	s.mu.Unlock()
	return nil
}

// Close ends the connections.
func (s *Store) Close(ctx context.Context) error { return s.eng.Close(ctx) }

// tenantsKept is how many tenants' handles are kept. Each connection holds one, and one is some 3 KB.
const tenantsKept = 4096

// Tenant returns the only handle through which id's data can be reached. It reads nothing.
func (s *Store) Tenant(id TenantID) *Tenant {
	if t, ok := s.tenants.Get(id); ok {
		return t
	}
	t := s.newTenant(id)
	s.tenants.Add(id, t)
	return t
}

func (s *Store) newTenant(id TenantID) *Tenant {
	sc := doc.TenantScope(id.s)
	return &Tenant{id: id, store: s,
		profiles:      collection[profile](s, sc, collTenants),
		users:         collection[User](s, sc, collUsers),
		conversations: collection[Conversation](s, sc, collConversations),
		interactions:  collection[Interaction](s, sc, collInteractions),
		whispers:      collection[Whisper](s, sc, collWhispers),
		alerts:        collection[Alert](s, sc, collAlerts),
		plans:         collection[Plan](s, sc, collPlans),
		subscriptions: collection[Subscription](s, sc, collSubscriptions),
		usage:         collection[usage](s, sc, collUsage),
		configs:       collection[LLMConfig](s, sc, collConfigs),
		models:        collection[Model](s, sc, collModels),
		daily:         collection[DailyUse](s, sc, collDaily),
		widgetKeys:    collection[WidgetKey](s, sc, collWidgetKeys),
		visitors:      collection[Visitor](s, sc, collVisitors),
		apiKeys:       collection[APIKey](s, sc, collAPIKeys),
		audit:         collection[AuditEntry](s, sc, collAudit),
		articles:      collection[Article](s, sc, collKnowledge),
		replies:       collection[CannedReply](s, sc, collReplies),
		ratings:       collection[Rating](s, sc, collRatings),
		issuers:       collection[Issuer](s, sc, collIssuers),
		logins:        collection[LoginProvider](s, sc, collLogins),
		exports:       collection[Export](s, sc, collExports),
		requests:      collection[request](s, sc, collRequests),
		global:        s.Global(),
	}
}

// collection is one collection as a scope sees it.
func collection[T any](s *Store, sc doc.Scope, name string) doc.Coll[T] {
	return doc.Coll[T]{Eng: s.eng, Scope: sc, Name: name, Skipped: s.skipped}
}

// maxSkipped bounds what is remembered of documents that were left out.
const maxSkipped = 1000

// skipped logs a document that is not what this program writes: once, since every list would name it again.
func (s *Store) skipped(coll, id string, err error) {
	s.mu.Lock()
	key := coll + "/" + id
	known := s.poison[key]
	if !known && len(s.poison) < maxSkipped {
		s.poison[key] = true
	}
	s.mu.Unlock()
	if !known {
		s.log.Error("a document was left out: it has another shape than this program writes", "collection", coll, "id", id, "error", err)
	}
}

// A Tenant is the database as one distributor sees it. Nothing it offers can name another one.
type Tenant struct {
	id            TenantID
	store         *Store
	profiles      doc.Coll[profile]
	users         doc.Coll[User]
	conversations doc.Coll[Conversation]
	interactions  doc.Coll[Interaction]
	whispers      doc.Coll[Whisper]
	alerts        doc.Coll[Alert]
	plans         doc.Coll[Plan]
	subscriptions doc.Coll[Subscription]
	usage         doc.Coll[usage]
	configs       doc.Coll[LLMConfig]
	models        doc.Coll[Model]
	daily         doc.Coll[DailyUse]
	widgetKeys    doc.Coll[WidgetKey]
	visitors      doc.Coll[Visitor]
	apiKeys       doc.Coll[APIKey]
	audit         doc.Coll[AuditEntry]
	articles      doc.Coll[Article]
	replies       doc.Coll[CannedReply]
	ratings       doc.Coll[Rating]
	issuers       doc.Coll[Issuer]
	logins        doc.Coll[LoginProvider]
	exports       doc.Coll[Export]
	requests      doc.Coll[request]
	global        *Global
}

// ID names the tenant.
func (t *Tenant) ID() TenantID { return t.id }

// deadline bounds an operation whose caller does not.
func deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 5*time.Second)
}

// changed turns a conditional update's answer into ErrConflict.
func changed(ok bool, err error) error {
	if err == nil && !ok {
		return ErrConflict
	}
	return err
}
