// Package doc is the whole contract between domain code and a storage engine: documents that belong to one tenant,
// a few comparisons, one sort key, and one atomic conditional update. Only package store may import it.
package doc

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Errors of every engine. What is none of these is wrapped in ErrUnavailable.
var (
	ErrNotFound    = errors.New("not found")
	ErrExists      = errors.New("already exists")
	ErrNoScope     = errors.New("operation without a tenant")
	ErrUnavailable = errors.New("store unavailable")
)

// A Scope confines an operation to one tenant's documents, to the global ones, or, for reading alone, to none of them.
// The zero Scope is refused by every engine.
type Scope struct {
	kind   kind
	tenant string
}

type kind uint8

const (
	none kind = iota
	tenant
	global
	everywhere
)

// TenantScope is one tenant's documents. It is called in one place, store.(*Store).Tenant.
func TenantScope(id string) Scope { return Scope{tenant, id} }

// GlobalScope is the documents that belong to no tenant.
func GlobalScope() Scope { return Scope{global, ""} }

// EverywhereScope reads across tenants. It is called in one place, store/directory.go.
func EverywhereScope() Scope { return Scope{everywhere, ""} }

// Tenant returns the value of distribuidor_id that the scope writes and matches, nil for global documents.
func (s Scope) Tenant() (*string, error) {
	switch {
	case s.kind == tenant && s.tenant != "":
		return &s.tenant, nil
	case s.kind == global:
		return nil, nil
	}
	return nil, ErrNoScope
}

// Everywhere reports whether the scope reads across tenants.
func (s Scope) Everywhere() bool { return s.kind == everywhere }

// Key is the document's key across all tenants. The tenant's own document (its id is the tenant's) is keyed by it.
func (s Scope) Key(id string) (string, error) {
	t, err := s.Tenant()
	switch {
	case err != nil:
		return "", err
	case t == nil:
		return "/" + id, nil
	case *t == id:
		return id, nil
	}
	return *t + "/" + id, nil
}

// An Op is a comparison of one field with a value.
type Op string

// Comparisons. NotAbove takes a missing field for 0; Absent takes no value; Before compares strings, times and numbers;
// In takes a []string; Contains takes what Fold returns.
const (
	OpEq       Op = "eq"
	OpNe       Op = "ne"
	OpBefore   Op = "lt"
	OpAfter    Op = "gt"
	OpNotAbove Op = "notabove"
	OpAbsent   Op = "absent"
	OpIn       Op = "in"
	OpContains Op = "contains"
)

// A Cond compares the field at a dotted path. Paths are constants of the domain code or made of checked ids.
type Cond struct {
	Field string
	Op    Op
	Value any
}

// Eq holds where the field has the value.
func Eq(field string, v any) Cond { return Cond{field, OpEq, v} }

// Ne holds where the field has another value or is missing.
func Ne(field string, v any) Cond { return Cond{field, OpNe, v} }

// Before holds where the field's value is smaller.
func Before(field string, v any) Cond { return Cond{field, OpBefore, v} }

// After holds where the field's value is greater.
func After(field string, v any) Cond { return Cond{field, OpAfter, v} }

// NotAbove holds where the number is at most v; a missing one is 0.
func NotAbove(field string, v int64) Cond { return Cond{field, OpNotAbove, v} }

// Absent holds where there is no such field.
func Absent(field string) Cond { return Cond{field, OpAbsent, nil} }

// In holds where the field has one of the values.
func In(field string, values []string) Cond { return Cond{field, OpIn, values} }

// Contains holds where the text has words in it, whatever their case and accents.
func Contains(field, words string) Cond { return Cond{field, OpContains, Fold(words)} }

// A Query selects documents of one collection; its conditions are ANDed. Results are sorted by Sort ("" is the id),
// then by id.
type Query struct {
	Where []Cond
	Sort  string
	Desc  bool
	Limit int
	Past  *Place // only what comes after this place in the order
}

// A Place is where a page of a sorted result ended. Value is that of the sort key; without one it is not used.
type Place struct {
	Value any
	ID    string
}

// A Mod changes one document atomically. Keys are dotted paths; parents that are missing are made.
type Mod struct {
	Set   map[string]any
	Inc   map[string]int64
	Unset []string
}

// CheckPaths refuses a change whose paths are not what domain code makes of constants and checked ids.
func CheckPaths(conds []Cond, m Mod) error {
	for _, c := range conds {
		if !plainPath(c.Field) {
			return fmt.Errorf("field path %q", c.Field)
		}
	}
	for k := range m.Set {
		if !plainPath(k) {
			return fmt.Errorf("field path %q", k)
		}
	}
	for k := range m.Inc {
		if !plainPath(k) {
			return fmt.Errorf("field path %q", k)
		}
	}
	for _, k := range m.Unset {
		if !plainPath(k) {
			return fmt.Errorf("field path %q", k)
		}
	}
	return nil
}

func plainPath(path string) bool {
	step := 0 // length of the current one
	for i := range len(path) {
		switch c := path[i]; {
		case c == '.':
			if step == 0 {
				return false
			}
			step = 0
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == ':', c == '+':
			step++
		default:
			return false
		}
	}
	return step > 0
}

// An Index is declared once and made by every engine. distribuidor_id is always its first field.
type Index struct {
	Coll   string
	Fields []string
	Unique bool
	// Where restricts the index to documents in which this string field is not empty. A query that shall use it says so
	// with After(Where, "").
	Where string
}

// ByID reports whether the index is the one by which a collection is paged through.
func (x Index) ByID() bool { return len(x.Fields) == 1 && x.Fields[0] == "id" }

// Name of the index in the database. What distinguishes two kinds of index is in it, so that a changed declaration makes
// a new one.
func (x Index) Name() string {
	kind := "ix"
	if x.Unique {
		kind = "ux"
	}
	if x.Where != "" {
		kind += "p"
	}
	return kind + "_" + x.Coll + "_" + strings.ReplaceAll(strings.Join(x.Fields, "_"), ".", "_")
}

// An Engine stores documents. Values are structs with bson and json tags of the same names. Every method is safe for
// concurrent use. Implementations pass doctest.
type Engine interface {
	// Insert adds v under id. ErrExists: this scope has a document with that id, or a unique index refuses it. Another
	// tenant's id never collides. It is safe to repeat: after an ambiguous failure, ErrExists means that it is there.
	Insert(ctx context.Context, s Scope, coll, id string, v any) error
	// Find calls each for every matching document, in order. decode fails where the document does not fit the type; that
	// does not end the search. Both arguments are valid only during the call.
	Find(ctx context.Context, s Scope, coll string, q Query, each func(id string, decode func(v any) error)) error
	// Update applies m to the document with this id if all conds hold, in one atomic step, and reports whether it did.
	Update(ctx context.Context, s Scope, coll, id string, conds []Cond, m Mod) (bool, error)
	// Delete removes the document with this id if all conds hold, and reports whether it did.
	Delete(ctx context.Context, s Scope, coll, id string, conds []Cond) (bool, error)
	// Migrate makes the indexes that are missing; several instances may do so at once.
	Migrate(ctx context.Context, indexes []Index) error
	// Ready says what is missing: the connection, or an index.
	Ready(ctx context.Context, indexes []Index) error
	// Pool says how the connections to the database are used.
	Pool() Pool
	Close(ctx context.Context) error
}

// Pool is the state of an engine's connections. Waits are those of an operation for a connection, successful or not.
type Pool struct{ Open, Busy, Waits int64 }

// A Coll is one collection of T as one scope sees it.
type Coll[T any] struct {
	Eng   Engine
	Scope Scope
	Name  string
	// Skipped is told of documents that are not a T: written by hand, or by a program that is not this one. They are left
	// out of every result.
	Skipped func(coll, id string, err error)
}

// Insert adds v under id.
func (c Coll[T]) Insert(ctx context.Context, id string, v T) error {
	return c.Eng.Insert(ctx, c.Scope, c.Name, id, v)
}

// Find returns the matching documents that are a T.
func (c Coll[T]) Find(ctx context.Context, q Query) ([]T, error) {
	want := q.Limit
	for {
		out := make([]T, 0, min(want, 64))
		seen := 0
		err := c.Eng.Find(ctx, c.Scope, c.Name, q, func(id string, decode func(any) error) {
			seen++
			var v T
			if err := decode(&v); err != nil {
				if c.Skipped != nil {
					c.Skipped(c.Name, id, err)
				}
				return
			}
			out = append(out, v)
		})
		if err != nil {
			return nil, err
		}
		skipped := seen - len(out)
		switch {
		case want > 0 && len(out) >= want:
			return out[:want], nil
		case want == 0, seen < q.Limit:
			return out, nil
		}
		q.Limit = want + 2*skipped // a page that lost documents is filled up, or its reader would take it for the last
	}
}

// First returns the first matching document or ErrNotFound.
func (c Coll[T]) First(ctx context.Context, q Query) (v T, err error) {
	q.Limit = 1
	vs, err := c.Find(ctx, q)
	if err == nil && len(vs) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return v, err
	}
	return vs[0], nil
}

// Get returns the document with this id or ErrNotFound.
func (c Coll[T]) Get(ctx context.Context, id string) (T, error) {
	return c.First(ctx, Query{Where: []Cond{Eq("id", id)}})
}

// Update applies m if all conds hold and reports whether it did.
func (c Coll[T]) Update(ctx context.Context, id string, conds []Cond, m Mod) (bool, error) {
	return c.Eng.Update(ctx, c.Scope, c.Name, id, conds, m)
}

// Delete removes the document if all conds hold and reports whether it did.
func (c Coll[T]) Delete(ctx context.Context, id string, conds []Cond) (bool, error) {
	return c.Eng.Delete(ctx, c.Scope, c.Name, id, conds)
}
