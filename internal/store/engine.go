package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// database is one of the two databases: all that differs between them.
type database struct {
	write, read *sql.DB
	// words replaces what is spelled differently in the SQL texts:
	//
	//	{now}   the database's clock in milliseconds. $1 is then what clock returns.
	//	{lock}  locks the rows of a SELECT until the end of the transaction
	//	{skip}  the same for the table r, passing over rows that are locked
	words *strings.Replacer
	// clock is the first argument of a text with {now}: the time of a database that
	// has no clock of its own, nil for one that has.
	clock func() any
	// begin runs first in every transaction, where it is not nil.
	begin func(ctx context.Context, t *sql.Tx) error
	// isUnique tells a violation of a unique index from other errors.
	isUnique func(error) bool
	// turn lets one writer in at a time; nil where the database sees to that.
	turn *turn
	// prepared holds statements of write by their text, for a database to which
	// parsing costs more than running.
	prepared map[string]*sql.Stmt
	// closeRest closes what is beside write and read.
	closeRest func() error
	// told is Config.Failed.
	told func()
}

// failed counts an error of the database and returns it, with what to do where the file
// is damaged. That two writers wanted the
// same, and that the caller gave up, are no failures.
func (d *database) failed(err error) error {
	if err != nil && d.told != nil && !d.isUnique(err) && !errors.Is(err, context.Canceled) {
		d.told()
	}
	return explainDamage(err)
}

// counted is a database whose failures are counted.
type counted struct {
	*sql.DB
	d *database
}

// QueryContext implements querier.
func (c counted) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	rows, err := c.DB.QueryContext(ctx, text, args...)
	return rows, c.d.failed(err)
}

// endWait bounds the wait for the result of a commit that has begun.
const endWait = 5 * time.Second

// tx runs fn in a transaction that can write, and commits it unless fn or ctx ends
// with an error, which then tells what was to be done. ctx ends it until the commit
// begins. From then on nobody could tell what became of it, so its result is awaited
// and returned, even if ctx ends meanwhile. fn uses nothing but its transaction.
func (d *database) tx(ctx context.Context, what string, fn func(tx) error) error {
	if err := d.transact(ctx, fn); err != nil {
		if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w: %w", cause, err) // the database only says that it was interrupted
		}
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (d *database) transact(ctx context.Context, fn func(tx) error) error {
	if err := d.turn.enter(ctx); err != nil {
		return err
	}
	defer d.turn.leave()

	live, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	committing := context.AfterFunc(ctx, end)
	defer committing()
	t, err := d.write.BeginTx(live, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return d.failed(err)
	}
	defer func() { _ = t.Rollback() }() // does nothing after Commit
	if d.begin != nil {
		if err := d.begin(ctx, t); err != nil {
			return d.failed(err)
		}
	}
	if err := fn(tx{t, d}); err != nil {
		return err
	}
	if !committing() {
		return ctx.Err()
	}
	defer time.AfterFunc(endWait, end).Stop()
	return d.failed(t.Commit())
}

func (d *database) close() error {
	var errs []error
	for _, pool := range []*sql.DB{d.read, d.write} {
		if pool != nil {
			errs = append(errs, pool.Close()) // may be one and the same: closed twice is closed
		}
	}
	if d.closeRest != nil {
		errs = append(errs, d.closeRest())
	}
	return errors.Join(errs...)
}

// run is a transaction of one statement. It returns how many rows that wrote.
func (d *database) run(ctx context.Context, what, text string, args ...any) (n int64, err error) {
	err = d.tx(ctx, what, func(t tx) error {
		n, err = t.exec(ctx, text, args...)
		return err
	})
	return n, err
}

// querier runs queries, whose parameters are written $1, $2 …
type querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// tx is a transaction under way.
type tx struct {
	*sql.Tx
	d *database
}

// QueryContext implements querier.
func (t tx) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	var rows *sql.Rows
	var err error
	if stmt := t.d.prepared[text]; stmt != nil {
		rows, err = t.StmtContext(ctx, stmt).QueryContext(ctx, args...) //nolint:sqlclosecheck // closed with the transaction
	} else {
		rows, err = t.Tx.QueryContext(ctx, t.d.words.Replace(text), args...)
	}
	return rows, t.d.failed(err)
}

// exec returns how many rows were written.
func (t tx) exec(ctx context.Context, text string, args ...any) (int64, error) {
	args, err := values(args)
	if err != nil {
		return 0, err
	}
	var done sql.Result
	if stmt := t.d.prepared[text]; stmt != nil {
		done, err = t.StmtContext(ctx, stmt).ExecContext(ctx, args...) //nolint:sqlclosecheck // closed with the transaction
	} else {
		done, err = t.ExecContext(ctx, t.d.words.Replace(text), args...)
	}
	if err != nil {
		return 0, t.d.failed(err)
	}
	return done.RowsAffected()
}

// row is one row of a result.
type row interface{ Scan(dest ...any) error }

// each runs a query and visits its rows.
func each(ctx context.Context, q querier, visit func(row) error, text string, args ...any) error {
	args, err := values(args)
	if err != nil {
		return err
	}
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // Err has told already
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// all runs a query and scans each of its rows.
func all[T any](ctx context.Context, q querier, scan func(row) (T, error), text string, args ...any) ([]T, error) {
	var out []T
	err := each(ctx, q, func(r row) error {
		v, err := scan(r)
		out = append(out, v)
		return err
	}, text, args...)
	return out, err
}

// one runs a query for at most one row. Where there is none it returns the error
// missing, which may be nil.
func one[T any](ctx context.Context, q querier, missing error, scan func(row) (T, error), text string, args ...any) (T, error) {
	rows, err := all(ctx, q, scan, text, args...)
	if err == nil && len(rows) == 0 {
		err = missing
	}
	if err != nil || len(rows) == 0 {
		var none T
		return none, err
	}
	return rows[0], nil
}

// first scans a row of one column.
func first[T any](r row) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}

// instant scans a row of one time.
func instant(r row) (time.Time, error) {
	var t time.Time
	err := r.Scan(millis{&t})
	return t, err
}
