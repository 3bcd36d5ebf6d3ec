package slackbot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/commands"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/slackbot/view"
)

// What was acknowledged is answered although the bot stops meanwhile.
func TestReadsAreAnsweredWhileStopping(t *testing.T) {
	sim := started(t, slacksim.Options{})
	sim.Fault(slacksim.Fault{Method: slacksim.ResponseURL, Kind: slacksim.FaultDelay, Delay: 300 * time.Millisecond})
	l := newLab(t, sim.APIURL())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.bot.Run(ctx, 5*time.Second) }()
	wait(t, sim, "a socket", sockets1)
	asked := []*slacksim.Delivery{sim.Slash("U0ANA", channel, "help"), sim.Slash("U0ANA", channel, "statsu llama-70b")}
	for _, d := range asked {
		if err := d.WaitAck(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, d := range asked {
		if n := len(d.Responses()); n != 1 {
			t.Errorf("%s: %d answers", d.State().What, n)
		}
	}
}

// What takes longer than the time to stop is given up.
func TestStopDoesNotWaitForEver(t *testing.T) {
	sim := started(t, slacksim.Options{})
	sim.Fault(slacksim.Fault{Method: "*", Kind: slacksim.FaultHang})
	l := newLab(t, sim.APIURL())
	work, stop := context.WithCancel(t.Context())
	l.bot.loop.start(work)
	e := l.envelope("slash_commands", map[string]string{"user_id": "U0ANA", "channel_id": channel, "text": "help"})
	acked := make(chan struct{})
	e.ack = func(context.Context, string, any) error { close(acked); return nil }
	l.bot.loop.take(e)
	<-acked
	wait(t, sim, "an answer under way", func(*slacksim.Snapshot) bool { return len(sim.Calls("chat.postEphemeral")) > 0 })
	drained := make(chan struct{})
	go func() { l.bot.loop.drain(); close(drained) }()
	stop()
	<-drained
}

// Mentions by bots, edited ones and those that arrive late change nothing.
func TestMentions(t *testing.T) {
	mistake := "mxa=7 is not understood"
	var m *commands.Mistake
	if _, err := commands.Parse("llama-70b production mxa=7"); errors.As(err, &m) {
		mistake = view.Mistake(m, true).Text
	}
	stamp := func(age time.Duration) string { return fmt.Sprintf("%d.000100", time.Now().Add(age).Unix()) }
	for _, c := range []struct {
		name  string
		event map[string]any
		want  string // the private answer, "" for none
	}{
		{"help", map[string]any{"text": "<@U0BOT> help"}, view.Help("").Text},
		{"three hours old", map[string]any{"text": "<@U0BOT> llama-70b production max=7", "ts": "-3h"}, view.LateMention("llama-70b production max=7").Text},
		{"a minute old", map[string]any{"text": "<@U0BOT> cancel #K7Q2M", "ts": "-61s"}, view.LateMention("cancel #K7Q2M").Text},
		{"without an age", map[string]any{"text": "<@U0BOT> undo #K7Q2M", "ts": "soon"}, view.LateMention("undo #K7Q2M").Text},
		{"old, reads", map[string]any{"text": "<@U0BOT> help max", "ts": "-3h"}, view.Help("max").Text},
		{"old, not understood", map[string]any{"text": "<@U0BOT> llama-70b production mxa=7", "ts": "-3h"}, mistake},
		{"edited", map[string]any{"text": "<@U0BOT> help", "edited": map[string]any{"user": "U0ANA", "ts": "1.1"}}, ""},
		{"a bot", map[string]any{"text": "<@U0BOT> help", "bot_id": "B0CI"}, ""},
		{"ourselves", map[string]any{"text": "<@U0BOT> help", "user": "U0BOT"}, ""},
		{"further on", map[string]any{"text": "ask <@U0BOT> help"}, view.NotAddressed().Text},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, sim := simulated(t, slacksim.Options{})
				root := sim.Say("U0ANA", channel, "", "the queue is long")
				event := map[string]any{"type": "app_mention", "user": "U0ANA", "channel": channel, "ts": stamp(0), "thread_ts": root}
				for key, value := range c.event {
					event[key] = value
				}
				if ts, _ := c.event["ts"].(string); strings.HasPrefix(ts, "-") {
					age, err := time.ParseDuration(ts)
					if err != nil {
						t.Fatal(err)
					}
					event["ts"] = stamp(age)
				}
				l.bot.loop.start(t.Context())
				acked := 0
				for range 2 { // Slack sends events again
					e := l.envelope("events_api", map[string]any{"type": "event_callback", "event_id": "Ev1", "team_id": "T0SANDBOX", "event": event})
					e.ack = func(context.Context, string, any) error { acked++; return nil }
					l.bot.loop.take(e)
					synctest.Wait()
				}
				l.bot.loop.drain()
				answers := sim.Ephemerals("U0ANA", channel)
				if acked != 2 || len(answers) > 1 || (len(answers) == 1) != (c.want != "") {
					t.Fatalf("%d acknowledged, %d answers", acked, len(answers))
				}
				if len(answers) == 1 && (answers[0].Text != c.want || answers[0].ThreadTS != root) {
					t.Errorf("answered %q in thread %s", answers[0].Text, answers[0].ThreadTS)
				}
			})
		})
	}
}

// What cannot be understood is acknowledged, what breaks costs itself alone, and what
// does not fit the queue is not acknowledged.
func TestOddEnvelopes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := simulated(t, slacksim.Options{})
		acked, served := 0, 0
		send := func(kind string, payload any) {
			e := l.envelope(kind, payload)
			e.ack = func(context.Context, string, any) error { acked++; return nil }
			e.served = func() { served++ }
			l.bot.loop.take(e)
			synctest.Wait()
		}
		for range mostToRecord + 3 { // nobody serves them yet
			l.bot.loop.take(l.envelope("odd", nil))
		}
		if n := l.count(&l.dropped); n != 3 {
			t.Errorf("%d dropped, want 3", n)
		}
		l.bot.loop.start(t.Context())
		synctest.Wait()
		for _, c := range []struct {
			kind    string
			payload any
			acked   int
		}{
			{"hello again", nil, 1},
			{"slash_commands", "no command", 1},
			{"interactive", 7, 1},
			{"interactive", map[string]any{"type": "block_actions", "actions": []any{map[string]any{"action_id": "approve", "block_id": "b", "type": "button", "value": "not an ID"}}}, 1},
			{"interactive", map[string]any{"type": "block_actions", "actions": []any{map[string]any{"action_id": "of tomorrow", "block_id": "b", "type": "button", "value": "K7Q2M"}}}, 1},
			{"interactive", map[string]any{"type": "view_submission", "view": map[string]any{"private_metadata": "", "callback_id": "explain"}}, 1},
			{"events_api", map[string]any{"type": "event_callback", "event": map[string]any{"type": "of_tomorrow"}}, 1},
			{"events_api", map[string]any{"type": "event_callback", "event": map[string]any{"type": "subteam_members_changed", "subteam_id": "S1"}}, 1},
			{"slash_commands", map[string]any{"text": "llama-70b production max=7"}, 0}, // there is no service here
		} {
			acked, served = 0, 0
			send(c.kind, c.payload)
			if acked != c.acked || served != 1 {
				t.Errorf("%s %v: acknowledged %d times, served %d times", c.kind, c.payload, acked, served)
			}
		}
		l.bot.loop.drain()
	})
}

// The last keys are remembered, and no more.
func TestMemory(t *testing.T) {
	m := newMemory[int, string](3)
	for i := range 5 {
		m.put(i, fmt.Sprint(i))
	}
	m.put(3, "three")
	for i := range 5 {
		if v, ok := m.get(i); ok != (i >= 2) || i == 3 && v != "three" {
			t.Errorf("%d: %q, %t", i, v, ok)
		}
	}
}

// What was recorded at the last moment is carried out, so it is acknowledged while Slack
// still waits; after that nobody is told two things.
func TestAckOfTheLastMoment(t *testing.T) {
	for _, c := range []struct {
		took   time.Duration
		unsent int
	}{{ackWithin + 100*time.Millisecond, 0}, {lastAck + time.Millisecond, 1}} {
		synctest.Test(t, func(t *testing.T) {
			l, _ := simulated(t, slacksim.Options{})
			e := &envelope{id: "e1", received: time.Now(), ack: func(ctx context.Context, _ string, _ any) error { return ctx.Err() }}
			ctx, cancel := context.WithDeadline(t.Context(), e.received.Add(ackWithin))
			defer cancel()
			<-time.After(c.took) // the commit
			(&delivery{envelope: e, ctx: ctx, bot: l.bot}).acknowledge()
			if l.unacked != c.unsent {
				t.Errorf("after %v: %d not acknowledged, want %d", c.took, l.unacked, c.unsent)
			}
		})
	}
}
