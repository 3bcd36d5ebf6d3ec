package commands

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"autoscalebot/internal/moment"
)

// extendBy is what extend adds where nobody says how much.
const extendBy = time.Hour

// wholeSpan is 90m, 2h, 1h30m, 2d or a sum of them in that order of units.
var wholeSpan = regexp.MustCompile(`^(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,6})m)?$`)

// parseSpan reads a span, whatever its length.
func parseSpan(text string) (time.Duration, bool) {
	parts := wholeSpan.FindStringSubmatch(lower(text))
	if parts == nil || text == "" {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		n, _ := strconv.Atoi("0" + parts[i+1])
		d += time.Duration(n) * unit
	}
	return d, true
}

// looseSpan is one part of a time as people write it: 2 hours, 1.5h.
var looseSpan = regexp.MustCompile(`^(\d{1,6}(?:\.\d{1,3})?) ?([a-z]+),? ?(?:and )?`)

// spanUnits are the units of looseSpan, by the letter of unitOf.
var spanUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

// meantSpan is the span that a text was certainly meant to be, "" where that is not
// certain: 2hours and 2 h are 2h, 1.5h is 1h30m.
func meantSpan(text string) string {
	text = lower(oneLine(text))
	var d time.Duration
	for text != "" {
		part := looseSpan.FindStringSubmatch(text)
		if part == nil {
			return ""
		}
		n, _ := strconv.ParseFloat(part[1], 64)
		unit, ok := spanUnits[unitOf(part[2])]
		if !ok {
			return ""
		}
		d += time.Duration(n * float64(unit))
		text = text[len(part[0]):]
	}
	if d <= 0 || d%time.Minute != 0 {
		return ""
	}
	return moment.FormatSpan(d)
}

// readFor reads how long a change is to hold.
func (t *tail) readFor(tok token) *Mistake {
	value, quoted := t.value(tok)
	tok.end = max(tok.end, t.tokens[t.next-1].end)
	return t.readSpan(tok, value, quoted)
}

// readSpan reads the time for which a change is to hold. It stands at tok and ends with
// the last word that was taken.
func (t *tail) readSpan(tok token, value string, quoted bool) *Mistake {
	if m := t.joined(tok, quoted); m != nil {
		return m
	}
	if unit, ok := t.unitFollows(value); ok && !quoted {
		tok.end = unit.end
		return t.refuse("Write the time without spaces, for example `for=1h30m`.").
			with(t.forInstead(tok, meantSpan(value+" "+unit.text)))
	}
	return t.takeFor(tok, value)
}

// unitFollows tells that the next word goes on with the time before it: 2 h, 1h 30m.
func (t *tail) unitFollows(value string) (token, bool) {
	if t.next == len(t.tokens) {
		return token{}, false
	}
	next := t.tokens[t.next]
	if w, ok := vocabulary[spelled(next.text)]; ok && w.is == isSetting && t.next+1 < len(t.tokens) && t.tokens[t.next+1].canBeValue() {
		return token{}, false // for=90 min 1
	}
	whole := meantSpan(value + " " + next.text)
	return next, next.plain() && !next.quoted && whole != "" && whole != meantSpan(value)
}

// forInstead is the line with that time in the place of tok, "" without one.
func (t *tail) forInstead(tok token, span string) string {
	if span == "" {
		return ""
	}
	return t.instead(tok, "for="+span)
}

// takeFor makes the time for which the change holds of value, which stands at tok.
func (t *tail) takeFor(tok token, value string) *Mistake {
	d, ok := parseSpan(strings.TrimSpace(value))
	if !ok {
		return t.notSpan(tok, strings.TrimSpace(value))
	}
	if m := t.endsTwice(tok, "for"); m != nil {
		return m
	}
	if d < moment.Least || d > moment.Most {
		return t.refuse("for takes %s to %s, and %s is out of that range.", moment.FormatSpan(moment.Least), moment.FormatSpan(moment.Most), echo(value)).
			with(t.forInstead(tok, moment.FormatSpan(min(max(d, moment.Least), moment.Most))))
	}
	t.cmd.For, t.end, t.endAt = d, "for", tok
	return nil
}

// notSpan explains a value of for that is no time.
func (t *tail) notSpan(tok token, value string) *Mistake {
	_, isMoment := moment.Parse(value)
	switch {
	case value == "":
		return t.refuse("for needs a time.").example(t.instead(tok, "for=2h"))
	case strings.Trim(value, "0123456789") == "":
		m := t.refuse("for=%s needs a unit: m for minutes, h for hours, d for days.", echo(value))
		var lines []string
		for _, unit := range []string{"m", "h", "d"} {
			lines = append(lines, t.instead(tok, "for="+value+unit))
		}
		return m.with(lines...)
	case isMoment:
		return t.refuse("for says how long, and until says when it ends.").with(t.instead(tok, untilWord(value)))
	}
	return t.refuse("for=%s is not a time. Type a number with m, h or d right after it, for example `for=1h30m`.", echo(value)).
		with(t.forInstead(tok, meantSpan(value)))
}

// readUntil reads when a change is to end: one word, two that belong together, or both
// in quotes.
func (t *tail) readUntil(tok token) *Mistake {
	value, quoted := t.value(tok)
	tok.end = max(tok.end, t.tokens[t.next-1].end)
	if m := t.joined(tok, quoted); m != nil {
		return m
	}
	if t.next < len(t.tokens) && !quoted {
		next := t.tokens[t.next]
		if m, ok := moment.Parse(value + " " + next.text); ok && !next.quoted && !next.assigned {
			t.next++
			tok.end = next.end
			return t.takeUntil(tok, m)
		}
	}
	if m, ok := moment.Parse(value); ok {
		return t.takeUntil(tok, m)
	}
	return t.notMoment(tok, strings.TrimSpace(value))
}

func (t *tail) takeUntil(tok token, m moment.Time) *Mistake {
	if twice := t.endsTwice(tok, "until"); twice != nil {
		return twice
	}
	t.cmd.Until, t.end, t.endAt = m, "until", tok
	return nil
}

// untilWord is the option with a value as people type it.
func untilWord(value string) string {
	if m, ok := moment.Parse(value); ok {
		value = m.String()
	}
	if strings.Contains(value, " ") {
		value = quote(value)
	}
	return "until=" + value
}

// hourOnly is an hour, perhaps with minutes in another spelling: 18, 18h, 18.30, 18h30.
var hourOnly = regexp.MustCompile(`^(\d{1,2})(?:[.h]?(\d{2})?)h?$`)

// notMoment explains a value of until that is no moment.
func (t *tail) notMoment(tok token, value string) *Mistake {
	v := lower(value)
	first, rest, _ := strings.Cut(v, " ")
	weekday, isWeekday := moment.Weekday(first)
	const sayWhen = "Say the time, with a weekday or a date where it is not within a day."
	switch {
	case v == "":
		return t.refuse("until needs a time.").example(t.instead(tok, "until=18:00"))
	case isWeekday && rest == "":
		return t.refuse("%s needs a time too.", weekday).example(t.instead(tok, untilWord(weekday+" 08:00")))
	case slices.Contains([]string{"today", "tonight"}, first):
		return t.refuse("%s", sayWhen).example(t.instead(tok, "until=18:00"))
	case slices.Contains([]string{"tomorrow", "morning", "noon", "midnight", "weekend", "next"}, first):
		return t.refuse("%s is not a time. %s", echo(first), sayWhen).example(t.instead(tok, untilWord("Mon 08:00")))
	case meantSpan(v) != "" && !hourOnly.MatchString(v):
		return t.refuse("until says when it ends, and for says how long.").with(t.forInstead(tok, meantSpan(v)))
	}
	m := t.refuse("until=%s is not a time. Type `until=18:00`, `until=\"Mon 08:00\"` or `until=\"2026-12-01 08:00\"`.", echo(value))
	if parts := hourOnly.FindStringSubmatch(v); parts != nil {
		minutes := parts[2]
		if minutes == "" {
			minutes = "00"
		}
		m = m.with(t.instead(tok, untilWord(parts[1]+":"+minutes)))
		if span := meantSpan(v); span != "" { // until=2h
			m = m.with(t.forInstead(tok, span))
		}
	}
	return m
}

// endsTwice refuses a second end of the change, which stands at tok.
func (t *tail) endsTwice(tok token, word string) *Mistake {
	switch t.end {
	case "":
		return nil
	case word:
		return t.refuse("%s is given twice. Type it once.", word).with(t.without(tok), t.without(t.endAt))
	}
	return t.refuse("Both for and until are given. Type one of them.").with(t.without(tok), t.without(t.endAt))
}
