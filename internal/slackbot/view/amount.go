package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"autoscalebot/internal/baseten"
)

// number writes 1000000 as 1,000,000.
func number(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// signed writes a difference: +8.
func signed(n int) string {
	if n > 0 {
		return "+" + number(n)
	}
	return number(n)
}

// money writes USD: $1,234.50. What is no amount that anybody pays is not spelled out.
func money(usd float64) string {
	const most = 1e12
	if !(usd < most) { // NaN too
		return "over $1,000,000,000,000"
	}
	cents := int(usd*100 + 0.5)
	return fmt.Sprintf("$%s.%02d", number(cents/100), cents%100)
}

// plural writes "1 approval", "2 approvals".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// value writes a setting's value with its unit.
func value(f baseten.Field, v int) string {
	row, _ := baseten.Lookup(f)
	switch row.Unit {
	case baseten.Seconds:
		if v >= 60 && v%60 == 0 {
			return number(v) + " s (" + number(v/60) + " min)"
		}
		return number(v) + " s"
	case baseten.Percent:
		return number(v) + " %"
	case baseten.Requests:
		return plural(v, "request")
	case baseten.Tokens:
		return plural(v, "token")
	default:
		return number(v)
	}
}

// valueOf writes a setting's value where it may not be set.
func valueOf(f baseten.Field, v *int) string {
	if v == nil {
		return "not set"
	}
	return value(f, *v)
}

// pick is a setting's value, nil where it is not set.
func pick(s baseten.Settings, f baseten.Field) *int {
	if v, ok := s[f]; ok {
		return &v
	}
	return nil
}

// word is what people type for a setting, label what Baseten's pages call it.
func word(f baseten.Field) string {
	if row, ok := baseten.Lookup(f); ok {
		return row.Word
	}
	return name(string(f))
}

func label(f baseten.Field) string {
	if row, ok := baseten.Lookup(f); ok {
		return row.Label
	}
	return name(string(f))
}

func labels(fields []baseten.Field) string {
	out := make([]string, 0, len(fields))
	for _, f := range fields {
		out = append(out, label(f))
	}
	return listed("and", out)
}

// current writes what stands now: "Min replicas is 1, Max replicas is 4".
func current(s baseten.Settings, fields []baseten.Field) string {
	out := make([]string, 0, len(fields))
	for _, f := range fields {
		out = append(out, label(f)+" is "+valueOf(f, pick(s, f)))
	}
	return strings.Join(out, ", ")
}

// inWords writes settings in the words people type, with units.
func inWords(s baseten.Settings) string {
	if len(s) == 0 {
		return "no settings yet"
	}
	out := make([]string, 0, len(s))
	for _, f := range s.Fields() {
		out = append(out, word(f)+" "+value(f, s[f]))
	}
	return strings.Join(out, ", ")
}

// listed writes "a", "a or b", "a, b or c".
func listed(last string, words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	end := len(words) - 1
	return strings.Join(words[:end], ", ") + " " + last + " " + words[end]
}

// times writes how often: "", " twice", " 3 times".
func times(n int) string {
	switch {
	case n < 2:
		return ""
	case n == 2:
		return " twice"
	default:
		return " " + number(n) + " times"
	}
}

// length writes a duration: 45 s, 6 min 20 s, 3 h 5 min.
func length(d time.Duration) string {
	d = max(0, d).Round(time.Second)
	seconds, minutes, hours := int(d/time.Second)%60, int(d/time.Minute)%60, int(d/time.Hour)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", seconds)
	case d < time.Hour && seconds != 0:
		return fmt.Sprintf("%d min %d s", minutes, seconds)
	case d < time.Hour:
		return fmt.Sprintf("%d min", minutes)
	case minutes == 0:
		return number(hours) + " h"
	default:
		return fmt.Sprintf("%s h %d min", number(hours), minutes)
	}
}

// joined joins words, or says the other thing where there are none.
func joined(separator string, words []string, otherwise string) string {
	if len(words) == 0 {
		return otherwise
	}
	return strings.Join(words, separator)
}
