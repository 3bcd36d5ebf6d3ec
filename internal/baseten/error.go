package baseten

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind sorts the ways in which a call can fail by what the caller can do next.
type Kind int

// Kinds of failure.
const (
	// KindInvalid: refused here, before any call: an ID that no path can hold,
	// or nothing to change.
	KindInvalid Kind = iota + 1
	// KindAuth: 401 (the key is not accepted) or 403 (the key may not do this;
	// Baseten can restrict single environments), or no usable key at all.
	KindAuth
	// KindNotFound: 404.
	KindNotFound
	// KindRejected: any other 4xx, 409 among them, or a redirect, which is never
	// followed. Nothing was changed.
	KindRejected
	// KindLimited: 429; of a read, still after the waits that the deadline allowed.
	// Nothing was changed.
	KindLimited
	// KindServer: 5xx, or an answer to a read that cannot be understood.
	KindServer
	// KindUnreachable: no answer: refused, reset, timed out (408 too), canceled.
	KindUnreachable
)

// Kinds returns every kind.
func Kinds() []Kind {
	return []Kind{KindInvalid, KindAuth, KindNotFound, KindRejected, KindLimited, KindServer, KindUnreachable}
}

// String is the kind as one lower-case word, for metrics and logs.
func (k Kind) String() string {
	switch k {
	case KindInvalid:
		return "invalid"
	case KindAuth:
		return "auth"
	case KindNotFound:
		return "not_found"
	case KindRejected:
		return "rejected"
	case KindLimited:
		return "limited"
	case KindServer:
		return "server"
	case KindUnreachable:
		return "unreachable"
	default:
		return "unknown"
	}
}

// Error is every failure of a call. It never holds the key, and never a page of
// HTML.
type Error struct {
	Kind Kind
	// Op is the call, in the words that Config.Observe uses: update_deployment.
	Op string
	// HTTPStatus is 0 when no answer arrived.
	HTTPStatus int
	// Code is Baseten's own error code, "" if it gave none: VALIDATION_ERROR.
	Code string
	// Message is Baseten's own sentence on one line of at most 300 characters,
	// "" if it gave none that people can read.
	Message string
	// RetryAfter is how long Baseten asked to wait, 0 if it did not say.
	RetryAfter time.Duration

	update bool // a PATCH, not a read
	sent   bool // the request may have reached Baseten
	cause  error
}

// Error is for logs: op, status, code and Baseten's sentence.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "baseten %s: ", e.Op)
	if e.HTTPStatus != 0 {
		fmt.Fprintf(&b, "http %d", e.HTTPStatus)
	} else {
		b.WriteString(e.Kind.String())
	}
	for _, part := range []string{e.Code, e.Message} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

// Unwrap gives the transport's error, so that a caller's own context.Canceled
// can be told from an outage.
func (e *Error) Unwrap() error { return e.cause }

// OutcomeUnknown reports that this was a PATCH which may have been taken although
// no clear answer says so: a 5xx, a time-out or a connection lost after it was
// opened. A refused dial is known not to have been sent. After true: read the
// settings before saying that anything failed.
func (e *Error) OutcomeUnknown() bool {
	return e.update && e.sent && (e.Kind == KindServer || e.Kind == KindUnreachable)
}

// Down reports whether err means that Baseten cannot answer at the moment, so that
// an older copy is better than nothing. A caller who gave up is not an outage, and
// neither is a refusal.
func Down(err error) bool {
	var e *Error
	if !errors.As(err, &e) || errors.Is(err, context.Canceled) {
		return false
	}
	return e.Kind == KindServer || e.Kind == KindUnreachable || e.Kind == KindLimited
}

// kindOf sorts an HTTP status that is not 2xx.
func kindOf(status int) Kind {
	switch {
	case status == 401 || status == 403:
		return KindAuth
	case status == 404:
		return KindNotFound
	case status == 408:
		return KindUnreachable
	case status == 429:
		return KindLimited
	case status >= 500:
		return KindServer
	default:
		return KindRejected
	}
}
