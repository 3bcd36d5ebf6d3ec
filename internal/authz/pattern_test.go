package authz

import (
	"testing"

	"autoscalebot/internal/baseten"
)

func TestPatterns(t *testing.T) {
	target := baseten.Target{ModelID: "abc123", Model: "llama-70b", Team: "nlp", Environment: "production", Deployment: "rel/2026", DeploymentID: "d7", Promoting: []string{"eu-west"}}
	tests := []struct {
		kind, pattern string
		want          bool
	}{
		{"model", "llama-*", true}, {"model", "llama-70b", true}, {"model", "llama", false}, {"model", "Llama-*", false},
		{"model", "abc123", true}, {"model", "*", true}, {"model", "?lama-[67]0b", true}, {"model", "nlp*", false},
		{"model", "nlp/*", true}, {"model", "nlp/llama-70b", true}, {"model", "*/llama-70b", true}, {"model", "vision/*", false}, {"model", "nlp", false},
		{"target", "production", true}, {"target", "prod*", true}, {"target", "rel/2026", true}, {"target", "rel*", true}, {"target", "*26", true},
		{"target", "d7", true}, {"target", "eu-*", true}, {"target", "development", false}, {"target", "", false}, {"target", "staging", false},
	}
	for _, test := range tests {
		p, err := NewPattern(test.pattern)
		if test.pattern == "" {
			if err == nil {
				t.Error("an empty pattern is taken")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		names := namesOf(target)
		got := names.isModel(p)
		if test.kind == "target" {
			got = names.isTarget(p)
		}
		if got != test.want {
			t.Errorf("%s %s: %t", test.kind, test.pattern, got)
		}
	}
	development, _ := NewPattern("development")
	if names := namesOf(baseten.Target{Development: true, Deployment: "dev-1"}); !names.isTarget(development) {
		t.Error("development does not match the development deployment")
	}
	star, _ := NewPattern("*")
	if names := namesOf(baseten.Target{}); names.isTarget(star) || names.isModel(star) {
		t.Error("* matches a target without any name")
	}
}

// [!s]* is what shells write; path.Match takes it for something else.
func TestPatternsOfShellsAreRefused(t *testing.T) {
	for _, text := range []string{"[!s]*", "llama-[!0-9]", "[", "a[", " a", ""} {
		if _, err := NewPattern(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	p, err := NewPattern("[^s]*")
	if err != nil {
		t.Fatal(err)
	}
	if p.match("staging") || !p.match("production") {
		t.Error("[^s]* does not do what it says")
	}
}
