package change

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// Bounds of a request's life that are the same for every policy.
const (
	// freshFor is how old a reading may be when the PATCH is sent on it.
	freshFor = 5 * time.Second
	// reportWithin is how long a change may stay silent before the thread says what
	// it waits for. With one more attempt on top every report comes within a minute.
	reportWithin = 30 * time.Second
	// lookAgain is the pause between two looks at what a change waits for.
	lookAgain = 500 * time.Millisecond
	// giveUpAfter is when an outcome that could not be found out becomes unknown.
	giveUpAfter = time.Hour
	// maxSends is how often one request may be sent at most.
	maxSends = 2
)

// Config is what a Service needs to know. Every field is required unless it says
// otherwise.
type Config struct {
	// Owner names this process in claims. A process that comes back under the same
	// name takes up its own claims at once.
	Owner string
	// ApplyWithin is how long after the command or the last approval a change may
	// still be sent.
	ApplyWithin time.Duration
	// Claim is how long a claim lasts without being renewed.
	Claim time.Duration
	// HasAnnounce tells whether a channel for alarms is set: break-glass needs one.
	HasAnnounce bool
	// Call writes the API call that would make the change by hand, with
	// $BASETEN_API_KEY in place of the key.
	Call func(*Request) string

	Now    func() time.Time
	Random io.Reader
	Log    *zap.Logger
	Watch  Watch
}

// Watch is told what is worth counting. Functions that are nil are not called.
type Watch struct {
	// Ended tells of a request that reached its end.
	Ended func(State)
	// Refused tells of a command or click that was not allowed.
	Refused func()
	// Sent tells how long after the command's receipt the PATCH went out.
	Sent func(time.Duration)
	// BrokeGlass tells of an approval that was skipped.
	BrokeGlass func()
}

// Service leads every change request through its life. Commands, mentions and
// buttons call Submit and the methods of decide.go, which record and return; what
// then has to be done is done by Advance, at once in the process that recorded it
// and, if that dies, by a durable job on any replica. Both may run at any time:
// guarded steps in the store and a claim keep them from doing anything twice.
type Service struct {
	cfg    Config
	store  Store
	chat   Chat
	dir    Directory
	api    *baseten.Client
	names  *baseten.Catalogue
	prices *baseten.Prices
	policy func() *authz.Policy

	lanes   lanes
	running running
	looks   looks
	answers answers

	committed committed
	gets      *pace

	life context.Context // ends when work under way has to stop
	stop context.CancelFunc
	work sync.WaitGroup
}

// New returns a service that is ready for Submit. Policy is called at each decision
// and returns the policy of that moment, never nil.
func New(cfg Config, store Store, chat Chat, dir Directory, api *baseten.Client, names *baseten.Catalogue, prices *baseten.Prices, policy func() *authz.Policy) *Service {
	life, stop := context.WithCancel(context.Background())
	return &Service{
		cfg: cfg, store: store, chat: chat, dir: dir, api: api, names: names, prices: prices, policy: policy,
		looks: make(looks, mostLooks), gets: newPace(followRate), life: life, stop: stop,
	}
}

// Resume takes up what an earlier process left: every request with owed work that
// no living process holds. It returns once the work is under way.
func (s *Service) Resume(ctx context.Context) error {
	ids, err := s.store.Owed(ctx, s.cfg.Owner, s.cfg.Now(), 10_000)
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.Start(id)
	}
	return nil
}

// Start advances a request in the background.
func (s *Service) Start(id ID) {
	s.work.Go(func() { s.run(id) })
}

// Close waits for work under way until ctx ends, then stops it. What is stopped is
// owed, and is taken up at the next start.
func (s *Service) Close(ctx context.Context) {
	done := make(chan struct{})
	go func() { s.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.stop()
	<-done
}

// run advances a request until nothing is owed, waiting in this process where a
// step says not yet, or where another process holds the request and may have died.
// It gives up on an error, and on a holder that lives: the job will come back.
func (s *Service) run(id ID) {
	patience := s.cfg.Now().Add(2 * s.cfg.Claim)
	for {
		err := s.exclusively(id)
		wait := time.Second
		var l later
		switch {
		case err == nil, errors.Is(err, errHere), errors.Is(err, ErrNotFound), s.life.Err() != nil:
			return
		case errors.Is(err, errElsewhere):
			if r, err := s.store.Get(s.life, id); err != nil || !r.Owed || s.cfg.Now().After(patience) {
				return
			}
		case errors.As(err, &l):
			wait = l.wait
		default:
			s.cfg.Log.Error("advance request", zapRequest(id), zap.Error(err))
			return
		}
		if !s.pause(s.life, wait) {
			return
		}
	}
}

// pause waits, and reports false if ctx ended first.
func (s *Service) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// exclusively advances a request, one goroutine of this process at a time. Whoever comes
// meanwhile makes it look again before it ends.
func (s *Service) exclusively(id ID) error {
	if !s.running.begin(id) {
		return errHere
	}
	for {
		err := s.advance(s.life, id)
		if !s.running.end(id) {
			return err
		}
	}
}

// advance does what a request owes, as far as it can be done now. It may be called
// at any time, in any process, any number of times. It returns nil once nothing is
// owed, or an error that says when to come back.
func (s *Service) advance(ctx context.Context, id ID) error {
	r := s.committed.take(id)
	var until time.Time
	if r != nil && r.ClaimedBy == s.cfg.Owner {
		until = r.ClaimedUntil
	}
	ctx, release, err := s.hold(ctx, id, until)
	if err != nil {
		return err
	}
	defer release()
	if r == nil {
		r, err = s.store.Get(ctx, id)
	}
	for err == nil {
		switch {
		case r.State == Requested:
			r, err = s.judge(ctx, r)
		case r.ResultStale && !r.State.Ended():
			r, err = s.show(ctx, r) // what it waits for
		case r.State == Approved:
			r, err = s.apply(ctx, r)
		case r.State == Applying:
			r, err = s.settle(ctx, r)
		case r.Owed:
			r, err = s.show(ctx, r)
		default:
			return s.letGo(ctx, r)
		}
	}
	return err
}

// step changes the request in one guarded transaction, unless it has left the
// state from in the meantime: then ErrState tells that somebody else was first.
func (s *Service) step(ctx context.Context, r *Request, from State, do func(r *Request, e *Effects) error) (*Request, error) {
	out, err := s.store.Change(ctx, Delivery{}, r.ID, func(r *Request) (Effects, error) {
		var e Effects
		if r.State != from {
			return e, ErrState
		}
		err := do(r, &e)
		return e, err
	})
	if errors.Is(err, ErrState) {
		return s.store.Get(ctx, r.ID)
	}
	if err == nil && out.State.Ended() && !from.Ended() {
		s.ended(out)
	}
	return out, err
}

// ended logs and counts a request that reached its end: one line per command.
func (s *Service) ended(r *Request) {
	s.cfg.Log.Info("request ended",
		zap.String("request", string(r.ID)), zap.String("state", string(r.State)),
		zap.String("user", r.Requester.ID), zap.String("channel", r.Channel),
		zap.String("model_id", r.Target.ModelID), zap.String("model", r.Target.ModelName),
		zap.String("target", r.Target.Name()), zap.String("deployment_id", r.Target.DeploymentID),
		zap.Stringer("settings", r.Ask.Settings), zap.String("status", r.Answer.Status),
		zap.String("rule", r.Ruling.Rule), zap.String("why", r.Why),
		zap.Duration("took", r.EndedAt.Sub(r.CreatedAt)))
	if s.cfg.Watch.Ended != nil {
		s.cfg.Watch.Ended(r.State)
	}
	if r.State == Denied && r.Root.TS == "" && s.cfg.Watch.Refused != nil {
		s.cfg.Watch.Refused()
	}
}
