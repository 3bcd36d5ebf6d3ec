package authz

// Forbids tells whether a deny rule stands in the way of the change, and if so the
// denial. It is for the end of a temporary change, which needs nobody's permission: what
// was agreed to was the way there and back. Rules are read top down as by Decide, with
// these differences: neither the channel nor what Slack says of the person is asked, no
// rule at all forbids nothing, and a rule that grants but cannot be judged is passed over.
// A deny rule that cannot be judged forbids.
func (p *Policy) Forbids(q Question) (Decision, bool) {
	a := p.ask(q, nil)
	for i, r := range p.def.Rules {
		f := a.consider(r)
		broken := f.trouble.Code != ""
		if !f.decides || r.grants() && broken {
			continue
		}
		if r.grants() {
			return Decision{}, false
		}
		d := Decision{Effect: Deny, Rule: r.Name, Cause: f.trouble}
		if !broken {
			d = a.apply(i)
		}
		d.NeedsCost, d.PolicySHA = a.needsCost, p.sha
		return d, true
	}
	return Decision{}, false
}
