package authz

import (
	"fmt"
	"slices"
	"strings"
)

// slot is one approval that a rule wants: of one of these people.
type slot struct {
	key    string // as in Decision.Needed
	filled string // the user ID of who gave it
}

// panel is the people who may approve under a rule, for one requester.
type panel struct {
	rule *rule
	// people holds every eligible user ID in the policy's order, without the
	// requester.
	people []string
	// of holds, by key of Decision.Needed, who can fill it.
	of map[string][]string
	// unreadable holds user groups that could not be read: nobody counts as theirs.
	unreadable []string
}

func (a *asking) panel(r *rule) panel {
	p := panel{rule: r, of: map[string][]string{}}
	for _, e := range r.approvers {
		ids, missing := a.crowd.enumerate(e)
		for _, id := range missing {
			p.unreadable = appendNew(p.unreadable, id)
		}
		key := ""
		if _, ok := r.needed[""]; !ok {
			if _, counted := r.needed[e.text]; !counted {
				continue // listed as an approver, but no count asks for one
			}
			key = e.text
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
func (p panel) slots() []slot {
	var out []slot
	for _, key := range p.keys() {
		for range p.rule.needed[key] {
			out = append(out, slot{key: key})
		}
	}
	return out
}

func (p panel) keys() []string {
	if _, ok := p.rule.needed[""]; ok {
		return []string{""}
	}
	var out []string
	for _, e := range p.rule.approvers {
		if _, ok := p.rule.needed[e.text]; ok {
			out = appendNew(out, e.text)
		}
	}
	return out
}

// seat gives the person a free slot, moving others to different ones where that
// makes room, and tells whether it could. Each person fills one slot: somebody in
// two groups is one approval, not two. (Augmenting paths of a bipartite matching,
// so the order of approvals never matters.)
func (p panel) seat(slots []slot, id string) bool {
	return p.seatExcept(slots, id, map[int]bool{})
}

func (p panel) seatExcept(slots []slot, id string, tried map[int]bool) bool {
	for i := range slots {
		if tried[i] || !slices.Contains(p.of[slots[i].key], id) {
			continue
		}
		tried[i] = true
		if slots[i].filled == "" || p.seatExcept(slots, slots[i].filled, tried) {
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

// wants writes what the rule asks for: "2 approvals of leads".
func (p panel) wants() string {
	var parts []string
	for _, key := range p.keys() {
		who := key
		if key == "" {
			who = p.rule.approvers.names()
		}
		parts = append(parts, fmt.Sprintf("%s by %s", plural(p.rule.needed[key], "approval"), who))
	}
	return strings.Join(parts, " and ")
}

// needApproval fills in the decision of an approve rule.
func (a *asking) needApproval(r *rule, d *Decision) {
	p := a.panel(r)
	d.Approvers = p.people
	d.Needed = map[string]int{}
	for key, n := range r.needed {
		d.Needed[key] = n
	}
	d.Expires = r.expires
	d.Reason = sentence(fmt.Sprintf("Rule %q needs %s", r.name, p.wants()), r.reason)

	mayBreak, unreadable := isOut, ""
	if r.breakGlass != nil {
		mayBreak, unreadable = a.crowd.holds(r.breakGlass, a.q.Person)
	}
	d.BreakGlass = mayBreak == isIn
	if a.q.BreakGlass {
		a.breakGlass(r, d, mayBreak, unreadable)
		return
	}

	slots := p.slots()
	able := 0
	for _, id := range p.people {
		if p.seat(slots, id) {
			able++
		}
	}
	if able == len(slots) {
		return
	}
	d.Effect = Deny
	d.Reason = fmt.Sprintf("Rule %q needs %s, but %s.", r.name, p.wants(), p.shortfall(slots, a.isApprover(r)))
	if p.unreadable != nil {
		d.Reason += fmt.Sprintf(" The user group %s could not be read. Try again in a few minutes.", strings.Join(p.unreadable, ", "))
	}
	if d.BreakGlass {
		d.Reason += " In an emergency you may add break-glass reason=\"…\"."
	}
}

// isApprover tells whether the requester would be an approver for somebody else.
func (a *asking) isApprover(r *rule) bool {
	m, _ := a.crowd.holds(r.approvers, a.q.Person)
	return m == isIn
}

// shortfall counts those who could approve, by key: "only 1 person could approve".
// It says so where the requester is not counted.
func (p panel) shortfall(slots []slot, requesterToo bool) string {
	missing := missingBy(slots)
	var parts []string
	for _, key := range p.keys() {
		if missing[key] == 0 {
			continue
		}
		part := people(p.rule.needed[key]-missing[key], requesterToo) + " could approve"
		if key != "" {
			part += " for " + key
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " and ")
}

// breakGlass decides whether the question's wish to skip the approval is honoured.
func (a *asking) breakGlass(r *rule, d *Decision, may membership, unreadable string) {
	switch {
	case r.breakGlass == nil:
		d.Effect = Deny
		d.Reason = fmt.Sprintf("Rule %q lets nobody break the glass. Ask without break-glass: it needs %s.", r.name, a.panel(r).wants())
	case unreadable != "":
		d.Effect = Deny
		d.Reason = fmt.Sprintf("Rule %q lets %s break the glass, and the user group %s could not be read. Ask without break-glass.", r.name, r.breakGlass.names(), unreadable)
	case may != isIn:
		d.Effect = Deny
		d.Reason = fmt.Sprintf("Rule %q does not let you break the glass, only %s. Ask without break-glass: it needs %s.", r.name, r.breakGlass.names(), a.panel(r).wants())
	case strings.TrimSpace(a.q.Reason) == "":
		d.Effect = Deny
		d.Reason = fmt.Sprintf("Rule %q lets you break the glass only with a reason: add reason=\"…\" to the command.", r.name)
	default:
		d.Effect = Allow
		d.BrokeGlass = true
		d.Reason = fmt.Sprintf("Rule %q lets you break the glass. It would have needed %s.", r.name, a.panel(r).wants())
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
	t := Tally{Ignored: map[string]string{}, Missing: map[string]int{}}
	if d.Effect != Approve {
		t.Satisfied = d.Effect == Allow
		return t
	}
	a := p.ask(q, nil)
	r := p.rule(d.Rule)
	if r == nil || r.effect != Approve {
		t.Missing[""] = 1
		return t
	}
	panel := a.panel(r)
	slots := panel.slots()
	for _, person := range approvals {
		if slices.Contains(t.Counts, person.ID) {
			continue
		}
		if why := a.cannotApprove(panel, person); why != "" {
			t.Ignored[person.ID] = why
			continue
		}
		t.Counts = append(t.Counts, person.ID)
		a.narrow(panel, person)
		panel.seat(slots, person.ID)
	}
	t.Missing = missingBy(slots)
	t.Satisfied = len(t.Missing) == 0
	if t.Satisfied {
		return t
	}
	for _, id := range panel.people {
		if !slices.Contains(t.Counts, id) && t.Ignored[id] == "" && panel.seat(slices.Clone(slots), id) {
			t.Could = append(t.Could, id)
		}
	}
	return t
}

// MayApprove tells whether the person's approval would count for the request, or
// why not in a sentence for that person. It also answers for the review of a
// change that broke the glass: who could have approved it may sign it.
func (p *Policy) MayApprove(q Question, d Decision, person Person) (ok bool, why string) {
	r := p.rule(d.Rule)
	if r == nil || r.effect != Approve || d.Effect != Approve && !d.BrokeGlass {
		return false, "This request waits for nobody's approval."
	}
	a := p.ask(q, nil)
	why = a.cannotApprove(a.panel(r), person)
	return why == "", why
}

// cannotApprove says why the person's approval does not count, or returns "".
func (a *asking) cannotApprove(p panel, person Person) string {
	if person.ID == a.q.Person.ID {
		return fmt.Sprintf("Nobody approves their own request. It needs %s.", p.wants())
	}
	switch person.Standing {
	case Member, Guest:
	case Bot:
		return "Bots and workflows cannot approve anything."
	case Foreign:
		return "People of another organisation cannot approve anything here."
	case Deactivated:
		return "The Slack account of the approver is deactivated."
	default:
		return "Slack did not say who you are, and the policy needs to know. Try again in a minute."
	}
	a.narrow(p, person)
	if !p.holds(person.ID) {
		why := fmt.Sprintf("Rule %q takes approvals by %s only.", p.rule.name, p.rule.approvers.names())
		if p.unreadable != nil {
			why += fmt.Sprintf(" The user group %s could not be read.", strings.Join(p.unreadable, ", "))
		}
		return why
	}
	return ""
}

// narrow takes a guest out of the slots that a user group alone would give them.
func (a *asking) narrow(p panel, person Person) {
	if person.Standing != Guest {
		return
	}
	for _, e := range p.rule.approvers {
		key, list := e.text, roster{e}
		if _, ok := p.rule.needed[""]; ok {
			key, list = "", p.rule.approvers
		}
		if m, _ := a.crowd.holds(list, person); m != isIn {
			p.of[key] = slices.DeleteFunc(p.of[key], func(id string) bool { return id == person.ID })
		}
	}
}

// holds tells whether the person can fill any slot.
func (p panel) holds(id string) bool {
	for _, ids := range p.of {
		if slices.Contains(ids, id) {
			return true
		}
	}
	return false
}

func (p *Policy) rule(name string) *rule {
	i := slices.IndexFunc(p.rules, func(r *rule) bool { return r.name == name })
	if i < 0 {
		return nil
	}
	return p.rules[i]
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func people(n int, besidesYou bool) string {
	besides := ""
	if besidesYou {
		besides = " besides you"
	}
	switch n {
	case 0:
		return "nobody" + besides
	case 1:
		return "only 1 person" + besides
	default:
		return fmt.Sprintf("only %d people%s", n, besides)
	}
}
