// Package moment is a time as people say it, 18:00 or Mon 08:00, and how long something
// may last that they ask for. It refuses to know what time it is, and where: both are said
// to it.
package moment

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How long a change or a freeze may last that is to end by itself: less would be over
// before anybody has seen it, more is as good as for ever.
const (
	Least = 5 * time.Minute
	Most  = 30 * 24 * time.Hour
)

// FormatSpan writes a span as it is typed, for whole minutes: 2d, 1h30m.
func FormatSpan(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	var out string
	if d >= time.Hour {
		out = fmt.Sprintf("%dh", d/time.Hour)
	}
	if minutes := d % time.Hour / time.Minute; minutes > 0 {
		out += fmt.Sprintf("%dm", minutes)
	}
	return out
}

// Time is a time as people say it: of the day (18:00), of a weekday (Mon 08:00) or of
// a date (2026-12-01 08:00). It has no time zone: In reads it in one.
type Time struct {
	// Year, Month and Day are zero unless a date was said.
	Year  int
	Month time.Month
	Day   int
	// Weekday is "Mon" to "Sun", "" unless one was said.
	Weekday      string
	Hour, Minute int
	// Set tells that there is a moment at all: 00:00 is one too.
	Set bool
}

// IsZero reports whether no moment was said.
func (m Time) IsZero() bool { return !m.Set }

// String is the canonical spelling, "" where there is no moment.
func (m Time) String() string {
	clock := fmt.Sprintf("%02d:%02d", m.Hour, m.Minute)
	switch {
	case !m.Set:
		return ""
	case m.Year != 0:
		return fmt.Sprintf("%04d-%02d-%02d %s", m.Year, int(m.Month), m.Day, clock)
	case m.Weekday != "":
		return m.Weekday + " " + clock
	default:
		return clock
	}
}

// Error tells that there is no such moment to come.
type Error struct {
	Time Time
	// Passed tells that the date is over.
	Passed bool
	// Skipped tells that the clocks are put forward over it: from From to To, which are
	// one instant, by the clocks of before and of after.
	Skipped  bool
	From, To time.Time
}

// Error says why.
func (e *Error) Error() string {
	if e.Skipped {
		return fmt.Sprintf("%s does not exist on %s: the clocks go from %s to %s",
			e.Time, e.From.Format(time.DateOnly), e.From.Format("15:04"), e.To.Format("15:04"))
	}
	return fmt.Sprintf("%s has passed", e.Time)
}

// In returns the first such moment after now in the time zone, nil for UTC. The time of
// a day that has it twice, because the clocks are put back, is the first of the two that
// is still to come. It fails with a *Error for a date that has passed, and for a
// time that the clocks skip on the day in question.
func (m Time) In(now time.Time, loc *time.Location) (time.Time, error) {
	loc = cmp.Or(loc, time.UTC)
	if m.Year != 0 {
		t, problem := m.on(m.Year, m.Month, m.Day, now, loc)
		if problem != nil {
			return time.Time{}, problem
		}
		return t, nil
	}
	today := now.In(loc)
	for ahead := range 8 {
		day := time.Date(today.Year(), today.Month(), today.Day()+ahead, 0, 0, 0, 0, time.UTC)
		if m.Weekday != "" && m.Weekday != weekdayOf(day) {
			continue
		}
		t, problem := m.on(day.Year(), day.Month(), day.Day(), now, loc)
		switch {
		case problem == nil:
			return t, nil
		case problem.Skipped:
			return time.Time{}, problem
		}
	}
	return time.Time{}, &Error{Time: m, Passed: true}
}

// on returns the first time after now that the clocks of the time zone show the moment's
// hour and minute on that day.
func (m Time) on(year int, month time.Month, day int, now time.Time, loc *time.Location) (time.Time, *Error) {
	// What the clocks show, as if they were UTC's. No zone is as far as 26 hours from it.
	shown := time.Date(year, month, day, m.Hour, m.Minute, 0, 0, time.UTC)
	const farthest = 26 * time.Hour
	problem := &Error{Time: m, Passed: true}
	for at := shown.Add(-farthest); ; {
		zone, offset := at.In(loc).Zone()
		_, change := at.In(loc).ZoneBounds() // zero: for ever
		t := shown.Add(-time.Duration(offset) * time.Second)
		before := change.IsZero() || t.Before(change)
		if start, _ := at.In(loc).ZoneBounds(); before && (start.IsZero() || !t.Before(start)) && t.After(now) {
			return t.In(loc), nil
		}
		if change.IsZero() || change.After(shown.Add(farthest)) {
			break
		}
		_, next := change.In(loc).Zone()
		after := shown.Add(-time.Duration(next) * time.Second)
		if !before && after.Before(change) && change.After(now) {
			problem = &Error{Time: m, Skipped: true, From: change.In(time.FixedZone(zone, offset)), To: change.In(loc)}
		}
		at = change
	}
	return time.Time{}, problem
}

// weekdays are the canonical spellings, by time.Weekday.
var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

func weekdayOf(day time.Time) string { return weekdays[day.Weekday()] }

// Weekday reads mon, Monday and the like as Mon.
func Weekday(word string) (string, bool) {
	for i, short := range weekdays {
		if slices.Contains([]string{strings.ToLower(short), strings.ToLower(time.Weekday(i).String())}, strings.ToLower(word)) {
			return short, true
		}
	}
	return "", false
}

var (
	clockTime = regexp.MustCompile(`^(\d{1,2}):(\d{2})$`)
	halfDay   = regexp.MustCompile(`^(\d{1,2})(?::(\d{2}))? ?(am|pm)$`)
	dayOfYear = regexp.MustCompile(`^(2\d{3}-\d{2}-\d{2})[t ]`)
)

// Parse reads what until= takes: 18:00 or 6pm, a weekday and a time, a date and a
// time with a space or a T between them.
func Parse(text string) (Time, bool) {
	m := Time{Set: true}
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	if date := dayOfYear.FindStringSubmatch(text); date != nil {
		day, err := time.Parse(time.DateOnly, date[1])
		if err != nil {
			return Time{}, false
		}
		m.Year, m.Month, m.Day = day.Date()
		text = text[len(date[0]):]
	} else if first, rest, ok := strings.Cut(text, " "); ok {
		if weekday, ok := Weekday(first); ok {
			m.Weekday, text = weekday, rest
		}
	}
	var ok bool
	m.Hour, m.Minute, ok = readClock(text)
	if !ok {
		return Time{}, false
	}
	return m, true
}

// readClock reads 18:00, 8:00, 6pm or 6:30pm.
func readClock(text string) (hour, minute int, ok bool) {
	if parts := clockTime.FindStringSubmatch(text); parts != nil {
		hour, _ = strconv.Atoi(parts[1])
		minute, _ = strconv.Atoi(parts[2])
		return hour, minute, hour < 24 && minute < 60
	}
	parts := halfDay.FindStringSubmatch(text)
	if parts == nil {
		return 0, 0, false
	}
	hour, _ = strconv.Atoi(parts[1])
	minute, _ = strconv.Atoi(cmp.Or(parts[2], "0"))
	ok = hour >= 1 && hour <= 12 && minute < 60
	hour %= 12 // 12am is 0:00, 12pm noon
	if parts[3] == "pm" {
		hour += 12
	}
	return hour, minute, ok
}
