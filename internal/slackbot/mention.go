package slackbot

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack/slackevents"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
	"autoscalebot/internal/slackbot/view"
)

// lateAfter is the age from which a mention changes nothing. Slack sends events again
// for minutes, and after an outage for hours: whoever typed it has moved on.
const lateAfter = time.Minute

// mention serves an app mention: the same commands, for threads, where Slack takes
// no slash commands. Bots and workflows are not listened to, nor edited messages.
func (b *Bot) mention(d *delivery, eventID string, e *slackevents.AppMentionEvent) {
	if e.BotID != "" || e.User == "" || e.User == b.self.UserID || e.Edited != nil {
		d.acknowledge()
		return
	}
	from := asker{
		delivery: change.Delivery{Key: eventID, Envelope: d.id},
		person:   authz.Person{ID: e.User},
		channel:  e.Channel, thread: e.ThreadTimeStamp,
	}
	if from.thread == "" {
		from.thread = e.TimeStamp
	}
	if !b.admit(d, from, "mention", nil) {
		return
	}
	text, ok := commands.FromMention(e.Text, b.self.UserID)
	switch {
	case !ok:
		d.read(eventID, func(ctx context.Context) { b.answer(ctx, from, view.NotAddressed()) })
	case b.late(e.TimeStamp) && changes(text):
		b.cfg.Watch.command("mention", "late")
		d.read(eventID, func(ctx context.Context) {
			b.answer(ctx, from, view.LateMention(text))
			b.note(ctx, from, "mention", change.Reason{Code: change.TooOld})
		})
	default:
		b.command(d, from, text)
	}
}

// late reports whether a message is too old to be acted on. Its ts says when it was
// typed; when it arrived says nothing. One that cannot be read is late.
func (b *Bot) late(ts string) bool {
	seconds, _, _ := strings.Cut(ts, ".")
	typed, err := strconv.ParseInt(seconds, 10, 64)
	return err != nil || b.cfg.Now().Sub(time.Unix(typed, 0)) > lateAfter
}

// changes reports whether a text is a command that changes something.
func changes(text string) bool {
	c, err := commands.Parse(text)
	if err != nil || c.DryRun {
		return false
	}
	for _, spec := range commands.All() {
		if spec.Name == c.Name {
			return spec.Changes
		}
	}
	return true
}
