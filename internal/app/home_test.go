package app_test

import (
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/slacksim"
)

// The bot's own page: what people look at who do not want to read through channels.

// home opens a person's page and waits until it holds the text.
func (s *story) home(who, text string) *sandbox.Form {
	s.t.Helper()
	if err := s.As(who).OpenHome().WaitAck(s.ctx); err != nil {
		s.t.Fatal(err)
	}
	page, err := s.As(who).Home(s.ctx, text)
	if err != nil {
		s.t.Fatal(err)
	}
	return page
}

// says checks that a page holds all the texts.
func says(t *testing.T, page *sandbox.Form, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page.Text(), text) {
			t.Errorf("the page does not say %q:\n%s", text, page.Text())
		}
	}
}

func silent(t *testing.T, page *sandbox.Form, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(page.Text(), text) {
			t.Errorf("the page says %q:\n%s", text, page.Text())
		}
	}
}

// An approver decides on the page itself, and reads there what came of it.
func TestHomeOfAnApprover(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	page := s.home("Lea", "Nothing waits for you.")
	silent(t, page, "Waiting for you", "Your requests", "The last 24 hours", "Not reviewed yet")
	says(t, page, "What you may do", "the rest needs a lead", "you may approve what others ask")

	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=12")
	s.sees("Ana", "If it cannot wait") // now it waits
	page = s.home("Lea", "Waiting for you (1)")
	says(t, page, "Ana asks", "4 → 12", "Up to $")

	d, err := page.Press("Approve Change")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WaitAck(s.ctx); err != nil {
		t.Fatal(err)
	}
	if err := page.Sees(s.ctx, "You approved #"); err != nil {
		t.Fatal(err)
	}
	silent(t, page, "Waiting for you", "Approve Change")
	s.sees("Ben", "Baseten: ACCEPTED")
	says(t, s.home("Ben", "The last 24 hours"), "llama-70b / production", "Approved by", "Baseten: ACCEPTED")
	says(t, s.home("Ana", "Your requests"), "Approved by")
	if n := len(s.Baseten.Patches()); n != 1 {
		t.Errorf("%d PATCHes", n)
	}
}

// A denial on the page asks for its reason there. What is decided cannot be decided again
// from a page that is old.
func TestHomeIsJudgedLikeACard(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=12")
	s.sees("Ana", "If it cannot wait") // now it waits
	lea, leo := s.home("Lea", "Waiting for you (1)"), s.home("Leo", "Waiting for you (1)")
	press := func(page *sandbox.Form, label string) {
		t.Helper()
		d, err := page.Press(label)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.WaitAck(s.ctx); err != nil {
			t.Fatal(err)
		}
	}
	press(lea, "Deny")
	if err := lea.Sees(s.ctx, "Add a Reason"); err != nil {
		t.Fatal(err)
	}
	press(leo, "Approve Change")
	if err := leo.Sees(s.ctx, "was denied already"); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Baseten.Patches()); n != 0 {
		t.Errorf("%d PATCHes", n)
	}
}

// Guests read one sentence, and requests of private channels are shown to those who are in
// them.
func TestHomeShowsNobodyWhatTheyMayNotSee(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.Slack.AddChannel(slacksim.Channel{ID: "C0HUSH", Name: "hush", Private: true, Members: []string{"U0ANA", "U0LEA", s.Slack.BotUserID()}})
	s.slash("Ana", "C0HUSH", "/autoscale llama-70b production max=12")
	s.sees("Ana", "If it cannot wait") // now it waits
	says(t, s.home("Lea", "Waiting for you (1)"), "4 → 12")
	says(t, s.home("Ana", "Your requests"), "4 → 12")
	silent(t, s.home("Leo", "Nothing waits for you."), "4 → 12")
	silent(t, s.home("Gus", "members of this workspace"), "llama", "What you may do")

	for who, shown := range map[string]bool{"Lea": true, "Ana": true, "Leo": false, "Ben": false} {
		for _, line := range []string{"pending", "status llama-70b"} {
			d := s.slash(who, "#ml-oncall", "/autoscale "+line)
			m, err := d.WaitResponse(s.ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Slack.PlainText(m); strings.Contains(got, "12") != shown {
				t.Errorf("%s reads of it in %s: %t, want %t:\n%s", who, line, !shown, shown, got)
			}
		}
	}
}

// Slack asks to wait, and the page comes after it. However often it is opened meanwhile, it
// is made once more and not as often.
func TestHomeObeysLimits(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.Slack.Fault(slacksim.Fault{Method: "views.publish", Kind: slacksim.FaultRateLimited, RetryAfter: time.Second, Times: 1})
	for range 20 {
		s.As("Lea").OpenHome()
	}
	if _, err := s.As("Lea").Home(s.ctx, "Nothing waits for you."); err != nil {
		t.Fatal(err)
	}
	calls := len(s.Slack.Calls("views.publish"))
	if calls > 4 {
		t.Errorf("%d calls of views.publish for one page", calls)
	}
}

// What holds for a time stands on the page with its end, and with buttons for those who may
// press them. Who presses one reads there what came of it.
func TestHomeEndsWhatHoldsForATime(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	press := func(page *sandbox.Form, label, answer string) {
		t.Helper()
		d, err := page.Press(label)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.WaitAck(s.ctx); err != nil {
			t.Fatal(err)
		}
		if err := page.Sees(s.ctx, answer); err != nil {
			t.Fatal(err)
		}
	}
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7 for=2h")
	s.sees("Ben", "ACCEPTED")
	silent(t, s.home("Ben", "then back to max 4"), "Extend 1 h", "Revert Now")
	ana := s.home("Ana", "For a time")
	says(t, ana, "llama-70b / production — max 7", "then back to max 4", "Extend 1 h", "Keep")
	press(ana, "Extend 1 h", "You asked for 1 h more of #")
	s.sees("Ben", "Extends #")
	s.sees("Ben", "Extended at") // the first card, once the other one holds
	ana = s.home("Ana", "Extended at")
	press(ana, "Revert Now", "You asked to end #")
	s.sees("Ben", ": max 7 → 4 (-3). Baseten")

	s.slash("Lea", "#ml-oncall", `/autoscale freeze llama-70b for=2h reason="launch"`)
	s.sees("Ben", "Lea froze llama-70b")
	silent(t, s.home("Ben", "llama-70b is frozen by Lea"), "Thaw")
	press(s.home("Leo", "llama-70b is frozen by Lea"), "Thaw", "The freeze #")
	s.sees("Ben", "Leo thawed llama-70b")
}
