package slackbot

import (
	"context"
	"errors"
	"strings"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/change"
)

// Action IDs of the buttons. They are a contract across versions: old messages keep
// their buttons. A button's value is the request's ID and nothing else.
const (
	actionApprove    = "approve"
	actionDeny       = "deny"
	actionConfirm    = "confirm"
	actionCancel     = "cancel"
	actionBreakGlass = "break_glass"
	actionReview     = "review"
	actionAskAgain   = "ask_again"
	actionExplain    = "explain"
)

// Callback IDs and block of the forms.
const (
	viewBreakGlass = "break_glass"
	viewExplain    = "explain"
	blockReason    = "reason"
	inputReason    = "text"
)

// interaction serves buttons and forms.
func (b *Bot) interaction(d *delivery, c slack.InteractionCallback) {
	switch c.Type {
	case slack.InteractionTypeBlockActions:
		for _, action := range c.ActionCallback.BlockActions {
			if action != nil && action.Value != "" {
				b.click(d, c, action)
				return
			}
		}
		d.acknowledge()
	case slack.InteractionTypeViewSubmission:
		b.submitted(d, c)
	default:
		d.acknowledge()
	}
}

// click serves one button.
func (b *Bot) click(d *delivery, c slack.InteractionCallback, action *slack.BlockAction) {
	id, ok := change.ParseID(action.Value)
	if !ok {
		d.acknowledge()
		b.cfg.Log.Warn("button without a request", zap.String("action", action.ActionID))
		return
	}
	channel, ts := c.Channel.ID, c.Message.Timestamp
	if channel == "" {
		channel = c.Container.ChannelID
	}
	if ts == "" {
		ts = c.Container.MessageTs
	}
	act := change.Act{
		Delivery: change.Delivery{Key: d.id, At: d.received},
		Person:   change.Person{ID: c.User.ID, Name: c.User.Name},
		Foreign:  c.User.TeamID != "" && c.User.TeamID != b.self.TeamID,
		ID:       id, Message: change.MessageRef{Channel: channel, TS: ts},
	}
	if c.Container.IsEphemeral {
		act.Message = change.MessageRef{}
	}
	answer := b.clickAnswer(c, channel)
	switch action.ActionID {
	case actionApprove:
		act.Verb = change.VerbApprove
	case actionDeny:
		act.Verb = change.VerbDeny
	case actionConfirm:
		act.Verb = change.VerbConfirm
	case actionCancel:
		act.Verb = change.VerbCancel
	case actionReview:
		act.Verb = change.VerbReview
	case actionAskAgain:
		b.again(d, c, act, answer)
		return
	case actionBreakGlass:
		b.openForm(d, c, reasonForm(viewBreakGlass, "Break glass", "Why can this not wait for an approval?", id), answer)
		return
	case actionExplain:
		b.openForm(d, c, reasonForm(viewExplain, "Reason", "Why was it denied?", id), answer)
		return
	default:
		d.acknowledge()
		b.cfg.Log.Warn("unknown button", zap.String("action", action.ActionID))
		return
	}
	if b.act(d, act, answer) && act.Verb == change.VerbDeny {
		b.background(func(ctx context.Context) { b.told(ctx, answer, explainOffer(id)) })
	}
}

// clickAnswer tells whoever pressed a button something, alone.
func (b *Bot) clickAnswer(c slack.InteractionCallback, channel string) func(context.Context, message) error {
	thread := c.Message.ThreadTimestamp
	return func(ctx context.Context, m message) error {
		if c.ResponseURL != "" {
			err := b.responses.post(ctx, c.ResponseURL, m)
			if err == nil {
				return nil
			}
			b.cfg.Log.Warn("answer a click", zap.Error(err))
		}
		return b.whisper(ctx, channel, thread, c.User.ID, m)
	}
}

// again asks once more for what became stale or expired.
func (b *Bot) again(d *delivery, c slack.InteractionCallback, act change.Act, answer func(context.Context, message) error) {
	a := asked{delivery: act.Delivery, person: act.Person, channel: act.Message.Channel, answer: answer}
	if c.Message.ThreadTimestamp != "" && c.Message.ThreadTimestamp != c.Message.Timestamp {
		a.thread = c.Message.ThreadTimestamp
	}
	if act.Foreign {
		d.read(act.Delivery.Key, func(ctx context.Context) {
			b.reply(ctx, a, plainMessage("not allowed: only members of this workspace can do that."))
		})
		return
	}
	b.record(d, a, actionAskAgain, func(ctx context.Context, in change.Submission) (*change.Request, error) {
		return b.changes.AskAgain(ctx, in, act.ID)
	})
}

// openForm opens a form. Slack gives three seconds for it, and shows nothing else.
func (b *Bot) openForm(d *delivery, c slack.InteractionCallback, form slack.ModalViewRequest, answer func(context.Context, message) error) {
	d.acknowledge()
	b.background(func(ctx context.Context) {
		err := b.slack.api.with(ctx, func(ctx context.Context, api *slack.Client) error {
			_, err := api.OpenViewContext(ctx, c.TriggerID, form)
			return err
		})
		if err != nil {
			b.cfg.Log.Warn("open form", zap.Error(err))
			b.told(ctx, answer, plainMessage("Slack did not open the form. Please press the button again."))
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
	reason := strings.TrimSpace(c.View.State.Values[blockReason][inputReason].Value)
	if reason == "" {
		d.acknowledgeWith(slack.NewErrorsViewSubmissionResponse(map[string]string{blockReason: "Please give a reason."}))
		return
	}
	act := change.Act{
		Delivery: change.Delivery{Key: d.id, At: d.received},
		Person:   change.Person{ID: c.User.ID, Name: c.User.Name},
		Foreign:  c.User.TeamID != "" && c.User.TeamID != b.self.TeamID,
		ID:       id, Reason: reason,
	}
	switch c.View.CallbackID {
	case viewBreakGlass:
		act.Verb = change.VerbBreakGlass
	case viewExplain:
		act.Verb = change.VerbDeny
	default: // of a newer version of the bot
		d.acknowledge()
		b.cfg.Log.Warn("unknown form", zap.String("form", c.View.CallbackID))
		return
	}
	err := b.changes.Do(d.ctx, act)
	var no *change.Refused
	switch {
	case err == nil:
		d.acknowledge()
		b.changes.Start(id)
	case errors.Is(err, change.ErrDelivered):
		d.acknowledge()
	case errors.As(err, &no):
		d.acknowledgeWith(slack.NewErrorsViewSubmissionResponse(map[string]string{blockReason: bare(no.Text)}))
	default:
		b.unrecorded(d, string(act.Verb), err)
	}
}
