package authz

import "slices"

// NeverAllowed tells whether the person can be granted nothing in this channel (in
// any, where it is ""), whatever the change is, and if so the denial. It needs no
// target, so that who may change nothing is refused before anything is looked up
// for them. It is no permission: everybody else still has to ask Decide.
func (p *Policy) NeverAllowed(q Question) (Decision, bool) {
	a := p.ask(q, nil)
	d := Decision{Effect: Deny, PolicySHA: p.sha}
	if !q.Person.Membership.Ours() || q.Channel != "" && !p.Takes(q.Channel) {
		d.Cause = a.refusal()
		return d, true
	}
	for _, r := range p.def.Rules {
		if in, _ := a.groups.holds(r.Who, q.Person); r.grants() && in != notListed {
			return Decision{}, false
		}
	}
	d.Cause = Cause{Code: CauseNeverAllowed}
	if p.def.Name == AllowedUsersRule {
		d.Cause.Code = CauseNotListed
	}
	return d, true
}

// Takes tells whether commands are taken in the channel.
func (p *Policy) Takes(channel string) bool {
	return p.def.Channels == nil || slices.Contains(p.def.Channels, channel)
}
