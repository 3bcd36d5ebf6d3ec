package slackbot

import (
	"context"
	"errors"
	"strings"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/change"
	"autoscalebot/internal/slackbot/view"
)

// openForm opens a form. Slack gives three seconds for it, and shows nothing else.
func (b *Bot) openForm(d *delivery, from asker, trigger string, form slack.ModalViewRequest) {
	d.acknowledge()
	until := d.received.Add(triggerLives)
	b.loop.later(func(ctx context.Context) {
		opening, cancel := context.WithDeadline(ctx, until)
		defer cancel()
		err := b.slack.api.ask(opening, "views.open", func(ctx context.Context, c *slack.Client) error {
			_, err := c.OpenViewContext(ctx, trigger, form)
			return err
		})
		if err != nil {
			b.cfg.Log.Warn("open form", zap.String("user", from.person.ID), zap.Error(err))
			b.answer(ctx, from, view.FormNotOpened())
		}
	})
}

// submitted serves a form. Who may do it is judged like a button; the form only
// brings the reason.
func (b *Bot) submitted(d *delivery, c slack.InteractionCallback) {
	id, ok := change.ParseID(c.View.PrivateMetadata)
	if !ok || c.View.State == nil {
		d.acknowledge()
		return
	}
	from := clicker(d, c)
	over := underReason(view.RefusedText(&change.Refused{Reason: overTheirs()}, from.person.ID))
	if !b.admit(d, from, c.View.CallbackID, over) {
		return
	}
	act := change.Act{Delivery: from.delivery, Person: from.person, ID: id}
	switch c.View.CallbackID {
	case view.FormBreakGlass:
		act.Verb = change.VerbBreakGlass
	case view.FormExplain:
		act.Verb = change.VerbDeny
	default: // of a newer version of the bot
		d.acknowledge()
		b.cfg.Log.Warn("unknown form", zap.String("envelope", d.id), zap.String("form", c.View.CallbackID))
		return
	}
	act.Reason = strings.TrimSpace(c.View.State.Values[view.BlockReason][view.InputReason].Value)
	if act.Reason == "" {
		d.acknowledgeWith(underReason(view.ReasonMissing))
		return
	}
	err := b.changes.Do(d.ctx, act)
	var no *change.Refused
	switch {
	case err == nil:
		b.cfg.Log.Info("form recorded", append(fields(d, from), zap.String("verb", string(act.Verb)), zap.String("request", string(id)))...)
		d.acknowledge()
		b.cfg.Watch.command(string(act.Verb), "recorded")
		b.changes.Start(id)
	case errors.Is(err, change.ErrDelivered):
		d.acknowledge()
	case errors.As(err, &no): // said in the form, which keeps what was typed
		b.cfg.Watch.command(string(act.Verb), "refused")
		d.acknowledgeWith(underReason(view.RefusedText(no, from.person.ID)))
	default:
		b.unrecorded(d, from, string(act.Verb), err)
	}
}

// underReason shows a text under the field for the reason.
func underReason(text string) *slack.ViewSubmissionResponse {
	return slack.NewErrorsViewSubmissionResponse(map[string]string{view.BlockReason: text})
}
