package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// Create implements [change.Store]. r becomes what Get returns, at version 1.
func (s *Store) Create(ctx context.Context, d change.Delivery, r *change.Request, step change.Step) error {
	fresh := *r
	err := s.db.tx(ctx, "create request "+string(r.ID), func(t tx) error {
		now, err := deliver(ctx, t, d)
		if err != nil {
			return err
		}
		if now.IsZero() {
			if now, err = one(ctx, t, nil, instant, `SELECT {now}`, t.d.clock()); err != nil {
				return err
			}
		}
		e, err := step(&fresh, now)
		if err != nil {
			return err
		}
		fresh.ID, fresh.Version = r.ID, 1
		round(&fresh)
		n, err := t.exec(ctx, insertRequest, refs(append(requestColumns(&fresh), derivedColumns(&fresh)...))...)
		if err != nil {
			return orBusy(t, err)
		}
		if n == 0 {
			return change.ErrIDTaken
		}
		if err := mayApply(ctx, t, &fresh, "", e.ReadAt); err != nil {
			return err
		}
		return effects(ctx, t, &fresh, e)
	})
	if err == nil {
		*r = fresh
	}
	return err
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
func (s *Store) Change(ctx context.Context, d change.Delivery, id change.ID, step change.Step) (*change.Request, error) {
	var changed *change.Request
	var stepErr error
	err := s.db.tx(ctx, "change request "+string(id), func(t tx) error {
		if _, err := deliver(ctx, t, d); err != nil {
			return err
		}
		h, now, err := hold(ctx, t, id)
		if err != nil {
			return err
		}
		var e change.Effects
		if e, stepErr = step(h.Request, now); stepErr != nil {
			return stepErr
		}
		if err := h.write(ctx, t); err != nil {
			return err
		}
		if err := mayApply(ctx, t, h.Request, h.was, e.ReadAt); err != nil {
			return err
		}
		changed = h.Request
		return effects(ctx, t, changed, e)
	})
	if err := cmp.Or(stepErr, err); err != nil {
		return nil, err
	}
	return changed, nil
}

// held is a request that was locked and read, on its way back.
type held struct {
	*change.Request
	id      change.ID
	version int64
	was     change.State
	cols    []column
}

// hold locks a request and reads it, with the database's now.
func hold(ctx context.Context, t tx, id change.ID) (*held, time.Time, error) {
	h := &held{Request: new(change.Request), id: id}
	h.cols = requestColumns(h.Request)
	now, err := one(ctx, t, change.ErrNotFound, func(row row) (now time.Time, err error) {
		err = row.Scan(append(refs(h.cols), millis{&now})...)
		return now, err
	}, lockRequest, t.d.clock(), id)
	h.version, h.was = h.Version, h.State
	return h, now, err
}

// write writes the request back. An end is for good.
func (h *held) write(ctx context.Context, t tx) error {
	if h.was.Ended() && h.State != h.was {
		return fmt.Errorf("%w: %s → %s", change.ErrState, h.was, h.State)
	}
	h.ID, h.Version = h.id, h.version+1
	round(h.Request)
	args := append(refs(append(h.cols, derivedColumns(h.Request)...)), h.id, h.version)
	n, err := t.exec(ctx, updateRequest, args...)
	if err == nil && n != 1 {
		err = fmt.Errorf("version %d was overtaken", h.version)
	}
	return orBusy(t, err)
}

// overlapping holds for requests whose target overlaps that of targetArgs.
const overlapping = `model_id = $1 AND (slot <> '' AND slot = $2 OR deployment_id <> '' AND deployment_id = $3)`

func targetArgs(t baseten.Target, more ...any) []any {
	return append([]any{t.ModelID, t.Slot(), t.DeploymentID}, more...)
}

const selectEarlier = `SELECT 1 FROM requests WHERE ` + overlapping + ` AND id <> $4
	AND state IN ('approved', 'applying') AND ended_at IS NULL
	AND (state = 'applying' OR $5 AND (owed_since, id) < ($6, $4)) LIMIT 1`

// mayApply returns ErrBusy where the request entered applying before its turn, or on
// a reading that another one has made old. It looks after the row was written: from
// then on the unique indexes keep all others of the target from entering, so that
// whatever came before can be seen.
func mayApply(ctx context.Context, t tx, r *change.Request, was change.State, readAt time.Time) error {
	if r.State != change.Applying || was == change.Applying {
		return nil
	}
	busy, err := one(ctx, t, nil, first[int], selectEarlier, targetArgs(r.Target, r.ID, !r.BrokeGlass(), at(r.OwedSince))...)
	if err == nil && busy == 0 && !readAt.IsZero() {
		busy, err = one(ctx, t, nil, first[int], selectOvertaken, targetArgs(r.Target, r.ID, at(readAt))...)
	}
	if err == nil && busy == 1 {
		err = change.ErrBusy
	}
	if err == nil {
		err = notFrozen(ctx, t, r)
	}
	return err
}

// freezing holds for freezes that are in force at $4 and keep changes from the target of
// targetArgs.
const freezing = `kind = 'freeze' AND ends_at > $4
	AND (model_id = '' OR model_id = $1 AND (slot = '' AND deployment_id = '' OR slot <> '' AND slot = $2 OR deployment_id <> '' AND deployment_id = $3))`

// notFrozen returns ErrFrozen where a freeze keeps the request from being sent. It locks
// nothing: a freeze that is committed while this transaction runs comes after it.
func notFrozen(ctx context.Context, t tx, r *change.Request) error {
	now, err := one(ctx, t, nil, instant, `SELECT {now}`, t.d.clock())
	if err != nil {
		return err
	}
	freezes, err := all(ctx, t, scanRequest, selectRequest+`WHERE `+freezing, targetArgs(r.Target, at(now))...)
	for _, f := range freezes {
		if !f.LetsThrough(r) {
			return change.ErrFrozen
		}
	}
	return err
}

// orBusy names the unique indexes that writing a request can run into.
func orBusy(t tx, err error) error {
	if err != nil && t.d.isUnique(err) {
		return change.ErrBusy
	}
	return err
}

// Record implements [change.Store].
func (s *Store) Record(ctx context.Context, d change.Delivery, events ...change.Event) error {
	return s.db.tx(ctx, "record events", func(t tx) error {
		if _, err := deliver(ctx, t, d); err != nil {
			return err
		}
		return chain(ctx, t, events)
	})
}

const insertDelivery = `INSERT INTO deliveries (key, at) VALUES ($2, {now}) ON CONFLICT (key) DO NOTHING RETURNING at`

// deliver records a delivery, or returns ErrDelivered. It comes first in its
// transaction: a second delivery of the same key waits here for the first one's end.
// The time returned is zero where there is no delivery.
func deliver(ctx context.Context, t tx, d change.Delivery) (time.Time, error) {
	if d.Key == "" {
		return time.Time{}, nil
	}
	return one(ctx, t, change.ErrDelivered, instant, insertDelivery, t.d.clock(), d.Key)
}

// effects writes what a step of r returned. The events come last: until the end of
// the transaction nobody else can write any.
func effects(ctx context.Context, t tx, r *change.Request, e change.Effects) error {
	if e.Origin != nil {
		if err := changeOrigin(ctx, t, r.Origin.ID, &e); err != nil {
			return fmt.Errorf("change origin %s: %w", r.Origin.ID, err)
		}
	}
	return chain(ctx, t, e.Events)
}

func changeOrigin(ctx context.Context, t tx, id change.ID, e *change.Effects) error {
	h, _, err := hold(ctx, t, id)
	if err != nil {
		return err
	}
	if err := e.Origin(h.Request, e); err != nil {
		return err
	}
	if h.State != h.was {
		return errors.New("its state must not be moved")
	}
	return h.write(ctx, t)
}

// Prune forgets the deliveries recorded before that time, some hundred at a time so
// that nobody waits long, and returns how many they were. It also forgets processes
// that died before.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	const batch = 500
	if _, err := s.db.run(ctx, "forget processes", `DELETE FROM processes WHERE alive_until < $1`, at(before)); err != nil {
		return 0, err
	}
	for total := 0; ; {
		n, err := s.db.run(ctx, "prune deliveries", `DELETE FROM deliveries WHERE key IN
			(SELECT key FROM deliveries WHERE at < $1 ORDER BY at LIMIT $2)`, at(before), batch)
		total += int(n)
		if err != nil || n < batch {
			return total, err
		}
	}
}
