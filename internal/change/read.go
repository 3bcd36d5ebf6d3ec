package change

import (
	"cmp"
	"context"
	"fmt"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// MayRead tells whether a person may be shown what the bot knows: full members of
// the workspace, and guests whom the policy names. It returns why not.
func (s *Service) MayRead(ctx context.Context, userID string) (why string, ok bool) {
	person, people, err := s.who(ctx, userID)
	if err != nil {
		return wordsDenied("I could not look you up in Slack, so I cannot tell who you are. Please try again."), false
	}
	if person.Standing == authz.Member {
		return "", true
	}
	if _, stranger := s.policy().Stranger(authz.Question{Person: person, People: people, Now: s.cfg.Now()}); person.Standing == authz.Guest && !stranger {
		return "", true
	}
	return wordsDenied("this is for members of the workspace."), false
}

// Preview is a request that was looked at and not made.
type Preview struct {
	// Request holds target, reading and ruling, as far as they could be found.
	Request *Request
	// Why is the sentence with which the request would end at once, "" if it would
	// not.
	Why string
	// Explanation is the policy's own account, rule by rule. It is empty where the
	// policy was not asked.
	Explanation authz.Explanation
}

// Preview looks at a request as if it had been made, changing nothing.
func (s *Service) Preview(ctx context.Context, in Submission) Preview {
	r := &Request{
		State: Requested, CreatedAt: s.cfg.Now(), OwedSince: s.cfg.Now(),
		Requester: in.Requester, Channel: in.Channel, Thread: in.Thread, Ask: in.Ask,
	}
	sub, no := s.look(ctx, r)
	if no == nil {
		no = s.fits(r)
	}
	if no != nil {
		return Preview{Request: r, Why: no.text}
	}
	out := Preview{Request: r, Explanation: s.policy().Explain(s.question(r, sub.person, sub.people))}
	if d := s.rule(ctx, r, sub); d.Effect == authz.Deny {
		out.Why = wordsDenied(d.Reason)
	}
	return out
}

// Who is who a person is, as far as deciding goes.
func (s *Service) Who(ctx context.Context, userID string) (authz.Person, authz.People, error) {
	return s.who(ctx, userID)
}

// Waiting returns the requests that wait for people, oldest first.
func (s *Service) Waiting(ctx context.Context) ([]*Request, error) {
	return s.store.Pending(ctx, "", 50)
}

// Standing is one model as it is now, with what the bot knows beside it.
type Standing struct {
	Model   baseten.Model
	Targets baseten.Targets
	Pending []*Request
	// Last holds past requests of this model, newest first.
	Last []*Request
}

// Status reads a model. Its error is a sentence for people.
func (s *Service) Status(ctx context.Context, model string) (Standing, error) {
	var out Standing
	var err error
	if out.Model, err = s.names.ResolveModel(ctx, model); err == nil {
		out.Targets, err = s.names.Targets(ctx, out.Model.ID)
	}
	if err != nil {
		return out, &Refused{Text: wordsForName(err).text}
	}
	waiting, err := s.store.Pending(ctx, "", 200)
	if err != nil {
		return out, fmt.Errorf("read pending requests: %w", err)
	}
	for _, r := range waiting {
		if r.Target.ModelID == out.Model.ID {
			out.Pending = append(out.Pending, r)
		}
	}
	out.Last, err = s.store.History(ctx, out.Model.ID, "", 50)
	if err != nil {
		return out, fmt.Errorf("read past requests: %w", err)
	}
	return out, nil
}

// Past returns past requests, newest first: all, a model's, or a target's. Its error
// is a sentence for people where it is a *Refused.
func (s *Service) Past(ctx context.Context, model, kind, target string) ([]*Request, error) {
	if model == "" {
		return s.store.History(ctx, "", "", 20)
	}
	m, err := s.names.ResolveModel(ctx, model)
	if err != nil {
		return nil, &Refused{Text: wordsForName(err).text}
	}
	if target == "" {
		return s.store.History(ctx, m.ID, "", 20)
	}
	targets, err := s.names.Targets(ctx, m.ID)
	if err == nil {
		var found baseten.Resolved
		if found, err = targets.Resolve(kind, target); err == nil {
			t := targetOf(found)
			return s.store.History(ctx, m.ID, cmp.Or(t.Environment, t.DeploymentID), 20)
		}
	}
	return nil, &Refused{Text: wordsForName(err).text}
}
