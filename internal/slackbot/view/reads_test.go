package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/authz/condition"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

var llama = baseten.Model{ID: "3ydn1e43", Name: "llama-70b", Team: "llm"}

// llamaTargets have all that status can show.
func llamaTargets() baseten.Targets {
	settings := a().Snapshot.Settings
	small := baseten.Settings{baseten.MinReplica: 0, baseten.MaxReplica: 2}
	serving := &baseten.Deployment{ID: "qrpv7y0", Name: "v12", Environment: "production", Status: "ACTIVE", ActiveReplicas: 4, Settings: settings, InstanceType: "H100"}
	rc := &baseten.Deployment{ID: "wd4mx2p", Name: "v13-rc1", Environment: "staging", Status: "DEPLOYING", Settings: small}
	return baseten.Targets{
		ModelID: "3ydn1e43", ReadAt: asked,
		Environments: []baseten.Environment{
			{Name: "production", Current: serving, Settings: settings, InstanceType: baseten.InstanceType{ID: "h100"}, Schedules: &baseten.Schedules{
				Applied:   &baseten.AppliedState{ScheduleID: "s1"},
				Schedules: []baseten.Schedule{{ID: "s1", Name: "night", Settings: baseten.Settings{baseten.MinReplica: 0, baseten.MaxReplica: 1}}},
			}},
			{Name: "staging", Current: rc, Settings: small.With(baseten.Settings{baseten.MaxReplica: 3}), Promotion: &baseten.Promotion{Status: "RAMPING_UP"}},
			{Name: "qa", Settings: small},
			{
				Name: "load", Settings: small, InstanceType: baseten.InstanceType{ID: "h100"},
				Current: &baseten.Deployment{ID: "ld0x2a", Name: "v12", Environment: "load", Status: "ACTIVE", ActiveReplicas: 2, Settings: small},
				Schedules: &baseten.Schedules{Timezone: "Europe/Berlin", Schedules: []baseten.Schedule{{
					ID: "s2", Name: "evening", Enabled: true, Cadence: baseten.Daily, StartHour: hour(19), EndHour: hour(23), Settings: baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 8},
				}}},
			},
			{Name: "odd", Unreadable: "setting max_replica: cannot read \"many\" as a whole number"},
		},
		Deployments: []baseten.Deployment{
			*serving, *rc,
			{ID: "q4k9zt1", Name: "canary", Status: "SCALED_TO_ZERO", Settings: small},
			{ID: "31m0dev", Name: "development", Status: "BUILDING"},
		},
	}
}

func hour(n int) *int { return &n }

func steps() []authz.Step {
	return []authz.Step{
		{Rule: "production keeps a replica", Effect: authz.Deny, Miss: authz.PartUntouched, Field: baseten.MinReplica},
		{Rule: "on-call may raise LLMs up to 8", Effect: authz.Allow, Miss: authz.PartWhen, False: condition.Shortfall{
			Part: "after.max_replica <= 8", Read: []condition.Operand{{Name: "after.max_replica", Value: int64(12)}},
		}},
		{Rule: "the rest needs a lead", Effect: authz.Approve, Matched: true, Decided: true},
	}
}

func TestGoldenReads(t *testing.T) {
	targets, stale := llamaTargets(), llamaTargets()
	stale.Stale = true
	found := func(kind, word string) *baseten.Resolved {
		r, err := targets.Resolve(kind, word)
		if err != nil {
			t.Fatal(err)
		}
		return &r
	}
	card := func(r *change.Request) change.Listed {
		return change.Listed{Request: r, Link: "https://acme.slack.com/archives/C0MLONCALL/p1"}
	}
	toDecide := func(r *change.Request) change.Listed { l := card(r); l.Approvable = true; return l }
	wants := func(most int) func(*change.Request) {
		return func(r *change.Request) { r.ID, r.Ask.Settings = "NB8T8", baseten.Settings{baseten.MaxReplica: most} }
	}
	st := change.ModelStatus{
		Model: llama, Targets: targets, Prices: baseten.NewPriceList([]baseten.Price{{InstanceType: baseten.InstanceType{ID: "h100", Name: "H100"}, PerMinute: 6.5 / 60}}),
		Pending: []change.Listed{card(a(pending, wants(30)))},
		Last: []change.Listed{
			card(a(pending, in(change.Denied, only(change.SaidNo)))),
			card(a(took, became(change.InForce), func(r *change.Request) { r.ID, r.SentAt = "OLD01", r.AppliedAt })),
		},
	}
	st.Last = append(st.Last, card(a(took, became(change.Overruled), func(r *change.Request) { r.SentAt, r.Target.Environment = r.AppliedAt, "load" })))
	old := st
	old.Targets, old.Pending, old.Last = stale, nil, nil
	models := []baseten.Model{
		{ID: "4r1nksr8", Name: "rerank", Team: "search", SharedName: true, Deployments: 1},
		{ID: "9r2nkad3", Name: "rerank", Team: "ads", SharedName: true, Deployments: 3},
		{ID: "3ydn1e43", Name: "llama-70b", Team: "llm", Deployments: 4},
		{ID: "evil", Name: "<!channel> *x*\ny", Team: "`t`", Deployments: 2},
	}
	denied := change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseDenies, Rule: "production keeps a replica", Text: "Production never scales to zero.", Everybody: true}}
	notFound := change.Reason{Code: change.NameNotFound, Text: "llama-7b", Names: []string{"llama-70b"}}
	now := asked.Add(12 * time.Minute)

	var s sheet
	s.add("dry run: at once", Preview(a(noted(change.Note{Code: change.NoteSchedule, Name: "night", Fields: []baseten.Field{baseten.MaxReplica}})), change.Reason{}, nil))
	s.add("dry run: approval", Preview(a(pending, two), change.Reason{}, nil))
	s.add("dry run: confirm", Preview(a(confirm, asks(baseten.Settings{baseten.MinReplica: 1, baseten.MaxReplica: 3})), change.Reason{}, nil))
	s.add("dry run: glass", Preview(a(breakGlass), change.Reason{}, nil))
	s.add("dry run: denied", Preview(a(), denied, nil))
	s.add("dry run: not found", Preview(&change.Request{Requester: ana}, notFound, nil))
	s.add("can", Preview(a(pending), change.Reason{}, steps()))
	s.add("status", Status(st, nil, now))
	s.add("status of an environment", Status(st, found("", "production"), now))
	s.add("status of a deployment", Status(st, found("", "canary"), now))
	s.add("status of the one that serves", Status(st, found("deployment", "v12"), now))
	s.add("status, stale", Status(old, found("", "production"), now))
	s.add("status of none", Status(change.ModelStatus{Model: llama}, nil, now))
	list := func(glob string, age time.Duration, near ...string) Message {
		return List(Models{All: models, Glob: glob, Age: age, Near: near, Now: now, Last: func(id string) (baseten.Targets, bool) {
			return targets, id == llama.ID
		}})
	}
	s.add("list", list("", 0))
	s.add("list of a team", list("search/*", 12*time.Minute))
	s.add("list by a part", list("Rank", 0))
	s.add("list of nothing", list("<@U0BEN>*", 0))
	s.add("list of nothing, nearly", list("lammma", 0, "llama-70b", "search/rerank"))
	s.add("list of no models", List(Models{}))
	mine := a(pending, confirm)
	s.add("pending", Pending([]change.Listed{card(a(pending, two, vote)), toDecide(a(pending, wants(30))), card(mine)}, change.Terms{}))
	s.add("pending: none", Pending(nil, change.Terms{}))
	broken := change.Listed{Request: a(breakGlass, took, became(change.InForce), known), Link: "https://acme.slack.com/archives/C0ALARMS/p1", Signable: true}
	failed := a(breakGlass, in(change.Failed, change.Reason{Code: change.BasetenRefused, HTTP: 400, Text: "max_replica exceeds the quota of 10"}), sent(1), func(r *change.Request) { r.Decision.Approvers = []string{leo.ID} })
	s.add("reviews", Reviews([]change.Listed{broken, {Request: failed}}))
	s.add("reviews: none", Reviews(nil))
	past := []change.Listed{
		card(a(agreed, took, sent(1), became(change.InForce))), card(a(applied("DEFERRED", ""), sent(1))),
		card(a(took, sent(1), became(change.Overruled), func(r *change.Request) { r.UndoneBy = "ZZZZZ" })),
		card(a(breakGlass, took, sent(1), became(change.InForce), known)),
		card(a(in(change.Failed, only(change.NotTaken)), sent(2))),
	}
	s.add("history", History(past, false))
	s.add("history all", History([]change.Listed{
		card(a(in(change.Failed, only(change.BasetenAway)))), card(a(pending, in(change.Denied, only(change.SaidNo)))), card(a(pending)), {Request: a(in(change.Expired, only(change.TimeOut)))},
	}, true))
	s.add("history: none", History(nil, false))
	s.add("history all: none", History(nil, true))
	me := Self{User: "U0ANA", Channel: "C0MLONCALL", Membership: authz.Member, Groups: []string{"oncall", "leads"}, Stakes: []authz.Stake{
		{Rule: "nobody touches staging", Effect: authz.Deny, Asks: true, Targets: []string{"staging"}},
		{Rule: "on-call may raise LLMs up to 8", Effect: authz.Allow, Asks: true, Models: []string{"llama-*"}, Settings: []baseten.Field{baseten.MaxReplica}, When: "change.max_replica.up && after.max_replica <= 8"},
		{Rule: "development", Effect: authz.Confirm, Asks: true, Targets: []string{"development"}},
		{Rule: "the rest needs a lead", Effect: authz.Approve, Asks: true, Approves: true, Skips: true, Needed: map[string]int{"": 1}, Approvers: []string{"leads"}},
		{Rule: "freeze", Freezes: true},
	}}
	s.add("whoami", WhoAmI(me))
	s.add("whoami, elsewhere", WhoAmI(Self{User: "U0ANA", Channel: "C0OTHER", Membership: authz.Member, Here: change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseChannel, Who: []string{"C0MLOPS"}}}}))
	s.add("whoami, not known", WhoAmI(Self{User: "U0ANA", Channel: "C0MLONCALL", Membership: authz.Unknown}))
	s.add("home", Home(change.Home{Approvable: []change.Listed{toDecide(a(pending, wants(30)))}, Own: []change.Listed{card(mine), past[0]}, Reviews: []change.Listed{broken, {Request: failed}}, Recent: past}, me.Stakes, Message{}, now))
	s.add("home: nothing, after a press", Home(change.Home{}, nil, ExplainOffer("K7Q2M"), now))
	for _, topic := range []string{"", "max=7", "undo", "window", "reason", "change"} {
		s.add("help "+topic, Help(topic))
	}
	s.compare(t, "reads")
}

// Long lists are cut, and say so and how to see the rest.
func TestLongListsAreCut(t *testing.T) {
	var crowd change.ModelStatus
	var models []baseten.Model
	var requests []change.Listed
	for i := range 60 {
		crowd.Targets.Deployments = append(crowd.Targets.Deployments, baseten.Deployment{ID: fmt.Sprint("d", i), Name: fmt.Sprint("v", i), Status: []string{"ACTIVE", "INACTIVE"}[i%2]})
		models = append(models, baseten.Model{ID: fmt.Sprint("m", i), Name: fmt.Sprintf("model-%02d", i), Deployments: i})
		requests = append(requests, change.Listed{Request: a(pending), Approvable: i%3 == 0, Link: "https://acme.slack.com/archives/C0MLONCALL/p1"})
	}
	for want, m := range map[string]Message{
		"… and 10 more. Name one to see it.":                       Status(crowd, nil, asked),
		"v19 (inactive) and 20 more.":                              Status(crowd, nil, asked),
		"… and 20 more. Narrow it down: `/autoscale list llama-*`": List(Models{All: models}),
		"• … and 5 more.":                                          Pending(requests, change.Terms{}),
		"• … and 20 more.":                                         Reviews(requests),
	} {
		if got := reads(m); !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
		if len(m.Blocks) > 50 {
			t.Errorf("%d blocks", len(m.Blocks))
		}
	}
}

// noReading is a catalogue that has read no model.
func noReading(string) (baseten.Targets, bool) { return baseten.Targets{}, false }
