package app_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/store"
)

// Three replicas are updated one after the other, as a rolling update does, while people
// type. Whatever was acknowledged is recorded, is carried out, and is sent to Baseten
// once; the rest is what Slack told people had failed.
func TestRollingUpdateUnderLoad(t *testing.T) {
	t.Parallel()
	server := os.Getenv(postgresEnv)
	if server == "" {
		t.Skipf("no PostgreSQL server: set %s", postgresEnv)
	}
	if testing.Short() {
		t.Skip("starts six processes")
	}
	s := stage(t, quietly(), map[string]string{"DATABASE_URL": newPostgresDatabase(t, server), "SLACK_CONNECTIONS": "1", "LOG_LEVEL": "info"})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	s.ctx = ctx
	s.env["POLICY_FILE"], s.env["ALLOWED_USERS"] = "", strings.Join(s.crowd(), ",")
	s.Baseten.Fill(1000, 1)
	replicas := []*child{s.spawn(nil), s.spawn(nil), s.spawn(nil)}

	var (
		typing sync.WaitGroup
		mu     sync.Mutex
		number atomic.Int64
		done   atomic.Bool
		all    = make(map[int]*slacksim.Delivery)
	)
	for i := range 4 {
		channel := fmt.Sprintf("CROLL%d", i)
		s.Slack.AddChannel(slacksim.Channel{ID: channel, Name: strings.ToLower(channel), Members: append(s.crowd(), s.Slack.BotUserID())})
		typing.Go(func() {
			for !done.Load() {
				n := int(number.Add(1))
				d := s.Slack.Slash(fmt.Sprintf("U0CROWD%d", n%people), channel, fmt.Sprintf("model-%04d production delay=%d", n, n))
				mu.Lock()
				all[n] = d
				mu.Unlock()
				select {
				case <-d.Done():
				case <-s.ctx.Done():
					return
				}
			}
		})
	}
	for i, old := range replicas {
		before := number.Load()
		s.wait("people type", func(*slacksim.Snapshot) bool { return number.Load() > before+15 })
		began := time.Now()
		if err := old.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-old.gone:
			if old.gone = nil; err != nil {
				t.Errorf("replica %d ended with: %v", i, err)
			}
		case <-s.ctx.Done():
			t.Fatalf("replica %d does not stop", i)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("replica %d took %v to stop: container runtimes kill after 10 s", i, took)
		}
		replicas[i] = s.spawn(nil)
	}
	done.Store(true)
	typing.Wait()

	db, err := store.Open(s.ctx, store.Config{URL: s.env["DATABASE_URL"]})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	running := func() int {
		waiting, err := db.CountByState(s.ctx)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, w := range waiting {
			n += w.Requests
		}
		return n
	}
	s.wait("everything has ended", func(*slacksim.Snapshot) bool { return running() == 0 })
	past, err := db.History(s.ctx, "", "", len(all)+1)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(map[int]*change.Request)
	for _, r := range past {
		ended[r.Ask.Settings[baseten.ScaleDownDelay]] = r
	}
	acked := 0
	for n, d := range all {
		r := ended[n]
		switch isAcked := d.Outcome() == slacksim.OutcomeAcked; {
		case isAcked && r == nil:
			t.Errorf("command %d was acknowledged and not recorded", n)
		case !isAcked && r != nil:
			t.Errorf("command %d was recorded and not acknowledged: %s", n, d.Outcome())
		case isAcked && r.State != change.Applied:
			t.Errorf("command %d ended as %s: %+v", n, r.State, r.Reason)
		case isAcked:
			acked++
		}
	}
	sent := make(map[string]int)
	for _, patch := range s.Baseten.Patches() {
		if sent[patch.Path]++; sent[patch.Path] > 1 {
			t.Errorf("%s was sent %d times", patch.Path, sent[patch.Path])
		}
	}
	if acked != len(past) || len(sent) != acked {
		t.Errorf("%d acknowledged, %d recorded, %d sent", acked, len(past), len(sent))
	}
	t.Logf("%d commands, %d acknowledged, each sent once", len(all), acked)
	for i, c := range replicas {
		if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("replica %d: %v", i, err)
		}
	}
}
