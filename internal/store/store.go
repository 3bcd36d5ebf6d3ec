package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/change"
)

// Config says which database to open.
type Config struct {
	// URL is sqlite:PATH, sqlite::memory: (kept for the life of the process, for
	// the sandbox and tests) or postgres://….
	URL string
	// Owner names this process among all that use the database, at most 100 bytes;
	// River knows it by this name. Empty lets River draw one.
	Owner string
	// Now is the clock for times that the caller leaves zero. Nil is time.Now.
	Now func() time.Time
	// Log gets River's warnings. Nil is silence.
	Log *zap.Logger
	// LockWait is how long to wait for another process that holds the SQLite file.
	// Zero is one minute.
	LockWait time.Duration
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.LockWait == 0 {
		c.LockWait = time.Minute
	}
	return c
}

// Store is an open database. Its methods may be called by many goroutines. It
// implements [change.Store].
type Store struct {
	*Reader
	db  engine
	now func() time.Time
}

var _ change.Store = (*Store)(nil)

// Open opens the database, waits for its lock, and brings its schema up to date. A
// SQLite file is created with mode 0600 and used by one process at a time; a
// PostgreSQL database may be opened by many, also at once while it is still empty.
// It refuses a schema that is newer than this program. No error holds the URL's
// password.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	addr, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	var db engine
	if addr.postgres != "" {
		db, err = openPostgres(ctx, addr.postgres, cfg)
	} else {
		db, err = openSQLite(ctx, addr, cfg)
	}
	if err != nil {
		return nil, err
	}
	return &Store{Reader: &Reader{db: db.reader(), close: db.close}, db: db, now: cfg.Now}, nil
}

// OpenBeside opens a database for reading only, beside a bot that may be running on
// it: no lock is taken, nothing is created and no schema is changed. The error is
// an fs.ErrNotExist where there is no SQLite file yet.
func OpenBeside(ctx context.Context, cfg Config) (*Reader, error) {
	cfg = cfg.withDefaults()
	addr, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	var r *Reader
	if addr.postgres != "" {
		r, err = besidePostgres(ctx, addr.postgres)
	} else {
		r, err = besideSQLite(ctx, addr)
	}
	if err != nil {
		return nil, err
	}
	if err := r.checkSchema(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close stops the workers if they still run, and closes the database. Nothing may
// be called afterwards.
func (s *Store) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(s.db.stop(ctx), s.Reader.Close())
}

// Reader reads a database. Its methods may be called by many goroutines.
type Reader struct {
	db    querier
	close func() error
}

// Close closes the database.
func (r *Reader) Close() error { return r.close() }

// Ping reports whether the database answers.
func (r *Reader) Ping(ctx context.Context) error {
	if _, _, err := one(ctx, r.db, first[int64], `SELECT 1`); err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	return nil
}
