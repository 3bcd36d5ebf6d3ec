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
)

const (
	// defaultConns is the size of the pool where the URL does not say
	// pool_max_conns; leastConns is what a migration and its lock take.
	defaultConns = 10
	leastConns   = 2
	// migrationLock is an advisory lock of this program, so that replicas which
	// start together migrate one after the other.
	migrationLock = 0x6175746f7363616c // "autoscal"
	// lockEvery is how often a replica looks whether another has finished migrating.
	lockEvery = 100 * time.Millisecond
	// idleLimit ends the transaction of a replica that was frozen in the middle of
	// it, so that the others get at its rows.
	idleLimit = `SET LOCAL idle_in_transaction_session_timeout = '15s'`
	// postgresNow is the clock at this moment, not at the start of the transaction,
	// which may have waited for a row since.
	postgresNow = `COALESCE(CAST($1 AS BIGINT), CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT))`
)

var postgresWords = strings.NewReplacer(
	"{now}", postgresNow,
	"{lock}", " FOR UPDATE",
	"{skip}", " FOR UPDATE OF r SKIP LOCKED",
)

// errPostgresURL replaces the parser's error, which may quote the password.
var errPostgresURL = errors.New("cannot read the database URL: write postgres://USER:PASSWORD@HOST:PORT/NAME, with special characters of the password percent-encoded")

func openPostgres(ctx context.Context, url string) (*database, error) {
	pool, err := dialPostgres(ctx, url)
	if err != nil {
		return nil, err
	}
	if err := migratePostgres(ctx, pool); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return &database{
		write: pool, read: pool,
		words: postgresWords,
		clock: func() any { return nil },
		begin: func(ctx context.Context, t *sql.Tx) error {
			_, err := t.ExecContext(ctx, idleLimit)
			return err
		},
		isUnique: isPostgresUnique,
	}, nil
}

// dialPostgres connects. The connections work behind a pooler in transaction mode
// (pgbouncer), where each transaction may meet another session: nothing is set in a
// session, and no statement is kept in one. That is what exec does: each statement
// goes with its arguments in one message, typed by what they are in Go.
func dialPostgres(ctx context.Context, url string) (*sql.DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errPostgresURL
	}
	if !strings.Contains(url, "default_query_exec_mode") {
		cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	conns := max(int(cfg.MaxConns), leastConns)
	if !strings.Contains(url, "pool_max_conns") {
		conns = defaultConns
	}
	pool := stdlib.OpenDB(*cfg.ConnConfig)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxLifetime(cfg.MaxConnLifetime)
	pool.SetConnMaxIdleTime(cfg.MaxConnIdleTime)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to PostgreSQL: %w", err), pool.Close())
	}
	return pool, nil
}

// migratePostgres migrates while a transaction of its own holds the lock: a lock of
// the session would outlive it behind a pooler. Who waits for the lock holds no
// session meanwhile: replicas that start together would take all that a pooler has,
// and leave none to the one that migrates.
func migratePostgres(ctx context.Context, pool *sql.DB) error {
	for {
		locked, err := migrateLocked(ctx, pool)
		if locked || err != nil {
			return err
		}
		select {
		case <-time.After(lockEvery):
		case <-ctx.Done():
			return fmt.Errorf("lock database to migrate: %w", ctx.Err())
		}
	}
}

// migrateLocked migrates unless somebody else does, and reports whether it could.
func migrateLocked(ctx context.Context, pool *sql.DB) (locked bool, err error) {
	t, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("lock database to migrate: %w", err)
	}
	defer func() { _ = t.Rollback() }() // it wrote nothing
	if err := t.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(migrationLock)).Scan(&locked); err != nil {
		return false, fmt.Errorf("lock database to migrate: %w", err)
	}
	if !locked {
		return false, nil
	}
	return true, orMayNot(migrate(ctx, pool, goose.DialectPostgres, "postgres"))
}

func isPostgresUnique(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505" // unique_violation
}
