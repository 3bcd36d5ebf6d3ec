package authz

import "slices"

// Stranger tells whether the person can be granted nothing in this channel (in any,
// where it is "") whatever the change is, and if so the denial. It needs no target, so that who may change
// nothing is refused before anything is looked up for them. It is no permission:
// who is no stranger still has to ask Decide.
func (p *Policy) Stranger(q Question) (Decision, bool) {
	a := p.ask(q, nil)
	d := Decision{Effect: Deny, PolicySHA: p.sha}
	if q.Channel != "" && p.channels != nil && !slices.Contains(p.channels, q.Channel) {
		d.Reason = a.refusal()
		return d, true
	}
	switch q.Person.Standing {
	case Member, Guest:
		for _, r := range p.rules {
			if m, _ := a.crowd.holds(r.who, q.Person); r.grants() && m != isOut {
				return Decision{}, false
			}
		}
		d.Reason = "No rule of the policy lets you change anything. Ask whoever runs the bot."
		if p.name == AllowedUsersRule {
			d.Reason = "You are not on the bot's list of people who may change autoscaling (ALLOWED_USERS). Ask whoever runs the bot."
		}
	default:
		d.Reason = a.refusal()
	}
	return d, true
}
