package slackbot

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"autoscalebot/internal/sandbox/slacksim"
)

var update = flag.Bool("update", false, "write testdata anew: go test ./internal/slackbot -run Golden -update")

// workspace is a simulated Slack, which refuses what Slack refuses, behind the real
// client.
type workspace struct {
	sim    *slacksim.Server
	client *slack.Client
}

const viewsChannel = "C0VIEWS"

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	sim := slacksim.New(slacksim.Options{})
	for id, name := range map[string]string{"U0ANA": "ana", "U0BEN": "ben", "U0LEA": "lea", "U0LEO": "leo", "U0SRE": "sam"} {
		sim.AddUser(slacksim.User{ID: id, Name: name, RealName: name})
	}
	sim.AddChannel(slacksim.Channel{ID: viewsChannel, Name: "views", Members: []string{"U0ANA", sim.BotUserID()}})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	return &workspace{sim, slack.New("xoxb-sandbox", slack.OptionAPIURL(sim.APIURL()))}
}

// post posts a message and returns what Slack kept.
func (w *workspace) post(t *testing.T, m message) slacksim.Message {
	t.Helper()
	_, ts, err := w.client.PostMessageContext(context.Background(), viewsChannel, m.options("")...)
	if err != nil {
		t.Fatalf("Slack refuses the message: %v %q", err, explained(err))
	}
	all := w.sim.Messages(viewsChannel)
	last := all[len(all)-1]
	if last.TS != ts {
		t.Fatalf("the last message is %s, want %s", last.TS, ts)
	}
	return last
}

// reads is what a person reads of a message's blocks, one line per line.
func (w *workspace) reads(t *testing.T, m message) string {
	t.Helper()
	kept := w.post(t, m)
	kept.Text = ""
	return w.sim.PlainText(kept)
}

// golden compares a message with testdata, and has Slack accept it and what it falls
// back to.
func (w *workspace) golden(t *testing.T, name string, m message) {
	t.Helper()
	var blocks bytes.Buffer
	enc := json.NewEncoder(&blocks)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(m.wire()); err != nil {
		t.Fatal(err)
	}
	got := "--- text\n" + m.text + "\n--- as it reads\n" + w.reads(t, m) + "\n--- blocks\n" + blocks.String()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (make it with -update)", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got; if it is meant, run with -update):\n%s", file, diff)
	}
	// In a workspace that refuses the blocks.
	sections := m.simpler()
	if got, want := labels(w.post(t, sections)), labels(w.post(t, m)); got != want {
		t.Errorf("without rich text the buttons are %q, want %q", got, want)
	}
	alone := sections.simpler()
	if kept := w.post(t, alone); alone.blocks != nil || len(kept.Blocks) != 0 || kept.Text == "" {
		t.Errorf("as text alone it still has blocks: %s", kept.Blocks)
	}
}

// labels are the buttons of a message.
func labels(m slacksim.Message) string {
	var out []string
	for _, b := range m.Buttons() {
		out = append(out, b.Text)
	}
	return strings.Join(out, ", ")
}
