package basetensim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/sandbox/basetensim"
)

func TestFaultsInsteadOfTheAnswer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  basetensim.Fault
		status int
		body   string // part of it
		header string // Retry-After
	}{
		{"429 in the body", basetensim.Fault{Kind: basetensim.RateLimited, RetryAfter: 37 * time.Second}, 429, `"retry_after":37`, ""},
		{"429 in the header", basetensim.Fault{Kind: basetensim.RateLimited, RetryAfter: 1500 * time.Millisecond, RetryIn: basetensim.RetryInHeader}, 429, `{"error":"Rate limit exceeded. Please try again later."}`, "2"},
		{"429 in both", basetensim.Fault{Kind: basetensim.RateLimited, RetryAfter: time.Second, RetryIn: basetensim.RetryInBoth}, 429, `"retry_after":1`, "1"},
		{"429 without a time", basetensim.Fault{Kind: basetensim.RateLimited, RetryIn: basetensim.RetryNowhere}, 429, `{"error":"Rate limit exceeded. Please try again later."}`, ""},
		{"500", basetensim.Fault{Kind: basetensim.ServerError}, 500, `"error"`, ""},
		{"502", basetensim.Fault{Kind: basetensim.BadGateway}, 502, "<html>", ""},
		{"503", basetensim.Fault{Kind: basetensim.Unavailable}, 503, "upstream", ""},
		{"code and message", basetensim.Fault{Kind: basetensim.Refused, Text: "no"}, 400, `{"code":"VALIDATION_ERROR","message":"no"}`, ""},
		{"error", basetensim.Fault{Kind: basetensim.Refused, Status: 404, Shape: basetensim.ErrorKey, Text: "no"}, 404, `{"error":"no"}`, ""},
		{"message", basetensim.Fault{Kind: basetensim.Refused, Status: 403, Shape: basetensim.MessageKey, Text: "no"}, 403, `{"message":"no"}`, ""},
		{"detail", basetensim.Fault{Kind: basetensim.Refused, Status: 422, Shape: basetensim.DetailKey, Text: "no"}, 422, `{"detail":"no"}`, ""},
		{"text", basetensim.Fault{Kind: basetensim.Refused, Status: 409, Shape: basetensim.PlainText, Text: "no"}, 409, "no", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := demo(t, basetensim.Options{})
			tt.fault.Times = 1
			in := s.Inject(tt.fault)
			r := c.do("PATCH", llamaPatch, `{"max_replica":7}`)
			if r.status != tt.status || !strings.Contains(r.body, tt.body) || r.header.Get("Retry-After") != tt.header {
				t.Errorf("status %d, Retry-After %q: %s", r.status, r.header.Get("Retry-After"), r.body)
			}
			if got := c.servingMax(); got != 4 {
				t.Errorf("max %v: the refused change was made", got)
			}
			if in.Hits() != 1 {
				t.Errorf("struck %d times", in.Hits())
			}
			c.patch(llamaPatch, `{"max_replica":7}`)
		})
	}
}

func TestFaultsStrikeOnlyWhatTheyMatch(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	s.Inject(basetensim.Fault{Kind: basetensim.ServerError, Op: basetensim.GetEnvironment})
	twice := s.Inject(basetensim.Fault{Kind: basetensim.Unavailable, Method: "GET", Path: "/v1/models/*", Times: 2})
	for _, want := range []struct {
		path   string
		status int
	}{
		{llamaEnv, 500}, {llamaServing, 200}, {llama, 503}, {"/v1/models", 200}, {llama, 503}, {llama, 200}, {llamaEnv, 500},
	} {
		if r := c.do("GET", want.path, ""); r.status != want.status {
			t.Errorf("GET %s: status %d, want %d", want.path, r.status, want.status)
		}
	}
	if twice.Hits() != 2 {
		t.Errorf("struck %d times, want 2", twice.Hits())
	}
	s.ClearFaults()
	c.get(llamaEnv)
}

func TestLostAnswers(t *testing.T) {
	for _, tt := range []struct {
		kind   basetensim.Kind
		made   bool
		status int // 0: the connection breaks
	}{
		{basetensim.ResetBeforeRead, false, 0},
		{basetensim.CommitThenReset, true, 0},
		{basetensim.CommitThen500, true, 500},
	} {
		for name, start := range map[string]func(*testing.T, basetensim.Options) (*basetensim.Server, client){
			"socket": demo, "transport": bubbled,
		} {
			t.Run(fmt.Sprintf("%s by %s", tt.kind, name), func(t *testing.T) {
				s, c := start(t, basetensim.Options{})
				s.Inject(basetensim.Fault{Kind: tt.kind, Method: "PATCH"})
				r, err := c.send(c.request("PATCH", llamaPatch, `{"max_replica":7}`))
				if r.status != tt.status {
					t.Errorf("status %d, want %d", r.status, tt.status)
				}
				if broken := tt.status == 0; broken != errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("error %v", err)
				}
				if made := c.servingMax() == 7; made != tt.made {
					t.Errorf("change made: %v, want %v", made, tt.made)
				}
				if n := len(s.Patches()); n != 1 {
					t.Errorf("%d changes arrived, want 1", n)
				}
			})
		}
	}
}

func TestHungChangeIsMadeAfterTheClientHasGone(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	in := s.Inject(basetensim.Fault{Kind: basetensim.Hang, Method: "PATCH"})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	req := c.request("PATCH", llamaPatch, `{"max_replica":7}`).WithContext(ctx)
	go func() {
		_, err := c.send(req)
		gone <- err
	}()
	waitFor(t, s, "the change has arrived", func(sn *basetensim.Snapshot) bool { return sn.Patches == 1 })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("client: %v", err)
	}
	if got := c.servingMax(); got != 4 {
		t.Errorf("max %v before the release", got)
	}
	in.Clear()
	waitFor(t, s, "the change is made", func(sn *basetensim.Snapshot) bool {
		return sn.Deployment(basetensim.DemoLlama, basetensim.DemoLlamaProduction).Settings.MaxReplica == 7
	})
}

func TestDelayDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := bubbled(t, basetensim.Options{})
		s.Inject(basetensim.Fault{Kind: basetensim.Delay, Delay: 5 * time.Second, Times: 1})
		start := time.Now()
		c.get(llama)
		c.get(llama)
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("two reads, one of them delayed, took %v", took)
		}
	})
}

func TestSlowApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := bubbled(t, basetensim.Options{})
		timed := s.Inject(basetensim.Fault{Kind: basetensim.SlowApply, Delay: 20 * time.Second})
		if word := c.patch(llamaEnv, `{"autoscaling_settings":{"max_replica":7}}`); word != basetensim.Accepted {
			t.Errorf("status %s", word)
		}
		pass(19 * time.Second)
		if env, serving := c.envMax(), c.servingMax(); env != 4 || serving != 4 {
			t.Errorf("after 19 s: environment %v and deployment %v, want 4", env, serving)
		}
		pass(time.Second)
		if env, serving := c.envMax(), c.servingMax(); env != 7 || serving != 7 {
			t.Errorf("after 20 s: environment %v and deployment %v, want 7", env, serving)
		}
		timed.Clear()

		held := s.Inject(basetensim.Fault{Kind: basetensim.SlowApply})
		c.patch(llamaEnv, `{"autoscaling_settings":{"max_replica":8}}`)
		pass(time.Hour)
		if got := c.envMax(); got != 7 {
			t.Errorf("held: environment %v, want 7", got)
		}
		held.Release()
		if env, serving := c.envMax(), c.servingMax(); env != 8 || serving != 8 {
			t.Errorf("released: environment %v and deployment %v, want 8", env, serving)
		}
	})
}

func TestStaleRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := bubbled(t, basetensim.Options{})
		s.Inject(basetensim.Fault{Kind: basetensim.StaleRead, Delay: 10 * time.Second})
		if got := c.envMax(); got != 4 {
			t.Errorf("before any change: %v", got)
		}
		r := c.do("PATCH", llamaEnv, `{"autoscaling_settings":{"max_replica":7}}`).json(t)
		if got := r["environment"].(map[string]any)["autoscaling_settings"].(map[string]any)["max_replica"]; got != 7.0 {
			t.Errorf("the change's own answer shows %v", got)
		}
		pass(9 * time.Second)
		if env, serving := c.envMax(), c.servingMax(); env != 4 || serving != 4 {
			t.Errorf("after 9 s: environment %v and deployment %v, want the old 4", env, serving)
		}
		if got := s.Environment(basetensim.DemoLlama, "production").Settings.MaxReplica; got != 7 {
			t.Errorf("in truth: %v", got)
		}
		pass(time.Second)
		if env, serving := c.envMax(), c.servingMax(); env != 7 || serving != 7 {
			t.Errorf("after 10 s: environment %v and deployment %v, want 7", env, serving)
		}
	})
}

func TestSpoiledAnswers(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	once := func(k basetensim.Kind, text string) {
		s.Inject(basetensim.Fault{Kind: k, Text: text, Method: "PATCH", Times: 1})
	}
	once(basetensim.MissingStatus, "")
	r := c.do("PATCH", llamaEnv, `{"autoscaling_settings":{"max_replica":5}}`).json(t)
	if r["environment"] == nil || len(r) != 1 {
		t.Errorf("missing status: %v", r)
	}
	once(basetensim.MissingStatus, "")
	if r := c.do("PATCH", llamaPatch, `{"max_replica":6}`); r.body != "{}" {
		t.Errorf("missing status: %s", r.body)
	}
	once(basetensim.UnknownStatusWord, "")
	if word := c.patch(llamaPatch, `{"max_replica":7}`); word != "SCHEDULED" {
		t.Errorf("unknown word: %s", word)
	}
	once(basetensim.UnknownStatusWord, "DEFERRED")
	if word := c.patch(llamaPatch, `{"max_replica":8}`); word != "DEFERRED" {
		t.Errorf("unknown word: %s", word)
	}
	once(basetensim.BodyGarbage, "")
	if r := c.do("PATCH", llamaPatch, `{"max_replica":9}`); r.status != 200 || json.Valid([]byte(r.body)) {
		t.Errorf("garbage: %d %s", r.status, r.body)
	}
	once(basetensim.MissingStatus, "")
	if r := c.do("PATCH", llamaPatch, `{"max_replica":0}`); r.status != 400 || r.json(t)["message"] == nil {
		t.Errorf("a refusal has no status to leave out: %d %s", r.status, r.body)
	}
	if got := c.servingMax(); got != 9 {
		t.Errorf("max %v: the changes were made all the same", got)
	}
}

func TestRateLimitCountsEachEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := bubbled(t, basetensim.Options{RateLimit: 3})
		for i, want := range []int{200, 200, 200, 429} {
			r := c.do("GET", llama, "")
			if r.status != want {
				t.Errorf("request %d: status %d, want %d", i+1, r.status, want)
			}
			if want == 429 && r.json(t)["retry_after"] != 1.0 {
				t.Errorf("answer %s", r.body)
			}
		}
		c.get(llamaEnv) // another endpoint
		pass(time.Second)
		c.get(llama)
	})
}

func TestSwitches(t *testing.T) {
	s, c := demo(t, basetensim.Options{})
	for _, sw := range s.Switches() {
		if sw.On || sw.Name == "" || !strings.HasSuffix(sw.Text, ".") {
			t.Errorf("switch %+v", sw)
		}
		if err := s.SetSwitch(sw.Name, true); err != nil {
			t.Fatal(err)
		}
		if err := s.SetSwitch(sw.Name, true); err != nil { // twice is once
			t.Fatal(err)
		}
		if err := s.SetSwitch(sw.Name, false); err != nil {
			t.Fatal(err)
		}
	}
	c.get(llama)
	c.patch(llamaPatch, `{"max_replica":7}`)

	if err := s.SetSwitch("forbidden-production", true); err != nil {
		t.Fatal(err)
	}
	if r := c.do("PATCH", llamaEnv, `{"autoscaling_settings":{"max_replica":7}}`); r.status != 403 {
		t.Errorf("production: status %d", r.status)
	}
	if r := c.do("PATCH", llama+"/environments/staging", `{"autoscaling_settings":{"max_replica":7}}`); r.status != 200 {
		t.Errorf("staging: status %d", r.status)
	}
	var on []string
	for _, sw := range s.Snapshot().Switches {
		if sw.On {
			on = append(on, sw.Name)
		}
	}
	if len(on) != 1 || on[0] != "forbidden-production" {
		t.Errorf("on: %v", on)
	}
	s.ClearFaults()
	c.patch(llamaEnv, `{"autoscaling_settings":{"max_replica":8}}`)
	if err := s.SetSwitch("no-such-thing", true); err == nil {
		t.Error("an unknown switch was set")
	}
}

func TestCloseLetsGo(t *testing.T) {
	s := basetensim.New(basetensim.Options{})
	s.Demo()
	c := client{t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, s.Start(), s.APIKey()}
	s.Inject(basetensim.Fault{Kind: basetensim.Hang, Method: "PATCH"})
	req := c.request("PATCH", llamaPatch, `{"max_replica":7}`)
	failed := make(chan error, 1)
	go func() {
		_, err := c.send(req)
		failed <- err
	}()
	waitFor(t, s, "the change has arrived", func(sn *basetensim.Snapshot) bool { return sn.Patches == 1 })
	waiting := make(chan error, 1)
	go func() { waiting <- s.Wait(context.Background(), func(*basetensim.Snapshot) bool { return false }) }()
	s.Close()
	s.Close()
	if err := <-failed; err == nil {
		t.Error("the held request was answered")
	}
	if err := <-waiting; err == nil {
		t.Error("Wait was told that it is so")
	}
	if got := s.Deployment(basetensim.DemoLlama, basetensim.DemoLlamaProduction).Settings.MaxReplica; got != 4 {
		t.Errorf("max %d: the held change was made", got)
	}
}

func TestWaitSaysWhenItGivesUp(t *testing.T) {
	s := basetensim.New(basetensim.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Wait(ctx, func(*basetensim.Snapshot) bool { return false })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestSnapshotIsJSON(t *testing.T) {
	s, _ := demo(t, basetensim.Options{})
	data, err := json.Marshal(s.Snapshot())
	if err != nil {
		t.Fatal(err)
	}
	var back basetensim.Snapshot
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if got := back.Deployment(basetensim.DemoLlama, basetensim.DemoLlamaProduction); got == nil || got.Settings.MaxReplica != 4 {
		t.Errorf("read back: %+v", got)
	}
}
