package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// limited is a world in which Slack counts calls as it does, with models enough.
func limited(t *testing.T, policy string) *story {
	t.Helper()
	s := stage(t, sandbox.WorldOptions{
		Slack:   slacksim.Options{StrictLimits: true},
		Baseten: basetensim.Options{ReplicaStep: time.Second},
		Policy:  policy,
	}, nil)
	s.Baseten.Fill(30, 1)
	s.start()
	return s
}

// channel adds a channel that everybody and the bot are in.
func (s *story) channel(id string) string {
	s.Slack.AddChannel(slacksim.Channel{ID: id, Name: strings.ToLower(id),
		Members: []string{"U0ANA", "U0BEN", "U0LEA", "U0LEO", s.Slack.BotUserID()}})
	return id
}

// A lone command is answered at once: its reply waits for no second.
func TestLoneReply(t *testing.T) {
	s := limited(t, "")
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
	s.sees("Ana", "Baseten: ACCEPTED")
	posts := s.Slack.Calls("chat.postMessage")
	if len(posts) != 2 {
		t.Fatalf("%d posts, want the card and the reply", len(posts))
	}
	if between := posts[1].At.Sub(posts[0].At); between > 800*time.Millisecond {
		t.Errorf("the reply came %v after its card", between)
	}
}

// While a dozen changes are followed and tell that they are in force, a denied card
// loses its buttons within seconds, though all edits share one budget.
func TestButtonsGoFirst(t *testing.T) {
	t.Parallel()
	const (
		followed   = 12
		denied     = 6
		gone       = 10 * time.Second
		perChannel = 2 // cards and replies: Slack takes three at once
	)
	s := limited(t, `version: 1
rules:
  - {name: delays, who: [U0ANA], settings: [delay], effect: approve, approvers: [U0LEA]}
  - {name: replicas, who: [U0ANA], effect: allow}
`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s.ctx = ctx

	cards := make([]slacksim.Message, denied)
	for i := range cards {
		channel := s.channel(fmt.Sprintf("CDENIED%d", i/perChannel))
		s.slash("Ana", channel, fmt.Sprintf("/autoscale model-%04d production delay=600", i+20))
		cards[i] = s.sees("Lea", fmt.Sprintf("model-%04d / production", i+20))
	}
	for i := range followed {
		channel := s.channel(fmt.Sprintf("CFOLLOWED%d", i/perChannel))
		s.slash("Ana", channel, fmt.Sprintf("/autoscale model-%04d production min=3 max=6", i+1))
	}
	s.wait("the first says that it is in force", func(*slacksim.Snapshot) bool {
		return strings.Contains(s.As("Ana").Reading(), "In force after")
	})
	clicked := time.Now()
	for _, card := range cards {
		if err := s.Slack.Click("U0LEA", card.Channel, card.TS, "deny").WaitAck(s.ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, card := range cards {
		s.wait("the buttons are gone", func(*slacksim.Snapshot) bool {
			return len(s.Slack.Thread(card.Channel, card.TS)[0].Buttons()) == 0
		})
		if took := time.Since(clicked); took > gone {
			t.Errorf("the buttons were there for %v, want at most %v", took.Round(time.Millisecond), gone)
		}
	}
	took := time.Since(clicked).Round(time.Millisecond)
	told := strings.Count(s.As("Ana").Reading(), "In force after") / 2 // in a message's text and in its blocks
	t.Logf("all buttons were gone after %v, when %d of %d changes had said that they are in force", took, told, followed)
}
