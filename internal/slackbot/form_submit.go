package slackbot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
	"autoscalebot/internal/slackbot/view"
)

// The submission of the form for a change is the same as a typed line. What is wrong with
// it as far as this process can tell is said under the fields, and the form stays open
// with all that was typed. Everything else is judged once it is recorded.

const (
	// compareWithin bounds how long a submission waits to see whether what was shown still
	// stands, and mostCompares how many do so at the same time. The others are compared once
	// they are recorded, as all are: nothing is sent that moved.
	compareWithin = 700 * time.Millisecond
	mostCompares  = 4
)

// changeSubmitted serves the form for a change.
func (b *Bot) changeSubmitted(d *delivery, c slack.InteractionCallback) {
	e, ok := view.ReadForm(c.View)
	if !ok {
		b.otherVersion(d, c)
		return
	}
	from := clicker(d, c)
	from.channel, from.thread = e.Kept.Channel, e.Kept.Thread
	over := underAnyField(c, view.RefusedText(&change.Refused{Reason: overTheirs()}, from.person.ID))
	if !b.admit(d, from, c.View.CallbackID, over) {
		return
	}
	wrong := make(map[string]string)
	if from.channel == "" {
		if from.channel = e.Channel; from.channel == "" || from.channel[0] == 'D' {
			wrong[view.PickChannel] = view.ChooseChannel
		}
	}
	ask, why := b.askedIn(d.ctx, c.View.ID, e)
	maps.Copy(wrong, why)
	if len(wrong) > 0 {
		b.cfg.Watch.command(string(commands.NameChange), "misunderstood")
		b.cfg.Log.Info("form not understood", append(fields(d, from), zap.Int("fields", len(wrong)))...)
		d.acknowledgeWith(slack.NewErrorsViewSubmissionResponse(wrong))
		return
	}
	from.delivery.Key = "form:" + c.View.ID + ":" + fingerprint(from.channel+" "+ask.Text) // sent twice it asks once
	b.record(d, from, string(commands.NameChange), func(ctx context.Context, in change.Submission) (*change.Request, error) {
		in.Ask = ask
		if e.Kept.Replaces != "" {
			return b.changes.Replace(ctx, in, e.Kept.Replaces)
		}
		return b.changes.Submit(ctx, in)
	})
}

// fingerprint is the same for the same text, and short.
func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}

// otherVersion answers a form that this version of the bot does not know, under any of
// its fields, so that nothing that was typed is lost.
func (b *Bot) otherVersion(d *delivery, c slack.InteractionCallback) {
	b.cfg.Log.Warn("unknown form", zap.String("envelope", d.id), zap.String("form", c.View.CallbackID))
	d.acknowledgeWith(underAnyField(c, view.OtherVersion))
}

// underAnyField says something in a form, so that it stays open with all that was typed.
func underAnyField(c slack.InteractionCallback, text string) any {
	if c.View.State == nil || len(c.View.State.Values) == 0 {
		return nil
	}
	block := slices.Sorted(maps.Keys(c.View.State.Values))[0]
	return slack.NewErrorsViewSubmissionResponse(map[string]string{block: text})
}

// askedIn is what the form asks for. wrong says under which field what is wrong.
func (b *Bot) askedIn(ctx context.Context, viewID string, e view.FormEntry) (ask change.Ask, wrong map[string]string) {
	model, ok := b.names.Listed(e.ModelID)
	switch {
	case e.ModelID == "":
		return ask, map[string]string{e.UnderModel(): view.ChooseModel}
	case !ok:
		return ask, map[string]string{e.UnderModel(): view.ModelNotFound}
	case e.Target == "":
		return ask, map[string]string{e.UnderTarget(): view.ChooseTarget}
	}
	touched, shown, wrong := e.Settings()
	length, until, why := e.End.Read()
	if why != "" {
		wrong[e.UnderEnd()] = why
	}
	if len(wrong) > 0 {
		return ask, wrong
	}
	if len(touched) == 0 {
		return ask, map[string]string{e.Under(baseten.MaxReplica): view.NothingChanged}
	}
	kind, word := view.ReadTarget(e.Target)
	targets, known := b.looked(ctx, e.ModelID)
	target, err := targets.Resolve(kind, word)
	switch {
	case known && err != nil:
		return ask, map[string]string{e.UnderTarget(): view.TargetNotFound}
	case err != nil: // of a process that never read it
		target = unread(model.Model, kind, word)
	case known:
		b.forms.accept(viewID, e, shown)
		if wrong := b.forms.moved(viewID, e, touched, shown, target.Settings()); len(wrong) > 0 {
			return ask, wrong
		}
	}
	var invalid *baseten.InvalidError
	if err := baseten.Check(touched, settingsOf(e, shown), target.Development); errors.As(err, &invalid) {
		return ask, map[string]string{e.Under(invalid.Field): view.InvalidUnder(invalid)}
	}
	ask = askOfForm(model, target, commands.Command{Settings: touched, For: length, Until: until, Reason: e.Reason})
	ask.Shown = shown
	var mistake *commands.Mistake
	if _, err := commands.Parse(ask.Text); errors.As(err, &mistake) {
		return ask, map[string]string{view.BlockReason: mistake.Text}
	}
	return ask, nil
}

// settingsOf are the settings as the form shows them.
func settingsOf(e view.FormEntry, told baseten.Settings) baseten.Settings {
	out := make(baseten.Settings)
	for _, f := range e.Fields {
		if f.Shown != nil {
			out[f.Setting.Field] = *f.Shown
		}
	}
	return out.With(told)
}

// looked is a model as it is now, where that can be had soon; known tells whether it
// could. Otherwise it is the last reading, if there is one.
func (b *Bot) looked(ctx context.Context, modelID string) (targets baseten.Targets, known bool) {
	select {
	case b.compares <- struct{}{}:
		defer func() { <-b.compares }()
		ctx, cancel := context.WithTimeout(ctx, compareWithin)
		defer cancel()
		if t, err := b.names.Targets(ctx, modelID); err == nil && !t.Stale {
			return t, true
		}
	default:
	}
	targets, _ = b.names.Last(modelID)
	return targets, false
}

// unread is a target of which nothing but the name is known.
func unread(m baseten.Model, kind, word string) baseten.Resolved {
	r := baseten.Resolved{ModelID: m.ID, Model: m}
	if kind == baseten.TargetEnvironment {
		r.Environment = &baseten.Environment{Name: word}
	} else {
		r.Deployment = &baseten.Deployment{ID: word}
	}
	return r
}

// accept takes values of today that were shown under fields for those that are shown.
func (s *forms) accept(viewID string, e view.FormEntry, shown baseten.Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range e.Fields {
		if v, ok := s.told.get([2]string{viewID, f.Block}); ok {
			shown[f.Setting.Field] = v
		}
	}
}

// moved says under its field what is not as it was shown, and remembers that it did.
func (s *forms) moved(viewID string, e view.FormEntry, touched, shown, current baseten.Settings) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := make(map[string]string)
	for _, f := range e.Fields {
		if _, asked := touched[f.Setting.Field]; !asked {
			continue
		}
		f.Shown = nil
		if v, ok := shown[f.Setting.Field]; ok {
			f.Shown = &v
		}
		if m, differs := movedSince(f, current); differs {
			wrong[f.Block] = view.MovedUnder(m)
			if m.Is != nil {
				s.told.put([2]string{viewID, f.Block}, *m.Is)
			}
		}
	}
	return wrong
}

// askOfForm is what a form asks for, as if the line had been typed: with names in its
// text, and by IDs, so that no renaming leads elsewhere.
func askOfForm(m baseten.Listed, r baseten.Resolved, what commands.Command) change.Ask {
	t := r.Target()
	ask := askOf(what)
	ask.Model, ask.Target, ask.TargetKind = m.ID, t.Environment, t.Kind()
	spelled := commands.Ref{Word: t.Environment}
	if t.Environment == "" {
		ask.Target = t.DeploymentID
		spelled = commands.Ref{Word: t.Deployment}
		if t.Deployment == "" || t.Development {
			spelled.Word = t.DeploymentID
		}
	}
	reason, line := what.Reason, what
	line.Name, line.Model, line.Target, line.Reason = commands.NameChange, commands.Ref{Word: m.Plain()}, spelled, ""
	if _, err := commands.Parse(line.String()); err != nil { // names that nobody can type
		line.Model.Word = m.ID
		if t.Environment == "" {
			line.Target = commands.Ref{Kind: commands.KindDeployment, Word: t.DeploymentID}
		}
	}
	line.Reason = reason
	ask.Text = line.String()
	return ask
}
