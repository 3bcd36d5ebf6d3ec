package change

import (
	"cmp"
	"context"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

const (
	// confirmFor is how long a preview waits for its requester's Confirm where the
	// rule does not say.
	confirmFor = 15 * time.Minute
	// pricesNeeded bounds how long a decision waits for list prices that a rule asks
	// for. Without them it would be a denial.
	pricesNeeded = 8 * time.Second
)

// ask puts the question to the policy of this moment. It is the one way to it: for
// a command, a click, and again before the PATCH. Where a rule asks for a cost that
// is not known, the price list is waited for and the question put again; found is
// the target as read, nil if it was not.
func (s *Service) ask(ctx context.Context, r *Request, person authz.Person, people authz.People, found *baseten.Resolved) (authz.Question, authz.Decision) {
	policy := s.policy()
	q := s.question(r, person, people)
	d := policy.Decide(q)
	if !d.NeedsCost {
		return q, d
	}
	if found == nil {
		read, err := s.reread(ctx, r.Target)
		if err != nil {
			return q, d
		}
		found = &read
	}
	if r.Reading.Cost = s.cost(ctx, r, *found, pricesNeeded); r.Reading.Cost != nil {
		q = s.question(r, person, people)
		d = policy.Decide(q)
	}
	return q, d
}

func (s *Service) question(r *Request, person authz.Person, people authz.People) authz.Question {
	q := authz.Question{
		Person: person, Channel: r.Channel,
		Target: authz.Target{
			ModelID: r.Target.ModelID, Model: r.Target.ModelName, Team: r.Target.Team, Kind: r.Target.Kind(),
			Environment: r.Target.Environment, DeploymentID: r.Target.DeploymentID, Deployment: r.Target.DeploymentName,
			Serves: r.Target.Serves, Promoting: r.Target.Promoting, Development: r.Target.Development,
		},
		Before: r.Reading.Settings, Touched: r.Ask.Settings, Reason: r.Ask.Reason,
		BreakGlass: r.Ask.BreakGlass, Confirmed: r.confirmed(), Now: s.cfg.Now(), People: people,
	}
	if c := r.Reading.Cost; c != nil {
		q.Cost = authz.Cost{FloorBefore: &c.FloorBefore, FloorAfter: &c.FloorAfter, CeilingBefore: &c.CeilingBefore, CeilingAfter: &c.CeilingAfter}
	}
	return q
}

// confirmed tells that the requester pressed Confirm: nobody else can be whose
// click the request was approved by and its requester.
func (r *Request) confirmed() bool {
	return r.EndedBy.ID != "" && r.EndedBy.ID == r.Requester.ID
}

// rule asks the policy about a request that nobody acted on yet, and keeps its
// answer with the request.
func (s *Service) rule(ctx context.Context, r *Request, sub subject) authz.Decision {
	_, d := s.ask(ctx, r, sub.person, sub.people, &sub.resolved)
	switch {
	case d.BreakGlass && r.Ask.BreakGlass && !s.cfg.HasAnnounce:
		d.Effect, d.Reason = authz.Deny, "Break-glass needs ANNOUNCE_CHANNEL to be set. Ask whoever runs the bot."
	case d.Effect == authz.Allow && r.Ask.By.ID != "" && r.Ask.By.ID != r.Requester.ID:
		// Somebody else asked in the requester's name: a permission is not lent.
		d.Effect = authz.Confirm
	}
	r.Ruling, r.ExpiresAt = ruling(d), time.Time{}
	if d.Effect == authz.Approve || d.Effect == authz.Confirm {
		r.ExpiresAt = s.cfg.Now().Add(cmp.Or(d.Expires, confirmFor))
	}
	return d
}

func ruling(d authz.Decision) Ruling {
	return Ruling{
		Effect: string(d.Effect), Rule: d.Rule, Reason: d.Reason, PolicySHA: d.PolicySHA,
		Needed: d.Needed, Approvers: d.Approvers, BreakGlass: d.BreakGlass, BrokeGlass: d.BrokeGlass,
	}
}

// who looks up a person and the policy's user groups as they are now.
func (s *Service) who(ctx context.Context, userID string) (authz.Person, authz.People, error) {
	people := make(chan authz.People, 1)
	go func() { people <- s.dir.People(ctx, s.policy().Usergroups()) }()
	person, err := s.dir.Person(ctx, userID, 0)
	return person, <-people, err
}

// ours tells whether a standing is one that this workspace answers for.
func ours(p authz.Person) bool { return p.Standing == authz.Member || p.Standing == authz.Guest }
