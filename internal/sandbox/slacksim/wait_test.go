package slacksim_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"sync"
	"testing"

	"autoscalebot/internal/sandbox/slacksim"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWaitSeesEveryChange(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 25 {
				s.Say(alice, ops, "", "x")
			}
		})
	}
	await(t, s, "100 messages", func(snap *slacksim.Snapshot) bool { return len(snap.Messages[ops]) == 100 })
	writers.Wait()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, func(*slacksim.Snapshot) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("wait after cancel: %v", err)
	}
	s.Close()
	if s.Wait(testContext(t), func(*slacksim.Snapshot) bool { return false }) == nil {
		t.Error("wait on a closed server succeeded")
	}
}

func TestSubscribersAreToldOnceForManyChanges(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	changes, cancel := s.Subscribe()
	s.Say(alice, ops, "", "x")
	s.Say(alice, ops, "", "y")
	<-changes
	select {
	case <-changes:
		t.Error("two notifications were pending")
	default:
	}
	s.Say(alice, ops, "", "z")
	<-changes
	cancel()
	s.Say(alice, ops, "", "unheard")
	select {
	case <-changes:
		t.Error("notified after cancel")
	default:
	}
}

func TestSnapshotSharesNothing(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	s.Say(alice, ops, "", "x")
	snap := s.Snapshot()
	for i := range snap.Channels {
		clear(snap.Channels[i].Members)
	}
	snap.Messages[ops][0].Text = "spoiled"
	if got := s.Messages(ops)[0].Text; got != "x" {
		t.Errorf("message reads %q", got)
	}
	if d := s.Slash(alice, ops, ""); d.Err() != nil {
		t.Errorf("members were spoiled: %v", d.Err())
	}
	var decoded map[string]any
	if err := json.Unmarshal([]byte(jsonText(t, snap)), &decoded); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"team", "users", "channels", "messages", "ephemerals", "views", "sockets", "switches", "banner", "deliveries"} {
		if decoded[key] == nil {
			t.Errorf("snapshot has no %s", key)
		}
	}
}

func TestEventsOfThePeople(t *testing.T) {
	s := workspace(t, slacksim.Options{})
	s.AddUsergroup("S0ONCALL", "oncall", alice)
	bot := connect(t, s)
	s.UsergroupChanged("S0ONCALL", bob)
	changed := bot.next(socketmode.EventTypeEventsAPI).Data.(slackevents.EventsAPIEvent).InnerEvent.Data.(*slackevents.SubteamMembersChangedEvent)
	if changed.SubteamID != "S0ONCALL" || len(changed.AddedUsers) != 1 || changed.AddedUsers[0] != bob || len(changed.RemovedUsers) != 1 {
		t.Errorf("event %+v", changed)
	}
	if members, err := bot.api.GetUserGroupMembers("S0ONCALL"); err != nil || len(members) != 1 || members[0] != bob {
		t.Errorf("members %v, %v", members, err)
	}
	s.UserChanged(slacksim.User{ID: bob, Name: "bob", Deleted: true})
	user := bot.next(socketmode.EventTypeEventsAPI).Data.(slackevents.EventsAPIEvent).InnerEvent.Data.(*slackevents.UserChangeEvent)
	if user.User.ID != bob || !user.User.Deleted {
		t.Errorf("event %+v", user)
	}
}

// A server that was not started can be mounted anywhere.
func TestAsAHandler(t *testing.T) {
	s := slacksim.New(slacksim.Options{})
	t.Cleanup(s.Close)
	host := httptest.NewServer(s)
	t.Cleanup(host.Close)
	s.AddUser(slacksim.User{ID: alice})
	s.AddChannel(slacksim.Channel{ID: ops, Name: "ops", Members: []string{alice, s.BotUserID()}})
	api := slack.New("xoxb-sandbox", slack.OptionAPIURL(host.URL+"/api/"))
	if _, _, err := api.PostMessage(ops, slack.MsgOptionText("x", false)); err != nil {
		t.Fatal(err)
	}
	if got := s.APIURL(); got != host.URL+"/api/" {
		t.Errorf("API URL %q", got)
	}
}
