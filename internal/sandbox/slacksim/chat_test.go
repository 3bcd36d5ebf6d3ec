package slacksim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/slack-go/slack"
)

func jsonText(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPostMessageRefusals(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	s.AddChannel(slacksim.Channel{ID: "C0OLD", Name: "old", Archived: true, Members: []string{s.BotUserID()}})
	api := webAPI(s)
	_, root, err := api.PostMessage(ops, slack.MsgOptionText("root", false))
	if err != nil {
		t.Fatal(err)
	}
	_, reply, err := api.PostMessage(ops, slack.MsgOptionText("reply", false), slack.MsgOptionTS(root))
	if err != nil {
		t.Fatal(err)
	}
	text := slack.MsgOptionText("x", false)
	for _, test := range []struct {
		what, channel, want string
		options             []slack.MsgOption
	}{
		{"public, not a member", outside, "not_in_channel", []slack.MsgOption{text}},
		{"private, not a member", secret, "channel_not_found", []slack.MsgOption{text}},
		{"private, a member", team, "", []slack.MsgOption{text}},
		{"unknown", "C0NOWHERE", "channel_not_found", []slack.MsgOption{text}},
		{"by name", "ops", "channel_not_found", []slack.MsgOption{text}},
		{"archived", "C0OLD", "is_archived", []slack.MsgOption{text}},
		{"nothing to say", ops, "no_text", nil},
		{"blank", ops, "no_text", []slack.MsgOption{slack.MsgOptionText(" \n", false)}},
		{"empty blocks only", ops, "no_text", []slack.MsgOption{slack.MsgOptionBlocks()}},
		{"long", ops, "msg_too_long", []slack.MsgOption{slack.MsgOptionText(strings.Repeat("é", 40_001), false)}},
		{"just not too long", ops, "", []slack.MsgOption{slack.MsgOptionText(strings.Repeat("é", 40_000), false)}},
		{"no such thread", ops, "message_not_found", []slack.MsgOption{text, slack.MsgOptionTS("1.000001")}},
		{"reply to a reply", ops, "cannot_reply_to_message", []slack.MsgOption{text, slack.MsgOptionTS(reply)}},
		{"attachments", ops, "invalid_arguments", []slack.MsgOption{slack.MsgOptionAttachments(slack.Attachment{Text: "x"})}},
	} {
		if _, _, err := api.PostMessage(test.channel, test.options...); code(err) != test.want {
			t.Errorf("%s: %v, want %q", test.what, err, test.want)
		}
	}
	if !s.DeleteMessage(ops, root) {
		t.Fatal("root was not there to delete")
	}
	if _, _, err := api.PostMessage(ops, text, slack.MsgOptionTS(root)); code(err) != "message_not_found" {
		t.Errorf("reply to a deleted root: %v", err)
	}
}

func TestWritePublicLiftsMembershipOfPublicChannelsOnly(t *testing.T) {
	s := workspace(t, slacksim.Options{Scopes: []string{"chat:write", "chat:write.public"}})
	api := webAPI(s)
	text := slack.MsgOptionText("x", false)
	if _, _, err := api.PostMessage(outside, text); err != nil {
		t.Error(err)
	}
	if _, _, err := api.PostMessage(secret, text); code(err) != "channel_not_found" {
		t.Errorf("private channel: %v", err)
	}
}

func TestUpdateAndDelete(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	api := webAPI(s)
	said := s.Say(alice, ops, "", "by alice")
	_, ts, err := api.PostMessage(ops, slack.MsgOptionText("one", false), slack.MsgOptionBlocks(approveBlocks(" asks")...))
	if err != nil {
		t.Fatal(err)
	}
	two := slack.MsgOptionText("two", false)
	for _, test := range []struct {
		what, channel, ts, want string
		options                 []slack.MsgOption
	}{
		{"somebody else's", ops, said, "cant_update_message", []slack.MsgOption{two}},
		{"unknown", ops, "1.000001", "message_not_found", []slack.MsgOption{two}},
		{"unknown channel", "C0NOWHERE", ts, "channel_not_found", []slack.MsgOption{two}},
		{"other channel", team, ts, "message_not_found", []slack.MsgOption{two}},
		{"nothing", ops, ts, "no_text", nil},
		{"bad blocks", ops, ts, "invalid_blocks", []slack.MsgOption{two, slack.MsgOptionBlocks(slack.NewHeaderBlock(nil))}},
	} {
		if _, _, _, err := api.UpdateMessage(test.channel, test.ts, test.options...); code(err) != test.want {
			t.Errorf("%s: %v, want %q", test.what, err, test.want)
		}
	}
	message := func() slacksim.Message { return s.Messages(ops)[1] }
	if m := message(); m.Text != "one" || m.Edited || len(m.Buttons()) != 2 {
		t.Errorf("refused updates changed the message: %+v", m)
	}
	if _, _, _, err := api.UpdateMessage(ops, ts, slack.MsgOptionBlocks(approveBlocks(" asks")[0])); err != nil {
		t.Error(err)
	}
	if m := message(); m.Text != "one" || m.Edited || len(m.Buttons()) != 0 || m.Blocks == nil {
		t.Errorf("blocks alone: %+v", m)
	}
	if _, _, _, err := api.UpdateMessage(ops, ts, two); err != nil {
		t.Error(err)
	}
	if m := message(); m.Text != "two" || !m.Edited || m.Blocks != nil {
		t.Errorf("text alone: %+v", m)
	}
	s.ArchiveChannel(ops)
	if _, _, _, err := api.UpdateMessage(ops, ts, two); code(err) != "is_inactive" {
		t.Errorf("update in an archived channel: %v", err)
	}
	s.UnarchiveChannel(ops)
	if _, _, err := api.DeleteMessage(ops, said); code(err) != "cant_delete_message" {
		t.Errorf("delete alice's message: %v", err)
	}
	if _, _, err := api.DeleteMessage(ops, ts); err != nil {
		t.Error(err)
	}
	if m := message(); !m.Deleted || m.Text != "" {
		t.Errorf("deleted: %+v", m)
	}
	if _, _, _, err := api.UpdateMessage(ops, ts, two); code(err) != "message_not_found" {
		t.Errorf("update of a deleted message: %v", err)
	}
}

func TestEphemeralRefusals(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	api := webAPI(s)
	s.AddUser(slacksim.User{ID: "U0CAROL", Name: "carol"})
	for user, want := range map[string]string{bob: "", "U0CAROL": "user_not_in_channel", "U0NOBODY": "user_not_in_channel", "": "invalid_arguments"} {
		if _, err := api.PostEphemeral(ops, user, slack.MsgOptionText("x", false)); code(err) != want {
			t.Errorf("ephemeral for %q: %v, want %q", user, err, want)
		}
	}
	if _, err := api.PostEphemeral(outside, alice, slack.MsgOptionText("x", false)); code(err) != "not_in_channel" {
		t.Errorf("ephemeral where the bot is not: %v", err)
	}
	ts, err := api.PostEphemeral(ops, bob, slack.MsgOptionText("x", false))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := api.UpdateMessage(ops, ts, slack.MsgOptionText("y", false)); code(err) != "message_not_found" {
		t.Errorf("update of an ephemeral message: %v", err)
	}
	s.DismissEphemerals(bob)
	if left := s.Ephemerals(bob, ops); len(left) != 0 {
		t.Errorf("after dismissal bob still sees %+v", left)
	}
}

func TestPermalink(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	api := webAPI(s)
	root := s.Say(alice, ops, "", "x")
	reply := s.Say(bob, ops, root, "y")
	link, err := api.GetPermalink(&slack.PermalinkParameters{Channel: ops, Ts: reply})
	want := "https://sandbox.slack.com/archives/C0OPS/p" + strings.ReplaceAll(reply, ".", "") + "?thread_ts=" + root + "&cid=C0OPS"
	if err != nil || link != want {
		t.Errorf("permalink %q, %v, want %q", link, err, want)
	}
	if _, err := api.GetPermalink(&slack.PermalinkParameters{Channel: ops, Ts: "1.000001"}); code(err) != "message_not_found" {
		t.Errorf("permalink of nothing: %v", err)
	}
}

func TestTimestampsRiseWhenTheClockStands(t *testing.T) {
	s := workspace(t, slacksim.Options{Now: fixedClock})
	first, second := s.Say(alice, ops, "", "x"), s.Say(alice, ops, "", "y")
	if first != "1767261600.000000" || second != "1767261600.000001" {
		t.Errorf("timestamps %s, %s", first, second)
	}
}
