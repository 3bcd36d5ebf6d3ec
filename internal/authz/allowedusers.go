package authz

import (
	"errors"
	"fmt"
	"strings"
)

// AllowedUsersRule is the name of a policy made by AllowedUsers, and of its one rule.
const AllowedUsersRule = "ALLOWED_USERS"

// AllowedUsers is the policy without a file: these people may change and freeze anything,
// nobody else may. Space around an ID does not matter, nor does an ID given twice.
// It refuses an empty list, and names each entry that is not a Slack user ID.
func AllowedUsers(ids []string) (*Policy, error) {
	var users, bad []string
	for _, id := range ids {
		id = strings.TrimSpace(id)
		switch {
		case id == "":
		case !IsUserID(id):
			bad = append(bad, fmt.Sprintf("%q", id))
		default:
			users = appendNew(users, id)
		}
	}
	if bad != nil {
		return nil, fmt.Errorf("not Slack user IDs (U… or W…): %s", strings.Join(bad, ", "))
	}
	if users == nil {
		return nil, errors.New("no Slack user ID given")
	}
	who := Roster{}
	for _, id := range users {
		who = append(who, RosterEntry{Text: id, User: id})
	}
	return New(Definition{
		Name:   AllowedUsersRule,
		Source: []byte(strings.Join(users, ",")),
		Rules:  []*Rule{{Name: AllowedUsersRule, Line: 1, Who: who, Effect: Allow}},
		Freeze: who,
	}), nil
}
