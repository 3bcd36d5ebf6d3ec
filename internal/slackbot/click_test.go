package slackbot

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/change"
)

// Of a click only IDs are read: whose it is, where, and which message. Neither team
// nor user.team_id is, which in an organisation may name a sibling workspace.
func TestClickPayloads(t *testing.T) {
	for _, c := range []struct {
		name, payload   string
		channel, thread string
		url             string
		pressed         change.MessageRef
	}{
		{"on a card", `{"user":{"id":"U0ANA","team_id":"T0SANDBOX"},"channel":{"id":"C0OPS"},"message":{"ts":"1.1","thread_ts":"1.1"},
			"container":{"type":"message","message_ts":"1.1","channel_id":"C0OPS"},"response_url":"https://hooks.slack.com/x"}`,
			channel, "", "https://hooks.slack.com/x", change.MessageRef{Channel: channel, TS: "1.1"}},
		{"on a reply", `{"user":{"id":"U0ANA"},"channel":{"id":"C0OPS"},"message":{"ts":"1.2","thread_ts":"1.1"},"container":{"message_ts":"1.2"}}`,
			channel, "1.1", "", change.MessageRef{Channel: channel, TS: "1.2"}},
		{"of a sibling workspace", `{"team":null,"enterprise":{"id":"E1"},"is_enterprise_install":true,"user":{"id":"U0ANA","team_id":"T0SISTER"},
			"channel":{"id":"C0OPS"},"message":{"ts":"1.1"},"container":{"message_ts":"1.1","attachment_id":1}}`,
			channel, "", "", change.MessageRef{Channel: channel, TS: "1.1"}},
		{"seen by one alone", `{"user":{"id":"U0ANA"},"container":{"type":"message","message_ts":"1.3","channel_id":"C0OPS","thread_ts":"1.1","is_ephemeral":true}}`,
			channel, "1.1", "", change.MessageRef{}},
		{"in a form", `{"user":{"id":"U0ANA"},"view":{"id":"V1"}}`, "", "", "", change.MessageRef{}},
	} {
		var callback slack.InteractionCallback
		if err := json.Unmarshal([]byte(c.payload), &callback); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		from := clicker(&delivery{envelope: &envelope{id: "env-1", received: time.Now()}}, callback)
		if from.person.ID != "U0ANA" || from.delivery.Key != "env-1" || from.channel != c.channel || from.thread != c.thread || from.url != c.url {
			t.Errorf("%s: from %+v", c.name, from)
		}
		if got := pressedOn(callback); got != c.pressed {
			t.Errorf("%s: pressed %+v, want %+v", c.name, got, c.pressed)
		}
	}
}

// Every button of a card that acts at once has its verb.
func TestVerbs(t *testing.T) {
	for action, verb := range verbs {
		if action != string(verb) {
			t.Errorf("the button %s does %s", action, verb)
		}
	}
}
