package slacksim_test

import (
	"net/http"
	"strings"
	"testing"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/slack-go/slack"
)

const form = "application/x-www-form-urlencoded"

func TestWhoMayCall(t *testing.T) {
	s := workspace(t, slacksim.Options{Scopes: []string{"chat:write"}})
	for _, test := range []struct{ method, token, contentType, body, want string }{
		{"auth.test", "", "", "", "not_authed"},
		{"auth.test", "xoxb-other", "", "", "invalid_auth"},
		{"auth.test", "xoxb-sandbox", "", "", ""},
		{"auth.test", "", form, "token=xoxb-sandbox", ""},
		{"auth.test", "xapp-sandbox", "", "", ""},
		{"chat.postMessage", "xapp-sandbox", form, "channel=C0OPS&text=x", "not_allowed_token_type"},
		{"apps.connections.open", "xoxb-sandbox", "", "", "not_allowed_token_type"},
		{"apps.connections.open", "", form, "token=xapp-sandbox", "invalid_auth"},
		{"apps.connections.open", "xapp-sandbox", "", "", ""},
		{"users.info", "xoxb-sandbox", form, "user=U0ALICE", "missing_scope"},
		{"chat.postMassage", "xoxb-sandbox", form, "channel=C0OPS&text=x", "unknown_method"},
		{"", "xoxb-sandbox", "", "", "unknown_method"},
		{"chat.postMessage", "xoxb-sandbox", "text/plain", "channel=C0OPS&text=x", "invalid_post_type"},
		{"chat.postMessage", "xoxb-sandbox", "application/json", "channel=C0OPS", "invalid_json"},
		{"chat.postMessage", "xoxb-sandbox", "application/json", `{"channel":"C0OPS","text":"x","unfurl_links":false}`, ""},
		{"chat.postMessage", "xoxb-sandbox", "application/json", `{"channel":"C0OPS","blocks":[{"type":"divider"}]}`, ""},
		{"chat.getPermalink", "xoxb-sandbox", "application/json", `{"channel":"C0OPS","message_ts":"1.1"}`, "invalid_arguments"},
	} {
		resp, answer := call(t, s, test.method, test.token, test.contentType, test.body)
		got, _ := answer["error"].(string)
		if got != test.want || (answer["ok"] == true) != (test.want == "") || resp.StatusCode != http.StatusOK {
			t.Errorf("%s %s: HTTP %d %v, want error %q", test.method, test.body, resp.StatusCode, answer, test.want)
		}
		if scopes := resp.Header.Get("X-OAuth-Scopes"); scopes != "chat:write" {
			t.Errorf("%s: scopes header %q", test.method, scopes)
		}
	}
}

func TestMissingScopeNamesIt(t *testing.T) {
	s := workspace(t, slacksim.Options{Scopes: []string{"chat:write", "groups:read"}})
	_, err := webAPI(s).GetUserGroupMembers("S0X")
	refused, ok := err.(slack.SlackErrorResponse)
	if !ok || refused.Err != "missing_scope" || refused.Needed != "usergroups:read" || refused.Provided != "chat:write,groups:read" {
		t.Errorf("error %+v", err)
	}
	// One of the conversation scopes lets the call in, not every channel.
	_, err = webAPI(s).GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: ops})
	if refused, ok := err.(slack.SlackErrorResponse); !ok || refused.Err != "missing_scope" || refused.Needed != "channels:read" {
		t.Errorf("error %+v", err)
	}
	if _, err := webAPI(s).GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: team}); err != nil {
		t.Error(err)
	}
}

func TestMissingScopesSilenceSlack(t *testing.T) {
	s := workspace(t, slacksim.Options{Scopes: []string{"chat:write"}})
	for what, d := range map[string]*slacksim.Delivery{
		"slash":   s.Slash(alice, ops, ""),
		"mention": s.Mention(alice, ops, "", "x"),
		"group":   s.Event("subteam_members_changed", nil),
	} {
		if d.Err() == nil || !strings.Contains(d.Err().Error(), "scope") {
			t.Errorf("%s: %v", what, d.Err())
		}
	}
}

func TestPeopleAndPlaces(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	s.AddUser(slacksim.User{ID: "U0GUEST", Name: "guest", IsRestricted: true, IsUltraRestricted: true})
	s.AddUsergroup("S0ONCALL", "oncall", alice, bob)
	s.AddUsergroup("S0OLD", "old", alice)
	s.DisableUsergroup("S0OLD", true)
	api := webAPI(s)

	who, err := api.AuthTest()
	if err != nil || who.TeamID != "T0SANDBOX" || who.UserID != s.BotUserID() || who.BotID == "" {
		t.Errorf("auth.test: %+v, %v", who, err)
	}
	if b, err := api.GetBotInfo(slack.GetBotInfoParameters{Bot: who.BotID}); err != nil || b.AppID != "A0AUTOSCALE" {
		t.Errorf("bots.info: %+v, %v", b, err)
	}
	guest, err := api.GetUserInfo("U0GUEST")
	if err != nil || !guest.IsRestricted || !guest.IsUltraRestricted || guest.Deleted || guest.TeamID != "T0SANDBOX" {
		t.Errorf("users.info: %+v, %v", guest, err)
	}
	s.UpdateUser(slacksim.User{ID: "U0GUEST", Name: "guest", Deleted: true})
	if guest, err := api.GetUserInfo("U0GUEST"); err != nil || !guest.Deleted {
		t.Errorf("users.info after deactivation: %+v, %v", guest, err)
	}
	_, err = api.GetUserInfo("U0NOBODY")
	if code(err) != "user_not_found" {
		t.Errorf("users.info: %v", err)
	}

	groups, err := api.GetUserGroups()
	if err != nil || len(groups) != 1 || groups[0].Handle != "oncall" {
		t.Errorf("usergroups.list: %+v, %v", groups, err)
	}
	if members, err := api.GetUserGroupMembers("S0ONCALL"); err != nil || len(members) != 2 {
		t.Errorf("usergroups.users.list: %v, %v", members, err)
	}
	for _, id := range []string{"S0OLD", "S0NONE"} {
		if _, err := api.GetUserGroupMembers(id); code(err) != "no_such_subteam" {
			t.Errorf("members of %s: %v", id, err)
		}
	}

	c, err := api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: ops, IncludeNumMembers: true})
	if err != nil || c.Name != "ops" || !c.IsMember || c.IsPrivate || c.IsExtShared || c.NumMembers != 3 {
		t.Errorf("conversations.info: %+v, %v", c, err)
	}
	if c, err := api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: outside}); err != nil || c.IsMember {
		t.Errorf("conversations.info of a channel the bot is not in: %+v, %v", c, err)
	}
	_, err = api.GetConversationInfo(&slack.GetConversationInfoInput{ChannelID: secret})
	if code(err) != "channel_not_found" {
		t.Errorf("conversations.info of a private channel: %v", err)
	}

	var members []string
	for cursor, pages := "", 0; ; pages++ {
		page, next, err := api.GetUsersInConversation(&slack.GetUsersInConversationParameters{ChannelID: ops, Limit: 2, Cursor: cursor})
		if err != nil || pages > 2 {
			t.Fatalf("conversations.members: page %d, %v", pages, err)
		}
		members = append(members, page...)
		if cursor = next; cursor == "" {
			break
		}
	}
	if len(members) != 3 {
		t.Errorf("members in pages: %v", members)
	}

	dm, _, existed, err := api.OpenConversation(&slack.OpenConversationParameters{Users: []string{alice}, ReturnIM: true})
	if err != nil || existed || !dm.IsIM || dm.User != alice {
		t.Errorf("conversations.open: %+v, %v", dm, err)
	}
	if again, _, existed, err := api.OpenConversation(&slack.OpenConversationParameters{Users: []string{alice}}); err != nil || !existed || again.ID != dm.ID {
		t.Errorf("conversations.open again: %+v, %v", again, err)
	}
	if channel, _, err := api.PostMessage(alice, slack.MsgOptionText("psst", false)); err != nil || channel != dm.ID {
		t.Errorf("post to a user: %s, %v", channel, err)
	}
}

func TestCallsAndSnapshotHoldNoSecrets(t *testing.T) {
	s := workspace(t, slacksim.Options{BotToken: "xoxb-HUSH", AppToken: "xapp-HUSH"})
	api := slack.New("xoxb-HUSH", slack.OptionAppLevelToken("xapp-HUSH"), slack.OptionAPIURL(s.APIURL()))
	if _, _, err := api.PostMessage(ops, slack.MsgOptionText("hello", false)); err != nil {
		t.Fatal(err)
	}
	_, url, err := api.StartSocketModeContext(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	d := s.Slash(alice, ops, "status")
	calls := s.Calls("")
	if len(calls) != 2 || calls[0].Args["text"] != "hello" || calls[0].Args["channel"] != ops || !calls[0].Done || calls[0].Status != 200 {
		t.Errorf("calls: %+v", calls)
	}
	recorded := jsonText(t, calls) + jsonText(t, s.Snapshot())
	_, ticket, _ := strings.Cut(url, "ticket=")
	ticket, _, _ = strings.Cut(ticket, "&")
	for what, secret := range map[string]string{"token": "HUSH", "ticket": ticket, "response_url": d.ResponseURL, "trigger_id": d.TriggerID} {
		if strings.Contains(recorded, secret) {
			t.Errorf("calls or snapshot hold the %s", what)
		}
	}
}
