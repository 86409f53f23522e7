package sqlitedoc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotOurs says that a file is not a database of this program, or is damaged.
var ErrNotOurs = errors.New("not a sound database of this program")

// Backup writes what the database at path holds at this moment to a new file, which only its owner can read. The database
// may be in use. The file appears when it is complete and checked.
func Backup(ctx context.Context, path, file string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	if err := mustNotExist(file); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", address(path)+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	part := file + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL, 0o600) // SQLite keeps the mode of an empty file it fills
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	defer func() { _ = os.Remove(part) }()
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, part); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	if err := check(ctx, part); err != nil {
		return err
	}
	return publish(part, file)
}

// Restore makes a database at path of a backup. There must be none.
func Restore(ctx context.Context, file, path string) error {
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := mustNotExist(name); err != nil {
			return err
		}
	}
	if err := check(ctx, file); err != nil {
		return err
	}
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	part := path + ".part"
	to, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(part) }()
	if _, err := io.Copy(to, from); err != nil {
		return errors.Join(err, to.Close())
	}
	if err := to.Close(); err != nil {
		return err
	}
	return publish(part, path)
}

func mustNotExist(name string) error {
	switch _, err := os.Stat(name); {
	case err == nil:
		return fmt.Errorf("%s: %w", name, fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return nil
}

// check refuses a file that is damaged or not ours. It changes nothing, not even by making a journal beside it.
func check(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", address(file)+"?mode=ro&immutable=1")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return fmt.Errorf("%s: %w", file, errors.Join(ErrNotOurs, err))
	}
	if verdict != "ok" {
		return fmt.Errorf("%s: %w: %s", file, ErrNotOurs, verdict)
	}
	var n int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM pragma_table_info('docs') WHERE name IN ('tenant', 'coll', 'id', 'body')`).Scan(&n)
	if err != nil || n != 4 {
		return fmt.Errorf("%s: %w", file, errors.Join(ErrNotOurs, err))
	}
	return nil
}

// publish gives a complete file its name so that it has it after a crash of the machine too.
func publish(part, name string) error {
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(part, name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
