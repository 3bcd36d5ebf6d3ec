package slackbot

import (
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

var asked3Nov = time.Date(2026, 11, 3, 14, 2, 0, 0, time.UTC)

var (
	ana = change.Person{ID: "U0ANA", Name: "ana"}
	lea = change.Person{ID: "U0LEA", Name: "lea"}
	leo = change.Person{ID: "U0LEO", Name: "leo"}
)

// a request as most people make it, changed by each of steps.
func a(steps ...func(*change.Request)) *change.Request {
	r := &change.Request{
		ID: "K7Q2M", Version: 3, State: change.Requested, CreatedAt: asked3Nov,
		Requester: ana, Channel: "C0MLONCALL", ChannelName: "ml-oncall",
		Ask:    change.Ask{Text: "llama-70b production max=7", Model: "llama-70b", Target: "production", Settings: baseten.Settings{baseten.MaxReplica: 7}},
		Target: change.Target{ModelID: "3ydn1e43", ModelName: "llama-70b", Environment: "production", DeploymentID: "qrpv7y0", DeploymentName: "v12"},
		Reading: change.Reading{
			At: asked3Nov, Status: "ACTIVE", Replicas: 4,
			Settings: baseten.Settings{
				baseten.MinReplica: 2, baseten.MaxReplica: 4, baseten.AutoscalingWindow: 60,
				baseten.ScaleDownDelay: 900, baseten.ConcurrencyTarget: 32, baseten.TargetUtilization: 70,
			},
			Cost: &change.Cost{FloorBefore: 13, FloorAfter: 13, CeilingBefore: 26, CeilingAfter: 45.5},
		},
		Ruling: change.Ruling{Effect: "allow", Rule: "on-call may raise LLMs up to 8"},
	}
	for _, step := range steps {
		step(r)
	}
	return r
}

func asks(s baseten.Settings) func(*change.Request) {
	return func(r *change.Request) { r.Ask.Settings = s }
}

func because(reason string) func(*change.Request) {
	return func(r *change.Request) { r.Ask.Reason = reason }
}

func notes2(r *change.Request) {
	r.Reading.Notes = []string{
		"production is under schedule night until 06:00 Europe/Berlin; this takes effect afterwards.",
		"A promotion into production is in progress (DEPLOYING, 40 % of traffic moved): replicas may follow only when it ends.",
	}
}

// pending waits for one of the two leads.
func pending(r *change.Request) {
	r.State, r.Buttons, r.ExpiresAt = change.Pending, true, asked3Nov.Add(4*time.Hour)
	r.Ruling = change.Ruling{
		Effect: "approve", Rule: "the rest needs a lead", Needed: map[string]int{"": 1},
		Approvers: []string{lea.ID, leo.ID}, Mentioned: []string{lea.ID, leo.ID}, BreakGlass: true,
	}
}

func two(r *change.Request) { r.Ruling.Needed = map[string]int{"": 2} }

func perGroup(r *change.Request) {
	r.Ruling.Needed = map[string]int{"sre": 1, "leads": 1}
	r.Ruling.Approvers = []string{lea.ID, leo.ID, "U0SRE", "U0S2", "U0S3", "U0S4", "U0S5"}
	r.Ruling.Mentioned = []string{lea.ID, leo.ID, "U0SRE", "U0S2", "U0S3"}
}

func vote(p change.Person, missing string) func(*change.Request) {
	return func(r *change.Request) {
		r.Votes = append(r.Votes, change.Vote{Person: p, Approve: true, At: asked3Nov.Add(3 * time.Minute)})
		r.Ruling.Missing = missing
	}
}

func confirm(r *change.Request) {
	r.State, r.Buttons, r.ExpiresAt = change.Pending, true, asked3Nov.Add(15*time.Minute)
	r.Ruling = change.Ruling{Effect: "confirm", Rule: "staging needs a second look"}
	r.Target.Environment = "staging"
}

func by(p change.Person) func(*change.Request) { return func(r *change.Request) { r.EndedBy = p } }

func in(s change.State, why string) func(*change.Request) {
	return func(r *change.Request) { r.State, r.Why, r.Buttons = s, why, false }
}

func applied(status, said string) func(*change.Request) {
	return func(r *change.Request) {
		r.State, r.Sends, r.Buttons, r.AppliedAt = change.Applied, 1, false, asked3Nov.Add(5*time.Minute)
		r.Answer = change.Answer{Status: status, Message: said}
		r.Outcome = change.Outcome{Kind: change.Following}
	}
}

func readBack(r *change.Request) {
	applied("", "")(r)
	r.Answer.ReadBack, r.Why = true, "Baseten's answer was lost, but the settings read back as asked."
}

func outcome(kind change.OutcomeKind, final bool, text string) func(*change.Request) {
	return func(r *change.Request) { r.Outcome = change.Outcome{Kind: kind, Final: final, Text: text} }
}

func glass(r *change.Request) {
	r.Ask.BreakGlass, r.Ask.Reason, r.Ruling.BrokeGlass, r.Review.Open = true, "customers are waiting", true, true
}

func undoes(r *change.Request) { r.From, r.FromKind = "9ABCD", change.FromUndo }

func deployment(r *change.Request) {
	r.Target.Environment, r.Target.DeploymentName, r.Target.Serves = "", "v12", "production"
	r.Reading.Notes = []string{"This deployment serves production: the next promotion will overwrite the change. To keep it, change the environment: /autoscale llama-70b env:production max=7"}
}

func unpriced(r *change.Request) { r.Reading.Cost = nil }

func asleep(r *change.Request) { r.Reading.Status, r.Reading.Replicas = "SCALED_TO_ZERO", 0 }

func elsewhereTold(r *change.Request) { r.Elsewhere = "direct message" }

func reviewed(r *change.Request) { r.Review.Open, r.Review.By = false, lea }

const byHand = "failed: Baseten refused the change (HTTP 400). Baseten says: max_replica exceeds the quota of 10. Nothing was changed. To make the change by hand:\n" +
	"curl -X PATCH https://api.baseten.co/v1/models/3ydn1e43/environments/production \\\n  -H \"Authorization: Api-Key $BASETEN_API_KEY\" -H 'Content-Type: application/json' \\\n  -d '{\"autoscaling_settings\":{\"max_replica\":7}}'"

// everything about a request that can be typed is hostile here.
func hostile(r *change.Request) {
	const evil = "<!channel> *bold* `code` :tada: <@U0BEN> <https://evil.example|click>\nApproved by the boss. \u202eyawa og\u202c \x07"
	r.Target.ModelName, r.Target.Environment, r.Target.DeploymentName = evil, evil, evil
	r.Target.ModelID, r.Target.DeploymentID = "*m* <!here>", "`d`"
	r.Ask.Reason, r.Requester.Name, r.EndedBy.Name = evil, evil, evil
	r.Reading.Status = evil
	r.Reading.Notes = []string{strings.ReplaceAll(evil, "<", "‹")}
	r.Answer = change.Answer{Status: "<!channel> OK", Message: evil}
}

// long is everything at its limit.
func long(r *change.Request) {
	r.Ask.Settings = baseten.Settings{}
	for i, row := range baseten.AllSettings {
		r.Ask.Settings[row.Field] = 40 + i
	}
	r.Target.ModelName, r.Target.Environment = strings.Repeat("m", 300), strings.Repeat("é", 300)
	r.Ask.Reason = strings.Repeat("word ", 100)
	r.Answer = change.Answer{Status: strings.Repeat("S", 200), Message: strings.Repeat("long message ", 230)}
	for range 12 {
		r.Reading.Notes = append(r.Reading.Notes, strings.Repeat("note ", 80))
	}
	r.Beside = []change.ID{"AAAAA", "BBBBB", "CCCCC", "DDDDD"}
}

// views are every state and kind of request, as card and, where it has one, reply.
var views = []struct {
	name  string
	parts []change.Part
	r     *change.Request
}{
	{"changes", root, a()},
	{"changes-notes", root, a(notes2)},
	{"changes-deployment", root, a(deployment)},
	{"changes-several", root, a(asks(baseten.Settings{baseten.MinReplica: 3, baseten.MaxReplica: 7, baseten.ScaleDownDelay: 120}), because("launch at noon"))},
	{"changes-delay", root, a(asks(baseten.Settings{baseten.ScaleDownDelay: 120}))},
	{"changes-unset", root, a(asks(baseten.Settings{baseten.MaxScaleDownRate: 20}))},
	{"changes-price-unknown", root, a(unpriced, asleep)},
	{"pending", root, a(pending, because("launch at noon"))},
	{"pending-two", root, a(pending, two)},
	{"pending-two-one-vote", root, a(pending, two, vote(lea, "Still needed: 1 of <@U0LEO>."))},
	{"pending-groups", root, a(pending, perGroup)},
	{"pending-beside", root, a(pending, func(r *change.Request) { r.Beside = []change.ID{"PPPPP", "QQQQQ"} })},
	{"pending-outside", root, a(pending, func(r *change.Request) { r.Ruling.Outside = true })},
	{"confirm", root, a(confirm, asks(baseten.Settings{baseten.MinReplica: 1}))},
	{"confirmed", root, a(confirm, in(change.Applying, ""), by(ana))},
	{"approved", root, a(pending, vote(lea, ""), by(lea), in(change.Approved, ""))},
	{"applying", root, a(pending, vote(lea, ""), vote(leo, ""), by(leo), in(change.Applying, ""))},
	{"applying-in-doubt", both, a(in(change.Applying, "Baseten does not answer, so I do not know yet whether it took this change. I keep checking for up to an hour and will edit this message."))},
	{"broke-glass", both, a(pending, glass, in(change.Applying, ""))},
	{"applied-accepted", both, a(applied("ACCEPTED", "Autoscaling settings update was accepted."))},
	{"applied-queued", both, a(applied("QUEUED", "Autoscaling settings update was queued."))},
	{"applied-unchanged", both, a(applied("UNCHANGED", "Nothing to do."), asks(baseten.Settings{baseten.MaxReplica: 4}))},
	{"applied-unknown-word", both, a(applied("DEFERRED", "See you later."))},
	{"applied-no-status", both, a(applied("", ""))},
	{"applied-read-back", both, a(readBack)},
	{"applied-approved", both, a(pending, vote(lea, ""), by(lea), applied("ACCEPTED", "Autoscaling settings update was accepted."))},
	{"applied-undo", both, a(undoes, applied("ACCEPTED", "Autoscaling settings update was accepted."))},
	{"outcome-progress", both, a(applied("ACCEPTED", "Autoscaling settings update was accepted."), outcome(change.InForce, false, "In force after 5 s. 6 of 7 replicas active."))},
	{"outcome-reached", both, a(applied("ACCEPTED", "Autoscaling settings update was accepted."), outcome(change.Reached, true, "7 of 7 active after 6 min 20 s."))},
	{"outcome-overruled", both, a(applied("ACCEPTED", "Autoscaling settings update was accepted."), outcome(change.Overruled, true, "Somebody else changed the settings by <time:1793715000|14:10 UTC>: now Max replicas is 4. An operator or Terraform may have put them back."))},
	{"outcome-invisible", both, a(applied("ACCEPTED", "Autoscaling settings update was accepted."), outcome(change.Invisible, true, "Not visible at Baseten after 2 min: Max replicas is 4. Please look at Baseten."))},
	{"failed", both, a(in(change.Failed, byHand))},
	{"denied", both, a(pending, by(leo), in(change.Denied, ""))},
	{"denied-reason", both, a(pending, by(leo), in(change.Denied, "no GPUs left"))},
	{"denied-lapsed", both, a(pending, in(change.Denied, "not allowed any more: <@U0ANA> is no longer an active member of this workspace."))},
	{"canceled", both, a(pending, by(ana), in(change.Canceled, ""))},
	{"superseded", both, a(pending, by(ana), in(change.Canceled, "Replaced by #ZZZZZ."))},
	{"expired", both, a(pending, in(change.Expired, "Not enough people approved in time."))},
	{"stale", both, a(pending, by(lea), in(change.Stale, "The settings moved: Max replicas was 4 when this was shown and is 5 now. Nothing was sent."))},
	{"unknown", both, a(in(change.Unknown, "For an hour Baseten could not be asked whether it took this change. It is not sent again. Please look at Baseten."))},
	{"elsewhere", root, a(in(change.Failed, byHand), elsewhereTold)},
	{"undo", root, a(pending, undoes, because("undo #9ABCD"))},
	{"asked-again", root, a(pending, func(r *change.Request) { r.From, r.FromKind = "9ABCD", change.FromAgain })},
	{"reminder", []change.Part{change.Reminder}, a(pending)},
	{"reminder-one-vote", []change.Part{change.Reminder}, a(pending, two, vote(lea, "Still needed: 1 of <@U0LEO>."))},
	{"review", []change.Part{change.ReviewCard}, a(pending, glass, in(change.Applied, ""))},
	{"review-signed", []change.Part{change.ReviewCard}, a(pending, glass, in(change.Applied, ""), reviewed)},
	{"hostile", both, a(pending, hostile)},
	{"hostile-applied", both, a(pending, by(leo), applied("", ""), hostile)},
	{"hostile-denied", both, a(pending, by(leo), in(change.Denied, "<!channel> *no* <@U0BEN>\nApproved by the boss."), hostile)},
	{"long", root, a(pending, long)},
	{"long-applied", both, a(applied("", ""), long)},
}

var (
	root = []change.Part{change.Root}
	both = []change.Part{change.Root, change.Result}
)

var partNames = map[change.Part]string{change.Root: "card", change.Result: "reply", change.Reminder: "reminder", change.ReviewCard: "review"}

func TestGoldenRequests(t *testing.T) {
	w := newWorkspace(t)
	for _, v := range views {
		for _, part := range v.parts {
			t.Run(v.name+"/"+partNames[part], func(t *testing.T) {
				w.golden(t, partNames[part]+"/"+v.name, render(v.r, part))
			})
		}
	}
}
