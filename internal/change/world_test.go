package change_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/policyfile"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/store"
)

// The people of the tests: Ana and Ben are on call, Lea and Leo lead, Eve is a
// member whom no rule names.
const (
	ana, ben, lea, leo, eve = "U0ANA", "U0BEN", "U0LEA", "U0LEO", "U0EVE"

	channel = "C0OPS"
)

// world is everything that outlives a process of the bot: the database, Slack and
// Baseten.
type world struct {
	t       testing.TB
	db      *store.Store
	baseten *basetensim.Server
	slack   *slack

	mu     sync.Mutex
	policy *authz.Policy
	drawn  *rand.ChaCha8
	n      int // of deliveries
	calls  int // of the database

	// away: the database does not answer. unwritable: it cannot take this request.
	away       bool
	unwritable change.ID

	// patching, if set, is called around each PATCH that leaves a living process.
	patching func(path, body string) (done func())
}

func newWorld(tb testing.TB, policy string) *world {
	tb.Helper()
	db, err := store.Open(context.Background(), store.Config{URL: "sqlite::memory:", Now: time.Now})
	if err != nil {
		tb.Fatal(err)
	}
	w := &world{t: tb, db: db, baseten: basetensim.New(basetensim.Options{}), slack: newSlack(), drawn: rand.NewChaCha8([32]byte{})}
	w.baseten.Demo()
	w.setPolicy(policy)
	return w
}

// pass lets virtual time pass.
func pass(d time.Duration) { <-time.After(d) }

func (w *world) close() {
	w.baseten.Close()
	if err := w.db.Close(); err != nil {
		w.t.Errorf("close database: %v", err)
	}
}

func (w *world) setPolicy(text string) {
	p, err := policyfile.Load("policy.yaml", []byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.policy = p
}

func (w *world) currentPolicy() *authz.Policy {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.policy
}

// Read implements io.Reader: the request IDs, the same in every run.
func (w *world) Read(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.drawn.Read(b)
}

// delivery is one more thing that Slack sends.
func (w *world) delivery() change.Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	return change.Delivery{Key: fmt.Sprintf("envelope-%d", w.n)}
}

// asks is Slack's delivery of a command.
func (w *world) asks(who string, target string, s baseten.Settings) change.Submission {
	return change.Submission{
		Delivery: w.delivery(), Requester: authz.Person{ID: who}, Channel: channel,
		Ask: change.Ask{Text: "llama-70b " + target + " " + s.String(), Model: "llama-70b", Target: target, Settings: s},
	}
}

// requests are all requests, oldest first.
func (w *world) requests() []*change.Request {
	w.t.Helper()
	all, err := w.db.History(context.Background(), "", "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

func (w *world) get(id change.ID) *change.Request {
	w.t.Helper()
	r, err := w.db.Get(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// events are the audit log.
func (w *world) events() []change.Event {
	w.t.Helper()
	var out []change.Event
	err := w.db.Audit(context.Background(), store.AuditFilter{}, func(e change.Event) error {
		out = append(out, e)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// process is one process of the bot. It can be killed: then nothing that it does
// has an effect any more.
type process struct {
	*change.Service
	*mortal
	w      *world
	names  *baseten.Catalogue
	client *baseten.Client
	stop   context.CancelFunc
	ran    chan struct{} // closed once it runs no more
}

// boot starts a process that is going to die at that effect, or not at all if it
// is 0.
func (w *world) boot(dieAt int) *process {
	w.t.Helper()
	return w.bootAhead(dieAt, 0)
}

// bootAhead starts a process whose own clock is ahead of the database's.
func (w *world) bootAhead(dieAt int, ahead time.Duration) *process {
	w.t.Helper()
	m := &mortal{dieAt: dieAt, died: make(chan struct{})}
	now := func() time.Time { return time.Now().Add(ahead) }
	client := baseten.New(baseten.Config{
		BaseURL: "http://baseten.test", Key: w.baseten.APIKey, Now: now,
		HTTPClient: &http.Client{Transport: mortalTransport{m, w, w.baseten.Transport()}},
		Rand:       func() float64 { return 0.5 },
	})
	names := baseten.NewCatalogue(client, now, 0)
	cfg := change.Config{
		ApplyWithin: 10 * time.Minute, HasAnnounce: true,
		Call: func(r *change.Request) string { return "curl " + r.Ask.Settings.JSON() },
		Now:  now, Random: w, Log: zap.NewNop(),
	}
	svc := change.New(cfg, mortalStore{w.db, m, w}, mortalChat{w.slack, m}, mortalDirectory{w.slack, m}, client, names, baseten.NewPrices(client, now, 0), w.currentPolicy)
	p := &process{Service: svc, mortal: m, w: w, names: names, client: client, ran: make(chan struct{})}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() { svc.Run(ctx); close(p.ran) }()
	synctest.Wait() // it said that it lives
	return p
}

// bury collects what is left of a process that died, or kills it.
func (p *process) bury() {
	p.kill()
	p.quit()
}

// quit stops a process in good order, as far as it lives.
func (p *process) quit() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p.Close(ctx)
	p.stop()
	<-p.ran
	p.names.Close()
	p.client.Close()
}

// errDead is what a dead process gets of everything it does.
var errDead = errors.New("the process is dead")

// mortal counts the outside effects of a process: before and after each there is a
// moment at which it may die.
type mortal struct {
	mu    sync.Mutex
	dieAt int // 0: never
	n     int
	dead  bool
	died  chan struct{}
}

func (m *mortal) moment() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n++
	if m.n == m.dieAt {
		m.die()
	}
	if m.dead {
		return errDead
	}
	return nil
}

func (m *mortal) die() {
	if !m.dead {
		m.dead = true
		close(m.died)
	}
}

func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.die()
}

func (m *mortal) alive() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	return nil
}

// around has an effect, with a moment before and one after it.
func (m *mortal) around(effect func() error) error {
	if err := m.moment(); err != nil {
		return err
	}
	err := effect()
	if dead := m.moment(); dead != nil {
		return dead
	}
	return err
}

type mortalTransport struct {
	*mortal
	w    *world
	next http.RoundTripper
}

func (t mortalTransport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if r.Method == http.MethodGet { // has no effect
		if err := t.alive(); err != nil {
			return nil, err
		}
		return t.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	err = t.around(func() error {
		if t.w.patching != nil {
			defer t.w.patching(r.URL.Path, string(body))()
		}
		resp, err = t.next.RoundTrip(r)
		return err
	})
	if err != nil && resp != nil {
		resp.Body.Close()
		resp = nil
	}
	return resp, err
}

// mortalStore is the database as one process sees it.
type mortalStore struct {
	*store.Store
	m *mortal
	w *world
}

// answers is an error while the database is away.
func (s mortalStore) answers() error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.calls++
	if s.w.away {
		return errors.New("connection refused")
	}
	return s.m.alive()
}

func (s mortalStore) Create(ctx context.Context, d change.Delivery, r *change.Request, step change.Step) error {
	if err := s.answers(); err != nil {
		return err
	}
	return s.m.around(func() error { return s.Store.Create(ctx, d, r, step) })
}

func (s mortalStore) Change(ctx context.Context, d change.Delivery, id change.ID, step change.Step) (out *change.Request, err error) {
	if err := s.answers(); err != nil {
		return nil, err
	}
	err = s.m.around(func() error {
		out, err = s.Store.Change(ctx, d, id, func(r *change.Request, now time.Time) (change.Effects, error) {
			e, err := step(r, now)
			if err == nil && id == s.w.unwritable && r.Target.ModelID != "" {
				err = change.ErrUnwritable
			}
			return e, err
		})
		return err
	})
	return out, err
}

func (s mortalStore) Record(ctx context.Context, d change.Delivery, events ...change.Event) error {
	if err := s.answers(); err != nil {
		return err
	}
	return s.m.around(func() error { return s.Store.Record(ctx, d, events...) })
}

func (s mortalStore) Release(ctx context.Context, id change.ID, owner string, version int64) (back bool, err error) {
	if err := s.answers(); err != nil {
		return false, err
	}
	err = s.m.around(func() error { back, err = s.Store.Release(ctx, id, owner, version); return err })
	return back, err
}

func (s mortalStore) Postpone(ctx context.Context, id change.ID, owner string) (n int, err error) {
	if err := s.answers(); err != nil {
		return 0, err
	}
	err = s.m.around(func() error { n, err = s.Store.Postpone(ctx, id, owner); return err })
	return n, err
}

func (s mortalStore) Alive(ctx context.Context, owner string, d time.Duration) (time.Time, error) {
	if err := s.answers(); err != nil {
		return time.Time{}, err
	}
	return s.Store.Alive(ctx, owner, d)
}

func (s mortalStore) Gone(ctx context.Context, owner string) error {
	if err := s.answers(); err != nil {
		return err
	}
	return s.Store.Gone(ctx, owner)
}

func (s mortalStore) Lease(ctx context.Context, owner string, limit int) (ids []change.ID, err error) {
	if err := s.answers(); err != nil {
		return nil, err
	}
	ids, err = s.Store.Lease(ctx, owner, limit)
	if len(ids) > 0 {
		if dead := s.m.moment(); dead != nil {
			return nil, dead
		}
	}
	return ids, err
}

func (s mortalStore) Get(ctx context.Context, id change.ID) (*change.Request, error) {
	if err := s.answers(); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, id)
}
