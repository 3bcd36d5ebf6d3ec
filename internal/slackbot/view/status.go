package view

import (
	"cmp"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// mostTargets is how many targets of a model have lines of their own.
const mostTargets = 20

// Status shows a model at the moment now, a line for each target, those at their max
// first: how it runs, what it may cost, who set it last, and what waits. With only, it
// shows that target alone, in full.
func Status(st change.ModelStatus, only *baseten.Resolved, now time.Time) Message {
	s := status{ModelStatus: st, now: now, full: only != nil}
	s.read(only)
	slices.SortStableFunc(s.targets, func(a, b shownTarget) int { return cmp.Compare(a.rank, b.rank) })

	var d draft
	m := st.Model
	d.lines(say(bold(modelName(m.Team, m.Name, m.SharedName))))
	if len(s.targets)+len(s.idle) == 0 {
		d.lines(say("No environments or deployments."))
	}
	d.lines(freezeLines(st.Terms.Freezes)...)
	for i, t := range s.targets {
		if i == mostTargets {
			d.lines(say("… and " + number(len(s.targets)-i) + " more. Name one to see it."))
			break
		}
		d.lines(t.lines...)
		if t.button != nil {
			d.buttons(t.button)
		}
	}
	d.lines(s.notRunning())
	if st.Targets.Stale {
		d.lines(say("⚠️ Baseten does not answer. This was read " + length(now.Sub(st.Targets.ReadAt)) + " ago."))
	}
	ids := []prose{say("model " + name(m.ID))}
	if only != nil && only.Deployment != nil {
		ids = append(ids, say("deployment "+name(only.Deployment.Name)+" ("+name(only.Deployment.ID)+")"))
	}
	d.small(join(" · ", ids...))
	return d.message()
}

// status gathers what is shown of a model's targets.
type status struct {
	change.ModelStatus
	now     time.Time
	full    bool
	targets []shownTarget
	// idle are deployments that nothing runs on and no environment has.
	idle []*baseten.Deployment
}

// shownTarget is one target, as it is shown.
type shownTarget struct {
	rank   int // 0 is at its max
	lines  []prose
	button *slack.ButtonBlockElement // nil where there is nothing to change
}

// read gathers all targets, or the one that was named. Of deployments that an environment
// has, the environment tells.
func (s *status) read(only *baseten.Resolved) {
	for i := range s.Targets.Environments {
		env := &s.Targets.Environments[i]
		if only == nil || only.Environment != nil && only.Environment.Name == env.Name {
			s.environment(env)
		}
	}
	for i := range s.Targets.Deployments {
		d := &s.Targets.Deployments[i]
		switch {
		case only == nil && d.Environment != "":
		case only == nil && resting(d):
			s.idle = append(s.idle, d)
		case only == nil, only.Environment == nil && only.Deployment != nil && only.Deployment.ID == d.ID:
			s.deployment(d)
		}
	}
}

// resting reports that nothing of a deployment runs, or is about to.
func resting(d *baseten.Deployment) bool {
	switch d.Status {
	case "INACTIVE", "FAILED", "BUILD_FAILED", "DEPLOY_FAILED", "BUILD_STOPPED":
		return d.ActiveReplicas == 0 && !d.Broken
	default:
		return false
	}
}

// notRunning lists what rests in one line.
func (s *status) notRunning() prose {
	const most = 10
	if len(s.idle) == 0 {
		return nil
	}
	list := make([]prose, 0, most)
	for _, d := range s.idle[:min(len(s.idle), most)] {
		list = append(list, say(name(d.Name)+" ("+statusWord(d.Status)+")"))
	}
	text := say("Not running: ", join(", ", list...))
	if more := len(s.idle) - most; more > 0 {
		text = say(text, " and "+number(more)+" more")
	}
	return say(text, ".")
}

func (s *status) environment(env *baseten.Environment) {
	if env.Broken {
		s.add(shownTarget{rank: 1, lines: []prose{broken(env.Name, env.Unreadable)}})
		return
	}
	t := baseten.Target{ModelID: s.Model.ID, Environment: env.Name}
	head := say(bold(name(env.Name)), ": no deployment serves it")
	running := env.Settings
	if d := env.Current; d != nil {
		running = runsWith(env)
		head = say(bold(name(env.Name)), ": ", howItRuns(d, running))
	}
	lines := s.lines(head, t, baseten.Resolved{Environment: env}, env.Settings, env.Unreadable)
	lines = append(lines, differs(env))
	if env.Promotion.Running() {
		lines = append(lines, say("⚠️ A promotion is in progress: "+statusWord(env.Promotion.Status)+percent(env.Promotion.Percent)+"."))
	}
	lines = append(lines, s.schedules(env)...)
	s.add(shownTarget{s.rank(env.Current, running), lines, s.changeButton(baseten.Resolved{Environment: env}, env.Name)})
}

func (s *status) deployment(d *baseten.Deployment) {
	if d.Broken {
		s.add(shownTarget{rank: 1, lines: []prose{broken("deployment "+cmp.Or(d.Name, d.ID), d.Unreadable)}})
		return
	}
	t := baseten.Target{ModelID: s.Model.ID, DeploymentID: d.ID}
	head := say("deployment ", bold(name(d.Name)), ": ", howItRuns(d, d.Settings))
	if d.Environment != "" {
		head = say(head, ", serves "+name(d.Environment))
	}
	shown := shownTarget{rank: s.rank(d, d.Settings), lines: s.lines(head, t, baseten.Resolved{Deployment: d}, d.Settings, d.Unreadable)}
	if s.full || d.ActiveReplicas > 0 { // of the others nobody is in a hurry to change one
		shown.button = s.changeButton(baseten.Resolved{Deployment: d}, d.Name)
	}
	s.add(shown)
}

func (s *status) add(t shownTarget) { s.targets = append(s.targets, t) }

// rank puts what is at its max first.
func (s *status) rank(d *baseten.Deployment, running baseten.Settings) int {
	if d != nil && atMax(d, running) {
		return 0
	}
	return 1
}

// changeButton opens the form for a target. What cannot be read is not changed.
func (s *status) changeButton(r baseten.Resolved, what string) *slack.ButtonBlockElement {
	if r.Unreadable() != "" {
		return nil
	}
	return labelled(ActionChangeTarget, changeLabel, s.Model.ID+"/"+TargetValue(r), name(what))
}

// lines are those that every target has: how it runs, its bounds, its price, who set it
// last and what waits. In full, all settings and what came of the last change.
func (s *status) lines(head prose, t baseten.Target, r baseten.Resolved, settings baseten.Settings, unreadable string) []prose {
	parts := []prose{head}
	if unreadable == "" {
		parts = append(parts, bounds(settings), s.upTo(r, settings))
	}
	last := s.lastOf(t)
	if last != nil && !s.full {
		parts = append(parts, setBy(last, s.now))
	}
	parts = append(parts, s.heldOn(t, last))
	waiting := s.waitingFor(t)
	if !s.full && len(waiting) > 0 {
		parts = append(parts, brief(waiting))
	}
	lines := []prose{join(", ", parts...)}
	if unreadable != "" {
		lines = append(lines, say("⚠️ Its settings cannot be read: "+oneLine(unreadable)))
	}
	if !s.full {
		return lines
	}
	if rest := settings.Without(baseten.Settings{baseten.MinReplica: 0, baseten.MaxReplica: 0}); len(rest) > 0 {
		lines = append(lines, say(inWords(rest)))
	}
	for _, w := range waiting {
		lines = append(lines, say("⏳ ", cardLink(w), " by ", named(w.Requester), ": ", shortWishes(w.Request), ". ", waits(w.Request)))
	}
	if last != nil {
		lines = append(lines, say("Last: ", named(last.Requester), " ", soon(last.SentAt, s.now), ", ", shortWishes(last.Request), " (", cardLink(*last), "). ", cameOfIt(last.Request)))
	}
	return lines
}

// bounds are min and max as people type them.
func bounds(s baseten.Settings) prose {
	var words []prose
	for _, f := range []baseten.Field{baseten.MinReplica, baseten.MaxReplica} {
		if v, ok := s[f]; ok {
			words = append(words, say(word(f)+" "+value(f, v)))
		}
	}
	return join(" ", words...)
}

// upTo is the list price of what may run, nothing where it is not known.
func (s *status) upTo(r baseten.Resolved, settings baseten.Settings) prose {
	c := s.Prices.Cost(r, settings, settings)
	switch {
	case c == nil:
		return nil
	case s.full:
		return say("up to ", bold(money(c.CeilingAfter)+"/h"), ", idle "+money(c.FloorAfter)+"/h")
	default:
		return say("up to " + money(c.CeilingAfter) + "/h")
	}
}

// lastOf is the last change of a target that Baseten took, nil where none is known.
func (s *status) lastOf(t baseten.Target) *change.Listed {
	for i, r := range s.Last {
		if r.State == change.Applied && r.Target.SameObject(t) {
			return &s.Last[i]
		}
	}
	return nil
}

// setBy is who set a target last, and when. Where somebody else changed it since, it is
// not theirs any more.
func setBy(last *change.Listed, now time.Time) prose {
	if last.Outcome.Kind == change.Overruled {
		return say("changed by ", changer(last.Outcome.By), " since ", named(last.Requester), " ", soon(last.SentAt, now))
	}
	return say("set by ", named(last.Requester), " ", soon(last.SentAt, now))
}

// heldOn says until when temporary changes hold settings of the target. In full, what is
// said of the last change says it too.
func (s *status) heldOn(t baseten.Target, last *change.Listed) prose {
	var out []prose
	for _, r := range s.Terms.Temporary {
		if !r.Target.SameObject(t) || s.full && last != nil && last.ID == r.ID {
			continue
		}
		text := say(inWords(r.Ask.Settings)+" until ", soon(r.Term.EndsAt, s.now), ", then ", afterwards(r.Request), " (", cardLink(r), ")")
		if !r.Term.EndsAt.After(s.now) {
			text = say(bold(inWords(r.Ask.Settings)+" was to end "), soon(r.Term.EndsAt, s.now), " (", cardLink(r), ")")
		}
		out = append(out, text)
	}
	return join(", ", out...)
}

func (s *status) waitingFor(t baseten.Target) []change.Listed {
	var out []change.Listed
	for _, r := range s.Pending {
		if r.Target.SameObject(t) {
			out = append(out, r)
		}
	}
	return out
}

// brief says what waits in a few words: waiting: #NB8T8 → 30.
func brief(waiting []change.Listed) prose {
	const most = 2
	list := make([]prose, 0, most)
	for _, w := range waiting[:min(len(waiting), most)] {
		asked := w.Ask.Settings
		_, high := asked[baseten.MaxReplica]
		text := inWords(asked)
		if high && len(asked) == 1 {
			text = number(asked[baseten.MaxReplica])
		}
		list = append(list, say(cardLink(w), to(), text))
	}
	text := say("waiting: ", join(", ", list...))
	if more := len(waiting) - most; more > 0 {
		text = say(text, " and "+number(more)+" more")
	}
	return text
}

// cardLink is a request's ID, leading to its card.
func cardLink(r change.Listed) prose { return say(link(r.ID.String(), r.Link)) }

// schedules tell of the window in force, and of the next within a day.
func (s *status) schedules(env *baseten.Environment) []prose {
	var out []prose
	if env.Schedules == nil {
		return nil
	}
	if env.Schedules.Unreadable {
		out = append(out, say("⚠️ It has schedules that I cannot read."))
	}
	if one, ok := env.Schedules.InForce(); ok {
		text := say("⏱️ ", bold("Schedule "+name(cmp.Or(one.Name, one.ID))+" is in force"))
		if end := env.Schedules.End(one, s.now); !end.IsZero() {
			text = say(text, " until ", soon(end, s.now))
		}
		out = append(out, say(text, inForceValues(one)+"."))
	}
	touched := env.Settings.With(baseten.Settings{baseten.MinReplica: 0, baseten.MaxReplica: 0})
	if next, ok := env.Schedules.Next(touched, s.now); ok {
		one := next.Schedule
		out = append(out, say("⏱️ Schedule "+name(cmp.Or(one.Name, one.ID))+" begins ", soon(next.Begin, s.now), inForceValues(one)+"."))
	}
	return out
}

func inForceValues(s baseten.Schedule) string {
	if len(s.Settings) == 0 {
		return ""
	}
	return ": " + inWords(s.Settings)
}

// runsWith are the settings that an environment's deployment runs with now: those of the
// schedule in force, or its own where it has some.
func runsWith(env *baseten.Environment) baseten.Settings {
	out := env.Settings
	if d := env.Current; d != nil && d.Settings != nil {
		out = d.Settings
	}
	if one, ok := env.Schedules.InForce(); ok {
		out = out.With(one.Settings)
	}
	return out
}

// differs tells in what the deployment differs from its environment, where no schedule
// makes it so.
func differs(env *baseten.Environment) prose {
	d := env.Current
	if d == nil || d.Settings == nil || env.Settings == nil {
		return nil
	}
	masked, _ := env.Schedules.InForce()
	var own []string
	for _, f := range env.Settings.With(d.Settings).Fields() {
		was, is := pick(env.Settings, f), pick(d.Settings, f)
		if _, scheduled := masked.Settings[f]; scheduled || valueOf(f, was) == valueOf(f, is) {
			continue
		}
		own = append(own, word(f)+" "+valueOf(f, is))
	}
	if own == nil {
		return nil
	}
	return say("⚠️ " + name(d.Name) + ", which serves it, runs with " + joined(", ", own, "") + ".")
}

// broken is what Baseten describes in a way that cannot be read.
func broken(title, why string) prose {
	return say(bold(name(title)), ": ⚠️ Baseten's data for it cannot be read: "+oneLine(why))
}

// howItRuns is a deployment's status and replicas, of as many as may run.
func howItRuns(d *baseten.Deployment, s baseten.Settings) prose {
	most, known := s[baseten.MaxReplica]
	replicas := plural(d.ActiveReplicas, "replica")
	if known {
		replicas = number(d.ActiveReplicas) + " of " + plural(most, "replica")
	}
	switch {
	case d.Status == "SCALED_TO_ZERO" && d.ActiveReplicas == 0:
		return say("scaled to zero")
	case d.Status != "ACTIVE":
		return say(statusWord(d.Status) + ", " + replicas)
	case known && d.ActiveReplicas > most:
		return say(plural(d.ActiveReplicas, "replica") + ", above the max of " + number(most))
	case atMax(d, s):
		return say(replicas+", ", bold("at max"))
	default:
		return say(replicas)
	}
}

// atMax reports that a deployment runs as many replicas as it may.
func atMax(d *baseten.Deployment, s baseten.Settings) bool {
	most, known := s[baseten.MaxReplica]
	return known && d.Status == "ACTIVE" && most > 0 && d.ActiveReplicas >= most
}
