package authz_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/policyfile"
	"autoscalebot/internal/baseten"
)

// guarded is a policy with one condition on a rule of the given effect, above a
// rule that allows everybody everything.
func guarded(effect authz.Effect, when string) string {
	who := ""
	if effect != authz.Deny {
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

// unknownCost is a cost of which nothing is known yet.
func unknownCost() *baseten.Cost {
	return &baseten.Cost{FloorBefore: math.NaN(), FloorAfter: math.NaN(), CeilingBefore: math.NaN(), CeilingAfter: math.NaN()}
}

// The question of these tests: max goes from 4 to 12, min is 1 and not touched;
// window is null at Baseten; the cost is not known but for the ceiling before.
func partial() authz.Question {
	q := raise("max", 4, 12)
	q.Cost = unknownCost()
	q.Cost.CeilingBefore = 40
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
		{`after.max_replica > 10 && after.min_replica == 1`, matches},
		{`before.max_replica * 2 < after.max_replica`, matches},
		{`change.max_replica.to in [4, 8]`, skips},
		{`change.max_replica.to <= (kind == "environment" ? 12 : 4)`, matches},
		{`model.startsWith("llama-") && team == "nlp" && target == "production" && serves == "production"`, matches},
		{`user == "U0ONCALL7" && channel == "C0MLOPS" && reason == "" && deployment == "v3"`, matches},
		{`"oncall" in groups`, matches},
		{`cost.ceiling_before > 39.5`, matches},
		{`cost.ceiling_before > 39`, matches},
		{`model.matches("^llama-[0-9]+b$")`, matches},
		{`true`, matches},
		{`false`, skips},

		// Time: 10:00 UTC on Monday 4 May 2026 is noon in Berlin.
		{`local.hour == 12 && local.minute == 0 && local.weekday == 1`, matches},
		{`local.weekday in [0, 6]`, skips},
		{`now.getHours() == 10 && now.getHours("Europe/Berlin") == 12`, matches},
		{`now > timestamp("2026-05-04T11:59:00+02:00") && now < timestamp("2026-05-04T10:01:00Z")`, matches},
		{`now - timestamp("2026-05-04T00:00:00Z") == duration("10h")`, matches},

		// What reads an absent value fails, whatever the operator.
		{`before.autoscaling_window > 60`, fails},
		{`before.autoscaling_window != 60`, fails},
		{`!(before.autoscaling_window == 60)`, fails},
		{`!(before.autoscaling_window != 60)`, fails},
		{`before.autoscaling_window == before.autoscaling_window`, fails},
		{`before.autoscaling_window in [60]`, fails},
		{`!(before.autoscaling_window in [60])`, fails},
		{`60 in [before.autoscaling_window]`, fails},
		{`[before.autoscaling_window][0] != 60`, fails},
		{`after.autoscaling_window != 60`, fails},
		{`string(before.autoscaling_window) != "60"`, fails},
		{`cost.floor_after < 5.0`, fails},
		{`!(cost.floor_after > 5.0)`, fails},
		{`duration > 60`, fails},
		{`(kind == "deployment" ? 1 : before.autoscaling_window) == 1`, fails},
		{`groups[7] == "oncall"`, fails},             // breaks while running
		{`int(model) == 1`, fails},                   // likewise
		{`1 % (4 - before.max_replica) == 0`, fails}, // likewise
		{`before.max_replica * 9223372036854775807 > 0`, fails},

		// But not where the other side decides alone.
		{`before.autoscaling_window > 60 || true`, matches},
		{`true || before.autoscaling_window > 60`, matches},
		{`before.autoscaling_window > 60 || false`, fails},
		{`false || before.autoscaling_window > 60`, fails},
		{`before.autoscaling_window > 60 && false`, skips},
		{`false && before.autoscaling_window > 60`, skips},
		{`before.autoscaling_window > 60 && true`, fails},
		{`true && before.autoscaling_window > 60`, fails},
		{`!(before.autoscaling_window > 60 && false)`, matches},
		{`true ? true : before.autoscaling_window > 60`, matches},
		{`false ? before.autoscaling_window > 60 : false`, skips},
		{`before.autoscaling_window > 60 ? true : true`, fails},
		{`1 / (4 - before.max_replica) > 0 || change.max_replica.up`, matches},

		// has asks first.
		{`has(before.autoscaling_window)`, skips},
		{`!has(before.autoscaling_window)`, matches},
		{`has(before.max_replica) && has(cost.ceiling_before) && has(change.max_replica) && has(groups) && has(now) && has(local.hour)`, matches},
		{`has(cost.floor_after) || has(duration)`, skips},
		{`has(change.min_replica) || has(change.min_replica.to) || has(change.min_replica.from)`, skips},
		{`has(change.max_replica.from)`, matches},
		{`has(serves) && !has(reason) && has(team) && has(channel) && has(deployment)`, matches},
		{`has(before.autoscaling_window) && before.autoscaling_window > 60`, skips},
		{`!has(before.autoscaling_window) || before.autoscaling_window > 60`, matches},
		{`has(before.autoscaling_window) ? before.autoscaling_window > 60 : true`, matches},
		{`before.autoscaling_window > 60 && has(before.autoscaling_window)`, skips},
		{`has(before.autoscaling_window) || before.autoscaling_window > 60`, fails},
		{`!has(before.autoscaling_window) && before.autoscaling_window > 60`, fails},
		{`has(change.min_replica) && change.min_replica.to == 0`, skips},
		{`!has(change.min_replica) || change.min_replica.to > 0`, matches},
		{`has(duration) && duration > 28800`, skips},
		{`!has(duration)`, matches},

		// A field that is not touched: nothing else wrong, the rule is not about this.
		{`change.min_replica.to == 0`, skips},
		{`change.min_replica.to != 0`, skips},
		{`!change.min_replica.up`, skips},
		{`!(change.min_replica.to > 0)`, skips},
		{`change.min_replica.up == false`, skips},
		{`change.min_replica.to in [0]`, skips},
		{`!(change.min_replica.to in [0])`, skips},
		{`[change.min_replica.to].size() == 1`, skips},
		{`string(change.min_replica.to) != "0"`, skips},
		{`change.min_replica.to * 2 - 1 != 0`, skips},
		{`change.min_replica.to == 0 || change.max_replica.to > 10`, matches},
		{`change.max_replica.to > 10 || change.min_replica.to == 0`, matches},
		{`change.min_replica.to == 0 || change.max_replica.to > 20`, skips},
		{`change.min_replica.to == 0 && change.max_replica.to > 10`, skips},
		{`!(change.min_replica.to == 0 && change.max_replica.to > 20)`, matches},
		{`!(change.min_replica.to == 0 || change.max_replica.to > 10)`, skips},
		{`change.min_replica.up ? true : true`, skips},
		{`kind == "environment" ? change.min_replica.up : true`, skips},

		// Untouched beside something else that went wrong: it fails, in either order.
		{`change.min_replica.to == 0 || cost.floor_after > 100.0`, fails},
		{`cost.floor_after > 100.0 || change.min_replica.to == 0`, fails},
		{`change.min_replica.up && cost.floor_after > 5.0`, fails},
		{`cost.floor_after > 5.0 && change.min_replica.up`, fails},
		{`!(change.min_replica.up && cost.floor_after > 5.0)`, fails},
		{`change.min_replica.to == 0 || before.autoscaling_window > 60`, fails},
		{`before.autoscaling_window > 60 || change.min_replica.to == 0`, fails},
		{`change.min_replica.to == 0 || duration > 60`, fails},
		{`duration > 60 || change.min_replica.to == 0`, fails},
		{`change.min_replica.to == 0 || 1 / (4 - before.max_replica) > 0`, fails},
		{`1 / (4 - before.max_replica) > 0 || change.min_replica.to == 0`, fails},
		{`change.min_replica.to == 0 || int(model) == 1`, fails},
		{`change.min_replica.to == 0 || groups[7] == "oncall"`, fails},
		{`change.min_replica.to == 0 || after.max_replica * 9223372036854775807 > 0`, fails},
		{`change.min_replica.to == 0 || (kind == "environment" ? cost.floor_after > 1.0 : true)`, fails},
		{`change.min_replica.to == 0 || cost.floor_after > 100.0 || change.max_replica.up`, matches},
		{`change.min_replica.to == 0 && cost.floor_after > 100.0 && change.max_replica.down`, skips},
	}
	for _, test := range tests {
		t.Run(test.when, func(t *testing.T) {
			for _, effect := range []authz.Effect{authz.Deny, authz.Allow} {
				p := mustLoad(t, guarded(effect, test.when))
				d := p.Decide(partial())
				got := fmt.Sprintf("%s by %q", d.Effect, d.Rule)
				want := map[string]string{
					matches: fmt.Sprintf("%s by %q", effect, "guarded"),
					skips:   `confirm by "rest"`,
					fails:   `deny by "guarded"`,
				}[test.want]
				if got != want {
					t.Errorf("%s rule: %s; want %s: %+v", effect, got, want, d.Cause)
				}
				if failed := d.Cause.Code == authz.CauseConditionFailed; failed != (test.want == fails) {
					t.Errorf("%s rule: the cause is %+v", effect, d.Cause)
				}
			}
		})
	}
}

// Each absent value is named, and what broke is told.
func TestCausesOfFailedConditions(t *testing.T) {
	tests := []struct {
		name, when string
		change     func(*authz.Question)
		want       authz.Cause
	}{
		{"the time", `local.hour < 6`, func(q *authz.Question) { q.Now = time.Time{} }, authz.Cause{Value: "local.hour"}},
		{"now", `now < timestamp("2026-05-04T00:00:00Z")`, func(q *authz.Question) { q.Now = time.Time{} }, authz.Cause{Value: "now"}},
		{"groups", `!("oncall" in groups)`, func(q *authz.Question) { q.Person.ID = "U0OTHER"; q.People = authz.People{} }, authz.Cause{Value: "groups", Unreadable: []string{"S0ONCALL"}}},
		{"from", `change.max_replica.from < 3`, func(q *authz.Question) { q.Before = nil }, authz.Cause{Value: "change.max_replica.from"}},
		{"up", `!change.max_replica.up`, func(q *authz.Question) { q.Before = nil }, authz.Cause{Value: "change.max_replica.up"}},
		{"after", `after.min_replica == 0`, func(q *authz.Question) { q.Before = baseten.Settings{baseten.MaxReplica: 4} }, authz.Cause{Value: "after.min_replica"}},
		{"cost", `cost.ceiling_after < 5.0`, func(*authz.Question) {}, authz.Cause{Value: "cost.ceiling_after"}},
		{"no cost at all", `cost.ceiling_before < 5.0`, func(q *authz.Question) { q.Cost = nil }, authz.Cause{Value: "cost.ceiling_before"}},
		{"duration", `duration < 5`, func(*authz.Question) {}, authz.Cause{Value: "duration"}},
		{"division", `after.max_replica / (before.min_replica - 1) >= 2`, func(*authz.Question) {}, authz.Cause{Trouble: "division by zero"}},
		{"not the untouched one", `change.min_replica.to == 0 || cost.floor_after > 1.0`, func(*authz.Question) {}, authz.Cause{Value: "cost.floor_after"}},
		{"not the untouched one, but what broke", `change.min_replica.to == 0 || 1 / (before.min_replica - 1) > 0`, func(*authz.Question) {}, authz.Cause{Trouble: "division by zero"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := partial()
			test.change(&q)
			d := mustLoad(t, guarded(authz.Allow, test.when)).Decide(q)
			test.want.Code, test.want.Rule = authz.CauseConditionFailed, "guarded"
			if d.Effect != authz.Deny || d.Rule != "guarded" {
				t.Errorf("%s by %q", d.Effect, d.Rule)
			}
			sameCause(t, test.want, d.Cause)
		})
	}
	// The new value is known even where the old one is not.
	q := partial()
	q.Before = nil
	if d := mustLoad(t, guarded(authz.Deny, `change.max_replica.to > 10 && after.max_replica > 10`)).Decide(q); d.Cause.Code != authz.CauseDenies || d.Rule != "guarded" {
		t.Errorf("%s by %q: %+v", d.Effect, d.Rule, d.Cause)
	}
}

// One thing has one name in conditions, however it was named in the command.
func TestTargetOfConditions(t *testing.T) {
	p := mustLoad(t, guarded(authz.Deny, `target == "production"`))
	for name, test := range map[string]struct {
		target baseten.Target
		rule   string
	}{
		"environment":            {baseten.Target{Environment: "production", Serves: "production", Deployment: "v3"}, "guarded"},
		"environment, unserved":  {baseten.Target{Environment: "production"}, "guarded"},
		"its serving deployment": {baseten.Target{Serves: "production", Deployment: "v3"}, "guarded"},
		"another environment":    {baseten.Target{Environment: "staging", Serves: "staging", Deployment: "production"}, "rest"},
		"an idle deployment":     {baseten.Target{Deployment: "v4"}, "rest"},
		"a deployment's name":    {baseten.Target{Deployment: "production"}, "guarded"},
	} {
		q := partial()
		q.Target = test.target
		if d := p.Decide(q); d.Rule != test.rule {
			t.Errorf("%s: %s by %q", name, d.Effect, d.Rule)
		}
	}
}

func TestDurationOfConditions(t *testing.T) {
	p := mustLoad(t, guarded(authz.Deny, `!has(duration) || duration > 8 * 3600`))
	for duration, rule := range map[time.Duration]string{0: "guarded", 8 * time.Hour: "rest", 9 * time.Hour: "guarded"} {
		q := partial()
		q.Duration = duration
		if d := p.Decide(q); d.Rule != rule {
			t.Errorf("%s: %s by %q", duration, d.Effect, d.Rule)
		}
	}
}

func TestNeedsCost(t *testing.T) {
	for when, want := range map[string]bool{
		`cost.ceiling_after > 5.0`:                               true,
		`has(cost.ceiling_after) && cost.ceiling_after > 5.0`:    true,
		`cost.ceiling_before > 5.0`:                              false,
		`change.min_replica.to == 0`:                             false,
		`change.min_replica.to == 0 && cost.ceiling_after > 5.0`: true,
	} {
		p := mustLoad(t, guarded(authz.Deny, when))
		if d := p.Decide(partial()); d.NeedsCost != want {
			t.Errorf("%s: NeedsCost is %t", when, d.NeedsCost)
		}
		q := partial()
		q.Cost = &baseten.Cost{FloorBefore: 1, FloorAfter: 2, CeilingBefore: 3, CeilingAfter: 4}
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
		if d := mustLoad(t, guarded(authz.Allow, when)).Decide(q); d.Effect != authz.Allow {
			t.Errorf("%s: %+v", row.Field, d.Cause)
		}
	}
}

// The work of a condition is bounded: what would take long is refused or fails.
func TestConditionsEnd(t *testing.T) {
	const dear = `(model + model + model + model).matches("^(a+)+(b+)+(c+)+$") || `
	for _, when := range []string{
		strings.Repeat(dear, 25) + "false",
		`reason.matches("(a*)*(b*)*$") || true`,
	} {
		p, err := policyfile.Load("p.yaml", []byte(guarded(authz.Allow, when)))
		if err != nil {
			continue // refused: just as good
		}
		q := partial()
		q.Reason = strings.Repeat("a", 500_000)
		q.Target.Model = strings.Repeat("a", 100_000)
		if d := p.Decide(q); d.Effect != authz.Deny || d.Rule != "guarded" || d.Cause.Trouble == "" {
			t.Errorf("%.50s: %s by %q: %+v", when, d.Effect, d.Rule, d.Cause)
		}
	}
}

func TestDecideInParallel(t *testing.T) {
	p := mustLoad(t, guarded(authz.Allow, `change.max_replica.up && "oncall" in groups && local.hour == 12 && has(cost.ceiling_before)`))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if d := p.Decide(partial()); d.Effect != authz.Allow {
					t.Errorf("%s: %+v", d.Effect, d.Cause)
					return
				}
			}
		})
	}
	wg.Wait()
}
