package baseten

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// What is read of a body at most.
const (
	listLimit   = 64 << 20
	answerLimit = 1 << 20
	errorLimit  = 64 << 10
)

// call is one request to Baseten, to be tried once or more.
type call struct {
	op, method, path string
	body             []byte
	timeout          time.Duration // of each try
	limit            int64         // of the body of a 2xx answer
}

func (c call) update() bool { return c.method != http.MethodGet }

// reply is a 2xx answer.
type reply struct {
	status int
	body   []byte
}

// answer reads the words of a PATCH that was taken. Whatever cannot be read is
// left empty: the status line has said that it was taken.
func (r reply) answer() Answer {
	out := Answer{HTTPStatus: r.status}
	var words struct {
		Status  json.RawMessage `json:"status"`
		Message json.RawMessage `json:"message"`
	}
	if json.Unmarshal(r.body, &words) != nil {
		return out
	}
	_ = json.Unmarshal(words.Status, &out.Status)   // any other type: ""
	_ = json.Unmarshal(words.Message, &out.Message) // any other type: ""
	return out
}

// once makes one try. The error is nil or says how the try ended.
func (c *Client) once(ctx context.Context, call call, key string) (reply, *Error) {
	start := c.cfg.Now()
	got, err := c.send(ctx, call, key)
	result := "ok"
	if err != nil {
		result = err.Kind.String()
		if errors.Is(err, context.Canceled) {
			result = "canceled" // the caller's doing, not an outage
		}
	}
	c.cfg.Observe(call.op, result, c.cfg.Now().Sub(start))
	return got, err
}

func (c *Client) send(ctx context.Context, call call, key string) (reply, *Error) {
	ctx, cancel := context.WithTimeout(ctx, call.timeout)
	defer cancel()

	var wire wire
	ctx = httptrace.WithClientTrace(ctx, wire.trace())
	req, err := http.NewRequestWithContext(ctx, call.method, c.cfg.BaseURL+call.path, bytes.NewReader(call.body))
	if err != nil {
		return reply{}, invalid(call.op, "the base URL cannot be used")
	}
	req.Header.Set("Authorization", c.cfg.Scheme+" "+key)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	if call.update() {
		req.Header.Set("Content-Type", "application/json")
	}

	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, unreachable(call, wire.maySend(), key, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return reply{}, c.refused(call, resp, key)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, call.limit+1))
	switch {
	case call.update():
		// A body that is cut or too long does not undo the status line.
		return reply{resp.StatusCode, body}, nil
	case err != nil:
		return reply{}, unreachable(call, true, key, err)
	case int64(len(body)) > call.limit:
		return reply{}, unreadable(call.op, resp.StatusCode, fmt.Errorf("longer than %d MiB", call.limit>>20))
	}
	return reply{resp.StatusCode, body}, nil
}

// refused makes the error of an answer that is not 2xx.
func (c *Client) refused(call call, resp *http.Response, key string) *Error {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, errorLimit)) // a part of it is better than nothing
	e := &Error{
		Kind: kindOf(resp.StatusCode), Op: call.op, HTTPStatus: resp.StatusCode,
		RetryAfter: retryAfter(resp.Header, body, c.cfg.Now()),
		update:     call.update(), sent: true,
	}
	// Before the body is read, because a cut must not leave half a key, and after,
	// because JSON can spell it otherwise.
	e.Code, e.Message = readErrorBody([]byte(redact(string(body), key)))
	e.Code, e.Message = redact(e.Code, key), redact(e.Message, key)
	if resp.StatusCode < 400 {
		e.cause = errors.New("redirect not followed")
	}
	return e
}

func unreachable(call call, sent bool, key string, cause error) *Error {
	// The URL adds nothing to the operation's name.
	if u, ok := errors.AsType[*url.Error](cause); ok {
		cause = u.Err
	}
	if text := cause.Error(); redact(text, key) != text {
		cause = errors.New(redact(text, key))
	}
	return &Error{Kind: KindUnreachable, Op: call.op, update: call.update(), sent: sent, cause: cause}
}

// redact takes the key out of text that came from outside. A key of Baseten is
// prefix.secret, and either the whole or the secret could be repeated to us.
func redact(text, key string) string {
	if key == "" {
		return text
	}
	text = strings.ReplaceAll(text, key, "[key]")
	if _, secret, ok := strings.Cut(key, "."); ok && len(secret) >= 8 {
		text = strings.ReplaceAll(text, secret, "[key]")
	}
	return text
}

// wire watches whether a request can have left this machine.
type wire struct {
	asked, got atomic.Bool
}

func (w *wire) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { w.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { w.got.Store(true) },
	}
}

// maySend is false only where it is certain: a connection was asked for and never
// had. A transport that does not tell counts as having sent.
func (w *wire) maySend() bool { return w.got.Load() || !w.asked.Load() }
