package slacksim_test

import (
	"testing"
	"time"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

func scaleForm(title string) slack.ModalViewRequest {
	plain := func(text string) *slack.TextBlockObject {
		return slack.NewTextBlockObject("plain_text", text, false, false)
	}
	size := slack.NewOptionsSelectBlockElement("static_select", plain("size"), "size",
		slack.NewOptionBlockObject("small", plain("Small"), nil), slack.NewOptionBlockObject("large", plain("Large"), nil))
	reason := slack.NewInputBlock("why", plain("Reason"), nil, slack.NewPlainTextInputBlockElement(nil, "reason"))
	reason.Optional = true
	return slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(title), Submit: plain("Send"), Close: plain("Cancel"), CallbackID: "form", PrivateMetadata: "R-1",
		Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewInputBlock("how", plain("Size"), nil, size), reason}},
	}
}

func TestModal(t *testing.T) {
	var c clock
	s := workspace(t, slacksim.Options{Now: c.now})
	bot := connect(t, s)
	open := func() slacksim.View {
		t.Helper()
		d := s.Slash(alice, ops, "form")
		if _, err := bot.api.OpenView(d.TriggerID, scaleForm("Scale")); err != nil {
			t.Fatalf("views.open: %v", err)
		}
		views := s.OpenViews(alice)
		return views[len(views)-1]
	}

	v := open()
	if v.Title != "Scale" || v.PrivateMetadata != "R-1" || v.UserID != alice || len(s.OpenViews(bob)) != 0 {
		t.Errorf("view %+v", v)
	}
	if d := s.Submit(alice, v.ID, nil); d.Err() == nil {
		t.Error("a required input was left empty")
	}
	if d := s.Submit(alice, v.ID, map[string]map[string]string{"how": {"size": "huge"}}); d.Err() == nil {
		t.Error("an option that does not exist was chosen")
	}
	values := map[string]map[string]string{"how": {"size": "large"}, "why": {"reason": "load"}}

	d := s.Submit(alice, v.ID, values)
	event := bot.next(socketmode.EventTypeInteractive)
	submission := event.Data.(slack.InteractionCallback)
	state := submission.View.State.Values
	if submission.Type != slack.InteractionTypeViewSubmission || submission.User.ID != alice || submission.View.PrivateMetadata != "R-1" ||
		submission.View.CallbackID != "form" || state["how"]["size"].SelectedOption.Value != "large" || state["why"]["reason"].Value != "load" {
		t.Errorf("submission %+v", submission)
	}
	bot.ack(event, slack.NewErrorsViewSubmissionResponse(map[string]string{"why": "say more"}))
	if err := d.WaitAck(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if shown := s.OpenViews(alice)[0]; shown.Errors["why"] != "say more" || shown.Trouble {
		t.Errorf("view after errors: %+v", shown)
	}

	d = s.Submit(alice, v.ID, values)
	bot.ack(bot.next(socketmode.EventTypeInteractive), slack.NewErrorsViewSubmissionResponse(map[string]string{"nowhere": "x"}))
	_ = d.WaitAck(testContext(t))
	if !s.OpenViews(alice)[0].Trouble {
		t.Error("an error for a block that is no input showed")
	}

	d = s.Submit(alice, v.ID, values)
	next := scaleForm("Second")
	bot.ack(bot.next(socketmode.EventTypeInteractive), slack.NewUpdateViewSubmissionResponse(&next))
	_ = d.WaitAck(testContext(t))
	if shown := s.OpenViews(alice); len(shown) != 1 || shown[0].Title != "Second" || shown[0].ID != v.ID || shown[0].Hash == v.Hash {
		t.Errorf("view after update: %+v", shown)
	}
	d = s.Submit(alice, v.ID, values)
	bot.ack(bot.next(socketmode.EventTypeInteractive))
	_ = d.WaitAck(testContext(t))
	if left := s.OpenViews(alice); len(left) != 0 {
		t.Errorf("after a bare ack %d views are open", len(left))
	}

	v = open()
	if _, err := bot.api.UpdateView(scaleForm("Third"), "", "stale", v.ID); code(err) != "hash_conflict" {
		t.Errorf("views.update with an old hash: %v", err)
	}
	if _, err := bot.api.UpdateView(scaleForm("Third"), "", v.Hash, v.ID); err != nil || s.OpenViews(alice)[0].Title != "Third" {
		t.Errorf("views.update: %v", err)
	}
	s.CloseView(alice, v.ID)
	if _, err := bot.api.UpdateView(scaleForm("Third"), "", "", v.ID); code(err) != "not_found" {
		t.Errorf("views.update of a closed view: %v", err)
	}
}

func TestModalOfAnAppThatDoesNotAnswer(t *testing.T) {
	s := workspace(t, slacksim.Options{AckTimeout: 20 * time.Millisecond})
	bot := connect(t, s)
	if _, err := bot.api.OpenView(s.Slash(alice, ops, "form").TriggerID, scaleForm("Scale")); err != nil {
		t.Fatal(err)
	}
	d := s.Submit(alice, s.OpenViews(alice)[0].ID, map[string]map[string]string{"how": {"size": "small"}})
	if d.WaitAck(testContext(t)) == nil || !s.OpenViews(alice)[0].Trouble {
		t.Error("no ack, but no trouble shown")
	}
}

func TestTriggerWorksOnceForThreeSeconds(t *testing.T) {
	var c clock
	s := workspace(t, slacksim.Options{Now: c.now})
	bot := connect(t, s)
	used := s.Slash(alice, ops, "")
	if _, err := bot.api.OpenView(used.TriggerID, scaleForm("One")); err != nil {
		t.Fatal(err)
	}
	if _, err := bot.api.OpenView(used.TriggerID, scaleForm("Two")); code(err) != "exchanged_trigger_id" {
		t.Errorf("second use: %v", err)
	}
	late := s.Slash(alice, ops, "")
	c.advance(3*time.Second + time.Millisecond)
	if _, err := bot.api.OpenView(late.TriggerID, scaleForm("Late")); code(err) != "expired_trigger_id" {
		t.Errorf("late use: %v", err)
	}
	if _, err := bot.api.OpenView("1.2.made-up", scaleForm("None")); code(err) != "invalid_trigger_id" {
		t.Errorf("made-up trigger: %v", err)
	}
}

func TestViewRefusals(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)
	for what, spoil := range map[string]func(*slack.ModalViewRequest){
		"long title":            func(v *slack.ModalViewRequest) { v.Title.Text = "a title of 25 characters.." },
		"no title":              func(v *slack.ModalViewRequest) { v.Title = nil },
		"input without submit":  func(v *slack.ModalViewRequest) { v.Submit = nil },
		"long private_metadata": func(v *slack.ModalViewRequest) { v.PrivateMetadata = string(make([]byte, 3001)) },
		"a home view":           func(v *slack.ModalViewRequest) { v.Type = slack.VTHomeTab },
		"a table": func(v *slack.ModalViewRequest) {
			table := slack.NewTableBlock("")
			table.AddRow(slack.NewTableRawTextCell("x"))
			v.Blocks.BlockSet = append(v.Blocks.BlockSet, table)
		},
	} {
		view := scaleForm("Scale")
		spoil(&view)
		if _, err := bot.api.OpenView(s.Slash(alice, ops, "").TriggerID, view); code(err) != "invalid_arguments" {
			t.Errorf("%s: %v", what, err)
		}
	}
	alert := scaleForm("Scale")
	alert.Blocks.BlockSet = append(alert.Blocks.BlockSet, slack.NewAlertBlock(slack.NewTextBlockObject("plain_text", "careful", false, false)))
	if _, err := bot.api.OpenView(s.Slash(alice, ops, "").TriggerID, alert); err != nil {
		t.Errorf("an alert in a modal: %v", err)
	}
}

func TestHomeTab(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	api := webAPI(s)
	home := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewDividerBlock()}}}
	first, err := api.PublishView(alice, home, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.PublishView(alice, home, "stale"); code(err) != "hash_conflict" {
		t.Errorf("publish with an old hash: %v", err)
	}
	if _, err := api.PublishView(alice, home, first.Hash); err != nil {
		t.Error(err)
	}
	if views := s.OpenViews(alice); len(views) != 1 || views[0].Type != "home" {
		t.Errorf("views of alice: %+v", views)
	}
}
