package app_test

import (
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// While Baseten is slow, whoever typed sees after two seconds that it goes on, and the
// answer follows. Where it is fast, nobody sees a sign.
func TestSignWhileReading(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	const sign = "Reading, it takes longer than usual"
	fast := s.slash("Ana", "#ml-oncall", "/autoscale status llama-70b production")
	s.told(fast, "production")
	slow := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Delay, Delay: 2500 * time.Millisecond, Method: "GET"})
	for _, line := range []string{"/autoscale status llama-70b staging", "/autoscale llama-70b production max=7"} {
		d := s.slash("Ana", "#ml-oncall", line)
		s.told(d, sign)
		s.told(d, line)
	}
	slow.Clear()
	s.sees("Ana", "Baseten: ACCEPTED")
	if n := len(fast.Responses()); n != 1 {
		t.Errorf("a fast answer came with %d messages", n)
	}
}

// An approved change that cannot go on says why on its card, long before the reply is
// due.
func TestSignOnTheCard(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=12")
	card := s.sees("Ana", "Waits for")
	down := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Unavailable})
	s.click("Lea", "Approve Change")
	s.wait("the card says why", func(*slacksim.Snapshot) bool {
		text := s.Slack.PlainText(s.Slack.Thread("C0MLONCALL", card.TS)[0])
		return strings.Contains(text, "Approved by @lea") && strings.Contains(text, "Baseten answers HTTP 503")
	})
	if n := len(s.Slack.Thread("C0MLONCALL", card.TS)); n != 1 {
		t.Errorf("%d messages in the thread, want the card alone", n)
	}
	down.Clear()
	s.sees("Ana", "Baseten: ACCEPTED")
}
