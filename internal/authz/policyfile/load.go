package policyfile

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/condition"
	"autoscalebot/internal/baseten"
)

const (
	// defaultExpiry is how long an approval is waited for where the rule does not say.
	defaultExpiry = 24 * time.Hour
	// maxRules keeps a mistake from becoming load.
	maxRules = 1000
)

// Load reads a policy file. It is strict, and reports as many mistakes as it can
// at once: the error is a *LoadError whose problems carry line and column. It does
// not run the file's tests (see RunTests), nor does it ask whether the people,
// models and targets in it exist.
func Load(name string, data []byte) (*authz.Policy, error) {
	l := read(name, data)
	if err := l.err(); err != nil {
		return nil, err
	}
	return authz.New(l.policy), nil
}

// loader makes a policy of a file.
type loader struct {
	*problemLog
	policy authz.Definition
	tests  []policyTest
}

func read(name string, data []byte) *loader {
	l := &loader{
		problemLog: newProblemLog(name, data),
		policy:     authz.Definition{Name: name, Source: slices.Clone(data), Location: time.UTC},
	}
	root := l.parse(data)
	if root == nil {
		return l
	}
	if root = l.shape(root, reflect.TypeFor[file](), "", "the policy"); root == nil {
		return l
	}
	var f file
	if err := yaml.NewDecoder(strings.NewReader(""), yaml.Strict()).DecodeFromNode(root, &f); err != nil {
		l.addAt(1, 1, "%s", err)
		return l
	}
	if f.Timezone.value != "" {
		l.policy.Location, _ = time.LoadLocation(f.Timezone.value) // it is one: see kinds
	}
	l.policy.Channels = values(f.Channels)
	l.groups(f.Groups)
	l.policy.ConfirmAbove = above(f.Above)
	if f.Freeze != nil {
		// Not nil: whoever writes freeze without who is refused, and means nobody.
		l.policy.Freeze = append(authz.Roster{}, l.roster(f.Freeze.Who, "freeze who", true)...)
	}
	if len(f.Rules) > maxRules {
		l.addAt(l.starts["rules"][maxRules], 1, "more than %d rules", maxRules)
		return l
	}
	for i, r := range f.Rules {
		l.rule(l.starts["rules"][i], r)
	}
	for i, t := range f.Tests {
		l.test(l.starts["tests"][i], t)
	}
	return l
}

// values are the texts of a list, nil where the file leaves it out.
func values(list []text) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.value)
	}
	return out
}

// inOrder returns the keys of a mapping as the file has them.
func inOrder[V any](m map[text]V) []text {
	return slices.SortedFunc(maps.Keys(m), func(a, b text) int { return a.at.Position.Offset - b.at.Position.Offset })
}

func (l *loader) groups(groups map[text]group) {
	for _, name := range inOrder(groups) {
		g := groups[name]
		if g.Users == nil && g.Usergroups == nil {
			l.add(name.at, "group %q has nobody: list users or usergroups", name.value)
		}
		l.policy.Groups = append(l.policy.Groups, &authz.Group{Name: name.value, Users: values(g.Users), Usergroups: values(g.Usergroups)})
	}
}

func (l *loader) groupNames() []string {
	var out []string
	for _, g := range l.policy.Groups {
		out = append(out, g.Name)
	}
	return out
}

// roster reads a list of groups, user IDs and, where allowed, everyone. It is nil,
// which stands for everybody, only where the file leaves the list out.
func (l *loader) roster(list []text, what string, everyone bool) authz.Roster {
	if list == nil {
		return nil
	}
	out := authz.Roster{}
	for _, t := range list {
		e := authz.RosterEntry{Text: t.value}
		i := slices.Index(l.groupNames(), t.value)
		switch {
		case i >= 0:
			e.Group = l.policy.Groups[i]
		case t.value == authz.Everyone && everyone:
			e.Everyone = true
		case t.value == authz.Everyone:
			l.add(t.at, "%s cannot be everyone: name groups or user IDs", what)
		case authz.IsUserID(t.value):
			e.User = t.value
		default:
			l.add(t.at, "unknown group %q%s", t.value, suggest(t.value, l.groupNames()))
		}
		out = append(out, e)
	}
	return out
}

// above is when a raise is large. What the file leaves out is as without it.
func above(f *confirmAbove) authz.ConfirmAbove {
	out := authz.DefaultConfirmAbove
	if f == nil {
		return out
	}
	return authz.ConfirmAbove{
		Factor:     cmp.Or(int(f.Factor.value), out.Factor),
		Replicas:   cmp.Or(int(f.Replicas.value), out.Replicas),
		USDPerHour: f.USDPerHour.value,
	}
}

func (l *loader) rule(line int, f rule) {
	r := &authz.Rule{
		Name: f.Name.value, Line: line,
		Who:    l.roster(f.Who, "who", true),
		Models: patterns(f.Models), Targets: patterns(f.Targets), Settings: l.settings(f.Settings),
		When:          l.when(f.When),
		Effect:        authz.Effect(f.Effect.value),
		Reason:        strings.TrimSpace(f.Reason.value),
		RequireReason: slices.Contains(values(f.Require), requireReason),
		RequireFor:    slices.Contains(values(f.Require), requireFor),
	}
	r.MaxFor, _ = time.ParseDuration(cmp.Or(f.MaxFor.value, "0")) // it is one: see kinds
	i := slices.IndexFunc(l.policy.Rules, func(o *authz.Rule) bool { return o.Name == r.Name && r.Name != "" })
	if i >= 0 {
		l.add(f.Name.at, "two rules are named %q, the first on line %d", r.Name, l.policy.Rules[i].Line)
	}
	if r.Effect == authz.Deny && (f.Require != nil || f.MaxFor.at != nil) {
		l.add(f.Effect.at, "require and max_for belong to rules that grant something, this rule has effect %s", r.Effect)
	}
	switch r.Effect {
	case "": // noted
	case authz.Approve:
		l.approve(f, r)
	default:
		if f.Approvers != nil || f.Approvals != nil || f.Expires.at != nil || f.BreakGlass != nil || f.Mention != nil {
			l.add(f.Effect.at, "approvers, approvals, expires, mention and break_glass belong to effect approve, this rule has effect %s", r.Effect)
		}
	}
	if r.Effect != "" && r.Effect != authz.Deny && f.Who == nil {
		l.add(f.Effect.at, "rule %q must say who it is for: groups, user IDs, or [everyone] for every full member", r.Name)
	}
	l.policy.Rules = append(l.policy.Rules, r)
}

// approve reads what belongs to effect approve.
func (l *loader) approve(f rule, r *authz.Rule) {
	if f.Approvers == nil {
		l.add(f.Effect.at, "rule %q needs approvers", r.Name)
	}
	r.Approvers = l.roster(f.Approvers, "approvers", false)
	r.Mention = l.roster(f.Mention, "mention", false)
	r.Needed = map[string]int{}
	for key, n := range f.Approvals {
		if r.Needed[key.value] = int(n.value); key.value != "" && !slices.Contains(values(f.Approvers), key.value) {
			l.add(key.at, "%q is not among the approvers of this rule", key.value)
		}
	}
	if f.Approvals == nil {
		r.Needed[""] = 1
	}
	r.Expires = defaultExpiry
	if f.Expires.value != "" {
		r.Expires, _ = time.ParseDuration(f.Expires.value) // it is one: see kinds
	}
	if f.BreakGlass != nil {
		// Not nil, which would be everybody.
		r.BreakGlass = append(authz.Roster{}, l.roster(f.BreakGlass.Who, "break_glass who", true)...)
	}
}

// patterns reads models or targets. Like a roster it is nil only where it is left out.
func patterns(list []text) []authz.Pattern {
	if list == nil {
		return nil
	}
	out := []authz.Pattern{}
	for _, t := range list {
		p, _ := authz.NewPattern(t.value) // it is one: see kinds
		out = append(out, p)
	}
	return out
}

func (l *loader) settings(list []text) []baseten.Field {
	if list == nil {
		return nil
	}
	out := []baseten.Field{}
	for _, t := range list {
		s, _ := baseten.SettingNamed(t.value)
		if slices.Contains(out, s.Field) {
			l.add(t.at, "the setting %s stands twice in settings", t.value)
		}
		out = append(out, s.Field)
	}
	return out
}

func (l *loader) when(f text) *condition.Condition {
	if f.value == "" {
		return nil
	}
	c, mistakes := condition.New(f.value, l.never)
	for _, m := range mistakes {
		line, column := l.placeOf(f, m)
		l.addAt(line, column, "when: %s", m.Message)
	}
	return c
}

// never says why a variable of a condition can never equal a text.
func (l *loader) never(variable, text string) string {
	switch {
	case variable == "kind" && !slices.Contains(kinds["kind"].words, text):
		return fmt.Sprintf("kind is environment or deployment, never %q", text)
	case variable == "groups" && !slices.Contains(l.groupNames(), text):
		return fmt.Sprintf("unknown group %q%s", text, suggest(text, l.groupNames()))
	case variable == "user" && !authz.IsUserID(text):
		return fmt.Sprintf("%q is not %s", text, kinds["user"].wanted)
	case variable == "channel" && !authz.IsChannelID(text):
		return fmt.Sprintf("%q is not %s", text, kinds["channel"].wanted)
	default:
		return ""
	}
}

// placeOf finds a character of a condition in the file: exactly where the line
// holds the condition as it is, else the condition's start.
func (l *loader) placeOf(f text, m condition.Mistake) (line, column int) {
	at := f.at.Position
	row := min(m.Line, strings.Count(f.value, "\n")+1) - 1
	source := strings.Split(f.value, "\n")[row]
	for _, number := range []int{at.Line, at.Line + row, at.Line + row + 1} {
		if number < 1 || number > len(l.lines) || strings.TrimSpace(source) == "" {
			continue
		}
		if i := strings.Index(l.lines[number-1], source); i >= 0 {
			return number, utf8.RuneCountInString(l.lines[number-1][:i]) + m.Column + 1
		}
	}
	return at.Line, at.Column
}
