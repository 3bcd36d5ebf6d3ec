package app_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/app"
	"autoscalebot/internal/authz/policyfile"
	"autoscalebot/internal/sandbox"
)

func policyFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPolicyTest(t *testing.T) {
	const untested = `version: 1
rules:
  - {name: a, who: [U0ANA], effect: allow}
`
	for _, tt := range []struct {
		name, text, want string
		err              error
	}{
		{"passes", sandbox.DemoPolicy, `ok    FILE:30: U0ANA: llama-70b production max=7: allow by rule "on-call may raise LLMs up to 8"
ok    FILE:36: U0ANA: llama-70b production max=12: approve by rule "the rest needs a lead"
ok    FILE:42: U0LEA: llama-70b production min=0: deny by rule "production keeps a replica"
3 tests, all passed.
Rules here use break_glass: the bot takes this file only where ANNOUNCE_CHANNEL is set.
`, nil},
		{"fails", untested + `tests:
  - {as: U0ANA, command: m production max=7, expect: allow, rule: a}
  - {as: U0BEN, command: m production max=7, expect: allow}
  - {as: U0ANA, command: m production max=lots, expect: allow}
`, `ok    FILE:5: U0ANA: m production max=7: allow by rule "a"
FAIL  FILE:6: U0BEN: m production max=7: expected allow, got deny by no rule. No rule allows you this. It can be asked by U0ANA: rule "a".
FAIL  FILE:7: U0ANA: m production max=lots: the command cannot be read: max=lots is not a whole number. Type digits only. Nothing was changed. For example: ` + "`/autoscale m production max=7`" + `
3 tests, 2 failed.
`, app.ErrPolicyTests},
		{"no tests", untested, `FILE loads, with 1 rule. It has no tests: say under tests: what it has to allow and to deny.
`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := policyFile(t, tt.text)
			var out bytes.Buffer
			if err := app.PolicyTest(&out, file); !errors.Is(err, tt.err) {
				t.Errorf("error = %v, want %v", err, tt.err)
			}
			if d := cmp.Diff(tt.want, strings.ReplaceAll(out.String(), file, "FILE")); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestPolicyTestLoadErrors(t *testing.T) {
	file := policyFile(t, "version: 1\nrules:\n  - {name: a, who: [U0ANA], targts: [production], effect: allow}\n")
	err := app.PolicyTest(new(bytes.Buffer), file)
	var all *policyfile.LoadError
	if !errors.As(err, &all) {
		t.Fatalf("error = %v, want a *policyfile.LoadError", err)
	}
	want := `FILE:3:29: unknown key "targts", did you mean targets?
  3 |   - {name: a, who: [U0ANA], targts: [production], effect: allow}
                                  ^`
	if d := cmp.Diff(want, strings.ReplaceAll(err.Error(), file, "FILE")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}

	err = app.PolicyTest(new(bytes.Buffer), file+".missing")
	if err == nil || err.Error() != file+".missing: the file cannot be read (there is none)" {
		t.Errorf("error = %v", err)
	}
}

// explained is a policy with one of everything that an explanation tells of.
const explained = `version: 1
channels: [C0MLOPS]
groups:
  oncall: {usergroups: [S0ONCALL]}
  sre: {usergroups: [S0SRE], users: [U0SAM]}
  leads: {users: [U0LEA, U0LEO]}
rules:
  - {name: never zero, targets: [production], when: change.min_replica.to == 0, effect: deny, reason: Production never scales to zero.}
  - {name: cheap, who: [oncall], models: ["team-a/*"], when: cost.ceiling_after < 10, effect: allow}
  - {name: with a second pair of eyes, who: [oncall], settings: [max, min], effect: approve, approvers: [leads, sre], approvals: {leads: 1, sre: 1}, break_glass: {who: [oncall]}}
  - {name: leads, who: [leads], effect: allow}
`

func TestPolicyExplain(t *testing.T) {
	for _, tt := range []struct {
		name string
		ask  app.Explain
		want string
	}{
		{
			"an approval", app.Explain{As: "U0ANA", Groups: []string{"oncall"}, Before: "min=1, max 4 delay=15m", Command: `llama production max=12`},
			`U0ANA, in oncall, in channel C0MLOPS, asks:
  model    llama
  target   environment production
  max      4 → 12
  as it is min=1 delay=900

   1. line 8, deny, "never zero"
      does not match: when: min is not being changed
   2. line 9, allow, "cheap"
      does not match: models: team-a/* is not this model
>  3. line 10, approve, "with a second pair of eyes"
      matches, and decides
   4. line 11, allow, "leads"
      does not match: who: you are not leads

Decision: approve. Rule "with a second pair of eyes" needs 1 approval by leads and 1 approval by sre.
Could approve: U0LEA, U0LEO, U0SAM, the members of S0SRE.
Waits for at most 24 hours.
This person may skip the approval: break-glass reason="…".
`,
		},
		{
			"broken glass", app.Explain{As: "U0ANA", Groups: []string{"oncall"}, Before: "max=4", Command: `llama production max=12 break-glass reason="on fire"`},
			`U0ANA, in oncall, in channel C0MLOPS, asks:
  model    llama
  target   environment production
  max      4 → 12

   1. line 8, deny, "never zero"
      does not match: when: min is not being changed
   2. line 9, allow, "cheap"
      does not match: models: team-a/* is not this model
>  3. line 10, approve, "with a second pair of eyes"
      matches, and decides
   4. line 11, allow, "leads"
      does not match: who: you are not leads

Decision: allow. Rule "with a second pair of eyes" lets you use break-glass. It would have needed 1 approval by leads and 1 approval by sre.
Could approve: U0LEA, U0LEO, U0SAM, the members of S0SRE.
`,
		},
		{
			"a cost that is not known", app.Explain{As: "U0LEA", Groups: []string{"oncall", "leads"}, Channel: "C0MLOPS", Command: `team-a/llama v12 max=2`, Deployment: true, Serves: "production"},
			`U0LEA, in oncall, leads, in channel C0MLOPS, asks:
  model    team-a/llama
  target   deployment v12, which serves production
  max      null → 2

   1. line 8, deny, "never zero"
      does not match: when: min is not being changed
>  2. line 9, allow, "cheap"
      decides: Rule "cheap" cannot be judged: it asks for cost.ceiling_after, which is not known now.
   3. line 10, approve, "with a second pair of eyes"
      would match, and is not reached
   4. line 11, allow, "leads"
      would match, and is not reached

Decision: deny. Rule "cheap" cannot be judged: it asks for cost.ceiling_after, which is not known now.
A rule asks about the cost. Give it with --cost.
`,
		},
		{
			"a cost that is", app.Explain{As: "U0ANA", Groups: []string{"oncall"}, Cost: "ceiling_after=9.5,floor_after=0", Command: `team-a/llama deployment:v12 min=0`},
			`U0ANA, in oncall, in channel C0MLOPS, asks:
  model    team-a/llama
  target   deployment v12
  min      null → 0

   1. line 8, deny, "never zero"
      does not match: targets: production is not this target
>  2. line 9, allow, "cheap"
      matches, and decides
   3. line 10, approve, "with a second pair of eyes"
      would match, and is not reached
   4. line 11, allow, "leads"
      does not match: who: you are not leads

Decision: allow. Rule "cheap" allows this.
`,
		},
		{
			"a denial", app.Explain{As: "U0EVE", Channel: "C0OTHER", Command: `llama development max=1`},
			`U0EVE, in no group, in channel C0OTHER, asks:
  model    llama
  target   deployment development
  max      null → 1

   1. line 8, deny, "never zero"
      does not match: targets: production is not this target
   2. line 9, allow, "cheap"
      does not match: models: team-a/* is not this model
   3. line 10, approve, "with a second pair of eyes"
      does not match: who: you are not oncall
   4. line 11, allow, "leads"
      does not match: who: you are not leads

Decision: deny. The policy takes commands in other channels only: C0MLOPS.
`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.ask.File = policyFile(t, explained)
			tt.ask.Now = time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
			var out bytes.Buffer
			if err := app.PolicyExplain(&out, tt.ask); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, out.String()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// temporary is a policy about how long a change may hold.
const temporary = `version: 1
timezone: Europe/Berlin
groups:
  leads: {users: [U0LEA]}
freeze: {who: [leads, U0VIP]}
rules:
  - {name: a shift, who: [everyone], settings: [max], effect: allow, max_for: 8h}
  - {name: an end, who: [leads], require: [for], effect: allow}
tests:
  - {as: U0ANA, command: llama production max=7 for=8h, expect: allow, rule: a shift}
  - {as: U0ANA, command: 'llama production max=7 until=18:00', now: "2026-05-01T10:00", expect: allow, rule: a shift}
  - {as: U0ANA, command: 'llama production max=7 until="Sat 10:00"', now: "2026-05-01T10:00", expect: deny, rule: a shift}
  - {as: U0LEA, command: llama production min=2, expect: deny, rule: an end}
`

func TestPolicyOfTemporaryChanges(t *testing.T) {
	file := policyFile(t, temporary)
	var out bytes.Buffer
	if err := app.PolicyTest(&out, file); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	const why = `U0LEA, in leads, asks:
  model    llama
  target   environment production
  max      null → 7
`
	const steps = `
>  1. line 7, allow, "a shift"
      matches, and decides
   2. line 8, allow, "an end"
      would match, and is not reached

`
	const after = "The change may hold for at most 8 hours.\nMay freeze and thaw: leads, U0VIP.\n"
	for command, want := range map[string]string{
		"llama production max=7":             why + steps + "Decision: deny. Rule \"a shift\" wants an end: add for=2h or until=18:00, at most 8 h.\n" + after,
		"llama production max=7 for=9h":      why + "  for      9 hours\n" + steps + "Decision: deny. Rule \"a shift\" lets a change hold for at most 8 h. Give a shorter time, such as for=2h.\n" + after,
		"llama production max=7 until=18:30": why + "  for      7h30m\n" + steps + "Decision: allow. Rule \"a shift\" allows this.\n" + after,
	} {
		out.Reset()
		ask := app.Explain{File: file, As: "U0LEA", Command: command, Now: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)}
		if err := app.PolicyExplain(&out, ask); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, out.String()); d != "" {
			t.Errorf("%s (-want +got)\n%s", command, d)
		}
	}
	ask := app.Explain{File: file, As: "U0LEA", Command: "llama production max=7 until=2026-03-01T18:00", Now: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)}
	if err := app.PolicyExplain(&out, ask); err == nil || err.Error() != "2026-03-01 18:00 has passed" {
		t.Errorf("error = %v", err)
	}
}

func TestPolicyExplainMistakes(t *testing.T) {
	for _, tt := range []struct {
		name string
		ask  app.Explain
		want string
	}{
		{"name for an ID", app.Explain{As: "ana"}, `"ana" is not a Slack user ID (U… or W…)`},
		{"name for a channel", app.Explain{As: "U0ANA", Channel: "#ops"}, `"#ops" is not a Slack channel ID (C…)`},
		{"unknown group", app.Explain{As: "U0ANA", Groups: []string{"onccall"}}, `the policy has no group "onccall"; it has leads, oncall, sre`},
		{"group by ID", app.Explain{As: "U0ANA", Groups: []string{"leads"}}, `the policy lists who is in leads by ID: ask as U0LEA or U0LEO`},
		{"no settings before", app.Explain{As: "U0ANA", Before: "lots"}, "the settings before cannot be read: "},
		{"options before", app.Explain{As: "U0ANA", Before: "min=1,dry-run"}, "the settings before cannot be read: write settings only, such as min=1,max=4"},
		{"an end before", app.Explain{As: "U0ANA", Before: "min=1,for=2h"}, "the settings before cannot be read: write settings only, such as min=1,max=4"},
		{"unknown cost", app.Explain{As: "U0ANA", Cost: "floor=1"}, `the cost "floor=1" cannot be read: `},
		{"cost in words", app.Explain{As: "U0ANA", Cost: "floor_after=much"}, `the cost "floor_after=much" cannot be read: `},
		{"no change", app.Explain{As: "U0ANA", Command: "status llama"}, "the command cannot be read: this is not a change: status llama"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.ask.File = policyFile(t, explained)
			if tt.ask.Command == "" {
				tt.ask.Command = "llama production max=2"
			}
			var out bytes.Buffer
			err := app.PolicyExplain(&out, tt.ask)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error = %v, want %s…", err, tt.want)
			}
			if out.Len() > 0 {
				t.Errorf("output beside the error: %s", &out)
			}
		})
	}
}
