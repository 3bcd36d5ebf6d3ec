package policyfile

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// policyTest is one entry of a policy's tests section: a question without its
// target and settings, which stand in the command, and the decision expected.
type policyTest struct {
	line     int
	question authz.Question
	groups   []string
	command  string
	kind     string
	expect   authz.Effect
	rule     string
}

func (l *loader) test(line int, f test) {
	t := policyTest{line: line, command: f.Command.value, kind: f.Kind.value, expect: authz.Effect(f.Expect.value), rule: f.Rule.value}
	var rules []string
	for _, r := range l.policy.Rules {
		rules = append(rules, r.Name)
	}
	if t.rule != "" && !slices.Contains(rules, t.rule) {
		l.add(f.Rule.at, "no rule is named %q%s", t.rule, suggest(t.rule, rules))
	}
	for _, g := range f.Groups {
		if t.groups = append(t.groups, g.value); !slices.Contains(l.groupNames(), g.value) {
			l.add(g.at, "unknown group %q%s", g.value, suggest(g.value, l.groupNames()))
		}
	}
	t.question = authz.Question{
		Person:  authz.Person{ID: f.As.value, Membership: authz.Membership(cmp.Or(f.Membership.value, string(authz.Member)))},
		Channel: f.Channel.value,
		Target:  baseten.Target{Team: f.Team.value, Serves: f.Serves.value, Promoting: values(f.Promoting)},
		Before:  l.before(f.Before), Now: l.now(f.Now), Confirmed: f.Confirmed,
	}
	if f.Channel.value == "" && len(l.policy.Channels) > 0 {
		t.question.Channel = l.policy.Channels[0]
	}
	if c := f.Cost; c != nil {
		t.question.Cost = &baseten.Cost{
			FloorBefore: usd(c.FloorBefore), FloorAfter: usd(c.FloorAfter),
			CeilingBefore: usd(c.CeilingBefore), CeilingAfter: usd(c.CeilingAfter),
		}
	}
	l.tests = append(l.tests, t)
}

// usd is a part of a cost. What is left out is not known.
func usd(v number) float64 {
	if v.at == nil {
		return math.NaN()
	}
	return v.value
}

// before reads settings in force. Null is null at Baseten: absent.
func (l *loader) before(m map[text]number) baseten.Settings {
	out := baseten.Settings{}
	for _, name := range inOrder(m) {
		s, _ := baseten.SettingNamed(name.value)
		_, twice := out[s.Field]
		switch v := m[name]; {
		case v.at == nil: // null
		case twice:
			l.add(name.at, "the setting %s stands twice in before", name.value)
		case int(v.value) > s.Most: // but not below the least: 0 can be met where it cannot be asked for
			l.add(v.at, "%s is at most %d", name.value, s.Most)
		default:
			out[s.Field] = int(v.value)
		}
	}
	return out
}

// now reads a moment; without a zone of its own it is in the policy's.
func (l *loader) now(f text) time.Time {
	if f.value == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, f.value, l.policy.Location); err == nil {
			return t
		}
	}
	l.add(f.at, "now must be a time such as 2026-05-01T09:30:00Z, or 2026-05-01T09:30 in the policy's time zone")
	return time.Time{}
}

// ParsedCommand is what RunTests needs to know of a command.
type ParsedCommand struct {
	Model  string // name, or team/name
	Target string // as typed, without env: or deployment:
	// Kind is baseten.TargetEnvironment or baseten.TargetDeployment where the command
	// said which (env:, deployment:), else "".
	Kind     string
	Settings baseten.Settings
	Reason   string
	Duration time.Duration // zero for good
	// Ends reads a time at which the change is to end, after now in the time zone. It is
	// nil where the command says none.
	Ends       func(now time.Time, loc *time.Location) (time.Time, error)
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
	Want    authz.Effect
	// WantRule is "" where the test does not say which rule should decide.
	WantRule string
	Got      authz.Decision
	// Err is why the test could not be run: its command cannot be read.
	Err error
}

// Passed tells whether the policy did what the test expects.
func (r TestResult) Passed() bool {
	return r.Err == nil && r.Got.Effect == r.Want && (r.WantRule == "" || r.Got.Rule == r.WantRule)
}

// Text is one line for a passed test and says what came instead for others, and why
// in the caller's words.
func (r TestResult) Text(words func(authz.Cause) string) string {
	head := fmt.Sprintf("%s:%d: %s: %s", r.File, r.Line, r.As, r.Command)
	got, want := byRule(r.Got.Effect, r.Got.Rule), string(r.Want)
	if r.WantRule != "" {
		want = byRule(r.Want, r.WantRule)
	}
	switch {
	case r.Err != nil:
		return fmt.Sprintf("%s: the command cannot be read: %v", head, r.Err)
	case r.Passed():
		return head + ": " + got
	default:
		return fmt.Sprintf("%s: expected %s, got %s. %s", head, want, got, words(r.Got.Cause))
	}
}

func byRule(e authz.Effect, rule string) string {
	if rule == "" {
		return fmt.Sprintf("%s by no rule", e)
	}
	return fmt.Sprintf("%s by rule %q", e, rule)
}

// RunTests runs the tests in a policy's file and returns a result for each, in
// order. A policy without a file has none.
//
// A test's person is a full member unless it says otherwise, in the groups that it
// lists and those that list the person by user ID. User groups hold enough
// invented people to approve. What a test leaves out is absent: settings not in
// before are null, costs and the time are unknown. The channel is the policy's
// first.
func RunTests(p *authz.Policy, parse ParseCommand) []TestResult {
	var out []TestResult
	l := read(p.Name(), p.Source())
	people := l.standIns()
	for _, t := range l.tests {
		r := TestResult{File: p.Name(), Line: t.line, As: t.question.Person.ID, Command: t.command, Want: t.expect, WantRule: t.rule}
		q, err := t.ask(parse, l.policy.Location, people)
		if err != nil {
			r.Err = err
		} else {
			r.Got = p.DecideAs(q, t.groups)
		}
		out = append(out, r)
	}
	return out
}

// FailedTests returns an error that names every test that did not pass, nil if
// all did.
func FailedTests(results []TestResult, words func(authz.Cause) string) error {
	var errs []error
	for _, r := range results {
		if !r.Passed() {
			errs = append(errs, errors.New(r.Text(words)))
		}
	}
	return errors.Join(errs...)
}

// ask is the test as a question. A time at which the change ends is read in the policy's
// time zone: a test has no other.
func (t policyTest) ask(parse ParseCommand, loc *time.Location, people authz.People) (authz.Question, error) {
	c, err := parse(t.command)
	if err != nil {
		return authz.Question{}, err
	}
	q := t.question
	if c.Ends != nil {
		if q.Now.IsZero() {
			return authz.Question{}, errors.New("it says until when, so the test needs now")
		}
		end, err := c.Ends(q.Now, loc)
		if err != nil {
			return authz.Question{}, err
		}
		c.Duration = end.Sub(q.Now)
	}
	q.Target.Model = c.Model
	if team, name, ok := strings.Cut(c.Model, "/"); ok {
		q.Target.Team, q.Target.Model = team, name
	}
	kind := cmp.Or(c.Kind, t.kind)
	q.Target.Development = c.Target == "development" && kind != baseten.TargetEnvironment
	if kind == "" && (q.Target.Development || q.Target.Serves != "" && q.Target.Serves != c.Target) {
		kind = baseten.TargetDeployment
	}
	if kind == baseten.TargetDeployment {
		q.Target.Deployment = c.Target
	} else {
		q.Target.Environment = c.Target
	}
	q.Touched, q.Reason, q.Duration, q.BreakGlass, q.People = c.Settings, c.Reason, c.Duration, c.BreakGlass, people
	return q, nil
}

// standIns fills every user group with invented people, as many as any rule can
// ask for.
func (l *loader) standIns() authz.People {
	most := 1
	for _, r := range l.policy.Rules {
		total := 1 // the person of the test may be one of them
		for _, n := range r.Needed {
			total += n
		}
		most = max(most, total)
	}
	members := map[string][]string{}
	for _, g := range l.policy.Groups {
		for _, ug := range g.Usergroups {
			members[ug] = nil
			for i := range most {
				members[ug] = append(members[ug], fmt.Sprintf("U0STANDIN%s%02d", ug, i))
			}
		}
	}
	return authz.People{Members: members}
}
