package change

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

const (
	// lookUpWithin bounds the look at Slack and Baseten, with all waits that they ask
	// for: a person waits for the answer.
	lookUpWithin = 30 * time.Second
	// peopleFor is how old what Slack said of a person may be when it is looked at.
	// What follows may take three seconds more: together they are the five within
	// which somebody who left is out.
	peopleFor = 2 * time.Second
	// confirmFor is how long a preview waits for its requester's Confirm where the
	// rule does not say.
	confirmFor = 15 * time.Minute
	// pricesNeeded bounds how long a decision waits for list prices that a rule asks
	// for. Without them it would be a denial.
	pricesNeeded = 8 * time.Second
)

// refusal ends a request before anything was posted. Detail is for the log only.
type refusal struct {
	state  State
	why    Reason
	detail error
}

// passing is the trouble of the database that kept a request from being judged, nil
// where that was something else. It may pass, and the request is judged then.
func (no *refusal) passing() error {
	if no == nil || no.why.Code != Broken || no.detail == nil || final(no.detail) {
		return nil
	}
	return no.detail
}

// subject is what a decision is about, as it is at one moment.
type subject struct {
	person   authz.Person
	people   authz.People
	resolved baseten.Resolved
}

// judge resolves a recorded request, reads the settings and asks the policy. It
// leads to a refusal told to the requester alone, to a card that waits for people,
// or straight to the attempt.
func (s *Service) judge(ctx context.Context, r *Request) (*Request, error) {
	draft := *r
	if r.agreed() {
		return s.finish(ctx, r, Requested, Approved, Reason{}) // what it sends is found out then
	}
	if s.now().After(r.OwedSince.Add(s.applyWithin(r))) {
		return s.refuse(ctx, &draft, &refusal{state: Failed, why: Reason{Code: NotJudgedInTime, After: s.now().Sub(r.OwedSince)}})
	}
	if r.Messages.Buttons { // a process died about to post the card: it may be there
		return s.present(ctx, &draft)
	}
	if r.Kind == KindFreeze {
		return s.judgeFreeze(ctx, r)
	}
	sub, no := s.lookUpFirst(ctx, &draft)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err := no.passing(); err != nil {
		return nil, err
	}
	if no == nil {
		no = s.fits(&draft)
	}
	if no != nil {
		return s.refuse(ctx, &draft, no)
	}
	_, d, err := s.decide(ctx, &draft, sub)
	if err != nil {
		return nil, err
	}
	if d.Effect != authz.Deny {
		why, err := s.frozen(ctx, &draft)
		if err != nil {
			return nil, err
		}
		if why != nil {
			return s.refuse(ctx, &draft, &refusal{state: Denied, why: *why})
		}
	}
	if (d.Effect == authz.Approve || d.Effect == authz.Confirm || d.BrokeGlass) && draft.changesNothing() {
		return s.refuse(ctx, &draft, &refusal{state: Canceled, why: Reason{Code: NothingChanges}})
	}
	switch d.Effect {
	case authz.Allow:
		if draft.BrokeGlass() {
			if why, err := s.breakGlassRefused(ctx, &draft, draft.Ask.Reason); why.Code != "" || err != nil {
				if err != nil {
					return nil, err
				}
				return s.refuse(ctx, &draft, &refusal{state: Denied, why: why})
			}
		}
		return s.attempt(ctx, &draft)
	case authz.Confirm, authz.Approve:
		return s.present(ctx, &draft)
	default:
		return s.refuse(ctx, &draft, s.denied(&draft))
	}
}

// changesNothing tells that the values asked for are in force already: nobody need be
// asked for that.
func (r *Request) changesNothing() bool {
	// A temporary change that holds a setting will give it back: to ask for what it put
	// there is to ask for it to stay.
	differs := func(n Note) bool { return n.Code == NoteOwnSettings || n.Code == NoteHeld }
	return !r.prolongs() && r.Snapshot.Settings.Only(r.Ask.Settings).Equal(r.Ask.Settings) && !slices.ContainsFunc(r.Snapshot.Notes, differs)
}

// denied is the refusal that the policy's decision on the draft comes to.
func (s *Service) denied(draft *Request) *refusal {
	if draft.Decision.Cause.Code == "" { // the policy would let them, but nobody would hear of it
		return &refusal{state: Denied, why: Reason{Code: NoAnnounce}}
	}
	return &refusal{state: Denied, why: Reason{Code: PolicyDenied, Cause: draft.Decision.Cause}}
}

// lookUp reads everything a decision needs, all at once, and fills in what the
// request's card shows: target and snapshot. It changes nothing. Who may change
// nothing at all is refused before Baseten is asked. The target is read anew, unless it
// was read within maxAge.
func (s *Service) lookUp(ctx context.Context, r *Request, maxAge time.Duration) (subject, *refusal) {
	var sub subject
	if err := s.idle(ctx, func() error { return enter(ctx, s.lookUps) }); err != nil {
		return sub, &refusal{Failed, Reason{Code: SlackAway}, err}
	}
	defer func() { <-s.lookUps }()
	ctx, cancel := context.WithTimeout(ctx, lookUpWithin)
	defer cancel()
	at := s.now()
	if no := s.lookUpPeople(ctx, r, &sub); no != nil {
		return sub, no
	}
	resolved, err := s.resolve(ctx, r.Ask, maxAge)
	if err != nil {
		no := nameRefusal(err)
		if second, ok := s.modelSecond(ctx, r.Ask, no.why); ok {
			no.why = second
		}
		return sub, no
	}
	sub.resolved, r.Target = resolved, resolved.Target()
	switch {
	case resolved.Stale:
		return sub, s.unseen(r, sub)
	case resolved.Unreadable() != "":
		return sub, &refusal{Failed, Reason{Code: SettingsUnclear}, errors.New(resolved.Unreadable())}
	case resolved.Settings() == nil:
		return sub, &refusal{state: Failed, why: Reason{Code: SettingsHidden}}
	}
	if differ := moved(r.Ask.Settings, r.Ask.Shown, resolved.Settings()); r.Ask.Shown != nil && len(differ) > 0 {
		return sub, &refusal{state: Failed, why: Reason{Code: SettingsMoved, Moved: differ}}
	}
	if err := s.lookUpOrigin(ctx, r); err != nil {
		return sub, &refusal{Failed, Reason{Code: Broken}, err}
	}
	notes, no := s.backNotes(ctx, r, resolved.Settings())
	if no != nil {
		return sub, no
	}
	r.Snapshot = s.snapshot(ctx, r, resolved, at)
	r.Snapshot.Notes = append(r.Snapshot.Notes, notes...)
	return sub, s.lookUpTerm(ctx, r, resolved)
}

// backNotes finds out what goes back, for an undo and for an end, with notes on what
// cannot.
func (s *Service) backNotes(ctx context.Context, r *Request, current baseten.Settings) ([]Note, *refusal) {
	switch {
	case r.Kind == KindRevert:
		no, err := s.planEnd(ctx, r, current)
		if err != nil {
			return nil, &refusal{Failed, Reason{Code: Broken}, err}
		}
		return r.Snapshot.Notes, no
	case r.Origin.Kind == OriginUndo:
		return s.undone(ctx, r, current)
	default:
		return nil, nil
	}
}

func enter(ctx context.Context, place chan struct{}) error {
	select {
	case place <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lookUpPeople finds out who asks, and where, and refuses whom no rule could ever let
// change anything.
func (s *Service) lookUpPeople(ctx context.Context, r *Request, sub *subject) *refusal {
	if no := s.lookUpPlace(ctx, r, sub); no != nil {
		return no
	}
	q := authz.Question{Person: sub.person, Channel: r.Channel, People: sub.people, Now: s.now()}
	if d, never := s.policy().NeverAllowed(q); never {
		r.Decision = d
		return s.denied(r)
	}
	return nil
}

// lookUpPlace finds out who asks, and where.
func (s *Service) lookUpPlace(ctx context.Context, r *Request, sub *subject) *refusal {
	var (
		place               Place
		placeErr, personErr error
	)
	policy := s.policy()
	together(
		func() { place, placeErr = s.dir.Place(ctx, r.Channel) },
		func() { sub.person, personErr = s.dir.Person(ctx, r.Requester.ID, peopleFor) },
		func() { sub.people = s.dir.People(ctx, policy.Usergroups()) })
	switch {
	case errors.Is(placeErr, ErrNotInvited):
		return &refusal{Failed, Reason{Code: NotInvited}, placeErr}
	case placeErr != nil:
		return &refusal{Failed, Reason{Code: PlaceUnknown}, placeErr}
	case place.Direct:
		return &refusal{state: Denied, why: Reason{Code: NotInDirect}}
	case place.External:
		return &refusal{state: Denied, why: Reason{Code: SharedChannel}}
	case errors.Is(personErr, ErrNobody):
		return &refusal{state: Denied, why: Reason{Code: PolicyDenied, Cause: authz.Cause{Code: authz.CauseUnidentified}}}
	case personErr != nil:
		return &refusal{Failed, Reason{Code: WhoUnknown}, personErr}
	}
	r.ChannelName, r.Requester = place.Name, sub.person
	return nil
}

// resolve finds what the words name and reads it.
func (s *Service) resolve(ctx context.Context, ask Ask, maxAge time.Duration) (found baseten.Resolved, err error) {
	model, err := s.names.ResolveModel(ctx, ask.Model)
	if err != nil {
		return found, err
	}
	targets, err := s.names.Recent(ctx, model.ID, maxAge)
	if err != nil {
		return found, err
	}
	return targets.Resolve(ask.TargetKind, ask.Target)
}

// unseen refuses a request whose settings cannot be read now. Where the policy
// would permit it on the settings as they were last, people can still make it.
func (s *Service) unseen(r *Request, sub subject) *refusal {
	no := &refusal{Failed, basetenSaid(sub.resolved.Cause), sub.resolved.Cause}
	last := *r
	last.Snapshot.Settings = sub.resolved.Settings()
	if s.policy().Decide(s.question(&last, sub.person, sub.people)).Effect == authz.Allow {
		no.why.Call = s.call(&last)
	}
	return no
}

// modelSecond says more of a model that was not found where the word after it names one:
// production llama-70b, or set llama-70b. The first word may be a target of it.
func (s *Service) modelSecond(ctx context.Context, ask Ask, why Reason) (Reason, bool) {
	model, ok := s.names.Named(ask.Target)
	if !ok || ask.TargetKind != "" || why.Code != NameNotFound || why.Text != ask.Model {
		return Reason{}, false
	}
	out := Reason{Code: ModelSecond, Text: ask.Model, Names: []string{model.Spelled}}
	targets, err := s.names.Targets(ctx, model.ID)
	if err != nil {
		return Reason{}, false
	}
	var none *baseten.NotFoundError
	switch _, err := targets.Resolve("", ask.Model); {
	case errors.As(err, &none):
		out.Known = none.Known
	case err == nil:
		out.Known = []string{ask.Model}
	}
	return out, true
}

// nameRefusal is the refusal for a name that could not be resolved.
func nameRefusal(err error) *refusal {
	no := &refusal{state: Failed, why: NameProblem(err)}
	if no.why.Code != NameNotFound && no.why.Code != NameAmbiguous {
		no.detail = err
	}
	return no
}

// NameProblem says why a name could not be resolved.
func NameProblem(err error) Reason {
	var (
		missing    *baseten.NotFoundError
		ambiguous  *baseten.AmbiguousError
		unreadable *baseten.UnreadableError
	)
	switch {
	case errors.As(err, &missing):
		return Reason{Code: NameNotFound, Text: missing.Word, Names: missing.Suggestions, Known: missing.Known}
	case errors.As(err, &ambiguous):
		return Reason{Code: NameAmbiguous, Text: ambiguous.Word, Names: ambiguous.Choices, IDs: ambiguous.IDs}
	case errors.As(err, &unreadable):
		return Reason{Code: NameUnreadable, Text: unreadable.Name}
	default:
		return basetenSaid(err)
	}
}

// basetenSaid is what an error of a call to Baseten means.
func basetenSaid(err error) Reason {
	var known *baseten.Error
	if !errors.As(err, &known) {
		return Reason{Code: BasetenAway}
	}
	why := Reason{HTTP: known.HTTPStatus, Text: known.Message, BasetenCode: known.Code}
	switch known.Kind {
	case baseten.KindAuth:
		why.Code = BasetenAuth
	case baseten.KindNotFound:
		why.Code = TargetGone
	case baseten.KindInvalid, baseten.KindRejected:
		why.Code = BasetenRefused
	case baseten.KindLimited:
		why.Code = BasetenLimited
	default:
		why.Code = BasetenAway
	}
	return why
}

// call is the API call that makes the change without the bot, for when the bot
// cannot. It is never given after a refusal.
func (s *Service) call(r *Request) string {
	if r.Target.ModelID == "" || s.cfg.Call == nil {
		return ""
	}
	return s.cfg.Call(r)
}

// fits checks the values against the settings that they would join.
func (s *Service) fits(r *Request) *refusal {
	err := baseten.Check(r.Ask.Settings, r.Snapshot.Settings, r.Target.Development)
	var invalid *baseten.InvalidError
	if errors.As(err, &invalid) {
		return &refusal{state: Failed, why: Reason{Code: InvalidValue, Invalid: invalid}}
	}
	return nil
}

// refuse ends a request of which nothing was posted.
func (s *Service) refuse(ctx context.Context, draft *Request, no *refusal) (*Request, error) {
	if no.detail != nil {
		s.cfg.Log.Warn("request not carried out", zapRequest(draft.ID), zap.String("code", string(no.why.Code)), zap.Error(no.detail))
	}
	return s.step(ctx, draft, Requested, func(r *Request, e *Effects, now time.Time) error {
		adopt(r, draft)
		return r.move(e, no.state, r.Requester, no.why, now)
	})
}

// adopt copies what judging found, and where it was shown, into the stored request.
func adopt(r, draft *Request) {
	r.Requester, r.ChannelName, r.Ask, r.Origin = draft.Requester, draft.ChannelName, draft.Ask, draft.Origin
	r.Target, r.Snapshot, r.Decision = draft.Target, draft.Snapshot, draft.Decision
	r.Audience, r.Beside, r.ExpiresAt = draft.Audience, draft.Beside, draft.ExpiresAt
	r.Messages.Buttons = draft.Messages.Buttons
	r.Messages.Card.Ref = draft.Messages.Card.Ref
}

// ask puts the question to the policy of this moment. It is the one way to it: for
// a command, a click, and again before the PATCH. Where a rule asks for a cost that
// is not known, the price list is waited for and the question put again; found is
// the target as read, nil if it was not. Where a temporary change holds a setting that
// is touched, the question is also put for the settings that would stand at its end,
// and the stricter answer counts.
func (s *Service) ask(ctx context.Context, r *Request, person authz.Person, people authz.People, found *baseten.Resolved) (authz.Question, authz.Decision, error) {
	st, err := s.standingOn(ctx, r, r.Snapshot.Settings)
	if err != nil {
		return authz.Question{}, authz.Decision{Effect: authz.Deny}, err
	}
	q, d := s.strictest(r, st, person, people)
	if !d.NeedsCost {
		return q, d, nil
	}
	if found == nil {
		read, err := r.Target.As().Reread(ctx, s.api)
		if err != nil {
			return q, d, nil //nolint:nilerr // the decision says that the cost is not known
		}
		found = &read
	}
	if r.Snapshot.Cost = s.cost(ctx, r, *found, pricesNeeded); r.Snapshot.Cost != nil {
		q, d = s.strictest(r, st, person, people)
	}
	return q, d, nil
}

// strictest is the strictest decision on a request, of those on each of the settings that
// it is held against, with its question.
func (s *Service) strictest(r *Request, st standing, person authz.Person, people authz.People) (q authz.Question, d authz.Decision) {
	policy := s.policy()
	for i, before := range st.befores(r, s.now()) {
		one := s.question(r, person, people)
		if !before.Equal(one.Before) {
			one.Before, one.Cost = before, one.Cost.Against(before, r.After())
		}
		next := policy.Decide(one)
		needsCost := d.NeedsCost || next.NeedsCost
		if i == 0 || next.AsksMoreThan(d) {
			q, d = one, next
		}
		d.NeedsCost = needsCost
	}
	return q, d
}

func (s *Service) question(r *Request, person authz.Person, people authz.People) authz.Question {
	return authz.Question{
		Person: person, Channel: r.Channel, Target: r.Target,
		Before: r.Snapshot.Settings, Touched: r.Ask.Settings, Reason: r.Ask.Reason,
		BreakGlass: r.Ask.BreakGlass, Confirmed: r.ConfirmedBy.ID == r.Requester.ID, Duration: r.duration(s.now()),
		Cost: r.Snapshot.Cost, Now: s.now(), People: people,
	}
}

// decide asks the policy about a request that nobody acted on yet, and keeps its
// answer with the request. It returns the question that decided, too.
func (s *Service) decide(ctx context.Context, r *Request, sub subject) (authz.Question, authz.Decision, error) {
	q, d, err := s.ask(ctx, r, sub.person, sub.people, &sub.resolved)
	if err != nil {
		return q, d, err
	}
	if d.BreakGlass && r.Ask.BreakGlass && !s.cfg.HasAnnounce {
		d.Effect, d.BrokeGlass, d.Cause = authz.Deny, false, authz.Cause{}
	}
	r.Decision, r.ExpiresAt = d, time.Time{}
	if d.Effect == authz.Approve || d.Effect == authz.Confirm {
		r.ExpiresAt = s.now().Add(cmp.Or(d.Expires, confirmFor))
	}
	return q, d, nil
}

// who looks up a person and the policy's user groups.
func (s *Service) who(ctx context.Context, userID string) (authz.Person, authz.People, error) {
	var (
		person authz.Person
		people authz.People
		err    error
	)
	together(
		func() { person, err = s.dir.Person(ctx, userID, peopleFor) },
		func() { people = s.dir.People(ctx, s.policy().Usergroups()) })
	return person, people, err
}

// together calls all functions at the same time and waits for them. A panic in one
// is the caller's: it must cost the request that is looked at, and no more.
func together(calls ...func()) {
	var (
		wg     sync.WaitGroup
		broken atomic.Pointer[any]
	)
	for _, call := range calls {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					broken.Store(&p)
				}
			}()
			call()
		})
	}
	wg.Wait()
	if p := broken.Load(); p != nil {
		panic(*p)
	}
}
