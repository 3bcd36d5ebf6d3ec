package commands

import (
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"autoscalebot/internal/baseten"
)

func TestTable(t *testing.T) {
	seen := make(map[Name]bool)
	for _, s := range All() {
		if seen[s.Name] {
			t.Errorf("%s stands twice", s.Name)
		}
		seen[s.Name] = true
		if len(s.Examples) == 0 {
			t.Errorf("%s has no example", s.Name)
		}
		for _, e := range s.Examples {
			if c := mustParse(t, e); c.Name != s.Name {
				t.Errorf("example %q of %s is a %s", e, s.Name, c.Name)
			}
		}
		if s.Name != NameChange && !strings.HasPrefix(s.Usage, string(s.Name)) {
			t.Errorf("usage of %s is %q", s.Name, s.Usage)
		}
	}
	for _, o := range options {
		mustParse(t, o.sample)
	}
	changes := make(map[Name]bool)
	for _, s := range All() {
		if s.Changes {
			changes[s.Name] = true
		}
	}
	want := map[Name]bool{NameChange: true, NameCancel: true, NameUndo: true, NameExtend: true, NameKeep: true, NameFreeze: true, NameThaw: true}
	if !maps.Equal(changes, want) {
		t.Errorf("commands that change something: %v", changes)
	}
}

func TestHelpOverview(t *testing.T) {
	got := Help("")
	for _, s := range All() {
		if !strings.Contains(got, s.Usage) || !strings.Contains(got, s.Summary) {
			t.Errorf("the overview lacks %s", s.Name)
		}
	}
	for _, row := range baseten.AllSettings {
		if !strings.Contains(got, row.Word) {
			t.Errorf("the overview lacks %s", row.Word)
		}
	}
	if n := utf8.RuneCountInString(got); n > 1500 {
		t.Errorf("the overview has %d characters", n)
	}
}

func TestHelpOnTopics(t *testing.T) {
	for _, s := range All() {
		if got := Help(string(s.Name)); !strings.Contains(got, s.Usage) || !strings.Contains(got, s.Examples[0]) {
			t.Errorf("help %s: %s", s.Name, got)
		}
	}
	for _, row := range baseten.AllSettings {
		for _, sp := range spellings(row) {
			if got := Help(sp); !strings.Contains(got, row.Label) || !strings.Contains(got, row.Help) {
				t.Errorf("help %s: %s", sp, got)
			}
		}
	}
	for _, tt := range []struct{ topic, want string }{
		{"Status", "status MODEL"},
		{"settings", "concurrency —"},
		{"tokens", "never cleared"},
		{"window", "10 s to 3600 s"},
		{"reason", "500 characters"},
		{"dryrun", "changes nothing"},
		{"break-glass", "needs a reason"},
		{"schedule", "made at Baseten"},
		{"at", "says when it ends"},
		{"for", "at most 30d"},
		{"until", "in your time zone"},
		{"maxx", "Did you mean max?"},
		{"statsu", "Did you mean status?"},
		{"frobnicate", "There is no help on"},
		{"<!channel>`", `There is no help on "!channel".`},
	} {
		if got := Help(tt.topic); !strings.Contains(got, tt.want) {
			t.Errorf("help %s: %q does not say %q", tt.topic, got, tt.want)
		}
	}
}
