package baseten

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How often and how long a call waits before it is tried again.
const (
	failedRetries  = 2                      // of a read, after 5xx or no answer
	failedBackoff  = 200 * time.Millisecond // before the first, doubled for each next
	limitedRetries = 3                      // of a read, after 429
	limitedBackoff = time.Second            // where Baseten names no time, doubled
	longestWait    = time.Minute            // whatever Baseten asks for
)

// call tries until there is an answer, or an error that is the caller's to deal
// with. Only reads are tried again: after a 5xx or a lost connection a PATCH may
// have been taken, and after a 429 what it was based on has to be checked anew. A
// wait that would outlast the context is not begun.
func (c *Client) call(ctx context.Context, call call) (reply, error) {
	var limited, failed int
	refreshed := c.cfg.Refresh == nil
	for {
		key, err := c.key(call)
		if err != nil {
			return reply{}, err
		}
		if ctx.Err() != nil {
			return reply{}, unreachable(call, false, key, ctx.Err())
		}
		got, err := c.once(ctx, call, key)
		if err == nil {
			return got, nil
		}

		var wait time.Duration
		switch {
		case err.HTTPStatus == http.StatusUnauthorized && !refreshed:
			refreshed = true
			// The key may have been replaced by another call's Refresh.
			if !c.cfg.Refresh() && c.cleanKey() == key {
				return reply{}, err
			}
			continue
		case call.update() || c.impatient:
			return reply{}, err
		case err.Kind == KindLimited && limited < limitedRetries:
			wait = c.wait(err.RetryAfter, limitedBackoff<<limited)
			limited++
		case err.retryable() && failed < failedRetries:
			wait = c.wait(err.RetryAfter, failedBackoff<<failed)
			failed++
		default:
			return reply{}, err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return reply{}, err
		}
		if c.cfg.Sleep(ctx, wait) != nil {
			return reply{}, err
		}
	}
}

// retryable reports whether a read could do better the next time.
func (e *Error) retryable() bool {
	if e.update || errors.Is(e.cause, context.Canceled) {
		return false
	}
	return e.Kind == KindUnreachable || e.Kind == KindServer && e.HTTPStatus >= 500
}

// wait is what Baseten asked for or else the back-off, with a little on top so
// that those who wait do not all come back at once.
func (c *Client) wait(asked, backoff time.Duration) time.Duration {
	if asked > 0 {
		return min(max(asked, failedBackoff), longestWait) + time.Duration(c.cfg.Rand()*float64(failedBackoff))
	}
	return backoff/2 + time.Duration(c.cfg.Rand()*float64(backoff))
}

// retryAfter reads how long Baseten asks to wait: the documented retry_after in
// the body, in seconds, and the header, in seconds or as a date. The longer counts.
func retryAfter(header http.Header, body []byte, now time.Time) time.Duration {
	var asked time.Duration
	if value := strings.TrimSpace(header.Get("Retry-After")); value != "" {
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			asked = seconds(n)
		} else if at, err := http.ParseTime(value); err == nil {
			asked = max(0, at.Sub(now))
		}
	}
	var inBody struct {
		RetryAfter json.RawMessage `json:"retry_after"`
	}
	if json.Unmarshal(body, &inBody) == nil {
		if n, err := strconv.ParseFloat(scalar(inBody.RetryAfter), 64); err == nil {
			asked = max(asked, seconds(n))
		}
	}
	return asked
}

// seconds bounds a number from outside to what a duration can hold.
func seconds(n float64) time.Duration {
	if math.IsNaN(n) || n <= 0 {
		return 0
	}
	return time.Duration(min(n, 24*60*60) * float64(time.Second))
}

func (c *Client) cleanKey() string { return strings.TrimSpace(c.cfg.Key()) }

// key returns the key to send. One that a header cannot hold is refused here,
// without being repeated.
func (c *Client) key(call call) (string, *Error) {
	key := c.cleanKey()
	switch {
	case key == "":
		return "", &Error{Kind: KindAuth, Op: call.op, update: call.update(), cause: errors.New("no API key is set")}
	case strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }):
		return "", &Error{Kind: KindAuth, Op: call.op, update: call.update(), cause: errors.New("the API key holds characters that no key has")}
	}
	return key, nil
}
