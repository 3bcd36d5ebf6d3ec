package change

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
)

// mentionAtMost is how many approvers a card pings.
const mentionAtMost = 5

// present posts the card of a request that waits for people, and lets it wait.
func (s *Service) present(ctx context.Context, draft *Request) (*Request, error) {
	others, err := s.store.Pending(ctx, draft.Target.Key(), 50)
	if err != nil {
		return nil, err
	}
	for _, o := range others {
		if o.Requester.ID == draft.Requester.ID && o.Ask.Settings.Equal(draft.Ask.Settings) {
			return s.refuse(ctx, draft, &refusal{state: Canceled, text: wordsPendingAlready(o, s.chat.Link(ctx, o.Root))})
		}
	}
	turn, leave, ended, err := s.floor(ctx, draft, authz.Approve, authz.Confirm)
	if ended != nil || err != nil {
		return ended, err
	}
	defer leave()
	defer turn.Return()

	draft.Beside = nil
	for _, o := range others {
		if o.Requester.ID != draft.Requester.ID {
			draft.Beside = append(draft.Beside, o.ID)
		}
	}
	s.inviteApprovers(ctx, draft)
	draft.Buttons = true
	if draft.Root, err = turn.Post(ctx, draft, Root); err != nil {
		return s.unposted(ctx, draft, err)
	}
	r, err := s.step(ctx, draft, Requested, func(r *Request, e *Effects) error {
		adopt(r, draft)
		e.Jobs = append(e.Jobs, Job{Args: ExpireArgs{ID: r.ID}, At: r.ExpiresAt})
		if at, ok := s.remindAt(r); ok {
			e.Jobs = append(e.Jobs, Job{Args: RemindArgs{ID: r.ID}, At: at})
		}
		if err := s.move(r, e, Pending, Person{}, ""); err != nil {
			return err
		}
		r.RootStale = false // it was posted as it is
		return nil
	})
	if err != nil || r.State != Pending {
		return r, err
	}
	for _, o := range others {
		s.tellNeighbour(ctx, o, r)
	}
	return r, nil
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
	order := slices.Clone(draft.Ruling.Approvers)
	slices.SortStableFunc(order, func(a, b string) int {
		switch {
		case here[a] == here[b]:
			return 0
		case here[a]:
			return -1
		default:
			return 1
		}
	})
	seen := 0
	for _, id := range order {
		if len(draft.Ruling.Mentioned) == mentionAtMost {
			break
		}
		p, err := s.dir.Person(ctx, id, 5*time.Minute)
		if err != nil || (p.Standing != authz.Member && p.Standing != authz.Guest) {
			continue
		}
		draft.Ruling.Mentioned = append(draft.Ruling.Mentioned, id)
		if here[id] {
			seen++
		}
	}
	draft.Ruling.Outside = here != nil && seen == 0
}

// tellNeighbour lets an older pending request for the same target know of a new
// one: the same person's is replaced by it, somebody else's names it.
func (s *Service) tellNeighbour(ctx context.Context, old, r *Request) {
	_, err := s.step(ctx, old, Pending, func(o *Request, e *Effects) error {
		e.Jobs = append(e.Jobs, s.promise(o.ID))
		if o.Requester.ID == r.Requester.ID {
			return s.move(o, e, Canceled, r.Requester, "Replaced by "+r.ID.String()+".")
		}
		if !slices.Contains(o.Beside, r.ID) {
			o.Beside = append(o.Beside, r.ID)
		}
		o.RootStale, o.Owed = true, true
		return nil
	})
	if err != nil {
		s.cfg.Log.Error("tell pending request of another for its target", zapRequest(old.ID), zap.Error(err))
		return
	}
	s.Start(old.ID)
}

// remindAt is when the approvers are reminded: an hour before the end, or in the
// last quarter of a shorter wait. Waits under ten minutes get no reminder.
func (s *Service) remindAt(r *Request) (time.Time, bool) {
	left := r.ExpiresAt.Sub(s.cfg.Now())
	if left < 10*time.Minute || r.Ruling.Effect != string(authz.Approve) {
		return time.Time{}, false
	}
	return r.ExpiresAt.Add(-min(time.Hour, left/4)), true
}

// expire ends a pending request whose time is up.
func (s *Service) expire(ctx context.Context, id ID) error {
	r, err := s.store.Get(ctx, id)
	if err != nil || r.State != Pending {
		return err
	}
	if left := r.ExpiresAt.Sub(s.cfg.Now()); left > 0 {
		return later{left}
	}
	_, err = s.step(ctx, r, Pending, func(r *Request, e *Effects) error {
		e.Jobs = append(e.Jobs, s.promise(r.ID))
		return s.move(r, e, Expired, Person{}, wordsExpired(r))
	})
	if err == nil {
		s.Start(id)
	}
	return err
}

// remind posts one line in the card's thread, once.
func (s *Service) remind(ctx context.Context, id ID) error {
	r, err := s.store.Get(ctx, id)
	if err != nil || r.State != Pending || r.Reminded {
		return err
	}
	// Noted before it is posted: a reminder that is lost is better than two.
	if r, err = s.step(ctx, r, Pending, func(r *Request, _ *Effects) error { r.Reminded = true; return nil }); err != nil || r.State != Pending {
		return err
	}
	turn, err := s.chat.Turn(ctx, r.Channel, Result)
	if err != nil {
		return err
	}
	defer turn.Return()
	if _, err := turn.Post(ctx, r, Reminder); err != nil {
		s.cfg.Log.Warn("remind approvers", zapRequest(id), zap.Error(err))
	}
	return nil
}
