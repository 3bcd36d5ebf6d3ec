package change

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
)

const (
	// leastReason is how many characters that can be read the reason of a break-glass has
	// to have.
	leastReason = 10
	// deniedFor is how long a person's denial keeps everybody from break-glass on the
	// same setting of the same target.
	deniedFor = time.Hour
	// reviewEvery is how long after a review was opened, or its signers were reminded,
	// they are reminded of it.
	reviewEvery = 24 * time.Hour
	// linkWithin bounds how long a message waits for the address of a card.
	linkWithin = 2 * time.Second
)

// MayBreakGlass judges a press of the break-glass button before anybody is asked for a
// reason, and returns the request that the reason is to be for. A *Refused was recorded,
// as by Do, which judges again once the reason is known.
func (s *Service) MayBreakGlass(ctx context.Context, a Act) (*Request, error) {
	a.Verb = VerbBreakGlass
	a, r, people, err := s.acts(ctx, a)
	if err != nil {
		return nil, err
	}
	_, err = s.prepare(ctx, a, r, people)
	var no *Refused
	switch {
	case errors.As(err, &no) && no.Reason.Code == ReasonTooShort:
		return r, nil // all that is missing is what the form asks for
	case err != nil:
		s.refreshCopy(a, r)
		return nil, s.refuseAct(ctx, a, r, err)
	}
	return r, nil
}

// mayBreakGlass judges the wish to skip the approval; d is the policy's decision on
// it. It is said loudly, before anything is sent, and leaves a review open.
func (s *Service) mayBreakGlass(ctx context.Context, a Act, r *Request, d authz.Decision) (stepFunc, error) {
	onlyReason := d.Cause.Code == authz.CauseBreakGlassReason || d.Cause.Code == authz.CauseReasonMissing
	switch {
	case !s.cfg.HasAnnounce:
		return nil, refuse(NoAnnounce)
	case !d.BrokeGlass && !onlyReason:
		return nil, &Refused{Reason: Reason{Code: PolicyDenied, Cause: d.Cause}}
	}
	if no, err := s.breakGlassRefused(ctx, r, cmp.Or(a.Reason, r.Ask.Reason)); no.Code != "" || err != nil {
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

// breakGlassRefused says why the approval may not be skipped though the policy would
// let them; its code is "" where it may. The reason comes last: it alone can be mended.
func (s *Service) breakGlassRefused(ctx context.Context, r *Request, reason string) (Reason, error) {
	denied, err := s.store.Denied(ctx, r.Target, s.now().Add(-deniedFor))
	if err != nil {
		return Reason{}, err
	}
	for _, o := range denied {
		if len(o.Ask.Settings.Only(r.Ask.Settings)) > 0 {
			return Reason{Code: DeniedLately, Request: o.ID}, nil
		}
	}
	if legible(reason) < leastReason {
		return Reason{Code: ReasonTooShort}, nil
	}
	return Reason{}, nil
}

// legible is how many characters of a text can be read: several spaces count as one, and
// what is hidden as none.
func legible(text string) int {
	n := 0
	for _, r := range strings.Join(strings.Fields(text), " ") {
		if unicode.IsPrint(r) {
			n++
		}
	}
	return n
}

// breakGlass notes a break-glass and opens its review.
func (s *Service) breakGlass(r *Request, e *Effects, by authz.Person, now time.Time) {
	r.Review.Open, r.ReviewDueAt = true, now.Add(reviewEvery)
	e.Events = append(e.Events, r.event(EventBrokeGlass, r.State, by, Reason{Text: r.Ask.Reason}, now))
	if s.cfg.Watch.BrokeGlass != nil {
		s.cfg.Watch.BrokeGlass()
	}
}

// announce posts the announcement of a break-glass, which asks for its review too.
// Where it cannot be posted, or nobody can tell whether it was, nothing is sent.
func (s *Service) announce(ctx context.Context, r *Request) (*Request, error) {
	draft := *r
	var ref MessageRef
	err := s.idle(ctx, func() (err error) {
		draft.Review.Card = s.cardLink(ctx, r)
		ref, err = s.post(ctx, &draft, ReviewCard)
		return err
	})
	if err == nil {
		return s.announced(r, ref, draft.Review.Card)
	}
	if ctx.Err() != nil || errors.Is(err, errStopping) {
		return nil, err
	}
	s.cfg.Log.Error("announce break-glass", zapRequest(r.ID), zap.Error(err))
	return s.recordStep(r, Approved, func(r *Request, e *Effects, now time.Time) error {
		return r.move(e, Failed, authz.Person{}, Reason{Code: NotAnnounced, Text: announceWord(err)}, now)
	})
}

// announced notes the announcement. Where the request was canceled while it was posted,
// it has to show that.
func (s *Service) announced(r *Request, ref MessageRef, card string) (*Request, error) {
	out, err := s.recordStep(r, Approved, func(r *Request, _ *Effects, _ time.Time) error {
		r.Messages.Review.Ref, r.Messages.Review.Owed, r.Review.Card = ref, 0, card
		return nil
	})
	if err != nil || out.Messages.Review.Ref.TS != "" {
		return out, err
	}
	return s.recordStep(out, out.State, func(r *Request, _ *Effects, _ time.Time) error {
		r.Messages.Review.Ref, r.Review.Card = ref, card
		r.owe(ReviewCard)
		return nil
	})
}

// announceWord is Slack's word for why the channel for alarms took nothing, "" where it
// gave none.
func announceWord(err error) string {
	switch {
	case errors.Is(err, ErrNotInvited):
		return "not_in_channel"
	case errors.Is(err, ErrGone):
		return "is_archived"
	default:
		return slackWord(err)
	}
}

// review signs a break-glass: by somebody else, who could have approved it.
func (s *Service) review(ctx context.Context, a Act, r *Request, people authz.People) (stepFunc, error) {
	switch {
	case !r.Review.Open && r.Review.By.ID == "":
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
	q, d, err := s.ask(ctx, &draft, requester, people, nil)
	if err != nil {
		return nil, err
	}
	may := slices.Contains(r.Decision.Approvers, a.Person.ID)
	if d.Effect == authz.Approve {
		may, _ = s.policy().MayApprove(q, d, a.Person)
	}
	if !may {
		return nil, refuse(NotReviewer)
	}
	return func(r *Request, e *Effects, now time.Time) error {
		r.Review.Open, r.Review.By, r.Review.At, r.ReviewDueAt = false, a.Person, now, time.Time{}
		r.owe(ReviewCard)
		e.Events = append(e.Events, r.event(EventReviewed, r.State, a.Person, Reason{}, now))
		return nil
	}, nil
}

// reviewDue reports whether those who can sign the open review are to be reminded.
func (r *Request) reviewDue(now time.Time) bool {
	return r.Review.Open && !r.ReviewDueAt.IsZero() && !r.ReviewDueAt.After(now)
}

// remindReview reminds those who can sign. As with a card that waits, that is noted
// before it is posted: a reminder that is lost is better than two, and tomorrow there
// is another.
func (s *Service) remindReview(ctx context.Context, r *Request) (*Request, error) {
	remind := false
	r, err := s.step(ctx, r, r.State, func(r *Request, _ *Effects, now time.Time) error {
		if remind = r.reviewDue(now); remind {
			r.ReviewDueAt = now.Add(reviewEvery)
		}
		return nil
	})
	if err == nil && remind {
		s.remind(r, ReviewReminder)
	}
	return r, err
}
