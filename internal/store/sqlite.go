package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Options of a connection, see modernc.org/sqlite's Driver.Open. synchronous=FULL
// makes a commit survive a power cut, also in WAL mode. Transactions take the write
// lock at once: one that began by reading could not get it any more.
const (
	optWrite  = "_txlock=immediate&_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_foreign_keys=on"
	optRead   = "mode=ro&_query_only=on&_busy_timeout=5000"
	optMemory = "_txlock=immediate&_foreign_keys=on"

	memoryName = ":memory:"
	// readConns read a file beside the one connection that writes it (WAL), so that
	// reads need not wait for a write to reach the disk.
	readConns = 4
)

// sqliteWords: SQLite has no clock that tests could move, and a transaction holds
// the write lock of the whole file.
var sqliteWords = strings.NewReplacer("{now}", "$1", "{lock}", "", "{skip}", "")

func openSQLite(ctx context.Context, addr address, cfg Config) (_ *database, err error) {
	d := &database{words: sqliteWords, isUnique: isSQLiteUnique, turn: newTurn()}
	d.clock = func() any { return cfg.Now().UnixMilli() }
	defer func() {
		if err != nil {
			err = errors.Join(explainDamage(err), d.close())
		}
	}()
	if addr.memory {
		// The database is this one connection: who reads waits for who writes.
		d.write, err = connect(ctx, memoryName, optMemory, 1)
		d.read = d.write
	} else {
		err = d.openFile(ctx, addr.path, cfg)
	}
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, d.write, goose.DialectSQLite3, "sqlite"); err != nil {
		return nil, err
	}
	// No other process is alive: this one has the file for itself.
	if _, err := d.write.ExecContext(ctx, `DELETE FROM processes`); err != nil {
		return nil, fmt.Errorf("end old leases: %w", err)
	}
	if err := d.prepare(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// openFile opens a database file, which this process then has for itself.
func (d *database) openFile(ctx context.Context, path string, cfg Config) error {
	lock, err := lockFile(ctx, path, cfg)
	if err != nil {
		return err
	}
	d.closeRest = lock.Close
	if err := makePrivate(path, cfg.Log); err != nil {
		return err
	}
	if d.write, err = connect(ctx, path, optWrite, 1); err != nil {
		return err
	}
	if err := checkDurable(ctx, d.write); err != nil {
		return err
	}
	d.read, err = connect(ctx, path, optRead, readConns)
	return err
}

// prepare keeps what is written most: to parse and plan that takes SQLite two to four
// times as long as to run it.
func (d *database) prepare(ctx context.Context) error {
	d.prepared = make(map[string]*sql.Stmt)
	for _, text := range []string{
		insertDelivery, lockRequest, insertRequest, updateRequest, selectEarlier,
		lockHead, insertEvent, updateHead, leaseDue, releaseLease,
	} {
		stmt, err := d.write.PrepareContext(ctx, d.words.Replace(text)) //nolint:sqlclosecheck // closed with the database
		if err != nil {
			return fmt.Errorf("prepare %.40q: %w", text, err)
		}
		d.prepared[text] = stmt
	}
	return nil
}

// besideSQLite opens the file for reading only. The bot may be writing it.
func besideSQLite(ctx context.Context, addr address) (*sql.DB, error) {
	if addr.memory {
		return nil, errors.New("a database in memory cannot be read from outside")
	}
	if _, err := os.Stat(addr.path); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	db, err := connect(ctx, addr.path, optRead, 1)
	return db, explainDamage(err)
}

func isSQLiteUnique(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

// explainDamage tells what to do where the file is not, or no longer, a database.
func explainDamage(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && isDamage(e) {
		return fmt.Errorf("the database file is damaged: restore a backup: %w", err)
	}
	return err
}

func isDamage(e *sqlite.Error) bool {
	return e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code() == sqlite3.SQLITE_NOTADB
}
