package store

import (
	"context"
	"regexp"
	"time"

	"aihub/store/internal/doc"
)

// A Page asks for a part of a list: at most Limit items (0: 50, never more than 200) that come after Cursor, which the
// part before gave; "" begins.
type Page struct {
	Cursor string
	Limit  int
}

var cursorShape = regexp.MustCompile(`^[A-Za-z0-9_:.-]{1,120}$`)

// page returns a part of what q selects, in the order of the ids, and the cursor that continues it; "" at the end. A
// cursor of another shape is ErrNotFound.
func page[T any](ctx context.Context, c doc.Coll[T], q doc.Query, p Page, id func(T) string) ([]T, string, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	limit := p.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 200)
	if p.Cursor != "" {
		if !cursorShape.MatchString(p.Cursor) {
			return nil, "", ErrNotFound
		}
		q.Past = &doc.Place{ID: p.Cursor}
	}
	q.Limit = limit + 1
	list, err := c.Find(ctx, q)
	if err != nil || len(list) <= limit {
		return list, "", err
	}
	return list[:limit], id(list[limit-1]), nil
}

// Managed rows carry a revision that begins at 1 and grows with every change: who changes one says which revision they
// have seen, so that nobody overwrites what they do not know.

// get returns a row, or ErrNotFound.
func get[T any](ctx context.Context, c doc.Coll[T], id string) (T, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return c.Get(ctx, id)
}

// add inserts a row.
func add[T any](ctx context.Context, c doc.Coll[T], id string, v T) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	return c.Insert(ctx, id, v)
}

// change sets fields of a row whose revision is still rev and returns the row. ErrNotFound; ErrConflict: it has changed;
// ErrExists: a unique field is taken.
func change[T any](ctx context.Context, c doc.Coll[T], id string, rev int64, now time.Time, set map[string]any) (T, error) {
	ctx, cancel := deadline(ctx)
	defer cancel()
	var none T
	set["alterado_em"] = milli(now)
	ok, err := c.Update(ctx, id, []doc.Cond{doc.Eq("rev", rev)}, doc.Mod{Set: set, Inc: map[string]int64{"rev": 1}})
	if err != nil {
		return none, err
	}
	v, err := c.Get(ctx, id)
	if err == nil && !ok {
		return none, ErrConflict
	}
	return v, err
}

// remove deletes a row whose revision is still rev; 0 stands for any. ErrNotFound, ErrConflict.
func remove[T any](ctx context.Context, c doc.Coll[T], id string, rev int64) error {
	ctx, cancel := deadline(ctx)
	defer cancel()
	var conds []doc.Cond
	if rev != 0 {
		conds = []doc.Cond{doc.Eq("rev", rev)}
	}
	ok, err := c.Delete(ctx, id, conds)
	if err != nil || ok {
		return err
	}
	if _, err := c.Get(ctx, id); err != nil {
		return err
	}
	return ErrConflict
}

// now is the store's time as both engines keep it.
func (t *Tenant) now() time.Time { return milli(t.store.now()) }
