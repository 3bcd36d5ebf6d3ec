package view

import (
	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// Preview shows a request that was looked at and not made. No is why it would end at
// once, the zero reason where it would not. Steps are the policy's account, rule by
// rule, where that was asked for.
func Preview(r *change.Request, no change.Reason, steps []authz.Step) Message {
	var d draft
	why := about(r, no, r.Requester.ID).tell(inAnswer)
	if r.Target.ModelID == "" {
		d.lines(why)
		return d.message()
	}
	first, all := say("🔎 ", bold(title(r.Target))), wishLines(r)
	if len(all) == 1 {
		first, all = say(first, " — ", all[0]), nil
	}
	d.speak(say("Dry run, nothing was changed."))
	d.lines(append([]prose{first}, all...)...)
	if no.Code != "" {
		d.lines(say("⛔ ", why))
		d.byHand(no.Call)
	} else {
		d.lines(verdict(r))
	}
	d.lines(append(append([]prose{large(r), term(r)}, notes(r)...), cardFacts(r))...)
	if len(steps) > 0 {
		d.bullets(stepLines(steps))
	}
	d.small(say(stays(r)))
	d.small(say("Dry run: nothing was changed. · model "+name(r.Target.ModelID)), say(deploymentID(r)))
	return d.message()
}

func deploymentID(r *change.Request) string {
	if r.Target.DeploymentID == "" {
		return ""
	}
	return "deployment " + name(r.Target.DeploymentID)
}

// verdict is what the policy would decide, for the person.
func verdict(r *change.Request) prose {
	d := r.Decision
	by := ` (rule "` + oneLine(d.Rule) + `").`
	switch {
	case d.BrokeGlass:
		return say("You may break the glass: no approval, and a review afterwards" + by)
	case d.Effect == authz.Allow:
		return say("You may do this at once" + by)
	case d.Effect == authz.Confirm:
		return say("You would be asked to confirm it" + by)
	}
	text := say("It would need "+approvals(d.Needed)+" of ", people(d.Approvers, 0), by)
	if d.BreakGlass {
		text = say(text, " You may break the glass.")
	}
	return text
}

// stepLines is the policy's account: of every rule, how it came out.
func stepLines(steps []authz.Step) []prose {
	out := make([]prose, 0, len(steps))
	for _, s := range steps {
		rule := say(oneLine(s.Rule))
		if s.Decided {
			rule = say(bold(oneLine(s.Rule)))
		}
		out = append(out, say(rule, " ("+string(s.Effect)+"): ", step(s)))
	}
	return out
}
