package view

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
)

// filledIn writes a form as a person reads it, with what is kept unseen.
func filledIn(t *testing.T, v slack.ModalViewRequest) string {
	t.Helper()
	var out []string
	for _, b := range v.Blocks.BlockSet {
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		var n struct {
			Type, BlockID string
			Optional      bool
			Label, Hint   struct{ Text string }
			Element       struct {
				Type         string
				ActionID     string `json:"action_id"`
				InitialValue string `json:"initial_value"`
				Options      []struct {
					Text, Description struct{ Text string }
					Value             string
				}
				InitialOption struct{ Value string } `json:"initial_option"`
			}
		}
		if err := json.Unmarshal(raw, &n); err != nil {
			t.Fatal(err)
		}
		if n.Type != "input" {
			out = append(out, reads(Message{Blocks: []slack.Block{b}}))
			continue
		}
		line := fmt.Sprintf("%s (%s %s): %s%s", n.Label.Text, n.Element.Type, n.Element.ActionID, n.Element.InitialValue, n.Element.InitialOption.Value)
		if n.Optional {
			line += " (optional)"
		}
		if n.Hint.Text != "" {
			line += " (small) " + n.Hint.Text
		}
		for _, o := range n.Element.Options {
			line += "\n    " + o.Text.Text + " | " + o.Description.Text + " | " + o.Value
		}
		out = append(out, line)
	}
	return strings.Join(append(out, "[["+v.Submit.Text+"]] "+v.PrivateMetadata), "\n")
}

// seenAs is a preview of max 4 → 7 that ends in that way.
func seenAs(no change.Reason, d authz.Decision) *change.Preview {
	r := *living()[0].r
	r.Decision = d
	return &change.Preview{Request: &r, Refused: no}
}

func forms() map[string]Form {
	targets := llamaTargets()
	model := &baseten.Listed{Model: targets.Model, Spelled: targets.Model.Name}
	model.ID, model.Name = targets.ModelID, "llama-70b"
	at := func(environment, deployment string) *baseten.Resolved {
		r, ok := targets.Exactly(environment, deployment)
		if !ok {
			panic("no target " + environment + deployment)
		}
		return &r
	}
	kept := FormKept{Channel: "C0OPS"}
	more := FormKept{Channel: "C0OPS", More: true}
	typed := map[baseten.Field]string{baseten.MaxReplica: "7"}
	allowed := authz.Decision{Effect: authz.Allow, Rule: "on-call"}
	needs := authz.Decision{Effect: authz.Approve, Rule: "the rest", Approvers: []string{"U0LEA", "U0LEO"}, Needed: map[string]int{"": 1}, RequireReason: true}
	missing := change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseReasonMissing, Rule: "the rest"}}
	no := change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseNoRule}}
	production := at("production", "")
	base := Form{Kept: kept, Model: model, Targets: &targets, Target: production, Now: targets.ReadAt}
	with := func(alter func(*Form)) Form {
		f := base
		alter(&f)
		return f
	}
	stale := targets
	stale.Stale = true
	return map[string]Form{
		"1 no channel yet":   {Now: targets.ReadAt},
		"2 a word not found": {Kept: kept, Unknown: "lama"},
		"3 reading":          {Kept: kept, Model: model},
		"4 no target yet":    with(func(f *Form) { f.Target = nil }),
		"5 as it is today":   base,
		"6 at once":          with(func(f *Form) { f.Typed, f.Seen = typed, seenAs(change.Reason{}, allowed) }),
		"7 needs people": with(func(f *Form) {
			f.Kept, f.Typed, f.Reason, f.Seen = more, typed, "launch", seenAs(change.Reason{}, needs)
		}),
		"8 needs a reason": with(func(f *Form) { f.Typed, f.Seen = typed, seenAs(missing, needs) }),
		"9 not allowed, and moved": with(func(f *Form) {
			f.Typed, f.Seen, f.Moved = typed, seenAs(no, authz.Decision{}), movedTo5()
		}),
		"A in place of": with(func(f *Form) { f.Kept.Replaces, f.Replaced = "K7Q2M", living()[0].r }),
		"D for 2 h": with(func(f *Form) {
			f.Typed, f.End, f.Seen = typed, FormEnd{Choice: "2h"}, seenAs(change.Reason{}, allowed)
			forTime(2 * time.Hour)(f.Seen.Request)
		}),
		"E until, typed": with(func(f *Form) {
			f.Typed, f.End, f.Seen = typed, FormEnd{"typed", "18:00"}, seenAs(change.Reason{}, authz.Decision{Effect: authz.Allow, RequireFor: true, MaxFor: 8 * time.Hour})
			untilTime(asked.Add(3 * time.Hour))(f.Seen.Request)
		}),
		"F needs an end": with(func(f *Form) {
			f.Typed, f.Seen = typed, seenAs(change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseForMissing, Rule: "x"}}, authz.Decision{Effect: authz.Deny, RequireFor: true})
		}),
		"G too long": with(func(f *Form) {
			f.Typed, f.End = typed, FormEnd{Choice: "8h"}
			f.Seen = seenAs(change.Reason{Code: change.PolicyDenied, Cause: authz.Cause{Code: authz.CauseTooLong, Rule: "x", Max: time.Hour}}, authz.Decision{Effect: authz.Deny, RequireFor: true, MaxFor: time.Hour})
			forTime(8 * time.Hour)(f.Seen.Request)
		}),
		"H an end that cannot be read": with(func(f *Form) { f.Typed, f.End = typed, FormEnd{"typed", "soon"} }),
		"B Baseten away":               {Kept: kept, Model: model, Trouble: change.Reason{Code: change.BasetenAway}},
		"C stale":                      with(func(f *Form) { f.Targets, f.Now = &stale, targets.ReadAt.Add(time.Minute) }),
	}
}

func TestGoldenForm(t *testing.T) {
	var s sheet
	all := forms()
	for _, key := range []string{"1 no channel yet", "2 a word not found", "3 reading", "4 no target yet", "5 as it is today", "6 at once", "7 needs people", "8 needs a reason", "9 not allowed, and moved", "A in place of", "B Baseten away", "C stale", "D for 2 h", "E until, typed", "F needs an end", "G too long", "H an end that cannot be read"} {
		fmt.Fprintf(&s.b, "=== %s\n%s\n\n", key[2:], filledIn(t, ChangeForm(all[key])))
	}
	s.compare(t, "form")
}

// Slack takes every form, whatever Baseten's names are and however many there are.
func TestFormLimits(t *testing.T) {
	targets := llamaTargets()
	for i := range 300 {
		settings := baseten.Settings{baseten.MinReplica: 0, baseten.MaxReplica: 1}
		targets.Environments = append(targets.Environments, baseten.Environment{Name: fmt.Sprintf("env-%d-%s", i, strings.Repeat("x", i)), Settings: settings})
		targets.Deployments = append(targets.Deployments, baseten.Deployment{ID: fmt.Sprintf("d%d", i), Name: evil + strings.Repeat("y", i), Settings: settings})
	}
	r := *living()[0].r
	long(&r)
	last, _ := targets.Exactly("", "d299")
	model := &baseten.Listed{Model: baseten.Model{ID: targets.ModelID, Name: strings.Repeat("ä", 300), Team: evil, SharedName: true}}
	f := Form{
		Kept: FormKept{Channel: "C0OPS", Thread: "1.2", Replaces: "K7Q2M", More: true}, Model: model, Targets: &targets, Target: &last,
		Replaced: &r, Seen: &change.Preview{Request: &r}, Reason: strings.Repeat("w", mostReason), Now: time.Now(),
	}
	v := ChangeForm(f)
	if n := len(v.Blocks.BlockSet); n > 100 {
		t.Errorf("%d blocks", n)
	}
	if n := len(v.PrivateMetadata); n > 3000 {
		t.Errorf("private_metadata has %d bytes", n)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	var look func(any)
	look = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, n := range node {
				look(n)
			}
		case map[string]any:
			if options, ok := node["options"].([]any); ok && (len(options) == 0 || len(options) > 100) {
				t.Errorf("%d options", len(options))
			}
			if id, _ := node["block_id"].(string); utf8.RuneCountInString(id) > 255 {
				t.Errorf("block_id of %d characters", len(id))
			}
			if value, ok := node["value"].(string); ok && (value == "" || len(value) > 75) {
				t.Errorf("option with value %q", value)
			}
			for _, n := range node {
				look(n)
			}
		}
	}
	look(tree)

	var models []baseten.Listed
	for i := range 300 {
		models = append(models, baseten.Listed{Model: baseten.Model{ID: fmt.Sprintf("m%06d", i), Name: strings.Repeat("\u200b<&", 90), Team: "t", SharedName: true}})
	}
	options := ModelOptions(models)
	if written, _ := json.Marshal(options); len(options) == 0 || len(options) > 100 || len(written) > 20<<10 {
		t.Errorf("%d options in %d bytes", len(options), len(written))
	}
}

// state is what Slack sends back of a form in which nothing was touched.
func state(t *testing.T, v slack.ModalViewRequest, entered map[string]string) slack.View {
	t.Helper()
	raw, err := json.Marshal(v.Blocks)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []struct {
		BlockID string `json:"block_id"`
		Element struct {
			ActionID      string                  `json:"action_id"`
			InitialValue  string                  `json:"initial_value"`
			InitialOption slack.OptionBlockObject `json:"initial_option"`
		} `json:"element"`
	}
	if err := json.Unmarshal(raw, &blocks); err != nil {
		t.Fatal(err)
	}
	values := map[string]map[string]slack.BlockAction{}
	for _, b := range blocks {
		if b.Element.ActionID == "" {
			continue
		}
		value := b.Element.InitialValue
		if text, ok := entered[b.Element.ActionID]; ok {
			value = text
		}
		values[b.BlockID] = map[string]slack.BlockAction{b.Element.ActionID: {Value: value, SelectedOption: b.Element.InitialOption}}
	}
	return slack.View{CallbackID: v.CallbackID, PrivateMetadata: v.PrivateMetadata, State: &slack.ViewState{Values: values}}
}

func TestFormIsReadBack(t *testing.T) {
	f := forms()["7 needs people"]
	f.Typed = nil
	e, ok := ReadForm(state(t, ChangeForm(f), nil))
	if !ok || e.ModelID != f.Model.ID || e.Target != "env:production" || e.Kept.Channel != "C0OPS" || !e.Kept.More || !e.Kept.NeedsReason || e.Reason != "launch" || len(e.Fields) != 8 {
		t.Fatalf("read %+v, %t", e, ok)
	}
	if touched, _, wrong := e.Settings(); len(touched)+len(wrong)+len(e.Typed()) != 0 {
		t.Errorf("untouched, but %v, %v", touched, wrong)
	}

	e, _ = ReadForm(state(t, ChangeForm(f), map[string]string{"max": "7", "window": "10m", "delay": "nonsense", "down-rate": "20", "min": ""}))
	touched, shown, wrong := e.Settings()
	if got := touched.String() + " / " + shown.String(); got != "max=7 window=600 down-rate=20 / max=4 window=60" {
		t.Errorf("read %s", got)
	}
	if len(wrong) != 1 || wrong[e.Under(baseten.ScaleDownDelay)] == "" {
		t.Errorf("wrong: %v", wrong)
	}

	// For how long: chosen, or typed where that is chosen.
	if e.End != (FormEnd{Choice: "never"}) {
		t.Errorf("for how long: %+v", e.End)
	}
	for name, want := range map[string]string{"D for 2 h": "2h0m0s ", "E until, typed": "0s 18:00", "H an end that cannot be read": "0s "} {
		e, _ := ReadForm(state(t, ChangeForm(forms()[name]), nil))
		d, until, why := e.End.Read()
		if got := d.String() + " " + until.String(); got != want || (why != "") != (name[0] == 'H') || e.End != forms()[name].End {
			t.Errorf("%s: read %s, %q", name, got, why)
		}
	}

	// Sent before the field is there: the mistake is shown where there is one.
	e, _ = ReadForm(state(t, ChangeForm(forms()["F needs an end"]), nil))
	if e.UnderEnd() != PickEnd {
		t.Errorf("a mistake is shown under %s", e.UnderEnd())
	}

	// The model was changed since, or the target: nothing is taken for the other one's.
	other := state(t, ChangeForm(f), map[string]string{"max": "7"})
	other.State.Values[PickModel][PickModel] = slack.BlockAction{SelectedOption: slack.OptionBlockObject{Value: "other"}}
	if e, _ := ReadForm(other); e.Target != "" || len(e.Typed()) != 0 {
		t.Errorf("read for another model: %+v", e)
	}
	other = state(t, ChangeForm(f), map[string]string{"max": "7"})
	other.State.Values[targetBlock(f.Model.ID)][PickTarget] = slack.BlockAction{SelectedOption: slack.OptionBlockObject{Value: "env:staging"}}
	e, _ = ReadForm(other)
	if touched, _, wrong := e.Settings(); len(touched) != 0 || len(wrong) != 8 {
		t.Errorf("read for another target: %v, %v", touched, wrong)
	}

	for _, metadata := range []string{"", "{}", `{"v":1}`, `{"v":3}`, "K7Q2M"} {
		v := state(t, ChangeForm(f), nil)
		v.PrivateMetadata = metadata
		if _, ok := ReadForm(v); ok {
			t.Errorf("a form with %q was read", metadata)
		}
	}
}

// A form that begins with a request begins with its time, in the words of whoever opens it.
func TestFormBeginsWithTheTime(t *testing.T) {
	berlin, utc := authz.Person{ID: ana.ID, Zone: "Europe/Berlin"}, authz.Person{ID: leo.ID, Zone: "UTC"}
	clock := func(r *change.Request) { r.Ask.Clock = "Fri 18:00" }
	for _, c := range []struct {
		r      *change.Request
		reader authz.Person
		want   FormEnd
	}{
		{a(), berlin, FormEnd{}},
		{a(forTime(2 * time.Hour)), utc, FormEnd{Choice: "2h"}},
		{a(forTime(90 * time.Minute)), utc, FormEnd{"typed", "1h30m"}},
		{a(untilTime(asked.Add(3 * time.Hour))), berlin, FormEnd{"typed", "18:02"}},
		{a(untilTime(asked.Add(3 * time.Hour))), utc, FormEnd{"typed", "17:02"}},
		{a(untilTime(asked.Add(48 * time.Hour))), utc, FormEnd{"typed", "2026-11-05 14:02"}},
		{a(untilTime(asked.Add(-time.Hour))), utc, FormEnd{Choice: "typed"}},
		{a(clock), berlin, FormEnd{"typed", "Fri 18:00"}},
		{a(clock), utc, FormEnd{Choice: "typed"}},
	} {
		if got := EndOf(c.r, c.reader, asked); got != c.want {
			t.Errorf("%+v for %s: %+v, want %+v", c.r.Ask, c.reader.ID, got, c.want)
		}
	}
}
