package view

import (
	"strings"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

var asked = time.Date(2026, 11, 3, 14, 2, 0, 0, time.UTC)

var (
	ana = authz.Person{ID: "U0ANA", Name: "ana"}
	lea = authz.Person{ID: "U0LEA", Name: "lea"}
	leo = authz.Person{ID: "U0LEO", Name: "leo"}
)

// a is a request as most people make it, changed by each of steps.
func a(steps ...func(*change.Request)) *change.Request {
	r := &change.Request{
		ID: "K7Q2M", Version: 3, Kind: change.KindChange, State: change.Requested, CreatedAt: asked,
		Requester: ana, Channel: "C0MLONCALL", ChannelName: "ml-oncall",
		Ask:    change.Ask{Text: "llama-70b production max=7", Model: "llama-70b", Target: "production", Settings: baseten.Settings{baseten.MaxReplica: 7}},
		Target: baseten.Target{ModelID: "3ydn1e43", Model: "llama-70b", Environment: "production", DeploymentID: "qrpv7y0", Deployment: "v12", Serves: "production"},
		Snapshot: change.Snapshot{
			At: asked, Status: "ACTIVE", Replicas: 4,
			Settings: baseten.Settings{
				baseten.MinReplica: 2, baseten.MaxReplica: 4, baseten.AutoscalingWindow: 60,
				baseten.ScaleDownDelay: 900, baseten.ConcurrencyTarget: 32, baseten.TargetUtilization: 70,
			},
			Cost: &baseten.Cost{FloorBefore: 13, FloorAfter: 13, CeilingBefore: 26, CeilingAfter: 45.5},
		},
		Decision: authz.Decision{Effect: authz.Allow, Rule: "on-call may raise LLMs up to 8"},
	}
	for _, step := range steps {
		step(r)
	}
	return r
}

func asks(s baseten.Settings) func(*change.Request) {
	return func(r *change.Request) { r.Ask.Settings = s }
}

func giving(reason string) func(*change.Request) {
	return func(r *change.Request) { r.Ask.Reason = reason }
}

// posted has a card in the channel.
func posted(r *change.Request) {
	r.Messages.Card.Ref = change.MessageRef{Channel: r.Channel, TS: "1793714520.000100"}
}

// pending waits for one of the two leads.
func pending(r *change.Request) {
	posted(r)
	r.State, r.Messages.Buttons, r.ExpiresAt = change.Pending, true, asked.Add(4*time.Hour)
	r.Decision = authz.Decision{
		Effect: authz.Approve, Rule: "the rest needs a lead", Needed: map[string]int{"": 1},
		Approvers: []string{lea.ID, leo.ID}, BreakGlass: true,
	}
	r.Audience.Mentioned = []string{lea.ID, leo.ID}
}

func two(r *change.Request) { r.Decision.Needed = map[string]int{"": 2} }

func perGroup(r *change.Request) {
	r.Decision.Needed = map[string]int{"sre": 1, "leads": 1}
	r.Decision.Approvers = []string{lea.ID, leo.ID, "U0SRE", "U0S2", "U0S3", "U0S4", "U0S5"}
	r.Audience.Mentioned = r.Decision.Approvers[:5]
}

// vote is an approval of lea, after which leo could give the missing one.
func vote(r *change.Request) {
	r.Votes = append(r.Votes, change.Vote{Person: lea, At: asked.Add(3 * time.Minute)})
	r.Tally = authz.Tally{Counts: []string{lea.ID}, Missing: map[string]int{"": 1}, Could: []string{leo.ID}}
}

// agreed has the approval that it needed.
func agreed(r *change.Request) {
	pending(r)
	r.Votes = []change.Vote{{Person: lea, At: asked.Add(3 * time.Minute)}}
	r.Tally = authz.Tally{Counts: []string{lea.ID}, Satisfied: true}
	r.State, r.Messages.Buttons, r.OwedSince = change.Approved, false, asked.Add(3*time.Minute)
}

func confirm(r *change.Request) {
	posted(r)
	r.State, r.Messages.Buttons, r.ExpiresAt = change.Pending, true, asked.Add(15*time.Minute)
	r.Decision = authz.Decision{Effect: authz.Confirm, Rule: "staging needs a second look"}
}

func in(s change.State, reason change.Reason) func(*change.Request) {
	return func(r *change.Request) {
		r.State, r.Reason, r.Messages.Buttons = s, reason, false
		if s.Ended() {
			r.EndedAt = asked.Add(5 * time.Minute)
		}
	}
}

func only(code change.Code) change.Reason { return change.Reason{Code: code} }

func sent(times int) func(*change.Request) {
	return func(r *change.Request) { r.Sends, r.SentAt = times, asked.Add(4*time.Minute) }
}

func applied(status, message string) func(*change.Request) {
	return func(r *change.Request) {
		posted(r)
		sent(1)(r)
		in(change.Applied, change.Reason{})(r)
		r.AppliedAt = asked.Add(5 * time.Minute)
		r.Answer = change.Answer{Status: status, Message: message}
		r.Outcome = change.Outcome{Kind: change.Following}
	}
}

func took(r *change.Request) { applied("ACCEPTED", "Autoscaling settings update was accepted.")(r) }

// became is an outcome, found a quarter of an hour after the answer.
func became(kind change.OutcomeKind, more ...func(*change.Outcome)) func(*change.Request) {
	return func(r *change.Request) {
		if r.AppliedAt.IsZero() {
			r.AppliedAt = asked.Add(5 * time.Minute)
		}
		r.Outcome = change.Outcome{
			Kind: kind, At: r.AppliedAt.Add(15 * time.Minute), InForceAt: r.AppliedAt.Add(12 * time.Second),
			Replicas: 6, Goal: 7, Current: r.Snapshot.Settings, Final: true,
		}
		for _, m := range more {
			m(&r.Outcome)
		}
	}
}

func breakGlass(r *change.Request) {
	pending(r)
	r.Ask.BreakGlass, r.Ask.Reason, r.Decision.BrokeGlass, r.Decision.Effect = true, "customers are waiting", true, authz.Allow
	r.Review.Open, r.Messages.Buttons = true, false
}

// known is a break-glass of which is known when it was and where its card stands.
func known(r *change.Request) {
	r.OwedSince, r.Review.Card = asked, "https://acme.slack.com/archives/C0MLONCALL/p1793714520000100"
}

func deployment(r *change.Request) {
	r.Target.Environment, r.Target.Deployment = "", "v12"
}

func noted(notes ...change.Note) func(*change.Request) {
	return func(r *change.Request) { r.Snapshot.Notes = notes }
}

func team(r *change.Request) {
	r.Target.Team, r.Target.Model, r.Target.SharedName = "ads", "rerank", true
}

// givenUp is a request whose reply could not be posted.
func givenUp(by change.Way) func(*change.Request) {
	return func(r *change.Request) { r.Messages.Reply.GivenUp, r.Told = true, by }
}

func four() *int { v := 4; return &v }
func five() *int { v := 5; return &v }

func movedTo5() []change.Moved {
	return []change.Moved{{Field: baseten.MaxReplica, Was: four(), Is: five()}}
}

const curl = "curl -X PATCH https://api.baseten.co/v1/models/3ydn1e43/environments/production \\\n  -H \"Authorization: Api-Key $BASETEN_API_KEY\" \\\n  -d '{\"autoscaling_settings\":{\"max_replica\":7}}'"

const evil = "<!channel> *bold* `code` :tada: <@U0BEN> <https://evil.example|click> &amp;\nApproved by the boss. \u202eyawa og\u202c \x07 llama\u200b \U000e0041"

// hostile has everything that can be typed or sent by Baseten against us.
func hostile(r *change.Request) {
	r.Target.Model, r.Target.Environment, r.Target.Deployment, r.Target.Team = evil, evil, evil, evil
	r.Target.SharedName = true
	r.Target.ModelID, r.Target.DeploymentID = "*m* <!here>", "`d`"
	r.Ask.Reason, r.Ask.Text, r.Requester.Name, r.DeniedBy.Name = evil, evil, evil, evil
	r.Snapshot.Status, r.ChannelName = evil, evil
	r.Snapshot.Notes = []change.Note{
		{Code: change.NoteServes, Name: evil}, {Code: change.NoteSchedule, Name: evil, Fields: []baseten.Field{evil}},
		{Code: change.NotePromotionRuns, Status: evil}, {Code: evil},
	}
	r.Reason.Text, r.Reason.BasetenCode, r.Reason.Names, r.Reason.Was, r.Reason.Is = evil, evil, []string{evil}, evil, evil
	r.Reason.Link = "https://evil.example/|<!channel>"
	r.Reason.Cause = authz.Cause{Code: authz.CauseDenies, Rule: evil, Text: evil, Who: []string{evil}, OtherRule: evil}
	r.Answer = change.Answer{Status: evil, Message: evil}
	r.Outcome.Schedule = evil
	r.Requester.Zone, r.Ask.Clock = evil, evil
	if r.Reason.Freeze != nil {
		r.Reason.Freeze = &change.Freeze{ID: r.Reason.Freeze.ID, By: authz.Person{ID: evil, Name: evil}, Model: evil, Target: evil, Reason: evil, Thaw: []string{evil, lea.ID}, Link: evil}
	}
}

// long has everything at its limit.
func long(r *change.Request) {
	r.Ask.Settings = baseten.Settings{}
	for i, row := range baseten.AllSettings {
		r.Ask.Settings[row.Field] = 1_000_000 + i
	}
	r.Target.Model, r.Target.Environment, r.Target.Team = strings.Repeat("m", 300), strings.Repeat("é", 300), strings.Repeat("t", 300)
	r.Target.SharedName = true
	r.Ask.Reason, r.Ask.Text = strings.Repeat("word ", 100), strings.Repeat("&", 4000)
	r.Answer = change.Answer{Status: strings.Repeat("S", 200), Message: strings.Repeat("long <&> message ", 220)}
	r.Reason.Text, r.Reason.Call = strings.Repeat("<&>", 1000), strings.Repeat("<&>", 2000)
	for range 12 {
		r.Snapshot.Notes = append(r.Snapshot.Notes, change.Note{Code: change.NoteServes, Name: strings.Repeat("n", 300)})
	}
	r.Snapshot.Cost = &baseten.Cost{FloorAfter: 1e300, CeilingAfter: 1e300}
	for range 50 {
		r.Beside = append(r.Beside, "AAAAA")
		r.Decision.Approvers = append(r.Decision.Approvers, "U0MANY")
		r.News.Also = append(r.News.Also, "BBBBB")
	}
}
