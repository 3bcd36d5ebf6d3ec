package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"autoscalebot/internal/app"
	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/store"
)

// The secrets of a world that is checked. None may ever be shown.
const (
	secretBot     = "xoxb-4711-0815-dontshowme"
	secretApp     = "xapp-1-A0AUTOSCALE-4711-dontshowme"
	secretBaseten = "dontshowme.4711"
	secretDB      = "dontshowme-db"
)

// setup is a world to check, and the environment of the bot that would live in it.
type setup struct {
	*sandbox.World
	t   *testing.T
	env map[string]string
	dir string
}

func newSetup(t *testing.T, scopes ...string) *setup {
	t.Helper()
	dir := t.TempDir()
	world, err := sandbox.NewWorld(sandbox.WorldOptions{
		Dir:     dir,
		Slack:   slacksim.Options{BotToken: secretBot, AppToken: secretApp, Scopes: scopes},
		Baseten: basetensim.Options{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := world.Close(); err != nil {
			t.Error(err)
		}
	})
	world.Baseten.SetAPIKey(secretBaseten)
	return &setup{World: world, t: t, env: world.Env(), dir: dir}
}

// check checks the set-up, with DIR in the place of its folder.
func (s *setup) check() (output string, ok bool) {
	s.t.Helper()
	var out bytes.Buffer
	ok = app.Check(s.t.Context(), s.env, "test", app.CheckOptions{}, &out)
	output = strings.ReplaceAll(out.String(), s.dir, "DIR")
	hidden := []string{secretDB, "ticket="}
	for name, value := range s.env {
		if strings.HasSuffix(name, "_TOKEN") || strings.HasSuffix(name, "_KEY") {
			hidden = append(hidden, value)
		}
	}
	for _, secret := range hidden {
		if secret != "" && strings.Contains(output, secret) {
			s.t.Errorf("the output shows %q:\n%s", secret, output)
		}
	}
	return output, ok
}

func (s *setup) policy(text string) {
	s.t.Helper()
	if err := s.SetPolicy(text); err != nil {
		s.t.Fatal(err)
	}
}

const goodSetup = `ok    POLICY_FILE       4 rules, 3 tests pass
ok    SLACK_BOT_TOKEN   bot U0BOT of the workspace Acme ML (T0ACMEML)
ok    scopes            all that are needed. Without the optional chat:write.public (the bot posts only where it was invited).
ok    SLACK_APP_TOKEN   a socket opens for the app A0AUTOSCALE
ok    ANNOUNCE_CHANNEL  the bot is in #ml-oncall (C0MLONCALL)
ok    user group        S0ONCALL has 2 members
ok    users             2 people named in the policy, all active members
ok    approvals         1 rule asks for them, each with enough people who could approve
warn  BASETEN_API_KEY   it reads 6 models, and acts as Autoscale bot (bot@example.com). If that is a person, make a key of the workspace or team instead: a personal key ends with the account.
ok    policy names      Baseten has every model and target that the policy names
ok    DATABASE_URL      there is no database yet; the bot makes it in DIR
10 ok, 1 warning, 0 failed. This set-up works.
`

func TestCheckGoodSetup(t *testing.T) {
	s := newSetup(t)
	got, ok := s.check()
	if d := cmp.Diff(goodSetup, got); d != "" || !ok {
		t.Errorf("ok = %t (-want +got)\n%s", ok, d)
	}
	if sockets := s.Slack.Sockets(); len(sockets) > 1 {
		t.Errorf("%d sockets stay open", len(sockets))
	}
	for _, c := range s.Slack.Calls("chat.postMessage") {
		t.Errorf("posted: %+v", c)
	}
	if patches := s.Baseten.Patches(); len(patches) > 0 {
		t.Errorf("changed: %+v", patches)
	}
	if files, _ := filepath.Glob(filepath.Join(s.dir, "*")); len(files) != 1 {
		t.Errorf("files = %v, want the policy only", files)
	}
}

// Strictly, a warning is a failure too.
func TestCheckStrict(t *testing.T) {
	s := newSetup(t)
	var out bytes.Buffer
	if app.Check(t.Context(), s.env, "test", app.CheckOptions{Strict: true}, &out) || !strings.Contains(out.String(), "1 warning, 0 failed. This set-up works; warnings count as failures here") {
		t.Errorf("the output is\n%s", &out)
	}
}

// Programs get an object for each item, by names that stay, and the same verdict.
func TestCheckJSON(t *testing.T) {
	s := newSetup(t)
	s.policy(strings.Replace(sandbox.DemoPolicy, "targets: [production]", "targets: [prodution]", 1))
	s.env["LOG_LEVEL"] = "loud"
	var text, lines bytes.Buffer
	if app.Check(t.Context(), s.env, "test", app.CheckOptions{}, &text) || app.Check(t.Context(), s.env, "test", app.CheckOptions{JSON: true}, &lines) {
		t.Error("it works")
	}
	got := make(map[string]string)
	objects := 0
	for line := range strings.Lines(lines.String()) {
		var item struct{ Check, Result, Text string }
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		objects++
		got[item.Check] = item.Result
		if first, _, _ := strings.Cut(item.Text, "\n"); !strings.Contains(text.String(), first) {
			t.Errorf("the text does not say %q", first)
		}
	}
	want := map[string]string{
		"LOG_LEVEL": "fail", "POLICY_FILE": "fail", "SLACK_BOT_TOKEN": "ok", "scopes": "ok", "SLACK_APP_TOKEN": "ok", "ANNOUNCE_CHANNEL": "ok",
		"user_group": "ok", "users": "ok", "approvals": "ok", "BASETEN_API_KEY": "warn", "policy_target": "fail", "DATABASE_URL": "ok",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if n := strings.Count(text.String(), "\nok ") + strings.Count(text.String(), "\nwarn ") + strings.Count(text.String(), "\nFAIL ") + 1; n != objects {
		t.Errorf("%d objects for %d items", objects, n)
	}
}

// Each bad set-up is told by the lines that a good one does not have.
func TestCheckBadSetups(t *testing.T) {
	for _, tt := range []struct {
		name   string
		scopes []string
		spoil  func(s *setup)
		passes bool
		want   []string
	}{
		{
			name: "tokens swapped",
			spoil: func(s *setup) {
				s.env["SLACK_BOT_TOKEN"], s.env["SLACK_APP_TOKEN"] = s.env["SLACK_APP_TOKEN"], s.env["SLACK_BOT_TOKEN"]
			},
			want: []string{
				`FAIL  SLACK_BOT_TOKEN   this is not the bot token (xoxb-…)`,
				`FAIL  SLACK_APP_TOKEN   this is not the app-level token (xapp-…)`,
				`warn  people, channels  not looked up: SLACK_BOT_TOKEN has to work first`,
			},
		},
		{
			name: "tokens revoked",
			spoil: func(s *setup) {
				s.env["SLACK_BOT_TOKEN"], s.env["SLACK_APP_TOKEN"] = "xoxb-another-dontshowme", "xapp-another-dontshowme"
			},
			want: []string{
				`FAIL  SLACK_BOT_TOKEN   Slack refuses it: invalid_auth. Copy the bot token again: at api.slack.com/apps, OAuth & Permissions.`,
				`FAIL  SLACK_APP_TOKEN   Slack refuses it: invalid_auth. Generate another app-level token with connections:write: at api.slack.com/apps, Basic Information.`,
				`warn  people, channels  not looked up: SLACK_BOT_TOKEN has to work first`,
			},
		},
		{
			name:   "scope missing",
			scopes: []string{"commands", "chat:write", "app_mentions:read", "users:read", "channels:read", "groups:read", "chat:write.public", "im:write"},
			spoil:  func(*setup) {},
			want: []string{
				`FAIL  scopes            missing: usergroups:read (who is in the policy's user groups). Add them under OAuth & Permissions and install the app again.`,
				`FAIL  user group        S0ONCALL: Slack refuses it: the token lacks the scope usergroups:read.`,
			},
		},
		{
			name:   "all scopes",
			scopes: []string{"commands", "chat:write", "app_mentions:read", "users:read", "usergroups:read", "channels:read", "groups:read", "chat:write.public", "im:write"},
			spoil:  func(s *setup) { s.env["ANNOUNCE_CHANNEL"] = "C0RANDOM" },
			passes: true,
			want: []string{
				`ok    scopes            all that are needed, and the optional ones`,
				`ok    ANNOUNCE_CHANNEL  the bot may post in #random (C0RANDOM), as in every public channel`,
			},
		},
		{
			name: "app token of a foreign app",
			spoil: func(s *setup) {
				other := slacksim.New(slacksim.Options{AppID: "A0OTHER", AppToken: secretApp})
				if err := other.Start(); err != nil {
					s.t.Fatal(err)
				}
				s.t.Cleanup(other.Close)
				s.divert("apps.connections.open", other.APIURL())
			},
			want: []string{`FAIL  SLACK_APP_TOKEN   it belongs to the app A0OTHER, SLACK_BOT_TOKEN to the app A0AUTOSCALE. Take both from one app.`},
		},
		{
			name: "app not known",
			spoil: func(s *setup) {
				s.Slack.Fault(slacksim.Fault{Method: "bots.info", Kind: slacksim.FaultError, Code: "bot_not_found"})
			},
			passes: true,
			want:   []string{`warn  SLACK_APP_TOKEN   a socket opens. Whether it belongs to the same app as SLACK_BOT_TOKEN, Slack does not say.`},
		},
		{
			name:  "Socket Mode off",
			spoil: func(s *setup) { s.Slack.DisableSocketMode(true) },
			want:  []string{`FAIL  SLACK_APP_TOKEN   Socket Mode is switched off. Turn it on in the app's settings.`},
		},
		{
			name:  "Slack asks to wait too long",
			spoil: func(s *setup) { s.Slack.RefuseOpen(slacksim.Refusal{RetryAfter: time.Minute}) },
			want:  []string{`FAIL  SLACK_APP_TOKEN   Slack has been asked too often. Try again in 60 s.`},
		},
		{
			name: "Slack asks to wait a moment",
			spoil: func(s *setup) {
				s.Slack.Fault(slacksim.Fault{Method: "users.info", Times: 1, Kind: slacksim.FaultRateLimited, RetryAfter: time.Second})
			},
			passes: true,
		},
		{
			name:  "bot not in the channel",
			spoil: func(s *setup) { s.env["ANNOUNCE_CHANNEL"] = "C0RANDOM" },
			want:  []string{`FAIL  ANNOUNCE_CHANNEL  the bot is not in #random (C0RANDOM). Type /invite @autoscale there.`},
		},
		{
			name: "channels of the policy",
			spoil: func(s *setup) {
				s.Slack.ArchiveChannel("C0LLMPROD")
				s.policy("channels: [C0LLMPROD, C0SECRET, C0PARTNER]\n" + sandbox.DemoPolicy)
			},
			want: []string{
				`FAIL  policy channel    #llm-prod (C0LLMPROD) is archived. Name another channel.`,
				`FAIL  policy channel    C0SECRET: Slack shows the bot no such channel. Correct the ID; if the channel is private, type /invite @autoscale there.`,
				`FAIL  policy channel    #with-partner (C0PARTNER) is shared with another organisation. Name another channel.`,
			},
		},
		{
			name: "people of the policy",
			spoil: func(s *setup) {
				s.Slack.UpdateUser(slacksim.User{ID: "U0LEO", Name: "leo", Deleted: true})
				s.policy(strings.Replace(sandbox.DemoPolicy, "users: [U0LEA, U0LEO]", "users: [U0LEA, U0LEO, U0NOBODY, U0GUS, U0EVE]", 1))
			},
			want: []string{
				`warn  user              U0LEO (leo) is deactivated and may do nothing. Take the ID out of the policy.`,
				`FAIL  user              U0NOBODY: Slack knows nobody of this ID. Correct the policy.`,
				`warn  user              U0GUS (Gus) is a guest. The policy names this ID, so what it grants holds for the guest too.`,
				`FAIL  user              U0EVE (Eve) is no person of this workspace (foreign) and can be granted nothing. Correct the policy.`,
			},
		},
		{
			name:  "user group empty",
			spoil: func(s *setup) { s.Slack.AddUsergroup("S0ONCALL", "oncall") },
			want:  []string{`FAIL  user group        S0ONCALL has nobody in it, or is disabled. Rules that depend on it refuse everybody.`},
		},
		{
			name:  "user group disabled",
			spoil: func(s *setup) { s.Slack.DisableUsergroup("S0ONCALL", true) },
			want:  []string{`FAIL  user group        S0ONCALL: Slack has no such user group, or it is disabled. Correct the policy.`},
		},
		{
			name: "approvals out of reach",
			spoil: func(s *setup) {
				s.policy(`version: 1
groups:
  oncall: {usergroups: [S0ONCALL]}
  leads: {users: [U0LEA]}
rules:
  - {name: one lead, who: [oncall], settings: [max], effect: approve, approvers: [leads]}
  - {name: two leads, who: [oncall], settings: [min], effect: approve, approvers: [leads], approvals: 2}
  - {name: both, who: [oncall], effect: approve, approvers: [leads, oncall], approvals: {leads: 1, oncall: 3}}
`)
			},
			want: []string{
				`ok    POLICY_FILE       3 rules, 0 tests pass`,
				`warn  policy lint       DIR/policy.yaml:7: rule "two leads": it can never be approved: it names fewer approvers than it asks for. Name more, or ask for fewer approvals.`,
				`ok    users             1 person named in the policy, all active members`,
				`warn  approvals         rule "one lead" depends on U0LEA (Lea): nobody can approve what they ask for, and nothing while they are away.`,
				`FAIL  approvals         rule "two leads" can never be approved: it lacks 1 approval, 1 person could approve. Add people or ask for fewer approvals.`,
				`FAIL  approvals         rule "both" can never be approved: it lacks 1 approval by oncall, 3 people could approve. Add people or ask for fewer approvals.`,
			},
		},
		{
			name: "a denial that denies nothing",
			spoil: func(s *setup) {
				s.policy(`version: 1
rules:
  - {name: a, who: [U0ANA, U0BEN], effect: allow}
  - {name: b, who: [U0ANA], targets: [production], effect: deny}
`)
			},
			passes: true,
			want: []string{
				`ok    POLICY_FILE       2 rules, 0 tests pass`,
				`warn  policy lint       DIR/policy.yaml:4: rule "b": it denies nothing: rule "a" on line 3 lets everything through that it would match. Put it before that rule, or take it out.`,
			},
		},
		{
			name: "approver deactivated",
			spoil: func(s *setup) {
				s.Slack.UpdateUser(slacksim.User{ID: "U0BEN", Name: "ben", Deleted: true})
				s.policy(`version: 1
groups:
  oncall: {usergroups: [S0ONCALL]}
rules:
  - {name: somebody else, who: [everyone], effect: approve, approvers: [oncall]}
`)
			},
			passes: true,
			want: []string{
				`ok    POLICY_FILE       1 rule, 0 tests pass`,
				`warn  approvals         rule "somebody else" depends on U0ANA (Ana): nobody can approve what they ask for, and nothing while they are away.`,
			},
		},
		{
			name:  "policy with a typo",
			spoil: func(s *setup) { s.policy(strings.Replace(sandbox.DemoPolicy, "effect: confirm", "efect: confirm", 1)) },
			want: []string{
				`FAIL  POLICY_FILE       the bot would not take it:`,
				`DIR/policy.yaml:19:5: a rule needs an effect: allow, confirm, approve or deny`,
				`  19 |   - name: staging and development need a second look`,
				`           ^`,
				`DIR/policy.yaml:22:5: unknown key "efect", did you mean effect?`,
				`  22 |     efect: confirm`,
				`           ^`,
			},
		},
		{
			name: "policy fails its tests",
			spoil: func(s *setup) {
				s.policy(strings.Replace(sandbox.DemoPolicy, "max_replica <= 8", "max_replica <= 6", 1))
			},
			want: []string{
				`FAIL  POLICY_FILE       the bot would not take it:`,
				`DIR/policy.yaml:30: U0ANA: llama-70b production max=7: expected allow by rule "on-call may raise LLMs up to 8", got approve by rule "the rest needs a lead". Rule "the rest needs a lead" needs 1 approval by leads.`,
			},
		},
		{
			name:  "no policy file",
			spoil: func(s *setup) { s.env["POLICY_FILE"] += ".missing" },
			want:  []string{`FAIL  POLICY_FILE       DIR/policy.yaml.missing cannot be read (there is none). Name the file as it is where the bot runs: in a container, where it is mounted.`},
		},
		{
			name:  "break-glass is announced nowhere",
			spoil: func(s *setup) { delete(s.env, "ANNOUNCE_CHANNEL") },
			want: []string{
				`FAIL  POLICY_FILE       the bot would not take it:`,
				`DIR/policy.yaml uses break_glass, so ANNOUNCE_CHANNEL must be set`,
			},
		},
		{
			name: "a list instead of a policy",
			spoil: func(s *setup) {
				delete(s.env, "POLICY_FILE")
				s.env["ALLOWED_USERS"] = "U0ANA, U0LEA"
			},
			passes: true,
			want:   []string{`ok    ALLOWED_USERS     2 people may change anything, nobody else may`},
		},
		{
			name:  "names that Baseten does not have",
			spoil: func(s *setup) { s.policy(misspelt) },
			want: []string{
				`ok    POLICY_FILE       2 rules, 0 tests pass`,
				`ok    users             1 person named in the policy, all active members`,
				`warn  policy model      DIR/policy.yaml:3: rule "a" names "lama-70b", which Baseten does not have. Did you mean llama-70b?`,
				`warn  policy target     DIR/policy.yaml:3: rule "a" names "stagin", which no model has (6 models looked through).`,
			},
			passes: true,
		},
		{
			name: "names in a deny rule that Baseten does not have",
			spoil: func(s *setup) {
				s.policy(`version: 1
rules:
  - {name: a, targets: [prodution], effect: deny}
  - {name: b, when: 'model == "llama-7b" || target in ["production", "stagin"]', effect: deny}
  - {name: c, who: [everyone], models: [lama-70b], effect: allow}
`)
			},
			want: []string{
				`ok    POLICY_FILE       3 rules, 0 tests pass`,
				`FAIL  policy target     DIR/policy.yaml:3: rule "a" names "prodution", which no model has (6 models looked through). It is there to deny, and denies nothing.`,
				`FAIL  policy model      DIR/policy.yaml:4: rule "b" names "llama-7b", which Baseten does not have. It is there to deny, and denies nothing. Did you mean llama-70b?`,
				`FAIL  policy target     DIR/policy.yaml:4: rule "b" names "stagin", which no model has (6 models looked through). It is there to deny, and denies nothing.`,
				`warn  policy model      DIR/policy.yaml:5: rule "c" names "lama-70b", which Baseten does not have. Did you mean llama-70b?`,
			},
		},
		{
			name:   "approvals of a user group that a missing scope hides",
			scopes: []string{"commands", "chat:write", "app_mentions:read", "users:read", "channels:read", "groups:read"},
			spoil: func(s *setup) {
				s.policy(`version: 1
groups:
  oncall: {usergroups: [S0ONCALL]}
rules:
  - {name: somebody else, who: [everyone], effect: approve, approvers: [oncall]}
`)
			},
			want: []string{
				`ok    POLICY_FILE       1 rule, 0 tests pass`,
				`FAIL  scopes            missing: usergroups:read (who is in the policy's user groups). Add them under OAuth & Permissions and install the app again.`,
				`FAIL  user group        S0ONCALL: Slack refuses it: the token lacks the scope usergroups:read.`,
				`warn  approvals         rule "somebody else": whether it can be approved is not known, since S0ONCALL could not be looked up (see above).`,
			},
		},
		{
			name: "Baseten stops answering half-way",
			spoil: func(s *setup) {
				s.policy(misspelt)
				s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Refused, Status: http.StatusForbidden, Path: "/v1/models/*/environments"})
			},
			want: []string{
				`ok    POLICY_FILE       2 rules, 0 tests pass`,
				`ok    users             1 person named in the policy, all active members`,
				`warn  policy model      DIR/policy.yaml:3: rule "a" names "lama-70b", which Baseten does not have. Did you mean llama-70b?`,
				`warn  policy target     DIR/policy.yaml:3: rule "a" names "staging". Whether Baseten has it could not be found out.`,
				`warn  policy target     DIR/policy.yaml:3: rule "a" names "stagin". Whether Baseten has it could not be found out.`,
				`warn  policy target     DIR/policy.yaml:3: rule "a" names "v12". Whether Baseten has it could not be found out.`,
			},
			passes: true,
		},
		{
			name:  "wrong Baseten key",
			spoil: func(s *setup) { s.env["BASETEN_API_KEY"] = "another-dontshowme" },
			want: []string{
				`FAIL  BASETEN_API_KEY   Baseten does not accept this key (Invalid API key or authorization scheme). Make a new one, and see that BASETEN_AUTH_SCHEME fits it.`,
			},
		},
		{
			name: "Baseten does not say whose key it is",
			spoil: func(s *setup) {
				s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Refused, Status: http.StatusNotFound, Op: basetensim.GetMe})
			},
			passes: true,
			want:   []string{`ok    BASETEN_API_KEY   it reads 6 models; whose it is, Baseten does not say`},
		},
		{
			name: "nothing answers",
			spoil: func(s *setup) {
				s.env["SLACK_API_URL"], s.env["BASETEN_BASE_URL"] = "http://127.0.0.1:1", "http://127.0.0.1:1"
				s.env["DATABASE_URL"] = "postgres://bot:" + secretDB + "@127.0.0.1:1/bot?sslmode=disable"
			},
			want: []string{
				`FAIL  SLACK_BOT_TOKEN   Slack cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused.`,
				`FAIL  SLACK_APP_TOKEN   Slack cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused.`,
				`warn  people, channels  not looked up: SLACK_BOT_TOKEN has to work first`,
				`FAIL  BASETEN_API_KEY   Baseten cannot be reached. Is BASETEN_BASE_URL right, and reachable from here?`,
				"FAIL  DATABASE_URL      connect to PostgreSQL: failed to connect to `user=bot database=bot`: 127.0.0.1:1 (127.0.0.1): dial error: dial tcp 127.0.0.1:1: connect: connection refused",
			},
		},
		{
			name:  "no folder for the database",
			spoil: func(s *setup) { s.env["DATABASE_URL"] = "sqlite:/nowhere/at/all/bot.db" },
			want:  []string{`FAIL  DATABASE_URL      there is no database yet, and none can be made in /nowhere/at/all (there is none).`},
		},
		{
			name:   "database in memory",
			spoil:  func(s *setup) { s.env["DATABASE_URL"] = "sqlite::memory:" },
			passes: true,
			want:   []string{`warn  DATABASE_URL      kept in memory only: requests and the audit log are lost when the bot stops`},
		},
		{
			name: "no database at all",
			spoil: func(s *setup) {
				file := filepath.Join(s.dir, "notes.txt")
				if err := os.WriteFile(file, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
					s.t.Fatal(err)
				}
				s.env["DATABASE_URL"] = "sqlite:" + file
			},
			want: []string{`FAIL  DATABASE_URL      the database file is damaged: restore a backup: open database DIR/notes.txt: file is not a database (26)`},
		},
		{
			name: "a configuration that the bot refuses",
			spoil: func(s *setup) {
				delete(s.env, "POLICY_FILE")
				s.env["ALLOWED_USERS"], s.env["DATABASE_URL"], s.env["LOG_LEVEL"] = "ana", "mysql://bot:"+secretDB+"@db/bot", secretBaseten
			},
			want: []string{
				`FAIL  LOG_LEVEL         unknown log level "[redacted]": use debug, info, warn or error`,
				`FAIL  DATABASE_URL      the database URL must be sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME`,
				`FAIL  ALLOWED_USERS     not Slack user IDs (U… or W…): "ana"`,
			},
		},
		{
			name: "nothing is set",
			spoil: func(s *setup) {
				s.env = map[string]string{"DATABASE_URL": s.env["DATABASE_URL"]}
			},
			want: []string{
				`FAIL  SLACK_BOT_TOKEN   missing; set it to the bot token (xoxb-…), or SLACK_BOT_TOKEN_FILE to a file that holds it`,
				`FAIL  SLACK_APP_TOKEN   missing; set it to the app-level token (xapp-…), or SLACK_APP_TOKEN_FILE to a file that holds it`,
				`FAIL  BASETEN_API_KEY   missing; set it to a Baseten API key, or BASETEN_API_KEY_FILE to a file that holds it`,
				`FAIL  POLICY_FILE or ALLOWED_USERS  set one of them; without a policy nobody may change anything`,
				`warn  people, channels  not looked up: SLACK_BOT_TOKEN has to work first`,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, tt.scopes...)
			tt.spoil(s)
			output, ok := s.check()
			if ok != tt.passes {
				t.Errorf("passes = %t, want %t", ok, tt.passes)
			}
			var got []string
			for line := range strings.Lines(output) {
				if line = strings.TrimSuffix(line, "\n"); !strings.Contains(goodSetup, line) && !strings.Contains(line, " failed. ") {
					got = append(got, line)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got)\n%s\nin\n%s", d, output)
			}
		})
	}
}

const misspelt = `version: 1
rules:
  - {name: a, who: [U0ANA], models: [lama-70b, rerank, ads/rerank, 3ydn1e43], targets: [staging, stagin, v12, development], effect: allow}
  - {name: b, who: [U0ANA], models: ["llama-*"], targets: [production, "canary-*"], effect: allow}
`

// divert lets one method of the Web API be answered by another workspace.
func (s *setup) divert(method, elsewhere string) {
	s.t.Helper()
	proxy := func(address string) *httputil.ReverseProxy {
		to, err := url.Parse(strings.TrimSuffix(address, "/api/"))
		if err != nil {
			s.t.Fatal(err)
		}
		return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	}
	mux := http.NewServeMux()
	mux.Handle("/", proxy(s.Slack.APIURL()))
	mux.Handle("/api/"+method, proxy(elsewhere))
	server := httptest.NewServer(mux)
	s.t.Cleanup(server.Close)
	s.env["SLACK_API_URL"] = server.URL + "/api/"
}

// Tokens in files are as secret as those in variables.
func TestCheckReadsSecretsFromFiles(t *testing.T) {
	s := newSetup(t)
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "BASETEN_API_KEY"} {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(s.env[name]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		delete(s.env, name)
		s.env[name+"_FILE"] = file
	}
	got, ok := s.check()
	if d := cmp.Diff(goodSetup, got); d != "" || !ok {
		t.Errorf("ok = %t (-want +got)\n%s", ok, d)
	}
}

// What Slack or Baseten say may hold the very token that they were sent.
func TestCheckHidesEchoedSecrets(t *testing.T) {
	s := newSetup(t)
	s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Refused, Status: http.StatusForbidden, Text: "no " + secretBaseten})
	s.Slack.Fault(slacksim.Fault{Method: "auth.test", Kind: slacksim.FaultError, Code: "bad_token_" + secretBot})
	got, ok := s.check()
	for _, want := range []string{"Slack refuses it: bad_token_[redacted]", "Baseten does not let this key read models (no "} {
		if !strings.Contains(got, want) {
			t.Errorf("the output does not say %q:\n%s", want, got)
		}
	}
	if ok {
		t.Error("the check passes")
	}
}

// A check takes nothing from a bot that runs: no lock, no socket, no command.
func TestCheckBesideRunningBot(t *testing.T) {
	s := tell(t, quietly(), map[string]string{"SLACK_CONNECTIONS": "1"})
	var out bytes.Buffer
	ok := app.Check(s.ctx, s.env, "test", app.CheckOptions{}, &out)
	lines := slices.Collect(strings.Lines(out.String()))
	for _, want := range []string{
		"ok    SLACK_APP_TOKEN   a socket opens for the app A0AUTOSCALE, beside 1 other\n",
		"ok    DATABASE_URL      opens, and its schema is this version's\n",
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q", want)
		}
	}
	if !ok {
		t.Error("the check fails")
	}
	if t.Failed() {
		t.Logf("output:\n%s", &out)
	}
	s.wait("the check's socket is gone", func(snap *slacksim.Snapshot) bool { return len(snap.Sockets) == 1 })
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
	s.sees("Ana", "Max replicas: 4 → 7")
}

func TestCheckPostgres(t *testing.T) {
	server := os.Getenv("AUTOSCALE_TEST_POSTGRES")
	if server == "" {
		t.Skip("AUTOSCALE_TEST_POSTGRES is not set")
	}
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	name := fmt.Sprintf("check_%d", time.Now().UnixNano())
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	defer conn.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	at.Path = "/" + name

	s := newSetup(t)
	s.env["DATABASE_URL"] = at.String()
	says := func(want string) {
		t.Helper()
		if got, ok := s.check(); !ok || !strings.Contains(got, "ok    DATABASE_URL      "+want+"\n") {
			t.Errorf("ok = %t, want %q:\n%s", ok, want, got)
		}
	}
	says("opens and is empty; the bot makes its tables at the first start")
	db, err := store.Open(t.Context(), store.Config{URL: s.env["DATABASE_URL"]})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	says("opens, and its schema is this version's")
}

// An output that cannot be written is no success.
func TestCheckUnwritableOutput(t *testing.T) {
	s := newSetup(t)
	if app.Check(t.Context(), maps.Clone(s.env), "test", app.CheckOptions{}, brokenWriter{}) {
		t.Error("the check passes although nobody could read it")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }
