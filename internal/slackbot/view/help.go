package view

import "autoscalebot/internal/commands"

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
