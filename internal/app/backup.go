package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"autoscalebot/internal/store"
)

// Backup writes the database into a new SQLite file and tells what is in it. It needs
// DATABASE_URL only, and may be used beside a running bot. The error is ErrAuditBroken
// where the audit log is not as it was written; that backup is kept, and the output
// says so.
func Backup(ctx context.Context, environment map[string]string, out io.Writer, path string) error {
	cfg, _ := LoadConfig(environment) // what else is wrong with it does not matter here
	made, err := store.Backup(ctx, cfg.DatabaseURL, path)
	switch {
	case errors.Is(err, ErrAuditBroken):
		_, _ = fmt.Fprintf(out, "FAIL  %v\n      %s is as the database is; keep it, and do not go on with it\n", err, path) // the exit code tells it too
		return err
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: is DATABASE_URL right, and is there a folder for %s?", err, path)
	case err != nil:
		return fmt.Errorf("backup: %w", err)
	}
	return tellCopied(out, made, path)
}

// Copy copies the database of one URL into the empty one of another.
func Copy(ctx context.Context, out io.Writer, from, to string) error {
	for _, end := range []struct{ flag, url string }{{"--from", from}, {"--to", to}} {
		if err := store.CheckURL(end.url); err != nil {
			return fmt.Errorf("%s: %w", end.flag, err)
		}
	}
	made, err := store.Copy(ctx, from, to)
	if err != nil {
		return fmt.Errorf("nothing was copied: %w", err)
	}
	return tellCopied(out, made, "the copy")
}

func tellCopied(out io.Writer, made store.Copied, what string) error {
	_, err := fmt.Fprintf(out, "ok    %s holds %s and %s, looked through; none of the audit log is altered or missing\nhead  %s\n",
		what, count(made.Requests, "request", "requests"), count(made.Events, "event", "events"), made.Head)
	return err
}
