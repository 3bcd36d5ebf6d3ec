package view

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// constants are the values of all constants of a type, read from the source: a code
// that is added there and has no words fails here.
func constants[T ~string](t *testing.T, file, typeName string) []T {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if named, ok := spec.Type.(*ast.Ident); !ok || named.Name != typeName {
			return true
		}
		for _, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, T(text))
		}
		return true
	})
	if len(out) < 5 {
		t.Fatalf("%s has %d constants of %s: the test looks in the wrong place", file, len(out), typeName)
	}
	return out
}

// fullCause is a cause with data for whatever its words may need.
func fullCause(code authz.CauseCode) authz.Cause {
	c := authz.Cause{
		Code: code, Rule: "the rest needs a lead", Text: "launch week", Who: []string{"oncall", "leads", "U0LEA"}, OtherRule: "leads may",
		Needed: map[string]int{"leads": 2, "oncall": 1}, Able: map[string]int{"leads": 1, "oncall": 0}, Own: true, MayBreak: true, Guest: true,
		Unreadable: []string{"S0LEADS"}, Field: baseten.MaxReplica, Value: "cost.floor_after", Max: 8 * time.Hour,
	}
	if code == authz.CauseChannel {
		c.Who = []string{"C0MLOPS", "C0OTHER"}
	}
	return c
}

func TestEveryCauseHasWords(t *testing.T) {
	var s sheet
	for _, code := range constants[authz.CauseCode](t, "../../authz/cause.go", "CauseCode") {
		if causes[code] == nil {
			t.Errorf("cause %s has no words", code)
		}
		full, bare := fullCause(code), authz.Cause{Code: code}
		s.line(string(code), CauseText(full))
		s.line("  without data", CauseText(bare))
		if approver := ApproverCauseText(full); approver != CauseText(full) {
			s.line("  of an approver", approver)
		}
	}
	s.line("everybody", CauseText(authz.Cause{Code: authz.CauseDenies, Rule: "freeze", Everybody: true}))
	s.line("nobody else", CauseText(authz.Cause{Code: authz.CauseNoRule, Everybody: true}))
	s.line("others", CauseText(authz.Cause{Code: authz.CauseDenies, Rule: "freeze", Who: []string{authz.Everyone}, OtherRule: "all"}))
	s.line("together", CauseText(authz.Cause{Code: authz.CauseTooFew, Rule: "two", Needed: map[string]int{"": 2}, Able: map[string]int{"": 1}, Who: []string{"leads", "U0LEA"}}))
	s.line("at most half an hour", CauseText(authz.Cause{Code: authz.CauseForMissing, Rule: "short", Max: 30 * time.Minute}))
	s.line("freeze, group unread", CauseText(authz.Cause{Code: authz.CauseGroupUnreadable, Who: []string{"leads"}, Unreadable: []string{"S0LEADS"}}))
	s.line("broke", CauseText(authz.Cause{Code: authz.CauseConditionFailed, Rule: "two", Trouble: "division by zero"}))
	s.line("of tomorrow", CauseText(authz.Cause{Code: "from_tomorrow"}))
	for _, part := range constants[authz.Part](t, "../../authz/decide.go", "Part") {
		s.line("step "+string(part), StepText(authz.Step{Miss: part, Wanted: []string{"llama-*", "U0LEA"}, Field: baseten.MaxReplica}))
	}
	s.line("step that decides", StepText(authz.Step{Matched: true, Decided: true}))
	s.line("step not reached", StepText(authz.Step{Matched: true}))
	s.line("step in trouble", StepText(authz.Step{Decided: true, Trouble: authz.Cause{Code: authz.CauseConditionFailed, Rule: "two", Value: "before.max_replica"}}))
	s.compare(t, "cause")
}

// fullReason is a reason with data for whatever its words may need.
func fullReason(code change.Code) change.Reason {
	return change.Reason{
		Code: code, Cause: fullCause(authz.CauseDenies), Text: "llama-7b", Names: []string{"llama-70b", "ads/rerank"}, Known: []string{"production", `"my env"`}, IDs: []string{"m1", "m2"},
		HTTP: 500, BasetenCode: "CODE", Tries: 2, Moved: movedTo5(), Fields: []baseten.Field{baseten.MaxScaleDownRate},
		Invalid: &baseten.InvalidError{Code: baseten.MinAboveMax, Field: baseten.MinReplica, Value: 5, Other: 4}, Was: "production", Is: "staging", After: 12 * time.Minute,
		Request: "ZZZZZ", State: change.Denied, Link: "https://acme.slack.com/archives/C0/p1", Verb: change.VerbBreakGlass,
		Until: asked.Add(time.Hour), Freeze: byLea(),
	}
}

// endsAs is a state that a request may end in with that code.
func endsAs(code change.Code) change.State {
	switch wordings[code].opens {
	case refusal:
		return change.Denied
	case lapse, staleness:
		return change.Stale
	case failure:
		return change.Failed
	case expiry:
		return change.Expired
	case ignorance:
		return change.Unknown
	default:
		return change.Canceled
	}
}

func TestEveryCodeHasWords(t *testing.T) {
	var s sheet
	for _, code := range constants[change.Code](t, "../../change/reason.go", "Code") {
		if wordings[code].body == nil {
			t.Errorf("code %s has no words", code)
			continue
		}
		text := ReasonText(fullReason(code))
		s.line(string(code), text)
		s.line("  without data", ReasonText(change.Reason{Code: code}))
		opens := wordings[code].opens
		if opens != bare { // those with an opening end a request
			r := a(posted, in(endsAs(code), fullReason(code)))
			s.line("  card", ofItself(r).ending(onCard).plain())
			s.line("  reply", ofItself(r).ending(inAnswer).plain())
		}
		if says := strings.Contains(text, "not allowed"); says != (opens == refusal || opens == lapse) {
			t.Errorf("%s says not allowed: %t", code, says)
		}
		if says := strings.Contains(text, "failed"); says != (opens == failure) && code != change.PolicyDenied {
			t.Errorf("%s says failed: %t", code, says)
		}
	}
	for _, code := range []change.Code{change.NameNotFound, change.RequestNotFound, change.TargetGone} {
		if text := ReasonText(fullReason(code)); !strings.Contains(text, "not found") {
			t.Errorf("%s does not say not found: %s", code, text)
		}
	}
	s.line("none", ReasonText(change.Reason{}))
	s.line("of tomorrow", ReasonText(change.Reason{Code: "from_tomorrow"}))
	s.line("a text alone", ReasonText(change.Reason{Text: "policy.yaml: line 3"}))
	s.compare(t, "reason")
}

func TestEveryNoteHasWords(t *testing.T) {
	var s sheet
	percent := 12.5
	for _, code := range constants[change.NoteCode](t, "../../change/reason.go", "NoteCode") {
		n := change.Note{
			Code: code, Name: "production", Status: "RAMPING_UP", Percent: &percent, Until: asked.Add(time.Hour), Zone: "Europe/Berlin",
			Fields: []baseten.Field{baseten.MaxReplica, baseten.MaxScaleDownRate}, Moved: movedTo5(),
			Request: "9ABCD", Target: a().Target, Link: "https://acme.slack.com/archives/C0/p1",
		}
		r := a(noted(n))
		if text := say(note(r, n)).plain(); strings.Contains(text, string(code)+".") {
			t.Errorf("note %s has no words", code)
		}
		s.line(string(code), join(" / ", notes(r)...).plain())
		s.line("  without data", note(a(), change.Note{Code: code}).plain())
	}
	thread := a(deployment, team, noted(change.Note{Code: change.NoteServes, Name: "the production"}), func(r *change.Request) { r.Thread = "1.1" })
	s.add("in a thread", Request(thread, change.Card))
	s.compare(t, "note")
}

func TestEveryOutcomeHasWords(t *testing.T) {
	for _, kind := range constants[change.OutcomeKind](t, "../../change/follow.go", "OutcomeKind") {
		r := a(took, became(kind))
		text := outcomeWords(r, kind).plain()
		if kind == change.Following {
			if text != "" {
				t.Errorf("%s says %q", kind, text)
			}
		} else if text == "" || strings.Contains(text, string(kind)) && !slices.Contains([]change.OutcomeKind{change.Short}, kind) {
			t.Errorf("outcome %s has no words: %q", kind, text)
		}
	}
}

// Every state has a heading and a word of its own, and no card that waits says that
// something was changed.
func TestEveryStateHasWords(t *testing.T) {
	for _, state := range change.States() {
		r := a(posted, in(state, change.Reason{}))
		text := headline(r)[0].plain()
		if state.Ended() == strings.Contains(text, "asks:") {
			t.Errorf("%s: %s", state, text)
		}
		if stateWord(state) == "" {
			t.Errorf("%s has no word", state)
		}
	}
}

// That Slack did not show a user group is no matter of permission.
func TestTroubleIsNoRefusal(t *testing.T) {
	for _, c := range []authz.Cause{
		{Code: authz.CauseGroupUnreadable, Rule: "r", Unreadable: []string{"S0ONCALL"}},
		{Code: authz.CauseBreakGlassUnreadable, Rule: "r", Unreadable: []string{"S0ONCALL"}},
		{Code: authz.CauseTooFew, Rule: "r", Needed: map[string]int{"": 1}, Unreadable: []string{"S0LEADS"}},
	} {
		for _, code := range []change.Code{change.PolicyDenied, change.PolicyDeniesIt} {
			text := ReasonText(change.Reason{Code: code, Cause: c})
			if strings.Contains(text, "not allowed") || !strings.Contains(text, "failed") {
				t.Errorf("%s, %s: %s", code, c.Code, text)
			}
		}
	}
}
