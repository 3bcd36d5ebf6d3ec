package authz

import "slices"

// Everyone is the word that stands for every full member in a list of people.
const Everyone = "everyone"

// Roster is a list of people as a rule writes it. A nil list holds everybody.
type Roster []RosterEntry

// RosterEntry is one of: a group, a user ID, everyone.
type RosterEntry struct {
	Text     string // as written
	Group    *Group
	User     string
	Everyone bool
}

// texts is the list as the policy writes it.
func (r Roster) texts() []string {
	var out []string
	for _, e := range r {
		out = append(out, e.Text)
	}
	return out
}

// listed answers whether somebody is in a group or list. Its zero value is not.
type listed int

const (
	notListed listed = iota
	isListed
	// unreadable: nobody can tell, because a user group could not be read.
	unreadable
)

// lookup answers who is in what, from one reading of the user groups.
type lookup struct {
	groups []*Group
	people People
	// assumed names groups that the requester is taken to be in (see DecideAs).
	assumed []string
}

// usergroup returns the members of a user group, and whether it could be read.
func (l lookup) usergroup(id string) ([]string, bool) {
	members := l.people.Members[id]
	return members, len(members) > 0 && !l.people.Unreachable[id]
}

// inGroup tells whether the person is in the group and, if that cannot be known,
// which user group could not be read. A group's users may be guests; members of
// its user groups count only as full members.
func (l lookup) inGroup(g *Group, person Person) (listed, string) {
	if slices.Contains(g.Users, person.ID) || slices.Contains(l.assumed, g.Name) {
		return isListed, ""
	}
	if person.Membership != Member {
		return notListed, ""
	}
	missing := ""
	for _, id := range g.Usergroups {
		members, ok := l.usergroup(id)
		switch {
		case !ok:
			missing = id
		case slices.Contains(members, person.ID):
			return isListed, ""
		}
	}
	if missing != "" {
		return unreadable, missing
	}
	return notListed, ""
}

// holds tells whether the list holds the person.
func (l lookup) holds(list Roster, person Person) (listed, string) {
	if list == nil {
		return isListed, ""
	}
	result, missing := notListed, ""
	for _, e := range list {
		in, id := notListed, ""
		switch {
		case e.Everyone && person.Membership == Member, e.User != "" && e.User == person.ID:
			in = isListed
		case e.Group != nil:
			in, id = l.inGroup(e.Group, person)
		}
		if in == isListed {
			return isListed, ""
		}
		if in == unreadable {
			result, missing = in, id
		}
	}
	return result, missing
}

// groupsOf returns the names of the groups the person is in and, if that is not
// known for all of them, a user group that could not be read.
func (l lookup) groupsOf(person Person) (names []string, missing string) {
	for _, g := range l.groups {
		switch in, id := l.inGroup(g, person); in {
		case isListed:
			names = append(names, g.Name)
		case unreadable:
			missing = id
		case notListed:
		}
	}
	return names, missing
}

// members lists the user IDs in one entry of an approvers list, in the policy's
// order, and the user groups that could not be read. Nobody is taken from those.
func (l lookup) members(e RosterEntry) (ids, missing []string) {
	if e.User != "" {
		return []string{e.User}, nil
	}
	if e.Group == nil {
		return nil, nil
	}
	ids = slices.Clone(e.Group.Users)
	for _, ug := range e.Group.Usergroups {
		members, ok := l.usergroup(ug)
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
