package change_test

import (
	"errors"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/basetensim"
)

// inWorld runs a story with one bot, in virtual time.
func inWorld(t *testing.T, story func(t *testing.T, w *world, bot *process)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, sweepPolicy)
		defer w.close()
		bot := w.boot(0)
		defer bot.bury()
		story(t, w, bot)
	})
}

// raise asks for another max of production and lets the bot begin with it.
func (w *world) raise(bot *process, who string, most int) *change.Request {
	w.t.Helper()
	r, err := bot.Submit(w.t.Context(), w.asks(who, "production", baseten.Settings{baseten.MaxReplica: most}))
	if err != nil {
		w.t.Fatal(err)
	}
	bot.Start(r.ID)
	return r
}

// goroutines counts those of the story, which runs in a bubble of its own: what other
// tests do beside it does not count.
func goroutines(t *testing.T) int {
	t.Helper()
	all := make([]byte, 4<<20)
	text := string(all[:runtime.Stack(all, true)])
	first, _, _ := strings.Cut(text, "\n")
	bubble := regexp.MustCompile(`synctest bubble \d+`).FindString(first)
	if bubble == "" {
		t.Fatalf("no bubble: %s", first)
	}
	return len(regexp.MustCompile(`(?m)^goroutine .*`+bubble+`[\],]`).FindAllString(text, -1))
}

func (w *world) act(bot *process, who string, id change.ID, verb change.Verb) error {
	w.t.Helper()
	err := bot.Do(w.t.Context(), change.Act{
		Delivery: w.delivery(), Person: authz.Person{ID: who}, ID: id, Verb: verb,
		Message: w.get(id).Messages.Card.Ref, Reason: "because it burns",
	})
	if err == nil {
		bot.Start(id)
	}
	return err
}

func (s *slack) set(alter func(*slack)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	alter(s)
}

func (s *slack) counts() (posts, edits int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts, s.edits
}

// gets is how often Baseten was read so far.
func (w *world) gets() int {
	n := 0
	for _, c := range w.baseten.Requests() {
		if c.Method == "GET" {
			n++
		}
	}
	return n
}

// Slack is away for half an hour just when the end has to be told: few posts, no
// pile of goroutines, and afterwards the thread tells the truth once.
func TestSlackAway(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trouble func(s *slack, on bool)
		replies int // at most
	}{
		{"nothing answers", func(s *slack, on bool) { s.away = on }, 1},
		{"each post is there, and nobody is told so", func(s *slack, on bool) { s.doubtful = on }, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, bot *process) {
				w.patching = func(string, string) func() {
					w.slack.set(func(s *slack) { tt.trouble(s, true) })
					return func() {}
				}
				r := w.raise(bot, ana, 7)
				pass(time.Minute)
				synctest.Wait()
				posts, _ := w.slack.counts()
				before := goroutines(t)
				pass(29 * time.Minute)
				synctest.Wait()
				if n := goroutines(t) - before; n > 3 {
					t.Errorf("%d goroutines more after half an hour", n)
				}
				after, edits := w.slack.counts()
				if after > 20 || edits > 40 {
					t.Errorf("%d posts (%d in the first minute) and %d edits in half an hour", after, posts, edits)
				}
				w.slack.set(func(s *slack) { tt.trouble(s, false) })
				pass(5 * time.Minute)
				synctest.Wait()
				got := w.get(r.ID)
				replies := w.slack.of(r.ID, change.Reply)
				if got.State != change.Applied || len(replies) == 0 || len(replies) > tt.replies {
					t.Errorf("%s with %d replies", got.State, len(replies))
				}
				cards := w.slack.of(r.ID, change.Card)
				if len(cards) != 1 || cards[0].shows.State != change.Applied {
					t.Errorf("%d cards, the first shows %s", len(cards), cards[0].shows.State)
				}
				if !got.Due().IsZero() {
					t.Errorf("still due at %v", got.Due())
				}
			})
		})
	}
}

// A reply that Slack did not take is tried again soon, though the change is followed and
// there is nothing new to say of it.
func TestReplyOfWhatIsFollowed(t *testing.T) {
	for name, set := range map[string]func(s *slack, on bool){
		"away":     func(s *slack, on bool) { s.away = on },
		"in doubt": func(s *slack, on bool) { s.doubtful = on },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, bot *process) {
				w.patching = func(string, string) func() {
					w.slack.set(func(s *slack) { set(s, true) })
					return func() {}
				}
				r := w.raise(bot, ana, 7)
				pass(3 * time.Second) // it is in force meanwhile, and tried for the second time
				w.slack.set(func(s *slack) { set(s, false) })
				pass(10 * time.Second)
				synctest.Wait()
				got := w.get(r.ID)
				if got.Outcome.InForceAt.IsZero() || got.Outcome.Final || got.Messages.Reply.Owed > 0 || len(w.slack.of(r.ID, change.Reply)) == 0 {
					t.Errorf("outcome %+v, reply %+v", got.Outcome, got.Messages.Reply)
				}
			})
		})
	}
}

// Baseten is away for half an hour after an approval, and Slack too: one request
// costs at most twelve reads a minute, nothing is sent too late, and the thread
// tells why.
func TestBasetenAway(t *testing.T) {
	for _, slackToo := range []bool{false, true} {
		t.Run(map[bool]string{false: "alone", true: "and Slack"}[slackToo], func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world, bot *process) {
				r := w.raise(bot, ana, 12)
				pass(time.Second)
				down := w.baseten.Inject(basetensim.Fault{Kind: basetensim.Unavailable})
				if err := w.act(bot, lea, r.ID, change.VerbApprove); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				w.slack.set(func(s *slack) { s.away = slackToo })
				before := goroutines(t)
				for minute := range 30 {
					gets := w.gets()
					pass(time.Minute)
					synctest.Wait()
					if n := w.gets() - gets; n > 12 {
						t.Errorf("%d reads in minute %d", n, minute+1)
					}
				}
				if n := goroutines(t) - before; n > 3 {
					t.Errorf("%d goroutines more after half an hour", n)
				}
				down.Clear()
				w.slack.set(func(s *slack) { s.away = false })
				pass(3 * time.Minute)
				synctest.Wait()
				got := w.get(r.ID)
				if got.State != change.Stale || got.Reason.Code != change.TooLate || len(w.baseten.Patches()) != 0 {
					t.Errorf("ended %s (%s) after %d patches", got.State, got.Reason.Code, len(w.baseten.Patches()))
				}
				if n := len(w.slack.of(r.ID, change.Reply)); n != 1 {
					t.Errorf("%d replies", n)
				}
				w.checkShown(t, got, 0)
				w.checkEvents(t)
			})
		})
	}
}

// The database is away for a minute while a change is being made: nothing is sent
// or posted twice, few calls are made, and afterwards everything is told.
func TestDatabaseAway(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		w.patching = func(string, string) func() {
			w.set(func(w *world) { w.away = true })
			return func() {}
		}
		r := w.raise(bot, ana, 7)
		waits := w.raise(bot, ben, 20)
		pass(time.Second)
		synctest.Wait()
		count := func() (n int) {
			w.set(func(w *world) { n = w.calls })
			return n
		}
		ready := bot.Ready()
		calls, before := count(), goroutines(t)
		pass(time.Minute)
		synctest.Wait()
		if away := bot.Ready(); ready != nil || away == nil {
			t.Errorf("ready: %v while the database answers, %v while it does not", ready, away)
		}
		if n := count() - calls; n > 120 {
			t.Errorf("%d calls of the database in a minute", n)
		}
		if n := goroutines(t) - before; n > 3 {
			t.Errorf("%d goroutines more", n)
		}
		w.set(func(w *world) { w.away = false })
		pass(time.Minute)
		synctest.Wait()
		if err := bot.Ready(); err != nil {
			t.Errorf("ready: %v after the database is back", err)
		}
		got := w.get(r.ID)
		if got.State != change.Applied || len(w.baseten.Patches()) != 1 {
			t.Errorf("ended %s (%s) after %d patches", got.State, got.Reason.Code, len(w.baseten.Patches()))
		}
		if cards, replies := len(w.slack.of(r.ID, change.Card)), len(w.slack.of(r.ID, change.Reply)); cards != 1 || replies != 1 {
			t.Errorf("%d cards and %d replies", cards, replies)
		}
		if got := w.get(waits.ID); got.State != change.Pending && got.State != change.Requested {
			t.Errorf("the other one is %s (%s)", got.State, got.Reason.Code)
		}
	})
}

func (w *world) set(alter func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	alter(w)
}

// A request on which the handler panics rests, and ends in words; everything else
// goes on.
func TestHandlerPanics(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		w.slack.set(func(s *slack) { s.breaks = ana })
		broken := w.raise(bot, ana, 7)
		pass(time.Second)
		fine := w.raise(bot, ben, 8)
		pass(time.Minute)
		synctest.Wait()
		if got := w.get(fine.ID); got.State != change.Applied {
			t.Errorf("the other request is %s (%s)", got.State, got.Reason.Code)
		}
		if got := w.get(broken.ID); got.Panics == 0 || got.Panics > 2 || got.LeasedBy != "" {
			t.Errorf("%d panics in a minute, leased by %q", got.Panics, got.LeasedBy)
		}
		w.slack.set(func(s *slack) { s.breaks = "" })
		pass(20 * time.Minute)
		synctest.Wait()
		got := w.get(broken.ID)
		if !got.State.Ended() || len(w.slack.privately(broken.ID))+len(w.slack.of(broken.ID, change.Reply)) != 1 {
			t.Errorf("ended %s (%s), told %v", got.State, got.Reason.Code, w.slack.privately(broken.ID))
		}
	})
}

// Five panics end a request that was not sent.
func TestPanicsAgainAndAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		r := w.raise(bot, ana, 12)
		pass(time.Second)
		w.slack.set(func(s *slack) { s.breaks = ana })
		if err := func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = errors.New("the click panics too")
				}
			}()
			return w.act(bot, lea, r.ID, change.VerbApprove)
		}(); err == nil {
			t.Fatal("the approval was counted without its requester")
		}
		pass(time.Hour)
		synctest.Wait()
		if got := w.get(r.ID); got.State != change.Pending {
			t.Errorf("it is %s (%s): it waits for people, who may come back", got.State, got.Reason.Code)
		}
	})
}

// A request that cannot be written ends in words.
func TestUnwritable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		r, err := bot.Submit(t.Context(), w.asks(ana, "production", baseten.Settings{baseten.MaxReplica: 7}))
		if err != nil {
			t.Fatal(err)
		}
		w.set(func(w *world) { w.unwritable = r.ID })
		bot.Start(r.ID)
		pass(5 * time.Second)
		synctest.Wait()
		got := w.get(r.ID)
		if got.State != change.Failed || got.Reason.Code != change.Broken || len(w.slack.privately(r.ID)) != 1 {
			t.Errorf("it is %s (%s), told %v", got.State, got.Reason.Code, w.slack.privately(r.ID))
		}
		if n := len(w.baseten.Patches()); n != 0 {
			t.Errorf("%d patches", n)
		}
	})
}

// Values that move while Baseten asks to wait are not overwritten.
func TestMovedWhileLimited(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		w.baseten.Inject(basetensim.Fault{Kind: basetensim.RateLimited, Method: "PATCH", Times: 1, RetryAfter: 15 * time.Second})
		r := w.raise(bot, ana, 7)
		pass(5 * time.Second)
		if err := w.baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 20}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		synctest.Wait()
		got := w.get(r.ID)
		if got.State != change.Stale || got.Reason.Code != change.SettingsMoved {
			t.Errorf("ended %s (%s)", got.State, got.Reason.Code)
		}
		if now := w.baseten.Environment(basetensim.DemoLlama, "production").Settings.MaxReplica; now != 20 {
			t.Errorf("max is %d", now)
		}
	})
}

// Both PATCHes hang and take effect minutes later: what was told as failed is
// followed, and the thread says so by a message of its own.
func TestLandsLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		w.baseten.Inject(basetensim.Fault{Kind: basetensim.ServerError, Method: "PATCH", Times: 2})
		r := w.raise(bot, ana, 7)
		pass(time.Minute)
		synctest.Wait()
		if got := w.get(r.ID); got.State != change.Failed || got.Reason.Code != change.NotTaken || got.Sends != 2 {
			t.Fatalf("it is %s (%s) after %d sends", got.State, got.Reason.Code, got.Sends)
		}
		if err := w.baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 7}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		synctest.Wait()
		got := w.get(r.ID)
		if got.Outcome.Kind != change.Landed || len(w.slack.of(r.ID, change.BadNews)) != 1 {
			t.Errorf("outcome %s, %d news", got.Outcome.Kind, len(w.slack.of(r.ID, change.BadNews)))
		}
	})
}

// One hand change that overrules several requests is one message.
func TestOneNewsForOneHand(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		var ids []change.ID
		for _, s := range []baseten.Settings{{baseten.MaxReplica: 7}, {baseten.ScaleDownDelay: 60}, {baseten.ConcurrencyTarget: 3}} {
			r, err := bot.Submit(t.Context(), w.asks(ana, "production", s))
			if err != nil {
				t.Fatal(err)
			}
			bot.Start(r.ID)
			ids = append(ids, r.ID)
			pass(20 * time.Second)
		}
		if err := w.baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production",
			basetensim.Changes{"max_replica": 3, "scale_down_delay": 900, "concurrency_target": 1}); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		synctest.Wait()
		news, named := 0, 0
		for _, id := range ids {
			r := w.get(id)
			if r.State != change.Applied || r.Outcome.Kind != change.Overruled {
				t.Errorf("%s: %s (%s), outcome %s", id, r.State, r.Reason.Code, r.Outcome.Kind)
			}
			posted := w.slack.of(id, change.BadNews)
			news += len(posted)
			if len(posted) > 0 {
				named = len(posted[0].shows.News.Also)
			}
		}
		if news != 1 || named != 2 {
			t.Errorf("%d news, which name %d others", news, named)
		}
	})
}

// A schedule of the environment rewrites the deployment that serves it: when its window
// begins, and when it ends. That is no somebody else.
func TestScheduleEdge(t *testing.T) {
	for _, tt := range []struct {
		name   string
		during bool // the change is made while the window is open
		most   int  // what stands there afterwards
	}{
		{"a window begins", false, 2},
		{"a window ends", true, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, sweepPolicy)
				defer w.close()
				pass(48 * time.Hour) // to a Monday
				bot := w.boot(0)
				defer bot.bury()
				begins := time.Now().UTC().Truncate(time.Hour).Add(time.Hour)
				if tt.during {
					pass(time.Until(begins.Add(-2 * time.Minute)))
				}
				window := basetensim.Schedules{Timezone: "UTC", List: []basetensim.Schedule{{
					ID: "s1", Name: "evening", StartHour: begins.Hour(), EndHour: (begins.Hour() + 1) % 24,
					Settings: basetensim.Changes{"min_replica": 1, "max_replica": 2},
				}}}
				open := func(active string) {
					t.Helper()
					now := window
					now.Active = active
					if err := w.baseten.SetSchedules(basetensim.DemoLlama, "production", &now); err != nil {
						t.Fatal(err)
					}
				}
				if tt.during { // it is the hour before that is about to end
					window.List[0].StartHour, window.List[0].EndHour = (begins.Hour()+23)%24, begins.Hour()
					open("s1")
				} else {
					open("")
				}
				r, err := bot.Submit(t.Context(), w.asks(ana, "v12", baseten.Settings{baseten.MaxReplica: 3}))
				if err != nil {
					t.Fatal(err)
				}
				bot.Start(r.ID)
				pass(time.Minute)
				synctest.Wait()
				if got := w.get(r.ID); got.Outcome.InForceAt.IsZero() {
					t.Fatalf("it is %s (%s), outcome %s", got.State, got.Reason.Code, got.Outcome.Kind)
				}
				if tt.during {
					pass(time.Until(begins))
					open("")
				} else {
					open("s1")
				}
				pass(time.Minute)
				synctest.Wait()
				got := w.get(r.ID)
				if got.Outcome.Kind != change.Rescheduled || got.Outcome.Schedule != "evening" || got.Outcome.Current[baseten.MaxReplica] != tt.most {
					t.Errorf("outcome %s by %q, max %d", got.Outcome.Kind, got.Outcome.Schedule, got.Outcome.Current[baseten.MaxReplica])
				}
				if n := len(w.slack.of(r.ID, change.BadNews)); n != 1 {
					t.Errorf("%d news", n)
				}
			})
		})
	}
}

// Nothing of ours is undone where somebody else made the change; and an undo, like a
// second asking, is made once, however long ago.
func TestUndoOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		r := w.raise(bot, ana, 12)
		pass(time.Second)
		if err := w.baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 12}); err != nil {
			t.Fatal(err)
		}
		if err := w.act(bot, lea, r.ID, change.VerbApprove); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		synctest.Wait()
		if got := w.get(r.ID); got.Reason.Code != change.AlreadyDone {
			t.Fatalf("it is %s (%s)", got.State, got.Reason.Code)
		}
		in := w.asks(ana, "", nil)
		in.Ask = change.Ask{}
		wantRefused(t, change.NothingToUndo, func() error { _, err := bot.Undo(t.Context(), in, r.ID); return err })

		own := w.raise(bot, ana, 8)
		pass(time.Minute)
		synctest.Wait()
		if got := w.get(own.ID); got.State != change.Applied {
			t.Fatalf("it is %s (%s)", got.State, got.Reason.Code)
		}
		in.Delivery = w.delivery()
		back, err := bot.Undo(t.Context(), in, own.ID)
		if err != nil {
			t.Fatal(err)
		}
		bot.Start(back.ID)
		in.Delivery = w.delivery()
		wantRefused(t, change.AlreadyUndone, func() error { _, err := bot.Undo(t.Context(), in, own.ID); return err })
	})
}

// Whoever asks again is the requester, and cannot approve it alone.
func TestAskAgainInOnesOwnName(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		r := w.raise(bot, ana, 12)
		pass(25 * time.Hour)
		synctest.Wait()
		if got := w.get(r.ID); got.State != change.Expired {
			t.Fatalf("it is %s", got.State)
		}
		in := w.asks(ben, "", nil)
		in.Ask = change.Ask{}
		again, err := bot.AskAgain(t.Context(), in, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		bot.Start(again.ID)
		pass(time.Second)
		synctest.Wait()
		got := w.get(again.ID)
		if got.State != change.Pending || got.Requester.ID != ben || got.Origin.Requester.ID != ana {
			t.Errorf("%s by %s after %s", got.State, got.Requester.ID, got.Origin.Requester.ID)
		}
		in.Delivery = w.delivery()
		wantRefused(t, change.AskedAgain, func() error { _, err := bot.AskAgain(t.Context(), in, r.ID); return err })
		wantRefused(t, change.NotApprover, func() error { return w.act(bot, ben, again.ID, change.VerbApprove) })
	})
}

// What skips its approval is sent only once that was announced.
func TestBreakGlassIsAnnouncedFirst(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		w.slack.set(func(s *slack) { s.noAnnounce = true })
		r := w.raise(bot, ana, 12)
		pass(time.Second)
		if err := w.act(bot, ana, r.ID, change.VerbBreakGlass); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		synctest.Wait()
		if got := w.get(r.ID); got.State != change.Failed || got.Reason.Code != change.NotAnnounced || len(w.baseten.Patches()) != 0 {
			t.Errorf("it is %s (%s) after %d patches", got.State, got.Reason.Code, len(w.baseten.Patches()))
		}
		w.slack.set(func(s *slack) { s.noAnnounce = false })
		second := w.raise(bot, ana, 13)
		pass(time.Second)
		w.patching = func(string, string) func() {
			if n := len(w.slack.of(second.ID, change.ReviewCard)); n != 1 {
				t.Errorf("%d announcements before the PATCH", n)
			}
			return func() {}
		}
		if err := w.act(bot, ana, second.ID, change.VerbBreakGlass); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		synctest.Wait()
		got := w.get(second.ID)
		if got.State != change.Applied || !got.Review.Open {
			t.Errorf("it is %s (%s), review open %t", got.State, got.Reason.Code, got.Review.Open)
		}
		wantRefused(t, change.OwnBreakGlass, func() error { return w.act(bot, ana, second.ID, change.VerbReview) })
		if err := w.act(bot, leo, second.ID, change.VerbReview); err != nil || w.get(second.ID).Review.Open {
			t.Errorf("review: %v", err)
		}
	})
}

// Two replicas remind of an open review once a day, until it is signed.
func TestReviewReminders(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		bot.quit()
		id := w.skipped(t)
		// awake lets both replicas run for a while: a day of them would be long.
		awake := func(after time.Duration, want int, while func(bot *process)) {
			t.Helper()
			pass(after)
			one, two := w.boot(0), w.boot(0)
			pass(20 * time.Second)
			if while != nil {
				while(one)
			}
			synctest.Wait()
			one.quit()
			two.quit()
			if n := len(w.slack.of(id, change.ReviewReminder)); n != want {
				t.Errorf("%d reminders, want %d", n, want)
			}
		}
		awake(23*time.Hour, 0, nil)
		awake(time.Hour, 1, nil)
		w.slack.leaves(lea, true) // whoever leaves, it stays open
		awake(23*time.Hour, 1, nil)
		awake(time.Hour, 2, nil)
		awake(72*time.Hour, 3, func(bot *process) {
			if open, err := bot.Reviews(t.Context(), w.slack.person(leo)); err != nil || len(open) != 1 || open[0].ID != id || open[0].Link == "" || !open[0].Signable {
				t.Errorf("%d open reviews, %v", len(open), err)
			}
			if err := w.act(bot, leo, id, change.VerbReview); err != nil {
				t.Error(err)
			}
		})
		if r := w.get(id); r.Review.Open || !r.ReviewDueAt.IsZero() {
			t.Errorf("signed, and open %t, due at %v", r.Review.Open, r.ReviewDueAt)
		}
		awake(24*time.Hour, 3, nil)
		if due := w.get(id).Due(); !due.IsZero() {
			t.Errorf("due at %v", due)
		}
	})
}

// A person's denial keeps everybody from break-glass on the same for an hour, however
// much is asked meanwhile.
func TestDeniedLately(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		denied := w.raise(bot, ana, 12)
		pass(time.Second)
		if err := w.act(bot, leo, denied.ID, change.VerbDeny); err != nil {
			t.Fatal(err)
		}
		for range 60 {
			w.raise(bot, eve, 12) // the policy refuses her
			pass(100 * time.Millisecond)
		}
		r := w.raise(bot, ben, 13)
		pass(time.Minute)
		press := change.Act{Delivery: w.delivery(), Person: authz.Person{ID: ben}, ID: r.ID}
		wantRefused(t, change.DeniedLately, func() error { _, err := bot.MayBreakGlass(t.Context(), press); return err })
		wantRefused(t, change.DeniedLately, func() error { return w.act(bot, ben, r.ID, change.VerbBreakGlass) })
		pass(time.Hour)
		press.Delivery = w.delivery()
		if got, err := bot.MayBreakGlass(t.Context(), press); err != nil || got.ID != r.ID {
			t.Errorf("an hour later: %v", err)
		}
	})
}

func wantRefused(t *testing.T, code change.Code, do func() error) {
	t.Helper()
	var no *change.Refused
	if err := do(); !errors.As(err, &no) || no.Reason.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// A followed change is read many times and written only when there is something to
// say: that it is in force, and how it ended.
func TestFollowingWritesLittle(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		r := w.raise(bot, ana, 7)
		pass(20 * time.Second)
		synctest.Wait()
		version, gets := w.get(r.ID).Version, w.gets()
		pass(16 * time.Minute)
		synctest.Wait()
		got := w.get(r.ID)
		if !got.Outcome.Final || got.Due() != (time.Time{}) {
			t.Errorf("outcome %s, final %t, due %v", got.Outcome.Kind, got.Outcome.Final, got.Due())
		}
		if n := got.Version - version; n > 3 {
			t.Errorf("%d writes while it was followed", n)
		}
		if n := w.gets() - gets; n < 50 {
			t.Errorf("read %d times only", n)
		}
		if n := len(w.slack.of(r.ID, change.BadNews)); n != 0 {
			t.Errorf("%d news of a change that is fine", n)
		}
	})
}

// However many commands come at once, no more than a few are looked up at the same
// time, and all are carried out.
func TestLookUpsAreBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		w.slack.set(func(s *slack) { s.slow = 400 * time.Millisecond })
		var ids []change.ID
		for i := range 100 {
			r, err := bot.Submit(t.Context(), w.asks([]string{ana, ben}[i%2], "production", baseten.Settings{baseten.ScaleDownDelay: i}))
			if err != nil {
				t.Fatal(err)
			}
			bot.Start(r.ID)
			ids = append(ids, r.ID)
		}
		pass(5 * time.Minute)
		synctest.Wait()
		if w.slack.most > 8*2 { // the person and the groups of each
			t.Errorf("%d look-ups at the same time", w.slack.most)
		}
		for _, id := range ids {
			if got := w.get(id); !got.State.Ended() {
				t.Errorf("%s is %s (%s)", id, got.State, got.Reason.Code)
			}
		}
	})
}

// Baseten takes each reading and refuses each PATCH with 429: it is asked less and
// less often, though it asks for a pause of a second only.
func TestLimitedForLong(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		limited := w.baseten.Inject(basetensim.Fault{Kind: basetensim.RateLimited, Method: "PATCH", RetryAfter: time.Second})
		r := w.raise(bot, ana, 7)
		pass(time.Minute)
		synctest.Wait()
		before := len(w.baseten.Patches())
		pass(time.Minute)
		synctest.Wait()
		if n := len(w.baseten.Patches()) - before; n > 6 {
			t.Errorf("%d sends in the second minute, want at most one each ten seconds", n)
		}
		limited.Clear()
		pass(30 * time.Second)
		synctest.Wait()
		if got := w.get(r.ID); got.State != change.Applied || got.Sends != 1 {
			t.Errorf("%s after %d sends, want applied by one", got.State, got.Sends)
		}
	})
}

// Baseten is too slow for what it says to be acted on: the thread does not blame Slack.
func TestBasetenSlow(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, bot *process) {
		w.baseten.Inject(basetensim.Fault{Kind: basetensim.Delay, Method: "GET", Delay: 7 * time.Second})
		r := w.raise(bot, ana, 7)
		pass(2 * time.Minute)
		synctest.Wait()
		if got := w.get(r.ID); got.State != change.Approved || got.Reason.Code != change.WaitsForBaseten {
			t.Errorf("it is %s (%s), want %s (%s)", got.State, got.Reason.Code, change.Approved, change.WaitsForBaseten)
		}
	})
}
