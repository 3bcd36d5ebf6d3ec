package change

import (
	"cmp"
	"context"
	"slices"

	"autoscalebot/internal/authz"
)

// approve judges one approval together with those given before.
func (s *Service) approve(ctx context.Context, a Act, r *Request, q authz.Question, d authz.Decision) (stepFunc, error) {
	draft := *r
	again := slices.ContainsFunc(r.Votes, func(v Vote) bool { return v.Person.ID == a.Person.ID && v.Approve })
	if !again {
		draft.Votes = append(slices.Clone(r.Votes), Vote{Person: a.Person, Approve: true, At: s.cfg.Now()})
	}
	t, _ := s.tally(ctx, &draft, q, d)
	switch missing := wordsStillNeeded(t, d); {
	case !slices.Contains(t.Counts, a.Person.ID):
		return nil, refused("not allowed: %s", cmp.Or(t.Ignored[a.Person.ID], "your approval does not count under the policy."))
	case t.Satisfied:
		return s.decide(a, d, draft.Votes), nil
	case again:
		return nil, refused("You already approved %s. %s", r.ID, missing)
	default:
		return func(r *Request, e *Effects) error {
			r.Votes, r.Ruling.Missing = draft.Votes, missing
			r.RootStale, r.Owed = true, true
			e.Events = append(e.Events, s.event(r, s.cfg.Now(), EventVoted, r.State, a.Person, "approved; "+missing))
			return nil
		}, nil
	}
}

// tally counts the approvals given, with the people of this moment. Unknown tells
// that somebody could not be looked up, whose approval therefore does not count.
func (s *Service) tally(ctx context.Context, r *Request, q authz.Question, d authz.Decision) (t authz.Tally, unknown bool) {
	given := make([]authz.Person, 0, len(r.Votes))
	for _, v := range r.Votes {
		p, err := s.dir.Person(ctx, v.Person.ID, 0)
		if err != nil {
			p, unknown = authz.Person{ID: v.Person.ID, Standing: authz.Unknown}, true
		}
		given = append(given, p)
	}
	return s.policy().Tally(q, d, given), unknown
}
