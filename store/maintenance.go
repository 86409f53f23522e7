package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"aihub/store/internal/doc"
	"aihub/store/internal/sqlitedoc"
)

// ErrNotOurs says that a file is not a database of this program, or is damaged.
var ErrNotOurs = sqlitedoc.ErrNotOurs

// ErrNotEmbedded says that a database is not a file of this program: who runs MongoDB backs it up with its own tools.
var ErrNotEmbedded = errors.New(`not an embedded database ("sqlite:PATH")`)

// Backup writes what the embedded database at spec holds at this moment to a new file. The database may be in use.
func Backup(ctx context.Context, spec, file string) error {
	path, ok := strings.CutPrefix(spec, "sqlite:")
	if !ok {
		return ErrNotEmbedded
	}
	if err := sqlitedoc.Backup(ctx, path, file); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// Restore makes an embedded database at spec of a backup. There must be none there.
func Restore(ctx context.Context, file, spec string) error {
	path, ok := strings.CutPrefix(spec, "sqlite:")
	if !ok {
		return ErrNotEmbedded
	}
	if err := sqlitedoc.Restore(ctx, file, path); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// Copied is what CopyTo did.
type Copied struct {
	Rows    int // copied now
	Present int // were there already
	Skipped int // have another shape than this program writes, and stayed behind
}

// CopyTo copies everything to another store, which may run on the other engine. No program may write to either while it
// does. It may be repeated after a failure: rows that are there stay as they are.
func (s *Store) CopyTo(ctx context.Context, to *Store) (Copied, error) {
	var sum Copied
	tenants, err := s.Directory().all.Find(ctx, doc.Query{})
	if err != nil {
		return sum, err
	}
	scopes := []doc.Scope{doc.GlobalScope()}
	for _, p := range tenants {
		scopes = append(scopes, s.Tenant(TenantID{p.ID}).users.Scope)
	}
	for _, sc := range scopes {
		for name, rows := range copiers {
			n, err := rows(ctx, s, to, sc, name)
			sum.Rows, sum.Present, sum.Skipped = sum.Rows+n.Rows, sum.Present+n.Present, sum.Skipped+n.Skipped
			if err != nil {
				return sum, fmt.Errorf("copy %s: %w", name, err)
			}
		}
	}
	return sum, nil
}

// copiers copy one collection of a scope each. What a database notes of its own state is not copied.
var copiers = map[string]func(ctx context.Context, from, to *Store, sc doc.Scope, name string) (Copied, error){
	collTenants:       copyRows[profile],
	collAddresses:     copyRows[address],
	collBusy:          copyRows[busy],
	collUsers:         copyRows[User],
	collConversations: copyRows[Conversation],
	collInteractions:  copyRows[Interaction],
	collPlans:         copyRows[Plan],
	collSubscriptions: copyRows[Subscription],
	collUsage:         copyRows[usage],
	collDaily:         copyRows[DailyUse],
	collConfigs:       copyRows[LLMConfig],
	collModels:        copyRows[Model],
	collWidgetKeys:    copyRows[WidgetKey],
	collVisitors:      copyRows[Visitor],
	collAPIKeys:       copyRows[APIKey],
	collAudit:         copyRows[AuditEntry],
	collKnowledge:     copyRows[Article],
	collReplies:       copyRows[CannedReply],
	collRatings:       copyRows[Rating],
	collWhispers:      copyRows[Whisper],
	collIssuers:       copyRows[Issuer],
	collLogins:        copyRows[LoginProvider],
	collAlerts:        copyRows[Alert],
	collExports:       copyRows[Export],
	collRequests:      copyRows[request],
}

// copyBatch is how many rows are read before they are written.
const copyBatch = 500

func copyRows[T any](ctx context.Context, from, to *Store, sc doc.Scope, name string) (Copied, error) {
	type row struct {
		id string
		v  T
	}
	var sum Copied
	q := doc.Query{Limit: copyBatch}
	for {
		var rows []row
		seen, last := 0, ""
		err := from.eng.Find(ctx, sc, name, q, func(id string, decode func(any) error) {
			seen, last = seen+1, id
			var v T
			if err := decode(&v); err != nil {
				from.skipped(name, id, err)
				sum.Skipped++
				return
			}
			rows = append(rows, row{id, v})
		})
		if err != nil {
			return sum, err
		}
		present := make([]bool, len(rows))
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(8)
		for i, r := range rows {
			g.Go(func() error {
				err := to.eng.Insert(ctx, sc, name, r.id, r.v)
				if present[i] = errors.Is(err, ErrExists); present[i] {
					return nil
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return sum, err
		}
		for _, p := range present {
			if p {
				sum.Present++
			} else {
				sum.Rows++
			}
		}
		if seen < copyBatch {
			return sum, nil
		}
		q.Past = &doc.Place{ID: last}
	}
}
