package change

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"autoscalebot/internal/baseten"
)

// Undo makes a new request that puts back what an applied request changed: the same
// target by ID, the values from before, its own preview and policy check. Whoever
// asks is its requester. A *Refused tells why there is nothing to undo.
func (s *Service) Undo(ctx context.Context, in Submission, id ID) (*Request, error) {
	old, err := s.origin(ctx, in, id)
	if err != nil {
		return nil, err
	}
	if old.State != Applied {
		return nil, s.refuseOrigin(ctx, in, old, "%s was not applied, so there is nothing to undo: it is %s.", id, old.State)
	}
	in.Ask = Ask{Reason: cmp.Or(in.Ask.Reason, "undo "+id.String()), Settings: old.Reading.Settings.Only(old.Ask.Settings), Text: "undo " + id.String()}
	in.Ask.Model, in.Ask.Target, in.Ask.TargetKind = sameTarget(old)
	if len(in.Ask.Settings) == 0 {
		return nil, s.refuseOrigin(ctx, in, old, "%s cannot be undone: %s.", id, lost(old))
	}
	in.From, in.FromKind = id, FromUndo
	return s.Submit(ctx, in)
}

// AskAgain makes a new request out of a stale one: the same requester with the same
// values, whoever asks for it. It is made once; whoever comes later is told.
func (s *Service) AskAgain(ctx context.Context, in Submission, id ID) (*Request, error) {
	old, err := s.origin(ctx, in, id)
	if err != nil {
		return nil, err
	}
	person, _, err := s.who(ctx, in.Requester.ID)
	switch {
	case err != nil:
		return nil, s.refuseOrigin(ctx, in, old, "not allowed: I could not look you up in Slack. Please try again.")
	case !ours(person):
		return nil, s.refuseOrigin(ctx, in, old, "not allowed: only members of this workspace can do that.")
	case old.State != Stale && old.State != Expired:
		return nil, s.refuseOrigin(ctx, in, old, "%s cannot be asked again: it is %s.", id, old.State)
	}
	again := in
	again.Delivery.Key = "again:" + string(id)
	again.Requester, again.Ask = old.Requester, old.Ask
	if old.Target.ModelID != "" {
		again.Ask.Model, again.Ask.Target, again.Ask.TargetKind = sameTarget(old)
	}
	again.Ask.BreakGlass, again.Ask.By = false, in.Requester
	again.Channel, again.ChannelName, again.Thread = old.Channel, old.ChannelName, old.Thread
	again.From, again.FromKind = id, FromAgain
	if old.FromKind == FromUndo { // still an undo, and held to the same
		again.From, again.FromKind = old.From, FromUndo
	}
	r, err := s.Submit(ctx, again)
	if errors.Is(err, ErrDelivered) {
		return nil, s.refuseOrigin(ctx, in, old, "%s has been asked again already.", id)
	}
	return r, err
}

// origin loads the request that another one comes from.
func (s *Service) origin(ctx context.Context, in Submission, id ID) (*Request, error) {
	old, err := s.store.Get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, s.refuseOrigin(ctx, in, &Request{ID: id}, "%s not found. /autoscale history lists past requests.", id)
	}
	return old, err
}

// refuseOrigin records that no request was made out of an old one, and returns why.
func (s *Service) refuseOrigin(ctx context.Context, in Submission, old *Request, format string, args ...any) error {
	a := Act{Delivery: in.Delivery, Person: in.Requester, ID: old.ID, Verb: "ask", Message: MessageRef{Channel: in.Channel}}
	return s.refuseAct(ctx, a, old, refused(format, args...))
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
func (s *Service) undone(ctx context.Context, r *Request, current baseten.Settings) (note string, no *refusal) {
	old, err := s.store.Get(ctx, r.From)
	if err != nil {
		return "", &refusal{Failed, wordsAway("the request to undo could not be read"), err}
	}
	var moved []string
	for _, f := range r.Ask.Settings.Fields() {
		if v, ok := current[f]; !ok || v != old.Ask.Settings[f] {
			row, _ := baseten.Lookup(f)
			moved = append(moved, row.Label+" is "+value(row, v, ok))
		}
	}
	if len(moved) > 0 {
		return "", &refusal{state: Failed, text: fmt.Sprintf("failed: %s cannot be undone, because somebody changed the settings since: %s. Nothing was changed.", r.From, strings.Join(moved, ", "))}
	}
	if note = lost(old); note != "" {
		note += ": this stays as it is."
	}
	return note, nil
}

// lost names the settings of a request that cannot be put back, because they were
// not set before and Baseten never clears them again.
func lost(old *Request) string {
	var names []string
	for _, f := range old.Ask.Settings.Fields() {
		if _, had := old.Reading.Settings[f]; !had {
			row, _ := baseten.Lookup(f)
			names = append(names, row.Label)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0] + " was not set before, and Baseten cannot clear it again"
	default:
		return strings.Join(names, " and ") + " were not set before, and Baseten cannot clear them again"
	}
}
