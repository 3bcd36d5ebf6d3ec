package slackbot

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
	"autoscalebot/internal/sandbox/slacksim"
)

// users.info decides what a person is to this workspace, in an Enterprise Grid
// organisation too.
func TestMembership(t *testing.T) {
	for _, c := range []struct {
		name, user string
		want       authz.Membership
	}{
		{"of the workspace", `"team_id":"T0US"`, authz.Member},
		{"of another", `"team_id":"T0THEM"`, authz.Foreign},
		{"grid, no team", `"enterprise_user":{"id":"W1","enterprise_id":"E1","teams":["T0SISTER","T0US"]}`, authz.Member},
		{"grid, a sibling's team", `"team_id":"T0SISTER","enterprise_user":{"teams":["T0US"]}`, authz.Member},
		{"grid, a sibling alone", `"team_id":"T0SISTER","enterprise_user":{"teams":["T0SISTER"]}`, authz.Foreign},
		{"grid guest", `"is_restricted":true,"enterprise_user":{"teams":["T0US"]}`, authz.Guest},
		{"no team at all", `"enterprise_user":{}`, authz.Foreign},
		{"never_allowed", `"team_id":"T0US","is_stranger":true`, authz.Foreign},
		{"guest of one channel", `"team_id":"T0US","is_ultra_restricted":true`, authz.Guest},
		{"invited", `"team_id":"T0US","is_invited_user":true`, authz.Guest},
		{"gone", `"team_id":"T0US","deleted":true`, authz.Deactivated},
		{"bot", `"team_id":"T0US","is_bot":true`, authz.Bot},
		{"workflow", `"team_id":"T0US","is_workflow_bot":true`, authz.Bot},
	} {
		for _, team := range []string{"T0US", ""} {
			l := offline(t, handler(say(`{"ok":true,"user":{"id":"U0ANA",`+c.user+`}}`)))
			l.directory.team = team
			p, err := l.Directory().Person(t.Context(), "U0ANA", 0)
			want := c.want
			if team == "" && (want == authz.Member || want == authz.Guest) {
				want = authz.Foreign // nobody is ours before it is known who we are
			}
			if err != nil || p.Membership != want || p.ID != "U0ANA" {
				t.Errorf("%s, team %q: %+v, error = %v, want %s", c.name, team, p, err, want)
			}
		}
	}
}

// What Slack said is used for as long as its bound, without any event, and one call
// brings all user groups.
func TestFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, sim := simulated(t, slacksim.Options{})
		d := l.Directory()
		sim.AddUsergroup("S0LEADS", "leads", "U0LEA")
		sim.AddUsergroup("S0ONCALL", "oncall", "U0ANA")
		asks := []string{"S0LEADS", "S0ONCALL", "S0NONE"}
		look := func() (leads []string, person authz.Membership, external bool) {
			t.Helper()
			people := d.People(t.Context(), asks)
			if !people.Unreachable["S0NONE"] || !slices.Equal(people.Members["S0ONCALL"], []string{"U0ANA"}) {
				t.Errorf("people = %+v", people)
			}
			p, err := d.Person(t.Context(), "U0LEA", 5*time.Second)
			if err != nil {
				t.Error(err)
			}
			place, err := d.Place(t.Context(), channel)
			if err != nil {
				t.Error(err)
			}
			return people.Members["S0LEADS"], p.Membership, place.External
		}
		look()
		sim.AddUsergroup("S0LEADS", "leads")
		sim.UpdateUser(slacksim.User{ID: "U0LEA", Deleted: true})
		sim.AddChannel(slacksim.Channel{ID: channel, ExtShared: true, Members: []string{"U0ANA", "U0BOT"}})
		for _, c := range []struct {
			after                    time.Duration
			leads, deleted, external bool
		}{
			{0, true, false, false},
			{5 * time.Second, true, false, false},
			{time.Second, true, true, false},
			{5 * time.Second, false, true, false},
			{20 * time.Second, false, true, true},
		} {
			sleep(t.Context(), c.after)
			leads, person, external := look()
			if (len(leads) > 0) != c.leads || (person == authz.Deactivated) != c.deleted || external != c.external {
				t.Errorf("after %v more: leads %v, %s, external %t", c.after, leads, person, external)
			}
		}
		for method, most := range map[string]int{"usergroups.list": 4, "usergroups.users.list": 0, "users.info": 4, "conversations.info": 2} {
			if n := len(sim.Calls(method)); n > most {
				t.Errorf("%d calls of %s, at most %d wanted", n, method, most)
			}
		}
	})
}

// One question at a time, and none that began before serves whoever wants to know how
// it is now.
func TestQuestionsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		l := newLookups[int32](time.Now)
		ask := func(context.Context) (int32, error) {
			n := asked.Add(1)
			sleep(t.Context(), 3*time.Second)
			return n, nil
		}
		get := func(maxAge time.Duration) int32 {
			v, err := l.get(t.Context(), "x", maxAge, ask)
			if err != nil {
				t.Error(err)
			}
			return v
		}
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if v := get(5 * time.Second); v != 1 {
					t.Errorf("answer %d, want the first", v)
				}
			})
		}
		synctest.Wait()
		sleep(t.Context(), time.Second)
		callers.Go(func() {
			if v := get(0); v != 2 {
				t.Errorf("answer %d, which began before the question", v)
			}
		})
		synctest.Wait()
		sleep(t.Context(), 500*time.Millisecond)
		callers.Go(func() {
			if v := get(time.Second); v != 2 {
				t.Errorf("answer %d, want the one that began half a second ago", v)
			}
		})
		callers.Wait()
		if v := get(4 * time.Second); v != 2 || asked.Load() != 2 {
			t.Errorf("answer %d of %d", v, asked.Load())
		}
	})
}

// What is being read while it changes is not kept.
func TestForgottenWhileAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookups[string](time.Now)
		answer := "old"
		ask := func(context.Context) (string, error) {
			said := answer
			sleep(t.Context(), time.Second)
			return said, nil
		}
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = l.get(t.Context(), "x", time.Minute, ask) })
		synctest.Wait()
		answer = "new"
		l.forget("x")
		if v, err := l.get(t.Context(), "x", time.Minute, ask); v != "new" || err != nil {
			t.Errorf("%q, error = %v", v, err)
		}
		callers.Wait()
		if v, _ := l.get(t.Context(), "x", time.Minute, ask); v != "new" {
			t.Errorf("the old answer came back")
		}
	})
}

// A caller goes when its time is up; the question goes on, and its answer counts from
// when it was asked last. A failure is not kept.
func TestQuestionOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &wordAPI{answers: map[string][]http.HandlerFunc{"users.info": {status(500), status(500), status(429, "Retry-After", "4")}}}
		l := offline(t, api.serve)
		d := l.Directory()
		if _, err := d.Person(t.Context(), "U0ANA", 5*time.Second); err == nil {
			t.Error("two HTTP 500 made a person")
		}
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := d.Person(brief, "U0ANA", 5*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
		sleep(t.Context(), 7*time.Second)
		if _, err := d.Person(t.Context(), "U0ANA", 5*time.Second); err != nil || api.count("users.info") != 4 {
			t.Errorf("%d calls, error = %v", api.count("users.info"), err)
		}
	})
}

func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, sim := simulated(t, slacksim.Options{})
		sim.AddChannel(slacksim.Channel{ID: "C0SECRET", Private: true})
		if _, err := l.Directory().Place(t.Context(), "C0SECRET"); !errors.Is(err, change.ErrNotInvited) {
			t.Errorf("a private channel without the bot: %v", err)
		}
		if p, err := l.Directory().Place(t.Context(), "D0ANA"); err != nil || !p.Direct {
			t.Errorf("direct message: %+v, %v", p, err)
		}
		here, err := l.Directory().Present(t.Context(), channel)
		if err != nil || !here["U0LEA"] || here["U0EVE"] {
			t.Errorf("present: %v, %v", here, err)
		}
		sim.Fault(slacksim.Fault{Method: "usergroups.list", Kind: slacksim.FaultError, Code: "plan_upgrade_required"})
		if p := l.Directory().People(t.Context(), []string{"S0LEADS"}); !p.Unreachable["S0LEADS"] {
			t.Errorf("groups that cannot be read: %+v", p)
		}
	})
}

// A question over which Slack breaks once is put once more: nobody is refused for it.
func TestBrokenQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &wordAPI{answers: map[string][]http.HandlerFunc{
			"users.info": {status(503)}, "conversations.info": {say("<html>"), say(`{"ok":true,"channel":{"id":"C0OPS"}}`)},
			"usergroups.list": {refuse("internal_error")},
		}}
		d := offline(t, api.serve).Directory()
		if _, err := d.Person(t.Context(), "U0ANA", 0); err != nil {
			t.Error(err)
		}
		if _, err := d.Place(t.Context(), channel); err != nil {
			t.Error(err)
		}
		d.People(t.Context(), []string{"S0LEADS"})
		if n := api.count("usergroups.list"); n != 2 {
			t.Errorf("the user groups were read %d times, want twice", n)
		}
	})
}
