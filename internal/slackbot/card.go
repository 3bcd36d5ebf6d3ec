package slackbot

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// render shows one part of a request. It is a pure function of the request.
func render(r *change.Request, part change.Part) message {
	switch part {
	case change.Root:
		return card(r)
	case change.Result:
		return result(r)
	case change.Reminder:
		return reminder(r)
	default:
		return reviewCard(r)
	}
}

// card is the root message: who asks for what, before → after, and what it waits
// for. What decides comes first, since phones show the first lines only.
func card(r *change.Request) message {
	h := headline(r)
	body := []line{h.line(r)}
	body = append(body, diffLines(r)...)
	standing := standingText(r)
	if standing != "" {
		body = append(body, words(standing))
	}
	reason := reasonText(r)
	if reason != "" {
		body = append(body, line{literal("Reason: " + reason)})
	}
	blocks := []slack.Block{lines(body...)}
	if facts := cardFacts(r); facts != "" {
		blocks = append(blocks, small(facts))
	}
	if !r.State.Ended() || r.State == change.Applied {
		blocks = append(blocks, notes(r)...)
	}
	blocks = append(blocks, buttons(r)...)
	if rest := stays(r); rest != "" && !r.State.Ended() {
		blocks = append(blocks, small(rest))
	}
	blocks = append(blocks, identifiers(r))

	text := fmt.Sprintf("%s: %s.", spoken(h.line(r)[1:]), escaped(diffSpoken(r)))
	if standing != "" {
		text += " " + fallback(standing)
	}
	if reason != "" {
		text += " Reason: " + escaped(reason)
	}
	return message{text: text, blocks: blocks}
}

// cardFacts is the price and, while people can still decide, how it runs now.
func cardFacts(r *change.Request) string {
	var out []string
	if cost := costLine(r); cost != "" {
		out = append(out, cost)
	}
	if live := liveLine(r); live != "" && !r.State.Ended() {
		out = append(out, live)
	}
	return strings.Join(out, " · ")
}

// reasonText is the requester's reason; that something is undone says the heading.
func reasonText(r *change.Request) string {
	if r.FromKind == change.FromUndo && r.Ask.Reason == "undo "+r.From.String() {
		return ""
	}
	return oneLine(r.Ask.Reason)
}

// heading is how a card begins: ✅ @Ana changed llama-70b / production.
type heading struct{ icon, verb, end string }

func (h heading) line(r *change.Request) line {
	out := line{literal(h.icon + " "), person(r.Requester.ID), literal(" " + h.verb + " "), bold(targetName(r.Target))}
	if h.end != "" {
		out = append(out, literal(h.end))
	}
	switch {
	case r.From == "":
	case r.FromKind == change.FromUndo:
		out = append(out, literal(" (undoes "+r.From.String()+")"))
	default:
		out = append(out, literal(" (asked again after "+r.From.String()+")"))
	}
	return out
}

func headline(r *change.Request) heading {
	switch r.State {
	case change.Requested, change.Pending:
		switch {
		case !r.Buttons:
			return heading{icon: "🔧", verb: "changes"}
		case confirmable(r):
			return heading{icon: "❔", verb: "wants to change"}
		default:
			return heading{icon: "⏳", verb: "asks to change"}
		}
	case change.Approved, change.Applying:
		return heading{icon: "🔧", verb: "changes"}
	case change.Applied:
		switch r.Outcome.Kind {
		case change.Overruled:
			return heading{icon: "⚠️", verb: "changed", end: ", and it was changed again since"}
		case change.Invisible:
			return heading{icon: "⚠️", verb: "changed", end: ", but it does not show at Baseten"}
		default:
		}
		switch r.Answer.Status {
		case "UNCHANGED":
			return heading{icon: "✅", verb: "left", end: " as it is"}
		case "QUEUED":
			return heading{icon: "✅", verb: "queued a change of"}
		default:
			return heading{icon: "✅", verb: "changed"}
		}
	case change.Failed:
		return heading{icon: "❌", verb: "wanted to change"}
	case change.Unknown:
		return heading{icon: "❓", verb: "tried to change"}
	case change.Denied:
		return heading{icon: "⛔", verb: "wanted to change"}
	case change.Stale:
		return heading{icon: "⚠️", verb: "wanted to change"}
	case change.Expired:
		return heading{icon: "⌛", verb: "wanted to change"}
	default:
		return heading{icon: "⚪", verb: "wanted to change"}
	}
}

// confirmable tells that the requester alone has to press a button.
func confirmable(r *change.Request) bool { return r.Ruling.Effect == string(authz.Confirm) }

// standingText is what the card waits for, who let it go ahead, or how it ended.
func standingText(r *change.Request) string {
	switch r.State {
	case change.Requested, change.Pending:
		return waitingText(r)
	case change.Approved, change.Applying, change.Applied:
		return approvedText(r)
	default:
		return endedText(r) + toldWhere(r)
	}
}

func waitingText(r *change.Request) string {
	if !r.Buttons {
		return approvedText(r)
	}
	if confirmable(r) {
		return fmt.Sprintf("<@%s>, please confirm. Open until %s.%s", r.Requester.ID, at(r.ExpiresAt), besides(r))
	}
	text := fmt.Sprintf("%s Open until %s.", needed(r), at(r.ExpiresAt))
	if r.Ruling.Outside {
		text += " No approver is in this channel."
	}
	return text + besides(r)
}

// needed says whose approval a card waits for, and who gave theirs.
func needed(r *change.Request) string {
	text := "Needs " + approvals(r.Ruling.Needed)
	if r.Ruling.Missing != "" {
		return fmt.Sprintf("%s. Approved by %s. %s", text, approvers(r), r.Ruling.Missing)
	}
	who := people(r.Ruling.Mentioned)
	if more := len(r.Ruling.Approvers) - len(r.Ruling.Mentioned); more > 0 && who != "" {
		who += fmt.Sprintf(", %d more", more)
	}
	if who != "" {
		text += " of " + who
	}
	return text + "."
}

// besides names the other requests that wait for the same target.
func besides(r *change.Request) string {
	if len(r.Beside) == 0 {
		return ""
	}
	ids := make([]string, 0, len(r.Beside))
	for _, id := range r.Beside {
		ids = append(ids, id.String())
	}
	return " Also waiting for this target: " + strings.Join(ids, ", ") + "."
}

// approvedText says who let the change go ahead, where somebody had to.
func approvedText(r *change.Request) string {
	switch {
	case r.Ruling.BrokeGlass:
		return "🚨 Glass broken: the approval was skipped."
	case r.EndedBy.ID == "":
		return ""
	case r.EndedBy.ID == r.Requester.ID:
		return "Confirmed."
	default:
		return "Approved by " + approvers(r) + "."
	}
}

func approvers(r *change.Request) string {
	var ids []string
	for _, v := range r.Votes {
		if v.Approve {
			ids = append(ids, v.Person.ID)
		}
	}
	if len(ids) == 0 {
		ids = []string{r.EndedBy.ID}
	}
	return people(ids)
}

// endedText is how a request ended that was not applied.
func endedText(r *change.Request) string {
	switch r.State {
	case change.Denied:
		switch {
		case r.EndedBy.ID == "":
			return "Denied: " + cmp.Or(r.Why, "not allowed.")
		case r.Why == "":
			return "Denied by <@" + r.EndedBy.ID + ">."
		default:
			return "Denied by <@" + r.EndedBy.ID + ">: " + inert(r.Why)
		}
	case change.Canceled:
		return cmp.Or(r.Why, "Canceled by <@"+r.EndedBy.ID+">.")
	case change.Expired:
		return "Expired. " + r.Why
	case change.Stale:
		return "Stale: what it showed no longer holds."
	case change.Unknown:
		return "Unknown whether Baseten took it."
	default:
		return "It failed."
	}
}

// toldWhere says where people find more.
func toldWhere(r *change.Request) string {
	switch {
	case r.Elsewhere != "":
		return " The thread could not be reached; told by " + r.Elsewhere + "."
	case r.State == change.Failed, r.State == change.Unknown, r.State == change.Stale:
		return " The thread says more."
	default:
		return ""
	}
}

// buttons are what people can press on a card that waits, and only then.
func buttons(r *change.Request) []slack.Block {
	if !r.Buttons || (r.State != change.Requested && r.State != change.Pending) {
		return nil
	}
	id := string(r.ID)
	if confirmable(r) {
		return []slack.Block{slack.NewActionBlock("",
			button(actionConfirm, "Confirm", id, slack.StylePrimary),
			button(actionCancel, "Cancel", id, slack.StyleDefault))}
	}
	what := fmt.Sprintf("%s: %s", targetName(r.Target), diffText(r))
	set := []slack.BlockElement{
		confirming(button(actionApprove, "Approve", id, slack.StylePrimary), "Approve this change?", what, "Approve"),
		button(actionDeny, "Deny", id, slack.StyleDanger),
	}
	if r.Ruling.BreakGlass {
		set = append(set, button(actionBreakGlass, "Break glass", id, slack.StyleDefault))
	}
	return []slack.Block{slack.NewActionBlock("", set...)}
}
