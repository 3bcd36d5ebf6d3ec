package change

import (
	"cmp"
	"context"
	"errors"
	"io"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// Config is what a Service needs to know. Every field is required unless it says
// otherwise.
type Config struct {
	// ApplyWithin is how long after the command or the last approval a change may
	// still be sent.
	ApplyWithin time.Duration
	// HasAnnounce tells whether a channel for alarms is set: break-glass needs one.
	HasAnnounce bool
	// Call writes the API call that would make the change by hand, with
	// $BASETEN_API_KEY in place of the key.
	Call func(*Request) string
	// Now is this process's clock. It measures how long something took; what is
	// written in rows comes from the database's clock.
	Now    func() time.Time
	Random io.Reader
	Log    *zap.Logger
	Watch  Watch
}

// Watch is told what is worth counting. Functions that are nil are not called.
type Watch struct {
	// Ended tells of a request that reached its end, unless it was typed wrongly.
	Ended func(*Request)
	// Outcome tells what was learned of a change after it was sent.
	Outcome func(OutcomeKind)
	// Refused tells of a command or click that was not allowed, or typed wrongly.
	Refused func(Code)
	// Sent tells how long after the command or the last approval the PATCH went out.
	Sent func(time.Duration)
	// BrokeGlass tells of an approval that was skipped.
	BrokeGlass func()
	// GaveUp tells of a message that was not posted and is not tried any more.
	GaveUp func(Part)
	// Panicked tells of a handler that broke on one request.
	Panicked func()
	// Store tells how the database answered, at each renewal of the lease: nil is well.
	Store func(error)
}

// Service leads every change request through its life. Commands, mentions and
// buttons call Submit, Do and their kin, which record and return. What then has to
// be done is done by Start at once, in the process that recorded it and so holds
// its lease; if that process dies, the row is due, and the dispatcher of another
// takes it.
type Service struct {
	cfg    Config
	store  Store
	chat   Chat
	dir    Directory
	api    *baseten.Client
	names  *baseten.Catalogue
	prices *baseten.Prices
	policy func() *authz.Policy

	lease      *lease
	targets    targetLocks
	running    running
	showing    showing
	stumbled   stumbled
	responders responders
	follower   *follower

	workers chan struct{} // one for each request being worked on
	lookUps chan struct{} // one for each look at Slack and Baseten under way
	poked   chan struct{}
	skew    atomic.Int64 // the database's clock minus this process's, in ns

	life    context.Context // ends when work under way has to stop
	stop    context.CancelFunc
	waits   context.Context // ends when nothing may wait for its turn any more
	close   context.CancelFunc
	closing sync.RWMutex // held to begin work, and to say that none begins any more
	work    sync.WaitGroup
	runs    sync.WaitGroup // Run, while it does
}

const (
	// mostWorkers is how many requests one process works on at the same time. Waiting
	// for a slot to post, or for another request of the target, takes none.
	mostWorkers = 64
	// mostLookUps is how many requests are looked up at the same time. In a burst they
	// would take the processor from commands that are not acknowledged yet, and ask
	// Baseten more than the 100 times a second that each of its endpoints takes.
	mostLookUps = 8
)

// New returns a service that is ready for Submit. Policy is called at each decision
// and returns the policy of that moment, never nil.
func New(cfg Config, store Store, chat Chat, dir Directory, api *baseten.Client, names *baseten.Catalogue, prices *baseten.Prices, policy func() *authz.Policy) *Service {
	life, stop := context.WithCancel(context.Background())
	s := &Service{
		cfg: cfg, store: store, chat: chat, dir: dir, api: api, names: names, prices: prices, policy: policy,
		workers: make(chan struct{}, mostWorkers), lookUps: make(chan struct{}, mostLookUps), poked: make(chan struct{}, 1),
		life: life, stop: stop,
	}
	s.waits, s.close = context.WithCancel(life)
	s.lease = newLease(life, cfg)
	s.follower = newFollower()
	return s
}

// Start works on a request in the background: at once, if this process holds it. A
// process that is being closed leaves it to whoever comes next.
func (s *Service) Start(id ID) {
	s.begins(func() {
		if s.running.begin(id) {
			s.work.Go(func() { s.run(id) })
		}
	})
}

// begins begins something in the background, unless the service is being closed: then
// nothing may be added to what Close waits for, but by work under way.
func (s *Service) begins(do func()) {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.waits.Err() == nil {
		do()
	}
}

// Close lets work under way go on until ctx ends, but not wait for its turn to post, to
// edit or to change a target; then it stops it, and gives all leases back. What is
// stopped is due, and is taken up by whoever lives.
func (s *Service) Close(ctx context.Context) {
	s.closing.Lock()
	s.close()
	s.closing.Unlock()
	done := make(chan struct{})
	go func() { s.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.stop()
	<-done
	s.runs.Wait() // so that nobody says any more that this process lives
	gone, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := s.store.Gone(gone, s.lease.owner()); err != nil {
		s.cfg.Log.Warn("give leases back", zap.Error(err))
	}
}

// run works on a request, one goroutine of this process at a time. Whoever comes
// meanwhile makes it look again before it ends.
func (s *Service) run(id ID) {
	for again := true; again; again = s.running.end(id) {
		if s.begin(s.life) != nil {
			continue
		}
		s.advance(id)
		s.end()
	}
}

// begin waits for a free worker, end frees it.
func (s *Service) begin(ctx context.Context) error {
	select {
	case s.workers <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) end() { <-s.workers }

// errStopping ends what waits for its turn while the service is being closed.
var errStopping = errors.New("stopping")

// turn waits for a turn. Once the service is being closed it does not: whoever comes
// next can wait as well.
func (s *Service) turn(ctx context.Context, wait func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(s.waits, func() { cancel(errStopping) })
	defer stop()
	err := wait(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errStopping) {
		return errStopping
	}
	return err
}

// idle waits for something without holding a worker.
func (s *Service) idle(ctx context.Context, wait func() error) error {
	s.end()
	err := wait()
	if s.life.Err() != nil || ctx.Err() != nil {
		s.workers <- struct{}{} // a place is free soon: everybody is stopping
		return errors.Join(err, ctx.Err())
	}
	s.workers <- struct{}{}
	return err
}

// advance does what a request owes, as far as it can be done now, and gives it back
// unless it is followed. It may be called at any time, any number of times: it does
// nothing for a request that this process does not hold.
func (s *Service) advance(id ID) {
	ctx := s.lease.held()
	r := s.responders.recorded(id)
	if !s.lease.alive() { // nothing may begin now; the next tick sees, and who has it then
		s.stumbled.put(id)
		return
	}
	defer func() {
		if p := recover(); p != nil {
			s.broken(id, zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
		}
	}()
	var err error
	if r == nil {
		r, err = s.store.Get(ctx, id)
	}
	for err == nil && r != nil && r.LeasedBy == s.lease.owner() {
		r, err = s.next(ctx, r, s.now())
	}
	switch {
	case err == nil, errors.Is(err, ErrNotFound), errors.Is(err, errStopping), ctx.Err() != nil:
	case errors.Is(err, errLeaseLost):
		s.stumbled.put(id)
	case errors.Is(err, ErrUnwritable):
		s.unwritable(ctx, id, err)
	default:
		s.storeFailed("work on request", zapRequest(id), zap.Error(err))
		s.stumbled.put(id)
	}
}

// next does the one thing that is owed now and waits for no person, and has messages
// shown beside it. It returns nil where nothing is left to be done for the moment:
// then the request was given back, or its messages are being shown.
func (s *Service) next(ctx context.Context, r *Request, now time.Time) (*Request, error) {
	switch {
	case r.Panics >= mostPanics && r.State.CanBecome(Failed) && r.Sends == 0:
		return s.finish(ctx, r, r.State, Failed, Reason{Code: Broken})
	case r.Panics >= mostPanics && r.State == Pending:
		return s.finish(ctx, r, Pending, Stale, Reason{Code: Broken})
	case !r.dueAt(now):
		if back, err := s.giveBack(ctx, r); back || err != nil {
			return nil, err
		}
		return s.store.Get(ctx, r.ID)
	}
	s.show(r)
	s.showing.remember(r.ID, r.timer())
	if r.reviewDue(now) {
		return s.remindReview(ctx, r)
	}
	if r.Term.dueAt(now) {
		return s.attendTerm(ctx, r, now)
	}
	switch r.State {
	case Requested:
		return s.judge(ctx, r)
	case Pending:
		return s.attend(ctx, r, now)
	case Approved:
		return s.apply(ctx, r)
	case Applying:
		return s.reconcile(ctx, r)
	default:
		if r.Followed() { // whatever its messages wait for
			s.follower.add(r)
		}
		return nil, nil
	}
}

// giveBack releases a request of which nothing is owed now. One that is followed
// stays held: it is looked at from memory. It reports false where somebody changed
// the request meanwhile.
func (s *Service) giveBack(ctx context.Context, r *Request) (bool, error) {
	if r.Followed() {
		s.follower.add(r)
		return true, nil
	}
	if s.showing.any(r.ID) {
		return true, nil // whoever shows it looks again
	}
	return s.store.Release(ctx, r.ID, r.LeasedBy, r.Version)
}

// now is the database's clock, as far as this process knows it.
func (s *Service) now() time.Time { return s.cfg.Now().Add(time.Duration(s.skew.Load())) }

// learn compares the database's clock with this process's.
func (s *Service) learn(now time.Time) { s.skew.Store(int64(now.Sub(s.cfg.Now()))) }

// stepFunc computes one step of a request at the database's now.
type stepFunc func(r *Request, e *Effects, now time.Time) error

// change changes the request in one transaction, and says so in the log. What the
// step leaves without a debt that is due now is given back by the same commit.
func (s *Service) change(ctx context.Context, d Delivery, id ID, do stepFunc) (*Request, error) {
	var (
		e      Effects
		was    State
		origin told
	)
	r, err := s.store.Change(ctx, d, id, func(r *Request, now time.Time) (Effects, error) {
		e, was, origin = Effects{}, r.State, told{}
		s.learn(now)
		err := do(r, &e, now)
		e.Origin = s.taking(e.Origin, &origin)
		if r.LeasedBy == s.lease.owner() && !r.dueAt(now) && !r.Followed() && !s.showing.any(id) {
			r.LeasedBy = ""
		}
		return e, err
	})
	if err != nil {
		return nil, err
	}
	s.logged(d, r, was, e.Events)
	if e.Origin != nil {
		origin.logged(s, d)
		s.Start(r.Origin.ID)
	}
	return r, nil
}

// told is what a step wrote of the request that another one comes from.
type told struct {
	r      *Request
	events []Event
}

func (t told) logged(s *Service, d Delivery) {
	if t.r != nil {
		s.logged(d, t.r, t.r.State, t.events)
	}
}

// taking lets this process show what a step changes in the request that another one
// comes from, and log it.
func (s *Service) taking(origin func(*Request, *Effects) error, out *told) func(*Request, *Effects) error {
	if origin == nil {
		return nil
	}
	return func(old *Request, e *Effects) error {
		s.take(old)
		n := len(e.Events)
		err := origin(old, e)
		*out = told{old, e.Events[n:]}
		return err
	}
}

// step is change for what the request owes: it does nothing where the request has
// left the state from in the meantime, and returns it as it is.
func (s *Service) step(ctx context.Context, r *Request, from State, do stepFunc) (*Request, error) {
	out, err := s.change(ctx, Delivery{}, r.ID, func(r *Request, e *Effects, now time.Time) error {
		if r.State != from {
			return ErrState
		}
		return do(r, e, now)
	})
	if errors.Is(err, ErrState) {
		return s.store.Get(ctx, r.ID)
	}
	return out, err
}

// finish ends a request, or moves it on, for that reason.
func (s *Service) finish(ctx context.Context, r *Request, from, to State, why Reason) (*Request, error) {
	return s.step(ctx, r, from, func(r *Request, e *Effects, now time.Time) error {
		return r.move(e, to, authz.Person{}, why, now)
	})
}

// take lets this process work on the request, in the same commit as a click or a
// typed command, where nobody else does: whoever follows it only reads.
func (s *Service) take(r *Request) {
	if r.LeasedBy == "" || r.Followed() && len(r.owedMessages()) == 0 {
		r.LeasedBy = s.lease.owner()
	}
}

// logged writes one line for each step, so that the log tells the life of a request.
// Each has the envelope of the click that made it, else of what asked for the request.
func (s *Service) logged(d Delivery, r *Request, was State, events []Event) {
	for _, e := range events {
		s.cfg.Log.Info("request "+string(e.Kind),
			zapRequest(r.ID), zap.String("envelope", cmp.Or(d.Envelope, r.Envelope)), zap.String("from", string(e.From)), zap.String("to", string(e.To)),
			zap.String("actor", e.Actor.ID), zap.String("verb", string(e.Verb)), zap.String("code", string(e.Reason.Code)),
			zap.String("rule", e.Rule), zap.String("requester", r.Requester.ID), zap.String("channel", r.Channel),
			zap.String("model_id", r.Target.ModelID), zap.String("model", r.Target.Model), zap.String("target", r.Target.Name()),
			zap.String("deployment_id", r.Target.DeploymentID), zap.Stringer("settings", r.Ask.Settings),
			zap.Int("sends", r.Sends), zap.String("status", r.Answer.Status), zap.Int("http", e.Reason.HTTP),
			zap.String("kind", string(r.Kind)), zap.String("origin", string(r.Origin.ID)), zap.Time("ends_at", r.Term.EndsAt), zap.Time("over_at", r.Term.OverAt))
		if e.Kind == EventOutcome && s.cfg.Watch.Outcome != nil {
			s.cfg.Watch.Outcome(r.Outcome.Kind)
		}
	}
	if !r.State.Ended() || was.Ended() {
		return
	}
	mistake := r.State == Failed && r.Reason.Code.Mistake()
	if s.cfg.Watch.Ended != nil && !mistake {
		s.cfg.Watch.Ended(r)
	}
	if mistake || r.State == Denied && r.DeniedBy.ID == "" {
		s.refused(r.Reason.Code)
	}
}

func (s *Service) refused(c Code) {
	if s.cfg.Watch.Refused != nil {
		s.cfg.Watch.Refused(c)
	}
}

// zapRequest is the field by which all lines about one request are found.
func zapRequest(id ID) zap.Field { return zap.String("request", string(id)) }

// running remembers which requests this process works on, so that a click or a
// message that arrives meanwhile is taken up by the work under way instead of
// beside it.
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

// end reports whether something new arrived: then the caller still works on the
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

// responders keeps, in memory only, what a command that was just recorded leaves for
// the work on it: the row as it was committed, so that it need not be read again,
// and the short way to the person who asked. Slack's response_url lasts half an hour
// and must not be stored.
type responders struct {
	mu   sync.Mutex
	by   map[ID]Responder
	rows map[ID]*Request
	// signed are those whose requester was told that it takes longer.
	signed map[ID]bool
}

const respondersLast = 30 * time.Minute

func (a *responders) keep(r *Request, to Responder) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by, a.rows, a.signed = make(map[ID]Responder), make(map[ID]*Request), make(map[ID]bool)
	}
	row := *r
	a.rows[r.ID] = &row
	if to != nil {
		a.by[r.ID] = to
		time.AfterFunc(respondersLast, func() { a.drop(r.ID) })
	}
}

// recorded returns the row once, nil where there is none.
func (a *responders) recorded(id ID) *Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.rows[id]
	delete(a.rows, id)
	return r
}

// to returns the way to the requester, nil where there is none.
func (a *responders) to(id ID) Responder {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.by[id]
}

func (a *responders) drop(id ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.by, id)
	delete(a.signed, id)
}

// sign tells that a request's requester was not told yet that it takes longer, once.
func (a *responders) sign(id ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by[id] == nil || a.signed[id] {
		return false
	}
	a.signed[id] = true
	return true
}
