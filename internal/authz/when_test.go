package authz

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"autoscalebot/internal/baseten"
)

// guarded is a policy with one condition on a rule of the given effect, above a
// rule that allows everybody everything.
func guarded(effect Effect, when string) string {
	who := ""
	if effect != Deny {
		who = "    who: [everyone]\n"
	}
	return fmt.Sprintf(`
version: 1
timezone: Europe/Berlin
groups:
  oncall: {usergroups: [S0ONCALL]}
rules:
  - name: guarded
%s    when: |
      %s
    effect: %s
  - name: rest
    who: [everyone]
    effect: confirm
`, who, when, effect)
}

// usd makes a cost.
func usd(v float64) *float64 { return &v }

// The question of these tests: max goes from 4 to 12, min is 1 and not touched;
// window is null at Baseten; the cost is not known but for the ceiling before.
func partial() Question {
	q := raise("max", 4, 12)
	q.Cost.CeilingBefore = usd(40)
	return q
}

func TestConditions(t *testing.T) {
	// What a condition comes to: whether it matches, does not, or fails.
	const matches, skips, fails = "matches", "skips", "fails"
	tests := []struct{ when, want string }{
		// Plain values.
		{`change.max_replica.up`, matches},
		{`change.max_replica.down`, skips},
		{`change.max_replica.from == 4 && change.max_replica.to == 12`, matches},
		{`after.max_replica > 10 and after.min_replica == 1`, matches},
		{`before.max_replica * 2 < after.max_replica`, matches},
		{`change.max_replica.to in 9..16`, matches},
		{`change.max_replica.to in [4, 8]`, skips},
		{`change.max_replica.to <= (kind == "environment" ? 12 : 4)`, matches},
		{`model startsWith "llama-" and team == "nlp" and target == "production" and serves == "production"`, matches},
		{`user == "U0ONCALL7" and channel == "C0MLOPS" and reason == ""`, matches},
		{`"oncall" in groups`, matches},
		{`any(groups, # == "oncall")`, matches},
		{`none(groups, {# startsWith "on"})`, skips},
		{`cost.ceiling_before > 39.5`, matches},
		{`model matches "^llama-[0-9]+b$"`, matches},
		{`true`, matches},
		{`false`, skips},
		{`if kind == "environment" { change.max_replica.up } else { false }`, matches},

		// Time: 10:00 UTC on Monday 4 May 2026 is noon in Berlin.
		{`now.Hour() == 12 && now.Minute() == 0`, matches},
		{`now.Weekday() == 1`, matches},
		{`now.Weekday() in [0, 6]`, skips},
		{`now.Weekday().String() == "Monday"`, matches},
		{`now.Month() == 5 && now.Day() == 4`, matches},
		{`now > date("2026-05-04T11:59") && now < date("2026-05-04 12:01")`, matches},
		{`now == date("2026-05-04T10:00:00Z")`, matches},
		{`now - date("2026-05-04") == duration("12h")`, matches},

		// An absent value fails whatever the operator.
		{`before.autoscaling_window > 60`, fails},
		{`before.autoscaling_window != 60`, fails},
		{`not (before.autoscaling_window == 60)`, fails},
		{`!(before.autoscaling_window != 60)`, fails},
		{`before.autoscaling_window == before.autoscaling_window`, fails},
		{`before.autoscaling_window in [60]`, fails},
		{`before.autoscaling_window not in [60]`, fails},
		{`before["autoscaling_window"] != 60`, fails},
		{`after.autoscaling_window != 60`, fails},
		{`string(before.autoscaling_window) != "60"`, fails},
		{`[before.autoscaling_window][0] != 60`, fails},
		{`any([1], before.autoscaling_window != 60)`, fails},
		{`len(filter(groups, before.autoscaling_window == 60)) == 0`, fails},
		{`cost.floor_after < 5`, fails},
		{`not (cost.floor_after > 5)`, fails},
		{`max(cost.floor_after, 1) < 100`, fails},
		{`(kind == "environment" ? 1 : before.autoscaling_window) == 1`, fails},
		{`(true || before.autoscaling_window > 60) == true`, fails},
		{`before.autoscaling_window > 60 || true`, fails},
		{`true || before.autoscaling_window > 60`, fails},
		{`before.autoscaling_window > 60 && false`, fails},
		{`false && before.autoscaling_window > 60`, fails},
		{`true ? true : before.autoscaling_window > 60`, fails},
		{`false ? before.autoscaling_window > 60 : false`, fails},
		{`groups[7] == "x"`, fails},                  // breaks while running
		{`int(model) == 1`, fails},                   // likewise
		{`1 % (4 - before.max_replica) == 0`, fails}, // likewise

		// has asks first.
		{`has(before.autoscaling_window)`, skips},
		{`!has(before.autoscaling_window)`, matches},
		{`has(before.max_replica) and has(cost.ceiling_before) and has(change.max_replica) and has(groups) and has(now)`, matches},
		{`has(change.min_replica)`, skips},
		{`has(change.max_replica.from)`, matches},
		{`has(serves) && !has(reason) && has(team) && has(channel)`, matches},
		{`has(before.autoscaling_window) && before.autoscaling_window > 60`, skips},
		{`not has(before.autoscaling_window) || before.autoscaling_window > 60`, matches},
		{`has(before.autoscaling_window) ? before.autoscaling_window > 60 : true`, matches},
		{`has(before.autoscaling_window) ? before.autoscaling_window > 60 : false`, skips},
		{`not (has(before.autoscaling_window) && before.autoscaling_window > 60)`, matches},
		{`has(before.autoscaling_window) && kind == "environment" && before.autoscaling_window > 60`, skips},
		{`kind == "environment" && (has(before.autoscaling_window) && before.autoscaling_window > 60)`, skips},
		{`kind == "deployment" && has(before.autoscaling_window) && before.autoscaling_window > 60`, skips},
		{`has(before.autoscaling_window) || before.autoscaling_window > 60`, fails},
		{`!has(before.autoscaling_window) && before.autoscaling_window > 60`, fails},
		{`has(before.autoscaling_window) ? true : before.autoscaling_window > 60`, fails},
		{`before.autoscaling_window > 60 && has(before.autoscaling_window)`, fails},
		{`has(before.autoscaling_window) && before.scale_down_delay > 60`, fails},
		{`has(after.autoscaling_window) && before.autoscaling_window > 60`, fails},
		{`(has(before.autoscaling_window) || kind == "environment") && before.autoscaling_window > 60`, fails},

		// A field that is not touched: the part about it decides nothing.
		{`change.min_replica.to == 0`, skips},
		{`change.min_replica.to != 0`, skips},
		{`!change.min_replica.up`, skips},
		{`not (change.min_replica.to > 0)`, skips},
		{`not not change.min_replica.up`, skips},
		{`(change.min_replica.up) == false`, skips},
		{`change.min_replica.to in [0]`, skips},
		{`change.min_replica.to not in [0]`, skips},
		{`change.min_replica.to == 0 || change.max_replica.to > 10`, matches},
		{`change.max_replica.to > 10 || change.min_replica.to == 0`, matches},
		{`change.min_replica.to == 0 || change.max_replica.to > 20`, skips},
		{`change.min_replica.to == 0 && change.max_replica.to > 10`, skips},
		{`not (change.min_replica.to == 0 && change.max_replica.to > 10)`, skips},
		{`not (change.min_replica.to == 0 && change.max_replica.to > 20)`, matches},
		{`not (change.min_replica.to == 0 || change.max_replica.to > 10)`, skips},
		{`not (change.min_replica.to == 0 || change.max_replica.to > 20)`, skips},
		{`change.min_replica.up ? true : true`, skips},
		{`change.min_replica.up ? false : change.max_replica.up`, skips},
		{`kind == "environment" ? change.min_replica.up : true`, skips},
		{`has(change.min_replica) ? change.min_replica.to > 0 : true`, matches},
		{`!has(change.min_replica) || change.min_replica.to > 0`, matches},
		{`has(change.min_replica) && change.min_replica.to == 0`, skips},

		// Both: "and" is not about this request, "or" fails.
		{`change.min_replica.up && cost.floor_after > 5`, skips},
		{`cost.floor_after > 5 && change.min_replica.up`, skips},
		{`change.min_replica.to > before.autoscaling_window`, skips},
		{`change.min_replica.up || cost.floor_after > 5`, fails},
		{`cost.floor_after > 5 || change.min_replica.up`, fails},
		{`not (change.min_replica.up && cost.floor_after > 5)`, fails},
		{`not (change.min_replica.up || cost.floor_after > 5)`, skips},
	}
	for _, test := range tests {
		t.Run(test.when, func(t *testing.T) {
			for _, effect := range []Effect{Deny, Allow} {
				p := mustLoad(t, guarded(effect, test.when))
				d := p.Decide(partial())
				got := fmt.Sprintf("%s by %q", d.Effect, d.Rule)
				want := map[string]string{
					matches: fmt.Sprintf("%s by %q", effect, "guarded"),
					skips:   `confirm by "rest"`,
					fails:   `deny by "guarded"`,
				}[test.want]
				if got != want {
					t.Errorf("%s rule: %s; want %s: %s", effect, got, want, d.Reason)
				}
				if judged := !strings.Contains(d.Reason, "cannot be judged"); judged == (test.want == fails) {
					t.Errorf("%s rule: the reason is %q", effect, d.Reason)
				}
			}
		})
	}
}

// The tables of the package comment, both ways round.
func TestJoinTables(t *testing.T) {
	names := map[answer]string{yes: "yes", no: "no", moot: "moot", failed: "failed"}
	and := map[string]string{
		"yes yes": "yes", "yes no": "no", "yes moot": "moot", "yes failed": "failed",
		"no no": "no", "no moot": "moot", "no failed": "failed",
		"moot moot": "moot", "moot failed": "moot", "failed failed": "failed",
	}
	or := map[string]string{
		"yes yes": "yes", "yes no": "yes", "yes moot": "yes", "yes failed": "failed",
		"no no": "no", "no moot": "moot", "no failed": "failed",
		"moot moot": "moot", "moot failed": "failed", "failed failed": "failed",
	}
	order := []answer{yes, no, moot, failed}
	for i, l := range order {
		for _, r := range order[i:] {
			key := names[l] + " " + names[r]
			for _, pair := range [][2]answer{{l, r}, {r, l}} {
				x, y := outcome{answer: pair[0]}, outcome{answer: pair[1]}
				if got := names[both(x, y).answer]; got != and[key] {
					t.Errorf("%s and %s: %s", names[pair[0]], names[pair[1]], got)
				}
				if got := names[either(x, y).answer]; got != or[key] {
					t.Errorf("%s or %s: %s", names[pair[0]], names[pair[1]], got)
				}
			}
		}
	}
}

func TestAbsentFactsOfAQuestion(t *testing.T) {
	tests := []struct {
		name, when string
		change     func(*Question)
		reason     string
	}{
		{"the time", `now.Hour() < 6`, func(q *Question) { q.Now = time.Time{} }, "now has no value"},
		{"groups", `"oncall" not in groups`, func(q *Question) { q.Person.ID = "U0OTHER"; q.People = People{} }, "a user group could not be read"},
		{"from", `change.max_replica.from < 3`, func(q *Question) { q.Before = nil }, "the value of max now is not known (change.max_replica.from)"},
		{"up", `not change.max_replica.up`, func(q *Question) { q.Before = nil }, "the value of max now is not known (change.max_replica.up)"},
		{"after", `after.min_replica == 0`, func(q *Question) { q.Before = baseten.Settings{baseten.MaxReplica: 4} }, "after.min_replica has no value"},
		{"cost", `cost.ceiling_after < 5`, func(*Question) {}, "the cost is not known (cost.ceiling_after)"},
		{"breaks", `int(model) == 1`, func(*Question) {}, "its condition failed (invalid operation: int(llama-70b))"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := partial()
			test.change(&q)
			d := mustLoad(t, guarded(Allow, test.when)).Decide(q)
			want := fmt.Sprintf("Rule %q cannot be judged, so nothing is changed: %s.", "guarded", test.reason)
			if d.Effect != Deny || d.Rule != "guarded" || d.Reason != want {
				t.Errorf("%s by %q: %s", d.Effect, d.Rule, d.Reason)
			}
		})
	}
	// The new value is known even where the old one is not.
	q := partial()
	q.Before = nil
	if d := mustLoad(t, guarded(Deny, `change.max_replica.to > 10 && after.max_replica > 10`)).Decide(q); d.Rule != "guarded" || strings.Contains(d.Reason, "judged") {
		t.Errorf("%s by %q: %s", d.Effect, d.Rule, d.Reason)
	}
}

func TestNeedsCost(t *testing.T) {
	for when, want := range map[string]bool{
		`cost.ceiling_after > 5`:                               true,
		`has(cost.ceiling_after) && cost.ceiling_after > 5`:    true,
		`cost.ceiling_before > 5`:                              false,
		`change.min_replica.to == 0`:                           false,
		`change.min_replica.to == 0 && cost.ceiling_after > 5`: true,
	} {
		p := mustLoad(t, guarded(Deny, when))
		if d := p.Decide(partial()); d.NeedsCost != want {
			t.Errorf("%s: NeedsCost is %t", when, d.NeedsCost)
		}
		q := partial()
		q.Cost = Cost{usd(1), usd(2), usd(3), usd(4)}
		if d := p.Decide(q); d.NeedsCost {
			t.Errorf("%s: NeedsCost with the cost known", when)
		}
		if uses := strings.Contains(when, "cost."); p.UsesCost() != uses {
			t.Errorf("%s: UsesCost is %t", when, p.UsesCost())
		}
	}
}

// Every setting of the table can be asked about, and is the one that is meant.
func TestConditionsKnowEverySetting(t *testing.T) {
	for i, row := range baseten.AllSettings {
		before, after := 11+i, 31+i
		q := raise(row.Word, before, after)
		when := fmt.Sprintf("before.%[1]s == %[2]d && after.%[1]s == %[3]d && change.%[1]s.from == %[2]d && change.%[1]s.to == %[3]d && change.%[1]s.up && !change.%[1]s.down", row.Field, before, after)
		if d := mustLoad(t, guarded(Allow, when)).Decide(q); d.Effect != Allow {
			t.Errorf("%s: %s", row.Field, d.Reason)
		}
	}
}

// Ranges and predicates are bounded: a condition cannot stop the bot.
func TestConditionsEnd(t *testing.T) {
	for _, when := range []string{
		`all(1..100000000, # > 0)`,
		`count(1..2000000000, # % 2 == 0) > 5`,
		`len(map(1..9000, map(1..2, 1))) > 0`,
	} {
		p, err := Load("p.yaml", []byte(guarded(Allow, when)))
		if err != nil {
			continue // refused: just as good
		}
		if d := p.Decide(partial()); d.Effect != Deny || d.Rule != "guarded" {
			t.Errorf("%s: %s by %q", when, d.Effect, d.Rule)
		}
	}
}

func TestDecideInParallel(t *testing.T) {
	p := mustLoad(t, guarded(Allow, `change.max_replica.up && "oncall" in groups && now.Hour() == 12 && has(cost.ceiling_before)`))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if d := p.Decide(partial()); d.Effect != Allow {
					t.Errorf("%s: %s", d.Effect, d.Reason)
					return
				}
			}
		})
	}
	wg.Wait()
}
