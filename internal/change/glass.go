package change

import (
	"cmp"
	"context"
	"slices"

	"autoscalebot/internal/authz"
)

// breakGlass skips the approval, says so loudly, and leaves a review open. D is the
// policy's decision on the wish to.
func (s *Service) breakGlass(a Act, d authz.Decision) (stepFunc, error) {
	switch {
	case !s.cfg.HasAnnounce:
		return nil, refused("not allowed: break-glass needs ANNOUNCE_CHANNEL to be set. Ask whoever runs the bot.")
	case !d.BrokeGlass:
		return nil, refused("not allowed: %s", d.Reason)
	}
	return func(r *Request, e *Effects) error {
		r.Ask.BreakGlass, r.Ask.Reason = true, cmp.Or(a.Reason, r.Ask.Reason)
		s.glass(r, e, a.Person)
		return s.decide(a, d, r.Votes)(r, e)
	}, nil
}

// glass notes a broken glass with its review.
func (s *Service) glass(r *Request, e *Effects, by Person) {
	r.Ruling.BrokeGlass, r.Review.Open = true, true
	e.Events = append(e.Events, s.event(r, s.cfg.Now(), EventBrokeGlass, r.State, by, r.Ask.Reason))
	if s.cfg.Watch.BrokeGlass != nil {
		s.cfg.Watch.BrokeGlass()
	}
}

// review signs a broken glass: by somebody else, who could have approved it.
func (s *Service) review(ctx context.Context, a Act, r *Request, actor authz.Person, people authz.People) (stepFunc, error) {
	switch {
	case !r.Ruling.BrokeGlass:
		return nil, refused("%s broke no glass, so there is nothing to review.", r.ID)
	case !r.Review.Open:
		return nil, refused("%s has been reviewed by %s.", r.ID, mention(r.Review.By))
	case r.Requester.ID == a.Person.ID:
		return nil, refused("not allowed: nobody reviews their own break-glass.")
	}
	// The requester may have left since; what counts is who could have approved.
	requester := authz.Person{ID: r.Requester.ID, Name: r.Requester.Name, Standing: authz.Member}
	draft := *r
	draft.Ask.BreakGlass = false
	q, d := s.ask(ctx, &draft, requester, people, nil)
	may := slices.Contains(r.Ruling.Approvers, a.Person.ID)
	if d.Effect == authz.Approve {
		may, _ = s.policy().MayApprove(q, d, actor)
	}
	if !may {
		return nil, refused("not allowed: only somebody who could have approved %s can review it.", r.ID)
	}
	return func(r *Request, e *Effects) error {
		r.Review.Open, r.Review.By, r.Review.At = false, a.Person, s.cfg.Now()
		r.Owed, r.ReviewStale = true, true
		e.Events = append(e.Events, s.event(r, s.cfg.Now(), EventReviewed, r.State, a.Person, ""))
		return nil
	}, nil
}
