package slackbot

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// turnstile lets callers through one by one, at a rate that Slack accepts. Who is
// due first goes first; being due later is how something less urgent lets others
// pass without ever being forgotten.
type turnstile struct {
	every time.Duration // between two that pass
	burst int           // that may pass at once after a rest

	mu      sync.Mutex
	free    time.Time // when the next may pass, had there been no rest
	held    time.Time // nobody passes before: Slack said so
	waiting waiters
	timer   *time.Timer
	count   int
}

func newTurnstile(every time.Duration, burst int) *turnstile {
	return &turnstile{every: every, burst: burst}
}

// wait returns when it is the caller's turn, or when ctx ends.
func (t *turnstile) wait(ctx context.Context, due time.Time) error {
	t.mu.Lock()
	now := time.Now()
	if len(t.waiting) == 0 && !now.Before(t.opens(now)) {
		t.pass(now)
		t.mu.Unlock()
		return nil
	}
	w := &waiter{due: due, order: t.count, pass: make(chan struct{})}
	t.count++
	heap.Push(&t.waiting, w)
	t.arm(now)
	t.mu.Unlock()

	select {
	case <-w.pass:
		return nil
	case <-ctx.Done():
		t.mu.Lock()
		defer t.mu.Unlock()
		if w.index >= 0 {
			heap.Remove(&t.waiting, w.index)
			return ctx.Err()
		}
		return nil // it was let through in the same moment
	}
}

// giveBack lets the next one through in place of a caller who did not need the turn.
func (t *turnstile) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = t.free.Add(-t.every)
	t.arm(time.Now())
}

// hold lets nobody through for that long.
func (t *turnstile) hold(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := time.Now().Add(d); until.After(t.held) {
		t.held = until
		// Slack's own count is full: after the hold there is no burst.
		if rested := until.Add(time.Duration(t.burst-1) * t.every); rested.After(t.free) {
			t.free = rested
		}
	}
	t.arm(time.Now())
}

// waits is how many wait.
func (t *turnstile) waits() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}

// opens is when the next one may pass.
func (t *turnstile) opens(now time.Time) time.Time {
	at := t.free.Add(-time.Duration(t.burst-1) * t.every)
	if at.Before(t.held) {
		at = t.held
	}
	if at.Before(now) {
		return now
	}
	return at
}

func (t *turnstile) pass(now time.Time) {
	if t.free.Before(now) {
		t.free = now
	}
	t.free = t.free.Add(t.every)
}

// arm sets the timer for the next who waits.
func (t *turnstile) arm(now time.Time) {
	if len(t.waiting) == 0 {
		return
	}
	in := t.opens(now).Sub(now)
	if t.timer == nil {
		t.timer = time.AfterFunc(in, t.release)
		return
	}
	t.timer.Reset(in)
}

func (t *turnstile) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for len(t.waiting) > 0 && !now.Before(t.opens(now)) {
		w := heap.Pop(&t.waiting).(*waiter)
		t.pass(now)
		close(w.pass)
	}
	t.arm(now)
}

type waiter struct {
	due   time.Time
	order int
	index int // in the heap, -1 once let through
	pass  chan struct{}
}

// waiters is a heap by due time, then by arrival.
type waiters []*waiter

func (q waiters) Len() int { return len(q) }
func (q waiters) Less(i, j int) bool {
	if !q[i].due.Equal(q[j].due) {
		return q[i].due.Before(q[j].due)
	}
	return q[i].order < q[j].order
}
func (q waiters) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *waiters) Push(x any) {
	w := x.(*waiter)
	w.index = len(*q)
	*q = append(*q, w)
}
func (q *waiters) Pop() any {
	old := *q
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	w.index = -1
	return w
}
