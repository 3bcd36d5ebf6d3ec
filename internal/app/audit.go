package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"autoscalebot/internal/change"
	"autoscalebot/internal/store"
)

// Audit says what to export of the audit log.
type Audit struct {
	// Since and Until bound the time: from Since, before Until. Each is a time
	// (RFC 3339), a day (2006-01-02, beginning at midnight UTC), or how long ago
	// (24h). Empty is no bound.
	Since, Until string
	// Model is a model's ID or name, User a person's Slack ID or name.
	Model, User string
	// Format is jsonl or csv.
	Format string
	Now    time.Time
}

// ExportAudit writes the audit log, the oldest event first, while it reads it. It
// needs DATABASE_URL only, takes no lock, and may be used beside a running bot.
func ExportAudit(ctx context.Context, environment map[string]string, out io.Writer, a Audit) (err error) {
	filter := store.AuditFilter{Model: a.Model, User: a.User}
	if filter.Since, err = parseWhen(a.Since, a.Now); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if filter.Until, err = parseWhen(a.Until, a.Now); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	// What else is wrong with the configuration does not matter here.
	cfg, _ := LoadConfig(environment)
	db, err := store.OpenBeside(ctx, store.Config{URL: cfg.DatabaseURL})
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("DATABASE_URL: there is no such database file yet")
	}
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer func() {
		if closeErr := db.Close(); err == nil {
			err = closeErr
		}
	}()

	buffered := bufio.NewWriter(out)
	write := jsonLines(buffered)
	if a.Format == "csv" {
		if write, err = csvRows(buffered); err != nil {
			return err
		}
	}
	if err := db.Audit(ctx, filter, write); err != nil {
		return fmt.Errorf("export the audit log: %w", err)
	}
	return buffered.Flush()
}

// jsonLines writes each event as one line of JSON.
func jsonLines(out io.Writer) func(change.Event) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return func(e change.Event) error { return encoder.Encode(e) }
}

// parseWhen reads a bound of the time, zero if there is none.
func parseWhen(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-05-01, 2026-05-01T09:30:00Z, or 24h for a day ago", text)
}
