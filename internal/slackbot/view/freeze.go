package view

import (
	"cmp"
	"slices"

	"autoscalebot/internal/change"
)

// frozenThing is what a freeze keeps changes from.
func frozenThing(model, target string) string {
	switch {
	case model == change.AllModels:
		return "all models"
	case target == "":
		return name(model)
	default:
		return name(model) + " / " + name(target)
	}
}

func frozenBy(r *change.Request) string { return frozenThing(r.FrozenModel(), r.Target.Name()) }

func isAre(model string) string {
	if model == change.AllModels {
		return " are "
	}
	return " is "
}

// freezeCard shows a freeze: who froze what until when and why, what that means, and the
// temporary changes that cannot end before.
func freezeCard(r *change.Request) Message {
	var d draft
	inForce := r.State == change.Applied && r.Term.OverAt.IsZero()
	icon, verb := freezeHeading(r)
	lines := []prose{say(icon+" ", named(r.Requester), " "+verb+" ", bold(frozenBy(r)), freezeUntil(r)), askedReason(r)}
	if inForce || !r.State.Ended() {
		what := "Until then nobody changes anything there, and no temporary change goes back."
		if r.Ask.BreakGlass {
			what += " Break-glass goes through."
		}
		lines = append(append(lines, say(what)), notes(r)...)
	}
	d.lines(append(lines, freezeEnd(r))...)
	if inForce {
		d.buttons(button(ActionThaw, "Thaw", r.ID, frozenBy(r)))
	}
	d.identifiers(r)
	return d.message()
}

func freezeHeading(r *change.Request) (icon, verb string) {
	switch {
	case r.State == change.Applied && r.Term.OverAt.IsZero():
		return "🧊", "froze"
	case r.State == change.Applied:
		return "⚪", "froze"
	case r.State.Ended():
		return "⚪", "asked to freeze"
	default:
		return "🧊", "asks to freeze"
	}
}

// freezeEnd is how a freeze ended, nothing while it is in force.
func freezeEnd(r *change.Request) prose {
	switch {
	case !r.State.Ended(), r.State == change.Applied && r.Term.OverAt.IsZero():
		return nil
	case r.State == change.Applied:
		return thawed(r)
	default:
		return ofItself(r).ending(onCard)
	}
}

func freezeUntil(r *change.Request) prose {
	switch {
	case !r.Term.EndsAt.IsZero():
		return say(" until ", soon(r.Term.EndsAt, r.CreatedAt), inZone(r, r.Term.EndsAt), ".")
	case r.Ask.Clock != "":
		return say(" until " + oneLine(r.Ask.Clock) + ".")
	case !r.Ask.Until.IsZero():
		return say(" until ", soon(r.Ask.Until, r.CreatedAt), inZone(r, r.Ask.Until), ".")
	default:
		return say(" for " + length(r.Ask.For) + ".")
	}
}

func thawed(r *change.Request) prose {
	if r.CanceledBy.ID == "" {
		return say("Over since ", soon(r.Term.OverAt, r.CreatedAt), ".")
	}
	return say("Thawed by ", named(r.CanceledBy), " ", atTime(r.Term.OverAt, r.CreatedAt), ".")
}

// freezeOver is the reply that tells that a freeze is over, or why there is none.
func freezeOver(r *change.Request) Message {
	var d draft
	requester, small := say(user(r.Requester.ID), " "), d.identifiers
	if asPlanned(r) {
		requester, small = nil, func(r *change.Request, _ ...prose) { d.identifiersQuietly(r) }
	}
	switch {
	case r.State != change.Applied:
		d.lines(say(requester, told(r).quiet()))
	case r.CanceledBy.ID == "":
		d.lines(say("The freeze of ", bold(frozenBy(r)), " is over. What it stopped can be asked again."))
	default:
		d.lines(say(requester, named(r.CanceledBy), " thawed ", bold(frozenBy(r)), ". What the freeze stopped can be asked again."))
	}
	small(r)
	return d.message()
}

// frozen says who froze something until when, why, and who can thaw it.
func frozen(t telling) prose {
	f := t.Freeze
	if f == nil {
		return say("it is frozen.")
	}
	text := say(frozenThing(f.Model, f.Target)+isAre(f.Model)+"frozen by ", named(f.By), " until ", on(f.Until), ": "+stopped(f.Reason))
	if t.r.Kind == change.KindRevert && t.r.Origin.Kind == change.OriginTimeUp {
		return say(text, " It goes back once the freeze is over.")
	}
	text = say(text, " ", thawers(t), " can thaw ", link(f.ID.String(), f.Link), ".")
	if f.BreakGlass {
		text = say(text, " Break-glass goes through.")
	}
	return text
}

// thawers are those who can thaw a freeze. What everybody reads calls nobody: it names
// groups alone beside whoever froze.
func thawers(t telling) prose {
	who := t.Freeze.Thaw
	if t.viewer == "" {
		who = slices.DeleteFunc(slices.Clone(who), userID.MatchString)
	}
	return names(append([]string{cmp.Or(t.Freeze.By.Name, t.Freeze.By.ID)}, who...))
}

// notFrozen says why there is nothing to thaw.
func notFrozen(t telling) prose {
	switch r := t.r; {
	case r.Kind != change.KindFreeze:
		return say(other(t), " is no freeze. ", code(slash+" pending"), " lists the freezes.")
	case !r.Term.OverAt.IsZero() && r.CanceledBy.ID == "":
		return say(other(t), " is over since ", soon(r.Term.OverAt, r.CreatedAt), ".")
	case !r.Term.OverAt.IsZero():
		return say(other(t), " is over already: thawed by ", named(r.CanceledBy), " ", atTime(r.Term.OverAt, r.CreatedAt), ".")
	case r.State.Ended() && r.State != change.Applied:
		return say(other(t), " never was in force: it "+standing(r.State)+".")
	case !r.State.Ended():
		return say(other(t), " is not in force yet: it "+standing(r.State)+".")
	default: // its time is up, and nobody has noted it yet
		return say(other(t), " is over.")
	}
}

// notThawer says who can thaw a freeze.
func notThawer(t telling) prose {
	if t.Freeze == nil {
		return say("you cannot thaw it.")
	}
	return say("only ", thawers(t), " can thaw ", link(t.Freeze.ID.String(), t.Freeze.Link), ".")
}

// pastFreeze is a freeze among past requests.
func pastFreeze(r change.Listed) prose {
	icon, verb := freezeHeading(r.Request)
	return say(icon+" ", named(r.Requester), " "+verb+" ", bold(frozenBy(r.Request)), freezeUntil(r.Request), "\n", join(" ", say("Reason: "+stopped(r.Ask.Reason)), freezeEnd(r.Request), cardLink(r)))
}

// mostFreezes is how many freezes stand above the targets of a model.
const mostFreezes = 5

func freezeLines(all []change.Listed) []prose {
	out := make([]prose, 0, mostFreezes+1)
	for _, r := range all[:min(len(all), mostFreezes)] {
		out = append(out, freezeLine(r))
	}
	if more := len(all) - mostFreezes; more > 0 {
		out = append(out, say("🧊 … and "+number(more)+" more freezes."))
	}
	return out
}

// freezeLine is a freeze in one line: what, by whom, until when, why.
func freezeLine(r change.Listed) prose {
	return say("🧊 ", bold(frozenBy(r.Request)), isAre(r.FrozenModel())+"frozen by ", named(r.Requester), " until ", on(r.Term.EndsAt), ": "+stopped(r.Ask.Reason)+" ", cardLink(r))
}
