package slackbot

import (
	"context"
	"errors"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"go.uber.org/zap"

	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// asked is a command, wherever it was typed.
type asked struct {
	delivery change.Delivery
	person   change.Person
	channel  string
	// thread is the root of the thread that a mention stood in, "" for a slash
	// command.
	thread string
	// answer tells the person alone.
	answer func(ctx context.Context, m message) error
}

// slash serves a slash command.
func (b *Bot) slash(d *delivery, c slack.SlashCommand) {
	url := c.ResponseURL
	b.command(d, asked{
		delivery: change.Delivery{Key: d.id, At: d.received},
		person:   change.Person{ID: c.UserID, Name: c.UserName},
		channel:  c.ChannelID,
		answer: func(ctx context.Context, m message) error {
			err := b.responses.post(ctx, url, m)
			if err == nil {
				return nil
			}
			b.cfg.Log.Warn("answer a command", zap.Error(err))
			return b.whisper(ctx, c.ChannelID, "", c.UserID, m)
		},
	}, c.Text)
}

// mention serves an app mention: the same commands, for threads, where Slack takes
// no slash commands. Bots and workflows are not listened to.
func (b *Bot) mention(d *delivery, eventID string, e *slackevents.AppMentionEvent) {
	text, ok := commands.FromMention(e.Text, b.self.UserID)
	if e.BotID != "" || e.User == "" || e.User == b.self.UserID || e.Edited != nil {
		d.acknowledge()
		return
	}
	thread := e.ThreadTimeStamp
	if thread == "" {
		thread = e.TimeStamp
	}
	a := asked{
		delivery: change.Delivery{Key: eventID, At: d.received},
		person:   change.Person{ID: e.User},
		channel:  e.Channel,
		thread:   thread,
		answer: func(ctx context.Context, m message) error {
			return b.whisper(ctx, e.Channel, thread, e.User, m)
		},
	}
	if !ok {
		d.read(eventID, func(ctx context.Context) {
			b.reply(ctx, a, plainMessage("I listen where a message begins with my name, for example: @autoscale llama-70b production max=7. Nothing was changed."))
		})
		return
	}
	b.command(d, a, text)
}

// whisper tells one person something where the short way does not exist or failed.
func (b *Bot) whisper(ctx context.Context, channel, thread, user string, m message) error {
	return b.slack.api.with(ctx, func(ctx context.Context, c *slack.Client) error {
		_, err := c.PostEphemeralContext(ctx, channel, user, m.options(thread)...)
		return err
	})
}

// command parses a text and serves it. What changes something is recorded before it
// is acknowledged; everything else is acknowledged at once.
func (b *Bot) command(d *delivery, a asked, text string) {
	cmd, err := commands.Parse(text)
	var mistake *commands.Mistake
	if errors.As(err, &mistake) {
		b.outcome("mistake", "misunderstood")
		b.cfg.Log.Info("command not understood", zap.String("user", a.person.ID), zap.String("channel", a.channel))
		d.read(a.delivery.Key, func(ctx context.Context) { b.reply(ctx, a, plainMessage(mistake.Text)) })
		return
	}
	switch {
	case cmd.Name == commands.NameChange && !cmd.DryRun:
		b.record(d, a, string(cmd.Name), func(ctx context.Context, in change.Submission) (*change.Request, error) {
			in.Ask = askOf(cmd)
			return b.changes.Submit(ctx, in)
		})
	case cmd.Name == commands.NameUndo:
		b.record(d, a, string(cmd.Name), func(ctx context.Context, in change.Submission) (*change.Request, error) {
			in.Ask.Reason = cmd.Reason
			return b.changes.Undo(ctx, in, change.ID(cmd.ID))
		})
	case cmd.Name == commands.NameCancel:
		b.act(d, change.Act{Delivery: a.delivery, Person: a.person, ID: change.ID(cmd.ID), Verb: change.VerbCancel}, a.answer)
	default:
		b.outcome(string(cmd.Name), "read")
		d.read(a.delivery.Key, func(ctx context.Context) { b.read(ctx, a, cmd) })
	}
}

// askOf is what a parsed command asks for.
func askOf(c commands.Command) change.Ask {
	return change.Ask{
		Text: c.String(), Model: c.Model.Word, Target: c.Target.Word, TargetKind: c.Target.Kind,
		Settings: c.Settings, Reason: c.Reason, BreakGlass: c.BreakGlass,
	}
}

// record has a new request recorded, acknowledges it, and only then begins to work
// on it.
func (b *Bot) record(d *delivery, a asked, name string, submit func(context.Context, change.Submission) (*change.Request, error)) {
	r, err := submit(d.ctx, change.Submission{
		Delivery: a.delivery, Requester: a.person, Channel: a.channel, Thread: a.thread,
		Answer: func(ctx context.Context, text string) error { return a.answer(ctx, plainMessage(text)) },
	})
	var no *change.Refused
	switch {
	case err == nil:
		d.acknowledge()
		b.outcome(name, "recorded")
		b.changes.Start(r.ID)
	case errors.Is(err, change.ErrDelivered):
		d.acknowledge()
		b.outcome(name, "repeated")
	case errors.As(err, &no):
		b.outcome(name, "refused")
		d.read(a.delivery.Key, func(ctx context.Context) { b.reply(ctx, a, plainMessage(no.Text)) })
	default:
		b.unrecorded(d, name, err)
	}
}

// act has something done to a request, acknowledges it, and only then begins to
// work on it.
func (b *Bot) act(d *delivery, a change.Act, answer func(context.Context, message) error) bool {
	err := b.changes.Do(d.ctx, a)
	var no *change.Refused
	switch {
	case err == nil:
		d.acknowledge()
		b.outcome(string(a.Verb), "recorded")
		b.changes.Start(a.ID)
		if a.Verb == change.VerbCancel && a.Message.TS == "" {
			b.background(func(ctx context.Context) { b.told(ctx, answer, plainMessage(a.ID.String()+" is canceled.")) })
		}
		return true
	case errors.Is(err, change.ErrDelivered):
		d.acknowledge()
		b.outcome(string(a.Verb), "repeated")
	case errors.As(err, &no):
		d.acknowledge()
		b.outcome(string(a.Verb), "refused")
		b.background(func(ctx context.Context) { b.told(ctx, answer, plainMessage(no.Text)) })
	default:
		b.unrecorded(d, string(a.Verb), err)
	}
	return false
}

// unrecorded leaves what could not be recorded without acknowledgement: Slack tells
// the person that it failed.
func (b *Bot) unrecorded(d *delivery, name string, err error) {
	call(b.cfg.Watch.LateAck)
	b.outcome(name, "unrecorded")
	b.cfg.Log.Error("not recorded, so not acknowledged", zap.String("envelope", d.id), zap.String("command", name), zap.Error(err))
}

func (b *Bot) reply(ctx context.Context, a asked, m message) { b.told(ctx, a.answer, m) }

func (b *Bot) told(ctx context.Context, answer func(context.Context, message) error, m message) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := answer(ctx, m); err != nil {
		b.cfg.Log.Error("a person could not be answered", zap.Error(err))
	}
}

func (b *Bot) outcome(command, outcome string) {
	if b.cfg.Watch.Command != nil {
		b.cfg.Watch.Command(command, outcome)
	}
}
