package slackbot

import (
	"github.com/slack-go/slack/slackevents"
	"go.uber.org/zap"
)

// event serves what the Events API sends. Slack sends an event again, under the
// same event ID, until it is acknowledged.
func (b *Bot) event(d *delivery, outer slackevents.EventsAPIEvent) {
	id := d.id
	if callback, ok := outer.Data.(*slackevents.EventsAPICallbackEvent); ok && callback.EventID != "" {
		id = callback.EventID
	}
	switch e := outer.InnerEvent.Data.(type) {
	case *slackevents.AppMentionEvent:
		b.mention(d, id, e)
		return
	case *slackevents.SubteamMembersChangedEvent:
		b.slack.directory.forgetGroup(e.SubteamID)
	case *slackevents.UserChangeEvent:
		b.slack.directory.forgetPerson(e.User.ID)
	case *slackevents.TokensRevokedEvent:
		b.cfg.Log.Error("slack says that tokens of this app were revoked: SLACK_BOT_TOKEN has to be replaced")
	case *slackevents.AppUninstalledEvent:
		b.cfg.Log.Error("slack says that the app was uninstalled from the workspace")
	default:
		b.cfg.Log.Debug("event not used", zap.String("type", outer.InnerEvent.Type))
	}
	d.acknowledge()
}
