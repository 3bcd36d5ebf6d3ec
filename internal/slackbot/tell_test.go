package slackbot

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/slackbot/view"
)

// Each part stands where it belongs, and production's bad news is seen in the channel.
func TestPartsAndTheirThreads(t *testing.T) {
	for _, c := range []struct {
		part      change.Part
		in        string // thread of the requester
		target    baseten.Target
		channel   string
		thread    string
		broadcast string
	}{
		{change.Card, "", baseten.Target{Environment: "production"}, channel, "", ""},
		{change.Card, "9.9", baseten.Target{Environment: "production"}, channel, "9.9", ""},
		{change.Reply, "", baseten.Target{Environment: "production"}, channel, "1.1", ""},
		{change.Reply, "9.9", baseten.Target{}, channel, "9.9", ""},
		{change.Reminder, "", baseten.Target{}, channel, "1.1", ""},
		{change.BadNews, "", baseten.Target{Environment: "staging"}, channel, "1.1", ""},
		{change.BadNews, "", baseten.Target{Environment: "production"}, channel, "1.1", "true"},
		{change.BadNews, "9.9", baseten.Target{DeploymentID: "d1", Serves: "production"}, channel, "9.9", "true"},
		{change.EndNotice, "", baseten.Target{Environment: "production"}, channel, "1.1", ""},
		{change.EndOverdue, "9.9", baseten.Target{Environment: "staging"}, channel, "9.9", ""},
		{change.EndOverdue, "", baseten.Target{Environment: "production"}, channel, "1.1", "true"},
		{change.ReviewCard, "9.9", baseten.Target{Environment: "production"}, "C0ALARMS", "", ""},
	} {
		var sent url.Values
		l := offline(t, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			sent = r.Form
			say(`{"ok":true,"ts":"1.2"}`)(w, r)
		})
		r := request("K7Q2M", 1)
		r.Thread, r.Target = c.in, c.target
		r.Messages.Card.Ref = change.MessageRef{Channel: channel, TS: "1.1"}
		s, err := l.Chat().Slot(t.Context(), channel, c.part)
		if err != nil {
			t.Fatal(err)
		}
		ref, err := s.Post(t.Context(), r, c.part)
		if err != nil || ref != (change.MessageRef{Channel: c.channel, TS: "1.2"}) {
			t.Errorf("part %d: %v, error = %v", c.part, ref, err)
		}
		if sent.Get("channel") != c.channel || sent.Get("thread_ts") != c.thread || sent.Get("reply_broadcast") != c.broadcast {
			t.Errorf("part %d in %q: channel %s, thread %q, broadcast %q", c.part, c.in, sent.Get("channel"), sent.Get("thread_ts"), sent.Get("reply_broadcast"))
		}
	}
}

// Whether Slack answers is asked once for all who want to know within some seconds.
func TestAnswersIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &wordAPI{answers: map[string][]http.HandlerFunc{"auth.test": {status(500), status(429, "Retry-After", "1")}}}
		l := offline(t, api.serve)
		for range 50 {
			if l.Chat().Reachable(t.Context()) == nil {
				t.Fatal("an HTTP 500 is no answer")
			}
		}
		sleep(t.Context(), signFor+time.Second)
		for range 50 {
			if err := l.Chat().Reachable(t.Context()); err != nil {
				t.Fatalf("Slack answers, if only that there were too many: %v", err)
			}
		}
		if n := api.count("auth.test"); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
	})
}

// A person who waits is told by the first way that Slack takes, and once.
func TestWaysToAPerson(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers map[string][]http.HandlerFunc
		url     string
		want    string
	}{
		{"the short way", nil, "https://hooks.slack.com/secret", "secret"},
		{"used up", map[string][]http.HandlerFunc{"secret": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "used_url", http.StatusNotFound) }}},
			"https://hooks.slack.com/secret", "secret chat.postEphemeral"},
		{"not in the channel", map[string][]http.HandlerFunc{"chat.postEphemeral": {refuse("not_in_channel")}}, "", "chat.postEphemeral chat.postMessage"},
		{"somebody else's address", nil, "https://hooks.slack.com.evil.example/secret", "chat.postEphemeral"},
		{"in doubt", map[string][]http.HandlerFunc{"secret": {status(500)}}, "https://hooks.slack.com/secret", "secret"},
		{"limited", map[string][]http.HandlerFunc{"chat.postEphemeral": {status(429)}}, "", "chat.postEphemeral chat.postEphemeral"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &wordAPI{answers: c.answers}
				if api.answers == nil {
					api.answers = map[string][]http.HandlerFunc{}
				}
				l := offline(t, api.serve)
				l.bot.answer(t.Context(), asker{person: authz.Person{ID: "U0ANA"}, channel: channel, url: c.url}, view.Plain("hi"))
				if got := strings.Join(api.calls, " "); got != c.want {
					t.Errorf("tried %s, want %s", got, c.want)
				}
			})
		})
	}
}

func TestResponseURLHosts(t *testing.T) {
	for _, c := range []struct {
		api, address string
		want         bool
	}{
		{"https://slack.com/api/", "https://hooks.slack.com/commands/T1/2/x", true},
		{"https://slack.com/api/", "http://hooks.slack.com/commands/T1/2/x", false},
		{"https://slack.com/api/", "https://hooks.slack.com:8443/commands/T1", false},
		{"https://slack.com/api/", "https://hooks.slack.com.evil.example/x", false},
		{"https://slack.com/api/", "https://evil.example/hooks.slack.com", false},
		{"https://slack.com/api/", "https://hooks.slack.com@evil.example/", false},
		{"https://slack.com/api/", "https://user@hooks.slack.com/", false},
		{"https://slack.com/api/", "https://127.0.0.1/", false},
		{"https://slack.com/api/", "", false},
		{"https://slack-gov.com/api/", "https://hooks.slack-gov.com/x", true},
		{"http://127.0.0.1:4000/api/", "http://127.0.0.1:4000/commands/x", true},
		{"http://127.0.0.1:4000/api/", "http://127.0.0.1:4001/commands/x", false},
		{"http://127.0.0.1:4000/api/", "https://hooks.slack.com/x", false},
	} {
		if got := newResponses(&api{url: c.api}).ours(c.address); got != c.want {
			t.Errorf("API at %s: %s = %t", c.api, c.address, got)
		}
	}
}

// A secret address is in no error, whatever becomes of the answer.
func TestResponseURLStaysSecret(t *testing.T) {
	l := newLab(t, "http://127.0.0.1:1/api/")
	for _, address := range []string{"http://127.0.0.1:1/commands/SECRET", "http://127.0.0.1:1/%zzSECRET", "https://elsewhere.example/SECRET"} {
		err := l.bot.responses.post(t.Context(), address, view.Plain("hi"))
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: error = %v", address, err)
		}
	}
}

// A redirect is not followed: it could carry the token, or the answer, elsewhere.
func TestNoRedirects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hosts := map[string]int{}
		l := offline(t, func(w http.ResponseWriter, r *http.Request) {
			hosts[r.URL.Host]++
			status(http.StatusTemporaryRedirect, "Location", "https://elsewhere.example/")(w, r)
		})
		_, _ = l.Identify(t.Context())
		_ = l.bot.responses.post(t.Context(), "https://hooks.slack.com/secret", view.Plain("hi"))
		if hosts["elsewhere.example"] > 0 || hosts["slack.com"] == 0 || hosts["hooks.slack.com"] == 0 {
			t.Errorf("called %v", hosts)
		}
	})
}

// A simulated workspace takes the short way of a real command.
func TestShortWayOnTheSimulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, sim := simulated(t, slacksim.Options{})
		if err := l.Chat().Tell(t.Context(), request("K7Q2M", 1), change.WayPrivate); err != nil {
			t.Error(err)
		}
		if err := l.Chat().Tell(t.Context(), request("K7Q2M", 1), change.WayAnnounce); err != nil {
			t.Error(err)
		}
		if n := len(sim.Messages("C0ALARMS")); n != 1 {
			t.Errorf("%d announcements, want one", n)
		}
	})
}
