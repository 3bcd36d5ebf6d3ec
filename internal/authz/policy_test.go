package authz_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/policyfile"
)

// mustLoad loads a policy that is right.
func mustLoad(t testing.TB, text string) *authz.Policy {
	t.Helper()
	p, err := policyfile.Load("policy.yaml", []byte(text))
	if err != nil {
		t.Fatalf("Load:\n%v", err)
	}
	return p
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWhatAPolicyNames(t *testing.T) {
	text := readFile(t, "policyfile/testdata/design.yaml")
	p := mustLoad(t, text)
	sum := sha256.Sum256([]byte(text))
	got := map[string]any{
		"source": string(p.Source()) == text, "sha": p.SHA256(), "rules": p.Rules(),
		"channels": p.Channels(), "usergroups": p.Usergroups(), "users": p.Users(),
		"literals": p.Literals(), "glass": p.UsesBreakGlass(), "cost": p.UsesCost(),
	}
	want := map[string]any{
		"source": true, "sha": hex.EncodeToString(sum[:]),
		"rules":    []string{"production keeps a replica", "on-call may raise LLMs up to 8", "the rest needs a lead"},
		"channels": []string{"C0MLOPS"}, "usergroups": []string{"S0ONCALL"}, "users": []string{"U0LEAD1", "U0LEAD2"},
		"literals": []authz.Literal{{Rule: "production keeps a replica", Line: 7, Effect: authz.Deny, Target: "production"}},
		"glass":    true, "cost": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	people := authz.People{Members: map[string][]string{"S0ONCALL": {"U0ONCALL7"}}}
	for id, want := range map[string][]string{
		"U0ONCALL7": {"on-call may raise LLMs up to 8", "the rest needs a lead"},
		"U0LEAD1":   {"the rest needs a lead"},
		"U0NOBODY":  nil,
	} {
		if diff := cmp.Diff(want, p.Mentions(authz.Person{ID: id, Membership: authz.Member}, people)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
}

func TestWhatAPolicyNamesOfFreezes(t *testing.T) {
	p := mustLoad(t, `
version: 1
groups:
  sre: {usergroups: [S0SRE]}
freeze: {who: [sre, U0LEA]}
rules:
  - {name: all, who: [U0ANA], effect: allow}
`)
	if diff := cmp.Diff([][]string{{"U0LEA", "U0ANA"}, {"S0SRE"}, {"sre", "U0LEA"}}, [][]string{p.Users(), p.Usergroups(), p.Freezers()}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	people := authz.People{Members: map[string][]string{"S0SRE": {"U0SRE1"}}}
	for id, want := range map[string][]authz.Stake{
		"U0LEA":  {{Rule: "freeze", Freezes: true}},
		"U0SRE1": {{Rule: "freeze", Freezes: true}},
		"U0ANA":  {{Rule: "all", Effect: authz.Allow, Asks: true}},
	} {
		if diff := cmp.Diff(want, p.Stakes(authz.Person{ID: id, Membership: authz.Member}, people)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
}

func TestGroupsOf(t *testing.T) {
	p := mustLoad(t, readFile(t, "policyfile/testdata/design.yaml"))
	people := authz.People{Members: map[string][]string{"S0ONCALL": {"U0LEAD1", "U0ONCALL7"}}}
	for _, test := range []struct {
		person authz.Person
		want   []string
	}{
		{authz.Person{ID: "U0LEAD1", Membership: authz.Member}, []string{"oncall", "leads"}},
		{authz.Person{ID: "U0LEAD1", Membership: authz.Guest}, []string{"leads"}},
		{authz.Person{ID: "U0ONCALL7", Membership: authz.Member}, []string{"oncall"}},
		{authz.Person{ID: "U0ONCALL7"}, nil},
	} {
		if diff := cmp.Diff(test.want, p.GroupsOf(test.person, people)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.person, diff)
		}
	}
}

func TestAllowedUsers(t *testing.T) {
	p, err := authz.AllowedUsers([]string{"U0ANNA", " W0BERT ", "U0ANNA"})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]authz.Effect{"U0ANNA": authz.Allow, "W0BERT": authz.Allow, "U0CARL": authz.Deny, "": authz.Deny} {
		for _, membership := range []authz.Membership{authz.Member, authz.Guest} {
			q := raise("max", 4, 7)
			q.Person = authz.Person{ID: id, Membership: membership}
			if d := p.Decide(q); d.Effect != want {
				t.Errorf("%q, a %s: %s", id, membership, d.Effect)
			}
		}
		q := raise("max", 4, 7)
		q.Person = authz.Person{ID: id}
		if d := p.Decide(q); d.Effect != authz.Deny {
			t.Errorf("%q whose lookup failed: %s", id, d.Effect)
		}
	}
	for _, test := range []struct {
		ids  []string
		want string
	}{
		{nil, "no Slack user ID given"},
		{[]string{"", " "}, "no Slack user ID given"},
		{[]string{"U0ANNA", "bob", "@carl", "S0TEAM"}, `not Slack user IDs (U… or W…): "bob", "@carl", "S0TEAM"`},
		{[]string{"u0anna"}, `not Slack user IDs (U… or W…): "u0anna"`},
		{[]string{"*"}, `not Slack user IDs (U… or W…): "*"`},
	} {
		p, err := authz.AllowedUsers(test.ids)
		if p != nil || err == nil || err.Error() != test.want {
			t.Errorf("%q: %v", test.ids, err)
		}
	}
}
