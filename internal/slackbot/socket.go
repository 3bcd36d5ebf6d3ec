package slackbot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
)

const (
	// silence is how long a socket may be silent before it is taken for dead. Slack
	// pings every few seconds; a half-open TCP connection shows no error.
	silence = 20 * time.Second
	// largestFrame bounds what is read: clicks carry the whole message.
	largestFrame = 4 << 20
	// busyFor is how long a socket that is to be closed goes on taking what arrives,
	// in the hope of a moment at which everything is acknowledged.
	busyFor = 500 * time.Millisecond
	// goodbyeWithin is how long Slack is given to end a socket that was closed.
	goodbyeWithin = time.Second
)

// socket is one Socket Mode connection
// (docs.slack.dev/apis/events-api/using-socket-mode). The client library has a socket
// of its own, which does not tell why Slack closes one, nor when an acknowledgement
// has left: it queues them, and drops the queue at the end.
type socket struct {
	conn *websocket.Conn
	// appID is the app that the app token belongs to, others how many sockets the app
	// had besides, -1 where Slack does not say.
	appID  string
	others int
	// dismissed is given Slack's reason once it asks to close the socket.
	dismissed chan string

	writing sync.Mutex // one frame at a time

	mu      sync.Mutex
	taken   int  // envelopes that were taken and are not served yet
	leaving bool // the next moment without any ends the taking
	closed  bool // nothing is taken any more
	quiet   chan struct{}
}

// frame is what Slack sends down a socket.
type frame struct {
	Type        string          `json:"type"`
	EnvelopeID  string          `json:"envelope_id"`
	Payload     json.RawMessage `json:"payload"`
	Retry       int             `json:"retry_attempt"`
	Reason      string          `json:"reason"`
	Connections *int            `json:"num_connections"`
	Info        struct {
		AppID string `json:"app_id"`
	} `json:"connection_info"`
}

// openSocket opens a socket with the app token, and returns once Slack said hello.
func openSocket(ctx context.Context, api *slack.Client) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*callWithin)
	defer cancel()
	_, address, err := api.StartSocketModeContext(ctx)
	if err != nil {
		return nil, err
	}
	// Slack drops frames that are continued, so an acknowledgement has to fit the buffer.
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: callWithin, WriteBufferSize: mostAck + 1<<10}
	conn, resp, err := dialer.DialContext(ctx, address, nil)
	if err != nil {
		failed := &socketError{cause: err}
		if resp != nil {
			failed.status = resp.StatusCode
			_ = resp.Body.Close()
		}
		return nil, failed
	}
	s := &socket{conn: conn, others: -1, dismissed: make(chan string, 1), quiet: make(chan struct{})}
	conn.SetReadLimit(largestFrame)
	conn.SetPingHandler(s.pinged)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	f, err := s.read()
	switch {
	case err != nil:
		_ = conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err() // not that the connection was closed for it
		}
		return nil, &socketError{cause: err}
	case f.Type != "hello":
		_ = conn.Close()
		return nil, &socketError{reason: cmp.Or(f.Reason, "no hello")}
	}
	s.appID = f.Info.AppID
	if f.Connections != nil {
		s.others = *f.Connections - 1
	}
	return s, nil
}

// read returns the next frame. What cannot be understood of it is left out.
func (s *socket) read() (f frame, err error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return f, err
	}
	_, data, err := s.conn.ReadMessage()
	if err == nil {
		_ = json.Unmarshal(data, &f)
	}
	return f, err
}

func (s *socket) pinged(data string) error {
	if err := s.conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return err
	}
	return s.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(callWithin))
}

// serve reads until the connection ends. Each envelope goes to take, which must not
// block; what arrives while the socket is being closed goes to drop.
func (s *socket) serve(take, drop func(*envelope)) error {
	defer func() { _ = s.conn.Close() }()
	for {
		f, err := s.read()
		switch {
		case err != nil:
			return &socketError{cause: err}
		case f.Type == "disconnect":
			select {
			case s.dismissed <- f.Reason:
			default:
			}
		case f.EnvelopeID == "": // nothing that wants an answer
		default:
			e := &envelope{id: f.EnvelopeID, kind: f.Type, payload: f.Payload, retry: f.Retry, received: time.Now(), ack: s.ack, served: s.served}
			if s.begin() {
				take(e)
			} else {
				drop(e)
			}
		}
	}
}

// begin reports whether an envelope may be taken.
func (s *socket) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.taken++
	return true
}

// served is called once for each envelope that was taken, when it was acknowledged or
// will never be.
func (s *socket) served() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	s.closeIfQuiet()
}

// closeIfQuiet ends the taking in a moment in which nothing is left to acknowledge.
func (s *socket) closeIfQuiet() {
	if s.taken > 0 || !s.leaving && !s.closed {
		return
	}
	s.closed = true
	select {
	case <-s.quiet:
	default:
		close(s.quiet)
	}
}

// ack acknowledges an envelope. It returns nil once that is written to the connection.
func (s *socket) ack(ctx context.Context, id string, payload any) error {
	body, err := json.Marshal(struct {
		ID      string `json:"envelope_id"`
		Payload any    `json:"payload,omitempty"`
	}{id, payload})
	if err != nil {
		return err
	}
	if len(body) >= mostAck {
		return fmt.Errorf("acknowledgement of %d bytes: slack drops it", len(body))
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	until, ok := ctx.Deadline()
	if !ok {
		until = time.Now().Add(ackWithin)
	}
	if err := s.conn.SetWriteDeadline(until); err != nil {
		return err
	}
	return s.conn.WriteMessage(websocket.TextMessage, body)
}

// leave closes the socket in order. It goes on taking until a moment in which all
// that was taken is acknowledged, or for busyFor; then it takes nothing more, waits
// for the rest, and says goodbye. Whoever serves goes on reading: closing a
// connection with unread bytes could destroy what was written before.
func (s *socket) leave() {
	s.mu.Lock()
	s.leaving = true
	s.closeIfQuiet()
	s.mu.Unlock()
	select {
	case <-s.quiet:
	case <-time.After(busyFor):
		s.mu.Lock()
		s.closed = true
		s.closeIfQuiet()
		s.mu.Unlock()
		select {
		case <-s.quiet:
		case <-time.After(ackWithin):
		}
	}
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(goodbyeWithin)); err != nil {
		_ = s.conn.Close()
	}
	time.AfterFunc(goodbyeWithin, func() { _ = s.conn.Close() })
}

// tooMany is Slack's reason for closing a socket more than it allows.
const tooMany = "too_many_websockets"

// socketError is a socket that could not be opened, or has ended: Slack's reason to
// close it, or what broke. It never holds the address, which is a secret.
type socketError struct {
	reason string
	status int // of a handshake that was refused
	cause  error
}

func (e *socketError) Error() string {
	switch {
	case e.reason != "":
		return "slack closes the socket: " + e.reason
	case e.status != 0:
		return fmt.Sprintf("slack refuses the socket: http %d", e.status)
	default:
		return "socket: " + inner(e.cause).Error()
	}
}

func (e *socketError) Unwrap() error { return e.cause }

// forOperator says it in words.
func (e *socketError) forOperator() string {
	switch {
	case e.reason == "link_disabled":
		return "Socket Mode is switched off. Turn it on in the app's settings"
	case e.reason == tooMany:
		return fmt.Sprintf("the app has as many sockets as Slack allows, %d. Is another bot running with this token", mostSockets)
	case e.reason != "":
		return "Slack closed the socket: " + e.reason
	case e.status != 0:
		return fmt.Sprintf("Slack refused the socket with HTTP %d. Has the app more than %d", e.status, mostSockets)
	case errors.Is(e.cause, context.DeadlineExceeded), word(e.cause) == "timeout":
		return "Slack did not answer in time"
	default:
		return "the socket breaks (" + inner(e.cause).Error() + "). Does a proxy or firewall stop WebSockets to *.slack.com"
	}
}
