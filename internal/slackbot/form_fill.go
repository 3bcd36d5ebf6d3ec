package slackbot

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"go.uber.org/zap"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
	"autoscalebot/internal/slackbot/view"
)

const (
	// formAge is how old the settings may be that a form shows and judges by. What is sent
	// is read anew.
	formAge = 4 * time.Second
	// readEvery is how often one person's form reads Baseten at most; one reading is some
	// calls.
	readEvery = time.Second
	// typingPause is how long a form waits for the next digit.
	typingPause = 300 * time.Millisecond
	// fillWithin bounds one look at what was chosen.
	fillWithin = 20 * time.Second
	// formsKept is of how many people it is remembered which form they fill.
	formsKept = 1000
)

// forms are the forms that people have open, as far as this process fills them: one for
// each person, the one in which something was chosen last.
type forms struct {
	mu sync.Mutex
	by *memory[string, *filling]
	// told are values of today that a person was shown under a field, by view and block:
	// what is sent once more was looked at.
	told *memory[[2]string, int]
}

func newForms() *forms {
	return &forms{by: newMemory[string, *filling](formsKept), told: newMemory[[2]string, int](formsKept)}
}

// filling is the work on one person's form. Its fields are guarded by forms.mu, but for
// readAt, which belongs to whoever fills.
type filling struct {
	busy   bool
	newest *choice // what was chosen last and not looked at yet, nil for nothing
	// chosenAt is when something was chosen last, in the view chosenIn and by Slack's clock:
	// what it sends may arrive in another order.
	chosenIn, chosenAt string
	// more tells that the other settings were asked for in it.
	more bool
	// viewID was brought from the state base to the state hash, in Slack's words for them.
	viewID, base, hash string

	readAt time.Time
}

// choice is a form with something newly chosen in it.
type choice struct {
	from         asker
	viewID, hash string
	entry        view.FormEntry
	at           string // the ts of the choice, "" for the form as it opens
	// start is what the form opened with, nil once somebody chose something.
	start  *start
	typing bool
}

// fill brings a form up to date with a choice, soon. Of several the last one counts.
func (b *Bot) fill(c *choice) {
	b.forms.mu.Lock()
	defer b.forms.mu.Unlock()
	f, ok := b.forms.by.get(c.from.person.ID)
	if !ok {
		f = &filling{}
		b.forms.by.put(c.from.person.ID, f)
	}
	if c.viewID == f.chosenIn {
		if f.more = f.more || c.entry.Kept.More; c.at < f.chosenAt {
			return
		}
		c.entry.Kept.More = f.more // pressed, though the form did not show it yet
	}
	f.newest, f.chosenIn, f.chosenAt, f.more = c, c.viewID, c.at, c.entry.Kept.More
	if f.busy {
		return
	}
	f.busy = b.loop.reads.add(func(ctx context.Context) {
		ended := false
		defer func() {
			if !ended { // filling broke: the next choice begins anew
				b.forms.stop(f)
			}
		}()
		for {
			c := b.forms.next(f)
			if ended = c == nil; ended {
				return
			}
			if c.typing && sleep(ctx, typingPause) && b.forms.outdated(f) {
				continue
			}
			b.fillNow(ctx, f, c)
		}
	})
	if !f.busy {
		b.cfg.Log.Error("a form is not filled: too many wait", zap.String("user", c.from.person.ID))
	}
}

// next takes the newest choice, and ends the work where there is none.
func (s *forms) next(f *filling) *choice {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := f.newest
	f.newest, f.busy = nil, c != nil
	return c
}

func (s *forms) stop(f *filling) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.busy = false
}

// fillNow looks at what was chosen and shows what follows from it.
func (b *Bot) fillNow(life context.Context, f *filling, c *choice) {
	ctx, cancel := context.WithTimeout(life, fillWithin)
	defer cancel()
	form := view.Form{Kept: c.entry.Kept, End: c.entry.End, Reason: c.entry.Reason, Typed: c.entry.Typed(), Now: b.cfg.Now()}
	if c.start != nil {
		form.Unknown, form.Typed, form.Reason, form.Replaced = c.start.unknown, c.start.typed(), c.start.reason, c.start.replaced
		form.End = c.start.end
	} else if id := c.entry.Kept.Replaces; id != "" {
		form.Replaced, _ = b.changes.Request(ctx, c.from.person, id) // it is only shown
	}
	if model, ok := b.names.Listed(c.entry.ModelID); ok {
		form.Model = &model
	} else if c.entry.ModelID != "" {
		form.Unknown = c.entry.ModelID
	}
	reading := change.Sign(ctx, b.cfg.Now(), b.cfg.Now(),
		func(ctx context.Context) error { return b.updateForm(ctx, f, c, form) },
		func(err error) {
			b.cfg.Log.Debug("sign of a form", zap.String("user", c.from.person.ID), zap.Error(err))
		})
	filled := b.filled(ctx, f, c, form)
	reading()
	// Also where the look took all its time: the form says so.
	updating, cancelUpdate := context.WithTimeout(life, fillWithin)
	defer cancelUpdate()
	if err := b.updateForm(updating, f, c, filled); err != nil {
		b.cfg.Log.Warn("fill a form", zap.String("user", c.from.person.ID), zap.Error(err), zap.Strings("messages", explained(err)))
		b.loop.later(func(ctx context.Context) { b.answer(ctx, c.from, view.FormNotFilled()) })
	}
}

// filled reads what the form is to show: the model's targets, the settings of the one
// chosen, and what would come of the values.
func (b *Bot) filled(ctx context.Context, f *filling, c *choice, form view.Form) view.Form {
	var no *change.Refused
	if errors.As(b.changes.MayRead(ctx, &c.from.person), &no) {
		form.Trouble = no.Reason
		return form
	}
	if form.Model == nil {
		if _, err := b.names.Models(ctx); err != nil {
			form.Trouble = change.NameProblem(err)
			return form
		}
		model, ok := b.names.Named(form.Unknown)
		if !ok {
			return form
		}
		form.Model, form.Unknown, form.Kept.Given = &model, "", model.ID
	}
	targets, err := b.recent(ctx, f, form.Model.ID)
	if err != nil {
		form.Trouble = change.NameProblem(err)
		return form
	}
	form.Targets = &targets
	form.Target = b.target(c, targets)
	if form.Target == nil || form.Target.Settings() == nil {
		return form
	}
	form.Seen, form.Moved = b.preview(ctx, c, form)
	return form
}

// recent reads a model, unless that was done a moment ago, and never more often for one
// person than is good for Baseten.
func (b *Bot) recent(ctx context.Context, f *filling, modelID string) (baseten.Targets, error) {
	if t, ok := b.names.Last(modelID); ok && b.cfg.Now().Sub(t.ReadAt) <= formAge {
		return t, nil
	}
	sleep(ctx, time.Until(f.readAt.Add(readEvery)))
	f.readAt = time.Now()
	return b.names.Recent(ctx, modelID, formAge)
}

// target is the one chosen, or the only one that there is.
func (b *Bot) target(c *choice, targets baseten.Targets) *baseten.Resolved {
	kind, word := view.ReadTarget(c.entry.Target)
	if c.start != nil {
		kind, word = c.start.kind, c.start.word
	}
	if word == "" {
		if offered := view.Offered(targets); len(offered) == 1 {
			return &offered[0]
		}
		return nil
	}
	found, err := targets.Resolve(kind, word)
	if err != nil {
		return nil
	}
	return &found
}

// preview is what would come of the values that the form is about to show, nil where
// there are none. Beside it stand those that moved since they were shown.
func (b *Bot) preview(ctx context.Context, c *choice, form view.Form) (*change.Preview, []change.Moved) {
	current := form.Target.Settings()
	touched := make(baseten.Settings)
	var moved []change.Moved
	for _, s := range baseten.AllSettings {
		n, why := commands.ReadValue(s, form.Typed[s.Field])
		if was, set := current[s.Field]; form.Typed[s.Field] != "" && why == "" && (!set || n != was) {
			touched[s.Field] = n
		}
	}
	for _, f := range c.entry.Fields {
		if _, asked := touched[f.Setting.Field]; asked && !f.Other {
			if m, differs := movedSince(f, current); differs {
				moved = append(moved, m)
			}
		}
	}
	channel := c.entry.Kept.Channel
	if channel == "" {
		channel = c.entry.Channel
	}
	length, until, why := form.End.Read()
	if len(touched) == 0 || channel == "" || why != "" {
		return nil, nil
	}
	from := c.from
	from.channel, from.thread = channel, c.entry.Kept.Thread
	in := b.submission(from)
	in.Ask = askOfForm(*form.Model, *form.Target, commands.Command{Settings: touched, For: length, Until: until, Reason: form.Reason})
	in.MaxAge = formAge + time.Second // what was read for this form
	p := b.changes.Preview(ctx, in)
	return &p, moved
}

// movedSince reports how a setting is not as it was shown.
func movedSince(f view.FormField, current baseten.Settings) (change.Moved, bool) {
	var is *int
	if v, set := current[f.Setting.Field]; set {
		is = &v
	}
	same := is == nil && f.Shown == nil || is != nil && f.Shown != nil && *is == *f.Shown
	return change.Moved{Field: f.Setting.Field, Was: f.Shown, Is: is}, !same
}

// updateForm shows a form as it is now. One that was closed is let be. Where the form is
// not any more as this choice found it, another process has changed it, or this one: the
// last choice counts.
func (b *Bot) updateForm(ctx context.Context, f *filling, c *choice, form view.Form) error {
	hash := b.forms.hashFor(f, c)
	opened, err := b.sendForm(ctx, c, form, hash)
	if said(err) == "hash_conflict" && !b.forms.outdated(f) {
		opened, err = b.sendForm(ctx, c, form, "")
	}
	switch said(err) {
	case "hash_conflict", "not_found", "view_not_found":
		return nil
	}
	if err == nil {
		b.forms.showed(f, c, opened.Hash)
	}
	return err
}

func (b *Bot) sendForm(ctx context.Context, c *choice, form view.Form, hash string) (opened slack.View, err error) {
	err = twice(ctx, func() error {
		return b.slack.api.ask(ctx, "views.update", func(ctx context.Context, client *slack.Client) error {
			resp, err := client.UpdateViewContext(ctx, view.ChangeForm(form), "", hash, c.viewID)
			if err == nil {
				opened = resp.View
			}
			return err
		})
	})
	return opened, err
}

// hashFor is the state in which the form is now, as far as this process knows.
func (s *forms) hashFor(f *filling, c *choice) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.viewID == c.viewID && f.base == c.hash {
		return f.hash
	}
	return c.hash
}

func (s *forms) showed(f *filling, c *choice, hash string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.viewID, f.base, f.hash = c.viewID, c.hash, hash
}

// outdated reports whether something else was chosen meanwhile.
func (s *forms) outdated(f *filling) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.newest != nil
}

// chosen serves what is chosen or typed in an open form.
func (b *Bot) chosen(d *delivery, c slack.InteractionCallback) {
	from := clicker(d, c)
	if !b.admit(d, from, c.View.CallbackID, nil) {
		return
	}
	d.acknowledge()
	entry, ok := view.ReadForm(c.View)
	if !ok {
		b.cfg.Log.Warn("unknown form", zap.String("envelope", d.id), zap.String("form", c.View.CallbackID))
		return
	}
	next := &choice{from: from, viewID: c.View.ID, hash: c.View.Hash, entry: entry}
	for _, action := range c.ActionCallback.BlockActions {
		switch {
		case action == nil:
			continue
		case action.ActionID == view.PressMore:
			next.entry.Kept.More = true
		default:
			_, isSetting := baseten.SettingNamed(action.ActionID)
			next.typing = isSetting || action.ActionID == view.InputEnd
		}
		next.at = action.ActionTs
	}
	b.fill(next)
}
