package view

import (
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// reply is the one reply that tells how a request ended, with Baseten's status and
// message unchanged. Good news that is learned later is added by editing it. It
// begins with a mention of the requester, which is their notification, unless they
// pressed or typed something a moment ago and all went well; and mentions nobody else:
// who acted knows, and the card names them.
func reply(r *change.Request) Message {
	if r.Kind == change.KindFreeze {
		return freezeOver(r)
	}
	var d draft
	text := say(ends(r), told(r).quiet())
	var requester prose
	if !watches(r) {
		requester = say(user(called(r)), " ")
	}
	if r.Kind == change.KindRevert { // the text says what goes back
		d.speak(say(requester, bold(title(r.Target)), ". ", text))
	} else {
		d.speak(say(requester, wish(r), ". ", text))
	}
	more := endNotes(r)
	if r.Holds() && r.Term.AskAt.IsZero() {
		more = []prose{term(r)}
	}
	d.speak(more...)
	d.show(append([]prose{say(requester, text)}, more...)...)
	d.rest(r)
	d.nextSteps(r)
	if asPlanned(r) || called(r) != r.Requester.ID { // who acted knows
		d.identifiersQuietly(r)
	} else {
		d.identifiers(r)
	}
	return d.message()
}

// watches tells that the requester asked or confirmed a moment ago, needed nobody, and
// has got what they asked for.
func watches(r *change.Request) bool {
	const moment = time.Minute
	if asPlanned(r) {
		return true
	}
	if called(r) != r.Requester.ID {
		return false
	}
	return r.State == change.Applied && len(r.Votes) == 0 && r.EndedAt.Sub(r.OwedSince) < moment
}

// nextSteps are the buttons of what can be done after an end.
func (d *draft) nextSteps(r *change.Request) {
	what := title(r.Target)
	var set []slack.BlockElement
	switch {
	case r.Kind == change.KindRevert && r.State.Ended() && r.State != change.Applied:
		if !slices.Contains(lastEnds, r.Reason.Code) {
			set = append(set, button(ActionEnd, "Revert Now", r.Origin.ID, what))
		}
	case askable(r) && r.Reason.Code == change.UntilPassed:
		set = append(set, changeButton(r)) // the form asks for another time
	case askable(r):
		set = append(set, button(ActionAskAgain, "Ask Again", r.ID, what))
	}
	if r.Holds() {
		set = append(set, termButtons(r)...)
	} else if undoable(r) {
		back := r.Snapshot.Settings.Only(r.Ask.Settings)
		set = append(set, confirming(button(ActionUndo, "Undo Change", r.ID, what),
			"Undo this change?", "This asks for "+inWords(back)+" again, in your name.", "Undo Change"))
	}
	if r.Sends > 0 {
		set = append(set, button(ActionStatus, "Show Status", r.ID, what))
	}
	if set != nil {
		d.buttons(set...)
	}
}

// end shows in full how a request ended.
func (d *draft) end(r *change.Request) {
	d.lines(told(r))
	d.rest(r)
}

// rest shows what belongs to an end beside its sentence: Baseten's message where it
// has several lines, the call to make by hand, and what became of it since.
func (d *draft) rest(r *change.Request) {
	d.quote(quoted(r))
	d.byHand(r.Reason.Call)
	d.lines(outcome(r))
	if r.AskedAgainBy != "" {
		d.lines(say("Asked again: " + r.AskedAgainBy.String() + "."))
	}
	if r.UndoneBy != "" {
		d.lines(say("Undone by " + r.UndoneBy.String() + "."))
	}
}

// byHand shows the call that makes a change without the bot.
func (d *draft) byHand(call string) {
	if call != "" {
		d.lines(say("To make the change by hand:"))
		d.copyable(call)
	}
}

// quoted is a message of Baseten's of several lines, of which none may pass for one
// of ours.
func quoted(r *change.Request) string {
	if r.State == change.Applied && !r.Answer.ReadBack && strings.ContainsRune(r.Answer.Message, '\n') {
		return r.Answer.Message
	}
	return ""
}

// told is how a request ended, or what it waits for.
func told(r *change.Request) prose {
	switch {
	case r.State == change.Applied && !r.Answer.ReadBack:
		text := say("Baseten: ", bold(answerWord(r.Answer.Status)))
		if r.Answer.Message != "" && quoted(r) == "" {
			text = say(text, " — ", r.Answer.Message)
		}
		return text
	case r.State.Ended():
		return ofItself(r).ending(inAnswer)
	case r.Reason.Code != "":
		return ofItself(r).tell(inAnswer)
	default:
		return say("Still at work.")
	}
}

// ending is why a request ended as it did, and that nothing was changed where that is
// certain.
func (t telling) ending(where spot) prose {
	text := t.why(where)
	if len(text) == 0 {
		text = say("It " + standing(t.r.State) + ".")
	}
	switch {
	case !untouched(t.r), t.r.State == change.Applied, t.Code == change.AlreadyAsked, t.Code == change.NothingChanges, t.Code == change.NothingBack:
	case t.Code == change.Frozen && t.r.Kind == change.KindRevert: // it says what comes instead
	case t.r.State == change.Stale:
		text = say(text, " Nothing was sent.")
	default:
		text = say(text, " Nothing was changed.")
	}
	return join(" ", text, t.advice(where))
}

// lastEnds are why an end came to nothing where another try is of no use, or comes by
// itself.
var lastEnds = []change.Code{change.NothingBack, change.TargetGone, change.Frozen}

// askable tells that what ended can be asked again, once.
func askable(r *change.Request) bool {
	return (r.State == change.Stale || r.State == change.Expired) && r.AskedAgainBy == ""
}

// undoable tells that putting back what was changed can still help.
func undoable(r *change.Request) bool {
	switch {
	case r.State != change.Applied, r.Sends == 0, r.Answer.Status == unchanged, r.UndoneBy != "":
		return false
	case r.Kind == change.KindRevert, !r.Term.OverAt.IsZero():
		return false
	case r.Outcome.Kind == change.Overruled, r.Outcome.Kind == change.Rescheduled, r.Outcome.Kind == change.Superseded:
		return false
	default:
		return len(r.Snapshot.Settings.Only(r.Ask.Settings)) > 0
	}
}

// news is a new reply for what was learned after the end and is bad: an edit notifies
// nobody. One piece of news may tell of several requests.
func news(r *change.Request) Message {
	var d draft
	text := say(user(r.Requester.ID), " ⚠️ ", bold(title(r.Target)), ": ", outcomeWords(r, r.News.Code).quiet())
	if len(r.News.Also) > 0 {
		ids := make([]string, 0, len(r.News.Also))
		for _, id := range r.News.Also {
			ids = append(ids, id.String())
		}
		text = say(text, " The same holds for "+listed("and", ids)+".")
	}
	d.lines(text)
	d.nextSteps(r)
	d.identifiers(r)
	return d.message()
}

// Private tells the requester alone how a request ended that has no card, and what
// was asked: Slack shows nobody what they typed. Of one that waits, it tells how to do
// without the approval.
func Private(r *change.Request) Message {
	switch {
	case r.State == change.Pending:
		return waiting(r)
	case !r.State.Ended():
		return Reading(r.Ask.Text)
	}
	var d draft
	d.lines(about(r, r.Reason, r.Requester.ID).ending(inAnswer))
	d.byHand(r.Reason.Call)
	asked := say(r.ID)
	if r.Ask.Text != "" {
		asked = say(asked, " · ", typedHere(r, oneLine(r.Ask.Text)))
	}
	if lines := corrected(r); len(lines) > 0 {
		d.lines(typedLines(lines, r.Thread != "")...)
		d.corrections(lines)
	} else if changeable(r) {
		d.buttons(changeButton(r))
	}
	d.small(asked)
	return d.message()
}

// corrected are the commands that r would be with the names that may have been meant.
func corrected(r *change.Request) []string {
	if r.Reason.Code == change.ModelSecond {
		return correctedOrder(r)
	}
	if r.Reason.Code != change.NameNotFound {
		return nil
	}
	var out []string
	typed := asTyped(r)
	for _, meant := range r.Reason.Names {
		c := typed
		switch r.Reason.Text {
		case c.Model.Word:
			c.Model.Word = meant
		case c.Target.Word:
			c.Target.Word = meant
		default:
			return nil
		}
		out = append(out, c.String())
	}
	return out
}

// asTyped is the request as a command.
func asTyped(r *change.Request) commands.Command {
	c := commands.Command{
		Name: commands.NameChange, Model: commands.Ref{Word: r.Ask.Model}, Target: commands.Ref{Kind: r.Ask.TargetKind, Word: r.Ask.Target},
		Settings: r.Ask.Settings, Reason: r.Ask.Reason, BreakGlass: r.Ask.BreakGlass,
	}
	if r.Kind == change.KindFreeze {
		c.Name = commands.NameFreeze
	}
	c.For, c.Until = typedEnd(r)
	return c
}

// correctedOrder are the commands that r would be with its model in front.
func correctedOrder(r *change.Request) []string {
	var out []string
	for _, model := range r.Reason.Names[:min(len(r.Reason.Names), 1)] {
		for _, target := range r.Reason.Known[:min(len(r.Reason.Known), mostCorrections)] {
			c := asTyped(r)
			c.Model, c.Target = commands.Ref{Word: model}, commands.Ref{Word: target}
			out = append(out, c.String())
		}
	}
	return out
}

// Alone tells the end in one piece, where the thread cannot be reached.
func Alone(r *change.Request) Message {
	var d draft
	if r.Target.ModelID == "" {
		d.lines(say(user(r.Requester.ID), " asked: ", wish(r)))
	} else {
		d.lines(headline(r)...)
	}
	d.end(r)
	var where prose
	if r.ChannelName != "" {
		where = say("in #" + name(r.ChannelName))
	}
	d.identifiers(r, where)
	return d.message()
}
