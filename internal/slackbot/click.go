package slackbot

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
	"autoscalebot/internal/slackbot/view"
)

// interaction serves buttons and forms.
func (b *Bot) interaction(d *delivery, c slack.InteractionCallback) {
	switch c.Type {
	case slack.InteractionTypeBlockActions:
		if c.View.Type == slack.VTModal {
			b.chosen(d, c)
			return
		}
		for _, action := range c.ActionCallback.BlockActions {
			if action != nil && action.Value != "" {
				b.click(d, c, action)
				return
			}
		}
		d.acknowledge()
	case slack.InteractionTypeViewSubmission:
		b.submitted(d, c)
	case slack.InteractionTypeBlockSuggestion:
		b.suggest(d, c)
	case slack.InteractionTypeShortcut:
		b.shortcut(d, c)
	case slack.InteractionTypeMessageAction:
		b.messageShortcut(d, c)
	default:
		d.acknowledge()
	}
}

// verbs are the buttons that do something to a request at once.
var verbs = map[string]change.Verb{
	view.ActionApprove: change.VerbApprove,
	view.ActionDeny:    change.VerbDeny,
	view.ActionConfirm: change.VerbConfirm,
	view.ActionCancel:  change.VerbCancel,
	view.ActionReview:  change.VerbReview,
	view.ActionThaw:    change.VerbThaw,
}

// click serves one button. Its value is the ID of a request and nothing else, but for
// the one that names a target: what the payload says of the person's workspace or of the
// message proves nothing.
func (b *Bot) click(d *delivery, c slack.InteractionCallback, action *slack.BlockAction) {
	from, pressed := clicker(d, c), view.Action(action.ActionID)
	if !b.admit(d, from, pressed, nil) {
		return
	}
	if pressed == view.ActionChangeTarget {
		b.changeTarget(d, from, c.TriggerID, action.Value)
		return
	}
	if pressed == view.ActionDo { // in a private answer only
		b.doThat(d, from, c, action)
		return
	}
	id, ok := change.ParseID(action.Value)
	if !ok {
		d.acknowledge()
		b.cfg.Log.Warn("button without a request", zap.String("envelope", d.id), zap.String("action", action.ActionID))
		return
	}
	verb, ok := verbs[pressed]
	switch {
	case ok:
		act := change.Act{Delivery: from.delivery, Person: from.person, ID: id, Verb: verb, Message: pressedOn(c)}
		if b.act(d, from, act) {
			b.told(from, c, verb, id)
		}
	case pressed == view.ActionAskAgain:
		b.record(d, from, view.ActionAskAgain, func(ctx context.Context, in change.Submission) (*change.Request, error) {
			return b.changes.AskAgain(ctx, in, id)
		})
	case pressed == view.ActionChange:
		b.changeRequest(d, from, c.TriggerID, id)
	case pressed == view.ActionUndo:
		from.thread = "" // the new card stands in the channel, for all to see
		b.record(d, from, view.ActionUndo, func(ctx context.Context, in change.Submission) (*change.Request, error) {
			return b.changes.Undo(ctx, in, id)
		})
	case terms[pressed] != "":
		if b.record(d, from, pressed, func(ctx context.Context, in change.Submission) (*change.Request, error) {
			return b.pressedTerm(ctx, in, terms[pressed], id)
		}) {
			b.told(from, c, terms[pressed], id)
		}
	case pressed == view.ActionStatus:
		d.read(from.delivery.Key, func(ctx context.Context) { b.readTarget(ctx, from, id) })
	case pressed == view.ActionBreakGlass:
		b.breakGlassForm(d, from, c.TriggerID, change.Act{Delivery: from.delivery, Person: from.person, ID: id, Message: pressedOn(c)})
	case pressed == view.ActionExplain:
		d.acknowledge()
		b.loop.later(func(ctx context.Context) { b.openForm(ctx, d, from, c.TriggerID, view.ExplainForm(id)) })
	default:
		d.acknowledge()
		b.cfg.Log.Warn("unknown button", zap.String("envelope", d.id), zap.String("action", action.ActionID))
	}
}

// extendBy is how much longer a press of [Extend 1 h] lets a temporary change hold.
const extendBy = time.Hour

// terms are the buttons of a temporary change. Each makes a request of its own.
var terms = map[string]change.Verb{
	view.ActionExtend: change.VerbExtend,
	view.ActionKeep:   change.VerbKeep,
	view.ActionEnd:    change.VerbEnd,
}

// pressedTerm makes the request that a button of a temporary change asks for.
func (b *Bot) pressedTerm(ctx context.Context, in change.Submission, verb change.Verb, id change.ID) (*change.Request, error) {
	switch verb {
	case change.VerbExtend:
		return b.changes.Extend(ctx, in, id, extendBy)
	case change.VerbKeep:
		return b.changes.Keep(ctx, in, id)
	default:
		return b.changes.End(ctx, in, id)
	}
}

// answered are what is answered where it is pressed in a private answer or on a page.
var answered = []change.Verb{change.VerbApprove, change.VerbReview, change.VerbThaw, change.VerbExtend, change.VerbKeep, change.VerbEnd}

// told answers a press that was carried out, where nothing else shows it: cards change for
// all to see, private answers and pages do not.
func (b *Bot) told(from asker, c slack.InteractionCallback, verb change.Verb, id change.ID) {
	var m view.Message
	switch alone := from.home || c.Container.IsEphemeral; {
	case verb == change.VerbDeny:
		m = view.ExplainOffer(id)
	case alone && slices.Contains(answered, verb):
		m = view.Pressed(verb, id)
	default:
		return
	}
	b.loop.later(func(ctx context.Context) { b.answer(ctx, from, m) })
}

// doThat runs the command of a private answer's button as if it had been typed. Pressed
// twice it asks once: the message and the button are the delivery.
func (b *Bot) doThat(d *delivery, from asker, c slack.InteractionCallback, action *slack.BlockAction) {
	if ts := cmp.Or(c.Container.MessageTs, c.Message.Timestamp); ts != "" && changes(action.Value) {
		from.delivery.Key = strings.Join([]string{"press", from.person.ID, from.channel, ts, fingerprint(action.Value)}, ":")
		from.button = action.Value
	}
	b.command(d, from, action.Value)
}

// clicker is whoever pressed a button or sent a form.
func clicker(d *delivery, c slack.InteractionCallback) asker {
	from := asker{
		delivery: change.Delivery{Key: d.id, Envelope: d.id},
		person:   authz.Person{ID: c.User.ID, Name: c.User.Name},
		channel:  cmp.Or(c.Channel.ID, c.Container.ChannelID),
		url:      c.ResponseURL,
		home:     c.View.Type == slack.VTHomeTab,
	}
	if thread := cmp.Or(c.Message.ThreadTimestamp, c.Container.ThreadTs); thread != c.Message.Timestamp {
		from.thread = thread
	}
	return from
}

// pressedOn is the message whose button was pressed, zero for one that only the person
// sees.
func pressedOn(c slack.InteractionCallback) change.MessageRef {
	if c.Container.IsEphemeral {
		return change.MessageRef{}
	}
	return change.MessageRef{
		Channel: cmp.Or(c.Channel.ID, c.Container.ChannelID),
		TS:      cmp.Or(c.Message.Timestamp, c.Container.MessageTs),
	}
}
