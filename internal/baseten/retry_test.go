package baseten

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const okAnswer = `{"status":"ACCEPTED","message":"Ok."}`

// calls are one read and one PATCH, since the rule differs.
var calls = map[string]func(context.Context, *Client) error{
	"read": func(ctx context.Context, c *Client) error { _, err := c.Models(ctx); return err },
	"update": func(ctx context.Context, c *Client) error {
		_, err := c.UpdateDeployment(ctx, "m1", "d1", Settings{MaxReplica: 7})
		return err
	},
}

// After 429 a read is tried again when Baseten asked for it. An update comes back at
// once with that time: what it was based on has to be checked anew before it is sent.
func TestLimited(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	in := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		name  string
		step  step
		waits time.Duration // of a read
		asked time.Duration // as an update's error has it
	}{
		{"seconds in the header", say(429, "", "Retry-After", "3"), 3 * time.Second, 3 * time.Second},
		{"date in the header", say(429, "", "Retry-After", in(20*time.Second)), 20 * time.Second, 20 * time.Second},
		{"in the body", say(429, `{"error":"Rate limit exceeded.","retry_after":37}`), 37 * time.Second, 37 * time.Second},
		{"in the body as text", say(429, `{"retry_after":"2.5"}`), 2500 * time.Millisecond, 2500 * time.Millisecond},
		{"the longer of both", say(429, `{"retry_after":4}`, "Retry-After", "9"), 9 * time.Second, 9 * time.Second},
		{"too long is cut", say(429, `{"retry_after":172800}`), time.Minute, 24 * time.Hour},
		{"endless is cut", say(429, `{"retry_after":1e300}`), time.Minute, 24 * time.Hour},
		{"nothing said", say(429, ""), 500 * time.Millisecond, 0},
		{"nonsense", say(429, `{"retry_after":"soon"}`, "Retry-After", "later"), 500 * time.Millisecond, 0},
		{"negative", say(429, `{"retry_after":-5}`), 500 * time.Millisecond, 0},
		{"a date gone by", say(429, "", "Retry-After", in(-time.Hour)), 500 * time.Millisecond, 0},
		{"zero", say(429, `{"retry_after":0}`, "Retry-After", "0"), 500 * time.Millisecond, 0},
		{"very short", say(429, `{"retry_after":0.001}`), 200 * time.Millisecond, time.Millisecond},
		{"HTML", say(429, "<html>", "Retry-After", "1"), time.Second, time.Second},
	} {
		at := func(c *Config) { c.Now = func() time.Time { return now } }
		t.Run(c.name+", read", func(t *testing.T) {
			s := script(t, c.step, say(200, modelsJSON()))
			client, slept := dial(t, s, at)
			if err := calls["read"](t.Context(), client); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]time.Duration{c.waits}, slept.taken()); diff != "" {
				t.Errorf("waits -want +got\n%s", diff)
			}
			if n := len(s.requests()); n != 2 {
				t.Errorf("asked %d times", n)
			}
		})
		t.Run(c.name+", update", func(t *testing.T) {
			s := script(t, c.step, say(200, okAnswer))
			client, slept := dial(t, s, at)
			e := failure(t, calls["update"](t.Context(), client))
			if e.Kind != KindLimited || e.RetryAfter != c.asked || e.OutcomeUnknown() {
				t.Errorf("got %+v, want to be asked to wait %v", e, c.asked)
			}
			if n := len(s.requests()); n != 1 || len(slept.taken()) != 0 {
				t.Errorf("sent %d times, waited %v", n, slept.taken())
			}
		})
	}
}

func TestLimitedReadGivesUp(t *testing.T) {
	t.Run("after some tries", func(t *testing.T) {
		s := script(t, say(429, `{"error":"Rate limit exceeded.","retry_after":2}`))
		client, slept := dial(t, s)
		e := failure(t, calls["read"](t.Context(), client))
		if e.Kind != KindLimited || e.RetryAfter != 2*time.Second || e.OutcomeUnknown() || e.Message != "Rate limit exceeded." {
			t.Errorf("got %+v", e)
		}
		if n := len(s.requests()); n != limitedRetries+1 || len(slept.taken()) != limitedRetries {
			t.Errorf("asked %d times, waited %v", n, slept.taken())
		}
	})
	t.Run("at once where the wait would outlast the caller", func(t *testing.T) {
		s := script(t, say(429, `{"retry_after":30}`))
		client, slept := dial(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		e := failure(t, calls["read"](ctx, client))
		if e.Kind != KindLimited || e.RetryAfter != 30*time.Second || len(slept.taken()) != 0 || len(s.requests()) != 1 {
			t.Errorf("got %+v after %d requests and waits %v", e, len(s.requests()), slept.taken())
		}
	})
	t.Run("when the caller goes away while waiting", func(t *testing.T) {
		s := script(t, say(429, `{"retry_after":30}`))
		ctx, cancel := context.WithCancel(t.Context())
		client, _ := dial(t, s, func(c *Config) {
			c.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
		})
		e := failure(t, calls["read"](ctx, client))
		if e.Kind != KindLimited || len(s.requests()) != 1 {
			t.Errorf("got %+v after %d requests", e, len(s.requests()))
		}
	})
}

// Once tries each call once, whatever came of it, and leaves the client it came from
// as patient as it was.
func TestOnce(t *testing.T) {
	for name, bad := range map[string]step{"429": say(429, `{"retry_after":1}`), "500": say(500, ""), "dropped connection": hangUp} {
		t.Run(name, func(t *testing.T) {
			for method, call := range calls {
				s := script(t, bad)
				client, slept := dial(t, s)
				failure(t, call(t.Context(), client.Once()))
				if n := len(s.requests()); n != 1 || len(slept.taken()) != 0 {
					t.Errorf("%s: asked %d times, waited %v", method, n, slept.taken())
				}
			}
			s := script(t, bad, say(200, modelsJSON()))
			client, _ := dial(t, s)
			_ = client.Once()
			if err := calls["read"](t.Context(), client); err != nil {
				t.Errorf("the patient client: %v", err)
			}
		})
	}
	t.Run("a key that was replaced is no second try", func(t *testing.T) {
		s := script(t, say(401, ""), say(200, okAnswer))
		client, _ := dial(t, s, func(c *Config) { c.Refresh = func() bool { return true } })
		if err := calls["update"](t.Context(), client.Once()); err != nil || len(s.requests()) != 2 {
			t.Errorf("got %v after %d requests", err, len(s.requests()))
		}
	})
}

func TestOnlyReadsAreRepeatedAfterFailure(t *testing.T) {
	for name, bad := range map[string]step{
		"500": say(500, ""), "502 with a page": say(502, "<html>bad gateway</html>"), "503": say(503, `{"error":"later"}`), "504": say(504, ""),
		"408": say(408, ""), "dropped connection": hangUp,
	} {
		t.Run(name+", read", func(t *testing.T) {
			s := script(t, append([]step{bad, bad}, say(200, modelsJSON()))...)
			client, slept := dial(t, s)
			if err := calls["read"](t.Context(), client); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]time.Duration{100 * time.Millisecond, 200 * time.Millisecond}, slept.taken()); diff != "" {
				t.Errorf("waits -want +got\n%s", diff)
			}
		})
		t.Run(name+", read for ever", func(t *testing.T) {
			s := script(t, bad)
			client, _ := dial(t, s)
			e := failure(t, calls["read"](t.Context(), client))
			if !Down(e) || e.Message == "<html>bad gateway</html>" || e.OutcomeUnknown() {
				t.Errorf("got %+v", e)
			}
			if n := len(s.requests()); n < failedRetries+1 {
				t.Errorf("asked %d times", n)
			}
		})
		t.Run(name+", update", func(t *testing.T) {
			s := script(t, bad, say(200, okAnswer))
			client, slept := dial(t, s)
			e := failure(t, calls["update"](t.Context(), client))
			if !e.OutcomeUnknown() || len(s.requests()) != 1 || len(slept.taken()) != 0 {
				t.Errorf("got %+v after %d requests and waits %v", e, len(s.requests()), slept.taken())
			}
		})
	}
	t.Run("an answer cut in the middle, read", func(t *testing.T) {
		s := script(t, cut, say(200, modelsJSON(modelJSON("m1", "a", "t"))))
		client, _ := dial(t, s)
		if got, err := client.Models(t.Context()); err != nil || len(got) != 1 {
			t.Errorf("got %v, %v", got, err)
		}
	})
	t.Run("a read that timed out", func(t *testing.T) {
		s := script(t, hang, say(200, modelsJSON()))
		client, _ := dial(t, s, func(c *Config) { c.ReadTimeout = 50 * time.Millisecond })
		if err := calls["read"](t.Context(), client); err != nil {
			t.Error(err)
		}
	})
	t.Run("4xx is final", func(t *testing.T) {
		for _, status := range []int{400, 401, 403, 404, 409, 422} {
			s := script(t, say(status, ""))
			client, _ := dial(t, s)
			for _, call := range calls {
				failure(t, call(t.Context(), client))
			}
			if n := len(s.requests()); n != 2 {
				t.Errorf("%d: asked %d times, want 2", status, n)
			}
		}
	})
}

func TestJitterOnlyEverAdds(t *testing.T) {
	s := script(t, say(429, `{"retry_after":5}`), say(200, modelsJSON()))
	client, slept := dial(t, s, func(c *Config) { c.Rand = func() float64 { return 0.5 } })
	if err := calls["read"](t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if got := slept.taken(); len(got) != 1 || got[0] != 5100*time.Millisecond {
		t.Errorf("waited %v, want what was asked and a little more", got)
	}
}

// The real sleep, in virtual time: it lasts as long as asked and ends with the
// caller.
func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := sleep(t.Context(), 37*time.Second); err != nil || time.Since(start) != 37*time.Second {
			t.Errorf("slept %v, %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if err := sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("slept %v, %v", time.Since(start), err)
		}
	})
}

func TestKeyIsReadAgain(t *testing.T) {
	type story struct {
		name      string
		keys      []string // what the key file holds at each reading
		accepts   string
		wantErr   bool
		refreshes int
		requests  int
	}
	for _, c := range []story{
		{"the key changed", []string{"old", "new"}, "new", false, 1, 2},
		{"the key did not change", []string{"old"}, "new", true, 1, 1},
		{"the new key is no better", []string{"old", "other"}, "new", true, 1, 2},
		{"the key is good", []string{"new"}, "new", false, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+c.accepts {
					say(401, `{"error":"Invalid API key"}`)(w, r)
					return
				}
				say(200, okAnswer)(w, r)
			})
			refreshes := 0
			at := 0
			client, _ := dial(t, s, func(cfg *Config) {
				cfg.Scheme = "Bearer"
				cfg.Key = func() string { return c.keys[at] + "\n" } // as files end
				cfg.Refresh = func() bool {
					refreshes++
					if at+1 == len(c.keys) {
						return false
					}
					at++
					return true
				}
			})
			err := calls["update"](t.Context(), client)
			if (err != nil) != c.wantErr || refreshes != c.refreshes || len(s.requests()) != c.requests {
				t.Errorf("err %v, %d refreshes, %d requests", err, refreshes, len(s.requests()))
			}
			if err != nil && failure(t, err).HTTPStatus != 401 {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("another call's refresh was first", func(t *testing.T) {
		var key atomic.Value
		key.Store("old")
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Api-Key old" {
				key.Store("new")
				say(401, "")(w, r)
				return
			}
			say(200, okAnswer)(w, r)
		})
		client, _ := dial(t, s, func(c *Config) {
			c.Key = func() string { return key.Load().(string) }
			c.Refresh = func() bool { return false }
		})
		if err := calls["update"](t.Context(), client); err != nil {
			t.Error(err)
		}
	})
	t.Run("no key", func(t *testing.T) {
		s := script(t, say(200, "{}"))
		client, _ := dial(t, s, func(c *Config) { c.Key = nil })
		if e := failure(t, calls["update"](t.Context(), client)); e.Kind != KindAuth || e.OutcomeUnknown() || len(s.requests()) != 0 {
			t.Errorf("got %+v", e)
		}
	})
}

func TestHeadersAndObserve(t *testing.T) {
	s := script(t, say(500, ""), say(200, modelsJSON()), say(409, ""))
	var mu sync.Mutex
	var seen []string
	client, _ := dial(t, s, func(c *Config) {
		c.BaseURL += "///"
		c.UserAgent = "autoscalebot/1.2"
		c.Observe = func(op, result string, took time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, fmt.Sprintf("%s %s %t", op, result, took >= 0))
		}
	})
	if err := calls["read"](t.Context(), client); err != nil {
		t.Fatal(err)
	}
	failure(t, calls["update"](t.Context(), client))

	if diff := cmp.Diff([]string{"models server true", "models ok true", "update_deployment rejected true"}, seen); diff != "" {
		t.Errorf("observed -want +got\n%s", diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	client.cfg.Observe = func(_, result string, _ time.Duration) { seen = append(seen, result) }
	gone := script(t, func(w http.ResponseWriter, r *http.Request) { cancel(); hang(w, r) })
	client.cfg.BaseURL = gone.URL
	failure(t, calls["read"](ctx, client))
	if last := seen[len(seen)-1]; last != "canceled" || len(gone.requests()) != 1 {
		t.Errorf("a caller who left is seen as %q after %d requests", last, len(gone.requests()))
	}

	got := s.requests()
	for i, want := range []map[string]string{
		{"Authorization": "Api-Key " + testKey, "User-Agent": "autoscalebot/1.2", "Accept": "application/json", "Content-Type": ""},
		1: {},
		2: {"Content-Type": "application/json"},
	} {
		for name, value := range want {
			if got[i].header.Get(name) != value {
				t.Errorf("request %d: %s is %q, want %q", i, name, got[i].header.Get(name), value)
			}
		}
	}
	if got[0].path != "/v1/models" {
		t.Errorf("path %q", got[0].path)
	}
}
