package change

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

const (
	// freshFor is how long ago the people, and after them the settings, may have been
	// looked at when the PATCH is sent on the first look.
	freshFor = 3 * time.Second
	// readFor is how long ago the settings may have been read when it is sent after
	// another look. The people are looked up after them.
	readFor = 5 * time.Second
	// mostRechecks is how often everything is checked at once before the request rests.
	mostRechecks = 3
	// reportWithin is how long a change may stay silent before the thread says what
	// it waits for. With one more try on top every report comes within a minute.
	reportWithin = 30 * time.Second
	// busyRetry is how long a request rests whose target another one comes first on.
	busyRetry = time.Second
	// sendWithin bounds one PATCH.
	sendWithin = 15 * time.Second
	// mostSends is how often one request may be sent.
	mostSends = 2
)

// attempt shows a request that needs nobody's approval and sends it. The slot to
// post is waited for first and the target's lock entered second, so that what is
// posted was read a moment ago and no other request comes between.
func (s *Service) attempt(ctx context.Context, draft *Request) (*Request, error) {
	f, ended, err := s.takeCardSlot(ctx, draft, authz.Allow)
	if ended != nil || err != nil {
		return s.orAgain(ctx, draft, ended, err)
	}
	defer f.giveBack()
	if out, err := s.postCard(ctx, f, draft); out != nil || err != nil {
		return out, err
	}
	s.cancelReplaced(ctx, draft)
	approve := func(r *Request, e *Effects, now time.Time) error {
		if r.BrokeGlass() {
			s.breakGlass(r, e, r.Requester, now)
		}
		return r.move(e, Approved, authz.Person{}, Reason{}, now)
	}
	// Slack may have taken its time with the card: then all is checked once more. A
	// break-glass is announced before anything is sent.
	if s.now().Sub(draft.Snapshot.At) <= freshFor && !draft.BrokeGlass() {
		mine := false
		r, err := s.posted(draft, func(r *Request, e *Effects, now time.Time) error {
			mine = false
			if err := approve(r, e, now); err != nil {
				return err
			}
			err := s.begun(r, e, draft.Snapshot.At, now)
			mine = err == nil
			return err
		})
		switch {
		case err == nil && mine && r.State == Applying:
			return s.send(ctx, r)
		case !errors.Is(err, ErrBusy) && !errors.Is(err, ErrFrozen) && !errors.Is(err, errTooLate):
			return r, err
		}
	}
	r, err := s.posted(draft, approve)
	if err != nil || r.State != Approved {
		return r, err
	}
	return s.applyLocked(ctx, r)
}

var errTooLate = errors.New("owed for too long")

// begun is the step that precedes every PATCH: from here on it may have reached
// Baseten. It relies on what was read from readAt on. It fails with errTooLate where
// the change was owed for too long.
func (s *Service) begun(r *Request, e *Effects, readAt, now time.Time) error {
	if now.After(r.OwedSince.Add(s.applyWithin(r))) {
		return errTooLate
	}
	attempts := r.Attempts
	if err := r.move(e, Applying, authz.Person{}, Reason{}, now); err != nil {
		return err
	}
	// Kept, so that the back-off grows where Baseten takes nothing.
	r.Sends, r.SentAt, r.Attempts, e.ReadAt = r.Sends+1, now, attempts, readAt
	return nil
}

// applyWithin is how long the request may be owed before it is not sent any more.
func (s *Service) applyWithin(r *Request) time.Duration {
	if r.Kind == KindRevert {
		return endWithin
	}
	return s.cfg.ApplyWithin
}

// apply carries out an approved request.
func (s *Service) apply(ctx context.Context, r *Request) (*Request, error) {
	var leave func()
	err := s.idle(ctx, func() error {
		return s.turn(ctx, func(ctx context.Context) (err error) {
			leave, err = s.targets.enter(ctx, lockKey(r.Target))
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	defer leave()
	if r, err = s.store.Get(ctx, r.ID); err != nil || r.State != Approved {
		return r, err // somebody canceled it while it waited
	}
	return s.applyLocked(ctx, r)
}

// applyLocked checks the request once more, with the policy, the people and the
// settings of this moment, and sends it. Where it cannot now, because something does
// not answer or another request comes first, it rests.
func (s *Service) applyLocked(ctx context.Context, r *Request) (*Request, error) {
	if r.BrokeGlass() && r.Messages.Review.Ref.TS == "" {
		announced, err := s.announce(ctx, r)
		if err != nil || announced.State != Approved || announced.Messages.Review.Ref.TS == "" {
			return announced, err
		}
		r = announced
	}
	draft := *r
	found, readAt, err := s.recheckFresh(ctx, &draft)
	switch {
	case err != nil:
		return nil, err
	case found.rest:
		return s.rest(ctx, r, workBackoff(r.Attempts), found.why)
	case found.state == Applied:
		return s.alreadyDone(ctx, r)
	case found.state != "":
		if found.why.Code == SettingsMoved {
			found.why.By = s.changedBy(ctx, r.Target, found.why.Moved, r.Snapshot.At)
		}
		return s.finish(ctx, r, Approved, found.state, found.why)
	}
	if err := s.mayAct(ctx); err != nil {
		return nil, err
	}
	mine := false // otherwise somebody else began it
	out, err := s.step(ctx, r, Approved, func(r *Request, e *Effects, now time.Time) error {
		r.Target = draft.Target
		if r.agreed() {
			r.Ask.Settings, r.Snapshot = draft.Ask.Settings, draft.Snapshot
		}
		err := s.begun(r, e, readAt, now)
		mine = err == nil
		return err
	})
	switch {
	case errors.Is(err, ErrFrozen): // since it was looked at
		return s.rest(ctx, r, busyRetry, Reason{Code: WaitsForTarget})
	case errors.Is(err, ErrBusy):
		return s.rest(ctx, r, busyRetry, Reason{Code: WaitsForTarget})
	case errors.Is(err, errTooLate):
		return s.finish(ctx, r, Approved, Stale, s.tooLate(r))
	case err != nil || out.State != Applying || !mine:
		return out, err // somebody canceled it
	}
	return s.send(ctx, out)
}

// rest lets a request rest that cannot go on now, and says in the thread why where
// that lasts.
func (s *Service) rest(ctx context.Context, r *Request, wait time.Duration, why Reason) (*Request, error) {
	sign := false
	out, err := s.step(ctx, r, r.State, func(r *Request, _ *Effects, now time.Time) error {
		r.Attempts++
		r.RetryAt = now.Add(wait)
		sign = r.waitsFor(why, now)
		return nil
	})
	if err == nil && sign {
		s.sign(out)
	}
	return out, err
}

// waitsFor notes what keeps the request from going on, once that lasts longer than
// signWithin; after reportWithin a reply says so. Its next try is no later than the
// next of these moments. It reports whether there is something new to say.
func (r *Request) waitsFor(why Reason, now time.Time) (news bool) {
	if r.State == Requested {
		return false
	}
	sign, tell := r.OwedSince.Add(signWithin), r.OwedSince.Add(reportWithin)
	for _, at := range []time.Time{sign, tell} {
		if now.Before(at) && r.RetryAt.After(at) {
			r.RetryAt = at
		}
	}
	if now.Before(sign) {
		return false
	}
	news = r.Reason.Code != why.Code
	r.Reason = why
	if reply := r.Messages.Reply; !now.Before(tell) && reply.Owed == 0 && (news || reply.Ref.TS == "") {
		r.owe(Reply)
	}
	return news
}

// recheckFresh is recheck, again where it took so long that what it found is old.
func (s *Service) recheckFresh(ctx context.Context, draft *Request) (found finding, readAt time.Time, err error) {
	var took time.Duration
	for range mostRechecks {
		found, err = s.recheck(ctx, draft)
		took = s.now().Sub(found.readAt)
		if err != nil || found.rest || found.state != "" || took <= readFor {
			return found, found.readAt, err
		}
	}
	why := Reason{Code: WaitsForSlack}
	if found.reading > took/2 {
		why.Code = WaitsForBaseten
	}
	return finding{rest: true, why: why}, found.readAt, nil
}

// finding is what the last look before a PATCH came to. The zero finding is that
// everything holds; otherwise the request is to end in that state, or to rest, for
// that reason.
type finding struct {
	state State
	rest  bool
	why   Reason
	// readAt is when the reading began, and reading how long Baseten took, where
	// everything holds.
	readAt  time.Time
	reading time.Duration
}

// recheck looks once more at everything that has to hold when the PATCH is sent:
// the time, the names, the target, the touched settings, the policy and the people.
// The draft's target is brought up to date.
func (s *Service) recheck(ctx context.Context, draft *Request) (finding, error) {
	if s.now().After(draft.OwedSince.Add(s.applyWithin(draft))) {
		return finding{state: Stale, why: s.tooLate(draft)}, nil
	}
	if until := draft.Ask.Until; !until.IsZero() && !s.now().Before(until) {
		return finding{state: Stale, why: Reason{Code: UntilPassed, Until: until}}, nil
	}
	switch why, err := s.frozen(ctx, draft); {
	case err != nil:
		return finding{}, err
	case why != nil:
		return finding{state: Stale, why: *why}, nil
	}
	found, began, err := s.readAgain(ctx, draft)
	reading := s.now().Sub(began)
	if err != nil {
		return s.unread(ctx, draft, err)
	}
	if found == nil {
		return finding{state: Failed, why: Reason{Code: TargetGone}}, nil
	}
	seen := found.Target()
	if renamed := seen.Model != draft.Target.Model || seen.Team != draft.Target.Team; renamed && draft.Kind != KindRevert {
		return finding{state: Stale, why: Reason{Code: Renamed, Was: fullName(draft.Target), Is: fullName(seen)}}, nil
	}
	if found.Unreadable() != "" { // so where it stands is not known either
		return finding{rest: true, why: Reason{Code: WaitsForSettings}}, nil
	}
	if draft.Target.Environment == "" && seen.Serves != draft.Target.Serves && draft.Kind != KindRevert {
		return finding{state: Stale, why: Reason{Code: Promoted, Was: draft.Target.Serves, Is: seen.Serves}}, nil
	}
	seen.SharedName = seen.SharedName || draft.Target.SharedName // the list may not be read yet
	draft.Target = seen

	current := found.Settings()
	if current == nil {
		return finding{rest: true, why: Reason{Code: WaitsForSettings}}, nil
	}
	if draft.Kind == KindRevert {
		if ended, err := s.recheckPlan(ctx, draft, *found, began); ended.state != "" || err != nil {
			return ended, err
		}
	}
	touched := current.Only(draft.Ask.Settings)
	switch shown := draft.Snapshot.Settings.Only(draft.Ask.Settings); {
	case touched.Equal(shown):
	case touched.Equal(draft.Ask.Settings):
		return finding{state: Applied}, nil
	default:
		return finding{state: Stale, why: Reason{Code: SettingsMoved, Moved: moved(draft.Ask.Settings, shown, touched)}}, nil
	}
	// What was not touched may have moved, and the policy may look at it.
	now := *draft
	now.Snapshot.Settings = current
	if now.Snapshot.Cost != nil {
		now.Snapshot.Cost = s.cost(ctx, &now, *found, pricesWithin)
	}
	if no := s.fits(&now); no != nil {
		return finding{state: no.state, why: no.why}, nil
	}
	last, err := s.stillAllowed(ctx, &now, found)
	last.readAt, last.reading = began, reading
	return last, err
}

// readAgain reads the request's target as it is now; nil where there is none any
// more. Where it was in vain before, one call finds out whether Baseten is back.
func (s *Service) readAgain(ctx context.Context, r *Request) (target *baseten.Resolved, began time.Time, err error) {
	if r.Attempts > 0 {
		if _, err := r.Target.As().Reread(ctx, s.api.Once()); err != nil {
			return nil, began, err
		}
	}
	began = s.now()
	targets, err := s.names.TargetsOnce(ctx, r.Target.ModelID)
	if err != nil {
		return nil, began, err
	}
	found, ok := targets.Exactly(r.Target.Environment, r.Target.DeploymentID)
	if !ok {
		return nil, began, nil
	}
	return &found, began, nil
}

func fullName(t baseten.Target) string {
	if t.Team == "" {
		return t.Model
	}
	return t.Team + "/" + t.Model
}

// tooLate says that a change is owed for too long to be sent.
func (s *Service) tooLate(r *Request) Reason {
	why := Reason{Code: TooLate, After: s.now().Sub(r.OwedSince), Tries: r.Sends}
	if r.Sends == 0 {
		why.Call = s.call(r)
	}
	return why
}

// unread sorts the ways in which Baseten could not be read.
func (s *Service) unread(ctx context.Context, draft *Request, err error) (finding, error) {
	if ctx.Err() != nil {
		return finding{}, ctx.Err()
	}
	s.cfg.Log.Warn("read settings before the change", zapRequest(draft.ID), zap.Error(err))
	why := basetenSaid(err)
	switch why.Code {
	case TargetGone:
		return finding{state: Failed, why: why}, nil
	case BasetenAuth, BasetenRefused:
		why.Call = s.call(draft)
		return finding{state: Failed, why: why}, nil
	default:
		return finding{rest: true, why: Reason{Code: WaitsForBaseten, HTTP: why.HTTP}}, nil
	}
}

// stillAllowed asks the policy again about an approved request. What cannot be
// looked up now is no permission, and no refusal either.
func (s *Service) stillAllowed(ctx context.Context, r *Request, found *baseten.Resolved) (finding, error) {
	if r.agreed() {
		return s.recheckEnd(ctx, r)
	}
	waits := finding{rest: true, why: Reason{Code: WaitsForSlack}}
	place, err := s.dir.Place(ctx, r.Channel)
	switch {
	case ctx.Err() != nil:
		return finding{}, ctx.Err()
	case errors.Is(err, ErrNotInvited):
		return finding{state: Failed, why: Reason{Code: NotInvited}}, nil
	case err != nil:
		return waits, nil //nolint:nilerr // it is tried again
	case place.External:
		return finding{state: Stale, why: Reason{Code: BecameShared}}, nil
	}
	person, people, err := s.who(ctx, r.Requester.ID)
	switch {
	case ctx.Err() != nil:
		return finding{}, ctx.Err()
	case err != nil:
		return waits, nil //nolint:nilerr // it is tried again
	case !person.Membership.Ours():
		return finding{state: Stale, why: Reason{Code: RequesterLeft}}, nil
	}
	q, d, err := s.ask(ctx, r, person, people, found)
	if err != nil {
		return finding{}, err
	}
	switch d.Effect {
	case authz.Allow:
		return finding{}, nil
	case authz.Confirm:
		return finding{state: Stale, why: Reason{Code: NeedsConfirm}}, nil
	case authz.Approve:
		t, unknown := s.tally(ctx, r, q, d)
		switch {
		case t.Satisfied:
			return finding{}, nil
		case unknown || len(people.Unreachable) > 0:
			return waits, nil
		}
		return finding{state: Stale, why: Reason{Code: TooFewNow}}, nil
	default:
		if len(people.Unreachable) > 0 {
			return waits, nil
		}
		return finding{state: Stale, why: Reason{Code: PolicyDeniesIt, Cause: d.Cause}}, nil
	}
}

// alreadyDone ends a request whose values somebody else set in the meantime.
func (s *Service) alreadyDone(ctx context.Context, r *Request) (*Request, error) {
	return s.step(ctx, r, Approved, func(r *Request, e *Effects, now time.Time) error {
		if err := r.move(e, Applying, authz.Person{}, Reason{}, now); err != nil {
			return err
		}
		r.Answer.ReadBack = true
		return r.move(e, Applied, authz.Person{}, Reason{Code: AlreadyDone}, now)
	})
}

// send sends the PATCH: exactly the fields asked for, once. A request that is still
// applying afterwards is one whose outcome has to be found out. The answer is waited
// for, and recorded, whatever becomes of the lease meanwhile.
func (s *Service) send(ctx context.Context, r *Request) (*Request, error) {
	if err := s.mayAct(ctx); err != nil {
		return nil, err
	}
	if s.cfg.Watch.Sent != nil {
		s.cfg.Watch.Sent(s.now().Sub(r.OwedSince))
	}
	answer, err := s.patch(r)
	if err == nil {
		return s.applied(r, Answer{Status: answer.Status, Message: answer.Message}, Reason{})
	}
	s.cfg.Log.Warn("send the change", zapRequest(r.ID), zap.Int("sends", r.Sends), zap.Error(err))
	var known *baseten.Error
	switch {
	case !errors.As(err, &known) || known.OutcomeUnknown():
		return s.recordStep(r, Applying, func(r *Request, _ *Effects, now time.Time) error {
			r.Attempts, r.RetryAt, r.Reason = 0, now.Add(firstLook), Reason{}
			if known != nil {
				r.Reason.HTTP = known.HTTPStatus
			}
			return nil
		})
	case known.Kind == baseten.KindLimited:
		return s.notTaken(r, known.RetryAfter, Reason{Code: WaitsForBaseten, HTTP: known.HTTPStatus})
	case known.Kind == baseten.KindUnreachable, known.Kind == baseten.KindServer:
		return s.notTaken(r, 0, Reason{Code: WaitsForBaseten}) // it did not arrive
	}
	why := basetenSaid(known)
	if why.Code == BasetenAuth {
		why.Call = s.call(r)
	}
	return s.recordStep(r, Applying, func(r *Request, e *Effects, now time.Time) error {
		return r.move(e, Failed, authz.Person{}, why, now)
	})
}

// patch sends the PATCH, and is not stopped once it began.
func (s *Service) patch(r *Request) (baseten.Answer, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), sendWithin+time.Second)
	defer cancel()
	return r.Target.As().Update(ctx, s.api, r.Ask.Settings)
}

// notTaken takes a request back of which Baseten certainly took nothing. Everything
// is checked again before it is sent the next time.
func (s *Service) notTaken(r *Request, asked time.Duration, why Reason) (*Request, error) {
	sign := false
	out, err := s.recordStep(r, Applying, func(r *Request, e *Effects, now time.Time) error {
		attempts := r.Attempts
		if err := r.move(e, Approved, authz.Person{}, why, now); err != nil {
			return err
		}
		r.Sends--
		r.Attempts = attempts + 1
		r.RetryAt = now.Add(max(2*workBackoff(attempts), min(asked, time.Minute)))
		tell := r.OwedSince.Add(reportWithin)
		// Not sooner than Baseten asked for, but people see at once that it lasts.
		if sign = !now.Before(r.OwedSince.Add(signWithin)) || r.RetryAt.After(r.OwedSince.Add(2*signWithin)); sign {
			r.Reason = why
		} else {
			r.Reason = Reason{}
		}
		if !now.Before(tell) || r.RetryAt.After(tell.Add(reportWithin)) {
			r.owe(Reply)
		}
		return nil
	})
	if err == nil && sign {
		s.sign(out)
	}
	return out, err
}

// applied commits Baseten's answer, or that the settings read back as asked.
func (s *Service) applied(r *Request, answer Answer, why Reason) (*Request, error) {
	return s.recordStep(r, Applying, func(r *Request, e *Effects, now time.Time) error {
		r.Answer, r.AppliedAt = answer, now
		r.beginTerm(now)
		r.Outcome = Outcome{Kind: Following, At: now}
		return r.move(e, Applied, authz.Person{}, why, now)
	})
}
