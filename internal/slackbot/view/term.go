package view

import (
	"slices"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
	"autoscalebot/internal/moment"
)

// term says how long a temporary change holds and what comes then, or what came; nothing
// of a change for good.
func term(r *change.Request) prose {
	t := r.Term
	switch {
	case r.Kind == change.KindFreeze:
		return nil
	case r.Reason.Code == change.AlreadyDone && r.Temporary():
		return say("⏱️ It has no end: nothing was sent that could go back.")
	case !t.OverAt.IsZero():
		return say("⏱️ ", termOver(r))
	case t.EndsAt.IsZero() && (r.State.Ended() || !r.Temporary()):
		return nil
	case t.EndsAt.IsZero():
		return say("⏱️ ", howLong(r), ", then ", afterwards(r), ".")
	case t.Frozen:
		return say("⏱️ Its time was up ", atTime(t.EndsAt, r.AppliedAt), ". It goes ", backTo(r), " once the freeze is over.")
	case !t.AskAt.IsZero():
		return say("⚠️ Its time was up ", atTime(t.EndsAt, r.AppliedAt), ", and it has not gone back.")
	default:
		return say("⏱️ Until ", soon(t.EndsAt, r.AppliedAt), inZone(r, t.EndsAt), ", then ", afterwards(r), ".")
	}
}

// howLong is for how long a change is asked: For 2 h, or until when.
func howLong(r *change.Request) prose {
	switch {
	case !r.Ask.Until.IsZero():
		return say("Until ", soon(r.Ask.Until, r.CreatedAt), inZone(r, r.Ask.Until))
	case r.Ask.Clock != "":
		return say("Until " + oneLine(r.Ask.Clock))
	default:
		return say("For " + length(r.Ask.For))
	}
}

// inZone is a moment in the time zone of whoever asked, where they named it: Slack shows
// each reader their own.
func inZone(r *change.Request, t time.Time) prose {
	zone, err := time.LoadLocation(r.Requester.Zone)
	if err != nil || r.Requester.Zone == "" || r.Ask.Until.IsZero() || r.Origin.Kind == change.OriginExtends {
		return nil
	}
	return say(" (" + t.In(zone).Format("15:04 MST") + ")")
}

// backTo is what a temporary change goes back to.
func backTo(r *change.Request) prose {
	if len(r.Snapshot.Back) == 0 {
		return say("back")
	}
	return say("back to " + inWords(r.Snapshot.Back))
}

// afterwards is what stands after a temporary change. Another change may hold the same.
func afterwards(r *change.Request) prose {
	if r.Snapshot.Back.Equal(r.Ask.Settings) {
		return say("still " + inWords(r.Snapshot.Back))
	}
	return backTo(r)
}

// termOver is how a temporary change ceased to hold.
func termOver(r *change.Request) prose {
	t := r.Term
	when, at := soon(t.OverAt, r.AppliedAt), atTime(t.OverAt, r.AppliedAt)
	early := ""
	switch t.How {
	case change.OriginExtends:
		return say("Extended ", at, ": "+t.By.String()+" holds now.")
	case change.OriginKeeps:
		return say("Kept for good ", at, ", by "+t.By.String()+".")
	case change.OriginEndNow, change.OriginEndAsked:
		if t.OverAt.Before(t.EndsAt) {
			early = "Ended early. "
		}
	case change.OriginTimeUp, change.OriginUndo, change.OriginAgain, change.OriginReplaces:
	}
	if len(t.Back) == 0 {
		return say(early+"Over since ", when, ": nothing went back.")
	}
	return say(early+"Back to "+inWords(t.Back)+" since ", when, ".")
}

// typedEnd is how long a request is to hold, as it can be typed again.
func typedEnd(r *change.Request) (length time.Duration, until moment.Time) {
	if r.Ask.Clock != "" {
		until, _ = moment.Parse(r.Ask.Clock)
		return 0, until
	}
	if r.Ask.Until.IsZero() {
		return r.Ask.For, moment.Time{}
	}
	return 0, momentOf(r.Ask.Until, r.Requester.Zone)
}

// momentOf is a moment as it is typed in a time zone, UTC where that is not known.
func momentOf(t time.Time, zone string) moment.Time {
	in, err := time.LoadLocation(zone)
	if err != nil {
		in = time.UTC
	}
	t = t.In(in)
	return moment.Time{Year: t.Year(), Month: t.Month(), Day: t.Day(), Hour: t.Hour(), Minute: t.Minute(), Set: true}
}

// ends is how the reply of an end begins: what ends, and what goes back.
func ends(r *change.Request) prose {
	if r.Kind != change.KindRevert {
		return nil
	}
	which := link(r.Origin.ID.String(), r.Origin.Link)
	var text prose
	switch {
	case r.Origin.Kind == change.OriginTimeUp:
		text = say("⏱️ Time is up for ", which)
	case r.State == change.Applied:
		text = say("⏱️ ", named(r.Requester), " ended ", which)
	default:
		text = say("⏱️ ", named(r.Requester), " wanted to end ", which)
	}
	if r.Sends == 0 {
		return say(text, ". ")
	}
	return say(text, ": ", shortWishes(r), ". ")
}

// notesOfEnds are those that are worth saying once it is over.
var notesOfEnds = []change.NoteCode{change.NoteDoesNotFit, change.NoteMovedSince, change.NoteSchedule}

// endNotes are what an end that has no card leaves as it is, and what keeps it from showing.
func endNotes(r *change.Request) []prose {
	if r.Kind != change.KindRevert || r.Origin.Kind == change.OriginEndAsked {
		return nil
	}
	var out []prose
	for _, n := range r.Snapshot.Notes {
		if slices.Contains(notesOfEnds, n.Code) {
			out = append(out, say("⚠️ ", note(r, n)))
		}
	}
	return out
}

// asPlanned tells that what was announced has come to pass, by the clock or by whoever
// asked for it: nobody has to be called.
func asPlanned(r *change.Request) bool {
	switch {
	case r.Kind == change.KindFreeze:
		return r.State == change.Applied && (r.CanceledBy.ID == "" || r.CanceledBy.ID == r.Requester.ID)
	case r.Kind == change.KindRevert && r.Origin.Kind == change.OriginTimeUp:
		return r.State == change.Applied || r.Reason.Code == change.NothingBack && len(r.Reason.Moved) == 0
	default:
		return false
	}
}

// called is whom the reply calls. Where somebody else ends a change early, that is whoever
// had asked for it.
func called(r *change.Request) string {
	if r.Kind == change.KindRevert && r.Origin.Kind == change.OriginEndNow && r.State == change.Applied {
		return r.Origin.Requester.ID
	}
	return r.Requester.ID
}

// termButtons are what can be done while a temporary change holds.
func termButtons(r *change.Request) []slack.BlockElement {
	what := title(r.Target)
	return []slack.BlockElement{
		button(ActionExtend, "Extend 1 h", r.ID, what),
		button(ActionKeep, "Keep", r.ID, what),
		confirming(button(ActionEnd, "Revert Now", r.ID, what), "Revert now?", revertLine(r), "Revert Now"),
	}
}

// revertLine is what Slack asks before a temporary change is ended.
func revertLine(r *change.Request) string {
	return say(title(r.Target), " goes ", backTo(r), " at once.").plain()
}

// endNotice tells, some minutes before, that a temporary change ends, with what can be done.
func endNotice(r *change.Request) Message {
	var d draft
	if !r.Holds() {
		d.lines(term(r))
		return d.message()
	}
	d.lines(say("⏱️ ", user(r.Requester.ID), " ", bold(title(r.Target)), " goes ", backTo(r), " at ", at(r.Term.EndsAt), inZone(r, r.Term.EndsAt), "."))
	d.buttons(termButtons(r)...)
	return d.message()
}

// endOverdue asks what to do about a change whose time was up and which did not go back.
func endOverdue(r *change.Request) Message {
	var d draft
	d.lines(say("⚠️ ", user(r.Requester.ID), " ", bold(title(r.Target)), " still has "+inWords(r.Ask.Settings)+": its time was up ", on(r.Term.EndsAt),
		", and it could not go ", backTo(r), ". The replies above say why."))
	d.buttons(termButtons(r)...)
	return d.message()
}

// notHeld says why a request cannot be ended, kept or extended.
func notHeld(t telling) prose {
	r := t.r
	switch {
	case !r.Term.OverAt.IsZero():
		return say(this(t), " does not hold any more. ", termOver(r))
	case r.Kind == change.KindFreeze:
		return say(this(t), " is a freeze: ", code(slash+" thaw "+r.ID.String()), " ends it.")
	case !r.State.Ended():
		return say(this(t), " has not begun: it "+standing(r.State)+".")
	case r.State != change.Applied:
		return say(this(t), " never held: it "+standing(r.State)+".")
	default:
		return say(this(t), " holds for good, so it has no end. Ask for other values instead.")
	}
}

// nothingBack says why nothing goes back at an end.
func nothingBack(t telling) prose {
	switch {
	case len(t.Moved) > 0:
		return say("Nothing goes back, because somebody else changed it since: "+stands(t.Moved)+".", changedBy(t.By))
	case t.Request != "":
		return say("Nothing goes back, because ", other(t), " holds now.")
	default:
		return say("Nothing had to go back.")
	}
}

// terms lists what holds for a time: the freezes, and the changes that will go back. At
// most so many stand with buttons, for those who may press them.
func (d *draft) terms(t change.Terms, most int) {
	if len(t.Freezes)+len(t.Temporary) == 0 {
		return
	}
	d.heading("For a time")
	var rest []prose
	for _, r := range t.Freezes {
		if r.Thawable && most > 0 {
			most--
			d.lines(freezeLine(r))
			d.buttons(button(ActionThaw, "Thaw", r.ID, frozenBy(r.Request)))
		} else {
			rest = append(rest, freezeLine(r))
		}
	}
	for _, r := range t.Temporary {
		if r.Own && most > 0 {
			most--
			d.lines(held(r))
			d.buttons(termButtons(r.Request)...)
		} else {
			rest = append(rest, held(r))
		}
	}
	if len(rest) > 0 {
		d.list(rest, nil)
	}
}

// endOf says of an end what it ended, or was to.
func endOf(r *change.Request) prose {
	if r.Kind != change.KindRevert {
		return nil
	}
	which := link(r.Origin.ID.String(), r.Origin.Link)
	switch {
	case r.Origin.Kind == change.OriginTimeUp:
		return say("Time was up for ", which, ".")
	case r.State == change.Applied || r.Outcome.Kind == change.Landed:
		return say("Ended ", which, ".")
	default:
		return say("Was to end ", which, ".")
	}
}

// held is a change that holds for a time: what, by whom, until when.
func held(r change.Listed) prose {
	return say(bold(title(r.Target)), " — "+inWords(r.Ask.Settings)+"\n", join(" ", say(cardLink(r), " · ", named(r.Requester), "."), term(r.Request)))
}
