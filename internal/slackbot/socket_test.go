package slackbot

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap/zapcore"

	"autoscalebot/internal/sandbox/slacksim"
)

// started is a simulated workspace on a port of its own.
func started(t *testing.T, o slacksim.Options) *slacksim.Server {
	t.Helper()
	sim := slacksim.New(o)
	people(sim)
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	return sim
}

// running keeps sockets open until stop, which waits for their end.
func (l *lab) running(t *testing.T, take func(*envelope)) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := newSockets(l.cfg, l.api.http, take)
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	l.bot.sockets = s
	return func() error {
		cancel()
		return <-ended
	}
}

func wait(t *testing.T, sim *slacksim.Server, what string, ok func(*slacksim.Snapshot) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := sim.Wait(ctx, ok); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func sockets1(s *slacksim.Snapshot) bool { return len(s.Sockets) == 1 }

// While commands keep coming, a stop leaves none half done: what was taken is
// acknowledged, and what was acknowledged was taken.
func TestStopUnderLoad(t *testing.T) {
	sim := started(t, slacksim.Options{AckTimeout: time.Second})
	l := newLab(t, sim.APIURL())
	pool := newPool(l.cfg.Log, 1000)
	pool.start(t.Context(), 8)
	var mu sync.Mutex
	taken := map[string]bool{}
	enough := make(chan struct{})
	stop := l.running(t, func(e *envelope) {
		pool.add(func(ctx context.Context) {
			defer e.served()
			mu.Lock()
			taken[e.id] = true
			if len(taken) == 100 {
				close(enough)
			}
			mu.Unlock()
			if err := e.ack(ctx, e.id, nil); err != nil {
				t.Errorf("acknowledge %s: %v", e.id, err)
			}
		})
	})
	wait(t, sim, "a socket", sockets1)

	stopped := make(chan struct{})
	typed := make(chan *slacksim.Delivery, 100_000)
	var people sync.WaitGroup
	for range 8 {
		people.Go(func() {
			for {
				d := sim.Slash("U0ANA", channel, "help")
				typed <- d
				select {
				case <-d.Done():
				case <-stopped:
					return
				}
			}
		})
	}
	<-enough
	began := time.Now()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("stopped after %v", took)
	}
	close(stopped)
	people.Wait()
	pool.drain()
	close(typed)
	acked, lost := 0, 0
	for d := range typed {
		<-d.Done()
		if was := d.Outcome() == slacksim.OutcomeAcked; was != taken[d.EnvelopeID] {
			t.Errorf("%s: taken %t, outcome %s", d.EnvelopeID, taken[d.EnvelopeID], d.Outcome())
		} else if was {
			acked++
		} else if d.Connection() != "" {
			lost++
		}
	}
	// One envelope may be on the wire for each who types: Slack tells those people.
	if lost > 8 || acked < 100 {
		t.Errorf("%d acknowledged, %d sent down the socket and lost", acked, lost)
	}
}

// What is taken when the end comes is waited for, and what arrives then is counted.
func TestLeaveWaitsForAcks(t *testing.T) {
	sim := started(t, slacksim.Options{})
	l := newLab(t, sim.APIURL())
	envelopes := make(chan *envelope, 10)
	ctx, cancel := context.WithCancel(t.Context())
	s := newSockets(l.cfg, l.api.http, func(e *envelope) { envelopes <- e })
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	wait(t, sim, "a socket", sockets1)

	first := sim.Slash("U0ANA", channel, "first")
	held := <-envelopes
	cancel()
	// The socket goes on taking for half a second, and then no more.
	second := sim.Slash("U0ANA", channel, "second")
	also := <-envelopes
	also.served()
	var late []*slacksim.Delivery
	for l.count(&l.dropped) == 0 {
		late = append(late, sim.Slash("U0ANA", channel, "late"))
		select {
		case e := <-envelopes:
			e.served()
		case <-time.After(10 * time.Millisecond):
		}
	}
	if err := held.ack(t.Context(), held.id, nil); err != nil {
		t.Error(err)
	}
	held.served()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := first.WaitAck(t.Context()); err != nil {
		t.Errorf("what was taken before: %v", err)
	}
	if second.Outcome() == slacksim.OutcomeAcked || len(late) == 0 {
		t.Error("acknowledged by nobody, yet acknowledged")
	}
}

func (l *lab) count(n *int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *n
}

// Slack asks to refresh a socket: the next is open before anything is lost.
func TestRefresh(t *testing.T) {
	sim := started(t, slacksim.Options{})
	l := newLab(t, sim.APIURL())
	stop := l.running(t, func(e *envelope) {
		_ = e.ack(t.Context(), e.id, nil)
		e.served()
	})
	wait(t, sim, "a socket", sockets1)
	old := sim.Sockets()[0].ID
	sim.Sockets()[0].Disconnect(slacksim.ReasonRefresh)
	wait(t, sim, "another socket", func(s *slacksim.Snapshot) bool { return sockets1(s) && s.Sockets[0].ID != old })
	if err := sim.Slash("U0ANA", channel, "help").WaitAck(t.Context()); err != nil {
		t.Error(err)
	}
	sim.Sockets()[0].Kill()
	wait(t, sim, "the end", func(s *slacksim.Snapshot) bool { return len(s.Sockets) == 0 })
	wait(t, sim, "a third socket", sockets1)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if lost := l.logs.FilterMessageSnippet("socket lost").FilterLevelExact(zapcore.WarnLevel).Len(); lost != 1 {
		t.Errorf("%d sockets lost aloud, want the one that was killed", lost)
	}
	if err := l.bot.Ready(); err == nil {
		t.Error("ready without a socket")
	}
}

// The eleventh socket of an app is refused. The cause is named once, and once more
// when it has gone.
func TestTooManySockets(t *testing.T) {
	sim := started(t, slacksim.Options{})
	l := newLab(t, sim.APIURL())
	api := slack.New("", slack.OptionAppLevelToken("xapp-sandbox"), slack.OptionAPIURL(sim.APIURL()), slack.OptionHTTPClient(l.api.http))
	var others []*socket
	for i := range mostSockets {
		k, err := openSocket(t.Context(), api)
		if err != nil {
			t.Fatal(err)
		}
		if k.others != i || k.appID == "" {
			t.Errorf("socket %d: %d others, app %q", i, k.others, k.appID)
		}
		others = append(others, k)
	}
	stop := l.running(t, func(e *envelope) {
		_ = e.ack(t.Context(), e.id, nil)
		e.served()
	})
	refused := 0
	wait(t, sim, "two refusals", func(*slacksim.Snapshot) bool {
		refused = len(sim.Calls("apps.connections.open")) - mostSockets
		return refused >= 2
	})
	old := map[string]bool{}
	for _, k := range sim.Sockets() {
		old[k.ID] = true
	}
	for _, k := range others {
		_ = k.conn.Close()
	}
	wait(t, sim, "room", func(s *slacksim.Snapshot) bool {
		return sockets1(s) && !s.Sockets[0].Leaving && !old[s.Sockets[0].ID]
	})
	if err := sim.Slash("U0ANA", channel, "help").WaitAck(t.Context()); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if n := l.logs.FilterMessageSnippet("an app may have 10").Len(); n != 1 {
		t.Errorf("named %d times in %d refusals, want once", n, refused)
	}
	if n := l.logs.FilterMessageSnippet("has room").Len(); n != 1 {
		t.Errorf("room again: named %d times, want once", n)
	}
	if n := l.bot.SocketsOfApp(); n < 1 || n > mostSockets {
		t.Errorf("%d sockets of the app", n)
	}
}

// A token that Slack will never take ends the bot, with the variable's name.
func TestAppTokenRefused(t *testing.T) {
	sim := started(t, slacksim.Options{AppToken: "xapp-other"})
	l := newLab(t, sim.APIURL())
	if err := l.running(t, func(*envelope) {})(); err != nil && !strings.Contains(err.Error(), "SLACK_APP_TOKEN") {
		t.Errorf("told to stop: error = %v", err)
	}
	s := newSockets(l.cfg, l.api.http, func(*envelope) {})
	if err := s.run(t.Context()); err == nil || !strings.Contains(err.Error(), "SLACK_APP_TOKEN") || !Hopeless(err) {
		t.Errorf("error = %v", err)
	}
	// One whose file was replaced in the meantime is tried again.
	tokens := []string{"xapp-sandbox", "xapp-other"}
	s.appToken = func() string {
		now := tokens[0]
		tokens = tokens[min(1, len(tokens)-1):]
		return now
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	wait(t, sim, "a socket with the new token", sockets1)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// An acknowledgement that Slack would drop is refused.
func TestAckTooLarge(t *testing.T) {
	sim := started(t, slacksim.Options{})
	l := newLab(t, sim.APIURL())
	k, err := openSocket(t.Context(), slack.New("", slack.OptionAppLevelToken("xapp-sandbox"), slack.OptionAPIURL(sim.APIURL()), slack.OptionHTTPClient(l.api.http)))
	if err != nil {
		t.Fatal(err)
	}
	defer k.conn.Close()
	if err := k.ack(t.Context(), "env-1", strings.Repeat("x", mostAck)); err == nil {
		t.Error("20 KiB were sent")
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.ack(late, "env-1", nil); err == nil {
		t.Error("acknowledged too late")
	}
}
