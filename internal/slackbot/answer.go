package slackbot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/slack-go/slack"
)

// responses answers through response_url: the short way to the person who typed a
// command or pressed a button. It lasts for half an hour and five answers, works
// where the bot is no member, and is a secret: it is kept in memory only and is in
// no error.
type responses struct {
	client *http.Client
	watch  Watch
}

func newResponses(cfg Config) *responses {
	return &responses{client: &http.Client{Timeout: callWithin}, watch: cfg.Watch}
}

// post answers the person alone.
func (r *responses) post(ctx context.Context, url string, m message) error {
	body, err := json.Marshal(struct {
		Type    string        `json:"response_type"`
		Replace bool          `json:"replace_original"`
		Text    string        `json:"text"`
		Blocks  *slack.Blocks `json:"blocks,omitempty"`
	}{"ephemeral", false, m.text, m.wire()})
	if err != nil {
		return err
	}
	for tries := 0; ; tries++ {
		wait, err := r.once(ctx, url, body)
		if err == nil || wait < 0 || tries == 2 || !sleep(ctx, wait) {
			return err
		}
	}
}

// once posts. A wait of less than 0 means that trying again is of no use.
func (r *responses) once(ctx context.Context, url string, body []byte) (wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return -1, errors.New("response_url cannot be used")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	began := time.Now()
	resp, err := r.client.Do(req)
	result := "error"
	defer func() {
		if r.watch.Called != nil {
			r.watch.Called("response_url", result, time.Since(began))
		}
	}()
	if err != nil {
		// The error of the HTTP client quotes the URL.
		return time.Second, fmt.Errorf("answer by response_url: no answer from Slack (timed out: %t)", errors.Is(err, context.DeadlineExceeded))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	switch {
	case resp.StatusCode == http.StatusOK:
		result = "ok"
		return 0, nil
	case resp.StatusCode == http.StatusTooManyRequests:
		wait, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
		if err != nil || wait > 30*time.Second {
			wait = time.Second
		}
		return wait, errors.New("answer by response_url: too many requests")
	case resp.StatusCode >= 500:
		return time.Second, fmt.Errorf("answer by response_url: http %d", resp.StatusCode)
	default:
		return -1, fmt.Errorf("answer by response_url: http %d", resp.StatusCode)
	}
}
