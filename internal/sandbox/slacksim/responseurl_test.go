package slacksim_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

func fixedClock() time.Time { return time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC) }

// clock is a clock that is set by hand.
type clock struct{ passed atomic.Int64 }

func (c *clock) now() time.Time          { return fixedClock().Add(time.Duration(c.passed.Load())) }
func (c *clock) advance(d time.Duration) { c.passed.Add(int64(d)) }

func respond(t *testing.T, url string, m *slack.WebhookMessage) (status int) {
	t.Helper()
	err := slack.PostWebhookContext(testContext(t), url, m)
	var refused slack.StatusCodeError
	if errors.As(err, &refused) {
		return refused.Code
	}
	if err != nil {
		t.Fatal(err)
	}
	return http.StatusOK
}

func TestResponseURLWorksFiveTimesInThirtyMinutes(t *testing.T) {
	var c clock
	s := workspace(t, slacksim.Options{Now: c.now})
	connect(t, s)
	d := s.Slash(alice, ops, "status")
	for i := range 5 {
		if status := respond(t, d.ResponseURL, &slack.WebhookMessage{Text: "answer"}); status != 200 {
			t.Fatalf("use %d: HTTP %d", i+1, status)
		}
	}
	if status := respond(t, d.ResponseURL, &slack.WebhookMessage{Text: "answer"}); status != 404 {
		t.Errorf("sixth use: HTTP %d, want 404", status)
	}
	if n := len(d.Responses()); n != 5 || len(s.Ephemerals(alice, ops)) != 5 || len(s.Messages(ops)) != 0 {
		t.Errorf("%d responses, want 5 that only alice sees", n)
	}
	fresh := s.Slash(alice, ops, "status")
	c.advance(30*time.Minute + time.Second)
	if status := respond(t, fresh.ResponseURL, &slack.WebhookMessage{Text: "late"}); status != 404 {
		t.Errorf("after 30 minutes: HTTP %d, want 404", status)
	}
	if status := respond(t, fresh.ResponseURL+"x", &slack.WebhookMessage{Text: "x"}); status != 404 {
		t.Errorf("made-up URL: HTTP %d, want 404", status)
	}
}

func TestResponseURLWhereTheBotIsNot(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	connect(t, s)
	d := s.Slash(alice, secret, "status")
	if _, err := slackPost(s, d, slack.MsgOptionText("invite me", false)); err != nil {
		t.Fatal(err)
	}
	m, err := d.WaitResponse(testContext(t))
	if err != nil || m.EphemeralFor != alice || m.Channel != secret || m.Via != slacksim.ResponseURL || m.Answers != d.EnvelopeID {
		t.Errorf("response %+v, %v", m, err)
	}
	if status := respond(t, d.ResponseURL, &slack.WebhookMessage{Text: "loud", ResponseType: "in_channel"}); status != 200 {
		t.Errorf("in_channel: HTTP %d", status)
	}
	if list := s.Messages(secret); len(list) != 1 || list[0].Text != "loud" {
		t.Errorf("channel shows %+v", list)
	}
}

// slackPost answers by slack-go's own MsgOptionResponseURL, which insists on a
// plain "ok".
func slackPost(s *slacksim.Server, d *slacksim.Delivery, options ...slack.MsgOption) (string, error) {
	_, ts, err := webAPI(s).PostMessage("", append(options, slack.MsgOptionResponseURL(d.ResponseURL, "ephemeral"))...)
	return ts, err
}

func TestResponseURLRefusals(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	connect(t, s)
	d := s.Slash(alice, ops, "status")
	for what, m := range map[string]*slack.WebhookMessage{
		"nothing to say": {},
		"bad blocks":     {Blocks: &slack.Blocks{BlockSet: []slack.Block{slack.NewHeaderBlock(nil)}}},
		"no such thread": {Text: "x", ThreadTimestamp: "1.000001"},
	} {
		if status := respond(t, d.ResponseURL, m); status != 400 {
			t.Errorf("%s: HTTP %d, want 400", what, status)
		}
	}
	resp, err := http.Post(d.ResponseURL, form, strings.NewReader("text=x"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("form body: HTTP %d, want 400", resp.StatusCode)
	}
	// Refused posts are not uses.
	if status := respond(t, d.ResponseURL, &slack.WebhookMessage{Text: "x"}); status != 200 || len(d.Responses()) != 1 {
		t.Errorf("good post after bad ones: HTTP %d", status)
	}
}

func TestResponseURLOfAClick(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)
	_, ts, err := bot.api.PostMessage(ops, slack.MsgOptionText("card", false), slack.MsgOptionBlocks(approveBlocks(" asks")...))
	if err != nil {
		t.Fatal(err)
	}
	d := s.Click(bob, ops, ts, "deny")
	if status := respond(t, d.ResponseURL, &slack.WebhookMessage{Text: "noted"}); status != 200 || len(s.Ephemerals(bob, ops)) != 1 {
		t.Errorf("answer to bob: HTTP %d", status)
	}
	if status := respond(t, d.ResponseURL, &slack.WebhookMessage{Text: "denied", ReplaceOriginal: true}); status != 200 {
		t.Errorf("replace: HTTP %d", status)
	}
	if m := s.Messages(ops)[0]; m.Text != "denied" || len(m.Buttons()) != 0 {
		t.Errorf("replaced message: %+v", m)
	}
	if status := respond(t, d.ResponseURL, &slack.WebhookMessage{DeleteOriginal: true}); status != 200 || !s.Messages(ops)[0].Deleted {
		t.Errorf("delete: HTTP %d, %+v", status, s.Messages(ops)[0])
	}
}

// An ephemeral message can only be changed through the response_url of a click in it.
func TestClickInAnEphemeralMessage(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)
	ts, err := bot.api.PostEphemeral(ops, bob, slack.MsgOptionText("sure?", false), slack.MsgOptionBlocks(approveBlocks(" asks")[1]))
	if err != nil {
		t.Fatal(err)
	}
	d := s.ClickEphemeral(bob, ops, ts, "approve")
	event := bot.next(socketmode.EventTypeInteractive)
	click := event.Data.(slack.InteractionCallback)
	if !click.Container.IsEphemeral || click.Container.MessageTs != ts || click.Message.Timestamp != "" || click.Channel.ID != ops {
		t.Errorf("click in an ephemeral message: %+v", click)
	}
	bot.ack(event)
	if status := respond(t, d.ResponseURL, &slack.WebhookMessage{Text: "done", ReplaceOriginal: true}); status != 200 {
		t.Fatalf("replace: HTTP %d", status)
	}
	if mine := s.Ephemerals(bob, ops); len(mine) != 1 || mine[0].Text != "done" || mine[0].Blocks != nil {
		t.Errorf("bob sees %+v", mine)
	}
	if late := s.ClickEphemeral(bob, ops, ts, "approve"); late.Err() == nil {
		t.Error("the replaced button was pressed")
	}
	if theirs := s.ClickEphemeral(alice, ops, ts, "approve"); theirs.Err() == nil {
		t.Error("alice pressed a button only bob sees")
	}
}
