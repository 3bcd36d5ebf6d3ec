package authz

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// AllowedUsersRule is the name of a policy made by AllowedUsers, and of its one rule.
const AllowedUsersRule = "ALLOWED_USERS"

// AllowedUsers is the policy without a file: these people may change anything,
// nobody else may. Space around an ID does not matter, nor does an ID given twice.
// It refuses an empty list, and names each entry that is not a Slack user ID.
func AllowedUsers(ids []string) (*Policy, error) {
	var users, bad []string
	for _, id := range ids {
		id = strings.TrimSpace(id)
		switch {
		case id == "":
		case !isUserID(id):
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
	who := roster{}
	for _, id := range users {
		who = append(who, rosterEntry{text: id, user: id})
	}
	source := []byte(strings.Join(users, ","))
	sum := sha256.Sum256(source)
	return &Policy{
		name:     AllowedUsersRule,
		source:   source,
		sha:      hex.EncodeToString(sum[:]),
		location: time.UTC,
		rules:    []*rule{{name: AllowedUsersRule, line: 1, who: who, effect: Allow}},
	}, nil
}
