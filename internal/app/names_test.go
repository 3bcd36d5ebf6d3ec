package app_test

import (
	"net/http"
	"strings"
	"testing"

	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

const typosPolicy = `version: 1
groups:
  leads: {users: [U0LEA, U0NOBODY]}
rules:
  - {name: never production, targets: [prodution], effect: deny}
  - {name: leads, who: [leads], effect: allow}
`

// announcements counts the messages in the channel for alarms that hold a text.
func (s *story) announcements(text string) (n int) {
	for _, m := range s.Slack.Messages("C0MLONCALL") {
		if strings.Contains(s.Slack.PlainText(m), text) {
			n++
		}
	}
	return n
}

// What a policy names and nobody has is said when it is taken: once for each version,
// and not again after a restart.
func TestPolicyNamesWhatNobodyHas(t *testing.T) {
	t.Parallel()
	opts := quietly()
	opts.Policy = typosPolicy
	s := tell(t, opts, nil)
	const hole = `"prodution", which no model has`
	s.wait("the hole is announced", func(*slacksim.Snapshot) bool { return s.announcements(hole) == 1 })
	if s.announcements("U0NOBODY: Slack knows nobody of this ID") != 1 {
		t.Errorf("somebody whom nobody knows is not told of: %s", s.As("Lea").Reading())
	}
	s.end()

	s.start()
	s.logs("the policy names what nobody has", 2)
	if err := s.SetPolicy(strings.ReplaceAll(typosPolicy, "prodution", "stagin")); err != nil {
		t.Fatal(err)
	}
	s.wait("the hole of the new version is announced", func(*slacksim.Snapshot) bool { return s.announcements(`"stagin", which no model has`) == 1 })
	if n := s.announcements(hole); n != 1 {
		t.Errorf("the first version was announced %d times, want once", n)
	}
}

// Where Baseten or Slack cannot say, the bot starts all the same, and says that.
func TestPolicyNamesUnchecked(t *testing.T) {
	t.Parallel()
	s := stage(t, sandbox.WorldOptions{Policy: typosPolicy}, nil)
	s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Refused, Status: http.StatusForbidden, Path: "/v1/models"})
	s.Slack.Fault(slacksim.Fault{Method: "users.info", Kind: slacksim.FaultError, Code: "missing_scope"})
	s.start()
	s.logs("not all names in the policy could be checked", 1)
	s.end()
	if n := s.announcements("names what"); n != 0 {
		t.Errorf("announced %d times what nobody found out", n)
	}
}
