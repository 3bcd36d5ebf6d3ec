package change

import (
	"context"
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
		return nil, refused("%s was not applied, so there is nothing to undo: it is %s.", id, old.State)
	}
	in.Ask = sameTarget(old)
	in.Ask.Settings = old.Reading.Settings.Only(old.Ask.Settings)
	in.Ask.Reason = orElse(in.Ask.Reason, "undo "+id.String())
	if len(in.Ask.Settings) == 0 {
		return nil, refused("%s cannot be undone: %s.", id, lost(old))
	}
	in.Ask.Text = fmt.Sprintf("undo %s", id)
	in.From, in.FromKind = id, FromUndo
	return s.Submit(ctx, in)
}

// AskAgain makes a new request out of a stale one: the same requester with the same
// values, whoever asks for it. The second to ask gets ErrDelivered.
func (s *Service) AskAgain(ctx context.Context, in Submission, id ID) (*Request, error) {
	old, err := s.origin(ctx, in, id)
	if err != nil {
		return nil, err
	}
	if old.State != Stale && old.State != Expired {
		return nil, refused("%s cannot be asked again: it is %s.", id, old.State)
	}
	in.Delivery.Key = "again:" + string(id)
	in.Requester, in.Ask = old.Requester, old.Ask
	in.Ask.BreakGlass = false
	in.Channel, in.ChannelName, in.Thread = old.Channel, old.ChannelName, old.Thread
	in.From, in.FromKind = id, FromAgain
	return s.Submit(ctx, in)
}

// origin loads the request that another one comes from.
func (s *Service) origin(ctx context.Context, in Submission, id ID) (*Request, error) {
	old, err := s.store.Get(ctx, id)
	if err == ErrNotFound { //nolint:errorlint // the store returns it bare, by contract
		return nil, refused("%s not found. /autoscale history lists past requests.", id)
	}
	return old, err
}

// sameTarget names the old request's target so that no renaming can lead elsewhere.
func sameTarget(old *Request) Ask {
	ask := Ask{Model: old.Target.ModelID, Target: old.Target.DeploymentID, TargetKind: baseten.TargetDeployment}
	if old.Target.Environment != "" {
		ask.Target, ask.TargetKind = old.Target.Environment, baseten.TargetEnvironment
	}
	return ask
}

// undone checks that the settings still hold what the request to be undone set, and
// notes what cannot be put back.
func (s *Service) undone(ctx context.Context, r *Request, current baseten.Settings) *refusal {
	old, err := s.store.Get(ctx, r.From)
	if err != nil {
		return &refusal{Failed, wordsAway("the request to undo could not be read"), err}
	}
	var moved []string
	for _, f := range r.Ask.Settings.Fields() {
		if v, ok := current[f]; !ok || v != old.Ask.Settings[f] {
			row, _ := baseten.Lookup(f)
			moved = append(moved, row.Label+" is "+value(row, v, ok))
		}
	}
	if len(moved) > 0 {
		return &refusal{state: Failed, text: fmt.Sprintf("failed: %s cannot be undone, because somebody changed the settings since: %s. Nothing was changed.", r.From, strings.Join(moved, ", "))}
	}
	return nil
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
	return strings.Join(names, " and ") + " was not set before, and Baseten cannot clear it again"
}
