// Package sqlitedoc keeps documents as JSON rows in one SQLite file, for one process.
package sqlitedoc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"aihub/store/internal/doc"
)

// tenant is "" for global documents; TenantIDs are never empty. rowid tables keep large bodies out of the key's tree.
const schema = `CREATE TABLE IF NOT EXISTS docs (
	tenant TEXT NOT NULL, coll TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
	PRIMARY KEY (tenant, coll, id))`

// engine has one connection for writing, so that writers queue here and not on SQLite's busy timer, several for reading,
// which WAL lets run beside it, and one that moves the log into the file.
type engine struct {
	write, read *conns
	log         *checkpointer
	full        atomic.Bool                            // the last write failed for the disk
	indexes     atomic.Pointer[map[string][]doc.Index] // by collection, once Migrate has made them
}

// Open opens the file, creating it if needed. synchronous=NORMAL: what is committed survives a
// crash of the process; a crash of the machine may take the last moments with it, never the file's consistency. Who needs
// more runs MongoDB. What goes wrong beside the operations is logged.
func Open(ctx context.Context, path string, logger *slog.Logger) (doc.Engine, error) {
	if err := registerContains(); err != nil {
		return nil, fmt.Errorf("register contains: %w", err)
	}
	// Reads come from the system's cache without being copied, so that they cost the same in a large file.
	const pragmas = "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)&_pragma=mmap_size(1073741824)"
	uri := address(path)
	write, err := sql.Open("sqlite", uri+pragmas+"&_pragma=cache_size(-64000)&_pragma=wal_autocheckpoint(0)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if _, err := write.ExecContext(ctx, schema); err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("create schema: %w", err)
	}
	read, err := sql.Open("sqlite", uri+pragmas+"&_pragma=cache_size(-16000)&_pragma=query_only(1)")
	if err != nil {
		_ = write.Close()
		return nil, err
	}
	read.SetMaxOpenConns(4)
	read.SetMaxIdleConns(4)
	log, err := sql.Open("sqlite", uri+pragmas)
	if err != nil {
		return nil, errors.Join(err, write.Close(), read.Close())
	}
	log.SetMaxOpenConns(1)
	return &engine{write: newConns(write), read: newConns(read), log: newCheckpointer(log, logger)}, nil
}

// address names a file as SQLite takes it beside options; unescaped, a # or ? in it would lead to another file.
func address(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// Times are stored as milliseconds, so that they compare as numbers.
var (
	marshal = json.WithMarshalers(json.MarshalToFunc(func(e *jsontext.Encoder, t time.Time) error {
		return e.WriteToken(jsontext.Int(t.UnixMilli()))
	}))
	unmarshal = json.WithUnmarshalers(json.UnmarshalFromFunc(func(d *jsontext.Decoder, t *time.Time) error {
		var ms int64
		if err := json.UnmarshalDecode(d, &ms); err != nil {
			return err
		}
		*t = time.UnixMilli(ms).UTC()
		return nil
	}))
)

// where is the only place a WHERE clause is built, and it starts with the tenant. field says how a path is named.
func where(s doc.Scope, coll string, conds []doc.Cond, field func(path string) (string, []any)) (string, []any, error) {
	// The collection is a constant of the domain code; as a literal it lets SQLite use the partial indexes.
	clause, args := "coll = '"+coll+"'", []any(nil)
	if !s.Everywhere() {
		t, err := column(s)
		if err != nil {
			return "", nil, err
		}
		clause, args = "tenant = ? AND "+clause, []any{t}
	}
	for _, c := range conds {
		f, fargs := field(c.Field)
		args = append(args, fargs...)
		v := c.Value
		if t, ok := v.(time.Time); ok {
			v = t.UnixMilli()
		}
		switch c.Op {
		case doc.OpEq:
			clause += " AND " + f + " = ?"
		case doc.OpNe:
			clause += " AND " + f + " IS NOT ?"
		case doc.OpBefore:
			clause += " AND " + f + " < ?"
		case doc.OpAfter:
			if v == "" {
				clause += " AND " + f + " > ''" // as the partial indexes say it
				continue
			}
			clause += " AND " + f + " > ?"
		case doc.OpNotAbove:
			clause += " AND coalesce(" + f + ", 0) <= ?"
		case doc.OpAbsent:
			clause += " AND " + f + " IS NULL"
			continue
		case doc.OpIn:
			b, err := json.Marshal(v)
			if err != nil {
				return "", nil, fmt.Errorf("encode %s of %s: %w", c.Field, coll, err)
			}
			clause += " AND " + f + " IN (SELECT value FROM json_each(?))"
			v = string(b)
		case doc.OpContains:
			clause += " AND aihub_contains(" + f + ", ?)"
		default:
			return "", nil, fmt.Errorf("unknown comparison %q", c.Op)
		}
		args = append(args, v)
	}
	return clause, args, nil
}

func column(s doc.Scope) (string, error) {
	t, err := s.Tenant()
	if err != nil || t == nil {
		return "", err
	}
	return *t, nil
}

// field is the SQL expression of a path, as it also stands in the indexes.
func field(path string) string {
	if path == "id" {
		return "id"
	}
	return "json_extract(body, '" + jsonPath(path) + "')"
}

// literal names a path as the indexes do.
func literal(path string) (string, []any) { return field(path), nil }

// bound names a path by an argument: what looks at one document needs no index, and its statements stay few although
// paths are made of ids.
func bound(path string) (string, []any) {
	if path == "id" {
		return "id", nil
	}
	return "json_extract(body, ?)", []any{jsonPath(path)}
}

func jsonPath(path string) string { return `$."` + strings.ReplaceAll(path, ".", `"."`) + `"` }

func (e *engine) Insert(ctx context.Context, s doc.Scope, coll, id string, v any) error {
	t, err := column(s)
	if err != nil {
		return err
	}
	body, err := json.Marshal(v, marshal)
	if err != nil {
		return fmt.Errorf("encode %s: %w", coll, err)
	}
	_, err = e.exec(ctx, `INSERT INTO docs (tenant, coll, id, body) VALUES (?, ?, ?, json_set(?, '$.id', ?, '$.distribuidor_id', nullif(?, '')))`,
		t, coll, id, string(body), id, t)
	var se *sqlite.Error
	if errors.As(err, &se) && (se.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE) {
		return doc.ErrExists
	}
	return failed("insert", coll, err)
}

// exec writes.
func (e *engine) exec(ctx context.Context, stmt string, args ...any) (sql.Result, error) {
	r, err := e.write.exec(ctx, stmt, args...)
	e.log.wrote()
	var se *sqlite.Error
	if err == nil {
		e.full.Store(false)
	} else if errors.As(err, &se) && (se.Code()&0xff == sqlite3.SQLITE_FULL || se.Code()&0xff == sqlite3.SQLITE_IOERR) {
		e.full.Store(true)
	}
	return r, err
}

// room is what the disk must have, after it once took a write no more, to be called ready again.
const room = 64 << 10

// hasRoom finds out whether the disk takes writes again. Nobody else may: an instance that is not ready gets no work.
func (e *engine) hasRoom(ctx context.Context) error {
	if _, err := e.exec(ctx, "CREATE TABLE IF NOT EXISTS room (bytes BLOB)"); err != nil {
		return err
	}
	_, err := e.exec(ctx, "INSERT OR REPLACE INTO room (rowid, bytes) VALUES (1, zeroblob(?))", room)
	return err
}

func (e *engine) Find(ctx context.Context, s doc.Scope, coll string, q doc.Query, each func(string, func(any) error)) error {
	stmt, args, err := e.selection(s, coll, q)
	if err != nil {
		return err
	}
	rows, err := e.read.query(ctx, stmt, args...)
	if err != nil {
		return failed("find", coll, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id string
		var body sql.RawBytes
		if err := rows.Scan(&id, &body); err != nil {
			return failed("find", coll, err)
		}
		each(id, func(v any) error { return json.Unmarshal(body, v, unmarshal) })
	}
	return failed("find", coll, rows.Err())
}

// selection is the statement of a query.
func (e *engine) selection(s doc.Scope, coll string, q doc.Query) (string, []any, error) {
	if err := doc.CheckPaths(q.Where, doc.Mod{}); err != nil {
		return "", nil, fmt.Errorf("find %s: %w", coll, err)
	}
	w, args, err := where(s, coll, q.Where, literal)
	if err != nil {
		return "", nil, err
	}
	dir, past := "", ">"
	if q.Desc {
		dir, past = " DESC", "<"
	}
	order := e.byID(coll, q) + dir
	if q.Sort != "" {
		order = field(q.Sort) + dir + ", id" + dir
	}
	if p := q.Past; p != nil && q.Sort == "" {
		w, args = w+" AND id "+past+" ?", append(args, p.ID)
	} else if p != nil {
		v := p.Value
		if t, ok := v.(time.Time); ok {
			v = t.UnixMilli()
		}
		f := field(q.Sort) // the first comparison is what an index can bound
		w += fmt.Sprintf(" AND %s %s= ? AND (%s %s ? OR id %s ?)", f, past, f, past, past)
		args = append(args, v, v, p.ID)
	}
	limit := -1
	if q.Limit > 0 {
		limit = q.Limit
	}
	return `SELECT id, body FROM docs WHERE ` + w + ` ORDER BY ` + order + ` LIMIT ?`, append(args, limit), nil
}

// byID is the term by which a result is sorted by id. Without statistics SQLite prefers to walk a tenant's whole primary
// key, which needs no sorting, to sorting the few rows that an index finds; "+id" leaves it only the index. It is right
// wherever an index begins with fields that the query fixes, unless that index is sorted by id itself.
func (e *engine) byID(coll string, q doc.Query) string {
	indexes := e.indexes.Load()
	if indexes == nil {
		return "id"
	}
	fixed := map[string]doc.Op{}
	for _, c := range q.Where {
		if c.Op == doc.OpEq || c.Op == doc.OpIn {
			fixed[c.Field] = c.Op
		}
	}
	term := "id"
	for _, x := range (*indexes)[coll] {
		n, several := 0, false
		for n < len(x.Fields) && fixed[x.Fields[n]] != "" {
			several = several || fixed[x.Fields[n]] == doc.OpIn
			n++
		}
		switch byID := n < len(x.Fields) && x.Fields[n] == "id"; {
		case n > 0 && byID && !several:
			return "id"
		case n == len(x.Fields), n > 0 && byID:
			term = "+id"
		}
	}
	return term
}

func (e *engine) Update(ctx context.Context, s doc.Scope, coll, id string, conds []doc.Cond, m doc.Mod) (bool, error) {
	if err := doc.CheckPaths(conds, m); err != nil {
		return false, fmt.Errorf("update %s: %w", coll, err)
	}
	// One call for each kind of change: every call reads and writes the whole body anew.
	expr, args := "body", []any(nil)
	if above := parents(m); len(above) > 0 { // json_set makes only the last step of a path; json_insert leaves what is there
		expr = "json_insert(" + expr + strings.Repeat(", ?, json('{}')", len(above)) + ")"
		for _, k := range above {
			args = append(args, jsonPath(k))
		}
	}
	if len(m.Set)+len(m.Inc) > 0 {
		expr = "json_set(" + expr + strings.Repeat(", ?, json(?)", len(m.Set)) + strings.Repeat(", ?, coalesce(json_extract(body, ?), 0) + ?", len(m.Inc)) + ")"
	}
	for _, k := range slices.Sorted(maps.Keys(m.Set)) {
		b, err := json.Marshal(m.Set[k], marshal)
		if err != nil {
			return false, fmt.Errorf("encode %s of %s: %w", k, coll, err)
		}
		args = append(args, jsonPath(k), string(b))
	}
	for _, k := range slices.Sorted(maps.Keys(m.Inc)) {
		args = append(args, jsonPath(k), jsonPath(k), m.Inc[k])
	}
	if len(m.Unset) > 0 {
		expr = "json_remove(" + expr + strings.Repeat(", ?", len(m.Unset)) + ")"
		for _, k := range m.Unset {
			args = append(args, jsonPath(k))
		}
	}
	return e.change(ctx, "update", s, coll, id, conds, `UPDATE docs SET body = `+expr+` WHERE `, args)
}

// parents lists the paths above what m sets or counts, outer ones first.
func parents(m doc.Mod) []string {
	seen := map[string]bool{}
	for _, keys := range [][]string{slices.Collect(maps.Keys(m.Set)), slices.Collect(maps.Keys(m.Inc))} {
		for _, k := range keys {
			for i := range k {
				if k[i] == '.' {
					seen[k[:i]] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func (e *engine) Delete(ctx context.Context, s doc.Scope, coll, id string, conds []doc.Cond) (bool, error) {
	if err := doc.CheckPaths(conds, doc.Mod{}); err != nil {
		return false, fmt.Errorf("delete %s: %w", coll, err)
	}
	return e.change(ctx, "delete", s, coll, id, conds, `DELETE FROM docs WHERE `, nil)
}

// change runs a statement on the one document with this id, if all conds hold.
func (e *engine) change(ctx context.Context, what string, s doc.Scope, coll, id string, conds []doc.Cond, stmt string, args []any) (bool, error) {
	if s.Everywhere() {
		return false, doc.ErrNoScope
	}
	w, more, err := where(s, coll, append([]doc.Cond{doc.Eq("id", id)}, conds...), bound)
	if err != nil {
		return false, err
	}
	r, err := e.exec(ctx, stmt+w, append(args, more...)...)
	if err != nil {
		return false, failed(what, coll, err)
	}
	n, err := r.RowsAffected()
	return n == 1, failed(what, coll, err)
}

func (e *engine) Migrate(ctx context.Context, indexes []doc.Index) error {
	for _, x := range indexes {
		if x.ByID() {
			continue // the primary key
		}
		unique := ""
		if x.Unique {
			unique = "UNIQUE "
		}
		cols := []string{"tenant"}
		for _, f := range x.Fields {
			cols = append(cols, field(f))
		}
		partial := "coll = '" + x.Coll + "'"
		if x.Where != "" {
			partial += " AND " + field(x.Where) + " > ''"
		}
		stmt := fmt.Sprintf("CREATE %sINDEX IF NOT EXISTS %s ON docs (%s) WHERE %s", unique, x.Name(), strings.Join(cols, ", "), partial)
		if _, err := e.write.db.ExecContext(ctx, stmt); err != nil {
			return fmt.Errorf("make index on %s %v: %w", x.Coll, x.Fields, err)
		}
	}
	by := map[string][]doc.Index{}
	for _, x := range indexes {
		if !x.ByID() {
			by[x.Coll] = append(by[x.Coll], x)
		}
	}
	e.indexes.Store(&by)
	return nil
}

func (e *engine) Ready(ctx context.Context, indexes []doc.Index) error {
	if e.full.Load() {
		if err := e.hasRoom(ctx); err != nil {
			return failed("write", "room", err)
		}
	}
	rows, err := e.read.query(ctx, `SELECT name FROM sqlite_master WHERE type = 'index'`)
	if err != nil {
		return failed("look for indexes of", "docs", err)
	}
	defer func() { _ = rows.Close() }()
	have := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return failed("look for indexes of", "docs", err)
		}
		have[name] = true
	}
	if err := rows.Err(); err != nil {
		return failed("look for indexes of", "docs", err)
	}
	for _, x := range indexes {
		if !x.ByID() && !have[x.Name()] {
			return fmt.Errorf("index %s is missing", x.Name())
		}
	}
	return nil
}

func (e *engine) Pool() doc.Pool {
	r, w := e.read.db.Stats(), e.write.db.Stats()
	return doc.Pool{Open: int64(r.OpenConnections + w.OpenConnections), Busy: int64(r.InUse + w.InUse), Waits: r.WaitCount + w.WaitCount}
}

func (e *engine) Close(context.Context) error {
	return errors.Join(e.log.close(), e.read.close(), e.write.close())
}

// failed wraps what only trying again can mend.
func failed(what, coll string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w: %w", what, coll, doc.ErrUnavailable, err)
}
