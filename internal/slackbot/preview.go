package slackbot

import (
	"fmt"

	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// previewMessage shows a request that was looked at and not made; with the policy's
// own account, rule by rule, where that was asked for.
func previewMessage(p change.Preview, explain bool) message {
	r := p.Request
	if r.Target.ModelID == "" {
		return plainMessage(p.Why)
	}
	verdict := verdictText(r, p)
	body := append([]line{{literal("🔎 "), bold(targetName(r.Target))}}, diffLines(r)...)
	body = append(body, words(verdict))
	blocks := []slack.Block{lines(body...)}

	text := fmt.Sprintf("%s: %s. %s", escaped(targetName(r.Target)), escaped(diffSpoken(r)), fallback(verdict))
	for _, facts := range []string{cardFacts(r), stays(r)} {
		if facts != "" {
			blocks = append(blocks, small(facts))
			text += " " + escaped(facts) + "."
		}
	}
	blocks = append(blocks, notes(r)...)
	if steps := stepLines(p.Explanation); explain && len(steps) > 0 {
		blocks = append(blocks, bullets(steps...))
	}
	const title = "Dry run: nothing was changed."
	blocks = append(blocks, slack.NewContextBlock("", plainText(title+" · model "+named(r.Target.ModelID)+deploymentID(r.Target))))
	return message{text: title + " " + text, blocks: blocks}
}

func deploymentID(t change.Target) string {
	if t.DeploymentID == "" {
		return ""
	}
	return " · deployment " + named(t.DeploymentID)
}

// verdictText is what the policy would decide, for the person.
func verdictText(r *change.Request, p change.Preview) string {
	rule := fmt.Sprintf(" (rule “%s”).", inert(r.Ruling.Rule))
	switch {
	case p.Why != "":
		return "⛔ " + p.Why
	case r.Ruling.BrokeGlass:
		return "You may break glass: no approval, and a review afterwards" + rule
	case r.Ruling.Effect == string(authz.Allow):
		return "You may do this at once" + rule
	case r.Ruling.Effect == string(authz.Confirm):
		return "You would be asked to confirm it" + rule
	}
	text := "It would need " + approvals(r.Ruling.Needed) + " of " + people(r.Ruling.Approvers) + rule
	if r.Ruling.BreakGlass {
		text += " You may break glass."
	}
	return text
}

// stepLines is the policy's account: of every rule, how it came out.
func stepLines(e authz.Explanation) []line {
	var out []line
	for _, s := range e.Steps {
		name := literal(oneLine(s.Rule))
		if s.Decided {
			name = bold(oneLine(s.Rule))
		}
		how := s.Why
		if s.Matched {
			how = "matches"
		}
		if s.Decided {
			how += ", and decides"
		}
		out = append(out, line{name, literal(" (" + string(s.Effect) + "): " + oneLine(how))})
	}
	return out
}
