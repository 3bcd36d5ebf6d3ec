package slackbot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// Config is what the Slack side needs to know. Every field is required unless it
// says otherwise.
type Config struct {
	// BotToken and AppToken return the tokens. They are asked again when Slack
	// refuses one, so that a file may be replaced.
	BotToken, AppToken func() string
	// APIURL is Slack's Web API, with a slash at the end.
	APIURL string
	// Connections is how many sockets are kept open.
	Connections int
	// AnnounceChannel takes alarms and each break-glass; "" for none.
	AnnounceChannel string
	Now             func() time.Time
	Log             *zap.Logger
	Watch           Watch
}

// Identity is who the bot is in Slack.
type Identity struct {
	TeamID, TeamName, UserID, BotID string
}

// Slack is the Slack side before it serves: what the change service is built on.
type Slack struct {
	cfg       Config
	api       *api
	poster    *poster
	directory *Directory
}

// NewSlack returns a Slack that has made no call yet.
func NewSlack(cfg Config) *Slack {
	api := newAPI(cfg)
	return &Slack{cfg: cfg, api: api, poster: newPoster(cfg, api), directory: newDirectory(cfg, api)}
}

// Chat is how the change service shows requests.
func (s *Slack) Chat() change.Chat { return s.poster }

// Directory is how the change service looks people and channels up.
func (s *Slack) Directory() *Directory { return s.directory }

// Identify asks Slack whose token this is. Until it succeeded nobody counts as a
// member of the workspace. It fails with a sentence that names the variable.
func (s *Slack) Identify(ctx context.Context) (Identity, error) {
	var id Identity
	err := s.api.ask(ctx, "auth.test", func(ctx context.Context, c *slack.Client) error {
		who, err := c.AuthTestContext(ctx)
		if err == nil {
			id = Identity{TeamID: who.TeamID, TeamName: who.Team, UserID: who.UserID, BotID: who.BotID}
		}
		return err
	})
	switch {
	case fatalToken(err):
		return id, fmt.Errorf("SLACK_BOT_TOKEN: Slack refuses it: %w", err)
	case err != nil:
		return id, fmt.Errorf("ask Slack who the bot is (SLACK_API_URL %s): %w", s.cfg.APIURL, err)
	case id.TeamID == "":
		return id, errors.New("SLACK_BOT_TOKEN: Slack names no workspace for it: install the app in one workspace, not in the organisation")
	}
	s.directory.team = id.TeamID
	return id, nil
}

// Bot serves what people do in Slack.
type Bot struct {
	cfg       Config
	slack     *Slack
	self      Identity
	changes   *change.Service
	names     *baseten.Catalogue
	policy    func() *authz.Policy
	sockets   *sockets
	loop      *loop
	responses *responses
	buckets   *buckets
	forms     *forms
	homes     *homes
	compares  chan struct{} // one for each submission that reads the settings before it is acknowledged
}

// New returns a bot that serves once Run is called. Identify must have succeeded.
func (s *Slack) New(self Identity, changes *change.Service, names *baseten.Catalogue, policy func() *authz.Policy) *Bot {
	b := &Bot{cfg: s.cfg, slack: s, self: self, changes: changes, names: names, policy: policy, responses: newResponses(s.api), buckets: newBuckets(), forms: newForms(), homes: newHomes(), compares: make(chan struct{}, mostCompares)}
	b.loop = newLoop(b)
	b.sockets = newSockets(s.cfg, s.api.http, b.loop.take)
	return b
}

// Run serves until ctx ends. Then it closes the sockets: each goes on recording and
// acknowledging until it is closed, and what arrives too late is not acknowledged and
// counted. What was acknowledged and still wants an answer gets it, if that takes no
// longer than within. Run returns an error only where no waiting would help.
func (b *Bot) Run(ctx context.Context, within time.Duration) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	b.loop.start(work)
	err := b.sockets.run(ctx)
	defer time.AfterFunc(within, stop).Stop()
	b.loop.drain()
	return err
}

// Ready tells why the bot could not serve a command now, nil while it could.
func (b *Bot) Ready() error { return b.sockets.ready() }

// SocketsOfApp is how many sockets the app has, all its processes together, as Slack
// said when the last one was opened. Slack allows 10.
func (b *Bot) SocketsOfApp() int { return int(b.sockets.ofApp.Load()) }

// QueueDepth is how many envelopes wait for a worker.
func (b *Bot) QueueDepth() int { return b.loop.records.waits() }

// EditDepth is how many edits of messages wait for Slack's limit.
func (b *Bot) EditDepth() int { return b.slack.poster.edits.pace.waiting.Len() }
