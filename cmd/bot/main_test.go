package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite" // to alter the database behind the bot's back

	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/slacksim"
)

// asBot makes this test binary the bot.
const asBot = "AUTOSCALEBOT_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asBot) != "" {
		main()
	}
	os.Exit(m.Run())
}

func newWorld(t *testing.T) *sandbox.World {
	t.Helper()
	w, err := sandbox.NewWorld(sandbox.WorldOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// runs runs one command line.
func runs(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, env, &out, &errs)
	return code, out.String(), errs.String()
}

func TestCommandLine(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.yaml")
	if err := os.WriteFile(good, []byte(sandbox.DemoPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("version: 1\nrules: []\nruls: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	failing := filepath.Join(t.TempDir(), "failing.yaml")
	if err := os.WriteFile(failing, []byte(strings.Replace(sandbox.DemoPolicy, "expect: allow", "expect: deny", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	idle := filepath.Join(t.TempDir(), "idle.yaml")
	if err := os.WriteFile(idle, []byte("version: 1\ntests: [{as: U0ANA, command: m production max=7, expect: allow}]\nrules:\n  - {name: a, who: [everyone], effect: allow}\n  - {name: b, who: [everyone], effect: confirm}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		args     []string
		code     int
		out, err string // what each begins with; "" is nothing at all
	}{
		{"help", []string{"--help"}, 0, "Usage: bot <command> [flags]\n", ""},
		{"help of a command", []string{"policy", "explain", "--help"}, 0, "Usage: bot policy explain --as=U… <file> <command> [flags]\n", ""},
		{"version", []string{"version"}, 0, thisVersion() + "\n", ""},
		{"version as a flag", []string{"--version"}, 0, thisVersion() + "\n", ""},
		{"typo", []string{"polcy"}, 2, "", `bot: unexpected argument polcy, did you mean "policy"?; bot --help lists what there is` + "\n"},
		{"a secret that is no argument", []string{"copy", "postgres://u:dontshowme@h/db"}, 2, "", "bot: unexpected argument postgres://u:[redacted]@h/db"},
		{"a copy of nothing", []string{"copy", "--from", "sqlite:/nowhere/x.db", "--to", "postgres://u:dont@showme@h/db"}, 1, "", "--to: cannot read the database URL: "},
		{"half a command", []string{"policy"}, 2, "", "bot: expected one of \"test\", \"lint\", \"explain\"; "},
		{"unknown flag", []string{"check", "--fast"}, 2, "", "bot: unknown flag --fast; "},
		{"unknown format", []string{"audit", "export", "--format", "xml"}, 2, "", "bot: --format must be one of "},
		{"policy that passes", []string{"policy", "test", good}, 0, "ok    " + good + ":30: U0ANA: llama-70b production max=7: allow", ""},
		{"policy that fails", []string{"policy", "test", failing}, 1, "FAIL  " + failing + ":30: U0ANA: llama-70b production max=7: expected deny", ""},
		{"policy that does not load", []string{"policy", "test", broken}, 1, "", broken + ":2:8: "},
		{"policy with nothing to say of", []string{"policy", "lint", good}, 0, "ok    " + good + ": 4 rules, nothing found\n", ""},
		{"policy to say something of", []string{"policy", "lint", idle}, 1, idle + ":5: rule \"b\": it never decides: ", ""},
		{"no policy", []string{"policy", "test", "nowhere.yaml"}, 1, "", "nowhere.yaml: the file cannot be read (there is none)\n"},
		{
			"explain",
			[]string{"policy", "explain", good, "--as", "U0ANA", "--groups", "oncall", "--channel", "C0X", "--before", "min=1,max=4", "llama-70b production max=12"},
			0, "U0ANA, in oncall, in channel C0X, asks:\n", "",
		},
		{"explain nothing", []string{"policy", "explain", good, "--as", "U0ANA", "help"}, 1, "", "the command cannot be read: "},
		{"audit of nothing", []string{"audit", "export", "--since", "24h"}, 1, "", "DATABASE_URL: there is no such database file yet\n"},
		{"audit since never", []string{"audit", "export", "--since", "never"}, 1, "", `--since: "never" is no time`},
		{"audit of no request", []string{"audit", "export", "--request", "none"}, 1, "", `--request: "none" is no request's ID`},
		{"proof of nothing", []string{"audit", "verify"}, 1, "", "DATABASE_URL: there is no such database file yet\n"},
		{"proof against no head", []string{"audit", "verify", "--head", "12"}, 1, "", `--head: "12" is no head`},
		{"check of nothing", []string{"check"}, 1, "FAIL  SLACK_BOT_TOKEN   missing; ", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := map[string]string{"DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "none.db")}
			code, out, errs := runs(t, env, tt.args...)
			if code != tt.code {
				t.Errorf("exit code = %d, want %d", code, tt.code)
			}
			for _, stream := range []struct{ name, got, want string }{{"stdout", out, tt.out}, {"stderr", errs, tt.err}} {
				if stream.want == "" && stream.got != "" || !strings.HasPrefix(stream.got, stream.want) {
					t.Errorf("%s = %q, want %q", stream.name, stream.got, stream.want)
				}
			}
		})
	}
}

// said takes the messages from lines of the log, which have to be JSON.
func said(t *testing.T, log string) (out string) {
	t.Helper()
	for line := range strings.Lines(log) {
		var entry struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level != "error" {
			t.Errorf("this is no error in the log: %s", line)
		}
		out += entry.Msg + "\n"
	}
	return out
}

// Without a command, and with run, the configuration is read first. Programs read the
// log, so that problems stand there one a line, in the format of all others.
func TestRunRefusesConfiguration(t *testing.T) {
	const want = `SLACK_BOT_TOKEN: this is not the bot token (xoxb-…)
SLACK_APP_TOKEN: missing; set it to the app-level token (xapp-…), or SLACK_APP_TOKEN_FILE to a file that holds it
BASETEN_API_KEY: missing; set it to a Baseten API key, or BASETEN_API_KEY_FILE to a file that holds it
SLACK_CONNECTIONS: must be from 1 to 10, Slack's limit for one app
POLICY_FILE or ALLOWED_USERS: set one of them; without a policy nobody may change anything
`
	for _, args := range [][]string{nil, {"run"}} {
		code, out, errs := runs(t, map[string]string{"SLACK_BOT_TOKEN": "xoxp-secret", "SLACK_CONNECTIONS": "11"}, args...)
		if d := cmp.Diff(want, said(t, errs)); d != "" || code != 2 || out != "" {
			t.Errorf("bot %v: code %d, stdout %q, stderr (-want +got)\n%s", args, code, out, d)
		}
	}
}

func TestRunCannotStart(t *testing.T) {
	env := newWorld(t).Env()
	env["DATABASE_URL"], env["LOG_FORMAT"] = "sqlite:/nowhere/at/all/bot.db", "JSON"
	code, out, errs := runs(t, env)
	if want := "DATABASE_URL: open database /nowhere/at/all/bot.db: there is no folder /nowhere/at/all\n"; code != 1 || out != "" || said(t, errs) != want {
		t.Errorf("code %d, stdout %q, stderr %q, want %q", code, out, errs, want)
	}
}

// An error never shows a secret, wherever it stands.
func TestErrorsShowNoSecrets(t *testing.T) {
	env := newWorld(t).Env()
	env["SLACK_BOT_TOKEN"], env["BASETEN_API_KEY"] = "xoxb-1-dontshowme", "dontshowme.4711"
	secrets := env["SLACK_BOT_TOKEN"] + env["BASETEN_API_KEY"]
	for _, tt := range []struct {
		name, variable, value string
		code                  int
	}{
		{"in the configuration", "LOG_LEVEL", secrets, 2},
		{"at the start", "DATABASE_URL", "sqlite:/nowhere/" + secrets + "/bot.db", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := maps.Clone(env)
			env[tt.variable] = tt.value
			code, out, errs := runs(t, env)
			if code != tt.code || !strings.Contains(errs, "\t"+tt.variable+": ") || strings.Contains(out+errs, "dontshowme") {
				t.Errorf("code %d, stdout %q, stderr %q", code, out, errs)
			}
		})
	}
}

func TestCheckAndAuditBesideTheBot(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	var log bytes.Buffer
	go func() { ended <- run(ctx, nil, w.Env(), new(bytes.Buffer), &log) }()
	connected(t, w)

	code, out, errs := runs(t, w.Env(), "check")
	if code != 0 || !strings.Contains(out, "This set-up works.") || errs != "" {
		t.Errorf("check: code %d, stderr %q, stdout:\n%s", code, errs, out)
	}
	code, out, errs = runs(t, map[string]string{"DATABASE_URL": w.Env()["DATABASE_URL"]}, "audit", "export", "--format", "csv")
	if code != 0 || !strings.Contains(out, ",policy,") || !strings.Contains(out, ",started,") || errs != "" {
		t.Errorf("audit export: code %d, stderr %q, stdout:\n%s", code, errs, out)
	}
	database := map[string]string{"DATABASE_URL": w.Env()["DATABASE_URL"]}
	code, out, errs = runs(t, database, "audit", "verify")
	if code != 0 || !strings.HasPrefix(out, "ok    ") || !strings.Contains(out, "\nhead  ") || errs != "" {
		t.Errorf("audit verify: code %d, stderr %q, stdout:\n%s", code, errs, out)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("run: code %d, log:\n%s", code, &log)
	}

	db, err := sql.Open("sqlite", strings.TrimPrefix(database["DATABASE_URL"], "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), `DROP TRIGGER events_no_update; UPDATE events SET actor = 'U0EVE' WHERE seq = 1`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	code, out, errs = runs(t, database, "audit", "verify")
	if code != 1 || !strings.HasPrefix(out, "FAIL  ") || !strings.HasSuffix(out, "event 1 was altered\n") || errs != "" {
		t.Errorf("audit verify of an altered log: code %d, stderr %q, stdout:\n%s", code, errs, out)
	}
}

// connected waits until a bot has opened a socket.
func connected(t *testing.T, w *sandbox.World) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.Slack.Wait(ctx, func(s *slacksim.Snapshot) bool { return len(s.Sockets) > 0 }); err != nil {
		t.Fatal(err)
	}
}

// A signal ends the process in order.
func TestSignals(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			w := newWorld(t)
			bot := exec.CommandContext(t.Context(), self)
			bot.Env = []string{asBot + "=1"}
			for name, value := range w.Env() {
				bot.Env = append(bot.Env, name+"="+value)
			}
			var out bytes.Buffer
			bot.Stdout, bot.Stderr = &out, &out
			if err := bot.Start(); err != nil {
				t.Fatal(err)
			}
			connected(t, w)
			// What a terminal sends that closes does not.
			if err := bot.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			d := w.As("Ana").Slash("#ml-oncall", "/autoscale whoami")
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if _, err := d.WaitResponse(ctx); err != nil {
				t.Errorf("after SIGHUP it does not answer: %v", err)
			}
			if err := bot.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := bot.Wait(); err != nil {
				t.Errorf("%v, output:\n%s", err, &out)
			}
		})
	}
}

func TestVersionOf(t *testing.T) {
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}}
	for _, tt := range []struct {
		name   string
		linked string
		build  *debug.BuildInfo
		want   string
	}{
		{"linked", "v1.2.3", &debug.BuildInfo{Main: debug.Module{Version: "v9"}}, "v1.2.3"},
		{"installed", "", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "v1.2.3"},
		{"built from a commit", "", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: commit}, "0123456789ab"},
		{"and changed", "", &debug.BuildInfo{Settings: append(commit, debug.BuildSetting{Key: "vcs.modified", Value: "true"})}, "0123456789ab-dirty"},
		{"built from files", "", &debug.BuildInfo{}, "devel"},
		{"unknown", "", nil, "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := versionOf(tt.linked, tt.build); got != tt.want {
				t.Errorf("version = %q, want %q", got, tt.want)
			}
		})
	}
}
