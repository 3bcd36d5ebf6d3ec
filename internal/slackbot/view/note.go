package view

import (
	"fmt"
	"slices"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// notes are what stands in the way of a change taking effect or lasting, one sentence
// each, with the way out.
func notes(r *change.Request) []prose {
	var out []prose
	if warning := hiddenNames(r.Target); len(warning) > 0 {
		out = append(out, warning)
	}
	for _, n := range r.Snapshot.Notes {
		if n.Code == change.NoteHeld && r.State.Ended() { // it was sent in time, or is not sent any more
			continue
		}
		out = append(out, say("⚠️ ", note(r, n)))
	}
	return out
}

func note(r *change.Request, n change.Note) prose {
	target := name(r.Target.Name())
	switch n.Code {
	case change.NoteServes:
		return say(bold("This deployment serves "+name(n.Name)), ": the next promotion overwrites the change. To keep it, change the environment: ", environmentLine(r, n.Name))
	case change.NotePromoting:
		return say(bold("This deployment is being promoted into "+name(n.Name)), ", which lays that environment's settings on it.")
	case change.NoteNothingServes:
		return say("No deployment serves " + target + " yet: the settings apply to the first one promoted into it.")
	case change.NotePromotionRuns:
		return say(bold("A promotion into "+target+" is in progress"), " ("+statusWord(n.Status)+percent(n.Percent)+"): replicas may follow only when it ends.")
	case change.NoteSchedule:
		return schedule(r, n)
	case change.NoteScheduleNext:
		return scheduleNext(r, n)
	case change.NoteSchedulesOdd:
		return say(bold("There are schedules that I cannot read"), ": one of them may override this change.")
	case change.NoteOwnSettings:
		return say("The serving deployment "+name(n.Name)+" runs with settings of its own: ", stands(n.Moved), ".")
	case change.NoteInactive:
		return say(target + " is inactive: the settings apply once somebody activates it at Baseten.")
	case change.NoteScaledToZero:
		return say(target + " is scaled to zero: the first request wakes it and waits while the model loads.")
	case change.NoteDeploying:
		return say(target + " is still deploying (" + statusWord(n.Status) + ").")
	case change.NoteNotRunning:
		return say(target + " does not run (" + statusWord(n.Status) + "): the settings change nothing until it is deployed again.")
	case change.NoteMayScaleDown:
		return say("With min 0 it may scale to zero, and then the first request waits while the model loads.")
	case change.NoteTokensRule:
		return say("It scales on in-flight tokens, so the concurrency target may have no effect.")
	case change.NoteCannotClear:
		return say(bold(labels(n.Fields)+" can never be cleared again"), " once set: Baseten has no way back to \"not set\".")
	case change.NoteHeld:
		return say(bold("Only until "), soon(n.Until, r.CreatedAt), ": then "+n.Request.String()+" ends and ", stands(n.Moved), ", so this would have to be asked again.")
	case change.NoteEndInWindow:
		return say("When it ends, ", soon(n.Until, r.CreatedAt), ", schedule "+name(n.Name)+" is in force: ", stands(n.Moved), ".")
	case change.NoteStaysAsItIs:
		return say(neverSet(n.Fields) + ": this stays as it is.")
	case change.NoteDoesNotFit:
		return say(labels(n.Fields) + staysOrStay(n.Fields) + " as it is: the old value does not fit to what was changed since.")
	case change.NoteMovedSince:
		return say(stands(n.Moved)+": changed since, so it stays as it is.", changedBy(n.By))
	case change.NoteWaitsForThaw:
		return say(bold(title(n.Target)), " was to go back ", atTime(n.Until, r.CreatedAt), " (", link(n.Request.String(), n.Link), "), and waits for the thaw.")
	default:
		return say("Note: " + oneLine(string(n.Code)) + ".")
	}
}

func staysOrStay(fields []baseten.Field) string {
	if len(fields) == 1 {
		return " stays"
	}
	return " stay"
}

// environmentLine is the same change for the environment, to be typed.
func environmentLine(r *change.Request, environment string) piece {
	model := r.Target.Model
	if r.Target.Team != "" && r.Target.SharedName {
		model = r.Target.Team + "/" + model
	}
	if misread(r.Target.Model) || misread(r.Target.Team) {
		model = r.Target.ModelID
	}
	c := commands.Command{
		Name: commands.NameChange, Model: commands.Ref{Word: model},
		Target: commands.Ref{Kind: commands.KindEnvironment, Word: environment}, Settings: r.Ask.Settings,
	}
	c.For, c.Until = typedEnd(r)
	return typedHere(r, c.String())
}

// typedHere is a command as it can be typed where the request's card stands: threads
// take no slash commands.
func typedHere(r *change.Request, command string) piece {
	if r.Thread != "" {
		return code(atBot + " " + command)
	}
	return code(slash + " " + command)
}

func percent(moved *float64) string {
	if moved == nil {
		return ""
	}
	return fmt.Sprintf(", %.4g %% of traffic moved", *moved)
}

// schedule says which of the settings asked for a window masks, and until when. Of a
// deployment it overwrites them: its edges are Baseten's own changes.
func schedule(r *change.Request, n change.Note) prose {
	text := say(bold("Schedule " + name(n.Name) + " is in force"))
	if !n.Until.IsZero() {
		text = say(text, " until ", on(n.Until))
	}
	switch {
	case len(n.Fields) == 0: // by an older version
		return say(text, ": the change takes effect when it ends.")
	case r.Target.Environment == "":
		return say(text, ": when it ends, it sets "+labels(n.Fields)+" to what "+name(r.Target.Serves)+" has.")
	}
	text = say(text, ": it masks "+labels(n.Fields)+" until it ends.")
	switch rest := without(r.Ask.Settings.Fields(), n.Fields); len(rest) {
	case 0:
	case 1:
		text = say(text, " "+label(rest[0])+" holds at once.")
	default:
		text = say(text, " All else holds at once.")
	}
	return say(text, " To act sooner, change the schedule at Baseten.")
}

// scheduleNext says when a window begins that overrides settings asked for, and what it
// sets.
func scheduleNext(r *change.Request, n change.Note) prose {
	sets := make([]string, 0, len(n.Moved))
	for _, m := range n.Moved {
		sets = append(sets, word(m.Field)+" "+valueOf(m.Field, m.Is))
	}
	return say(bold("Schedule "+name(n.Name)+" takes over"), " ", soon(n.Until, r.Snapshot.At), ": "+joined(", ", sets, "with other settings")+".")
}

func without(fields, gone []baseten.Field) []baseten.Field {
	return slices.DeleteFunc(slices.Clone(fields), func(f baseten.Field) bool { return slices.Contains(gone, f) })
}
