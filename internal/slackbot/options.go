package slackbot

import (
	"context"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/slackbot/view"
)

const (
	// suggestWithin bounds how long options wait for who asks for them: people type
	// meanwhile.
	suggestWithin = 800 * time.Millisecond
	// mostSuggested is how many options Slack takes.
	mostSuggested = 100
)

// suggest answers what is typed into the form's field for a model, out of the names that
// are known, without asking Baseten. They are shown to whoever is shown them by list, and
// to nobody else: also where it cannot be told in time who asks.
func (b *Bot) suggest(d *delivery, c slack.InteractionCallback) {
	options := []*slack.OptionBlockObject{}
	if !b.admit(d, clicker(d, c), c.ActionID, suggested{options}) {
		return
	}
	if c.ActionID == view.PickModel {
		ctx, cancel := context.WithTimeout(d.ctx, suggestWithin)
		defer cancel()
		if b.changes.MayRead(ctx, &authz.Person{ID: c.User.ID}) == nil {
			options = view.ModelOptions(b.names.Search(c.Value, mostSuggested))
		}
	}
	b.cfg.Log.Debug("options", zap.String("envelope", d.id), zap.String("user", c.User.ID), zap.Int("options", len(options)))
	d.acknowledgeWith(suggested{options})
}

// suggested is the answer to what is typed: slack.OptionsResponse leaves an empty list
// out, which Slack takes for trouble.
type suggested struct {
	Options []*slack.OptionBlockObject `json:"options"`
}
