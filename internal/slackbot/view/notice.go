package view

import "autoscalebot/internal/change"

// Plain shows a text as it is, an alarm for example. Nothing in it is alive.
func Plain(text string) Message {
	var d draft
	d.lines(say(text))
	return d.message()
}

// Canceled answers a typed cancel.
func Canceled(id change.ID) Message { return Plain(id.String() + " is canceled.") }

// Thawed answers a thaw that was typed.
func Thawed(id change.ID) Message { return Plain("The freeze " + id.String() + " is over.") }

// Pressed answers a button that stands in a private answer or on a page.
func Pressed(verb change.Verb, id change.ID) Message {
	const thread = ". Its thread says what comes of it."
	switch verb {
	case change.VerbReview:
		return Plain("You signed the review of " + id.String() + ".")
	case change.VerbThaw:
		return Thawed(id)
	case change.VerbExtend:
		return Plain("You asked for 1 h more of " + id.String() + thread)
	case change.VerbKeep:
		return Plain("You asked to keep " + id.String() + " for good" + thread)
	case change.VerbEnd:
		return Plain("You asked to end " + id.String() + " now" + thread)
	default:
		return Plain("You approved " + id.String() + thread)
	}
}

// FormNotOpened answers a button whose form Slack did not open.
func FormNotOpened() Message {
	return Plain("Slack did not open the form. Please try again.")
}

// FormNotFilled tells somebody whose form stays as it is.
func FormNotFilled() Message {
	var d draft
	d.lines(say("Slack did not show what follows in the form. Close it and open it again, or type the line, for example: ", code("/autoscale llama-70b production max=7"), ". Nothing was changed."))
	return d.message()
}

// NotAddressed answers a mention in the middle of a message.
func NotAddressed() Message {
	var d draft
	d.lines(say("I listen where a message begins with my name, for example: ", code(atBot+" llama-70b production max=7"), ". Nothing was changed."))
	return d.message()
}

// UnknownCommand answers a command of a newer version.
func UnknownCommand() Message {
	var d draft
	d.lines(say("I do not know that command. ", code(slash+" help"), " lists those that I know."))
	return d.message()
}

// Reading is a sign that a command is being looked at, where that takes its time.
func Reading(command string) Message {
	var d draft
	d.lines(say("⏳ Reading, it takes longer than usual: ", code(slash+" "+oneLine(command))))
	return d.message()
}
