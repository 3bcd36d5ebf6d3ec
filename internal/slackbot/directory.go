package slackbot

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

// How old what Slack said may be when it is looked at. Three seconds may pass from
// then to the PATCH: together they are the ten seconds for groups and the thirty for
// channels that are promised. They hold without any event from Slack, on every
// replica: an event goes down one socket only, and may be lost. How old people may be
// is said by whoever asks. Presence decides only whom a card mentions.
const (
	groupsFor  = 7 * time.Second
	placeFor   = 27 * time.Second
	presentFor = 5 * time.Minute
)

// Directory knows people, channels and user groups as Slack tells of them. It
// implements change.Directory.
type Directory struct {
	api  *api
	team string // of this workspace, "" until known: then nobody is a member

	people  *lookups[authz.Person]
	places  *lookups[change.Place]
	present *lookups[map[string]bool]
	groups  *lookups[map[string][]string] // all of the workspace's, under one key
}

func newDirectory(cfg Config, api *api) *Directory {
	return &Directory{
		api:    api,
		people: newLookups[authz.Person](cfg.Now), places: newLookups[change.Place](cfg.Now),
		present: newLookups[map[string]bool](cfg.Now), groups: newLookups[map[string][]string](cfg.Now),
	}
}

// Person implements change.Directory.
func (d *Directory) Person(ctx context.Context, id string, maxAge time.Duration) (authz.Person, error) {
	return d.people.get(ctx, id, maxAge, func(ctx context.Context) (person authz.Person, err error) {
		err = d.api.call(ctx, "users.info", func(ctx context.Context, c *slack.Client) error {
			u, err := c.GetUserInfoContext(ctx, id)
			if err == nil {
				person = d.person(u)
			}
			return err
		})
		if w := word(err); w == "user_not_found" || w == "user_not_visible" {
			return person, change.ErrNobody
		}
		return person, err
	})
}

func (d *Directory) person(u *slack.User) authz.Person {
	person := authz.Person{ID: u.ID, Name: u.ID, Membership: d.membership(u), Zone: u.TZ}
	for _, name := range []string{u.Name, u.RealName, u.Profile.DisplayName} {
		if name != "" {
			person.Name = name
		}
	}
	return person
}

// membership is what a person is to this workspace. The team's ID decides: is_stranger
// is not enough, and no payload of a command or click is proof. In an Enterprise Grid
// organisation a person's team_id may be absent or a sibling workspace's; then the
// list of their workspaces decides.
func (d *Directory) membership(u *slack.User) authz.Membership {
	ours := d.team != "" && (u.TeamID == d.team || slices.Contains(u.Enterprise.Teams, d.team))
	switch {
	case u.Deleted:
		return authz.Deactivated
	case u.IsBot, u.IsAppUser, u.IsWorkflowBot, u.IsConnectorBot, u.ID == "USLACKBOT":
		return authz.Bot
	case !ours, u.IsStranger:
		return authz.Foreign
	case u.IsRestricted, u.IsUltraRestricted, u.IsInvitedUser:
		return authz.Guest
	default:
		return authz.Member
	}
}

// Place implements change.Directory.
func (d *Directory) Place(ctx context.Context, id string) (change.Place, error) {
	if id != "" && id[0] == 'D' {
		return change.Place{ID: id, Direct: true}, nil
	}
	return d.places.get(ctx, id, placeFor, func(ctx context.Context) (place change.Place, err error) {
		err = d.api.call(ctx, "conversations.info", func(ctx context.Context, c *slack.Client) error {
			ch, err := c.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
			if err == nil {
				place = change.Place{
					ID: id, Name: ch.Name, Direct: ch.IsIM || ch.IsMpIM, Private: ch.IsPrivate || ch.IsGroup,
					External: ch.IsExtShared || ch.IsPendingExtShared,
				}
			}
			return err
		})
		if troubleOf(err) == troubleInvite {
			err = errors.Join(change.ErrNotInvited, err)
		}
		return place, err
	})
}

// mostPages bounds how many pages of a channel's members are read.
const mostPages = 10

// Present implements change.Directory.
func (d *Directory) Present(ctx context.Context, id string) (map[string]bool, error) {
	return d.present.get(ctx, id, presentFor, func(ctx context.Context) (map[string]bool, error) {
		in := make(map[string]bool)
		for cursor, pages := "", 0; pages < mostPages; pages++ {
			err := d.api.ask(ctx, "conversations.members", func(ctx context.Context, c *slack.Client) error {
				ids, next, err := c.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: id, Cursor: cursor, Limit: 1000})
				for _, member := range ids {
					in[member] = true
				}
				cursor = next
				return err
			})
			if err != nil || cursor == "" {
				return in, err
			}
		}
		return in, nil
	})
}

// People implements change.Directory. All user groups come with one call: the limit
// on it is the tightest that a decision meets.
func (d *Directory) People(ctx context.Context, usergroups []string) authz.People {
	out := authz.People{Members: make(map[string][]string), Unreachable: make(map[string]bool)}
	if len(usergroups) == 0 {
		return out
	}
	all, err := d.groups.get(ctx, allGroups, groupsFor, d.readGroups)
	for _, id := range usergroups {
		members, ok := all[id]
		switch {
		case err != nil, !ok:
			out.Unreachable[id] = true
		default:
			out.Members[id] = slices.Clone(members)
		}
	}
	return out
}

const allGroups = "all"

// readGroups reads who is in which user group. One that is disabled is not in it.
func (d *Directory) readGroups(ctx context.Context) (map[string][]string, error) {
	all := make(map[string][]string)
	err := d.api.call(ctx, "usergroups.list", func(ctx context.Context, c *slack.Client) error {
		groups, err := c.GetUserGroupsContext(ctx, slack.GetUserGroupsOptionIncludeUsers(true))
		for _, g := range groups {
			all[g.ID] = g.Users
		}
		return err
	})
	return all, err
}
