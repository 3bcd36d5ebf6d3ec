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

// breakGlassForm opens the form that asks why an approval has to be skipped, for whoever
// may skip it. Others are told at once, not after they typed a reason.
func (b *Bot) breakGlassForm(d *delivery, from asker, trigger string, a change.Act) {
	d.acknowledge()
	b.loop.later(func(ctx context.Context) {
		judging, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		r, err := b.changes.MayBreakGlass(judging, a)
		var no *change.Refused
		switch {
		case err == nil:
			b.openForm(ctx, d, from, trigger, view.BreakGlassForm(r))
		case errors.Is(err, change.ErrDelivered):
		case errors.As(err, &no):
			b.refused(from)
			b.cfg.Watch.command(string(change.VerbBreakGlass), "refused")
			b.answer(ctx, from, view.Refused(no, from.person.ID))
		default:
			b.cfg.Log.Error("judge who opens a form", append(fields(d, from), zap.Error(err))...)
			b.answer(ctx, from, view.FormNotOpened())
		}
	})
}

// openForm opens a form. Slack gives three seconds for it from the press on, and shows
// nothing else.
func (b *Bot) openForm(ctx context.Context, d *delivery, from asker, trigger string, form slack.ModalViewRequest) {
	opening, cancel := context.WithDeadline(ctx, d.received.Add(triggerLives))
	defer cancel()
	err := b.slack.api.ask(opening, "views.open", func(ctx context.Context, c *slack.Client) error {
		_, err := c.OpenViewContext(ctx, trigger, form)
		return err
	})
	if err != nil {
		b.cfg.Log.Warn("open form", zap.String("user", from.person.ID), zap.Error(err))
		b.answer(ctx, from, view.FormNotOpened())
	}
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
		b.refused(from)
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
