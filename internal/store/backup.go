package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup writes the database of an URL as it is at one moment into a new SQLite file,
// beside a bot that may be running on it. The file is there only once it is whole and
// was looked through. ErrChain means that the backup is as its database is, whose audit
// log is not as it was written: then the file is kept.
func Backup(ctx context.Context, from, path string) (c Copied, err error) {
	addr, err := parseURL(from)
	if err != nil {
		return c, err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("%s exists already: name a new file", path)
	}
	partial := path + ".partial"
	defer func() {
		for _, name := range []string{partial, partial + "-wal", partial + "-shm", partial + ".lock"} {
			if gone := os.Remove(name); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
				err = errors.Join(err, gone)
			}
		}
	}()
	if addr.postgres != "" {
		c, err = backupPostgres(ctx, from, partial)
	} else {
		c, err = backupSQLite(ctx, addr, partial)
	}
	if err != nil && !errors.Is(err, ErrChain) {
		return c, err
	}
	return c, errors.Join(err, settle(partial, path))
}

// backupSQLite lets SQLite write the file: page by page, so that it is as its database
// is, whatever that holds.
func backupSQLite(ctx context.Context, addr address, path string) (c Copied, err error) {
	from, err := OpenBeside(ctx, Config{URL: "sqlite:" + addr.path}) // refuses what no backup can be made of
	if err != nil {
		return c, err
	}
	if err := from.Close(); err != nil {
		return c, err
	}
	// SQLite takes an empty file, and this one is its owner's alone.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the file
	if err != nil {
		return c, fmt.Errorf("create backup: %w", err)
	}
	if err := file.Close(); err != nil {
		return c, err
	}
	db, err := connect(ctx, addr.path, "mode=ro&_busy_timeout=5000", 1)
	if err != nil {
		return c, err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, path)
	if err := errors.Join(err, db.Close()); err != nil {
		return c, fmt.Errorf("write backup: %w", explainDamage(err))
	}
	return look(ctx, path)
}

// backupPostgres copies what one transaction sees.
func backupPostgres(ctx context.Context, from, path string) (c Copied, err error) {
	reader, err := OpenBeside(ctx, Config{URL: from})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	if _, err := copyInto(ctx, reader, true, "sqlite:"+path, func() error { return nil }); err != nil {
		if errors.Is(err, ErrChain) { // SQLite would not take such a log, and nothing was written
			err = fmt.Errorf("%v: keep it with pg_dump", err) //nolint:errorlint // there is no file to keep
		}
		return c, err
	}
	return look(ctx, path)
}

// look looks through a backup: SQLite's own check, and the audit log.
func look(ctx context.Context, path string) (c Copied, err error) {
	db, err := OpenBeside(ctx, Config{URL: "sqlite:" + path})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	said, err := all(ctx, db.db, first[string], `PRAGMA integrity_check(1)`)
	switch {
	case err != nil:
		return c, err
	case len(said) != 1 || said[0] != "ok":
		return c, fmt.Errorf("the backup is damaged, and so is its database: %v", said)
	}
	if c.Requests, err = one(ctx, db.db, nil, first[int], `SELECT count(*) FROM requests`); err != nil {
		return c, err
	}
	if c.Events, err = one(ctx, db.db, nil, first[int], `SELECT count(*) FROM events`); err != nil {
		return c, err
	}
	c.Head, err = db.Verify(ctx, Head{})
	return c, err
}

// settle gives a file its name once it is on the disk.
func settle(partial, path string) error {
	file, err := os.OpenFile(partial, os.O_RDWR, 0) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(partial, path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
