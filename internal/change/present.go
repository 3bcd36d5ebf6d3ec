package change

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
)

const (
	// mentionAtMost is how many approvers a card pings.
	mentionAtMost = 5
	// neighboursAtMost is how many pending requests for one target are looked at.
	neighboursAtMost = 50
)

// present posts the card of a request that waits for people, and lets it wait. What
// the card shows is recorded before it is posted: if this process dies in between,
// the next posts the same once more, and either copy may be pressed.
func (s *Service) present(ctx context.Context, draft *Request) (*Request, error) {
	floor, ended, err := s.takeFloor(ctx, draft, authz.Approve, authz.Confirm)
	if ended != nil || err != nil {
		return ended, err
	}
	defer floor.giveBack()

	if !draft.Buttons {
		ready, err := s.prepareCard(ctx, draft)
		if err != nil || ready.State != Requested {
			return ready, err
		}
	}
	if draft.Root, err = floor.turn.Post(ctx, draft, Root); err != nil {
		return s.unposted(ctx, draft, err)
	}
	return s.posted(ctx, draft, s.letWait)
}

// letWait is the step after which a request waits for people, to its end.
func (s *Service) letWait(r *Request, e *Effects) error {
	e.Jobs = append(e.Jobs, Job{Args: ExpireArgs{ID: r.ID}, At: r.ExpiresAt})
	if at, ok := s.remindAt(r); ok {
		e.Jobs = append(e.Jobs, Job{Args: RemindArgs{ID: r.ID}, At: at})
	}
	return s.move(r, e, Pending, Person{}, "")
}

// seen lets a request wait whose card somebody pressed before its posting was
// noted: that the card is there is certain now.
func (s *Service) seen(ctx context.Context, r *Request, card MessageRef) (*Request, error) {
	return s.step(ctx, r, Requested, func(r *Request, e *Effects) error {
		r.Root = card
		e.Jobs = append(e.Jobs, s.promise(r.ID))
		return s.letWait(r, e)
	})
}

// prepareCard fills in what only a card that waits for people shows, and records it
// all. It ends the request where the same person already waits for the same.
func (s *Service) prepareCard(ctx context.Context, draft *Request) (*Request, error) {
	others, err := s.store.Pending(ctx, draft.Target.Key(), neighboursAtMost)
	if err != nil {
		return nil, err
	}
	draft.Beside = nil
	for _, o := range others {
		switch {
		case o.Requester.ID == draft.Requester.ID && sameObject(o, draft) && o.Ask.Settings.Equal(draft.Ask.Settings):
			return s.refuse(ctx, draft, &refusal{state: Canceled, text: wordsPendingAlready(o, s.chat.Link(ctx, o.Root))})
		case !replaces(draft, o):
			draft.Beside = append(draft.Beside, o.ID)
		}
	}
	s.inviteApprovers(ctx, draft)
	draft.Buttons = true
	return s.step(ctx, draft, Requested, func(r *Request, _ *Effects) error {
		adopt(r, draft)
		return nil
	})
}

// posted takes the first step of a request whose card was just posted. Where
// somebody was faster, and canceled it, the card is kept all the same, to be shown
// as canceled.
func (s *Service) posted(ctx context.Context, draft *Request, do func(*Request, *Effects) error) (*Request, error) {
	taken := false
	r, err := s.step(ctx, draft, Requested, func(r *Request, e *Effects) error {
		adopt(r, draft)
		if err := do(r, e); err != nil {
			return err
		}
		r.RootStale = r.State.Ended() // otherwise it was posted as it is
		taken = true
		return nil
	})
	if err != nil || taken || r.Root.TS != "" {
		return r, err
	}
	return s.step(ctx, r, r.State, func(r *Request, _ *Effects) error {
		adopt(r, draft)
		r.ExpiresAt = time.Time{}
		r.RootStale, r.ResultStale, r.Owed = true, true, true
		return nil
	})
}

// sameObject tells that both write the same environment or deployment.
func sameObject(a, b *Request) bool {
	return a.Target.ModelID == b.Target.ModelID && a.Target.Environment == b.Target.Environment &&
		(a.Target.Environment != "" || a.Target.DeploymentID == b.Target.DeploymentID)
}

// replaces tells that one request makes another one pointless: the same person
// wants other values for one of the same settings.
func replaces(r, old *Request) bool {
	return r.Requester.ID == old.Requester.ID && sameObject(r, old) && len(old.Ask.Settings.Only(r.Ask.Settings)) > 0
}

// introduce lets the pending requests for one target know of each other: of the
// same person's the later replaces the earlier, somebody else's name each other. It
// is done whenever a card is shown, so that it does not matter which of two that
// came at once on two replicas was first.
func (s *Service) introduce(ctx context.Context, r *Request) (*Request, error) {
	others, err := s.store.Pending(ctx, r.Target.Key(), neighboursAtMost)
	if err != nil {
		return nil, err
	}
	for _, o := range others {
		switch {
		case o.ID == r.ID:
		case replaces(r, o) && isLater(r, o):
			err = s.tellNeighbour(ctx, o, func(o *Request, e *Effects) error {
				return s.move(o, e, Canceled, o.Requester, "Replaced by "+r.ID.String()+".")
			})
		case replaces(r, o):
			return s.step(ctx, r, Pending, func(r *Request, e *Effects) error {
				return s.move(r, e, Canceled, r.Requester, "Replaced by "+o.ID.String()+".")
			})
		default:
			if !slices.Contains(o.Beside, r.ID) {
				err = s.tellNeighbour(ctx, o, func(o *Request, _ *Effects) error {
					o.Beside = append(o.Beside, r.ID)
					o.RootStale, o.Owed = true, true
					return nil
				})
			}
			if err == nil && !slices.Contains(r.Beside, o.ID) {
				r, err = s.step(ctx, r, Pending, func(r *Request, _ *Effects) error {
					r.Beside = append(r.Beside, o.ID)
					r.RootStale = true
					return nil
				})
			}
		}
		if err != nil || r.State != Pending {
			return r, err
		}
	}
	return r, nil
}

// isLater tells that a came after b.
func isLater(a, b *Request) bool {
	return a.CreatedAt.After(b.CreatedAt) || a.CreatedAt.Equal(b.CreatedAt) && a.ID > b.ID
}

func (s *Service) tellNeighbour(ctx context.Context, o *Request, do func(*Request, *Effects) error) error {
	_, err := s.step(ctx, o, Pending, func(o *Request, e *Effects) error {
		e.Jobs = append(e.Jobs, s.promise(o.ID))
		return do(o, e)
	})
	s.Start(o.ID)
	return err
}

// inviteApprovers chooses whom the card pings: those who can decide now, in the
// policy's order, who are in the channel before those who are not.
func (s *Service) inviteApprovers(ctx context.Context, draft *Request) {
	draft.Ruling.Mentioned, draft.Ruling.Outside = nil, false
	if draft.Ruling.Effect != string(authz.Approve) {
		return
	}
	here, err := s.dir.Present(ctx, draft.Channel)
	if err != nil {
		s.cfg.Log.Debug("read the channel's members", zapRequest(draft.ID), zap.Error(err))
	}
	var first, second []string
	for _, id := range draft.Ruling.Approvers {
		if here[id] {
			first = append(first, id)
		} else {
			second = append(second, id)
		}
	}
	seen := false
	for _, id := range append(first, second...) {
		if len(draft.Ruling.Mentioned) == mentionAtMost {
			break
		}
		p, err := s.dir.Person(ctx, id, 5*time.Minute)
		if err != nil || !ours(p) {
			continue
		}
		draft.Ruling.Mentioned = append(draft.Ruling.Mentioned, id)
		seen = seen || here[id]
	}
	draft.Ruling.Outside = here != nil && !seen
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
		no.text = wordsAway("Slack did not take my message, so there would be no record")
		if draft.Ruling.Effect == string(authz.Allow) {
			no.text += "\n" + s.byHand(draft)
		}
	}
	draft.Buttons, draft.Root = false, MessageRef{}
	return s.refuse(ctx, draft, no)
}
