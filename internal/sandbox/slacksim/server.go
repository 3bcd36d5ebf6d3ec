package slacksim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server is the simulated Slack. It is an http.Handler for /api/… (Web API),
// /link/… (Socket Mode), /commands/… and /actions/… (response_url). All methods
// may be called from any goroutine.
type Server struct {
	opts Options
	mux  *http.ServeMux

	httpServer *http.Server
	closed     chan struct{} // closed by Close; ends hanging calls
	running    sync.WaitGroup

	// mu guards everything below.
	mu          sync.Mutex
	isClosed    bool
	baseURL     string // http://host:port, no trailing slash
	timers      map[*time.Timer]struct{}
	changed     chan struct{} // closed and replaced at every change
	version     uint64
	subscribers map[chan struct{}]struct{}
	random      *rand.Rand
	serial      uint64
	lastTS      int64 // microseconds

	users      map[string]*User
	channels   map[string]*Channel
	usergroups map[string]*Usergroup
	messages   map[string][]*Message // by channel, oldest first
	ephemerals []*Message
	views      []*View
	triggers   map[string]*trigger
	hooks      map[string]*hook // response_url by path

	notifications []Notification
	pings         uint64 // so far

	conns      []*conn
	nextConn   int
	tickets    map[string]time.Time
	envelopes  map[string]*Delivery
	deliveries []*Delivery
	dropAcks   bool
	linkOff    bool

	faults   []*armedFault
	switches map[string]func() // cancels of switches that are on
	calls    []*Call
	limits   limiter
}

// New makes a workspace that holds the bot user and nothing else.
func New(opts Options) *Server {
	opts = opts.withDefaults()
	s := &Server{
		opts:        opts,
		mux:         http.NewServeMux(),
		closed:      make(chan struct{}),
		timers:      map[*time.Timer]struct{}{},
		changed:     make(chan struct{}),
		subscribers: map[chan struct{}]struct{}{},
		users:       map[string]*User{},
		channels:    map[string]*Channel{},
		usergroups:  map[string]*Usergroup{},
		messages:    map[string][]*Message{},
		triggers:    map[string]*trigger{},
		hooks:       map[string]*hook{},
		tickets:     map[string]time.Time{},
		envelopes:   map[string]*Delivery{},
		switches:    map[string]func(){},
		limits:      newLimiter(opts.Limits, time.Now),
	}
	if opts.Seed != 0 {
		s.random = rand.New(rand.NewPCG(opts.Seed, opts.Seed))
	}
	s.users[opts.BotUserID] = &User{ID: opts.BotUserID, Name: opts.BotName, RealName: opts.BotName, TeamID: opts.TeamID, IsBot: true}
	s.mux.HandleFunc("/api/", s.serveAPI)
	s.mux.HandleFunc("/link/", s.serveLink)
	s.mux.HandleFunc("/commands/", s.serveResponseURL)
	s.mux.HandleFunc("/actions/", s.serveResponseURL)
	return s
}

// ServeHTTP implements http.Handler. A server that was not started with Start
// takes its own address from the requests it gets.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.baseURL == "" {
		s.baseURL = "http://" + r.Host
	}
	s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// Start listens on a free port of 127.0.0.1.
func (s *Server) Start() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return fmt.Errorf("start simulated Slack: %w", err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.mu.Lock()
	if s.isClosed || s.httpServer != nil {
		s.mu.Unlock()
		return errors.Join(errors.New("start simulated Slack: already started or closed"), listener.Close())
	}
	s.httpServer = server
	s.baseURL = "http://" + listener.Addr().String()
	s.mu.Unlock()
	s.running.Go(func() { _ = server.Serve(listener) })
	return nil
}

// APIURL is the base URL of the Web API, with a trailing slash; "" before Start.
func (s *Server) APIURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.baseURL == "" {
		return ""
	}
	return s.baseURL + "/api/"
}

// BotUserID is the user ID of the app's bot.
func (s *Server) BotUserID() string { return s.opts.BotUserID }

// Close ends all connections and waits for the server's goroutines. It may be
// called more than once.
func (s *Server) Close() {
	s.mu.Lock()
	if s.isClosed {
		s.mu.Unlock()
		return
	}
	s.isClosed = true
	close(s.closed)
	for t := range s.timers {
		t.Stop()
	}
	clear(s.timers)
	conns := append([]*conn(nil), s.conns...)
	server := s.httpServer
	s.mu.Unlock()
	for _, c := range conns {
		c.end()
	}
	if server != nil {
		_ = server.Close()
	}
	s.running.Wait()
}

// afterLocked runs f, with the lock held, once d has passed in real time. It does
// nothing once the server is closed.
func (s *Server) afterLocked(d time.Duration, f func()) (stop func()) {
	if s.isClosed {
		return func() {}
	}
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		// A timer that fires while it is being stopped is no longer in the set.
		if _, live := s.timers[t]; !live {
			return
		}
		delete(s.timers, t)
		f()
	})
	s.timers[t] = struct{}{}
	return func() {
		t.Stop()
		delete(s.timers, t)
	}
}

// idLocked makes a unique ID. Secrets (tickets, response_urls) are as guessable as
// the rest: they guard nothing here.
func (s *Server) idLocked(prefix string) string {
	s.serial++
	return prefix + strings.ToUpper(strconv.FormatUint(s.serial*7919+104729, 36)) + "SIM"
}

// stampLocked makes a message ts: seconds and microseconds, unique and rising even
// when the clock stands still.
func (s *Server) stampLocked() string {
	s.lastTS = max(s.lastTS+1, s.opts.Now().UnixMicro())
	return stampOf(s.lastTS)
}

// stampOf writes microseconds since 1970 as a ts.
func stampOf(micros int64) string { return fmt.Sprintf("%d.%06d", micros/1_000_000, micros%1_000_000) }

// touchLocked tells everybody who waits that something changed.
func (s *Server) touchLocked() {
	s.version++
	close(s.changed)
	s.changed = make(chan struct{})
	for c := range s.subscribers {
		select {
		case c <- struct{}{}:
		default: // One pending notification is enough.
		}
	}
}

func (s *Server) hasScopeLocked(scope string) bool {
	for _, have := range s.opts.Scopes {
		if have == scope {
			return true
		}
	}
	return false
}

func (s *Server) botID() string { return "B" + strings.TrimPrefix(s.opts.BotUserID, "U") }
