package slackbot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// llama is a model with all that status can show.
func llama() change.Standing {
	settings := a().Reading.Settings
	small := baseten.Settings{baseten.MinReplica: 0, baseten.MaxReplica: 2}
	serving := &baseten.Deployment{ID: "qrpv7y0", Name: "v12", Environment: "production", Status: "ACTIVE", ActiveReplicas: 4, Settings: settings}
	rc := &baseten.Deployment{ID: "wd4mx2p", Name: "v13-rc1", Environment: "staging", Status: "DEPLOYING", ActiveReplicas: 0, Settings: small}
	st := change.Standing{
		Model: baseten.Model{ID: "3ydn1e43", Name: "llama-70b", Team: "llm"},
		Targets: baseten.Targets{
			ModelID: "3ydn1e43", ReadAt: asked3Nov,
			Environments: []baseten.Environment{
				{Name: "production", Current: serving, Settings: settings, Schedules: &baseten.Schedules{Applied: &baseten.AppliedState{ScheduleID: "s1"}, Schedules: []baseten.Schedule{{ID: "s1", Name: "night"}}}},
				{Name: "staging", Current: rc, Settings: small.With(baseten.Settings{baseten.MaxReplica: 3}), Promotion: &baseten.Promotion{Status: "RAMPING_UP"}},
				{Name: "qa", Settings: small},
			},
			Deployments: []baseten.Deployment{
				*serving, *rc,
				{ID: "q4k9zt1", Name: "canary", Status: "SCALED_TO_ZERO", Settings: small},
				{ID: "31m0dev", Name: "development", Status: "BUILDING"},
			},
		},
		Pending: []*change.Request{a(pending)},
		Last: []*change.Request{
			a(in(change.Denied, "")),
			a(applied("ACCEPTED", ""), func(r *change.Request) { r.ID = "OLD01" }),
		},
	}
	return st
}

func explained3() authz.Explanation {
	return authz.Explanation{Steps: []authz.Step{
		{Rule: "production keeps a replica", Effect: authz.Deny, Why: "when: min_replica is not touched"},
		{Rule: "on-call may raise LLMs up to 8", Effect: authz.Allow, Why: "when is false"},
		{Rule: "the rest needs a lead", Effect: authz.Approve, Matched: true, Decided: true},
	}}
}

func TestGoldenReads(t *testing.T) {
	st := llama()
	stale := llama()
	stale.Targets.Stale = true
	production, err := st.Targets.Resolve("", "production")
	if err != nil {
		t.Fatal(err)
	}
	v12, err := st.Targets.Resolve("deployment", "v12")
	if err != nil {
		t.Fatal(err)
	}
	canary, err := st.Targets.Resolve("", "canary")
	if err != nil {
		t.Fatal(err)
	}
	crowd := change.Standing{Model: st.Model}
	var many []baseten.Model
	for i := range 60 {
		crowd.Targets.Deployments = append(crowd.Targets.Deployments, baseten.Deployment{ID: fmt.Sprint("d", i), Name: fmt.Sprint("v", i), Status: "INACTIVE", Settings: baseten.Settings{}})
		many = append(many, baseten.Model{ID: fmt.Sprint("m", i), Name: fmt.Sprintf("model-%02d", i), Deployments: i})
	}
	models := []baseten.Model{
		{ID: "4r1nksr8", Name: "rerank", Team: "search", Deployments: 1},
		{ID: "9r2nkad3", Name: "rerank", Team: "ads", Deployments: 3},
		{ID: "3ydn1e43", Name: "llama-70b", Deployments: 4},
		{ID: "evil", Name: "<!channel> *x*\ny", Team: "`t`", Deployments: 2},
	}
	w := newWorkspace(t)
	for name, m := range map[string]message{
		"dry-run-allow":      previewMessage(change.Preview{Request: a(notes2)}, false),
		"dry-run-approve":    previewMessage(change.Preview{Request: a(pending, two)}, false),
		"dry-run-confirm":    previewMessage(change.Preview{Request: a(confirm, unpriced)}, false),
		"dry-run-glass":      previewMessage(change.Preview{Request: a(pending, glass)}, false),
		"dry-run-denied":     previewMessage(change.Preview{Request: a(asks(baseten.Settings{baseten.MinReplica: 0})), Why: "not allowed: Production never scales to zero. (rule “production keeps a replica”)"}, false),
		"dry-run-unknown":    previewMessage(change.Preview{Request: &change.Request{}, Why: "llama-7b not found. Did you mean llama-70b? Nothing was changed."}, false),
		"can":                previewMessage(change.Preview{Request: a(pending), Explanation: explained3()}, true),
		"status":             statusMessage(st, nil),
		"status-environment": statusMessage(st, &production),
		"status-deployment":  statusMessage(st, &canary),
		"status-serving":     statusMessage(st, &v12),
		"status-stale":       statusMessage(stale, &production),
		"status-many":        statusMessage(crowd, nil),
		"status-empty":       statusMessage(change.Standing{Model: st.Model}, nil),
		"list":               modelsMessage(models, "", ""),
		"list-glob":          modelsMessage(models, "search/*", "Baseten does not answer; this is from 12 min ago."),
		"list-none":          modelsMessage(models, "<@U0BEN>*", ""),
		"list-many":          modelsMessage(many, "", ""),
		"pending":            pendingMessage([]*change.Request{a(pending, two, vote(lea, "Still needed: 1 of <@U0LEO>.")), a(confirm)}),
		"pending-none":       pendingMessage(nil),
		"history": historyMessage([]*change.Request{
			a(applied("ACCEPTED", "")), a(applied("DEFERRED", "")), a(readBack), a(in(change.Failed, byHand)), a(pending, in(change.Denied, "")),
			{ID: "NOPE1", State: change.Failed, CreatedAt: asked3Nov, Requester: ana, Ask: change.Ask{Text: "llama-7b production max=7"}},
		}),
		"history-none":   historyMessage(nil),
		"whoami":         whoamiMessage(self{"U0ANA", "C0MLONCALL", "member", true, []string{"oncall", "leads"}, nil}),
		"whoami-unknown": whoamiMessage(self{user: "U0ANA", channel: "C0MLONCALL", standing: "Slack did not say"}),
		"help":           helpMessage(commands.Help("")),
		"help-change":    helpMessage(commands.Help("max=7")),
		"help-command":   helpMessage(commands.Help("undo")),
		"help-setting":   helpMessage(commands.Help("window")),
		"explain":        explainOffer("K7Q2M"),
		"sentence":       plainMessage("#K7Q2M was already approved by <@U0LEA> at <time:1793714520|14:02 UTC>."),
	} {
		t.Run(name, func(t *testing.T) { w.golden(t, "answer/"+name, m) })
	}
}

func TestBareLeavesNoMarkup(t *testing.T) {
	got := bare("only <@U0ANA> can, until <time:1793714520|14:02 UTC> or <day:1793714520|3 Nov 14:02 UTC>.")
	if want := "only somebody else can, until 14:02 UTC or 3 Nov 14:02 UTC."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Times are Slack's own elements, so that everybody reads them in their own zone.
func TestTimesAreReadInTheReadersZone(t *testing.T) {
	r := a(pending)
	r.ExpiresAt = asked3Nov.Add(90 * time.Hour)
	m := render(r, change.Root)
	if got := texts(t, m, "date", "fallback"); len(got) != 1 || got[0] != "7 Nov 08:02 UTC" {
		t.Errorf("times %q", got)
	}
	if !strings.Contains(m.text, "<!date^1794038520^{date_short_pretty} at {time}|7 Nov 08:02 UTC>") {
		t.Errorf("the text has no such time: %s", m.text)
	}
}
