package store

import (
	"context"

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
