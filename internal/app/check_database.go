package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"autoscalebot/internal/store"
)

// database opens the database for reading, so that a bot which runs on it is not
// disturbed.
func (c *checkup) database(ctx context.Context) {
	const item = "DATABASE_URL"
	if c.broken[item] {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	path, isFile := sqlitePath(c.cfg.DatabaseURL)
	if path == ":memory:" {
		c.report.warn(item, "kept in memory only: requests and the audit log are lost when the bot stops")
		return
	}
	err := lookInto(ctx, c.cfg.DatabaseURL)
	var refused *pgconn.PgError
	switch {
	case isFile && (errors.Is(err, fs.ErrNotExist) || isEmpty(path)):
		c.folder(item, filepath.Dir(path))
	case isFile && err == nil && !writable(path):
		c.report.fail(item, "%s can be read and not written. Run the bot as the owner of the file.", path)
	case err == nil:
		c.report.ok(item, "opens, and its schema is this version's")
	case errors.Is(err, store.ErrNewerSchema):
		c.report.fail(item, "a newer version of the bot has been using it. Start that version, or restore a backup.")
	case errors.As(err, &refused) && refused.Code == "42P01": // undefined_table
		c.report.ok(item, "opens and is empty; the bot makes its tables at the first start")
	case errors.Is(err, context.DeadlineExceeded):
		c.report.fail(item, "the database does not answer. Is the address right, and reachable from here?")
	default:
		c.report.fail(item, "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
}

func lookInto(ctx context.Context, url string) error {
	db, err := store.OpenBeside(ctx, store.Config{URL: url})
	if err != nil {
		return err
	}
	return errors.Join(db.Ping(ctx), db.Close())
}

// folder tells whether the bot could make its database there.
func (c *checkup) folder(item, dir string) {
	probe, err := os.CreateTemp(dir, ".autoscalebot-check-*")
	if err != nil {
		c.report.fail(item, "there is no database yet, and none can be made in %s (%s).", dir, reason(err))
		return
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		c.report.warn(item, "there is no database yet. A file that was made to try stays in %s: %s", dir, probe.Name())
		return
	}
	c.report.ok(item, "there is no database yet; the bot makes it in %s", dir)
}

// sqlitePath is the file that a URL names, if it names one.
func sqlitePath(url string) (path string, ok bool) {
	path, ok = strings.CutPrefix(url, "sqlite:")
	return strings.TrimPrefix(path, "//"), ok
}

// isEmpty tells of a file that was made and never written.
func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// writable tries to open the file for writing, and writes nothing.
func writable(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // the operator names the file
	return err == nil && f.Close() == nil
}
