package change

import (
	"context"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// A freeze keeps changes from a model, one target of it, or from all models, until it is
// over: commands, approvals and ends of temporary changes alike. It is a row like a
// request, so that every replica sees it in the transaction that would begin an attempt.

// AllModels is the model of a freeze of everything.
const AllModels = "*"

// Freeze is what people are told of a freeze that stands in their way.
type Freeze struct {
	ID ID           `json:"id"`
	By authz.Person `json:"by"`
	// Model, and Target of it, are what is frozen: AllModels, and "" for all targets.
	Model  string    `json:"model"`
	Target string    `json:"target,omitempty"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason,omitempty"`
	// Thaw are the groups and people who can thaw it, beside By.
	Thaw []string `json:"thaw,omitempty"`
	// BreakGlass tells that a break-glass goes through.
	BreakGlass bool   `json:"break_glass,omitempty"`
	Link       string `json:"link,omitempty"`
}

// Freezes reports whether it is a freeze that is in force at now.
func (r *Request) Freezes(now time.Time) bool {
	return r.Kind == KindFreeze && r.State == Applied && r.Term.open() && r.Term.EndsAt.After(now)
}

// LetsThrough reports whether the freeze lets that request pass.
func (r *Request) LetsThrough(o *Request) bool { return r.Ask.BreakGlass && o.BrokeGlass() }

// Freeze records a freeze, as Submit does a change.
func (s *Service) Freeze(ctx context.Context, in Submission) (*Request, error) {
	in.kind = KindFreeze
	return s.Submit(ctx, in)
}

// frozen is the first freeze that keeps the request from being sent, nil where none does.
func (s *Service) frozen(ctx context.Context, r *Request) (*Reason, error) {
	freezes, err := s.store.Freezes(ctx, &r.Target, s.now())
	if err != nil {
		return nil, err
	}
	for _, f := range freezes {
		if !f.LetsThrough(r) {
			return &Reason{Code: Frozen, Freeze: s.freezeOf(ctx, f)}, nil
		}
	}
	return nil, nil
}

// freezeOf is what people are told of a freeze.
func (s *Service) freezeOf(ctx context.Context, r *Request) *Freeze {
	return &Freeze{
		ID: r.ID, By: r.Requester, Model: r.FrozenModel(), Target: r.Target.Name(), Until: r.Term.EndsAt, Reason: r.Ask.Reason,
		Thaw: s.policy().Freezers(), BreakGlass: r.Ask.BreakGlass, Link: s.cardLink(ctx, r),
	}
}

// FrozenModel is the model that a freeze keeps changes from, or AllModels.
func (r *Request) FrozenModel() string {
	if r.Ask.Model == AllModels {
		return AllModels
	}
	return r.Target.Model
}

// judgeFreeze asks the policy whether the requester may freeze, posts the card, and puts
// the freeze in force.
func (s *Service) judgeFreeze(ctx context.Context, r *Request) (*Request, error) {
	draft := *r
	no := s.lookUpFreeze(ctx, &draft)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if no != nil {
		return s.refuse(ctx, &draft, no)
	}
	ends, err := s.store.Temporary(ctx, draft.Target.ModelID, mostWaiting)
	if err != nil {
		return nil, err
	}
	draft.Snapshot.Notes = s.endsWithin(ctx, &draft, ends)
	slot := cardSlot{leave: func() {}}
	err = s.idle(ctx, func() error {
		return s.turn(ctx, func(ctx context.Context) (err error) {
			slot.slot, err = s.chat.Slot(ctx, draft.Channel, Card)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	defer slot.giveBack()
	if out, err := s.postCard(ctx, slot, &draft); out != nil || err != nil {
		return out, err
	}
	return s.posted(&draft, func(r *Request, e *Effects, now time.Time) error {
		r.AppliedAt = now
		ends := r.Ask.end(now)
		r.Term = Term{EndsAt: ends, Since: now, DueAt: ends}
		return r.move(e, Applied, r.Requester, Reason{}, now)
	})
}

// mostWithin is of how many ends a freeze's card tells.
const mostWithin = 5

// endsWithin tells of the ends that come while a freeze is in force, and wait for the thaw.
func (s *Service) endsWithin(ctx context.Context, freeze *Request, held []*Request) []Note {
	var out []Note
	over := freeze.Ask.end(s.now())
	for _, r := range held {
		if freeze.covers(r.Target) && !r.Term.EndsAt.After(over) && len(out) < mostWithin {
			out = append(out, Note{Code: NoteWaitsForThaw, Request: r.ID, Target: r.Target, Until: r.Term.EndsAt, Link: s.cardLink(ctx, r)})
		}
	}
	return out
}

// covers reports whether the freeze keeps changes from the target.
func (r *Request) covers(t baseten.Target) bool {
	switch {
	case r.Ask.Model == AllModels:
		return true
	case r.Target.Slot() == "" && r.Target.DeploymentID == "":
		return r.Target.ModelID == t.ModelID
	default:
		return r.Target.Overlaps(t)
	}
}

// lookUpFreeze finds out who wants to freeze what until when, and whether they may.
func (s *Service) lookUpFreeze(ctx context.Context, r *Request) *refusal {
	ctx, cancel := context.WithTimeout(ctx, lookUpWithin)
	defer cancel()
	var sub subject
	if no := s.lookUpPlace(ctx, r, &sub); no != nil {
		return no
	}
	if ok, why := s.policy().MayFreeze(sub.person, r.Channel, sub.people); !ok {
		r.Decision = authz.Decision{Effect: authz.Deny, Cause: why, PolicySHA: s.policy().SHA256()}
		return &refusal{state: Denied, why: Reason{Code: PolicyDenied, Cause: why}}
	}
	if no := s.resolveClock(r); no != nil {
		return no
	}
	if r.Ask.Model == AllModels {
		return nil
	}
	if r.Ask.Target != "" {
		found, err := s.resolve(ctx, r.Ask, 0)
		if err != nil {
			return nameRefusal(err)
		}
		r.Target = found.Target()
		return nil
	}
	model, err := s.names.ResolveModel(ctx, r.Ask.Model)
	if err != nil {
		return nameRefusal(err)
	}
	r.Target = baseten.Target{ModelID: model.ID, Model: model.Name, Team: model.Team}
	return nil
}

// mayThaw judges the wish to thaw: whoever set the freeze may, and those who may freeze.
func (s *Service) mayThaw(ctx context.Context, a Act, r *Request, people authz.People) (stepFunc, error) {
	if !r.Freezes(s.now()) {
		return nil, &Refused{Reason: Reason{Code: NotFrozen, Request: r.ID}}
	}
	may, _ := s.policy().MayFreeze(a.Person, r.Channel, people)
	if !may && a.Person.ID != r.Requester.ID {
		return nil, &Refused{Reason: Reason{Code: NotThawer, Freeze: s.freezeOf(ctx, r)}}
	}
	return func(r *Request, e *Effects, now time.Time) error {
		r.thaw(e, a.Person, now)
		return nil
	}, nil
}

// wakeFrozen lets the ends of temporary changes go on that the freeze stopped. Nothing
// depends on it: they look by themselves, only later.
func (s *Service) wakeFrozen(freeze *Request) {
	s.background(freeze.ID, func() {
		ctx := s.lease.held()
		held, err := s.store.Temporary(ctx, freeze.Target.ModelID, mostStanding)
		if err != nil {
			s.cfg.Log.Warn("look for ends that a freeze stopped", zapRequest(freeze.ID), zap.Error(err))
		}
		for _, r := range held {
			if !r.Term.Frozen || !freeze.covers(r.Target) {
				continue
			}
			_, err := s.change(ctx, Delivery{}, r.ID, func(r *Request, _ *Effects, now time.Time) error {
				if r.Term.Frozen {
					s.take(r)
					r.Term.DueAt = firstTime(r.Term.DueAt, now)
				}
				return nil
			})
			if err != nil {
				s.cfg.Log.Warn("wake an end that a freeze stopped", zapRequest(r.ID), zap.Error(err))
			}
			s.Start(r.ID)
		}
	})
}

// thaw ends the freeze, by somebody, or because its time is up.
func (r *Request) thaw(e *Effects, by authz.Person, now time.Time) {
	r.Term = r.Term.owesNothing()
	r.Term.OverAt, r.CanceledBy = now, by
	r.owe(Card, Reply)
	e.Events = append(e.Events, r.event(EventOver, r.State, by, Reason{}, now))
}
