package change_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/basetensim"
)

// termPolicy lets on-call raise max to 8 and lower it as they like, and leads do
// anything; with frozen, nobody may set max to 4, which is what most goes back to.
func termPolicy(denies bool) string {
	deny := ""
	if denies {
		deny = "  - {name: no lowering, effect: deny, when: change.max_replica.down}\n"
	}
	return `
version: 1
groups:
  oncall: {usergroups: [S0ONCALL]}
  leads: {users: [U0LEA, U0LEO]}
freeze: {who: [leads]}
rules:
` + deny + `  - {name: leads, who: [leads], effect: allow}
  - {name: raise, who: [oncall], effect: allow, when: change.max_replica.up && after.max_replica <= 8}
  - {name: lower, who: [oncall], effect: allow, when: change.max_replica.down}
`
}

// termChecks is how many lives of temporary changes are tried by default: each is some
// hours in virtual time, and about a second in real time.
const termChecks = 10

var termOps = []string{
	"temporary", "temporary", "temporary", "for good", "end", "extend", "keep", "undo", "by hand", "freeze", "thaw", "deny", "crash", "wait", "again", "promote", "fault", "down",
}

// TestAnyTerms lets temporary changes begin, nest, end, be extended, kept, undone and
// overruled in any order, through freezes, a deny rule, faults and deaths on two
// replicas. Once all have ended, the settings are what the last change for good or the
// last hand from outside made them; and who may only raise to 8 and lower never made
// anything higher than that for good.
func TestAnyTerms(t *testing.T) {
	setChecks(t, termChecks)
	rapid.Check(t, func(rt *rapid.T) {
		ops := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) op {
			return op{
				Kind:  rapid.SampledFrom(termOps).Draw(t, "kind"),
				After: rapid.SampledFrom([]time.Duration{0, time.Second, 20 * time.Second, 3 * time.Minute, 11 * time.Minute}).Draw(t, "after"),
				Who:   rapid.SampledFrom([]string{ana, ana, ben, lea, leo, eve}).Draw(t, "who"),
				Which: rapid.IntRange(0, 3).Draw(t, "which"),
				N:     rapid.IntRange(0, 11).Draw(t, "n"),
			}
		}), 3, 20).Draw(rt, "ops")
		var problems []string
		synctest.Test(t, func(t *testing.T) { problems = terms(t, ops) })
		if len(problems) > 0 {
			rt.Fatalf("%s", strings.Join(problems, "\n"))
		}
	})
}

// termLife is one run of the model.
type termLife struct {
	*life
	// hands are the changes from outside.
	hands []hand
}

type hand struct {
	at  time.Time
	max int
}

func terms(t *testing.T, ops []op) []string {
	t.Helper()
	l := &termLife{life: &life{world: newWorld(t, termPolicy(false)), verdicts: verdicts{TB: t}, effect: make(map[string]int)}}
	defer l.close()
	l.hands = []hand{{time.Now(), l.max()}}
	l.bots = []*process{l.boot(0), l.boot(0)}
	l.world.patching = l.checkPatch
	for _, o := range ops {
		pass(o.After)
		l.revive()
		l.turnTerm(t, o)
	}
	l.settle(t)
	for _, p := range l.bots {
		p.bury()
	}
	l.checkEnd()
	return l.problems
}

// settle lets all that stands in the way go, and everything come to its end.
func (l *termLife) settle(t *testing.T) {
	t.Helper()
	l.baseten.ClearFaults()
	l.setPolicy(termPolicy(false))
	for _, r := range l.requests() {
		if r.Freezes(time.Now()) {
			l.started(l.bots[0], func() (*change.Request, error) {
				return r, l.bots[0].Do(t.Context(), change.Act{Delivery: l.delivery(), Person: authz.Person{ID: lea}, ID: r.ID, Verb: change.VerbThaw})
			})
		}
	}
	for range 5 {
		pass(30 * time.Minute)
		l.revive()
	}
	for _, r := range l.requests() { // what could not end is ended by hand
		if r.Holds() {
			in := l.asks(lea, "", nil)
			in.Ask = change.Ask{}
			l.started(l.bots[0], func() (*change.Request, error) { return l.bots[0].End(t.Context(), in, r.ID) })
			pass(time.Minute)
			l.revive()
		}
	}
	pass(20 * time.Minute)
	l.revive()
	synctest.Wait()
}

func (l *termLife) max() int {
	return l.baseten.Environment(basetensim.DemoLlama, "production").Settings.MaxReplica
}

func (l *termLife) turnTerm(t *testing.T, o op) {
	t.Helper()
	bot := l.bots[o.N%2]
	var id change.ID
	for _, r := range slices.Backward(l.requests()) {
		if r.Kind == change.KindChange && r.State.Ended() {
			id = r.ID
			if o.Which == 0 || r.Holds() && o.Which < 3 {
				break
			}
		}
	}
	derive := l.asks(o.Who, "", nil)
	derive.Ask = change.Ask{}
	switch o.Kind {
	case "temporary", "for good":
		most := []int{2, 3, 5, 6, 7, 8, 12, 20, 25, 30, 15, 9}[o.N]
		switch { // a ladder: a lead raises it for a time, and on-call makes most of that theirs
		case o.Kind == "temporary" && o.Which%2 == 1:
			o.Who, most = lea, 40+o.N
		case o.Kind == "for good" && o.Which < 2:
			o.Who, most = ana, 9+o.N
		}
		in := l.asks(o.Who, "production", baseten.Settings{baseten.MaxReplica: most})
		if o.Kind == "temporary" {
			in.Ask.For = []time.Duration{5 * time.Minute, 10 * time.Minute, 35 * time.Minute, 80 * time.Minute}[o.Which]
		}
		l.started(bot, func() (*change.Request, error) { return bot.Submit(t.Context(), in) })
	case "end", "undo", "keep", "extend", "again":
		if id == "" {
			return
		}
		l.started(bot, func() (*change.Request, error) {
			switch o.Kind {
			case "end":
				return bot.End(t.Context(), derive, id)
			case "undo":
				return bot.Undo(t.Context(), derive, id)
			case "again":
				return bot.AskAgain(t.Context(), derive, id)
			case "keep":
				return bot.Keep(t.Context(), derive, id)
			default:
				return bot.Extend(t.Context(), derive, id, 20*time.Minute)
			}
		})
	case "by hand":
		pass(10 * time.Millisecond) // so that times tell which came first
		synctest.Wait()
		if err := l.baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 100 + len(l.hands)}); err != nil {
			t.Fatal(err)
		}
		l.hands = append(l.hands, hand{time.Now(), 100 + len(l.hands)})
		pass(time.Second)
	case "fault", "down":
		l.turn(t, o)
	case "promote":
		l.turn(t, op{Kind: "promoted"})
	case "freeze":
		in := l.asks(lea, "production", nil)
		in.Ask = change.Ask{Text: "freeze", Model: []string{"llama-70b", change.AllModels}[o.N%2], Reason: "launch", For: time.Duration(5+o.N*5) * time.Minute}
		l.started(bot, func() (*change.Request, error) { return bot.Freeze(t.Context(), in) })
	case "thaw":
		for _, r := range l.requests() {
			if r.Freezes(time.Now()) {
				act := change.Act{Delivery: l.delivery(), Person: authz.Person{ID: o.Who}, ID: r.ID, Verb: change.VerbThaw}
				l.started(bot, func() (*change.Request, error) { return r, bot.Do(t.Context(), act) })
			}
		}
	case "deny":
		l.setPolicy(termPolicy(o.N%2 == 0))
	case "crash":
		bot.dieSoon(1 + o.Which*3 + o.N)
	}
}

// checkPatch looks at each PATCH as it leaves: nobody sends during a freeze, and who may
// raise to 8 and lower does not get more.
func (l *termLife) checkPatch(_, body string) func() {
	now := time.Now()
	for _, r := range l.requests() {
		if r.Freezes(now) && r.Term.EndsAt.Sub(now) > time.Second {
			l.Errorf("PATCH %s while %s freezes", body, r.ID)
		}
		if r.State != change.Applying || r.Kind != change.KindChange || r.Ask.For > 0 || !r.Ask.Until.IsZero() {
			continue
		}
		if who := r.Requester.ID; who == ana || who == ben {
			asked, stable := r.Ask.Settings[baseten.MaxReplica], l.stable(now)
			if asked > 8 && (asked > l.max() || asked >= stable) {
				l.Errorf("%s: %s makes max %d for good; %d would have stood", r.ID, who, asked, stable)
			}
		}
	}
	return func() {}
}

// stable is what the last change for good that was not undone, or the last hand from
// outside, made of max.
func (l *termLife) stable(before time.Time) int {
	last := hand{}
	for _, h := range l.hands {
		if !h.at.After(before) {
			last = h
		}
	}
	all := l.requests()
	took := func(r *change.Request) bool {
		return r.State == change.Applied && r.Sends > 0 && !r.AppliedAt.Before(last.at) && !r.AppliedAt.After(before)
	}
	var undone func(r *change.Request) bool
	undone = func(r *change.Request) bool {
		i := slices.IndexFunc(all, func(o *change.Request) bool { return o.ID == r.UndoneBy && took(o) })
		return i >= 0 && !undone(all[i])
	}
	for _, r := range all {
		forGood := r.Kind == change.KindChange && r.Ask.For == 0 && r.Ask.Until.IsZero() && r.Origin.Kind != change.OriginUndo
		if forGood && took(r) && !undone(r) && !r.AppliedAt.Before(last.at) {
			last = hand{r.AppliedAt, r.Ask.Settings[baseten.MaxReplica]}
		}
	}
	return last.max
}

func (l *termLife) checkEnd() {
	if got, want := l.max(), l.stable(time.Now()); got != want {
		l.Errorf("max is %d, and %d was the last for good", got, want)
	}
	for _, r := range l.requests() {
		if !r.State.Ended() || r.Holds() || !r.Due().IsZero() {
			l.Errorf("%s %s is %s (%s), holds %v, due %v, term %+v", r.Kind, r.ID, r.State, r.Reason.Code, r.Holds(), r.Due(), r.Term)
		}
		if r.Sends > 2 {
			l.Errorf("%s was sent %d times", r.ID, r.Sends)
		}
		if r.Temporary() && !r.Term.EndsAt.IsZero() {
			ends := 0
			for _, o := range l.requests() {
				if o.Origin.ID == r.ID && o.Kind == change.KindRevert && o.State == change.Applied {
					ends++
				}
			}
			if ends > 1 {
				l.Errorf("%s was reverted %d times", r.ID, ends)
			}
		}
	}
	if len(l.problems) > 0 {
		for _, r := range l.requests() {
			l.problems = append(l.problems, fmt.Sprintf("  %s %s %s by %s max %d for %v: %s (%s) applied %s term %+v origin %+v outcome %+v reason %+v snapshot %v",
				r.CreatedAt.Format("15:04:05"), r.ID, r.Kind, r.Requester.ID, r.Ask.Settings[baseten.MaxReplica], r.Ask.For, r.State, r.Reason.Code, r.AppliedAt.Format("15:04:05"), r.Term, r.Origin, r.Outcome, r.Reason, r.Snapshot.Settings))
		}
		for _, h := range l.hands {
			l.problems = append(l.problems, fmt.Sprintf("  %s by hand: %d", h.at.Format("15:04:05"), h.max))
		}
	}
}
