package app_test

import (
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/slacksim"
)

// Values that are in force already are nothing to approve or to confirm: nobody is asked
// in public, and the requester is told why.
func TestNobodyIsAskedForNothing(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production min=2"), "Nothing would change: Min replicas is 2 already. So nobody was asked.")
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b staging max=2"), "Nothing would change: Max replicas is 2 already.")
	if got := s.Slack.Messages("C0MLONCALL"); len(got) != 0 {
		t.Errorf("%d messages in the channel", len(got))
	}
}

// What was typed the wrong way round is given back the right way.
func TestTargetBeforeModel(t *testing.T) {
	s := tell(t, quietly(), nil)
	d := s.slash("Ana", "#ml-oncall", "/autoscale production llama-70b max=7")
	s.told(d, "production not found. llama-70b is a model, and the model comes first. Nothing was changed.")
	s.told(d, "/autoscale llama-70b production max=7")
}

// onlyAna is the simplest policy: a list of one.
var onlyAna = map[string]string{"POLICY_FILE": "", "ALLOWED_USERS": "U0ANA,U0GUS", "ANNOUNCE_CHANNEL": ""}

func TestAllowedUsers(t *testing.T) {
	s := tell(t, quietly(), onlyAna)

	t.Run("somebody Slack cannot look up is not let in", func(t *testing.T) {
		s := s.in(t)
		cancel := s.Slack.Fault(slacksim.Fault{Method: "users.info", Kind: slacksim.FaultError, Code: "user_not_found"})
		defer cancel()
		s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7"), "not allowed")
	})
	t.Run("who is not listed is told alone and changes nothing", func(t *testing.T) {
		s := s.in(t)
		s.told(s.slash("Ben", "#ml-oncall", "/autoscale llama-70b production max=7"), "not allowed")
	})
	t.Run("a person of another workspace is refused though listed nowhere", func(t *testing.T) {
		s := s.in(t)
		s.As("Eve").Mention("#with-partner", "", "llama-70b production max=7")
		s.sees("Eve", "not allowed")
	})
	t.Run("a channel shared with another organisation takes no changes", func(t *testing.T) {
		s := s.in(t)
		s.told(s.slash("Ana", "#with-partner", "/autoscale llama-70b production max=7"), "another organisation")
	})
	t.Run("a direct message takes no changes", func(t *testing.T) {
		s := s.in(t)
		s.told(s.slash("Ana", "@autoscale", "/autoscale llama-70b production max=7"), "in channels")
	})
	t.Run("a public channel without the bot", func(t *testing.T) {
		s := s.in(t)
		s.told(s.slash("Ana", "#random", "/autoscale llama-70b production max=7"), "/invite @autoscale")
	})
	t.Run("a private channel without the bot", func(t *testing.T) {
		s := s.in(t)
		s.told(s.slash("Ana", "#secret", "/autoscale llama-70b production max=7"), "/invite @autoscale")
	})
	t.Run("a name nobody has", func(t *testing.T) {
		s := s.in(t)
		d := s.slash("Ana", "#ml-oncall", "/autoscale lama-70b production max=7")
		s.told(d, "not found")
		s.told(d, "llama-70b")
	})
	t.Run("a name that two teams have", func(t *testing.T) {
		s := s.in(t)
		s.told(s.slash("Ana", "#ml-oncall", "/autoscale rerank production max=3"), "search/rerank")
	})
	t.Run("min above the current max", func(t *testing.T) {
		s := s.in(t)
		s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production min=9"), "max")
	})
	t.Run("a text that cannot be understood", func(t *testing.T) {
		s := s.in(t)
		s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=+2"), "max=")
	})

	if got := s.patches(); len(got) != 0 {
		t.Errorf("Baseten was asked to change: %q", got)
	}
	for _, c := range s.Slack.Calls("chat.postMessage") {
		if c.Done && c.Error == "" && c.Status == 200 {
			t.Errorf("a refusal was posted for all to see: %v", c)
		}
	}
	t.Run("a guest who is listed may", func(t *testing.T) {
		s := s.in(t)
		s.slash("Gus", "#ml-oncall", "/autoscale llama-70b production max=6")
		s.sees("Ben", "Baseten: ACCEPTED")
	})
}

func TestReads(t *testing.T) {
	s := tell(t, quietly(), nil)
	for line, want := range map[string]string{
		"/autoscale help":                               "llama-70b production max=7",
		"/autoscale help max":                           "max",
		"/autoscale status llama-70b":                   "min 2 max 4",
		"/autoscale status llama-70b staging":           "v13-rc1",
		"/autoscale status nobody":                      "not found",
		"/autoscale list llama-*":                       "llama-70b",
		"/autoscale list":                               "whisper-large",
		"/autoscale whoami":                             "oncall",
		"/autoscale pending":                            "Nothing waits",
		"/autoscale history":                            "No requests",
		"/autoscale llama-70b production max=7 dry-run": "Max replicas: 4 → 7",
		"/autoscale can llama-70b production max=12":    "the rest needs a lead",
		"/autoscale can llama-70b production min=0":     "production keeps a replica",
	} {
		t.Run(line, func(t *testing.T) {
			s := s.in(t)
			d := s.slash("Ana", "#ml-oncall", line)
			s.told(d, want)
		})
	}
	if got := s.patches(); len(got) != 0 {
		t.Errorf("reading changed something: %q", got)
	}
	t.Run("not for people of other workspaces", func(t *testing.T) {
		s := s.in(t)
		s.As("Eve").Mention("#with-partner", "", "status llama-70b")
		s.sees("Eve", "not allowed")
	})
}

// Secrets go nowhere: not into the log, at its most talkative, and not into Slack.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), map[string]string{"POLICY_FILE": "", "ALLOWED_USERS": "U0ANA"})
	d := s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
	s.sees("Ana", "Baseten: ACCEPTED")
	cancel := s.Slack.Fault(slacksim.Fault{Method: slacksim.ResponseURL, Kind: slacksim.FaultReset, Times: 3})
	refused := s.slash("Ben", "#ml-oncall", "/autoscale llama-70b production max=8")
	s.sees("Ben", "not allowed")
	cancel()
	s.end()
	log := s.log.String()
	for name, secret := range map[string]string{
		"bot token": s.env["SLACK_BOT_TOKEN"], "app token": s.env["SLACK_APP_TOKEN"], "baseten key": s.env["BASETEN_API_KEY"],
		"response_url": d.ResponseURL, "another response_url": refused.ResponseURL, "trigger_id": d.TriggerID,
	} {
		if secret == "" {
			t.Errorf("the story has no %s to look for", name)
		} else if strings.Contains(log, secret) {
			t.Errorf("the log holds the %s", name)
		}
	}
	if !strings.Contains(log, "request moved") {
		t.Error("the log does not tell of the request")
	}
}
