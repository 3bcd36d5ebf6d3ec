package authz_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/policyfile"
	"autoscalebot/internal/baseten"
)

// The people, groups, models and settings that the properties are tried on.
var (
	somePeople     = []string{"U0ANNA", "U0BERT", "U0CARL", "U0DORA"}
	someGroups     = []string{"leads", "oncall", "sre"}
	someUsergroups = []string{"S0LEADS", "S0SRE"}
	someFields     = []baseten.Field{baseten.MinReplica, baseten.MaxReplica, baseten.AutoscalingWindow}
)

const somePreamble = `
version: 1
groups:
  leads: {users: [U0ANNA], usergroups: [S0LEADS]}
  oncall: {users: [U0BERT, U0CARL]}
  sre: {usergroups: [S0SRE]}
rules:
`

// drawCondition draws a condition over values that are often absent.
func drawCondition(t *rapid.T, depth int) string {
	leaf := func() string {
		f := rapid.SampledFrom(someFields).Draw(t, "field")
		n := rapid.IntRange(0, 6).Draw(t, "n")
		op := rapid.SampledFrom([]string{"==", "!=", "<", ">="}).Draw(t, "op")
		switch rapid.IntRange(0, 7).Draw(t, "leaf") {
		case 0:
			return fmt.Sprintf("before.%s %s %d", f, op, n)
		case 1:
			return fmt.Sprintf("after.%s %s %d", f, op, n)
		case 2:
			return fmt.Sprintf("change.%s.to %s %d", f, op, n)
		case 3:
			return fmt.Sprintf("change.%s.%s", f, rapid.SampledFrom([]string{"up", "down"}).Draw(t, "way"))
		case 4:
			return fmt.Sprintf("cost.floor_after %s %d.0", op, n)
		case 5:
			return fmt.Sprintf("has(%s)", rapid.SampledFrom([]string{"before." + string(f), "change." + string(f), "cost.floor_after"}).Draw(t, "has"))
		case 6:
			return fmt.Sprintf("6 / after.%s %s %d", f, op, n)
		default:
			return `"leads" in groups`
		}
	}
	if depth == 0 {
		return leaf()
	}
	sub := func() string { return drawCondition(t, depth-1) }
	switch rapid.IntRange(0, 4).Draw(t, "node") {
	case 0:
		return "(" + sub() + " && " + sub() + ")"
	case 1:
		return "(" + sub() + " || " + sub() + ")"
	case 2:
		return "!(" + sub() + ")"
	case 3:
		return "(" + sub() + " ? " + sub() + " : " + sub() + ")"
	default:
		return leaf()
	}
}

func drawList(t *rapid.T, what string, from []string) string {
	list := rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, 2, rapid.ID[string]).Draw(t, what)
	return "[" + strings.Join(list, ", ") + "]"
}

func drawRule(t *rapid.T, name string, effect authz.Effect) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - name: %s\n    effect: %s\n", name, effect)
	if effect != authz.Deny || rapid.Bool().Draw(t, "has who") {
		fmt.Fprintf(&b, "    who: %s\n", drawList(t, "who", append([]string{authz.Everyone, "U0DORA"}, someGroups...)))
	}
	if rapid.Bool().Draw(t, "has settings") {
		fmt.Fprintf(&b, "    settings: %s\n", drawList(t, "settings", []string{"min", "max", "window"}))
	}
	if rapid.Bool().Draw(t, "has targets") {
		fmt.Fprintf(&b, "    targets: %s\n", drawList(t, "targets", []string{"production", "staging", `"*"`}))
	}
	if rapid.Bool().Draw(t, "has when") {
		fmt.Fprintf(&b, "    when: |\n      %s\n", drawCondition(t, 2))
	}
	if effect == authz.Approve {
		fmt.Fprintf(&b, "    approvers: [leads, sre, U0DORA]\n    approvals: %s\n", rapid.SampledFrom([]string{"1", "2", "{leads: 1, sre: 1}"}).Draw(t, "approvals"))
		if rapid.Bool().Draw(t, "has glass") {
			fmt.Fprintf(&b, "    break_glass: {who: [oncall]}\n")
		}
	}
	return b.String()
}

func drawRules(t *rapid.T) string {
	var b strings.Builder
	for i := range rapid.IntRange(1, 4).Draw(t, "rules") {
		effect := rapid.SampledFrom([]authz.Effect{authz.Allow, authz.Confirm, authz.Approve, authz.Deny}).Draw(t, "effect")
		b.WriteString(drawRule(t, fmt.Sprintf("r%d", i), effect))
	}
	return b.String()
}

func drawSettings(t *rapid.T, what string, least int) baseten.Settings {
	return baseten.Settings(rapid.MapOfN(rapid.SampledFrom(someFields), rapid.IntRange(0, 6), least, len(someFields)).Draw(t, what))
}

func drawPeople(t *rapid.T) authz.People {
	p := authz.People{Members: map[string][]string{}, Unreachable: map[string]bool{}}
	for _, ug := range someUsergroups {
		p.Members[ug] = rapid.SliceOfNDistinct(rapid.SampledFrom(somePeople), 0, 3, rapid.ID[string]).Draw(t, ug)
		p.Unreachable[ug] = rapid.IntRange(0, 4).Draw(t, "unreachable") == 0
	}
	return p
}

func drawQuestion(t *rapid.T) authz.Question {
	q := authz.Question{
		Person: authz.Person{
			ID:         rapid.SampledFrom(somePeople).Draw(t, "person"),
			Membership: rapid.SampledFrom([]authz.Membership{authz.Member, authz.Member, authz.Member, authz.Guest, authz.Bot, authz.Foreign, authz.Deactivated, authz.Unknown, ""}).Draw(t, "membership"),
		},
		Target:     baseten.Target{Model: "llama", Environment: rapid.SampledFrom([]string{"production", "staging"}).Draw(t, "target")},
		Before:     drawSettings(t, "before", 0),
		Touched:    drawSettings(t, "touched", 1),
		Reason:     rapid.SampledFrom([]string{"", "fire"}).Draw(t, "reason"),
		BreakGlass: rapid.IntRange(0, 3).Draw(t, "glass") == 0,
		Confirmed:  rapid.Bool().Draw(t, "confirmed"),
		People:     drawPeople(t),
	}
	if rapid.Bool().Draw(t, "cost known") {
		q.Cost = drawCost(t)
	}
	return q
}

func drawCost(t *rapid.T) *baseten.Cost {
	c := unknownCost()
	c.FloorAfter = float64(rapid.IntRange(0, 6).Draw(t, "cost"))
	return c
}

func drawPolicy(t *rapid.T, rules string) *authz.Policy {
	p, err := policyfile.Load("p.yaml", []byte(somePreamble+rules))
	if err != nil {
		t.Fatalf("the policy does not load: %v\n%s", err, rules)
	}
	return p
}

func TestPropertyDenyOnTopNeverPermits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, q := drawRules(t), drawQuestion(t)
		below := drawPolicy(t, rules).Decide(q)
		above := drawPolicy(t, drawRule(t, "on top", authz.Deny)+rules).Decide(q)
		if above.Effect != authz.Deny && (above.Effect != below.Effect || above.Rule != below.Rule) {
			t.Fatalf("%s by %q became %s by %q", below.Effect, below.Rule, above.Effect, above.Rule)
		}
	})
}

// What is not known never helps: nothing is allowed for want of a value, or of a
// user group, that would not be allowed with it.
func TestPropertyAbsentValuesNeverGrant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// One granting rule alone: no other rule can step in.
		rule := "  - name: only\n    effect: allow\n    who: [everyone, leads]\n    when: |\n      " + drawCondition(t, 3) + "\n"
		if strings.Contains(rule, "has(") {
			t.Skip("a condition that asks may grant for the answer no")
		}
		p, q := drawPolicy(t, rule), drawQuestion(t)
		q.Before = q.Before.With(drawSettings(t, "more before", 0))
		less := q
		switch rapid.IntRange(0, 2).Draw(t, "drop") {
		case 0:
			less.Cost = nil
		case 1:
			less.Before = nil
		default:
			less.People = authz.People{}
		}
		if p.Decide(less).Effect == authz.Allow && p.Decide(q).Effect != authz.Allow {
			t.Fatalf("allowed only without the value:\n%s", rule)
		}
	})
}

// A deny is not skipped for want of a value: where it lets a question pass, it lets
// it pass whatever the absent values are. Settings that are not touched stay so.
func TestPropertyAbsentValuesNeverSkipADeny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		when := drawCondition(t, 3)
		if strings.Contains(when, "has(") {
			t.Skip("a condition that asks may depend on the answer")
		}
		p, q := drawPolicy(t, denyThenAllow(when)), drawQuestion(t)
		q.Person.Membership = authz.Member
		if p.Decide(q).Effect != authz.Allow {
			return
		}
		for range 5 {
			full := q
			full.Before = drawSettings(t, "before", len(someFields)).With(q.Before)
			if full.Cost == nil {
				full.Cost = drawCost(t)
			}
			full.People.Unreachable = nil
			full.People.Members = map[string][]string{}
			for _, ug := range someUsergroups {
				full.People.Members[ug] = q.People.Members[ug]
				if q.People.Unreachable[ug] || len(q.People.Members[ug]) == 0 {
					full.People.Members[ug] = rapid.SliceOfNDistinct(rapid.SampledFrom(somePeople), 1, 3, rapid.ID[string]).Draw(t, ug)
				}
			}
			if d := p.Decide(full); d.Rule == "no" && d.Cause.Code == authz.CauseDenies {
				t.Fatalf("with the values it denies: %s", when)
			}
		}
	})
}

func denyThenAllow(when string) string {
	return "  - name: \"no\"\n    effect: deny\n    when: |\n      " + when + "\n  - name: rest\n    who: [everyone]\n    effect: allow\n"
}

// Of an untouched setting and something else that is wrong, in either order and
// joined either way, the first never hides the second: neither is a deny skipped nor
// anything granted.
func TestPropertyUntouchedNeverHidesAnError(t *testing.T) {
	wrong := []string{
		"cost.floor_after > 1.0", "before.scale_down_delay > 1", "after.scale_down_delay > 1", "duration > 1",
		"local.hour > 1", "now > timestamp('2026-05-04T00:00:00Z')", "1 / (size(model) - 5) > 0", "groups[9] == 'leads'",
		"int(model) > 0", "change.max_replica.from > 1", "change.max_replica.up",
		"(kind == 'environment' ? cost.floor_after : 1.0) > 2.0",
	}
	rapid.Check(t, func(t *rapid.T) {
		part := func(what, s string) string {
			for range rapid.IntRange(0, 3).Draw(t, what) {
				around := rapid.SampledFrom([]string{"!(%s)", "(%s) && true", "false || (%s)", "(%s) == true", "true ? (%s) : false"}).Draw(t, "around")
				s = fmt.Sprintf(around, s)
			}
			return "(" + s + ")"
		}
		x := part("untouched", rapid.SampledFrom([]string{"change.min_replica.to == 0", "change.min_replica.up", "change.autoscaling_window.from > 60"}).Draw(t, "x"))
		y := part("wrong", rapid.SampledFrom(wrong).Draw(t, "y"))
		if rapid.Bool().Draw(t, "the other way round") {
			x, y = y, x
		}
		when := x + rapid.SampledFrom([]string{" && ", " || "}).Draw(t, "join") + y
		q := authz.Question{
			Person: authz.Person{ID: "U0BERT", Membership: authz.Member},
			Target: baseten.Target{Model: "llama", Environment: "production"}, Touched: baseten.Settings{baseten.MaxReplica: 4},
			People: authz.People{Members: map[string][]string{"S0LEADS": {"U0DORA"}, "S0SRE": {"U0DORA"}}},
		}
		for name, rules := range map[string]string{
			"a deny": denyThenAllow(when),
			"a grant": "  - name: \"no\"\n    who: [everyone]\n    effect: allow\n    when: |\n      " + when + "\n" +
				"  - name: rest\n    who: [everyone]\n    effect: allow\n",
		} {
			if d := drawPolicy(t, rules).Decide(q); d.Rule != "no" || d.Cause.Code != authz.CauseConditionFailed {
				t.Fatalf("%s: %s by %q (%s): %s", name, d.Effect, d.Rule, d.Cause.Code, when)
			}
		}
	})
}

func TestPropertyOnlyMembersAndGuestsAreGrantedAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := drawPolicy(t, drawRules(t)), drawQuestion(t)
		d := p.Decide(q)
		if !slices.Contains([]authz.Effect{authz.Allow, authz.Confirm, authz.Approve, authz.Deny}, d.Effect) || d.Cause.Code == "" || d.PolicySHA != p.SHA256() {
			t.Fatalf("incomplete: %+v", d)
		}
		if d.Effect != authz.Deny && (d.Rule == "" || q.Person.Membership != authz.Member && q.Person.Membership != authz.Guest) {
			t.Fatalf("%s for a %q by %q", d.Effect, q.Person.Membership, d.Rule)
		}
		if d.BrokeGlass && (d.Effect != authz.Allow || !q.BreakGlass || q.Reason == "") {
			t.Fatalf("glass broken without asking or reason: %+v", d)
		}
		if diff := cmp.Diff(d, p.Explain(q).Decision); diff != "" {
			t.Fatalf("Explain decides otherwise:\n%s", diff)
		}
		steps := p.Explain(q).Steps
		if i := slices.IndexFunc(steps, func(s authz.Step) bool { return s.Matched || s.Decided }); d.Rule != "" && (i < 0 || !steps[i].Decided) {
			t.Fatalf("%q decided, but an earlier rule matches: %+v", d.Rule, steps)
		}
	})
}

func TestPropertyApprovals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := drawRule(t, "only", authz.Approve)
		p, q := drawPolicy(t, rule), drawQuestion(t)
		q.Person.Membership, q.BreakGlass = authz.Member, false
		d := p.Decide(q)
		if slices.Contains(d.Approvers, q.Person.ID) {
			t.Fatalf("the requester is among the approvers: %v", d.Approvers)
		}
		if d.Effect != authz.Approve {
			return
		}
		wanted := 0
		for _, n := range d.Needed {
			wanted += n
		}
		approvals := members(rapid.SliceOf(rapid.SampledFrom(somePeople)).Draw(t, "approvals")...)
		got := p.Tally(q, d, approvals)
		distinct := slices.Compact(slices.Sorted(slices.Values(got.Counts)))
		if slices.Contains(got.Counts, q.Person.ID) || len(distinct) != len(got.Counts) {
			t.Fatalf("the requester or somebody twice: %v", got.Counts)
		}
		if got.Satisfied && len(distinct) < wanted {
			t.Fatalf("%d approvals satisfied %v", len(distinct), d.Needed)
		}
		// Everybody who still could approve makes it satisfied in the end; whoever
		// is named first brings it one nearer.
		left := func(tally authz.Tally) (n int) {
			for _, m := range tally.Missing {
				n += m
			}
			return n
		}
		for !got.Satisfied {
			if len(got.Could) == 0 {
				t.Fatalf("nobody could give what is missing: %v of %v", got.Missing, d.Needed)
			}
			approvals = append(approvals, authz.Person{ID: got.Could[0], Membership: authz.Member})
			next := p.Tally(q, d, approvals)
			if left(next) != left(got)-1 {
				t.Fatalf("one more approval by %s: %v became %v", got.Could[0], got.Missing, next.Missing)
			}
			got = next
		}
		// The order of approvals does not matter.
		slices.Reverse(approvals)
		if !p.Tally(q, d, approvals).Satisfied {
			t.Fatal("satisfied in one order only")
		}
		// An approver who leaves takes the approval along.
		for i := range approvals {
			approvals[i].Membership = authz.Deactivated
		}
		if gone := p.Tally(q, d, approvals); gone.Satisfied || len(gone.Counts) != 0 {
			t.Fatalf("approvals of people who left count: %v", gone.Counts)
		}
	})
}

// weight is how much a decision asks for, by the order of the effects and then by the
// approvals.
func weight(d authz.Decision) int {
	needed := 0
	for _, n := range d.Needed {
		needed += n
	}
	switch d.Effect {
	case authz.Allow:
		return 0
	case authz.Confirm:
		return 1
	case authz.Approve:
		return 1 + needed
	default:
		return 1000
	}
}

// Of two decisions the stricter asks for no less than either, and the order does not
// matter.
func TestPropertyStricterIsNeverWeaker(t *testing.T) {
	stricter := func(a, b authz.Decision) authz.Decision {
		if b.AsksMoreThan(a) {
			return b
		}
		return a
	}
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t, drawRules(t))
		a, b := p.Decide(drawQuestion(t)), p.Decide(drawQuestion(t))
		switch rapid.IntRange(0, 9).Draw(t, "odd") {
		case 0:
			a = authz.Decision{}
		case 1:
			b = authz.Decision{Effect: "of tomorrow"}
		}
		got := stricter(a, b)
		if weight(got) != max(weight(a), weight(b)) {
			t.Fatalf("of %+v and %+v it is %+v", a, b, got)
		}
		if a.AsksMoreThan(b) && b.AsksMoreThan(a) {
			t.Fatalf("%+v and %+v each ask for more", a, b)
		}
		if got.Effect == authz.Approve && weight(a) == weight(b) && len(got.Approvers) > min(len(a.Approvers), len(b.Approvers)) {
			t.Fatalf("of %+v and %+v more people could approve %+v", a, b, got)
		}
		if got.Effect == authz.Allow && (a.BrokeGlass || b.BrokeGlass) != got.BrokeGlass {
			t.Fatalf("of %+v and %+v the glass is forgotten: %+v", a, b, got)
		}
	})
}

// What is forbidden at the end of a temporary change is denied to everybody by a rule
// that denies; what the first fitting rule grants is not forbidden.
func TestPropertyForbids(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, q := drawRules(t), drawQuestion(t)
		q.Person.Membership = authz.Member
		p := drawPolicy(t, rules)
		d, forbidden := p.Forbids(q)
		decided := p.Decide(q)
		if forbidden && (decided.Effect != authz.Deny || d.Effect != authz.Deny || d.Rule == "") {
			t.Fatalf("forbidden by %+v, and decided %+v", d, decided)
		}
		if decided.Cause.Code == authz.CauseDenies && !cmp.Equal(d, decided) {
			t.Fatalf("denied by %+v, and forbidden by %+v", decided, d)
		}
		if _, still := drawPolicy(t, "  - {name: on top, effect: deny}\n"+rules).Forbids(q); !still {
			t.Fatal("a deny on top of everything does not forbid")
		}
	})
}
