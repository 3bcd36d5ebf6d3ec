package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// offeredNothing waits until a person is offered no model for what they type.
func (f *formed) offeredNothing(query string) {
	f.t.Helper()
	for {
		got, err := f.form.Options(f.ctx, "Model", query)
		if err != nil {
			f.t.Fatalf("still offered %.100q: %v", got, err)
		}
		if len(got) == 0 {
			return
		}
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

// A form that is refused keeps what was typed, and a request that is refused later offers
// the form as it was filled.
func TestFormThatIsRefused(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	f := s.formFor("Ana", "llama-70b production", "Max replicas")
	f.enter("min", "9")
	f.enter("reason", "customers wait")
	f.refused("min 9 would be above the current max 4")
	f.enter("max", "0")
	f.refused("max takes 1 or more replicas")
	f.press("More Settings")
	f.sees("Autoscaling window")
	f.enter("window", "2")
	f.refused("window takes 10 s to 3600 s")
	f.holds("min", "9")
	f.holds("window", "2")
	f.holds("reason", "customers wait")

	f.enter("window", "60")
	f.enter("max", "4")
	f.enter("min", "0")
	f.sees("Production never scales to zero")
	f.sent()
	if m := s.sees("Ana", "Production never scales to zero"); m.EphemeralFor != "U0ANA" || m.Channel != s.As("Ana").Channel("#ml-oncall") {
		t.Errorf("told to %q in %s", m.EphemeralFor, m.Channel)
	}
	s.click("Ana", "Change…")
	f = s.opens("Ana", "Max replicas")
	f.holds("min", "0")
	f.holds("max", "4")
	f.holds("reason", "customers wait")
	f.enter("min", "2")
	f.enter("max", "6")
	f.sent()
	s.sees("Ben", "Baseten: ACCEPTED")
	want := []string{"/v1/models/" + llama + "/environments/production " + `{"autoscaling_settings":{"max_replica":6}}`}
	if got := s.patches(); !slices.Equal(got, want) {
		t.Errorf("patches %q, want %q", got, want)
	}
}

// What could not be looked at before the acknowledgement is compared once it is recorded:
// what moved is not sent.
func TestFormOfWhatMovedUnseen(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	f := s.formFor("Ana", "llama-70b production", "Max replicas")
	f.enter("max", "7")
	f.sees("You may do this at once")
	if err := s.Baseten.ChangeEnvironmentBehindTheBack(llama, "production", basetensim.Changes{"max_replica": 5}); err != nil {
		t.Fatal(err)
	}
	slow := s.Baseten.Inject(basetensim.Fault{Method: "GET", Path: "/v1/models/" + llama, Kind: basetensim.Delay, Delay: 1500 * time.Millisecond})
	f.sent()
	slow.Clear()
	s.sees("Ana", "max was 4 when shown, is 5 now")
	if got := s.patches(); len(got) != 0 {
		t.Errorf("patches %q", got)
	}
	s.click("Ana", "Change…")
	f = s.opens("Ana", "5 → 7")
	f.holds("max", "7")
}

// [Change…] on somebody's card asks for something else in its place, in the name of
// whoever presses it.
func TestFormInPlaceOfARequest(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=30")
	first := s.sees("Ben", "Waits for")
	s.click("Lea", "Change…")
	f := s.opens("Lea", "In place of")
	f.sees("More Settings")
	f.holds("max", "30")
	f.enter("max", "12")
	f.sees("Needs @leo")
	f.sent()
	card := s.sees("Ben", "in place of "+requestID(t, s.Slack.PlainText(first)))
	s.sees("Ben", "Replaced by "+requestID(t, s.Slack.PlainText(card)))
	s.click("Lea", "Approve Change")
	s.sees("Lea", "Nobody approves their own request")
	s.click("Leo", "Approve Change")
	s.sees("Ben", "Baseten: ACCEPTED")
	want := []string{"/v1/models/" + llama + "/environments/production " + `{"autoscaling_settings":{"max_replica":12}}`}
	if got := s.patches(); !slices.Equal(got, want) {
		t.Errorf("patches %q, want %q", got, want)
	}
}

// One's own card is replaced in the same way; where the other values need nobody, they are
// carried out at once.
func TestFormInPlaceOfOnesOwn(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=30")
	s.sees("Ben", "Waits for")
	s.click("Ana", "Change…")
	f := s.opens("Ana", "More Settings")
	f.enter("max", "8")
	f.sees("You may do this at once")
	f.sent()
	s.sees("Ben", "Replaced by #")
	s.sees("Ben", "Baseten: ACCEPTED")
}

// A request that ended while the form was open is not spoken of.
func TestFormInPlaceOfWhatEnded(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production max=30")
	s.sees("Ben", "Waits for")
	s.click("Lea", "Change…")
	f := s.opens("Lea", "More Settings")
	f.enter("max", "12")
	s.click("Leo", "Deny")
	s.sees("Ben", "Denied by")
	f.sent()
	if text := s.Slack.PlainText(s.sees("Ben", "4 → 12")); strings.Contains(text, "in place of") {
		t.Errorf("the card speaks of what ended:\n%s", text)
	}
}

// Options come from what is known: at once, with 5,000 models, without a call to Baseten,
// and to nobody whom list would show nothing.
func TestFormOptions(t *testing.T) {
	t.Parallel()
	s := stage(t, quietly(), nil)
	s.Baseten.Fill(5000, 0)
	s.start()
	f := s.formFor("Ana", "llama-70b", "Target")
	s.Baseten.Inject(basetensim.Fault{Kind: basetensim.Hang})
	for query, want := range map[string]string{
		"": "llama-70b", "model-4321": "model-4321", "modle-4321": "model-4321", "70b": "llama-70b", "rerank": "ads/rerank",
	} {
		began := time.Now()
		got, err := f.form.Options(s.ctx, "Model", query)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%q: options took %v", query, took)
		}
		if len(got) == 0 || len(got) > 100 || !slices.Contains(got, want) || query != "" && got[0] != want {
			t.Errorf("%q: %d options, without or not first %s: %.300q", query, len(got), want, got)
		}
	}
	if got, err := f.form.Options(s.ctx, "Model", "no such thing"); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}

	s.Slack.AddUser(slacksim.User{ID: "U0ANA", Name: "ana", RealName: "Ana Alvarez", IsRestricted: true})
	f.offeredNothing("llama") // a guest
	resume := s.Slack.Fault(slacksim.Fault{Method: "users.info", Kind: slacksim.FaultHang})
	defer resume()
	f.offeredNothing("lla") // nobody knows who asks
}

// A form of a version that is not this one is answered in words, and keeps what was typed.
func TestFormOfAnotherVersion(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	f := s.formFor("Ana", "llama-70b production", "Max replicas")
	f.enter("max", "7")
	v := s.Slack.OpenViews("U0ANA")[0]
	v.CallbackID = "change_everything"
	d := s.Slack.SubmitStale("U0ANA", v, nil)
	if err := d.WaitAck(s.ctx); err != nil {
		t.Fatal(err)
	}
	if got := string(d.AckPayload()); !strings.Contains(got, "another version of the bot") {
		t.Errorf("answered with %s", got)
	}
}

// Baseten away is said in the form, which fills once it is back and something is chosen.
func TestFormWhileBasetenIsAway(t *testing.T) {
	t.Parallel()
	s := stage(t, quietly(), nil)
	away := s.Baseten.Inject(basetensim.Fault{Method: "GET", Path: "/v1/models/" + llama, Kind: basetensim.Refused, Status: 404})
	s.start()
	f := s.formFor("Ana", "", formTitle)
	f.choose("Model", "llama-70b")
	f.sees("⚠️")
	away.Clear()
	f.choose("Model", "whisper-large")
	f.sees("Target")
	f.choose("Model", "llama-70b")
	f.sees("Target")
}

// A form that is sent twice, as where the first answer was slow, asks once; with another
// value it asks for that.
func TestFormSentTwice(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	f := s.formFor("Ana", "llama-70b production", "Max replicas")
	f.enter("max", "7")
	f.sees("You may do this at once")
	v := s.Slack.OpenViews("U0ANA")[0]
	for range 2 {
		if err := s.Slack.SubmitStale("U0ANA", v, nil).WaitAck(s.ctx); err != nil {
			t.Fatal(err)
		}
	}
	s.sees("Ben", "In force after")
	if cards, patches := s.cards(), s.patches(); cards != 1 || len(patches) != 1 {
		t.Errorf("%d cards and the patches %q, want one of each", cards, patches)
	}
}

// A form that Slack does not fill says so where it can be seen.
func TestFormThatIsNotFilled(t *testing.T) {
	t.Parallel()
	s := tell(t, quietly(), nil)
	s.Slack.Fault(slacksim.Fault{Method: "views.update", Kind: slacksim.FaultError, Code: "invalid_arguments"})
	s.told(s.slash("Ana", "#ml-oncall", "/autoscale llama-70b production"), "Close it and open it again")
	s.Slack.ClearFaults()
	s.Slack.Fault(slacksim.Fault{Method: "views.*", Kind: slacksim.FaultServerError, Times: 1})
	s.formFor("Ben", "llama-70b production", "Max replicas")
}

// What nobody can type can be chosen: a model that is called like a command, a deployment
// that is called like a setting.
func TestFormOfNamesThatAreWords(t *testing.T) {
	t.Parallel()
	s := stage(t, quietly(), map[string]string{"POLICY_FILE": "", "ALLOWED_USERS": "U0ANA"})
	if err := s.Baseten.RenameModel(llama, "help"); err != nil {
		t.Fatal(err)
	}
	if err := s.Baseten.RenameDeployment(llama, basetensim.DemoLlamaCanary, "max=7"); err != nil {
		t.Fatal(err)
	}
	s.start()
	for i, target := range []string{"env:production", "deployment:" + basetensim.DemoLlamaCanary} {
		s.As("Ana").Slash("#ml-oncall", "/autoscale")
		f := s.opens("Ana", formTitle)
		f.choose("Model", llama)
		f.sees("Target")
		f.choose("Target", target)
		f.sees("Max replicas")
		f.enter("max", fmt.Sprint(5+i))
		f.sees(fmt.Sprintf("→ %d", 5+i))
		f.sent()
		s.wait("it is carried out", func(*slacksim.Snapshot) bool { return len(s.patches()) == i+1 })
	}
}
