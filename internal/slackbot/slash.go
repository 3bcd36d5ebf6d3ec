package slackbot

import (
	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// slash serves a slash command. One that asks for nothing yet opens the form.
func (b *Bot) slash(d *delivery, c slack.SlashCommand) {
	from := asker{
		delivery: change.Delivery{Key: d.id, Envelope: d.id},
		person:   authz.Person{ID: c.UserID, Name: c.UserName},
		channel:  c.ChannelID, url: c.ResponseURL,
	}
	switch c.ChannelName {
	case "directmessage", "privategroup": // what Slack says in place of a name
	default:
		from.channelName = c.ChannelName
	}
	if b.admit(d, from, "slash", nil) && !b.formOf(d, from, c.TriggerID, c.Text) {
		b.command(d, from, c.Text)
	}
}
