package slackbot

import (
	"cmp"
	"fmt"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// statusMessage shows a model: each target's settings and replicas, who changed it
// last, and what waits. With only, it shows that target alone.
func statusMessage(st change.Standing, only *baseten.Resolved) message {
	v := statusView{st: st}
	for i := range st.Targets.Environments {
		env := &st.Targets.Environments[i]
		if only == nil || (only.Environment != nil && only.Environment.Name == env.Name) {
			v.add(environmentLines(env), func(t change.Target) bool { return t.Environment == env.Name })
		}
	}
	for i := range st.Targets.Deployments {
		d := &st.Targets.Deployments[i]
		if only == nil && d.Environment != "" {
			continue // shown with its environment
		}
		if only == nil || (only.Environment == nil && only.Deployment != nil && only.Deployment.ID == d.ID) {
			v.add(deploymentLines(d), func(t change.Target) bool { return t.Environment == "" && t.DeploymentID == d.ID })
		}
	}
	return v.message()
}

// statusView gathers what is shown of a model's targets.
type statusView struct {
	st    change.Standing
	parts [][]line
}

// add shows a target, with the requests that are about it.
func (v *statusView) add(part []line, about func(change.Target) bool) {
	for _, r := range v.st.Pending {
		if about(r.Target) {
			part = append(part, words(fmt.Sprintf("⏳ %s waits: <@%s> asks for %s", r.ID, r.Requester.ID, diffText(r))))
		}
	}
	for _, r := range v.st.Last {
		if r.State == change.Applied && about(r.Target) {
			part = append(part, words(fmt.Sprintf("Last changed by <@%s> %s: %s (%s)", r.Requester.ID, at(r.AppliedAt), diffText(r), r.ID)))
			break
		}
	}
	v.parts = append(v.parts, part)
}

func (v *statusView) message() message {
	foot := "model " + named(v.st.Model.ID)
	if v.st.Model.Team != "" {
		foot += " · team " + named(v.st.Model.Team)
	}
	if v.st.Targets.Stale {
		foot += " · Baseten does not answer; this was read at " + v.st.Targets.ReadAt.UTC().Format("15:04 UTC")
	}
	head := []line{{bold(named(v.st.Model.Name))}}
	if len(v.parts) == 0 {
		head = append(head, line{literal("No environments or deployments.")})
	}
	return paragraphs(append([][]line{head}, v.parts...), foot)
}

func environmentLines(env *baseten.Environment) []line {
	head := line{bold(named(env.Name))}
	out := []line{nil, {literal(shortSettings(env.Settings))}}
	if d := env.Current; d == nil {
		head = append(head, literal(": no deployment serves it"))
	} else {
		head = append(head, literal(fmt.Sprintf(": %s · %s (%s)", standing(d.Status, d.ActiveReplicas), named(d.Name), named(d.ID))))
		if d.Settings != nil && !d.Settings.Equal(env.Settings) {
			out = append(out, line{literal("⚠️ The deployment runs with " + shortSettings(d.Settings) + ".")})
		}
	}
	out[0] = head
	if env.Promotion.Running() {
		out = append(out, line{literal("⚠️ A promotion is in progress: " + statusText(env.Promotion.Status) + ".")})
	}
	if s, ok := env.Schedules.InForce(); ok {
		out = append(out, line{literal("⚠️ Schedule " + named(cmp.Or(s.Name, s.ID)) + " is in force.")})
	}
	return out
}

func deploymentLines(d *baseten.Deployment) []line {
	id := " (" + named(d.ID) + ")"
	if d.Environment != "" {
		id += " · serves " + named(d.Environment)
	}
	return []line{
		{literal("deployment "), bold(named(d.Name)), literal(": " + standing(d.Status, d.ActiveReplicas) + id)},
		{literal(shortSettings(d.Settings))},
	}
}

// paragraphs is a message of as many parts as Slack takes, with a small line at the
// end.
func paragraphs(parts [][]line, foot string) message {
	const most = mostBlocks - 2
	var m message
	for i, part := range parts {
		if i == most {
			part = []line{{literal(fmt.Sprintf("… and %d more. Name one to see it.", len(parts)-i))}}
		}
		for _, l := range part {
			m.text += spoken(l) + "\n"
		}
		m.blocks = append(m.blocks, lines(part...))
		if i == most {
			break
		}
	}
	if foot != "" {
		m.text += escaped(foot)
		m.blocks = append(m.blocks, small(foot))
	}
	return m
}
