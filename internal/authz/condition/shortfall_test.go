package condition

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/baseten"
)

// The smallest part that is false is found, with what it reads and nothing else.
func TestShortfall(t *testing.T) {
	facts := &Facts{
		User: "U0ANA", Groups: []string{"oncall"}, GroupsKnown: true, Reason: "",
		Target:  baseten.Target{Model: "llama-70b", Environment: "production"},
		Before:  baseten.Settings{baseten.MinReplica: 2, baseten.MaxReplica: 7},
		Touched: baseten.Settings{baseten.MaxReplica: 12},
		Cost:    &baseten.Cost{CeilingAfter: 78},
	}
	after, up := Operand{"after.max_replica", int64(12)}, []Operand{{"change.max_replica.from", int64(7)}, {"change.max_replica.to", int64(12)}}
	for source, want := range map[string]Shortfall{
		`after.max_replica <= 8`:                                             {"after.max_replica <= 8", []Operand{after}},
		`change.max_replica.up && after.max_replica <= 8`:                    {"after.max_replica <= 8", []Operand{after}},
		`after.max_replica <= 8 && change.max_replica.down`:                  {"after.max_replica <= 8", []Operand{after}},
		`change.max_replica.down`:                                            {"change.max_replica.down", up},
		`!change.max_replica.up && true`:                                     {"!change.max_replica.up", up},
		`true && (kind == "environment" && ("leads" in groups))`:             {`"leads" in groups`, []Operand{{"groups", []string{"oncall"}}}},
		`after.max_replica < 3 || cost.ceiling_after<=50.0`:                  {"after.max_replica < 3 || cost.ceiling_after <= 50.0", []Operand{after, {"cost.ceiling_after", 78.0}}},
		`true && (after.max_replica < 3 || after.max_replica < 5)`:           {"after.max_replica < 3 || after.max_replica < 5", []Operand{after}},
		`has(reason) && reason.size() > 10`:                                  {"has(reason)", []Operand{{"reason", ""}}},
		`has(change.min_replica)`:                                            {"has(change.min_replica)", []Operand{{"change.min_replica", nil}}},
		`(change.min_replica.up || true) && model.startsWith("qwen")`:        {`model.startsWith("qwen")`, []Operand{{"model", "llama-70b"}}},
		`after.max_replica - before.max_replica <= 2 && user == "U0SOMEONE"`: {"after.max_replica - before.max_replica <= 2", []Operand{after, {"before.max_replica", int64(7)}}},
		`target in ["staging", "dev"]`:                                       {`target in ["staging", "dev"]`, []Operand{{"target", "production"}}},
		`change.min_replica.up && user == "U0BEN"`:                           {`user == "U0BEN"`, []Operand{{"user", "U0ANA"}}},
		// Not false.
		`change.max_replica.up`: {},
		`change.min_replica.up`: {},
	} {
		c, mistakes := New(source, noTexts)
		if mistakes != nil {
			t.Errorf("%s: %v", source, mistakes)
			continue
		}
		if diff := cmp.Diff(want, c.Shortfall(facts)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
}
