package slackbot

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// Slack's limits, in one place (docs.slack.dev/apis/web-api/rate-limits and
// docs.slack.dev/apis/events-api/using-socket-mode).
const (
	// postEvery and postBurst: about one message a second in a channel, with short
	// bursts above it.
	postEvery = time.Second
	postBurst = 3
	// editEvery and editBurst keep below what chat.update takes: some 50 a minute for
	// the whole workspace.
	editEvery = 1400 * time.Millisecond
	editBurst = 6

	// ackWithin is until when something is recorded that is to be acknowledged, and
	// lastAck until when its acknowledgement is sent: Slack gives 3 seconds and tells
	// the person then that the command failed. What was recorded at the last moment is
	// carried out, so there has to be time left to say so.
	ackWithin = 2500 * time.Millisecond
	lastAck   = 2900 * time.Millisecond
	// triggerLives is how long a form may be opened after a click.
	triggerLives = 3 * time.Second
	// mostAck is the size from which Slack drops an acknowledgement without a word.
	mostAck = 20 << 10
	// mostSockets is how many sockets one app may have, all its processes together.
	mostSockets = 10
)

const (
	// callWithin bounds one call of the Web API. The client library sets no bound.
	callWithin = 10 * time.Second
	// patience bounds how long a call waits for a limit where its caller sets no
	// earlier deadline.
	patience = time.Minute
	// againAfter is how long after a 5xx or a reset a call is made once more.
	againAfter = 300 * time.Millisecond
	// limitedFor is how long Slack is left alone where it does not say how long.
	limitedFor = 3 * time.Second
)

// limited reports whether Slack refused a call because there were too many, and how
// long to wait before the next.
func limited(err error) (wait time.Duration, ok bool) {
	var answer *slack.RateLimitedError
	if errors.As(err, &answer) {
		return max(answer.RetryAfter, time.Second), true
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) {
		return limitedFor, status.Code == http.StatusTooManyRequests
	}
	switch said(err) {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return limitedFor, true
	}
	return 0, false
}

// patiently makes a call, and again where Slack asks to wait, as long as ctx lets it
// and no longer than patience.
func patiently(ctx context.Context, call func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := call(ctx)
		wait, isLimited := limited(err)
		if !isLimited || !fits(ctx, wait) || !sleep(ctx, wait) {
			return err
		}
	}
}

// twice makes a call, and once more where Slack broke over it at once, by a 5xx or a
// reset. It is for what may be done twice without harm.
func twice(ctx context.Context, call func() error) error {
	err := call()
	if err != nil && troubleOf(err) == troubleDoubtful && word(err) != "timeout" && sleep(ctx, againAfter) {
		return call()
	}
	return err
}

// readableLimits is a transport that writes Retry-After of a 429 in whole seconds.
// The client library takes nothing else for a limit: of 0.5 or a date it makes an
// error about numbers, of an absent one an HTTP error like any other.
type readableLimits struct{ next http.RoundTripper }

func (t readableLimits) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusTooManyRequests {
		wait := retryAfter(resp.Header.Get("Retry-After"), time.Now())
		seconds := (wait + time.Second - 1) / time.Second
		resp.Header.Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	return resp, err
}

// retryAfter reads the header: seconds, parts of a second, or a date.
func retryAfter(text string, now time.Time) time.Duration {
	const least, most = time.Second, time.Hour
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds < most.Seconds() {
		return max(least, time.Duration(seconds*float64(time.Second)))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(least, at.Sub(now)), most)
	}
	return limitedFor
}

// fits reports whether ctx lasts longer than the wait.
func fits(ctx context.Context, wait time.Duration) bool {
	end, bounded := ctx.Deadline()
	return !bounded || time.Until(end) > wait
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
