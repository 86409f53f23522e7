package sqlitedoc

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"

	"modernc.org/sqlite"

	"aihub/store/internal/doc"
)

// maxStatements bounds the cache of prepared statements. Domain code has some hundred shapes; what comes beyond is
// prepared for one use.
const maxStatements = 500

// conns is a pool of connections that keeps the statements it has prepared: parsing costs more than running most of them.
type conns struct {
	db *sql.DB
	mu sync.Mutex
	st map[string]*sql.Stmt
}

func newConns(db *sql.DB) *conns { return &conns{db: db, st: map[string]*sql.Stmt{}} }

// statement returns the prepared statement of a text, or nil when the cache is full.
func (c *conns) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	c.mu.Lock()
	st, ok := c.st[text]
	full := len(c.st) >= maxStatements
	c.mu.Unlock()
	if ok || full {
		return st, nil
	}
	st, err := c.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other, ok := c.st[text]; ok { // somebody was faster; this one is closed when nobody uses it
		return other, st.Close()
	}
	c.st[text] = st
	return st, nil
}

func (c *conns) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	st, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return c.db.ExecContext(ctx, text, args...)
	}
	return st.ExecContext(ctx, args...)
}

func (c *conns) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	st, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return c.db.QueryContext(ctx, text, args...)
	}
	return st.QueryContext(ctx, args...)
}

func (c *conns) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, st := range c.st {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.db.Close())...)
}

// registerContains gives every connection the function behind doc.Contains.
var registerContains = sync.OnceValue(func() error {
	return sqlite.RegisterDeterministicScalarFunction("aihub_contains", 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		text, ok := args[0].(string)
		if !ok {
			return int64(0), nil
		}
		words, ok := args[1].(string)
		if !ok {
			return nil, fmt.Errorf("contains: no text to look for")
		}
		if strings.Contains(doc.Fold(text), words) {
			return int64(1), nil
		}
		return int64(0), nil
	})
})
