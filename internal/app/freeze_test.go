package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
	"autoscalebot/internal/store"
)

// freezes has Lea freeze something, and returns the freeze's ID.
func (s *story) freezes(what string) string {
	s.t.Helper()
	n := s.cards()
	s.slash("Lea", "#ml-oncall", "/autoscale freeze "+what+` reason="launch week"`)
	var card slacksim.Message
	s.wait("Lea freezes "+what, func(snap *slacksim.Snapshot) bool {
		for _, m := range snap.Messages["C0MLONCALL"] {
			if m.ThreadTS == "" || m.ThreadTS == m.TS {
				card = m
			}
		}
		return s.cards() == n+1 && strings.Contains(s.Slack.PlainText(card), "[Thaw]")
	})
	return requestID(s.t, s.Slack.PlainText(card))
}

// Who may is in the policy. What is frozen is said by each refusal, with who can thaw it;
// whoever set it and those who may freeze can.
func TestFreeze(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	s.told(s.slash("Ana", "#ml-oncall", `/autoscale freeze llama-70b for=2h reason="launch"`), "not allowed: Only leads may freeze and thaw.")
	id := s.freezes("llama-70b for=2h")
	refused := `llama-70b is frozen by Lea until `
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7"), refused)
	s.told(s.slash("Leo", "#ml-oncall", "/autoscale llama-70b staging max=7"), "launch week. Lea or leads can thaw "+id)
	s.answers("Ben", "pending", "llama-70b is frozen by Lea", "launch week")
	s.answers("Ben", "status llama-70b", "llama-70b is frozen by Lea")
	s.slash("Lea", "#ml-oncall", "/autoscale whisper-large production max=5") // another model
	s.goes(basetensim.DemoWhisper, 5)

	s.told(s.slash("Ana", "#ml-oncall", "/autoscale thaw "+id), "not allowed: only Lea or leads can thaw "+id)
	s.click("Leo", "Thaw")
	s.sees("Ana", "Thawed by Leo")
	s.told(s.slash("Lea", "#ml-oncall", "/autoscale thaw "+id), "is over already: thawed by Leo")
	s.changes("Ana", "max=7")
	s.goes(llama, 7)

	id = s.freezes("llama-70b production for=2h")
	s.told(s.slash("Lea", "#ml-oncall", "/autoscale thaw "+id), "is over")
	s.changes("Ana", "max=8")
}

// A freeze of one target leaves the others alone, one of all models nothing; each is over
// when its time is up.
func TestFreezeIsOver(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	s.freezes("llama-70b staging for=3h")
	s.changes("Ana", "max=5")
	s.freezes("* for=1h")
	s.told(s.slash("Lea", "#ml-oncall", "/autoscale whisper-large production max=5"), "all models are frozen by Lea")
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7"), "all models are frozen by Lea")
	s.later(61 * time.Minute)
	s.sees("Ana", "is over. What it stopped can be asked again.")
	s.changes("Ana", "max=7")
	s.told(s.slash("Lea", "#ml-oncall", "/autoscale llama-70b staging max=3"), "is frozen by Lea")
}

// Break-glass goes through where the freeze says so, and nowhere else.
func TestBreakGlassThroughAFreeze(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	id := s.freezes("llama-70b for=2h")
	const breaks = `/autoscale llama-70b production max=12 break-glass reason="customers are waiting"`
	s.told(s.slash("Ana", "#ml-oncall", breaks), "is frozen by Lea")
	s.told(s.slash("Lea", "#ml-oncall", "/autoscale thaw "+id), "is over")
	s.freezes("llama-70b for=2h break-glass")
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=7"), "Break-glass goes through.")
	s.slash("Ana", "#ml-oncall", breaks)
	s.goes(llama, 12)
	if n := len(s.patches()); n != 1 {
		t.Errorf("%d PATCHes", n)
	}
}

// What waits for an approval cannot be approved during a freeze, and can after it.
func TestApproveDuringAFreeze(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	s.slash("Ana", "#ml-oncall", ask)
	card := s.sees("Lea", "[Approve Change]")
	id := s.freezes("llama-70b for=1h")
	s.told(s.Slack.Click("U0LEO", card.Channel, card.TS, "approve"), "is frozen by Lea")
	s.told(s.slash("Lea", "#ml-oncall", "/autoscale thaw "+id), "is over")
	s.click("Leo", "Approve Change")
	s.goes(llama, 12)
}

// A freeze that comes between the approval and the PATCH holds it. Asked again it is
// refused as long as it is frozen.
func TestFreezeBeforeThePatch(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "[Approve Change]")
	hang := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Hang, Op: basetensim.ListEnvironments})
	s.click("Leo", "Approve Change")
	if err := s.Baseten.Wait(s.ctx, func(*basetensim.Snapshot) bool { return hang.Hits() > 0 }); err != nil {
		t.Fatal(err)
	}
	id := s.freezes("* for=1h")
	hang.Clear()
	s.sees("Ana", "all models are frozen by Lea")
	s.sees("Ana", "[Ask Again]")
	if n := len(s.patches()); n != 0 {
		t.Errorf("%d PATCHes", n)
	}
	s.click("Ana", "Ask Again")
	s.private("U0ANA", "all models are frozen by Lea")
	s.told(s.slash("Lea", "#ml-oncall", "/autoscale thaw "+id), "is over")
	s.click("Ana", "Ask Again")
	s.click("Lea", "Approve Change")
	s.goes(llama, 12)
}

// thawsWithin is how soon after the thaw an end that waited for it is carried out.
const thawsWithin = 15 * time.Second

// The end of a temporary change that falls into a freeze waits for the thaw. The card of
// the freeze says so before, and nobody reverts it meanwhile.
func TestEndInsideAFreeze(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	id := s.changes("Ana", "max=7 for=10m")
	s.sees("Ana", "[Revert Now]")
	freeze := s.freezes("llama-70b for=5h")
	s.sees("Ana", "("+id+"), and waits for the thaw.")
	s.later(11 * time.Minute)
	s.sees("Ana", "Time is up for "+id)
	s.later(2 * time.Hour)
	s.goes(llama, 7)
	if n := s.replies("Time is up for"); n != 1 {
		t.Errorf("told %d times that it is frozen", n)
	}
	s.click("Ana", "Revert Now")
	s.wait("that is refused", func(*slacksim.Snapshot) bool { return s.replies("is frozen by Lea") >= 2 })
	s.goes(llama, 7)
	s.told(s.slash("Lea", "#ml-oncall", "/autoscale thaw "+freeze), "is over")
	began := time.Now()
	s.goes(llama, 4)
	if took := time.Since(began); took > thawsWithin {
		t.Errorf("it took %v, want at most %v", took, thawsWithin)
	}
	s.sees("Ana", "⏱️ Back to max 4 since")
	if n := len(s.patches()); n != 2 {
		t.Errorf("%d PATCHes", n)
	}
}

// However many freezes there are, a list asks Slack for few addresses of cards.
func TestManyFreezes(t *testing.T) {
	t.Parallel()
	const freezes = 300
	s := stage(t, quietly(), nil)
	db, err := store.Open(s.ctx, store.Config{URL: s.env["DATABASE_URL"]})
	if err != nil {
		t.Fatal(err)
	}
	for i := range freezes {
		r := &change.Request{
			ID: change.ID(fmt.Sprintf("%05d", i)), Kind: change.KindFreeze, State: change.Applied,
			CreatedAt: s.Now(), EndedAt: s.Now(), Requester: authz.Person{ID: "U0LEA", Name: "lea"}, Channel: "C0MLONCALL",
			Target: baseten.Target{ModelID: fmt.Sprintf("model%d", i), Model: fmt.Sprintf("model-%d", i)},
			Term:   change.Term{EndsAt: s.Now().Add(time.Hour), DueAt: s.Now().Add(time.Hour)},
		}
		r.Messages.Card.Ref = change.MessageRef{Channel: r.Channel, TS: fmt.Sprintf("%d.000100", i+1)}
		if err := db.Create(s.ctx, change.Delivery{}, r, func(*change.Request, time.Time) (change.Effects, error) { return change.Effects{}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.answers("Ben", "pending", "is frozen by lea")
	if n := len(s.Slack.Calls("chat.getPermalink")); n == 0 || n > freezes/2 {
		t.Errorf("Slack was asked for %d addresses", n)
	}
}

// The PATCH of an end is lost, and meanwhile it is frozen: it is not sent again, and goes
// back once the freeze is over.
func TestEndIsLostBeforeAFreeze(t *testing.T) {
	t.Parallel()
	s := slowly(t, freely)
	s.changes("Ana", "max=7 for=5m")
	s.Baseten.Inject(basetensim.Fault{Kind: basetensim.ResetBeforeRead, Op: basetensim.PatchEnvironment, Times: 1})
	slow := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Hang, Op: basetensim.GetEnvironment})
	s.later(5*time.Minute + time.Second)
	if err := s.Baseten.Wait(s.ctx, func(*basetensim.Snapshot) bool { return slow.Hits() > 0 }); err != nil {
		t.Fatal(err)
	}
	freeze := s.freezes("llama-70b for=1h")
	slow.Clear()
	s.sees("Ana", "It goes back once the freeze is over.")
	s.goes(llama, 7)
	s.told(s.slash("Lea", "#ml-oncall", "/autoscale thaw "+freeze), "is over")
	s.goes(llama, 4)
}

// The approval comes to one replica and the freeze to the other: whichever is first,
// nothing is sent while it is frozen.
func TestReplicasFreeze(t *testing.T) {
	t.Parallel()
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte(freely), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := replicatedWith(t, map[string]string{"POLICY_FILE": policy})
	s.slash("Ana", "#ml-oncall", ask)
	s.sees("Lea", "[Approve Change]")
	hang := s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Hang, Op: basetensim.ListEnvironments})
	click := s.click("Leo", "Approve Change")
	if err := s.Baseten.Wait(s.ctx, func(*basetensim.Snapshot) bool { return hang.Hits() > 0 }); err != nil {
		t.Fatal(err)
	}
	n := s.cards()
	frozen := s.slash("Lea", "#ml-oncall", `/autoscale freeze * for=1h reason="launch week"`)
	for frozen.Connection() == click.Connection() { // Slack gave both to one bot
		frozen = s.slash("Lea", "#ml-oncall", `/autoscale freeze * for=1h reason="launch week"`)
	}
	s.wait("it is frozen", func(*slacksim.Snapshot) bool { return s.cards() > n })
	s.sees("Ana", "[Thaw]")
	hang.Clear()
	s.sees("Ana", "all models are frozen by Lea")
	if n := len(s.patches()); n != 0 {
		t.Errorf("%d PATCHes", n)
	}
}
