package store

import (
	"context"
	"testing"
	"time"

	"autoscalebot/internal/change"
)

func testDeadlineBeforeCommit(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	before := get(t, s, "AAAAA")

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, s.Create(gone, change.Delivery{Key: "E1"}, pending("BBBBB", "d1", 0), same), context.Canceled)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := s.Change(ctx, change.Delivery{Key: "E2"}, "AAAAA", func(r *change.Request, now time.Time) (change.Effects, error) {
		cancel()
		return move(change.Approved)(r, now)
	})
	wantErr(t, err, context.Canceled)

	diff(t, before, get(t, s, "AAAAA"))
	_, err = s.Get(t.Context(), "BBBBB")
	wantErr(t, err, change.ErrNotFound)
	for _, table := range []string{"deliveries", "events"} {
		if n := count(t, s, `SELECT count(*) FROM `+table); n != 0 {
			t.Errorf("%d %s stayed", n, table)
		}
	}
	mustChange(t, s, "AAAAA", move(change.Approved)) // nothing is left locked
}

func testDeadlineWhileWaiting(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	inside, leave, left := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := s.Change(t.Context(), change.Delivery{}, "AAAAA", func(r *change.Request, now time.Time) (change.Effects, error) {
			close(inside)
			<-leave
			return move(change.Approved)(r, now)
		})
		left <- err
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Change(ctx, change.Delivery{Key: "E1"}, "AAAAA", move(change.Denied))
	wantErr(t, err, context.DeadlineExceeded)
	close(leave)
	if err := <-left; err != nil {
		t.Fatalf("the first: %v", err)
	}
	if r := get(t, s, "AAAAA"); r.State != change.Approved || r.Version != 2 {
		t.Errorf("state %s, version %d", r.State, r.Version)
	}
	if n := count(t, s, `SELECT count(*) FROM deliveries`); n != 0 {
		t.Errorf("%d deliveries stayed", n)
	}
}

// What is said of a change is true, whenever its time is up: without an error it was
// written, with the context's error it was not.
func testDeadlineAnytime(t *testing.T, s *Store) {
	create(t, s, pending("AAAAA", "d1", 0))
	version := get(t, s, "AAAAA").Version
	for i := range 60 {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for range i * 20 {
				select { // a moment, on no clock
				case <-t.Context().Done():
				default:
				}
			}
			cancel()
		}()
		_, err := s.Change(ctx, change.Delivery{}, "AAAAA", same)
		cancel()
		got := get(t, s, "AAAAA").Version
		switch {
		case err == nil && got == version+1:
			version = got
		case err != nil && got == version:
			wantErr(t, err, context.Canceled)
		default:
			t.Fatalf("error = %v, and the version went from %d to %d", err, version, got)
		}
	}
}
