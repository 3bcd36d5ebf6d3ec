package view

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// After a typo the corrected command is a button, which runs just what it says.
func TestCorrections(t *testing.T) {
	typo := func(text string) Message {
		_, err := commands.Parse(text)
		var m *commands.Mistake
		if !errors.As(err, &m) {
			t.Fatalf("Parse(%q): %v", text, err)
		}
		return Mistake(m, false)
	}
	unknown := func(word string, names ...string) Message {
		return Private(&change.Request{
			ID: "K7Q2M", State: change.Failed, Requester: ana, Reason: change.Reason{Code: change.NameNotFound, Text: word, Names: names},
			Ask: change.Ask{Text: "llama-7b prod max=7", Model: "llama-7b", Target: "prod", Settings: baseten.Settings{baseten.MaxReplica: 7}, Reason: "launch"},
		})
	}
	for _, c := range []struct {
		name         string
		m            Message
		runs, labels []string
	}{
		{"one meant", typo("llama-70b production maxx=7"), []string{"llama-70b production max=7"}, []string{"Do That"}},
		{"nothing certain", typo("llama-70b production zzzz=7"), nil, nil},
		{"a model", unknown("llama-7b", "llama-70b", "llama-8b"),
			[]string{`llama-70b prod max=7 reason="launch"`, `llama-8b prod max=7 reason="launch"`},
			[]string{`llama-70b prod max=7 reason="launch"`, `llama-8b prod max=7 reason="launch"`}},
		{"a target", unknown("prod", "production"), []string{`llama-7b production max=7 reason="launch"`}, []string{"Do That"}},
		{"another word", unknown("v1", "v12"), nil, nil},
	} {
		var runs, labels []string
		walk(t, c.m, func(object map[string]any) {
			if action, _ := object["action_id"].(string); !strings.HasPrefix(action, ActionDo+"_") {
				return
			}
			value := object["value"].(string)
			if _, err := commands.Parse(value); err != nil {
				t.Errorf("%s: the button runs %q: %v", c.name, value, err)
			}
			runs, labels = append(runs, value), append(labels, object["text"].(map[string]any)["text"].(string))
		})
		if !slices.Equal(runs, c.runs) {
			t.Errorf("%s: runs %q, want %q", c.name, runs, c.runs)
		}
		if !slices.Equal(labels, c.labels) {
			t.Errorf("%s: labels %q, want %q", c.name, labels, c.labels)
		}
	}
}

// What is made up is shown to be read: a button would carry out what nobody meant.
func TestExamplesHaveNoButton(t *testing.T) {
	m := &commands.Mistake{Text: "Give the number. For example:", Lines: []string{"llama-70b production max=7"}, Example: true}
	if got := Mistake(m, false); len(got.Blocks) != 1 || !strings.Contains(got.Text, "/autoscale llama-70b production max=7") {
		t.Errorf("%d blocks, text %q", len(got.Blocks), got.Text)
	}
}
