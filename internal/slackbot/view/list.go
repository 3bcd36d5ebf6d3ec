package view

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// mostListed is how many models or requests one answer shows.
const mostListed = 40

// List shows the models whose name, or team/name, fits the pattern, in which * stands
// for any letters; a pattern without one is a part of the name. Age is how old the
// list is where Baseten does not answer, 0 where it does.
func List(models []baseten.Model, glob string, age time.Duration) Message {
	models = slices.DeleteFunc(slices.Clone(models), func(m baseten.Model) bool { return !fits(glob, m) })
	slices.SortFunc(models, func(x, y baseten.Model) int {
		return cmp.Or(strings.Compare(x.Name, y.Name), strings.Compare(x.Team, y.Team))
	})
	items := make([]prose, 0, len(models))
	for _, m := range models {
		if m.Unreadable != "" {
			items = append(items, broken(cmp.Or(m.Name, m.ID), m.Unreadable))
			continue
		}
		items = append(items, say(bold(modelName(m.Team, m.Name, m.SharedName)), " · "+name(m.ID)+" · "+plural(m.Deployments, "deployment")))
	}
	var d draft
	switch {
	case len(items) > 0:
		d.list(items, say(" Narrow it down: ", code(slash+" list llama-*")))
	case glob == "":
		d.lines(say("There are no models."))
	default:
		d.lines(say(bold(oneLine(glob)), " not found: no model has such a name. * stands for any letters."))
	}
	if age > 0 {
		d.lines(say("⚠️ Baseten does not answer. This is from " + length(age) + " ago."))
	}
	return d.message()
}

func fits(glob string, m baseten.Model) bool {
	if glob == "" {
		return true
	}
	if !strings.ContainsAny(glob, "*?[") {
		glob = "*" + glob + "*"
	}
	glob = strings.ToLower(glob)
	return matches(glob, m.Name) || matches(glob, m.Team+"/"+m.Name)
}

// matches lets * stand for slashes too.
func matches(glob, text string) bool {
	noSlash := func(s string) string { return strings.Map(slashAway, s) }
	ok, err := path.Match(noSlash(glob), noSlash(strings.ToLower(text)))
	return err == nil && ok
}

func slashAway(r rune) rune {
	if r == '/' {
		return '\x01'
	}
	return r
}

// Pending lists what waits for people.
func Pending(waiting []*change.Request) Message {
	var d draft
	if len(waiting) == 0 {
		d.lines(say("Nothing waits for anybody."))
		return d.message()
	}
	items := make([]prose, 0, len(waiting))
	for _, r := range waiting {
		items = append(items, say(bold(r.ID.String()), " · ", user(r.Requester.ID), "\n", wish(r), "\n", waits(r)))
	}
	d.list(items, nil)
	return d.message()
}

// History lists past requests, newest first.
func History(past []*change.Request) Message {
	var d draft
	if len(past) == 0 {
		d.lines(say("No requests so far."))
		return d.message()
	}
	items := make([]prose, 0, len(past))
	for _, r := range past {
		state := r.ID.String() + " " + stateWord(r.State)
		if r.State == change.Applied && !r.Answer.ReadBack {
			state += " (" + answerWord(r.Answer.Status) + ")"
		}
		items = append(items, say(bold(state), " · ", user(r.Requester.ID), " ", on(r.CreatedAt), "\n", wish(r), historyEnd(r)))
	}
	d.list(items, nil)
	return d.message()
}

// historyEnd is who let it happen, and what came of it.
func historyEnd(r *change.Request) prose {
	var undone prose
	if r.UndoneBy != "" {
		undone = say("Undone by " + r.UndoneBy.String() + ".")
	}
	all := join(" ", approvedBy(r), outcome(r), undone)
	if len(all) == 0 {
		return nil
	}
	return say("\n", all)
}

// list shows a list; narrow says how to see what does not fit.
func (d *draft) list(items []prose, narrow prose) {
	if more := len(items) - mostListed; more > 0 {
		items = append(items[:mostListed:mostListed], say("… and "+number(more)+" more.", narrow))
	}
	d.bullets(items)
}
