package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// fakeBot is a tiny app over the raw wire: enough to have something to show and
// to press. It knows four things to do: a card, a card of every kind of block, a
// form, and an answer for one person.
type fakeBot struct {
	ctx  context.Context
	env  map[string]string
	conn *websocket.Conn
}

// runFakeBot is a StartBot.
func runFakeBot(ctx context.Context, in Surroundings) error {
	env := in.Env
	b := &fakeBot{ctx: ctx, env: env}
	var open struct{ URL string }
	if err := b.call("apps.connections.open", env["SLACK_APP_TOKEN"], nil, &open); err != nil {
		return err
	}
	conn, resp, err := websocket.DefaultDialer.DialContext(ctx, open.URL, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b.conn = conn
	hangUp := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer hangUp()
	defer func() { _ = conn.Close() }()
	for {
		var env envelope
		if err := conn.ReadJSON(&env); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err := b.handle(env); err != nil {
			return err
		}
	}
}

// startFakeBot runs the bot beside a world without a page, and waits until it is
// connected.
func startFakeBot(t *testing.T, w *World) {
	t.Helper()
	bot := newRunner(runFakeBot, w.surroundings(), func(string) {})
	bot.Start(t.Context())
	t.Cleanup(bot.Stop)
	waitConnected(t, w)
}

type envelope struct {
	Type       string `json:"type"`
	EnvelopeID string `json:"envelope_id"`
	Payload    struct {
		Type      string `json:"type"`
		Text      string `json:"text"`
		ChannelID string `json:"channel_id"`
		UserID    string `json:"user_id"`
		TriggerID string `json:"trigger_id"`
		Response  string `json:"response_url"`
		User      struct{ ID string }
		Channel   struct{ ID string }
		Actions   []struct {
			ActionID       string `json:"action_id"`
			Value          string
			SelectedOption struct{ Value string } `json:"selected_option"`
		}
		Message struct{ TS, Text string }
		Value   string
		View    struct {
			ID              string
			Hash            string
			PrivateMetadata string `json:"private_metadata"`
			State           struct {
				Values map[string]map[string]struct{ Value string }
			}
		}
		Event struct {
			Type, User, Channel, TS string
			ThreadTS                string `json:"thread_ts"`
		}
	} `json:"payload"`
}

func (b *fakeBot) handle(e envelope) error {
	p := e.Payload
	if e.Type == "hello" || e.Type == "disconnect" {
		return nil
	}
	switch p.Type {
	case "view_submission":
		return b.submitted(e)
	case "block_suggestion":
		return b.suggest(e)
	}
	if err := b.conn.WriteJSON(map[string]any{"envelope_id": e.EnvelopeID}); err != nil {
		return err
	}
	switch {
	case p.Event.Type == "app_home_opened":
		return b.call("views.publish", b.env["SLACK_BOT_TOKEN"], map[string]any{
			"user_id": p.Event.User, "view": json.RawMessage(fmt.Sprintf(homeView, p.Event.User)),
		}, nil)
	case p.Type == "shortcut" || p.Type == "message_action":
		return b.call("views.open", b.env["SLACK_BOT_TOKEN"], map[string]any{
			"trigger_id": p.TriggerID, "view": json.RawMessage(fmt.Sprintf(askView, p.Message.Text, "nothing")),
		}, nil)
	case e.Type == "events_api":
		return b.post(p.Event.Channel, map[string]any{"thread_ts": cmp.Or(p.Event.ThreadTS, p.Event.TS), "text": "Heard you, <@" + p.Event.User + ">."})
	case p.Type == "block_actions":
		return b.pressed(e)
	case p.Text == "form":
		return b.call("views.open", b.env["SLACK_BOT_TOKEN"], map[string]any{"trigger_id": p.TriggerID, "view": json.RawMessage(fmt.Sprintf(formView, p.ChannelID))}, nil)
	case p.Text == "gallery":
		return b.post(p.ChannelID, map[string]any{"text": "every block", "blocks": json.RawMessage(galleryBlocks)})
	case strings.Contains(p.Text, "max="):
		return b.post(p.ChannelID, map[string]any{"text": "request #7K2QD", "blocks": json.RawMessage(fmt.Sprintf(cardBlocks, p.UserID))})
	}
	return b.respond(p.Response, map[string]any{"response_type": "ephemeral", "text": "You typed `" + p.Text + "`. *production* runs 2 of 4 replicas."})
}

func (b *fakeBot) pressed(e envelope) error {
	p := e.Payload
	switch a := p.Actions[0]; {
	case a.ActionID == "model":
		return b.call("views.update", b.env["SLACK_BOT_TOKEN"], map[string]any{
			"view_id": p.View.ID, "hash": p.View.Hash, "view": json.RawMessage(fmt.Sprintf(askView, p.View.PrivateMetadata, a.SelectedOption.Value)),
		}, nil)
	case a.ActionID == "look":
		return b.post(channelMLOnCall, map[string]any{"text": "Home pressed: " + a.Value})
	case a.ActionID != "approve":
		return nil
	}
	err := b.call("chat.update", b.env["SLACK_BOT_TOKEN"], map[string]any{
		"channel": p.Channel.ID, "ts": p.Message.TS, "text": "request #7K2QD approved",
		"blocks": json.RawMessage(fmt.Sprintf(doneBlocks, p.User.ID)),
	}, nil)
	if err != nil {
		return err
	}
	if err := b.patch(`{"max_replica": 12}`); err != nil {
		return err
	}
	for _, text := range []string{"*ACCEPTED*: Autoscaling settings update accepted.", "In force: `max` is 12."} {
		if err := b.post(p.Channel.ID, map[string]any{"thread_ts": p.Message.TS, "text": text}); err != nil {
			return err
		}
	}
	return nil
}

// suggest offers models whose name holds what was typed.
func (b *fakeBot) suggest(e envelope) error {
	options := []any{}
	for _, name := range []string{"llama-70b", "whisper-large", "embed-e5"} {
		if strings.Contains(name, e.Payload.Value) {
			options = append(options, map[string]any{"text": map[string]any{"type": "plain_text", "text": name}, "value": name})
		}
	}
	return b.conn.WriteJSON(map[string]any{"envelope_id": e.EnvelopeID, "payload": map[string]any{"options": options}})
}

func (b *fakeBot) submitted(e envelope) error {
	reason := e.Payload.View.State.Values["why"]["reason"].Value
	if len(reason) < 5 {
		return b.conn.WriteJSON(map[string]any{"envelope_id": e.EnvelopeID, "payload": map[string]any{
			"response_action": "errors", "errors": map[string]string{"why": "Say a little more."},
		}})
	}
	if err := b.conn.WriteJSON(map[string]any{"envelope_id": e.EnvelopeID}); err != nil {
		return err
	}
	return b.post(e.Payload.View.PrivateMetadata, map[string]any{"text": "Form taken: " + reason})
}

func (b *fakeBot) post(channel string, message map[string]any) error {
	message["channel"] = channel
	return b.call("chat.postMessage", b.env["SLACK_BOT_TOKEN"], message, nil)
}

func (b *fakeBot) respond(url string, message map[string]any) error {
	_, err := b.send(http.MethodPost, url, "", message)
	return err
}

func (b *fakeBot) patch(settings string) error {
	_, err := b.send(http.MethodPatch, b.env["BASETEN_BASE_URL"]+"/v1/models/3ydn1e43/environments/production", "Api-Key "+b.env["BASETEN_API_KEY"],
		map[string]any{"autoscaling_settings": json.RawMessage(settings)})
	return err
}

func (b *fakeBot) call(method, token string, args map[string]any, out any) error {
	data, err := b.send(http.MethodPost, b.env["SLACK_API_URL"]+method, "Bearer "+token, args)
	if err != nil {
		return err
	}
	var answer struct {
		OK       bool
		Error    string
		Metadata struct{ Messages []string } `json:"response_metadata"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return err
	}
	if !answer.OK {
		return fmt.Errorf("%s: %s %q", method, answer.Error, answer.Metadata.Messages)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

func (b *fakeBot) send(method, url, auth string, body any) ([]byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(b.ctx, method, url, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	resp, err := patient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var out bytes.Buffer
	_, err = out.ReadFrom(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s answered %d: %s", method, resp.StatusCode, out.String())
	}
	return out.Bytes(), err
}

const cardBlocks = `[
 {"type":"section","text":{"type":"mrkdwn","text":"*Request #7K2QD*: <@%s> asks to change *llama-70b* production. A team lead has to approve."}},
 {"type":"table","column_settings":[{},{"align":"right"},{"align":"right"}],"rows":[
  [{"type":"raw_text","text":"Setting"},{"type":"raw_text","text":"Now"},{"type":"raw_text","text":"Asked for"}],
  [{"type":"raw_text","text":"Max replicas"},{"type":"raw_text","text":"4"},{"type":"raw_text","text":"12"}],
  [{"type":"raw_text","text":"Ceiling per hour"},{"type":"raw_text","text":"$26.00"},{"type":"raw_text","text":"$78.00"}]]},
 {"type":"actions","elements":[
  {"type":"button","action_id":"approve","style":"primary","text":{"type":"plain_text","text":"Approve"},"value":"7K2QD",
   "confirm":{"title":{"type":"plain_text","text":"Approve this change?"},"text":{"type":"plain_text","text":"llama-70b production: max 4 → 12. It is sent to Baseten at once."},
    "confirm":{"type":"plain_text","text":"Approve"},"deny":{"type":"plain_text","text":"Not yet"}}},
  {"type":"button","action_id":"deny","style":"danger","text":{"type":"plain_text","text":"Deny"},"value":"7K2QD"}]},
 {"type":"context","elements":[{"type":"mrkdwn","text":"model ` + "`3ydn1e43`" + ` · deployment ` + "`qrpv7y0`" + ` · request ` + "`#7K2QD`" + ` · expires <!date^1924988400^{date_short} {time}|later>"}]}
]`

const doneBlocks = `[
 {"type":"section","text":{"type":"mrkdwn","text":"*Request #7K2QD*: *llama-70b* production, max 4 → 12. Approved by <@%s>."}},
 {"type":"context","elements":[{"type":"mrkdwn","text":"request ` + "`#7K2QD`" + `"}]}
]`

const galleryBlocks = `[
 {"type":"header","text":{"type":"plain_text","text":"Everything this page draws"}},
 {"type":"section","text":{"type":"mrkdwn","text":"*bold* _italic_ ~gone~ ` + "`code <b>&amp;`" + ` <https://example.com|a link> <@U0ANA> <#C0LLMPROD> <!subteam^S0ONCALL> :warning: 2 &lt; 3\n&gt; quoted\n` + "```max: 4\\nmin: 2```" + `"},
  "fields":[{"type":"mrkdwn","text":"*Target*\nproduction"},{"type":"plain_text","text":"plain *not bold*"}],
  "accessory":{"type":"button","action_id":"look","text":{"type":"plain_text","text":"Look"}}},
 {"type":"divider"},
 {"type":"rich_text","elements":[
  {"type":"rich_text_section","elements":[{"type":"text","text":"Rich text with "},{"type":"text","text":"<script>alert(1)</script>","style":{"code":true}},{"type":"text","text":" by "},{"type":"user","user_id":"U0LEA"},{"type":"text","text":" "},{"type":"emoji","name":"tada","unicode":"1f389"}]},
  {"type":"rich_text_list","style":"bullet","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"one"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"two","style":{"bold":true}}]}]},
  {"type":"rich_text_preformatted","elements":[{"type":"text","text":"curl --request PATCH …\n  --data '{\"max_replica\": 7}'"}]},
  {"type":"rich_text_quote","elements":[{"type":"text","text":"launch day"}]}]},
 {"type":"container","title":{"type":"plain_text","text":"Details"},"is_collapsible":true,"default_collapsed":true,"child_blocks":[{"type":"section","text":{"type":"mrkdwn","text":"Rule *the rest needs a lead*"}}]},
 {"type":"context","elements":[{"type":"mrkdwn","text":"model ` + "`3ydn1e43`" + `"},{"type":"plain_text","text":"plain"}]},
 {"type":"task_card","task_id":"t1","title":"Scaling up","status":"in_progress"}
]`

const formView = `{"type":"modal","callback_id":"form","private_metadata":"%s","title":{"type":"plain_text","text":"Change settings"},
 "submit":{"type":"plain_text","text":"Ask"},"close":{"type":"plain_text","text":"Cancel"},"blocks":[
 {"type":"section","text":{"type":"mrkdwn","text":"*llama-70b* production, now 2 to 4 replicas."}},
 {"type":"alert","level":"warning","text":{"type":"mrkdwn","text":"More than *8* needs a team lead."}},
 {"type":"input","block_id":"what","label":{"type":"plain_text","text":"Setting"},"element":{"type":"static_select","action_id":"setting",
  "initial_option":{"text":{"type":"plain_text","text":"Max replicas"},"value":"max"},
  "options":[{"text":{"type":"plain_text","text":"Min replicas"},"value":"min"},{"text":{"type":"plain_text","text":"Max replicas"},"value":"max"}]}},
 {"type":"input","block_id":"why","label":{"type":"plain_text","text":"Reason"},"hint":{"type":"plain_text","text":"Kept with the request."},
  "element":{"type":"plain_text_input","action_id":"reason"}}]}`

// askView has an external select that tells the bot at once, and fields below it.
const askView = `{"type":"modal","callback_id":"ask","private_metadata":"%[1]s","title":{"type":"plain_text","text":"Change Autoscaling"},
 "submit":{"type":"plain_text","text":"Ask"},"close":{"type":"plain_text","text":"Cancel"},"blocks":[
 {"type":"input","block_id":"model","dispatch_action":true,"label":{"type":"plain_text","text":"Model"},
  "element":{"type":"external_select","action_id":"model","min_query_length":0,"placeholder":{"type":"plain_text","text":"Type a name"}}},
 {"type":"section","block_id":"line","text":{"type":"mrkdwn","text":"Chosen: *%[2]s*"}},
 {"type":"input","block_id":"max","label":{"type":"plain_text","text":"Max replicas"},
  "element":{"type":"number_input","action_id":"max","is_decimal_allowed":false,"min_value":"1","initial_value":"4"}},
 {"type":"input","block_id":"how","optional":true,"label":{"type":"plain_text","text":"For how long"},
  "element":{"type":"radio_buttons","action_id":"how","options":[{"text":{"type":"plain_text","text":"For good"},"value":"0"},{"text":{"type":"plain_text","text":"2 hours"},"value":"2h"}]}},
 {"type":"input","block_id":"tell","optional":true,"label":{"type":"plain_text","text":"Also"},
  "element":{"type":"checkboxes","action_id":"tell","options":[{"text":{"type":"plain_text","text":"Tell the leads"},"value":"leads"},{"text":{"type":"plain_text","text":"Tell everybody"},"value":"all"}]}},
 {"type":"input","block_id":"group","optional":true,"label":{"type":"plain_text","text":"Target"},
  "element":{"type":"static_select","action_id":"target","option_groups":[
   {"label":{"type":"plain_text","text":"Environments"},"options":[{"text":{"type":"plain_text","text":"production"},"value":"production"}]},
   {"label":{"type":"plain_text","text":"Deployments"},"options":[{"text":{"type":"plain_text","text":"v12"},"value":"v12"}]}]}},
 {"type":"input","block_id":"why","label":{"type":"plain_text","text":"Reason"},"element":{"type":"plain_text_input","action_id":"reason","multiline":true}}]}`

const homeView = `{"type":"home","blocks":[
 {"type":"header","text":{"type":"plain_text","text":"Waiting for you"}},
 {"type":"section","text":{"type":"mrkdwn","text":"⏳ Hello <@%s>. *llama-70b* production: max 4 → 12."}},
 {"type":"actions","block_id":"r1","elements":[{"type":"button","action_id":"look","value":"first","text":{"type":"plain_text","text":"Look"}}]},
 {"type":"divider"},
 {"type":"actions","block_id":"r2","elements":[{"type":"button","action_id":"look","value":"second","text":{"type":"plain_text","text":"Look Too"}}]}]}`

func newWorld(t *testing.T, opts WorldOptions) *World {
	t.Helper()
	w, err := NewWorld(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}
