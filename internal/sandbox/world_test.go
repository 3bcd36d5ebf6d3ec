package sandbox

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/slacksim"
)

// patient outlasts anything that a test waits for.
var patient = &http.Client{Timeout: 20 * time.Second}

// soon is a deadline for what should take milliseconds.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func waitConnected(t *testing.T, w *World) {
	t.Helper()
	if err := w.Slack.Wait(soon(t), func(s *slacksim.Snapshot) bool { return len(s.Sockets) > 0 }); err != nil {
		t.Fatal(err)
	}
}

func TestStory(t *testing.T) {
	w := newWorld(t, WorldOptions{})
	startFakeBot(t, w)
	ana, lea, gus := w.As("Ana"), w.As("Lea"), w.As("Gus")

	if err := ana.Slash("#ml-oncall", "/autoscale llama-70b production max=12").WaitAck(soon(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := lea.Sees(soon(t), "@ana asks to change"); err != nil {
		t.Fatal(err)
	}
	click, err := lea.Click(soon(t), "Approve")
	if err != nil {
		t.Fatal(err)
	}
	if err := click.WaitAck(soon(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := ana.Sees(soon(t), "In force"); err != nil {
		t.Fatal(err)
	}
	if got := w.Baseten.Environment("3ydn1e43", "production").Settings.MaxReplica; got != 12 {
		t.Errorf("max_replica = %d, want 12", got)
	}

	ana.Slash("#ml-oncall", "/autoscale status llama-70b")
	if _, err := ana.Sees(soon(t), "You typed `status llama-70b`"); err != nil {
		t.Fatal(err)
	}
	if text := gus.Reading(); strings.Contains(text, "You typed") {
		t.Errorf("Gus reads what only Ana should see:\n%s", text)
	}
}

func TestSeesSaysWhatIsThere(t *testing.T) {
	w := newWorld(t, WorldOptions{})
	w.As("Ana").Say("#random", "", "lunch?")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.As("Ben").Sees(ctx, "dinner")
	if err == nil || !strings.Contains(err.Error(), "lunch?") {
		t.Errorf("error %v should show what Ben sees", err)
	}
}

func TestCloseRemovesOwnDirectory(t *testing.T) {
	w, err := NewWorld(WorldOptions{})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile(w.Env()["POLICY_FILE"])
	if err != nil || string(policy) != DemoPolicy {
		t.Errorf("policy file: %v, %d bytes", err, len(policy))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.Env()["POLICY_FILE"]); !os.IsNotExist(err) {
		t.Errorf("policy file after Close: %v, want it gone", err)
	}
}
