package change

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

const (
	// firstLook is how long after a lost answer the settings are read.
	firstLook = 250 * time.Millisecond
	// readWithin bounds one look at the settings.
	readWithin = 5 * time.Second
	// showsWithin is how long after its last sending a change may take to show.
	showsWithin = 20 * time.Second
	// giveUpAfter is when an outcome that could not be found out becomes unknown.
	giveUpAfter = time.Hour
)

// reconcile finds out what became of an attempt whose outcome is unknown: by
// reading, and by sending once more only where the settings still are as they were
// shown.
func (s *Service) reconcile(ctx context.Context, r *Request) (*Request, error) {
	reading, cancel := context.WithTimeout(ctx, readWithin)
	found, err := r.Target.As().Reread(reading, s.api.Once())
	cancel()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		s.cfg.Log.Warn("read settings after the change", zapRequest(r.ID), zap.Error(err))
		var known *baseten.Error
		if errors.As(err, &known) && known.Kind == baseten.KindNotFound {
			return s.unanswered(ctx, r, Failed, Reason{Code: TargetGone})
		}
		return s.stillUnknown(ctx, r, Reason{Code: WaitsForOutcome, HTTP: basetenSaid(err).HTTP, Tries: r.Sends})
	}
	if found.Settings() == nil {
		return s.stillUnknown(ctx, r, Reason{Code: WaitsForOutcome, Tries: r.Sends})
	}
	shown, current := r.Snapshot.Settings.Only(r.Ask.Settings), found.Settings().Only(r.Ask.Settings)
	switch {
	case current.Equal(r.Ask.Settings):
		return s.applied(r, Answer{ReadBack: true}, Reason{Code: ReadBack, HTTP: r.Reason.HTTP})
	case !current.Equal(shown):
		return s.unanswered(ctx, r, Failed, Reason{Code: OverwrittenSince, Moved: moved(r.Ask.Settings, shown, current)})
	case r.Sends < mostSends:
		return s.resend(ctx, r)
	case !s.now().Before(r.SentAt.Add(showsWithin)):
		return s.unanswered(ctx, r, Failed, Reason{Code: NotTaken, Tries: r.Sends, HTTP: r.Reason.HTTP, Call: s.call(r)})
	}
	return s.stillUnknown(ctx, r, Reason{Code: WaitsForOutcome, HTTP: r.Reason.HTTP, Tries: r.Sends})
}

// stillUnknown lets the request rest until the next look, or gives it up after an
// hour.
func (s *Service) stillUnknown(ctx context.Context, r *Request, why Reason) (*Request, error) {
	if s.now().After(r.SentAt.Add(giveUpAfter)) {
		return s.unanswered(ctx, r, Unknown, Reason{Code: NeverKnown, HTTP: why.HTTP, Tries: r.Sends})
	}
	sign := false
	out, err := s.step(ctx, r, Applying, func(r *Request, _ *Effects, now time.Time) error {
		r.RetryAt = now.Add(workBackoff(r.Attempts))
		if shows := r.SentAt.Add(showsWithin); now.Before(shows) && r.RetryAt.After(shows) {
			r.RetryAt = shows
		}
		r.Attempts++
		why.HTTP = cmp.Or(why.HTTP, r.Reason.HTTP)
		if sign = r.waitsFor(why, now); r.Reason.Code == "" {
			r.Reason.HTTP = why.HTTP // kept until there is something to say
		}
		return nil
	})
	if err == nil && sign {
		s.sign(out)
	}
	return out, err
}

// unanswered ends a request of which no answer ever told what became of it. It is
// watched all the same: if it lands later, the thread says so.
func (s *Service) unanswered(ctx context.Context, r *Request, to State, why Reason) (*Request, error) {
	return s.step(ctx, r, Applying, func(r *Request, e *Effects, now time.Time) error {
		r.Outcome = Outcome{Kind: Watching, At: now}
		return r.move(e, to, authz.Person{}, why, now)
	})
}

// resend sends once more what did not show, if it may still be sent now.
func (s *Service) resend(ctx context.Context, r *Request) (*Request, error) {
	draft := *r
	draft.Attempts = 0 // Baseten was read a moment ago
	holds, _, err := s.recheckFresh(ctx, &draft)
	switch {
	case err != nil:
		return nil, err
	case holds.rest || holds.state == Applied: // it shows now: look again
		return s.stillUnknown(ctx, r, Reason{Code: WaitsForOutcome, HTTP: holds.why.HTTP, Tries: r.Sends})
	case holds.state != "":
		return s.unanswered(ctx, r, Failed, Reason{Code: NotSentAgain, Tries: r.Sends, HTTP: r.Reason.HTTP, Then: &holds.why})
	}
	if err := s.mayAct(ctx); err != nil {
		return nil, err
	}
	sends := r.Sends
	mine := false
	r, err = s.step(ctx, r, Applying, func(r *Request, _ *Effects, now time.Time) error {
		if mine = r.Sends == sends; mine { // otherwise somebody else sent it
			r.Sends, r.SentAt = r.Sends+1, now
		}
		return nil
	})
	if err != nil || r.State != Applying || !mine {
		return r, err
	}
	return s.send(ctx, r)
}
