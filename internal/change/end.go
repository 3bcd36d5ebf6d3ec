package change

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/moment"
)

// The end of a temporary change is a request of kind revert, which names it: same states,
// same checks, same audit. What was agreed to was the way there and back, so nobody is
// asked when its time is up, nor when its requester or somebody who could approve it ends
// it early: only a deny rule and a freeze stand in the way. Where somebody else wants to
// end it, that is their own request.

// endWithin is how long an end is owed once its time is up; then people are asked.
const endWithin = time.Hour

// agreed reports whether it is an end that nobody is asked about. It has no card: the
// thread of the change that it ends tells of it.
func (r *Request) agreed() bool {
	return r.Kind == KindRevert && r.Origin.Kind != OriginEndAsked
}

// thread is the root of the thread that tells of the request, "" where there is none.
func (r *Request) thread() string {
	if r.Thread != "" {
		return r.Thread
	}
	return r.Messages.Card.Ref.TS
}

// timeUp begins the end of a change whose time is up.
func (s *Service) timeUp(ctx context.Context, r *Request) (*Request, error) {
	if r.Term.Frozen {
		freezes, err := s.store.Freezes(ctx, &r.Target, s.now())
		if err != nil {
			return nil, err
		}
		if len(freezes) > 0 {
			return s.change(ctx, Delivery{}, r.ID, func(r *Request, _ *Effects, now time.Time) error {
				r.Term.DueAt = firstTime(freezes[0].Term.EndsAt, now.Add(thawedWithin))
				return nil
			})
		}
	}
	end, err := s.Submit(ctx, s.endOf(r, Submission{Requester: r.Requester}, OriginTimeUp))
	var no *Refused
	switch {
	case errors.As(err, &no): // somebody ends it already
	case err != nil:
		return nil, err
	default:
		s.Start(end.ID)
	}
	return s.store.Get(ctx, r.ID)
}

// endOf is the submission that ends a temporary change. Which values go back is found out
// when it is sent.
func (s *Service) endOf(old *Request, in Submission, kind OriginKind) Submission {
	in.kind, in.origin = KindRevert, Origin{ID: old.ID, Kind: kind, Requester: old.Requester}
	in.Ask = Ask{Text: "end " + old.ID.String(), Reason: in.Ask.Reason, Settings: old.Snapshot.Back}
	if in.Ask.Reason == "" && kind != OriginEndAsked {
		in.Ask.Reason = old.Ask.Reason
	}
	in.target = old.Target
	in.Ask.Model, in.Ask.Target, in.Ask.TargetKind = sameTarget(old)
	in.Channel, in.ChannelName, in.Thread = old.Channel, old.ChannelName, old.thread()
	return in
}

// End makes a request that ends a temporary change now. A *Refused tells why there is
// nothing to end.
func (s *Service) End(ctx context.Context, in Submission, id ID) (*Request, error) {
	old, err := s.origin(ctx, &in, id, VerbEnd)
	if err != nil {
		return nil, err
	}
	return s.endNow(ctx, in, old, VerbEnd)
}

// endNow ends a temporary change early. Somebody who neither asked for it nor could have
// approved it makes a request of their own.
func (s *Service) endNow(ctx context.Context, in Submission, old *Request, verb Verb) (*Request, error) {
	if !old.Holds() {
		return nil, s.refuseOrigin(ctx, in, old, verb, Reason{Code: NotHeld, Request: old.ID, State: old.State})
	}
	kind := OriginEndAsked
	if in.Requester.ID == old.Requester.ID || s.couldHaveApproved(ctx, old, in.Requester) {
		kind = OriginEndNow
	}
	return s.derive(ctx, s.endOf(old, in, kind), old, verb)
}

// couldHaveApproved reports whether the person is one of those who could approve the
// request, then or today.
func (s *Service) couldHaveApproved(ctx context.Context, r *Request, person authz.Person) bool {
	if slices.Contains(r.Decision.Approvers, person.ID) && person.Membership.Ours() {
		return true
	}
	people := s.dir.People(ctx, s.policy().Usergroups())
	q := s.question(r, asMember(r.Requester), people)
	may, _ := s.policy().MayApprove(q, s.policy().Decide(q), person)
	return may
}

// asMember is the requester of something that was agreed to: whether they are here still
// is not asked.
func asMember(p authz.Person) authz.Person {
	p.Membership = authz.Member
	return p
}

// Extend makes a request that lets a temporary change hold for d longer, Keep one that
// makes it a change for good. Each is judged as a change from what would stand at the end
// to what stands now.
func (s *Service) Extend(ctx context.Context, in Submission, id ID, d time.Duration) (*Request, error) {
	old, err := s.origin(ctx, &in, id, VerbExtend)
	if err != nil {
		return nil, err
	}
	in.Ask.Until = later(old.Term.EndsAt, s.now()).Add(d)
	in.Ask.Text = "extend " + id.String() + " " + moment.FormatSpan(d)
	return s.prolong(ctx, in, old, OriginExtends, VerbExtend)
}

// Keep is described at Extend.
func (s *Service) Keep(ctx context.Context, in Submission, id ID) (*Request, error) {
	old, err := s.origin(ctx, &in, id, VerbKeep)
	if err != nil {
		return nil, err
	}
	in.Ask.Text = "keep " + id.String()
	return s.prolong(ctx, in, old, OriginKeeps, VerbKeep)
}

func (s *Service) prolong(ctx context.Context, in Submission, old *Request, kind OriginKind, verb Verb) (*Request, error) {
	if !old.Holds() {
		return nil, s.refuseOrigin(ctx, in, old, verb, Reason{Code: NotHeld, Request: old.ID, State: old.State})
	}
	in.since = old.Term.Since
	if in.Ask.Reason == "" && in.Requester.ID == old.Requester.ID {
		in.Ask.Reason = old.Ask.Reason
	}
	in.Ask.Settings, in.Ask.Shown = old.Ask.Settings, old.Ask.Settings
	in.Ask.Model, in.Ask.Target, in.Ask.TargetKind = sameTarget(old)
	in.Channel, in.ChannelName, in.Thread = old.Channel, old.ChannelName, old.thread()
	in.origin = Origin{ID: old.ID, Kind: kind, Requester: old.Requester}
	return s.derive(ctx, in, old, verb)
}

// prolongAgain asks once more to let a change hold longer, or for good.
func (s *Service) prolongAgain(ctx context.Context, in Submission, asked *Request) (*Request, error) {
	old, err := s.store.Get(ctx, asked.Origin.ID)
	if err != nil {
		return nil, err
	}
	in.Ask.Text, in.Ask.Until = asked.Ask.Text, asked.Ask.Until
	return s.prolong(ctx, in, old, asked.Origin.Kind, VerbAskAgain)
}

// noteEnd notes in a temporary change what became of the request that was to end it.
func (r *Request) noteEnd(e *Effects, end *Request, now time.Time) {
	code := end.Reason.Code
	if then := end.Reason.Then; code == NotSentAgain && then != nil {
		code = then.Code
	}
	switch {
	case !r.Holds():
	case end.State == Applied, end.Outcome.Kind == Landed, (code == NothingBack || code == TargetGone) && end.agreed(): // not where somebody only asked
		r.endTerm(e, now, end)
	case r.Term.By != end.ID: // somebody asked, and it came to nothing
	case code == Frozen:
		r.Term.By, r.Term.Frozen, r.Term.DueAt = "", true, later(r.Term.EndsAt, now)
	case r.Term.EndsAt.After(now): // it was to end early, and did not: its time comes
		r.Term.By, r.Term.DueAt, r.Term.NoticeAt = "", r.Term.EndsAt, r.Term.notice(now)
	case code == NotTaken && now.Add(retryEnd(now.Sub(r.Term.EndsAt))).Before(r.Term.EndsAt.Add(endWithin)):
		r.Term.By, r.Term.DueAt = "", now.Add(retryEnd(now.Sub(r.Term.EndsAt)))
	default:
		r.Term.By, r.Term.AskAt = "", now.Add(askEvery)
		if end.Messages.Reply.Ref.TS != "" { // that it waited was told, and an edit notifies nobody
			r.Term.AskAt = now
		}
		r.owe(Card) // it says until when it was to hold
		r.oweSteps()
	}
}

// noteProlonged notes in a temporary change that the request which extends or keeps it
// took its place.
func (r *Request) noteProlonged(e *Effects, by *Request, now time.Time) {
	if r.Holds() {
		r.endTerm(e, now, by)
	}
}

// retryEnd is how long to wait before an end is tried anew that Baseten did not take: each
// try is told, so there are few within the hour for which it is owed.
func retryEnd(since time.Duration) time.Duration { return max(time.Minute, 3*since) }

// claimEnd notes in a temporary change that this request ends it, so that no other one
// does beside it.
func (r *Request) claimEnd(old *Request, _ *Effects) error {
	switch {
	case !old.Holds():
		return &Refused{Reason: Reason{Code: NotHeld, Request: old.ID, State: old.State}}
	case !r.agreed(): // it may be denied
	case old.Term.By != "":
		return &Refused{Reason: Reason{Code: AlreadyEnding, Request: old.Term.By}}
	default:
		old.Term = old.Term.owesNothing()
		old.Term.By = r.ID
	}
	return nil
}

// planEnd finds out what goes back where a temporary change ends, on settings that were
// just read, and puts it into the draft. It returns what the request comes to instead
// where nothing does, nil otherwise.
func (s *Service) planEnd(ctx context.Context, draft *Request, current baseten.Settings) (*refusal, error) {
	old, err := s.store.Get(ctx, draft.Origin.ID)
	if err != nil {
		return nil, err
	}
	st, err := s.standingOn(ctx, old, current)
	if err != nil {
		return nil, err
	}
	back, why := baseten.Settings{}, Reason{Code: NothingBack}
	for _, f := range old.Ask.Settings.Fields() {
		if put, ours := st.ours(f); !ours {
			why.Moved = append(why.Moved, Moved{Field: f, Was: &put, Is: value(current, f)})
			continue
		}
		v, by := st.at(f, s.now(), old.ID)
		if by != nil {
			why.Request = by.ID
		}
		if v != nil && *v != current[f] {
			back[f] = *v
		}
	}
	stay, invalid := fitting(back, current, old.Target.Development)
	if invalid != nil {
		return &refusal{state: Failed, why: Reason{Code: InvalidValue, Invalid: invalid}}, nil //nolint:nilerr // it is what the end comes to
	}
	if len(why.Moved) > 0 {
		why.By = s.changedBy(ctx, old.Target, why.Moved, old.AppliedAt)
	}
	if len(back) == 0 {
		return &refusal{state: Canceled, why: why}, nil
	}
	draft.Ask.Settings = back
	draft.Snapshot.Notes = nil
	if len(stay) > 0 {
		draft.Snapshot.Notes = append(draft.Snapshot.Notes, Note{Code: NoteDoesNotFit, Fields: stay})
	}
	if len(why.Moved) > 0 {
		draft.Snapshot.Notes = append(draft.Snapshot.Notes, Note{Code: NoteMovedSince, Moved: why.Moved, By: why.By})
	}
	return nil, nil
}

// fitting takes out of the settings what does not fit to those that it would join, such
// as a max below a min that was raised since, and returns what it took. Its error is of
// what is left, where nothing fits.
func fitting(back, current baseten.Settings, development bool) (stay []baseten.Field, no *baseten.InvalidError) {
	for len(back) > 0 {
		var invalid *baseten.InvalidError
		if !errors.As(baseten.Check(back, current, development), &invalid) {
			return stay, nil
		}
		f := invalid.Field
		if _, ok := back[f]; !ok {
			f = back.Fields()[0]
		}
		delete(back, f)
		if stay, no = append(stay, f), invalid; len(back) == 0 {
			return stay, no
		}
	}
	return stay, nil
}

// recheckEnd is what recheck asks of an end that was agreed to, beside what goes back:
// whether a deny rule stands in the way of it.
func (s *Service) recheckEnd(ctx context.Context, r *Request) (finding, error) {
	people := s.dir.People(ctx, s.policy().Usergroups())
	if ctx.Err() != nil {
		return finding{}, ctx.Err()
	}
	q := s.question(r, asMember(r.Origin.Requester), people)
	q.Duration = s.durationOf(ctx, r.Origin.ID)
	d, forbidden := s.policy().Forbids(q)
	switch {
	case !forbidden:
		return finding{}, nil
	case len(people.Unreachable) > 0:
		return finding{rest: true, why: Reason{Code: WaitsForSlack}}, nil
	}
	return finding{state: Stale, why: Reason{Code: PolicyDeniesIt, Cause: d.Cause}}, nil
}

// durationOf is how long a change was to hold, 0 where that cannot be told.
func (s *Service) durationOf(ctx context.Context, id ID) time.Duration {
	r, err := s.store.Get(ctx, id)
	if err != nil {
		s.cfg.Log.Warn("read the change that ends", zapRequest(id), zap.Error(err))
		return 0
	}
	return r.duration(s.now())
}

// recheckPlan finds out again what goes back, just before it is sent. Of an end that was
// agreed to that is what is sent; one that somebody asked for was shown with it.
func (s *Service) recheckPlan(ctx context.Context, draft *Request, found baseten.Resolved, at time.Time) (finding, error) {
	shown := draft.Ask.Settings
	no, err := s.planEnd(ctx, draft, found.Settings())
	switch {
	case err != nil:
		return finding{}, err
	case no != nil:
		return finding{state: no.state, why: no.why}, nil
	case draft.agreed() && draft.Sends == 0:
		notes := draft.Snapshot.Notes
		draft.Snapshot = s.snapshot(ctx, draft, found, at)
		draft.Snapshot.Notes = append(draft.Snapshot.Notes, notes...)
	case !draft.Ask.Settings.Equal(shown):
		return finding{state: Stale, why: Reason{Code: SettingsMoved, Moved: moved(shown.With(draft.Ask.Settings), shown, draft.Ask.Settings)}}, nil
	}
	return finding{}, nil
}

// endAgain asks once more to end a change, after a request for that came to nothing.
func (s *Service) endAgain(ctx context.Context, in Submission, end *Request) (*Request, error) {
	old, err := s.store.Get(ctx, end.Origin.ID)
	if err != nil {
		return nil, err
	}
	return s.endNow(ctx, in, old, VerbAskAgain)
}
