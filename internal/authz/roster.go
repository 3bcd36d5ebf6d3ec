package authz

import (
	"slices"
	"strings"
)

// roster is a list of people as a rule writes it: group names, user IDs, or
// "everyone".
type roster []rosterEntry

// rosterEntry is one of: a group, a user ID, everyone.
type rosterEntry struct {
	text     string // as written
	group    *group
	user     string
	everyone bool
}

// names writes the list for people: "oncall or leads".
func (r roster) names() string {
	var words []string
	for _, e := range r {
		words = append(words, e.text)
	}
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
}

// membership answers whether somebody is in a group. Its zero value is not in.
type membership int

const (
	isOut membership = iota
	isIn
	// unreadable: nobody can tell, because a user group could not be read.
	unreadable
)

// crowd answers who is in what, from one reading of the user groups.
type crowd struct {
	groups []*group
	people People
	// assumed holds groups that the requester is taken to be in: the tests of a
	// policy say so.
	assumed []*group
}

func newCrowd(groups []*group, people People, assumed []*group) crowd {
	return crowd{groups: groups, people: people, assumed: assumed}
}

// usergroup returns the members of a user group, and whether it could be read.
func (c crowd) usergroup(id string) ([]string, bool) {
	members := c.people.Members[id]
	return members, len(members) > 0 && !c.people.Unreachable[id]
}

// inGroup tells whether the person is in the group and, if that cannot be known,
// which user group could not be read. A group's users may be guests; members of
// its user groups count only as full members.
func (c crowd) inGroup(g *group, person Person) (membership, string) {
	if slices.Contains(g.users, person.ID) {
		return isIn, ""
	}
	if person.Standing != Member {
		return isOut, ""
	}
	missing := ""
	for _, id := range g.usergroups {
		members, ok := c.usergroup(id)
		switch {
		case !ok:
			missing = id
		case slices.Contains(members, person.ID):
			return isIn, ""
		}
	}
	if missing != "" {
		return unreadable, missing
	}
	return isOut, ""
}

// holds tells whether the list holds the person. A nil list holds everybody.
func (c crowd) holds(list roster, person Person) (membership, string) {
	if list == nil {
		return isIn, ""
	}
	result, missing := isOut, ""
	for _, e := range list {
		m, id := isOut, ""
		switch {
		case e.everyone && person.Standing == Member, e.user != "" && e.user == person.ID:
			m = isIn
		case e.group != nil && slices.Contains(c.assumed, e.group):
			m = isIn
		case e.group != nil:
			m, id = c.inGroup(e.group, person)
		}
		if m == isIn {
			return isIn, ""
		}
		if m == unreadable {
			result, missing = m, id
		}
	}
	return result, missing
}

// groupsOf returns the names of the groups the person is in and, if that is not
// known for all of them, a user group that could not be read.
func (c crowd) groupsOf(person Person) (names []string, missing string) {
	for _, g := range c.groups {
		m, id := c.inGroup(g, person)
		switch {
		case m == isIn || slices.Contains(c.assumed, g):
			names = append(names, g.name)
		case m == unreadable:
			missing = id
		}
	}
	return names, missing
}

// enumerate lists the user IDs in one entry of an approvers list, in the policy's
// order, and the user groups that could not be read. Nobody is taken from those.
func (c crowd) enumerate(e rosterEntry) (ids, missing []string) {
	if e.user != "" {
		return []string{e.user}, nil
	}
	if e.group == nil {
		return nil, nil
	}
	ids = slices.Clone(e.group.users)
	for _, ug := range e.group.usergroups {
		members, ok := c.usergroup(ug)
		if !ok {
			missing = append(missing, ug)
			continue
		}
		for _, id := range members {
			ids = appendNew(ids, id)
		}
	}
	return ids, missing
}
