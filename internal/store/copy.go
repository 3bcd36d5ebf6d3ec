package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// Copied is what a copy holds.
type Copied struct {
	Requests, Events int
	// Head is the end of its audit log.
	Head Head
}

var (
	// ErrRunning means that a bot works on the database.
	ErrRunning = errors.New("a bot is running on it: stop it first")
	// ErrNotEmpty means that the target of a copy has data already.
	ErrNotEmpty = errors.New("it is not empty: name a new database")
)

// Errors of Copy say which of the two they are about.
type side string

const (
	source side = "source"
	target side = "target"
)

func (s side) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", s, err)
}

// Copy copies the whole database of one URL into the empty one of another, all or
// nothing: every row of every table, as the databases themselves list them, in one
// transaction. Before that is committed, what was written is read again and compared
// with what was read, and the audit log is verified. No bot may run on either: on
// SQLite a lock tells that for sure, on PostgreSQL what processes last said.
func Copy(ctx context.Context, from, to string) (c Copied, err error) {
	if from == to {
		return c, errors.New("source and target are the same database")
	}
	free, err := stopped(ctx, from)
	if err != nil {
		return c, source.wrap(err)
	}
	defer func() { err = errors.Join(err, free()) }()
	reader, err := OpenBeside(ctx, Config{URL: from})
	if err != nil {
		return c, source.wrap(err)
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	// A bot that was started on a PostgreSQL source meanwhile would write what is not
	// copied.
	quiet := func() error {
		free, err := stopped(ctx, from)
		if err != nil {
			return source.wrap(err)
		}
		return free()
	}
	if !isPostgres(from) {
		quiet = func() error { return nil } // the lock is held
	}
	return copyInto(ctx, reader, isPostgres(from), to, quiet)
}

func isPostgres(url string) bool {
	addr, err := parseURL(url)
	return err == nil && addr.postgres != ""
}

// stopped makes sure that no bot works on a database, and for a SQLite file that none
// begins to until free is called.
func stopped(ctx context.Context, url string) (free func() error, err error) {
	addr, err := parseURL(url)
	switch {
	case err != nil:
		return nil, err
	case addr.postgres != "":
		reader, err := OpenBeside(ctx, Config{URL: url})
		if err != nil {
			return nil, err
		}
		return func() error { return nil }, errors.Join(reader.noneAlive(ctx), reader.Close())
	case addr.memory:
		return nil, errors.New("a database in memory cannot be copied")
	}
	if _, err := os.Stat(addr.path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	lock := flock.New(addr.path+".lock", flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, wrapLock(addr.path, err)
	}
	if !ok {
		return nil, ErrRunning
	}
	return lock.Close, nil
}

// noneAlive is ErrRunning where a process says that it works on a PostgreSQL database.
func (r *Reader) noneAlive(ctx context.Context) error {
	n, err := one(ctx, r.db, nil, first[int],
		`SELECT count(*) FROM processes WHERE alive_until > EXTRACT(EPOCH FROM clock_timestamp()) * 1000`)
	if err == nil && n > 0 {
		err = ErrRunning
	}
	return err
}

// copyInto copies what reader sees at one moment into the database of an URL.
func copyInto(ctx context.Context, reader *Reader, fromPostgres bool, to string, quiet func() error) (c Copied, err error) {
	// Nobody waits for the lock of a bot: it would not end by itself.
	db, err := Open(ctx, Config{URL: to, LockWait: time.Millisecond})
	if err != nil {
		return c, target.wrap(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if isPostgres(to) {
		if err := db.noneAlive(ctx); err != nil {
			return c, target.wrap(err)
		}
	}
	from, err := tables(ctx, reader.db, fromPostgres)
	if err != nil {
		return c, source.wrap(err)
	}
	err = db.db.tx(ctx, "copy the database", func(t tx) error {
		there, err := tables(ctx, t, isPostgres(to))
		if err != nil {
			return err
		}
		if err := sameTables(from, there); err != nil {
			return err
		}
		for _, table := range from {
			if err := table.empty(ctx, t); err != nil {
				return target.wrap(err)
			}
		}
		for _, table := range from {
			rows, err := table.copy(ctx, reader.db, t)
			if err != nil {
				return err
			}
			switch table.name {
			case "requests":
				c.Requests = rows
			case "events":
				c.Events = rows
			}
		}
		if c.Head, err = (&Reader{db: t}).Verify(ctx, Head{}); err != nil {
			return err
		}
		return quiet()
	})
	return c, err
}

// chainTable is the one whose row stands in every database: the audit log's head, of an
// empty one at first.
const chainTable = "chain"

// empty is ErrNotEmpty where the table has data.
func (t table) empty(ctx context.Context, q querier) error {
	text := `SELECT 1 FROM ` + t.name + ` LIMIT 1`
	if t.name == chainTable {
		text = `SELECT 1 FROM ` + t.name + ` WHERE seq > 0`
	}
	there, err := one(ctx, q, nil, first[int], text)
	if err == nil && there > 0 {
		err = ErrNotEmpty
	}
	return err
}

// batch is how many rows are written at once. SQLite takes 32766 arguments.
const batch = 100

// copy copies the rows of one table and compares.
func (t table) copy(ctx context.Context, from querier, to tx) (rows int, err error) {
	if t.name == chainTable {
		return t.copyChain(ctx, from, to)
	}
	var read content
	var waiting []any
	flush := func() error {
		if len(waiting) == 0 {
			return nil
		}
		_, err := to.exec(ctx, t.insert(len(waiting)/len(t.columns)), waiting...)
		waiting = waiting[:0]
		return err
	}
	err = t.rows(ctx, from, func(values []any) error {
		read.add(values)
		waiting = append(waiting, values...)
		if len(waiting) == batch*len(t.columns) {
			return flush()
		}
		return nil
	})
	if err := errors.Join(err, flush()); err != nil {
		return 0, fmt.Errorf("table %s: %w", t.name, err)
	}
	return read.rows, t.compare(ctx, read, to)
}

func (t table) copyChain(ctx context.Context, from querier, to tx) (rows int, err error) {
	var read content
	err = t.rows(ctx, from, func(values []any) error {
		read.add(values)
		n, err := to.exec(ctx, `UPDATE `+t.name+` SET `+assignments(t.columns)+` WHERE seq = 0`, values...)
		if err == nil && n == 0 {
			err = target.wrap(ErrNotEmpty)
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("table %s: %w", t.name, err)
	}
	return read.rows, t.compare(ctx, read, to)
}

// compare reads what was written and tells whether it is what was read.
func (t table) compare(ctx context.Context, read content, to tx) error {
	written, err := t.contentOf(ctx, to)
	if err == nil && written != read {
		err = fmt.Errorf("table %s is not the same after it was copied: %d rows were read and %d are there", t.name, read.rows, written.rows)
	}
	return err
}
