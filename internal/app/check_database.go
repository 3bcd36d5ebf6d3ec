package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
	if !isFile && !c.rights(ctx, item) {
		return
	}
	err := lookInto(ctx, c.cfg.DatabaseURL)
	switch {
	case isFile && (errors.Is(err, fs.ErrNotExist) || isEmpty(path)):
		c.folder(item, filepath.Dir(path))
	case isFile && err == nil && !writable(path):
		c.report.fail(item, "%s can be read and not written. Run the bot as the owner of the file.", path)
	case err == nil && c.splitRoles:
		c.report.ok(item, "opens, its schema is this version's, and its role cannot alter the audit log")
	case err == nil:
		c.report.ok(item, "opens, and its schema is this version's")
	case errors.Is(err, store.ErrNewerSchema):
		c.report.fail(item, "a newer version of the bot has been using it. Start that version, or restore a backup.")
	case errors.Is(err, context.DeadlineExceeded):
		c.report.fail(item, "the database does not answer. Is the address right, and reachable from here?")
	default:
		c.report.fail(item, "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
}

// rights looks at what the role of a PostgreSQL URL may do. It reports whether the
// tables are there and can be looked into; otherwise it has told already.
func (c *checkup) rights(ctx context.Context, item string) bool {
	r, err := store.RightsOf(ctx, store.Config{URL: c.cfg.DatabaseURL})
	switch {
	case err != nil:
		return true // looking into it says why
	case len(r.Lacks) > 0:
		c.report.fail(item, "the role %s lacks %s. Grant that, as docs/operate.md has it.", r.Role, strings.Join(r.Lacks, ", "))
	case r.Schema >= r.Newest:
		c.splitRoles = !r.OwnsLog
		return true
	case !r.Migrates && r.Schema == 0:
		c.report.fail(item, "it is empty, and the role %s may not make tables (CREATE on the schema). Run bot migrate once with the URL of the role that is to own them.", r.Role)
	case !r.Migrates:
		c.report.fail(item, "its schema is %d, this version needs %d, and the role %s may not alter the tables. Run bot migrate once with the URL of the role that owns them.", r.Schema, r.Newest, r.Role)
	case r.Schema == 0:
		c.report.ok(item, "opens and is empty; the bot makes its tables at the first start")
	default:
		c.report.ok(item, "opens; the bot brings its schema from %d to %d at the next start", r.Schema, r.Newest)
	}
	return false
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
