package app_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoscalebot/internal/app"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/store"
)

// stopsWithin is how soon a bot has to be gone that waits for no answer of Baseten's.
const stopsWithin = 5 * time.Second

// people are so many that none of them does too much at once.
const people = 100

// crowd adds them to the workspace, and returns their IDs.
func (s *story) crowd() []string {
	ids := make([]string, people)
	for i := range ids {
		ids[i] = fmt.Sprintf("U0CROWD%d", i)
		s.Slack.AddUser(slacksim.User{ID: ids[i], Name: fmt.Sprintf("crowd%d", i)})
	}
	return ids
}

// typist types one command after the other in a channel of their own, each at once
// when the one before is done with, until no socket is open any more.
func (s *story) typist(channel string, number *atomic.Int64) (typed map[int]*slacksim.Delivery) {
	s.Slack.AddChannel(slacksim.Channel{ID: channel, Name: strings.ToLower(channel), Members: append(s.crowd(), s.Slack.BotUserID())})
	typed = make(map[int]*slacksim.Delivery)
	for {
		n := int(number.Add(1))
		d := s.Slack.Slash(fmt.Sprintf("U0CROWD%d", n%people), channel, fmt.Sprintf("model-%04d production delay=%d", n, n))
		typed[n] = d
		select {
		case <-d.Done():
		case <-s.ctx.Done():
			return typed
		}
		if d.Outcome() == slacksim.OutcomeDispatchFailed {
			return typed
		}
	}
}

// While the bot stops, commands go on coming until its last socket is closed. Those
// that it acknowledged are recorded, the others are not, and Slack has told people so.
func TestStopUnderLoad(t *testing.T) {
	s := stage(t, quietly(), nil)
	s.env["POLICY_FILE"], s.env["ALLOWED_USERS"] = "", strings.Join(s.crowd(), ",")
	s.Baseten.Fill(1000, 1)
	s.start()
	var (
		typing sync.WaitGroup
		mu     sync.Mutex
		number atomic.Int64
		all    = make(map[int]*slacksim.Delivery)
	)
	for i := range 8 {
		typing.Go(func() {
			typed := s.typist(fmt.Sprintf("CTYPIST%d", i), &number)
			mu.Lock()
			defer mu.Unlock()
			for n, d := range typed {
				all[n] = d
			}
		})
	}
	s.wait("commands are coming", func(*slacksim.Snapshot) bool { return number.Load() > 50 })
	began := time.Now()
	s.end()
	took := time.Since(began).Round(time.Millisecond)
	if took > stopsWithin {
		t.Errorf("it stopped after %v, want at most %v", took, stopsWithin)
	}
	typing.Wait()

	recorded := make(map[int]bool)
	db, err := store.OpenBeside(s.ctx, store.Config{URL: s.env["DATABASE_URL"]})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	past, err := db.History(s.ctx, "", "", len(all)+1)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range past {
		recorded[r.Ask.Settings[baseten.ScaleDownDelay]] = true
	}
	acked := 0
	for n, d := range all {
		switch got := d.Outcome(); {
		case got == slacksim.OutcomeAcked && !recorded[n]:
			t.Errorf("command %d was acknowledged and not recorded", n)
		case got != slacksim.OutcomeAcked && recorded[n]:
			t.Errorf("command %d was recorded and not acknowledged: %s", n, got)
		case got == slacksim.OutcomeAcked:
			acked++
		}
	}
	if len(past) != acked {
		t.Errorf("%d requests, want one for each of %d acknowledged commands", len(past), acked)
	}
	t.Logf("%d commands, %d acknowledged, stopped within %v", len(all), acked, took)
}

// What was acknowledged and only reads is still answered while the bot stops.
func TestStopWhileReading(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	slow := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Delay, Op: basetensim.ListDeployments, Delay: 1500 * time.Millisecond})
	d := s.slash("Ana", "#ml-oncall", "/autoscale status llama-70b")
	preview := s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7 dry-run")
	if err := s.Baseten.Wait(s.ctx, func(*basetensim.Snapshot) bool { return slow.Hits() > 0 }); err != nil {
		t.Fatal(err)
	}
	s.end()
	for name, d := range map[string]*slacksim.Delivery{"status": d, "dry-run": preview} {
		if answers := d.Responses(); len(answers) != 1 || !strings.Contains(s.Slack.PlainText(answers[0]), "llama-70b") {
			t.Errorf("%s was acknowledged, and answered %d times before the bot was gone", name, len(answers))
		}
	}
}

// What could not be sent when the bot stopped goes on when it starts again.
func TestRestartWithOwedWork(t *testing.T) {
	t.Parallel()
	s := tell(t, sandbox.WorldOptions{}, nil)
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "Waits for one of @lea, @leo")
	away := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Unavailable})
	s.click("Lea", "Approve Change")
	if err := s.Baseten.Wait(s.ctx, func(*basetensim.Snapshot) bool { return away.Hits() > 0 }); err != nil {
		t.Fatal(err)
	}
	s.end()
	away.Clear()
	began := time.Now()
	s.start()
	s.ends()
	if took := time.Since(began); took > goesOn {
		t.Errorf("it took %v, want at most %v", took, goesOn)
	}
	s.onceChanged(12)
}

// A bot that is told to stop while it starts has not failed.
func TestStopWhileStarting(t *testing.T) {
	s := stage(t, quietly(), nil)
	cfg, err := app.LoadConfig(s.env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := app.Run(ctx, cfg, app.Options{Log: s.log}); err != nil {
		t.Errorf("it ended with: %v", err)
	}
	// Another one has the database.
	s.start()
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	if err := app.Run(ctx, cfg, app.Options{Log: s.log, Listening: func(string) { stop() }}); err != nil {
		t.Errorf("it ended with: %v", err)
	}
}
