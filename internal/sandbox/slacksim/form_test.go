package slacksim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

func plain(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject("plain_text", text, false, false)
}

func option(value, text string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(value, plain(text), nil)
}

// askForm asks for a model from the app's list, and for numbers that belong to it.
func askForm(target string) slack.ModalViewRequest {
	model := slack.NewOptionsSelectBlockElement("external_select", plain("model"), "model")
	none := 0
	model.MinQueryLength = &none
	pick := slack.NewInputBlock("model", plain("Model"), nil, model)
	pick.DispatchAction = true
	most := slack.NewNumberInputBlockElement(plain("max"), "max", false)
	most.MinValue, most.MaxValue, most.InitialValue = "1", "100", "4"
	reason := slack.NewInputBlock("reason", plain("Reason"), nil, slack.NewPlainTextInputBlockElement(nil, "reason"))
	reason.Optional = true
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain("Ask"), Submit: plain("Send"), NotifyOnClose: true,
		Blocks: slack.Blocks{BlockSet: []slack.Block{
			pick, slack.NewInputBlock("max:"+target, plain("Max"), nil, most), reason,
			slack.NewActionBlock("more", slack.NewButtonBlockElement("more", "M", plain("More"))),
		}},
	}
}

func openForm(t *testing.T, s *slacksim.Server, bot *app, form slack.ModalViewRequest) slacksim.View {
	t.Helper()
	if _, err := bot.api.OpenView(s.Shortcut(alice, "Change Autoscaling").TriggerID, form); err != nil {
		t.Fatal(err)
	}
	bot.ack(bot.next(socketmode.EventTypeInteractive))
	return s.OpenViews(alice)[0]
}

func TestSuggestions(t *testing.T) {
	s := workspace(t, slacksim.Options{AckTimeout: 200 * time.Millisecond})
	bot := connect(t, s)
	v := openForm(t, s, bot, askForm("none"))
	ask := func(query string, answer ...any) slacksim.Suggestion {
		t.Helper()
		d := s.Suggest(alice, v.ID, "model", "model", query, nil)
		event := bot.next(socketmode.EventTypeInteractive)
		c := event.Data.(slack.InteractionCallback)
		if c.Type != slack.InteractionTypeBlockSuggestion || c.Value != query || c.ActionID != "model" || c.View.ID != v.ID || c.TriggerID != "" {
			t.Errorf("suggestion asked as %+v", c)
		}
		if answer != nil {
			bot.ack(event, answer...)
		}
		_ = d.WaitAck(testContext(t))
		return s.OpenViews(alice)[0].Suggestions[0]
	}

	got := ask("lla", slack.OptionsResponse{Options: []*slack.OptionBlockObject{option("m1", "llama-70b"), option("m2", "llama-8b")}})
	if got.Trouble || !strings.Contains(string(got.Options), "llama-8b") {
		t.Errorf("offered %+v", got)
	}
	if d := s.Act(alice, v.ID, "model", "model", "m9", nil); d.Err() == nil {
		t.Error("an option that was never offered was chosen")
	}
	chosen := s.Act(alice, v.ID, "model", "model", "m2", slacksim.Entered{"max:none": {"max": "7"}})
	if chosen.Err() != nil {
		t.Fatal(chosen.Err())
	}
	c := bot.next(socketmode.EventTypeInteractive).Data.(slack.InteractionCallback)
	if c.Type != slack.InteractionTypeBlockActions || c.ActionCallback.BlockActions[0].SelectedOption.Value != "m2" || c.Container.Type != "view" {
		t.Errorf("choice arrived as %+v", c)
	}
	values := c.View.State.Values
	if values["model"]["model"].SelectedOption.Text.Text != "llama-8b" || values["max:none"]["max"].Value != "7" {
		t.Errorf("with it came %+v", values)
	}

	many := slack.OptionsResponse{}
	for i := range 101 {
		many.Options = append(many.Options, option(fmt.Sprint(i), fmt.Sprint(i)))
	}
	for what, answer := range map[string][]any{
		"101 options":    {many},
		"a long option":  {slack.OptionsResponse{Options: []*slack.OptionBlockObject{option("x", strings.Repeat("x", 76))}}},
		"no payload":     {map[string]any{}},
		"no answer":      nil,
		"options of two": {slack.OptionsResponse{Options: []*slack.OptionBlockObject{option("x", "a"), option("x", "b")}}},
	} {
		if got := ask("q "+what, answer...); !got.Trouble || got.Options != nil {
			t.Errorf("%s: offered %+v", what, got)
		}
	}
	if got := ask("nothing", map[string]any{"options": []any{}}); got.Trouble {
		t.Errorf("an empty list is trouble: %+v", got)
	}
}

// What stays in a field when the app changes the view: all under the same block_id and
// action_id, also a value that nobody touched.
func TestUpdateKeepsWhatWasEntered(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)
	v := openForm(t, s, bot, askForm("one"))
	if err := s.Enter(alice, v.ID, slacksim.Entered{"reason": {"reason": "launch"}}); err != nil {
		t.Fatal(err)
	}
	hold := func() (model, most, reason string) {
		v := s.OpenViews(alice)[0]
		for _, f := range []string{"max:one", "max:two"} {
			most += v.Holds(f, "max")
		}
		return v.Holds("model", "model"), most, v.Holds("reason", "reason")
	}
	same := askForm("one")
	same.Blocks.BlockSet[1].(*slack.InputBlock).Element.(*slack.NumberInputBlockElement).InitialValue = "9"
	if _, err := bot.api.UpdateView(same, "", v.Hash, v.ID); err != nil {
		t.Fatal(err)
	}
	if _, most, reason := hold(); most != "4" || reason != "launch" {
		t.Errorf("under the same block_ids max is %q and the reason %q", most, reason)
	}
	other := askForm("two")
	other.Blocks.BlockSet[1].(*slack.InputBlock).Element.(*slack.NumberInputBlockElement).InitialValue = "9"
	if _, err := bot.api.UpdateView(other, "", "", v.ID); err != nil {
		t.Fatal(err)
	}
	if _, most, reason := hold(); most != "9" || reason != "launch" {
		t.Errorf("under another block_id max is %q; the reason %q", most, reason)
	}

	for what, values := range map[string]slacksim.Entered{
		"no model":         {},
		"a fraction":       {"max:two": {"max": "1.5"}},
		"out of its range": {"max:two": {"max": "101"}},
		"no such field":    {"max:one": {"max": "5"}},
	} {
		if d := s.Submit(alice, v.ID, values); d.Err() == nil {
			t.Errorf("%s was sent", what)
		}
	}
	s.CloseView(alice, v.ID)
	if c := bot.next(socketmode.EventTypeInteractive).Data.(slack.InteractionCallback); c.Type != slack.InteractionTypeViewClosed || c.View.ID != v.ID {
		t.Errorf("closing arrived as %+v", c)
	}
}

func TestButtonsOfViews(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)
	v := openForm(t, s, bot, askForm("one"))
	if d := s.Act(alice, v.ID, "reason", "reason", "x", nil); d.Err() == nil {
		t.Error("an input without dispatch_action told the app")
	}
	if d := s.Act(bob, v.ID, "more", "more", "", nil); d.Err() == nil {
		t.Error("somebody else used the view")
	}
	d := s.Act(alice, v.ID, "more", "more", "", nil)
	c := bot.next(socketmode.EventTypeInteractive).Data.(slack.InteractionCallback)
	if action := c.ActionCallback.BlockActions[0]; action.Value != "M" || c.Channel.ID != "" || c.ResponseURL != "" || c.Message.Timestamp != "" {
		t.Errorf("button arrived as %+v", c)
	}
	if _, err := bot.api.PushView(d.TriggerID, scaleForm("Second")); err != nil {
		t.Fatal(err)
	}
	if d := s.Act(alice, v.ID, "more", "more", "", nil); d.Err() == nil {
		t.Error("a view under another one was used")
	}
}

func TestShortcuts(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	s.AddUser(slacksim.User{ID: "U0PARTNER", Name: "partner", TeamID: "T0OTHER"})
	bot := connect(t, s)
	if d := s.Shortcut(alice, "Make Coffee"); d.Err() == nil {
		t.Error("a shortcut that the app does not have was used")
	}
	if d := s.Shortcut("U0PARTNER", "Change Autoscaling"); d.Err() == nil {
		t.Error("somebody of another organisation used a shortcut")
	}
	global := s.Shortcut(alice, "Change Autoscaling")
	event := bot.next(socketmode.EventTypeInteractive)
	c := event.Data.(slack.InteractionCallback)
	if c.Type != slack.InteractionTypeShortcut || c.CallbackID != "change_autoscaling" || c.TriggerID != global.TriggerID || c.Channel.ID != "" {
		t.Errorf("global shortcut arrived as %+v", c)
	}
	bot.ack(event)

	ts := s.Say(bob, ops, "", "llama-70b is slow")
	on := s.MessageShortcut(alice, ops, ts, "change_autoscaling_from_message")
	event = bot.next(socketmode.EventTypeInteractive)
	c = event.Data.(slack.InteractionCallback)
	if c.Type != slack.InteractionTypeMessageAction || c.Message.Text != "llama-70b is slow" || c.Message.Timestamp != ts || c.MessageTs != ts ||
		c.Channel.ID != ops || c.User.TeamID != "" || c.ResponseURL != on.ResponseURL || c.TriggerID != on.TriggerID {
		t.Errorf("message shortcut arrived as %+v", c)
	}
	bot.ack(event)
	if err := on.WaitAck(testContext(t)); err != nil {
		t.Error(err)
	}
}

func TestHomeOpened(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)
	d := s.OpenHome(alice)
	event := bot.next(socketmode.EventTypeEventsAPI)
	opened := event.Data.(slackevents.EventsAPIEvent).InnerEvent.Data.(*slackevents.AppHomeOpenedEvent)
	if opened.User != alice || opened.Tab != "home" || opened.View != nil || !strings.HasPrefix(opened.Channel, "D") {
		t.Errorf("opening arrived as %+v", opened)
	}
	bot.ack(event)
	if err := d.WaitAck(testContext(t)); err != nil {
		t.Fatal(err)
	}
	// Two requests that wait have the same buttons, in blocks of their own.
	button := func(value string) slack.Block {
		return slack.NewActionBlock(value, slack.NewButtonBlockElement("approve", value, plain("Approve")))
	}
	home := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{button("R-1"), button("R-2")}}}
	if _, err := bot.api.PublishView(alice, home, ""); err != nil {
		t.Fatal(err)
	}
	v := s.OpenViews(alice)[0]
	if !slices.Equal(strings.Split(s.ViewText(v), "\n"), []string{"[Approve]", "[Approve]"}) {
		t.Errorf("home reads %q", s.ViewText(v))
	}
	s.Act(alice, v.ID, "R-2", "approve", "", nil)
	if c := bot.next(socketmode.EventTypeInteractive).Data.(slack.InteractionCallback); c.ActionCallback.BlockActions[0].Value != "R-2" || c.View.Type != slack.VTHomeTab {
		t.Errorf("press arrived as %+v", c)
	}
	s.OpenHome(alice)
	opened = bot.next(socketmode.EventTypeEventsAPI).Data.(slackevents.EventsAPIEvent).InnerEvent.Data.(*slackevents.AppHomeOpenedEvent)
	if opened.View == nil || opened.View.ID != v.ID {
		t.Errorf("opened again without the view: %+v", opened.View)
	}
}

func TestElementRefusals(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)
	options := func(n int) (list []*slack.OptionBlockObject) {
		for i := range n {
			list = append(list, option(fmt.Sprint(i), fmt.Sprint(i)))
		}
		return list
	}
	input := func(el slack.BlockElement) slack.Block { return slack.NewInputBlock("b", plain("B"), nil, el) }
	stray := slack.NewOptionsSelectBlockElement("static_select", nil, "a", options(2)...)
	stray.InitialOption = option("9", "9")
	short := slack.NewPlainTextInputBlockElement(nil, "a")
	short.MaxLength = 3001
	bad := slack.NewNumberInputBlockElement(nil, "a", true)
	bad.MinValue = "one"
	for what, block := range map[string]slack.Block{
		"101 options":                input(slack.NewOptionsSelectBlockElement("static_select", nil, "a", options(101)...)),
		"no options":                 input(slack.NewOptionsSelectBlockElement("static_select", nil, "a")),
		"a text of 76 characters":    input(slack.NewOptionsSelectBlockElement("static_select", nil, "a", option("v", strings.Repeat("x", 76)))),
		"11 radio buttons":           input(slack.NewRadioButtonsBlockElement("a", options(11)...)),
		"a stray initial option":     input(stray),
		"a max_length above 3000":    input(short),
		"a min_value that is a word": input(bad),
		"a button in an input":       input(slack.NewButtonBlockElement("a", "v", plain("B"))),
		"text among actions":         slack.NewActionBlock("b", slack.NewPlainTextInputBlockElement(nil, "a")),
		"number among actions":       slack.NewActionBlock("b", slack.NewNumberInputBlockElement(nil, "a", false)),
		"multi select among actions": slack.NewActionBlock("b", slack.NewOptionsMultiSelectBlockElement("multi_static_select", nil, "a", options(2)...)),
	} {
		form := scaleForm("Scale")
		form.Blocks.BlockSet = []slack.Block{block}
		if _, err := bot.api.OpenView(s.Slash(alice, ops, "").TriggerID, form); code(err) != "invalid_arguments" {
			t.Errorf("%s: %v", what, err)
		}
	}
	full := scaleForm("Scale")
	full.Blocks.BlockSet = nil
	for range 101 {
		full.Blocks.BlockSet = append(full.Blocks.BlockSet, slack.NewDividerBlock())
	}
	if _, err := bot.api.OpenView(s.Slash(alice, ops, "").TriggerID, full); code(err) != "invalid_arguments" {
		t.Errorf("101 blocks: %v", err)
	}
}
