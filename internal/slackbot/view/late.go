package view

// LateMention answers a mention that arrived too late to be acted on. command is what
// it asked for.
func LateMention(command string) Message {
	var d draft
	d.lines(say("That was typed more than a minute ago and reached me only now. Nothing was changed. To ask again: ", code(atBot+" "+oneLine(command))))
	return d.message()
}
