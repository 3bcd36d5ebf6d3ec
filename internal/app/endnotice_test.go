package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/slacksim"
)

// Ten minutes before its end the thread of a change says what comes, with what can be done;
// where the end itself is due, nothing is announced any more.
func TestNoticeOfAnEnd(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=6 for=1h")
	s.sees("Ben", "In force")
	card := s.sees("Ben", "Ana changed")
	s.MoveClock(51 * time.Minute)
	notice := s.sees("Ben", "@ana llama-70b / production goes back to max 4 at")
	if notice.ThreadTS != card.TS || notice.Broadcast {
		t.Errorf("the notice stands in thread %q, want that of the card, %q", notice.ThreadTS, card.TS)
	}
	if got := labelsOf(notice); !slices.Equal(got, []string{"Extend 1 h", "Keep", "Revert Now"}) {
		t.Errorf("buttons %q", got)
	}
	s.MoveClock(10 * time.Minute)
	s.sees("Ben", "Time is up for #")
	s.wait("the notice says what came of it", func(now *slacksim.Snapshot) bool {
		return slices.ContainsFunc(now.Messages[notice.Channel], func(m slacksim.Message) bool {
			return m.TS == notice.TS && strings.HasPrefix(s.Slack.PlainText(m), "⏱️ Back to max 4 since")
		})
	})

	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=8 for=1h")
	card = s.sees("Ben", "Ana changed: llama-70b / production — Max replicas: 4 → 8")
	s.MoveClock(2 * time.Hour)
	s.sees("Ben", "max 8 → 4 (-4). Baseten: ACCEPTED")
	for _, m := range s.Slack.Messages(card.Channel) {
		if text := s.Slack.PlainText(m); m.ThreadTS == card.TS && m.TS != card.TS && !strings.Contains(text, "ACCEPTED") {
			t.Errorf("the thread says too: %s", text)
		}
	}
}

// What is asked again with an until that has passed meanwhile says so, and opens the form,
// where another time is typed.
func TestAskedAgainAfterItsTime(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=12 until="+s.Now().Add(2*time.Hour).In(berlin).Format("15:04"))
	s.sees("Ana", "If it cannot wait") // now it waits
	s.MoveClock(5 * time.Hour)
	s.sees("Ben", "nobody approved in time")
	s.click("Ana", "Ask Again")
	s.private("U0ANA", "has passed or is less than 5 min away")
	s.click("Ana", "Change…")
	f := s.opens("Ana", "How long, or until when")
	f.holds("max", "12")
	f.holds("For how long", "typed")
	f.holds("end_text", "")
	if n := len(s.Baseten.Patches()); n != 0 {
		t.Errorf("%d PATCHes", n)
	}
}
