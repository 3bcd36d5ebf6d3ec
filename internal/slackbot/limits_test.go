package slackbot

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
	"autoscalebot/internal/slackbot/view"
)

// Slack says "too many" in five shapes, on every method. Each is waited for, once,
// and no longer than it says.
func TestLimitedInEveryShape(t *testing.T) {
	shapes := []struct {
		name   string
		answer func() http.HandlerFunc
		wait   time.Duration
	}{
		{"seconds", func() http.HandlerFunc { return status(429, "Retry-After", "2") }, 2 * time.Second},
		{"part of a second", func() http.HandlerFunc { return status(429, "Retry-After", "0.5") }, time.Second},
		{"a date", func() http.HandlerFunc {
			return status(429, "Retry-After", time.Now().Add(4*time.Second).UTC().Format(http.TimeFormat))
		}, 4 * time.Second},
		{"no header", func() http.HandlerFunc { return status(429) }, limitedFor},
		{"ok is false", func() http.HandlerFunc { return refuse("ratelimited") }, limitedFor},
	}
	r := request("K7Q2M", 2)
	r.Messages.Card.Ref = change.MessageRef{Channel: channel, TS: "1.1"}
	calls := []struct {
		method string
		call   func(ctx context.Context, l *lab) error
	}{
		{"chat.postMessage", func(ctx context.Context, l *lab) error {
			s, err := l.Chat().Slot(ctx, channel, change.Card)
			if err != nil {
				return err
			}
			_, err = s.Post(ctx, r, change.Card)
			return err
		}},
		{"chat.update", func(ctx context.Context, l *lab) error { return l.Chat().Edit(ctx, r, change.Card, change.TellEnd) }},
		{"chat.postEphemeral", func(ctx context.Context, l *lab) error { return l.Chat().Tell(ctx, r, change.WayPrivate) }},
		{"users.info", func(ctx context.Context, l *lab) error {
			_, err := l.directory.Person(ctx, "U0ANA", 0)
			return err
		}},
		{"conversations.info", func(ctx context.Context, l *lab) error {
			_, err := l.directory.Place(ctx, channel)
			return err
		}},
		{"conversations.members", func(ctx context.Context, l *lab) error {
			_, err := l.directory.Present(ctx, channel)
			return err
		}},
		{"usergroups.list", func(ctx context.Context, l *lab) error {
			if p := l.directory.People(ctx, []string{"S0ONCALL"}); len(p.Unreachable) > 0 {
				return errors.New("unreachable")
			}
			return nil
		}},
		{"views.open", func(ctx context.Context, l *lab) error {
			return l.api.ask(ctx, "views.open", func(ctx context.Context, c *slack.Client) error {
				_, err := c.OpenViewContext(ctx, "trigger", view.ExplainForm("K7Q2M"))
				return err
			})
		}},
		{"secret", func(ctx context.Context, l *lab) error {
			return l.bot.responses.post(ctx, "https://hooks.slack.com/commands/T1/secret", view.Plain("hi"))
		}},
	}
	for _, shape := range shapes {
		for _, c := range calls {
			t.Run(c.method+"/"+shape.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					api := &wordAPI{answers: map[string][]http.HandlerFunc{c.method: {shape.answer()}}}
					switch c.method {
					case "usergroups.list":
						api.answers[c.method] = append(api.answers[c.method], say(`{"ok":true,"usergroups":[{"id":"S0ONCALL","users":["U0ANA"]}]}`))
					case "conversations.info":
						api.answers[c.method] = append(api.answers[c.method], say(`{"ok":true,"channel":{"id":"C0OPS"}}`))
					}
					l := offline(t, api.serve)
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					defer cancel()
					began := time.Now()
					if err := c.call(ctx, l); err != nil {
						t.Fatalf("%s: %v", c.method, err)
					}
					took, n := time.Since(began), api.count(c.method)
					if least := shape.wait - time.Second; n != 2 || took < least || took > shape.wait+time.Second {
						t.Errorf("%d calls in %v, want 2 in about %v", n, took, shape.wait)
					}
				})
			})
		}
	}
}

// A limit that outlasts the caller's deadline is told at once.
func TestLimitBeyondTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &wordAPI{answers: map[string][]http.HandlerFunc{"chat.postEphemeral": {status(429, "Retry-After", "30")}}}
		l := offline(t, api.serve)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		err := l.Chat().Tell(ctx, request("K7Q2M", 1), change.WayPrivate)
		if _, ok := limited(err); !ok || time.Since(began) > time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// What people wait for is shown in simpler ways where Slack refuses the blocks.
func TestBlocksRefused(t *testing.T) {
	for _, method := range []string{"chat.postMessage", "chat.postEphemeral", "chat.update", "secret"} {
		synctest.Test(t, func(t *testing.T) {
			api := &wordAPI{answers: map[string][]http.HandlerFunc{method: {refuse("invalid_blocks"), refuse("invalid_blocks")}}}
			l := offline(t, api.serve)
			r := request("K7Q2M", 1)
			r.Messages.Card.Ref = change.MessageRef{Channel: channel, TS: "1.1"}
			var err error
			switch method {
			case "chat.postMessage":
				err = l.Chat().Tell(t.Context(), r, change.WayDirect)
			case "chat.postEphemeral":
				err = l.Chat().Tell(t.Context(), r, change.WayPrivate)
			case "chat.update":
				err = l.Chat().Edit(t.Context(), r, change.Card, change.Later)
			default:
				err = l.bot.responses.post(t.Context(), "https://hooks.slack.com/secret", view.Plain("hi"))
			}
			if n := api.count(method); err != nil || n != 3 {
				t.Errorf("%s: %d calls, error = %v", method, n, err)
			}
		})
	}
}

// A lasting refusal carries Slack's word, what may pass does not count as one, and
// what is in doubt says so.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		answer http.HandlerFunc
		is     error
		word   string
	}{
		{refuse("restricted_action_thread_only_channel"), change.ErrRefused, "restricted_action_thread_only_channel"},
		{refuse("ekm_access_denied"), change.ErrRefused, "ekm_access_denied"},
		{say(`{"ok":false,"error":"missing_scope","needed":"chat:write"}`), change.ErrRefused, "missing_scope"},
		{status(http.StatusTemporaryRedirect, "Location", "https://elsewhere.example/"), change.ErrRefused, "http_307"},
		{refuse("not_in_channel"), change.ErrNotInvited, ""},
		{refuse("is_archived"), change.ErrGone, ""},
		{status(500), change.ErrDoubtful, ""},
		{refuse("internal_error"), change.ErrDoubtful, ""},
		{say("<html>"), change.ErrDoubtful, ""},
		{refuse("account_inactive"), nil, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			api := &wordAPI{answers: map[string][]http.HandlerFunc{"chat.postMessage": {c.answer}}}
			l := offline(t, api.serve)
			s, err := l.Chat().Slot(t.Context(), channel, change.Card)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Post(t.Context(), request("K7Q2M", 1), change.Card)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || c.is == nil && errors.Is(err, change.ErrRefused) {
				t.Errorf("error = %v, want %v", err, c.is)
			}
			var refusal *change.ChatRefusal
			if errors.As(err, &refusal) != (c.word != "") || refusal != nil && refusal.Word != c.word {
				t.Errorf("refusal = %+v, want the word %q", refusal, c.word)
			}
			if n := api.count("chat.postMessage"); n != 1 {
				t.Errorf("%d posts, want one", n)
			}
		})
	}
}

// A connection that was refused took nothing: it is no doubt.
func TestNotSent(t *testing.T) {
	l := newLab(t, "http://127.0.0.1:1/api/")
	err := l.Chat().Tell(t.Context(), request("K7Q2M", 1), change.WayDirect)
	if err == nil || errors.Is(err, change.ErrDoubtful) || errors.Is(err, change.ErrRefused) {
		t.Errorf("error = %v", err)
	}
}

// A token file that was replaced is read again, whatever Slack calls the old token.
func TestTokenReplaced(t *testing.T) {
	for _, word := range []string{"invalid_auth", "account_inactive", "not_authed", "token_revoked", "token_expired"} {
		token := "xoxb-old"
		var used []string
		l := offline(t, func(w http.ResponseWriter, r *http.Request) {
			used = append(used, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			if r.ParseForm() == nil && r.Form.Get("token") != "" {
				used[len(used)-1] = r.Form.Get("token")
			}
			if len(used) == 1 {
				refuse(word)(w, r)
				return
			}
			say(`{"ok":true,"team_id":"T0US","user_id":"U0BOT"}`)(w, r)
		})
		l.api.token = func() string { now := token; token = "xoxb-new"; return now }
		if _, err := l.Identify(t.Context()); err != nil {
			t.Errorf("%s: %v", word, err)
		}
		if got := strings.Join(used, " "); got != "xoxb-old xoxb-new" {
			t.Errorf("%s: tokens used: %s", word, got)
		}
	}
}

// Calls are counted by Slack's own word for what came of them.
func TestCallsAreCountedByWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &wordAPI{answers: map[string][]http.HandlerFunc{"chat.postEphemeral": {
			status(429), refuse("user_not_in_channel"), status(503), refuse("Some words of no kind"), say(`{"ok":true}`),
		}}}
		l := offline(t, api.serve)
		for range 4 {
			_ = l.Chat().Tell(t.Context(), request("K7Q2M", 1), change.WayPrivate)
		}
		want := "chat.postEphemeral ratelimited, chat.postEphemeral user_not_in_channel, chat.postEphemeral http_503, chat.postEphemeral other, chat.postEphemeral ok"
		if got := strings.Join(l.said(), ", "); got != want {
			t.Errorf("counted %s\nwant    %s", got, want)
		}
	})
}
