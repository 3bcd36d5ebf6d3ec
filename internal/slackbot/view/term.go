package view

import (
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// term says how long a temporary change holds and what comes then, or what came; nothing
// of a change for good.
func term(r *change.Request) prose {
	t := r.Term
	switch {
	case r.Reason.Code == change.AlreadyDone && r.Temporary():
		return say("⏱️ It has no end: nothing was sent that could go back.")
	case !t.OverAt.IsZero():
		return say("⏱️ ", termOver(r))
	case !t.EndsAt.IsZero() && !t.AskAt.IsZero():
		return say("⏱️ Its time was up ", on(t.EndsAt), ", and it has not gone back.")
	case !t.EndsAt.IsZero():
		return say("⏱️ Until ", soon(t.EndsAt, r.AppliedAt), inZone(r, t.EndsAt), ", then ", backTo(r), ".")
	case r.Temporary():
		return say("⏱️ ", howLong(r), ", then ", backTo(r), ".")
	default:
		return nil
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

// inZone is a moment in the time zone of whoever asked, where they typed it: Slack shows
// each reader their own.
func inZone(r *change.Request, t time.Time) prose {
	zone, err := time.LoadLocation(r.Requester.Zone)
	if err != nil || r.Ask.Until.IsZero() {
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

// termOver is how a temporary change ceased to hold.
func termOver(r *change.Request) prose {
	t := r.Term
	by := say(" (" + t.By.String() + ")")
	switch t.How {
	case change.OriginExtends:
		return say("Extended ", soon(t.OverAt, r.AppliedAt), by, ".")
	case change.OriginKeeps:
		return say("Kept for good ", soon(t.OverAt, r.AppliedAt), by, ".")
	case change.OriginTimeUp, change.OriginEndNow, change.OriginEndAsked, change.OriginUndo, change.OriginAgain, change.OriginReplaces:
	}
	if len(t.Back) == 0 {
		return say("Over since ", soon(t.OverAt, r.AppliedAt), by, ". Nothing went back.")
	}
	return say("Back to "+inWords(t.Back)+" since ", soon(t.OverAt, r.AppliedAt), by, ".")
}

// ends is how the reply of an end begins: why it ends, and what goes back.
func ends(r *change.Request) prose {
	if r.Kind != change.KindRevert {
		return nil
	}
	which := link(r.Origin.ID.String(), r.Origin.Link)
	var why prose
	switch r.Origin.Kind {
	case change.OriginTimeUp:
		why = say("⏱️ Time is up for ", which)
	case change.OriginEndNow, change.OriginEndAsked:
		why = say("⏱️ ", named(r.Requester), " ends ", which)
	case change.OriginUndo, change.OriginAgain, change.OriginReplaces, change.OriginExtends, change.OriginKeeps:
	}
	if r.Sends == 0 {
		return say(why, ". ")
	}
	return say(why, ": ", shortWishes(r), ". ")
}

// termButtons are what can be done while a temporary change holds.
func termButtons(r *change.Request) []slack.BlockElement {
	what := title(r.Target)
	return []slack.BlockElement{
		button(ActionExtend, "Extend 1 h", r.ID, what),
		button(ActionKeep, "Keep", r.ID, what),
		confirming(button(ActionEnd, "Revert Now", r.ID, what), "Revert now?", "The settings go back at once.", "Revert Now"),
	}
}

// endNotice tells, some minutes before, that a temporary change ends, with what can be done.
func endNotice(r *change.Request) Message {
	var d draft
	if !r.Holds() {
		d.lines(term(r))
		return d.message()
	}
	d.lines(say("⏱️ ", user(r.Requester.ID), " ", bold(title(r.Target)), " goes ", backTo(r), " ", at(r.Term.EndsAt), inZone(r, r.Term.EndsAt), "."))
	d.buttons(termButtons(r)...)
	return d.message()
}

// endOverdue asks what to do about a change whose time was up and which did not go back.
func endOverdue(r *change.Request) Message {
	var d draft
	d.lines(say("⚠️ ", user(r.Requester.ID), " ", bold(title(r.Target)), " has not gone back: "+inWords(r.Ask.Settings)+" was to end ", on(r.Term.EndsAt), "."))
	d.buttons(termButtons(r)...)
	return d.message()
}

// frozenThing is what a freeze keeps changes from.
func frozenThing(model, target string) string {
	switch {
	case model == change.AllModels:
		return "all models"
	case target == "":
		return name(model)
	default:
		return name(model) + " / " + name(target)
	}
}

// freezeCard shows a freeze: who froze what until when and why, what it means, and the
// temporary changes that cannot end before.
func freezeCard(r *change.Request) Message {
	var d draft
	thing := bold(frozenThing(r.FrozenModel(), r.Target.Name()))
	d.lines(say("🧊 ", named(r.Requester), " freezes ", thing, freezeUntil(r)), askedReason(r))
	switch {
	case !r.State.Ended() || r.State == change.Applied && r.Term.OverAt.IsZero():
		what := "Nothing is changed there until then, not by an approval nor by the end of a temporary change."
		if r.Ask.BreakGlass {
			what += " Break-glass goes through."
		}
		d.lines(say(what))
		if len(r.Beside) > 0 {
			ids := make([]string, 0, len(r.Beside))
			for _, id := range r.Beside {
				ids = append(ids, id.String())
			}
			d.lines(say("⚠️ These end before, and wait for the thaw: " + joined(", ", ids, "") + "."))
		}
	case r.State != change.Applied:
		d.lines(ofItself(r).ending(onCard))
	default:
		d.lines(thawed(r))
	}
	if r.State == change.Applied && r.Term.OverAt.IsZero() {
		d.buttons(button(ActionThaw, "Thaw", r.ID, frozenThing(r.FrozenModel(), r.Target.Name())))
	}
	d.identifiers(r)
	return d.message()
}

func freezeUntil(r *change.Request) prose {
	switch {
	case !r.Term.EndsAt.IsZero():
		return say(" until ", on(r.Term.EndsAt), inZone(r, r.Term.EndsAt), ".")
	case !r.Ask.Until.IsZero():
		return say(" until ", on(r.Ask.Until), inZone(r, r.Ask.Until), ".")
	default:
		return say(" for " + length(r.Ask.For) + ".")
	}
}

func thawed(r *change.Request) prose {
	if r.CanceledBy.ID == "" {
		return say("The freeze is over since ", on(r.Term.OverAt), ".")
	}
	return say("Thawed by ", named(r.CanceledBy), " ", on(r.Term.OverAt), ".")
}

// freezeOver is the reply that tells that a freeze is over, or why there is none.
func freezeOver(r *change.Request) Message {
	var d draft
	if r.State == change.Applied {
		d.lines(thawed(r))
	} else {
		d.lines(say(user(r.Requester.ID), " ", ofItself(r).ending(inAnswer)))
	}
	return d.message()
}

// frozen says who froze something until when, why, and who can thaw it.
func frozen(t telling) prose {
	f := t.Freeze
	if f == nil {
		return say("it is frozen.")
	}
	who := say(person(f.By))
	if len(f.Thaw) > 0 {
		who = say(person(f.By), " or ", names(f.Thaw))
	}
	text := say(frozenThing(f.Model, f.Target)+" is ", link("frozen", f.Link), " by ", person(f.By), " until ", on(f.Until), ": "+oneLine(f.Reason)+". ",
		who, " can thaw it: ", code(slash+" thaw "+f.ID.String()), ".")
	if f.BreakGlass {
		text = say(text, " Break-glass goes through.")
	}
	return text
}

// nothingBack says why nothing goes back at an end.
func nothingBack(t telling) prose {
	text := say("nothing has to go back.")
	if t.Request != "" {
		text = say("a later change holds the settings: ", other(t), ".")
	}
	if len(t.Moved) > 0 {
		text = say("the settings were changed since: "+stands(t.Moved)+". They stay so.", changedBy(t.By))
	}
	return text
}

// notHeld says why a request cannot be ended, kept or extended.
func notHeld(t telling) prose {
	r := t.r
	switch {
	case !r.Term.OverAt.IsZero():
		return say(this(t), " does not hold any more. ", termOver(r))
	case r.State != change.Applied && !r.State.Ended():
		return say(this(t), " has not begun: it "+standing(r.State)+".")
	default:
		return say(this(t), " was not for a time. To change it again, ask for other values.")
	}
}

// terms lists what holds for a time: the freezes, each with its button, and the changes
// that will go back.
func (d *draft) terms(t change.Terms) {
	d.lines(freezeLines(t.Freezes)...)
	items := make([]prose, 0, len(t.Temporary))
	for _, r := range t.Temporary {
		items = append(items, say(shortWish(r.Request), "\n", join(" ", say(cardLink(r), " · ", named(r.Requester), "."), term(r.Request))))
	}
	if len(items) > 0 {
		d.heading("For a time")
		d.list(items, nil)
	}
}

// freezeLines are one line a freeze: what, by whom, until when, why.
func freezeLines(all []change.Listed) []prose {
	out := make([]prose, 0, len(all))
	for _, r := range all {
		out = append(out, say("🧊 ", bold(frozenThing(r.FrozenModel(), r.Target.Name())), " is frozen by ", named(r.Requester), " until ", on(r.Term.EndsAt),
			": "+oneLine(r.Ask.Reason)+". ", cardLink(r), " · ", code(slash+" thaw "+r.ID.String())))
	}
	return out
}

// heldOn says until when a temporary change holds settings of the target.
func (s *status) heldOn(t baseten.Target) prose {
	for _, r := range s.Terms.Temporary {
		if r.Target.SameObject(t) {
			return say(shortWishes(r.Request), " only until ", soon(r.Term.EndsAt, s.now), " (", cardLink(r), ")")
		}
	}
	return nil
}
