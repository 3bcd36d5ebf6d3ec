package store

import (
	"context"
	"time"

	"autoscalebot/internal/change"
)

// OpenOf implements [change.Store].
func (r *Reader) OpenOf(ctx context.Context, personID, channel string, limit int) ([]*change.Request, error) {
	return r.requests(ctx, "list open requests of a person",
		`WHERE ended_at IS NULL AND state IN ('requested', 'pending') AND requester_id = $1 AND channel = $2`+oldestFirst+`$3`, personID, channel, limit)
}

// Forget implements [change.Store].
func (s *Store) Forget(ctx context.Context, id change.ID) error {
	_, err := s.db.run(ctx, "forget request "+string(id), `DELETE FROM requests WHERE id = $1 AND state = 'denied' AND due_at IS NULL`, id)
	return err
}

// Own implements [change.Store]. What runs is little, and has an index of its own.
func (r *Reader) Own(ctx context.Context, personID string, since time.Time, limit int) ([]*change.Request, error) {
	return r.requests(ctx, "list a person's requests", `WHERE id IN (
		SELECT id FROM (SELECT id FROM requests WHERE ended_at IS NULL AND requester_id = $1 AND model_id <> ''`+newestFirst+`$3) AS open
		UNION SELECT id FROM (SELECT id FROM requests WHERE ended_at IS NOT NULL AND requester_id = $1 AND model_id <> '' AND ended_at >= $2
			ORDER BY ended_at DESC LIMIT $3) AS ended)`+newestFirst+`$3`, personID, at(since), limit)
}
