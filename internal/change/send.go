package change

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/baseten"
)

// sendWithin bounds one sending with all waits that Baseten asks for by 429. The
// PATCH itself has a time-out of 15 s.
const sendWithin = 20 * time.Second

// send sends the PATCH: exactly the fields asked for, once. A request that is still
// applying afterwards is one whose outcome has to be found out.
func (s *Service) send(ctx context.Context, r *Request) (*Request, error) {
	if s.cfg.Watch.Sent != nil {
		s.cfg.Watch.Sent(s.cfg.Now().Sub(r.OwedSince))
	}
	answer, err := s.patch(ctx, r)
	if err == nil {
		return s.applied(ctx, r, Answer{Status: answer.Status, Message: answer.Message}, "")
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	s.cfg.Log.Warn("send the change", zapRequest(r.ID), zap.Error(err))
	var known *baseten.Error
	switch {
	case !errors.As(err, &known) || known.OutcomeUnknown():
		return r, nil
	case known.Kind == baseten.KindUnreachable:
		return r, nil // it did not arrive, but Baseten may be back in a moment
	case known.Kind == baseten.KindAuth, known.Kind == baseten.KindLimited:
		return s.end(ctx, r, Applying, Failed, wordsForBaseten(known)+" "+s.byHand(r))
	default:
		return s.end(ctx, r, Applying, Failed, wordsForBaseten(known))
	}
}

func (s *Service) patch(ctx context.Context, r *Request) (baseten.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	if r.Target.Environment != "" {
		return s.api.UpdateEnvironment(ctx, r.Target.ModelID, r.Target.Environment, r.Ask.Settings)
	}
	return s.api.UpdateDeployment(ctx, r.Target.ModelID, r.Target.DeploymentID, r.Ask.Settings)
}

// applied commits Baseten's answer, or that the settings read back as asked.
func (s *Service) applied(ctx context.Context, r *Request, answer Answer, why string) (*Request, error) {
	return s.step(ctx, r, Applying, func(r *Request, e *Effects) error {
		r.Answer, r.AppliedAt = answer, s.cfg.Now()
		r.Outcome = Outcome{Kind: Following}
		e.Jobs = append(e.Jobs, Job{Args: FollowArgs{ID: r.ID}, At: s.cfg.Now().Add(followFirst)})
		return s.move(r, e, Applied, Person{}, why)
	})
}
