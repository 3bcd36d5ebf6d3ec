package view

import (
	"autoscalebot/internal/authz"
	"autoscalebot/internal/commands"
)

// Help explains a command, a setting or an option; "" gives the overview. What can be
// typed stands in a fixed-width font.
func Help(topic string) Message {
	var d draft
	var lines []prose
	for _, l := range commands.HelpLines(topic) {
		line := say(l.Before)
		switch {
		case l.Command:
			line = say(line, code(slash+" "+l.Typed))
		case l.Typed != "":
			line = say(line, code(l.Typed))
		}
		lines = append(lines, join("", line, say(l.After)))
	}
	d.lines(lines...)
	return d.message()
}

// Self is what the bot knows of whoever asks.
type Self struct {
	User, Channel string
	// Membership is Unknown where Slack could not be asked; then nothing is known of
	// groups and rules.
	Membership    authz.Membership
	Groups, Rules []string
}

// WhoAmI tells somebody what the bot knows of them: what they need to ask for a
// permission.
func WhoAmI(me Self) Message {
	var d draft
	lines := []prose{
		say("You: ", code(me.User), ", "+membershipWord(me.Membership)),
		say("This channel: ", code(me.Channel)),
	}
	if me.Membership != authz.Unknown && me.Membership != "" {
		lines = append(lines,
			say("Groups: "+joined(", ", lined(me.Groups), "none")),
			say("Rules that name you: "+joined(", ", lined(me.Rules), "none")))
	}
	d.lines(lines...)
	return d.message()
}

func lined(words []string) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, oneLine(w))
	}
	return out
}

func membershipWord(m authz.Membership) string {
	switch m {
	case authz.Member:
		return "a full member of this workspace"
	case authz.Guest:
		return "a guest in this workspace"
	case authz.Bot:
		return "a bot or workflow"
	case authz.Foreign:
		return "of another organisation"
	case authz.Deactivated:
		return "a deactivated account"
	case authz.Unknown:
	}
	return "and Slack did not say more"
}
