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
	serving := &baseten.Deployment{ID: "qrpv7y0", Name: "v12", Environment: "production", Status: "ACTIVE", ActiveReplicas: 4, Settings: settings}
	rc := &baseten.Deployment{ID: "wd4mx2p", Name: "v13-rc1", Environment: "staging", Status: "DEPLOYING", Settings: small}
	return baseten.Targets{
		ModelID: "3ydn1e43", ReadAt: asked,
		Environments: []baseten.Environment{
			{Name: "production", Current: serving, Settings: settings, Schedules: &baseten.Schedules{
				Applied:   &baseten.AppliedState{ScheduleID: "s1"},
				Schedules: []baseten.Schedule{{ID: "s1", Name: "night", Settings: baseten.Settings{baseten.MinReplica: 0, baseten.MaxReplica: 1}}},
			}},
			{Name: "staging", Current: rc, Settings: small.With(baseten.Settings{baseten.MaxReplica: 3}), Promotion: &baseten.Promotion{Status: "RAMPING_UP"}},
			{Name: "qa", Settings: small},
			{Name: "odd", Unreadable: "setting max_replica: cannot read \"many\" as a whole number"},
		},
		Deployments: []baseten.Deployment{
			*serving, *rc,
			{ID: "q4k9zt1", Name: "canary", Status: "SCALED_TO_ZERO", Settings: small},
			{ID: "31m0dev", Name: "development", Status: "BUILDING"},
		},
	}
}

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
	waiting := []*change.Request{a(pending)}
	past := []*change.Request{
		a(pending, in(change.Denied, only(change.SaidNo))),
		a(took, func(r *change.Request) { r.ID = "OLD01" }),
	}
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
	s.add("status", Status(llama, targets, nil, waiting, past, now))
	s.add("status of an environment", Status(llama, targets, found("", "production"), waiting, past, now))
	s.add("status of a deployment", Status(llama, targets, found("", "canary"), waiting, past, now))
	s.add("status of the one that serves", Status(llama, targets, found("deployment", "v12"), waiting, past, now))
	s.add("status, stale", Status(llama, stale, found("", "production"), nil, nil, now))
	s.add("status of none", Status(llama, baseten.Targets{}, nil, nil, nil, now))
	s.add("list", List(models, "", 0))
	s.add("list of a team", List(models, "search/*", 12*time.Minute))
	s.add("list by a part", List(models, "Rank", 0))
	s.add("list of nothing", List(models, "<@U0BEN>*", 0))
	s.add("list of no models", List(nil, "", 0))
	s.add("pending", Pending([]*change.Request{a(pending, two, vote), a(confirm)}))
	s.add("pending: none", Pending(nil))
	s.add("reviews", Reviews([]change.OpenReview{
		{Request: a(breakGlass, took, became(change.InForce), known), Link: "https://acme.slack.com/archives/C0ALARMS/p1"},
		{Request: a(breakGlass, in(change.Failed, change.Reason{Code: change.BasetenRefused, HTTP: 400, Text: "max_replica exceeds the quota of 10"}), sent(1), func(r *change.Request) { r.Decision.Approvers = []string{leo.ID} })},
	}))
	s.add("reviews: none", Reviews(nil))
	s.add("history", History([]*change.Request{
		a(agreed, took, became(change.InForce)), a(applied("DEFERRED", "")), a(took, became(change.Overruled), func(r *change.Request) { r.UndoneBy = "ZZZZZ" }),
		a(in(change.Failed, only(change.BasetenAway))), a(pending, in(change.Denied, only(change.SaidNo))),
		{ID: "NOPE1", State: change.Failed, CreatedAt: asked, Requester: ana, Ask: change.Ask{Text: "llama-7b production max=7"}},
	}))
	s.add("history: none", History(nil))
	s.add("whoami", WhoAmI(Self{User: "U0ANA", Channel: "C0MLONCALL", Membership: authz.Member, Groups: []string{"oncall", "leads"}}))
	s.add("whoami, not known", WhoAmI(Self{User: "U0ANA", Channel: "C0MLONCALL", Membership: authz.Unknown}))
	for _, topic := range []string{"", "max=7", "undo", "window", "reason", "change"} {
		s.add("help "+topic, Help(topic))
	}
	s.compare(t, "reads")
}

// Long lists are cut, and say so and how to see the rest.
func TestLongListsAreCut(t *testing.T) {
	var crowd baseten.Targets
	var models []baseten.Model
	var requests []*change.Request
	var reviews []change.OpenReview
	for i := range 60 {
		crowd.Deployments = append(crowd.Deployments, baseten.Deployment{ID: fmt.Sprint("d", i), Name: fmt.Sprint("v", i), Status: "INACTIVE"})
		models = append(models, baseten.Model{ID: fmt.Sprint("m", i), Name: fmt.Sprintf("model-%02d", i), Deployments: i})
		requests = append(requests, a(pending))
		reviews = append(reviews, change.OpenReview{Request: a(breakGlass, took)})
	}
	if got := reads(Reviews(reviews)); !strings.HasSuffix(got, "… and 20 more.") {
		t.Errorf("reviews are not cut:\n%s", got)
	}
	for want, m := range map[string]Message{
		"… and 15 more. Name one to see it.":                       Status(llama, crowd, nil, nil, nil, asked),
		"… and 20 more. Narrow it down: `/autoscale list llama-*`": List(models, "", 0),
		"• … and 20 more.":                                         Pending(requests),
	} {
		if got := reads(m); !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
		if len(m.Blocks) > 50 {
			t.Errorf("%d blocks", len(m.Blocks))
		}
	}
}
