package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"autoscalebot/internal/app"
)

// Every variable takes what it should, and what it does not take is told with its name
// and what to write instead. No complaint holds a secret, or any part of one.
func TestConfig(t *testing.T) {
	const secret = "dontshowme"
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	good := map[string]string{
		"SLACK_BOT_TOKEN": "xoxb-1-dontshowme", "SLACK_APP_TOKEN": "xapp-1-dontshowme", "BASETEN_API_KEY": "dontshowme.1", "ALLOWED_USERS": "U0ANA",
	}
	// Each is good, or is the complaint about it: what it begins with.
	for name, values := range map[string]map[string]string{
		"SLACK_BOT_TOKEN":      {"": "missing", "xoxp-dontshowme": "this is not the bot token", "xoxb-": "this is not", "\txoxb-2-dontshowme\n": "good"},
		"SLACK_BOT_TOKEN_FILE": {file("xoxb-2-dontshowme\n"): "set one of them", "xoxb-dontshowme": "set one of them"},
		"SLACK_APP_TOKEN":      {"": "missing", "xoxb-dontshowme": "this is not the app-level token"},
		"BASETEN_API_KEY":      {"": "missing"},
		"SLACK_CONNECTIONS":    {"1": "good", "10": "good", "0": "must be from 1 to 10", "11": "must be from 1 to 10", "-1": "must be from 1 to 10", "two": "cannot be read as a whole number"},
		"SLACK_API_URL":        {"https://slack.com/api": "good", "http://127.0.0.1:1/api/": "good", "http://slack.example/api/": "http:// is taken for this machine only", "slack.com": "this is not a web address", "ftp://x": "this is not a web address"},
		"BASETEN_BASE_URL":     {"https://api.baseten.co/v1": "good", "http://[::1]:5": "good", "http://10.0.0.1": "http:// is taken", "%": "this is not a web address"},
		"BASETEN_AUTH_SCHEME":  {"Bearer": "good", "Api-Key": "good", "bearer": "must be Api-Key or Bearer"},
		"POLICY_FILE":          {"policy.yaml": "set one of them, not both"},
		"ALLOWED_USERS":        {"U0ANA, W0BEN": "good", "": "set one of them", "U0ANA,U0BEN,": "good", "ana": "", "@ana": ""},
		"DATABASE_URL": {
			"sqlite:x.db": "good", "sqlite:///var/x.db": "good", "postgres://u@h/db": "good", "postgresql://u:p%40@h:5/db?sslmode=require": "good",
			"sqlite:": "the SQLite URL names no file", "sqlite://host/x": "a SQLite URL has no host", "sqlite:x.db?mode=ro": "a SQLite URL takes no options",
			"mysql://u:dontshowme@h/db": "the database URL must be", "dontshowme": "the database URL must be",
			"postgres://u:dont@showme@h/db": "cannot read the database URL", "postgres://u:dont/show@me": "cannot read the database URL", "postgres://u:dontshowme#@h/db": "cannot read the database URL",
		},
		"HTTP_ADDR":        {":8080": "good", "[::]:80": "good", "8080": "must be an address and a port", "localhost": "must be an address and a port"},
		"ANNOUNCE_CHANNEL": {"C0ALARMS": "good", "G0PRIVATE": "good", "#alarms": "must be a channel's ID", "U0ANA": "must be a channel's ID"},
		"LOG_LEVEL":        {"debug": "good", "INFO": "good", "Warn": "good", "trace": "unknown log level", "fatal": "unknown log level"},
		"LOG_FORMAT":       {"json": "good", "Console": "good", "text": "unknown log format"},
	} {
		for value, want := range values {
			t.Run(name+"="+value, func(t *testing.T) {
				env := map[string]string{name: value}
				for k, v := range good {
					if k != name {
						env[k] = v
					}
				}
				_, err := app.LoadConfig(env)
				switch {
				case want == "good" && err != nil:
					t.Errorf("refused: %v", err)
				case want == "good":
				case err == nil:
					t.Error("taken")
				case !strings.Contains(err.Error(), strings.TrimSuffix(name, "_FILE")) || !strings.Contains(err.Error(), ": "+want):
					t.Errorf("the complaint is %q, want %q in it", err, want)
				case strings.Contains(err.Error(), secret), strings.Contains(err.Error(), "showme"), name == "DATABASE_URL" && strings.Contains(err.Error(), "dont"):
					t.Errorf("the complaint shows a secret: %v", err)
				case strings.Contains(err.Error(), "\n"):
					t.Errorf("one mistake has several complaints: %v", err)
				}
			})
		}
	}
}

// A secret in a file is as good as one in the environment, and a file that is not there
// is told without its path: people have put the token itself there.
func TestConfigSecretsInFiles(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"ALLOWED_USERS": "U0ANA"}
	for name, value := range map[string]string{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "BASETEN_API_KEY": "key.1"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		env[name+"_FILE"] = path
	}
	if _, err := app.LoadConfig(env); err != nil {
		t.Errorf("refused: %v", err)
	}
	env["SLACK_BOT_TOKEN_FILE"] = "xoxb-dontshowme"
	if _, err := app.LoadConfig(env); err == nil || err.Error() != "SLACK_BOT_TOKEN_FILE: the file cannot be read (there is none)" {
		t.Errorf("the complaint is %v", err)
	}
}

// All that is wrong is told at once.
func TestConfigTellsAllAtOnce(t *testing.T) {
	_, err := app.LoadConfig(map[string]string{"LOG_LEVEL": "loud", "HTTP_ADDR": "80", "SLACK_CONNECTIONS": "x"})
	for _, name := range []string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "BASETEN_API_KEY", "POLICY_FILE or ALLOWED_USERS", "LOG_LEVEL", "HTTP_ADDR", "SLACK_CONNECTIONS"} {
		if err == nil || !strings.Contains("\n"+err.Error(), "\n"+name+": ") {
			t.Errorf("%s is not complained of in\n%v", name, err)
		}
	}
}
