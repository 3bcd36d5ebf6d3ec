package commands

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a Mistake's text, in characters.
const (
	maxMistake = 300
	maxEcho    = 40
)

// Mistake tells a person why a text was not understood and what to type instead,
// in one to three short sentences. Text has at most 300 characters, no control
// characters, and repeats nothing typed that Slack could bring to life: no angle
// brackets and no backticks.
type Mistake struct{ Text string }

// Error returns Text.
func (m *Mistake) Error() string { return m.Text }

// mistake makes a Mistake. Typed words among the arguments have to go through echo.
func mistake(format string, args ...any) *Mistake {
	text := fmt.Sprintf(format, args...)
	if utf8.RuneCountInString(text) > maxMistake {
		text = string([]rune(text)[:maxMistake-1]) + "…"
	}
	return &Mistake{Text: text}
}

// echo makes a typed word fit to be repeated: at most 40 characters, nothing that
// mrkdwn could read as a mention, link or code, nothing invisible.
func echo(word string) string {
	word = strings.Map(func(r rune) rune {
		if r == '<' || r == '>' || r == '`' || unicode.In(r, unicode.Cc, unicode.Cf) {
			return -1
		}
		return r
	}, word)
	if utf8.RuneCountInString(word) > maxEcho {
		word = string([]rune(word)[:maxEcho-1]) + "…"
	}
	return word
}

// either writes choices as "a, b or c".
func either(choices []string) string {
	if len(choices) < 2 {
		return strings.Join(choices, "")
	}
	last := len(choices) - 1
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}
