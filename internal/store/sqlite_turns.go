package store

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// turns lets one writer in at a time: whoever has the earliest deadline first, which
// is what Slack waits for, and of those who have none whoever came first.
// database/sql gives its one connection to anybody of those who wait, so that in a
// burst an acknowledgement could come after everything that the ones before it led
// to.
type turns struct {
	mu      sync.Mutex
	taken   bool
	waiting writers
	arrived int
}

// enter waits for the turn, until ctx ends. Who got it calls leave.
func (t *turns) enter(ctx context.Context) error {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return nil
	}
	deadline, ok := ctx.Deadline()
	w := &writer{deadline: deadline, patient: !ok, arrived: t.arrived, turn: make(chan struct{})}
	t.arrived++
	heap.Push(&t.waiting, w)
	t.mu.Unlock()

	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.at < 0 { // it was let in at the same moment
		t.next()
	} else {
		heap.Remove(&t.waiting, w.at)
	}
	return ctx.Err()
}

func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next()
}

// next hands the turn on.
func (t *turns) next() {
	if len(t.waiting) == 0 {
		t.taken = false
		return
	}
	close(heap.Pop(&t.waiting).(*writer).turn)
}

// writer is somebody who waits for the turn.
type writer struct {
	deadline time.Time
	patient  bool // without a deadline
	arrived  int
	at       int // in the heap, -1 once let in
	turn     chan struct{}
}

// writers is a heap.
type writers []*writer

func (q writers) Len() int { return len(q) }

func (q writers) Less(i, j int) bool {
	a, b := q[i], q[j]
	switch {
	case a.patient != b.patient:
		return b.patient
	case !a.deadline.Equal(b.deadline):
		return a.deadline.Before(b.deadline)
	default:
		return a.arrived < b.arrived
	}
}

func (q writers) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].at, q[j].at = i, j
}

func (q *writers) Push(x any) {
	w := x.(*writer)
	w.at = len(*q)
	*q = append(*q, w)
}

func (q *writers) Pop() any {
	old := *q
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	w.at = -1
	return w
}
