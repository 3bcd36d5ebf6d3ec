package view

import (
	"fmt"
	"maps"
	"slices"

	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// card is the root message: who wishes what, before → after, and what it waits for or
// how it ended. What decides comes first, since phones show the first lines only.
// Until the end is known it states the wish: a card that a crash left behind does not
// lie.
func card(r *change.Request) Message {
	var d draft
	lines := headline(r)
	open := !r.State.Ended() || r.State == change.Applied
	if !r.State.Ended() {
		lines = append(lines, large(r))
	}
	if open {
		lines = append(lines, term(r))
		lines = append(lines, notes(r)...)
		lines = append(lines, cardFacts(r))
	}
	lines = append(lines, progress(r), join(" ", origin(r), askedReason(r)))
	if r.Messages.News.GivenUp {
		lines = append(lines, outcome(r))
	}
	d.lines(lines...)
	if unreached(r) {
		d.end(r)
		d.lines(say("The thread could not be reached" + toldBy(r.Told) + "."))
	}
	d.cardButtons(r)
	if !r.State.Ended() {
		d.small(say(stays(r)))
	}
	d.identifiers(r, ended(r))
	return d.message()
}

// ended is when it ended. Slack shows when the card was posted, and not when it was
// edited.
func ended(r *change.Request) prose {
	switch {
	case !r.State.Ended() || r.EndedAt.IsZero():
		return nil
	case r.State == change.Applied && r.Sends > 0:
		return say("applied ", soon(r.EndedAt, r.CreatedAt))
	default:
		return say("ended ", soon(r.EndedAt, r.CreatedAt))
	}
}

// headline is how a card begins: ⏳ Ana asks: llama-70b / production — Max replicas:
// 4 → 7 (+3). Several settings stand in lines of their own. Ana is named and not
// mentioned: the small line below does that once.
func headline(r *change.Request) []prose {
	icon, verb, end := heading(r)
	first := say(icon+" ", named(r.Requester), " "+verb+" ", bold(title(r.Target)))
	all := wishLines(r)
	if len(all) == 1 {
		first = say(first, " — ", all[0])
		all = nil
	}
	return append([]prose{say(first, end)}, all...)
}

// origin says which request this one comes from. Whoever asked first is mentioned,
// where it is somebody else.
func origin(r *change.Request) prose {
	if r.Origin.ID == "" {
		return nil
	}
	other := say(link(r.Origin.ID.String(), r.Origin.Link))
	switch r.Origin.Kind {
	case change.OriginUndo:
		return say("Undoes ", other, ".")
	case change.OriginAgain, change.OriginReplaces, change.OriginTimeUp, change.OriginEndNow, change.OriginEndAsked, change.OriginExtends, change.OriginKeeps:
	}
	if asker := r.Origin.Requester.ID; asker != "" && asker != r.Requester.ID {
		other = say(other, " of ", user(asker))
	}
	switch r.Origin.Kind {
	case change.OriginReplaces:
		return say("Asked in place of ", other, ".")
	case change.OriginTimeUp, change.OriginEndNow, change.OriginEndAsked:
		return say("Ends ", other, ".")
	case change.OriginExtends:
		return say("Extends ", other, ".")
	case change.OriginKeeps:
		return say("Keeps ", other, " for good.")
	case change.OriginUndo, change.OriginAgain:
	}
	return say("Asked again after ", other, ".")
}

func heading(r *change.Request) (icon, verb, end string) {
	switch r.State {
	case change.Requested, change.Pending, change.Approved, change.Applying:
		if r.State == change.Pending && confirmable(r) {
			return "❔", "asks:", ""
		}
		return "⏳", "asks:", ""
	case change.Applied:
		return appliedHeading(r)
	case change.Failed:
		if r.Outcome.Kind == change.Landed {
			return "⚠️", "asked:", ", and it took effect after it had failed"
		}
		return "❌", "asked:", ""
	case change.Unknown:
		if r.Outcome.Kind == change.Landed {
			return "⚠️", "asked:", ", and it took effect late"
		}
		return "❓", "asked:", ""
	case change.Denied:
		return "⛔", "asked:", ""
	case change.Stale:
		return "⚠️", "asked:", ""
	case change.Expired:
		return "⚪", "asked:", "" // an hourglass would look like one that waits
	case change.Canceled:
	}
	return "⚪", "asked:", ""
}

// appliedHeading has a tick only where it is known what Baseten's answer means, or
// the settings were read as asked.
func appliedHeading(r *change.Request) (icon, verb, end string) {
	switch r.Outcome.Kind {
	case change.Overruled:
		return "⚠️", "changed:", ", and it was changed again since"
	case change.Rescheduled:
		return "⚠️", "changed:", ", and a schedule changed it again since"
	case change.NotVisible:
		return "⚠️", "changed:", ", but it does not show at Baseten"
	case change.NotRead:
		return "⚠️", "changed:", ", but it could not be read back"
	case change.Short:
		if r.Outcome.Replicas > r.Outcome.Goal {
			return "⚠️", "changed:", ", but more replicas still run"
		}
		return "⚠️", "changed:", ", but the replicas are not there"
	case change.InForce, change.Reached, change.Superseded:
		if r.Answer.Status == unchanged {
			return "✅", "left as it is:", ""
		}
		return "✅", "changed:", ""
	case change.Following, change.Watching, change.Landed, change.NeverLanded, "":
	}
	switch {
	case r.Reason.Code == change.AlreadyDone:
		return "✅", "asked:", ", and somebody else had done it already"
	case r.Answer.ReadBack, r.Answer.Status == accepted:
		return "✅", "changed:", ""
	case r.Answer.Status == queued:
		return "✅", "queued a change:", ""
	case r.Answer.Status == unchanged:
		return "✅", "left as it is:", ""
	default:
		return "📨", "sent:", ""
	}
}

// confirmable tells that the requester alone has to press a button.
func confirmable(r *change.Request) bool { return r.Decision.Effect == authz.Confirm }

// cardFacts is the price and, while people can still decide, how it runs now.
func cardFacts(r *change.Request) prose {
	if r.State.Ended() {
		return price(r)
	}
	return join(" ", price(r), say(runs(r)))
}

func askedReason(r *change.Request) prose {
	if r.Ask.Reason == "" {
		return nil
	}
	return say("Reason: " + oneLine(r.Ask.Reason))
}

// progress is what the card waits for, who let it go ahead, or how it ended.
func progress(r *change.Request) prose {
	switch {
	case r.State == change.Requested && !r.Messages.Buttons, r.State == change.Applied, unreached(r):
		return approvedBy(r) // where the thread is out of reach, the end follows in full
	case r.State == change.Requested, r.State == change.Pending:
		return join(" ", waits(r), beside(r))
	case r.State.Ended():
		return join(" ", approvedBy(r), ofItself(r).ending(onCard))
	default:
		return join(" ", approvedBy(r), ofItself(r).tell(onCard))
	}
}

// waits says whom the card waits for, who agreed already, and until when.
func waits(r *change.Request) prose {
	if len(r.Votes) == 0 {
		return stillNeeds(r)
	}
	return say("Approved by ", voters(r), ". ", stillNeeds(r))
}

// stillNeeds says whom the card waits for, and until when.
func stillNeeds(r *change.Request) prose {
	until := say(".")
	if !r.ExpiresAt.IsZero() {
		until = say(", until ", soon(r.ExpiresAt, r.CreatedAt), ".")
	}
	if confirmable(r) {
		return say("Waits for ", named(r.Requester), " to confirm", until)
	}
	text := say("Waits for ", missing(r), until)
	if r.Audience.Absent && len(r.Votes) == 0 {
		text = say(text, " None of them is in this channel.")
	}
	for _, id := range slices.Sorted(maps.Keys(r.Tally.Ignored)) {
		text = say(text, " The approval of ", user(id), " does not count any more.")
	}
	return text
}

// missing names the approvals that are still needed, and those who could give them:
// one of @Lea, @Leo.
func missing(r *change.Request) prose {
	needed, who, more := r.Decision.Needed, r.Audience.Mentioned, len(r.Decision.Approvers)-len(r.Audience.Mentioned)
	if len(r.Tally.Missing) > 0 {
		needed, who, more = r.Tally.Missing, r.Tally.Could, 0
	}
	total := 0
	for _, n := range needed {
		total += n
	}
	all := people(who, max(0, more))
	switch {
	case len(who) == 0:
		return say(approvals(needed))
	case len(needed) > 1:
		return say(approvals(needed), ": ", all)
	case total == 1 && len(who)+max(0, more) == 1:
		return all
	case total == 1:
		return say("one of ", all)
	default:
		return say(number(total)+" of ", all)
	}
}

// beside names the other requests that wait for the same target.
func beside(r *change.Request) prose {
	if len(r.Beside) == 0 {
		return nil
	}
	ids := make([]string, 0, len(r.Beside))
	for _, id := range r.Beside {
		ids = append(ids, id.String())
	}
	return say("Also waiting for this target: " + joined(", ", ids, "") + ".")
}

// unreached tells that the thread could not be told how it ended.
func unreached(r *change.Request) bool { return r.State.Ended() && r.Messages.Reply.GivenUp }

func toldBy(w change.Way) string {
	switch w {
	case change.WayChannel:
		return "; it was told in a message of its own"
	case change.WayPrivate:
		return "; the requester was told in private"
	case change.WayDirect:
		return "; the requester was told by a direct message"
	case change.WayAnnounce:
		return "; it was told in the channel for alarms"
	case change.WayLog:
		return "; nobody could be told"
	default:
		return ""
	}
}

// cardButtons are what people can press on a card that waits, and only then.
func (d *draft) cardButtons(r *change.Request) {
	if !r.Messages.Buttons || r.State != change.Requested && r.State != change.Pending {
		return
	}
	what := title(r.Target)
	if confirmable(r) {
		d.buttons(primary(button(ActionConfirm, "Confirm Change", r.ID, what)), changeButton(r), button(ActionCancel, "Cancel", r.ID, what))
		return
	}
	d.buttons(append(decideButtons(r), changeButton(r))...)
}

// decideButtons are those of whoever decides, wherever the request is shown to them.
func decideButtons(r *change.Request) []slack.BlockElement {
	what := title(r.Target)
	approve := confirming(primary(button(ActionApprove, "Approve Change", r.ID, what)),
		"Approve this change?", confirmLine(r), "Approve Change")
	return []slack.BlockElement{approve, button(ActionDeny, "Deny", r.ID, what)}
}

func primary(b *slack.ButtonBlockElement) *slack.ButtonBlockElement {
	return b.WithStyle(slack.StylePrimary)
}

// confirmLine is what Slack asks before an approval counts. The list stands on the
// card.
func confirmLine(r *change.Request) string {
	text := fmt.Sprintf("%s for %s", title(r.Target), person(r.Requester).text)
	if c := r.Snapshot.Cost; c != nil && touchesReplicas(r) {
		text += ", up to " + money(c.CeilingAfter) + "/h"
	}
	if len(r.Snapshot.Notes) > 0 || len(large(r)) > 0 {
		text += ". Read the warnings on the card"
	}
	return text + "."
}

// reminder is one line in the thread before a card expires, for those who have not
// answered. It is read without the card: so it says what, who and how much.
func reminder(r *change.Request) Message {
	var d draft
	d.lines(say("⏳ Still waiting: ", named(r.Requester), " asks: ", wish(r), "."), price(r), waits(r), say("Decide on the card above."))
	return d.message()
}
