package store

import (
	"context"
	"sync"
	"time"

	"autoscalebot/internal/waitlist"
)

// turn lets one writer in at a time: whoever has the earliest deadline first, which
// is what Slack waits for, and of those who have none whoever came first.
// database/sql gives its one connection to anybody of those who wait, so that in a
// burst an acknowledgement could come after everything that the ones before it led
// to. A nil turn lets everybody in.
type turn struct {
	mu      sync.Mutex
	taken   bool
	waiting *waitlist.List[time.Time] // by deadline
}

// never is the deadline of whoever has none.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func newTurn() *turn { return &turn{waiting: waitlist.New(time.Time.Compare)} }

// enter waits for the turn, until ctx ends. Who got it calls leave.
func (t *turn) enter(ctx context.Context) error {
	if t == nil {
		return nil
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = never
	}
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	place := t.waiting.Join(deadline)
	t.mu.Unlock()
	return place.Wait(ctx)
}

// leave hands the turn on.
func (t *turn) leave() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken = t.waiting.Next()
}
