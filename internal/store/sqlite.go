package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteEngine has one connection that writes, in turn with River, and some that
// read beside it (WAL), so that reads need not wait for a write to reach the disk.
type sqliteEngine struct {
	*jobs[*sql.Tx]
	write *sql.DB
	read  *sql.DB // write itself where the database is in memory
	lock  *flock.Flock
	turns turns
	// keep holds a database in memory, which ends with its last connection.
	keep *sql.DB
}

// Options of a connection, see modernc.org/sqlite's Driver.Open. synchronous=FULL
// makes a commit survive a power cut, also in WAL mode. Transactions take the write
// lock at once: one that began by reading could not get it any more.
const (
	optWrite  = "_txlock=immediate&_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_foreign_keys=on"
	optRead   = "mode=ro&_query_only=on&_busy_timeout=5000"
	optMemory = "vfs=memdb&_txlock=immediate&_busy_timeout=5000&_foreign_keys=on"

	readConns = 4
	// migrationConns is one for goose and one for River's own migrator; see open.
	migrationConns = 2
)

// memories numbers the databases in memory: those of one name would be one.
var memories atomic.Int64

func openSQLite(ctx context.Context, addr address, cfg Config) (engine, error) {
	e := &sqliteEngine{}
	if err := e.open(ctx, addr, cfg); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *sqliteEngine) open(ctx context.Context, addr address, cfg Config) error {
	open := e.openFile
	if addr.memory {
		open = e.openMemory
	}
	if err := open(ctx, addr, cfg); err != nil {
		return err
	}
	jobTables := &goose.GoFunc{RunDB: migrateRiverSQLite}
	if err := migrate(ctx, e.write, goose.DialectSQLite3, "sqlite", jobTables); err != nil {
		return err
	}
	// From here on one connection writes, and who wants to write waits for it in
	// Go, in turn and no longer than its context. Before, goose and River's migrator
	// would have waited for each other for ever.
	e.write.SetMaxOpenConns(1)
	var err error
	e.jobs, err = newJobs(cfg, func(c *river.Config) (*river.Client[*sql.Tx], error) {
		return river.NewClient(riversqlite.New(e.write), c)
	})
	return err
}

func (e *sqliteEngine) openFile(ctx context.Context, addr address, cfg Config) (err error) {
	if e.lock, err = lockFile(ctx, addr.path, cfg.LockWait); err != nil {
		return err
	}
	if err := createPrivate(addr.path); err != nil {
		return err
	}
	if e.write, err = connect(ctx, addr.path, optWrite, migrationConns); err != nil {
		return err
	}
	if err := checkDurable(ctx, e.write); err != nil {
		return err
	}
	e.read, err = connect(ctx, addr.path, optRead, readConns)
	return err
}

func (e *sqliteEngine) openMemory(ctx context.Context, _ address, _ Config) (err error) {
	name := fmt.Sprintf("/autoscalebot-%d", memories.Add(1))
	if e.keep, err = connect(ctx, name, optMemory, 1); err != nil {
		return err
	}
	if e.write, err = connect(ctx, name, optMemory, migrationConns); err != nil {
		return err
	}
	e.read = e.write
	return nil
}

// besideSQLite opens the file for reading only. The bot may be writing it.
func besideSQLite(ctx context.Context, addr address) (*Reader, error) {
	if addr.memory {
		return nil, errors.New("a database in memory cannot be read from outside")
	}
	if _, err := os.Stat(addr.path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db, err := connect(ctx, addr.path, optRead, 1)
	if err != nil {
		return nil, err
	}
	return &Reader{db: sqlDB{db}, close: db.Close}, nil
}

func migrateRiverSQLite(ctx context.Context, db *sql.DB) error {
	m, err := rivermigrate.New(riversqlite.New(db), nil)
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, riverTarget())
	return err
}

func (e *sqliteEngine) reader() querier { return sqlDB{e.read} }

// work lets River poll: what it has in place of PostgreSQL's LISTEN asks the file
// twenty times a second, for nothing that this one process does not know.
func (e *sqliteEngine) work(ctx context.Context, cfg *river.Config) error {
	cfg.PollOnly = true
	return e.jobs.work(ctx, cfg)
}

func (e *sqliteEngine) close() error {
	var errs []error
	if e.read != nil && e.read != e.write {
		errs = append(errs, e.read.Close())
	}
	for _, db := range []*sql.DB{e.write, e.keep} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	return errors.Join(errs...)
}

func (e *sqliteEngine) tx(ctx context.Context, fn func(transaction) error) error {
	if err := e.turns.enter(ctx); err != nil {
		return err
	}
	defer e.turns.leave()
	t, err := e.write.BeginTx(ctx, nil)
	if err != nil {
		return withCause(ctx, err)
	}
	defer func() { _ = t.Rollback() }() // does nothing after Commit
	if err := fn(sqliteTx{t, e}); err != nil {
		return withCause(ctx, err)
	}
	return withCause(ctx, t.Commit())
}

type sqliteTx struct {
	*sql.Tx
	e *sqliteEngine
}

func (t sqliteTx) query(ctx context.Context, q string, args ...any) (rows, error) {
	return wrapRows(t.QueryContext(ctx, q, args...))
}

func (t sqliteTx) exec(ctx context.Context, q string, args ...any) (int64, error) {
	res, err := t.ExecContext(ctx, q, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t sqliteTx) insertJobs(ctx context.Context, jobs []river.InsertManyParams) error {
	return t.e.insert(ctx, t.Tx, jobs)
}

// forUpdate is nothing: the transaction holds the write lock of the whole file.
func (t sqliteTx) forUpdate() string { return "" }

func (t sqliteTx) isUnique(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

type sqlDB struct{ *sql.DB }

func (d sqlDB) query(ctx context.Context, q string, args ...any) (rows, error) {
	return wrapRows(d.QueryContext(ctx, q, args...))
}

type sqlRows struct{ *sql.Rows }

func (r sqlRows) close() error { return r.Close() }

func wrapRows(r *sql.Rows, err error) (rows, error) {
	if err != nil {
		return nil, err
	}
	return sqlRows{r}, nil
}
