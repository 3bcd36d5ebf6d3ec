package authz

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"autoscalebot/internal/baseten"
)

// policyTest is one entry of a policy's tests section.
type policyTest struct {
	at       *token.Token
	as       Person
	groups   []*group
	command  string
	channel  string
	team     string
	kind     string
	serves   string
	promotes []string
	before   baseten.Settings
	cost     Cost
	now      time.Time
	confirms bool
	expect   Effect
	rule     string
}

var testKeys = []string{"as", "groups", "standing", "command", "channel", "team", "kind", "serves", "promoting", "before", "cost", "now", "confirmed", "expect", "rule"}

func (l *loader) tests(e entry) {
	nodes, _ := l.list(e.value, "tests")
	for _, n := range nodes {
		l.test(n)
	}
}

func (l *loader) test(n ast.Node) {
	entries, ok := l.mapping(n, "a test", testKeys)
	if !ok {
		return
	}
	t := policyTest{at: start(n), as: Person{Standing: Member}}
	given := map[string]bool{}
	for _, e := range entries {
		given[e.key] = true
		l.testKey(&t, e)
	}
	for _, key := range []string{"as", "command", "expect"} {
		if !given[key] {
			l.add(t.at, "a test needs %s", key)
		}
	}
	if t.channel == "" && l.policy.channels != nil {
		t.channel = l.policy.channels[0]
	}
	l.policy.tests = append(l.policy.tests, t)
}

func (l *loader) testKey(t *policyTest, e entry) {
	switch e.key {
	case "as":
		id, ok := l.text(e.value, "as")
		if ok && !isUserID(id) {
			l.add(e.value.GetToken(), "%q is not a Slack user ID (U… or W…), not a name", id)
		}
		t.as.ID = id
	case "groups":
		list := l.roster(e.value, "groups", false)
		for _, entry := range list {
			if entry.group == nil {
				l.add(e.value.GetToken(), "groups of a test names groups of the policy, not %s", entry.text)
				continue
			}
			t.groups = append(t.groups, entry.group)
		}
	case "standing":
		s := l.oneOf(e.value, "standing", string(Member), string(Guest), string(Bot), string(Foreign), string(Deactivated), string(Unknown))
		t.as.Standing = Standing(s)
	case "command":
		t.command, _ = l.text(e.value, "command")
	case "channel":
		id, ok := l.text(e.value, "channel")
		if ok && !channelID.MatchString(id) {
			l.add(e.value.GetToken(), "%q is not a Slack channel ID (C…), not a name", id)
		}
		t.channel = id
	case "team":
		t.team, _ = l.text(e.value, "team")
	case "kind":
		t.kind = l.oneOf(e.value, "kind", KindEnvironment, KindDeployment)
	case "serves":
		t.serves, _ = l.text(e.value, "serves")
	case "promoting":
		list := l.texts(e.value, "promoting")
		for _, env := range list {
			t.promotes = append(t.promotes, env.text)
		}
	case "before":
		t.before = l.testSettings(e.value)
	case "cost":
		t.cost = l.testCost(e.value)
	case "now":
		t.now = l.testTime(e.value)
	case "confirmed":
		t.confirms, _ = l.boolean(e.value, "confirmed")
	case "expect":
		t.expect = l.effect(e.value, "expect")
	case "rule":
		t.rule, _ = l.text(e.value, "rule")
		names := l.policy.Rules()
		if t.rule != "" && !slices.Contains(names, t.rule) {
			l.add(e.value.GetToken(), "no rule is named %q%s", t.rule, suggest(t.rule, names))
		}
	}
}

func (l *loader) oneOf(n ast.Node, what string, known ...string) string {
	s, ok := l.text(n, what)
	if ok && !slices.Contains(known, s) {
		l.add(n.GetToken(), "%s must be one of %s", what, strings.Join(known, ", "))
	}
	return s
}

func (l *loader) testSettings(n ast.Node) baseten.Settings {
	entries, _ := l.mapping(n, "before", nil)
	out := baseten.Settings{}
	for _, e := range entries {
		f, ok := settingNamed(e.key)
		if !ok {
			l.add(e.at, "unknown setting %q%s", e.key, suggest(e.key, settingWords()))
			continue
		}
		if _, twice := out[f]; twice {
			l.add(e.at, "the setting %s stands twice in before", e.key)
			continue
		}
		if e.value.Type() == ast.NullType {
			continue // null at Baseten: absent
		}
		row, _ := baseten.Lookup(f)
		// Zero max replicas is not a value that can be asked for, but one can be met.
		if v, ok := l.whole(e.value, e.key, 0, row.Most); ok {
			out[f] = v
		}
	}
	return out
}

func (l *loader) testCost(n ast.Node) Cost {
	var c Cost
	entries, _ := l.mapping(n, "cost", []string{"floor_before", "floor_after", "ceiling_before", "ceiling_after"})
	for _, e := range entries {
		var v float64
		switch n := e.value.(type) {
		case *ast.IntegerNode:
			whole, ok := l.whole(n, e.key, 0, 1<<30)
			if !ok {
				continue
			}
			v = float64(whole)
		case *ast.FloatNode:
			v = n.Value
		default:
			l.add(e.value.GetToken(), "%s must be a number of USD per hour", e.key)
			continue
		}
		switch e.key {
		case "floor_before":
			c.FloorBefore = &v
		case "floor_after":
			c.FloorAfter = &v
		case "ceiling_before":
			c.CeilingBefore = &v
		case "ceiling_after":
			c.CeilingAfter = &v
		}
	}
	return c
}

func (l *loader) testTime(n ast.Node) time.Time {
	s, ok := l.text(n, "now")
	if !ok {
		return time.Time{}
	}
	if t, err := parseTime(s, l.policy.location); err == nil {
		return t
	}
	l.add(n.GetToken(), "now must be a time such as 2026-05-01T09:30:00Z, or 2026-05-01T09:30 in the policy's time zone")
	return time.Time{}
}

// ParsedCommand is what RunTests needs to know of a command.
type ParsedCommand struct {
	Model  string // name, or team/name
	Target string // as typed, without env: or deployment:
	// Kind is KindEnvironment or KindDeployment where the command said which (env:,
	// deployment:), else "".
	Kind       string
	Settings   baseten.Settings
	Reason     string
	BreakGlass bool
}

// ParseCommand reads the text of a test's command, which has no /autoscale in
// front. This package does not know the grammar.
type ParseCommand func(text string) (ParsedCommand, error)

// TestResult is the outcome of one of a policy's own tests.
type TestResult struct {
	File    string
	Line    int
	As      string
	Command string
	Want    Effect
	// WantRule is "" where the test does not say which rule should decide.
	WantRule string
	Got      Decision
	// Err is why the test could not be run: its command cannot be read.
	Err error
}

// Passed tells whether the policy did what the test expects.
func (r TestResult) Passed() bool {
	return r.Err == nil && r.Got.Effect == r.Want && (r.WantRule == "" || r.Got.Rule == r.WantRule)
}

// String is one line for a passed test and says what came instead for others.
func (r TestResult) String() string {
	head := fmt.Sprintf("%s:%d: %s: %s", r.File, r.Line, r.As, r.Command)
	switch {
	case r.Err != nil:
		return fmt.Sprintf("%s: the command cannot be read: %v", head, r.Err)
	case r.Passed():
		return fmt.Sprintf("%s: %s", head, byRule(r.Got.Effect, r.Got.Rule))
	case r.WantRule == "":
		return fmt.Sprintf("%s: expected %s, got %s. %s", head, r.Want, byRule(r.Got.Effect, r.Got.Rule), r.Got.Reason)
	default:
		return fmt.Sprintf("%s: expected %s, got %s. %s", head, byRule(r.Want, r.WantRule), byRule(r.Got.Effect, r.Got.Rule), r.Got.Reason)
	}
}

func byRule(e Effect, rule string) string {
	if rule == "" {
		return fmt.Sprintf("%s by no rule", e)
	}
	return fmt.Sprintf("%s by rule %q", e, rule)
}

// RunTests runs the policy's own tests and returns a result for each, in order.
//
// A test's person is a full member unless it says otherwise, in the groups that it
// lists and those that list the person by user ID. User groups hold enough
// invented people to approve. What a test leaves out is absent: settings not in
// before are null, costs and the time are unknown. The channel is the policy's
// first.
func (p *Policy) RunTests(parse ParseCommand) []TestResult {
	var out []TestResult
	for _, t := range p.tests {
		r := TestResult{File: p.name, Line: t.at.Position.Line, As: t.as.ID, Command: t.command, Want: t.expect, WantRule: t.rule}
		command, err := parse(t.command)
		if err != nil {
			r.Err = err
		} else {
			r.Got = p.ask(t.question(command, p.standIns()), t.groups).decide()
		}
		out = append(out, r)
	}
	return out
}

// FailedTests returns an error that names every test that did not pass, nil if
// all did.
func FailedTests(results []TestResult) error {
	var errs []error
	for _, r := range results {
		if !r.Passed() {
			errs = append(errs, errors.New(r.String()))
		}
	}
	return errors.Join(errs...)
}

// question is the test as a question.
func (t policyTest) question(c ParsedCommand, people People) Question {
	target := Target{Model: c.Model, Team: t.team, Kind: c.Kind, Serves: t.serves, Promoting: t.promotes}
	if team, name, ok := strings.Cut(c.Model, "/"); ok {
		target.Team, target.Model = team, name
	}
	if target.Kind == "" {
		target.Kind = t.kind
	}
	target.Development = c.Target == "development" && target.Kind != KindEnvironment
	if target.Kind == "" {
		target.Kind = KindEnvironment
		if target.Development || t.serves != "" && t.serves != c.Target {
			target.Kind = KindDeployment
		}
	}
	if target.Kind == KindEnvironment {
		target.Environment = c.Target
	} else {
		target.Deployment = c.Target
	}
	return Question{
		Person: t.as, Channel: t.channel, Target: target,
		Before: t.before, Touched: c.Settings,
		Reason: c.Reason, BreakGlass: c.BreakGlass, Confirmed: t.confirms,
		Cost: t.cost, Now: t.now, People: people,
	}
}

// standIns fills every user group with invented people, as many as any rule can
// ask for.
func (p *Policy) standIns() People {
	most := 1 // besides the person of the test, who may be one of them
	for _, r := range p.rules {
		total := 1
		for _, n := range r.needed {
			total += n
		}
		most = max(most, total)
	}
	members := map[string][]string{}
	for _, ug := range p.Usergroups() {
		for i := range most {
			members[ug] = append(members[ug], fmt.Sprintf("U0STANDIN%s%02d", ug, i))
		}
	}
	return People{Members: members}
}
