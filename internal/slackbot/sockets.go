package slackbot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

const (
	// silence is how long a socket may be silent before it is taken for dead.
	// Slack pings every few seconds; a half-open TCP connection shows no error.
	silence = 20 * time.Second
	// backWithin bounds the wait before a lost socket is opened again.
	backWithin = 15 * time.Second
	// apart lies between the first openings, so that Slack's hourly refreshes do not
	// fall together.
	apart = 5 * time.Second
	// largestFrame bounds what is read: clicks carry the whole message.
	largestFrame = 4 << 20
)

// Watch is told what is worth counting. Functions that are nil are not called.
type Watch struct {
	SocketOpened, SocketClosed func()
	// Dropped tells of an envelope that was not taken because the queue was full.
	Dropped func()
	// Acked tells how long after receipt the acknowledgement was handed over;
	// LateAck that it was too late to be sent at all.
	Acked   func(time.Duration)
	LateAck func()
	// Command tells of a command and what came of it.
	Command func(command, outcome string)
	// Called tells of one call of Slack's Web API.
	Called func(method, result string, took time.Duration)
	// Retried tells of a message that has to be sent again.
	Retried func(method string)
}

// sockets keeps several Socket Mode connections open.
type sockets struct {
	appToken func() string
	apiURL   string
	count    int
	log      *zap.Logger
	watch    Watch
	deliver  func(*envelope)
	now      func() time.Time

	opens *rate.Limiter // of apps.connections.open, for all sockets together
	open  atomic.Int64  // sockets that said hello
	heard atomic.Int64  // unix nanoseconds of the last bytes from Slack
	appID atomic.Value  // of the hello, string
}

func newSockets(cfg Config, deliver func(*envelope)) *sockets {
	return &sockets{
		appToken: cfg.AppToken, apiURL: cfg.APIURL, count: cfg.Connections,
		log: cfg.Log, watch: cfg.Watch, deliver: deliver, now: cfg.Now,
		// Slack takes about one opening a minute and more in bursts. A few at once,
		// then one per socket in backWithin: a socket is back in time, and a loop of
		// connections that die young stays slow.
		opens: rate.NewLimiter(rate.Every(backWithin/time.Duration(cfg.Connections)), cfg.Connections+2),
	}
}

// run keeps all sockets open until ctx ends, or until Slack says that the app token
// will never do: then it returns a sentence that names the variable.
func (s *sockets) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range s.count {
		group.Go(func() error {
			if !sleep(ctx, time.Duration(i)*apart) {
				return nil
			}
			return s.keep(ctx)
		})
	}
	return group.Wait()
}

// keep opens one socket again and again.
func (s *sockets) keep(ctx context.Context) error {
	wait := time.Second
	for {
		began := s.now()
		token := s.appToken()
		err := s.once(ctx, token)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // told to stop: nothing failed
		case fatalToken(err) && s.appToken() != token:
			continue // its file was replaced
		case fatalToken(err):
			return fmt.Errorf("SLACK_APP_TOKEN: Slack refuses it: %w", err)
		}
		if s.now().Sub(began) > time.Minute {
			wait = time.Second
		}
		var limited *slack.RateLimitedError
		pause := wait
		if errors.As(err, &limited) {
			pause = max(pause, limited.RetryAfter)
		}
		s.log.Warn("socket lost, opening it again", zap.Duration("in", pause), zap.Error(err))
		if !sleep(ctx, pause) {
			return nil
		}
		wait = min(2*wait, backWithin)
	}
}

// once runs one client until it cannot connect. Slack's own refreshes are handled
// by the client, through the shared limit on openings.
func (s *sockets) once(ctx context.Context, token string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	api := slack.New("", slack.OptionAppLevelToken(token), slack.OptionAPIURL(s.apiURL),
		slack.OptionHTTPClient(&http.Client{Timeout: 20 * time.Second, Transport: &openGate{limit: s.opens, next: http.DefaultTransport}}))
	client := socketmode.New(api,
		socketmode.OptionPingInterval(silence), socketmode.OptionReadLimit(largestFrame),
		socketmode.OptionDialer(&websocket.Dialer{
			Proxy: http.ProxyFromEnvironment, HandshakeTimeout: 10 * time.Second,
			// Slack drops frames that are continued, so an ack has to fit the buffer.
			WriteBufferSize: 32 << 10,
			NetDialContext:  s.dial,
		}))

	var lost error
	ended := make(chan error, 1)
	go func() { ended <- client.RunContext(ctx) }()
	up := false
	down := func() {
		if up {
			up = false
			s.open.Add(-1)
			call(s.watch.SocketClosed)
		}
	}
	defer down()
	for {
		select {
		case err := <-ended:
			if lost != nil {
				return lost
			}
			return err
		case event := <-client.Events:
			switch event.Type {
			case socketmode.EventTypeConnecting:
				down()
			case socketmode.EventTypeHello:
				if !up {
					up = true
					s.open.Add(1)
					call(s.watch.SocketOpened)
				}
				s.hello(event)
			case socketmode.EventTypeConnectionError:
				// The client would wait up to five minutes here: begin anew instead.
				if failed, ok := event.Data.(*slack.ConnectionErrorEvent); ok {
					lost = failed.ErrorObj
				}
				cancel()
			default:
				s.receive(client, event)
			}
		}
	}
}

// hello remembers which app this socket belongs to.
func (s *sockets) hello(event socketmode.Event) {
	if event.Request != nil && event.Request.ConnectionInfo.AppID != "" {
		s.appID.Store(event.Request.ConnectionInfo.AppID)
	}
	s.log.Info("socket open", zap.Int64("sockets", s.open.Load()))
}

// receive turns what Slack sent into an envelope. What the client could not parse
// is acknowledged all the same, or Slack would send it again or show a failure.
func (s *sockets) receive(client *socketmode.Client, event socketmode.Event) {
	e := &envelope{received: s.now(), data: event.Data, ack: client.AckCtx}
	switch event.Type {
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeInteractive, socketmode.EventTypeSlashCommand:
		if event.Request == nil {
			return
		}
		e.id, e.retry = event.Request.EnvelopeID, event.Request.RetryAttempt
	case socketmode.EventTypeErrorBadMessage:
		bad, ok := event.Data.(*socketmode.ErrorBadMessage)
		if !ok {
			return
		}
		var head struct {
			ID   string `json:"envelope_id"`
			Type string `json:"type"`
		}
		if json.Unmarshal(bad.Message, &head) != nil || head.ID == "" {
			return
		}
		s.log.Warn("acknowledging what cannot be understood", zap.String("envelope", head.ID), zap.String("type", head.Type))
		e.id, e.data = head.ID, nil
	default:
		s.log.Debug("socket event", zap.String("type", string(event.Type)))
		return
	}
	if e.id == "" {
		return // there is nothing to acknowledge it by
	}
	s.deliver(e)
}

// dial opens the TCP connection under a socket. It notes each sign of life, and
// lets a silent connection fail.
func (s *sockets) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &heardConn{Conn: conn, heard: &s.heard}, nil
}

// ready tells why the bot hears nothing, nil while it does.
func (s *sockets) ready() error {
	if s.open.Load() == 0 {
		return errors.New("no socket to Slack is open")
	}
	if quiet := time.Since(time.Unix(0, s.heard.Load())); quiet > silence+5*time.Second {
		return fmt.Errorf("nothing was heard from Slack for %d s", int(quiet.Seconds()))
	}
	return nil
}

// heardConn is a connection that notes when bytes arrived and fails when none do.
type heardConn struct {
	net.Conn
	heard *atomic.Int64
}

func (c *heardConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

// openGate holds back openings of sockets. Without it a disconnect frame that says
// too_many_websockets or link_disabled makes the client library open thousands of
// connections a second (measured with v0.35.0).
type openGate struct {
	limit *rate.Limiter
	next  http.RoundTripper
}

func (g *openGate) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.limit.Wait(r.Context()); err != nil {
		return nil, err
	}
	return g.next.RoundTrip(r)
}

// fatalToken reports errors that no waiting will cure. The client library ends on
// some of them and retries others for ever.
func fatalToken(err error) bool {
	var said slack.SlackErrorResponse
	if !errors.As(err, &said) {
		var code slack.StatusCodeError
		return errors.As(err, &code) && code.Code == http.StatusNotFound
	}
	switch said.Err {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired",
		"not_allowed_token_type", "missing_scope", "no_permission", "access_denied", "org_login_required":
		return true
	}
	return false
}

func call(f func()) {
	if f != nil {
		f()
	}
}

// sleep waits, and reports whether it was not cut short by the end of ctx.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Hopeless reports whether an error of Identify or Run is one that waiting will not
// cure: a token that Slack refuses.
func Hopeless(err error) bool { return fatalToken(err) }
