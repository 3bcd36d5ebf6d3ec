package slacksim_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/slack-go/slack"
)

func urlEscape(s string) string { return url.QueryEscape(s) }

func TestFaults(t *testing.T) {
	var limited *slack.RateLimitedError
	for _, test := range []struct {
		fault     slacksim.Fault
		committed bool
		matches   func(error) bool
	}{
		{slacksim.Fault{Kind: slacksim.FaultError}, false, func(err error) bool { return code(err) == "fatal_error" }},
		{slacksim.Fault{Kind: slacksim.FaultError, Code: "restricted_action"}, false, func(err error) bool { return code(err) == "restricted_action" }},
		{slacksim.Fault{Kind: slacksim.FaultRateLimited, RetryAfter: 7 * time.Second}, false, func(err error) bool {
			return errors.As(err, &limited) && limited.RetryAfter == 7*time.Second
		}},
		{slacksim.Fault{Kind: slacksim.FaultServerError}, false, func(err error) bool { return isStatus(err, 500) }},
		{slacksim.Fault{Kind: slacksim.FaultServerError, Status: 503}, false, func(err error) bool { return isStatus(err, 503) }},
		{slacksim.Fault{Kind: slacksim.FaultServerErrorCommit}, true, func(err error) bool { return isStatus(err, 500) }},
		{slacksim.Fault{Kind: slacksim.FaultReset}, false, isTransport},
		{slacksim.Fault{Kind: slacksim.FaultResetCommit}, true, isTransport},
		{slacksim.Fault{Kind: slacksim.FaultDelay, Delay: time.Millisecond}, true, func(err error) bool { return err == nil }},
	} {
		s := workspace(t, slacksim.Options{})
		api := webAPI(s)
		test.fault.Method, test.fault.Times = "chat.postMessage", 1
		s.Fault(test.fault)
		_, _, err := api.PostMessage(ops, slack.MsgOptionText("x", false))
		if !test.matches(err) {
			t.Errorf("%s: error %v", test.fault.Kind, err)
		}
		if committed := len(s.Messages(ops)) == 1; committed != test.committed {
			t.Errorf("%s: committed %v, want %v", test.fault.Kind, committed, test.committed)
		}
		if _, _, err := api.PostMessage(ops, slack.MsgOptionText("y", false)); err != nil {
			t.Errorf("%s: the call after it failed too: %v", test.fault.Kind, err)
		}
	}
}

func isStatus(err error, status int) bool {
	var refused slack.StatusCodeError
	return errors.As(err, &refused) && refused.Code == status
}

func isTransport(err error) bool {
	var transport *url.Error
	return errors.As(err, &transport)
}

func TestHangingCalls(t *testing.T) {
	for kind, committed := range map[slacksim.FaultKind]bool{slacksim.FaultHang: false, slacksim.FaultHangCommit: true} {
		s := workspace(t, slacksim.Options{})
		lift := s.Fault(slacksim.Fault{Method: "chat.*", Kind: kind})
		ctx, giveUp := context.WithCancel(testContext(t))
		failed := make(chan error, 1)
		go func() {
			_, _, err := webAPI(s).PostMessageContext(ctx, ops, slack.MsgOptionText("x", false))
			failed <- err
		}()
		await(t, s, "the call arrives", func(snap *slacksim.Snapshot) bool {
			return len(s.Calls("chat.postMessage")) == 1 && (!committed || len(snap.Messages[ops]) == 1)
		})
		giveUp()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", kind, err)
		}
		// Who is patient gets the answer once the fault is lifted.
		go func() {
			_, _, err := webAPI(s).PostMessageContext(testContext(t), ops, slack.MsgOptionText("y", false))
			failed <- err
		}()
		await(t, s, "the second call arrives", func(*slacksim.Snapshot) bool { return len(s.Calls("chat.postMessage")) == 2 })
		lift()
		if err := <-failed; err != nil {
			t.Errorf("%s lifted: %v", kind, err)
		}
		// The one that gave up may have been let go by the lifted fault before the
		// server saw that nobody waits any more.
		posted := map[string]int{}
		for _, m := range s.Messages(ops) {
			posted[m.Text]++
		}
		if posted["y"] != 1 || posted["x"] > 1 || committed && posted["x"] != 1 {
			t.Errorf("%s: posted %v", kind, posted)
		}
	}
}

func TestFaultsAreNarrow(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	api := webAPI(s)
	cancel := s.Fault(slacksim.Fault{Method: "chat.*", Channel: ops, Kind: slacksim.FaultError})
	text := slack.MsgOptionText("x", false)
	if _, _, err := api.PostMessage(team, text); err != nil {
		t.Errorf("other channel: %v", err)
	}
	if _, err := api.GetUserInfo(alice); err != nil {
		t.Errorf("other method: %v", err)
	}
	if _, _, err := api.PostMessage(ops, text); code(err) != "fatal_error" {
		t.Errorf("the channel: %v", err)
	}
	cancel()
	cancel()
	if _, _, err := api.PostMessage(ops, text); err != nil {
		t.Errorf("after cancel: %v", err)
	}
}

func TestFaultsOfResponseURL(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	connect(t, s)
	d := s.Slash(alice, ops, "")
	s.Fault(slacksim.Fault{Method: slacksim.ResponseURL, Channel: ops, Times: 1, Kind: slacksim.FaultServerErrorCommit})
	if status := respond(t, d.ResponseURL, &slack.WebhookMessage{Text: "x"}); status != http.StatusInternalServerError || len(d.Responses()) != 1 {
		t.Errorf("HTTP %d with %d responses", status, len(d.Responses()))
	}
}

func TestSwitches(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	connect(t, s)
	for _, sw := range s.Switches() {
		if sw.On || sw.Text == "" {
			t.Errorf("%s at the start: %+v", sw.Name, sw)
		}
		if err := s.SetSwitch(sw.Name, true); err != nil {
			t.Fatal(err)
		}
		on := isOn(s, sw.Name)
		if on == sw.Momentary {
			t.Errorf("%s: on %v after it was turned on, momentary %v", sw.Name, on, sw.Momentary)
		}
		if err := s.SetSwitch(sw.Name, false); err != nil {
			t.Fatal(err)
		}
		if isOn(s, sw.Name) {
			t.Errorf("%s: still on", sw.Name)
		}
	}
	if s.SetSwitch("nonsense", true) == nil {
		t.Error("a switch that does not exist was turned on")
	}
	if err := s.SetSwitch("server-error", true); err != nil {
		t.Fatal(err)
	}
	if _, err := webAPI(s).AuthTest(); !isStatus(err, 500) {
		t.Errorf("auth.test with server-error on: %v", err)
	}
	if banner := s.Snapshot().Banner; len(banner) == 0 {
		t.Error("the banner does not tell of the switch")
	}
	s.ClearFaults()
	if _, err := webAPI(s).AuthTest(); err != nil || isOn(s, "server-error") {
		t.Errorf("auth.test after ClearFaults: %v", err)
	}
}

func isOn(s *slacksim.Server, name string) bool {
	for _, sw := range s.Switches() {
		if sw.Name == name {
			return sw.On
		}
	}
	return false
}

func TestRateLimitsOverTheWire(t *testing.T) {
	s := workspace(t, slacksim.Options{StrictLimits: true, Limits: slacksim.Limits{
		PostsPerSecond: 0.1, PostBurst: 2, PerMinute: map[string]int{"users.info": 1},
	}})
	api := webAPI(s)
	var limited *slack.RateLimitedError
	for i := range 3 {
		_, _, err := api.PostMessage(ops, slack.MsgOptionText("x", false))
		if (i < 2) != (err == nil) || (i == 2 && (!errors.As(err, &limited) || limited.RetryAfter != 10*time.Second)) {
			t.Errorf("post %d: %v", i+1, err)
		}
	}
	if _, _, err := api.PostMessage(team, slack.MsgOptionText("x", false)); err != nil {
		t.Errorf("another channel has its own limit: %v", err)
	}
	_, first := api.GetUserInfo(alice)
	_, second := api.GetUserInfo(alice)
	if first != nil || !errors.As(second, &limited) {
		t.Errorf("users.info: %v, then %v", first, second)
	}
	if n := len(s.Messages(ops)); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}
