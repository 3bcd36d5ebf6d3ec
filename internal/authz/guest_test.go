package authz_test

import (
	"testing"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/policyfile"
	"autoscalebot/internal/baseten"
)

// Being a guest never helps: what a full member is denied, a guest is denied too.
func TestGuestsAreDeniedWhatMembersAre(t *testing.T) {
	const head = "version: 1\ngroups:\n  contractors: {usergroups: [S0CONTR]}\n  named: {users: [U0GUEST]}\nrules:\n"
	const tail = "  - {name: named may, who: [named], effect: allow}\n"
	for name, deny := range map[string]string{
		"who a user group":    "  - {name: no, who: [contractors], effect: deny}\n",
		"who everyone":        "  - {name: no, who: [everyone], when: change.min_replica.to == 0, effect: deny}\n",
		"when in a group":     "  - {name: no, when: '\"contractors\" in groups', effect: deny}\n",
		"when not in a group": "  - {name: no, when: '!(\"contractors\" in groups)', effect: deny}\n  - {name: no as well, who: [contractors], effect: deny}\n",
	} {
		t.Run(name, func(t *testing.T) {
			p, err := policyfile.Load("policy.yaml", []byte(head+deny+tail))
			if err != nil {
				t.Fatal(err)
			}
			q := authz.Question{
				Person: authz.Person{ID: "U0GUEST", Membership: authz.Guest}, Channel: "C0",
				Target:  baseten.Target{ModelID: "m", Model: "llama", Environment: "production"},
				Before:  baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 2},
				Touched: baseten.Settings{baseten.MinReplica: 0},
				People:  authz.People{Members: map[string][]string{"S0CONTR": {"U0GUEST"}}},
			}
			if d := p.Decide(q); d.Effect != authz.Deny {
				t.Errorf("guest: %s by rule %q, want deny", d.Effect, d.Rule)
			}
			q.Person.Membership = authz.Member
			if d := p.Decide(q); d.Effect != authz.Deny {
				t.Errorf("member: %s by rule %q, want deny", d.Effect, d.Rule)
			}
		})
	}
	t.Run("a grant that a group membership takes away", func(t *testing.T) {
		p, err := policyfile.Load("policy.yaml", []byte(head+"  - {name: named who are no contractors, who: [named], when: '!(\"contractors\" in groups)', effect: allow}\n"))
		if err != nil {
			t.Fatal(err)
		}
		q := authz.Question{
			Person: authz.Person{ID: "U0GUEST", Membership: authz.Guest}, Channel: "C0",
			Target: baseten.Target{ModelID: "m", Model: "llama", Environment: "staging"},
			Before: baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 2}, Touched: baseten.Settings{baseten.MaxReplica: 3},
			People: authz.People{Members: map[string][]string{"S0CONTR": {"U0GUEST"}}},
		}
		if d := p.Decide(q); d.Effect != authz.Deny {
			t.Errorf("guest in the group: %s by rule %q, want deny", d.Effect, d.Rule)
		}
		q.People.Members["S0CONTR"] = []string{"U0OTHER"}
		if d := p.Decide(q); d.Effect != authz.Allow {
			t.Errorf("guest outside the group: %s, want allow", d.Effect)
		}
	})
}
