package app

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/observe"
)

// A key is asked for again soon while it is refused or nobody answers, and, once it is
// good, only after a call was refused. Each change is one line.
func TestKeyIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			refused = &baseten.Error{Kind: baseten.KindAuth, HTTPStatus: 401, Message: "no such key"}
			away    = &baseten.Error{Kind: baseten.KindUnreachable}
			mu      sync.Mutex
			answer  error
			asked   int
		)
		core, logged := observer.New(zapcore.InfoLevel)
		health := new(health)
		health.serves(func() error { return nil }, func() error { return nil })
		k := newKeyWatch(health, observe.NewMetrics(), zap.New(core))
		k.read = func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			asked++
			return answer
		}
		count := func() int { mu.Lock(); defer mu.Unlock(); return asked }
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		answer = refused
		go func() {
			defer close(done)
			k.run(ctx)
		}()
		for _, step := range []struct {
			what   string
			answer error
			do     func()
			after  time.Duration
			ready  string // what is wrong, "" for nothing
			asks   bool
		}{
			{"refused at the start", refused, nil, 10 * time.Second, errKey.Error(), true},
			{"nobody answers: it stays refused, as far as is known", away, nil, 2 * time.Minute, errKey.Error(), true},
			{"good", nil, nil, 2 * time.Minute, "", true},
			{"good, and nobody asks", nil, nil, time.Hour, "", false},
			{"refused to a call", refused, func() { k.called("model", "auth", 0) }, time.Minute, errKey.Error(), true},
			{"replaced", nil, nil, 2 * time.Minute, "", true},
			{"other failures are no doubt", refused, func() { k.called("model", "server", 0) }, time.Hour, "", false},
		} {
			before := count()
			mu.Lock()
			answer = step.answer
			mu.Unlock()
			if step.do != nil {
				step.do()
			}
			<-time.After(step.after)
			synctest.Wait()
			got := ""
			if err := health.check(); err != nil {
				got = err.Error()
			}
			if got != step.ready || (count() > before) != step.asks {
				t.Errorf("%s: asked %d times, ready %q, want %q", step.what, count()-before, got, step.ready)
			}
		}
		stop()
		<-done
		var lines []string
		for _, entry := range logged.All() {
			lines = append(lines, entry.Message)
		}
		no := "BASETEN_API_KEY: Baseten does not accept this key (no such key). Make a new one, and see that BASETEN_AUTH_SCHEME fits it."
		want := []string{
			no, "BASETEN_API_KEY: Baseten cannot be reached. Is BASETEN_BASE_URL right, and reachable from here?",
			"Baseten accepts the API key", no, "Baseten accepts the API key",
		}
		if d := cmp.Diff(want, lines); d != "" {
			t.Errorf("log (-want +got)\n%s", d)
		}
	})
}
