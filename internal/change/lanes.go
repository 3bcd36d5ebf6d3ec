package change

import (
	"context"
	"sync"
	"time"
)

// lanes hands out one lane per target: who holds it may read the target and write
// it without another request of this process coming between. Waiting is first come,
// first served, so that requests for one target are applied in order. What other
// replicas do is decided by the store, not here.
type lanes struct {
	mu   sync.Mutex
	open map[string][]chan struct{} // key → those who wait; present while held
}

// enter waits for the key's lane and returns the function that leaves it.
func (l *lanes) enter(ctx context.Context, key string) (leave func(), err error) {
	l.mu.Lock()
	if l.open == nil {
		l.open = make(map[string][]chan struct{})
	}
	waiting, held := l.open[key]
	if !held {
		l.open[key] = nil
		l.mu.Unlock()
		return func() { l.leave(key) }, nil
	}
	mine := make(chan struct{})
	l.open[key] = append(waiting, mine)
	l.mu.Unlock()

	select {
	case <-mine:
		return func() { l.leave(key) }, nil
	case <-ctx.Done():
		l.giveUp(key, mine)
		return nil, ctx.Err()
	}
}

// leave hands the lane to whoever has waited longest.
func (l *lanes) leave(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.open[key]
	if len(waiting) == 0 {
		delete(l.open, key)
		return
	}
	l.open[key] = waiting[1:]
	close(waiting[0])
}

// giveUp takes mine out of the queue, or passes the lane on where it was handed
// over in the same moment.
func (l *lanes) giveUp(key string, mine chan struct{}) {
	l.mu.Lock()
	for i, w := range l.open[key] {
		if w == mine {
			l.open[key] = append(l.open[key][:i:i], l.open[key][i+1:]...)
			l.mu.Unlock()
			return
		}
	}
	l.mu.Unlock()
	l.leave(key)
}

// running remembers which requests this process works on, so that a click or a job
// that arrives meanwhile is taken up by the work under way instead of beside it.
type running struct {
	mu   sync.Mutex
	work map[ID]bool // true: something new arrived since it began
}

// begin reports whether the caller may work on the request. If not, whoever does
// will look again before ending.
func (w *running) begin(id ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.work == nil {
		w.work = make(map[ID]bool)
	}
	if _, busy := w.work[id]; busy {
		w.work[id] = true
		return false
	}
	w.work[id] = false
	return true
}

// end reports whether something new arrived: then the caller still holds the
// request and has to look again.
func (w *running) end(id ID) (again bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.work[id] {
		w.work[id] = false
		return true
	}
	delete(w.work, id)
	return false
}

const (
	// mostLooks is how many requests are looked at the same time. In a burst they
	// would take the processor from commands that are not acknowledged yet, and ask
	// Baseten more than the 100 times a second that each of its endpoints takes.
	mostLooks = 8
	// looksPatience is how long one waits for others: where they hang, because Slack
	// or Baseten does, nobody has to wait for that as well.
	looksPatience = 3 * time.Second
)

// looks has one entry for each look under way.
type looks chan struct{}

// enter waits for room, until ctx ends or patience does, and returns the function
// that leaves.
func (l looks) enter(ctx context.Context) (leave func()) {
	patience := time.NewTimer(looksPatience)
	defer patience.Stop()
	select {
	case l <- struct{}{}:
		return func() { <-l }
	case <-patience.C:
	case <-ctx.Done():
	}
	return func() {}
}
