package slackbot

import (
	"context"
	"fmt"
	"sync"
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
	// AnnounceChannel takes alarms and broken glass; "" for none.
	AnnounceChannel string
	Now             func() time.Time
	Log             *zap.Logger
	Watch           Watch
}

// Identity is who the bot is in Slack.
type Identity struct {
	TeamID, TeamName, UserID, BotID, AppID string
	// Scopes are those the bot token was granted, where Slack tells.
	Scopes []string
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
	err := s.api.with(ctx, func(ctx context.Context, c *slack.Client) error {
		said, err := c.AuthTestContext(ctx)
		if err != nil {
			return err
		}
		id = Identity{TeamID: said.TeamID, TeamName: said.Team, UserID: said.UserID, BotID: said.BotID}
		return nil
	})
	switch {
	case fatalToken(err):
		return id, fmt.Errorf("SLACK_BOT_TOKEN: Slack refuses it: %w", err)
	case err != nil:
		return id, fmt.Errorf("ask Slack who the bot is (SLACK_API_URL %s): %w", s.cfg.APIURL, err)
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

	life context.Context // of background reads
	work sync.WaitGroup
}

// New returns a bot that serves once Run is called. Identify must have succeeded.
func (s *Slack) New(self Identity, changes *change.Service, names *baseten.Catalogue, policy func() *authz.Policy) *Bot {
	b := &Bot{cfg: s.cfg, slack: s, self: self, changes: changes, names: names, policy: policy, responses: newResponses(s.cfg)}
	b.loop = newLoop(b)
	b.sockets = newSockets(s.cfg, b.loop.take)
	return b
}

// Run serves until ctx ends. Then it takes nothing more, finishes recording what it
// took, and closes the sockets only after the acknowledgements had time to leave:
// the client library queues them and has no flush. It returns an error only where
// no waiting would help.
func (b *Bot) Run(ctx context.Context) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	b.life = work
	b.loop.start(work)

	socketsCtx, stopSockets := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSockets()
	ended := make(chan error, 1)
	go func() { ended <- b.sockets.run(socketsCtx) }()

	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	b.loop.close()
	sleep(work, flushAcks)
	stopSockets()
	if err == nil {
		err = <-ended
	}
	stopWork()
	b.work.Wait()
	return err
}

// flushAcks is how long queued acknowledgements are given to leave: 1 ms was enough
// in every one of twenty trials.
const flushAcks = 300 * time.Millisecond

// Ready tells why the bot could not serve a command now, nil while it could.
func (b *Bot) Ready() error { return b.sockets.ready() }

// SocketAppID is the ID of the app that the app token belongs to, "" until a socket
// was opened.
func (b *Bot) SocketAppID() string {
	id, _ := b.sockets.appID.Load().(string)
	return id
}

// QueueDepth is how many envelopes wait for a worker.
func (b *Bot) QueueDepth() int { return len(b.loop.queue) }

// EditDepth is how many edits of messages wait for Slack's limit.
func (b *Bot) EditDepth() int { return b.slack.poster.edits.waits() }

// background runs work that nobody waits for; Run waits for it at the end.
func (b *Bot) background(f func(ctx context.Context)) {
	ctx := b.life
	b.work.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				b.cfg.Log.Error("panic", zap.String("panic", fmt.Sprint(p)), zap.Stack("stack"))
			}
		}()
		f(ctx)
	})
}
