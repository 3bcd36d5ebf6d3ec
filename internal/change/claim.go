package change

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"
)

var (
	// errHere: this process is working on the request, and will look again.
	errHere = errors.New("being worked on in this process")
	// errElsewhere: another process holds the request.
	errElsewhere = errors.New("being worked on in another process")
)

// hold claims the request and renews the claim until release is called. The
// returned context ends where the claim is lost: whoever holds it now goes on, and
// nothing that was begun here is committed any more.
func (s *Service) hold(ctx context.Context, id ID) (held context.Context, release func(), err error) {
	until, err := s.claimed(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	held, lost := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		every := time.NewTicker(s.cfg.Claim / 3)
		defer every.Stop()
		for {
			select {
			case <-held.Done():
				return
			case <-every.C:
			}
			again, err := s.claimNow(held, id)
			switch {
			case err == nil:
				until = again
			case held.Err() != nil:
				return
			case errors.Is(err, errElsewhere) || !s.cfg.Now().Before(until):
				s.cfg.Log.Warn("claim lost", zapRequest(id), zap.Error(err))
				lost()
				return
			}
		}
	})
	return held, func() { lost(); renewing.Wait() }, nil
}

// claimed makes sure that this process has the request for a while to come. What
// recorded a command or a click has claimed it in the same commit, so that on the
// way to the PATCH there is nothing to write here.
func (s *Service) claimed(ctx context.Context, id ID) (until time.Time, err error) {
	r, err := s.store.Get(ctx, id)
	if err != nil {
		return time.Time{}, err
	}
	if r.ClaimedBy == s.cfg.Owner && r.ClaimedUntil.Sub(s.cfg.Now()) > s.cfg.Claim/2 {
		return r.ClaimedUntil, nil
	}
	return s.claimNow(ctx, id)
}

// claimNow takes the request for this process, or returns errElsewhere.
func (s *Service) claimNow(ctx context.Context, id ID) (until time.Time, err error) {
	now := s.cfg.Now()
	until = now.Add(s.cfg.Claim)
	mine, err := s.store.Claim(ctx, id, s.cfg.Owner, now, until)
	if err == nil && !mine {
		err = errElsewhere
	}
	return until, err
}

// letGo gives back the claim on a request of which nothing is owed, so that the
// next click is acted on at once, whichever replica it reaches.
func (s *Service) letGo(ctx context.Context, r *Request) error {
	now := s.cfg.Now()
	if r.ClaimedBy != s.cfg.Owner || !r.ClaimedUntil.After(now) {
		return nil
	}
	_, err := s.store.Claim(ctx, r.ID, s.cfg.Owner, now, now)
	return err
}

// claim takes the request in the same commit as a step, where nobody else holds it.
func (s *Service) claim(r *Request, now time.Time) {
	if !r.ClaimedUntil.After(now) || r.ClaimedBy == s.cfg.Owner {
		r.ClaimedBy, r.ClaimedUntil = s.cfg.Owner, now.Add(s.cfg.Claim)
	}
}
