package sqlitedoc

import (
	"context"
	"database/sql"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	// checkpointWrites is after how many writes the log is copied into the file.
	checkpointWrites = 500
	// longLog is the number of frames, 4 KiB each, from which on writers wait for the log to begin anew: under a steady
	// load it would never be copied whole in a moment when nobody uses it, and grow for ever.
	longLog = 16 << 10
	// checkpointTime bounds one checkpoint.
	checkpointTime = 30 * time.Second
)

// A checkpointer copies SQLite's write-ahead log into the file on a connection of its own. By default whoever writes the
// thousandth page does it and waits for the disk, and everybody behind it: that was the 99th percentile of an admission.
type checkpointer struct {
	db     *sql.DB
	log    *slog.Logger
	writes atomic.Int64
	wake   chan struct{} // one slot: a checkpoint that is due covers all writes before it
	stop   context.CancelFunc
	done   chan struct{}
}

// newCheckpointer works until close is called.
func newCheckpointer(db *sql.DB, log *slog.Logger) *checkpointer {
	ctx, stop := context.WithCancel(context.Background())
	c := &checkpointer{db: db, log: log, wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{})}
	go c.run(ctx)
	return c
}

// wrote counts a write. It never blocks.
func (c *checkpointer) wrote() {
	if c.writes.Add(1)%checkpointWrites == 0 {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

func (c *checkpointer) run(ctx context.Context) {
	defer close(c.done)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		frames, err := c.checkpoint(ctx, "PASSIVE")
		if err == nil && frames > longLog {
			_, err = c.checkpoint(ctx, "RESTART") // little is left to copy
		}
		if err != nil && ctx.Err() == nil {
			c.log.Warn("the database's log can't be copied into its file; it is tried again after further writes", "error", err)
		}
	}
}

// checkpoint returns how many frames the log had.
func (c *checkpointer) checkpoint(ctx context.Context, mode string) (frames int, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkpointTime)
	defer cancel()
	var busy, copied int
	err = c.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &copied)
	return frames, err
}

func (c *checkpointer) close() error {
	c.stop()
	<-c.done
	return c.db.Close()
}
