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
// nothing that was begun here is committed any more. A claim that a commit made a
// moment ago, until then, need not be made again.
func (s *Service) hold(ctx context.Context, id ID, until time.Time) (held context.Context, release func(), err error) {
	if until.Sub(s.cfg.Now()) < s.cfg.Claim/2 {
		if until, err = s.claimNow(ctx, id); err != nil {
			return nil, nil, err
		}
	}
	held, lost := context.WithCancel(ctx)
	every := s.cfg.Claim / 3
	// A timer and not a goroutine: in a burst hundreds of requests wait for their
	// turn to post, and a stack for each is most of what that costs.
	var renewing sync.Mutex
	var timer *time.Timer
	renew := func() {
		renewing.Lock()
		defer renewing.Unlock()
		if held.Err() != nil {
			return
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
		timer.Reset(every)
	}
	renewing.Lock()
	timer = time.AfterFunc(every, renew)
	renewing.Unlock()
	return held, func() {
		lost()
		renewing.Lock() // a renewal under way ends first
		defer renewing.Unlock()
		timer.Stop()
	}, nil
}

// committed keeps, for the work that follows at once, the rows that this process has
// just committed with its claim on them: the way to the PATCH need neither claim nor
// read them again. Every later step is guarded all the same.
type committed struct {
	mu   sync.Mutex
	rows map[ID]*Request
}

func (c *committed) put(r *Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows == nil {
		c.rows = make(map[ID]*Request)
	}
	c.rows[r.ID] = r
}

// take returns the row once, nil where there is none.
func (c *committed) take(id ID) *Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.rows[id]
	delete(c.rows, id)
	return r
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
