package slackbot

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// listAtMost is how many models or requests one answer shows.
const listAtMost = 40

// modelsMessage lists models by name. stale says, if it is not empty, how old they are.
func modelsMessage(models []baseten.Model, glob, stale string) message {
	shared := make(map[string]int, len(models))
	for _, m := range models {
		shared[m.Name]++
	}
	models = slices.DeleteFunc(slices.Clone(models), func(m baseten.Model) bool {
		return glob != "" && !matches(glob, m.Name) && !matches(glob, m.Team+"/"+m.Name)
	})
	slices.SortFunc(models, func(x, y baseten.Model) int {
		return strings.Compare(x.Name+"\x00"+x.Team, y.Name+"\x00"+y.Team)
	})
	switch {
	case len(models) == 0 && glob == "":
		return plainMessage("There are no models.")
	case len(models) == 0:
		return plainMessage(inert(glob) + " not found: no model has such a name. * stands for any letters.")
	}
	items := make([]line, 0, len(models))
	for _, m := range models {
		deployments := fmt.Sprintf("%d deployments", m.Deployments)
		if m.Deployments == 1 {
			deployments = "1 deployment"
		}
		team := ""
		if m.Team != "" && shared[m.Name] > 1 {
			team = named(m.Team) + "/"
		}
		items = append(items, line{literal(team), bold(named(m.Name)), literal(" · " + named(m.ID) + " · " + deployments)})
	}
	return listMessage(items, "Narrow it down: /autoscale list llama-*", stale)
}

func matches(glob, name string) bool {
	ok, err := path.Match(strings.ReplaceAll(glob, "/", "\x01"), strings.ReplaceAll(name, "/", "\x01"))
	return err == nil && ok
}

// pendingMessage lists what waits for people.
func pendingMessage(waiting []*change.Request) message {
	if len(waiting) == 0 {
		return plainMessage("Nothing waits for anybody.")
	}
	items := make([]line, 0, len(waiting))
	for _, r := range waiting {
		item := line{bold(r.ID.String()), literal(" · "), person(r.Requester.ID), literal("\n" + targetName(r.Target) + ", " + diffText(r) + "\n")}
		items = append(items, append(item, words(waitingText(r))...))
	}
	return listMessage(items, "", "")
}

// historyMessage lists past requests.
func historyMessage(past []*change.Request) message {
	if len(past) == 0 {
		return plainMessage("No requests so far.")
	}
	items := make([]line, 0, len(past))
	for _, r := range past {
		what := oneLine(r.Ask.Text)
		if r.Target.ModelID != "" {
			what = targetName(r.Target) + ", " + diffText(r)
		}
		head := r.ID.String() + " " + string(r.State)
		if r.State == change.Applied && !r.Answer.ReadBack {
			head += " (" + oneLine(statusWord(r.Answer.Status)) + ")"
		}
		item := append(line{bold(head), literal(" · "), person(r.Requester.ID), literal(" ")}, words(at(r.CreatedAt))...)
		items = append(items, append(item, literal("\n"+what)))
	}
	return listMessage(items, "", "")
}

// listMessage shows a list; narrow says how to see what does not fit.
func listMessage(items []line, narrow, foot string) message {
	if more := len(items) - listAtMost; more > 0 {
		rest := strings.TrimSpace(fmt.Sprintf("… and %d more. %s", more, narrow))
		items = append(items[:listAtMost:listAtMost], line{literal(rest)})
	}
	out := make([]string, 0, len(items)+1)
	for _, item := range items {
		out = append(out, spoken(item))
	}
	m := message{blocks: []slack.Block{bullets(items...)}}
	if foot != "" {
		out = append(out, escaped(foot))
		m.blocks = append(m.blocks, small(foot))
	}
	m.text = strings.Join(out, "\n")
	return m
}

// self is what the bot knows of whoever asks.
type self struct {
	user, channel, standing string
	// known tells that groups and rules could be looked up.
	known         bool
	groups, rules []string
}

func whoamiMessage(me self) message {
	rows := []line{
		{literal("You: "), code(me.user)},
		{literal("This channel: "), code(me.channel)},
		{literal("Standing: " + me.standing)},
	}
	if me.known {
		rows = append(rows,
			line{literal("Groups: " + orNone(me.groups))},
			line{literal("Rules that name you: " + orNone(me.rules))})
	}
	out := make([]string, 0, len(rows))
	for _, row := range rows {
		out = append(out, spoken(row))
	}
	return message{text: strings.Join(out, "\n"), blocks: []slack.Block{lines(rows...)}}
}

func orNone(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return oneLine(strings.Join(s, ", "))
}

// helpMessage shows help: what can be typed in a fixed-width font, what it does
// beside it.
func helpMessage(text string) message {
	var body []line
	for l := range strings.Lines(text) {
		l = strings.TrimSuffix(l, "\n")
		usage, what, found := strings.Cut(l, " — ")
		sample, indented := strings.CutPrefix(usage, "    ")
		lead, example, named := strings.Cut(sample, "or example: ")
		switch {
		case named && !found:
			body = append(body, line{literal(lead + "or example: "), code(example)})
		case found:
			body = append(body, line{code(sample), literal(" — " + what)})
		case indented:
			body = append(body, line{code(sample)})
		default:
			body = append(body, line{literal(cmp.Or(l, " "))})
		}
	}
	return message{text: escaped(text), blocks: []slack.Block{lines(body...)}}
}
