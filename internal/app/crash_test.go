package app_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"autoscalebot/internal/app"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// childEnv makes TestBotProcess be the bot.
const childEnv = "AUTOSCALE_TEST_BOT_PROCESS"

// TestBotProcess is no test: it is the bot as a process of its own, for the tests
// that kill it.
func TestBotProcess(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("this is the bot that other tests start and kill")
	}
	env := make(map[string]string)
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	cfg, err := app.LoadConfig(env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	now := func() time.Time { return time.Now().Add(ahead(t, env[clockEnv])) }
	if err := app.Run(ctx, cfg, app.Options{Version: "child", Now: now}); err != nil {
		t.Fatal(err)
	}
}

// clockEnv names the file that tells the bot how far its clock is ahead.
const clockEnv = "AUTOSCALE_TEST_CLOCK"

func ahead(t *testing.T, file string) time.Duration {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
		return 0
	}
	d, err := time.ParseDuration(string(text))
	if err != nil {
		t.Error(err)
	}
	return d
}

// child is the bot in a process that can be killed.
type child struct {
	cmd  *exec.Cmd
	gone chan error
}

// spawn starts the bot in a process of its own and waits until Slack sees it open a
// socket.
func (s *story) spawn(env map[string]string) *child {
	s.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestBotProcess$", "-test.timeout=5m")
	for k, v := range s.env {
		if _, other := env[k]; !other {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
	}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.Env = append(cmd.Env, childEnv+"=1", clockEnv+"="+s.clock, "HOME="+os.Getenv("HOME"))
	cmd.Stdout, cmd.Stderr = s.log, s.log
	c := &child{cmd: cmd, gone: make(chan error, 1)}
	s.opensSocket(func() {
		if err := cmd.Start(); err != nil {
			s.t.Fatal(err)
		}
		go func() { c.gone <- cmd.Wait() }()
		s.t.Cleanup(c.kill)
	})
	return c
}

// kill is kill -9.
func (c *child) kill() {
	if c.gone == nil {
		return
	}
	_ = c.cmd.Process.Kill() // it may be gone already
	<-c.gone
	c.gone = nil
}

// goesOn is how soon owed work has to go on after a restart.
const goesOn = 10 * time.Second

// The bot is killed with kill -9 between the command and the end, and started again
// on the same file: what was acknowledged is finished.
func TestKill9(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// until waits for the moment at which the bot is killed.
		until func(s *story)
		// hang holds the PATCH, which is carried out after the bot died.
		hang bool
	}{
		{"after the acknowledgement", func(*story) {}, false},
		{"after the card was posted", func(s *story) {
			s.wait("the card is posted", func(*slacksim.Snapshot) bool { return s.cards() > 0 })
		}, false},
		{"while Baseten works on the PATCH", func(s *story) {
			if err := s.Baseten.Wait(s.ctx, func(snap *basetensim.Snapshot) bool { return snap.Patches > 0 }); err != nil {
				s.t.Fatal(err)
			}
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := stage(t, quietly(), nil)
			bot := s.spawn(nil)
			var hang *basetensim.Injected
			if tt.hang {
				hang = s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Hang, Op: basetensim.PatchEnvironment, Times: 1})
			}
			s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
			tt.until(s)
			bot.kill()
			if hang != nil {
				hang.Clear()
			}
			began := time.Now()
			s.spawn(nil)
			s.ends()
			t.Logf("ended %v after the restart began", time.Since(began).Round(10*time.Millisecond))
			if took := time.Since(began); took > goesOn {
				t.Errorf("it took %v, want at most %v", took, goesOn)
			}
			s.onceChanged(7)
		})
	}
}

// An approval that was acknowledged is carried out, and a card that was posted can
// be approved, whatever happened to the process.
func TestKill9AroundTheClick(t *testing.T) {
	s := stage(t, quietly(), nil)
	bot := s.spawn(nil)
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "Waits for one of @lea, @leo")
	bot.kill()
	bot = s.spawn(nil)
	s.click("Lea", "Approve Change")
	bot.kill()
	s.spawn(nil)
	s.ends()
	s.onceChanged(12)
}

// Changes that were followed when the bot was killed are followed on soon after the
// next start: whoever puts them back meanwhile is noticed.
func TestKill9WhileFollowing(t *testing.T) {
	t.Parallel()
	models := map[string]string{"llama-70b": basetensim.DemoLlama, "whisper-large": basetensim.DemoWhisper, "embed-e5": basetensim.DemoEmbed}
	s := stage(t, quietly(), map[string]string{"POLICY_FILE": "", "ALLOWED_USERS": "U0ANA"})
	bot := s.spawn(nil)
	for name := range models {
		s.slash("Ana", "#ml-oncall", "/autoscale "+name+" production delay=120")
	}
	s.wait("all are in force", func(*slacksim.Snapshot) bool { return s.replies("In force after") == len(models) })
	bot.kill()
	for name, id := range models {
		if err := s.Baseten.ChangeEnvironmentBehindTheBack(id, "production", basetensim.Changes{"scale_down_delay": 77}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	began := time.Now()
	s.spawn(nil)
	s.wait("each is told of", func(*slacksim.Snapshot) bool { return s.replies("Scale-down delay is 77 s") == 2*len(models) })
	took := time.Since(began).Round(10 * time.Millisecond)
	t.Logf("told %v after the restart began", took)
	if took > goesOn {
		t.Errorf("it took %v, want at most %v", took, goesOn)
	}
}

// replies counts the bot's messages in threads that hold a text.
func (s *story) replies(text string) int {
	n := 0
	for _, m := range s.Slack.Messages("C0MLONCALL") {
		if m.ThreadTS != "" && m.ThreadTS != m.TS && strings.Contains(s.Slack.PlainText(m), text) {
			n++
		}
	}
	return n
}

// cards counts the bot's root messages.
func (s *story) cards() int {
	n := 0
	for _, m := range s.Slack.Messages("C0MLONCALL") {
		if m.ThreadTS == "" || m.ThreadTS == m.TS {
			n++
		}
	}
	return n
}

// ends waits until the thread says that the change is done.
func (s *story) ends() {
	s.t.Helper()
	s.wait("the thread tells the end", func(*slacksim.Snapshot) bool {
		for _, m := range s.Slack.Messages("C0MLONCALL") {
			text := s.Slack.PlainText(m)
			if strings.Contains(text, "Baseten: ACCEPTED") || strings.Contains(text, "read back as asked") {
				return true
			}
		}
		return false
	})
}

// onceChanged checks that the target was changed by at most two sends, and stands
// as asked.
func (s *story) onceChanged(maxReplica int) {
	s.t.Helper()
	if got := s.Baseten.Environment(basetensim.DemoLlama, "production").Settings.MaxReplica; got != maxReplica {
		s.t.Errorf("max is %d, want %d", got, maxReplica)
	}
	want := fmt.Sprintf(`{"max_replica":%d}`, maxReplica)
	patches := s.patches()
	if len(patches) < 1 || len(patches) > 2 {
		s.t.Errorf("%d patches, want one, or two where the first got no answer", len(patches))
	}
	for _, p := range patches {
		if !strings.Contains(p, want) {
			s.t.Errorf("patch %s, want %s", p, want)
		}
	}
}
