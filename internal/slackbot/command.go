package slackbot

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
	"autoscalebot/internal/slackbot/view"
)

// command parses a text and serves it. What changes something is recorded before it
// is acknowledged; everything else is acknowledged at once.
func (b *Bot) command(d *delivery, from asker, text string) {
	cmd, err := commands.Parse(text)
	var mistake *commands.Mistake
	if errors.As(err, &mistake) {
		b.cfg.Watch.command("mistake", "misunderstood")
		b.cfg.Log.Info("command not understood", fields(d, from)...)
		d.read(from.delivery.Key, func(ctx context.Context) {
			b.answer(ctx, from, view.MistakeAbout(mistake, from.thread != "", b.linkOf(ctx, from, mistake.Request)))
		})
		return
	}
	name := string(cmd.Name)
	switch {
	case cmd.Name == commands.NameChange && !cmd.DryRun:
		b.record(d, from, name, func(ctx context.Context, in change.Submission) (*change.Request, error) {
			in.Ask = askOf(cmd)
			return b.changes.Submit(ctx, in)
		})
	case cmd.Name == commands.NameUndo:
		b.record(d, from, name, func(ctx context.Context, in change.Submission) (*change.Request, error) {
			in.Ask.Reason = cmd.Reason
			return b.changes.Undo(ctx, in, change.ID(cmd.ID))
		})
	case cmd.Name == commands.NameExtend:
		b.record(d, from, name, func(ctx context.Context, in change.Submission) (*change.Request, error) {
			in.Ask.Reason = cmd.Reason
			return b.changes.Extend(ctx, in, change.ID(cmd.ID), cmd.For)
		})
	case cmd.Name == commands.NameKeep:
		b.record(d, from, name, func(ctx context.Context, in change.Submission) (*change.Request, error) {
			in.Ask.Reason = cmd.Reason
			return b.changes.Keep(ctx, in, change.ID(cmd.ID))
		})
	case cmd.Name == commands.NameFreeze:
		b.record(d, from, name, func(ctx context.Context, in change.Submission) (*change.Request, error) {
			in.Ask = askOf(cmd)
			return b.changes.Freeze(ctx, in)
		})
	case cmd.Name == commands.NameCancel:
		b.actTyped(d, from, change.VerbCancel, cmd.ID, view.Canceled)
	case cmd.Name == commands.NameThaw:
		b.actTyped(d, from, change.VerbThaw, cmd.ID, view.Thawed)
	default:
		b.cfg.Watch.command(name, "read")
		b.cfg.Log.Info("command received", append(fields(d, from), zap.String("command", name))...)
		d.read(from.delivery.Key, func(ctx context.Context) { b.read(ctx, from, cmd) })
	}
}

// actTyped has something done to a request that a command names, and says that it was.
func (b *Bot) actTyped(d *delivery, from asker, verb change.Verb, id string, done func(change.ID) view.Message) {
	act := change.Act{Delivery: from.delivery, Person: from.person, ID: change.ID(id), Verb: verb, Message: change.MessageRef{Channel: from.channel}}
	if b.act(d, from, act) {
		b.loop.later(func(ctx context.Context) { b.answer(ctx, from, done(act.ID)) })
	}
}

// linkOf is the address of the card of a request that somebody named, "" where there is
// none or they may not see it.
func (b *Bot) linkOf(ctx context.Context, from asker, id string) string {
	if id == "" || b.changes.MayRead(ctx, &from.person) != nil {
		return ""
	}
	return b.changes.LinkOf(ctx, from.person, change.ID(id))
}

// fields are what each line about a command says.
func fields(d *delivery, from asker) []zap.Field {
	return []zap.Field{zap.String("envelope", d.id), zap.String("user", from.person.ID), zap.String("channel", from.channel)}
}

// askOf is what a parsed command asks for.
func askOf(c commands.Command) change.Ask {
	return change.Ask{
		Text: c.String(), Model: c.Model.Word, Target: c.Target.Word, TargetKind: c.Target.Kind,
		Settings: c.Settings, Reason: c.Reason, BreakGlass: c.BreakGlass, For: c.For, Clock: c.Until.String(),
	}
}

// record has a new request recorded, acknowledges it, and only then begins to work
// on it. It reports whether it was recorded.
func (b *Bot) record(d *delivery, from asker, name string, submit func(context.Context, change.Submission) (*change.Request, error)) bool {
	r, err := submit(d.ctx, b.submission(from))
	if err == nil {
		b.cfg.Log.Debug("command recorded", append(fields(d, from), zap.String("command", name), zap.String("request", string(r.ID)))...)
		d.acknowledge()
		b.cfg.Watch.command(name, "recorded")
		b.changes.Start(r.ID)
		return true
	}
	b.notDone(d, from, name, err)
	return false
}

// act has something done to a request, acknowledges it, and only then begins to
// work on it. It reports whether it was done.
func (b *Bot) act(d *delivery, from asker, a change.Act) bool {
	err := b.changes.Do(d.ctx, a)
	if err != nil {
		b.notDone(d, from, string(a.Verb), err)
		return false
	}
	b.cfg.Log.Debug("act recorded", append(fields(d, from), zap.String("verb", string(a.Verb)), zap.String("request", string(a.ID)))...)
	d.acknowledge()
	b.cfg.Watch.command(string(a.Verb), "recorded")
	b.changes.Start(a.ID)
	return true
}

// notDone sees to a command or click that was not carried out: one that came twice is
// acknowledged, one that was refused is answered too, and one that could not be
// recorded is neither, so that Slack tells the person that it failed.
func (b *Bot) notDone(d *delivery, from asker, name string, err error) {
	var no *change.Refused
	switch {
	case errors.Is(err, change.ErrDelivered):
		d.acknowledge()
		b.cfg.Watch.command(name, "repeated")
		if from.button != "" {
			b.loop.later(func(ctx context.Context) { b.answer(ctx, from, view.PressedBefore(from.button, from.thread != "")) })
		}
	case errors.As(err, &no):
		b.refused(from)
		d.acknowledge()
		b.cfg.Watch.command(name, "refused")
		b.cfg.Log.Info("command refused", append(fields(d, from), zap.String("command", name), zap.String("code", string(no.Reason.Code)))...)
		b.loop.later(func(ctx context.Context) { b.answer(ctx, from, view.Refused(no, from.person.ID)) })
	default:
		b.unrecorded(d, from, name, err)
	}
}

func (b *Bot) unrecorded(d *delivery, from asker, name string, err error) {
	call(b.cfg.Watch.Unrecorded)
	b.cfg.Watch.command(name, "unrecorded")
	b.cfg.Log.Error("not recorded, so not acknowledged", append(fields(d, from), zap.String("command", name), zap.Error(err))...)
}
