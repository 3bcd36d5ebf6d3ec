package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Rights is what the role of a PostgreSQL URL may do, as far as the bot needs it.
type Rights struct {
	Role string
	// Schema is the version of the tables, 0 where there are none yet; Newest is the one
	// that this program brings them to.
	Schema, Newest int64
	// Lacks holds the rights that the bot needs of the tables that there are and that
	// the role lacks, such as "INSERT on events".
	Lacks []string
	// Migrates tells that the role can make the tables, or alter those that there are.
	Migrates bool
	// OwnsLog tells that the audit log is the role's own: it can switch off the
	// triggers that keep it from being altered.
	OwnsLog bool
}

// needed is what the bot does with its tables while it runs.
const needed = `(VALUES ('chain', 'SELECT'), ('chain', 'UPDATE'),
	('deliveries', 'SELECT'), ('deliveries', 'INSERT'), ('deliveries', 'DELETE'),
	('events', 'SELECT'), ('events', 'INSERT'), ('goose_db_version', 'SELECT'),
	('meta', 'SELECT'), ('meta', 'INSERT'), ('meta', 'UPDATE'),
	('policies', 'SELECT'), ('policies', 'INSERT'), ('policies', 'UPDATE'),
	('processes', 'SELECT'), ('processes', 'INSERT'), ('processes', 'UPDATE'), ('processes', 'DELETE'),
	('requests', 'SELECT'), ('requests', 'INSERT'), ('requests', 'UPDATE'), ('requests', 'DELETE')) AS n (name, may)`

const (
	selectRole = `SELECT current_user, COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false),
		to_regclass('goose_db_version') IS NOT NULL,
		COALESCE(has_table_privilege(to_regclass('goose_db_version'), 'SELECT'), false),
		COALESCE((SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass('events')), false)`
	selectLacks = `SELECT n.may || ' on ' || n.name FROM ` + needed + `
		WHERE to_regclass(n.name) IS NOT NULL AND NOT has_table_privilege(to_regclass(n.name), n.may) ORDER BY n.name, n.may`
)

// RightsOf asks a PostgreSQL database what the role of its URL may do there. It reads
// in one transaction that cannot write, and leaves nothing behind. The URL must not
// be SQLite's.
func RightsOf(ctx context.Context, cfg Config) (out Rights, err error) {
	addr, err := parseURL(cfg.URL)
	if err != nil {
		return out, err
	}
	db, err := dialPostgres(ctx, addr.postgres)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	t, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return out, fmt.Errorf("begin to read database: %w", err)
	}
	defer func() { _ = t.Rollback() }() // it wrote nothing

	var mayCreate, hasTables, readsVersion bool
	out.Newest = newest
	if err := t.QueryRowContext(ctx, selectRole).Scan(&out.Role, &mayCreate, &hasTables, &readsVersion, &out.OwnsLog); err != nil {
		return out, fmt.Errorf("read the rights of the database's role: %w", err)
	}
	if readsVersion {
		out.Schema, err = one(ctx, t, nil, first[int64], `SELECT COALESCE(max(version_id), 0) FROM goose_db_version`)
		if err != nil {
			return out, fmt.Errorf("read schema version: %w", err)
		}
	}
	out.Migrates = mayCreate && (out.OwnsLog || !hasTables)
	if out.Lacks, err = all(ctx, t, first[string], selectLacks); err != nil {
		return out, fmt.Errorf("read the rights of the database's role: %w", err)
	}
	return out, nil
}

// ErrMayNotMigrate means that the tables have to be made or altered by their owner.
var ErrMayNotMigrate = errors.New("the role may not make or alter the tables: run bot migrate once with the URL of the role that owns them")

// orMayNot names the error of a role that lacks the right to migrate.
func orMayNot(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) && e.Code == "42501" { // insufficient_privilege
		return fmt.Errorf("%w (%s)", ErrMayNotMigrate, strings.TrimSpace(e.Message))
	}
	return err
}
