package app_test

import (
	"strings"
	"testing"
)

// The main job: one person types the command, the settings change at Baseten, the
// thread says so.
func TestChange(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")

	m := s.sees("Ben", "Baseten: ACCEPTED")
	root := s.Slack.Thread(m.Channel, m.ThreadTS)[0]
	if text := s.Slack.PlainText(root); !strings.Contains(text, "Max replicas: 4 → 7") {
		t.Errorf("the root message does not say before and after:\n%s", text)
	}
	want := `{"autoscaling_settings":{"max_replica":7}}`
	if got := s.patches(); len(got) != 1 || !strings.HasSuffix(got[0], "/environments/production "+want) {
		t.Errorf("patches = %q, want one of the environment with %s", got, want)
	}
}
