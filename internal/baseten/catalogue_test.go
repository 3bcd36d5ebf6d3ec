package baseten

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// models is a Baseten whose list of models tests change.
type models struct {
	mu   sync.Mutex
	step step
}

func (m *models) set(s step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.step = s
}

func (m *models) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	s := m.step
	m.mu.Unlock()
	s(w, r)
}

func catalogue(t *testing.T) (*Catalogue, *models, *server, *clock) {
	t.Helper()
	m := &models{step: say(200, modelsJSON(modelJSON("m1", "llama-70b", "ml")))}
	s := serve(t, m.ServeHTTP)
	client, _ := dial(t, s)
	now := newClock()
	c := NewCatalogue(client, now.now, 0)
	t.Cleanup(c.Close)
	return c, m, s, now
}

// settle waits for a refresh behind the caller's back.
func settle(c *Catalogue) {
	<-c.flights.DoChan(flightName, func() (any, error) { return nil, nil })
}

func TestCatalogueServesOneListUntilItIsOld(t *testing.T) {
	c, m, s, now := catalogue(t)
	ctx := t.Context()
	for range 3 {
		if got, err := c.ResolveModel(ctx, "llama-70b"); err != nil || got.ID != "m1" {
			t.Fatal(got, err)
		}
		now.add(time.Minute)
	}
	if n := len(s.requests()); n != 1 {
		t.Fatalf("%d lists within the TTL, want 1", n)
	}

	// Older than the TTL: the old copy at once, the new one behind it.
	m.set(say(200, modelsJSON(modelJSON("m2", "llama-70b", "ml"))))
	now.add(DefaultTTL)
	if got, err := c.ResolveModel(ctx, "llama-70b"); err != nil || got.ID != "m1" && got.ID != "m2" {
		t.Fatal(got, err)
	}
	settle(c)
	if got, err := c.ResolveModel(ctx, "llama-70b"); err != nil || got.ID != "m2" {
		t.Errorf("after the refresh: %v, %v", got, err)
	}
	if n := len(s.requests()); n != 2 {
		t.Errorf("%d lists, want 2", n)
	}

	// Far older: nobody gets the old copy.
	m.set(say(200, modelsJSON(modelJSON("m3", "llama-70b", "ml"))))
	now.add(tooOld * DefaultTTL)
	if got, err := c.ResolveModel(ctx, "llama-70b"); err != nil || got.ID != "m3" {
		t.Errorf("after a long time: %v, %v", got, err)
	}
	if c.Age() != 0 || c.Stale() {
		t.Errorf("age %v stale %v", c.Age(), c.Stale())
	}
}

func TestOldListIsServedWithoutWaiting(t *testing.T) {
	c, m, s, now := catalogue(t)
	if _, err := c.Models(t.Context()); err != nil {
		t.Fatal(err)
	}
	release := make(chan struct{})
	m.set(func(w http.ResponseWriter, r *http.Request) {
		<-release
		say(200, modelsJSON())(w, r)
	})
	now.add(2 * DefaultTTL)
	for range 5 { // while the refresh hangs
		if got, err := c.ResolveModel(t.Context(), "llama-70b"); err != nil || got.ID != "m1" {
			t.Fatal(got, err)
		}
	}
	close(release)
	settle(c)
	if n := len(s.requests()); n != 2 {
		t.Errorf("%d lists, want 2", n)
	}
	if got, err := c.Models(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestMissIsLookedUpAfresh(t *testing.T) {
	c, m, s, now := catalogue(t)
	ctx := t.Context()
	lookup := func(word string, requests int) error {
		t.Helper()
		_, err := c.ResolveModel(ctx, word)
		if n := len(s.requests()); n != requests {
			t.Errorf("%s: %d lists so far, want %d", word, n, requests)
		}
		return err
	}
	notFound := func(err error, guesses ...string) {
		t.Helper()
		e, _ := errors.AsType[*NotFoundError](err)
		if e == nil || !cmp.Equal(e.Suggestions, guesses) {
			t.Errorf("got %v, want not found and %v", err, guesses)
		}
	}
	notFound(lookup("qwen", 1)) // the list is new: no second look
	now.add(refreshPause)
	m.set(say(200, modelsJSON(modelJSON("m1", "llama-70b", "ml"), modelJSON("m2", "qwen", "ml"))))
	if err := lookup("qwen", 2); err != nil {
		t.Errorf("a model made a moment ago: %v", err)
	}
	notFound(lookup("qwem", 2), "qwen")
	if err := lookup("QWEN", 2); err != nil {
		t.Errorf("in another case: %v", err)
	}
	now.add(refreshPause)
	notFound(lookup("qwem", 3), "qwen")

	// A new model of exactly that name comes before an old one of one like it.
	now.add(refreshPause)
	m.set(say(200, modelsJSON(modelJSON("m2", "qwen", "ml"), modelJSON("m3", "QWEN", "ml"))))
	if got, err := c.ResolveModel(ctx, "QWEN"); err != nil || got.ID != "m3" {
		t.Errorf("got %+v, %v", got, err)
	}
	m.set(say(200, modelsJSON(modelJSON("m1", "llama-70b", "ml"), modelJSON("m2", "qwen", "ml"))))

	// While Baseten is down a miss is not known to be one.
	m.set(say(503, "<html>"))
	now.add(refreshPause)
	if e := failure(t, lookup("qwem", 7)); e.Kind != KindServer {
		t.Errorf("got %v", e)
	}
	failure(t, lookup("qwem", 7))
	if err := lookup("qwen", 7); err != nil {
		t.Errorf("a known name while Baseten is down: %v", err)
	}
	if !c.Stale() || c.Age() != refreshPause {
		t.Errorf("stale %v, age %v", c.Stale(), c.Age())
	}
}

func TestOldListOutlivesAnOutage(t *testing.T) {
	c, m, _, now := catalogue(t)
	ctx := t.Context()
	if _, err := c.Models(ctx); err != nil {
		t.Fatal(err)
	}
	m.set(hangUp)
	now.add(100 * DefaultTTL)
	if got, err := c.ResolveModel(ctx, "llama-70b"); err != nil || got.ID != "m1" {
		t.Errorf("got %v, %v", got, err)
	}
	if !c.Stale() || c.Age() != 100*DefaultTTL {
		t.Errorf("stale %v, age %v", c.Stale(), c.Age())
	}
	// A key that is not accepted is no outage.
	m.set(say(401, `{"error":"Invalid API key"}`))
	now.add(DefaultTTL)
	if _, err := c.ResolveModel(ctx, "llama-70b"); failure(t, err).Kind != KindAuth {
		t.Errorf("got %v", err)
	}
	m.set(say(200, modelsJSON(modelJSON("m1", "llama-70b", "ml"))))
	now.add(DefaultTTL)
	if _, err := c.ResolveModel(ctx, "llama-70b"); err != nil || c.Stale() || c.Age() != 0 {
		t.Errorf("after the outage: %v, stale %v, age %v", err, c.Stale(), c.Age())
	}
}

func TestNoListAtAll(t *testing.T) {
	c, m, _, _ := catalogue(t)
	m.set(say(500, ""))
	if _, err := c.ResolveModel(t.Context(), "llama-70b"); failure(t, err).Kind != KindServer {
		t.Errorf("got %v", err)
	}
	if c.Age() != 0 || !c.Stale() {
		t.Errorf("age %v stale %v", c.Age(), c.Stale())
	}
	m.set(say(200, modelsJSON(modelJSON("m1", "llama-70b", "ml"))))
	if _, err := c.ResolveModel(t.Context(), "llama-70b"); err != nil {
		t.Errorf("Baseten is back: %v", err)
	}
}

func TestManyCallersOneRefresh(t *testing.T) {
	c, _, s, now := catalogue(t)
	for round := range 2 {
		word := []string{"llama-70b", "no-such-model"}[round] // first list, then a miss
		now.add(refreshPause)
		var group sync.WaitGroup
		var wrong atomic.Int32
		for range 50 {
			group.Go(func() {
				_, err := c.ResolveModel(t.Context(), word)
				_, missing := errors.AsType[*NotFoundError](err)
				if err != nil && !missing {
					wrong.Add(1)
				}
			})
		}
		group.Wait()
		if n := len(s.requests()); n != round+1 || wrong.Load() != 0 {
			t.Errorf("round %d: %d lists, %d wrong answers", round, n, wrong.Load())
		}
	}
}

func TestACallerWhoLeavesTakesNobodyAlong(t *testing.T) {
	c, m, s, _ := catalogue(t)
	asked, release := make(chan struct{}), make(chan struct{})
	m.set(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-release
		say(200, modelsJSON(modelJSON("m1", "llama-70b", "ml")))(w, r)
	})
	impatient, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { _, err := c.Models(impatient); left <- err }()
	<-asked
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the one who left got %v", err)
	}
	stayed := make(chan error)
	go func() { _, err := c.Models(t.Context()); stayed <- err }()
	close(release)
	if err := <-stayed; err != nil {
		t.Errorf("the one who stayed got %v", err)
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d lists", n)
	}
}

func TestCloseEndsARefresh(t *testing.T) {
	c, m, _, now := catalogue(t)
	if _, err := c.Models(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{})
	m.set(func(w http.ResponseWriter, r *http.Request) { close(asked); hang(w, r) })
	now.add(2 * DefaultTTL)
	if _, err := c.Models(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-asked
	c.Close() // hangs here if the refresh is not ended
	if !c.Stale() {
		t.Error("the ended refresh counts as good")
	}
}

func TestFiveThousandModels(t *testing.T) {
	all := manyModels(5000)
	lines := make([]string, len(all))
	for i, m := range all {
		lines[i] = modelJSON(m.ID, m.Name, m.Team)
	}
	c, m, _, _ := catalogue(t)
	m.set(say(200, modelsJSON(lines...)))
	got, err := c.Models(t.Context())
	if err != nil || len(got) != len(all) {
		t.Fatal(len(got), err)
	}
	for _, one := range all {
		for _, word := range []string{one.ID, one.Name, one.Team + "/" + one.Name} {
			if got, err := c.ResolveModel(t.Context(), word); err != nil || got.ID != one.ID {
				t.Fatalf("%s: %v, %v", word, got, err)
			}
		}
	}
	_, err = c.ResolveModel(t.Context(), strings.Replace(all[4321].Name, "model", "modle", 1))
	if e, _ := errors.AsType[*NotFoundError](err); e == nil || e.Suggestions[0] != all[4321].Name {
		t.Errorf("got %v", err)
	}
}

func BenchmarkResolveModel5000(b *testing.B) {
	c := NewCatalogue(New(Config{}), time.Now, time.Hour)
	defer c.Close()
	all := manyModels(5000)
	c.list.Store(&list{indexModels(all), time.Now()})
	b.Run("hit", func(b *testing.B) {
		for i := range b.N {
			if _, err := c.ResolveModel(b.Context(), all[i%len(all)].Name); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("miss with suggestions", func(b *testing.B) {
		n := c.list.Load().names
		for b.Loop() {
			if e := n.notFound("model-famly-12-4321b"); len(e.Suggestions) == 0 {
				b.Fatal(e)
			}
		}
	})
	b.Run("index", func(b *testing.B) {
		for b.Loop() {
			if n := indexModels(all); len(n.models) != len(all) {
				b.Fatal(len(n.models))
			}
		}
	})
}

func TestTargets(t *testing.T) {
	// Each of the three answers waits for the other requests: they are made at once.
	var all sync.WaitGroup
	all.Add(TargetsReads)
	first, called := true, "llama-70b"
	var mu sync.Mutex
	down := step(nil)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		meet, fail, name := first, down, called
		mu.Unlock()
		if fail != nil {
			fail(w, r)
			return
		}
		if meet {
			all.Done()
			all.Wait()
		}
		switch _, list, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/models/"), "/"); list {
		case "environments":
			io.WriteString(w, environmentsJSON(environmentJSON("production", deploymentJSON("d1", "v1", "production", ""), "")))
		case "deployments":
			io.WriteString(w, deploymentsJSON(deploymentJSON("d1", "v1", "production", "")))
		default:
			io.WriteString(w, modelJSON("m1", name, "ml"))
		}
	})
	client, _ := dial(t, s)
	now := newClock()
	c := NewCatalogue(client, now.now, 0)
	t.Cleanup(c.Close)
	ctx := t.Context()

	got, err := c.Targets(ctx, "m1")
	if err != nil || got.Stale || !got.ReadAt.Equal(now.now()) || len(got.Environments) != 1 || len(got.Deployments) != 1 ||
		got.Model.Name != "llama-70b" || got.Model.Team != "ml" {
		t.Fatalf("got %+v, %v", got, err)
	}
	mu.Lock()
	first, called = false, "frozen-70b"
	mu.Unlock()
	readAt := now.now()
	now.add(time.Second)
	again, err := c.Targets(ctx, "m1")
	if err != nil || !again.ReadAt.After(readAt) || len(s.requests()) != 2*TargetsReads || again.Model.Name != "frozen-70b" {
		t.Errorf("not read anew: %v, %v, %q after %d requests", again.ReadAt, err, again.Model.Name, len(s.requests()))
	}
	if r, err := again.Resolve("", "production"); err != nil || r.Target().Model != "frozen-70b" || r.Target().Team != "ml" {
		t.Errorf("resolved %+v, %v", r.Target(), err)
	}
	readAt = now.now()
	now.add(time.Hour)

	for name, fail := range map[string]step{"5xx": say(502, "<html>"), "429": say(429, ""), "reset": hangUp} {
		mu.Lock()
		down = fail
		mu.Unlock()
		old, err := c.Targets(ctx, "m1")
		if err != nil || !old.Stale || !old.ReadAt.Equal(readAt) {
			t.Errorf("%s: %+v, %v", name, old, err)
			continue
		}
		if r, err := old.Resolve("", "production"); err != nil || !r.Stale || !r.ReadAt.Equal(readAt) {
			t.Errorf("%s: resolved %+v, %v", name, r, err)
		}
		if _, err := c.Targets(ctx, "m2"); !Down(err) {
			t.Errorf("%s: a model never read: %v", name, err)
		}
	}
	for status, kind := range map[int]Kind{401: KindAuth, 403: KindAuth, 404: KindNotFound} {
		mu.Lock()
		down = say(status, "")
		mu.Unlock()
		if _, err := c.Targets(ctx, "m1"); failure(t, err).Kind != kind {
			t.Errorf("%d: %v", status, err)
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Targets(gone, "m1"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who left got %v", err)
	}
}

// Who comes back by itself wants no second try, and no old reading in its place.
func TestTargetsOnce(t *testing.T) {
	s := script(t, say(503, ""))
	client, slept := dial(t, s)
	c := NewCatalogue(client, newClock().now, 0)
	t.Cleanup(c.Close)
	c.keep(Targets{ModelID: "m1", ReadAt: newClock().now()})
	if got, err := c.TargetsOnce(t.Context(), "m1"); !Down(err) || got.ModelID != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	if n := len(s.requests()); n > TargetsReads || len(slept.taken()) != 0 {
		t.Errorf("asked %d times, waited %v", n, slept.taken())
	}
}

// A reading says whether people need the team too, as far as the list of models is
// known: before that, nobody can have named the model by its name.
func TestTargetsKnowSharedNames(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch id, list, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/models/"), "/"); {
		case r.URL.Path == "/v1/models":
			io.WriteString(w, modelsJSON(modelJSON("m1", "rerank", "ads"), modelJSON("m2", "rerank", "search"), modelJSON("m3", "llama", "ads")))
		case list == "environments":
			io.WriteString(w, environmentsJSON(environmentJSON("production", "", "")))
		case list == "deployments":
			io.WriteString(w, deploymentsJSON())
		case id == "m3":
			io.WriteString(w, modelJSON(id, "llama", "ads"))
		default:
			io.WriteString(w, modelJSON(id, "rerank", "ads"))
		}
	})
	client, _ := dial(t, s)
	c := NewCatalogue(client, newClock().now, 0)
	t.Cleanup(c.Close)
	if _, err := c.Models(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"m1": true, "m3": false} {
		for name, read := range map[string]func(context.Context, string) (Targets, error){"Targets": c.Targets, "TargetsOnce": c.TargetsOnce} {
			got, err := read(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			found, err := got.Resolve("", "production")
			if err != nil || found.Target().SharedName != want || found.Target().As().Target().SharedName != want {
				t.Errorf("%s of %s: %+v, %v; want %v", name, id, found.Target(), err, want)
			}
		}
	}
}

func TestReadingsAreBounded(t *testing.T) {
	c := NewCatalogue(New(Config{}), time.Now, 0)
	t.Cleanup(c.Close)
	start := newClock().now()
	for i := range mostReadings + 10 {
		c.keep(Targets{ModelID: fmt.Sprint(i), ReadAt: start.Add(time.Duration(i))})
	}
	if len(c.read) != mostReadings {
		t.Errorf("%d readings", len(c.read))
	}
	if _, ok := c.kept("9"); ok {
		t.Error("the oldest was kept")
	}
	if _, ok := c.kept("10"); !ok {
		t.Error("a newer one was dropped")
	}
	c.keep(Targets{ModelID: "100", ReadAt: start})
	if got, _ := c.kept("100"); !got.ReadAt.After(start) {
		t.Error("a reading that came late replaced a newer one")
	}
}
