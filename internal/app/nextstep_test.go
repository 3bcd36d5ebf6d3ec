package app_test

import (
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/slacksim"
)

// After a typo the person presses what they meant; the reply offers to undo it, once.
func TestNextSteps(t *testing.T) {
	s := tell(t, quietly(), nil)
	d := s.slash("Ana", "#ml-oncall", "/autoscale llama-70 production max=7")
	s.told(d, "llama-70 not found")
	s.click("Ana", "Do That")
	reply := s.sees("Ana", "In force after")
	if text := s.Slack.PlainText(reply); strings.Contains(reply.Text, "<@U0ANA>") || !strings.Contains(text, "by @ana") {
		t.Errorf("the reply pings whoever typed it a moment ago:\n%s", text)
	}
	s.told(s.click("Ben", "Show Status"), "7 of 7 replicas, at max")

	before := len(s.Slack.Messages("C0MLONCALL"))
	s.click("Ana", "Undo Change")
	s.wait("the undo is a message of its own in the channel", func(*slacksim.Snapshot) bool {
		for _, m := range s.Slack.Messages("C0MLONCALL")[before:] {
			if m.ThreadTS == "" && strings.Contains(s.Slack.PlainText(m), "Undoes #") {
				return true
			}
		}
		return false
	})
	s.wait("the reply does not offer it again", func(*slacksim.Snapshot) bool {
		text := s.Slack.PlainText(s.Slack.Thread("C0MLONCALL", reply.ThreadTS)[1])
		return strings.Contains(text, "Undone by #") && !strings.Contains(text, "[Undo Change]")
	})
	s.click("Lea", "Approve Change")
	s.wait("it is carried out", func(*slacksim.Snapshot) bool { return len(s.patches()) == 2 })
	if got := s.patches(); !strings.Contains(got[0], `"max_replica":7`) || !strings.Contains(got[1], `"max_replica":4`) {
		t.Errorf("patches %q", got)
	}
}

// A raise that may be a slip of the finger waits for the requester, though the rule
// allows it at once.
func TestSlipOfTheFinger(t *testing.T) {
	opts := quietly()
	opts.Policy = "version: 1\nrules: [{name: all, who: [everyone], effect: allow}]\n"
	s := tell(t, opts, nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=70")
	card := s.sees("Ana", "Max replicas would be 17 times what it is")
	if n := len(s.patches()); n != 0 {
		t.Fatalf("%d patches before it was confirmed", n)
	}
	if !strings.Contains(card.Text, "Max replicas would be 17 times what it is") {
		t.Errorf("the notification does not say it: %s", card.Text)
	}
	s.click("Ana", "Confirm Change")
	s.sees("Ana", "Baseten: ACCEPTED")
}

// Whoever waits for others is told alone how to take it back.
func TestNoteWhileWaiting(t *testing.T) {
	s := tell(t, quietly(), nil)
	d := s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=12")
	s.told(d, "Waits for one of @lea, @leo.")
	s.click("Ana", "Cancel")
	s.sees("Ana", "Canceled by @ana")
	if got := s.patches(); len(got) != 0 {
		t.Errorf("patches %q", got)
	}
}

// [Do That] pressed twice asks once, and whoever pressed it is told how to ask again.
func TestDoThatTwice(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production maxx=7"), "max=7")
	s.click("Ana", "Do That")
	s.sees("Ben", "In force after")
	s.told(s.click("Ana", "Do That"), "To ask once more: /autoscale llama-70b production max=7")
	if cards, patches := s.cards(), s.patches(); cards != 1 || len(patches) != 1 {
		t.Errorf("%d cards and the patches %q, want one of each", cards, patches)
	}
}
