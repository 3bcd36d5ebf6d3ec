package authz_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"autoscalebot/internal/authz/policyfile"
)

// Each finding stands under the rule that it is about, and nothing else is found: what
// is commented with "fine" may be meant.
func TestLint(t *testing.T) {
	const policy = `version: 1
groups:
  leads: {users: [U0LEA, U0LEO]}
  oncall: {usergroups: [S0ONCALL]}
  duo: {users: [U0ANA, U0BEN]}
  sre: {users: [U0SRE]}
  nobody: {users: [U0NOBODY]}
  asked: {users: [U0ASKED]}
rules:
  - {name: on-call on llamas, who: [oncall], models: ["llama-*"], effect: allow}
  - {name: the same again, who: [oncall], models: [llama-70b], targets: [production], effect: confirm}
  - {name: fine guests, who: [oncall], models: [llama-70b], effect: deny}
  - {name: fine other people, who: [oncall, leads], models: [llama-70b], effect: confirm}
  - {name: fine for everybody else, models: ["llama-*"], effect: deny}
  - {name: by ID, who: [U0ANA, duo], settings: [min, max], targets: ["*"], effect: allow}
  - {name: denies nothing, who: [U0BEN, U0ANA], settings: [max], when: after.max_replica > 5, effect: deny}
  - {name: fine more settings, who: [U0BEN], settings: [max, window], effect: deny}
  - {name: twice, who: [leads], targets: [production, "prod*"], models: [a/b, "*"], effect: confirm}
  - {name: three of two, who: [oncall], models: [whisper], effect: approve, approvers: [leads], approvals: 3}
  - {name: one of their own, who: [duo], models: [embed], effect: approve, approvers: [duo], approvals: 2}
  - {name: fine with others, who: [oncall, duo], models: [bert], effect: approve, approvers: [leads, duo], approvals: 2}
  - {name: fine from Slack, who: [oncall], models: [clip], effect: approve, approvers: [oncall], approvals: 9}
  - {name: not counted, who: [oncall], models: [mistral], effect: approve, approvers: [leads, sre], approvals: {leads: 2}}
  - {name: condition, who: [everyone], models: [qwen], when: '"asked" in groups', effect: allow}
  - {name: same condition, who: [everyone], models: [qwen], targets: [staging], when: '"asked" in groups', effect: confirm}
  - {name: fine other condition, who: [everyone], models: [qwen], effect: confirm}
  - {name: the rest, effect: deny}
  - {name: after the rest, who: [everyone], effect: allow}
`
	p, err := policyfile.Load("policy.yaml", []byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range p.Lint() {
		got = append(got, fmt.Sprintf("%d %s: %s. %s", f.Line, f.Rule, f.What, f.Do))
	}
	want := []string{
		`0 : group "nobody" is named by nothing. Name it in a rule, or take it out.`,
		`11 the same again: it never decides: rule "on-call on llamas" on line 10 decides everything that it would match. Put it before that rule, or take it out.`,
		`15 by ID: in who, U0ANA is in a group that stands there too. Take one of them out.`,
		`16 denies nothing: it denies nothing: rule "by ID" on line 15 lets everything through that it would match. Put it before that rule, or take it out.`,
		`18 twice: in models, "a/b" matches nothing that "*" does not. Take it out.`,
		`18 twice: in targets, "production" matches nothing that "prod*" does not. Take it out.`,
		`19 three of two: it can never be approved: it names fewer approvers than it asks for. Name more, or ask for fewer approvals.`,
		`20 one of their own: nobody can approve what U0ANA or U0BEN asks for: nobody approves their own request, and without them too few are left. Name more approvers.`,
		`23 not counted: approvals asks for none of sre, so what sre approve never counts. Add it to approvals, or take it out of approvers.`,
		`25 same condition: it never decides: rule "condition" on line 24 decides everything that it would match. Put it before that rule, or take it out.`,
		`28 after the rest: it never decides: rule "the rest" on line 27 decides everything that it would match. Put it before that rule, or take it out.`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Whatever the policy and whoever asks: a rule of which Lint says that it never decides
// does not decide.
func TestPropertyUnreachableRulesNeverDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t)
		p, q := drawPolicy(t, rules), drawQuestion(t)
		d := p.Decide(q)
		for _, f := range p.Lint() {
			if d.Rule == f.Rule && d.Rule != "" && (strings.Contains(f.What, "never decides") || strings.Contains(f.What, "denies nothing")) {
				t.Fatalf("rule %s decides %+v, and %s:\n%s", d.Rule, q, f.What, rules)
			}
		}
	})
}
