package slacksim

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// maxConnections is how many Socket Mode connections one app may have.
// https://docs.slack.dev/apis/events-api/using-socket-mode/
const maxConnections = 10

// maxAck is the size from which Slack silently drops a frame of the app.
const maxAck = 20 << 10

// ticketLife is how long the URL of apps.connections.open can be dialled.
const ticketLife = 30 * time.Second

// The reasons of a disconnect frame.
const (
	ReasonWarning        = "warning" // about 10 s later the connection ends
	ReasonRefresh        = "refresh_requested"
	ReasonLinkDisabled   = "link_disabled"
	ReasonTooManySockets = "too_many_websockets"
)

// Socket is a live Socket Mode connection. The fields are as they were when it
// was asked for.
type Socket struct {
	ID        string    `json:"id"`
	Since     time.Time `json:"since"`
	Deaf      bool      `json:"deaf"`    // see Blackhole
	Leaving   bool      `json:"leaving"` // was sent a disconnect frame, gets no more payloads
	DropsAcks bool      `json:"drops_acks"`
	Sent      int       `json:"sent"` // envelopes
	Acked     int       `json:"acked"`

	s *Server
	c *conn
}

// conn is the server's end of a connection.
type conn struct {
	id    string
	ws    *websocket.Conn
	out   chan frame
	gone  chan struct{}
	once  sync.Once
	since time.Time
	deaf  atomic.Bool

	// guarded by Server.mu
	leaving, dropAcks bool
	sent, acked       int
}

type frame struct {
	data  []byte
	close bool          // the last frame: close after it
	grace time.Duration // how long the client has to close first
}

var upgrader = websocket.Upgrader{
	ReadBufferSize: 4 << 10, WriteBufferSize: 32 << 10,
	// slack-go sends Slack's own Origin.
	CheckOrigin: func(*http.Request) bool { return true },
}

func (s *Server) appsConnectionsOpen(*apiCall) (map[string]any, *apiError) {
	ticket := s.idLocked("ticket-")
	s.tickets[ticket] = time.Now().Add(ticketLife)
	address := "ws" + strings.TrimPrefix(s.baseURL, "http")
	return map[string]any{"url": address + "/link/?ticket=" + ticket + "&app_id=" + s.opts.AppID}, nil
}

// serveLink turns a ticket into a Socket Mode connection.
func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	expires, known := s.tickets[ticket]
	delete(s.tickets, ticket)
	isClosed := s.isClosed
	s.mu.Unlock()
	if !known || time.Now().After(expires) || isClosed {
		http.Error(w, "ticket unknown, used or expired", http.StatusForbidden)
		return
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // The upgrader has answered.
	}
	c := &conn{ws: ws, out: make(chan frame, 1024), gone: make(chan struct{})}
	if !s.register(c) {
		c.end()
		return
	}
	s.readFrames(c)
	s.remove(c)
	s.running.Done()
}

// register says hello, or tells the connection to go away.
func (s *Server) register(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed {
		return false
	}
	c.id, c.since = s.idLocked("wss-"), s.opts.Now()
	switch {
	case s.linkOff:
		c.out <- s.disconnectFrame(ReasonLinkDisabled)
		c.leaving = true
	case s.liveLocked() >= maxConnections:
		c.out <- s.disconnectFrame(ReasonTooManySockets)
		c.leaving = true
	default:
		c.out <- frame{data: encode(map[string]any{
			"type": "hello", "num_connections": s.liveLocked() + 1,
			"connection_info": map[string]any{"app_id": s.opts.AppID}, "debug_info": s.debugInfo(),
		})}
		if s.opts.ConnectionTime > 0 {
			s.afterLocked(s.opts.ConnectionTime, func() { s.dismissLocked(c, ReasonRefresh) })
		}
	}
	s.conns = append(s.conns, c)
	s.running.Add(1) // the reader; Close waits for both
	s.running.Go(func() { s.writeFrames(c) })
	s.touchLocked()
	return true
}

// liveLocked counts the connections that payloads can go to.
func (s *Server) liveLocked() int {
	n := 0
	for _, c := range s.conns {
		if !c.leaving {
			n++
		}
	}
	return n
}

func (s *Server) debugInfo() map[string]any {
	return map[string]any{
		"host": "applink-sim", "started": "2026-01-01 00:00:00.000", "build_number": 1,
		"approximate_connection_time": 3600,
	}
}

func (s *Server) disconnectFrame(reason string) frame {
	grace := time.Second
	if reason == ReasonWarning {
		grace = 10 * time.Second
	}
	return frame{close: true, grace: grace, data: encode(map[string]any{
		"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "applink-sim"},
	})}
}

// writeFrames is the only writer of the connection: frames and pings.
func (s *Server) writeFrames(c *conn) {
	ping := time.NewTicker(s.opts.PingEvery)
	defer ping.Stop()
	for {
		select {
		case <-c.gone:
			return
		case <-ping.C:
			if c.deaf.Load() {
				continue
			}
			if c.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-sim"), time.Now().Add(time.Second)) != nil {
				c.end()
				return
			}
		case f := <-c.out:
			if c.deaf.Load() {
				continue
			}
			_ = c.ws.SetWriteDeadline(time.Now().Add(10 * time.Second))
			if c.ws.WriteMessage(websocket.TextMessage, f.data) != nil {
				c.end()
				return
			}
			if f.close {
				c.farewell(f.grace)
				return
			}
		}
	}
}

// farewell closes the connection politely: the client has grace to do it itself.
func (c *conn) farewell(grace time.Duration) {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.gone:
	case <-timer.C:
		message := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = c.ws.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second))
		c.end()
	}
}

// readFrames takes acks until the connection ends.
func (s *Server) readFrames(c *conn) {
	defer c.end()
	c.ws.SetReadLimit(maxBody)
	pong := c.ws.PingHandler()
	c.ws.SetPingHandler(func(data string) error {
		if c.deaf.Load() {
			return nil
		}
		return pong(data)
	})
	c.ws.SetCloseHandler(func(int, string) error { return nil }) // The read below fails next.
	for {
		kind, data, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		if kind == websocket.TextMessage && !c.deaf.Load() {
			s.acked(c, data)
		}
	}
}

// end closes the TCP connection; both goroutines notice.
func (c *conn) end() {
	c.once.Do(func() {
		close(c.gone)
		_ = c.ws.Close()
	})
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.conns {
		if other == c {
			s.conns = append(s.conns[:i:i], s.conns[i+1:]...)
			s.touchLocked()
			return
		}
	}
}

// dismissLocked sends the disconnect frame; the connection gets no more payloads.
func (s *Server) dismissLocked(c *conn, reason string) {
	if c.leaving {
		return
	}
	c.leaving = true
	c.push(s.disconnectFrame(reason))
	s.touchLocked()
}

// push queues a frame; when the queue is full the frame is lost, as on a
// connection that stalls.
func (c *conn) push(f frame) {
	select {
	case c.out <- f:
	default:
	}
}

// Sockets lists the live connections, oldest first.
func (s *Server) Sockets() []Socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socketsLocked()
}

func (s *Server) socketsLocked() []Socket {
	out := []Socket{}
	for _, c := range s.conns {
		out = append(out, Socket{
			ID: c.id, Since: c.since, Deaf: c.deaf.Load(), Leaving: c.leaving, DropsAcks: c.dropAcks || s.dropAcks,
			Sent: c.sent, Acked: c.acked, s: s, c: c,
		})
	}
	return out
}

// Disconnect sends a disconnect frame and closes the connection, unless the client
// does so first, after 10 s for ReasonWarning and 1 s for any other reason.
func (k Socket) Disconnect(reason string) {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	k.s.dismissLocked(k.c, reason)
}

// Kill ends the connection with a TCP reset.
func (k Socket) Kill() {
	_ = resetTCP(k.c.ws.NetConn())
	k.c.end()
}

// Blackhole makes the connection half-open: it stays up, what the client writes
// vanishes, and nothing comes any more, no payload, no ping, no pong. Slack does
// not know: payloads are still sent down it, and lost.
func (k Socket) Blackhole() {
	k.c.deaf.Store(true)
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	k.s.touchLocked()
}

// DropAcks loses the acks of this connection (or stops losing them).
func (k Socket) DropAcks(on bool) {
	k.s.mu.Lock()
	defer k.s.mu.Unlock()
	k.c.dropAcks = on
	k.s.touchLocked()
}

// DropAcks loses the acks of all connections, those to come included.
func (s *Server) DropAcks(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropAcks = on
	s.touchLocked()
}

// Refusal is how apps.connections.open refuses: with an error code, with 429 (when
// RetryAfter is set) or with an HTTP status.
type Refusal struct {
	Error      string
	RetryAfter time.Duration
	Status     int
}

// RefuseOpen makes apps.connections.open fail until allow is called. Connections
// that are open stay open.
func (s *Server) RefuseOpen(r Refusal) (allow func()) {
	f := Fault{Method: "apps.connections.open", Kind: FaultError, Code: r.Error, Status: r.Status, RetryAfter: r.RetryAfter}
	switch {
	case r.RetryAfter > 0:
		f.Kind = FaultRateLimited
	case r.Status != 0:
		f.Kind = FaultServerError
	}
	return s.Fault(f)
}

// DisableSocketMode switches Socket Mode off in the app's settings: every
// connection, and every new one, is told link_disabled. off false allows it again.
func (s *Server) DisableSocketMode(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.linkOff = off
	if off {
		for _, c := range s.conns {
			s.dismissLocked(c, ReasonLinkDisabled)
		}
	}
	s.touchLocked()
}
