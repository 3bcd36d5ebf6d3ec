package change_test

import (
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/basetensim"
)

// Baseten is away when a request is approved. What changes until it is back counts:
// the PATCH needs a permission, and a target, of the moment at which it is sent.
func TestChangedBetweenApprovalAndPatch(t *testing.T) {
	const (
		llama, canary = basetensim.DemoLlama, basetensim.DemoLlamaCanary
		nobody        = "version: 1\nrules:\n  - {name: frozen, effect: deny, reason: Nobody changes anything today.}\n"
	)
	for _, tt := range []struct {
		name string
		// target is asked for; production if empty.
		target string
		happen func(w *world) error
		away   time.Duration
		end    change.State
		why    change.Code
	}{
		{"nothing", "", func(*world) error { return nil }, time.Minute, change.Applied, ""},
		{"the policy", "", func(w *world) error { w.setPolicy(nobody); return nil }, time.Minute, change.Stale, change.PolicyDeniesIt},
		{"the requester leaves", "", func(w *world) error { w.slack.leaves(ana, true); return nil }, time.Minute, change.Stale, change.RequesterLeft},
		{"the approver leaves", "", func(w *world) error { w.slack.leaves(lea, true); return nil }, time.Minute, change.Stale, change.TooFewNow},
		{"the settings move", "", func(w *world) error {
			return w.baseten.ChangeEnvironmentBehindTheBack(llama, "production", basetensim.Changes{"max_replica": 5})
		}, time.Minute, change.Stale, change.SettingsMoved},
		{"somebody does the same", "", func(w *world) error {
			return w.baseten.ChangeEnvironmentBehindTheBack(llama, "production", basetensim.Changes{"max_replica": 12})
		}, time.Minute, change.Applied, change.AlreadyDone},
		{"other settings move", "", func(w *world) error {
			return w.baseten.ChangeEnvironmentBehindTheBack(llama, "production", basetensim.Changes{"scale_down_delay": 60})
		}, time.Minute, change.Applied, ""},
		{"a promotion of the environment", "", func(w *world) error { return w.baseten.Promote(llama, "production", canary) }, time.Minute, change.Applied, ""},
		{"a promotion of the deployment", "canary", func(w *world) error { return w.baseten.Promote(llama, "production", canary) }, time.Minute, change.Stale, change.Promoted},
		{"too much time", "", func(*world) error { return nil }, 11 * time.Minute, change.Stale, change.TooLate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sweepPolicy)
				defer w.close()
				bot := w.boot(0)
				defer bot.bury()
				target := tt.target
				if target == "" {
					target = "production"
				}
				r, err := bot.Submit(t.Context(), w.asks(ana, target, baseten.Settings{baseten.MaxReplica: 12}))
				if err != nil {
					t.Fatal(err)
				}
				bot.Start(r.ID)
				pass(time.Second)
				down := w.baseten.Inject(basetensim.Fault{Kind: basetensim.Unavailable, Method: "GET"})
				card := w.get(r.ID)
				if err := bot.Do(t.Context(), change.Act{Delivery: w.delivery(), Person: authz.Person{ID: lea}, ID: r.ID, Verb: change.VerbApprove, Message: card.Messages.Card.Ref}); err != nil {
					t.Fatal(err)
				}
				bot.Start(r.ID)
				synctest.Wait()
				if err := tt.happen(w); err != nil {
					t.Fatal(err)
				}
				pass(tt.away)
				if got := w.slack.of(r.ID, change.Reply); len(got) != 1 {
					t.Errorf("%d replies after a minute, want one that says what is waited for", len(got))
				}
				down.Clear()
				pass(20 * time.Second)
				synctest.Wait()

				got := w.get(r.ID)
				if got.State != tt.end || got.Reason.Code != tt.why {
					t.Errorf("ended %s (%s), want %s (%s)", got.State, got.Reason.Code, tt.end, tt.why)
				}
				sent := tt.end == change.Applied && tt.why == ""
				if n := len(w.baseten.Patches()); n != map[bool]int{true: 1}[sent] {
					t.Errorf("%d patches", n)
				}
				if n := len(w.slack.of(r.ID, change.Reply)); n != 1 {
					t.Errorf("%d replies, want one, edited", n)
				}
				w.checkShown(t, got, 0)
				w.checkEvents(t)
			})
		})
	}
}

// Whatever Baseten does with the PATCH, people hear of it within a minute, it is
// sent at most twice, and what is said is true.
func TestReportedWithinAMinute(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults []basetensim.Fault
		end    change.State
		why    change.Code
		max    int
	}{
		{"refused", []basetensim.Fault{{Kind: basetensim.Refused, Method: "PATCH", Text: "max_replica is too high"}}, change.Failed, change.BasetenRefused, 4},
		{"500 after commit", []basetensim.Fault{{Kind: basetensim.CommitThen500, Method: "PATCH"}}, change.Applied, change.ReadBack, 7},
		{"500 before commit, twice", []basetensim.Fault{{Kind: basetensim.ServerError, Method: "PATCH"}}, change.Failed, change.NotTaken, 4},
		{"cut", []basetensim.Fault{{Kind: basetensim.ResetBeforeRead, Method: "PATCH", Times: 1}}, change.Applied, "", 7},
		{"429 for ten seconds", []basetensim.Fault{{Kind: basetensim.RateLimited, Method: "PATCH", Times: 3, RetryAfter: 3 * time.Second}}, change.Applied, "", 7},
		{"429 all the time", []basetensim.Fault{{Kind: basetensim.RateLimited, Method: "PATCH", RetryAfter: 30 * time.Second}}, change.Approved, change.WaitsForBaseten, 4},
		{"a late commit", []basetensim.Fault{{Kind: basetensim.Delay, Method: "PATCH", Delay: 17 * time.Second}}, change.Applied, change.ReadBack, 7},
		{"everything hangs", []basetensim.Fault{{Kind: basetensim.Hang, Method: "PATCH"}, {Kind: basetensim.Hang, Op: basetensim.GetEnvironment}}, change.Applying, "", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sweepPolicy)
				defer w.close()
				bot := w.boot(0)
				defer bot.bury()
				for _, f := range tt.faults {
					w.baseten.Inject(f)
				}
				r, err := bot.Submit(t.Context(), w.asks(ana, "production", baseten.Settings{baseten.MaxReplica: 7}))
				if err != nil {
					t.Fatal(err)
				}
				bot.Start(r.ID)
				pass(time.Minute)
				synctest.Wait()
				got := w.get(r.ID)
				if got.State != tt.end || tt.why != "" && got.Reason.Code != tt.why {
					t.Errorf("after a minute it is %s (%s), want %s (%s)", got.State, got.Reason.Code, tt.end, tt.why)
				}
				if n := len(w.slack.of(r.ID, change.Reply)); n != 1 {
					t.Errorf("%d replies after a minute, want one", n)
				}
				if now := w.baseten.Environment(basetensim.DemoLlama, "production").Settings.MaxReplica; now != tt.max {
					t.Errorf("max is %d, want %d", now, tt.max)
				}
				if got.Sends > 2 {
					t.Errorf("%d sends", got.Sends)
				}
				w.checkEvents(t)
			})
		})
	}
}
