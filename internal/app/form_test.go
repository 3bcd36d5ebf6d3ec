package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"autoscalebot/internal/sandbox"
	"autoscalebot/internal/sandbox/basetensim"
	"autoscalebot/internal/sandbox/slacksim"
)

// The form for a change: the way for most people. Each story goes by what somebody does.

const formTitle = "Change Autoscaling"

// formed is a story about a form that one person has open.
type formed struct {
	*story
	form *sandbox.Form
}

// opens waits until a person has the form open, filled so far that it holds the text.
func (s *story) opens(who, text string) *formed {
	s.t.Helper()
	form, err := s.As(who).Form(s.ctx, text)
	if err != nil {
		s.t.Fatal(err)
	}
	return &formed{s, form}
}

// form opens the form by a bare command, with a model and perhaps a target named.
func (s *story) formFor(who, names, text string) *formed {
	s.t.Helper()
	s.slash(who, "#ml-oncall", "/autoscale "+names)
	return s.opens(who, text)
}

func (f *formed) sees(text string) {
	f.t.Helper()
	if err := f.form.Sees(f.ctx, text); err != nil {
		f.t.Fatal(err)
	}
}

func (f *formed) choose(field, option string) {
	f.t.Helper()
	if _, err := f.form.Choose(f.ctx, field, option); err != nil {
		f.t.Fatal(err)
	}
}

func (f *formed) enter(field, text string) {
	f.t.Helper()
	if _, err := f.form.Type(field, text); err != nil {
		f.t.Fatal(err)
	}
}

func (f *formed) press(label string) {
	f.t.Helper()
	if _, err := f.form.Press(label); err != nil {
		f.t.Fatal(err)
	}
}

func (f *formed) holds(field, want string) {
	f.t.Helper()
	if got := f.form.Value(field); got != want {
		f.t.Errorf("%s holds %q, want %q:\n%s", field, got, want, f.form.Text())
	}
}

// submit sends the form and waits until that is acknowledged.
func (f *formed) submit() *slacksim.Delivery {
	f.t.Helper()
	d, err := f.form.Submit()
	if err != nil {
		f.t.Fatalf("%v:\n%s", err, f.form.Text())
	}
	if err := d.WaitAck(f.ctx); err != nil {
		f.t.Fatal(err)
	}
	return d
}

// sent sends the form, which closes.
func (f *formed) sent() {
	f.t.Helper()
	f.submit()
	if f.form.Open() {
		f.t.Fatalf("the form is still open, with %q:\n%s", f.form.Errors(), f.form.Text())
	}
}

// refused sends the form, which stays open with a text under a field.
func (f *formed) refused(text string) {
	f.t.Helper()
	f.submit()
	for _, said := range f.form.Errors() {
		if strings.Contains(said, text) {
			return
		}
	}
	f.t.Fatalf("under the fields stands %q, want %q:\n%s", f.form.Errors(), text, f.form.Text())
}

const llama = basetensim.DemoLlama

func TestFormByACommandWithoutSettings(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	f := s.formFor("Ana", "", formTitle)
	f.choose("Model", "llama-70b")
	f.sees("Target")
	f.choose("Target", "production")
	f.sees("Min replicas")
	f.holds("max", "4")
	f.sees("Now 4 of 4 replicas")
	f.refused("Nothing is changed yet")
	f.enter("max", "7")
	f.sees("You may do this at once")
	f.sees("Up to $")
	f.enter("reason", "launch")
	f.sent()
	s.sees("Ben", "Baseten: ACCEPTED")
	s.sees("Ben", "Reason: launch")
	want := []string{"/v1/models/" + llama + "/environments/production " + `{"autoscaling_settings":{"max_replica":7}}`}
	if got := s.patches(); !slices.Equal(got, want) {
		t.Errorf("patches %q, want %q", got, want)
	}
}

func TestFormKnowsTheNames(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	f := s.formFor("Ana", "llama-70b production", "Max replicas")
	f.holds("Target", "env:production")
	f.holds("min", "2")
	f.form.Close()
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale lama-7b"), "Which target")
	if d := s.slash("Ana", "#ml-oncall", "/autoscale help"); len(s.Slack.OpenViews("U0ANA")) != 0 {
		t.Errorf("help opens a form: %v", d)
	}
}

func TestFormByTheGlobalShortcut(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.As("Ana").Shortcut(formTitle)
	f := s.opens("Ana", "Channel")
	f.choose("Model", "llama-70b")
	f.sees("Target")
	f.choose("Target", "production")
	f.sees("Max replicas")
	f.enter("max", "6")
	f.enter("Channel", "C0LLMPROD")
	f.sees("You may do this at once")
	f.sent()
	if m := s.sees("Ben", "Baseten: ACCEPTED"); m.Channel != s.As("Ana").Channel("#llm-prod") {
		t.Errorf("told in %s", m.Channel)
	}
}

func TestFormByAMessage(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	root := s.As("Ben").Say("#ml-oncall", "", "ALERT: llama-70b p95 is 9 s")
	m := s.sees("Ana", "ALERT")
	if err := s.As("Ana").MessageShortcut(m, formTitle).WaitAck(s.ctx); err != nil {
		t.Fatal(err)
	}
	f := s.opens("Ana", "Target")
	f.holds("Model", llama)
	f.choose("Target", "production")
	f.sees("Max replicas")
	f.enter("max", "8")
	f.sent()
	for _, text := range []string{"asks:", "Baseten: ACCEPTED"} {
		if m := s.sees("Ben", text); m.ThreadTS != root {
			t.Errorf("%q stands in thread %q, want that of the alert", text, m.ThreadTS)
		}
	}

	s.As("Ben").Say("#ml-oncall", "", "rerank and whisper are slow")
	if err := s.As("Ana").MessageShortcut(s.sees("Ana", "are slow"), formTitle).WaitAck(s.ctx); err != nil {
		t.Fatal(err)
	}
	s.opens("Ana", formTitle).holds("Model", "")
}

func TestFormFromAStatus(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	d := s.slash("Ana", "#ml-oncall", "/autoscale status llama-70b production")
	s.told(d, "production")
	s.click("Ana", "Change…")
	f := s.opens("Ana", "Max replicas")
	f.holds("Model", llama)
	f.holds("Target", "env:production")
	f.enter("max", "5")
	f.sent()
	s.sees("Ben", "Baseten: ACCEPTED")
}

// What is typed for one target is never taken for another's, and everything that was not
// touched is not sent.
func TestFormAnotherTarget(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	f := s.formFor("Ana", "llama-70b production", "Max replicas")
	f.enter("max", "7")
	f.enter("reason", "load test")
	f.sees("→ 7")
	f.choose("Target", "staging")
	f.sees("Change a value")
	f.holds("max", fmt.Sprint(s.Baseten.Environment(llama, "staging").Settings.MaxReplica))
	f.holds("reason", "load test")
	f.press("More Settings")
	f.sees("Scale-down delay")
	f.enter("delay", "10m")
	f.sees("Scale-down delay:")
	f.sent()
	s.click("Ana", "Confirm Change")
	s.sees("Ben", "Baseten: ACCEPTED")
	want := []string{"/v1/models/" + llama + "/environments/staging " + `{"autoscaling_settings":{"scale_down_delay":600}}`}
	if got := s.patches(); !slices.Equal(got, want) {
		t.Errorf("patches %q, want %q", got, want)
	}
}

func TestFormOfWhatMoved(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	f := s.formFor("Ana", "llama-70b production", "Max replicas")
	f.enter("max", "7")
	f.sees("→ 7")
	if err := s.Baseten.ChangeEnvironmentBehindTheBack(llama, "production", basetensim.Changes{"max_replica": 5}); err != nil {
		t.Fatal(err)
	}
	f.refused("max was 4 when shown, is 5 now")
	f.holds("max", "7")
	f.sent() // it was seen, and is meant
	s.sees("Ben", "5 → 7")
	s.sees("Ben", "Baseten: ACCEPTED")
}
