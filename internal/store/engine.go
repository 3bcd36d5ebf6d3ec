package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/riverqueue/river"
)

// engine is one of the two databases: all that differs between them.
type engine interface {
	// tx runs fn in a transaction that can write, and commits it unless fn or ctx
	// ends with an error. A commit that has begun is not given up: once it is on its
	// way nobody could tell what became of it, so its result is awaited and
	// returned, even if ctx ends meanwhile. fn uses nothing but its transaction.
	tx(ctx context.Context, fn func(transaction) error) error
	// reader reads outside of transactions, what was committed before.
	reader() querier
	// work starts River with that configuration; stop ends it, waiting for running
	// jobs until ctx ends.
	work(ctx context.Context, cfg *river.Config) error
	stop(ctx context.Context) error
	close() error
}

// querier runs queries, whose parameters are written $1, $2 …
type querier interface {
	query(ctx context.Context, sql string, args ...any) (rows, error)
}

type transaction interface {
	querier
	// exec returns how many rows were written.
	exec(ctx context.Context, sql string, args ...any) (int64, error)
	insertJobs(ctx context.Context, jobs []river.InsertManyParams) error
	// forUpdate is the clause that locks the rows of a SELECT until the end.
	forUpdate() string
	// isUnique tells a violation of a unique index from other errors.
	isUnique(err error) bool
}

type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	close() error
}

// collect runs a query and scans each of its rows.
func collect[T any](ctx context.Context, q querier, scan func(rows) (T, error), sql string, args ...any) ([]T, error) {
	rows, err := q.query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			_ = rows.close() // the scan's error says more
			return nil, err
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		_ = rows.close()
		return nil, err
	}
	return out, rows.close()
}

// one runs a query for at most one row, and reports whether there was one.
func one[T any](ctx context.Context, q querier, scan func(rows) (T, error), sql string, args ...any) (T, bool, error) {
	all, err := collect(ctx, q, scan, sql, args...)
	if err != nil || len(all) == 0 {
		var none T
		return none, false, err
	}
	return all[0], true, nil
}

// first scans a row of one column.
func first[T any](r rows) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}

// column ties a column to the variable that it is read into and written from.
type column struct {
	name string
	// ref is a pointer for Scan. As an argument it stands for its value.
	ref any
}

func names(cols []column) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c.name
	}
	return out
}

func refs(cols []column) []any {
	out := make([]any, len(cols))
	for i, c := range cols {
		out[i] = c.ref
	}
	return out
}

// withCause makes an error tell that ctx ended, where the database only said that it
// was interrupted.
func withCause(ctx context.Context, err error) error {
	cause := ctx.Err()
	if err == nil || cause == nil || errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}
