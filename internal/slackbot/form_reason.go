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

// openForm opens a form, and reports whether it is open. Slack gives three seconds for
// it from the press on, and shows nothing else.
func (b *Bot) openForm(ctx context.Context, d *delivery, from asker, trigger string, form slack.ModalViewRequest) (opened slack.View, ok bool) {
	opening, cancel := context.WithDeadline(ctx, d.received.Add(triggerLives))
	defer cancel()
	err := twice(opening, func() error {
		return b.slack.api.ask(opening, "views.open", func(ctx context.Context, c *slack.Client) error {
			resp, err := c.OpenViewContext(ctx, trigger, form)
			if err == nil {
				opened = resp.View
			}
			return err
		})
	})
	if err != nil {
		b.cfg.Log.Warn("open form", zap.String("user", from.person.ID), zap.Error(err))
		b.answer(ctx, from, view.FormNotOpened())
	}
	return opened, err == nil
}

// submitted serves a form that is sent.
func (b *Bot) submitted(d *delivery, c slack.InteractionCallback) {
	switch c.View.CallbackID {
	case view.FormChange:
		b.changeSubmitted(d, c)
	case view.FormBreakGlass, view.FormExplain:
		b.reasonSubmitted(d, c)
	default:
		b.otherVersion(d, c)
	}
}

// reasonSubmitted serves a form that brings the reason for an act. Who may do it is
// judged like a button.
func (b *Bot) reasonSubmitted(d *delivery, c slack.InteractionCallback) {
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
	act := change.Act{Delivery: from.delivery, Person: from.person, ID: id, Verb: change.VerbDeny}
	if c.View.CallbackID == view.FormBreakGlass {
		act.Verb = change.VerbBreakGlass
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
		b.cfg.Log.Debug("form recorded", append(fields(d, from), zap.String("verb", string(act.Verb)), zap.String("request", string(id)))...)
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
