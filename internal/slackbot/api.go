package slackbot

import (
	"context"
	"errors"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
)

// callWithin bounds one call of the Web API. The library sets no bound of its own.
const callWithin = 10 * time.Second

// api is the Web API with the bot token. A token that Slack refuses is read again
// once: it may come from a file that was replaced.
type api struct {
	url       string
	token     func() string
	watch     Watch
	transport http.RoundTripper

	mu     sync.Mutex
	client *slack.Client
	used   string
}

func newAPI(cfg Config) *api {
	return &api{url: cfg.APIURL, token: cfg.BotToken, watch: cfg.Watch, transport: newTransport()}
}

// newTransport keeps enough connections for a burst where HTTP/2 is not spoken, as
// through some proxies: the default keeps two and would open one for nearly every
// message.
func newTransport() http.RoundTripper {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // the program replaced it
		return http.DefaultTransport
	}
	transport := base.Clone()
	transport.MaxIdleConnsPerHost = 16
	return transport
}

// with makes one call, and again with a newly read token where Slack refuses it.
func (a *api) with(ctx context.Context, do func(ctx context.Context, c *slack.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	client, used := a.current(false)
	err := do(ctx, client)
	var said slack.SlackErrorResponse
	if errors.As(err, &said) && (said.Err == "invalid_auth" || said.Err == "token_revoked" || said.Err == "token_expired") {
		if fresh, now := a.current(true); now != used {
			return do(ctx, fresh)
		}
	}
	return err
}

// current returns the client, made anew where the token changed.
func (a *api) current(reread bool) (*slack.Client, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client == nil || reread {
		if token := a.token(); a.client == nil || token != a.used {
			a.used = token
			a.client = slack.New(token, slack.OptionAPIURL(a.url),
				slack.OptionHTTPClient(&http.Client{Transport: &counted{watch: a.watch, next: a.transport}}))
		}
	}
	return a.client, a.used
}

// counted counts calls by method and result.
type counted struct {
	watch Watch
	next  http.RoundTripper
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	resp, err := c.next.RoundTrip(r)
	if c.watch.Called != nil {
		result := "error"
		if err == nil {
			result = http.StatusText(resp.StatusCode)
			if resp.StatusCode == http.StatusOK {
				result = "ok"
			}
		}
		c.watch.Called(path.Base(r.URL.Path), result, time.Since(began))
	}
	return resp, err
}

// kind sorts errors of the Web API by what can be done about them.
type kind int

const (
	kindOther    kind = iota // Slack said no, for a reason nobody here can mend
	kindLimited              // 429
	kindDoubtful             // it may or may not have been done: 5xx, time-out, reset
	kindInvite               // the bot is not in the channel
	kindGone                 // channel archived, thread or message deleted
	kindBlocks               // the blocks are refused
)

func classify(err error) (kind, time.Duration) {
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) {
		return kindLimited, max(limited.RetryAfter, time.Second)
	}
	var said slack.SlackErrorResponse
	if !errors.As(err, &said) {
		var status slack.StatusCodeError
		if errors.As(err, &status) && status.Code < 500 {
			return kindOther, 0
		}
		return kindDoubtful, 0
	}
	switch said.Err {
	case "not_in_channel", "channel_not_found":
		return kindInvite, 0
	case "is_archived", "message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed", "is_inactive", "cannot_reply_to_message":
		return kindGone, 0
	case "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long":
		return kindBlocks, 0
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return kindLimited, 5 * time.Second
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		return kindDoubtful, 0
	}
	return kindOther, 0
}

// asChange translates an error into the words of the change service.
func asChange(err error) error {
	switch k, _ := classify(err); k {
	case kindInvite:
		return errors.Join(change.ErrNotInvited, err)
	case kindGone:
		return errors.Join(change.ErrGone, err)
	case kindOther:
		return errors.Join(change.ErrRefused, err)
	default:
		return err
	}
}
