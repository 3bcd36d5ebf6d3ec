package app_test

import (
	"context"
	"crypto/rand"
	"maps"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// postgresEnv names the server that the tests may make databases on.
const postgresEnv = "AUTOSCALE_TEST_POSTGRES"

// takesOver is how soon another replica has to go on with what a dead one left.
const takesOver = 15 * time.Second

// replicated stages a world with two bots in processes of their own on one
// PostgreSQL database.
func replicated(t *testing.T) (s *story, bots map[string]*child) {
	t.Helper()
	return replicatedWith(t, nil)
}

// replicatedWith is replicated with more in the environment of both.
func replicatedWith(t *testing.T, env map[string]string) (s *story, bots map[string]*child) {
	t.Helper()
	server := os.Getenv(postgresEnv)
	if server == "" {
		t.Skipf("no PostgreSQL server: run %s=$(.ci/postgres start) go test ./internal/app -run Replica from the repository's root", postgresEnv)
	}
	s = stage(t, quietly(), map[string]string{"DATABASE_URL": newPostgresDatabase(t, server), "SLACK_CONNECTIONS": "1"})
	maps.Copy(s.env, env)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	s.ctx = ctx
	bots = make(map[string]*child)
	for range 2 {
		c := s.spawn(nil)
		for _, socket := range s.Slack.Snapshot().Sockets {
			if bots[socket.ID] == nil {
				bots[socket.ID] = c
			}
		}
	}
	if len(bots) != 2 {
		t.Fatalf("%d sockets, want one of each bot", len(bots))
	}
	return s, bots
}

// newPostgresDatabase makes an empty database on the server and returns its URL.
func newPostgresDatabase(t *testing.T, server string) string {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	admin(t, server, `CREATE DATABASE `+name)
	t.Cleanup(func() { admin(t, server, `DROP DATABASE `+name+` WITH (FORCE)`) })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s is not a URL", postgresEnv)
	}
	u.Path = "/" + name
	return u.String()
}

func admin(t *testing.T, server, sql string) {
	t.Helper()
	ctx := context.Background() // t.Context has ended when a test is cleaned up
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Two approvers click at the same moment, and Slack gives each click to another
// bot: one of them is told who was first, and the change is made once.
func TestReplicasRace(t *testing.T) {
	s, _ := replicated(t)
	for round, maxReplica := range []string{"12", "13", "14", "15"} {
		s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max="+maxReplica)
		s.wait("the card is posted", func(*slacksim.Snapshot) bool { return s.cards() == round+1 })
		m := s.sees("Lea", "→ "+maxReplica)
		clicks := []*slacksim.Delivery{
			s.Slack.Click("U0LEA", m.Channel, m.TS, "approve"),
			s.Slack.Click("U0LEO", m.Channel, m.TS, []string{"approve", "deny"}[round%2]),
		}
		served := make(map[string]bool)
		for _, d := range clicks {
			if err := d.WaitAck(s.ctx); err != nil {
				t.Fatal(err)
			}
			served[d.Connection()] = true
		}
		if len(served) != 2 {
			t.Errorf("round %d: both clicks went to one bot", round)
		}
		s.wait("it ended", func(*slacksim.Snapshot) bool {
			return len(s.Slack.Thread(m.Channel, m.TS)) > 1
		})
		if n := len(s.Baseten.Patches()); n > round+1 {
			t.Fatalf("round %d: %d patches, want at most one each round", round, n)
		}
		if n := len(s.Slack.Thread(m.Channel, m.TS)); n != 2 {
			t.Errorf("round %d: %d messages in the thread, want the card and one reply", round, n)
		}
	}
}

// A card that one bot posted is decided through the other one, and carried out by it.
func TestReplicaServesTheOthersCard(t *testing.T) {
	t.Parallel()
	s, bots := replicated(t)
	command := s.slash("Ana", "#ml-oncall", ask)
	card := s.sees("Lea", "Waits for one of @lea, @leo")
	click := s.click("Lea", "Approve Change")
	if command.Connection() == click.Connection() {
		t.Fatal("Slack gave both to one bot")
	}
	bots[command.Connection()].kill()
	died := time.Now()
	s.ends()
	if took := time.Since(died); took > takesOver {
		t.Errorf("it took %v, want at most %v", took, takesOver)
	}
	s.onceChanged(12)
	s.wait("the card says so", func(*slacksim.Snapshot) bool {
		root := s.Slack.Thread(card.Channel, card.TS)[0]
		return len(root.Buttons()) == 0 && strings.Contains(s.Slack.PlainText(root), "Approved by @lea.")
	})
	if n := len(s.Slack.Thread(card.Channel, card.TS)); n != 2 {
		t.Errorf("%d messages in the thread, want the card and one reply", n)
	}
}

// The bot that works on a change is killed at each step; the other one finishes.
func TestReplicaTakesOver(t *testing.T) {
	type step struct {
		name string
		// act does what is to be done until the kill, and returns what the bot that is
		// then killed has served.
		act func(s *story) *slacksim.Delivery
		// approve tells that Lea still has to, and want what is to be in force.
		approve bool
		want    int
	}
	command := func(s *story) *slacksim.Delivery { return s.slash("Ana", "#ml-oncall", ask) }
	allowed := func(s *story) *slacksim.Delivery {
		return s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
	}
	for _, tt := range []step{
		{"after the acknowledgement of the command", command, true, 12},
		{"after the card", func(s *story) *slacksim.Delivery {
			d := command(s)
			s.sees("Lea", "Waits for one of @lea, @leo")
			return d
		}, true, 12},
		{"after the acknowledgement of the approval", func(s *story) *slacksim.Delivery {
			command(s)
			s.sees("Lea", "Waits for one of @lea, @leo")
			return s.click("Lea", "Approve Change")
		}, false, 12},
		{"while Baseten works on the PATCH", func(s *story) *slacksim.Delivery {
			hang := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Hang, Op: basetensim.PatchEnvironment, Times: 1})
			s.t.Cleanup(hang.Clear)
			d := allowed(s)
			if err := s.Baseten.Wait(s.ctx, func(snap *basetensim.Snapshot) bool { return snap.Patches > 0 }); err != nil {
				s.t.Fatal(err)
			}
			return d
		}, false, 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, bots := replicated(t)
			d := tt.act(s)
			bots[d.Connection()].kill()
			died := time.Now()
			if tt.approve {
				s.sees("Lea", "Waits for one of @lea, @leo")
				s.click("Lea", "Approve Change")
			}
			s.ends()
			took := time.Since(died).Round(100 * time.Millisecond)
			t.Logf("ended %v after the kill", took)
			if took > takesOver {
				t.Errorf("it took %v, want at most %v", took, takesOver)
			}
			s.onceChanged(tt.want)
		})
	}
}
