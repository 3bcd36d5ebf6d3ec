package commands

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What was typed is gone in Slack, so a mistake gives it back, corrected.
func TestCorrectedLines(t *testing.T) {
	for _, tt := range []struct {
		text  string
		lines []string
	}{
		{"llama-70b production maxx=7 reason=“launch at noon”", []string{`llama-70b production max=7 reason="launch at noon"`}},
		{"llama-70b production --max-replcia 7", []string{"llama-70b production max 7"}},
		{"llama-70b production mix=7", []string{"llama-70b production min=7", "llama-70b production max=7"}},
		{"llama-70b production max=7 dryrum", []string{"llama-70b production max=7 dry-run"}},
		{"llama-70b production max=7 dry-run=yes", []string{"llama-70b production max=7 dry-run"}},
		{"llama-70b production max=7,min=2", []string{"llama-70b production max=7 min=2"}},
		{"llama-70b production max=7, min=2", []string{"llama-70b production max=7 min=2"}},
		{"llama-70b production max=7, min=2, window=10m reason=\"a, b\"", []string{`llama-70b production max=7 min=2 window=10m reason="a, b"`}},
		{"llama-70b production max=7;min=2", []string{"llama-70b production max=7 min=2"}},
		{"llama-70b production max 7, min 2", []string{"llama-70b production max 7 min 2"}},
		{"llama-70b production max=1,000", []string{"llama-70b production max=1000"}},
		{"llama-70b production max=7.0", []string{"llama-70b production max=7"}},
		{"llama-70b production window=10min min=1", []string{"llama-70b production window=10m min=1"}},
		{"llama-70b production window=10 minutes min=1", []string{"llama-70b production window=10m min=1"}},
		{"llama-70b production window 10 min", []string{"llama-70b production window=10m"}},
		{"llama-70b production max=+2 min=1", []string{"llama-70b production max=7 min=1"}}, // for example
		{"llama-70b production max=7 break-glass", []string{`llama-70b production max=7 break-glass reason="production is down"`}},
		{"llama-70b/production max=7", []string{"llama-70b production max=7"}},
		{"enviroment:production llama-70b max=7", nil},
		{"llama-70b enviroment:production max=7", []string{"llama-70b environment:production max=7"}},
		{"llama 70b production max=7", []string{`"llama 70b" production max=7`}},
		{"can Ana’s llama production max=7", []string{`can "Ana's llama" production max=7`}},
		{"llama-70b production please max=7", nil},
		{"`llama-70b production max=7`", []string{"llama-70b production max=7"}},
		{"/autoscale llama-70b production max=7", []string{"llama-70b production max=7"}},
		{"set llama-70b production max=7", []string{"llama-70b production max=7"}},
		{"status llama-70b production max=7", []string{"llama-70b production max=7"}},
		{"statsu llama-70b production", []string{"status llama-70b production"}},
		{"cacnel #K7M2Q", []string{"cancel #K7M2Q"}},
		{"llama-70b production maxx=7 mim=2", nil}, // two mistakes: one at a time
		{"llama-70b production frobnicate=7", nil},
		{"llama-70b production max=5 max=7", nil},
	} {
		if diff := cmp.Diff(tt.lines, mistaken(t, tt.text).Lines); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
	if got, want := refused(t, "llama-70b production max=7,min=2"), "Put a space between settings: `max=7 min=2`. Nothing was changed. `/autoscale llama-70b production max=7 min=2`"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestButtonsAreNotTyped(t *testing.T) {
	for text, want := range map[string]string{
		"approve MNWR2": "To approve a request, press the button on its card. `/autoscale pending` shows the requests that wait.",
		"Deny #MNWR2":   "To deny a request, press the button",
		"confirm":       "To confirm a request, press the button",
	} {
		if got := refused(t, text); len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
