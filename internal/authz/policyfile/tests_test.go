package policyfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

// words is enough of the command grammar for these tests.
func words(text string) (ParsedCommand, error) {
	fields := strings.Fields(text)
	if len(fields) < 3 {
		return ParsedCommand{}, errors.New("name a model, a target and a setting")
	}
	c := ParsedCommand{Model: fields[0], Target: fields[1], Settings: baseten.Settings{}}
	if kind, name, ok := strings.Cut(c.Target, ":"); ok {
		c.Kind, c.Target = map[string]string{"env": baseten.TargetEnvironment, "deployment": baseten.TargetDeployment}[kind], name
	}
	for _, f := range fields[2:] {
		key, value, _ := strings.Cut(f, "=")
		if key == "break-glass" {
			c.BreakGlass = true
			continue
		}
		if key == "reason" {
			c.Reason = value
			continue
		}
		if key == "for" {
			d, err := time.ParseDuration(value)
			if err != nil {
				return c, err
			}
			c.Duration = d
			continue
		}
		if key == "until" {
			c.Ends = func(now time.Time, loc *time.Location) (time.Time, error) { return endsAt(value, now, loc) }
			continue
		}
		setting, ok := baseten.SettingNamed(key)
		n, err := strconv.Atoi(value)
		if !ok || err != nil {
			return c, fmt.Errorf("unknown word %s", f)
		}
		c.Settings[setting.Field] = n
	}
	return c, nil
}

// endsAt reads a time of the day of now.
func endsAt(text string, now time.Time, loc *time.Location) (time.Time, error) {
	t, err := time.ParseInLocation("15:04", text, loc)
	if err != nil {
		return t, err
	}
	year, month, day := now.In(loc).Date()
	return time.Date(year, month, day, t.Hour(), t.Minute(), 0, 0, loc), nil
}

func code(c authz.Cause) string { return string(c.Code) }

func TestPolicyTestsOfTheDesign(t *testing.T) {
	p := mustLoad(t, readFile(t, "testdata/design.yaml"))
	results := RunTests(p, words)
	if len(results) != 4 {
		t.Fatalf("%d results", len(results))
	}
	if err := FailedTests(results, code); err != nil {
		t.Error(err)
	}
	want := `policy.yaml:26: U0ONCALL7: llama-70b production max=12: approve by rule "the rest needs a lead"`
	if got := results[0].Text(code); got != want {
		t.Errorf("%s", got)
	}
}

func TestPolicyTestsOfTemporaryChanges(t *testing.T) {
	text := readFile(t, "testdata/temporary.yaml")
	results := RunTests(mustLoad(t, text), words)
	if err := FailedTests(results, code); err != nil || len(results) != 10 {
		t.Errorf("%d results: %v", len(results), err)
	}
	more := "  - {as: U0ANA, groups: [oncall], command: 'llama production max=12 until=18:00', expect: allow}\n" +
		"  - {as: U0ANA, groups: [oncall], command: 'llama production max=12 until=26:00', now: \"2026-11-26T10:00\", expect: allow}\n"
	failed := RunTests(mustLoad(t, text+more), words)[10:]
	for i, want := range []string{"it says until when, so the test needs now", "hour out of range"} {
		if got := failed[i].Text(code); failed[i].Passed() || !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}

func TestPolicyTestsKnowAllOfAQuestion(t *testing.T) {
	p := mustLoad(t, `
version: 1
timezone: Europe/Berlin
channels: [C0MLOPS, C0OTHER]
groups:
  leads: {usergroups: [S0LEADS]}
  sre: {usergroups: [S0LEADS, S0SRE]}
rules:
  - name: nights
    when: has(now) && local.hour < 6
    effect: deny
  - name: dear
    when: has(cost.ceiling_after) && cost.ceiling_after > 100
    effect: deny
  - name: vision
    models: ["vision/*"]
    effect: deny
  - name: development
    who: [everyone]
    targets: [development]
    when: kind == "deployment"
    effect: allow
  - name: from the other channel
    who: [everyone]
    when: channel == "C0OTHER"
    effect: allow
  - name: deployments
    who: [everyone]
    targets: [production]
    when: kind == "deployment"
    effect: confirm
  - name: rest
    who: [leads]
    effect: approve
    approvers: [leads, sre]
    approvals: {leads: 9, sre: 11}
    break_glass: {who: [leads]}
tests:
  - {as: U0ANNA, command: llama production max=3, now: "2026-05-04T05:59", expect: deny, rule: nights}
  - {as: U0ANNA, command: llama production max=3, now: "2026-05-04T03:59:00Z", expect: deny, rule: nights}
  - {as: U0ANNA, groups: [leads], command: llama production max=3, now: "2026-05-04T06:00", expect: approve, rule: rest}
  - {as: U0ANNA, command: llama production max=3, cost: {ceiling_after: 100.5}, expect: deny, rule: dear}
  - {as: U0ANNA, groups: [leads], command: llama production max=3, cost: {ceiling_after: 100}, expect: approve}
  - {as: U0ANNA, command: vision/llama production max=3, expect: deny, rule: vision}
  - {as: U0ANNA, command: llama production max=3, team: vision, expect: deny, rule: vision}
  - {as: U0ANNA, command: llama development max=3, expect: allow, rule: development}
  - {as: U0ANNA, command: llama env:development max=3, expect: deny}
  - {as: U0ANNA, command: llama production max=3, channel: C0OTHER, expect: allow}
  - {as: U0ANNA, command: llama production max=3, channel: C0RANDOM, expect: deny}
  - {as: U0ANNA, command: llama canary max=3, serves: production, expect: confirm, rule: deployments}
  - {as: U0ANNA, command: llama canary max=3, serves: production, confirmed: true, expect: allow, rule: deployments}
  - {as: U0ANNA, command: llama deployment:canary max=3, promoting: [production], expect: confirm}
  - {as: U0ANNA, command: llama canary max=3, kind: deployment, promoting: [production], expect: confirm}
  - {as: U0ANNA, groups: [leads], membership: guest, command: llama production max=3, expect: approve}
  - {as: U0ANNA, groups: [leads], membership: foreign, command: llama production max=3, expect: deny}
  - {as: U0ANNA, groups: [leads], command: llama production max=3 break-glass reason=fire, expect: allow, rule: rest}
  - {as: U0ANNA, groups: [leads], command: llama production max=3 break-glass, expect: deny, rule: rest}
  - {as: U0ANNA, groups: [sre], command: llama production max=3, expect: deny}
`)
	if err := FailedTests(RunTests(p, words), code); err != nil {
		t.Error(err)
	}
}

func TestFailedPolicyTestsSayWhat(t *testing.T) {
	p := mustLoad(t, `
version: 1
rules:
  - name: up
    who: [everyone]
    when: change.max_replica.up
    effect: allow
  - name: down
    who: [everyone]
    effect: confirm
tests:
  - as: U0ANNA
    command: llama production max=3
    before: {max: 4}
    expect: allow
  - as: U0ANNA
    command: llama production max=5
    before: {max: 4}
    expect: allow
    rule: down
  - as: U0ANNA
    command: llama production max=5
    before: {max: null}
    expect: allow
  - as: U0ANNA
    command: llama production up
    expect: allow
`)
	want := []string{
		`policy.yaml:12: U0ANNA: llama production max=3: expected allow, got confirm by rule "down". confirms`,
		`policy.yaml:16: U0ANNA: llama production max=5: expected allow by rule "down", got allow by rule "up". allows`,
		`policy.yaml:21: U0ANNA: llama production max=5: expected allow, got deny by rule "up". condition_failed`,
		`policy.yaml:25: U0ANNA: llama production up: the command cannot be read: unknown word up`,
	}
	err := FailedTests(RunTests(p, words), code)
	if err == nil {
		t.Fatal("nothing failed")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
