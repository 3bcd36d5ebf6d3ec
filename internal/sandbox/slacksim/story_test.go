package slacksim_test

import (
	"io"
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

func stringReader(s string) io.Reader { return strings.NewReader(s) }

func approveBlocks(text string) []slack.Block {
	return []slack.Block{
		slack.NewRichTextBlock("", slack.NewRichTextSection(
			slack.NewRichTextSectionUserElement(alice, nil), slack.NewRichTextSectionTextElement(text, nil))),
		slack.NewActionBlock("decide",
			slack.NewButtonBlockElement("approve", "R-1", slack.NewTextBlockObject("plain_text", "Approve", false, false)).
				WithStyle(slack.StylePrimary),
			slack.NewButtonBlockElement("deny", "R-1", slack.NewTextBlockObject("plain_text", "Deny", false, false))),
	}
}

// A command is acknowledged, posted, approved by somebody else and closed.
func TestStoryOfARequest(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)

	typed := s.Slash(alice, ops, "llama production max=7")
	event := bot.next(socketmode.EventTypeSlashCommand)
	got := event.Data.(slack.SlashCommand)
	want := slack.SlashCommand{
		Token: "sandbox-verification-token", TeamID: "T0SANDBOX", TeamDomain: "sandbox", ChannelID: ops, ChannelName: "ops",
		UserID: alice, UserName: "alice", Command: "/autoscale", Text: "llama production max=7",
		ResponseURL: typed.ResponseURL, TriggerID: typed.TriggerID, APIAppID: "A0AUTOSCALE",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("slash command (-want +got):\n%s", diff)
	}
	bot.ack(event)
	if err := typed.WaitAck(testContext(t)); err != nil {
		t.Fatal(err)
	}

	_, ts, err := bot.api.PostMessage(ops, slack.MsgOptionText("alice asks", false), slack.MsgOptionBlocks(approveBlocks(" asks for max 4 → 7")...))
	if err != nil {
		t.Fatal(err)
	}
	root := s.Messages(ops)[0]
	if text := s.PlainText(root); text != "alice asks\n@alice asks for max 4 → 7\n[Approve] [Deny]" {
		t.Errorf("root reads %q", text)
	}
	if _, _, err := bot.api.PostMessage(ops, slack.MsgOptionText("a reply", false), slack.MsgOptionTS(ts)); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Thread(ops, ts)); n != 2 {
		t.Errorf("thread has %d messages, want 2", n)
	}

	pressed := s.ClickLabel(bob, ops, ts, "Approve")
	event = bot.next(socketmode.EventTypeInteractive)
	callback := event.Data.(slack.InteractionCallback)
	action := callback.ActionCallback.BlockActions[0]
	if callback.Type != slack.InteractionTypeBlockActions || callback.User.ID != bob || callback.User.TeamID != "T0SANDBOX" ||
		callback.Channel.ID != ops || callback.Message.Timestamp != ts || callback.Container.MessageTs != ts ||
		callback.TriggerID == "" || callback.ResponseURL != pressed.ResponseURL {
		t.Errorf("click arrived as %+v", callback)
	}
	if action.ActionID != "approve" || action.BlockID != "decide" || action.Value != "R-1" || action.ActionTs == "" {
		t.Errorf("action arrived as %+v", action)
	}
	if len(callback.Message.Blocks.BlockSet) != 2 {
		t.Errorf("message came with %d blocks, want 2", len(callback.Message.Blocks.BlockSet))
	}
	bot.ack(event)
	if err := pressed.WaitAck(testContext(t)); err != nil {
		t.Fatal(err)
	}

	// The text alone takes the buttons away; who still sees them presses in vain.
	stale := s.Messages(ops)[0]
	if _, _, _, err := bot.api.UpdateMessage(ops, ts, slack.MsgOptionText("approved by bob", false)); err != nil {
		t.Fatal(err)
	}
	root = s.Messages(ops)[0]
	if len(root.Buttons()) != 0 || !root.Edited || root.Text != "approved by bob" {
		t.Errorf("after the update: %+v", root)
	}
	if late := s.Click(bob, ops, ts, "approve"); late.Err() == nil || late.Outcome() != slacksim.OutcomeRefused {
		t.Error("a button that is gone was pressed")
	}
	again := s.ClickStale(bob, stale, "approve")
	bot.ack(bot.next(socketmode.EventTypeInteractive))
	if err := again.WaitAck(testContext(t)); err != nil {
		t.Error(err)
	}
	if _, err := bot.api.PostEphemeral(ops, bob, slack.MsgOptionText("already decided", false)); err != nil {
		t.Fatal(err)
	}
	if mine := s.Ephemerals(bob, ops); len(mine) != 1 || mine[0].Text != "already decided" || len(s.Ephemerals(alice, ops)) != 0 {
		t.Errorf("ephemerals of bob: %+v", mine)
	}
}

func TestMentionReachesTheApp(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	bot := connect(t, s)
	root := s.Say(alice, ops, "", "look & see")
	if got := s.Messages(ops)[0].Text; got != "look &amp; see" {
		t.Errorf("typed text is stored as %q", got)
	}
	d := s.Mention(bob, ops, root, "llama production <max=7>")
	event := bot.next(socketmode.EventTypeEventsAPI)
	outer := event.Data.(slackevents.EventsAPIEvent)
	mention := outer.InnerEvent.Data.(*slackevents.AppMentionEvent)
	wrapper := outer.Data.(*slackevents.EventsAPICallbackEvent)
	if mention.User != bob || mention.Channel != ops || mention.TimeStamp != d.MessageTS || mention.ThreadTimeStamp != root ||
		mention.Text != "<@U0BOT> llama production &lt;max=7&gt;" {
		t.Errorf("mention arrived as %+v", mention)
	}
	if wrapper.EventID != d.EventID || outer.TeamID != "T0SANDBOX" || len(wrapper.Authorizations) != 1 || wrapper.Authorizations[0].UserID != s.BotUserID() {
		t.Errorf("event wrapper arrived as %+v", wrapper)
	}
	bot.ack(event)
	if err := d.WaitAck(testContext(t)); err != nil {
		t.Error(err)
	}
}

func TestWhatPeopleMayNotDo(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	s.AddUser(slacksim.User{ID: "U0GONE", Name: "gone", Deleted: true})
	s.AddUser(slacksim.User{ID: "U0PARTNER", Name: "partner", TeamID: "T0OTHER"})
	s.AddUser(slacksim.User{ID: "U0GUEST", Name: "guest", IsUltraRestricted: true})
	s.AddChannel(slacksim.Channel{ID: "C0SHARED", Name: "shared", ExtShared: true, Members: []string{"U0PARTNER", "U0GONE", s.BotUserID()}})
	s.AddChannel(slacksim.Channel{ID: "D0ALICE", IM: true, Members: []string{alice, s.BotUserID()}})
	s.AddChannel(slacksim.Channel{ID: "C0OLD", Name: "old", Archived: true, Members: []string{alice, s.BotUserID()}})
	connect(t, s)
	_, ts, err := webAPI(s).PostMessage(ops, slack.MsgOptionText("x", false), slack.MsgOptionBlocks(approveBlocks(" asks")[1]))
	if err != nil {
		t.Fatal(err)
	}
	for what, d := range map[string]*slacksim.Delivery{
		"command, unknown user":         s.Slash("U0NOBODY", ops, ""),
		"command, unknown channel":      s.Slash(alice, "C0NOWHERE", ""),
		"command, not a member":         s.Slash(bob, outside, ""),
		"command, deactivated":          s.Slash("U0GONE", "C0SHARED", ""),
		"command, other organisation":   s.Slash("U0PARTNER", "C0SHARED", ""),
		"command, archived":             s.Slash(alice, "C0OLD", ""),
		"mention, bot not in channel":   s.Mention(alice, outside, "", "hello"),
		"mention, direct message":       s.Mention(alice, "D0ALICE", "", "hello"),
		"mention, no such thread":       s.Mention(alice, ops, "1.000001", "hello"),
		"click, no such button":         s.Click(alice, ops, ts, "explode"),
		"click, no such message":        s.Click(alice, ops, "1.000001", "approve"),
		"click, guest from outside":     s.Click("U0GUEST", ops, ts, "approve"),
		"click, no ephemeral like that": s.ClickEphemeral(alice, ops, ts, "approve"),
		"submit, no such modal":         s.Submit(alice, "V1", nil),
	} {
		if d.Err() == nil || d.Outcome() != slacksim.OutcomeRefused || len(d.Attempts()) != 0 {
			t.Errorf("%s: outcome %q, error %v, %d sent", what, d.Outcome(), d.Err(), len(d.Attempts()))
		}
		if d.WaitAck(testContext(t)) == nil {
			t.Errorf("%s: acknowledged", what)
		}
	}
	if texts := s.Messages(outside); len(texts) != 1 || texts[0].User != alice {
		t.Errorf("the unheard mention was not posted: %+v", texts)
	}
}

// In a channel shared with another organisation, its people can mention and click.
func TestPeopleOfAnotherOrganisation(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	s.AddUser(slacksim.User{ID: "U0PARTNER", Name: "partner", TeamID: "T0OTHER"})
	s.AddChannel(slacksim.Channel{ID: "C0SHARED", Name: "shared", ExtShared: true, Members: []string{"U0PARTNER", s.BotUserID()}})
	bot := connect(t, s)
	s.Mention("U0PARTNER", "C0SHARED", "", "hi")
	outer := bot.next(socketmode.EventTypeEventsAPI).Data.(slackevents.EventsAPIEvent)
	if mention := outer.InnerEvent.Data.(*slackevents.AppMentionEvent); !outer.IsExtSharedChannel || outer.TeamID != "T0SANDBOX" || mention.UserTeam != "T0OTHER" {
		t.Errorf("mention from outside: %+v, %+v", outer, mention)
	}
	_, ts, err := bot.api.PostMessage("C0SHARED", slack.MsgOptionText("x", false), slack.MsgOptionBlocks(approveBlocks(" asks")[1]))
	if err != nil {
		t.Fatal(err)
	}
	s.Click("U0PARTNER", "C0SHARED", ts, "approve")
	click := bot.next(socketmode.EventTypeInteractive).Data.(slack.InteractionCallback)
	if click.User.TeamID != "T0OTHER" || click.Team.ID != "T0OTHER" {
		t.Errorf("click from outside: user team %q, team %q, want the actor's in both", click.User.TeamID, click.Team.ID)
	}
}
