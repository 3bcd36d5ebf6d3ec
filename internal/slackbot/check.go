package slackbot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
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
	err := s.ask(ctx, func(ctx context.Context, c *slack.Client) error {
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
	err := s.ask(ctx, func(ctx context.Context, c *slack.Client) error {
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
	api := slack.New("", slack.OptionAppLevelToken(s.cfg.AppToken()), slack.OptionAPIURL(s.cfg.APIURL),
		slack.OptionHTTPClient(&http.Client{Timeout: callWithin}))
	_, address, err := api.StartSocketModeContext(ctx)
	if err != nil {
		return Socket{}, err
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: callWithin}
	conn, resp, err := dialer.DialContext(ctx, address, nil)
	if resp != nil {
		defer resp.Body.Close()
	}
	if err != nil {
		return Socket{}, &socketError{cause: err}
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := conn.SetReadDeadline(time.Now().Add(callWithin)); err != nil {
		return Socket{}, &socketError{cause: err}
	}
	return greeting(conn)
}

// greeting reads frames until Slack said hello, or goodbye.
func greeting(conn *websocket.Conn) (Socket, error) {
	for {
		var frame struct {
			Type        string `json:"type"`
			Reason      string `json:"reason"`
			Connections *int   `json:"num_connections"`
			Info        struct {
				AppID string `json:"app_id"`
			} `json:"connection_info"`
		}
		if err := conn.ReadJSON(&frame); err != nil {
			return Socket{}, &socketError{cause: err}
		}
		switch frame.Type {
		case "disconnect":
			return Socket{}, &socketError{reason: frame.Reason}
		case "hello":
			others := -1
			if frame.Connections != nil {
				others = *frame.Connections - 1
			}
			return Socket{AppID: frame.Info.AppID, Others: others}, nil
		}
	}
}

// socketError is a socket that could not be opened: Slack's reason to close it, or
// what broke. It never holds the address, which is a secret.
type socketError struct {
	reason string
	cause  error
}

func (e *socketError) Error() string {
	if e.cause != nil {
		return "open a socket: " + inner(e.cause).Error()
	}
	return "open a socket: slack says " + e.reason
}

func (e *socketError) Unwrap() error { return e.cause }

// Person looks a person up. ErrUnknown means that there is nobody of that ID.
func (s *Slack) Person(ctx context.Context, id string) (authz.Person, error) {
	var person authz.Person
	err := s.ask(ctx, func(ctx context.Context, c *slack.Client) error {
		u, err := c.GetUserInfoContext(ctx, id)
		if err == nil {
			person = authz.Person{ID: id, Name: nameOf(u), Standing: s.directory.standing(u)}
		}
		return err
	})
	return person, err
}

// Usergroup returns the IDs of a user group's members. ErrUnknown means that there
// is no such group.
func (s *Slack) Usergroup(ctx context.Context, id string) ([]string, error) {
	var members []string
	err := s.ask(ctx, func(ctx context.Context, c *slack.Client) (err error) {
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
	err := s.ask(ctx, func(ctx context.Context, c *slack.Client) error {
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

// ask makes one call, and waits where Slack asks to, as long as ctx lets it.
func (s *Slack) ask(ctx context.Context, do func(context.Context, *slack.Client) error) error {
	for {
		err := s.api.with(ctx, do)
		var limited *slack.RateLimitedError
		if errors.As(err, &limited) && fits(ctx, limited.RetryAfter) && sleep(ctx, limited.RetryAfter) {
			continue
		}
		var said slack.SlackErrorResponse
		if errors.As(err, &said) && slices.Contains(unknownCodes(), said.Err) {
			return errors.Join(ErrUnknown, err)
		}
		return err
	}
}

// fits reports whether ctx lasts longer than the wait.
func fits(ctx context.Context, wait time.Duration) bool {
	end, bounded := ctx.Deadline()
	return !bounded || time.Until(end) > wait
}

func unknownCodes() []string {
	return []string{"user_not_found", "user_not_visible", "users_not_found", "channel_not_found", "no_such_subteam", "subteam_not_found"}
}

// Trouble says in words for an operator why a call to Slack failed. It never holds
// a token or the address of a socket.
func Trouble(err error) string {
	var limited *slack.RateLimitedError
	var said slack.SlackErrorResponse
	var status slack.StatusCodeError
	var socket *socketError
	var timeout net.Error
	switch {
	case errors.As(err, &limited):
		return fmt.Sprintf("Slack has been asked too often. Try again in %d s", int(limited.RetryAfter.Seconds()))
	case errors.As(err, &said) && said.Err == "missing_scope" && said.Needed != "":
		return "Slack refuses it: the token lacks the scope " + said.Needed
	case errors.As(err, &said):
		return "Slack refuses it: " + said.Err
	case errors.As(err, &status):
		return fmt.Sprintf("Slack answered with HTTP %d", status.Code)
	case errors.As(err, &socket) && socket.reason == "link_disabled":
		return "Socket Mode is switched off. Turn it on in the app's settings"
	case errors.As(err, &socket) && socket.reason == "too_many_websockets":
		return "the app has as many sockets as Slack allows, 10. Is another bot running with this token"
	case errors.As(err, &socket) && socket.reason != "":
		return "Slack closed the socket: " + socket.reason
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "Slack did not answer in time"
	case socket != nil:
		return "the socket breaks (" + inner(socket.cause).Error() + "). Does a proxy or firewall stop WebSockets to *.slack.com"
	default:
		return "Slack cannot be reached: " + inner(err).Error()
	}
}

// inner is what went wrong, without the address that was called.
func inner(err error) error {
	var call *url.Error
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}
