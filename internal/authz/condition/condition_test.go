package condition

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// noTexts refuses no text.
func noTexts(string, string) string { return "" }

func TestRefused(t *testing.T) {
	const whole = " has no value by itself: name one of its fields"
	for source, want := range map[string][]Mistake{
		// Names.
		`chnge.max_replica.up`:                    {{1, 0, "unknown variable chnge, did you mean change?"}},
		`change.max_replicas.up`:                  {{1, 7, "unknown field change.max_replicas, did you mean max_replica?"}},
		`change.max_replica.upp`:                  {{1, 19, "unknown field change.max_replica.upp, did you mean up?"}},
		`before.max > 4`:                          {{1, 7, "unknown field before.max, did you mean max_replica?"}},
		`max > 4`:                                 {{1, 0, "unknown variable max, did you mean change.max_replica.to, before.max_replica or after.max_replica?"}},
		`cost.flor_after > 1.0`:                   {{1, 5, "unknown field cost.flor_after, did you mean floor_after?"}},
		`local.hours > 1`:                         {{1, 6, "unknown field local.hours, did you mean hour?"}},
		`has(before.mox_replica)`:                 {{1, 4, "unknown field before.mox_replica, did you mean max_replica?"}},
		`user.name == "U0"`:                       {{1, 5, "unknown field user.name"}},
		"kind == 'environment' &&\n  usr == 'U0'": {{2, 2, "unknown variable usr, did you mean user?"}},
		`model.startswith("a")`:                   {{1, 16, "undeclared reference to 'startswith' (did you mean 'startsWith'?)"}},
		`groups.exists(g, true)`:                  {{1, 14, "unknown variable g"}},
		`befor.x == 1 || aftr.y == 1`:             {{1, 0, "unknown variable befor, did you mean before?"}, {1, 16, "unknown variable aftr, did you mean after?"}},

		// Types.
		`after.max_replica <= "8"`:   {{1, 18, "<= does not take values of types (int, string)"}},
		`before.max_replica != null`: {{1, 19, "!= does not take values of types (int, null)"}},
		`change.max_replica.to`:      {{1, 18, "a condition must be true or false, this is of type int"}},
		`[1, "a"][0] == 1`:           {{1, 4, "expected type 'int' but found 'string'"}},

		// Whole objects, wherever they stand, and ways round the type check.
		`before == after`:                           {{1, 0, "before" + whole}, {1, 10, "after" + whole}},
		`.before == .after`:                         {{1, 1, "unknown variable .before, did you mean before?"}, {1, 12, "unknown variable .after, did you mean after?"}},
		`change.max_replica == change.min_replica`:  {{1, 6, "change.max_replica" + whole}, {1, 28, "change.min_replica" + whole}},
		`(true ? before : after).max_replica > 1`:   {{1, 8, "before" + whole}, {1, 17, "after" + whole}},
		`[before][0].max_replica > 1`:               {{1, 1, "before" + whole}},
		`before["max_replica"] > 1`:                 {{1, 0, "before" + whole}},
		`size([change.max_replica]) > 0`:            {{1, 12, "change.max_replica" + whole}},
		`dyn(1) == 1`:                               {{1, 3, "undeclared reference to 'dyn'"}},
		`type(1) == type(2)`:                        {{1, 4, "undeclared reference to 'type'"}, {1, 15, "undeclared reference to 'type'"}},
		`settings{min_replica: 1}.min_replica == 1`: {{1, 8, "maps and objects cannot be written in conditions"}},
		`{"a": 1}["b"] == 1`:                        {{1, 0, "maps and objects cannot be written in conditions"}},
		`has(before)`:                               {{1, 4, "has() asks about a field of before, after, change, cost or local, or about channel, deployment, duration, groups, now, reason, serves, team"}},
		`has(user)`:                                 {{1, 4, "has() asks about a field of before, after, change, cost or local, or about channel, deployment, duration, groups, now, reason, serves, team"}},

		// Constants that cannot be read.
		`now > timestamp("24.12.2026")`: {{1, 16, "invalid timestamp argument"}},
		`now - now > duration("1 day")`: {{1, 21, "invalid duration argument"}},
		`model.matches("(")`:            {{1, 14, "invalid matches argument"}},

		// Syntax.
		`change.max_replica.up && && true`: {{1, 25, "unexpected '&&'"}},
		`change.max_replica.up and true`:   {{1, 22, "unexpected 'and'"}},
		`change.max_replica?.up`:           {{1, 22, "unexpected end"}},
		` `:                                {{1, 0, "the condition is empty"}},
	} {
		c, got := New(source, noTexts)
		if c != nil {
			t.Errorf("%s: is taken", source)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", source, diff)
		}
	}
}

func TestRefusedForLength(t *testing.T) {
	for name, source := range map[string]string{
		"characters": strings.Repeat("true || ", 260) + "true",
		"nodes":      strings.Repeat("!!1==1||", 160) + "true",
		"depth":      strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200),
	} {
		if c, got := New(source, noTexts); c != nil || len(got) == 0 {
			t.Errorf("%s: is taken", name)
		}
	}
}

// A text that a variable can never equal is found wherever it is compared.
func TestTextsThatNeverMatch(t *testing.T) {
	never := func(variable, text string) string {
		if variable == "groups" && text != "leads" {
			return "no group " + text
		}
		return ""
	}
	for source, want := range map[string]int{
		`"leads" in groups`:                                    0,
		`"leeds" in groups`:                                    1,
		`!("leeds" in groups) || true`:                         1,
		`(kind == "deployment" ? "leads" : "leeds") in groups`: 1,
		`groups == ["leads", "leeds"]`:                         1,
		`["leeds"] != groups`:                                  1,
		`groups[0] == "leeds"`:                                 1,
		`groups[0] in ["leads", "lead", "leeds"]`:              2,
		`model == "leeds"`:                                     0,
	} {
		if _, got := New(source, never); len(got) != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}

func TestReads(t *testing.T) {
	c, mistakes := New(`has(duration) && cost.floor_after > 1.0 && has(cost.ceiling_after) && change.max_replica.up`, noTexts)
	if mistakes != nil {
		t.Fatal(mistakes)
	}
	for name, want := range map[string]bool{
		"duration": true, "cost": true, "cost.floor_after": true, "cost.ceiling_after": true, "change": true,
		"user": false, "cost.floor_before": false,
	} {
		if c.Reads(name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}
