package app_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The log tells the life of a request, a line for each step, by which an incident can be
// put together again: who did it, and the envelope in which Slack delivered that, else
// the one that asked for the change.
func TestLogTellsTheLife(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), map[string]string{"LOG_LEVEL": "info"})
	asked := s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "Waits for one of @lea, @leo")
	approved := s.click("Lea", "Approve Change")
	s.ends()
	s.sees("Ana", "In force")
	glass := s.slash("Ana", "#ml-oncall", `/autoscale llama-70b production max=20 break-glass reason="customers are waiting"`)
	s.sees("Ana", "Max replicas: 12 to 20 (+8). Baseten: ACCEPTED")

	type step struct{ Msg, To, Actor, Envelope string }
	var got []step
	requests := make(map[string]bool)
	for line := range strings.Lines(s.log.String()) {
		var entry struct {
			step
			Request string
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Request != "" && !strings.HasPrefix(entry.Msg, "request outcome") {
			got = append(got, entry.step)
			requests[entry.Request] = true
		}
	}
	want := []step{
		{"request moved", "requested", "U0ANA", asked.EnvelopeID},
		{"request moved", "pending", "", asked.EnvelopeID},
		{"request moved", "approved", "U0LEA", approved.EnvelopeID},
		{"request moved", "applying", "", asked.EnvelopeID},
		{"request moved", "applied", "", asked.EnvelopeID},
		{"request moved", "requested", "U0ANA", glass.EnvelopeID},
		{"request broke_glass", "requested", "U0ANA", glass.EnvelopeID},
		{"request moved", "approved", "", glass.EnvelopeID},
		{"request moved", "applying", "", glass.EnvelopeID},
		{"request moved", "applied", "", glass.EnvelopeID},
	}
	if d := cmp.Diff(want, got); d != "" || len(requests) != 2 {
		t.Errorf("%d requests (-want +got)\n%s", len(requests), d)
	}
}
