package authz

import (
	"fmt"
	"slices"
	"strings"

	"autoscalebot/internal/baseten"
)

// Decide answers the question. The first rule that matches decides; if none
// does, the answer is Deny. It is a pure function of the policy and the question.
func (p *Policy) Decide(q Question) Decision {
	return p.ask(q, nil).decide()
}

// asking is one question put to one policy.
type asking struct {
	policy *Policy
	q      Question
	crowd  crowd
	names  targetNames
	// touched holds the fields of q.Touched in the table's order.
	touched []baseten.Field
	stage   *stage // made when the first condition is met
	// asMember is the same question of a guest, as if they were a full member.
	asMember *asking
	// needsCost is set once a condition asked about a cost that is not known.
	needsCost bool
}

// ask prepares a question. assumed holds groups that the person is taken to be in.
func (p *Policy) ask(q Question, assumed []*group) *asking {
	// An environment serves itself: whichever way it is named, rules see one thing.
	if q.Target.Serves == "" {
		q.Target.Serves = q.Target.Environment
	}
	return &asking{
		policy:  p,
		q:       q,
		crowd:   newCrowd(p.groups, q.People, assumed),
		names:   namesOf(q.Target),
		touched: q.Touched.Fields(),
	}
}

func (a *asking) decide() Decision {
	d := a.judge()
	d.NeedsCost = a.needsCost
	d.PolicySHA = a.policy.sha
	return d
}

func (a *asking) judge() Decision {
	if refusal := a.refusal(); refusal != "" {
		return Decision{Effect: Deny, Reason: refusal}
	}
	for i, r := range a.policy.rules {
		f := a.consider(r)
		switch {
		case !f.decides:
		case f.trouble != "":
			return Decision{Effect: Deny, Rule: r.name, Reason: f.trouble}
		default:
			return a.apply(i)
		}
	}
	return Decision{Effect: Deny, Reason: a.noRule()}
}

// refusal says why no rule is asked at all, or returns "".
func (a *asking) refusal() string {
	switch a.q.Person.Standing {
	case Member, Guest:
	case Bot:
		return "Bots and workflows cannot change anything."
	case Foreign:
		return "People of another organisation cannot change anything here. Ask a member of this workspace."
	case Deactivated:
		return "The Slack account of the person who asks is deactivated."
	default:
		return "Slack did not say who you are, and the policy needs to know. Try again in a minute."
	}
	if !isUserID(a.q.Person.ID) {
		return "Slack did not say who you are, and the policy needs to know. Try again in a minute."
	}
	if allowed := a.policy.channels; allowed != nil && !slices.Contains(allowed, a.q.Channel) {
		return "The policy takes commands in other channels only: " + strings.Join(allowed, ", ") + "."
	}
	if len(a.q.Touched) == 0 {
		return "Nothing would change: name a setting, such as max=4."
	}
	for f := range a.q.Touched {
		if _, ok := baseten.Lookup(f); !ok {
			return fmt.Sprintf("The policy does not know the setting %s.", f)
		}
	}
	return ""
}

// finding is what came of holding one rule against the question.
type finding struct {
	// decides tells that this rule ends the search: it matches, or nobody can tell
	// whether it does (trouble).
	decides bool
	trouble string
	// miss is the part that keeps the rule from matching, about the setting field
	// where it is about one.
	miss  part
	field baseten.Field
}

// part of a rule.
type part int

const (
	nothing part = iota
	models
	targets
	settings
	who
	whenFalse
	whenMoot
)

// why says which part of the rule does not match.
func (f finding) why(r *rule) string {
	switch f.miss {
	case models:
		return "models: " + texts(r.models) + " is not this model"
	case targets:
		return "targets: " + texts(r.targets) + " is not this target"
	case settings:
		return fmt.Sprintf("settings: %s is not listed", word(f.field))
	case who:
		return "who: you are not " + r.who.names()
	case whenFalse:
		return "when: it is not true"
	case whenMoot:
		return fmt.Sprintf("when: %s is not being changed", word(f.field))
	default:
		return ""
	}
}

// consider holds a rule against the question.
//
// Guests are in user groups and in "everyone" for what is denied, but not for what
// is granted. Where a condition turns that round ("not in group"), the reading that
// is worse for the guest counts: a denial matches if it does under either, a grant
// only if it does under both.
func (a *asking) consider(r *rule) finding {
	f := a.hold(r)
	if a.q.Person.Standing != Guest || f.decides != r.grants() {
		return f
	}
	if a.asMember == nil {
		member := *a
		member.q.Person.Standing, member.stage = Member, nil
		a.asMember = &member
	}
	other := a.asMember.hold(r)
	a.needsCost = a.needsCost || a.asMember.needsCost
	if other.decides != f.decides {
		return other
	}
	return f
}

// hold holds a rule against the question as it is. The order is by cost; it does not
// show in the outcome, except that `when` is not looked at if anything else
// already tells that the rule does not match.
func (a *asking) hold(r *rule) finding {
	if f := a.misses(r); f.miss != nothing {
		return f
	}
	m, missing := a.crowd.holds(r.who, a.q.Person)
	if m == isOut {
		return finding{miss: who}
	}
	f := a.condition(r)
	if f.decides && f.trouble == "" && m == unreadable {
		f.trouble = fmt.Sprintf("Rule %q depends on the user group %s, which could not be read. Try again in a few minutes.", r.name, missing)
	}
	return f
}

// misses finds whether settings, models or targets keep the rule from matching.
func (a *asking) misses(r *rule) finding {
	if r.settings != nil {
		for _, f := range a.touched {
			if !slices.Contains(r.settings, f) {
				return finding{miss: settings, field: f}
			}
		}
	}
	if r.models != nil && !slices.ContainsFunc(r.models, a.names.isModel) {
		return finding{miss: models}
	}
	if r.targets != nil && !slices.ContainsFunc(r.targets, a.names.isTarget) {
		return finding{miss: targets}
	}
	return finding{}
}

// condition evaluates the rule's `when`.
func (a *asking) condition(r *rule) finding {
	if r.when == nil {
		return finding{decides: true}
	}
	if a.stage == nil {
		groups, missing := a.crowd.groupsOf(a.q.Person)
		a.stage = newStage(&a.q, groups, missing == "", a.policy.location)
	}
	// Even a condition that asks has(cost.…) first is better answered with the cost.
	a.needsCost = a.needsCost || r.when.cost && slices.ContainsFunc(r.when.refs, func(at ref) bool {
		return at.root == "cost" && a.stage.presence(at) == absent
	})
	out := r.when.root.eval(a.stage, false, true, nil)
	switch out.answer {
	case yes:
		return finding{decides: true}
	case no:
		return finding{miss: whenFalse}
	case moot:
		return finding{miss: whenMoot, field: baseten.Field(out.missing.field)}
	default: // failed
	}
	return finding{decides: true, trouble: fmt.Sprintf("Rule %q cannot be judged, so nothing is changed: %s.", r.name, out.cause())}
}

// cause says why a condition failed.
func (o outcome) cause() string {
	switch o.missing.root {
	case "":
		return "its condition failed (" + o.trouble + ")"
	case "groups":
		return "a user group could not be read"
	case "cost":
		return "the cost is not known (" + o.missing.String() + ")"
	case "change":
		return fmt.Sprintf("the value of %s now is not known (%s)", word(baseten.Field(o.missing.field)), o.missing)
	default:
		return o.missing.String() + " has no value"
	}
}

// apply makes the decision of the i-th rule, which matches.
func (a *asking) apply(i int) Decision {
	r := a.policy.rules[i]
	d := Decision{Effect: r.effect, Rule: r.name, RequireReason: r.requireReason}
	if r.effect == Deny {
		d.Reason = sentence(fmt.Sprintf("Rule %q denies this", r.name), r.reason) + a.whoElse(r, i)
		return d
	}
	if r.requireReason && strings.TrimSpace(a.q.Reason) == "" {
		d.Effect = Deny
		d.Reason = fmt.Sprintf("Rule %q wants a reason: add reason=\"…\" to the command.", r.name)
		return d
	}
	switch r.effect {
	case Allow:
		d.Reason = sentence(fmt.Sprintf("Rule %q allows this", r.name), r.reason)
	case Confirm:
		d.Reason = sentence(fmt.Sprintf("Rule %q asks you to confirm this", r.name), r.reason)
		if a.q.Confirmed {
			d.Effect = Allow
			d.Reason = fmt.Sprintf("Rule %q allows this, now that you have confirmed it.", r.name)
		}
	case Approve:
		a.needApproval(r, &d)
	default: // Deny was answered above
	}
	return d
}

// whoElse says who could do what the i-th rule, a deny, refuses.
func (a *asking) whoElse(r *rule, i int) string {
	if r.who == nil {
		return " It binds everybody."
	}
	if other := a.otherRule(i+1, true); other != nil {
		names := other.who.names()
		if slices.ContainsFunc(other.who, func(e rosterEntry) bool { return e.everyone }) {
			names = "Others"
		}
		return fmt.Sprintf(" %s could ask: rule %q.", names, other.name)
	}
	return ""
}

// noRule is the refusal when no rule matches.
func (a *asking) noRule() string {
	text := "No rule allows you this."
	if other := a.otherRule(0, false); other != nil {
		text += fmt.Sprintf(" %s could ask: rule %q.", upperFirst(other.who.names()), other.name)
	} else if !slices.ContainsFunc(a.policy.rules, (*rule).looksAtPerson) {
		text += " Nobody else could do it either."
	}
	if a.q.Person.Standing == Guest {
		text += " Guests need a rule or group that names them by user ID."
	}
	return text
}

// otherRule finds the first rule from the i-th on that would grant this to
// somebody else, nil if a rule without `who` denies it first or there is none.
// With mine, a rule that would grant it to the requester too is taken.
func (a *asking) otherRule(i int, mine bool) *rule {
	for _, r := range a.policy.rules[i:] {
		if !r.grants() && r.who != nil || a.misses(r).miss != nothing {
			continue
		}
		if f := a.condition(r); !f.decides || f.trouble != "" {
			continue
		}
		if !r.grants() {
			return nil
		}
		if m, _ := a.crowd.holds(r.who, a.q.Person); mine || m == isOut {
			return r
		}
	}
	return nil
}

// looksAtPerson tells whether the condition itself depends on who asks.
func (r *rule) looksAtPerson() bool {
	return r.when != nil && (r.when.mentions("user") || r.when.mentions("groups"))
}

// sentence joins a statement and the policy's own reason for it.
func sentence(statement, reason string) string {
	if reason == "" {
		return statement + "."
	}
	if !strings.ContainsAny(reason[len(reason)-1:], ".!?") {
		reason += "."
	}
	return statement + ": " + reason
}

// word is what people type for a setting.
func word(f baseten.Field) string {
	if row, ok := baseten.Lookup(f); ok {
		return row.Word
	}
	return string(f)
}

func texts(globs []glob) string {
	var out []string
	for _, g := range globs {
		out = append(out, g.text)
	}
	return strings.Join(out, ", ")
}

// upperFirst leaves user IDs and group names as they are, except "everyone".
func upperFirst(s string) string {
	if s == Everyone {
		return "Every full member"
	}
	return s
}
