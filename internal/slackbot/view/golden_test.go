package view

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

var update = flag.Bool("update", false, "write testdata anew: go test ./internal/slackbot/view -update")

// sheet is a golden file of several messages.
type sheet struct{ b strings.Builder }

func (s *sheet) add(name string, m Message) {
	fmt.Fprintf(&s.b, "=== %s\n%s\n--- text\n%s\n\n", name, reads(m), m.Text)
}

func (s *sheet) line(name, text string) { fmt.Fprintf(&s.b, "%s: %s\n", name, text) }

func (s *sheet) compare(t *testing.T, name string) {
	t.Helper()
	file, got := filepath.Join("testdata", name+".golden"), s.b.String()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (make it with -update)", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got; if it is meant, run with -update):\n%s", file, diff)
	}
}

// reads writes a message's blocks as a person reads them, with what is alive marked:
// **bold**, `fixed-width`, [text](link), {@mention}, {moment}, [Button|action|value].
func reads(m Message) string {
	raw, err := json.Marshal(slack.Blocks{BlockSet: m.Blocks})
	if err != nil {
		return err.Error()
	}
	var blocks []node
	if err := json.Unmarshal(raw, &blocks); err != nil {
		return err.Error()
	}
	out := make([]string, 0, len(blocks))
	for _, b := range blocks {
		out = append(out, b.reads())
	}
	return strings.Join(out, "\n")
}

// node is any part of a message's blocks as Slack gets it.
type node struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"`
	Elements []node          `json:"elements"`
	Style    json.RawMessage `json:"style"`
	UserID   string          `json:"user_id"`
	Channel  string          `json:"channel_id"`
	URL      string          `json:"url"`
	Format   string          `json:"format"`
	Fallback string          `json:"fallback"`
	ActionID string          `json:"action_id"`
	Value    string          `json:"value"`
	Label    string          `json:"accessibility_label"`
	Confirm  *struct {
		Title, Text, Confirm, Deny node
	} `json:"confirm"`
}

// words is a text that is a string or a text object.
func (n node) words() string {
	var s string
	if json.Unmarshal(n.Text, &s) == nil {
		return s
	}
	var object node
	_ = json.Unmarshal(n.Text, &object)
	return object.words()
}

func (n node) each(before, between string) string {
	out := make([]string, 0, len(n.Elements))
	for _, e := range n.Elements {
		out = append(out, before+e.reads())
	}
	return strings.Join(out, between)
}

func (n node) reads() string {
	switch n.Type {
	case "header":
		return "## " + n.words()
	case "rich_text", "rich_text_section":
		return n.each("", "")
	case "rich_text_list":
		return n.each("• ", "\n")
	case "rich_text_quote":
		return "> " + strings.Join(strings.Split(n.each("", ""), "\n"), "\n> ")
	case "rich_text_preformatted":
		return "```\n" + n.each("", "") + "\n```"
	case "context":
		return "(small) " + n.each("", " | ")
	case "actions":
		return n.each("", " ")
	case "button":
		text := fmt.Sprintf("[%s|%s|%s %s]", n.words(), n.ActionID, n.Value, strings.Trim(string(n.Style), `"`))
		if n.Confirm != nil {
			text += fmt.Sprintf("(%s %s %s/%s)", n.Confirm.Title.words(), n.Confirm.Text.words(), n.Confirm.Confirm.words(), n.Confirm.Deny.words())
		}
		return text
	case "user":
		return "{@" + n.UserID + "}"
	case "channel":
		return "{#" + n.Channel + "}"
	case "link":
		return "[" + n.words() + "](" + n.URL + ")"
	case "date":
		return "{" + n.Fallback + " as " + n.Format + "}"
	case "text":
		switch string(n.Style) {
		case `{"bold":true}`:
			return "**" + n.words() + "**"
		case `{"code":true}`:
			return "`" + n.words() + "`"
		}
		return n.words()
	case "plain_text":
		return n.words()
	case "mrkdwn":
		return "mrkdwn:" + n.words()
	default:
		return "?" + n.Type
	}
}

// shown is one request in one situation.
type shown struct {
	name string
	r    *change.Request
}

// living are requests that have not ended.
func living() []shown {
	return append([]shown{
		{"at once", a(posted)},
		{"several, one of them stays", a(asks(baseten.Settings{baseten.MinReplica: 2, baseten.MaxReplica: 1_000_000, baseten.ScaleDownDelay: 3600}), giving("launch at noon"))},
		{"not set before", a(asks(baseten.Settings{baseten.MaxScaleDownRate: 20}))},
		{"price unknown, asleep", a(func(r *change.Request) {
			r.Snapshot.Cost, r.Snapshot.Status, r.Snapshot.Replicas = nil, "SCALED_TO_ZERO", 0
		})},
		{"deploying", a(func(r *change.Request) { r.Snapshot.Status, r.Snapshot.Replicas = "LOADING_MODEL", 1 })},
		{"a floor that costs", a(asks(baseten.Settings{baseten.MinReplica: 4}), func(r *change.Request) {
			r.Snapshot.Cost = &baseten.Cost{FloorBefore: 13, FloorAfter: 26, CeilingBefore: 6499800, CeilingAfter: 6499800}
		})},
		{"team", a(team, pending)},
		{"deployment", a(deployment)},
		{"names that are not what they look like", a(func(r *change.Request) { r.Target.Model, r.Target.Environment = "llama-70b\u200b", "prod\u00a0 " })},
		{"pending", a(pending, giving("launch at noon"))},
		{"pending, one approver", a(pending, func(r *change.Request) {
			r.Decision.Approvers, r.Audience.Mentioned = []string{lea.ID}, []string{lea.ID}
		})},
		{"pending for days", a(pending, func(r *change.Request) { r.ExpiresAt = asked.Add(90 * time.Hour) })},
		{"pending two", a(pending, two)},
		{"pending two, one vote", a(pending, two, vote)},
		{"pending, a vote that does not count any more", a(pending, two, vote, func(r *change.Request) {
			r.Votes = append(r.Votes, change.Vote{Person: leo})
			r.Tally.Ignored = map[string]authz.Cause{leo.ID: {Code: authz.CauseDeactivated}}
			r.Tally.Could = nil
		})},
		{"pending per group", a(pending, perGroup)},
		{"pending beside others", a(pending, func(r *change.Request) { r.Beside = []change.ID{"PPPPP", "QQQQQ"} })},
		{"pending, approvers elsewhere", a(pending, func(r *change.Request) { r.Audience.Absent = true })},
		{"pending, about to be posted", a(pending, func(r *change.Request) { r.State = change.Requested })},
		{"confirm", a(confirm)},
		{"a slip of the finger", a(confirm, asks(baseten.Settings{baseten.MaxReplica: 70}), func(r *change.Request) {
			r.Decision.Large.Fields = []baseten.Field{baseten.MaxReplica}
		})},
		{"a slip, others decide", a(pending, asks(baseten.Settings{baseten.MinReplica: 30, baseten.MaxReplica: 70}), func(r *change.Request) {
			r.Snapshot.Settings = baseten.Settings{baseten.MinReplica: 0, baseten.MaxReplica: 7}
			r.Decision.Large.Fields, r.Decision.Large.Cost = []baseten.Field{baseten.MinReplica, baseten.MaxReplica}, true
		})},
		{"eight settings", a(pending, asks(baseten.Settings{
			baseten.MinReplica: 3, baseten.MaxReplica: 7, baseten.AutoscalingWindow: 120, baseten.ScaleDownDelay: 600, baseten.ConcurrencyTarget: 16,
			baseten.TargetUtilization: 80, baseten.TargetInFlightTokens: 5000, baseten.MaxScaleDownRate: 20,
		}))},
		{"undo", a(pending, func(r *change.Request) {
			r.Origin = change.Origin{ID: "9ABCD", Kind: change.OriginUndo, Requester: lea}
		})},
		{"asked again by somebody else", a(pending, func(r *change.Request) {
			r.Origin = change.Origin{ID: "9ABCD", Kind: change.OriginAgain, Requester: leo}
		})},
		{"asked again by the same", a(pending, func(r *change.Request) {
			r.Origin = change.Origin{ID: "9ABCD", Kind: change.OriginAgain, Requester: ana}
		})},
		{"confirmed", a(confirm, in(change.Approved, change.Reason{}), func(r *change.Request) { r.ConfirmedBy = ana })},
		{"approved", a(agreed)},
		{"approved, waits for Baseten", a(agreed, in(change.Approved, change.Reason{Code: change.WaitsForBaseten, HTTP: 503}))},
		{"approved, waits for another", a(agreed, in(change.Approved, only(change.WaitsForTarget)))},
		{"applying", a(agreed, in(change.Applying, change.Reason{}), sent(1))},
		{"applying, in doubt", a(agreed, in(change.Applying, only(change.WaitsForOutcome)), sent(1))},
		{"applying, Baseten silent", a(posted, in(change.Applying, only(change.WaitsForBaseten)), sent(1))},
		{"glass broken, about to be sent", a(breakGlass, func(r *change.Request) { r.State = change.Requested })},
		{"glass broken", a(breakGlass, in(change.Applying, change.Reason{}), sent(1))},
	}, livingForTime()...)
}

// over are requests that ended and have a card.
func over() []shown {
	return append([]shown{
		{"applied", a(took)},
		{"applied a moment after it was asked", a(took, func(r *change.Request) { r.OwedSince = r.EndedAt.Add(-2 * time.Second) })},
		{"applied after approval", a(agreed, took)},
		{"applied after break-glass", a(breakGlass, took)},
		{"queued", a(applied("QUEUED", "Autoscaling settings update was queued."))},
		{"unchanged", a(asks(baseten.Settings{baseten.MaxReplica: 4}), applied("UNCHANGED", "Nothing to do."))},
		{"unknown status word", a(applied("REJECTED", "See you later."))},
		{"unknown status word, in force", a(applied("DEFERRED", ""), became(change.InForce))},
		{"no status", a(applied("", ""))},
		{"a message of several lines", a(applied("ACCEPTED", "one\ntwo"))},
		{"read back", a(took, in(change.Applied, only(change.ReadBack)), func(r *change.Request) { r.Answer = change.Answer{ReadBack: true} })},
		{"already done", a(posted, in(change.Applied, only(change.AlreadyDone)), func(r *change.Request) { r.Answer = change.Answer{ReadBack: true} })},
		{"undone", a(took, func(r *change.Request) { r.UndoneBy = "ZZZZZ" })},
		{"failed, refused by Baseten", a(posted, in(change.Failed, change.Reason{Code: change.BasetenRefused, HTTP: 400, BasetenCode: "VALIDATION_ERROR", Text: "max_replica exceeds the quota of 10"}), sent(1))},
		{"failed, refused after a doubt", a(posted, in(change.Failed, change.Reason{Code: change.BasetenRefused, HTTP: 400, Text: "no"}), sent(2))},
		{"failed, Baseten away", a(posted, in(change.Failed, change.Reason{Code: change.BasetenAway, HTTP: 500, Tries: 2, Call: curl}))},
		{"failed, key refused", a(posted, in(change.Failed, change.Reason{Code: change.BasetenAuth, HTTP: 403, Call: curl}), sent(1))},
		{"failed, not announced", a(breakGlass, in(change.Failed, change.Reason{Code: change.NotAnnounced, Text: "not_in_channel"}), func(r *change.Request) { r.Review = change.Review{} })},
		{"failed, not taken", a(agreed, in(change.Failed, change.Reason{Code: change.NotTaken, HTTP: 500, Tries: 2, Call: curl}), sent(2), func(r *change.Request) { r.Outcome.Kind = change.Watching })},
		{"failed, not sent again", a(posted, in(change.Failed, change.Reason{Code: change.NotSentAgain, Then: &change.Reason{Code: change.TooLate, After: 12 * time.Minute}}), sent(1))},
		{"failed, overwritten", a(posted, in(change.Failed, change.Reason{Code: change.OverwrittenSince, Moved: movedTo5()}), sent(1))},
		{"failed, landed later", a(posted, in(change.Failed, change.Reason{Code: change.NotTaken, Tries: 2}), sent(2), became(change.Landed))},
		{"unknown", a(posted, in(change.Unknown, only(change.NeverKnown)), sent(2))},
		{"unknown, never landed", a(posted, in(change.Unknown, only(change.NeverKnown)), sent(2), became(change.NeverLanded))},
		{"denied", a(pending, in(change.Denied, only(change.SaidNo)), func(r *change.Request) { r.DeniedBy = leo })},
		{"denied with a reason", a(pending, in(change.Denied, change.Reason{Code: change.SaidNo, Text: "no GPUs left"}), func(r *change.Request) { r.DeniedBy = leo })},
		{"denied, the requester left", a(pending, in(change.Denied, only(change.RequesterLeft)))},
		{"denied, the policy says no now", a(pending, in(change.Denied, change.Reason{Code: change.PolicyDeniesIt, Cause: authz.Cause{Code: authz.CauseDenies, Rule: "freeze", Text: "launch week", Everybody: true}}))},
		{"canceled", a(pending, in(change.Canceled, only(change.TakenBack)), func(r *change.Request) { r.CanceledBy = ana })},
		{"replaced", a(pending, in(change.Canceled, change.Reason{Code: change.Replaced, Request: "ZZZZZ", Link: "https://acme.slack.com/archives/C0/p1"}), func(r *change.Request) { r.ReplacedBy = "ZZZZZ" })},
		{"expired", a(pending, two, vote, in(change.Expired, only(change.TimeOut)))},
		{"expired, not confirmed", a(confirm, in(change.Expired, only(change.TimeOut)))},
		{"stale, moved", a(agreed, in(change.Stale, change.Reason{Code: change.SettingsMoved, Moved: movedTo5()}))},
		{"stale, asked again", a(agreed, in(change.Stale, change.Reason{Code: change.SettingsMoved, Moved: movedTo5()}), func(r *change.Request) { r.AskedAgainBy = "ZZZZZ" })},
		{"stale, promoted", a(deployment, posted, in(change.Stale, change.Reason{Code: change.Promoted, Was: "production", Is: "staging"}))},
		{"stale, too late", a(agreed, in(change.Stale, change.Reason{Code: change.TooLate, After: 12*time.Minute + 20*time.Second, Call: curl}))},
		{"stale, too few now", a(agreed, in(change.Stale, only(change.TooFewNow)))},
		{"failed, the thread unreachable", a(posted, in(change.Failed, change.Reason{Code: change.BasetenAway, Tries: 3, Call: curl}), givenUp(change.WayDirect))},
		{"applied, the thread unreachable", a(took, became(change.InForce), givenUp(change.WayAnnounce))},
		{"a code of a newer version", a(posted, in(change.Failed, only("from_tomorrow")))},
	}, overForTime()...)
}

// outcomes are all that can become of a change that was sent.
func outcomes() []shown {
	goal := func(replicas, goal int) func(*change.Outcome) {
		return func(o *change.Outcome) { o.Replicas, o.Goal = replicas, goal }
	}
	return []shown{
		{"in force, going up", a(took, became(change.InForce, func(o *change.Outcome) { o.Final = false }))},
		{"in force, no goal", a(took, became(change.InForce, goal(1, 0)))},
		{"in force, no replicas asked", a(asks(baseten.Settings{baseten.ScaleDownDelay: 120}), took, became(change.InForce, goal(4, 0)))},
		{"in force, under a schedule", a(took, became(change.InForce, func(o *change.Outcome) { o.Schedule = "night" }))},
		{"in force, old settings run", a(took, became(change.InForce, func(o *change.Outcome) { o.OldSettings = true }))},
		{"reached", a(took, became(change.Reached, goal(7, 7), func(o *change.Outcome) { o.ReachedAt = asked.Add(11*time.Minute + 20*time.Second) }))},
		{"short", a(took, became(change.Short))},
		{"above the max", a(took, became(change.Short, goal(6, 2)))},
		{"not visible", a(took, became(change.NotVisible))},
		{"put back", a(took, became(change.Overruled))},
		{"put back by Terraform", a(took, became(change.Overruled, func(o *change.Outcome) {
			o.By = baseten.Changer{Name: "terraform", Key: true, Source: "API", Client: "terraform-provider-baseten"}
		}))},
		{"put back on Baseten's pages", a(took, became(change.Overruled, func(o *change.Outcome) {
			o.By = baseten.Changer{Name: "grace@example.com", Source: "UI"}
		}))},
		{"put back with our own key", a(took, became(change.Overruled, func(o *change.Outcome) {
			o.By = baseten.Changer{Name: "bot", Key: true, Own: true, Source: "API", Client: "curl"}
		}))},
		{"put back by Baseten", a(took, became(change.Overruled, func(o *change.Outcome) { o.By = baseten.Changer{Source: "SYSTEM"} }))},
		{"overruled", a(took, became(change.Overruled, func(o *change.Outcome) { o.Current = baseten.Settings{baseten.MaxReplica: 9} }))},
		{"rescheduled", a(deployment, took, became(change.Rescheduled, func(o *change.Outcome) {
			o.Schedule, o.Current = "evening", baseten.Settings{baseten.MaxReplica: 2}
		}))},
		{"superseded", a(took, became(change.Superseded, func(o *change.Outcome) { o.Current = baseten.Settings{baseten.MaxReplica: 9} }))},
		{"not read", a(took, became(change.NotRead, func(o *change.Outcome) { o.InForceAt = time.Time{} }))},
		{"not read any more", a(took, became(change.NotRead))},
		{"landed", a(agreed, in(change.Failed, change.Reason{Code: change.NotTaken, Tries: 2}), sent(2), became(change.Landed))},
		{"never landed", a(agreed, in(change.Failed, change.Reason{Code: change.NotTaken, Tries: 2}), sent(2), became(change.NeverLanded))},
	}
}

func TestGoldenCards(t *testing.T) {
	var s sheet
	for _, v := range append(living(), over()...) {
		s.add(v.name, Request(v.r, change.Card))
	}
	s.compare(t, "card")
}

func TestGoldenReplies(t *testing.T) {
	var s sheet
	for _, v := range append(living(), over()...) {
		if v.r.State != change.Requested && v.r.State != change.Pending { // those have none
			s.add(v.name, Request(v.r, change.Reply))
		}
	}
	s.compare(t, "reply")
}

func TestGoldenOutcomes(t *testing.T) {
	var s sheet
	for _, v := range outcomes() {
		s.line(v.name, say(outcome(v.r)).plain())
		heads := headline(v.r)
		s.line("  card", heads[0].plain())
		if v.r.Outcome.Kind.Bad() {
			v.r.News = change.News{Code: v.r.Outcome.Kind, Also: []change.ID{"PPPPP", "QQQQQ"}}
			s.add("news of "+v.name, Request(v.r, change.BadNews))
		}
	}
	s.compare(t, "outcome")
}

func TestGoldenOtherParts(t *testing.T) {
	var s sheet
	s.add("reminder", Request(a(pending), change.Reminder))
	s.add("reminder after a vote", Request(a(pending, two, vote), change.Reminder))
	s.add("review", Request(a(breakGlass, took), change.ReviewCard))
	s.add("review signed", Request(a(breakGlass, took, func(r *change.Request) { r.Review = change.Review{By: lea} }), change.ReviewCard))
	s.add("review, the thread is known", Request(a(breakGlass, took, became(change.InForce), known), change.ReviewCard))
	s.add("review of what was not sent", Request(a(breakGlass, in(change.Canceled, only(change.TakenBack)), func(r *change.Request) { r.CanceledBy, r.Review = ana, change.Review{} }), change.ReviewCard))
	s.add("review reminder", Request(a(breakGlass, took, known), change.ReviewReminder))
	s.add("offer of break-glass", Private(a(pending)))
	s.add("offer of break-glass where two are needed", Private(a(pending, two)))
	s.add("offer to explain", ExplainOffer("K7Q2M"))
	for _, text := range []string{"llama-70b production maxx=7", "llama-70b production max=7 reason=high load <!here>", "llama-70b", "pendin"} {
		_, err := commands.Parse(text)
		var m *commands.Mistake
		if !errors.As(err, &m) {
			t.Fatalf("Parse(%q): %v", text, err)
		}
		s.add("mistake: "+text, Mistake(m, false))
		s.add("mistake, in a thread: "+text, Mistake(m, true))
	}
	s.add("mistake, about a request", MistakeAbout(&commands.Mistake{Text: "To approve a request, press the button on its card.", Request: "K7Q2M"}, false, "https://acme.slack.com/archives/C0/p1"))
	s.add("approved in private", Pressed(change.VerbApprove, "K7Q2M"))
	for _, verb := range []change.Verb{change.VerbThaw, change.VerbExtend, change.VerbKeep, change.VerbEnd} {
		s.add(string(verb)+", in private", Pressed(verb, "K7Q2M"))
	}
	s.add("reviewed in private", Pressed(change.VerbReview, "K7Q2M"))
	s.add("canceled", Canceled("K7Q2M"))
	s.add("form not opened", FormNotOpened())
	s.add("form not filled", FormNotFilled())
	s.add("pressed before", PressedBefore("llama-70b production max=7", true))
	s.add("not addressed", NotAddressed())
	s.add("unknown command", UnknownCommand())
	for _, f := range []slack.ModalViewRequest{BreakGlassForm(a(pending)), ExplainForm("K7Q2M")} {
		raw, err := json.MarshalIndent(f, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		s.line("form "+f.CallbackID, string(raw))
	}
	s.compare(t, "other")
}

func TestGoldenPrivate(t *testing.T) {
	typed := func(r *change.Request) {
		r.Target, r.Snapshot, r.Ask.Text = baseten.Target{}, change.Snapshot{}, "llama-7b production max=7"
	}
	var s sheet
	for _, v := range []shown{
		{"policy", a(in(change.Denied, change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseDenies, Rule: "production keeps a replica", Text: "Production never scales to zero", Everybody: true}}))},
		{"never_allowed", a(typed, in(change.Denied, change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseNeverAllowed}}))},
		{"not found", a(typed, in(change.Failed, change.Reason{Code: change.NameNotFound, Text: "llama-7b", Names: []string{"llama-70b", "llama-8b"}}))},
		{"model second", a(typed, asks(baseten.Settings{baseten.MaxReplica: 7}), in(change.Failed, change.Reason{Code: change.ModelSecond, Text: "production", Names: []string{"llama-70b"}, Known: []string{"production"}}))},
		{"model second, no target", a(typed, asks(baseten.Settings{baseten.MaxReplica: 7}), in(change.Failed, change.Reason{Code: change.ModelSecond, Text: "set", Names: []string{"llama-70b"}, Known: []string{"production", "staging"}}))},
		{"target not found", a(in(change.Failed, change.Reason{Code: change.NameNotFound, Text: "prdo", Known: []string{"production", "staging"}}))},
		{"ambiguous", a(typed, in(change.Failed, change.Reason{Code: change.NameAmbiguous, Text: "LLAMA", Names: []string{"ml/llama", "m2"}, IDs: []string{"m1", "m2"}}))},
		{"unreadable", a(typed, in(change.Failed, change.Reason{Code: change.NameUnreadable, Text: "llama-7b"}))},
		{"not found, in a thread", a(typed, in(change.Failed, change.Reason{Code: change.NameNotFound, Text: "llama-7b"}), func(r *change.Request) { r.Thread = "1.1" })},
		{"not invited", a(in(change.Failed, only(change.NotInvited)))},
		{"Baseten answers garbage", a(in(change.Failed, change.Reason{Code: change.BasetenAway, HTTP: 200}))},
		{"Baseten away", a(in(change.Failed, change.Reason{Code: change.BasetenAway, HTTP: 500, Tries: 2, Call: curl}))},
		{"asked already", a(in(change.Canceled, change.Reason{Code: change.AlreadyAsked, Request: "ZZZZZ", Link: "https://acme.slack.com/archives/C0/p1"}))},
		{"canceled before its card", a(in(change.Canceled, only(change.TakenBack)), func(r *change.Request) { r.CanceledBy = ana })},
	} {
		s.add(v.name, Private(v.r))
		s.add(v.name+", alone", Alone(v.r))
	}
	for _, v := range over() {
		s.add(v.name+", alone", Alone(v.r))
	}
	s.compare(t, "private")
}

func TestGoldenRefused(t *testing.T) {
	var s sheet
	for _, v := range []struct {
		name   string
		no     change.Refused
		viewer string
	}{
		{"no such request", change.Refused{Reason: change.Reason{Code: change.RequestNotFound, Request: "AAAAA"}}, ana.ID},
		{"still judged", change.Refused{Reason: only(change.StillJudged), Request: a()}, lea.ID},
		{"decided: approved", change.Refused{Reason: only(change.AlreadyDecided), Request: a(agreed)}, leo.ID},
		{"decided: approved by you", change.Refused{Reason: only(change.AlreadyDecided), Request: a(agreed)}, lea.ID},
		{"decided: confirmed", change.Refused{Reason: only(change.AlreadyDecided), Request: a(confirm, in(change.Applying, change.Reason{}), func(r *change.Request) { r.ConfirmedBy, r.OwedSince = ana, asked })}, ana.ID},
		{"decided: glass", change.Refused{Reason: only(change.AlreadyDecided), Request: a(breakGlass, took, func(r *change.Request) { r.OwedSince = asked })}, leo.ID},
		{"decided: at once", change.Refused{Reason: only(change.AlreadyDecided), Request: a(took)}, leo.ID},
		{"decided: denied", change.Refused{Reason: only(change.AlreadyDecided), Request: a(pending, in(change.Denied, only(change.SaidNo)), func(r *change.Request) { r.DeniedBy = leo })}, lea.ID},
		{"decided: canceled", change.Refused{Reason: only(change.AlreadyDecided), Request: a(pending, in(change.Canceled, only(change.TakenBack)), func(r *change.Request) { r.CanceledBy = ana })}, lea.ID},
		{"decided: replaced", change.Refused{Reason: only(change.AlreadyDecided), Request: a(pending, in(change.Canceled, only(change.Replaced)), func(r *change.Request) { r.ReplacedBy = "ZZZZZ" })}, lea.ID},
		{"decided: expired", change.Refused{Reason: only(change.AlreadyDecided), Request: a(pending, in(change.Expired, only(change.TimeOut)))}, lea.ID},
		{"decided: stale", change.Refused{Reason: only(change.AlreadyDecided), Request: a(pending, in(change.Stale, only(change.TooLate)))}, lea.ID},
		{"cancel", change.Refused{Reason: change.Reason{Code: change.NotYours, Verb: change.VerbCancel}, Request: a(pending)}, lea.ID},
		{"confirm", change.Refused{Reason: change.Reason{Code: change.NotYours, Verb: change.VerbConfirm}, Request: a(confirm)}, lea.ID},
		{"own request", change.Refused{Reason: change.Reason{Code: change.NotApprover, Cause: authz.Cause{Code: authz.CauseOwnRequest, Rule: "x", Needed: map[string]int{"": 1}, Who: []string{"leads"}}}, Request: a(pending)}, ana.ID},
		{"no approver", change.Refused{Reason: change.Reason{Code: change.NotApprover, Cause: authz.Cause{Code: authz.CauseNotApprover, Rule: "x", Who: []string{"leads", "U0LEA"}}}, Request: a(pending)}, "U0BEN"},
		{"voted", change.Refused{Reason: only(change.VotedAlready), Request: a(pending, two, vote)}, lea.ID},
		{"reviewed", change.Refused{Reason: only(change.Reviewed), Request: a(breakGlass, took, func(r *change.Request) { r.Review = change.Review{By: lea} })}, leo.ID},
		{"again", change.Refused{Reason: change.Reason{Code: change.AskedAgain, Request: "ZZZZZ", Link: "https://acme.slack.com/archives/C0/p1"}, Request: a(pending, in(change.Stale, only(change.TooLate)))}, leo.ID},
		{"undo of nothing", change.Refused{Reason: change.Reason{Code: change.NothingToUndo, Request: "K7Q2M", State: change.Applied}}, ana.ID},
	} {
		s.add(v.name, Refused(&v.no, v.viewer))
		s.line("under a field", RefusedText(&v.no, v.viewer)+"\n")
	}
	s.compare(t, "refused")
}
