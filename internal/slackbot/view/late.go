package view

import (
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// LateMention answers a mention that arrived too late to be acted on. command is what
// it asked for.
func LateMention(command string) Message {
	var d draft
	d.lines(say(wordings[change.TooOld].body(telling{}), " Nothing was changed. To ask again: ", code(atBot+" "+oneLine(command))))
	return d.message()
}

// PressedBefore answers a press of [Do That] that was taken once already.
func PressedBefore(command string, inThread bool) Message {
	var d draft
	d.lines(say("That was taken when you pressed it first. To ask once more: ", code(hereTyped(commands.Slash+" "+oneLine(command), inThread))))
	return d.message()
}
