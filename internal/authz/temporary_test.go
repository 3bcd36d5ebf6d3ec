package authz_test

import (
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

func TestHowLongAChangeMayHold(t *testing.T) {
	p := mustLoad(t, `
version: 1
groups:
  leads: {users: [U0LEAD1]}
rules:
  - name: no long nights
    settings: [delay]
    when: has(duration) && duration >= 7200
    effect: deny
  - name: an end
    who: [everyone]
    settings: [window]
    require: [for]
    effect: confirm
  - name: a shift
    who: [everyone]
    settings: [max]
    max_for: 8h
    effect: approve
    approvers: [leads]
    break_glass: {who: [everyone]}
  - name: both
    who: [everyone]
    settings: [min]
    require: [for, reason]
    max_for: 1h
    effect: allow
  - name: for a while or for good
    who: [everyone]
    effect: allow
`)
	hold := func(d time.Duration) func(*authz.Question) {
		return func(q *authz.Question) { q.Duration, q.Reason = d, "launch" }
	}
	tests := []struct {
		name   string
		q      authz.Question
		effect authz.Effect
		cause  authz.Cause
	}{
		{"an end is missing", edit(raise("window", 60, 90), hold(0)), authz.Deny, authz.Cause{Code: authz.CauseForMissing, Rule: "an end"}},
		{"any end", edit(raise("window", 60, 90), hold(720*time.Hour)), authz.Confirm, authz.Cause{Code: authz.CauseConfirms, Rule: "an end"}},
		{"for good is longer than a shift", edit(raise("max", 4, 5), hold(0)), authz.Deny, authz.Cause{Code: authz.CauseForMissing, Rule: "a shift", Max: 8 * time.Hour}},
		{"longer than a shift", edit(raise("max", 4, 5), hold(8*time.Hour+time.Second)), authz.Deny, authz.Cause{Code: authz.CauseTooLong, Rule: "a shift", Max: 8 * time.Hour}},
		{"a shift", edit(raise("max", 4, 5), hold(8*time.Hour)), authz.Approve, authz.Cause{}},
		{"break-glass for good", edit(raise("max", 4, 5), func(q *authz.Question) { hold(0)(q); q.BreakGlass = true }), authz.Deny, authz.Cause{Code: authz.CauseForMissing, Rule: "a shift", Max: 8 * time.Hour}},
		{"break-glass for a shift", edit(raise("max", 4, 5), func(q *authz.Question) { hold(time.Hour)(q); q.BreakGlass = true }), authz.Allow, authz.Cause{}},
		{"neither reason nor end", raise("min", 1, 2), authz.Deny, authz.Cause{Code: authz.CauseReasonMissing, Rule: "both"}},
		{"both", edit(raise("min", 1, 2), hold(time.Hour)), authz.Allow, authz.Cause{}},
		{"a condition about it", edit(raise("delay", 60, 90), hold(2*time.Hour)), authz.Deny, authz.Cause{Code: authz.CauseDenies, Rule: "no long nights", Everybody: true}},
		{"which does not hold", edit(raise("delay", 60, 90), hold(2*time.Hour-time.Second)), authz.Allow, authz.Cause{}},
		{"nor for good", raise("delay", 60, 90), authz.Allow, authz.Cause{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := p.Decide(test.q)
			if d.Effect != test.effect {
				t.Errorf("%s by %q: %+v", d.Effect, d.Rule, d.Cause)
			}
			sameCause(t, test.cause, d.Cause)
		})
	}
	for setting, want := range map[string]authz.Decision{
		"window": {RequireFor: true}, "max": {RequireFor: true, MaxFor: 8 * time.Hour}, "min": {RequireFor: true, MaxFor: time.Hour}, "tokens": {},
	} {
		if d := p.Decide(raise(setting, 1, 2)); d.RequireFor != want.RequireFor || d.MaxFor != want.MaxFor {
			t.Errorf("%s: %+v", setting, d)
		}
	}
}

func TestMayFreeze(t *testing.T) {
	p := mustLoad(t, `
version: 1
channels: [C0MLOPS]
groups:
  sre: {usergroups: [S0SRE]}
  leads: {users: [U0LEAD1], usergroups: [S0LEADS]}
freeze: {who: [leads, sre, U0VIP]}
rules:
  - {name: all, who: [everyone], effect: allow}
`)
	who := []string{"leads", "sre", "U0VIP"}
	read := map[string][]string{"S0SRE": {"U0SRE1", "U0GUEST"}, "S0LEADS": {"U0LEAD2"}}
	tests := []struct {
		name       string
		id         string
		membership authz.Membership
		channel    string
		members    map[string][]string
		want       authz.Cause
	}{
		{"by ID", "U0VIP", authz.Member, "C0MLOPS", read, authz.Cause{}},
		{"a user of a group", "U0LEAD1", authz.Member, "C0MLOPS", read, authz.Cause{}},
		{"in a user group", "U0SRE1", authz.Member, "C0MLOPS", read, authz.Cause{}},
		{"a guest by ID", "U0VIP", authz.Guest, "C0MLOPS", read, authz.Cause{}},
		{"a guest in a user group", "U0GUEST", authz.Guest, "C0MLOPS", read, authz.Cause{Code: authz.CauseNotFreezer, Who: who, Guest: true}},
		{"somebody", "U0ANA", authz.Member, "C0MLOPS", read, authz.Cause{Code: authz.CauseNotFreezer, Who: who}},
		{"a bot", "U0VIP", authz.Bot, "C0MLOPS", read, authz.Cause{Code: authz.CauseBot}},
		{"foreign", "U0VIP", authz.Foreign, "C0MLOPS", read, authz.Cause{Code: authz.CauseForeign}},
		{"deactivated", "U0VIP", authz.Deactivated, "C0MLOPS", read, authz.Cause{Code: authz.CauseDeactivated}},
		{"not looked up", "U0VIP", "", "C0MLOPS", read, authz.Cause{Code: authz.CauseUnidentified}},
		{"nobody", "", authz.Member, "C0MLOPS", read, authz.Cause{Code: authz.CauseUnidentified}},
		{"another channel", "U0VIP", authz.Member, "C0OTHER", read, authz.Cause{Code: authz.CauseChannel, Who: []string{"C0MLOPS"}}},
		{"no channel", "U0VIP", authz.Member, "", read, authz.Cause{Code: authz.CauseChannel, Who: []string{"C0MLOPS"}}},
		{"a group unread", "U0ANA", authz.Member, "C0MLOPS", map[string][]string{"S0LEADS": {"U0LEAD2"}}, authz.Cause{Code: authz.CauseGroupUnreadable, Who: who, Unreadable: []string{"S0SRE"}}},
		{"a group unread, in another", "U0LEAD2", authz.Member, "C0MLOPS", map[string][]string{"S0LEADS": {"U0LEAD2"}}, authz.Cause{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ok, why := p.MayFreeze(authz.Person{ID: test.id, Membership: test.membership}, test.channel, authz.People{Members: test.members})
			if ok != (test.want.Code == "") || why.Code != test.want.Code {
				t.Errorf("%t: %+v", ok, why)
			}
			sameCause(t, test.want, why)
		})
	}

	without := mustLoad(t, "version: 1\nrules:\n  - {name: all, who: [everyone], effect: allow}\n")
	if ok, why := without.MayFreeze(authz.Person{ID: "U0VIP", Membership: authz.Member}, "C0MLOPS", authz.People{}); ok || why.Code != authz.CauseNoFreeze || without.Freezers() != nil {
		t.Errorf("without the key: %t, %+v, %v", ok, why, without.Freezers())
	}
	list, err := authz.AllowedUsers([]string{"U0ANA"})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"U0ANA": true, "U0BEN": false} {
		if ok, why := list.MayFreeze(authz.Person{ID: id, Membership: authz.Member}, "C0MLOPS", authz.People{}); ok != want {
			t.Errorf("%s of ALLOWED_USERS: %t, %+v", id, ok, why)
		}
	}
}

func TestForbids(t *testing.T) {
	p := mustLoad(t, `
version: 1
channels: [C0MLOPS]
groups:
  oncall: {usergroups: [S0ONCALL]}
  contractors: {usergroups: [S0CONTRACT]}
rules:
  - name: broken grant
    who: [everyone]
    targets: [broken]
    when: cost.floor_after > 1.0
    effect: allow
  - name: group unread
    who: [contractors]
    targets: [contractors]
    effect: allow
  - name: granted
    who: [oncall]
    targets: [granted]
    require: [reason, for]
    effect: approve
    approvers: [U0LEA]
  - name: broken deny
    targets: [broken-deny]
    when: before.autoscaling_window > 60
    effect: deny
  - name: never zero
    targets: [production, granted, broken, contractors]
    when: change.min_replica.to == 0
    effect: deny
    reason: Never.
`)
	for _, test := range []struct {
		name, target string
		to           int
		rule         string // "": nothing forbids
		code         authz.CauseCode
	}{
		{"a deny", "production", 0, "never zero", authz.CauseDenies},
		{"one that does not match", "production", 1, "", ""},
		{"no rule", "staging", 0, "", ""},
		{"a grant before the deny", "granted", 0, "", ""},
		{"a grant that cannot be judged", "broken", 0, "never zero", authz.CauseDenies},
		{"a grant that cannot be judged, alone", "broken", 1, "", ""},
		{"a grant to an unread group", "contractors", 0, "never zero", authz.CauseDenies},
		{"a deny that cannot be judged", "broken-deny", 1, "broken deny", authz.CauseConditionFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := raise("min", 2, test.to)
			q.Target.Environment, q.Channel = test.target, "C0GONE"
			d, forbidden := p.Forbids(q)
			if forbidden != (test.rule != "") || d.Rule != test.rule || d.Cause.Code != test.code {
				t.Fatalf("%t by %q: %+v", forbidden, d.Rule, d.Cause)
			}
			if !forbidden {
				return
			}
			if d.Effect != authz.Deny || d.PolicySHA != p.SHA256() {
				t.Errorf("incomplete: %+v", d)
			}
			if test.target == "production" {
				q.Channel = "C0MLOPS"
				sameCause(t, p.Decide(q).Cause, d.Cause)
			}
		})
	}
	q := raise("min", 2, 0)
	q.Target = baseten.Target{Model: "llama", Environment: "production"}
	q.Channel, q.Person = "", authz.Person{}
	if _, forbidden := p.Forbids(q); !forbidden {
		t.Error("a deny for everybody let somebody unknown pass")
	}
}
