package store

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"autoscalebot/internal/change"
)

// Create implements [change.Store]. r becomes what Get returns, at version 1.
func (s *Store) Create(ctx context.Context, d change.Delivery, r *change.Request, e change.Effects) error {
	fresh := *r
	fresh.Version = 1
	settle(&fresh)
	err := s.db.tx(ctx, func(t transaction) error {
		if err := s.deliver(ctx, t, d); err != nil {
			return err
		}
		n, err := t.exec(ctx, insertRequest, refs(append(requestColumns(&fresh), derivedColumns(&fresh)...))...)
		if err != nil {
			return orBusy(t, err)
		}
		if n == 0 {
			return change.ErrIDTaken
		}
		return s.effects(ctx, t, e)
	})
	if err != nil {
		return fmt.Errorf("create request %s: %w", r.ID, err)
	}
	*r = fresh
	return nil
}

// Change implements [change.Store]. step runs inside the transaction: it computes
// and does nothing else, because on SQLite nobody can write until it returns, and
// calling the store would wait for ever. The request returned is what Get returns.
//
// Where ctx ends before the commit begins, nothing is written. A commit under way
// is awaited for some seconds: nil means that it is durable, even if ctx ended
// meanwhile. Only on PostgreSQL, when the connection breaks in the middle of a
// commit, may an error be returned for what was written; the same delivery then
// answers ErrDelivered.
func (s *Store) Change(ctx context.Context, d change.Delivery, id change.ID, step func(*change.Request) (change.Effects, error)) (*change.Request, error) {
	r := new(change.Request)
	var stepErr error
	err := s.db.tx(ctx, func(t transaction) error {
		if err := s.deliver(ctx, t, d); err != nil {
			return err
		}
		*r = change.Request{}
		cols := requestColumns(r)
		_, found, err := one(ctx, t, func(row rows) (bool, error) { return true, row.Scan(refs(cols)...) },
			selectByID+t.forUpdate(), id)
		if err != nil {
			return err
		}
		if !found {
			return change.ErrNotFound
		}
		read, was := r.Version, r.State

		var e change.Effects
		if e, stepErr = step(r); stepErr != nil {
			return stepErr
		}
		if was.Ended() && r.State != was {
			return fmt.Errorf("%w: %s → %s", change.ErrState, was, r.State)
		}
		r.ID, r.Version = id, read+1
		settle(r)
		args := append(refs(append(cols, derivedColumns(r)...)), id, read)
		n, err := t.exec(ctx, updateRequest, args...)
		if err != nil {
			return orBusy(t, err)
		}
		if n != 1 {
			return fmt.Errorf("version %d was overtaken", read)
		}
		return s.effects(ctx, t, e)
	})
	if stepErr != nil {
		return nil, stepErr
	}
	if err != nil {
		return nil, fmt.Errorf("change request %s: %w", id, err)
	}
	return r, nil
}

// Record implements [change.Store].
func (s *Store) Record(ctx context.Context, d change.Delivery, events ...change.Event) error {
	err := s.db.tx(ctx, func(t transaction) error {
		if err := s.deliver(ctx, t, d); err != nil {
			return err
		}
		return s.effects(ctx, t, change.Effects{Events: events})
	})
	if err != nil {
		return fmt.Errorf("record %d events: %w", len(events), err)
	}
	return nil
}

// Claim implements [change.Store]. It returns ErrNotFound for an unknown ID. It does
// not count as a write of the request: the version stays.
func (s *Store) Claim(ctx context.Context, id change.ID, owner string, now, until time.Time) (bool, error) {
	mine := false
	err := s.db.tx(ctx, func(t transaction) error {
		n, err := t.exec(ctx, `UPDATE requests SET claimed_by = $1, claimed_until = $2
			WHERE id = $3 AND (claimed_by = '' OR claimed_by = $1 OR claimed_until IS NULL OR claimed_until <= $4)`,
			owner, millis{&until}, id, millis{&now})
		if mine = n == 1; err != nil || mine {
			return err
		}
		_, found, err := one(ctx, t, first[int64], `SELECT 1 FROM requests WHERE id = $1`, id)
		if err == nil && !found {
			return change.ErrNotFound
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("claim request %s: %w", id, err)
	}
	return mine, nil
}

// Prune forgets the deliveries recorded before that time, some hundred at a time so
// that nobody waits long, and returns how many they were.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	const batch = 500
	total := 0
	for {
		var n int64
		err := s.db.tx(ctx, func(t transaction) (err error) {
			n, err = t.exec(ctx, `DELETE FROM deliveries WHERE key IN
				(SELECT key FROM deliveries WHERE at < $1 ORDER BY at LIMIT $2)`, millis{&before}, batch)
			return err
		})
		total += int(n)
		if err != nil {
			return total, fmt.Errorf("prune deliveries: %w", err)
		}
		if n < batch {
			return total, nil
		}
	}
}

const insertDelivery = `INSERT INTO deliveries (key, at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`

// deliver records a delivery, or returns ErrDelivered. It comes first in its
// transaction: a second delivery of the same key waits here for the first one's end.
func (s *Store) deliver(ctx context.Context, t transaction, d change.Delivery) error {
	if d.Key == "" {
		return nil
	}
	if d.At.IsZero() {
		d.At = s.now()
	}
	n, err := t.exec(ctx, insertDelivery, d.Key, millis{&d.At})
	if err == nil && n == 0 {
		return change.ErrDelivered
	}
	return err
}

func (s *Store) effects(ctx context.Context, t transaction, e change.Effects) error {
	for _, event := range e.Events {
		if event.At.IsZero() {
			event.At = s.now()
		}
		if _, err := t.exec(ctx, insertEvent, refs(eventColumns(&event))...); err != nil {
			return fmt.Errorf("write event %s: %w", event.Kind, err)
		}
	}
	if len(e.Jobs) == 0 {
		return nil
	}
	jobs := make([]river.InsertManyParams, len(e.Jobs))
	for i, j := range e.Jobs {
		jobs[i] = river.InsertManyParams{Args: j.Args, InsertOpts: &river.InsertOpts{ScheduledAt: j.At}}
	}
	if err := t.insertJobs(ctx, jobs); err != nil {
		return fmt.Errorf("insert %d jobs: %w", len(jobs), err)
	}
	return nil
}

// orBusy names the one unique index that writing a request can run into.
func orBusy(t transaction, err error) error {
	if t.isUnique(err) {
		return change.ErrBusy
	}
	return err
}
