package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"autoscalebot/internal/slackbot"
)

// scope is one permission of the bot token, and what it is for.
type scope struct{ name, why string }

func requiredScopes(usergroups bool) []scope {
	out := []scope{
		{"commands", "/autoscale"},
		{"chat:write", "cards and answers"},
		{"app_mentions:read", "commands in threads"},
		{"users:read", "who is a full member"},
		{"channels:read", "is a channel shared with others"},
		{"groups:read", "the same for private channels"},
	}
	if usergroups {
		out = append(out, scope{"usergroups:read", "who is in the policy's user groups"})
	}
	return out
}

func optionalScopes() []scope {
	return []scope{
		{"chat:write.public", "the bot posts only where it was invited"},
		{"im:write", "the bot cannot tell the requester the end if the channel is gone"},
	}
}

// inSlack looks at both tokens and at everything of the configuration and the
// policy that Slack knows.
func (c *checkup) inSlack(ctx context.Context) {
	c.slack = c.slackSide()
	self, known := c.bot(ctx)
	app := ""
	if known {
		c.granted(ctx)
		app = c.botApp(ctx, self)
	}
	c.socket(ctx, app)
	if !known {
		c.report.warn("people, channels", "not looked up: SLACK_BOT_TOKEN has to work first")
		return
	}
	c.channels(ctx)
	if c.policy != nil {
		c.policyPeople(ctx)
	}
}

// bot asks whose token the bot token is.
func (c *checkup) bot(ctx context.Context) (self slackbot.Identity, ok bool) {
	if c.broken["SLACK_BOT_TOKEN"] || c.broken["SLACK_API_URL"] {
		return self, false
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	self, err := c.slack.Identify(ctx)
	if err != nil {
		c.report.fail("SLACK_BOT_TOKEN", "%s", tokenTrouble(err, "Copy the bot token again: at api.slack.com/apps, OAuth & Permissions."))
		return self, false
	}
	c.report.ok("SLACK_BOT_TOKEN", "bot %s of the workspace %s (%s)", self.UserID, self.TeamName, self.TeamID)
	return self, true
}

// tokenTrouble says why a call failed, and what to do where Slack refuses the token.
func tokenTrouble(err error, do string) string {
	if !slackbot.Hopeless(err) {
		do = ""
	}
	return strings.TrimSpace(slackbot.Trouble(err) + ". " + do)
}

// granted compares the scopes that the token has with those that the bot needs.
func (c *checkup) granted(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	granted, err := c.slack.Scopes(ctx)
	switch {
	case err != nil:
		c.report.fail("scopes", "%s.", slackbot.Trouble(err))
		return
	case len(granted) == 0:
		c.report.warn("scopes", "Slack does not say which scopes the bot token has. Compare them with manifest.yaml.")
		return
	}
	c.scopes = granted
	if missing := lacking(granted, requiredScopes(c.policy != nil && len(c.policy.Usergroups()) > 0)); missing != "" {
		c.report.fail("scopes", "missing: %s. Add them under OAuth & Permissions and install the app again.", missing)
		return
	}
	if missing := lacking(granted, optionalScopes()); missing != "" {
		c.report.ok("scopes", "all that are needed. Without the optional %s.", missing)
		return
	}
	c.report.ok("scopes", "all that are needed, and the optional ones")
}

func lacking(granted []string, wanted []scope) string {
	var missing []string
	for _, s := range wanted {
		if !slices.Contains(granted, s.name) {
			missing = append(missing, fmt.Sprintf("%s (%s)", s.name, s.why))
		}
	}
	return strings.Join(missing, ", ")
}

// botApp asks which app the bot belongs to, "" if that cannot be known.
func (c *checkup) botApp(ctx context.Context, self slackbot.Identity) string {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	app, err := c.slack.AppID(ctx, self)
	if err != nil {
		return "" // socket says that it cannot tell
	}
	return app
}

// socket opens a socket with the app token and compares its app with the bot's.
func (c *checkup) socket(ctx context.Context, botApp string) {
	const item = "SLACK_APP_TOKEN"
	if c.broken[item] || c.broken["SLACK_API_URL"] {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	socket, err := c.slack.AppSocket(ctx)
	others := ""
	if socket.Others > 0 {
		others = fmt.Sprintf(", beside %s", count(socket.Others, "other", "others"))
	}
	switch {
	case err != nil:
		c.report.fail(item, "%s", tokenTrouble(err, "Generate another app-level token with connections:write: at api.slack.com/apps, Basic Information."))
	case socket.AppID == "" || botApp == "":
		c.report.warn(item, "a socket opens%s. Whether it belongs to the same app as SLACK_BOT_TOKEN, Slack does not say.", others)
	case socket.AppID != botApp:
		c.report.fail(item, "it belongs to the app %s, SLACK_BOT_TOKEN to the app %s. Take both from one app.", socket.AppID, botApp)
	default:
		c.report.ok(item, "a socket opens for the app %s%s", socket.AppID, others)
	}
}

// channels looks at the channels in which the bot has to post.
func (c *checkup) channels(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkManyWithin)
	defer cancel()
	if id := c.cfg.AnnounceChannel; id != "" && !c.broken["ANNOUNCE_CHANNEL"] {
		c.channel(ctx, "ANNOUNCE_CHANNEL", id)
	}
	if c.policy == nil {
		return
	}
	for _, id := range c.policy.Channels() {
		c.channel(ctx, "policy channel", id)
	}
}

func (c *checkup) channel(ctx context.Context, item, id string) {
	ch, err := c.slack.Channel(ctx, id)
	switch {
	case errors.Is(err, slackbot.ErrUnknown):
		c.report.fail(item, noChannel, id)
	case err != nil:
		c.report.fail(item, "%s: %s.", id, slackbot.Trouble(err))
	case ch.Direct:
		c.report.fail(item, "%s is a direct message. Name a channel.", id)
	case ch.Archived:
		c.report.fail(item, "#%s (%s) is archived. Name another channel.", ch.Name, id)
	case ch.External:
		c.report.fail(item, "#%s (%s) is shared with another organisation. Name another channel.", ch.Name, id)
	case ch.Member:
		c.report.ok(item, "the bot is in #%s (%s)", ch.Name, id)
	case !ch.Private && slices.Contains(c.scopes, "chat:write.public"):
		c.report.ok(item, "the bot may post in #%s (%s), as in every public channel", ch.Name, id)
	default:
		c.report.fail(item, "the bot is not in #%s (%s). Type /invite @autoscale there.", ch.Name, id)
	}
}
