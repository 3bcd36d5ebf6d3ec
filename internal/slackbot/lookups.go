package slackbot

import (
	"context"
	"sync"
	"time"
)

const (
	// lookWithin bounds one look-up, which does not end with the caller that began it.
	lookWithin = 15 * time.Second
	// mostKnown is how many answers of one kind are kept.
	mostKnown = 4096
)

// lookups asks Slack one question at a time about one thing, and keeps the answers.
// Each caller says how old an answer may be, counted from the moment at which Slack
// was asked: whatever changed after it may not be in the answer.
type lookups[T any] struct {
	now func() time.Time

	mu      sync.Mutex
	known   map[string]known[T]
	flights map[string]*flight[T]
}

// known is an answer, with the time of its question.
type known[T any] struct {
	value T
	at    time.Time
}

// flight is a question under way.
type flight[T any] struct {
	asked  time.Time     // when it was asked last
	landed chan struct{} // closed at the end
	value  T
	err    error
}

func newLookups[T any](now func() time.Time) *lookups[T] {
	return &lookups[T]{now: now, known: make(map[string]known[T]), flights: make(map[string]*flight[T])}
}

// get returns an answer that is not older than maxAge, the one of a question under
// way included. Failures are not kept. ask asks once; it is asked again where Slack
// says that there were too many, also after the caller has gone.
func (l *lookups[T]) get(ctx context.Context, key string, maxAge time.Duration, ask func(ctx context.Context) (T, error)) (T, error) {
	l.mu.Lock()
	now := l.now()
	if k, ok := l.known[key]; ok && now.Sub(k.at) <= maxAge {
		l.mu.Unlock()
		return k.value, nil
	}
	f := l.flights[key]
	// One that began earlier may bring an answer that is too old.
	if f == nil || maxAge == 0 || now.Sub(f.asked) > maxAge {
		f = &flight[T]{asked: now, landed: make(chan struct{})}
		l.flights[key] = f
		go l.fly(context.WithoutCancel(ctx), key, f, ask)
	}
	l.mu.Unlock()

	select {
	case <-f.landed:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func (l *lookups[T]) fly(ctx context.Context, key string, f *flight[T], ask func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	defer close(f.landed)
	f.err = twice(ctx, func() error {
		return patiently(ctx, func(ctx context.Context) (err error) {
			l.mu.Lock()
			f.asked = l.now()
			l.mu.Unlock()
			f.value, err = ask(ctx)
			return err
		})
	})

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flights[key] != f {
		return // a later question knows better, or what it asked about has changed
	}
	delete(l.flights, key)
	if f.err != nil {
		return
	}
	if len(l.known) >= mostKnown {
		clear(l.known)
	}
	l.known[key] = known[T]{f.value, f.asked}
}

// forget drops what was said of a thing, and what is being said of it: it has
// changed.
func (l *lookups[T]) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, key)
	delete(l.flights, key)
}
