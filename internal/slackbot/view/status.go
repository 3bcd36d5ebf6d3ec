package view

import (
	"cmp"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// Status shows a model at the moment now: each target's settings and replicas, who
// changed it last, and what waits. With only, it shows that target alone. Last holds
// past requests, newest first.
func Status(m baseten.Model, targets baseten.Targets, only *baseten.Resolved, pending, last []*change.Request, now time.Time) Message {
	s := status{pending: pending, last: last}
	for i := range targets.Environments {
		env := &targets.Environments[i]
		if only == nil || only.Environment != nil && only.Environment.Name == env.Name {
			s.add(environmentLines(env), baseten.Target{ModelID: m.ID, Environment: env.Name})
		}
	}
	for i := range targets.Deployments {
		d := &targets.Deployments[i]
		if only == nil && d.Environment != "" {
			continue // shown with its environment
		}
		if only == nil || only.Environment == nil && only.Deployment != nil && only.Deployment.ID == d.ID {
			s.add(deploymentLines(d), baseten.Target{ModelID: m.ID, DeploymentID: d.ID})
		}
	}
	var d draft
	d.lines(say(bold(modelName(m.Team, m.Name, m.SharedName))))
	if len(s.parts) == 0 {
		d.lines(say("No environments or deployments."))
	}
	d.parts(s.parts)
	if targets.Stale {
		d.lines(say("⚠️ Baseten does not answer. This was read " + length(now.Sub(targets.ReadAt)) + " ago."))
	}
	if len(s.parts) > 0 {
		d.changeTarget(m, only)
	}
	d.small(say("model " + name(m.ID)))
	return d.message()
}

// parts shows parts of several lines each, as many as a message takes.
func (d *draft) parts(parts [][]prose) {
	const most = mostBlocks - 5
	for i, part := range parts {
		if i == most {
			d.lines(say("… and " + number(len(parts)-i) + " more. Name one to see it."))
			return
		}
		d.lines(part...)
	}
}

// status gathers what is shown of a model's targets.
type status struct {
	pending, last []*change.Request
	parts         [][]prose
}

// add shows a target, with the requests that are about it.
func (s *status) add(part []prose, t baseten.Target) {
	for _, r := range s.pending {
		if r.Target.SameObject(t) {
			part = append(part, say("⏳ "+r.ID.String()+" waits: ", user(r.Requester.ID), " asks for ", join(", ", wishes(r)...)))
		}
	}
	for _, r := range s.last {
		if r.State == change.Applied && r.Target.SameObject(t) {
			part = append(part, say("Last changed by ", user(r.Requester.ID), " ", on(r.AppliedAt), ": ", join(", ", wishes(r)...), " ("+r.ID.String()+")"))
			break
		}
	}
	s.parts = append(s.parts, part)
}

func environmentLines(env *baseten.Environment) []prose {
	if env.Broken {
		return []prose{broken(env.Name, env.Unreadable)}
	}
	head := say(bold(name(env.Name)), ": no deployment serves it")
	var differs prose
	if d := env.Current; d != nil {
		head = say(bold(name(env.Name)), ": "+howItRuns(d, env.Settings)+" · "+name(d.Name)+" ("+name(d.ID)+")")
		if d.Settings != nil && !d.Settings.Equal(env.Settings) {
			differs = say("⚠️ The deployment runs with " + inWords(d.Settings) + ".")
		}
	}
	out := []prose{head, settingsLine(env.Settings, env.Unreadable), differs}
	if env.Promotion.Running() {
		out = append(out, say("⚠️ A promotion is in progress: "+statusWord(env.Promotion.Status)+"."))
	}
	if s, ok := env.Schedules.InForce(); ok {
		out = append(out, say("⚠️ ", bold("Schedule "+name(cmp.Or(s.Name, s.ID))+" is in force"), inForceValues(s)+"."))
	}
	return out
}

func inForceValues(s baseten.Schedule) string {
	if len(s.Settings) == 0 {
		return ""
	}
	return ": " + inWords(s.Settings)
}

// broken is what Baseten describes in a way that cannot be read.
func broken(title, why string) prose {
	return say(bold(name(title)), ": ⚠️ Baseten's data for it cannot be read: "+oneLine(why))
}

func deploymentLines(d *baseten.Deployment) []prose {
	if d.Broken {
		return []prose{broken("deployment "+cmp.Or(d.Name, d.ID), d.Unreadable)}
	}
	id := " (" + name(d.ID) + ")"
	if d.Environment != "" {
		id += " · serves " + name(d.Environment)
	}
	return []prose{
		say("deployment ", bold(name(d.Name)), ": "+howItRuns(d, d.Settings)+id),
		settingsLine(d.Settings, d.Unreadable),
	}
}

func settingsLine(s baseten.Settings, unreadable string) prose {
	if unreadable != "" {
		return say("⚠️ Its settings cannot be read: " + oneLine(unreadable))
	}
	return say(inWords(s))
}

// howItRuns is a deployment's status and active replicas, of as many as may run.
func howItRuns(d *baseten.Deployment, s baseten.Settings) string {
	most, known := s[baseten.MaxReplica]
	of := ""
	if known {
		of = " of " + number(most)
	}
	switch {
	case d.Status == "SCALED_TO_ZERO" && d.ActiveReplicas == 0:
		return "scaled to zero"
	case d.Status != "ACTIVE":
		return statusWord(d.Status) + ", " + number(d.ActiveReplicas) + of + " active"
	case known && d.ActiveReplicas >= most:
		return number(d.ActiveReplicas) + of + " active, at max"
	default:
		return number(d.ActiveReplicas) + of + " active"
	}
}
