package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"autoscalebot/internal/change"
)

// Config says which database to open.
type Config struct {
	// URL is sqlite:PATH, sqlite::memory: (kept for the life of the process, for
	// the sandbox and tests) or postgres://….
	URL string
	// Now is the clock of a SQLite database. Nil is time.Now. PostgreSQL has its own.
	Now func() time.Time
	// Log gets what an operator has to know while the database is opened. Nil is
	// silence.
	Log *zap.Logger
	// Failed, if not nil, is told of each statement and commit that the database did not
	// carry out.
	Failed func()
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
	db *database
	// file is a SQLite database's, "" for others.
	file string
}

var _ change.Store = (*Store)(nil)

// Open opens the database, waits for its lock, and brings its schema up to date. A
// SQLite file is created with mode 0600 and used by one process at a time; a
// PostgreSQL database may be opened by many, also at once while it is still empty.
// It refuses a schema that is newer than this program. No error holds any part of
// the URL's password.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	addr, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	var db *database
	if addr.postgres != "" {
		db, err = openPostgres(ctx, addr.postgres)
	} else {
		db, err = openSQLite(ctx, addr, cfg)
	}
	if err != nil {
		return nil, err
	}
	db.told = cfg.Failed
	return &Store{Reader: &Reader{db: counted{db.read, db}, close: db.close}, db: db, file: addr.path}, nil
}

// Trouble says in a few words why the database does not carry out what it should, without
// the address or anything else that is nobody's business.
func Trouble(err error) string {
	var file *sqlite.Error
	var server *pgconn.PgError
	switch {
	case errors.As(err, &file) && isDamage(file):
		return "the database file is damaged: restore a backup"
	case errors.As(err, &file) && file.Code()&0xff == sqlite3.SQLITE_FULL:
		return "the disk of the database is full"
	case errors.As(err, &server) && server.Code == "53100": // disk_full
		return "the disk of the database is full"
	case errors.As(err, &server) && strings.HasPrefix(server.Code, "28"): // invalid_authorization_specification
		return "the database does not accept the role or its password"
	case errors.As(err, &server) && server.Code == "25006": // read_only_sql_transaction
		return "the database takes no writes: it is read-only"
	default:
		return "the database does not answer"
	}
}

// OpenBeside opens a database for reading only, beside a bot that may be running on
// it: no lock is taken, nothing is created and no schema is changed. All is read as
// it was when the first of it was read, in one transaction that cannot write; a
// setting of the session would do the same, and behind a connection pooler the bot
// would meet it later. The error is an fs.ErrNotExist where there is no SQLite file
// yet.
func OpenBeside(ctx context.Context, cfg Config) (*Reader, error) {
	addr, err := parseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	var db *sql.DB
	if addr.postgres != "" {
		db, err = dialPostgres(ctx, addr.postgres)
	} else {
		db, err = besideSQLite(ctx, addr)
	}
	if err != nil {
		return nil, err
	}
	t, err := db.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("begin to read database: %w", err), db.Close())
	}
	r := &Reader{db: t, close: func() error { return errors.Join(t.Rollback(), db.Close()) }}
	if err := r.checkSchema(ctx); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}
