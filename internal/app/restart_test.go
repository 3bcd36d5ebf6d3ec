package app_test

import (
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// A card waits for people, not for a process: it can be approved after a restart,
// and after two.
func TestRestartWhilePending(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "Waits for one of @lea, @leo")
	for range 2 {
		s.end()
		s.start()
	}
	s.click("Lea", "Approve Change")
	s.sees("Ana", "Baseten: ACCEPTED")
	if got := s.patches(); len(got) != 1 {
		t.Errorf("patches = %q, want one", got)
	}
	if n := s.cards(); n != 1 {
		t.Errorf("%d cards, want one", n)
	}
}

// A change is followed across a restart, in the one reply that it has.
func TestRestartWhileFollowing(t *testing.T) {
	t.Parallel()
	s := tell(t, sandbox.WorldOptions{Baseten: basetensim.Options{ReplicaStep: 1500 * time.Millisecond}}, nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=6")
	m := s.sees("Ana", "Baseten: ACCEPTED")
	s.end()
	s.start()
	s.wait("the settings are in force", func(*slacksim.Snapshot) bool {
		thread := s.Slack.Thread(m.Channel, m.ThreadTS)
		return strings.Contains(s.Slack.PlainText(thread[len(thread)-1]), "In force after")
	})
	if n := len(s.Slack.Thread(m.Channel, m.ThreadTS)); n != 2 {
		t.Errorf("%d messages in the thread, want the card and one reply", n)
	}
}
