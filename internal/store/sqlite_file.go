package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"go.uber.org/zap"
	"modernc.org/sqlite"
)

// lockRetry is how often a held lock is tried again.
const lockRetry = 200 * time.Millisecond

// connect opens a file with at most so many connections, which stay open.
func connect(ctx context.Context, path, options string, conns int) (*sql.DB, error) {
	// A path is no URL: what means something in one is escaped.
	name := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	connector, err := sqlite.NewConnector("file:" + name + "?" + options)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), db.Close())
	}
	return db, nil
}

// Probe looks at a SQLite file as a program would that opens it now, since what this
// process has read stays in its memory whatever becomes of the file. PostgreSQL does that
// itself.
func (s *Store) Probe(ctx context.Context) error {
	if s.file == "" {
		return nil
	}
	db, err := connect(ctx, s.file, optRead, 1)
	if err == nil {
		probe := &Reader{db: counted{db, s.db}, close: db.Close}
		err = errors.Join(probe.Ping(ctx), probe.Close())
	}
	return explainDamage(err)
}

// lockFile takes the lock beside the database file. It goes with the process,
// however that ends.
func lockFile(ctx context.Context, path string, cfg Config) (*flock.Flock, error) {
	ctx, cancel := context.WithTimeout(ctx, cfg.LockWait)
	defer cancel()
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	if ok, err := lock.TryLock(); ok || err != nil {
		return lock, wrapLock(path, err)
	}
	cfg.Log.Warn("another process holds the database; waiting for it to end",
		zap.String("path", path), zap.Duration("at_most", cfg.LockWait))
	_, err := lock.TryLockContext(ctx, lockRetry)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("%s is in use by another autoscalebot process; use PostgreSQL for several", path)
	}
	return lock, wrapLock(path, err)
}

func wrapLock(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open database %s: there is no folder %s", path, filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("lock database %s: %w", path, err)
	}
	return nil
}

// makePrivate creates the file before SQLite would, for its owner only, and takes
// from others what an existing one let them. SQLite gives the files beside it the
// mode of the first.
func makePrivate(path string, log *zap.Logger) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Perm()&0o077 == 0 {
			continue
		}
		if err == nil {
			err = os.Chmod(name, 0o600)
		}
		if err != nil {
			return fmt.Errorf("keep database from other users: %w", err)
		}
		log.Warn("other users could open the database; its mode is 0600 now", zap.String("path", name))
	}
	return nil
}

// checkDurable refuses a file system on which SQLite cannot keep what it promises.
func checkDurable(ctx context.Context, db *sql.DB) error {
	var mode string
	var sync int
	err := db.QueryRowContext(ctx, `SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous`).Scan(&mode, &sync)
	if err != nil {
		return fmt.Errorf("read how SQLite writes: %w", err)
	}
	if mode != "wal" || sync != 2 {
		return fmt.Errorf("the file system does not take SQLite's WAL mode (journal_mode %s, synchronous %d)", mode, sync)
	}
	return nil
}
