package store

import (
	"context"
	"fmt"
	"time"

	"autoscalebot/internal/change"
)

// Get implements [change.Store].
func (r *Reader) Get(ctx context.Context, id change.ID) (*change.Request, error) {
	out, found, err := one(ctx, r.db, scanRequest, selectByID, id)
	if err == nil && !found {
		err = change.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("get request %s: %w", id, err)
	}
	return out, nil
}

// Owed implements [change.Store].
func (r *Reader) Owed(ctx context.Context, owner string, now time.Time, limit int) ([]change.ID, error) {
	out, err := collect(ctx, r.db, first[change.ID],
		`SELECT id FROM requests WHERE owed
			AND (claimed_by = '' OR claimed_by = $1 OR claimed_until IS NULL OR claimed_until <= $2)
			ORDER BY created_at, id LIMIT $3`, owner, millis{&now}, limit)
	if err != nil {
		return nil, fmt.Errorf("list owed requests: %w", err)
	}
	return out, nil
}

// Pending implements [change.Store].
func (r *Reader) Pending(ctx context.Context, key string, limit int) ([]*change.Request, error) {
	// ended_at is named so that the index of running requests is used.
	out, err := collect(ctx, r.db, scanRequest, selectRequest+`WHERE state = 'pending' AND ended_at IS NULL
		AND ($1 = '' OR target_key = $1) ORDER BY created_at, id LIMIT $2`, key, limit)
	if err != nil {
		return nil, fmt.Errorf("list pending requests: %w", err)
	}
	return out, nil
}

// AppliedSince implements [change.Store].
func (r *Reader) AppliedSince(ctx context.Context, key string, id change.ID, t time.Time) (bool, error) {
	// The latest is sought, not any since t: for that PostgreSQL reads the table.
	_, found, err := one(ctx, r.db, first[int64], `SELECT 1 FROM requests
			WHERE target_key = $1 AND id <> $2 AND state = 'applying'
		UNION ALL SELECT 1 FROM (SELECT ended_at FROM requests
			WHERE target_key = $1 AND id <> $2 AND state = 'applied'
			ORDER BY ended_at DESC LIMIT 1) AS latest WHERE ended_at >= $3
		LIMIT 1`, key, id, millis{&t})
	if err != nil {
		return false, fmt.Errorf("look for changes of %s: %w", key, err)
	}
	return found, nil
}

// History implements [change.Store]. target is the environment's or deployment's
// name, or the deployment's ID.
func (r *Reader) History(ctx context.Context, modelID, target string, limit int) ([]*change.Request, error) {
	const newest = ` ORDER BY created_at DESC, id DESC LIMIT `
	var (
		out []*change.Request
		err error
	)
	switch {
	case modelID == "":
		out, err = collect(ctx, r.db, scanRequest, selectRequest+newest+`$1`, limit)
	case target == "":
		out, err = collect(ctx, r.db, scanRequest, selectRequest+`WHERE model_id = $1`+newest+`$2`, modelID, limit)
	default:
		out, err = collect(ctx, r.db, scanRequest, selectRequest+`WHERE model_id = $1
			AND (target_name = $2 OR deployment_id = $2)`+newest+`$3`, modelID, target, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("list history: %w", err)
	}
	return out, nil
}

// CountByState counts the requests that have not ended. States without any are
// absent.
func (r *Reader) CountByState(ctx context.Context) (map[change.State]int, error) {
	type count struct {
		state change.State
		n     int
	}
	all, err := collect(ctx, r.db, func(row rows) (count, error) {
		var c count
		err := row.Scan(&c.state, &c.n)
		return c, err
	},
		`SELECT state, count(*) FROM requests WHERE ended_at IS NULL GROUP BY state`)
	if err != nil {
		return nil, fmt.Errorf("count requests: %w", err)
	}
	out := make(map[change.State]int, len(all))
	for _, c := range all {
		out[c.state] = c.n
	}
	return out, nil
}
