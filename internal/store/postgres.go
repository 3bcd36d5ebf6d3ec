package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

type postgresEngine struct {
	*jobs[pgx.Tx]
	pool *pgxpool.Pool
}

const (
	// defaultConns is the size of the pool where the URL does not say
	// pool_max_conns; leastConns is what River, a migration and its lock take.
	defaultConns = 10
	leastConns   = 4
	// endWait bounds the wait for the result of a commit that has begun.
	endWait = 5 * time.Second
	// migrationLock is an advisory lock of this program, so that replicas which
	// start together migrate one after the other.
	migrationLock = 0x6175746f7363616c // "autoscal"
	// idleLimit ends the transaction of a replica that was frozen in the middle of
	// it, so that the others get at its rows.
	idleLimit = `SET idle_in_transaction_session_timeout = '15s'`
	readOnly  = `SET default_transaction_read_only = on`
)

// errPostgresURL replaces the parser's error, which may quote the password.
var errPostgresURL = errors.New("cannot read the database URL: write postgres://USER:PASSWORD@HOST:PORT/NAME, with special characters of the password percent-encoded")

func openPostgres(ctx context.Context, url string, cfg Config) (engine, error) {
	pool, err := dial(ctx, url, idleLimit)
	if err != nil {
		return nil, err
	}
	e := &postgresEngine{pool: pool}
	if err := e.migrate(ctx); err != nil {
		return nil, errors.Join(err, e.close())
	}
	e.jobs, err = newJobs(cfg, func(c *river.Config) (*river.Client[pgx.Tx], error) {
		return river.NewClient(riverpgxv5.New(pool), c)
	})
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func besidePostgres(ctx context.Context, url string) (*Reader, error) {
	pool, err := dial(ctx, url, readOnly)
	if err != nil {
		return nil, err
	}
	e := &postgresEngine{pool: pool}
	return &Reader{db: e.reader(), close: e.close}, nil
}

// dial connects; each connection begins with the statement setUp.
func dial(ctx context.Context, url, setUp string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errPostgresURL
	}
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = defaultConns
	}
	cfg.MaxConns = max(cfg.MaxConns, leastConns)
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, setUp)
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, errPostgresURL
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return pool, nil
}

func (e *postgresEngine) migrate(ctx context.Context) error {
	// One try a second for five minutes.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 300))
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(e.pool)
	defer func() { _ = db.Close() }() // leaves the pool open
	jobTables := &goose.GoFunc{RunDB: e.migrateRiver}
	return migrate(ctx, db, goose.DialectPostgres, "postgres", jobTables, goose.WithSessionLocker(locker))
}

func (e *postgresEngine) migrateRiver(ctx context.Context, _ *sql.DB) error {
	m, err := rivermigrate.New(riverpgxv5.New(e.pool), nil)
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, riverTarget())
	return err
}

func (e *postgresEngine) reader() querier { return pgPool{e.pool} }

func (e *postgresEngine) close() error {
	e.pool.Close()
	return nil
}

func (e *postgresEngine) tx(ctx context.Context, fn func(transaction) error) error {
	t, err := e.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return withCause(ctx, err)
	}
	defer func() { // does nothing after Commit
		end, cancel := ending(ctx)
		defer cancel()
		_ = t.Rollback(end)
	}()
	if err := fn(pgTx{t, e}); err != nil {
		return withCause(ctx, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	end, cancel := ending(ctx)
	defer cancel()
	return t.Commit(end)
}

// ending is the context in which a transaction is ended, whatever became of ctx.
func ending(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), endWait)
}

type pgTx struct {
	pgx.Tx
	e *postgresEngine
}

func (t pgTx) query(ctx context.Context, q string, args ...any) (rows, error) {
	return wrapPgRows(t.Query(ctx, q, args...))
}

func (t pgTx) exec(ctx context.Context, q string, args ...any) (int64, error) {
	tag, err := t.Exec(ctx, q, args...)
	return tag.RowsAffected(), err
}

func (t pgTx) insertJobs(ctx context.Context, jobs []river.InsertManyParams) error {
	return t.e.insert(ctx, t.Tx, jobs)
}

func (t pgTx) forUpdate() string { return " FOR UPDATE" }

func (t pgTx) isUnique(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505" // unique_violation
}

type pgPool struct{ *pgxpool.Pool }

func (p pgPool) query(ctx context.Context, q string, args ...any) (rows, error) {
	return wrapPgRows(p.Query(ctx, q, args...))
}

type pgRows struct{ pgx.Rows }

func (r pgRows) close() error {
	r.Close()
	return r.Err()
}

func wrapPgRows(r pgx.Rows, err error) (rows, error) {
	if err != nil {
		return nil, err
	}
	return pgRows{r}, nil
}
