package slackbot

import (
	"context"
	"errors"
	"strings"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
	"autoscalebot/internal/slackbot/view"
)

// read answers a command that changes nothing, to the person who typed it alone.
func (b *Bot) read(ctx context.Context, from asker, cmd commands.Command) {
	done := change.Sign(ctx, b.cfg.Now(), b.cfg.Now(),
		func(ctx context.Context) error { return b.shortly(ctx, from, view.Reading(cmd.String())) },
		func(err error) { b.cfg.Log.Debug("sign of a read", zap.String("user", from.person.ID), zap.Error(err)) })
	m, err := b.readable(ctx, from, cmd)
	done()
	var no *change.Refused
	switch {
	case errors.As(err, &no):
		b.cfg.Log.Info("read refused", zap.String("user", from.person.ID), zap.String("command", string(cmd.Name)), zap.String("code", string(no.Reason.Code)))
		m = view.Refused(no, from.person.ID)
	case err != nil:
		b.cfg.Log.Error("read", zap.String("command", string(cmd.Name)), zap.Error(err))
		m = view.Refused(&change.Refused{Reason: change.Reason{Code: change.Broken}}, from.person.ID)
	}
	b.answer(ctx, from, m)
}

// readTarget shows the status of what a request changes.
func (b *Bot) readTarget(ctx context.Context, from asker, id change.ID) {
	cmd := commands.Command{Name: commands.NameStatus, Model: commands.Ref{Word: id.String()}} // not found, if there is none
	if model, target, kind, err := b.changes.TargetOf(ctx, id); err == nil {
		cmd.Model, cmd.Target = commands.Ref{Word: model}, commands.Ref{Kind: kind, Word: target}
	}
	b.read(ctx, from, cmd)
}

// readable is the answer to a read. Help and whoami answer everybody: they are what
// somebody needs who wants to ask for permission.
func (b *Bot) readable(ctx context.Context, from asker, cmd commands.Command) (view.Message, error) {
	switch cmd.Name {
	case commands.NameHelp:
		return view.Help(cmd.Topic), nil
	case commands.NameWhoami:
		return b.whoami(ctx, from), nil
	}
	if err := b.changes.MayRead(ctx, &from.person); err != nil {
		b.cfg.Watch.command(string(cmd.Name), "refused")
		var no *change.Refused
		if errors.As(err, &no) {
			b.note(ctx, from, string(cmd.Name), no.Reason)
		}
		return view.Message{}, err
	}
	switch cmd.Name {
	case commands.NameStatus:
		return b.status(ctx, from, cmd)
	case commands.NameList:
		return b.list(ctx, cmd.Glob)
	case commands.NamePending:
		waiting, err := b.changes.Waiting(ctx, from.person)
		if err != nil {
			return view.Message{}, err
		}
		terms, err := b.changes.Terms(ctx, from.person, "")
		return view.Pending(waiting, terms), err
	case commands.NameReviews:
		open, err := b.changes.Reviews(ctx, from.person)
		return view.Reviews(open), err
	case commands.NameHistory:
		cmd = b.modelFirst(cmd)
		past, err := b.changes.Past(ctx, from.person, change.PastQuery{All: cmd.All, Model: cmd.Model.Word, Kind: cmd.Target.Kind, Target: cmd.Target.Word})
		return view.History(past, cmd.All), err
	case commands.NameCan, commands.NameChange: // the latter with dry-run
		in := b.submission(from)
		in.Ask = askOf(cmd)
		p := b.changes.Preview(ctx, in)
		if cmd.Name != commands.NameCan && p.Refused.Code == "" && p.Request.Decision.Effect == authz.Allow {
			p.Explanation.Steps = nil // nobody asks why they may
		}
		return view.Preview(p.Request, p.Refused, p.Explanation.Steps), nil
	default:
		return view.UnknownCommand(), nil
	}
}

// whoami tells a person what the bot knows of them.
func (b *Bot) whoami(ctx context.Context, from asker) view.Message {
	me := view.Self{User: from.person.ID, Channel: from.channel}
	person, people, err := b.changes.Who(ctx, from.person.ID)
	if err != nil {
		b.cfg.Log.Warn("whoami", zap.String("user", from.person.ID), zap.Error(err))
		return view.WhoAmI(me)
	}
	me.Membership, me.Here = person.Membership, b.here(ctx, from.channel)
	me.Groups, me.Stakes = b.policy().GroupsOf(person, people), b.policy().Stakes(person, people)
	return view.WhoAmI(me)
}

// here is why no changes are taken in a channel; its code is "" where they are.
func (b *Bot) here(ctx context.Context, channel string) change.Reason {
	place, err := b.slack.directory.Place(ctx, channel)
	switch {
	case errors.Is(err, change.ErrNotInvited):
		return change.Reason{Code: change.NotInvited}
	case err != nil:
		return change.Reason{Code: change.PlaceUnknown}
	case place.Direct:
		return change.Reason{Code: change.NotInDirect}
	case place.External:
		return change.Reason{Code: change.SharedChannel}
	case !b.policy().Takes(channel):
		return change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseChannel, Who: b.policy().Channels()}}
	default:
		return change.Reason{}
	}
}

// list shows models, by a glob in which * stands for any letters.
func (b *Bot) list(ctx context.Context, glob string) (view.Message, error) {
	models, err := b.names.Models(ctx)
	if err != nil {
		return view.Message{}, &change.Refused{Reason: change.NameProblem(err)}
	}
	list := view.Models{All: models, Glob: glob, Last: b.names.Last, Now: b.cfg.Now()}
	if b.names.Stale() {
		list.Age = b.names.Age()
	}
	if glob != "" {
		list.Near = b.near(strings.ReplaceAll(glob, "*", ""))
	}
	return view.List(list), nil
}

// near are names that a word may have been meant for: as a whole, or one of their parts.
func (b *Bot) near(word string) []string {
	var out []string
	for _, found := range b.names.Search(word, mostNear) {
		out = append(out, found.Spelled)
	}
	if out != nil {
		return out
	}
	var parts []string
	of := make(map[string][]string)
	for _, m := range b.names.Search("", mostKnown) {
		for _, part := range strings.FieldsFunc(m.Name, func(r rune) bool { return strings.ContainsRune("-_./ ", r) }) {
			parts, of[part] = append(parts, part), append(of[part], m.Spelled)
		}
	}
	for _, part := range baseten.Closest(word, parts, mostNear) {
		out = append(out, of[part]...)
	}
	return out[:min(len(out), mostNear)]
}

// mostNear is how many names are offered in place of one that was not found.
const mostNear = 3

// status shows a model's environments and deployments, or one of them.
func (b *Bot) status(ctx context.Context, from asker, cmd commands.Command) (view.Message, error) {
	cmd = b.modelFirst(cmd)
	st, err := b.changes.Status(ctx, from.person, cmd.Model.Word)
	if err != nil {
		return view.Message{}, err
	}
	var only *baseten.Resolved
	if !cmd.Target.IsZero() {
		found, err := st.Targets.Resolve(cmd.Target.Kind, cmd.Target.Word)
		if err != nil {
			return view.Message{}, &change.Refused{Reason: change.NameProblem(err)}
		}
		only = &found
	}
	return view.Status(st, only, b.cfg.Now()), nil
}

// modelFirst reads llama-70b/production, and production llama-70b, as llama-70b production,
// where only that names a model. A read does no harm.
func (b *Bot) modelFirst(cmd commands.Command) commands.Command {
	if _, known := b.names.Named(cmd.Model.Word); known || cmd.Model.Kind != "" {
		return cmd
	}
	before, after, slashed := strings.Cut(cmd.Model.Word, "/")
	if _, known := b.names.Named(before); known && slashed && cmd.Target.IsZero() {
		cmd.Model.Word, cmd.Target.Word = before, after
	} else if _, known := b.names.Named(cmd.Target.Word); known && cmd.Target.Kind == "" {
		cmd.Model.Word, cmd.Target.Word = cmd.Target.Word, cmd.Model.Word
	}
	return cmd
}
