package authz

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"time"

	"autoscalebot/internal/authz/condition"
	"autoscalebot/internal/baseten"
)

// Policy is a policy in force. It never changes and may be used by many goroutines.
type Policy struct {
	def Definition
	sha string
}

// Definition is what a policy consists of. Package policyfile reads one from a file,
// AllowedUsers makes one without.
type Definition struct {
	// Name is the file's name, for messages; Source its content.
	Name   string
	Source []byte
	// Channels are those in which commands are taken, nil for all.
	Channels []string
	// Location is the time zone of local.hour and its like, nil for UTC.
	Location *time.Location
	Groups   []*Group
	Rules    []*Rule
	// ConfirmAbove is when a raise is large, zero for DefaultConfirmAbove.
	ConfirmAbove ConfirmAbove
	// Freeze are those who may freeze models and thaw them, nil for nobody.
	Freeze Roster
}

// Group is a named set of people.
type Group struct {
	Name       string
	Users      []string
	Usergroups []string
}

// Rule is one rule. A nil list is no restriction.
type Rule struct {
	Name     string
	Line     int
	Who      Roster
	Models   []Pattern
	Targets  []Pattern
	Settings []baseten.Field
	When     *condition.Condition
	Effect   Effect
	Reason   string // of the policy's author, told with the decision
	// RequireReason wants a reason of the requester.
	RequireReason bool
	// RequireFor wants an end of the change. MaxFor is the longest that it may hold, zero
	// for any time; a change for good is longer than any.
	RequireFor bool
	MaxFor     time.Duration
	// Of effect approve: who may, how many by Decision.Needed's keys, how long it may
	// be waited for, and who may skip it.
	Approvers  Roster
	Needed     map[string]int
	Expires    time.Duration
	BreakGlass Roster
	// Mention are those whom the card pings, of the approvers; nil for all of them.
	Mention Roster
}

// New makes a policy. The definition must not be changed afterwards.
func New(d Definition) *Policy {
	sum := sha256.Sum256(d.Source)
	if d.ConfirmAbove == (ConfirmAbove{}) {
		d.ConfirmAbove = DefaultConfirmAbove
	}
	return &Policy{def: d, sha: hex.EncodeToString(sum[:])}
}

// grants tells whether the rule can let anything happen.
func (r *Rule) grants() bool { return r.Effect != Deny }

// Name is the file's name, for messages.
func (p *Policy) Name() string { return p.def.Name }

// Source is the file's content as loaded.
func (p *Policy) Source() []byte { return slices.Clone(p.def.Source) }

// SHA256 is the lower-case hexadecimal SHA-256 of Source.
func (p *Policy) SHA256() string { return p.sha }

// Channels holds the channels in which commands are taken; none means all.
func (p *Policy) Channels() []string { return slices.Clone(p.def.Channels) }

// Location is the time zone of the policy, in which its conditions read the clock.
func (p *Policy) Location() *time.Location { return cmp.Or(p.def.Location, time.UTC) }

// Rules holds the names of the rules in the file's order.
func (p *Policy) Rules() []string {
	var out []string
	for _, r := range p.def.Rules {
		out = append(out, r.Name)
	}
	return out
}

// Usergroups holds the IDs of all user groups whose members the policy asks for,
// each once. A Question's People must cover them.
func (p *Policy) Usergroups() []string {
	var out []string
	for _, g := range p.def.Groups {
		for _, id := range g.Usergroups {
			out = appendNew(out, id)
		}
	}
	return out
}

// Users holds the IDs of all people whom the policy names, each once.
func (p *Policy) Users() []string {
	var out []string
	for _, g := range p.def.Groups {
		for _, id := range g.Users {
			out = appendNew(out, id)
		}
	}
	add := func(lists ...Roster) {
		for _, e := range slices.Concat(lists...) {
			if e.User != "" {
				out = appendNew(out, e.User)
			}
		}
	}
	add(p.def.Freeze)
	for _, r := range p.def.Rules {
		add(r.Who, r.Approvers, r.BreakGlass, r.Mention)
		for _, id := range r.compared("user") {
			out = appendNew(out, id)
		}
	}
	return out
}

// Literal is a model or target that a rule names without wildcards, or that its
// condition compares with. If Baseten does not know it, the rule has a typo.
type Literal struct {
	Rule   string
	Line   int
	Effect Effect
	// Model or Target holds the text as written; the other one is empty.
	Model, Target string
}

// Literals holds every literal model and target of the rules.
func (p *Policy) Literals() []Literal {
	var out []Literal
	for _, r := range p.def.Rules {
		at := Literal{Rule: r.Name, Line: r.Line, Effect: r.Effect}
		for _, at.Model = range append(literal(r.Models), r.compared("model")...) {
			out = appendNew(out, at)
		}
		at.Model = ""
		for _, at.Target = range append(literal(r.Targets), r.compared("target")...) {
			out = appendNew(out, at)
		}
	}
	return out
}

func literal(patterns []Pattern) (out []string) {
	for _, p := range patterns {
		if p.literal {
			out = append(out, p.text)
		}
	}
	return out
}

// compared holds the texts that the rule's condition compares the variable with. An
// empty one asks whether there is any.
func (r *Rule) compared(variable string) []string {
	if r.When == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.When.Equals(variable)), func(text string) bool { return text == "" })
}

// UsesBreakGlass tells whether any rule lets somebody skip an approval.
func (p *Policy) UsesBreakGlass() bool {
	return slices.ContainsFunc(p.def.Rules, func(r *Rule) bool { return r.BreakGlass != nil })
}

// UsesCost tells whether the policy asks about costs.
func (p *Policy) UsesCost() bool {
	return p.def.ConfirmAbove.USDPerHour > 0 || slices.ContainsFunc(p.def.Rules, func(r *Rule) bool { return r.When != nil && r.When.Reads("cost") })
}

// Mentions holds the names of the rules of Stakes, in the file's order.
func (p *Policy) Mentions(person Person, people People) []string {
	var out []string
	for _, s := range p.Stakes(person, people) {
		out = append(out, s.Rule)
	}
	return out
}

// GroupsOf holds the names of the policy's groups that the person is in.
func (p *Policy) GroupsOf(person Person, people People) []string {
	names, _ := lookup{groups: p.def.Groups, people: people}.groupsOf(person)
	return names
}

func appendNew[T comparable](list []T, one T) []T {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}

var (
	userID      = regexp.MustCompile(`^[UW][A-Z0-9]+$`)
	usergroupID = regexp.MustCompile(`^S[A-Z0-9]+$`)
	channelID   = regexp.MustCompile(`^[CG][A-Z0-9]+$`)
)

// IsUserID tells whether it looks like a Slack user ID.
func IsUserID(s string) bool { return userID.MatchString(s) }

// IsUsergroupID tells whether it looks like the ID of a Slack user group.
func IsUsergroupID(s string) bool { return usergroupID.MatchString(s) }

// IsChannelID tells whether it looks like the ID of a Slack channel.
func IsChannelID(s string) bool { return channelID.MatchString(s) }
