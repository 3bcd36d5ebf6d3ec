package change

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// refusal ends a request before anything was posted: state says as what, text is
// the sentence for the requester.
type refusal struct {
	state State
	text  string
	// detail is for the log only.
	detail error
}

// subject is what a decision is about, as it is at one moment.
type subject struct {
	place    Place
	person   authz.Person
	people   authz.People
	resolved baseten.Resolved
}

// judge resolves a recorded request, reads the settings and asks the policy. It
// leads to a refusal told to the requester alone, to a card that waits for people,
// or straight to the attempt.
func (s *Service) judge(ctx context.Context, r *Request) (*Request, error) {
	draft := *r
	if r.Buttons { // a process died about to post the card: it may be there
		return s.present(ctx, &draft)
	}
	sub, no := s.look(ctx, &draft)
	if no == nil {
		no = s.fits(&draft)
	}
	if no != nil {
		return s.refuse(ctx, &draft, no)
	}
	switch s.rule(ctx, &draft, sub).Effect {
	case authz.Allow:
		return s.begin(ctx, &draft)
	case authz.Confirm, authz.Approve:
		return s.present(ctx, &draft)
	default:
		return s.refuse(ctx, &draft, &refusal{state: Denied, text: wordsDenied(draft.Ruling.Reason)})
	}
}

// look reads everything a decision needs, all at once, and fills in what the
// request's card shows: target and reading. It changes nothing.
func (s *Service) look(ctx context.Context, r *Request) (subject, *refusal) {
	var (
		sub                          subject
		placeErr, personErr, nameErr error
		model                        baseten.Model
		wg                           sync.WaitGroup
	)
	leave := s.looks.enter(ctx)
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	policy := s.policy()
	wg.Go(func() { sub.place, placeErr = s.dir.Place(ctx, r.Channel) })
	wg.Go(func() { sub.person, personErr = s.dir.Person(ctx, r.Requester.ID, peopleFor) })
	wg.Go(func() { sub.people = s.dir.People(ctx, policy.Usergroups()) })
	wg.Go(func() { sub.resolved, model, nameErr = s.resolve(ctx, r.Ask) })
	wg.Wait()

	switch {
	case errors.Is(placeErr, ErrNotInvited):
		return sub, &refusal{Failed, wordsInvite(), placeErr}
	case placeErr != nil:
		return sub, &refusal{Denied, wordsDenied("I could not find out whether this channel is shared with another organisation. Please try again."), placeErr}
	case sub.place.Direct:
		return sub, &refusal{state: Denied, text: wordsDenied("changes are made in channels, where others can see them. Type the command in a channel.")}
	case sub.place.External:
		return sub, &refusal{state: Denied, text: wordsDenied("this channel is shared with another organisation. Type the command in a channel of this workspace alone.")}
	case personErr != nil:
		return sub, &refusal{Denied, wordsDenied("I could not look you up in Slack, so I cannot tell who you are. Please try again."), personErr}
	}
	r.ChannelName = sub.place.Name
	if sub.person.Name != "" {
		r.Requester.Name = sub.person.Name
	}
	// Who may change nothing at all learns nothing about the models either.
	if d, never := policy.Stranger(authz.Question{Person: sub.person, Channel: r.Channel, People: sub.people, Now: s.cfg.Now()}); never {
		r.Ruling = ruling(d)
		return sub, &refusal{state: Denied, text: wordsDenied(d.Reason)}
	}
	if nameErr != nil {
		return sub, wordsForName(nameErr)
	}
	r.Target = targetOf(sub.resolved)
	r.Target.ModelName, r.Target.Team = model.Name, model.Team
	if sub.resolved.Stale {
		return sub, s.unseen(r, sub)
	}
	if why := sub.resolved.Unreadable(); why != "" {
		return sub, &refusal{state: Failed, text: "failed: Baseten shows settings of " + plain(r.Target.Name()) + " that I cannot read, so I do not change them. Nothing was changed.", detail: errors.New(why)}
	}
	if sub.resolved.Settings() == nil {
		return sub, &refusal{state: Failed, text: "failed: " + r.Target.Name() + " has no autoscaling settings yet: it has not finished deploying. Try again once it is up. Nothing was changed."}
	}
	note := ""
	if r.FromKind == FromUndo {
		var no *refusal
		if note, no = s.undone(ctx, r, sub.resolved.Settings()); no != nil {
			return sub, no
		}
	}
	r.Reading = s.reading(ctx, r, sub.resolved)
	if note != "" {
		r.Reading.Notes = append(r.Reading.Notes, note)
	}
	return sub, nil
}

// unseen refuses a request whose settings cannot be read now. Where the policy
// would permit it on the settings as they were last, people can still make it.
func (s *Service) unseen(r *Request, sub subject) *refusal {
	no := &refusal{state: Failed, text: wordsAway("Baseten does not answer, so I cannot read the settings")}
	last := *r
	last.Reading.Settings = sub.resolved.Settings()
	if s.policy().Decide(s.question(&last, sub.person, sub.people)).Effect == authz.Allow {
		no.text += " " + s.byHand(&last)
	}
	return no
}

// peopleFor is how old what Slack said of a requester may be. Approvers, and
// requesters of approved changes, are looked up anew.
const peopleFor = time.Second

// lookWithin bounds the look at Slack and Baseten, with all waits that they ask for:
// a person waits for the answer.
const lookWithin = 30 * time.Second

// resolve finds what the words name and reads it.
func (s *Service) resolve(ctx context.Context, ask Ask) (found baseten.Resolved, model baseten.Model, err error) {
	model, err = s.names.ResolveModel(ctx, ask.Model)
	if err != nil {
		return found, model, err
	}
	targets, err := s.names.Targets(ctx, model.ID)
	if err != nil {
		return found, model, err
	}
	found, err = targets.Resolve(ask.TargetKind, ask.Target)
	return found, model, err
}

// targetOf keeps of what was found what a request needs: IDs, and names as shown.
func targetOf(f baseten.Resolved) Target {
	t := Target{
		ModelID: f.ModelID, Serves: f.Serves, Promoting: f.Promoting, Development: f.Development,
	}
	if f.Environment != nil {
		t.Environment = f.Environment.Name
	}
	if f.Deployment != nil {
		t.DeploymentID, t.DeploymentName = f.Deployment.ID, f.Deployment.Name
	}
	return t
}

// fits checks the values against the settings that they would join.
func (s *Service) fits(r *Request) *refusal {
	if err := baseten.Check(r.Ask.Settings, r.Reading.Settings, r.Target.Development); err != nil {
		return &refusal{state: Failed, text: "failed: " + stopped(err.Error()) + " Nothing was changed."}
	}
	return nil
}

// refuse ends a request of which nothing was posted.
func (s *Service) refuse(ctx context.Context, draft *Request, no *refusal) (*Request, error) {
	if no.detail != nil {
		s.cfg.Log.Warn("request not carried out", zapRequest(draft.ID), zap.Error(no.detail))
	}
	return s.step(ctx, draft, Requested, func(r *Request, e *Effects) error {
		adopt(r, draft)
		return s.move(r, e, no.state, Person{}, no.text)
	})
}

// adopt copies what judging found, and where it was shown, into the stored request.
func adopt(r, draft *Request) {
	r.Requester, r.ChannelName, r.Ask = draft.Requester, draft.ChannelName, draft.Ask
	r.Target, r.Reading, r.Ruling = draft.Target, draft.Reading, draft.Ruling
	r.Root, r.Buttons, r.Beside, r.ExpiresAt = draft.Root, draft.Buttons, draft.Beside, draft.ExpiresAt
}
