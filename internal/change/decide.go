package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
)

// Verb is what somebody wants to do to a request.
type Verb string

// What people can do to a request.
const (
	VerbApprove    Verb = "approve"
	VerbDeny       Verb = "deny"
	VerbConfirm    Verb = "confirm"
	VerbCancel     Verb = "cancel"
	VerbBreakGlass Verb = "break_glass"
	VerbReview     Verb = "review"
)

// Act is one person doing something to one request: a button, or a typed command.
type Act struct {
	Delivery Delivery
	Person   Person
	// Foreign tells that Slack said the person is of another workspace.
	Foreign bool
	ID      ID
	Verb    Verb
	// Message is where a button was pressed; zero for a typed command. It may be a
	// second copy of the card, posted by a process that died before it noted the
	// first: every copy shows the same request, and is brought up to date.
	Message MessageRef
	// Reason comes with break-glass, and with a denial that is explained.
	Reason string
}

// Refused is an act that was not carried out. Text is the sentence for the person,
// seen by nobody else.
type Refused struct{ Text string }

func (r *Refused) Error() string { return r.Text }

func refused(format string, args ...any) error {
	return &Refused{Text: fmt.Sprintf(format, args...)}
}

// Do judges and records an act. It returns once the row is committed: now the act
// may be acknowledged, and then Start be called with its ID. A *Refused was
// recorded too, and is to be told to the person. ErrDelivered means that it was
// recorded before. On any other error nothing was recorded, and there must be no
// acknowledgement.
func (s *Service) Do(ctx context.Context, a Act) error {
	r, err := s.judged(ctx, a)
	if errors.Is(err, ErrNotFound) {
		return s.refuseAct(ctx, a, nil, refused("%s not found. `/autoscale pending` lists what waits.", a.ID))
	}
	if err != nil {
		return err
	}
	actor, people, err := s.who(ctx, a.Person.ID)
	if err != nil {
		s.cfg.Log.Warn("look up who acts", zapRequest(a.ID), zap.Error(err))
		return s.refuseAct(ctx, a, r, refused("not allowed: I could not look you up in Slack. Please try again."))
	}
	if a.Foreign || !ours(actor) {
		return s.refuseAct(ctx, a, r, refused("not allowed: only members of this workspace can do that."))
	}
	if actor.Name != "" {
		a.Person.Name = actor.Name
	}
	for {
		var changed *Request
		do, err := s.prepare(ctx, a, r, actor, people)
		if err == nil {
			changed, err = s.store.Change(ctx, a.Delivery, a.ID, func(now *Request) (Effects, error) {
				var e Effects
				if now.Version != r.Version {
					return e, errMeanwhile // judge again on what it became
				}
				e.Jobs = append(e.Jobs, s.promise(now.ID))
				err := do(now, &e)
				return e, err
			})
		}
		var no *Refused
		switch {
		case errors.Is(err, errMeanwhile):
			if r, err = s.store.Get(ctx, a.ID); err != nil {
				return err
			}
		case errors.As(err, &no):
			s.refreshCopy(a, r)
			return s.refuseAct(ctx, a, r, no)
		case err == nil:
			s.refreshCopy(a, changed)
			if changed.State.Ended() && !r.State.Ended() {
				s.ended(changed)
			}
			return nil
		default:
			return err
		}
	}
}

// refreshCopy brings a message up to date that was pressed and is not the noted one.
func (s *Service) refreshCopy(a Act, r *Request) {
	shown, part := r.Root, Root
	if a.Verb == VerbReview {
		shown, part = r.Review.Card, ReviewCard
	}
	if a.Message.TS == "" || shown.TS == "" || a.Message == shown {
		return
	}
	twin := *r
	twin.Root, twin.Review.Card = a.Message, a.Message
	s.work.Go(func() { s.editQuietly(&twin, part, RemoveButtons) })
}

// judged returns the request once it left requested, or as it is after a second.
func (s *Service) judged(ctx context.Context, a Act) (*Request, error) {
	for tries := 0; ; tries++ {
		r, err := s.store.Get(ctx, a.ID)
		if err != nil || r.State != Requested || tries == 50 {
			return r, err
		}
		if r.Buttons && a.Message.TS != "" {
			return s.seen(ctx, r, a.Message)
		}
		if !s.pause(ctx, 20*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

var errMeanwhile = errors.New("changed in the meantime")

// refuseAct records an act that was not carried out and returns why.
func (s *Service) refuseAct(ctx context.Context, a Act, r *Request, no error) error {
	e := Event{At: s.cfg.Now(), Kind: EventRefused, Request: a.ID, Actor: a.Person, Why: string(a.Verb) + ": " + no.Error(), Channel: a.Message.Channel}
	if r != nil {
		e.From, e.To, e.ModelID, e.ModelName, e.Rule, e.Policy = r.State, r.State, r.Target.ModelID, r.Target.ModelName, r.Ruling.Rule, r.Ruling.PolicySHA
	}
	if err := s.store.Record(ctx, a.Delivery, e); err != nil {
		return err
	}
	s.cfg.Log.Info("act refused", zapRequest(a.ID), zap.String("user", a.Person.ID), zap.String("verb", string(a.Verb)), zap.String("why", no.Error()))
	if s.cfg.Watch.Refused != nil {
		s.cfg.Watch.Refused()
	}
	return no
}

// stepFunc carries out an act on the request as it is in its transaction.
type stepFunc func(*Request, *Effects) error

// prepare judges an act on the request as it was read, with everything that has to
// be asked of others, and returns the step that carries it out.
func (s *Service) prepare(ctx context.Context, a Act, r *Request, actor authz.Person, people authz.People) (stepFunc, error) {
	byRequester := r.Requester.ID == a.Person.ID
	if a.Verb == VerbDeny && byRequester {
		a.Verb = VerbCancel // to deny what one asked for oneself is to take it back
	}
	switch {
	case a.Verb == VerbReview:
		return s.review(ctx, a, r, actor, people)
	case a.Verb == VerbDeny && r.State == Denied && r.EndedBy.ID == a.Person.ID && a.Reason != "":
		return s.explain(a), nil
	case a.Verb == VerbCancel && byRequester && r.State.CanBecome(Canceled):
		return s.cancel(a), nil
	case r.State != Pending:
		return nil, &Refused{Text: wordsDecided(r)}
	case a.Verb == VerbCancel:
		return nil, refused("not allowed: only %s can cancel %s. Those who can approve it can deny it.", mention(r.Requester), r.ID)
	case !r.ExpiresAt.IsZero() && !s.cfg.Now().Before(r.ExpiresAt):
		return nil, refused("%s has expired. Nothing was done.", r.ID)
	case a.Verb == VerbConfirm && !byRequester:
		return nil, refused("not allowed: only %s can confirm %s.", mention(r.Requester), r.ID)
	case a.Verb == VerbBreakGlass && !byRequester:
		return nil, refused("not allowed: only %s can break glass on %s.", mention(r.Requester), r.ID)
	case a.Verb == VerbApprove && byRequester:
		return nil, refused("not allowed: nobody approves their own request. %s", wordsWhoCould(r))
	}
	return s.judgeAct(ctx, a, r, actor, people)
}

// judgeAct asks the policy of this moment about a click on a pending request.
func (s *Service) judgeAct(ctx context.Context, a Act, r *Request, actor authz.Person, people authz.People) (stepFunc, error) {
	requester, err := s.dir.Person(ctx, r.Requester.ID, 0)
	if err != nil || requester.Standing == authz.Unknown {
		return nil, refused("not allowed: I could not look up the requester in Slack. Please try again.")
	}
	draft := *r
	if draft.Ask.BreakGlass = a.Verb == VerbBreakGlass; draft.Ask.BreakGlass && a.Reason != "" {
		draft.Ask.Reason = a.Reason
	}
	q, d := s.ask(ctx, &draft, requester, people, nil)
	if a.Verb == VerbBreakGlass {
		return s.breakGlass(a, d)
	}
	may, why := a.Verb == VerbConfirm, ""
	switch {
	case may: // only the requester came this far
	case d.Effect == authz.Approve:
		may, why = s.policy().MayApprove(q, d, actor)
	default: // those who were asked under the policy of then
		may = slices.Contains(r.Ruling.Approvers, a.Person.ID)
	}
	switch {
	case !may:
		return nil, &Refused{Text: wordsNotApprover(r, why)}
	case a.Verb == VerbDeny:
		return func(r *Request, e *Effects) error { return s.move(r, e, Denied, a.Person, a.Reason) }, nil
	case d.Effect == authz.Deny && len(people.Unreachable) > 0 && ours(requester):
		return nil, refused("not allowed: %s", d.Reason) // it may be allowed when Slack answers again
	case d.Effect == authz.Deny && !ours(requester):
		return s.lapse(Denied, "not allowed any more: "+mention(r.Requester)+" is no longer an active member of this workspace."), nil
	case d.Effect == authz.Deny:
		return s.lapse(Denied, "not allowed any more: "+d.Reason), nil
	case d.Effect == authz.Confirm && a.Verb == VerbApprove:
		return s.lapse(Stale, "The policy changed: this needs no approval now, but "+mention(r.Requester)+" has to confirm it. Nothing was sent."), nil
	case d.Effect == authz.Approve && a.Verb == VerbConfirm:
		return s.lapse(Stale, "The policy changed: this needs an approval now. Nothing was sent."), nil
	case a.Verb == VerbApprove && d.Effect == authz.Approve:
		return s.approve(ctx, a, r, q, d)
	default:
		return s.decide(a, d, r.Votes), nil
	}
}

// decide lets the request go ahead: from now on the PATCH is owed.
func (s *Service) decide(a Act, d authz.Decision, votes []Vote) stepFunc {
	return func(r *Request, e *Effects) error {
		now := s.cfg.Now()
		r.EndedBy, r.OwedSince, r.ExpiresAt = a.Person, now, time.Time{}
		r.Ruling.Rule, r.Ruling.PolicySHA, r.Ruling.Missing = d.Rule, d.PolicySHA, ""
		r.Votes = votes
		s.claim(r, now)
		return s.move(r, e, Approved, a.Person, string(a.Verb))
	}
}

func (s *Service) cancel(a Act) stepFunc {
	return func(r *Request, e *Effects) error { return s.move(r, e, Canceled, a.Person, "") }
}

// lapse ends a request that the policy or the people of today do not carry.
func (s *Service) lapse(to State, why string) stepFunc {
	return func(r *Request, e *Effects) error { return s.move(r, e, to, Person{}, why) }
}

// explain adds the denier's reason to a denial.
func (s *Service) explain(a Act) stepFunc {
	return func(r *Request, e *Effects) error {
		r.Why, r.Owed, r.ResultStale, r.RootStale = a.Reason, true, true, true
		e.Events = append(e.Events, s.event(r, s.cfg.Now(), EventVoted, r.State, a.Person, "denied: "+a.Reason))
		return nil
	}
}
