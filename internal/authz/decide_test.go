package authz_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/condition"
	"autoscalebot/internal/baseten"
)

// raise is a question of a member about production of llama-70b: one setting
// moves from one value to another.
func raise(setting string, from, to int) authz.Question {
	row, ok := baseten.SettingNamed(setting)
	if !ok {
		panic("no setting " + setting)
	}
	field := row.Field
	return authz.Question{
		Person:  authz.Person{ID: "U0ONCALL7", Membership: authz.Member},
		Channel: "C0MLOPS",
		Target:  baseten.Target{ModelID: "q1", Model: "llama-70b", Team: "nlp", Environment: "production", DeploymentID: "d1", Deployment: "v3"},
		Before:  baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 4}.With(baseten.Settings{field: from}),
		Touched: baseten.Settings{field: to},
		Now:     time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC),
		People:  authz.People{Members: map[string][]string{"S0ONCALL": {"U0ONCALL7", "U0ONCALL8"}, "S0SRE": {"U0SRE1", "U0LEAD1"}}},
	}
}

// edit returns the question changed by f.
func edit(q authz.Question, f func(*authz.Question)) authz.Question {
	f(&q)
	return q
}

// sameCause compares the whole cause, unless none is wanted.
func sameCause(t *testing.T, want, got authz.Cause) {
	t.Helper()
	if diff := cmp.Diff(want, got); want.Code != "" && diff != "" {
		t.Errorf("cause (-want +got):\n%s", diff)
	}
}

func TestDesignPolicy(t *testing.T) {
	p := mustLoad(t, readFile(t, "policyfile/testdata/design.yaml"))
	const zero, upTo8, rest = "production keeps a replica", "on-call may raise LLMs up to 8", "the rest needs a lead"
	deployment := func(serves string, promoting ...string) func(*authz.Question) {
		return func(q *authz.Question) {
			q.Target = baseten.Target{ModelID: "q1", Model: "llama-70b", DeploymentID: "d1", Deployment: "v3", Serves: serves, Promoting: promoting}
		}
	}
	as := func(id string, m authz.Membership) func(*authz.Question) {
		return func(q *authz.Question) { q.Person = authz.Person{ID: id, Membership: m} }
	}
	tests := []struct {
		name   string
		q      authz.Question
		effect authz.Effect
		rule   string
		cause  authz.Cause
	}{
		{"up to 8", raise("max", 4, 8), authz.Allow, upTo8, authz.Cause{Code: authz.CauseAllows, Rule: upTo8}},
		{"above 8", raise("max", 4, 9), authz.Approve, rest, authz.Cause{Code: authz.CauseApproves, Rule: rest, Needed: map[string]int{"": 1}, Who: []string{"leads"}}},
		{"down", raise("max", 4, 3), authz.Approve, rest, authz.Cause{}},
		{"a setting not listed", raise("window", 60, 90), authz.Approve, rest, authz.Cause{}},
		{"one listed, one not", edit(raise("max", 4, 8), func(q *authz.Question) { q.Touched[baseten.ScaleDownDelay] = 10 }), authz.Approve, rest, authz.Cause{}},
		{"another model", edit(raise("max", 4, 8), func(q *authz.Question) { q.Target.Model = "whisper" }), authz.Approve, rest, authz.Cause{}},
		{"a team called like it", edit(raise("max", 4, 8), func(q *authz.Question) { q.Target.Model, q.Target.Team = "whisper", "llama-team" }), authz.Approve, rest, authz.Cause{}},
		{"zero", raise("min", 1, 0), authz.Deny, zero, authz.Cause{Code: authz.CauseDenies, Rule: zero, Text: "Production never scales to zero.", Everybody: true}},
		{"zero, already", raise("min", 0, 0), authz.Deny, zero, authz.Cause{}},
		{"zero on the serving deployment", edit(raise("min", 1, 0), deployment("production")), authz.Deny, zero, authz.Cause{}},
		{"zero on a deployment being promoted", edit(raise("min", 1, 0), deployment("", "staging", "production")), authz.Deny, zero, authz.Cause{}},
		{"zero on an idle deployment", edit(raise("min", 1, 0), deployment("")), authz.Approve, rest, authz.Cause{}},
		{"zero on a deployment called production", edit(raise("min", 1, 0), func(q *authz.Question) { deployment("")(q); q.Target.Deployment = "production" }), authz.Deny, zero, authz.Cause{}},
		{"zero by a lead", edit(raise("min", 1, 0), as("U0LEAD1", authz.Member)), authz.Deny, zero, authz.Cause{}},
		{"break glass and zero", edit(raise("min", 1, 0), func(q *authz.Question) { q.BreakGlass, q.Reason = true, "fire" }), authz.Deny, zero, authz.Cause{}},

		{"somebody", edit(raise("max", 4, 8), as("U0SOMEBODY", authz.Member)), authz.Deny, "", authz.Cause{Code: authz.CauseNoRule, Who: []string{"oncall"}, OtherRule: upTo8}},
		{"a guest in the user group", edit(raise("max", 4, 8), as("U0ONCALL7", authz.Guest)), authz.Deny, "", authz.Cause{Code: authz.CauseNoRule, Who: []string{"oncall"}, OtherRule: upTo8, Guest: true}},
		{"a guest listed by user ID", edit(raise("max", 4, 8), as("U0LEAD1", authz.Guest)), authz.Approve, rest, authz.Cause{}},
		{"a bot", edit(raise("max", 4, 8), as("U0LEAD1", authz.Bot)), authz.Deny, "", authz.Cause{Code: authz.CauseBot}},
		{"foreign", edit(raise("max", 4, 8), as("U0LEAD1", authz.Foreign)), authz.Deny, "", authz.Cause{Code: authz.CauseForeign}},
		{"deactivated", edit(raise("max", 4, 8), as("U0LEAD1", authz.Deactivated)), authz.Deny, "", authz.Cause{Code: authz.CauseDeactivated}},
		{"unknown", edit(raise("max", 4, 8), as("U0LEAD1", authz.Unknown)), authz.Deny, "", authz.Cause{}},
		{"not asked", edit(raise("max", 4, 8), as("U0LEAD1", "")), authz.Deny, "", authz.Cause{Code: authz.CauseUnidentified}},
		{"a membership of tomorrow", edit(raise("max", 4, 8), as("U0LEAD1", "admin")), authz.Deny, "", authz.Cause{}},
		{"nobody", edit(raise("max", 4, 8), as("", authz.Member)), authz.Deny, "", authz.Cause{}},

		{"another channel", edit(raise("max", 4, 8), func(q *authz.Question) { q.Channel = "C0RANDOM" }), authz.Deny, "", authz.Cause{Code: authz.CauseChannel, Who: []string{"C0MLOPS"}}},
		{"no channel", edit(raise("max", 4, 8), func(q *authz.Question) { q.Channel = "" }), authz.Deny, "", authz.Cause{}},
		{"nothing touched", edit(raise("max", 4, 8), func(q *authz.Question) { q.Touched = nil }), authz.Deny, "", authz.Cause{Code: authz.CauseNothing}},
		{"a setting of tomorrow", edit(raise("max", 4, 8), func(q *authz.Question) { q.Touched = baseten.Settings{"gpu_count": 3} }), authz.Deny, "", authz.Cause{Code: authz.CauseUnknownSetting, Field: "gpu_count"}},
		{"max unread", edit(raise("max", 4, 8), func(q *authz.Question) { q.Before = nil }), authz.Deny, upTo8, authz.Cause{Code: authz.CauseConditionFailed, Rule: upTo8, Value: "change.max_replica.up"}},

		{"user group unreadable", edit(raise("max", 4, 8), func(q *authz.Question) { q.People = authz.People{Unreachable: map[string]bool{"S0ONCALL": true}} }), authz.Deny, upTo8,
			authz.Cause{Code: authz.CauseGroupUnreadable, Rule: upTo8, Unreadable: []string{"S0ONCALL"}}},
		{"read before, unreachable now", edit(raise("max", 4, 8), func(q *authz.Question) { q.People.Unreachable = map[string]bool{"S0ONCALL": true} }), authz.Deny, upTo8, authz.Cause{}},
		{"user group empty", edit(raise("max", 4, 8), func(q *authz.Question) { q.People = authz.People{Members: map[string][]string{"S0ONCALL": {}}} }), authz.Deny, upTo8, authz.Cause{}},
		{"user group not asked for", edit(raise("max", 4, 8), func(q *authz.Question) { q.People = authz.People{} }), authz.Deny, upTo8, authz.Cause{}},
		{"user group unreadable, rule not about it", edit(raise("window", 60, 70), func(q *authz.Question) { q.Person.ID = "U0LEAD1"; q.People = authz.People{} }), authz.Approve, rest, authz.Cause{}},
		{"user group unreadable, a deny first", edit(raise("min", 1, 0), func(q *authz.Question) { q.People = authz.People{} }), authz.Deny, zero, authz.Cause{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := p.Decide(test.q)
			if d.Effect != test.effect || d.Rule != test.rule {
				t.Errorf("%s by %q: %+v", d.Effect, d.Rule, d.Cause)
			}
			sameCause(t, test.cause, d.Cause)
			if d.PolicySHA != p.SHA256() || d.Cause.Code == "" {
				t.Errorf("incomplete: %+v", d)
			}
		})
	}
}

// However a thing is spelt, rules see one thing.
func TestEnvironmentServesItself(t *testing.T) {
	p := mustLoad(t, `
version: 1
rules:
  - name: not production
    when: serves == "production"
    effect: deny
  - name: rest
    who: [everyone]
    effect: allow
`)
	env := raise("max", 4, 7)
	dep := edit(env, func(q *authz.Question) {
		q.Target.Environment, q.Target.Serves = "", "production"
	})
	for name, q := range map[string]authz.Question{"environment": env, "deployment": dep} {
		if d := p.Decide(q); d.Rule != "not production" {
			t.Errorf("%s: %s by %q", name, d.Effect, d.Rule)
		}
	}
}

func TestConfirmRequireAndDenyReasons(t *testing.T) {
	p := mustLoad(t, `
version: 1
groups:
  leads: {users: [U0LEAD1]}
  interns: {users: [U0INTERN]}
rules:
  - name: interns wait
    who: [interns]
    effect: deny
  - name: big steps are confirmed
    who: [everyone]
    when: change.max_replica.to >= 2 * before.max_replica
    effect: confirm
  - name: windows want a reason
    who: [everyone]
    settings: [window]
    require: [reason]
    effect: allow
  - name: leads
    who: [leads, U0VIP]
    effect: allow
`)
	tests := []struct {
		name   string
		q      authz.Question
		effect authz.Effect
		cause  authz.Cause
	}{
		{"confirm", raise("max", 4, 8), authz.Confirm, authz.Cause{Code: authz.CauseConfirms, Rule: "big steps are confirmed"}},
		{"confirmed", edit(raise("max", 4, 8), func(q *authz.Question) { q.Confirmed = true }), authz.Allow, authz.Cause{Code: authz.CauseConfirmed, Rule: "big steps are confirmed"}},
		{"no reason", edit(raise("window", 60, 90), func(q *authz.Question) { q.Reason = " \t" }), authz.Deny, authz.Cause{Code: authz.CauseReasonMissing, Rule: "windows want a reason"}},
		{"reason", edit(raise("window", 60, 90), func(q *authz.Question) { q.Reason = "spikes" }), authz.Allow, authz.Cause{Code: authz.CauseAllows, Rule: "windows want a reason"}},
		{"for others", raise("max", 4, 5), authz.Deny, authz.Cause{Code: authz.CauseNoRule, Who: []string{"leads", "U0VIP"}, OtherRule: "leads"}},
		{"literal user ID", edit(raise("max", 4, 5), func(q *authz.Question) { q.Person.ID = "U0VIP" }), authz.Allow, authz.Cause{}},
		{"a literal guest", edit(raise("max", 4, 5), func(q *authz.Question) { q.Person = authz.Person{ID: "U0VIP", Membership: authz.Guest} }), authz.Allow, authz.Cause{}},
		{"guest is not everyone", edit(raise("max", 4, 8), func(q *authz.Question) { q.Person = authz.Person{ID: "U0GUEST", Membership: authz.Guest} }), authz.Deny, authz.Cause{}},
		{"denied by name", edit(raise("max", 4, 8), func(q *authz.Question) { q.Person.ID = "U0INTERN" }), authz.Deny, authz.Cause{Code: authz.CauseDenies, Rule: "interns wait", Who: []string{"everyone"}, OtherRule: "big steps are confirmed"}},
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
}

// A deny for a group that cannot be read must not be skipped.
func TestUnreadableGroupInADeny(t *testing.T) {
	p := mustLoad(t, `
version: 1
groups:
  contractors: {usergroups: [S0CONTRACT]}
rules:
  - name: contractors
    who: [contractors]
    settings: [max]
    effect: deny
  - name: rest
    who: [everyone]
    effect: allow
`)
	q := raise("max", 4, 5)
	d := p.Decide(q)
	if d.Effect != authz.Deny || d.Rule != "contractors" {
		t.Errorf("unread: %s by %q: %+v", d.Effect, d.Rule, d.Cause)
	}
	sameCause(t, authz.Cause{Code: authz.CauseGroupUnreadable, Rule: "contractors", Unreadable: []string{"S0CONTRACT"}}, d.Cause)
	q.People.Members["S0CONTRACT"] = []string{"U0OTHER"}
	if d := p.Decide(q); d.Effect != authz.Allow {
		t.Errorf("read, and not in it: %s by %q: %+v", d.Effect, d.Rule, d.Cause)
	}
	if d := p.Decide(raise("window", 60, 70)); d.Effect != authz.Allow {
		t.Errorf("a change the rule is not about: %s: %+v", d.Effect, d.Cause)
	}
}

func TestExplain(t *testing.T) {
	p := mustLoad(t, readFile(t, "policyfile/testdata/design.yaml"))
	q := raise("max", 4, 9)
	got := p.Explain(q)
	want := []authz.Step{
		{Rule: "production keeps a replica", Line: 7, Effect: authz.Deny, Miss: authz.PartUntouched, Field: baseten.MinReplica},
		{Rule: "on-call may raise LLMs up to 8", Line: 12, Effect: authz.Allow, Miss: authz.PartWhen, False: condition.Shortfall{
			Part: "after.max_replica <= 8", Read: []condition.Operand{{Name: "after.max_replica", Value: int64(9)}},
		}},
		{Rule: "the rest needs a lead", Line: 18, Effect: authz.Approve, Matched: true, Decided: true},
	}
	if diff := cmp.Diff(want, got.Steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(p.Decide(q), got.Decision); diff != "" {
		t.Errorf("Explain decides otherwise than Decide:\n%s", diff)
	}
	q = raise("window", 60, 70)
	q.Person.ID, q.Target.Environment = "U0NEW", "staging"
	want = []authz.Step{
		{Rule: "production keeps a replica", Line: 7, Effect: authz.Deny, Miss: authz.PartTargets, Wanted: []string{"production"}},
		{Rule: "on-call may raise LLMs up to 8", Line: 12, Effect: authz.Allow, Miss: authz.PartSettings, Field: baseten.AutoscalingWindow},
		{Rule: "the rest needs a lead", Line: 18, Effect: authz.Approve, Miss: authz.PartWho, Wanted: []string{"oncall", "leads"}},
	}
	if diff := cmp.Diff(want, p.Explain(q).Steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	q = raise("max", 4, 5)
	q.Before = nil
	if s := p.Explain(q).Steps[1]; s.Matched || !s.Decided || s.Trouble.Code != authz.CauseConditionFailed {
		t.Errorf("%+v", s)
	}
}

// NeverAllowed is a shortcut for a refusal: it must never refuse what Decide grants.
func TestNeverAllowedNeverContradictsDecide(t *testing.T) {
	p := mustLoad(t, readFile(t, "policyfile/testdata/design.yaml"))
	refused := 0
	for _, id := range []string{"U0ONCALL7", "U0LEAD1", "U0SOMEBODY", ""} {
		for _, membership := range []authz.Membership{authz.Member, authz.Guest, authz.Bot, authz.Foreign, authz.Deactivated, authz.Unknown, ""} {
			for _, unread := range []bool{false, true} {
				q := raise("max", 4, 8)
				q.Person = authz.Person{ID: id, Membership: membership}
				if unread {
					q.People = authz.People{}
				}
				d, never := p.NeverAllowed(q)
				if !never {
					continue
				}
				refused++
				if d.Effect != authz.Deny || d.Cause.Code == "" || d.PolicySHA != p.SHA256() {
					t.Errorf("%s, %s: %+v", id, membership, d)
				}
				if full := p.Decide(q); full.Effect != authz.Deny {
					t.Errorf("%s, %s: never allowed, but Decide says %s", id, membership, full.Effect)
				}
			}
		}
	}
	if refused == 0 {
		t.Error("nobody was refused")
	}
}

func BenchmarkDecide(b *testing.B) {
	var text strings.Builder
	text.WriteString("version: 1\ngroups:\n  leads: {users: [U0LEAD1]}\n  oncall: {usergroups: [S0ONCALL]}\nrules:\n")
	for i := range 199 {
		fmt.Fprintf(&text, "  - name: rule %d\n    who: [oncall]\n    models: [\"model-%d-*\", llama-*]\n    targets: [production, staging]\n    settings: [max, min]\n    when: change.max_replica.up && after.max_replica > %d\n    effect: allow\n", i, i, 1000+i)
	}
	text.WriteString("  - name: last\n    who: [oncall]\n    effect: allow\n")
	p := mustLoad(b, text.String())
	for name, q := range map[string]authz.Question{"200 conditions run": raise("max", 4, 8), "other settings": raise("window", 60, 70)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := p.Decide(q); d.Rule != "last" {
					b.Fatal(d.Cause)
				}
			}
		})
	}
	if !slices.Contains(p.Rules(), "last") {
		b.Fatal("no last rule")
	}
}
