package slackbot

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// read answers a command that changes nothing, to the person who typed it alone.
func (b *Bot) read(ctx context.Context, a asked, cmd commands.Command) {
	if cmd.Name == commands.NameHelp {
		b.reply(ctx, a, helpMessage(commands.Help(cmd.Topic)))
		return
	}
	if cmd.Name == commands.NameWhoami {
		b.reply(ctx, a, b.whoami(ctx, a))
		return
	}
	if why, ok := b.changes.MayRead(ctx, a.person.ID); !ok {
		b.outcome(string(cmd.Name), "refused")
		b.cfg.Log.Info("read refused", zap.String("user", a.person.ID), zap.String("command", string(cmd.Name)))
		b.reply(ctx, a, plainMessage(why))
		return
	}
	var m message
	var err error
	switch cmd.Name {
	case commands.NameStatus:
		m, err = b.status(ctx, cmd)
	case commands.NameList:
		m, err = b.list(ctx, cmd.Glob)
	case commands.NamePending:
		m, err = b.pending(ctx)
	case commands.NameHistory:
		m, err = b.history(ctx, cmd)
	case commands.NameCan, commands.NameChange:
		m = b.preview(ctx, a, cmd)
	default:
		m = plainMessage("I do not know that command. /autoscale help lists them.")
	}
	var no *change.Refused
	switch {
	case errors.As(err, &no):
		m = plainMessage(no.Text)
	case err != nil:
		b.cfg.Log.Error("answer a command", zap.String("command", string(cmd.Name)), zap.Error(err))
		m = plainMessage("failed: something went wrong here. Please try again; if it stays, tell whoever runs the bot.")
	}
	b.reply(ctx, a, m)
}

// preview tells what a change would do (dry-run), or what the policy would decide
// (can).
func (b *Bot) preview(ctx context.Context, a asked, cmd commands.Command) message {
	p := b.changes.Preview(ctx, change.Submission{Requester: a.person, Channel: a.channel, Thread: a.thread, Ask: askOf(cmd)})
	return previewMessage(p, cmd.Name == commands.NameCan)
}

// whoami tells a person what the bot knows of them. It answers everybody, since
// this is what somebody who is not allowed needs to ask for permission.
func (b *Bot) whoami(ctx context.Context, a asked) message {
	me := self{user: a.person.ID, channel: a.channel, standing: "Slack did not say"}
	if person, people, err := b.changes.Who(ctx, a.person.ID); err == nil {
		policy := b.policy()
		me.standing, me.known = string(person.Standing), true
		me.groups, me.rules = policy.GroupsOf(person, people), policy.Mentions(person, people)
	}
	return whoamiMessage(me)
}

// list shows models, by a glob in which * stands for any letters.
func (b *Bot) list(ctx context.Context, glob string) (message, error) {
	models, err := b.names.Models(ctx)
	if err != nil {
		return message{}, &change.Refused{Text: "failed: Baseten does not answer, so I cannot list the models. Please try again in a minute."}
	}
	stale := ""
	if b.names.Stale() {
		stale = fmt.Sprintf("Baseten does not answer; this is from %d min ago.", int(b.names.Age().Minutes()))
	}
	return modelsMessage(models, glob, stale), nil
}

// status shows a model's environments and deployments, or one of them.
func (b *Bot) status(ctx context.Context, cmd commands.Command) (message, error) {
	st, err := b.changes.Status(ctx, cmd.Model.Word)
	if err != nil {
		return message{}, err
	}
	if cmd.Target.IsZero() {
		return statusMessage(st, nil), nil
	}
	found, err := st.Targets.Resolve(cmd.Target.Kind, cmd.Target.Word)
	if err != nil {
		return message{}, &change.Refused{Text: change.NameProblem(err)}
	}
	return statusMessage(st, &found), nil
}

// pending lists what waits for people.
func (b *Bot) pending(ctx context.Context) (message, error) {
	waiting, err := b.changes.Waiting(ctx)
	if err != nil {
		return message{}, err
	}
	return pendingMessage(waiting), nil
}

// history lists past requests.
func (b *Bot) history(ctx context.Context, cmd commands.Command) (message, error) {
	past, err := b.changes.Past(ctx, cmd.Model.Word, cmd.Target.Kind, cmd.Target.Word)
	if err != nil {
		return message{}, err
	}
	return historyMessage(past), nil
}
