package slackbot

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/slackbot/view"
)

// api is the Web API with the bot token. A token that Slack refuses is read again
// once: it may come from a file that was replaced.
type api struct {
	url   string
	token func() string
	log   *zap.Logger
	watch Watch
	http  *http.Client

	mu     sync.Mutex
	client *slack.Client
	used   string
}

func newAPI(cfg Config) *api {
	return &api{url: cfg.APIURL, token: cfg.BotToken, log: cfg.Log, watch: cfg.Watch, http: newHTTP()}
}

// newHTTP is the HTTP client for everything that is sent to Slack. It follows no
// redirect, since a token or a secret address would follow it too. It keeps enough
// connections for a burst where HTTP/2 is not spoken, as through some proxies: the
// default keeps two and would open one for nearly every message.
func newHTTP() *http.Client {
	next := http.DefaultTransport
	if base, ok := next.(*http.Transport); ok { // unless the program replaced it
		transport := base.Clone()
		transport.MaxIdleConnsPerHost = 16
		next = transport
	}
	return &http.Client{
		Transport:     readableLimits{next},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type apiCall func(ctx context.Context, c *slack.Client) error

// ask makes a call that may be repeated, and waits where Slack asks to.
func (a *api) ask(ctx context.Context, method string, do apiCall) error {
	return patiently(ctx, func(ctx context.Context) error { return a.call(ctx, method, do) })
}

// call makes one call, and again with a newly read token where Slack refuses it.
func (a *api) call(ctx context.Context, method string, do apiCall) error {
	if err := ctx.Err(); err != nil {
		return errors.Join(errUnsent, err)
	}
	client, used := a.current(false)
	err := a.once(ctx, method, client, do)
	if troubleOf(err) == troubleToken {
		if fresh, now := a.current(true); now != used {
			return a.once(ctx, method, fresh, do)
		}
	}
	return err
}

func (a *api) once(ctx context.Context, method string, client *slack.Client, do apiCall) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	began := time.Now()
	err := do(ctx, client)
	a.watch.called(method, err, began)
	return err
}

// current returns the client, made anew where the token changed.
func (a *api) current(reread bool) (*slack.Client, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client == nil || reread {
		if token := a.token(); a.client == nil || token != a.used {
			a.used = token
			a.client = slack.New(token, slack.OptionAPIURL(a.url), slack.OptionHTTPClient(a.http))
		}
	}
	return a.client, a.used
}

// shown sends a message, and where Slack refuses its blocks simpler ones, at last
// the text alone.
func (a *api) shown(m view.Message, send func(view.Message) error) error {
	for {
		err := send(m)
		if m.Blocks == nil || err == nil || troubleOf(err) != troubleBlocks {
			return err
		}
		a.log.Error("slack refuses blocks, sending simpler ones", zap.Error(err), zap.Strings("messages", explained(err)))
		m = m.Simpler()
	}
}
