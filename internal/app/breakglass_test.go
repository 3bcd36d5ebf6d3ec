package app_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// alarms is a channel for alarms of its own, which Lea, Leo and the bot are in.
const alarms = "C0ALARMS"

// loudly is a bot that has the channel for alarms.
func loudly(t *testing.T) *story {
	t.Helper()
	s := stage(t, quietly(), map[string]string{"ANNOUNCE_CHANNEL": alarms})
	s.addAlarms()
	s.start()
	return s
}

func (s *story) addAlarms() {
	s.Slack.AddChannel(slacksim.Channel{ID: alarms, Name: "alarms", Members: []string{"U0LEA", "U0LEO", s.Slack.BotUserID()}})
}

// announced waits until a message in the channel for alarms holds a text.
func (s *story) announced(text string) slacksim.Message {
	s.t.Helper()
	var found slacksim.Message
	s.wait("the channel for alarms says "+text, func(snap *slacksim.Snapshot) bool {
		for _, m := range snap.Messages[alarms] {
			if strings.Contains(s.Slack.PlainText(m), text) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// private waits until only that person sees a message that holds a text.
func (s *story) private(user, text string) slacksim.Message {
	s.t.Helper()
	var found slacksim.Message
	s.wait(user+" alone sees "+text, func(snap *slacksim.Snapshot) bool {
		i := slices.IndexFunc(snap.Ephemerals, func(m slacksim.Message) bool {
			return m.EphemeralFor == user && strings.Contains(s.Slack.PlainText(m), text)
		})
		if i >= 0 {
			found = snap.Ephemerals[i]
		}
		return i >= 0
	})
	return found
}

// form waits until a form opens for the person.
func (s *story) form(user string) slacksim.View {
	s.t.Helper()
	s.wait(user+" sees a form", func(*slacksim.Snapshot) bool { return len(s.Slack.OpenViews(user)) == 1 })
	return s.Slack.OpenViews(user)[0]
}

func because(reason string) map[string]map[string]string {
	return map[string]map[string]string{"reason": {"text": reason}}
}

// The approval is skipped by a word of the command. The channel for alarms hears of it,
// with who can sign, the way to the thread, the price and what came of it.
func TestBreakGlass(t *testing.T) {
	s := loudly(t)
	s.slash("Ana", "#llm-prod", ask+` break-glass reason="customers are waiting"`)
	s.sees("Ana", "Baseten: ACCEPTED")
	m := s.announced("In force")
	text := s.Slack.PlainText(m)
	for _, want := range []string{
		"@ana used break-glass: llama-70b / production", "Max replicas: 4 → 12", "/h (was $", "customers are waiting",
		"Baseten: ACCEPTED", "One of @lea, @leo, please review it.", "its thread: #", "[Undo Change]",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the announcement does not say %q:\n%s", want, text)
		}
	}
	if card := s.sees("Ana", "Break-glass: the approval was skipped."); !strings.Contains(string(m.Blocks), strings.ReplaceAll(card.TS, ".", "")) {
		t.Errorf("the announcement does not lead to the card %s:\n%s", card.TS, m.Blocks)
	}

	s.told(s.slash("Ana", "#llm-prod", "/autoscale reviews"), "One of @lea, @leo can sign it: #")
	s.told(s.Slack.Click("U0ANA", m.Channel, m.TS, "review"), "not allowed: nobody reviews their own break-glass")
	s.told(s.Slack.Click("U0BEN", m.Channel, m.TS, "review"), "not allowed: only somebody who could have approved")
	s.click("Lea", "Sign Review")
	if signed := s.announced("Reviewed by @lea."); strings.Contains(s.Slack.PlainText(signed), "[Sign Review]") {
		t.Errorf("the signed review has buttons: %v", signed.Buttons())
	}
	s.told(s.slash("Ben", "#llm-prod", "/autoscale reviews"), "No break-glass waits for a review.")
	s.told(s.slash("Gus", "#ml-oncall", "/autoscale reviews"), "not allowed: this is for members")
}

// Whoever waits for an approval is told alone, once, how to do without; nobody else has
// that button. The form says what is sent and who hears of it.
func TestBreakGlassIsOffered(t *testing.T) {
	s := loudly(t)
	s.slash("Ana", "#ml-oncall", ask)
	card := s.sees("Lea", "Waits for one of @lea, @leo")
	offer := s.private("U0ANA", "Waits for one of @lea, @leo. If it cannot wait:")
	if labels := labelsOf(offer); !slices.Equal(labels, []string{"Break Glass…", "Cancel"}) {
		t.Errorf("the offer has %q", labels)
	}
	if labels := labelsOf(card); !slices.Equal(labels, []string{"Approve Change", "Deny", "Change…"}) {
		t.Errorf("everybody sees %q", labels)
	}
	s.click("Ana", "Break Glass…")
	form := s.form("U0ANA")
	for _, want := range []string{"Sent at once, without an approval: ", "llama-70b / production", "Max replicas: 4", "announced in the channel for alarms"} {
		if !strings.Contains(string(form.Blocks), want) {
			t.Errorf("the form does not say %q: %s", want, form.Blocks)
		}
	}
	for _, reason := range []string{"now", "now" + strings.Repeat(" ", 9) + "!", strings.Repeat("\u200b", 12)} {
		d := s.Slack.Submit("U0ANA", form.ID, because(reason))
		if err := d.WaitAck(s.ctx); err != nil {
			t.Fatal(err)
		}
		if got := string(d.AckPayload()); !strings.Contains(got, "not allowed: break-glass wants a reason of at least 10 characters") {
			t.Errorf("under the field for %q: %s", reason, got)
		}
	}
	s.Slack.Submit("U0ANA", form.ID, because("nobody answers"))
	s.sees("Ana", "Baseten: ACCEPTED")
	s.announced("nobody answers")
	s.told(s.Slack.ClickEphemeral("U0ANA", offer.Channel, offer.TS, "break_glass"), "went ahead already")
}

// The offer's other button takes the request back.
func TestOfferedCancel(t *testing.T) {
	s := loudly(t)
	s.slash("Ana", "#ml-oncall", ask)
	s.click("Ana", "Cancel")
	s.sees("Lea", "Canceled by @ana")
}

// In a thread the offer stands in the thread.
func TestBreakGlassIsOfferedInTheThread(t *testing.T) {
	s := loudly(t)
	root := s.As("Ben").Say("#ml-oncall", "", "the llama queue is long")
	if err := s.As("Ana").Mention("#ml-oncall", root, "llama-70b production max=12").WaitAck(s.ctx); err != nil {
		t.Fatal(err)
	}
	if offer := s.private("U0ANA", "If it cannot wait:"); offer.ThreadTS != root {
		t.Errorf("offered in thread %q, want %q", offer.ThreadTS, root)
	}
}

// An old card still has the button for all. Who may not is told so, and no form opens.
func TestOldBreakGlassButton(t *testing.T) {
	s := loudly(t)
	s.slash("Ana", "#ml-oncall", ask)
	card := s.sees("Lea", "Waits for one of @lea, @leo")
	s.private("U0ANA", "If it cannot wait:")
	card.Blocks = json.RawMessage(strings.ReplaceAll(string(card.Blocks), `"deny"`, `"break_glass"`))
	for user, want := range map[string]string{
		"U0LEA": "not allowed: only @ana can use break-glass on",
		"U0BEN": "not allowed: only @ana can use break-glass on",
		"U0GUS": "not allowed: this is for members of this workspace",
	} {
		s.told(s.Slack.ClickStale(user, card, "break_glass"), want)
		if n := len(s.Slack.OpenViews(user)); n != 0 {
			t.Errorf("%d forms open for %s", n, user)
		}
	}
	if err := s.Slack.ClickStale("U0ANA", card, "break_glass").WaitAck(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.form("U0ANA")
}

// Why break-glass is refused is said to the person alone, in words that help.
func TestBreakGlassRefused(t *testing.T) {
	s := loudly(t)
	s.told(s.slash("Ana", "#ml-oncall", ask+` break-glass reason="."`), "not allowed: break-glass wants a reason of at least 10 characters, which others can understand tomorrow.")
	s.told(s.slash("Ana", "#ml-oncall", ask+" break-glass"), "break-glass needs a reason. Nothing was changed.")

	s.slash("Ana", "#ml-oncall", ask)
	id := requestID(t, s.Slack.PlainText(s.sees("Lea", "Waits for one of @lea, @leo")))
	s.click("Leo", "Deny")
	s.sees("Ana", "Denied by @leo.")
	s.told(s.slash("Ben", "#ml-oncall", `/autoscale llama-70b production max=11 break-glass reason="customers are waiting"`),
		"not allowed: a person denied "+id+" within the last hour, so nobody can skip the approval of the same.")
	if got := s.patches(); len(got) != 0 {
		t.Errorf("patches = %q, want none", got)
	}
	// Another setting is another matter.
	s.slash("Ben", "#ml-oncall", `/autoscale llama-70b production min=3 break-glass reason="customers are waiting"`)
	s.sees("Ben", "Baseten: ACCEPTED")
}

// Where the announcement cannot be posted, nothing is sent, and the thread says why.
func TestBreakGlassNotAnnounced(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(s *story)
		want  string
	}{
		"not in it": {func(s *story) {
			s.Slack.AddChannel(slacksim.Channel{ID: alarms, Name: "alarms", Members: []string{"U0LEA"}})
		},
			"This failed: the channel for alarms took no message (I am not in it), so the approval was not skipped. Nothing was changed. Ask whoever runs the bot."},
		"archived": {func(s *story) { s.Slack.ArchiveChannel(alarms) },
			"This failed: the channel for alarms took no message (it is archived), so the approval was not skipped. Nothing was changed. Ask whoever runs the bot."},
	} {
		t.Run(name, func(t *testing.T) {
			s := loudly(t)
			tt.spoil(s)
			s.slash("Ana", "#ml-oncall", ask+` break-glass reason="customers are waiting"`)
			s.sees("Ana", tt.want)
			if got := s.patches(); len(got) != 0 {
				t.Errorf("patches = %q, want none", got)
			}
			s.told(s.slash("Ana", "#ml-oncall", "/autoscale reviews"), "No break-glass waits for a review.")
		})
	}
}

// The count of open reviews is a metric.
func TestOpenReviewsAreCounted(t *testing.T) {
	s := loudly(t)
	const zero, one = "\nautoscalebot_open_reviews 0\n", "\nautoscalebot_open_reviews 1\n"
	if !strings.Contains(s.metrics(<-s.listening), zero) {
		t.Error("at first it is not 0")
	}
	s.slash("Ana", "#llm-prod", ask+` break-glass reason="customers are waiting"`)
	s.announced("Baseten: ACCEPTED")
	s.end()
	s.start() // it counts at the start, and then every ten seconds
	for addr := <-s.listening; !strings.Contains(s.metrics(addr), one); {
		if s.ctx.Err() != nil {
			t.Fatal("the open review is not counted")
		}
	}
}

// metrics reads what the bot counts.
func (s *story) metrics(addr string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+addr+"/metrics", http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: patient}).Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

// Two replicas share the reminders: each day one, in the thread of the review, until it
// is signed.
func TestReplicasRemindOnce(t *testing.T) {
	t.Parallel()
	s, bots := replicatedWith(t, map[string]string{"ANNOUNCE_CHANNEL": alarms})
	s.addAlarms()
	s.slash("Ana", "#llm-prod", ask+` break-glass reason="customers are waiting"`)
	review := s.announced("In force")
	// What is followed stays with whoever follows it, for a quarter of an hour or until it
	// is put back.
	if err := s.Baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 5}); err != nil {
		t.Fatal(err)
	}
	s.announced("Max replicas is 5")
	reminders := func() int {
		n := 0
		for _, m := range s.Slack.Thread(alarms, review.TS)[1:] {
			if text := s.Slack.PlainText(m); strings.Contains(text, "Still not reviewed: @ana used break-glass") && strings.Contains(text, "One of @lea, @leo, please look at it and sign above.") {
				n++
			}
		}
		return n
	}
	database := s.env["DATABASE_URL"]
	day := func() {
		admin(t, database, `UPDATE requests SET review_due_at = 1, due_at = 1 WHERE review_open AND review_due_at IS NOT NULL`)
	}
	day()
	s.wait("they are reminded", func(*slacksim.Snapshot) bool { return reminders() > 0 })
	day()
	s.wait("they are reminded the next day", func(*slacksim.Snapshot) bool { return reminders() > 1 })
	for _, c := range bots { // one of them has said it, whichever
		c.kill()
		break
	}
	day()
	s.wait("the other one goes on", func(*slacksim.Snapshot) bool { return reminders() > 2 })
	s.click("Leo", "Sign Review")
	s.announced("Reviewed by @leo.")
	day()
	if n := reminders(); n != 3 {
		t.Errorf("%d reminders in three days", n)
	}
}

func labelsOf(m slacksim.Message) []string {
	var out []string
	for _, b := range m.Buttons() {
		out = append(out, b.Text)
	}
	return out
}
