package slackbot

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
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
// for. It is kept short enough for a phone.
func card(r *change.Request) message {
	name := targetName(r.Target)
	state := headline(r)
	head := []slack.RichTextSectionElement{literal(state.icon + " "), person(r.Requester.ID), literal(" " + state.verb + " "), bold(name)}
	if r.From != "" {
		verb := "asked again after "
		if r.FromKind == change.FromUndo {
			verb = "undoes "
		}
		head = append(head, literal(" ("+verb+r.From.String()+")"))
	}
	body := [][]slack.RichTextSectionElement{head}
	for _, line := range diff(r) {
		body = append(body, []slack.RichTextSectionElement{literal(line.label + ": "), literal(line.before + " → "), bold(line.after)})
	}
	if r.Ask.Reason != "" {
		body = append(body, []slack.RichTextSectionElement{literal("Reason: " + r.Ask.Reason)})
	}
	body = append(body, waiting(r)...)
	blocks := []slack.Block{lines(body...)}

	var facts []string
	if line := costLine(r.Reading.Cost); line != "" {
		facts = append(facts, line)
	}
	if line := liveLine(r); line != "" && !r.State.Ended() {
		facts = append(facts, line)
	}
	if len(facts) > 0 {
		blocks = append(blocks, small(escaped(strings.Join(facts, " · "))))
	}
	if len(r.Reading.Notes) > 0 && !r.State.Ended() {
		blocks = append(blocks, notesBlock(r.Reading.Notes))
	}
	if r.State == change.Requested || r.State == change.Pending {
		if b := buttons(r); b != nil {
			blocks = append(blocks, b)
		}
	}
	blocks = append(blocks, identifiers(r))
	return message{text: cardText(r, state), blocks: blocks}
}

// heading is how a card begins.
type heading struct{ icon, verb string }

func headline(r *change.Request) heading {
	switch r.State {
	case change.Requested, change.Pending:
		if r.Buttons {
			if r.Ruling.Effect == string(authz.Confirm) {
				return heading{"❔", "wants to change"}
			}
			return heading{"⏳", "asks to change"}
		}
		return heading{"🔧", "changes"}
	case change.Approved, change.Applying:
		return heading{"🔧", "changes"}
	case change.Applied:
		return heading{"✅", "changed"}
	case change.Failed:
		return heading{"❌", "wanted to change"}
	case change.Unknown:
		return heading{"⚠️", "tried to change"}
	default:
		return heading{"⏹️", "wanted to change"}
	}
}

// cardText is the card read aloud.
func cardText(r *change.Request, h heading) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<@%s> %s %s: ", r.Requester.ID, h.verb, escaped(targetName(r.Target)))
	for i, line := range diff(r) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %s to %s", line.label, escaped(line.before), escaped(line.after))
	}
	b.WriteString(".")
	if line := waitingText(r); line != "" {
		b.WriteString(" " + fallback(line))
	}
	return b.String()
}

func targetName(t change.Target) string {
	name := t.ModelName
	if t.Environment != "" {
		return name + " / " + t.Environment
	}
	if t.Serves != "" {
		return fmt.Sprintf("%s / deployment %s (serves %s)", name, t.DeploymentName, t.Serves)
	}
	return name + " / deployment " + t.DeploymentName
}

// changed is one setting before and after.
type changed struct{ label, before, after string }

func diff(r *change.Request) []changed {
	var out []changed
	for _, f := range r.Ask.Settings.Fields() {
		row, _ := baseten.Lookup(f)
		before := "not set"
		if v, ok := r.Reading.Settings[f]; ok {
			before = row.Format(v)
		}
		out = append(out, changed{row.Label, before, row.Format(r.Ask.Settings[f])})
	}
	return out
}

// waiting is what the card says it waits for, or how it ended.
func waiting(r *change.Request) [][]slack.RichTextSectionElement {
	text := waitingText(r)
	if text == "" {
		return nil
	}
	return [][]slack.RichTextSectionElement{words(text)}
}

func waitingText(r *change.Request) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case (r.State == change.Requested || r.State == change.Pending) && r.Buttons && r.Ruling.Effect == string(authz.Confirm):
		add("<@%s>, please confirm until %s.", r.Requester.ID, until(r.ExpiresAt))
	case (r.State == change.Requested || r.State == change.Pending) && r.Buttons:
		add("%s", needed(r))
		add("Open until %s.", until(r.ExpiresAt))
		if r.Ruling.Outside {
			add("None of the approvers is in this channel.")
		}
	case r.State == change.Approved || r.State == change.Applying || r.State == change.Applied:
		switch {
		case r.Ruling.BrokeGlass:
			add("🚨 Glass broken: the approval was skipped.")
		case r.EndedBy.ID != "" && r.EndedBy.ID == r.Requester.ID:
			add("Confirmed.")
		case r.EndedBy.ID != "":
			add("Approved by %s.", approvers(r))
		}
	case r.State == change.Denied:
		add("Denied by %s.", orThePolicy(r.EndedBy))
	case r.State == change.Canceled:
		add("Canceled by %s.", orThePolicy(r.EndedBy))
	case r.State == change.Failed:
		add("It failed; see the thread.")
	case r.State.Ended():
		add("Ended: %s.", r.State)
	}
	if len(r.Beside) > 0 && r.State == change.Pending {
		ids := make([]string, 0, len(r.Beside))
		for _, id := range r.Beside {
			ids = append(ids, id.String())
		}
		add("Also waiting for this target: %s.", strings.Join(ids, ", "))
	}
	return strings.Join(parts, " ")
}

func approvers(r *change.Request) string {
	var names []string
	for _, v := range r.Votes {
		if v.Approve {
			names = append(names, "<@"+v.Person.ID+">")
		}
	}
	if len(names) == 0 {
		return "<@" + r.EndedBy.ID + ">"
	}
	return strings.Join(names, ", ")
}

func orThePolicy(p change.Person) string {
	if p.ID == "" {
		return "the policy"
	}
	return "<@" + p.ID + ">"
}

// needed says whose approval a card waits for.
func needed(r *change.Request) string {
	if r.Ruling.Missing != "" {
		return "Approved by " + approvers(r) + ". " + r.Ruling.Missing
	}
	var who []string
	for _, id := range r.Ruling.Mentioned {
		who = append(who, "<@"+id+">")
	}
	if more := len(r.Ruling.Approvers) - len(who); more > 0 && len(who) > 0 {
		who = append(who, fmt.Sprintf("%d more", more))
	}
	total := 0
	var groups []string
	for group, n := range r.Ruling.Needed {
		total += n
		if group != "" {
			groups = append(groups, fmt.Sprintf("%d of %s", n, group))
		}
	}
	text := "Needs 1 approval"
	if total != 1 {
		text = fmt.Sprintf("Needs %d approvals", total)
	}
	if len(groups) > 1 {
		text += " (" + strings.Join(sorted(groups), ", ") + ")"
	}
	if len(who) > 0 {
		text += " of " + strings.Join(who, ", ")
	}
	return text + "."
}

// buttons are what people can press on a card that waits.
func buttons(r *change.Request) slack.Block {
	if !r.Buttons {
		return nil
	}
	id := string(r.ID)
	what := fmt.Sprintf("%s: %s", targetName(r.Target), diffText(r))
	if r.Ruling.Effect == string(authz.Confirm) {
		return slack.NewActionBlock("",
			button(actionConfirm, "Confirm", id, slack.StylePrimary),
			button(actionCancel, "Cancel", id, slack.StyleDefault))
	}
	set := []slack.BlockElement{
		confirming(button(actionApprove, "Approve", id, slack.StylePrimary), "Approve this change?", what, "Approve"),
		button(actionDeny, "Deny", id, slack.StyleDanger),
	}
	if r.Ruling.BreakGlass {
		set = append(set, button(actionBreakGlass, "Break glass", id, slack.StyleDefault))
	}
	return slack.NewActionBlock("", set...)
}

func diffText(r *change.Request) string {
	var out []string
	for _, line := range diff(r) {
		out = append(out, fmt.Sprintf("%s %s → %s", line.label, line.before, line.after))
	}
	return strings.Join(out, ", ")
}

// costLine is the list price, before and after. The floor is certain, the ceiling
// only if load asks for it.
func costLine(c *change.Cost) string {
	if c == nil {
		return ""
	}
	arrow := func(a, b float64) string {
		if a == b {
			return money(a)
		}
		return money(a) + " → " + money(b)
	}
	return fmt.Sprintf("List price per hour: at least %s, at most %s", arrow(c.FloorBefore, c.FloorAfter), arrow(c.CeilingBefore, c.CeilingAfter))
}

func money(usd float64) string { return fmt.Sprintf("$%.2f", usd) }

// liveLine is how the deployment stands now.
func liveLine(r *change.Request) string {
	if r.Reading.Status == "" {
		return ""
	}
	replicas := "1 replica"
	if r.Reading.Replicas != 1 {
		replicas = fmt.Sprintf("%d replicas", r.Reading.Replicas)
	}
	return fmt.Sprintf("Now %s, %s active", strings.ToLower(strings.ReplaceAll(r.Reading.Status, "_", " ")), replicas)
}

func notesBlock(notes []string) slack.Block {
	if len(notes) > mostContext {
		notes = notes[:mostContext]
	}
	elements := make([]slack.MixedElement, 0, len(notes))
	for _, n := range notes {
		elements = append(elements, slack.NewTextBlockObject(slack.PlainTextType, cut("⚠️ "+n), false, false))
	}
	return slack.NewContextBlock("", elements...)
}

// identifiers is the small line that names a request in Baseten's and our terms.
func identifiers(r *change.Request) slack.Block {
	parts := []string{r.ID.String()}
	if r.Target.ModelID != "" {
		parts = append(parts, "model "+escaped(r.Target.ModelID))
	}
	if r.Target.DeploymentID != "" {
		parts = append(parts, "deployment "+escaped(r.Target.DeploymentID))
	}
	return small(append(parts, "requested by <@"+r.Requester.ID+">")...)
}

// until is a moment as the change service writes moments, read in each reader's zone.
func until(t time.Time) string {
	layout := "15:04 UTC"
	if time.Until(t) > 20*time.Hour {
		layout = "2 Jan 15:04 UTC"
	}
	return fmt.Sprintf("<time:%d|%s>", t.Unix(), t.UTC().Format(layout))
}
