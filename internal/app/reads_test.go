package app_test

import (
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/slacksim"
)

// What people look at by typing. Each answer is seen by that person alone.

// reads is the private answer to a command.
func (s *story) reads(who, line string) string {
	s.t.Helper()
	m, err := s.slash(who, "#ml-oncall", "/autoscale "+line).WaitResponse(s.ctx)
	if err != nil {
		s.t.Fatalf("%s reads %s: %v", who, line, err)
	}
	return s.Slack.PlainText(m)
}

// answers checks that the answer to a command holds all the texts.
func (s *story) answers(who, line string, texts ...string) string {
	s.t.Helper()
	got := s.reads(who, line)
	for _, text := range texts {
		if !strings.Contains(got, text) {
			s.t.Errorf("%s does not say %q:\n%s", line, text, got)
		}
	}
	return got
}

func (s *story) leavesOut(got string, texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if strings.Contains(got, text) {
			s.t.Errorf("it says %q:\n%s", text, got)
		}
	}
}

// The first look on call: what is at its max comes first, with its price, who set it last
// and what waits.
func TestStatusAtAGlance(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	got := s.answers("Ana", "status llama-70b", "production: 4 of 4 replicas, at max, min 2 max 4, up to $26.00/h", "[Change…]", "staging")
	if strings.Index(got, "production") > strings.Index(got, "staging") {
		t.Errorf("what is at its max does not come first:\n%s", got)
	}
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
	s.sees("Ben", "Baseten: ACCEPTED")
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=30")
	s.sees("Ana", "If it cannot wait")
	got = s.reads("Ben", "status llama-70b")
	for _, text := range []string{"set by Ana", "waiting: #", "→ 30", "up to $45.50/h"} {
		if !strings.Contains(got, text) {
			t.Errorf("it does not say %q:\n%s", text, got)
		}
	}
	s.answers("Ben", "status llama-70b production", "idle $13.00/h", "Waits for one of", "max 7 → 30", "Last: Ana", "Baseten: ACCEPTED", "model "+llama)
	s.answers("Ben", "status production llama-70b", "idle $13.00/h")
	s.answers("Ben", "status llama-70b/production", "idle $13.00/h")
}

func TestListFindsParts(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.answers("Ana", "list WHISPER", "whisper-large", "1 deployment")
	s.answers("Ana", "list", "ads/rerank", "search/rerank")
	s.answers("Ana", "list wisper", "not found", "whisper-large")
	s.reads("Ana", "status llama-70b")
	s.answers("Ana", "list llama-*", "production: 4 of 4 replicas, at max")
}

// History is what reached Baseten. What was denied or taken back is in history all, and
// what named nothing is in neither.
func TestHistoryIsWhatWasDone(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
	s.sees("Ben", "Baseten: ACCEPTED")
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production min=0")
	s.sees("Ana", "Production never scales to zero")
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale gone production max=7"), "not found")
	s.leavesOut(s.answers("Ben", "history", "llama-70b / production", "max 4 → 7", "Baseten: ACCEPTED"), "min 2", "gone")
	s.leavesOut(s.answers("Ben", "history all", "max 4 → 7", "min 2 → 0", "not allowed"), "gone")
	s.answers("Ben", "history llama-70b production", "max 4 → 7")
	s.answers("Ben", "history all llama-70b", "min 2 → 0")
	s.answers("Ben", "history llama-70b staging", "No requests have reached Baseten so far")
}

// Whoever could approve what waits can do it in the list.
func TestPendingIsDecidedWhereItIsRead(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=12")
	s.slash("Ana", "#llm-prod", "/autoscale whisper-large production max=9")
	s.wait("both wait", func(snap *slacksim.Snapshot) bool { return len(snap.Ephemerals) == 2 })
	s.leavesOut(s.answers("Ana", "pending", "max 4 → 12", "Up to $78.00/h", "Waits for one of"), "[Approve Change]")
	d := s.slash("Lea", "#ml-oncall", "/autoscale pending")
	m, err := d.WaitResponse(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, b := range m.Buttons() {
		if ids[b.ActionID] {
			t.Errorf("two buttons have the action ID %s", b.ActionID)
		}
		ids[b.ActionID] = true
	}
	for _, action := range []string{"approve", "approve_2"} { // the second has a number
		if err := s.Slack.ClickEphemeral("U0LEA", m.Channel, m.TS, action).WaitAck(s.ctx); err != nil {
			t.Fatal(err)
		}
		s.sees("Lea", "You approved #")
	}
	s.sees("Ben", "llama-70b / production — Max replicas: 4 → 12")
	s.wait("both are carried out", func(*slacksim.Snapshot) bool { return len(s.patches()) == 2 })
}

// Why not is said by the part that is false, and its values.
func TestCanSaysWhichPartIsFalse(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.answers("Ana", "can llama-70b production max=12", "It would need 1 approval", "after.max_replica <= 8 is false: after.max_replica is 12")
	s.answers("Ana", "llama-70b production max=12 dry-run", "after.max_replica <= 8 is false")
	s.leavesOut(s.answers("Ana", "llama-70b production max=7 dry-run", "You may do this at once"), "is false")
}

func TestWhoAmI(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.answers("Ana", "whoami", "U0ANA", "a full member", "Groups: oncall", "C0MLONCALL, changes are taken here",
		"on-call may raise LLMs up to 8: you may change max of llama-*, at once", "you may skip the approval (break-glass)")
	d := s.slash("Lea", "#with-partner", "/autoscale whoami")
	s.told(d, "No changes here")
	s.answers("Gus", "whoami", "a guest", "Rules that name you: none")
}

// Nothing is guessed: what was meant is given back to be pressed, and what exists is listed.
func TestOtherSpellingsAreCorrected(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=12")
	id := requestID(t, s.Slack.PlainText(s.sees("Ana", "If it cannot wait")))
	s.answers("Lea", "approve "+id, "press the button on its card", "Its card: #"+strings.TrimPrefix(id, "#"))
	s.answers("Ana", "production llama-70b max=7", "production not found", "the model comes first", "/autoscale llama-70b production max=7", "[Do That]")
	s.answers("Ana", "set llama-70b max=7", "set not found", "/autoscale llama-70b production max=7")
	s.answers("Ana", "set llama-70b production max=7", "/autoscale llama-70b production max=7", "[Do That]")
	s.answers("Ana", "llama-70b/production max=7", "/autoscale llama-70b production max=7", "[Do That]")
	s.answers("Ana", "llama-70b prodction max=7", "prodction not found", "production", "staging")
	s.answers("Ana", "hi", "I show and change how models scale", "/autoscale list")
	if n := len(s.Baseten.Patches()); n != 0 {
		t.Errorf("%d PATCHes", n)
	}
}
