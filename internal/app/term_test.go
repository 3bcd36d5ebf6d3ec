package app_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// Changes for a time. The clock is moved to their ends; what is due then happens within
// a second or two.

// freely lets leads do anything, and on-call raise to 8 and lower.
const freely = `version: 1
groups:
  oncall: {usergroups: [S0ONCALL]}
  leads: {users: [U0LEA, U0LEO]}
freeze: {who: [leads]}
rules:
  - {name: leads, who: [leads], effect: allow}
  - {name: raise to 8, who: [oncall], settings: [max], when: change.max_replica.up && after.max_replica <= 8, effect: allow}
  - {name: lower, who: [oncall], settings: [max], when: change.max_replica.down, effect: allow}
  - {name: the rest, who: [oncall], effect: approve, approvers: [leads], break_glass: {who: [oncall]}}
`

// slowly is a story of many waits under a policy.
func slowly(t *testing.T, policy string) *story {
	t.Helper()
	s := stage(t, sandbox.WorldOptions{Policy: policy}, nil)
	s.takesLonger()
	s.start()
	return s
}

// takesLonger gives a story of many waits more time.
func (s *story) takesLonger() {
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*patient)
	s.t.Cleanup(cancel)
	s.ctx = ctx
}

// goes waits until an environment's max is that.
func (s *story) goes(model string, maxReplica int) {
	s.t.Helper()
	err := s.Baseten.Wait(s.ctx, func(snap *basetensim.Snapshot) bool {
		return snap.Environment(model, "production").Settings.MaxReplica == maxReplica
	})
	if err != nil {
		s.t.Fatalf("waiting until max of %s is %d: %v\n%s", model, maxReplica, err, s.As("Ana").Reading())
	}
}

// changes has somebody change llama-70b at once, and returns the request's ID.
func (s *story) changes(who, what string) string {
	s.t.Helper()
	n := s.cards()
	s.slash(who, "#ml-oncall", "/autoscale llama-70b production "+what)
	var card slacksim.Message
	s.wait(who+" changed "+what, func(snap *slacksim.Snapshot) bool {
		for _, m := range snap.Messages["C0MLONCALL"] {
			if m.ThreadTS == "" || m.ThreadTS == m.TS {
				card = m
			}
		}
		return s.cards() == n+1 && len(s.Slack.Thread(card.Channel, card.TS)) > 1
	})
	return requestID(s.t, s.Slack.PlainText(card))
}

// steps are the buttons that anybody sees in the channel, each once.
func (s *story) steps() map[string]bool {
	out := map[string]bool{}
	for _, m := range s.Slack.Messages("C0MLONCALL") {
		for _, label := range labelsOf(m) {
			out[label] = true
		}
	}
	return out
}

// logged checks that the log has one line with all the texts.
func (s *story) logged(texts ...string) {
	s.t.Helper()
	n := 0
	for line := range strings.Lines(s.log.String()) {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(line, text)
		}
		if all {
			n++
		}
	}
	if n != 1 {
		s.t.Errorf("%d lines of the log have %q, want one", n, texts)
	}
}

// It goes back by itself: ten minutes before, the thread says so, and then that it did.
// Baseten is asked twice, there and back.
func TestChangeForATime(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	id := s.changes("Ana", "max=7 for=2h")
	s.sees("Ben", "then back to max 4.")
	s.sees("Ben", "[Extend 1 h] [Keep] [Revert Now] [Show Status]")
	s.later(1*time.Hour + 49*time.Minute)
	if n := s.replies("goes back to max 4"); n != 0 {
		t.Errorf("told %d times that it ends, too early", n)
	}
	s.later(time.Minute + time.Second)
	notice := s.sees("Ana", "@ana llama-70b / production goes back to max 4")
	if got := fmt.Sprint(labelsOf(notice)); got != "[Extend 1 h Keep Revert Now]" {
		t.Errorf("the notice has the buttons %s", got)
	}
	s.later(10 * time.Minute)
	s.goes(llama, 4)
	s.sees("Ben", "⏱️ Time is up for "+id+": max 7 → 4 (-3). Baseten: ACCEPTED")
	s.sees("Ben", "⏱️ Back to max 4 since")
	s.wait("no button ends it any more", func(*slacksim.Snapshot) bool { return !s.steps()["Revert Now"] && !s.steps()["Extend 1 h"] })
	const path = "/v1/models/" + llama + "/environments/production "
	if got, want := fmt.Sprint(s.patches()), fmt.Sprint([]string{path + `{"autoscaling_settings":{"max_replica":7}}`, path + `{"autoscaling_settings":{"max_replica":4}}`}); got != want {
		t.Errorf("PATCHes are %s, want %s", got, want)
	}
	s.logged(`"request moved"`, `"request":"`+id[1:]+`"`, `"to":"applied"`, `"ends_at"`, `"kind":"change"`)
	s.logged(`"request over"`, `"request":"`+id[1:]+`"`, `"code":"time_up"`)
	s.logged(`"request moved"`, `"to":"applied"`, `"kind":"revert"`, `"origin":"`+id[1:]+`"`)
	s.answers("Ben", "history llama-70b production", "max 7 → 4", "max 4 → 7")
}

// Who may raise to 8 may let 7 hold longer. What needed an approval needs one again,
// judged as the change from what it would go back to.
func TestExtend(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.takesLonger()
	id := s.changes("Ana", "max=7 for=1h")
	s.later(50*time.Minute + time.Second)
	s.sees("Ana", "goes back to max 4")
	s.click("Ben", "Extend 1 h")
	s.sees("Ana", "⏱️ Extended")
	s.sees("Ana", "Extends "+id)
	s.later(20 * time.Minute) // the first end has passed
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale extend "+id+" 1h"), "does not hold any more. Extended")
	s.logged(`"request over"`, `"request":"`+id[1:]+`"`, `"code":"extends"`, `"actor":"U0BEN"`)
	if got := len(s.patches()); got != 2 {
		t.Errorf("%d PATCHes: it went back at its first end", got)
	}
	s.later(50 * time.Minute)
	s.goes(llama, 4)

	s.slash("Ana", "#ml-oncall", ask+" for=1h")
	s.click("Lea", "Approve Change")
	s.goes(llama, 12)
	card := s.sees("Ana", "Approved by @lea.")
	id = requestID(t, s.Slack.PlainText(card))
	s.sees("Ana", "[Extend 1 h] [Keep] [Revert Now] [Show Status]")
	s.slash("Ana", "#ml-oncall", "/autoscale extend "+id+" 2h")
	asks := s.sees("Lea", "[Approve Change]")
	if root := asks.ThreadTS; root != card.TS {
		t.Errorf("the card to extend it stands in thread %q, want %q", root, card.TS)
	}
	s.told(s.Slack.Click("U0ANA", asks.Channel, asks.TS, "approve"), "not allowed")
	s.click("Leo", "Approve Change")
	s.sees("Ana", "Extends "+id)
	s.wait("it was extended", func(*slacksim.Snapshot) bool {
		return strings.Contains(s.Slack.PlainText(s.Slack.Thread(card.Channel, card.TS)[0]), "Extended")
	})
	s.later(90 * time.Minute)
	s.goes(llama, 12)
	s.later(90 * time.Minute)
	s.goes(llama, 4)
}

// Kept for good it does not end.
func TestKeep(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	id := s.changes("Ana", "max=7 for=1h")
	s.click("Ana", "Keep")
	s.sees("Ben", "⏱️ Kept for good")
	s.sees("Ben", "Keeps "+id+" for good.")
	s.later(3 * time.Hour)
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale keep "+id), "does not hold any more. Kept for good")
	s.goes(llama, 7)
	if n := s.replies("Time is up"); n != 0 {
		t.Errorf("it ended %d times", n)
	}
	// To undo the keeping is an ordinary change from 7 to what was there when it was kept.
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale undo "+id), "nothing to undo")
}

// To end it early needs nobody for who asked and for who could have approved; for others
// it is a request of their own.
func TestRevertNow(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.takesLonger()
	s.changes("Ana", "max=7 for=2h")
	s.click("Ana", "Revert Now")
	s.goes(llama, 4)
	s.sees("Ben", "⏱️ Ana ended ")

	id := s.changes("Ana", "max=6 for=2h")
	s.slash("Ana", "#ml-oncall", "/autoscale undo "+id)
	s.goes(llama, 4)
	ended := func(*slacksim.Snapshot) bool { return !s.steps()["Revert Now"] }
	s.wait("no old button is left", ended)

	s.slash("Ana", "#ml-oncall", ask+" for=2h")
	s.click("Lea", "Approve Change")
	s.goes(llama, 12)
	s.sees("Leo", "[Extend 1 h] [Keep] [Revert Now] [Show Status]")
	s.click("Leo", "Revert Now")
	s.goes(llama, 4)
	s.sees("Ben", "⏱️ Leo ended ")
	s.wait("no old button is left", ended)

	id = s.changes("Ana", "max=5 for=2h")
	s.slash("Ben", "#ml-oncall", "/autoscale undo "+id)
	s.sees("Lea", "[Approve Change]")
	s.goes(llama, 5)
	s.click("Lea", "Approve Change")
	s.goes(llama, 4)
	s.sees("Ana", "⏱️ Ben ended "+id)
	s.later(3 * time.Hour)
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale undo "+id), "nothing to undo")
	if n := s.replies("Time is up"); n != 0 {
		t.Errorf("%d ended once more", n)
	}
}

// Whatever order changes end in, the settings go back to what stands without them.
func TestChangesWithinChanges(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	for id, name := range map[string]string{"C0QUIET": "quiet", "C0QUIETER": "quieter"} {
		s.Slack.AddChannel(slacksim.Channel{ID: id, Name: name, Members: []string{"U0ANA", "U0LEA", s.Slack.BotUserID()}})
	}
	change := func(model, what string) {
		n := len(s.patches())
		where := map[string]string{"llama-70b": "#ml-oncall", "whisper-large": "#llm-prod", "embed-e5": "#quiet"}[model] // each has its own pace
		s.slash("Lea", cmp.Or(where, "#quieter"), "/autoscale "+model+" production "+what)
		s.wait("it is sent", func(*slacksim.Snapshot) bool { return len(s.patches()) == n+1 })
		s.sees("Ana", model+" / production")
	}
	change("llama-70b", "max=6 for=2h") // a short one in a long one
	change("llama-70b", "max=8 for=1h")
	change("whisper-large", "max=5 for=1h") // a long one over a short one
	change("whisper-large", "max=7 for=2h")
	change("embed-e5", "max=15 for=1h") // one for good over one for a time
	change("embed-e5", "max=12")
	change("sdxl-turbo", "max=4 for=1h") // a chain, back to where it began
	change("sdxl-turbo", "max=6 for=1h")
	change("sdxl-turbo", "max=8 for=1h")
	s.sees("Ana", "sdxl-turbo / production — Max replicas: 6 → 8")
	s.later(61 * time.Minute)
	s.goes(llama, 6)
	s.goes(basetensim.DemoSDXL, 2)
	s.sees("Ana", "Nothing goes back, because #")
	s.goes(basetensim.DemoWhisper, 7)
	s.goes(basetensim.DemoEmbed, 12)
	s.later(61 * time.Minute)
	s.goes(llama, 4)
	s.goes(basetensim.DemoWhisper, 3)
	s.goes(basetensim.DemoEmbed, 12)
	s.wait("nothing can be ended any more", func(*slacksim.Snapshot) bool { return !s.steps()["Revert Now"] })
	s.leavesOut(s.As("Ana").Reading(), "does not show at Baseten", "would have to be asked again")
}

// A change that was undone holds nothing, and holds again once its undo was undone.
func TestEndOverAnUndo(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	id := s.changes("Lea", "max=6")
	s.slash("Lea", "#ml-oncall", "/autoscale undo "+id)
	s.goes(llama, 4)
	undo := requestID(t, s.Slack.PlainText(s.sees("Ana", "Undoes "+id)))
	s.changes("Lea", "max=8 for=1h")
	s.later(61 * time.Minute)
	s.goes(llama, 4)
	s.sees("Ana", "⏱️ Back to max 4 since")

	s.slash("Lea", "#ml-oncall", "/autoscale undo "+undo)
	s.goes(llama, 6)
	s.sees("Ana", "Undoes "+undo)
	s.changes("Lea", "max=8 for=1h")
	s.later(61 * time.Minute)
	s.goes(llama, 6)
	s.sees("Ana", "⏱️ Back to max 6 since")
}

// What somebody else put back to the value of a temporary change is theirs: that is what
// a later one goes back to, not what was there before the first.
func TestEndOverAHandChange(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	s.changes("Lea", "max=6 for=2h")
	s.sees("Ana", "In force after")
	for _, n := range []int{9, 6} {
		if err := s.Baseten.ChangeEnvironmentBehindTheBack(llama, "production", basetensim.Changes{"max_replica": n}); err != nil {
			t.Fatal(err)
		}
		s.sees("Ana", "Max replicas is 9")
	}
	s.changes("Lea", "max=8 for=3h")
	s.later(2*time.Hour + time.Minute)
	s.sees("Ana", "Nothing goes back, because #")
	s.later(time.Hour)
	s.sees("Ana", "⏱️ Back to max 6 since")
	s.goes(llama, 6)
}

// What somebody else set meanwhile stays. The thread says who that was, where Baseten
// tells.
func TestSomebodyElseChangedIt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault *basetensim.Fault
		want  string
	}{
		"told by the audit log": {nil, "Changed by the API key terraform (with terraform-provider-baseten)."},
		"not for this key":      {&basetensim.Fault{Kind: basetensim.Refused, Status: http.StatusForbidden, Op: basetensim.ListModelAuditLogs}, "because somebody else changed it since: Max replicas is 9."},
		"no audit log":          {&basetensim.Fault{Kind: basetensim.Refused, Status: http.StatusNotFound, Op: basetensim.ListModelAuditLogs}, "because somebody else changed it since: Max replicas is 9."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, quietly(), nil)
			s.changes("Ana", "max=7 for=1h")
			s.sees("Ana", "In force after")
			s.later(20 * time.Minute)
			s.logs(`"code":"reached"`, 1) // it is not followed any more
			if tt.fault != nil {
				s.Baseten.Inject(*tt.fault)
			}
			if err := s.Baseten.ChangeEnvironmentAs(basetensim.Terraform, llama, "production", basetensim.Changes{"max_replica": 9}); err != nil {
				t.Fatal(err)
			}
			s.later(41 * time.Minute)
			text := s.Slack.PlainText(s.sees("Ben", "somebody else changed it since: Max replicas is 9"))
			if !strings.Contains(text, tt.want) || tt.fault != nil && strings.Contains(text, "Changed by") {
				t.Errorf("want %q: %s", tt.want, text)
			}
			s.sees("Ben", "nothing went back.")
			if n := len(s.patches()); n != 1 {
				t.Errorf("%d PATCHes", n)
			}
		})
	}
}

// A deployment that serves no environment any more goes back all the same.
func TestEndAfterAPromotion(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	s.slash("Lea", "#ml-oncall", "/autoscale llama-70b v12 max=6 for=1h")
	s.sees("Ana", "Baseten: ACCEPTED")
	if err := s.Baseten.Promote(llama, "production", basetensim.DemoLlamaCanary); err != nil {
		t.Fatal(err)
	}
	s.later(61 * time.Minute)
	s.sees("Ana", "Time is up for")
	if got := s.Baseten.Deployment(llama, basetensim.DemoLlamaProduction).Settings.MaxReplica; got != 4 {
		t.Errorf("max is %d:\n%s", got, s.As("Ana").Reading())
	}
}

// Where the target is gone nothing is left to go back, and the thread says so.
func TestEndOfWhatIsGone(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	s.slash("Lea", "#ml-oncall", "/autoscale llama-70b canary max=6 for=1h")
	s.sees("Ana", "Baseten: ACCEPTED")
	if err := s.Baseten.RemoveDeployment(llama, basetensim.DemoLlamaCanary); err != nil {
		t.Fatal(err)
	}
	s.later(61 * time.Minute)
	s.sees("Ana", "nothing went back.")
	s.wait("nothing ends it any more", func(*slacksim.Snapshot) bool { return !s.steps()["Revert Now"] })
	s.wait("it is told once", func(*slacksim.Snapshot) bool { return s.replies("Time is up for") == 1 })
}

// A raise for an hour is no ladder: who may only lower cannot make the most of it for
// good. Afterwards they lower as before.
func TestNoLadder(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	s.changes("Lea", "max=20 for=1h")
	s.answers("Ana", "can llama-70b production max=19", "It would need 1 approval")
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=19")
	card := s.Slack.PlainText(s.sees("Lea", "[Approve Change]"))
	if !strings.Contains(card, "ends and Max replicas is 4") {
		t.Errorf("the card does not say what would stand: %s", card)
	}
	s.slash("Ana", "#ml-oncall", "/autoscale cancel "+requestID(t, card))
	s.goes(llama, 20)
	s.later(61 * time.Minute)
	s.goes(llama, 4)
	s.sees("Ana", "⏱️ Back to max 4 since")
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=3")
	s.goes(llama, 3)
}

// What has passed when it is approved is not sent, and a change that was done already has
// no end.
func TestUntilHasPassed(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", ask+" until="+s.Now().In(mustZone(t, "Europe/Amsterdam")).Add(20*time.Minute).Format("15:04"))
	s.sees("Lea", "[Approve Change]")
	s.later(21 * time.Minute)
	s.click("Lea", "Approve Change")
	s.sees("Ana", "it was to hold until ")
	if n := len(s.patches()); n != 0 {
		t.Errorf("%d PATCHes", n)
	}
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=13 for=1h")
	s.sees("Lea", "→ 13")
	if err := s.Baseten.ChangeEnvironmentBehindTheBack(llama, "production", basetensim.Changes{"max_replica": 13}); err != nil {
		t.Fatal(err)
	}
	s.click("Leo", "Approve Change")
	s.sees("Ana", "It has no end: nothing was sent that could go back.")
	s.later(61 * time.Minute)
	s.goes(llama, 13)
	if n := len(s.patches()); n != 0 {
		t.Errorf("%d PATCHes", n)
	}
}

func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// A time is that of the person's own zone; an hour that the clocks skip is none.
func TestUntilInTheZoneOfThePerson(t *testing.T) {
	t.Parallel()
	s := stage(t, quietly(), nil)
	// In the night that follows the clocks change in Europe; in New York they did before.
	s.later(time.Date(2037, time.March, 28, 12, 0, 0, 0, time.UTC).Sub(s.Now()))
	s.Slack.UpdateUser(slacksim.User{ID: "U0BEN", Name: "ben", RealName: "Ben Brandt", TZ: "America/New_York"})
	s.start()
	s.takesLonger()
	for _, tt := range []struct{ who, what, want string }{
		{"Ana", "max=6 until=18:00", "17:00 UTC (18:00 CET), then back to max 4"},
		{"Ben", "max=7 until=18:00", "22:00 UTC (18:00 EDT), then back to max 4"},
		{"Ana", `max=8 until="Sun 18:00"`, "16:00 UTC (18:00 CEST), then back to max 4"},
	} {
		s.changes(tt.who, tt.what)
		s.sees(tt.who, tt.want)
	}
	s.told(s.slash("Ana", "#ml-oncall", `/autoscale llama-70b production max=5 until="02:30"`), "there is no")
}

// What could never be cleared again cannot be for a time.
func TestWhatCannotGoBack(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	s.told(s.slash("Lea", "#ml-oncall", "/autoscale llama-70b production tokens=4000 for=1h"), "could not go back")
	if n := len(s.patches()); n != 0 {
		t.Errorf("%d PATCHes", n)
	}
}

// Whatever becomes of the PATCH of an end, it is sent at most twice, goes back, and is
// told once.
func TestTroubleAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, kind := range []basetensim.Kind{basetensim.ServerError, basetensim.CommitThen500, basetensim.CommitThenReset, basetensim.ResetBeforeRead, basetensim.RateLimited} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := tell(t, quietly(), nil)
			s.changes("Ana", "max=7 for=10m")
			fault := s.Baseten.Inject(basetensim.Fault{Kind: kind, Op: basetensim.PatchEnvironment, Times: 1})
			s.later(10*time.Minute + time.Second)
			s.goes(llama, 4)
			s.sees("Ana", "⏱️ Back to max 4 since")
			s.sees("Ana", "Time is up for")
			if n := len(s.patches()); fault.Hits() != 1 || n > 3 {
				t.Errorf("%d PATCHes, %d struck", n, fault.Hits())
			}
			if n := s.replies("Time is up for"); n != 1 {
				t.Errorf("told %d times", n)
			}
		})
	}
}

// Slack does not answer to an edit, so that the card keeps its buttons: the change is read
// back and goes back at its time all the same.
func TestEndWhileAnEditWaits(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	heal := s.Slack.Fault(slacksim.Fault{Method: "chat.update", Kind: slacksim.FaultHang})
	defer heal()
	s.slash("Ana", "#ml-oncall", ask+" for=5m")
	s.click("Lea", "Approve Change")
	s.goes(llama, 12)
	s.logs(`"msg":"request outcome"`, 1)
	s.later(5*time.Minute + time.Second)
	s.goes(llama, 4)
	s.sees("Ana", "Time is up for")
}

// Baseten is away when the time is up. Back after half an hour, the settings go back
// within seconds; the thread has one message about it.
func TestBasetenIsAwayAtTheEnd(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.changes("Ana", "max=7 for=10m")
	away := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Unavailable})
	s.later(11 * time.Minute)
	s.logs("read settings before the change", 1)
	s.later(30 * time.Minute)
	s.sees("Ana", "Time is up for")
	away.Clear()
	began := time.Now()
	s.goes(llama, 4)
	if took := time.Since(began); took > goesOn {
		t.Errorf("it took %v, want at most %v", took, goesOn)
	}
	s.sees("Ana", "⏱️ Back to max 4 since")
	if n := s.replies("Time is up for"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// Where it is away for longer than an hour, the thread asks each day what to do, and a
// gauge counts it.
func TestOverdueEnd(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.takesLonger()
	addr := <-s.listening
	counted := func(want string) {
		t.Helper()
		for !strings.Contains(s.metrics(addr), "\nautoscalebot_overdue_ends "+want+"\n") {
			if s.ctx.Err() != nil {
				t.Fatalf("the gauge is not %s", want)
			}
		}
	}
	counted("0")
	s.changes("Ana", "max=6 for=10m")
	away := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Unavailable})
	s.later(11 * time.Minute)
	s.logs("read settings before the change", 1)
	s.later(61 * time.Minute)
	s.sees("Ana", "Its time was up")
	s.sees("Ana", "Baseten did not answer")
	for day := range 2 {
		s.later(24*time.Hour + time.Second)
		s.wait("it is asked each day", func(*slacksim.Snapshot) bool { return s.replies("still has max 6: its time was up") == day+1 })
	}
	counted("1")
	away.Clear()
	s.click("Ana", "Revert Now")
	s.goes(llama, 4)
	s.sees("Ana", "Back to max 4 since")
	counted("0")
}

// The policy may bound for how long a change holds, and want an end. A deny rule that
// came meanwhile stops the way back, until it is gone.
func TestPolicyOfChangesForATime(t *testing.T) {
	t.Parallel()
	policy := `version: 1
groups:
  oncall: {usergroups: [S0ONCALL]}
rules:
  - {name: for a shift, who: [oncall], settings: [max], effect: allow, require: [for], max_for: 8h}
`
	s := slowly(t, policy)
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7"), "for")
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7 for=9h"), "at most 8 h")
	id := s.changes("Ana", "max=7 for=2h")
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale extend "+id+" 7h"), "at most 8 h")
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale keep "+id), "for")
	s.later(time.Hour) // what counts is since when it holds
	s.slash("Ana", "#ml-oncall", "/autoscale extend "+id+" 6h1m")
	s.wait("that is too long", func(snap *slacksim.Snapshot) bool {
		return slices.ContainsFunc(snap.Ephemerals, func(m slacksim.Message) bool {
			text := s.Slack.PlainText(m)
			return strings.Contains(text, "extend "+id+" 6h1m") && strings.Contains(text, "at most 8 h")
		})
	})

	if err := s.SetPolicy(strings.Replace(policy, "rules:\n", "rules:\n  - {name: no way down, effect: deny, when: change.max_replica.down, reason: Launch week.}\n", 1)); err != nil {
		t.Fatal(err)
	}
	s.logs("policy accepted", 2)
	s.later(61 * time.Minute)
	s.sees("Ana", "Launch week.")
	s.sees("Ana", "Its time was up")
	s.goes(llama, 7)
	s.later(24*time.Hour + time.Second)
	s.sees("Ana", "still has max 7: its time was up")
	s.click("Ana", "Revert Now")
	s.wait("it is told why again", func(*slacksim.Snapshot) bool { return s.replies("Launch week.") == 2 })
	s.goes(llama, 7)
	if err := s.SetPolicy(policy); err != nil {
		t.Fatal(err)
	}
	s.logs("policy accepted", 3)
	s.click("Ana", "Revert Now")
	s.goes(llama, 4)
	if n := len(s.patches()); n != 2 {
		t.Errorf("%d PATCHes", n)
	}
}
