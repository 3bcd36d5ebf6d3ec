package slackbot

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
	"autoscalebot/internal/slackbot/view"
)

// start is what the form opens with.
type start struct {
	kept  view.FormKept
	model *baseten.Listed
	// unknown is a word that names no model.
	unknown string
	// kind and word name the target, as typed.
	kind, word string
	settings   baseten.Settings
	end        view.FormEnd
	reason     string
	replaced   *change.Request
}

// mayAskWithin bounds how long the form waits for who opens it: it has to open within
// three seconds. Where nobody can tell in time, it opens, and shows nothing before it is
// known.
const mayAskWithin = 1500 * time.Millisecond

// openChange opens the form for a change, for whoever could be let change anything at
// all. Others are told at once, not after they filled it.
func (b *Bot) openChange(d *delivery, from asker, trigger string, begin func(ctx context.Context) (start, error)) {
	d.acknowledge()
	b.loop.later(func(ctx context.Context) {
		judging, cancel := context.WithDeadline(ctx, d.received.Add(mayAskWithin))
		defer cancel()
		err := b.changes.MayAsk(judging, b.submission(from))
		_, _ = b.names.Models(judging) // right after the start there are none yet
		var st start
		if unclear := judging.Err() != nil; err == nil || unclear {
			st, err = begin(ctx)
		}
		var no *change.Refused
		switch {
		case err == nil:
			b.openStart(ctx, d, from, trigger, st)
		case errors.Is(err, change.ErrDelivered):
		case errors.As(err, &no):
			b.refused(from)
			b.cfg.Watch.command(string(change.VerbChange), "refused")
			if from.channel == "" {
				b.openForm(ctx, d, from, trigger, view.NoForm(no, from.person.ID))
				return
			}
			b.answer(ctx, from, view.Refused(no, from.person.ID))
		default:
			b.cfg.Log.Error("open the form for a change", append(fields(d, from), zap.Error(err))...)
			b.answer(ctx, from, view.FormNotOpened())
		}
	})
}

// openStart opens the form with what is known without a call, and has it filled.
func (b *Bot) openStart(ctx context.Context, d *delivery, from asker, trigger string, st start) {
	form := view.Form{Kept: st.kept, Model: st.model, Replaced: st.replaced, Now: b.cfg.Now()}
	if b.names.Loaded() {
		form.Unknown = st.unknown
	}
	opened, ok := b.openForm(ctx, d, from, trigger, view.ChangeForm(form))
	if !ok {
		return
	}
	b.cfg.Watch.command(string(change.VerbChange), "form")
	b.cfg.Log.Info("form opened", fields(d, from)...)
	c := &choice{from: from, viewID: opened.ID, hash: opened.Hash, entry: view.FormEntry{Kept: st.kept}, start: &st}
	if st.model != nil {
		c.entry.ModelID = st.model.ID
	}
	b.fill(c)
}

// keptAt is where the request of a form is made: in a channel, or where the form asks for
// it. Changes are not made in direct messages.
func keptAt(channel, thread string) view.FormKept {
	if channel == "" || channel[0] == 'D' {
		return view.FormKept{}
	}
	return view.FormKept{Channel: channel, Thread: thread}
}

// formOf opens the form for a command that names no settings, and reports whether the
// text is one: nothing, or a model that there is, and perhaps a target.
func (b *Bot) formOf(d *delivery, from asker, trigger, text string) bool {
	model, target, ok := commands.Names(text)
	if !ok {
		return false
	}
	if _, known := b.names.Named(model.Word); !known && !model.IsZero() && b.names.Loaded() {
		return false // a word that names nothing is answered with what was meant
	}
	b.openChange(d, from, trigger, func(context.Context) (start, error) {
		st := start{kept: keptAt(from.channel, from.thread), kind: target.Kind, word: target.Word}
		b.name(&st, model.Word)
		return st, nil
	})
	return true
}

// shortcut serves the global shortcut. It has no channel: the form asks for one.
func (b *Bot) shortcut(d *delivery, c slack.InteractionCallback) {
	if c.CallbackID != view.ShortcutGlobal {
		b.unknown(d, "shortcut", c.CallbackID)
		return
	}
	if from := clicker(d, c); b.admit(d, from, c.CallbackID, nil) {
		b.openChange(d, from, c.TriggerID, func(context.Context) (start, error) { return start{}, nil })
	}
}

// messageShortcut serves the shortcut on a message, an alert for example: the model is
// the one that it speaks of, and the card goes to its thread.
func (b *Bot) messageShortcut(d *delivery, c slack.InteractionCallback) {
	if c.CallbackID != view.ShortcutMessage {
		b.unknown(d, "shortcut", c.CallbackID)
		return
	}
	from := clicker(d, c)
	if !b.admit(d, from, c.CallbackID, nil) {
		return
	}
	from.thread = c.Message.ThreadTimestamp
	if from.thread == "" {
		from.thread = c.Message.Timestamp
	}
	b.openChange(d, from, c.TriggerID, func(context.Context) (start, error) {
		st := start{kept: keptAt(from.channel, from.thread)}
		if model, ok := b.names.Mentioned(spoken(c.Message.Msg)); ok {
			st.model = &model
		}
		return st, nil
	})
}

// mostSpoken is how much of a message is looked through.
const mostSpoken = 8000

// spoken is the text of a message with that of its attachments, in which alerts come.
func spoken(m slack.Msg) string {
	parts := []string{m.Text}
	for _, a := range m.Attachments {
		parts = append(parts, a.Pretext, a.Title, a.Text, a.Fallback)
		for _, f := range a.Fields {
			parts = append(parts, f.Title, f.Value)
		}
	}
	text := strings.Join(parts, "\n")
	return strings.ToValidUTF8(text[:min(len(text), mostSpoken)], "")
}

// changeRequest serves [Change…] on a request: the form holds what it asks for. In place
// of one that waits, another one is asked for; of one that is over, nothing but the
// values are taken.
func (b *Bot) changeRequest(d *delivery, from asker, trigger string, id change.ID) {
	b.openChange(d, from, trigger, func(ctx context.Context) (start, error) {
		r, err := b.changes.Request(ctx, from.person, id)
		if errors.Is(err, change.ErrNotFound) {
			return start{}, &change.Refused{Reason: change.Reason{Code: change.RequestNotFound}, Request: &change.Request{ID: id}}
		}
		if err != nil {
			return start{}, err
		}
		st := start{kept: keptAt(r.Channel, r.Thread), settings: r.Ask.Settings, kind: r.Ask.TargetKind, word: r.Ask.Target}
		if !r.State.Ended() && r.Messages.Buttons {
			st.kept.Replaces, st.replaced = id, r
		}
		if person, _, err := b.changes.Who(ctx, from.person.ID); err == nil {
			st.end = view.EndOf(r, person, b.cfg.Now())
		}
		if r.Requester.ID == from.person.ID {
			st.reason = r.Ask.Reason // others give their own
		}
		for _, f := range r.Ask.Settings.Fields() {
			st.kept.More = st.kept.More || f != baseten.MinReplica && f != baseten.MaxReplica
		}
		word := r.Ask.Model // by ID, once it is known what it names
		if t := r.Target; t.ModelID != "" {
			word, st.kind, st.word = t.ModelID, t.Kind(), t.DeploymentID
			if t.Environment != "" {
				st.word = t.Environment
			}
		}
		b.name(&st, word)
		return st, nil
	})
}

// changeTarget serves [Change…] on a status. Its value names a model and perhaps a
// target, in words that are resolved as if they had been typed.
func (b *Bot) changeTarget(d *delivery, from asker, trigger, value string) {
	b.openChange(d, from, trigger, func(context.Context) (start, error) {
		model, target, _ := strings.Cut(value, "/")
		st := start{kept: keptAt(from.channel, from.thread)}
		st.kind, st.word = view.ReadTarget(target)
		b.name(&st, model)
		return st, nil
	})
}

// name sets the model that a word names, or the word that names none.
func (b *Bot) name(st *start, word string) {
	if model, ok := b.names.Named(word); ok {
		st.model = &model
	} else {
		st.unknown = word
	}
}

// unknown acknowledges what another version of the bot, or of its manifest, knows.
func (b *Bot) unknown(d *delivery, what, id string) {
	d.acknowledge()
	b.cfg.Log.Warn("unknown "+what, zap.String("envelope", d.id), zap.String(what, id))
}

// typed are the values that a form opens with, as texts.
func (s *start) typed() map[baseten.Field]string {
	out := make(map[baseten.Field]string, len(s.settings))
	for f, v := range s.settings {
		out[f] = strconv.Itoa(v)
	}
	return out
}
