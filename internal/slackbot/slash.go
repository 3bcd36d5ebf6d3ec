package slackbot

import (
	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// slash serves a slash command.
func (b *Bot) slash(d *delivery, c slack.SlashCommand) {
	from := asker{
		delivery: change.Delivery{Key: d.id},
		person:   authz.Person{ID: c.UserID, Name: c.UserName},
		channel:  c.ChannelID, url: c.ResponseURL,
	}
	switch c.ChannelName {
	case "directmessage", "privategroup": // what Slack says in place of a name
	default:
		from.channelName = c.ChannelName
	}
	if b.admit(d, from, "slash", nil) {
		b.command(d, from, c.Text)
	}
}
