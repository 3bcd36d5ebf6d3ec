package slackbot

import (
	"github.com/slack-go/slack/slackevents"
	"go.uber.org/zap"
)

// event serves what the Events API sends. Slack sends an event again, under the
// same event ID, until it is acknowledged. What is forgotten here would be forgotten
// some seconds later anyway: an event may be lost, or go to another process.
func (b *Bot) event(d *delivery, outer slackevents.EventsAPIEvent) {
	switch e := outer.InnerEvent.Data.(type) {
	case *slackevents.AppMentionEvent:
		b.mention(d, eventID(d, outer), e)
		return
	case *slackevents.AppHomeOpenedEvent:
		b.homeOpened(d, eventID(d, outer), e)
		return
	case *slackevents.SubteamMembersChangedEvent:
		b.slack.directory.groups.forget(allGroups)
	case *slackevents.UserChangeEvent:
		b.slack.directory.people.forget(e.User.ID)
	case *slackevents.TokensRevokedEvent:
		b.cfg.Log.Error("slack says that tokens of this app were revoked: SLACK_BOT_TOKEN has to be replaced")
	case *slackevents.AppUninstalledEvent:
		b.cfg.Log.Error("slack says that the app was uninstalled from the workspace")
	default:
		b.cfg.Log.Debug("event not used", zap.String("type", outer.InnerEvent.Type))
	}
	d.acknowledge()
}

// eventID is what stays the same when Slack sends an event again.
func eventID(d *delivery, outer slackevents.EventsAPIEvent) string {
	if callback, ok := outer.Data.(*slackevents.EventsAPICallbackEvent); ok && callback.EventID != "" {
		return callback.EventID
	}
	return d.id
}
