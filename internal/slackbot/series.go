package slackbot

import (
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// CommandNames are the commands that Watch.Command is told of: those that can be typed,
// what buttons and forms do, and what is no command.
func CommandNames() []string {
	out := []string{"mistake", "mention", "home"}
	for _, c := range commands.All() {
		out = append(out, string(c.Name))
	}
	for _, v := range change.Verbs() {
		out = append(out, string(v))
	}
	return out
}

// CommandOutcomes are what may come of a command.
func CommandOutcomes() []string {
	return []string{"recorded", "read", "form", "refused", "misunderstood", "repeated", "limited", "late", "unrecorded"}
}

// Methods are the calls that Watch.Called is told of.
func Methods() []string {
	return []string{
		"auth.test", "bots.info", "chat.getPermalink", "chat.postEphemeral", "chat.postMessage", "chat.update",
		"conversations.info", "conversations.members", "response_url", "usergroups.list", "usergroups.users.list",
		"users.info", "views.open", "views.publish", "views.update",
	}
}

// Results are the ways in which a call ends most often. Slack has many more words for
// what went wrong.
func Results() []string {
	return []string{"ok", "ratelimited", "timeout", "no_answer", "http_500", "http_503", "internal_error"}
}
