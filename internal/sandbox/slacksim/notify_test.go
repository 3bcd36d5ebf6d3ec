package slacksim_test

import (
	"fmt"
	"testing"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

// Who hears of what: a new message that names them, never an edit.
func TestNotifications(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	s.AddUsergroup("S0ALL", "all", alice, bob, "U0ELSEWHERE")
	api := webAPI(s)
	post := func(options ...slack.MsgOption) string {
		t.Helper()
		_, ts, err := api.PostMessage(ops, options...)
		if err != nil {
			t.Fatal(err)
		}
		return ts
	}
	mention := slack.NewRichTextBlock("", slack.NewRichTextSection(slack.NewRichTextSectionUserElement(bob, nil)))
	root := post(slack.MsgOptionText("names bob in blocks", false), slack.MsgOptionBlocks(mention))
	post(slack.MsgOptionText("names <@"+alice+"> in text", false))
	post(slack.MsgOptionText("text names <@"+alice+"> and blocks do not", false), slack.MsgOptionBlocks(slack.NewDividerBlock()))
	post(slack.MsgOptionText("names <!subteam^S0ALL>, in a thread", false), slack.MsgOptionTS(root), slack.MsgOptionBroadcast())
	for _, text := range []string{"edit one", "edit two <@" + alice + ">"} {
		if _, _, _, err := api.UpdateMessage(ops, root, slack.MsgOptionText(text, false)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := api.PostEphemeral(ops, bob, slack.MsgOptionText("for bob alone", false)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := api.PostMessage(alice, slack.MsgOptionText("to alice directly", false)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range s.Notifications() {
		got = append(got, fmt.Sprintf("%s %v: %s (%d edits)", n.Why, n.Users, n.Text, n.Edits))
	}
	want := []string{
		"mention [U0BOB]: names bob in blocks (0 edits)",
		"mention [U0ALICE]: names <@U0ALICE> in text (0 edits)",
		"nobody []: text names <@U0ALICE> and blocks do not (0 edits)",
		"group [U0ALICE U0BOB]: names <!subteam^S0ALL>, in a thread (0 edits)",
		"nobody []: edit two <@U0ALICE> (2 edits)",
		"private [U0BOB]: for bob alone (0 edits)",
		"direct [U0ALICE]: to alice directly (0 edits)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notifications (-want +got):\n%s", diff)
	}
	if replies := s.Thread(ops, root); !replies[1].Broadcast {
		t.Errorf("the reply is not shown in the channel: %+v", replies[1])
	}
}
