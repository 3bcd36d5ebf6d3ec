package authz

import (
	"maps"
	"slices"
	"strings"
)

// slot is one approval that a rule wants: of one of these people.
type slot struct {
	key    string // as in Decision.Needed
	filled string // the user ID of who gave it
}

// eligible is the people who may approve under a rule, for one requester.
type eligible struct {
	rule *Rule
	// people holds every eligible user ID in the policy's order, without the
	// requester.
	people []string
	// of holds, by key of Decision.Needed, who can fill it.
	of map[string][]string
	// unreadable holds user groups that could not be read: nobody counts as theirs.
	unreadable []string
}

func (a *asking) eligible(r *Rule) eligible {
	p := eligible{rule: r, of: map[string][]string{}}
	for _, e := range r.Approvers {
		ids, missing := a.groups.members(e)
		for _, id := range missing {
			p.unreadable = appendNew(p.unreadable, id)
		}
		key := ""
		if _, ok := r.Needed[""]; !ok {
			if _, counted := r.Needed[e.Text]; !counted {
				continue // listed as an approver, but no count asks for one
			}
			key = e.Text
		}
		for _, id := range ids {
			if id != a.q.Person.ID {
				p.people = appendNew(p.people, id)
				p.of[key] = appendNew(p.of[key], id)
			}
		}
	}
	return p
}

// slots lists the approvals that the rule wants, by key in the policy's order.
func (p eligible) slots() []slot {
	var out []slot
	for _, key := range p.keys() {
		for range p.rule.Needed[key] {
			out = append(out, slot{key: key})
		}
	}
	return out
}

func (p eligible) keys() []string {
	if _, ok := p.rule.Needed[""]; ok {
		return []string{""}
	}
	var out []string
	for _, e := range p.rule.Approvers {
		if _, ok := p.rule.Needed[e.Text]; ok {
			out = appendNew(out, e.Text)
		}
	}
	return out
}

// fill gives the person a free slot, moving others to different ones where that
// makes room, and tells whether it could. Each person fills one slot: somebody in
// two groups is one approval, not two. (Augmenting paths of a bipartite matching,
// so the order of approvals never matters.)
func (p eligible) fill(slots []slot, id string) bool {
	return p.fillExcept(slots, id, map[int]bool{})
}

func (p eligible) fillExcept(slots []slot, id string, tried map[int]bool) bool {
	for i := range slots {
		if tried[i] || !slices.Contains(p.of[slots[i].key], id) {
			continue
		}
		tried[i] = true
		if slots[i].filled == "" || p.fillExcept(slots, slots[i].filled, tried) {
			slots[i].filled = id
			return true
		}
	}
	return false
}

func missingBy(slots []slot) map[string]int {
	out := map[string]int{}
	for _, s := range slots {
		if s.filled == "" {
			out[s.key]++
		}
	}
	return out
}

// cause says what the rule asks for, and of whom.
func (p eligible) cause(code CauseCode) Cause {
	return Cause{Code: code, Rule: p.rule.Name, Needed: maps.Clone(p.rule.Needed), Who: p.rule.Approvers.texts()}
}

// needApproval fills in the decision of an approve rule.
func (a *asking) needApproval(r *Rule, d *Decision) {
	p := a.eligible(r)
	d.Approvers = p.people
	d.Mention = a.mention(r, p.people)
	d.Needed = maps.Clone(r.Needed)
	d.Expires = r.Expires
	d.Cause = p.cause(CauseApproves)
	d.Cause.Text = r.Reason

	mayBreak, unreadable := notListed, ""
	if r.BreakGlass != nil {
		mayBreak, unreadable = a.groups.holds(r.BreakGlass, a.q.Person)
	}
	d.BreakGlass = mayBreak == isListed
	if a.q.BreakGlass {
		a.breakGlass(r, d, mayBreak, unreadable)
		return
	}

	slots := p.slots()
	able := 0
	for _, id := range p.people {
		if p.fill(slots, id) {
			able++
		}
	}
	if able == len(slots) {
		return
	}
	d.Effect = Deny
	d.Cause = p.cause(CauseTooFew)
	d.Cause.Able, d.Cause.Own = p.able(slots), a.isApprover(r)
	d.Cause.Unreadable, d.Cause.MayBreak = p.unreadable, d.BreakGlass
}

// mention holds those of the approvers whom the card pings, nil for all of them: also
// where the rule names nobody who could approve.
func (a *asking) mention(r *Rule, approvers []string) []string {
	var out []string
	for _, e := range r.Mention {
		ids, _ := a.groups.members(e)
		for _, id := range ids {
			if slices.Contains(approvers, id) {
				out = appendNew(out, id)
			}
		}
	}
	return out
}

// isApprover tells whether the requester would be an approver for somebody else.
func (a *asking) isApprover(r *Rule) bool {
	m, _ := a.groups.holds(r.Approvers, a.q.Person)
	return m == isListed
}

// able counts, by key, those who could fill the slots of it.
func (p eligible) able(slots []slot) map[string]int {
	missing := missingBy(slots)
	out := make(map[string]int)
	for _, key := range p.keys() {
		out[key] = p.rule.Needed[key] - missing[key]
	}
	return out
}

// breakGlass decides whether the question's wish to skip the approval is honoured.
func (a *asking) breakGlass(r *Rule, d *Decision, may listed, unreadable string) {
	switch {
	case r.BreakGlass == nil:
		d.Effect = Deny
		d.Cause = a.eligible(r).cause(CauseBreakGlassNever)
	case unreadable != "":
		d.Effect = Deny
		d.Cause = Cause{Code: CauseBreakGlassUnreadable, Rule: r.Name, Who: r.BreakGlass.texts(), Unreadable: []string{unreadable}}
	case may != isListed:
		d.Effect = Deny
		d.Cause = a.eligible(r).cause(CauseBreakGlassNotYou)
		d.Cause.Who = r.BreakGlass.texts()
	case strings.TrimSpace(a.q.Reason) == "":
		d.Effect = Deny
		d.Cause = Cause{Code: CauseBreakGlassReason, Rule: r.Name}
	default:
		d.Effect = Allow
		d.BrokeGlass = true
		d.Cause = a.eligible(r).cause(CauseBreakGlass)
	}
}

// Tally counts the approvals of a request under d, which must be this policy's
// decision on q as they are now. An approval counts while the approver is a full
// member (or a guest named by user ID) in the right group, and is not the
// requester. One person gives one approval, even if in two groups.
//
// Without an approval to wait for, Satisfied says whether d lets the change go
// ahead. Nothing counts where d names no rule of this policy.
func (p *Policy) Tally(q Question, d Decision, approvals []Person) Tally {
	t := Tally{Ignored: map[string]Cause{}, Missing: map[string]int{}}
	if d.Effect != Approve {
		t.Satisfied = d.Effect == Allow
		return t
	}
	a := p.ask(q, nil)
	r := p.rule(d.Rule)
	if r == nil || r.Effect != Approve {
		t.Missing[""] = 1
		return t
	}
	able := a.eligible(r)
	slots := able.slots()
	for _, person := range approvals {
		if slices.Contains(t.Counts, person.ID) {
			continue
		}
		if why := a.cannotApprove(able, person); why.Code != "" {
			t.Ignored[person.ID] = why
			continue
		}
		t.Counts = append(t.Counts, person.ID)
		a.narrow(able, person)
		able.fill(slots, person.ID)
	}
	t.Missing = missingBy(slots)
	t.Satisfied = len(t.Missing) == 0
	if t.Satisfied {
		return t
	}
	for _, id := range able.people {
		if !slices.Contains(t.Counts, id) && t.Ignored[id].Code == "" && able.fill(slices.Clone(slots), id) {
			t.Could = append(t.Could, id)
		}
	}
	return t
}

// MayApprove tells whether the person's approval would count for the request, or why
// not. It also answers for the review of a change that skipped the approval
// (break-glass): who could have approved it may sign it.
func (p *Policy) MayApprove(q Question, d Decision, person Person) (ok bool, why Cause) {
	r := p.rule(d.Rule)
	if r == nil || r.Effect != Approve || d.Effect != Approve && !d.BrokeGlass {
		return false, Cause{Code: CauseNobodyAsked}
	}
	a := p.ask(q, nil)
	why = a.cannotApprove(a.eligible(r), person)
	return why.Code == "", why
}

// cannotApprove says why the person's approval does not count; its code is "" where
// it does.
func (a *asking) cannotApprove(p eligible, person Person) Cause {
	if person.ID == a.q.Person.ID {
		return p.cause(CauseOwnRequest)
	}
	if c := outsider(person); c.Code != "" {
		return c
	}
	a.narrow(p, person)
	if !p.holds(person.ID) {
		c := p.cause(CauseNotApprover)
		c.Unreadable = p.unreadable
		return c
	}
	return Cause{}
}

// narrow takes a guest out of the slots that a user group alone would give them.
func (a *asking) narrow(p eligible, person Person) {
	if person.Membership != Guest {
		return
	}
	for _, e := range p.rule.Approvers {
		key, list := e.Text, Roster{e}
		if _, ok := p.rule.Needed[""]; ok {
			key, list = "", p.rule.Approvers
		}
		if m, _ := a.groups.holds(list, person); m != isListed {
			p.of[key] = slices.DeleteFunc(p.of[key], func(id string) bool { return id == person.ID })
		}
	}
}

// holds tells whether the person can fill any slot.
func (p eligible) holds(id string) bool {
	for _, ids := range p.of {
		if slices.Contains(ids, id) {
			return true
		}
	}
	return false
}

func (p *Policy) rule(name string) *Rule {
	i := slices.IndexFunc(p.def.Rules, func(r *Rule) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return p.def.Rules[i]
}
