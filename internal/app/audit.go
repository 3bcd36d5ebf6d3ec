package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"autoscalebot/internal/change"
	"autoscalebot/internal/store"
)

// Audit says what to export of the audit log.
type Audit struct {
	// Since and Until bound the time: from Since, before Until. Each is a time
	// (RFC 3339), a day (2006-01-02, beginning at midnight UTC), or how long ago
	// (24h, 7d). Empty is no bound.
	Since, Until string
	// Model is a model's ID or name, User a person's Slack ID or name, Request a
	// request's ID as people type it. Of a person's or a model's requests everything
	// is exported.
	Model, User, Request string
	// Format is jsonl or csv.
	Format string
	Now    time.Time
}

// ExportAudit writes the audit log, the oldest event first, while it reads it. It
// needs DATABASE_URL only, takes no lock, and may be used beside a running bot.
func ExportAudit(ctx context.Context, environment map[string]string, out io.Writer, a Audit) (err error) {
	filter, err := a.filter()
	if err != nil {
		return err
	}
	db, err := openBeside(ctx, environment)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()

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

func (a Audit) filter() (f store.AuditFilter, err error) {
	f = store.AuditFilter{Model: a.Model, User: a.User}
	if f.Since, err = parseWhen(a.Since, a.Now); err != nil {
		return f, fmt.Errorf("--since: %w", err)
	}
	if f.Until, err = parseWhen(a.Until, a.Now); err != nil {
		return f, fmt.Errorf("--until: %w", err)
	}
	if a.Request != "" {
		id, ok := change.ParseID(a.Request)
		if !ok {
			return f, fmt.Errorf("--request: %q is no request's ID: these are five letters and digits, as in #7K2M9", a.Request)
		}
		f.Request = id
	}
	return f, nil
}

// openBeside opens the database for reading, beside a bot that may be running on it.
func openBeside(ctx context.Context, environment map[string]string) (*store.Reader, error) {
	cfg, _ := LoadConfig(environment) // what else is wrong with it does not matter here
	db, err := store.OpenBeside(ctx, store.Config{URL: cfg.DatabaseURL})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("DATABASE_URL: there is no such database file yet")
	}
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	return db, nil
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
	if ago, ok := parseAgo(text); ok {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-05-01, 2026-05-01T09:30:00Z, or 24h or 7d for so long ago", text)
}

// parseAgo reads a duration in which days may come first: 36h, 7d, 1d12h.
func parseAgo(text string) (time.Duration, bool) {
	const mostDays = 100_000 // more would not fit into a duration
	var ago time.Duration
	if days, rest, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > mostDays {
			return 0, false
		}
		if ago, text = time.Duration(n)*24*time.Hour, rest; rest == "" {
			return ago, true
		}
	}
	rest, err := time.ParseDuration(text)
	return ago + rest, err == nil && rest >= 0 && ago+rest >= 0
}
