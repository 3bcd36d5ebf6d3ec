package change

import (
	"cmp"
	"context"
	"errors"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// Submission is a command that asks for a change, as it arrived.
type Submission struct {
	Delivery Delivery
	// Requester is who typed it, or pressed what makes the request.
	Requester authz.Person
	// Channel is where it was typed; Thread the thread's root, for a mention.
	Channel, ChannelName, Thread string
	Ask                          Ask
	// Answer is the short way back to who typed it.
	Answer Responder
	// MaxAge is how old the settings may be that a Preview is made of; zero reads them
	// anew. Submit always does.
	MaxAge time.Duration

	kind   Kind
	origin Origin
	// target is known where it comes from another request and is not looked up again, and
	// since when its values stand there.
	target baseten.Target
	since  time.Time
}

// Submit records a request and returns it. Once it returned without an error the
// request will be finished or reported, whatever happens to this process: now the
// command may be acknowledged, and then Start be called. ErrDelivered means that
// it was recorded before: acknowledge it and do nothing. On any other error, the
// end of ctx included, nothing was recorded and there must be no acknowledgement.
func (s *Service) Submit(ctx context.Context, in Submission) (*Request, error) {
	r := &Request{
		Kind: cmp.Or(in.kind, KindChange), State: Requested,
		Requester: in.Requester, Channel: in.Channel, ChannelName: in.ChannelName, Thread: in.Thread, Envelope: in.Delivery.Envelope,
		Ask: in.Ask, Origin: in.origin, Target: in.target, Term: Term{Since: in.since}, LeasedBy: s.lease.owner(),
	}
	for {
		id, err := NewID(s.cfg.Random)
		if err != nil {
			return nil, err
		}
		r.ID = id
		var e Effects
		err = s.store.Create(ctx, in.Delivery, r, func(r *Request, now time.Time) (Effects, error) {
			s.learn(now)
			r.CreatedAt, r.OwedSince = now, now
			e = Effects{
				Events: []Event{r.event(EventMoved, "", r.Requester, Reason{}, now)},
				Origin: s.taking(r.claimOrigin(), &told{}),
			}
			return e, nil
		})
		switch {
		case errors.Is(err, ErrIDTaken):
			continue
		case err != nil:
			return nil, err
		}
		s.logged(in.Delivery, r, r.State, e.Events)
		s.responders.keep(r, in.Answer)
		if e.Origin != nil {
			s.Start(r.Origin.ID)
		}
		return r, nil
	}
}
