package authz

import (
	"slices"
	"time"

	"autoscalebot/internal/baseten"
)

// Policy is a loaded policy. It never changes and may be used by many goroutines.
type Policy struct {
	name     string
	source   []byte
	sha      string
	channels []string
	location *time.Location
	groups   []*group
	rules    []*rule
	tests    []policyTest
}

// group is a named set of people of the policy.
type group struct {
	name       string
	users      []string
	usergroups []string
}

// rule is one rule as loaded. A nil list is no restriction.
type rule struct {
	name          string
	line          int
	who           roster
	models        []glob
	targets       []glob
	settings      []baseten.Field
	when          *condition
	effect        Effect
	reason        string
	approvers     roster
	needed        map[string]int // as Decision.Needed
	expires       time.Duration
	breakGlass    roster
	requireReason bool
}

// grants tells whether the rule can let anything happen.
func (r *rule) grants() bool { return r.effect != Deny }

// Everyone is the word that stands for every full member in a who list.
const Everyone = "everyone"

// Name is the file name given to Load, for messages.
func (p *Policy) Name() string { return p.name }

// Source is the file's content as loaded.
func (p *Policy) Source() []byte { return slices.Clone(p.source) }

// SHA256 is the lower-case hexadecimal SHA-256 of Source.
func (p *Policy) SHA256() string { return p.sha }

// Channels holds the channels in which commands are taken; none means all.
func (p *Policy) Channels() []string { return slices.Clone(p.channels) }

// Rules holds the names of the rules in the file's order.
func (p *Policy) Rules() []string {
	var out []string
	for _, r := range p.rules {
		out = append(out, r.name)
	}
	return out
}

// Usergroups holds the IDs of all user groups whose members the policy asks for,
// each once. A Question's People must cover them.
func (p *Policy) Usergroups() []string {
	var out []string
	for _, g := range p.groups {
		for _, id := range g.usergroups {
			out = appendNew(out, id)
		}
	}
	return out
}

// Users holds the IDs of all people whom the policy names, each once.
func (p *Policy) Users() []string {
	var out []string
	for _, g := range p.groups {
		for _, id := range g.users {
			out = appendNew(out, id)
		}
	}
	for _, r := range p.rules {
		for _, list := range []roster{r.who, r.approvers, r.breakGlass} {
			for _, e := range list {
				if e.user != "" {
					out = appendNew(out, e.user)
				}
			}
		}
	}
	return out
}

// Literal is a model or target that a rule names without wildcards. If Baseten
// does not know it, the rule has a typo.
type Literal struct {
	Rule string
	Line int
	// Model or Target holds the text as written; the other one is empty.
	Model, Target string
}

// Literals holds every literal model and target of the rules.
func (p *Policy) Literals() []Literal {
	var out []Literal
	for _, r := range p.rules {
		for _, g := range r.models {
			if g.literal {
				out = append(out, Literal{Rule: r.name, Line: r.line, Model: g.text})
			}
		}
		for _, g := range r.targets {
			if g.literal {
				out = append(out, Literal{Rule: r.name, Line: r.line, Target: g.text})
			}
		}
	}
	return out
}

// UsesBreakGlass tells whether any rule lets somebody skip an approval.
func (p *Policy) UsesBreakGlass() bool {
	return slices.ContainsFunc(p.rules, func(r *rule) bool { return r.breakGlass != nil })
}

// UsesCost tells whether any rule asks about costs.
func (p *Policy) UsesCost() bool {
	return slices.ContainsFunc(p.rules, func(r *rule) bool { return r.when != nil && r.when.cost })
}

// Mentions holds the names of the rules that could let this person do or approve
// something, or deny something to them in particular, in the file's order. Rules
// for everyone are among them, rules whose user groups could not be read are not.
func (p *Policy) Mentions(person Person, people People) []string {
	c := newCrowd(p.groups, people, nil)
	var out []string
	for _, r := range p.rules {
		for _, list := range []roster{r.who, r.approvers, r.breakGlass} {
			if m, _ := c.holds(list, person); list != nil && m == isIn {
				out = append(out, r.name)
				break
			}
		}
	}
	return out
}

// GroupsOf holds the names of the policy's groups that the person is in.
func (p *Policy) GroupsOf(person Person, people People) []string {
	names, _ := newCrowd(p.groups, people, nil).groupsOf(person)
	return names
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
