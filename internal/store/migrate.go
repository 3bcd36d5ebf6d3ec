package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrationFiles embed.FS

// newest is the version of the schema that this program knows. SQL files carry
// theirs in the name; a replica of the previous version may still be running on each
// new one.
const newest = 3

// versionAppendOnly is where the two databases differ.
const versionAppendOnly = 2

// ErrNewerSchema means that the database was written by a newer version of the bot.
var ErrNewerSchema = errors.New("the database was written by a newer version of the bot: start that version, or restore a backup")

func checkVersion(found int64) error {
	if found > newest {
		return fmt.Errorf("%w (schema %d, this version knows %d)", ErrNewerSchema, found, newest)
	}
	return nil
}

// migrate brings the schema up to date. folder holds what this database alone needs.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, folder string) error {
	p, err := migrations(db, dialect, folder)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	found, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if err := checkVersion(found); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate database: %w", err)
	}
	return nil
}

// migrations are all versions of the schema.
func migrations(db *sql.DB, dialect goose.Dialect, folder string) (*goose.Provider, error) {
	shared, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db, shared,
		goose.WithGoMigrations(goose.NewGoMigration(versionAppendOnly, runFile("migrations/"+folder+"/00002_append_only.sql"), nil)),
		goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()),
	)
}

// runFile is the migration that runs an embedded file of several statements.
func runFile(name string) *goose.GoFunc {
	return &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, string(text))
		return err
	}}
}

// checkSchema refuses a schema that this program cannot read as it is.
func (r *Reader) checkSchema(ctx context.Context) error {
	found, err := one(ctx, r.db, nil, first[int64], `SELECT COALESCE(max(version_id), 0) FROM goose_db_version`)
	if err != nil {
		return fmt.Errorf("read schema version (has the bot been started on this database?): %w", err)
	}
	if err := checkVersion(found); err != nil {
		return err
	}
	if found < newest {
		return fmt.Errorf("the database has schema %d and this version reads %d: start the bot once to bring it up to date", found, newest)
	}
	return nil
}
