package slackbot

import (
	"context"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
)

const (
	// placeFor, presentFor and groupFor are how long what Slack said is good.
	// Members of a user group are dropped at once when Slack tells of a change.
	placeFor   = 2 * time.Minute
	presentFor = 5 * time.Minute
	groupFor   = 3 * time.Minute
)

// Directory knows people, channels and user groups as Slack tells of them. It
// implements change.Directory.
type Directory struct {
	api  *api
	now  func() time.Time
	team string // of this workspace, "" until known: then nobody is a member

	flight  singleflight.Group
	mu      sync.Mutex
	people  map[string]known[authz.Person]
	places  map[string]known[change.Place]
	present map[string]known[map[string]bool]
	groups  map[string]known[[]string]
}

// known is an answer with its time.
type known[T any] struct {
	value T
	at    time.Time
}

func newDirectory(cfg Config, api *api) *Directory {
	return &Directory{
		api: api, now: cfg.Now,
		people: make(map[string]known[authz.Person]), places: make(map[string]known[change.Place]),
		present: make(map[string]known[map[string]bool]), groups: make(map[string]known[[]string]),
	}
}

// Person implements change.Directory.
func (d *Directory) Person(ctx context.Context, id string, maxAge time.Duration) (authz.Person, error) {
	return cached(ctx, d, d.people, "person:"+id, id, maxAge, func(ctx context.Context, c *slack.Client) (authz.Person, error) {
		u, err := c.GetUserInfoContext(ctx, id)
		if err != nil {
			return authz.Person{ID: id}, err
		}
		return authz.Person{ID: id, Name: nameOf(u), Standing: d.standing(u)}, nil
	})
}

// standing is what the workspace says of a person. Membership is compared by the
// team's ID: is_stranger is not enough, and what a payload says is not proof.
func (d *Directory) standing(u *slack.User) authz.Standing {
	switch {
	case u.Deleted:
		return authz.Deactivated
	case u.IsBot, u.IsAppUser, u.IsWorkflowBot, u.IsConnectorBot, u.ID == "USLACKBOT":
		return authz.Bot
	case d.team == "", u.TeamID != d.team, u.IsStranger:
		return authz.Foreign
	case u.IsRestricted, u.IsUltraRestricted, u.IsInvitedUser:
		return authz.Guest
	default:
		return authz.Member
	}
}

func nameOf(u *slack.User) string {
	for _, name := range []string{u.Profile.DisplayName, u.RealName, u.Name} {
		if name != "" {
			return name
		}
	}
	return u.ID
}

// Place implements change.Directory.
func (d *Directory) Place(ctx context.Context, id string) (change.Place, error) {
	if id != "" && id[0] == 'D' {
		return change.Place{ID: id, Direct: true}, nil
	}
	return cached(ctx, d, d.places, "place:"+id, id, placeFor, func(ctx context.Context, c *slack.Client) (change.Place, error) {
		ch, err := c.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
		if err != nil {
			return change.Place{}, asChange(err)
		}
		return change.Place{
			ID: id, Name: ch.Name, Direct: ch.IsIM || ch.IsMpIM,
			External: ch.IsExtShared || ch.IsPendingExtShared,
		}, nil
	})
}

// Present implements change.Directory.
func (d *Directory) Present(ctx context.Context, id string) (map[string]bool, error) {
	return cached(ctx, d, d.present, "present:"+id, id, presentFor, func(ctx context.Context, c *slack.Client) (map[string]bool, error) {
		in := make(map[string]bool)
		for cursor, pages := "", 0; pages < 10; pages++ {
			ids, next, err := c.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: id, Cursor: cursor, Limit: 1000})
			if err != nil {
				return nil, err
			}
			for _, member := range ids {
				in[member] = true
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		return in, nil
	})
}

// People implements change.Directory.
func (d *Directory) People(ctx context.Context, usergroups []string) authz.People {
	out := authz.People{Members: make(map[string][]string), Unreachable: make(map[string]bool)}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, id := range usergroups {
		wg.Go(func() {
			members, err := d.group(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				out.Unreachable[id] = true
				return
			}
			out.Members[id] = members
		})
	}
	wg.Wait()
	return out
}

func (d *Directory) group(ctx context.Context, id string) ([]string, error) {
	return cached(ctx, d, d.groups, "group:"+id, id, groupFor, func(ctx context.Context, c *slack.Client) ([]string, error) {
		return c.GetUserGroupMembersContext(ctx, id)
	})
}

// forgetGroup and forgetPerson drop what an event says has changed.
func (d *Directory) forgetGroup(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.groups, id)
}

func (d *Directory) forgetPerson(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.people, id)
}

// cached returns what is known if it is young enough, and asks Slack otherwise: one
// question at a time for one thing. Failures are not kept.
func cached[T any](ctx context.Context, d *Directory, in map[string]known[T], flight, id string, maxAge time.Duration, ask func(context.Context, *slack.Client) (T, error)) (T, error) {
	asked := d.now()
	look := func() (T, bool) {
		d.mu.Lock()
		defer d.mu.Unlock()
		k, ok := in[id]
		return k.value, ok && asked.Sub(k.at) <= maxAge
	}
	if v, ok := look(); ok {
		return v, nil
	}
	// A question that began before this one may have the old answer: it serves only
	// where an old answer would.
	if maxAge == 0 {
		flight += ":" + asked.String()
	}
	got, err, _ := d.flight.Do(flight, func() (any, error) {
		if v, ok := look(); ok {
			return v, nil
		}
		at := d.now()
		var v T
		err := d.api.with(context.WithoutCancel(ctx), func(ctx context.Context, c *slack.Client) (err error) {
			v, err = ask(ctx, c)
			return err
		})
		if err == nil {
			d.mu.Lock()
			in[id] = known[T]{v, at}
			d.mu.Unlock()
		}
		return v, err
	})
	v, _ := got.(T)
	return v, err
}
