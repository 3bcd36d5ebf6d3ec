package sandbox

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func noEnv(string) (string, bool) { return "", false }

func TestRunRefusesRealTokens(t *testing.T) {
	env := map[string]string{"SLACK_BOT_TOKEN": "xoxb-1-real", "BASETEN_API_KEY_FILE": "/run/key", "SLACK_APP_TOKEN": ""}
	err := Run(t.Context(), Options{Addr: "127.0.0.1:0", Stdout: io.Discard, LookupEnv: func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}})
	if err == nil {
		t.Fatal("it started beside real tokens")
	}
	for _, want := range []string{"SLACK_BOT_TOKEN", "BASETEN_API_KEY_FILE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	for _, not := range []string{"SLACK_APP_TOKEN", "xoxb-1-real"} {
		if strings.Contains(err.Error(), not) {
			t.Errorf("%q names %s", err, not)
		}
	}
}

func TestRunListensOnLoopbackOnly(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "nonsense"} {
		if err := Run(t.Context(), Options{Addr: addr, Stdout: io.Discard, LookupEnv: noEnv}); err == nil {
			t.Errorf("address %q was taken", addr)
		}
	}
}

// TestRun starts everything as the command does, stops and starts the bot from
// the page, and ends it.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	started, stopped := make(chan map[string]string, 2), make(chan struct{}, 2)
	stdout, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Options{Addr: "127.0.0.1:0", Stdout: out, LookupEnv: noEnv, StartBot: func(ctx context.Context, in Surroundings) error {
			started <- in.Env
			<-ctx.Done()
			stopped <- struct{}{}
			return nil
		}})
	}()
	line := make([]byte, 200)
	n, err := stdout.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://\S+`).FindString(string(line[:n]))
	env := <-started
	for _, name := range []string{
		"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL", "BASETEN_API_KEY", "BASETEN_BASE_URL", "POLICY_FILE", "DATABASE_URL",
	} {
		if env[name] == "" {
			t.Errorf("the bot gets no %s", name)
		}
	}
	deed := func(on string) {
		t.Helper()
		resp, err := patient.Post(url+"/do", "application/json", strings.NewReader(`{"as":"U0ANA","action":"bot","on":`+on+`}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			t.Fatalf("bot %s: status %d", on, resp.StatusCode)
		}
	}
	deed("false")
	<-stopped
	deed("true")
	<-started
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	<-stopped // Run waits for the bot.
}

func TestRunTellsWhyTheBotEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stdout, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Options{Addr: "127.0.0.1:0", Stdout: out, LookupEnv: noEnv, StartBot: func(context.Context, Surroundings) error {
			return errors.New("the policy does not load")
		}})
	}()
	var said strings.Builder
	buf := make([]byte, 200)
	for !strings.Contains(said.String(), "The bot ended: the policy does not load") {
		n, err := stdout.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, said.String())
		}
		said.Write(buf[:n])
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
