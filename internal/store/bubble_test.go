package store

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/change"
)

// A database in memory lives in a bubble of testing/synctest with everything that
// uses it: it has no clock and no wait of its own.
func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), Config{URL: "sqlite::memory:"})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var created time.Time
		err = s.Create(t.Context(), change.Delivery{}, owing("AAAAA", 0), func(r *change.Request, now time.Time) (change.Effects, error) {
			created, r.CreatedAt = now, now
			return change.Effects{}, nil
		})
		if err != nil || !created.Equal(begin) {
			t.Errorf("created at %v, %v, want %v", created, err, begin)
		}

		// A lease holds for as long as its owner said that it lives.
		alive(t, s, "p1")
		wantLease(t, s, "p1", "AAAAA")
		time.Sleep(8*time.Second - time.Millisecond)
		wantLease(t, s, "p2")
		time.Sleep(time.Millisecond)
		wantLease(t, s, "p2", "AAAAA")

		// A panic's rest is over to the millisecond.
		if _, err := s.Postpone(t.Context(), "AAAAA", "p2"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - time.Millisecond)
		wantLease(t, s, "p1")
		time.Sleep(time.Millisecond)
		wantLease(t, s, "p1", "AAAAA")

		// Who waits for the turn does not wait beyond its deadline.
		leave, left := make(chan struct{}), make(chan error, 1)
		go func() {
			_, err := s.Change(t.Context(), change.Delivery{}, "AAAAA", alter(func(*change.Request) { <-leave }))
			left <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		before := time.Now()
		_, err = s.Change(ctx, change.Delivery{}, "AAAAA", same)
		wantErr(t, err, context.DeadlineExceeded)
		if d := time.Since(before); d != 2500*time.Millisecond {
			t.Errorf("waited %v", d)
		}
		close(leave)
		if err := <-left; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
