package authz

// freezeKey is the key of the policy file that says who may freeze.
const freezeKey = "freeze"

// MayFreeze tells whether the person may freeze models and thaw them in this channel, or
// why not. Guests may only where the policy lists them by user ID.
func (p *Policy) MayFreeze(person Person, channel string, people People) (ok bool, why Cause) {
	a := p.ask(Question{Person: person, Channel: channel, People: people}, nil)
	if c := a.stranger(); c.Code != "" {
		return false, c
	}
	if p.def.Freeze == nil {
		return false, Cause{Code: CauseNoFreeze}
	}
	switch in, missing := a.groups.holds(p.def.Freeze, person); in {
	case isListed:
		return true, Cause{}
	case unreadable:
		return false, Cause{Code: CauseGroupUnreadable, Who: p.Freezers(), Unreadable: []string{missing}}
	default:
		return false, Cause{Code: CauseNotFreezer, Who: p.Freezers(), Guest: person.Membership == Guest}
	}
}

// Freezers lists who may freeze and thaw, as the policy writes it; nobody where it does
// not say.
func (p *Policy) Freezers() []string { return p.def.Freeze.texts() }
