package change

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

const (
	// mentionAtMost is how many approvers a card pings.
	mentionAtMost = 5
	// neighboursAtMost is how many pending requests for one target are looked at.
	neighboursAtMost = 50
	// mostDoubts is how many posts of one message may be in doubt.
	mostDoubts = 3
	// cardTries is how often a card is tried that Slack does not take.
	cardTries = 4
)

// errJudgeAgain tells that a draft became another matter while it waited: it is
// judged from the start.
var errJudgeAgain = errors.New("judge again")

// cardSlot is the right to post a card now, while no other request of this process
// comes between for the same target.
type cardSlot struct {
	slot  Slot
	leave func()
}

func (c cardSlot) giveBack() {
	c.leave()
	c.slot.Return()
}

// takeCardSlot waits for the slot to post the card and for the target's lock, and makes
// sure that what the card will show still holds. It returns the request where it
// ended instead; otherwise the slot has to be given back.
func (s *Service) takeCardSlot(ctx context.Context, draft *Request, effects ...authz.Effect) (f cardSlot, ended *Request, err error) {
	err = s.idle(ctx, func() error {
		return s.turn(ctx, func(ctx context.Context) (err error) {
			if f.slot, err = s.chat.Slot(ctx, draft.Channel, Card); err != nil {
				return err
			}
			if f.leave, err = s.targets.enter(ctx, lockKey(draft.Target)); err != nil {
				f.slot.Return()
			}
			return err
		})
	})
	if err != nil {
		return f, nil, err
	}
	if ended, err = s.lookUpAgain(ctx, draft, effects); ended != nil || err != nil {
		f.giveBack()
	}
	return f, ended, err
}

// lockKey is the same for an environment and the deployment that serves it.
func lockKey(t baseten.Target) string {
	if slot := t.Slot(); slot != "" {
		return t.ModelID + "/" + slot
	}
	return t.ModelID + "//" + t.DeploymentID
}

// lookUpAgain judges the draft once more where its turn was long in coming. It returns
// the request where that ended it.
func (s *Service) lookUpAgain(ctx context.Context, draft *Request, effects []authz.Effect) (ended *Request, err error) {
	if fresh, err := s.fresh(ctx, draft); err != nil || fresh || draft.Messages.Buttons {
		return nil, err
	}
	key := lockKey(draft.Target)
	sub, no := s.lookUp(ctx, draft, 0)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := no.passing(); err != nil {
		return nil, err
	}
	if no == nil {
		no = s.fits(draft)
	}
	if no != nil {
		return s.refuse(ctx, draft, no)
	}
	_, d, err := s.decide(ctx, draft, sub)
	if err == nil && (!slices.Contains(effects, d.Effect) || lockKey(draft.Target) != key) {
		err = errJudgeAgain
	}
	return nil, err
}

// fresh reports whether the draft's snapshot may still be acted on: it is at most
// some seconds old and no other request changed the target since.
func (s *Service) fresh(ctx context.Context, draft *Request) (bool, error) {
	if s.now().Sub(draft.Snapshot.At) > freshFor {
		return false, nil
	}
	overtaken, err := s.store.Overtaken(ctx, draft.Target, draft.ID, draft.Snapshot.At)
	return !overtaken, err
}

// postCard posts the card of a draft. It returns the request where that could not
// be done: it ended, or is tried again later.
func (s *Service) postCard(ctx context.Context, f cardSlot, draft *Request) (out *Request, err error) {
	if draft.Messages.Card.Doubts > 0 {
		if err := s.chat.Reachable(ctx); err != nil {
			return s.rest(ctx, draft, workBackoff(draft.Attempts), Reason{Code: WaitsForSlack})
		}
	}
	if err := s.mayAct(ctx); err != nil {
		return nil, err
	}
	ref, err := f.slot.Post(ctx, draft, Card)
	if err == nil {
		draft.Messages.Card.Ref = ref
		return nil, nil
	}
	if ctx.Err() != nil && !errors.Is(err, ErrDoubtful) {
		return nil, ctx.Err()
	}
	no := &refusal{state: Failed, why: Reason{Code: CardNotPosted}, detail: err}
	switch {
	case errors.Is(err, ErrNotInvited):
		no.why.Code = NotInvited
	case errors.Is(err, ErrGone):
		no.why.Code = ChannelGone
	case errors.Is(err, ErrRefused):
	case errors.Is(err, ErrDoubtful) && draft.Messages.Card.Doubts+1 < mostDoubts, !errors.Is(err, ErrDoubtful) && draft.Attempts < cardTries:
		s.cfg.Log.Warn("post card", zapRequest(draft.ID), zap.Error(err))
		return s.recordStep(draft, Requested, func(r *Request, _ *Effects, now time.Time) error {
			if errors.Is(err, ErrDoubtful) {
				r.Messages.Card.Doubts++
			}
			r.RetryAt = now.Add(workBackoff(r.Attempts))
			r.Attempts++
			return nil
		})
	}
	if no.why.Code == CardNotPosted {
		no.why.Text = slackWord(err)
		if draft.Decision.Effect == authz.Allow {
			no.why.Call = s.call(draft)
		}
	}
	draft.Messages.Buttons = false
	return s.refuse(ctx, draft, no)
}

// present posts the card of a request that waits for people, and lets it wait. What
// the card shows is recorded before it is posted: if this process dies in between,
// the next posts the same once more, and either copy may be pressed.
func (s *Service) present(ctx context.Context, draft *Request) (*Request, error) {
	f, ended, err := s.takeCardSlot(ctx, draft, authz.Approve, authz.Confirm)
	if ended != nil || err != nil {
		return s.orAgain(ctx, draft, ended, err)
	}
	defer f.giveBack()
	if !draft.Messages.Buttons {
		ready, err := s.prepareCard(ctx, draft)
		if err != nil || ready.State != Requested {
			return ready, err
		}
	}
	if out, err := s.postCard(ctx, f, draft); out != nil || err != nil {
		return out, err
	}
	s.cancelReplaced(ctx, draft)
	r, err := s.posted(draft, letWait)
	if err == nil {
		s.tellWaiting(r)
	}
	return r, err
}

// tellWaiting tells the requester alone, once, what they can do while others decide: to
// take it back, or to skip the approval. Nothing depends on it: there are commands too.
func (s *Service) tellWaiting(r *Request) {
	if r.State != Pending || r.Decision.Effect != authz.Approve {
		return
	}
	s.background(r.ID, func() {
		ctx, cancel := context.WithTimeout(s.lease.held(), signFor)
		defer cancel()
		tell := s.responders.to(r.ID)
		if tell == nil {
			tell = func(ctx context.Context, r *Request) error { return s.chat.Tell(ctx, r, WayPrivate) }
		}
		if err := tell(ctx, r); err != nil {
			s.unsigned(r, err)
		}
	})
}

// orAgain is the request as it is where it has to be judged from the start.
func (s *Service) orAgain(ctx context.Context, draft, ended *Request, err error) (*Request, error) {
	if errors.Is(err, errJudgeAgain) {
		return s.store.Get(ctx, draft.ID)
	}
	return ended, err
}

// letWait is the step after which a request waits for people, to its end.
func letWait(r *Request, e *Effects, now time.Time) error {
	r.RemindAt = remindAt(r, now)
	return r.move(e, Pending, authz.Person{}, Reason{}, now)
}

// seen lets a request wait whose card somebody pressed before its posting was
// noted: that the card is there is certain now.
func (s *Service) seen(ctx context.Context, r *Request, card MessageRef) (*Request, error) {
	return s.step(ctx, r, Requested, func(r *Request, e *Effects, now time.Time) error {
		r.Messages.Card.Ref = card
		return letWait(r, e, now)
	})
}

// prepareCard fills in what only a card that waits for people shows, and records it
// all. It ends the request where the same person already waits for the same.
func (s *Service) prepareCard(ctx context.Context, draft *Request) (*Request, error) {
	others, err := s.store.Neighbours(ctx, draft.Target, neighboursAtMost)
	if err != nil {
		return nil, err
	}
	if no, err := s.crowded(ctx, draft); no != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return s.refuse(ctx, draft, no)
	}
	draft.Beside = nil
	for _, o := range others {
		switch {
		case o.ID == draft.ID:
		case o.Requester.ID == draft.Requester.ID && o.Target.SameObject(draft.Target) && o.Ask.same(draft.Ask):
			why := Reason{Code: AlreadyAsked, Request: o.ID, Link: s.cardLink(ctx, o)}
			return s.refuse(ctx, draft, &refusal{state: Canceled, why: why})
		case !replaces(draft, o):
			draft.Beside = append(draft.Beside, o.ID)
		}
	}
	s.choose(ctx, draft)
	draft.Messages.Buttons = true
	return s.step(ctx, draft, Requested, func(r *Request, _ *Effects, _ time.Time) error {
		adopt(r, draft)
		return nil
	})
}

// mostWaitingCards is how many cards of one person may wait in one channel.
const mostWaitingCards = 5

// crowded refuses a card that would be one too many of its requester's in the
// channel, and one that its requester has asked for anew before its turn came.
func (s *Service) crowded(ctx context.Context, draft *Request) (*refusal, error) {
	open, err := s.store.OpenOf(ctx, draft.Requester.ID, draft.Channel, neighboursAtMost)
	if err != nil {
		return nil, err
	}
	waiting := 0
	for _, o := range open {
		if o.ID == draft.ID {
			continue
		}
		if o.State == Pending && !replaces(draft, o) {
			waiting++
		}
		sameWords := o.Ask.Model == draft.Ask.Model && o.Ask.Target == draft.Ask.Target && o.Ask.TargetKind == draft.Ask.TargetKind
		if isLater(o, draft) && (replaces(o, draft) || sameWords && len(draft.Ask.Settings.Only(o.Ask.Settings)) > 0) {
			return &refusal{state: Canceled, why: Reason{Code: Replaced, Request: o.ID, Link: s.cardLink(ctx, o)}}, nil
		}
	}
	if waiting >= mostWaitingCards {
		return &refusal{state: Failed, why: Reason{Code: TooManyWaiting, Tries: waiting}}, nil
	}
	return nil, nil
}

// posted takes the first step of a request whose card was just posted. Where
// somebody was faster, and canceled it, the card is kept all the same, to be shown
// as canceled. It is recorded whatever becomes of this process's lease: the card is
// there.
func (s *Service) posted(draft *Request, do stepFunc) (*Request, error) {
	taken := false
	r, err := s.recordStep(draft, Requested, func(r *Request, e *Effects, now time.Time) error {
		taken = false
		adopt(r, draft)
		if err := do(r, e, now); err != nil {
			return err
		}
		if !r.State.Ended() {
			r.Messages.Card.Owed = 0 // it was posted as it is
		}
		taken = true
		return nil
	})
	if err != nil || taken || r.Messages.Card.Ref.TS != "" {
		return r, err
	}
	return s.recordStep(r, r.State, func(r *Request, _ *Effects, _ time.Time) error {
		adopt(r, draft)
		r.ExpiresAt = time.Time{}
		r.owe(Card, Reply)
		return nil
	})
}

// replaces tells that one request makes another one pointless: it says so, or the same
// person wants other values for one of the same settings.
func replaces(r, old *Request) bool {
	if r.Origin.Kind == OriginReplaces && r.Origin.ID == old.ID {
		return true
	}
	return r.Requester.ID == old.Requester.ID && r.Target.SameObject(old.Target) && len(old.Ask.Settings.Only(r.Ask.Settings)) > 0
}

// introduce lets the pending requests for one target know of each other: of the
// same person's the later replaces the earlier, somebody else's name each other. It
// is done once a request waits, so that it does not matter which of two that came at
// once on two replicas was first.
func (s *Service) introduce(ctx context.Context, r *Request) (*Request, error) {
	others, err := s.store.Neighbours(ctx, r.Target, neighboursAtMost)
	if err != nil {
		return nil, err
	}
	var beside []ID
	for _, o := range others {
		switch {
		case o.ID == r.ID:
		case replaces(r, o) && isLater(r, o):
			err = s.tellNeighbour(ctx, o, s.replacedBy(ctx, r))
		case replaces(r, o):
			why := Reason{Code: Replaced, Request: o.ID, Link: s.cardLink(ctx, o)}
			return s.step(ctx, r, Pending, func(r *Request, e *Effects, now time.Time) error {
				r.ReplacedBy = o.ID
				return r.move(e, Canceled, r.Requester, why, now)
			})
		default:
			beside = append(beside, o.ID)
			if !slices.Contains(o.Beside, r.ID) {
				err = s.tellNeighbour(ctx, o, func(o *Request, _ *Effects, _ time.Time) error {
					o.Beside = append(o.Beside, r.ID)
					o.owe(Card)
					return nil
				})
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return s.step(ctx, r, Pending, func(r *Request, _ *Effects, _ time.Time) error {
		r.Audience.Introduced = true
		for _, id := range beside {
			if !slices.Contains(r.Beside, id) {
				r.Beside = append(r.Beside, id)
				r.owe(Card)
			}
		}
		return nil
	})
}

// replacedBy is the step that takes a request back for one that replaces it.
func (s *Service) replacedBy(ctx context.Context, r *Request) stepFunc {
	why := Reason{Code: Replaced, Request: r.ID, Link: s.cardLink(ctx, r)}
	return func(o *Request, e *Effects, now time.Time) error {
		o.ReplacedBy = r.ID
		return o.move(e, Canceled, r.Requester, why, now)
	}
}

// isLater tells that a came after b.
func isLater(a, b *Request) bool {
	return a.CreatedAt.After(b.CreatedAt) || a.CreatedAt.Equal(b.CreatedAt) && a.ID > b.ID
}

func (s *Service) tellNeighbour(ctx context.Context, o *Request, do stepFunc) error {
	_, err := s.step(ctx, o, Pending, func(o *Request, e *Effects, now time.Time) error {
		s.take(o)
		return do(o, e, now)
	})
	s.Start(o.ID)
	return err
}

// choose finds out whom the card pings: those who can decide now, in the policy's
// order, who are in the channel before those who are not.
func (s *Service) choose(ctx context.Context, draft *Request) {
	draft.Audience = Audience{}
	if draft.Decision.Effect != authz.Approve {
		return
	}
	here, err := s.dir.Present(ctx, draft.Channel)
	if err != nil {
		s.cfg.Log.Debug("read the channel's members", zapRequest(draft.ID), zap.Error(err))
	}
	var first, second []string
	wanted := draft.Decision.Mention
	if wanted == nil {
		wanted = draft.Decision.Approvers
	}
	for _, id := range wanted {
		if here[id] {
			first = append(first, id)
		} else {
			second = append(second, id)
		}
	}
	seen := false
	for _, id := range append(first, second...) {
		if len(draft.Audience.Mentioned) == mentionAtMost {
			break
		}
		p, err := s.dir.Person(ctx, id, 5*time.Minute) // whom a card mentions may be older
		if err != nil || !p.Membership.Ours() {
			continue
		}
		draft.Audience.Mentioned = append(draft.Audience.Mentioned, id)
		seen = seen || here[id]
	}
	draft.Audience.Absent = here != nil && !seen
}

// slackWord is Slack's own word for a refusal, "" where it gave none.
func slackWord(err error) string {
	var said *ChatRefusal
	if errors.As(err, &said) {
		return said.Word
	}
	return ""
}
