package authz

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"autoscalebot/internal/baseten"
)

// Finding is something in a policy that certainly is not what its author meant: what it
// says has no effect, or can never come about.
type Finding struct {
	// Line is where the rule begins, 0 where it is about the whole file.
	Line int
	// Rule is "" where it is about no rule.
	Rule string
	// What is wrong, and what to do about it, each a sentence for operators.
	What, Do string
}

// Lint looks through the policy for what loading lets pass. It needs no one's people or
// models, and says nothing that may be meant: a finding holds for every question.
func (p *Policy) Lint() []Finding {
	var out []Finding
	for j, r := range p.def.Rules {
		if i := slices.IndexFunc(p.def.Rules[:j], func(earlier *Rule) bool { return earlier.takesAllOf(r) }); i >= 0 {
			out = append(out, r.unreachable(p.def.Rules[i]))
			continue
		}
		out = append(out, r.lint()...)
		if r.Effect == Approve {
			out = append(out, p.lintApprovers(r)...)
		}
	}
	out = append(out, p.unusedGroups()...)
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
	return out
}

func (r *Rule) finding(what, do string) Finding {
	return Finding{Line: r.Line, Rule: r.Name, What: what, Do: do}
}

// unreachable tells that an earlier rule decides whatever r would.
func (r *Rule) unreachable(earlier *Rule) Finding {
	what := fmt.Sprintf("it never decides: rule %q on line %d decides everything that it would match", earlier.Name, earlier.Line)
	if r.Effect == Deny && earlier.grants() {
		what = fmt.Sprintf("it denies nothing: rule %q on line %d lets everything through that it would match", earlier.Name, earlier.Line)
	}
	return r.finding(what, "Put it before that rule, or take it out.")
}

// takesAllOf tells whether r, which stands earlier, decides every question that later
// would match. Where it is not certain, it is not told.
func (r *Rule) takesAllOf(later *Rule) bool {
	sameKind := r.grants() == later.grants()
	if r.When != nil && (later.When == nil || r.When.String() != later.When.String() || !sameKind) {
		return false
	}
	if r.Settings != nil && (later.Settings == nil || slices.ContainsFunc(later.Settings, func(f baseten.Field) bool { return !slices.Contains(r.Settings, f) })) {
		return false
	}
	// For a guest a denial matches more than a permission does, see consider: only who is
	// named by ID counts the same in both.
	guestsToo := r.grants() && later.Effect == Deny
	return covers(r.Models, later.Models) && covers(r.Targets, later.Targets) && r.Who.coversRoster(later.Who, guestsToo)
}

// covers tells whether every name that one of the later patterns matches is matched by one
// of ours.
func covers(ours, later []Pattern) bool {
	if ours == nil || slices.ContainsFunc(ours, func(p Pattern) bool { return p.text == "*" }) {
		return true
	}
	return later != nil && !slices.ContainsFunc(later, func(l Pattern) bool {
		return !slices.ContainsFunc(ours, func(o Pattern) bool { return o.covers(l) })
	})
}

// covers tells whether the pattern matches every name that the other one does.
func (p Pattern) covers(other Pattern) bool {
	return p.text == other.text || p.text == "*" || other.literal && p.slashed == other.slashed && p.match(other.pattern)
}

// coversRoster tells whether everybody on the later list is on ours. With byID only
// people who are named by ID, in the list or in a group of it, count.
func (r Roster) coversRoster(later Roster, byID bool) bool {
	if r == nil {
		return true
	}
	if later == nil {
		return false
	}
	return !slices.ContainsFunc(later, func(l RosterEntry) bool { return !r.coversEntry(l, byID) })
}

func (r Roster) coversEntry(later RosterEntry, byID bool) bool {
	switch {
	case later.User != "":
		return slices.ContainsFunc(r, func(e RosterEntry) bool {
			return e.User == later.User || e.Group != nil && slices.Contains(e.Group.Users, later.User)
		})
	case later.Group != nil:
		return (!byID || len(later.Group.Usergroups) == 0) &&
			slices.ContainsFunc(r, func(e RosterEntry) bool { return e.Group == later.Group })
	default: // everyone
		return !byID && slices.ContainsFunc(r, func(e RosterEntry) bool { return e.Everyone })
	}
}

// lint finds what is written twice in one rule.
func (r *Rule) lint() []Finding {
	var out []Finding
	for _, list := range []struct {
		key      string
		patterns []Pattern
	}{{"models", r.Models}, {"targets", r.Targets}} {
		for i, p := range list.patterns {
			if j := slices.IndexFunc(list.patterns, func(o Pattern) bool { return o.text != p.text && o.covers(p) }); j >= 0 {
				out = append(out, r.finding(fmt.Sprintf("in %s, %q matches nothing that %q does not", list.key, list.patterns[i].text, list.patterns[j].text), "Take it out."))
			}
		}
	}
	for _, e := range r.Who {
		if slices.ContainsFunc(r.Who, func(o RosterEntry) bool {
			return e.User != "" && o.Group != nil && slices.Contains(o.Group.Users, e.User)
		}) {
			out = append(out, r.finding(fmt.Sprintf("in who, %s is in a group that stands there too", e.User), "Take one of them out."))
		}
	}
	return out
}

// lintApprovers finds approvals that can never be given. What depends on a Slack user
// group is not known here; bot check asks Slack.
func (p *Policy) lintApprovers(r *Rule) []Finding {
	var out []Finding
	if _, all := r.Needed[""]; !all {
		for _, e := range r.Approvers {
			if _, counted := r.Needed[e.Text]; !counted {
				out = append(out, r.finding(fmt.Sprintf("approvals asks for none of %s, so what %s approve never counts", e.Text, e.Text), "Add it to approvals, or take it out of approvers."))
			}
		}
	}
	if slices.ContainsFunc(r.Approvers, func(e RosterEntry) bool { return e.Group != nil && len(e.Group.Usergroups) > 0 }) {
		return out
	}
	short := func(requester string) bool {
		able := p.ask(Question{Person: Person{ID: requester}}, nil).eligible(r)
		slots := able.slots()
		for _, id := range able.people {
			able.fill(slots, id)
		}
		return len(missingBy(slots)) > 0
	}
	if short("") {
		return append(out, r.finding("it can never be approved: it names fewer approvers than it asks for", "Name more, or ask for fewer approvals."))
	}
	var stuck []string
	for _, e := range r.Who {
		ids := []string{e.User}
		if e.Group != nil {
			ids = e.Group.Users
		}
		for _, id := range ids {
			if id != "" && !slices.Contains(stuck, id) && short(id) {
				stuck = append(stuck, id)
			}
		}
	}
	if len(stuck) > 0 {
		out = append(out, r.finding("nobody can approve what "+strings.Join(stuck, " or ")+" asks for: nobody approves their own request, and without them too few are left", "Name more approvers."))
	}
	return out
}

// unusedGroups finds groups that nothing in the policy names.
func (p *Policy) unusedGroups() []Finding {
	used := make(map[string]bool)
	noteGroups(reflect.ValueOf(p.def), used)
	for _, r := range p.def.Rules {
		for _, name := range r.compared("groups") {
			used[name] = true
		}
		if r.When != nil && r.When.Reads("groups") && len(r.compared("groups")) == 0 {
			return nil // it may be about any of them
		}
	}
	var out []Finding
	for _, g := range p.def.Groups {
		if !used[g.Name] {
			out = append(out, Finding{What: fmt.Sprintf("group %q is named by nothing", g.Name), Do: "Name it in a rule, or take it out."})
		}
	}
	return out
}

// noteGroups notes the groups of every roster in a value, wherever it stands.
func noteGroups(v reflect.Value, used map[string]bool) {
	if v.Type() == reflect.TypeFor[RosterEntry]() {
		if g, ok := v.FieldByName("Group").Interface().(*Group); ok && g != nil {
			used[g.Name] = true
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			noteGroups(v.Elem(), used)
		}
	case reflect.Slice:
		for i := range v.Len() {
			noteGroups(v.Index(i), used)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				noteGroups(v.Field(i), used)
			}
		}
	default: // holds no roster
	}
}
