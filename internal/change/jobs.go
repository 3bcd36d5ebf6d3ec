package change

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
)

// The kinds of durable work. The kinds are a contract across versions: an older
// replica may be handed a job that a newer one inserted.

// AdvanceArgs finishes what a request owes: it is the promise, made by the
// transaction that creates the debt, that somebody will if this process dies.
type AdvanceArgs struct {
	ID ID `json:"id"`
}

// Kind implements river.JobArgs.
func (AdvanceArgs) Kind() string { return "advance" }

// ExpireArgs ends a pending request whose time is up.
type ExpireArgs struct {
	ID ID `json:"id"`
}

// Kind implements river.JobArgs.
func (ExpireArgs) Kind() string { return "expire" }

// RemindArgs reminds the approvers once, before a pending request expires.
type RemindArgs struct {
	ID ID `json:"id"`
}

// Kind implements river.JobArgs.
func (RemindArgs) Kind() string { return "remind" }

// FollowArgs reads an applied change back and tells what became of it.
type FollowArgs struct {
	ID ID `json:"id"`
}

// Kind implements river.JobArgs.
func (FollowArgs) Kind() string { return "follow" }

// FollowQueue is a queue of its own for following: it waits for its share of reads,
// and promises and expiries must not wait behind it.
const FollowQueue = "follow"

// InsertOpts implements river.JobArgsWithInsertOpts.
func (FollowArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: FollowQueue} }

// Workers returns the workers of all job kinds.
func (s *Service) Workers() *river.Workers {
	w := river.NewWorkers()
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, job *river.Job[AdvanceArgs]) error {
		return again(s.promised(ctx, job.Args.ID))
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, job *river.Job[ExpireArgs]) error {
		return again(s.expire(ctx, job.Args.ID))
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, job *river.Job[RemindArgs]) error {
		return again(s.remind(ctx, job.Args.ID))
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, job *river.Job[FollowArgs]) error {
		return again(s.follow(ctx, job.Args.ID))
	}))
	return w
}

// promised sees to it that somebody works on a request that owes something. The
// work itself may take longer than a job may, so it is started and looked after.
func (s *Service) promised(ctx context.Context, id ID) error {
	r, err := s.store.Get(ctx, id)
	if err != nil || !r.Owed {
		return err
	}
	s.Start(id)
	return later{s.cfg.Claim / 3}
}

// later is returned by work that is not done and is to be tried again after a wait.
type later struct{ wait time.Duration }

func (l later) Error() string { return "not yet" }

// again turns the end of a step into River's words. Work for a request that does
// not exist is done.
func again(err error) error {
	var l later
	switch {
	case errors.As(err, &l):
		return river.JobSnooze(l.wait)
	case errors.Is(err, ErrNotFound):
		return nil
	default:
		return err
	}
}
