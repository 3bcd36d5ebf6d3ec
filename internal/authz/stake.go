package authz

import (
	"maps"

	"autoscalebot/internal/baseten"
)

// Stake is what one rule means for one person.
type Stake struct {
	Rule   string
	Effect Effect
	// Asks tells that the rule names them as one who asks, or is denied; Approves and Skips
	// that they could approve, or skip the approval.
	Asks, Approves, Skips bool
	// Freezes tells that they may freeze and thaw. It stands alone: Rule is the key of the
	// file that says so.
	Freezes bool
	// What the rule is restricted to, as the policy writes it; nothing where it is not.
	Models, Targets []string
	Settings        []baseten.Field
	When            string
	// Needed are the approvals that it asks for, Approvers those who give them.
	Needed    map[string]int
	Approvers []string
}

// Stakes returns the rules that could let this person do or approve something, or deny
// something to them in particular, in the file's order, and at the end whether they may
// freeze. Rules for everyone are among them, rules whose user groups could not be read are not.
func (p *Policy) Stakes(person Person, people People) []Stake {
	l := lookup{groups: p.def.Groups, people: people}
	holds := func(list Roster) bool {
		in, _ := l.holds(list, person)
		return list != nil && in == isListed
	}
	var out []Stake
	for _, r := range p.def.Rules {
		s := Stake{
			Rule: r.Name, Effect: r.Effect, Asks: holds(r.Who), Approves: holds(r.Approvers), Skips: holds(r.BreakGlass),
			Models: texts(r.Models), Targets: texts(r.Targets), Settings: r.Settings,
			Needed: maps.Clone(r.Needed), Approvers: r.Approvers.texts(),
		}
		if r.When != nil {
			s.When = r.When.String()
		}
		if s.Asks || s.Approves || s.Skips {
			out = append(out, s)
		}
	}
	if holds(p.def.Freeze) {
		out = append(out, Stake{Rule: freezeKey, Freezes: true})
	}
	return out
}
