package slackbot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

const (
	// backWithin bounds the wait before a lost socket is opened again.
	backWithin = 15 * time.Second
	// apart lies between the first openings, so that Slack's hourly refreshes do not
	// fall together.
	apart = 5 * time.Second
	// youngFor is the age under which a socket that ends is no good sign.
	youngFor = time.Minute
)

// sockets keeps several Socket Mode connections open.
type sockets struct {
	appToken func() string
	apiURL   string
	http     *http.Client
	count    int
	log      *zap.Logger
	watch    Watch
	take     func(*envelope)

	opens   *rate.Limiter // of openings, for all sockets together
	open    atomic.Int64  // sockets that said hello and were not lost or left
	ofApp   atomic.Int64  // sockets of the app, all processes together, as Slack said last
	full    atomic.Bool   // Slack refuses more of them
	serving sync.WaitGroup
}

func newSockets(cfg Config, client *http.Client, take func(*envelope)) *sockets {
	count := min(max(cfg.Connections, 1), mostSockets)
	return &sockets{
		appToken: cfg.AppToken, apiURL: cfg.APIURL, http: client, count: count,
		log: cfg.Log, watch: cfg.Watch, take: take,
		// Slack takes about one opening a minute and more in bursts. A few at once,
		// then one per socket in backWithin: a socket is back in time, and a loop of
		// connections that die young stays slow.
		opens: rate.NewLimiter(rate.Every(backWithin/time.Duration(count)), count+2),
	}
}

// run keeps all sockets open until ctx ends, or until Slack says that the app token
// will never do: then it returns a sentence that names the variable. Either way it
// closes them in order, and nothing is taken any more when it returns.
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
	err := group.Wait()
	s.serving.Wait()
	return err
}

// keep opens one socket again and again.
func (s *sockets) keep(ctx context.Context) error {
	wait := time.Second
	said := ""
	for {
		began := time.Now()
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
		if time.Since(began) > youngFor {
			wait, said = time.Second, ""
		}
		if dismissal(err) == "warning" || dismissal(err) == "refresh_requested" {
			s.log.Debug("socket refreshed", zap.Error(err))
			continue // the limit on openings holds
		}
		pause := wait
		if asked, ok := limited(err); ok {
			pause = max(pause, asked)
		}
		s.lost(err, pause, &said)
		if !sleep(ctx, pause) {
			return nil
		}
		wait = min(2*wait, backWithin)
	}
}

// once opens a socket and serves it until it is lost, Slack asks to close it, or ctx
// ends. A socket that Slack asks to close is left while the next is opened.
func (s *sockets) once(ctx context.Context, token string) error {
	if err := s.opens.Wait(ctx); err != nil {
		return err
	}
	k, err := openSocket(ctx, slack.New("", slack.OptionAppLevelToken(token), slack.OptionAPIURL(s.apiURL), slack.OptionHTTPClient(s.http)))
	if err != nil {
		return err
	}
	s.opened(k)
	ended := make(chan error, 1)
	s.serving.Go(func() { ended <- k.serve(s.take, s.drop) })
	select {
	case err = <-ended:
		s.closed()
		return err
	case reason := <-k.dismissed:
		s.closed()
		s.serving.Go(k.leave)
		return &socketError{reason: reason}
	case <-ctx.Done():
		s.closed()
		k.leave()
		return ctx.Err()
	}
}

// drop leaves an envelope unacknowledged, so that Slack tells the person.
func (s *sockets) drop(e *envelope) {
	call(s.watch.Dropped)
	s.log.Warn("not taken: the socket is being closed", zap.String("envelope", e.id), zap.String("type", e.kind))
}

func (s *sockets) opened(k *socket) {
	s.ofApp.Store(int64(k.others + 1))
	open := s.open.Add(1)
	call(s.watch.SocketOpened)
	s.log.Info("socket open", zap.Int64("sockets", open), zap.Int("sockets of the app", k.others+1))
	if open == int64(s.count) && s.full.Swap(false) {
		s.log.Info("slack has room for all sockets again")
	}
}

func (s *sockets) closed() {
	s.open.Add(-1)
	call(s.watch.SocketClosed)
}

// lost says why a socket is not open: aloud where that is something new, and once
// where the app has too many.
func (s *sockets) lost(err error, pause time.Duration, said *string) {
	fields := []zap.Field{zap.Duration("again in", pause), zap.Error(err)}
	var socket *socketError
	if errors.As(err, &socket) && (socket.reason == tooMany || socket.status != 0 && s.ofApp.Load() >= mostSockets) {
		if !s.full.Swap(true) {
			serves := "this one serves with those that are open"
			if s.open.Load() == 0 {
				serves = "this one hears nothing until there is room"
			}
			s.log.Error("slack has no room for another socket: an app may have 10, all its processes together; "+
				serves+". Set SLACK_CONNECTIONS lower, or run fewer processes", append(fields,
				zap.Int64("sockets", s.open.Load()), zap.Int("wanted", s.count), zap.Int64("sockets of the app", s.ofApp.Load()))...)
		}
		return
	}
	if reason := err.Error(); reason != *said {
		*said = reason
		s.log.Warn("socket lost, opening it again", fields...)
		return
	}
	s.log.Debug("socket lost again", fields...)
}

// ready tells why the bot hears nothing, nil while it does. A socket that is silent
// is not open for long: reading from it fails.
func (s *sockets) ready() error {
	if s.open.Load() == 0 {
		return errors.New("no socket to Slack is open")
	}
	return nil
}

// dismissal is Slack's reason for closing a socket, "" if it did not.
func dismissal(err error) string {
	var socket *socketError
	if errors.As(err, &socket) {
		return socket.reason
	}
	return ""
}
