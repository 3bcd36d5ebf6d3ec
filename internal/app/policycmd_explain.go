package app

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/policyfile"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/commands"
	"autoscalebot/internal/moment"
	"autoscalebot/internal/slackbot/view"
)

// Explain is a made-up request, to be decided by a policy file.
type Explain struct {
	File string
	// As is the Slack user ID of who asks, taken for a full member of the workspace.
	As string
	// Groups of the policy that the person is in, besides those that list the ID.
	Groups []string
	// Channel is the policy's first one if empty.
	Channel string
	// Before holds the settings in force, as people type them, with commas or
	// spaces between: min=1,max=4. The others are null.
	Before string
	// Cost holds USD per hour by the names that conditions use:
	// floor_after=4.5,ceiling_after=18. The others are unknown.
	Cost string
	// Deployment tells that the target is a deployment. Otherwise it is an
	// environment, unless the command says so.
	Deployment bool
	// Serves is the environment that the deployment serves.
	Serves string
	// Command as typed, without /autoscale in front.
	Command string
	// Now is the moment of the request.
	Now time.Time
}

// PolicyExplain writes what the policy would decide about a request, rule by rule,
// and who could approve it. It needs no configuration and asks nobody: user groups
// hold the person who asks, where the request says so, and enough others.
func PolicyExplain(out io.Writer, e Explain) error {
	policy, err := readPolicy(e.File)
	if err != nil {
		return err
	}
	q, err := e.question(policy)
	if err != nil {
		return err
	}
	w := &lines{out: out}
	found := policy.Explain(q)
	e.writeQuestion(w, policy, q)
	w.add("")
	writeSteps(w, found.Steps)
	w.add("")
	writeDecision(w, found.Decision)
	if who := policy.Freezers(); who != nil {
		w.add("May freeze and thaw: %s.", strings.Join(who, ", "))
	}
	return w.err
}

// question makes the request of what is given.
func (e Explain) question(policy *authz.Policy) (authz.Question, error) {
	if !authz.IsUserID(e.As) {
		return authz.Question{}, fmt.Errorf("%q is not a Slack user ID (U… or W…)", e.As)
	}
	if e.Channel != "" && !authz.IsChannelID(e.Channel) {
		return authz.Question{}, fmt.Errorf("%q is not a Slack channel ID (C…)", e.Channel)
	}
	command, err := ParsePolicyCommand(e.Command)
	if err != nil {
		return authz.Question{}, fmt.Errorf("the command cannot be read: %w", err)
	}
	duration := command.Duration
	if command.Ends != nil { // the person's own zone is not known here
		end, err := command.Ends(e.Now, policy.Location())
		if err != nil {
			return authz.Question{}, err
		}
		duration = end.Sub(e.Now)
	}
	before, err := parseBefore(e.Before)
	if err != nil {
		return authz.Question{}, err
	}
	cost, err := parseCost(e.Cost)
	if err != nil {
		return authz.Question{}, err
	}
	people, err := pretend(policy, e.As, e.Groups)
	if err != nil {
		return authz.Question{}, err
	}
	channel := e.Channel
	if known := policy.Channels(); channel == "" && len(known) > 0 {
		channel = known[0]
	}
	return authz.Question{
		Person: authz.Person{ID: e.As, Membership: authz.Member}, Channel: channel,
		Target: e.target(command), Before: before, Touched: command.Settings,
		Reason: command.Reason, Duration: duration, BreakGlass: command.BreakGlass,
		Cost: cost, Now: e.Now, People: people,
	}, nil
}

// target guesses what the command means: nobody is asked what there is at Baseten.
func (e Explain) target(c policyfile.ParsedCommand) baseten.Target {
	t := baseten.Target{Model: c.Model, Serves: e.Serves}
	if team, name, ok := strings.Cut(c.Model, "/"); ok {
		t.Team, t.Model = team, name
	}
	t.Development = c.Target == "development" && c.Kind != baseten.TargetEnvironment
	deployment := e.Deployment || t.Development || e.Serves != "" && e.Serves != c.Target
	if c.Kind == baseten.TargetDeployment || c.Kind == "" && deployment {
		t.Deployment = c.Target
	} else {
		t.Environment = c.Target
	}
	return t
}

// parseBefore reads settings in every spelling that people may type.
func parseBefore(text string) (baseten.Settings, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, ",", " "))
	if text == "" {
		return nil, nil
	}
	c, err := commands.Parse("model:m env:e " + text)
	if err != nil {
		return nil, fmt.Errorf("the settings before cannot be read: %w", err)
	}
	if c.Reason != "" || c.DryRun || c.BreakGlass || c.For != 0 || !c.Until.IsZero() {
		return nil, fmt.Errorf("the settings before cannot be read: write settings only, such as min=1,max=4")
	}
	return c.Settings, nil
}

// parseCost reads a cost; what it leaves out is not known.
func parseCost(text string) (*baseten.Cost, error) {
	c := &baseten.Cost{FloorBefore: math.NaN(), FloorAfter: math.NaN(), CeilingBefore: math.NaN(), CeilingAfter: math.NaN()}
	fields := map[string]*float64{
		"floor_before": &c.FloorBefore, "floor_after": &c.FloorAfter,
		"ceiling_before": &c.CeilingBefore, "ceiling_after": &c.CeilingAfter,
	}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		name, value, _ := strings.Cut(part, "=")
		usd, err := strconv.ParseFloat(value, 64)
		field, known := fields[name]
		if err != nil || !known || !(usd >= 0) {
			return nil, fmt.Errorf("the cost %q cannot be read: write floor_before, floor_after, ceiling_before or ceiling_after, = and USD per hour", part)
		}
		*field = usd
	}
	return c, nil
}

// writeQuestion tells how the request was understood.
func (e Explain) writeQuestion(w *lines, policy *authz.Policy, q authz.Question) {
	groups := policy.GroupsOf(q.Person, q.People)
	in := "in no group"
	if len(groups) > 0 {
		in = "in " + strings.Join(groups, ", ")
	}
	channel := ""
	if q.Channel != "" {
		channel = ", in channel " + q.Channel
	}
	target := "environment " + q.Target.Environment
	if q.Target.Environment == "" {
		target = "deployment " + q.Target.Deployment
		if q.Target.Serves != "" {
			target += ", which serves " + q.Target.Serves
		}
	}
	model := q.Target.Model
	if q.Target.Team != "" {
		model = q.Target.Team + "/" + model
	}
	w.add("%s, %s%s, asks:", q.Person.ID, in, channel)
	w.add("  model    %s", model)
	w.add("  target   %s", target)
	for _, f := range q.Touched.Fields() {
		row, _ := baseten.Lookup(f)
		from := "null"
		if v, ok := q.Before[f]; ok {
			from = row.Format(v)
		}
		w.add("  %-8s %s → %s", row.Word, from, row.Format(q.Touched[f]))
	}
	if others := q.Before.Without(q.Touched); len(others) > 0 {
		w.add("  as it is %s", others)
	}
	if q.Duration > 0 {
		w.add("  for      %s", hours(q.Duration))
	}
}

// writeSteps tells what came of each rule.
func writeSteps(w *lines, steps []authz.Step) {
	for i, s := range steps {
		mark, said := " ", "does not match: "+view.StepText(s)
		switch {
		case s.Matched && s.Decided:
			mark, said = ">", "matches, and decides"
		case s.Decided:
			mark, said = ">", "decides: "+view.CauseText(s.Trouble)
		case s.Matched:
			said = "would match, and is not reached"
		}
		w.add("%s %2d. line %d, %s, %q", mark, i+1, s.Line, s.Effect, s.Rule)
		w.add("      %s", said)
	}
}

// writeDecision tells what would happen.
func writeDecision(w *lines, d authz.Decision) {
	w.add("Decision: %s. %s", d.Effect, view.CauseText(d.Cause))
	if d.NeedsCost {
		w.add("A rule asks about the cost. Give it with --cost.")
	}
	if len(d.Approvers) > 0 {
		w.add("Could approve: %s.", strings.Join(unmask(d.Approvers), ", "))
	}
	if d.Effect == authz.Approve {
		w.add("Waits for at most %s.", hours(d.Expires))
	}
	switch {
	case d.MaxFor > 0:
		w.add("The change may hold for at most %s.", hours(d.MaxFor))
	case d.RequireFor:
		w.add("The change needs an end: for=2h or until=18:00.")
	}
	if d.BreakGlass && !d.BrokeGlass {
		w.add("This person may skip the approval: break-glass reason=\"…\".")
	}
}

func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return count(int(d/time.Hour), "hour", "hours")
	}
	return moment.FormatSpan(max(d.Round(time.Minute), time.Minute))
}

// standIn marks invented members of user groups. No real ID holds it.
const standIn = "USTANDIN-"

// standIns is how many are invented for each user group: as many as the approvals
// that any rule can ask for.
const standIns = 20

// unmask writes invented people as what they stand for.
func unmask(ids []string) []string {
	var out []string
	for _, id := range ids {
		if masked, ok := strings.CutPrefix(id, standIn); ok {
			group, _, _ := strings.Cut(masked, "-")
			id = "the members of " + group
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// pretend fills the policy's user groups with invented people, and puts the person
// into those through which the policy's groups have their members.
func pretend(policy *authz.Policy, as string, groups []string) (authz.People, error) {
	people := authz.People{Members: make(map[string][]string)}
	through := make(map[string][]string) // group → its user groups
	byID := namedIn(policy)
	for _, ug := range policy.Usergroups() {
		for i := range standIns {
			people.Members[ug] = append(people.Members[ug], fmt.Sprintf("%s%s-%02d", standIn, ug, i))
		}
		one := authz.People{Members: map[string][]string{ug: {standIn}}}
		for _, name := range policy.GroupsOf(authz.Person{ID: standIn, Membership: authz.Member}, one) {
			through[name] = append(through[name], ug)
		}
	}
	for _, name := range groups {
		switch {
		case slices.Contains(byID[name], as):
		case through[name] != nil:
			ug := through[name][0]
			people.Members[ug] = append(people.Members[ug], as)
		case byID[name] != nil:
			return people, fmt.Errorf("the policy lists who is in %s by ID: ask as %s", name, strings.Join(byID[name], " or "))
		default:
			return people, fmt.Errorf("the policy has no group %q; it has %s", name, listed(byID, through))
		}
	}
	return people, nil
}

// namedIn tells for each group of the policy whom it lists by ID.
func namedIn(policy *authz.Policy) map[string][]string {
	out := make(map[string][]string)
	for _, id := range policy.Users() {
		for _, name := range policy.GroupsOf(authz.Person{ID: id, Membership: authz.Member}, authz.People{}) {
			out[name] = append(out[name], id)
		}
	}
	return out
}

// listed writes the names of groups for people.
func listed(groups ...map[string][]string) string {
	var names []string
	for _, some := range groups {
		for name := range some {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}
