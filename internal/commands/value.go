package commands

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"autoscalebot/internal/baseten"
)

// resetWords are what people type to clear a setting. Baseten cannot.
var resetWords = []string{"null", "none", "nil", "reset", "default", "unset", "clear", "off"}

// timeUnits are words that people write for the units of time.
var timeUnits = map[string][]string{
	"s": {"s", "sec", "secs", "second", "seconds"},
	"m": {"m", "min", "mins", "minute", "minutes"},
	"h": {"h", "hr", "hrs", "hour", "hours"},
	"d": {"d", "day", "days"},
	"w": {"w", "week", "weeks"},
}

// unitOf is the unit that a word stands for, "" if it is none.
func unitOf(word string) string {
	for unit, words := range timeUnits {
		if slices.Contains(words, lower(word)) {
			return unit
		}
	}
	return ""
}

// thousands is a whole number in groups of three digits.
var thousands = regexp.MustCompile(`^\d{1,3}([,'_ ]\d{3})+$`)

// meant is the value that a word was certainly meant to be, "" where that is not
// certain: 10min is 10m, 1,000 is 1000, 7.0 is 7.
func meant(s baseten.Setting, word string) string {
	v := lower(strings.TrimSpace(word))
	number := v[:len(v)-len(strings.TrimLeft(v, "0123456789"))]
	switch {
	case thousands.MatchString(v):
		return strings.NewReplacer(",", "", "'", "", "_", "", " ", "").Replace(v)
	case number == "":
		return ""
	case strings.Trim(v[len(number):], "0") == "." && !strings.HasSuffix(v, ".000"): // which may be a thousand
		return number
	case s.Unit == baseten.Seconds:
		return number + unitOf(strings.TrimSpace(v[len(number):]))
	}
	return ""
}

// wholeTime is 90s, 10m, 1h or a sum of them, in whole numbers.
var wholeTime = regexp.MustCompile(`^(\d+h)?(\d+m)?(\d+s)?$`)

// parseValue reads the value of a setting: a whole number in ASCII digits, with %
// for a percentage and s, m or h for a time, within the setting's range. Otherwise
// why says in one or two sentences what to type instead.
func parseValue(s baseten.Setting, word string) (n int, why string) {
	v := lower(strings.TrimSpace(word))
	if v == "" {
		return 0, fmt.Sprintf("%s needs a value.", s.Word)
	}
	if slices.Contains(resetWords, v) {
		return 0, fmt.Sprintf("Baseten has no reset for %s; give the number you want.", s.Word)
	}
	if strings.ContainsAny(v[:1], "+-*/") || strings.HasPrefix(v, "–") || strings.HasPrefix(v, "—") || strings.HasPrefix(v, "−") {
		return 0, fmt.Sprintf("%q is relative or negative. Give the number that %s should have.", echo(word), s.Word)
	}
	if strings.ContainsFunc(v, func(r rune) bool { return r > unicode.MaxASCII && unicode.IsNumber(r) }) {
		return 0, fmt.Sprintf("Type the number for %s with the digits 0 to 9.", s.Word)
	}
	switch s.Unit {
	case baseten.Percent:
		v = strings.TrimSpace(strings.TrimSuffix(v, "%"))
	case baseten.Seconds:
		if strings.Trim(v, "0123456789") != "" {
			return parseTime(s, word, v)
		}
	}
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return 0, fmt.Sprintf("%s=%s is not a whole number. Type digits only.", s.Word, echo(word))
	}
	n, err := strconv.Atoi(v)
	if err != nil { // digits only, so it is too large
		n = math.MaxInt
	}
	return inRange(s, n)
}

func parseTime(s baseten.Setting, word, v string) (n int, why string) {
	if !wholeTime.MatchString(v) {
		return 0, fmt.Sprintf("%s=%s is not a time. Type whole seconds, or a number with s, m or h right after it.", s.Word, echo(word))
	}
	d, err := time.ParseDuration(v)
	if err != nil { // well formed, so it is too large
		d = math.MaxInt64
	}
	return inRange(s, int(d/time.Second))
}

func inRange(s baseten.Setting, n int) (int, string) {
	switch {
	case n > s.Most && s.Most == math.MaxInt32:
		return 0, fmt.Sprintf("%s takes at most %d %s.", s.Word, s.Most, noun(s.Unit))
	case n < s.Least || n > s.Most:
		return 0, rangeOf(s)
	}
	return n, ""
}

// rangeOf says which values a setting takes: "window takes 10 s to 3600 s (60 min)."
func rangeOf(s baseten.Setting) string {
	if s.Most == math.MaxInt32 {
		return fmt.Sprintf("%s takes %d or more %s.", s.Word, s.Least, noun(s.Unit))
	}
	return fmt.Sprintf("%s takes %s to %s.", s.Word, s.Format(s.Least), s.Format(s.Most))
}

func noun(u baseten.Unit) string {
	switch u {
	case baseten.Seconds:
		return "seconds"
	case baseten.Requests:
		return "requests"
	case baseten.Percent:
		return "percent"
	case baseten.Tokens:
		return "tokens"
	default:
		return "replicas"
	}
}

// sample is an example of a setting, in its unit and range.
func sample(s baseten.Setting) string {
	value := "7"
	switch s.Unit {
	case baseten.Replicas:
		if s.Least == 0 {
			value = "1"
		}
	case baseten.Seconds:
		value = "10m"
	case baseten.Requests:
		value = "32"
	case baseten.Percent:
		value = strconv.Itoa(min(70, s.Most)) + "%"
	case baseten.Tokens:
		value = "40000"
	}
	return s.Word + "=" + value
}
