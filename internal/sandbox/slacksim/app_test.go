package slacksim_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"sync"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// The people and places of the tests' workspace.
const (
	alice   = "U0ALICE"
	bob     = "U0BOB"
	ops     = "C0OPS"     // public, the bot is in
	outside = "C0OUTSIDE" // public, the bot is not in
	secret  = "G0SECRET"  // private, the bot is not in
	team    = "G0TEAM"    // private, the bot is in
)

// testTime bounds every wait; nothing waits this long unless it is broken.
const testTime = 20 * time.Second

func workspace(t *testing.T, opts slacksim.Options) *slacksim.Server {
	t.Helper()
	if opts.PingEvery == 0 {
		opts.PingEvery = 20 * time.Millisecond
	}
	s := slacksim.New(opts)
	t.Cleanup(s.Close)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	s.AddUser(slacksim.User{ID: alice, Name: "alice"})
	s.AddUser(slacksim.User{ID: bob, Name: "bob"})
	s.AddChannel(slacksim.Channel{ID: ops, Name: "ops", Members: []string{alice, bob, s.BotUserID()}})
	s.AddChannel(slacksim.Channel{ID: outside, Name: "outside", Members: []string{alice}})
	s.AddChannel(slacksim.Channel{ID: secret, Name: "secret", Private: true, Members: []string{alice}})
	s.AddChannel(slacksim.Channel{ID: team, Name: "team", Private: true, Members: []string{alice, bob, s.BotUserID()}})
	return s
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTime)
	t.Cleanup(cancel)
	return ctx
}

func webAPI(s *slacksim.Server) *slack.Client {
	return slack.New("xoxb-sandbox", slack.OptionAppLevelToken("xapp-sandbox"), slack.OptionAPIURL(s.APIURL()))
}

// app is the real slack-go client, connected to the simulation.
type app struct {
	t      *testing.T
	api    *slack.Client
	socket *socketmode.Client
	events chan socketmode.Event
}

// connect runs a Socket Mode client and waits for its hello.
func connect(t *testing.T, s *slacksim.Server) *app {
	t.Helper()
	a := start(t, s)
	a.next(socketmode.EventTypeHello)
	return a
}

func start(t *testing.T, s *slacksim.Server) *app {
	t.Helper()
	api := webAPI(s)
	a := &app{
		t: t, api: api, events: make(chan socketmode.Event, 1000),
		socket: socketmode.New(api, socketmode.OptionPingInterval(300*time.Millisecond), socketmode.OptionLog(log.New(io.Discard, "", 0))),
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.socket.RunContext(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("socket mode client ended: %v", err)
		}
	})
	running.Go(func() {
		for {
			select {
			case e := <-a.socket.Events:
				a.events <- e
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return a
}

// next skips to the next event of a type.
func (a *app) next(kind socketmode.EventType) socketmode.Event {
	a.t.Helper()
	deadline := time.After(testTime)
	for {
		select {
		case e := <-a.events:
			if e.Type == kind {
				return e
			}
			if e.Type == socketmode.EventTypeErrorBadMessage {
				a.t.Fatalf("slack-go cannot decode: %v", e.Data.(*socketmode.ErrorBadMessage).Cause)
			}
		case <-deadline:
			a.t.Fatalf("no event %s", kind)
		}
	}
}

func (a *app) ack(e socketmode.Event, payload ...any) {
	a.t.Helper()
	if err := a.socket.Ack(*e.Request, payload...); err != nil {
		a.t.Fatal(err)
	}
}

// call makes a Web API call by hand and returns status, header and body.
func call(t *testing.T, s *slacksim.Server, method, token, contentType, body string) (*http.Response, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(testContext(t), http.MethodPost, s.APIURL()+method, stringReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: answer is not JSON: %v", method, err)
	}
	return resp, answer
}

// code is the error code of a Web API call, "" for none.
func code(err error) string {
	var refused slack.SlackErrorResponse
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		return refused.Err
	}
	return err.Error()
}

func await(t *testing.T, s *slacksim.Server, what string, ok func(*slacksim.Snapshot) bool) {
	t.Helper()
	if err := s.Wait(testContext(t), ok); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
