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

// Models is what list shows.
type Models struct {
	All []baseten.Model
	// Glob is the pattern, in which * stands for any letters; one without is a part of the
	// name. "" is for all.
	Glob string
	// Near are names that may have been meant where nothing fits.
	Near []string
	// Last returns the last reading of a model's targets, however old; it makes no call.
	Last func(modelID string) (baseten.Targets, bool)
	// Age is how old the list is where Baseten does not answer, 0 where it does.
	Age time.Duration
	Now time.Time
}

const (
	// mostRead is of how many models a list shows how they run.
	mostRead = 20
	// readFor is how old a reading may be to be shown in a list.
	readFor = 15 * time.Minute
)

// List shows the models whose name, or team/name, fits the pattern. Where they are few, it
// shows how each runs, as far as that was read lately.
func List(l Models) Message {
	glob := l.Glob
	models := l.All
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
		item := say(bold(modelName(m.Team, m.Name, m.SharedName)), " · "+name(m.ID)+" · "+plural(m.Deployments, "deployment"))
		if len(models) <= mostRead {
			item = join("\n", append([]prose{item}, l.running(m)...)...)
		}
		items = append(items, item)
	}
	var d draft
	switch {
	case len(items) > 0:
		d.list(items, say(" Narrow it down: ", code(slash+" list llama-*")))
	case glob == "":
		d.lines(say("There are no models."))
	case len(l.Near) > 0:
		near := make([]any, 0, 2*len(l.Near))
		for i, one := range l.Near {
			near = append(near, []string{"", ", "}[min(i, 1)], code(one))
		}
		d.lines(say(append([]any{bold(oneLine(glob)), " not found. There is: "}, near...)...))
	default:
		d.lines(say(bold(oneLine(glob)), " not found: no model has such a name. ", code(slash+" list"), " shows all; * stands for any letters."))
	}
	if l.Age > 0 {
		d.lines(say("⚠️ Baseten does not answer. This is from " + length(l.Age) + " ago."))
	}
	return d.message()
}

// running says of each environment of a model how it runs, as it was read last.
func (l Models) running(m baseten.Model) []prose {
	targets, ok := l.Last(m.ID)
	if !ok || l.Now.Sub(targets.ReadAt) > readFor {
		return nil
	}
	var out []prose
	for i := range targets.Environments {
		env := &targets.Environments[i]
		if env.Broken || env.Current == nil {
			continue
		}
		line := say(name(env.Name)+": ", howItRuns(env.Current, runsWith(env)))
		out = append(out, join(", ", line, bounds(env.Settings)))
	}
	if len(out) > 0 && l.Now.Sub(targets.ReadAt) > time.Minute {
		out[len(out)-1] = say(out[len(out)-1], " (as of ", at(targets.ReadAt), ")")
	}
	return out
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

// mostDecided is how many requests one answer shows with buttons, and pendingTerms how many
// freezes and temporary changes.
const (
	mostDecided  = 15
	pendingTerms = 5
)

// Pending lists what waits for people. What its reader could approve comes first, with the
// buttons of the card. Below stands what holds for a time.
func Pending(waiting []change.Listed, terms change.Terms) Message {
	var d draft
	if len(waiting) == 0 {
		d.lines(say("Nothing waits for anybody."))
	}
	var rest []prose
	shown := 0
	for _, r := range waiting {
		if r.Approvable && shown < mostDecided {
			shown++
			d.decide(r)
		} else {
			rest = append(rest, join("\n", pendingLines(r, waits(r.Request))...))
		}
	}
	if len(rest) > 0 {
		d.list(rest, nil)
	}
	d.terms(terms, pendingTerms)
	return d.message()
}

// decide shows one request with the buttons of those who decide, to one of them.
func (d *draft) decide(r change.Listed) {
	until := say("Waits until ", soon(r.ExpiresAt, r.CreatedAt), ".")
	if len(r.Votes) > 0 {
		until = waits(r.Request)
	}
	d.lines(pendingLines(r, until)...)
	d.buttons(decideButtons(r.Request)...)
}

// pendingLines are a request that waits: what is asked, by whom, what it costs, for whom it
// waits and until when.
func pendingLines(r change.Listed, until prose) []prose {
	return []prose{
		say(cardLink(r), " · ", named(r.Requester), " asks: ", shortWish(r.Request)),
		large(r.Request),
		join(" ", price(r.Request), until),
	}
}

// History lists past requests, newest first. All tells that those too were asked for that
// never reached Baseten.
func History(past []change.Listed, all bool) Message {
	var d draft
	switch {
	case len(past) > 0:
		items := make([]prose, 0, len(past))
		for _, r := range past {
			items = append(items, pastItem(r))
		}
		d.list(items, nil)
	case all:
		d.lines(say("No requests so far."))
	default:
		d.lines(say("No requests have reached Baseten so far. ", code(slash+" history all"), " shows the others too."))
	}
	return d.message()
}

// pastItem is a request that is over, or under way: what, by whom, when, and what came of
// it.
func pastItem(r change.Listed) prose {
	if r.Kind == change.KindFreeze {
		return pastFreeze(r)
	}
	icon, _, _ := heading(r.Request)
	when := r.SentAt
	if r.Sends == 0 {
		when = r.CreatedAt
	}
	return say(icon+" ", shortWish(r.Request), "\n",
		join(" ", say(named(r.Requester), " ", on(when), " · ", cardLink(r), "."), endOf(r.Request), cameOfIt(r.Request)))
}

// cameOfIt is who let a request happen, and what came of it.
func cameOfIt(r *change.Request) prose {
	var end, review, undone prose
	switch {
	case r.State == change.Applied && r.Sends > 0:
		end = say("Baseten: " + answerWord(r.Answer.Status) + ".")
		if r.Answer.ReadBack {
			end = say("Read back as asked.")
		}
	case r.State.Ended():
		end = ofItself(r).ending(onCard)
	default:
		end = say("It is " + stateWord(r.State) + ".")
	}
	switch {
	case r.Review.Open:
		review = say("Not reviewed yet.")
	case r.Review.By.ID != "":
		review = say("Reviewed by ", named(r.Review.By), ".")
	}
	if r.UndoneBy != "" {
		undone = say("Undone by " + r.UndoneBy.String() + ".")
	}
	return join(" ", approvedBy(r), end, outcome(r), term(r), review, undone)
}

// list shows a list; narrow says how to see what does not fit.
func (d *draft) list(items []prose, narrow prose) {
	if more := len(items) - mostListed; more > 0 {
		items = append(items[:mostListed:mostListed], say("… and "+number(more)+" more.", narrow))
	}
	d.bullets(items)
}
