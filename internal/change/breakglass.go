package change

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
)

// mayBreakGlass judges the wish to skip the approval; d is the policy's decision on
// it. It is said loudly, before anything is sent, and leaves a review open.
func (s *Service) mayBreakGlass(ctx context.Context, a Act, r *Request, d authz.Decision) (stepFunc, error) {
	switch {
	case !s.cfg.HasAnnounce:
		return nil, refuse(NoAnnounce)
	case !d.BrokeGlass:
		return nil, &Refused{Reason: Reason{Code: PolicyDenied, Cause: d.Cause}}
	}
	if no, err := s.glassBarred(ctx, r, cmp.Or(a.Reason, r.Ask.Reason)); no.Code != "" || err != nil {
		return nil, cmp.Or(err, error(&Refused{Reason: no}))
	}
	return func(r *Request, e *Effects, now time.Time) error {
		r.Ask.BreakGlass, r.Ask.Reason = true, cmp.Or(a.Reason, r.Ask.Reason)
		approvers := r.Decision.Approvers
		r.Decision = d
		r.Decision.Approvers = approvers
		s.breakGlass(r, e, a.Person, now)
		return goAhead(a, d, r.Votes, r.Tally)(r, e, now)
	}, nil
}

const (
	// leastReason is how many characters the reason of a broken glass has to have.
	leastReason = 10
	// deniedFor is how long a person's denial keeps everybody from breaking the glass
	// on the same setting of the same target.
	deniedFor = time.Hour
)

// glassBarred says why the glass may not be broken though the policy would let them;
// its code is "" where it may.
func (s *Service) glassBarred(ctx context.Context, r *Request, reason string) (Reason, error) {
	if utf8.RuneCountInString(strings.TrimSpace(reason)) < leastReason {
		return Reason{Code: ReasonTooShort}, nil
	}
	past, err := s.store.History(ctx, r.Target.ModelID, "", mostWaiting)
	if err != nil {
		return Reason{}, err
	}
	for _, o := range past {
		if o.DeniedBy.ID != "" && o.Target.Overlaps(r.Target) && len(o.Ask.Settings.Only(r.Ask.Settings)) > 0 && s.now().Sub(o.EndedAt) < deniedFor {
			return Reason{Code: DeniedLately, Request: o.ID}, nil
		}
	}
	return Reason{}, nil
}

// breakGlass notes a broken glass with its review.
func (s *Service) breakGlass(r *Request, e *Effects, by authz.Person, now time.Time) {
	r.Review.Open = true
	e.Events = append(e.Events, r.event(EventBrokeGlass, r.State, by, Reason{Text: r.Ask.Reason}, now))
	if s.cfg.Watch.BrokeGlass != nil {
		s.cfg.Watch.BrokeGlass()
	}
}

// announce posts the announcement of a broken glass, which asks for its review too.
// Where it cannot be posted, or nobody can tell whether it was, the glass does not
// break.
func (s *Service) announce(ctx context.Context, r *Request) (*Request, error) {
	var ref MessageRef
	err := s.idle(ctx, func() (err error) {
		ref, err = s.post(ctx, r, ReviewCard)
		return err
	})
	if err == nil {
		return s.recordStep(r, Approved, func(r *Request, _ *Effects, _ time.Time) error {
			r.Messages.Review.Ref, r.Messages.Review.Owed = ref, 0
			return nil
		})
	}
	if ctx.Err() != nil || errors.Is(err, errStopping) {
		return nil, err
	}
	s.cfg.Log.Error("announce broken glass", zapRequest(r.ID), zap.Error(err))
	return s.recordStep(r, Approved, func(r *Request, e *Effects, now time.Time) error {
		r.Review.Open = false
		return r.move(e, Failed, authz.Person{}, Reason{Code: NotAnnounced, Text: slackWord(err)}, now)
	})
}

// review signs a broken glass: by somebody else, who could have approved it.
func (s *Service) review(ctx context.Context, a Act, r *Request, people authz.People) (stepFunc, error) {
	switch {
	case !r.BrokeGlass():
		return nil, refuse(NoBreakGlass)
	case !r.Review.Open:
		return nil, refuse(Reviewed)
	case r.Requester.ID == a.Person.ID:
		return nil, refuse(OwnBreakGlass)
	}
	// The requester may have left since; what counts is who could have approved.
	requester := authz.Person{ID: r.Requester.ID, Name: r.Requester.Name, Membership: authz.Member}
	draft := *r
	draft.Ask.BreakGlass = false
	q, d := s.ask(ctx, &draft, requester, people, nil)
	may := slices.Contains(r.Decision.Approvers, a.Person.ID)
	if d.Effect == authz.Approve {
		may, _ = s.policy().MayApprove(q, d, a.Person)
	}
	if !may {
		return nil, refuse(NotReviewer)
	}
	return func(r *Request, e *Effects, now time.Time) error {
		r.Review = Review{By: a.Person, At: now}
		r.owe(ReviewCard)
		e.Events = append(e.Events, r.event(EventReviewed, r.State, a.Person, Reason{}, now))
		return nil
	}, nil
}
