package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/store"
)

// refusals are the events of the audit log so far that tell of one.
func (s *story) refusals() (out []change.Event) {
	s.t.Helper()
	db, err := store.OpenBeside(s.ctx, store.Config{URL: s.env["DATABASE_URL"]})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Audit(s.ctx, store.AuditFilter{}, func(e change.Event) error {
		if e.Kind == change.EventRefused {
			out = append(out, e)
		}
		return nil
	}); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// A guest who presses a button without end uses up nothing that others need.
func TestGuestClicksWithoutEnd(t *testing.T) {
	const clicks = 200
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=12")
	card := s.sees("Lea", "Approve Change")
	before := len(s.Slack.Calls("users.info"))

	pressed := make([]*slacksim.Delivery, clicks)
	for i := range pressed {
		pressed[i] = s.Slack.Click("U0GUS", card.Channel, card.TS, "approve")
	}
	began := time.Now()
	s.click("Lea", "Approve Change")
	s.sees("Ana", "Baseten: ACCEPTED")
	t.Logf("approved and sent after %v", time.Since(began).Round(time.Millisecond))
	for _, d := range pressed {
		if err := d.WaitAck(s.ctx); err != nil {
			t.Fatalf("a click was not acknowledged: %v", err)
		}
	}
	if n := len(s.Slack.Calls("users.info")) - before; n > 5 {
		t.Errorf("Slack was asked %d times who somebody is, want at most 5", n)
	}
	s.wait("the guest is told to wait", func(*slacksim.Snapshot) bool {
		return strings.Contains(s.As("Gus").Reading(), "wait 10 seconds")
	})
	s.end()

	told := 0
	for _, c := range s.Slack.Calls(slacksim.ResponseURL) {
		if strings.Contains(c.Args["text"], "wait 10 seconds") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the guest was told %d times to wait, want once", told)
	}
	over, refused := 0, 0
	for _, e := range s.refusals() {
		if e.Actor.ID != "U0GUS" {
			t.Errorf("refused: %+v", e)
		}
		if e.Reason.Code == change.TooManyAtOnce {
			over++
		} else {
			refused++
		}
	}
	if over != 1 || refused > 200 {
		t.Errorf("%d events say that there were too many, want one; %d clicks were refused, want at most 200 of %d", over, refused, clicks)
	}
}

// What is refused and leaves no request leaves an event, with the person as its actor.
func TestRefusalsWithoutRequest(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.told(s.slash("Gus", "#ml-oncall", "/autoscale status llama-70b"), "not allowed")
	s.told(s.slash("Gus", "#ml-oncall", "/autoscale cancel AAAAA"), "not allowed: this is for members")
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale cancel AAAAA"), "not found")
	typed := fmt.Sprintf("%d.000100", time.Now().Add(-time.Hour).Unix())
	late := s.Slack.Event("app_mention", map[string]any{
		"user": "U0ANA", "channel": "C0MLONCALL", "ts": typed, "event_ts": typed,
		"text": "<@" + s.Slack.BotUserID() + "> llama-70b production max=7",
	})
	if err := late.WaitAck(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.sees("Ana", "reached me only now")
	s.end()
	if n := len(s.patches()); n != 0 {
		t.Errorf("a late mention changed something: %d PATCHes", n)
	}

	want := []struct {
		actor      string
		membership authz.Membership
		verb       change.Verb
		code       change.Code
	}{
		{"U0GUS", authz.Guest, "status", change.MembersOnly},
		{"U0GUS", authz.Guest, change.VerbCancel, change.MembersOnly},
		{"U0ANA", authz.Member, change.VerbCancel, change.RequestNotFound},
		{"U0ANA", "", "mention", change.TooOld}, // nobody is looked up for it
	}
	got := s.refusals()
	if len(got) != len(want) {
		t.Fatalf("%d refusals, want %d: %+v", len(got), len(want), got)
	}
	for i, w := range want {
		if e := got[i]; e.Actor.ID != w.actor || e.Actor.Membership != w.membership || e.Verb != w.verb || e.Reason.Code != w.code || e.Channel == "" {
			t.Errorf("event %d is %+v, want %+v", i, e, w)
		}
	}
}
