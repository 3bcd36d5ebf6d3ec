package change

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/baseten"
)

// Undo makes a new request that puts back what an applied request changed: the same
// target by ID, the values from before, its own preview and policy check. Whoever
// asks is its requester. A *Refused tells why there is nothing to undo.
func (s *Service) Undo(ctx context.Context, in Submission, id ID) (*Request, error) {
	old, err := s.origin(ctx, &in, id, VerbUndo)
	if err != nil {
		return nil, err
	}
	if old.Holds() { // to take it back is to end it: then what stands without it is in force
		return s.endNow(ctx, in, old, VerbUndo)
	}
	if old.Kind == KindFreeze || old.State != Applied || old.Sends == 0 || !old.Term.OverAt.IsZero() {
		return nil, s.refuseOrigin(ctx, in, old, VerbUndo, Reason{Code: NothingToUndo, State: old.State})
	}
	back := old.Snapshot.Settings.Only(old.Ask.Settings)
	if len(back) == 0 {
		return nil, s.refuseOrigin(ctx, in, old, VerbUndo, Reason{Code: UndoImpossible, Fields: old.Ask.Settings.Fields()})
	}
	in.Ask = Ask{Reason: in.Ask.Reason, Settings: back, Text: "undo " + id.String()}
	in.Ask.Model, in.Ask.Target, in.Ask.TargetKind = sameTarget(old)
	in.origin = Origin{ID: id, Kind: OriginUndo, Requester: old.Requester}
	return s.derive(ctx, in, old, VerbUndo)
}

// AskAgain makes a new request out of a stale or expired one, with the same values,
// in the name of whoever asks for it: they are its requester, and cannot approve it.
// It is made once; whoever comes later is told. A reason has to be given anew.
func (s *Service) AskAgain(ctx context.Context, in Submission, id ID) (*Request, error) {
	old, err := s.origin(ctx, &in, id, VerbAskAgain)
	if err != nil {
		return nil, err
	}
	if old.State != Stale && old.State != Expired {
		return nil, s.refuseOrigin(ctx, in, old, VerbAskAgain, Reason{Code: NotAgain, State: old.State})
	}
	reason := in.Ask.Reason
	if in.Requester.ID == old.Requester.ID && reason == "" {
		reason = old.Ask.Reason
	}
	if old.prolongs() {
		return s.prolongAgain(ctx, in, old)
	}
	in.Ask = old.Ask
	in.Ask.Reason, in.Ask.BreakGlass, in.Ask.Shown = reason, false, nil
	if old.Kind == KindRevert {
		return s.endAgain(ctx, in, old)
	}
	if old.Target.ModelID != "" {
		in.Ask.Model, in.Ask.Target, in.Ask.TargetKind = sameTarget(old)
	}
	in.Channel, in.ChannelName, in.Thread = old.Channel, old.ChannelName, old.Thread
	in.origin = Origin{ID: id, Kind: OriginAgain, Requester: old.Requester}
	return s.derive(ctx, in, old, VerbAskAgain)
}

// Replace makes a new request in place of one that waits, in the name of whoever asks
// for it: they are its requester, and cannot approve it. The other one is canceled when
// the card of this one is posted. Where it does not wait any more, or is of another
// target, this is a request like any other.
func (s *Service) Replace(ctx context.Context, in Submission, id ID) (*Request, error) {
	old, err := s.store.Get(ctx, id)
	switch {
	case err == nil:
		in.origin = Origin{ID: id, Kind: OriginReplaces, Requester: old.Requester}
	case !errors.Is(err, ErrNotFound):
		return nil, err
	}
	return s.Submit(ctx, in)
}

// lookUpOrigin finds out where the card of the request is that this one comes from, and
// forgets one that it was to replace where there is nothing to be replaced.
func (s *Service) lookUpOrigin(ctx context.Context, r *Request) error {
	if r.Origin.ID == "" {
		return nil
	}
	old, err := s.store.Get(ctx, r.Origin.ID)
	switch {
	case err != nil:
		return err
	case r.Origin.Kind == OriginReplaces && old.ReplacedBy != r.ID && (old.State != Pending || !old.Target.Overlaps(r.Target)):
		r.Origin = Origin{}
	case r.Origin.Link == "":
		r.Origin.Link = s.cardLink(ctx, old)
	}
	return nil
}

// cardLink is the address of a request's card, "" where there is none or Slack does not
// give it in time.
func (s *Service) cardLink(ctx context.Context, r *Request) string {
	ctx, cancel := context.WithTimeout(ctx, linkWithin)
	defer cancel()
	return s.chat.Link(ctx, r.Messages.Card.Ref)
}

// cancelReplaced cancels the request that a draft replaces, whose card is there now.
// Where it ended meanwhile the draft says nothing of it any more.
func (s *Service) cancelReplaced(ctx context.Context, draft *Request) {
	if draft.Origin.Kind != OriginReplaces {
		return
	}
	old, err := s.store.Get(ctx, draft.Origin.ID)
	if err == nil && old.State == Pending {
		if err = s.tellNeighbour(ctx, old, s.replacedBy(ctx, draft)); err == nil {
			old, err = s.store.Get(ctx, draft.Origin.ID)
		}
	}
	switch {
	case err != nil:
		s.cfg.Log.Warn("cancel what is replaced", zapRequest(draft.ID), zap.Error(err))
	case old.ReplacedBy != draft.ID:
		draft.Origin = Origin{}
	}
}

// derive submits a request that comes from another one, unless that was done.
func (s *Service) derive(ctx context.Context, in Submission, old *Request, verb Verb) (*Request, error) {
	r, err := s.Submit(ctx, in)
	var no *Refused
	if errors.As(err, &no) {
		if now, err := s.store.Get(ctx, old.ID); err == nil { // somebody was faster
			old = now
		}
		return nil, s.refuseOrigin(ctx, in, old, verb, no.Reason)
	}
	return r, err
}

// claimOrigin notes in the other request that this one comes from it, in the same
// commit as this one is recorded: nobody else makes another.
func (r *Request) claimOrigin() func(*Request, *Effects) error {
	switch r.Origin.Kind {
	case OriginTimeUp, OriginEndNow, OriginEndAsked:
		return r.claimEnd
	case OriginUndo:
		return func(old *Request, _ *Effects) error {
			if old.UndoneBy != "" {
				return &Refused{Reason: Reason{Code: AlreadyUndone, Request: old.UndoneBy}}
			}
			old.UndoneBy = r.ID
			old.oweSteps()
			return nil
		}
	case OriginAgain:
		return func(old *Request, _ *Effects) error {
			if old.AskedAgainBy != "" {
				return &Refused{Reason: Reason{Code: AskedAgain, Request: old.AskedAgainBy}}
			}
			old.AskedAgainBy = r.ID
			old.oweSteps()
			return nil
		}
	default:
		return nil
	}
}

// oweSteps notes that the buttons of what can be done next are not the right ones, also
// of a message that is on its way.
func (r *Request) oweSteps() {
	for _, part := range []Part{Reply, BadNews, ReviewCard, EndNotice} {
		if m := r.Message(part); m.Ref.TS != "" || m.Owed > 0 {
			r.owe(part)
		}
	}
}

// tellOrigin notes at this request's end what it means for the one that it comes from:
// that one can be undone or asked again anew where this one came to nothing (an undo that
// was not applied, a second asking that nobody saw), and its term is over, or not.
func (r *Request) tellOrigin(e *Effects, now time.Time) {
	switch {
	case r.Kind == KindRevert:
		e.Origin = func(old *Request, e *Effects) error { old.noteEnd(e, r, now); return nil }
	case (r.Origin.Kind == OriginExtends || r.Origin.Kind == OriginKeeps) && r.tookEffect():
		e.Origin = func(old *Request, e *Effects) error { old.noteProlonged(e, r, now); return nil }
	case r.Origin.Kind == OriginUndo && r.State != Applied:
		e.Origin = func(old *Request, _ *Effects) error {
			if old.UndoneBy == r.ID {
				old.UndoneBy = ""
				old.oweSteps()
			}
			return nil
		}
	case r.Origin.Kind == OriginAgain && r.Messages.Card.Ref.TS == "":
		e.Origin = func(old *Request, _ *Effects) error {
			if old.AskedAgainBy == r.ID {
				old.AskedAgainBy = ""
				old.oweSteps()
			}
			return nil
		}
	}
}

// origin loads the request that another one comes from, and looks up who asks for
// it: who may not know is told nothing of it, nor whether it exists.
func (s *Service) origin(ctx context.Context, in *Submission, id ID, verb Verb) (*Request, error) {
	_, no := s.insider(ctx, &in.Requester)
	act := in.act(id, verb)
	if no != nil {
		return nil, s.refuseAct(ctx, act, nil, no)
	}
	old, err := s.Request(ctx, in.Requester, id)
	if errors.Is(err, ErrNotFound) {
		return nil, s.refuseAct(ctx, act, nil, notFound(id))
	}
	return old, err
}

// refuseOrigin records that no request was made out of an old one, and returns why.
func (s *Service) refuseOrigin(ctx context.Context, in Submission, old *Request, verb Verb, why Reason) error {
	return s.refuseAct(ctx, in.act(old.ID, verb), old, &Refused{Reason: why})
}

// act is the submission as an act on the request that it comes from.
func (in Submission) act(id ID, verb Verb) Act {
	return Act{Delivery: in.Delivery, Person: in.Requester, ID: id, Verb: verb, Message: MessageRef{Channel: in.Channel}}
}

// sameTarget names the old request's target so that no renaming can lead elsewhere.
func sameTarget(old *Request) (model, target, kind string) {
	if old.Target.Environment != "" {
		return old.Target.ModelID, old.Target.Environment, baseten.TargetEnvironment
	}
	return old.Target.ModelID, old.Target.DeploymentID, baseten.TargetDeployment
}

// undone checks that the settings still hold what the request to be undone set, and
// returns a note on what cannot be put back.
func (s *Service) undone(ctx context.Context, r *Request, current baseten.Settings) ([]Note, *refusal) {
	old, err := s.store.Get(ctx, r.Origin.ID)
	if err != nil {
		return nil, &refusal{Failed, Reason{Code: Broken}, err}
	}
	if differ := moved(r.Ask.Settings, old.Ask.Settings, current); len(differ) > 0 {
		return nil, &refusal{state: Failed, why: Reason{
			Code: UndoMoved, Request: old.ID, Link: r.Origin.Link, Moved: differ, By: s.changedBy(ctx, old.Target, differ, old.AppliedAt),
		}}
	}
	st, err := s.standingOn(ctx, r, current)
	if err != nil {
		return nil, &refusal{Failed, Reason{Code: Broken}, err}
	}
	r.Ask.Settings = st.settings(r.Ask.Settings, s.now(), old.ID).Only(r.Ask.Settings)
	if fields := sticky(old.Ask.Settings, old.Snapshot.Settings); len(fields) > 0 {
		return []Note{{Code: NoteStaysAsItIs, Fields: fields}}, nil
	}
	return nil, nil
}
