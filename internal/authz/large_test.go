package authz_test

import (
	"slices"
	"testing"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// A raise that is many times today's value waits for the requester's Confirm where the
// policy would let it go ahead, and is marked where others decide.
func TestLargeRaises(t *testing.T) {
	const head, allow = "version: 1\n", "rules: [{name: all, who: [everyone], effect: allow}]\n"
	approve := "rules: [{name: all, who: [everyone], effect: approve, approvers: [U0LEAD1], break_glass: {who: [everyone]}}]\n"
	price := func(before, after float64) *baseten.Cost {
		return &baseten.Cost{CeilingBefore: before, CeilingAfter: after}
	}
	both := edit(raise("max", 6, 70), func(q *authz.Question) { q.Touched[baseten.MinReplica] = 40 })
	for _, tt := range []struct {
		name   string
		policy string
		q      authz.Question
		effect authz.Effect
		large  authz.Large
	}{
		{"everyday", head + allow, raise("max", 1, 7), authz.Allow, authz.Large{}},
		{"a zero too many", head + allow, raise("max", 7, 70), authz.Confirm, authz.Large{Fields: []baseten.Field{baseten.MaxReplica}}},
		{"confirmed", head + allow, edit(raise("max", 7, 70), func(q *authz.Question) { q.Confirmed = true }), authz.Allow, authz.Large{Fields: []baseten.Field{baseten.MaxReplica}}},
		{"many, but not many times more", head + allow, raise("max", 20, 70), authz.Allow, authz.Large{}},
		{"many times more, but few", head + allow, raise("max", 1, 29), authz.Allow, authz.Large{}},
		{"just five times", head + allow, raise("max", 6, 30), authz.Confirm, authz.Large{Fields: []baseten.Field{baseten.MaxReplica}}},
		{"not quite five times", head + allow, raise("max", 7, 34), authz.Allow, authz.Large{}},
		{"from nothing", head + allow, raise("min", 0, 30), authz.Confirm, authz.Large{Fields: []baseten.Field{baseten.MinReplica}}},
		{"down", head + allow, raise("max", 700, 70), authz.Allow, authz.Large{}},
		{"of another kind", head + allow, raise("delay", 60, 3000), authz.Allow, authz.Large{}},
		{"both", head + allow, both, authz.Confirm, authz.Large{Fields: []baseten.Field{baseten.MinReplica, baseten.MaxReplica}}},
		{"others decide", head + approve, raise("max", 7, 70), authz.Approve, authz.Large{Fields: []baseten.Field{baseten.MaxReplica}}},
		{"a broken glass is said loudly anyway", head + approve, edit(raise("max", 7, 70), func(q *authz.Question) { q.BreakGlass, q.Reason = true, "the queue grows" }), authz.Allow, authz.Large{Fields: []baseten.Field{baseten.MaxReplica}}},
		{"the policy's own measure", head + "confirm_above: {factor: 2, replicas: 10}\n" + allow, raise("max", 5, 10), authz.Confirm, authz.Large{Fields: []baseten.Field{baseten.MaxReplica}}},
		{"what it leaves out is as without it", head + "confirm_above: {replicas: 10}\n" + allow, raise("max", 5, 10), authz.Allow, authz.Large{}},
		{"the price", head + "confirm_above: {usd_per_hour: 500}\n" + allow, edit(raise("max", 20, 40), func(q *authz.Question) { q.Cost = price(130, 500) }), authz.Confirm, authz.Large{Cost: true}},
		{"a low price", head + "confirm_above: {usd_per_hour: 500}\n" + allow, edit(raise("max", 20, 40), func(q *authz.Question) { q.Cost = price(130, 499) }), authz.Allow, authz.Large{}},
		{"a price that stays", head + "confirm_above: {usd_per_hour: 500}\n" + allow, edit(raise("min", 20, 21), func(q *authz.Question) { q.Cost = price(600, 600) }), authz.Allow, authz.Large{}},
		{"an unknown price", head + "confirm_above: {usd_per_hour: 500}\n" + allow, raise("max", 20, 40), authz.Confirm, authz.Large{Cost: true}},
		{"nobody asks for the price of a delay", head + "confirm_above: {usd_per_hour: 500}\n" + allow, raise("delay", 60, 30), authz.Allow, authz.Large{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := mustLoad(t, tt.policy).Decide(tt.q)
			if d.Effect != tt.effect || !slices.Equal(d.Large.Fields, tt.large.Fields) || d.Large.Cost != tt.large.Cost {
				t.Errorf("%s, large %v, want %s, large %v", d.Effect, d.Large, tt.effect, tt.large)
			}
			if want := tt.effect == authz.Confirm; want != (d.Cause.Code == authz.CauseLarge) {
				t.Errorf("cause %s", d.Cause.Code)
			}
			if want := tt.name == "an unknown price"; want != d.NeedsCost {
				t.Errorf("needs the cost: %v", d.NeedsCost)
			}
		})
	}
	users, err := authz.AllowedUsers([]string{"U0ONCALL7"})
	if err != nil {
		t.Fatal(err)
	}
	if d := users.Decide(raise("max", 7, 70)); d.Effect != authz.Confirm {
		t.Errorf("without a policy file: %s", d.Effect)
	}
}

// The card pings those of the approvers whom the rule names, and all where it names
// nobody of them.
func TestMention(t *testing.T) {
	for _, tt := range []struct {
		mention string
		want    []string
	}{
		{"", nil},
		{"mention: [U0LEAD2]", []string{"U0LEAD2"}},
		{"mention: [duty]", []string{"U0LEAD1"}},
		{"mention: [outside]", nil},
		{"mention: [outside, U0LEAD2, duty]", []string{"U0LEAD2", "U0LEAD1"}},
	} {
		p := mustLoad(t, `
version: 1
groups: {duty: {usergroups: [S0SRE]}, outside: {users: [U0OTHER]}}
rules: [{name: all, who: [everyone], effect: approve, approvers: [U0LEAD1, U0LEAD2], `+tt.mention+`}]
`)
		d := p.Decide(raise("max", 4, 8))
		if !slices.Equal(d.Mention, tt.want) || len(d.Approvers) != 2 {
			t.Errorf("%q mentions %q of %q, want %q", tt.mention, d.Mention, d.Approvers, tt.want)
		}
	}
}
