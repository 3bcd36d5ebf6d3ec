package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"autoscalebot/internal/change"
)

// AuditFilter says which events to export. The zero filter is all of them.
type AuditFilter struct {
	// Since and Until bound the time of the event: from Since, before Until.
	Since, Until time.Time
	// Model is a model's ID, or its name at the time.
	Model string
	// User is a person's ID, or their name at the time.
	User string
}

// auditPage bounds the memory that an export takes.
const auditPage = 500

// Audit hands the events to fn in the order in which they were numbered, and ends
// with fn's error if it returns one. Every event committed before the export began
// is in it. fn may use the store.
func (r *Reader) Audit(ctx context.Context, f AuditFilter, fn func(change.Event) error) error {
	until := int64(math.MaxInt64)
	if !f.Until.IsZero() {
		until = f.Until.UnixMilli()
	}
	last, err := r.before(ctx, f.Since)
	if err != nil {
		return err
	}
	for {
		page, err := collect(ctx, r.db, scanEvent, selectEvent+`WHERE seq > $1
			AND ($2 = '' OR model_id = $2 OR model = $2)
			AND ($3 = '' OR actor = $3 OR actor_name = $3)
			AND at >= $4 AND at < $5
			ORDER BY seq LIMIT $6`,
			last, f.Model, f.User, f.Since.UnixMilli(), until, auditPage)
		if err != nil {
			return fmt.Errorf("read events after %d: %w", last, err)
		}
		for _, e := range page {
			if err := fn(e); err != nil {
				return err
			}
			last = e.Seq
		}
		if len(page) < auditPage {
			return nil
		}
	}
}

// before returns a number below that of every event since t.
func (r *Reader) before(ctx context.Context, t time.Time) (int64, error) {
	if t.IsZero() {
		return 0, nil
	}
	least, _, err := one(ctx, r.db, first[int64],
		`SELECT COALESCE(min(seq), 1) FROM events WHERE at >= $1`, t.UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("find events since %s: %w", t.UTC().Format(time.RFC3339), err)
	}
	return least - 1, nil
}

// Events returns the events of one request, oldest first.
func (r *Reader) Events(ctx context.Context, id change.ID) ([]change.Event, error) {
	out, err := collect(ctx, r.db, scanEvent, selectEvent+`WHERE request = $1 ORDER BY seq`, id)
	if err != nil {
		return nil, fmt.Errorf("read events of %s: %w", id, err)
	}
	return out, nil
}
