package slackbot

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

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
		return b.status(ctx, cmd)
	case commands.NameList:
		return b.list(ctx, cmd.Glob)
	case commands.NamePending:
		waiting, err := b.changes.Waiting(ctx)
		return view.Pending(waiting), err
	case commands.NameReviews:
		open, err := b.changes.Reviews(ctx)
		return view.Reviews(open), err
	case commands.NameHistory:
		past, err := b.changes.Past(ctx, cmd.Model.Word, cmd.Target.Kind, cmd.Target.Word)
		return view.History(past), err
	case commands.NameCan, commands.NameChange: // the latter with dry-run
		in := b.submission(from)
		in.Ask = askOf(cmd)
		p := b.changes.Preview(ctx, in)
		if cmd.Name != commands.NameCan {
			p.Explanation.Steps = nil
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
	policy := b.policy()
	me.Membership = person.Membership
	me.Groups, me.Rules = policy.GroupsOf(person, people), policy.Mentions(person, people)
	return view.WhoAmI(me)
}

// list shows models, by a glob in which * stands for any letters.
func (b *Bot) list(ctx context.Context, glob string) (view.Message, error) {
	models, err := b.names.Models(ctx)
	if err != nil {
		return view.Message{}, &change.Refused{Reason: change.NameProblem(err)}
	}
	var age time.Duration
	if b.names.Stale() {
		age = b.names.Age()
	}
	return view.List(models, glob, age), nil
}

// status shows a model's environments and deployments, or one of them.
func (b *Bot) status(ctx context.Context, cmd commands.Command) (view.Message, error) {
	st, err := b.changes.Status(ctx, cmd.Model.Word)
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
	return view.Status(st.Model, st.Targets, only, st.Pending, st.Last, b.cfg.Now()), nil
}
