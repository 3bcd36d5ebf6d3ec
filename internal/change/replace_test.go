package change_test

import (
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// waiting is a request of Ana's that waits for a lead.
func (w *world) waiting(bot *process, most int) *change.Request {
	w.t.Helper()
	r := w.raise(bot, ana, most)
	pass(10 * time.Second)
	synctest.Wait()
	if r = w.get(r.ID); r.State != change.Pending {
		w.t.Fatalf("the first is %s", r.State)
	}
	return r
}

func (w *world) replace(bot *process, who string, id change.ID, most int) (*change.Request, error) {
	r, err := bot.Replace(w.t.Context(), w.asks(who, "production", baseten.Settings{baseten.MaxReplica: most}), id)
	if err == nil {
		bot.Start(r.ID)
	}
	return r, err
}

// A process dies at every moment of replacing a request, and another takes over: the first
// is canceled and names the second, once that is there for all to see.
func TestDeathAtEveryReplacement(t *testing.T) {
	for name, c := range map[string]struct {
		most int
		end  change.State
	}{"at once": {7, change.Applied}, "with an approval": {12, change.Pending}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			moments := 0
			for died := true; died && !t.Failed(); {
				moments++
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, sweepPolicy)
					defer w.close()
					p := w.boot(0)
					first := w.waiting(p, 30)
					p.bury()
					p = w.boot(moments)
					died = false
					second, err := w.replace(p, ben, first.ID, c.most)
					for range 12 { // a minute
						pass(5 * time.Second)
						synctest.Wait()
						select {
						case <-p.died:
							died = true
							p.bury()
							pass(time.Second)
							p = w.boot(0)
						default:
						}
					}
					p.bury()
					if err != nil {
						return // never recorded, or nobody was told so
					}
					first, second = w.get(first.ID), w.get(second.ID)
					if second.State != c.end || second.Origin.ID != first.ID || second.Origin.Requester.ID != ana {
						t.Errorf("at %d: the second is %s (%s), in place of %q", moments, second.State, second.Reason.Code, second.Origin.ID)
					}
					if first.State != change.Canceled || first.ReplacedBy != second.ID || first.Reason.Request != second.ID {
						t.Errorf("at %d: the first is %s (%s), replaced by %q", moments, first.State, first.Reason.Code, first.ReplacedBy)
					}
					if n := len(w.baseten.Patches()); n > 1 {
						t.Errorf("at %d: %d patches", moments, n)
					}
				})
			}
			if moments < 10 {
				t.Errorf("only %d moments", moments)
			}
		})
	}
}

// Where there is nothing to be replaced, the request is one like any other.
func TestReplaceOfNothing(t *testing.T) {
	for name, c := range map[string]struct {
		before func(w *world, bot *process, first change.ID)
		target string
		state  change.State // of the first, afterwards
	}{
		"it ended": {func(w *world, bot *process, first change.ID) {
			if err := w.act(bot, lea, first, change.VerbDeny); err != nil {
				w.t.Error(err)
			}
		}, "production", change.Denied},
		"another target": {func(*world, *process, change.ID) {}, "staging", change.Pending},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, bot *process) {
				first := w.waiting(bot, 30)
				c.before(w, bot, first.ID)
				in := w.asks(ben, c.target, baseten.Settings{baseten.MaxReplica: 12})
				second, err := bot.Replace(t.Context(), in, first.ID)
				if err != nil {
					t.Fatal(err)
				}
				bot.Start(second.ID)
				pass(10 * time.Second)
				synctest.Wait()
				if r := w.get(second.ID); r.State != change.Pending || r.Origin != (change.Origin{}) {
					t.Errorf("the second is %s, in place of %q", r.State, r.Origin.ID)
				}
				if r := w.get(first.ID); r.State != c.state || r.ReplacedBy != "" {
					t.Errorf("the first is %s, replaced by %q", r.State, r.ReplacedBy)
				}
			})
		})
	}
}

// Whoever replaces a request is the requester, and cannot approve it: also where they
// could have approved the one that they replaced.
func TestReplacerIsTheRequester(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sweepPolicy+"  - {name: leads ask each other, who: [leads], effect: approve, approvers: [leads]}\n")
		defer w.close()
		bot := w.boot(0)
		defer bot.bury()
		first := w.waiting(bot, 30)
		second, err := w.replace(bot, lea, first.ID, 12)
		if err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		synctest.Wait()
		if err := w.act(bot, lea, second.ID, change.VerbApprove); err == nil {
			t.Error("Lea approved what she asked for")
		}
		if err := w.act(bot, "U0LEO", second.ID, change.VerbApprove); err != nil {
			t.Error(err)
		}
		pass(10 * time.Second)
		synctest.Wait()
		if r := w.get(second.ID); r.State != change.Applied {
			t.Errorf("the second is %s (%s)", r.State, r.Reason.Code)
		}
		if err := bot.Do(t.Context(), change.Act{Delivery: w.delivery(), Person: authz.Person{ID: "U0LEO"}, ID: first.ID, Verb: change.VerbApprove}); err == nil {
			t.Error("the first was approved after it was replaced")
		}
	})
}

// What a form showed and what moved since is not sent.
func TestShownValuesThatMoved(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		for i, c := range []struct {
			shown baseten.Settings
			state change.State
		}{
			{baseten.Settings{baseten.MaxReplica: 3}, change.Failed},
			{baseten.Settings{}, change.Failed}, // it was not set, and is
			{baseten.Settings{baseten.MaxReplica: 4}, change.Applied},
		} {
			in := w.asks(ana, "production", baseten.Settings{baseten.MaxReplica: 7})
			in.Ask.Shown = c.shown
			r, err := bot.Submit(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			bot.Start(r.ID)
			pass(10 * time.Second)
			synctest.Wait()
			r = w.get(r.ID)
			if r.State != c.state || c.state == change.Failed && r.Reason.Code != change.SettingsMoved {
				t.Errorf("%d: ended %s (%s)", i, r.State, r.Reason.Code)
			}
		}
	})
}
