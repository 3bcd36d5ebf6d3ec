package app_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autoscalebot/internal/app"
	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// story is a bot that runs in a simulated world.
type story struct {
	*sandbox.World
	t   *testing.T
	ctx context.Context
	log *logBuffer

	stop    context.CancelFunc
	stopped chan error
	// listening is told the address of /metrics.
	listening chan string
	env       map[string]string
	clock     string // the file that tells bots in processes of their own what time it is
}

// patient bounds every wait of a story: long enough for a busy machine.
const patient = 20 * time.Second

// tell starts a world and the bot in it.
func tell(t *testing.T, opts sandbox.WorldOptions, env map[string]string) *story {
	t.Helper()
	s := stage(t, opts, env)
	s.start()
	return s
}

// stage starts a world without a bot.
func stage(t *testing.T, opts sandbox.WorldOptions, env map[string]string) *story {
	t.Helper()
	opts.Dir = t.TempDir()
	world, err := sandbox.NewWorld(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	s := &story{World: world, t: t, ctx: ctx, log: &logBuffer{wrote: make(chan struct{}, 1)}, env: world.Env(), clock: filepath.Join(opts.Dir, "clock")}
	s.writeClock()
	s.env["LOG_FORMAT"], s.env["LOG_LEVEL"] = "json", "debug"
	maps.Copy(s.env, env)
	t.Cleanup(func() {
		s.end()
		cancel()
		if err := world.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", s.log)
		}
	})
	return s
}

// start starts the bot and waits until Slack sees it open a socket.
func (s *story) start() {
	s.t.Helper()
	cfg, err := app.LoadConfig(s.env)
	if err != nil {
		s.t.Fatal(err)
	}
	s.opensSocket(func() {
		ctx, stop := context.WithCancel(context.Background())
		s.stop, s.stopped, s.listening = stop, make(chan error, 1), make(chan string, 1)
		opts := app.Options{Version: "test", Log: s.log, Now: s.Now, Listening: func(addr string) { s.listening <- addr }}
		go func() { s.stopped <- app.Run(ctx, cfg, opts) }()
	})
}

// opensSocket starts a bot and waits for its first socket. Those of others, and of one
// that just ended, do not count.
func (s *story) opensSocket(start func()) {
	s.t.Helper()
	before := make(map[string]bool)
	for _, socket := range s.Slack.Sockets() {
		before[socket.ID] = true
	}
	start()
	s.wait("the bot opens a socket", func(snap *slacksim.Snapshot) bool {
		return slices.ContainsFunc(snap.Sockets, func(socket slacksim.Socket) bool { return !before[socket.ID] })
	})
}

// end stops the bot as SIGTERM would.
func (s *story) end() {
	s.t.Helper()
	if s.stop == nil {
		return
	}
	s.stop()
	s.stop = nil
	select {
	case err := <-s.stopped:
		if err != nil {
			s.t.Errorf("the bot ended with: %v", err)
		}
	case <-time.After(patient):
		s.t.Error("the bot did not stop")
	}
}

// later moves the clock by which Slack, Baseten and the bots live.
func (s *story) later(by time.Duration) {
	s.t.Helper()
	s.MoveClock(by)
	s.writeClock()
}

// writeClock tells bots in processes of their own how far the clock is ahead.
func (s *story) writeClock() {
	s.t.Helper()
	ahead := time.Until(s.Now()).Round(time.Second).String()
	if err := os.WriteFile(s.clock+".new", []byte(ahead), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(s.clock+".new", s.clock); err != nil {
		s.t.Fatal(err)
	}
}

// in is the story as told by a subtest.
func (s *story) in(t *testing.T) *story {
	t.Helper()
	part := *s
	part.t = t
	return &part
}

// wait waits until Slack looks as described.
func (s *story) wait(what string, ok func(*slacksim.Snapshot) bool) {
	s.t.Helper()
	if err := s.Slack.Wait(s.ctx, ok); err != nil {
		s.t.Fatalf("waiting until %s: %v", what, err)
	}
}

// sees waits until a person sees a text, and returns the message.
func (s *story) sees(who, text string) slacksim.Message {
	s.t.Helper()
	m, err := s.As(who).Sees(s.ctx, text)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// slash types a command and waits until it is acknowledged.
func (s *story) slash(who, channel, line string) *slacksim.Delivery {
	s.t.Helper()
	d := s.As(who).Slash(channel, line)
	if err := d.WaitAck(s.ctx); err != nil {
		s.t.Fatalf("%s types %q: %v", who, line, err)
	}
	return d
}

// click presses a button and waits until it is acknowledged.
func (s *story) click(who, label string) *slacksim.Delivery {
	s.t.Helper()
	d, err := s.As(who).Click(s.ctx, label)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := d.WaitAck(s.ctx); err != nil {
		s.t.Fatalf("%s clicks %q: %v", who, label, err)
	}
	return d
}

// logs waits until the log holds a text so many times.
func (s *story) logs(text string, times int) {
	s.t.Helper()
	for strings.Count(s.log.String(), text) < times {
		select {
		case <-s.log.wrote:
		case <-s.ctx.Done():
			s.t.Fatalf("waiting until the log says %q", text)
		}
	}
}

// told waits for the private answer to a command or click.
func (s *story) told(d *slacksim.Delivery, text string) {
	s.t.Helper()
	var got string
	s.wait("an answer that says "+text, func(*slacksim.Snapshot) bool {
		for _, m := range d.Responses() {
			got = s.Slack.PlainText(m)
			if sign := strings.Contains(got, "⏳ Reading"); !sign || strings.Contains(got, text) { // that it goes on, on a busy machine
				return true
			}
		}
		return false
	})
	if !strings.Contains(got, text) {
		s.t.Errorf("the answer does not say %q:\n%s", text, got)
	}
}

// patches are the bodies of the PATCHes that Baseten got, in order.
func (s *story) patches() []string {
	var out []string
	for _, c := range s.Baseten.Patches() {
		out = append(out, c.Path+" "+c.Body)
	}
	return out
}

// quietly is a world in which everything happens at once.
func quietly() sandbox.WorldOptions {
	return sandbox.WorldOptions{Baseten: basetensim.Options{}}
}

// logBuffer keeps what the bot logs.
type logBuffer struct {
	mu    sync.Mutex
	b     bytes.Buffer
	wrote chan struct{} // something was written since it was read last
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.wrote <- struct{}{}:
	default:
	}
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
