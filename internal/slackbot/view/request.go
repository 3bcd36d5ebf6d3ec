package view

import (
	"strings"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// Words that people type in front of a command: alone, and in threads, where Slack
// takes no slash commands.
const (
	slash = commands.Slash
	atBot = "@autoscale"
)

// Request shows one part of a request. It is a pure function of the request.
func Request(r *change.Request, part change.Part) Message {
	switch part {
	case change.Card:
		if r.Kind == change.KindFreeze {
			return freezeCard(r)
		}
		return card(r)
	case change.Reply:
		return reply(r)
	case change.BadNews:
		return news(r)
	case change.Reminder:
		return reminder(r)
	case change.ReviewReminder:
		return reviewReminder(r)
	case change.EndNotice:
		return endNotice(r)
	case change.EndOverdue:
		return endOverdue(r)
	default:
		return reviewCard(r)
	}
}

// title is what a request changes: llama-70b / production. A model has its team in
// front where another has the same name.
func title(t baseten.Target) string {
	model := modelName(t.Team, t.Model, t.SharedName)
	switch {
	case t.Environment != "":
		return model + " / " + name(t.Environment)
	case t.Serves != "":
		return model + " / deployment " + name(t.Deployment) + " (serves " + name(t.Serves) + ")"
	default:
		return model + " / deployment " + name(t.Deployment)
	}
}

func modelName(team, model string, shared bool) string {
	if team == "" || !shared {
		return name(model)
	}
	return name(team) + "/" + name(model)
}

// wishes are the settings asked for, each before → after. A value that is there
// already is no change.
func wishes(r *change.Request) []prose {
	out := make([]prose, 0, len(r.Ask.Settings))
	for _, f := range r.Ask.Settings.Fields() {
		out = append(out, wished(r, f, label(f)+": "))
	}
	return out
}

func wished(r *change.Request, f baseten.Field, called string) prose {
	before, after := pick(r.Snapshot.Settings, f), r.Ask.Settings[f]
	if r.Snapshot.At.IsZero() { // refused before anything was read
		return say(called, bold(value(f, after)))
	}
	if before != nil && *before == after {
		return say(called, bold(value(f, after)), " (stays)")
	}
	text := say(called+valueOf(f, before), to(), bold(value(f, after)))
	if replicas(f) && before != nil {
		text = say(text, " ("+signed(after-*before)+")")
	}
	return text
}

// mostWishes is how many settings stand in lines of their own. Where there are more,
// all but the replicas share one, so that a phone shows price and buttons too.
const mostWishes = 4

// wishLines are the settings asked for, what decides in lines of its own.
func wishLines(r *change.Request) []prose {
	all := wishes(r)
	if len(all) <= mostWishes {
		return all
	}
	all = nil
	var rest []prose
	for _, f := range r.Ask.Settings.Fields() {
		if replicas(f) {
			all = append(all, wished(r, f, label(f)+": "))
		} else {
			rest = append(rest, wished(r, f, word(f)+" "))
		}
	}
	return append(all, join(", ", rest...))
}

func replicas(f baseten.Field) bool { return f == baseten.MinReplica || f == baseten.MaxReplica }

// large says which raises may be a slip of the finger.
func large(r *change.Request) prose {
	l := r.Decision.Large
	parts := make([]prose, 0, len(l.Fields)+1)
	for _, f := range l.Fields {
		if was := r.Snapshot.Settings[f]; was > 0 {
			parts = append(parts, say(bold(label(f)+" would be "+number(r.Ask.Settings[f]/was)+" times what it is")))
		} else {
			parts = append(parts, say(bold(label(f)+" would go from 0 to "+number(r.Ask.Settings[f]))))
		}
	}
	switch c := r.Snapshot.Cost; {
	case l.Cost && c != nil:
		parts = append(parts, say(bold("it may cost "+money(c.CeilingAfter)+"/h")))
	case l.Cost:
		parts = append(parts, say(bold("the price is not known")))
	}
	if len(parts) == 0 {
		return nil
	}
	return say("⚠️ ", join(", ", parts...), ".")
}

// wish is target and settings in one line; of a request whose target was not found,
// what was typed.
func wish(r *change.Request) prose {
	if r.Target.ModelID == "" {
		return say(code(slash + " " + oneLine(r.Ask.Text)))
	}
	return say(bold(title(r.Target)), " — ", join(", ", wishes(r)...))
}

// shortWish is wish in the words that people type.
func shortWish(r *change.Request) prose {
	if r.Target.ModelID == "" {
		return wish(r)
	}
	return say(bold(title(r.Target)), " — ", shortWishes(r))
}

// shortWishes are the settings asked for in one line: max 4 → 7 (+3).
func shortWishes(r *change.Request) prose {
	out := make([]prose, 0, len(r.Ask.Settings))
	for _, f := range r.Ask.Settings.Fields() {
		out = append(out, wished(r, f, word(f)+" "))
	}
	return join(", ", out...)
}

// touchesReplicas reports whether the request asks for replicas, which cost money.
func touchesReplicas(r *change.Request) bool {
	_, least := r.Ask.Settings[baseten.MinReplica]
	_, most := r.Ask.Settings[baseten.MaxReplica]
	return least || most
}

// price is the list price of what may run and of what always runs, where replicas
// are asked for.
func price(r *change.Request) prose {
	switch c := r.Snapshot.Cost; {
	case !touchesReplicas(r):
		return nil
	case c == nil:
		return say("List price unknown.")
	default:
		return say("Up to ", bold(money(c.CeilingAfter)+"/h"), before(r, c.CeilingBefore, c.CeilingAfter),
			", idle "+money(c.FloorAfter)+"/h", before(r, c.FloorBefore, c.FloorAfter), ".")
	}
}

// before is the price without the change: that of now, until it is made.
func before(r *change.Request, was, is float64) string {
	switch {
	case money(was) == money(is):
		return ""
	case r.State == change.Applied:
		return " (was " + money(was) + ")"
	default:
		return " (now " + money(was) + ")"
	}
}

// runs is how many replicas run now, of how many that may.
func runs(r *change.Request) string {
	s := r.Snapshot
	of := ""
	most, known := s.Settings[baseten.MaxReplica]
	if known {
		of = " of " + number(most)
	}
	switch {
	case s.Status == "":
		return ""
	case s.Status == "SCALED_TO_ZERO" && s.Replicas == 0:
		return "Scaled to zero now."
	case s.Status != "ACTIVE":
		return "Now " + statusWord(s.Status) + ", " + number(s.Replicas) + of + " run."
	case known && s.Replicas > most:
		return number(s.Replicas) + " run, above the max of " + number(most) + "."
	case known && s.Replicas == most:
		return number(s.Replicas) + of + " run: at the limit."
	default:
		return number(s.Replicas) + of + " run."
	}
}

// statusWord is a status of a deployment or a promotion, as Baseten names it, in
// small letters.
func statusWord(status string) string {
	return name(strings.ToLower(strings.Join(strings.Split(status, "_"), " ")))
}

// stays names the settings that the request leaves alone.
func stays(r *change.Request) string {
	rest := r.Snapshot.Settings.Without(r.Ask.Settings)
	if len(rest) == 0 {
		return ""
	}
	return "Stays: " + inWords(rest)
}

// identifiers is the small line that names a request in Baseten's and our terms.
func (d *draft) identifiers(r *change.Request, more ...prose) {
	d.identifiersBy(r, say("by ", user(r.Requester.ID)), more...)
}

// identifiersQuietly is the same for what notifies nobody.
func (d *draft) identifiersQuietly(r *change.Request) {
	d.identifiersBy(r, say("by ", named(r.Requester)).quiet())
}

func (d *draft) identifiersBy(r *change.Request, by prose, more ...prose) {
	ids := []prose{say(r.ID)}
	if r.Target.ModelID != "" {
		ids = append(ids, say("model "+name(r.Target.ModelID)))
	}
	if r.Target.DeploymentID != "" {
		ids = append(ids, say("deployment "+name(r.Target.DeploymentID)))
	}
	d.small(append([]prose{join(" · ", ids...), by}, more...)...)
}

// mostPeople is how many people one sentence names.
const mostPeople = 5

// people lists persons, of whom more are not in ids.
func people(ids []string, more int) prose {
	list := make([]prose, 0, len(ids))
	for _, id := range ids[:min(len(ids), mostPeople)] {
		list = append(list, say(user(id)))
	}
	if more += max(0, len(ids)-mostPeople); more > 0 {
		list = append(list, say(number(more)+" more"))
	}
	return join(", ", list...)
}

// untouched reports whether it is certain that the request changed nothing at
// Baseten. Where no answer told what became of an attempt, nothing is certain.
func untouched(r *change.Request) bool {
	switch r.Reason.Code {
	case change.NotTaken, change.NotSentAgain, change.NeverKnown, change.OverwrittenSince, change.WaitsForOutcome:
		return false
	case change.BasetenRefused, change.BasetenAuth, change.BasetenLimited:
		return r.Sends <= 1 // what came before the answer is not known
	default:
		return r.Sends == 0
	}
}

// approvedBy is who let the request go ahead, nothing where nobody had to.
func approvedBy(r *change.Request) prose {
	switch {
	case r.Reason.Code == change.NotAnnounced:
		return nil
	case r.BrokeGlass():
		return say("🚨 Break-glass: the approval was skipped.")
	case r.ConfirmedBy.ID != "":
		return say("Confirmed.")
	case len(r.Votes) == 0:
		return nil
	default:
		return say("Approved by ", voters(r), ".")
	}
}

// voters are those whose approvals count.
func voters(r *change.Request) prose {
	list := make([]prose, 0, len(r.Votes))
	for _, v := range r.Votes {
		if _, ignored := r.Tally.Ignored[v.Person.ID]; !ignored {
			list = append(list, say(person(v.Person)))
		}
	}
	return join(", ", list...)
}

// Baseten's words for how it took a change. It defines none of them.
const (
	accepted  = "ACCEPTED"
	queued    = "QUEUED"
	unchanged = "UNCHANGED"
)

// answerWord is Baseten's status as it is; one that this version does not know is
// shown as such.
func answerWord(status string) string {
	switch status {
	case accepted, queued, unchanged:
		return status
	case "":
		return "no status given"
	default:
		return "unknown status " + oneLine(status)
	}
}
