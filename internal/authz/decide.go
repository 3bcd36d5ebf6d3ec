package authz

import (
	"slices"
	"strings"
	"time"

	"autoscalebot/internal/authz/condition"
	"autoscalebot/internal/baseten"
)

// DecideAs decides as Decide does, taking the person to be in these groups of the
// policy too. It is for questions that are made up, such as a policy's own tests.
func (p *Policy) DecideAs(q Question, groups []string) Decision {
	return p.ask(q, groups).decide()
}

// Decide answers the question. The first rule that matches decides; if none
// does, the answer is Deny. It is a pure function of the policy and the question.
func (p *Policy) Decide(q Question) Decision {
	return p.ask(q, nil).decide()
}

// asking is one question put to one policy.
type asking struct {
	policy *Policy
	q      Question
	groups lookup
	names  targetNames
	// touched holds the fields of q.Touched in the table's order.
	touched []baseten.Field
	facts   *condition.Facts // made when the first condition is met
	// asMember is the same question of a guest, as if they were a full member.
	asMember *asking
	// needsCost is set once a condition asked about a cost that is not known.
	needsCost bool
}

// ask prepares a question. assumed holds groups that the person is taken to be in.
func (p *Policy) ask(q Question, assumed []string) *asking {
	return &asking{
		policy:  p,
		q:       q,
		groups:  lookup{groups: p.def.Groups, people: q.People, assumed: assumed},
		names:   namesOf(q.Target),
		touched: q.Touched.Fields(),
	}
}

func (a *asking) decide() Decision {
	d := a.judge()
	a.confirmLarge(&d)
	d.NeedsCost = a.needsCost
	d.PolicySHA = a.policy.sha
	return d
}

func (a *asking) judge() Decision {
	if refusal := a.refusal(); refusal.Code != "" {
		return Decision{Effect: Deny, Cause: refusal}
	}
	for i, r := range a.policy.def.Rules {
		f := a.consider(r)
		switch {
		case !f.decides:
		case f.trouble.Code != "":
			return Decision{Effect: Deny, Rule: r.Name, Cause: f.trouble}
		default:
			return a.apply(i)
		}
	}
	return Decision{Effect: Deny, Cause: a.noRule()}
}

// refusal says why no rule is asked at all; its code is "" where they are.
func (a *asking) refusal() Cause {
	if c := a.stranger(); c.Code != "" {
		return c
	}
	if len(a.q.Touched) == 0 {
		return Cause{Code: CauseNothing}
	}
	for f := range a.q.Touched {
		if _, ok := baseten.Lookup(f); !ok {
			return Cause{Code: CauseUnknownSetting, Field: f}
		}
	}
	return Cause{}
}

// stranger says why nothing is taken of this person, or in this channel; its code is ""
// where something may be.
func (a *asking) stranger() Cause {
	if c := outsider(a.q.Person); c.Code != "" {
		return c
	}
	if !IsUserID(a.q.Person.ID) {
		return Cause{Code: CauseUnidentified}
	}
	if !a.policy.Takes(a.q.Channel) {
		return Cause{Code: CauseChannel, Who: slices.Clone(a.policy.def.Channels)}
	}
	return Cause{}
}

// outsider says why the person can neither ask nor approve anything; its code is ""
// for full members and guests.
func outsider(p Person) Cause {
	switch p.Membership {
	case Member, Guest:
		return Cause{}
	case Bot:
		return Cause{Code: CauseBot}
	case Foreign:
		return Cause{Code: CauseForeign}
	case Deactivated:
		return Cause{Code: CauseDeactivated}
	default:
		return Cause{Code: CauseUnidentified}
	}
}

// finding is what came of holding one rule against the question.
type finding struct {
	// decides tells that this rule ends the search: it matches, or nobody can tell
	// whether it does (trouble).
	decides bool
	trouble Cause
	// miss is the part that keeps the rule from matching, about the setting field
	// where it is about one.
	miss  Part
	field baseten.Field
}

// Part names a part of a rule that keeps it from matching.
type Part string

// The parts of a rule.
const (
	PartModels   Part = "models"
	PartTargets  Part = "targets"
	PartSettings Part = "settings"
	PartWho      Part = "who"
	// PartWhen: the condition is not true; PartUntouched: it is about a setting
	// that is not being changed.
	PartWhen      Part = "when"
	PartUntouched Part = "untouched"
)

// wanted is what the rule lists in that part.
func (r *Rule) wanted(p Part) []string {
	switch p {
	case PartModels:
		return texts(r.Models)
	case PartTargets:
		return texts(r.Targets)
	case PartWho:
		return r.Who.texts()
	default:
		return nil
	}
}

// consider holds a rule against the question.
//
// Guests are in user groups and in "everyone" for what is denied, but not for what
// is granted. Where a condition turns that round ("not in group"), the reading that
// is worse for the guest counts: a denial matches if it does under either, a grant
// only if it does under both.
func (a *asking) consider(r *Rule) finding {
	f := a.hold(r)
	if a.q.Person.Membership != Guest || f.decides != r.grants() {
		return f
	}
	if a.asMember == nil {
		member := *a
		member.q.Person.Membership, member.facts = Member, nil
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
func (a *asking) hold(r *Rule) finding {
	if f := a.misses(r); f.miss != "" {
		return f
	}
	m, missing := a.groups.holds(r.Who, a.q.Person)
	if m == notListed {
		return finding{miss: PartWho}
	}
	f := a.when(r)
	if f.decides && f.trouble.Code == "" && m == unreadable {
		f.trouble = Cause{Code: CauseGroupUnreadable, Rule: r.Name, Unreadable: []string{missing}}
	}
	return f
}

// misses finds whether settings, models or targets keep the rule from matching.
func (a *asking) misses(r *Rule) finding {
	if r.Settings != nil {
		for _, f := range a.touched {
			if !slices.Contains(r.Settings, f) {
				return finding{miss: PartSettings, field: f}
			}
		}
	}
	if r.Models != nil && !slices.ContainsFunc(r.Models, a.names.isModel) {
		return finding{miss: PartModels}
	}
	if r.Targets != nil && !slices.ContainsFunc(r.Targets, a.names.isTarget) {
		return finding{miss: PartTargets}
	}
	return finding{}
}

// when judges the rule's condition.
func (a *asking) when(r *Rule) finding {
	if r.When == nil {
		return finding{decides: true}
	}
	if a.facts == nil {
		a.facts = a.readFacts()
	}
	// Even a condition that asks has(cost.…) first is better answered with the cost.
	a.needsCost = a.needsCost || r.When.WantsCost(a.facts)
	switch result := r.When.Eval(a.facts); result.Outcome {
	case condition.True:
		return finding{decides: true}
	case condition.False:
		return finding{miss: PartWhen}
	case condition.Untouched:
		return finding{miss: PartUntouched, field: result.Field}
	default: // Failed
		trouble := Cause{Code: CauseConditionFailed, Rule: r.Name, Value: result.Value, Trouble: result.Trouble}
		if _, missing := a.groups.groupsOf(a.q.Person); result.Value == "groups" {
			trouble.Unreadable = []string{missing}
		}
		return finding{decides: true, trouble: trouble}
	}
}

func (a *asking) readFacts() *condition.Facts {
	groups, missing := a.groups.groupsOf(a.q.Person)
	return &condition.Facts{
		User: a.q.Person.ID, Groups: groups, GroupsKnown: missing == "",
		Channel: a.q.Channel, Target: a.q.Target, Before: a.q.Before, Touched: a.q.Touched,
		Reason: a.q.Reason, Duration: a.q.Duration, Cost: a.q.Cost,
		Now: a.q.Now, Location: a.policy.def.Location,
	}
}

// apply makes the decision of the i-th rule, which matches.
func (a *asking) apply(i int) Decision {
	r := a.policy.def.Rules[i]
	d := Decision{Effect: r.Effect, Rule: r.Name, RequireReason: r.RequireReason, RequireFor: r.RequireFor || r.MaxFor > 0, MaxFor: r.MaxFor}
	if r.Effect == Deny {
		d.Cause = a.denies(r, i)
		return d
	}
	if r.RequireReason && strings.TrimSpace(a.q.Reason) == "" {
		d.Effect = Deny
		d.Cause = Cause{Code: CauseReasonMissing, Rule: r.Name}
		return d
	}
	if code := r.wrongLength(a.q.Duration); code != "" {
		d.Effect = Deny
		d.Cause = Cause{Code: code, Rule: r.Name, Max: r.MaxFor}
		return d
	}
	switch r.Effect {
	case Allow:
		d.Cause = Cause{Code: CauseAllows, Rule: r.Name, Text: r.Reason}
	case Confirm:
		d.Cause = Cause{Code: CauseConfirms, Rule: r.Name, Text: r.Reason}
		if a.q.Confirmed {
			d.Effect = Allow
			d.Cause = Cause{Code: CauseConfirmed, Rule: r.Name}
		}
	case Approve:
		a.needApproval(r, &d)
	default: // Deny was answered above
	}
	return d
}

// wrongLength says why the rule does not take a change that holds so long, zero for
// good; it is "" where it does.
func (r *Rule) wrongLength(d time.Duration) CauseCode {
	switch {
	case d == 0 && (r.RequireFor || r.MaxFor > 0):
		return CauseForMissing
	case r.MaxFor > 0 && d > r.MaxFor:
		return CauseTooLong
	default:
		return ""
	}
}

// denies is the refusal by the i-th rule, a deny, with who else could ask.
func (a *asking) denies(r *Rule, i int) Cause {
	c := Cause{Code: CauseDenies, Rule: r.Name, Text: r.Reason, Everybody: r.Who == nil}
	if c.Everybody {
		return c
	}
	if other := a.otherRule(i+1, true); other != nil {
		c.Who, c.OtherRule = other.Who.texts(), other.Name
	}
	return c
}

// noRule is the refusal when no rule matches.
func (a *asking) noRule() Cause {
	c := Cause{Code: CauseNoRule, Guest: a.q.Person.Membership == Guest}
	if other := a.otherRule(0, false); other != nil {
		c.Who, c.OtherRule = other.Who.texts(), other.Name
	} else if !slices.ContainsFunc(a.policy.def.Rules, (*Rule).looksAtPerson) {
		c.Everybody = true
	}
	return c
}

// otherRule finds the first rule from the i-th on that would grant this to
// somebody else, nil if a rule without `who` denies it first or there is none.
// With mine, a rule that would grant it to the requester too is taken.
func (a *asking) otherRule(i int, mine bool) *Rule {
	for _, r := range a.policy.def.Rules[i:] {
		if !r.grants() && r.Who != nil || a.misses(r).miss != "" {
			continue
		}
		if f := a.when(r); !f.decides || f.trouble.Code != "" {
			continue
		}
		if !r.grants() {
			return nil
		}
		if m, _ := a.groups.holds(r.Who, a.q.Person); mine || m == notListed {
			return r
		}
	}
	return nil
}

// looksAtPerson tells whether the condition itself depends on who asks.
func (r *Rule) looksAtPerson() bool {
	return r.When != nil && (r.When.Reads("user") || r.When.Reads("groups"))
}

func texts(patterns []Pattern) []string {
	var out []string
	for _, p := range patterns {
		out = append(out, p.text)
	}
	return out
}
