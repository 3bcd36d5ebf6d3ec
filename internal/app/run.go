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

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/observe"
	"autoscalebot/internal/slackbot"
	"autoscalebot/internal/store"
)

const (
	// applyWithin is how long a change may be owed before it is not sent any more.
	applyWithin = 10 * time.Minute
	// answerWithin is how long what was acknowledged may still be answered after a
	// signal to stop, and stopWithin how long changes under way may go on: what is not
	// done then is due, and container runtimes kill after ten seconds.
	answerWithin = 4 * time.Second
	stopWithin   = 7 * time.Second
	// deliveriesKept is how long an envelope ID is remembered.
	deliveriesKept = 24 * time.Hour
)

// Options are what a caller of Run may decide beside the configuration.
type Options struct {
	// Version is shown by metrics and in the User-Agent.
	Version string
	// Log takes the log; os.Stderr if nil.
	Log io.Writer
	// Now is the clock by which requests expire and readings age; time.Now if nil. It
	// may jump forward, never back. Time-outs, back-offs and pauses are real time.
	Now func() time.Time
	// PolicyEvery is how often POLICY_FILE is compared; 6 s if zero.
	PolicyEvery time.Duration
	// PolicyRead, if not nil, is told of each version of POLICY_FILE that was taken,
	// with nil, or refused, with the words that people are told.
	PolicyRead func(text []byte, refused error)
	// Listening, if not nil, is told the address that HTTP is served on.
	Listening func(addr string)
}

// Run runs the bot until ctx ends, then finishes or hands on what is under way. It
// returns an error where it could not start, or where no waiting would help.
func Run(ctx context.Context, cfg Config, opts Options) error {
	err := run(ctx, cfg, opts)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // told to stop while it started: nothing failed
	}
	return err
}

func run(ctx context.Context, cfg Config, opts Options) error {
	if opts.Now == nil {
		opts.Now = time.Now
	}
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
	metrics.Expect(series())
	metrics.SocketsWanted(cfg.SlackConnections)
	if err := metrics.Build(opts.Version); err != nil {
		return err
	}

	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", cfg.HTTPAddr)
	if err != nil {
		return fmt.Errorf("HTTP_ADDR: %w", err)
	}
	ready := new(health)
	ready.waitsFor("starting")
	var background sync.WaitGroup
	defer background.Wait()
	stopHTTP := serveHTTP(&background, listener, observe.Handler(metrics, alive, ready.check), log)
	defer stopHTTP()
	if opts.Listening != nil {
		opts.Listening(listener.Addr().String())
	}

	ready.waitsFor("starting: waits for the database")
	db, err := store.Open(ctx, store.Config{URL: cfg.DatabaseURL, Now: opts.Now, Log: log, Failed: metrics.StoreFailed})
	if err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			log.Error("close database", zap.Error(err))
		}
	}()

	return serve(ctx, &process{cfg: cfg, opts: opts, db: db, log: log, metrics: metrics, redactor: redactor, ready: ready, background: &background})
}

// process is what the parts of the bot stand on.
type process struct {
	cfg        Config
	opts       Options
	db         *store.Store
	log        *zap.Logger
	metrics    *observe.Metrics
	redactor   *observe.Redactor
	ready      *health
	background *sync.WaitGroup
}

// serve makes the parts, starts them, and stops them in order when ctx ends.
func serve(ctx context.Context, p *process) error {
	key := newKeyWatch(p.ready, p.metrics, p.log)
	client := newBaseten(p.cfg, p.opts, p.redactor, key.called)
	key.read = func(ctx context.Context) error {
		_, err := client.Once().Models(ctx)
		return err
	}
	defer client.Close()
	names := baseten.NewCatalogue(client, p.opts.Now, 0)
	defer names.Close()
	prices := baseten.NewPrices(client, p.opts.Now, 0)

	slack := slackbot.NewSlack(slackConfig(p.cfg, p.opts, p.redactor, p.metrics, p.log))
	p.ready.waitsFor("starting: reads the policy")
	policy := newPolicyHolder(p.cfg, p.opts, p.db, slack.Announce, p.log, p.metrics)
	if err := policy.load(ctx, p.cfg.AllowedUsers); err != nil {
		return err
	}
	p.ready.waitsFor("starting: waits for Slack to say who the bot is")
	self, err := identify(ctx, slack, p.log)
	if err != nil || ctx.Err() != nil {
		return err
	}
	if err := p.db.TeamID(ctx, self.TeamID); err != nil {
		return fmt.Errorf("DATABASE_URL, SLACK_BOT_TOKEN: %w", err)
	}
	changes := change.New(changeConfig(p), p.db, slack.Chat(), slack.Directory(), client, names, prices, policy.Current)
	bot := slack.New(self, changes, names, policy.Current)
	if err := errors.Join(p.metrics.Queue("envelopes", bot.QueueDepth), p.metrics.Queue("edits", bot.EditDepth)); err != nil {
		return err
	}

	look := &nameLook{db: p.db, slack: slack, names: names, log: p.log}

	started := change.Event{
		Kind: change.EventStarted, Policy: policy.Current().SHA256(),
		Reason: change.Reason{Code: change.BotStarted, Text: p.opts.Version},
	}
	if err := p.db.Record(ctx, change.Delivery{}, started); err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	head := &headWatch{db: p.db, metrics: p.metrics, log: p.log}
	head.look(ctx)
	// What is under way outlives the signal to stop by some seconds.
	workCtx, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	policy.taken = func(taken *authz.Policy) { p.background.Go(func() { look.over(workCtx, taken) }) }
	policy.taken(policy.Current())
	p.background.Go(func() { changes.Run(workCtx) })
	p.background.Go(func() { policy.watch(workCtx) })
	p.background.Go(func() { head.run(workCtx) })
	p.background.Go(func() { gauges(workCtx, p) })
	p.background.Go(func() { watchFile(workCtx, p) })
	p.background.Go(func() { key.run(workCtx) })
	p.background.Go(func() { prune(workCtx, p.db, p.opts.Now, p.log) })
	p.background.Go(func() { warm(workCtx, names, prices) })
	p.ready.serves(changes.Ready, bot.Ready)
	p.log.Info("started", zap.String("version", p.opts.Version), zap.String("team", self.TeamID))

	context.AfterFunc(ctx, func() { p.ready.waitsFor("stopping") })
	closing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	context.AfterFunc(ctx, func() { time.AfterFunc(stopWithin, cancel) })
	err = bot.Run(ctx, answerWithin)
	changes.Close(closing)
	stopWork()
	p.log.Info("stopped")
	return err
}

func changeConfig(p *process) change.Config {
	return change.Config{
		ApplyWithin: applyWithin,
		HasAnnounce: p.cfg.AnnounceChannel != "", Call: byHand(p.cfg),
		Now: p.opts.Now, Random: rand.Reader, Log: p.log,
		Watch: change.Watch{
			Ended:   func(r *change.Request) { p.metrics.RequestEnded(string(r.State)) },
			Refused: func(c change.Code) { p.metrics.Refused(string(c)) },
			Sent:    p.metrics.PatchSent, BrokeGlass: p.metrics.BreakGlass,
			GaveUp: func(change.Part) { p.metrics.GaveUp() }, Panicked: p.metrics.Panicked,
			Outcome: func(k change.OutcomeKind) { p.metrics.Outcome(string(k)) },
			Store: func(err error) {
				p.metrics.StoreUp(p.ready.renewed(err))
			},
		},
	}
}

// serveHTTP serves health and metrics, and returns the function that stops it.
func serveHTTP(background *sync.WaitGroup, listener net.Listener, handler http.Handler, log *zap.Logger) (stop func()) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: zap.NewStdLog(log),
	}
	background.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("serve http", zap.Error(err))
		}
	})
	return func() {
		if err := server.Close(); err != nil {
			log.Warn("stop http", zap.Error(err))
		}
	}
}

func newBaseten(cfg Config, opts Options, redactor *observe.Redactor, called func(op, result string, took time.Duration)) *baseten.Client {
	key := newSecret(cfg.BasetenAPIKey, cfg.BasetenAPIKeyFile, redactor.Add)
	return baseten.New(baseten.Config{
		BaseURL: cfg.BasetenBaseURL, Key: key.Value, Refresh: key.Refresh, Scheme: cfg.BasetenAuthScheme,
		UserAgent: "autoscalebot/" + opts.Version, Observe: called, Now: opts.Now,
	})
}

func slackConfig(cfg Config, opts Options, redactor *observe.Redactor, metrics *observe.Metrics, log *zap.Logger) slackbot.Config {
	return slackbot.Config{
		BotToken: newSecret(cfg.SlackBotToken, cfg.SlackBotTokenFile, redactor.Add).Latest,
		AppToken: newSecret(cfg.SlackAppToken, cfg.SlackAppTokenFile, redactor.Add).Latest,
		APIURL:   cfg.SlackAPIURL, Connections: cfg.SlackConnections, AnnounceChannel: cfg.AnnounceChannel,
		Now: opts.Now, Log: log,
		Watch: slackbot.Watch{
			SocketOpened: metrics.SocketOpened, SocketClosed: metrics.SocketClosed,
			Dropped: metrics.EnvelopeDropped, Acked: metrics.Acked, Unacked: metrics.AckUnsent, Unrecorded: metrics.Unrecorded,
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
			return self, nil //nolint:nilerr // told to stop: nothing failed
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
func prune(ctx context.Context, db *store.Store, now func() time.Time, log *zap.Logger) {
	forget := func() {
		if _, err := db.Prune(ctx, now().Add(-deliveriesKept)); err != nil && ctx.Err() == nil {
			log.Warn("forget old deliveries", zap.Error(err))
		}
	}
	forget()
	every(ctx, time.Hour, forget)
}

// every does something each time the interval is over, until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
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

// escape writes an ID as one segment of a path, quoted for a shell.
func escape(id string) string { return strings.ReplaceAll(url.PathEscape(id), "'", "%27") }
