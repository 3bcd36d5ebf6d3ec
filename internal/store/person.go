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

// selectOwn lets an index answer each of the two: of what runs, and of a person's ends.
const selectOwn = `WHERE model_id <> '' AND id IN (
		SELECT id FROM (SELECT id FROM requests
			WHERE ended_at IS NULL AND state IN ('requested', 'pending', 'approved', 'applying') AND requester_id = $1
			ORDER BY created_at DESC LIMIT $3) AS running
		UNION SELECT id FROM (SELECT id FROM requests
			WHERE ended_at IS NOT NULL AND model_id <> '' AND requester_id = $1 AND ended_at >= $2
			ORDER BY ended_at DESC LIMIT $3) AS ended)`

// Own implements [change.Store].
func (r *Reader) Own(ctx context.Context, personID string, since time.Time, limit int) ([]*change.Request, error) {
	return r.requests(ctx, "list a person's requests", selectOwn+newestFirst+`$3`, personID, at(since), limit)
}
