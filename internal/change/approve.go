package change

import (
	"context"
	"errors"
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
	VerbAskAgain   Verb = "ask_again"
	VerbUndo       Verb = "undo"
	VerbChange     Verb = "change" // to open the form for a change
	VerbEnd        Verb = "end"    // to end a temporary change now
	VerbExtend     Verb = "extend"
	VerbKeep       Verb = "keep"
	VerbThaw       Verb = "thaw"
	VerbFreeze     Verb = "freeze"
)

// Verbs returns every verb.
func Verbs() []Verb {
	return []Verb{VerbApprove, VerbDeny, VerbConfirm, VerbCancel, VerbBreakGlass, VerbReview, VerbAskAgain, VerbUndo, VerbChange, VerbEnd, VerbExtend, VerbKeep, VerbThaw, VerbFreeze}
}

// Act is one person doing something to one request: a button, or a typed command.
type Act struct {
	Delivery Delivery
	Person   authz.Person
	ID       ID
	Verb     Verb
	// Message is where a button was pressed; only the channel for a typed command. It may be a
	// second copy of the card, posted by a process that died before it noted the
	// first: every copy shows the same request, and is brought up to date.
	Message MessageRef
	// Reason comes with break-glass, and with a denial that is explained.
	Reason string
}

// Refused is an act or a command that was not carried out. Request is the one that
// it was about, as far as it is known; nil otherwise.
type Refused struct {
	Reason  Reason
	Request *Request
}

// Error is for logs.
func (r *Refused) Error() string { return "refused: " + string(r.Reason.Code) }

// refuse makes a Refused of a code alone.
func refuse(c Code) error { return &Refused{Reason: Reason{Code: c}} }

func notFound(id ID) error { return &Refused{Reason: Reason{Code: RequestNotFound, Request: id}} }

var errMeanwhile = errors.New("changed in the meantime")

// Do judges and records an act. It returns once the row is committed: now the act
// may be acknowledged, and then Start be called with its ID. A *Refused was
// recorded too, and is to be told to the person. ErrDelivered means that it was
// recorded before. On any other error nothing was recorded, and there must be no
// acknowledgement.
func (s *Service) Do(ctx context.Context, a Act) error {
	a, r, people, err := s.acts(ctx, a)
	if err != nil {
		return err
	}
	for {
		do, err := s.prepare(ctx, a, r, people)
		var changed *Request
		if err == nil {
			changed, err = s.change(ctx, a.Delivery, a.ID, func(now *Request, e *Effects, at time.Time) error {
				if now.Version != r.Version {
					return errMeanwhile // judge again on what it became
				}
				s.take(now)
				return do(now, e, at)
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
			s.poke()
			if a.Verb == VerbThaw {
				s.wakeFrozen(changed)
			}
			return nil
		default:
			return err
		}
	}
}

// acts looks up who acts on which request. Its error is what Do returns. Who may not know
// what there is is answered the same, whether there is such a request or not.
func (s *Service) acts(ctx context.Context, a Act) (Act, *Request, authz.People, error) {
	people, no := s.insider(ctx, &a.Person)
	if no != nil {
		return a, nil, people, s.refuseAct(ctx, a, nil, no)
	}
	r, err := s.judged(ctx, a)
	if errors.Is(err, ErrNotFound) {
		err = s.refuseAct(ctx, a, nil, notFound(a.ID))
	}
	return a, r, people, err
}

// insider looks a person up and refuses those who may not know what there is: all but
// full members of the workspace, and guests whom the policy names. It fills in who
// they are, and returns the policy's user groups.
func (s *Service) insider(ctx context.Context, person *authz.Person) (authz.People, error) {
	found, people, err := s.who(ctx, person.ID)
	if err != nil {
		s.cfg.Log.Warn("look up who acts", zap.String("user", person.ID), zap.Error(err))
		return people, refuse(WhoUnknown)
	}
	*person = found
	if found.Membership == authz.Member || found.Membership == authz.Guest && len(s.policy().Mentions(found, people)) > 0 {
		return people, nil
	}
	return people, refuse(MembersOnly)
}

// judged returns the request once it left requested, or as it is after a second.
func (s *Service) judged(ctx context.Context, a Act) (*Request, error) {
	for tries := 0; ; tries++ {
		r, err := s.store.Get(ctx, a.ID)
		if err != nil || r.State != Requested || tries == 50 {
			return r, err
		}
		if r.Messages.Buttons && a.Message.TS != "" {
			return s.seen(ctx, r, a.Message)
		}
		if !pause(ctx, 20*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

// pause waits, and reports false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Refuse records what was refused before any request was looked at, with the person
// as its actor, and why. What was recorded before is not recorded again.
func (s *Service) Refuse(ctx context.Context, a Act, why Reason) error {
	err := s.refuseAct(ctx, a, nil, &Refused{Reason: why})
	var no *Refused
	if errors.As(err, &no) || errors.Is(err, ErrDelivered) {
		return nil
	}
	return err
}

// refuseAct records an act that was not carried out and returns why, with the
// request that it was about.
func (s *Service) refuseAct(ctx context.Context, a Act, r *Request, err error) error {
	var no *Refused
	if !errors.As(err, &no) {
		return err
	}
	no.Request, no.Reason.Verb = r, a.Verb
	e := Event{Kind: EventRefused, Request: a.ID, Actor: a.Person, Reason: no.Reason}
	if r != nil {
		e = r.event(EventRefused, r.State, a.Person, no.Reason, time.Time{})
	}
	e.Verb, e.Channel = a.Verb, a.Message.Channel
	if err := s.store.Record(ctx, a.Delivery, e); err != nil {
		return err
	}
	s.cfg.Log.Info("act refused", zapRequest(a.ID), zap.String("envelope", a.Delivery.Envelope), zap.String("actor", a.Person.ID), zap.String("verb", string(a.Verb)), zap.String("code", string(no.Reason.Code)))
	s.refused(no.Reason.Code)
	return no
}

// prepare judges an act on the request as it was read, with everything that has to
// be asked of others, and returns the step that carries it out.
func (s *Service) prepare(ctx context.Context, a Act, r *Request, people authz.People) (stepFunc, error) {
	byRequester := r.Requester.ID == a.Person.ID
	if a.Verb == VerbDeny && byRequester {
		a.Verb = VerbCancel // to deny what one asked for oneself is to take it back
	}
	switch {
	case a.Verb == VerbReview:
		return s.review(ctx, a, r, people)
	case a.Verb == VerbThaw:
		return s.mayThaw(ctx, a, r, people)
	case a.Verb == VerbDeny && r.State == Denied && r.DeniedBy.ID == a.Person.ID && a.Reason != "":
		return explain(a), nil
	case a.Verb == VerbCancel && byRequester && r.State.CanBecome(Canceled):
		return cancel(a), nil
	case r.State == Requested:
		return nil, refuse(StillJudged)
	case r.State != Pending:
		return nil, refuse(AlreadyDecided)
	case a.Verb == VerbCancel:
		return nil, refuse(NotYours)
	case !s.now().Before(r.ExpiresAt):
		return nil, refuse(HasExpired)
	case (a.Verb == VerbConfirm || a.Verb == VerbBreakGlass) && !byRequester:
		return nil, refuse(NotYours)
	}
	return s.judgeAct(ctx, a, r, people)
}

// judgeAct asks the policy of this moment about a click on a pending request.
func (s *Service) judgeAct(ctx context.Context, a Act, r *Request, people authz.People) (stepFunc, error) {
	place, err := s.dir.Place(ctx, r.Channel)
	switch {
	case err != nil:
		return nil, refuse(PlaceUnknown)
	case place.External:
		return lapse(Stale, Reason{Code: BecameShared}), nil
	}
	requester, err := s.dir.Person(ctx, r.Requester.ID, peopleFor)
	if err != nil || requester.Membership == authz.Unknown {
		return nil, refuse(WhoUnknown)
	}
	draft := *r
	if draft.Ask.BreakGlass = a.Verb == VerbBreakGlass; draft.Ask.BreakGlass && a.Reason != "" {
		draft.Ask.Reason = a.Reason
	}
	q, d, err := s.ask(ctx, &draft, requester, people, nil)
	if err != nil {
		return nil, err
	}
	draft.Decision = d
	if a.Verb != VerbDeny {
		no, err := s.frozen(ctx, &draft)
		if err != nil {
			return nil, err
		}
		if no != nil {
			return nil, &Refused{Reason: *no}
		}
	}
	if a.Verb == VerbBreakGlass {
		return s.mayBreakGlass(ctx, a, r, d)
	}
	may, cause := a.Verb == VerbConfirm, authz.Cause{}
	switch {
	case may: // only the requester came this far
	case d.Effect == authz.Approve || a.Person.ID == r.Requester.ID:
		may, cause = s.policy().MayApprove(q, d, a.Person)
	default: // those who were asked under the policy of then
		may = slices.Contains(r.Decision.Approvers, a.Person.ID)
	}
	switch {
	case !may:
		return nil, &Refused{Reason: Reason{Code: NotApprover, Cause: cause}}
	case a.Verb == VerbDeny:
		return deny(a), nil
	case d.Effect == authz.Deny && len(people.Unreachable) > 0 && requester.Membership.Ours():
		return nil, &Refused{Reason: Reason{Code: PolicyDenied, Cause: d.Cause}} // it may be allowed when Slack answers again
	case !requester.Membership.Ours():
		return lapse(Denied, Reason{Code: RequesterLeft}), nil
	case d.Effect == authz.Deny:
		return lapse(Denied, Reason{Code: PolicyDeniesIt, Cause: d.Cause}), nil
	case d.Effect == authz.Confirm && a.Verb == VerbApprove:
		return lapse(Stale, Reason{Code: NeedsConfirm}), nil
	case d.Effect == authz.Approve && a.Verb == VerbConfirm:
		return lapse(Stale, Reason{Code: NeedsApproval}), nil
	case a.Verb == VerbApprove && d.Effect == authz.Approve:
		return s.approve(ctx, a, r, q, d)
	default:
		return goAhead(a, d, r.Votes, r.Tally), nil
	}
}

// approve judges one approval together with those given before.
func (s *Service) approve(ctx context.Context, a Act, r *Request, q authz.Question, d authz.Decision) (stepFunc, error) {
	draft := *r
	again := slices.ContainsFunc(r.Votes, func(v Vote) bool { return v.Person.ID == a.Person.ID })
	if !again {
		draft.Votes = append(slices.Clone(r.Votes), Vote{Person: a.Person, At: s.now()})
	}
	t, _ := s.tally(ctx, &draft, q, d)
	switch {
	case !slices.Contains(t.Counts, a.Person.ID):
		return nil, &Refused{Reason: Reason{Code: NotApprover, Cause: t.Ignored[a.Person.ID]}}
	case t.Satisfied:
		return goAhead(a, d, draft.Votes, t), nil
	case again:
		return nil, refuse(VotedAlready)
	default:
		return func(r *Request, e *Effects, now time.Time) error {
			r.Votes, r.Tally = draft.Votes, t
			r.Attempts, r.RetryAt = 0, time.Time{}
			r.owe(Card)
			e.Events = append(e.Events, r.event(EventVoted, r.State, a.Person, Reason{Verb: a.Verb}, now))
			return nil
		}, nil
	}
}

// tally counts the approvals given, with the people of this moment. Unknown tells
// that somebody could not be looked up, whose approval therefore does not count.
func (s *Service) tally(ctx context.Context, r *Request, q authz.Question, d authz.Decision) (t authz.Tally, unknown bool) {
	given := make([]authz.Person, 0, len(r.Votes))
	for _, v := range r.Votes {
		p, err := s.dir.Person(ctx, v.Person.ID, peopleFor)
		if err != nil {
			p, unknown = authz.Person{ID: v.Person.ID, Membership: authz.Unknown}, true
		}
		given = append(given, p)
	}
	return s.policy().Tally(q, d, given), unknown
}

// goAhead lets the request go ahead: from now on the PATCH is owed.
func goAhead(a Act, d authz.Decision, votes []Vote, t authz.Tally) stepFunc {
	return func(r *Request, e *Effects, now time.Time) error {
		r.OwedSince = now
		r.Decision.Rule, r.Decision.PolicySHA = d.Rule, d.PolicySHA
		r.Votes, r.Tally = votes, t
		if a.Verb == VerbConfirm {
			r.ConfirmedBy = a.Person
		}
		return r.move(e, Approved, a.Person, Reason{}, now)
	}
}

func cancel(a Act) stepFunc {
	return func(r *Request, e *Effects, now time.Time) error {
		r.CanceledBy = a.Person
		return r.move(e, Canceled, a.Person, Reason{Code: TakenBack}, now)
	}
}

func deny(a Act) stepFunc {
	return func(r *Request, e *Effects, now time.Time) error {
		r.DeniedBy = a.Person
		return r.move(e, Denied, a.Person, Reason{Code: SaidNo, Text: a.Reason}, now)
	}
}

// lapse ends a request that the policy or the people of today do not carry.
func lapse(to State, why Reason) stepFunc {
	return func(r *Request, e *Effects, now time.Time) error {
		return r.move(e, to, authz.Person{}, why, now)
	}
}

// explain adds the denier's reason to a denial.
func explain(a Act) stepFunc {
	return func(r *Request, e *Effects, now time.Time) error {
		r.Reason.Text = a.Reason
		r.owe(Card, Reply)
		e.Events = append(e.Events, r.event(EventVoted, r.State, a.Person, r.Reason, now))
		return nil
	}
}
