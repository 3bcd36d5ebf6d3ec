package store

import (
	"context"
	"fmt"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// Reader reads a database. Its methods may be called by many goroutines.
type Reader struct {
	db    querier
	close func() error
}

// Close closes the database.
func (r *Reader) Close() error { return r.close() }

// requests reads requests; rest is what follows the columns and the table.
func (r *Reader) requests(ctx context.Context, what, rest string, args ...any) ([]*change.Request, error) {
	out, err := all(ctx, r.db, scanRequest, selectRequest+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return out, nil
}

// Get implements [change.Store].
func (r *Reader) Get(ctx context.Context, id change.ID) (*change.Request, error) {
	out, err := one(ctx, r.db, change.ErrNotFound, scanRequest, selectRequest+`WHERE id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("get request %s: %w", id, err)
	}
	return out, nil
}

// The condition that a request has not ended is in these texts so that the indexes
// of those that run are used, which stay small.
const (
	isPending   = `WHERE state = 'pending' AND ended_at IS NULL `
	oldestFirst = ` ORDER BY created_at, id LIMIT `
	newestFirst = ` ORDER BY created_at DESC, id DESC LIMIT `
	latestFirst = ` ORDER BY reached_at DESC, id DESC LIMIT `
)

// Pending implements [change.Store].
func (r *Reader) Pending(ctx context.Context, modelID string, limit int) ([]*change.Request, error) {
	const what = "list pending requests"
	if modelID == "" {
		return r.requests(ctx, what, isPending+oldestFirst+`$1`, limit)
	}
	return r.requests(ctx, what, isPending+`AND model_id = $1`+oldestFirst+`$2`, modelID, limit)
}

// Neighbours implements [change.Store].
func (r *Reader) Neighbours(ctx context.Context, t baseten.Target, limit int) ([]*change.Request, error) {
	return r.requests(ctx, "list pending requests of one target", isPending+`AND `+overlapping+oldestFirst+`$4`, targetArgs(t, limit)...)
}

// selectOvertaken seeks the latest, not any: for any PostgreSQL may read the table.
const selectOvertaken = `SELECT 1 FROM requests
		WHERE ` + overlapping + ` AND id <> $4 AND state = 'applying' AND ended_at IS NULL
	UNION ALL SELECT 1 FROM (SELECT ended_at FROM requests
		WHERE ` + overlapping + ` AND id <> $4 AND state = 'applied' AND kind <> 'freeze' AND ended_at >= $5
		ORDER BY ended_at DESC LIMIT 1) AS latest
	LIMIT 1`

// Overtaken implements [change.Store].
func (r *Reader) Overtaken(ctx context.Context, t baseten.Target, id change.ID, since time.Time) (bool, error) {
	found, err := one(ctx, r.db, nil, first[int], selectOvertaken, targetArgs(t, id, at(since))...)
	if err != nil {
		return false, fmt.Errorf("look for later changes of a target: %w", err)
	}
	return found == 1, nil
}

// Told implements [change.Store].
func (r *Reader) Told(ctx context.Context, t baseten.Target, since time.Time) ([]*change.Request, error) {
	return r.requests(ctx, "list bad news of a target",
		`WHERE `+overlapping+` AND news_at >= $4 ORDER BY news_at DESC, id`, targetArgs(t, at(since))...)
}

// Denied implements [change.Store]. That somebody denied it is in the text so that its
// index is used.
func (r *Reader) Denied(ctx context.Context, t baseten.Target, since time.Time) ([]*change.Request, error) {
	return r.requests(ctx, "list denials of a target",
		`WHERE `+overlapping+` AND denied_by <> '' AND ended_at >= $4 ORDER BY ended_at DESC, id`, targetArgs(t, at(since))...)
}

// Holding implements [change.Store].
func (r *Reader) Holding(ctx context.Context, t baseten.Target) ([]*change.Request, error) {
	return r.requests(ctx, "list temporary changes of a target",
		`WHERE kind = 'change' AND ends_at IS NOT NULL AND `+overlapping+` ORDER BY ends_at, id`, targetArgs(t)...)
}

// Temporary implements [change.Store].
func (r *Reader) Temporary(ctx context.Context, modelID string, limit int) ([]*change.Request, error) {
	const what, holds, byEnd = "list temporary changes", `WHERE kind = 'change' AND ends_at IS NOT NULL`, ` ORDER BY ends_at, id LIMIT `
	if modelID == "" {
		return r.requests(ctx, what, holds+byEnd+`$1`, limit)
	}
	return r.requests(ctx, what, holds+` AND model_id = $1`+byEnd+`$2`, modelID, limit)
}

// Freezes implements [change.Store].
func (r *Reader) Freezes(ctx context.Context, t *baseten.Target, now time.Time) ([]*change.Request, error) {
	const what, byEnd = "list freezes", ` ORDER BY ends_at, id`
	if t == nil {
		return r.requests(ctx, what, `WHERE kind = 'freeze' AND ends_at > $1`+byEnd, at(now))
	}
	return r.requests(ctx, what, `WHERE `+freezing+byEnd, targetArgs(*t, at(now))...)
}

// OverdueEnds counts the temporary changes whose time is up and whose settings have not
// gone back.
func (r *Reader) OverdueEnds(ctx context.Context, now time.Time) (int, error) {
	n, err := one(ctx, r.db, nil, first[int], `SELECT count(*) FROM requests WHERE kind = 'change' AND ends_at <= $1`, at(now))
	if err != nil {
		return 0, fmt.Errorf("count overdue ends: %w", err)
	}
	return n, nil
}

// Unreviewed implements [change.Store].
func (r *Reader) Unreviewed(ctx context.Context, limit int) ([]*change.Request, error) {
	return r.requests(ctx, "list open reviews", `WHERE review_open`+oldestFirst+`$1`, limit)
}

// selectOfTarget lets an index answer each of the two.
const selectOfTarget = `WHERE id IN (
		SELECT id FROM (SELECT id FROM requests WHERE model_id = $1 AND target_name = $2` + newestFirst + `$3) AS named
		UNION SELECT id FROM (SELECT id FROM requests WHERE model_id = $1 AND deployment_id = $2` + newestFirst + `$3) AS deployed)`

// History implements [change.Store].
func (r *Reader) History(ctx context.Context, modelID, target string, limit int) ([]*change.Request, error) {
	const what = "list history"
	switch {
	case modelID == "":
		return r.requests(ctx, what, newestFirst+`$1`, limit)
	case target == "":
		return r.requests(ctx, what, `WHERE model_id = $1`+newestFirst+`$2`, modelID, limit)
	default:
		return r.requests(ctx, what, selectOfTarget+newestFirst+`$3`, modelID, target, limit)
	}
}

// selectReachedOfTarget is selectOfTarget for what reached Baseten.
const selectReachedOfTarget = `WHERE reached_at IS NOT NULL AND id IN (
		SELECT id FROM (SELECT id FROM requests WHERE model_id = $1 AND target_name = $2 AND reached_at IS NOT NULL` + latestFirst + `$3) AS named
		UNION SELECT id FROM (SELECT id FROM requests WHERE model_id = $1 AND deployment_id = $2 AND reached_at IS NOT NULL` + latestFirst + `$3) AS deployed)`

// Reached implements [change.Store].
func (r *Reader) Reached(ctx context.Context, modelID, target string, limit int) ([]*change.Request, error) {
	const what, reached = "list what reached baseten", `WHERE reached_at IS NOT NULL`
	switch {
	case modelID == "":
		return r.requests(ctx, what, reached+latestFirst+`$1`, limit)
	case target == "":
		return r.requests(ctx, what, reached+` AND model_id = $1`+latestFirst+`$2`, modelID, limit)
	default:
		return r.requests(ctx, what, selectReachedOfTarget+latestFirst+`$3`, modelID, target, limit)
	}
}

// Resolved implements [change.Store].
func (r *Reader) Resolved(ctx context.Context, limit int) ([]*change.Request, error) {
	return r.requests(ctx, "list requests of known targets", `WHERE model_id <> ''`+newestFirst+`$1`, limit)
}

// Waiting is how many requests are in a state, and since when the oldest exists.
type Waiting struct {
	Requests int
	Oldest   time.Time
}

// CountByState counts the requests that have not ended. States without any are
// absent.
func (r *Reader) CountByState(ctx context.Context) (map[change.State]Waiting, error) {
	out := make(map[change.State]Waiting)
	err := each(ctx, r.db, func(row row) error {
		var state change.State
		var w Waiting
		err := row.Scan(&state, &w.Requests, millis{&w.Oldest})
		out[state] = w
		return err
	}, `SELECT state, count(*), min(created_at) FROM requests WHERE ended_at IS NULL GROUP BY state`)
	if err != nil {
		return nil, fmt.Errorf("count requests: %w", err)
	}
	return out, nil
}

// OpenReviews counts the requests whose break-glass nobody has signed yet.
func (r *Reader) OpenReviews(ctx context.Context) (int, error) {
	n, err := one(ctx, r.db, nil, first[int], `SELECT count(*) FROM requests WHERE review_open`)
	if err != nil {
		return 0, fmt.Errorf("count open reviews: %w", err)
	}
	return n, nil
}

// Ping reports whether the database answers a question about one of its tables.
func (r *Reader) Ping(ctx context.Context) error {
	if _, err := r.Head(ctx); err != nil {
		return fmt.Errorf("ping database: %w", err)
	}
	return nil
}
