package change

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// begin shows a request that needs nobody's approval and starts the attempt. The
// turn to post is waited for first and the target's lane entered second, so that
// what is posted was read a moment ago and no other request comes between.
func (s *Service) begin(ctx context.Context, draft *Request) (*Request, error) {
	turn, leave, out, err := s.floor(ctx, draft, authz.Allow)
	if out != nil || err != nil {
		return out, err
	}
	defer leave()
	defer turn.Return()
	if draft.Root, err = turn.Post(ctx, draft, Root); err != nil {
		return s.unposted(ctx, draft, err)
	}
	r, err := s.start(ctx, draft, Requested)
	if err != nil || r.State != Applying {
		return r, err
	}
	return s.send(ctx, r)
}

// floor waits for the turn to post the card and for the target's lane, and makes
// sure that what the card will show still holds. It returns the request where it
// ended instead.
func (s *Service) floor(ctx context.Context, draft *Request, effects ...authz.Effect) (turn Turn, leave func(), ended *Request, err error) {
	if turn, err = s.chat.Turn(ctx, draft.Channel, Root); err != nil {
		return nil, nil, nil, err
	}
	defer func() {
		if leave == nil {
			turn.Return()
		}
	}()
	key := draft.Target.Key()
	out, err := s.lanes.enter(ctx, key)
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() {
		if leave == nil {
			out()
		}
	}()
	fresh, err := s.fresh(ctx, draft)
	if err != nil {
		return nil, nil, nil, err
	}
	if !fresh {
		sub, no := s.look(ctx, draft)
		if no == nil {
			no = s.fits(draft)
		}
		if no != nil {
			ended, err = s.refuse(ctx, draft, no)
			return nil, nil, ended, err
		}
		if !slices.Contains(effects, s.rule(draft, sub).Effect) || draft.Target.Key() != key {
			return nil, nil, nil, later{0} // it became another matter: judge it anew
		}
	}
	if now := s.cfg.Now(); now.After(draft.OwedSince.Add(s.cfg.ApplyWithin)) {
		ended, err = s.refuse(ctx, draft, &refusal{state: Failed, text: wordsTooLate(draft, now)})
		return nil, nil, ended, err
	}
	return turn, out, nil, nil
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

// unposted ends a request whose card could not be posted: what nobody can see is
// not done.
func (s *Service) unposted(ctx context.Context, draft *Request, err error) (*Request, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	no := &refusal{state: Failed, detail: err}
	switch {
	case errors.Is(err, ErrNotInvited):
		no.text = wordsInvite()
	case errors.Is(err, ErrGone):
		no.text = "failed: nothing can be posted in this channel or thread any more, so nothing was changed. Ask in another channel."
	default:
		no.text = wordsAway("Slack did not take my message, so there would be no record") + "\n" + s.byHand(draft)
	}
	return s.refuse(ctx, draft, no)
}

// start commits that this attempt may reach Baseten. Where another request is being
// applied to the same target it waits for that one, and then checks that what the
// card shows still holds.
func (s *Service) start(ctx context.Context, draft *Request, from State) (*Request, error) {
	for waited := false; ; waited = true {
		if waited {
			if r, err := s.hasMoved(ctx, draft, from); r != nil || err != nil {
				return r, err
			}
		}
		r, err := s.step(ctx, draft, from, func(r *Request, e *Effects) error {
			if from == Requested {
				adopt(r, draft)
				if r.Ruling.BrokeGlass {
					s.glass(r, e, r.Requester)
				}
				if err := s.move(r, e, Approved, Person{}, ""); err != nil {
					return err
				}
			}
			r.Ruling, r.Sends = draft.Ruling, 1
			return s.move(r, e, Applying, Person{}, "")
		})
		if !errors.Is(err, ErrBusy) {
			return r, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// apply checks an approved request once more, with the policy, the people and the
// settings of this moment, and starts the attempt.
func (s *Service) apply(ctx context.Context, r *Request) (*Request, error) {
	leave, err := s.lanes.enter(ctx, r.Target.Key())
	if err != nil {
		return nil, err
	}
	defer leave()

	draft := *r
	if no := s.stillAllowed(ctx, &draft); no != "" {
		return s.stale(ctx, r, no)
	}
	out, err := s.hasMoved(ctx, &draft, Approved)
	if out != nil || err != nil {
		return out, err
	}
	if r, err = s.start(ctx, &draft, Approved); err != nil || r.State != Applying {
		return r, err
	}
	if r.Buttons {
		go s.editQuietly(r, RemoveButtons)
	}
	return s.send(ctx, r)
}

// hasMoved reads the touched settings again. It returns the request where it came
// to an end by that, and nil where what the card shows still holds.
func (s *Service) hasMoved(ctx context.Context, draft *Request, from State) (*Request, error) {
	now := s.cfg.Now()
	if now.After(draft.OwedSince.Add(s.cfg.ApplyWithin)) {
		return s.end(ctx, draft, from, Stale, wordsTooLate(draft, now))
	}
	found, err := s.reread(ctx, draft.Target)
	if err != nil {
		return s.unread(ctx, draft, from, err)
	}
	seen := targetOf(found)
	if draft.Target.Environment == "" && seen.Serves != draft.Target.Serves {
		return s.end(ctx, draft, from, Stale, wordsPromoted(draft, seen))
	}
	draft.Target.DeploymentID, draft.Target.DeploymentName = seen.DeploymentID, seen.DeploymentName
	current := found.Settings().Only(draft.Ask.Settings)
	if current.Equal(draft.Reading.Settings.Only(draft.Ask.Settings)) {
		return nil, nil
	}
	if current.Equal(draft.Ask.Settings) {
		return s.step(ctx, draft, from, func(r *Request, e *Effects) error {
			if from == Requested {
				adopt(r, draft)
				if err := s.move(r, e, Approved, Person{}, ""); err != nil {
					return err
				}
			}
			if err := s.move(r, e, Applying, Person{}, ""); err != nil {
				return err
			}
			r.Answer.ReadBack = true
			return s.move(r, e, Applied, Person{}, "Already done: somebody else made the same change in the meantime. Nothing was sent.")
		})
	}
	return s.end(ctx, draft, from, Stale, wordsMoved(draft, current))
}

// unread waits where Baseten cannot be read, and says so in the thread.
func (s *Service) unread(ctx context.Context, draft *Request, from State, err error) (*Request, error) {
	var known *baseten.Error
	if errors.As(err, &known) && (known.Kind == baseten.KindNotFound || known.Kind == baseten.KindAuth) {
		return s.end(ctx, draft, from, Failed, wordsForBaseten(known)+" "+s.byHand(draft))
	}
	s.cfg.Log.Warn("read settings before the change", zapRequest(draft.ID), zap.Error(err))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, later{5 * time.Second}
}

// stillAllowed asks the policy again about an approved request. It returns why it
// may not be applied any more, "" if it may.
func (s *Service) stillAllowed(ctx context.Context, r *Request) string {
	person, people, err := s.who(ctx, r.Requester.ID)
	if err != nil {
		return "not allowed any more: I could not look up " + mention(r.Requester) + " in Slack."
	}
	d := s.policy().Decide(s.question(r, person, people))
	switch d.Effect {
	case authz.Allow:
		return ""
	case authz.Confirm:
		if r.EndedBy.ID == r.Requester.ID {
			return ""
		}
	case authz.Approve:
		if s.tally(ctx, r, d, authz.Person{}, people).Satisfied {
			return ""
		}
		return "not allowed any more: the approvals do not suffice under the policy and with the people of this moment."
	}
	return "not allowed any more: " + d.Reason
}

// send sends the PATCH: exactly the fields asked for, once.
func (s *Service) send(ctx context.Context, r *Request) (*Request, error) {
	if s.cfg.Watch.Sent != nil {
		s.cfg.Watch.Sent(s.cfg.Now().Sub(r.OwedSince))
	}
	answer, err := s.patch(ctx, r)
	if err == nil {
		return s.applied(ctx, r, Answer{Status: answer.Status, Message: answer.Message}, "")
	}
	var known *baseten.Error
	if errors.As(err, &known) && !known.OutcomeUnknown() && known.Kind != baseten.KindUnreachable && known.Kind != baseten.KindLimited {
		return s.end(ctx, r, Applying, Failed, wordsForBaseten(known)+s.byHandUnless(known.Kind == baseten.KindRejected, r))
	}
	s.cfg.Log.Warn("send the change", zapRequest(r.ID), zap.Error(err))
	return r, nil // settle finds out
}

func (s *Service) patch(ctx context.Context, r *Request) (baseten.Answer, error) {
	if r.Target.Environment != "" {
		return s.api.UpdateEnvironment(ctx, r.Target.ModelID, r.Target.Environment, r.Ask.Settings)
	}
	return s.api.UpdateDeployment(ctx, r.Target.ModelID, r.Target.DeploymentID, r.Ask.Settings)
}

// settle finds out what became of an attempt whose outcome is unknown: by reading,
// and by sending once more only where the settings still are as they were shown.
func (s *Service) settle(ctx context.Context, r *Request) (*Request, error) {
	began := s.cfg.Now()
	wait := 250 * time.Millisecond
	for {
		found, err := s.reread(ctx, r.Target)
		switch {
		case err != nil:
			s.cfg.Log.Warn("read settings after the change", zapRequest(r.ID), zap.Error(err))
		default:
			current := found.Settings().Only(r.Ask.Settings)
			asked := maps.Equal(current, r.Ask.Settings)
			shown := current.Equal(r.Reading.Settings.Only(r.Ask.Settings))
			switch {
			case asked:
				return s.applied(ctx, r, Answer{ReadBack: true}, "Baseten's answer was lost, but the settings read back as asked.")
			case shown && r.Sends < maxSends:
				if r, err = s.step(ctx, r, Applying, func(r *Request, _ *Effects) error { r.Sends++; return nil }); err != nil || r.State != Applying {
					return r, err
				}
				if r, err = s.send(ctx, r); err != nil || r.State != Applying {
					return r, err
				}
			case !shown:
				return s.end(ctx, r, Applying, Failed, "failed: Baseten's answer was lost, and now other values stand there: "+wordsCurrent(r, current)+". Somebody else changed them.")
			case s.cfg.Now().Sub(began) > reportWithin/2:
				return s.end(ctx, r, Applying, Failed, "failed: Baseten did not take the change, though it was sent twice. The settings are as they were. "+s.byHand(r))
			}
		}
		now := s.cfg.Now()
		if now.After(r.OwedSince.Add(giveUpAfter)) {
			return s.end(ctx, r, Applying, Unknown, "For an hour Baseten could not be asked whether it took this change. It is not sent again. Please look at Baseten.")
		}
		if now.Sub(began) > reportWithin {
			if r.Result.TS == "" && r.Why == "" {
				return s.step(ctx, r, Applying, func(r *Request, _ *Effects) error {
					r.Why = "Baseten does not answer, so I do not know yet whether it took this change. I keep checking for up to an hour and will edit this message."
					r.ResultStale = true
					return nil
				})
			}
			return nil, later{10 * time.Second}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, 4*time.Second)
	}
}

// applied commits Baseten's answer, or that the settings read back as asked.
func (s *Service) applied(ctx context.Context, r *Request, answer Answer, why string) (*Request, error) {
	return s.step(ctx, r, Applying, func(r *Request, e *Effects) error {
		r.Answer, r.AppliedAt = answer, s.cfg.Now()
		r.Outcome = Outcome{Kind: Following}
		e.Jobs = append(e.Jobs, Job{Args: FollowArgs{ID: r.ID}, At: s.cfg.Now().Add(followFirst)})
		return s.move(r, e, Applied, r.EndedBy, why)
	})
}

// end ends a request with a sentence for people.
func (s *Service) end(ctx context.Context, draft *Request, from, to State, why string) (*Request, error) {
	return s.step(ctx, draft, from, func(r *Request, e *Effects) error {
		if from == Requested {
			adopt(r, draft)
			if to == Stale {
				if err := s.move(r, e, Approved, Person{}, ""); err != nil {
					return err
				}
			}
		}
		return s.move(r, e, to, r.EndedBy, why)
	})
}

func (s *Service) stale(ctx context.Context, r *Request, why string) (*Request, error) {
	return s.end(ctx, r, r.State, Stale, why)
}
