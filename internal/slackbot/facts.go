package slackbot

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// This file holds the facts of a request as every view writes them.

// targetName is what a request changes: llama-70b / production.
func targetName(t change.Target) string {
	model := named(t.ModelName)
	switch {
	case t.Environment != "":
		return model + " / " + named(t.Environment)
	case t.Serves != "":
		return fmt.Sprintf("%s / deployment %s (serves %s)", model, named(t.DeploymentName), named(t.Serves))
	default:
		return model + " / deployment " + named(t.DeploymentName)
	}
}

// named is a name that Baseten gave.
func named(name string) string { return shorten(oneLine(name), mostNamed) }

// changed is one setting before and after.
type changed struct{ label, before, after string }

func diff(r *change.Request) []changed {
	out := make([]changed, 0, len(r.Ask.Settings))
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

// diffLines shows the change, one setting a line.
func diffLines(r *change.Request) []line {
	var out []line
	for _, c := range diff(r) {
		out = append(out, line{literal(c.label + ": " + c.before + " → "), bold(c.after)})
	}
	return out
}

// diffText is the change in one line.
func diffText(r *change.Request) string { return joinDiff(r, " → ") }

// diffSpoken is the change read aloud.
func diffSpoken(r *change.Request) string { return joinDiff(r, " to ") }

func joinDiff(r *change.Request, to string) string {
	var out []string
	for _, c := range diff(r) {
		out = append(out, c.label+" "+c.before+to+c.after)
	}
	return strings.Join(out, ", ")
}

// stays names the settings that the request leaves alone, in the words people type.
func stays(r *change.Request) string {
	rest := r.Reading.Settings.Without(r.Ask.Settings)
	if len(rest) == 0 {
		return ""
	}
	return "Stays: " + shortSettings(rest)
}

// shortSettings writes settings in the words people type, with units.
func shortSettings(s baseten.Settings) string {
	if s == nil {
		return "no settings yet"
	}
	var out []string
	for _, f := range s.Fields() {
		row, _ := baseten.Lookup(f)
		out = append(out, row.Word+" "+row.Format(s[f]))
	}
	return strings.Join(out, ", ")
}

// costLine is the list price where replicas are asked for, and says so where it is
// not known. The floor is what always runs, the ceiling what runs if load asks.
func costLine(r *change.Request) string {
	_, least := r.Ask.Settings[baseten.MinReplica]
	_, most := r.Ask.Settings[baseten.MaxReplica]
	switch c := r.Reading.Cost; {
	case !least && !most:
		return ""
	case c == nil:
		return "List price unknown"
	default:
		return fmt.Sprintf("List price per hour: at least %s, at most %s", moved(c.FloorBefore, c.FloorAfter), moved(c.CeilingBefore, c.CeilingAfter))
	}
}

func moved(before, after float64) string {
	if before == after {
		return money(after)
	}
	return money(before) + " → " + money(after)
}

func money(usd float64) string { return fmt.Sprintf("$%.2f", usd) }

// liveLine is how the deployment stands now.
func liveLine(r *change.Request) string {
	if r.Reading.Status == "" {
		return ""
	}
	return "Now " + standing(r.Reading.Status, r.Reading.Replicas)
}

// standing is a deployment's status and active replicas.
func standing(status string, replicas int) string {
	switch {
	case status == "ACTIVE":
		return count(replicas) + " active"
	case status == "SCALED_TO_ZERO" && replicas == 0:
		return "scaled to zero"
	default:
		return statusText(status) + ", " + count(replicas) + " active"
	}
}

func statusText(s string) string { return strings.ToLower(strings.ReplaceAll(oneLine(s), "_", " ")) }

func count(replicas int) string {
	if replicas == 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", replicas)
}

// notes are what stands in the way of the change, one sentence a line.
func notes(r *change.Request) []slack.Block {
	if len(r.Reading.Notes) == 0 {
		return nil
	}
	out := make([]string, 0, len(r.Reading.Notes))
	for _, n := range r.Reading.Notes {
		out = append(out, "⚠️ "+oneLine(n))
	}
	return []slack.Block{small(strings.Join(out, "\n"))}
}

// identifiers is the small line that names a request in Baseten's and our terms.
func identifiers(r *change.Request, more ...slack.MixedElement) slack.Block {
	parts := []string{r.ID.String()}
	if r.Target.ModelID != "" {
		parts = append(parts, "model "+named(r.Target.ModelID))
	}
	if r.Target.DeploymentID != "" {
		parts = append(parts, "deployment "+named(r.Target.DeploymentID))
	}
	elements := []slack.MixedElement{
		plainText(strings.Join(parts, " · ")),
		slack.NewTextBlockObject(slack.MarkdownType, "by <@"+r.Requester.ID+">", false, false),
	}
	return slack.NewContextBlock("", append(elements, more...)...)
}

// at is a moment, read in each reader's zone.
func at(t time.Time) string {
	return fmt.Sprintf("<day:%d|%s>", t.Unix(), t.UTC().Format("2 Jan 15:04 UTC"))
}

// people lists persons, at most five of them.
func people(ids []string) string {
	out := make([]string, 0, len(ids))
	for i, id := range ids {
		if i == 5 {
			out = append(out, fmt.Sprintf("%d more", len(ids)-i))
			break
		}
		out = append(out, "<@"+id+">")
	}
	return strings.Join(out, ", ")
}

// approvals counts what is needed: 1 approval, or 2 approvals (1 of leads, 1 of sre).
func approvals(needed map[string]int) string {
	total := 0
	var groups []string
	for group, n := range needed {
		total += n
		if group != "" {
			groups = append(groups, fmt.Sprintf("%d of %s", n, inert(group)))
		}
	}
	text := "1 approval"
	if total != 1 {
		text = fmt.Sprintf("%d approvals", total)
	}
	if len(groups) > 1 {
		slices.Sort(groups)
		text += " (" + strings.Join(groups, ", ") + ")"
	}
	return text
}
