package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"autoscalebot/internal/change"
)

// AuditFilter says which events to export. The zero filter is all of them. Of a
// request in which a person took part, or that is about a model, all events are
// exported, also those that name neither.
type AuditFilter struct {
	// Since and Until bound the time of the event: from Since, before Until.
	Since, Until time.Time
	// Model is a model's ID, or its name at the time.
	Model string
	// User is the ID of a person who asked or acted, or their name at the time.
	User string
	// Request is one request's ID.
	Request change.ID
}

// subject is what an event belongs to: its request, or itself. No request's ID
// begins with #.
const subject = `CASE request WHEN '' THEN '#' || seq ELSE request END`

// where returns the condition of the filter, and what it is about.
func (f AuditFilter) where() (condition string, args []any) {
	var all []string
	add := func(condition string, arg any) {
		args = append(args, arg)
		all = append(all, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(args))))
	}
	if !f.Since.IsZero() {
		add(`at >= ?`, at(f.Since))
	}
	if !f.Until.IsZero() {
		add(`at < ?`, at(f.Until))
	}
	if f.Request != "" {
		add(`request = ?`, f.Request)
	}
	if f.User != "" {
		add(subject+` IN (SELECT `+subject+` FROM events WHERE actor = ? OR actor_name = ?
			UNION SELECT id FROM requests WHERE requester_id = ?)`, f.User)
	}
	if f.Model != "" {
		add(subject+` IN (SELECT `+subject+` FROM events WHERE model_id = ? OR model = ?
			UNION SELECT id FROM requests WHERE model_id = ?)`, f.Model)
	}
	if len(all) == 0 {
		return ``, nil
	}
	return `WHERE ` + strings.Join(all, ` AND `), args
}

// Audit hands the events to fn in the order in which they were numbered, and ends
// with fn's error if it returns one. Every event committed before the export began
// is in it. It reads while fn works: fn must not use the store, which may have no
// other connection.
func (r *Reader) Audit(ctx context.Context, f AuditFilter, fn func(change.Event) error) error {
	condition, args := f.where()
	var fnErr error
	err := each(ctx, r.db, func(row row) error {
		e, err := scanEvent(row)
		if err != nil {
			return err
		}
		fnErr = fn(e)
		return fnErr
	}, selectEvent+condition+` ORDER BY seq`, args...)
	if err != nil && fnErr == nil {
		return fmt.Errorf("read events: %w", err)
	}
	return fnErr
}

// Events returns the events of one request, oldest first.
func (r *Reader) Events(ctx context.Context, id change.ID) ([]change.Event, error) {
	out, err := all(ctx, r.db, scanEvent, selectEvent+`WHERE request = $1 ORDER BY seq`, id)
	if err != nil {
		return nil, fmt.Errorf("read events of %s: %w", id, err)
	}
	return out, nil
}
