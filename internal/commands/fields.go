package commands

import (
	"slices"
	"time"

	"autoscalebot/internal/baseten"
	"autoscalebot/internal/moment"
)

// What a form takes apart is read by the same grammar as what is typed in one line.

// Names reads a text that names a model, and perhaps its target, and says nothing else:
// both are zero for an empty text. It returns false for everything else, and for what is
// a command or may have been meant for one.
func Names(text string) (model, target Ref, ok bool) {
	text, m := normalise(text)
	if m != nil {
		return Ref{}, Ref{}, false
	}
	tokens := tokenize(text, false)
	if len(tokens) == 0 {
		return Ref{}, Ref{}, true
	}
	if _, command := firstWord(tokens[0].text); command || slices.Contains(notYet, lower(tokens[0].text)) || len(tokens) > 2 {
		return Ref{}, Ref{}, false
	}
	for _, t := range tokens {
		if !t.plain() {
			return Ref{}, Ref{}, false
		}
	}
	if model, m = modelRef(tokens[0]); m != nil {
		return Ref{}, Ref{}, false
	}
	if _, other := otherWords[lower(model.Word)]; model.Kind == "" && (other || len(baseten.Closest(model.Word, firstWords(), 1)) > 0) {
		return Ref{}, Ref{}, false
	}
	if len(tokens) == 2 {
		if target, m = targetRef(tokens[1]); m != nil {
			return Ref{}, Ref{}, false
		}
	}
	return model, target, true
}

// ReadValue reads the value of a setting. Why is "" where it could be read, and
// otherwise says in one or two sentences what to type instead.
func ReadValue(s baseten.Setting, text string) (n int, why string) {
	return parseValue(s, text)
}

// ReadEnd reads for how long a change is to hold, such as 2h, or until when, such as Mon
// 08:00. Why is "" where it could be read, and otherwise says what to type instead.
func ReadEnd(text string) (d time.Duration, until moment.Time, why string) {
	text, m := normalise(text)
	if m != nil {
		return 0, moment.Time{}, m.Text
	}
	if until, ok := moment.Parse(text); ok {
		return 0, until, ""
	}
	d, ok := parseSpan(text)
	if !ok {
		d, ok = parseSpan(meantSpan(text))
	}
	switch {
	case !ok:
		return 0, moment.Time{}, "Type how long, such as 2h or 1h30m, or a time, such as 18:00, Mon 08:00 or 2026-12-01 08:00."
	case d < moment.Least || d > moment.Most:
		return 0, moment.Time{}, "A change holds for " + moment.FormatSpan(moment.Least) + " to " + moment.FormatSpan(moment.Most) + "."
	default:
		return d, moment.Time{}, ""
	}
}
