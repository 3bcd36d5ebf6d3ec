package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
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
		s.in(t).told(d, "This deployment serves production: the next promotion overwrites the change.")
		s.in(t).told(d, "/autoscale llama-70b env:production max=7")
	})
	t.Run("a schedule in force", func(t *testing.T) {
		must(s.Baseten.SetSchedules(basetensim.DemoLlama, "production", &basetensim.Schedules{
			Timezone: "Europe/Berlin", Active: "s1",
			List: []basetensim.Schedule{{ID: "s1", Name: "night", StartHour: 22, EndHour: 6, Settings: basetensim.Changes{"min_replica": 1, "max_replica": 2}}},
		}))
		d := s.in(t).slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7 dry-run")
		s.in(t).told(d, "it masks Max replicas until it ends.")
		d = s.in(t).slash("Ana", "#ml-oncall", "/autoscale llama-70b production delay=10m dry-run")
		s.in(t).told(d, "Scale-down delay: 900 s (15 min) → 600 s (10 min)")
		for _, m := range d.Responses() { // a schedule masks only what it sets
			if text := s.Slack.PlainText(m); strings.Contains(text, "Schedule") {
				t.Errorf("the schedule is said to mask the delay:\n%s", text)
			}
		}
		must(s.Baseten.SetSchedules(basetensim.DemoLlama, "production", nil))
	})
	t.Run("a promotion in progress", func(t *testing.T) {
		must(s.Baseten.StartPromotion(basetensim.DemoLlama, "production", basetensim.DemoLlamaCanary))
		d := s.in(t).slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7 dry-run")
		s.in(t).told(d, "A promotion into production is in progress")
	})
	t.Run("list prices, before and after", func(t *testing.T) {
		d := s.in(t).slash("Ana", "#ml-oncall", "/autoscale llama-70b staging max=4 dry-run")
		s.in(t).told(d, "Up to $26.00/h (now $13.00), idle $0.00/h.")
	})
	if got := s.patches(); len(got) != 0 {
		t.Errorf("a preview changed something: %q", got)
	}
}

// ACCEPTED is not done: the change is followed, also after a restart, and whoever puts
// it back is told of by one new reply that mentions the requester, since an edit
// notifies nobody. Of production the whole channel hears it.
func TestOverruledOverARestart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		target, asked string
		inForce       string
		by            basetensim.Actor
		to            int
		untold        bool // the key may not read the audit log
		news          string
		loud          bool
	}{
		{"production", "max=7", "7 of 7 active after", basetensim.Terraform, 4, false,
			"were put back by the API key terraform (with terraform-provider-baseten)", true},
		{"staging", "max=4", "In force after", basetensim.Colleague, 3, false, "were changed by grace@example.com (on Baseten's pages)", false},
		{"staging", "max=5", "In force after", basetensim.Colleague, 3, true, "were changed by somebody else (Terraform or an operator?)", false},
	} {
		t.Run(tt.target+" "+tt.asked, func(t *testing.T) {
			s := tell(t, quietly(), nil)
			if tt.untold {
				s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Refused, Status: http.StatusForbidden, Path: "/v1/models/*/audit_logs"})
			}
			s.slash("Ana", "#ml-oncall", "/autoscale llama-70b "+tt.target+" "+tt.asked)
			card := s.sees("Ana", tt.inForce).ThreadTS
			s.end()
			s.start()
			if err := s.Baseten.ChangeEnvironmentAs(tt.by, basetensim.DemoLlama, tt.target, basetensim.Changes{"max_replica": tt.to}); err != nil {
				t.Fatal(err)
			}
			var thread []slacksim.Message
			s.wait("there is news", func(*slacksim.Snapshot) bool {
				thread = s.Slack.Thread("C0MLONCALL", card)
				return len(thread) > 2
			})
			text := s.Slack.PlainText(thread[2])
			if !strings.HasPrefix(thread[2].Text, "<@U0ANA>") || !strings.Contains(text, tt.news) ||
				!strings.Contains(text, fmt.Sprintf("Max replicas is %d.", tt.to)) {
				t.Errorf("the news does not mention the requester and say what stands there:\n%s", text)
			}
			if reply := s.Slack.PlainText(thread[1]); len(thread) != 3 || !strings.Contains(reply, "Baseten: ACCEPTED") {
				t.Errorf("the thread holds %d messages, want the card, the reply and one piece of news", len(thread))
			}
			posts := s.Slack.Calls("chat.postMessage")
			if got := posts[len(posts)-1].Args["reply_broadcast"] == "true"; got != tt.loud {
				t.Errorf("shown in the channel too: %v, want %v", got, tt.loud)
			}
		})
	}
}

// A model that was read before and cannot be read now: the words name the cause.
func TestCauseOfAnOldReading(t *testing.T) {
	t.Parallel()
	for want, fault := range map[string]basetensim.Fault{
		"failed: Baseten answered HTTP 503":                                      {Kind: basetensim.Unavailable},
		"failed: Baseten answered with something that cannot be read (HTTP 200)": {Kind: basetensim.BodyGarbage},
		"failed: Baseten did not answer":                                         {Kind: basetensim.ResetBeforeRead},
	} {
		s := tell(t, quietly(), nil)
		s.told(s.slash("Ana", "#ml-oncall", "/autoscale status llama-70b"), "production")
		fault.Path = "/v1/models/" + llama + "/environments"
		s.Baseten.Inject(fault)
		s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7"), want)
	}
}
