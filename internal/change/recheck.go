package change

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// finding is what the last look before a PATCH came to. The zero finding is that
// everything holds; otherwise the request is to end in that state, for that reason.
type finding struct {
	state State
	why   string
}

// recheck looks once more at everything that has to hold when the PATCH is sent:
// the time, the target, the touched settings, the policy and the people. The
// draft's target is brought up to date. An error that is notYet tells that it could
// not be found out now.
func (s *Service) recheck(ctx context.Context, draft *Request) (finding, error) {
	if late := s.tooLate(draft); late != "" {
		return finding{Stale, late}, nil
	}
	targets, err := s.names.Targets(ctx, draft.Target.ModelID)
	if err != nil || targets.Stale {
		return s.unread(ctx, draft, err)
	}
	found, ok := targets.Exactly(draft.Target.Environment, draft.Target.DeploymentID)
	if !ok {
		return finding{Failed, "failed: " + plain(draft.Target.Name()) + " not found: Baseten does not have it any more. Nothing was changed."}, nil
	}
	seen := targetOf(found)
	seen.ModelName, seen.Team = draft.Target.ModelName, draft.Target.Team
	if draft.Target.Environment == "" && seen.Serves != draft.Target.Serves {
		return finding{Stale, wordsPromoted(draft, seen)}, nil
	}
	draft.Target = seen

	current := found.Settings()
	if current == nil {
		return finding{}, notYet("Baseten does not show the settings that would be changed. I keep trying.")
	}
	touched := current.Only(draft.Ask.Settings)
	switch {
	case touched.Equal(draft.Reading.Settings.Only(draft.Ask.Settings)):
	case touched.Equal(draft.Ask.Settings):
		return finding{state: Applied}, nil
	default:
		return finding{Stale, wordsMoved(draft, touched)}, nil
	}
	// What was not touched may have moved, and the policy may look at it.
	now := *draft
	now.Reading.Settings = current
	if now.Reading.Cost != nil {
		now.Reading.Cost = s.cost(ctx, &now, found, pricesWithin)
	}
	if no := s.fits(&now); no != nil {
		return finding{no.state, no.text}, nil
	}
	return s.stillAllowed(ctx, &now, &found)
}

// tooLate says that a change is owed for too long to be sent, "" if it is not.
func (s *Service) tooLate(r *Request) string {
	now := s.cfg.Now()
	if !now.After(r.OwedSince.Add(s.cfg.ApplyWithin)) {
		return ""
	}
	return wordsTooLate(r, now)
}

// unread sorts the ways in which Baseten could not be read.
func (s *Service) unread(ctx context.Context, draft *Request, err error) (finding, error) {
	if ctx.Err() != nil {
		return finding{}, ctx.Err()
	}
	var known *baseten.Error
	if errors.As(err, &known) {
		switch known.Kind {
		case baseten.KindNotFound:
			return finding{Failed, wordsForBaseten(known)}, nil
		case baseten.KindAuth, baseten.KindInvalid:
			return finding{Failed, wordsForBaseten(known) + " " + s.byHand(draft)}, nil
		}
	}
	s.cfg.Log.Warn("read settings before the change", zapRequest(draft.ID), zap.Error(err))
	return finding{}, notYet("Baseten does not answer, so I cannot look at the settings before I change them. I keep trying.")
}

// stillAllowed asks the policy again about an approved request. What cannot be
// looked up now is no permission, and no refusal either.
func (s *Service) stillAllowed(ctx context.Context, r *Request, found *baseten.Resolved) (finding, error) {
	const cannotTell = notYet("Slack does not answer, so I cannot look up who may do this. I keep trying.")
	person, people, err := s.who(ctx, r.Requester.ID)
	if err != nil {
		if ctx.Err() != nil {
			return finding{}, ctx.Err()
		}
		return finding{}, cannotTell
	}
	q, d := s.ask(ctx, r, person, people, found)
	switch d.Effect {
	case authz.Allow:
		return finding{}, nil
	case authz.Confirm:
		return finding{Stale, "The policy changed: this needs to be confirmed by " + mention(r.Requester) + " now. Nothing was sent."}, nil
	case authz.Approve:
		t, unknown := s.tally(ctx, r, q, d)
		switch {
		case t.Satisfied:
			return finding{}, nil
		case unknown || len(people.Unreachable) > 0:
			return finding{}, cannotTell
		}
		return finding{Stale, "not allowed any more: the approvals do not suffice under the policy and with the people of this moment. Nothing was sent."}, nil
	default:
		if len(people.Unreachable) > 0 {
			return finding{}, cannotTell
		}
		return finding{Stale, "not allowed any more: " + d.Reason + " Nothing was sent."}, nil
	}
}
