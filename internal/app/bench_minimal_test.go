package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// minimalBot is the least that can be written with slack-go to change a setting: it
// acknowledges at once, asks nobody's leave, stores nothing, reads nothing back and
// tells nobody how it went. What the real bot takes beyond it is the price of being
// safe.
type minimalBot struct {
	slack   *slack.Client
	client  *socketmode.Client
	http    *http.Client
	baseten string
	models  map[string]string // name → ID
	// post says in the channel what is about to happen, before it happens.
	post bool
}

// run serves until ctx ends.
func (m *minimalBot) run(ctx context.Context) {
	go func() { _ = m.client.RunContext(ctx) }()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-m.client.Events:
			command, ok := e.Data.(slack.SlashCommand)
			if !ok || m.client.AckCtx(ctx, e.Request.EnvelopeID, nil) != nil {
				continue
			}
			go func() { _ = m.serve(ctx, command) }()
		}
	}
}

// serve takes MODEL ENVIRONMENT max=N.
func (m *minimalBot) serve(ctx context.Context, c slack.SlashCommand) error {
	words := strings.Fields(c.Text)
	if m.post {
		text := fmt.Sprintf("<@%s> changes %s", c.UserID, c.Text)
		if _, _, err := m.slack.PostMessageContext(ctx, c.ChannelID, slack.MsgOptionText(text, false)); err != nil {
			return err
		}
	}
	body := fmt.Sprintf(`{"autoscaling_settings":{"max_replica":%s}}`, strings.TrimPrefix(words[2], "max="))
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch,
		m.baseten+"/v1/models/"+m.models[words[0]]+"/environments/"+words[1], bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Api-Key "+benchKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := m.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(new(any))
}

// runMinimal starts a minimal bot that knows the lab's models. It ends with the
// benchmark.
func runMinimal(b *testing.B, l *lab, post bool) {
	b.Helper()
	api := slack.New(benchBotToken, slack.OptionAPIURL(l.slack.APIURL()), slack.OptionAppLevelToken(benchAppToken),
		slack.OptionHTTPClient(l.client))
	m := &minimalBot{
		slack: api, client: socketmode.New(api), http: l.client,
		baseten: l.basetenURL, models: l.ids, post: post,
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); m.run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
}
