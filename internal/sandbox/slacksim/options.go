package slacksim

import (
	"cmp"
	"strings"
	"time"
)

// Options describe the workspace and the one app installed in it. The zero
// value is a working workspace without rate limits.
type Options struct {
	// Now stamps messages, events and expiries (response_url, trigger_id).
	// Default time.Now. Sockets, acks, delays and rate limits always use real time.
	Now func() time.Time

	TeamID     string // default T0SANDBOX
	TeamName   string // default Sandbox
	TeamDomain string // default: TeamName in lower case

	AppID     string // default A0AUTOSCALE
	BotToken  string // xoxb, default xoxb-sandbox
	AppToken  string // xapp, default xapp-sandbox
	BotUserID string // default U0BOT
	BotName   string // default autoscale

	// Command is the app's one slash command, default /autoscale.
	Command string

	// Shortcuts of the app. Default: Change Autoscaling, once global (callback_id
	// change_autoscaling) and once on messages (change_autoscaling_from_message).
	Shortcuts []Shortcut

	// Scopes of the bot token. Default: commands, chat:write, app_mentions:read,
	// users:read, usergroups:read, channels:read, groups:read, im:write; so
	// without chat:write.public, which an admin may leave out.
	Scopes []string

	PingEvery  time.Duration // WebSocket pings from the server, default 2 s
	AckTimeout time.Duration // default 3 s, as Slack's

	// RetryDelays are the waits before an unacknowledged event is sent again,
	// each counted from the end of AckTimeout. Default 0, 1 min, 5 min, as Slack
	// documents for the Events API.
	RetryDelays []time.Duration

	// ConnectionTime, when positive, is the age at which a socket is asked to
	// refresh. Slack does it about hourly.
	ConnectionTime time.Duration

	// RefuseForeignAcks ignores acks that arrive on another connection than the
	// one the envelope was sent on. Slack does not document what it does.
	RefuseForeignAcks bool

	// Seed, when not zero, picks the connection for each payload at random
	// instead of round robin. Slack promises no pattern.
	Seed uint64

	// StrictLimits turns the rate limits on.
	StrictLimits bool
	Limits       Limits
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.TeamID = cmp.Or(o.TeamID, "T0SANDBOX")
	o.TeamName = cmp.Or(o.TeamName, "Sandbox")
	o.TeamDomain = cmp.Or(o.TeamDomain, strings.ToLower(strings.ReplaceAll(o.TeamName, " ", "-")))
	o.AppID = cmp.Or(o.AppID, "A0AUTOSCALE")
	o.BotToken = cmp.Or(o.BotToken, "xoxb-sandbox")
	o.AppToken = cmp.Or(o.AppToken, "xapp-sandbox")
	o.BotUserID = cmp.Or(o.BotUserID, "U0BOT")
	o.BotName = cmp.Or(o.BotName, "autoscale")
	o.Command = cmp.Or(o.Command, "/autoscale")
	if o.Shortcuts == nil {
		o.Shortcuts = []Shortcut{
			{ShortcutGlobal, "Change Autoscaling", "change_autoscaling"},
			{ShortcutMessage, "Change Autoscaling", "change_autoscaling_from_message"},
		}
	}
	if o.Scopes == nil {
		o.Scopes = []string{
			"commands", "chat:write", "app_mentions:read", "users:read", "usergroups:read",
			"channels:read", "groups:read", "im:write",
		}
	}
	o.PingEvery = cmp.Or(o.PingEvery, 2*time.Second)
	o.AckTimeout = cmp.Or(o.AckTimeout, 3*time.Second)
	if o.RetryDelays == nil {
		o.RetryDelays = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	o.Limits = o.Limits.withDefaults()
	return o
}
