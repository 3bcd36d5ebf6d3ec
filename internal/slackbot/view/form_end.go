package view

import (
	"slices"
	"time"

	"github.com/slack-go/slack"

	"autoscalebot/internal/authz"
	"autoscalebot/internal/change"
	"autoscalebot/internal/commands"
	"autoscalebot/internal/moment"
)

// For how long the change that a form asks for is to hold: a choice of lengths, and a field
// for another one, or for a time, which stands in the form once that was chosen.

// PickEnd is where the length is chosen, InputEnd where another one is typed. Both are
// block IDs too.
const (
	PickEnd  = "end"
	InputEnd = "end_text"
)

// Choices beside the lengths.
const (
	endNever = "never"
	endTyped = "typed"
)

// endLengths are the lengths to choose from.
var endLengths = []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}

// FormEnd is what a form holds on it: a choice, "" for none yet, and what was typed.
type FormEnd struct{ Choice, Text string }

// Read reads it; both are zero for good. Why says what is wrong with what was typed.
func (e FormEnd) Read() (d time.Duration, until moment.Time, why string) {
	switch e.Choice {
	case "", endNever:
		return 0, moment.Time{}, ""
	case endTyped:
		return commands.ReadEnd(e.Text)
	default:
		return commands.ReadEnd(e.Choice)
	}
}

// EndOf is how long a request is to hold, as the reader would type it in their time zone. A
// time that has passed at now is to be typed anew.
func EndOf(r *change.Request, reader authz.Person, now time.Time) FormEnd {
	switch {
	case r.Ask.Clock != "" && r.Requester.ID == reader.ID:
		return FormEnd{endTyped, r.Ask.Clock}
	case r.Ask.Clock != "":
		return FormEnd{Choice: endTyped}
	case !r.Ask.Until.IsZero():
		m := momentOf(r.Ask.Until, reader.Zone)
		left := r.Ask.Until.Sub(now)
		switch {
		case left < moment.Least:
			return FormEnd{Choice: endTyped}
		case left < 24*time.Hour:
			m.Year, m.Month, m.Day = 0, 0, 0
		}
		return FormEnd{endTyped, m.String()}
	case r.Ask.For == 0:
		return FormEnd{}
	case slices.Contains(endLengths, r.Ask.For):
		return FormEnd{Choice: moment.FormatSpan(r.Ask.For)}
	default:
		return FormEnd{endTyped, moment.FormatSpan(r.Ask.For)}
	}
}

// endFields ask for how long the change is to hold.
func (d *draft) endFields(f Form) {
	options := []*slack.OptionBlockObject{slack.NewOptionBlockObject(endNever, plainText("For good", mostOption), nil)}
	for _, one := range endLengths {
		options = append(options, slack.NewOptionBlockObject(moment.FormatSpan(one), plainText(length(one)+", then back", mostOption), nil))
	}
	options = append(options, slack.NewOptionBlockObject(endTyped, plainText("Until a time, or another length…", mostOption), nil))
	pick := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, PickEnd, options...)
	pick.InitialOption = options[0]
	for _, o := range options {
		if o.Value == f.End.Choice {
			pick.InitialOption = o
		}
	}
	b := asking(PickEnd, "For how long", pick)
	switch {
	case f.Kept.MostFor > 0:
		b.Hint = plainText("The policy wants an end here, after "+length(f.Kept.MostFor)+" at most.", mostLabel)
	case f.Kept.NeedsEnd:
		b.Hint = plainText("The policy wants an end here.", mostLabel)
	}
	d.input(b)
	if f.End.Choice != endTyped {
		return
	}
	el := slack.NewPlainTextInputBlockElement(plainText("2h, 18:00 or Mon 08:00", mostOption), InputEnd)
	el.MaxLength, el.InitialValue = 30, f.End.Text
	el.DispatchActionConfig = &slack.DispatchActionConfig{TriggerActionsOn: []string{"on_character_entered"}}
	typed := asking(InputEnd, "How long, or until when", el)
	typed.Hint = plainText("2h, 1h30m or 2d; 18:00, Mon 08:00 or 2026-12-01 08:00 in your time zone.", mostLabel)
	d.input(typed)
}
