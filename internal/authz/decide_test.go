package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/baseten"
)

// raise is a question of a member about production of llama-70b: one setting
// moves from one value to another.
func raise(setting string, from, to int) Question {
	field, ok := settingNamed(setting)
	if !ok {
		panic("no setting " + setting)
	}
	return Question{
		Person:  Person{ID: "U0ONCALL7", Standing: Member},
		Channel: "C0MLOPS",
		Target:  Target{ModelID: "q1", Model: "llama-70b", Team: "nlp", Kind: KindEnvironment, Environment: "production", DeploymentID: "d1", Deployment: "v3"},
		Before:  baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 4}.With(baseten.Settings{field: from}),
		Touched: baseten.Settings{field: to},
		Now:     time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC),
		People:  People{Members: map[string][]string{"S0ONCALL": {"U0ONCALL7", "U0ONCALL8"}, "S0SRE": {"U0SRE1", "U0LEAD1"}}},
	}
}

// edit returns the question changed by f.
func edit(q Question, f func(*Question)) Question {
	f(&q)
	return q
}

func TestDesignPolicy(t *testing.T) {
	p := mustLoad(t, readFile(t, "testdata/design.yaml"))
	const zero, upTo8, rest = "production keeps a replica", "on-call may raise LLMs up to 8", "the rest needs a lead"
	deployment := func(serves string, promoting ...string) func(*Question) {
		return func(q *Question) {
			q.Target = Target{ModelID: "q1", Model: "llama-70b", Kind: KindDeployment, DeploymentID: "d1", Deployment: "v3", Serves: serves, Promoting: promoting}
		}
	}
	as := func(id string, s Standing) func(*Question) {
		return func(q *Question) { q.Person = Person{ID: id, Standing: s} }
	}
	tests := []struct {
		name   string
		q      Question
		effect Effect
		rule   string
		reason string
	}{
		{"up to 8", raise("max", 4, 8), Allow, upTo8, `Rule "on-call may raise LLMs up to 8" allows this.`},
		{"above 8", raise("max", 4, 9), Approve, rest, `Rule "the rest needs a lead" needs 1 approval by leads.`},
		{"down", raise("max", 4, 3), Approve, rest, ""},
		{"a setting not listed", raise("window", 60, 90), Approve, rest, ""},
		{"one listed, one not", edit(raise("max", 4, 8), func(q *Question) { q.Touched[baseten.ScaleDownDelay] = 10 }), Approve, rest, ""},
		{"another model", edit(raise("max", 4, 8), func(q *Question) { q.Target.Model = "whisper" }), Approve, rest, ""},
		{"a team called like it", edit(raise("max", 4, 8), func(q *Question) { q.Target.Model, q.Target.Team = "whisper", "llama-team" }), Approve, rest, ""},
		{"zero", raise("min", 1, 0), Deny, zero, `Rule "production keeps a replica" denies this: Production never scales to zero. It binds everybody.`},
		{"zero, already", raise("min", 0, 0), Deny, zero, ""},
		{"zero on the serving deployment", edit(raise("min", 1, 0), deployment("production")), Deny, zero, ""},
		{"zero on a deployment being promoted", edit(raise("min", 1, 0), deployment("", "staging", "production")), Deny, zero, ""},
		{"zero on an idle deployment", edit(raise("min", 1, 0), deployment("")), Approve, rest, ""},
		{"zero on a deployment called production", edit(raise("min", 1, 0), func(q *Question) { deployment("")(q); q.Target.Deployment = "production" }), Deny, zero, ""},
		{"zero by a lead", edit(raise("min", 1, 0), as("U0LEAD1", Member)), Deny, zero, ""},
		{"break glass and zero", edit(raise("min", 1, 0), func(q *Question) { q.BreakGlass, q.Reason = true, "fire" }), Deny, zero, ""},

		{"somebody", edit(raise("max", 4, 8), as("U0SOMEBODY", Member)), Deny, "", `No rule allows you this. oncall could ask: rule "on-call may raise LLMs up to 8".`},
		{"a guest in the user group", edit(raise("max", 4, 8), as("U0ONCALL7", Guest)), Deny, "", `No rule allows you this. oncall could ask: rule "on-call may raise LLMs up to 8". Guests need a rule or group that names them by user ID.`},
		{"a guest listed by user ID", edit(raise("max", 4, 8), as("U0LEAD1", Guest)), Approve, rest, ""},
		{"a bot", edit(raise("max", 4, 8), as("U0LEAD1", Bot)), Deny, "", "Bots and workflows cannot change anything."},
		{"foreign", edit(raise("max", 4, 8), as("U0LEAD1", Foreign)), Deny, "", "People of another organisation cannot change anything here. Ask a member of this workspace."},
		{"deactivated", edit(raise("max", 4, 8), as("U0LEAD1", Deactivated)), Deny, "", "The Slack account of the person who asks is deactivated."},
		{"unknown", edit(raise("max", 4, 8), as("U0LEAD1", Unknown)), Deny, "", ""},
		{"not asked", edit(raise("max", 4, 8), as("U0LEAD1", "")), Deny, "", "Slack did not say who you are, and the policy needs to know. Try again in a minute."},
		{"a standing of tomorrow", edit(raise("max", 4, 8), as("U0LEAD1", "admin")), Deny, "", ""},
		{"nobody", edit(raise("max", 4, 8), as("", Member)), Deny, "", ""},

		{"another channel", edit(raise("max", 4, 8), func(q *Question) { q.Channel = "C0RANDOM" }), Deny, "", "The policy takes commands in other channels only: C0MLOPS."},
		{"no channel", edit(raise("max", 4, 8), func(q *Question) { q.Channel = "" }), Deny, "", ""},
		{"nothing touched", edit(raise("max", 4, 8), func(q *Question) { q.Touched = nil }), Deny, "", "Nothing would change: name a setting, such as max=4."},
		{"a setting of tomorrow", edit(raise("max", 4, 8), func(q *Question) { q.Touched = baseten.Settings{"gpu_count": 3} }), Deny, "", "The policy does not know the setting gpu_count."},
		{"max unread", edit(raise("max", 4, 8), func(q *Question) { q.Before = nil }), Deny, upTo8, `Rule "on-call may raise LLMs up to 8" cannot be judged, so nothing is changed: the value of max now is not known (change.max_replica.up).`},

		{"user group unreadable", edit(raise("max", 4, 8), func(q *Question) { q.People = People{Unreachable: map[string]bool{"S0ONCALL": true}} }), Deny, upTo8,
			`Rule "on-call may raise LLMs up to 8" depends on the user group S0ONCALL, which could not be read. Try again in a few minutes.`},
		{"read before, unreachable now", edit(raise("max", 4, 8), func(q *Question) { q.People.Unreachable = map[string]bool{"S0ONCALL": true} }), Deny, upTo8, ""},
		{"user group empty", edit(raise("max", 4, 8), func(q *Question) { q.People = People{Members: map[string][]string{"S0ONCALL": {}}} }), Deny, upTo8, ""},
		{"user group not asked for", edit(raise("max", 4, 8), func(q *Question) { q.People = People{} }), Deny, upTo8, ""},
		{"user group unreadable, rule not about it", edit(raise("window", 60, 70), func(q *Question) { q.Person.ID = "U0LEAD1"; q.People = People{} }), Approve, rest, ""},
		{"user group unreadable, a deny first", edit(raise("min", 1, 0), func(q *Question) { q.People = People{} }), Deny, zero, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := p.Decide(test.q)
			if d.Effect != test.effect || d.Rule != test.rule || test.reason != "" && d.Reason != test.reason {
				t.Errorf("%s by %q: %s", d.Effect, d.Rule, d.Reason)
			}
			if d.PolicySHA != p.SHA256() || d.Reason == "" {
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
	dep := edit(env, func(q *Question) {
		q.Target.Kind, q.Target.Environment, q.Target.Serves = KindDeployment, "", "production"
	})
	for name, q := range map[string]Question{"environment": env, "deployment": dep} {
		if d := p.Decide(q); d.Rule != "not production" {
			t.Errorf("%s: %s by %q", name, d.Effect, d.Rule)
		}
	}
}

func TestGlobs(t *testing.T) {
	target := Target{ModelID: "abc123", Model: "llama-70b", Team: "nlp", Environment: "production", Deployment: "rel/2026", DeploymentID: "d7", Promoting: []string{"eu-west"}}
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
		g, err := newGlob(test.pattern)
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
		got := names.isModel(g)
		if test.kind == "target" {
			got = names.isTarget(g)
		}
		if got != test.want {
			t.Errorf("%s %s: %t", test.kind, test.pattern, got)
		}
	}
	development, _ := newGlob("development")
	if names := namesOf(Target{Development: true, Deployment: "dev-1"}); !names.isTarget(development) {
		t.Error("development does not match the development deployment")
	}
	star, _ := newGlob("*")
	if names := namesOf(Target{}); names.isTarget(star) || names.isModel(star) {
		t.Error("* matches a target without any name")
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
		q      Question
		effect Effect
		reason string
	}{
		{"confirm", raise("max", 4, 8), Confirm, `Rule "big steps are confirmed" asks you to confirm this.`},
		{"confirmed", edit(raise("max", 4, 8), func(q *Question) { q.Confirmed = true }), Allow, `Rule "big steps are confirmed" allows this, now that you have confirmed it.`},
		{"no reason", edit(raise("window", 60, 90), func(q *Question) { q.Reason = " \t" }), Deny, `Rule "windows want a reason" wants a reason: add reason="…" to the command.`},
		{"reason", edit(raise("window", 60, 90), func(q *Question) { q.Reason = "spikes" }), Allow, `Rule "windows want a reason" allows this.`},
		{"for others", raise("max", 4, 5), Deny, `No rule allows you this. leads or U0VIP could ask: rule "leads".`},
		{"literal user ID", edit(raise("max", 4, 5), func(q *Question) { q.Person.ID = "U0VIP" }), Allow, ""},
		{"a literal guest", edit(raise("max", 4, 5), func(q *Question) { q.Person = Person{ID: "U0VIP", Standing: Guest} }), Allow, ""},
		{"guest is not everyone", edit(raise("max", 4, 8), func(q *Question) { q.Person = Person{ID: "U0GUEST", Standing: Guest} }), Deny, ""},
		{"denied by name", edit(raise("max", 4, 8), func(q *Question) { q.Person.ID = "U0INTERN" }), Deny, `Rule "interns wait" denies this. Others could ask: rule "big steps are confirmed".`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if d := p.Decide(test.q); d.Effect != test.effect || test.reason != "" && d.Reason != test.reason {
				t.Errorf("%s by %q: %s", d.Effect, d.Rule, d.Reason)
			}
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
	if d := p.Decide(q); d.Effect != Deny || d.Rule != "contractors" || !strings.Contains(d.Reason, "S0CONTRACT") {
		t.Errorf("unread: %s by %q: %s", d.Effect, d.Rule, d.Reason)
	}
	q.People.Members["S0CONTRACT"] = []string{"U0OTHER"}
	if d := p.Decide(q); d.Effect != Allow {
		t.Errorf("read, and not in it: %s by %q: %s", d.Effect, d.Rule, d.Reason)
	}
	if d := p.Decide(raise("window", 60, 70)); d.Effect != Allow {
		t.Errorf("a change the rule is not about: %s: %s", d.Effect, d.Reason)
	}
}

func TestExplain(t *testing.T) {
	p := mustLoad(t, readFile(t, "testdata/design.yaml"))
	q := raise("max", 4, 9)
	got := p.Explain(q)
	want := []Step{
		{Rule: "production keeps a replica", Line: 7, Effect: Deny, Why: "when: min is not being changed"},
		{Rule: "on-call may raise LLMs up to 8", Line: 12, Effect: Allow, Why: "when: it is not true"},
		{Rule: "the rest needs a lead", Line: 18, Effect: Approve, Matched: true, Decided: true},
	}
	if diff := cmp.Diff(want, got.Steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(p.Decide(q), got.Decision); diff != "" {
		t.Errorf("Explain decides otherwise than Decide:\n%s", diff)
	}
	q = raise("window", 60, 70)
	q.Person.ID, q.Target.Environment = "U0NEW", "staging"
	var whys []string
	for _, s := range p.Explain(q).Steps {
		whys = append(whys, s.Why)
	}
	if diff := cmp.Diff([]string{"targets: production is not this target", "settings: window is not listed", "who: you are not oncall or leads"}, whys); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	q = raise("max", 4, 5)
	q.Before = nil
	if s := p.Explain(q).Steps[1]; s.Matched || !s.Decided || !strings.Contains(s.Why, "cannot be judged") {
		t.Errorf("%+v", s)
	}
}

// Stranger is a shortcut for a refusal: it must never refuse what Decide grants.
func TestStrangerNeverContradictsDecide(t *testing.T) {
	p := mustLoad(t, readFile(t, "testdata/design.yaml"))
	strangers := 0
	for _, id := range []string{"U0ONCALL7", "U0LEAD1", "U0SOMEBODY", ""} {
		for _, standing := range []Standing{Member, Guest, Bot, Foreign, Deactivated, Unknown, ""} {
			for _, unread := range []bool{false, true} {
				q := raise("max", 4, 8)
				q.Person = Person{ID: id, Standing: standing}
				if unread {
					q.People = People{}
				}
				d, stranger := p.Stranger(q)
				if !stranger {
					continue
				}
				strangers++
				if d.Effect != Deny || d.Reason == "" || d.PolicySHA != p.SHA256() {
					t.Errorf("%s, %s: %+v", id, standing, d)
				}
				if full := p.Decide(q); full.Effect != Deny {
					t.Errorf("%s, %s: a stranger, but Decide says %s", id, standing, full.Effect)
				}
			}
		}
	}
	if strangers == 0 {
		t.Error("nobody was a stranger")
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
	for name, q := range map[string]Question{"200 conditions run": raise("max", 4, 8), "other settings": raise("window", 60, 70)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := p.Decide(q); d.Rule != "last" {
					b.Fatal(d.Reason)
				}
			}
		})
	}
	if !slices.Contains(p.Rules(), "last") {
		b.Fatal("no last rule")
	}
}
