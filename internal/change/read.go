package change

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

const (
	mostWaiting = 50
	mostPast    = 20
)

// MayRead refuses a reader who may not be shown what the bot knows (see insider): its
// error is a *Refused. It fills in who they are.
func (s *Service) MayRead(ctx context.Context, reader *authz.Person) error {
	_, err := s.insider(ctx, reader)
	return err
}

// MayAsk tells, before a form opens, whether a person could be let change anything at
// all in the channel, or in any where it is "". Why not is a *Refused, which was recorded.
func (s *Service) MayAsk(ctx context.Context, in Submission) error {
	person, people, err := s.who(ctx, in.Requester.ID)
	why := Reason{Code: PolicyDenied}
	switch {
	case errors.Is(err, ErrNobody):
		person, why.Cause = in.Requester, authz.Cause{Code: authz.CauseUnidentified}
	case err != nil:
		person, why.Code = in.Requester, WhoUnknown
	default:
		d, never := s.policy().NeverAllowed(authz.Question{Person: person, Channel: in.Channel, People: people, Now: s.now()})
		if !never {
			return nil
		}
		why.Cause = d.Cause
	}
	a := Act{Delivery: in.Delivery, Person: person, Verb: VerbChange, Message: MessageRef{Channel: in.Channel}}
	return s.refuseAct(ctx, a, nil, &Refused{Reason: why})
}

// Request returns a request as it is, or ErrNotFound.
func (s *Service) Request(ctx context.Context, id ID) (*Request, error) { return s.store.Get(ctx, id) }

// Preview is a request that was looked at and not made.
type Preview struct {
	// Request holds target, snapshot and decision, as far as they could be found.
	Request *Request
	// Refused is why the request would end at once; its code is "" if it would not.
	Refused Reason
	// Explanation is the policy's own account, rule by rule. It is empty where the
	// policy was not asked.
	Explanation authz.Explanation
}

// Preview looks at a request as if it had been made, changing nothing.
func (s *Service) Preview(ctx context.Context, in Submission) Preview {
	r := &Request{
		Kind: KindChange, State: Requested, CreatedAt: s.now(), OwedSince: s.now(),
		Requester: in.Requester, Channel: in.Channel, Thread: in.Thread, Ask: in.Ask,
	}
	if err := s.begin(ctx); err != nil {
		return Preview{Request: r, Refused: Reason{Code: SlackAway}}
	}
	defer s.end()
	sub, no := s.lookUp(ctx, r, in.MaxAge)
	if no == nil {
		no = s.fits(r)
	}
	if no != nil {
		return Preview{Request: r, Refused: no.why}
	}
	out := Preview{Request: r, Explanation: s.policy().Explain(s.question(r, sub.person, sub.people))}
	if d := s.decide(ctx, r, sub); d.Effect == authz.Deny {
		out.Refused = s.denied(r).why
	}
	return out
}

// Who is who a person is, as far as deciding goes.
func (s *Service) Who(ctx context.Context, userID string) (authz.Person, authz.People, error) {
	return s.who(ctx, userID)
}

// Waiting returns the requests that wait for people, oldest first.
func (s *Service) Waiting(ctx context.Context) ([]*Request, error) {
	return s.store.Pending(ctx, "", mostWaiting)
}

// OpenReview is a request whose break-glass nobody has signed yet.
type OpenReview struct {
	*Request
	// Link is the address of the review card, "" where Slack did not give it.
	Link string
}

// Reviews returns the open reviews, oldest first.
func (s *Service) Reviews(ctx context.Context) ([]OpenReview, error) {
	open, err := s.store.Unreviewed(ctx, mostWaiting)
	if err != nil {
		return nil, err
	}
	out := make([]OpenReview, len(open))
	links := make([]func(), len(open))
	for i, r := range open {
		links[i] = func() { out[i] = OpenReview{r, s.chat.Link(ctx, r.Messages.Review.Ref)} }
	}
	together(links...)
	return out, nil
}

// TargetOf names what a request changes, by IDs, as Status takes them.
func (s *Service) TargetOf(ctx context.Context, id ID) (model, target, kind string, err error) {
	r, err := s.store.Get(ctx, id)
	if err != nil {
		return "", "", "", err
	}
	model, target, kind = sameTarget(r)
	return model, target, kind, nil
}

// ModelStatus is one model as it is now, with what the bot knows beside it.
type ModelStatus struct {
	Model   baseten.Model
	Targets baseten.Targets
	Pending []*Request
	// Last holds past requests of this model, newest first.
	Last []*Request
}

// Status reads a model. Its error is a *Refused where the name is to blame, or
// Baseten.
func (s *Service) Status(ctx context.Context, model string) (ModelStatus, error) {
	var out ModelStatus
	var err error
	if out.Model, err = s.names.ResolveModel(ctx, model); err == nil {
		out.Targets, err = s.names.Targets(ctx, out.Model.ID)
	}
	if err != nil {
		return out, &Refused{Reason: NameProblem(err)}
	}
	if out.Pending, err = s.store.Pending(ctx, out.Model.ID, mostWaiting); err != nil {
		return out, fmt.Errorf("read pending requests of %s: %w", out.Model.ID, err)
	}
	if out.Last, err = s.store.History(ctx, out.Model.ID, "", mostWaiting); err != nil {
		return out, fmt.Errorf("read past requests of %s: %w", out.Model.ID, err)
	}
	return out, nil
}

// Past returns past requests, newest first: all, a model's, or a target's. Its error
// is a *Refused where the name is to blame, or Baseten.
func (s *Service) Past(ctx context.Context, model, kind, target string) ([]*Request, error) {
	if model == "" {
		return s.store.History(ctx, "", "", mostPast)
	}
	m, err := s.names.ResolveModel(ctx, model)
	if err != nil {
		return nil, &Refused{Reason: NameProblem(err)}
	}
	if target == "" {
		return s.store.History(ctx, m.ID, "", mostPast)
	}
	targets, err := s.names.Targets(ctx, m.ID)
	if err == nil {
		var found baseten.Resolved
		if found, err = targets.Resolve(kind, target); err == nil {
			t := found.Target()
			return s.store.History(ctx, m.ID, cmp.Or(t.Environment, t.DeploymentID), mostPast)
		}
	}
	return nil, &Refused{Reason: NameProblem(err)}
}
