package app_test

import (
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/basetensim"
)

// Before anything is sent, the preview says what stands in the way.
func TestPreviewSaysWhetherItWillTakeEffect(t *testing.T) {
	s := tell(t, quietly(), nil)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Run("a deployment that serves an environment", func(t *testing.T) {
		d := s.in(t).slash("Ana", "#ml-oncall", "/autoscale llama-70b v12 max=7 dry-run")
		s.in(t).told(d, "the next promotion will overwrite the change")
		s.in(t).told(d, "/autoscale llama-70b env:production max=7")
	})
	t.Run("a schedule in force", func(t *testing.T) {
		must(s.Baseten.SetSchedules(basetensim.DemoLlama, "production", &basetensim.Schedules{
			Timezone: "Europe/Berlin", Active: "s1",
			List: []basetensim.Schedule{{ID: "s1", Name: "night", StartHour: 22, EndHour: 6, Settings: basetensim.Changes{"min_replica": 1, "max_replica": 2}}},
		}))
		d := s.in(t).slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7 dry-run")
		s.in(t).told(d, "production is under schedule night until 06:00 Europe/Berlin; this takes effect afterwards.")
		must(s.Baseten.SetSchedules(basetensim.DemoLlama, "production", nil))
	})
	t.Run("a promotion in progress", func(t *testing.T) {
		must(s.Baseten.StartPromotion(basetensim.DemoLlama, "production", basetensim.DemoLlamaCanary))
		d := s.in(t).slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7 dry-run")
		s.in(t).told(d, "A promotion into production is in progress")
	})
	t.Run("list prices, before and after", func(t *testing.T) {
		d := s.in(t).slash("Ana", "#ml-oncall", "/autoscale llama-70b staging max=4 dry-run")
		s.in(t).told(d, "List price per hour")
	})
	if got := s.patches(); len(got) != 0 {
		t.Errorf("a preview changed something: %q", got)
	}
}

// ACCEPTED is not done: the thread goes on to tell what became of the change, also
// after a restart, and notices who puts it back.
func TestFollowedOverARestart(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
	s.sees("Ana", "7 of 7 active after")
	s.end()
	s.start()
	if err := s.Baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 4}); err != nil {
		t.Fatal(err)
	}
	m := s.sees("Ana", "Max replicas is 4")
	text := s.Slack.PlainText(m)
	if !strings.Contains(text, "Baseten: ACCEPTED") || !strings.Contains(text, "Terraform") {
		t.Errorf("the one reply does not hold the whole story:\n%s", text)
	}
	if replies := s.Slack.Thread(m.Channel, m.ThreadTS); len(replies) != 2 {
		t.Errorf("the thread holds %d messages, want the card and one reply", len(replies))
	}
}
