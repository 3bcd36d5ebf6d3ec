package app_test

import (
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

const ask = "/autoscale llama-70b production max=12"

func TestApproval(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "Waits for one of @lea, @leo, until")
	s.told(s.click("Ana", "Approve Change"), "not allowed: Nobody approves their own request")
	s.told(s.click("Ben", "Approve Change"), "not allowed")
	if got := s.patches(); len(got) != 0 {
		t.Fatalf("changed before it was approved: %q", got)
	}
	s.click("Lea", "Approve Change")
	m := s.sees("Ana", "Baseten: ACCEPTED")
	root := s.Slack.Thread(m.Channel, m.ThreadTS)[0]
	if b := root.Buttons(); len(b) != 0 {
		t.Errorf("the card still has buttons: %v", b)
	}
	if text := s.Slack.PlainText(root); !strings.Contains(text, "Approved by @lea") {
		t.Errorf("the card does not say who approved:\n%s", text)
	}
	if got := s.patches(); len(got) != 1 {
		t.Errorf("patches = %q, want one", got)
	}
}

func TestDeny(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", ask)
	s.click("Leo", "Deny")
	s.sees("Ana", "Denied by @leo.")
	s.click("Leo", "Add a Reason")
	s.wait("Leo sees a form", func(*slacksim.Snapshot) bool { return len(s.Slack.OpenViews("U0LEO")) == 1 })
	view := s.Slack.OpenViews("U0LEO")[0]
	s.Slack.Submit("U0LEO", view.ID, map[string]map[string]string{"reason": {"text": "no GPUs left"}})
	s.sees("Ana", "Denied by @leo: no GPUs left")
	if got := s.patches(); len(got) != 0 {
		t.Errorf("patches = %q, want none", got)
	}
}

func TestConfirm(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b staging min=1")
	s.told(s.click("Ben", "Confirm Change"), "only @ana can confirm")
	s.click("Ana", "Confirm Change")
	s.sees("Ana", "Baseten: ACCEPTED")
	if got := s.patches(); len(got) != 1 {
		t.Errorf("patches = %q, want one", got)
	}
}

func TestCancel(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", ask)
	m := s.sees("Lea", "Waits for one of @lea, @leo")
	id := requestID(t, s.Slack.PlainText(m))
	s.told(s.slash("Ben", "#ml-oncall", "/autoscale cancel "+id), "only @ana can cancel")
	s.slash("Ana", "#ml-oncall", "/autoscale cancel "+strings.ToLower(id))
	s.sees("Lea", "Canceled by @ana")
}

func TestTwoApproversAtOnce(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", ask)
	m := s.sees("Lea", "Waits for one of @lea, @leo")
	a := s.Slack.Click("U0LEA", m.Channel, m.TS, "approve")
	b := s.Slack.Click("U0LEO", m.Channel, m.TS, "approve")
	for _, d := range []*slacksim.Delivery{a, b} {
		if err := d.WaitAck(s.ctx); err != nil {
			t.Fatal(err)
		}
	}
	s.sees("Ana", "Baseten: ACCEPTED")
	late := s.Slack.ClickStale("U0LEO", m, "deny")
	s.told(late, "was approved already, by")
	if got := s.patches(); len(got) != 1 {
		t.Errorf("patches = %q, want one", got)
	}
}

// The approval is of what was shown: where the settings moved, nothing is sent.
func TestMovedBeforeApproval(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "Waits for one of @lea, @leo")
	if err := s.Baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 5}); err != nil {
		t.Fatal(err)
	}
	s.click("Lea", "Approve Change")
	s.sees("Ana", "not carried out: max was 4 when shown, is 5 now. Changed by grace@example.com (on Baseten's pages). Nothing was sent.")
	if got := s.patches(); len(got) != 0 {
		t.Fatalf("patches = %q, want none", got)
	}
	s.click("Leo", "Ask Again")
	s.sees("Lea", "Max replicas: 5 → 12")
	s.click("Lea", "Approve Change")
	s.sees("Ana", "Baseten: ACCEPTED")
}

// A move of a setting that was not asked for does not matter.
func TestUnrelatedMove(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "Waits for one of @lea, @leo")
	if err := s.Baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"scale_down_delay": 60}); err != nil {
		t.Fatal(err)
	}
	s.click("Lea", "Approve Change")
	s.sees("Ana", "Baseten: ACCEPTED")
}

// Who left approves nothing and asks for nothing any more. What Slack said some
// seconds ago is good enough; a bot that starts anew has to ask.
func TestLeaver(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "Waits for one of @lea, @leo")
	s.end()
	s.Slack.UpdateUser(slacksim.User{ID: "U0ANA", Name: "ana", RealName: "Ana Alves", Deleted: true})
	s.start()
	s.click("Lea", "Approve Change")
	s.sees("Lea", "no longer an active member")
	if got := s.patches(); len(got) != 0 {
		t.Errorf("patches = %q, want none", got)
	}
}

func TestUndo(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7")
	m := s.sees("Ana", "Baseten: ACCEPTED")
	s.slash("Ana", "#ml-oncall", "/autoscale undo "+requestID(t, s.Slack.PlainText(m)))
	s.sees("Lea", "Max replicas: 7 → 4")
	s.click("Lea", "Approve Change")
	s.wait("it is undone", func(*slacksim.Snapshot) bool { return len(s.patches()) == 2 })
	if got := s.patches()[1]; !strings.HasSuffix(got, `{"autoscaling_settings":{"max_replica":4}}`) {
		t.Errorf("undo sent %s", got)
	}
}

// A mention is the same command, answered in its thread.
func TestMention(t *testing.T) {
	s := tell(t, quietly(), nil)
	root := s.As("Ben").Say("#ml-oncall", "", "the llama queue is long")
	d := s.As("Ana").Mention("#ml-oncall", root, "llama-70b production max=7")
	if err := d.WaitAck(s.ctx); err != nil {
		t.Fatal(err)
	}
	if m := s.sees("Ben", "Baseten: ACCEPTED"); m.ThreadTS != root {
		t.Errorf("answered in thread %s, want %s", m.ThreadTS, root)
	}
}

func TestSameRequestTwice(t *testing.T) {
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "Waits for one of @lea, @leo")
	s.told(s.slash("Ana", "#ml-oncall", ask), "You asked for this already: #")
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=11")
	s.sees("Lea", "Replaced by #")
	s.slash("Ben", "#ml-oncall", "/autoscale llama-70b production max=10")
	s.sees("Lea", "Also waiting for this target")
}

func requestID(t *testing.T, text string) string {
	t.Helper()
	i := strings.LastIndex(text, "#")
	if i < 0 || len(text) < i+6 {
		t.Fatalf("no request ID in:\n%s", text)
	}
	return text[i : i+6]
}
