package authz_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/authz"
)

// approving is a policy with one approve rule.
func approving(rule string) string {
	return `
version: 1
groups:
  leads: {users: [U0LEAD1, U0LEAD2, U0LEAD3]}
  sre: {usergroups: [S0SRE], users: [U0SRE9]}
  oncall: {usergroups: [S0ONCALL]}
  empty: {usergroups: [S0GONE]}
rules:
  - name: needs agreement
    who: [everyone, U0GUEST]
    effect: approve
` + rule
}

func members(ids ...string) []authz.Person {
	var out []authz.Person
	for _, id := range ids {
		out = append(out, authz.Person{ID: id, Membership: authz.Member})
	}
	return out
}

// In raise, S0SRE holds U0SRE1 and U0LEAD1: somebody in two groups.
func TestApprovalsNeeded(t *testing.T) {
	tests := []struct {
		name, rule string
		requester  string
		effect     authz.Effect
		approvers  []string
		needed     map[string]int
		cause      authz.Cause
	}{
		{"one of many", "    approvers: [leads, sre]", "U0ASK", authz.Approve, []string{"U0LEAD1", "U0LEAD2", "U0LEAD3", "U0SRE9", "U0SRE1"}, map[string]int{"": 1},
			authz.Cause{Code: authz.CauseApproves, Rule: "needs agreement", Needed: map[string]int{"": 1}, Who: []string{"leads", "sre"}}},
		{"the requester is not one", "    approvers: [leads]", "U0LEAD2", authz.Approve, []string{"U0LEAD1", "U0LEAD3"}, map[string]int{"": 1}, authz.Cause{}},
		{"all of them", "    approvers: [leads]\n    approvals: 3", "U0ASK", authz.Approve, []string{"U0LEAD1", "U0LEAD2", "U0LEAD3"}, map[string]int{"": 3}, authz.Cause{}},
		{"all but the requester", "    approvers: [leads]\n    approvals: 3", "U0LEAD1", authz.Deny, []string{"U0LEAD2", "U0LEAD3"}, map[string]int{"": 3},
			authz.Cause{Code: authz.CauseTooFew, Rule: "needs agreement", Needed: map[string]int{"": 3}, Able: map[string]int{"": 2}, Who: []string{"leads"}, Own: true}},
		{"only oneself", "    approvers: [U0ASK]", "U0ASK", authz.Deny, nil, map[string]int{"": 1},
			authz.Cause{Code: authz.CauseTooFew, Rule: "needs agreement", Needed: map[string]int{"": 1}, Able: map[string]int{"": 0}, Who: []string{"U0ASK"}, Own: true}},
		{"per group", "    approvers: [leads, sre]\n    approvals: {leads: 1, sre: 2}", "U0ASK", authz.Approve, []string{"U0LEAD1", "U0LEAD2", "U0LEAD3", "U0SRE9", "U0SRE1"}, map[string]int{"leads": 1, "sre": 2},
			authz.Cause{Code: authz.CauseApproves, Rule: "needs agreement", Needed: map[string]int{"leads": 1, "sre": 2}, Who: []string{"leads", "sre"}}},
		{"per group, one short", "    approvers: [leads, sre]\n    approvals: {leads: 3, sre: 3}", "U0ASK", authz.Deny, []string{"U0LEAD1", "U0LEAD2", "U0LEAD3", "U0SRE9", "U0SRE1"}, map[string]int{"leads": 3, "sre": 3}, authz.Cause{}},
		{"per group, one person in both fits", "    approvers: [sre, leads]\n    approvals: {leads: 2, sre: 3}", "U0ASK", authz.Approve, []string{"U0SRE9", "U0SRE1", "U0LEAD1", "U0LEAD2", "U0LEAD3"}, map[string]int{"leads": 2, "sre": 3}, authz.Cause{}},
		{"listed without a count", "    approvers: [leads, oncall]\n    approvals: {leads: 1}", "U0ASK", authz.Approve, []string{"U0LEAD1", "U0LEAD2", "U0LEAD3"}, map[string]int{"leads": 1}, authz.Cause{}},
		{"user IDs", "    approvers: [U0LEAD2, U0BOSS]\n    approvals: 2", "U0ASK", authz.Approve, []string{"U0LEAD2", "U0BOSS"}, map[string]int{"": 2}, authz.Cause{}},
		{"unreadable group", "    approvers: [empty]", "U0ASK", authz.Deny, nil, map[string]int{"": 1},
			authz.Cause{Code: authz.CauseTooFew, Rule: "needs agreement", Needed: map[string]int{"": 1}, Able: map[string]int{"": 0}, Who: []string{"empty"}, Unreadable: []string{"S0GONE"}}},
		{"unreadable group, others suffice", "    approvers: [empty, leads]", "U0ASK", authz.Approve, []string{"U0LEAD1", "U0LEAD2", "U0LEAD3"}, map[string]int{"": 1}, authz.Cause{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := raise("max", 4, 7)
			q.Person.ID = test.requester
			d := mustLoad(t, approving(test.rule)).Decide(q)
			if d.Effect != test.effect || d.Rule != "needs agreement" || d.Expires != 24*time.Hour {
				t.Errorf("%s by %q, expires in %s: %+v", d.Effect, d.Rule, d.Expires, d.Cause)
			}
			if diff := cmp.Diff(test.approvers, d.Approvers); diff != "" {
				t.Errorf("approvers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.needed, d.Needed); diff != "" {
				t.Errorf("needed (-want +got):\n%s", diff)
			}
			sameCause(t, test.cause, d.Cause)
		})
	}
}

func TestTally(t *testing.T) {
	const both = "    approvers: [leads, sre]\n    approvals: {leads: 1, sre: 1}"
	tests := []struct {
		name, rule string
		approvals  []authz.Person
		counts     []string
		missing    map[string]int
		could      []string
	}{
		{"none", both, nil, nil, map[string]int{"leads": 1, "sre": 1}, []string{"U0LEAD1", "U0LEAD2", "U0LEAD3", "U0SRE9", "U0SRE1"}},
		{"one of each", both, members("U0LEAD2", "U0SRE1"), []string{"U0LEAD2", "U0SRE1"}, map[string]int{}, nil},
		{"in both groups, once", both, members("U0LEAD1"), []string{"U0LEAD1"}, map[string]int{"sre": 1}, []string{"U0LEAD2", "U0LEAD3", "U0SRE9", "U0SRE1"}},
		{"in both groups, then a lead", both, members("U0LEAD1", "U0LEAD2"), []string{"U0LEAD1", "U0LEAD2"}, map[string]int{}, nil},
		{"a lead, then in both", both, members("U0LEAD2", "U0LEAD1"), []string{"U0LEAD2", "U0LEAD1"}, map[string]int{}, nil},
		{"two leads", both, members("U0LEAD2", "U0LEAD3"), []string{"U0LEAD2", "U0LEAD3"}, map[string]int{"sre": 1}, []string{"U0LEAD1", "U0SRE9", "U0SRE1"}},
		{"the same twice", "    approvers: [leads]\n    approvals: 2", members("U0LEAD1", "U0LEAD1"), []string{"U0LEAD1"}, map[string]int{"": 1}, []string{"U0LEAD2", "U0LEAD3"}},
		{"the requester", "    approvers: [everyoneelse]\n    approvals: 1", members("U0ASK"), nil, map[string]int{"": 1}, []string{"U0ASK2"}},
		{"no longer in the group", both, members("U0LEAD2", "U0FORMER"), []string{"U0LEAD2"}, map[string]int{"sre": 1}, []string{"U0LEAD1", "U0SRE9", "U0SRE1"}},
		{"left the company", both, []authz.Person{{ID: "U0LEAD2", Membership: authz.Deactivated}, {ID: "U0SRE1", Membership: authz.Member}}, []string{"U0SRE1"}, map[string]int{"leads": 1}, []string{"U0LEAD1", "U0LEAD3"}},
		{"could not be looked up", both, []authz.Person{{ID: "U0LEAD2"}}, nil, map[string]int{"leads": 1, "sre": 1}, []string{"U0LEAD1", "U0LEAD3", "U0SRE9", "U0SRE1"}},
		{"a bot", both, []authz.Person{{ID: "U0SRE1", Membership: authz.Bot}}, nil, map[string]int{"leads": 1, "sre": 1}, []string{"U0LEAD1", "U0LEAD2", "U0LEAD3", "U0SRE9"}},
		{"a guest by user ID", both, []authz.Person{{ID: "U0SRE9", Membership: authz.Guest}}, []string{"U0SRE9"}, map[string]int{"leads": 1}, []string{"U0LEAD1", "U0LEAD2", "U0LEAD3"}},
		{"a guest by user group", both, []authz.Person{{ID: "U0SRE1", Membership: authz.Guest}}, nil, map[string]int{"leads": 1, "sre": 1}, []string{"U0LEAD1", "U0LEAD2", "U0LEAD3", "U0SRE9"}},
		{"a guest, user ID in one group, user group in the other", both, []authz.Person{{ID: "U0LEAD1", Membership: authz.Guest}, {ID: "U0LEAD2", Membership: authz.Member}}, []string{"U0LEAD1", "U0LEAD2"}, map[string]int{"sre": 1}, []string{"U0SRE9", "U0SRE1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(approving(test.rule), "  empty:", "  everyoneelse: {users: [U0ASK, U0ASK2]}\n  empty:", 1)
			p := mustLoad(t, text)
			q := raise("max", 4, 7)
			q.Person.ID = "U0ASK"
			d := p.Decide(q)
			if d.Effect != authz.Approve {
				t.Fatalf("%s: %+v", d.Effect, d.Cause)
			}
			got := p.Tally(q, d, test.approvals)
			if diff := cmp.Diff(test.counts, got.Counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.missing, got.Missing); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.could, got.Could); diff != "" {
				t.Errorf("could (-want +got):\n%s", diff)
			}
			if got.Satisfied != (len(test.missing) == 0) {
				t.Errorf("satisfied: %t", got.Satisfied)
			}
			for _, person := range test.approvals {
				ok, why := p.MayApprove(q, d, person)
				if counted := slices.Contains(got.Counts, person.ID); ok != counted || ok != (why.Code == "") || counted == (got.Ignored[person.ID].Code != "") {
					t.Errorf("MayApprove(%s) is %t (%+v), counted is %t", person.ID, ok, why, counted)
				}
			}
		})
	}
}

func TestTallyWithoutApproval(t *testing.T) {
	p := mustLoad(t, approving("    approvers: [leads]"))
	q := raise("max", 4, 7)
	for effect, want := range map[authz.Effect]bool{authz.Allow: true, authz.Confirm: false, authz.Deny: false, "": false, "approved": false} {
		if got := p.Tally(q, authz.Decision{Effect: effect, Rule: "needs agreement"}, members("U0LEAD1")); got.Satisfied != want {
			t.Errorf("%q: %t", effect, got.Satisfied)
		}
	}
	if got := p.Tally(q, authz.Decision{Effect: authz.Approve, Rule: "gone"}, members("U0LEAD1")); got.Satisfied {
		t.Error("a rule that is not in the policy is satisfied")
	}
}

func TestBreakGlass(t *testing.T) {
	const open = "    approvers: [leads]\n    break_glass: {who: [oncall]}"
	ask := func(id, reason string) authz.Question {
		q := raise("max", 4, 7)
		q.Person.ID, q.Reason, q.BreakGlass = id, reason, true
		return q
	}
	noGroup := ask("U0ONCALL7", "fire")
	noGroup.People = authz.People{}
	tests := []struct {
		name, rule string
		q          authz.Question
		effect     authz.Effect
		broke      bool
		cause      authz.Cause
	}{
		{"permitted", open, ask("U0ONCALL7", "fire"), authz.Allow, true, authz.Cause{Code: authz.CauseBreakGlass, Rule: "needs agreement", Needed: map[string]int{"": 1}, Who: []string{"leads"}}},
		{"no reason", open, ask("U0ONCALL7", "  "), authz.Deny, false, authz.Cause{Code: authz.CauseBreakGlassReason, Rule: "needs agreement"}},
		{"not this person", open, ask("U0SOMEBODY", "fire"), authz.Deny, false, authz.Cause{Code: authz.CauseBreakGlassNotYou, Rule: "needs agreement", Needed: map[string]int{"": 1}, Who: []string{"oncall"}}},
		{"not under this rule", "    approvers: [leads]", ask("U0ONCALL7", "fire"), authz.Deny, false, authz.Cause{Code: authz.CauseBreakGlassNever, Rule: "needs agreement", Needed: map[string]int{"": 1}, Who: []string{"leads"}}},
		{"group unreadable", open, noGroup, authz.Deny, false, authz.Cause{Code: authz.CauseBreakGlassUnreadable, Rule: "needs agreement", Who: []string{"oncall"}, Unreadable: []string{"S0ONCALL"}}},
		{"nobody to approve", "    approvers: [empty]\n    break_glass: {who: [oncall]}", ask("U0ONCALL7", "fire"), authz.Allow, true, authz.Cause{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := mustLoad(t, approving(test.rule))
			d := p.Decide(test.q)
			if d.Effect != test.effect || d.BrokeGlass != test.broke {
				t.Errorf("%s, broke %t: %+v", d.Effect, d.BrokeGlass, d.Cause)
			}
			sameCause(t, test.cause, d.Cause)
			if got := p.Tally(test.q, d, nil); got.Satisfied != test.broke {
				t.Errorf("satisfied: %t", got.Satisfied)
			}
		})
	}

	p := mustLoad(t, approving(open))
	d := p.Decide(ask("U0ONCALL7", "fire"))
	if ok, why := p.MayApprove(ask("U0ONCALL7", "fire"), d, members("U0LEAD1")[0]); !ok {
		t.Errorf("a lead may not sign the review: %+v", why)
	}
	if ok, why := p.MayApprove(ask("U0ONCALL7", "fire"), d, members("U0ONCALL7")[0]); ok || why.Code != authz.CauseOwnRequest {
		t.Error("who broke the glass may sign the review")
	}
	if d := p.Decide(raise("max", 4, 7)); d.Effect != authz.Approve || !d.BreakGlass || d.BrokeGlass {
		t.Errorf("without asking for it: %+v", d)
	}
	short := mustLoad(t, approving("    approvers: [empty]\n    break_glass: {who: [oncall]}"))
	if d := short.Decide(raise("max", 4, 7)); d.Effect != authz.Deny || !d.BreakGlass || d.Cause.Code != authz.CauseTooFew || !d.Cause.MayBreak {
		t.Errorf("nobody to approve: %+v", d)
	}
}

// Asked for where nothing needs to be skipped, break-glass changes nothing.
func TestBreakGlassOnOtherRules(t *testing.T) {
	for _, effect := range []authz.Effect{authz.Allow, authz.Confirm, authz.Deny} {
		p := mustLoad(t, fmt.Sprintf("version: 1\nrules:\n  - name: a\n    who: [everyone]\n    effect: %s\n", effect))
		q := raise("max", 4, 7)
		q.BreakGlass, q.Reason = true, "fire"
		if d := p.Decide(q); d.Effect != effect || d.BrokeGlass {
			t.Errorf("%s: %s, broke %t", effect, d.Effect, d.BrokeGlass)
		}
	}
}
