package slackbot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/slackbot/view"
)

// responses answers through response_url: the short way to the person who typed a
// command or pressed a button. It lasts for half an hour and five answers, works
// where the bot is no member, and is a secret: it is kept in memory only and is in
// no error.
type responses struct {
	api    *api
	scheme string
	hosts  []string // where a response_url may point to
}

func newResponses(api *api) *responses {
	r := &responses{api: api}
	if base, err := url.Parse(api.url); err == nil && base.Host != "" {
		r.scheme = base.Scheme
		r.hosts = []string{base.Host, "hooks." + strings.TrimPrefix(base.Host, "www.")}
	}
	return r
}

// ours reports whether the address is one of the Slack that the bot is set up for:
// hooks.slack.com, or the host of SLACK_API_URL.
func (r *responses) ours(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != r.scheme || u.User != nil {
		return false
	}
	for _, host := range r.hosts {
		if strings.EqualFold(u.Host, host) {
			return true
		}
	}
	return false
}

// post answers the person alone.
func (r *responses) post(ctx context.Context, address string, m view.Message) error {
	if !r.ours(address) {
		return fmt.Errorf("response_url is not on %s: %w", strings.Join(r.hosts, " or "), errUnsent)
	}
	return asChange(r.api.shown(m, func(m view.Message) error {
		body, err := json.Marshal(struct {
			Type    string        `json:"response_type"`
			Replace bool          `json:"replace_original"`
			Text    string        `json:"text"`
			Blocks  []slack.Block `json:"blocks,omitempty"`
		}{"ephemeral", false, m.Text, m.Blocks})
		if err != nil {
			return err
		}
		return patiently(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, callWithin)
			defer cancel()
			began := time.Now()
			err := r.once(ctx, address, body)
			r.api.watch.called("response_url", err, began)
			return err
		})
	}))
}

// once posts. Its errors are those of the client library for the Web API, so that
// one place sorts both.
func (r *responses) once(ctx context.Context, address string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.Join(errUnsent, errors.New("response_url cannot be used"))
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := r.api.http.Do(req)
	if err != nil {
		return fmt.Errorf("answer by response_url: %w", inner(err)) // the error itself quotes the address
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return &slack.RateLimitedError{RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	case resp.StatusCode >= http.StatusInternalServerError:
		return slack.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
	case err != nil:
		return fmt.Errorf("answer by response_url: %w", err)
	}
	if refusal := refusalIn(answer); refusal != "" {
		return slack.SlackErrorResponse{Err: refusal}
	}
	if resp.StatusCode != http.StatusOK {
		return slack.StatusCodeError{Code: resp.StatusCode, Status: resp.Status}
	}
	return nil
}

// refusalIn is Slack's word in the answer to a response_url, "" where it says none:
// the answer is ok, a bare word, or JSON as the Web API has it.
func refusalIn(answer []byte) string {
	text := strings.TrimSpace(string(answer))
	var body struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &body) == nil {
		return body.Error
	}
	if text == "ok" || !shortWord.MatchString(text) {
		return ""
	}
	return text
}
