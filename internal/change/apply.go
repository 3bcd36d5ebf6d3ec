package change

import (
	"context"
	"errors"
	"slices"

	"autoscalebot/internal/authz"
)

// begin shows a request that needs nobody's approval and starts the attempt. The
// turn to post is waited for first and the target's lane entered second, so that
// what is posted was read a moment ago and no other request comes between.
func (s *Service) begin(ctx context.Context, draft *Request) (*Request, error) {
	floor, ended, err := s.takeFloor(ctx, draft, authz.Allow)
	if ended != nil || err != nil {
		return ended, err
	}
	defer floor.giveBack()
	if draft.Root, err = floor.turn.Post(ctx, draft, Root); err != nil {
		return s.unposted(ctx, draft, err)
	}
	approve := func(r *Request, e *Effects) error {
		if r.Ruling.BrokeGlass {
			s.glass(r, e, r.Requester)
		}
		return s.move(r, e, Approved, Person{}, "")
	}
	if late := s.tooLate(draft); late != "" {
		return s.posted(ctx, draft, func(r *Request, e *Effects) error {
			if err := s.move(r, e, Approved, Person{}, ""); err != nil {
				return err
			}
			return s.move(r, e, Stale, Person{}, late)
		})
	}
	// Slack may have taken its time with the card: then all is checked once more.
	if s.cfg.Now().Sub(draft.Reading.At) <= freshFor {
		r, err := s.posted(ctx, draft, func(r *Request, e *Effects) error {
			if err := approve(r, e); err != nil {
				return err
			}
			return s.attempt(r, e)
		})
		switch {
		case err == nil && r.State == Applying:
			return s.send(ctx, r)
		case !errors.Is(err, ErrBusy):
			return r, err
		}
	}
	r, err := s.posted(ctx, draft, approve)
	if err != nil || r.State != Approved {
		return r, err
	}
	return s.applyInLane(ctx, r)
}

// floor is the right to post a card now, while no other request of this process
// comes between for the same target.
type floor struct {
	turn  Turn
	leave func()
}

func (f floor) giveBack() {
	f.leave()
	f.turn.Return()
}

// takeFloor waits for the turn to post the card and for the target's lane, and makes
// sure that what the card will show still holds. It returns the request where it
// ended instead; otherwise the floor has to be given back.
func (s *Service) takeFloor(ctx context.Context, draft *Request, effects ...authz.Effect) (f floor, ended *Request, err error) {
	if f.turn, err = s.chat.Turn(ctx, draft.Channel, Root); err != nil {
		return f, nil, err
	}
	if f.leave, err = s.lanes.enter(ctx, draft.Target.Key()); err != nil {
		f.turn.Return()
		return f, nil, err
	}
	if ended, err = s.lookAnew(ctx, draft, effects); ended != nil || err != nil {
		f.giveBack()
	}
	return f, ended, err
}

// lookAnew judges the draft once more where its turn was long in coming. It returns
// the request where that ended it.
func (s *Service) lookAnew(ctx context.Context, draft *Request, effects []authz.Effect) (ended *Request, err error) {
	key := draft.Target.Key()
	if fresh, err := s.fresh(ctx, draft); err != nil || fresh || draft.Buttons {
		return nil, err
	}
	sub, no := s.look(ctx, draft)
	if no == nil {
		no = s.fits(draft)
	}
	if no != nil {
		return s.refuse(ctx, draft, no)
	}
	if !slices.Contains(effects, s.rule(ctx, draft, sub).Effect) || draft.Target.Key() != key {
		return nil, later{0} // it became another matter: judge it from the start
	}
	return nil, nil
}

// fresh reports whether the draft's reading may still be acted on: it is at most
// some seconds old and no other request changed the target since.
func (s *Service) fresh(ctx context.Context, draft *Request) (bool, error) {
	if s.cfg.Now().Sub(draft.Reading.At) > freshFor {
		return false, nil
	}
	moved, err := s.store.AppliedSince(ctx, draft.Target.Key(), draft.ID, draft.Reading.At)
	return !moved, err
}

// attempt is the step that precedes every first PATCH: from here on it may have
// reached Baseten.
func (s *Service) attempt(r *Request, e *Effects) error {
	r.Sends = 1
	return s.move(r, e, Applying, Person{}, "")
}

// apply carries out an approved request.
func (s *Service) apply(ctx context.Context, r *Request) (*Request, error) {
	leave, err := s.lanes.enter(ctx, r.Target.Key())
	if err != nil {
		return nil, err
	}
	defer leave()
	return s.applyInLane(ctx, r)
}

// applyInLane checks the request once more, with the policy, the people and the
// settings of this moment, and sends it. While it cannot, because something does
// not answer or another request is applying to the same target, it looks again, and
// says so in the thread when that takes long.
func (s *Service) applyInLane(ctx context.Context, r *Request) (*Request, error) {
	for {
		draft := *r
		found, err := s.recheck(ctx, &draft)
		switch {
		case err != nil:
		case found.state == Applied:
			return s.alreadyDone(ctx, r)
		case found.state != "":
			return s.end(ctx, r, Approved, found.state, found.why)
		default:
			var begun *Request
			begun, err = s.step(ctx, r, Approved, func(r *Request, e *Effects) error {
				r.Target = draft.Target
				return s.attempt(r, e)
			})
			if err == nil && begun.State == Applying {
				if begun.Buttons {
					s.work.Go(func() { s.editQuietly(begun, Root, RemoveButtons) })
				}
				return s.send(ctx, begun)
			}
			if err == nil {
				return begun, nil // somebody canceled it
			}
		}
		if out, err := s.waits(ctx, r, err); out != nil || err != nil {
			return out, err
		}
		if r, err = s.store.Get(ctx, r.ID); err != nil || r.State != Approved {
			return r, err
		}
	}
}

// waits waits where a step cannot be taken yet. Where that took long it returns the
// request with a note for the thread, or tells to come back.
func (s *Service) waits(ctx context.Context, r *Request, why error) (*Request, error) {
	var not notYet
	switch {
	case errors.As(why, &not):
	case errors.Is(why, ErrBusy):
		not = "Another change is being applied to the same target. This one waits for it."
	default:
		return nil, why
	}
	if s.cfg.Now().Sub(r.OwedSince) < reportWithin {
		if !s.pause(ctx, lookAgain) {
			return nil, ctx.Err()
		}
		return nil, nil
	}
	if r.Why == string(not) {
		return nil, later{10 * lookAgain}
	}
	return s.step(ctx, r, r.State, func(r *Request, _ *Effects) error {
		r.Why, r.ResultStale, r.Owed = string(not), true, true
		return nil
	})
}

// notYet says for people why a step cannot be taken at the moment.
type notYet string

func (n notYet) Error() string { return string(n) }

// alreadyDone ends a request whose values somebody else set in the meantime.
func (s *Service) alreadyDone(ctx context.Context, r *Request) (*Request, error) {
	return s.step(ctx, r, Approved, func(r *Request, e *Effects) error {
		if err := s.move(r, e, Applying, Person{}, ""); err != nil {
			return err
		}
		r.Answer.ReadBack = true
		return s.move(r, e, Applied, Person{}, "Already done: somebody else made the same change in the meantime. Nothing was sent.")
	})
}

// end ends a request with a sentence for people.
func (s *Service) end(ctx context.Context, r *Request, from, to State, why string) (*Request, error) {
	return s.step(ctx, r, from, func(r *Request, e *Effects) error { return s.move(r, e, to, Person{}, why) })
}
