package change_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/basetensim"
)

const sweepPolicy = `
version: 1
groups:
  oncall: {usergroups: [S0ONCALL]}
  leads: {users: [U0LEA, U0LEO]}
rules:
  - name: small raises
    who: [oncall]
    when: after.max_replica <= 8
    effect: allow
  - name: the rest needs a lead
    who: [oncall]
    effect: approve
    approvers: [leads]
    break_glass: {who: [oncall]}
`

// flow is one story to be told with a death at every step of it.
type flow struct {
	name string
	max  int
	// fault strikes at Baseten.
	fault basetensim.Kind
	// click is what Lea does with the card, or Ana who skips the approval; "" where nobody
	// is asked.
	click change.Verb
	end   change.State
}

// TestDeathAtEveryStep kills the process at every moment before and after anything
// that it does to the database, Slack or Baseten. Another takes over, and the story
// ends right all the same: nothing lost, nothing doubled.
func TestDeathAtEveryStep(t *testing.T) {
	for _, f := range []flow{
		{name: "allowed", max: 7, end: change.Applied},
		{name: "approved", max: 12, click: change.VerbApprove, end: change.Applied},
		{name: "break-glass", max: 12, click: change.VerbBreakGlass, end: change.Applied},
		{name: "denied", max: 12, click: change.VerbDeny, end: change.Denied},
		{name: "500 after commit", max: 7, fault: basetensim.CommitThen500, end: change.Applied},
		{name: "500 before commit", max: 7, fault: basetensim.ServerError, end: change.Applied},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			step := 1
			if testing.Short() {
				step = 4
			}
			moments := 0
			for died := true; died; {
				moments += step
				t.Run(fmt.Sprint(moments), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { died = f.tell(t, moments) })
				})
				if t.Failed() {
					return
				}
			}
			t.Logf("died at every one of %d moments (step %d)", moments-1, step)
			if moments < 15 {
				t.Errorf("only %d moments: the sweep does not see what the process does", moments)
			}
		})
	}
}

// tell tells the story with a first process that dies at that moment, and reports
// whether it lived to see it.
func (f flow) tell(t *testing.T, dieAt int) (died bool) {
	t.Helper()
	w := newWorld(t, sweepPolicy)
	defer w.close()
	if f.fault != "" {
		w.baseten.Inject(basetensim.Fault{Kind: f.fault, Op: basetensim.PatchEnvironment, Times: 1})
	}
	p := w.boot(dieAt)
	alive := func() *process {
		select {
		case <-p.died:
			died = true
			p.bury()
			pass(time.Second)
			p = w.boot(0)
		default:
		}
		return p
	}

	asked := baseten.Settings{baseten.MaxReplica: f.max}
	r, err := p.Submit(t.Context(), w.asks(ana, "production", asked))
	acked := err == nil
	if acked {
		p.Start(r.ID)
	}
	for range 12 { // a minute
		pass(5 * time.Second)
		synctest.Wait()
		alive()
		f.clicks(t, w, p)
	}
	for range 20 { // until nothing is followed any more, and so nothing happens
		if died {
			break
		}
		pass(time.Minute)
		alive()
	}
	if died {
		pass(time.Minute)
	}
	synctest.Wait()
	p.bury()

	all := w.requests()
	if len(all) == 0 && !acked {
		if n := len(w.baseten.Patches()); n != 0 {
			t.Errorf("%d patches for a command that was never recorded", n)
		}
		return died
	}
	if len(all) != 1 {
		t.Fatalf("%d requests, want 1", len(all))
	}
	f.check(t, w, all[0])
	w.checkEvents(t)
	return died
}

// clicks presses the button as long as it has to be pressed: Slack tells people of
// a click that was not acknowledged.
func (f flow) clicks(t *testing.T, w *world, p *process) {
	t.Helper()
	for _, r := range w.requests() {
		if f.click == "" || r.State != change.Pending {
			continue
		}
		act := change.Act{Delivery: w.delivery(), Person: authz.Person{ID: lea}, ID: r.ID, Verb: f.click, Message: r.Messages.Card.Ref}
		if f.click == change.VerbBreakGlass {
			act.Person.ID, act.Reason = ana, "customers are waiting"
		}
		err := p.Do(t.Context(), act)
		if err == nil {
			p.Start(r.ID)
		} else if !errors.Is(err, errDead) {
			t.Errorf("%s: %v", f.click, err)
		}
	}
}

func (f flow) check(t *testing.T, w *world, r *change.Request) {
	t.Helper()
	// A death can cost one of the two sends, and the fault the other.
	unlucky := f.fault == basetensim.ServerError && r.State == change.Failed && r.Sends == 2
	if r.State != f.end && !unlucky {
		t.Errorf("ended %s (%s), want %s", r.State, r.Reason.Code, f.end)
	}
	if !r.Due().IsZero() && !r.Followed() && !r.Review.Open || r.Messages.Card.Owed+r.Messages.Reply.Owed > 0 {
		t.Error("something is still owed")
	}
	patches := w.baseten.Patches()
	got := w.baseten.Environment(basetensim.DemoLlama, "production").Settings.MaxReplica
	switch {
	case unlucky:
	case f.end == change.Applied && (len(patches) == 0 || len(patches) > 2 || got != f.max):
		t.Errorf("%d patches, max is %d, want %d", len(patches), got, f.max)
	case f.end != change.Applied && len(patches) != 0:
		t.Errorf("%d patches, want none", len(patches))
	}
	if r.Sends > 2 || len(patches) > r.Sends {
		t.Errorf("%d patches, %d sends noted", len(patches), r.Sends)
	}
	w.checkShown(t, r, 1)
	if announced := len(w.slack.of(r.ID, change.ReviewCard)); f.click == change.VerbBreakGlass && (!r.Review.Open || announced == 0 || announced > 2) {
		t.Errorf("review open: %t, %d announcements", r.Review.Open, announced)
	}
}

// A process dies at every moment of reminding those who can sign a review, and another
// takes over: on no day they are reminded twice, and the day after they are in any case.
func TestDeathAtEveryReminder(t *testing.T) {
	moments := 0
	for died := true; died && !t.Failed(); {
		moments++
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, sweepPolicy)
			defer w.close()
			r := w.skipped(t)
			reminders := func() int { return len(w.slack.of(r, change.ReviewReminder)) }
			for day, least := range []int{0, 1} {
				pass(24 * time.Hour)
				before := reminders()
				p := w.boot(moments * (1 - day)) // dies on the first day only
				pass(10 * time.Second)
				died = day == 0 && p.alive() != nil || day == 1 && died
				p.bury()
				p = w.boot(0)
				pass(20 * time.Second)
				p.bury()
				if n := reminders() - before; n < least || n > 1 {
					t.Errorf("died at %d: %d reminders on day %d", moments, n, day+1)
				}
			}
		})
	}
	if moments < 4 {
		t.Errorf("only %d moments: the sweep does not see what the process does", moments)
	}
}

// skipped is a request whose approval was skipped, left by a process that is gone.
func (w *world) skipped(t *testing.T) change.ID {
	t.Helper()
	p := w.boot(0)
	r := w.raise(p, ana, 12)
	pass(time.Second)
	if err := w.act(p, ana, r.ID, change.VerbBreakGlass); err != nil {
		t.Fatal(err)
	}
	pass(20 * time.Minute) // until it is not followed any more
	synctest.Wait()
	p.quit()
	return r.ID
}

// checkShown checks that people see how a request ended. A card or reply whose
// posting was not noted before a process died may be there once more.
func (w *world) checkShown(tb testing.TB, r *change.Request, deaths int) {
	tb.Helper()
	cards, replies, news := w.slack.of(r.ID, change.Card), w.slack.of(r.ID, change.Reply), w.slack.of(r.ID, change.BadNews)
	if r.Messages.Card.Ref.TS == "" {
		if len(w.slack.privately(r.ID)) == 0 {
			tb.Errorf("%s: nobody was told: %s", r.ID, r.Reason.Code)
		}
		return
	}
	if len(cards) == 0 || len(cards) > 1+deaths || len(replies) == 0 || len(replies) > 1+deaths || len(news) > 1+deaths {
		tb.Errorf("%s: %d cards, %d replies, %d news", r.ID, len(cards), len(replies), len(news))
	}
	if r.News.Code != "" && r.News.With == "" && len(news) == 0 {
		tb.Errorf("%s: nobody was told the news that it is %s", r.ID, r.News.Code)
	}
	for _, m := range append(cards, replies...) {
		if (m.ref == r.Messages.Card.Ref || m.ref == r.Messages.Reply.Ref) && (m.shows.State != r.State || m.part == change.Reply && m.shows.Outcome.Kind != r.Outcome.Kind) {
			tb.Errorf("%s: a message shows %s (%s), the request is %s (%s)", r.ID, m.shows.State, m.shows.Outcome.Kind, r.State, r.Outcome.Kind)
		}
	}
}

// checkEvents checks that the audit log tells, of every request, a life that leads
// without a gap to the state that it is in.
func (w *world) checkEvents(tb testing.TB) {
	tb.Helper()
	at := make(map[change.ID]change.State)
	for _, e := range w.events() {
		if e.Kind != change.EventMoved {
			continue
		}
		was := at[e.Request]
		switch {
		case e.From != was:
			tb.Errorf("%s: event %d goes from %q, but it was %q", e.Request, e.Seq, e.From, was)
		case was == "" && e.To != change.Requested, was != "" && !was.CanBecome(e.To):
			tb.Errorf("%s: event %d goes from %q to %q", e.Request, e.Seq, e.From, e.To)
		}
		at[e.Request] = e.To
	}
	for _, r := range w.requests() {
		if at[r.ID] != r.State {
			tb.Errorf("%s: the events end with %q, the request is %q", r.ID, at[r.ID], r.State)
		}
	}
}

// A process that dies is not missed for long: owed work goes on within 10 s of a
// restart, and within 15 s where only another replica is left, also if the clock of
// that one is wrong.
func TestTakeover(t *testing.T) {
	for _, tt := range []struct {
		name    string
		replica bool
		ahead   time.Duration
		within  time.Duration
	}{
		{name: "restart", within: 10 * time.Second},
		{name: "replica", replica: true, within: 15 * time.Second},
		{name: "replica whose clock is ahead", replica: true, ahead: time.Hour, within: 15 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sweepPolicy)
				defer w.close()
				first := w.boot(0)
				var second *process
				if tt.replica {
					second = w.bootAhead(0, tt.ahead)
				}
				r, err := first.Submit(t.Context(), w.asks(ana, "production", baseten.Settings{baseten.MaxReplica: 7}))
				if err != nil {
					t.Fatal(err)
				}
				first.kill() // acknowledged, and nothing done yet
				died := time.Now()
				first.bury()
				if !tt.replica {
					second = w.boot(0)
				}
				for len(w.baseten.Patches()) == 0 && time.Since(died) < time.Minute {
					pass(100 * time.Millisecond)
				}
				if took := time.Since(died); took > tt.within {
					t.Errorf("taken over after %v, want at most %v", took, tt.within)
				} else {
					t.Logf("taken over after %v", took)
				}
				pass(20 * time.Minute)
				second.quit()
				if got := w.get(r.ID); got.State != change.Applied || len(w.baseten.Patches()) != 1 {
					t.Errorf("ended %s (%s) with %d patches", got.State, got.Reason.Code, len(w.baseten.Patches()))
				}
			})
		})
	}
}
