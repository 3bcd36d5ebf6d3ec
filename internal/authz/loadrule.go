package authz

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"autoscalebot/internal/baseten"
)

func (l *loader) rules(e entry) {
	nodes, _ := l.list(e.value, "rules")
	if len(nodes) > maxRules {
		l.add(e.at, "more than %d rules", maxRules)
		return
	}
	for _, n := range nodes {
		r := l.rule(n)
		if r == nil {
			continue
		}
		l.policy.rules = append(l.policy.rules, r)
	}
}

var ruleKeys = []string{"name", "who", "models", "targets", "settings", "when", "effect", "reason", "require", "approvers", "approvals", "expires", "break_glass"}

func (l *loader) rule(n ast.Node) *rule {
	entries, ok := l.mapping(n, "a rule", ruleKeys)
	if !ok {
		return nil
	}
	r := &rule{line: start(n).Position.Line}
	given := map[string]entry{}
	for _, e := range entries {
		given[e.key] = e
		l.ruleKey(r, e)
	}
	l.ruleWhole(r, n, given)
	return r
}

func (l *loader) ruleKey(r *rule, e entry) {
	switch e.key {
	case "name":
		r.name, _ = l.text(e.value, "name")
		if utf8.RuneCountInString(r.name) > 100 || strings.ContainsAny(r.name, "\n\t") {
			l.add(e.value.GetToken(), "name must be one line of at most 100 characters")
		}
	case "who":
		r.who = l.roster(e.value, "who", true)
	case "models":
		r.models = l.globs(e.value, "models")
	case "targets":
		r.targets = l.globs(e.value, "targets")
	case "settings":
		r.settings = l.settings(e.value)
	case "when":
		r.when = l.when(e.value)
	case "effect":
		r.effect = l.effect(e.value, "effect")
	case "reason":
		r.reason, _ = l.text(e.value, "reason")
		r.reason = strings.TrimSpace(r.reason)
		if utf8.RuneCountInString(r.reason) > maxReason {
			l.add(e.value.GetToken(), "reason is longer than %d characters", maxReason)
		}
	case "require":
		list := l.texts(e.value, "require")
		for _, t := range list {
			if t.text != "reason" {
				l.add(t.at, "require knows only reason, not %q", t.text)
			}
		}
		r.requireReason = true
	case "approvers":
		r.approvers = l.roster(e.value, "approvers", false)
	case "expires":
		r.expires, _ = l.duration(e.value, "expires", maxExpiry)
	case "break_glass":
		entries, ok := l.mapping(e.value, "break_glass", []string{"who"})
		r.breakGlass = roster{}
		for _, e := range entries {
			r.breakGlass = l.roster(e.value, "break_glass who", true)
		}
		if ok && len(entries) == 0 {
			l.add(e.at, "break_glass must say who")
		}
	}
}

// ruleWhole checks what concerns several keys of a rule.
func (l *loader) ruleWhole(r *rule, n ast.Node, given map[string]entry) {
	at := start(n)
	if e, ok := given["name"]; ok {
		at = e.at
		l.ruleNamedTwice(r, e)
	} else {
		l.add(at, "a rule needs a name")
	}
	if _, ok := given["effect"]; !ok {
		l.add(at, "rule %q needs an effect: allow, confirm, approve or deny", r.name)
	}
	if _, ok := given["who"]; !ok && (r.effect == Allow || r.effect == Confirm || r.effect == Approve) {
		l.add(at, "rule %q must say who it is for: groups, user IDs, or [everyone] for every full member", r.name)
	}
	if r.effect != Approve {
		for _, key := range []string{"approvers", "approvals", "expires", "break_glass"} {
			if e, ok := given[key]; ok && r.effect != "" {
				l.add(e.at, "%s belongs to effect approve, this rule has effect %s", key, r.effect)
			}
		}
		return
	}
	if r.expires == 0 {
		r.expires = defaultExpiry
	}
	if _, ok := given["approvers"]; !ok {
		l.add(at, "rule %q needs approvers", r.name)
		return
	}
	r.needed = map[string]int{"": 1}
	if e, ok := given["approvals"]; ok {
		l.approvals(r, e)
	}
}

func (l *loader) ruleNamedTwice(r *rule, name entry) {
	i := slices.IndexFunc(l.policy.rules, func(o *rule) bool { return o.name == r.name })
	if i >= 0 && r.name != "" {
		l.add(name.value.GetToken(), "two rules are named %q, the first on line %d", r.name, l.policy.rules[i].line)
	}
}

func (l *loader) approvals(r *rule, e entry) {
	if _, ok := e.value.(*ast.IntegerNode); ok {
		if n, ok := l.whole(e.value, "approvals", 1, maxApprovals); ok {
			r.needed = map[string]int{"": n}
		}
		return
	}
	if !l.plain(e.value) {
		return
	}
	if k := kindOf(e.value); k != "a mapping" {
		l.add(e.value.GetToken(), "approvals must be a whole number from 1 to %d, or a count for each group such as {leads: 1, sre: 1}", maxApprovals)
		return
	}
	entries, _ := l.mapping(e.value, "approvals", nil)
	if len(entries) == 0 {
		l.add(e.at, "approvals is empty")
	}
	r.needed = map[string]int{}
	for _, e := range entries {
		if !slices.ContainsFunc(r.approvers, func(a rosterEntry) bool { return a.text == e.key }) {
			l.add(e.at, "%q is not among the approvers of this rule", e.key)
			continue
		}
		if n, ok := l.whole(e.value, "the count", 1, maxApprovals); ok {
			r.needed[e.key] = n
		}
	}
}

func (l *loader) globs(n ast.Node, what string) []glob {
	list := l.texts(n, what)
	out := []glob{}
	for _, t := range list {
		g, err := newGlob(t.text)
		if err != nil {
			l.add(t.at, "%q is not a pattern: %v", t.text, err)
			continue
		}
		out = append(out, g)
	}
	return out
}

func (l *loader) settings(n ast.Node) []baseten.Field {
	list := l.texts(n, "settings")
	out := []baseten.Field{}
	for _, t := range list {
		f, ok := settingNamed(t.text)
		switch {
		case !ok:
			l.add(t.at, "unknown setting %q%s", t.text, suggest(t.text, settingWords()))
		case slices.Contains(out, f):
			l.add(t.at, "the setting %s stands twice in settings", t.text)
		default:
			out = append(out, f)
		}
	}
	return out
}

// settingNamed knows the word that people type and the API's name.
func settingNamed(text string) (baseten.Field, bool) {
	for _, row := range baseten.AllSettings {
		if text == row.Word || text == string(row.Field) {
			return row.Field, true
		}
	}
	return "", false
}

func settingWords() []string {
	var out []string
	for _, row := range baseten.AllSettings {
		out = append(out, row.Word, string(row.Field))
	}
	return out
}

func (l *loader) effect(n ast.Node, what string) Effect {
	s, ok := l.text(n, what)
	if !ok {
		return ""
	}
	known := []string{string(Allow), string(Confirm), string(Approve), string(Deny)}
	if !slices.Contains(known, s) {
		l.add(n.GetToken(), "unknown effect %q%s", s, suggest(s, known))
		return ""
	}
	return Effect(s)
}

// when reads a condition. `when: true` without quotes is taken too.
func (l *loader) when(n ast.Node) *condition {
	var source string
	if b, ok := n.(*ast.BoolNode); ok {
		source = strconv.FormatBool(b.Value)
	} else if source, ok = l.text(n, "when"); !ok {
		return nil
	}
	c, err := newCondition(source, scope{groups: l.groupNames(), location: l.policy.location})
	if err == nil {
		return c
	}
	offset := 0
	var wrong *conditionError
	if errors.As(err, &wrong) {
		offset = wrong.offset
	}
	line, column := l.placeOf(n, source, offset)
	l.addAt(line, column, "when: %s", firstLine(err))
	return nil
}

// placeOf finds a character of a condition in the file: exactly where the line
// holds the condition as it is, else the condition's start.
func (l *loader) placeOf(n ast.Node, source string, offset int) (line, column int) {
	at := n.GetToken().Position
	before := string([]rune(source)[:min(offset, utf8.RuneCountInString(source))])
	row := strings.Count(before, "\n")
	inRow := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	text := strings.Split(source, "\n")[row]
	for _, number := range []int{at.Line, at.Line + row, at.Line + row + 1} {
		if number < 1 || number > len(l.lines) || strings.TrimSpace(text) == "" {
			continue
		}
		if i := strings.Index(l.lines[number-1], text); i >= 0 {
			return number, utf8.RuneCountInString(l.lines[number-1][:i]) + inRow + 1
		}
	}
	return at.Line, at.Column
}
