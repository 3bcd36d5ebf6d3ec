package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/observe"
	"autoscalebot/internal/slackbot"
	"autoscalebot/internal/store"
)

const (
	// applyWithin is how long a change may be owed before it is not sent any more.
	applyWithin = 10 * time.Minute
	// claimFor is how long a process may work on a request without a sign of life.
	claimFor = 15 * time.Second
	// stopWithin is how long work under way may go on after a signal to stop.
	stopWithin = 15 * time.Second
	// deliveriesKept is how long an envelope ID is remembered.
	deliveriesKept = 24 * time.Hour
)

// Options are what a caller of Run may decide beside the configuration.
type Options struct {
	// Version is shown by metrics and in the User-Agent.
	Version string
	// Log takes the log; os.Stderr if nil.
	Log io.Writer
	// Listening, if not nil, is told the address that HTTP is served on.
	Listening func(addr string)
}

// Run runs the bot until ctx ends, then finishes or hands on what is under way. It
// returns an error where it could not start, or where no waiting would help.
func Run(ctx context.Context, cfg Config, opts Options) error {
	redactor := observe.NewRedactor()
	out := opts.Log
	if out == nil {
		out = os.Stderr
	}
	log, err := observe.NewLogger(cfg.LogLevel, cfg.LogFormat, zapcore.AddSync(out), redactor)
	if err != nil {
		return fmt.Errorf("LOG_LEVEL, LOG_FORMAT: %w", err)
	}
	metrics := observe.NewMetrics()
	if err := metrics.Build(opts.Version); err != nil {
		return err
	}

	listener, err := net.Listen("tcp", cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	owner := ownerName(listener.Addr().String())
	var ready readiness
	server := &http.Server{
		Handler:           observe.Handler(metrics, func() error { return nil }, ready.check),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: zap.NewStdLog(log),
	}
	var background sync.WaitGroup
	background.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("serve http", zap.Error(err))
		}
	})
	defer background.Wait()
	defer server.Close()
	if opts.Listening != nil {
		opts.Listening(listener.Addr().String())
	}

	db, err := store.Open(ctx, store.Config{URL: cfg.DatabaseURL, Owner: owner, Now: time.Now, Log: log})
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer db.Close()

	client := newBaseten(cfg, opts, redactor, metrics)
	defer client.Close()
	names := baseten.NewCatalogue(client, time.Now, 0)
	defer names.Close()
	prices := baseten.NewPrices(client, time.Now, 0)

	slack := slackbot.NewSlack(slackConfig(cfg, redactor, metrics, log))
	policy := &policyHolder{
		file: cfg.PolicyFile, store: db, hasRoom: cfg.AnnounceChannel != "", now: time.Now, log: log, metrics: metrics,
		announce: func(ctx context.Context, text string) {
			if err := slack.Chat().Announce(ctx, text); err != nil {
				log.Error("announce", zap.Error(err))
			}
		},
	}
	if err := policy.load(ctx, cfg.AllowedUsers); err != nil {
		return err
	}

	self, err := identify(ctx, slack, log)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if err := db.TeamID(ctx, self.TeamID); err != nil {
		return fmt.Errorf("DATABASE_URL, SLACK_BOT_TOKEN: %w", err)
	}

	changes := change.New(change.Config{
		Owner: owner, ApplyWithin: applyWithin, Claim: claimFor,
		HasAnnounce: cfg.AnnounceChannel != "", Call: byHand(cfg),
		Now: time.Now, Random: rand.Reader, Log: log,
		Watch: change.Watch{
			Ended:   func(s change.State) { metrics.RequestEnded(string(s)) },
			Refused: func() { metrics.Refused("policy") }, Sent: metrics.PatchSent, BrokeGlass: metrics.BreakGlass,
		},
	}, db, slack.Chat(), slack.Directory(), client, names, prices, policy.Current)
	bot := slack.New(self, changes, names, policy.Current)
	if err := errors.Join(metrics.Queue("envelopes", bot.QueueDepth), metrics.Queue("edits", bot.EditDepth)); err != nil {
		return err
	}

	started := change.Event{At: time.Now(), Kind: change.EventStarted, Why: "version " + opts.Version, Policy: policy.Current().SHA256()}
	if err := db.Record(ctx, change.Delivery{}, started); err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	// What is under way outlives the signal to stop by some seconds.
	workCtx, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	if err := db.Work(workCtx, changes.Workers(), store.WorkOptions{}); err != nil {
		return fmt.Errorf("DATABASE_URL: start workers: %w", err)
	}
	if err := changes.Resume(ctx); err != nil {
		return fmt.Errorf("DATABASE_URL: take up owed requests: %w", err)
	}
	background.Go(func() { policy.watch(workCtx) })
	background.Go(func() { prune(workCtx, db, log) })
	background.Go(func() { warm(workCtx, names, prices) })
	ready.is(bot.Ready)
	log.Info("started", zap.String("version", opts.Version), zap.String("team", self.TeamID), zap.String("http", listener.Addr().String()), zap.String("owner", owner))

	err = bot.Run(ctx)
	ready.is(func() error { return errors.New("stopping") })
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	changes.Close(closing)
	stopWork()
	log.Info("stopped", zap.Error(err))
	return err
}

// ownerName names this process in claims. It is made of the host and the address
// that HTTP is served on: while this process holds that address no other can, so a
// process of the same name is this one come back, and takes up its own claims.
func ownerName(addr string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "/" + addr
}

func newBaseten(cfg Config, opts Options, redactor *observe.Redactor, metrics *observe.Metrics) *baseten.Client {
	key := secretFrom(cfg.BasetenAPIKey, cfg.BasetenAPIKeyFile, redactor.Add)
	return baseten.New(baseten.Config{
		BaseURL: cfg.BasetenBaseURL, Key: key, Scheme: cfg.BasetenAuthScheme,
		UserAgent: "autoscalebot/" + opts.Version, Observe: metrics.BasetenCalled, Now: time.Now,
	})
}

func slackConfig(cfg Config, redactor *observe.Redactor, metrics *observe.Metrics, log *zap.Logger) slackbot.Config {
	return slackbot.Config{
		BotToken: secretFrom(cfg.SlackBotToken, cfg.SlackBotTokenFile, redactor.Add),
		AppToken: secretFrom(cfg.SlackAppToken, cfg.SlackAppTokenFile, redactor.Add),
		APIURL:   cfg.SlackAPIURL, Connections: cfg.SlackConnections, AnnounceChannel: cfg.AnnounceChannel,
		Now: time.Now, Log: log,
		Watch: slackbot.Watch{
			SocketOpened: metrics.SocketOpened, SocketClosed: metrics.SocketClosed,
			Dropped: metrics.EnvelopeDropped, Acked: metrics.Acked, LateAck: metrics.AckLate,
			Command: metrics.Command, Called: metrics.SlackCalled, Retried: metrics.PostRetried,
		},
	}
}

// identify asks Slack who the bot is, for as long as Slack does not answer.
func identify(ctx context.Context, slack *slackbot.Slack, log *zap.Logger) (slackbot.Identity, error) {
	for wait := time.Second; ; wait = min(2*wait, 15*time.Second) {
		self, err := slack.Identify(ctx)
		if err == nil || slackbot.Hopeless(err) {
			return self, err
		}
		if ctx.Err() != nil {
			return self, nil
		}
		log.Warn("slack does not answer yet", zap.Error(err), zap.Duration("again in", wait))
		select {
		case <-ctx.Done():
			return self, nil
		case <-time.After(wait):
		}
	}
}

// prune forgets old deliveries.
func prune(ctx context.Context, db *store.Store, log *zap.Logger) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if _, err := db.Prune(ctx, time.Now().Add(-deliveriesKept)); err != nil && ctx.Err() == nil {
			log.Warn("forget old deliveries", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// warm reads what the first command would otherwise wait for.
func warm(ctx context.Context, names *baseten.Catalogue, prices *baseten.Prices) {
	_, _ = names.Models(ctx)
	_, _ = prices.List(ctx)
}

// byHand writes the API call that makes a change without the bot.
func byHand(cfg Config) func(*change.Request) string {
	return func(r *change.Request) string {
		body := r.Ask.Settings.JSON()
		path := "/v1/models/" + escape(r.Target.ModelID)
		if r.Target.Environment != "" {
			path += "/environments/" + escape(r.Target.Environment)
			body = `{"autoscaling_settings":` + body + `}`
		} else {
			path += "/deployments/" + escape(r.Target.DeploymentID) + "/autoscaling_settings"
		}
		return fmt.Sprintf("curl -X PATCH '%s%s' \\\n  -H \"Authorization: %s $BASETEN_API_KEY\" -H 'Content-Type: application/json' \\\n  -d '%s'",
			cfg.BasetenBaseURL, path, cfg.BasetenAuthScheme, body)
	}
}

// readiness tells whether a command could be served now.
type readiness struct {
	mu    sync.Mutex
	ready func() error
}

func (r *readiness) is(f func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = f
}

func (r *readiness) check() error {
	r.mu.Lock()
	f := r.ready
	r.mu.Unlock()
	if f == nil {
		return errors.New("starting")
	}
	return f()
}

// escape writes an ID as one segment of a path, quoted for a shell.
func escape(id string) string { return strings.ReplaceAll(url.PathEscape(id), "'", "%27") }
