package view

import "autoscalebot/internal/change"

// LateMention answers a mention that arrived too late to be acted on. command is what
// it asked for.
func LateMention(command string) Message {
	var d draft
	d.lines(say(wordings[change.TooOld].body(telling{}), " Nothing was changed. To ask again: ", code(atBot+" "+oneLine(command))))
	return d.message()
}
