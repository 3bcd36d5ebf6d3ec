package slackbot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
)

// What follows asks Slack about a set-up, for bot check. It posts nothing, keeps
// nothing, and may be used beside a bot that runs with the same tokens.

// ErrUnknown means that Slack does not know the ID, or does not show it to the bot.
var ErrUnknown = errors.New("not known to Slack")

// Scopes returns the scopes that the bot token was granted, nil where Slack does
// not say.
func (s *Slack) Scopes(ctx context.Context) ([]string, error) {
	var granted string
	err := s.ask(ctx, "auth.test", func(ctx context.Context, c *slack.Client) error {
		said, err := c.AuthTestContext(ctx)
		if err == nil {
			granted = said.Header.Get("X-OAuth-Scopes")
		}
		return err
	})
	return strings.FieldsFunc(granted, func(r rune) bool { return r == ',' || r == ' ' }), err
}

// AppID returns the ID of the app whose bot this is, "" where Slack does not say.
func (s *Slack) AppID(ctx context.Context, self Identity) (string, error) {
	var app string
	err := s.ask(ctx, "bots.info", func(ctx context.Context, c *slack.Client) error {
		bot, err := c.GetBotInfoContext(ctx, slack.GetBotInfoParameters{Bot: self.BotID})
		if err == nil {
			app = bot.AppID
		}
		return err
	})
	return app, err
}

// Socket is what Slack says when a socket is opened.
type Socket struct {
	// AppID is the app that the app token belongs to, "" where Slack does not say.
	AppID string
	// Others is how many sockets of the app were open besides, -1 if unknown.
	Others int
}

// AppSocket opens a socket with the app token, waits for Slack's hello, and closes
// it. Beside a running bot Slack may hand this socket a command in that moment; it
// is not acknowledged, so that Slack tells the person that it failed.
func (s *Slack) AppSocket(ctx context.Context) (Socket, error) {
	k, err := openSocket(ctx, slack.New("", slack.OptionAppLevelToken(s.cfg.AppToken()), slack.OptionAPIURL(s.cfg.APIURL), slack.OptionHTTPClient(s.api.http)))
	if err != nil {
		return Socket{}, err
	}
	return Socket{AppID: k.appID, Others: k.others}, k.conn.Close()
}

// Person looks a person up. ErrUnknown means that there is nobody of that ID.
func (s *Slack) Person(ctx context.Context, id string) (authz.Person, error) {
	var person authz.Person
	err := s.ask(ctx, "users.info", func(ctx context.Context, c *slack.Client) error {
		u, err := c.GetUserInfoContext(ctx, id)
		if err == nil {
			person = s.directory.person(u)
		}
		return err
	})
	return person, err
}

// Usergroup returns the IDs of a user group's members. ErrUnknown means that there
// is no such group.
func (s *Slack) Usergroup(ctx context.Context, id string) ([]string, error) {
	var members []string
	err := s.ask(ctx, "usergroups.users.list", func(ctx context.Context, c *slack.Client) (err error) {
		members, err = c.GetUserGroupMembersContext(ctx, id)
		return err
	})
	return members, err
}

// Channel is what matters about a channel to a bot that wants to post in it.
type Channel struct {
	Name string
	// Member tells that the bot is in it.
	Member, Private, Archived bool
	// Direct marks direct messages, External channels shared with others.
	Direct, External bool
}

// Channel looks a channel up. ErrUnknown means that there is none of that ID, or
// that it is private and the bot is not in it.
func (s *Slack) Channel(ctx context.Context, id string) (Channel, error) {
	var out Channel
	err := s.ask(ctx, "conversations.info", func(ctx context.Context, c *slack.Client) error {
		ch, err := c.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
		if err == nil {
			out = Channel{
				Name: ch.Name, Member: ch.IsMember, Private: ch.IsPrivate, Archived: ch.IsArchived,
				Direct: ch.IsIM || ch.IsMpIM, External: ch.IsExtShared || ch.IsPendingExtShared,
			}
		}
		return err
	})
	return out, err
}

// ask makes a call, and tells apart what Slack does not know.
func (s *Slack) ask(ctx context.Context, method string, do apiCall) error {
	err := s.api.ask(ctx, method, do)
	if slices.Contains(unknownCodes(), said(err)) {
		return errors.Join(ErrUnknown, err)
	}
	return err
}

func unknownCodes() []string {
	return []string{"user_not_found", "user_not_visible", "users_not_found", "channel_not_found", "no_such_subteam", "subteam_not_found"}
}
