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
	// Message is where a button was pressed; zero for a typed command. A button on
	// another message than the request's own does nothing.
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
	r, err := s.judged(ctx, a.ID)
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
	if a.Foreign || (actor.Standing != authz.Member && actor.Standing != authz.Guest) {
		return s.refuseAct(ctx, a, r, refused("not allowed: only members of this workspace can do that."))
	}
	if a.Person.Name == "" {
		a.Person.Name = actor.Name
	}
	for {
		do, err := s.prepare(ctx, a, r, actor, people)
		if err == nil {
			r, err = s.store.Change(ctx, a.Delivery, a.ID, func(now *Request) (Effects, error) {
				var e Effects
				if now.Version != r.Version {
					return e, errMeanwhile // judge again on what it became
				}
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
			return s.refuseAct(ctx, a, r, no)
		case err == nil && r.State.Ended():
			s.ended(r)
			return nil
		default:
			return err
		}
	}
}

// judged returns the request once it left requested, or as it is after a second: a
// card can be pressed a moment before its posting is noted.
func (s *Service) judged(ctx context.Context, id ID) (*Request, error) {
	for tries := 0; ; tries++ {
		r, err := s.store.Get(ctx, id)
		if err != nil || r.State != Requested || tries == 50 {
			return r, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
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

// who looks up a person and the policy's user groups as they are now.
func (s *Service) who(ctx context.Context, userID string) (authz.Person, authz.People, error) {
	people := make(chan authz.People, 1)
	go func() { people <- s.dir.People(ctx, s.policy().Usergroups()) }()
	person, err := s.dir.Person(ctx, userID, 0)
	return person, <-people, err
}

// prepare judges an act on the request as it was read, with everything that has to
// be asked of others, and returns the step that carries it out.
func (s *Service) prepare(ctx context.Context, a Act, r *Request, actor authz.Person, people authz.People) (func(*Request, *Effects) error, error) {
	// A message that is not noted yet was posted a moment ago.
	shown := r.Root
	if a.Verb == VerbReview {
		shown = r.Review.Card
	}
	if a.Message.TS != "" && shown.TS != "" && a.Message != shown {
		return nil, refused("That button belongs to another message. Nothing was done.")
	}
	if a.Verb == VerbReview {
		return s.review(ctx, a, r, people)
	}
	if a.Verb == VerbDeny && r.State == Denied && r.EndedBy.ID == a.Person.ID && a.Reason != "" {
		return s.explain(a), nil
	}
	if a.Verb == VerbCancel && (r.State == Approved || r.State == Requested) && r.Requester.ID == a.Person.ID {
		return s.cancel(a), nil
	}
	if r.State != Pending {
		return nil, &Refused{Text: wordsDecided(r)}
	}
	if !r.ExpiresAt.IsZero() && !s.cfg.Now().Before(r.ExpiresAt) {
		return nil, refused("%s has expired. Nothing was done.", r.ID)
	}
	isRequester := r.Requester.ID == a.Person.ID
	if a.Verb == VerbCancel {
		if !isRequester {
			return nil, refused("not allowed: only %s can cancel %s. Those who can approve it can deny it.", mention(r.Requester), r.ID)
		}
		return s.cancel(a), nil
	}

	requester, err := s.dir.Person(ctx, r.Requester.ID, 0)
	if err != nil {
		return nil, refused("not allowed: I could not look up the requester in Slack. Please try again.")
	}
	if requester.Standing != authz.Member && requester.Standing != authz.Guest {
		return s.lapse(a, "not allowed any more: "+mention(r.Requester)+" is no longer an active member of this workspace."), nil
	}
	draft := *r
	draft.Ask.BreakGlass = a.Verb == VerbBreakGlass
	if draft.Ask.BreakGlass && a.Reason != "" {
		draft.Ask.Reason = a.Reason
	}
	d := s.policy().Decide(s.question(&draft, requester, people))
	if d.Effect == authz.Deny && a.Verb != VerbDeny && a.Verb != VerbBreakGlass {
		return s.lapse(a, "not allowed any more: "+d.Reason), nil
	}

	switch a.Verb {
	case VerbConfirm:
		switch {
		case !isRequester:
			return nil, refused("not allowed: only %s can confirm %s.", mention(r.Requester), r.ID)
		case d.Effect == authz.Approve:
			return nil, refused("The policy changed: %s now needs an approval. Please ask again.", r.ID)
		}
		return s.decide(a, d), nil
	case VerbBreakGlass:
		switch {
		case !isRequester:
			return nil, refused("not allowed: only %s can break glass on %s.", mention(r.Requester), r.ID)
		case !s.cfg.HasAnnounce:
			return nil, refused("not allowed: break-glass needs ANNOUNCE_CHANNEL to be set.")
		case !d.BrokeGlass:
			return nil, refused("not allowed: %s", d.Reason)
		}
		return s.breakGlass(a, d), nil
	case VerbDeny:
		if !isRequester && !slices.Contains(r.Ruling.Approvers, a.Person.ID) && !slices.Contains(d.Approvers, a.Person.ID) {
			return nil, &Refused{Text: wordsNotApprover(r)}
		}
		return func(r *Request, e *Effects) error {
			e.Jobs = append(e.Jobs, s.promise(r.ID))
			return s.move(r, e, Denied, a.Person, a.Reason)
		}, nil
	case VerbApprove:
		return s.approve(ctx, a, r, actor, people, d)
	default:
		return nil, refused("I do not know how to %q a request.", a.Verb)
	}
}

// approve judges one approval together with those given before.
func (s *Service) approve(ctx context.Context, a Act, r *Request, actor authz.Person, people authz.People, d authz.Decision) (func(*Request, *Effects) error, error) {
	if d.Effect == authz.Confirm {
		return nil, refused("This needs no approval: %s has to confirm it.", mention(r.Requester))
	}
	if r.Requester.ID == a.Person.ID {
		return nil, refused("not allowed: nobody approves their own request. %s", wordsWhoCould(r))
	}
	eligible := d.Approvers
	if d.Effect == authz.Allow { // the policy needs nobody any more; those asked may still say so
		eligible = r.Ruling.Approvers
	}
	if !slices.Contains(eligible, a.Person.ID) {
		return nil, &Refused{Text: wordsNotApprover(r)}
	}
	for _, v := range r.Votes {
		if v.Person.ID == a.Person.ID && v.Approve {
			return nil, refused("You already approved %s. %s", r.ID, wordsMissing(r))
		}
	}
	draft := *r
	draft.Votes = append(slices.Clone(r.Votes), Vote{Person: a.Person, Approve: true, At: s.cfg.Now()})
	t := s.tally(ctx, &draft, d, actor, people)
	if !slices.Contains(t.Counts, a.Person.ID) {
		return nil, refused("not allowed: %s", orElse(t.Ignored[a.Person.ID], "your approval does not count under the policy."))
	}
	if t.Satisfied || d.Effect == authz.Allow {
		step := s.decide(a, d)
		return func(r *Request, e *Effects) error {
			r.Votes = draft.Votes
			return step(r, e)
		}, nil
	}
	return func(r *Request, e *Effects) error {
		r.Votes, r.Ruling.Missing = draft.Votes, wordsStillNeeded(t)
		r.RootStale, r.Owed = true, true
		e.Jobs = append(e.Jobs, s.promise(r.ID))
		e.Events = append(e.Events, s.event(r, s.cfg.Now(), EventVoted, r.State, a.Person, "approved; "+r.Ruling.Missing))
		return nil
	}, nil
}

// decide lets the request go ahead: from now on the PATCH is owed.
func (s *Service) decide(a Act, d authz.Decision) func(*Request, *Effects) error {
	return func(r *Request, e *Effects) error {
		now := s.cfg.Now()
		r.EndedBy, r.OwedSince, r.ExpiresAt = a.Person, now, time.Time{}
		r.Ruling.Rule, r.Ruling.PolicySHA = d.Rule, d.PolicySHA
		r.Ruling.Missing = ""
		s.claim(r, now)
		e.Jobs = append(e.Jobs, s.promise(r.ID))
		return s.move(r, e, Approved, a.Person, string(a.Verb))
	}
}

// claim lets this process go on with the request at once.
func (s *Service) claim(r *Request, now time.Time) {
	if r.ClaimedUntil.Before(now) || r.ClaimedBy == s.cfg.Owner {
		r.ClaimedBy, r.ClaimedUntil = s.cfg.Owner, now.Add(s.cfg.Claim)
	}
}

// breakGlass skips the approval, says so loudly, and leaves a review open.
func (s *Service) breakGlass(a Act, d authz.Decision) func(*Request, *Effects) error {
	step := s.decide(a, d)
	return func(r *Request, e *Effects) error {
		r.Ask.BreakGlass, r.Ask.Reason = true, orElse(a.Reason, r.Ask.Reason)
		s.glass(r, e, a.Person)
		return step(r, e)
	}
}

// glass notes a broken glass with its review.
func (s *Service) glass(r *Request, e *Effects, by Person) {
	r.Ruling.BrokeGlass, r.Review.Open = true, true
	e.Events = append(e.Events, s.event(r, s.cfg.Now(), EventBrokeGlass, r.State, by, r.Ask.Reason))
	if s.cfg.Watch.BrokeGlass != nil {
		s.cfg.Watch.BrokeGlass()
	}
}

func (s *Service) cancel(a Act) func(*Request, *Effects) error {
	return func(r *Request, e *Effects) error {
		e.Jobs = append(e.Jobs, s.promise(r.ID))
		return s.move(r, e, Canceled, a.Person, "")
	}
}

// lapse ends a request that the policy or the people of today do not carry.
func (s *Service) lapse(a Act, why string) func(*Request, *Effects) error {
	return func(r *Request, e *Effects) error {
		e.Jobs = append(e.Jobs, s.promise(r.ID))
		return s.move(r, e, Denied, Person{}, why)
	}
}

// explain adds the denier's reason to a denial.
func (s *Service) explain(a Act) func(*Request, *Effects) error {
	return func(r *Request, e *Effects) error {
		r.Why, r.Owed, r.ResultStale, r.RootStale = a.Reason, true, true, true
		e.Jobs = append(e.Jobs, s.promise(r.ID))
		e.Events = append(e.Events, s.event(r, s.cfg.Now(), EventVoted, r.State, a.Person, a.Reason))
		return nil
	}
}

// review signs a broken glass: by somebody else, who could have approved it.
func (s *Service) review(ctx context.Context, a Act, r *Request, people authz.People) (func(*Request, *Effects) error, error) {
	if !r.Review.Open {
		return nil, refused("%s has been reviewed by %s.", r.ID, mention(r.Review.By))
	}
	if r.Requester.ID == a.Person.ID {
		return nil, refused("not allowed: nobody reviews their own break-glass.")
	}
	requester, err := s.dir.Person(ctx, r.Requester.ID, peopleFor)
	if err != nil {
		requester = authz.Person{ID: r.Requester.ID}
	}
	draft := *r
	draft.Ask.BreakGlass = false
	d := s.policy().Decide(s.question(&draft, requester, people))
	if !slices.Contains(d.Approvers, a.Person.ID) && !slices.Contains(r.Ruling.Approvers, a.Person.ID) {
		return nil, refused("not allowed: only somebody who could have approved %s can review it.", r.ID)
	}
	return func(r *Request, e *Effects) error {
		r.Review.Open, r.Review.By, r.Review.At = false, a.Person, s.cfg.Now()
		r.Owed, r.ReviewStale = true, true
		e.Jobs = append(e.Jobs, s.promise(r.ID))
		e.Events = append(e.Events, s.event(r, s.cfg.Now(), EventReviewed, r.State, a.Person, ""))
		return nil
	}, nil
}

// tally counts the approvals given, with the people of this moment. Known is an
// approver who was looked up already, or nobody.
func (s *Service) tally(ctx context.Context, r *Request, d authz.Decision, known authz.Person, people authz.People) authz.Tally {
	var given []authz.Person
	for _, v := range r.Votes {
		p := known
		if v.Person.ID != known.ID {
			var err error
			if p, err = s.dir.Person(ctx, v.Person.ID, 0); err != nil {
				p = authz.Person{ID: v.Person.ID, Standing: authz.Unknown}
			}
		}
		given = append(given, p)
	}
	requester := authz.Person{ID: r.Requester.ID, Standing: authz.Member}
	return s.policy().Tally(s.question(r, requester, people), d, given)
}
