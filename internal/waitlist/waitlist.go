// Package waitlist is a queue of goroutines that wait for something scarce: whoever
// is most urgent is let through first, and of equals whoever came first. It does not
// know what they wait for, and lets nobody through by itself: its user does, one
// call for one waiter, whenever there is something to hand over.
package waitlist

import (
	"context"
	"slices"
	"sort"
	"sync"
)

// List is a queue of waiters, ordered by keys of type K. Its methods may be called
// by many goroutines.
type List[K any] struct {
	compare func(a, b K) int

	mu sync.Mutex
	// waiting is kept in order. Queues here are short, some hundred at most, so that
	// a slice is as good as a heap.
	waiting []*Waiter[K]
}

// New returns an empty list. compare is negative where a goes before b, and zero
// where whoever came first does.
func New[K any](compare func(a, b K) int) *List[K] { return &List[K]{compare: compare} }

// Waiter is one place in a list.
type Waiter[K any] struct {
	list *List[K]
	key  K
	let  chan struct{} // closed once it is let through
}

// Join takes a place in the list. Every waiter has to Wait.
func (l *List[K]) Join(key K) *Waiter[K] {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &Waiter[K]{list: l, key: key, let: make(chan struct{})}
	at := sort.Search(len(l.waiting), func(i int) bool { return l.compare(l.waiting[i].key, key) > 0 })
	l.waiting = slices.Insert(l.waiting, at, w)
	return w
}

// Wait returns nil once the waiter was let through. When ctx ends before, it leaves
// the list and returns ctx's error. Where both happen at the same moment it is let
// through: what it was handed is neither lost nor handed over twice.
func (w *Waiter[K]) Wait(ctx context.Context) error {
	select {
	case <-w.let:
		return nil
	case <-ctx.Done():
	}
	w.list.mu.Lock()
	defer w.list.mu.Unlock()
	at := slices.Index(w.list.waiting, w)
	if at < 0 {
		return nil
	}
	w.list.waiting = slices.Delete(w.list.waiting, at, at+1)
	return ctx.Err()
}

// Next lets the first waiter through, and reports whether there was one.
func (l *List[K]) Next() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return false
	}
	close(l.waiting[0].let)
	l.waiting = slices.Delete(l.waiting, 0, 1)
	return true
}

// First returns the key of the waiter who would be let through next.
func (l *List[K]) First() (key K, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return key, false
	}
	return l.waiting[0].key, true
}

// Len is how many wait.
func (l *List[K]) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}
