package change

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
)

// The clock of a process: it says that it lives, takes requests that are due, and
// sees to it that what breaks on one of them costs only that one.
const (
	// dispatchEvery is how often due requests are looked for.
	dispatchEvery = time.Second
	// renewEvery is how often a process says that it lives, for aliveFor. One that
	// could not for effectsWithin begins nothing more: another may take over soon.
	renewEvery    = 2 * time.Second
	aliveFor      = 8 * time.Second
	effectsWithin = 6 * time.Second
	// mostPanics is after how many panics a request that was not sent is given up.
	mostPanics = 5
)

// Run keeps this process's leases and dispatches what is due until ctx ends.
func (s *Service) Run(ctx context.Context) {
	s.runs.Add(1)
	defer s.runs.Done()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(s.life, stop)
	var parts sync.WaitGroup
	defer parts.Wait()
	s.renew(ctx)
	parts.Go(func() { s.renewals(ctx) })
	parts.Go(func() { s.follow(ctx) })
	tick := time.NewTicker(dispatchEvery)
	defer tick.Stop()
	for {
		full := s.dispatch(ctx)
		if full {
			s.poke()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.poked:
		}
	}
}

// poke makes the dispatcher look at once.
func (s *Service) poke() {
	select {
	case s.poked <- struct{}{}:
	default:
	}
}

// dispatch takes due requests, never more than there are free workers, and reports
// whether there may be more.
func (s *Service) dispatch(ctx context.Context) (full bool) {
	if !s.lease.alive() || s.waits.Err() != nil {
		return false
	}
	for _, id := range slices.Concat(s.stumbled.take(), s.follower.owing(s.now()), s.showing.owing(s.now())) {
		s.Start(id)
	}
	free := mostWorkers - len(s.workers)
	if free <= 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	ids, err := s.store.Lease(ctx, s.lease.owner(), free)
	if err != nil {
		if ctx.Err() == nil {
			s.cfg.Log.Debug("look for due requests", zap.Error(err)) // the renewal says it aloud
		}
		return false
	}
	for _, id := range ids {
		s.Start(id)
	}
	return len(ids) == free
}

// renewals says again and again that this process lives.
func (s *Service) renewals(ctx context.Context) {
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.renew(ctx)
		}
	}
}

// renew says once that this process lives. Where it could not for too long, its
// leases are lost: all that was begun ends, and it goes on under a new name.
func (s *Service) renew(ctx context.Context) {
	at := s.cfg.Now()
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	now, err := s.store.Alive(ctx, s.lease.owner(), aliveFor)
	if s.cfg.Watch.Store != nil {
		s.cfg.Watch.Store(err)
	}
	if err == nil {
		s.learn(now)
		if s.lease.renewed(at) {
			s.cfg.Log.Info("the database answers again", zap.String("owner", s.lease.owner()))
		}
		return
	}
	if s.lease.lapsed(s.cfg.Random) {
		s.stumbled.take()
		s.follower.forget()
		s.cfg.Log.Error("the database does not answer: work stops until it does", zap.Error(err))
	}
}

// storeFailed says that the database failed, once until it answers again: whatever is
// under way meets the same.
func (s *Service) storeFailed(what string, fields ...zap.Field) {
	if s.lease.failed() {
		s.cfg.Log.Error(what, fields...)
		return
	}
	s.cfg.Log.Debug(what, fields...)
}

// Ready tells why nothing can be recorded or sent now, nil while it can: the database has
// not answered for some seconds.
func (s *Service) Ready() error {
	if !s.lease.alive() {
		return errors.New("the database does not answer")
	}
	return nil
}

// broken lets a request rest on which its handler broke.
func (s *Service) broken(id ID, what ...zap.Field) {
	if s.cfg.Watch.Panicked != nil {
		s.cfg.Watch.Panicked()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), 5*time.Second)
	defer cancel()
	n, err := s.store.Postpone(ctx, id, s.lease.owner())
	s.cfg.Log.Error("handler broke", append(what, zapRequest(id), zap.Int("panics", n), zap.NamedError("postpone", err))...)
	if err != nil {
		s.stumbled.put(id)
	}
}

// unwritable ends a request that cannot be written as it became: as it was before,
// it can.
func (s *Service) unwritable(ctx context.Context, id ID, cause error) {
	r, err := s.store.Get(ctx, id)
	if err == nil && r.State.CanBecome(Failed) && r.Sends == 0 {
		_, err = s.finish(ctx, r, r.State, Failed, Reason{Code: Broken})
	} else if err == nil {
		err = cause
	}
	if err != nil {
		s.broken(id, zap.Error(err))
		return
	}
	s.cfg.Log.Error("request cannot be written, so it ends", zapRequest(id), zap.Error(cause))
	s.stumbled.put(id)
}

// attend does what a request that waits for people owes by itself: it is introduced
// to others for its target, its approvers are reminded, and it expires.
func (s *Service) attend(ctx context.Context, r *Request, now time.Time) (*Request, error) {
	switch {
	case !now.Before(r.ExpiresAt):
		return s.finish(ctx, r, Pending, Expired, Reason{Code: TimeOut})
	case !r.Audience.Introduced:
		return s.introduce(ctx, r)
	case !r.RemindAt.IsZero() && !now.Before(r.RemindAt):
		// Noted before it is posted: a reminder that is lost is better than two.
		r, err := s.step(ctx, r, Pending, func(r *Request, _ *Effects, _ time.Time) error {
			r.RemindAt = time.Time{}
			return nil
		})
		if err == nil && r.State == Pending {
			s.remind(r, Reminder)
		}
		return r, err
	default:
		return nil, nil
	}
}

// remindAt is when the approvers are reminded: an hour before the end, or in the
// last quarter of a shorter wait. Waits under ten minutes get no reminder.
func remindAt(r *Request, now time.Time) time.Time {
	left := r.ExpiresAt.Sub(now)
	if left < 10*time.Minute || r.Decision.Effect != authz.Approve {
		return time.Time{}
	}
	return r.ExpiresAt.Add(-min(time.Hour, left/4))
}

// workBackoff is how long work that cannot go on rests: 1, 2, 4, 8, then 10 seconds.
func workBackoff(attempts int) time.Duration {
	return min(time.Second<<min(attempts, 4), 10*time.Second)
}

// lease is this process's name in rows, and whether it still counts. The name is new
// at each start, and after each time at which it could not be renewed: then others
// may have taken over, and whatever was begun under the old name must not go on.
type lease struct {
	now  func() time.Time
	life context.Context

	mu   sync.Mutex
	name string
	ctx  context.Context // ends when the leases of that name are lost
	lost context.CancelFunc
	at   time.Time // of the last renewal; zero while there was none
	away bool
	told bool // that the database failed since then
}

func newLease(life context.Context, cfg Config) *lease {
	l := &lease{now: cfg.Now, life: life}
	l.begin(cfg.Random)
	return l
}

// begin takes a new name.
func (l *lease) begin(random io.Reader) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		panic(fmt.Sprintf("draw a name for this process: %v", err)) // crypto/rand never fails
	}
	l.name = hex.EncodeToString(b[:])
	l.ctx, l.lost = context.WithCancel(l.life)
	l.at = time.Time{}
}

func (l *lease) owner() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.name
}

// held is the context of work under the present name.
func (l *lease) held() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ctx
}

// alive reports whether an effect may begin.
func (l *lease) alive() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.at.IsZero() && l.now().Sub(l.at) < effectsWithin
}

// renewed notes a renewal that began at that time, and reports whether the one
// before had failed.
func (l *lease) renewed(at time.Time) (back bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = at
	back, l.away, l.told = l.away, false, false
	return back
}

// failed notes that the database failed, and reports whether that is news.
func (l *lease) failed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := !l.told
	l.told = true
	return news
}

// lapsed is told of a renewal that failed. It reports whether that was one too many,
// once: then it has a new name.
func (l *lease) lapsed(random io.Reader) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away || !l.at.IsZero() && l.now().Sub(l.at) < effectsWithin {
		return false
	}
	l.away = true
	l.lost()
	l.begin(random)
	return true
}

// stumbled holds requests whose work ended in an error of the database, to be tried
// again with the next tick.
type stumbled struct {
	mu  sync.Mutex
	ids map[ID]struct{}
}

func (w *stumbled) put(id ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ids == nil {
		w.ids = make(map[ID]struct{})
	}
	w.ids[id] = struct{}{}
}

func (w *stumbled) take() []ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]ID, 0, len(w.ids))
	for id := range w.ids {
		out = append(out, id)
	}
	clear(w.ids)
	return out
}

// targetLocks hands out one lock per target: who holds it may read the target and
// write it without another request of this process coming between. Waiting is first
// come, first served, so that requests for one target are applied in order. What
// other replicas do is decided by the store.
type targetLocks struct {
	mu   sync.Mutex
	open map[string][]chan struct{} // key → those who wait; present while held
}

// enter waits for the key's lock and returns the function that leaves it.
func (l *targetLocks) enter(ctx context.Context, key string) (leave func(), err error) {
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

// leave hands the lock to whoever has waited longest.
func (l *targetLocks) leave(key string) {
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

// giveUp takes mine out of the queue, or passes the lock on where it was handed
// over in the same moment.
func (l *targetLocks) giveUp(key string, mine chan struct{}) {
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
