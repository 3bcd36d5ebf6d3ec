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
	"time"

	"go.uber.org/zap"

	"autoscalebot/internal/authz"
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

	// patching, if set, is called around each PATCH that leaves a living process.
	patching func(path, body string) (done func())
}

func newWorld(tb testing.TB, policy string) *world {
	tb.Helper()
	db, err := store.Open(context.Background(), store.Config{URL: "sqlite::memory:", Owner: "jobs"})
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
	p, err := authz.Load("policy.yaml", []byte(text))
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
	return change.Delivery{Key: fmt.Sprintf("envelope-%d", w.n), At: time.Now()}
}

// asks is Slack's delivery of a command.
func (w *world) asks(who string, target string, s baseten.Settings) change.Submission {
	return change.Submission{
		Delivery: w.delivery(), Requester: change.Person{ID: who}, Channel: channel,
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
}

// boot starts a process that is going to die at that effect, or not at all if it
// is 0. Jobs are worked by the process that was booted last with jobs.
func (w *world) boot(owner string, dieAt int, jobs bool) *process {
	w.t.Helper()
	m := &mortal{dieAt: dieAt, died: make(chan struct{})}
	client := baseten.New(baseten.Config{
		BaseURL: "http://baseten.test", Key: w.baseten.APIKey, Now: time.Now,
		HTTPClient: &http.Client{Transport: mortalTransport{m, w, w.baseten.Transport()}},
		Rand:       func() float64 { return 0.5 },
	})
	names := baseten.NewCatalogue(client, time.Now, 0)
	cfg := change.Config{
		Owner: owner, ApplyWithin: 10 * time.Minute, Claim: 15 * time.Second, HasAnnounce: true,
		Call: func(r *change.Request) string { return "curl " + r.Ask.Settings.JSON() },
		Now:  time.Now, Random: w, Log: zap.NewNop(),
	}
	svc := change.New(cfg, mortalStore{w.db, m}, mortalChat{w.slack, m}, mortalDirectory{w.slack, m}, client, names, baseten.NewPrices(client, time.Now, 0), w.currentPolicy)
	p := &process{Service: svc, mortal: m, w: w, names: names, client: client}
	if jobs {
		if err := w.db.StopWork(context.Background()); err != nil {
			w.t.Error(err)
		}
		if err := w.db.Work(context.Background(), svc.Workers(), store.WorkOptions{Poll: 5 * time.Second}); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := svc.Resume(context.Background()); err != nil && !errors.Is(err, errDead) {
		w.t.Fatal(err)
	}
	return p
}

// bury collects what is left of a process that died, or kills it.
func (p *process) bury() {
	p.kill()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p.Close(ctx)
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
}

func (s mortalStore) Create(ctx context.Context, d change.Delivery, r *change.Request, e change.Effects) error {
	return s.m.around(func() error { return s.Store.Create(ctx, d, r, e) })
}

func (s mortalStore) Change(ctx context.Context, d change.Delivery, id change.ID, step func(*change.Request) (change.Effects, error)) (out *change.Request, err error) {
	err = s.m.around(func() error { out, err = s.Store.Change(ctx, d, id, step); return err })
	return out, err
}

func (s mortalStore) Record(ctx context.Context, d change.Delivery, events ...change.Event) error {
	return s.m.around(func() error { return s.Store.Record(ctx, d, events...) })
}

func (s mortalStore) Claim(ctx context.Context, id change.ID, owner string, now, until time.Time) (mine bool, err error) {
	err = s.m.around(func() error { mine, err = s.Store.Claim(ctx, id, owner, now, until); return err })
	return mine, err
}

func (s mortalStore) Get(ctx context.Context, id change.ID) (*change.Request, error) {
	if err := s.m.alive(); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, id)
}
