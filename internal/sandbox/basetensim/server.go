package basetensim

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// DefaultAPIKey is the key that a Server takes when Options names none.
const DefaultAPIKey = "simulated-baseten-key"

// maxBody is far above any settings body; what is longer is not one.
const maxBody = 1 << 20

// Options set up a Server. The zero value is a world that reacts at once.
type Options struct {
	// APIKey is the only key that is taken. Empty means DefaultAPIKey.
	APIKey string
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// AfterFunc runs f in its own goroutine after d. Nil means time.AfterFunc,
	// which testing/synctest controls too.
	AfterFunc func(d time.Duration, f func())
	// SettleAfter is how long an environment's new settings take to reach the
	// deployment that serves it. Zero: before the PATCH is answered.
	SettleAfter time.Duration
	// ReplicaStep is how long it takes to start or stop one replica. Zero: no
	// time at all.
	ReplicaStep time.Duration
	// RateLimit is the number of requests per second that each endpoint takes
	// before it answers 429. Zero: no limit. Baseten's default is 100
	// (docs.baseten.co/reference/management-api/rate-limits).
	RateLimit int
	// ReplicaLimit is the organization's cap on max_replica. Zero: none.
	ReplicaLimit int
	// IgnoreNameFilter makes lists ignore ?name=, as servers did before July 2026.
	IgnoreNameFilter bool
}

// Server is the simulated API. It is an http.Handler; Start puts it on a
// loopback port, and Transport reaches it without one. All methods may be
// called from any goroutine.
type Server struct {
	opts Options

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at each change
	closed   chan struct{}
	active   sync.WaitGroup // requests being handled
	listener *http.Server

	ids           int
	teams         []*team
	models        []*model
	modelByID     map[string]*model
	instanceTypes []InstanceType
	pricesHidden  bool

	faults   []*Injected
	switches map[string]*Injected
	windows  map[Op]rateWindow

	audit    []change
	calls    []*Call
	patches  int
	snapshot *Snapshot // of the present state; nil after a change
}

// New returns a server with a default team, the usual instance types and no
// models.
func New(opts Options) *Server {
	if opts.APIKey == "" {
		opts.APIKey = DefaultAPIKey
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.AfterFunc == nil {
		opts.AfterFunc = func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	}
	s := &Server{
		opts:          opts,
		changed:       make(chan struct{}),
		closed:        make(chan struct{}),
		modelByID:     make(map[string]*model),
		instanceTypes: usualInstanceTypes(),
		switches:      make(map[string]*Injected),
		windows:       make(map[Op]rateWindow),
	}
	s.teams = []*team{{id: s.newID(), name: "default", isDefault: true, created: opts.Now()}}
	return s
}

// APIKey returns the key that the server takes.
func (s *Server) APIKey() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opts.APIKey
}

// SetAPIKey rotates the key: the one before is refused from now on.
func (s *Server) SetAPIKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.APIKey = key
}

// Start listens on a free loopback port and returns the base URL, without a
// trailing slash. Like httptest.NewServer it panics if there is no port. Call
// it once, and Close when done.
func (s *Server) Start() (url string) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("basetensim: listen on loopback: %v", err))
	}
	// No write time-out: a fault may hold an answer for as long as a test wants.
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.mu.Lock()
	s.listener = srv
	s.mu.Unlock()
	go srv.Serve(l) //nolint:errcheck // ends with ErrServerClosed at Close
	return "http://" + l.Addr().String()
}

// Close ends the server: held requests are let go without being carried out,
// connections are closed, later requests are cut off, and nothing changes any
// more. It returns when no request is being handled.
func (s *Server) Close() {
	s.mu.Lock()
	if s.isClosed() {
		s.mu.Unlock()
		return
	}
	close(s.closed)
	srv := s.listener
	s.mu.Unlock()
	if srv != nil {
		srv.Close() //nolint:errcheck // of a loopback listener that is not used again
	}
	s.active.Wait()
}

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// ServeHTTP answers one request: faults of the network first, then faults of
// the service, then what the API itself would say.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.isClosed() {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.active.Add(1)
	s.mu.Unlock()
	defer s.active.Done()

	req, refused := resolve(r)
	call := s.record(r, req)
	if s.take(stageConnect, req) != nil {
		reset(w)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		write(w, call, s, apiError(http.StatusRequestEntityTooLarge, "error", "the body is too long or did not arrive"))
		return
	}
	req.body = body
	s.recordBody(call, body)

	if f := s.take(stageBefore, req); f != nil && !s.hold(f) {
		panic(http.ErrAbortHandler) // closed while it waited: nobody is answered
	}
	var ans answer
	switch f := s.take(stageInstead, req); {
	case f != nil:
		ans = f.fault.answer()
	case !s.authorized(r):
		ans = apiError(http.StatusUnauthorized, "error", "Invalid API key or authorization scheme.")
	case refused != nil:
		ans = *refused
	default:
		ans = s.handle(req)
	}
	if f := s.take(stageAfter, req); f != nil {
		ans = f.fault.spoil(w, ans)
	}
	write(w, call, s, ans)
}

// authorized takes exactly the two schemes that the spec names, spelled as it
// spells them.
func (s *Server) authorized(r *http.Request) bool {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	scheme, key, _ := strings.Cut(values[0], " ")
	if scheme != "Api-Key" && scheme != "Bearer" {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(key), []byte(s.APIKey())) == 1
}

// handle runs the route's handler with the world locked.
func (s *Server) handle(req *request) answer {
	stale := s.take(stageRead, req)
	slow := s.take(stageCommit, req)
	s.mu.Lock()
	defer s.mu.Unlock()
	if wait, ok := s.overLimit(req.op); ok {
		return rateLimited(wait, RetryInBody)
	}
	req.stale, req.slow = stale, slow
	return req.serve(s, req)
}

// later runs f with the world locked, now if d is not positive. Callers hold
// the lock.
func (s *Server) later(d time.Duration, f func()) {
	if d <= 0 {
		f()
		s.touch()
		return
	}
	s.opts.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.isClosed() {
			return
		}
		f()
		s.touch()
	})
}

// touch tells everyone who waits that the state has changed. Callers hold the
// lock.
func (s *Server) touch() {
	s.snapshot = nil
	close(s.changed)
	s.changed = make(chan struct{})
}

// errClosed is what Wait returns when the server is closed under it.
var errClosed = errors.New("basetensim: closed")

// Wait blocks until ok is true of the state, and returns nil; or until the
// context or the server ends, and returns an error that says what was last
// seen. It is woken by each change and never polls. ok must not change the
// snapshot nor call the server.
func (s *Server) Wait(ctx context.Context, ok func(*Snapshot) bool) error {
	for {
		changed := s.Changed()
		snap := s.Snapshot()
		if ok(snap) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("basetensim: wait for state (%d requests so far): %w", snap.Requests, ctx.Err())
		case <-s.closed:
			return errClosed
		}
	}
}
