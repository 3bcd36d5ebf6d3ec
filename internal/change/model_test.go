package change_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/basetensim"
)

// modelChecks is how many lives are tried where nobody says so by -rapid.checks:
// each is half an hour in virtual time, and about a second in real time.
const modelChecks = 20

// modelPolicies are the policies of the model, each with what it means.
var modelPolicies = []struct {
	name, rule string
	// approvals by leads; confirmed by the requester; or denied.
	approvals     int
	confirm, deny bool
}{
	{name: "allow", rule: "effect: allow"},
	{name: "confirm", rule: "effect: confirm"},
	{name: "one lead", rule: "effect: approve, approvers: [leads], approvals: 1, expires: 10m, break_glass: {who: [oncall]}", approvals: 1},
	{name: "two leads", rule: "effect: approve, approvers: [leads], approvals: 2, expires: 10m", approvals: 2},
	{name: "deny", rule: "effect: deny", deny: true},
}

func modelPolicy(i int) string {
	return `
version: 1
groups:
  oncall: {usergroups: [S0ONCALL]}
  leads: {users: [U0LEA, U0LEO]}
rules:
  - {name: ` + modelPolicies[i].name + `, who: [oncall, leads], ` + modelPolicies[i].rule + `}
`
}

// op is one thing that happens.
type op struct {
	Kind string
	// After is how long after the one before.
	After time.Duration
	// Who, Which and N choose a person, a request or process, and a variant.
	Who      string
	Which, N int
}

func (o op) String() string {
	return fmt.Sprintf("+%v %s who=%s which=%d n=%d", o.After, o.Kind, o.Who, o.Which, o.N)
}

// acts tells that people do something, for which a bot has to be there.
func (o op) acts() bool {
	return !slices.Contains([]string{"moved", "promoted", "policy", "leaves", "comes back", "fault", "down", "lease lost", "slack away"}, o.Kind)
}

var opKinds = []string{
	"submit", "submit", "submit", "approve", "approve", "approve", "deny", "cancel", "confirm", "confirm", "break_glass", "review",
	"again", "undo", "moved", "promoted", "policy", "leaves", "comes back", "fault", "fault", "down", "amid", "amid", "crash", "crash",
	"lease lost", "clock ahead", "panics", "unwritable", "slack away",
}

func opGen() *rapid.Generator[op] {
	return rapid.Custom(func(t *rapid.T) op {
		return op{
			Kind:  rapid.SampledFrom(opKinds).Draw(t, "kind"),
			After: rapid.SampledFrom([]time.Duration{0, 0, 100 * time.Millisecond, time.Second, 7 * time.Second, 40 * time.Second, 4 * time.Minute}).Draw(t, "after"),
			Who:   rapid.SampledFrom([]string{ana, ben, lea, leo, eve}).Draw(t, "who"),
			Which: rapid.IntRange(0, 3).Draw(t, "which"),
			N:     rapid.IntRange(0, 11).Draw(t, "n"),
		}
	})
}

// TestAnyLife lets anything happen to requests, in any order, by several people on
// two replicas that may die. In the end each request has come to one legal end, was
// sent at most twice and had at most one effect, never without a permission that
// held at that moment, and the audit log tells the same story.
func TestAnyLife(t *testing.T) {
	setChecks(t, modelChecks)
	rapid.Check(t, func(rt *rapid.T) {
		first := rapid.IntRange(0, len(modelPolicies)-2).Draw(rt, "policy")
		ops := rapid.SliceOfN(opGen(), 4, 24).Draw(rt, "ops")
		var problems []string
		synctest.Test(t, func(t *testing.T) { problems = live(t, first, ops) })
		if len(problems) > 0 {
			rt.Fatalf("%s", strings.Join(problems, "\n"))
		}
	})
}

// setChecks says how many lives are tried, unless -rapid.checks does.
func setChecks(t *testing.T, n int) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if given {
		return
	}
	if testing.Short() {
		n = 3
	}
	if err := flag.Lookup("rapid.checks").Value.Set(fmt.Sprint(n)); err != nil {
		t.Fatal(err)
	}
}

// life is one run of the model.
type life struct {
	*world
	verdicts

	mu     sync.Mutex
	rule   int // of modelPolicies
	bots   []*process
	effect map[string]int // by path and body: PATCHes that changed something
	deaths int
	max    int // of the last request, so that each asks for another value
}

// verdicts collects what went wrong; the run goes on.
type verdicts struct {
	testing.TB
	mu       sync.Mutex
	problems []string
}

func (v *verdicts) Helper() {}

func (v *verdicts) Errorf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

func live(t *testing.T, first int, ops []op) []string {
	t.Helper()
	l := &life{world: newWorld(t, modelPolicy(first)), verdicts: verdicts{TB: t}, rule: first, effect: make(map[string]int), max: 4}
	defer l.close()
	l.world.patching = l.patching
	l.bots = []*process{l.boot(0), l.boot(0)}
	for _, o := range ops {
		pass(o.After)
		if o.acts() { // the outside may change while a bot is dead
			l.revive()
		}
		l.do(t, o)
	}
	l.baseten.ClearFaults()
	l.set(func(w *world) { w.unwritable = "" })
	for range 35 { // until the last has expired, or been given up
		pass(time.Minute)
		l.revive()
	}
	synctest.Wait()
	for _, p := range l.bots {
		p.bury()
	}
	l.checkAll()
	return l.problems
}

// revive starts again what died.
func (l *life) revive() {
	for i, p := range l.bots {
		if p.alive() == nil {
			continue
		}
		p.bury()
		l.deaths++
		l.bots[i] = l.boot(0)
	}
}

// do makes one thing happen.
func (l *life) do(t *testing.T, o op) {
	t.Helper()
	bot := l.bots[o.N%2]
	var id change.ID
	if all := l.requests(); len(all) > 0 {
		id = all[len(all)-1-o.Which%len(all)].ID
	}
	o, id = l.sensible(o, id)
	switch o.Kind {
	case "submit":
		l.max++
		target := "production"
		if o.Which == 0 {
			target = "deployment:v12"
		}
		in := l.asks(o.Who, target, baseten.Settings{baseten.MaxReplica: l.max})
		if kind, name, ok := strings.Cut(target, ":"); ok {
			in.Ask.TargetKind, in.Ask.Target = kind, name
		}
		l.started(bot, func() (*change.Request, error) { return bot.Submit(t.Context(), in) })
	case "again", "undo":
		if id == "" {
			return
		}
		in := l.asks(o.Who, "", nil)
		in.Ask = change.Ask{}
		derive := bot.Undo
		if o.Kind == "again" {
			derive = bot.AskAgain
		}
		l.started(bot, func() (*change.Request, error) { return derive(t.Context(), in, id) })
	case "approve", "deny", "cancel", "confirm", "break_glass", "review":
		if id == "" {
			return
		}
		r, err := l.db.Get(t.Context(), id)
		if errors.Is(err, change.ErrNotFound) { // of somebody who may change nothing: only events are left
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		act := change.Act{Delivery: l.delivery(), Person: authz.Person{ID: o.Who}, ID: id, Verb: change.Verb(o.Kind), Message: r.Messages.Card.Ref, Reason: "because it burns"}
		for range 1 + o.Which/3 { // now and then delivered twice
			l.started(bot, func() (*change.Request, error) { return r, bot.Do(t.Context(), act) })
		}
	case "amid": // something changes between the approval and the PATCH
		l.turn(t, op{Kind: "down", N: 3})
		l.do(t, op{Kind: "approve", N: 10 + o.N%2})
		synctest.Wait()
		l.turn(t, op{Kind: []string{"moved", "promoted", "policy", "leaves"}[o.Which], Who: o.Who, N: o.N})
	case "crash":
		bot.dieSoon(1 + o.Which*3 + o.N)
	case "lease lost": // the database does not answer for longer than a lease lasts
		l.set(func(w *world) { w.away = true })
		pass(12 * time.Second)
		l.set(func(w *world) { w.away = false })
	case "clock ahead":
		bot.bury()
		l.deaths++
		l.bots[o.N%2] = l.bootAhead(0, time.Duration(o.Which)*20*time.Second)
	case "panics": // whoever looks up that person breaks
		l.slack.set(func(s *slack) { s.breaks = o.Who })
		pass(20 * time.Second)
		l.slack.set(func(s *slack) { s.breaks = "" })
	case "unwritable":
		l.set(func(w *world) { w.unwritable = id })
	case "slack away":
		l.slack.set(func(s *slack) { s.away = true })
		pass(time.Duration(o.N) * 10 * time.Second)
		l.slack.set(func(s *slack) { s.away = false })
	default:
		synctest.Wait() // what was asked about before it changes was asked about then
		l.turn(t, o)
	}
}

// sensible lets mostly those act who may, on what waits for them: chance alone would
// seldom lead a request to its end.
func (l *life) sensible(o op, id change.ID) (op, change.ID) {
	if o.N < 3 {
		return o, id
	}
	var waits *change.Request
	for _, r := range l.requests() {
		if r.State == change.Pending {
			waits = r
		}
	}
	switch o.Kind {
	case "submit":
		o.Who = []string{ana, ben}[o.N%2]
	case "approve", "deny":
		o.Who = []string{lea, leo}[o.N%2]
	case "confirm", "cancel", "break_glass":
		if waits != nil {
			o.Who = waits.Requester.ID
		}
	default:
		return o, id
	}
	if waits != nil && o.Kind != "submit" {
		id = waits.ID
	}
	return o, id
}

// started does what a person asked for, and begins to work on it if it was
// recorded.
func (l *life) started(bot *process, ask func() (*change.Request, error)) {
	defer func() { _ = recover() }() // a click may meet what breaks the handler
	r, err := ask()
	var no *change.Refused
	switch {
	case err == nil:
		bot.Start(r.ID)
	case errors.Is(err, errDead), errors.Is(err, change.ErrDelivered), errors.Is(err, change.ErrUnwritable), errors.As(err, &no):
	default:
		l.Errorf("unexpected error: %v", err)
	}
}

// turn changes the outside.
func (l *life) turn(t *testing.T, o op) {
	t.Helper()
	var err error
	switch o.Kind {
	case "moved":
		err = l.baseten.ChangeEnvironmentBehindTheBack(basetensim.DemoLlama, "production", basetensim.Changes{"max_replica": 100 + o.N})
	case "promoted":
		to := basetensim.DemoLlamaCanary
		if l.baseten.Environment(basetensim.DemoLlama, "production").Deployment == to {
			to = basetensim.DemoLlamaProduction
		}
		err = l.baseten.Promote(basetensim.DemoLlama, "production", to)
	case "policy":
		l.mu.Lock()
		l.rule = o.N % len(modelPolicies)
		l.mu.Unlock()
		l.setPolicy(modelPolicy(o.N % len(modelPolicies)))
	case "leaves", "comes back":
		l.slack.leaves(o.Who, o.Kind == "leaves")
	case "fault":
		kinds := []basetensim.Kind{
			basetensim.Refused, basetensim.CommitThen500, basetensim.CommitThenReset, basetensim.ServerError,
			basetensim.ResetBeforeRead, basetensim.BodyGarbage, basetensim.MissingStatus, basetensim.Delay,
		}
		l.baseten.Inject(basetensim.Fault{Kind: kinds[o.N%len(kinds)], Method: "PATCH", Times: 1 + o.Which/2, Delay: 17 * time.Second})
	case "down":
		l.baseten.Inject(basetensim.Fault{Kind: basetensim.Unavailable, Method: "GET", Times: 10 + o.N*20})
	}
	if err != nil {
		t.Errorf("%s: %v", o, err)
	}
}

// patching looks at each PATCH as it leaves, and at what it did.
func (l *life) patching(path, body string) func() {
	before := l.settings()
	var sender *change.Request
	for _, r := range l.requests() {
		if r.State == change.Applying && strings.Contains(body, r.Ask.Settings.JSON()) {
			sender = r
		}
	}
	if sender == nil {
		l.Errorf("PATCH %s %s of no request that is applying", path, body)
	} else {
		l.checkPermission(sender)
		current := before[sender.Target.Environment == ""]
		if was, asked := sender.Snapshot.Settings[baseten.MaxReplica], sender.Ask.Settings[baseten.MaxReplica]; current != was && current != asked {
			l.Errorf("%s: sent although max is %d, shown was %d", sender.ID, current, was)
		}
	}
	return func() {
		after := l.settings()
		l.mu.Lock()
		defer l.mu.Unlock()
		if !maps.Equal(before, after) {
			l.effect[body]++
		}
	}
}

// settings are the max replicas of the environment (false) and of deployment v12
// (true).
func (l *life) settings() map[bool]int {
	return map[bool]int{
		false: l.baseten.Environment(basetensim.DemoLlama, "production").Settings.MaxReplica,
		true:  l.baseten.Deployment(basetensim.DemoLlama, basetensim.DemoLlamaProduction).Settings.MaxReplica,
	}
}

// checkPermission checks that the change is permitted now, by what the model's
// policies mean.
func (l *life) checkPermission(r *change.Request) {
	l.mu.Lock()
	rule := modelPolicies[l.rule]
	l.mu.Unlock()
	member := func(id string) bool { return l.slack.person(id).Membership == authz.Member }
	leads := make(map[string]bool)
	for _, v := range r.Votes {
		if v.Person.ID != r.Requester.ID && (v.Person.ID == lea || v.Person.ID == leo) && member(v.Person.ID) {
			leads[v.Person.ID] = true
		}
	}
	glass := r.Ask.BreakGlass && rule.name == "one lead" && (r.Requester.ID == ana || r.Requester.ID == ben)
	switch {
	case !member(r.Requester.ID) || r.Requester.ID == eve || rule.deny:
		l.Errorf("%s: sent for %s under %q", r.ID, r.Requester.ID, rule.name)
	case rule.confirm && r.ConfirmedBy.ID != r.Requester.ID:
		l.Errorf("%s: sent without a Confirm", r.ID)
	case len(leads) < rule.approvals && !glass:
		l.Errorf("%s: sent with %d approvals under %q", r.ID, len(leads), rule.name)
	}
}

// checkAll checks how everything ended.
func (l *life) checkAll() {
	sends, wanted := make(map[string]int), make(map[string]int)
	for _, r := range l.requests() {
		due := r.Due()
		if r.Review.Open && due.Equal(r.ReviewDueAt) {
			due = time.Time{} // its signers are reminded, daily
		}
		if !r.State.Ended() || !due.IsZero() {
			l.Errorf("%s is %s (%s), due %v", r.ID, r.State, r.Reason.Code, r.Due())
		}
		if r.Sends > 2 || r.State == change.Applied && r.Sends == 0 && !r.Answer.ReadBack {
			l.Errorf("%s: %s after %d sends", r.ID, r.State, r.Sends)
		}
		sends[r.Ask.Settings.JSON()] += r.Sends
		wanted[r.Ask.Settings.JSON()]++
		l.checkShown(l, r, l.deaths)
	}
	got := make(map[string]int)
	for _, c := range l.baseten.Patches() {
		if c.Body != "" { // it was read
			got[settingsOf(c.Body)]++
		}
	}
	for body, n := range l.effect {
		if n > wanted[settingsOf(body)] {
			l.Errorf("%s changed something %d times, asked for %d times", body, n, wanted[settingsOf(body)])
		}
	}
	for _, body := range slices.Sorted(maps.Keys(got)) {
		// The client sends a PATCH once more that certainly did not arrive.
		if got[body] > sends[body] {
			l.Errorf("%s was sent %d times, noted %d", body, got[body], sends[body])
		}
	}
	l.checkEvents(l)
}

// settingsOf is the innermost object of a PATCH's body.
func settingsOf(body string) string {
	body = body[strings.LastIndex(body, "{"):]
	return body[:strings.Index(body, "}")+1]
}

// dieSoon makes the process die some moments from now.
func (m *mortal) dieSoon(moments int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dieAt = m.n + moments
}
