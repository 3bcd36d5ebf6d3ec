package change

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/baseten"
)

const (
	// readWithin bounds one look at the settings while people wait for an outcome.
	readWithin = 5 * time.Second
	// settleWithin is how long a change that was sent twice may take to show.
	settleWithin = 20 * time.Second
)

// settle finds out what became of an attempt whose outcome is unknown: by reading,
// and by sending once more only where the settings still are as they were shown.
func (s *Service) settle(ctx context.Context, r *Request) (*Request, error) {
	began := s.cfg.Now()
	for wait := lookAgain / 2; ; wait = min(2*wait, 8*lookAgain) {
		out, err := s.lookBack(ctx, r, began)
		if out != nil || err != nil && !errors.As(err, new(notYet)) {
			return out, err
		}
		now := s.cfg.Now()
		switch {
		case now.After(r.OwedSince.Add(giveUpAfter)) && now.Sub(began) > settleWithin:
			return s.end(ctx, r, Applying, Unknown, "For an hour it could not be found out whether Baseten took this change. It is not sent again. Please look at Baseten.")
		case now.Sub(r.OwedSince) > reportWithin && r.Why == "":
			return s.step(ctx, r, Applying, func(r *Request, _ *Effects) error {
				r.Why, r.ResultStale, r.Owed = wordsNotKnown(err), true, true
				return nil
			})
		case now.Sub(began) > 2*settleWithin:
			return nil, later{10 * time.Second}
		}
		if !s.pause(ctx, wait) {
			return nil, ctx.Err()
		}
		if r, err = s.store.Get(ctx, r.ID); err != nil || r.State != Applying {
			return r, err
		}
	}
}

// lookBack looks at the settings once. It returns the request where that told what
// became of it, nil where it has to be looked at again, notYet with the reason.
func (s *Service) lookBack(ctx context.Context, r *Request, began time.Time) (*Request, error) {
	reading, cancel := context.WithTimeout(ctx, readWithin)
	found, err := s.reread(reading, r.Target)
	cancel()
	if err != nil {
		return s.lostSight(ctx, r, err)
	}
	if found.Settings() == nil {
		return nil, notYet("Baseten does not show the settings, so I do not know yet whether it took this change.")
	}
	current := found.Settings().Only(r.Ask.Settings)
	switch {
	case current.Equal(r.Ask.Settings):
		return s.applied(ctx, r, Answer{ReadBack: true}, "Baseten's answer was lost, but the settings read back as asked.")
	case !current.Equal(r.Reading.Settings.Only(r.Ask.Settings)):
		return s.end(ctx, r, Applying, Failed, "failed: Baseten's answer was lost, and now other values stand there: "+wordsCurrent(r, current)+". Somebody else changed them.")
	case r.Sends < maxSends:
		return s.resend(ctx, r)
	case s.cfg.Now().Sub(began) > settleWithin:
		return s.end(ctx, r, Applying, Failed, "failed: Baseten did not take the change, though it was sent twice. The settings are as they were. "+s.byHand(r))
	}
	return nil, nil
}

func (s *Service) lostSight(ctx context.Context, r *Request, err error) (*Request, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	s.cfg.Log.Warn("read settings after the change", zapRequest(r.ID), zap.Error(err))
	var known *baseten.Error
	if errors.As(err, &known) && known.Kind == baseten.KindNotFound {
		return s.end(ctx, r, Applying, Failed, "failed: Baseten's answer was lost, and now "+plain(r.Target.Name())+" is not found there any more.")
	}
	return nil, notYet("Baseten does not answer, so I do not know yet whether it took this change.")
}

// resend sends once more what did not arrive, if it may still be sent now.
func (s *Service) resend(ctx context.Context, r *Request) (*Request, error) {
	draft := *r
	holds, err := s.recheck(ctx, &draft)
	switch {
	case err != nil:
		return nil, err
	case holds.state == Applied:
		return nil, nil // it shows now: look again
	case holds.state != "":
		why := strings.ReplaceAll(holds.why, "Nothing was sent.", "It was sent once, did not show, and is not sent again.")
		return s.end(ctx, r, Applying, Failed, asFailure(why))
	}
	r, err = s.step(ctx, r, Applying, func(r *Request, _ *Effects) error {
		if r.Sends != draft.Sends {
			return ErrState // somebody else sent it
		}
		r.Sends++
		return nil
	})
	if err != nil || r.State != Applying {
		return r, err
	}
	if r, err = s.send(ctx, r); err != nil || r.State != Applying {
		return r, err
	}
	return nil, nil
}
