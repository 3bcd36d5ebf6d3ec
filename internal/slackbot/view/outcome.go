package view

import (
	"strings"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// outcome is what became of a change that was sent, nothing while that is not known.
func outcome(r *change.Request) prose {
	text := outcomeWords(r, r.Outcome.Kind)
	if len(text) == 0 || r.Outcome.Kind == change.Superseded && !r.Term.OverAt.IsZero() { // its end says more
		return nil
	}
	return say(outcomeIcon(r.Outcome)+" ", text)
}

func outcomeIcon(o change.Outcome) string {
	switch {
	case o.Kind.Bad():
		return "⚠️"
	case o.Schedule != "", o.OldSettings:
		return "⏱️"
	case o.Kind == change.Reached, o.Kind == change.InForce && o.Final:
		return "✅"
	default:
		return "⏱️"
	}
}

// outcomeWords says one kind of outcome, with the facts of the request.
func outcomeWords(r *change.Request, kind change.OutcomeKind) prose {
	o := r.Outcome
	switch kind {
	case change.InForce:
		return inForce(r)
	case change.Reached:
		return say(inForce(r), " "+active(o)+" active after "+length(o.ReachedAt.Sub(r.AppliedAt))+".")
	case change.Short:
		return tooFewReplicas(r)
	case change.NotVisible:
		return say("Not visible at Baseten after " + length(o.At.Sub(r.AppliedAt)) + ": " + found(r) + ". Please look at Baseten.")
	case change.Overruled:
		return overruled(r)
	case change.Rescheduled:
		return say("Schedule "+name(o.Schedule)+" changed the settings, seen ", on(o.At), ": "+found(r)+".")
	case change.Superseded:
		return say("Changed again since, by a later request: " + found(r) + ".")
	case change.NotRead:
		if o.InForceAt.IsZero() {
			return say("I could not read the settings back: Baseten did not answer. Please look at Baseten.")
		}
		return say(inForce(r), " Then Baseten could not be read any more.")
	case change.Watching:
		return say("I keep looking: if it takes effect after all, this thread says so.")
	case change.Landed:
		return say("It took effect after all, seen ", on(o.At), ": "+current(r.Ask.Settings, r.Ask.Settings.Fields())+".")
	case change.NeverLanded:
		return say("It had not taken effect when I last looked, ", on(o.At), ". I do not look any more.")
	case change.Following, "":
		return nil
	default:
		return say("The outcome is " + oneLine(string(kind)) + ".")
	}
}

// inForce says since when the settings hold, and what keeps them from showing.
func inForce(r *change.Request) prose {
	o := r.Outcome
	after := "In force after " + length(o.InForceAt.Sub(r.AppliedAt)) + "."
	switch {
	case o.Schedule != "":
		return say("Saved. Schedule "+name(o.Schedule), " is in force, so it takes effect afterwards.")
	case o.OldSettings:
		return say("Saved for the environment, but the serving deployment still runs with its old settings.")
	case o.Kind == change.InForce && o.Goal > 0:
		return say(after + " " + active(o) + " active.")
	case o.Kind == change.InForce && touchesReplicas(r):
		return say(after + " " + plural(o.Replicas, "replica") + " active.")
	default:
		return say(after)
	}
}

// active counts replicas: 6 of 7.
func active(o change.Outcome) string {
	if o.Goal == 0 {
		return plural(o.Replicas, "replica")
	}
	return number(o.Replicas) + " of " + number(o.Goal)
}

func tooFewReplicas(r *change.Request) prose {
	o := r.Outcome
	since := length(o.At.Sub(r.AppliedAt))
	after := "In force after " + length(o.InForceAt.Sub(r.AppliedAt)) + ", but after " + since + " "
	if o.Replicas > o.Goal {
		return say(after + "it still has " + plural(o.Replicas, "active replica") + ", above the max of " + number(o.Goal) + ".")
	}
	return say(after + "it has only " + active(o) + " replicas. Baseten gives no reason; it may lack capacity.")
}

func overruled(r *change.Request) prose {
	what := "The settings were changed"
	if r.Outcome.Current.Only(r.Ask.Settings).Equal(r.Snapshot.Settings.Only(r.Ask.Settings)) {
		what = "The settings were put back"
	}
	return say(what+" by ", changer(r.Outcome.By), ", seen ", on(r.Outcome.At), ": "+found(r)+".")
}

// changer names who changed settings, with the key or the place and the program that they
// used, as far as Baseten tells.
func changer(by baseten.Changer) prose {
	if by == (baseten.Changer{}) {
		return say("somebody else (Terraform or an operator?)")
	}
	var with []string
	switch by.Source {
	case "UI":
		with = append(with, "on Baseten's pages")
	case "API", "SYSTEM", "":
	default:
		with = append(with, "through "+name(by.Source))
	}
	if by.Client != "" {
		with = append(with, "with "+name(by.Client))
	}
	who := name(by.Name)
	switch {
	case by.Own:
		who = "somebody who uses the bot's own API key"
	case by.Key:
		who = "the API key " + who
	case by.Name == "":
		who = "Baseten itself"
	}
	if with == nil {
		return say(who)
	}
	return say(who + " (" + strings.Join(with, ", ") + ")")
}

// changedBy is a sentence about who did it, nothing where Baseten does not tell.
func changedBy(by baseten.Changer) prose {
	if by == (baseten.Changer{}) {
		return nil
	}
	return say(" Changed by ", changer(by), ".")
}

// found is what stands there instead of what was asked.
func found(r *change.Request) string {
	var differ []baseten.Field
	for _, f := range r.Ask.Settings.Fields() {
		if v, ok := r.Outcome.Current[f]; !ok || v != r.Ask.Settings[f] {
			differ = append(differ, f)
		}
	}
	if differ == nil {
		return "as asked"
	}
	return current(r.Outcome.Current, differ)
}
