package view

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
)

// seen is one message about one request.
type seen struct {
	name string
	r    *change.Request
	part change.Part // of those that Request renders
	m    Message
}

const (
	private change.Part = 100 + iota
	alone
	refusedTo
)

// every is every message about every request, hostile and long ones too.
var every = sync.OnceValue(func() []seen {
	requests := append(living(), over()...)
	requests = append(requests, outcomes()...)
	for _, v := range append(living(), over()...) {
		twin := *v.r
		twin.Reason.Link = ""
		hostile(&twin)
		requests = append(requests, shown{"hostile " + v.name, &twin})
		other := *v.r
		long(&other)
		requests = append(requests, shown{"long " + v.name, &other})
	}
	var out []seen
	for _, v := range requests {
		for part, word := range map[change.Part]string{change.Card: "card", change.Reply: "reply", change.Reminder: "reminder", change.ReviewCard: "review", change.ReviewReminder: "review reminder"} {
			out = append(out, seen{v.name + "/" + word, v.r, part, Request(v.r, part)})
		}
		if v.r.Holds() {
			out = append(out, seen{v.name + "/notice", v.r, change.EndNotice, Request(v.r, change.EndNotice)}, seen{v.name + "/question", v.r, change.EndOverdue, Request(v.r, change.EndOverdue)})
		}
		if v.r.Outcome.Kind.Bad() {
			v.r.News.Code = v.r.Outcome.Kind
			out = append(out, seen{v.name + "/news", v.r, change.BadNews, Request(v.r, change.BadNews)})
		}
		out = append(out,
			seen{v.name + "/private", v.r, private, Private(v.r)},
			seen{v.name + "/alone", v.r, alone, Alone(v.r)},
			seen{v.name + "/refused", v.r, refusedTo, Refused(&change.Refused{Reason: change.Reason{Code: change.AlreadyDecided}, Request: v.r}, lea.ID)})
	}
	return out
})

// fieldOf are the values of a field in all objects of a type in a message's blocks.
func fieldOf(t *testing.T, m Message, kind, field string) []string {
	t.Helper()
	var out []string
	walk(t, m, func(object map[string]any) {
		if text, ok := object[field].(string); ok && object["type"] == kind {
			out = append(out, text)
		}
	})
	return out
}

func walk(t *testing.T, m Message, visit func(map[string]any)) {
	t.Helper()
	raw, err := json.Marshal(m.Blocks)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	var down func(any)
	down = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			visit(v)
			for _, child := range v {
				down(child)
			}
		case []any:
			for _, child := range v {
				down(child)
			}
		}
	}
	down(tree)
}

// Messages are a view of the request, and of nothing else.
func TestRequestIsPure(t *testing.T) {
	for _, v := range append(living(), over()...) {
		before := *v.r
		first := Request(v.r, change.Card)
		again := Request(v.r, change.Card)
		if first.Text != again.Text || reads(first) != reads(again) {
			t.Errorf("%s: rendered again it differs", v.name)
		}
		if diff := cmp.Diff(&before, v.r); diff != "" {
			t.Errorf("%s: rendering changed the request:\n%s", v.name, diff)
		}
	}
}

var alive = regexp.MustCompile(`<@[UW][A-Z0-9]+>|<#[CG][A-Z0-9]+>|<!date\^\d+\^[^<>|]*\|[^<>|]*>|<https://[^<>|\s]+\|#[A-Z0-9]{5}>`)

// quoteMark begins a quoted line of a plain section.
var quoteMark = regexp.MustCompile(`(?m)^> `)

// Nothing that a person or Baseten supplied stands where markup is alive, and the
// text is escaped once.
func TestOnlyPiecesAreAlive(t *testing.T) {
	for _, v := range every() {
		for level, m := range []Message{v.m, v.m.Simpler(), v.m.Simpler().Simpler()} {
			for _, text := range append(fieldOf(t, m, "mrkdwn", "text"), m.Text) {
				left := quoteMark.ReplaceAllString(alive.ReplaceAllString(text, ""), "")
				if strings.ContainsAny(left, "<>") {
					t.Errorf("%s, level %d: live markup in %q", v.name, level, left)
				}
				if strings.Count(left, "&") != entities(left) {
					t.Errorf("%s, level %d: not escaped: %q", v.name, level, left)
				}
			}
		}
	}
	evil := say("<!channel> &amp; <@U0BEN>").markup()
	if evil != "&lt;!channel&gt; &amp;amp; &lt;@U0BEN&gt;" {
		t.Errorf("escaped as %q", evil)
	}
}

func entities(text string) int {
	return strings.Count(text, "&amp;") + strings.Count(text, "&lt;") + strings.Count(text, "&gt;")
}

// What no reader sees is shown wherever it comes from.
func TestNothingIsHidden(t *testing.T) {
	for _, v := range every() {
		text := v.m.Text + reads(v.m)
		if at := strings.IndexFunc(text, escapes); at >= 0 {
			t.Errorf("%s: hidden character in %q", v.name, text[at:])
		}
	}
	for in, want := range map[string]string{
		"llama-70b":           "llama-70b",
		"llama-70b\u200b":     "llama-70b⟨U+200B⟩",
		"a\u202eb\u2066c":     "a⟨U+202E⟩b⟨U+2066⟩c",
		"tag\U000e0041":       "tag⟨U+E0041⟩",
		"Llama\u00a070B":      "Llama⟨U+00A0⟩70B",
		" llama  70b ":        "␣llama ␣70b␣",
		"two\nlines\x07":      "two⟨U+000A⟩lines⟨U+0007⟩",
		"heart\u2764\ufe0f":   "heart❤⟨U+FE0F⟩",
		"join\u200d":          "join⟨U+200D⟩",
		"\u3164filler":        "⟨U+3164⟩filler",
		"Ana’s llama – größe": "Ana’s llama – größe",
		"":                    "",
	} {
		if got := name(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
		if misread(in) == (in == want) {
			t.Errorf("%q is misread: %t", in, misread(in))
		}
	}
	if got := visible("👩\u200d💻 ok\u200b\n\u202e"); got != "👩\u200d💻 ok⟨U+200B⟩\n⟨U+202E⟩" {
		t.Errorf("prose is shown as %q", got)
	}
}

// Card and reply name what they are about, in a small line, with the requester.
func TestIdentifiers(t *testing.T) {
	for _, v := range append(living(), over()...) {
		for _, part := range []change.Part{change.Card, change.Reply, change.BadNews, change.ReviewCard} {
			m := Request(v.r, part)
			last := reads(Message{Blocks: m.Blocks[len(m.Blocks)-1:]})
			by := "by <@" + v.r.Requester.ID + ">"
			if part == change.Reply && (asPlanned(v.r) || called(v.r) != v.r.Requester.ID) { // who has no need to be notified
				by = "by " + v.r.Requester.Name
			}
			for _, want := range []string{"(small) ", "#" + string(v.r.ID), name(v.r.Target.ModelID), name(v.r.Target.DeploymentID), by} {
				if !strings.Contains(last, want) {
					t.Errorf("%s: the last line does not hold %q: %s", v.name, want, last)
				}
			}
		}
	}
}

// Replies call the requester, first and once, and nobody else, unless the requester
// looks on; where somebody else ends a change, they call whoever had asked for it. The
// card calls those who act and who asked.
func TestMentions(t *testing.T) {
	ids := regexp.MustCompile(`<@([UW][A-Z0-9]+)>`)
	for _, v := range every() {
		called := fieldOf(t, v.m, "user", "user_id")
		switch {
		case v.part == change.Reply && (v.r.Kind == change.KindFreeze && asPlanned(v.r) || v.r.Kind != change.KindFreeze && watches(v.r)):
			if len(called) > 0 || ids.MatchString(v.m.Text) {
				t.Errorf("%s mentions %q: %s", v.name, called, v.m.Text)
			}
		case v.part == change.Reply, v.part == change.BadNews:
			want := v.r.Requester.ID
			if v.part == change.Reply && v.r.Origin.Kind == change.OriginEndNow && v.r.State == change.Applied {
				want = v.r.Origin.Requester.ID
			}
			if len(called) != 1 || called[0] != want || !strings.HasPrefix(v.m.Text, "<@"+want+">") {
				t.Errorf("%s mentions %q: %s", v.name, called, v.m.Text)
			}
			if found := ids.FindAllString(v.m.Text, -1); len(found) != 1 {
				t.Errorf("%s: the text mentions %q", v.name, found)
			}
		case v.part == change.Card:
			may := append([]string{v.r.Requester.ID, v.r.Origin.Requester.ID, v.r.DeniedBy.ID, v.r.CanceledBy.ID}, v.r.Decision.Approvers...)
			for _, id := range called {
				if !slices.Contains(may, id) {
					t.Errorf("%s mentions %s", v.name, id)
				}
			}
			if len(called) > 8 {
				t.Errorf("%s mentions %d people", v.name, len(called))
			}
		}
	}
}

// Buttons go with what they are for, and carry the request's ID alone.
func TestButtons(t *testing.T) {
	terms := []string{"extend", "keep", "end"}
	for _, v := range every() {
		r := v.r
		waiting := r.Messages.Buttons && (r.State == change.Pending || r.State == change.Requested)
		var want []string
		switch {
		case r.Kind == change.KindFreeze:
			if v.part == change.Card && r.State == change.Applied && r.Term.OverAt.IsZero() {
				want = []string{"thaw"}
			}
			if v.part != change.Card && v.part != change.Reply {
				continue // it has no other
			}
		case v.part == change.EndNotice, v.part == change.EndOverdue:
			want = terms
		case v.part == change.Card && waiting && confirmable(r):
			want = []string{"confirm", "change", "cancel"}
		case v.part == change.Card && waiting:
			want = []string{"approve", "deny", "change"}
		case v.part == private && r.State == change.Pending && r.Decision.BreakGlass:
			want = []string{"break_glass", "cancel"}
		case v.part == private && r.State == change.Pending:
			want = []string{"cancel"}
		case v.part == private && r.Reason.Code == change.NameNotFound:
			continue // see TestCorrections
		case v.part == private && r.State.Ended() && changeable(r):
			want = []string{"change"}
		case v.part == change.Reply, v.part == change.BadNews, v.part == change.ReviewCard:
			if v.part == change.ReviewCard && r.Review.Open {
				want = append(want, "review")
			}
			switch {
			case r.Kind == change.KindRevert:
				if slices.Contains([]change.Code{change.PolicyDeniesIt, change.TooLate, change.BasetenRefused}, r.Reason.Code) {
					want = append(want, "end")
				}
			case r.State == change.Stale && r.Reason.Code == change.UntilPassed:
				want = append(want, "change")
			case (r.State == change.Stale || r.State == change.Expired) && r.AskedAgainBy == "":
				want = append(want, "ask_again")
			}
			if r.Holds() {
				want = append(want, terms...)
			} else if r.Kind != change.KindRevert && r.Term.OverAt.IsZero() && r.State == change.Applied && r.Sends > 0 && r.UndoneBy == "" && r.Answer.Status != "UNCHANGED" &&
				!slices.Contains([]change.OutcomeKind{change.Overruled, change.Rescheduled, change.Superseded}, r.Outcome.Kind) &&
				len(r.Snapshot.Settings.Only(r.Ask.Settings)) > 0 {
				want = append(want, "undo")
			}
			if r.Sends > 0 {
				want = append(want, "status")
			}
		}
		for level, m := range []Message{v.m, v.m.Simpler()} {
			if got := fieldOf(t, m, "button", "action_id"); !slices.Equal(got, want) {
				t.Errorf("%s, level %d: buttons %q, want %q", v.name, level, got, want)
			}
		}
		styled := 0
		walk(t, v.m, func(object map[string]any) {
			about := string(r.ID)
			if object["action_id"] == "end" && r.Kind == change.KindRevert {
				about = string(r.Origin.ID) // it is tried once more
			}
			if object["type"] == "button" && object["value"] != about {
				t.Errorf("%s: a button carries %v", v.name, object["value"])
			}
			if object["type"] == "button" && object["style"] != nil {
				styled++
			}
		})
		if styled > 1 {
			t.Errorf("%s: %d emphasised buttons", v.name, styled)
		}
		if m := v.m.Simpler().Simpler(); m.Blocks != nil || m.Text == "" {
			t.Errorf("%s: as text alone it has %d blocks and says %q", v.name, len(m.Blocks), m.Text)
		}
	}
}

// A failure says so in lower case in the thread, and no status word in capitals.
func TestFailureWords(t *testing.T) {
	status := regexp.MustCompile(`ACCEPTED|QUEUED|UNCHANGED|FAILED`)
	for _, v := range over() {
		if v.r.State != change.Failed {
			continue
		}
		card, reply := Request(v.r, change.Card), Request(v.r, change.Reply)
		if !strings.Contains(reply.Text, "failed") || !strings.Contains(card.Text, "ailed") {
			t.Errorf("%s says %q and %q", v.name, card.Text, reply.Text)
		}
		if status.MatchString(card.Text + reply.Text + reads(card) + reads(reply)) {
			t.Errorf("%s has a status word: %s %s", v.name, reads(card), reads(reply))
		}
	}
}

// A tick says that it is known what became of it.
func TestTicks(t *testing.T) {
	for status, want := range map[string]bool{"ACCEPTED": true, "QUEUED": true, "UNCHANGED": true, "REJECTED": false, "accepted": false, "": false} {
		text := Request(a(applied(status, "")), change.Card).Text
		if strings.Contains(text, "✅") != want {
			t.Errorf("%q: %s", status, text)
		}
	}
	for _, v := range living() {
		if text := Request(v.r, change.Card).Text; strings.Contains(text, "✅") || strings.Contains(text, "change:") || strings.Contains(text, "changed:") {
			t.Errorf("%s says that it is done: %s", v.name, text)
		}
	}
}

// Where nobody knows what became of an attempt, no text promises that nothing was
// changed.
func TestNothingIsPromised(t *testing.T) {
	promise := regexp.MustCompile(`(?i)nothing was (changed|sent)|nothing is changed`)
	unknown := []change.Code{change.NotTaken, change.NotSentAgain, change.NeverKnown, change.WaitsForOutcome, change.OverwrittenSince}
	definite := []change.Code{change.BasetenRefused, change.BasetenAuth, change.BasetenLimited}
	for _, code := range constants[change.Code](t, "../../change/reason.go", "Code") {
		for _, state := range []change.State{change.Approved, change.Applying, change.Failed, change.Unknown, change.Stale, change.Canceled} {
			for sends := range 3 {
				doubt := slices.Contains(unknown, code) || sends == 2 || sends == 1 && !slices.Contains(definite, code)
				if !doubt {
					continue
				}
				reason := fullReason(code)
				reason.Then = &change.Reason{Code: change.PolicyDeniesIt, Cause: fullCause(authz.CauseConditionFailed)}
				r := a(agreed, in(state, reason), sent(sends), givenUp(change.WayDirect))
				for _, m := range []Message{Request(r, change.Card), Request(r, change.Reply), Private(r), Alone(r)} {
					if text := m.Text + reads(m); promise.MatchString(text) {
						t.Errorf("%s %s after %d sends promises: %s", state, code, sends, text)
					}
				}
			}
		}
	}
	r := a(posted, in(change.Failed, change.Reason{Code: change.BasetenAway, HTTP: 500, Tries: 2}))
	if text := Request(r, change.Card).Text; !strings.HasSuffix(text, "\nFailed: Baseten answered HTTP 500 twice. Nothing was changed.") {
		t.Errorf("what is certain is not said: %s", text)
	}
}

// A card is short enough for a phone.
func TestCardsAreShort(t *testing.T) {
	for _, v := range append(living(), over()...) {
		m := Request(v.r, change.Card)
		if n := strings.Count(reads(m), "\n") + 1; n > 9 && !v.r.Messages.Reply.GivenUp {
			t.Errorf("%s has %d lines:\n%s", v.name, n, reads(m))
		}
	}
}

// Baseten's status and message are shown as they came.
func TestAnswerIsVerbatim(t *testing.T) {
	for _, c := range []struct{ status, message, want string }{
		{"ACCEPTED", "Autoscaling settings update was accepted.", "Baseten: **ACCEPTED** — Autoscaling settings update was accepted."},
		{"QUEUED", "", "Baseten: **QUEUED**"},
		{"UNCHANGED", "*No* <change> & `no` :tada:", "Baseten: **UNCHANGED** — *No* <change> & `no` :tada:"},
		{"DEFERRED", "Later", "Baseten: **unknown status DEFERRED** — Later"},
		{"", "", "Baseten: **no status given**"},
		{"", "Only a message", "Baseten: **no status given** — Only a message"},
		{"ACCEPTED", "one\ntwo", "Baseten: **ACCEPTED**\n> one\n> two"},
		{"ACCEPTED", strings.Repeat("x", 3000), "Baseten: **ACCEPTED** — " + strings.Repeat("x", 3000)},
	} {
		got, _, _ := strings.Cut(reads(Request(a(applied(c.status, c.message)), change.Reply)), "\n[")
		if want := "{@U0ANA} " + c.want; got != want {
			t.Errorf("%q %q reads %q, want %q", c.status, c.message, got, want)
		}
	}
}

// Slack refuses what is longer.
func TestLimits(t *testing.T) {
	check := func(what string, m Message) {
		if len(m.Blocks) > mostBlocks {
			t.Errorf("%s: %d blocks", what, len(m.Blocks))
		}
		if m.Blocks != nil && m.Text == "" {
			t.Errorf("%s: blocks without text", what)
		}
		walk(t, m, func(object map[string]any) { checkObject(t, what, object) })
		for most, options := range map[int][]slack.MsgOption{mostPost: m.Options("1.2"), mostEdit: m.EditOptions()} {
			_, values, err := slack.UnsafeApplyMsgOptions("token", "C0", "https://slack/", options...)
			if err != nil {
				t.Fatal(err)
			}
			text := values.Get("text")
			if n := utf8.RuneCountInString(text); n > most {
				t.Errorf("%s: %d characters of text, at most %d", what, n, most)
			}
			if left := quoteMark.ReplaceAllString(alive.ReplaceAllString(text, ""), ""); strings.ContainsAny(left, "<>") || strings.Count(left, "&") != entities(left) {
				t.Errorf("%s: cut within something: %q", what, left)
			}
			if values.Get("unfurl_links") == "true" || values.Get("parse") == "full" || values.Get("link_names") == "1" {
				t.Errorf("%s: something would come alive: %v", what, values)
			}
		}
	}
	for _, v := range every() {
		check(v.name, v.m)
		check(v.name+" in sections", v.m.Simpler())
		check(v.name+" as text", v.m.Simpler().Simpler())
	}
	r := a(pending)
	hostile(r)
	long(r)
	targets := baseten.Targets{Environments: make([]baseten.Environment, 100)}
	for i := range targets.Environments {
		targets.Environments[i] = baseten.Environment{Name: strings.Repeat("<", 300), Unreadable: strings.Repeat("&", 5000)}
	}
	requests := slices.Repeat([]change.Listed{{Request: r, Link: evil, Approvable: true}, {Request: r}}, 30)
	crowd := change.ModelStatus{Model: baseten.Model{ID: evil, Name: evil}, Targets: targets, Pending: requests, Last: requests}
	stakes := slices.Repeat([]authz.Stake{{Rule: evil, Effect: authz.Approve, Asks: true, Approves: true, Skips: true, Models: []string{evil}, When: evil, Approvers: []string{evil}}}, 100)
	held := a(forTime(time.Hour), holds)
	cold := a(freeze, freezes)
	for _, r := range []*change.Request{held, cold} {
		hostile(r)
		long(r)
	}
	terms := change.Terms{
		Freezes:   slices.Repeat([]change.Listed{{Request: cold, Link: evil, Thawable: true}}, 30),
		Temporary: slices.Repeat([]change.Listed{{Request: held, Link: evil, Own: true}}, 30),
	}
	crowd.Terms = terms
	check("status", Status(crowd, nil, asked))
	check("pending", Pending(requests, terms))
	check("history", History(requests, true))
	page := Home(change.Home{Approvable: requests, Own: requests, Reviews: requests, Recent: requests, Terms: terms}, stakes, ExplainOffer("K7Q2M"), asked)
	if n := len(page.Blocks); n > 100 {
		t.Errorf("a page has %d blocks", n)
	}
	page.Blocks, page.plain = page.Blocks[:mostBlocks], page.plain[:mostBlocks] // a message has fewer
	check("home", page)
	check("list", List(Models{All: slices.Repeat([]baseten.Model{{ID: evil, Name: strings.Repeat("&", 300), Team: evil}}, 100), Age: time.Hour, Last: noReading}))
	check("nothing listed", List(Models{Glob: strings.Repeat("<", 5000), Near: []string{evil, evil}, Last: noReading}))
	check("preview", Preview(r, change.Reason{Code: change.NameNotFound, Text: evil, Names: slices.Repeat([]string{evil}, 100)}, slices.Repeat([]authz.Step{{Rule: evil, Trouble: fullCause(authz.CauseTooFew)}}, 100)))
	check("mistake", Mistake(&commands.Mistake{Text: evil, Lines: slices.Repeat([]string{evil}, 3)}, true))
	check("plain", Plain(strings.Repeat("&<>", 5000)))
	check("whoami", WhoAmI(Self{User: evil, Channel: evil, Membership: authz.Member, Groups: slices.Repeat([]string{evil}, 500), Stakes: stakes}))
	check("explain", ExplainOffer("K7Q2M"))
}

// checkObject holds one object of a message to Slack's limits.
func checkObject(t *testing.T, what string, object map[string]any) {
	t.Helper()
	size := func(field string, most int) {
		text, _ := object[field].(string)
		if inner, ok := object[field].(map[string]any); ok {
			text, _ = inner["text"].(string)
		}
		if n := utf8.RuneCountInString(text); n == 0 || n > most {
			t.Errorf("%s: %v.%s has %d characters, at most %d and at least 1", what, object["type"], field, n, most)
		}
	}
	count := func(most int) {
		if list, _ := object["elements"].([]any); len(list) == 0 || len(list) > most {
			t.Errorf("%s: %d elements in %v", what, len(list), object["type"])
		}
	}
	switch object["type"] {
	case "button":
		size("text", 75)
		size("accessibility_label", 75)
		size("value", 2000)
		size("action_id", 255)
	case "section":
		size("text", 3000)
	case "mrkdwn", "plain_text":
		size("text", 3000)
	case "text":
		size("text", 3000)
	case "context":
		count(10)
	case "actions":
		count(25)
	case "rich_text", "rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted":
		count(10_000)
	case nil:
		if object["title"] != nil { // a confirm dialog
			size("title", 100)
			size("text", 300)
			size("confirm", 30)
			size("deny", 30)
		}
	}
}

// Amounts are written for people.
func TestAmounts(t *testing.T) {
	for want, got := range map[string]string{
		"0": number(0), "999": number(999), "1,000": number(1000), "1,000,000": number(1_000_000), "-1,234": number(-1234),
		"$0.00": money(0), "$45.50": money(45.5), "$6,499,800.00": money(6499800), "$1.00": money(0.999), "over $1,000,000,000,000": money(1e300),
		"45 s": length(45 * time.Second), "1 min": length(59600 * time.Millisecond), "6 min 20 s": length(380 * time.Second),
		"3 h": length(3 * time.Hour), "3 h 5 min": length(3*time.Hour + 5*time.Minute + 9*time.Second), "0 s": length(-time.Hour),
		"1 request": value(baseten.ConcurrencyTarget, 1), "70 %": value(baseten.TargetUtilization, 70),
		"40,000 tokens": value(baseten.TargetInFlightTokens, 40000), "90 s": value(baseten.ScaleDownDelay, 90), "not set": valueOf(baseten.MinReplica, nil),
		"a": listed("or", []string{"a"}), "a or b": listed("or", []string{"a", "b"}), "a, b or c": listed("or", []string{"a", "b", "c"}),
		" 3 times": times(3), "": times(1),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A cut never leaves half of an escape or of something alive.
func TestCutMarkup(t *testing.T) {
	text := "ab &amp; <@U0ANA> <!date^1^{time}|14:02 UTC> end"
	for most := 2; most <= len(text)+1; most++ {
		got := cutMarkup(text, most)
		if n := utf8.RuneCountInString(got); n > most {
			t.Errorf("cut to %d it has %d characters", most, n)
		}
		if left := alive.ReplaceAllString(got, ""); strings.ContainsAny(left, "<>") || strings.Count(got, "&") != strings.Count(got, "&amp;") {
			t.Errorf("cut to %d: %q", most, got)
		}
	}
	if got := cutMarkup(text, len(text)); got != text {
		t.Errorf("cut though it fits: %q", got)
	}
}

// Times are Slack's own elements, so that everybody reads them in their own zone.
func TestTimesAreReadInTheReadersZone(t *testing.T) {
	m := Request(a(pending, func(r *change.Request) { r.ExpiresAt = asked.Add(90 * time.Hour) }), change.Card)
	if got := fieldOf(t, m, "date", "fallback"); len(got) != 1 || got[0] != "7 Nov 08:02 UTC" {
		t.Errorf("times %q", got)
	}
	if want := "<!date^1794038520^{date_short_pretty} at {time}|7 Nov 08:02 UTC>"; !strings.Contains(m.Text, want) {
		t.Errorf("the text has no such time: %s", m.Text)
	}
}

// Links lead only where Slack said, people are only who has an ID.
func TestPiecesAreChecked(t *testing.T) {
	for _, url := range []string{"http://acme.slack.com/x", "https://a|b", "https://a b", "javascript:x", "https://a>b", ""} {
		if got := say(link("#ZZZZZ", url)).markup(); got != "#ZZZZZ" {
			t.Errorf("%q becomes %s", url, got)
		}
	}
	for id, want := range map[string]string{"U0ANA": "<@U0ANA>", "W0ANA": "<@W0ANA>", "!channel": "!channel", "U0ANA|x": "U0ANA|x", "": "somebody"} {
		if got := say(user(id)).markup(); got != want {
			t.Errorf("%q becomes %s", id, got)
		}
	}
	if got := fmt.Sprint(say(channel("C0MLOPS")).markup(), say(channel("<!here>")).markup()); got != "<#C0MLOPS>&lt;!here&gt;" {
		t.Errorf("channels become %s", got)
	}
}
