package change

import (
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestNotes(t *testing.T) {
	settings := baseten.Settings{baseten.MinReplica: 2, baseten.MaxReplica: 4, baseten.ConcurrencyTarget: 32}
	serving := func(status string) *baseten.Deployment {
		return &baseten.Deployment{ID: "d1", Name: "v12", Status: status, ActiveReplicas: 4, Settings: settings, Environment: "production"}
	}
	production := func(change func(*baseten.Environment)) baseten.Resolved {
		env := &baseten.Environment{Name: "production", Settings: settings, Current: serving("ACTIVE")}
		change(env)
		return baseten.Resolved{ModelID: "m1", Environment: env, Deployment: env.Current, Serves: "production"}
	}
	deployment := func(status string) baseten.Resolved {
		d := serving(status)
		d.Environment = ""
		return baseten.Resolved{ModelID: "m1", Deployment: d}
	}
	six := 6
	thirty := 30
	night := func(s baseten.Schedule, zone string) func(*baseten.Environment) {
		return func(e *baseten.Environment) {
			s.ID, s.Name = "s1", "night"
			e.Schedules = &baseten.Schedules{Timezone: zone, Schedules: []baseten.Schedule{s}, Applied: &baseten.AppliedState{ScheduleID: "s1"}}
		}
	}
	upTo7 := baseten.Settings{baseten.MaxReplica: 7}
	for _, tt := range []struct {
		name  string
		asked baseten.Settings
		found baseten.Resolved
		want  string // "" for no note at all
	}{
		{"nothing in the way", upTo7, production(func(*baseten.Environment) {}), ""},
		{"a schedule with an hour", upTo7, production(night(baseten.Schedule{EndHour: &six}, "Europe/Berlin")), "production is under schedule night until 06:00 Europe/Berlin; this takes effect afterwards."},
		{"a schedule with a moment", upTo7, production(night(baseten.Schedule{EndAt: "2026-03-02T17:30:00Z"}, "Europe/Berlin")), "until 18:30 Europe/Berlin; this takes effect afterwards."},
		{"a schedule without an end", upTo7, production(night(baseten.Schedule{}, "")), "production is under schedule night; this takes effect afterwards."},
		{"a promotion", upTo7, production(func(e *baseten.Environment) {
			e.Promotion = &baseten.Promotion{Status: "RAMPING_UP", Percent: &thirty}
		}), "A promotion into production is in progress (RAMPING_UP, 30 % of traffic moved): replicas may follow only when it ends."},
		{"a finished promotion", upTo7, production(func(e *baseten.Environment) { e.Promotion = &baseten.Promotion{Status: "SUCCEEDED"} }), ""},
		{"an environment without a deployment", upTo7, baseten.Resolved{ModelID: "m1", Environment: &baseten.Environment{Name: "production", Settings: settings}}, "No deployment serves production yet"},
		{"a deployment of its own mind", upTo7, production(func(e *baseten.Environment) {
			e.Current.Settings = settings.With(baseten.Settings{baseten.MaxReplica: 3})
		}), "The serving deployment v12 runs with its own Max replicas 3."},
		{"a deployment in an environment", upTo7, baseten.Resolved{ModelID: "m1", Deployment: serving("ACTIVE"), Serves: "production"}, "This deployment serves production: the next promotion will overwrite the change. To keep it, change the environment: /autoscale llama env:production max=7"},
		{"a deployment on its way", upTo7, baseten.Resolved{ModelID: "m1", Deployment: serving("ACTIVE"), Promoting: []string{"staging"}}, "being promoted into staging"},
		{"inactive", upTo7, deployment("INACTIVE"), "v12 is inactive: the settings apply once somebody activates it at Baseten."},
		{"scaled to zero", upTo7, deployment("SCALED_TO_ZERO"), "v12 is scaled to zero: the first request wakes it"},
		{"woken by min", baseten.Settings{baseten.MinReplica: 1}, deployment("SCALED_TO_ZERO"), ""},
		{"to zero", baseten.Settings{baseten.MinReplica: 0}, deployment("ACTIVE"), "With min 0 it may scale to zero"},
		{"still deploying", upTo7, deployment("DEPLOYING"), "v12 is still deploying (DEPLOYING)."},
		{"broken", upTo7, deployment("BUILD_FAILED"), "v12 does not run (BUILD_FAILED)"},
		{"a word of tomorrow", upTo7, deployment("HIBERNATING"), ""},
		{"sticky", baseten.Settings{baseten.TargetInFlightTokens: 9}, deployment("ACTIVE"), "Target in-flight tokens is not set now, and Baseten cannot clear it again once it is."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &Request{Target: Target{ModelName: "llama"}, Ask: Ask{Settings: tt.asked}}
			got := strings.Join(notes(r, tt.found, noon), "\n")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("notes = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNoteTokensAgainstConcurrency(t *testing.T) {
	d := &baseten.Deployment{Name: "v12", Settings: baseten.Settings{baseten.TargetInFlightTokens: 100, baseten.ConcurrencyTarget: 4}}
	r := &Request{Ask: Ask{Settings: baseten.Settings{baseten.ConcurrencyTarget: 8}}}
	got := notes(r, baseten.Resolved{Deployment: d}, noon)
	if len(got) != 1 || got[0] != "It scales on in-flight tokens, so the concurrency target may have no effect." {
		t.Errorf("notes = %q", got)
	}
}

func TestOutcome(t *testing.T) {
	before := baseten.Settings{baseten.MinReplica: 2, baseten.MaxReplica: 4}
	found := func(s baseten.Settings, replicas int) baseten.Resolved {
		return baseten.Resolved{ModelID: "m1", Deployment: &baseten.Deployment{ID: "d1", Name: "v12", ActiveReplicas: replicas, Settings: s}}
	}
	raised := baseten.Settings{baseten.MaxReplica: 7}
	floor := baseten.Settings{baseten.MinReplica: 7, baseten.MaxReplica: 8}
	lowered := baseten.Settings{baseten.MaxReplica: 3}
	inForce := Outcome{Kind: InForce, InForceAt: noon.Add(2 * time.Second), Text: "In force after 2 s."}
	for _, tt := range []struct {
		name   string
		was    Outcome
		asked  baseten.Settings
		status string
		found  baseten.Resolved
		since  time.Duration
		kind   OutcomeKind
		text   string
		final  bool
	}{
		{"not visible yet", Outcome{Kind: Following}, raised, "ACCEPTED", found(before, 4), time.Minute, Following, "", false},
		{"never visible", Outcome{Kind: Following}, raised, "ACCEPTED", found(before, 4), 2 * time.Minute, Invisible, "Not visible at Baseten after 2 min: Max replicas is 4. Please look at Baseten.", true},
		{"queued may take longer", Outcome{Kind: Following}, raised, "QUEUED", found(before, 4), 5 * time.Minute, Following, "", false},
		{"in force", Outcome{Kind: Following}, raised, "ACCEPTED", found(before.With(raised), 4), 3 * time.Second, InForce, "In force after 3 s. 4 replicas active.", false},
		{"a limit that load fills", inForce, raised, "", found(before.With(raised), 7), 6*time.Minute + 20*time.Second, Reached, "7 of 7 active after 6 min 20 s.", false},
		{"a limit that load leaves", inForce, raised, "", found(before.With(raised), 4), 15 * time.Minute, InForce, "Settings in force; still 4 replicas: load does not ask for more.", true},
		{"a floor being reached", inForce, floor, "", found(before.With(floor), 5), time.Minute, InForce, "In force after 2 s. 5 of 7 replicas active.", false},
		{"a floor that was reached", inForce, floor, "", found(before.With(floor), 7), 6*time.Minute + 20*time.Second, Reached, "7 of 7 active after 6 min 20 s.", false},
		{"a floor never reached", inForce, floor, "", found(before.With(floor), 5), 15 * time.Minute, InForce, "In force after 2 s. Still 5 of 7 replicas active after 15 min: Baseten gives no reason; it may lack capacity.", true},
		{"going down", inForce, lowered, "", found(before.With(lowered), 4), time.Minute, InForce, "In force after 2 s. 4 replicas active, going down to 3.", false},
		{"gone down", inForce, lowered, "", found(before.With(lowered), 3), 2 * time.Minute, Reached, "3 of 3 active after 2 min.", false},
		{"put back", inForce, raised, "", found(before, 4), 2*time.Hour + 7*time.Minute, Overruled, "The settings are back: Max replicas is 4. Changed by someone else at <time:1772460420|14:07 UTC> (Terraform or an operator?).", true},
		{"changed to something else", inForce, raised, "", found(before.With(baseten.Settings{baseten.MaxReplica: 5}), 4), time.Minute, Overruled, "The settings changed: Max replicas is 5. Changed by someone else at <time:1772452860|12:01 UTC> (Terraform or an operator?).", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &Request{AppliedAt: noon, Ask: Ask{Settings: tt.asked}, Reading: Reading{Settings: before, Replicas: 4}, Answer: Answer{Status: tt.status}}
			got := tt.was.after(r, tt.found, noon.Add(tt.since))
			if got.Kind != tt.kind || got.Text != tt.text || got.Final != tt.final {
				t.Errorf("outcome = %s %q final %t,\nwant      %s %q final %t", got.Kind, got.Text, got.Final, tt.kind, tt.text, tt.final)
			}
		})
	}
}

// A schedule holds the settings back: that is no failure, and is said.
func TestOutcomeUnderSchedule(t *testing.T) {
	asked := baseten.Settings{baseten.MaxReplica: 7}
	env := &baseten.Environment{
		Name: "production", Settings: asked, Current: &baseten.Deployment{Settings: baseten.Settings{baseten.MaxReplica: 2}},
		Schedules: &baseten.Schedules{Schedules: []baseten.Schedule{{ID: "s1", Name: "night"}}, Applied: &baseten.AppliedState{ScheduleID: "s1"}},
	}
	r := &Request{AppliedAt: noon, Ask: Ask{Settings: asked}}
	got := Outcome{Kind: Following}.after(r, baseten.Resolved{Environment: env, Deployment: env.Current}, noon.Add(time.Second))
	if want := "Saved; schedule night is in force, so it takes effect afterwards."; got.Text != want || got.Final {
		t.Errorf("outcome = %q, want %q", got.Text, want)
	}
}

func TestOutcomeUnread(t *testing.T) {
	r := &Request{AppliedAt: noon}
	if got := (Outcome{Kind: Following}).unread(r, noon.Add(time.Minute)); got.Ended() {
		t.Errorf("given up after a minute: %q", got.Text)
	}
	got := Outcome{Kind: Following}.unread(r, noon.Add(followFor))
	if !got.Ended() || !strings.HasPrefix(got.Text, "I could not read the settings back") {
		t.Errorf("outcome = %q", got.Text)
	}
	got = Outcome{Kind: InForce, InForceAt: noon, Text: "In force after 0 s."}.unread(r, noon.Add(followFor))
	if got.Text != "In force after 0 s. Then Baseten did not answer any more." {
		t.Errorf("outcome = %q", got.Text)
	}
}

func TestParseID(t *testing.T) {
	for text, want := range map[string]ID{
		"K7Q2M": "K7Q2M", "#k7q2m": "K7Q2M", "oilOL": "01101",
		"": "", "#": "", "K7Q2": "", "K7Q2MM": "", "K7Q2U": "", "K7Q-M": "",
		"K7Q2ſ": "", "ı7Q2": "", "K7Qé": "",
	} {
		if got, ok := ParseID(" " + text + " "); got != want || ok != (want != "") {
			t.Errorf("ParseID(%q) = %q, %t, want %q", text, got, ok, want)
		}
	}
}

func TestWordsForBaseten(t *testing.T) {
	for _, tt := range []struct {
		err  baseten.Error
		want string
	}{
		{baseten.Error{Kind: baseten.KindRejected, HTTPStatus: 400, Message: "max_replica is <too> high"}, "failed: Baseten refused the change (HTTP 400). Baseten says: max_replica is <too> high. Nothing was changed."},
		{baseten.Error{Kind: baseten.KindInvalid}, "failed: this change cannot be put to Baseten. Nothing was changed."},
		{baseten.Error{Kind: baseten.KindAuth}, "failed: the bot has no API key"},
		{baseten.Error{Kind: baseten.KindAuth, HTTPStatus: 403}, "API key for this (HTTP 403)."},
		{baseten.Error{Kind: baseten.KindNotFound, HTTPStatus: 404}, "not found."},
		{baseten.Error{Kind: baseten.KindLimited, HTTPStatus: 429}, "failed: Baseten takes no more calls"},
		{baseten.Error{Kind: baseten.KindServer, HTTPStatus: 500}, "failed: Baseten does not answer. Nothing was changed."},
	} {
		got := wordsForBaseten(&tt.err)
		if !strings.Contains(got, tt.want) || strings.Contains(got, "HTTP 0") {
			t.Errorf("%s: %q, want %q", tt.err.Kind, got, tt.want)
		}
	}
}

func TestWordsStillNeeded(t *testing.T) {
	for _, tt := range []struct {
		name string
		t    authz.Tally
		d    authz.Decision
		want string
	}{
		{
			"one of two", authz.Tally{Missing: map[string]int{"": 1}, Could: []string{"U0LEO"}},
			authz.Decision{Needed: map[string]int{"": 2}}, "1 of 2 approvals. Still needed: 1 of <@U0LEO>.",
		},
		{
			"by group", authz.Tally{Missing: map[string]int{"sre": 1}, Could: []string{"U0SAM"}},
			authz.Decision{Needed: map[string]int{"leads": 1, "sre": 1}}, "1 of 2 approvals. Still needed: 1 by sre of <@U0SAM>.",
		},
		{
			"one that lapsed", authz.Tally{Missing: map[string]int{"": 2}, Ignored: map[string]string{"U0LEA": "left"}},
			authz.Decision{Needed: map[string]int{"": 2}}, "0 of 2 approvals. Still needed: 2. The approval of <@U0LEA> does not count any more.",
		},
	} {
		if got := wordsStillNeeded(tt.t, tt.d); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A click that comes too late is told who was first.
func TestWordsDecided(t *testing.T) {
	lea, ana := Person{ID: "U0LEA"}, Person{ID: "U0ANA"}
	for _, tt := range []struct {
		r    Request
		want string
	}{
		{Request{State: Applied, EndedBy: lea, Requester: ana, OwedSince: noon}, "#K7Q2M was already approved by <@U0LEA> at <time:1772452800|12:00 UTC>."},
		{Request{State: Applying, EndedBy: ana, Requester: ana, OwedSince: noon}, "already confirmed by <@U0ANA>"},
		{Request{State: Applied}, "#K7Q2M is past that: it is applied."},
		{Request{State: Denied, EndedBy: lea, EndedAt: noon}, "already denied by <@U0LEA>"},
		{Request{State: Denied}, "already denied by the policy"},
		{Request{State: Canceled, EndedBy: ana}, "already canceled by <@U0ANA>"},
		{Request{State: Expired, EndedAt: noon}, "expired at"},
		{Request{State: Stale, Why: "The settings moved."}, "is already over: The settings moved."},
		{Request{State: Requested}, "Please try again in a moment."},
	} {
		tt.r.ID = "K7Q2M"
		if got := wordsDecided(&tt.r); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.r.State, got, tt.want)
		}
	}
}

func TestWordsTooLate(t *testing.T) {
	r := &Request{OwedSince: noon}
	if got, want := wordsTooLate(r, noon.Add(3*time.Hour+5*time.Minute)), "Too late: for 3 h 5 min the change could not be sent, because the bot or Baseten was away. Nothing was sent."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	r.Sends = 1
	if got := wordsTooLate(r, noon.Add(time.Hour)); strings.Contains(got, "Nothing was sent") {
		t.Errorf("it may have been sent: %q", got)
	}
}

// Every state but an end can be left, and only for states that exist.
func TestStates(t *testing.T) {
	for _, s := range States() {
		left := 0
		for _, to := range States() {
			if s.CanBecome(to) {
				left++
			}
		}
		if s.Ended() != (left == 0) {
			t.Errorf("%s: ended %t, can become %d states", s, s.Ended(), left)
		}
	}
	r := &Request{ID: "K7Q2M", State: Applied}
	if err := r.Become(Applying, noon); err == nil {
		t.Error("an end was left")
	}
}
