package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"autoscalebot/internal/change"
)

// Alive implements [change.Store].
func (s *Store) Alive(ctx context.Context, owner string, d time.Duration) (now time.Time, err error) {
	err = s.db.tx(ctx, "say that a process is alive", func(t tx) error {
		until, err := one(ctx, t, nil, instant, `INSERT INTO processes (owner, alive_until) VALUES ($2, {now} + $3)
			ON CONFLICT (owner) DO UPDATE SET alive_until = excluded.alive_until RETURNING alive_until`, t.d.clock(), owner, d.Milliseconds())
		now = until.Add(-d)
		return err
	})
	return now, err
}

// Gone implements [change.Store].
func (s *Store) Gone(ctx context.Context, owner string) error {
	_, err := s.db.run(ctx, "say that a process is gone", `DELETE FROM processes WHERE owner = $1`, owner)
	return err
}

// leaseDue gives rows to $2. Where another process changes a row while this statement
// runs, PostgreSQL judges the changed row, but by the processes of before: seen,
// which stays as it was, keeps a row from being taken from an owner too new to be
// among them. The clock is read once, since an index cannot be used with one that
// moves.
var leaseDue = `WITH clock AS MATERIALIZED (SELECT {now} AS now),
	due AS MATERIALIZED (
		SELECT r.id FROM requests r JOIN requests seen ON seen.id = r.id AND seen.leased_by = r.leased_by
		WHERE r.due_at <= (SELECT now FROM clock) AND r.leased_by <> $2
			AND r.kind IN (` + places(4, len(change.Kinds())) + `)
			AND NOT EXISTS (SELECT 1 FROM processes p
				WHERE p.owner = r.leased_by AND p.alive_until > (SELECT now FROM clock))
		ORDER BY r.due_at, r.id LIMIT $3{skip})
	UPDATE requests SET leased_by = $2 WHERE id IN (SELECT id FROM due) RETURNING id, due_at`

// Lease implements [change.Store]. What owner holds already is not given again.
func (s *Store) Lease(ctx context.Context, owner string, limit int) ([]change.ID, error) {
	type lease struct {
		id  change.ID
		due int64
	}
	var leases []lease
	err := s.db.tx(ctx, "lease requests", func(t tx) (err error) {
		args := []any{t.d.clock(), owner, max(limit, 0)} // SQLite takes less than none for all
		for _, k := range change.Kinds() {
			args = append(args, k)
		}
		leases, err = all(ctx, t, func(row row) (l lease, err error) {
			err = row.Scan(&l.id, &l.due)
			return l, err
		}, leaseDue, args...)
		return err
	})
	if err != nil {
		return nil, err
	}
	// RETURNING has no order.
	slices.SortFunc(leases, func(a, b lease) int { return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id)) })
	ids := make([]change.ID, len(leases))
	for i, l := range leases {
		ids[i] = l.id
	}
	return ids, nil
}

const releaseLease = `UPDATE requests SET leased_by = '' WHERE id = $1 AND leased_by = $2 AND version = $3`

// Release implements [change.Store].
func (s *Store) Release(ctx context.Context, id change.ID, owner string, version int64) (bool, error) {
	n, err := s.db.run(ctx, "release request "+string(id), releaseLease, id, owner, version)
	return n == 1, err
}

// postpone lets a request rest 1, 2, 4 … 128 minutes, then 4 hours.
const (
	rest     = `CASE WHEN panics < 8 THEN 60000 * (1 << panics) ELSE 14400000 END`
	postpone = `UPDATE requests SET leased_by = '', panics = panics + 1,
		retry_at = clock.now + ` + rest + `, due_at = clock.now + ` + rest + `
		FROM (SELECT {now} AS now) AS clock WHERE id = $2 AND leased_by = $3 RETURNING panics`
)

// errNotLeased: another process has taken it over, or nobody holds it.
var errNotLeased = errors.New("it is not leased by this process")

// Postpone implements [change.Store].
func (s *Store) Postpone(ctx context.Context, id change.ID, owner string) (int, error) {
	var panics int
	err := s.db.tx(ctx, "postpone request "+string(id), func(t tx) (err error) {
		panics, err = one(ctx, t, errNotLeased, first[int], postpone, t.d.clock(), id, owner)
		return err
	})
	return panics, err
}
