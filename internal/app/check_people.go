package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/slackbot"
)

// lookedUp bounds how many members of user groups are looked up one by one: Slack
// answers about 100 such questions a minute. The others count as active.
const lookedUp = 60

// policyPeople looks up whom the policy names, and whether its approvals can be
// given.
func (c *checkup) policyPeople(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkManyWithin)
	defer cancel()
	c.usergroups(ctx)
	c.users(ctx)
	c.members(ctx)
	c.approvals()
}

func (c *checkup) usergroups(ctx context.Context) {
	c.unread = nil
	c.groups = authz.People{Members: make(map[string][]string), Unreachable: make(map[string]bool)}
	for _, id := range c.policy.Usergroups() {
		members, err := c.slack.Usergroup(ctx, id)
		c.groups.Unreachable[id] = err != nil
		switch {
		case errors.Is(err, slackbot.ErrUnknown):
			c.report.fail("user group", noUsergroup, id)
		case err != nil:
			c.unread = append(c.unread, id)
			c.report.fail("user group", "%s: %s.", id, slackbot.Trouble(err))
		case len(members) == 0:
			c.report.fail("user group", "%s has nobody in it, or is disabled. Rules that depend on it refuse everybody.", id)
		default:
			c.groups.Members[id] = members
			c.report.ok("user group", "%s has %s", id, count(len(members), "member", "members"))
		}
	}
}

// users looks up everybody whom the policy names by ID.
func (c *checkup) users(ctx context.Context) {
	ids := c.policy.Users()
	if len(ids) == 0 {
		return
	}
	good := 0
	for _, id := range ids {
		person, err := c.slack.Person(ctx, id)
		switch {
		case errors.Is(err, slackbot.ErrUnknown):
			c.report.fail("user", noUser, id)
		case err != nil:
			c.unread = append(c.unread, id)
			c.report.fail("user", "%s: %s.", id, slackbot.Trouble(err))
		case person.Membership == authz.Deactivated:
			c.report.warn("user", "%s (%s) is deactivated and may do nothing. Take the ID out of the policy.", id, person.Name)
		case person.Membership == authz.Guest:
			c.report.warn("user", "%s (%s) is a guest. The policy names this ID, so what it grants holds for the guest too.", id, person.Name)
		case person.Membership != authz.Member:
			c.report.fail("user", "%s (%s) is no person of this workspace (%s) and can be granted nothing. Correct the policy.", id, person.Name, person.Membership)
		default:
			good++
		}
		if err == nil {
			c.people[id] = person
		}
	}
	if good == len(ids) {
		c.report.ok("users", "%s named in the policy, all active members", count(good, "person", "people"))
	}
}

// members looks up who is in the user groups, so that approvals are counted of
// people who could give them.
func (c *checkup) members(ctx context.Context) {
	asked := 0
	for _, ids := range c.groups.Members {
		for _, id := range ids {
			if _, known := c.people[id]; known {
				continue
			}
			person := authz.Person{ID: id, Membership: authz.Member}
			if asked++; asked <= lookedUp {
				if found, err := c.slack.Person(ctx, id); err == nil {
					person = found
				}
			}
			c.people[id] = person
		}
	}
}

// approvals tells of each rule that asks for approvals whether enough people could
// give them.
func (c *checkup) approvals() {
	rules, good := 0, 0
	for _, name := range c.policy.Rules() {
		rule := approvals{policy: c.policy, people: c.groups, rule: name}
		if !rule.wanted() {
			continue
		}
		rules++
		able := rule.able(c.people)
		missing := rule.missing(able)
		if missing != "" && len(c.unread) > 0 {
			c.report.warn("approvals", "rule %q: whether it can be approved is not known, since %s could not be looked up (see above).", name, strings.Join(c.unread, " and "))
			continue
		}
		if missing != "" {
			c.report.fail("approvals", "rule %q can never be approved: it lacks %s, %s could approve. Add people or ask for fewer approvals.",
				name, missing, count(len(able), "person", "people"))
			continue
		}
		if needed := rule.indispensable(able); needed != "" {
			c.report.warn("approvals", "rule %q depends on %s: nobody can approve what they ask for, and nothing while they are away.", name, needed)
			continue
		}
		good++
	}
	if rules > 0 && good == rules {
		c.report.ok("approvals", "%s, each with enough people who could approve", count(rules, "rule asks for them", "rules ask for them"))
	}
}

// approvals is one rule, seen by who could approve under it.
type approvals struct {
	policy *authz.Policy
	people authz.People
	rule   string
}

func (a approvals) question() (authz.Question, authz.Decision) {
	return authz.Question{People: a.people}, authz.Decision{Effect: authz.Approve, Rule: a.rule}
}

// wanted tells whether the rule asks for approvals at all: only then does the
// policy say why a bot's does not count.
func (a approvals) wanted() bool {
	q, d := a.question()
	nobody := authz.Person{ID: "UNOBODY", Membership: authz.Bot}
	return len(a.policy.Tally(q, d, []authz.Person{nobody}).Ignored) > 0
}

// able lists whose approval would count.
func (a approvals) able(people map[string]authz.Person) []authz.Person {
	q, d := a.question()
	var out []authz.Person
	for _, person := range people {
		if ok, _ := a.policy.MayApprove(q, d, person); ok {
			out = append(out, person)
		}
	}
	slices.SortFunc(out, func(a, b authz.Person) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// missing says which approvals are missing if all these people approve, "" if none.
func (a approvals) missing(able []authz.Person) string {
	q, d := a.question()
	t := a.policy.Tally(q, d, able)
	if t.Satisfied {
		return ""
	}
	var parts []string
	for group, n := range t.Missing {
		part := count(n, "approval", "approvals")
		if group != "" {
			part += " by " + group
		}
		parts = append(parts, part)
	}
	slices.Sort(parts)
	return strings.Join(parts, " and ")
}

// indispensable lists the people without each of whom nothing can be approved.
func (a approvals) indispensable(able []authz.Person) string {
	var ids []string
	for i, person := range able {
		if a.missing(slices.Concat(able[:i:i], able[i+1:])) != "" {
			ids = append(ids, fmt.Sprintf("%s (%s)", person.ID, person.Name))
		}
	}
	return strings.Join(ids, " and ")
}
